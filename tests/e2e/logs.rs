//! What is kept of each call, and how `logs` finds it: by role, by attempt, byte by byte, while it comes, and without secrets.

use crate::{
    breakdown::{Task, stream},
    claude,
    space::{Said, Space, said},
};
use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const APPROVAL: &str = "echo \"the reviewer looks at it\"\necho '```json'\n\
    echo \"{\\\"verdict\\\": \\\"approve\\\", \\\"patch\\\": \\\"$TIDEGATE_PATCH\\\"}\"\necho '```'";

/// A run in which one task was sent back by its check once, and then approved.
fn tried_twice() -> Space {
    let space = Space::plain();
    let check =
        "[checks]\ntask = [\"echo the check looks; grep -q good file\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n";
    space.write("tidegate.toml", check);
    space.write("file", "good\n");
    space.commit("Check");
    let (first, second) = ("echo the first try\necho bad > file", "echo the second try\necho good again > file");
    let task = Task::new("One").field("Test Requirements: None").code(first).code(second).review(APPROVAL);
    space.topic("one", &stream(&[task], "All tests pass"));
    space.execute("one").exits(0);
    space
}

/// A repository in which our own claude does this work, and gets these variables; what is at `seen` is there for it.
fn worked(work: &str, env: &[&str], seen: &[&Path]) -> Space {
    let space = Space::plain();
    let config = format!(
        "{}[agents]\nbackend = \"claude\"\nenv = {env:?}\n[review]\nreviewers = []\n[attempts]\ntries = 1\nlives = 1\n\
         [sandbox]\nreadable = {seen:?}\n",
        space.read("tidegate.toml")
    );
    space.write("tidegate.toml", &config);
    space.commit("Have an agent");
    claude::install(&space, work);
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None")], "All tests pass"));
    space
}

fn logs(space: &Space, wish: &[&str]) -> Said {
    space.run(&[&["logs", "one", "1"], wish].concat())
}

/// All files below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it is a folder").flatten() {
            let is_folder = entry.file_type().expect("it has a kind").is_dir();
            if is_folder { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files
}

#[test]
fn a_call_is_found_by_its_role_its_name_and_its_attempt() {
    let space = tried_twice();
    logs(&space, &[]).exits(0).says(&[
        "the first try",
        "the check looks",
        "the second try",
        "the reviewer looks at it",
    ]);
    logs(&space, &["--role", "implementation"])
        .exits(0)
        .says(&["the first try", "the second try"])
        .lacks(&["the check looks", "the reviewer"]);
    logs(&space, &["--role", "implementation", "--attempt", "2"])
        .exits(0)
        .says(&["the second try"])
        .lacks(&["the first try"]);
    logs(&space, &["--role", "implementation", "--attempt", "1"])
        .exits(0)
        .says(&["the first try"])
        .lacks(&["the second try"]);
    for reviewer in ["reviewer", "qa"] {
        logs(&space, &["--role", reviewer]).exits(0).says(&["the reviewer looks at it"]).lacks(&["try", "the check"]);
    }
    let said = logs(&space, &["--only", "verify", "--list"]).exits(0);
    let files: Vec<PathBuf> = said.out.lines().map(PathBuf::from).collect();
    assert!(!files.is_empty() && files.iter().all(|file| file.is_file()), "{}", said.all());
}

#[test]
fn a_role_or_an_attempt_that_there_is_not_is_told_with_those_that_there_are() {
    let space = tried_twice();
    let there_is = "implement of role implementation (attempt 1 to 2), review-qa of role reviewer (attempt 1)";
    for wish in [["--role", "revewer"], ["--attempt", "7"], ["--only", "red"], ["--role", "test-developer"]] {
        let words = format!("nothing ran for 1 that is {}", wish.join(" "));
        for more in [&[][..], &["--raw"], &["--list"], &["--follow"]] {
            logs(&space, &[&wish, more].concat()).exits(2).says(&[&words, there_is, "verify (attempt 1 to 2)"]);
        }
    }
    logs(&space, &["--role", "implementation", "--attempt", "3"]).exits(2).says(&["--role implementation --attempt 3"]);
    logs(&space, &["--attempt", "0"]).exits(2).says(&["0 is not in 1.."]);
    space.run(&["logs", "one", "2"]).exits(2).says(&["no task or gate `2`", "it has 1"]);
}

#[test]
fn what_has_not_run_yet_is_told_as_such() {
    let space = Space::strict();
    let first = Task::new("One").field("Test Requirements: None").code("exit 1");
    let second = Task::new("Two").field("Test Requirements: None").field("Dependencies: Task 1").code("echo 2 > two");
    space.topic("one", &stream(&[first, second], "All tests pass"));
    logs(&space, &[]).exits(3).says(&["has no run yet", "tidegate execute one"]);
    space.execute("one").exits(1);
    space.run(&["logs", "one", "2", "--role", "implementation"]).exits(0).says(&["2: nothing ran yet"]);
}

#[test]
fn the_raw_stream_is_shown_byte_by_byte_and_else_what_was_made_of_it() {
    let work = "said 'I look around.'\necho 'a word on the side' >&2\necho 1 > one\ntext='All is done.'";
    let space = worked(work, &[], &[]);
    claude::run(&space, &["execute", "one", "--plain"]).exits(0);
    let implementation = ["--role", "implementation"];
    logs(&space, &implementation).exits(0).says(&["I look around.", "All is done."]).lacks(&["\"type\":\"result\""]);
    let raw = logs(&space, &[&implementation[..], &["--raw"]].concat()).exits(0);
    let raw = raw.says(&["\"type\":\"system\"", "\"total_cost_usd\":0.25", "a word on the side", "# Task 1: One"]);
    let files = logs(&space, &[&implementation[..], &["--list"]].concat()).exits(0).out;
    let kept = |name: &str| {
        let file =
            files.lines().find(|file| file.ends_with(name)).unwrap_or_else(|| panic!("{name} is not in {files}"));
        fs::read_to_string(file).expect("it is kept")
    };
    for name in ["stream.jsonl", "prompt.md", "stderr.log"] {
        assert!(
            !kept(name).is_empty() && raw.out.contains(&kept(name)),
            "{name} is not there as it is:\n{}",
            raw.all()
        );
    }
    assert_eq!(kept("stream.jsonl").lines().count(), 4);
    assert_eq!(raw.out.matches("# Task 1: One").count(), 1, "nothing is told twice:\n{}", raw.all());
}

/// What is secret, as it is and as it stands in JSON.
const TOKEN: &str = "tk-0123456789abcdef";
const KEY: &str = "-----BEGIN KEY-----\nMIIEvQIBADANBg\"kqhkiG9w0\n-----END KEY-----";
const SAID: &str = "MIIEvQIBADANBg";

/// Demands that no secret is in what is kept below these folders, or was said.
#[track_caller]
fn is_kept_from(folders: &[PathBuf], all: &[Said]) {
    let mut seen = 0;
    for file in folders.iter().flat_map(|folder| below(folder)).filter(|file| file.is_file()) {
        let bytes = String::from_utf8_lossy(&fs::read(&file).expect("it is read")).into_owned();
        assert!(!bytes.contains(TOKEN) && !bytes.contains(SAID), "a secret is in {}: {bytes}", file.display());
        seen += 1;
    }
    assert!(seen > 5, "too little is kept");
    for said in all {
        assert!(!said.all().contains(TOKEN) && !said.all().contains(SAID), "{}", said.all());
    }
}

fn with_secrets(mut command: Command) -> Said {
    command.env("DEPLOY_TOKEN", TOKEN).env("SIGNING_KEY", KEY).env("DEPLOY_PLACE", "the-harbour");
    said(&command.env("TIDEGATE_LOG", "trace").output().expect("the binary runs"))
}

#[test]
fn secrets_that_agents_are_given_are_in_nothing_that_is_kept_or_said() {
    let names = ["DEPLOY_TOKEN", "DEPLOY_PLACE", "SIGNING_KEY"];
    // One is said in two writes; the other as JSON has it.
    let work = "said \"The place is $DEPLOY_PLACE.\"\necho \"$DEPLOY_TOKEN $SIGNING_KEY\" >&2\n\
        printf '{\"type\":\"assistant\",\"message\":{\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"It is tk-0123'\n\
        printf '456789abcdef, I think.\"}]},\"parent_tool_use_id\":null}\\n'\n\
        said \"$(printf %s \"$SIGNING_KEY\" | sed 's/\"/\\\\\"/g' | awk 'NR > 1 { printf \"\\\\n\" } { printf \"%s\", $0 }')\"\n\
        text=\"I have used $DEPLOY_TOKEN.\"\necho 1 > one";
    let space = worked(work, &names, &[]);
    let tapes = space.beside("tapes");
    let record = tapes.display().to_string();
    let ran = with_secrets(claude::tidegate(&space, &["execute", "one", "--plain", "--record", &record])).exits(0);
    let all = [ran, logs(&space, &[]), logs(&space, &["--raw"]), space.run(&["status", "one", "--json"])];
    is_kept_from(&[space.repo().join(".git/tidegate"), space.repo().join("notes"), tapes], &all);
    let [_, shown, raw, _] = all;
    shown.says(&["The place is the-harbour.", "It is [redacted], I think.", "I have used [redacted]."]);
    raw.says(&["The place is the-harbour.", "\"text\":\"[redacted]\"", "[redacted] [redacted]"]);
}

#[test]
fn a_program_of_the_users_own_gets_what_is_allowed_and_its_secrets_are_kept_too() {
    let space = Space::plain();
    let agent = space.beside("agent.sh");
    let work =
        "cat > /dev/null\necho \"$DEPLOY_TOKEN\"\necho \"at $DEPLOY_PLACE with $DEPLOY_TOKEN\" >&2\necho 1 > one";
    fs::write(&agent, work).expect("a script is written");
    let config = format!(
        "{}[agents]\nbackend = \"command\"\nenv = [\"DEPLOY_TOKEN\", \"DEPLOY_PLACE\"]\n[backends]\ncommand = [\"sh\", \"-eu\", {agent:?}]\n\
         [review]\nreviewers = []\n[attempts]\ntries = 1\nlives = 1\n[sandbox]\nreadable = [{agent:?}]\n",
        space.read("tidegate.toml")
    );
    space.write("tidegate.toml", &config);
    space.commit("Have an agent");
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None")], "All tests pass"));
    let ran = with_secrets(space.tidegate(&["execute", "one", "--plain"])).exits(0);
    let shown = logs(&space, &[]).exits(0).says(&["at the-harbour with [redacted]"]);
    is_kept_from(&[space.repo().join(".git/tidegate"), space.repo().join("notes")], &[ran, shown]);
}

#[test]
fn secrets_that_an_agent_passes_on_by_our_own_ways_are_in_nothing_that_is_kept_or_said() {
    let space = Space::plain();
    let agent = space.beside("agent.sh");
    // Also in letters that are others as long as they are JSON's.
    let work = r#"prompt=$(cat)
case $TIDEGATE_ROLE in expert) echo "Keep $DEPLOY_TOKEN to yourself, \u0074k-0123456789abcdef."; exit ;; esac
call() { printf '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s","arguments":%s}}\n' "$1" "$2"; }
{
    call report_progress "{\"text\":\"I deploy with $DEPLOY_TOKEN at $DEPLOY_PLACE.\"}"
    call report_progress '{"text":"It is \u0074k-0123456789abcdef."}'
    call record_change "{\"path\":\"one\",\"rationale\":\"It wants $DEPLOY_TOKEN for $DEPLOY_PLACE.\"}"
    call consult_expert "{\"question\":\"Is $DEPLOY_TOKEN right for $DEPLOY_PLACE?\"}"
} | sh -c "$TIDEGATE_MCP" > said
grep -q 'Keep .redacted. to yourself' said; rm said
env > "$TIDEGATE_TRAY/left"; echo "$SIGNING_KEY" > "$TIDEGATE_CONTEST"; mkdir "$TIDEGATE_TRAY/in"; env > "$TIDEGATE_TRAY/in/it"
ln -s /etc/passwd "$TIDEGATE_TRAY/link"
echo 1 > one"#;
    fs::write(&agent, work).expect("a script is written");
    let config = format!(
        "{}[agents]\nbackend = \"command\"\nenv = [\"DEPLOY_TOKEN\", \"DEPLOY_PLACE\", \"SIGNING_KEY\"]\n[backends]\ncommand = [\"sh\", \"-eu\", {agent:?}]\n\
         [review]\nreviewers = []\n[attempts]\ntries = 1\nlives = 1\n[sandbox]\nreadable = [{agent:?}]\n",
        space.read("tidegate.toml")
    );
    space.write("tidegate.toml", &config);
    space.commit("Have an agent");
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None")], "All tests pass"));
    let tapes = space.beside("tapes");
    let record = tapes.display().to_string();
    let ran = with_secrets(space.tidegate(&["execute", "one", "--plain", "--record", &record])).exits(0);
    let ran = ran.says(&["I deploy with [redacted] at the-harbour."]);
    let runs = space.repo().join(".git/tidegate");
    is_kept_from(&[runs.clone(), space.repo().join("notes"), tapes], &[ran, logs(&space, &["--raw"])]);
    let of = |name: &str| below(&runs).into_iter().filter(|file| file.ends_with(name)).collect::<Vec<_>>();
    let text = |file: &PathBuf| fs::read_to_string(file).expect("it is text");
    assert!(of("left").iter().all(|file| text(file).contains("DEPLOY_TOKEN=[redacted]")), "{:?}", of("left"));
    assert!(of("changes.jsonl").iter().any(|file| text(file).contains("It wants [redacted] for the-harbour.")));
    assert!(of("prompt.md").iter().any(|file| text(file).contains("Is [redacted] right for the-harbour?")));
    assert!(!of("left").is_empty() && of("it").is_empty() && of("link").is_empty());
}

#[test]
fn what_a_killed_run_left_of_a_call_loses_its_secrets_when_the_task_is_gone_on_with() {
    let space = worked("test -e two || exit 1\necho 1 > one", &["DEPLOY_TOKEN"], &[]);
    with_secrets(claude::tidegate(&space, &["execute", "one", "--plain"])).exits(1);
    let trays = || -> Vec<PathBuf> {
        let files = below(&space.repo().join(".git/tidegate/runs")).into_iter();
        files.filter(|file| file.ends_with("tray/context.md")).collect()
    };
    let first = trays().remove(0).with_file_name("left");
    fs::write(&first, format!("with {TOKEN}")).expect("a file is written");
    claude::run(&space, &["retry", "one", "1"]).exits(0);
    with_secrets(claude::tidegate(&space, &["execute", "one", "--plain"])).exits(1);
    assert!(trays().len() > 1, "it was called again");
    assert_eq!(fs::read_to_string(first).expect("it stays"), "with [redacted]");
}

/// A process whose output is read as it comes.
struct Talking {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Talking {
    fn start(mut command: Command) -> Talking {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("it has an output"));
        Talking { child, out }
    }

    /// Reads up to the line that has these words.
    #[track_caller]
    fn until(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert!(self.out.read_line(&mut line).expect("it is read") > 0, "{words:?} never came");
        }
    }

    /// The rest of what it says, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("it is read");
        (rest, self.child.wait().expect("it ends").code())
    }
}

#[test]
fn what_comes_is_shown_as_it_comes_until_the_run_ends() {
    for wish in [&["--follow"][..], &["--follow", "--raw"], &["--follow", "--role", "implementation"]] {
        let go = tempfile::Builder::new().prefix("tidegate-e2e-").tempdir().expect("a folder is made");
        let go = go.path().join("go");
        let made = Command::new("mkfifo").arg(&go).status().expect("mkfifo is there");
        assert!(made.success());
        // Held open on both ends: nobody waits for the other to open it.
        let mut gate = OpenOptions::new().read(true).write(true).open(&go).expect("the pipe opens");
        let work = format!(
            "said 'I begin.'\nread -r word < {}\nsaid \"I heard $word.\"\necho 1 > one\ntext='I end.'",
            go.display()
        );
        let space = worked(&work, &[], &[&go]);
        let mut run = Talking::start(claude::tidegate(&space, &["execute", "one", "--plain"]));
        run.until("implements");
        let mut follower = Talking::start(space.tidegate(&[&["logs", "one", "1"], wish].concat()));
        follower.until("I begin.");
        gate.write_all(b"go\n").expect("the word is given");
        follower.until("I heard go.");
        assert_eq!(run.end().1, Some(0));
        let (rest, code) = follower.end();
        assert!(rest.contains("I end."), "{rest}");
        assert_eq!(code, Some(0));
    }
}
