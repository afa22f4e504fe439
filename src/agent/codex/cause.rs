//! Why a turn of Codex failed. It tells a text and nothing else: no status, no code.

use super::reset;
use crate::{
    agent::{AgentError, End, lines},
    run::Timestamp,
};
use jiff::tz::TimeZone;

/// What a text tells of the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The plan's allowance is used up.
    Spent,
    /// Too many requests.
    Busy,
    /// Nobody pays.
    Unpaid,
    /// Nobody is logged in.
    Unknown,
    /// Not as it is configured.
    Wrong,
    /// The conversation is too long.
    Long,
    /// No room, or no way there.
    Away,
    /// Anything else.
    Other,
}

/// The status comes first where there is one: what follows it is the provider's own text, and can say anything.
const STATUSES: &[(u64, Cause)] = &[
    (401, Cause::Unknown),
    (402, Cause::Unpaid),
    (403, Cause::Unknown),
    (404, Cause::Wrong),
    (408, Cause::Away),
    (413, Cause::Long),
    (429, Cause::Busy),
];
const PHRASES: &[(&str, Cause)] = &[
    ("hit your usage limit", Cause::Spent),
    ("quota exceeded", Cause::Unpaid),
    ("insufficient_quota", Cause::Unpaid),
    ("out of credits", Cause::Unpaid),
    ("rate limit", Cause::Busy),
    ("context window", Cause::Long),
    ("context_length_exceeded", Cause::Long),
    ("missing environment variable", Cause::Unknown),
    ("not logged in", Cause::Unknown),
    ("log in again", Cause::Unknown),
    ("sign in again", Cause::Unknown),
    ("at capacity", Cause::Away),
    ("high demand", Cause::Away),
    ("stream disconnected", Cause::Away),
    ("connection failed", Cause::Away),
    ("waiting for network", Cause::Away),
    ("error sending request", Cause::Away),
    ("timed out", Cause::Away),
    ("timeout", Cause::Away),
];
/// What providers say of a model that is not there for us.
const NO_MODEL: &[&str] = &["does not exist", "not found", "not supported", "not have access"];

impl Cause {
    pub(super) fn of(words: &str) -> Cause {
        let words = words.to_lowercase();
        if let Some(status) = status(&words) {
            let known = STATUSES.iter().find(|(of, _)| *of == status).map(|(_, cause)| *cause);
            return known.unwrap_or(if status >= 500 { Cause::Away } else { Cause::Other });
        }
        let phrase = PHRASES.iter().find(|(phrase, _)| words.contains(phrase)).map(|(_, cause)| *cause);
        let names_model = || words.contains("model") && NO_MODEL.iter().any(|phrase| words.contains(phrase));
        phrase.unwrap_or_else(|| if names_model() { Cause::Wrong } else { Cause::Other })
    }

    /// The error, from what was said.
    pub(super) fn error(self, words: &str, end: &End<'_>, zone: &TimeZone, stray: &str) -> AgentError {
        let said = lines::said(words);
        let until = || reset::until(words, end.at, zone).unwrap_or(Timestamp(0));
        match self {
            Cause::Spent => AgentError::UsageLimit { until: until(), said },
            Cause::Busy => AgentError::RateLimited { until: until(), said },
            Cause::Unpaid => AgentError::PaymentRequired { said },
            Cause::Unknown => AgentError::AuthRequired { said },
            Cause::Wrong => AgentError::Misconfigured { what: said },
            Cause::Long => AgentError::ContextOverflow,
            Cause::Away => AgentError::Overloaded { said },
            Cause::Other => lines::crashed(end, words, stray),
        }
    }
}

/// The number after `status`: `unexpected status 401 unauthorized`, `last status: 429`.
pub(super) fn status(words: &str) -> Option<u64> {
    let (_, rest) = words.split_once("status ").or_else(|| words.split_once("status: "))?;
    let digits = rest.trim_start_matches([':', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().filter(|status| (400..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_that_was_seen_has_its_cause() {
        for (words, cause) in [
            ("exceeded retry limit, last status: 429 Too Many Requests", Cause::Busy),
            (
                "You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage or try again at 10:24 PM.",
                Cause::Spent,
            ),
            ("Quota exceeded. Check your plan and billing details.", Cause::Unpaid),
            ("rate limit exceeded: too fast. Please try again in 1.5s.", Cause::Busy),
            ("Selected model is at capacity. Please try a different model.", Cause::Away),
            ("We’re currently experiencing high demand, which may cause temporary errors.", Cause::Away),
            ("unexpected status 401 Unauthorized: the rate limit of this model, url: http://x/v1", Cause::Unknown),
            ("unexpected status 402 Payment Required: no, url: http://x/v1/responses", Cause::Unpaid),
            ("unexpected status 403 Forbidden: no, url: http://x/v1/responses", Cause::Unknown),
            ("unexpected status 404 Not Found: no, url: http://x/v1/responses", Cause::Wrong),
            ("unexpected status 503 Service Unavailable: no, url: http://x/v1/responses", Cause::Away),
            ("Missing environment variable: `FAKE_KEY`.", Cause::Unknown),
            ("The model `gpt-x` does not exist or you do not have access to it.", Cause::Wrong),
            ("{\"error\":{\"type\":\"x\",\"message\":\"no\",\"code\":\"x\"}}", Cause::Other),
            ("unexpected status 413 Payload Too Large", Cause::Long),
            ("Codex ran out of room in the model's context window.", Cause::Long),
            ("stream disconnected before completion: stream closed before response.completed", Cause::Away),
            ("stream disconnected before completion: idle timeout waiting for SSE", Cause::Away),
            ("Reconnecting... waiting for network (Connection failed: error sending request)", Cause::Away),
            ("", Cause::Other),
        ] {
            assert_eq!(Cause::of(words), cause, "{words}");
        }
    }
}
