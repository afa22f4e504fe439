//! OpenAI's responses, as codex asks for them.
//!
//! Codex offers tools in two ways. Newer models get a single tool `exec` that runs JavaScript, in which the others are functions; models that
//! this version does not know get each tool by itself.

use super::{
    asked::{Reading, Request, Told, list, text_of, word},
    chat::openai_failure,
    provider::{Call, Failure, Frames, Provider, Stop, Turn, event, pieces, split},
    reply::Fault,
};
use serde_json::{Value, json};

/// The tool that runs JavaScript.
const EXEC: &str = "exec";

pub(super) struct Responses;

impl Provider for Responses {
    fn read(&self, request: &Request) -> Reading {
        let body = &request.body;
        let mut reading = Reading {
            is_streamed: body["stream"] == true,
            model: word(body, "model").to_owned(),
            system: vec![text_of(&body["instructions"])],
            tools: offered(body).map(|offer| offer.full_name()).collect(),
            ..Reading::default()
        };
        let exec = offered(body).find(|offer| offer.name() == EXEC);
        reading
            .tools
            .extend(exec.into_iter().flat_map(|exec| nested(word(exec.tool, "description"))).map(str::to_owned));
        for item in list(body, "input") {
            match (word(item, "type"), word(item, "role")) {
                ("message" | "", "assistant") => reading.told.push(Told::Model(text_of(&item["content"]))),
                ("message" | "", "user") => {
                    // Each part by itself: what codex adds may stand in one message with what a person said.
                    reading.told.extend(list(item, "content").map(|part| Told::User(text_of(part))));
                }
                ("message" | "", _) => reading.system.push(text_of(&item["content"])),
                ("function_call", _) => reading.told.push(Told::Model(text_of(&item["arguments"]))),
                ("custom_tool_call", _) => reading.told.push(Told::Model(text_of(&item["input"]))),
                ("function_call_output" | "custom_tool_call_output", _) => {
                    reading.told.push(Told::Result(text_of(&item["output"])));
                }
                _ => {}
            }
        }
        reading
    }

    fn stream(&self, turn: &Turn) -> Frames {
        let started = json!({"type": "response.created", "response": {"id": id(turn), "status": "in_progress"}});
        let mut events = vec![(false, event(&started))];
        for (index, item) in items(turn).into_iter().enumerate() {
            let added = json!({"type": "response.output_item.added", "output_index": index, "item": begun(&item)});
            events.push((false, event(&added)));
            if item["type"] == "message" {
                for text in pieces(&turn.text) {
                    let delta = json!({
                        "type": "response.output_text.delta",
                        "item_id": item["id"],
                        "output_index": index,
                        "content_index": 0,
                        "delta": text,
                    });
                    events.push((true, event(&delta)));
                }
            }
            let done = json!({"type": "response.output_item.done", "output_index": index, "item": item});
            events.push((false, event(&done)));
        }
        let whole = self.whole(turn);
        let kind = format!("response.{}", word(&whole, "status"));
        split(events, vec![event(&json!({"type": kind, "response": whole}))])
    }

    fn whole(&self, turn: &Turn) -> Value {
        let reason = match turn.stop {
            Stop::Done | Stop::Calls => None,
            Stop::MaxTokens => Some("max_output_tokens"),
            Stop::Refused => Some("content_filter"),
        };
        json!({
            "id": id(turn),
            "object": "response",
            "model": turn.model,
            "status": if reason.is_some() { "incomplete" } else { "completed" },
            "incomplete_details": reason.map(|reason| json!({"reason": reason})),
            "output": items(turn),
            "usage": {
                "input_tokens": turn.usage.input_with_cached(),
                "input_tokens_details": {"cached_tokens": turn.usage.cached},
                "output_tokens": turn.usage.output,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": turn.usage.input_with_cached() + turn.usage.output,
            },
        })
    }

    fn failure(&self, fault: &Fault, model: &str) -> Failure {
        match fault {
            Fault::UsageLimit { resets_at } => {
                let error = json!({
                    "type": "usage_limit_reached",
                    "message": "The usage limit has been reached",
                    "plan_type": "plus",
                    "resets_at": resets_at,
                });
                Failure::new(429, json!({"error": error}))
            }
            other => openai_failure(other, model),
        }
    }

    fn failure_in_stream(&self, failure: &Failure) -> String {
        let error = &failure.body["error"];
        let code = error.get("code").or_else(|| error.get("type"));
        let response = json!({
            "id": "resp_failed",
            "object": "response",
            "status": "failed",
            "error": {"code": code, "message": error["message"]},
        });
        event(&json!({"type": "response.failed", "response": response}))
    }
}

/// A call of a tool, in the way in which this request offers it.
pub(super) fn call(body: &Value, name: &str, input: Value) -> Call {
    let found = offered(body).find(|offer| offer.full_name() == name);
    let has_exec = offered(body).any(|offer| offer.name() == EXEC && offer.tool["type"] == "custom");
    if found.is_none() && has_exec {
        let script = format!(
            "const result = await tools.{name}({input});\ntext(typeof result === \"string\" ? result : JSON.stringify(result));\n"
        );
        return Call { name: EXEC.to_owned(), input: Value::String(script), namespace: None, is_custom: true };
    }
    let is_custom = found.as_ref().is_some_and(|offer| offer.tool["type"] == "custom");
    let namespace = found.as_ref().and_then(|offer| offer.namespace).filter(|space| *space != "functions");
    Call {
        name: found.as_ref().map_or(name, Offer::name).to_owned(),
        input,
        namespace: namespace.map(str::to_owned),
        is_custom,
    }
}

/// One tool, and the namespace that it stands in.
struct Offer<'a> {
    namespace: Option<&'a str>,
    tool: &'a Value,
}

impl<'a> Offer<'a> {
    fn name(&self) -> &'a str {
        word(self.tool, "name")
    }

    /// As codex names the tool elsewhere: MCP tools stand in a namespace that is a part of their name.
    fn full_name(&self) -> String {
        match self.namespace {
            Some(space) if space.starts_with("mcp__") => {
                format!("{}__{}", space.trim_end_matches('_'), self.name().trim_start_matches('_'))
            }
            _ => self.name().to_owned(),
        }
    }
}

fn offered(body: &Value) -> impl Iterator<Item = Offer<'_>> {
    let added = list(body, "input").filter(|item| item["type"] == "additional_tools");
    added.flat_map(|item| list(item, "tools")).chain(list(body, "tools")).flat_map(|tool| {
        let is_space = tool["type"] == "namespace";
        let within = list(tool, "tools").map(|inner| Offer { namespace: Some(word(tool, "name")), tool: inner });
        let alone = (!is_space).then_some(Offer { namespace: None, tool });
        within.chain(alone)
    })
}

/// The functions that `exec` describes: each has a heading with its name.
fn nested(description: &str) -> impl Iterator<Item = &str> {
    description.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
}

fn id(turn: &Turn) -> String {
    format!("resp_{:024}", turn.number)
}

/// An item as it is before anything was said.
fn begun(item: &Value) -> Value {
    let mut begun = item.clone();
    for (key, nothing) in [("content", json!([])), ("arguments", json!("")), ("input", json!(""))] {
        if begun.get(key).is_some() {
            begun[key] = nothing;
        }
    }
    begun
}

fn items(turn: &Turn) -> Vec<Value> {
    let part = match turn.stop {
        Stop::Refused => json!({"type": "refusal", "refusal": "I cannot help with that."}),
        _ => json!({"type": "output_text", "text": turn.text, "annotations": []}),
    };
    let is_silent = turn.text.is_empty() && turn.stop != Stop::Refused;
    let message = (!is_silent).then(
        || json!({"type": "message", "id": format!("msg_{:024}", turn.number), "role": "assistant", "content": [part]}),
    );
    let calls = turn.calls.iter().enumerate().map(|(at, call)| {
        let mut item = json!({"call_id": format!("call_{}_{at}", turn.number), "name": call.name});
        if let Some(namespace) = &call.namespace {
            item["namespace"] = json!(namespace);
        }
        if call.is_custom {
            item["type"] = json!("custom_tool_call");
            item["id"] = json!(format!("ctc_{}_{at}", turn.number));
            item["input"] = json!(text_of(&call.input));
        } else {
            item["type"] = json!("function_call");
            item["id"] = json!(format!("fc_{}_{at}", turn.number));
            item["arguments"] = json!(call.input.to_string());
        }
        item
    });
    message.into_iter().chain(calls).collect()
}
