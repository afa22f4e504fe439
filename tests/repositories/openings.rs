//! Opening a repository: what is found, what is refused, and what is read.

use super::ground::{Ground, ground, write};
use std::fs;
use tidegate::workspace::{OpenFault, Options, Repository, integration_ref};

#[tokio::test]
async fn what_keeps_a_run_from_beginning_is_a_fault_with_its_fix() {
    let nothing = Ground::empty();
    let missing = Repository::open(Options { dir: nothing.at("missing"), ..nothing.options() }).await;
    let unborn = Ground::empty();
    unborn.git(&["init", "--quiet"]);
    let bare = Ground::empty();
    bare.git(&["init", "--quiet", "--bare"]);
    let broken = ground(&[("a", "1")]);
    let head = broken.git(&["rev-parse", "HEAD^{tree}"]);
    fs::remove_file(broken.top().join(".git/objects").join(&head[..2]).join(&head[2..])).unwrap();
    let filters = ground(&[("x/.gitattributes", "# filter=no\n*.a filter=lfs\n*.psd filter=git-crypt -text\n")]);
    let submodule = ground(&[("a", "1")]);
    submodule.git(&["init", "--quiet", "sub"]);
    submodule.git(&["update-index", "--add", "--cacheinfo", "160000,1234567890123456789012345678901234567890,sub"]);
    submodule.git(&["commit", "--quiet", "--message", "sub"]);
    let no_git = Options { environment: vec![("PATH".into(), "/nowhere".into())], ..nothing.options() };
    let faults = [
        (missing, "NoFolder"),
        (nothing.try_open().await, "NoRepository"),
        (unborn.try_open().await, "Unborn"),
        (bare.try_open().await, "Bare"),
        (broken.try_open().await, "Broken"),
        (filters.try_open().await, "Filters"),
        (submodule.try_open().await, "Submodule"),
        (Repository::open(no_git).await, "NoGit"),
    ];
    for (opened, name) in faults {
        let fault = opened.unwrap_err();
        assert!(format!("{fault:?}").starts_with(name), "{fault:?} is not {name}");
        assert!(!fault.fix().is_empty() && !fault.to_string().contains('\u{1b}'));
    }
}

#[tokio::test]
async fn a_git_that_is_too_old_is_refused() {
    let ground = ground(&[("a", "1")]);
    write(&ground.at("bin"), "git", "#!/bin/sh\necho git version 2.44.9.windows.1\n");
    fs::set_permissions(ground.at("bin/git"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let environment = vec![("PATH".into(), ground.at("bin").into())];
    let opened = Repository::open(Options { environment, ..ground.options() }).await;
    assert!(matches!(opened, Err(OpenFault::OldGit(version)) if version == "2.44.9.windows.1"));
}

/// Opens what git of this script finds; it is called by `real_git` where it does what git does.
async fn open_with(ground: &Ground, dir: std::path::PathBuf, script: &str) -> OpenFault {
    write(&ground.at("bin"), "git", &format!("#!/bin/sh\nreal_git() {{ PATH=\"$OLD\" exec git \"$@\"; }}\n{script}\n"));
    fs::set_permissions(ground.at("bin/git"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let text = fs::read_to_string(ground.at("bin/git")).unwrap().replace("$OLD", &path);
    fs::write(ground.at("bin/git"), text).unwrap();
    let environment = vec![("PATH".into(), format!("{}:{path}", ground.at("bin").display()).into())];
    Repository::open(Options { environment, dir, ..ground.options() }).await.unwrap_err()
}

#[tokio::test]
async fn a_repository_that_is_there_and_cannot_be_used_is_not_called_missing() {
    let ground = ground(&[("a", "1")]);
    let told = |fault: &OpenFault| format!("{fault}; {}", fault.fix());
    let fault = open_with(&ground, ground.top(), "echo 'git: no library' >&2; exit 1").await;
    assert!(
        told(&fault).contains("git does not work: git version failed (1): git: no library; see what `git version`")
    );
    let foreign = "export GIT_TEST_ASSUME_DIFFERENT_OWNER=1; real_git \"$@\"";
    let fault = told(&open_with(&ground, ground.top(), foreign).await);
    assert!(fault.contains("belongs to another user"), "{fault}");
    assert!(fault.contains(&format!("--add safe.directory '{}'", ground.top().display())), "{fault}");
    let fault = told(&open_with(&ground, ground.top().join(".git"), "real_git \"$@\"").await);
    assert!(fault.contains("is within a git directory; run tidegate in the working tree"), "{fault}");
    let odd = ground.at("line\nend");
    ground.git(&["worktree", "add", "--quiet", "--detach", odd.to_str().unwrap()]);
    let fault = told(&open_with(&ground, odd, "real_git \"$@\"").await);
    assert!(fault.contains("line\\nend") && fault.contains("move the repository"), "{fault}");
    fs::write(ground.top().join(".git/config"), "[core\n").unwrap();
    let fault = told(&open_with(&ground, ground.top(), "real_git \"$@\"").await);
    assert!(fault.contains("bad config line 1") && !fault.contains("git init"), "{fault}");
}

#[tokio::test]
async fn opening_tells_where_we_are_and_writes_nothing() {
    let ground = ground(&[("a", "1\n"), ("dir/b c", "2\n")]);
    let before = ground.belongings();
    let below = Options { dir: ground.top().join("dir"), ..ground.options() };
    let repository = Repository::open(below).await.unwrap();
    assert_eq!((repository.top(), repository.branch()), (&*ground.top(), Some("main")));
    assert_eq!(repository.common_dir(), ground.top().join(".git"));
    assert_eq!(repository.head().to_string(), ground.git(&["rev-parse", "HEAD"]));
    let head = repository.head();
    assert_eq!(repository.read(head, "dir/b c").await.unwrap().unwrap().as_ref(), b"2\n");
    for none in ["dir", "", "../repo/a", "a/", "missing", "*"] {
        assert_eq!(repository.read(head, none).await.unwrap(), None, "{none}");
    }
    let tree = repository.tree(head).await.unwrap();
    assert_eq!(tree.iter().map(|entry| &*entry.path).collect::<Vec<_>>(), ["a", "dir/b c"]);
    assert_eq!(repository.hash(b"1\n").await.unwrap(), tree[0].oid);
    assert_eq!(
        repository.sizes(&[tree[0].oid, repository.hash(b"unknown").await.unwrap()]).await.unwrap(),
        [Some(2), None]
    );
    assert!(!ground.state().exists());
    assert_eq!(ground.belongings(), before);
    // A linked working tree shares its directory with the first.
    ground.git(&["worktree", "add", "--quiet", "--detach", "../linked"]);
    let linked = Repository::open(Options { dir: ground.at("linked"), ..ground.options() }).await.unwrap();
    assert_eq!((linked.branch(), linked.common_dir()), (None, repository.common_dir()));
    assert_eq!(linked.state_dir(), repository.state_dir());
}

#[tokio::test]
async fn what_the_user_has_not_committed_is_told_clean_and_nothing_of_theirs_runs_for_it() {
    let ground = ground(&[("a", "1"), ("gone", "1"), (".gitignore", "*.log\n")]);
    ground.write("a", "22");
    ground.write("new\u{1b}[31m", "x");
    ground.write("x.log", "x");
    fs::remove_file(ground.top().join("gone")).unwrap();
    ground.git(&["config", "core.fsmonitor", &format!("touch {}", ground.at("canary").display())]);
    let repository = ground.open().await;
    let told = repository.uncommitted().await.unwrap();
    let told: Vec<_> = told.iter().map(|one| (&*one.path, one.is_untracked)).collect();
    assert_eq!(told, [("a", false), ("gone", false), ("new", true)]);
    assert!(!ground.at("canary").exists());
}

#[tokio::test]
async fn the_users_name_comes_from_their_configuration() {
    let ground = ground(&[("a", "1")]);
    assert_eq!(ground.open().await.identity().await.unwrap(), None);
    write(&ground.at("home"), ".gitconfig", "[user]\n\tname = Someone\n\temail = some@one\n");
    let user = ground.open().await.identity().await.unwrap().unwrap();
    assert_eq!((user.name(), user.email()), ("Someone", "some@one"));
    ground.git(&["config", "user.name", "Someone Here"]);
    let mut options = ground.options();
    options.environment.push(("GIT_AUTHOR_EMAIL".into(), "given@env".into()));
    let user = Repository::open(options).await.unwrap().identity().await.unwrap().unwrap();
    assert_eq!((user.name(), user.email()), ("Someone Here", "given@env"));
}

#[tokio::test]
async fn a_lock_on_a_ref_of_ours_is_taken_away_when_its_owner_is_dead_and_the_users_are_left() {
    let ground = ground(&[("a", "1")]);
    let repository = ground.open().await;
    repository.begin("r1", repository.head()).await.unwrap();
    let lock = ground.top().join(".git").join(integration_ref("r1") + ".lock");
    let theirs = ground.top().join(".git/index.lock");
    fs::write(&theirs, "").unwrap();
    let held = fs::File::create(&lock).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    held.set_modified(old).unwrap();
    assert!(matches!(repository.clear_stale_locks().await, Err(OpenFault::Locked(path)) if path == lock));
    drop(held);
    repository.clear_stale_locks().await.unwrap();
    assert!(!lock.exists() && theirs.exists());
}
