//! C and its kin: tests that ctest runs, whoever calls it, by the JUnit XML that it writes for us; and make targets, by their exit code.

use super::{
    Check, Ecosystem, Order, Place, Prepared, Preparing, Reader, Reading, Tree,
    command::last_text,
    compiler::{Said, Words},
    events, junit,
    place::quoted,
    reports,
};
use crate::plan::Level;
use crate::process::leaving;
use crate::rules::{Report, regex};
use regex::Regex;
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Bytes of one report that are read.
const LONGEST: u64 = 64 << 20;

static CTEST: LazyLock<Regex> = LazyLock::new(|| regex(r"(?:^|[\s;&|(/])ctest(?:\s|$|[;&|)])"));
static MAKE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?:^|[\s;&|(/])g?make(?:\s|$|[;&|)])"));

/// Says that there are tests.
static HAS_TESTS: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?mi)^\s*(?:enable_testing\s*\(|include\s*\(\s*CTest\s*\))"));

/// A target that tests, by its name.
static TARGET: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?m)^(?:[\w./ -]* )?(test|check)(?: [\w./ -]*)?::?(?:[^=:]|$)"));

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        r"(?m)^(?:g?make(?:\[\d+\])?: \*\*\*|ninja: build stopped|FAILED: |CMake Error|collect2: error|clang: error)",
        &[
            r"(?m)^(?P<file>[^\s:]+\.(?:c|cc|cpp|cxx|h|hh|hpp|hxx|inl|ipp|m|mm)):(?P<line>\d+)(?::\d+)?: (?:fatal )?error: (?P<message>.+)$",
            r"(?m)^(?:[^\s:]*ld: )?(?:[^\s:]+\.o: )?(?P<file>[^\s:()]+\.(?:c|cc|cpp|cxx)):(?:\([^)\n]*\)|(?P<line>\d+)): (?P<message>undefined reference to .+)$",
            r"(?m)^CMake Error at (?P<file>[^\s:]+):(?P<line>\d+) \([^)\n]*\):\n\s*(?P<message>[^\n]+(?:\n\n[^\n]+)?)",
        ],
        [
            r"not declared|undeclared|implicit declaration|No such file|has no member|no member named|is not a member|does not name a type|unknown type name|undefined reference|has not been declared|file not found|Cannot find source file|no (?:type|template) named|use of undeclared",
            r"no matching function|cannot convert|too (?:many|few) arguments|incompatible|invalid conversion|could not convert|no viable|invalid operands|no known conversion",
            r"^expected |unterminated|stray |missing terminating|unexpected ",
        ],
    )
    .entering(r"(?m)^g?make(?:\[\d+\])?: Entering directory '([^'\n]+)'", "")
});

/// CMake and ctest.
#[derive(Clone, Copy, Debug, Default)]
pub struct CMake;

impl Ecosystem for CMake {
    fn name(&self) -> &'static str {
        "cmake"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["CMakeLists.txt"]
    }

    fn default_checks(&self, place: &Place<'_>, level: Level) -> Vec<String> {
        if !place.text("CMakeLists.txt").is_some_and(|text| HAS_TESTS.is_match(text)) {
            return Vec::new();
        }
        let command = match level {
            Level::Deployment => "cmake -S . -B _build -DCMAKE_BUILD_TYPE=Release && cmake --build _build",
            _ => "cmake -S . -B _build && cmake --build _build && ctest --test-dir _build --output-on-failure",
        };
        vec![place.within(command)]
    }

    fn calls(&self, command: &str) -> bool {
        CTEST.is_match(command)
    }

    fn prepare<'a>(&'a self, check: &'a Check<'a>, mut order: Order) -> Preparing<'a> {
        Box::pin(async move {
            let records = prepare(check, &mut order).await?;
            Ok(Prepared::read_by(order, records))
        })
    }
}

/// Puts a `ctest` on the search path that has the real one report. `None`: it is not here, or too old to.
async fn prepare<'a>(check: &'a Check<'a>, order: &mut Order) -> io::Result<Option<Records<'a>>> {
    let answer = check.scratch.join("ctest.txt");
    let exit = check.launch_sh(&Order::plain("command -v ctest && ctest --help"), &answer, None).await;
    let text = last_text(&answer, 256 << 10);
    let real = text.lines().next().filter(|real| real.starts_with('/')).unwrap_or_default();
    if !exit.is_success() || real.is_empty() || !text.contains("--output-junit") {
        return Ok(None);
    }
    let (tools, reports) = (check.tools()?.join("cmake"), reports(check.scratch));
    fs::create_dir_all(&tools)?;
    let word = |path: &Path| quoted(&path.to_string_lossy());
    let shim = tools.join("ctest");
    let text = include_str!("reporters/ctest.sh").replace("@REPORTS@", &word(&reports));
    let text = text.replace("@REAL@", &quoted(real)).replace("@OURS@", &word(&tools));
    fs::write(&shim, text)?;
    fs::set_permissions(&shim, fs::Permissions::from_mode(0o755))?;
    order.precede(check, "PATH", ":", tools.as_os_str());
    order.readable.push(tools);
    Ok(Some(Records { check, reports, said: Said::from_here(check) }))
}

struct Records<'a> {
    check: &'a Check<'a>,
    reports: PathBuf,
    said: Said,
}

impl Reader for Records<'_> {
    fn read<'a>(self: Box<Self>, report: &'a mut Report) -> Reading<'a>
    where
        Self: 'a,
    {
        Box::pin(async move {
            for file in events::files(&self.reports, "ctest", "xml")? {
                let text = String::from_utf8_lossy(&leaving(&file, LONGEST)?).into_owned();
                junit::read(&text, "the report of ctest", Some("ctest"), report);
            }
            events::unended(&self.reports, "ctest", "xml", report)?;
            let did_run = report.tests.keys().any(|name| name.starts_with("ctest "));
            self.said.explain(&WORDS, CTEST.is_match(self.check.command), |_| did_run, report);
            Ok(())
        })
    }
}

/// Make. Its targets say nothing of tests: exit codes, unless they leave reports that are declared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Make;

impl Ecosystem for Make {
    fn name(&self) -> &'static str {
        "make"
    }

    fn manifests(&self) -> &'static [&'static str] {
        // In the order in which make looks for them.
        &["GNUmakefile", "makefile", "Makefile"]
    }

    fn default_checks(&self, place: &Place<'_>, level: Level) -> Vec<String> {
        let text = self.manifests().iter().find_map(|name| place.text(name)).unwrap_or_default();
        let targets: Vec<&str> = TARGET.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str())).collect();
        let target = ["test", "check"].into_iter().find(|target| targets.contains(target));
        let command = match (level, target) {
            (_, None) => None,
            (Level::Deployment, Some(_)) => Some("make".to_owned()),
            (_, Some(target)) => Some(format!("make {target}")),
        };
        command.map(|command| place.within(&command)).into_iter().collect()
    }

    fn calls(&self, command: &str) -> bool {
        MAKE.is_match(command)
    }

    fn reports_tests(&self, _: &str, _: &Tree) -> bool {
        false
    }

    fn is_last_resort(&self) -> bool {
        true
    }

    fn prepare<'a>(&'a self, check: &'a Check<'a>, order: Order) -> Preparing<'a> {
        Box::pin(async move { Ok(Prepared::read_by(order, Some(Printed(Said::from_here(check))))) })
    }
}

/// What a make target printed.
struct Printed(Said);

impl Reader for Printed {
    fn read<'a>(self: Box<Self>, report: &'a mut Report) -> Reading<'a>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let did_run = !report.tests.is_empty();
            self.0.explain(&WORDS, false, |_| did_run, report);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ErrorKind;

    fn defaults(ecosystem: &dyn Ecosystem, files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::with(files);
        tree.projects(ecosystem).iter().flat_map(|place| ecosystem.default_checks(place, Level::System)).collect()
    }

    #[test]
    fn a_folder_is_tested_where_it_says_that_there_are_tests() {
        let ctest = "cmake -S . -B _build && cmake --build _build && ctest --test-dir _build --output-on-failure";
        let within = format!("cd core && {ctest}");
        for (files, expected) in [
            (&[("CMakeLists.txt", "project(x)\nenable_testing()\n")][..], &[ctest][..]),
            (&[("core/CMakeLists.txt", "include( CTest )\n")], &[&within]),
            (&[("CMakeLists.txt", "project(x)\n# enable_testing()\n")], &[]),
        ] {
            assert_eq!(defaults(&CMake, files), expected, "{files:?}");
        }
        for (text, expected) in [
            ("all:\n\techo\ntest: all\n\t./t\n", &["make test"][..]),
            (".PHONY: test\ncheck:\n\t./t\n", &["make check"]),
            ("build lint check: x\n", &["make check"]),
            ("test := x\ncheck = y\n", &[]),
            ("testing:\n", &[]),
        ] {
            assert_eq!(defaults(&Make, &[("Makefile", text)]), expected, "{text}");
        }
    }

    #[test]
    fn errors_of_compiler_linker_and_cmake_are_read_with_their_places() {
        use ErrorKind::{Name, Syntax, Type};
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("tests")).unwrap();
        for file in ["tests/t.c", "tests/CMakeLists.txt"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        let at = root.path().display();
        for (text, kind, line) in [
            (format!("{at}/tests/t.c:3:10: fatal error: two.h: No such file or directory\n"), Name, Some(3)),
            ("tests/t.c:4:5: error: too many arguments to function 'one'\n".to_owned(), Type, Some(4)),
            ("t.c:4:5: error: expected ';' before '}' token\n".to_owned(), Syntax, Some(4)),
            ("/usr/bin/ld: CMakeFiles/t.dir/t.c.o: in function `main':\nt.c:(.text+0xe): undefined reference to `two'\n".to_owned(), Name, None),
            (format!("make[1]: Entering directory '{at}/tests'\nt.c:5:1: error: unknown type name 'two_t'\n"), Name, Some(5)),
            ("CMake Error at tests/CMakeLists.txt:1 (add_executable):\n  Cannot find source file:\n\n    ../src/two.c\n".to_owned(), Name, Some(1)),
        ] {
            let errors = WORDS.errors(&text, root.path(), &[String::new()]);
            assert_eq!((errors.len(), errors[0].kind, errors[0].line), (1, kind, line), "{text} {errors:?}");
            assert!(errors[0].file.as_deref().is_some_and(|file| file.starts_with("tests/")), "{errors:?}");
        }
    }
}
