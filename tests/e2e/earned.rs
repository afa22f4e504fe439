//! Gates are earned: ways around them that an agent may find, in passing or on purpose, and what becomes of each.

use crate::{
    breakdown::{Task, add, put, stream},
    space::{Said, Space},
};

const GATE: &str = "All tests pass";
const TEST: &str = "#[test]\nfn the_new_is_two() {\n    assert_eq!(toy::new(), 2);\n}";

/// A script that adds `new` to the library.
fn new(body: &str) -> String {
    add("src/lib.rs", &format!("\n/// New.\npub fn new() -> u32 {{\n    {body}\n}}"))
}

fn task(tests: &str, code: &str) -> Task {
    Task::new("New").field("Test Requirements: The new is two").tests(tests).code(code)
}

fn execute(space: &Space, task: Task) -> Said {
    space.topic("toy", &stream(&[task], GATE));
    space.execute("toy")
}

/// A strict crate whose task gate runs these commands.
fn checked_by(commands: &str, files: &[(&str, &str)]) -> Space {
    let space = Space::strict_crate(files);
    let config = space.read("tidegate.toml").replacen("[checks]\n", &format!("[checks]\ntask = {commands}\n"), 1);
    space.write("tidegate.toml", &config);
    space.commit("Say how a task is checked");
    space
}

#[test]
fn a_module_of_tests_is_sealed_whole_whatever_its_name() {
    let space = Space::strict_crate(&[]);
    let tests = add("src/lib.rs", "#[cfg(test)]\nmod two_by_two;")
        + &put("src/two_by_two.rs", "#[test]\nfn two() {\n    assert_eq!(crate::new(), 2);\n}");
    let code = new("3") + "sed -i 's/, 2/, 3/' src/two_by_two.rs\n";
    execute(&space, task(&tests, &code))
        .exits(1)
        .says(&["sealed tests fail: toy two_by_two::two", "the sealed file src/two_by_two.rs was edited"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn a_script_that_a_check_runs_is_opened_by_a_person_alone() {
    let space = checked_by("[\"cargo test\", \"sh ./ci/lint.sh\"]", &[("ci/lint.sh", "! grep -rq FORBIDDEN src\n")]);
    let code = new("2 // FORBIDDEN") + &put("ci/lint.sh", "exit 0");
    let task = task(&put("tests/new.rs", TEST), &code).field("Files: src/lib.rs, ci/lint.sh");
    execute(&space, task).exits(1).says(&["ci/lint.sh is protected", "tidegate approve toy 1 --path ci/lint.sh"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn a_test_that_was_red_before_excuses_no_other_command() {
    let red = "#[test]\nfn red() {\n    panic!();\n}\n";
    let files = [("tests/red.rs", red), ("ci/lint.sh", "! grep -rq FORBIDDEN src\n")];
    let space = checked_by("[\"cargo test\", \"sh ci/lint.sh\"]", &files);
    let tests = put("tests/new.rs", TEST);
    execute(&space, task(&tests, &new("2 // FORBIDDEN"))).exits(1).says(&["`sh ci/lint.sh` exited with 1"]);
    assert!(space.landed("toy").is_empty());
    let space = checked_by("[\"cargo test\", \"sh ci/lint.sh\"]", &files);
    execute(&space, task(&tests, &new("2"))).exits(0).says(&["red before anything began"]);
}

#[test]
fn a_build_that_fails_without_a_new_test_is_no_red() {
    for (tests, words) in [
        ("sed -i '1i use toy::new as _;' tests/old.rs", "no test was added, and none that was there expects"),
        (
            &*put("tests/new.rs", &format!("use toy::new as _;\n#[cfg(any())]\n{TEST}")),
            "every new test stands under a condition",
        ),
    ] {
        let space = Space::strict_crate(&[]);
        execute(&space, task(tests, &new("3"))).exits(1).says(&["sent back by red", words]).lacks(&["implements"]);
    }
}

#[test]
fn tests_that_nobody_took_out_are_missed() {
    let module = "/// One.\npub fn one() -> u32 {\n    1\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn one() {\n        assert_eq!(super::one(), 1);\n    }\n}\n";
    let space = Space::strict_crate(&[
        ("src/foo.rs", module),
        ("src/lib.rs", "//! A toy.\npub mod foo;\n\n/// Old.\npub fn old() -> u32 {\n    1\n}\n"),
    ]);
    let inline =
        "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn two() {\n        assert_eq!(super::new(), 2);\n    }\n}";
    let code = new("2") + "rm src/foo.rs\nsed -i '/mod foo/d' src/lib.rs\n";
    execute(&space, task(&add("src/lib.rs", inline), &code)).exits(1).says(&["toy foo::tests::one (gone)"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn a_test_developer_switches_no_test_off() {
    let common = "//! What tests lean on.\n\npub fn same(a: u32, b: u32) {\n    assert_eq!(a, b);\n}\n";
    let old = "mod common;\n\n#[test]\nfn the_old_still_works() {\n    common::same(toy::old(), 1);\n}\n";
    let files = [("tests/common/mod.rs", common), ("tests/old.rs", old)];
    for hollow in [
        "sed -i '/pub fn same/a if a != b { return; }' tests/common/mod.rs\n",
        "sed -i '1i #![cfg(any())]' tests/old.rs\n",
    ] {
        let space = Space::strict_crate(&files);
        let code = new("2") + "sed -i '0,/    1/s//    7/' src/lib.rs\n";
        let said = execute(&space, task(&(put("tests/new.rs", TEST) + hollow), &code)).exits(1);
        said.says(&["tests that passed before no longer do: toy::old the_old_still_works"]);
        assert!(space.landed("toy").is_empty());
    }
}

#[test]
fn a_base_that_could_not_be_measured_to_its_end_is_nothing_to_compare_with() {
    let old = "#[test]\nfn waits() {\n    while !std::fs::read_to_string(\"src/lib.rs\").unwrap().contains(\"fn new\") {\n        \
        std::thread::yield_now();\n    }\n}\n";
    let space = Space::strict_crate(&[("tests/old.rs", old)]);
    let config = space.read("tidegate.toml").replacen("[checks]\n", "[checks]\ntimeout = \"3s\"\n", 1);
    space.write("tidegate.toml", &config);
    space.commit("Be slow");
    execute(&space, task(&put("tests/new.rs", TEST), &new("2")))
        .exits(1)
        .says(&["what passed before is not known: on the base, `cargo test"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn what_set_up_made_is_nobodys_work_and_what_was_made_of_it_is() {
    let space = Space::strict();
    let setup = "[workspace]\nsetup = [\"echo secret > env.local\", \"echo 1 > made\"]\n";
    space.write("tidegate.toml", &format!("{}{setup}", space.read("tidegate.toml")));
    space.commit("Set up");
    let first = Task::new("New").code("test -f env.local\necho 1 > new\necho 2 >> made");
    let second = Task::new("Newer").field("Dependencies: 1").code("test -f env.local\necho 1 > newer");
    space.topic("toy", &stream(&[first, second], GATE));
    space.execute("toy").exits(0);
    let tree = space.tree("toy");
    assert!(!tree.contains(&"env.local".to_owned()), "{tree:?}");
    assert_eq!(space.on("tidegate/toy/integration", "made"), "1\n2");
}

#[test]
fn a_module_that_is_called_like_a_build_folder_is_source() {
    let space = Space::strict();
    let script = put("src/target/mod.rs", "//! Mine.") + &put("target/debug/x", "left");
    execute(&space, Task::new("New").code(&script)).exits(0);
    let tree = space.tree("toy");
    assert!(tree.contains(&"src/target/mod.rs".to_owned()) && !tree.contains(&"target/debug/x".to_owned()), "{tree:?}");
}

#[test]
fn both_phases_write_their_dependencies_into_one_manifest() {
    let package = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    let (helper, other) = (package("helper"), package("other"));
    let space = Space::strict_crate(&[
        ("helper/Cargo.toml", &helper),
        ("helper/src/lib.rs", "pub fn two() -> u32 {\n    2\n}\n"),
        ("other/Cargo.toml", &other),
        ("other/src/lib.rs", "pub fn two() -> u32 {\n    2\n}\n"),
    ]);
    let lock = "cargo update --offline --workspace -q\n";
    let tests = add("Cargo.toml", "\n[dev-dependencies]\nhelper = { path = \"helper\" }")
        + &put("tests/new.rs", &TEST.replace(", 2", ", helper::two()"))
        + lock;
    let code = new("other::two()") + &add("Cargo.toml", "\n[dependencies]\nother = { path = \"other\" }") + lock;
    execute(&space, task(&tests, &code).field("Files: src/lib.rs")).exits(0).says(&["1 test red, then green"]);
    let manifest = space.on("tidegate/toy/integration", "Cargo.toml");
    assert!(manifest.contains("helper = {") && manifest.contains("other = {"), "{manifest}");
}

#[test]
fn what_others_made_of_a_patch_is_verified_and_reviewed_before_it_lands() {
    let space = Space::strict().open();
    let lines: Vec<String> = (1..=9).map(|n| n.to_string()).collect();
    space.write("data.txt", &format!("{}\n", lines.join("\n")));
    space.commit("Data");
    let (repo, seen) = (space.repo().display().to_string(), space.beside("seen").display().to_string());
    let landed = format!("git -C '{repo}' show tidegate/toy/integration:data.txt 2> /dev/null | grep -q one");
    let first = Task::new("One").code("sed -i 's/1/one/' data.txt");
    // It begins on the same base, and hands in when the other has landed.
    let second = Task::new("Nine").code(&format!("until {landed}; do sleep 0.01; done\nsed -i 's/9/nine/' data.txt"));
    let review = format!("tr '\\n' ' ' < data.txt >> '{seen}'\necho >> '{seen}'\necho '{{\"verdict\": \"approve\"}}'");
    space.topic("toy", &stream(&[first, second.field("Dependencies: None").review(&review)], GATE));
    space.execute("toy").exits(0).says(&["others have changed the same files: it is looked at anew, as it is now"]);
    assert_eq!(space.on("tidegate/toy/integration", "data.txt").lines().next(), Some("one"));
    let seen = std::fs::read_to_string(space.beside("seen")).unwrap();
    assert_eq!(seen, "1 2 3 4 5 6 7 8 nine \none 2 3 4 5 6 7 8 nine \n");
}

#[test]
fn what_is_left_out_of_a_workspace_is_told_and_what_is_declared_is_not_left_out() {
    let space = Space::strict();
    space.write(".gitignore", "*.gen\n");
    space.commit("Ignore");
    let script = "mkdir -p target\necho 1 > a.gen\necho 1 > b.gen\necho 1 > target/x\necho 1 > target/y\nmkfifo pipe\n\
        touch \"$(printf 'odd-\\377')\"";
    let task = Task::new("New").field("Files: `a.gen`, `target/x`").code(script);
    let said = execute(&space, task).exits(0);
    said.says(&["pipe was left out: it is a pipe or a socket", "was left out: its name is not UTF-8"]);
    let tree = space.tree("toy");
    assert!(tree.contains(&"a.gen".to_owned()) && tree.contains(&"target/x".to_owned()), "{tree:?}");
    assert!(!tree.contains(&"b.gen".to_owned()) && !tree.contains(&"target/y".to_owned()), "{tree:?}");
}

#[test]
fn a_file_that_is_too_large_to_be_taken_in_is_sent_back() {
    let space = Space::strict();
    execute(&space, Task::new("New").code("echo 1 > new\ntruncate -s 40M big"))
        .exits(1)
        .says(&["big was left out: it has 40 MiB, which is more than may land"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn a_protected_path_is_not_opened_by_a_sentence_that_forbids_it() {
    let space = Space::strict_crate(&[]);
    let task = task(&put("tests/new.rs", TEST), &(new("2") + &put(".cargo/config.toml", "[build]\njobs = 1")));
    let task = task.field("Objective: Add new. Never touch .cargo/config.toml for it");
    execute(&space, task).exits(0).says(&["the gate passed without it: .cargo/config.toml is protected"]);
    assert!(!space.tree("toy").contains(&".cargo/config.toml".to_owned()));
}
