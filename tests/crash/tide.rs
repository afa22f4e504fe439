//! The topic that is killed: five tasks of milliseconds on three streams, in which everything happens that can.
//!
//! `Left` and `Right` each pass alone and not together: whoever comes second is sent back by the train (or, after a kill, by its own
//! checks), and settles it. `Behind` is proven on a candidate that fails, so that its proof is stopped. `Twice` is sent back by a check,
//! `Whole` by a reviewer. Whatever the order, the tree at the end is the same.

use super::{
    live::{Gone, run},
    space::Space,
    trace::{Lifeline, Log},
};
use std::{collections::BTreeMap, fmt::Write, fs, process::Command};
use tidegate::run::{Ending, Entry, Event, Run, What};

pub const TOPIC: &str = "tide";
pub const BRANCH: &str = "tidegate/tide/integration";
pub const TASKS: [&str; 5] = ["1", "2", "3", "4", "5"];

/// A repository with the topic, and what its scripts leave.
pub struct Tide {
    pub space: Space,
    pub lifeline: Lifeline,
    pub log: Log,
}

/// A task: its title, what it depends on, its blocks by role.
struct Task<'a>(&'a str, &'a str, &'a [(&'a str, &'a str)]);

impl Tide {
    pub fn new() -> Tide {
        let space = Space::empty().open();
        let (lifeline, log) = (Lifeline::at(space.beside("lifeline")), Log(space.beside("log")));
        let check = space.beside("check.sh");
        fs::write(&check, self::check(&space)).expect("the check is written");
        let check = format!("task = [\"sh -eu {}\"]", check.display());
        space.write("README.md", "a scratch repository\n");
        space.write(
            "tidegate.toml",
            &format!("[slots]\nchecks = 3\n[checks]\n{check}\nstream = [\"true\"]\nsystem = [\"true\"]\n"),
        );
        space.commit("Begin");
        let tide = Tide { space, lifeline, log };
        tide.space.topic(TOPIC, &tide.breakdown());
        tide
    }

    fn breakdown(&self) -> String {
        let seen = self.space.beside("right-was-seen");
        let behind = format!("{}\necho behind > behind\n", patiently(&seen.display().to_string()));
        let no =
            r#"echo '{"verdict": "request-changes", "findings": [{"severity": "blocker", "claim": "half of it"}]}'"#;
        let yes = r#"echo '{"verdict": "approve", "findings": []}'"#;
        let work = "implementation";
        let qa = "reviewer name=qa";
        let tasks = [
            Task("Left", "None", &[(work, "echo 1 > left"), (work, "echo 1 > settled"), (qa, yes)]),
            Task("Twice", "None", &[(work, "echo bad > twice"), (work, "echo good > twice")]),
            Task("Right", "None", &[(work, "echo 1 > right"), (work, "echo 1 > settled")]),
            Task("Behind", "None", &[(work, &behind)]),
            Task(
                "Whole",
                "Tasks 2, 3, 4 complete",
                &[(work, "cat right > whole"), (work, "cat right behind > whole"), (qa, no), (qa, yes)],
            ),
        ];
        let mut text = "# Tide\n\n".to_owned();
        for (stream, range) in [("A: Left", 0..2), ("B: Right (Parallel)", 2..4), ("C: Both", 4..5)] {
            write!(text, "### Stream {stream}\n\n").expect("text");
            for number in range {
                let Task(title, before, blocks) = &tasks[number];
                write!(
                    text,
                    "{}. **{title}**\n\n   - Test Requirements: None, it is a script\n   - Dependencies: {before}\n\n",
                    number + 1
                )
                .expect("text");
                for (role, script) in *blocks {
                    let script = format!("{}{}{script}", self.log.script(), self.lifeline.script());
                    let script = script.replace('\n', "\n   ");
                    write!(text, "   ```sh role={role}\n   {script}\n   ```\n\n").expect("text");
                }
            }
        }
        text + "## Quality Gates\n\n- **Gate 1**: All tests pass (after Stream A)\n- **Gate 2**: All tests pass\n"
    }

    /// The command, with a failpoint or without.
    pub fn execute(&self, failpoint: Option<&str>) -> Gone {
        let mut command = self.command();
        if let Some(point) = failpoint {
            command.env("TIDEGATE_FAILPOINT", point);
        }
        run(command)
    }

    pub fn command(&self) -> Command {
        self.space.tidegate(&["execute", TOPIC, "--plain"])
    }

    /// What the journal of the newest run holds; nothing when none has begun.
    pub fn entries(&self) -> Vec<Entry> {
        self.space.entries(TOPIC)
    }

    /// The tree that landed: mode, content and name of each file, but for the configuration, which names a folder of this space.
    pub fn tree(&self) -> Vec<String> {
        let list = self.space.git(&["ls-tree", "-r", BRANCH]);
        list.lines().filter(|line| !line.ends_with("tidegate.toml")).map(str::to_owned).collect()
    }
}

/// The scripts whose jobs have a journaled end, named as they name themselves in the log.
pub fn ended_scripts(entries: &[Entry]) -> Vec<String> {
    let Ok(run) = Run::replay(entries) else { panic!("the journal does not fit together") };
    let (mut jobs, mut tries, mut ended) = (BTreeMap::new(), BTreeMap::<_, u32>::new(), Vec::new());
    for entry in entries {
        match &entry.event {
            &Event::Started { job, node, what, .. } => drop(jobs.insert(job, (node, what))),
            Event::Ended { job, ending, .. } if matches!(**ending, Ending::Passed(_) | Ending::Rejected(_)) => {
                let (node, what) = jobs[job];
                let turn = tries.entry((node, what)).or_default();
                *turn += 1;
                let role = match what {
                    What::Tests => "test-developer",
                    What::Implement => "implementation",
                    What::Review(_) => "reviewer",
                    _ => continue,
                };
                ended.push(format!("{} {role} {turn}", run.plan().node(node).label()));
            }
            _ => {}
        }
    }
    ended
}

/// Jobs that fell over, though nobody had asked them to stop.
pub fn fallen(entries: &[Entry]) -> Vec<String> {
    let mut stopped = Vec::new();
    let mut fallen = Vec::new();
    for entry in entries {
        match &entry.event {
            Event::StopAsked { job } => stopped.push(*job),
            Event::Ended { job, ending, .. } if !stopped.contains(job) => {
                if let Ending::Broke(breakage) = &**ending {
                    fallen.push(format!("job {}: {breakage:?}", job.0));
                }
            }
            _ => {}
        }
    }
    fallen
}

/// The labels of all tasks that landed, as their trailers say.
pub fn landed(space: &Space, branch: &str) -> Vec<String> {
    let said = space.git(&[
        "log",
        "--format=%(trailers:key=Tidegate-Task,valueonly,separator=%x2C)",
        &format!("main..{branch}"),
    ]);
    let mut labels: Vec<String> = said.lines().map(str::to_owned).collect();
    labels.sort();
    labels
}

/// The check of every tree: what is half done is red, and so are the two that do not go together.
fn check(space: &Space) -> String {
    let (seen, proving) = (space.beside("right-was-seen"), space.beside("behind-is-proven"));
    let (seen, proving) = (seen.display(), proving.display());
    format!(
        "if [ -e right ]; then : > {seen}; fi
         if [ -e twice ] && ! grep -q good twice; then echo 'twice is not good'; exit 1; fi
         if [ -e left ] && [ -e right ] && [ ! -e settled ]; then
           if [ \"$(git log -1 --format=%s)\" = Behind ]; then : > {proving}; sleep 2; fi
           {}
           echo 'left and right do not go together'
           exit 1
         fi\n",
        patiently(&proving.to_string())
    )
}

/// What a script says to wait until there is a file, and for not too long: nothing but how often a proof is stopped hangs on it.
fn patiently(file: &str) -> String {
    format!("i=0; while [ ! -e {file} ] && [ $i -lt 100 ]; do sleep 0.01; i=$((i + 1)); done")
}
