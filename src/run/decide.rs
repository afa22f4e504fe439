//! What ought to be done now. Reads a run, changes nothing; one decision at a time, each recorded before the next is made.

use super::{Effect, Event, Full, JobId, Lane, Mode, Run, What, Why, apply::backend};
use crate::plan::{BackendId, NodeId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Start(NodeId, What, Option<BackendId>),
    Stop(JobId),
}

impl Decision {
    pub(super) fn event(self, next: JobId) -> Event {
        match self {
            Decision::Start(node, what, backend) => Event::Started { job: next, node, what, backend },
            Decision::Stop(job) => Event::StopAsked { job },
        }
    }
}

impl Run {
    /// Stops before starts. Of the heads of all lanes that nothing holds back, the most urgent; of equals, the one whose
    /// stream has fewer agents at work; then by id. Looks at one want a lane, never at all of them.
    pub(super) fn decide(&self) -> Option<Decision> {
        if let Some(&job) = self.unwanted.first() {
            return Some(Decision::Stop(job));
        }
        self.queue
            .heads()
            .filter(|(lane, _)| self.hindrance(lane).is_none())
            .min_by_key(|(lane, key)| (key.urgency, self.load(lane), key.node, key.what))
            .map(|(lane, key)| Decision::Start(key.node, key.what, backend(lane)))
    }

    fn load(&self, lane: &Lane) -> u32 {
        match lane.pool {
            super::Pool::Agents { stream, .. } => self.slots.stream_load(stream),
            super::Pool::Checks | super::Pool::Merge => 0,
        }
    }

    /// What keeps a ready want of this lane from starting now. The same answer decides, checks a replay, and explains.
    pub(super) fn hindrance(&self, lane: &Lane) -> Option<Why> {
        match self.mode {
            Mode::Paused => return Some(Why::Paused),
            Mode::Cancelled => return Some(Why::Cancelled),
            Mode::Going => {}
        }
        if !lane.is_asked {
            return Some(Why::NotAsked);
        }
        if self.budget.time_is_up {
            return Some(Why::TimeIsUp);
        }
        if let Some(backend) = backend(lane) {
            let quota = self.quotas[usize::from(backend.0)];
            if !quota.admits() {
                return Some(Why::quota(backend, quota));
            }
        }
        if let Some(full) = self.slots.full(lane, &self.policy) {
            return Some(match full {
                Full::Resource { resource, holder } => Why::Resource { resource, holder },
                Full::Merge => Why::NoSlot { full, of: 1 },
                Full::Checks => Why::NoSlot { full, of: self.policy.checks },
                Full::Agents => Why::NoSlot { full, of: self.policy.agents },
                Full::Stream(_) => Why::NoSlot { full, of: self.policy.agents_per_stream },
                Full::Backend(backend) => {
                    let most = self.policy.agents_per_backend.get(&backend);
                    Why::NoSlot { full, of: most.copied().unwrap_or(self.policy.agents) }
                }
            });
        }
        (!self.budget.admits(lane.grant, self.policy.budget)).then_some(Why::Budget)
    }

    /// What a recorded decision asks of the shell.
    pub(super) fn effect(&self, decision: Decision) -> Option<Effect> {
        match decision {
            Decision::Stop(job) => Some(Effect::Stop(job)),
            Decision::Start(node, what, _) => {
                let job = self.job_of(node, what).and_then(|id| self.jobs.get(&id))?;
                Some(Effect::Start(Box::new(job.clone())))
            }
        }
    }
}
