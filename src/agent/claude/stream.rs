//! Claude Code's stream: what its lines tell, and how a run of it ended.

use crate::{
    agent::{AgentError, AgentEvent, Answer, End, Invocation, Reader, Session, Sink, Step, lines},
    process::How,
    run::{Spend, Timestamp},
};
use lines::{count_at, list_at, micros_at, said, text_at};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Refused wishes that are told of one run.
const DENIED_MAX: usize = 1_000;
/// Messages whose usage is told as they come; that of more is told with the result.
const BILLED_MAX: usize = 10_000;
/// The newest version that was seen to count anew in each run of a conversation; the next that was seen, 2.1.329, counts on.
const COUNTS_ANEW: [u64; 3] = [2, 1, 197];
/// What it says when it does not like how it is called: as long as nobody changes something it will say it again.
const STARTUP: &[&str] = &[
    "unknown option",
    "is invalid. Allowed choices",
    "is not valid JSON",
    "Invalid MCP configuration",
    "prompt file not found",
    "cannot be used with root",
];

/// What a stream has told so far.
pub(super) struct Stream {
    /// The conversation that it goes on with.
    resumed: Option<Session>,
    /// The one that it is in, once it is known.
    session: Option<Session>,
    wants_json: bool,
    /// The model has answered.
    is_answered: bool,
    /// It authenticates with a key, of which there is only the one.
    has_key: bool,
    counts_anew: bool,
    /// The last word on limits was a rejection: when it ends, in seconds since the epoch, where that was told.
    rejected: Option<Option<u64>>,
    /// The kind of the last error that stood where an answer should.
    error: String,
    is_refused: bool,
    /// The calls whose refusal was told.
    denied: BTreeSet<String>,
    /// What each message of the model used, as far as that was told: a run that is cut off tells no result.
    billed: BTreeMap<String, Spend>,
    /// The last result: there can be several, and only the last is the end.
    result: Option<Value>,
    /// A line was one of a stream.
    has_spoken: bool,
    /// The last line that was none.
    stray: String,
}

impl Stream {
    pub(super) fn new(invocation: &Invocation) -> Stream {
        Stream {
            resumed: invocation.session.clone(),
            session: None,
            wants_json: invocation.schema.is_some(),
            is_answered: false,
            has_key: false,
            counts_anew: false,
            rejected: None,
            error: String::new(),
            is_refused: false,
            denied: BTreeSet::new(),
            billed: BTreeMap::new(),
            result: None,
            has_spoken: false,
            stray: String::new(),
        }
    }

    fn system(&mut self, line: &Value, tell: &Sink) -> Step {
        match text_at(line, "/subtype") {
            "init" => {
                self.has_key = !matches!(text_at(line, "/apiKeySource"), "" | "none");
                self.counts_anew = is_at_most(text_at(line, "/claude_code_version"), COUNTS_ANEW);
                self.enter(text_at(line, "/session_id"), tell);
                Step::Progress
            }
            "api_retry" => self.retry(line),
            "permission_denied" => {
                self.deny(text_at(line, "/tool_use_id"), text_at(line, "/tool_name"), text_at(line, "/message"), tell);
                Step::Progress
            }
            "model_refusal_no_fallback" => {
                self.is_refused = true;
                Step::Progress
            }
            "thinking_tokens" | "compact_boundary" | "informational" => Step::Progress,
            task if task.starts_with("task_") => Step::Progress,
            _ => Step::Alive,
        }
    }

    /// The conversation has a name. Told at once, since what is not told cannot be gone on with.
    fn enter(&mut self, id: &str, tell: &Sink) {
        if self.session.is_none() && lines::is_name(id) {
            let reported = self.resumed.as_ref().map(|session| session.reported).unwrap_or_default();
            let session = Session { id: id.to_owned(), reported };
            self.session = Some(session.clone());
            tell(AgentEvent::Usage { spend: Spend::default(), session: Some(session) });
        }
    }

    /// A wrong key is tried again as if it could become right. A login is renewed between the first time and the second.
    fn retry(&mut self, line: &Value) -> Step {
        let is_unknown = count_at(line, "/error_status") == 401;
        if is_unknown && !self.is_answered && (self.has_key || count_at(line, "/attempt") > 1) {
            "authentication_failed".clone_into(&mut self.error);
            return Step::Enough;
        }
        Step::Alive
    }

    fn deny(&mut self, id: &str, tool: &str, why: &str, tell: &Sink) {
        let what = said(&[tool, why].join(": "));
        let key = if id.is_empty() { what.clone() } else { said(id) };
        if self.denied.len() < DENIED_MAX && self.denied.insert(key) {
            tell(AgentEvent::Denied(what));
        }
    }

    fn assistant(&mut self, line: &Value, tell: &Sink) -> Step {
        let is_main = text_at(line, "/parent_tool_use_id").is_empty();
        let error = text_at(line, "/error");
        // Its own words about what went wrong stand in place of an answer.
        if !error.is_empty() || text_at(line, "/message/model") == "<synthetic>" {
            if is_main {
                error.clone_into(&mut self.error);
            }
            return Step::Alive;
        }
        self.answered(tell);
        self.bill(line, tell);
        for block in list_at(line, "/message/content") {
            match text_at(block, "/type") {
                "text" if is_main && !text_at(block, "/text").trim().is_empty() => {
                    tell(AgentEvent::Text(lines::spoken(text_at(block, "/text"))));
                }
                "tool_use" => tell(AgentEvent::ToolCall {
                    id: said(text_at(block, "/id")),
                    name: said(text_at(block, "/name")),
                    input: block.get("input").map(lines::input).unwrap_or_default(),
                }),
                _ => {}
            }
        }
        Step::Progress
    }

    /// Each part of a message comes with what all of it used until then.
    fn bill(&mut self, line: &Value, tell: &Sink) {
        let id = text_at(line, "/message/id");
        if !lines::is_name(id) || (self.billed.len() >= BILLED_MAX && !self.billed.contains_key(id)) {
            return;
        }
        let used = line.pointer("/message/usage").map(own).unwrap_or_default();
        let billed = self.billed.entry(id.to_owned()).or_default();
        let spend = used.minus(*billed);
        if !spend.is_nothing() {
            *billed = billed.plus(spend);
            tell(AgentEvent::Usage { spend, session: None });
        }
    }

    fn answered(&mut self, tell: &Sink) {
        self.error.clear();
        if !std::mem::replace(&mut self.is_answered, true) {
            tell(AgentEvent::Started);
        }
    }

    fn results(line: &Value, tell: &Sink) {
        for block in list_at(line, "/message/content").iter().filter(|block| text_at(block, "/type") == "tool_result") {
            let is_success = block.get("is_error") != Some(&Value::Bool(true));
            tell(AgentEvent::ToolResult { id: said(text_at(block, "/tool_use_id")), is_success });
        }
    }

    /// What this run used. The result tells it of the whole conversation, sub-agents among it, or only of this run: that is so where
    /// it is less than what was there before and what the main agent used in this run.
    fn settle(&mut self, tell: &Sink) {
        let Some(result) = &self.result else {
            return;
        };
        let mut sum = Spend { micros: micros_at(result, "/total_cost_usd"), ..Spend::default() };
        for used in result.get("modelUsage").and_then(Value::as_object).into_iter().flat_map(|models| models.values()) {
            let sent = count_at(used, "/inputTokens").saturating_add(count_at(used, "/cacheCreationInputTokens"));
            let (cached, output) = (count_at(used, "/cacheReadInputTokens"), count_at(used, "/outputTokens"));
            sum = sum.plus(Spend { micros: 0, input: sent, cached, output });
        }
        let own = result.get("usage").map(own).unwrap_or_default();
        let billed = self.billed.values().fold(Spend::default(), |sum, spend| sum.plus(*spend));
        let id = text_at(result, "/session_id").to_owned();
        self.enter(&id, tell);
        let Some(session) = self.session.take() else {
            return tell(AgentEvent::Usage { spend: sum.minus(billed), session: None });
        };
        let least = session.reported.plus(own);
        let covers = sum.input >= least.input && sum.cached >= least.cached && sum.output >= least.output;
        // A run that failed at once can tell nothing at all, and the conversation has used what it had used all the same.
        let (spend, session) = match sum.is_nothing() {
            true => (sum, session),
            false if self.counts_anew || !covers => (sum, session),
            false => session.since(sum),
        };
        tell(AgentEvent::Usage { spend: spend.minus(billed), session: Some(session) });
    }

    /// How it ended, by its last result.
    fn verdict(&self, result: &Value, end: &End<'_>) -> Result<Answer, AgentError> {
        let subtype = text_at(result, "/subtype");
        let is_error = match result.get("is_error") {
            Some(Value::Bool(is_error)) => *is_error || subtype.starts_with("error"),
            _ => subtype != "success",
        };
        if !is_error {
            // It may be ended by us although it came to its end meanwhile.
            return match end.exit.how {
                How::Code(0) | How::Stopped => Ok(Answer::Said(self.answer(result))),
                _ => Err(lines::crashed(end, text_at(result, "/result"), &self.stray)),
            };
        }
        let errors: Vec<&str> = list_at(result, "/errors").iter().filter_map(Value::as_str).collect();
        let errors = errors.join("; ");
        match subtype {
            "error_max_turns" | "error_max_budget_usd" => Err(AgentError::MaxTurns),
            "error_max_structured_output_retries" => Err(AgentError::BadOutput { what: said(&errors) }),
            _ if self.resumed.is_some() && errors.contains("No conversation found") => Ok(Answer::NoSession),
            _ if subtype.starts_with("error") => Err(lines::crashed(end, &errors, &self.stray)),
            _ => Err(self.cause(result, end)),
        }
    }

    /// The JSON where it has met the schema. Where it has not, it says so by leaving the field out: its words, then.
    fn answer(&self, result: &Value) -> String {
        match result.get("structured_output") {
            Some(output) if self.wants_json && !output.is_null() => lines::answer(&output.to_string()),
            _ => lines::answer(text_at(result, "/result")),
        }
    }

    /// Why the provider gave no answer, or none that counts: by the fields that are made for it, then by its words.
    fn cause(&self, result: &Value, end: &End<'_>) -> AgentError {
        let words = text_at(result, "/result");
        let (status, kind) = (count_at(result, "/api_error_status"), text_at(result, "/api_error"));
        let told = said(words);
        let is_spent = kind == "usage_limit_reached";
        if is_spent || status == 429 || self.error == "rate_limit" {
            let until = self.rejected.flatten().map(|seconds| Timestamp(seconds.saturating_mul(1_000)));
            return match until {
                Some(until) => AgentError::UsageLimit { until, said: told },
                None if is_spent => AgentError::UsageLimit { until: Timestamp(0), said: told },
                None => AgentError::RateLimited { until: Timestamp(0), said: told },
            };
        }
        if self.is_refused || text_at(result, "/stop_reason") == "refusal" {
            return AgentError::Refused;
        }
        let reason = text_at(result, "/terminal_reason");
        if status == 413
            || matches!(reason, "prompt_too_long" | "image_error")
            || words.starts_with("Prompt is too long")
        {
            return AgentError::ContextOverflow;
        }
        match (status, self.error.as_str()) {
            _ if kind == "max_output_tokens" => AgentError::BadOutput { what: told },
            (_, "max_output_tokens") => AgentError::BadOutput { what: told },
            (402, _) | (_, "billing_error") => AgentError::PaymentRequired { said: told },
            (401 | 403, _) | (_, "authentication_failed") => AgentError::AuthRequired { said: told },
            (404, _) | (_, "model_not_found") => AgentError::Misconfigured { what: told },
            (408 | 500.., _) | (0, "server_error") => AgentError::Overloaded { said: told },
            // An overload in the middle of an answer has neither a status nor a kind.
            (0, _) if kind == "connection_failed" || words.contains("Overloaded") => {
                AgentError::Overloaded { said: told }
            }
            _ => lines::crashed(end, words, &self.stray),
        }
    }

    /// How it ended without a result.
    fn silence(&self, end: &End<'_>) -> AgentError {
        let is_startup = STARTUP.iter().any(|words| end.stderr.contains(words));
        if !self.has_spoken && is_startup && matches!(end.exit.how, How::Code(_)) {
            return AgentError::Misconfigured { what: said(end.stderr) };
        }
        lines::crashed(end, "", &self.stray)
    }
}

/// The tokens of a `usage`, as the provider's API counts them.
fn own(usage: &Value) -> Spend {
    let sent = count_at(usage, "/input_tokens");
    Spend {
        micros: 0,
        input: sent.saturating_add(count_at(usage, "/cache_creation_input_tokens")),
        cached: count_at(usage, "/cache_read_input_tokens"),
        output: count_at(usage, "/output_tokens"),
    }
}

impl Reader for Stream {
    fn line(&mut self, line: &str, tell: &Sink) -> Step {
        let Some(line) = lines::object(line) else {
            if !line.is_empty() {
                self.stray = said(line);
            }
            return Step::Alive;
        };
        self.has_spoken = true;
        match text_at(&line, "/type") {
            "system" => self.system(&line, tell),
            "assistant" => self.assistant(&line, tell),
            "user" => {
                Stream::results(&line, tell);
                Step::Progress
            }
            "stream_event" => {
                self.answered(tell);
                Step::Progress
            }
            "rate_limit_event" => {
                let resets = line.pointer("/rate_limit_info/resetsAt").and_then(Value::as_u64);
                self.rejected = (text_at(&line, "/rate_limit_info/status") == "rejected").then_some(resets);
                Step::Alive
            }
            "result" => {
                for denial in list_at(&line, "/permission_denials") {
                    let input = denial.get("tool_input").map(lines::input).unwrap_or_default();
                    self.deny(text_at(denial, "/tool_use_id"), text_at(denial, "/tool_name"), &input, tell);
                }
                self.result = Some(line);
                Step::Progress
            }
            _ => Step::Alive,
        }
    }

    fn end(mut self: Box<Self>, end: &End<'_>, tell: &Sink) -> Result<Answer, AgentError> {
        let verdict = match &self.result {
            Some(result) => self.verdict(result, end),
            None => Err(self.silence(end)),
        };
        if verdict == Ok(Answer::NoSession) {
            return verdict;
        }
        self.settle(tell);
        match verdict {
            Err(_) if end.was_enough => {
                Err(AgentError::AuthRequired { said: "the provider does not know the key or login (401)".to_owned() })
            }
            verdict => verdict,
        }
    }
}

/// Whether a version of three numbers is this one or older. One that is not read is newer.
fn is_at_most(version: &str, most: [u64; 3]) -> bool {
    let parts: Vec<u64> = version.split('.').map_while(|part| part.parse().ok()).collect();
    parts.len() == 3 && parts[..] <= most[..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{
        Claude,
        goldens::{Played, invocation, play},
    };
    use proptest::prelude::*;
    use serde_json::json;
    use std::path::Path;

    const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"s-1","apiKeySource":"none","claude_code_version":"2.1.329"}"#;

    /// A run whose last line is a result with these fields, after an error of this kind in place of an answer.
    fn ended(error: &str, fields: Value, code: i32) -> Played {
        let mut result = json!({"type": "result", "subtype": "success", "is_error": true, "session_id": "s-1"});
        result.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let mut lines = vec![INIT.to_owned()];
        if !error.is_empty() {
            lines.push(json!({"type": "assistant", "error": error, "message": {"model": "<synthetic>"}}).to_string());
        }
        lines.push(result.to_string());
        play(&Claude, &invocation(Path::new("/home/u")), &lines.join("\n"), How::Code(code), "")
    }

    fn failed(error: &str, fields: Value) -> AgentError {
        ended(error, fields, 1).outcome.unwrap_err()
    }

    fn name(error: &AgentError) -> String {
        format!("{error:?}").split([' ', '(']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn an_end_is_read_from_its_fields() {
        for (error, fields, expected) in [
            ("rate_limit", json!({"api_error_status": 429, "result": "x (not your usage limit)"}), "RateLimited"),
            ("rate_limit", json!({"api_error_status": 429, "api_error": "usage_limit_reached"}), "UsageLimit"),
            ("server_error", json!({"api_error_status": 529}), "Overloaded"),
            ("server_error", json!({"api_error_status": 500}), "Overloaded"),
            ("unknown", json!({"api_error_status": null, "result": "API Error: Overloaded"}), "Overloaded"),
            ("server_error", json!({"api_error_status": null, "result": "Request timed out.."}), "Overloaded"),
            ("", json!({"api_error": "connection_failed"}), "Overloaded"),
            (
                "authentication_failed",
                json!({"api_error_status": 401, "result": "OAuth token has expired"}),
                "AuthRequired",
            ),
            ("authentication_failed", json!({"api_error_status": 403}), "AuthRequired"),
            ("authentication_failed", json!({"result": "Not logged in · Please run /login"}), "AuthRequired"),
            ("billing_error", json!({"api_error_status": 400}), "PaymentRequired"),
            ("", json!({"api_error_status": 402}), "PaymentRequired"),
            (
                "invalid_request",
                json!({"api_error_status": 400, "terminal_reason": "prompt_too_long"}),
                "ContextOverflow",
            ),
            ("invalid_request", json!({"api_error_status": 413, "terminal_reason": "image_error"}), "ContextOverflow"),
            (
                "invalid_request",
                json!({"result": "Prompt is too long", "terminal_reason": "completed"}),
                "ContextOverflow",
            ),
            ("model_not_found", json!({"api_error_status": 404}), "Misconfigured"),
            ("max_output_tokens", json!({"terminal_reason": "completed"}), "BadOutput"),
            ("invalid_request", json!({"stop_reason": "refusal"}), "Refused"),
            ("invalid_request", json!({"api_error_status": 400, "result": "bad"}), "Crashed"),
            ("", json!({"subtype": "error_max_budget_usd"}), "MaxTurns"),
            ("", json!({"subtype": "error_during_execution", "errors": ["[ede_diagnostic] x"]}), "Crashed"),
            ("", json!({"subtype": "error_of_a_kind_to_come"}), "Crashed"),
            ("", json!({"is_error": "yes", "subtype": "odd"}), "Crashed"),
        ] {
            assert_eq!(name(&failed(error, fields.clone())), expected, "{error} {fields}");
        }
    }

    #[test]
    fn success_is_believed_only_where_all_say_so() {
        let of = |fields, code| ended("", fields, code).outcome;
        assert_eq!(of(json!({"is_error": false, "result": "done"}), 0), Ok(Answer::Said("done".to_owned())));
        assert!(
            matches!(of(json!({"result": "API Error"}), 0), Err(AgentError::Crashed { code: 0, .. })),
            "exit 0, an error"
        );
        assert!(
            matches!(of(json!({"is_error": false}), 1), Err(AgentError::Crashed { code: 1, .. })),
            "no error, exit 1"
        );
    }

    #[test]
    fn a_conversation_that_is_not_there_is_missed_only_by_who_went_on_with_it() {
        let result = r#"{"type":"result","subtype":"error_during_execution","is_error":true,"session_id":"s-1",
            "errors":["No conversation found with session ID: s-1"]}"#
            .replace('\n', "");
        let mut invocation = invocation(Path::new("/home/u"));
        let alone = play(&Claude, &invocation, &result, How::Code(1), "");
        assert!(matches!(alone.outcome, Err(AgentError::Crashed { .. })));
        invocation.session = Some(Session { id: "s-1".to_owned(), reported: Spend::default() });
        let resumed = play(&Claude, &invocation, &result, How::Code(1), "");
        assert_eq!((resumed.outcome, resumed.told), (Ok(Answer::NoSession), Vec::new()));
    }

    #[test]
    fn a_run_without_an_end_has_crashed_and_one_that_never_began_was_called_wrongly() {
        let of = |stream: &str, stderr: &str| {
            play(&Claude, &invocation(Path::new("/h")), stream, How::Code(1), stderr).outcome
        };
        let cut = of(&format!("{INIT}\nnot json"), "Segmentation fault");
        assert_eq!(cut, Err(AgentError::Crashed { code: 1, tail: "not json\nSegmentation fault".to_owned() }));
        for said in [
            "error: unknown option '--nope'",
            "Error: Invalid MCP configuration:\nMCP config file not found: /nope.json",
        ] {
            assert!(matches!(of("", said), Err(AgentError::Misconfigured { .. })), "{said}");
        }
        let taken = of("", "Error: Session ID 11111111-1111-8111-8111-111111111111 is already in use.");
        assert!(matches!(taken, Err(AgentError::Crashed { .. })));
    }

    /// What a run of a conversation uses, of which `reported` was reported before.
    fn used(version: &str, reported: u64, own: u64, total: u64) -> (u64, u64) {
        let init = INIT.replace("2.1.329", version);
        let result = json!({"type": "result", "subtype": "success", "is_error": false, "result": "", "session_id": "s-1",
            "usage": {"input_tokens": own}, "modelUsage": {"m": {"inputTokens": total}}});
        let mut invocation = invocation(Path::new("/home/u"));
        let reported = Spend { input: reported, ..Spend::default() };
        invocation.session = Some(Session { id: "s-1".to_owned(), reported });
        let played = play(&Claude, &invocation, &format!("{init}\n{result}"), How::Code(0), "");
        (played.spent().input, played.session().unwrap().reported.input)
    }

    #[test]
    fn what_was_told_before_is_not_told_again() {
        assert_eq!(used("2.1.329", 100, 100, 200), (100, 200), "a sum over the conversation");
        assert_eq!(used("2.1.329", 100, 50, 300), (200, 300), "with a sub-agent of 150");
        assert_eq!(used("2.1.197", 100, 100, 250), (250, 100), "an old one, of this run alone");
        assert_eq!(used("2.1.250", 100, 100, 100), (100, 100), "one that nobody has seen, of this run alone");
        assert_eq!(used("2.1.329", 100, 0, 0), (0, 100), "nothing, since it failed at once");
        assert_eq!(used("odd", 100, 100, 200), (100, 200));
    }

    #[test]
    fn what_a_message_used_is_told_once_and_the_rest_with_the_result() {
        let message = |id: &str, input: u64, output: u64| {
            let usage = json!({"input_tokens": input, "output_tokens": output});
            json!({"type": "assistant", "message": {"id": id, "content": [], "usage": usage}}).to_string()
        };
        let cut = [INIT.to_owned(), message("m-1", 30, 1), message("m-1", 30, 4), message("m-2", 40, 2)].join("\n");
        let of = |stream: &str| play(&Claude, &invocation(Path::new("/h")), stream, How::Stopped, "").spent();
        assert_eq!(of(&cut), Spend { input: 70, output: 6, ..Spend::default() });
        let result = json!({"type": "result", "subtype": "success", "is_error": false, "total_cost_usd": 0.5,
            "modelUsage": {"m": {"inputTokens": 75, "outputTokens": 60}}});
        assert_eq!(of(&format!("{cut}\n{result}")), Spend { micros: 500_000, input: 75, cached: 0, output: 60 });
    }

    #[test]
    fn a_login_may_be_renewed_before_its_refusal_counts() {
        let retry = |attempt| {
            json!({"type": "system", "subtype": "api_retry", "attempt": attempt, "error_status": 401}).to_string()
        };
        let stream = [INIT.to_owned(), retry(1), retry(2)].join("\n");
        let played = play(&Claude, &invocation(Path::new("/h")), &stream, How::Stopped, "");
        assert_eq!(played.steps, [Step::Progress, Step::Alive, Step::Enough]);
        assert!(matches!(played.outcome, Err(AgentError::AuthRequired { .. })));
    }

    #[test]
    fn a_limit_that_was_lifted_meanwhile_is_none() {
        let event = |status: &str| {
            json!({"type": "rate_limit_event", "rate_limit_info": {"status": status, "resetsAt": 5}}).to_string()
        };
        let result =
            json!({"type": "result", "subtype": "success", "is_error": true, "api_error_status": 429}).to_string();
        let stream = [event("rejected"), event("allowed_warning"), result].join("\n");
        let played = play(&Claude, &invocation(Path::new("/h")), &stream, How::Code(1), "");
        assert!(matches!(played.outcome, Err(AgentError::RateLimited { until: Timestamp(0), .. })));
    }

    /// Values that are of every type but the right one.
    fn odd() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            Just(json!(-1)),
            Just(json!(1e300)),
            Just(json!("\u{1b}[2J")),
            Just(json!([[], {}, 7])),
            Just(json!({"content": 3})),
            Just(json!(true)),
        ]
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(
            kinds in prop::collection::vec(("system|assistant|user|result|rate_limit_event|stream_event|x",
                "init|api_retry|permission_denied|success|error_max_turns|error_during_execution|x"), 1..6),
            fields in prop::collection::vec(("message|session_id|result|usage|modelUsage|errors|is_error|total_cost_usd|api_error_status\
                |structured_output|permission_denials|rate_limit_info|attempt|error_status|claude_code_version", odd()), 0..9),
            cut in 0usize..400,
        ) {
            let line = |(kind, subtype): &(String, String)| {
                let mut line = json!({"type": kind, "subtype": subtype});
                line.as_object_mut().unwrap().extend(fields.iter().cloned());
                line.to_string()
            };
            let whole = kinds.iter().map(line).collect::<Vec<_>>().join("\n");
            let end = whole.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(whole.len());
            for stream in [&whole[..], &whole[..end]] {
                let _ = play(&Claude, &invocation(Path::new("/h")), stream, How::Code(0), "");
            }
        }

        #[test]
        fn garbage_is_no_end(garbage in "\\PC{0,80}") {
            let played = play(&Claude, &invocation(Path::new("/h")), &garbage, How::Code(0), "");
            prop_assert!(played.outcome.is_err());
        }
    }
}
