//! Evidence in, judgement none: commands, builds, and what test runners report in a form that tests cannot forge by printing.

mod cargo;
mod command;
mod compiler;
mod declared;
mod ecosystem;
mod elixir;
mod events;
mod go;
mod javascript;
mod junit;
mod links;
mod node;
mod place;
mod python;
mod record;
mod runner;
mod rustc;
mod setup;
mod tail;
mod tap;
mod target_dir;

pub use cargo::Cargo;
pub use command::{Check, Checked};
pub use declared::names_report;
pub use ecosystem::{ECOSYSTEMS, Ecosystem, Order, Prepared, Preparing, Reader, Reading, run};
pub use elixir::Elixir;
pub use go::Go;
pub use node::Node;
pub use place::{Place, Tree};
pub use python::Python;
pub use record::reports;
pub use runner::{RUNNER_MODE, test_runner_main};
pub use setup::setup;
pub use tail::tail;
