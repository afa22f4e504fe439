//! Programs that speak no dialect: what they print is their answer, and their exit code is believed when it says that they gave up.
//!
//! A fenced block of the breakdown (`script`), and any program that people plug in (`command`): the prompt on its standard input, the
//! workspace as its working directory, verdicts as JSON on its standard output.

use super::{AgentError, AgentEvent, AgentReport, Backend, Invocation, Sink, home};
use crate::process::{Ask, Exit, How, Launch, Limits, Line, Program, Tail, package_of, secrets};
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
use tokio::sync::watch;

/// Bytes of a script that the system takes as an argument, with room for what ends it; a longer one has to be a file.
const ARGUMENT_MAX: usize = (128 << 10) - 1;
/// The file of a script.
pub const SCRIPT: &str = "script.sh";
/// Bytes of a program's output that are kept in memory and read as its answer.
const ANSWER_MAX: u64 = 1 << 20;
/// Bytes of a failing program's output that go into its findings.
const TAIL_MAX: u64 = 4 << 10;

/// Runs fenced scripts by `sh -eu` (CONTRACTS.md, Fenced scripts).
pub struct ScriptBackend {
    wardens: Arc<dyn Launch>,
}

/// Runs the program that the configuration names.
pub struct CommandBackend {
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    wardens: Arc<dyn Launch>,
}

impl ScriptBackend {
    /// Scripts run under these wardens.
    pub fn new(wardens: Arc<dyn Launch>) -> ScriptBackend {
        ScriptBackend { wardens }
    }

    async fn play(&self, invocation: Invocation, events: Sink, line: Line) -> Result<AgentReport, AgentError> {
        let Some(script) = &invocation.script else {
            return Err(AgentError::NoScript { role: invocation.role.name().into() });
        };
        let (file, body) = (invocation.folder.join(SCRIPT), &*script.body);
        let is_argument = body.len() < ARGUMENT_MAX && !body.contains('\0');
        if !is_argument || invocation.folder.is_dir() {
            let put = fs::create_dir_all(&invocation.folder).and_then(|()| fs::write(&file, body));
            put.map_err(|error| unwritable(&file, &error))?;
        }
        let mut argv: Vec<OsString> = ["sh", "-eu"].map(OsString::from).to_vec();
        if is_argument {
            argv.extend(["-c", "--", body, SCRIPT].map(OsString::from));
        } else {
            argv.push(file.clone().into_os_string());
        }
        let mut invocation = invocation;
        if let Some(confines) = invocation.confines.as_mut().filter(|_| !is_argument) {
            confines.readable.push(file);
        }
        let call = (argv, None, self.secrets(&invocation));
        run(&*self.wardens, call, invocation, &events, line).await
    }
}

impl CommandBackend {
    /// The program with its arguments, as it is looked up in the `PATH` of those it works for. `env` is what it gets of the user's
    /// environment beside the allowed variables.
    pub fn new(argv: Vec<OsString>, env: Vec<(OsString, OsString)>, wardens: Arc<dyn Launch>) -> CommandBackend {
        CommandBackend { argv, env, wardens }
    }

    async fn play(&self, invocation: Invocation, events: Sink, line: Line) -> Result<AgentReport, AgentError> {
        let own = invocation.definition.as_ref().map_or("", |definition| &*definition.prompt);
        let prompt = invocation.folder.join("prompt.md");
        let text = format!("{own}\n\n{}", invocation.prompt);
        fs::write(&prompt, text.trim_start()).map_err(|error| unwritable(&prompt, &error))?;
        let mut invocation = invocation;
        home::set(&mut invocation.env, self.env.iter().cloned());
        if let (Some(confines), Some((program, arguments))) = (&mut invocation.confines, self.argv.split_first()) {
            confines.readable.extend(package_of(Path::new(program)));
            // Of `python3 /path/agent.py`, the program that is meant is an argument.
            confines.readable.extend(arguments.iter().map(PathBuf::from).filter(|path| path.is_absolute()));
        }
        let call = (self.argv.clone(), Some(&*prompt), self.secrets(&invocation));
        run(&*self.wardens, call, invocation, &events, line).await
    }
}

impl Backend for ScriptBackend {
    fn name(&self) -> &'static str {
        "script"
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

impl Backend for CommandBackend {
    fn name(&self) -> &'static str {
        "command"
    }

    fn secrets(&self, invocation: &Invocation) -> Vec<String> {
        [invocation.secrets(), secrets(&self.env)].concat()
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

async fn run(
    wardens: &dyn Launch,
    (argv, stdin, secrets): (Vec<OsString>, Option<&Path>, Vec<String>),
    Invocation { workspace, env, folder, limits, confines, .. }: Invocation,
    events: &Sink,
    line: Line,
) -> Result<AgentReport, AgentError> {
    let stdout = folder.join("stdout");
    let (grew, watched) = watch::channel(0);
    let program = Program {
        argv,
        cwd: workspace,
        env,
        stdin: stdin.map(Path::to_owned),
        stdout: stdout.clone(),
        stderr: Some(folder.join("stderr")),
        // It may be silent for as long as it works.
        limits: Limits { idle: None, ..limits },
        confines,
        ask: Ask::Term,
        secrets,
    };
    events(AgentEvent::Started);
    let line = Line { grew: Some(grew), ..line };
    let exit = {
        let running = wardens.launch(program, line);
        let listening = listen(&stdout, watched, events);
        tokio::pin!(running);
        tokio::select! {
            exit = &mut running => exit,
            () = listening => running.await,
        }
    };
    events(AgentEvent::Finished);
    answer(&exit, &folder, limits.total)
}

/// What a program printed last, each time it has printed something.
async fn listen(stdout: &Path, mut watched: watch::Receiver<u64>, events: &Sink) {
    while watched.changed().await.is_ok() {
        if let Some(words) = tail(stdout, 512).lines().rev().find(|words| !words.trim().is_empty()) {
            events(AgentEvent::Text(words.trim().to_owned()));
        }
    }
}

fn answer(exit: &Exit, folder: &Path, total: Duration) -> Result<AgentReport, AgentError> {
    let last_words = || {
        let errors = tail(&folder.join("stderr"), TAIL_MAX);
        if errors.trim().is_empty() { tail(&folder.join("stdout"), TAIL_MAX) } else { errors }
    };
    match &exit.how {
        How::Code(0) => Ok(AgentReport { text: tail(&folder.join("stdout"), ANSWER_MAX) }),
        How::Code(code) => Err(AgentError::GaveUp { code: *code, tail: last_words() }),
        How::TimedOut => Err(AgentError::Timeout(total)),
        How::Idle => Err(AgentError::Idle),
        How::Stopped => Err(AgentError::Stopped),
        How::TooMuchOutput => Err(AgentError::BadOutput { what: "it printed more than its limit".into() }),
        How::Signal(_) | How::WardenLost => Err(AgentError::Crashed { code: exit.code(), tail: last_words() }),
        How::NotStarted(why) => Err(AgentError::Misconfigured { what: why.clone() }),
    }
}

/// The last bytes of a file, as clean text; a file that cannot be read has said nothing.
fn tail(path: &Path, bytes: u64) -> String {
    Tail::of(path, usize::MAX, bytes).map(|tail| tail.text).unwrap_or_default()
}

fn unwritable(file: &Path, error: &io::Error) -> AgentError {
    AgentError::Misconfigured { what: format!("{} cannot be written: {error}", file.display()) }
}
