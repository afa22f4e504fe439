//! The span of one call of an agent, and of each tool that it uses, by OpenTelemetry's conventions for generative AI.

use crate::agent::{AgentError, AgentEvent, AgentReport, Invocation};
use crate::run::Spend;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tracing::{Span, field::Empty};

/// Tools of one call that are at work at the same time, at most: what is more has no span.
const TOOLS_MAX: usize = 256;

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
        let name = invocation.definition.as_ref().map_or(invocation.role.name(), |definition| &*definition.name);
        let span = tracing::info_span!(
            "tidegate.agent",
            otel.name = format!("invoke_agent {name}"),
            otel.kind = "client",
            gen_ai.operation.name = "invoke_agent",
            gen_ai.provider.name = provider(program),
            gen_ai.agent.name = name,
            gen_ai.request.model = invocation.model.as_deref(),
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
                let span = tracing::info_span!(
                    parent: &self.span,
                    "tidegate.tool",
                    otel.name = format!("execute_tool {name}"),
                    gen_ai.operation.name = "execute_tool",
                    gen_ai.tool.name = name,
                    gen_ai.tool.call.id = id,
                    error.r#type = Empty,
                );
                open.tools.insert(id.clone(), span);
            }
            AgentEvent::ToolResult { id, is_success } => {
                if let Some(span) = open.tools.remove(id).filter(|_| !is_success) {
                    span.record("error.type", "tool_error");
                }
            }
            AgentEvent::Usage { spend, session } => {
                open.spend = open.spend.plus(*spend);
                if let Some(session) = session {
                    self.span.record("gen_ai.conversation.id", &*session.id);
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
        self.span.record("gen_ai.usage.input_tokens", open.spend.input.saturating_add(open.spend.cached));
        self.span.record("gen_ai.usage.output_tokens", open.spend.output);
        self.span.record("gen_ai.usage.cache_read.input_tokens", open.spend.cached);
        if let Err(error) = answer {
            self.span.record("error.type", error.name());
        }
    }
}

/// Who provides the model, in the words of the conventions where these have one.
fn provider(program: &str) -> &str {
    match program {
        "claude" => "anthropic",
        "codex" => "openai",
        "gemini" => "gcp.gemini",
        other => other,
    }
}
