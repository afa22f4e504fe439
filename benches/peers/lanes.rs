//! First come, first served: the rival of P6. The same slots and the same line of candidates, and one queue for each kind of slot.

use crate::sketches::{BUILD, HAND_OVER, LAND, Sketch, Work};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

/// What a task goes through, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Tests,
    Red,
    Implement,
    Verify,
    Review,
    Build,
    Prove,
    Land,
    HandOver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Agents,
    Checks,
    Merge,
}

struct Shop<'a> {
    sketch: &'a Sketch,
    after: Vec<Vec<usize>>,
    missing: Vec<usize>,
    queues: [VecDeque<(usize, Part)>; 3],
    free: [u32; 3],
    /// Candidates in the order in which they came, those that have landed too; who is proven.
    line: Vec<usize>,
    proven: Vec<bool>,
    landed: usize,
    /// The next one to be built, and whether one is being built.
    next: usize,
    is_building: bool,
    window: usize,
    ends: BinaryHeap<Reverse<(u64, u64, usize, Part)>>,
    count: u64,
}

/// The milliseconds that everything takes when nobody is preferred, with `window` candidates proven side by side.
pub(crate) fn first_come(sketch: &Sketch, window: u16) -> u64 {
    let size = sketch.works.len();
    let mut after = vec![Vec::new(); size];
    for (task, work) in sketch.works.iter().enumerate() {
        work.before.iter().for_each(|&before| after[before].push(task));
    }
    let mut shop = Shop {
        sketch,
        after,
        missing: sketch.works.iter().map(|work| work.before.len()).collect(),
        queues: Default::default(),
        free: [sketch.slots.agents, sketch.slots.checks, 1],
        line: Vec::new(),
        proven: vec![false; size],
        landed: 0,
        next: 0,
        is_building: false,
        window: window.into(),
        ends: BinaryHeap::new(),
        count: 0,
    };
    for task in (0..size).filter(|&task| sketch.works[task].before.is_empty()) {
        shop.queue(task, Part::Tests);
    }
    let mut now = 0;
    shop.start(now);
    while let Some(Reverse((at, _, task, part))) = shop.ends.pop() {
        now = at;
        shop.free[part.lane() as usize] += 1;
        shop.ended(task, part);
        shop.start(now);
    }
    assert_eq!(shop.landed, size, "first come, first served got stuck");
    now
}

impl Part {
    fn lane(self) -> Lane {
        match self {
            Part::Tests | Part::Implement | Part::Review => Lane::Agents,
            Part::Red | Part::Verify | Part::Prove => Lane::Checks,
            Part::Build | Part::Land | Part::HandOver => Lane::Merge,
        }
    }

    fn time(self, work: &Work) -> u64 {
        match self {
            Part::Tests => work.tests,
            Part::Red => work.red,
            Part::Implement => work.implement,
            Part::Verify => work.verify,
            Part::Review => work.review,
            Part::Prove => work.prove,
            Part::Build => BUILD,
            Part::Land => LAND,
            Part::HandOver => HAND_OVER,
        }
    }
}

impl Shop<'_> {
    fn queue(&mut self, task: usize, part: Part) {
        self.queues[part.lane() as usize].push_back((task, part));
    }

    fn start(&mut self, now: u64) {
        for lane in [Lane::Agents, Lane::Checks, Lane::Merge] {
            while self.free[lane as usize] > 0 && !self.queues[lane as usize].is_empty() {
                let Some((task, part)) = self.queues[lane as usize].pop_front() else { break };
                self.free[lane as usize] -= 1;
                self.count += 1;
                let end = now + part.time(&self.sketch.works[task]);
                self.ends.push(Reverse((end, self.count, task, part)));
            }
        }
    }

    fn ended(&mut self, task: usize, part: Part) {
        match part {
            Part::Tests => self.queue(task, Part::Red),
            Part::Red => self.queue(task, Part::Implement),
            Part::Implement => self.queue(task, Part::Verify),
            Part::Verify => self.queue(task, Part::Review),
            Part::Review => self.line.push(task),
            Part::Build => {
                self.is_building = false;
                self.next += 1;
                self.queue(task, Part::Prove);
            }
            Part::Prove => {
                self.proven[task] = true;
                self.land();
            }
            Part::Land => {
                self.landed += 1;
                self.queue(task, Part::HandOver);
                self.land();
            }
            Part::HandOver => {
                for next in std::mem::take(&mut self.after[task]) {
                    self.missing[next] -= 1;
                    if self.missing[next] == 0 {
                        self.queue(next, Part::Tests);
                    }
                }
            }
        }
        if !self.is_building && self.next < self.line.len().min(self.landed + self.window) {
            self.is_building = true;
            self.queue(self.line[self.next], Part::Build);
        }
    }

    /// The head of the line, when it is proven.
    fn land(&mut self) {
        if let Some(&head) = self.line.get(self.landed).filter(|&&head| self.proven[head]) {
            self.proven[head] = false;
            self.queue(head, Part::Land);
        }
    }
}
