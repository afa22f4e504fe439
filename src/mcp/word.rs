//! The words between our MCP server and the coordinator, and what the server keeps in the tray.

use super::Tray;
use crate::text::line;
use serde::{Deserialize, Serialize};
use std::io;

/// The named pipe of a tray through which the coordinator is told and asked.
pub const ASKS: &str = "asks";
/// The findings of the last try.
pub const FEEDBACK: &str = "feedback.md";
/// Whom an agent can ask, as JSON.
pub const EXPERTS: &str = "experts.json";
/// Bytes of one line of a pipe, at most.
pub const LINE_MAX: usize = 128 << 10;

/// What the server keeps of progress.
pub(super) const PROGRESS: &str = "progress.jsonl";
/// What the server keeps of changes.
pub(super) const CHANGES: &str = "changes.jsonl";
/// Bytes that are kept of either, at most.
pub(super) const KEPT_MAX: u64 = 256 << 10;

/// What the names of pipes for answers begin with.
const ANSWER: &str = "answer-";

/// A line of the pipe [`ASKS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// What the agent is at.
    Progress(String),
    /// It wants to know something.
    Ask(Ask),
}

/// A question to an expert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Whom; `None`: whoever is asked where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expert: Option<String>,
    /// What.
    pub question: String,
    /// The named pipe of the tray in which the answer is waited for.
    pub answer: String,
}

impl Ask {
    /// The name of a pipe for an answer.
    pub(super) fn pipe(process: u32, number: u32) -> String {
        format!("{ANSWER}{process}-{number}")
    }

    /// Whether the pipe that is named may be written to: one of ours by its name, and no path.
    pub fn is_answerable(&self) -> bool {
        let rest = self.answer.strip_prefix(ANSWER).unwrap_or_default();
        (1..=40).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    }
}

/// The one line of a pipe for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What the expert says.
    Answer(String),
    /// Why there is no answer.
    Refusal(String),
}

/// Somebody who can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expert {
    /// By which name.
    pub name: String,
    /// About what.
    pub description: String,
}

/// Why a file was changed, as the agent that changed it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Relative to the repository.
    pub path: String,
    /// Why.
    pub rationale: String,
}

impl Change {
    /// What is kept of changes in a tray, in the order in which it was said: one line of clean text each. What is not understood is
    /// passed over, and no more than 256 KiB are read.
    ///
    /// # Errors
    /// When there is something in its place that is no file, or cannot be read.
    pub fn kept(tray: &Tray) -> io::Result<Vec<Change>> {
        let text = tray.read(CHANGES, KEPT_MAX)?.unwrap_or_default();
        let changes = text.lines().filter_map(|line| serde_json::from_str::<Change>(line).ok());
        Ok(changes.map(|change| Change { path: change.path, rationale: line(&change.rationale, 1_000) }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_to_a_pipe_of_the_tray_and_nowhere_else() {
        let ask = |answer: &str| Ask { expert: None, question: "?".into(), answer: answer.into() };
        assert!(ask(&Ask::pipe(u32::MAX, u32::MAX)).is_answerable());
        for name in ["", "answer-", "answer-../x", "../answer-1", "answer-1/2", "asks", "feedback.md", "answer-a"] {
            assert!(!ask(name).is_answerable(), "{name}");
        }
        assert!(!ask(&format!("answer-{}", "1".repeat(41))).is_answerable());
    }

    #[test]
    fn the_words_are_what_other_versions_of_us_wrote() {
        let ask = Ask { expert: Some("test-expert".into()), question: "Why?".into(), answer: "answer-7-0".into() };
        for (word, line) in [
            (Word::Progress("half".into()), r#"{"progress":"half"}"#),
            (Word::Ask(ask), r#"{"ask":{"expert":"test-expert","question":"Why?","answer":"answer-7-0"}}"#),
        ] {
            assert_eq!(serde_json::to_string(&word).unwrap(), line);
            assert_eq!(serde_json::from_str::<Word>(line).unwrap(), word);
        }
        assert_eq!(serde_json::to_string(&Reply::Refusal("no".into())).unwrap(), r#"{"refusal":"no"}"#);
    }

    #[test]
    fn lines_that_are_no_change_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let text = "{\"path\":\"a\",\"rationale\":\"one\\u001b[31m\\ntwo\"}\ngarbage\n{\"path\":3}\n\n{\"path\":\"b\",\"rationale\":\"\"}";
        std::fs::write(folder.path().join(CHANGES), text).unwrap();
        let kept = Change::kept(&Tray::at(folder.path())).unwrap();
        let kept: Vec<(&str, &str)> = kept.iter().map(|change| (&*change.path, &*change.rationale)).collect();
        assert_eq!(kept, [("a", "one two"), ("b", "")]);
        assert_eq!(Change::kept(&Tray::at(folder.path().join("none"))).unwrap(), []);
    }
}
