//! Snapshots: the tree exactly as it stands, and nothing of what the agent says about it.

use super::ground::{ground, write};
use std::{
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    process::Command,
};
use tidegate::workspace::{Why, attempt_ref};

fn keys(files: &std::collections::BTreeMap<String, String>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_tree_counts_as_it_stands_committed_or_not() {
    let ground = ground(&[("a", "1"), ("gone", "1"), ("dir/b", "1"), ("kind", "1"), ("run", "x")]);
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    let lease = pool.agent("t", base).await.unwrap();
    let work = lease.path();
    write(work, "committed", "2");
    super::ground::git(work, &ground.at("home"), &["add", "--all"]);
    super::ground::git(work, &ground.at("home"), &["commit", "--quiet", "--message", "the agent's own"]);
    write(work, "staged", "2");
    super::ground::git(work, &ground.at("home"), &["add", "staged"]);
    write(work, "staged", "3");
    write(work, "new\nline/with \"quotes\"", "2");
    fs::remove_file(work.join("gone")).unwrap();
    fs::remove_file(work.join("kind")).unwrap();
    write(work, "kind/file", "2");
    fs::remove_dir_all(work.join("dir")).unwrap();
    symlink("/etc/passwd", work.join("dir")).unwrap();
    fs::set_permissions(work.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    let before = ground.belongings();
    let pin = attempt_ref("r", "t", "1");
    let snapshot = repository.snapshot(&lease, base, &[], "try 1", &pin).await.unwrap();
    assert_eq!(snapshot.left, []);
    let changes = repository.changes(base, snapshot.commit).await.unwrap();
    let changes: Vec<_> = changes.iter().map(|c| (&*c.path, c.after.map_or(0, |entry| entry.mode))).collect();
    assert_eq!(
        changes,
        [
            ("committed", 0o100_644),
            ("dir", 0o120_000),
            ("dir/b", 0),
            ("gone", 0),
            ("kind", 0),
            ("kind/file", 0o100_644),
            ("new\nline/with \"quotes\"", 0o100_644),
            ("run", 0o100_755),
            ("staged", 0o100_644),
        ]
    );
    assert_eq!(repository.read(snapshot.commit, "staged").await.unwrap().unwrap().as_ref(), b"3");
    assert_eq!(repository.resolve(&pin).await.unwrap(), Some(snapshot.commit));
    assert_eq!(ground.git(&["rev-parse", &format!("{pin}^")]), base.to_string());
    // Once more is the same commit: a crash in between costs nothing.
    let again = repository.snapshot(&lease, base, &[], "try 1", &pin).await.unwrap();
    assert_eq!(again, snapshot);
    assert_eq!(ground.belongings(), before);
}

#[tokio::test]
async fn what_tools_leave_is_left_out_unless_the_base_tracks_it() {
    let ground = ground(&[("Cargo.toml", ""), ("vendor/target/kept", "1"), ("a/b", "1")]);
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    let lease = pool.agent("t", base).await.unwrap();
    for path in ["target/debug/x", "a/node_modules/m/i.js", "__pycache__/c.pyc", "a/.pytest_cache/v", "_build/x"] {
        write(lease.path(), path, "left over");
    }
    write(lease.path(), "vendor/target/new", "2");
    write(lease.path(), "a/target", "a file of that name");
    let snapshot = repository.snapshot(&lease, base, &[], "m", &attempt_ref("r", "t", "1")).await.unwrap();
    assert_eq!(
        keys(&ground.files(snapshot.commit)),
        ["Cargo.toml", "a/b", "a/target", "vendor/target/kept", "vendor/target/new"]
    );
    assert_eq!(snapshot.left, []);
}

#[tokio::test]
async fn ignored_is_what_the_base_ignores() {
    let ground = ground(&[(".gitignore", "*.log\n/dist/\n!keep.log\n"), ("sub/.gitignore", "*.tmp\n"), ("a", "1")]);
    ground.write("tracked.log", "1");
    ground.git(&["add", "--force", "tracked.log"]);
    ground.commit("tracked though ignored");
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    let lease = pool.agent("t", base).await.unwrap();
    let work = lease.path();
    // An agent cannot hide what it made, nor bring in what the base keeps out.
    write(work, ".gitignore", "evil*\n");
    write(work, "new/.gitignore", "*\n");
    for path in ["evil.rs", "new/hidden", "x.log", "dist/out/x", "sub/y.tmp", "sub/keep.log", "other/y.tmp"] {
        write(work, path, "2");
    }
    fs::create_dir_all(work.join(".git/info")).unwrap();
    write(work, ".git/info/exclude", "*\n");
    write(work, "tracked.log", "2");
    let snapshot = repository.snapshot(&lease, base, &[], "m", &attempt_ref("r", "t", "1")).await.unwrap();
    let changes = repository.changes(base, snapshot.commit).await.unwrap();
    let changes: Vec<_> = changes.iter().map(|change| &*change.path).collect();
    assert_eq!(
        changes,
        [".gitignore", "evil.rs", "new/.gitignore", "new/hidden", "other/y.tmp", "sub/keep.log", "tracked.log"]
    );
}

#[tokio::test]
async fn what_git_cannot_hold_is_told_and_nothing_hangs_on_it() {
    let ground = ground(&[("a", "1")]);
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    let lease = pool.agent("t", base).await.unwrap();
    let work = lease.path();
    assert!(Command::new("mkfifo").arg(work.join("pipe\u{1b}[2J")).status().unwrap().success());
    let _socket = UnixListener::bind(work.join("socket")).unwrap();
    fs::write(work.join(std::ffi::OsStr::from_bytes(b"raw\xff")), "x").unwrap();
    fs::create_dir_all(work.join("nested")).unwrap();
    super::ground::git(&work.join("nested"), &ground.at("home"), &["init", "--quiet"]);
    write(work, "nested/file", "2");
    super::ground::git(&work.join("nested"), &ground.at("home"), &["add", "file"]);
    super::ground::git(&work.join("nested"), &ground.at("home"), &["commit", "--quiet", "--message", "own"]);
    write(work, "odd/.GIT/config", "x");
    fs::File::create(work.join("huge")).unwrap().set_len(64 << 20).unwrap();
    write(work, "secret", "2");
    fs::set_permissions(work.join("secret"), fs::Permissions::from_mode(0o0)).unwrap();
    let snapshot = repository.snapshot(&lease, base, &[], "m", &attempt_ref("r", "t", "1")).await.unwrap();
    let left: Vec<_> = snapshot.left.iter().map(|left| (&*left.path, left.why)).collect();
    assert_eq!(
        left,
        [
            ("huge", Why::TooBig(64 << 20)),
            ("nested/.git", Why::NestedRepository),
            ("odd/.GIT", Why::NestedRepository),
            ("pipe", Why::Pipe),
            ("raw\u{fffd}", Why::NotUtf8),
            ("socket", Why::Pipe),
        ]
    );
    assert_eq!(keys(&ground.files(snapshot.commit)), ["a", "nested/file", "secret"]);
}

#[tokio::test]
async fn line_ends_follow_the_attributes_of_the_base() {
    let ground = ground(&[(".gitattributes", "*.bat text eol=crlf\n"), ("a.bat", "one\r\ntwo\r\n"), ("a.sh", "x\n")]);
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    let lease = pool.agent("t", base).await.unwrap();
    assert_eq!(fs::read(lease.path().join("a.bat")).unwrap(), b"one\r\ntwo\r\n");
    write(lease.path(), ".gitattributes", "* -text\n");
    write(lease.path(), "b.bat", "new\r\n");
    let snapshot = repository.snapshot(&lease, base, &[], "m", &attempt_ref("r", "t", "1")).await.unwrap();
    let changes = repository.changes(base, snapshot.commit).await.unwrap();
    assert_eq!(changes.iter().map(|change| &*change.path).collect::<Vec<_>>(), [".gitattributes", "b.bat"]);
    assert_eq!(repository.read(snapshot.commit, "b.bat").await.unwrap().unwrap().as_ref(), b"new\n");
}
