//! The span of one call of an agent, and of each tool that it uses, by OpenTelemetry's conventions for generative AI.

use crate::{
    agent::{AgentError, AgentEvent, AgentReport, Invocation},
    run::Spend,
    text,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tracing::{Span, field::Empty};

/// Tools of one call that are at work at the same time, at most: what is more has no span.
const TOOLS_MAX: usize = 256;
/// Characters of a name or an id that an agent says.
const NAME_MAX: usize = 128;

/// A call and its tools, as spans.
#[derive(Clone)]
pub(super) struct Trace {
    span: Span,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    tools: HashMap<String, Span>,
    spend: Spend,
}

impl Trace {
    /// A call begins.
    pub(super) fn begin(program: &str, invocation: &Invocation) -> Trace {
        let name =
            invocation.definition.as_ref().map_or_else(|| invocation.role.name(), |definition| &*definition.name);
        let span = tracing::info_span!(
            "tidegate.agent",
            otel.name = format!("invoke_agent {name}"),
            otel.kind = "client",
            otel.status_code = Empty,
            gen_ai.operation.name = "invoke_agent",
            gen_ai.provider.name = provider(program, invocation.model.as_deref()),
            gen_ai.agent.name = name,
            gen_ai.request.model = invocation.model.as_deref(),
            gen_ai.output.type = invocation.schema.map(|_| "json"),
            gen_ai.conversation.id = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            gen_ai.usage.cache_read.input_tokens = Empty,
            error.r#type = Empty,
            backend = program,
        );
        Trace { span, open: Arc::default() }
    }

    /// The span of the call.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Something happened in it.
    pub(super) fn hear(&self, event: &AgentEvent) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            AgentEvent::ToolCall { id, name, .. } if open.tools.len() < TOOLS_MAX => {
                let name = text::line(name, NAME_MAX);
                let span = tracing::info_span!(
                    parent: &self.span,
                    "tidegate.tool",
                    otel.name = format!("execute_tool {name}"),
                    otel.status_code = Empty,
                    gen_ai.operation.name = "execute_tool",
                    gen_ai.tool.name = name,
                    gen_ai.tool.call.id = text::line(id, NAME_MAX),
                    error.r#type = Empty,
                );
                open.tools.insert(id.clone(), span);
            }
            AgentEvent::ToolResult { id, is_success } => {
                if let Some(span) = open.tools.remove(id).filter(|_| !is_success) {
                    failed(&span, "tool_error");
                }
            }
            AgentEvent::Usage { spend, session } => {
                open.spend = open.spend.plus(*spend);
                if let Some(session) = session {
                    self.span.record("gen_ai.conversation.id", text::line(&session.id, NAME_MAX));
                }
            }
            AgentEvent::ToolCall { .. }
            | AgentEvent::Started
            | AgentEvent::Text(_)
            | AgentEvent::Denied(_)
            | AgentEvent::Finished => {}
        }
    }

    /// The call has ended.
    pub(super) fn end(&self, answer: &Result<AgentReport, AgentError>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.tools.clear();
        let Spend { input, cached, output, .. } = open.spend;
        // Nothing is not zero: not every backend says what it used.
        if open.spend.tokens() > 0 {
            self.span.record("gen_ai.usage.input_tokens", number(input.saturating_add(cached)));
            self.span.record("gen_ai.usage.output_tokens", number(output));
            self.span.record("gen_ai.usage.cache_read.input_tokens", number(cached));
        }
        if let Err(error) = answer {
            failed(&self.span, error.name());
        }
    }
}

fn failed(span: &Span, kind: &str) {
    span.record("error.type", kind).record("otel.status_code", "error");
}

/// A number that is exported as one.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Who provides the model, in the words of the conventions where these have one.
fn provider<'a>(program: &'a str, model: Option<&'a str>) -> &'a str {
    match (program, model.and_then(|model| model.split_once('/'))) {
        ("claude", _) | ("opencode", Some(("anthropic", _))) => "anthropic",
        ("codex", _) | ("opencode", Some(("openai", _))) => "openai",
        ("gemini", _) | ("opencode", Some(("google", _))) => "gcp.gemini",
        (other, _) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agent::{Session, WritePolicy},
        plan::Role,
        process::Limits,
        run::Timestamp,
        telemetry::tests::collected,
    };
    use opentelemetry::{
        Value,
        trace::{SpanKind, Status},
    };
    use opentelemetry_sdk::trace::SpanData;
    use std::{path::PathBuf, time::Duration};

    fn invocation(model: Option<&str>) -> Invocation {
        let second = Duration::from_secs(1);
        Invocation {
            role: Role::Implementation,
            definition: None,
            script: None,
            model: model.map(str::to_owned),
            prompt: "a secret of the prompt".into(),
            again: String::new(),
            cassette: String::new(),
            workspace: PathBuf::new(),
            env: vec![("TOKEN".into(), "a secret of the environment".into())],
            folder: PathBuf::new(),
            home: PathBuf::new(),
            writes: WritePolicy::Workspace,
            limits: Limits { total: second, idle: None, grace: second, output_bytes: 1 },
            turns: 1,
            confines: None,
            session: None,
            schema: Some("{}"),
            servers: Vec::new(),
            at: Timestamp(0),
        }
    }

    fn calls(id: &str, name: &str) -> AgentEvent {
        AgentEvent::ToolCall { id: id.into(), name: name.into(), input: "a secret of the input".into() }
    }

    fn answers(id: &str, is_success: bool) -> AgentEvent {
        AgentEvent::ToolResult { id: id.into(), is_success }
    }

    fn used(input: u64, cached: u64, output: u64) -> AgentEvent {
        let session = Session { id: "s-1".into(), reported: Spend::default() };
        AgentEvent::Usage { spend: Spend { micros: 0, input, cached, output }, session: Some(session) }
    }

    fn said() -> Result<AgentReport, AgentError> {
        Ok(AgentReport { text: "a secret of the answer".into() })
    }

    /// A call in which this is heard, in the span of a job.
    fn call(
        program: &str,
        model: Option<&str>,
        heard: &[AgentEvent],
        answer: &Result<AgentReport, AgentError>,
    ) -> Vec<SpanData> {
        collected(|| {
            let job = tracing::info_span!("tidegate.job").entered();
            let trace = Trace::begin(program, &invocation(model));
            drop(job);
            heard.iter().for_each(|event| trace.hear(event));
            trace.end(answer);
        })
    }

    fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:?}"))
    }

    fn value(span: &SpanData, key: &str) -> Option<Value> {
        span.attributes.iter().find(|field| field.key.as_str() == key).map(|field| field.value.clone())
    }

    #[test]
    fn a_call_is_a_span_of_its_job_with_what_it_used() {
        let spans = call("claude", Some("opus"), &[used(5, 100, 7), used(1, 0, 2)], &said());
        let span = named(&spans, "invoke_agent implementation");
        assert_eq!(span.parent_span_id, named(&spans, "tidegate.job").span_context.span_id());
        assert_eq!((&span.span_kind, &span.status), (&SpanKind::Client, &Status::Unset));
        for (key, expected) in [
            ("gen_ai.operation.name", Value::from("invoke_agent")),
            ("gen_ai.provider.name", Value::from("anthropic")),
            ("gen_ai.agent.name", Value::from("implementation")),
            ("gen_ai.request.model", Value::from("opus")),
            ("gen_ai.output.type", Value::from("json")),
            ("gen_ai.conversation.id", Value::from("s-1")),
            // What came from the cache was sent, too.
            ("gen_ai.usage.input_tokens", Value::I64(106)),
            ("gen_ai.usage.cache_read.input_tokens", Value::I64(100)),
            ("gen_ai.usage.output_tokens", Value::I64(9)),
            ("backend", Value::from("claude")),
        ] {
            assert_eq!(value(span, key), Some(expected), "{key}");
        }
        assert_eq!(value(span, "error.type"), None);
    }

    #[test]
    fn tools_are_children_of_the_call_and_one_that_is_never_answered_ends_with_it() {
        let heard = [
            calls("1", "Bash"),
            calls("2", "Read"),
            answers("1", false),
            answers("9", true),
            calls("3", "Edit"),
            answers("3", true),
        ];
        let spans = call("codex", None, &heard, &said());
        let parent = named(&spans, "invoke_agent implementation").span_context.span_id();
        let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
        assert_eq!(
            names,
            [
                "execute_tool Bash",
                "execute_tool Edit",
                "execute_tool Read",
                "invoke_agent implementation",
                "tidegate.job"
            ]
        );
        for (name, id, error) in [("Bash", "1", Some("tool_error")), ("Edit", "3", None), ("Read", "2", None)] {
            let span = named(&spans, &format!("execute_tool {name}"));
            assert_eq!(span.parent_span_id, parent);
            assert_eq!(value(span, "gen_ai.operation.name"), Some("execute_tool".into()));
            assert_eq!(value(span, "gen_ai.tool.name"), Some(name.into()));
            assert_eq!(value(span, "gen_ai.tool.call.id"), Some(id.into()));
            assert_eq!(value(span, "error.type"), error.map(Value::from));
            assert_eq!(span.status, error.map_or(Status::Unset, |_| Status::error("")));
        }
    }

    #[test]
    fn a_call_that_fails_says_as_what_and_not_with_which_words() {
        let spans =
            call("gemini", None, &[], &Err(AgentError::GaveUp { code: 1, tail: "a secret of the output".into() }));
        let span = named(&spans, "invoke_agent implementation");
        assert_eq!(value(span, "error.type"), Some("gave_up".into()));
        assert_eq!(span.status, Status::error(""));
        assert_eq!(value(span, "gen_ai.usage.input_tokens"), None, "nothing was told");
    }

    #[test]
    fn nothing_that_was_said_is_exported_and_no_name_is_long() {
        let heard = [
            AgentEvent::Text("a secret of the text".into()),
            AgentEvent::Denied("a secret of the refusal".into()),
            calls(&"i".repeat(10_000), &"\u{1b}[31mn".repeat(10_000)),
        ];
        let failed = Err(AgentError::BadOutput { what: "a secret of the output".into() });
        for answer in [said(), failed] {
            for span in call("acp", None, &heard, &answer) {
                let all = format!("{span:?}");
                assert!(!all.contains("secret"), "{all}");
                assert!(all.len() < 4_000 && !all.contains("\\u{1b}"), "{all}");
            }
        }
    }

    #[test]
    fn as_many_tools_as_an_agent_likes_are_no_load() {
        let heard: Vec<AgentEvent> = (0..2 * TOOLS_MAX).map(|at| calls(&at.to_string(), "Bash")).collect();
        assert_eq!(call("codex", None, &heard, &said()).len(), TOOLS_MAX + 2);
    }

    #[test]
    fn whose_model_it_is_is_said_as_the_conventions_say_it() {
        for (program, model, expected) in [
            ("claude", None, "anthropic"),
            ("codex", Some("gpt-5"), "openai"),
            ("gemini", None, "gcp.gemini"),
            ("opencode", Some("anthropic/opus"), "anthropic"),
            ("opencode", Some("google/flash"), "gcp.gemini"),
            ("opencode", None, "opencode"),
            ("script", None, "script"),
        ] {
            assert_eq!(provider(program, model), expected, "{program} {model:?}");
        }
    }
}
