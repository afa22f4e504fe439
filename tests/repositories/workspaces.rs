//! Workspaces: used again and clean, whatever was done to them, and never shared.

use super::ground::{Ground, ground, write};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tidegate::{
    process::{Exit, How, Launch, Limits, Line, Program},
    workspace::{Commands, Copies, Identity, Kind, Lease, Pool, PoolError, Setup, SetupError, attempt_ref},
};

fn status(ground: &Ground, lease: &Lease) -> String {
    super::ground::git(lease.path(), &ground.at("home"), &["status", "--porcelain"])
}

/// Everything in a tree but its git directory.
fn all(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != ".git") {
            let is_dir = entry.file_type().unwrap().is_dir();
            found.push(entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned());
            if is_dir {
                open.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_workspace_is_a_repository_to_work_in_that_leads_nowhere() {
    let ground = ground(&[("a", "1"), ("dir/b", "1")]);
    ground.git(&["branch", "secret"]);
    let before = ground.belongings();
    let (repository, pool) = ground.pool().await;
    let lease = pool.agent("t", repository.head()).await.unwrap();
    assert_eq!((lease.kind(), lease.commit()), (Kind::Agent, repository.head()));
    let git = |args: &[&str]| super::ground::git(lease.path(), &ground.at("home"), args);
    assert_eq!(status(&ground, &lease), "");
    assert_eq!(git(&["rev-parse", "HEAD"]), repository.head().to_string());
    assert_eq!(git(&["log", "--format=%s"]), "base");
    assert_eq!(git(&["remote"]), "");
    assert_eq!(git(&["for-each-ref", "--format=%(refname)"]), "refs/heads/work");
    git(&["fsck"]);
    write(lease.path(), "a", "2");
    git(&["commit", "--quiet", "--all", "--message", "mine"]);
    assert_eq!(ground.belongings(), before);
    assert!(!lease.path().starts_with(ground.top()) && !lease.cache().starts_with(lease.path()));
}

#[tokio::test]
async fn the_objects_that_a_workspace_reads_are_those_of_all_repositories_that_are_borrowed_from() {
    let ground = ground(&[("a", "1")]);
    for dir in ["far", "near"] {
        fs::create_dir_all(ground.at(dir).join("info")).unwrap();
    }
    let repository = ground.open().await;
    let own = repository.common_dir().join("objects");
    assert_eq!(repository.object_dirs(), std::slice::from_ref(&own));
    let far = ground.at("far").display().to_string();
    fs::write(own.join("info/alternates"), format!("# a comment\n{far}\n/not/there\n")).unwrap();
    fs::write(ground.at("far/info/alternates"), format!("../near\n{}\n", own.display())).unwrap();
    assert_eq!(repository.object_dirs(), [own, ground.at("far"), ground.at("far").join("../near")]);
}

#[tokio::test]
async fn a_task_gets_its_own_workspace_again_with_its_caches_and_nothing_else() {
    let ground = ground(&[(".gitignore", "*.cache\n"), ("a", "1"), ("dir/b", "1")]);
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    let (first, other) = (pool.agent("one", base).await.unwrap(), pool.agent("two", base).await.unwrap());
    let place = first.path().to_path_buf();
    for path in ["target/debug/x", "dir/x.cache", "new", "new dir/sub/x", "self/.gitignore", "self/x"] {
        write(&place, path, if path.ends_with(".gitignore") { "*\n" } else { "left" });
    }
    write(&place, "a", "changed");
    fs::remove_dir_all(place.join("dir").join("b")).or_else(|_| fs::remove_file(place.join("dir/b"))).unwrap();
    fs::set_permissions(place.join("new dir"), fs::Permissions::from_mode(0o500)).unwrap();
    drop((first, other));
    let again = pool.agent("one", base).await.unwrap();
    assert_eq!(again.path(), place);
    assert_eq!(
        all(&place),
        [".gitignore", "a", "dir", "dir/b", "dir/x.cache", "target", "target/debug", "target/debug/x"]
    );
    assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "1");
    assert_eq!(status(&ground, &again), "?? target/");
}

#[tokio::test]
async fn a_workspace_moves_between_commits_of_any_shape() {
    let ground = ground(&[("x", "file"), ("y/z", "1"), ("same", "1")]);
    let one = ground.git(&["rev-parse", "HEAD"]).parse().unwrap();
    ground.git(&["rm", "--quiet", "-r", "x", "y"]);
    ground.write("x/deep/file", "2");
    symlink("same", ground.top().join("y")).unwrap();
    let two = ground.commit("turned around");
    let (_repository, pool) = ground.pool().await;
    for commit in [one, two, one, two] {
        for lease in [pool.agent("t", commit).await.unwrap(), pool.gate(commit).await.unwrap()] {
            assert_eq!(status(&ground, &lease), "");
            assert_eq!(
                super::ground::git(lease.path(), &ground.at("home"), &["write-tree"]),
                ground.git(&["rev-parse", &format!("{commit}^{{tree}}")])
            );
        }
    }
}

#[tokio::test]
async fn a_gate_gets_exactly_its_commit_and_a_cache_that_no_agent_has() {
    let ground = ground(&[(".gitignore", "*.cache\n"), ("a", "1"), ("dir/b", "1")]);
    let (repository, pool) = ground.pool().await;
    let agent = pool.agent("t", repository.head()).await.unwrap();
    let gate = pool.gate(repository.head()).await.unwrap();
    let (place, cache) = (gate.path().to_path_buf(), gate.cache().to_path_buf());
    assert_ne!(agent.cache(), cache);
    for path in ["target/x", "dir/x.cache", "node_modules/y", "new", "empty dir/sub/x"] {
        write(&place, path, "left");
    }
    fs::remove_file(place.join("empty dir/sub/x")).unwrap();
    write(&cache, "object", "kept");
    drop((agent, gate));
    let again = pool.gate(repository.head()).await.unwrap();
    assert_eq!(again.path(), place);
    assert_eq!(all(&place), [".gitignore", "a", "dir", "dir/b"]);
    assert!(cache.join("object").exists());
}

#[tokio::test]
async fn two_runs_never_share_a_pool() {
    let ground = ground(&[("a", "1")]);
    let (repository, pool) = ground.pool().await;
    let second = Pool::open(Arc::clone(&repository), Identity::default());
    assert!(matches!(second, Err(PoolError::Held(_))));
    drop(pool);
    assert!(Pool::open(repository, Identity::default()).is_ok());
}

#[tokio::test]
async fn a_workspace_in_which_somebody_is_still_at_work_is_given_to_nobody() {
    let ground = ground(&[("a", "1")]);
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    let lease = pool.agent("task", base).await.unwrap();
    let place = lease.path().to_path_buf();
    let mut left = std::process::Command::new("sleep").arg("600").current_dir(&place).spawn().unwrap();
    drop((lease, pool, repository));
    let (_repository, pool) = ground.pool().await;
    let lease = pool.agent("task", base).await.unwrap();
    left.kill().unwrap();
    left.wait().unwrap();
    assert_ne!(lease.path(), place);
}

#[tokio::test]
async fn what_a_killed_run_left_is_its_own_tasks_to_take_in_and_half_made_trees_are_thrown_away() {
    let ground = ground(&[("a", "1")]);
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    let lease = pool.agent("killed", base).await.unwrap();
    let gate = pool.gate(base).await.unwrap();
    let place = lease.path().to_path_buf();
    write(&place, "half", "done");
    // As a kill leaves them: no lease is ever given back.
    std::mem::forget((lease, gate));
    drop(pool);
    let half = repository.state_dir().join("workspaces/agent-99");
    write(&half, "tree/x", "never became ready");
    fs::create_dir_all(repository.state_dir().join("scratch/dead")).unwrap();
    let (repository, pool) = ground.pool().await;
    assert!(!half.exists() && !repository.state_dir().join("scratch/dead").exists());
    let other = pool.agent("other", base).await.unwrap();
    assert_ne!(other.path(), place);
    assert!(pool.left("other").is_none());
    let left = pool.left("killed").unwrap();
    assert_eq!((left.path(), left.commit()), (&*place, base));
    let snapshot = repository.snapshot(&left, base, &[], "left", &attempt_ref("r", "killed", "1")).await.unwrap();
    assert_eq!(ground.files(snapshot.commit)["half"], "done");
    drop(left);
    assert!(pool.left("killed").is_none());
    let again = pool.agent("killed", base).await.unwrap();
    assert_eq!((again.path(), all(&place)), (&*place, vec!["a".to_owned()]));
}

#[tokio::test]
async fn a_tree_that_is_another_folder_is_never_read_or_cleaned() {
    let ground = ground(&[("a", "1")]);
    let (repository, pool) = ground.pool().await;
    let lease = pool.agent("t", repository.head()).await.unwrap();
    let place = lease.path().to_path_buf();
    write(&ground.at("victim"), "precious", "1");
    fs::remove_dir_all(&place).unwrap();
    symlink(ground.at("victim"), &place).unwrap();
    let base = repository.head();
    assert!(repository.snapshot(&lease, base, &[], "m", &attempt_ref("r", "t", "1")).await.is_err());
    drop(lease);
    let again = pool.agent("t", repository.head()).await.unwrap();
    assert_ne!(again.path(), place);
    assert_eq!(fs::read_to_string(ground.at("victim/precious")).unwrap(), "1");
    // Nor is one that was moved there, which has another inode.
    let place = again.path().to_path_buf();
    fs::rename(&place, ground.at("away")).unwrap();
    fs::rename(ground.at("victim"), &place).unwrap();
    drop(again);
    assert_ne!(pool.agent("t", repository.head()).await.unwrap().path(), place);
}

/// Notes what it is told to launch, and lets the first `failing` of it fail.
#[derive(Default)]
struct Launches {
    told: Mutex<Vec<String>>,
    failing: Mutex<u32>,
}

impl Launch for Launches {
    fn launch(&self, program: Program, _: Line) -> std::pin::Pin<Box<dyn Future<Output = Exit> + Send + '_>> {
        Box::pin(async move {
            fs::write(&program.stdout, "it said this\n").unwrap();
            self.told.lock().unwrap().push(program.argv.last().unwrap().to_string_lossy().into_owned());
            let mut failing = self.failing.lock().unwrap();
            let code = i32::from(*failing > 0);
            *failing = failing.saturating_sub(1);
            Exit { how: How::Code(code), ms: 1, leaked: 0 }
        })
    }
}

#[tokio::test]
async fn a_workspace_is_set_up_once_and_again_when_a_lock_file_changes_and_a_gates_always() {
    let ground = ground(&[("sub/package-lock.json", "1"), ("a", "1")]);
    let one = ground.git(&["rev-parse", "HEAD"]).parse().unwrap();
    ground.write("a", "2");
    let same_locks = ground.commit("other code");
    ground.write("sub/package-lock.json", "2");
    let other_locks = ground.commit("other lock");
    let (repository, pool) = ground.pool().await;
    let limits = Limits { total: Duration::MAX, idle: None, grace: Duration::ZERO, output_bytes: 1 };
    let log = ground.at("setup.log");
    let setup = Setup {
        caches: tidegate::process::Caches::default(),
        copies: Copies::default(),
        commands: Commands::Said(vec!["npm ci".into(), "make".into()]),
        env: vec![],
        limits,
        confines: None,
        pins: tidegate::rules::pins_dependencies,
        log,
    };
    let launches = Launches::default();
    let told = || std::mem::take(&mut *launches.told.lock().unwrap()).len();
    let line = Line::default();
    for (commit, runs) in [(one, 2), (same_locks, 0), (other_locks, 2), (other_locks, 0)] {
        let lease = pool.agent("t", commit).await.unwrap();
        lease.set_up(&repository, &launches, &setup, &line).await.unwrap();
        assert_eq!(told(), runs);
    }
    for _ in 0..2 {
        let lease = pool.gate(one).await.unwrap();
        lease.set_up(&repository, &launches, &setup, &line).await.unwrap();
        assert_eq!(told(), 2);
    }
    *launches.failing.lock().unwrap() = 1;
    let lease = pool.agent("t", one).await.unwrap();
    let failed = lease.set_up(&repository, &launches, &setup, &line).await.unwrap_err();
    assert!(
        matches!(&failed, SetupError::Failed { command, tail, .. } if command == "npm ci" && tail == "it said this")
    );
    assert_eq!(told(), 1);
    lease.set_up(&repository, &launches, &setup, &line).await.unwrap();
    assert_eq!(told(), 2);
}
