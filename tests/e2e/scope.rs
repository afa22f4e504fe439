//! What a task may touch, through the binary: edits that are taken out, edits that the gate needs, and who opens what.

use crate::{
    breakdown::{Task, put, stream},
    space::{Said, Space},
};

const GATE: &str = "All tests pass";

/// A task that may change `src/new.rs` alone, whose tests want `new` to be 2.
fn task(code: &str) -> Task {
    let test = "#[test]\nfn the_new_is_two() {\n    assert_eq!(toy::new::two(), 2);\n}";
    Task::new("New")
        .field("Test Requirements: The new is two")
        .field("Files: src/new.rs")
        .tests(&put("tests/new.rs", test))
        .code(code)
}

/// A script that writes `src/new.rs` and declares it.
fn module(body: &str) -> String {
    put("src/new.rs", &format!("//! New.\n\n/// Two.\npub fn two() -> u32 {{\n    {body}\n}}"))
        + "grep -q 'pub mod new;' src/lib.rs || echo 'pub mod new;' >> src/lib.rs\n"
}

fn execute(space: &Space, task: Task) -> Said {
    space.topic("toy", &stream(&[task], GATE));
    space.execute("toy")
}

/// `execute`, where the task is there already.
fn go_on(space: &Space) -> Said {
    space.execute("toy")
}

const NEEDS_DATA: &str = "include_str!(\"../data.txt\").trim().parse().unwrap()";
const NEEDS_BUILD: &str = "env!(\"TWO\").parse().unwrap()";
const BUILD: &str = "fn main() {\n    println!(\"cargo:rustc-env=TWO=2\");\n}";
const CONFIG: &str = "[env]\nTWO = \"2\"";

#[test]
fn an_edit_out_of_scope_that_is_not_needed_is_taken_out_and_told() {
    let space = Space::strict_crate(&[]);
    let script = module("2") + &put("README.md", "Look at me.") + &put("src/extra.rs", "//! Mine.");
    execute(&space, task(&script)).exits(0).says(&[
        "verified, 2 tests pass; 2 things put right",
        "an edit out of scope was taken out; the gate passed without it: README.md is out of the task's scope",
        "an edit was let through: src/lib.rs: pub mod new;",
    ]);
    assert_eq!(space.landed("toy"), ["New"]);
    let tree = space.tree("toy");
    assert!(!tree.iter().any(|path| path == "README.md" || path == "src/extra.rs"), "{tree:?}");
    assert!(space.report("toy").contains("README.md is out of the task's scope"));
}

#[test]
fn of_a_file_that_only_its_declaration_opens_all_else_is_taken_out() {
    let space = Space::strict_crate(&[]);
    let old = space.read("src/lib.rs");
    let stray = "\n/// Nobody asked for it.\npub fn stray() {}\n\n#[cfg(test)]\nmod tests {}\n";
    let script = module("2") + &format!("cat >> src/lib.rs <<'EOF'\n{stray}EOF\n");
    execute(&space, task(&script))
        .exits(0)
        .says(&["the gate passed without it", "beside `pub mod new;` also `/// Nobody asked for it.` changed"]);
    let new = space.on("tidegate/toy/integration", "src/lib.rs");
    assert!(new.contains("pub mod new;") && !new.contains("stray") && !new.contains("tests"), "{new}");
    assert_eq!(new.replacen("pub mod new;\n", "", 1), old.trim_end());
}

#[test]
fn an_edit_out_of_scope_that_the_gate_needs_lands_by_a_persons_word() {
    let space = Space::strict_crate(&[]);
    let script = module(NEEDS_DATA) + &put("data.txt", "2");
    execute(&space, task(&script)).exits(1).says(&[
        "data.txt: needed by the gate, out of the task's scope, and granted by nobody",
        "tidegate approve toy 1 --path data.txt",
        "tidegate retry toy 1",
    ]);
    assert!(space.landed("toy").is_empty());
    space.run(&["why", "toy", "1"]).exits(0).says(&["data.txt: needed by the gate"]);
    space.run(&["approve", "toy", "1", "--path", "data.txt"]).exits(0);
    space.run(&["retry", "toy", "1"]).exits(0);
    go_on(&space).exits(0).says(&["was allowed by a person to touch data.txt, beyond its scope"]);
    assert_eq!(space.landed("toy"), ["New"]);
    assert_eq!(space.on("tidegate/toy/integration", "data.txt"), "2");
}

#[test]
fn an_edit_out_of_scope_that_the_gate_needs_lands_by_a_reviewers_grant() {
    let space = Space::strict_crate(&[]);
    let script = module(NEEDS_DATA) + &put("data.txt", "2");
    let grant = "echo '{\"verdict\": \"approve\", \"grants\": [\"data.txt\"]}'";
    execute(&space, task(&script).review(grant))
        .exits(0)
        .says(&["approved by qa", "was allowed by qa to touch data.txt, beyond its scope"]);
    assert_eq!(space.on("tidegate/toy/integration", "data.txt"), "2");
}

#[test]
fn a_reviewer_that_approves_without_a_grant_does_not_open_what_is_out_of_scope() {
    let space = Space::strict_crate(&[]);
    let script = module(NEEDS_DATA) + &put("data.txt", "2");
    let grant = "echo '{\"verdict\": \"approve\", \"grants\": [\"data\"]}'";
    execute(&space, task(&script).review(grant))
        .exits(1)
        .says(&["data.txt: needed by the gate, out of the task's scope, and granted by nobody"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn of_several_edits_out_of_scope_only_those_that_the_gate_needs_are_asked_for() {
    let space = Space::strict_crate(&[]);
    let script =
        module(NEEDS_DATA) + &put("data.txt", "2") + &put("README.md", "Look at me.") + &put("Makefile", "all:");
    execute(&space, task(&script))
        .exits(1)
        .says(&["data.txt: needed by the gate", "tidegate approve toy 1 --path data.txt"])
        .says(&["the gate passed without it: README.md is", "the gate passed without it: Makefile is"])
        .lacks(&["--path README.md", "--path Makefile", "README.md: needed by the gate"]);
    space.run(&["approve", "toy", "1", "--path", "data.txt"]).exits(0);
    space.run(&["retry", "toy", "1"]).exits(0);
    go_on(&space).exits(0);
    let tree = space.tree("toy");
    assert!(tree.contains(&"data.txt".to_owned()), "{tree:?}");
    assert!(!tree.iter().any(|path| path == "README.md" || path == "Makefile"), "{tree:?}");
}

#[test]
fn protected_paths_that_the_gate_does_not_need_are_taken_out_and_told() {
    let space = Space::strict_crate(&[]);
    let script = module("2")
        + &put("tidegate.toml", "[checks]\ntask = [\"true\"]")
        + &put("build.rs", BUILD)
        + &put(".cargo/config.toml", CONFIG);
    let config = space.read("tidegate.toml");
    execute(&space, task(&script)).exits(0).says(&[
        "tidegate.toml is protected: configures the gate",
        "build.rs is protected: runs in every build",
        ".cargo/config.toml is protected: configures the test runner",
        "the gate passed without it",
    ]);
    let tree = space.tree("toy");
    assert!(!tree.iter().any(|path| path == "build.rs" || path.starts_with(".cargo")), "{tree:?}");
    assert_eq!(space.on("tidegate/toy/integration", "tidegate.toml"), config.trim_end());
}

/// The gate needs the protected file. A reviewer's grant does not open it; a person's word does.
#[track_caller]
fn only_a_person_opens(path: &str, text: &str) {
    let space = Space::strict_crate(&[]);
    let script = module(NEEDS_BUILD) + &put(path, text);
    let grant = format!("echo '{{\"verdict\": \"approve\", \"grants\": [\"{path}\"]}}'");
    let command = format!("tidegate approve toy 1 --path {path}");
    let told = format!("try: {path} is protected:");
    execute(&space, task(&script).review(&grant)).exits(1).says(&[&told, &command]).lacks(&["passed without it"]);
    assert!(space.landed("toy").is_empty());
    space.run(&["why", "toy", "1"]).exits(0).says(&[&told]);
    space.run(&["approve", "toy", "1", "--path", path]).exits(0);
    space.run(&["retry", "toy", "1"]).exits(0);
    go_on(&space).exits(0).says(&["was allowed by a person to touch", path]);
    assert_eq!(space.on("tidegate/toy/integration", path), text);
}

#[test]
fn a_build_script_is_opened_by_a_person_alone() {
    only_a_person_opens("build.rs", BUILD);
}

#[test]
fn cargos_configuration_is_opened_by_a_person_alone() {
    only_a_person_opens(".cargo/config.toml", CONFIG);
}

#[test]
fn the_gates_configuration_counts_from_the_base_though_a_person_opens_it() {
    let space = Space::strict_crate(&[]);
    // The code is wrong, and its own configuration would not notice.
    let own = "[checks]\ntask = [\"true\"]";
    execute(&space, task(&(module("3") + &put("tidegate.toml", own)))).exits(1).says(&["sealed tests fail"]);
    space.run(&["approve", "toy", "1", "--path", "tidegate.toml"]).exits(0);
    space.run(&["retry", "toy", "1"]).exits(0);
    go_on(&space).exits(1).says(&["sealed tests fail: toy::new the_new_is_two"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn a_path_is_granted_to_a_task_that_is_there_and_not_over() {
    let space = Space::strict();
    space.topic("toy", &stream(&[Task::new("New").code("echo 1 > new")], GATE));
    space.execute("toy").exits(0);
    space.run(&["approve", "toy", "9", "--path", "x"]).exits(2).says(&["no task or gate `9`"]);
    space.run(&["approve", "toy", "1", "--path", "x"]).exits(2).says(&["refused: ", "is over already"]);
}

#[test]
fn only_a_path_in_the_repository_is_noted() {
    let space = Space::strict();
    space.topic("toy", &stream(&[Task::new("New").code("exit 3")], GATE));
    space.execute("toy").exits(1);
    for path in ["", "/etc", "../../etc", "src/../../x", "./x", "src/", "src//x", "a\nb"] {
        let said = space.run(&["approve", "toy", "1", "--path", path]).exits(2);
        said.says(&["is no path of a file in the repository", "--path src/lib.rs"]).lacks(&["noted"]);
    }
    space.run(&["approve", "toy", "1", "--path", "src/größe x.rs"]).exits(0).says(&["noted"]);
}

#[test]
fn a_binary_is_opened_by_a_person_or_by_its_own_path() {
    let space = Space::strict();
    let code = "mkdir -p src\nprintf 'a\\000b' > src/a.bin";
    let task = Task::new("New").field("Test Requirements: None").field("Files: src/").code(code);
    space.topic("toy", &stream(&[task], GATE));
    let told = "src/a.bin is a binary that the task does not declare by its own path: name it there, or allow it with";
    space.execute("toy").exits(1).says(&[told]);
    space.run(&["approve", "toy", "1", "--path", "src/a.bin"]).exits(0);
    space.run(&["retry", "toy", "1"]).exits(0);
    go_on(&space).exits(0);
    assert!(space.tree("toy").contains(&"src/a.bin".to_owned()));
}

#[test]
fn of_a_task_that_was_sent_back_and_failed_no_gate_is_said_to_have_passed() {
    let space = Space::plain();
    let task =
        Task::new("New").field("Test Requirements: None").field("Files: `new`").code("echo 1 > new; echo 2 > stray");
    let refuse =
        "echo '{\"verdict\": \"request-changes\", \"findings\": [{\"severity\": \"blocker\", \"claim\": \"no\"}]}'";
    space.topic("toy", &stream(&[task.code("exit 3").review(refuse)], GATE));
    let told = "an edit out of scope was taken out: stray is out of the task's scope";
    space
        .execute("toy")
        .exits(1)
        .says(&["verified", "failed in implement", told])
        .lacks(&["the gate passed without it"]);
}
