//! The bill: what agents used, in all and by role, stream and task. To the token, as the backends reported it.

use super::page::{Page, Part};
use crate::{
    board::{Bill, Board, counted},
    plan::{NodeId, Role},
    run::{Limit, Spend},
};
use std::collections::BTreeMap;

/// Tasks that are listed one by one.
const TASKS_LISTED: usize = 200;

/// A bill, summed in three ways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bills {
    /// In all.
    pub total: Bill,
    /// By role.
    pub roles: BTreeMap<Role, Bill>,
    /// By the label of the stream; empty where there is none.
    pub streams: BTreeMap<String, Bill>,
    /// By task, or gate. What an edit of the breakdown put in place of another of the same label is one with it.
    pub nodes: BTreeMap<NodeId, Bill>,
}

impl Bills {
    /// What was used so far.
    pub fn of(board: &Board) -> Bills {
        let mut bills = Bills::default();
        let mut first: BTreeMap<String, NodeId> = BTreeMap::new();
        for (node, role, bill) in board.bills() {
            let label = board.label(node);
            let one = *first.entry(label.to_string()).or_insert(node);
            let sums = [
                &mut bills.total,
                bills.roles.entry(role).or_default(),
                bills.streams.entry(board.stream_label(node).to_owned()).or_default(),
                bills.nodes.entry(one).or_default(),
            ];
            sums.into_iter().for_each(|sum| *sum = sum.plus(bill));
        }
        bills
    }

    /// As a part of a page; nothing where no model was asked, and nothing limits how often one may be.
    pub(super) fn put(&self, page: &mut Page, board: &Board) {
        let limit = allowance(board.limit());
        if limit.is_none() && self.total == Bill::default() && board.replayed() == 0 {
            return;
        }
        page.push(Part::Section("What agents used".into()));
        if let Some(most) = limit {
            page.push(Part::Fact("Limit", format!("{most} in all")));
        }
        for reached in reached(board.limit(), self.total).into_iter().filter(|_| !board.is_done()) {
            page.push(Part::Fact("Limit reached", reached.words));
        }
        if board.replayed() > 0 {
            let runs = counted(board.replayed(), "run");
            page.push(Part::Fact("Replayed", format!("{runs}, from recordings: no model was asked, nothing was paid")));
        }
        page.push(Part::Fact("Spent", words(self.total)));
        let mut item = |name: String, bill: Bill| page.push(Part::Item(format!("{name}: {}", words(bill))));
        for (role, bill) in &self.roles {
            item(role.name().to_owned(), *bill);
        }
        for (stream, bill) in self.streams.iter().filter(|(stream, _)| !stream.is_empty()) {
            item(format!("stream {stream}"), *bill);
        }
        for (&node, bill) in self.nodes.iter().take(TASKS_LISTED) {
            item(format!("task {}", board.label(node)), *bill);
        }
        let more = self.nodes.len().saturating_sub(TASKS_LISTED);
        if more > 0 {
            page.push(Part::Item(format!("{} more", counted(u32::try_from(more).unwrap_or(u32::MAX), "task"))));
        }
    }
}

/// A bill in words: `3 runs, 4600 tokens in, 900 cached, 120 out, $0.016995`.
fn words(Bill { runs, untold, spend }: Bill) -> String {
    let Spend { micros, input, cached, output } = spend;
    let runs = counted(runs, "run");
    let told = format!("{runs}, {input} tokens in, {cached} cached, {output} out, {}", dollars(micros));
    if untold == 0 { told } else { format!("{told}, and what {} used was not told", counted(untold, "job")) }
}

/// What agents may use in all, in words: `$0.30 or 2 runs`, whichever is reached first. `None` where nothing limits it.
pub fn allowance(limit: Limit) -> Option<String> {
    let money = (limit.micros < u64::MAX).then(|| dollars(limit.micros));
    let runs = (limit.runs < u64::MAX).then(|| counted(u32::try_from(limit.runs).unwrap_or(u32::MAX), "run"));
    let both: Vec<String> = money.into_iter().chain(runs).collect();
    (!both.is_empty()).then(|| both.join(" or "))
}

/// A limit that is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The flag that set it.
    pub flag: &'static str,
    /// Which, and how far it went: `--max-runs 5: 5 runs of agents`.
    pub words: String,
}

/// Those of a run's limits that are reached with what was used: no agent is started any more.
pub fn reached(limit: Limit, used: Bill) -> Vec<Reached> {
    let spent = used.spend.micros;
    let money = (spent >= limit.micros).then(|| Reached {
        flag: "--max-cost",
        words: format!("{}: {} spent", flags(Limit { runs: u64::MAX, ..limit }), dollars(spent)),
    });
    let runs = (u64::from(used.runs) >= limit.runs).then(|| Reached {
        flag: "--max-runs",
        words: format!("{}: {} of agents", flags(Limit { micros: u64::MAX, ..limit }), counted(used.runs, "run")),
    });
    money.into_iter().chain(runs).collect()
}

/// The flags that set these limits, as they are typed; empty where nothing is limited.
pub fn flags(limit: Limit) -> String {
    let money =
        (limit.micros < u64::MAX).then(|| format!("--max-cost {}", dollars(limit.micros).trim_start_matches('$')));
    let runs = (limit.runs < u64::MAX).then(|| format!("--max-runs {}", limit.runs));
    money.into_iter().chain(runs).collect::<Vec<_>>().join(" ")
}

/// A sum of money for people: to the cent, and further where there is more to it.
pub fn dollars(micros: u64) -> String {
    let part = format!("{:06}", micros % 1_000_000);
    let (cents, rest) = part.split_at(2);
    format!("${}.{cents}{}", micros / 1_000_000, rest.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_reached_is_told_as_it_was_typed_with_how_far_it_went() {
        let limit = Limit { micros: 2_000_000, runs: 5, ..Limit::NONE };
        assert_eq!(flags(limit), "--max-cost 2.00 --max-runs 5");
        let told = |micros, runs| {
            let spend = Spend { micros, ..Spend::default() };
            let used = Bill { runs, spend, ..Bill::default() };
            reached(limit, used).into_iter().map(|reached| reached.words).collect::<Vec<_>>()
        };
        assert!(told(1_999_999, 4).is_empty());
        assert_eq!(told(2_030_000, 4), ["--max-cost 2.00: $2.03 spent"]);
        assert_eq!(told(0, 5), ["--max-runs 5: 5 runs of agents"]);
        assert_eq!(told(2_000_000, 5).len(), 2);
        assert!(reached(Limit::NONE, Bill { runs: 9, ..Bill::default() }).is_empty() && flags(Limit::NONE).is_empty());
    }

    #[test]
    fn money_is_told_to_the_cent_and_further_where_there_is_more() {
        for (micros, text) in [(0, "$0.00"), (16_995, "$0.016995"), (2_500_000, "$2.50"), (12_340_000, "$12.34")] {
            assert_eq!(dollars(micros), text);
        }
    }
}
