//! Measuring: what a figure is on a commit, as its command prints it or as the reports of coverage say that were left.

use super::{
    Bench, Breakage, Desk,
    bench::git,
    evidence::{Look, Measured, Purpose},
    fell,
    settle::{Settled, wanting},
};
use crate::{
    check::{Covered, PRINTED_MAX, Places, Put, REPORT_MAX, Share, figure, last_text},
    plan::{Bound, Coverage, Criterion, Means, Parse, Part, Unit},
    process::{clear_in, leaving_in},
    rules,
    run::{Code, Finding, Job, Oid, Subject, Weight, What},
    workspace::{Change, Lease},
};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::{collections::HashSet, path::Path, sync::Arc};

/// Files whose uncovered lines are told, and stretches of one of them.
const FILES_TOLD: usize = 20;
const STRETCHES_TOLD: usize = 20;

/// Bytes of a changed file in which lines are looked for.
const TEXT_MAX: usize = 4 << 20;

/// What holds for all reports of coverage.
#[derive(Clone, Debug, Default)]
pub struct CoverageSetting {
    /// `[coverage] reports`: what the checks of every gate leave.
    pub reports: Vec<Box<str>>,
    /// `[coverage] roots`: what paths in reports begin with beyond the repository, or lack.
    pub roots: Vec<Box<str>>,
    /// `[coverage] exclude`: globs of files that do not count.
    pub exclude: Vec<Box<str>>,
}

impl Bench {
    /// What a measured criterion comes to on a commit.
    pub(super) async fn measure(
        &self,
        commit: Oid,
        asked: &Criterion,
        job: &Job,
        desk: &Desk,
    ) -> Result<Settled, Breakage> {
        let Means::Measured { command, bound, parse, unit } = &asked.means else {
            return Err(fell("what is not measured was asked of a checker; this is a bug"));
        };
        if let Parse::Coverage(coverage) = parse {
            return self.measure_coverage(commit, asked, coverage, job, desk).await;
        }
        // A figure differs from one time to the next: whoever tries again wants another one.
        let why = if job.turn > 1 && job.what != What::Prove { Purpose::Anew } else { Purpose::Judge };
        let measured = self.measured(commit, std::slice::from_ref(command), why, job, desk).await?;
        Ok(printed(asked, &measured, &self.setting.folder, (parse, unit, *bound)))
    }

    async fn measure_coverage(
        &self,
        commit: Oid,
        asked: &Criterion,
        wish: &Coverage,
        job: &Job,
        desk: &Desk,
    ) -> Result<Settled, Breakage> {
        let look = Look { reports: &wish.reports, at_tree: self.checks.are_of_deployment(&wish.commands) };
        let measured = self.looked(commit, &wish.commands, (Purpose::Judge, look), job, desk).await?;
        // Whether the task's own checks are green is another criterion, which knows what was red before.
        let is_judged = desk.plan.node(job.node).task().is_some() && wish.commands == self.checks.task_commands();
        if measured.report.exit != 0 && !is_judged {
            return Ok(wanting(asked, &measured.failure(), measured.ran.clone()));
        }
        let covered = match &measured.covered {
            Some(Ok(covered)) => Arc::clone(covered),
            Some(Err(why)) => return Ok(wanting(asked, why, measured.ran.clone())),
            None => return Err(fell("no report of coverage was looked for; this is a bug")),
        };
        let excluded = globs(&self.setting.coverage.exclude)?;
        let total = |covered: &Covered| covered.total(|path| !excluded.is_match(path));
        let (share, figure) = match wish.part {
            Part::Total => {
                let share = total(&covered);
                let figure = share.figure();
                (share, figure)
            }
            Part::Changed => {
                let share = self.changed(&covered, base_of(job), commit, &excluded).await?;
                let figure = share.figure();
                (share, figure)
            }
            Part::Gain => {
                let before = self.looked(base_of(job), &wish.commands, (Purpose::Base, look), job, desk).await?;
                // Where nothing was measured before, nothing can drop.
                let before = before.covered.as_ref().and_then(|covered| covered.as_ref().ok());
                let share = total(&covered);
                let figure = share.figure() - before.map_or(0, |before| total(before).figure());
                (Share { uncovered: Vec::new(), ..share }, figure)
            }
        };
        let told = told(&share, wish.part);
        Ok(Settled::Figure { figure, ran: measured.ran.clone(), told })
    }

    /// The share of the lines that a patch puts in, tests aside.
    async fn changed(&self, covered: &Covered, base: Oid, commit: Oid, excluded: &GlobSet) -> Result<Share, Breakage> {
        let changes = self.repo.changes(base, commit).await.map_err(|fault| git(&fault))?;
        let tests = globs(&self.setting.test_paths)?;
        let counts = |change: &&Change| {
            let path = &*change.path;
            let is_file = change.after.is_some_and(|entry| matches!(entry.mode, 0o100_644 | 0o100_755));
            is_file && !rules::is_test_path(path) && !tests.is_match(path) && !excluded.is_match(path)
        };
        let mut files = Vec::new();
        for change in changes.iter().filter(counts) {
            let Some(after) = change.after else { continue };
            let bytes = self.repo.blob(after.oid).await.map_err(|fault| git(&fault))?;
            let Ok(text) = String::from_utf8(bytes.to_vec()) else { continue };
            if text.len() > TEXT_MAX {
                continue;
            }
            let lines = self.repo.lines_put(change).await.map_err(|fault| git(&fault))?;
            let lines = if change.path.ends_with(".rs") { beside_tests(&text, &lines) } else { lines };
            files.push((change.path.clone(), lines, text));
        }
        Ok(covered.changed(files.iter().map(|(path, lines, text)| Put { path, lines: lines.clone(), text })))
    }

    /// What the reports say that were left in a workspace, or why that is not known.
    pub(super) async fn covered(
        &self,
        commit: Oid,
        lease: &Lease,
        reports: &[Box<str>],
    ) -> Result<Result<Covered, String>, Breakage> {
        let tree = self.repo.tree(commit).await.map_err(|fault| git(&fault))?;
        let paths: HashSet<Box<str>> = tree.into_iter().map(|entry| entry.path).collect();
        let root = lease.path().to_path_buf();
        let (reports, roots) = (reports.to_vec(), self.setting.coverage.roots.clone());
        let reading = move || read(&root, &reports, &roots, &paths);
        tokio::task::spawn_blocking(reading)
            .await
            .map_err(|_| fell("reading a report of coverage fell over; this is a bug"))
    }
}

/// What a command printed of a criterion's figure. Its log is in the run's `folder`.
pub(super) fn printed(
    asked: &Criterion,
    measured: &Measured,
    folder: &Path,
    (parse, unit, bound): (&Parse, &Unit, Bound),
) -> Settled {
    let ran = measured.ran.clone();
    if measured.report.exit != 0 {
        return wanting(asked, &measured.failure(), ran);
    }
    let text = ran.last().map_or_else(String::new, |ran| last_text(&folder.join(&*ran.log), PRINTED_MAX));
    match figure(&text, parse, unit, bound) {
        Ok(figure) => Settled::Figure { figure, ran, told: Vec::new() },
        Err(why) => wanting(asked, &format!("{why}; {}", measured.failure()), ran),
    }
}

/// The share of all lines that the reports know which commands left in a working tree. Nothing tells what a task changed there.
pub(super) fn all_covered(
    asked: &Criterion,
    measured: &Measured,
    covered: Result<Covered, String>,
    setting: &CoverageSetting,
) -> Result<Settled, Breakage> {
    let ran = measured.ran.clone();
    let covered = match covered {
        _ if measured.report.exit != 0 => return Ok(wanting(asked, &measured.failure(), ran)),
        Err(why) => return Ok(wanting(asked, &why, ran)),
        Ok(covered) => covered,
    };
    let excluded = globs(&setting.exclude)?;
    let share = covered.total(|path| !excluded.is_match(path));
    Ok(Settled::Figure { figure: share.figure(), ran, told: told(&share, Part::Total) })
}

/// What the reports say that were left in a folder whose files are `paths`.
pub(super) fn read(
    root: &Path,
    reports: &[Box<str>],
    roots: &[Box<str>],
    paths: &HashSet<Box<str>>,
) -> Result<Covered, String> {
    let real = root.canonicalize().ok().filter(|real| real != root);
    let has = |path: &str| paths.contains(path);
    let own = std::iter::once(root.to_path_buf()).chain(real).collect();
    let places = Places { roots: own, configured: roots, has: &has };
    let mut covered = Covered::default();
    for report in reports {
        let bytes = leaving_in(root, Path::new(&**report), REPORT_MAX + 1);
        let bytes = bytes.map_err(|error| format!("the checks left no report of coverage `{report}`: {error}"))?;
        if bytes.len() as u64 > REPORT_MAX {
            return Err(format!("the report of coverage `{report}` has more than {} MiB", REPORT_MAX >> 20));
        }
        covered.read(report, &bytes, &places).map_err(|error| format!("the report of coverage `{report}`: {error}"))?;
    }
    match &covered.strangers {
        _ if !covered.is_empty() => Ok(covered),
        (_, None) => Err(format!("the reports of coverage have no file in them: {}", reports.join(", "))),
        (_, Some(stranger)) => {
            let why = "the reports of coverage name no file of the tree";
            Err(format!("{why}, but `{stranger}` and its like: `[coverage] roots` says what such paths begin with"))
        }
    }
}

/// Takes reports away before checks run: one that is committed, or was left, is not theirs.
pub(super) fn clear(root: &Path, reports: &[Box<str>]) -> Result<(), String> {
    for report in reports {
        let cleared = clear_in(root, Path::new(&**report));
        cleared.map_err(|error| format!("the report of coverage `{report}` cannot be made anew: {error}"))?;
    }
    Ok(())
}

/// What the patch of a job is made on.
fn base_of(job: &Job) -> Oid {
    if let Subject::Candidate { base, .. } = job.on { base } else { job.sheet.base }
}

/// Paths by globs in which a star stays within its folder.
pub(super) fn globs(patterns: &[Box<str>]) -> Result<GlobSet, Breakage> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|error| fell(format!("`{pattern}` is no pattern of paths: {error}")))?);
    }
    set.build().map_err(|error| fell(format!("patterns of paths: {error}")))
}

/// Stretches of lines without those that are there for tests alone.
fn beside_tests(text: &str, lines: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let count = |end: usize| text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count() as u32;
    let mut kept = lines.to_vec();
    for part in rules::test_part(text) {
        let start = part.as_ptr() as usize - text.as_ptr() as usize;
        let (first, last) = (count(start) + 1, count(start + part.trim_end().len()) + 1);
        let cut = |&(begin, end): &(u32, u32)| {
            let before = (begin < first).then(|| (begin, end.min(first - 1)));
            let behind = (end > last).then(|| (begin.max(last + 1), end));
            before.into_iter().chain(behind).collect::<Vec<_>>()
        };
        kept = kept.iter().flat_map(cut).collect();
    }
    kept
}

/// The lines that no test runs, for whoever can do something about them.
fn told(share: &Share, part: Part) -> Vec<Finding> {
    let remark = |text: String, path: &str, line| {
        Finding { weight: Weight::Suggestion, ..Finding::blocker(Code::Uncovered, text) }.at(path, line)
    };
    let mut files: Vec<_> = share.uncovered.iter().collect();
    let count = |lines: &[(u32, u32)]| lines.iter().map(|(first, last)| u64::from(last - first + 1)).sum::<u64>();
    files.sort_by_key(|(_, lines)| std::cmp::Reverse(count(lines)));
    let what = if part == Part::Changed { "changed " } else { "" };
    let mut told = Vec::new();
    for (path, lines) in files.iter().take(FILES_TOLD) {
        let shown: Vec<String> = lines.iter().take(STRETCHES_TOLD).map(|&(first, last)| stretch(first, last)).collect();
        let more = lines.len().saturating_sub(STRETCHES_TOLD);
        let more = if more == 0 { String::new() } else { format!(" and {more} more stretches") };
        let why = if share.unreported.contains(path) { ", since no report of coverage has the file" } else { "" };
        let text = format!("no test runs the {what}lines {}{more}{why}", shown.join(", "));
        told.push(remark(text, path, lines.first().map(|(first, _)| *first)));
    }
    if files.len() > FILES_TOLD {
        let text = format!("and {what}lines of {} more files, which no test runs", files.len() - FILES_TOLD);
        told.push(Finding { weight: Weight::Suggestion, ..Finding::blocker(Code::Uncovered, text) });
    }
    for path in share.unknown.iter().take(FILES_TOLD) {
        let text = "it is of a kind that no report of coverage knows: its lines were not measured, and do not count";
        told.push(remark(text.to_owned(), path, None));
    }
    told
}

fn stretch(first: u32, last: u32) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_tests_alone_are_no_lines_of_the_patch() {
        let text = "pub fn a() {}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {}\n}\npub fn b() {}\n";
        assert_eq!(beside_tests(text, &[(1, 8)]), [(1, 2), (8, 8)]);
        assert_eq!(beside_tests(text, &[(4, 5)]), []);
        assert_eq!(beside_tests("pub fn a() {}\n", &[(1, 1)]), [(1, 1)]);
    }

    #[test]
    fn what_is_told_of_uncovered_lines_is_bounded_and_the_worst_come_first() {
        let lines = |count: u32| (0..count).map(|at| (2 * at + 1, 2 * at + 1)).collect::<Vec<_>>();
        let uncovered = (0..40).map(|n| (format!("f{n}.rs").into(), lines(n + 1))).collect();
        let share = Share { uncovered, ..Share::default() };
        let told = told(&share, Part::Changed);
        assert_eq!(told.len(), FILES_TOLD + 1);
        assert_eq!(told[0].file.as_deref(), Some("f39.rs"));
        assert!(told[0].text.ends_with("37, 39 and 20 more stretches"), "{}", told[0].text);
        assert_eq!(&*told[FILES_TOLD].text, "and changed lines of 20 more files, which no test runs");
    }
}
