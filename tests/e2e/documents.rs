//! What a user meets before and around a run: topics, documents, configuration, places and pipes, each with its message.

use crate::{
    execute::{task, two_streams},
    space::{Said, Space, said},
};
use std::process::Stdio;

const SCRIPTS: [&str; 3] = ["echo 1 > one", "echo 2 > two", "cat one > three"];

fn with_topic() -> Space {
    let space = Space::plain();
    space.topic("two-streams", &two_streams(SCRIPTS));
    space
}

/// Nothing was begun: no run's folder, no ref of ours, nothing new in the working tree.
#[track_caller]
fn is_untouched(space: &Space) {
    assert!(!space.repo().join(".git/tidegate").exists(), "a run was begun");
    assert_eq!(space.git(&["for-each-ref", "refs/tidegate", "refs/heads/tidegate"]), "");
}

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()))
}

#[test]
fn a_topic_is_found_by_its_phrase_and_an_unclear_or_unsafe_one_is_refused_with_the_candidates() {
    let space = with_topic();
    space.topic("two-rivers", &two_streams(SCRIPTS));
    space.run(&["check", "Two streams, in parallel!"]).exits(0).says(&["two-streams: Two Streams"]);
    space.run(&["execute", "two"]).exits(2).says(&["`two` may mean 2 topics", "two-rivers, two-streams"]);
    space.run(&["execute", "../two-streams"]).exits(2).says(&["leads out of the notes folder"]);
    std::os::unix::fs::symlink("/etc", space.repo().join("notes/out")).unwrap();
    space.run(&["execute", "out"]).exits(2).says(&["is a link that leads out"]);
    space.run(&["execute", "billing"]).exits(3).says(&["no topic under notes/ is called `billing`", "two-streams"]);
    space.run(&["execute", ""]).exits(3).says(&["no topic is named"]);
    is_untouched(&space);
}

#[test]
fn what_is_missing_is_named_and_exits_with_3() {
    let space = Space::plain();
    space.write("notes/half/research.md", "# Research\n");
    space.run(&["execute", "half"]).exits(3).says(&["notes/half/plan.md is missing", "breakdown.md is missing"]);
    let said = space.run(&["check", "half", "--format", "json"]).exits(3);
    assert_eq!(json(&said)["errors"][0]["path"], "notes/half/plan.md");
    space.topic("blank", "");
    space.run(&["execute", "blank"]).exits(3).says(&["notes/blank/breakdown.md is empty"]);
    is_untouched(&space);
    let nowhere = space.beside("home").display().to_string();
    space.run(&["-C", &nowhere, "check", "x"]).exits(3).says(&["is in no git repository", "git init"]);
    space.run(&["-C", "/no/such/folder", "check", "x"]).exits(3).says(&["/no/such/folder is no folder"]);
    let unborn = Space::empty();
    unborn.topic("two", &two_streams(SCRIPTS));
    unborn.execute("two").exits(3).says(&["the current branch has no commit yet", "git commit"]);
}

#[test]
fn every_fault_is_told_at_once_warnings_first_and_to_a_program_as_one_json_value() {
    let space = Space::plain();
    let breakdown = "# T\n\n### Stream A: x\n\n1. **a**\n   - Dependencies: Task 9\n2. **b**\n   - Dependencies: 3\n3. **c**\n   \
        - Dependencies: 2\n\n### Stream B: nothing\n";
    space.topic("faulty", breakdown);
    let said = space.run(&["check", "faulty", "--format", "json"]).exits(2).says(&[
        "there is no task 9",
        "these wait for each other: 2 -> 3 -> 2",
        "stream B has no tasks",
        "warning[no-test-requirements]: the same in line 9",
    ]);
    let codes: Vec<String> =
        json(&said)["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap().to_owned()).collect();
    assert_eq!(codes, ["unknown-dependency", "cycle", "empty-stream"]);
    assert!(said.err.find("warning[").unwrap() < said.err.find("error[").unwrap(), "{}", said.all());
    assert!(said.err.rfind("warning[").unwrap() < said.err.find("error[").unwrap(), "{}", said.all());
    space.execute("faulty").exits(2);
    is_untouched(&space);
}

#[test]
fn a_program_gets_one_json_value_whatever_is_refused() {
    let space = with_topic();
    space.topic("two-rivers", &two_streams(SCRIPTS));
    let ambiguous = space.run(&["check", "two", "--format", "json"]).exits(2);
    assert_eq!(json(&ambiguous)["errors"][0]["code"], "ambiguous-topic");
    space.write("tidegate.toml", "[slots]\nagnts = 3\n");
    let dirty = space.run(&["check", "two-streams", "--format", "json"]).exits(3);
    assert_eq!(json(&dirty)["errors"][0]["code"], "missing-prerequisite");
    space.commit("Configure");
    let unknown = space.run(&["check", "two-streams", "--format", "json"]).exits(2);
    assert_eq!(json(&unknown)["errors"][0]["help"], "did you mean `agents`?");
}

#[test]
fn a_breakdown_that_is_not_utf_8_is_refused_because_its_scripts_would_run_otherwise() {
    let space = Space::plain();
    space.topic("latin", "# T\n");
    let text = b"# T\n\n1. **a**\n\n   ```sh role=implementation\n   echo \xe9 > a\n   ```\n";
    std::fs::write(space.repo().join("notes/latin/breakdown.md"), text).unwrap();
    space.execute("latin").exits(2).says(&["notes/latin/breakdown.md is not UTF-8, from line 6 on", "iconv"]);
    is_untouched(&space);
}

#[test]
fn strict_refuses_warnings_and_a_dry_run_begins_nothing() {
    let space = with_topic();
    space.topic("lax", &task(1, "Only", "None", "echo 1 > one"));
    space.run(&["execute", "lax", "--strict"]).exits(3).says(&["no quality gates", "with --strict a warning refuses"]);
    space.run(&["check", "lax", "--strict"]).exits(3);
    let dry = space.run(&["execute", "two-streams", "--dry-run"]).exits(0);
    assert!(dry.out.contains("nothing was begun") && !dry.out.contains("tidegate status"), "{}", dry.all());
    is_untouched(&space);
}

#[test]
fn a_configuration_that_differs_from_head_is_refused_and_one_that_is_named_is_found_from_c() {
    let space = with_topic();
    space.write("tidegate.toml", "[slots]\nagents = 2\n");
    space.execute("two-streams").exits(3).says(&["tidegate.toml differs from HEAD", "git checkout HEAD"]);
    std::fs::remove_file(space.repo().join("tidegate.toml")).unwrap();
    space.execute("two-streams").exits(3).says(&["tidegate.toml is in HEAD, and not in the working tree"]);
    space.write("sub/mine.toml", "[checks]\ntask = \"x\"\n");
    let sub = space.repo().join("sub").display().to_string();
    let mut named = space.tidegate(&["-C", &sub, "--config", "mine.toml", "check", "two-streams"]);
    named.current_dir(space.beside("home"));
    said(&named.output().unwrap()).exits(2).says(&["sub/mine.toml:2", "write `task = [\"...\"]`"]);
    let top = space.repo().display().to_string();
    for place in [["-C", &top, "-C", "sub"], ["-C", "", "-C", &sub]] {
        let mut as_in_git = space.tidegate(&[&place[..], &["--config", "mine.toml", "check", "two-streams"]].concat());
        as_in_git.current_dir(space.beside("home"));
        said(&as_in_git.output().unwrap()).exits(2).says(&["sub/mine.toml:2"]);
    }
    is_untouched(&space);
}

#[test]
fn wrong_usage_exits_with_2() {
    let space = with_topic();
    let wrong: [&[&str]; 7] = [
        &[],
        &["frob"],
        &["execute"],
        &["-v", "-q", "check", "two-streams"],
        &["execute", "two-streams", "--plain", "--json"],
        &["execute", "two-streams", "-j", "0"],
        &["logs", "two-streams", "1", "--only", "everything"],
    ];
    for args in wrong {
        assert_eq!(space.run(args).code, 2, "{args:?}");
    }
    let beside = space.repo().join("..").display().to_string();
    space.run(&["-C", &beside, "demo", "repo"]).exits(2).says(&["../repo is there already, and is not the sample"]);
    space.run(&["execute", "two-streams", "--sandbox", "landlock"]).exits(3).says(&["--sandbox none"]);
}

#[test]
fn events_are_all_that_stands_on_stdout_and_quiet_leaves_the_end_alone() {
    let space = with_topic();
    let said = space.run(&["execute", "two-streams", "--json"]).exits(0);
    assert_eq!(said.err, "");
    let kinds: Vec<String> = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds.first().map(String::as_str), Some("planned"));
    assert_eq!(kinds.last().map(String::as_str), Some("end"));
    let end: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    let tip = space.git(&["rev-parse", "tidegate/two-streams/integration"]);
    let told = ["exit", "outcome", "tasks", "done", "place", "commit"].map(|member| end[member].to_string());
    assert_eq!(told, ["0", "\"done\"", "3", "3", "\"tidegate/two-streams/integration\"", &format!("\"{tip}\"")]);
    space.topic("fails", &two_streams(["exit 3", SCRIPTS[1], SCRIPTS[2]]));
    let said = space.run(&["execute", "fails", "--json"]).exits(1);
    let end: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!([&end["exit"], &end["outcome"], &end["done"]].map(ToString::to_string), ["1", "\"returned\"", "1"]);
    space.topic("quiet", &two_streams(SCRIPTS));
    let quiet = space.run(&["execute", "quiet", "-q"]).exits(0);
    assert_eq!(quiet.err, "");
    assert!(quiet.out.starts_with("\nquiet: done, every gate passed\n"), "{}", quiet.all());
}

#[test]
fn a_program_reads_how_a_run_stands_and_what_was_understood_from_one_json_value() {
    let space = with_topic();
    space.run(&["status", "two-streams", "--json"]).exits(3);
    let missing = json(&space.run(&["status", "two-streams", "--format", "json"]).exits(3));
    assert_eq!(missing["errors"][0]["help"], "`tidegate execute two-streams` begins one");
    let understood = json(&space.run(&["check", "two-streams", "--json"]).exits(0));
    assert_eq!(understood, json(&space.run(&["check", "two-streams", "--format", "json"]).exits(0)));
    space.run(&["check", "two-streams", "--json", "--format", "dot"]).exits(2);
    let asks = two_streams(["echo 1 > one", "exit 3", "cat one > three"]);
    space.topic("two-streams", &format!("{asks}- **Gate 3**: Signed off by Ann (after Task 3)\n"));
    space.execute("two-streams").exits(1);
    let stands = json(&space.run(&["status", "two-streams", "--json"]).exits(0));
    assert_eq!((&stands["state"], &stands["process"]), (&"waits".into(), &serde_json::Value::Null));
    let of_tasks = |member: &str| -> Vec<String> {
        let tasks = stands["tasks"].as_array().unwrap();
        tasks.iter().map(|task| task[member].as_str().unwrap_or("null").to_owned()).collect()
    };
    assert_eq!((of_tasks("id"), of_tasks("state")), (words("1 2 3"), words("done failed held")));
    assert_eq!(of_tasks("commit"), [stands["tip"].as_str().unwrap(), "null", "null"]);
    let asked: Vec<_> = stands["tasks"][2]["criteria"].as_array().unwrap().iter().collect();
    let last = asked.last().unwrap();
    assert_eq!((&last["text"], &last["state"]), (&"Signed off by Ann".into(), &"waits for you".into()));
    space.run(&["approve", "two-streams", "3", &last["number"].to_string()]).exits(0);
    let gates = stands["gates"].as_array().unwrap();
    let of_gates: Vec<_> = gates.iter().map(|gate| gate["state"].as_str().unwrap()).collect();
    assert_eq!(of_gates, ["blocked", "waiting", "blocked"]);
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_base_whose_checks_fail_is_refused_and_nothing_is_begun() {
    let space = with_topic();
    space.write("tidegate.toml", &space.read("tidegate.toml").replacen("[\"true\"]", "[\"echo oh no; false\"]", 1));
    space.commit("Be red");
    let told =
        ["the task checks fail on the base, before anything has begun: `echo oh no; false` exited with 1", "oh no"];
    space.execute("two-streams").exits(3).says(&told);
    is_untouched(&space);
}

#[test]
fn a_run_whose_session_belongs_to_a_process_it_cannot_see_goes_well() {
    // As in a container that a process was put into: there the kernel calls our session 0.
    let unshare = |space: &Space| {
        let mut command = space.command("unshare");
        command.args(["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]);
        command
    };
    let space = with_topic();
    let probe = unshare(&space).arg("true").output();
    if !probe.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("not shown: this machine gives no PID namespace: {probe:?}");
        return;
    }
    let mut execute = unshare(&space);
    execute.arg(env!("CARGO_BIN_EXE_tidegate")).args(["execute", "two-streams", "--json"]);
    assert_eq!(said(&execute.output().unwrap()).exits(0).err, "");
}

#[test]
fn a_run_that_is_done_is_told_again_word_for_word_and_nothing_is_recorded() {
    let space = with_topic();
    space.execute("two-streams").exits(0);
    let report = space.read("notes/two-streams/report.md");
    let again = space.execute("two-streams").exits(0);
    assert!(!again.all().contains("resumed"), "{}", again.all());
    assert_eq!(space.read("notes/two-streams/report.md"), report);
    space.run(&["status", "two-streams"]).exits(0).says(&["done, every gate passed", "None: every gate passed"]);
}

#[test]
fn a_reader_that_goes_is_no_error_and_a_full_disk_is_one() {
    let space = with_topic();
    let mut child = space.tidegate(&["execute", "two-streams", "--plain"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut check = space.tidegate(&["check", "two-streams"]);
    said(&check.stdout(full).output().unwrap()).exits(3).says(&["stdout cannot be written"]);
}

#[test]
fn a_failure_is_told_once_with_what_the_script_said_last() {
    let space = Space::plain();
    space.topic("two", &two_streams(["echo working\necho 'error: no frobnicator' >&2\nexit 3", "true", "cat one"]));
    let end = space.execute("two").exits(1).says(&["failed in implement after 3 tries", "error: no frobnicator"]);
    assert!(!end.all().contains("failed in implement: failed in implement"), "{}", end.all());
    space.run(&["why", "two", "1"]).exits(0).says(&["exit code 3: error: no frobnicator", "tidegate logs two 1"]);
    let why = space.run(&["why", "two", "3"]).exits(0).says(&["blocked by task 1, which failed"]);
    assert!(!why.out.contains("the gate of task") && !why.out.contains("not settled yet"), "{}", why.all());
    space.run(&["status", "two"]).exits(0).says(&["waits for you"]);
}

#[test]
fn a_path_with_blanks_and_other_scripts_a_subfolder_and_a_detached_head_are_places_like_any_other() {
    let space = with_topic();
    let odd = space.beside("r 5 ünï 漢");
    space.git(&["clone", "-q", ".", &odd.display().to_string()]);
    std::fs::create_dir_all(odd.join("sub")).unwrap();
    for name in ["research.md", "plan.md", "breakdown.md"] {
        std::fs::create_dir_all(odd.join("notes/two")).unwrap();
        std::fs::copy(space.repo().join("notes/two-streams").join(name), odd.join("notes/two").join(name)).unwrap();
    }
    let place = odd.display().to_string();
    space.git(&["-C", &place, "config", "user.name", "Ada"]);
    space.git(&["-C", &place, "config", "user.email", "ada@example.org"]);
    space.git(&["-C", &place, "checkout", "-q", "--detach"]);
    let mut run = space.tidegate(&["execute", "two", "--plain"]);
    said(&run.current_dir(odd.join("sub")).output().unwrap()).exits(0);
    assert_eq!(space.git(&["-C", &place, "show", "tidegate/two/integration:three"]), "1");
}

#[test]
fn a_topic_may_be_called_as_people_write_and_shares_no_run_with_another() {
    let space = Space::strict();
    for (topic, name) in [("ü b", "'ü b'"), ("Two_Rivers", "Two_Rivers"), ("two-rivers", "two-rivers")] {
        space.topic(topic, &two_streams(["exit 3", SCRIPTS[1], SCRIPTS[2]]));
        space.run(&["status", topic]).exits(3).says(&[&format!("`tidegate execute {name}` begins one")]);
        let end = space.execute(topic).exits(1);
        end.says(&[&format!("tidegate retry {name} 1"), &format!("tidegate status {name}")]).lacks(&["goes on from"]);
        space.run(&["status", topic]).exits(0).says(&[&format!("Execution status: {topic}")]);
        space
            .run(&["why", topic, "1"])
            .exits(0)
            .says(&[&format!("tidegate retry {name} 1, then tidegate execute {name}")]);
        space.run(&["retry", topic, "1"]).exits(0).says(&[&format!("`tidegate execute {name}` goes on with it")]);
        space.topic(topic, &two_streams(SCRIPTS));
        space.execute(topic).exits(0).says(&["goes on from"]);
    }
}

#[test]
fn a_topic_begins_with_three_documents_that_check_reads_and_what_is_there_stays() {
    let space = Space::plain();
    space.write("notes/rate-limits-for-all/plan.md", "# Mine\n");
    let said = space.run(&["init", "Rate limits for all"]).exits(0);
    let [made, kept] = ["made", "kept"].map(|word| format!("{word} notes/rate-limits-for-all/"));
    said.says(&[
        &format!("{made}research.md"),
        &format!("{kept}plan.md"),
        &format!("{made}breakdown.md"),
        "tidegate check",
    ]);
    assert_eq!(space.read("notes/rate-limits-for-all/plan.md"), "# Mine\n");
    let checked = json(&space.run(&["check", "rate-limits-for-all", "--json", "--strict"]).exits(0));
    assert_eq!(checked["tasks"].as_array().unwrap().len(), 4, "{checked}");
    assert_eq!(checked["warnings"], serde_json::json!([]));
    assert!(
        space.read("notes/rate-limits-for-all/breakdown.md").starts_with("# Rate limits for all: Task Breakdown\n")
    );
    let again = space.run(&["init", "rate-limits-for-all"]).exits(0);
    assert!(!again.out.contains("made"), "{}", again.all());
}

#[test]
fn a_topic_is_begun_nowhere_but_in_a_folder_of_its_own_below_notes() {
    let space = Space::plain();
    for name in ["../x", "..", "", "///"] {
        space.run(&["init", name]).exits(2).says(&["names no folder"]);
    }
    let outside = space.beside("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::create_dir_all(space.repo().join("notes")).unwrap();
    std::os::unix::fs::symlink(&outside, space.repo().join("notes/linked")).unwrap();
    space.run(&["init", "linked"]).exits(2).says(&["is no folder of its own"]);
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn shells_and_manuals_are_told_of_every_command() {
    let space = Space::plain();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        space.run(&["completions", shell]).exits(0).says(&["execute", "max-runs"]);
    }
    let script = space.run(&["completions", "bash"]).exits(0).out;
    let sourced = script
        + "\nCOMP_WORDS=(tidegate exe) COMP_CWORD=1 && _tidegate tidegate exe tidegate && echo \"${COMPREPLY[@]}\"";
    let completed = space.command("bash").args(["-c", &sourced]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&completed.stdout), "execute\n");
    space.run(&["man"]).exits(0).says(&[".TH tidegate 1", "tidegate\\-execute(1)"]);
    space.run(&["man", "pages"]).exits(0);
    for page in ["tidegate.1", "tidegate-execute.1", "tidegate-agents-show.1"] {
        assert!(space.read(&format!("pages/{page}")).contains(".SH SYNOPSIS"), "{page}");
    }
}
