//! Evidence in, judgement none: commands, builds, and what test runners report in a form that tests cannot forge by printing.

mod cargo;
mod cobertura;
mod code;
mod command;
mod coverage;
mod declared;
mod ecosystem;
mod events;
mod figure;
mod javascript;
mod junit;
mod lcov;
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
pub use command::{Check, Checked, last_text};
pub use coverage::{Covered, Places, Put, REPORT_MAX, Share, Stretches, Unread};
pub use declared::names_report;
pub use ecosystem::{ECOSYSTEMS, Ecosystem, Order, Prepared, Preparing, Reader, Reading, run};
pub use figure::{PRINTED_MAX, figure};
pub use node::Node;
pub use place::{Place, Tree};
pub use python::Python;
pub use record::reports;
pub use runner::{RUNNER_MODE, test_runner_main};
pub use setup::setup;
pub use tail::tail;
