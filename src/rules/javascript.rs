//! Tests in JavaScript and TypeScript, seen from afar: calls of `test`, `it` and `describe` with a title. A light scan, no parser:
//! linear, and of any text whatever.

use super::{ScannedTest, lexis::classes, rust::Class};

/// Groups in groups that names tell.
const DEEPEST: usize = 32;

/// Tests of one file that are told, and bytes of one that are kept: those of hostile text overlap.
const MOST_TESTS: usize = 5_000;
const LONGEST_TEXT: usize = 32 << 10;

/// What calls a test, and what a group of them.
const TESTS: [&str; 3] = ["test", "it", "specify"];
const GROUPS: [&str; 3] = ["describe", "suite", "context"];

/// Stands at the end of a name for what is not known before it runs.
const ANY: char = '*';

/// The languages' files.
pub(super) fn is_one(path: &str) -> bool {
    let end = path.rsplit('.').next().unwrap_or_default();
    matches!(end, "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts") && path.contains('.')
}

/// The tests in a file's text. A name that is made while it runs ends with a star.
pub(super) fn tests_in(path: &str, text: &str) -> Vec<ScannedTest> {
    let classes = classes(path, text).unwrap_or_default();
    let scan = Scan { text, bytes: text.as_bytes(), classes: &classes };
    let closings = scan.closings();
    let mut tests = Vec::new();
    // Groups that are open: title, and where they end.
    let mut around: Vec<(String, usize)> = Vec::new();
    let (mut at, mut line, mut counted) = (0, 1_u32, 0);
    while at < scan.bytes.len() {
        while around.last().is_some_and(|(_, end)| *end <= at) {
            around.pop();
        }
        let word = scan.word(at);
        if word.is_empty() {
            at += 1;
            continue;
        }
        let start = at;
        at += word.len();
        let is_own = start == 0 || !matches!(scan.bytes[start - 1], b'.' | b'$');
        let (is_test, is_group) = (TESTS.contains(&word), GROUPS.contains(&word));
        if !is_own || !(is_test || is_group) {
            continue;
        }
        let Some(call) = scan.call(at, &closings) else { continue };
        let end = closings.get(&call.open).copied().unwrap_or(text.len());
        if is_group {
            if around.len() < DEEPEST {
                around.push((call.title, end));
            }
        } else if tests.len() < MOST_TESTS {
            line += scan.bytes[counted..start].iter().filter(|byte| **byte == b'\n').count() as u32;
            counted = start;
            let titles = around.iter().map(|(title, _)| title.as_str()).chain([&*call.title]);
            let name = titles.collect::<Vec<_>>().join(" > ");
            let name = name.split_once(ANY).map_or(&*name, |(known, _)| &name[..known.len() + 1]);
            let mut cut = end.min(start + LONGEST_TEXT);
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            let (file, name, text) = (path.into(), name.into(), text[start..cut].into());
            tests.push(ScannedTest { file, name, line, text, is_conditional: false });
        }
        at = call.open + 1;
    }
    tests
}

/// Whether a runner's name of a test is the one that the text has.
pub(super) fn means(wanted: &str, test: &str) -> bool {
    match wanted.strip_suffix(ANY) {
        Some(known) => test.starts_with(known),
        None => test == wanted,
    }
}

/// A call with a title.
struct Call {
    title: String,
    /// Its opening bracket.
    open: usize,
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    classes: &'a [Class],
}

impl<'a> Scan<'a> {
    fn is_code(&self, at: usize) -> bool {
        self.classes.get(at) == Some(&Class::Code)
    }

    /// The word that begins here.
    fn word(&self, at: usize) -> &'a str {
        let is_part = |at: usize| {
            let byte = self.bytes[at];
            self.is_code(at) && (byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80)
        };
        let end = (at..self.bytes.len()).find(|&at| !is_part(at)).unwrap_or(self.bytes.len());
        self.text.get(at..end).unwrap_or_default()
    }

    /// The first byte from here that is no blank.
    fn skip(&self, at: usize) -> usize {
        (at..self.bytes.len()).find(|&at| !self.bytes[at].is_ascii_whitespace()).unwrap_or(self.bytes.len())
    }

    /// Where each opening round bracket closes.
    fn closings(&self) -> std::collections::BTreeMap<usize, usize> {
        let (mut closings, mut open) = (std::collections::BTreeMap::new(), Vec::new());
        for (at, byte) in self.bytes.iter().enumerate().filter(|(at, _)| self.is_code(*at)) {
            match byte {
                b'(' => open.push(at),
                b')' => {
                    if let Some(from) = open.pop() {
                        closings.insert(from, at + 1);
                    }
                }
                _ => {}
            }
        }
        closings
    }

    /// A call that follows: `("title"`, `.only("title"`, `.each(table)("title"`.
    fn call(&self, at: usize, closings: &std::collections::BTreeMap<usize, usize>) -> Option<Call> {
        let (mut at, mut is_each) = (self.skip(at), false);
        while self.bytes.get(at) == Some(&b'.') && self.is_code(at) {
            let word = self.word(at + 1);
            is_each |= matches!(word, "each" | "for" | "runIf" | "skipIf");
            at = self.skip(at + 1 + word.len());
            if matches!(word, "each" | "for" | "runIf" | "skipIf") {
                at = match self.bytes.get(at)? {
                    b'(' => self.skip(*closings.get(&at)?),
                    b'`' => self.skip(self.literal_end(at)),
                    _ => return None,
                };
            }
        }
        if self.bytes.get(at) != Some(&b'(') || !self.is_code(at) {
            return None;
        }
        let quote = self.skip(at + 1);
        let title = match self.bytes.get(quote) {
            Some(b'"' | b'\'' | b'`') => self.title(quote, is_each),
            _ => ANY.to_string(),
        };
        Some(Call { title, open: at })
    }

    fn literal_end(&self, at: usize) -> usize {
        let quote = self.bytes[at];
        let mut end = at + 1;
        while end < self.bytes.len() && self.bytes[end] != quote {
            end += if self.bytes[end] == b'\\' { 2 } else { 1 };
        }
        (end + 1).min(self.bytes.len())
    }

    /// What stands between quotes, up to what is filled in later.
    fn title(&self, at: usize, is_each: bool) -> String {
        let end = self.literal_end(at);
        let inside = self.text.get(at + 1..end.saturating_sub(1)).unwrap_or_default();
        // Behind the quotes something may be added.
        let is_whole = matches!(self.bytes.get(self.skip(end)), Some(b',' | b')'));
        let is_filled = |c: char, next: Option<char>| match c {
            '$' => is_each || (self.bytes[at] == b'`' && next == Some('{')),
            '%' | '#' => is_each,
            _ => false,
        };
        let mut title = String::new();
        let mut chars = inside.chars().peekable();
        while let Some(c) = chars.next() {
            if is_filled(c, chars.peek().copied()) || (c == ANY) {
                return title + "*";
            }
            match c {
                '\\' => match chars.next() {
                    Some('n') => title.push('\n'),
                    Some('t') => title.push('\t'),
                    Some('u' | 'x') => return title + "*",
                    Some(c) => title.push(c),
                    None => {}
                },
                c => title.push(c),
            }
        }
        if is_whole { title } else { title + "*" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_title_with_their_groups() {
        let text = "import { it } from 'x';\n// it('not', f)\ntest('a', () => { /re/.test('x'); });\ndescribe(\"g\", () => {\n  it.only('b \\'c\\'', async () => { expect(it).toBe(1) });\n  describe.each([1])('h %i', () => { it('d', f); });\n  it.each`\n  a\n  `('adds $a', f);\n  it(`t ${x}`, f);\n});\nit(name, f);\nit('a' + b, f);\nobj.it('no', f); bit('no', f); test.todo('later');\n";
        let tests = tests_in("a.test.ts", text);
        let names: Vec<&str> = tests.iter().map(|test| &*test.name).collect();
        assert_eq!(names, ["a", "g > b 'c'", "g > h *", "g > adds *", "g > t *", "*", "a*", "later"]);
        assert_eq!((tests[0].line, tests[1].line, tests[5].line), (3, 5, 12));
        assert_eq!(&*tests[0].text, "test('a', () => { /re/.test('x'); })");
    }

    #[test]
    fn a_name_that_is_made_while_it_runs_means_what_begins_like_it() {
        for (wanted, test, same) in
            [("g > a", "g > a", true), ("g > a", "g > a b", false), ("g > a *", "g > a 1", true), ("*", "x", true)]
        {
            assert_eq!(means(wanted, test), same, "{wanted} | {test}");
        }
    }

    #[test]
    fn hostile_text_neither_panics_nor_takes_long() {
        for piece in ["it('", "describe(", "it.each`", "test.each(", "é", "it(\"\\", "it.only.only", "))", "test "] {
            let _ = tests_in("a.js", &piece.repeat(5_000));
        }
    }
}
