//! What the server answers by itself: nobody's script should have to know that command lines ask for titles.

use super::{
    asked::{Api, Asked},
    reply::Reply,
};
use serde_json::{Map, Value, json};

/// Which protocol a path belongs to, and what the server answers there by itself.
pub(super) fn route(method: &str, path: &str) -> (Api, Option<(u16, Value)>) {
    let api = match path {
        "/v1/messages" | "/v1/messages/count_tokens" => Api::Anthropic,
        "/v1/responses" => Api::Responses,
        "/v1/chat/completions" => Api::Chat,
        path if path.contains("/models/") && path.contains(':') => Api::Gemini,
        _ => Api::Chat,
    };
    let own = if path.ends_with("/count_tokens") {
        Some((200, json!({"input_tokens": 10})))
    } else if path.ends_with(":countTokens") {
        Some((200, json!({"totalTokens": 10})))
    } else if path.ends_with("/models") {
        Some((200, json!({"object": "list", "data": [], "models": []})))
    } else if method == "POST" && (api != Api::Chat || path == "/v1/chat/completions") {
        None
    } else {
        Some((404, json!({"error": {"message": "no such path", "type": "not_found_error", "code": 404}})))
    };
    (api, own)
}

/// The answer to a question that the command line asks for itself.
pub(super) fn reply(asked: &Asked) -> Reply {
    let places =
        ["/generationConfig/responseJsonSchema", "/generationConfig/responseSchema", "/output_config/format/schema"];
    match places.iter().find_map(|place| asked.body.pointer(place)) {
        Some(schema) => Reply::say(sample(schema).to_string()),
        None => Reply::say("A title"),
    }
}

/// The plainest value of a schema: no, none, nothing, and the first of what may be chosen.
fn sample(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str().unwrap_or_default().to_lowercase().as_str() {
        "object" => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            Value::Object(properties.map(|(name, schema)| (name.clone(), sample(schema))).collect::<Map<_, _>>())
        }
        "array" => json!([]),
        "boolean" => json!(false),
        "integer" | "number" => json!(0),
        _ => json!("A title"),
    }
}
