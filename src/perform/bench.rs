//! The bench: the tools that every kind of job is done with, and the steps that several kinds share.

use super::{Cage, Checks, Desk, Note, evidence::Reports, fell};
use crate::{
    agent::{AgentError, AgentEvent, AgentReport, Backend, Definition, Invocation, ScriptBackend, WritePolicy},
    context::{Package, feedback},
    plan::{NodeId, Role, Script, Task},
    process::{Launch, Limits, Line, with_causes},
    rules,
    run::{Breakage, Code, Ending, Finding, Job, Oid, Rejection, Timestamp, Until, Weight},
    workspace::{self, Carried, Identity, Lease, Pool, Repository, Setup, Why, attempt_ref, slug},
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// Bytes of common text in a context package: about 8,000 tokens.
const COMMON_MAX: usize = 32 << 10;

/// What holds for all jobs of a run.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The run's id.
    pub run: String,
    /// The topic's slug.
    pub topic: String,
    /// The run's folder: logs are kept under it.
    pub folder: PathBuf,
    /// What agents and checks get of the environment.
    pub env: Vec<(OsString, OsString)>,
    /// `[checks] env`.
    pub check_env: Vec<(OsString, OsString)>,
    /// What an agent may take.
    pub agent_limits: Limits,
    /// What a check may take.
    pub check_limits: Limits,
    /// What makes a fresh clone ready.
    pub setup: Setup,
    /// What is there for programs that are confined.
    pub cage: Cage,
    /// Our own program, which runs test executables in checks.
    pub program: PathBuf,
    /// By whom landings are.
    pub author: Identity,
    /// `[commit] sign`
    pub is_signed: bool,
    /// `[tests] paths`.
    pub test_paths: Vec<Box<str>>,
    /// `[tests] require_names`.
    pub requires_names: bool,
    /// `[protect] paths`.
    pub protected: Vec<Box<str>>,
    /// `[workspace] generated`.
    pub generated: Vec<Box<str>>,
}

/// The tools.
pub struct Bench {
    pub(super) setting: Setting,
    pub(super) repo: Arc<Repository>,
    pub(super) checks: Checks,
    pub(super) reports: Reports,
    pub(super) wardens: Arc<dyn Launch>,
    pool: Pool,
    scripts: ScriptBackend,
    logs: AtomicU32,
}

/// What a writing agent left.
pub(super) enum Left {
    /// Its tree.
    Work {
        /// As a commit on the task's base.
        commit: Oid,
        /// What a commit cannot hold of it.
        told: Vec<Finding>,
    },
    /// It did not get that far: this is how the job ends.
    Ended(Ending),
}

impl Bench {
    /// A bench with these tools.
    pub fn new(setting: Setting, repo: Arc<Repository>, pool: Pool, checks: Checks, wardens: Arc<dyn Launch>) -> Bench {
        let scripts = ScriptBackend::new(Arc::clone(&wardens));
        let (reports, logs) = (Reports::default(), AtomicU32::new(0));
        Bench { setting, repo, checks, reports, wardens, pool, scripts, logs }
    }

    /// Keeps by a ref what other runs were at when they were killed, and makes room of it: nobody knows whether they will ever go on,
    /// and none of them goes on from there.
    pub async fn keep_left(&self) {
        let ours = format!("{}/", self.setting.run);
        while let Some(left) = self.pool.left_by(|task| !task.starts_with(&ours)) {
            let task = left.task();
            let (run, node) = task.split_once('/').unwrap_or((task, ""));
            let (base, pin) = (left.commit(), attempt_ref(run, node, "left"));
            if let Err(error) = self.repo.snapshot(&left, base, &[], "What a killed run left", &pin).await {
                tracing::warn!(task, %error, "what a killed run left cannot be kept");
            }
        }
    }

    /// Has the agent of this role work in the task's workspace, starting from `start`, and takes in what it left.
    pub(super) async fn write(
        &self,
        job: &Job,
        desk: &Desk,
        role: Role,
        start: Oid,
        facts: Vec<(&'static str, OsString)>,
    ) -> Result<Left, Breakage> {
        let task = task(job, desk)?;
        let base = job.sheet.base;
        let message = |what: &str| format!("{} of task {}, attempt {}{what}", role.name(), task.label, job.attempt);
        let pin = |what: &str| {
            attempt_ref(&self.setting.run, &task.label, &format!("{}-{}{what}", job.id.0, job.what.name()))
        };
        let declared = own_paths(task);
        if let Some(left) = self.pool.left(&self.key(job.node)) {
            // A killed run left it: kept by a ref, and not gone on from, since nobody knows how far it had got.
            let kept = self.repo.snapshot(&left, base, &declared, &message(", before a kill"), &pin("-before")).await;
            kept.map_err(|fault| fell(format!("what a killed run left could not be kept: {fault}")))?;
        }
        let lease = self.agent(job.node, start, desk).await?;
        let answer = self.call(job, desk, role, None, &lease, facts).await;
        let taken = self.repo.snapshot(&lease, base, &declared, &message(""), &pin("")).await;
        let left = taken.as_ref().map_or(Oid::NONE, |snapshot| snapshot.commit);
        match (answer, taken) {
            (Ok(_), Ok(snapshot)) => {
                let told: Vec<Finding> = snapshot.left.iter().map(left_out).collect();
                if told.iter().any(|finding| finding.weight == Weight::Blocker) {
                    return Ok(Left::Ended(Ending::Rejected(Rejection {
                        findings: told,
                        left,
                        ..Rejection::default()
                    })));
                }
                Ok(Left::Work { commit: snapshot.commit, told })
            }
            (Ok(_), Err(fault)) => Err(fell(format!("what it left could not be taken in: {fault}"))),
            (Err(AgentError::GaveUp { code, tail }), _) => {
                let text = format!("it gave up with exit code {code}{}", after(&tail));
                let findings = vec![Finding::blocker(Code::Failed, text)];
                Ok(Left::Ended(Ending::Rejected(Rejection { findings, left, ..Rejection::default() })))
            }
            (Err(error), _) => ended(error, left).map(Left::Ended),
        }
    }

    /// A task's own workspace with this commit in it, set up.
    pub(super) async fn agent(&self, node: NodeId, commit: Oid, desk: &Desk) -> Result<Arc<Lease>, Breakage> {
        let lease = self.pool.agent(&self.key(node), commit).await.map_err(|fault| git(&fault))?;
        self.set_up(lease, desk).await
    }

    /// A gate's workspace with exactly this commit in it, set up.
    pub(super) async fn gate(&self, commit: Oid, desk: &Desk) -> Result<Arc<Lease>, Breakage> {
        let lease = self.pool.gate(commit).await.map_err(|fault| git(&fault))?;
        self.set_up(lease, desk).await
    }

    async fn set_up(&self, lease: Lease, desk: &Desk) -> Result<Arc<Lease>, Breakage> {
        let lease = Arc::new(lease);
        let line = line_to(desk, &lease);
        lease.set_up(&self.repo, &*self.wardens, &self.setting.setup, &line).await.map_err(|fault| git(&fault))?;
        Ok(lease)
    }

    /// What the pool calls a task of this run.
    fn key(&self, node: NodeId) -> String {
        format!("{}/{}", self.setting.run, node.0)
    }

    /// Tells the logs of one job apart.
    pub(super) fn count_log(&self) -> u32 {
        self.logs.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Calls the agent of a role in a workspace.
    pub(super) async fn call(
        &self,
        job: &Job,
        desk: &Desk,
        role: Role,
        name: Option<&str>,
        lease: &Arc<Lease>,
        facts: Vec<(&'static str, OsString)>,
    ) -> Result<AgentReport, AgentError> {
        let task = task(job, desk).map_err(|_| misconfigured("only tasks have agents"))?;
        let folder = self.folder(job, desk, name).map_err(|error| misconfigured(with_causes(&error)))?;
        let definition = Definition::built_in(name.unwrap_or(match role {
            Role::TestDeveloper => "test-developer",
            Role::Implementation | Role::Reviewer | Role::Check => "implementation-agent",
        }));
        let package = Package {
            plan: desk.plan.blueprint(),
            task,
            role,
            prompt: definition.as_ref().map(|definition| &*definition.prompt),
            handoffs: &self.handoffs(job.node, desk),
            seal: &job.sheet.seal,
            findings: &job.sheet.findings,
            common_max: COMMON_MAX,
        };
        let prompt = package.render();
        let mut env = self.setting.env.clone();
        let kept = |file: &str, text: &str| {
            let path = folder.join(file);
            fs::write(&path, text).map_err(|error| misconfigured(format!("{}: {error}", path.display())))?;
            Ok::<OsString, AgentError>(path.into_os_string())
        };
        let findings = if job.sheet.findings.is_empty() { String::new() } else { feedback(&job.sheet.findings) };
        let own: Vec<(&str, OsString)> = vec![
            ("TIDEGATE_TOPIC", self.setting.topic.clone().into()),
            ("TIDEGATE_TASK", task.label.to_string().into()),
            ("TIDEGATE_ROLE", role.name().into()),
            ("TIDEGATE_ATTEMPT", job.turn.to_string().into()),
            ("TIDEGATE_FEEDBACK", kept("feedback.md", &findings)?),
            ("TIDEGATE_CONTEXT", kept("context.md", &prompt)?),
        ];
        let facts = own.into_iter().chain(facts).map(|(name, value)| (OsString::from(name), value));
        env.extend(facts);
        let invocation = Invocation {
            role,
            definition,
            script: script(task, role, name, job.turn).cloned(),
            model: None,
            prompt,
            workspace: lease.path().to_owned(),
            env,
            home: folder.clone(),
            folder,
            writes: if role == Role::Reviewer { WritePolicy::Nothing } else { WritePolicy::Workspace },
            limits: self.setting.agent_limits,
            turns: 100,
            confines: None,
            session: None,
            schema: None,
            servers: Vec::new(),
            at: desk.at,
        };
        let tell = Arc::clone(&desk.tell);
        let sink = Arc::new(move |event| match event {
            AgentEvent::Text(words) => tell(Note::Said(words)),
            AgentEvent::ToolCall { name, input, .. } => tell(Note::Said(format!("{name} {input}"))),
            AgentEvent::Started => tell(Note::Answered),
            AgentEvent::Usage { spend, .. } => tell(Note::Spent(spend)),
            AgentEvent::ToolResult { .. } | AgentEvent::Denied(_) | AgentEvent::Finished => {}
        });
        self.scripts.run(invocation, sink, line_to(desk, lease)).await
    }

    /// A tree of the task on another base than it was made on; on the same base it is what it was.
    pub(super) async fn carried(&self, work: Oid, base: Oid) -> Result<Carried, Breakage> {
        let from = self.repo.resolve(&format!("{work}^")).await.map_err(|fault| git(&fault))?;
        match from {
            Some(from) if from == base => Ok(Carried { commit: work, conflicts: Vec::new() }),
            Some(from) => {
                let message = "The same work on what has landed since";
                self.repo.carry(work, from, base, message).await.map_err(|fault| git(&fault))
            }
            None => Err(fell(format!("the commit {work} is gone"))),
        }
    }

    /// Where this attempt's files are kept; made.
    pub(super) fn folder(&self, job: &Job, desk: &Desk, name: Option<&str>) -> std::io::Result<PathBuf> {
        let label = slug(desk.plan.node(job.node).label());
        let suffix = name.map(|name| format!("-{}", slug(name))).unwrap_or_default();
        let folder = self.setting.folder.join("logs").join(label);
        let folder = folder.join(format!("{:05}-{}{suffix}", job.id.0, job.what.name()));
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// A path of the run's folder, as evidence names it.
    pub(super) fn relative(&self, path: &Path) -> Box<str> {
        path.strip_prefix(&self.setting.folder).unwrap_or(path).to_string_lossy().into()
    }

    /// What the tasks this one hangs on have handed over.
    fn handoffs(&self, node: NodeId, desk: &Desk) -> Vec<String> {
        let before = desk.plan.tasks_before(node);
        before.into_iter().filter_map(|task| fs::read_to_string(self.handoff(desk, task)).ok()).collect()
    }

    /// Where a task's handoff is kept.
    pub(super) fn handoff(&self, desk: &Desk, node: NodeId) -> PathBuf {
        let label = slug(desk.plan.node(node).label());
        self.setting.folder.join("handoffs").join(format!("{label}.md"))
    }
}

/// The line to a program that runs in this workspace: it stays leased until the program is gone, also when the job fell over a panic.
pub(super) fn line_to(desk: &Desk, lease: &Arc<Lease>) -> Line {
    Line { stop: desk.stop.clone(), hold: Some(Arc::<Lease>::clone(lease)), ..Line::default() }
}

/// The task of a job.
pub(super) fn task<'a>(job: &Job, desk: &'a Desk) -> Result<&'a Task, Breakage> {
    desk.plan.node(job.node).task().ok_or_else(|| fell("a job for a task was started for a gate"))
}

/// The script of a try: the one of its number, the last one repeating.
fn script<'a>(task: &'a Task, role: Role, name: Option<&str>, turn: u16) -> Option<&'a Script> {
    let all: Vec<&Script> = task.brief.scripts(role, name).collect();
    all.get(usize::from(turn.max(1) - 1)).or_else(|| all.last()).copied()
}

/// The files that a task declares by their own paths: part of its work whatever `.gitignore` says.
fn own_paths(task: &Task) -> Vec<String> {
    let paths = rules::declared(&task.brief.files);
    paths
        .filter(|path| !path.is_empty() && !path.ends_with('/') && !path.contains(['*', '?', '[', '{']))
        .map(str::to_owned)
        .collect()
}

/// What is told of something that a commit cannot hold. A file that is too large to land is sent back.
fn left_out(left: &workspace::Left) -> Finding {
    let (weight, code, why) = match left.why {
        Why::TooBig(bytes) => {
            let why = format!("it has {} MiB, which is more than may land", bytes >> 20);
            (Weight::Blocker, Code::Binary, why)
        }
        Why::NestedRepository => {
            (Weight::Concern, Code::LeftOut, "it is a repository within the tree; its files stay".into())
        }
        Why::Pipe => (Weight::Concern, Code::LeftOut, "it is a pipe or a socket".into()),
        Why::Device => (Weight::Concern, Code::LeftOut, "it is a device".into()),
        Why::NotUtf8 => (Weight::Concern, Code::LeftOut, "its name is not UTF-8".into()),
    };
    Finding { weight, ..Finding::blocker(code, format!("{} was left out: {why}", left.path)) }
        .at(left.path.clone(), None)
}

/// How a job ends when its agent failed in a way that says nothing about the work.
///
/// # Errors
/// When it fell over.
pub(super) fn ended(error: AgentError, left: Oid) -> Result<Ending, Breakage> {
    let why = error.to_string().into();
    let until = match error {
        AgentError::RateLimited { until, .. } | AgentError::UsageLimit { until, .. } => Until::At(until),
        // When it is worth trying again nobody says: the core's least rest, doubling.
        AgentError::Overloaded { .. } => Until::At(Timestamp(0)),
        AgentError::AuthRequired { .. } | AgentError::PaymentRequired { .. } | AgentError::Misconfigured { .. } => {
            Until::Person
        }
        AgentError::GaveUp { ref tail, .. } | AgentError::Crashed { ref tail, .. } => {
            return Err(Breakage::Fell { why: format!("{error}{}", after(tail)).into(), left });
        }
        AgentError::NoScript { .. }
        | AgentError::ContextOverflow
        | AgentError::Timeout(_)
        | AgentError::Idle
        | AgentError::MaxTurns
        | AgentError::Refused
        | AgentError::BadOutput { .. }
        | AgentError::Stopped => return Err(Breakage::Fell { why, left }),
    };
    Ok(Ending::Deferred { until, why })
}

/// What was printed last, as the rest of a sentence.
pub(super) fn after(tail: &str) -> String {
    let tail = tail.trim();
    if tail.is_empty() { String::new() } else { format!(":\n{tail}") }
}

fn misconfigured(what: impl Into<String>) -> AgentError {
    AgentError::Misconfigured { what: what.into() }
}

/// A fault of git's is nobody's fault: the job fell over.
pub(super) fn git(fault: &impl std::error::Error) -> Breakage {
    fell(with_causes(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_task_lacks_closes_the_backend_for_no_other_task() {
        let lacks = ended(AgentError::NoScript { role: "implementation" }, Oid::NONE).unwrap_err();
        assert_eq!(lacks, fell("the task carries no script for the role implementation"));
        let shut = ended(AgentError::Misconfigured { what: "the disk is full".into() }, Oid::NONE);
        assert!(matches!(shut, Ok(Ending::Deferred { until: Until::Person, .. })), "{shut:?}");
    }
}
