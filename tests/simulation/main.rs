//! Whole runs in virtual time, from a seed. A failure is a number to replay: `SEED=123 cargo test --test simulation`.

#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod chance;
mod drafts;
mod line;
mod line_up;
mod model;
mod observer;
mod world;

use chance::{Chance, Weather};
use observer::Observer;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tidegate::{
    plan::{Blueprint, Means, NodeId},
    run::{
        Charter, Effect, Ending, Entry, Event, Limit, Misfit, Oid, Order, Outcome, Policy, Run, Spend, State, Stop,
        Timestamp,
    },
};
use world::World;

const SEEDS: u64 = 5_000;
const TURNS_MAX: usize = 60_000;

/// One simulated run: the core, its journal, the world, and whoever watches.
struct Sim {
    chance: Chance,
    run: Run,
    /// Fed with the journal alone. Must be the run, always.
    mirror: Run,
    journal: Vec<Entry>,
    world: World,
    observer: Observer,
    now: u64,
    facts: Vec<Event>,
    past: Vec<Event>,
    calm_from: usize,
    turns: usize,
    is_cancelled: bool,
    drains: u32,
}

impl Sim {
    fn new(seed: u64) -> Sim {
        let mut chance = Chance::new(seed);
        let weather = Weather::of(&mut chance);
        let planned = Event::Planned {
            plan: drafts::plan(&mut chance).into(),
            policy: Box::new(drafts::policy(&mut chance)),
            tip: start(),
            charter: Box::new(Charter::default()),
        };
        Sim {
            calm_from: 50 + chance.below(800) as usize,
            chance,
            run: Run::default(),
            mirror: Run::default(),
            journal: Vec::new(),
            world: World::new(weather, start()),
            observer: Observer::default(),
            now: 1,
            facts: vec![planned],
            past: Vec::new(),
            turns: 0,
            is_cancelled: false,
            drains: 0,
        }
    }

    fn live(mut self) -> (Vec<Entry>, Outcome) {
        while self.turns < TURNS_MAX {
            self.turns += 1;
            if self.turns == self.calm_from {
                self.world.weather = self.world.weather.calm();
            }
            if self.turn()
                && let Some(outcome) = self.run.outcome()
                && self.is_over(outcome)
            {
                self.last_look(outcome);
                return (self.journal, outcome);
            }
            self.wait();
        }
        for entry in self.journal.iter().rev().take(40).rev() {
            eprintln!("{} {:?}", entry.at.0, entry.event);
        }
        for id in self.run.plan().ids().filter(|&id| !self.run.state(id).is_met()) {
            eprintln!("{id:?} {:?} {:?}", self.run.plan().node(id), self.run.why(id));
        }
        panic!("does not end: {:?} {:?}", self.run.count(), self.run.outcome());
    }

    /// One turn of the core; `false` when the process died in it.
    fn turn(&mut self) -> bool {
        let facts = std::mem::take(&mut self.facts);
        self.a_stale_fact_changes_nothing();
        let turn = self.run.turn(Timestamp(self.now), facts.iter().cloned()).expect("decisions fit");
        for misfit in &turn.dropped {
            assert!(!matches!(misfit, Misfit::Wrong(_)), "{misfit:?}");
        }
        self.past.extend(facts.into_iter().filter(|f| matches!(f, Event::Ended { .. })));
        if self.chance.happens(self.world.weather.crash) && self.journal.len() + turn.entries.len() > 1 {
            self.crash(&turn.entries);
            return false;
        }
        if self.turns.is_multiple_of(4) {
            self.run.check();
        }
        self.write(&turn.entries, Some(&turn.effects));
        for effect in turn.effects {
            match effect {
                Effect::Start(job) => self.world.start(self.run.plan(), *job, self.now, &mut self.chance),
                Effect::Stop(job) => self.world.stop(job, self.now, &mut self.chance),
            }
        }
        true
    }

    /// The append: mirror and observer read what life has written. The observer is also told what is wanted, and nothing else.
    fn write(&mut self, entries: &[Entry], effects: Option<&[Effect]>) {
        for entry in entries {
            self.mirror.apply(entry).expect("what life wrote, replay reads");
        }
        if effects.is_none() || self.turns.is_multiple_of(8) {
            assert!(self.mirror == self.run, "replay differs from life");
        }
        self.observer.see(entries, effects);
        self.journal.extend_from_slice(entries);
    }

    /// kill -9 in the middle of an append: a prefix of the turn is on the disk, no effect of it was begun.
    fn crash(&mut self, entries: &[Entry]) {
        let first = usize::from(self.journal.is_empty());
        let kept = (first + self.chance.below(entries.len() as u64 + 1) as usize).min(entries.len());
        self.run = Run::default();
        for entry in self.journal.iter().chain(&entries[..kept]) {
            self.run.apply(entry).expect("a journal replays");
        }
        self.run.check();
        self.write(&entries[..kept], None);
        self.world.crash(&mut self.chance);
        let limits = self.chance.happens(200).then(|| Box::new(drafts::policy(&mut self.chance)));
        self.facts.push(Event::Resumed { policy: limits });
    }

    /// A fact of a job that is over, told again at any time, is told back and leaves no trace.
    fn a_stale_fact_changes_nothing(&mut self) {
        if self.chance.happens(50)
            && let Some(fact) = self.chance.pick(&self.past)
            && let Event::Ended { job, .. } = fact
            && self.run.jobs().all(|running| running.id != *job)
        {
            let at = self.journal.last().map_or(Timestamp(0), |e| e.at);
            let entry = Entry { seq: self.run.seq(), at, event: fact.clone() };
            assert_eq!(self.run.apply(&entry), Err(Misfit::Stale(*job)));
            assert!(self.mirror == self.run, "a stale fact left a trace");
        }
    }

    /// Time goes on to what comes next, from the world, by the clock, or from a person.
    fn wait(&mut self) {
        let resumed = std::mem::take(&mut self.facts);
        let next = [self.world.next_at(), self.run.deadline().map(|t| t.0)].into_iter().flatten().min();
        if resumed.is_empty() {
            match next {
                Some(at) => self.now = self.now.max(at),
                None => assert!(self.run.outcome().is_some(), "nothing comes, and it is not over"),
            }
        }
        self.facts = resumed;
        let arrived = self.world.arrivals(self.now, &mut self.chance);
        self.facts.extend(arrived);
        self.orders_at_random();
        if self.chance.happens(20) {
            self.now = self.now.saturating_sub(3_000); // a clock is set back
        }
    }

    fn orders_at_random(&mut self) {
        let weather = self.world.weather.clone();
        if self.run.plan().is_empty() {
            return;
        }
        let node = NodeId(self.chance.below(self.run.plan().len() as u64) as u32);
        if self.chance.happens(weather.order) {
            let criterion = self.chance.below(4) as u16;
            self.facts.push(Event::Ordered(match self.chance.below(6) {
                0 => Order::Pause,
                1 => Order::Go,
                2 => Order::Retry(node),
                3 if self.chance.below(4) == 0 => Order::Skip(node),
                4 => Order::Grant { task: node, path: format!("p{}", self.chance.below(3)).into() },
                _ => Order::Approve { gate: node, criterion },
            }));
        }
        if self.chance.happens(weather.replan) {
            let addition = drafts::addition(&mut self.chance, self.run.plan());
            self.facts.push(Event::Replanned(Box::new(addition)));
        }
        if self.chance.happens(weather.cancel) {
            self.is_cancelled = true;
            self.facts.push(Event::Ordered(Order::Cancel));
        }
    }

    /// The run says it is over: a person looks, and does what is left to a person. `true` when there is nothing to do.
    fn is_over(&mut self, outcome: Outcome) -> bool {
        assert!(self.run.jobs().next().is_none(), "over, and something runs");
        let (failures, holds) = self.observer.stuck();
        assert_eq!(outcome == Outcome::Done, self.observer.is_done(), "it says {outcome:?}");
        match outcome {
            Outcome::Done => return true,
            Outcome::Stopped(Stop::Cancelled) => return true,
            Outcome::Stopped(Stop::Limits) => {
                for id in self.run.plan().ids().filter(|&id| !self.run.state(id).is_met()) {
                    eprintln!("{id:?} {:?} {:?}", self.run.state(id), self.run.why(id));
                }
                panic!("no slot for what is ready")
            }
            Outcome::Stopped(Stop::Paused) => {
                self.drains += 1;
                self.facts.push(Event::Ordered(Order::Go));
            }
            Outcome::Stopped(Stop::Backend(_)) => self.facts.push(Event::Ordered(Order::Go)),
            Outcome::Stopped(Stop::Budget | Stop::TimeUp | Stop::Asked) => {
                let more = Policy { budget: Limit::NONE, stop_at: None, only: vec![], ..self.run.policy().clone() };
                self.facts.push(Event::Resumed { policy: Some(Box::new(more)) });
            }
            Outcome::Returned { failed, blocked, held } => {
                assert_eq!((failures, holds), (failed as usize, held as usize), "it says {outcome:?}");
                assert!(failed + held > 0, "stuck on nothing: {blocked} blocked, {:?}", self.run.count());
                self.a_person_settles_it();
            }
        }
        false
    }

    fn a_person_settles_it(&mut self) {
        for id in self.run.plan().ids() {
            let gate = self.run.plan().gate_of(id).unwrap_or(id);
            match (self.run.state(id), self.run.plan().node(gate).gate()) {
                (State::Failed { .. }, _) => self.facts.push(Event::Ordered(Order::Retry(id))),
                (State::Held, Some(gate)) => {
                    let is_asked = |means: &Means| means.is_a_persons() || *means == Means::NoBlocker;
                    let asked = (0..).zip(&gate.criteria).filter(|(_, criterion)| is_asked(&criterion.means));
                    let words = asked.map(|(criterion, _)| Event::Ordered(Order::Approve { gate: id, criterion }));
                    self.facts.extend(words);
                }
                _ => {}
            }
        }
    }

    fn last_look(&self, outcome: Outcome) {
        self.world.audit(self.run.plan());
        let budget = self.run.budget();
        assert_eq!(budget.reserved, Spend::default(), "something is reserved for nobody");
        assert_eq!(matches!(outcome, Outcome::Stopped(_)), self.is_cancelled && outcome != Outcome::Done);
        for id in self.run.plan().ids() {
            let is_met = self.run.state(id).is_met();
            assert!(is_met || outcome != Outcome::Done, "{id:?} is {:?} in a run that is done", self.run.state(id));
            assert!(is_met || self.is_cancelled || !self.world.has_landed(id), "{id:?} landed, and is not done");
        }
    }
}

/// Set by the first seed that fails: the others need not go on.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// Says which seed it was.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            HAS_FAILED.store(true, Ordering::Relaxed);
            eprintln!("\nreplay with: SEED={} cargo test --test simulation every_run", self.0);
        }
    }
}

fn start() -> Oid {
    Oid::of_number(2)
}

/// What a seed came to: done or not, and how many tasks, tries beyond the first, and crashes there were.
fn simulate(seed: u64) -> (Vec<Entry>, [u64; 4]) {
    let _told = Told(seed);
    let (journal, outcome) = Sim::new(seed).live();
    let run = Run::replay(&journal).expect("a journal replays");
    let tasks = run.plan().ids().filter(|&id| run.plan().node(id).task().is_some()).count() as u64;
    let count = |is: fn(&Event) -> bool| journal.iter().filter(|entry| is(&entry.event)).count() as u64;
    let crashes = count(|event| matches!(event, Event::Resumed { .. }));
    let retries =
        count(|event| matches!(event, Event::Ended { ending, .. } if matches!(**ending, Ending::Rejected(_))));
    (journal, [u64::from(outcome == Outcome::Done), tasks, retries, crashes])
}

fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|s| s.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(SEEDS),
    }
}

#[test]
fn every_run_ends_and_no_rule_is_broken() {
    let (seeds, next) = (seeds(), AtomicU64::new(0));
    let sums = [(); 4].map(|()| AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = seeds.start + next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || HAS_FAILED.load(Ordering::Relaxed) {
                        break;
                    }
                    for (sum, figure) in sums.iter().zip(simulate(seed).1) {
                        sum.fetch_add(figure, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let all = seeds.end - seeds.start;
    let [done, tasks, retries, crashes] = sums.map(|sum| sum.into_inner() as f64 / all as f64);
    println!("{all} seeds, means a seed: {tasks:.1} tasks, {retries:.1} retries, {crashes:.1} crashes, {done:.2} done");
}

#[test]
fn the_same_seed_gives_the_same_journal() {
    for seed in seeds().take(100) {
        assert!(simulate(seed).0 == simulate(seed).0, "seed {seed} differs from itself");
    }
}

#[test]
fn a_journal_is_json_and_any_prefix_of_it_replays() {
    let (mut bytes, mut entries) = (0, 0);
    for seed in seeds().take(60) {
        let (journal, _) = simulate(seed);
        let text: Vec<String> = journal.iter().map(|e| serde_json::to_string(e).expect("plain data")).collect();
        bytes += text.iter().skip(1).map(String::len).sum::<usize>();
        entries += text.len() - 1;
        let mut run = Run::default();
        for (entry, line) in journal.iter().zip(&text) {
            let read: Entry = serde_json::from_str(line).expect("what was written is read");
            assert_eq!(&read, entry);
            run.apply(&read).expect("replays");
            run.check();
        }
    }
    println!("{entries} entries, {} bytes each", bytes / entries);
}

#[test]
fn a_journal_of_another_run_is_refused_and_changes_nothing() {
    let empty = Event::Planned {
        plan: Blueprint::default().into(),
        policy: Box::default(),
        tip: start(),
        charter: Box::default(),
    };
    let mut run = Run::default();
    let entry = |seq, event| Entry { seq, at: Timestamp(1), event };
    assert!(run.apply(&entry(0, Event::TimeUp)).is_err(), "a run begins with its plan");
    run.apply(&entry(0, empty.clone())).expect("fits");
    assert!(run.apply(&entry(1, empty)).is_err(), "a run is planned once");
    assert!(run.apply(&entry(5, Event::TimeUp)).is_err(), "no entry is missing");
}
