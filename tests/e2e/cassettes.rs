//! Calls that are recorded, and played back in another clone, where nobody can be asked.

use crate::{
    breakdown::{Task, stream},
    claude,
    space::{Said, Space},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What a reviewer says of this patch, in a string of JSON.
const APPROVAL: &str = r#"'Fine.\n\n```json\n{\"verdict\": \"approve\", \"patch\": \"'"$TIDEGATE_PATCH"'\"}\n```'"#;

const CONFIG: &str = "[checks]\ntask = [\"test ! -e bad\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n\
    [review]\nreviewers = [\"qa-reviewer\"]\n[attempts]\nany = 2\ntries = 2\nlives = 1\n";

/// Two tasks, one after the other; nobody but an agent can do them.
fn chain() -> String {
    let task = |title| Task::new(title).field("Test Requirements: None");
    // A binary lands only where it is declared.
    let files =
        "Files: `bytes`, `run.sh`, `link`, `gone/away`, `place`, `place/file`, `thing`, `thing/it`, `bad`, `one`";
    stream(&[task("One").field(files), task("Two").field("Dependencies: Task 1")], "All tests pass")
}

/// A repository with files of each kind, and a run in it that our own claude did and that was recorded into `tapes`.
fn recorded() -> (Space, PathBuf) {
    let space = Space::empty();
    space.write("tidegate.toml", &format!("{CONFIG}[agents]\nbackend = \"claude\"\n"));
    space.write("gone/away", "old\n");
    space.write("place/file", "old\n");
    space.write("thing", "old\n");
    space.commit("Begin");
    space.topic("one", &chain());
    let first = "printf 'a\\000\\377' > bytes; echo 'echo run' > run.sh; chmod +x run.sh; ln -s run.sh link\n\
        rm -r gone place thing; ln -s bytes place; mkdir thing; echo in > thing/it; echo bad > bad; echo 1 > one";
    let work = format!(
        "case $TIDEGATE_ROLE.$TIDEGATE_TASK.$TIDEGATE_ATTEMPT in\nreviewer.*) text={APPROVAL} ;;\n\
         implementation.1.1) {first} ;;\nimplementation.1.2) rm bad; echo 2 >> one ;;\nimplementation.2.1) cat one > two ;;\n*) exit 1 ;;\nesac"
    );
    claude::install(&space, &work);
    let tapes = space.beside("tapes");
    let record = tapes.display().to_string();
    claude::run(&space, &["execute", "one", "--plain", "--record", &record]).exits(0);
    (space, tapes)
}

/// A fresh clone of a repository, in which the recordings of this folder are played.
fn clone(of: &Space, tapes: &Path) -> Space {
    let space = Space::empty();
    space.git(&["pull", "-q", &of.repo().display().to_string(), "main"]);
    space.topic("one", &chain());
    plays(&space, CONFIG, tapes);
    space
}

/// Configures that the recordings of this folder are played.
fn plays(space: &Space, config: &str, tapes: &Path) {
    let config = format!("{config}[agents]\nbackend = \"replay\"\n[backends]\nreplay = {tapes:?}\n");
    fs::write(space.beside("replay.toml"), config).expect("a file is written");
}

fn replay(space: &Space) -> Said {
    let config = space.beside("replay.toml").display().to_string();
    space.run(&["--config", &config, "execute", "one", "--plain"])
}

/// The trees and subjects that landed, oldest first.
fn landed(space: &Space) -> String {
    space.git(&["log", "--reverse", "--format=%T %s", "main..tidegate/one/integration"])
}

#[test]
fn a_run_that_was_recorded_lands_the_same_trees_in_a_clone_without_an_agent() {
    let (space, tapes) = recorded();
    let mut names: Vec<String> =
        fs::read_dir(&tapes).unwrap().map(|tape| tape.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let of = |task: u8, rest: &[&str]| rest.iter().map(|rest| format!("{task}.{rest}.json")).collect::<Vec<_>>();
    let first = of(1, &["implementation.1", "implementation.2", "reviewer-qa-reviewer.1"]);
    assert_eq!(names, [first, of(2, &["implementation.1", "reviewer-qa-reviewer.1"])].concat());
    let other = clone(&space, &tapes);
    replay(&other).exits(0).says(&["runs of replay", "sent back once", "approved by qa-reviewer"]);
    assert_eq!(landed(&other), landed(&space));
    let tree = other.git(&["ls-tree", "-r", "tidegate/one/integration"]);
    for words in ["100755 blob", "120000 blob", "\tplace", "\tthing/it", "\tbytes"] {
        assert!(tree.contains(words), "{words:?}: {tree}");
    }
    assert!(!tree.contains("gone/away") && !tree.contains("\tbad"), "{tree}");
    let used = |space: &Space| {
        let said = space.run(&["status", "one", "--json"]).exits(0);
        let total = serde_json::from_str::<serde_json::Value>(&said.out).expect("one value")["usage"]["total"].clone();
        (total["runs"].as_u64(), total["micros"].as_u64())
    };
    assert_eq!(used(&space), (Some(5), Some(1_250_000)));
    assert_eq!(used(&other), (Some(0), Some(0)), "what was paid when it was recorded is not paid again");
    let replayed = "Replayed: 5 runs, from recordings: no model was asked, nothing was paid";
    other.run(&["status", "one"]).exits(0).says(&[replayed]);
}

#[test]
fn what_is_played_back_is_bound_by_no_limit() {
    let (space, tapes) = recorded();
    let other = clone(&space, &tapes);
    let config = other.beside("replay.toml").display().to_string();
    let limits = ["--max-runs", "0", "--max-cost", "0"];
    let said = other.run(&[&["--config", &config, "execute", "one", "--plain"], &limits[..]].concat()).exits(0);
    said.says(&["at least 4 runs of replay", "no model: this costs nothing"]);
    assert_eq!(landed(&other), landed(&space));
}

#[test]
fn a_recording_that_is_not_there_is_told_by_its_name_and_the_run_goes_on_when_it_is() {
    let (space, tapes) = recorded();
    let (tape, away) = (tapes.join("2.implementation.1.json"), tapes.join("away"));
    fs::rename(&tape, &away).unwrap();
    let other = clone(&space, &tapes);
    replay(&other)
        .exits(1)
        .says(&[&format!("no recording of this call: {} is not there", tape.display()), "tidegate retry one 2"]);
    assert_eq!(other.landed("one"), ["One"]);
    fs::rename(&away, &tape).unwrap();
    other.run(&["retry", "one", "2"]).exits(0);
    replay(&other).exits(0);
    assert_eq!(landed(&other), landed(&space));
}

#[test]
fn a_recording_that_is_damaged_is_told_with_what_is_wrong() {
    let (space, tapes) = recorded();
    let tape = tapes.join("1.implementation.1.json");
    let whole = fs::read_to_string(&tape).unwrap();
    let outside = space.beside("outside");
    fs::create_dir(&outside).unwrap();
    let link = format!(r#"{{"path": "out", "mode": 40960, "text": "{}"}}"#, outside.display());
    let taped = |files: &str| format!(r#"{{"events": [], "answer": {{"Ok": {{"text": ""}}}}, "files": [{files}]}}"#);
    let evil = r#"{"path": "out/evil", "mode": 33188, "text": "x"}"#;
    for (text, words) in [
        (whole[..whole.len() / 2].to_owned(), "is damaged: EOF while parsing"),
        ("\u{0}\u{0}".to_owned(), "is damaged: expected value at line 1"),
        ("[]".to_owned(), "is damaged: invalid length 0"),
        (taped(r#"{"path": "../outside/evil", "mode": 33188, "text": "x"}"#), "it is no path within a workspace"),
        (taped(r#"{"path": "", "mode": 33188, "text": "x"}"#), "1.implementation.1.json has"),
        (taped(&format!("{link}, {evil}")), ""),
    ] {
        fs::write(&tape, text).unwrap();
        let said = replay(&clone(&space, &tapes)).says(&[words]);
        assert!(said.code == 1, "{}", said.all());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "a cassette has written outside of its workspace");
    }
}

#[test]
fn a_contest_of_a_sealed_test_is_played_back_as_what_it_was() {
    let wish = Task::new("Sum").field("Test Requirements: The sum of two numbers");
    let test = |sum| {
        format!("printf '#[test]\\nfn adds() {{\\n    assert_eq!(toy::sum(1, 2), {sum});\\n}}\\n' > tests/sum.rs")
    };
    let contest = "echo 'one and two are three' > \"$TIDEGATE_CONTEST\"";
    let code = "printf '\\npub fn sum(a: u32, b: u32) -> u32 {\\n    a + b\\n}\\n' >> src/lib.rs";
    let scripted = wish.clone().tests(&test(4)).tests(&test(3)).code(contest).code(code);
    let space = Space::crate_named("toy");
    space.topic("one", &stream(&[scripted], "All tests pass"));
    let tapes = space.beside("tapes");
    let record = tapes.display().to_string();
    space.run(&["execute", "one", "--plain", "--record", &record]).exits(0).says(&["contests a sealed test"]);
    let other = Space::empty();
    other.git(&["pull", "-q", &space.repo().display().to_string(), "main"]);
    other.topic("one", &stream(&[wish], "All tests pass"));
    plays(&other, "[review]\nreviewers = []\n", &tapes);
    replay(&other).exits(0).says(&["contests a sealed test", "one and two are three"]);
    assert_eq!(landed(&other), landed(&space));
}

#[test]
fn a_call_that_leaves_a_secret_is_not_kept_and_its_playback_says_so() {
    let space = Space::empty();
    space.write("tidegate.toml", &format!("{CONFIG}[agents]\nbackend = \"claude\"\nenv = [\"MY_TOKEN\"]\n"));
    space.commit("Begin");
    space.topic("one", &chain());
    // By its shape, and by what it is; put together here, since a repository's check looks for the shape too.
    let shaped = format!("ghp_{}", "a1".repeat(18));
    let work = format!(
        "case $TIDEGATE_ROLE.$TIDEGATE_TASK.$TIDEGATE_ATTEMPT in\nreviewer.*) text={APPROVAL} ;;\n\
         implementation.1.1) said 'I write {shaped}.'; echo {shaped} > one ;;\nimplementation.1.2) said 'It goes.'; echo 2 > one ;;\n\
         implementation.2.1) echo \"$MY_TOKEN\" > two ;;\n*) exit 1 ;;\nesac"
    );
    claude::install(&space, &work);
    let tapes = space.beside("tapes");
    let record = tapes.display().to_string();
    let mut execute = claude::tidegate(&space, &["execute", "one", "--plain", "--record", &record]);
    execute.env("MY_TOKEN", "abcd-efgh-ijkl");
    let ran = crate::space::said(&execute.output().expect("the binary runs")).exits(0);
    ran.says(&[
        "a call is not kept as a cassette task=\"1\" role=\"implementation\" attempt=1",
        "one, this looks like a secret (GitHub token, ghp_...)",
        "a call is not kept as a cassette task=\"2\" role=\"implementation\" attempt=1",
        "two holds one of the agent's environment",
    ]);
    for tape in fs::read_dir(&tapes).unwrap() {
        let text = fs::read_to_string(tape.unwrap().path()).unwrap();
        assert!(!text.contains(&shaped) && !text.contains("abcd-efgh-ijkl"), "{text}");
    }
    assert!(fs::read_to_string(tapes.join("1.implementation.2.json")).unwrap().contains("It goes."));
    let other = clone(&space, &tapes);
    replay(&other)
        .exits(1)
        .says(&["no recording of this call: it was not kept when it was made", "one, this looks like"]);
}

#[test]
fn a_folder_of_recordings_that_is_not_there_keeps_a_run_from_beginning() {
    let (space, tapes) = recorded();
    let other = clone(&space, &tapes.join("nowhere"));
    replay(&other).exits(3).says(&["nowhere is no folder", "no agent can do it"]);
    let config = fs::read_to_string(other.beside("replay.toml")).unwrap();
    let (config, _) = config.split_once("[backends]").unwrap();
    fs::write(other.beside("replay.toml"), config).unwrap();
    replay(&other).exits(3).says(&["`[backends] replay` in tidegate.toml names no folder of recordings"]);
    assert!(!other.repo().join(".git/tidegate/runs").exists(), "a refusal leaves nothing behind");
}

#[test]
fn a_run_that_cannot_be_recorded_does_not_begin() {
    let space = Space::strict();
    let task = Task::new("One").field("Test Requirements: None").code("echo 1 > one");
    space.topic("one", &stream(&[task], "All tests pass"));
    fs::write(space.beside("file"), "").unwrap();
    for more in [&[][..], &["--dry-run"]] {
        let said = space.run(&[&["execute", "one", "--plain", "--record", "../file/tapes"], more].concat()).exits(3);
        said.says(&["calls cannot be recorded", "file/tapes", "after --record"]);
    }
    space.run(&["execute", "one", "--plain", "--record", "../tapes", "--dry-run"]).exits(0);
    assert!(!space.beside("tapes").exists(), "a dry run makes no folder");
    assert!(!space.repo().join(".git/tidegate/runs").exists(), "a refusal leaves nothing behind");
    space.run(&["execute", "one", "--plain", "--record", "../tapes"]).exits(0);
    assert!(space.beside("tapes/1.implementation.1.json").is_file(), "a relative folder is where the command is given");
}
