//! OpenAI's chat completions, as opencode asks for them.

use super::{
    asked::{Reading, Request, Told, list, text_of, word},
    provider::{Failure, Frames, Provider, Stop, Turn, data, pieces, split},
    reply::Fault,
};
use serde_json::{Value, json};
use std::time::SystemTime;

pub(super) struct Chat;

impl Provider for Chat {
    fn read(&self, request: &Request) -> Reading {
        let body = &request.body;
        let mut reading = Reading {
            is_streamed: body["stream"] == true,
            model: word(body, "model").to_owned(),
            tools: list(body, "tools").map(|tool| word(&tool["function"], "name").to_owned()).collect(),
            ..Reading::default()
        };
        for message in list(body, "messages") {
            let text = text_of(&message["content"]);
            match word(message, "role") {
                "system" | "developer" => reading.system.push(text),
                "tool" => reading.told.push(Told::Result(text)),
                "assistant" => {
                    let calls = list(message, "tool_calls").map(|call| text_of(&call["function"]["arguments"]));
                    reading.told.extend([text].into_iter().chain(calls).map(Told::Model));
                }
                _ => reading.told.push(Told::User(text)),
            }
        }
        reading.is_side =
            reading.tools.is_empty() && reading.system.iter().any(|text| text.contains("You are a title generator"));
        reading
    }

    fn stream(&self, turn: &Turn) -> Frames {
        let chunk = |delta: Value, reason: Value| {
            json!({
                "id": format!("chatcmpl-{}", turn.number),
                "object": "chat.completion.chunk",
                "created": 1,
                "model": turn.model,
                "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
            })
        };
        let mut events = vec![(false, data(&chunk(json!({"role": "assistant", "content": ""}), Value::Null)))];
        for text in pieces(&turn.text) {
            events.push((true, data(&chunk(json!({"content": text}), Value::Null))));
        }
        for (index, mut call) in calls(turn).into_iter().enumerate() {
            call["index"] = json!(index);
            events.push((false, data(&chunk(json!({"tool_calls": [call]}), Value::Null))));
        }
        let mut counted = chunk(Value::Null, Value::Null);
        counted["choices"] = json!([]);
        counted["usage"] = usage(turn);
        let end = chunk(json!({}), json!(finish_reason(turn.stop)));
        split(events, vec![data(&end), data(&counted), "data: [DONE]\n\n".to_owned()])
    }

    fn whole(&self, turn: &Turn) -> Value {
        let mut message = json!({"role": "assistant", "content": turn.text});
        if !turn.calls.is_empty() {
            message["tool_calls"] = json!(calls(turn));
        }
        json!({
            "id": format!("chatcmpl-{}", turn.number),
            "object": "chat.completion",
            "created": 1,
            "model": turn.model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason(turn.stop)}],
            "usage": usage(turn),
        })
    }

    fn failure(&self, fault: &Fault, model: &str) -> Failure {
        openai_failure(fault, model)
    }

    fn failure_in_stream(&self, failure: &Failure) -> String {
        data(&failure.body)
    }
}

/// A failure as OpenAI tells it. The two protocols differ only in what is said of a usage limit.
pub(super) fn openai_failure(fault: &Fault, model: &str) -> Failure {
    let failure = |status: u16, kind: &str, code: &str, message: &str| {
        Failure::new(status, json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
    };
    let limited = || failure(429, "requests", "rate_limit_exceeded", "Rate limit reached for requests.");
    match fault {
        Fault::RateLimited { retry_after } => limited().retry_after(*retry_after),
        Fault::MinuteQuota { retry_after } => limited().retry_after(Some(*retry_after)),
        Fault::UsageLimit { resets_at } => limited().retry_after(Some(resets_at.saturating_sub(now()))),
        Fault::NoCredit => failure(
            429,
            "insufficient_quota",
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        Fault::Overloaded => {
            failure(503, "service_unavailable", "server_is_overloaded", "The server is overloaded. Try again later.")
        }
        Fault::Internal => failure(500, "server_error", "server_error", "The server had an error."),
        Fault::Unauthorized => {
            failure(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: dummy.")
        }
        Fault::Forbidden => failure(403, "invalid_request_error", "forbidden", "You may not use this."),
        Fault::UnknownModel => failure(
            404,
            "invalid_request_error",
            "model_not_found",
            &format!("The model `{model}` does not exist or you do not have access to it."),
        ),
        Fault::TooLong => failure(
            400,
            "invalid_request_error",
            "context_length_exceeded",
            "This model's maximum context length is 200000 tokens.",
        ),
        Fault::TooLarge => failure(413, "invalid_request_error", "request_too_large", "The request is too large."),
        Fault::Invalid => failure(400, "invalid_request_error", "invalid_value", "Something is wrong with the input."),
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::Done => "stop",
        Stop::Calls => "tool_calls",
        Stop::MaxTokens => "length",
        Stop::Refused => "content_filter",
    }
}

fn usage(turn: &Turn) -> Value {
    json!({
        "prompt_tokens": turn.usage.input_with_cached(),
        "completion_tokens": turn.usage.output,
        "total_tokens": turn.usage.input_with_cached() + turn.usage.output,
        "prompt_tokens_details": {"cached_tokens": turn.usage.cached},
    })
}

fn calls(turn: &Turn) -> Vec<Value> {
    let one = |(at, call): (usize, &super::provider::Call)| {
        json!({
            "id": format!("call_{}_{at}", turn.number),
            "type": "function",
            "function": {"name": call.name, "arguments": call.input.to_string()},
        })
    };
    turn.calls.iter().enumerate().map(one).collect()
}
