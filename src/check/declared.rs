//! Reports that a runner of any kind leaves in the checkout: those that the configuration or the command line names, and TAP on its screen.

use super::{Check, command::last_text, junit, tap};
use crate::process::leaving;
use crate::rules::Report;
use globset::{Glob, GlobBuilder, GlobMatcher};
use regex::Regex;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// What stands for the screen among the names of reports.
const SCREEN: &str = "-";

/// Bytes of one report that are read.
const LONGEST: u64 = 64 << 20;

/// Files that are read, and entries of folders that are looked at to find them.
const MOST_FILES: usize = 5_000;
const MOST_ENTRIES: usize = 500_000;

/// Options of runners that name the file in which they report, as JUnit XML.
static OPTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?:--output-junit|--log-junit|--junitfile|--xunit-output|--junit-report|--report-junit|--gtest_output=xml:|GTEST_OUTPUT=xml:)[= ]?["']?([\w./-]+)"#,
    )
    .expect("a constant shape: a test uses it")
});

/// The reports of a check.
pub(super) struct Declared<'a> {
    check: &'a Check<'a>,
    places: Vec<Place>,
    is_on_screen: bool,
}

/// Where reports are.
struct Place {
    /// The folder to look in: what the pattern says before its first star.
    folder: PathBuf,
    matcher: GlobMatcher,
}

impl<'a> Declared<'a> {
    /// The reports that are named.
    pub(super) fn begin(check: &'a Check<'a>) -> io::Result<Declared<'a>> {
        let named = OPTION.captures_iter(check.command).map(|found| globset::escape(found[1].trim_start_matches("./")));
        let configured = check.reports.iter().filter(|name| &***name != SCREEN).map(|name| name.to_string());
        let is_on_screen = check.reports.iter().any(|name| &**name == SCREEN);
        Declared::of(check, named.chain(configured), is_on_screen)
    }

    /// The reports at these globs of the checkout. What is there under their names is taken away: nobody ran it.
    pub(super) fn of(
        check: &'a Check<'a>,
        globs: impl Iterator<Item = String>,
        is_on_screen: bool,
    ) -> io::Result<Declared<'a>> {
        let places = globs.filter_map(|name| place(check.cwd, &name)).collect();
        let declared = Declared { check, places, is_on_screen };
        for file in declared.files() {
            fs::remove_file(file)?;
        }
        Ok(declared)
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self.places.iter().flat_map(|place| place.files(self.check.cwd)).collect();
        files.sort();
        files.dedup();
        files.truncate(MOST_FILES);
        files
    }

    /// Takes what is there now into a report.
    pub(super) fn read(&self, report: &mut Report) -> io::Result<()> {
        for file in self.files() {
            let name = file.strip_prefix(self.check.cwd).unwrap_or(&file).to_string_lossy().into_owned();
            let text = String::from_utf8_lossy(&leaving(&file, LONGEST)?).into_owned();
            if tap::is_one(&text) && !junit::is_one(&text) {
                tap::read(&text, &name, report);
            } else {
                junit::read(&text, &name, None, report);
            }
        }
        let screen = if self.is_on_screen { last_text(self.check.log, LONGEST) } else { String::new() };
        if tap::is_one(&screen) {
            tap::read(&screen, "tap", report);
        }
        Ok(())
    }
}

fn place(root: &Path, pattern: &str) -> Option<Place> {
    let matcher = GlobBuilder::new(pattern).literal_separator(true).build().as_ref().map(Glob::compile_matcher).ok()?;
    let literal = pattern.split(['*', '?', '[', '{', '\\']).next().unwrap_or_default();
    let folder = literal.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_within = !folder.split('/').any(|part| part == "..") && !folder.starts_with('/');
    is_within.then(|| Place { folder: root.join(folder), matcher })
}

impl Place {
    /// The files that are meant. Links are not followed.
    fn files(&self, root: &Path) -> Vec<PathBuf> {
        let (mut files, mut folders, mut seen) = (Vec::new(), vec![self.folder.clone()], 0);
        let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|data| data.is_symlink());
        if self.folder.ancestors().take_while(|folder| *folder != root).any(is_link) {
            return files;
        }
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, kind) = (entry.path(), entry.file_type());
                seen += 1;
                if seen > MOST_ENTRIES || files.len() >= MOST_FILES {
                    return files;
                }
                let is_skipped = matches!(entry.file_name().to_str(), Some(".git" | "node_modules"));
                let is_meant = || path.strip_prefix(root).is_ok_and(|path| self.matcher.is_match(path));
                if kind.as_ref().is_ok_and(fs::FileType::is_dir) && !is_skipped {
                    folders.push(path);
                } else if kind.is_ok_and(|kind| kind.is_file()) && is_meant() {
                    files.push(path);
                }
            }
        }
        files
    }
}

/// Whether a command line names a file in which tests are reported.
pub fn names_report(command: &str) -> bool {
    OPTION.is_match(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_name_a_report_are_known() {
        for (command, file) in [
            ("ctest --output-junit build/ctest.xml", Some("build/ctest.xml")),
            ("phpunit --log-junit=r.xml", Some("r.xml")),
            ("gotestsum --junitfile \"r.xml\" ./...", Some("r.xml")),
            ("./unit --gtest_output=xml:out/unit.xml", Some("out/unit.xml")),
            ("make test", None),
        ] {
            assert_eq!(OPTION.captures(command).map(|found| found[1].to_owned()).as_deref(), file, "{command}");
        }
    }

    #[test]
    fn reports_are_found_by_pattern_and_links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        for file in ["a/r/x.xml", "a/r/deep/y.xml", "a/z.xml", "b/q.xml"] {
            let at = root.path().join(file);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, "").unwrap();
        }
        std::os::unix::fs::symlink(root.path().join("b"), root.path().join("a/r/link")).unwrap();
        std::os::unix::fs::symlink(root.path().join("b"), root.path().join("c")).unwrap();
        let found = |pattern: &str| -> Vec<String> {
            let files = place(root.path(), pattern).map(|place| place.files(root.path())).unwrap_or_default();
            let mut names: Vec<String> =
                files.iter().map(|file| file.strip_prefix(root.path()).unwrap().display().to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(found("a/r/**/*.xml"), ["a/r/deep/y.xml", "a/r/x.xml"]);
        assert_eq!(found("a/z.xml"), ["a/z.xml"]);
        assert_eq!(found("c/*.xml"), [""; 0]);
        assert_eq!(found("../*.xml"), [""; 0]);
    }
}
