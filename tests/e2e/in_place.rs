//! In place: mechanical work in the user's own working tree, without a clone, a gate of its own and a merge.

use crate::{
    execute::two_streams,
    resources::overlaps,
    space::{Space, tier},
};
use serde_json::Value;
use std::path::PathBuf;

/// Where scripts work in place; the streams and the whole are checked by a command.
fn space(scripts: [&str; 3]) -> Space {
    let space = Space::plain();
    space.write(
        "tidegate.toml",
        "[workspace]\nmode = \"in-place\"\n[checks]\nstream = [\"test -e one\"]\nsystem = [\"test -e three\"]\n[attempts]\ntries = 2\n\
         lives = 1\n",
    );
    space.commit("Work in place");
    space.topic("two", &two_streams(scripts));
    space
}

#[test]
fn scripts_work_where_the_repository_is_in_the_order_of_the_plan_and_nothing_is_committed() {
    let space =
        space(["echo 1 > one", "echo 2 > two", "cat one > three; echo \"$TIDEGATE_TASK $TIDEGATE_ATTEMPT\" >> three"]);
    space.write("two", "not committed\n");
    let said = space.execute("two").exits(0);
    said.says(&[
        "in place: scripts work in this working tree",
        "done, every gate passed",
        "nothing was cloned, committed or merged",
    ])
    .lacks(&["git merge", "left out"]);
    assert_eq!((space.read("three"), space.read("two")), ("1\n3 1\n".into(), "2\n".into()));
    assert_eq!(space.git(&["log", "--format=%s", "-1"]), "Work in place");
    assert_eq!(space.git(&["for-each-ref", "refs/tidegate", "refs/heads/tidegate"]), "");
    let report = space.report("two");
    assert!(report.contains("done in place") && report.contains("1 First: done, with nothing to land"), "{report}");
    space.run(&["logs", "two", "3"]).exits(0);
    space.execute("two").exits(0).says(&["done, every gate passed"]);
    assert_eq!(space.read("three"), "1\n3 1\n", "what is done is not done again");
}

#[test]
fn a_script_that_fails_is_tried_again_and_given_back_and_a_gate_that_does_not_hold_is_told() {
    let space =
        space(["test \"$TIDEGATE_ATTEMPT\" = 2 && echo 1 > one", "echo 'no luck' >&2; exit 3", "cat one > three"]);
    let said = space.execute("two").exits(1);
    said.says(&["no luck", "exit code 3", "tidegate retry two 2"]);
    assert_eq!(space.read("three"), "1\n");
    space.topic("two", &two_streams(["test -e one || exit 1", "rm one", "true"]));
    space.run(&["retry", "two", "2"]).exits(0);
    space.execute("two").exits(1).says(&["test -e one", "exited with 1"]);
}

#[test]
fn a_script_cannot_touch_the_repository_itself() {
    if tier() == "none" {
        return;
    }
    let tried = "for path in hooks/post-checkout config index HEAD refs/heads/evil tidegate/x; do\n\
                 if (echo x >> .git/$path) 2>/dev/null; then echo \"$path\" >> written; fi; done\n\
                 git log -1 --format=%s > one";
    let space = space([tried, "echo 2 > two", "cat one > three"]);
    let before = space.git(&["config", "--list", "--local"]);
    space.execute("two").exits(0);
    assert!(!space.repo().join("written").exists(), "{}", space.read("written"));
    assert_eq!((space.read("three").trim(), space.git(&["config", "--list", "--local"])), ("Work in place", before));
}

/// What is in the folders of a task's jobs.
fn kept(space: &Space, task: &str) -> Vec<String> {
    let below = |dir: PathBuf| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let name = |path: PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let tasks = below(space.repo().join(".git/tidegate/runs")).flat_map(|run| below(run.join("logs")));
    let jobs = tasks.filter(|path| name(path.clone()).starts_with(&format!("{task}-"))).flat_map(below);
    let mut names: Vec<String> = jobs.flat_map(below).map(name).collect();
    names.sort();
    names
}

#[test]
fn a_script_reads_what_its_task_is_and_what_it_says_or_fails_at_is_kept_with_what_it_was_told() {
    let read =
        "cat \"$TIDEGATE_CONTEXT\" > one; cat \"$TIDEGATE_FEEDBACK\" >> one; sh -c 'test -s \"$TIDEGATE_CONTEXT\"'";
    let long = format!(": {}\necho said; exec cat \"$0\" > two", "x".repeat(200_000));
    let space = space([read, &long, "test -e one && echo 3 > three && echo never"]);
    space.execute("two").exits(0).says(&["done, every gate passed"]);
    let one = space.read("one");
    assert!(one.contains("# Task 1: ") && one.contains("Your role: implementation"), "{one}");
    assert!(space.read("two").contains(&"x".repeat(200_000)), "a script of any length is run");
    assert_eq!(kept(&space, "1"), [""; 0], "it did its work without a word");
    assert_eq!(kept(&space, "2"), ["context.md", "script.sh", "stderr", "stdout"]);
    space.run(&["logs", "two", "1"]).exits(0);
    space.run(&["logs", "two", "3"]).exits(0).says(&["never"]);
}

#[test]
fn of_a_script_that_fails_without_a_word_there_is_what_it_was_told() {
    let space = space(["exit 4", "echo 2 > two", "echo 3 > three"]);
    space.execute("two").exits(1).says(&["exit code 4"]);
    let files = kept(&space, "1");
    let all = ["context.md", "context.md", "feedback.md", "script.sh", "script.sh"];
    assert_eq!(
        files.iter().filter(|name| !name.starts_with("std")).collect::<Vec<_>>(),
        all.iter().collect::<Vec<_>>()
    );
    let said = space.run(&["logs", "two", "1", "--raw", "--attempt", "2"]).exits(0);
    said.says(&["exit 4", "exit code 4"]);
}

#[test]
fn what_needs_more_than_a_script_is_refused_with_its_line() {
    let space = space(["echo 1 > one", "", "cat one > three"]);
    let breakdown = space.read("notes/two/breakdown.md").replacen("role=implementation", "role=reviewer", 1);
    space.topic("two", &breakdown);
    let said = space.execute("two").exits(2);
    said.says(&["task 1 has no script, and tasks are done in place", "sh role=implementation"]);
    assert!(!space.repo().join(".git/tidegate/runs").exists(), "a refusal leaves nothing behind");
}

#[test]
fn gates_in_place_look_at_the_working_tree_for_files_figures_coverage_and_what_checks_change() {
    let space = Space::plain();
    let lcov = r"printf 'SF:one\\nDA:1,1\\nDA:2,0\\nend_of_record\\n' > lcov.info";
    let config = |deploy: &str, least: u32, docs: &str| {
        format!(
            "[workspace]\nmode = \"in-place\"\n[checks]\nstream = [\"{lcov}\"]\nsystem = [\"{lcov}\"]\n\
             deployment = [\"{deploy}\"]\n[coverage]\nreports = [\"lcov.info\"]\ntotal = {least}\n\
             [[measures]]\nname = \"size\"\ncommand = \"wc -c < three\"\nbound = \"at most 10\"\n\
             [gates.deployment]\nfiles = [\"three\", \"{docs}\"]\n"
        )
    };
    let execute = |topic: &str, config: &str| {
        space.write("tidegate.toml", config);
        space.commit(topic);
        let scripts =
            ["printf 'a\\nb\\n' > one", "echo 2 > two", "cat one > three; mkdir -p docs; echo use > docs/use.md"];
        space.topic(topic, &two_streams(scripts));
        space.execute(topic)
    };
    execute("changes", &config("echo more >> two", 50, "docs/*.md")).exits(1).says(&[
        "they change two: commit what they make, or ignore it",
        "the lines are covered: measured 50 %, asked for at least 50 %",
        "size: measured 4, asked for at most 10",
    ]);
    execute("uncovered", &config("true", 60, "docs/*.md")).exits(1).says(&["measured 50 %, asked for at least 60 %"]);
    execute("lacks", &config("true", 50, "docs/*.txt")).exits(1).says(&["the tree has no docs/*.txt, or it is empty"]);
    execute("ready", &config("echo a build > built", 50, "docs/*.md")).exits(0).says(&["done, every gate passed"]);
}

#[test]
fn what_a_task_needs_for_itself_it_has_alone_and_nothing_is_copied() {
    let space = space(["echo 1 > one; cat .env", "echo 2 > two", "cat one > three"]);
    space.write(".gitignore", ".env\n");
    space.write(".worktreeinclude", ".env\n");
    space.write(".gitattributes", "*.bin filter=lfs\n");
    space.commit("Name what workspaces would get");
    space.write(".env", "SECRET=1\n");
    let needs =
        |text: &str| text.replace("   - Dependencies: None\n", "   - Dependencies: None\n   - Exclusive: port:4000\n");
    space.topic("two", &needs(&space.read("notes/two/breakdown.md")));
    space.run(&["check", "two"]).exits(0).says(&["alone has port:4000 while its code runs"]);
    space.run(&["doctor", "two"]).lacks(&["LFS"]);
    space.run(&["execute", "two", "--dry-run"]).exits(0).lacks(&["copied into workspaces"]);
    let said = space.run(&["execute", "two", "--json"]).exits(0);
    let events: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let of_two = |event: &Value| event["what"] == "implement" && event["task"] != "3";
    assert!(events.iter().any(of_two), "{}", said.out);
    assert_eq!(overlaps(&events, of_two, ""), []);
}

#[test]
fn without_in_place_doctor_asks_of_git_lfs_what_execute_asks() {
    let space = Space::plain();
    space.topic("two", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    space.write(".gitattributes", "*.bin filter=lfs\n");
    space.commit("Filter");
    space.run(&["doctor", "two"]).exits(3).says(&["lfs = true", "cannot start here yet"]);
    space.execute("two").exits(3).says(&["lfs = true"]);
}
