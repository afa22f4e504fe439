//! The shape of the house, checked like any other behaviour. A rule that is only written down is broken within a month.
//!
//! Reads the syntax, not the text: `use crate::{plan::X, run::{Y}}`, a path inside a function, a path inside a macro,
//! `super::super::run` and `use crate::run as r; r::Run` are all the same arrow.

#[path = "tidy/syntax.rs"]
mod syntax;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use syntax::{Facts, Oddity};

/// Which room may know which (DESIGN.md section 2). Read it bottom up; an arrow that is not here is an error.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("plan", &[]),
    ("text", &[]),
    ("run", &["plan"]),
    ("rules", &["plan", "text", "run"]),
    ("board", &["plan", "text", "run"]),
    // Of the plan, only the words of a draft and of its faults.
    ("notes", &["plan"]),
    ("journal", &["plan", "run"]),
    ("process", &["plan", "text", "run"]),
    ("workspace", &["plan", "text", "run", "process"]),
    ("agent", &["plan", "text", "run", "process"]),
    ("bodies", &[]),
    ("check", &["plan", "text", "run", "process", "rules"]),
    ("context", &["plan", "run"]),
    ("mcp", &["text"]),
    ("views", &["plan", "text", "run", "board"]),
    ("handoff", &["plan", "text", "run", "board"]),
    (
        "perform",
        &[
            "plan",
            "text",
            "run",
            "rules",
            "process",
            "workspace",
            "agent",
            "bodies",
            "check",
            "context",
            "handoff",
            "mcp",
        ],
    ),
    ("actors", &["plan", "run", "board", "journal", "views", "perform"]),
    ("remote", &["plan", "run", "perform"]),
];

/// They know everybody below, and each other; nobody knows them.
const TOP: &[&str] = &["cli", "config", "telemetry"];

/// What is foreign, or touches the world, and the only places that may know it: rooms, or files.
const HOME_OF: &[(&str, &[&str])] = &[
    ("petgraph", &["plan/graph.rs"]),
    ("serde_saphyr", &["agent/frontmatter.rs"]),
    ("pulldown_cmark", &["notes/"]),
    ("rusqlite", &["journal/"]),
    ("quick_xml", &["check/"]),
    ("tree_sitter", &["bodies/"]),
    ("tree_sitter_elixir", &["bodies/language.rs"]),
    ("tree_sitter_go", &["bodies/language.rs"]),
    ("tree_sitter_java", &["bodies/language.rs"]),
    ("tree_sitter_javascript", &["bodies/language.rs"]),
    ("tree_sitter_python", &["bodies/language.rs"]),
    ("tree_sitter_rust", &["bodies/language.rs"]),
    ("tree_sitter_typescript", &["bodies/language.rs"]),
    ("ractor", &["actors/"]),
    ("agent_client_protocol", &["agent/acp/"]),
    ("indicatif", &["views/"]),
    ("dashmap", &["views/"]),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("annotate_snippets", &["cli/"]),
    ("tracing_opentelemetry", &["telemetry/"]),
    ("opentelemetry", &["telemetry/"]),
    ("opentelemetry_sdk", &["telemetry/"]),
    ("opentelemetry_proto", &["telemetry/"]),
    ("prost", &["telemetry/"]),
    ("ureq", &["telemetry/"]),
    ("tracing_subscriber", &["telemetry/"]),
    ("std::env", &["config/", "main.rs"]),
    ("std::process::Command", &["process/"]),
    ("tokio::process", &["process/"]),
    ("rustix::process", &["process/"]),
    ("std::io::stdout", &["views/", "cli/", "process/", "telemetry/", "mcp/server.rs"]),
    ("std::io::stderr", &["views/", "cli/", "process/", "telemetry/"]),
];

/// Who may ask what time it is. Whoever decides is told.
const CLOCKS: &[&str] = &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"];
const CLOCK_KEEPERS: &[&str] = &[
    "actors/supervisor",
    "cli/",
    "process/",
    "views/screen.rs",
    // Tools that measure: how old a lock is, and what file times say.
    "check/target_dir.rs",
    "workspace/repository.rs",
];

/// Who prints.
const PRINTING: &[&str] = &["println", "print", "eprintln", "eprint", "dbg"];
const PRINTERS: &[&str] = &["views/", "cli/", "main.rs"];

/// Rooms that decide. They are told the time, they touch nothing, and two runs of them are the same run.
const PURE: &[&str] = &["plan", "run", "rules", "board", "bodies"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "std::thread",
    "std::time",
    "std::io",
    "std::os",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::Condvar",
    "std::sync::Barrier",
    "std::sync::atomic",
    "std::sync::mpsc",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::collections::hash_map",
    "std::collections::hash_set",
    "std::hash::RandomState",
    "std::hash::DefaultHasher",
    "HashMap",
    "HashSet",
    "rand",
    "rustix",
    "tempfile",
    "tokio",
];

/// Rooms whose decisions are journaled: no float is the same everywhere.
const WITHOUT_FLOATS: &[&str] = &["plan", "run"];

const NOT_A_NOUN: &[&str] = &[
    "utils", "util", "common", "helpers", "helper", "types", "core", "manager", "managers", "errors", "error", "misc",
    "imp",
];

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn every_file_is_tidy() {
    let files = rust_files("src");
    assert!(files.len() > 10, "the house was not found");
    let draft_words = draft_words();
    let tests: BTreeSet<String> = files.iter().flat_map(|(name, text)| test_files(name, text)).collect();
    let mut faults = Vec::new();
    for (name, text) in &files {
        let is_test = tests.contains(name);
        faults.extend(if is_test { page_faults(name, text, 0) } else { faults_of(name, text, &draft_words) });
    }
    for (name, text) in rust_files("tests").into_iter().chain(rust_files("benches")).chain(rust_files("examples")) {
        faults.extend(page_faults(&name, &text, 0));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_rooms_are_those_of_the_list() {
    let lib = read("src/lib.rs");
    let listed: BTreeSet<String> =
        Facts::of(&lib, &[]).expect("lib.rs parses").modules.into_iter().map(|(name, _)| name).collect();
    let rooms = rooms();
    assert_eq!(
        listed,
        rooms.iter().map(|room| room.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect()
    );
    let strangers: Vec<&String> = listed.iter().filter(|room| !is_room(room)).collect();
    assert!(strangers.is_empty(), "rooms without a row in the table of arrows: {strangers:?}");
    let empty: Vec<String> = rooms.into_iter().filter(|room| items_in(room) == 0).collect();
    assert!(empty.is_empty(), "rooms with nobody in them: {empty:?}");
}

#[test]
fn the_code_map_is_the_house() {
    let faults = map_faults(&read("ARCHITECTURE.md"), &rooms(), |path| at("src").join(path).exists());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// What is wrong with one file of product code, named by its path under `src`.
fn faults_of(name: &str, text: &str, draft_words: &BTreeSet<String>) -> Vec<String> {
    let room = name.trim_end_matches(".rs").split('/').next().unwrap_or_default().to_owned();
    let facts = match Facts::of(text, &modules(name)) {
        Ok(facts) => facts,
        Err(error) => return vec![format!("{name}: does not parse: {error}")],
    };
    let mut faults = page_faults(name, text, facts.test_lines);
    let mut fault = |line: usize, what: String| faults.push(format!("{name}:{line}: {what}"));
    for (function, lines) in facts.functions.iter().filter(|(_, lines)| *lines > FUNCTION_LINES_MAX) {
        fault(0, format!("fn {function} has {lines} lines"));
    }
    for (module, is_public) in &facts.modules {
        if NOT_A_NOUN.contains(&&**module) {
            fault(0, format!("`{module}` is not a noun of this house"));
        }
        if *is_public && name != "lib.rs" {
            fault(0, format!("module {module} is public; a room shows its words in its mod.rs"));
        }
    }
    if name == "lib.rs" && facts.items > 0 {
        fault(0, "is a list of rooms, and nothing else".to_owned());
    }
    for (path, line) in &facts.paths {
        arrow(&room, path, draft_words).into_iter().for_each(|what| fault(*line, what));
        place(name, path).into_iter().for_each(|what| fault(*line, what));
        if let Some(word) = IMPURE.iter().find(|word| PURE.contains(&&*room) && is_under(path, word)) {
            fault(*line, format!("`{word}` in a room that decides ({path})"));
        }
    }
    for (oddity, line) in &facts.oddities {
        if let Some(what) = odd(name, &room, oddity) {
            fault(*line, what);
        }
    }
    faults
}

/// The modules from the root to the one that this file is.
fn modules(name: &str) -> Vec<&str> {
    let mut modules: Vec<&str> = name.trim_end_matches(".rs").split('/').collect();
    if ["mod", "lib", "main"].contains(modules.last().unwrap_or(&"")) {
        modules.pop();
    }
    modules
}

/// Files that are test modules of this one: as little product code as those that are written in it.
fn test_files(name: &str, text: &str) -> Vec<String> {
    let Ok(facts) = Facts::of(text, &modules(name)) else {
        return Vec::new();
    };
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let of = |file: &String| match file.strip_suffix(".rs") {
        Some(_) => vec![format!("{folder}/{file}")],
        None => {
            let module = modules(name).join("/");
            vec![format!("{module}/{file}.rs"), format!("{module}/{file}/mod.rs")]
        }
    };
    facts.test_files.iter().flat_map(of).collect()
}

/// What is wrong with any file: what it says of itself, its name, its length.
fn page_faults(name: &str, text: &str, test_lines: usize) -> Vec<String> {
    let mut faults = Vec::new();
    let first = text.lines().next().unwrap_or_default();
    if first.strip_prefix("//! ").is_none_or(|noun| noun.len() <= 8) {
        faults.push(format!("{name}: the first line does not say what lives here"));
    }
    for part in name.trim_end_matches(".rs").split('/').filter(|part| NOT_A_NOUN.contains(part)) {
        faults.push(format!("{name}: `{part}` is not a noun of this house"));
    }
    let lines = text.lines().count() - test_lines;
    if lines > FILE_LINES_MAX {
        faults.push(format!("{name}: {lines} lines: which two nouns does it hold?"));
    }
    faults
}

/// Whether one room may know what a path names.
fn arrow(room: &str, path: &str, draft_words: &BTreeSet<String>) -> Option<String> {
    let mut parts = path.split("::");
    if parts.next() != Some("crate") || ["lib", "main"].contains(&room) {
        return None;
    }
    let other = parts.next().filter(|other| *other != "*");
    let Some(other) = other else {
        return Some("the whole crate is imported".to_owned());
    };
    if other == room || !is_room(other) || TOP.contains(&room) {
        return None;
    }
    let allowed = MAY_IMPORT.iter().find(|(from, _)| *from == room).map_or(&[][..], |(_, to)| to);
    if !allowed.contains(&other) {
        return Some(format!("{room} must not know {other} ({path})"));
    }
    let word = parts.next().filter(|_| room == "notes")?;
    (!draft_words.contains(word)).then(|| format!("notes knows only a draft's words, not {word} ({path})"))
}

/// Whether a path is at home in this file.
fn place(name: &str, path: &str) -> Option<String> {
    let is_in = |homes: &[&str]| homes.iter().any(|home| name.starts_with(home));
    if let Some((guest, homes)) = HOME_OF.iter().find(|(guest, homes)| is_under(path, guest) && !is_in(homes)) {
        return Some(format!("{guest} lives in {} ({path})", homes.join(", ")));
    }
    let asks = CLOCKS.iter().any(|clock| path == *clock || path.ends_with(&format!("::{clock}")));
    (asks && !is_in(CLOCK_KEEPERS)).then(|| format!("{path}: whoever decides is told the time"))
}

/// Whether an oddity may be in this file.
fn odd(name: &str, room: &str, oddity: &Oddity) -> Option<String> {
    let decides = PURE.contains(&room);
    match oddity {
        Oddity::Async if decides => Some("async in a room that decides".to_owned()),
        Oddity::Float if WITHOUT_FLOATS.contains(&room) => Some("a float in a room that decides".to_owned()),
        Oddity::Unwrap if decides => Some("unwrap without a reason".to_owned()),
        Oddity::Macro(name_of) if PRINTING.contains(&&**name_of) => {
            let may = PRINTERS.iter().any(|printer| name.starts_with(printer));
            (!may).then(|| format!("{name_of}!: views and cli print, nobody else"))
        }
        Oddity::Macro(name_of) if ["todo", "unimplemented"].contains(&&**name_of) => {
            Some(format!("{name_of}! is no product"))
        }
        Oddity::Elsewhere => Some("code that is not where it seems to be".to_owned()),
        Oddity::Async | Oddity::Float | Oddity::Unwrap | Oddity::Macro(_) => None,
    }
}

/// Whether a path is this word, beneath it, or a glob over it.
fn is_under(path: &str, word: &str) -> bool {
    let beneath =
        |path: &str, word: &str| path.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    beneath(path, word) || path.strip_suffix("::*").is_some_and(|all| beneath(word, all))
}

fn is_room(name: &str) -> bool {
    TOP.contains(&name) || MAY_IMPORT.iter().any(|(room, _)| *room == name)
}

/// What the code map of ARCHITECTURE.md has too many or too few. The map is the section with `map` in its heading: a
/// room is a code span that ends with a slash (`plan/`), a file one that ends with `.rs` (`telemetry.rs`, `plan/graph.rs`).
fn map_faults(page: &str, rooms: &BTreeSet<String>, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut named = BTreeSet::new();
    let (mut is_map, mut was_map) = (false, false);
    for line in page.lines() {
        if line.starts_with('#') {
            let is_deeper = line.starts_with("###");
            is_map = line.to_lowercase().contains("map") || is_map && is_deeper;
            was_map |= is_map;
        } else if is_map {
            let spans = line.split('`').skip(1).step_by(2).map(|span| span.trim_start_matches("src/"));
            let is_path = |span: &&str| (span.ends_with('/') || span.ends_with(".rs")) && !span.contains(' ');
            named.extend(spans.filter(is_path).filter(|span| !span.is_empty()).map(str::to_owned));
        }
    }
    if !was_map {
        return vec!["ARCHITECTURE.md has no section with a map".to_owned()];
    }
    let missing = rooms.iter().filter(|room| !named.contains(*room));
    let mut faults: Vec<String> = missing.map(|room| format!("the map does not have {room}")).collect();
    faults
        .extend(named.iter().filter(|path| !exists(path)).map(|path| format!("the map has {path}, the house has not")));
    faults
}

/// The rooms as the tree has them: folders of `src`, and files in it beside lib.rs and main.rs.
fn rooms() -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for entry in fs::read_dir(at("src")).expect("the house has a src") {
        let entry = entry.expect("it is read");
        let name = entry.file_name().into_string().expect("names are text");
        if entry.path().is_dir() {
            rooms.insert(format!("{name}/"));
        } else if !["lib.rs", "main.rs"].contains(&&*name) {
            rooms.insert(name);
        }
    }
    rooms
}

fn items_in(room: &str) -> usize {
    let files = rust_files("src").into_iter().filter(|(name, _)| name.starts_with(room));
    files.map(|(_, text)| Facts::of(&text, &[]).expect("it parses").items).sum()
}

/// What `plan` shows of its draft and its faults, and the plan's words that a draft is made of.
fn draft_words() -> BTreeSet<String> {
    let shown = Facts::of(&read("src/plan/mod.rs"), &["plan"]).expect("it parses").paths;
    let of_draft = Facts::of(&read("src/plan/draft.rs"), &["plan", "draft"]).expect("it parses").paths;
    let is_draft = |path: &String| path.starts_with("draft::") || path.starts_with("fault::");
    let shown = shown.into_iter().map(|(path, _)| path).filter(is_draft);
    let used = of_draft.into_iter().map(|(path, _)| path).filter(|path| path.starts_with("crate::plan::"));
    shown.chain(used).filter_map(|path| path.rsplit("::").next().map(str::to_owned)).collect()
}

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All Rust files beneath a folder, by their path in it. A folder that is not there has none.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let root = at(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry is read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("found there").to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).expect("a source file is text")));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod planted {
    //! The rules themselves: each finds the fault that was planted for it, and leaves its neighbour alone.

    use super::*;

    fn faults(name: &str, text: &str) -> Vec<String> {
        let words = ["Draft", "Span"].map(str::to_owned).into();
        faults_of(name, &format!("//! A noun of the house.\n{text}"), &words)
    }

    #[track_caller]
    fn found(name: &str, text: &str, fault: &str) {
        let faults = faults(name, text);
        assert!(faults.iter().any(|f| f.contains(fault)), "{text}: expected {fault:?}, found {faults:?}");
    }

    #[track_caller]
    fn clean(name: &str, text: &str) {
        assert_eq!(faults(name, text), Vec::<String>::new(), "{text}");
    }

    #[test]
    fn an_arrow_is_seen_however_it_is_written() {
        for text in [
            "use crate::{plan::NodeId, run::{Run, State}};",
            "fn f() { let _ = crate::run::Run::default(); }",
            "fn f() { assert!(crate::run::is_late()); }",
            "fn f() { write!(out, \"{}\", g(&[crate::run::is_late()])); }",
            "use super::super::run::Run;",
            "mod inner { use super::super::super::run::Run; }",
            "use crate::run as r; fn f() -> r::Run { r::Run }",
            "type T = Vec<crate::run::Run>;",
            "impl crate::run::Fold for X {}",
            "#[cfg(not(test))] mod inner { use crate::run::Run; }",
            "macro_rules! m { () => { crate::run::Run } }",
        ] {
            found("plan/a.rs", text, "plan must not know run");
        }
        found("plan/mod.rs", "pub use super::run::Run;", "plan must not know run");
        found("plan/a.rs", "use crate::{self as house, plan::X};", "whole crate");
        found("plan/a.rs", "use crate::*;", "whole crate");
        clean(
            "run/a.rs",
            "use crate::plan::X; use super::Y; pub(crate) fn f() { self::g(); } pub(in crate::run) fn h() {}",
        );
        clean("plan/a.rs", "#[cfg(test)] mod tests { use crate::run::Run; use std::fs; }");
        clean("plan/a.rs", "// crate::run\nconst S: &str = \"crate::run::X\";");
    }

    #[test]
    fn floors_are_held_apart() {
        found("journal/a.rs", "use crate::process::X;", "journal must not know process");
        found("check/a.rs", "use crate::workspace::X;", "check must not know workspace");
        found("rules/a.rs", "use crate::check::X;", "rules must not know check");
        found("views/a.rs", "use crate::handoff::X;", "views must not know handoff");
        found("perform/a.rs", "use crate::journal::X;", "perform must not know journal");
        found("actors/a.rs", "use crate::workspace::X;", "actors must not know workspace");
        for top in TOP {
            found("actors/a.rs", &format!("use crate::{top}::X;"), &format!("actors must not know {top}"));
        }
        found("notes/a.rs", "use crate::plan::{Draft, Plan};", "not Plan");
        found("notes/a.rs", "use crate::plan; fn f() -> plan::Plan { g() }", "not Plan");
        found("notes/a.rs", "use crate::plan::*;", "not *");
        clean("notes/a.rs", "use crate::plan::{Draft, Span};");
        clean("actors/a.rs", "use crate::{board::B, journal::J, perform::P, views::V, run::R, plan::N};");
        clean("cli/a.rs", "use crate::{config::C, telemetry::T, actors::A, journal::J};");
    }

    #[test]
    fn guests_stay_in_their_homes() {
        found("plan/task.rs", "use petgraph::graph::DiGraph;", "petgraph lives in plan/graph.rs");
        found("cli/a.rs", "fn f() { rusqlite::Connection::open(p); }", "rusqlite lives in journal/");
        found("cli/a.rs", "use std::env;", "std::env lives in config/");
        found(
            "perform/a.rs",
            "use std::process; fn f() { process::Command::new(\"x\"); }",
            "std::process::Command lives",
        );
        found("perform/a.rs", "use std::process::*;", "std::process::Command lives in process/");
        found("perform/a.rs", "use std as s; use s::process::Command;", "std::process::Command lives in process/");
        found("workspace/a.rs", "use tokio::process::Command;", "tokio::process lives in process/");
        found("actors/a.rs", "use tracing_subscriber::fmt;", "tracing_subscriber lives in telemetry/");
        found("actors/a.rs", "extern crate ractor; extern crate rusqlite;", "rusqlite lives in journal/");
        clean("cli/a.rs", "use std::process::ExitCode; use clap::Parser;");
        clean("telemetry/mod.rs", "use opentelemetry_sdk::trace::X;");
        clean("main.rs", "fn main() { std::env::args_os(); }");
    }

    #[test]
    fn whoever_decides_is_told_the_time_and_touches_nothing() {
        found("run/a.rs", "use std::{collections::{BTreeMap, HashMap}, fmt};", "HashMap");
        found("run/a.rs", "fn f() { let t = std::time::Instant::now(); }", "std::time");
        found("rules/a.rs", "use std::time; fn f() { time::SystemTime::now(); }", "told the time");
        found("journal/a.rs", "use jiff::Timestamp as T; fn f() { T::now(); }", "told the time");
        found("board/a.rs", "use std::fs;", "std::fs");
        found("rules/a.rs", "use std::sync::{Arc, Mutex};", "std::sync::Mutex");
        found("plan/a.rs", "use std::*;", "std::fs");
        found("run/a.rs", "async fn f() {}", "async");
        found("run/a.rs", "fn f() { async { g().await } }", "async");
        found("run/a.rs", "fn f() -> f64 { 0.5 }", "a float");
        found("run/a.rs", "fn f() -> u8 { (0.5 * 2.0) as u8 }", "a float");
        found("run/a.rs", "fn f() { assert!(x > 0.5) }", "a float");
        found("run/a.rs", "fn f(x: Option<u8>) -> u8 { x.unwrap() }", "unwrap");
        found("run/a.rs", "fn f(x: Option<u8>) { write!(w, \"{}\", x.unwrap()) }", "unwrap");
        clean("board/a.rs", "use std::{collections::BTreeMap, sync::Arc}; const X: f64 = 0.5;");
        clean("run/a.rs", "use std::{hash::Hash, collections::BTreeSet}; fn f(x: Option<u8>) { x.unwrap_or(3); }");
        clean("process/a.rs", "fn f() { std::time::Instant::now(); }");
        clean("actors/supervisor.rs", "fn f() { jiff::Timestamp::now(); }");
    }

    #[test]
    fn only_views_and_cli_print_and_code_is_where_it_seems_to_be() {
        found("journal/a.rs", "fn f() { println!(\"x\") }", "println!");
        found("perform/a.rs", "fn f() { std::eprintln!(\"x\") }", "eprintln!");
        found("perform/a.rs", "use std::io; fn f() { io::stdout().write(b\"x\"); }", "std::io::stdout lives");
        found("views/a.rs", "fn f() { todo!() }", "todo!");
        found("plan/a.rs", "include!(\"../run/a.rs\");", "not where it seems");
        found("plan/a.rs", "#[path = \"../run/a.rs\"] mod a;", "not where it seems");
        clean("views/a.rs", "fn f() { println!(\"x\") }");
        clean("agent/a.rs", "const A: &str = include_str!(\"../../agents/a.md\");");
    }

    #[test]
    fn files_are_nouns_of_a_readable_size() {
        found("run/utils.rs", "", "not a noun");
        found("run/core/mod.rs", "", "not a noun");
        found("run/a.rs", "mod helpers { fn f() {} }", "not a noun");
        found("run/mod.rs", "pub mod train;", "module train is public");
        found("lib.rs", "pub mod run; pub fn f() {}", "a list of rooms");
        found("run/a.rs", &format!("fn long() {{\n{}}}", "    f();\n".repeat(70)), "fn long has 72 lines");
        found("run/a.rs", &format!("trait T {{ fn long() {{\n{}}} }}", "f();\n".repeat(70)), "fn long has 72 lines");
        found("run/a.rs", &"// line\n".repeat(600), "601 lines");
        clean("run/a.rs", &format!("#[cfg(test)]\nmod tests {{\n{}}}", "// line\n".repeat(700)));
        clean("lib.rs", "pub mod run;");
        let declares =
            "#[cfg(test)] mod x; #[cfg(test)] #[path = \"y_tests.rs\"] mod y; mod z; #[cfg(test)] mod here {}";
        assert_eq!(test_files("run/a.rs", declares), ["run/a/x.rs", "run/a/x/mod.rs", "run/y_tests.rs"]);
        assert_eq!(test_files("run/mod.rs", declares), ["run/x.rs", "run/x/mod.rs", "run/y_tests.rs"]);
        for text in ["use x;", "//!\n//! Later.\n", "// A noun of the house.\n", ""] {
            let faults = faults_of("run/a.rs", text, &BTreeSet::new());
            assert!(faults[0].contains("the first line does not say"), "{faults:?}");
        }
    }

    #[test]
    fn the_code_map_names_every_room_and_no_other() {
        let rooms: BTreeSet<String> = ["plan/", "run/", "telemetry.rs"].map(str::to_owned).into();
        let faults = |page: &str| map_faults(page, &rooms, |path| path != "remote/" && path != "plan/gone.rs");
        let whole = "# A\n`old/`\n## Code map\n- `plan/` what\n### first floor\n`src/run/`, `telemetry.rs`, `plan/graph.rs`, `a b/`\n## Rest\n`gone/`";
        assert_eq!(faults(whole), Vec::<String>::new());
        assert_eq!(
            faults(&whole.replace("`src/run/`", "`remote/`")),
            ["the map does not have run/", "the map has remote/, the house has not"]
        );
        assert_eq!(faults(&whole.replace("graph", "gone")), ["the map has plan/gone.rs, the house has not"]);
        assert_eq!(faults("# A\n"), ["ARCHITECTURE.md has no section with a map"]);
    }
}
