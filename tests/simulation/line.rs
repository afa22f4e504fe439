//! The line of candidates as the observer sees it: who is built on whom, who is in doubt, who lands.

use super::model::{Model, Stage};
use tidegate::{
    plan::{NodeId, Phase},
    run::{Code, Finding, Oid, Subject, What},
};

#[derive(Debug)]
pub struct Candidate {
    pub node: NodeId,
    pub built: Option<(Oid, Oid)>,
    pub is_proven: bool,
    pub doubt: Option<(Oid, Doubt)>,
}

/// What is the matter: it was found wanting, or is this commit with this other patch.
#[derive(Debug)]
pub enum Doubt {
    Failed(Vec<Finding>),
    Changed(Oid, Oid),
}

impl Model {
    fn at(&self, node: NodeId) -> Option<usize> {
        self.line.iter().position(|candidate| candidate.node == node)
    }

    /// Whoever stands behind loses what was built.
    fn unbuild(&mut self, from: usize) {
        for at in from..self.line.len() {
            let candidate = &mut self.line[at];
            (candidate.built, candidate.is_proven, candidate.doubt) = (None, false, None);
            let node = candidate.node;
            self.drop_all(node);
        }
    }

    pub fn leave(&mut self, node: NodeId) {
        if let Some(at) = self.at(node) {
            let gone = self.line.remove(at);
            self.drop_all(node);
            if gone.built.is_some() {
                self.unbuild(at);
            }
        }
    }

    pub fn built(&mut self, node: NodeId, base: Oid, commit: Oid) {
        self.drop(node, What::Build);
        let at = self.at(node).expect("built, and not in the line");
        self.line[at].built = Some((base, commit));
        self.want(node, What::Prove); // begun is finished, also where the window has become smaller
    }

    pub fn proven(&mut self, node: NodeId) {
        self.drop(node, What::Prove);
        let at = self.at(node).expect("proven, and not in the line");
        self.line[at].is_proven = true;
    }

    /// Whoever looked at it looked at something else; but what changed it may not land.
    pub fn changed(&mut self, node: NodeId, base: Oid, commit: Oid, patch: Oid) {
        let at = self.at(node).expect("built, and not in the line");
        self.drop_all(node);
        self.line[at].doubt = Some((base, Doubt::Changed(commit, patch)));
        self.resolve();
    }

    /// Only a failure on what has landed is the candidate's own.
    pub fn failed(&mut self, node: NodeId, base: Oid, found: Vec<Finding>) {
        let at = self.at(node).expect("failed, and not in the line");
        self.drop_all(node);
        self.window = (self.window / 2).max(self.policy.window_min.clamp(1, self.policy.window_max.max(1)));
        let was_built = self.line[at].built.take().is_some();
        (self.line[at].doubt, self.line[at].is_proven) = (Some((base, Doubt::Failed(found))), false);
        if was_built {
            self.unbuild(at + 1);
        }
        self.resolve();
    }

    fn resolve(&mut self) {
        let tip = self.tip;
        let is_certain = |c: &Candidate| c.doubt.as_ref().is_some_and(|(base, _)| *base == tip);
        while let Some(at) = self.line.iter().position(is_certain) {
            let gone = self.line.remove(at);
            let found = match gone.doubt {
                Some((_, Doubt::Changed(commit, patch))) => {
                    self.looks_anew(gone.node, commit, patch);
                    continue;
                }
                Some((_, Doubt::Failed(found))) => found,
                None => unreachable!("a doubt was certain"),
            };
            let in_tests = found.iter().any(|f| f.code == Code::TestConflict) && self.has(gone.node, Phase::Tests);
            self.life(gone.node).sheet.base = tip;
            self.send_back(gone.node, if in_tests { Phase::Tests } else { Phase::Implement }, found);
        }
    }

    fn looks_anew(&mut self, node: NodeId, commit: Oid, patch: Oid) {
        let tip = self.tip;
        let life = self.life(node);
        (life.patch, life.commit, life.sheet.work, life.sheet.base) = (patch, commit, commit, tip);
        life.asks.clear();
        let next = [Phase::Verify, Phase::Review].into_iter().find(|&phase| self.has(node, phase));
        self.enter(node, next.unwrap_or(Phase::Merge));
    }

    pub fn landed(&mut self, node: NodeId, tip: Oid) {
        let at = self.at(node).expect("landed, and not in the line");
        let gone = self.line.remove(at);
        self.tip = tip;
        self.window = self.window.saturating_add(1).min(self.policy.window_max.max(1));
        if gone.built.map(|(_, commit)| commit) != Some(tip) {
            self.unbuild(at);
        }
        self.resolve();
        self.is_on_ref(node, tip);
    }

    fn is_on_ref(&mut self, node: NodeId, commit: Oid) {
        self.over(node, Stage::At(Phase::Handoff));
        self.life(node).sheet.landed = commit;
        self.life(node).landings += 1;
        self.want(node, What::HandOver);
    }

    pub fn moved(&mut self, tip: Oid, found: &[NodeId]) {
        self.tip = tip;
        self.unbuild(0);
        for &node in found {
            let life = &self.lives[node.index()];
            if let Some((patch, commit)) = life.launched
                && !self.is_open(node)
                && life.sheet.landed.is_none()
            {
                (self.life(node).patch, self.life(node).commit) = (patch, commit);
                self.is_on_ref(node, commit);
            }
        }
    }

    /// What this job has to be about, now.
    pub fn subject(&mut self, node: NodeId, what: What) -> Subject {
        let (patch, commit) = (self.life(node).patch, self.life(node).commit);
        match what {
            What::Tests | What::Red | What::Implement | What::Consult | What::Advise => Subject::Workspace,
            What::Verify | What::Review(_) => Subject::Patch { patch, commit },
            What::Settle(_) => Subject::Tip(patch),
            What::HandOver => Subject::Tip(self.life(node).sheet.landed),
            What::Build | What::Prove | What::Land => {
                let at = self.at(node).expect("a candidate's job, and it is not in the line");
                if what == What::Build {
                    let mut ahead = self.line[..at].iter().filter(|c| c.doubt.is_none());
                    let base = match ahead.next_back() {
                        Some(candidate) => candidate.built.expect("built on what is not built").1,
                        None => self.tip,
                    };
                    assert!(self.line[at].doubt.is_none(), "{node:?} is built anew while it is in doubt");
                    return Subject::Onto { patch, commit, base };
                }
                let (base, built) = self.line[at].built.expect("proven or landed, and not built");
                if what == What::Land {
                    assert!(self.line[at].is_proven && at == 0 && base == self.tip, "{node:?} lands out of order");
                    self.life(node).launched = Some((patch, built));
                }
                Subject::Candidate { base, commit: built }
            }
        }
    }

    /// What the line asks for, as far as the window goes.
    pub fn pull(&mut self) {
        let mut room = self.window;
        for at in 0..self.line.len() {
            let candidate = &self.line[at];
            let node = candidate.node;
            if room == 0 {
                break;
            }
            if candidate.doubt.is_some() {
                continue;
            }
            room -= 1;
            match candidate.built {
                None => {
                    self.want(node, What::Build);
                    break;
                }
                Some(_) if !candidate.is_proven => self.want(node, What::Prove),
                Some((base, _)) if at == 0 && base == self.tip => self.want(node, What::Land),
                Some(_) => {}
            }
        }
    }
}
