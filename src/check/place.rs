//! Where projects stand in a repository: what a tree holds, as far as ecosystems ask, and which folders are whose.

use super::Ecosystem;
use crate::process::which;
use crate::rules::is_test_path;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
};

/// Programs that some repositories are configured for, and that may not be installed.
const ASKED_FOR: [&str; 1] = ["cargo-nextest"];

/// Folders whose manifests are somebody else's, or are there to be looked at.
const NOT_OURS: [&str; 8] =
    ["node_modules", "vendor", "third_party", "examples", "example", "templates", "target", ".venv"];

/// Those of these ecosystems that have projects in a tree, each with its own.
pub fn projects<'a>(
    tree: &'a Tree,
    ecosystems: &[&'static dyn Ecosystem],
) -> Vec<(&'static dyn Ecosystem, Vec<Place<'a>>)> {
    let all: Vec<_> = ecosystems.iter().map(|ecosystem| (*ecosystem, tree.projects(*ecosystem))).collect();
    let first = all.iter().filter(|(ecosystem, _)| !ecosystem.is_last_resort());
    let folders: Vec<&str> = first.flat_map(|(_, places)| places.iter().map(|place| place.folder)).collect();
    let is_alone = |place: &Place<'_>| {
        !folders.iter().any(|other| is_beneath(place.folder, other) || is_beneath(other, place.folder))
    };
    let kept = |(ecosystem, places): (&'static dyn Ecosystem, Vec<Place<'a>>)| {
        let is_first = !ecosystem.is_last_resort();
        (ecosystem, places.into_iter().filter(|place| is_first || is_alone(place)).collect())
    };
    all.into_iter().map(kept).collect()
}

/// Projects of one ecosystem that get checks of their own, at most.
const MOST_PROJECTS: usize = 20;

/// A tree, as far as ecosystems ask.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// All paths.
    paths: BTreeSet<Box<str>>,
    /// The texts of manifests, by path.
    texts: BTreeMap<Box<str>, String>,
    /// Programs that ecosystems ask for and that are installed.
    programs: Vec<&'static str>,
}

impl Tree {
    /// A tree of these paths.
    pub fn new(paths: impl IntoIterator<Item = Box<str>>) -> Tree {
        Tree { paths: paths.into_iter().collect(), texts: BTreeMap::new(), programs: Vec::new() }
    }

    /// The same, with texts.
    pub fn with(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::new(files.iter().map(|(path, _)| (*path).into()));
        files.iter().for_each(|(path, text)| tree.know(path, (*text).to_owned()));
        tree
    }

    /// The manifests whose texts ecosystems ask for.
    pub fn manifests(&self, ecosystems: &[&dyn Ecosystem]) -> Vec<Box<str>> {
        let is_one = |path: &str| {
            let file = path.rsplit('/').next().unwrap_or(path);
            is_ours(path) && ecosystems.iter().any(|ecosystem| ecosystem.manifests().contains(&file))
        };
        self.paths.iter().filter(|path| is_one(path)).cloned().collect()
    }

    /// Takes in which of the programs that ecosystems ask for are on this search path.
    pub fn with_programs_of(mut self, path: &OsStr) -> Tree {
        self.programs = ASKED_FOR.into_iter().filter(|program| which(program.as_ref(), path).is_some()).collect();
        self
    }

    /// Takes a manifest's text in.
    pub fn know(&mut self, path: &str, text: String) {
        self.texts.insert(path.into(), text);
    }

    /// The manifests of this file name that are known, with their texts.
    pub(super) fn known<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let is_it = move |path: &str| path.rsplit('/').next() == Some(name);
        self.texts.iter().filter(move |(path, _)| is_it(path)).map(|(path, text)| (&**path, text.as_str()))
    }

    /// What sets up a checkout of it.
    pub fn setup(&self) -> Vec<String> {
        super::setup(&self.paths.iter().map(|path| &**path).collect::<Vec<_>>())
    }

    /// A folder of it.
    pub(super) fn place<'a>(&'a self, folder: &'a str) -> Place<'a> {
        Place { tree: self, folder }
    }

    /// The folders in which this ecosystem has something to test: the outermost, each for all that is beneath it.
    pub fn projects(&self, ecosystem: &dyn Ecosystem) -> Vec<Place<'_>> {
        let manifests = self.paths.iter().filter(|path| {
            let file = path.rsplit('/').next().unwrap_or(path);
            ecosystem.manifests().contains(&file) && is_ours(path)
        });
        let mut folders: Vec<&str> = manifests.map(|path| folder(path)).collect();
        folders.sort_by_key(|folder| (folder.matches('/').count(), *folder));
        folders.dedup();
        let mut places: Vec<Place<'_>> = Vec::new();
        for folder in folders {
            let place = Place { tree: self, folder };
            let is_within = places.iter().any(|outer| is_beneath(folder, outer.folder));
            let is_one = || !ecosystem.default_checks(&place, crate::plan::Level::System).is_empty();
            if !is_within && places.len() < MOST_PROJECTS && is_one() {
                places.push(place);
            }
        }
        places
    }
}

/// A folder of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    tree: &'a Tree,
    /// From the repository's root; empty for the root itself.
    pub folder: &'a str,
}

impl<'a> Place<'a> {
    fn at(&self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }

    /// Another folder of the same tree.
    pub(super) fn other(&self, folder: &'a str) -> Place<'a> {
        Place { tree: self.tree, folder }
    }

    /// Whether it has a file of this name.
    pub fn has(&self, name: &str) -> bool {
        self.tree.paths.contains(&*self.at(name))
    }

    /// Whether it, or a folder that it is in, has a file of this name.
    pub fn has_above(&self, name: &str) -> bool {
        let mut place = *self;
        loop {
            if place.has(name) {
                return true;
            }
            if place.folder.is_empty() {
                return false;
            }
            place.folder = folder(place.folder);
        }
    }

    /// How to call a program of this name from it, which stands in it or in a folder that it is in.
    pub(super) fn program_above(&self, name: &str) -> Option<String> {
        let mut place = *self;
        let mut way = String::from("./");
        while !place.has(name) {
            if place.folder.is_empty() {
                return None;
            }
            place.folder = folder(place.folder);
            way = if way == "./" { "../".to_owned() } else { way + "../" };
        }
        Some(way + name)
    }

    /// Whether a program is installed.
    pub(super) fn can_run(&self, program: &str) -> bool {
        self.tree.programs.contains(&program)
    }

    /// The text of a manifest in it.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.tree.texts.get(&*self.at(name)).map(String::as_str)
    }

    /// The paths beneath it.
    pub fn paths(&self) -> impl Iterator<Item = &'a str> {
        let place = *self;
        self.tree.paths.iter().map(|path| &**path).filter(move |path| is_beneath(path, place.folder))
    }

    /// A command line that is to be run in it, for `sh` at the root.
    pub fn within(&self, command: &str) -> String {
        if self.folder.is_empty() { command.to_owned() } else { format!("cd {} && {command}", quoted(self.folder)) }
    }
}

/// A path as one word of `sh`.
pub(super) fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if path.chars().all(is_plain) && !path.starts_with('-') {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether a path is a folder's own, or beneath it.
pub(super) fn is_beneath(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a manifest or a lock file at this path is of the repository's own making, and no fixture.
pub(super) fn is_ours(path: &str) -> bool {
    let folders = folder(path);
    !folders.split('/').any(|folder| NOT_OURS.contains(&folder)) && (folders.is_empty() || !is_test_path(path))
}
