//! The options that a repository has, and what each is where nothing is written (CONTRACTS.md, tidegate.toml).

use crate::run::{Grant, Limit, Policy};
use std::{collections::BTreeMap, time::Duration};

/// The configuration of a repository, from `tidegate.toml` at the base commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `[workspace]`
    pub workspace: Workspace,
    /// `[slots]`
    pub slots: Slots,
    /// `[checks]`
    pub checks: Checks,
    /// `[tests]`
    pub tests: Tests,
    /// `[protect] paths`: globs of paths that are protected beside the built-in list.
    pub protect: Vec<String>,
    /// `[review]`
    pub review: Review,
    /// `[attempts]`
    pub attempts: Attempts,
    /// `[gates.deployment] approve`: whether a person's word opens the deployment gate. `None`: not said; there is such
    /// a gate only where there are checks for it.
    pub deployment_approve: Option<bool>,
    /// `[sandbox]`
    pub sandbox: Sandbox,
    /// `[agents]`
    pub agents: Agents,
    /// `[effort]`
    pub effort: Effort,
    /// `[merge]`
    pub merge: Window,
    /// `[commit] sign`: landings are signed, as the user's git configuration says.
    pub is_signed: bool,
}

/// Where attempts work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// Command lines for `sh` that make a fresh clone ready.
    pub setup: Vec<String>,
    /// Globs of generated paths, which no task need declare.
    pub generated: Vec<String>,
}

/// How much at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Agents at work in all (`-j`).
    pub agents: u32,
    /// Agents at work in one stream. `None`: as many as in all.
    pub per_stream: Option<u32>,
    /// Checks at work. `None`: 2, or a quarter of the cores where that is more.
    pub checks: Option<u32>,
}

/// What proves a gate: command lines for `sh`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Of a task. `None` here and below: not said, to be found from the repository; empty: none, said so.
    pub task: Option<Vec<String>>,
    /// Of a stream.
    pub stream: Option<Vec<String>>,
    /// Of the whole, also E2E.
    pub system: Option<Vec<String>>,
    /// Of what is deployed.
    pub deployment: Option<Vec<String>>,
    /// Wall time of one command.
    pub timeout: Duration,
    /// Variables that checks get beside the allowed ones.
    pub env: BTreeMap<String, String>,
}

/// What is a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tests {
    /// Globs of paths that hold tests.
    pub paths: Vec<String>,
    /// Whether a check that names no test is refused.
    pub require_names: bool,
}

/// Who reviews.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Reviewers of a task done by a model. Empty was said so, and the report tells it.
    pub reviewers: Vec<String>,
}

/// Patience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// The same failure this often in a row.
    pub tries: u16,
    /// Any failures this often.
    pub any: u16,
    /// A job may fall over this often in a row.
    pub lives: u16,
}

/// What keeps agents and checks in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// Which tier.
    pub tier: Tier,
    /// Whether gates have the network.
    pub gate_network: bool,
    /// Names of variables that reach set-up only.
    pub setup_env: Vec<String>,
}

/// A sandbox tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// The best there is.
    #[default]
    Auto,
    /// Bubblewrap.
    Bubblewrap,
    /// None, by choice.
    None,
}

/// Who runs agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agents {
    /// For every role that has no backend of its own. `None`: not said.
    pub backend: Option<&'static str>,
    /// Wall time of one agent or script.
    pub timeout: Duration,
    /// By role.
    pub roles: BTreeMap<&'static str, AgentChoice>,
}

/// Who runs one role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentChoice {
    /// The backend.
    pub backend: Option<&'static str>,
    /// The model, in the backend's words.
    pub model: Option<String>,
    /// The model or backend to fall back to.
    pub fallback: Option<String>,
}

/// What an effort's word means, in minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effort {
    /// S
    pub small: u32,
    /// M
    pub medium: u32,
    /// L
    pub large: u32,
    /// XL
    pub xl: u32,
}

/// Candidates built and proven side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// At the start.
    pub start: u16,
    /// After failures, at least.
    pub least: u16,
    /// After successes, at most.
    pub most: u16,
}

impl Default for Slots {
    fn default() -> Slots {
        Slots { agents: 4, per_stream: None, checks: None }
    }
}

impl Default for Checks {
    fn default() -> Checks {
        let timeout = Duration::from_mins(20);
        Checks { task: None, stream: None, system: None, deployment: None, timeout, env: BTreeMap::new() }
    }
}

impl Default for Tests {
    fn default() -> Tests {
        Tests { paths: vec!["tests/**".to_owned()], require_names: false }
    }
}

impl Default for Review {
    fn default() -> Review {
        Review { reviewers: vec!["qa-reviewer".to_owned(), "security-reviewer".to_owned()] }
    }
}

impl Default for Attempts {
    fn default() -> Attempts {
        Attempts { tries: 3, any: 5, lives: 3 }
    }
}

impl Default for Agents {
    fn default() -> Agents {
        Agents { backend: None, timeout: Duration::from_hours(1), roles: BTreeMap::new() }
    }
}

impl Default for Effort {
    fn default() -> Effort {
        Effort { small: 15, medium: 45, large: 120, xl: 360 }
    }
}

impl Default for Window {
    fn default() -> Window {
        Window { start: 3, least: 3, most: 8 }
    }
}
impl Config {
    /// Limits and patience for the core, on a machine with this many cores.
    pub fn policy(&self, cores: u32) -> Policy {
        Policy {
            agents: self.slots.agents,
            agents_per_stream: self.slots.per_stream.unwrap_or(self.slots.agents),
            agents_per_backend: BTreeMap::new(),
            checks: self.slots.checks.unwrap_or_else(|| (cores / 4).max(2)),
            window: self.merge.start,
            window_min: self.merge.least,
            window_max: self.merge.most,
            same_failure: self.attempts.tries,
            rejections: self.attempts.any,
            ladder: Vec::new(),
            lives: self.attempts.lives,
            rest_ms: 1000,
            budget: Limit::NONE,
            grant: Grant::default(),
            stop_at: None,
        }
    }
}
