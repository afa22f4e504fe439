//! The built-in reviewers: deterministic, always asked, over a patch's added lines and files (DESIGN.md section 5.5).

use super::idiom::idiom;
use super::lexis::classes;
use super::rust::Class;
use super::seal::{Kind, kind};
use super::shape::regex;
use super::{Change, is_test_path, tests_in};
use crate::run::{Code, Finding};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// A file over this many bytes is a blocker, whatever it is.
const LARGEST_FILE: u64 = 5 << 20;

/// A binary that the task names by its own path may have this many.
const LARGEST_BINARY: u64 = 1 << 20;

/// A line beyond this many bytes is looked at up to here.
const LONGEST_LINE: usize = 20_000;

/// Findings beyond these are one too many to read.
const MOST_FINDINGS: usize = 100;

/// What there is to look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inspected<'a> {
    /// What the patch changes, less leftovers and what was taken out.
    pub changes: &'a [Change<'a>],
    /// All paths of the tree with the patch.
    pub paths: &'a [&'a str],
    /// Paths that the task declares, or that a person permitted.
    pub files: &'a [Box<str>],
    /// Paths that reviewers granted or a person permitted: tests in them may change.
    pub opened: &'a [Box<str>],
    /// The task's own text: it may ask for a stub, a submodule or the change of a test by name.
    pub text: &'a str,
    /// Whether exit codes are all that proves the tests: no runner gives names.
    pub exits_prove: bool,
}

/// Secrets by their well-known shapes, each with what it is.
static SECRETS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let shapes = [
        ("AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("GitHub token", r"\bgh[pousr]_[0-9A-Za-z]{36,}\b"),
        ("GitHub token", r"\bgithub_pat_[0-9A-Za-z_]{60,}\b"),
        ("GitLab token", r"\bglpat-[0-9A-Za-z_-]{20,}"),
        ("Slack token", r"\bxox[abprs]-[0-9]{6,}-[0-9A-Za-z-]{10,}"),
        ("Anthropic key", r"\bsk-ant-[0-9A-Za-z_-]{24,}"),
        ("OpenAI key", r"\bsk-(?:proj-|svcacct-)?[0-9A-Za-z]{40,}\b"),
        ("Stripe key", r"\b[rs]k_live_[0-9A-Za-z]{20,}\b"),
        ("Google API key", r"\bAIza[0-9A-Za-z_-]{35}\b"),
        ("npm token", r"\bnpm_[0-9A-Za-z]{36}\b"),
        ("crates.io token", r"\bcio[0-9A-Za-z]{32}\b"),
        ("private key", r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----"),
    ];
    shapes.into_iter().map(|(what, shape)| (what, regex(shape))).collect()
});

static MARKER: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:<{7}|>{7}|\|{7})(?: |$)"));
static TODO: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(?:TODO|FIXME)\b"));
static COMMENTED_TODO: LazyLock<Regex> = LazyLock::new(|| regex(r"(?:#|//|/\*|--|<!--|;|%)\s*(?:TODO|FIXME)\b"));

/// What the built-in reviewers find.
pub fn inspect(seen: &Inspected<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for change in seen.changes {
        if findings.len() >= MOST_FINDINGS {
            break;
        }
        if is_odd_file(seen, change, &mut findings) {
            continue;
        }
        lines(seen, change, &mut findings);
        weakened(seen, change, &mut findings);
    }
    collisions(seen, &mut findings);
    findings.truncate(MOST_FINDINGS);
    findings
}

/// Links, submodules, binaries and large files. Whether there is no text to look at.
fn is_odd_file(seen: &Inspected<'_>, change: &Change<'_>, findings: &mut Vec<Finding>) -> bool {
    let Some(after) = change.after else { return true };
    let path = change.path;
    let mut blocks = |code, text: String| findings.push(Finding::blocker(code, text).at(path, None));
    let is_declared = super::declared(seen.files).any(|file| file == path);
    match kind(after.mode) {
        Kind::Gitlink => {
            if !is_declared {
                blocks(Code::StrayLink, format!("{path} is a submodule that the task does not ask for"));
            }
            return true;
        }
        Kind::Link => {
            if after.text().is_none_or(|target| leaves_tree(path, target)) {
                blocks(Code::StrayLink, format!("{path} is a link out of the tree"));
            }
            return true;
        }
        Kind::File => {}
    }
    if after.size > LARGEST_FILE {
        blocks(Code::Binary, format!("{path} has {} bytes; {LARGEST_FILE} is the most", after.size));
        return true;
    }
    let is_binary = after.bytes.is_none_or(|bytes| bytes.iter().take(8_000).any(|byte| *byte == 0));
    if is_binary && is_declared && after.size > LARGEST_BINARY {
        blocks(Code::Binary, format!("{path} is a binary of {} bytes; {LARGEST_BINARY} is the most", after.size));
    } else if is_binary && !is_declared {
        let text = format!(
            "{path} is a binary that the task does not declare by its own path: name it there, or allow it with `tidegate approve --path`"
        );
        blocks(Code::Binary, text);
    }
    is_binary
}

/// Whether a link's target is absolute, climbs out of the tree, or goes into `.git`.
fn leaves_tree(path: &str, target: &str) -> bool {
    let mut depth = path.matches('/').count();
    if target.starts_with('/') || target.contains('\0') {
        return true;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            part if part.eq_ignore_ascii_case(".git") => return true,
            _ => depth += 1,
        }
    }
    false
}

/// Added lines: those that the file has now and had not, or not as often.
fn added<'a>(change: &Change<'a>) -> Vec<(u32, usize, &'a str)> {
    let lossless = |side: Option<super::Side<'a>>| side.and_then(|side| side.text()).unwrap_or_default();
    let (before, after) = (lossless(change.before), lossless(change.after));
    let mut had: BTreeMap<&str, u32> = BTreeMap::new();
    for line in before.lines() {
        *had.entry(line).or_default() += 1;
    }
    let mut added = Vec::new();
    let mut at = 0;
    for (number, whole) in (1..).zip(after.split_inclusive('\n')) {
        let line = whole.trim_end_matches(['\n', '\r']);
        match had.get_mut(line) {
            Some(count) if *count > 0 => *count -= 1,
            _ => added.push((number, at, line)),
        }
        at += whole.len();
    }
    added
}

fn lines(seen: &Inspected<'_>, change: &Change<'_>, findings: &mut Vec<Finding>) {
    let path = change.path;
    let after = change.texts().1;
    let classes = after.and_then(|text| classes(path, text));
    let idiom = idiom(path);
    let is_test = is_test_path(path);
    let may_ask = is_test || super::protects(path).is_some();
    let asks_for_stub = asks_for_stub(seen.text);
    let is_prose = [".md", ".txt", ".rst", ".adoc"].iter().any(|end| path.ends_with(end));
    for (number, at, line) in added(change) {
        if findings.len() >= MOST_FINDINGS {
            return;
        }
        let line = looked_at(line);
        let above = after.and_then(|text| text.get(..at)).unwrap_or_default();
        let mut blocks = |code, text: String| findings.push(Finding::blocker(code, text).at(path, Some(number)));
        if MARKER.is_match(line) {
            blocks(Code::ConflictMarker, "a conflict marker".to_owned());
        }
        if let Some(text) = secret(line) {
            blocks(Code::Secret, text);
        }
        if asks_for_stub || is_prose {
            continue;
        }
        let class = |shape: &Regex, wanted| match &classes {
            Some(classes) => shape.find_iter(line).any(|found| classes.get(at + found.start()) == Some(&wanted)),
            None => false,
        };
        let is_stub = class(&idiom.stub, Class::Code) || (classes.is_none() && idiom.stub.is_match(line));
        let is_stub = is_stub || path.ends_with(".py") && is_empty_body(above, line);
        let is_todo = class(&TODO, Class::Comment) || (classes.is_none() && COMMENTED_TODO.is_match(line));
        let asked = idiom.asks.find(line).filter(|found| {
            let is_said = classes.as_ref().and_then(|all| all.get(at + found.start())) != Some(&Class::Comment);
            is_said && !may_ask && !names_word(seen.text, found.as_str())
        });
        let ends = (seen.exits_prove && !is_test)
            .then(|| super::ending::found(&idiom.ends_process, path, above, line))
            .flatten()
            .filter(|found| classes.as_ref().is_none_or(|all| all.get(at + found) == Some(&Class::Code)));
        if ends.is_some() {
            let line = crate::text::shortened(line.trim(), 120);
            let text = format!("this ends the process, and a check that gives no names of tests with it: {line}");
            blocks(Code::EndsProcess, text);
        } else if asked.is_some() {
            let line = crate::text::shortened(line.trim(), 120);
            blocks(Code::AsksIfTested, format!("this asks whether it is being tested: {line}"));
        } else if is_stub {
            blocks(Code::Stub, format!("a stub was left behind: {}", crate::text::shortened(line.trim(), 120)));
        } else if is_todo {
            blocks(Code::Stub, format!("something was left to do: {}", crate::text::shortened(line.trim(), 120)));
        }
    }
}

/// Whether a line is all that a function of a Python module has. What a class leaves to its heirs may well be empty.
fn is_empty_body(above: &str, line: &str) -> bool {
    let is_head = |head: &str| ["def ", "async def "].iter().any(|word| head.starts_with(word)) && head.ends_with(':');
    matches!(line.trim(), "pass" | "...") && above.lines().next_back().is_some_and(|head| is_head(head.trim_end()))
}

/// What is looked at of a line.
fn looked_at(line: &str) -> &str {
    &line[..line.floor_char_boundary(LONGEST_LINE)]
}

/// What looks like a secret in a line.
fn secret(line: &str) -> Option<String> {
    SECRETS.iter().find_map(|(what, shape)| {
        let found = shape.find(line)?.as_str();
        let start: String = found.chars().take(4).collect();
        (!found.contains("EXAMPLE")).then(|| format!("this looks like a secret ({what}, {start}...)"))
    })
}

/// What looks like a secret in the lines that a change adds, as [`inspect`] tells it; of each file, the first.
pub fn leaks(changes: &[Change<'_>]) -> Vec<Finding> {
    let leak = |change: &Change<'_>| {
        let (number, text) =
            added(change).into_iter().find_map(|(at, _, line)| Some((at, secret(looked_at(line))?)))?;
        Some(Finding::blocker(Code::Secret, text).at(change.path, Some(number)))
    };
    changes.iter().filter_map(leak).collect()
}

/// The same in what somebody said.
pub fn leak(said: &str) -> Option<String> {
    said.lines().find_map(|line| secret(looked_at(line)))
}

/// Whether the task asks for a stub by name.
fn asks_for_stub(text: &str) -> bool {
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '!'));
    words.any(|word| {
        let word = word.to_ascii_lowercase();
        matches!(
            word.as_str(),
            "stub" | "stubs" | "stubbed" | "todo!" | "unimplemented!" | "notimplementederror" | "fixme"
        )
    })
}

/// Whether the task's own text names what the code asks for: a word of it that is more than a plain one.
fn names_word(text: &str, asked: &str) -> bool {
    let words = asked.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| word.contains('_') || *word == "pytest").any(|word| text.contains(word))
}

/// Tests that were there and are skipped now, check less, or are gone.
fn weakened(seen: &Inspected<'_>, change: &Change<'_>, findings: &mut Vec<Finding>) {
    let path = change.path;
    let (Some(before), Some(after)) = change.texts() else { return };
    if (!path.ends_with(".rs") && !is_test_path(path))
        || super::protected::is_named(seen.text, path)
        || seen.opened.iter().any(|open| **open == *path)
    {
        return;
    }
    let mut blocks = |line, text: String| findings.push(Finding::blocker(Code::WeakenedTest, text).at(path, line));
    let (classes, idiom) = (classes(path, after), idiom(path));
    for (number, at, line) in added(change) {
        let mut found = idiom.skip.find_iter(line);
        let is_code = |start: usize| classes.as_ref().is_none_or(|all| all.get(at + start) == Some(&Class::Code));
        if found.any(|found| is_code(found.start())) {
            blocks(Some(number), format!("a test is skipped: {}", crate::text::shortened(line.trim(), 120)));
        }
    }
    let strength = |text: &str| -> BTreeMap<Box<str>, (u32, usize)> {
        let tests = tests_in(path, text).into_iter();
        tests.map(|test| (test.name, (test.line, idiom.assertion.find_iter(&test.text).count()))).collect()
    };
    let now = strength(after);
    for (name, (_, held)) in strength(before) {
        match now.get(&name) {
            None => blocks(None, format!("the test {} is gone", crate::text::shortened(&name, 200))),
            Some((line, holds)) if *holds < held => {
                let name = crate::text::shortened(&name, 200);
                blocks(Some(*line), format!("the test {name} checks less: {holds} of {held} expectations are left"));
            }
            Some(_) => {}
        }
    }
}

/// Added paths that differ from another only in case or Unicode normalisation, folder by folder.
fn collisions(seen: &Inspected<'_>, findings: &mut Vec<Finding>) {
    let added = seen.changes.iter().filter(|change| change.before.is_none() && change.after.is_some());
    let added: BTreeSet<&str> = added.map(|change| change.path).collect();
    if added.is_empty() {
        return;
    }
    let key = |path: &str| path.nfc().collect::<String>().to_lowercase().nfc().collect::<String>();
    let mut spelled: BTreeMap<String, &str> = BTreeMap::new();
    for path in seen.paths.iter().copied().filter(|path| !added.contains(path)) {
        for folder in prefixes(path) {
            spelled.entry(key(folder)).or_insert(folder);
        }
    }
    for path in added {
        for folder in prefixes(path) {
            let other = *spelled.entry(key(folder)).or_insert(folder);
            if other != folder {
                let text = format!("{path} differs from {other} only in case or Unicode normalisation");
                findings.push(Finding::blocker(Code::PathCollision, text).at(path, None));
                break;
            }
        }
    }
}

fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at]).chain([path])
}

#[cfg(test)]
mod tests {
    use super::super::Side;
    use super::*;
    use crate::run::Oid;

    fn side(mode: u32, bytes: &[u8]) -> Side<'_> {
        Side { mode, blob: Oid::NONE, size: bytes.len() as u64, bytes: Some(bytes) }
    }

    fn found(path: &str, before: Option<&str>, mode: u32, after: &[u8], text: &str) -> Vec<(Code, Option<u32>)> {
        let before = before.map(|text| side(0o100_644, text.as_bytes()));
        let changes = [Change { path, before, after: Some(side(mode, after)) }];
        let files: [Box<str>; 1] = ["logo.png".into()];
        let findings = inspect(&Inspected {
            changes: &changes,
            paths: &[path],
            files: &files,
            opened: &[],
            text,
            exits_prove: false,
        });
        findings.into_iter().map(|finding| (finding.code, finding.line)).collect()
    }

    fn text(path: &str, after: &str) -> Vec<(Code, Option<u32>)> {
        found(path, None, 0o100_644, after.as_bytes(), "")
    }

    #[test]
    fn what_nobody_should_leave_in_a_patch_is_found_at_its_line() {
        let key = format!("k = \"AKIA{}\"\n", "ABCDEFGHIJKLMNOP");
        let github = format!("ghp_{}", "a1".repeat(18));
        for (path, after, expected) in [
            (
                "a.rs",
                "x\n<<<<<<< HEAD\n=======\n>>>>>>> other\n",
                vec![(Code::ConflictMarker, Some(2)), (Code::ConflictMarker, Some(4))],
            ),
            ("a.md", "Title\n=======\n", vec![]),
            ("a.py", &*key, vec![(Code::Secret, Some(1))]),
            ("a.py", &*github, vec![(Code::Secret, Some(1))]),
            ("a.pem", "-----BEGIN RSA PRIVATE KEY-----\n", vec![(Code::Secret, Some(1))]),
            ("a.py", "AKIAIOSFODNN7EXAMPLE\nsk-not-a-key\n", vec![]),
            (
                "a.rs",
                "fn a() { todo!() }\nfn b() { unimplemented!(\"x\") }\n",
                vec![(Code::Stub, Some(1)), (Code::Stub, Some(2))],
            ),
            ("a.rs", "// TODO: more\n", vec![(Code::Stub, Some(1))]),
            ("a.rs", "let s = \"TODO: todo!()\"; struct Todo; // a todo list\n", vec![]),
            (
                "a.py",
                "x = 1  # FIXME later\nTODO = 3\nraise NotImplementedError\n",
                vec![(Code::Stub, Some(1)), (Code::Stub, Some(3))],
            ),
            (
                "a.py",
                "def f(x):\n    pass\n\n\nasync def g():\n    ...\n",
                vec![(Code::Stub, Some(2)), (Code::Stub, Some(6))],
            ),
            ("a.py", "class A:\n    def f(self):\n        pass\n\n\ntry:\n    f()\nexcept E:\n    pass\n", vec![]),
            ("a.md", "- TODO\n", vec![]),
            ("a.py", "x = 'raise NotImplementedError'\n", vec![]),
            (
                "a.ts",
                "throw new Error('not implemented')\n// TODO: more\n",
                vec![(Code::Stub, Some(1)), (Code::Stub, Some(2))],
            ),
            ("a.py", "if 'pytest' in sys.modules:\n", vec![(Code::AsksIfTested, Some(1))]),
            ("a.js", "x\nif (process.env.VITEST) x()\n// process.env.VITEST\n", vec![(Code::AsksIfTested, Some(2))]),
            ("tests/a.test.js", "if (process.env.VITEST) x()\n", vec![]),
        ] {
            assert_eq!(text(path, after), expected, "{path}: {after}");
        }
        assert_eq!(found("a.rs", None, 0o100_644, b"todo!()", "Leave a stub for login"), []);
        assert_eq!(found("a.js", None, 0o100_644, b"process.env.JEST_WORKER_ID", "Ports by JEST_WORKER_ID"), []);
        assert_eq!(found("a.rs", Some("a();\ntodo!();\n"), 0o100_644, b"todo!();\nb();\n", ""), [], "it was there");
    }

    #[test]
    fn a_leak_is_what_a_change_adds_and_not_what_was_there() {
        let secret = format!("ghp_{}", "a1".repeat(18));
        let (before, after) = (format!("{secret}\n"), format!("one\n{secret}\n{secret}\n"));
        let before = side(0o100_644, before.as_bytes());
        let of = |after| leaks(&[Change { path: "a", before: Some(before), after: Some(side(0o100_644, after)) }]);
        let lines: Vec<_> = of(after.as_bytes()).into_iter().map(|leak| leak.line).collect();
        assert_eq!(lines, [Some(3)]);
        assert_eq!(of(format!("two\n{secret}\n").as_bytes()), []);
        assert_eq!(
            leak(&format!("I saw\n{secret}")).as_deref(),
            Some("this looks like a secret (GitHub token, ghp_...)")
        );
        assert_eq!(leak("I saw nothing"), None);
    }

    #[test]
    fn a_secret_is_not_told_in_full() {
        let secret = format!("ghp_{}", "a1".repeat(18));
        let changes = [Change { path: "a", before: None, after: Some(side(0o100_644, secret.as_bytes())) }];
        let findings = inspect(&Inspected { changes: &changes, ..Inspected::default() });
        assert!(findings.len() == 1 && !findings[0].text.contains("a1a1"), "{findings:?}");
    }

    #[test]
    fn tests_that_were_there_are_not_skipped_nor_made_to_check_less() {
        let before = "#[test]\nfn a() {\n    assert!(x);\n    assert_eq!(1, y);\n}\n";
        for (after, expected) in [
            (before.replace("#[test]", "#[test]\n#[ignore]"), vec![(Code::WeakenedTest, Some(2))]),
            (before.replace("    assert!(x);\n", ""), vec![(Code::WeakenedTest, Some(2))]),
            (before.replace("fn a", "fn b"), vec![(Code::WeakenedTest, None)]),
            (format!("{before}// #[ignore] is not used\n#[test] fn c() {{}}\n"), vec![]),
        ] {
            assert_eq!(found("src/a.rs", Some(before), 0o100_644, after.as_bytes(), ""), expected, "{after}");
        }
        assert_eq!(found("src/a.rs", Some(before), 0o100_644, b"", "Rewrite src/a.rs"), []);
        for (path, before, after, expected) in [
            ("x.test.js", "it('a')", "it.skip('a')", vec![(Code::WeakenedTest, Some(1))]),
            (
                "x.test.js",
                "it('a', () => { expect(1); expect(2) })",
                "it('a', () => { expect(1) })",
                vec![(Code::WeakenedTest, Some(1))],
            ),
            (
                "test_x.py",
                "def test_a():\n    assert 1\n    assert 2\n",
                "def test_a():\n    assert 1\n",
                vec![(Code::WeakenedTest, Some(1))],
            ),
            (
                "test_x.py",
                "def test_a():\n    assert 1\n",
                "def test_b():\n    assert 1\n",
                vec![(Code::WeakenedTest, None)],
            ),
            ("test_x.py", "def test_a():\n    pass\n", "# pytest.mark.skip\ndef test_a():\n    pass\n", vec![]),
        ] {
            assert_eq!(found(path, Some(before), 0o100_644, after.as_bytes(), ""), expected, "{after}");
        }
    }

    #[test]
    fn binaries_large_files_links_and_submodules_are_found() {
        let binary = |path, size: usize| found(path, None, 0o100_644, &vec![0; size], "").first().map(|found| found.0);
        assert_eq!(binary("a.bin", 10), Some(Code::Binary));
        assert_eq!(binary("logo.png", 10), None);
        assert_eq!(binary("logo.png", (1 << 20) + 1), Some(Code::Binary));
        assert_eq!(text("a.txt", &"a\n".repeat(3 << 20)), [(Code::Binary, None)]);
        assert_eq!(found("sub", None, 0o160_000, b"", ""), [(Code::StrayLink, None)]);
        for (target, stray) in [
            ("../b", false),
            ("../../b", true),
            ("/etc/passwd", true),
            ("x/../../../b", true),
            ("c", false),
            ("../.git/config", true),
        ] {
            assert_eq!(!found("a/link", None, 0o120_000, target.as_bytes(), "").is_empty(), stray, "{target}");
        }
    }

    #[test]
    fn a_path_that_only_some_file_systems_tell_from_another_is_found() {
        for (added, there, collides) in [
            ("README.MD", "readme.md", true),
            ("Src/a.rs", "src/b.rs", true),
            ("caf\u{e9}", "cafe\u{301}", true),
            ("a/b", "a/c", false),
        ] {
            let changes = [Change { path: added, before: None, after: Some(side(0o100_644, b"x")) }];
            let findings = inspect(&Inspected { changes: &changes, paths: &[added, there], ..Inspected::default() });
            assert_eq!(findings.iter().any(|finding| finding.code == Code::PathCollision), collides, "{added}");
        }
        let both = ["A", "a"].map(|path| Change { path, before: None, after: Some(side(0o100_644, b"x")) });
        let findings = inspect(&Inspected { changes: &both, paths: &["A", "a"], ..Inspected::default() });
        assert_eq!(findings.len(), 1, "two added paths collide with each other");
    }
}
