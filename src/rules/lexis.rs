//! What a byte of source belongs to, in the languages whose comments and strings can be told apart by a table.

use super::rust::{self, Class};

/// How a language writes what is no code.
struct Lexis {
    /// Ends of the names of its files.
    ends: &'static [&'static str],
    /// What begins a comment that goes to the end of its line.
    line: &'static [&'static str],
    /// What begins and ends a comment. It does not nest.
    block: Option<(&'static str, &'static str)>,
    /// What begins and ends a string, the longer before the shorter. One of a single mark ends with its line, unless it is a backtick.
    strings: &'static [&'static str],
}

const C_LIKE: (&[&str], Option<(&str, &str)>) = (&["//"], Some(("/*", "*/")));

const LANGUAGES: [Lexis; 6] = [
    Lexis { ends: &[".py", ".pyi"], line: &["#"], block: None, strings: &["\"\"\"", "'''", "\"", "'"] },
    Lexis {
        ends: &[".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".go"],
        line: C_LIKE.0,
        block: C_LIKE.1,
        strings: &["\"", "'", "`"],
    },
    Lexis {
        ends: &[".java", ".kt", ".kts", ".scala", ".groovy", ".gradle", ".swift", ".cs"],
        line: C_LIKE.0,
        block: C_LIKE.1,
        strings: &["\"\"\"", "\"", "'"],
    },
    Lexis {
        ends: &[".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".m", ".mm", ".dart"],
        line: C_LIKE.0,
        block: C_LIKE.1,
        strings: &["\"", "'"],
    },
    Lexis { ends: &[".ex", ".exs"], line: &["#"], block: None, strings: &["\"\"\"", "'''", "\"", "'"] },
    Lexis { ends: &[".rb", ".sh", ".bash"], line: &["#"], block: None, strings: &["\"", "'"] },
];

/// Each byte's class; `None` for a language that is not known.
pub(super) fn classes(path: &str, text: &str) -> Option<Vec<Class>> {
    if path.ends_with(".rs") {
        return Some(rust::classes(text));
    }
    let language = LANGUAGES.iter().find(|language| language.ends.iter().any(|end| path.ends_with(end)))?;
    Some(language.classes(text))
}

impl Lexis {
    fn classes(&self, text: &str) -> Vec<Class> {
        let bytes = text.as_bytes();
        let mut classes = vec![Class::Code; bytes.len()];
        let mut at = 0;
        while at < bytes.len() {
            let (class, end) = self.span(bytes, at);
            if class != Class::Code {
                classes[at..end].fill(class);
            }
            at = end.max(at + 1);
        }
        classes
    }

    /// What begins here, and where it ends.
    fn span(&self, bytes: &[u8], at: usize) -> (Class, usize) {
        let rest = &bytes[at..];
        let begins = |mark: &str| rest.starts_with(mark.as_bytes());
        // A `#` within a word, as in `$#` or `"#{x}"`, begins nothing.
        if self.line.iter().any(|mark| begins(mark)) && (rest[0] != b'#' || at == 0 || bytes[at - 1] != b'$') {
            return (Class::Comment, at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
        }
        if let Some((_, close)) = self.block.filter(|(open, _)| begins(open)) {
            let end = find(&rest[2..], close.as_bytes()).map_or(rest.len(), |end| end + 2 + close.len());
            return (Class::Comment, at + end);
        }
        match self.strings.iter().find(|mark| begins(mark)) {
            Some(mark) => (Class::Literal, at + string_end(rest, mark.as_bytes())),
            None => (Class::Code, at + 1),
        }
    }
}

/// Behind a string that begins with this mark. One that does not end goes to the end of its line, or of the text.
fn string_end(rest: &[u8], mark: &[u8]) -> usize {
    let is_short = mark.len() == 1 && mark != b"`";
    let mut at = mark.len();
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'\n' if is_short => return at,
            _ if rest[at..].starts_with(mark) => return at + mark.len(),
            _ => at += 1,
        }
    }
    rest.len()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with what is no code as stars (comments) and quotes (strings).
    fn drawn(path: &str, text: &str) -> String {
        let classes = classes(path, text).unwrap();
        let one = |(byte, class): (u8, Class)| match class {
            Class::Code => char::from(byte),
            Class::Comment => '*',
            Class::Literal => '"',
        };
        text.bytes().zip(classes).map(one).collect()
    }

    #[test]
    fn comments_and_strings_are_told_from_code() {
        for (path, text, expected) in [
            ("a.py", "x = 'a#' # b", "x = \"\"\"\" ***"),
            ("a.py", "'''a\n\"b'''\ny", "\"\"\"\"\"\"\"\"\"\"\ny"),
            ("a.js", "f(`a\n${b}`) // c\nd /* e\n*/ f", "f(\"\"\"\"\"\"\"\") ****\nd ******* f"),
            ("a.ts", "it('a\\'b', x)", "it(\"\"\"\"\"\", x)"),
            ("a.js", "/['\"]/.test(x)\ny", "/[\"\"\"\"\"\"\"\"\"\"\"\"\ny"),
            ("a.sh", "$# # x", "$# ***"),
        ] {
            assert_eq!(drawn(path, text), expected, "{text}");
        }
        assert!(classes("a.txt", "x").is_none() && classes("a.rs", "x").is_some());
    }

    #[test]
    fn hostile_text_neither_panics_nor_takes_long() {
        for piece in ["'''", "\\", "/*", "`", "é'", "//\n", "\"\n"] {
            for path in ["a.py", "a.js", "a.c", "a.exs", "a.sh"] {
                let _ = classes(path, &piece.repeat(30_000));
            }
        }
    }
}
