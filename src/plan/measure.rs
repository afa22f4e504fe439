//! What measures: the figures that a configuration has commands for, and which lines of an author ask for them.

use super::{Bound, Coverage, Criterion, Demand, Means, Parse, Part, Settings, Unit, bound};

/// `[[measures]]`: a figure that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What lines call it.
    pub name: String,
    /// What measures it.
    pub command: String,
    /// How it is read.
    pub parse: Parse,
    /// What it must hold at the gates of `levels`; a line that names it has a bound of its own.
    pub demand: Option<Demand>,
    /// Names of levels at whose gates it is asked for.
    pub levels: Vec<String>,
}

/// `[coverage]`: what leaves reports, and what they must say. Shares are in thousandths of a percent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverageWish {
    /// What leaves the reports. `None`: the checks of each level.
    pub commands: Option<Vec<String>>,
    /// Paths of reports, relative to the repository.
    pub reports: Vec<String>,
    /// Of the lines that a task changes, at least this share.
    pub changed: Option<i64>,
    /// Of all lines, at least this share at the gates of streams and the system.
    pub total: Option<i64>,
    /// By so much a task may lower the share of all lines.
    pub may_drop: Option<i64>,
}

/// `[gates.deployment]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    /// A person has to say so.
    pub approve: bool,
    /// What must be in the tree: paths and globs.
    pub files: Vec<String>,
}

/// What a level settles lines with.
#[derive(Clone, Copy)]
pub(super) struct Instruments<'s> {
    pub(super) settings: &'s Settings,
    /// The level's own checks.
    pub(super) checks: &'s [String],
    /// Lines are about one task and its patch.
    pub(super) is_task: bool,
}

/// Words around a name and a bound that ask for nothing more.
const IDLE: [&str; 60] = [
    "a",
    "above",
    "achieve",
    "achieved",
    "achieves",
    "an",
    "and",
    "are",
    "at",
    "be",
    "below",
    "better",
    "does",
    "drop",
    "drops",
    "equal",
    "exceed",
    "exceeding",
    "exceeds",
    "fall",
    "falls",
    "faster",
    "fewer",
    "greater",
    "has",
    "have",
    "high",
    "higher",
    "is",
    "least",
    "less",
    "longer",
    "lower",
    "maintain",
    "maintained",
    "max",
    "maximum",
    "meets",
    "min",
    "minimum",
    "more",
    "most",
    "must",
    "never",
    "no",
    "not",
    "of",
    "or",
    "over",
    "reach",
    "reaches",
    "remains",
    "should",
    "stays",
    "than",
    "the",
    "to",
    "under",
    "up",
    "within",
];

/// Words that with these say nothing but that the lines of the whole are covered.
const COVERAGE: [&str; 17] = [
    "coverage", "covered", "code", "test", "tests", "unit", "line", "lines", "codebase", "for", "in", "on", "with",
    "all", "our", "new", "changed",
];
const OF_ALL: [&str; 5] = ["overall", "total", "project", "whole", "entire"];

impl Instruments<'_> {
    /// What settles a line by a figure that the configuration measures.
    pub(super) fn of(&self, text: &str) -> Option<Means> {
        let words: Vec<String> =
            bound::said(text)?.into_iter().filter(|word| word.chars().any(char::is_alphanumeric)).collect();
        let named = |measure: &&Measure| {
            let is_idle = |word: &&str| IDLE.contains(word);
            let own: Vec<&str> = words.iter().map(String::as_str).filter(|word| !is_idle(word)).collect();
            let name = bound::said(&measure.name).unwrap_or_default();
            let name: Vec<&str> = name
                .iter()
                .map(String::as_str)
                .filter(|word| word.chars().any(char::is_alphanumeric) && !is_idle(word))
                .collect();
            !name.is_empty() && own == name
        };
        if let Some(measure) = self.settings.measures.iter().find(named) {
            let Demand { bound, unit } = Demand::of(text)?;
            return Some(measured(&measure.command, measure.parse.clone(), bound, unit));
        }
        let has = |word: &str| words.iter().any(|said| said == word);
        let is_known = |word: &String| {
            IDLE.contains(&word.as_str()) || COVERAGE.contains(&word.as_str()) || OF_ALL.contains(&word.as_str())
        };
        if !(has("coverage") || has("covered")) || !words.iter().all(is_known) {
            return None;
        }
        let Demand { bound, unit } = Demand::of_share(text).filter(|demand| demand.unit == Unit::percent())?;
        let is_of_all = OF_ALL.iter().any(|word| has(word));
        let is_of_change = has("new") || has("changed");
        let part = match (self.is_task, is_of_all, is_of_change) {
            (_, true, true) | (false, false, true) => return None,
            (true, false, _) => Part::Changed,
            (_, true, false) | (false, false, false) => Part::Total,
        };
        self.coverage(part, bound, unit)
    }

    /// The criteria that the configuration has for a gate of this level.
    pub(super) fn configured(&self, level: &str) -> Vec<Criterion> {
        let settings = self.settings;
        let mut criteria = Vec::new();
        let mut built_in = |text: &str, means| criteria.push(Criterion { text: text.into(), line: None, means });
        let wish = settings.coverage.as_ref();
        let asked = [
            (Part::Changed, level == "task", wish.and_then(|wish| wish.changed)),
            (Part::Gain, level == "task", wish.and_then(|wish| wish.may_drop).map(|drop| -drop)),
            (Part::Total, matches!(level, "stream" | "system"), wish.and_then(|wish| wish.total)),
        ];
        for (part, is_asked, least) in asked {
            let text = match part {
                Part::Changed => "the changed lines are covered",
                Part::Gain => "the coverage of all lines does not drop",
                Part::Total => "the lines are covered",
            };
            if let Some(least) = least.filter(|_| is_asked) {
                let means = self.coverage(part, Bound::AtLeast(least), Unit::percent());
                // Asked for, and nothing leaves a report: nobody but a person can say.
                built_in(text, means.unwrap_or(Means::Held));
            }
        }
        for measure in settings.measures.iter().filter(|measure| measure.levels.iter().any(|name| name == level)) {
            if let Some(Demand { bound, unit }) = measure.demand.clone() {
                built_in(&measure.name, measured(&measure.command, measure.parse.clone(), bound, unit));
            }
        }
        criteria
    }

    fn coverage(&self, part: Part, bound: Bound, unit: Unit) -> Option<Means> {
        let wish = self.settings.coverage.as_ref()?;
        let commands = wish.commands.as_deref().unwrap_or(self.checks);
        covered(part, commands.iter().map(|command| command.as_str().into()).collect(), &wish.reports, bound, unit)
    }
}

/// A figure that a command prints.
pub(super) fn measured(command: &str, parse: Parse, bound: Bound, unit: Unit) -> Means {
    Means::Measured { command: command.into(), bound, parse, unit }
}

/// A share of lines; nothing where there is no command or no report.
pub(super) fn covered<S: AsRef<str>>(
    part: Part,
    commands: Vec<Box<str>>,
    reports: &[S],
    bound: Bound,
    unit: Unit,
) -> Option<Means> {
    let command = commands.join("; ").into();
    let reports: Vec<Box<str>> = reports.iter().map(|path| path.as_ref().into()).collect();
    let is_measured = !commands.is_empty() && !reports.is_empty();
    let parse = Parse::Coverage(Box::new(Coverage { part, commands, reports }));
    is_measured.then_some(Means::Measured { command, bound, parse, unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            coverage: Some(CoverageWish { reports: vec!["lcov.info".into()], ..CoverageWish::default() }),
            measures: vec![Measure {
                name: "p95 latency".into(),
                command: "make bench".into(),
                parse: Parse::Last,
                demand: None,
                levels: Vec::new(),
            }],
            ..Settings::default()
        }
    }

    fn part(text: &str, is_task: bool) -> Option<Part> {
        let (settings, checks) = (settings(), ["make test".to_owned()]);
        match (Instruments { settings: &settings, checks: &checks, is_task }).of(text)? {
            Means::Measured { parse: Parse::Coverage(coverage), .. } => Some(coverage.part),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_line_that_asks_for_coverage_and_nothing_more_is_settled_by_the_reports() {
        for text in
            ["Coverage at least 80 %", "Test coverage >= 80%", "Code coverage is 80% or higher", "80% line coverage"]
        {
            assert_eq!(part(text, false), Some(Part::Total), "{text}");
            assert_eq!(part(text, true), Some(Part::Changed), "{text}");
        }
        for text in ["Overall coverage at least 80 %", "At least 80 % of the total lines are covered"] {
            assert_eq!((part(text, true), part(text, false)), (Some(Part::Total), Some(Part::Total)), "{text}");
        }
        assert_eq!(part("Overall coverage of changed lines at least 80 %", true), None);
        assert_eq!(part("Coverage of new code at least 80 %", true), Some(Part::Changed));
        for text in [
            "Branch coverage at least 80 %",
            "Coverage of src/auth at least 80 %",
            "Coverage at least 80 % per file",
            "Coverage of new code at least 80 %",
            "Coverage at least 80 ms",
            "All lines at least 80 %",
            "Coverage of all new code at least 80 %",
            "Coverage is good",
            "All tests pass with 90% coverage of endpoints",
        ] {
            assert_eq!(part(text, false), None, "{text}");
        }
    }

    #[test]
    fn a_line_that_calls_a_measure_by_its_name_is_settled_by_its_command() {
        let (settings, checks) = (settings(), []);
        let of = |text| Instruments { settings: &settings, checks: &checks, is_task: false }.of(text);
        let Some(Means::Measured { command, .. }) = of("The p95 latency must be under 200 ms") else { panic!() };
        assert_eq!(&*command, "make bench");
        assert_eq!(of("The p95 latency of searches is under 200 ms"), None, "a part of it is not what is measured");
        assert_eq!(of("The p95 latency is fine"), None);
        assert_eq!(of("Coverage at least 80 %"), None, "nothing leaves a report");
    }

    #[test]
    fn the_name_of_a_measure_is_its_words_that_say_something() {
        let is_it = |name: &str, text: &str| {
            let mut settings = settings();
            settings.measures[0].name = name.into();
            Instruments { settings: &settings, checks: &[], is_task: true }.of(text).is_some()
        };
        assert!(is_it("The p95-latency", "p95 latency: at most 200 ms"));
        assert!(is_it("Size", "The size (max) is 3 MB or less"));
        assert!(!is_it("Size", "The weight is at most 3 MB"));
        assert!(!is_it("Maximum", "at most 3 MB"), "a name that says nothing names nothing");
    }

    #[test]
    fn the_configuration_asks_for_coverage_by_level_and_for_measures_at_the_levels_they_name() {
        let mut settings = settings();
        let checks = ["make test".to_owned()];
        settings.coverage = Some(CoverageWish {
            changed: Some(80_000),
            may_drop: Some(500),
            total: Some(70_000),
            ..settings.coverage.unwrap_or_default()
        });
        settings.measures[0] = Measure {
            demand: Demand::of("under 200 ms"),
            levels: vec!["stream".into(), "checkpoint".into()],
            ..settings.measures[0].clone()
        };
        let of = |settings: &Settings, level: &str| {
            let criteria = Instruments { settings, checks: &checks, is_task: false }.configured(level);
            let told = |criterion: Criterion| match criterion.means {
                Means::Measured { command, bound, unit, .. } => format!("{command}: {}", unit.bound(bound)),
                other => other.name().to_owned(),
            };
            criteria.into_iter().map(told).collect::<Vec<_>>()
        };
        assert_eq!(of(&settings, "task"), ["make test: at least 80 %", "make test: at least -0.5 %"]);
        assert_eq!(of(&settings, "stream"), ["make test: at least 70 %", "make bench: less than 200 ms"]);
        assert_eq!(of(&settings, "checkpoint"), ["make bench: less than 200 ms"]);
        assert_eq!(of(&settings, "system"), ["make test: at least 70 %"]);
        assert_eq!(of(&settings, "deployment"), Vec::<String>::new());
        settings.measures[0].demand = None;
        settings.coverage = Some(CoverageWish { total: Some(70_000), ..CoverageWish::default() });
        assert_eq!(of(&settings, "stream"), ["held"], "a person says what no report says");
    }

    #[test]
    fn a_share_is_measured_by_commands_that_leave_reports() {
        let of = |commands: &[&str], reports: &[&str]| {
            let commands = commands.iter().map(|command| Box::from(*command)).collect();
            match covered(Part::Total, commands, reports, Bound::AtLeast(0), Unit::percent())? {
                Means::Measured { command, parse: Parse::Coverage(coverage), .. } => Some((command, *coverage)),
                other => panic!("{other:?}"),
            }
        };
        let (command, coverage) = of(&["make", "make cov"], &["lcov.info"]).unwrap();
        assert_eq!(&*command, "make; make cov");
        assert_eq!((coverage.commands.len(), &*coverage.reports), (2, &["lcov.info".into()][..]));
        assert_eq!((of(&[], &["lcov.info"]), of(&["make"], &[])), (None, None));
    }
}
