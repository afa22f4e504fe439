//! Evidence in, judgement none: commands, builds, and what test runners report in a form that tests cannot forge by printing.

mod cargo;
mod command;
mod ecosystem;
mod record;
mod runner;
mod rustc;
mod tail;
mod target_dir;

pub use cargo::Cargo;
pub use command::{Check, Checked};
pub use ecosystem::{Ecosystem, Plain, Running, detect};
pub use record::reports;
pub use runner::{RUNNER_MODE, test_runner_main};
pub use tail::tail;
