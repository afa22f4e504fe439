//! Anthropic's messages, as claude asks for them.

use super::{
    asked::{Reading, Request, Told, list, text_of, word},
    provider::{Failure, Frames, Provider, Stop, Turn, event, pieces, split},
    reply::Fault,
    tools::SEARCH,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) struct Anthropic;

impl Provider for Anthropic {
    fn read(&self, request: &Request) -> Reading {
        let body = &request.body;
        // Newer models are told some of it in the middle of the conversation.
        let later =
            list(body, "messages").filter(|message| message["role"] == "system").map(|it| text_of(&it["content"]));
        let system: Vec<String> = [text_of(&body["system"])].into_iter().chain(later).collect();
        let told = told(body);
        let tools: Vec<String> = list(body, "tools").map(|tool| word(tool, "name").to_owned()).collect();
        Reading {
            is_side: is_side(&tools, &system, &told),
            is_streamed: body["stream"] == true,
            model: word(body, "model").to_owned(),
            tools,
            told,
            system,
        }
    }

    fn stream(&self, turn: &Turn) -> Frames {
        let mut message = self.whole(turn);
        message["content"] = json!([]);
        message["stop_reason"] = Value::Null;
        message["usage"]["output_tokens"] = json!(1);
        let mut events = vec![(false, event(&json!({"type": "message_start", "message": message})))];
        for (index, block) in blocks(turn).into_iter().enumerate() {
            let mut start = block.clone();
            let deltas: Vec<Value> = if block["type"] == "text" {
                start["text"] = json!("");
                pieces(&turn.text).into_iter().map(|text| json!({"type": "text_delta", "text": text})).collect()
            } else {
                start["input"] = json!({});
                vec![json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})]
            };
            let block = json!({"type": "content_block_start", "index": index, "content_block": start});
            events.push((false, event(&block)));
            for delta in deltas {
                let is_text = delta["type"] == "text_delta";
                let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
                events.push((is_text, event(&delta)));
            }
            events.push((false, event(&json!({"type": "content_block_stop", "index": index}))));
        }
        let end = json!({
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason(turn.stop), "stop_sequence": null},
            "usage": {"output_tokens": turn.usage.output},
        });
        split(events, vec![event(&end), event(&json!({"type": "message_stop"}))])
    }

    fn whole(&self, turn: &Turn) -> Value {
        json!({
            "id": format!("msg_{:024}", turn.number),
            "type": "message",
            "role": "assistant",
            "model": turn.model,
            "content": blocks(turn),
            "stop_reason": stop_reason(turn.stop),
            "stop_sequence": null,
            "usage": {
                "input_tokens": turn.usage.input,
                "cache_creation_input_tokens": turn.usage.written,
                "cache_read_input_tokens": turn.usage.cached,
                "output_tokens": turn.usage.output,
            },
        })
    }

    fn failure(&self, fault: &Fault, model: &str) -> Failure {
        let failure = |status: u16, kind: &str, message: &str| {
            let body =
                json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"});
            Failure::new(status, body).with("request-id", "req_scripted")
        };
        let limited = || failure(429, "rate_limit_error", "This request would exceed the rate limit of your account.");
        match fault {
            Fault::RateLimited { retry_after } => limited().retry_after(*retry_after),
            Fault::MinuteQuota { retry_after } => limited().retry_after(Some(*retry_after)),
            Fault::UsageLimit { resets_at } => limited()
                .with("anthropic-ratelimit-unified-status", "rejected")
                .with("anthropic-ratelimit-unified-reset", resets_at)
                .with("anthropic-ratelimit-unified-representative-claim", "five_hour")
                .with("anthropic-ratelimit-unified-overage-status", "rejected"),
            Fault::NoCredit => failure(
                400,
                "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
            ),
            Fault::Overloaded => failure(529, "overloaded_error", "Overloaded"),
            Fault::Internal => failure(500, "api_error", "Internal server error"),
            Fault::Unauthorized => failure(401, "authentication_error", "invalid x-api-key"),
            Fault::Forbidden => failure(403, "permission_error", "Your account may not use this."),
            Fault::UnknownModel => failure(404, "not_found_error", &format!("model: {model}")),
            Fault::TooLong => {
                failure(400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum")
            }
            Fault::TooLarge => failure(413, "request_too_large", "Request exceeds the maximum size"),
            Fault::Invalid => failure(400, "invalid_request_error", "messages: something is wrong with them"),
        }
    }

    fn failure_in_stream(&self, failure: &Failure) -> String {
        format!("event: error\ndata: {}\n\n", failure.body)
    }
}

fn stop_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::Done => "end_turn",
        Stop::Calls => "tool_use",
        Stop::MaxTokens => "max_tokens",
        Stop::Refused => "refusal",
    }
}

/// The blocks of an answer: text, then calls.
fn blocks(turn: &Turn) -> Vec<Value> {
    let text = (!turn.text.is_empty()).then(|| json!({"type": "text", "text": turn.text}));
    let calls = turn.calls.iter().enumerate().map(|(at, call)| {
        json!({"type": "tool_use", "id": format!("toolu_{:020}_{at}", turn.number), "name": call.name, "input": call.input})
    });
    text.into_iter().chain(calls).collect()
}

/// Behind ACP, claude asks for a title of the session, and when a turn is over for what a person might say next.
fn is_side(tools: &[String], system: &[String], told: &[Told]) -> bool {
    let is_title = tools.is_empty() && system.iter().any(|text| text.contains("naming a coding session"));
    is_title || matches!(told.last(), Some(Told::User(text)) if text.starts_with("[SUGGESTION MODE: "))
}

fn told(body: &Value) -> Vec<Told> {
    let mut told = Vec::new();
    let mut searches = BTreeSet::new();
    for message in list(body, "messages").filter(|message| message["role"] != "system") {
        let is_user = message["role"] != "assistant";
        let say = |text: String| if is_user { Told::User(text) } else { Told::Model(text) };
        if let Value::String(text) = &message["content"] {
            told.push(say(text.clone()));
            continue;
        }
        let has_results = list(message, "content").any(|block| block["type"] == "tool_result");
        for block in list(message, "content") {
            match word(block, "type") {
                "tool_use" => {
                    if block["name"] == SEARCH {
                        searches.insert(word(block, "id"));
                    }
                    told.push(Told::Model(block["input"].to_string()));
                }
                "tool_result" if searches.contains(word(block, "tool_use_id")) => {
                    told.push(Told::OwnResult(text_of(&block["content"])));
                }
                "tool_result" => told.push(Told::Result(text_of(&block["content"]))),
                // What stands beside a result is the command line's comment on it.
                _ if has_results => told.push(Told::OwnResult(text_of(block))),
                _ => told.push(say(text_of(block))),
            }
        }
    }
    told
}
