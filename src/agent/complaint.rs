//! A complaint: what a provider, or the CLI in between, says when it says no, and which of our errors that is.

use super::{AgentError, answer::shortened};
use crate::{process::Tail, run::Timestamp};

/// Characters of a complaint that are kept.
const SAID_MAX: usize = 400;

/// What a provider says when it says no.
#[derive(Clone, Debug, Default)]
pub(super) struct Complaint {
    /// The status of HTTP, where it is known.
    pub(super) status: Option<u16>,
    /// Its words for a person.
    pub(super) said: String,
    /// More of it that tells what it is: a code, the body of its answer.
    pub(super) detail: String,
    /// When to try again; 0: nobody said.
    pub(super) until: Timestamp,
}

/// No retry helps before somebody has paid. The words about "plan and billing" are none of these: they come with any 429.
const PAYMENT: &[&str] = &["insufficient_quota", "credit balance", "billing_error", "payment required"];
const USAGE: &[&str] = &["daily quota", "usage limit", "usage_limit", "-hour limit", "weekly limit", "perday"];
const AUTH: &[&str] = &[
    "api key not valid",
    "api_key_invalid",
    "invalid_api_key",
    "incorrect api key",
    "invalid api key",
    "authentication required",
    "authentication_failed",
    "not logged in",
    "log in first",
    "unauthorized",
    "invalid auth method",
    "set an auth method",
    "providerautherror",
];
const OVERFLOW: &[&str] = &[
    "context_length_exceeded",
    "context window",
    "maximum context length",
    "prompt is too long",
    "prompt_too_long",
    "exceeds the maximum number of tokens",
    "payload too large",
    "contextoverflowerror",
];
const RATE: &[&str] =
    &["rate limit", "rate_limit", "too many requests", "resource has been exhausted", "resource_exhausted"];
const OVERLOAD: &[&str] = &[
    "overloaded",
    "server_error",
    "at capacity",
    "high demand",
    "internal server error",
    "service unavailable",
    "bad gateway",
    "gateway timeout",
    "fetch failed",
    "unable to connect",
    "cannot connect to api",
    "socket connection was closed",
    "connection error",
    "econnrefused",
    "econnreset",
    "enotfound",
    "eai_again",
    "etimedout",
    "socket hang up",
    "without a finish reason",
    "stream disconnected",
    "api error: terminated",
    "connection reset",
];
const ABSENT: &[&str] = &["is not found", "model_not_found", "model not found", "not_found_error", "modelnotfound"];

impl Complaint {
    /// Words, and nothing else.
    pub(super) fn of(said: &str) -> Complaint {
        Complaint { said: said.to_owned(), ..Complaint::default() }
    }

    /// Which error it is. The status decides, and words where it leaves a choice; without a status, words alone. None: nothing that
    /// is known.
    pub(super) fn error(&self) -> Option<AgentError> {
        let text = format!("{}\n{}", self.said, self.detail).to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let (said, until) = (said(&self.said), self.until);
        let overloaded = || AgentError::Overloaded { said: said.clone() };
        let auth = || AgentError::AuthRequired { said: said.clone() };
        let wrong = || AgentError::Misconfigured { what: said.clone() };
        let error = match self.status {
            Some(402) => AgentError::PaymentRequired { said },
            Some(400 | 403 | 429) if has(PAYMENT) => AgentError::PaymentRequired { said },
            Some(401 | 403) => auth(),
            Some(400) if has(AUTH) => auth(),
            Some(413) => AgentError::ContextOverflow,
            Some(400) if has(OVERFLOW) => AgentError::ContextOverflow,
            Some(429) if has(USAGE) => AgentError::UsageLimit { until, said },
            Some(429) => AgentError::RateLimited { until, said },
            Some(408 | 409 | 425) => overloaded(),
            Some(400..=499) => wrong(),
            Some(500..) => overloaded(),
            _ if has(PAYMENT) => AgentError::PaymentRequired { said },
            _ if has(OVERFLOW) => AgentError::ContextOverflow,
            _ if has(USAGE) => AgentError::UsageLimit { until, said },
            _ if has(AUTH) => auth(),
            _ if has(RATE) => AgentError::RateLimited { until, said },
            _ if has(OVERLOAD) => overloaded(),
            _ if has(ABSENT) => wrong(),
            _ => return None,
        };
        Some(error)
    }
}

/// Words for a person: clean, on one line, short.
pub(super) fn said(text: &str) -> String {
    let clean = Tail::of_text(&shortened(text, 2 * SAID_MAX), usize::MAX).text;
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&line, SAID_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: impl Into<Option<u16>>, said: &str, detail: &str) -> String {
        let complaint =
            Complaint { status: status.into(), said: said.into(), detail: detail.into(), until: Timestamp(7) };
        let error = format!("{:?}", complaint.error());
        error.split([' ', '{', '(']).find(|word| word.len() > 4).unwrap_or("None").trim_end_matches(')').to_owned()
    }

    #[test]
    fn the_status_decides_and_words_where_it_leaves_a_choice() {
        for (status, said, detail, error) in [
            (401, "", "", "AuthRequired"),
            (403, "", "", "AuthRequired"),
            (400, "API key not valid. Please pass a valid API key.", "", "AuthRequired"),
            (400, "your credit balance is too low", "", "PaymentRequired"),
            (402, "", "", "PaymentRequired"),
            (429, "exceeded", "{\"code\":\"insufficient_quota\"}", "PaymentRequired"),
            (429, "check your plan and billing details", "", "RateLimited"),
            (429, "You have exhausted your daily quota on this model.", "", "UsageLimit"),
            (400, "maximum context length is 8", "", "ContextOverflow"),
            (413, "", "", "ContextOverflow"),
            (400, "bad field", "", "Misconfigured"),
            (404, "overloaded", "", "Misconfigured"),
            (500, "", "", "Overloaded"),
            (529, "", "", "Overloaded"),
        ] {
            assert_eq!(kind(status, said, detail), error, "{status} {said} {detail}");
        }
    }

    #[test]
    fn without_a_status_words_decide_and_unknown_words_decide_nothing() {
        for (said, error) in [
            ("[API Error: models/x is not found for API version v1]", "Misconfigured"),
            ("fetch failed", "Overloaded"),
            ("Cannot connect to API: The socket connection was closed unexpectedly.", "Overloaded"),
            ("You've hit your 5-hour limit · resets 1:29am (UTC)", "UsageLimit"),
            ("Authentication required", "AuthRequired"),
            ("Rate limit reached", "RateLimited"),
            ("a green cat", "None"),
        ] {
            assert_eq!(kind(None, said, ""), error, "{said}");
        }
    }

    #[test]
    fn what_a_provider_says_is_shown_short_and_clean() {
        assert_eq!(said("a\x1b[31m b\n\tc"), "a b c");
        assert!(said(&"x".repeat(100_000)).chars().count() <= SAID_MAX + 1);
    }
}
