//! The Agent Client Protocol with a real process at the other end, under real wardens.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use tidegate::{
    agent::{Acp, AgentError, AgentEvent, AgentReport, Backend, Invocation, Session, Sink, WritePolicy},
    plan::Role,
    process::{Limits, Line, Wardens},
    run::{Spend, Timestamp},
};

const WARDEN: &str = env!("CARGO_BIN_EXE_tidegate");

/// An agent that does what its first argument says, and writes down all that it is told.
const AGENT: &str = r#"
import json, sys
kind = sys.argv[1]
log = open("told.jsonl", "a")
def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()
def update(fields):
    send({"method": "session/update", "params": {"sessionId": "s1", "update": fields}})
def chunk(text):
    update({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}, "messageId": "m"})
def hear():
    line = sys.stdin.readline()
    if not line:
        log.write(json.dumps({"method": "EOF"}) + "\n")
        log.flush()
        sys.exit(0)
    log.write(line)
    log.flush()
    return json.loads(line)
prompt = None
while True:
    told = hear()
    method, id = told.get("method"), told.get("id")
    if method == "initialize":
        if kind == "gone":
            sys.stderr.write("no such thing\n")
            sys.exit(3)
        print("this is no message")
        send({"id": id, "result": {"protocolVersion": 1, "agentCapabilities": {"sessionCapabilities": {"resume": {}}}}})
    elif method == "session/resume":
        if told["params"]["sessionId"] == "s1":
            send({"id": id, "result": {}})
        else:
            send({"id": id, "error": {"code": -32002, "message": "Resource not found"}})
    elif method == "session/new":
        modes = {"currentModeId": "default", "availableModes": [{"id": "default", "name": "d"}, {"id": "acceptEdits", "name": "e"}]}
        options = [{"id": "m", "name": "Model", "category": "model", "type": "select", "currentValue": "big", "options": [{"value": "big", "name": "b"}]}]
        send({"id": id, "result": {"sessionId": "s1", "modes": modes, "configOptions": options}})
    elif method == "session/set_config_option":
        if told["params"]["value"] == "big":
            send({"id": id, "result": {"configOptions": []}})
        else:
            send({"id": id, "error": {"code": -32602, "message": "Invalid params"}})
    elif method == "session/set_mode":
        send({"id": id, "result": {}})
    elif method == "session/cancel":
        send({"id": prompt, "result": {"stopReason": "cancelled"}})
    elif method == "session/prompt":
        prompt = id
        if kind == "silent":
            update({"sessionUpdate": "usage_update", "used": 5, "size": 10})
            continue
        if kind == "limited":
            chunk("API Error: slow down")
            send({"id": id, "error": {"code": -32603, "message": "slow down", "data": {"errorKind": "rate_limit"}}})
            continue
        update({"sessionUpdate": "something_new", "x": 1})
        update({"sessionUpdate": "usage_update", "used": 5, "size": 10})
        chunk("I will write.")
        update({"sessionUpdate": "tool_call", "toolCallId": "t1", "title": "Write a file", "kind": "edit", "rawInput": {"path": "a"}})
        options = [{"optionId": "all", "name": "All", "kind": "allow_always"}, {"optionId": "one", "name": "One", "kind": "allow_once"}, {"optionId": "no", "name": "No", "kind": "reject_once"}]
        send({"id": 0, "method": "session/request_permission", "params": {"sessionId": "s1", "toolCall": {"toolCallId": "t1"}, "options": options}})
        answer = hear()["result"]["outcome"]
        is_allowed = answer["optionId"] == "one"
        if is_allowed:
            open("a", "w").write("written\n")
        update({"sessionUpdate": "tool_call_update", "toolCallId": "t1", "status": "completed" if is_allowed else "failed"})
        chunk("It is ")
        chunk("done." if is_allowed else "not allowed.")
        update({"sessionUpdate": "usage_update", "used": 5, "size": 10, "cost": {"amount": 0.5, "currency": "USD"}})
        usage = {"inputTokens": 10, "outputTokens": 5, "cachedReadTokens": 3, "cachedWriteTokens": 2, "totalTokens": 20}
        send({"id": id, "result": {"stopReason": "end_turn", "usage": usage}})
"#;

struct Scene {
    dir: tempfile::TempDir,
    wardens: Arc<Wardens>,
    events: Arc<Mutex<Vec<AgentEvent>>>,
}

impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        for name in ["workspace", "folder", "home"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("agent.py"), AGENT).unwrap();
        Scene { dir, wardens: Arc::new(Wardens::new(WARDEN.into(), 1).unwrap()), events: Arc::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn invocation(&self) -> Invocation {
        Invocation {
            role: Role::Implementation,
            definition: None,
            script: None,
            model: None,
            prompt: "Do it.".into(),
            again: String::new(),
            cassette: String::new(),
            workspace: self.path("workspace"),
            env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
            folder: self.path("folder"),
            home: self.path("home"),
            writes: WritePolicy::Workspace,
            limits: Limits {
                total: Duration::from_secs(120),
                idle: None,
                grace: Duration::from_secs(20),
                output_bytes: 1 << 20,
            },
            turns: 10,
            confines: None,
            session: None,
            schema: None,
            servers: Vec::new(),
            at: Timestamp(0),
        }
    }

    async fn run(&self, kind: &str, invocation: Invocation, line: Line) -> Result<AgentReport, AgentError> {
        let argv = vec!["python3".into(), self.path("agent.py").into_os_string(), kind.into()];
        let wardens = Arc::clone(&self.wardens);
        let acp = Acp::new("acp".into(), argv, Vec::new(), Vec::new(), None, wardens);
        let events = Arc::clone(&self.events);
        let sink: Sink = Arc::new(move |event| events.lock().unwrap().push(event));
        acp.run(invocation, sink, line).await
    }

    /// The methods that the agent was told, in order.
    fn told(&self) -> Vec<String> {
        let told = fs::read_to_string(self.path("workspace/told.jsonl")).unwrap();
        let message = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        told.lines().filter_map(|line| message(line)["method"].as_str().map(str::to_owned)).collect()
    }

    fn events(&self) -> Vec<AgentEvent> {
        self.events.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_whole_conversation_is_held_and_its_pipe_closed() {
    let scene = Scene::new();
    // More than a pipe holds.
    let prompt = "Do it. ".repeat(50_000);
    let invocation = Invocation { model: Some("big".into()), prompt, ..scene.invocation() };
    let report = scene.run("works", invocation, Line::default()).await.unwrap();
    assert_eq!(report.text, "It is done.");
    assert_eq!(fs::read_to_string(scene.path("workspace/a")).unwrap(), "written\n");
    let methods =
        ["initialize", "session/new", "session/set_mode", "session/set_config_option", "session/prompt", "EOF"];
    assert_eq!(scene.told(), methods);
    let session = |micros| Session { id: "s1".into(), reported: Spend { micros, ..Spend::default() } };
    let spend = Spend { micros: 500_000, input: 12, cached: 3, output: 5 };
    assert_eq!(
        scene.events(),
        [
            AgentEvent::Usage { spend: Spend::default(), session: Some(session(0)) },
            AgentEvent::Started,
            AgentEvent::Text("I will write.".into()),
            AgentEvent::ToolCall { id: "t1".into(), name: "Write a file".into(), input: "{\"path\":\"a\"}".into() },
            AgentEvent::ToolResult { id: "t1".into(), is_success: true },
            AgentEvent::Usage { spend, session: Some(session(500_000)) },
            AgentEvent::Text("It is done.".into()),
            AgentEvent::Finished,
        ]
    );
}

#[tokio::test]
async fn who_may_write_nothing_is_told_no() {
    let scene = Scene::new();
    let invocation = Invocation { writes: WritePolicy::Nothing, ..scene.invocation() };
    let report = scene.run("works", invocation, Line::default()).await.unwrap();
    assert_eq!(report.text, "It is not allowed.");
    assert!(!scene.path("workspace/a").exists());
    assert!(scene.events().contains(&AgentEvent::Denied("Write a file".into())), "{:?}", scene.events());
}

#[tokio::test]
async fn a_conversation_is_gone_on_with_where_it_is_there() {
    let scene = Scene::new();
    let reported = Spend { micros: 400_000, ..Spend::default() };
    let with = |id: &str| Invocation { session: Some(Session { id: id.into(), reported }), ..scene.invocation() };
    scene.run("works", with("s1"), Line::default()).await.unwrap();
    assert_eq!(scene.told(), ["initialize", "session/resume", "session/prompt", "EOF"]);
    let spent = scene.events().into_iter().map(|event| match event {
        AgentEvent::Usage { spend, .. } => spend.micros,
        _ => 0,
    });
    assert_eq!(spent.sum::<u64>(), 100_000, "what was reported before is not told again");
    let other = Scene::new();
    other.run("works", with_folder(&other, with("gone")), Line::default()).await.unwrap();
    assert_eq!(other.told()[..3], ["initialize", "session/resume", "session/new"]);
}

/// The same invocation in another scene.
fn with_folder(scene: &Scene, invocation: Invocation) -> Invocation {
    Invocation { session: invocation.session, ..scene.invocation() }
}

#[tokio::test]
async fn an_error_is_what_it_says_and_its_words_are_no_answer() {
    let scene = Scene::new();
    let error = scene.run("limited", scene.invocation(), Line::default()).await.unwrap_err();
    assert!(matches!(error, AgentError::RateLimited { .. }), "{error:?}");
    assert!(!scene.events().contains(&AgentEvent::Started), "{:?}", scene.events());
}

#[tokio::test]
async fn one_that_leaves_without_an_answer_has_crashed() {
    let scene = Scene::new();
    let error = scene.run("gone", scene.invocation(), Line::default()).await.unwrap_err();
    assert_eq!(error, AgentError::Crashed { code: 3, tail: "no such thing".into() });
}

#[tokio::test]
async fn one_that_cannot_be_started_says_so() {
    let scene = Scene::new();
    let wardens = Arc::clone(&scene.wardens);
    let acp = Acp::new("acp".into(), vec!["no-such-agent".into()], Vec::new(), Vec::new(), None, wardens);
    let error = acp.run(scene.invocation(), Arc::new(|_| ()), Line::default()).await.unwrap_err();
    assert!(matches!(error, AgentError::Misconfigured { .. }), "{error:?}");
}

#[tokio::test]
async fn one_that_says_nothing_more_is_ended() {
    let scene = Scene::new();
    let mut invocation = scene.invocation();
    invocation.limits.idle = Some(Duration::from_millis(500));
    assert_eq!(scene.run("silent", invocation, Line::default()).await, Err(AgentError::Idle));
}

#[tokio::test]
async fn a_stop_is_a_cancel_first() {
    let scene = Scene::new();
    let line = Line::default();
    let stop = line.stop.clone();
    let argv = vec!["python3".into(), scene.path("agent.py").into_os_string(), "silent".into()];
    let acp = Acp::new("acp".into(), argv, Vec::new(), Vec::new(), None, Arc::clone(&scene.wardens) as _);
    let sink: Sink = Arc::new(move |event| {
        if event == AgentEvent::Started {
            stop.cancel();
        }
    });
    assert_eq!(acp.run(scene.invocation(), sink, line).await, Err(AgentError::Stopped));
    assert_eq!(scene.told()[3..5], ["session/prompt", "session/cancel"]);
}

#[tokio::test]
async fn a_model_that_is_not_offered_is_for_a_person_to_correct() {
    let scene = Scene::new();
    let invocation = Invocation { model: Some("small".into()), ..scene.invocation() };
    let error = scene.run("works", invocation, Line::default()).await.unwrap_err();
    assert!(matches!(&error, AgentError::Misconfigured { what } if what.contains("small")), "{error:?}");
}
