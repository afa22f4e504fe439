//! Plans of every form, in their places in a topic's folder, through the binary.

use crate::space::{Said, Space};

const SPECKIT: &str = "# Tasks: Two\n\n## Phase 1: Setup\n\n- [ ] T001 Make one\n\n  ```sh role=implementation\n  echo 1 > one\n  ```\n\n\
                       **Checkpoint**: One is there\n\n## Phase 2: Use\n\n- [ ] T002 [P] Make two\n\n  ```sh role=implementation\n  cat one > two\n  ```\n";
const CHUNKS: &str = "# Plan\n\n```mermaid\ngraph TD\n    A[Chunk 1: Base] --> B[Chunk 2: Top]\n```\n\n### Chunk 1: Base\n- **Dependencies**: None\n\n\
                      ### Chunk 2: Top\n- **Dependencies**: Chunk 1 (the base)\n\n## Critical Checkpoints\n\n### Checkpoint 1: Base (After Chunk 1)\n- [ ] It holds\n";
const TASKS: &str =
    "{\"tasks\": [\n  {\"id\": 1, \"title\": \"One\"},\n  {\"id\": 2, \"title\": \"Two\", \"dependencies\": [1]}\n]}\n";

/// A topic with its plan under this name, and nothing under another.
fn place(space: &Space, topic: &str, name: &str, text: &str) {
    space.write(&format!("notes/{topic}/research.md"), "# Research\n");
    space.write(&format!("notes/{topic}/plan.md"), "# Plan\n");
    space.write(&format!("notes/{topic}/{name}"), text);
}

fn after(said: &Said) -> Vec<String> {
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {}", said.all()));
    value["tasks"].as_array().expect("a list").iter().map(|t| format!("{}<-{}", t["id"], t["after"])).collect()
}

#[test]
fn a_plan_is_found_under_any_of_its_names_and_read_by_its_shape() {
    let space = Space::plain();
    let forms = [
        (SPECKIT, "Read as a spec-kit task list", ["\"T001\"<-[]", "\"T002\"<-[\"T001\"]"]),
        (CHUNKS, "Read as a chunk plan", ["\"1\"<-[]", "\"2\"<-[\"1\"]"]),
        (TASKS, "Read as a task-master list", ["\"1\"<-[]", "\"2\"<-[\"1\"]"]),
    ];
    for (number, name) in ["breakdown.md", "COORDINATION-PLAN.md", "tasks.md", "tasks.json"].into_iter().enumerate() {
        for (form, (text, words, order)) in forms.iter().enumerate() {
            let topic = format!("t{number}{form}");
            place(&space, &topic, name, text);
            space.run(&["check", &topic]).exits(0).says(&[words]);
            assert_eq!(after(&space.run(&["check", &topic, "--format", "json"]).exits(0)), *order, "{name}: {words}");
        }
    }
}

#[test]
fn what_is_no_plan_is_refused_under_any_name() {
    let space = Space::plain();
    for (number, name) in ["breakdown.md", "COORDINATION-PLAN.md", "tasks.md", "tasks.json"].into_iter().enumerate() {
        let topic = format!("t{number}");
        place(&space, &topic, name, "# A letter\n\n1. **We are done** with it.\n");
        space.run(&["execute", &topic]).exits(2).says(&["no-tasks", name]);
    }
    place(&space, "json", "tasks.json", "{\n  \"tasks\": [{\"id\": 1,}]\n}\n");
    space.run(&["check", "json"]).exits(2).says(&["not-json", "tasks.json:2:"]);
}

#[test]
fn a_coordination_plan_beside_a_breakdown_adds_its_checkpoints_and_tells_what_differs() {
    let space = Space::plain();
    space.topic("both", "# B\n\n### Task 1: Base\n**Tests**: x\n\n### Task 2: Top\n**Tests**: x\n");
    let other = format!(
        "{CHUNKS}\n### Checkpoint 2: Roof (After Chunk 3)\n- [ ] It is dry\n\n## Chunks\n\n### Chunk 3: Roof\n- **Dependencies**: Chunk 2\n"
    );
    space.write("notes/both/COORDINATION-PLAN.md", &other);
    let said = space.run(&["check", "both"]).exits(0);
    let said = said.says(&["task:1, also", "It holds", "an arrow goes from task 1 to task 2", "Roof"]);
    let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "line 20 of COORDINATION-PLAN.md: `It is dry` stands behind what is no task or stream";
    assert!(words.contains(told), "{}", said.all());
}

#[test]
fn a_spec_kit_list_with_scripts_is_executed_phase_by_phase() {
    let space = Space::plain();
    place(&space, "two", "tasks.md", SPECKIT);
    space.execute("two").exits(0);
    assert_eq!(space.on("tidegate/two/integration", "two"), "1");
}
