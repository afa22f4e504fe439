//! What the scripted server says in each provider's protocol, without any command line.

use super::model::{Api, Asked, Fault, Reply, Server, Usage, steps};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{collections::BTreeMap, thread};
use tokio::net::TcpStream;

/// What came back, as far as it came.
struct Heard {
    status: u16,
    headers: BTreeMap<String, String>,
    text: String,
    /// Whether the body ended as it should.
    is_whole: bool,
}

impl Heard {
    /// The body as one JSON value.
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The events of a stream.
    fn events(&self) -> Vec<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok()).collect()
    }
}

/// Sends one request, and gives the response as soon as its head is there.
async fn send(url: &str, line: &str, body: &Value) -> hyper::Result<hyper::Response<Incoming>> {
    let address = url.trim_start_matches("http://");
    let stream = TcpStream::connect(address).await.expect("it listens");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let request = Request::builder().method(method).uri(path).header("host", address);
    sender.send_request(request.body(Full::new(Bytes::from(body.to_string()))).expect("a request")).await
}

#[tokio::main(flavor = "current_thread")]
async fn ask(server: &Server, line: &str, body: &Value) -> Heard {
    let response = send(&server.url(), line, body).await.expect("it answers");
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned())).collect();
    let mut heard = Heard { status: response.status().as_u16(), headers, text: String::new(), is_whole: true };
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => heard.text += &String::from_utf8_lossy(frame.data_ref().expect("data")),
            Err(_) => {
                heard.is_whole = false;
                break;
            }
        }
    }
    heard
}

const APIS: [Api; 4] = [Api::Anthropic, Api::Responses, Api::Gemini, Api::Chat];

/// The smallest request for a streamed answer.
fn request(api: Api) -> (&'static str, Value) {
    match api {
        Api::Anthropic => {
            let messages = json!([{"role": "user", "content": "go"}]);
            ("POST /v1/messages", json!({"model": "m", "system": "be good", "messages": messages, "stream": true}))
        }
        Api::Responses => {
            let input = json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]}]);
            ("POST /v1/responses", json!({"model": "m", "instructions": "be good", "input": input, "stream": true}))
        }
        Api::Gemini => {
            let contents = json!([{"role": "user", "parts": [{"text": "go"}]}]);
            let body = json!({"systemInstruction": {"parts": [{"text": "be good"}]}, "contents": contents});
            ("POST /v1beta/models/m:streamGenerateContent?alt=sse", body)
        }
        Api::Chat => {
            let messages = json!([{"role": "system", "content": "be good"}, {"role": "user", "content": "go"}]);
            ("POST /v1/chat/completions", json!({"model": "m", "messages": messages, "stream": true}))
        }
    }
}

fn ask_api(server: &Server, api: Api) -> Heard {
    let (line, body) = request(api);
    ask(server, line, &body)
}

/// What this reply becomes in each of the protocols.
fn replied(reply: &Reply) -> Vec<(Api, Heard)> {
    let server = Server::start(steps([reply.clone()]));
    APIS.map(|api| (api, ask_api(&server, api))).into()
}

/// The reason for which a stream says that the model stopped.
fn finish(api: Api, events: &[Value]) -> Option<String> {
    let found = match api {
        Api::Anthropic => events.iter().find_map(|event| event["delta"].get("stop_reason")),
        Api::Responses => {
            let last = events.last()?;
            let details = last["response"]["incomplete_details"].get("reason");
            details.or_else(|| last.get("type").filter(|kind| *kind == "response.completed"))
        }
        Api::Gemini => events.iter().find_map(|event| event["candidates"][0].get("finishReason")),
        Api::Chat => {
            let reasons = events.iter().filter_map(|event| event["choices"][0].get("finish_reason"));
            reasons.into_iter().find(|reason| reason.is_string())
        }
    };
    found.and_then(Value::as_str).map(str::to_owned)
}

fn finishes(reply: &Reply) -> [Option<String>; 4] {
    let replied = replied(reply);
    [0, 1, 2, 3].map(|at| finish(replied[at].0, &replied[at].1.events()))
}

fn some<const N: usize>(words: [&str; N]) -> [Option<String>; N] {
    words.map(|word| Some(word.to_owned()))
}

#[test]
fn a_script_is_told_the_same_by_every_protocol() {
    let server = Server::start(steps([Reply::say("yes")]));
    for api in APIS {
        ask_api(&server, api);
    }
    let asked = server.asked();
    for (before, (asked, api)) in asked.iter().zip(APIS).enumerate() {
        assert_eq!((asked.api, asked.before), (api, before));
        assert_eq!((&*asked.model, &*asked.system, asked.prompt()), ("m", "be good", "go"), "{api:?}");
        assert!(asked.is_streamed && asked.results.is_empty() && asked.tools.is_empty());
    }
    assert_eq!(server.usage(), Usage { input: 400, output: 80, ..Usage::NONE });
}

#[test]
fn an_answer_comes_whole_and_says_why_it_ended() {
    for (api, heard) in replied(&Reply::say("well done")) {
        assert_eq!((heard.status, heard.is_whole), (200, true));
        let text = heard.text.replace('"', "");
        assert!(text.contains("well") && text.contains("done"), "{api:?}: {text}");
    }
    assert_eq!(finishes(&Reply::say("x")), some(["end_turn", "response.completed", "STOP", "stop"]));
    assert_eq!(finishes(&Reply::shell("true")), some(["tool_use", "response.completed", "STOP", "tool_calls"]));
    assert_eq!(finishes(&Reply::max_tokens("x")), some(["max_tokens", "max_output_tokens", "MAX_TOKENS", "length"]));
    assert_eq!(finishes(&Reply::refuse()), some(["refusal", "content_filter", "SAFETY", "content_filter"]));
}

#[test]
fn one_answer_may_do_several_things() {
    for (api, heard) in replied(&Reply::shell("echo one").and(Reply::shell("echo two")).saying("both")) {
        let [one, two] = ["echo one", "echo two"].map(|command| heard.text.find(command));
        assert!(one.is_some() && one < two, "{api:?}: {}", heard.text);
    }
}

#[test]
fn a_stream_may_be_cut_or_have_no_end() {
    for (api, heard) in replied(&Reply::cut("first second")) {
        assert!(!heard.is_whole && heard.status == 200, "{api:?}");
        assert!(heard.text.contains("first ") && !heard.text.contains("second"), "{api:?}: {}", heard.text);
    }
    for (api, heard) in replied(&Reply::without_finish("first second")) {
        assert!(heard.is_whole && heard.text.contains("second"), "{api:?}: {}", heard.text);
        assert_eq!(finish(api, &heard.events()), None, "{api:?}");
    }
}

#[test]
fn every_failure_has_its_status() {
    let statuses = |fault: &Fault| {
        let heard = replied(&Reply::fail(fault.clone()));
        [0, 1, 2, 3].map(|at| heard[at].1.status)
    };
    assert_eq!(statuses(&Fault::RateLimited { retry_after: None }), [429; 4]);
    assert_eq!(statuses(&Fault::UsageLimit { resets_at: 1 }), [429; 4]);
    assert_eq!(statuses(&Fault::MinuteQuota { retry_after: 1 }), [429; 4]);
    assert_eq!(statuses(&Fault::NoCredit), [400, 429, 403, 429]);
    assert_eq!(statuses(&Fault::Overloaded), [529, 503, 503, 503]);
    assert_eq!(statuses(&Fault::Internal), [500; 4]);
    assert_eq!(statuses(&Fault::Unauthorized), [401, 401, 400, 401]);
    assert_eq!(statuses(&Fault::Forbidden), [403; 4]);
    assert_eq!(statuses(&Fault::UnknownModel), [404; 4]);
    assert_eq!(statuses(&Fault::TooLong), [400; 4]);
    assert_eq!(statuses(&Fault::TooLarge), [413; 4]);
    assert_eq!(statuses(&Fault::Invalid), [400; 4]);
    let teapot = Reply::status(418, json!({"tea": true})).with_header("x-pot", "brown");
    for (_, heard) in replied(&teapot) {
        assert_eq!((heard.status, heard.json()["tea"].clone()), (418, json!(true)));
        assert_eq!(heard.headers["x-pot"], "brown");
    }
}

#[test]
fn a_limit_says_when_it_ends_as_its_provider_does() {
    let heard = replied(&Reply::fail(Fault::UsageLimit { resets_at: 1_795_224_145 }));
    assert_eq!(heard[0].1.headers["anthropic-ratelimit-unified-reset"], "1795224145");
    assert_eq!(heard[1].1.json()["error"]["resets_at"], 1_795_224_145);
    assert!(heard[2].1.text.contains("PerDay"));
    assert!(heard[3].1.headers.contains_key("retry-after"));
    let heard = replied(&Reply::fail(Fault::MinuteQuota { retry_after: 40 }));
    assert_eq!([0, 1, 3].map(|at| &*heard[at].1.headers["retry-after"]), ["40"; 3]);
    assert!(heard[2].1.text.contains(r#""retryDelay":"40s""#) && heard[2].1.text.contains("PerMinute"));
}

#[test]
fn a_failure_may_come_within_a_stream() {
    for (api, heard) in replied(&Reply::fail_in_stream(Fault::Overloaded)) {
        assert_eq!((heard.status, heard.is_whole), (200, true), "{api:?}");
        assert!(heard.text.to_lowercase().contains("overloaded"), "{api:?}: {}", heard.text);
        assert_eq!(finish(api, &heard.events()), None, "{api:?}");
    }
}

#[test]
fn what_is_asked_for_whole_comes_whole() {
    let server = Server::start(steps([Reply::shell("true").saying("well")]));
    for api in [Api::Anthropic, Api::Responses, Api::Chat] {
        let (line, mut body) = request(api);
        body["stream"] = json!(false);
        let whole = ask(&server, line, &body).json();
        assert!(whole.to_string().contains("well") && whole.get("usage").is_some(), "{api:?}: {whole}");
    }
    let (line, body) = request(Api::Gemini);
    let whole = ask(&server, &line.replace("streamGenerateContent?alt=sse", "generateContent"), &body).json();
    assert_eq!(whole["candidates"][0]["content"]["parts"][0]["text"], "well");
}

#[test]
fn side_requests_are_no_business_of_the_script() {
    let server = Server::start(|_| panic!("it must not be asked"));
    let tokens = ask(&server, "POST /v1/messages/count_tokens", &json!({})).json();
    assert_eq!(tokens["input_tokens"], 10);
    assert_eq!(ask(&server, "POST /v1beta/models/m:countTokens", &json!({})).json()["totalTokens"], 10);
    assert_eq!(ask(&server, "GET /v1/models", &Value::Null).status, 200);
    assert_eq!(ask(&server, "POST /telemetry", &json!({})).status, 404);
    assert!(server.asked().is_empty());
    let lines: Vec<String> = server.requests().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines[2..], ["GET /v1/models", "POST /telemetry"]);
    assert_eq!(server.usage(), Usage::NONE);
}

#[test]
fn what_a_command_line_asks_for_itself_gets_the_plainest_answer() {
    let server = Server::start(|_| panic!("it must not be asked"));
    let properties =
        json!({"next_speaker": {"type": "STRING", "enum": ["user", "model"]}, "loops": {"type": "number"}});
    let schema = json!({"type": "object", "properties": properties});
    let (line, mut body) = request(Api::Gemini);
    body["generationConfig"] = json!({"responseMimeType": "application/json", "responseJsonSchema": schema});
    let whole = ask(&server, &line.replace("streamGenerateContent?alt=sse", "generateContent"), &body).json();
    let text = whole["candidates"][0]["content"]["parts"][0]["text"].as_str().expect("text");
    let answer: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(answer, json!({"next_speaker": "user", "loops": 0}));
    let (line, mut body) = request(Api::Chat);
    body["messages"][0]["content"] = json!("You are a title generator.");
    assert_eq!(finish(Api::Chat, &ask(&server, line, &body).events()).as_deref(), Some("stop"));
    assert!(server.asked().is_empty() && server.usage() == Usage::NONE);
}

#[test]
fn a_tool_that_is_only_known_by_name_is_searched_for_first() {
    let server = Server::start(steps([Reply::mcp("notes", "add", json!({"text": "hi"})), Reply::say("well done")]));
    let (line, mut body) = request(Api::Anthropic);
    body["tools"] = json!([{"name": "ToolSearch"}]);
    body["messages"] = json!([{"role": "user", "content": "go; there is mcp__notes__add"}]);
    let search = ask(&server, line, &body);
    assert!(search.text.contains("select:mcp__notes__add"), "{}", search.text);
    let call = ask(&server, line, &body);
    assert!(call.text.contains("mcp__notes__add") && !call.text.contains("select:"), "{}", call.text);
    assert!(ask(&server, line, &body).text.contains("done"));
    assert_eq!(server.asked().iter().map(|asked| asked.before).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_server_that_is_dropped_ends_what_hangs() {
    let server = Server::start(steps([Reply::hang(), Reply::stall("first second")]));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (line, body) = request(Api::Chat);
    let url = server.url();
    let hung = thread::spawn(move || runtime().block_on(send(&url, line, &request(Api::Chat).1)).is_err());
    server.wait_for(1);
    let client = runtime();
    let mut stalled = client.block_on(send(&server.url(), line, &body)).expect("a head").into_body();
    client.block_on(stalled.frame()).expect("a piece").expect("data");
    drop(server);
    assert!(hung.join().expect("an end"), "it was answered");
    let rest = client.block_on(async {
        loop {
            match stalled.frame().await {
                Some(Ok(_)) => {}
                other => break other,
            }
        }
    });
    assert!(matches!(rest, Some(Err(_))), "the stream ended in order");
}

#[test]
#[should_panic(expected = "the script panicked: this is no answer")]
fn a_script_that_panics_fails_the_test() {
    let server = Server::start(|_: &Asked| panic!("this is no answer"));
    assert_eq!(ask_api(&server, Api::Chat).status, 400);
}
