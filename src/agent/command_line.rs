//! A coding agent's command line at work: started under a warden, its stream read as it grows, its ending made out.

use super::{
    AgentError, AgentEvent, AgentReport, Answer, Backend, Dialect, End, Invocation, Reader, Session, Sink, Step,
};
use crate::process::{Ask, Exit, How, Launch, Line, Program, Tail};
use std::{
    ffi::OsString,
    fs::{self, File, Permissions},
    future::{Future, pending},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Bytes of one line of a stream, at most; what is longer is passed over.
const LINE_MAX: usize = 16 << 20;
/// Bytes of standard error that an ending is made out from.
const ERRORS_MAX: u64 = 16 << 10;

/// Drives a coding agent's command line.
pub struct CommandLine {
    dialect: Box<dyn Dialect>,
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
    user: Option<PathBuf>,
    wardens: Arc<dyn Launch>,
}

impl CommandLine {
    /// The command line of this dialect, found at `program`. `env` is what it gets of the user's environment beside the allowed
    /// variables, `user` the user's home, where logins are.
    pub fn new(
        dialect: Box<dyn Dialect>,
        program: PathBuf,
        env: Vec<(OsString, OsString)>,
        user: Option<PathBuf>,
        wardens: Arc<dyn Launch>,
    ) -> CommandLine {
        CommandLine { dialect, program, env, user, wardens }
    }

    async fn play(&self, mut invocation: Invocation, tell: Sink, line: Line) -> Result<AgentReport, AgentError> {
        self.bring_logins(&invocation.home)?;
        let answer = match self.call(&invocation, &tell, &line, 1).await? {
            Answer::NoSession => {
                invocation.session = None;
                self.call(&invocation, &tell, &line, 2).await?
            }
            answer => answer,
        };
        tell(AgentEvent::Finished);
        match answer {
            Answer::Said(text) => Ok(AgentReport { text }),
            Answer::NoSession => {
                Err(AgentError::BadOutput { what: "it misses a conversation that nobody asked for".into() })
            }
        }
    }

    /// The user's logins, as they are now: a copy, which is all that the agent sees of the user's home.
    fn bring_logins(&self, home: &Path) -> Result<(), AgentError> {
        for (from, to) in self.user.iter().flat_map(|user| self.dialect.logins().iter().map(|(f, t)| (user.join(f), t)))
        {
            let to = home.join(to);
            let copied = match fs::read(&from) {
                Ok(login) => to
                    .parent()
                    .map_or(Ok(()), fs::create_dir_all)
                    .and_then(|()| fs::write(&to, login))
                    .and_then(|()| fs::set_permissions(&to, Permissions::from_mode(0o600))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            };
            copied.map_err(|error| unusable(&from, &error))?;
        }
        Ok(())
    }

    async fn call(&self, invocation: &Invocation, tell: &Sink, line: &Line, number: u8) -> Result<Answer, AgentError> {
        let call = self.dialect.call(invocation, &self.program).map_err(|error| unusable(&invocation.home, &error))?;
        let file = |name: &str, kind: &str| match number {
            1 => invocation.folder.join(format!("{name}.{kind}")),
            number => invocation.folder.join(format!("{name}-{number}.{kind}")),
        };
        let (prompt, stdout, stderr) = (file("prompt", "md"), file("stream", "jsonl"), file("stderr", "log"));
        fs::write(&prompt, &call.stdin).map_err(|error| unusable(&prompt, &error))?;
        let mut env = invocation.env.clone();
        let home = (OsString::from("HOME"), invocation.home.clone().into_os_string());
        for (name, value) in self.env.iter().cloned().chain([home]).chain(call.env) {
            env.retain(|(held, _)| *held != name);
            env.push((name, value));
        }
        let (grew, watched) = watch::channel(0);
        let stop = line.stop.child_token();
        let program = Program {
            argv: call.argv,
            cwd: invocation.workspace.clone(),
            env,
            stdin: Some(prompt),
            stdout: stdout.clone(),
            stderr: Some(stderr.clone()),
            limits: crate::process::Limits { idle: None, ..invocation.limits },
            confines: invocation.confines.clone(),
            ask: Ask::Term,
            secrets: Vec::new(),
        };
        let mut listener = Listener {
            feed: Feed::new(stdout),
            reader: self.dialect.reader(invocation),
            tell,
            is_enough: false,
            is_idle: false,
        };
        let exit = {
            let running = self.wardens.launch(program, Line { stop: stop.clone(), grew: Some(grew), ..line.clone() });
            tokio::pin!(running);
            tokio::select! {
                exit = &mut running => exit,
                () = listener.listen(watched, invocation.limits.idle, &stop) => running.await,
            }
        };
        listener.hear();
        let errors = Tail::of(&stderr, usize::MAX, ERRORS_MAX).map(|tail| tail.text).unwrap_or_default();
        listener.ended(&exit, &errors, invocation)
    }
}

impl Backend for CommandLine {
    fn name(&self) -> &str {
        self.dialect.name()
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

fn unusable(path: &Path, error: &io::Error) -> AgentError {
    AgentError::Misconfigured { what: format!("{}: {error}", path.display()) }
}

/// Hears what a command line prints, and when it is time to end it.
struct Listener<'a> {
    feed: Feed,
    reader: Box<dyn Reader>,
    tell: &'a Sink,
    is_enough: bool,
    is_idle: bool,
}

impl Listener<'_> {
    /// Listens until it has had enough, or waited too long for progress; then it asks for the end.
    async fn listen(&mut self, mut watched: watch::Receiver<u64>, idle: Option<Duration>, stop: &CancellationToken) {
        let silence = || async move {
            match idle {
                Some(idle) => tokio::time::sleep(idle).await,
                None => pending().await,
            }
        };
        let mut patience = Box::pin(silence());
        loop {
            tokio::select! {
                change = watched.changed() => match change {
                    Ok(()) if self.hear() == Step::Progress => patience = Box::pin(silence()),
                    Ok(()) => {}
                    Err(_) => return,
                },
                () = &mut patience => self.is_idle = true,
            }
            if self.is_enough || self.is_idle {
                return stop.cancel();
            }
        }
    }

    /// Reads what is there. Progress, if any line of it was.
    fn hear(&mut self) -> Step {
        let mut most = Step::Alive;
        while let Some(line) = self.feed.next() {
            match self.reader.line(&line, self.tell) {
                Step::Progress => most = Step::Progress,
                Step::Alive => {}
                Step::Enough => self.is_enough = true,
            }
        }
        most
    }

    fn ended(self, exit: &Exit, stderr: &str, invocation: &Invocation) -> Result<Answer, AgentError> {
        let was_enough = self.is_enough && exit.how == How::Stopped;
        let end = End { exit, stderr, at: invocation.at.after(exit.ms), was_enough };
        // Asked in any case: it tells what was used.
        let answer = self.reader.end(&end, self.tell);
        let tail = || Tail::of_text(stderr, 20).text;
        match &exit.how {
            How::Code(_) | How::Signal(_) => answer,
            How::Stopped if was_enough => answer,
            How::Stopped if self.is_idle => Err(AgentError::Idle),
            How::Stopped => Err(AgentError::Stopped),
            How::TimedOut => Err(AgentError::Timeout(invocation.limits.total)),
            How::Idle => Err(AgentError::Idle),
            How::TooMuchOutput => Err(AgentError::BadOutput { what: "it printed more than its limit".into() }),
            How::WardenLost => Err(AgentError::Crashed { code: exit.code(), tail: tail() }),
            How::NotStarted(why) => Err(AgentError::Misconfigured { what: why.clone() }),
        }
    }
}

/// A file that grows, line by line.
struct Feed {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
    /// The line that is too long to be kept is not over yet.
    is_skipping: bool,
}

impl Feed {
    fn new(path: PathBuf) -> Feed {
        Feed { path, file: None, rest: Vec::new(), is_skipping: false }
    }

    /// The next whole line that is there. A file that cannot be read has said nothing.
    fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                if !std::mem::take(&mut self.is_skipping) {
                    return Some(String::from_utf8_lossy(line.trim_ascii()).into_owned());
                }
            } else {
                if self.rest.len() > LINE_MAX {
                    self.rest.clear();
                    self.is_skipping = true;
                }
                self.fill()?;
            }
        }
    }

    fn fill(&mut self) -> Option<()> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let mut buffer = [0; 64 << 10];
        let count = self.file.as_mut()?.read(&mut buffer).ok()?;
        self.rest.extend_from_slice(&buffer[..count]);
        (count > 0).then_some(())
    }
}

impl Session {
    /// What was used since the last report, where this is the sum over the whole conversation; and the conversation with that sum.
    pub fn since(self, sum: crate::run::Spend) -> (crate::run::Spend, Session) {
        (sum.minus(self.reported), Session { reported: sum, ..self })
    }
}
