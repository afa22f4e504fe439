//! Asks: what an agent tells and asks while it is at work, through our MCP server; and the answers, from experts.
//!
//! All of it comes through a named pipe in the agent's tray, into which the agent can write what it likes. So lines are bounded, and so is
//! their number; answers go to pipes of the tray and nowhere else; and experts are asked a few times a call, one at a time.

use super::{
    Bench, Desk, Note,
    agent::{Called, EXPERT, Wish, misconfigured},
};
use crate::{
    agent::{AgentError, Server},
    mcp::{self, ASKS, Ask, EXPERTS, Expert, LINE_MAX, Reply, Splitter, Tray, Word},
    plan::Role,
    process::redacted,
    run::{Job, Sheet},
    text::{line, nearest, shortened},
    workspace::Lease,
};
use std::{collections::VecDeque, ffi::OsString, fs, io, path::Path, pin::Pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe::{Receiver, Sender},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Questions that are answered in one call of an agent.
const ASKS_MAX: usize = 5;
/// Lines of one call that are heard.
const WORDS_MAX: usize = 2_000;
/// Bytes of one call that are read.
const BYTES_MAX: usize = 8 << 20;
/// Characters of what an agent is at.
const PROGRESS_MAX: usize = 300;
/// Characters of a question.
const QUESTION_MAX: usize = 16_000;
/// Characters of an answer.
const ANSWER_MAX: usize = 16_000;
/// Experts that are told of.
const EXPERTS_MAX: usize = 50;
/// How long an answer may lie until whoever asked has read it.
const PATIENCE: Duration = Duration::from_secs(10);

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The line from an agent that is at work to whoever answers it.
pub(super) struct Asks<'a> {
    pipe: Receiver,
    post: Post<'a>,
}

/// Who answers.
struct Post<'a> {
    bench: &'a Bench,
    job: &'a Job,
    desk: &'a Desk,
    role: Role,
    lease: &'a Arc<Lease>,
    tray: Tray,
    folder: &'a Path,
    /// What it may not pass on.
    secrets: &'a [String],
}

impl<'a> Asks<'a> {
    /// Opens it for a call with this tray, before the agent is called.
    pub(super) fn open(
        bench: &'a Bench,
        (job, desk): (&'a Job, &'a Desk),
        role: Role,
        lease: &'a Arc<Lease>,
        (folder, secrets): (&'a Path, &'a [String]),
    ) -> Result<Asks<'a>, AgentError> {
        let unusable = |error: io::Error| misconfigured(format!("{}: {error}", folder.display()));
        let post = Post { bench, job, desk, role, lease, tray: Tray::at(folder), folder, secrets };
        let experts = serde_json::to_string(&post.experts()).map_err(|error| unusable(error.into()))?;
        fs::write(folder.join(EXPERTS), experts).map_err(unusable)?;
        let pipe = post.tray.make_pipe(ASKS).and_then(Receiver::from_file).map_err(unusable)?;
        Ok(Asks { pipe, post })
    }

    /// The server through which an agent tells and asks.
    pub(super) fn server(&self) -> Server {
        let program = self.post.bench.setting.program.display().to_string();
        let tray = self.post.folder.display().to_string();
        Server {
            name: mcp::NAME.to_owned(),
            argv: vec![program, mcp::MODE.to_owned()],
            env: vec![(mcp::TRAY.to_owned(), tray)],
        }
    }

    /// The same for a program that no server can be handed to: a command line for `sh`.
    pub(super) fn env(&self) -> [(OsString, OsString); 2] {
        let program = self.post.bench.setting.program.display().to_string();
        let command = format!("'{}' {}", program.replace('\'', r"'\''"), mcp::MODE);
        [(mcp::TRAY.into(), self.post.folder.into()), ("TIDEGATE_MCP".into(), command.into())]
    }

    /// Listens while an agent works. When that is done, nobody is asked any more, and what was asked is given up.
    pub(super) async fn beside<T>(self, work: impl Future<Output = T>) -> T {
        let over = self.post.desk.stop.child_token();
        let work = async {
            let done = work.await;
            over.cancel();
            done
        };
        let (done, ()) = tokio::join!(work, serve(self.pipe, &self.post, &over));
        // A pipe would be waited at by whoever reads what is kept of the call.
        if let Err(error) = self.post.tray.remove(ASKS) {
            tracing::warn!(folder = %self.post.folder.display(), %error, "a pipe of an agent's tray cannot be removed");
        }
        done
    }
}

/// Answers until it is over, one at a time.
async fn serve(pipe: Receiver, post: &Post<'_>, over: &CancellationToken) {
    let mut ear = Some(Ear { pipe, splitter: Splitter::new(LINE_MAX), words: 0, bytes: 0 });
    let mut waiting: VecDeque<Ask> = VecDeque::new();
    let mut asked = 0;
    let mut answering: Option<Boxed<'_, ()>> = None;
    loop {
        if answering.is_none()
            && let Some(ask) = waiting.pop_front()
        {
            answering = Some(Box::pin(post.answer(ask, over)));
        }
        let heard = async {
            match &mut ear {
                Some(ear) => ear.hear().await,
                None => std::future::pending().await,
            }
        };
        let answered = async {
            match &mut answering {
                Some(answering) => answering.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over.cancelled() => break,
            () = answered => answering = None,
            words = heard => match words {
                Ok(words) => for word in words {
                    match post.without_secrets(word) {
                        Word::Progress(text) => post.progress(&text),
                        Word::Ask(ask) if !ask.is_answerable() => {}
                        Word::Ask(ask) if asked < ASKS_MAX => {
                            asked += 1;
                            waiting.push_back(ask);
                        }
                        Word::Ask(ask) => post.refuse(&ask, over).await,
                    }
                },
                Err(why) => {
                    tracing::warn!(folder = %post.folder.display(), why, "an agent is not listened to any more");
                    ear = None;
                }
            },
        }
    }
    // It is told to stop by `over`, and its processes are waited for.
    if let Some(answering) = answering {
        answering.await;
    }
}

/// Hears what comes through the pipe, until it is too much.
struct Ear {
    pipe: Receiver,
    splitter: Splitter,
    words: usize,
    bytes: usize,
}

impl Ear {
    /// The next words. What is no word is passed over. Nothing is lost where this is given up.
    async fn hear(&mut self) -> Result<Vec<Word>, String> {
        let mut buffer = [0; 8 << 10];
        let count = self.pipe.read(&mut buffer).await.map_err(|error| error.to_string())?;
        let mut words = Vec::new();
        self.splitter.take(&buffer[..count], |line| {
            self.words += 1;
            words.extend(line.and_then(|line| serde_json::from_slice::<Word>(line).ok()));
        });
        self.bytes += count;
        let is_flooded = self.words > WORDS_MAX || self.bytes > BYTES_MAX || count == 0;
        if is_flooded { Err("it said too much".to_owned()) } else { Ok(words) }
    }
}

impl Post<'_> {
    /// What it says goes to the screen and to an expert's model.
    fn without_secrets(&self, word: Word) -> Word {
        let clean = |text: &str| redacted(text, self.secrets);
        match word {
            Word::Progress(text) => Word::Progress(clean(&text)),
            Word::Ask(Ask { expert, question, answer }) => {
                Word::Ask(Ask { expert: expert.as_deref().map(clean), question: clean(&question), answer })
            }
        }
    }

    /// Whom an agent can ask.
    fn experts(&self) -> Vec<Expert> {
        let reviewers: Vec<String> =
            self.desk.plan.blueprint().reviewers.iter().map(|(name, _)| name.to_string()).collect();
        let all = self.bench.setting.definitions.iter();
        let experts = all.filter(|definition| definition.role(&reviewers) == "expert");
        let told = experts.map(|definition| Expert {
            name: definition.name.to_string(),
            description: line(&definition.description, 200),
        });
        told.take(EXPERTS_MAX).collect()
    }

    fn progress(&self, text: &str) {
        let text = line(text, PROGRESS_MAX);
        tracing::debug!(progress = text, "an agent says what it is at");
        (self.desk.tell)(Note::Said(text));
    }

    async fn refuse(&self, ask: &Ask, over: &CancellationToken) {
        let why =
            format!("no more than {ASKS_MAX} questions are answered in one go; take the likelier meaning, and say so");
        self.deliver(ask, &Reply::Refusal(why), over).await;
    }

    async fn answer(&self, ask: Ask, over: &CancellationToken) {
        let asked = ask.expert.as_deref().unwrap_or(EXPERT);
        let experts = self.experts();
        let names = || experts.iter().map(|expert| &*expert.name);
        let reply = if names().any(|name| name == asked) {
            self.consult(asked, &ask.question, over).await
        } else {
            let meant = nearest(asked, names()).map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
            let all = names().collect::<Vec<_>>().join("`, `");
            Reply::Refusal(format!("there is no expert `{}`; {meant}there are `{all}`", line(asked, 60)))
        };
        self.deliver(&ask, &reply, over).await;
    }

    /// Has an expert of this name look at the workspace as it is now. The caller waits in silence meanwhile, so that it may not take longer
    /// than that is borne.
    async fn consult(&self, name: &str, question: &str, over: &CancellationToken) -> Reply {
        let question = shortened(question.trim(), QUESTION_MAX);
        let told = line(&format!("asks {name}: {question}"), PROGRESS_MAX);
        if let Err(why) = (self.desk.may_call)().await {
            return Reply::Refusal(format!("nobody can be asked: {why}; decide yourself, and say what you decided"));
        }
        (self.desk.tell)(Note::Said(told));
        let stop = over.child_token();
        let desk = Desk { stop: stop.clone(), tell: self.tell_for(name), ..self.desk.clone() };
        // What it is told goes into no conversation of those who work on the task.
        let sheet = Sheet { talks: Default::default(), ..(*self.job.sheet).clone() };
        let job = Job { sheet: Arc::new(sheet), ..self.job.clone() };
        let part = format!("consult-{}", self.bench.count_log());
        let text = format!(
            "## The question\n\nThe {} at work on this task, in whose workspace you are, asks you:\n\n{question}\n\nAnswer in your last \
             message. Change nothing.\n",
            self.role.name()
        );
        let wish =
            Wish { part: Some(&part), again: Some((text, None)), is_aside: true, ..Wish::of(Role::Expert, Some(name)) };
        let mut call = self.call(&job, &desk, &wish);
        let limits = self.bench.setting.agent_limits;
        let limit = limits.idle.map_or(limits.total, |idle| limits.total.min(idle - idle / 10));
        let (called, is_late) = match timeout(limit, &mut call).await {
            Ok(called) => (called, false),
            Err(_) => {
                stop.cancel();
                (call.await, true)
            }
        };
        match called.answer {
            Ok(report) if report.text.trim().is_empty() => Reply::Refusal(format!("{name} said nothing")),
            Ok(report) => Reply::Answer(shortened(report.text.trim(), ANSWER_MAX)),
            Err(_) if is_late => Reply::Refusal(format!("{name} took longer than {limit:?}")),
            Err(error) => Reply::Refusal(shortened(&format!("{name} could not answer: {error}"), 1_000)),
        }
    }

    /// A call within a call: boxed, since its future holds one of its own kind.
    fn call<'f>(&'f self, job: &'f Job, desk: &'f Desk, wish: &'f Wish<'f>) -> Boxed<'f, Called> {
        Box::pin(self.bench.call(job, desk, wish, self.lease))
    }

    /// What an expert says is told as its own; what it costs, as the job's, but in no conversation that the job's next try goes on with.
    fn tell_for(&self, name: &str) -> Arc<dyn Fn(Note) + Send + Sync> {
        let (tell, name) = (Arc::clone(&self.desk.tell), name.to_owned());
        Arc::new(move |note| match note {
            Note::Said(words) => tell(Note::Said(format!("{name}: {words}"))),
            Note::Spent(spend, _) if !spend.is_nothing() => tell(Note::Spent(spend, None)),
            Note::Spent(..) | Note::Answered | Note::Checkpointed { .. } => {}
        })
    }

    /// Hands an answer over, where somebody waits for it.
    async fn deliver(&self, ask: &Ask, reply: &Reply, over: &CancellationToken) {
        let written = async {
            let text = format!("{}\n", serde_json::to_string(reply)?);
            let mut pipe = Sender::from_file(self.tray.pipe_to(&ask.answer)?)?;
            pipe.write_all(text.as_bytes()).await
        };
        let delivered = tokio::select! {
            written = timeout(PATIENCE, written) => written.unwrap_or_else(|late| Err(late.into())),
            () = over.cancelled() => Ok(()),
        };
        if let Err(error) = delivered {
            tracing::debug!(folder = %self.folder.display(), %error, "an answer does not reach who asked");
        }
    }
}
