//! Scope: what of a change a task may make (CONTRACTS.md, What a task may touch), path by path.

use super::protected::{RunBy, is_named, is_run_by, runs_script};
use super::seal::is_sealed_whole;
use super::wiring::{For, shut_part, wired};
use super::{
    Shut, Wiring,
    growth::{keeps_test_functions, only_adds},
    is_leftover, is_test_path, product_part, protects, restore_test_part, sketch, test_part,
};
use crate::run::{Code, Finding, Oid, Seal, Weight};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::{BTreeMap, BTreeSet};

/// A configured glob that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a glob: {glob:?}: {why}")]
pub struct BadGlob {
    /// As configured.
    pub glob: String,
    /// What is wrong with it.
    pub why: String,
}

/// Who made the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The test-developer, in the tests phase.
    Tests,
    /// The implementation.
    Implementation,
}

/// A changed path.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Path relative to the repository.
    pub path: &'a str,
    /// What was there when the phase began: of the base for the tests phase; of the seal's commit for an implementation, where
    /// there is one, so that the test-developer's own edits are not taken for the implementation's.
    pub before: Option<Side<'a>>,
    /// What is there now.
    pub after: Option<Side<'a>>,
}

/// A file of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Git's mode.
    pub mode: u32,
    /// Its content's name.
    pub blob: Oid,
    /// Its size in bytes.
    pub size: u64,
    /// Its content; may be left out where it is larger than 5 MiB. Of a link, its target.
    pub bytes: Option<&'a [u8]>,
}

impl<'a> Side<'a> {
    /// Its content where it is text.
    pub fn text(&self) -> Option<&'a str> {
        self.bytes.and_then(|bytes| std::str::from_utf8(bytes).ok())
    }
}

impl<'a> Change<'a> {
    pub(super) fn texts(&self) -> (Option<&'a str>, Option<&'a str>) {
        (self.before.and_then(|side| side.text()), self.after.and_then(|side| side.text()))
    }
}

/// What a task's scope is made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScopeTerms<'a> {
    /// Declared paths, folders and globs; empty: no limit.
    pub files: &'a [Box<str>],
    /// The task's own text, its `Files` in it: what it names exactly opens a protected path, and an existing test to the test-developer.
    pub text: &'a str,
    /// `[tests] paths`.
    pub tests: &'a [Box<str>],
    /// `[protect] paths`.
    pub protect: &'a [Box<str>],
    /// `[workspace] generated`.
    pub generated: &'a [Box<str>],
    /// Granted by reviewers.
    pub grants: &'a [Box<str>],
    /// Granted by a person.
    pub permits: &'a [Box<str>],
    /// Command lines of the checks: what they run stays shut though the task names it.
    pub commands: &'a [Box<str>],
    /// What was sealed.
    pub seal: Option<&'a Seal>,
}

/// Why an edit is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Beyond the declared files.
    Scope,
    /// A protected path.
    Protected,
    /// A sealed path.
    Sealed,
    /// Under `notes/`.
    Notes,
    /// A test, a fixture or a helper, changed in the implementation phase.
    TestInImplementation,
    /// Something that was there changed or taken out of a test, a fixture or a helper in the tests phase.
    ExistingTest,
}

/// What becomes of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The task may.
    Within,
    /// It may without having declared it, and this is told.
    Wired(Box<str>),
    /// A tool left it behind: never part of a patch, and no finding.
    Leftover,
    /// It is taken out first; only a gate that needs it is blocked.
    TakeOut {
        /// Why.
        why: Why,
        /// The same for people.
        text: Box<str>,
        /// The file with the allowed edits and without the others; else it goes back to what it was.
        instead: Option<Box<str>>,
    },
}

impl Judgement {
    /// What was taken out as a finding: a blocker where the gate needs it, told where not.
    pub fn finding(&self, path: &str, is_needed: bool) -> Option<Finding> {
        let Judgement::TakeOut { why, text, .. } = self else {
            return None;
        };
        let code = match why {
            Why::Protected if is_needed => Code::Protected,
            Why::Sealed => Code::SealBroken,
            _ if is_needed => Code::Scope,
            _ => Code::TakenOut,
        };
        let weight = if is_needed { Weight::Blocker } else { Weight::Concern };
        Some(Finding { weight, ..Finding::blocker(code, text.clone()).at(path, None) })
    }
}

/// A task's scope, ready to judge changes.
#[derive(Debug)]
pub struct Scope<'a> {
    terms: ScopeTerms<'a>,
    files: GlobSet,
    tests: GlobSet,
    protect: GlobSet,
    generated: GlobSet,
    sealed: BTreeMap<&'a str, Oid>,
}

fn out(why: Why, text: impl Into<Box<str>>) -> Judgement {
    Judgement::TakeOut { why, text: text.into(), instead: None }
}

impl<'a> Scope<'a> {
    /// The scope of a task.
    ///
    /// # Errors
    /// A configured glob that is none. What a task declares and is no glob is taken as a path.
    pub fn new(terms: ScopeTerms<'a>) -> Result<Scope<'a>, BadGlob> {
        let sealed = terms.seal.map(|seal| seal.files.iter().map(|file| (&*file.path, file.blob)).collect());
        Ok(Scope {
            terms,
            files: globs(terms.files, true)?,
            tests: globs(terms.tests, false)?,
            protect: globs(terms.protect, false)?,
            generated: globs(terms.generated, false)?,
            sealed: sealed.unwrap_or_default(),
        })
    }

    /// Judges all changes of a tree against its base; one judgement a change, in their order.
    pub fn judge(&self, role: Role, changes: &[Change<'_>]) -> Vec<Judgement> {
        let test_modules = test_modules(changes);
        changes.iter().map(|change| self.one(role, change, &test_modules)).collect()
    }

    fn one(&self, role: Role, change: &Change<'_>, test_modules: &BTreeSet<String>) -> Judgement {
        let path = change.path;
        let is_declared = declared(self.terms.files).any(|file| file == path);
        if change.before.is_none() && is_leftover(path) && !is_declared {
            return Judgement::Leftover;
        }
        if path == "notes" || path.starts_with("notes/") {
            return out(Why::Notes, format!("{path} is under notes/, which a task does not change"));
        }
        let is_test = is_test_path(path) || self.tests.is_match(path);
        match role {
            Role::Tests => self.by_tests(change, is_test || test_modules.contains(path)),
            Role::Implementation => self.by_implementation(change, is_test),
        }
    }

    /// What keeps a protected path shut, and what is told where it opens.
    fn protection(&self, change: &Change<'_>, role: Role) -> Option<Judgement> {
        let path = change.path;
        if holds(self.terms.permits, path) {
            return None;
        }
        let line = protects(path);
        let why = match line {
            Some(line) if line.shut == Shut::Parts => {
                let (before, after) = change.texts();
                let wiring = wired(path, before, after, &|_| true, For::Tests);
                if role == Role::Tests && matches!(wiring, Wiring::All(_)) {
                    return None;
                }
                format!("{} in it {}", shut_part(path, before, after)?, line.why)
            }
            Some(line) if line.shut == Shut::Setup && role == Role::Tests && change.before.is_none() => return None,
            Some(line) => line.why.to_owned(),
            None if self.protect.is_match(path) => "is protected by [protect] paths".to_owned(),
            None => match runs_script(self.terms.commands, path) {
                Some(_) if role == Role::Implementation => "it says whether a gate opens".to_owned(),
                // New tests are the test-developer's, and those that grow are judged as tests; a script that runs them is neither.
                Some(RunBy::Shell) if change.before.is_some() => "it says whether a gate opens".to_owned(),
                Some(_) | None => return None,
            },
        };
        let is_run = is_run_by(self.terms.commands, path);
        if is_named(self.terms.text, path) && !is_run {
            return Some(Judgement::Wired(format!("{path} is protected ({why}); the task names it").into()));
        }
        let but = if is_run { "; a check runs it, so only a person opens it" } else { "" };
        Some(out(Why::Protected, format!("{path} is protected: {why}{but}")))
    }

    fn by_implementation(&self, change: &Change<'_>, is_test: bool) -> Judgement {
        let path = change.path;
        let is_permitted = holds(self.terms.permits, path);
        if let Some(judgement) = self.tests_in_product(change, is_test) {
            return judgement;
        }
        if self.sealed.contains_key(path) && (is_test || is_sealed_whole(path, change.texts().0)) {
            return out(Why::Sealed, format!("{path} is sealed"));
        }
        if let Some(judgement) = self.protection(change, Role::Implementation) {
            return judgement;
        }
        if is_test && !is_permitted {
            if path.ends_with(".snap") && change.before.is_none() && self.terms.seal.is_some() {
                return Judgement::Wired(format!("{path} is a new snapshot of sealed tests").into());
            }
            return out(Why::TestInImplementation, format!("{path} is a test: these change in the tests phase alone"));
        }
        let is_open = self.terms.files.is_empty() || self.files.is_match(path);
        if is_open || is_permitted || holds(self.terms.grants, path) {
            return Judgement::Within;
        }
        if self.generated.is_match(path) {
            return Judgement::Wired(format!("{path} is generated").into());
        }
        let (before, after) = change.texts();
        match wired(path, before, after, &|file| self.files.is_match(file), For::Product) {
            Wiring::All(lines) => Judgement::Wired(format!("{path}: {}", lines.join(", ")).into()),
            Wiring::Partly { text, alone } => Judgement::TakeOut {
                why: Why::Scope,
                text: format!("{path} is out of the task's scope: {text}").into(),
                instead: alone,
            },
            Wiring::None => out(Why::Scope, format!("{path} is out of the task's scope")),
        }
    }

    /// An implementation that changed the `#[cfg(test)]` parts of a product file: of the rest of its edit stays what may.
    fn tests_in_product(&self, change: &Change<'_>, is_test: bool) -> Option<Judgement> {
        if is_test || !change.path.ends_with(".rs") || holds(self.terms.permits, change.path) {
            return None;
        }
        let (before, after) = change.texts();
        let (before, after) = (before.unwrap_or_default(), after?);
        if test_part(before) == test_part(after) {
            return None;
        }
        let instead: Box<str> = restore_test_part(before, after).into();
        if *instead != *before {
            let after = change.after.map(|side| Side { bytes: Some(instead.as_bytes()), ..side });
            let rest = self.by_implementation(&Change { after, ..*change }, is_test);
            if matches!(rest, Judgement::TakeOut { .. }) {
                return Some(rest);
            }
        }
        let is_sealed = self.sealed.contains_key(change.path);
        let why = if is_sealed { Why::Sealed } else { Why::TestInImplementation };
        let words = if is_sealed { "are sealed" } else { "change in the tests phase alone" };
        Some(Judgement::TakeOut {
            why,
            text: format!("the tests in {} {words}", change.path).into(),
            instead: Some(instead),
        })
    }

    fn by_tests(&self, change: &Change<'_>, is_test: bool) -> Judgement {
        let path = change.path;
        if let Some(judgement) = self.protection(change, Role::Tests) {
            return judgement;
        }
        let is_open = holds(self.terms.permits, path) || holds(self.terms.grants, path);
        if is_test || protects(path).is_some_and(|line| line.shut == Shut::Setup) {
            return self.existing_test(change, is_open);
        }
        if is_open {
            return Judgement::Within;
        }
        let (before, after) = change.texts();
        match wired(path, before, after, &|_| true, For::Tests) {
            Wiring::All(lines) => return Judgement::Wired(format!("{path}: {}", lines.join(", ")).into()),
            Wiring::Partly { text, .. } => return out(Why::Scope, format!("{path} is no test: {text}")),
            Wiring::None => {}
        }
        match (before, after) {
            (Some(before), Some(after)) if path.ends_with(".rs") => self.tests_beside_product(path, before, after),
            _ => out(
                Why::Scope,
                format!(
                    "{path} is no test, and the tests phase changes tests alone; \
                     `[tests] paths` in tidegate.toml says where else tests are"
                ),
            ),
        }
    }

    fn existing_test(&self, change: &Change<'_>, is_open: bool) -> Judgement {
        let path = change.path;
        let is_snapshot_taken_out = path.ends_with(".snap") && change.after.is_none();
        if change.before.is_none() || is_open || is_snapshot_taken_out || is_named(self.terms.text, path) {
            return Judgement::Within;
        }
        match change.texts() {
            (Some(before), Some(after)) if only_adds(path, before, after) => Judgement::Within,
            _ => {
                let what = if change.after.is_some() {
                    "something that was there was changed or taken out"
                } else {
                    "was deleted"
                };
                out(Why::ExistingTest, format!("{path}: {what}, and the task does not name the file"))
            }
        }
    }

    /// A product file in the tests phase: its `#[cfg(test)]` parts may grow, the rest stays what it is.
    fn tests_beside_product(&self, path: &str, before: &str, after: &str) -> Judgement {
        let is_named = is_named(self.terms.text, path);
        let keeps_tests = is_named || keeps_test_functions(path, before, after);
        let is_product_same = product_part(before) == product_part(after);
        match (is_product_same, keeps_tests) {
            (true, true) => Judgement::Within,
            (true, false) => out(Why::ExistingTest, format!("{path}: a test that was there was changed or taken out")),
            (false, keeps_tests) => Judgement::TakeOut {
                why: Why::Scope,
                text: format!("{path}: the tests phase changes what is under #[cfg(test)] alone").into(),
                instead: keeps_tests.then(|| restore_test_part(after, before).into()),
            },
        }
    }
}

fn holds(paths: &[Box<str>], path: &str) -> bool {
    paths.iter().any(|held| &**held == path)
}

/// Files of modules that a change declares for tests alone (`#[cfg(test)] mod more;`).
fn test_modules(changes: &[Change<'_>]) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for change in changes.iter().filter(|change| change.path.ends_with(".rs")) {
        let Some(text) = change.texts().1 else { continue };
        let (folder, file) = change.path.rsplit_once('/').unwrap_or(("", change.path));
        let stem = file.strip_suffix(".rs").unwrap_or(file);
        let own = if matches!(stem, "lib" | "main" | "mod") { folder.to_owned() } else { format!("{folder}/{stem}") };
        for (module, _) in sketch(text).modules.into_iter().filter(|(_, is_test)| *is_test) {
            files.insert(format!("{own}/{module}.rs"));
            files.insert(format!("{own}/{module}/mod.rs"));
        }
    }
    files
}

/// What a task declares, as the paths and globs that are meant.
pub fn declared(files: &[Box<str>]) -> impl Iterator<Item = &str> {
    files.iter().map(|file| file.trim().trim_matches('`').trim_start_matches("./"))
}

/// A path, a folder (all beneath it) or a glob, each.
fn globs(patterns: &[Box<str>], is_lenient: bool) -> Result<GlobSet, BadGlob> {
    let mut set = GlobSetBuilder::new();
    let bad = |glob: &str, error: &globset::Error| BadGlob { glob: glob.to_owned(), why: error.kind().to_string() };
    for pattern in declared(patterns) {
        let pattern = pattern.trim_end_matches('/');
        if pattern.is_empty() {
            continue;
        }
        let build = |glob: &str| GlobBuilder::new(glob).literal_separator(true).build();
        let own = match build(pattern) {
            Err(_) if is_lenient => build(&globset::escape(pattern)),
            other => other,
        };
        set.add(own.map_err(|error| bad(pattern, &error))?);
        if let Ok(beneath) = build(&format!("{pattern}/**")) {
            set.add(beneath);
        }
    }
    set.build().map_err(|error| bad("(all)", &error))
}

#[cfg(test)]
#[path = "scope_tests.rs"]
mod tests;
