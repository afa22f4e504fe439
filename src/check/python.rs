//! Python: pytest, whoever calls it, with a plugin of ours that writes down what it collects and how each test ends.

use super::{
    Check, Ecosystem, Order, Place, Prepared, Preparing, Reader, Reading,
    events::{self, Fault, Taken},
    reports,
};
use crate::plan::Level;
use crate::rules::{Build, ErrorKind, Report, is_test_path};
use regex::Regex;
use serde_json::json;
use std::{fs, io, path::PathBuf, sync::LazyLock};

/// The plugin's text, and its name as a module.
const PLUGIN: &str = include_str!("reporters/tidegate_pytest.py");
const MODULE: &str = "tidegate_pytest";

/// What pytest ends with where it found no test at all.
const NOTHING_COLLECTED: i32 = 5;

static PYTEST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s;&|(/])(?:pytest|py\.test|tox|nox)(?:\s|$|[;&|)])").expect("a constant shape: a test uses it")
});

/// Python and pytest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Python;

impl Ecosystem for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &[
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "pytest.ini",
            "tox.ini",
            "requirements.txt",
            "Pipfile",
            "conftest.py",
        ]
    }

    fn default_checks(&self, place: &Place<'_>, level: Level) -> Vec<String> {
        if level == Level::Deployment || !is_tested(place) {
            return Vec::new();
        }
        let runner = [
            ("uv.lock", "uv run --frozen pytest"),
            ("poetry.lock", "poetry run pytest"),
            ("Pipfile.lock", "pipenv run pytest"),
        ];
        let found = runner.into_iter().find(|(lock, _)| place.has_above(lock));
        vec![place.within(found.map_or("python3 -m pytest", |(_, command)| command))]
    }

    fn calls(&self, command: &str) -> bool {
        PYTEST.is_match(command)
    }

    fn prepare<'a>(&'a self, check: &'a Check<'a>, mut order: Order) -> Preparing<'a> {
        Box::pin(async move {
            let records = prepare(check, &mut order)?;
            Ok(Prepared::read_by(order, Some(records)))
        })
    }
}

/// Whether there are tests in a folder that pytest would run, or is said to.
fn is_tested(place: &Place<'_>) -> bool {
    let says = |name| place.text(name).is_some_and(|text| text.contains("pytest"));
    let is_test = |path: &str| {
        let file = path.rsplit('/').next().unwrap_or(path);
        file.ends_with(".py") && file != "conftest.py" && is_test_path(path)
    };
    place.has("pytest.ini")
        || place.has("conftest.py")
        || ["pyproject.toml", "setup.cfg", "tox.ini"].into_iter().any(says)
        || place.paths().any(is_test)
}

struct Records {
    reports: PathBuf,
}

fn prepare(check: &Check<'_>, order: &mut Order) -> io::Result<Records> {
    let (tools, reports) = (check.tools()?.join("python"), reports(check.scratch));
    fs::create_dir_all(&tools)?;
    if tools.to_string_lossy().contains(':') {
        return Err(io::Error::other(
            "the path of the run's folder has a colon, which python's search path cannot have",
        ));
    }
    let held = |name: &str| check.variable(name).map(|value| value.to_string_lossy().into_owned());
    let before = json!({ "PYTEST_ADDOPTS": held("PYTEST_ADDOPTS"), "PYTHONPATH": held("PYTHONPATH") }).to_string();
    let text =
        [("REPORTS", reports.to_string_lossy()), ("ROOT", check.cwd.to_string_lossy()), ("BEFORE", before.into())]
            .into_iter()
            .fold(PLUGIN.to_owned(), |text, (name, value)| {
                // A string of JSON is one of python's, too.
                text.replace(&format!("\"@{name}@\""), &json!(value).to_string())
            });
    fs::write(tools.join(format!("{MODULE}.py")), text)?;
    order.extend(check, "PYTHONPATH", ":", tools.as_os_str());
    order.extend(check, "PYTEST_ADDOPTS", " ", format!("-p {MODULE}"));
    // What was compiled is of this run alone: one that lies in the tree may be of another text with the same time and length.
    order.variables.push(("PYTHONPYCACHEPREFIX".into(), reports.join("pycache").into()));
    if check.is_offline() {
        // Set-up has fetched what there is: uv would look for more, and its cache is not to be written here.
        let cache = reports.join("uv").into_os_string();
        let words = [("UV_OFFLINE", "1".into()), ("UV_NO_SYNC", "1".into()), ("UV_CACHE_DIR", cache)];
        order.variables.extend(words.map(|(name, value)| (name.into(), value)));
    }
    order.readable.push(tools);
    Ok(Records { reports })
}

impl Reader for Records {
    fn read<'a>(self: Box<Self>, report: &'a mut Report) -> Reading<'a>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let read = events::read(&self.reports, "pytest", report, |fault| Taken::Error(error(fault)))?;
            let found_nothing = read.ends.iter().all(|end| *end == Some(NOTHING_COLLECTED)) && !read.ends.is_empty();
            if found_nothing && report.exit == NOTHING_COLLECTED && report.build == Build::Built {
                // No test is none that fails, as with other runners.
                report.exit = 0;
            }
            Ok(())
        })
    }
}

fn error(fault: Fault) -> crate::rules::BuildError {
    let kind = match fault.kind.as_deref() {
        Some("name") => ErrorKind::Name,
        Some("type") => ErrorKind::Type,
        Some("syntax") => ErrorKind::Syntax,
        _ => ErrorKind::Other,
    };
    let (file, line) = (fault.file.clone().or_else(|| fault.target.clone()), fault.line);
    fault.into_error(kind, file.filter(|file| !file.starts_with('/')), line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Tree;

    #[test]
    fn a_python_project_is_tested_by_what_its_lock_file_says() {
        for (files, expected) in [
            (&[("pyproject.toml", "[tool.pytest.ini_options]"), ("uv.lock", "")][..], vec!["uv run --frozen pytest"]),
            (&[("requirements.txt", ""), ("tests/test_a.py", "")], vec!["python3 -m pytest"]),
            (&[("api/pyproject.toml", ""), ("api/a_test.py", "")], vec!["cd api && python3 -m pytest"]),
            (
                &[("api/pyproject.toml", ""), ("uv.lock", ""), ("api/test_a.py", "")],
                vec!["cd api && uv run --frozen pytest"],
            ),
            (&[("pyproject.toml", ""), ("a.py", "")], vec![]),
            (&[("my app/pytest.ini", "")], vec!["cd 'my app' && python3 -m pytest"]),
            (
                &[("a/pytest.ini", ""), ("a/b/conftest.py", ""), ("c/pytest.ini", "")],
                vec!["cd a && python3 -m pytest", "cd c && python3 -m pytest"],
            ),
            (&[("vendor/x/pytest.ini", ""), ("tests/fixture/pytest.ini", "")], vec![]),
        ] {
            let tree = Tree::with(files);
            let found: Vec<String> =
                tree.projects(&Python).iter().flat_map(|place| Python.default_checks(place, Level::System)).collect();
            assert_eq!(found, expected, "{files:?}");
        }
    }
}
