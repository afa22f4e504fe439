//! Cargo: checks whose tests are known by name, and builds whose errors are known by code.

use super::{
    Check, Ecosystem, Order, Place, Prepared, Preparing, Reader, Reading, command::last_text, links::Links,
    place::quoted, record, runner::runner_value, rustc, target_dir::TargetDir,
};
use crate::plan::Level;
use crate::process::Exit;
use crate::rules::{Build, Report};
use crate::text::shortened;
use regex::Regex;
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::LazyLock,
};

/// Bytes of a build's messages that are read.
const LONGEST_MESSAGES: u64 = 64 << 20;

/// `cargo test` with whatever toolchain, anywhere in a command line.
static CARGO_TEST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bcargo(?: \+[\w.-]+)? (?:test|t|nextest run)(?:\s|$)").expect("a constant shape: a test uses it")
});

/// Cargo and libtest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cargo;

impl Ecosystem for Cargo {
    fn name(&self) -> &'static str {
        "cargo"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["Cargo.toml"]
    }

    fn default_checks(&self, place: &Place<'_>, level: Level) -> Vec<String> {
        let (command, whole) = match level {
            Level::Task(_) | Level::Stream(_) | Level::Checkpoint => ("cargo test", ""),
            Level::System => ("cargo test", " --workspace"),
            Level::Deployment => ("cargo build", " --release"),
        };
        let manifest = match place.folder {
            "" => String::new(),
            folder => format!(" --manifest-path {}", quoted(&format!("{folder}/Cargo.toml"))),
        };
        let is_nextest = place.has(".config/nextest.toml") && place.can_run("cargo-nextest") && command == "cargo test";
        if !is_nextest {
            return vec![format!("{command}{manifest}{whole}")];
        }
        // It runs no tests of documentation.
        let has_library = place.paths().any(|path| path == "src/lib.rs" || path.ends_with("/src/lib.rs"));
        let documentation = has_library.then(|| format!("cargo test --doc{manifest}{whole}"));
        [format!("cargo nextest run{manifest}{whole}")].into_iter().chain(documentation).collect()
    }

    fn calls(&self, command: &str) -> bool {
        CARGO_TEST.is_match(command)
    }

    fn prepare<'a>(&'a self, check: &'a Check<'a>, order: Order) -> Preparing<'a> {
        Box::pin(prepare(check, order))
    }
}

/// The command line with `--no-fail-fast`: a failing program must not keep those behind it from reporting.
fn to_the_end(command: &str) -> String {
    if command.contains("--no-fail-fast") || command.contains("--no-run") {
        return command.to_owned();
    }
    CARGO_TEST
        .replace_all(command, |found: &regex::Captures<'_>| format!("{} --no-fail-fast ", found[0].trim_end()))
        .trim_end()
        .to_owned()
}

/// What builds the tests of a command line and says its errors in JSON, where it is one plain `cargo test`.
fn build_of(command: &str) -> Option<String> {
    let command = command.trim();
    let is_plain = !command.contains([';', '&', '|', '<', '>', '(', ')', '`', '$', '\n', '"', '\'', '\\', '#']);
    let words: Vec<&str> = command.split_whitespace().take_while(|word| *word != "--").collect();
    let is_other = |word: &&str| {
        word.starts_with("--message-format")
            || matches!(*word, "--no-run" | "--doc" | "--no-fail-fast" | "--help" | "nextest")
    };
    if !is_plain
        || !CARGO_TEST.is_match(command)
        || words.iter().any(|word| is_other(word) && *word != "--no-fail-fast")
    {
        return None;
    }
    let at = words.iter().position(|word| matches!(*word, "test" | "t"))?;
    let mut words: Vec<&str> = words.into_iter().filter(|word| *word != "--no-fail-fast").collect();
    words.insert(at + 1, "--no-run --message-format=json");
    Some(words.join(" "))
}

/// The folder of the manifest that a command line names, relative to where it is run: what cargo's places are relative to.
fn package_folder(command: &str) -> &str {
    let mut words = command.split(|c: char| c.is_whitespace() || c == '=');
    let manifest = words.find(|word| *word == "--manifest-path").and_then(|_| words.next()).unwrap_or_default();
    manifest.rsplit_once('/').map_or("", |(folder, _)| folder.trim_start_matches("./"))
}

/// What cargo left, and where.
struct Records<'a> {
    check: &'a Check<'a>,
    reports: PathBuf,
    /// The test executables that the build made, where there was one.
    executables: BTreeMap<String, String>,
    is_built: bool,
    /// The build cache is ours, and a path without blanks leads to us, until all is read.
    _held: TargetDir,
    _links: Links,
}

impl Reader for Records<'_> {
    fn read<'a>(self: Box<Self>, report: &'a mut Report) -> Reading<'a>
    where
        Self: 'a,
    {
        Box::pin(async move {
            // A filter by name runs every executable all the same; a run that was cut short says so itself.
            record::read(&self.reports, &self.executables, self.is_built, report)?;
            report.is_counted |= self.is_built && report.uncounted.is_empty();
            let ran_nothing = report.tests.is_empty() && report.uncounted.is_empty();
            if !self.is_built && report.exit != 0 && ran_nothing && CARGO_TEST.is_match(self.check.command) {
                let (again, said) = built(self.check, "cargo test --no-run --message-format=json").await?;
                if !again.is_success() {
                    report.build = refused(self.check, said);
                }
            }
            Ok(())
        })
    }
}

async fn prepare<'a>(check: &'a Check<'a>, mut order: Order) -> io::Result<Prepared<'a>> {
    let held = TargetDir::hold(check.cache, check.cwd, check.on, &check.line.stop).await?;
    let mut executables = BTreeMap::new();
    let build = build_of(check.command);
    if let Some(build) = &build {
        let (exit, said) = built(check, build).await?;
        if !exit.is_success() {
            let report = Report { build: refused(check, said), exit: exit.code(), ..Report::default() };
            return Ok(Prepared::Refused(Box::new(report), exit, build.clone()));
        }
        executables = said.executables;
    }
    let reports = record::reports(check.scratch);
    // Cargo splits its runner's command line at blanks and knows no quotes.
    let mut links = Links::default();
    let runner = runner_value(&links.without_blanks(check.tidegate)?, &links.without_blanks(&reports)?);
    let variables = runner_variables(check).await?;
    order.variables.extend(variables.into_iter().map(|name| (name.into(), runner.clone())));
    order.readable.extend(links.folder());
    order.command = to_the_end(&order.command);
    let is_built = build.is_some();
    let records = Records { check, reports, executables, is_built, _held: held, _links: links };
    Ok(Prepared::read_by(order, Some(records)))
}

/// Builds the tests; what rustc shows goes into the log, too.
async fn built(check: &Check<'_>, command: &str) -> io::Result<(Exit, rustc::Said)> {
    let json = check.scratch.join("build.json");
    let words = check.scratch.join("build.err");
    let exit = check.launch_sh(&Order::plain(command), &json, Some(&words)).await;
    let said = rustc::said(&last_text(&json, LONGEST_MESSAGES), check.cwd, package_folder(command));
    let mut log = fs::OpenOptions::new().create(true).append(true).open(check.log)?;
    log.write_all(last_text(&words, 1 << 20).as_bytes())?;
    log.write_all(said.rendered.as_bytes())?;
    Ok((exit, said))
}

/// Why it was not built: rustc's errors, else cargo's own words.
fn refused(check: &Check<'_>, said: rustc::Said) -> Build {
    if !said.errors.is_empty() {
        return Build::Failed(said.errors);
    }
    let words = last_text(&check.scratch.join("build.err"), 64 << 10);
    let from = words.lines().position(|line| line.starts_with("error"));
    let kept: Vec<&str> =
        words.lines().skip(from.unwrap_or(0)).filter(|line| !line.trim().is_empty()).take(12).collect();
    let words = shortened(&kept.join("\n"), 2_000);
    Build::DidNotRun(if words.is_empty() { "cargo said nothing".into() } else { words.into() })
}

/// Cargo's runner variables: of the host, and of a target that the command line names.
async fn runner_variables(check: &Check<'_>) -> io::Result<Vec<String>> {
    let answer = check.scratch.join("rustc.txt");
    let exit = check.launch_sh(&Order::plain("rustc -vV"), &answer, None).await;
    let text = last_text(&answer, 64 << 10);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    let Some(host) = host.filter(|_| exit.is_success()) else {
        return Err(io::Error::other(format!("rustc does not say its host: {}", shortened(&text, 500))));
    };
    let mut words = check.command.split(|c: char| c.is_whitespace() || c == '=');
    let named = words.find(|word| *word == "--target").and_then(|_| words.next());
    let configured = check.variable("CARGO_BUILD_TARGET").and_then(|value| value.to_str());
    let mut triples: Vec<&str> = [Some(host.trim()), named, configured].into_iter().flatten().collect();
    triples.sort_unstable();
    triples.dedup();
    let variable = |triple: &&str| format!("CARGO_TARGET_{}_RUNNER", triple.to_uppercase().replace(['-', '.'], "_"));
    Ok(triples.iter().map(variable).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Tree;

    #[test]
    fn a_run_goes_to_the_end_whatever_fails_on_the_way() {
        for (command, expected) in [
            ("cargo test", "cargo test --no-fail-fast"),
            ("cargo +nightly t -p a -- x", "cargo +nightly t --no-fail-fast -p a -- x"),
            ("cargo fmt --check && cargo test", "cargo fmt --check && cargo test --no-fail-fast"),
            ("cargo test --no-fail-fast", "cargo test --no-fail-fast"),
            ("cargo testament", "cargo testament"),
            ("make test", "make test"),
        ] {
            assert_eq!(to_the_end(command), expected);
        }
    }

    #[test]
    fn nextest_runs_the_tests_where_it_is_configured_and_installed() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("cargo-nextest");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let files = [("Cargo.toml", ""), (".config/nextest.toml", ""), ("src/lib.rs", "")];
        let checks = |tree: &Tree| Cargo.default_checks(&tree.place(""), Level::System);
        assert_eq!(checks(&Tree::with(&files)), ["cargo test --workspace"]);
        let tree = Tree::with(&files).with_programs_of(folder.path().as_os_str());
        assert_eq!(checks(&tree), ["cargo nextest run --workspace", "cargo test --doc --workspace"]);
        let tree = Tree::with(&files[..1]).with_programs_of(folder.path().as_os_str());
        assert_eq!(checks(&tree), ["cargo test --workspace"]);
    }

    #[test]
    fn a_plain_cargo_test_is_built_first_with_the_same_flags() {
        for (command, expected) in [
            ("cargo test", Some("cargo test --no-run --message-format=json")),
            ("cargo test --workspace -- --nocapture", Some("cargo test --no-run --message-format=json --workspace")),
            ("RUSTFLAGS=-Dwarnings cargo test", Some("RUSTFLAGS=-Dwarnings cargo test --no-run --message-format=json")),
            ("cargo test --doc", None),
            ("cargo test && x", None),
            ("cargo clippy", None),
        ] {
            assert_eq!(build_of(command).as_deref(), expected, "{command}");
        }
    }
}
