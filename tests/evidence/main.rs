//! Red, green and forging, with the real runners: what is collected, and what the rules make of it.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]
#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod cargo;
mod elixir;
mod go;
mod jvm;
mod native;
mod node;
mod project;
mod python;
mod reports;
mod runners;
