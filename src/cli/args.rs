//! The command line: every flag documented where it is defined.

use super::demo::TOPICS;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Runs the execution phase of agent-driven software work: the tasks of notes/<topic>/breakdown.md in parallel streams,
/// tests first, under review, and nothing past a gate that it has not earned.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Run as if started in this folder. Given again, each is within the one before; an empty one is none.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    dir: Vec<OsString>,
    /// Read the configuration from this file, instead of tidegate.toml as of the base commit.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub(crate) color: Color,
    /// Say more; twice: say everything.
    #[arg(short, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Say less: no preface and no running account, only the end.
    #[arg(short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// The folder in which the command is given, for one who stands in `start`.
    pub(crate) fn folder(&self, start: &Path) -> PathBuf {
        let named = self.dir.iter().filter(|dir| !dir.is_empty());
        named.fold(start.to_owned(), |at, dir| at.join(dir))
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Execute a topic's breakdown to a branch where every merge was gated; the same command again goes on.
    Execute(Execute),
    /// Show what was understood of a topic's documents, and what is wrong with them.
    Check(Check),
    /// Show how a topic's run stands, during it and after.
    Status(Status),
    /// Say why a task or a gate waits, failed or passed.
    Why(Node),
    /// Show what a task's agents and checks printed.
    Logs(Logs),
    /// Let a failed task or gate try again, with fresh patience.
    Retry(Node),
    /// Give a person's word: a criterion of a gate holds, or a task may touch a path.
    Approve(Approve),
    /// List the agents there are to ask, and where each is defined; or show one.
    Agents(Agents),
    /// Look at what `execute` needs here, of one topic or of any: git, sandbox, agents, configuration, disk; say what is wrong and what to do.
    Doctor(Doctor),
    /// Make a topic's folder with research.md, plan.md and breakdown.md to fill in; what is there stays.
    Init(Init),
    /// Print what a shell needs to complete this command line.
    Completions(Completions),
    /// Print the manual page, or write one for each command into a folder.
    Man(Man),
    /// Make a small repository and execute the built-in sample in it: no model, no network, no key.
    Demo(Demo),
}

#[derive(Debug, Args)]
pub(crate) struct Execute {
    /// A folder under notes/, or the phrase it was named after.
    pub(crate) topic: String,
    /// Agents at work at the same time.
    #[arg(short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) jobs: Option<u32>,
    /// One stable line a change, instead of bars.
    #[arg(long, conflicts_with = "json")]
    pub(crate) plain: bool,
    /// The events on stdout, one JSON object a line, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
    /// Refuse a breakdown with warnings.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Start though a gate has no check; the report tells.
    #[arg(long)]
    pub(crate) allow_no_checks: bool,
    /// Only this task, and what it hangs on: for a first try. The same command without it goes on with the rest.
    #[arg(long, value_name = "TASK")]
    pub(crate) only: Option<String>,
    /// Stop when agents have cost this many dollars in all; the run can go on later.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub(crate) max_cost: Option<u64>,
    /// Stop when this many agents have been started in all; the run can go on later.
    #[arg(long, value_name = "N")]
    pub(crate) max_runs: Option<u64>,
    /// Keep each call of an agent in this folder, to be played again without a model (`[backends] replay`).
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    /// What keeps agents and checks in: `bubblewrap`, `none`, or `auto`, the best there is. A run keeps the one it began with.
    #[arg(long, value_name = "TIER")]
    pub(crate) sandbox: Option<String>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A folder under notes/, or the phrase it was named after.
    pub(crate) topic: String,
    /// How to show it.
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Exit with 3 when there are warnings.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// How `check` shows a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON value.
    Json,
    /// A Mermaid graph.
    Mermaid,
    /// A Graphviz graph.
    Dot,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A folder under notes/, or the phrase it was named after.
    pub(crate) topic: String,
    /// How to show it.
    #[arg(long, default_value = "text")]
    pub(crate) format: Page,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
}

/// How `status` shows a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Page {
    /// For people.
    Text,
    /// One JSON value.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Node {
    /// A folder under notes/, or the phrase it was named after.
    pub(crate) topic: String,
    /// A task's id (`5`, `T-01`) or a gate's (`stream:C`, `system`).
    pub(crate) task: String,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// A folder under notes/, or the phrase it was named after.
    pub(crate) topic: String,
    /// A task's id (`5`, `T-01`) or a gate's (`stream:C`, `system`).
    pub(crate) task: String,
    /// Only these jobs.
    #[arg(long, value_name = "JOB", value_parser = ["tests", "red", "implement", "verify", "review", "prove", "settle", "consult", "advise"])]
    pub(crate) only: Option<String>,
    /// Only agents of this role (test-developer, implementation, reviewer, expert, coordinator), or of this name (qa-reviewer).
    #[arg(long, value_name = "ROLE", conflicts_with = "only")]
    pub(crate) role: Option<String>,
    /// Only this call of each job, counted from 1; what a crash cut off counts.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) attempt: Option<u32>,
    /// What agents were told and what they printed, byte by byte, in place of what was made out of it.
    #[arg(long)]
    pub(crate) raw: bool,
    /// Go on showing what comes, until the run ends.
    #[arg(long, conflicts_with = "list")]
    pub(crate) follow: bool,
    /// List the files instead of showing what is in them.
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// A folder under notes/, or the phrase it was named after.
    pub(crate) topic: String,
    /// A gate (`stream:C`, `system`), or a task's id.
    pub(crate) gate: String,
    /// Which of the gate's criteria, counted from 1; all that wait for a person when left out.
    #[arg(conflicts_with = "path")]
    pub(crate) criterion: Option<u16>,
    /// The task may touch this path, though it is out of its scope or protected.
    #[arg(long, value_name = "P")]
    pub(crate) path: Option<String>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Agents {
    /// One JSON value on stdout, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show one, instead of listing all.
    #[command(subcommand)]
    pub(crate) one: Option<OneAgent>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OneAgent {
    /// Show a definition: where it comes from, what it may use, and its prompt.
    Show(ShownAgent),
}

#[derive(Debug, Args)]
pub(crate) struct ShownAgent {
    /// Its name, as the list has it.
    pub(crate) name: String,
    /// One JSON value on stdout, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// A folder under notes/, or the phrase it was named after: what it needs, and what its run has done already. Left out: what
    /// any task needs that carries no script.
    pub(crate) topic: Option<String>,
    /// One JSON value.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The topic, by words: they are its title, and name its folder under notes/.
    pub(crate) topic: String,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Which shell.
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Where to write a page for each command; without it the main page goes to stdout.
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to make the repository.
    // Not `dir`: arguments of one name are one argument to clap, and that one is `-C`.
    #[arg(value_name = "DIR", default_value = "tidegate-demo")]
    pub(crate) place: PathBuf,
    /// Which sample: `chat-system` has 8 tasks in Rust, `platform` 64 in Python.
    #[arg(long, value_name = "TOPIC", default_value = TOPICS[0], value_parser = TOPICS)]
    pub(crate) topic: String,
    /// One stable line a change, instead of bars.
    #[arg(long)]
    pub(crate) plain: bool,
    /// As in `execute`.
    #[arg(long, value_name = "TIER")]
    pub(crate) sandbox: Option<String>,
}

/// Millionths of a dollar, of dollars with at most six places.
fn dollars(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no sum of dollars such as `5` or `2.50`");
    let plain = text.trim().trim_start_matches('$');
    let (whole, part) = plain.split_once('.').unwrap_or((plain, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && part.is_empty() || part.len() > 6 || !is_number(whole) || !is_number(part) {
        return Err(wrong());
    }
    let number = |digits: &str| if digits.is_empty() { Ok(0) } else { digits.parse::<u64>() };
    let whole = number(whole).ok().and_then(|whole| whole.checked_mul(1_000_000)).ok_or_else(wrong)?;
    let part = number(&format!("{part:0<6}")).map_err(|_| wrong())?;
    whole.checked_add(part).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_to_the_millionth() {
        for (text, micros) in [("5", 5_000_000), ("$2.50", 2_500_000), (".1", 100_000), ("0.000001", 1)] {
            assert_eq!(dollars(text), Ok(micros), "{text}");
        }
        for text in ["", ".", "-1", "five", "1.0000001", "1e3", "99999999999999999999", "1,50"] {
            assert!(dollars(text).is_err(), "{text}");
        }
    }
}
