//! The merge train: branches that are ready at once, landed side by side and one at a time. The tree has to be the same.

use crate::{
    Trouble,
    flags::Flags,
    process,
    rounds::{Contestant, Sample, interleave},
    scratch::{commit_all, folder, git, tidegate, tidegate_name},
    table::{Subject, Table, Target},
};
use std::{cell::RefCell, fmt::Write, fs, path::Path};

/// Check slots, of both.
const SLOTS: u32 = 4;
/// As fast as this many times one at a time.
const FASTER: f64 = 2.5;
/// The window of one at a time.
const SINGLE: &str = "[merge]\nwindow = 1\nwindow_min = 1\nwindow_max = 1\n";

pub(crate) fn measure(flags: &Flags, table: &mut Table) -> Result<(), Trouble> {
    let (branches, suite) = flags.size((16, "0.5"), (40, "2"));
    let trees = RefCell::new(Vec::new());
    let turn = |merge: &'static str| {
        let trees = &trees;
        move |_: u32| -> Result<Sample, Trouble> {
            let (sample, tree) = run(branches, suite, merge)?;
            trees.borrow_mut().push(tree);
            Ok(sample)
        }
    };
    // A suite that sleeps takes as long whoever else is at work: more rounds would say the same.
    let rounds = flags.rounds().min(2);
    let single = format!("{} with a window of 1", tidegate_name());
    let all =
        interleave(rounds, vec![Contestant::new(tidegate_name(), turn("")), Contestant::new(single, turn(SINGLE))]);
    let trees = trees.take();
    if trees.iter().any(|tree| *tree != trees[0]) {
        return Err(format!("the trees differ: {trees:?}").into());
    }
    let what = format!("{branches} ready branches, a suite of {suite} s, {SLOTS} check slots");
    table.contest(&Subject { number: "train", what, jobs: None }, &all, |_| Some(Target::ratio(1.0 / FASTER)));
    Ok(())
}

/// Runs a topic of so many branches, each with a file of its own. The tree that it made, without its configuration.
fn run(branches: u32, suite: &str, merge: &str) -> Result<(Sample, String), Trouble> {
    let (place, state) = (folder()?, folder()?);
    let top = place.path();
    let notes = top.join("notes/bench");
    fs::create_dir_all(&notes)?;
    for name in ["research.md", "plan.md"] {
        fs::write(notes.join(name), "# Bench\n")?;
    }
    fs::write(notes.join("breakdown.md"), breakdown(branches)?)?;
    fs::create_dir(top.join("files"))?;
    fs::write(top.join("files/first"), "first\n")?;
    fs::write(top.join("tidegate.toml"), config(suite, merge))?;
    commit_all(top, "Begin")?;
    let jobs = format!("-j{branches}");
    let sample = process::run(&mut tidegate(top, state.path(), &["execute", "bench", &jobs, "--sandbox", "none"]))?;
    Ok((sample, tree(top)?))
}

/// The suite takes its time on candidates alone, and no CPU: branches are ready as fast as they can be, and what is left is the train.
fn config(suite: &str, merge: &str) -> String {
    format!(
        "[slots]\nchecks = {SLOTS}\n[checks]\ntask = [\"case $(git log -1 --format=%s) in Branch*) sleep {suite};; esac\"]\n\
         stream = [\"true\"]\nsystem = [\"true\"]\n{merge}"
    )
}

fn breakdown(branches: u32) -> Result<String, Trouble> {
    let mut text = "# Bench\n\n### Stream A: Branches (Parallel)\n\n".to_owned();
    for number in 1..=branches {
        write!(
            text,
            "{number}. **Branch {number}**\n\n   - Test Requirements: None\n   - Dependencies: None\n\n   \
             ```sh role=implementation\n   echo {number} > files/{number}\n   ```\n\n"
        )?;
    }
    Ok(text + "## Quality Gates\n\n- **Gate 1**: All tests pass (after Stream A)\n")
}

fn tree(top: &Path) -> Result<String, Trouble> {
    let name = "tidegate/bench/integration:files";
    Ok(process::done(&mut git(top, &["rev-parse", name]))?.trim().to_owned())
}
