//! Evidence in, judgement none: commands, builds, and what test runners report in a form that tests cannot forge by printing.

mod cargo;
mod cobertura;
mod code;
mod command;
mod coverage;
mod ecosystem;
mod figure;
mod lcov;
mod record;
mod runner;
mod rustc;
mod tail;
mod target_dir;

pub use cargo::Cargo;
pub use command::{Check, Checked, last_text};
pub use coverage::{Covered, Places, Put, REPORT_MAX, Share, Stretches, Unread};
pub use ecosystem::{Ecosystem, Plain, Running, detect};
pub use figure::{PRINTED_MAX, figure};
pub use record::reports;
pub use runner::{RUNNER_MODE, test_runner_main};
pub use tail::tail;
