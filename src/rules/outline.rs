//! Tests in languages in which a shape tells where one begins: Go, Java and Kotlin, Elixir, C and C++, CMake. A light scan, no parser: linear,
//! and of any text whatever.

use super::{ScannedTest, is_test_path, javascript, lexis::classes, rust::Class};
use regex::Regex;
use std::{collections::BTreeSet, sync::LazyLock};

/// Tests of one file that are told, and bytes of one that are kept.
const MOST_TESTS: usize = 5_000;
const LONGEST_TEXT: usize = 32 << 10;

/// How a language writes its tests.
struct Outline {
    /// Ends of the names of its files.
    ends: &'static [&'static str],
    /// Begins a test. Its name is what the groups hold, with a dot between them.
    head: Regex,
    /// Begins a group of tests: its title, which stands before the names of what is further in.
    group: Option<Regex>,
    /// Stands in a file that may be left out of a build.
    condition: Option<Regex>,
    /// Where a test ends.
    close: Close,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Close {
    /// With the brace that closes the first one behind its head.
    Brace,
    /// With an `end` that stands as far in as its head.
    End,
    /// With its head.
    Head,
}

static OUTLINES: LazyLock<[Outline; 5]> = LazyLock::new(|| {
    let regex = |shape: &str| Regex::new(shape).expect("a constant shape: a test uses each");
    [
        Outline {
            ends: &["_test.go"],
            head: regex(r"(?m)^func ((?:Test|Example|Fuzz)(?:[^a-z(\s]\w*)?)\s*\("),
            group: None,
            condition: Some(regex(r"(?m)\A(?:\s*(?://.*)?\n)*?//(?:go:build| \+build) ")),
            close: Close::Brace,
        },
        Outline {
            ends: &[".java", ".kt", ".groovy", ".scala"],
            head: regex(
                r#"@(?:[\w.]*\.)?(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate|Theory|Property)\b(?:\s*\((?:[^()"]|"[^"\n]*")*\))?(?:\s*@[\w.]+(?:\s*\((?:[^()"]|"[^"\n]*")*\))?)*(?:\s+[\w.<>\[\],?]+)*?\s+([\w$]+|`[^`\n]+`)\s*\(|\bpublic\s+void\s+(test\w*)\s*\("#,
            ),
            group: None,
            condition: None,
            close: Close::Brace,
        },
        Outline {
            ends: &["_test.exs"],
            head: regex(r#"(?m)^[ \t]*(?:test|property)\s*\(?\s*"((?:[^"\\\n]|\\.)*)""#),
            group: Some(regex(r#"(?m)^([ \t]*)describe\s*\(?\s*"((?:[^"\\\n]|\\.)*)""#)),
            condition: None,
            close: Close::End,
        },
        Outline {
            ends: &[".c", ".cc", ".cpp", ".cxx"],
            head: regex(
                r#"(?m)^[ \t]*(?:(?:TYPED_)?TEST(?:_[FP])?\s*\(\s*(\w+)\s*,\s*(\w+)\s*\)|(?:TEST_CASE|SCENARIO)\s*\(\s*"([^"\n]*)")"#,
            ),
            group: None,
            condition: None,
            close: Close::Brace,
        },
        Outline {
            ends: &["CMakeLists.txt", ".cmake"],
            head: regex(r#"(?mi)^[ \t]*add_test\s*\(\s*(?:NAME\s+)?"?([\w./+-]+)"?[^)]*\)?"#),
            group: None,
            condition: None,
            close: Close::Head,
        },
    ]
});

/// `int main(void)`: a file that is a test as a whole.
static MAIN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^(?:int|auto)\s+main\s*\(").expect("a constant shape: a test uses it"));

fn of(path: &str) -> Option<&'static Outline> {
    OUTLINES.iter().find(|outline| outline.ends.iter().any(|end| path.ends_with(end)))
}

/// The tests in a file's text; `None` for another language.
pub(super) fn tests_in(path: &str, text: &str) -> Option<Vec<ScannedTest>> {
    let outline = of(path)?;
    let classes = classes(path, text);
    let is_code = |at: usize| classes.as_ref().is_none_or(|classes| classes.get(at) == Some(&Class::Code));
    let is_conditional = outline.condition.as_ref().is_some_and(|condition| condition.is_match(text));
    let mut heads: Vec<(usize, usize, String)> = Vec::new();
    for found in outline.head.captures_iter(text).take(MOST_TESTS) {
        let whole = found.get(0)?;
        let parts: Vec<&str> = found.iter().skip(1).flatten().map(|part| part.as_str()).collect();
        let name = parts.join(".");
        let is_none = name == "TestMain" && outline.close == Close::Brace;
        let begin = whole.start() + (whole.len() - whole.as_str().trim_start().len());
        if is_code(begin) && !is_none {
            heads.push((begin, whole.end(), name.trim_matches('`').to_owned()));
        }
    }
    let groups = outline.group.as_ref().map(|group| groups(group, text, &is_code)).unwrap_or_default();
    let (mut tests, mut line, mut counted, mut told) = (Vec::new(), 1_u32, 0, BTreeSet::new());
    for (at, (begin, end, name)) in heads.iter().enumerate() {
        line += text.as_bytes()[counted..*begin].iter().filter(|byte| **byte == b'\n').count() as u32;
        counted = *begin;
        let next = heads.get(at + 1).map_or(text.len(), |(next, ..)| *next);
        let close = match outline.close {
            Close::Brace => brace_end(text, *end, next, &is_code),
            Close::End => block_end(text, *begin, next),
            Close::Head => *end,
        };
        let close = text.floor_char_boundary(close.min(begin + LONGEST_TEXT).max(*begin));
        let outer = groups.iter().rfind(|(from, to, _)| from <= begin && begin < to).map(|(.., title)| title);
        let name = if outline.group.is_some() { title(outer, name) } else { name.clone() };
        if told.insert(name.clone()) {
            let (file, name, text) = (path.into(), name.into(), text[*begin..close].into());
            tests.push(ScannedTest { file, name, line, text, is_conditional });
        }
    }
    if tests.is_empty()
        && is_c(path)
        && is_test_path(path)
        && MAIN.find(text).is_some_and(|found| is_code(found.start()))
    {
        let kept = text.floor_char_boundary(text.len().min(LONGEST_TEXT));
        let (file, name, text) = (path.into(), stem(path).into(), text[..kept].into());
        tests.push(ScannedTest { file, name, line: 1, text, is_conditional: false });
    }
    Some(tests)
}

/// Where groups begin and end, with their titles.
fn groups(group: &Regex, text: &str, is_code: &dyn Fn(usize) -> bool) -> Vec<(usize, usize, String)> {
    let found = group.captures_iter(text).take(MOST_TESTS).filter_map(|found| {
        let (whole, indent) = (found.get(0)?, found.get(1)?);
        is_code(indent.end()).then(|| (whole.start(), indent.end(), found[2].to_owned()))
    });
    let begun: Vec<(usize, usize, String)> = found.collect();
    let next = |at: usize| begun.get(at + 1).map_or(text.len(), |(begin, ..)| *begin);
    begun
        .iter()
        .enumerate()
        .map(|(at, (_, word, title))| (*word, block_end(text, *word, next(at)), title.clone()))
        .collect()
}

/// A name with its group's, up to what is filled in while it runs.
fn title(outer: Option<&String>, name: &str) -> String {
    let all = outer.map_or_else(|| name.to_owned(), |outer| format!("{outer} {name}"));
    match all.split_once("#{") {
        Some((known, _)) => format!("{known}*"),
        None => all.replace("\\\"", "\"").replace("\\\\", "\\"),
    }
}

/// Behind the brace that closes the first one from here; at `next` at the latest.
fn brace_end(text: &str, from: usize, next: usize, is_code: &dyn Fn(usize) -> bool) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in text.as_bytes()[..next].iter().enumerate().skip(from).filter(|(at, _)| is_code(*at)) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    next
}

/// Behind the `end` that stands as far in as what begins here; at `next` at the latest.
fn block_end(text: &str, begin: usize, next: usize) -> usize {
    let start = text[..begin].rfind('\n').map_or(0, |at| at + 1);
    let indent = &text[start..begin];
    let mut at = begin;
    for line in text[begin..next].split_inclusive('\n') {
        at += line.len();
        if line.strip_prefix(indent).is_some_and(|rest| rest.trim_end() == "end") {
            return at;
        }
    }
    next
}

fn is_c(path: &str) -> bool {
    [".c", ".cc", ".cpp", ".cxx"].iter().any(|end| path.ends_with(end))
}

fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split_once('.').map_or(file, |(stem, _)| stem)
}

/// Whether a runner's name of a test is the one that a file's text has; `None` for another language.
pub(super) fn means(file: &str, wanted: &str, (binary, test): (&str, &str)) -> Option<bool> {
    of(file)?;
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let same = if file.ends_with(".go") {
        // A test's own tests: `TestA/with_b`.
        let is_there = binary.strip_prefix('.').map(|rest| rest.trim_start_matches('/')) == Some(folder);
        is_there && test.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    } else if file.ends_with(".exs") {
        binary == file && javascript::means(wanted, test)
    } else if is_c(file) || file.ends_with(".cmake") || file.ends_with("CMakeLists.txt") {
        holds(test, wanted)
    } else {
        // `adds(int)[1]`, `adds{int}[1]`
        let own = test.split(['(', '[', '{']).next().unwrap_or(test).trim_end();
        own == wanted && is_class(file, binary)
    };
    Some(same)
}

/// Whether a class stands in this file: `src/test/java/a/B.java` holds `a.B` and `a.B$C`.
fn is_class(file: &str, class: &str) -> bool {
    let outer = class.split('$').next().unwrap_or(class);
    let path = file.rsplit_once('.').map_or(file, |(path, _)| path);
    let wanted = outer.replace('.', "/");
    path.strip_suffix(&*wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// Whether a name is another, or has it in it between what are no parts of words.
fn holds(test: &str, wanted: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    test.match_indices(wanted).take(100).any(|(at, _)| {
        !test[..at].ends_with(is_part) && !test[at + wanted.len()..].starts_with(is_part) && !wanted.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        tests_in(path, text).unwrap().into_iter().map(|test| test.name.into()).collect()
    }

    #[test]
    fn tests_are_found_by_name_in_each_language() {
        for (path, text, expected) in [
            (
                "a/b_test.go",
                "package a\n// func TestNo(t *testing.T) {}\nfunc TestOne(t *testing.T) {\n}\nfunc TestMain(m *testing.M) {}\nfunc Testify() {}\nfunc ExampleTwo() {}\nfunc helper() {}\n",
                &["TestOne", "ExampleTwo"][..],
            ),
            (
                "src/test/java/a/BTest.java",
                "class BTest {\n  @Test\n  void adds() { }\n  @ParameterizedTest(name = \"{0} (x)\") @ValueSource(ints = {1})\n  @Tag(\"slow\") public static void more(int x) {}\n  @org.junit.Test(expected = X.class) public void old() {}\n  public void testThree() {}\n  void helper() {}\n  // @Test void no() {}\n}",
                &["adds", "more", "old", "testThree"],
            ),
            ("src/test/kotlin/ATest.kt", "@Test\nfun `adds two`() { }\n", &["adds two"]),
            (
                "test/a_test.exs",
                "defmodule ATest do\n  test \"one\" do\n    assert 1\n  end\n\n  describe \"g\" do\n    test \"two \\\"x\\\"\", %{a: a} do\n    end\n    test \"n #{n}\" do\n    end\n  end\n\n  test \"three\" do\n  end\n  # test \"no\" do\nend\n",
                &["one", "g two \"x\"", "g n *", "three"],
            ),
            ("tests/a.cc", "TEST(Suite, Case) { }\nTEST_CASE(\"adds\", \"[x]\") {}\n", &["Suite.Case", "adds"]),
            ("tests/test_new.c", "#include <x.h>\nint main(void) { return 0; }\n", &["test_new"]),
            ("tests/CMakeLists.txt", "add_test(NAME new COMMAND t)\nadd_test(old t)\n", &["new", "old"]),
            ("src/a.c", "int main(void) { return 0; }\n", &[]),
        ] {
            assert_eq!(names(path, text), expected, "{path}");
        }
        assert!(tests_in("a.go", "func TestOne() {}").is_none());
    }

    #[test]
    fn a_test_has_its_own_text_and_a_condition_of_its_file_holds_for_it() {
        let go = tests_in(
            "a_test.go",
            "//go:build slow\n\npackage a\nfunc TestA(t *testing.T) {\n\tif x { t.Fail() }\n}\nvar y = 1\n",
        )
        .unwrap();
        assert_eq!(
            (go[0].line, &*go[0].text, go[0].is_conditional),
            (4, "func TestA(t *testing.T) {\n\tif x { t.Fail() }\n}", true)
        );
        let elixir =
            tests_in("a_test.exs", "  test \"a\" do\n    if x do\n      assert 1\n    end\n  end\n  def x, do: 1\n")
                .unwrap();
        assert_eq!(&*elixir[0].text, "test \"a\" do\n    if x do\n      assert 1\n    end\n  end\n");
    }

    #[test]
    fn hostile_text_neither_panics_nor_takes_long() {
        for piece in [
            "@Test ",
            "func TestA(",
            "describe \"",
            "  test \"é\" do\n",
            "TEST(a, b) {",
            "add_test(",
            "@A(\"",
            "{",
            "\\",
        ] {
            for path in ["a_test.go", "A.java", "a_test.exs", "a.cc", "CMakeLists.txt"] {
                let _ = tests_in(path, &piece.repeat(5_000));
            }
        }
    }
}
