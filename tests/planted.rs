//! Planted bugs: each patch in `tests/planted/` breaks the core in one way, and the simulation has to find it.
//!
//! `.ci/core` copies the core and its simulation into a scratch package with the few crates they are allowed, which also proves
//! that `plan` and `run` build alone. A patch that no longer applies fails the test: whoever changes the core mends its bugs too.

#![expect(clippy::unwrap_used, reason = "a scratch package that cannot be written fails the test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Enough for each bug to show, and few enough to run a dozen times.
const SEEDS: &str = "1000";

struct Scratch {
    root: PathBuf,
    repository: PathBuf,
}

impl Scratch {
    fn new() -> Scratch {
        let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted");
        let made = Command::new(repository.join(".ci/core")).arg(&root).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Scratch { root, repository }
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO"));
        command.args(arguments).arg("--offline").arg("--target-dir").arg(self.root.join("target"));
        command.current_dir(&self.root).env("SEEDS", SEEDS).env_remove("SEED").env("RUST_BACKTRACE", "0");
        command.output().unwrap()
    }

    /// Whether the simulation is content; and what it said.
    fn simulate(&self) -> (bool, String) {
        let built = self.cargo(&["test", "--quiet", "--no-run", "--test", "simulation"]);
        assert!(built.status.success(), "does not build: {}", String::from_utf8_lossy(&built.stderr));
        let ran = self.cargo(&["test", "--quiet", "--test", "simulation", "every_run"]);
        (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
    }

    fn restore(&self, path: &str) {
        fs::copy(self.repository.join(path), self.root.join(path)).unwrap();
    }
}

/// A hunk: these lines, which have to be there exactly once, become those.
struct Hunk {
    before: String,
    after: String,
}

/// Reads a unified diff of one file. Line numbers are not looked at: what is around a change is where it is.
fn read(patch: &str) -> (String, Vec<Hunk>) {
    let (mut path, mut hunks) = (String::new(), Vec::<Hunk>::new());
    for line in patch.lines() {
        if let Some(name) = line.strip_prefix("+++ b/") {
            name.clone_into(&mut path);
        } else if line.starts_with("@@ ") {
            hunks.push(Hunk { before: String::new(), after: String::new() });
        } else if let (Some(hunk), Some((mark, text))) = (hunks.last_mut(), line.split_at_checked(1)) {
            let (is_before, is_after) = (mark != "+", mark != "-");
            assert!([" ", "+", "-"].contains(&mark), "no line of a hunk: {line}");
            hunk.before.extend(is_before.then(|| format!("{text}\n")));
            hunk.after.extend(is_after.then(|| format!("{text}\n")));
        }
    }
    assert!(!path.is_empty() && !hunks.is_empty(), "no unified diff of one file");
    (path, hunks)
}

fn apply(scratch: &Scratch, patch: &str) -> Result<String, String> {
    let (path, hunks) = read(patch);
    let mut text = fs::read_to_string(scratch.root.join(&path)).unwrap();
    for hunk in hunks {
        match text.matches(&hunk.before).count() {
            1 => text = text.replacen(&hunk.before, &hunk.after, 1),
            times => return Err(format!("is in {path} {times} times:\n{}", hunk.before)),
        }
    }
    fs::write(scratch.root.join(&path), text).unwrap();
    Ok(path)
}

#[test]
fn every_planted_bug_is_found_and_the_core_builds_alone() {
    let scratch = Scratch::new();
    let (is_content, said) = scratch.simulate();
    assert!(is_content, "the core as it is: {said}");
    let mut patches: Vec<PathBuf> = fs::read_dir(scratch.repository.join("tests/planted"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "patch"))
        .collect();
    patches.sort();
    assert!(patches.len() >= 10, "{} planted bugs are too few", patches.len());
    let mut alive = Vec::new();
    for path in &patches {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let patched = apply(&scratch, &fs::read_to_string(path).unwrap()).unwrap_or_else(|why| panic!("{name} {why}"));
        let (is_content, said) = scratch.simulate();
        scratch.restore(&patched);
        let shown = said.lines().skip_while(|line| !line.contains("panicked at")).nth(1).unwrap_or("no panic");
        println!("{name}: {}", if is_content { "LIVES" } else { shown });
        alive.extend(is_content.then_some(name));
    }
    assert!(alive.is_empty(), "not found: {alive:?}");
}

#[test]
#[should_panic(expected = "is in src/run/task.rs 0 times")]
fn a_patch_that_no_longer_applies_is_not_passed_over() {
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let scratch = Scratch { root: repository.clone(), repository };
    let patch = "--- a/src/run/task.rs\n+++ b/src/run/task.rs\n@@ -1,1 +1,1 @@\n-what was never there\n+x\n";
    apply(&scratch, patch).unwrap_or_else(|why| panic!("it {why}"));
}
