//! The server: takes requests, asks the script, and writes what the provider would.

use super::{
    asked::{Asked, Request},
    provider::{self, Failure, Frames},
    reply::{Course, Reply, Usage},
    side, tools,
};
use http_body_util::{BodyExt, Either, Full};
use hyper::{
    Response,
    body::{Body, Bytes, Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    future, io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// How long [`Server::wait_for`] waits before the test fails. A command line on a busy machine takes half a minute to ask.
const PATIENCE: Duration = Duration::from_secs(120);

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A server of scripted models on a free port of 127.0.0.1. Dropping it ends it, and everything that hangs on it.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<Script>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    requests: Vec<Asked>,
    /// Answers begun, the server's own too.
    answers: usize,
    /// Answers of the script.
    scripted: usize,
    usage: Usage,
    /// Replies that wait for the end of a search for tools, by session.
    held: HashMap<Option<String>, Reply>,
    panic: Option<String>,
}

impl Default for State {
    fn default() -> State {
        State { requests: Vec::new(), answers: 0, scripted: 0, usage: Usage::NONE, held: HashMap::new(), panic: None }
    }
}

impl Server {
    /// Starts a server that answers by this script.
    pub fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        let shared = Arc::new(Shared { script: Box::new(script), state: Mutex::default(), changed: Condvar::new() });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("a listener for tokio");
        let (end, ended) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, served) => {}
                    _ = ended => {}
                }
            });
            // The runtime is dropped here, and with it every connection.
        });
        Server { address, shared, end: Some(end), thread: Some(thread) }
    }

    /// `http://127.0.0.1:PORT`, as claude and gemini want it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same with `/v1`, as codex and opencode want it.
    pub fn url_v1(&self) -> String {
        format!("{}/v1", self.url())
    }

    /// All requests so far, side requests too, in the order in which they came.
    pub fn requests(&self) -> Vec<Asked> {
        self.shared.state().requests.clone()
    }

    /// The requests that the script was asked to answer.
    pub fn asked(&self) -> Vec<Asked> {
        self.requests().into_iter().filter(|asked| !asked.is_side).collect()
    }

    /// The tokens of all whole answers so far, added up. Failures, broken streams and side requests count nothing.
    pub fn usage(&self) -> Usage {
        self.shared.state().usage
    }

    /// Waits until the script has been asked so many times.
    ///
    /// # Panics
    /// After two minutes.
    pub fn wait_for(&self, count: usize) {
        let is_short = |state: &mut State| state.requests.iter().filter(|asked| !asked.is_side).count() < count;
        let (state, waited) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.state(), PATIENCE, is_short)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "{count} requests were awaited, and {} came", state.requests.len());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever is told has ended already, or ends now.
        let _ = self.end.take().map(|end| end.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        if thread::panicking() {
            return;
        }
        assert!(!matches!(ended, Some(Err(_))), "the model server panicked");
        if let Some(panic) = self.shared.state().panic.take() {
            panic!("the script panicked: {panic}");
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    loop {
        // A connection that is gone before it is taken is nobody's fault.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(Arc::clone(&shared), request));
            // A command line that was killed leaves in the middle; that is what some tests are about.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Answer = Response<Either<Full<Bytes>, Pieces>>;

async fn answer(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    // A request that breaks off is recorded with what came of it: nothing.
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let headers = head.headers.iter();
    let request = Request {
        line: format!("{} {}", head.method, head.uri),
        path: head.uri.path().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let (api, own) = side::route(head.method.as_str(), &request.path);
    let mut asked = request.asked(api);
    if let Some((status, body)) = own {
        asked.is_side = true;
        shared.record(asked);
        return Ok(whole(&Failure::new(status, body), &[]));
    }
    let (asked, reply, number) = shared.reply(asked);
    if matches!(reply.course, Course::Hung) {
        future::pending::<()>().await;
    }
    Ok(told(&asked, &reply, number))
}

impl Shared {
    fn record(&self, asked: Asked) {
        self.state().requests.push(asked);
        self.changed.notify_all();
    }

    /// What is answered to a request, and under which number.
    fn reply(&self, mut asked: Asked) -> (Asked, Reply, usize) {
        let is_title = asked.is_side;
        let held = if is_title { None } else { self.state().held.remove(&asked.session) };
        let reply = if is_title {
            side::reply(&asked)
        } else if let Some(reply) = held {
            asked.is_side = true;
            reply
        } else {
            let mut state = self.state();
            asked.before = state.scripted;
            state.scripted += 1;
            drop(state);
            self.scripted(&asked)
        };
        let mut state = self.state();
        if !is_title && reply.is_counted() {
            state.usage = state.usage.plus(reply.usage);
        }
        state.requests.push(asked.clone());
        state.answers += 1;
        let number = state.answers;
        drop(state);
        self.changed.notify_all();
        (asked, reply, number)
    }

    fn scripted(&self, asked: &Asked) -> Reply {
        let reply = match catch_unwind(AssertUnwindSafe(|| (self.script)(asked))) {
            Ok(reply) => reply,
            Err(panic) => {
                let words = panic.downcast_ref::<String>().cloned();
                let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
                self.state().panic = Some(words.unwrap_or_else(|| "without words".to_owned()));
                return Reply::fail(super::Fault::Invalid);
            }
        };
        match tools::search(asked, &reply) {
            Some(search) => {
                self.state().held.insert(asked.session.clone(), reply);
                search
            }
            None => reply,
        }
    }
}

/// A reply in the words of the protocol.
fn told(asked: &Asked, reply: &Reply, number: usize) -> Answer {
    let provider = provider::of(asked.api);
    let turn = tools::turn(asked, reply, number);
    match &reply.course {
        Course::Fails(fault) => return whole(&provider.failure(fault, &asked.model), &reply.headers),
        Course::Raw { status, body } => return whole(&Failure::new(*status, body.clone()), &reply.headers),
        Course::Whole | Course::MaxTokens | Course::Refused if !asked.is_streamed => {
            return whole(&Failure::new(200, provider.whole(&turn)), &reply.headers);
        }
        _ => {}
    }
    let Frames { opening, middle, finish } = provider.stream(&turn);
    let data = |frames: Vec<String>| frames.into_iter().map(|frame| Step::Data(Bytes::from(frame)));
    let mut steps: VecDeque<Step> = data(opening).collect();
    match &reply.course {
        Course::Cut => steps.extend([Step::Flush, Step::Break]),
        Course::Stalled => steps.push_back(Step::Wait),
        Course::Endless => steps.extend(data(middle)),
        Course::FailsInStream(fault) => {
            let failure = provider.failure(fault, &asked.model);
            steps.extend(data(vec![provider.failure_in_stream(&failure)]));
        }
        _ => steps.extend(data(middle).chain(data(finish))),
    }
    response(200, "text/event-stream", &reply.headers, Either::Right(Pieces(steps)))
}

fn whole(answer: &Failure, more: &[(String, String)]) -> Answer {
    let headers: Vec<(String, String)> = answer.headers.iter().chain(more).cloned().collect();
    let body = Full::new(Bytes::from(answer.body.to_string()));
    response(answer.status, "application/json", &headers, Either::Left(body))
}

fn response(status: u16, kind: &str, headers: &[(String, String)], body: Either<Full<Bytes>, Pieces>) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = status.try_into().expect("a status");
    let kind = ("content-type".to_owned(), kind.to_owned());
    for (name, value) in [&kind].into_iter().chain(headers) {
        let name: hyper::header::HeaderName = name.parse().expect("the name of a header");
        response.headers_mut().insert(name, value.parse().expect("the value of a header"));
    }
    response
}

/// A body that comes in pieces, and may break or never end.
struct Pieces(VecDeque<Step>);

enum Step {
    Data(Bytes),
    /// What came before is written out first.
    Flush,
    Break,
    Wait,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Step::Flush) => {
                // Whoever polls a body writes out what it has before it polls again.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Break) => Poll::Ready(Some(Err(io::Error::other("cut by the script")))),
            Some(Step::Wait) => {
                self.0.push_front(Step::Wait);
                Poll::Pending
            }
        }
    }
}
