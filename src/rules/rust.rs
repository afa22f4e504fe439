//! Rust source seen from afar: where its tests and its `#[cfg(test)]` parts stand. A light scan, no parser: linear, and
//! of any text whatever.

use std::ops::Range;

/// An item is looked at for this many tokens at one level; hostile text has no end.
const LONGEST_ITEM: usize = 4096;

/// Modules in modules that names tell.
const DEEPEST: usize = 32;

/// What a byte of source belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Code,
    Comment,
    Literal,
}

/// What a scan sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Test functions, in the order written.
    pub tests: Vec<TestFn>,
    /// What is there for tests alone: outermost items under `#[cfg(test)]`, with their attributes.
    pub test_parts: Vec<Range<usize>>,
    /// Modules declared (`mod x;`), each with whether it is for tests alone.
    pub modules: Vec<(String, bool)>,
}

/// A function that a test attribute stands before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFn {
    /// Its name with the modules of this file before it (`tests::adds`).
    pub name: String,
    /// From its first attribute to the end of its body.
    pub span: Range<usize>,
    /// Line of its name, from 1.
    pub line: u32,
    /// Whether it, or a module around it, is compiled only under some condition beyond `test`.
    pub is_conditional: bool,
    /// Whether it is skipped by an attribute.
    pub is_ignored: bool,
}

/// Attributes that make a function a test, by the last segment of their path.
const TEST_ATTRIBUTES: [&str; 8] =
    ["test", "rstest", "test_case", "quickcheck", "gtest", "wasm_bindgen_test", "parameterized", "test_matrix"];

/// Each byte's class. Comments nest, raw strings and lifetimes are known; an unclosed one goes to the end.
pub(super) fn classes(text: &str) -> Vec<Class> {
    let bytes = text.as_bytes();
    let mut classes = vec![Class::Code; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let (class, end) = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => (Class::Comment, line_end(bytes, at)),
            b'/' if bytes.get(at + 1) == Some(&b'*') => (Class::Comment, comment_end(bytes, at)),
            b'"' => (Class::Literal, string_end(bytes, at + 1)),
            b'\'' => (Class::Literal, char_end(bytes, at)),
            b'r' | b'b' | b'c' if !(at > 0 && is_word(bytes[at - 1])) => (Class::Literal, prefixed_end(bytes, at)),
            _ => (Class::Code, at + 1),
        };
        let end = end.clamp(at, bytes.len());
        if end == at {
            at += 1;
            continue;
        }
        classes[at..end].fill(class);
        at = end;
    }
    classes
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n)
}

fn comment_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0u32;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind a character's literal; `at` itself where it is a lifetime.
fn char_end(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at + 1) == Some(&b'\\') {
        let rest = bytes.get(at + 3..).unwrap_or_default();
        return rest.iter().take(12).position(|b| *b == b'\'').map_or(at, |n| at + 4 + n);
    }
    let rest = bytes.get(at + 2..).unwrap_or_default();
    let wide = bytes.get(at + 1).is_some_and(|b| *b >= 0x80);
    let close = rest.iter().take(if wide { 4 } else { 1 }).position(|b| *b == b'\'');
    close.map_or(at, |n| at + 3 + n)
}

/// Behind `r"..."`, `br#"..."#`, `b"..."`, `c"..."`, `b'x'`; `at` itself where it is a name.
fn prefixed_end(bytes: &[u8], at: usize) -> usize {
    let letters = bytes[at..].iter().take(2).take_while(|b| matches!(b, b'r' | b'b' | b'c')).count();
    let is_raw = bytes[at..at + letters].contains(&b'r');
    let open = at + letters;
    match bytes.get(open) {
        Some(b'\'') if letters == 1 && bytes[at] == b'b' => {
            let end = char_end(bytes, open);
            if end == open { at } else { end }
        }
        Some(b'"') if !is_raw => string_end(bytes, open + 1),
        Some(b'"' | b'#') if is_raw => {
            let hashes = bytes[open..].iter().take_while(|b| **b == b'#').count();
            if bytes.get(open + hashes) != Some(&b'"') {
                return at;
            }
            raw_end(bytes, open + hashes + 1, hashes)
        }
        _ => at,
    }
}

fn raw_end(bytes: &[u8], mut at: usize, hashes: usize) -> usize {
    while at < bytes.len() {
        if bytes[at] == b'"' {
            let closing = bytes[at + 1..].iter().take(hashes).take_while(|b| **b == b'#').count();
            if closing == hashes {
                return at + 1 + hashes;
            }
            at += closing;
        }
        at += 1;
    }
    bytes.len()
}

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// It begins in a comment, or is one.
    pub(super) is_comment: bool,
    /// It begins in a string.
    pub(super) is_literal: bool,
    /// Open braces and brackets around its beginning.
    pub(super) depth: u32,
    /// Those of them that are not a module's.
    pub(super) within: u32,
}

/// Where each line stands.
pub(super) fn places(text: &str) -> Vec<Place> {
    let (classes, tokens) = (classes(text), tokens(text));
    let mut open: Vec<bool> = Vec::new();
    let (mut next, mut at, mut places) = (0, 0, Vec::new());
    let mut within = 0;
    for line in text.split_inclusive('\n') {
        while let Some(placed) = tokens.get(next).filter(|placed| placed.at < at) {
            match placed.token {
                Token::Mark(b'{' | b'(' | b'[') => {
                    let word = |back: usize| next.checked_sub(back).and_then(|i| tokens.get(i)).map(|p| &p.token);
                    let is_module = matches!(word(2), Some(Token::Word(word)) if word == "mod");
                    within += u32::from(!is_module);
                    open.push(is_module);
                }
                Token::Mark(b'}' | b')' | b']') => within -= u32::from(open.pop() == Some(false)),
                _ => {}
            }
            next += 1;
        }
        let class_at = |at: usize| classes.get(at).copied().unwrap_or(Class::Code);
        let first = at + line.len() - line.trim_start().len();
        places.push(Place {
            is_comment: class_at(first) == Class::Comment,
            is_literal: at > 0 && class_at(at - 1) == Class::Literal,
            depth: u32::try_from(open.len()).unwrap_or(u32::MAX),
            within,
        });
        at += line.len();
    }
    places
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Mark(u8),
}

struct Placed {
    token: Token,
    at: usize,
    end: usize,
}

fn tokens(text: &str) -> Vec<Placed> {
    let (bytes, classes) = (text.as_bytes(), classes(text));
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if classes[at] != Class::Code || bytes[at].is_ascii_whitespace() {
            at += 1;
        } else if is_word(bytes[at]) {
            let word = (at..bytes.len()).take_while(|&i| classes[i] == Class::Code && is_word(bytes[i])).count();
            let token = Token::Word(String::from_utf8_lossy(&bytes[at..at + word]).into_owned());
            tokens.push(Placed { token, at, end: at + word });
            at += word;
        } else {
            tokens.push(Placed { token: Token::Mark(bytes[at]), at, end: at + 1 });
            at += 1;
        }
    }
    tokens
}

/// Where each opening bracket closes, by place in `tokens`; what does not close ends with the text.
fn closings(tokens: &[Placed]) -> Vec<usize> {
    let mut closings = vec![tokens.len().saturating_sub(1); tokens.len()];
    let mut open: Vec<(u8, usize)> = Vec::new();
    for (i, placed) in tokens.iter().enumerate() {
        match placed.token {
            Token::Mark(mark @ (b'{' | b'(' | b'[')) => open.push((mark, i)),
            Token::Mark(mark @ (b'}' | b')' | b']')) => {
                let pair = match mark {
                    b'}' => b'{',
                    b')' => b'(',
                    _ => b'[',
                };
                if open.last().is_some_and(|(last, _)| *last == pair)
                    && let Some((_, from)) = open.pop()
                {
                    closings[from] = i;
                }
            }
            _ => {}
        }
    }
    closings
}

/// An attribute: its text without blanks, and where it begins.
struct Attribute {
    text: String,
    at: usize,
}

impl Attribute {
    fn is_test(&self) -> bool {
        let path = self.text.split(['(', '=']).next().unwrap_or_default();
        path.rsplit("::").next().is_some_and(|last| TEST_ATTRIBUTES.contains(&last))
    }

    fn is_cfg_test(&self) -> bool {
        self.text == "cfg(test)" || self.text.starts_with("cfg(all(test,") || self.text == "cfg(all(test))"
    }

    fn is_condition(&self) -> bool {
        self.text.starts_with("cfg(") && self.text != "cfg(test)"
    }

    fn is_ignore(&self) -> bool {
        self.text == "ignore" || self.text.starts_with("ignore=") || self.text.starts_with("cfg_attr(")
    }
}

struct Scan<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    closings: Vec<usize>,
    /// Modules around: name, the token that closes it, whether it is conditional.
    around: Vec<(String, usize, bool)>,
    attributes: Vec<Attribute>,
    /// Bytes and lines counted so far.
    lines: (usize, u32),
    sketch: Sketch,
}

/// What a scan of this text sees.
pub fn sketch(text: &str) -> Sketch {
    let tokens = tokens(text);
    let closings = closings(&tokens);
    let mut scan = Scan {
        text,
        tokens,
        closings,
        around: Vec::new(),
        attributes: Vec::new(),
        lines: (0, 1),
        sketch: Sketch::default(),
    };
    let mut at = 0;
    while at < scan.tokens.len() {
        while scan.around.last().is_some_and(|(_, close, _)| *close < at) {
            scan.around.pop();
        }
        at = scan.step(at);
    }
    scan.sketch
}

impl Scan<'_> {
    fn mark(&self, at: usize) -> Option<u8> {
        match self.tokens.get(at)?.token {
            Token::Mark(mark) => Some(mark),
            Token::Word(_) => None,
        }
    }

    fn word(&self, at: usize) -> Option<&str> {
        match &self.tokens.get(at)?.token {
            Token::Word(word) => Some(word),
            Token::Mark(_) => None,
        }
    }

    /// Looks at the token and says which is next.
    fn step(&mut self, at: usize) -> usize {
        if self.mark(at) == Some(b'#') {
            return self.attribute(at);
        }
        match self.word(at) {
            Some("pub" | "async" | "unsafe" | "const" | "extern" | "crate" | "super" | "self" | "in") => {
                if self.word(at) != Some("const") || matches!(self.word(at + 1), Some("fn" | "unsafe" | "async")) {
                    return at + 1;
                }
                self.item(at)
            }
            Some("mod") if self.word(at + 1).is_some() => self.module(at),
            Some("fn") if self.word(at + 1).is_some() => self.function(at),
            Some(_) => self.item(at),
            None if matches!(self.mark(at), Some(b'(' | b')')) && !self.attributes.is_empty() => at + 1,
            None => {
                self.attributes.clear();
                at + 1
            }
        }
    }

    fn attribute(&mut self, at: usize) -> usize {
        let is_inner = self.mark(at + 1) == Some(b'!');
        let open = if is_inner { at + 2 } else { at + 1 };
        if self.mark(open) != Some(b'[') {
            return at + 1;
        }
        let close = self.closings[open].max(open);
        let inside = self.tokens[open].end..self.tokens[close].at.max(self.tokens[open].end);
        let text: String = self.text[inside].chars().filter(|c| !c.is_whitespace()).take(400).collect();
        let attribute = Attribute { text, at: self.tokens[at].at };
        if !is_inner {
            self.attributes.push(attribute);
        } else if attribute.is_cfg_test() && self.around.is_empty() {
            self.sketch.test_parts.clear();
            self.sketch.test_parts.push(0..self.text.len());
        }
        close + 1
    }

    fn module(&mut self, at: usize) -> usize {
        let name = self.word(at + 1).unwrap_or_default().to_owned();
        let is_test = self.attributes.iter().any(Attribute::is_cfg_test);
        let is_conditional = self.attributes.iter().any(Attribute::is_condition);
        if self.mark(at + 2) == Some(b';') {
            self.sketch.modules.push((name, is_test));
            return self.item(at);
        }
        if self.mark(at + 2) == Some(b'{') {
            let close = self.closings[at + 2];
            self.part(self.tokens[close].end);
            let outer = self.around.last().is_some_and(|(_, _, conditional)| *conditional);
            self.around.push((name, close, is_conditional || outer));
        }
        self.attributes.clear();
        at + 3
    }

    fn function(&mut self, at: usize) -> usize {
        if self.attributes.is_empty() {
            return at + 2;
        }
        let end = self.item_end(at);
        if self.attributes.iter().any(Attribute::is_test) {
            let mut names: Vec<&str> = self.around.iter().take(DEEPEST).map(|(name, ..)| name.as_str()).collect();
            let own = self.word(at + 1).unwrap_or_default();
            names.push(own);
            let name = names.join("::");
            let start = self.attributes.first().map_or(self.tokens[at].at, |a| a.at);
            let test = TestFn {
                name,
                span: start..self.tokens[end].end,
                line: self.line(self.tokens[at].at),
                is_conditional: self.attributes.iter().any(Attribute::is_condition)
                    || self.around.last().is_some_and(|(_, _, conditional)| *conditional),
                is_ignored: self.attributes.iter().any(Attribute::is_ignore),
            };
            self.sketch.tests.push(test);
        }
        self.part(self.tokens[end].end);
        self.attributes.clear();
        // Into the signature and body, where macros may hold further tests.
        at + 2
    }

    fn item(&mut self, at: usize) -> usize {
        if !self.attributes.is_empty() {
            let end = self.item_end(at);
            self.part(self.tokens[end].end);
            self.attributes.clear();
        }
        at + 1
    }

    /// The last token of the item that begins here.
    fn item_end(&self, mut at: usize) -> usize {
        let last = self.tokens.len() - 1;
        let to_semicolon = matches!(self.word(at), Some("use" | "static" | "const" | "type" | "let"));
        for _ in 0..LONGEST_ITEM {
            if at >= last {
                break;
            }
            match self.mark(at) {
                Some(b'{') if !to_semicolon => return self.closings[at],
                Some(b'{' | b'(' | b'[') => at = self.closings[at].max(at),
                Some(b';') => return at,
                Some(b'}') => return at.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
        at.min(last)
    }

    /// Notes a part that is there for tests alone, if it is one and not inside another.
    fn part(&mut self, end: usize) {
        let start = self.attributes.first().map(|first| first.at);
        let Some(start) = start.filter(|_| self.attributes.iter().any(Attribute::is_cfg_test)) else {
            return;
        };
        if self.sketch.test_parts.last().is_none_or(|last| last.end <= start) {
            self.sketch.test_parts.push(start..end.max(start));
        }
    }

    fn line(&mut self, at: usize) -> u32 {
        let (from, line) = self.lines;
        let more = self.text.as_bytes()[from.min(at)..at].iter().filter(|b| **b == b'\n').count();
        self.lines = (at, line + more as u32);
        self.lines.1
    }
}

/// The text of what is there for tests alone.
pub fn test_part(text: &str) -> Vec<&str> {
    sketch(text).test_parts.into_iter().map(|part| &text[part]).collect()
}

/// The rest, without blank lines and blanks at line ends: equal when only tests differ.
pub fn product_part(text: &str) -> String {
    let mut product = String::with_capacity(text.len());
    let mut from = 0;
    for part in sketch(text).test_parts {
        product.push_str(&text[from..part.start]);
        product.push('\n');
        from = part.end;
    }
    product.push_str(&text[from..]);
    let lines = product.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.fold(String::new(), |all, line| all + line + "\n")
}

/// `now` with the test parts of `sealed` in the place of its own.
pub fn restore_test_part(sealed: &str, now: &str) -> String {
    let wanted = test_part(sealed);
    let held = sketch(now).test_parts;
    let in_place = wanted.len() == held.len();
    let mut restored = String::with_capacity(now.len() + sealed.len());
    let mut from = 0;
    for (i, part) in held.into_iter().enumerate() {
        restored.push_str(&now[from..part.start]);
        if in_place {
            restored.push_str(wanted[i]);
        }
        from = part.end;
    }
    restored.push_str(&now[from..]);
    if !in_place {
        for part in wanted {
            let gap = if restored.ends_with('\n') || restored.is_empty() { "\n" } else { "\n\n" };
            restored.push_str(gap);
            restored.push_str(part);
            restored.push('\n');
        }
    }
    restored
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_names(text: &str) -> Vec<String> {
        sketch(text).tests.into_iter().map(|test| test.name).collect()
    }

    #[test]
    fn tests_are_found_by_attribute_with_their_modules() {
        let text = "
            #[test] fn a() {}
            mod outer { #[cfg(test)] mod tests { use super::*;
                #[tokio::test(flavor = \"multi_thread\")] pub(crate) async fn b() { let x = { 1 }; }
                #[test] #[ignore = \"slow\"] fn c() {} fn not() {}
            } }
            #[rstest] #[case(1)] fn d(#[case] x: u8) {}
            proptest! { #[test] fn e(x in 0..9) {} }
            #[cfg(windows)] #[test] fn f() {}";
        assert_eq!(test_names(text), ["a", "outer::tests::b", "outer::tests::c", "d", "e", "f"]);
        let tests = sketch(text).tests;
        assert!(tests[2].is_ignored && !tests[1].is_ignored && tests[5].is_conditional && !tests[4].is_conditional);
        assert_eq!((tests[0].line, tests[1].line), (2, 4));
        assert!(text[tests[1].span.clone()].starts_with("#[tokio") && text[tests[1].span.clone()].ends_with("}; }"));
    }

    #[test]
    fn what_stands_in_comments_strings_and_characters_is_no_test() {
        let text = r###"
            // #[test] fn a() {}
            /* /* #[test] fn b() {} */ #[test] fn c() {} */
            const S: &str = "#[test] fn d() {}"; const R: &str = r#"" #[test] fn e() {}"#;
            fn q<'a>(x: &'a str) -> char { '"' } #[test] fn real() { let c = '\''; let d = b'"'; }
            #[test] fn r#type() {}
            #[test] fn also() {}"###;
        assert_eq!(test_names(text).iter().filter(|n| *n == "real" || *n == "also").count(), 2);
        assert!(!test_names(text).iter().any(|n| ["a", "b", "c", "d", "e"].contains(&n.as_str())));
    }

    #[test]
    fn the_product_is_what_is_left_when_the_test_parts_are_taken_out() {
        let before = "pub fn a() {}\n";
        let after =
            "pub fn a() {}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {}\n}\n#[cfg(test)] mod more;\n";
        assert_eq!(product_part(before), product_part(after));
        assert_eq!(sketch(after).modules, [("more".to_owned(), true)]);
        assert_eq!(test_part(after).len(), 2);
        assert_ne!(product_part("pub fn b() {}"), product_part(after));
        assert_eq!(product_part("#![cfg(test)]\nfn x() {}"), "");
    }

    #[test]
    fn test_parts_are_put_back_in_their_place_or_at_the_end() {
        let sealed = "fn a() {}\n#[cfg(test)]\nmod tests { fn t() { assert!(a()) } }\n";
        let edited = "fn a() { 1 }\n#[cfg(test)]\nmod tests { }\nfn b() {}\n";
        let restored = restore_test_part(sealed, edited);
        assert_eq!(restored, "fn a() { 1 }\n#[cfg(test)]\nmod tests { fn t() { assert!(a()) } }\nfn b() {}\n");
        let gone = restore_test_part(sealed, "fn a() { 1 }\n");
        assert_eq!(test_part(&gone), test_part(sealed));
        assert_eq!(product_part(&gone), "fn a() { 1 }\n");
        assert_eq!(restore_test_part("", edited), "fn a() { 1 }\n\nfn b() {}\n");
    }

    #[test]
    fn hostile_text_neither_panics_nor_takes_long() {
        let pieces =
            ["#[test] fn a ", "#[", "mod m {", "r#\"", "'", "/*", "#![cfg(test)]", "\\", "b'\\", "é'", "fn", "]}"];
        for piece in pieces {
            let text = piece.repeat(20_000);
            let _ = sketch(&text);
            for cut in 0..40 {
                let _ = text.get(..cut).map(sketch);
            }
        }
        let _ = restore_test_part(&pieces.concat(), &pieces.concat());
    }
}
