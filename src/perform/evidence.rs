//! Evidence: what checks say about a tree. Measured once a tree where it can be: what was tested is exactly what lands.

use super::{
    Bench, Breakage, Desk,
    bench::{git, line_to},
    fell,
    measure::clear,
};
use crate::{
    check::{self, Check, Checked, Covered},
    process::{CacheUser, How, Limits, with_causes},
    rules::{Build, Report},
    run::{Code, Finding, Job, Oid, Ran, Timestamp},
    workspace::Lease,
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Characters of output that go with a finding.
const OUTPUT_MAX: usize = 6 << 10;

/// What checks said about a tree.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) report: Report,
    pub(super) ran: Vec<Ran>,
    /// Which of the commands is to blame: the one whose failure its tests do not explain, else the first that failed.
    culprit: Option<usize>,
    /// The useful part of what it printed; where all is well, the last command.
    pub(super) tail: String,
    /// A command did not come to its end: what it would have said is not known.
    is_cut: bool,
    /// What the reports of coverage say that they left; nothing where none was looked for.
    pub(super) covered: Option<Result<Arc<Covered>, String>>,
    /// Files of the commit that they changed; nothing where that was not looked at.
    pub(super) altered: Option<Vec<Box<str>>>,
}

impl Measured {
    /// Takes in what a command said; `true`: there is no use in running those behind it.
    ///
    /// # Errors
    /// When it was ended for no reason of its own.
    pub(super) fn take(&mut self, checked: Checked) -> Result<bool, Breakage> {
        match checked.exit.how {
            How::Stopped => return Err(fell("stopped")),
            How::WardenLost => return Err(fell("the warden of a check was lost")),
            How::TimedOut | How::Idle | How::TooMuchOutput | How::NotStarted(_) => self.is_cut = true,
            How::Code(_) | How::Signal(_) => {}
        }
        let is_end =
            checked.ran.exit != 0 && (checked.report.build != Build::Built || checked.report.unexplained() != 0);
        if is_end || self.culprit.is_none() {
            self.tail = format!("{}{}", offline(&checked.tail).unwrap_or_default(), checked.tail);
            self.culprit = (checked.ran.exit != 0).then_some(self.ran.len());
        }
        let report = std::mem::take(&mut self.report);
        self.report = if self.ran.is_empty() { checked.report } else { report.and(checked.report) };
        self.ran.push(checked.ran);
        Ok(is_end || self.is_cut)
    }

    /// Whether it failed without having said anything of tests or of a build, as where the runner is not installed.
    pub(super) fn is_mute(&self) -> bool {
        let Report { exit, build, is_counted, incomplete, .. } = &self.report;
        *exit != 0 && *build == Build::Built && !is_counted && incomplete.is_none()
    }

    /// What failed, in a sentence and its output.
    pub(super) fn failure(&self) -> String {
        match self.culprit.and_then(|at| self.ran.get(at)).or_else(|| self.ran.last()) {
            Some(ran) => {
                let tail: String = self.tail.trim().chars().take(OUTPUT_MAX).collect();
                format!("`{}` exited with {}{}", ran.command, ran.exit, super::bench::after(&tail))
            }
            None if self.tail.is_empty() => "nothing was run".to_owned(),
            None => self.tail.chars().take(OUTPUT_MAX).collect(),
        }
    }

    /// Findings with the output that matters: a failed check says which command it was, others have the output behind the first.
    pub(super) fn explain(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        let tail: String = self.tail.trim().chars().take(OUTPUT_MAX).collect();
        if let Some(check) = findings.iter_mut().find(|finding| finding.code == Code::CheckFails) {
            check.text = self.failure().into();
        } else if let (Some(first), false) = (findings.first_mut(), tail.is_empty()) {
            first.text = format!("{}\n{tail}", first.text).into();
        }
        findings
    }
}

/// What to do where a check complains that it cannot fetch something. First of all that is told: what comes last may be cut off.
fn offline(tail: &str) -> Option<&'static str> {
    const COMPLAINTS: [&str; 9] = [
        "could not resolve host",
        "couldn't resolve host",
        "name resolution",
        "name or service not known",
        "network is unreachable",
        "getaddrinfo",
        "enotfound",
        "eai_again",
        "dns error",
    ];
    let text = tail.to_lowercase();
    COMPLAINTS.iter().any(|complaint| text.contains(complaint)).then_some(
        "in the sandbox, checks have no network: have `[workspace] setup` fetch what they need, e.g. by `cargo fetch`\n",
    )
}

/// What a measurement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To compare another tree with.
    Base,
    /// To judge this tree.
    Judge,
    /// The same, whatever was measured before: figures differ from one time to the next.
    Anew,
    /// To see whether tests fail on a tree that lacks something; in no more than this time.
    Lacking(Duration),
}

/// What is looked at when commands have ended, beside what they say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look<'a> {
    /// Reports of coverage that they leave.
    pub(super) reports: &'a [Box<str>],
    /// Whether they changed what they were run on.
    pub(super) at_tree: bool,
}

impl Look<'_> {
    fn is_satisfied(&self, measured: &Measured) -> bool {
        (self.reports.is_empty() || measured.covered.is_some()) && (!self.at_tree || measured.altered.is_some())
    }
}

/// What the task gate's checks for a patch say of what it was made on, and of what it makes.
pub(super) struct Said {
    pub(super) commands: Vec<Box<str>>,
    pub(super) before: Arc<Measured>,
    pub(super) after: Arc<Measured>,
}

/// What was measured of one tree by the same commands; whoever needs it while it is being measured waits for that.
type Slot = Arc<tokio::sync::Mutex<Option<Arc<Measured>>>>;

/// What was measured, by tree and commands; the latest of it.
#[derive(Default)]
pub(super) struct Reports(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    slots: HashMap<Subject, Slot>,
    oldest: VecDeque<Subject>,
}

/// More trees than are compared at any one time.
const TREES_KEPT: usize = 128;

/// A tree, and what is run on it.
type Subject = (Oid, Vec<Box<str>>);

impl Reports {
    fn of(&self, tree: Oid, commands: &[Box<str>]) -> Slot {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let subject = (tree, commands.to_vec());
        if let Some(slot) = kept.slots.get(&subject) {
            return Arc::clone(slot);
        }
        if kept.oldest.len() == TREES_KEPT
            && let Some(oldest) = kept.oldest.pop_front()
        {
            kept.slots.remove(&oldest);
        }
        kept.oldest.push_back(subject.clone());
        Arc::clone(kept.slots.entry(subject).or_default())
    }
}

impl Bench {
    /// What the task gate's checks of a patch say about its base, and about what it makes of it.
    pub(super) async fn reports(&self, base: Oid, commit: Oid, job: &Job, desk: &Desk) -> Result<Said, Breakage> {
        let changes = self.repo.changes(base, commit).await.map_err(|fault| git(&fault))?;
        let commands = self.checks.commands_for(changes.iter().map(|change| &*change.path));
        // The tree first: its base is often a candidate that somebody else is proving now, and waiting for that would prove one by one.
        let after = self.measured(commit, &commands, Purpose::Judge, job, desk).await?;
        let before = self.measured(base, &commands, Purpose::Base, job, desk).await?;
        Ok(Said { commands, before, after })
    }

    /// What commands say about a commit's tree: checks belong to a tree, so they run once for it. What failed is run again, for
    /// it may have been looked into since; but not for a base, which others are only compared with.
    pub(super) async fn measured(
        &self,
        commit: Oid,
        commands: &[Box<str>],
        why: Purpose,
        job: &Job,
        desk: &Desk,
    ) -> Result<Arc<Measured>, Breakage> {
        let look = Look { reports: &self.setting.coverage.reports, at_tree: self.checks.are_of_deployment(commands) };
        self.looked(commit, commands, (why, look), job, desk).await
    }

    /// The same, with a look at what they leave.
    pub(super) async fn looked(
        &self,
        commit: Oid,
        commands: &[Box<str>],
        (why, look): (Purpose, Look<'_>),
        job: &Job,
        desk: &Desk,
    ) -> Result<Arc<Measured>, Breakage> {
        let tree = self.repo.tree_of(commit).await.map_err(|fault| git(&fault))?;
        let slot = self.measurements.of(tree, commands);
        let mut slot = tokio::select! {
            slot = slot.lock() => slot,
            () = desk.stop.cancelled() => return Err(fell("stopped")),
        };
        if let Some(measured) = slot.as_ref()
            && (measured.report.exit == 0 || matches!(why, Purpose::Base | Purpose::Lacking(_)))
            && why != Purpose::Anew
            && look.is_satisfied(measured)
        {
            return Ok(Arc::clone(measured));
        }
        let limits = self.setting.check_limits;
        let limits = match why {
            Purpose::Lacking(total) => Limits { total: total.min(limits.total), ..limits },
            Purpose::Base | Purpose::Judge | Purpose::Anew => limits,
        };
        let place = self.place(job, desk)?;
        let measured = self.run_checks(commit, commands, look, (&place, limits), desk).await?;
        if measured.is_cut && why == Purpose::Base {
            return Err(fell(format!("what passed before is not known: on the base, {}", measured.failure())));
        }
        *slot = Some(Arc::clone(&measured));
        Ok(measured)
    }

    /// Runs command lines on a fresh checkout of a commit, one after the other, to the first whose failure its tests do not explain:
    /// what was red before must not keep the others from speaking.
    pub(super) async fn run_checks(
        &self,
        commit: Oid,
        commands: &[Box<str>],
        look: Look<'_>,
        (folder, limits): (&Path, Limits),
        desk: &Desk,
    ) -> Result<Arc<Measured>, Breakage> {
        let mut measured = Measured::default();
        if commands.is_empty() {
            return Ok(Arc::new(measured));
        }
        let lease = match self.gate(commit, desk).await? {
            Ok(lease) => lease,
            // Nobody's fault in the tree: what fetches packages got nothing.
            Err(why) if offline(&why).is_some() => return Err(fell(why)),
            Err(why) => {
                measured.report = Report::did_not_run(why.as_str(), 1);
                (measured.tail, measured.is_cut) = (why, true);
                return Ok(Arc::new(measured));
            }
        };
        let cleared = clear(lease.path(), look.reports);
        for command in commands {
            let number = self.count_log();
            let name = format!("check-{number}");
            let (log, scratch) = (folder.join(format!("{name}.log")), folder.join(format!("{name}.reports")));
            std::fs::create_dir_all(&scratch).map_err(|error| fell(format!("{}: {error}", scratch.display())))?;
            let checked = self.one_check(command, commit, &lease, (&log, &scratch, limits), desk).await;
            // Reports were read; what is worth keeping is in the log and in the journal.
            let _ = std::fs::remove_dir_all(&scratch);
            if measured.take(checked)? {
                break;
            }
        }
        if !look.reports.is_empty() {
            measured.covered = Some(match cleared {
                Ok(()) => self.covered(commit, &lease, look.reports).await?.map(Arc::new),
                Err(why) => Err(why),
            });
        }
        if look.at_tree {
            measured.altered = Some(self.repo.altered(&lease, commit).await.map_err(|fault| git(&fault))?);
        }
        Ok(Arc::new(measured))
    }

    /// Where the logs of a job's checks go.
    pub(super) fn place(&self, job: &Job, desk: &Desk) -> Result<PathBuf, Breakage> {
        self.folder(job, desk, None).map_err(|error| fell(with_causes(&error)))
    }

    /// Whether the task gate's checks pass on the base, before anything begins. For runners that give no names: what was red
    /// there could not be told from what a task broke.
    ///
    /// # Errors
    /// What failed, in words.
    pub async fn try_base(&self, base: Oid) -> Result<(), String> {
        let (plan, stop) = (Arc::default(), CancellationToken::new());
        let desk = Desk {
            plan,
            at: Timestamp::default(),
            stop,
            tell: Arc::new(|_| {}),
            may_call: Arc::new(|| Box::pin(async { Ok(()) })),
        };
        let folder = self.setting.folder.join("logs").join("base");
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let place = (&*folder, self.setting.check_limits);
        match self.run_checks(base, &self.checks.task_commands(), Look::default(), place, &desk).await {
            Ok(measured) if measured.report.exit == 0 => Ok(()),
            Ok(measured) => Err(measured.failure()),
            Err(Breakage::Fell { why, .. }) => Err(why.into()),
            Err(Breakage::Moved { .. }) => Err("the base moved".to_owned()),
        }
    }

    async fn one_check(
        &self,
        command: &str,
        commit: Oid,
        lease: &Arc<Lease>,
        (log, scratch, limits): (&Path, &Path, Limits),
        desk: &Desk,
    ) -> Checked {
        use tracing::Instrument;
        let span = tracing::info_span!(
            "tidegate.check",
            command,
            commit = %commit,
            exit = tracing::field::Empty,
            ms = tracing::field::Empty,
        );
        let log_name = self.relative(log);
        let caches = self.setting.setup.caches.variables(CacheUser::Check, &lease.caches());
        let env: Vec<_> = self.setting.env.iter().cloned().chain(caches).collect();
        let check = Check {
            launch: &*self.wardens,
            command,
            on: commit,
            cwd: lease.path(),
            env: &env,
            configured: &self.setting.check_env,
            reports: self.checks.reports(),
            limits,
            log,
            log_name: &log_name,
            scratch,
            cache: lease.cache(),
            tidegate: &self.setting.program,
            confines: Some(self.setting.cage.of_check(lease, scratch)),
            line: line_to(desk, lease),
        };
        (desk.tell)(super::Note::Said(command.to_owned()));
        let readers = self.checks.readers(command);
        let checked = check::run(&check, &readers).instrument(span.clone()).await;
        span.record("exit", checked.ran.exit);
        span.record("ms", checked.ran.ms.cast_signed());
        checked
    }
}

/// A listing of a tree: mode and content of each path.
pub(super) fn listing(entries: Vec<crate::workspace::TreeEntry>) -> BTreeMap<Box<str>, (u32, Oid)> {
    entries.into_iter().map(|entry| (entry.path, (entry.mode, entry.oid))).collect()
}
