//! Elixir: ExUnit, whoever calls it, with a formatter of ours that writes down how each test ended.

use super::{
    Check, Ecosystem, Order, Place, Prepared, Preparing, Reader, Reading,
    compiler::{Said, Words, within},
    events::{self, Taken},
    reports,
};
use crate::plan::Level;
use crate::process::leaving;
use crate::rules::{ErrorKind, Report, regex};
use regex::{Captures, Regex};
use std::{fs, io, path::PathBuf, sync::LazyLock};

/// The formatter's text, and its name.
const FORMATTER: &str = include_str!("reporters/tidegate_formatter.ex");
const MODULE: &str = "Tidegate.Formatter";

/// Bytes of the compiled formatter that are read.
const LONGEST: u64 = 1 << 20;

static MIX_TEST: LazyLock<Regex> = LazyLock::new(|| regex(r"(^|[\s;&|(/])(mix (?:coveralls|test))(\s|$|[;&|)])"));

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        r"== Compilation error in (?:file|module)|\*\* \((?:CompileError|SyntaxError|TokenMissingError|MismatchedDelimiterError)\)",
        &[
            r"(?m)^\*\* \((?P<class>[\w.]+)\) (?P<file>[^\s:]+\.exs?):(?P<line>\d+):(?:\d+:)?\s*(?P<message>.+)$",
            r"(?m)^[ \t]*error: (?P<message>[^\n]+)\n(?:[^\n]*\n){0,12}?[ \t]*\x{2514}\x{2500} (?P<file>[^\s:]+\.exs?):(?P<line>\d+)",
            r"(?m)^\*\* \((?P<class>[\w.]+)\) (?P<message>[^\n]+)\n(?:[^\n]*\n){0,20}?[ \t]+(?P<file>[\w./-]+\.exs?):(?P<line>\d+): ",
            r"(?m)^\*\* \((?P<class>[\w.]+)\) (?P<file>[^\s:]+\.exs?): (?P<message>[^\n]+)$",
        ],
        [
            r"undefined|is not available|is not loaded|could not be found|cannot expand struct|unknown key|errors have been logged",
            r"FunctionClauseError|KeyError|BadArityError",
            r"SyntaxError|TokenMissingError|MismatchedDelimiterError|^syntax error|^unexpected |^missing terminator",
        ],
    )
    .entering(r"(?m)^==> (\w+)$", "apps")
});

/// Elixir, Mix and ExUnit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Elixir;

impl Ecosystem for Elixir {
    fn name(&self) -> &'static str {
        "elixir"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["mix.exs"]
    }

    fn default_checks(&self, place: &Place<'_>, level: Level) -> Vec<String> {
        let is_tested = place.paths().any(|path| path.ends_with("_test.exs") || path.ends_with("test_helper.exs"));
        match level {
            _ if !is_tested => Vec::new(),
            Level::Deployment => vec![place.within("MIX_ENV=prod mix compile")],
            _ => vec![place.within("mix test")],
        }
    }

    fn calls(&self, command: &str) -> bool {
        MIX_TEST.is_match(command)
    }

    fn prepare<'a>(&'a self, check: &'a Check<'a>, mut order: Order) -> Preparing<'a> {
        Box::pin(async move {
            let records = prepare(check, &mut order).await?;
            Ok(Prepared::read_by(order, records))
        })
    }
}

struct Records<'a> {
    check: &'a Check<'a>,
    reports: PathBuf,
    said: Said,
}

/// Puts the formatter in. `None`: there is no Elixir here.
async fn prepare<'a>(check: &'a Check<'a>, order: &mut Order) -> io::Result<Option<Records<'a>>> {
    let (tools, reports) = (check.tools()?.join("elixir"), reports(check.scratch));
    fs::create_dir_all(&tools)?;
    let source = tools.join("tidegate_formatter.ex");
    fs::write(&source, FORMATTER)?;
    let made = reports.join("elixir");
    let words = [&made, &source].map(|path| super::place::quoted(&path.to_string_lossy()));
    let compile = format!("mkdir -p {0} && elixirc -o {0} {1}", words[0], words[1]);
    let log = check.scratch.join("elixirc.txt");
    let ask = Order { readable: vec![tools.clone()], ..Order::plain(&within(check.command, &compile)) };
    let exit = check.launch_sh(&ask, &log, None).await;
    if !exit.is_success() {
        return Ok(None);
    }
    // It was made where tests may write: what they load lies elsewhere.
    let beam = format!("Elixir.{MODULE}.beam");
    fs::write(tools.join(&beam), leaving(&made.join(&beam), LONGEST)?)?;
    let path = tools.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    let before = check.variable("ERL_AFLAGS").cloned().unwrap_or_default();
    let formatters = format!("['Elixir.ExUnit.CLIFormatter','Elixir.{MODULE}']");
    order.extend(check, "ERL_AFLAGS", " ", format!("-pa \"{path}\" -ex_unit formatters \"{formatters}\""));
    let variables = [
        ("TIDEGATE_EX_REPORTS", reports.clone().into_os_string()),
        ("TIDEGATE_EX_ROOT", check.cwd.as_os_str().to_owned()),
        ("TIDEGATE_EX_BEFORE", before),
    ];
    order.variables.extend(variables.map(|(name, value)| (name.into(), value)));
    if check.is_offline() {
        order.variables.push(("HEX_OFFLINE".into(), "1".into()));
    }
    order.command = with_formatter(&order.command);
    order.readable.push(tools);
    Ok(Some(Records { check, reports, said: Said::from_here(check) }))
}

/// The command line with our formatter named, beside those that it names: a helper of tests that names others does not have the last word then.
fn with_formatter(command: &str) -> String {
    let others = if command.contains("--formatter") { "" } else { " --formatter ExUnit.CLIFormatter" };
    let named = |found: &Captures<'_>| format!("{}{} --formatter {MODULE}{others}{}", &found[1], &found[2], &found[3]);
    MIX_TEST.replace_all(command, named).into_owned()
}

impl Reader for Records<'_> {
    fn read<'a>(self: Box<Self>, report: &'a mut Report) -> Reading<'a>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let before = report.incomplete.is_some();
            events::read(&self.reports, "exunit", report, |fault| {
                Taken::Error(fault.into_error(ErrorKind::Other, None, None))
            })?;
            let tests: Vec<Box<str>> = report.tests.keys().cloned().collect();
            let did_run =
                |file: &str| tests.iter().any(|test| test.strip_prefix(file).is_some_and(|rest| rest.starts_with(' ')));
            let held = report.incomplete.take();
            self.said.explain(&WORDS, MIX_TEST.is_match(self.check.command), did_run, report);
            // A file of tests that cannot be loaded ends the run, and says why better.
            let is_explained = !before && report.build != crate::rules::Build::Built;
            report.incomplete = held.filter(|_| !is_explained);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Tree;

    #[test]
    fn our_formatter_is_named_beside_others() {
        for (command, expected) in [
            ("mix test", "mix test --formatter Tidegate.Formatter --formatter ExUnit.CLIFormatter"),
            ("cd a && mix test --formatter X", "cd a && mix test --formatter Tidegate.Formatter --formatter X"),
            ("mix testing", "mix testing"),
        ] {
            assert_eq!(with_formatter(command), expected);
        }
    }

    #[test]
    fn a_project_is_tested_where_it_has_tests() {
        for (files, expected) in [
            (&[("mix.exs", ""), ("test/test_helper.exs", "")][..], &["mix test"][..]),
            (&[("api/mix.exs", ""), ("api/test/a_test.exs", "")], &["cd api && mix test"]),
            (&[("mix.exs", ""), ("apps/a/mix.exs", ""), ("apps/a/test/a_test.exs", "")], &["mix test"]),
            (&[("mix.exs", ""), ("lib/a.ex", "")], &[]),
        ] {
            let tree = Tree::with(files);
            let found: Vec<String> =
                tree.projects(&Elixir).iter().flat_map(|place| Elixir.default_checks(place, Level::System)).collect();
            assert_eq!(found, expected, "{files:?}");
        }
    }

    #[test]
    fn what_is_not_there_yet_is_told_from_what_does_not_parse_in_the_words_of_old_and_new_compilers() {
        use ErrorKind::{Name, Other, Syntax};
        let root = tempfile::tempdir().unwrap();
        let test = "test/a_test.exs";
        fs::create_dir_all(root.path().join("test")).unwrap();
        fs::write(root.path().join(test), "").unwrap();
        for (text, kind, line) in [
            (
                "** (CompileError) test/a_test.exs:5: Shop.Cart.__struct__/1 is undefined, cannot expand struct Shop.Cart",
                Name,
                5,
            ),
            ("** (SyntaxError) test/a_test.exs:5:3: syntax error before: ')'", Syntax, 5),
            (
                "** (SyntaxError) invalid syntax found on test/a_test.exs:5:3:\n    error: syntax error before: ')'\n    \u{2502}\n  5 \u{2502}   x )\n    \u{2502}\n    \u{2514}\u{2500} test/a_test.exs:5:3\n",
                Syntax,
                5,
            ),
            (
                "** (UndefinedFunctionError) function Shop.all/0 is undefined (module Shop is not available)\n    Shop.all()\n    test/a_test.exs:3: (module)\n",
                Name,
                3,
            ),
            (
                "    error: undefined variable \"x\"\n    \u{2502}\n  5 \u{2502}  x\n    \u{2502}  ^\n    \u{2502}\n    \u{2514}\u{2500} test/a_test.exs:5:5: ATest.\"test a\"/1\n\n** (CompileError) test/a_test.exs: cannot compile module ATest (errors have been logged)\n",
                Name,
                5,
            ),
            ("** (RuntimeError) no\n    test/a_test.exs:4: (file)\n", Other, 4),
        ] {
            let errors = WORDS.errors(text, root.path(), &[String::new()]);
            assert_eq!(
                (errors[0].kind, errors[0].file.as_deref(), errors[0].line),
                (kind, Some(test), Some(line)),
                "{text} {errors:?}"
            );
            assert!(errors.iter().all(|error| error.kind == kind), "{errors:?}");
        }
    }
}
