//! What an agent answers, and how it is asked for it where its CLI knows no schema.

use serde_json::Value;

/// Bytes of an answer that are kept: its end, where it is longer.
const ANSWER_MAX: usize = 1 << 20;
/// Characters of a tool's input that are told.
const INPUT_MAX: usize = 200;

/// An answer while it is given, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Words(String);

impl Words {
    /// One more piece.
    pub(super) fn push(&mut self, piece: &str) {
        self.0.push_str(piece);
        // Twice as much, so that cutting costs little however small the pieces are.
        if self.0.len() > 2 * ANSWER_MAX {
            self.cut();
        }
    }

    /// One more paragraph.
    pub(super) fn push_line(&mut self, line: &str) {
        if !self.0.is_empty() {
            self.push("\n");
        }
        self.push(line);
    }

    /// What came so far was not the answer.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The answer. Where a JSON value was asked for and there is one, in a fence or alone: that.
    pub(super) fn into_answer(mut self, invocation_has_schema: bool) -> String {
        if self.0.len() > ANSWER_MAX {
            self.cut();
        }
        if !invocation_has_schema {
            return self.0;
        }
        let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        match self.0.trim() {
            text if is_json(text) => text.to_owned(),
            text => last_fence(text).filter(|inner| is_json(inner)).map_or_else(|| text.to_owned(), str::to_owned),
        }
    }

    fn cut(&mut self) {
        let mut from = self.0.len() - ANSWER_MAX;
        while !self.0.is_char_boundary(from) {
            from += 1;
        }
        self.0.drain(..from);
    }
}

/// What is inside the last fence of three backticks.
fn last_fence(text: &str) -> Option<&str> {
    let end = text.rfind("\n```")?;
    let start = text[..end].rfind("```")?;
    let inner = text[start..end].split_once('\n')?.1;
    Some(inner.trim())
}

/// What the agent is told: the prompt, and what its answer has to be, where its CLI has no other way to say it.
pub(super) fn prompt(prompt: &str, schema: Option<&str>) -> String {
    match schema {
        None => prompt.to_owned(),
        Some(schema) => format!(
            "{prompt}\n\nYour last answer is read by a program: give nothing but one JSON value that meets this JSON \
             Schema.\n\n{schema}\n"
        ),
    }
}

/// A tool's input, shortened.
pub(super) fn input(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    shortened(&text, INPUT_MAX)
}

/// The first characters of a text.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Millionths of an amount that a JSON number says.
pub(super) fn micros(amount: Option<f64>) -> u64 {
    // A cast of a float saturates: what is negative or no number is nothing.
    (amount.unwrap_or(0.0) * 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_was_asked_for_is_taken_out_of_its_fence() {
        let answer = |text: &str, has_schema| {
            let mut words = Words::default();
            words.push(text);
            words.into_answer(has_schema)
        };
        assert_eq!(answer(" {\"a\":1}\n", true), "{\"a\":1}");
        assert_eq!(answer("Here:\n```json\n{\"a\":1}\n```\nBye.", true), "{\"a\":1}");
        assert_eq!(answer("Here:\n```json\n{\"a\":1}\n```\n", false), "Here:\n```json\n{\"a\":1}\n```\n");
        for broken in ["```\n{", "\n```", "```", "no", "```json\n{\"a\":}\n```"] {
            assert_eq!(answer(broken, true), broken.trim());
        }
    }

    #[test]
    fn a_long_answer_keeps_its_end() {
        let mut words = Words::default();
        for _ in 0..5 {
            words.push(&"ü".repeat(ANSWER_MAX / 2));
        }
        words.push("end");
        let answer = words.into_answer(false);
        assert!(answer.len() <= ANSWER_MAX && answer.ends_with("üend"));
    }

    #[test]
    fn amounts_that_are_no_amounts_are_nothing() {
        assert_eq!([Some(0.00375), None, Some(-1.0), Some(f64::NAN)].map(micros), [3750, 0, 0, 0]);
    }
}
