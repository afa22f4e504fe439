//! A coding agent's command line at work: started under a warden, its stream read as it grows, its ending made out.

use super::{
    AgentError, AgentEvent, AgentReport, Answer, Backend, Dialect, End, Invocation, Reader, Session, Sink, Step,
    feed::Feed,
    home::{self, spoilt, unusable},
    login::Logins,
    patience::Patience,
};
use crate::process::{Exit, How, Launch, Line, Program, Tail, package_of, secrets};
use std::{ffi::OsString, fs, future::Future, io, path::PathBuf, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Bytes of standard error that an ending is made out from.
const ERRORS_MAX: u64 = 16 << 10;

/// Drives a coding agent's command line.
pub struct CommandLine {
    dialect: Box<dyn Dialect>,
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
    logins: Logins,
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
        let is_set = |name: &str| env.iter().any(|(held, value)| held == name && !value.is_empty());
        let is_wanted = |name: &OsString| name.to_str().is_none_or(|name| dialect.wants(name, &is_set));
        let env = env.iter().filter(|(name, _)| is_wanted(name)).cloned().collect();
        let logins = Logins::new(user, dialect.logins().iter().map(|(from, to)| (from.into(), to.into())));
        CommandLine { dialect, program, env, logins, wardens }
    }

    async fn play(&self, invocation: Invocation, tell: Sink, line: Line) -> Result<AgentReport, AgentError> {
        self.logins.bring(&invocation.home)?;
        let home = invocation.home.clone();
        let report = self.work(invocation, tell, line).await;
        self.logins.take(&home).and(report)
    }

    async fn work(&self, mut invocation: Invocation, tell: Sink, line: Line) -> Result<AgentReport, AgentError> {
        home::move_in(&mut invocation, &self.env);
        if let Some(confines) = &mut invocation.confines {
            confines.readable.extend(package_of(&self.program));
            confines.hidden.extend(self.dialect.hidden().iter().map(|name| invocation.workspace.join(name)));
        }
        let whole = invocation.prompt.clone();
        if invocation.session.is_some() {
            let goes_on = self.dialect.goes_on(&invocation).map_err(|error| spoilt(&invocation.home, &error))?;
            match goes_on {
                true => invocation.prompt = invocation.again.clone(),
                false => invocation.session = None,
            }
        }
        let answer = match self.call(&invocation, &tell, &line, 1).await? {
            Answer::NoSession => {
                (invocation.session, invocation.prompt) = (None, whole);
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

    async fn call(&self, invocation: &Invocation, tell: &Sink, line: &Line, number: u8) -> Result<Answer, AgentError> {
        let call = self.dialect.call(invocation, &self.program);
        let call = call.map_err(|error| match error.kind() {
            // What the user has written, and no retry cures.
            io::ErrorKind::InvalidData => unusable(&invocation.home, &error),
            _ => spoilt(&invocation.home, &error),
        })?;
        let file = |name: &str, kind: &str| match number {
            1 => invocation.folder.join(format!("{name}.{kind}")),
            number => invocation.folder.join(format!("{name}-{number}.{kind}")),
        };
        let (prompt, stdout, stderr) = (file("prompt", "md"), file("stream", "jsonl"), file("stderr", "log"));
        fs::write(&prompt, &call.stdin).map_err(|error| unusable(&prompt, &error))?;
        let mut env = invocation.env.clone();
        home::set(&mut env, call.env);
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
            ask: self.dialect.ask(),
            secrets: self.secrets(invocation),
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

    fn roams(&self) -> bool {
        self.dialect.roams()
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
        let mut patience = Patience::new(idle);
        loop {
            tokio::select! {
                change = watched.changed() => match change {
                    Ok(()) if self.hear() == Step::Progress => patience.renew(),
                    Ok(()) => {}
                    Err(_) => return,
                },
                () = patience.over() => self.is_idle = true,
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
        let is_said = matches!(answer, Ok(Answer::Said(_)));
        match &exit.how {
            How::Code(_) | How::Signal(_) => answer,
            How::Stopped if was_enough => answer,
            // It was done, and did not go.
            How::Stopped if self.is_idle && is_said => answer,
            How::TimedOut if is_said => answer,
            // Its silence was a provider's no that it was waiting out: that is for us to do.
            How::Stopped if self.is_idle => match answer {
                Err(limit @ (AgentError::RateLimited { .. } | AgentError::UsageLimit { .. })) => Err(limit),
                _ => Err(AgentError::Idle),
            },
            _ => Err(home::ended_from_outside(exit, stderr, invocation)),
        }
    }
}

impl Session {
    /// What was used since the last report, where this is the sum over the whole conversation; and the conversation with that sum.
    pub fn since(self, sum: crate::run::Spend) -> (crate::run::Spend, Session) {
        (sum.minus(self.reported), Session { reported: sum, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Gemini, OpenCode, Server, transcript};
    use std::sync::Mutex;

    /// Prints these, then hangs until it is stopped, or exits with its code. Keeps what it was given.
    struct Double {
        stdout: &'static str,
        stderr: &'static str,
        code: Option<i32>,
        started: Mutex<Vec<Program>>,
    }

    impl Double {
        fn new(stdout: &'static str, stderr: &'static str, code: Option<i32>) -> Arc<Double> {
            Arc::new(Double { stdout, stderr, code, started: Mutex::default() })
        }
    }

    impl Launch for Double {
        fn launch(&self, program: Program, line: Line) -> Pin<Box<dyn Future<Output = Exit> + Send + '_>> {
            fs::write(&program.stdout, self.stdout).unwrap();
            fs::write(program.stderr.as_ref().unwrap(), self.stderr).unwrap();
            self.started.lock().unwrap().push(program);
            Box::pin(async move {
                if let Some(grew) = &line.grew {
                    grew.send_replace(1);
                }
                let how = match self.code {
                    Some(code) => How::Code(code),
                    None => {
                        line.stop.cancelled().await;
                        How::Stopped
                    }
                };
                Exit { how, ms: 1, leaked: 0 }
            })
        }
    }

    async fn run(
        dialect: impl Dialect + 'static,
        double: &Arc<Double>,
        change: impl FnOnce(&mut Invocation),
    ) -> Result<AgentReport, AgentError> {
        let dir = tempfile::tempdir().unwrap();
        let mut invocation = transcript::invocation(dir.path());
        change(&mut invocation);
        let line = CommandLine::new(Box::new(dialect), "/bin/agent".into(), Vec::new(), None, Arc::clone(double) as _);
        line.run(invocation, Arc::new(|_| ()), Line::default()).await
    }

    fn impatient(invocation: &mut Invocation) {
        invocation.limits.idle = Some(Duration::from_millis(1));
    }

    #[tokio::test]
    async fn silence_is_silence_unless_a_limit_is_waited_out_in_it() {
        let silent = Double::new("", "", None);
        assert_eq!(run(Gemini, &silent, impatient).await, Err(AgentError::Idle));
        let limited = Double::new("", "Suggested retry after 40s.. Retrying after 44106ms...\n", None);
        let ended = run(Gemini, &limited, impatient).await;
        assert!(matches!(ended, Err(AgentError::RateLimited { .. })), "{ended:?}");
    }

    #[tokio::test]
    async fn one_of_which_nothing_good_comes_is_ended_and_asked_why() {
        let step = "{\"type\":\"step_finish\",\"sessionID\":\"s\",\"part\":{\"reason\":\"unknown\"}}\n";
        let loops = Double::new(Box::leak(step.repeat(9).into_boxed_str()), "", None);
        let ended = run(OpenCode, &loops, |_| ()).await;
        assert!(matches!(ended, Err(AgentError::Overloaded { .. })), "{ended:?}");
    }

    #[tokio::test]
    async fn a_conversation_that_is_not_there_is_begun_anew_once() {
        let gone = Double::new("", "No previous sessions found", Some(42));
        let resumed = |invocation: &mut Invocation| {
            invocation.session = Some(Session { id: "x".into(), reported: crate::run::Spend::default() });
            invocation.servers = vec![Server { name: "s".into(), argv: vec!["a".into()], env: Vec::new() }];
        };
        let ended = run(Gemini, &gone, resumed).await;
        assert!(matches!(ended, Err(AgentError::Misconfigured { .. })), "{ended:?}");
        let started = gone.started.lock().unwrap();
        let has = |program: &Program, flag: &str| program.argv.iter().any(|arg| arg == flag);
        assert_eq!(started.len(), 2);
        assert!(has(&started[0], "--resume") && has(&started[1], "--session-id"));
        assert_ne!(started[0].stdout, started[1].stdout);
    }
}
