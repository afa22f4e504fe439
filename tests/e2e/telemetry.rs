//! Spans through the binary: what a collector gets, and that a run needs none.

use crate::{
    collector::{Collector, Post, field},
    execute::two_streams,
    space::{Said, Space, said},
};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use serde_json::json;
use std::{
    collections::BTreeMap,
    net::{TcpListener, TcpStream},
};

/// What the warning that spans are lost says.
const WARNINGS: [&str; 2] = ["spans do not arrive", "spans are not sent"];

fn space() -> Space {
    let space = Space::plain();
    space.topic("two", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    space
}

/// Executes the topic with these variables set.
fn execute(space: &Space, variables: &[(&str, &str)]) -> Said {
    let mut command = space.tidegate(&["execute", "two", "--plain"]);
    command.envs(variables.iter().copied());
    said(&command.output().expect("the binary runs"))
}

fn spans(posts: &[Post]) -> Vec<Span> {
    posts.iter().flat_map(|post| post.spans.clone()).collect()
}

/// Names, and fields that tell spans of one name apart, from the outermost span to this one.
fn path(spans: &BTreeMap<Vec<u8>, Span>, span: &Span) -> String {
    let own = ["topic", "task", "stream", "what", "command"].iter().find_map(|key| field(span, key));
    let name = own.map_or_else(|| span.name.clone(), |own| format!("{} {own}", span.name));
    match spans.get(&span.parent_span_id) {
        Some(parent) => format!("{} > {name}", path(spans, parent)),
        None => {
            assert!(span.parent_span_id.is_empty(), "the parent of {name} has not arrived");
            name
        }
    }
}

fn warnings(said: &Said) -> usize {
    said.out
        .lines()
        .chain(said.err.lines())
        .filter(|line| WARNINGS.iter().any(|warning| line.contains(warning)))
        .count()
}

#[test]
fn a_run_arrives_whole_each_span_beneath_what_it_belongs_to() {
    let (space, collector) = (space(), Collector::start());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
    ];
    let said = execute(&space, &variables).exits(0);
    assert_eq!(warnings(&said), 0, "{}", said.all());
    let posts = collector.posts();
    assert!(!posts.is_empty());
    for post in &posts {
        assert_eq!(post.path, "/v1/traces");
        assert_eq!(post.headers.get("content-type").map(String::as_str), Some("application/x-protobuf"));
        assert_eq!(post.headers.get("authorization").map(String::as_str), Some("Bearer abc"));
        assert_eq!(post.resource.get("service.name").map(String::as_str), Some("tidegate"));
        assert_eq!(post.resource.get("service.version").map(String::as_str), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(post.resource.get("deployment.environment.name").map(String::as_str), Some("test"));
    }
    let spans = spans(&posts);
    let by_id: BTreeMap<Vec<u8>, Span> = spans.iter().map(|span| (span.span_id.clone(), span.clone())).collect();
    let mut paths: Vec<String> = spans.iter().map(|span| path(&by_id, span)).collect();
    paths.sort();
    assert_eq!(paths.iter().filter(|path| *path == "tidegate.run two").count(), 1, "{paths:#?}");
    for (stream, task) in [("A", "1"), ("A", "2"), ("B", "3")] {
        let job = format!("tidegate.run two > tidegate.stream {stream} > tidegate.task {task} > tidegate.job {task}");
        let agent = format!("{job} > invoke_agent implementation-agent");
        assert_eq!(paths.iter().filter(|path| **path == agent).count(), 1, "{agent}: {paths:#?}");
        let check = format!("{job} > tidegate.check true");
        assert!(paths.contains(&check), "{check}: {paths:#?}");
    }
    let agent = spans.iter().find(|span| span.name.starts_with("invoke_agent")).expect("an agent was called");
    assert_eq!(agent.kind, SpanKind::Client as i32);
    assert_eq!(field(agent, "gen_ai.operation.name").as_deref(), Some("invoke_agent"));
    let job = spans.iter().find(|span| span.name == "tidegate.job").expect("there was a job");
    assert_eq!(field(job, "attempt").as_deref(), Some("#1"));
    assert_eq!(field(job, "ending").as_deref(), Some("passed"));
    let check = spans.iter().find(|span| span.name == "tidegate.check").expect("there was a check");
    assert_eq!(field(check, "exit").as_deref(), Some("#0"));
}

#[test]
fn a_collector_that_is_gone_or_never_answers_costs_a_run_one_warning() {
    let mute = TcpListener::bind("127.0.0.1:0").expect("a free port");
    // The port of a connection's own end: taken, and nobody listens there.
    let end = TcpStream::connect(mute.local_addr().expect("an address")).expect("it connects");
    let dead = end.local_addr().expect("an address");
    for (address, why) in [(dead, "refused"), (mute.local_addr().expect("an address"), "timeout")] {
        let space = space();
        let url = format!("http://{address}");
        let said = execute(&space, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).exits(0).says(&[
            &url,
            why,
            "done, every gate passed",
        ]);
        assert_eq!(warnings(&said), 1, "{}", said.all());
        assert_eq!(space.landed("two").len(), 3);
    }
}

#[test]
fn what_is_not_spoken_is_one_warning_and_what_is_switched_off_none() {
    for (variable, value, count) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", 1),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://127.0.0.1:1", 1),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=c", 1),
        ("OTEL_SDK_DISABLED", "true", 0),
    ] {
        let (space, collector) = (space(), Collector::start());
        let said = execute(&space, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()), (variable, value)]).exits(0);
        assert_eq!(warnings(&said), count, "{variable}: {}", said.all());
        assert!(collector.posts().is_empty(), "{variable}");
    }
}

#[test]
fn an_agents_tools_and_tokens_arrive_and_nothing_that_was_said() {
    let (space, collector) = (Space::plain(), Collector::start());
    let config = "[agents.implementation]\nbackend = \"replay\"\nmodel = \"opus\"\n[backends]\nreplay = \"tapes\"\n\
        [review]\nreviewers = []\n";
    space.write("tidegate.toml", &format!("{}{config}", space.read("tidegate.toml")));
    let session = json!({ "id": "s-1", "reported": { "micros": 0 } });
    let tape = json!({
        "events": [
            "Started",
            { "Text": "a secret of the text" },
            { "ToolCall": { "id": "t-1", "name": "Bash", "input": "a secret of the input" } },
            { "ToolResult": { "id": "t-1", "is_success": false } },
            { "ToolCall": { "id": "t-2", "name": "Write", "input": "" } },
            { "Usage": { "spend": { "input": 5, "cached": 100, "output": 7 }, "session": session } },
            "Finished",
        ],
        "answer": { "Ok": { "text": "a secret of the answer" } },
        "files": [{ "path": "one", "mode": 0o100_644, "text": "1\n" }],
    });
    space.write("tapes/1.implementation.1.json", &tape.to_string());
    space.commit("Tape");
    space.topic("two", "# Two\n\n### Stream A: One\n\n1. **First**\n\n   - Test Requirements: None, it is a file\n");
    execute(&space, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]).exits(0);
    let spans = spans(&collector.posts());
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}"));
    let agent = named("invoke_agent implementation-agent");
    for (key, value) in [
        ("gen_ai.request.model", "opus"),
        ("gen_ai.conversation.id", "s-1"),
        ("gen_ai.usage.input_tokens", "#105"),
        ("gen_ai.usage.output_tokens", "#7"),
        ("gen_ai.usage.cache_read.input_tokens", "#100"),
    ] {
        assert_eq!(field(agent, key).as_deref(), Some(value), "{key}");
    }
    for (name, id, error) in [("Bash", "t-1", Some("tool_error")), ("Write", "t-2", None)] {
        let tool = named(&format!("execute_tool {name}"));
        assert_eq!(tool.parent_span_id, agent.span_id);
        assert_eq!(field(tool, "gen_ai.tool.call.id").as_deref(), Some(id));
        assert_eq!(field(tool, "error.type").as_deref(), error);
        let is_error = tool.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32);
        assert_eq!(is_error, error.is_some());
    }
    let all = format!("{spans:?}");
    assert!(!all.contains("secret"), "{all}");
}
