//! The server: a hidden mode of our program, a conversation of lines that ends with its input.

use super::{Splitter, Tray, protocol};
use serde_json::Value;
use std::{
    ffi::OsString,
    io::{self, Read, Write},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// The first argument of our binary in this mode.
pub const MODE: &str = "__mcp";
/// The variable that names the tray of the call.
pub const TRAY: &str = "TIDEGATE_TRAY";
/// The name of the server: clients call its tools after it.
pub const NAME: &str = "tidegate";

/// Bytes of one message, at most.
const MESSAGE_MAX: usize = 1 << 20;
/// Messages that are waited for at the same time, at most.
const SLOW_MAX: usize = 8;

/// Serves an agent whose call has this tray, on standard input and output, until its input ends.
pub fn serve_main(tray: Option<OsString>) -> ExitCode {
    let Some(tray) = tray else { return ExitCode::FAILURE };
    let served = serve(io::stdin().lock(), io::stdout(), &Tray::at(tray));
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Answers what comes in, a message a line, until it ends; what is asked then is still answered.
///
/// # Errors
/// When the input cannot be read, or the output not be written.
pub fn serve(mut input: impl Read, output: impl Write + Send, tray: &Tray) -> io::Result<()> {
    let mouth = Mouth { output: Mutex::new(output), is_shut: AtomicBool::new(false) };
    let (slow, mut splitter, mut buffer) = (AtomicUsize::new(0), Splitter::new(MESSAGE_MAX), [0; 64 << 10]);
    thread::scope(|scope| {
        let hear = |line: Option<&[u8]>| {
            let message = match read(line) {
                Ok(Some(message)) => message,
                Ok(None) => return,
                Err(why) => return mouth.say(&protocol::unreadable(&why)),
            };
            if !protocol::is_slow(&message) {
                return protocol::answer(&message, tray).into_iter().for_each(|answer| mouth.say(&answer));
            }
            if slow.fetch_add(1, Ordering::SeqCst) >= SLOW_MAX {
                slow.fetch_sub(1, Ordering::SeqCst);
                return mouth.say(&protocol::busy(&message));
            }
            let (mouth, slow) = (&mouth, &slow);
            scope.spawn(move || {
                protocol::answer(&message, tray).into_iter().for_each(|answer| mouth.say(&answer));
                slow.fetch_sub(1, Ordering::SeqCst);
            });
        };
        while !mouth.is_shut.load(Ordering::SeqCst) {
            match input.read(&mut buffer) {
                Ok(0) => {
                    splitter.finish(hear);
                    break;
                }
                Ok(count) => splitter.take(&buffer[..count], hear),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })?;
    if mouth.is_shut.into_inner() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
}

fn read(line: Option<&[u8]>) -> Result<Option<Value>, String> {
    let line = line.ok_or_else(|| format!("a message has at most {MESSAGE_MAX} bytes"))?.trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(line).map(Some).map_err(|error| format!("the line is no JSON: {error}"))
}

/// Says answers, each in one piece.
struct Mouth<W> {
    output: Mutex<W>,
    is_shut: AtomicBool,
}

impl<W: Write> Mouth<W> {
    fn say(&self, answer: &Value) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let said = output.write_all(format!("{answer}\n").as_bytes()).and_then(|()| output.flush());
        if said.is_err() {
            // Whoever asked is gone.
            self.is_shut.store(true, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ASKS, Ask, Change, EXPERTS, FEEDBACK, LINE_MAX, Reply, Word};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::{fs, path::Path};

    /// What is said to these lines, a value a line.
    fn said(folder: &Path, lines: &str) -> Vec<Value> {
        let mut output = Vec::new();
        serve(lines.as_bytes(), &mut output, &Tray::at(folder)).unwrap();
        let text = String::from_utf8(output).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn call(name: &str, arguments: Value) -> String {
        let params = json!({ "name": name, "arguments": arguments });
        format!("{}\n", json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params }))
    }

    /// What a call of a tool says, and whether it is an error.
    fn told(folder: &Path, name: &str, arguments: Value) -> (String, bool) {
        let said = said(folder, &call(name, arguments));
        let result = &said[0]["result"];
        (result["content"][0]["text"].as_str().unwrap().to_owned(), result["isError"].as_bool().unwrap())
    }

    /// A coordinator that hears so many words, and answers each question.
    fn coordinator(folder: &Path, words: usize) -> thread::JoinHandle<Vec<Word>> {
        let tray = Tray::at(folder);
        let mut pipe = tray.make_pipe(ASKS).unwrap();
        crate::mcp::tray::wait_for(&pipe).unwrap();
        thread::spawn(move || {
            let (mut heard, mut splitter, mut buffer) = (Vec::new(), Splitter::new(LINE_MAX), [0; 1024]);
            while heard.len() < words {
                let count = pipe.read(&mut buffer).unwrap();
                splitter.take(&buffer[..count], |line| heard.push(serde_json::from_slice(line.unwrap()).unwrap()));
            }
            for word in &heard {
                let Word::Ask(ask) = word else { continue };
                let reply = match &ask.expert {
                    Some(name) => Reply::Refusal(format!("there is no {name}")),
                    None => Reply::Answer(format!("{}!", ask.question)),
                };
                let line = format!("{}\n", serde_json::to_string(&reply).unwrap());
                assert!(ask.is_answerable());
                tray.pipe_to(&ask.answer).unwrap().write_all(line.as_bytes()).unwrap();
            }
            heard
        })
    }

    #[test]
    fn a_client_begins_a_conversation_and_finds_four_tools() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(EXPERTS), r#"[{"name":"test-expert","description":"About tests."}]"#).unwrap();
        let said = said(
            folder.path(),
            concat!(
                r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#,
                "\n",
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
                "\r\n\n",
                r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#,
                "\n",
                r#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}"#,
            ),
        );
        assert_eq!(said.len(), 3, "{said:#?}");
        assert_eq!(said[0]["result"]["protocolVersion"], "2025-06-18");
        assert_eq!(said[0]["result"]["serverInfo"]["name"], "tidegate");
        assert_eq!(said[1], json!({ "jsonrpc": "2.0", "id": "a", "result": {} }));
        let tools = said[2]["result"]["tools"].as_array().unwrap();
        let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
        assert_eq!(names, ["read_findings", "report_progress", "record_change", "consult_expert"]);
        let change = &tools[2]["inputSchema"];
        assert_eq!(change["required"], json!(["path", "rationale"]));
        assert_eq!(change["properties"]["path"]["type"], "string");
        assert_eq!(tools[3]["inputSchema"]["properties"]["expert"]["enum"], json!(["test-expert"]));
        assert!(tools[3]["description"].as_str().unwrap().ends_with("\n- test-expert: About tests."));
    }

    #[test]
    fn a_revision_that_is_not_known_is_answered_with_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        for (asked, answered) in [("2024-11-05", "2024-11-05"), ("2031-01-01", "2025-11-25"), ("", "2025-11-25")] {
            let params = json!({ "protocolVersion": asked });
            let said = said(folder.path(), &json!({ "id": 1, "method": "initialize", "params": params }).to_string());
            assert_eq!(said[0]["result"]["protocolVersion"], answered);
        }
    }

    #[test]
    fn what_is_no_request_is_told_by_its_code() {
        let folder = tempfile::tempdir().unwrap();
        for (line, code) in [
            ("no json", -32700),
            ("{\"id\": 1", -32700),
            (&"[".repeat(100_000), -32700),
            (&format!("\"{}\"", "x".repeat(2 << 20)), -32700),
            ("7", -32600),
            ("[]", -32600),
            ("[[]]", -32600),
            ("{\"id\": 1}", -32600),
            ("{\"id\": {}, \"method\": \"ping\"}", -32600),
            ("{\"id\": 1, \"method\": \"server/discover\"}", -32601),
            ("{\"id\": 1, \"method\": \"tools/call\", \"params\": {\"name\": \"rm\"}}", -32602),
            ("{\"id\": 1, \"method\": \"tools/call\"}", -32602),
        ] {
            let mut said = said(folder.path(), &format!("{line}\n{{\"id\": 2, \"method\": \"ping\"}}\n"));
            assert_eq!(said.len(), 2, "{}", line.get(..40).unwrap_or(line));
            let first = if said[0].is_array() { said[0][0].take() } else { said[0].take() };
            assert_eq!(first["error"]["code"], code, "{}", line.get(..40).unwrap_or(line));
            assert_eq!(said[1]["id"], 2);
        }
        assert_eq!(
            said(folder.path(), "{\"id\": 1, \"result\": {}}\n{\"method\": \"notifications/cancelled\"}"),
            [] as [Value; 0]
        );
    }

    #[test]
    fn a_batch_is_answered_by_a_batch() {
        let folder = tempfile::tempdir().unwrap();
        let line = r#"[{"id":1,"method":"ping"},{"method":"notifications/initialized"},{"id":2,"method":"ping"}]"#;
        let said = said(folder.path(), line);
        assert_eq!(
            (said[0][0]["id"].as_u64(), said[0][1]["id"].as_u64(), said[0][2].is_null()),
            (Some(1), Some(2), true)
        );
    }

    #[test]
    fn the_findings_of_the_last_try_are_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            told(folder.path(), "read_findings", json!({})).0,
            "There are none: nothing of this work has come back."
        );
        fs::write(folder.path().join(FEEDBACK), "- **blocker**: it is red\n").unwrap();
        assert_eq!(told(folder.path(), "read_findings", Value::Null), ("- **blocker**: it is red\n".into(), false));
    }

    #[test]
    fn arguments_that_do_not_fit_are_told_to_the_model() {
        let folder = tempfile::tempdir().unwrap();
        for (name, arguments, words) in [
            ("report_progress", json!({}), "`text` is missing: What you are at, in one line."),
            ("report_progress", json!({ "text": " " }), "`text` is empty"),
            ("report_progress", json!({ "text": 3 }), "`text` is a string"),
            ("report_progress", json!({ "text": "x".repeat(501) }), "`text` has 501 bytes, and may have 500"),
            ("report_progress", json!(["x"]), "the arguments are an object"),
            (
                "record_change",
                json!({ "path": "a", "why": "b" }),
                "`record_change` takes `path`, `rationale`, and nothing else",
            ),
            (
                "record_change",
                json!({ "path": "../a", "rationale": "b" }),
                "`path` is relative to the repository, such as `src/room.rs`",
            ),
            (
                "record_change",
                json!({ "path": "/etc/a", "rationale": "b" }),
                "`path` is relative to the repository, such as `src/room.rs`",
            ),
            ("read_findings", json!({ "x": 1 }), "`read_findings` takes no arguments"),
        ] {
            assert_eq!(told(folder.path(), name, arguments), (words.to_owned(), true));
        }
        let (text, is_error) = told(folder.path(), "report_progress", json!({ "text": "half" }));
        assert!(is_error && text.starts_with("tidegate does not listen any more"), "{text}");
    }

    #[test]
    fn changes_are_kept_until_there_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let change = |path: &str, rationale: &str| json!({ "path": path, "rationale": rationale });
        assert_eq!(told(folder.path(), "record_change", change("./src/a.rs", "So.")), ("Kept.".into(), false));
        let kept = Change::kept(&Tray::at(folder.path())).unwrap();
        assert_eq!(kept, [Change { path: "src/a.rs".into(), rationale: "So.".into() }]);
        let many = call("record_change", change("b", &"x".repeat(1_000))).repeat(300);
        let said = said(folder.path(), &many);
        assert_eq!(said[299]["result"]["isError"], true);
        assert!(Change::kept(&Tray::at(folder.path())).unwrap().len() < 300);
    }

    #[test]
    fn progress_and_questions_reach_the_coordinator_and_its_answers_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let coordinator = coordinator(folder.path(), 3);
        let question = format!("Why?\n{}", "é\u{1}".repeat(4_000));
        let lines = [
            call("report_progress", json!({ "text": "half" })),
            call("consult_expert", json!({ "question": question })),
            call("consult_expert", json!({ "question": "?", "expert": "nobody" })),
        ];
        let said = said(folder.path(), &lines.concat());
        let heard = coordinator.join().unwrap();
        assert_eq!(heard[0], Word::Progress("half".into()));
        let mut told: Vec<(&str, bool)> = said
            .iter()
            .map(|said| &said["result"])
            .map(|result| (result["content"][0]["text"].as_str().unwrap(), result["isError"].as_bool().unwrap()))
            .collect();
        told.sort_unstable();
        let answer = format!("{question}!");
        assert_eq!(told, [("Told.", false), (&*answer, false), ("there is no nobody", true)]);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.iter().filter(|name| name.to_string_lossy().starts_with("answer-")).count(), 0, "{left:?}");
    }

    #[test]
    fn a_pipe_of_the_same_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let tray = Tray::at(folder.path());
        (0..40).for_each(|number| drop(tray.new_pipe(&Ask::pipe(std::process::id(), number))));
        let coordinator = coordinator(folder.path(), 1);
        assert_eq!(told(folder.path(), "consult_expert", json!({ "question": "So" })), ("So!".into(), false));
        coordinator.join().unwrap();
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_answered_by_json_or_by_nothing(
            lines in "(\\PC{0,20}\n|[\\[{\"}\\],:a-z0-9\n]{0,40}|\\{\"id\":[0-9\\[\\]\"a]{0,3},\"method\":\"(tools/call|initialize|x)\",\"params\":[\\[\\]{}\"0-9]{0,4}\\}\n){0,8}",
        ) {
            let folder = tempfile::tempdir().unwrap();
            for value in said(folder.path(), &lines) {
                let all = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                prop_assert!(all.iter().all(|one| one["jsonrpc"] == "2.0" && one.get("id").is_some()), "{}", value);
            }
        }
    }
}
