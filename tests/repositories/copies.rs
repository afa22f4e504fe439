//! Copies of the user's own untracked files in workspaces: only what is named and ignored, nowhere else, and in no commit.

use super::ground::{Ground, ground, write};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    sync::Arc,
};
use tidegate::{
    process::{Exit, Launch, Limits, Line, Program},
    workspace::{Copies, Lease, Pool, Repository, Setup, Why},
};

/// There are no commands: nobody is started.
struct Nobody;

impl Launch for Nobody {
    fn launch(&self, program: Program, _: Line) -> std::pin::Pin<Box<dyn Future<Output = Exit> + Send + '_>> {
        panic!("nothing is to be started: {:?}", program.argv)
    }
}

async fn taken(repository: &Repository) -> Copies {
    let copies = repository.copies(repository.head()).await.unwrap();
    repository.take_copies(copies).await.unwrap()
}

async fn set_up(repository: &Repository, lease: &Lease, copies: &Copies) {
    let limits =
        Limits { total: std::time::Duration::MAX, idle: None, grace: std::time::Duration::ZERO, output_bytes: 1 };
    let setup = Setup {
        caches: tidegate::process::Caches::default(),
        copies: copies.clone(),
        commands: tidegate::workspace::Commands::Said(vec![]),
        env: vec![],
        limits,
        confines: None,
        pins: |_| false,
        log: "/nowhere".into(),
    };
    lease.set_up(repository, &Nobody, &setup, &Line::default()).await.unwrap();
}

fn read(lease: &Lease, path: &str) -> Option<String> {
    fs::read_to_string(lease.path().join(path)).ok()
}

/// A repository whose user has secrets.
async fn secrets() -> (Ground, Arc<Repository>, Pool) {
    let ground = ground(&[
        (".gitignore", ".env*\nconfig/secret.*\nbig\nlink\nnested/\n"),
        (".worktreeinclude", "# mine\n.env*\n!.env.example\nconfig/secret.json\nopen.txt\nbig\nlink\nnested/**\n"),
        ("config/public.json", "{}"),
    ]);
    for (path, text) in [(".env", "A=1"), (".env.local", "B=2"), (".env.example", "no"), ("config/secret.json", "{}")] {
        ground.write(path, text);
    }
    ground.write("config/secret.txt", "not named");
    ground.write("open.txt", "named and not ignored");
    ground.write("nested/a", "1");
    ground.git(&["init", "--quiet", "nested/repository"]);
    ground.write("nested/repository/b", "1");
    fs::File::create(ground.top().join("big")).unwrap().set_len(17 << 20).unwrap();
    symlink("/etc/passwd", ground.top().join("link")).unwrap();
    fs::set_permissions(ground.top().join(".env.local"), fs::Permissions::from_mode(0o755)).unwrap();
    let (repository, pool) = ground.pool().await;
    (ground, repository, pool)
}

#[tokio::test]
async fn what_is_named_and_ignored_is_copied_and_all_else_is_told() {
    let (ground, repository, pool) = secrets().await;
    let before = ground.belongings();
    let copies = taken(&repository).await;
    assert_eq!(copies.paths().collect::<Vec<_>>(), [".env", ".env.local", "config/secret.json", "nested/a"]);
    let left: Vec<_> = copies.left_out.iter().map(|(path, why)| format!("{path}: {why}")).collect();
    assert_eq!(
        left,
        [
            "big: it has more than 16 MiB",
            "link: it is a link",
            "nested/repository/: it is a repository of its own",
            "open.txt: it is not ignored: name it in .gitignore too"
        ]
    );
    for lease in [pool.agent("t", repository.head()).await.unwrap(), pool.gate(repository.head()).await.unwrap()] {
        set_up(&repository, &lease, &copies).await;
        assert_eq!(
            (read(&lease, ".env").as_deref(), read(&lease, ".env.local").as_deref()),
            (Some("A=1"), Some("B=2"))
        );
        assert_eq!(read(&lease, "config/secret.txt"), None);
        let mode = |path: &str| fs::metadata(lease.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(".env"), mode(".env.local")), (0o600, 0o700), "its owner's alone");
    }
    assert_eq!(ground.belongings(), before);
}

#[tokio::test]
async fn what_was_copied_is_in_no_commit_whatever_becomes_of_it_or_of_the_rules() {
    let (_ground, repository, pool) = secrets().await;
    let (base, copies) = (repository.head(), taken(&repository).await);
    let lease = pool.agent("t", base).await.unwrap();
    set_up(&repository, &lease, &copies).await;
    write(lease.path(), ".gitignore", "");
    write(lease.path(), "config/secret.json", "changed");
    write(lease.path(), "new", "work");
    let declared = [".env".to_owned()];
    let taken = repository.snapshot(&lease, base, &declared, "m", "refs/tidegate/r/t/1").await.unwrap();
    let changed: Vec<_> =
        repository.changes(base, taken.commit).await.unwrap().iter().map(|c| c.path.to_string()).collect();
    assert_eq!(changed, [".gitignore", "new"], "also where the task declares it");
    let left: Vec<_> = taken.left.iter().map(|left| (&*left.path, left.why)).collect();
    assert_eq!(left, [("config/secret.json", Why::Copied)], "a change of it is told");
    // The next base ignores nothing, and still none of it is work.
    drop(lease);
    let lease = pool.agent("t", taken.commit).await.unwrap();
    assert_eq!(read(&lease, ".env"), None, "what nothing ignores does not stay");
    set_up(&repository, &lease, &copies).await;
    assert_eq!(read(&lease, "config/secret.json").as_deref(), Some("{}"), "as it was put, for the next one");
    let again = repository.snapshot(&lease, taken.commit, &[], "m", "refs/tidegate/r/t/2").await.unwrap();
    assert!(repository.changes(taken.commit, again.commit).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_copy_goes_through_no_link_and_over_nothing_that_is_tracked() {
    let (ground, repository, pool) = secrets().await;
    let copies = taken(&repository).await;
    let outside = ground.at("outside");
    fs::create_dir(&outside).unwrap();
    write(&ground.at(""), "outside/victim", "mine");
    let lease = pool.agent("t", repository.head()).await.unwrap();
    fs::remove_dir_all(lease.path().join("config")).unwrap();
    symlink(&outside, lease.path().join("config")).unwrap();
    symlink(outside.join("victim"), lease.path().join(".env")).unwrap();
    set_up(&repository, &lease, &copies).await;
    assert!(!outside.join("secret.json").exists(), "a folder that is a link is not gone into");
    assert_eq!(fs::read_to_string(outside.join("victim")).unwrap(), "mine");
    assert_eq!(read(&lease, ".env").as_deref(), Some("A=1"), "a link in its place is replaced");
    drop(lease);
    ground.write("config/secret.json", "tracked");
    ground.git(&["add", "--force", "config/secret.json"]);
    let tracked = ground.commit("track it");
    ground.write("config/secret.json", "untracked again");
    let lease = pool.agent("u", tracked).await.unwrap();
    set_up(&repository, &lease, &copies).await;
    assert_eq!(read(&lease, "config/secret.json").as_deref(), Some("tracked"));
    write(lease.path(), "config/secret.json", "work");
    let taken = repository.snapshot(&lease, tracked, &[], "m", "refs/tidegate/r/u/1").await.unwrap();
    assert_eq!(repository.changes(tracked, taken.commit).await.unwrap().len(), 1, "what is tracked is work");
}

#[tokio::test]
async fn the_list_is_the_commits_and_the_files_are_as_they_were_when_the_run_took_them() {
    let ground = ground(&[(".gitignore", ".env\n"), ("a", "1")]);
    ground.write(".env", "1");
    ground.write(".worktreeinclude", ".env\n");
    let (repository, pool) = ground.pool().await;
    assert_eq!(taken(&repository).await.paths().count(), 0, "it is not committed");
    let base = ground.commit("name it");
    let copies = repository.copies(base).await.unwrap();
    let copies = repository.take_copies(copies).await.unwrap();
    ground.write(".env", "2");
    for _ in 0..2 {
        let lease = pool.gate(base).await.unwrap();
        set_up(&repository, &lease, &copies).await;
        assert_eq!(read(&lease, ".env").as_deref(), Some("1"));
        write(lease.path(), ".env", "spoilt");
    }
}
