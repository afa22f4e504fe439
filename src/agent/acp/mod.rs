//! The backend for any agent that speaks the Agent Client Protocol, on standard input and output.
//!
//! The agent runs under a warden as everything does: what it reads is a named pipe, what it writes a file that grows. Closing the
//! pipe asks it to leave.

mod envelope;
mod fault;
mod hearing;
mod talk;
#[cfg(test)]
mod tests;

use super::{
    AgentError, AgentEvent, AgentReport, Backend, Invocation, Sink,
    feed::Feed,
    home::{self, spoilt, unusable},
    login::Logins,
};
use crate::process::{Ask, Exit, How, Launch, Line, Program, Tail, package_of, secrets};
use agent_client_protocol::ByteStreams;
use envelope::enveloped;
use hearing::Hearing;
use rustix::fs::{FileType, Mode, mknodat};
use std::{
    ffi::OsString,
    fs,
    future::Future,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use talk::{Talk, Talked};
use tokio::{
    io::{AsyncWriteExt, DuplexStream, duplex},
    net::unix::pipe,
    sync::watch,
    time::timeout,
};
use tokio_util::{
    compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt},
    sync::CancellationToken,
};

/// Bytes of standard error that an ending is made out from.
const ERRORS_MAX: u64 = 16 << 10;
/// Bytes that were read from the agent, and are not understood yet.
const AHEAD_MAX: usize = 64 << 10;

/// Drives an agent by the Agent Client Protocol.
pub struct Acp {
    name: String,
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    logins: Logins,
    wardens: Arc<dyn Launch>,
}

impl Acp {
    /// The agent of this command line (`claude-agent-acp`, `gemini --acp`, `opencode acp`), under this name in plans and in the
    /// configuration. `env` is what it gets of the user's environment beside the allowed variables; `logins` are files below the
    /// user's home that it gets a copy of, at the same place below its own.
    pub fn new(
        name: String,
        argv: Vec<OsString>,
        env: Vec<(OsString, OsString)>,
        logins: Vec<PathBuf>,
        user: Option<PathBuf>,
        wardens: Arc<dyn Launch>,
    ) -> Acp {
        let logins = Logins::new(user, logins.into_iter().map(|path| (path.clone(), path)));
        Acp { name, argv, env, logins, wardens }
    }

    async fn play(&self, invocation: Invocation, tell: Sink, line: Line) -> Result<AgentReport, AgentError> {
        self.logins.bring(&invocation.home)?;
        let home = invocation.home.clone();
        let report = self.work(invocation, tell, line).await;
        self.logins.take(&home).and(report)
    }

    async fn work(&self, mut invocation: Invocation, tell: Sink, line: Line) -> Result<AgentReport, AgentError> {
        let secrets = self.secrets(&invocation);
        home::move_in(&mut invocation, &self.env);
        let servers = enveloped(&invocation.servers, &invocation.home);
        invocation.servers = servers.map_err(|error| spoilt(&invocation.home, &error))?;
        if let (Some(confines), Some(program)) = (&mut invocation.confines, self.argv.first()) {
            confines.readable.extend(package_of(Path::new(program)));
        }
        let file = |name: &str| invocation.folder.join(name);
        let (stdin, stdout, stderr) = (file("stdin"), file("stream.jsonl"), file("stderr.log"));
        let pipe = named_pipe(&stdin).map_err(|error| unusable(&stdin, &error))?;
        let (grew, watched) = watch::channel(0);
        let program = Program {
            argv: self.argv.clone(),
            cwd: invocation.workspace.clone(),
            env: invocation.env.clone(),
            stdin: Some(stdin.clone()),
            stdout: stdout.clone(),
            stderr: Some(stderr.clone()),
            limits: crate::process::Limits { idle: None, ..invocation.limits },
            confines: invocation.confines.clone(),
            ask: Ask::Term,
            secrets,
        };
        let under = Line { stop: CancellationToken::new(), grew: Some(grew), hold: line.hold.clone() };
        let (heard, ears) = duplex(AHEAD_MAX);
        let talk = Talk::new(&invocation, Hearing::new(&invocation, &tell));
        let conversation = async {
            // The pipe is closed when it is over.
            let streams = ByteStreams::new(pipe.compat_write(), ears.compat());
            let carry = carry(Feed::new(stdout), watched, heard);
            let conversation = talk.over(streams, &line.stop);
            tokio::pin!(carry, conversation);
            tokio::select! {
                talked = &mut conversation => talked,
                () = &mut carry => conversation.await,
            }
        };
        let (exit, talked) = self.attend(program, under, conversation, invocation.limits.grace).await;
        let errors = Tail::of(&stderr, usize::MAX, ERRORS_MAX).map(|tail| tail.text).unwrap_or_default();
        // Nobody reads it any more, and whoever opened it would wait.
        fs::remove_file(&stdin).map_err(|error| unusable(&stdin, &error))?;
        tell(AgentEvent::Finished);
        answer(talked, &exit, &errors, &invocation)
    }

    /// Waits for the conversation, and for the agent and all its processes to be gone.
    async fn attend(
        &self,
        program: Program,
        line: Line,
        conversation: impl Future<Output = Talked>,
        grace: Duration,
    ) -> (Exit, Talked) {
        let end = line.stop.clone();
        let running = self.wardens.launch(program, line);
        tokio::pin!(running, conversation);
        let talked = tokio::select! {
            exit = &mut running => return (exit, conversation.await),
            talked = &mut conversation => talked,
        };
        if !matches!(talked, Talked::Ended(_)) {
            // It has no more to read, and leaves by itself.
            if let Ok(exit) = timeout(grace, &mut running).await {
                return (exit, talked);
            }
        }
        end.cancel();
        (running.await, talked)
    }
}

impl Backend for Acp {
    fn name(&self) -> &str {
        &self.name
    }

    fn secrets(&self, invocation: &Invocation) -> Vec<String> {
        [invocation.secrets(), secrets(&self.env), self.logins.secrets()].concat()
    }

    fn run(
        &self,
        invocation: Invocation,
        events: Sink,
        line: Line,
    ) -> Pin<Box<dyn Future<Output = Result<AgentReport, AgentError>> + Send + '_>> {
        Box::pin(self.play(invocation, events, line))
    }
}

/// A pipe with a name, and the end that is written to. Both ends are open from the start: whoever opens it for reading does not wait.
fn named_pipe(path: &Path) -> io::Result<pipe::Sender> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    mknodat(rustix::fs::CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    pipe::OpenOptions::new().read_write(true).open_sender(path)
}

/// Carries what the agent writes, until it is gone or nobody listens.
async fn carry(mut feed: Feed, mut watched: watch::Receiver<u64>, mut to: DuplexStream) {
    loop {
        let is_over = watched.changed().await.is_err();
        while let Some(mut line) = feed.next() {
            line.push('\n');
            if to.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
        if is_over {
            return;
        }
    }
}

fn answer(talked: Talked, exit: &Exit, stderr: &str, invocation: &Invocation) -> Result<AgentReport, AgentError> {
    match (talked, &exit.how) {
        (Talked::Answered(answer), _) => answer.map(|text| AgentReport { text }),
        (Talked::Ended(error), _) => Err(error),
        // What is wrong with what it did decides over what it said last.
        (Talked::Failed(error), How::Code(_) | How::Signal(_) | How::Stopped) => Err(error),
        (Talked::Failed(_) | Talked::Left, _) => Err(home::ended_from_outside(exit, stderr, invocation)),
    }
}
