//! Which backends take jobs, as far as the entries tell: by the rules of the core's quotas, so that the board knows what runs a job.

use crate::{
    plan::{BackendId, Plan},
    run::{Breakage, Ending, JobId, Until},
};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Quotas {
    /// Those that said no.
    closed: BTreeMap<BackendId, (Until, Box<str>)>,
    /// Those that are tried again: by this job, or by the next.
    probes: BTreeMap<BackendId, Option<JobId>>,
}

impl Quotas {
    /// Whether a job may start on it.
    pub(super) fn admits(&self, backend: BackendId) -> bool {
        !self.closed.contains_key(&backend) && !matches!(self.probes.get(&backend), Some(Some(_)))
    }

    pub(super) fn closed(&self) -> impl Iterator<Item = (BackendId, Until, &str)> {
        self.closed.iter().map(|(&backend, (until, why))| (backend, *until, &**why))
    }

    pub(super) fn started(&mut self, backend: BackendId, job: JobId) {
        // The core starts nothing on a closed backend.
        self.closed.remove(&backend);
        if let Some(probe) = self.probes.get_mut(&backend) {
            probe.get_or_insert(job);
        }
    }

    pub(super) fn answered(&mut self, by: JobId) {
        self.probes.retain(|_, probe| *probe != Some(by));
    }

    pub(super) fn ended(&mut self, by: JobId, backend: BackendId, ending: &Ending, plan: &Plan) {
        match ending {
            Ending::Passed(_) | Ending::Rejected(_) => self.answered(by),
            Ending::Broke(Breakage::Fell { .. } | Breakage::Moved { .. }) => self.unanswered(|probe| probe == by),
            Ending::Deferred { until, why } => {
                for backend in plan.kin(backend) {
                    self.probes.remove(&backend);
                    // What waits for a person waits for no time.
                    if !matches!((self.closed.get(&backend), until), (Some((Until::Person, _)), Until::At(_))) {
                        self.closed.insert(backend, (*until, why.clone()));
                    }
                }
            }
        }
    }

    /// It is tried again.
    pub(super) fn due(&mut self, backend: BackendId) {
        self.closed.remove(&backend);
        self.probes.insert(backend, None);
    }

    /// A person says that all are to be tried again that wait for one.
    pub(super) fn go(&mut self) {
        let waiting = self.closed.extract_if(.., |_, (until, _)| *until == Until::Person);
        let waiting: Vec<BackendId> = waiting.map(|(backend, _)| backend).collect();
        self.probes.extend(waiting.into_iter().map(|backend| (backend, None)));
    }

    /// A new process knows of no running job.
    pub(super) fn resumed(&mut self) {
        self.unanswered(|_| true);
    }

    /// The next job is the probe.
    fn unanswered(&mut self, is_it: impl Fn(JobId) -> bool) {
        for probe in self.probes.values_mut() {
            probe.take_if(|job| is_it(*job));
        }
    }
}
