//! What is proven, and what that opens. One pass that decides and is the explanation.

use super::{Finding, Oid};
use crate::plan::{Bound, Criterion, Means, ReviewerId};

/// What a proof is about: a criterion of a gate, or a reviewer's word on a task, which counts wherever it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// The criterion at this place in its gate.
    Criterion(u16),
    /// What this reviewer says of a task's patch.
    Verdict(ReviewerId),
}

/// One settled item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A command succeeded, a phase proved it, or a reviewer approved.
    Seen {
        /// Concerns, suggestions and praise.
        said: Box<[Finding]>,
    },
    /// A command measured this.
    Figure {
        /// In the unit of its bound.
        figure: i64,
        /// What it is made of.
        said: Box<[Finding]>,
    },
    /// A command failed, or a reviewer found a blocker.
    Refused {
        /// What was found wanting, never empty.
        found: Box<[Finding]>,
    },
    /// A person said so.
    Approved,
}

impl Proof {
    /// A pass with nothing to add.
    pub(super) fn seen() -> Proof {
        Proof::Seen { said: Box::default() }
    }

    /// A figure with nothing to add.
    pub(super) fn figure(figure: i64) -> Proof {
        Proof::Figure { figure, said: Box::default() }
    }

    /// What was said with it.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Proof::Seen { said } | Proof::Figure { said, .. } => said,
            Proof::Refused { found } => found,
            Proof::Approved => &[],
        }
    }
}

/// What has been proven of one node: each proof by its item and the object it was taken on.
/// A proof on another patch, or another tip, proves nothing here. Sorted; a node has few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger(Vec<((Item, Oid), Proof)>);

impl Ledger {
    /// What is known of this item, on this object.
    pub fn get(&self, item: Item, on: Oid) -> Option<&Proof> {
        let at = self.0.binary_search_by_key(&(item, on), |(key, _)| *key).ok()?;
        Some(&self.0[at].1)
    }

    /// Whether anything was found wanting.
    pub(super) fn is_refused(&self) -> bool {
        self.0.iter().any(|(_, proof)| matches!(proof, Proof::Refused { .. }))
    }

    pub(super) fn enter(&mut self, item: Item, on: Oid, proof: Proof) {
        match self.0.binary_search_by_key(&(item, on), |(key, _)| *key) {
            Ok(at) => self.0[at].1 = proof,
            Err(at) => self.0.insert(at, ((item, on), proof)),
        }
    }

    /// Forgets what was refused: a person wants it looked at again, on the same object. What was seen stays seen.
    pub(super) fn forgive(&mut self) {
        self.0.retain(|(_, proof)| !matches!(proof, Proof::Refused { .. }));
    }

    /// Forgets what was measured, so that it is measured again.
    pub(super) fn forget_figures(&mut self) {
        self.0.retain(|(_, proof)| !matches!(proof, Proof::Figure { .. }));
    }

    /// Over a send-back: of `patch` the verdicts and a person's words stay, whatever a machine proved is proven anew.
    pub(super) fn keep(&mut self, patch: Oid) {
        self.0.retain(|((item, on), proof)| {
            let is_a_word = matches!(item, Item::Verdict(_)) || *proof == Proof::Approved;
            *on == patch && is_a_word
        });
    }

    /// Keeps what was proven of `on`, and no memory beyond it.
    pub(super) fn close(&mut self, on: Oid) {
        self.0.retain(|((_, about), _)| *about == on);
        self.0.shrink_to_fit();
    }
}

/// Whether a gate is open, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every criterion, with what proved it.
    Open(Vec<(u16, Proof)>),
    /// What is lacking, never empty.
    Closed(Vec<Lack>),
}

/// A criterion that keeps a gate closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Nobody has looked yet: there is a job to do.
    Unproven(u16),
    /// Looked at, and refused.
    Refused {
        /// Which criterion.
        criterion: u16,
        /// What was found wanting.
        found: Box<[Finding]>,
    },
    /// Measured, and over or under the bound.
    Missed {
        /// Which criterion.
        criterion: u16,
        /// What was measured.
        figure: i64,
        /// What it should have held.
        bound: Bound,
        /// What the figure is made of.
        found: Box<[Finding]>,
    },
    /// Waits for a person.
    Unapproved(u16),
}

impl Lack {
    /// The criterion nobody has looked at.
    pub(super) fn unproven(&self) -> Option<u16> {
        if let Lack::Unproven(criterion) = self { Some(*criterion) } else { None }
    }

    /// Which criterion.
    pub fn criterion(&self) -> u16 {
        match *self {
            Lack::Unproven(criterion) | Lack::Unapproved(criterion) => criterion,
            Lack::Refused { criterion, .. } | Lack::Missed { criterion, .. } => criterion,
        }
    }

    /// Whether neither more work on this criterion nor a person's word opens the gate.
    pub fn is_final(&self) -> bool {
        matches!(self, Lack::Refused { .. } | Lack::Missed { .. })
    }

    /// Whether a person's word is all that is missing.
    pub fn is_a_persons(&self) -> bool {
        matches!(self, Lack::Unapproved(_))
    }
}

/// Whether `gate` is open for the object `on`, and why.
pub fn judge(gate: &[Criterion], proven: &Ledger, on: Oid) -> Verdict {
    let (mut proofs, mut lacks) = (Vec::new(), Vec::new());
    for (criterion, asked) in (0u16..).zip(gate) {
        let mut proof = proven.get(Item::Criterion(criterion), on);
        if let (None, &Means::Reviewed { reviewer }) = (proof, &asked.means) {
            proof = proven.get(Item::Verdict(reviewer), on);
        }
        let lack = match (&asked.means, proof) {
            (_, Some(Proof::Refused { found })) => Some(Lack::Refused { criterion, found: found.clone() }),
            (_, Some(Proof::Approved)) => None,
            (Means::Approved | Means::Held, _) | (Means::NoBlocker, None) => Some(Lack::Unapproved(criterion)),
            (&Means::Measured { bound, .. }, Some(Proof::Figure { figure, said })) => {
                let found = || said.clone();
                (!bound.holds(*figure)).then(|| Lack::Missed { criterion, figure: *figure, bound, found: found() })
            }
            (Means::Measured { .. }, _) => Some(Lack::Unproven(criterion)),
            (_, Some(Proof::Seen { .. })) => None,
            (_, Some(Proof::Figure { .. }) | None) => Some(Lack::Unproven(criterion)),
        };
        proofs.extend(proof.map(|p| (criterion, p.clone())));
        lacks.extend(lack);
    }
    if lacks.is_empty() { Verdict::Open(proofs) } else { Verdict::Closed(lacks) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Parse, Unit},
        run::Code,
    };

    fn gate(means: impl IntoIterator<Item = Means>) -> Vec<Criterion> {
        means.into_iter().map(|means| Criterion { text: "c".into(), line: None, means }).collect()
    }

    #[test]
    fn a_gate_says_what_it_lacks_and_words_alone_never_open_it() {
        let bound = Bound::AtLeast(80);
        let gate = gate([
            Means::Measured { command: "cov".into(), bound, parse: Parse::Last, unit: Unit::bare() },
            Means::Checked { commands: vec!["true".into()] },
            Means::Held,
        ]);
        let (tip, mut ledger) = (Oid::of_number(7), Ledger::default());
        ledger.enter(Item::Criterion(0), tip, Proof::figure(79));
        ledger.enter(Item::Criterion(1), tip, Proof::seen());
        let missed = Lack::Missed { criterion: 0, figure: 79, bound, found: Box::default() };
        assert_eq!(judge(&gate, &ledger, tip), Verdict::Closed(vec![missed, Lack::Unapproved(2)]));
        ledger.enter(Item::Criterion(0), tip, Proof::figure(80));
        ledger.enter(Item::Criterion(2), tip, Proof::Approved);
        assert!(matches!(judge(&gate, &ledger, tip), Verdict::Open(proofs) if proofs.len() == 3));
        assert!(matches!(judge(&gate, &ledger, Oid::of_number(8)), Verdict::Closed(lacks) if lacks.len() == 3));
    }

    #[test]
    fn a_reviewers_word_counts_wherever_it_is_asked_for_and_on_its_patch_alone() {
        let gate = gate([Means::Reviewed { reviewer: ReviewerId(3) }, Means::Reviewed { reviewer: ReviewerId(3) }]);
        let (patch, mut ledger) = (Oid::of_number(1), Ledger::default());
        ledger.enter(Item::Verdict(ReviewerId(3)), patch, Proof::seen());
        assert!(matches!(judge(&gate, &ledger, patch), Verdict::Open(_)));
        assert!(matches!(judge(&gate, &ledger, Oid::of_number(2)), Verdict::Closed(_)));
    }

    #[test]
    fn each_lack_names_its_criterion() {
        let bound = Bound::AtLeast(1);
        let lacks = [
            Lack::Unproven(1),
            Lack::Unapproved(2),
            Lack::Refused { criterion: 3, found: Box::default() },
            Lack::Missed { criterion: 4, figure: 0, bound, found: Box::default() },
        ];
        assert_eq!(lacks.map(|lack| lack.criterion()), [1, 2, 3, 4]);
    }

    #[test]
    fn what_is_over_keeps_the_proofs_of_its_own_object_and_what_was_refused_is_known() {
        let (here, there, mut ledger) = (Oid::of_number(1), Oid::of_number(2), Ledger::default());
        ledger.enter(Item::Criterion(0), here, Proof::seen());
        ledger.enter(Item::Criterion(1), here, Proof::Approved);
        assert!(!ledger.is_refused());
        let found = Box::from([Finding::blocker(Code::Review, "no")]);
        ledger.enter(Item::Criterion(0), there, Proof::Refused { found });
        assert!(ledger.is_refused());
        ledger.close(here);
        assert_eq!(ledger.0.len(), 2);
        assert!(!ledger.is_refused() && ledger.get(Item::Criterion(1), here).is_some());
    }

    #[test]
    fn over_a_send_back_words_stay_and_proofs_go() {
        let (patch, mut ledger) = (Oid::of_number(1), Ledger::default());
        let found = Box::from([Finding::blocker(Code::Review, "no")]);
        ledger.enter(Item::Criterion(0), patch, Proof::seen());
        ledger.enter(Item::Criterion(1), patch, Proof::Approved);
        ledger.enter(Item::Verdict(ReviewerId(0)), patch, Proof::Refused { found });
        ledger.enter(Item::Verdict(ReviewerId(1)), Oid::of_number(2), Proof::seen());
        ledger.keep(patch);
        assert_eq!(ledger.0.len(), 2);
        assert_eq!(ledger.get(Item::Criterion(0), patch), None);
        assert_eq!(ledger.get(Item::Verdict(ReviewerId(1)), Oid::of_number(2)), None);
    }
}
