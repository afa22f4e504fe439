//! Wiring: the lines a task may change without declaring them. Module and export declarations of declared files, entries of
//! dependencies in manifests, lock files.

use super::{
    exports::{files_named, may_hold},
    requirements,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a change of a wiring file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// All of it is wiring; these lines, for people.
    All(Vec<Box<str>>),
    /// Some of it is, and the rest is not.
    Partly {
        /// What is and what is not, in words.
        text: Box<str>,
        /// The file with the wiring and without the rest, where it can be told apart by lines.
        alone: Option<Box<str>>,
    },
    /// None of it is.
    None,
}

/// Who changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Entries of dependencies.
    Product,
    /// Development dependencies and test targets.
    Tests,
}

/// Lock files by name, of the ecosystems whose names we know.
const LOCK_FILES: &[&str] = &[
    "Cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "go.sum",
    "go.work.sum",
    "mix.lock",
    "gradle.lockfile",
    "Gemfile.lock",
    "composer.lock",
    "deno.lock",
];

/// What the change of this file is, as an implementation's: `is_declared` says whether a path is in the task's scope.
pub fn wiring(path: &str, before: Option<&str>, after: Option<&str>, is_declared: &dyn Fn(&str) -> bool) -> Wiring {
    wired(path, before, after, is_declared, For::Product)
}

/// Whether a file of this name says what is to be installed: when one changes, workspaces are set up anew.
pub fn pins_dependencies(name: &str) -> bool {
    LOCK_FILES.contains(&name) || name == "requirements.txt"
}

/// Whether a file is one that the tests phase and the implementation both write their part into: a manifest or a lock file that
/// is no fixture. What it must not lose is missed by the tests themselves.
pub fn is_shared(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    (LOCK_FILES.contains(&file)
        || matches!(
            file,
            "Cargo.toml"
                | "package.json"
                | "pyproject.toml"
                | "go.mod"
                | "mix.exs"
                | "pom.xml"
                | "build.gradle"
                | "build.gradle.kts"
        )
        || is_requirements(file))
        && !super::is_test_path(path)
}

/// Whether a change consists of wiring lines alone (module and export declarations, manifest entries), or is one of a lock file.
pub fn is_wiring_alone(change: &super::Change<'_>) -> bool {
    let (before, after) = change.texts();
    matches!(wiring(change.path, before, after, &|_| true), Wiring::All(_))
}

pub(super) fn wired(
    path: &str,
    before: Option<&str>,
    after: Option<&str>,
    is_declared: &dyn Fn(&str) -> bool,
    who: For,
) -> Wiring {
    let file = path.rsplit('/').next().unwrap_or(path);
    if LOCK_FILES.contains(&file) {
        return Wiring::All(vec!["lock file".into()]);
    }
    let (Some(before), Some(after)) = (before, after) else {
        return Wiring::None;
    };
    if let Some(wiring) = requirements::wiring(file, before, after, who) {
        return wiring;
    }
    match file {
        "Cargo.toml" => manifest(before, after, path, is_declared, who),
        "package.json" => package_json(before, after, who),
        "pyproject.toml" => pyproject(before, after, who),
        _ if is_requirements(file) => {
            let is_of_tests = ["dev", "test"].iter().any(|word| file.contains(word));
            if who == For::Product || is_of_tests { Wiring::All(vec!["dependencies".into()]) } else { Wiring::None }
        }
        _ if may_hold(path) && who == For::Product => declarations(path, before, after, is_declared),
        _ => Wiring::None,
    }
}

/// Sections of a Cargo manifest that configure the runner or the gate, and stay shut for a task that does not name the file.
/// Returns the first that differs, in words.
pub(super) fn shut_part(path: &str, before: Option<&str>, after: Option<&str>) -> Option<String> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let differing = match file {
        "Cargo.toml" => cargo_keys(before.unwrap_or_default(), after.unwrap_or_default())?,
        "package.json" => json_keys(before.unwrap_or("{}"), after.unwrap_or("{}"))?,
        "pyproject.toml" => cargo_keys(before.unwrap_or_default(), after.unwrap_or_default())?,
        _ => return requirements::shut_part(file, before, after),
    };
    let is_shut = |key: &str| match file {
        // The manifest of a new package describes it, and configures nothing that was there.
        "Cargo.toml" if before.is_none() => {
            key.starts_with("test") || key.starts_with("bench") || key == "package.build"
        }
        "Cargo.toml" => is_shut_in_cargo(key),
        "pyproject.toml" => is_shut_in_pyproject(key),
        _ => {
            let top = key.split('.').next().unwrap_or_default();
            matches!(
                top,
                "scripts"
                    | "jest"
                    | "vitest"
                    | "mocha"
                    | "ava"
                    | "tap"
                    | "nyc"
                    | "c8"
                    | "babel"
                    | "type"
                    | "exports"
                    | "imports"
                    | "overrides"
                    | "resolutions"
                    | "pnpm"
                    | "packageManager"
            )
        }
    };
    differing.into_iter().find(|key| is_shut(key))
}

/// Tools that test, or run what tests; and what builds the package, which runs in set-up.
fn is_shut_in_pyproject(key: &str) -> bool {
    const TOOLS: [&str; 12] =
        ["pytest", "coverage", "tox", "nox", "hatch", "pdm", "poe", "taskipy", "rye", "pixi", "mutmut", "unittest"];
    let mut parts = key.split('.');
    match (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) {
        ("build-system", _) => true,
        ("project", "entry-points") => true,
        ("tool", "uv") => parts.next() != Some("dev-dependencies"),
        ("tool", tool) => TOOLS.contains(&tool),
        _ => false,
    }
}

/// Entries of dependencies, by where the tools of Python have them.
fn pyproject(before: &str, after: &str, who: For) -> Wiring {
    let Some(keys) = cargo_keys(before, after) else { return Wiring::None };
    let is_of_tests = |group: &str| ["dev", "test"].iter().any(|word| group.contains(word));
    split(keys, |key| {
        let parts: Vec<&str> = key.split('.').collect();
        match (who, parts.as_slice()) {
            (For::Product, ["project", "dependencies" | "optional-dependencies", ..]) => true,
            (For::Product, ["dependency-groups", ..] | ["tool", "uv", "dev-dependencies", ..]) => true,
            (For::Product, ["tool", "poetry", "dependencies" | "group" | "dev-dependencies", ..]) => true,
            (For::Tests, ["dependency-groups", group, ..]) => is_of_tests(group),
            (For::Tests, ["project", "optional-dependencies", group, ..]) => is_of_tests(group),
            (For::Tests, ["tool", "poetry", "group", group, ..]) => is_of_tests(group),
            (For::Tests, ["tool", "uv" | "poetry", "dev-dependencies", ..]) => true,
            _ => false,
        }
    })
}

/// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.in`.
fn is_requirements(file: &str) -> bool {
    file.contains("requirements") && (file.ends_with(".txt") || file.ends_with(".in"))
}

fn is_shut_in_cargo(key: &str) -> bool {
    let mut parts = key.split('.');
    match (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) {
        ("test" | "bench" | "patch" | "replace" | "profile" | "cargo-features", _) => true,
        ("lib", field) => matches!(field, "test" | "doctest" | "harness" | "bench"),
        ("package", field) => {
            matches!(
                field,
                "build"
                    | "links"
                    | "autotests"
                    | "autobins"
                    | "autobenches"
                    | "autoexamples"
                    | "metadata"
                    | "workspace"
            )
        }
        ("workspace", field) => matches!(field, "metadata" | "exclude" | "default-members" | "resolver"),
        _ => false,
    }
}

fn manifest(before: &str, after: &str, path: &str, is_declared: &dyn Fn(&str) -> bool, who: For) -> Wiring {
    let Some(keys) = cargo_keys(before, after) else {
        return Wiring::None;
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_wiring = |key: &String| {
        let parts: Vec<&str> = key.split('.').collect();
        match (who, parts.as_slice()) {
            (For::Tests, ["dev-dependencies" | "test", ..]) => true,
            (For::Tests, ["target", .., section, _]) => *section == "dev-dependencies",
            (For::Tests, _) => false,
            (For::Product, ["dependencies" | "dev-dependencies" | "build-dependencies", ..]) => true,
            (For::Product, ["workspace", "dependencies", ..]) => true,
            (For::Product, ["workspace", "members"]) => members_are_declared(before, after, folder, is_declared),
            (For::Product, ["target", ..]) => key.contains("dependencies."),
            (For::Product, _) => false,
        }
    };
    split(keys, is_wiring)
}

fn split(keys: Vec<String>, is_wiring: impl Fn(&String) -> bool) -> Wiring {
    let (wired, other): (Vec<String>, Vec<String>) = keys.into_iter().partition(is_wiring);
    match (wired.is_empty(), other.is_empty()) {
        (_, true) => Wiring::All(wired.into_iter().map(Into::into).collect()),
        (true, false) => Wiring::None,
        (false, false) => {
            let text = format!("beside {} also {} changed", wired.join(", "), other.join(", ")).into();
            Wiring::Partly { text, alone: None }
        }
    }
}

/// Dotted keys of a Cargo manifest that differ; `None` where one does not parse.
fn cargo_keys(before: &str, after: &str) -> Option<Vec<String>> {
    let read = |text: &str| toml::from_str::<Value>(text).ok();
    Some(differing(&read(before)?, &read(after)?))
}

fn json_keys(before: &str, after: &str) -> Option<Vec<String>> {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    Some(differing(&read(before)?, &read(after)?))
}

/// Keys that differ, down to tables of four: `target.x.dependencies.y`.
fn differing(before: &Value, after: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    compare(before, after, "", 4, &mut keys);
    keys
}

fn compare(before: &Value, after: &Value, at: &str, depth: u8, keys: &mut Vec<String>) {
    if before == after {
        return;
    }
    let none = serde_json::Map::new();
    let tables = match (before, after) {
        (Value::Object(before), Value::Object(after)) => Some((before, after)),
        (Value::Null, Value::Object(after)) => Some((&none, after)),
        (Value::Object(before), Value::Null) => Some((before, &none)),
        _ => None,
    };
    let Some((before, after)) = tables.filter(|(before, after)| depth > 0 && !(before.is_empty() && after.is_empty()))
    else {
        keys.push(at.to_owned());
        return;
    };
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in all {
        // A dot inside a key is not a level: `cfg(target.os)`.
        let name = key.replace('.', "_");
        let at = if at.is_empty() { name } else { format!("{at}.{name}") };
        let of = |table: &serde_json::Map<String, Value>| table.get(key).cloned().unwrap_or(Value::Null);
        compare(&of(before), &of(after), &at, depth - 1, keys);
    }
}

fn members_are_declared(before: &str, after: &str, folder: &str, is_declared: &dyn Fn(&str) -> bool) -> bool {
    let members = |text: &str| -> BTreeSet<String> {
        let value: Option<Value> = toml::from_str(text).ok();
        let list = value.as_ref().and_then(|v| v.get("workspace")?.get("members")?.as_array());
        list.into_iter().flatten().filter_map(|m| m.as_str().map(str::to_owned)).collect()
    };
    let (before, after) = (members(before), members(after));
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    before.is_subset(&after)
        && after.difference(&before).all(|member| is_declared(&format!("{prefix}{member}/Cargo.toml")))
}

fn package_json(before: &str, after: &str, who: For) -> Wiring {
    let Some(keys) = json_keys(before, after) else {
        return Wiring::None;
    };
    split(keys, |key| {
        let top = key.split('.').next().unwrap_or_default();
        match who {
            For::Product => {
                matches!(top, "dependencies" | "devDependencies" | "peerDependencies" | "optionalDependencies")
            }
            For::Tests => top == "devDependencies",
        }
    })
}

/// Lines that differ, where all say what a package has (`mod x;` and `use` of modules that are declared files).
fn declarations(path: &str, before: &str, after: &str, is_declared: &dyn Fn(&str) -> bool) -> Wiring {
    let is_wired = |line: &str| {
        let named = files_named(path, line);
        named.is_some_and(|files| files.is_empty() || files.iter().any(|file| is_declared(file)))
    };
    let lines = |text| str::lines(text).map(str::trim).filter(|line| !line.is_empty());
    let wired = |text| -> BTreeSet<&str> { lines(text).filter(|line| is_wired(line)).collect() };
    let (old, new) = (wired(before), wired(after));
    let Some(first) = new.symmetric_difference(&old).next() else { return Wiring::None };
    // The rest is the same only in the same order: statements, too, are lines.
    let rest = |text| lines(text).filter(|line| !is_wired(line));
    if rest(before).eq(rest(after)) {
        return Wiring::All(new.symmetric_difference(&old).map(|line| (*line).into()).collect());
    }
    let other = rest(after).zip(rest(before).map(Some).chain(std::iter::repeat(None)));
    let other = other.map(|(now, then)| (now, then == Some(now))).find(|(_, is_same)| !is_same);
    let other = other.map_or("what stood at the end", |(line, _)| line);
    Wiring::Partly {
        text: format!("beside `{first}` also `{other}` changed").into(),
        alone: Some(declared_anew((path, before), after, is_wired).into()),
    }
}

/// `before` with the declarations that `after` has at its top level, and nothing else of it. New ones follow the last that was
/// there, or what describes the whole file.
fn declared_anew((path, before): (&str, &str), after: &str, is_wired: impl Fn(&str) -> bool) -> String {
    let wired = |text| -> BTreeSet<&str> { str::lines(text).filter(|line| is_wired(line)).collect() };
    let (old, new) = (wired(before), wired(after));
    let mut lines: Vec<&str> = before.lines().filter(|line| !old.contains(line) || new.contains(line)).collect();
    let is_declaration = |line: &&str| line.starts_with(char::is_alphabetic) && files_named(path, line).is_some();
    let is_head = |line: &&&str| line.is_empty() || line.starts_with("//!") || line.starts_with("#![");
    let at =
        lines.iter().rposition(is_declaration).map_or_else(|| lines.iter().take_while(is_head).count(), |at| at + 1);
    let is_top = |line: &&str| line.starts_with(char::is_alphabetic);
    lines.splice(at..at, new.difference(&old).copied().filter(is_top));
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARGO: &str = "[package]\nname = \"d\"\n[dependencies]\na = \"1\"\n";

    fn of(path: &str, before: &str, after: &str) -> Wiring {
        let declared =
            |path: &str| path == "src/foo.rs" || path.starts_with("src/bar/") || path.starts_with("crates/new/");
        wiring(path, Some(before), Some(after), &declared)
    }

    #[test]
    fn module_and_export_lines_of_declared_files_are_wiring() {
        let before = "mod a;\n\npub fn x() {}\n";
        for (after, all) in [
            ("mod a;\npub mod foo;\npub use foo::Foo;\n\npub fn x() {}\n", true),
            ("mod a;\nmod bar;\npub(crate) use self::bar::{A, B};\npub fn x() {}\n", true),
            ("mod a;\nmod other;\npub fn x() {}\n", false),
            ("mod a;\nmod foo;\npub fn x() { 1 }\n", false),
            ("mod foo;\npub fn x() {}\n", false),
            ("mod a;\nmod foo; fn evil() {}\npub fn x() {}\n", false),
            ("mod a;\npub mod foo;\n/// ```\n/// panic!();\n/// ```\npub fn x() {}\n", false),
            ("pub fn x() {}\nmod a;\nmod foo;\n", false),
        ] {
            assert_eq!(matches!(of("src/lib.rs", before, after), Wiring::All(_)), all, "{after}");
        }
        let alone = |before: &str, after: &str| match of("src/lib.rs", before, after) {
            Wiring::Partly { alone: Some(alone), .. } => alone.into_string(),
            other => panic!("{other:?}"),
        };
        for (before, after, expected) in [
            (before, "mod a;\nmod foo;\npub fn x() { 1 }\n", "mod a;\nmod foo;\n\npub fn x() {}\n"),
            ("//! Doc.\n\nfn x() {}\n", "mod foo;\nfn y() {}\n", "//! Doc.\n\nmod foo;\nfn x() {}\n"),
            ("mod foo;\nmod a;\n", "mod a;\nfn y() {}\n", "mod a;\n"),
            ("mod a;\n", "mod a;\nmod m {\n    mod foo;\n}\n", "mod a;\n"),
        ] {
            assert_eq!(alone(before, after), expected, "{after}");
        }
        assert!(matches!(of("src/bar.rs", "", "mod inner;\n"), Wiring::All(_)));
    }

    #[test]
    fn entries_of_dependencies_are_wiring_and_the_rest_of_a_manifest_is_not() {
        for (more, all) in [
            ("b = \"1\"\n", true),
            ("[dev-dependencies]\nb = { version = \"1\", features = [\"x\"] }\n", true),
            ("[target.'cfg(unix)'.dependencies]\nb = \"1\"\n", true),
            ("[workspace]\nmembers = [\"crates/new\"]\n", true),
            ("[workspace]\nmembers = [\"crates/other\"]\n", false),
            ("[features]\nx = []\n", false),
            ("b = \"1\"\n[[test]]\nname = \"t\"\nharness = false\n", false),
            ("not toml", false),
        ] {
            let after = format!("{CARGO}{more}");
            assert_eq!(matches!(of("Cargo.toml", CARGO, &after), Wiring::All(_)), all, "{more}");
        }
        let both = format!("{CARGO}b = \"1\"\n[features]\nx = []\n");
        assert_eq!(
            of("Cargo.toml", CARGO, &both),
            Wiring::Partly { text: "beside dependencies.b also features.x changed".into(), alone: None }
        );
        assert!(matches!(wiring("Cargo.lock", None, Some("x"), &|_| false), Wiring::All(_)));
    }

    #[test]
    fn test_targets_and_what_runs_in_a_build_are_the_shut_part_of_a_manifest() {
        for (after, shut) in [
            (format!("{CARGO}b = \"1\"\n"), None),
            (format!("{CARGO}[[test]]\nname = \"t\"\nharness = false\n"), Some("test")),
            (format!("{CARGO}[profile.test]\nopt-level = 3\n"), Some("profile.test.opt-level")),
            (CARGO.replace("name", "autotests = false\nname"), Some("package.autotests")),
            (CARGO.replace("name", "build = \"x.rs\"\nname"), Some("package.build")),
            (format!("{CARGO}[lib]\ntest = false\n"), Some("lib.test")),
        ] {
            assert_eq!(shut_part("Cargo.toml", Some(CARGO), Some(&after)).as_deref(), shut, "{after}");
        }
        assert_eq!(
            shut_part("package.json", Some("{}"), Some("{\"scripts\": {\"test\": \"true\"}}")).as_deref(),
            Some("scripts.test")
        );
    }

    #[test]
    fn dependencies_of_python_are_wiring_and_its_test_sections_are_shut() {
        let old = "[project]\nname = \"d\"\ndependencies = []\n";
        for (more, all, shut) in [
            ("[dependency-groups]\ndev = [\"x\"]\n", true, None),
            ("[project.optional-dependencies]\nextra = [\"x\"]\n", true, None),
            ("[tool.pytest.ini_options]\naddopts = \"-k x\"\n", false, Some("tool.pytest.ini_options.addopts")),
            ("[build-system]\nrequires = []\n", false, Some("build-system.requires")),
            ("[tool.ruff]\nx = 1\n", false, None),
        ] {
            let after = format!("{old}{more}");
            assert_eq!(matches!(of("pyproject.toml", old, &after), Wiring::All(_)), all, "{more}");
            assert_eq!(shut_part("pyproject.toml", Some(old), Some(&after)).as_deref(), shut, "{more}");
        }
        let tests = |path: &str, after: &str| wired(path, Some(old), Some(after), &|_| true, For::Tests);
        assert!(matches!(
            tests("pyproject.toml", &format!("{old}[dependency-groups]\ndev = [\"x\"]\n")),
            Wiring::All(_)
        ));
        assert_eq!(tests("pyproject.toml", &old.replace("[]", "[\"x\"]")), Wiring::None);
        assert!(matches!(of("requirements.txt", "a\n", "a\nb\n"), Wiring::All(_)));
    }

    #[test]
    fn export_lines_of_declared_files_are_wiring_in_other_languages_too() {
        let declared = |path: &str| matches!(path, "app/foo.py" | "web/foo.ts");
        for (path, before, after, all) in [
            ("app/__init__.py", "from .a import A\n", "from .a import A\nfrom .foo import Foo\n", true),
            ("app/__init__.py", "__all__ = [\"A\"]\n", "from .foo import Foo\n\n__all__ = [\"A\", \"Foo\"]\n", true),
            ("app/__init__.py", "", "from .bar import Bar\n", false),
            ("app/__init__.py", "x = 1\n", "from .foo import Foo\nx = 2\n", false),
            ("web/index.ts", "export * from './a';\n", "export * from './a';\nexport * from './foo';\n", true),
            ("web/index.ts", "", "export * from './bar';\n", false),
        ] {
            let judged = wiring(path, Some(before), Some(after), &declared);
            assert_eq!(matches!(judged, Wiring::All(_)), all, "{path}: {after}");
        }
    }

    #[test]
    fn the_test_developer_may_add_development_dependencies_and_test_targets_alone() {
        let of = |more: &str| wired("Cargo.toml", Some(CARGO), Some(&format!("{CARGO}{more}")), &|_| true, For::Tests);
        assert!(matches!(of("[dev-dependencies]\nx = \"1\"\n[[test]]\nname = \"t\"\n"), Wiring::All(_)));
        assert_eq!(of("b = \"1\"\n"), Wiring::None);
        assert!(matches!(of("b = \"1\"\n[dev-dependencies]\nx = \"1\"\n"), Wiring::Partly { .. }));
    }
}
