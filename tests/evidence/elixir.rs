//! ExUnit, by the formatter that is put into it.

use crate::{
    project::{Project, codes, names},
    runners::Runners,
};
use tidegate::{
    check::Elixir,
    rules::{Build, Report, TestResult},
    run::Code,
};

const MIX_TEST: &str = "mix test";
const TOY: &str = "defmodule Toy do\n  def one, do: 1\nend\n";
const OLD: &str =
    "defmodule ToyTest do\n  use ExUnit.Case\n\n  test \"old\" do\n    assert Toy.one() == 1\n  end\nend\n";

/// An application with a test that passes.
fn toy() -> Option<Project> {
    Runners::elixir()?;
    let made = Project::new(&[&Elixir]);
    made.write(
        "mix.exs",
        "defmodule Toy.MixProject do\n  use Mix.Project\n  def project, do: [app: :toy, version: \"0.1.0\", deps: []]\nend\n",
    );
    made.write("lib/toy.ex", TOY);
    made.write("test/test_helper.exs", "ExUnit.start()\n");
    made.write("test/toy_test.exs", OLD);
    Some(made)
}

/// A file of tests with one test, whose body is this.
fn test(body: &str) -> String {
    format!("defmodule NewTest do\n  use ExUnit.Case\n\n  test \"new\" do\n    {body}\n  end\nend\n")
}

/// Red of `text` as a new file of tests.
async fn red(toy: &mut Project, base: &Report, text: &str) -> Result<Vec<Box<str>>, Vec<Code>> {
    toy.red(MIX_TEST, base, ("test/new_test.exs", text)).await.map(|proof| proof.tests)
}

#[tokio::test]
async fn tests_are_reported_by_file_and_name_whoever_calls_mix() {
    let Some(mut toy) = toy() else { return };
    toy.write(
        "test/more_test.exs",
        "defmodule MoreTest do\n  use ExUnit.Case, async: true\n\n  describe \"group\" do\n    test \"says \\\"a\\\"\" do\n      IO.puts(\"1 test, 0 failures\")\n    end\n\n    \
         @tag skip: \"slow\"\n    test \"skips\" do\n    end\n  end\n\n  @tag :out\n  test \"is left out\" do\n  end\n\n  test \"fails\" do\n    assert Toy.one() == 2\n  end\nend\n\n\
         defmodule SetUpTest do\n  use ExUnit.Case\n  setup_all do\n    raise \"no\"\n  end\n\n  test \"has no ground\" do\n  end\nend\n",
    );
    toy.write("test.sh", "mix test\n");
    for (helper, command) in [
        ("ExUnit.start(exclude: [:out])", MIX_TEST),
        ("ExUnit.start(exclude: [:out])", "sh test.sh"),
        ("ExUnit.start(exclude: [:out], formatters: [ExUnit.CLIFormatter])", "mix test --seed 0"),
    ] {
        toy.write("test/test_helper.exs", helper);
        let checked = toy.run(command).await;
        let report = &checked.report;
        let expected = [
            "test/more_test.exs fails",
            "test/more_test.exs group says \"a\"",
            "test/more_test.exs group skips",
            "test/more_test.exs has no ground",
            "test/more_test.exs is left out",
            "test/toy_test.exs old",
        ];
        assert_eq!(names(report), expected, "{command}: {}", checked.tail);
        let failures: Vec<_> = report.failures().collect();
        assert_eq!(failures, ["test/more_test.exs fails", "test/more_test.exs has no ground"], "{command}");
        let skipped = report.tests["test/more_test.exs group skips"].clone();
        assert_eq!(skipped, TestResult::Ignored(Some("slow".into())), "{command}");
        assert!(matches!(report.tests["test/more_test.exs is left out"], TestResult::Ignored(Some(_))), "{command}");
        assert_eq!((&report.incomplete, &report.build), (&None, &Build::Built), "{command}");
    }
}

#[tokio::test]
async fn red_is_accepted_for_an_assertion_and_for_what_is_not_there_yet() {
    let Some(mut toy) = toy() else { return };
    let base = toy.run(MIX_TEST).await.report;
    assert_eq!((names(&base), base.exit), (vec!["test/toy_test.exs old"], 0));
    for body in ["assert Toy.one() == 2", "assert Toy.two() == 2", "assert Shop.two() == 2", "assert %Toy.Cart{} == 2"]
    {
        assert_eq!(red(&mut toy, &base, &test(body)).await, Ok(vec!["test/new_test.exs new".into()]), "{body}");
    }
    let proof = toy.red(MIX_TEST, &base, ("test/new_test.exs", &test("assert %Toy.Cart{} == 2"))).await.unwrap();
    assert!(proof.reason.contains("test/new_test.exs:5") && proof.reason.contains("Toy.Cart"), "{}", proof.reason);
    toy.write("test/new_test.exs", &test("assert Toy.two() == 2"));
    toy.write("lib/two.ex", "defmodule Two do\n  def two, do: 2\nend\n");
    toy.write("lib/toy.ex", "defmodule Toy do\n  def one, do: 1\n  defdelegate two, to: Two\nend\n");
    assert_eq!(codes(&base, &toy.run(MIX_TEST).await.report, &["test/new_test.exs new"]), []);
    toy.write("lib/two.ex", "defmodule Two do\n  def two, do: 1 + 2\nend\n");
    assert_eq!(codes(&base, &toy.run(MIX_TEST).await.report, &["test/new_test.exs new"]), [Code::SealedTestFails]);
}

#[tokio::test]
async fn each_wrong_kind_of_red_is_told_apart() {
    let Some(mut toy) = toy() else { return };
    let base = toy.run(MIX_TEST).await.report;
    for (text, code) in [
        ("defmodule Helper do\nend\n".to_owned(), Code::NoNewTest),
        (test("assert true"), Code::PassesAlready),
        (test("assert )"), Code::SyntaxError),
        (format!("raise \"no\"\n{}", test("assert false")), Code::WrongError),
        (test("System.halt(0)"), Code::RunnerDidNotRun),
        (
            test(
                "IO.puts(\"== Compilation error in file test/new_test.exs ==\\n** (CompileError) test/new_test.exs:5: Toy.two/0 is undefined\")",
            ),
            Code::PassesAlready,
        ),
        (test("assert false").replace("  test \"new", "  @tag :skip\n  test \"new"), Code::NoNewTest),
    ] {
        assert_eq!(red(&mut toy, &base, &text).await, Err(vec![code]), "{text}");
    }
    std::fs::remove_file(toy.at("test/new_test.exs")).unwrap();
    toy.write("lib/toy.ex", "defmodule Toy do\n  def one, do: %Nothing{}\nend\n");
    assert_eq!(red(&mut toy, &base, &test("assert Toy.one()")).await, Err(vec![Code::ErrorElsewhere]));
    toy.write("lib/toy.ex", "defmodule Toy do\n  def one, do: 1 + 6\nend\n");
    assert_eq!(red(&mut toy, &base, &test("assert false")).await, Err(vec![Code::OtherTestsFail]));
    let none = toy.run("mix test --no-such-option").await.report;
    assert!(matches!(none.build, Build::DidNotRun(_)), "{none:?}");
}

#[tokio::test]
async fn forged_lines_an_early_exit_and_configuration_are_not_green() {
    let Some(mut toy) = toy() else { return };
    let base = toy.run(MIX_TEST).await.report;
    toy.write("test/new_test.exs", &test("assert Toy.two() == 2"));
    let sealed = "test/new_test.exs new";
    for (forger, code) in [
        (
            "IO.puts(\".\\n\\nFinished in 0.0 seconds\\n2 tests, 0 failures\")\n    System.halt(0)",
            Code::RunnerDidNotRun,
        ),
        ("exit(:normal)", Code::SealedTestFails),
        ("ExUnit.configure(formatters: [], exclude: [test: true])\n    3", Code::SealedTestFails),
    ] {
        toy.write(
            "lib/toy.ex",
            &format!("defmodule Toy do\n  def one, do: 1\n\n  def two do\n    {forger}\n  end\nend\n"),
        );
        let candidate = toy.run(MIX_TEST).await;
        let found = codes(&base, &candidate.report, &[sealed]);
        assert!(found.contains(&code), "{forger}: {found:?} {:?} {}", candidate.report, candidate.tail);
    }
    toy.write("lib/toy.ex", "defmodule Toy do\n  def one, do: 1\n  def two, do: 1 + 2\nend\n");
    toy.write("config/config.exs", "import Config\nconfig :ex_unit, exclude: [:test]\n");
    let found = codes(&base, &toy.run(MIX_TEST).await.report, &[sealed]);
    assert!(found.contains(&Code::SealedTestMissing) || found.contains(&Code::SealedTestFails), "{found:?}");
}

#[tokio::test]
async fn what_a_test_starts_is_not_taken_for_a_test_of_the_project() {
    let Some(mut toy) = toy() else { return };
    toy.write("inner/a.exs", "ExUnit.start()\ndefmodule InnerTest do\n  use ExUnit.Case\n  test \"inner\" do\n    assert false\n  end\nend\n");
    toy.write("test/new_test.exs", &test("assert {_, 2} = System.cmd(\"elixir\", [\"inner/a.exs\"])\n    assert System.get_env(\"ERL_AFLAGS\") == nil"));
    let report = toy.run(MIX_TEST).await.report;
    assert_eq!(
        (names(&report), report.exit),
        (vec!["test/new_test.exs new", "test/toy_test.exs old"], 0),
        "{report:?}"
    );
}
