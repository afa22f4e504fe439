//! One real command line each, served by a scripted model: a file is written, a command makes another, and the tokens are those that
//! the model told.

use super::{
    clis::{CLAUDE, CLAUDE_ACP, CODEX, GEMINI, OPENCODE},
    desk::{Desk, Run, quiet_claude},
    model::{Api, Asked, Reply, Server, Usage, steps},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

const FIRST: Usage = Usage { input: 1000, cached: 0, written: 300, output: 50 };
const SECOND: Usage = Usage { input: 1100, cached: 300, written: 0, output: 30 };
const THIRD: Usage = Usage { input: 1200, cached: 600, written: 0, output: 20 };

/// What the model does in each of these tests.
fn script() -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    steps([
        Reply::write("written.txt", "it's \"written\"\n").saying("I will write a file.").using(FIRST),
        Reply::shell("cp written.txt copied.txt && echo copied it").using(SECOND),
        Reply::say("Done: two files.").using(THIRD),
    ])
}

const PROMPT: &str = "Make two files.\n";

/// Both files are there, the last run ended well, and the model saw what its tools did.
fn it_holds_what_the_model_did(desk: &Desk, run: &Run, server: &Server) {
    let Run { code, lines, stderr } = run;
    assert_eq!(desk.read("written.txt"), "it's \"written\"\n", "{lines:#?}\n{stderr}");
    assert_eq!(desk.read("copied.txt"), "it's \"written\"\n", "{lines:#?}\n{stderr}");
    assert_eq!(*code, Some(0), "{lines:#?}\n{stderr}");
    let asked = server.asked();
    assert_eq!(asked.len(), 3, "{:#?}", asked.iter().map(|asked| &asked.texts).collect::<Vec<_>>());
    assert_eq!(asked.iter().map(|asked| asked.results.len()).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(asked[2].results[1].contains("copied it"), "{:?}", asked[2].results);
    assert!(asked.iter().all(|asked| asked.prompt() == "Make two files."), "{:?}", asked[2].prompts);
    assert!(asked[2].has_heard("I will write a file."), "{:?}", asked[2].texts);
    assert_eq!(asked[0].folder().and_then(|folder| folder.canonicalize().ok()), desk.work().canonicalize().ok());
}

#[test]
fn claude_is_served() {
    let Some(desk) = Desk::of(CLAUDE) else { return };
    let server = Server::start(script());
    let run = desk.run(&mut desk.claude(&server, &["--allowedTools", "Bash,Write"]), PROMPT);
    it_holds_what_the_model_did(&desk, &run, &server);
    let result = run.lines.last().expect("a result");
    assert_eq!((&result["subtype"], &result["result"]), (&json!("success"), &json!("Done: two files.")));
    let usage = &result["usage"];
    let told = server.usage();
    assert_eq!(usage["input_tokens"], told.input);
    assert_eq!(usage["cache_read_input_tokens"], told.cached);
    assert_eq!(usage["cache_creation_input_tokens"], told.written);
    assert_eq!(usage["output_tokens"], told.output);
    assert_eq!(server.asked()[0].session.as_deref(), result["session_id"].as_str());
}

#[test]
fn claude_gives_structured_output() {
    let Some(desk) = Desk::of(CLAUDE) else { return };
    let server = Server::start(steps([Reply::structured(json!({"verdict": "approve"}))]));
    let schema = json!({"type": "object", "properties": {"verdict": {"type": "string"}}, "required": ["verdict"]});
    let run = desk.run(&mut desk.claude(&server, &["--json-schema", &schema.to_string()]), PROMPT);
    assert_eq!(
        run.lines.last().expect("a result")["structured_output"],
        json!({"verdict": "approve"}),
        "{}",
        run.stderr
    );
}

#[test]
fn codex_is_served_in_code_mode() {
    codex_is_served(&[]);
}

#[test]
fn codex_is_served_with_a_model_that_it_does_not_know() {
    codex_is_served(&["-m", "gpt-5"]);
}

fn codex_is_served(arguments: &[&str]) {
    let Some(desk) = Desk::of(CODEX) else { return };
    let server = Server::start(script());
    let arguments = [&["-s", "workspace-write"][..], arguments].concat();
    let run = desk.run(&mut desk.codex(&server, &arguments), PROMPT);
    it_holds_what_the_model_did(&desk, &run, &server);
    let (usage, told) = (&run.lines.last().expect("an end")["usage"], server.usage());
    assert_eq!(usage["input_tokens"], told.input_with_cached());
    assert_eq!(usage["cached_input_tokens"], told.cached);
    assert_eq!(usage["output_tokens"], told.output);
    assert_eq!(server.asked()[0].session.as_deref(), run.lines[0]["thread_id"].as_str());
}

#[test]
fn gemini_is_served() {
    let Some(desk) = Desk::of(GEMINI) else { return };
    let server = Server::start(script());
    let run = desk.run(&mut desk.gemini(&server, &[]), PROMPT);
    it_holds_what_the_model_did(&desk, &run, &server);
    let (stats, told) = (&run.lines.last().expect("a result")["stats"], server.usage());
    assert_eq!(stats["input_tokens"], told.input_with_cached());
    assert_eq!(stats["cached"], told.cached);
    assert_eq!(stats["output_tokens"], told.output);
}

#[test]
fn opencode_is_served_and_its_titles_are_no_business_of_the_script() {
    let Some(desk) = Desk::of(OPENCODE) else { return };
    let server = Server::start(script());
    let run = desk.run(&mut desk.opencode(&server, &[]), PROMPT);
    it_holds_what_the_model_did(&desk, &run, &server);
    let steps = || run.lines.iter().filter(|line| line["type"] == "step_finish").map(|line| &line["part"]["tokens"]);
    let sum = |tokens: fn(&Value) -> &Value| steps().filter_map(|step| tokens(step).as_u64()).sum::<u64>();
    let told = server.usage();
    assert_eq!(sum(|step| &step["input"]), told.input + told.written);
    assert_eq!(sum(|step| &step["cache"]["read"]), told.cached);
    assert_eq!(sum(|step| &step["output"]), told.output);
    assert_eq!(server.asked()[0].session.as_deref(), run.lines[0]["sessionID"].as_str());
    assert!(server.requests().iter().all(|asked| asked.api == Api::Chat));
}

#[test]
fn claude_is_served_behind_acp() {
    let Some(desk) = Desk::of(CLAUDE_ACP) else { return };
    let server = Server::start(script());
    let mut command = desk.command(&[]);
    command.envs(quiet_claude(&server)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut agent = command.spawn().expect("it starts");
    let mut input = agent.stdin.take().expect("its input");
    let mut output = BufReader::new(agent.stdout.take().expect("its output")).lines();
    let mut lines = Vec::new();
    let mut ask = |id: u64, method: &str, params: Value| -> Value {
        let mut send = |message: Value| writeln!(input, "{message}").expect("it listens");
        send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let line = output.next().expect("it answers").expect("text");
            let message: Value = serde_json::from_str(&line).expect("JSON");
            if message["method"] == "session/request_permission" {
                let options = message["params"]["options"].as_array().expect("options");
                let once = options.iter().find(|option| option["kind"] == "allow_once").expect("this once");
                let outcome = json!({"outcome": "selected", "optionId": once["optionId"]});
                send(json!({"jsonrpc": "2.0", "id": message["id"], "result": {"outcome": outcome}}));
            }
            lines.push(message.clone());
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    };
    let files = json!({"readTextFile": false, "writeTextFile": false});
    ask(1, "initialize", json!({"protocolVersion": 1, "clientCapabilities": {"fs": files, "terminal": false}}));
    let session = ask(2, "session/new", json!({"cwd": desk.work(), "mcpServers": []}));
    let prompt = json!([{"type": "text", "text": "Make two files."}]);
    let end = ask(3, "session/prompt", json!({"sessionId": session["result"]["sessionId"], "prompt": prompt}));
    drop(input);
    let status = agent.wait().expect("it ends");
    let run = Run { code: status.code(), lines, stderr: String::new() };
    it_holds_what_the_model_did(&desk, &run, &server);
    let (usage, told) = (&end["result"]["usage"], server.usage());
    assert_eq!(end["result"]["stopReason"], "end_turn");
    assert_eq!(usage["inputTokens"], told.input);
    assert_eq!(usage["cachedReadTokens"], told.cached);
    assert_eq!(usage["cachedWriteTokens"], told.written);
    assert_eq!(usage["outputTokens"], told.output);
}

/// A tool of another server is called, and the model hears what it gave back.
fn a_note_is_taken(desk: &Desk, command: impl Fn(&Server) -> Command) {
    let server = Server::start(steps([Reply::mcp("notes", "add", json!({"text": "remember"})), Reply::say("Done.")]));
    let run = desk.run(&mut command(&server), "Take a note.");
    let asked = server.asked();
    let results: Vec<_> = asked.iter().map(|asked| &asked.results).collect();
    assert_eq!(fs::read_to_string(desk.notes().1).unwrap_or_default(), "remember\n", "{results:#?}\n{:#?}", run.lines);
    assert_eq!(asked.len(), 2);
    assert!(asked[1].results.len() == 1 && asked[1].results[0].contains("noted: remember"), "{results:?}");
}

#[test]
fn claude_calls_a_tool_that_it_had_to_search_for() {
    let Some(desk) = Desk::of(CLAUDE) else { return };
    let servers = json!({"mcpServers": {"notes": desk.notes().0}}).to_string();
    let arguments = ["--mcp-config", &servers, "--allowedTools", "mcp__notes__add"];
    a_note_is_taken(&desk, |server| desk.claude(server, &arguments));
}

#[test]
fn codex_calls_a_tool_in_both_of_its_ways() {
    let Some(desk) = Desk::of(CODEX) else { return };
    let (notes, file) = desk.notes();
    let server = format!(
        "mcp_servers.notes={{command=\"node\",args=[{}],env={{NOTES={}}},default_tools_approval_mode=\"approve\"}}",
        notes["args"][0], notes["env"]["NOTES"]
    );
    for model in [&[][..], &["-m", "gpt-5"]] {
        a_note_is_taken(&desk, |models| desk.codex(models, &[&["-c", &server][..], model].concat()));
        fs::remove_file(&file).expect("the note");
    }
}

#[test]
fn gemini_calls_a_tool_of_another_server() {
    let Some(desk) = Desk::of(GEMINI) else { return };
    a_note_is_taken(&desk, |server| desk.gemini(server, &[]));
}

#[test]
fn opencode_calls_a_tool_of_another_server() {
    let Some(desk) = Desk::of(OPENCODE) else { return };
    a_note_is_taken(&desk, |server| desk.opencode(server, &[]));
}
