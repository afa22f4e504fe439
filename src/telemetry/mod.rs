//! Tracing set up: log lines for people, and spans of runs, streams, tasks, jobs and checks for OpenTelemetry.
//!
//! The names and fields of the spans are a format that others build on: they do not change. Nobody imports this module;
//! whoever does the work opens its span by name (`tracing::info_span!("tidegate.job", job, task, what, attempt)`), and the tests
//! here say what comes out at the far end.
//!
//! | span | opened by | fields |
//! | --- | --- | --- |
//! | `tidegate.run` | the supervisor, for the life of the process | `run`, `topic` |
//! | `tidegate.stream` | a stream's actor | `stream` (label) |
//! | `tidegate.task` | a stream's actor, from a task's first job to its end | `task` (label), `stream` |
//! | `tidegate.job` | a role's actor, one for each job | `job` (number), `task`, `what` (`What::name`), `attempt`, `ending` (recorded at its end) |
//! | `tidegate.check` | whoever runs a command as evidence | `command`, `commit`, `exit` (recorded), `ms` (recorded) |
//! | `tidegate.agent` | whoever calls an agent, in the span of its job | `backend`, and the conventions' for `invoke_agent` |
//! | `tidegate.tool` | the same, for each tool that the agent uses | the conventions' for `execute_tool` |
//!
//! A gate's jobs have the gate's label as `task`. A field that is only known at the end is declared `tracing::field::Empty` and
//! recorded; what is not declared when the span opens is lost. A number has to be recorded as an `i64` (or smaller, with a sign):
//! an unsigned one is exported as text.
//!
//! The last two are exported under the names that OpenTelemetry's conventions for generative AI give them, `invoke_agent NAME` and
//! `execute_tool NAME`. Spans are all that is exported: no log line, no prompt, no answer, no argument of a tool.

mod export;

use crate::config::Collector;
use export::Export;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::{
    io::{self, Write},
    sync::Arc,
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{LevelFilter, ParseError, filter_fn},
    fmt::{MakeWriter, format::FmtSpan},
    layer::SubscriberExt,
};

/// The span of a run.
pub const RUN: &str = "tidegate.run";
/// The span of a stream.
pub const STREAM: &str = "tidegate.stream";
/// The span of a task.
pub const TASK: &str = "tidegate.task";
/// The span of a job.
pub const JOB: &str = "tidegate.job";
/// The span of a check.
pub const CHECK: &str = "tidegate.check";
/// The span of a call of an agent.
pub const AGENT: &str = "tidegate.agent";
/// The span of an agent's use of a tool.
pub const TOOL: &str = "tidegate.tool";

/// What people see of the log where they have not said: warnings, and what tidegate says about itself.
pub const LOGGED: &str = "warn,tidegate=info";

/// Where log lines go: called with one whole line (or event of several lines) at a time, from any thread. It must not log.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// How to log and trace.
pub struct Options {
    /// Which log lines, as `RUST_LOG` writes it.
    pub filter: String,
    /// With colours; off where [`Options::log`] strips them or is no terminal.
    pub is_coloured: bool,
    /// Takes the lines: stderr, or the screen, which puts them above its bars.
    pub log: Log,
    /// Where spans go. `None`: nowhere, and none are made.
    pub collector: Option<Collector>,
}

/// Why tracing was not set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not one.
    #[error("the log filter {filter:?} is not valid: {source}")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong.
        source: ParseError,
    },
    /// Something in this process has set it up already.
    #[error("tracing is set up already")]
    Twice,
}

/// Tracing, as long as it is held.
#[derive(Debug)]
pub struct Telemetry {
    export: Option<Export>,
}

impl Telemetry {
    /// Sets tracing up for the whole process. A collector that cannot be spoken to is a warning.
    ///
    /// # Errors
    /// A filter that is none, or a second call.
    pub fn start(mut options: Options) -> Result<Telemetry, TelemetryError> {
        let export = options.collector.take().map(Export::to).transpose();
        let provider = export.as_ref().ok().and_then(Option::as_ref).map(|export| &export.provider);
        let subscriber = subscriber(options, provider)?;
        tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)?;
        let export = export.unwrap_or_else(|error| {
            tracing::warn!(error, "spans are not sent");
            None
        });
        Ok(Telemetry { export })
    }

    /// Sends what has not been sent, for a few seconds at most. Without it the last spans are lost.
    pub async fn stop(self) {
        if let Some(export) = self.export {
            export.stop().await;
        }
    }
}

/// What goes to OpenTelemetry: our own spans, and no log line, in which there may be anything. Actors of ractor open a span as
/// long as their life.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    let is_ours = metadata.target().split("::").next() == Some(env!("CARGO_PKG_NAME"));
    is_ours && metadata.is_span() && *metadata.level() <= Level::INFO
}

fn subscriber(
    options: Options,
    provider: Option<&SdkTracerProvider>,
) -> Result<impl Subscriber + Send + Sync + use<>, TelemetryError> {
    let Options { filter, is_coloured, log, .. } = options;
    let parsed = EnvFilter::try_new(&filter).map_err(|source| TelemetryError::Filter { filter, source })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Pen(log))
        .with_ansi(is_coloured)
        .with_target(false)
        .without_time()
        .with_span_events(FmtSpan::NONE)
        .with_filter(parsed);
    let spans = provider.map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::INFO))
    });
    Ok(tracing_subscriber::registry().with(lines).with(spans))
}

/// Hands each event to the log as a whole: bars are moved aside once a line, never torn.
struct Pen(Log);

/// One event in the making.
struct Line {
    log: Log,
    bytes: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Pen {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { log: Arc::clone(&self.0), bytes: Vec::new() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes);
        if !text.trim().is_empty() {
            (self.log)(text.trim_end());
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use opentelemetry::Value;
    use opentelemetry_sdk::{
        error::OTelSdkResult,
        trace::{SpanData, SpanExporter},
    };
    use std::sync::Mutex;
    use tracing::{field::Empty, info_span};

    #[derive(Clone, Debug, Default)]
    struct Memory(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Memory {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    fn options(log: Log) -> Options {
        Options { filter: LOGGED.into(), is_coloured: false, log, collector: None }
    }

    /// Everything that is exported while `work` is done.
    pub(crate) fn collected(work: impl FnOnce()) -> Vec<SpanData> {
        let memory = Memory::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(memory.clone()).build();
        let subscriber = subscriber(options(Arc::new(|_| {})), Some(&provider)).unwrap();
        tracing::subscriber::with_default(subscriber, work);
        provider.force_flush().unwrap();
        std::mem::take(&mut *memory.0.lock().unwrap())
    }

    /// The same as text: name, parent's name, fields.
    fn exported(work: impl FnOnce()) -> Vec<String> {
        let spans = collected(work);
        let name =
            |id| spans.iter().find(|s| s.span_context.span_id() == id).map_or_else(|| "-".into(), |s| s.name.clone());
        let told = |s: &SpanData| {
            let fields: Vec<String> = s.attributes.iter().map(|f| format!("{}={}", f.key, f.value.as_str())).collect();
            format!("{} < {}: {}", s.name, name(s.parent_span_id), fields.join(" "))
        };
        spans.iter().map(told).collect()
    }

    #[test]
    fn spans_arrive_with_the_names_and_fields_that_others_build_on() {
        let spans = exported(|| {
            let _run = info_span!("tidegate.run", run = "r1", topic = "chat-system").entered();
            let _stream = info_span!("tidegate.stream", stream = "A").entered();
            let _task = info_span!("tidegate.task", task = "5", stream = "A").entered();
            let job = info_span!("tidegate.job", job = 7, task = "5", what = "verify", attempt = 2, ending = Empty);
            {
                let _job = job.clone().entered();
                let check =
                    info_span!("tidegate.check", command = "cargo test", commit = "1a2b", exit = Empty, ms = Empty);
                check.in_scope(|| check.record("exit", 101).record("ms", 900));
            }
            job.record("ending", "rejected");
        });
        assert_eq!(
            spans,
            [
                format!("{CHECK} < {JOB}: command=cargo test commit=1a2b exit=101 ms=900"),
                format!("{JOB} < {TASK}: job=7 task=5 what=verify attempt=2 ending=rejected"),
                format!("{TASK} < {STREAM}: task=5 stream=A"),
                format!("{STREAM} < {RUN}: stream=A"),
                format!("{RUN} < -: run=r1 topic=chat-system"),
            ]
        );
    }

    #[test]
    fn only_our_own_spans_are_exported_and_no_log_line() {
        let spans = collected(|| {
            let _run = info_span!("tidegate.run").entered();
            tracing::warn!(secret = "s", "told to people");
            tracing::debug_span!("tidegate.detail").in_scope(|| {});
            info_span!(target: "tidegate_other", "other").in_scope(|| {});
        });
        let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["tidegate.run"]);
        assert_eq!(spans[0].events.events, []);
        let spans = exported(|| {
            info_span!(target: "ractor::actor", "Actor").in_scope(|| {});
            info_span!(target: "opentelemetry_sdk", "export").in_scope(|| {});
            info_span!("tidegate.run").in_scope(|| {});
        });
        assert_eq!(spans, ["tidegate.run < -: "]);
    }

    #[test]
    fn a_log_line_arrives_whole_and_only_where_the_filter_lets_it() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = {
            let lines = Arc::clone(&lines);
            Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()))
        };
        let subscriber = subscriber(options(log), None).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(path = "a b", "two\nlines");
            tracing::debug!("not this");
            tracing::info!(target: "ractor", "nor this");
        });
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with(" WARN two") && lines[0].ends_with("path=\"a b\""), "{lines:?}");
    }

    #[test]
    fn a_filter_that_is_none_is_told() {
        let wrong = Options { filter: "tidegate=loud".into(), ..options(Arc::new(|_| {})) };
        assert!(matches!(subscriber(wrong, None), Err(TelemetryError::Filter { .. })));
    }

    #[test]
    fn names_kinds_states_and_numbers_arrive_as_what_they_are() {
        let spans = collected(|| {
            let span = info_span!(
                "tidegate.agent",
                otel.name = format!("invoke_agent {}", "qa"),
                otel.kind = "client",
                otel.status_code = Empty,
                gen_ai.usage.input_tokens = Empty,
                unsigned = 7_u64,
            );
            span.in_scope(|| {});
            span.record("gen_ai.usage.input_tokens", 12_i64).record("otel.status_code", "error");
        });
        let [span] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(span.name, "invoke_agent qa");
        assert_eq!(span.span_kind, opentelemetry::trace::SpanKind::Client);
        assert_eq!(span.status, opentelemetry::trace::Status::error(""));
        let value =
            |key: &str| span.attributes.iter().find(|field| field.key.as_str() == key).map(|field| &field.value);
        assert_eq!(value("gen_ai.usage.input_tokens"), Some(&Value::I64(12)));
        // Why no number may be unsigned.
        assert_eq!(value("unsigned"), Some(&Value::from("7")));
        assert_eq!(span.attributes.len(), 2);
    }
}
