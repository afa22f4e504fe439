//! A task: the unit of work for agents, with one workspace at a time, one branch and one landing.

use super::{BackendId, ResourceId, ReviewerId, StreamId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A step of a node's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The test-developer writes tests, and nothing else.
    Tests,
    /// The tests run without the code, and must fail for the right reason.
    Red,
    /// The implementation agent works; reviewers look at its checkpoints.
    Implement,
    /// Sealed tests are compared, checks run, edits out of scope are taken out.
    Verify,
    /// Every reviewer gives a verdict on the patch.
    Review,
    /// The candidate rides the merge train.
    Merge,
    /// What dependents need is handed over. Takes no slot: it is the rendering of what landed.
    Handoff,
    /// A gate's criteria are being settled. The only phase of a gate, and no phase of a task.
    Judge,
}

impl Phase {
    /// The phases of a task's life, in order.
    pub const OF_TASK: [Phase; 6] =
        [Phase::Tests, Phase::Red, Phase::Implement, Phase::Verify, Phase::Review, Phase::Merge];

    /// Its name in documents, in `Phases:` fields and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Tests => "tests",
            Phase::Red => "red",
            Phase::Implement => "implement",
            Phase::Verify => "verify",
            Phase::Review => "review",
            Phase::Merge => "merge",
            Phase::Handoff => "handoff",
            Phase::Judge => "judge",
        }
    }
}

/// The phases a task goes through; the breakdown may leave some out (a docs task has no red).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Phase>", from = "Vec<Phase>")]
pub struct Phases(u8);

impl Phases {
    /// Every phase of a task.
    pub const ALL: Phases = Phases(0b11_1111);

    /// Whether the task has this phase.
    pub fn contains(self, phase: Phase) -> bool {
        self.0 & (1 << phase as u8) != 0
    }

    /// The same without one phase.
    #[must_use]
    pub fn without(self, phase: Phase) -> Phases {
        Phases(self.0 & !(1 << phase as u8))
    }

    /// The first phase at or behind `phase` that this task has.
    pub fn from(self, phase: Phase) -> Option<Phase> {
        Phase::OF_TASK.into_iter().find(|&p| p >= phase && self.contains(p))
    }

    /// The first phase behind `phase`; `None` is the end of the task.
    pub fn after(self, phase: Phase) -> Option<Phase> {
        Phase::OF_TASK.into_iter().find(|&p| p > phase && self.contains(p))
    }

    /// Its phases in order.
    pub fn iter(self) -> impl Iterator<Item = Phase> {
        Phase::OF_TASK.into_iter().filter(move |&p| self.contains(p))
    }
}

impl From<Vec<Phase>> for Phases {
    fn from(list: Vec<Phase>) -> Phases {
        Phases(list.into_iter().fold(0, |set, p| set | 1 << p as u8) & Phases::ALL.0)
    }
}

impl From<Phases> for Vec<Phase> {
    fn from(set: Phases) -> Vec<Phase> {
        set.iter().collect()
    }
}

/// For how long a resource is taken. A property of the resource, not of who needs it: were one task to keep for its life
/// what another takes for a job, the first could wait in the train behind the second, and the second for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// While one job of the task runs: a port, a device.
    Job,
    /// From the task's first job until it has landed or failed: a file in which two branches would collide.
    Task,
}

/// What an agent is asked to be (CONTRACTS.md, Roles).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Turns test requirements into failing tests, and decides nothing else.
    TestDeveloper,
    /// Works until the sealed tests pass.
    Implementation,
    /// Gives a verdict on a patch.
    Reviewer,
    /// Looks at a task that keeps failing, and says what to do.
    Expert,
    /// The same as the last resort before a person: what is left of the execution coordinator that is no program.
    Coordinator,
    /// No agent: a command line that settles a gate (`role=check`).
    Check,
}

impl Role {
    /// Its name in a fence's info string and in `TIDEGATE_ROLE`.
    pub fn name(self) -> &'static str {
        match self {
            Role::TestDeveloper => "test-developer",
            Role::Implementation => "implementation",
            Role::Reviewer => "reviewer",
            Role::Expert => "expert",
            Role::Coordinator => "coordinator",
            Role::Check => "check",
        }
    }
}

/// Work that needs no model: a fenced block whose info string names a role (CONTRACTS.md, Fenced scripts).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// For whom it stands in.
    pub role: Role,
    /// Tells reviewers of one task apart (`name=security`).
    pub name: Option<Box<str>>,
    /// What `sh -eu` runs.
    pub body: Box<str>,
    /// Line of the fence in the breakdown, from 1.
    pub line: u32,
}

/// What the breakdown says about a task's tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TestWish {
    /// Nothing. A warning, since the source document asks for test requirements.
    #[default]
    Unstated,
    /// These requirements, in the author's words.
    Stated(Box<str>),
    /// `None ...` or `N/A`, with the reason given: the task has no tests of its own, and the report says so.
    Declined(Box<str>),
}

/// What agents are told about a task, in the author's words. The default says nothing, and stands nowhere (line 0).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The task's whole text as written, without its scripts.
    pub text: Box<str>,
    /// What is said about tests.
    pub tests: TestWish,
    /// Declared paths, folders and globs; empty: no limit (CONTRACTS.md, What a task may touch).
    pub files: Vec<Box<str>>,
    /// What reviewers judge by.
    pub acceptance: Vec<Box<str>>,
    /// The landing's subject, where the breakdown has a `Commit` line.
    pub commit: Option<Box<str>>,
    /// Scripts that stand in for agents, in the order written.
    pub scripts: Vec<Script>,
    /// Line of the task's heading in its source, from 1.
    pub line: u32,
}

impl Brief {
    /// The scripts of one role (and name, for reviewers), each the try of that number, the last one repeating.
    pub fn scripts(&self, role: Role, name: Option<&str>) -> impl Iterator<Item = &Script> {
        self.scripts.iter().filter(move |s| s.role == role && (name.is_none() || s.name.as_deref() == name))
    }
}

/// The unit of work for agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What the breakdown calls it (`5`, `T-01`).
    pub label: Box<str>,
    /// Its title, without markup.
    pub title: Box<str>,
    /// The lane it belongs to.
    pub stream: StreamId,
    /// The author's estimate in minutes; drives the critical path.
    pub minutes: u32,
    /// What its life consists of.
    pub phases: Phases,
    /// Was checked off in the breakdown before the run began.
    pub done: bool,
    /// Who writes the code. Reviewers have their own.
    pub backend: BackendId,
    /// Who does what is not the code: the tests, where it is somebody else; looks at it when it keeps failing, where anybody does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<Role, BackendId>,
    /// Who gives verdicts.
    pub reviewers: Vec<ReviewerId>,
    /// What it needs for itself while it runs.
    pub needs: Vec<ResourceId>,
    /// What its agents are told.
    pub brief: Brief,
}

impl Task {
    /// What runs this role; `None`: nobody does it. Reviewers are asked by their own ids.
    pub fn backend_of(&self, role: Role) -> Option<BackendId> {
        let other = self.others.get(&role).copied();
        match role {
            Role::Implementation => Some(self.backend),
            Role::TestDeveloper => Some(other.unwrap_or(self.backend)),
            Role::Expert | Role::Coordinator => other,
            Role::Reviewer | Role::Check => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    const ROLES: [Role; 6] =
        [Role::TestDeveloper, Role::Implementation, Role::Reviewer, Role::Expert, Role::Coordinator, Role::Check];

    #[test]
    fn phases_and_roles_have_one_name_in_documents_and_in_json() {
        for phase in Phase::OF_TASK.into_iter().chain([Phase::Handoff, Phase::Judge]) {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.name());
        }
        for role in ROLES {
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        assert_eq!((Phase::Implement.name(), Role::TestDeveloper.name()), ("implement", "test-developer"));
    }

    #[test]
    fn a_task_goes_through_its_phases_in_order() {
        let every: Vec<Phase> = Phases::ALL.iter().collect();
        assert_eq!(every, Phase::OF_TASK);
        let docs = Phases::ALL.without(Phase::Tests).without(Phase::Red).without(Phase::Red);
        assert_eq!(Vec::from(docs), [Phase::Implement, Phase::Verify, Phase::Review, Phase::Merge]);
        assert!(docs.contains(Phase::Merge) && !docs.contains(Phase::Tests));
        assert!(!Phases::ALL.contains(Phase::Handoff) && !Phases::ALL.contains(Phase::Judge));
        let docs = docs.without(Phase::Review);
        for (phase, at_or_behind, behind) in [
            (Phase::Tests, Some(Phase::Implement), Some(Phase::Implement)),
            (Phase::Implement, Some(Phase::Implement), Some(Phase::Verify)),
            (Phase::Verify, Some(Phase::Verify), Some(Phase::Merge)),
            (Phase::Merge, Some(Phase::Merge), None),
            (Phase::Handoff, None, None),
        ] {
            assert_eq!((docs.from(phase), docs.after(phase)), (at_or_behind, behind), "{phase:?}");
        }
    }

    #[test]
    fn phases_are_kept_as_a_list_of_those_of_a_task() {
        let listed = |text: &str| serde_json::from_str::<Phases>(text).unwrap();
        let phases = listed(r#"["merge", "tests", "merge", "handoff", "judge"]"#);
        assert_eq!(serde_json::to_string(&phases).unwrap(), r#"["tests","merge"]"#);
        assert_eq!(phases, <Phases as From<_>>::from(vec![Phase::Tests, Phase::Merge]));
        assert_eq!(listed("[]").iter().count(), 0);
    }

    #[test]
    fn scripts_are_found_by_their_role_and_reviewers_by_their_name() {
        let script = |role, name: Option<&str>, line| Script { role, name: name.map(Box::from), body: "".into(), line };
        let brief = Brief {
            scripts: vec![
                script(Role::Reviewer, Some("security"), 1),
                script(Role::Implementation, None, 2),
                script(Role::Reviewer, Some("design"), 3),
                script(Role::Reviewer, Some("security"), 4),
                script(Role::Check, Some("security"), 5),
            ],
            ..Brief::default()
        };
        let lines = |role, name| brief.scripts(role, name).map(|script| script.line).collect::<Vec<_>>();
        assert_eq!(lines(Role::Reviewer, Some("security")), [1, 4]);
        assert_eq!(lines(Role::Reviewer, None), [1, 3, 4]);
        assert_eq!(lines(Role::Implementation, None), [2]);
        assert_eq!(lines(Role::Implementation, Some("security")), [0; 0]);
    }

    #[test]
    fn a_role_is_done_by_its_own_backend_or_by_that_of_the_code_or_by_nobody() {
        let (code, other) = (BackendId(1), BackendId(2));
        let task = |others: &[Role]| Task {
            backend: code,
            others: others.iter().map(|&role| (role, other)).collect(),
            ..sample::task("1")
        };
        let by = |task: &Task| ROLES.map(|role| task.backend_of(role));
        assert_eq!(by(&task(&[])), [Some(code), Some(code), None, None, None, None]);
        assert_eq!(by(&task(&ROLES)), [Some(other), Some(code), None, Some(other), Some(other), None]);
    }
}
