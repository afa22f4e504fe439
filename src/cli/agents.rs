//! `tidegate agents`: who there is to ask, as the current commit has it, and by whom each is run.
//!
//! With `--json` it is one object, and `agents show NAME --json` is one of its `agents` with `prompt` beside. Unknown members may come: skip
//! them.
//!
//! | member | what |
//! | --- | --- |
//! | `agents` | of each `name`, `role`, `backend`, `model`, `tools`, `denied`, `origin`, `overrides`, `description`, by name |
//! | `missing` | names in `[review] reviewers` that have no definition |
//! | `errors`, `warnings` | of each fault `path`, `line`, `column`, `code`, `text`, `help`, `lines`, as `check --json` has them |
//!
//! `role` is `implementation`, `test-developer`, `reviewer`, `expert` or `coordinator`. `backend` is `auto` where none is configured. `model` is null
//! where neither the configuration nor the definition names one; `tools` is null where all are meant. `origin` is a path in the
//! repository, or `built-in`, and so is each of `overrides`, the nearest first. A faulty definition is among the errors, and not among the agents.

use super::{
    Stop, answer,
    args::{Agents as Wish, Arguments, OneAgent},
    complain, crew,
    exit::Exit,
    message, say,
    scene::{Scene, refused},
};
use crate::{
    agent::{Definition, Definitions, Origin},
    config::{Config, Environment},
    plan::{Draft, Fault, Severity},
    text::{clean, line},
    workspace::OpenFault,
};
use serde_json::{Value, json};
use std::fmt::Write;

/// The backend of a role of which the configuration says nothing.
const AUTO: &str = "auto";

/// Columns of a description's first line.
const COLUMNS: usize = 96;

/// What there is, and how it is run.
struct Roll {
    definitions: Definitions,
    config: Config,
    /// The command line that `auto` stands for here.
    found: &'static str,
    is_coloured: bool,
}

pub(crate) async fn agents(arguments: &Arguments, wish: &Wish) -> Result<Exit, Stop> {
    match &wish.one {
        None => answer(list(arguments, wish.json).await, wish.json),
        Some(OneAgent::Show(wish)) => answer(show(arguments, &wish.name, wish.json).await, wish.json),
    }
}

async fn list(arguments: &Arguments, is_json: bool) -> Result<Exit, Stop> {
    let roll = Roll::call(arguments).await?;
    let faults: Vec<Fault> = roll.definitions.faults().cloned().chain(roll.unknown_reviewers()).collect();
    complain(&roll.told(&faults));
    if is_json {
        let agents: Vec<Value> = roll.definitions.iter().map(|definition| roll.value(definition)).collect();
        let told = |severity| {
            let draft = roll.draft();
            let own = faults.iter().filter(move |fault| fault.severity == severity);
            own.map(|fault| message::told(&draft, fault)).collect::<Vec<_>>()
        };
        let (errors, warnings) = (told(Severity::Error), told(Severity::Warning));
        let value = json!({ "agents": agents, "missing": roll.missing(), "errors": errors, "warnings": warnings });
        say(&format!("{value:#}\n"))?;
    } else {
        say(&roll.table())?;
    }
    let is_faulty = faults.iter().any(|fault| fault.severity == Severity::Error);
    Ok(if is_faulty { Exit::Faulty } else { Exit::Good })
}

async fn show(arguments: &Arguments, name: &str, is_json: bool) -> Result<Exit, Stop> {
    let roll = Roll::call(arguments).await?;
    let faults = roll.definitions.faults_of([name]);
    let Some(definition) = roll.definitions.get(name) else {
        return Err(if faults.is_empty() { roll.unknown(name) } else { roll.faulty(&faults) });
    };
    complain(&roll.told(&faults));
    if is_json {
        let mut value = roll.value(definition);
        value["prompt"] = json!(definition.prompt);
        say(&format!("{value:#}\n"))?;
    } else {
        say(&roll.page(definition))?;
    }
    Ok(Exit::Good)
}

impl Roll {
    /// Of the current commit; of no repository, where there is none that has a commit.
    async fn call(arguments: &Arguments) -> Result<Roll, Stop> {
        let environment = Environment::capture().map_err(|error| Stop::because("cannot begin", &error))?;
        let is_coloured = arguments.is_coloured(&environment);
        let (dir, found) = (arguments.folder(&environment.folder), crew::found(&environment));
        let scene = match Scene::sought(environment, dir, arguments).await? {
            Ok(scene) => scene,
            Err(
                fault @ (OpenFault::NoRepository(_) | OpenFault::Outside(_) | OpenFault::Bare(_) | OpenFault::Unborn),
            ) => {
                complain(&format!(
                    "note: {}: these are the built-in agents alone\n\n",
                    message::clean(&fault.to_string())
                ));
                return Ok(Roll {
                    definitions: Definitions::built_in(),
                    config: Config::default(),
                    found,
                    is_coloured,
                });
            }
            Err(fault) => return Err(refused(&fault)),
        };
        let head = scene.repo.head();
        let config = scene.config(head).await?;
        Ok(Roll { definitions: scene.definitions(head).await?, config, found, is_coloured })
    }

    fn role(&self, definition: &Definition) -> &'static str {
        definition.role(&self.config.review.reviewers)
    }

    /// The model that it is run with, as far as it is said.
    fn model<'a>(&'a self, definition: &'a Definition) -> Option<&'a str> {
        self.config.agents.model(self.role(definition)).or(definition.model.as_deref())
    }

    fn missing(&self) -> Vec<&str> {
        self.definitions.missing(self.config.review.reviewers.iter().map(String::as_str))
    }

    fn unknown_reviewers(&self) -> impl Iterator<Item = Fault> {
        self.missing().into_iter().map(|name| Fault {
            severity: Severity::Error,
            code: "unknown-reviewer",
            text: format!("`[review] reviewers` names `{}`, which has no definition", line(name, 64)),
            labels: Vec::new(),
            help: Some(self.instead(name)),
        })
    }

    /// What to do about a name that has no definition.
    fn instead(&self, name: &str) -> String {
        match self.definitions.nearest(name) {
            Some(meant) => format!("did you mean `{}`?", line(meant, 64)),
            None => "define it in `agents/` or `.claude/agents/`, and commit that; `tidegate agents` lists all that there are".to_owned(),
        }
    }

    fn unknown(&self, name: &str) -> Stop {
        let (text, help) = (format!("there is no agent `{}`", line(name, 64)), self.instead(name));
        let errors = Some(message::plain_error(&text, Some(&help)));
        Stop { errors, ..Stop::new(Exit::Faulty, format!("error: {text}\n  = help: {help}\n")) }
    }

    fn faulty(&self, faults: &[Fault]) -> Stop {
        let errors = Some(message::errors(&self.draft(), faults));
        Stop { errors, ..Stop::new(Exit::Faulty, self.told(faults)) }
    }

    /// The files of the definitions, as faults name them.
    fn draft(&self) -> Draft {
        Draft { sources: self.definitions.sources().to_vec(), ..Draft::default() }
    }

    /// Faults for people, a file's together: what is the same in one is said once.
    fn told(&self, faults: &[Fault]) -> String {
        let draft = self.draft();
        let source = |fault: &Fault| fault.labels.first().map(|label| label.at.source);
        let mut sorted = faults.to_vec();
        sorted.sort_by_key(|fault| (source(fault), fault.labels.first().map(|label| label.at.start)));
        let files = sorted.chunk_by(|a, b| source(a) == source(b));
        files.map(|of_file| message::render(&draft, of_file, self.is_coloured)).collect()
    }

    fn value(&self, definition: &Definition) -> Value {
        let role = self.role(definition);
        let overrides: Vec<&str> = self.definitions.overridden(&definition.name).iter().map(Origin::name).collect();
        json!({
            "name": definition.name, "role": role, "backend": backend(&self.config, role), "model": self.model(definition),
            "tools": definition.tools, "denied": definition.denied, "origin": definition.origin.name(), "overrides": overrides,
            "description": definition.description,
        })
    }

    /// All of them, two lines each.
    fn table(&self) -> String {
        let row = |definition: &Definition| {
            let role = self.role(definition);
            let cells =
                [&*definition.name, role, backend(&self.config, role), self.model(definition).unwrap_or("inherit")];
            cells.map(|cell| line(cell, 64))
        };
        let rows: Vec<[String; 4]> = self.definitions.iter().map(|definition| row(definition)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths = [0, 1, 2, 3].map(width);
        let mut out = String::new();
        for (definition, row) in self.definitions.iter().zip(&rows) {
            for (cell, width) in row.iter().zip(widths) {
                let _ = write!(out, "{cell:width$}  ");
            }
            let _ = writeln!(out, "{}", self.origin(definition));
            let first = line(definition.description.lines().next().unwrap_or_default(), COLUMNS);
            if !first.is_empty() {
                let _ = writeln!(out, "  {first}");
            }
        }
        if rows.iter().any(|row| row[2] == AUTO) {
            let _ = writeln!(out, "\n`{AUTO}`: {}", self.here());
        }
        out
    }

    /// What `auto` stands for.
    fn here(&self) -> String {
        match self.found {
            crew::NONE => crew::nobody(),
            found => format!("{found}, the first of {} that is on PATH", crew::KNOWN.join(", ")),
        }
    }

    /// Where it comes from, and in place of what.
    fn origin(&self, definition: &Definition) -> String {
        let over: Vec<String> =
            self.definitions.overridden(&definition.name).iter().map(|origin| line(origin.name(), 200)).collect();
        let own = line(definition.origin.name(), 200);
        if over.is_empty() { own } else { format!("{own} (in place of {})", over.join(", ")) }
    }

    /// One of them, with its prompt.
    fn page(&self, definition: &Definition) -> String {
        let role = self.role(definition);
        let listed = |tools: &[Box<str>]| if tools.is_empty() { "none".to_owned() } else { tools.join(", ") };
        let mut facts = vec![
            ("name", definition.name.to_string()),
            ("description", definition.description.to_string()),
            ("role", role.to_owned()),
            ("backend", backend(&self.config, role).to_owned()),
            ("model", self.model(definition).unwrap_or("inherit").to_owned()),
            ("tools", definition.tools.as_deref().map_or_else(|| "all".to_owned(), listed)),
        ];
        if !definition.denied.is_empty() {
            facts.push(("denied", listed(&definition.denied)));
        }
        facts.push(("origin", self.origin(definition)));
        let facts: String = facts.iter().map(|(name, fact)| format!("{name}: {}\n", line(fact, 2_000))).collect();
        format!("{facts}\n{}\n", clean(&definition.prompt))
    }
}

/// What runs a role: the backend that is configured for it, else what is found when a run starts.
pub(crate) fn backend(config: &Config, role: &str) -> &'static str {
    config.agents.backend(role).unwrap_or(AUTO)
}
