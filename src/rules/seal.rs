//! The seal: whether sealed files are what they were at red, and what puts them back.

use super::rust::test_part;
use super::test_name::is_test_path;
use crate::run::{Code, Finding, Oid, Seal, Sealed};
use std::collections::BTreeMap;

/// A tree by path: mode and blob of each file.
pub type Listing = BTreeMap<Box<str>, (u32, Oid)>;

/// What happened to a sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// Its content is another.
    Edited,
    /// It is gone.
    Deleted,
    /// It is gone, and its content stands elsewhere.
    Renamed {
        /// Where.
        to: Box<str>,
    },
    /// Its mode is another.
    ModeChanged {
        /// The mode now.
        to: u32,
    },
    /// A symbolic link or a submodule stands in its place.
    Replaced {
        /// The mode now.
        to: u32,
    },
    /// The test-developer had deleted it, and it is there again.
    CameBack,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restore {
    /// Put this file there, with this mode and content, whatever stands there.
    Put(Sealed),
    /// Take the file out.
    Remove(Box<str>),
    /// Product code with sealed tests in it: put this text in the file, which has the sealed tests again and the rest as it is.
    Write {
        /// Path relative to the repository.
        path: Box<str>,
        /// Its whole new text.
        text: Box<str>,
    },
}

/// A broken seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The sealed file.
    pub path: Box<str>,
    /// What happened to it.
    pub how: How,
    /// The same for people.
    pub finding: Finding,
    /// What puts it back, in this order.
    pub restores: Vec<Restore>,
}

/// Compares sealed files with a tree. `at_red` is the tree of the seal's commit; `content` gives a blob's text, and is asked
/// only for product files that hold sealed tests (`#[cfg(test)]` parts): of these only the tests are sealed.
pub fn breaches<'a>(
    seal: &Seal,
    at_red: &Listing,
    tree: &Listing,
    content: impl Fn(Oid) -> Option<&'a str>,
) -> Vec<Breach> {
    let mut broken = Vec::new();
    // Where each content stands now and did not at red: sealed files may have been moved there.
    let mut new_places: BTreeMap<Oid, &Box<str>> = BTreeMap::new();
    for (path, (_, blob)) in tree {
        if !at_red.contains_key(path) {
            new_places.entry(*blob).or_insert(path);
        }
    }
    for sealed in &seal.files {
        let now = tree.get(&sealed.path);
        let was_deleted = sealed.mode == 0;
        let how = match now {
            None if was_deleted => continue,
            Some(_) if was_deleted => How::CameBack,
            None => match new_places.get(&sealed.blob) {
                Some(to) => How::Renamed { to: (*to).clone() },
                None => How::Deleted,
            },
            Some((mode, _)) if kind(*mode) != kind(sealed.mode) => How::Replaced { to: *mode },
            Some((mode, blob)) if *blob == sealed.blob && *mode != sealed.mode => How::ModeChanged { to: *mode },
            Some((_, blob)) if *blob == sealed.blob => continue,
            Some((mode, blob)) => match product_file(sealed, *blob, &content) {
                Some(None) if *mode == sealed.mode => continue,
                Some(None) => How::ModeChanged { to: *mode },
                Some(Some(text)) => {
                    let restore = Restore::Write { path: sealed.path.clone(), text: text.into() };
                    broken.push(breach(sealed, How::Edited, vec![restore]));
                    continue;
                }
                None => How::Edited,
            },
        };
        let restores = match &how {
            How::CameBack => vec![Restore::Remove(sealed.path.clone())],
            How::Renamed { to } => vec![Restore::Remove(to.clone()), Restore::Put(sealed.clone())],
            How::ModeChanged { .. } => {
                let blob = now.map_or(sealed.blob, |(_, blob)| *blob);
                vec![Restore::Put(Sealed { blob, ..sealed.clone() })]
            }
            How::Edited | How::Deleted | How::Replaced { .. } => vec![Restore::Put(sealed.clone())],
        };
        broken.push(breach(sealed, how, restores));
    }
    broken
}

/// For product code with sealed tests in it: `Some(None)` when these are as they were, `Some(text)` with the text that has
/// them again; `None` when the whole file is sealed.
fn product_file<'a>(sealed: &Sealed, now: Oid, content: &impl Fn(Oid) -> Option<&'a str>) -> Option<Option<String>> {
    let then = content(sealed.blob)?;
    if is_sealed_whole(&sealed.path, Some(then)) {
        return None;
    }
    let now = content(now)?;
    if test_part(then) == test_part(now) {
        return Some(None);
    }
    Some(Some(super::restore_test_part(then, now)))
}

/// Whether all of a sealed file is: one that is not product code with tests in it. `then` is its text as it was sealed.
pub(super) fn is_sealed_whole(path: &str, then: Option<&str>) -> bool {
    is_test_path(path)
        || !path.ends_with(".rs")
        || then.is_none_or(|then| super::product_part(then).is_empty() || test_part(then).is_empty())
}

fn breach(sealed: &Sealed, how: How, restores: Vec<Restore>) -> Breach {
    let what = match &how {
        How::Edited => "was edited".to_owned(),
        How::Deleted => "was deleted".to_owned(),
        How::Renamed { to } => format!("was renamed to {to}"),
        How::ModeChanged { to } => format!("had its mode changed from {} to {}", mode(sealed.mode), mode(*to)),
        How::Replaced { to } => {
            let by = if kind(*to) == Kind::Link { "a symbolic link" } else { "something that is no file" };
            format!("was replaced by {by}")
        }
        How::CameBack => "was deleted by the test-developer and is there again".to_owned(),
    };
    let text = format!("the sealed file {} {what}; it was restored", sealed.path);
    let finding = Finding::blocker(Code::SealBroken, text).at(sealed.path.clone(), None);
    Breach { path: sealed.path.clone(), how, finding, restores }
}

/// What a mode says is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    Gitlink,
}

/// Git writes modes in octal; whoever kept the digits as a decimal number is understood too.
pub(super) fn kind(mode: u32) -> Kind {
    match mode {
        0o120_000 | 120_000 => Kind::Link,
        0o160_000 | 160_000 => Kind::Gitlink,
        _ => Kind::File,
    }
}

fn mode(mode: u32) -> String {
    if mode >= 100_000 { mode.to_string() } else { format!("{mode:06o}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: u32 = 0o100_644;

    fn oid(n: u64) -> Oid {
        Oid::of_number(n)
    }

    fn listing(files: &[(&str, u32, u64)]) -> Listing {
        files.iter().map(|(path, mode, blob)| ((*path).into(), (*mode, oid(*blob)))).collect()
    }

    fn seal(files: &[(&str, u32, u64)]) -> Seal {
        let files =
            files.iter().map(|(path, mode, blob)| Sealed { path: (*path).into(), mode: *mode, blob: oid(*blob) });
        Seal { files: files.collect(), ..Seal::default() }
    }

    #[test]
    fn each_way_to_break_a_seal_is_named_and_put_back() {
        let at_red = listing(&[("tests/a.rs", FILE, 1), ("src/lib.rs", FILE, 2)]);
        let seal = seal(&[("tests/a.rs", FILE, 1), ("tests/gone.rs", 0, 0)]);
        let put = || vec![Restore::Put(seal.files[0].clone())];
        for (tree, how, restores, word) in [
            (listing(&[("tests/a.rs", FILE, 9)]), How::Edited, put(), "edited"),
            (listing(&[("src/lib.rs", FILE, 1)]), How::Deleted, put(), "deleted"),
            (
                listing(&[("tests/b.rs", FILE, 1)]),
                How::Renamed { to: "tests/b.rs".into() },
                [vec![Restore::Remove("tests/b.rs".into())], put()].concat(),
                "renamed to tests/b.rs",
            ),
            (
                listing(&[("tests/a.rs", 0o100_755, 1)]),
                How::ModeChanged { to: 0o100_755 },
                put(),
                "from 100644 to 100755",
            ),
            (listing(&[("tests/a.rs", 0o120_000, 9)]), How::Replaced { to: 0o120_000 }, put(), "symbolic link"),
            (
                listing(&[("tests/a.rs", FILE, 1), ("tests/gone.rs", FILE, 3)]),
                How::CameBack,
                vec![Restore::Remove("tests/gone.rs".into())],
                "there again",
            ),
        ] {
            let broken = breaches(&seal, &at_red, &tree, |_| None);
            assert_eq!(broken.len(), 1, "{word}");
            assert_eq!((&broken[0].how, &broken[0].restores), (&how, &restores));
            assert!(broken[0].finding.code == Code::SealBroken && broken[0].finding.text.contains(word), "{broken:?}");
        }
        assert_eq!(breaches(&seal, &at_red, &at_red, |_| None), []);
    }

    #[test]
    fn of_product_code_with_sealed_tests_in_it_only_the_tests_are_sealed() {
        let then = "fn a() {}\n#[cfg(test)]\nmod tests { #[test] fn t() { super::a() } }\n";
        let grown = "fn a() { b() }\nfn b() {}\n#[cfg(test)]\nmod tests { #[test] fn t() { super::a() } }\n";
        let weak = "fn a() { b() }\n#[cfg(test)]\nmod tests { #[test] fn t() {} }\n";
        let content =
            |blob: Oid| [(1, then), (2, grown), (3, weak)].iter().find(|(n, _)| oid(*n) == blob).map(|(_, t)| *t);
        let (seal, at_red) = (seal(&[("src/lib.rs", FILE, 1)]), listing(&[("src/lib.rs", FILE, 1)]));
        assert_eq!(breaches(&seal, &at_red, &listing(&[("src/lib.rs", FILE, 2)]), content), []);
        let broken = breaches(&seal, &at_red, &listing(&[("src/lib.rs", FILE, 3)]), content);
        let text = "fn a() { b() }\n#[cfg(test)]\nmod tests { #[test] fn t() { super::a() } }\n";
        assert_eq!(broken[0].restores, [Restore::Write { path: "src/lib.rs".into(), text: text.into() }]);
        let bare =
            |blob: Oid| Some(if blob == oid(1) { "#[test]\nfn t() { a(2) }\n" } else { "#[test]\nfn t() { a(3) }\n" });
        let module = breaches(&seal, &at_red, &listing(&[("src/lib.rs", FILE, 3)]), bare);
        assert_eq!(
            module[0].restores,
            [Restore::Put(seal.files[0].clone())],
            "a module for tests alone: the whole file"
        );
        let whole = breaches(&seal, &at_red, &listing(&[("src/lib.rs", FILE, 3)]), |_| None);
        assert_eq!(whole[0].restores, [Restore::Put(seal.files[0].clone())], "content unknown: the whole file");
    }
}
