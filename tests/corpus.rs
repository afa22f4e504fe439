//! Documents that people wrote, read and compared with what a careful person gets from them (corpus/README.md).
#![allow(clippy::unwrap_used, reason = "a test panics where its document is not what it says")]

#[path = "../src/plan/spent.rs"]
mod spent;

use serde_json::Value;
use spent::spent;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tidegate::{
    cli, notes,
    plan::{self, Fault, Plan, Settings, Severity},
};

/// Documents that are near our shapes, or beyond them, and are not read as their truth says: the file, and why. A document
/// of a shape that CONTRACTS.md names is never here.
const MISSES: &[(&str, &str)] = &[];

fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("TIDEGATE_CORPUS").map(PathBuf::from).or_else(|| beside.is_dir().then_some(beside));
    assert!(folder.is_some() || std::env::var_os("CI").is_none(), "the corpus is not there: set TIDEGATE_CORPUS");
    if folder.is_none() {
        println!("skipped: the corpus is not there (TIDEGATE_CORPUS)");
    }
    folder
}

/// What `check --format json` says of a document: a plan, or its errors. The one door: a test through the binary
/// replaces its body, and all comparisons stay.
fn checked(name: &str, text: String) -> Value {
    let (draft, mut faults) = notes::read_text("corpus", name, text);
    match plan::build(&draft, &Settings::default()) {
        Ok((blueprint, more)) if faults.iter().all(|f| f.severity == Severity::Warning) => {
            let warnings: Vec<Fault> = faults.into_iter().chain(more).collect();
            let plan = Plan::build(blueprint).unwrap();
            let rendered = cli::text(&plan, &draft, &warnings, &Settings::default());
            assert!(rendered.lines().all(|l| l.chars().count() <= 120), "{name}: {rendered}");
            cli::json(&plan, &draft, &warnings)
        }
        Ok((_, warnings)) | Err(warnings) => {
            faults.extend(warnings);
            assert!(!cli::render(&draft, &faults, false).is_empty());
            cli::errors(&draft, &faults)
        }
    }
}

#[test]
fn no_document_panics_or_takes_a_second() {
    let Some(folder) = corpus() else { return };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let began = spent();
        let value = checked(&path.file_name().unwrap().to_string_lossy(), text);
        let took = spent() - began;
        assert!(took < Duration::from_secs(1), "{}: {took:?}", path.display());
        let has_tasks = value["tasks"].as_array().is_some_and(|t| !t.is_empty());
        let has_errors = value["errors"].as_array().is_some_and(|e| !e.is_empty());
        assert!(has_tasks || has_errors, "{}: neither a plan nor a diagnostic", path.display());
    }
}

#[test]
fn documents_read_as_their_truths_say() {
    let Some(folder) = corpus() else { return };
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".truth.json") {
            continue;
        }
        let truth: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let file = truth["file"].as_str().unwrap();
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let value = checked(file, text);
        let is_missed = MISSES.iter().any(|(missed, _)| *missed == file);
        let is_refused = value.get("errors").is_some();
        let found = match truth["outcome"].as_str().unwrap() {
            "refused" => refusal(&truth, &value),
            // What may be refused must not be read as another plan.
            _ if is_refused && truth["outcome"] == "either" => Vec::new(),
            _ if is_refused => vec![format!("refused: {}", value["errors"])],
            _ => Compared::new(&truth, &value).differences(),
        };
        println!(
            "{:<50} {} {}",
            file,
            if is_refused { "refused" } else { "plan" },
            if found.is_empty() { "" } else { "WRONG" }
        );
        assert!(!is_missed || truth["tier"] != "contract", "{file} is in the contract, and in the list of misses");
        if is_missed {
            assert!(!found.is_empty(), "{file} is read as its truth says: take it out of the list of misses");
            continue;
        }
        wrong.extend(found.into_iter().map(|w| format!("{file}: {w}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same as its user gets it: the document in its place beside a research.md and a plan.md of a scratch repository,
/// read by `tidegate check --format json` of the built binary.
fn checked_by_the_binary(place: &str, text: &str) -> (Option<i32>, Value) {
    let space = tempfile::tempdir().unwrap();
    let (repo, home) = (space.path().join("repo"), space.path().join("home"));
    let notes = repo.join("notes/corpus");
    std::fs::create_dir_all(&notes).unwrap();
    std::fs::create_dir(&home).unwrap();
    let run = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &home);
        command.env("GIT_CONFIG_NOSYSTEM", "1").args(args).current_dir(&repo).output().unwrap()
    };
    std::fs::write(
        repo.join("tidegate.toml"),
        "[checks]\ntask = [\"true\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n",
    )
    .unwrap();
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    assert!(run("git", &["init", "-q"]).status.success());
    assert!(run("git", &["add", "tidegate.toml"]).status.success());
    assert!(run("git", &[&who[..], &["commit", "-q", "-m", "Begin"]].concat()).status.success());
    std::fs::write(notes.join("research.md"), "# Research\n\nDone.\n").unwrap();
    std::fs::write(notes.join("plan.md"), "# Plan\n\nDone.\n").unwrap();
    std::fs::write(notes.join(place), text).unwrap();
    let output = run(env!("CARGO_BIN_EXE_tidegate"), &["check", "corpus", "--format", "json"]);
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{place}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), value)
}

#[test]
fn the_binary_reads_documents_as_their_truths_say() {
    let Some(folder) = corpus() else { return };
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".truth.json") {
            continue;
        }
        let truth: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let file = truth["file"].as_str().unwrap();
        if MISSES.iter().any(|(missed, _)| *missed == file) {
            continue;
        }
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let mut places = vec![truth["place_as"].as_str().unwrap()];
        places.extend(truth["alt_place"].as_str());
        for place in places {
            let (code, value) = checked_by_the_binary(place, &text);
            let is_refused = truth["outcome"] == "refused";
            let may_be = truth["outcome"] == "either" && value.get("errors").is_some();
            let found = match (is_refused, value.get("errors")) {
                (true, _) => refusal(&truth, &value),
                (false, Some(_)) if may_be => Vec::new(),
                (false, Some(errors)) => vec![format!("refused: {errors}")],
                (false, None) => Compared::new(&truth, &value).differences(),
            };
            wrong.extend(found.into_iter().map(|w| format!("{file} as {place}: {w}")));
            let expected = if is_refused || may_be { 2 } else { 0 };
            if code != Some(expected) {
                wrong.push(format!("{file} as {place}: exit {code:?}, not {expected}"));
            }
            compared += 1;
        }
    }
    println!("{compared} documents compared");
    assert!(compared >= 24, "only {compared} documents were compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn refusal(truth: &Value, value: &Value) -> Vec<String> {
    let Some(errors) = value["errors"].as_array() else { return vec!["was not refused".to_owned()] };
    let empty = Vec::new();
    let faults = truth["faults"].as_array().unwrap_or(&empty);
    let is_told = |fault: &&Value| {
        !errors.iter().any(|e| {
            let has_line = |l: &Value| e["lines"].as_array().is_some_and(|lines| lines.contains(l));
            let is_kind = fault["kind"] == e["code"];
            is_kind && fault["lines"].as_array().is_none_or(|lines| lines.iter().all(has_line))
        })
    };
    faults.iter().filter(is_told).map(|f| format!("not told: {f} in {errors:?}")).collect()
}

/// Whatever comes before by some way.
fn closed(mut before: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let mut has_grown = false;
        for id in before.keys().cloned().collect::<Vec<_>>() {
            let more: BTreeSet<String> =
                before[&id].iter().flat_map(|b| before.get(b).into_iter().flatten()).cloned().collect();
            let all = before.entry(id).or_default();
            let count = all.len();
            all.extend(more);
            has_grown |= all.len() > count;
        }
        if !has_grown {
            return before;
        }
    }
}

struct Compared<'v> {
    truth: &'v Value,
    value: &'v Value,
    /// The truth's id of a task, by the reader's.
    ids: BTreeMap<String, String>,
    wrong: Vec<String>,
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

fn titled(text: &Value) -> String {
    let words = text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    words.trim_end_matches(['.', ':']).replace('`', "")
}

impl<'v> Compared<'v> {
    fn new(truth: &'v Value, value: &'v Value) -> Compared<'v> {
        let mut compared = Compared { truth, value, ids: BTreeMap::new(), wrong: Vec::new() };
        for task in truth["tasks"].as_array().unwrap() {
            let id = task["id"].as_str().unwrap().to_owned();
            let is_same = |t: &&Value| {
                if compared.lenient(task, "id") {
                    titled(&t["title"]) == titled(&task["title"])
                } else {
                    t["id"] == task["id"]
                }
            };
            match value["tasks"].as_array().unwrap().iter().find(is_same) {
                Some(found) => {
                    compared.ids.insert(found["id"].as_str().unwrap().to_owned(), id);
                }
                None => compared.wrong.push(format!("task {id} is not read")),
            }
        }
        compared
    }

    fn lenient(&self, task: &Value, what: &str) -> bool {
        list(&self.truth["lenient"]).iter().chain(&list(&task["lenient"])).any(|l| l == what)
    }

    fn renamed(&self, ids: &Value) -> BTreeSet<String> {
        list(ids).into_iter().map(|id| self.ids.get(&id).cloned().unwrap_or(id)).collect()
    }

    fn differences(mut self) -> Vec<String> {
        let mut wrong = std::mem::take(&mut self.wrong);
        for task in self.value["tasks"].as_array().unwrap() {
            let id = task["id"].as_str().unwrap();
            let truth = self
                .ids
                .get(id)
                .and_then(|id| self.truth["tasks"].as_array().unwrap().iter().find(|t| t["id"] == **id));
            match truth {
                Some(truth) => self.task(truth, task, &mut wrong),
                None if list(&self.truth["container_ids"]).iter().any(|c| c == id) => {}
                None => wrong.push(format!("{id} is no task")),
            }
        }
        self.streams(&mut wrong);
        self.gates(&mut wrong);
        if !self.lenient(self.truth, "order") {
            self.order(&mut wrong);
        }
        if !self.lenient(self.truth, "depends_on") {
            self.edges(&mut wrong);
        }
        wrong
    }

    /// What the shape gives, as pairs: the first one comes before the second.
    fn shape_order(&self) -> Vec<(String, String)> {
        let tasks = self.truth["tasks"].as_array().unwrap();
        let id = |t: &Value| t["id"].as_str().unwrap().to_owned();
        match self.truth["order"].as_str() {
            Some("sequence") => {
                let pairs = tasks.windows(2).filter(|pair| list(&pair[1]["depends_on"]).is_empty());
                pairs.map(|pair| (id(&pair[0]), id(&pair[1]))).collect()
            }
            Some("speckit") => {
                let phases: Vec<Vec<String>> = self.truth["phases"].as_array().unwrap().iter().map(list).collect();
                let is_free = |i: &String| tasks.iter().any(|t| t["id"] == **i && t["info"]["parallel"] == true);
                let mut pairs = Vec::new();
                for (at, phase) in phases.iter().enumerate() {
                    for (place, after) in phase.iter().enumerate() {
                        pairs.extend(phases[..at].iter().flatten().map(|before| (before.clone(), after.clone())));
                        let before = phase[..place].iter().filter(|before| !is_free(before) || !is_free(after));
                        pairs.extend(before.map(|before| (before.clone(), after.clone())));
                    }
                }
                pairs
            }
            _ => Vec::new(),
        }
    }

    fn order(&self, wrong: &mut Vec<String>) {
        let tasks = self.value["tasks"].as_array().unwrap();
        let name = |t: &Value| self.renamed(&serde_json::json!([t["id"]])).into_iter().next().unwrap();
        let before = closed(tasks.iter().map(|t| (name(t), self.renamed(&t["after"]))).collect());
        for (first, second) in self.shape_order() {
            if !before.get(&second).is_some_and(|all| all.contains(&first)) {
                wrong.push(format!("{second} does not come after {first}"));
            }
        }
    }

    /// Each edge of the finished graph has to follow from what is stated, or from the shape's order.
    fn edges(&self, wrong: &mut Vec<String>) {
        let tasks = self.truth["tasks"].as_array().unwrap();
        let of_stream = |stream: &str| {
            tasks.iter().filter(|t| t["stream"] == stream).map(|t| t["id"].as_str().unwrap().to_owned()).collect()
        };
        let spread = |name: String| -> Vec<String> {
            match name.split_once(':') {
                Some(("stream", stream)) => of_stream(stream),
                Some((_, task)) => vec![task.to_owned()],
                None => of_stream(&name),
            }
        };
        let mut right: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for task in tasks {
            let mut before: BTreeSet<String> = list(&task["depends_on"]).into_iter().collect();
            before.extend(list(&task["may_depend_on"]));
            before.extend(list(&task["depends_on_streams"]).into_iter().flat_map(spread));
            for stated in ["stream_depends_on", "may_stream_depend_on"] {
                let stream = task["stream"].as_str().unwrap_or_default();
                before.extend(list(&self.truth[stated][stream]).into_iter().flat_map(spread));
            }
            right.insert(task["id"].as_str().unwrap().to_owned(), before);
        }
        for (first, second) in self.shape_order() {
            right.entry(second).or_default().insert(first);
        }
        let right = closed(right);
        for task in self.value["tasks"].as_array().unwrap() {
            let id = self.renamed(&serde_json::json!([task["id"]])).into_iter().next().unwrap();
            let truth = tasks.iter().find(|t| t["id"] == *id);
            if truth.is_some_and(|t| self.lenient(t, "depends_on")) {
                continue;
            }
            for before in self.renamed(&task["after"]) {
                if !right.get(&id).is_some_and(|all| all.contains(&before)) {
                    wrong.push(format!("{id} comes after {before}, which nothing says"));
                }
            }
        }
    }

    fn task(&self, truth: &Value, task: &Value, wrong: &mut Vec<String>) {
        let id = truth["id"].as_str().unwrap();
        let (title, wanted) = (titled(&task["title"]), titled(&truth["title"]));
        let is_prefix = self.truth["title_match"] == "prefix";
        let is_titled = if is_prefix { title.starts_with(&wanted) } else { title == wanted };
        if !is_titled && !self.lenient(truth, "title") {
            wrong.push(format!("{id} is titled `{title}`, not `{wanted}`"));
        }
        let stream = task["stream"].as_str().filter(|s| *s != "-");
        if stream != truth["stream"].as_str() && !self.lenient(truth, "stream") {
            wrong.push(format!("{id} is in stream {stream:?}, not {}", truth["stream"]));
        }
        if task["done"] != truth["done"] && !self.lenient(truth, "done") {
            wrong.push(format!("{id} is done: {}", task["done"]));
        }
        let (needs, wanted) = (self.renamed(&task["depends_on"]), list(&truth["depends_on"]).into_iter().collect());
        let allowed: BTreeSet<String> =
            list(&truth["may_depend_on"]).into_iter().chain(BTreeSet::clone(&wanted)).collect();
        let differs = !needs.is_superset(&wanted) || !needs.is_subset(&allowed);
        if differs && !self.lenient(truth, "depends_on") {
            wrong.push(format!("{id} depends on {needs:?}, not {wanted:?}"));
        }
        let lanes: BTreeSet<String> = list(&truth["depends_on_streams"]).into_iter().collect();
        if lanes != list(&task["depends_on_streams"]).into_iter().collect() && !self.lenient(truth, "depends_on") {
            wrong.push(format!("{id} depends on streams {}, not {lanes:?}", task["depends_on_streams"]));
        }
    }

    fn streams(&self, wrong: &mut Vec<String>) {
        let truth = self.truth["streams"].as_object().unwrap();
        // A stream that only fields name has no title, and is not in the list.
        let is_named = |id: &str| self.truth["tasks"].as_array().unwrap().iter().any(|t| t["stream"] == id);
        for stream in self.value["streams"].as_array().unwrap().iter().filter(|s| s["id"] != "-") {
            let id = stream["id"].as_str().unwrap();
            match truth.get(id) {
                Some(title)
                    if titled(title) != titled(&stream["title"]) && !self.lenient(self.truth, "stream_title") =>
                {
                    wrong.push(format!("stream {id} is titled {}, not {title}", stream["title"]));
                }
                None if !self.lenient(self.truth, "stream") && !is_named(id) => {
                    wrong.push(format!("{id} is no stream"));
                }
                _ => {}
            }
            let stated: BTreeSet<String> = list(&self.truth["stream_depends_on"][id]).into_iter().collect();
            let may: BTreeSet<String> =
                list(&self.truth["may_stream_depend_on"][id]).into_iter().chain(stated.clone()).collect();
            let found: BTreeSet<String> = list(&stream["depends_on"]).into_iter().collect();
            let differs = !found.is_superset(&stated) || !found.is_subset(&may);
            if differs && !self.lenient(self.truth, "stream_depends_on") {
                wrong.push(format!("stream {id} depends on {found:?}, not {stated:?}"));
            }
        }
        let known: Vec<&Value> = self.value["streams"].as_array().unwrap().iter().map(|s| &s["id"]).collect();
        for id in truth.keys().filter(|id| !known.iter().any(|k| k == id)) {
            wrong.push(format!("stream {id} is not read"));
        }
    }

    fn gates(&self, wrong: &mut Vec<String>) {
        for gate in self.truth["gates"].as_array().into_iter().flatten() {
            let after = list(&gate["after"]);
            let place =
                if gate["system"] == true { "system".to_owned() } else { after.first().cloned().unwrap_or_default() };
            let mut gates = self.value["gates"].as_array().unwrap().iter().filter(|g| g["id"] == place.as_str());
            let has = |g: &Value| {
                g["criteria"].as_array().unwrap().iter().any(|c| titled(&c["text"]) == titled(&gate["text"]))
            };
            if !gates.any(has) {
                wrong.push(format!("{} is no criterion of {place}", gate["text"]));
            }
        }
    }
}
