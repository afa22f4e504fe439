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

use crate::{config::Collector, process::with_causes, text};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_proto::{
    tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    transform::{common::tonic::ResourceAttributesWithSchema, trace::tonic::group_spans_by_resource_and_scope},
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor},
};
use prost::Message;
use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{LevelFilter, ParseError, filter_fn},
    fmt::{MakeWriter, format::FmtSpan},
    layer::SubscriberExt,
};
use ureq::http::{HeaderName, HeaderValue, Uri, header};

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

/// How long the collector has for a batch.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long the end waits for what has not been sent.
const LAST_PATIENCE: Duration = Duration::from_secs(4);
/// Spans that wait to be sent, at most; what is more is lost.
const QUEUE: usize = 4096;
/// Spans of a batch.
const BATCH: usize = 512;
/// How often a batch is sent that is not full.
const PACE: Duration = Duration::from_secs(5);
/// Bytes of a collector's answer that are read.
const ANSWER_MAX: u64 = 64 << 10;

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

/// What sends spans.
#[derive(Debug)]
struct Export {
    provider: SdkTracerProvider,
    tally: Arc<Tally>,
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
        let Some(Export { provider, tally }) = self.export else { return };
        // It waits for the thread that sends. Its result tells nothing that the tally does not know.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_PATIENCE)).await;
        tally.close();
    }
}

impl Export {
    /// Begins to send, in a thread of its own.
    fn to(collector: Collector) -> Result<Export, String> {
        let exporter = Exporter::to(&collector)?;
        let tally = Arc::clone(&exporter.tally);
        let attributes = collector.resource.into_iter().map(|(key, value)| KeyValue::new(key, value));
        let resource = Resource::builder_empty().with_attributes(attributes).build();
        let pace = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(PACE)
            .build();
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(pace).build();
        let counted = Counted { batches, tally: Arc::clone(&tally) };
        let provider = SdkTracerProvider::builder().with_span_processor(counted).with_resource(resource).build();
        Ok(Export { provider, tally })
    }
}

/// What came of the spans, and whether it was told: a collector that is gone is one warning, not one for each batch.
#[derive(Debug)]
struct Tally {
    collector: String,
    ended: AtomicU64,
    arrived: AtomicU64,
    is_told: AtomicBool,
}

impl Tally {
    fn tell(&self, error: &str) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(collector = self.collector, error, "spans do not arrive; the run goes on without them");
        }
    }

    /// Tells what was lost without anybody's fault: the queue was full, or the end did not wait for it.
    fn close(&self) {
        let ended = self.ended.load(Ordering::Relaxed);
        let lost = ended.saturating_sub(self.arrived.load(Ordering::Relaxed));
        if lost > 0 {
            self.tell(&format!("{lost} of {ended} were not taken in time"));
        }
    }
}

/// Batches, with what goes into them counted.
#[derive(Debug)]
struct Counted {
    batches: BatchSpanProcessor,
    tally: Arc<Tally>,
}

impl SpanProcessor for Counted {
    fn on_start(&self, span: &mut Span, context: &opentelemetry::Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.tally.ended.fetch_add(1, Ordering::Relaxed);
        self.batches.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Posts batches to a collector, as OTLP in protobuf over HTTP. A batch is sent once: whoever asks for patience gets none.
struct Exporter {
    agent: ureq::Agent,
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    resource: ResourceAttributesWithSchema,
    tally: Arc<Tally>,
}

/// Without the headers, which may be secret.
impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("collector", &self.tally.collector).finish_non_exhaustive()
    }
}

impl Exporter {
    fn to(collector: &Collector) -> Result<Exporter, String> {
        let url: Uri = collector.url.parse().map_err(|_| "the collector's address is not a URL".to_owned())?;
        // There may be a password before the host.
        let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        let shown = format!("http://{}{port}{}", url.host().unwrap_or_default(), url.path());
        let header = |(name, value): &(String, String)| {
            let wrong = || format!("the header {name:?} for the collector cannot be sent");
            let sent = (HeaderName::try_from(name).ok(), HeaderValue::try_from(value).ok());
            let (Some(name), Some(value)) = sent else { return Err(wrong()) };
            Ok((name, value))
        };
        let headers = collector.headers.iter().map(header).collect::<Result<_, _>>()?;
        // A collector is beside us: no proxy that the environment names stands between, and no other place is gone to.
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        let (ended, arrived, is_told) = Default::default();
        let tally = Arc::new(Tally { collector: shown, ended, arrived, is_told });
        Ok(Exporter { agent: agent.into(), url, headers, resource: Default::default(), tally })
    }

    /// Sends a batch; says how many spans of it were not taken.
    fn post(&self, batch: &[u8]) -> Result<u64, String> {
        let request = self.agent.post(&self.url).header(header::CONTENT_TYPE, "application/x-protobuf");
        let add =
            |request: ureq::RequestBuilder<_>, (name, value): &(HeaderName, HeaderValue)| request.header(name, value);
        let request = self.headers.iter().fold(request, add);
        let mut answer = request.send(batch).map_err(|error| with_causes(&error))?;
        if !answer.status().is_success() {
            return Err(format!("it answers {}", answer.status()));
        }
        // Whoever took the batch may say anything; only what is an answer in the protocol counts.
        let body = answer.body_mut().with_config().limit(ANSWER_MAX).read_to_vec().unwrap_or_default();
        let taken = ExportTraceServiceResponse::decode(&*body).unwrap_or_default();
        let Some(partial) = taken.partial_success.filter(|partial| partial.rejected_spans > 0) else { return Ok(0) };
        self.tally.tell(&format!("it does not take all of them: {}", text::line(&partial.error_message, 200)));
        Ok(partial.rejected_spans.unsigned_abs())
    }
}

impl SpanExporter for Exporter {
    // It blocks: whoever asks is a thread that does nothing else.
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        match self.post(&ExportTraceServiceRequest { resource_spans }.encode_to_vec()) {
            Ok(refused) => {
                self.tally.arrived.fetch_add(count.saturating_sub(refused), Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                self.tally.tell(&error);
                Err(OTelSdkError::InternalFailure(error))
            }
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
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
    use std::{
        io::Read,
        net::{TcpListener, TcpStream},
        sync::Mutex,
        thread,
    };
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

    fn collector(url: &str, headers: &[(&str, &str)]) -> Collector {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Collector { url: url.to_owned(), headers, resource: Vec::new() }
    }

    /// A collector that answers one request with this; the request comes back.
    fn answering(answer: impl AsRef<[u8]> + Send + 'static) -> (String, thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let served = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let request = request(&mut stream);
            stream.write_all(answer.as_ref()).unwrap();
            request
        });
        (url, served)
    }

    /// The head of a request and a body of as many bytes as it names.
    fn request(stream: &mut TcpStream) -> Vec<u8> {
        let mut request = Vec::new();
        let whole = |request: &[u8]| {
            let text = String::from_utf8_lossy(request).to_lowercase();
            let head = text.find("\r\n\r\n")? + 4;
            let length = text[..head].lines().find_map(|line| line.strip_prefix("content-length: "))?;
            Some(head + length.trim().parse::<usize>().unwrap())
        };
        while whole(&request).is_none_or(|length| request.len() < length) {
            let mut some = [0; 1024];
            let count = stream.read(&mut some).unwrap();
            assert_ne!(count, 0, "the request breaks off");
            request.extend_from_slice(&some[..count]);
        }
        request
    }

    #[test]
    fn a_batch_is_posted_with_its_headers_and_what_is_refused_is_counted() {
        let partial = opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess {
            rejected_spans: 2,
            error_message: "too\nold".into(),
        };
        let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let (url, served) = answering([head.into_bytes(), body].concat());
        let exporter = Exporter::to(&collector(&url, &[("authorization", "Bearer s3cret")])).unwrap();
        assert_eq!(exporter.post(b"spans"), Ok(2));
        assert!(exporter.tally.is_told.load(Ordering::Relaxed));
        let request = String::from_utf8(served.join().unwrap()).unwrap().to_lowercase();
        assert!(request.starts_with("post /v1/traces http/1.1\r\n") && request.ends_with("\r\n\r\nspans"), "{request}");
        for line in ["content-type: application/x-protobuf", "authorization: bearer s3cret", "content-length: 5"] {
            assert!(request.lines().any(|said| said == line), "{line}: {request}");
        }
        assert!(!format!("{exporter:?}").contains("s3cret"));
    }

    #[test]
    fn an_answer_that_is_no_success_is_a_failure_and_nobody_is_sent_elsewhere() {
        for (answer, why) in [
            ("HTTP/1.1 503 Service Unavailable\r\nretry-after: 99\r\ncontent-length: 0\r\n\r\n", "503"),
            ("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "307"),
            ("220 smtp ready\r\n", ""),
        ] {
            let (url, served) = answering(answer);
            let error = Exporter::to(&collector(&url, &[])).unwrap().post(b"spans").unwrap_err();
            assert!(error.contains(why), "{error}");
            served.join().unwrap();
        }
    }

    #[test]
    fn an_answer_that_is_no_message_of_the_protocol_is_taken_for_a_yes() {
        let (url, served) = answering("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine");
        assert_eq!(Exporter::to(&collector(&url, &[])).unwrap().post(b"spans"), Ok(0));
        served.join().unwrap();
    }

    #[test]
    fn what_cannot_be_sent_is_told_at_once_and_no_secret_with_it() {
        let told = |url: &str, headers: &[(&str, &str)]| Exporter::to(&collector(url, headers)).err().unwrap();
        assert!(told("http://a b/", &[]).contains("not a URL"));
        let header = told("http://a/", &[("x", "s3cret\n")]);
        assert!(header.contains("\"x\"") && !header.contains("s3cret"), "{header}");
        let shown = Exporter::to(&collector("http://me:s3cret@a:4318/v1/traces", &[])).unwrap();
        assert_eq!(shown.tally.collector, "http://a:4318/v1/traces");
    }

    #[tokio::test]
    async fn nothing_that_has_ended_is_lost_by_the_end() {
        let (url, served) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        let export =
            Export::to(Collector { resource: vec![("k".into(), "v".into())], ..collector(&url, &[]) }).unwrap();
        let tally = Arc::clone(&export.tally);
        let subscriber = subscriber(options(Arc::new(|_| {})), Some(&export.provider)).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..3 {
                info_span!("tidegate.check").in_scope(|| {});
            }
        });
        Telemetry { export: Some(export) }.stop().await;
        let request = served.join().unwrap();
        let body = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let sent = ExportTraceServiceRequest::decode(&request[body..]).unwrap();
        assert_eq!(sent.resource_spans[0].resource.as_ref().unwrap().attributes[0].key, "k");
        assert_eq!(sent.resource_spans[0].scope_spans[0].spans.len(), 3);
        assert_eq!((tally.arrived.load(Ordering::Relaxed), tally.is_told.load(Ordering::Relaxed)), (3, false));
    }

    #[test]
    fn spans_that_were_lost_on_the_way_are_told_once() {
        let exporter = Exporter::to(&collector("http://127.0.0.1:1/", &[])).unwrap();
        exporter.tally.close();
        assert!(!exporter.tally.is_told.load(Ordering::Relaxed), "none was lost");
        exporter.tally.ended.store(1, Ordering::Relaxed);
        exporter.tally.close();
        assert!(exporter.tally.is_told.load(Ordering::Relaxed));
    }
}
