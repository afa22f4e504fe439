//! All definitions of a run: the built-in ones, overridden by name from the repository.

use super::{
    Definition, Origin,
    definition::{self, Reading},
};
use crate::{
    plan::{Fault, Label, Severity, Source, SourceId},
    text::shortened,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The folders that definitions are in, the first one first: what has a name there is not looked for behind it.
const FOLDERS: [&str; 2] = ["agents/", ".claude/agents/"];

/// Bytes of one file, at most.
const FILE_MAX: usize = 256 << 10;

/// A file of the repository that may be a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Relative to the repository.
    pub path: String,
    /// What is in it. `None`: so much that nobody has read it.
    pub text: Option<String>,
}

/// Who there is to ask.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    by_name: BTreeMap<Box<str>, Named>,
    sources: Vec<Source>,
    /// Each with the name that it concerns.
    faults: Vec<(Box<str>, Fault)>,
}

/// What is asked for by one name.
#[derive(Clone, Debug)]
struct Named {
    /// None: what the repository has under this name is faulty.
    definition: Option<Arc<Definition>>,
    /// What it is in place of.
    over: Vec<Origin>,
}

impl Definitions {
    /// Files of a repository that are read, at most; in the order of its folders, and of their paths.
    pub const MOST: usize = 500;

    /// The built-in ones alone.
    pub fn built_in() -> Definitions {
        Definitions::read(Vec::new())
    }

    /// The built-in ones and those of a repository, from its files; only those that [`is_page`](Self::is_page) count, in any order.
    pub fn read(mut pages: Vec<Page>) -> Definitions {
        let mut all = Definitions::default();
        pages.retain(|page| Definitions::is_page(&page.path));
        pages.sort_by_key(|page| (folder_of(&page.path) != Some(FOLDERS[0]), page.path.clone()));
        let is_many = pages.len() > Definitions::MOST;
        pages.truncate(Definitions::MOST);
        for folder in FOLDERS {
            let own = pages.iter().filter(|page| folder_of(&page.path) == Some(folder));
            all.take_in(folder, own);
        }
        for definition in Definition::all_built_in() {
            match all.by_name.get_mut(&definition.name) {
                Some(named) => named.over.push(Origin::BuiltIn),
                None => {
                    let named = Named { definition: Some(Arc::clone(definition)), over: Vec::new() };
                    all.by_name.insert(definition.name.clone(), named);
                }
            }
        }
        if is_many {
            let text = format!(
                "there are more than {} files in {}: the others are not read",
                Definitions::MOST,
                FOLDERS.join(" and ")
            );
            all.faults.push((
                "".into(),
                Fault { severity: Severity::Warning, code: "definition-many", text, labels: Vec::new(), help: None },
            ));
        }
        all
    }

    /// Whether a file of this path, relative to the repository, may be a definition: `agents/*.md` and `.claude/agents/**/*.md`.
    pub fn is_page(path: &str) -> bool {
        folder_of(path).is_some()
    }

    /// The folders in which such files are.
    pub fn folders() -> impl Iterator<Item = &'static str> {
        FOLDERS.into_iter().map(|folder| folder.trim_end_matches('/'))
    }

    /// Whether a file of so many bytes is too large to be one.
    pub fn is_too_large(bytes: u64) -> bool {
        bytes > FILE_MAX as u64
    }

    fn take_in<'a>(&mut self, folder: &str, pages: impl Iterator<Item = &'a Page>) {
        let mut here: BTreeMap<Box<str>, Reading> = BTreeMap::new();
        let mut twice = BTreeSet::new();
        for page in pages {
            let Some(reading) = self.page(page, folder) else { continue };
            if let Some(first) = here.get_mut(&reading.name) {
                first.faults.extend(reading.faults);
                first.faults.push(told_twice(&reading.name, first.at, reading.at));
                twice.insert(reading.name);
            } else {
                here.insert(reading.name.clone(), reading);
            }
        }
        for (name, reading) in here {
            self.faults.extend(reading.faults.into_iter().map(|fault| (name.clone(), fault)));
            let origin = self.origin(reading.at.source);
            match self.by_name.get_mut(&name) {
                Some(named) => named.over.push(origin),
                None => {
                    let definition = reading.definition.filter(|_| !twice.contains(&name)).map(Arc::new);
                    self.by_name.insert(name, Named { definition, over: Vec::new() });
                }
            }
        }
    }

    fn page(&mut self, page: &Page, folder: &str) -> Option<Reading> {
        let Some(text) = page.text.as_ref().filter(|text| text.len() <= FILE_MAX) else {
            let text = format!(
                "{} has more than {} KiB, and is read as no definition",
                shortened(&page.path, 200),
                FILE_MAX >> 10
            );
            let code = "definition-large";
            self.faults
                .push(("".into(), Fault { severity: Severity::Warning, code, text, labels: Vec::new(), help: None }));
            return None;
        };
        let id = SourceId(u16::try_from(self.sources.len()).ok()?);
        let source = Source::new(page.path.clone(), text.clone());
        // A folder `agents/` may be something else entirely; `.claude/agents/` is not.
        let reading = definition::read(&source, id, folder == FOLDERS[0])?;
        self.sources.push(source);
        Some(reading)
    }

    fn origin(&self, id: SourceId) -> Origin {
        let source = self.sources.get(usize::from(id.0));
        Origin::File(source.map_or("", |source| &*source.path).into())
    }

    /// The definition of this name. None where there is none, and where the repository has a faulty one: another one in its place
    /// would not be what was meant.
    pub fn get(&self, name: &str) -> Option<&Arc<Definition>> {
        self.by_name.get(name)?.definition.as_ref()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.by_name.values().filter_map(|named| named.definition.as_ref())
    }

    /// What the definition of this name is in place of, the nearest first.
    pub fn overridden(&self, name: &str) -> &[Origin] {
        self.by_name.get(name).map_or(&[], |named| &named.over)
    }

    /// Of these names, those that have no definition, not even a faulty one.
    pub fn missing<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
        names.into_iter().filter(|name| !self.by_name.contains_key(*name)).collect()
    }

    /// The known name nearest to one that is missing.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        crate::text::nearest(name, self.by_name.keys().map(|known| &**known))
    }

    /// The files that faults are in: what a fault's source counts.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// All that is wrong with the repository's definitions.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().map(|(_, fault)| fault)
    }

    /// What is wrong with those of these names that would be used: errors among them keep a run from beginning, and what is wrong
    /// with definitions that nobody asks for does not.
    pub fn faults_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<Fault> {
        let names: BTreeSet<&str> = names.into_iter().collect();
        let is_asked_for =
            |(name, fault): &&(Box<str>, Fault)| names.contains(&**name) && self.is_of_first(name, fault);
        self.faults.iter().filter(is_asked_for).map(|(_, fault)| fault.clone()).collect()
    }

    /// Whether a fault is of the folder whose definition of the name counts.
    fn is_of_first(&self, name: &str, fault: &Fault) -> bool {
        let path = |fault: &Fault| {
            let source = fault.labels.first().map(|label| usize::from(label.at.source.0));
            source.and_then(|source| self.sources.get(source)).map(|source| &*source.path)
        };
        let Some(place) = path(fault).and_then(folder_of) else { return true };
        let over = self.overridden(name).iter().map(Origin::name).filter_map(folder_of);
        !over.into_iter().any(|folder| folder == place)
    }
}

/// The folder of definitions that a file is in.
fn folder_of(path: &str) -> Option<&'static str> {
    let is_in = |folder: &&str| {
        let name = path.strip_prefix(*folder).filter(|name| name.ends_with(".md"));
        name.is_some_and(|name| *folder == FOLDERS[1] || !name.contains('/'))
    };
    FOLDERS.into_iter().find(is_in)
}

fn told_twice(name: &str, first: crate::plan::Span, second: crate::plan::Span) -> Fault {
    let label = |at, text: &str| Label { at, text: text.to_owned() };
    Fault {
        severity: Severity::Error,
        code: "definition-twice",
        text: format!("two definitions have the name `{}`", shortened(name, 64)),
        labels: vec![label(second, ""), label(first, "the other one")],
        help: Some("give one of them another name, or take it out".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pages: &[(&str, &str)]) -> Definitions {
        let page = |(path, text): &(&str, &str)| Page { path: (*path).to_owned(), text: Some((*text).to_owned()) };
        Definitions::read(pages.iter().map(page).collect())
    }

    fn named(name: &str, prompt: &str) -> String {
        format!("---\nname: {name}\n---\n{prompt}\n")
    }

    fn codes(faults: Vec<Fault>) -> Vec<&'static str> {
        faults.into_iter().map(|fault| fault.code).collect()
    }

    fn prompt<'a>(all: &'a Definitions, name: &str) -> &'a str {
        all.get(name).map_or("none", |definition| &definition.prompt)
    }

    #[test]
    fn agents_comes_before_claudes_folder_and_that_before_what_is_built_in() {
        let all = read(&[
            (".claude/agents/deep/down/qa.md", &named("qa-reviewer", "Claude's.")),
            (".claude/agents/mine.md", &named("mine", "Mine.")),
            ("agents/qa.md", &named("qa-reviewer", "Ours.")),
            (".claude/agents/sec.md", &named("security-reviewer", "Also Claude's.")),
        ]);
        assert_eq!(prompt(&all, "qa-reviewer"), "Ours.");
        let over: Vec<&str> = all.overridden("qa-reviewer").iter().map(Origin::name).collect();
        assert_eq!(over, [".claude/agents/deep/down/qa.md", "built-in"]);
        assert_eq!((prompt(&all, "security-reviewer"), prompt(&all, "mine")), ("Also Claude's.", "Mine."));
        assert_eq!(all.overridden("security-reviewer"), [Origin::BuiltIn]);
        assert_eq!(all.iter().count(), Definition::all_built_in().len() + 1);
        assert!(all.iter().map(|definition| &definition.name).is_sorted());
        assert_eq!(all.missing(["mine", "nobody", "qa-reviewer"]), ["nobody"]);
        assert_eq!(all.nearest("qa-reviwer"), Some("qa-reviewer"));
        assert_eq!(all.faults().count(), 0);
    }

    #[test]
    fn a_folder_of_the_same_name_that_is_something_else_changes_nothing() {
        let all = read(&[
            ("agents/README.md", "# Agents\n"),
            ("agents/page.md", "---\nlayout: x\n---\n# A page\n"),
            ("agents/broken.md", "---\n\n---\n"),
            ("agents/prompts/a.md", "---\nname: [\n---\n"),
            ("agents/main.py", "---\nname: a\n---\n"),
            ("docs/agents/a.md", &named("a", "A")),
            ("agents/.md", "x"),
        ]);
        assert_eq!((all.faults().count(), all.iter().count()), (0, Definition::all_built_in().len()));
    }

    #[test]
    fn a_faulty_definition_is_not_replaced_by_another_one_in_silence() {
        let all = read(&[
            ("agents/qa-reviewer.md", "---\nname: [\n---\n"),
            ("agents/x.md", "---\nname: mine\ntools: Raed\n---\nB\n"),
        ]);
        assert_eq!((all.get("qa-reviewer"), all.get("mine")), (None, None));
        assert_eq!(all.missing(["qa-reviewer", "mine"]), Vec::<&str>::new());
        assert_eq!(codes(all.faults_of(["qa-reviewer"])), ["definition-syntax"]);
        assert_eq!(codes(all.faults_of(["mine", "security-reviewer"])), ["definition-tool"]);
        assert!(all.faults_of(["security-reviewer"]).is_empty());
    }

    #[test]
    fn what_is_overridden_may_be_faulty() {
        let all =
            read(&[("agents/a.md", &named("a", "A")), (".claude/agents/a.md", "---\nname: a\ntools: Raed\n---\nB\n")]);
        assert_eq!(prompt(&all, "a"), "A");
        assert_eq!((all.faults().count(), all.faults_of(["a"]).len()), (1, 0));
    }

    #[test]
    fn two_definitions_of_one_name_in_one_folder_are_none() {
        let all = read(&[(".claude/agents/b/x.md", &named("x", "One")), (".claude/agents/a.md", &named("x", "Two"))]);
        assert_eq!(all.get("x"), None);
        let faults = all.faults_of(["x"]);
        let paths: Vec<&str> =
            faults[0].labels.iter().map(|label| &*all.sources()[usize::from(label.at.source.0)].path).collect();
        assert_eq!(
            (codes(faults.clone()), paths),
            (vec!["definition-twice"], vec![".claude/agents/b/x.md", ".claude/agents/a.md"])
        );
    }

    #[test]
    fn what_is_too_large_or_too_many_is_told_and_left() {
        let large = Page { path: "agents/a.md".to_owned(), text: None };
        let long = Page { path: "agents/b.md".to_owned(), text: Some(named("b", &"x".repeat(FILE_MAX))) };
        let all = Definitions::read(vec![large, long]);
        assert_eq!(codes(all.faults().cloned().collect()), ["definition-large", "definition-large"]);
        assert!(all.get("b").is_none() && Definitions::is_too_large(1 << 20));
        let many = (0..=Definitions::MOST)
            .map(|n| Page { path: format!("agents/{n:03}.md"), text: Some(named(&format!("n{n}"), "x")) });
        let all = Definitions::read(many.collect());
        assert_eq!(codes(all.faults().cloned().collect()), ["definition-many"]);
        assert!(all.get("n499").is_some() && all.get("n500").is_none());
    }
}
