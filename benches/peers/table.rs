//! The table in Markdown: a row a tool, with what was promised beside what was measured.

use crate::rounds::{Series, median};
use std::fmt::{Display, Formatter, Result};

/// What was promised of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// At most this.
    pub(crate) most: f64,
    /// What the figure is in: `x` for a ratio, else a unit.
    pub(crate) unit: &'static str,
}

/// What is measured: the same for all rows of a group.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// As in the list of targets.
    pub(crate) number: &'static str,
    pub(crate) what: String,
    /// Jobs at the same time, where there are any.
    pub(crate) jobs: Option<u32>,
}

/// Rows, in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 9]>,
}

impl Target {
    pub(crate) fn ratio(most: f64) -> Target {
        Target { most, unit: "x" }
    }

    /// The target, and whether it was met.
    fn told(self, figure: Option<f64>) -> String {
        let bound = format!("≤ {} {}", trimmed(self.most), self.unit);
        match figure {
            Some(figure) if figure <= self.most => format!("{bound}: met"),
            Some(_) => format!("{bound}: **missed**"),
            None => format!("{bound}: not measured"),
        }
    }
}

impl Table {
    /// A contestant's row. `ratio` is tidegate's time over its time, on rows of rivals.
    pub(crate) fn series(&mut self, subject: &Subject, series: &Series, ratio: Option<f64>, target: Option<Target>) {
        if series.samples.is_empty() {
            let why = series.trouble.as_deref().unwrap_or("it had no turn");
            self.rows.push(row(subject, &series.name, [&format!("missing: {why}"), "", "", "", ""]));
            return;
        }
        let walls = series.walls();
        let rounds = match &series.trouble {
            Some(trouble) => format!("{}, then: {trouble}", walls.len()),
            None => walls.len().to_string(),
        };
        let own = median(series.samples.iter().filter_map(|sample| Some(sample.own?.as_secs_f64())).collect());
        let all = median(series.samples.iter().filter_map(|sample| Some(sample.all?.as_secs_f64())).collect());
        let peak = series.samples.iter().filter_map(|sample| sample.peak).max();
        let cpu = match (own, all) {
            (Some(own), Some(all)) => format!("{} / {}", seconds(own), seconds(all)),
            _ => String::new(),
        };
        let peak = peak.map_or(String::new(), |peak| format!("{:.0} MiB", peak as f64 / f64::from(1 << 20)));
        let told = [ratio.map(|ratio| format!("{ratio:.3} x")), target.map(|target| target.told(ratio))];
        let [ratio, target] = told.map(Option::unwrap_or_default);
        let loads = median(series.loads.clone()).map_or(String::new(), |load| format!("{load:.1}"));
        let mut cells = row(subject, &series.name, [&spread(&walls), &cpu, &peak, &ratio, &target]);
        cells[3] = rounds + if loads.is_empty() { "" } else { "; load " } + &loads;
        self.rows.push(cells);
    }

    /// tidegate and its rivals: the first series is tidegate's, each of the others has a target or none.
    pub(crate) fn contest(&mut self, subject: &Subject, all: &[Series], target: impl Fn(&str) -> Option<Target>) {
        let Some((ours, rivals)) = all.split_first() else { return };
        self.series(subject, ours, None, None);
        for rival in rivals {
            self.series(subject, rival, ours.ratio(rival), target(&rival.name));
        }
    }

    /// A contestant whose own figure was promised, and not its ratio to another's.
    pub(crate) fn bounded(&mut self, subject: &Subject, series: &Series, figure: Option<f64>, target: Option<Target>) {
        self.series(subject, series, None, None);
        if let (Some(target), Some(row)) = (target, self.rows.last_mut()) {
            row[8] = target.told(figure);
        }
    }

    /// A ratio that was computed, not timed.
    pub(crate) fn computed(&mut self, subject: &Subject, other: &str, ratio: f64, target: Option<Target>) {
        let target = target.map(|target| target.told(Some(ratio))).unwrap_or_default();
        self.rows.push(row(subject, other, ["", "", "", &format!("{ratio:.3} x"), &target]));
    }

    /// Somebody, or a whole part, that could not be measured.
    pub(crate) fn missing(&mut self, number: &'static str, what: &str, why: &str) {
        let subject = Subject { number, what: what.into(), jobs: None };
        self.rows.push(row(&subject, "", [&format!("missing: {why}"), "", "", "", ""]));
    }
}

fn row(subject: &Subject, tool: &str, [wall, cpu, peak, ratio, target]: [&str; 5]) -> [String; 9] {
    let what = match subject.jobs {
        Some(jobs) => format!("{}, `-j{jobs}`", subject.what),
        None => subject.what.clone(),
    };
    [subject.number, &what, tool, "", wall, cpu, peak, ratio, target].map(str::to_owned)
}

/// The median, and the least and the most of all rounds.
fn spread(walls: &[f64]) -> String {
    let least = walls.iter().copied().fold(f64::INFINITY, f64::min);
    let most = walls.iter().copied().fold(0.0, f64::max);
    let middle = median(walls.to_vec()).unwrap_or(f64::NAN);
    format!("{} ({} to {})", seconds(middle), seconds(least), seconds(most))
}

/// A time that people can read.
pub(crate) fn seconds(time: f64) -> String {
    if time >= 0.9995 { format!("{} s", significant(time)) } else { format!("{} ms", significant(time * 1e3)) }
}

/// Three digits that mean something.
fn significant(figure: f64) -> String {
    let digits = match figure.abs() {
        0.0..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{figure:.digits$}")
}

fn trimmed(figure: f64) -> String {
    let text = format!("{figure:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Display for Table {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let head = [
            "#",
            "what",
            "tool",
            "rounds",
            "wall: median (least to most)",
            "CPU: itself / with children",
            "peak memory",
            "tidegate ÷ it",
            "target",
        ];
        writeln!(out, "| {} |", head.join(" | "))?;
        writeln!(out, "|{}", " --- |".repeat(head.len()))?;
        let mut last: Option<&[String; 9]> = None;
        for row in &self.rows {
            let mut cells: Vec<String> = row.iter().map(|cell| cell.replace(['|', '\n'], " ")).collect();
            if last.is_some_and(|last| last[..2] == row[..2]) {
                cells[0].clear();
                cells[1].clear();
            }
            writeln!(out, "| {} |", cells.join(" | "))?;
            last = Some(row);
        }
        Ok(())
    }
}
