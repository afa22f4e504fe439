//! Tape: a call is kept as a cassette, with what it made of the tree, where that is asked for.

use super::{
    Bench, Desk,
    agent::{Called, Wish},
};
use crate::{
    agent::{AgentError, AgentEvent, Cassette, Taped},
    plan::Role,
    process::{redacted_bytes, with_causes},
    rules,
    run::{Breakage, Job, Oid},
};

impl Bench {
    /// Keeps a call as a cassette, with what it made of the tree, where that is asked for.
    pub(super) async fn tape(
        &self,
        job: &Job,
        desk: &Desk,
        wish: &Wish<'_>,
        called: &Called,
        tree: Option<(Oid, Oid)>,
    ) {
        let Some(folder) = &self.setting.record else { return };
        let name = Cassette::name(desk.plan.node(job.node).label(), wish.role, wish.name, job.turn);
        let written = match self.cassette(job, desk, wish, called, tree).await {
            Ok(cassette) => cassette.write(&folder.join(&name)).map_err(|error| with_causes(&error)),
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!(folder = %folder.display(), name, error, "a cassette cannot be kept");
        }
    }

    async fn cassette(
        &self,
        job: &Job,
        desk: &Desk,
        wish: &Wish<'_>,
        called: &Called,
        tree: Option<(Oid, Oid)>,
    ) -> Result<Cassette, String> {
        let (mut files, mut secret) = (Vec::new(), None);
        if let Some((from, to)) = tree {
            files = self.taped(from, to).await?;
            secret = self.leak(job.sheet.base, to, &files, &called.secrets).await?;
        }
        let contest = if wish.role == Role::Implementation { self.contest(job, desk) } else { Ok(None) };
        let contest = contest.map_err(|error| with_causes(&error))?;
        let cassette = Cassette { events: called.events.clone(), answer: called.answer.clone(), files, contest };
        let Some(secret) = secret.or_else(|| spoken(&cassette)) else { return Ok(cassette) };
        let label = desk.plan.node(job.node).label();
        tracing::warn!(
            task = label,
            role = wish.role.name(),
            attempt = job.turn,
            secret,
            "a call is not kept as a cassette"
        );
        // Who plays it has to know that there was one.
        let what = format!("it was not kept when it was made, since there is a secret in it: {secret}");
        Ok(Cassette {
            events: Vec::new(),
            answer: Err(AgentError::NoCassette { what }),
            files: Vec::new(),
            contest: None,
        })
    }

    /// What in files that an agent left may be kept nowhere: what the built-in review refuses, and what the agent was given to keep.
    async fn leak(&self, base: Oid, to: Oid, files: &[Taped], secrets: &[String]) -> Result<Option<String>, String> {
        let given = files.iter().find(|file| file.bytes().is_some_and(|bytes| redacted_bytes(bytes, secrets) != bytes));
        if let Some(file) = given {
            return Ok(Some(format!("{} holds one of the agent's environment", file.path)));
        }
        let leaks = self.leaks(base, to).await.map_err(|breakage| match breakage {
            Breakage::Fell { why, .. } => why.into(),
            Breakage::Moved { .. } => "the integration moved".to_owned(),
        })?;
        let is_taped = |path: &str| files.iter().any(|file| *file.path == *path);
        let leak = leaks.into_iter().find(|leak| leak.file.as_deref().is_some_and(is_taped));
        Ok(leak.map(|leak| format!("{}, {}", leak.file.unwrap_or_default(), leak.text)))
    }

    async fn taped(&self, from: Oid, to: Oid) -> Result<Vec<Taped>, String> {
        let changes = self.repo.changes(from, to).await.map_err(|fault| with_causes(&fault))?;
        let mut files = Vec::new();
        for change in changes {
            let content = match change.after {
                Some(entry) => {
                    let bytes = self.repo.blob(entry.oid).await.map_err(|fault| with_causes(&fault))?;
                    Some((entry.mode, bytes))
                }
                None => None,
            };
            files.push(Taped::of(&change.path, content.as_ref().map(|(mode, bytes)| (*mode, &**bytes))));
        }
        Ok(files)
    }
}

/// What looks like a secret in what was said: an agent that takes one out of a file may still cite it.
fn spoken(cassette: &Cassette) -> Option<String> {
    let of_events = cassette.events.iter().filter_map(|event| match event {
        AgentEvent::Text(text) | AgentEvent::Denied(text) | AgentEvent::ToolCall { input: text, .. } => Some(&**text),
        AgentEvent::Started | AgentEvent::ToolResult { .. } | AgentEvent::Usage { .. } | AgentEvent::Finished => None,
    });
    let of_answer = match &cassette.answer {
        Ok(report) => Some(&*report.text),
        Err(AgentError::GaveUp { tail, .. } | AgentError::Crashed { tail, .. }) => Some(&**tail),
        Err(_) => None,
    };
    of_events.chain(of_answer).chain(cassette.contest.as_deref()).find_map(rules::leak)
}
