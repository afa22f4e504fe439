//! Breakdowns of our own, read and built: a test for each rule of CONTRACTS.md, and properties that hold for any text.
#![allow(clippy::unwrap_used, reason = "a test panics where its document is not what it says")]

#[path = "breakdowns/forms.rs"]
mod forms;
#[path = "breakdowns/labels.rs"]
mod labels;
#[path = "breakdowns/plans.rs"]
mod plans;
#[path = "../src/plan/spent.rs"]
mod spent;

use proptest::prelude::*;
use tidegate::{
    cli, notes,
    plan::{self, Blueprint, Draft, Effort, Fault, Means, Name, Phase, Plan, Settings, Span},
};

fn read(text: &str) -> (Draft, Vec<Fault>) {
    notes::read_text("topic", "notes/topic/breakdown.md", text.to_owned())
}

/// Whether it is read, built and told in time of a processor that says that nothing is quadratic.
fn ends_soon(text: &str) {
    let before = spent::spent();
    survives(text).unwrap();
    let took = spent::spent() - before;
    let begin = text.chars().take(40).collect::<String>().replace('\n', " ");
    assert!(took.as_secs() < 60, "{took:?}: {begin}");
    println!("{took:?} {begin}");
}

fn settings() -> Settings {
    let checks = vec!["cargo test".to_owned()];
    Settings {
        task_checks: checks.clone(),
        stream_checks: checks.clone(),
        system_checks: checks,
        ..Settings::default()
    }
}

fn built(text: &str) -> (Draft, Plan, Vec<Fault>) {
    let (draft, faults) = read(text);
    assert!(faults.is_empty(), "{faults:?}");
    let (blueprint, warnings) = plan::build(&draft, &settings()).unwrap_or_else(|f| panic!("{f:#?}"));
    (draft, Plan::build(blueprint).unwrap(), warnings)
}

fn refused(text: &str) -> (Draft, Vec<Fault>) {
    let (draft, mut faults) = read(text);
    match plan::build(&draft, &settings()) {
        Err(more) => faults.extend(more),
        Ok(_) => assert!(!faults.is_empty(), "was not refused"),
    }
    (draft, faults)
}

/// `label<-nearest before`, one a task.
fn shape(text: &str) -> Vec<String> {
    let (draft, plan, warnings) = built(text);
    let value = cli::json(&plan, &draft, &warnings);
    let list = |v: &serde_json::Value| {
        v.as_array().unwrap().iter().filter_map(|s| s.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let line = |t: &serde_json::Value| format!("{}<-{}", t["id"].as_str().unwrap(), list(&t["after"]).join(","));
    value["tasks"].as_array().unwrap().iter().map(line).collect()
}

fn criteria(blueprint: &Blueprint, label: &str) -> Vec<(String, Means)> {
    let gate = blueprint.nodes.iter().filter_map(|n| n.gate()).find(|g| &*g.label == label).unwrap();
    gate.criteria.iter().filter(|c| c.line.is_some()).map(|c| (c.text.to_string(), c.means.clone())).collect()
}

const MIXED: &str = include_str!("documents/mixed.md");

#[test]
fn fields_belong_to_the_task_above_them_whatever_the_width_of_its_number() {
    let (draft, plan, _) = built(MIXED);
    let labels: Vec<&str> = draft.tasks.iter().map(|t| t.id.as_ref().unwrap().value.as_str()).collect();
    assert_eq!(labels, ["8", "9", "10", "11", "12"]);
    assert_eq!(draft.tasks[2].tests[0].value, "Keeps what is younger than a day, and what is pinned");
    assert_eq!(shape(MIXED), ["8<-", "9<-8", "10<-9", "11<-9", "12<-10,11"]);
    // Four tasks, each with its gate, the stream's gate and the system's.
    assert_eq!(plan.critical_path().len(), 10);
}

#[test]
fn a_task_carries_its_scripts_files_effort_and_commit() {
    let (draft, plan, _) = built(MIXED);
    let task = |n: u32| plan.node(plan::NodeId(n)).task().unwrap().clone();
    assert_eq!(task(0).brief.files, ["src/ledger.rs".into(), "src/ledger/".into()]);
    assert_eq!(draft.tasks[3].effort.as_ref().unwrap().value, Effort::Minutes(90));
    assert_eq!((task(0).minutes, task(1).minutes, task(4).minutes), (15, 45, 180));
    let bodies: Vec<&str> = task(2)
        .brief
        .scripts
        .iter()
        .map(|s| &*s.body)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|b| match b {
            "echo '11. **Not a task**' > tests/prune.rs\n" => "tests",
            "  cp a b\n" => "implementation",
            "echo '{\"verdict\": \"approve\"}'\n" => "review",
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(bodies, ["tests", "implementation", "review"]);
    assert_eq!(&*plan.blueprint().reviewers[0].0, "security");
    assert!(!task(2).brief.text.contains("cp a b"));
    assert!(task(2).phases.contains(Phase::Red) && task(2).phases.contains(Phase::Review));
    assert_eq!(task(4).brief.commit.as_deref(), Some("feat(notify): tell of late parcels"));
    assert_eq!(&*plan.blueprint().streams[usize::from(task(4).stream.0)].0, "B");
}

#[test]
fn a_task_that_declines_tests_has_no_red() {
    let (_, plan, warnings) = built(MIXED);
    let task = plan.node(plan::NodeId(3)).task().unwrap();
    assert!(!task.phases.contains(Phase::Tests) && !task.phases.contains(Phase::Red));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn gate_lines_are_settled_by_checks_commands_and_people() {
    let (_, plan, _) = built(MIXED);
    let of = |label| criteria(plan.blueprint(), label);
    let checked = |c: &str| Means::Checked { commands: vec![c.into()] };
    assert_eq!(of("stream:A"), [("All ledger tests pass".to_owned(), checked("cargo test"))]);
    assert_eq!(of("stream:B"), [("Approved by the carriers' team".to_owned(), Means::Approved)]);
    assert_eq!(
        of("system"),
        [
            ("The list fits on a phone".to_owned(), checked("./fits\n")),
            ("All E2E tests pass".to_owned(), checked("cargo test")),
        ]
    );
}

#[test]
fn a_gate_may_say_what_it_is_after_before_its_text() {
    let text = "### Stream A: One\n1. **Base**\n### Stream B: Two\n2. **Side**\n## Quality Gates\n\
                1. **Gate 1 (after Stream A)**: All unit tests pass\n- **After Stream A**: It is fast\n- All good\n";
    let (_, plan, _) = built(text);
    let of = |label| criteria(plan.blueprint(), label).into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    assert_eq!(of("stream:A"), ["All unit tests pass", "It is fast"]);
    assert_eq!(of("system"), ["All good"]);
}

#[test]
fn a_checklist_runs_in_the_order_given() {
    let text = "# P\n\n1. **Read this first**\n\n### List\n\n1. [x] **Add a table** 1.1. [x] Write `a.rs` - as in\n   `b.rs` 1.2. [ ]\n   Run it\n\n   \
                📝 **Commit**:\n   `feat: table`\n\n2. [ ] **Read it** [2 hours]\n3. [ ] **Drop it**\n   - Dependencies: Task 1\n";
    assert_eq!(shape(text), ["1<-", "2<-1", "3<-1"]);
    let (draft, ..) = built(text);
    let steps: Vec<_> = draft.tasks[0].steps.iter().map(|s| (s.title.value.as_str(), s.is_done)).collect();
    assert_eq!(steps, [("Write a.rs", true), ("Run it", false)]);
    assert_eq!(draft.tasks[0].commit.as_ref().unwrap().value, "feat: table");
    assert!(draft.tasks[0].is_done && !draft.tasks[1].is_done);
}

#[test]
fn numbers_that_restart_in_each_stream_get_the_streams_label() {
    let text = "### Stream A: One\n1. **Base**\n2. **Top**\n   - Dependencies: Task 1\n\
                ### Stream B: Two\n1. **Side**\n   - Dependencies: A2\n2. **End**\n   - Dependencies: Task 1\n";
    assert_eq!(shape(text), ["A1<-", "A2<-A1", "B1<-A2", "B2<-B1"]);
}

#[test]
fn a_stream_dependency_holds_for_the_tasks_that_none_of_its_own_precedes() {
    let text = "### Stream A: One\n1. **Base**\n2. **More**\n### Stream B: Two (Depends on Stream A)\n3. **Side**\n\
                4. **End**\n   - Dependencies: Task 3\n5. **Other**\n";
    assert_eq!(shape(text), ["1<-", "2<-", "3<-1,2", "4<-3", "5<-1,2"]);
}

#[test]
fn lists_that_only_name_tasks_are_no_tasks() {
    let text = "### Track A: One\n- [ ] **A1**: Base\n- [ ] **A2**: Top\n  Depends on: A1.\n\n## Progress\n\n- [x] **A1**: Base\n\n\
                | A1 | Base |\n\n## Success Criteria\n\n- [ ] **A9**: Works\n1. [ ] **Shown**\n";
    assert_eq!(shape(text), ["A1<-", "A2<-A1"]);
}

#[test]
fn prose_is_a_warning_and_a_reference_an_error() {
    let (_, _, warnings) = built(
        "### Task 1: A\n**Dependencies**: The staging database\n**Tests**: x\n## Quality Gates\n- All tests pass\n",
    );
    assert_eq!(warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["unresolved-dependency"]);
    let (_, faults) = refused("### Task 1: A\n**Dependencies**: Task 9, Stream Q, T7x\n");
    let codes: Vec<_> = faults.iter().filter(|f| f.code == "unknown-dependency").map(|f| f.text.as_str()).collect();
    assert_eq!(codes, ["there is no task 9", "there is no stream Q", "there is no task T7x"]);
}

#[test]
fn a_cycle_through_a_streams_gate_is_told_with_each_line() {
    let text = "### Stream A: One\n1. **Base**\n   - Dependencies: Stream B\n### Stream B: Two\n2. **Side**\n   - Dependencies: Task 1\n";
    let (draft, faults) = refused(text);
    let errors: Vec<Fault> = faults.into_iter().filter(|f| f.code == "cycle").collect();
    insta::assert_snapshot!(cli::render(&draft, &errors, false), @r#"
    error[cycle]: these wait for each other: 1 -> stream B -> 2 -> 1
     --> notes/topic/breakdown.md:3:27
      |
    3 |    - Dependencies: Stream B
      |                           ^ 1 waits for stream B
    ...
    6 |    - Dependencies: Task 1
      |                         - 2 waits for 1
      |
      = help: take one of these dependencies out
    "#);
}

#[test]
fn a_hostile_document_is_told_without_its_control_characters() {
    let (draft, faults) = refused("# \u{1b}[31mRed\u{7}\u{202e}\n\nNothing\n");
    let shown = cli::render(&draft, &faults, false);
    assert!(shown.contains("no-tasks") && !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
}

#[test]
fn what_was_understood_is_told_in_eighty_columns() {
    let (draft, plan, warnings) = built(MIXED);
    insta::assert_snapshot!(cli::text(&plan, &draft, &warnings, &settings()), @r#"
    topic: Parcel Tracker Task Breakdown
    5 tasks, 2 streams, at most 2 at once

    Stream A  Ledger
      [ ] 8     Event Table                                  15 min
      [ ] 9     Event Reader                                 45 min  after 8
      [ ] 10    Event Pruning                                45 min  after 9

    Stream B  Carriers
      waits for task 8, task 9
      [ ] 11    Carrier Client                           1 h 30 min  after 9
                without tests, red
      [ ] 12    Notifier                                        3 h  after 10, 11

    Critical path, 5 h 30 min
      8 -> 9 -> 11 -> 12

    Gates
      each task (as far as it has these phases)
        - the tests came first, and were red for the right reason: tidegate
        - the sealed tests are untouched: tidegate
        - the sealed tests pass, and nothing that passed before fails: tidegate
        - the sealed tests fail without the code (bodies out): tidegate
        - the patch stays in its scope: tidegate
        - the built-in reviewers find nothing: tidegate
        - the task checks succeed: `cargo test`
      task:10, also
        - security approves: the reviewer security
      stream:A
        - the stream checks succeed: `cargo test`
        - All ledger tests pass (line 57): `cargo test`
      stream:B
        - the stream checks succeed: `cargo test`
        - Approved by the carriers' team (line 39): a person's approval
          tidegate approve topic stream:B 2
      system
        - the system checks succeed: `cargo test`
        - The list fits on a phone (line 58): `./fits`
        - All E2E tests pass (line 63): `cargo test`
      Gate lines that follow the last stream, or say E2E, are the system gate's.
      Not a criterion yet: handoff.
    "#);
}

#[test]
fn drawings_hold_streams_tasks_and_gates() {
    let (_, plan, _) = built("### Stream A: \"One\"\n1. **Base <b>**\n");
    insta::assert_snapshot!(plan::mermaid(&plan), @r#"
    flowchart LR
      subgraph s0["A 'One'"]
        n0["1 Base ‹b›"]
      end
      n1{{"task:1"}}
      n2{{"stream:A"}}
      n3{{"system"}}
      n0 --> n1
      n1 --> n2
      n2 --> n3
    "#);
    assert!(plan::dot(&plan).contains("subgraph cluster_s0"));
}

/// The text at a span is what the value says.
fn holds(draft: &Draft) {
    let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let slice = |at: Span| {
        let source = &draft.sources[0].text;
        assert!(at.start <= at.end && (at.end as usize) <= source.len(), "{at:?}");
        assert!(source.is_char_boundary(at.start as usize) && source.is_char_boundary(at.end as usize), "{at:?}");
        bare(draft.slice(at))
    };
    let is_within = |value: &str, at: Span| {
        // Markup and a link's target go; what is left stands there in this order. JSON writes some letters otherwise.
        if draft.sources[0].text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']) {
            return;
        }
        let mut there = slice(at).chars().collect::<Vec<_>>().into_iter();
        let value = bare(value);
        assert!(value.chars().all(|c| there.any(|t| t == c)), "{value:?} is not at {:?}", draft.slice(at));
    };
    for task in &draft.tasks {
        is_within(&task.title.value, task.title.at);
        task.tests
            .iter()
            .chain(&task.files)
            .chain(&task.acceptance)
            .chain(&task.commit)
            .for_each(|w| is_within(&w.value, w.at));
        task.steps.iter().for_each(|s| is_within(&s.title.value, s.title.at));
        if let Some(id) = &task.id {
            assert!(id.value.ends_with(draft.slice(id.at)), "{id:?}");
        }
        for name in task.needs.iter().flat_map(|n| &n.names) {
            match &name.value {
                Name::Task { id, .. } | Name::Stream { id, .. } => assert_eq!(id, draft.slice(name.at)),
                Name::Title(words) | Name::Words(words) => is_within(words, name.at),
                _ => {
                    slice(name.at);
                }
            }
        }
    }
    for stream in &draft.streams {
        is_within(&stream.title.value, stream.title.at);
    }
    for gate in &draft.gates {
        is_within(&gate.text.value, gate.text.at);
    }
}

/// Reads, builds and shows; whatever the text, an end without a panic.
fn survives(text: &str) -> Result<(), TestCaseError> {
    let (draft, faults) = read(text);
    holds(&draft);
    let _ = cli::render(&draft, &faults, true);
    match plan::build(&draft, &settings()) {
        Ok((blueprint, warnings)) => {
            let plan = Plan::build(blueprint).unwrap();
            let _ = (cli::text(&plan, &draft, &warnings, &settings()), cli::json(&plan, &draft, &warnings));
        }
        Err(faults) => {
            prop_assert!(faults.iter().any(|f| f.severity == plan::Severity::Error));
            let _ = (cli::render(&draft, &faults, false), cli::errors(&draft, &faults));
        }
    }
    Ok(())
}

fn piece() -> impl Strategy<Value = String> {
    let words = [
        "### Stream A: One (Depends on ",
        "B3)",
        "\n",
        "\n\n",
        "1. **Title**",
        "10) [x] **",
        "   - Dependencies: ",
        "Tasks 1, 2",
        "\t- Effort: 2h",
        "```sh role=check\n",
        "~~~",
        "### Task 2.1: Name",
        "**Files**: `a`, ",
        "- [ ] **A1**: x",
        "A–F",
        "- **Gate 1**: All tests pass (after Stream A)",
        "## Quality Gates\n",
        "E2/E3",
        "Task: Title",
        "1.1. [ ] Do",
        "<!--",
        "-->",
        "**Stream**: A",
        "| a |",
        "---",
        "é漢🟦",
        "\r\n",
        "****",
        "[",
        "](",
        "*",
        "`",
        "\u{1b}",
        "all tasks",
        "1-3",
        "Phases: red, x",
        "- Commit: `",
        "- **Gate 1: é (after Stream A)**:\n  - ",
        "### Gate 2: x (after A1)\n",
        "| Gate | Criteria | After |\n|---|---|---|\n| 1 | é | Stream A |\n",
        "✅ **Stream A Gate**: ",
        "**Stream B: Two [Depends on A]**\n",
        "### Task 9 (Stream B): ",
        "### ~~Task [7] [Small] x~~\n",
        "Stream C: ü (after \n---\n",
        "[Task 1](#a), (Task 2 or ",
        "None, Task 1 / Stream A task 2",
        "all previous tasks except 1",
        "**Dependencies** ",
        "*Effort*: 1,5 hours — half a day",
        "> **Files (é)**: ",
        "and & + ",
        "~~",
        "— [2 hours]",
    ];
    prop_oneof![4 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn spans_lie_where_they_say(pieces in proptest::collection::vec(piece(), 0..40)) {
        survives(&pieces.concat())?;
    }
}

#[test]
fn long_documents_are_read_in_linear_time() {
    let hostile = [
        "1. **a**\n   - Dependencies: 1-99999\n".repeat(3_000),
        "### Stream A: x (Depends on Stream A)\n1. **a**\n".repeat(3_000),
        "E1/".repeat(100_000),
        format!("### Task 1: x\n**Dependencies**: {}", "A1/".repeat(100_000)),
        "[".repeat(100_000),
        format!("### Task 1: {}", "[a](".repeat(30_000)),
        "**a**: ".repeat(50_000),
        "- Dependencies: x\n".repeat(50_000),
        (0..5_000).map(|n| format!("### Task {n}: T\n**Dependencies**: Task {}\n", n + 100_000)).collect(),
        (0..5_000).map(|n| format!("### Task {n}: T\n**Dependencies**: Task {}\n", (n + 1) % 5_000)).collect(),
        "1.1. [ ] ".repeat(50_000),
        "`".repeat(100_000),
    ];
    hostile.iter().for_each(|text| ends_soon(text));
}

#[test]
fn a_stream_whose_lowercase_is_longer_is_read() {
    // Lowercase of `İ` has one byte more than `İ`.
    let (draft, _) = read("# X\n\n### Task 1: A\n\n**Stream**: İİİ\n");
    assert_eq!(draft.tasks.len(), 1);
}
