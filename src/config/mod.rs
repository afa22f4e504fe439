//! tidegate.toml, flags and environment become the options of each module. The only reader of the environment.

mod collector;
mod environment;
mod file;
mod options;
mod section;
mod servers;

pub use collector::{Collector, CollectorError};
pub use environment::{Environment, EnvironmentError};
pub use file::SOURCE;
pub use options::{
    AgentChoice, Agents, Attempts, Backends, Checks, Config, Coverage, Effort, PathChecks, Resources, Review, Sandbox,
    Slots, Tests, Tier, Window, Workspace,
};
pub use servers::{SERVERS, ServersFault, servers};
