//! Tests in Python, seen from afar: by their names and by how far in they stand. A light scan, no parser: linear, and of any text.

use super::{ScannedTest, lexis::classes, rust::Class};

/// Blocks in blocks.
const DEEPEST: usize = 64;

/// A block that is open.
struct Block<'a> {
    /// How far in its first line stands.
    indent: usize,
    kind: Kind<'a>,
}

enum Kind<'a> {
    /// A class whose tests are run.
    Tests(&'a str),
    /// `if`, `try`, `with`, or a class that is none of tests: what is in it may be run or not.
    Other,
    /// A function: what is in it is no test.
    Function,
}

/// The tests in a file's text.
pub(super) fn tests_in(path: &str, text: &str) -> Vec<ScannedTest> {
    let classes = classes(path, text).unwrap_or_default();
    let (mut tests, mut open): (Vec<(ScannedTest, usize, usize)>, Vec<Block<'_>>) = (Vec::new(), Vec::new());
    let (mut at, mut decorated) = (0, None);
    let mut ends = Vec::new();
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let start = at;
        at += line.len();
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let is_code = classes.get(start + indent) == Some(&Class::Code);
        if code.trim().is_empty() || !is_code || code.starts_with([')', ']', '}']) {
            continue;
        }
        while open.last().is_some_and(|block| block.indent >= indent) {
            open.pop();
        }
        // A test goes to the first line that stands no further in than it.
        ends.retain(|&i: &usize| {
            let (test, from, begun): &mut (ScannedTest, usize, usize) = &mut tests[i];
            let is_over = indent <= *begun;
            if is_over {
                test.text = text[*from..start].into();
            }
            !is_over
        });
        if code.starts_with('@') {
            decorated.get_or_insert((start, indent));
            continue;
        }
        // What stands further in belongs to the decorator that is not over.
        if decorated.is_some_and(|(_, begun)| indent > begun) {
            continue;
        }
        let from = decorated.take().map_or(start, |(start, _)| start);
        let code = code.strip_prefix("async ").map_or(code, str::trim_start);
        if let Some(name) = code.strip_prefix("def ").map(word) {
            let is_inside = open.iter().any(|block| matches!(block.kind, Kind::Function));
            if name.starts_with("test") && !is_inside {
                let groups = open.iter().filter_map(|block| match block.kind {
                    Kind::Tests(name) => Some(name),
                    _ => None,
                });
                let name = groups.chain([name]).collect::<Vec<_>>().join("::").into();
                let is_conditional = open.iter().any(|block| matches!(block.kind, Kind::Other));
                let test = ScannedTest { file: path.into(), name, line: number, text: Box::default(), is_conditional };
                ends.push(tests.len());
                tests.push((test, from, indent));
            }
            push(&mut open, indent, Kind::Function);
        } else if let Some(rest) = code.strip_prefix("class ") {
            let name = word(rest);
            let is_of_tests =
                name.starts_with("Test") || rest.lines().next().is_some_and(|line| line.contains("TestCase"));
            push(&mut open, indent, if is_of_tests { Kind::Tests(name) } else { Kind::Other });
        } else if code.trim_end().ends_with(':') {
            push(&mut open, indent, Kind::Other);
        }
    }
    for i in ends {
        let (test, from, _) = &mut tests[i];
        test.text = text[*from..].into();
    }
    tests.into_iter().map(|(test, ..)| test).collect()
}

fn push<'a>(open: &mut Vec<Block<'a>>, indent: usize, kind: Kind<'a>) {
    if open.len() < DEEPEST {
        open.push(Block { indent, kind });
    }
}

fn word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// Whether pytest's name of a test is the one that the text has, or one of its cases.
pub(super) fn means(wanted: &str, test: &str) -> bool {
    test.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_name_with_their_classes() {
        let text = "\"\"\"\ndef test_doc():\n\"\"\"\nimport x\n\n\n@pytest.mark.parametrize('a', [\n    1,\n])\ndef test_a(a):\n    def test_inner():\n        pass\n    assert a\n\n\nclass TestB:\n    x = 1\n\n    async def test_c(self): pass\n\n    class TestIn:\n        def test_d(self):\n            pass\n\nclass Old(unittest.TestCase):\n    def test_e(self):\n        pass\n    def helper(self): pass\n\nclass Plain:\n    def test_f(self): pass\n\nif x:\n    def test_g(): pass\ndef test_h():\n    pass\n";
        let tests = tests_in("t/test_a.py", text);
        let names: Vec<&str> = tests.iter().map(|test| &*test.name).collect();
        assert_eq!(
            names,
            ["test_a", "TestB::test_c", "TestB::TestIn::test_d", "Old::test_e", "test_f", "test_g", "test_h"]
        );
        let conditional: Vec<bool> = tests.iter().map(|test| test.is_conditional).collect();
        assert_eq!(conditional, [false, false, false, false, true, true, false]);
        assert_eq!(tests[0].line, 10);
        assert!(
            tests[0].text.starts_with("@pytest") && tests[0].text.trim_end().ends_with("assert a"),
            "{}",
            tests[0].text
        );
        assert_eq!(&*tests[6].text, "def test_h():\n    pass\n");
    }

    #[test]
    fn hostile_text_neither_panics_nor_takes_long() {
        for piece in ["def test_a(", "class T:\n ", " if x:\n", "@", "'''", "é\n", "  def test():\n"] {
            let _ = tests_in("test_a.py", &piece.repeat(20_000));
        }
        let deep: String = (0..3000).map(|n| format!("{}if x:\n", " ".repeat(n))).collect();
        let _ = tests_in("test_a.py", &deep);
    }
}
