//! A fault that an agent reports by the Agent Client Protocol, and which of our errors that is.

use crate::{
    agent::{
        AgentError,
        complaint::{Complaint, said},
    },
    run::Timestamp,
};
use agent_client_protocol::Error;
use serde_json::Value;

/// The code for a login that is missing.
const AUTH_REQUIRED: i32 = -32000;
/// The code for what was asked wrongly.
const INVALID_PARAMS: i32 = -32602;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// Which of our errors it is: by its kind, its code, then its words. None: nothing that is known.
pub(super) fn of(error: &Error, at: Timestamp) -> Option<AgentError> {
    let field = |name: &str| error.data.as_ref().and_then(|data| data[name].as_str()).unwrap_or_default();
    let words = error.message.strip_prefix("Internal error: ").unwrap_or(&error.message);
    let code = error.code.value();
    let complaint = Complaint {
        status: u16::try_from(code).ok().filter(|status| (400..600).contains(status)),
        said: words.to_owned(),
        detail: error.data.as_ref().map(Value::to_string).unwrap_or_default(),
        until: resets(words, at),
    };
    let overloaded = || AgentError::Overloaded { said: said(words) };
    match field("errorKind") {
        // The kind is the same for a limit of the account and one of the minute.
        "rate_limit" => {
            return Some(match Complaint::error(&Complaint { detail: String::new(), ..complaint.clone() }) {
                Some(limit @ (AgentError::UsageLimit { .. } | AgentError::PaymentRequired { .. })) => limit,
                _ => AgentError::RateLimited { until: complaint.until, said: said(words) },
            });
        }
        "server_error" => return Some(overloaded()),
        "billing_error" => return Some(AgentError::PaymentRequired { said: said(words) }),
        "authentication_failed" => return Some(AgentError::AuthRequired { said: said(words) }),
        "model_not_found" => return Some(AgentError::Misconfigured { what: said(words) }),
        "max_output_tokens" => {
            let what = "its answer is cut off: too long for the model";
            return Some(AgentError::BadOutput { what: what.into() });
        }
        _ => {}
    }
    match code {
        AUTH_REQUIRED => Some(AgentError::AuthRequired { said: said(words) }),
        _ => complaint
            .error()
            .or_else(|| (code == INVALID_PARAMS).then(|| AgentError::Misconfigured { what: said(words) })),
    }
}

/// When a limit resets, from words as `resets 1:29am (UTC)`: rounded up, since seconds are not said. 0: not said, or in a zone of
/// which we do not know how late it is.
fn resets(words: &str, at: Timestamp) -> Timestamp {
    minute_of_day(words).map_or(Timestamp(0), |minute| {
        let today = at.0 / DAY * DAY + (minute + 1) * MINUTE;
        Timestamp(if today > at.0 { today } else { today + DAY })
    })
}

fn minute_of_day(words: &str) -> Option<u64> {
    let (time, zone) = words.rsplit_once("resets ")?.1.split_once(" (")?;
    if !zone.starts_with("UTC)") {
        return None;
    }
    let (clock, is_afternoon) = match (time.strip_suffix("am"), time.strip_suffix("pm")) {
        (Some(clock), _) => (clock, false),
        (_, Some(clock)) => (clock, true),
        _ => return None,
    };
    let (hour, minute) = clock.split_once(':').unwrap_or((clock, "0"));
    let (hour, minute): (u64, u64) = (hour.parse().ok()?, minute.parse().ok()?);
    let is_time = (1..=12).contains(&hour) && minute < 60;
    is_time.then_some((hour % 12 + if is_afternoon { 12 } else { 0 }) * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const AT: Timestamp = Timestamp(10 * DAY + 60 * MINUTE);

    fn kind(code: i32, message: &str, data: Value) -> String {
        format!("{:?}", of(&Error::new(code, message).data(data), AT))
    }

    #[test]
    fn the_kind_decides_then_the_code_then_the_words() {
        for (code, message, data, error) in [
            (-32000, "Authentication required", json!(null), "Some(AuthRequired"),
            (
                -32603,
                "Internal error: API Error: (429)",
                json!({"errorKind": "rate_limit"}),
                "Some(RateLimited { until: Timestamp(0)",
            ),
            (
                -32603,
                "You've hit your 5-hour limit · resets 1:29am (UTC)",
                json!({"errorKind": "rate_limit"}),
                "Some(UsageLimit",
            ),
            (-32603, "overloaded", json!({"errorKind": "server_error"}), "Some(Overloaded"),
            (-32603, "Credit balance is too low", json!({"errorKind": "billing_error"}), "Some(PaymentRequired"),
            (-32603, "cut", json!({"errorKind": "max_output_tokens"}), "Some(BadOutput"),
            (429, "You have exhausted your daily quota on this model.", json!(null), "Some(UsageLimit"),
            (429, "slow down", json!(null), "Some(RateLimited"),
            (503, "", json!(null), "Some(Overloaded"),
            (-32603, "Incorrect API key provided", json!({"errorName": "APIError"}), "Some(AuthRequired"),
            (-32603, "too long", json!({"errorName": "ContextOverflowError"}), "Some(ContextOverflow"),
            (-32602, "Invalid params", json!("no such model"), "Some(Misconfigured"),
            (-32603, "a green cat", json!(null), "None"),
        ] {
            let found = kind(code, message, data);
            assert!(found.starts_with(error), "{code} {message}: {found}");
        }
    }

    #[test]
    fn a_reset_is_read_from_words_where_the_zone_is_known() {
        let minute = |hour: u64, minute: u64| Timestamp(10 * DAY + (hour * 60 + minute) * MINUTE);
        assert_eq!(resets("limit · resets 1:29am (UTC)", AT), minute(1, 30));
        assert_eq!(resets("limit · resets 3pm (UTC)", AT), minute(15, 1));
        assert_eq!(resets("limit · resets 12:10am (UTC)", AT), minute(24, 11));
        for unknown in
            ["resets 1:29am (Europe/Berlin)", "resets 13:00am (UTC)", "resets", "resets x (UTC)", "resets 0am (UTC)"]
        {
            assert_eq!(resets(unknown, AT), Timestamp(0), "{unknown}");
        }
    }
}
