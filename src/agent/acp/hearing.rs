//! What is heard of an agent while it works on a prompt, and what it is allowed.

use crate::{
    agent::{
        AgentEvent, Invocation, Session, Sink, WritePolicy,
        answer::{Words, input, micros},
        complaint::said,
    },
    run::Spend,
};
use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, MessageId, PermissionOption, PermissionOptionKind, PromptResponse,
    RequestPermissionOutcome, RequestPermissionRequest, SelectedPermissionOutcome, SessionUpdate, ToolCall,
    ToolCallUpdate, ToolKind,
};
use serde_json::Value;
use std::collections::HashMap;

/// Tools that it called and that were not told, at most: who calls more without an answer is told about without them.
const OPEN_MAX: usize = 4096;

/// What is heard of an agent.
pub(super) struct Hearing {
    tell: Sink,
    writes: WritePolicy,
    /// A conversation that is gone on with may be told again from its beginning, which is no news.
    is_listening: bool,
    is_started: bool,
    /// What it said since the last tool, in the last message.
    words: Words,
    message: Option<MessageId>,
    tools: HashMap<String, Tool>,
    session: Option<Session>,
    /// What the conversation has cost so far, in millionths of a dollar.
    cost: Option<u64>,
}

/// A tool that was called.
#[derive(Debug, Default)]
struct Tool {
    name: String,
    kind: ToolKind,
    is_told: bool,
    is_over: bool,
}

impl Hearing {
    pub(super) fn new(invocation: &Invocation, tell: &Sink) -> Hearing {
        Hearing {
            tell: tell.clone(),
            writes: invocation.writes,
            is_listening: false,
            is_started: false,
            words: Words::default(),
            message: None,
            tools: HashMap::new(),
            session: None,
            cost: None,
        }
    }

    /// The conversation it is in. What comes from now on is about this prompt.
    pub(super) fn begin(&mut self, session: Session) {
        self.is_listening = true;
        (self.tell)(AgentEvent::Usage { spend: Spend::default(), session: Some(session.clone()) });
        self.session = Some(session);
    }

    /// Takes an update. Whether it was progress.
    pub(super) fn update(&mut self, update: SessionUpdate) -> bool {
        if !self.is_listening {
            return false;
        }
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => self.said(chunk),
            SessionUpdate::AgentThoughtChunk(_) => self.answered(),
            SessionUpdate::ToolCall(call) => self.called(call),
            SessionUpdate::ToolCallUpdate(update) => self.called_more(update),
            SessionUpdate::UsageUpdate(usage) => {
                // Told before the first words. Words alone may be an error's.
                if usage.used > 0 {
                    self.answered();
                }
                let dollars = usage.cost.filter(|cost| cost.currency == "USD");
                if let Some(cost) = dollars {
                    self.cost = Some(micros(Some(cost.amount)));
                }
            }
            SessionUpdate::Plan(_) => {}
            _ => return false,
        }
        true
    }

    fn answered(&mut self) {
        if !std::mem::replace(&mut self.is_started, true) {
            (self.tell)(AgentEvent::Started);
        }
    }

    fn said(&mut self, chunk: ContentChunk) {
        if chunk.message_id != self.message {
            self.utter();
            self.message = chunk.message_id;
        }
        if let ContentBlock::Text(text) = chunk.content {
            self.words.push(&text.text);
        }
    }

    /// Tells what it has said, as one; it was not the last.
    fn utter(&mut self) {
        if !self.words.as_str().trim().is_empty() {
            (self.tell)(AgentEvent::Text(self.words.as_str().to_owned()));
        }
        self.words.clear();
    }

    fn called(&mut self, call: ToolCall) {
        let id = call.tool_call_id.0.to_string();
        self.tool(&id, call.name.or(Some(call.title)), Some(call.kind), call.raw_input.as_ref());
    }

    fn called_more(&mut self, update: ToolCallUpdate) {
        let id = update.tool_call_id.0.to_string();
        let fields = update.fields;
        self.tool(&id, fields.name.or(fields.title), fields.kind, fields.raw_input.as_ref());
        let is_success = match fields.status {
            Some(status) if is_word(&status, "completed") => true,
            Some(status) if is_word(&status, "failed") => false,
            _ => return,
        };
        self.tell_tool(&id, None);
        if let Some(tool) = self.tools.get_mut(&id)
            && !std::mem::replace(&mut tool.is_over, true)
        {
            (self.tell)(AgentEvent::ToolResult { id, is_success });
        }
    }

    /// What is known of a tool's call. It is told when its input is known, which at first it often is not.
    fn tool(&mut self, id: &str, name: Option<String>, kind: Option<ToolKind>, given: Option<&Value>) {
        self.answered();
        if !self.tools.contains_key(id) {
            // What it said before is not its last word. What is heard of an earlier call later on changes nothing.
            self.utter();
            self.message = None;
        }
        if self.tools.len() >= OPEN_MAX {
            self.tools.retain(|_, tool| !tool.is_over);
        }
        if self.tools.len() >= OPEN_MAX {
            self.tools.clear();
        }
        let tool = self.tools.entry(id.to_owned()).or_default();
        if let Some(name) = name.filter(|_| tool.name.is_empty()) {
            tool.name = name;
        }
        if let Some(kind) = kind {
            tool.kind = kind;
        }
        if let Some(given) = given.filter(|given| given.as_object().is_none_or(|fields| !fields.is_empty())) {
            self.tell_tool(id, Some(given));
        }
    }

    fn tell_tool(&mut self, id: &str, given: Option<&Value>) {
        if let Some(tool) = self.tools.get_mut(id)
            && !std::mem::replace(&mut tool.is_told, true)
        {
            let input = given.map(input).unwrap_or_default();
            (self.tell)(AgentEvent::ToolCall { id: id.to_owned(), name: tool.name.clone(), input });
        }
    }

    /// Whether it may do what it asks for. By the kind of the option, never by its place: the first may change the mode.
    pub(super) fn permit(&mut self, request: &RequestPermissionRequest) -> RequestPermissionOutcome {
        let call = &request.tool_call;
        let id = call.tool_call_id.0.to_string();
        let fields = &call.fields;
        self.tool(&id, fields.name.clone().or_else(|| fields.title.clone()), fields.kind, fields.raw_input.as_ref());
        let (kind, name) = self.tools.get(&id).map(|tool| (tool.kind, tool.name.clone())).unwrap_or_default();
        let is_allowed = match (self.writes, kind) {
            (WritePolicy::Workspace, _) => true,
            (WritePolicy::Nothing, ToolKind::Edit | ToolKind::Delete | ToolKind::Move | ToolKind::SwitchMode) => false,
            (WritePolicy::Nothing, _) => true,
        };
        let once = |kind: PermissionOptionKind| option(&request.options, kind);
        let chosen =
            if is_allowed { once(PermissionOptionKind::AllowOnce) } else { once(PermissionOptionKind::RejectOnce) };
        if !is_allowed || chosen.is_none() {
            let what = fields.title.clone().unwrap_or(name);
            (self.tell)(AgentEvent::Denied(said(&what)));
        }
        chosen.map_or(RequestPermissionOutcome::Cancelled, RequestPermissionOutcome::Selected)
    }

    /// The prompt is answered: what it has used is told. Where its end is a failure, there is no response.
    pub(super) fn end(&mut self, response: Option<&PromptResponse>) {
        if response.is_some() {
            self.answered();
        }
        let Some(session) = self.session.take() else { return };
        let (mut spend, session) = match self.cost {
            // The cost is the conversation's, the tokens are this prompt's.
            Some(micros) => session.since(Spend { micros, ..Spend::default() }),
            None => (Spend::default(), session),
        };
        if let Some(response) = response {
            spend = spend.plus(tokens(response));
        }
        (self.tell)(AgentEvent::Usage { spend, session: Some(session) });
    }

    /// What it said last.
    pub(super) fn answer(&mut self) -> Words {
        if !self.words.as_str().trim().is_empty() {
            (self.tell)(AgentEvent::Text(self.words.as_str().to_owned()));
        }
        std::mem::take(&mut self.words)
    }
}

fn option(options: &[PermissionOption], kind: PermissionOptionKind) -> Option<SelectedPermissionOutcome> {
    let option = options.iter().find(|option| option.kind == kind)?;
    Some(SelectedPermissionOutcome::new(option.option_id.clone()))
}

/// Whether a word of the protocol is this one. Its types may get more words with each version.
fn is_word(word: &impl serde::Serialize, name: &str) -> bool {
    serde_json::to_value(word).is_ok_and(|value| value == name)
}

/// Tokens of one prompt. Some agents have no field for it, and say it beside.
fn tokens(response: &PromptResponse) -> Spend {
    if let Some(usage) = &response.usage {
        let cached = usage.cached_read_tokens.unwrap_or(0);
        let input = usage.input_tokens.saturating_add(usage.cached_write_tokens.unwrap_or(0));
        let sent = input.saturating_add(cached);
        // Thoughts may be in the sum only.
        let output = usage.output_tokens.max(usage.total_tokens.saturating_sub(sent));
        return Spend { micros: 0, input, cached, output };
    }
    let count = |name: &str| {
        let quota = response.meta.as_ref()?.get("quota")?.get("token_count")?;
        quota.get(name)?.as_u64()
    };
    let input = count("input_tokens").or_else(|| count("inputTokens")).unwrap_or(0);
    let output = count("output_tokens").or_else(|| count("outputTokens")).unwrap_or(0);
    Spend { micros: 0, input, cached: 0, output }
}
