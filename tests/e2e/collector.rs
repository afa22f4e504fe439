//! A collector of spans on a free port of 127.0.0.1, and what came to it.

use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// A collector that takes everything. Dropping it ends it.
pub struct Collector {
    address: SocketAddr,
    posts: Arc<Mutex<Vec<Post>>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A batch that came.
#[derive(Clone)]
pub struct Post {
    /// Its path.
    pub path: String,
    /// Its headers, by their names.
    pub headers: BTreeMap<String, String>,
    /// Who sent it: attributes by their names.
    pub resource: BTreeMap<String, String>,
    /// The spans.
    pub spans: Vec<Span>,
}

impl Collector {
    pub fn start() -> Collector {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener for tokio");
        let address = listener.local_addr().expect("an address");
        let posts = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = oneshot::channel();
        let kept = Arc::clone(&posts);
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(TcpListener::from_std(listener).expect("a listener"), kept) => {}
                    _ = ended => {}
                }
            });
        });
        Collector { address, posts, end: Some(end), thread: Some(thread) }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that came, in order. What a process sent that has ended is among it: it waited for the answers.
    pub fn posts(&self) -> Vec<Post> {
        self.posts.lock().expect("nobody panicked with it").clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Whoever is told has ended already, or ends now.
        let _ = self.end.take().map(|end| end.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || !matches!(ended, Some(Err(_))), "the collector panicked");
    }
}

async fn serve(listener: TcpListener, posts: Arc<Mutex<Vec<Post>>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let posts = Arc::clone(&posts);
        tokio::spawn(async move {
            let service = service_fn(|request| take(Arc::clone(&posts), request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn take(posts: Arc<Mutex<Vec<Post>>>, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let Ok(batch) = ExportTraceServiceRequest::decode(body) else {
        return Ok(Response::builder().status(400).body(Empty::new()).expect("a response"));
    };
    let headers = head.headers.iter();
    let mut post = Post {
        path: head.uri.path().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        resource: BTreeMap::new(),
        spans: Vec::new(),
    };
    for resource in batch.resource_spans {
        let attributes = resource.resource.unwrap_or_default().attributes;
        post.resource.extend(attributes.iter().map(|attribute| (attribute.key.clone(), told(attribute))));
        post.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    posts.lock().expect("nobody panicked with it").push(post);
    Ok(Response::new(Empty::new()))
}

/// An attribute of a span, as text; a number has `#` before it.
pub fn field(span: &Span, key: &str) -> Option<String> {
    span.attributes.iter().find(|attribute| attribute.key == key).map(told)
}

fn told(attribute: &KeyValue) -> String {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => format!("#{number}"),
        other => format!("{other:?}"),
    }
}
