//! The fold itself: what an entry, and where nodes stand after it, change on the board.

use super::{
    Allowed, Bill, Board, Card, Landing, Mark, NEWS_KEPT, News, Pace, REMARKS_KEPT, Remark, Running, Standing, Stream,
    Tone, slim,
};
use crate::{
    plan::{
        Addition, BackendId, Blueprint, Criterion, Gate, Hold, Level, Means, Node, NodeId, Phase, Plan, ReviewerId,
        Role,
    },
    run::{
        Breakage, Code, Ending, Entry, Estimates, Event, Evidence, Finding, JobId, Oid, Order, Rejection, Spend,
        Timestamp, Until, Verified, Weight, What,
    },
};

impl Board {
    /// Takes an entry in, and where the nodes stand that it (or the turn it ends) has moved. Says it in plain words.
    ///
    /// `after` may come with each entry or, all at once, with the last of a turn. What it does not name stands as it stood.
    pub fn apply(&mut self, entry: &Entry, after: &[(NodeId, Standing)]) -> Vec<News> {
        (self.now, self.seq) = (entry.at, entry.seq);
        let is_plan = matches!(entry.event, Event::Planned { .. } | Event::Replanned(_));
        let mut news: Vec<News> = if is_plan { None } else { self.news_of(entry) }.into_iter().collect();
        self.fold(entry);
        if is_plan {
            news.extend(self.news_of(entry));
        }
        let mut blocked = Vec::new();
        for (node, standing) in after {
            if self.cards.get(node.index()).is_none_or(|card| card.standing == *standing) {
                continue;
            }
            let is_new = std::mem::discriminant(self.standing(*node)) != std::mem::discriminant(standing);
            let was_merging = matches!(self.standing(*node), Standing::Merging { .. });
            self.set(*node, standing.clone());
            if is_new && *standing == Standing::Blocked && !self.is_task_gate(*node) {
                blocked.push(*node);
            }
            if is_new && !is_plan {
                news.extend(self.news_of_standing(entry, *node, was_merging, standing));
            }
        }
        if !blocked.is_empty() {
            news.push(self.news(entry, None, Tone::Bad, &format!("blocked by that: {}", self.list(&blocked))));
        }
        for one in &news {
            if self.news.len() == NEWS_KEPT {
                self.news.pop_front();
            }
            self.news.push_back(one.clone());
        }
        news
    }

    /// Where nodes stand, without a word: at the end of a replay, which tells of the entries alone.
    pub fn stand(&mut self, after: &[(NodeId, Standing)]) {
        for (node, standing) in after {
            if self.cards.get(node.index()).is_some_and(|card| card.standing != *standing) {
                self.set(*node, standing.clone());
            }
        }
    }

    fn fold(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Planned { plan, policy, tip, charter } => {
                *self = Board { now: self.now, seq: self.seq, ..Board::default() };
                (self.began, self.tip, self.charter) = (entry.at, *tip, (**charter).clone());
                self.limit = policy.budget;
                self.lay_out(plan);
            }
            Event::Replanned(addition) => self.extend(addition),
            Event::Started { job, node, what, backend } => {
                // Journals of before do not say on what.
                let backend = backend.or_else(|| self.backend_of(*node, *what));
                self.started((*job, *node, *what), backend, entry.at);
            }
            Event::StopAsked { job } => {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.is_stopping = true;
                }
            }
            Event::Answered { job } => {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.is_answered = true;
                }
            }
            Event::CalledAgain { job } => self.called(*job),
            Event::Spent { job, spend, .. } => self.bill(*job, Bill { spend: *spend, ..Bill::default() }),
            Event::Ended { job, ending, spend } => self.ended(*job, ending, *spend, entry.at),
            Event::QuotaDue { backend } => {
                self.closed.remove(backend);
            }
            Event::TimeUp => self.pace = Pace::TimeUp,
            Event::Ordered(order) => self.ordered(order),
            Event::Resumed { policy } => {
                self.limit = policy.as_ref().map_or(self.limit, |policy| policy.budget);
                self.forget_jobs();
                self.is_left = false;
                if self.pace != Pace::Cancelled {
                    self.pace = Pace::Going;
                }
            }
            Event::Checkpointed { .. } | Event::Rested { .. } => {}
        }
    }

    fn lay_out(&mut self, blueprint: &Blueprint) {
        let streams = blueprint.streams.iter();
        self.streams = streams
            .map(|(label, title)| Stream { label: label.clone(), title: title.clone(), ..Stream::default() })
            .collect();
        // The core has built this plan before it was journaled; a journal that is not ours shows an empty board.
        let Ok(plan) = Plan::build(slim::blueprint(blueprint)) else {
            return;
        };
        self.plan = plan;
        self.estimates = Estimates::new(&self.plan);
        self.deal();
    }

    fn extend(&mut self, addition: &Addition) {
        let addition = Addition {
            added: addition.added.iter().map(slim::node).collect(),
            retired: addition.retired.clone(),
            edges: addition.edges.clone(),
        };
        let Ok(plan) = self.plan.extend(&addition) else {
            return;
        };
        // The ways to the end are other ones now: the index is made anew.
        self.plan = plan;
        self.estimates.lay_out(&self.plan);
        self.reindex();
        self.deal();
        for &node in addition.retired.iter().filter(|n| n.index() < self.cards.len()).collect::<Vec<_>>() {
            self.set(node, Standing::Retired);
        }
    }

    /// Cards for the nodes that have none yet.
    fn deal(&mut self) {
        for id in (self.cards.len() as u32..self.plan.len() as u32).map(NodeId) {
            let mut card = Card { since: self.now, ..Card::default() };
            let mut gate_of = None;
            match self.plan.node(id) {
                Node::Task(task) => {
                    card.standing = if task.done { Standing::Done } else { Standing::Waiting };
                    self.tasks.enter(&card.standing);
                    let stream = &mut self.streams[usize::from(task.stream.0)];
                    stream.tasks.enter(&card.standing);
                    stream.nodes.push(id);
                }
                Node::Gate(Gate { level: Level::Task(task), .. }) => gate_of = Some(*task),
                Node::Gate(gate) => {
                    self.gates.enter(&card.standing);
                    if let Level::Stream(stream) = gate.level
                        && let Some(stream) = self.streams.get_mut(usize::from(stream.0))
                    {
                        stream.gate = Some(id);
                    }
                }
            }
            self.path.enter(&self.estimates, id, &card.standing);
            self.cards.push(card);
            if let Some(card) = gate_of.and_then(|task| self.cards.get_mut(task.index())) {
                card.gate = Some(id);
            }
        }
    }

    /// The one place where a standing changes: its counts and its place on the path go with it.
    fn set(&mut self, node: NodeId, standing: Standing) {
        let card = &mut self.cards[node.index()];
        self.path.leave(&self.estimates, node, &card.standing);
        self.path.enter(&self.estimates, node, &standing);
        let was = std::mem::replace(&mut card.standing, standing);
        let keeps = match &card.standing {
            Standing::Working { phase, .. } => *phase != Phase::Handoff,
            standing => matches!(standing, Standing::Merging { .. }),
        };
        if let (false, Some(task)) = (keeps, self.plan.node(node).task()) {
            for resource in
                task.needs.iter().filter(|resource| self.held.get(resource) == Some(&node)).collect::<Vec<_>>()
            {
                self.held.remove(resource);
            }
        }
        if std::mem::discriminant(&was) == std::mem::discriminant(&card.standing) {
            return;
        }
        if matches!(was, Standing::Merging { .. }) {
            self.train.remove(&(card.joined, node));
        }
        if matches!(card.standing, Standing::Merging { .. }) {
            card.joined = self.seq;
            self.train.insert((self.seq, node));
        }
        card.since = self.now;
        let standing = &self.cards[node.index()].standing;
        match self.plan.node(node) {
            Node::Task(task) => {
                let stream = &mut self.streams[usize::from(task.stream.0)].tasks;
                for count in [&mut self.tasks, stream] {
                    count.leave(&was);
                    count.enter(standing);
                }
            }
            Node::Gate(Gate { level: Level::Task(_), .. }) => {}
            Node::Gate(_) => {
                self.gates.leave(&was);
                self.gates.enter(standing);
            }
        }
    }

    fn started(&mut self, (id, node, what): (JobId, NodeId, What), backend: Option<BackendId>, at: Timestamp) {
        let attempt = self.attempt(node, what);
        let Some(card) = self.cards.get_mut(node.index()) else {
            return;
        };
        card.begun.get_or_insert(at);
        if what.is_in_workspace()
            && let Some(task) = self.plan.node(node).task()
        {
            let files = task.needs.iter().filter(|&&resource| self.plan.hold(resource) == Hold::Task);
            self.held.extend(files.map(|&resource| (resource, node)));
        }
        self.estimates.began(node, at);
        // The core starts nothing on a closed backend.
        if let Some(backend) = backend {
            self.closed.remove(&backend);
        }
        let card = &mut self.cards[node.index()];
        card.running.push(id);
        let story = card.story_mut();
        match what {
            What::Tests | What::Implement => {
                (story.is_in_review, story.is_verified) = (false, false);
                story.approvals = 0;
                story.concerns.clear();
                // A crash costs no try: the same one begins again.
                let is_again = story.begun.insert(what, attempt).unwrap_or(attempt) < attempt;
                card.retries += u32::from(is_again);
                self.retries += u32::from(is_again);
                self.forget_marks(node);
            }
            What::Settle(criterion) => {
                story.marks.remove(&criterion);
            }
            _ => {}
        }
        if let Some(stream) = self.stream_of(node) {
            self.streams[usize::from(stream.0)].running += 1;
        }
        let (is_stopping, is_answered, is_billed) = (false, false, false);
        let running = Running { id, node, what, attempt, since: at, backend, is_stopping, is_answered, is_billed };
        self.jobs.insert(id, running);
        self.called(id);
    }

    /// An agent is called in a job.
    fn called(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else { return };
        let needs_model = self.needs_model(job);
        self.replayed += u32::from(job.backend.is_some_and(|backend| is_replay(self.backend(backend))));
        self.bill(id, Bill { runs: u32::from(needs_model), ..Bill::default() });
    }

    fn needs_model(&self, job: &Running) -> bool {
        job.backend.is_some_and(|backend| !self.plan.is_free(backend))
    }

    /// A job is over: what its model used and nobody told is at least told of.
    fn close_bill(&mut self, id: JobId, has_worked: bool) {
        let is_untold = |job: &Running| (has_worked || job.is_answered) && !job.is_billed && self.needs_model(job);
        let untold = u32::from(self.jobs.get(&id).is_some_and(is_untold));
        self.bill(id, Bill { untold, ..Bill::default() });
    }

    /// A new patch: what machines and reviewers said of the last one says nothing of it. A person's word may.
    fn forget_marks(&mut self, task: NodeId) {
        let gate = self.gate_of(task);
        if let Some(story) = self.cards.get_mut(gate.index()).and_then(|card| card.story.as_mut()) {
            story.marks.retain(|_, mark| *mark == Mark::Approved);
        }
    }

    pub(super) fn forget_jobs(&mut self) {
        for id in self.jobs.keys().copied().collect::<Vec<_>>() {
            self.close_bill(id, false);
        }
        self.estimates.interrupted();
        for job in std::mem::take(&mut self.jobs).into_values() {
            self.stops(&job);
        }
    }

    fn stops(&mut self, job: &Running) {
        if let Some(stream) = self.stream_of(job.node) {
            let running = &mut self.streams[usize::from(stream.0)].running;
            *running = running.saturating_sub(1);
        }
        self.cards[job.node.index()].running.retain(|&id| id != job.id);
    }

    fn ended(&mut self, id: JobId, ending: &Ending, spend: Spend, at: Timestamp) {
        self.bill(id, Bill { spend, ..Bill::default() });
        self.close_bill(id, matches!(ending, Ending::Passed(_) | Ending::Rejected(_)));
        let Some(job) = self.jobs.remove(&id) else {
            return;
        };
        self.stops(&job);
        self.estimates.ended(job.node, at);
        let is_wanted = !job.is_stopping;
        if matches!(ending, Ending::Passed(_) | Ending::Rejected(_)) {
            self.detour(&job);
        }
        let story = self.cards[job.node.index()].story_mut();
        if matches!(ending, Ending::Passed(_) | Ending::Rejected(_)) {
            *story.answered.entry(job.what).or_default() += 1;
        }
        match ending {
            Ending::Passed(evidence) if is_wanted => self.passed(&job, evidence, at),
            Ending::Rejected(rejection) if is_wanted => self.rejected(&job, rejection),
            Ending::Passed(_) | Ending::Rejected(_) => {}
            Ending::Deferred { until, why } => {
                story.trouble = Some(why.clone());
                for backend in job.backend.map_or_else(Vec::new, |backend| self.plan.kin(backend)) {
                    // What waits for a person waits for no time.
                    if !matches!((self.closed.get(&backend), until), (Some((Until::Person, _)), Until::At(_))) {
                        self.closed.insert(backend, (*until, why.clone()));
                    }
                }
            }
            Ending::Broke(Breakage::Fell { why, .. }) if is_wanted => story.trouble = Some(why.clone()),
            Ending::Broke(Breakage::Fell { .. }) => {}
            Ending::Broke(Breakage::Moved { tip, found }) => {
                self.tip = *tip;
                for &node in found.iter().filter(|n| n.index() < self.cards.len()).collect::<Vec<_>>() {
                    self.landed(node, Oid::NONE, at);
                }
            }
        }
    }

    fn passed(&mut self, job: &Running, evidence: &Evidence, at: Timestamp) {
        let story = self.cards[job.node.index()].story_mut();
        story.trouble = None;
        match evidence {
            Evidence::Red(red) => {
                story.red = Some(red.reason.clone());
                story.sealed = red.seal.tests.clone();
                story.sealed_files = red.seal.files.iter().map(|file| file.path.clone()).collect();
                let room = REMARKS_KEPT.saturating_sub(self.red_before.len());
                self.red_before.extend(red.red_before.iter().take(room).cloned());
            }
            Evidence::Verified(verified) => {
                story.green = verified.ran.clone();
                story.is_verified = true;
                self.verified(job.node, verified);
            }
            Evidence::Advice { findings } => story.findings.extend(findings.iter().cloned()),
            Evidence::Approved { findings, grants } => {
                story.approvals += 1;
                story.concerns.extend(findings.iter().filter(|f| f.weight == Weight::Concern).cloned());
                self.settle(job, Mark::Proven);
                self.allow(job, grants);
            }
            Evidence::Seen { .. } => self.settle(job, Mark::Proven),
            Evidence::Figure { figure, told, .. } => {
                story.findings.clear();
                if let What::Settle(criterion) = job.what {
                    let is_missed = self.measured(job.node, criterion, *figure);
                    self.settle(job, if is_missed { Mark::Refused } else { Mark::Proven });
                    if is_missed {
                        let asked = self.gate_criteria(job.node).get(usize::from(criterion));
                        let missed = asked.and_then(|asked| asked.missed(*figure));
                        let missed = missed.map(|text| Finding::blocker(Code::CheckFails, text));
                        let findings = &mut self.cards[job.node.index()].story_mut().findings;
                        findings.extend(missed.into_iter().chain(told.iter().cloned()));
                    }
                }
            }
            Evidence::Landed { tip, .. } => {
                self.tip = *tip;
                self.landed(job.node, *tip, at);
            }
            Evidence::Tests { told, .. } | Evidence::Work { told, .. } => {
                told.iter().for_each(|finding| self.remark(job.node, finding));
            }
            Evidence::Built { .. } => {}
        }
        if job.what == What::HandOver || self.is_done_in_place(job.node) {
            self.learn(job.node);
        }
    }

    fn landed(&mut self, node: NodeId, commit: Oid, at: Timestamp) {
        let story = self.cards[node.index()].story_mut();
        if story.landed.is_none() {
            story.landed = Some((commit, at));
            self.landings.push(Landing { node, commit, at });
        }
    }

    fn verified(&mut self, task: NodeId, verified: &Verified) {
        let (uncovered, others): (Vec<_>, Vec<_>) =
            verified.told.iter().cloned().partition(|told| told.code == Code::Uncovered);
        others.iter().for_each(|finding| self.remark(task, finding));
        for &(criterion, figure) in &verified.figures {
            self.measured(task, criterion, figure);
        }
        let machine = |means: &Means| !means.is_a_persons() && !matches!(means, Means::Reviewed { .. });
        let asked = (0u16..).zip(self.gate_criteria(task));
        let figure = |index| verified.figures.iter().find(|(of, _)| *of == index).map(|&(_, figure)| figure);
        let is_missed = |index, c: &Criterion| figure(index).is_some_and(|figure| c.missed(figure).is_some());
        let is_partial = verified.told.iter().any(|told| told.code == Code::Unproven);
        let mark = |(index, c): (u16, &Criterion)| {
            let mark = match c.means {
                _ if is_missed(index, c) => Mark::Refused,
                Means::BodiesOut if is_partial => Mark::Partial,
                _ => Mark::Proven,
            };
            (index, mark)
        };
        let settled: Vec<(u16, Mark)> = asked.filter(|(_, c)| machine(&c.means)).map(mark).collect();
        let missed: Vec<Finding> = verified
            .figures
            .iter()
            .filter_map(|&(index, figure)| self.gate_criteria(task).get(usize::from(index))?.missed(figure))
            .map(|text| Finding::blocker(Code::CheckFails, text))
            .collect();
        let story = self.cards[task.index()].story_mut();
        if !missed.is_empty() {
            // As good as a rejection: this is what its next try is told.
            story.is_verified = false;
            story.findings = [missed, uncovered.clone()].concat();
        }
        story.uncovered = uncovered;
        let gate = self.gate_of(task);
        self.cards[gate.index()].story_mut().marks.extend(settled);
    }

    /// Notes a figure; whether it misses its bound.
    fn measured(&mut self, node: NodeId, criterion: u16, figure: i64) -> bool {
        let is_missed =
            self.gate_criteria(node).get(usize::from(criterion)).is_some_and(|c| c.missed(figure).is_some());
        let gate = self.gate_of(node);
        self.cards[gate.index()].story_mut().figures.insert(criterion, figure);
        is_missed
    }

    /// A job settled a criterion: its own, or that of the reviewer it stands for.
    fn settle(&mut self, job: &Running, mark: Mark) {
        let index = match job.what {
            What::Settle(criterion) => Some(criterion),
            What::Review(by) => {
                let asked = self.gate_criteria(job.node).iter();
                let is_theirs = |means: &Means| matches!(means, Means::Reviewed { reviewer } if *reviewer == by);
                asked.zip(0u16..).find(|(c, _)| is_theirs(&c.means)).map(|(_, index)| index)
            }
            _ => None,
        };
        if let Some(index) = index {
            let gate = self.gate_of(job.node);
            self.cards[gate.index()].story_mut().marks.insert(index, mark);
        }
    }

    fn rejected(&mut self, job: &Running, rejection: &Rejection) {
        self.settle(job, Mark::Refused);
        self.allow(job, &rejection.grants);
        let is_review = matches!(job.what, What::Review(_));
        let story = self.cards[job.node.index()].story_mut();
        if !(is_review && story.is_in_review) {
            story.findings.clear();
            story.ran.clear();
        }
        story.is_in_review = is_review;
        story.trouble = None;
        story.findings.extend(rejection.findings.iter().cloned());
        story.ran.extend(rejection.ran.iter().cloned());
        for finding in &rejection.findings {
            // A violation is told whatever came of it; an edit was taken out for good only where the gate passed without it.
            if finding.code == Code::SealBroken {
                self.remark(job.node, finding);
            }
        }
    }

    fn allow(&mut self, job: &Running, paths: &[Box<str>]) {
        if let What::Review(reviewer) = job.what {
            let by: Box<str> = self.reviewer(reviewer).into();
            for path in paths {
                self.allowed_by(job.node, path, &by);
            }
        }
    }

    fn allowed_by(&mut self, node: NodeId, path: &str, by: &str) {
        let allowed = Allowed { node, path: path.into(), by: by.into() };
        if self.allowed.len() < REMARKS_KEPT && !self.allowed.contains(&allowed) {
            self.allowed.push(allowed);
        }
    }

    fn remark(&mut self, node: NodeId, finding: &Finding) {
        let story = self.cards[node.index()].story_mut();
        let digest = finding.digest();
        if self.remarks.len() < REMARKS_KEPT && !story.told.contains(&digest) {
            story.told.push(digest);
            self.remarks.push(Remark { node, finding: finding.clone() });
        }
    }

    /// A job that is gone is nobody's: what it used counts for the whole all the same.
    fn bill(&mut self, id: JobId, bill: Bill) {
        self.spent = self.spent.plus(bill.spend);
        let Some(job) = self.jobs.get_mut(&id).filter(|_| bill != Bill::default()) else { return };
        job.is_billed |= !bill.spend.is_nothing();
        // A gate has no agents of its own but reviewers.
        let role = job.what.role().unwrap_or(Role::Reviewer);
        let sum = self.bills.entry((job.node, role)).or_default();
        *sum = sum.plus(bill);
    }

    /// Keeps what a fallback did.
    fn detour(&mut self, job: &Running) {
        let own = self.backend_of(job.node, job.what);
        if let (Some(own), Some(other)) = (own, job.backend.filter(|backend| own != Some(*backend))) {
            let role = job.what.role().unwrap_or(Role::Reviewer);
            self.detours.entry((role, own, other)).or_default().insert(job.node);
        }
    }

    /// What an agent's job runs on; checks and merges run on none.
    fn backend_of(&self, node: NodeId, what: What) -> Option<BackendId> {
        let by = |id: ReviewerId| self.plan.blueprint().reviewers.get(usize::from(id.0)).map(|(_, backend)| *backend);
        match (what, self.plan.get(node)?) {
            (What::Review(reviewer), _) => by(reviewer),
            (What::Tests | What::Implement | What::Consult | What::Advise, Node::Task(task)) => {
                task.backend_of(what.role()?)
            }
            (What::Settle(criterion), Node::Gate(gate)) => match gate.criteria.get(usize::from(criterion))?.means {
                Means::Reviewed { reviewer } => by(reviewer),
                _ => None,
            },
            _ => None,
        }
    }

    fn ordered(&mut self, order: &Order) {
        match order {
            Order::Pause => self.pace = Pace::Paused,
            Order::Go => {
                self.pace = Pace::Going;
                self.closed.retain(|_, (until, _)| *until != Until::Person);
            }
            Order::Cancel => self.pace = Pace::Cancelled,
            Order::Approve { gate, criterion } => {
                let (task, gate) = (self.task_of(*gate), self.gate_of(*gate));
                if let Some(card) = self.cards.get_mut(gate.index()) {
                    card.story_mut().marks.insert(*criterion, Mark::Approved);
                }
                if self.is_done_in_place(task) {
                    self.learn(task);
                }
            }
            Order::Grant { task, path } => self.allowed_by(*task, path, "a person"),
            Order::Retry(_) | Order::Skip(_) => {}
        }
    }
}

fn is_replay(backend: &str) -> bool {
    backend.split(':').next() == Some("replay")
}
