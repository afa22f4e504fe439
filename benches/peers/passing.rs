//! How a job ends when everything passes: for driving the core without anybody doing anything.

use tidegate::run::{Ending, Event, Evidence, Job, Oid, Red, Seal, Spend, Subject, Verified, What};

/// The job ended, as well as it can. Each commit has a number of its own.
pub(crate) fn passed(job: &Job) -> Event {
    let node = u64::from(job.node.0);
    let evidence = match (job.what, job.on) {
        (What::Tests, _) => Evidence::Tests { commit: Oid::of_number(node + 1), told: vec![] },
        (What::Red, _) => {
            let seal = Seal { commit: Oid::of_number(node + 1), ..Seal::default() };
            Evidence::Red(Box::new(Red { seal, ..Red::default() }))
        }
        (What::Implement, _) => {
            Evidence::Work { patch: Oid::of_number(node + 2), commit: Oid::of_number(node + 2), told: vec![] }
        }
        (What::Verify, Subject::Patch { patch, commit }) => {
            Evidence::Verified(Box::new(Verified { patch, commit, ..Verified::default() }))
        }
        (What::Review(_), _) => Evidence::Approved { findings: vec![], grants: vec![] },
        (What::Build, Subject::Onto { patch, .. }) => {
            Evidence::Built { commit: Oid::of_number((job.id.0 + 1) << 32), patch }
        }
        (What::Land, Subject::Candidate { commit, .. }) => Evidence::Landed { tip: commit, notes: vec![] },
        _ => Evidence::Seen { ran: vec![] },
    };
    Event::Ended {
        job: job.id,
        ending: Box::new(Ending::Passed(evidence)),
        spend: Spend { micros: 5, input: 5, ..Spend::default() },
    }
}
