//! Sixty tasks with real clones and merges, in a repository of five thousand files.

use crate::{execute::task, space::Space};
use std::{collections::BTreeSet, fmt::Write as _, fs, io::Write as _, process::Stdio};

const FILES: usize = 5_000;
const TASKS: usize = 60;
const STREAMS: usize = 4;
const AGENTS: usize = 6;
const CHECKS: usize = 3;
/// The file that ten tasks change, each at another place.
const SHARED: usize = 7;

/// Where a file is: a hundred in a folder.
fn file(number: usize) -> String {
    format!("src/d{:02}/f{number:04}.txt", number / 100)
}

/// The first commit, with all files, made from one stream: as fast as git can.
fn fill(space: &Space, config: &str) {
    let mut stream =
        String::from("commit refs/heads/main\ncommitter Ada <ada@example.org> 1700000000 +0000\ndata 5\nBegin\n");
    let mut put = |path: &str, text: &str| {
        write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).expect("text");
    };
    put("tidegate.toml", config);
    for number in 0..FILES {
        put(&file(number), &format!("file {number}\n").repeat(if number == SHARED { 200 } else { 20 }));
    }
    let mut git = space.command("git");
    let mut import = git.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().expect("git is installed");
    import.stdin.take().expect("a pipe").write_all(stream.as_bytes()).expect("git reads");
    assert!(import.wait().expect("it is our child").success());
    space.git(&["reset", "-q", "--hard", "main"]);
}

/// Task `number` changes a file that is there, makes one from what the task that it hangs on has made, and each sixth one also changes
/// a file that the others of these change, at another place.
fn breakdown() -> String {
    let mut text = "# Large\n\n".to_owned();
    for stream in 0..STREAMS {
        let name = char::from(b'A' + stream as u8);
        write!(text, "### Stream {name}: Part {name} (Parallel)\n\n").expect("text");
        for at in 0..TASKS / STREAMS {
            let number = stream * TASKS / STREAMS + at + 1;
            let before = number.checked_sub(11).filter(|&before| before > 0);
            let dependencies = before.map_or_else(|| "None".to_owned(), |before| format!("Task {before} complete"));
            let mut script = format!("sed -i '1s/.*/changed by {number}/' {}\nmkdir -p new", file(number * 80));
            script += &match before {
                Some(before) => format!("\nsed 's/^/{number} after /' new/{before} > new/{number}"),
                None => format!("\necho {number} > new/{number}"),
            };
            if number.is_multiple_of(6) {
                script += &format!("\nsed -i '{}s/.*/met by {number}/' {}", 3 * number, file(SHARED));
            }
            text += &task(number as u32, &format!("Step {number}"), &dependencies, &script);
        }
    }
    text + "## Quality Gates\n\n- **Gate 1**: All tests pass (after Stream A)\n"
}

#[test]
fn sixty_tasks_on_five_thousand_files_land_as_what_they_are_and_share_a_few_clones() {
    let space = Space::empty();
    let check = "test $(find src -type f | wc -l) = 5000";
    let config = format!(
        "[slots]\nagents = {AGENTS}\nchecks = {CHECKS}\n[checks]\ntask = [\"{check}\"]\nstream = [\"{check}\"]\nsystem = [\"{check}\"]\n\
         [attempts]\ntries = 1\nlives = 1\n"
    );
    fill(&space, &config);
    space.topic("large", &breakdown());
    space.execute("large").exits(0).says(&["60 of 60 done"]);
    let branch = "tidegate/large/integration";
    assert_eq!(space.landed("large").into_iter().collect::<BTreeSet<_>>().len(), TASKS);
    assert_eq!(space.landed("large").len(), TASKS);
    assert_eq!(space.tree("large").len(), 1 + FILES + TASKS);
    for number in 1..=TASKS {
        let changed = space.on(branch, &file(number * 80));
        assert_eq!(changed.lines().next(), Some(&*format!("changed by {number}")));
        assert_eq!(changed.lines().count(), 20);
    }
    assert_eq!(space.on(branch, "new/60"), "60 after 49 after 38 after 27 after 16 after 5");
    let changes = space.git(&["diff", "--name-only", "main", branch]);
    assert_eq!(changes.lines().count(), 2 * TASKS + 1, "nothing else was touched");
    let met = space.on(branch, &file(SHARED));
    assert_eq!(met.lines().filter(|line| line.starts_with("met by ")).count(), TASKS / 6, "{met}");
    assert_eq!(space.git(&["status", "--porcelain"]), "?? notes/");
    let clones = workspaces(&space);
    assert!(clones <= AGENTS + CHECKS, "{clones} clones of five thousand files");
}

/// How many workspaces a run has left for the next one.
fn workspaces(space: &Space) -> usize {
    let state = space.beside("state/tidegate");
    let repositories: Vec<_> = fs::read_dir(state).expect("a run was here").flatten().collect();
    let all = repositories.iter().map(|repository| repository.path().join("workspaces"));
    all.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten().count()
}
