//! Hostile text through the binary: what scripts print and titles hold reaches no terminal raw, no shell and no ref.

use crate::{
    breakdown::{Task, stream},
    space::{Said, Space},
};

/// Demands that nothing in it would move a cursor, name a window or turn a line around.
#[track_caller]
pub fn is_harmless(text: &str) {
    let bad = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let found: Vec<char> = text.chars().filter(|&c| bad(c)).collect();
    assert!(found.is_empty(), "{found:?} in\n{text:?}");
}

#[track_caller]
pub fn harmless(said: Said) -> Said {
    is_harmless(&said.out);
    is_harmless(&said.err);
    said
}

/// A script that prints what a terminal obeys: it clears, names the window, sets the clipboard, and goes back over its line.
const PRINTS: &str = "printf '\\033[2J\\033[1;1H\\033]0;owned\\007\\033]52;c;b3duZWQ=\\007\\302\\23331mvisible\\r\\b words\\342\\200\\256\\n' >&2\n";

#[test]
fn what_a_script_prints_reaches_the_terminal_without_its_escape_sequences() {
    let space = Space::strict();
    let task = Task::new("Print").field("Test Requirements: None").code(&format!("{PRINTS}exit 3"));
    space.topic("one", &stream(&[task], "All tests pass"));
    harmless(space.execute("one")).exits(1).says(&["visible", "words"]).lacks(&["owned"]);
    harmless(space.run(&["why", "one", "1"])).exits(0).says(&["visible"]);
    harmless(space.run(&["logs", "one", "1"])).exits(0).says(&["visible"]).lacks(&["owned"]);
    harmless(space.run(&["status", "one"])).exits(0);
    harmless(space.run(&["execute", "one", "--json"])).exits(1);
    is_harmless(&space.read("notes/one/report.md"));
    is_harmless(&space.read("notes/one/execution-status.md"));
}

#[test]
fn what_a_check_and_a_reviewer_print_reaches_the_terminal_without_its_escape_sequences() {
    let space = Space::strict();
    let claim = "echo '{\"verdict\": \"request-changes\", \"findings\": [{\"severity\": \"blocker\", \"file\": \"a\\u001b[2Jb\", \
        \"claim\": \"\\u001b]0;owned\\u0007visible\\u202e\\u009b31m\"}]}'";
    let task =
        Task::new("Print").field("Test Requirements: None").code("echo 1 > one").review(&(PRINTS.to_owned() + claim));
    space.topic("one", &stream(&[task], "All tests pass"));
    harmless(space.execute("one")).exits(1).says(&["visible"]).lacks(&["owned"]);
    harmless(space.run(&["why", "one", "1"])).exits(0).says(&["visible"]);
    is_harmless(&space.read("notes/one/report.md"));
}

#[test]
fn a_hostile_title_is_shown_harmless_and_gives_sane_refs_and_a_sane_commit() {
    let space = Space::strict().open();
    let title = format!(
        "Größe \u{1b}[2J\u{1b}]0;owned\u{7} $(touch pwned) `touch pwned` ; touch pwned & ../../x @{{-1}} ~^:?*[ \u{202e}漢字 {}",
        "long ".repeat(820)
    );
    let text = format!(
        "# Work\n\n## Stream A: Work\n\n### Task: {title}\n\n**Test Requirements**: None\n\n```sh role=implementation\necho 1 > one\n```\n"
    );
    space.topic("hard", &text);
    harmless(space.run(&["check", "hard"])).exits(0).says(&["Größe", "$(touch pwned)"]);
    harmless(space.execute("hard")).exits(0).says(&["Größe"]);
    harmless(space.run(&["status", "hard"])).exits(0);
    let refs = space.git(&["for-each-ref", "--format=%(refname)"]);
    assert!(refs.lines().count() > 1 && refs.lines().all(|name| name.len() < 200), "{refs}");
    let is_sane = |c: char| c.is_ascii_alphanumeric() || "/-_.\n".contains(c);
    assert!(refs.chars().all(is_sane), "{refs}");
    let message = space.git(&["log", "-1", "--format=%B", "tidegate/hard/integration"]);
    is_harmless(&message);
    assert_eq!(message.lines().nth(1), Some(""), "the title is one line: {message}");
    assert!(message.contains("\nTidegate-Task: "), "{message}");
    for place in [space.repo(), space.repo().join("notes/hard"), space.beside("")] {
        assert!(!place.join("pwned").exists(), "{}", place.display());
    }
    assert!(!space.tree("hard").contains(&"pwned".to_owned()));
    is_harmless(&space.read("notes/hard/report.md"));
    is_harmless(&space.read("notes/hard/execution-status.md"));
}
