//! Runs that are to do a part of their plan: one task by `--only`, or as much as `--max-runs` and `--max-cost` allow.

use crate::{
    claude,
    execute::two_streams,
    space::{Said, Space},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

/// Tasks 1 and 2 on stream A and 3 (on 1) on stream B, each done by our own claude for 0.25 dollars, one after the other.
fn space() -> Space {
    let space = Space::plain();
    let config = format!(
        "{}[agents]\nbackend = \"claude\"\n[review]\nreviewers = []\n[slots]\nagents = 1\n[attempts]\ntries = 1\nlives = 1\n",
        space.read("tidegate.toml")
    );
    space.write("tidegate.toml", &config);
    space.commit("Have an agent");
    claude::install(&space, "echo \"$TIDEGATE_TASK\" > \"made-$TIDEGATE_TASK\"");
    let breakdown = two_streams(["", "", ""]).replace("```sh role=implementation\n   \n   ```\n", "");
    assert!(!breakdown.contains("```"), "{breakdown}");
    space.topic("two", &breakdown);
    space
}

fn execute(space: &Space, limit: &[&str]) -> Said {
    claude::run(space, &[&["execute", "two", "--plain"], limit].concat())
}

fn status(space: &Space) -> Value {
    let said = space.run(&["status", "two", "--json"]).exits(0);
    serde_json::from_str(&said.out).expect("one value")
}

/// What agents used, as `status --json` has it: runs, and millionths of a dollar.
fn used(space: &Space) -> (u64, u64) {
    let total = &status(space)["usage"]["total"];
    (total["runs"].as_u64().expect("a count"), total["micros"].as_u64().expect("a sum"))
}

#[test]
fn one_task_is_done_with_what_it_hangs_on_and_the_same_command_goes_on_with_the_rest() {
    let space = Space::strict();
    space.topic("two", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    let said = space.run(&["execute", "two", "--plain", "--only", "3"]).exits(0);
    said.says(&[
        "only 1, 3 now",
        "at least 2 scripts",
        "stopped: what was asked for is done",
        "without --only goes on",
    ]);
    assert_eq!(space.landed("two"), ["First", "Third"]);
    let report = space.report("two");
    assert!(report.contains("stopped: what was asked for is done"), "{report}");
    assert!(report.contains("2 of 3 done"), "{report}");
    space.run(&["why", "two", "2"]).exits(0).says(&["only others were asked for"]);
    space.run(&["execute", "two", "--plain", "--only", "3"]).exits(0);
    assert_eq!(space.landed("two"), ["First", "Third"], "asked again, nothing more is done");
    space.execute("two").exits(0).lacks(&["--only"]).says(&["done, every gate passed"]);
    assert_eq!(space.landed("two"), ["First", "Third", "Second"]);
}

#[test]
fn a_task_that_is_asked_for_and_fails_is_told_as_such() {
    let space = Space::strict();
    space.topic("two", &two_streams(["echo no luck; exit 3", "echo 2 > two", "cat one > three"]));
    let said = space.run(&["execute", "two", "--plain", "--only", "3"]).exits(1);
    said.says(&["what was asked for goes no further", "no luck", "tidegate retry two 1"]);
    assert!(space.landed("two").is_empty());
    space.execute("two").exits(1);
    assert_eq!(space.landed("two"), ["Second"], "the rest does not wait for it");
}

#[test]
fn a_task_that_is_not_there_is_told_with_those_that_are() {
    let space = Space::strict();
    space.topic("two", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    let said = space.run(&["execute", "two", "--plain", "--only", "4"]).exits(2);
    said.says(&["there is no task `4`", "there are 1, 2, 3"]);
    assert!(!space.repo().join(".git/tidegate/runs").exists(), "a refusal leaves nothing behind");
}

#[test]
fn a_run_that_may_start_so_many_agents_stops_there_and_goes_on_when_it_may_start_more() {
    let space = space();
    let said = execute(&space, &["--max-runs", "1"]).exits(4);
    said.says(&[
        "the run stops, to go on later, at 1 run",
        "stopped: a limit is reached, --max-runs 1: 1 run of agents",
    ]);
    let report = space.report("two");
    assert!(report.contains("It goes on where it stopped with a higher limit, or with none:"), "{report}");
    assert!(report.contains("**Limit reached**: \\--max-runs 1: 1 run of agents"), "{report}");
    assert!(report.contains("tidegate execute two ```"), "the flag that would stop it again is left out: {report}");
    assert_eq!((space.landed("two").len(), used(&space)), (1, (1, 250_000)));
    // What was started before counts.
    execute(&space, &["--max-runs", "1"]).exits(4);
    assert_eq!((space.landed("two").len(), used(&space)), (1, (1, 250_000)));
    execute(&space, &["--max-runs", "2"]).exits(4);
    assert_eq!((space.landed("two").len(), used(&space)), (2, (2, 500_000)));
    execute(&space, &["--max-runs", "3"]).exits(0).says(&["done, every gate passed"]);
    assert_eq!((space.landed("two").len(), used(&space)), (3, (3, 750_000)));
}

#[test]
fn a_run_that_may_cost_so_much_ends_what_runs_when_it_is_reached_and_starts_no_more() {
    let space = space();
    let said = execute(&space, &["--max-cost", "0.30"]).exits(4);
    let reached = "--max-cost 0.30: $0.50 spent";
    said.says(&["the run stops, to go on later, at $0.30", &format!("stopped: a limit is reached, {reached}")]);
    // The second began below the limit, and lands.
    assert_eq!((space.landed("two").len(), used(&space)), (2, (2, 500_000)));
    let report = space.report("two");
    for words in [
        "2 of 3 done",
        r"2 runs, 2000 tokens in, 200 cached, 100 out, \$0.50",
        r"**Limit**: \$0.30 in all",
        "tidegate execute two",
    ] {
        assert!(report.contains(words), "{words}: {report}");
    }
    space
        .run(&["status", "two"])
        .exits(0)
        .says(&["Spent: 2 runs", "$0.50", "Limit: $0.30 in all", reached])
        .says(&["let it go on, with a higher limit or none"]);
    let left = if space.landed("two").contains(&"Second".to_owned()) { "3" } else { "2" };
    space.run(&["why", "two", left]).exits(0).says(&["what is left of the budget does not cover it"]);
    assert_eq!(status(&space)["limit"], json!({"micros": 300_000, "runs": null}));
    assert_eq!(status(&space)["reached"], json!([reached]));
    execute(&space, &["--max-cost", "0.50"]).exits(4);
    assert_eq!(used(&space), (2, 500_000), "what was spent before counts");
    let said = execute(&space, &["--max-cost", "0.51"]).exits(0);
    said.says(&["done, every gate passed", "3 runs, 3000 tokens in, 300 cached, 150 out, $0.75"]);
    assert_eq!(space.landed("two").len(), 3);
    assert!(!space.report("two").contains("Limit reached"), "nothing was left to stop");
}

#[test]
fn the_command_that_goes_on_is_told_with_all_that_it_needs() {
    let space = space();
    let config = space.beside("other file.toml");
    std::fs::copy(space.repo().join("tidegate.toml"), &config).expect("it is copied");
    let run = |more: &[&str]| {
        let all = ["--config", "../other file.toml", "execute", "two", "--plain", "-j", "1", "--record", "../tapes"];
        claude::run(&space, &[&all, more].concat())
    };
    let (config, tapes) = ("/repo/../other file.toml'", "/repo/../tapes");
    let again = |said: Said, flags: &str| {
        let line =
            said.all().lines().map(str::trim).find(|line| line.starts_with("tidegate --config '/")).map(str::to_owned);
        let line = line.unwrap_or_else(|| panic!("no command is told: {}", said.all()));
        assert!(
            line.contains(&format!("{config} execute two -j 1{flags} --record /")) && line.ends_with(tapes),
            "{line}"
        );
    };
    again(run(&["--max-runs", "1", "--max-cost", "9"]).exits(4), " --max-cost 9.00");
    let only = run(&["--only", "1", "--max-runs", "8"]).exits(0);
    again(only.says(&["It goes on where it stopped without --only:"]), " --max-runs 8");
    claude::install(&space, "exit 3");
    again(run(&["--only", "3", "--max-runs", "8"]).exits(1).says(&["tidegate retry"]), " --max-runs 8");
    let failed = run(&["--max-runs", "8"]).exits(1);
    again(failed.says(&["settle what waits for you, and go on:"]), " --max-runs 8");
}

#[test]
fn a_limit_that_is_not_set_again_holds_no_longer_and_that_is_said() {
    let space = space();
    execute(&space, &["--max-runs", "1", "--max-cost", "5"]).exits(4);
    space.run(&["status", "two"]).says(&["tidegate execute two --max-cost 5.00"]);
    let (runs, cost) = ("the limit of before, --max-runs 1, holds no longer", "--max-cost 5.00");
    execute(&space, &["--max-cost", "5", "--dry-run"]).exits(0).says(&[runs]).lacks(&[cost]);
    execute(&space, &["--max-runs", "2"]).exits(4).says(&["the limit of before, --max-cost 5.00, holds no longer"]);
    claude::run(&space, &["-q", "execute", "two"])
        .exits(0)
        .says(&["the limit of before, --max-runs 2, holds no longer"]);
}

#[test]
fn a_backend_that_does_not_tell_what_it_costs_is_told_where_money_is_limited() {
    let space = space();
    let config = space.read("tidegate.toml").replace(
        "backend = \"claude\"\n",
        "backend = \"claude\"\n[agents.expert]\nfallback = \"command\"\n[backends]\ncommand = [\"sh\"]\n",
    );
    space.write("tidegate.toml", &config);
    space.commit("Have another agent");
    let told = "--max-cost cannot be relied on to stop command: it tells nothing of what it uses";
    execute(&space, &["--max-cost", "5", "--dry-run"]).exits(0).says(&[told, "--max-runs N"]).lacks(&["stop claude"]);
    execute(&space, &["--max-runs", "5", "--dry-run"]).exits(0).lacks(&[told]);
}

#[test]
fn what_a_fallback_did_is_told_after_its_own_backend_is_back() {
    let space = space();
    let config = space.read("tidegate.toml").replace(
        "backend = \"claude\"\n",
        "backend = \"claude\"\n[agents.implementation]\nfallback = \"command\"\n\
         [backends]\ncommand = [\"sh\", \"-c\", \"echo $TIDEGATE_TASK > other-$TIDEGATE_TASK\"]\n",
    );
    space.write("tidegate.toml", &config);
    space.commit("Have another agent");
    let refused = r#"printf '{"type":"result","subtype":"success","is_error":true,"result":"no","api_error_status":401}\n'; exit"#;
    claude::install(&space, refused);
    execute(&space, &["--only", "1"]).exits(0);
    claude::install(&space, "echo \"$TIDEGATE_TASK\" > \"made-$TIDEGATE_TASK\"");
    execute(&space, &[]).exits(0);
    let report = space.report("two");
    assert!(report.contains("implementation of 1: done by command, to which it fell back from claude"), "{report}");
    let tree = space.tree("two");
    assert!(["other-1", "made-2", "made-3"].iter().all(|file| tree.contains(&(*file).to_owned())), "{tree:?}");
}

#[test]
fn what_an_agent_tells_when_the_run_is_stopped_at_once_is_counted() {
    let space = space();
    let begun = space.beside("begun");
    assert!(space.command("mkfifo").arg(&begun).status().unwrap().success());
    let config = space.read("tidegate.toml") + &format!("[sandbox]\nwritable = [{begun:?}]\n");
    space.write("tidegate.toml", &config);
    space.commit("Show that it has begun");
    let waits = format!("trap : INT\ntail -f /dev/null &\necho > {}\nwait || kill $!", begun.display());
    claude::install(&space, &waits);
    let mut execute = claude::tidegate(&space, &["execute", "two", "--plain"]);
    let mut child = execute.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::fs::read(&begun).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for word in ["draining", "stopping"] {
        assert!(space.command("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        assert!(lines.any(|line| line.unwrap().contains(word)), "{word}");
    }
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!((space.landed("two").len(), used(&space)), (0, (1, 250_000)));
}

#[test]
fn a_call_that_did_not_tell_what_it_used_is_told_as_such() {
    let space = space();
    claude::install(&space, "said 'I begin.'\nexit 3");
    execute(&space, &[]).exits(1);
    let words = "0 tokens in, 0 cached, 0 out, $0.00, and what 1 job used was not told";
    space.run(&["status", "two"]).exits(0).says(&[words]);
    assert_eq!(status(&space)["usage"]["total"]["untold"], json!(2));
    // Of what was cut off, a message of the model may have told what it had used by then.
    let message = r#"{"type":"assistant","message":{"id":"m-1","model":"m","content":[],"usage":{"input_tokens":70}}}"#;
    claude::install(&space, &format!("echo '{message}'\nexit 3"));
    space.run(&["retry", "two", "1"]).exits(0);
    execute(&space, &["--only", "1"]).exits(1);
    let task = &status(&space)["usage"]["tasks"]["1"];
    assert_eq!((&task["input"], &task["untold"]), (&json!(70), &json!(1)));
}

#[test]
fn what_needs_no_model_is_bound_by_no_limit() {
    let space = Space::strict();
    space.topic("two", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    let said = space.run(&["execute", "two", "--plain", "--max-runs", "0", "--max-cost", "0"]).exits(0);
    said.says(&["no model: this costs nothing"]);
    assert_eq!(space.landed("two").len(), 3);
}

#[test]
fn a_sum_that_is_none_is_refused() {
    let space = Space::plain();
    for sum in ["five", "-1", "1,50", "0.0000001"] {
        space.run(&["execute", "two", &format!("--max-cost={sum}")]).exits(2).says(&["is no sum of dollars"]);
    }
}

#[test]
fn what_an_edited_task_used_before_and_after_is_one_sum() {
    let space = space();
    claude::install(&space, "exit 3");
    execute(&space, &[]).exits(1);
    claude::install(&space, "echo \"$TIDEGATE_TASK\" > \"made-$TIDEGATE_TASK\"");
    let breakdown = space.read("notes/two/breakdown.md");
    space.topic("two", &breakdown.replace("First", "First of all"));
    execute(&space, &[]).says(&["the breakdown was edited"]);
    let report = space.report("two");
    let sums = report.lines().filter(|line| line.contains("task 1: ")).collect::<Vec<_>>();
    assert!(matches!(&*sums, [sum] if sum.contains("2 runs, 1000 tokens in")), "{report}");
}
