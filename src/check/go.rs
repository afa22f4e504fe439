//! Go: `go test`, whoever calls it, with package testing telling us how each test ended. What tests print, and what is read from that, says
//! nothing: a test can print the lines of another.

use super::{
    Check, Ecosystem, Order, Place, Prepared, Preparing, Reader, Reading,
    command::last_text,
    compiler::{Said, Words, within},
    events::{self, Taken},
    links::Links,
    place::is_ours,
    reports,
};
use crate::plan::Level;
use crate::process::leaving;
use crate::rules::{ErrorKind, Report, regex};
use regex::Regex;
use serde_json::json;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// What is put into package testing.
const REPORTER: &str = include_str!("reporters/testing.go");

/// Bytes of one source of package testing.
const LONGEST: u64 = 4 << 20;

/// Modules in modules that get checks of their own.
const MOST_MODULES: usize = 20;

static GO_TEST: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:^|[\s;&|(/])(?:go (?:-C \S+ )?test|gotestsum|ginkgo)(?:\s|$|[;&|)])"));

/// Keeps packages from being tested once a test has failed.
static FAIL_FAST: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(\bgo (?:-C \S+ )?test\b[^;&|]*?)\s--?failfast\b(?:=true)?"));

static MAIN_START: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)^func MainStart\(.*\{$"));

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        r"\[(?:build|setup) failed\]",
        &[r"(?m)^(?:vet: )?(?P<file>[^\s:]+\.go):(?P<line>\d+)(?::\d+)?: (?P<message>\S.*)$"],
        [
            r"undefined|is not in (?:GOROOT|std)|no required module provides|has no field or method|could not import|not exported by|cannot find (?:package|module)|missing go\.sum entry|unknown field",
            r"cannot use|not enough (?:arguments|return values)|too many (?:arguments|return values|values)|assignment mismatch|does not (?:implement|satisfy)|mismatched types|cannot convert|missing method|invalid operation|cannot (?:call|range|index|infer)",
            r"syntax error|^expected |illegal |string literal not terminated|comment not terminated|missing ',' |^missing condition|unexpected ",
        ],
    )
});

/// Go and its own test runner.
#[derive(Clone, Copy, Debug, Default)]
pub struct Go;

impl Ecosystem for Go {
    fn name(&self) -> &'static str {
        "go"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["go.mod", "go.work"]
    }

    fn default_checks(&self, place: &Place<'_>, level: Level) -> Vec<String> {
        if !place.paths().any(|path| path.ends_with(".go")) {
            return Vec::new();
        }
        let verb = if level == Level::Deployment { "build" } else { "test" };
        if let Some(text) = place.text("go.work") {
            let packages: Vec<String> = used(text).iter().map(|folder| pattern(folder)).collect();
            return vec![place.within(&format!("go {verb} {}", packages.join(" ")))];
        }
        // A module does not hold those that stand in it.
        let inner = place.paths().filter(|path| path.ends_with("/go.mod") && is_ours(path));
        let inner = inner.map(super::place::folder).filter(|folder| *folder != place.folder).take(MOST_MODULES);
        let all = [*place].into_iter().filter(|place| place.has("go.mod")).chain(inner.map(|at| place.other(at)));
        all.map(|place| place.within(&format!("go {verb} ./..."))).collect()
    }

    fn calls(&self, command: &str) -> bool {
        GO_TEST.is_match(command)
    }

    fn prepare<'a>(&'a self, check: &'a Check<'a>, mut order: Order) -> Preparing<'a> {
        Box::pin(async move {
            let records = prepare(check, &mut order).await?;
            Ok(Prepared::read_by(order, records))
        })
    }
}

/// The modules of a workspace.
fn used(text: &str) -> Vec<String> {
    let (mut used, mut is_in_block) = (Vec::new(), false);
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let folder = match line.strip_prefix("use").filter(|rest| rest.starts_with([' ', '\t', '('])) {
            Some(rest) if rest.trim() == "(" => {
                is_in_block = true;
                continue;
            }
            Some(rest) => rest.trim(),
            None if is_in_block && line != ")" => line,
            None => {
                is_in_block = false;
                continue;
            }
        };
        used.extend(Some(folder.trim_matches('"').to_owned()).filter(|folder| !folder.is_empty()));
    }
    used.truncate(MOST_MODULES);
    used
}

fn pattern(folder: &str) -> String {
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    if folder.is_empty() || folder == "." {
        "./...".to_owned()
    } else {
        super::place::quoted(&format!("./{folder}/..."))
    }
}

/// What package testing and the compiler left.
struct Records<'a> {
    check: &'a Check<'a>,
    reports: PathBuf,
    said: Said,
    _links: Links,
}

/// Has package testing report. `None`: there is no go here, or one whose package testing we do not know.
async fn prepare<'a>(check: &'a Check<'a>, order: &mut Order) -> io::Result<Option<Records<'a>>> {
    let answer = check.scratch.join("go.txt");
    let ask = Order::plain(&within(check.command, "go env GOROOT GOMODCACHE GOFLAGS"));
    let exit = check.launch_sh(&ask, &answer, Some(&check.scratch.join("go.err"))).await;
    let text = last_text(&answer, 64 << 10);
    let lines: Vec<&str> = text.lines().collect();
    let (&[root, modules, flags], true) = (&lines[..], exit.is_success()) else { return Ok(None) };
    let (tools, reports) = (check.tools()?.join("go"), reports(check.scratch));
    fs::create_dir_all(&tools)?;
    let mut links = Links::default();
    let seen = links.without_blanks(&tools)?;
    // What is beneath the cache of modules must not be replaced, unless it is reached on another way.
    let is_module = Path::new(root).starts_with(modules);
    let root = if is_module { links.to(Path::new(root), "go")? } else { PathBuf::from(root) };
    let Some(overlay) = overlay(&root, &tools, &seen)? else { return Ok(None) };
    if is_module {
        let bin = root.join("bin").into_os_string();
        order.precede(check, "PATH", ":", bin);
        order.variables.push(("GOROOT".into(), root.into_os_string()));
        order.variables.push(("GOTOOLCHAIN".into(), "local".into()));
    }
    let words = format!("{flags} -overlay={} -count=1", overlay.display());
    let variables = [
        ("GOFLAGS", words.trim().into()),
        ("TIDEGATE_GO_REPORTS", reports.clone().into_os_string()),
        ("TIDEGATE_GO_ROOT", check.cwd.as_os_str().to_owned()),
        ("TIDEGATE_GO_BEFORE", flags.into()),
    ];
    order.variables.extend(variables.map(|(name, value)| (name.into(), value)));
    let is_configured = check.configured.iter().any(|(name, _)| name == "GOCACHE");
    if check.confines.is_some() && !is_configured {
        // The user's own is not to be written there.
        order.variables.push(("GOCACHE".into(), check.cache.join("go").into_os_string()));
    }
    if check.is_offline() {
        // Set-up has fetched what there is.
        order.variables.push(("GOPROXY".into(), "off".into()));
    }
    order.command = FAIL_FAST.replace_all(&order.command, "$1").into_owned();
    order.readable.extend(links.folder());
    order.readable.push(tools);
    Ok(Some(Records { check, reports, said: Said::from_here(check), _links: links }))
}

/// Writes package testing with our reporter in it, and what has go take it: that file's path as `seen`, where `tools` is written.
fn overlay(root: &Path, tools: &Path, seen: &Path) -> io::Result<Option<PathBuf>> {
    let package = root.join("src/testing");
    let source =
        |name: &str| leaving(&package.join(name), LONGEST).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let (Ok(testing), Ok(fuzz), Ok(example)) = (source("testing.go"), source("fuzz.go"), source("example.go")) else {
        return Ok(None);
    };
    let (Some(testing), Some(fuzz)) = (with_hooks(&testing), with_fuzz_hooks(&fuzz)) else { return Ok(None) };
    let example = example.replace("if !runExample(eg) {", "if !tidegateExample(eg.Name, runExample(eg)) {");
    let mut replaced = serde_json::Map::new();
    let files = [("testing.go", &*testing), ("fuzz.go", &*fuzz), ("example.go", &*example)];
    for (name, text) in files {
        fs::write(tools.join(name), text)?;
        replaced.insert(package.join(name).to_string_lossy().into_owned(), json!(seen.join(name).to_string_lossy()));
    }
    fs::write(tools.join("overlay.json"), json!({ "Replace": replaced }).to_string())?;
    Ok(Some(seen.join("overlay.json")))
}

/// The text with a line behind another. `None`: it is not there.
fn behind(text: &str, line: &str, more: &str) -> Option<String> {
    text.contains(line).then(|| text.replacen(line, &format!("{line}{more}"), 1))
}

fn with_hooks(text: &str) -> Option<String> {
    let begins = MAIN_START.find(text)?.as_str().to_owned();
    let text = behind(text, &begins, "\n\ttidegateBegin()")?;
    let text = behind(&text, "\nfunc (m *M) Run() (code int) {\n", "\tdefer tidegateEnd(&code)\n")?;
    let text = behind(&text, "\nfunc tRunner(t *T, fn func(t *T)) {\n", "\ttidegateStart(t.name)\n")?;
    let text = behind(&text, "\nfunc (t *T) report() {\n", "\ttidegateResult(t.name, t.Failed(), t.Skipped())\n")?;
    let text = behind(&text, "\t\t\tdidPanic = true\n", "\t\t\ttidegateFell(t.name)\n")?;
    // All are to report, whatever fails on the way.
    let text =
        behind(&text, "\nfunc shouldFailFast() bool {\n", "\tif tidegate.file != nil {\n\t\treturn false\n\t}\n")?;
    // Beside a file that is replaced, one that is added would be looked for by older releases' vet.
    let (head, body) = REPORTER.split_once("\n)\n")?;
    let has_imports = head.lines().filter(|line| line.starts_with('\t')).all(|import| text.contains(import));
    has_imports.then(|| text + body)
}

fn with_fuzz_hooks(text: &str) -> Option<String> {
    let text = behind(text, "\nfunc (f *F) report() {\n", "\ttidegateResult(f.name, f.Failed(), f.Skipped())\n")?;
    let text = behind(&text, "\nfunc fRunner(f *F, fn func(*F)) {\n", "\ttidegateStart(f.name)\n")?;
    behind(&text, "\t\t\tdidPanic = true\n", "\t\t\ttidegateFell(f.name)\n")
}

impl Reader for Records<'_> {
    fn read<'a>(self: Box<Self>, report: &'a mut Report) -> Reading<'a>
    where
        Self: 'a,
    {
        Box::pin(async move {
            events::read(&self.reports, "go", report, |fault| {
                Taken::Error(fault.into_error(ErrorKind::Other, None, None))
            })?;
            let names: Vec<&str> = report.tests.keys().filter_map(|name| Some(name.split_once(' ')?.0)).collect();
            let packages: std::collections::BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
            let did_run = |file: &str| {
                let folder = super::place::folder(file);
                packages.contains(&if folder.is_empty() { ".".to_owned() } else { format!("./{folder}") })
            };
            self.said.explain(&WORDS, GO_TEST.is_match(self.check.command), did_run, report);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Tree;

    #[test]
    fn each_module_is_tested_in_its_own_folder_and_a_workspace_from_its_root() {
        for (files, expected) in [
            (&[("go.mod", ""), ("a.go", "")][..], vec!["go test ./..."]),
            (&[("api/go.mod", ""), ("api/a.go", "")], vec!["cd api && go test ./..."]),
            (
                &[("go.mod", ""), ("a.go", ""), ("tools/go.mod", ""), ("tools/t.go", ""), ("testdata/go.mod", "")],
                vec!["go test ./...", "cd tools && go test ./..."],
            ),
            (
                &[("go.work", "go 1.22\n\nuse (\n\t./api // x\n\t.\n)\nuse ./web\n"), ("a.go", ""), ("api/go.mod", "")],
                vec!["go test ./api/... ./... ./web/..."],
            ),
            (&[("go.mod", "")], vec![]),
        ] {
            let tree = Tree::with(files);
            let found: Vec<String> =
                tree.projects(&Go).iter().flat_map(|place| Go.default_checks(place, Level::System)).collect();
            assert_eq!(found, expected, "{files:?}");
        }
    }

    #[test]
    fn what_is_not_there_yet_is_told_from_what_does_not_parse() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("api")).unwrap();
        fs::write(root.path().join("api/a_test.go"), "").unwrap();
        let text = "# x/api [x/api.test]\n./a_test.go:5:2: undefined: Two\napi/a_test.go:6:9: not enough arguments in call to One\n\thave ()\na_test.go:1:1: expected 'package', found x\n./a_test.go:7:1: declared and not used: x\n/usr/b.go:1:1: x redeclared\n    a_test.go:9: no\n";
        let errors = WORDS.errors(text, root.path(), &["api".into(), String::new()]);
        let told: Vec<_> = errors.iter().map(|error| (error.kind, error.file.as_deref(), error.line)).collect();
        let at = |line| (Some("api/a_test.go"), Some(line));
        let expected = [
            (ErrorKind::Name, at(5)),
            (ErrorKind::Type, at(6)),
            (ErrorKind::Syntax, at(1)),
            (ErrorKind::Other, at(7)),
            (ErrorKind::Other, (None, None)),
        ];
        assert_eq!(told, expected.map(|(kind, (file, line))| (kind, file, line)));
    }
}
