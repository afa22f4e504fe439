//! Lines of JSON that command lines print, read by name: what is not there, or is something else, is nothing.

use super::{AgentError, End};
use crate::{process::Tail, text};
use serde_json::Value;

/// Bytes of a line that is read. Longer ones are what tools printed, in lines that nothing is read from but that they came; read, they
/// would take many times their length.
const LINE_MAX: usize = 4 << 20;
/// Characters of an answer that are kept.
const ANSWER_MAX: usize = 1 << 20;
/// Characters of what an agent says on its way.
const SPOKEN_MAX: usize = 4 << 10;
/// Characters of a tool's input, of an error, of a refused wish.
const SAID_MAX: usize = 300;

/// The object that a line is; `None` for any other line.
pub(super) fn object(line: &str) -> Option<Value> {
    if line.len() > LINE_MAX || !line.starts_with('{') {
        return None;
    }
    serde_json::from_str(line).ok().filter(Value::is_object)
}

/// The text at this pointer.
pub(super) fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at this pointer; less than nothing is nothing.
pub(super) fn count_at(value: &Value, pointer: &str) -> u64 {
    let at = value.pointer(pointer);
    // A float that is no count ends at the nearest one: the cast saturates.
    at.and_then(|at| at.as_u64().or_else(|| at.as_f64().map(|float| float as u64))).unwrap_or_default()
}

/// Dollars at this pointer, in millionths.
pub(super) fn micros_at(value: &Value, pointer: &str) -> u64 {
    let dollars = value.pointer(pointer).and_then(Value::as_f64).unwrap_or_default();
    (dollars * 1e6).round() as u64
}

/// The elements of the list at this pointer.
pub(super) fn list_at<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether it can be the name of a conversation: it goes back into a command line, and must not read as an option there.
pub(super) fn is_name(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=80).contains(&id.len()) && !id.starts_with('-') && id.chars().all(is_plain)
}

/// One short line of it, for an error or an event.
pub(super) fn said(text: &str) -> String {
    text::line(text, SAID_MAX)
}

/// What an agent said on its way, cleaned and cut.
pub(super) fn spoken(text: &str) -> String {
    text::shortened(text.trim(), SPOKEN_MAX)
}

/// What a tool is given.
pub(super) fn input(value: &Value) -> String {
    match value {
        Value::String(words) => said(words),
        // Written out in full before it is cut: no longer than the line that it came in.
        value => said(&value.to_string()),
    }
}

/// An answer, cleaned and cut.
pub(super) fn answer(text: &str) -> String {
    text::shortened(text, ANSWER_MAX)
}

/// It fell over: with what it said, what it printed that was no line of its stream, and its errors.
pub(super) fn crashed(end: &End<'_>, words: &str, stray: &str) -> AgentError {
    let errors = Tail::of_text(end.stderr, 20).text;
    let parts = [said(words), said(stray), errors].into_iter().filter(|part| !part.is_empty());
    AgentError::Crashed { code: end.exit.code(), tail: parts.collect::<Vec<_>>().join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_what_was_asked_for_is_nothing() {
        let value = json!({"a": {"b": "text", "n": 3, "f": 2.7, "less": -1}, "l": [1], "cost": 0.0024000000000000002});
        assert_eq!((text_at(&value, "/a/b"), text_at(&value, "/a/n"), text_at(&value, "/x/y")), ("text", "", ""));
        assert_eq!([count_at(&value, "/a/n"), count_at(&value, "/a/f"), count_at(&value, "/a/less")], [3, 2, 0]);
        assert_eq!((micros_at(&value, "/cost"), micros_at(&value, "/a/less"), micros_at(&value, "/l")), (2400, 0, 0));
        assert_eq!((list_at(&value, "/l").len(), list_at(&value, "/a").len()), (1, 0));
        assert_eq!((object("[1]"), object("{\"a\":"), object("words")), (None, None, None));
        assert_eq!(object(&format!("{{\"a\":{}1{}}}", "[".repeat(9_000), "]".repeat(9_000))), None, "deep");
    }

    #[test]
    fn a_conversations_name_is_no_option() {
        assert!(is_name("01a1fb48-aa24-7a70-a26b-ed256b209fef"));
        for id in ["", "--last", "a b", "a/../b", &"a".repeat(81)] {
            assert!(!is_name(id), "{id}");
        }
    }
}
