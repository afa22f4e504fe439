//! Labels: which lines begin a task, whatever the signs, boxes and bold text around its id, and which only speak of one.

use super::{built, plans::order, read, refused, shape};
use crate::forms::tasks;
use tidegate::plan;

#[test]
fn an_id_of_the_stream_begins_a_task_with_or_without_a_sign_a_box_and_bold_text() {
    let heads = [
        ["### Stream A: Data", "### Stream B: UI (Depends on Stream A)"],
        ["**Stream A: Data**", "**Stream B: UI** (depends on Stream A)"],
        ["**Stream A** — Data", "**Stream B** — UI (depends on Stream A)"],
        ["**Stream A:** Data", "**Stream B:** UI (depends on Stream A)"],
    ];
    let items = [
        "- [ ] ID TITLE",
        "- [ ] **ID TITLE**",
        "- [ ] **ID** TITLE",
        "- [ ] ID: TITLE",
        "- **ID** TITLE",
        "- **ID TITLE**",
        "- ID: TITLE",
        "- ID. TITLE",
        "- ID - TITLE",
    ];
    for [first, second] in heads {
        for item in items {
            let item = |id: &str, title: &str| item.replace("ID", id).replace("TITLE", title);
            let list = [
                item("A1", "Schema"),
                item("A2", "Index"),
                String::new(),
                second.to_owned(),
                String::new(),
                item("B1", "Page"),
            ];
            let text = format!("# Plan\n\n{first}\n\n{}\n", list.join("\n"));
            assert_eq!(tasks(&text), ["A:A1 Schema", "A:A2 Index", "B:B1 Page"], "{text}");
            assert_eq!(shape(&text), ["A1<-", "A2<-", "B1<-A1,A2"], "{text}");
        }
    }
    let text = "## Group 1: Data\n- [ ] 1.1 Schema\n  - Dependencies: None\n- [x] **1.2 Index** (2h)\n## Group 2: UI\n- [ ] 2.1 Page (depends on 1.2)\n";
    assert_eq!(shape(text), ["1.1<-", "1.2<-", "2.1<-1.2"]);
    let (draft, ..) = built(text);
    assert_eq!((draft.tasks[1].title.value.as_str(), draft.tasks[1].is_done), ("Index", true));
    assert_eq!(draft.tasks[1].effort.as_ref().map(|effort| effort.value), Some(plan::Effort::Minutes(120)));
}

#[test]
fn a_list_about_tasks_of_a_stream_begins_none() {
    let text = "### Stream A: One\n1. **Alpha**\n2. **Beta**\n- A1: it waits for nothing\n\n### Stream B: Two\n- B1: Gamma\n  - B1.1: a part\n\n\
                **Order**:\n- B1: comes first\n- B2: is no task\n";
    assert_eq!(tasks(text), ["A:1 Alpha", "A:2 Beta", "B:B1 Gamma"]);
    let text = "### Stream A: One\nTasks:\n- A1: the schema\n- A2: the index\n\n#### A1: Schema\n- Effort: S\n\n#### A2: Index\n- Dependencies: A1\n";
    assert_eq!(shape(text), ["A1<-", "A2<-A1"]);
    let text = "### Stream A: One\nTasks:\n- A1: the schema\n\n**A1. Schema**\n- Effort: S\n";
    assert_eq!(tasks(text), ["A:A1 Schema"]);
    let text = "**Stream A:** the database people do this.\n\nAnd so on.\n\n### Task 1: One\n**Effort**: S\n";
    assert_eq!(tasks(text), ["-:1 One"]);
    let text = "## Progress\n- [ ] **Task 1: One**\n- [ ] Task 2: Two\n\n## Task 1: One\n- Effort: S\n\n## Task 2: Two\n- Dependencies: Task 1\n";
    assert_eq!(shape(text), ["1<-", "2<-1"]);
}

#[test]
fn a_list_of_what_is_done_may_stand_before_the_tasks() {
    for item in ["- [x] Task N: TITLE", "- [ ] **Task N: TITLE**", "- [ ] **Task N**: TITLE (done by Ann)"] {
        let item = |id: &str, title: &str| item.replace('N', id).replace("TITLE", title);
        let list = format!("## Progress\n{}\n{}\n\n", item("1", "Schema"), item("2", "API"));
        let text =
            format!("{list}### Stream A: One\n1. **Schema**\n   - Effort: S\n2. **API**\n   - Dependencies: Task 1\n");
        assert_eq!(tasks(&text), ["A:1 Schema", "A:2 API"], "{text}");
        assert_eq!(shape(&text), ["1<-", "2<-1"], "{text}");
    }
    let (_, faults) = refused("- [ ] Task 1: Schema\n\n### Stream A: One\n1. **Something else**\n");
    assert!(faults.iter().any(|fault| fault.code == "duplicate-id"), "another title is another task: {faults:?}");
}

#[test]
fn a_box_with_the_word_task_is_one_anywhere() {
    let text = "## Epic 1: Data\n\n### Story 1.1: Schema\n- [ ] Task 1.1.1: Tables\n- [x] Task 1.1.2: Indexes (depends on 1.1.1)\n";
    assert_eq!(shape(text), ["1.1.1<-", "1.1.2<-1.1.1"]);
}

#[test]
fn a_numbered_heading_that_says_what_it_waits_for_is_a_task() {
    let text = "# Plan\n\n### 1. Schema\n**Dependencies:** None\n**Effort:** S\n\n### 2. API\n- Depends on: 1\n\n### 3. Outlook\nLater.\n";
    assert_eq!(order(text), ["1<-", "2<-1"]);
    let (_, faults) = read(text);
    let unread: Vec<_> = faults.iter().filter(|fault| fault.code == "unread-task").collect();
    assert_eq!(unread.len(), 1, "the third goes on as a task would: {faults:?}");
    for head in [
        "## ABC-101 Schema\n**Depends on**: none\n\n## ABC-102 API",
        "## [ABC-101] Schema\n**Depends on**: none\n\n## [ABC-102] API",
    ] {
        assert_eq!(shape(&format!("{head}\n**Depends on**: ABC-101\n")), ["ABC-101<-", "ABC-102<-ABC-101"], "{head}");
    }
    let text = "## Milestone 1: Data\n### M1-T1: Schema\n**Depends on:** -\n### M1-T2: API\n**Depends on:** M1-T1\n## Milestone 2: UI\n### M2-T1: Page\n**Depends on:** M1-T1, M1-T2\n";
    assert_eq!(shape(text), ["M1-T1<-", "M1-T2<-M1-T1", "M2-T1<-M1-T2"]);
    let text = "## Stream A: Data\n### A1 Schema [2h]\n- **Effort**: S\n### A2 API\n- **Dependencies**: A1\n";
    assert_eq!(tasks(text), ["A:A1 Schema", "A:A2 API"]);
    let (_, faults) = refused(
        "# Design\n\n### 1. Login\n**Dependencies:** bcrypt 5, jsonwebtoken 9\n\n### 2. Sessions\n**Dependencies:** redis\n",
    );
    assert!(faults.iter().any(|fault| fault.code == "no-tasks"), "a component's libraries are no order: {faults:?}");
}

#[test]
fn a_document_without_tasks_is_told_what_it_has_instead() {
    let told = |text: &str| {
        let (_, faults) = refused(text);
        faults.into_iter().find(|fault| fault.code == "unread-task").map(|fault| fault.text).unwrap_or_default()
    };
    assert_eq!(told("# P\n\n1. Schema\n2. API\n3. UI\n"), "none of this is read as a task: 3 numbered items");
    assert_eq!(
        told(
            "# P\n\n- [ ] a\n- [ ] b\n- [ ] c\n\n### Part 1: One\n**Dependencies**: None\n### Part 2: Two\n**Dependencies**: Part 1\n"
        ),
        "none of this is read as a task: 3 boxes without a label, 2 fields of dependencies"
    );
    assert_eq!(told("tasks:\n  - id: 1\n"), "none of this is read as a task: YAML instead of Markdown");
    assert_eq!(told("<tasks>\n</tasks>\n"), "none of this is read as a task: XML instead of Markdown");
    assert_eq!(told("# P\n\nSome words: here.\n"), "");
}

#[test]
fn a_task_may_have_a_heading_of_the_level_of_its_stream() {
    let text = "### Stream A: P\n### Task 1: L\n### Task 2: G\n### Stream B: R (Depends on Stream A)\n### Task 3: V\n### Task 4: E\n";
    assert_eq!(tasks(text), ["A:1 L", "A:2 G", "B:3 V", "B:4 E"]);
    assert_eq!(shape(text), ["1<-", "2<-", "3<-1,2", "4<-1,2"]);
}

#[test]
fn criteria_with_labels_are_no_tasks_and_stories_are() {
    let text = "### Story 3.1: Cart\n**Acceptance Criteria:**\n- [ ] AC1: tax\n- [ ] AC2: ship\n\n### Story 3.2: Pay\n**Dependencies:** Story 3.1\n\
                **Acceptance Criteria:**\n- [ ] AC1: pays\n";
    assert_eq!(order(text), ["3.1<-", "3.2<-3.1"]);
    let text = "## Issue 1: Login\n- [ ] R1: foo\n\n## Issue 2: Logout\n- Depends on: Issue 1\n- [ ] R1: bar\n";
    assert_eq!(order(text), ["1<-", "2<-1"]);
}

#[test]
fn a_sign_behind_the_id_leaves_a_spec_kit_list_what_it_is() {
    for item in [
        "- [ ] ID: TITLE",
        "- [ ] **ID**: TITLE",
        "- [ ] ID - TITLE",
        "- [ ] ID TITLE",
        "- [] ID TITLE",
        "- [ ] ID. TITLE",
    ] {
        let item = |id: &str, title: &str| item.replace("ID", id).replace("TITLE", title);
        let text = format!(
            "## Phase 1: Setup\n{}\n{}\n{}\n\n## Phase 2: Core\n{}\n",
            item("T001", "Alpha"),
            item("T002", "[P] Beta"),
            item("T003", "[P] [US1] Gamma"),
            item("T004", "Delta")
        );
        assert_eq!(order(&text), ["T001<-", "T002<-T001", "T003<-T001", "T004<-T002,T003"], "{text}");
        assert_eq!(tasks(&text)[2], "-:T003 Gamma", "{text}");
    }
}

#[test]
fn boxes_are_read_however_they_are_typed_and_wherever_they_stand() {
    let text = "1. [] **One**\n2. [ x ] **Two**\n3. [✓] **Three**\n4. [>] **Four**\n";
    let done = |text: &str| built(text).0.tasks.iter().map(|task| task.is_done).collect::<Vec<_>>();
    assert_eq!(done(text), [false, true, true, false]);
    let text = "### Task 1: [x] One\n- Effort: S\n### Task 2: [ ] Two\n- Effort: S\n";
    assert_eq!((tasks(text), done(text)), (vec!["-:1 One".to_owned(), "-:2 Two".to_owned()], vec![true, false]));
}
