//! The bench: the tools that every kind of job is done with, and the steps that several kinds share.

use super::{Cage, Checks, CoverageSetting, Desk, agent::Wish, evidence::Reports, fell};
use crate::{
    agent::{AgentError, Backend, Definitions, Server},
    plan::{NodeId, Role, Script, Task},
    process::{Launch, Limits, Line, with_causes},
    rules,
    run::{Breakage, Code, Ending, Finding, Job, JobId, Oid, Rejection, Timestamp, Until, Weight, What},
    workspace::{self, Carried, Identity, Lease, Pool, Repository, Setup, SetupError, Why, attempt_ref, slug},
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// What runs agents, by name.
pub type Backends = BTreeMap<Box<str>, Arc<dyn Backend>>;

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
    /// What an agent may take; a script has no limit of silence.
    pub agent_limits: Limits,
    /// Turns of a model in one run of an agent.
    pub turns: u32,
    /// Who agents are.
    pub definitions: Arc<Definitions>,
    /// MCP servers that agents get.
    pub servers: Vec<Server>,
    /// Agents are at home below it.
    pub homes: PathBuf,
    /// Where calls of agents are kept as cassettes, where that is asked for.
    pub record: Option<PathBuf>,
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
    /// `[workspace] lock`: what generates a lock file anew, by its path or its name.
    pub locks: BTreeMap<String, String>,
    /// `[workspace] generated`.
    pub generated: Vec<Box<str>>,
    /// Where the run began.
    pub base: Oid,
    /// `[coverage]`
    pub coverage: CoverageSetting,
}

/// The tools.
pub struct Bench {
    pub(super) setting: Setting,
    pub(super) repo: Arc<Repository>,
    pub(super) checks: Checks,
    pub(super) measurements: Reports,
    pub(super) wardens: Arc<dyn Launch>,
    pool: Pool,
    pub(super) backends: Backends,
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
    pub fn new(
        setting: Setting,
        repo: Arc<Repository>,
        pool: Pool,
        checks: Checks,
        (wardens, backends): (Arc<dyn Launch>, Backends),
    ) -> Bench {
        let (measurements, logs) = (Reports::default(), AtomicU32::new(0));
        Bench { setting, repo, checks, measurements, wardens, pool, backends, logs }
    }

    /// Calls of agents are kept in this folder from now on, where there is one.
    pub fn record(&mut self, folder: Option<PathBuf>) {
        self.setting.record = folder;
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
    pub(super) async fn write(&self, job: &Job, desk: &Desk, role: Role, start: Oid) -> Result<Left, Breakage> {
        let task = task(job, desk)?;
        let base = job.sheet.base;
        let message = |what: &str| format!("{} of task {}, attempt {}{what}", role.name(), task.label, job.attempt);
        let pin = |what: &str| {
            attempt_ref(&self.setting.run, &task.label, &format!("{}-{}{what}", job.id.0, job.what.name()))
        };
        let declared = own_paths(task);
        let (given, mut start) = (start, start);
        if let Some(left) = self.pool.left(&self.key(job)) {
            // A killed run left it: kept by a ref. Who goes on with a conversation goes on from what it speaks of; a script begins
            // again, since nobody knows how far it had got.
            let kept = self.repo.snapshot(&left, base, &declared, &message(", before a kill"), &pin("-before")).await;
            let kept = kept.map_err(|fault| fell(format!("what a killed run left could not be kept: {fault}")))?;
            if job.sheet.talks.contains_key(&job.what) {
                start = kept.commit;
            }
        }
        let lease = self.agent(job, start, desk).await?;
        let wish = Wish::of(role, None);
        let called = self.call(job, desk, &wish, &lease).await;
        if called.answer == Err(AgentError::Stopped) {
            lease.stay();
        }
        let taken = self.repo.snapshot(&lease, base, &declared, &message(""), &pin("")).await;
        let left = taken.as_ref().map_or(Oid::NONE, |snapshot| snapshot.commit);
        if taken.is_ok() {
            // From what it was given, also where it went on from what a killed run left: who plays it back begins there.
            self.tape(job, desk, &wish, &called, Some((given, left))).await;
        }
        let answer = called.answer;
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
            (Err(error), _) => ended(error, left, job.id, desk.at).map(Left::Ended),
        }
    }

    /// A task's own workspace with this commit in it, set up.
    pub(super) async fn agent(&self, job: &Job, commit: Oid, desk: &Desk) -> Result<Arc<Lease>, Breakage> {
        let lease = self.pool.agent(&self.key(job), commit).await.map_err(|fault| git(&fault))?;
        let (lease, failure) = self.set_up(lease, desk, &self.setting.setup).await?;
        match failure {
            // Its own work is in the way, say a lock file that does not agree with its manifest: it has to get in to mend that.
            Some(why) if commit != job.sheet.base => {
                tracing::warn!(why, "the workspace of an agent is not set up");
                Ok(lease)
            }
            Some(why) => Err(fell(why)),
            None => Ok(lease),
        }
    }

    /// A gate's workspace with exactly this commit in it, set up; or why that failed.
    pub(super) async fn gate(&self, commit: Oid, desk: &Desk) -> Result<Result<Arc<Lease>, String>, Breakage> {
        self.gate_with(commit, desk, &self.setting.setup).await
    }

    /// The same, set up otherwise.
    pub(super) async fn gate_with(
        &self,
        commit: Oid,
        desk: &Desk,
        setup: &Setup,
    ) -> Result<Result<Arc<Lease>, String>, Breakage> {
        let lease = self.pool.gate(commit).await.map_err(|fault| git(&fault))?;
        let (lease, failure) = self.set_up(lease, desk, setup).await?;
        Ok(failure.map_or(Ok(lease), Err))
    }

    /// Sets a workspace up; with what it said where one of its commands failed.
    async fn set_up(&self, lease: Lease, desk: &Desk, setup: &Setup) -> Result<(Arc<Lease>, Option<String>), Breakage> {
        let lease = Arc::new(lease);
        let line = line_to(desk, &lease);
        match lease.set_up(&self.repo, &*self.wardens, setup, &line).await {
            Ok(()) => Ok((lease, None)),
            Err(fault @ SetupError::Failed { .. }) if !desk.stop.is_cancelled() => Ok((lease, Some(fault.to_string()))),
            Err(fault) => Err(git(&fault)),
        }
    }

    /// What the pool calls a task of this run: one workspace to write in, and one for each of those who only look.
    fn key(&self, job: &Job) -> String {
        let task = format!("{}/{}", self.setting.run, job.node.0);
        match job.what {
            What::Review(by) => format!("{task}/review-{}", by.0),
            What::Consult | What::Advise => format!("{task}/{}", job.what.name()),
            _ => task,
        }
    }

    /// Tells the logs of one job apart.
    pub(super) fn count_log(&self) -> u32 {
        self.logs.fetch_add(1, Ordering::Relaxed) + 1
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
    pub(super) fn handoffs(&self, node: NodeId, desk: &Desk) -> Vec<String> {
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

/// The script of a try: the one of its number, the last one repeating. Advisers have their names from us: a script that says none is
/// for whichever of them is asked.
pub(super) fn script<'a>(task: &'a Task, role: Role, name: Option<&str>, turn: u16) -> Option<&'a Script> {
    let mut all: Vec<&Script> = task.brief.scripts(role, name).collect();
    if all.is_empty() && matches!(role, Role::Expert | Role::Coordinator) {
        all = task.brief.scripts(role, None).filter(|script| script.name.is_none()).collect();
    }
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
        Why::Copied => {
            let why = "it was copied from your working tree, and no change of it is part of a patch".into();
            (Weight::Concern, Code::LeftOut, why)
        }
        Why::InSubmodule => {
            let why = "its files were changed: they are another repository's, and no part of a patch".into();
            (Weight::Concern, Code::LeftOut, why)
        }
        Why::Submodule => {
            let why =
                "it is a submodule that was taken away or replaced: the task names it in its `Files`, or it stays"
                    .into();
            (Weight::Blocker, Code::StrayLink, why)
        }
        Why::Large => {
            let why = "it goes through git LFS, and `git lfs` is not installed to keep its content".into();
            (Weight::Blocker, Code::Binary, why)
        }
        Why::NotUtf8 => (Weight::Concern, Code::LeftOut, "its name is not UTF-8".into()),
    };
    Finding { weight, ..Finding::blocker(code, format!("{} was left out: {why}", left.path)) }
        .at(left.path.clone(), None)
}

/// The longest that a backend is waited for, in milliseconds, whatever it says: a little more than a weekly limit. What comes from outside may
/// be wrong, or forged, and then it is asked again.
const WAIT_MAX: u64 = 8 * 24 * 3_600_000;

/// How a job ends when its agent failed in a way that says nothing about the work.
///
/// # Errors
/// When it fell over.
pub(super) fn ended(error: AgentError, left: Oid, job: JobId, at: Timestamp) -> Result<Ending, Breakage> {
    let why = error.to_string().into();
    let until = match error {
        AgentError::RateLimited { until, .. } | AgentError::UsageLimit { until, .. } => {
            let until = until.min(at.after(WAIT_MAX));
            Until::At(until.after(jitter(until, at, job.0)))
        }
        // When it is worth trying again nobody says: the core's least rest, doubling.
        AgentError::Overloaded { .. } => Until::At(Timestamp(0)),
        AgentError::AuthRequired { .. } | AgentError::PaymentRequired { .. } | AgentError::Misconfigured { .. } => {
            Until::Person
        }
        AgentError::GaveUp { ref tail, .. } | AgentError::Crashed { ref tail, .. } => {
            return Err(Breakage::Fell { why: format!("{error}{}", after(tail)).into(), left });
        }
        AgentError::NoScript { .. }
        | AgentError::NoCassette { .. }
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

/// How much later than at the stated time a backend is asked again, in milliseconds: a twentieth of the wait at most, and half a minute, so
/// that not all who wait for it ask at once. Nothing where no time was stated.
fn jitter(until: Timestamp, now: Timestamp, salt: u64) -> u64 {
    const MOST: u64 = 30_000;
    let most = (until.0.saturating_sub(now.0) / 20).min(MOST);
    // Any mixing will do: what matters is that jobs and runs differ.
    salt.wrapping_add(now.0).wrapping_mul(0x9e37_79b9_7f4a_7c15) % (most + 1)
}

/// A fault of git's is nobody's fault: the job fell over.
pub(super) fn git(fault: &impl std::error::Error) -> Breakage {
    fell(with_causes(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stated_time_is_kept_and_not_all_come_at_once() {
        let until = |job, at| match ended(
            AgentError::UsageLimit { until: Timestamp(at), said: String::new() },
            Oid::NONE,
            JobId(job),
            Timestamp(1_000),
        ) {
            Ok(Ending::Deferred { until: Until::At(until), .. }) => until.0,
            other => panic!("{other:?}"),
        };
        let all: std::collections::BTreeSet<u64> = (0..20).map(|job| until(job, 3_601_000)).collect();
        assert!(all.len() > 5 && all.iter().all(|at| (3_601_000..=3_631_000).contains(at)), "{all:?}");
        assert_eq!(until(3, 0), 0, "nobody said when: the core's own rest");
        assert!(until(3, u64::MAX) < 1_000 + WAIT_MAX + 60_000, "nobody waits for ever, whatever was said");
    }

    #[test]
    fn what_a_task_lacks_closes_the_backend_for_no_other_task() {
        let ended = |error| ended(error, Oid::NONE, JobId(1), Timestamp(0));
        let lacks = ended(AgentError::NoScript { role: "implementation".into() }).unwrap_err();
        assert_eq!(lacks, fell("the task carries no script for the role implementation"));
        let shut = ended(AgentError::Misconfigured { what: "the disk is full".into() });
        assert!(matches!(shut, Ok(Ending::Deferred { until: Until::Person, .. })), "{shut:?}");
    }
}
