//! What sends spans: batches of them, as OTLP over plain HTTP, to a collector that may be slow or gone.

use crate::{config::Collector, process::with_causes, text};
use opentelemetry::KeyValue;
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
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use ureq::http::{HeaderName, HeaderValue, Uri, header};

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

/// What sends spans.
#[derive(Debug)]
pub(super) struct Export {
    pub(super) provider: SdkTracerProvider,
    tally: Arc<Tally>,
}

impl Export {
    /// Begins to send, in a thread of its own.
    pub(super) fn to(collector: Collector) -> Result<Export, String> {
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

    /// Sends what has not been sent, for a few seconds at most.
    pub(super) async fn stop(self) {
        let Export { provider, tally } = self;
        // It waits for the thread that sends. Its result tells nothing that the tally does not know.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_PATIENCE)).await;
        tally.close();
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

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TracerProvider as _;
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
        thread,
    };
    use tracing::info_span;
    use tracing_subscriber::layer::SubscriberExt;

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
        let tracer = export.provider.tracer("tidegate");
        let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..3 {
                info_span!("tidegate.check").in_scope(|| {});
            }
        });
        export.stop().await;
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
