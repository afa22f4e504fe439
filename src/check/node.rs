//! Node: its own test runner, vitest and jest, whoever calls them, with reporters of ours that NODE_OPTIONS puts into them.

use super::{
    Check, Ecosystem, Order, Place, Prepared, Preparing, Reader, Reading, Tree,
    command::last_text,
    events::{self, Fault, Taken},
    javascript, reports,
};
use crate::plan::Level;
use crate::process::leaving;
use crate::rules::{BuildError, ErrorKind, Report, TestResult, is_leftover_folder, regex};
use crate::text::shortened;
use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The first release whose test runner reports to files that NODE_OPTIONS names.
const OLDEST: u32 = 20;

/// Bytes of one report of jest that are read.
const LONGEST: u64 = 256 << 20;

/// Manifests of a checkout whose scripts are looked at.
const MOST_MANIFESTS: usize = 200;

static TOOL: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?:^|[\s;&|(/])(?:node|npm|npx|pnpm|pnpx|yarn|vitest|jest|react-scripts|turbo|nx|lerna)(?:\s|$|[;&|)])")
});

/// A runner whose tests have names, in a command line or a script.
static RUNNER: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?:^|[\s;&|(/'])(?:vitest|jest|react-scripts test|node (?:[^;&|]* )?--test)(?:\s|$|[;&|)'])")
});

/// A script that is called by its name: `npm test`, `pnpm run check`, `yarn --cwd web unit`.
static SCRIPT: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:^|[\s;&|(])(?:npm|pnpm|yarn)(?:\s+-[^\s]+(?:\s+[./][^\s]*)?)*\s+(?:run-script\s+|run\s+)?([A-Za-z][\w:.-]*)",
    )
});

/// Node and its package managers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Node;

impl Ecosystem for Node {
    fn name(&self) -> &'static str {
        "node"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["package.json"]
    }

    fn default_checks(&self, place: &Place<'_>, level: Level) -> Vec<String> {
        let manifest = place.text("package.json").and_then(|text| serde_json::from_str::<Manifest>(text).ok());
        let manifest = manifest.unwrap_or_default();
        let by = MANAGERS.iter().find(|(lock, ..)| place.has_above(lock)).unwrap_or(&MANAGERS[0]);
        let (_, run, execute) = by;
        let script = |name: &str| manifest.script(name).is_some().then(|| place.within(&format!("{run} run {name}")));
        let command = match level {
            Level::Deployment => script("build"),
            _ if manifest.script("test").is_some() => Some(place.within(&format!("{run} test"))),
            _ if manifest.needs("vitest") => Some(place.within(&format!("{execute} vitest run"))),
            _ if manifest.needs("jest") => Some(place.within(&format!("{execute} jest"))),
            _ => place.paths().any(is_node_test).then(|| place.within("node --test")),
        };
        command.into_iter().collect()
    }

    fn calls(&self, command: &str) -> bool {
        TOOL.is_match(command)
    }

    fn reports_tests(&self, command: &str, tree: &Tree) -> bool {
        let runs = |name: &str| {
            let name = if name == "t" || name == "tst" { "test" } else { name };
            tree.known("package.json").any(|(_, text)| {
                let manifest = serde_json::from_str::<Manifest>(text).unwrap_or_default();
                manifest.script(name).is_some_and(|script| RUNNER.is_match(script))
            })
        };
        RUNNER.is_match(command) || SCRIPT.captures_iter(command).any(|found| runs(&found[1]))
    }

    fn prepare<'a>(&'a self, check: &'a Check<'a>, mut order: Order) -> Preparing<'a> {
        Box::pin(async move {
            let records = prepare(check, &mut order).await?;
            Ok(Prepared::read_by(order, records))
        })
    }
}

/// Lock files of package managers: what runs a script, and what runs a program of a package that is installed.
const MANAGERS: [(&str, &str, &str); 4] = [
    ("package-lock.json", "npm", "npx --no-install"),
    ("pnpm-lock.yaml", "pnpm", "pnpm exec"),
    ("yarn.lock", "yarn", "yarn"),
    ("bun.lock", "bun", "bunx"),
];

/// A package's manifest, as far as it says how it is tested.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    scripts: BTreeMap<String, Value>,
    dependencies: BTreeMap<String, Value>,
    #[serde(rename = "devDependencies")]
    dev_dependencies: BTreeMap<String, Value>,
}

impl Manifest {
    /// A script that does something: npm writes one that only says that there is none.
    fn script(&self, name: &str) -> Option<&str> {
        let script = self.scripts.get(name)?.as_str()?;
        (!script.contains("no test specified")).then_some(script)
    }

    fn needs(&self, package: &str) -> bool {
        self.dev_dependencies.contains_key(package) || self.dependencies.contains_key(package)
    }
}

/// Whether `node --test` runs this file.
fn is_node_test(path: &str) -> bool {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let Some((stem, "js" | "mjs" | "cjs")) = file.rsplit_once('.') else { return false };
    let is_named =
        stem.ends_with(".test") || stem.ends_with("-test") || stem.ends_with("_test") || stem.starts_with("test-");
    !is_leftover_folder(folders) && (is_named || stem == "test" || folders.split('/').any(|folder| folder == "test"))
}

/// What the runners of a check left.
struct Records<'a> {
    check: &'a Check<'a>,
    reports: PathBuf,
}

/// Puts the reporters in. `None`: there is no node here, or one that cannot be asked.
async fn prepare<'a>(check: &'a Check<'a>, order: &mut Order) -> io::Result<Option<Records<'a>>> {
    let answer = check.scratch.join("node.txt");
    let exit = check.launch_sh(&Order::plain("node --version"), &answer, None).await;
    let version = last_text(&answer, 4 << 10);
    let major = version.trim().strip_prefix('v').and_then(|version| version.split('.').next()?.parse().ok());
    if !exit.is_success() || major.is_none_or(|major: u32| major < OLDEST) {
        return Ok(None);
    }
    let (tools, reports) = (check.tools()?.join("node"), reports(check.scratch));
    fs::create_dir_all(&tools)?;
    let before = check.variable("NODE_OPTIONS").map(|value| value.to_string_lossy().into_owned());
    let values = [
        ("REPORTS", json!(reports.to_string_lossy())),
        ("ROOT", json!(check.cwd.to_string_lossy())),
        ("VITEST", json!(tools.join("vitest.mjs").to_string_lossy())),
        ("BEFORE", json!(before)),
    ];
    for (name, text) in [
        ("preload.cjs", include_str!("reporters/preload.cjs")),
        ("vitest.mjs", include_str!("reporters/vitest.mjs")),
        ("node_test.cjs", include_str!("reporters/node_test.cjs")),
    ] {
        let fill =
            |text: String, (name, value): &(&str, Value)| text.replace(&format!("'@{name}@'"), &value.to_string());
        fs::write(tools.join(name), values.iter().fold(text.to_owned(), fill))?;
    }
    let options = options(&tools, &format!("{}\n{}", check.command, scripts(check.cwd)));
    order.extend(check, "NODE_OPTIONS", " ", options);
    order.readable.push(tools);
    Ok(Some(Records { check, reports }))
}

/// Words for NODE_OPTIONS. Of the runner's own reporters there must be as many as places where they write: what the command line
/// adds to ours is among `said`.
fn options(tools: &Path, said: &str) -> String {
    let word = |option: &str, file: &str| {
        let path = tools.join(file).to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        format!("{option} \"{path}\"")
    };
    let destinations = said.matches("--test-reporter-destination").count();
    let reporters = said.matches("--test-reporter").count() - destinations;
    let screen = match (reporters, destinations) {
        (0, _) => " --test-reporter=spec --test-reporter-destination=stdout",
        // One that names no place writes to the screen, as long as it is the only one.
        (_, 0) => " --test-reporter-destination=stdout",
        _ => "",
    };
    let (preload, reporter) = (word("--require", "preload.cjs"), word("--test-reporter", "node_test.cjs"));
    format!("{preload} {reporter} --test-reporter-destination=/dev/null{screen}")
}

/// The scripts of the packages of a checkout.
fn scripts(root: &Path) -> String {
    let (mut said, mut folders, mut count) = (String::new(), vec![(root.to_owned(), 0)], 0);
    while let Some((folder, depth)) = folders.pop() {
        let manifest = leaving(&folder.join("package.json"), 1 << 20).unwrap_or_default();
        if let Ok(manifest) = serde_json::from_slice::<Manifest>(&manifest) {
            let scripts = manifest.scripts.values().filter_map(Value::as_str);
            scripts.for_each(|script| said.extend([script, "\n"]));
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_skipped = name.to_string_lossy().starts_with('.') || is_leftover_folder(&name.to_string_lossy());
            if depth < 3 && count < MOST_MANIFESTS && !is_skipped && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                count += 1;
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    said
}

impl Reader for Records<'_> {
    fn read<'a>(self: Box<Self>, report: &'a mut Report) -> Reading<'a>
    where
        Self: 'a,
    {
        Box::pin(async move {
            for runner in ["node", "vitest"] {
                events::read(&self.reports, runner, report, |fault| taken(fault, self.check.cwd))?;
            }
            jest(&self.reports, self.check.cwd, report)?;
            events::unended(&self.reports, "vitest", "jsonl", report)?;
            events::unended(&self.reports, "jest", "json", report)
        })
    }
}

fn taken(fault: Fault, root: &Path) -> Taken {
    let is_assertion = fault.stack.contains("ERR_ASSERTION") || fault.class == "AssertionError";
    let target = fault.target.clone();
    let error = javascript::error(fault, root);
    match target {
        // A file that is a test as a whole.
        Some(file) if is_assertion && error.kind == ErrorKind::Other => Taken::Failure(format!("{file} (file)")),
        _ => Taken::Error(error),
    }
}

/// What jest says of a run.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Jest {
    #[serde(default)]
    num_total_tests: usize,
    #[serde(default)]
    was_interrupted: bool,
    #[serde(default)]
    test_results: Vec<JestFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JestFile {
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    assertion_results: Vec<JestTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JestTest {
    #[serde(default)]
    ancestor_titles: Vec<String>,
    title: String,
    #[serde(default)]
    status: String,
}

fn jest(reports: &Path, root: &Path, report: &mut Report) -> io::Result<()> {
    for path in events::files(reports, "jest", "json")? {
        let start = leaving(&path.with_extension("start"), 64 << 10).unwrap_or_default();
        let cwd =
            serde_json::from_slice::<Value>(&start).ok().and_then(|start| Some(start.get("cwd")?.as_str()?.to_owned()));
        let base = cwd.as_deref().and_then(|cwd| Path::new(cwd).strip_prefix(root).ok()?.to_str()).unwrap_or_default();
        match serde_json::from_slice::<Jest>(&leaving(&path, LONGEST)?) {
            Ok(jest) => take_in(&jest, root, base, report),
            Err(_) => drop(report.incomplete.get_or_insert_with(|| "the report of jest cannot be read".into())),
        }
    }
    Ok(())
}

fn take_in(jest: &Jest, root: &Path, base: &str, report: &mut Report) {
    let (mut count, mut errors) = (0, Vec::<BuildError>::new());
    for file in &jest.test_results {
        let name = Path::new(&file.name).strip_prefix(root).ok().and_then(Path::to_str).unwrap_or(&file.name);
        for test in &file.assertion_results {
            let all: Vec<&str> = test.ancestor_titles.iter().chain([&test.title]).map(String::as_str).collect();
            let result = match &*test.status {
                "passed" => TestResult::Passed,
                "failed" => TestResult::Failed,
                "todo" => TestResult::Ignored(Some("to do".into())),
                _ => TestResult::Ignored(None),
            };
            count += 1;
            report.record(shortened(&format!("{name} {}", all.join(" > ")), 1_000), result);
        }
        let did_load = !file.assertion_results.is_empty();
        if file.status == "failed" && !did_load {
            let (stack, target) = (file.message.clone(), Some(name.to_owned()));
            let fault = Fault { stack, target, base: Some(base.to_owned()), ..Fault::default() };
            errors.push(javascript::error(fault, root));
        }
    }
    if jest.was_interrupted || count != jest.num_total_tests {
        let why = format!("jest counts {} tests and reports {count}", jest.num_total_tests);
        report.incomplete.get_or_insert_with(|| why.into());
    }
    events::refuse(report, errors);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults(files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::with(files);
        let found = tree.projects(&Node);
        found.iter().flat_map(|place| Node.default_checks(place, Level::System)).collect()
    }

    #[test]
    fn a_package_is_tested_by_its_script_else_by_the_runner_that_it_needs() {
        let test = r#"{"scripts": {"test": "vitest run"}}"#;
        let none = r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#;
        for (files, expected) in [
            (&[("package.json", test)][..], &["npm test"][..]),
            (&[("package.json", test), ("pnpm-lock.yaml", "")], &["pnpm test"]),
            (&[("web/package.json", test), ("yarn.lock", "")], &["cd web && yarn test"]),
            (&[("package.json", none), ("a.test.js", "")], &["node --test"]),
            (&[("package.json", r#"{"devDependencies": {"jest": "1"}}"#)], &["npx --no-install jest"]),
            (&[("package.json", none), ("packages/a/package.json", test)], &["cd packages/a && npm test"]),
            (&[("package.json", "not json"), ("src/a.js", "")], &[]),
        ] {
            assert_eq!(defaults(files), expected, "{files:?}");
        }
    }

    #[test]
    fn whether_a_script_names_its_tests_is_read_from_the_manifest() {
        let tree = Tree::with(&[(
            "web/package.json",
            r#"{"scripts": {"test": "vitest run", "lint": "eslint .", "unit": "node --test"}}"#,
        )]);
        for (command, names) in [
            ("cd web && npm test", true),
            ("npm --prefix ./web t", true),
            ("pnpm run unit", true),
            ("yarn lint", false),
            ("npx vitest run", true),
            ("node --experimental-x --test tests/", true),
            ("node build.js", false),
        ] {
            assert_eq!(Node.reports_tests(command, &tree), names, "{command}");
        }
    }

    #[test]
    fn there_are_as_many_reporters_as_places_where_they_write() {
        let tools = Path::new("/t o\"ols");
        for (said, reporters, places) in [
            ("node --test", 2, 2),
            ("node --test --test-reporter=tap", 1, 2),
            ("node --test --test-reporter=tap --test-reporter-destination=x", 1, 1),
        ] {
            let options = options(tools, said);
            let destinations = options.matches("--test-reporter-destination").count();
            assert_eq!(
                (options.matches("--test-reporter").count() - destinations, destinations),
                (reporters, places),
                "{options}"
            );
            assert!(options.starts_with("--require \"/t o\\\"ols/preload.cjs\""), "{options}");
        }
    }

    #[test]
    fn a_count_of_jest_that_does_not_add_up_is_incomplete() {
        let of = |total: usize| {
            let text = json!({"numTotalTests": total, "testResults": [{"name": "/w/a.test.js", "status": "failed", "assertionResults": [
                {"ancestorTitles": ["x"], "title": "y", "status": "failed"}, {"title": "z", "status": "pending"}]}]});
            let mut report = Report::default();
            take_in(&serde_json::from_value(text).unwrap(), Path::new("/w"), "", &mut report);
            report
        };
        assert_eq!(of(2).incomplete, None);
        assert_eq!(of(2).tests.keys().map(|name| &**name).collect::<Vec<_>>(), ["a.test.js x > y", "a.test.js z"]);
        assert!(of(3).incomplete.is_some());
    }
}
