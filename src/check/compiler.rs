//! What compilers and loaders say, read from what a check printed: where an error stands, what it says, and of what kind it is.

use super::{Check, command::last_text, events, place::quoted};
use crate::rules::{Build, BuildError, ErrorKind, Report, is_leftover_folder};
use crate::text::shortened;
use regex::Regex;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Bytes at the end of a log that are looked at.
const LOOKED_AT: u64 = 4 << 20;

/// Entries of a checkout that are looked at where a path is not told in full.
const MOST_ENTRIES: usize = 50_000;

/// Errors that are read.
const MOST_ERRORS: usize = 500;

/// Lines of a tool's own words that are kept where it did not run.
const MOST_LINES: usize = 12;

/// `cd api && ...`, `make -C api`, `mvn -f api/pom.xml`
static WHERE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|[\s;&|(])(?:cd|-C|-p|--project-dir|-S)[ =]+(?:'([^']*)'|"([^"]*)"|([^\s;&|)'"]+))"#)
        .expect("a constant shape: a test uses it")
});

/// How a language's tools say what keeps code from being built.
pub(super) struct Words {
    /// Stands in what is printed wherever a build failed, and nowhere else.
    pub failed: Regex,
    /// Errors. Groups: `file`, `line`, `message`, `class`; each of them may be missing.
    pub shapes: Vec<Regex>,
    /// Something of that name is not there, in a message.
    pub name: Regex,
    /// It is there and has another shape.
    pub types: Regex,
    /// The text does not parse.
    pub syntax: Regex,
    /// Says in which folder the paths that follow begin: absolute, or in a folder of this name (`apps`).
    pub entering: Option<(Regex, &'static str)>,
}

impl Words {
    /// The words by their shapes.
    pub(super) fn new(failed: &str, shapes: &[&str], [name, types, syntax]: [&str; 3]) -> Words {
        let regex = |shape: &str| Regex::new(shape).expect("a constant shape: a test uses each");
        Words {
            failed: regex(failed),
            shapes: shapes.iter().map(|shape| regex(shape)).collect(),
            name: regex(name),
            types: regex(types),
            syntax: regex(syntax),
            entering: None,
        }
    }

    /// The same where the tools say in which folder they are.
    pub(super) fn entering(self, shape: &str, within: &'static str) -> Words {
        let shape = Regex::new(shape).expect("a constant shape: a test uses each");
        Words { entering: Some((shape, within)), ..self }
    }

    fn kind(&self, class: &str, message: &str) -> ErrorKind {
        let is = |shape: &Regex| shape.is_match(message) || shape.is_match(class);
        if is(&self.name) {
            ErrorKind::Name
        } else if is(&self.types) {
            ErrorKind::Type
        } else if is(&self.syntax) {
            ErrorKind::Syntax
        } else {
            ErrorKind::Other
        }
    }

    /// The errors in a text. `bases` are folders of the checkout in which relative paths may begin.
    pub(super) fn errors(&self, text: &str, root: &Path, bases: &[String]) -> Vec<BuildError> {
        let entered = self.entered(text, root);
        let mut files = None;
        let (mut found, mut seen): (Vec<(usize, BuildError)>, BTreeSet<usize>) = Default::default();
        for captures in self.shapes.iter().flat_map(|shape| shape.captures_iter(text).take(MOST_ERRORS)) {
            let group = |name| captures.name(name).map(|found| found.as_str().trim()).unwrap_or_default();
            let at = captures.get(0).map_or(0, |whole| whole.start());
            // What an earlier shape has read is read.
            if !seen.insert(at) {
                continue;
            }
            let last = entered.partition_point(|(from, _)| *from <= at).checked_sub(1).map(|last| &entered[last].1);
            let file = last.into_iter().chain(bases).find_map(|base| inside(group("file"), root, base));
            let file = file.or_else(|| the_only(files.get_or_insert_with(|| paths(root)), group("file")));
            let (class, message) = (group("class"), group("message"));
            let fault = events::Fault { class: class.to_owned(), message: message.to_owned(), ..Default::default() };
            let line = group("line").parse().ok().filter(|_| file.is_some());
            found.push((at, fault.into_error(self.kind(class, message), file, line)));
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, error)| error).collect()
    }

    fn entered(&self, text: &str, root: &Path) -> Vec<(usize, String)> {
        let Some((shape, within)) = &self.entering else { return Vec::new() };
        let folder = |name: &str| match Path::new(name).is_absolute() {
            true => Path::new(name).strip_prefix(root).ok()?.to_str().map(str::to_owned),
            false => Some(format!("{within}/{name}")),
        };
        let found = shape.captures_iter(text);
        found.filter_map(|found| Some((found.get(0)?.start(), folder(found.get(1)?.as_str())?))).collect()
    }
}

/// What the programs of a check print from here on.
pub(super) struct Said {
    log: PathBuf,
    root: PathBuf,
    from: u64,
    bases: Vec<String>,
}

impl Said {
    /// From here on.
    pub(super) fn from_here(check: &Check<'_>) -> Said {
        let from = fs::metadata(check.log).map_or(0, |data| data.len());
        Said { log: check.log.to_owned(), root: check.cwd.to_owned(), from, bases: bases(check.command) }
    }

    /// What they printed, less what stands far before its end.
    pub(super) fn text(&self) -> String {
        let length = fs::metadata(&self.log).map_or(0, |data| data.len());
        last_text(&self.log, length.saturating_sub(self.from).min(LOOKED_AT)).replace('\r', "")
    }

    /// Takes in why there was nothing to run. An error in a file whose tests did run, as `did_run` knows, is one that a test printed, as may
    /// be one that stands nowhere, where tests failed. Where the tool was called and nothing came of it, its last words say why.
    pub(super) fn explain(&self, words: &Words, called: bool, did_run: impl Fn(&str) -> bool, report: &mut Report) {
        if report.exit == 0 {
            return;
        }
        let text = self.text();
        let mut errors = match words.failed.is_match(&text) {
            true => words.errors(&text, &self.root, &self.bases),
            false => Vec::new(),
        };
        let is_explained = report.failures().next().is_some();
        errors.retain(|error| error.file.as_deref().map_or(!is_explained, |file| !did_run(file)));
        let ran_nothing = report.tests.is_empty() && report.uncounted.is_empty() && report.incomplete.is_none();
        if errors.is_empty() && called && ran_nothing && report.build == Build::Built {
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            let last = lines[lines.len().saturating_sub(MOST_LINES)..].join("\n");
            let why = shortened(&last, 2_000);
            report.build = Build::DidNotRun(if why.is_empty() { "it said nothing".into() } else { why.into() });
        }
        events::refuse(report, errors);
    }
}

/// Folders of the checkout in which the paths of a command line's tools may begin; the root is the last.
pub(super) fn bases(command: &str) -> Vec<String> {
    let named = WHERE.captures_iter(command).filter_map(|found| found.iter().skip(1).flatten().next());
    let named = named.map(|name| name.as_str().trim_start_matches("./").trim_end_matches('/').to_owned());
    named.chain([String::new()]).collect()
}

/// The folder in which a command line's tools are run, as a command that goes there.
pub(super) fn within(command: &str, asked: &str) -> String {
    match bases(command).into_iter().next().filter(|folder| !folder.is_empty()) {
        Some(folder) => format!("cd {} && {asked}", quoted(&folder)),
        None => asked.to_owned(),
    }
}

/// The files of a checkout, less what tools made.
fn paths(root: &Path) -> Vec<String> {
    let (mut files, mut folders, mut count) = (Vec::new(), vec![String::new()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).into_iter().flatten().flatten() {
            count += 1;
            if count > MOST_ENTRIES {
                return files;
            }
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !path.ends_with(".git") && !is_leftover_folder(&path) => {
                    folders.push(path);
                }
                Ok(kind) if kind.is_file() => files.push(path),
                _ => {}
            }
        }
    }
    files
}

/// The only path that ends with what is said of it.
fn the_only(paths: &[String], said: &str) -> Option<String> {
    let said = said.trim_start_matches("./");
    let is_it = |path: &&String| path.strip_suffix(said).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    let mut found = paths.iter().filter(is_it);
    found.next().filter(|_| !said.is_empty() && !said.starts_with('/') && found.next().is_none()).cloned()
}

/// A path of the checkout's own code, relative to it. `base` is where relative ones begin.
pub(super) fn inside(path: &str, root: &Path, base: &str) -> Option<String> {
    let path = path.strip_prefix("file://").unwrap_or(path).trim_start_matches("./");
    let path = match Path::new(path).is_absolute() {
        true => Path::new(path).strip_prefix(root).ok()?.to_str()?.to_owned(),
        false if base.is_empty() => path.to_owned(),
        false => format!("{base}/{path}"),
    };
    let is_foreign = path.is_empty()
        || path.split('/').any(|part| matches!(part, "node_modules" | ".."))
        || path.starts_with("node:");
    (!is_foreign && root.join(&path).is_file()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_tool_is_run_is_read_from_its_command_line() {
        for (command, folder) in [
            ("go test ./...", ""),
            ("cd api && go test ./...", "api"),
            ("cd 'my app' && mix test", "my app"),
            ("make -C ./core/ test", "core"),
        ] {
            assert_eq!(bases(command)[0], folder, "{command}");
        }
        assert_eq!(within("cd 'my app' && go test", "go env"), "cd 'my app' && go env");
    }
}
