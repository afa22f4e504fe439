//! Transcripts of real command lines, and what is heard of them: for tests.

use super::{
    AgentError, AgentEvent, Answer, Definition, Dialect, End, Invocation, Origin, Reader, Sink, Step, WritePolicy,
};
use crate::{
    plan::Role,
    process::{Exit, How, Limits},
    run::{Spend, Timestamp},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

/// Where the transcripts are; none where they are not, which is an error in CI.
pub(super) fn samples() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/agent-samples");
    let named = std::env::var_os("TIDEGATE_SAMPLES").map(PathBuf::from);
    let folder = named.or_else(|| beside.is_dir().then_some(beside));
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(folder.is_some() || !is_ci, "the transcripts are not there: set TIDEGATE_SAMPLES");
    if folder.is_none() {
        println!("skipped: the transcripts are not there (TIDEGATE_SAMPLES)");
    }
    folder
}

/// When an invocation of these tests starts.
pub(super) const AT: Timestamp = Timestamp(1_000_000);
/// How long it took.
pub(super) const MS: u64 = 500;

/// An invocation with nothing special about it, below this folder.
pub(super) fn invocation(folder: &Path) -> Invocation {
    let below = |name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    Invocation {
        role: Role::Implementation,
        definition: None,
        script: None,
        model: None,
        prompt: "Do it.".into(),
        again: String::new(),
        cassette: String::new(),
        workspace: below("workspace"),
        env: Vec::new(),
        folder: below("folder"),
        home: below("home"),
        writes: WritePolicy::Workspace,
        limits: Limits {
            total: Duration::from_secs(60),
            idle: None,
            grace: Duration::from_millis(100),
            output_bytes: 1 << 20,
        },
        turns: 40,
        confines: None,
        session: None,
        schema: None,
        servers: Vec::new(),
        at: AT,
    }
}

/// A sink that keeps what it is told.
pub(super) fn recorder() -> (Sink, Arc<Mutex<Vec<AgentEvent>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    (Arc::new(move |event| told.lock().unwrap().push(event)), events)
}

/// What was heard of a stream.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) steps: Vec<Step>,
    pub(super) events: Vec<AgentEvent>,
    pub(super) answer: Result<Answer, AgentError>,
}

/// Reads a stream with this dialect's reader.
pub(super) fn hear(
    dialect: &dyn Dialect,
    change: impl Fn(&mut Invocation),
    text: &str,
    how: How,
    stderr: &str,
) -> Heard {
    let dir = tempfile::tempdir().unwrap();
    let mut invocation = invocation(dir.path());
    change(&mut invocation);
    let (tell, events) = recorder();
    let mut reader: Box<dyn Reader> = dialect.reader(&invocation);
    let mut steps = Vec::new();
    for line in text.lines() {
        steps.push(reader.line(line, &tell));
        if steps.last() == Some(&Step::Enough) {
            break;
        }
    }
    let was_enough = steps.last() == Some(&Step::Enough);
    let exit = Exit { how: if was_enough { How::Stopped } else { how }, ms: MS, leaked: 0 };
    let answer = reader.end(&End { exit: &exit, stderr, at: AT.after(MS), was_enough }, &tell);
    let events = events.lock().unwrap().clone();
    Heard { steps, events, answer }
}

impl Heard {
    /// All that was used.
    pub(super) fn spend(&self) -> Spend {
        self.events.iter().fold(Spend::default(), |sum, event| match event {
            AgentEvent::Usage { spend, .. } => sum.plus(*spend),
            _ => sum,
        })
    }

    /// The conversation that was told first.
    pub(super) fn session(&self) -> Option<String> {
        self.events.iter().find_map(|event| match event {
            AgentEvent::Usage { session, .. } => session.as_ref().map(|session| session.id.clone()),
            _ => None,
        })
    }

    /// Whether the model was heard.
    pub(super) fn is_started(&self) -> bool {
        self.events.contains(&AgentEvent::Started)
    }

    /// What it was not allowed to do.
    pub(super) fn denied(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, AgentEvent::Denied(_))).count()
    }

    /// Tools it called, in order, each answered under its own id.
    pub(super) fn tools(&self) -> Vec<String> {
        let calls = self.events.iter().filter_map(|event| match event {
            AgentEvent::ToolCall { id, name, .. } => Some((id, name)),
            _ => None,
        });
        let answered =
            |of: &str| self.events.iter().any(|event| matches!(event, AgentEvent::ToolResult { id, .. } if id == of));
        calls
            .map(|(id, name)| {
                assert!(answered(id), "{id} has no answer");
                name.clone()
            })
            .collect()
    }
}

/// A definition with nothing but this prompt.
pub(super) fn definition(prompt: &str) -> Arc<Definition> {
    Arc::new(Definition {
        name: "x".into(),
        description: "".into(),
        prompt: prompt.into(),
        tools: None,
        denied: Vec::new(),
        model: None,
        origin: Origin::BuiltIn,
    })
}
