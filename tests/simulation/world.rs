//! The world around the core, in virtual time: agents, checks, git, and everything that goes wrong with them.

use super::chance::{Chance, Weather, mix};
use std::collections::{BTreeMap, BTreeSet};
use tidegate::{
    plan::{Gate, Means, NodeId, Plan},
    run::{
        Breakage, Code, Ending, Event, Evidence, Finding, Job, JobId, Oid, Red, Rejection, Seal, Spend, Subject,
        TakenOut, Timestamp, Until, Verified, Weight, What, WithoutCode,
    },
};

/// A commit as the object store has it.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    pub base: Oid,
    /// The task of its trailer; `None` is somebody else's.
    pub task: Option<NodeId>,
    pub patch: Oid,
    /// The patch as a number, to mix.
    number: u64,
}

#[derive(Debug)]
enum Flight {
    /// A fact on its way to the core.
    Fact(Event),
    /// A landing that is about to do its compare-and-swap.
    Swap(Job),
}

pub struct World {
    pub weather: Weather,
    flights: BTreeMap<(u64, u64), Flight>,
    sent: u64,
    /// All commits ever made.
    objects: BTreeMap<Oid, Commit>,
    /// Which commits were seen green by the gate's checks.
    green: BTreeSet<Oid>,
    /// What the integration ref went through, from the start on.
    pub history: Vec<Oid>,
    /// How much of the history a patch's author had seen.
    knows: BTreeMap<Oid, usize>,
    made: u64,
}

impl World {
    pub fn new(weather: Weather, start: Oid) -> World {
        World {
            weather,
            flights: BTreeMap::new(),
            sent: 0,
            objects: BTreeMap::from([(start, Commit { base: start, task: None, patch: start, number: 0 })]),
            green: BTreeSet::new(),
            history: vec![start],
            knows: BTreeMap::new(),
            made: 0,
        }
    }

    pub fn tip(&self) -> Oid {
        *self.history.last().expect("a ref points at something")
    }

    pub fn has_landed(&self, task: NodeId) -> bool {
        self.history.iter().any(|oid| self.objects[oid].task == Some(task))
    }

    pub fn next_at(&self) -> Option<u64> {
        self.flights.keys().next().map(|&(at, _)| at)
    }

    fn send(&mut self, at: u64, flight: Flight) {
        self.sent += 1;
        self.flights.insert((at, self.sent), flight);
    }

    fn tell(&mut self, at: u64, chance: &mut Chance, fact: Event) {
        if chance.happens(self.weather.twice) {
            let later = at + chance.duration();
            self.send(later, Flight::Fact(fact.clone()));
        }
        self.send(at, Flight::Fact(fact));
    }

    /// Everything that has arrived by now.
    pub fn arrivals(&mut self, now: u64, chance: &mut Chance) -> Vec<Event> {
        if chance.happens(self.weather.moved) {
            self.somebody_commits();
        }
        let mut facts = Vec::new();
        while let Some(entry) = self.flights.first_entry()
            && entry.key().0 <= now
        {
            match entry.remove() {
                Flight::Fact(fact) => facts.push(fact),
                Flight::Swap(job) => {
                    let ending = self.swap(&job, chance);
                    let at = now + chance.below(50);
                    self.tell(at, chance, ended(job.id, ending, Spend::default()));
                }
            }
        }
        if facts.len() > 1 && chance.happens(self.weather.late) {
            facts.reverse();
        }
        facts
    }

    pub fn start(&mut self, plan: &Plan, job: Job, now: u64, chance: &mut Chance) {
        if job.what == What::Land {
            return self.send(now + chance.below(50), Flight::Swap(job));
        }
        let mut at = now + chance.duration();
        let ending = self.ending(plan, &job, at, chance);
        let mut spend = Spend::default();
        if job.reserved != spend {
            if chance.happens(900) {
                self.tell(now + 1 + chance.below(20), chance, Event::Answered { job: job.id });
            }
            if chance.happens(200) {
                self.tell(now + (at - now) / 2, chance, Event::CalledAgain { job: job.id });
            }
            let (micros, input) = (1 + chance.below(job.reserved.micros), chance.below(job.reserved.input));
            spend = Spend { micros, input, ..Spend::default() };
            if chance.happens(300) {
                let early = Spend { micros: spend.micros / 2, input: spend.input / 2, ..Spend::default() };
                self.send(at, Flight::Fact(Event::Spent { job: job.id, spend: early, talk: None }));
                spend = spend.minus(early);
                at += 1;
            }
        }
        if job.what == What::Implement && chance.happens(500) {
            let (patch, commit) = (self.patch(&job, chance), self.fresh());
            self.tell(now + (at - now) / 2, chance, Event::Checkpointed { job: job.id, patch, commit });
        }
        if chance.happens(self.weather.late) {
            at += chance.duration();
        }
        self.tell(at, chance, ended(job.id, ending, spend));
    }

    /// It is asked to end: it does, soon, unless it was done anyway.
    pub fn stop(&mut self, job: JobId, now: u64, chance: &mut Chance) {
        let of_job = |flight: &Flight| matches!(flight, Flight::Fact(Event::Ended { job: j, .. }) if *j == job);
        if chance.below(2) == 0 {
            let soon = now + chance.below(100);
            let keys: Vec<_> = self.flights.iter().filter(|(_, f)| of_job(f)).map(|(k, _)| *k).collect();
            for key in &keys {
                self.flights.remove(key);
            }
            if !keys.is_empty() {
                self.send(soon, Flight::Fact(ended(job, fell(Oid::NONE), Spend::default())));
            }
        }
    }

    /// The process dies, and its children with it. Facts that were on their way may still arrive, and so may a swap.
    pub fn crash(&mut self, chance: &mut Chance) {
        let survive = chance.below(4) == 0;
        self.flights.retain(|_, flight| survive || (matches!(flight, Flight::Swap(_)) && chance.below(2) == 0));
    }

    fn ending(&mut self, plan: &Plan, job: &Job, at: u64, chance: &mut Chance) -> Ending {
        let weather = self.weather.clone();
        let left = if chance.below(3) == 0 { self.fresh() } else { Oid::NONE };
        if chance.happens(weather.broke) {
            // Some say that they passed, and bring nothing to show for it; or were rejected, for no reason.
            return match chance.below(8) {
                0 if job.what == What::Land => fell(left),
                0 => Ending::Passed(Evidence::Landed { tip: Oid::of_number(1), notes: vec![] }),
                1 => Ending::Rejected(Rejection::default()),
                _ => fell(left),
            };
        }
        if chance.happens(weather.defer) {
            let until = match chance.below(10) {
                0 if !matches!(job.what, What::Build | What::HandOver) => Until::Person,
                1 => Until::At(Timestamp(0)),
                _ => Until::At(Timestamp(at + chance.below(5_000))),
            };
            return Ending::Deferred { until, why: "not now".into() };
        }
        match (job.what, job.on) {
            (What::Build, Subject::Onto { patch, base, .. }) => self.build(job.node, patch, base, chance),
            (What::Prove, Subject::Candidate { base, commit }) => {
                let patch = self.objects[&commit].patch;
                if self.collides(patch, base, 2) || chance.happens(weather.flaky) {
                    return rejected(vec![finding(Code::CheckFails, 8)], left);
                }
                self.green.insert(commit);
                Ending::Passed(Evidence::Seen { ran: vec![] })
            }
            (What::HandOver, _) => Ending::Passed(Evidence::Seen { ran: vec![] }),
            _ if chance.happens(weather.reject) => self.refusal(job, left, chance),
            (What::Review(_), _) => Ending::Passed(self.approval(chance)),
            (What::Settle(criterion), _) => self.settled(plan, job.node, criterion, chance),
            (What::Verify, Subject::Patch { patch, .. }) => self.verify(plan, job.node, patch, chance),
            (What::Implement, _) => {
                Ending::Passed(Evidence::Work { patch: self.patch(job, chance), commit: self.fresh(), told: vec![] })
            }
            (What::Tests, _) => Ending::Passed(Evidence::Tests { commit: self.fresh(), told: vec![] }),
            (What::Red, _) => {
                let seal = Seal { commit: self.fresh(), ..Seal::default() };
                Ending::Passed(Evidence::Red(Box::new(Red { seal, ..Red::default() })))
            }
            (What::Consult | What::Advise, _) => {
                Ending::Passed(Evidence::Advice { findings: vec![finding(Code::Advice, 1)] })
            }
            _ => Ending::Passed(Evidence::Seen { ran: vec![] }),
        }
    }

    fn build(&mut self, node: NodeId, patch: Oid, base: Oid, chance: &mut Chance) -> Ending {
        if self.collides(patch, base, 1) {
            let code = if chance.below(4) == 0 { Code::TestConflict } else { Code::Conflict };
            return rejected(vec![finding(code, 7)], Oid::NONE);
        }
        let commit = Oid::of_number(mix(number(base) ^ mix(number(patch))) | 1 << 63);
        // Others have changed the same files: it is another patch now, by an author who has seen what they did.
        let patch = if self.weather.clash > 0 && mix(number(commit)).is_multiple_of(16) {
            let changed = Oid::of_number(mix(number(patch)) >> 24 | 1 << 41);
            let known = self.knows.get(&patch).copied().unwrap_or(0);
            self.knows.insert(changed, known);
            changed
        } else {
            patch
        };
        self.objects.insert(commit, Commit { base, task: Some(node), patch, number: number(patch) });
        Ending::Passed(Evidence::Built { commit, patch })
    }

    fn refusal(&mut self, job: &Job, left: Oid, chance: &mut Chance) -> Ending {
        let findings = (0..1 + chance.below(2)).map(|_| finding(Code::Review, chance.below(3))).collect();
        let is_review = matches!(job.what, What::Review(_));
        let grants = if is_review && chance.happens(self.weather.stray) { paths(chance) } else { vec![] };
        Ending::Rejected(Rejection { findings, left, grants, ran: vec![] })
    }

    /// Now and then an approval has a blocker among its findings, which makes it none.
    fn approval(&self, chance: &mut Chance) -> Evidence {
        let is_two_faced = chance.happens(self.weather.reject / 8);
        let weight = if is_two_faced { Weight::Blocker } else { Weight::Concern };
        let is_talkative = is_two_faced || chance.happens(self.weather.stray);
        let said = Finding { weight, ..finding(Code::Review, 4) };
        let findings = if is_talkative { vec![said] } else { vec![] };
        let grants = if chance.happens(self.weather.stray) { paths(chance) } else { vec![] };
        Evidence::Approved { findings, grants }
    }

    fn settled(&self, plan: &Plan, node: NodeId, criterion: u16, chance: &mut Chance) -> Ending {
        Ending::Passed(match plan.node(node).gate().map(|gate| &gate.criteria[usize::from(criterion)].means) {
            Some(Means::Measured { .. }) => Evidence::Figure { figure: self.figure(chance), ran: vec![], told: vec![] },
            Some(Means::Reviewed { .. }) => self.approval(chance),
            _ => Evidence::Seen { ran: vec![] },
        })
    }

    fn figure(&self, chance: &mut Chance) -> i64 {
        if chance.happens(self.weather.reject) { 79 } else { 80 + chance.below(20) as i64 }
    }

    /// Edits out of scope are taken out, which makes another patch of it; or the gate needs them, and somebody must grant them.
    fn verify(&mut self, plan: &Plan, node: NodeId, patch: Oid, chance: &mut Chance) -> Ending {
        let mut verified = Verified { patch, commit: self.fresh(), ..Verified::default() };
        if chance.happens(self.weather.stray) {
            verified.patch = Oid::of_number(number(patch) | 1 << 40);
            let known = self.knows.get(&patch).copied().unwrap_or(0);
            self.knows.insert(verified.patch, known);
        }
        if chance.happens(self.weather.stray) {
            verified.asks = paths(chance);
        }
        if chance.happens(self.weather.stray) {
            let uncovered = Finding { weight: Weight::Suggestion, ..finding(Code::Uncovered, chance.below(3)) };
            verified.told = vec![uncovered];
        }
        let gate = plan.gate_of(node).and_then(|gate| plan.node(gate).gate());
        let measured = gate.into_iter().flat_map(|gate| (0..).zip(&gate.criteria));
        let measured = measured.filter(|(_, criterion)| matches!(criterion.means, Means::Measured { .. }));
        for (i, _) in measured.collect::<Vec<_>>() {
            if !chance.happens(self.weather.broke / 4) {
                verified.figures.push((i, self.figure(chance)));
            }
        }
        let asks_without = |gate: &Gate| gate.criteria.iter().any(|criterion| criterion.means == Means::BodiesOut);
        let asks_without = gate.is_some_and(asks_without);
        if asks_without && !chance.happens(self.weather.broke / 4) {
            let out = TakenOut::Patch;
            let (failing, passing, doubts, ran) = (vec![], vec![], vec![], vec![]);
            verified.without_code = Some(WithoutCode { out, failing, passing, doubts, ran });
        }
        let is_shown = !asks_without || verified.without_code.is_some();
        let is_complete = is_shown
            && gate.is_none_or(|gate| {
                (0u16..).zip(&gate.criteria).all(|(i, criterion)| {
                    !matches!(criterion.means, Means::Measured { .. })
                        || verified.figures.iter().any(|&(of, _)| of == i)
                })
            });
        if is_complete { Ending::Passed(Evidence::Verified(Box::new(verified))) } else { fell(Oid::NONE) }
    }

    /// An object that nobody has made before.
    fn fresh(&mut self) -> Oid {
        self.made += 1;
        Oid::of_number(1 << 50 | self.made)
    }

    /// An author has few ideas, so patches recur; and knows what is on the ref by now.
    fn patch(&mut self, job: &Job, chance: &mut Chance) -> Oid {
        let patch = Oid::of_number(1_000_000 + u64::from(job.node.0) * 10 + chance.below(4));
        self.knows.insert(patch, self.history.len());
        patch
    }

    /// Whether a patch goes badly with something on `base` that its author had not seen.
    fn collides(&self, patch: Oid, base: Oid, kind: u64) -> bool {
        let seen = self.knows.get(&patch).copied().unwrap_or(0);
        let known: BTreeSet<_> = self.history.iter().take(seen).collect();
        let (mine, mut at) = (number(patch), base);
        while !known.contains(&at) {
            let commit = self.objects[&at];
            let (low, high) = (mine.min(commit.number), mine.max(commit.number));
            if mix(low ^ mix(high ^ kind)) % 1000 < self.weather.clash {
                return true;
            }
            if commit.base == at {
                break;
            }
            at = commit.base;
        }
        false
    }

    /// Looks for the trailer, then compares and swaps. Here the rule is kept that a landed commit was tested as it lands.
    fn swap(&mut self, job: &Job, chance: &mut Chance) -> Ending {
        let Subject::Candidate { base, commit } = job.on else {
            panic!("a landing without a candidate: {job:?}");
        };
        let ending = if self.has_landed(job.node) {
            Ending::Passed(Evidence::Landed { tip: self.tip(), notes: vec![] })
        } else if self.tip() == base {
            assert_eq!(self.objects[&commit].base, base, "landed on another base than it was built on");
            assert_eq!(self.objects[&commit].task, Some(job.node), "landed another task's commit");
            assert!(self.green.contains(&commit), "landed what was never seen green");
            self.history.push(commit);
            Ending::Passed(Evidence::Landed { tip: commit, notes: vec![] })
        } else {
            let found = self.history.iter().filter_map(|oid| self.objects[oid].task).collect();
            Ending::Broke(Breakage::Moved { tip: self.tip(), found })
        };
        if chance.happens(self.weather.lost) { fell(Oid::NONE) } else { ending }
    }

    fn somebody_commits(&mut self) {
        let (base, oid) = (self.tip(), self.fresh());
        self.objects.insert(oid, Commit { base, task: None, patch: oid, number: number(oid) });
        self.history.push(oid);
    }

    /// The ref's history is one line, and no task is on it twice.
    pub fn audit(&self, plan: &Plan) {
        for pair in self.history.windows(2) {
            assert_eq!(self.objects[&pair[1]].base, pair[0], "the history is not linear");
        }
        for task in plan.ids() {
            let landings = self.history.iter().filter(|oid| self.objects[oid].task == Some(task)).count();
            assert!(landings <= 1, "{task:?} landed {landings} times");
        }
    }
}

fn ended(job: JobId, ending: Ending, spend: Spend) -> Event {
    Event::Ended { job, ending: Box::new(ending), spend }
}

fn fell(left: Oid) -> Ending {
    Ending::Broke(Breakage::Fell { why: "it fell".into(), left })
}

fn finding(code: Code, which: u64) -> Finding {
    Finding::blocker(code, format!("not {}", ["good", "nice", "sound"][which as usize % 3]))
}

fn rejected(findings: Vec<Finding>, left: Oid) -> Ending {
    Ending::Rejected(Rejection { findings, left, ..Rejection::default() })
}

fn paths(chance: &mut Chance) -> Vec<Box<str>> {
    (0..1 + chance.below(2)).map(|_| format!("p{}", chance.below(3)).into()).collect()
}

/// The number an id was made of.
fn number(oid: Oid) -> u64 {
    let text = oid.to_string();
    u64::from_str_radix(&text[..16], 16).expect("ids are hexadecimal")
}
