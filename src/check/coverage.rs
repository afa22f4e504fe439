//! Coverage: which lines of the tree tests run, from the reports that checks leave; and what share of some lines that is.

use super::{cobertura, code, lcov};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Bytes of one report that are read.
pub const REPORT_MAX: u64 = 128 << 20;

/// Lines of all reports together.
const LINES_MAX: usize = 5_000_000;
/// The number of a line, and bytes of a path; what is beyond was not written by a tool.
const LINE_MAX: u32 = 50_000_000;
const PATH_MAX: usize = 4_096;
/// Roots that a report states.
const SOURCES_MAX: usize = 100;

/// Why a report is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is not what it should be, and where.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// It is text of no known kind.
    #[error("it is not UTF-8")]
    NotText,
    /// It has more lines than any repository.
    #[error("it has more than {LINES_MAX} lines")]
    TooLong,
}

/// What a report says, with paths as it writes them.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) sources: Vec<String>,
    files: BTreeMap<String, BTreeMap<u32, bool>>,
    open: Option<String>,
    count: usize,
}

impl Written {
    pub(super) fn begin(&mut self, path: &str) -> Result<(), Unread> {
        let path = path.trim();
        if path.is_empty() || path.len() > PATH_MAX {
            return Err(Unread::Malformed("a file without a name".to_owned()));
        }
        self.files.entry(path.to_owned()).or_default();
        self.open = Some(path.to_owned());
        Ok(())
    }

    /// A line of the file that was begun last. It ran when any record of it says so.
    pub(super) fn line(&mut self, at: u32, is_run: bool) -> Result<(), Unread> {
        if at == 0 || at > LINE_MAX {
            return Err(Unread::Malformed(format!("{at} is no number of a line")));
        }
        let Some(lines) = self.open.as_ref().and_then(|path| self.files.get_mut(path)) else {
            return Err(Unread::Malformed("a line of no file".to_owned()));
        };
        *lines.entry(at).or_insert_with(|| {
            self.count += 1;
            false
        }) |= is_run;
        if self.count > LINES_MAX { Err(Unread::TooLong) } else { Ok(()) }
    }

    pub(super) fn source(&mut self, root: &str) -> Result<(), Unread> {
        if root.len() > PATH_MAX || self.sources.len() == SOURCES_MAX {
            return Err(Unread::Malformed("too many roots, or too long ones".to_owned()));
        }
        if !root.is_empty() {
            self.sources.push(root.to_owned());
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn lines(&self, path: &str) -> Vec<(u32, bool)> {
        self.files[path].iter().map(|(at, is_run)| (*at, *is_run)).collect()
    }
}

/// How paths of a report become paths of the tree.
pub struct Places<'a> {
    /// Where the checks ran: the root of the tree, by each of its names.
    pub roots: Vec<PathBuf>,
    /// `[coverage] roots`: what paths begin with beyond it, or lack.
    pub configured: &'a [Box<str>],
    /// Whether the tree has a file.
    pub has: &'a dyn Fn(&str) -> bool,
}

/// First and last of each stretch of lines.
pub type Stretches = Vec<(u32, u32)>;

/// Lines of one file that stand together and ran, or did not: first, last.
type Stretch = (u32, u32, bool);

/// Which lines of the tree hold code, and which of them tests run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    files: BTreeMap<Box<str>, Vec<Stretch>>,
    /// Paths that reports name and the tree does not have: how many, and one of them.
    pub strangers: (usize, Option<Box<str>>),
}

/// A share of lines, and what is missing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Lines that tests run.
    pub covered: u64,
    /// Lines that hold code.
    pub of: u64,
    /// Lines that hold code and that no test runs, by file: first and last of each stretch.
    pub uncovered: Vec<(Box<str>, Stretches)>,
    /// Of these, files that no report has.
    pub unreported: Vec<Box<str>>,
    /// Files with code of a kind that no report knows: they do not count.
    pub unknown: Vec<Box<str>>,
}

impl Share {
    /// In thousandths of a percent, rounded down; all of nothing is all of it.
    pub fn figure(&self) -> i64 {
        let share = u128::from(self.covered) * 100_000 / u128::from(self.of.max(1));
        if self.of == 0 { 100_000 } else { i64::try_from(share).unwrap_or(100_000) }
    }
}

/// What a patch puts into one file.
#[derive(Clone, Debug)]
pub struct Put<'a> {
    /// Relative to the repository.
    pub path: &'a str,
    /// First and last of each stretch of lines.
    pub lines: Stretches,
    /// The file as it is with the patch.
    pub text: &'a str,
}

impl Covered {
    /// Reads the report at a path of the tree into what is known.
    ///
    /// # Errors
    /// When it is no report.
    pub fn read(&mut self, path: &str, bytes: &[u8], places: &Places<'_>) -> Result<(), Unread> {
        let text = std::str::from_utf8(bytes).map_err(|_| Unread::NotText)?;
        let text = text.trim_start_matches('\u{feff}');
        let written = if text.trim_start().starts_with('<') { cobertura::read(text)? } else { lcov::read(text)? };
        let mut files: BTreeMap<Box<str>, BTreeMap<u32, bool>> = BTreeMap::new();
        for (name, lines) in written.files {
            let Some(place) = places.find(path, &name, &written.sources) else {
                self.strangers.0 += 1;
                self.strangers.1.get_or_insert_with(|| name.into());
                continue;
            };
            let known = files.entry(place).or_default();
            lines.into_iter().for_each(|(at, is_run)| *known.entry(at).or_default() |= is_run);
        }
        for (place, mut lines) in files {
            let known = self.files.entry(place).or_default();
            for (at, is_run) in
                known.iter().flat_map(|&(first, last, is_run)| (first..=last).map(move |at| (at, is_run)))
            {
                *lines.entry(at).or_default() |= is_run;
            }
            *known = stretches(lines);
        }
        Ok(())
    }

    /// Whether no file of the tree is known.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The share of all lines of the files that count.
    pub fn total(&self, counts: impl Fn(&str) -> bool) -> Share {
        let mut share = Share::default();
        for (path, lines) in self.files.iter().filter(|(path, _)| counts(path)) {
            share.add(path, lines.iter().copied());
        }
        share
    }

    /// The share of the lines that a patch puts in. What is in no report, and is of a kind that the reports know, is not covered as far as
    /// it holds code.
    pub fn changed<'a>(&self, puts: impl IntoIterator<Item = Put<'a>>) -> Share {
        let kinds: BTreeSet<&str> = self.files.keys().filter_map(|path| code::kind(path)).collect();
        let mut share = Share::default();
        for put in puts {
            match self.files.get(put.path) {
                Some(known) => share.add(put.path, both(known, &put.lines).into_iter()),
                None if !code::holds_code(put.path, put.text) => {}
                None if code::kind(put.path).is_some_and(|kind| kinds.contains(kind)) => {
                    let lines = code::lines(put.path, put.text, &put.lines);
                    if !lines.is_empty() {
                        share.unreported.push(put.path.into());
                        share.add(put.path, stretches(lines.into_iter().map(|at| (at, false)).collect()).into_iter());
                    }
                }
                None => share.unknown.push(put.path.into()),
            }
        }
        share
    }
}

impl Share {
    fn add(&mut self, path: &str, lines: impl Iterator<Item = Stretch>) {
        let mut uncovered = Vec::new();
        for (first, last, is_run) in lines {
            let count = u64::from(last - first + 1);
            self.of += count;
            if is_run {
                self.covered += count;
            } else {
                uncovered.push((first, last));
            }
        }
        if !uncovered.is_empty() {
            self.uncovered.push((path.into(), uncovered));
        }
    }
}

/// Known lines among those of a patch.
fn both(known: &[Stretch], put: &[(u32, u32)]) -> Vec<Stretch> {
    let (mut found, mut at) = (Vec::new(), 0);
    for &(first, last) in put {
        while known.get(at).is_some_and(|&(_, end, _)| end < first) {
            at += 1;
        }
        for &(begin, end, is_run) in known[at..].iter().take_while(|&&(begin, ..)| begin <= last) {
            found.push((begin.max(first), end.min(last), is_run));
        }
    }
    found
}

fn stretches(lines: BTreeMap<u32, bool>) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for (at, is_run) in lines {
        match all.last_mut() {
            Some((_, last, ran)) if *last + 1 == at && *ran == is_run => *last = at,
            _ => all.push((at, at, is_run)),
        }
    }
    all.shrink_to_fit();
    all
}

impl Places<'_> {
    /// The file of the tree that a report means: below one of its own roots, or beside or above the report, or at the tree's root.
    fn find(&self, report: &str, name: &str, sources: &[String]) -> Option<Box<str>> {
        let name = name.strip_prefix("file://").unwrap_or(name);
        let bases = sources.iter().map(String::as_str).chain([""]);
        bases.into_iter().find_map(|base| self.below(report, &join(base, name)))
    }

    fn below(&self, report: &str, path: &str) -> Option<Box<str>> {
        let in_tree = |path: &str| tidy(path).filter(|path| (self.has)(path)).map(Box::from);
        let strip = |root: &str| {
            let rest = path.strip_prefix(root.trim_end_matches('/'))?.strip_prefix('/')?;
            in_tree(rest)
        };
        let configured = || self.configured.iter().find_map(|root| strip(root));
        if Path::new(path).is_absolute() {
            let own = self.roots.iter().filter_map(|root| root.to_str()).find_map(strip);
            return own.or_else(configured);
        }
        // A report in a folder of a monorepo names files from that folder on.
        let mut folder = report;
        while let Some((above, _)) = folder.rsplit_once('/') {
            if let Some(found) = in_tree(&join(above, path)) {
                return Some(found);
            }
            folder = above;
        }
        let lacking =
            || self.configured.iter().filter(|root| !root.starts_with('/')).find_map(|root| in_tree(&join(root, path)));
        in_tree(path).or_else(configured).or_else(lacking)
    }
}

fn join(base: &str, path: &str) -> String {
    if base.is_empty() || path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", base.trim_end_matches('/'))
    }
}

/// A relative path without `.` and `..`; none where it leaves the tree.
fn tidy(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: [&str; 5] = ["src/a.rs", "web/src/b.ts", "src/main/java/p/A.java", "pkg/x.go", "a.py"];

    fn read(path: &str, text: &str, configured: &[&str]) -> Covered {
        let configured: Vec<Box<str>> = configured.iter().map(|root| (*root).into()).collect();
        let has = |path: &str| TREE.contains(&path);
        let places = Places { roots: vec!["/work/gate-1".into()], configured: &configured, has: &has };
        let mut covered = Covered::default();
        covered.read(path, text.as_bytes(), &places).unwrap();
        covered
    }

    fn lcov(path: &str) -> String {
        format!("SF:{path}\nDA:1,1\nDA:2,0\nend_of_record\n")
    }

    #[test]
    fn a_path_is_found_in_the_tree_however_a_report_writes_it() {
        let found = |report: &str, name: &str, configured: &[&str]| {
            read(report, &lcov(name), configured).files.into_keys().next().map(String::from)
        };
        for name in
            ["src/a.rs", "./src/a.rs", "/work/gate-1/src/a.rs", "src/../src/a.rs", "file:///work/gate-1/src/a.rs"]
        {
            assert_eq!(found("lcov.info", name, &[]).as_deref(), Some("src/a.rs"), "{name}");
        }
        assert_eq!(found("web/coverage/lcov.info", "src/b.ts", &[]).as_deref(), Some("web/src/b.ts"));
        assert_eq!(found("lcov.info", "/app/src/a.rs", &["/app"]).as_deref(), Some("src/a.rs"));
        assert_eq!(found("lcov.info", "example.org/m/pkg/x.go", &["example.org/m"]).as_deref(), Some("pkg/x.go"));
        assert_eq!(found("lcov.info", "p/A.java", &["src/main/java"]).as_deref(), Some("src/main/java/p/A.java"));
        for name in [
            "/root/.cargo/registry/serde/src/a.rs",
            "/work/gate-10/src/a.rs",
            "../src/a.rs",
            "/work/gate-1/../x/src/a.rs",
        ] {
            assert_eq!(found("lcov.info", name, &[]), None, "{name}");
        }
    }

    #[test]
    fn a_report_s_own_roots_come_before_its_paths() {
        let xml = |source: &str, file: &str| {
            format!(
                "<coverage><sources><source>{source}</source></sources><class filename=\"{file}\"><lines><line number=\"1\" hits=\"1\"/></lines></class></coverage>"
            )
        };
        let found =
            |source, file| read("out/coverage.xml", &xml(source, file), &[]).files.into_keys().next().map(String::from);
        assert_eq!(found("/work/gate-1/src", "a.rs").as_deref(), Some("src/a.rs"));
        assert_eq!(found("src/main/java", "p/A.java").as_deref(), Some("src/main/java/p/A.java"));
        assert_eq!(found("/work/gate-1", "a.py").as_deref(), Some("a.py"));
        assert_eq!(found("/elsewhere", "a.py").as_deref(), Some("a.py"), "a root that is not ours says nothing");
    }

    #[test]
    fn only_lines_with_code_count_and_a_line_ran_when_any_report_says_so() {
        let has = |path: &str| TREE.contains(&path);
        let places = Places { roots: Vec::new(), configured: &[], has: &has };
        let mut covered = Covered::default();
        covered.read("a.info", b"SF:src/a.rs\nDA:1,1\nDA:2,0\nDA:3,0\nDA:9,0\nend_of_record\n", &places).unwrap();
        covered
            .read("b.info", b"SF:src/a.rs\nDA:2,1\nend_of_record\nSF:gone.rs\nDA:1,1\nend_of_record\n", &places)
            .unwrap();
        let total = covered.total(|_| true);
        assert_eq!((total.covered, total.of, total.figure()), (2, 4, 50_000));
        assert_eq!(covered.strangers, (1, Some("gone.rs".into())));
        let put = |path, lines, text| Put { path, lines, text };
        let changed = covered.changed([put("src/a.rs", vec![(2, 5), (8, 20)], "")]);
        assert_eq!((changed.covered, changed.of), (1, 3));
        assert_eq!(changed.uncovered, [("src/a.rs".into(), vec![(3, 3), (9, 9)])]);
        assert_eq!(
            covered.changed([put("src/a.rs", vec![(5, 7)], "")]).figure(),
            100_000,
            "nothing that holds code changed"
        );
    }

    #[test]
    fn a_changed_file_that_no_report_has_is_not_covered_where_the_reports_know_its_kind() {
        let covered = read("lcov.info", &lcov("src/a.rs"), &[]);
        let put = |path, text: &'static str| Put { path, lines: vec![(1, text.lines().count() as u32)], text };
        let share = covered.changed([
            put("src/new.rs", "//! A.\n\npub fn f() {\n    g();\n}\n"),
            put("src/lib.rs", "//! B.\npub mod new;\npub use new::f;\n"),
            put("README.md", "words\n"),
            put("tool.go", "package main\nfunc main() {\n}\n"),
        ]);
        assert_eq!(share.unreported, ["src/new.rs".into()]);
        assert_eq!((share.covered, share.of), (0, 2));
        assert_eq!(share.unknown, ["tool.go".into()]);
    }
}
