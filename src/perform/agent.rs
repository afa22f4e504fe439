//! Calling an agent: what it is told, where it is at home, which conversation it goes on with, and what is kept of it.

use super::{
    Bench, Desk, Note,
    asks::Asks,
    bench::{line_to, script, task},
    minutes::Minutes,
    trace::Trace,
};
use crate::{
    agent::{AgentError, AgentEvent, AgentReport, Cassette, Definition, Invocation, Session, Sink, WritePolicy},
    context::{Package, feedback},
    mcp::Tray,
    plan::{Role, Task},
    process::{CacheUser, redacted, redacted_bytes, with_causes},
    run::{Job, Oid, Pool, Spend, Talk},
    workspace::{Lease, slug},
};
use std::{
    ffi::OsString,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tracing::Instrument;

/// Bytes of common text in a context package: about 8,000 tokens.
const COMMON_MAX: usize = 32 << 10;
/// What an agent's last message is kept as, in the folder of its call.
pub(super) const ANSWER: &str = "answer.md";
/// The definitions of those who write, of an expert each for tests and for the rest, and of the coordinator.
pub const TEST_DEVELOPER: &str = "test-developer";
/// Writes the code.
pub const IMPLEMENTATION_AGENT: &str = "implementation-agent";
/// Looks at tests that do not come about.
pub const TEST_EXPERT: &str = "test-expert";
/// Looks at code that does not come about.
pub const EXPERT: &str = "architecture-agent";
/// Is asked last.
pub const COORDINATOR: &str = "execution-coordinator";

/// Events of one call that are recorded.
const EVENTS_MAX: usize = 100_000;
/// In it, where an implementation may contest a sealed test.
const CONTEST: &str = "contest.md";
/// Bytes of a contest that go to the test-developer.
const CONTEST_MAX: u64 = 8 << 10;
/// The folder of a call that its agent sees, in the folder of the call.
pub(super) const TRAY: &str = "tray";

/// What is asked of an agent.
#[derive(Clone)]
pub(super) struct Wish<'a> {
    /// What it is asked to be.
    pub(super) role: Role,
    /// Which of several: a reviewer's or an expert's name.
    pub(super) name: Option<&'a str>,
    /// The folder of the job in which the call is kept; `None`: the job's own.
    pub(super) part: Option<&'a str>,
    /// What it finds in its environment.
    pub(super) facts: Vec<(&'static str, OsString)>,
    /// The patch that it looks at: what it was made on, and what holds it.
    pub(super) patch: Option<(Oid, Oid)>,
    /// A JSON Schema for its answer.
    pub(super) schema: Option<&'static str>,
    /// What it is told beside its task, in the conversation in which it has just been at work where there is one.
    pub(super) again: Option<(String, Option<Talk>)>,
    /// Another agent at work asked for it: it can ask nobody in turn.
    pub(super) is_aside: bool,
}

impl<'a> Wish<'a> {
    /// A role's plain work on its task.
    pub(super) fn of(role: Role, name: Option<&'a str>) -> Wish<'a> {
        Wish { role, name, part: None, facts: Vec::new(), patch: None, schema: None, again: None, is_aside: false }
    }
}

/// What came of a call.
pub(super) struct Called {
    /// How it ended.
    pub(super) answer: Result<AgentReport, AgentError>,
    /// What was told on the way, where it is recorded.
    pub(super) events: Vec<AgentEvent>,
    /// The conversation it was in.
    pub(super) talk: Option<Talk>,
    /// What may stand in nothing that is kept of it.
    pub(super) secrets: Arc<[String]>,
}

/// Whether a conversation leads nowhere any more: it is full, the model will not go on with it, or going on with it failed for a reason
/// that may lie in it.
fn is_dead_end(answer: &Result<AgentReport, AgentError>, was_resumed: bool) -> bool {
    match answer {
        Err(AgentError::ContextOverflow | AgentError::Refused) => true,
        Err(AgentError::Crashed { .. } | AgentError::BadOutput { .. }) => was_resumed,
        _ => false,
    }
}

impl Bench {
    /// Calls the agent of a role in a workspace.
    pub(super) async fn call(&self, job: &Job, desk: &Desk, wish: &Wish<'_>, lease: &Arc<Lease>) -> Called {
        let mut heard = Heard::default();
        let answer = self.called(job, desk, wish, lease, &mut heard).await;
        Called { answer, events: heard.events, talk: heard.talk, secrets: heard.secrets }
    }

    async fn called(
        &self,
        job: &Job,
        desk: &Desk,
        wish: &Wish<'_>,
        lease: &Arc<Lease>,
        heard: &mut Heard,
    ) -> Result<AgentReport, AgentError> {
        let task = task(job, desk).map_err(|_| misconfigured("only tasks have agents"))?;
        let (program, model) = engine(job, desk);
        let backend = self.backends.get(&program).ok_or_else(|| {
            misconfigured(format!("there is no backend `{program}` here; `tidegate doctor` says what there is"))
        })?;
        let folder = self.folder(job, desk, wish.name).map_err(|error| misconfigured(with_causes(&error)))?;
        let folder = wish.part.map_or_else(|| folder.clone(), |part| folder.join(part));
        let home = self.home(job, desk, wish.name);
        let tray = folder.join(TRAY);
        made(&tray, 0o755).and_then(|()| made(&home, 0o700))?;
        let talk = talk_of(job, wish).filter(|talk| {
            let is_here = backend.roams() || Path::new(&*talk.place) == lease.path();
            *talk.backend == *program && is_here
        });
        let session = talk.map(|talk| Session { id: talk.id.to_string(), reported: talk.reported });
        let invocation = self.invocation(job, desk, wish, (task, lease, folder.clone(), home))?;
        let mut invocation = Invocation { model, session, ..invocation };
        // A script says what it says, and has been told all there is.
        let secrets: Arc<[String]> = backend.secrets(&invocation).into();
        heard.secrets = Arc::clone(&secrets);
        wash_left(&invocation.folder, &secrets)?;
        let is_served = !wish.is_aside && !matches!(&*program, "script" | "replay");
        let asks = is_served.then(|| Asks::open(self, (job, desk), wish.role, lease, (&tray, &secrets))).transpose()?;
        if let Some(asks) = &asks {
            invocation.servers.push(asks.server());
            invocation.env.extend(asks.env());
        }
        let trace = Trace::begin(&program, &invocation);
        let ear = Arc::new(Ear {
            tell: Arc::clone(&desk.tell),
            program,
            place: lease.path().display().to_string(),
            trace: trace.clone(),
            minutes: Minutes::begin(&folder).map_err(|error| unusable(&folder, &error))?,
            secrets: Arc::clone(&secrets),
            keeps: self.setting.record.is_some(),
            heard: Mutex::new(Heard { secrets: Arc::clone(&secrets), ..Heard::default() }),
        });
        let sink: Sink = {
            let ear = Arc::clone(&ear);
            Arc::new(move |event| ear.hear(event))
        };
        let working = backend.run(invocation, sink, line_to(desk, lease));
        let working = async {
            match asks {
                Some(asks) => asks.beside(working).await,
                None => working.await,
            }
        };
        let answer = without_secrets(working.instrument(trace.span()).await, &secrets);
        wash(&tray, &secrets)?;
        trace.end(&answer);
        *heard = std::mem::take(&mut *ear.heard.lock().unwrap_or_else(PoisonError::into_inner));
        ear.minutes.end(&answer).map_err(|error| unusable(&folder, &error))?;
        if is_dead_end(&answer, talk.is_some()) {
            let over = heard.talk.take().map(|talk| Talk { is_over: true, ..talk });
            over.into_iter().for_each(|talk| (desk.tell)(Note::Spent(Spend::default(), Some(talk))));
        }
        let path = folder.join(ANSWER);
        let kept = answer.as_ref().map_or(Ok(()), |report| fs::write(&path, &report.text));
        kept.map_err(|error| unusable(&path, &error)).and(answer)
    }

    fn invocation(
        &self,
        job: &Job,
        desk: &Desk,
        wish: &Wish<'_>,
        (task, lease, folder, home): (&Task, &Arc<Lease>, PathBuf, PathBuf),
    ) -> Result<Invocation, AgentError> {
        let definition = self.definition(wish.role, wish.name);
        let handoffs = self.handoffs(job.node, desk);
        let package = |prompt| Package {
            plan: desk.plan.blueprint(),
            task,
            role: wish.role,
            prompt,
            handoffs: &handoffs,
            seal: &job.sheet.seal,
            findings: &job.sheet.findings,
            uncovered: &job.sheet.uncovered,
            patch: wish.patch,
            without_code: job.sheet.without_code.as_ref(),
            common_max: COMMON_MAX,
        };
        let whole = package(definition.as_ref().map(|definition| &*definition.prompt)).render();
        let env = self.environment(job, wish, task, (&folder.join(TRAY), &lease.caches()), &whole)?;
        let package = package(None);
        let (prompt, again) = match &wish.again {
            Some((text, _)) => (format!("{}\n{text}", package.render()), text.clone()),
            None => (package.render(), package.reminder(lease.path())),
        };
        let confines = self.setting.cage.of_agent(lease, &home, &folder.join(TRAY));
        Ok(Invocation {
            role: wish.role,
            script: script(task, wish.role, wish.name, job.turn).cloned(),
            model: None,
            prompt,
            again,
            cassette: Cassette::name(&task.label, wish.role, wish.name, job.turn),
            workspace: lease.path().to_owned(),
            env,
            home,
            folder,
            writes: match wish.role {
                Role::TestDeveloper | Role::Implementation => WritePolicy::Workspace,
                Role::Reviewer | Role::Expert | Role::Coordinator | Role::Check => WritePolicy::Nothing,
            },
            limits: self.setting.agent_limits,
            turns: self.setting.turns,
            confines: Some(confines),
            session: None,
            schema: wish.schema,
            servers: self.setting.servers.clone(),
            definition,
            at: desk.at,
        })
    }

    /// What a call has in its environment, with the files that this names.
    fn environment(
        &self,
        job: &Job,
        wish: &Wish<'_>,
        task: &Task,
        (tray, caches): (&Path, &Path),
        context: &str,
    ) -> Result<Vec<(OsString, OsString)>, AgentError> {
        let kept = |file: &str, text: &str| {
            let path = tray.join(file);
            fs::write(&path, text).map_err(|error| unusable(&path, &error))?;
            Ok::<OsString, AgentError>(path.into_os_string())
        };
        let findings = if job.sheet.findings.is_empty() { String::new() } else { feedback(&job.sheet.findings) };
        let mut own: Vec<(&str, OsString)> = vec![
            ("TIDEGATE_TOPIC", self.setting.topic.clone().into()),
            ("TIDEGATE_TASK", task.label.to_string().into()),
            ("TIDEGATE_ROLE", wish.role.name().into()),
            ("TIDEGATE_ATTEMPT", job.turn.to_string().into()),
            ("TIDEGATE_FEEDBACK", kept("feedback.md", &findings)?),
            ("TIDEGATE_CONTEXT", kept("context.md", context)?),
        ];
        if wish.role == Role::Implementation {
            own.push(("TIDEGATE_CONTEST", tray.join(CONTEST).into_os_string()));
        }
        let facts = own.into_iter().chain(wish.facts.clone()).map(|(name, value)| (OsString::from(name), value));
        let caches = self.setting.setup.caches.variables(CacheUser::Agent, caches);
        Ok(self.setting.env.iter().cloned().chain(caches).chain(facts).collect())
    }

    /// Who an agent is: by its own name, else by its role.
    fn definition(&self, role: Role, name: Option<&str>) -> Option<Arc<Definition>> {
        let name = match role {
            Role::TestDeveloper => Some(TEST_DEVELOPER),
            Role::Implementation => Some(IMPLEMENTATION_AGENT),
            Role::Reviewer | Role::Expert | Role::Coordinator | Role::Check => name,
        };
        self.setting.definitions.get(name?).cloned()
    }

    /// Where the agent of a job is at home: kept between its tries, for its conversations are there.
    fn home(&self, job: &Job, desk: &Desk, name: Option<&str>) -> PathBuf {
        let suffix = name.map(|name| format!("-{}", slug(name))).unwrap_or_default();
        self.homes(desk.plan.node(job.node).label()).join(format!("{}{suffix}", job.what.name()))
    }

    /// Where the agents of a task are at home.
    pub(super) fn homes(&self, label: &str) -> PathBuf {
        self.setting.homes.join(slug(label))
    }

    /// Whether the agent of a job can be told that its answer is not what was asked: a script says what it says.
    pub(super) fn can_be_asked_again(&self, job: &Job, desk: &Desk) -> bool {
        !matches!(&*engine(job, desk).0, "script" | "replay")
    }

    /// The tray of those who write.
    pub(super) fn tray(&self, job: &Job, desk: &Desk) -> std::io::Result<Tray> {
        Ok(Tray::at(self.folder(job, desk, None)?.join(TRAY)))
    }

    /// With what the agent of a job contests a sealed test, if it does.
    pub(super) fn contest(&self, job: &Job, desk: &Desk) -> std::io::Result<Option<String>> {
        self.tray(job, desk)?.read(CONTEST, CONTEST_MAX)
    }
}

/// Hears what an agent tells on the way, and passes it on.
struct Ear {
    tell: Arc<dyn Fn(Note) + Send + Sync>,
    program: Box<str>,
    place: String,
    trace: Trace,
    minutes: Minutes,
    secrets: Arc<[String]>,
    keeps: bool,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    talk: Option<Talk>,
    events: Vec<AgentEvent>,
    secrets: Arc<[String]>,
}

impl Ear {
    fn hear(&self, event: AgentEvent) {
        let event = event.reworded(|text| redacted(text, &self.secrets));
        self.trace.hear(&event);
        self.minutes.note(&event);
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if self.keeps && heard.events.len() < EVENTS_MAX {
            heard.events.push(event.clone());
        }
        let note = match event {
            AgentEvent::Text(words) => Note::Said(words),
            AgentEvent::ToolCall { name, input, .. } => Note::Said(format!("{name} {input}")),
            AgentEvent::Denied(what) => Note::Said(format!("was not allowed: {what}")),
            AgentEvent::Started => Note::Answered,
            AgentEvent::Usage { spend, session } => {
                let talk = session.map(|session| Talk {
                    backend: self.program.clone(),
                    id: session.id.into(),
                    place: self.place.as_str().into(),
                    reported: session.reported,
                    is_over: false,
                });
                heard.talk = talk.clone().or_else(|| heard.talk.take());
                // What is played back was paid when it was recorded.
                let spend = if &*self.program == "replay" { Spend::default() } else { spend };
                Note::Spent(spend, talk)
            }
            AgentEvent::ToolResult { .. } | AgentEvent::Finished => return,
        };
        drop(heard);
        (self.tell)(note);
    }
}

/// The conversation that a call would go on with.
fn talk_of<'a>(job: &'a Job, wish: &'a Wish<'_>) -> Option<&'a Talk> {
    wish.again.as_ref().and_then(|(_, talk)| talk.as_ref()).or_else(|| job.sheet.talks.get(&job.what))
}

/// The backend that does this job, and the model that was named for it.
fn engine(job: &Job, desk: &Desk) -> (Box<str>, Option<String>) {
    let name = match job.lane.pool {
        Pool::Agents { backend, .. } => desk.plan.blueprint().backends.get(usize::from(backend.0)).cloned(),
        Pool::Checks | Pool::Merge => None,
    };
    let name = name.unwrap_or_default();
    match name.split_once(':') {
        Some((program, model)) => (program.into(), Some(model.to_owned())),
        None => (name, None),
    }
}

/// What an agent says at last does not all come through its output, and there it may be written in other letters.
fn without_secrets(answer: Result<AgentReport, AgentError>, secrets: &[String]) -> Result<AgentReport, AgentError> {
    let clean = |text: &str| redacted(text, secrets);
    answer.map(|report| AgentReport { text: clean(&report.text) }).map_err(|error| error.reworded(clean))
}

/// Of a call that is over, no secret stays in its tray: where it cannot be taken out, the tray goes.
fn wash(tray: &Path, secrets: &[String]) -> Result<(), AgentError> {
    Tray::at(tray).wash(|bytes| redacted_bytes(bytes, secrets)).or_else(|error| {
        tracing::warn!(folder = %tray.display(), %error, "what an agent left in its tray cannot be kept");
        fs::remove_dir_all(tray).map_err(|error| unusable(tray, &error))
    })
}

/// The same of calls like this one that a killed run broke off: their folders are beside this one, and have its name but for the number.
fn wash_left(folder: &Path, secrets: &[String]) -> Result<(), AgentError> {
    let kind = |path: &Path| {
        let (number, kind) = path.file_name()?.to_str()?.split_once('-')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| kind.to_owned())
    };
    let (Some(own), Some(all)) = (kind(folder), folder.parent()) else { return Ok(()) };
    let others = fs::read_dir(all).map_err(|error| unusable(all, &error))?.flatten().map(|entry| entry.path());
    let mut trays = others.filter(|path| kind(path).as_ref() == Some(&own)).map(|path| path.join(TRAY));
    // Its own holds nothing yet but what we have put there.
    trays.try_for_each(|tray| if tray.is_dir() && !tray.starts_with(folder) { wash(&tray, secrets) } else { Ok(()) })
}

fn made(folder: &Path, mode: u32) -> Result<(), AgentError> {
    let made = DirBuilder::new().recursive(true).mode(mode).create(folder);
    made.map_err(|error| unusable(folder, &error))
}

fn unusable(path: &Path, error: &std::io::Error) -> AgentError {
    misconfigured(format!("{}: {error}", path.display()))
}

pub(super) fn misconfigured(what: impl Into<String>) -> AgentError {
    AgentError::Misconfigured { what: what.into() }
}
