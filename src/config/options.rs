//! The options that a repository has, and what each is where nothing is written (CONTRACTS.md, tidegate.toml).

use crate::{
    plan::{CoverageWish, Deployment, Hold, Measure, Role},
    run::{Grant, Limit, Policy, Rung, Spend},
};
use std::{collections::BTreeMap, time::Duration};

/// A grant of the least.
const LEAST: Spend = Spend { micros: 1, input: 1, cached: 0, output: 0 };

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
    /// `[gates.deployment]`: what the deployment gate asks for beside its checks. `None`: not said; there is such a gate only where
    /// there are checks for it.
    pub deployment: Option<Deployment>,
    /// `[coverage]`. `None`: not said, and nothing of it is measured.
    pub coverage: Option<Coverage>,
    /// `[[measures]]`
    pub measures: Vec<Measure>,
    /// `[sandbox]`
    pub sandbox: Sandbox,
    /// `[agents]`
    pub agents: Agents,
    /// `[backends]`
    pub backends: Backends,
    /// `[effort]`
    pub effort: Effort,
    /// `[resources]`
    pub resources: Resources,
    /// `[merge]`
    pub merge: Window,
    /// `[commit] sign`: landings are signed, as the user's git configuration says.
    pub is_signed: bool,
}

/// Where attempts work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// `mode = "in-place"`: scripts work in the repository's own working tree.
    pub is_in_place: bool,
    /// Command lines for `sh` that make a fresh clone ready. `None`: not said, to be found from the lock files; empty: none, said so.
    pub setup: Option<Vec<String>>,
    /// What generates a lock file anew where two sides of a merge collide in it: command lines for `sh`, by path or by file name.
    pub lock: BTreeMap<String, String>,
    /// Whether files of git LFS have their content in workspaces, or stay pointers. `None`: not said.
    pub lfs: Option<bool>,
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
    /// Of what a patch touches, beside those of its task: in any case at the gates behind.
    pub paths: Vec<PathChecks>,
    /// Globs of reports (JUnit XML, TAP) that checks leave in the checkout; `-` is what they print.
    pub reports: Vec<String>,
    /// Wall time of one command.
    pub timeout: Duration,
    /// Variables that checks get beside the allowed ones.
    pub env: BTreeMap<String, String>,
}

/// What leaves reports of coverage, and what they must say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How they are made, and the shares that are asked for.
    pub wish: CoverageWish,
    /// What paths in them begin with beyond the repository, or lack.
    pub roots: Vec<String>,
    /// Globs of files that do not count.
    pub exclude: Vec<String>,
}

/// What proves a part of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathChecks {
    /// Globs of its paths.
    pub paths: Vec<String>,
    /// Command lines for `sh`.
    pub run: Vec<String>,
}

/// What is a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tests {
    /// Globs of paths that hold tests.
    pub paths: Vec<String>,
    /// Whether a check that names no test is refused.
    pub require_names: bool,
    /// Whether sealed tests have to fail without the code. Costs one more build and test run a task.
    pub bodies_out: bool,
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
    /// Paths that all confined programs may read beside what they need: absolute, or `~/...`.
    pub readable: Vec<String>,
    /// The same, to write.
    pub writable: Vec<String>,
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
    /// Wall time without progress of an agent that a model drives.
    pub idle: Duration,
    /// Turns of the model in one run of an agent, where the backend can count them.
    pub turns: u32,
    /// Names of variables that agents get beside the allowed ones.
    pub env: Vec<String>,
    /// MCP servers of the repository's `.mcp.json` that agents get.
    pub mcp: Vec<String>,
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

/// How backends are called that are no known program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backends {
    /// The command line of an agent that speaks the Agent Client Protocol.
    pub acp: Vec<String>,
    /// Files of logins that it gets a copy of in its own home, relative to the user's: no folder on the way is `..`.
    pub acp_logins: Vec<String>,
    /// The command line of any other agent: the prompt on standard input, the answer on standard output.
    pub command: Vec<String>,
    /// The folder of the cassettes that `replay` plays back, relative to the repository.
    pub replay: Option<String>,
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

/// What excludes others, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Held while one job of a task runs that runs its code: a port, a device.
    pub job: Vec<String>,
    /// Held from the first job of a task until it has landed or failed.
    pub task: Vec<String>,
    /// Files and folders: tasks that declare the same exclude each other, for as long.
    pub critical: Vec<String>,
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

impl Agents {
    /// The backend that is written for a role, or for all of them. `None`: not said, or said to be the one that is found.
    pub fn backend(&self, role: &str) -> Option<&'static str> {
        self.roles.get(role).and_then(|choice| choice.backend).or(self.backend).filter(|name| *name != AUTO)
    }

    /// The model that is written for a role. `None`: not said.
    pub fn model(&self, role: &str) -> Option<&str> {
        self.roles.get(role)?.model.as_deref()
    }
}

impl Default for Slots {
    fn default() -> Slots {
        Slots { agents: 4, per_stream: None, checks: None }
    }
}

impl Default for Checks {
    fn default() -> Checks {
        let timeout = Duration::from_mins(20);
        Checks {
            task: None,
            stream: None,
            system: None,
            deployment: None,
            paths: Vec::new(),
            reports: Vec::new(),
            timeout,
            env: BTreeMap::new(),
        }
    }
}

impl Default for Tests {
    fn default() -> Tests {
        Tests { paths: vec!["tests/**".to_owned()], require_names: false, bodies_out: true }
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
        Agents {
            backend: None,
            timeout: Duration::from_hours(1),
            idle: Duration::from_mins(15),
            turns: 200,
            env: Vec::new(),
            mcp: Vec::new(),
            roles: BTreeMap::new(),
        }
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

/// Roles that can have a backend of their own, as the configuration calls them (CONTRACTS.md, Roles).
pub(super) const ROLES: [Role; 5] =
    [Role::TestDeveloper, Role::Implementation, Role::Reviewer, Role::Expert, Role::Coordinator];

/// What runs agents (DESIGN.md section 7).
pub(super) const BACKENDS: [&str; 8] = ["claude", "codex", "gemini", "opencode", "acp", "command", "script", "replay"];

/// Written in place of one of them: the first that is found, as where nothing is written.
pub(super) const AUTO: &str = "auto";

impl Agents {
    /// What runs each role, and what it goes over to, where no script does: `claude`, or with a model `claude:opus`. `found` is what
    /// runs a role of which nothing is said.
    pub fn engines(&self, found: &str) -> BTreeMap<Role, (String, Option<String>)> {
        let with_model = |backend: &str, model: Option<&str>| match model {
            Some(model) => format!("{backend}:{model}"),
            None => backend.to_owned(),
        };
        let engine = |role: Role| {
            let backend = self.backend(role.name()).unwrap_or(found);
            let fallback = self.roles.get(role.name()).and_then(|choice| choice.fallback.as_deref()).map(|fallback| {
                let is_backend = BACKENDS.contains(&fallback.split(':').next().unwrap_or_default());
                if is_backend { fallback.to_owned() } else { with_model(backend, Some(fallback)) }
            });
            (role, (with_model(backend, self.model(role.name())), fallback))
        };
        ROLES.into_iter().map(engine).collect()
    }
}

impl Resources {
    /// How long each is held.
    pub fn holds(&self) -> BTreeMap<String, Hold> {
        let all = |names: &'_ [String], hold| names.iter().map(move |name| (name.clone(), hold)).collect::<Vec<_>>();
        all(&self.job, Hold::Job).into_iter().chain(all(&self.task, Hold::Task)).collect()
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
            ladder: vec![Rung::Consulted, Rung::Advised],
            lives: self.attempts.lives,
            rest_ms: 1000,
            budget: Limit::NONE,
            // What an agent will use nobody knows beforehand: with the least of a grant a limit is passed by what runs when it is
            // reached, and by no more.
            grant: Grant { writing: LEAST, reading: LEAST },
            stop_at: None,
            only: Vec::new(),
        }
    }
}
