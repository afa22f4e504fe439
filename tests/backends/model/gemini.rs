//! Gemini's `generateContent`, as gemini asks for it.

use super::{
    asked::{Reading, Request, Told, list, text_of, word},
    provider::{Failure, Frames, Provider, Stop, Turn, data, pieces, split},
    reply::Fault,
};
use serde_json::{Value, json};

pub(super) struct Gemini;

impl Provider for Gemini {
    fn read(&self, request: &Request) -> Reading {
        let body = &request.body;
        let (_, rest) = request.path.split_once("/models/").unwrap_or_default();
        let (model, method) = rest.split_once(':').unwrap_or_default();
        let tools: Vec<String> = list(body, "tools")
            .flat_map(|group| list(group, "functionDeclarations"))
            .map(|tool| word(tool, "name").to_owned())
            .collect();
        Reading {
            // Whatever is asked for as JSON is for the command line itself: who speaks next, whether it turns in circles.
            is_side: body["generationConfig"].get("responseMimeType").is_some_and(|kind| kind == "application/json"),
            is_streamed: method == "streamGenerateContent",
            model: model.to_owned(),
            system: vec![text_of(&body["systemInstruction"]["parts"])],
            tools,
            told: list(body, "contents").flat_map(told).collect(),
        }
    }

    fn stream(&self, turn: &Turn) -> Frames {
        let chunk =
            |parts: Vec<Value>| json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}]});
        let mut events: Vec<(bool, String)> =
            pieces(&turn.text).into_iter().map(|text| (true, chunk(vec![json!({"text": text})]))).map(marked).collect();
        if !turn.calls.is_empty() {
            events.push(marked((false, chunk(calls(turn)))));
        }
        let mut last = chunk(Vec::new());
        last["candidates"][0]["finishReason"] = json!(finish_reason(turn.stop));
        last["usageMetadata"] = usage(turn);
        last["modelVersion"] = json!(turn.model);
        split(events, vec![data(&last)])
    }

    fn whole(&self, turn: &Turn) -> Value {
        let mut parts = vec![json!({"text": turn.text})];
        parts.extend(calls(turn));
        json!({
            "candidates": [{
                "index": 0,
                "content": {"role": "model", "parts": parts},
                "finishReason": finish_reason(turn.stop),
            }],
            "usageMetadata": usage(turn),
            "modelVersion": turn.model,
        })
    }

    fn failure(&self, fault: &Fault, model: &str) -> Failure {
        let failure = |code: u16, status: &str, message: &str, details: Value| {
            let error = json!({"code": code, "message": message, "status": status, "details": details});
            Failure::new(code, json!({"error": error}))
        };
        let exhausted =
            |details| failure(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", details);
        let retry = |seconds: u64| json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s")});
        let quota = |of: &str| {
            let violation = json!({
                "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                "quotaId": format!("GenerateRequestsPer{of}PerProjectPerModel-FreeTier"),
                "quotaDimensions": {"model": model, "location": "global"},
                "quotaValue": "50",
            });
            json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]})
        };
        let none = || json!([]);
        match fault {
            Fault::RateLimited { retry_after: None } => exhausted(none()),
            Fault::RateLimited { retry_after: Some(seconds) } => exhausted(json!([retry(*seconds)])),
            Fault::UsageLimit { .. } => exhausted(json!([quota("Day")])),
            Fault::MinuteQuota { retry_after } => exhausted(json!([quota("Minute"), retry(*retry_after)])),
            Fault::NoCredit => {
                failure(403, "PERMISSION_DENIED", "This API method requires billing to be enabled.", none())
            }
            Fault::Overloaded => {
                failure(503, "UNAVAILABLE", "The model is overloaded. Please try again later.", none())
            }
            Fault::Internal => failure(500, "INTERNAL", "An internal error has occurred.", none()),
            Fault::Unauthorized => failure(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                json!([{
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID",
                    "domain": "googleapis.com",
                }]),
            ),
            Fault::Forbidden => failure(403, "PERMISSION_DENIED", "The caller does not have permission.", none()),
            Fault::UnknownModel => {
                failure(404, "NOT_FOUND", &format!("models/{model} is not found for API version v1beta."), none())
            }
            Fault::TooLong => failure(
                400,
                "INVALID_ARGUMENT",
                "The input token count (1250000) exceeds the maximum number of tokens allowed (1048576).",
                none(),
            ),
            Fault::TooLarge => failure(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit.", none()),
            Fault::Invalid => failure(400, "INVALID_ARGUMENT", "Something is wrong with the contents.", none()),
        }
    }

    fn failure_in_stream(&self, failure: &Failure) -> String {
        data(&failure.body)
    }
}

fn marked((is_text, chunk): (bool, Value)) -> (bool, String) {
    (is_text, data(&chunk))
}

fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::Done | Stop::Calls => "STOP",
        Stop::MaxTokens => "MAX_TOKENS",
        Stop::Refused => "SAFETY",
    }
}

fn usage(turn: &Turn) -> Value {
    json!({
        "promptTokenCount": turn.usage.input_with_cached(),
        "cachedContentTokenCount": turn.usage.cached,
        "candidatesTokenCount": turn.usage.output,
        "totalTokenCount": turn.usage.input_with_cached() + turn.usage.output,
    })
}

fn calls(turn: &Turn) -> Vec<Value> {
    turn.calls.iter().map(|call| json!({"functionCall": {"name": call.name, "args": call.input}})).collect()
}

fn told(content: &Value) -> Vec<Told> {
    let is_model = content["role"] == "model";
    let part = |part: &Value| {
        if let Some(call) = part.get("functionCall") {
            Told::Model(call["args"].to_string())
        } else if let Some(result) = part.get("functionResponse") {
            let response = &result["response"];
            Told::Result(text_of(response.get("output").unwrap_or(response)))
        } else if is_model {
            Told::Model(text_of(part))
        } else {
            Told::User(text_of(part))
        }
    };
    list(content, "parts").map(part).collect()
}
