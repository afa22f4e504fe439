//! In place: scripts that run where the repository is, without a clone, a commit or a merge. For mechanical work that is its own result.

use super::{
    Desk, Done, Ended, Performer, Setting,
    bench::{after, ended, git, script, task},
    evidence::{Measured, listing},
    fell,
    measure::{all_covered, clear, printed, read},
    papers::Papers,
    settle::{Settled, checked, commands, complete, untouched},
};
use crate::{
    agent::{AgentError, AgentEvent, Backend, Invocation, SCRIPT, ScriptBackend, Sink, WritePolicy},
    check::{self, Check},
    context::{Package, feedback},
    handoff::STATUS,
    plan::{Criterion, Means, Parse, Role, Script, Task},
    process::{Confines, Launch, Line},
    run::{Breakage, Code, Ending, Evidence, Finding, Job, Oid, Rejection, What},
    workspace::{Pool, Repository, TreeEntry, slug},
};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

/// Bytes of common text in a context package.
const COMMON_MAX: usize = 32 << 10;

/// Does the jobs of a run that works in place.
pub struct InPlace {
    setting: Setting,
    repo: Arc<Repository>,
    /// The repository's working tree: all scripts and checks run there.
    top: PathBuf,
    /// Whoever looks at what commands leave does so alone: there is one tree for all.
    looking: tokio::sync::Mutex<()>,
    wardens: Arc<dyn Launch>,
    scripts: ScriptBackend,
    /// What scripts read of their tasks.
    contexts: Arc<Papers>,
    /// Nobody else works in the repository meanwhile.
    _held: Pool,
}

impl InPlace {
    /// Whoever does jobs in the repository's working tree.
    pub fn new(setting: Setting, repo: Arc<Repository>, wardens: Arc<dyn Launch>, held: Pool) -> InPlace {
        let (scripts, top) = (ScriptBackend::new(Arc::clone(&wardens)), repo.top().to_path_buf());
        let contexts = Papers::of(setting.folder.join("contexts"));
        InPlace { setting, repo, top, looking: tokio::sync::Mutex::default(), wardens, scripts, contexts, _held: held }
    }

    /// Runs the task's script. What it leaves is the result: there is no patch to judge, and the base stands for one.
    async fn implement(&self, job: &Job, desk: &Desk) -> Done {
        let task = task(job, desk)?;
        let unable = |error: io::Error| fell(format!("the try cannot begin: {error}"));
        let Some(script) = script(task, Role::Implementation, None, job.turn) else {
            return Err(fell(format!("task {} has no script; this is a bug", task.label)));
        };
        let context = context(task, job, desk);
        let paper = self.contexts.lend(&context).map_err(unable)?;
        let invocation = self.invocation((job, task, script), paper.path(), desk).map_err(unable)?;
        let folder = invocation.folder.clone();
        let tell = Arc::clone(&desk.tell);
        let sink: Sink = Arc::new(move |event| {
            if let AgentEvent::Text(words) = event {
                tell(super::Note::Said(words));
            }
        });
        let line = Line { stop: desk.stop.clone(), hold: Some(paper), ..Line::default() };
        let ran = self.scripts.run(invocation, sink, line).await;
        // Of one that did its work without a word there is nothing to read.
        if ran.is_err() || folder.is_dir() {
            let kept = |name: &str, text: &str| fs::write(folder.join(name), text);
            let made = fs::create_dir_all(&folder).and_then(|()| kept(SCRIPT, &script.body));
            made.and_then(|()| kept("context.md", &context))
                .map_err(|error| fell(format!("what it was told cannot be kept: {error}")))?;
        }
        let base = job.sheet.base;
        match ran {
            Ok(_) => Ok(Ending::Passed(Evidence::Work { patch: base, commit: base, told: Vec::new() })),
            Err(AgentError::GaveUp { code, tail }) => {
                let text = format!("it gave up with exit code {code}{}", after(&tail));
                let findings = vec![Finding::blocker(Code::Failed, text)];
                Ok(Ending::Rejected(Rejection { findings, ..Rejection::default() }))
            }
            Err(error) => ended(error, Oid::NONE, job.id, desk.at),
        }
    }

    fn invocation(
        &self,
        (job, task, script): (&Job, &Task, &Script),
        context: &Path,
        desk: &Desk,
    ) -> io::Result<Invocation> {
        let folder = self.folder(job, desk);
        let mut confines = self.confines(&[&self.top], true);
        confines.readable.push(context.to_owned());
        let feedback = if job.sheet.findings.is_empty() {
            PathBuf::from("/dev/null")
        } else {
            let path = folder.join("feedback.md");
            fs::create_dir_all(&folder).and_then(|()| fs::write(&path, feedback(&job.sheet.findings)))?;
            confines.readable.push(path.clone());
            path
        };
        let own: [(&str, OsString); 6] = [
            ("TIDEGATE_TOPIC", self.setting.topic.clone().into()),
            ("TIDEGATE_TASK", task.label.to_string().into()),
            ("TIDEGATE_ROLE", Role::Implementation.name().into()),
            ("TIDEGATE_ATTEMPT", job.turn.to_string().into()),
            ("TIDEGATE_FEEDBACK", feedback.into()),
            ("TIDEGATE_CONTEXT", context.into()),
        ];
        let own = own.into_iter().map(|(name, value)| (OsString::from(name), value));
        Ok(Invocation {
            role: Role::Implementation,
            definition: None,
            script: Some(script.clone()),
            model: None,
            prompt: String::new(),
            again: String::new(),
            cassette: String::new(),
            workspace: self.top.clone(),
            env: self.setting.env.iter().cloned().chain(own).collect(),
            home: folder.clone(),
            folder,
            writes: WritePolicy::Workspace,
            limits: self.setting.agent_limits,
            turns: self.setting.turns,
            confines: Some(confines),
            session: None,
            schema: None,
            servers: Vec::new(),
            at: desk.at,
        })
    }

    /// What a script or a check may write of these. Of the repository it is the working tree alone: branch, index, hooks and configuration act
    /// outside of the sandbox the next time that somebody calls git, and the journal is ours.
    fn confines(&self, writable: &[&Path], has_network: bool) -> Confines {
        let mut confines = self.setting.cage.around(writable, has_network);
        confines.readable.push(self.top.join(".git"));
        confines
    }

    /// Settles a gate's criterion, in the working tree as it is now.
    async fn settle(&self, job: &Job, criterion: u16, desk: &Desk) -> Done {
        let gate = desk.plan.node(job.node).gate();
        let asked = gate.and_then(|gate| gate.criteria.get(usize::from(criterion)));
        let asked = asked.ok_or_else(|| fell("a criterion that no gate has; this is a bug"))?;
        let settled = match &asked.means {
            Means::Measured { parse: Parse::Coverage(coverage), .. } => {
                let _alone = self.looking.lock().await;
                let reports = &coverage.reports;
                clear(&self.top, reports).map_err(fell)?;
                let measured = self.run(asked, job, desk).await?;
                let paths = self.tree().await?.into_iter().map(|entry| entry.path).collect();
                let (top, reports, roots) = (self.top.clone(), reports.clone(), self.setting.coverage.roots.clone());
                let covered = tokio::task::spawn_blocking(move || read(&top, &reports, &roots, &paths)).await;
                let covered = covered.map_err(|_| fell("reading a report of coverage fell over; this is a bug"))?;
                all_covered(asked, &measured, covered, &self.setting.coverage)?
            }
            Means::Measured { bound, parse, unit, .. } => {
                let measured = self.run(asked, job, desk).await?;
                printed(asked, &measured, &self.setting.folder, (parse, unit, *bound))
            }
            Means::LeavesClean { .. } => {
                let _alone = self.looking.lock().await;
                // What scripts made is not committed: the tree before is what the commands must leave.
                let before = self.tree().await?;
                let measured = self.run(asked, job, desk).await?;
                let after = listing(self.tree().await?);
                let is_altered = |entry: &&TreeEntry| after.get(&entry.path) != Some(&(entry.mode, entry.oid));
                // What we write ourselves meanwhile is not theirs.
                let is_theirs = |path: &&str| path.rsplit('/').next() != Some(STATUS);
                let altered = before.iter().filter(is_altered).map(|entry| &*entry.path).filter(is_theirs);
                untouched(asked, altered, &self.setting.coverage.reports, measured.ran)
            }
            Means::Files { paths } => {
                let empty = self.repo.hash(b"").await.map_err(|fault| git(&fault))?;
                complete(asked, paths, &self.tree().await?, empty)?
            }
            // Nothing lands here, so nobody has anything to hand over.
            Means::HandedOver => Settled::Seen { ran: Vec::new() },
            _ => checked(asked, &self.run(asked, job, desk).await?),
        };
        Ok(settled.into())
    }

    /// The files that are in the working tree and not ignored.
    async fn tree(&self) -> Result<Vec<TreeEntry>, Breakage> {
        self.repo.standing().await.map_err(|fault| git(&fault))
    }

    /// What the commands of a criterion say.
    async fn run(&self, asked: &Criterion, job: &Job, desk: &Desk) -> Result<Measured, Breakage> {
        let folder = self.folder(job, desk);
        let mut measured = Measured::default();
        for (number, command) in commands(asked)?.iter().enumerate() {
            let log = folder.join(format!("check-{number}.log"));
            let scratch = folder.join(format!("check-{number}.reports"));
            fs::create_dir_all(&scratch).map_err(|error| fell(format!("{}: {error}", scratch.display())))?;
            let check = Check {
                launch: &*self.wardens,
                command,
                on: job.sheet.base,
                cwd: &self.top,
                env: &self.setting.env,
                configured: &self.setting.check_env,
                reports: &[],
                limits: self.setting.check_limits,
                log: &log,
                log_name: &self.relative(&log),
                scratch: &scratch,
                cache: &scratch,
                tidegate: &self.setting.program,
                confines: Some(self.confines(&[&self.top, &scratch], self.setting.cage.gate_network)),
                line: Line { stop: desk.stop.clone(), ..Line::default() },
            };
            (desk.tell)(super::Note::Said(command.to_string()));
            let is_end = measured.take(check::run(&check, &[]).await)?;
            if is_end {
                break;
            }
        }
        Ok(measured)
    }

    /// Where what a job leaves is kept, once there is something.
    fn folder(&self, job: &Job, desk: &Desk) -> PathBuf {
        let label = slug(desk.plan.node(job.node).label());
        self.setting.folder.join("logs").join(label).join(format!("{:05}-{}", job.id.0, job.what.name()))
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.setting.folder).unwrap_or(path).to_string_lossy().into_owned()
    }
}

/// What a script may read of its task.
fn context(task: &Task, job: &Job, desk: &Desk) -> String {
    let package = Package {
        plan: desk.plan.blueprint(),
        task,
        role: Role::Implementation,
        prompt: None,
        handoffs: &[],
        seal: &job.sheet.seal,
        without_code: None,
        findings: &job.sheet.findings,
        uncovered: &[],
        patch: None,
        common_max: COMMON_MAX,
    };
    package.render()
}

impl Performer for InPlace {
    fn perform(&self, job: Job, desk: Desk) -> Pin<Box<dyn Future<Output = Ended> + Send + '_>> {
        Box::pin(async move {
            let done = match job.what {
                What::Implement => self.implement(&job, &desk).await,
                What::Settle(criterion) => self.settle(&job, criterion, &desk).await,
                other => Err(fell(format!("{} is nothing that is done in place; this is a bug", other.name()))),
            };
            Ended::from(done.unwrap_or_else(Ending::Broke))
        })
    }
}
