//! P7: a workspace for the next attempt, from the pool and by `git worktree add`.

use crate::{
    Trouble,
    flags::Flags,
    process,
    rounds::{Contestant, Sample, interleave},
    scratch::{self, file, folder, git, tidegate_name},
    table::{Subject, Table, Target},
};
use std::{fs, path::Path, sync::Arc, time::Instant};
use tidegate::workspace::{Identity, Options, Pool, Repository};
use tokio::runtime::Runtime;

/// What an attempt at a task changes.
const EDITS: u32 = 20;

pub(crate) fn measure(flags: &Flags, table: &mut Table) -> Result<(), Trouble> {
    let files = flags.size(2_000, 50_000);
    let (place, state) = (folder()?, folder()?);
    let top = place.path().join("repository");
    fs::create_dir(&top)?;
    let first = scratch::repository(&top, files)?;
    // What lands between two attempts.
    for number in 0..EDITS {
        fs::write(top.join(file(number * (files / EDITS))), "landed meanwhile\n")?;
    }
    let commits = [first, scratch::commit_all(&top, "Land")?];
    let runtime = Runtime::new()?;
    let pool = runtime.block_on(open(&top, state.path()))?;
    let lease = |commit: &str| -> Result<_, Trouble> { Ok(runtime.block_on(pool.agent("bench/1", commit.parse()?))?) };
    // The first workspace is made, not reused: that happens once a slot and run.
    let made = Instant::now();
    drop(lease(&commits[0])?);
    let made = made.elapsed();
    let ours = |round: u32| -> Result<Sample, Trouble> {
        let last = lease(&commits[round as usize % 2])?;
        attempt(last.path(), round, files)?;
        drop(last);
        let started = Instant::now();
        let next = lease(&commits[(round as usize + 1) % 2])?;
        let wall = started.elapsed();
        drop(next);
        Ok(Sample { wall, ..Sample::default() })
    };
    // None is removed meanwhile: for minutes after that ext4 looks at each of the freed inodes before it takes another one, which made the
    // next one twenty times as slow.
    let theirs = |round: u32| -> Result<Sample, Trouble> {
        let path = place.path().join(format!("worktree-{round}"));
        let path = path.to_str().ok_or("a path that is no UTF-8")?;
        let commit = &*commits[(round as usize + 1) % 2];
        process::run(&mut git(&top, &["worktree", "add", "--quiet", "--detach", path, commit]))
    };
    let git_name = process::done(&mut git(&top, &["--version"]))?.trim().replace("version ", "");
    let all = interleave(
        flags.rounds(),
        vec![
            Contestant::new(format!("{} (the first one took {made:.1?})", tidegate_name()), ours),
            Contestant::new(format!("`git worktree add`, {git_name}"), theirs),
        ],
    );
    let subject =
        Subject { number: "P7", what: format!("a workspace for the next attempt, {files} files"), jobs: None };
    table.contest(&subject, &all, |_| Some(Target::ratio(0.05)));
    Ok(())
}

/// What an agent leaves: files changed, files made, and what its build makes.
fn attempt(tree: &Path, round: u32, files: u32) -> Result<(), Trouble> {
    for number in 0..EDITS {
        fs::write(tree.join(file((number * 7 + round) % files)), format!("attempt {round}\n"))?;
        fs::write(tree.join(format!("src/new-{number}.txt")), "new\n")?;
    }
    Ok(())
}

async fn open(top: &Path, state: &Path) -> Result<Pool, Trouble> {
    let repository = repository(top, state).await?;
    Ok(Pool::open(repository, Identity::default())?)
}

/// A repository as the product opens it.
pub(crate) async fn repository(top: &Path, state: &Path) -> Result<Arc<Repository>, Trouble> {
    let environment = std::env::vars_os().collect();
    let options =
        Options { dir: top.into(), state: state.into(), environment, is_leftover: |path| path.ends_with("/target") };
    Ok(Arc::new(Repository::open(options).await?))
}
