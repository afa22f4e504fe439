//! The forms in which people write one thing: labels, headings, dependencies and gates, as tables.

use super::{built, criteria, plans::order, read, refused, shape};
use tidegate::{cli, plan};

/// What each task states, by id.
fn depends_on(text: &str) -> Vec<String> {
    let (draft, plan, warnings) = built(text);
    let unread: Vec<_> = warnings.iter().filter(|w| w.code == "unresolved-dependency").collect();
    assert!(unread.is_empty(), "{unread:?}");
    let value = cli::json(&plan, &draft, &warnings);
    let list = |t: &serde_json::Value| {
        let mut ids: Vec<&str> = t["depends_on"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.join(",")
    };
    value["tasks"].as_array().unwrap().iter().map(list).collect()
}

/// Labels, streams and titles of a document's tasks.
pub(super) fn tasks(text: &str) -> Vec<String> {
    let (draft, ..) = built(text);
    let name = |t: &plan::TaskDraft| {
        let stream = t.stream.as_ref().map_or("-", |s| s.value.as_str());
        let id = t.id.as_ref().map_or("", |i| i.value.as_str());
        format!("{stream}:{id} {}", t.title.value)
    };
    draft.tasks.iter().map(name).collect()
}

#[test]
fn a_number_is_the_id_unless_labels_take_its_place() {
    let list = |titles: &[&str]| {
        let items = titles.iter().zip(1..).map(|(title, n)| format!("{n}. {title}\n   - Effort: Small\n"));
        let (draft, ..) = built(&format!("### Stream A: One\n{}", items.collect::<String>()));
        draft.tasks.into_iter().map(|t| format!("{}={}", t.id.unwrap().value, t.title.value)).collect::<Vec<_>>()
    };
    let titles = ["**Task 1**", "**OAuth2**", "**S3**", "**UTF8: support**", "[ ] **T2** [S]", "**404: page**"];
    let expected = ["1=Task 1", "2=OAuth2", "3=S3", "4=UTF8: support", "5=T2", "6=404: page"];
    assert_eq!(list(&titles), expected);
    assert_eq!(list(&["**A1: Base**", "**Task 2: Top**", "**Side**"]), ["A1=Base", "2=Top", "3=Side"]);
    assert_eq!(list(&["**T-1**: Base", "**T-2**: Top", "**Side**"]), ["T-1=Base", "T-2=Top", "3=Side"]);
}

#[test]
fn titles_with_commas_and_conjunctions_are_whole() {
    let text = |field: &str| {
        format!(
            "1. [ ] **Message Schema and Migration**\n2. [ ] **API**\n3. [ ] **Read, Write & Sync**\n4. [ ] **Last**\n   \
             - Dependencies: {field}\n"
        )
    };
    for (field, expected) in [
        ("Task: Message Schema and Migration, Task: API", "1,2"),
        ("Message Schema and Migration, Task 2", "1,2"),
        ("`Message Schema and Migration`", "1"),
        ("Message Schema and Migration (Task 1)", "1"),
        ("Message Schema and Migration must be complete", "1"),
        ("Message Schema and Migration (first), Read, Write & Sync (second)", "1,3"),
        ("Task 1: Message Schema and Migration, Task 3: Read, Write & Sync", "1,3"),
        ("[Message Schema and Migration](#a) and [API](#b)", "1,2"),
        ("\n     - Message Schema and Migration\n     - API", "1,2"),
        ("Task 02", "2"),
    ] {
        let told = depends_on(&text(field));
        assert_eq!(told[3], expected, "{field}");
    }
}

#[test]
fn what_a_task_says_that_it_blocks_waits_for_it() {
    let text = |field: &str| {
        format!(
            "### Stream A: One\n1. **Alpha**\n   - {field}\n2. **Beta**\n### Stream B: Two\n3. **Gamma**\n4. **Delta**\n   - Dependencies: 3\n"
        )
    };
    for (field, expected) in [
        ("Blocks: None", &["1<-", "2<-", "3<-", "4<-3"][..]),
        ("Blocks: Task 2, Task 4", &["1<-", "2<-1", "3<-", "4<-1,3"]),
        ("**Required by**: Delta", &["1<-", "2<-", "3<-", "4<-1,3"]),
        ("Unblocks: Stream B", &["1<-", "2<-", "3<-1", "4<-3"]),
        ("Blocks: ALL other tasks", &["1<-", "2<-1", "3<-1", "4<-3"]),
        ("Blocks: the whole dev workflow", &["1<-", "2<-", "3<-", "4<-3"]),
    ] {
        assert_eq!(shape(&text(field)), expected, "{field}");
    }
    let (_, _, told) = built(&text("Blocks: Task 9"));
    assert!(told.iter().any(|fault| fault.text.starts_with("`task 9` names no task or stream")), "{told:?}");
    let (_, faults) = refused(&text("Blocks: 2").replace("**Beta**\n", "**Beta**\n   - Blocks: 1\n"));
    assert!(faults.iter().any(|fault| fault.code == "cycle"), "{faults:?}");
}

#[test]
fn a_field_may_name_all_before_all_but_some_and_ranges_backwards() {
    let text = |field: &str, other: &str| {
        let head = "### Stream A: One\n1. **A**\n2. **B**\n### Stream B: Two\n3. **C**\n4. **D**\n   - Dependencies: ";
        format!("{head}{field}\n5. **E**\n   - Dependencies: {other}\n")
    };
    for (field, other, expected) in [
        ("All previous tasks", "None", "1,2,3"),
        ("All tasks except 3", "None", "1,2,5"),
        ("Tasks 3-1", "All tasks above", "1,2,3"),
        ("Previous task", "None", "3"),
        ("Stream A task 2", "None", "2"),
        ("None, Task 1", "None", "1"),
        ("A1, Task 3 of Stream B", "None", "1,3"),
    ] {
        let told = depends_on(&text(field, other));
        assert_eq!(told[3], expected, "{field}");
    }
    let text = "### Stream A: One\n1. **A**\n### Stream B: Two\n2. **B**\n### Stream C: Three (Depends on all previous streams)\n\
                3. **C**\n### Stream D: Four\n4. **D**\n";
    assert_eq!(shape(text), ["1<-", "2<-", "3<-1,2", "4<-"]);
}

#[test]
fn what_is_plainly_a_reference_to_nothing_is_an_error() {
    let text = "### Stream A: One\n1. **A**\n### Stream C: Three (Depends on A1, B3)\n2. **B**\n   - Dependencies: T1\n\
                3. **C**\n   - Dependencies: S3, Redis7\n";
    let (_, faults) = refused(text);
    let told = |code| faults.iter().filter(|f| f.code == code).map(|f| f.text.as_str()).collect::<Vec<_>>();
    assert_eq!(told("unknown-dependency"), ["there is no task B3", "there is no task T1"]);
    assert_eq!(told("unresolved-dependency").len(), 1);
}

#[test]
fn streams_and_tasks_are_found_in_any_section() {
    let plain = "1. **One**\n   - Dependencies: None\n2. **Two**\n   - Dependencies: Task 1\n";
    for (text, expected) in [
        (
            "## Implementation Plan Summary\n### Stream A: X\n1. **One**\n## Summary\n### Stream B: Y\n2. **Two**\n",
            "A:1 One, B:2 Two",
        ),
        (
            "## Phase 0: Prerequisites\n### Task 1: One\n### Task 2: Two\n## Summary\n### Task 1: One\n",
            "-:1 One, -:2 Two",
        ),
        (&format!("## Tasks and Critical Path\n{plain}## Success Criteria\n1. **Fast**\n"), "-:1 One, -:2 Two"),
        (&format!("{plain}## Task Summary\n{plain}"), "-:1 One, -:2 Two"),
        (
            "## Quality Gates\n- **Gate 1**: All tests pass\n### Stream A: X\n1. **One**\n2. **Two**\n",
            "A:1 One, A:2 Two",
        ),
        (&format!("### Stream A: X\n**Quality Gates**:\n- All tests pass\n{plain}"), "A:1 One, A:2 Two"),
        ("### Stream A: X\n**Quality Gates**:\n- All tests pass\n\n1. **One**\n2. **Two**\n", "A:1 One, A:2 Two"),
        ("## Quality Gates\n- All tests pass\n### Task 1: One\n### Task 2: Two\n", "-:1 One, -:2 Two"),
        ("### Stream A: X\n1. **One**\n   - Effort: S\n2. Two\n", "A:1 One, A:2 Two"),
        (
            "### Stream A: X\n1. **One**\n2. **Two**\n#### Notes\n1. **Mind this**\n#### Open Risks\n1. **And that**\n",
            "A:1 One, A:2 Two",
        ),
        (
            "### Stream A: X\n- **Task 1: One**\n  - Dependencies: None\n- **Task 2: Two**\n  - Effort: S\n",
            "A:1 One, A:2 Two",
        ),
        ("Stream A: X\n----\n1. **One**\n\nStream B: Y\n-----------\n2. **Two**\n", "A:1 One, B:2 Two"),
        ("**Stream A: X**\n1. **One**\n\n**Stream B: Y (Depends on Stream A)**\n2. **Two**\n", "A:1 One, B:2 Two"),
        ("### 2.1 Stream A: X\n1. **One**\n### 2.2 Stream B: Y\n2. **Two**\n", "A:1 One, B:2 Two"),
        ("**Stream A: X** and what it is\n\n### Stream A: X\n1. **One**\n2. **Two**\n", "A:1 One, A:2 Two"),
    ] {
        assert_eq!(tasks(text).join(", "), expected, "{text}");
    }
}

#[test]
fn a_heading_that_begins_as_a_task_is_told_when_it_is_none() {
    let (_, faults) = read("### Task 1: One\n### Task 2 and the rest\n### Task Groups\n");
    assert_eq!(faults.iter().map(|f| f.code).collect::<Vec<_>>(), ["unread-task"]);
    let (_, faults) = read("### Stream A: X\n1. **One**\n#### Later\n1. **Two**\n#### Notes\n1. **Three**\n");
    assert_eq!(faults.iter().map(|f| f.code).collect::<Vec<_>>(), ["unread-task"]);
    let (draft, faults) = read("### ~~Task 1: One~~\n");
    assert_eq!((draft.tasks[0].title.value.as_str(), faults[0].code), ("One", "struck-out"));
}

#[test]
fn gate_lines_have_many_forms() {
    let gates = |section: &str| {
        let head = "### Stream A: One\n1. **Base**\n### Stream B: Two\n2. **Side**\n";
        let (_, plan, _) = built(&format!("{head}## Quality Gates\n{section}"));
        let told = |at: &str| {
            let all = criteria(plan.blueprint(), at).into_iter();
            format!("{}: {}", &at[..1], all.map(|(text, _)| text).collect::<Vec<_>>().join(", "))
        };
        format!("{}; {}", told("stream:A"), told("system"))
    };
    for (section, expected) in [
        (
            "\n**Gate 1**: All u tests pass (after Stream A)\n**Gate 2**: All v tests pass\n",
            "s: All u tests pass; s: All v tests pass",
        ),
        (
            "| Gate | Criteria | After |\n|---|---|---|\n| Gate 1 | All u tests pass | Stream A |\n| 2 | Nice | |\n",
            "s: All u tests pass; s: Nice",
        ),
        (
            "- **Gate 1: Base (after Stream A)**:\n  - All u tests pass\n  - [ ] Nice\n- Fast\n",
            "s: All u tests pass, Nice; s: Fast",
        ),
        ("- **Gate 1**: Whole (after Stream A)\n  - All u tests pass\n", "s: Whole, All u tests pass; s: "),
        ("- **Gate 1: Base (after Stream A)**\n", "s: Base; s: "),
        (
            "### Gate 1: Base (after Stream A)\n- All u tests pass\n\nNice\n### Gate 2: Fast\n",
            "s: All u tests pass, Nice; s: Fast",
        ),
        ("- All u tests pass (Stream A)\n- Nice, after Stream A\n", "s: All u tests pass, Nice; s: "),
        ("- **Stream A Gate**: Nice\n- **Quality Gate 18**: Fast\n- ✅ **Gate 17**: Good\n", "s: Nice; s: Fast, Good"),
        ("- After Stream A: Nice\n- **Speed**: p95 is low\n", "s: Nice; s: Speed: p95 is low"),
    ] {
        assert_eq!(gates(section), expected, "{section}");
    }
    let (_, faults) = read("### Task 1: A\n## Quality Gates\nEverything is fine\n");
    assert_eq!(faults.iter().map(|f| f.code).collect::<Vec<_>>(), ["unread-gates"]);
}

#[test]
fn prose_is_told_once() {
    let (_, _, warnings) = built("### Task 1: A\n**Dependencies**: Access to staging and production\n**Tests**: x\n");
    let texts: Vec<_> =
        warnings.iter().filter(|w| w.code == "unresolved-dependency").map(|w| w.text.as_str()).collect();
    assert_eq!(
        texts,
        ["`Access to staging and production` names no task or stream: it is kept as text and makes no edge"]
    );
}

#[test]
fn fields_may_stand_on_the_tasks_own_line_and_in_headings() {
    let text = "### Stream A: X\n1. **A**\n2. **B** (depends on Task 1)\n3. **C** (after the summer)\n4. D (requires 1, 2) [S]\n   \
                - Tests: x\n";
    assert_eq!(depends_on(text), ["", "1", "", "1,2"]);
    for text in [
        "1. [ ] **A**\n2. [ ] **B**\n3) [ ] **C** **Dependencies**: 1 **Effort**: L\n",
        "1. [ ] **A**\n2. [ ] **B**\n3. [ ] **C** [S] 3.1. [ ] Do\n   it **Dependencies**: 1 **Effort**: L\n",
        "1. [ ] **A**\n2. [ ] **B**\n3. [ ] C **Dependencies**: 1\n   **Effort**: L\n",
        "### Task 1: A\n### Task 2: B\n### Task 3: C\n#### Dependencies: Task 1\n#### Effort: Large\n",
        "### Task 1: A\n### Task 2: B\n### Task 3: C\n1. Dependencies: 1\n2. Effort: Large\n",
    ] {
        let (draft, plan, _) = built(text);
        assert_eq!(draft.tasks[2].title.value, "C", "{text}");
        assert_eq!(depends_on(text)[2], "1", "{text}");
        assert_eq!(plan.node(plan::NodeId(2)).task().unwrap().minutes, 120, "{text}");
    }
}

#[test]
fn where_there_are_tests_there_is_red() {
    let (_, plan, _) = built("### Task 1: A\n**Phases**: tests, implement\n");
    let phases: Vec<&str> = plan.node(plan::NodeId(0)).task().unwrap().phases.iter().map(plan::Phase::name).collect();
    assert_eq!(phases, ["tests", "red", "implement", "verify", "merge"]);
}

#[test]
fn estimates_may_stand_behind_the_title() {
    let items = [
        "**a** [2 hours]",
        "**b** — [2 hours]",
        "**c**: text [2 hours]",
        "**d** (2 hours)",
        "**e** — 2 hours",
        "f [2 hours]",
    ];
    let text: String = items.iter().zip(1..).map(|(item, n)| format!("{n}. [ ] {item}\n")).collect();
    let (draft, ..) = built(&text);
    let efforts: Vec<_> = draft.tasks.iter().map(|t| t.effort.as_ref().map(|e| e.value)).collect();
    assert_eq!(efforts, [Some(plan::Effort::Minutes(120)); 6]);
}

#[test]
fn what_is_done_is_on_no_critical_path() {
    let (_, plan, _) = built("1. [x] **a** [2 hours]\n2. [ ] **b** [1 hour]\n3. [ ] **c** [1 hour]\n");
    let labels: Vec<&str> =
        plan.critical_path().iter().filter_map(|&id| plan.node(id).task()).map(|t| &*t.label).collect();
    assert_eq!((labels, plan.remaining(plan::NodeId(0))), (vec!["2", "3"], 120));
}

#[test]
fn diagnostics_name_the_nearest_number_and_every_line() {
    let tasks: String = (1..9).map(|n| format!("### Task {n}: T{n}\n")).collect();
    let (_, faults) = refused(&format!("{tasks}**Dependencies**: Task 9\n"));
    let unknown = faults.iter().find(|f| f.code == "unknown-dependency").unwrap();
    assert_eq!(unknown.help.as_deref(), Some("the nearest name is `8`"));
    let (draft, faults) = refused("1. [ ] **a**\n   - Dependencies: 3\n2. [ ] **b**\n3. [ ] **c**\n");
    let cycle = faults.iter().find(|f| f.code == "cycle").unwrap();
    assert_eq!(cycle.labels.iter().map(|l| draft.place(l.at).0).collect::<Vec<_>>(), [2, 4, 3]);
}

#[test]
fn scripts_are_read_in_any_notation_and_told_where_nobody_runs_them() {
    let (draft, ..) = built("### Task 1: A\n```role=implementation\ntrue\n```\n```{.sh role=reviewer}\ntrue\n```\n");
    assert_eq!(draft.tasks[0].scripts.len(), 2);
    let (draft, faults) = read(
        "```sh role=check\na\n```\n### Stream A: X\n```sh role=implementation\nb\n```\n1. **A**\n## End\n```\nc\n",
    );
    assert!(draft.streams[0].checks.is_empty());
    let mut codes: Vec<_> = faults.iter().map(|f| f.code).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["open-fence", "unused-script", "unused-script"]);
}

#[test]
fn no_stream_and_a_handoff_are_nothing_to_stumble_over() {
    let (draft, ..) =
        built("---\ntitle: x\n# no title\n---\n# P\n### Task 1: A\n**Stream**: None\n**Phases**: implement, handoff\n");
    assert_eq!((draft.title.unwrap().value.as_str(), draft.streams.len()), ("P", 0));
}

#[test]
fn files_are_paths_in_backticks_or_between_commas_and_words_beside_them_are_none() {
    for (field, files) in [
        ("`src/a.rs`, src/b.rs", "src/a.rs src/b.rs"),
        ("`src/a.rs` (new), see docs/b.md for the rest", "src/a.rs"),
        ("src/a.rs, src/b/, `Makefile`", "src/a.rs src/b/ Makefile"),
        ("src/a.rs and more", "src/a.rs"),
    ] {
        let (draft, ..) = built(&format!("### Stream A: One\n1. **Work**\n   - Files: {field}\n"));
        let found: Vec<&str> = draft.tasks[0].files.iter().map(|file| file.value.as_str()).collect();
        assert_eq!(found.join(" "), files, "{field}");
    }
}

#[test]
fn a_phase_that_says_what_it_waits_for_is_told_that_nobody_reads_it() {
    let text = "## Phase 1: Data\n- [ ] **1.1 Schema**\n\n## Phase 2: UI (depends on Phase 1)\n- [ ] **2.1 Page** — depends on 1.1, parallel with luck\n";
    assert_eq!(order(text), ["1.1<-", "2.1<-1.1"], "what is no name beside one is no reason to lose it");
    let (_, faults) = read(text);
    assert!(faults.iter().any(|fault| fault.code == "unread-dependency"), "{faults:?}");
    assert_eq!(read(text).0.tasks[1].needs[0].names.len(), 2, "and it is told");
}

#[test]
fn a_table_of_dependencies_beside_the_tasks_is_held_against_their_fields() {
    let text = |rows: &str| {
        format!(
            "### Stream A: One\n1. **Schema**\n2. **API**\n   - Dependencies: Task 1\n3. **UI**\n   - Dependencies: 2\n\n## Dependency matrix\n\n\
             | Task | Depends on |\n|---|---|\n{rows}"
        )
    };
    let told = |rows: &str| {
        let (_, _, warnings) = built(&text(rows));
        warnings
            .into_iter()
            .filter(|fault| fault.code == "drawing-disagrees")
            .map(|fault| fault.text)
            .collect::<Vec<_>>()
    };
    assert_eq!(told("| 1 | - |\n| Task 2 | Task 1 |\n| UI | 1, 2 |\n| Nobody | 3 |\n"), Vec::<String>::new());
    for row in ["| 1 | 3 |", "| Task 1 | UI |", "| Schema | Task 3 |"] {
        let told = told(row);
        assert_eq!(told.len(), 1, "{row}");
        assert!(told[0].starts_with("this says that task 1 waits for task 3"), "{told:?}");
    }
    let told = told("\n## Dependencies\n\n- Task 1 → Task 2 → UI\n- Task 3 -> Task 1\n- Input → Task 1\n");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn what_a_task_waits_for_may_be_said_in_other_words_and_signs() {
    for field in [
        "- Requires: Task 1",
        "- **After**: Task 1",
        "- Needs: 1",
        "- Predecessors: 1",
        "- Waits for: Task 1",
        "- Prereqs: Task 1",
        "- Must follow: Task 1",
        "- **Dependencies** – Task 1",
        "- Dependencies — Task 1",
        "- Dependencies: <!-- Task 3? --> Task 1",
        "- Dependencies: Task 1 <!-- and Task 3? -->",
        "- Dependencies: Tasks 1，1",
        "- Dependencies: Task 1<br>Task 1",
    ] {
        let text =
            format!("### Task 1: One\n- Effort: S\n\n### Task 2: Two\n{field}\n\n### Task 3: Three\n- Effort: S\n");
        assert_eq!(shape(&text), ["1<-", "2<-1", "3<-"], "{field}");
    }
    for note in [
        "(depends on: Task 1)",
        "(depends on Task 1)",
        "(deps: 1)",
        "[depends: Task 1]",
        "(needs Task 1)",
        ", blocked by Task 1",
        "— depends on Task 1",
        "(Effort: 1h; Depends on: Task 1)",
        "(after Task 1)",
    ] {
        let text = format!("- [ ] **Task 1: One**\n- [ ] **Task 2: Two** {note}\n- [ ] **Task 3: Three**\n");
        assert_eq!(shape(&text), ["1<-", "2<-1", "3<-"], "{note}");
    }
    let other = "### Task 1: One\n- Requires: Node 20\n- Needs: 2 approvals\n- After: the launch\n- Effort: S\n";
    assert_eq!(shape(other), ["1<-"], "what is no name is no dependency");
}

#[test]
fn a_streams_note_may_have_several_clauses() {
    for note in [
        "(Parallel with Stream B; Depends on Stream A)",
        "(Depends on Stream A, parallel with Stream B)",
        "(Depends: A)",
        "[depends on: Stream A]",
        "(Depends upon Stream A)",
        "(needs Stream A)",
    ] {
        let text = format!(
            "### Stream A: One\n1. **Alpha**\n### Stream B: Two\n2. **Beta**\n### Stream C: Three {note}\n3. **Gamma**\n"
        );
        assert_eq!(shape(&text), ["1<-", "2<-", "3<-1"], "{note}");
    }
}

#[test]
fn letters_and_mixed_names_mean_tasks_where_these_are_called_so() {
    let text = |field: &str| {
        format!(
            "### Task A: One\n- Effort: S\n### Task B: Two\n- Effort: S\n### Task C: Three\n- Depends on: {field}\n"
        )
    };
    for field in ["Tasks A and B", "A, B", "Tasks A, B", "Task A, Task B"] {
        assert_eq!(shape(&text(field)), ["A<-", "B<-", "C<-A,B"], "{field}");
    }
    let text = |field: &str| {
        format!(
            "### Stream A: One\n1. **Alpha**\n### Stream B: Two\n2. **Beta**\n3. **Gamma**\n### Stream C: Three\n4. **Delta**\n   - Dependencies: {field}\n"
        )
    };
    for field in ["Stream A, B3", "Stream A, 3", "B3, Stream A"] {
        assert_eq!(shape(&text(field))[3], "4<-1,3", "{field}");
    }
}

#[test]
fn many_short_ranges_are_few_edges() {
    let items: String = (1..=1_500)
        .map(|n| {
            format!(
                "{n}. **T{n} x**\n   - Dependencies: {}\n",
                if n < 3 { "None".to_owned() } else { format!("Tasks {} to {}", n - 2, n - 1) }
            )
        })
        .collect();
    let (_, plan, _) = built(&format!("### Stream A: One\n{items}"));
    assert!(plan.len() > 1_500);
}

#[test]
fn a_gate_line_may_say_what_it_is_after_before_its_text_in_other_signs() {
    let head = "### Stream A: One\n1. **Alpha**\n### Stream B: Two\n2. **Beta**\n\n## Quality Gates\n";
    for line in [
        "- **Gate 1 – after Stream A:** alpha holds",
        "- **Gate 1 — Stream A**: alpha holds",
        "- **Gate 1** (Stream A): alpha holds",
    ] {
        let (_, plan, _) = built(&format!("{head}{line}\n"));
        let told: Vec<String> = criteria(plan.blueprint(), "stream:A").into_iter().map(|(text, _)| text).collect();
        assert_eq!(told, ["alpha holds"], "{line}");
    }
    let (_, plan, _) = built(&format!("{head}- **Gate after Task 1**: eps holds\n"));
    assert!(criteria(plan.blueprint(), "task:1").iter().any(|(text, _)| text == "eps holds"), "its text is not lost");
}

#[test]
fn what_is_said_of_a_container_that_is_no_stream_is_told() {
    let text = "## Milestone 1: Base\n### Task 1: One\n- Effort: S\n\n## Milestone 2: UI\n**Depends on:** Milestone 1\n\n### Task 2: Two\n- Effort: S\n";
    let (_, faults) = read(text);
    assert!(faults.is_empty() || faults.iter().all(|fault| fault.code == "unread-dependency"), "{faults:?}");
    let (_, faults) = read(&text.replace("Milestone 1\n\n", "Task 1\n\n"));
    assert_eq!(faults.iter().filter(|fault| fault.code == "unread-dependency").count(), 1, "{faults:?}");
}
