//! The Test Anything Protocol: which tests ran and how each ended, and whether that is as many as were promised.

use crate::rules::{Report, TestResult};
use crate::text::shortened;

/// Characters of a test's name.
const LONGEST_NAME: usize = 1_000;

/// Levels of tests in tests.
const DEEPEST: usize = 16;

/// What is known of one level.
#[derive(Default)]
struct Level {
    promised: Option<u64>,
    seen: u64,
}

/// Whether a text looks like a report of this kind.
pub(super) fn is_one(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    lines.any(|line| line.starts_with("TAP version ") || plan(line).is_some() || line.starts_with("ok 1"))
}

/// Takes a stream into a report. `source` is its name for people, and stands before the names of its tests.
pub(super) fn read(text: &str, source: &str, report: &mut Report) {
    report.is_counted = true;
    let (mut levels, mut names): (Vec<Level>, Vec<String>) = (vec![Level::default()], Vec::new());
    let mut why: Option<String> = None;
    let mut is_yaml = false;
    for line in text.lines() {
        let depth = ((line.len() - line.trim_start_matches(' ').len()) / 4).min(DEEPEST);
        let line = line.trim();
        // What a test has to say of itself stands between `---` and `...`.
        if is_yaml || line == "---" {
            is_yaml = line != "...";
            continue;
        }
        if let Some(name) = line.strip_prefix("# Subtest: ") {
            names.truncate(depth);
            names.resize(depth, String::new());
            names.push(name.to_owned());
        } else if let Some(count) = plan(line) {
            let level = at(&mut levels, depth, source, &mut why);
            if level.promised.replace(count).is_some() {
                why.get_or_insert_with(|| format!("{source} has two plans"));
            }
        } else if line.starts_with("Bail out!") {
            why.get_or_insert_with(|| format!("{source} bailed out: {}", shortened(&line[9..], 200)));
        } else if let Some((number, name, result)) = point(line) {
            let level = at(&mut levels, depth, source, &mut why);
            level.seen += 1;
            if number.is_some_and(|number| number != level.seen) {
                let seen = level.seen;
                why.get_or_insert_with(|| format!("{source}: its test {seen} says that it is another"));
            }
            let outer = names.iter().take(depth).filter(|name| !name.is_empty()).map(String::as_str);
            let name = if name.is_empty() { format!("test {}", level.seen) } else { name.to_owned() };
            let name = outer.chain([&*name]).collect::<Vec<_>>().join(" > ");
            report.record(shortened(&format!("{source} {name}"), LONGEST_NAME), result);
        }
    }
    for level in levels.drain(..) {
        let fault = level.fault(source);
        why = why.or(fault);
    }
    if let Some(why) = why {
        report.incomplete.get_or_insert_with(|| why.into());
    }
}

/// The level of a line; deeper ones are over by then.
fn at<'a>(levels: &'a mut Vec<Level>, depth: usize, source: &str, why: &mut Option<String>) -> &'a mut Level {
    while levels.len() > depth + 1 {
        let fault = levels.pop().and_then(|level| level.fault(source));
        *why = why.take().or(fault);
    }
    while levels.len() < depth + 1 {
        levels.push(Level::default());
    }
    &mut levels[depth]
}

impl Level {
    fn fault(&self, source: &str) -> Option<String> {
        match self.promised {
            Some(count) if count != self.seen => {
                Some(format!("{source} promises {count} tests and reports {}", self.seen))
            }
            None if self.seen > 0 => Some(format!("{source} does not say how many tests there are")),
            _ => None,
        }
    }
}

/// `1..4`
fn plan(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("1..")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// `not ok 2 - name # SKIP reason`
fn point(line: &str) -> Option<(Option<u64>, &str, TestResult)> {
    let (rest, is_ok) = match line.strip_prefix("not ok") {
        Some(rest) => (rest, false),
        None => (line.strip_prefix("ok")?, true),
    };
    if !(rest.is_empty() || rest.starts_with(' ')) {
        return None;
    }
    let rest = rest.trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number = rest[..digits].parse().ok();
    let rest = rest[digits..].trim_start();
    let rest = rest.strip_prefix('-').map_or(rest, str::trim_start);
    let (name, directive) = match (rest.strip_prefix("# "), rest.rsplit_once(" # ")) {
        (_, Some(both)) => both,
        (Some(directive), None) => ("", directive),
        (None, None) => (rest, ""),
    };
    let word: String = directive.chars().take(4).collect::<String>().to_ascii_uppercase();
    let reason = || Some(shortened(directive.split_once(char::is_whitespace)?.1.trim(), 200).into());
    match &*word {
        "SKIP" => Some((number, name.trim(), TestResult::Ignored(reason()))),
        "TODO" => Some((number, name.trim(), TestResult::Ignored(Some("to do".into())))),
        _ => Some((number, rest.trim(), if is_ok { TestResult::Passed } else { TestResult::Failed })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TestResult::{Failed, Ignored, Passed};

    fn report(text: &str) -> Report {
        let mut report = Report::default();
        read(text, "t", &mut report);
        report
    }

    #[test]
    fn tests_are_read_with_those_within_them() {
        let text = "TAP version 14\n1..4\nok 1 - adds\n  ---\n  ok 9 - forged\n  ...\nnot ok 2 - subs\n# Subtest: outer\n    1..1\n    ok 1 - inner\nok 3 - outer\nok 4 - slow # SKIP not here\n";
        let report = report(text);
        let expected = [
            ("t adds", Passed),
            ("t outer", Passed),
            ("t outer > inner", Passed),
            ("t slow", Ignored(Some("not here".into()))),
            ("t subs", Failed),
        ];
        assert_eq!(report.tests, expected.map(|(name, result)| (name.into(), result)).into());
        assert_eq!(report.incomplete, None);
    }

    #[test]
    fn a_count_that_does_not_add_up_is_incomplete() {
        for (text, is_whole) in [
            ("1..1\nok 1 - a\n", true),
            ("ok 1 - a\nok 2\n1..2\n", true),
            ("1..2\nok 1 - a\n", false),
            ("1..1\nok 1 - a\nok 2 - forged\n", false),
            ("1..2\nok 1 - a\nok 1 - forged\n", false),
            ("ok 1 - a\n", false),
            ("1..1\nok 1 - a\n1..1\n", false),
            ("1..1\nBail out! no\n", false),
            ("1..1\n# Subtest: x\n    1..2\n    ok 1\nok 1 - x\n", false),
            ("", true),
        ] {
            assert_eq!(report(text).incomplete.is_none(), is_whole, "{text}");
        }
        assert!(is_one("TAP version 13\n") && is_one("noise\n1..3\n") && !is_one("ok then\n"));
    }

    #[test]
    fn hostile_text_neither_panics_nor_takes_long() {
        for piece in
            ["    ok 1 - é # ", "not ok", "1..", "# Subtest: x\n    ", "---\n", " # SKIP\n", "ok\n        ok 1\n"]
        {
            let _ = report(&piece.repeat(20_000));
        }
    }
}
