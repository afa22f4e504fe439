//! JUnit XML, as many runners write it: which tests ran and how each ended. A light scan, no parser: linear, and of any text whatever.

use crate::rules::{Report, TestResult};
use crate::text::shortened;

/// Characters of a test's name.
const LONGEST_NAME: usize = 1_000;

/// One tag.
struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
    is_end: bool,
    is_empty: bool,
}

/// The tags of a document, without comments, declarations and what is quoted as text.
struct Tags<'a> {
    rest: &'a str,
    /// A tag or a quotation that does not end.
    is_cut: bool,
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            let at = self.rest.find('<')?;
            self.rest = &self.rest[at..];
            let quoted = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">")];
            if let Some((_, end)) = quoted.into_iter().find(|(begin, _)| self.rest.starts_with(begin)) {
                let Some(end) = self.rest.find(end).map(|at| at + end.len()) else {
                    (self.rest, self.is_cut) = ("", true);
                    return None;
                };
                self.rest = &self.rest[end..];
                continue;
            }
            let Some(end) = tag_end(self.rest) else {
                (self.rest, self.is_cut) = ("", true);
                return None;
            };
            let (inside, rest) = (&self.rest[1..end], &self.rest[end + 1..]);
            self.rest = rest;
            let is_end = inside.starts_with('/');
            let is_empty = inside.ends_with('/');
            let inside = inside.trim_matches('/').trim();
            let split = inside.find(char::is_whitespace).unwrap_or(inside.len());
            let (name, attributes) = inside.split_at(split);
            let name = name.rsplit(':').next().unwrap_or(name);
            return Some(Tag { name, attributes, is_end, is_empty });
        }
    }
}

/// Where a tag ends: not within the quotes of a value.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    text.bytes().enumerate().find_map(|(at, byte)| {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        None
    })
}

impl Tag<'_> {
    /// The value of an attribute, without blanks around it.
    fn value(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes;
        while let Some(at) = rest.find('=') {
            let name = rest[..at].trim();
            let value = rest[at + 1..].trim_start();
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let end = value[1..].find(quote)?;
            if name == wanted {
                let value = plain(&value[1..=end]).trim().to_owned();
                return (!value.is_empty()).then_some(value);
            }
            rest = &value[end + 2..];
        }
        None
    }
}

/// Text without its entities.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        let found = end.and_then(|end| {
            let c = match &rest[1..end] {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                "apos" => '\'',
                code => {
                    let digits = code.strip_prefix('#')?;
                    let number = match digits.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => digits.parse().ok()?,
                    };
                    char::from_u32(number)?
                }
            };
            Some((c, end + 1))
        });
        let (c, length) = found.unwrap_or(('&', 1));
        plain.push(c);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    plain
}

/// A suite while it is read: its name, how many tests it says it has, and how many were seen.
type Suite = (String, Option<usize>, usize);

/// A test while it is read.
struct Case {
    name: String,
    result: TestResult,
}

impl Case {
    fn begun(tag: &Tag<'_>, group: Option<&str>, suite: Option<&mut Suite>) -> Case {
        let group = group.map(str::to_owned).or_else(|| tag.value("classname")).or_else(|| tag.value("file"));
        let group = group.or_else(|| suite.as_ref().map(|(name, ..)| name.clone())).unwrap_or_default();
        if let Some((_, _, seen)) = suite {
            *seen += 1;
        }
        let name = format!("{group} {}", tag.value("name").unwrap_or_default());
        let result = match tag.value("status").as_deref() {
            Some("notrun" | "disabled" | "skipped") => TestResult::Ignored(None),
            Some("fail" | "failed") => TestResult::Failed,
            _ => TestResult::Passed,
        };
        Case { name: shortened(name.trim(), LONGEST_NAME), result }
    }
}

/// Whether a text looks like a report of this kind.
pub(super) fn is_one(text: &str) -> bool {
    let mut tags = Tags { rest: text, is_cut: false };
    tags.next().is_some_and(|tag| matches!(tag.name, "testsuites" | "testsuite"))
}

/// Takes a document into a report. `source` is its name for people; `group` stands before the names of its tests, else what they are in.
pub(super) fn read(text: &str, source: &str, group: Option<&str>, report: &mut Report) {
    report.is_counted = true;
    let (mut suites, mut case): (Vec<Suite>, Option<Case>) = (Vec::new(), None);
    let mut why = None;
    let mut tags = Tags { rest: text, is_cut: false };
    let mut is_over = false;
    for tag in tags.by_ref() {
        match (tag.name, tag.is_end) {
            ("testsuites" | "testsuite", false) if !tag.is_empty => {
                let count = tag.value("tests").and_then(|count| count.parse().ok()).filter(|_| tag.name == "testsuite");
                suites.push((tag.value("name").unwrap_or_default(), count, 0));
            }
            ("testsuites" | "testsuite", true) => {
                is_over = suites.len() == 1;
                let Some((name, count, seen)) = suites.pop() else { continue };
                if let Some((_, _, outer)) = suites.last_mut() {
                    *outer += seen;
                }
                if count.is_some_and(|count| count > seen) {
                    let count = count.unwrap_or_default();
                    why.get_or_insert_with(|| format!("{source} counts {count} tests in {name} and reports {seen}"));
                }
            }
            ("testsuites", false) => is_over = true,
            ("testcase", false) => {
                let begun = Case::begun(&tag, group, suites.last_mut());
                if tag.is_empty {
                    report.record(begun.name, begun.result);
                } else {
                    case = Some(begun);
                }
            }
            ("testcase", true) => {
                if let Some(case) = case.take() {
                    report.record(case.name, case.result);
                }
            }
            ("failure" | "error", false) => {
                if let Some(case) = &mut case {
                    case.result = TestResult::Failed;
                }
            }
            ("skipped", false) => {
                if let Some(case) = case.as_mut().filter(|case| case.result != TestResult::Failed) {
                    let reason = tag.value("message").map(|reason| shortened(&reason, 200).into());
                    case.result = TestResult::Ignored(reason);
                }
            }
            _ => {}
        }
    }
    if tags.is_cut || case.is_some() || !suites.is_empty() || !is_over {
        why = Some(format!("{source} is no whole report"));
    }
    if let Some(why) = why {
        report.incomplete.get_or_insert_with(|| why.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TestResult::{Failed, Ignored, Passed};

    fn report(text: &str) -> Report {
        let mut report = Report::default();
        read(text, "r.xml", None, &mut report);
        report
    }

    #[test]
    fn tests_are_read_by_class_and_name_with_how_they_ended() {
        let text = r#"<?xml version="1.0"?><!-- <testcase name="not"/> --><testsuites><testsuite name="S" tests="5">
            <testcase classname="a.B" name="passes"/><testcase name="x &lt;1&gt; &#65;"></testcase>
            <testcase classname="a.B" name="fails"><failure message="a > b"><![CDATA[<testcase name="forged"/>]]></failure></testcase>
            <testcase classname='a.B' name='errs'><error/><system-out>&lt;testcase name="p"/&gt;</system-out></testcase>
            <testcase classname="a.B" name="skips"><skipped message="slow"/></testcase></testsuite></testsuites>"#;
        let expected = [
            ("S x <1> A", Passed),
            ("a.B errs", Failed),
            ("a.B fails", Failed),
            ("a.B passes", Passed),
            ("a.B skips", Ignored(Some("slow".into()))),
        ];
        let report = report(text);
        assert_eq!(report.tests, expected.map(|(name, result)| (name.into(), result)).into());
        assert_eq!((report.incomplete, report.is_counted), (None, true));
    }

    #[test]
    fn a_report_that_is_not_whole_or_does_not_add_up_is_incomplete() {
        for text in [
            "",
            "<testsuite tests=\"2\"><testcase name=\"a\"/></testsuite>",
            "<testsuite><testcase name=\"a\"/>",
            "<testsuite><testcase name=\"a\">",
            "<testsuite name=\"",
            "not xml",
        ] {
            assert!(report(text).incomplete.is_some(), "{text}");
        }
        assert_eq!(report("<testsuite tests=\"1\"><testcase name=\"a\"/></testsuite>").incomplete, None);
        assert_eq!(report("<testsuites/>").incomplete, None);
        assert!(is_one("<?xml?><testsuites>") && !is_one("<html>"));
    }

    #[test]
    fn hostile_text_neither_panics_nor_takes_long() {
        for piece in ["<testsuite ", "<testcase name=\"", "&#x", "<!--", "é='", "<a b='c' d", "<testsuite>", "=\"é\""]
        {
            let _ = report(&piece.repeat(20_000));
            let _ = report(&format!("<testcase {}/>", piece.repeat(20_000)));
        }
    }
}
