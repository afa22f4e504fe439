//! JSON with places: each value as it stands in the text, so that what is wrong with it can be shown where it is.

use crate::plan::{SourceId, Span, Written};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// Whether a text is JSON and not Markdown: it begins as an object, or as a list of objects.
pub(super) fn is_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let inner = text.strip_prefix('[').map(str::trim);
    text.starts_with('{') || inner.is_some_and(|rest| rest.starts_with('{') || rest == "]")
}

/// A text, and where it came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'t> {
    /// The whole document.
    pub text: &'t str,
    /// Which document.
    pub source: SourceId,
}

/// Something that could not be read.
#[derive(Debug)]
pub(super) struct Unread {
    /// What is wrong, without its place.
    pub why: String,
    /// Where.
    pub at: Span,
}

impl<'t> Json<'t> {
    /// The first byte of a part of the document.
    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len())
    }

    /// Where a value stands.
    pub(super) fn span(&self, raw: &'t RawValue) -> Span {
        let start = self.offset(raw.get());
        Span { source: self.source, start: start as u32, end: (start + raw.get().len()) as u32 }
    }

    /// Where a value begins: its first line.
    pub(super) fn head(&self, raw: &'t RawValue) -> Span {
        let span = self.span(raw);
        let first = raw.get().lines().next().unwrap_or_default().trim_end();
        Span { end: span.start + first.len() as u32, ..span }
    }

    /// A part of the document, read as what is wanted.
    pub(super) fn parse<T: serde::Deserialize<'t>>(&self, part: &'t str) -> Result<T, Unread> {
        serde_json::from_str(part).map_err(|error| self.unread(part, &error))
    }

    /// A string, without the quotes around its place.
    pub(super) fn string(&self, raw: &'t RawValue) -> Option<Written<String>> {
        let value: String = owned(raw)?;
        let span = self.span(raw);
        let is_quoted = raw.get().len() >= 2;
        let inner = Span { start: span.start + 1, end: span.end - 1, ..span };
        Some(Written { value, at: if is_quoted { inner } else { span } })
    }

    fn unread(&self, part: &str, error: &serde_json::Error) -> Unread {
        let lines = part.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
        // Columns are bytes, and count from one; at an end there may be nothing to point at.
        let mut at = (lines + error.column().saturating_sub(1)).min(part.len());
        while !part.is_char_boundary(at) {
            at -= 1;
        }
        let start = (self.offset(part) + at).min(self.text.len());
        let end = start + self.text[start..].chars().next().map_or(0, char::len_utf8);
        let why = error.to_string();
        let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(why, _)| why).to_owned();
        Unread { why, at: Span { source: self.source, start: start as u32, end: end as u32 } }
    }
}

/// A value that is what is wanted.
pub(super) fn owned<T: DeserializeOwned>(raw: &RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// What kind of value it is, for people.
pub(super) fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_an_object_is_json() {
        for text in ["{}", "\u{feff} \n{\"a\": 1}", "[{}]", "[\n]\n", "[ {"] {
            assert!(is_json(text), "{text}");
        }
        for text in ["[ ] box", "[[link]](x)", "# Title\n{}", "", "- [ ] {x}"] {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_at_its_place() {
        let text = "{\n  \"é\": 1,\n  x\n}";
        let json = Json { text, source: SourceId(0) };
        let unread = json.parse::<&RawValue>(text).unwrap_err();
        assert_eq!((unread.why.as_str(), unread.at.start), ("key must be a string", text.find('x').unwrap() as u32));
        let unread = json.parse::<&RawValue>(&text[..5]).unwrap_err();
        assert!(unread.why.starts_with("EOF"), "{unread:?}");
    }
}
