//! Landing by compare-and-swap, found again after a crash, and the branch that follows.

use super::ground::{Ground, ground, landing};
use std::sync::Arc;
use tidegate::{
    run::Oid,
    workspace::{Built, Landed, Repository, integration_ref},
};

/// A candidate on `base` that adds one file named after its task.
async fn candidate(repository: &Repository, base: Oid, run: &str, task: &str) -> Oid {
    let oid = repository.write(task.as_bytes()).await.unwrap();
    let edit = [(task.into(), Some(tidegate::workspace::Entry { mode: 0o100_644, oid }))];
    let work = repository.compose(base, base, &edit, "work").await.unwrap();
    match repository.build(base, base, work, &landing(run, task)).await.unwrap() {
        Built::Commit(commit) => commit,
        other => panic!("{other:?}"),
    }
}

async fn begun(run: &str) -> (Ground, Arc<Repository>, Oid) {
    let ground = ground(&[("a", "1")]);
    let repository = ground.open().await;
    let base = repository.begin(run, repository.head()).await.unwrap();
    (ground, repository, base)
}

#[tokio::test]
async fn a_landing_moves_the_ref_once_and_is_found_by_its_trailer_after() {
    let (_ground, repository, base) = begun("r").await;
    let one = candidate(&repository, base, "r", "one").await;
    assert_eq!(repository.land(base, one, "r", "one").await.unwrap(), Landed::Done);
    let again = repository.land(base, one, "r", "one").await.unwrap();
    assert_eq!(again, Landed::Already { commit: one, tip: one });
    let two = candidate(&repository, one, "r", "two").await;
    assert_eq!(repository.land(one, two, "r", "two").await.unwrap(), Landed::Done);
    // The same task built anew on a base from before: what landed counts, not what was built.
    let other = candidate(&repository, base, "r", "two").await;
    assert_eq!(repository.land(base, other, "r", "two").await.unwrap(), Landed::Already { commit: two, tip: two });
    assert_eq!(repository.begin("r", base).await.unwrap(), two);
}

#[tokio::test]
async fn a_ref_that_moved_is_told_with_what_was_found_on_the_way() {
    let (_ground, repository, base) = begun("r").await;
    let one = candidate(&repository, base, "r", "one").await;
    let two = candidate(&repository, base, "r", "two").await;
    repository.land(base, one, "r", "one").await.unwrap();
    let moved = repository.land(base, two, "r", "two").await.unwrap();
    assert_eq!(moved, Landed::Moved { tip: one, found: vec!["one".into()], is_kept: true });
    // Somebody threw the landing away.
    repository.pin(&integration_ref("r"), base).await.unwrap();
    let three = candidate(&repository, one, "r", "three").await;
    let moved = repository.land(one, three, "r", "three").await.unwrap();
    assert_eq!(moved, Landed::Moved { tip: base, found: vec![], is_kept: false });
    assert_eq!(repository.resolve(&integration_ref("r")).await.unwrap(), Some(base));
}

#[tokio::test]
async fn what_was_not_built_on_the_tip_never_lands() {
    let (ground, repository, base) = begun("r").await;
    let one = candidate(&repository, base, "r", "one").await;
    let two = candidate(&repository, one, "r", "two").await;
    assert!(repository.land(base, two, "r", "two").await.is_err());
    assert!(repository.land(base, base, "r", "two").await.is_err());
    ground.git(&["checkout", "--quiet", "--orphan", "other"]);
    let orphan = ground.commit("orphan");
    assert!(repository.land(base, orphan, "r", "two").await.is_err());
    assert_eq!(repository.resolve(&integration_ref("r")).await.unwrap(), Some(base));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_land_at_once_one_does_and_nothing_is_lost() {
    let (ground, repository, mut base) = begun("r").await;
    for round in 0..5 {
        let (left, right) = (format!("left{round}"), format!("right{round}"));
        let one = candidate(&repository, base, "r", &left).await;
        let other = candidate(&repository, base, "r", &right).await;
        let (first, second) =
            tokio::join!(repository.land(base, one, "r", &left), repository.land(base, other, "r", &right));
        let done = [first.unwrap(), second.unwrap()].iter().filter(|landed| **landed == Landed::Done).count();
        assert_eq!(done, 1);
        base = repository.resolve(&integration_ref("r")).await.unwrap().unwrap();
    }
    assert_eq!(ground.files(base).len(), 6);
}

#[tokio::test]
async fn the_branch_follows_unless_it_is_checked_out() {
    let (ground, repository, base) = begun("r").await;
    let one = candidate(&repository, base, "r", "one").await;
    repository.land(base, one, "r", "one").await.unwrap();
    let followed = repository.follow("chat", "r", one).await.unwrap();
    assert_eq!((&*followed.branch, followed.is_there, followed.notes.len()), ("tidegate/chat/integration", true, 0));
    assert_eq!(ground.git(&["rev-parse", "tidegate/chat/integration"]), one.to_string());
    ground.git(&["worktree", "add", "--quiet", "../look", "tidegate/chat/integration"]);
    let two = candidate(&repository, one, "r", "two").await;
    repository.land(one, two, "r", "two").await.unwrap();
    let followed = repository.follow("chat", "r", two).await.unwrap();
    assert!(!followed.is_there && followed.notes[0].contains("checked out"), "{followed:?}");
    assert_eq!(ground.git(&["rev-parse", "tidegate/chat/integration"]), one.to_string());
    ground.git(&["worktree", "remove", "../look"]);
    assert!(repository.follow("chat", "r", two).await.unwrap().is_there);
}

#[tokio::test]
async fn a_branch_with_commits_that_are_not_ours_is_left_alone() {
    let (ground, repository, base) = begun("r").await;
    ground.git(&["checkout", "--quiet", "-b", "tidegate/chat/integration"]);
    let theirs = ground.commit("theirs");
    ground.git(&["checkout", "--quiet", "main"]);
    let one = candidate(&repository, base, "r", "one").await;
    repository.land(base, one, "r", "one").await.unwrap();
    let followed = repository.follow("chat", "r", one).await.unwrap();
    assert_eq!((&*followed.branch, followed.is_there), ("tidegate/chat/integration-r", true));
    assert_eq!(followed.notes.len(), 1);
    assert_eq!(ground.git(&["rev-parse", "tidegate/chat/integration"]), theirs.to_string());
}

#[tokio::test]
async fn a_branch_that_somebody_moved_after_it_had_followed_is_looked_at_anew() {
    let (ground, repository, base) = begun("r").await;
    let mut tip = base;
    for task in ["one", "two"] {
        let next = candidate(&repository, tip, "r", task).await;
        repository.land(tip, next, "r", task).await.unwrap();
        assert!(repository.follow("chat", "r", next).await.unwrap().is_there);
        tip = next;
    }
    let branch = "refs/heads/tidegate/chat/integration";
    ground.git(&["update-ref", branch, &base.to_string()]);
    let three = candidate(&repository, tip, "r", "three").await;
    repository.land(tip, three, "r", "three").await.unwrap();
    assert!(repository.follow("chat", "r", three).await.unwrap().is_there, "moved back, it loses nothing");
    assert_eq!(ground.git(&["rev-parse", branch]), three.to_string());
    let theirs = ground.commit("theirs");
    ground.git(&["update-ref", branch, &theirs.to_string()]);
    let four = candidate(&repository, three, "r", "four").await;
    repository.land(three, four, "r", "four").await.unwrap();
    assert_eq!(repository.follow("chat", "r", four).await.unwrap().branch, "tidegate/chat/integration-r");
    assert_eq!(ground.git(&["rev-parse", branch]), theirs.to_string());
}

#[tokio::test]
async fn an_earlier_run_of_ours_gives_way_since_its_own_ref_keeps_it() {
    let (ground, repository, base) = begun("first").await;
    let one = candidate(&repository, base, "first", "one").await;
    repository.land(base, one, "first", "one").await.unwrap();
    repository.follow("chat", "first", one).await.unwrap();
    repository.begin("second", base).await.unwrap();
    let two = candidate(&repository, base, "second", "two").await;
    repository.land(base, two, "second", "two").await.unwrap();
    let followed = repository.follow("chat", "second", two).await.unwrap();
    assert_eq!((&*followed.branch, followed.is_there), ("tidegate/chat/integration", true));
    // Amended by hand, the trailer alone does not make it ours.
    ground.git(&["update-ref", &integration_ref("second"), &base.to_string()]);
    repository.begin("third", base).await.unwrap();
    let three = candidate(&repository, base, "third", "three").await;
    let followed = repository.follow("chat", "third", three).await.unwrap();
    assert_eq!(&*followed.branch, "tidegate/chat/integration-third");
}

#[tokio::test]
async fn no_hook_of_the_user_runs_when_a_ref_moves() {
    let (ground, repository, base) = begun("r").await;
    let canary = ground.at("canary");
    for hook in ["reference-transaction", "post-commit", "pre-commit", "post-checkout", "post-index-change"] {
        let path = ground.top().join(".git/hooks").join(hook);
        std::fs::write(&path, format!("#!/bin/sh\necho {hook} >> {}\n", canary.display())).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let before = ground.belongings();
    let one = candidate(&repository, base, "r", "one").await;
    repository.land(base, one, "r", "one").await.unwrap();
    repository.follow("chat", "r", one).await.unwrap();
    assert!(!canary.exists());
    assert_eq!(ground.belongings(), before);
}
