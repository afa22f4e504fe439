//! Growth: whether a test file only got more. What was there has to mean what it meant, so what is added stands beside it and
//! never inside of it.

use super::{rust::places, tests_in};
use std::{collections::BTreeSet, ops::Range};

/// Whether no line is gone or changed. In languages whose tests are seen every test is word by word what it was; of Rust also nothing was added inside a
/// function or to the attributes of what was there.
pub(super) fn only_adds(path: &str, before: &str, after: &str) -> bool {
    let Some(added) = added(before, after) else { return false };
    keeps_test_functions(path, before, after) && (!path.ends_with(".rs") || stands_beside(before, after, added))
}

/// The runs of lines that `after` has more than `before`, each as far down as it goes; none where a line is gone.
fn added(before: &str, after: &str) -> Option<Vec<Range<usize>>> {
    let mut old = before.lines().peekable();
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, line) in after.lines().enumerate() {
        if old.next_if_eq(&line).is_none() {
            match runs.last_mut().filter(|run| run.end == at) {
                Some(run) => run.end += 1,
                None => runs.push(at..at + 1),
            }
        }
    }
    old.next().is_none().then_some(runs)
}

/// Whether every test function of `before` is in `after` as it was.
pub(super) fn keeps_test_functions(path: &str, before: &str, after: &str) -> bool {
    let texts = |text: &str| -> Vec<(Box<str>, String)> {
        tests_in(path, text).into_iter().map(|test| (test.name, test.text.trim_end().to_owned())).collect()
    };
    let now: BTreeSet<(Box<str>, String)> = texts(after).into_iter().collect();
    texts(before).into_iter().all(|test| now.contains(&test))
}

/// Whether what was added are items of their own, at the top level or in modules, and move nothing that was there into anything.
fn stands_beside(before: &str, after: &str, added: Vec<Range<usize>>) -> bool {
    let lines: Vec<&str> = after.lines().collect();
    let (then, now) = (places(before), places(after));
    // An attribute or half an item at the end would belong to what was there.
    let is_whole =
        |line: &str| line.is_empty() || line.ends_with(['}', ';']) || line.starts_with("//") || line.ends_with("*/");
    let is_beside = |run: &Range<usize>| {
        now[run.start].within == 0
            && is_whole(lines[run.end - 1].trim())
            && !run.clone().any(|at| lines[at].trim_start().starts_with("#!"))
    };
    let (mut floor, mut is_kept) = (0, vec![true; lines.len()]);
    for mut run in added {
        // Which of several equal lines is the new one, nobody can tell: any reading will do.
        while !is_beside(&run) {
            if run.start == floor || lines[run.start - 1] != lines[run.end - 1] {
                return false;
            }
            run = run.start - 1..run.end - 1;
        }
        floor = run.end;
        is_kept[run].fill(false);
    }
    let kept = now.iter().zip(&is_kept).filter(|(_, is_kept)| **is_kept).map(|(place, _)| place);
    then.iter().eq(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "use a::b;\n\nfn help(x: u8) {\n    assert_eq!(x, 1);\n}\n\nmod m {\n    #[test]\n    fn t() {\n        help(1);\n    }\n}\n";

    #[test]
    fn a_test_file_grows_beside_what_was_there_and_not_inside_of_it() {
        let put = |behind: &str, text: &str| OLD.replacen(behind, &format!("{behind}{text}"), 1);
        for (after, expected) in [
            (OLD.to_owned(), true),
            (format!("{OLD}\n#[test]\nfn new() {{\n    if x {{\n        help(2);\n    }}\n}}\n"), true),
            (put("use a::b;\n", "use c::d;\n"), true),
            (put("use a::b;\n", "// A word.\n"), true),
            (put("    }\n", "\n    #[test]\n    fn more() {}\n"), true),
            (put("mod m {\n", "    #[test]\n    fn more() {}\n"), true),
            (format!("/// Help.\nfn other() {{}}\n{OLD}"), true),
            (put("mod m {\n", "    #[test]\n    fn more() {\n        help(1);\n    }\n\n"), true),
            (put("}\n\n", "fn more(x: u8) {\n    help(x);\n}\n\n"), true),
            (put("fn help(x: u8) {\n", "    if x > 0 {\n        return;\n    }\n"), false),
            (put("        help(1);\n", "        help(2);\n"), false),
            (format!("#![cfg(any())]\n{OLD}"), false),
            (put("b;\n", "#[cfg(any())]\n"), false),
            (put("b;\n\n", "#[cfg(any())]\n"), false),
            (format!("#[cfg(any())]\nmod x {{\n{OLD}}}\n"), false),
            (format!("/*\n{OLD}*/\n"), false),
            (put("b;\n\n", "const X: &str = r#\"\n") + "\"#;\n", false),
            (OLD.replace("    assert_eq!(x, 1);\n", ""), false),
        ] {
            assert_eq!(only_adds("tests/a.rs", OLD, &after), expected, "{after}");
        }
        assert!(only_adds("tests/a.py", "def a():\n  b()\n", "def a():\n  c()\n  b()\n"));
        assert!(!only_adds("tests/a.py", "def a():\n  b()\n", "def a():\n  c()\n"));
        let (old, new) = ("def test_a():\n    b()\n", "def test_c():\n    b()\n");
        assert!(only_adds("tests/test_a.py", old, &format!("{old}\n\n{new}")));
        assert!(!only_adds("tests/test_a.py", old, "def test_a():\n    return\n    b()\n"));
        assert!(!only_adds("a.test.js", "it('a', () => {\n  b();\n});\n", "it('a', () => {\n  return;\n  b();\n});\n"));
    }
}
