//! Tasks that need something for themselves: a port, a database, a critical file.

use crate::{execute::task, space::Space};
use serde_json::Value;

/// Three tasks that nothing orders, with a field of their own each.
fn three(fields: [&str; 3]) -> String {
    let mut text = "# Three\n\n### Stream A: All (Parallel)\n\n".to_owned();
    for (number, field) in (1..).zip(fields) {
        let script = format!("echo {number} > made-{number}");
        let field = if field.is_empty() { String::new() } else { format!("   - {field}\n") };
        let one = task(number, &format!("Task {number}"), "None", &script);
        text.push_str(&one.replace("   - Dependencies: None\n", &format!("   - Dependencies: None\n{field}")));
    }
    text + "## Quality Gates\n\n- **Gate 1**: All tests pass (after Stream A)\n"
}

fn space(config: &str, fields: [&str; 3]) -> Space {
    let space = Space::strict();
    space.write("tidegate.toml", &format!("{}{config}", space.read("tidegate.toml")));
    space.commit("Configure");
    space.topic("three", &three(fields));
    space
}

/// The events of a run to its good end.
fn events(space: &Space) -> Vec<Value> {
    let said = space.run(&["execute", "three", "--json"]).exits(0);
    said.out.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

/// Tasks whose `first` lies between the `first` and the `last` of another: of these kinds of jobs, by the label of the task.
pub fn overlaps(events: &[Value], is_within: impl Fn(&Value) -> bool, ends: &str) -> Vec<(String, String)> {
    let (mut open, mut found): (Vec<String>, Vec<(String, String)>) = Default::default();
    for event in events {
        let Some(task) = event["task"].as_str().map(str::to_owned) else { continue };
        if event["kind"] == "started" && is_within(event) && !open.contains(&task) {
            found.extend(open.iter().map(|other| (other.clone(), task.clone())));
            open.push(task);
        } else if event["kind"] == "ended" && (event["what"] == ends || ends.is_empty() && is_within(event)) {
            open.retain(|other| *other != task);
        }
    }
    found
}

#[test]
fn tasks_that_need_the_same_port_run_their_code_one_after_the_other() {
    let space = space("", ["Exclusive: `port:4000`", "Resources: port:4000, a good night's sleep", ""]);
    let said = space.run(&["check", "three"]).exits(0);
    said.says(&["alone has port:4000 while its code runs"]).lacks(&["sleep while"]);
    let told: Value = serde_json::from_str(&space.run(&["check", "three", "--json"]).exits(0).out).expect("a value");
    assert_eq!(told["tasks"][0]["resources"], serde_json::json!(["port:4000"]));
    assert_eq!(told["tasks"][1]["resources"], serde_json::json!(["port:4000"]));
    assert!(told["tasks"][2].get("resources").is_none());
    let events = events(&space);
    let code = |event: &Value| ["implement", "verify", "prove"].iter().any(|what| event["what"] == *what);
    let is_of_two = |(a, b): &(String, String)| a != "3" && b != "3";
    let found: Vec<_> = overlaps(&events, code, "").into_iter().filter(is_of_two).collect();
    assert_eq!(found, [], "of all code of the two, one job runs at a time");
}

#[test]
fn tasks_that_declare_the_same_critical_file_are_done_one_after_the_other_to_their_landing() {
    let config = "[resources]\ncritical = [\"made-1\", \"src/**\"]\ntask = [\"db\"]\n";
    let space = space(config, ["Files: `made-1`", "Files: `made-2`, `made-1`", "Files: `made-3`"]);
    let said = space.run(&["check", "three"]).exits(0);
    said.says(&["alone has made-1 until it has landed"]).lacks(&["src/**", "alone has db"]);
    let events = events(&space);
    let work = |event: &Value| event["what"] == "implement";
    let is_of_two = |(a, b): &(String, String)| a != "3" && b != "3";
    let found: Vec<_> = overlaps(&events, work, "land").into_iter().filter(is_of_two).collect();
    assert_eq!(found, []);
    assert_eq!(space.landed("three").len(), 3);
}

#[test]
fn what_the_configuration_names_is_a_resource_wherever_it_is_listed() {
    let space = space(
        "[resources]\ntask = [\"db\"]\n",
        ["Resources: db, two developers, s3", "Resources: `redis`", "Exclusive: redis"],
    );
    let told: Value = serde_json::from_str(&space.run(&["check", "three", "--json"]).exits(0).out).expect("a value");
    let of = |at: usize| told["tasks"][at].get("resources").cloned();
    assert_eq!(of(0), Some(serde_json::json!(["db"])), "what nobody names is prose");
    assert_eq!(
        (of(1), of(2)),
        (of(2), Some(serde_json::json!(["redis"]))),
        "what one says to be exclusive is so for all"
    );
    space
        .run(&["check", "three"])
        .exits(0)
        .says(&["alone has db until it has landed", "alone has redis while its code runs"]);
}

#[test]
fn an_edit_that_names_a_new_resource_is_no_part_of_a_run_that_has_begun() {
    let space = space("", ["Exclusive: port:1", "Exclusive: port:1", ""]);
    let fails = three(["Exclusive: port:1", "Exclusive: port:1", ""]).replace("echo 3 > made-3", "exit 3");
    space.topic("three", &fails);
    space.execute("three").exits(1);
    space.topic("three", &three(["Exclusive: port:1", "Exclusive: port:1", "Exclusive: port:2"]));
    space.execute("three").says(&["the resource port:2 is new"]);
    space.topic("three", &three(["Exclusive: port:1", "Exclusive: port:1", "Exclusive: port:1"]));
    space.execute("three").exits(0);
}

#[test]
fn a_resource_of_the_configuration_is_one_word_and_held_in_one_way() {
    let space = Space::strict();
    let config = "[resources]\njob = [\"port 4000\", \"db\"]\ntask = [\"db\"]\ncritical = [\"/etc/passwd\"]\n";
    space.write("tidegate.toml", config);
    space.commit("Configure");
    space.topic("three", &three(["", "", ""]));
    space.run(&["check", "three"]).exits(2).says(&[
        "`port 4000` is no name of a resource",
        "`db` is held both for a job and for a task",
        "`/etc/passwd` is no pattern of paths",
    ]);
}
