//! The only ones who start anything: resident wardens, process trees, limits, captured output.

mod caches;
mod causes;
mod confines;
mod die;
mod leaving;
mod lookup;
mod mounts;
mod output;
mod probe;
mod program;
mod pump;
mod redactor;
mod sandbox;
mod stand_in;
mod tail;
mod toolchains;
mod tree;
mod warden;
mod wardens;
mod wire;

pub use caches::{CacheUser, Caches};
pub use causes::with_causes;
pub use confines::Confines;
pub use die::die;
pub use leaving::leaving;
pub use lookup::which;
pub use output::{Call, Output, OutputError, output};
pub use probe::NoSandbox;
pub use program::{Ask, Exit, How, Launch, Limits, Line, Program};
pub use sandbox::{Sandbox, Tier, is_root};
pub use stand_in::StandIn;
pub use tail::Tail;
pub use toolchains::{caches, package_of, toolchains};
pub use tree::working_dirs;
pub use warden::{WARDEN, warden_main};
pub use wardens::Wardens;
