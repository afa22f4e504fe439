//! Plans of other forms than a breakdown: what each gives, and what is told of those that are wrong.

use super::{built, ends_soon, read, refused, settings, shape, survives};
use proptest::prelude::*;
use tidegate::{
    cli,
    plan::{self, Plan, Severity, TaskDraft},
};

const CHUNKS: &str = include_str!("../documents/chunks.md");
const UNITS: &str = include_str!("../documents/units.md");
const SPECKIT: &str = include_str!("../documents/speckit.md");
const JSON: &str = include_str!("../documents/tasks.json");
const STEPS: &str = include_str!("../documents/steps.md");
const TABLE: &str = include_str!("../documents/table.md");
const TICKETS: &str = include_str!("../documents/tickets.md");
const LIST: &str = include_str!("../documents/list.md");
const ALL: [&str; 8] = [CHUNKS, UNITS, SPECKIT, JSON, STEPS, TABLE, TICKETS, LIST];

/// `shape` of a plan that may be warned of as it is read.
pub(super) fn order(text: &str) -> Vec<String> {
    let value = json(text);
    let list = |v: &serde_json::Value| {
        v.as_array().unwrap().iter().filter_map(|s| s.as_str().map(str::to_owned)).collect::<Vec<_>>().join(",")
    };
    let line = |t: &serde_json::Value| format!("{}<-{}", t["id"].as_str().unwrap(), list(&t["after"]));
    value["tasks"].as_array().unwrap().iter().map(line).collect()
}

fn json(text: &str) -> serde_json::Value {
    let (draft, faults) = read(text);
    assert!(faults.iter().all(|f| f.severity == Severity::Warning), "{faults:#?}");
    let (blueprint, warnings) = plan::build(&draft, &settings()).unwrap_or_else(|f| panic!("{f:#?}"));
    let plan = Plan::build(blueprint).unwrap();
    cli::json(&plan, &draft, &warnings)
}

/// The author's criteria of a gate.
fn criteria(text: &str, gate: &str) -> Vec<String> {
    let value = json(text);
    let gate = value["gates"].as_array().unwrap().iter().find(|g| g["id"] == gate).unwrap().clone();
    let authored = gate["criteria"].as_array().unwrap().iter().filter(|c| !c["line"].is_null());
    authored.map(|c| c["text"].as_str().unwrap().to_owned()).collect()
}

/// Errors as `code:line`.
fn errors(text: &str) -> Vec<String> {
    let (draft, faults) = refused(text);
    let errors = faults.iter().filter(|f| f.severity == Severity::Error);
    errors.map(|f| format!("{}:{}", f.code, f.labels.first().map_or(0, |l| draft.place(l.at).0))).collect()
}

fn steps(task: &TaskDraft) -> Vec<(String, String, bool)> {
    let id = |s: &plan::StepDraft| s.id.as_ref().map(|id| id.value.clone()).unwrap_or_default();
    task.steps.iter().map(|s| (id(s), s.title.value.clone(), s.is_done)).collect()
}

fn step(id: &str, title: &str, is_done: bool) -> (String, String, bool) {
    (id.to_owned(), title.to_owned(), is_done)
}

#[test]
fn chunks_are_tasks_and_checkpoints_are_gates() {
    let (draft, _) = read(CHUNKS);
    assert_eq!(order(CHUNKS), ["1<-", "2<-1", "3<-1", "4<-2,3"]);
    assert_eq!(draft.form.name, "chunk plan");
    let all = |texts: &[plan::Written<String>]| texts.iter().map(|w| w.value.clone()).collect::<Vec<_>>();
    assert_eq!(all(&draft.tasks[0].acceptance), ["parse function", "Error type"]);
    assert!(draft.tasks[0].text.contains("the bank's format"));
    // A test between two chunks is the later one's to write.
    assert!(draft.tasks[1].tests[0].value.contains("three matches"), "{:?}", draft.tasks[1].tests);
    let expected = ["All parser tests pass", "The error type is complete", "All unit tests pass"];
    assert_eq!(criteria(CHUNKS, "task:1"), expected);
    assert_eq!(criteria(CHUNKS, "checkpoint:2"), ["Key integrations working"]);
    let system = criteria(CHUNKS, "system");
    assert_eq!(system[0], "Test Coverage: 80% per chunk");
    assert!(system[2].starts_with("First import"), "{system:?}");
}

#[test]
fn what_comes_after_all_that_a_checkpoint_stands_behind_waits_for_it() {
    let (draft, _) = read(CHUNKS);
    let (blueprint, _) = plan::build(&draft, &settings()).unwrap();
    let plan = Plan::build(blueprint).unwrap();
    let find = |label: &str| plan.ids().find(|&id| plan.node(id).label() == label).unwrap();
    let behind: Vec<_> = plan.tasks_behind(find("checkpoint:2")).into_iter().map(|t| plan.node(t).label()).collect();
    assert_eq!(behind, ["4"]);
}

#[test]
fn a_graph_that_disagrees_with_the_fields_is_told_with_both_lines() {
    let text = CHUNKS.replace("    C --> D\n", "    D --> C\n");
    let (draft, faults) = refused(&text);
    let told: Vec<_> = faults.into_iter().filter(|f| f.code == "drawing-disagrees").collect();
    insta::assert_snapshot!(cli::render(&draft, &told, false), @r#"
    error[drawing-disagrees]: an arrow goes from chunk 4 to chunk 3, which does not wait for it
      --> notes/topic/breakdown.md:14:5
       |
    14 |     D --> C
       |     ^^^^^^^ the arrow
    ...
    39 | - **Dependencies**: Previous chunk only in time; Chunk 1
       |                     ------------------------------------ what chunk 3 waits for
       |
       = help: name 4 in the dependencies of 3, or take the arrow out

    error[drawing-disagrees]: chunk 4 waits for chunk 3, and no arrow goes from one to the other
      --> notes/topic/breakdown.md:42:28
       |
    13 |     B --> D[Chunk 4: Import Command]
       |     ------------------------------- not among these arrows
    ...
    42 | - **Dependencies**: Chunks 2-3
       |                            ^^^ stated here
       |
       = help: draw the arrow, or take 3 out of the dependencies of 4
    "#);
}

#[test]
fn a_graph_says_what_no_field_says_and_may_leave_out_what_follows() {
    let graph = |arrows: &str| {
        format!("# P\n```mermaid\ngraph LR\n{arrows}\n```\n### Chunk 1: A\n### Chunk 2: B\n### Chunk 3: C\n")
    };
    assert_eq!(order(&graph("C1 --> C2 & C3")), ["1<-", "2<-1", "3<-1"]);
    assert_eq!(order(&graph("x[A] -->|then| y[\"C\"]")), ["1<-", "2<-", "3<-1"]);
    assert_eq!(errors(&graph("C1[Chunk 1] --> C9[Chunk 9]\nC1 --> C2")), ["unknown-dependency:4"]);
    // A graph of something else is context, and without any order the chunks follow one another.
    assert_eq!(order(&graph("Browser --> Server")), ["1<-", "2<-1", "3<-2"]);
    let stated =
        graph("C1 --> C2\nC2 --> C3").replace("### Chunk 3: C", "### Chunk 3: C\n**Dependencies**: Chunks 1-2");
    assert_eq!(order(&stated.replace("### Chunk 2: B", "### Chunk 2: B\n**Dependencies**: Chunk 1")).len(), 3);
}

#[test]
fn fields_of_a_chunk_may_share_a_line_and_name_a_track() {
    let text = "## Track A: Core\n## Track B: Net\n### Chunk 1: Base\n**Track**: A | **Duration**: ~2-3 days | **Dependencies**: None\n\
                ### ✅ Chunk 2: Wire (Small) - COMPLETED\n**Track**: B | **Dependencies**: Chunk 1 (the base)\n\
                ### Chunk 3: All\n**Track**: All tracks merge | **Dependencies**: Chunks 1-2\n#### Chunk 1 Notes:\nText\n";
    let (draft, _) = read(text);
    let name = |t: &TaskDraft| format!("{}:{}", t.stream.as_ref().map_or("-", |s| s.value.as_str()), t.title.value);
    assert_eq!(draft.tasks.iter().map(name).collect::<Vec<_>>(), ["A:Base", "B:Wire", "-:All"]);
    assert_eq!(draft.tasks.iter().map(|t| t.is_done).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(order(text), ["1<-", "2<-1", "3<-2"]);
}

#[test]
fn units_follow_their_chains_and_handoffs() {
    assert_eq!(order(UNITS), ["palette<-", "switch<-palette", "stored-choice<-switch", "icons<-palette"]);
    let (draft, _) = read(UNITS);
    assert_eq!(draft.tasks[0].acceptance[0].value, "Both modes have all colours");
    assert!(draft.tasks[3].agent.as_ref().unwrap().value.starts_with("documentation-expert"));
    assert_eq!(criteria(UNITS, "system"), ["All tests pass"]);
    let side_by_side = UNITS.replace("{[Switch], [Icons]}", "{[Switch], [Palette]}");
    assert_eq!(errors(&side_by_side), ["drawing-disagrees:25"]);
    assert_eq!(errors(&UNITS.replace("→ [Stored Choice]", "→ [Nobody]")), ["unknown-dependency:21"]);
}

#[test]
fn phases_follow_one_another_and_marked_tasks_are_free_of_each_other() {
    let expected = [
        "T001<-",
        "T002<-T001",
        "T003<-T001",
        "T004<-T002,T003",
        "T005<-T004",
        "T006<-T004",
        "T007<-T005,T006",
        "T008<-T007",
        "T009<-T008",
    ];
    assert_eq!(order(SPECKIT), expected);
    assert_eq!(criteria(SPECKIT, "phase:2"), ["Postcards can be made"]);
    let (draft, _) = read(SPECKIT);
    assert!(draft.tasks[0].is_done && draft.tasks.iter().all(|t| t.files.is_empty()));
    assert_eq!(draft.tasks[6].title.value, "Writing in src/writing.rs (depends on T005)");
    assert_eq!(steps(&draft.tasks[8]), [step("", "Town", false), step("", "Street", true)]);
    // Bracketed ids and priorities are no marks of parallel work.
    let bracketed = "## Phase 1\n- [ ] [T1.1] [P1] [US1,US2] One\n- [x] [T1.2] [P2] Two\n- [ ] **T1.3** [P] Three\n";
    assert_eq!(order(bracketed), ["T1.1<-", "T1.2<-T1.1", "T1.3<-T1.2"]);
    assert_eq!(read(bracketed).0.tasks[0].title.value, "One");
}

#[test]
fn what_contradicts_the_phases_is_a_cycle() {
    let text = SPECKIT.replace("T002 [P] Add a formatter", "T002 [P] Add a formatter (depends on T008)");
    let (draft, faults) = refused(&text);
    let cycle = faults.iter().find(|f| f.code == "cycle").unwrap();
    assert!(cycle.text.contains("phase 2") && cycle.text.contains("T002"), "{}", cycle.text);
    assert!(cycle.labels.iter().any(|l| draft.place(l.at).0 == 10), "{cycle:?}");
}

#[test]
fn two_wide_phases_make_as_many_edges_as_tasks() {
    let phase = |number: usize, first: usize| {
        let tasks: String = (first..first + 2_000).map(|n| format!("- [ ] T{n:05} [P] Do {n}\n")).collect();
        format!("## Phase {number}: P\n{tasks}")
    };
    let (draft, _) = read(&(phase(1, 1) + &phase(2, 2_001)));
    let (blueprint, _) = plan::build(&draft, &settings()).unwrap();
    assert!(blueprint.edges.len() < 6 * draft.tasks.len(), "{}", blueprint.edges.len());
}

#[test]
fn other_tags_than_the_one_that_is_read_are_told() {
    let text = r#"{"master": {"tasks": [{"id": 1, "title": "A"}]}, "hotfix": {"tasks": [{"id": 1, "title": "B"}]}}"#;
    let (draft, faults) = read(text);
    assert_eq!(draft.tasks.len(), 1);
    assert!(
        faults.iter().any(|fault| fault.code == "unread-tag" && fault.text.ends_with("not those of `hotfix`")),
        "{faults:?}"
    );
}

#[test]
fn a_chain_of_units_may_have_a_name() {
    let named = UNITS.replace("- [", "- **Longest Chain**: [");
    assert_ne!(named, UNITS);
    assert_eq!(order(&named), order(UNITS));
}

#[test]
fn headings_with_an_order_are_tasks_by_whatever_word() {
    for (one, many) in [("Story", "Stories"), ("Issue", "Issues"), ("Feature", "features"), ("Ticket", "tickets")] {
        let text = format!(
            "# Plan\n\n## {one} 1: Schema\n**Dependencies**: None\n\n## {one} 2: API\n- **Depends on**: {one} 1\n- [ ] it answers\n\n\
             ## {one} 3: UI\n**Dependencies:** {many} 1, 2\n\n## Summary\nAll {many} are done.\n"
        );
        assert_eq!(order(&text), ["1<-", "2<-1", "3<-2"], "{text}");
    }
    let text = "# Plan\n\n## Story 1: A\n**Dependencies**: none\n\n## Story 1: B\n**Dependencies**: Story 7\n";
    let (draft, faults) = refused(text);
    assert_eq!(draft.form.noun, "story");
    let told: Vec<&str> = faults.iter().map(|fault| &*fault.text).collect();
    assert!(told.contains(&"two stories are called 1") && told.contains(&"there is no story 7"), "{told:?}");
    assert!(
        errors("# Product\n\n## Feature 1: Login\nPeople log in.\n\n## Feature 2: Search\nThey find.\n")
            .contains(&"no-tasks:1".to_owned())
    );
}

#[test]
fn json_that_calls_things_otherwise_keeps_its_order() {
    for (title, needs) in [
        ("title", "dependencies"),
        ("name", "depends_on"),
        ("title", "dependsOn"),
        ("name", "blockedBy"),
        ("title", "blocked_by"),
    ] {
        let text = format!(
            r#"{{"tasks": [{{"id": 1, "{title}": "Schema"}}, {{"id": "b", "{title}": "API", "{needs}": [1]}}]}}"#
        );
        assert_eq!(order(&text), ["1<-", "b<-1"], "{text}");
    }
    let both = r#"{"tasks": [{"id": 1, "title": "A", "name": "a"}, {"id": 2, "title": "B", "dependencies": [], "depends_on": [1]}]}"#;
    assert_eq!(order(both), ["1<-", "2<-1"]);
}

#[test]
fn json_tasks_have_steps_scripts_and_states() {
    assert_eq!(order(JSON), ["1<-", "2<-1", "3<-1", "4<-", "5<-2,3,4"]);
    let (draft, faults) = read(JSON);
    assert_eq!(faults.iter().map(|f| f.code).collect::<Vec<_>>(), ["cancelled"]);
    assert_eq!(draft.tasks.iter().map(|t| t.is_done).collect::<Vec<_>>(), [true, false, false, true, false]);
    assert_eq!(draft.tasks[0].title.value, "Schema of letters");
    assert_eq!(steps(&draft.tasks[0]), [step("1.1", "Columns", true), step("1.2", "Index", false)]);
    assert_eq!(draft.tasks[0].scripts[0].body, "echo done > letters\n");
    assert!(draft.tasks[0].text.contains("Two columns.") && !draft.tasks[0].text.contains("echo"));
    assert_eq!(draft.tasks[0].tests[0].value, "A letter can be kept");
    assert_eq!(draft.place(draft.tasks[4].head).0, 21);
    for list in ["{\"tasks\": [{\"id\": 7, \"title\": \"One\"}]}", "\u{feff}[{\"id\": \"7\", \"title\": \"One\"}]"] {
        assert_eq!(order(list), ["7<-"], "{list}");
    }
}

#[test]
fn faults_in_json_are_told_at_their_lines() {
    let tasks = |tasks: &str| format!("{{\"tasks\": [\n{tasks}\n]}}");
    for (text, expected) in [
        (tasks("{\"id\": 1, \"title\": \"A\"},\n{\"id\": 1, \"title\": \"B\"}"), "duplicate-id:3"),
        (tasks("{\"id\": 1, \"title\": \"A\",\n \"dependencies\": [\n9]}"), "unknown-dependency:4"),
        (tasks("{\"id\": 1,\n \"title\": \" \"}"), "no-title:2"),
        (
            tasks(
                "{\"id\": 1, \"dependencies\": [2], \"title\": \"A\"},\n{\"id\": 2, \"dependencies\": [1], \"title\": \"B\"}",
            ),
            "cycle:2",
        ),
        (tasks("{\"id\": 1, \"title\": \"A\",}"), "not-json:2"),
        (tasks("{\"id\": 1, \"title\": 5}"), "not-json:2"),
        (tasks("{\"id\": true, \"title\": \"A\"}"), "not-json:2"),
        (tasks("{\"id\": 1, \"title\": \"A\", \"dependencies\": \"2\"}"), "not-json:2"),
        (tasks("3"), "not-json:2"),
        ("{\"tasks\": {}}".to_owned(), "not-json:1"),
        ("{\"a\": {\"tasks\": []},\n \"b\": {\"tasks\": []}}".to_owned(), "ambiguous-tag:1"),
        ("{\"meta\": {}}".to_owned(), "unread-format:1"),
        (
            tasks(
                "{\"id\": 1, \"title\": \"A\", \"status\": \"deferred\"},\n{\"id\": 2, \"title\": \"B\", \"dependencies\": [1]}",
            ),
            "deferred:3",
        ),
    ] {
        let told = errors(&text);
        assert!(told.iter().any(|e| e == expected), "{text}: {told:?}, not {expected}");
    }
}

#[test]
fn steps_follow_one_another_and_have_substeps() {
    let (draft, _) = read(STEPS);
    assert_eq!(order(STEPS), ["1<-", "2<-1", "3<-1"]);
    assert_eq!(steps(&draft.tasks[0]), [step("1a", "Wire it", false), step("1b", "Light it", false)]);
    assert_eq!(steps(&draft.tasks[1]), [step("2a", "Build it", false), step("2b", "Paint it", true)]);
    let results = "# R\n### Step 1: A\n**Status**: Complete\n**Result**: good\n### Step 2: B\n**Status**: Complete\n**Result**: fine\n";
    assert!(errors(results).contains(&"unread-format:2".to_owned()));
}

#[test]
fn rows_with_an_id_and_dependencies_are_tasks() {
    assert_eq!(order(TABLE), ["1.0.1<-", "1.0.2<-1.0.1", "A.1<-1.0.2", "A.2<-A.1"]);
    let (draft, _) = read(TABLE);
    let streams: Vec<_> = draft.streams.iter().map(|s| (s.id.value.as_str(), s.title.value.as_str())).collect();
    assert_eq!(streams, [("1.0", "Contract"), ("A", "Readers")]);
    assert!(draft.tasks[2].is_done && !draft.tasks[3].is_done);
    // A summary of tasks that are written elsewhere is none.
    let summary = format!("### Task 1: One\n### Task 2: Two\n\n{}", TABLE.replace("1.0.1", "1"));
    assert_eq!(read(&summary).0.tasks.len(), 2);
}

#[test]
fn tickets_are_called_by_the_end_of_their_ids_too() {
    assert_eq!(order(TICKETS), ["shop-1ab<-", "shop-2cd<-shop-1ab", "shop-3ef<-shop-2cd"]);
    assert_eq!(read(TICKETS).0.tasks[0].agent.as_ref().unwrap().value, "Ada");
}

#[test]
fn a_list_of_numbered_boxes_runs_in_the_order_given_unless_one_is_stated() {
    assert_eq!(order(LIST), ["1<-", "2<-1", "3<-2"]);
    let (draft, _) = read(LIST);
    assert_eq!(steps(&draft.tasks[1]), [step("2.1", "Coarse", false), step("2.2", "Fine", false)]);
    let stated = "- [ ] 1. One <!-- id:ab1 -->\n  - Stream: 1\n- [ ] 2. Two <!-- id:ab2 -->\n  - Blocked-by: ab1 (One, first)\n- [ ] 3. Three\n";
    assert_eq!(order(stated), ["1<-", "2<-1", "3<-"]);
    assert_eq!(
        order("## 1. Types\n- [x] 1.1 One\n- [ ] 1.2 Two\n## 2. More\n- [ ] 2.1 Three\n"),
        ["1.1<-", "1.2<-1.1", "2.1<-1.2"]
    );
}

#[test]
fn what_is_wrong_is_told_in_every_form() {
    for (text, expected) in [
        ("### Chunk 1: A\n**Dependencies**: None\n### Chunk 1: B\n**Dependencies**: None\n", "duplicate-id:3"),
        ("### Chunk 1: A\n**Dependencies**: Chunk 7\n### Chunk 2: B\n", "unknown-dependency:2"),
        ("### Chunk 1: A\n**Dependencies**: Chunk 2\n### Chunk 2: B\n**Dependencies**: Chunk 1\n", "cycle:2"),
        ("### Chunk 1:\n**Dependencies**: None\n", "no-title:1"),
        ("- [ ] T001 One\n- [ ] T001 Two\n", "duplicate-id:2"),
        ("- [ ] T001 One (depends on T009)\n", "unknown-dependency:1"),
        ("- [ ] T001 One\n- [ ] T002\n", "no-title:2"),
        ("### Step 1: A\n**Goal**: x\n### Step 1: B\n**Goal**: x\n", "duplicate-id:3"),
        ("### Step 1: A\n**Dependencies**: Step 4\n", "unknown-dependency:2"),
        ("| ID | Task | Depends on |\n|-|-|-|\n| 1 | A | 2 |\n| 1 | B | None |\n", "duplicate-id:4"),
        ("| ID | Task | Depends on |\n|-|-|-|\n| 1 | A | 2 |\n| 2 | B | 1 |\n", "cycle:3"),
        ("- [ ] 1. One\n- [ ] 1. Two\n", "duplicate-id:2"),
    ] {
        let told = errors(text);
        assert!(told.iter().any(|e| e == expected), "{text}: {told:?}, not {expected}");
    }
}

#[test]
fn what_has_no_task_is_refused_and_says_what_is_there() {
    let text = "# Team plan\n- [ ] Do this\n- [ ] Do that\n- [ ] Do more\n";
    assert!(errors(text).contains(&"no-tasks:1".to_owned()));
    assert!(read(text).1.iter().any(|f| f.text.ends_with("3 boxes without a label")));
    assert!(errors("# Letter\n1. **We are done** with it\n2. **We go on**\n").contains(&"no-tasks:1".to_owned()));
}

#[test]
fn what_was_understood_of_a_list_is_told_in_eighty_columns() {
    let (draft, plan, warnings) = built(SPECKIT);
    let told = cli::text(&plan, &draft, &warnings, &settings());
    assert!(told.lines().all(|line| line.chars().count() <= 90), "{told}");
    assert!(told.contains("Read as a spec-kit task list") && told.contains("phase:2"), "{told}");
    assert_eq!(shape(SPECKIT).len(), 9);
}

#[test]
fn what_a_task_needs_for_itself_is_read_in_every_form_that_has_fields() {
    let claimed = |text: &str| {
        let of = |t: &serde_json::Value| t["resources"].as_array().map(|all| all.len());
        json(text)["tasks"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    for text in [
        "### Chunk 1: A\n- **Dependencies**: None\n- **Exclusive**: `port:4000`\n### Chunk 2: B\n- **Resources**: port:4000\n",
        "### [A]\n**Implementation Focus**: a\n**Exclusive**: port:4000\n### [B]\n**Implementation Focus**: b\n**Resources**:\n- port:4000\n",
        "## Phase 1: Setup\n- [ ] T001 One\n  - Exclusive: port:4000\n- [ ] T002 Two\n  - Resources: `port:4000`\n",
        "### Step 1: A\n**Goal**: x\n**Exclusive**: db\n### Step 2: B\n**Goal**: y\n**Resources**: db, two developers\n",
        "- [ ] 1. One\n  - Exclusive: db\n- [ ] 2. Two\n  - Resources: `db` (the test database)\n",
        "| ID | Task | Depends on | Exclusive | Resources |\n|-|-|-|-|-|\n| 1 | A | None | `db` | - |\n| 2 | B | None | None | db, two people |\n",
    ] {
        assert_eq!(claimed(text), [Some(1), Some(1)], "{text}");
    }
    let prose = "### Chunk 1: A\n- **Dependencies**: None\n- **Resources**: two developers, patience\n";
    assert_eq!(claimed(prose), [None]);
    let files =
        "| ID | Task | Depends on | Critical files | Files |\n|-|-|-|-|-|\n| 1 | A | None | src/lib.rs | src/a.rs |\n";
    let task = &read(files).0.tasks[0];
    assert_eq!((task.files[0].value.as_str(), task.claims[0].name.value.as_str()), ("src/a.rs", "src/lib.rs"));
}

#[test]
fn hostile_plans_end_soon() {
    let list: String = (0..100_000).map(|n| format!("- [ ] T{n:06} Do it\n")).collect();
    let chunks: String = (0..3_000).map(|n| format!("### Chunk {n}: C\n**Dependencies**: Chunks 0-{n}\n")).collect();
    let graph: String = (0..20_000).map(|n| format!("C{n} --> C{}\n", n / 2)).collect();
    let drawn: String = (0..2_000).map(|n| format!("### Chunk {n}: C\n**Dependencies**: None\n")).collect();
    let hostile = [
        "{".to_owned() + &"[".repeat(5_000_000),
        "{\"a\":".repeat(200_000),
        format!("{{\"tasks\": [{}]}}", "{\"id\": 1, \"title\": \"x\"},".repeat(50_000) + "{}"),
        list,
        chunks,
        format!("```mermaid\n{graph}```\n{drawn}"),
        "## Critical Checkpoints\n".to_owned() + &"### Checkpoint 1 (After Chunks 1, 2)\n- x\n".repeat(5_000) + CHUNKS,
        "- T001 depends on T001-T999\n".repeat(20_000) + SPECKIT,
        "| ID | Task | Depends on |\n|-|-|-|\n".to_owned() + &"| 1 | x | 1-9 |\n".repeat(20_000),
        "### A\n**Implementation Focus**: x\n".repeat(5_000) + &"- A → A → ".repeat(20_000),
    ];
    hostile.iter().for_each(|text| ends_soon(text));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_form_panics_on_a_document_that_was_cut_or_changed(
        which in 0..ALL.len(), cut in 0.0..1.0f64, from in 0.0..1.0f64, to in 0.0..1.0f64, word in ".{0,8}", twice in any::<bool>(),
    ) {
        let text = ALL[which];
        let place = |share: f64| {
            let at = (text.len() as f64 * share) as usize;
            (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
        };
        let (first, last) = (place(from.min(to)), place(from.max(to)));
        survives(&text[..place(cut)])?;
        survives(&format!("{}{word}{}", &text[..first], &text[last..]))?;
        survives(&format!("{}{word}{}", &text[..last], &text[if twice { first } else { last }..]))?;
    }
}
