//! A patch: which functions it changes, over all its files, and its files with these emptied.

use super::{
    Emptied, Filling, Function, Language, Source,
    outline::{Outline, outline},
    rename::Renames,
    syntax::Unread,
};
use std::collections::{BTreeMap, BTreeSet};

/// Bodies of the same shape that are looked through for the one that a function had before.
const LOOKED_THROUGH: usize = 64;

/// A file that a patch changes, before or after; `None` where it is not there.
pub type Version<'a> = Option<&'a [u8]>;

/// What a patch does to bodies.
#[derive(Debug, Default)]
pub struct Patch {
    /// Files with changed functions in them, in the order given.
    pub files: Vec<Edited>,
    /// Changed files that no grammar reads, each with its language, in the order given.
    pub uncovered: Vec<(Box<str>, String)>,
    /// What was left alone although it may have changed.
    pub left: Vec<Left>,
}

/// A file with changed functions in it.
#[derive(Debug)]
pub struct Edited {
    /// Path relative to the repository.
    pub path: Box<str>,
    /// The functions, in the order written.
    pub functions: Vec<Function>,
    text: String,
}

/// Something that was left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The file.
    pub path: Box<str>,
    /// The function and its line; `None`: the whole file, or what of it is outside of functions.
    pub function: Option<(String, u32)>,
    /// Why.
    pub why: Why,
}

/// Why something was left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is something in it that the grammar does not know.
    Broken,
    /// It has more bytes than are read.
    TooLong,
    /// It is not UTF-8.
    NotUtf8,
    /// The parser did not come to an end with it.
    TooHard,
    /// It is a macro, or what one is given, and has functions in it.
    Macro,
}

impl Why {
    /// The same in words, as the rest of a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Why::Broken => "has something in it that its grammar does not know",
            Why::TooLong => "is longer than what is read",
            Why::NotUtf8 => "is not UTF-8",
            Why::TooHard => "is nested or broken too deeply to be read",
            Why::Macro => "has functions in a macro, which are not read",
        }
    }
}

impl Edited {
    /// The file with these functions emptied.
    pub fn emptied(&self, filling: impl Fn(usize) -> Filling) -> Emptied {
        Emptied::of(&self.text, &self.functions, filling)
    }
}

/// A file of code, as it is read.
struct Read<'a> {
    path: &'a str,
    language: Language,
    before: Outline,
    after: Option<(&'a str, Outline)>,
}

impl Patch {
    /// Compares both sides of a patch: path, before and after of each file.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, Version<'a>, Version<'a>)>) -> Patch {
        let mut patch = Patch::default();
        let mut reads = Vec::new();
        for (path, before, after) in files {
            match Source::of(path, after.or(before).unwrap_or_default()) {
                Source::Covered(language) => reads.extend(patch.read(path, language, before, after)),
                Source::Uncovered(language) => patch.uncovered.push((path.into(), language)),
                Source::NoCode => {}
            }
        }
        let mut renames = Renames::default();
        for read in &mut reads {
            renames.before(&mut read.before);
            if let Some((_, after)) = &mut read.after {
                renames.after(after);
            }
        }
        let mut past = Past::default();
        let changed: Vec<Vec<Function>> = reads.iter_mut().map(|read| past.leave_changed(read, &renames)).collect();
        for (read, functions) in reads.iter().zip(changed) {
            let functions: Vec<Function> = functions
                .into_iter()
                .filter(|function| !past.has_elsewhere(read.language, function, &renames))
                .collect();
            if let (Some((text, _)), false) = (&read.after, functions.is_empty()) {
                patch.files.push(Edited { path: read.path.into(), functions, text: (*text).to_owned() });
            }
        }
        patch
    }

    /// The paths of what was not read, or not read to its end.
    pub fn unread(&self) -> impl Iterator<Item = &str> {
        self.uncovered.iter().map(|(path, _)| &**path).chain(self.left.iter().map(|left| &*left.path))
    }

    /// The number of changed functions.
    pub fn functions(&self) -> usize {
        self.files.iter().map(|file| file.functions.len()).sum()
    }

    fn read<'a>(
        &mut self,
        path: &'a str,
        language: Language,
        before: Version<'a>,
        after: Version<'a>,
    ) -> Option<Read<'a>> {
        // What cannot be read of the past has changed, whatever it was: everything in the file counts as new.
        let read = |bytes: &'a [u8]| {
            let text = std::str::from_utf8(bytes).map_err(|_| Why::NotUtf8)?;
            let outline = outline(language, text).map_err(|unread| match unread {
                Unread::TooLong => Why::TooLong,
                Unread::TooHard => Why::TooHard,
            })?;
            Ok((text, outline))
        };
        let past = before.and_then(|bytes| read(bytes).ok()).map(|(_, outline)| outline).unwrap_or_default();
        let after = match after.map(read).transpose() {
            Ok(after) => after,
            Err(why) => {
                self.left.push(Left { path: path.into(), function: None, why });
                return None;
            }
        };
        if let Some((_, outline)) = &after {
            let known: BTreeSet<(&str, &str)> = past.hidden.iter().map(|(name, _, text)| (&**name, &**text)).collect();
            let is_new = |(name, _, text): &&(String, u32, String)| !known.contains(&(&**name, &**text));
            self.left.extend(outline.hidden.iter().filter(is_new).map(|(name, line, _)| Left {
                path: path.into(),
                function: Some((name.clone(), *line)),
                why: Why::Macro,
            }));
            let broken = outline.broken.iter().map(|broken| Some(broken.clone()));
            let outside = (outline.has_error && outline.broken.is_empty()).then_some(None);
            self.left.extend(broken.chain(outside).map(|function| Left {
                path: path.into(),
                function,
                why: Why::Broken,
            }));
        }
        Some(Read { path, language, before: past, after })
    }
}

/// Bodies that files no longer have where they had them, each taken once, by language and shape.
#[derive(Default)]
struct Past(BTreeMap<(Language, String), Vec<Function>>);

impl Past {
    /// Those functions of a file that did not stand in it as they do now. What it no longer has may stand elsewhere.
    fn leave_changed(&mut self, read: &mut Read<'_>, renames: &Renames) -> Vec<Function> {
        let mut here: BTreeMap<(String, String), Vec<Function>> = BTreeMap::new();
        for function in std::mem::take(&mut read.before.functions) {
            here.entry((function.name.clone(), function.body.shape.clone())).or_default().push(function);
        }
        let functions = read.after.as_mut().map(|(_, outline)| std::mem::take(&mut outline.functions));
        let mut changed = Vec::new();
        for function in functions.unwrap_or_default() {
            let key = (function.name.clone(), function.body.shape.clone());
            let is_it = |past: &Function| renames.explain(&past.body, &function.body);
            if !here.get_mut(&key).is_some_and(|past| take(past, is_it)) {
                changed.push(function);
            }
        }
        for ((_, shape), functions) in here {
            self.0.entry((read.language, shape)).or_default().extend(functions);
        }
        changed
    }

    /// Whether a function was moved here, or renamed, and is otherwise what it was.
    fn has_elsewhere(&mut self, language: Language, function: &Function, renames: &Renames) -> bool {
        let key = (language, function.body.shape.clone());
        let is_it = |past: &Function| {
            (past.own == function.own || renames.may_be(&past.own, &function.own))
                && renames.explain(&past.body, &function.body)
        };
        self.0.get_mut(&key).is_some_and(|past| take(past, is_it))
    }
}

/// Takes out the first of them that is it.
fn take(functions: &mut Vec<Function>, is_it: impl Fn(&Function) -> bool) -> bool {
    let found = functions.iter().take(LOOKED_THROUGH).position(is_it);
    found.map(|at| functions.swap_remove(at)).is_some()
}
