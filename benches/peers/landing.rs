//! P8: landing one branch, by git's plumbing without a working tree, and by a merge in a working tree.

use crate::{
    Trouble,
    flags::Flags,
    process,
    rounds::{Contestant, Sample, interleave, median},
    scratch::{self, commit_all, file, folder, git, tidegate_name},
    table::{Subject, Table, Target},
    workspaces,
};
use std::{cell::RefCell, fs, path::Path, time::Instant};
use tidegate::{
    run::Oid,
    workspace::{Built, Identity, Landed, Landing},
};
use tokio::runtime::Runtime;

pub(crate) fn measure(flags: &Flags, table: &mut Table) -> Result<(), Trouble> {
    let (files, branches) = (flags.size(500, 5_000), flags.size(10, 100));
    let (place, state) = (folder()?, folder()?);
    let top = place.path().join("repository");
    fs::create_dir(&top)?;
    let base = scratch::repository(&top, files)?;
    let work = (0..branches).map(|number| branch(&top, &base, number, files)).collect::<Result<Vec<_>, _>>()?;
    process::done(&mut git(&top, &["checkout", "--quiet", "-b", "theirs", "main"]))?;
    let runtime = Runtime::new()?;
    let repository = runtime.block_on(workspaces::repository(&top, state.path()))?;
    let base: Oid = base.parse()?;
    let tip = RefCell::new(runtime.block_on(repository.begin("bench", base))?);
    let ours = |round: u32| -> Result<Sample, Trouble> {
        let (before, task) = (*tip.borrow(), round.to_string());
        let branch: Oid = work[round as usize].parse()?;
        let landing = Landing {
            subject: format!("Step {task}"),
            body: String::new(),
            run: "bench".into(),
            task: task.clone(),
            trailers: Vec::new(),
            author: Identity::default(),
            committer: Identity::default(),
            seconds: 1_700_000_000,
            is_signed: false,
        };
        let started = Instant::now();
        let landed = runtime.block_on(async {
            let Built::Commit(commit) = repository.build(before, base, branch, &landing).await? else {
                return Err(Trouble::from("two branches collided"));
            };
            let landed = repository.land(before, commit, "bench", &task).await?;
            // People look at the branch that follows.
            repository.follow("bench", "bench", commit).await?;
            Ok((commit, landed))
        });
        let wall = started.elapsed();
        let (commit, landed) = landed?;
        if landed != Landed::Done {
            return Err("it did not land".into());
        }
        tip.replace(commit);
        Ok(Sample { wall, ..Sample::default() })
    };
    let theirs = |round: u32| process::run(&mut git(&top, &["merge", "--quiet", "--no-edit", &work[round as usize]]));
    let git_name = process::done(&mut git(&top, &["--version"]))?.trim().replace("version ", "");
    let all = interleave(
        branches,
        vec![
            Contestant::new(tidegate_name(), ours),
            Contestant::new(format!("`git merge` in a working tree, {git_name}"), theirs),
        ],
    );
    let trees = ["HEAD^{tree}".to_owned(), format!("{}^{{tree}}", tip.borrow())];
    let trees = trees.map(|name| process::done(&mut git(&top, &["rev-parse", &name])).unwrap_or_default());
    if all.iter().all(|series| series.trouble.is_none()) && trees[0] != trees[1] {
        return Err(format!("the trees differ: {trees:?}").into());
    }
    let subject =
        Subject { number: "P8", what: format!("landing one of {branches} branches, {files} files"), jobs: None };
    let wall = median(all[0].walls()).map(|wall| wall * 1e3);
    table.bounded(&subject, &all[0], wall, Some(Target { most: 20.0, unit: "ms" }));
    table.series(&subject, &all[1], all[0].ratio(&all[1]), None);
    Ok(())
}

/// A branch that changes one file and makes one. Its commit.
fn branch(top: &Path, base: &str, number: u32, files: u32) -> Result<String, Trouble> {
    process::done(&mut git(top, &["checkout", "--quiet", "--detach", base]))?;
    fs::write(top.join(file(number * 37 % files)), format!("branch {number}\n"))?;
    fs::write(top.join(format!("src/new-{number}.txt")), "new\n")?;
    commit_all(top, &format!("Step {number}"))
}
