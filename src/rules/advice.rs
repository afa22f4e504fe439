//! What the coordinator says of a task that keeps failing: try once more, in this way; or a person has to see to it.

use serde::Deserialize;

/// What [`advice`] reads, as a JSON Schema that strict providers take.
pub const ADVICE_SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"required":["decision","advice"],"properties":{"decision":{"type":"string","enum":["retry","split","return"]},"advice":{"type":"string"}}}"#;

/// What is to become of a task that keeps failing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Once more, with this advice.
    Retry(String),
    /// A person has to see to it, for this reason. A task that should be split is one: its author splits it.
    Return(String),
}

#[derive(Deserialize)]
struct Spoken {
    decision: String,
    advice: String,
}

/// Reads what the coordinator said: the whole of it, or its last fenced block, is one JSON object.
///
/// # Errors
/// Why it cannot be read.
pub fn advice(said: &str) -> Result<Advice, String> {
    let text = said.trim();
    let spoken: Spoken = match serde_json::from_str(text) {
        Ok(spoken) => spoken,
        Err(_) => {
            let none = |_| "it is no JSON object, and no fenced JSON block ends it".to_owned();
            let block = super::verdict::last_fence(text).map_err(none)?;
            serde_json::from_str(block).map_err(|error| error.to_string())?
        }
    };
    if spoken.advice.trim().is_empty() {
        return Err("it says no `advice`".to_owned());
    }
    match &*spoken.decision {
        "retry" => Ok(Advice::Retry(spoken.advice)),
        "return" => Ok(Advice::Return(spoken.advice)),
        "split" => Ok(Advice::Return(format!("the task should be split: {}", spoken.advice))),
        other => Err(format!("`{other}` is no decision: write `retry`, `split` or `return`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coordinator_decides_between_once_more_and_a_person() {
        let said =
            |decision: &str| format!("So:\n```json\n{{\"decision\": \"{decision}\", \"advice\": \"do x\"}}\n```");
        assert_eq!(advice(&said("retry")), Ok(Advice::Retry("do x".into())));
        assert_eq!(advice("{\"decision\": \"return\", \"advice\": \"no\"}"), Ok(Advice::Return("no".into())));
        assert_eq!(advice(&said("split")), Ok(Advice::Return("the task should be split: do x".into())));
        for unreadable in ["", "try again", &said("maybe"), "{\"decision\": \"retry\", \"advice\": \" \"}"] {
            assert!(advice(unreadable).is_err(), "{unreadable}");
        }
    }
}
