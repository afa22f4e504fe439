//! The conversation with an agent: hello, a session, a prompt, and what becomes of it.

use super::{fault, hearing::Hearing};
use crate::agent::{AgentError, Invocation, Session, WritePolicy, answer, patience::Patience};
use agent_client_protocol::{
    Agent, Client, ConnectTo, Error, is_connection_terminated, is_incoming_transport_closed, on_receive_notification,
    on_receive_request,
    schema::ProtocolVersion,
    v1::{ConnectionTo, Responder, schema as acp},
};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

/// Modes in which it edits without asking, as agents name them.
const EDITING: &[&str] = &["acceptEdits", "autoEdit", "auto_edit", "auto-edit"];
/// A mode in which it edits nothing.
const PLANNING: &str = "plan";

/// What became of a conversation.
#[derive(Debug)]
pub(super) enum Talked {
    /// The prompt was answered, in one way or another.
    Answered(Result<String, AgentError>),
    /// It said that it failed.
    Failed(AgentError),
    /// We have ended it, for this.
    Ended(AgentError),
    /// It was gone before it had answered.
    Left,
}

/// A conversation about one prompt.
pub(super) struct Talk<'a> {
    invocation: &'a Invocation,
    hearing: Arc<Mutex<Hearing>>,
    progress: Arc<watch::Sender<()>>,
    /// The session, once it was prompted: what is to be cancelled.
    session: Mutex<Option<acp::SessionId>>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(invocation: &'a Invocation, hearing: Hearing) -> Talk<'a> {
        let (hearing, progress) = (Arc::new(Mutex::new(hearing)), Arc::new(watch::Sender::new(())));
        Talk { invocation, hearing, progress, session: Mutex::default() }
    }

    /// Holds it over these streams, until it is over, `stop` says so, or it gets nowhere for too long.
    pub(super) async fn over(&self, streams: impl ConnectTo<Client> + 'static, stop: &CancellationToken) -> Talked {
        let (hearing, progress) = (Arc::clone(&self.hearing), Arc::clone(&self.progress));
        let asked = Arc::clone(&self.hearing);
        let talked = Client
            .v1()
            .name("tidegate")
            .on_receive_notification(
                async move |news: acp::SessionNotification, _: ConnectionTo<Agent>| {
                    if lock(&hearing).update(news.update) {
                        progress.send_replace(());
                    }
                    Ok(())
                },
                on_receive_notification!(),
            )
            .on_receive_request(
                async move |request: acp::RequestPermissionRequest,
                            responder: Responder<acp::RequestPermissionResponse>,
                            _: ConnectionTo<Agent>| {
                    let outcome = lock(&asked).permit(&request);
                    responder.respond(acp::RequestPermissionResponse::new(outcome))
                },
                on_receive_request!(),
            )
            .connect_with(streams, async |agent: ConnectionTo<Agent>| Ok(self.attend(&agent, stop).await))
            .await;
        let talked = talked.unwrap_or_else(|error| self.failed(&error));
        if !matches!(talked, Talked::Answered(_)) {
            lock(&self.hearing).end(None);
        }
        talked
    }

    /// The conversation, and whatever ends it early.
    async fn attend(&self, agent: &ConnectionTo<Agent>, stop: &CancellationToken) -> Talked {
        let conversation = self.hold(agent);
        tokio::pin!(conversation);
        let why = tokio::select! {
            talked = &mut conversation => return talked.unwrap_or_else(|error| self.failed(&error)),
            () = agent.incoming_closed() => return Talked::Left,
            () = stop.cancelled() => AgentError::Stopped,
            () = self.idle() => AgentError::Idle,
        };
        let session = lock(&self.session).clone();
        if let Some(session) = session
            && agent.send_notification(acp::CancelNotification::new(session)).is_ok()
        {
            // It answers when it has stopped, and what it has used is told then. Whether it does makes no difference to the end.
            let _ = timeout(self.invocation.limits.grace, conversation).await;
        }
        Talked::Ended(why)
    }

    /// Ends when there was no progress for too long.
    async fn idle(&self) {
        let mut news = self.progress.subscribe();
        let mut patience = Patience::new(self.invocation.limits.idle);
        loop {
            tokio::select! {
                _ = news.changed() => patience.renew(),
                () = patience.over() => return,
            }
        }
    }

    async fn hold(&self, agent: &ConnectionTo<Agent>) -> Result<Talked, Error> {
        let client = acp::Implementation::new("tidegate", env!("CARGO_PKG_VERSION"));
        let hello = acp::InitializeRequest::new(ProtocolVersion::V1).client_info(client);
        let hello = agent.send_request(hello).block_task().await?;
        if hello.protocol_version != ProtocolVersion::V1 {
            let what = "it does not speak version 1 of the Agent Client Protocol".into();
            return Ok(Talked::Failed(AgentError::Misconfigured { what }));
        }
        let room = self.enter(agent, &hello.agent_capabilities).await?;
        self.set_mode(agent, &room).await?;
        if let Some(model) = model(self.invocation)
            && let Err(talked) = self.set_model(agent, &room, model).await?
        {
            return Ok(talked);
        }
        let reported = self.invocation.session.as_ref().filter(|_| room.is_resumed).map(|session| session.reported);
        let session = Session { id: room.id.0.to_string(), reported: reported.unwrap_or_default() };
        lock(&self.hearing).begin(session);
        self.progress.send_replace(());
        let text = acp::ContentBlock::Text(acp::TextContent::new(prompt(self.invocation, room.is_resumed)));
        let prompted = agent.send_request(acp::PromptRequest::new(room.id.clone(), vec![text]));
        *lock(&self.session) = Some(room.id);
        let prompted = prompted.block_task().await?;
        Ok(Talked::Answered(self.answered(&prompted)))
    }

    /// Goes on with the conversation that was asked for, where the agent can and it is there; else begins one.
    async fn enter(&self, agent: &ConnectionTo<Agent>, can: &acp::AgentCapabilities) -> Result<Room, Error> {
        let (cwd, servers) = (&self.invocation.workspace, servers(self.invocation));
        if let Some(session) = &self.invocation.session {
            let id = acp::SessionId::new(session.id.as_str());
            let resumed = if can.session_capabilities.resume.is_some() {
                let request = acp::ResumeSessionRequest::new(id.clone(), cwd).mcp_servers(servers.clone());
                let answer = agent.send_request(request).block_task().await;
                Some(answer.map(|answer| (answer.modes, answer.config_options)))
            } else if can.load_session {
                let request = acp::LoadSessionRequest::new(id.clone(), cwd).mcp_servers(servers.clone());
                let answer = agent.send_request(request).block_task().await;
                Some(answer.map(|answer| (answer.modes, answer.config_options)))
            } else {
                None
            };
            match resumed {
                Some(Ok((modes, options))) => return Ok(Room::new(id, true, modes, options)),
                Some(Err(error)) if self.is_hopeless(&error) => return Err(error),
                // It is not there, in whatever words: few agents have the protocol's for it.
                Some(Err(_)) | None => {}
            }
        }
        let request = acp::NewSessionRequest::new(cwd).mcp_servers(servers);
        let made = agent.send_request(request).block_task().await?;
        Ok(Room::new(made.session_id, false, made.modes, made.config_options))
    }

    /// Whether a new conversation would fail as well.
    fn is_hopeless(&self, error: &Error) -> bool {
        let known = fault::of(error, self.invocation.at);
        is_lost(error) || known.is_some_and(|known| !matches!(known, AgentError::Misconfigured { .. }))
    }

    /// Fewer questions to answer, where it has a mode for that; and where it asks none, the mode in which it edits nothing.
    async fn set_mode(&self, agent: &ConnectionTo<Agent>, room: &Room) -> Result<(), Error> {
        let offered = |name: &str| room.modes.iter().find(|mode| **mode == *name);
        match self.invocation.writes {
            WritePolicy::Workspace => {
                if let Some(mode) = EDITING.iter().find_map(|name| offered(name)) {
                    let request = acp::SetSessionModeRequest::new(room.id.clone(), mode.clone());
                    agent.send_request(request).block_task().await?;
                }
            }
            WritePolicy::Nothing if room.modes.is_empty() => {
                if let Some(option) = room.option("mode").filter(|option| offers(option, PLANNING)) {
                    self.choose(agent, room, option, PLANNING).await?;
                }
            }
            // Of a conversation that is gone on with, some tell the past after they have said that it is there, and before they
            // answer anything else.
            WritePolicy::Nothing => {
                if let Some(mode) = room.mode.as_ref().filter(|_| room.is_resumed) {
                    let request = acp::SetSessionModeRequest::new(room.id.clone(), mode.clone());
                    agent.send_request(request).block_task().await?;
                }
            }
        }
        Ok(())
    }

    /// Chooses the model. One that is not offered is for a person to correct.
    async fn set_model(
        &self,
        agent: &ConnectionTo<Agent>,
        room: &Room,
        model: &str,
    ) -> Result<Result<(), Talked>, Error> {
        let wrong = |what: String| Ok(Err(Talked::Failed(AgentError::Misconfigured { what })));
        let Some(option) = room.option("model") else {
            return wrong("it lets nobody choose its model: name the model on its command line instead".into());
        };
        match self.choose(agent, room, option, model).await {
            Ok(()) => Ok(Ok(())),
            Err(error) if error.code == Error::invalid_params().code => {
                wrong(format!("it does not offer the model {model:?}"))
            }
            Err(error) => Err(error),
        }
    }

    async fn choose(&self, agent: &ConnectionTo<Agent>, room: &Room, option: &Value, value: &str) -> Result<(), Error> {
        let id = option["id"].as_str().unwrap_or_default().to_owned();
        let value = acp::SessionConfigValueId::new(value);
        let request = acp::SetSessionConfigOptionRequest::new(room.id.clone(), id, value);
        agent.send_request(request).block_task().await.map(drop)
    }

    fn answered(&self, response: &acp::PromptResponse) -> Result<String, AgentError> {
        let mut hearing = lock(&self.hearing);
        hearing.end(Some(response));
        match response.stop_reason {
            acp::StopReason::EndTurn => Ok(hearing.answer().into_answer(self.invocation.schema.is_some())),
            acp::StopReason::MaxTokens => {
                Err(AgentError::BadOutput { what: "its answer is cut off: too long for the model".into() })
            }
            acp::StopReason::MaxTurnRequests => Err(AgentError::MaxTurns),
            acp::StopReason::Refusal => Err(AgentError::Refused),
            // Not by us: somebody has ended it.
            _ => Err(AgentError::Crashed { code: 1, tail: "it stopped, and nobody had asked it to".into() }),
        }
    }

    fn failed(&self, error: &Error) -> Talked {
        if is_lost(error) {
            return Talked::Left;
        }
        let unknown = || AgentError::Crashed { code: 1, tail: crate::agent::complaint::said(&error.message) };
        Talked::Failed(fault::of(error, self.invocation.at).unwrap_or_else(unknown))
    }
}

/// Whether there is nobody to talk to any more.
fn is_lost(error: &Error) -> bool {
    is_incoming_transport_closed(error) || is_connection_terminated(error)
}

/// A session, and what it offers.
struct Room {
    id: acp::SessionId,
    is_resumed: bool,
    /// The mode it is in, where it has modes.
    mode: Option<acp::SessionModeId>,
    modes: Vec<String>,
    /// As they came: their types get more words with each version.
    options: Vec<Value>,
}

impl Room {
    fn new(
        id: acp::SessionId,
        is_resumed: bool,
        modes: Option<acp::SessionModeState>,
        options: Option<Vec<acp::SessionConfigOption>>,
    ) -> Room {
        let mode = modes.as_ref().map(|state| state.current_mode_id.clone());
        let modes = modes.map(|state| state.available_modes).unwrap_or_default();
        let modes = modes.into_iter().map(|mode| mode.id.0.to_string()).collect();
        let options =
            options.unwrap_or_default().iter().filter_map(|option| serde_json::to_value(option).ok()).collect();
        Room { id, is_resumed, mode, modes, options }
    }

    fn option(&self, category: &str) -> Option<&Value> {
        self.options.iter().find(|option| option["category"] == category)
    }
}

/// Whether an option has this value, in a group or not.
fn offers(option: &Value, value: &str) -> bool {
    let all = |options: &Value| options.as_array().cloned().unwrap_or_default();
    all(&option["options"])
        .iter()
        .any(|one| one["value"] == value || all(&one["options"]).iter().any(|inner| inner["value"] == value))
}

fn model(invocation: &Invocation) -> Option<&str> {
    invocation.model.as_deref()
}

/// The protocol has no place for a definition that all agents know: it comes before what is asked, once.
fn prompt(invocation: &Invocation, is_resumed: bool) -> String {
    if is_resumed {
        return answer::prompt(&invocation.again, invocation.schema);
    }
    let asked = answer::prompt(&invocation.prompt, invocation.schema);
    match &invocation.definition {
        Some(definition) => format!("{}\n\n{asked}", definition.prompt),
        None => asked,
    }
}

fn servers(invocation: &Invocation) -> Vec<acp::McpServer> {
    let server = |server: &crate::agent::Server| {
        let (command, args) = server.argv.split_first()?;
        let env = server.env.iter().map(|(name, value)| acp::EnvVariable::new(name, value)).collect();
        let stdio = acp::McpServerStdio::new(&*server.name, command).args(args.to_vec()).env(env);
        Some(acp::McpServer::Stdio(stdio))
    };
    invocation.servers.iter().filter_map(server).collect()
}

/// What a panic left behind is whole: every change under these locks is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
