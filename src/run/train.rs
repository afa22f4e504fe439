//! The merge train: candidates in the order they became ready, each built on the one before it, proven side by side, landed in order.
//!
//! ```text
//!            window reaches it,         built               checks green        head, base == tip      ref moved
//!  Queued ----base is known----> Building ----> Proving -----------> Proven -----------> Landing ----------> landed
//!    ^                              | conflict     | checks red                             | somebody moved the ref
//!    |                              v              v                                        v
//!    |                         base landed? --yes--> out: back to implement            all: Queued on the new tip
//!    |                              | no
//!    '---- its base left ------ Doubtful ---- its base landed ----> out: back to implement
//! ```
//! A failure on a base that has not landed may be the base's fault. So it is not believed until the base lands; meanwhile those
//! behind are built around it. The same holds for a candidate that is another patch than the one that everybody has looked at,
//! since what is before it has changed the same files: when the base has landed, it is verified and reviewed as what it is now.

use super::{Finding, Oid, Policy, What};
use crate::plan::NodeId;
use std::{collections::BTreeMap, ops::Bound};

/// Place in the line. Never used twice: a task that comes back gets a new one, at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub u64);

/// Where a candidate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateState {
    /// Nothing is built: it is behind the window, or what it is to be built on is not there yet.
    Queued,
    /// Is being merged onto `base`.
    Building {
        /// What it is built on.
        base: Oid,
    },
    /// Built as `commit`; the gate's checks run on it.
    Proving {
        /// What it was built on.
        base: Oid,
        /// What it was built as.
        commit: Oid,
    },
    /// Green on exactly this base. Waits for those before it.
    Proven {
        /// What it was built on.
        base: Oid,
        /// What it was built as.
        commit: Oid,
    },
    /// The ref is being moved from `base` to `commit`. Cannot be called back.
    Landing {
        /// Where the ref is.
        base: Oid,
        /// Where it will be.
        commit: Oid,
    },
    /// Failed, or became another patch, on a base that has not landed. Out of the line for those behind.
    Doubtful {
        /// What it was built on.
        base: Oid,
    },
}

/// What is the matter with a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It was found wanting.
    Failed(Vec<Finding>),
    /// It is another patch than the one that was verified and reviewed.
    Changed {
        /// The candidate.
        commit: Oid,
        /// What it changes on its base.
        patch: Oid,
    },
}

/// A patch on its way to the integration ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Whose.
    pub node: NodeId,
    /// What.
    pub patch: Oid,
    /// The commit that holds it.
    pub commit: Oid,
    /// Where it stands.
    pub state: CandidateState,
    /// What is the matter with it, while its base has not landed.
    pub doubt: Option<Doubt>,
}

/// What a change of the train asks of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Want(NodeId, What),
    /// Nobody needs this any more: the want goes, and a job that runs for it is stopped.
    Drop(NodeId, What),
    /// The doubt is certain; the candidate has left.
    Reject {
        node: NodeId,
        doubt: Doubt,
    },
}

/// The line of candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Train {
    tip: Oid,
    line: BTreeMap<Place, Candidate>,
    window: u16,
    window_min: u16,
    window_max: u16,
    next: u64,
}

impl Train {
    pub(super) fn new(tip: Oid, policy: &Policy) -> Train {
        let mut train = Train { tip, window: policy.window, ..Train::default() };
        train.resize(policy);
        train
    }

    /// The commit the integration ref is at, as far as is known.
    pub fn tip(&self) -> Oid {
        self.tip
    }

    /// How many candidates are built and proven side by side now.
    pub fn window(&self) -> u16 {
        self.window
    }

    /// Who is at this place.
    pub fn candidate(&self, place: Place) -> Option<&Candidate> {
        self.line.get(&place)
    }

    /// All candidates, the head first.
    pub fn line(&self) -> impl Iterator<Item = (Place, &Candidate)> {
        self.line.iter().map(|(&place, candidate)| (place, candidate))
    }

    /// Whether the ref is being moved to the candidate at this place.
    pub fn is_landing(&self, place: Place) -> bool {
        matches!(self.line.get(&place), Some(Candidate { state: CandidateState::Landing { .. }, .. }))
    }

    pub(super) fn join(&mut self, node: NodeId, patch: Oid, commit: Oid) -> Place {
        let place = Place(self.next);
        self.next += 1;
        self.line.insert(place, Candidate { node, patch, commit, state: CandidateState::Queued, doubt: None });
        place
    }

    /// Takes a candidate out, whatever the reason; those built on it are built anew.
    pub(super) fn leave(&mut self, place: Place, steps: &mut Vec<Step>) {
        if let Some(gone) = self.line.remove(&place) {
            steps.extend(drop_work(&gone));
            if commit(gone.state).is_some() {
                self.unbuild(Some(place), steps);
            }
            self.pull(steps);
        }
    }

    /// It is `commit` now, which changes `patch` on its base.
    pub(super) fn built(&mut self, place: Place, commit: Oid, patch: Oid, steps: &mut Vec<Step>) {
        if let Some(candidate) = self.line.get_mut(&place)
            && let CandidateState::Building { base } = candidate.state
        {
            if patch != candidate.patch {
                return self.doubts(place, Doubt::Changed { commit, patch }, steps);
            }
            candidate.state = CandidateState::Proving { base, commit };
            steps.push(Step::Want(candidate.node, What::Prove));
            self.pull(steps);
        }
    }

    pub(super) fn proven(&mut self, place: Place, steps: &mut Vec<Step>) {
        if let Some(candidate) = self.line.get_mut(&place)
            && let CandidateState::Proving { base, commit } = candidate.state
        {
            candidate.state = CandidateState::Proven { base, commit };
            self.pull(steps);
        }
    }

    /// A conflict or red checks. Halves the window.
    pub(super) fn failed(&mut self, place: Place, found: Vec<Finding>, steps: &mut Vec<Step>) {
        let state = self.line.get(&place).map(|candidate| candidate.state);
        if matches!(state, Some(CandidateState::Building { .. } | CandidateState::Proving { .. })) {
            self.window = (self.window / 2).max(self.window_min);
            self.doubts(place, Doubt::Failed(found), steps);
        }
    }

    /// Real only when the base has landed.
    fn doubts(&mut self, place: Place, doubt: Doubt, steps: &mut Vec<Step>) {
        let Some(candidate) = self.line.get_mut(&place) else {
            return;
        };
        let (CandidateState::Building { base } | CandidateState::Proving { base, .. }) = candidate.state else {
            return;
        };
        let was_built = commit(candidate.state).is_some();
        candidate.state = CandidateState::Doubtful { base };
        candidate.doubt = Some(doubt);
        if was_built {
            self.unbuild(Some(place), steps);
        }
        self.believe(steps);
        self.pull(steps);
    }

    /// Doubts about what is built on the tip are certain.
    fn believe(&mut self, steps: &mut Vec<Step>) {
        let tip = self.tip;
        self.line.retain(|_, candidate| {
            let is_certain = candidate.state == CandidateState::Doubtful { base: tip };
            if let Some(doubt) = candidate.doubt.take_if(|_| is_certain) {
                steps.push(Step::Reject { node: candidate.node, doubt });
            }
            !is_certain
        });
    }

    /// The ref is at `tip` now, with this candidate in it. Doubts about it become certain.
    pub(super) fn landed(&mut self, place: Place, tip: Oid, steps: &mut Vec<Step>) {
        let Some(candidate) = self.line.remove(&place) else {
            return;
        };
        self.tip = tip;
        self.window = self.window.saturating_add(1).min(self.window_max);
        if commit(candidate.state) != Some(tip) {
            self.unbuild(Some(place), steps);
        }
        self.believe(steps);
        self.pull(steps);
    }

    /// The ref was moved by somebody else: nothing that is built fits any more.
    pub(super) fn moved(&mut self, tip: Oid, steps: &mut Vec<Step>) {
        self.tip = tip;
        self.unbuild(None, steps);
        self.pull(steps);
    }

    pub(super) fn resize(&mut self, policy: &Policy) {
        self.window_max = policy.window_max.max(1);
        self.window_min = policy.window_min.clamp(1, self.window_max);
        self.window = self.window.clamp(self.window_min, self.window_max);
    }

    /// Everything behind `place`, or everything, loses what was built for it, and its doubts with it.
    fn unbuild(&mut self, behind: Option<Place>, steps: &mut Vec<Step>) {
        let from = behind.map_or(Bound::Unbounded, Bound::Excluded);
        for candidate in self.line.range_mut((from, Bound::Unbounded)).map(|(_, c)| c) {
            steps.extend(drop_work(candidate));
            candidate.state = CandidateState::Queued;
            candidate.doubt = None;
        }
    }

    /// Gives work to the candidates in the window: builds those whose base is known, lands the head.
    pub(super) fn pull(&mut self, steps: &mut Vec<Step>) {
        let (mut base, mut is_head, mut room) = (self.tip, true, self.window);
        for candidate in self.line.values_mut() {
            if room == 0 {
                break;
            }
            let node = candidate.node;
            match candidate.state {
                CandidateState::Doubtful { .. } => continue,
                CandidateState::Building { .. } => break,
                CandidateState::Queued => {
                    candidate.state = CandidateState::Building { base };
                    steps.push(Step::Want(node, What::Build));
                    break;
                }
                CandidateState::Proven { base: on, commit } if is_head && on == self.tip => {
                    candidate.state = CandidateState::Landing { base: on, commit };
                    steps.push(Step::Want(node, What::Land));
                    base = commit;
                }
                CandidateState::Proven { commit, .. }
                | CandidateState::Proving { commit, .. }
                | CandidateState::Landing { commit, .. } => base = commit,
            }
            is_head = false;
            room -= 1;
        }
    }
}

fn commit(state: CandidateState) -> Option<Oid> {
    match state {
        CandidateState::Proving { commit, .. }
        | CandidateState::Proven { commit, .. }
        | CandidateState::Landing { commit, .. } => Some(commit),
        CandidateState::Queued | CandidateState::Building { .. } | CandidateState::Doubtful { .. } => None,
    }
}

fn drop_work(candidate: &Candidate) -> Option<Step> {
    let what = match candidate.state {
        CandidateState::Building { .. } => What::Build,
        CandidateState::Proving { .. } => What::Prove,
        CandidateState::Landing { .. } => What::Land,
        CandidateState::Queued | CandidateState::Proven { .. } | CandidateState::Doubtful { .. } => return None,
    };
    Some(Step::Drop(candidate.node, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Code;

    fn red() -> Vec<Finding> {
        vec![Finding::blocker(Code::CheckFails, "red")]
    }

    /// A train whose candidates are built as commits 101, 102, ... as soon as they are wanted.
    fn train(window: u16, candidates: u32) -> (Train, Vec<Place>) {
        let policy = Policy { window, window_min: 1, window_max: 8, ..Policy::default() };
        let mut train = Train::new(Oid::of_number(1), &policy);
        let places = (0..candidates)
            .map(|n| train.join(NodeId(n), Oid::of_number(u64::from(n) + 11), Oid::of_number(u64::from(n) + 51)))
            .collect();
        build(&mut train, &mut Vec::new());
        (train, places)
    }

    fn build(train: &mut Train, steps: &mut Vec<Step>) {
        train.pull(steps);
        while let Some((place, node)) = next_building(train) {
            let [commit, patch] = [101, 11].map(|n| Oid::of_number(u64::from(node.0) + n));
            train.built(place, commit, patch, steps);
        }
    }

    fn next_building(train: &Train) -> Option<(Place, NodeId)> {
        let is_building = |c: &Candidate| matches!(c.state, CandidateState::Building { .. });
        train.line().find(|(_, c)| is_building(c)).map(|(place, c)| (place, c.node))
    }

    fn base(train: &Train, place: Place) -> Option<Oid> {
        match train.candidate(place)?.state {
            CandidateState::Proving { base, .. } | CandidateState::Proven { base, .. } => Some(base),
            CandidateState::Landing { base, .. } | CandidateState::Building { base } => Some(base),
            CandidateState::Queued | CandidateState::Doubtful { .. } => None,
        }
    }

    #[test]
    fn each_is_built_on_the_one_before_it_as_far_as_the_window_goes() {
        let (train, at) = train(3, 5);
        assert_eq!(
            at.iter().map(|&p| base(&train, p)).collect::<Vec<_>>(),
            [1, 101, 102].map(|n| Some(Oid::of_number(n))).into_iter().chain([None, None]).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_landing_widens_the_window_and_a_failure_halves_it() {
        let (mut train, at) = train(3, 5);
        let mut steps = Vec::new();
        train.proven(at[0], &mut steps);
        assert!(train.is_landing(at[0]) && !train.is_landing(at[1]));
        train.landed(at[0], Oid::of_number(101), &mut steps);
        assert_eq!(train.window(), 4);
        train.failed(at[4], red(), &mut steps);
        assert_eq!(train.window(), 4, "what is not built cannot fail");
        train.failed(at[2], red(), &mut steps);
        assert_eq!(train.window(), 2);
    }

    #[test]
    fn a_failure_on_a_base_that_may_not_land_is_built_around_and_believed_when_it_lands() {
        let (mut train, at) = train(3, 3);
        let mut steps = Vec::new();
        train.failed(at[1], red(), &mut steps);
        assert!(!steps.contains(&Step::Reject { node: NodeId(1), doubt: Doubt::Failed(red()) }));
        build(&mut train, &mut steps);
        train.window = 2;
        build(&mut train, &mut steps);
        assert_eq!(
            base(&train, at[2]),
            Some(Oid::of_number(101)),
            "the third is built on the first; a doubt takes no place in the window"
        );
        train.proven(at[0], &mut steps);
        train.landed(at[0], Oid::of_number(101), &mut steps);
        assert!(steps.contains(&Step::Reject { node: NodeId(1), doubt: Doubt::Failed(red()) }));
        assert_eq!(base(&train, at[2]), Some(Oid::of_number(101)), "nothing built on the landed one is built again");
    }

    #[test]
    fn what_became_another_patch_leaves_when_what_changed_it_has_landed() {
        let (mut train, at) = train(1, 2);
        let mut steps = Vec::new();
        let policy = Policy { window: 3, window_min: 3, window_max: 8, ..Policy::default() };
        train.resize(&policy);
        train.pull(&mut steps);
        let (commit, patch) = (Oid::of_number(102), Oid::of_number(99));
        train.built(at[1], commit, patch, &mut steps);
        let leaves = Step::Reject { node: NodeId(1), doubt: Doubt::Changed { commit, patch } };
        assert!(!steps.contains(&leaves) && !steps.contains(&Step::Want(NodeId(1), What::Prove)));
        train.proven(at[0], &mut steps);
        train.landed(at[0], Oid::of_number(101), &mut steps);
        assert!(steps.contains(&leaves) && train.candidate(at[1]).is_none());
        assert_eq!(train.window(), 4, "nothing has failed");
    }

    #[test]
    fn a_doubt_goes_with_the_base_it_was_about() {
        let (mut train, at) = train(3, 3);
        let mut steps = Vec::new();
        train.failed(at[1], red(), &mut steps);
        train.failed(at[0], red(), &mut steps);
        assert!(steps.contains(&Step::Reject { node: NodeId(0), doubt: Doubt::Failed(red()) }));
        assert!(!steps.contains(&Step::Reject { node: NodeId(1), doubt: Doubt::Failed(red()) }));
        build(&mut train, &mut steps);
        assert_eq!(base(&train, at[1]), Some(Oid::of_number(1)), "it gets its chance on the tip");
    }
}
