//! An ecosystem: what a language's tools are asked, and how they answer. Several share one repository, and one command line.

use super::{
    CMake, Cargo, Check, Checked, Elixir, Go, Jvm, Make, Node, Place, Python, Tree, declared::Declared, reports,
};
use crate::plan::Level;
use crate::process::{Exit, How};
use crate::rules::Report;
use std::{ffi::OsString, fs, future::Future, io, path::PathBuf, pin::Pin};

/// What is to be run, as each ecosystem in turn has made it ready.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// For `sh -c`.
    pub command: String,
    /// Variables beside those of the check.
    pub variables: Vec<(OsString, OsString)>,
    /// Folders that its programs may read beside those of the check.
    pub readable: Vec<PathBuf>,
}

impl Order {
    /// A command line and nothing else.
    pub(super) fn plain(command: &str) -> Order {
        Order { command: command.to_owned(), ..Order::default() }
    }

    /// Sets a variable: to `more` behind what `[checks] env` and other ecosystems have in it.
    pub fn extend(&mut self, check: &Check<'_>, name: &str, between: &str, more: impl Into<OsString>) {
        let held = self.held(check, name);
        self.join(name, [held, more.into()], between);
    }

    /// The same with `more` before it.
    pub fn precede(&mut self, check: &Check<'_>, name: &str, between: &str, more: impl Into<OsString>) {
        let held = self.held(check, name);
        self.join(name, [more.into(), held], between);
    }

    fn held(&self, check: &Check<'_>, name: &str) -> OsString {
        let own = self.variables.iter().find(|(held, _)| held == name).map(|(_, value)| value);
        let held = own.or_else(|| check.variable(name));
        held.cloned().unwrap_or_default()
    }

    fn join(&mut self, name: &str, parts: [OsString; 2], between: &str) {
        let [first, second] = parts;
        let mut value = first;
        if !value.is_empty() && !second.is_empty() {
            value.push(between);
        }
        value.push(second);
        self.variables.retain(|(held, _)| held != name);
        self.variables.push((name.into(), value));
    }
}

/// What came of getting ready.
pub enum Prepared<'a> {
    /// The order may be run; then this reads what the runner left. `None`: there is nothing to read.
    Ready(Order, Option<Box<dyn Reader + 'a>>),
    /// It is not run at all: a build said why. With what was run, and how that ended.
    Refused(Box<Report>, Exit, String),
}

impl<'a> Prepared<'a> {
    /// Ready to be run, and read by this one if there is one.
    pub(super) fn read_by(order: Order, reader: Option<impl Reader + 'a>) -> Prepared<'a> {
        Prepared::Ready(order, reader.map(|reader| Box::new(reader) as Box<dyn Reader + 'a>))
    }
}

/// An ecosystem that gets ready.
pub type Preparing<'a> = Pin<Box<dyn Future<Output = io::Result<Prepared<'a>>> + Send + 'a>>;

/// A report that is read.
pub type Reading<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'a>>;

/// Reads what a runner left.
pub trait Reader: Send {
    /// Takes it into a report, whose exit code is set.
    fn read<'a>(self: Box<Self>, report: &'a mut Report) -> Reading<'a>
    where
        Self: 'a;
}

/// What a language's tools are asked, and how they answer.
pub trait Ecosystem: Send + Sync {
    /// Its name for people.
    fn name(&self) -> &'static str;

    /// Names of files that make a folder a project of it. Their texts are in the [`Tree`].
    fn manifests(&self) -> &'static [&'static str];

    /// The command lines of a gate for a project, to be run at the repository's root. Empty for a folder in which nothing can be tested:
    /// then it is none of its projects.
    fn default_checks(&self, place: &Place<'_>, level: Level) -> Vec<String>;

    /// Whether a command line calls its tools by name.
    fn calls(&self, command: &str) -> bool;

    /// Whether this command line runs tests whose names are reported. Red is judged by these alone, where there are any.
    fn reports_tests(&self, command: &str, _: &Tree) -> bool {
        self.calls(command)
    }

    /// Whether its projects count only where no other ecosystem has one: it may well call their tools.
    fn is_last_resort(&self) -> bool {
        false
    }

    /// Gets ready for a command line: has its runner report into the check's scratch folder, whoever calls it.
    fn prepare<'a>(&'a self, check: &'a Check<'a>, order: Order) -> Preparing<'a>;
}

/// All that are known.
pub static ECOSYSTEMS: [&dyn Ecosystem; 8] = [&Cargo, &Python, &Node, &Go, &Elixir, &Jvm, &CMake, &Make];

/// Runs one check and collects what it says to these ecosystems. One that none of them knows is known by its exit code alone.
pub async fn run(check: &Check<'_>, ecosystems: &[&dyn Ecosystem]) -> Checked {
    match collect(check, ecosystems).await {
        Ok(checked) => checked,
        Err(error) => {
            let why = format!("the check could not be prepared: {error}");
            let exit = Exit { how: How::NotStarted(why), ms: 0, leaked: 0 };
            check.checked(Report::default(), &exit, check.command)
        }
    }
}

async fn collect(check: &Check<'_>, ecosystems: &[&dyn Ecosystem]) -> io::Result<Checked> {
    fs::create_dir_all(reports(check.scratch))?;
    let mut order = Order::plain(check.command);
    let declared = Declared::begin(check)?;
    let mut readers = Vec::new();
    for ecosystem in ecosystems {
        match ecosystem.prepare(check, order).await? {
            Prepared::Ready(ready, reader) => {
                order = ready;
                readers.extend(reader);
            }
            Prepared::Refused(report, exit, command) => return Ok(check.checked(*report, &exit, &command)),
        }
    }
    let exit = check.launch_sh(&order, check.log, None).await;
    let mut report = Report { exit: exit.code(), ..Report::default() };
    for reader in readers {
        reader.read(&mut report).await?;
    }
    declared.read(&mut report)?;
    Ok(check.checked(report, &exit, &order.command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_are_called_by_name_are_asked_where_no_project_is_found() {
        let called = |command: &str| -> Vec<&str> {
            ECOSYSTEMS.iter().filter(|ecosystem| ecosystem.calls(command)).map(|ecosystem| ecosystem.name()).collect()
        };
        for (command, expected) in [
            ("cargo +nightly test -p a", &["cargo"][..]),
            ("uv run pytest && cd web && npm test", &["python", "node"]),
            ("python3 -m pytest -q", &["python"]),
            ("npx vitest run", &["node"]),
            ("cd api && go test ./...", &["go"]),
            ("mix test --cover", &["elixir"]),
            ("cd core && ../mvnw -B verify", &["jvm"]),
            ("ctest --test-dir build", &["cmake"]),
            ("make test", &["make"]),
            ("cargo clippy", &[]),
        ] {
            assert_eq!(called(command), expected, "{command}");
        }
    }
}
