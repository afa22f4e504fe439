//! Coverage through the binary: reports that the checks leave, changed lines and all lines, and what does not count.

use crate::{
    breakdown::{Task, put, stream},
    space::Space,
};

/// A check that reports each line of `src/*.py` as run, but those that say `dead`.
const CHECK: &str = "set -e\nmkdir -p out\n: > out/lcov.info\nfor f in src/*.py; do\n  [ -f \"$f\" ] || continue\n  \
    echo \"SF:$PWD/$f\"\n  awk '{ print \"DA:\" NR \",\" (/dead/ ? 0 : 1) }' \"$f\"\n  echo end_of_record\ndone >> out/lcov.info\n";

/// A repository whose checks leave a report, with these keys in `[coverage]`.
fn space_with(coverage: &str) -> Space {
    let space = Space::empty();
    space.write("check.sh", CHECK);
    space.write("src/base.py", "a = 1\nb = 2\n");
    space.write("README.md", "words\n");
    space.write(".gitignore", "/out\n");
    let checks = "[checks]\ntask = [\"sh check.sh\"]\nstream = [\"sh check.sh\"]\nsystem = [\"sh check.sh\"]\n";
    let config =
        format!("{checks}[attempts]\ntries = 2\nlives = 1\n[coverage]\nreports = [\"out/lcov.info\"]\n{coverage}");
    space.write("tidegate.toml", &config);
    space.commit("Begin");
    space
}

fn task(title: &str) -> Task {
    Task::new(title).field("Test Requirements: None")
}

#[test]
fn changed_lines_that_no_test_runs_send_a_task_back_with_their_places() {
    let space = space_with("changed = 80\n");
    let one = task("one").code(&put("src/x.py", "x = 1\ny = dead\nz = dead\n")).code(&format!(
        "grep -q 'measured 33.333 %, asked for at least 80 %' \"$TIDEGATE_FEEDBACK\"\n\
         grep -q 'src/x.py:2.*no test runs the changed lines 2-3' \"$TIDEGATE_FEEDBACK\"\n{}",
        put("src/x.py", "x = 1\ny = 2\nz = 3\n")
    ));
    space.topic("cov", &stream(&[one], "All tests pass"));
    space.run(&["check", "cov"]).exits(0).says(&[
        "the changed lines are covered: the share of changed lines that tests run in out/lcov.info, as `sh check.sh` leaves it, at least 80 %",
    ]);
    space.execute("cov").exits(0).says(&["measured 33.333 %, asked for at least 80 %", "implements (try 2)"]);
    assert!(space.report("cov").contains("the changed lines are covered: measured 100 %, asked for at least 80 %"));
    assert!(space.read("notes/cov/execution-status.md").contains("measured 100 %, asked for at least 80 %"));
}

#[test]
fn a_reviewer_is_told_which_changed_lines_no_test_runs() {
    let space = space_with("changed = 50\n");
    let one = task("one").code(&put("src/x.py", "x = 1\ny = dead\n")).review(
        "grep -A3 '## Changed lines that no test runs' \"$TIDEGATE_CONTEXT\" | grep -q 'src/x.py:2'\n\
         echo '{\"verdict\": \"approve\", \"findings\": []}'",
    );
    space.topic("cov", &stream(&[one], "All tests pass"));
    space.execute("cov").exits(0);
    space.run(&["why", "cov", "1"]).exits(0).says(&["not covered: src/x.py: no test runs the changed lines 2"]);
}

#[test]
fn a_report_that_is_committed_or_left_by_an_agent_says_nothing() {
    let space = space_with("changed = 80\n");
    let forged = "mkdir -p out\nprintf 'SF:src/x.py\\nDA:1,1\\nDA:2,1\\nend_of_record\\n' > out/lcov.info\n";
    space.write("out/lcov.info", "SF:src/x.py\nDA:1,1\nDA:2,1\nend_of_record\n");
    space.git(&["add", "-f", "out/lcov.info"]);
    space.git(&["commit", "-qm", "A report"]);
    let one = task("one").code(&format!("{}{forged}", put("src/x.py", "x = dead\ny = dead\n")));
    space.topic("cov", &stream(&[one], "All tests pass"));
    space.execute("cov").exits(1).says(&["measured 0 %, asked for at least 80 %"]);
    // A check that leaves none has none, whatever is committed.
    space.write("check.sh", "true\n");
    space.commit("No report");
    space.topic("none", &stream(&[task("two").code(&put("src/y.py", "y = 1\n"))], "All tests pass"));
    space.execute("none").exits(1).says(&["the checks left no report of coverage `out/lcov.info`"]);
}

#[test]
fn a_report_that_is_a_link_or_below_one_is_not_read() {
    let space = space_with("changed = 80\n");
    let away = space.beside("away");
    std::fs::create_dir(&away).unwrap();
    std::fs::write(away.join("lcov.info"), "SF:src/x.py\nDA:1,1\nend_of_record\n").unwrap();
    space.write("check.sh", &format!("rm -rf out\nln -s {} out\n", away.display()));
    space.commit("A link");
    space.topic("cov", &stream(&[task("one").code(&put("src/x.py", "x = 1\n"))], "All tests pass"));
    space.execute("cov").exits(1).says(&["out is a link"]);
    assert!(away.join("lcov.info").exists(), "nothing behind the link is taken away");
}

#[test]
fn what_holds_no_code_does_not_count_and_a_file_in_no_report_counts_as_not_covered() {
    let space = space_with("changed = 80\n");
    // The check knows `src/` alone.
    let docs = task("docs").code(&put("README.md", "more words\n"));
    let wiring = task("wiring").code(&put("lib/__init__.py", "# Wiring.\nfrom .a import b\n"));
    let other = task("other").code(&put("tool.go", "package main\n\nfunc main() {\n\tprintln(1)\n}\n"));
    let hidden = task("hidden").code(&put("lib/a.py", "b = 1\nc = 2\n"));
    space.topic("cov", &stream(&[docs, wiring, other, hidden], "All tests pass"));
    space.execute("cov").exits(1).says(&["lib/a.py", "no report of coverage has the file", "measured 0 %"]);
    let mut landed = space.landed("cov");
    landed.sort();
    assert_eq!(landed, ["docs", "other", "wiring"]);
    space.run(&["why", "cov", "3"]).exits(0).says(&["tool.go: it is of a kind that no report of coverage knows"]);
}

#[test]
fn the_share_of_all_lines_is_a_criterion_of_streams_and_the_system_and_settles_lines_that_ask_for_it() {
    let space = space_with("total = 70\n");
    let one = task("one").code(&put("src/x.py", "x = dead\ny = dead\n"));
    space.topic("cov", &stream(&[one], "Test coverage at least 40 %"));
    space.run(&["check", "cov", "--format", "json"]).exits(0).says(&["\"means\": \"measured\"", "at least 40 %"]);
    let said = space.execute("cov").exits(1);
    said.says(&[
        "the lines are covered: measured 50 %, asked for at least 70 %",
        "src/x.py",
        "no test runs the lines 1-2",
    ]);
    assert_eq!(space.landed("cov"), ["one"]);
    space.run(&["why", "cov", "stream:A"]).exits(0).says(&["\"the lines are covered\" measured 50 %", "src/x.py:1"]);
}

#[test]
fn a_task_may_not_lower_the_share_of_all_lines_where_that_is_asked() {
    let space = space_with("may_drop = 10\n");
    let little =
        task("little").code(&put("src/x.py", "x = 1\ny = 2\nz = 3\nw = 4\nv = 5\nu = 6\nt = 7\ns = 8\nr = dead\n"));
    let much = task("much").field("Dependencies: Task 1").code(&put("src/y.py", "y = dead\nz = dead\n"));
    space.topic("cov", &stream(&[little, much], "All tests pass"));
    space
        .execute("cov")
        .exits(1)
        .says(&["the coverage of all lines does not drop: measured -13.98", "asked for at least -10 %"]);
    assert_eq!(space.landed("cov"), ["little"]);
}

#[test]
fn a_cobertura_report_of_a_command_of_its_own_is_read_with_its_roots() {
    let space = space_with("changed = 80\n");
    let cover = "mkdir -p out\ncat > out/coverage.xml <<END\n<?xml version=\"1.0\" ?>\n\
        <!DOCTYPE coverage SYSTEM 'http://example.org/coverage-04.dtd'>\n\
        <coverage line-rate=\"1\"><sources><source>$PWD/src</source></sources><packages><package name=\"p\"><classes>\n\
        <class name=\"x\" filename=\"x.py\"><methods/><lines><line number=\"1\" hits=\"1\"/><line number=\"2\" hits=\"0\"/></lines></class>\n\
        </classes></package></packages></coverage>\nEND\n";
    space.write("cover.sh", cover);
    let config = space.read("tidegate.toml").replace("lcov.info\"]", "coverage.xml\"]\ncommands = [\"sh cover.sh\"]");
    space.write("tidegate.toml", &config);
    space.commit("Cover");
    space.topic("cov", &stream(&[task("one").code(&put("src/x.py", "x = 1\ny = 2\n"))], "All tests pass"));
    space.execute("cov").exits(1).says(&["measured 50 %, asked for at least 80 %", "no test runs the changed lines 2"]);
}

#[test]
fn a_fence_may_name_the_report_that_its_script_leaves() {
    let space = Space::strict();
    let line = stream(&[task("one").code(&put("src/x.py", "x = 1\n"))], "Coverage at least 80 %");
    let script = "mkdir -p out\nprintf 'SF:src/x.py\\nDA:1,1\\nDA:2,0\\nend_of_record\\n' > out/cov.info";
    let fence = format!("{line}\n  ```sh role=check report=out/cov.info\n  {}\n  ```\n", script.replace('\n', "\n  "));
    space.topic("cov", &fence);
    space.execute("cov").exits(1).says(&["measured 50 %, asked for at least 80 %"]);
}
