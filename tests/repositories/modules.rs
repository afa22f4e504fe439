//! Submodules and files of git LFS in workspaces: from what is here, without the network, and in no patch.

use super::ground::{Ground, git, ground, write};
use std::{fs, os::unix::fs::symlink, path::Path, process::Command};
use tidegate::workspace::{Lease, Why};

fn read(lease: &Lease, path: &str) -> Option<String> {
    fs::read_to_string(lease.path().join(path)).ok()
}

/// A repository with the submodule `vendor/lib`, which has the submodule `deep`.
fn with_submodule() -> Ground {
    let ground = ground(&[("a", "1")]);
    let home = ground.at("home");
    for (name, file) in [("deep", "d"), ("lib", "l")] {
        let dir = ground.at(name);
        fs::create_dir_all(&dir).unwrap();
        git(&dir, &home, &["init", "--quiet", "--initial-branch=main"]);
        write(&dir, file, "1");
        git(&dir, &home, &["add", "--all"]);
        git(&dir, &home, &["commit", "--quiet", "--message", "one"]);
    }
    let add = |dir: &Path, from: &str, to: &str| {
        let from = ground.at(from).display().to_string();
        git(dir, &home, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, to]);
        git(dir, &home, &["commit", "--quiet", "--message", "have a submodule"]);
    };
    add(&ground.at("lib"), "deep", "deep");
    add(&ground.top(), "lib", "vendor/lib");
    ground.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive"]);
    ground
}

#[tokio::test]
async fn a_submodule_is_there_as_it_is_recorded_and_nothing_of_the_users_is_touched() {
    let ground = with_submodule();
    let before = ground.belongings();
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    assert_eq!(repository.uninitialised(base).await.unwrap(), Vec::<String>::new());
    for lease in [pool.agent("t", base).await.unwrap(), pool.gate(base).await.unwrap()] {
        assert_eq!(read(&lease, "vendor/lib/l").as_deref(), Some("1"));
        assert_eq!(read(&lease, "vendor/lib/deep/d").as_deref(), Some("1"), "and what is in it");
        assert!(!lease.path().join("vendor/lib/.git").exists());
        assert_eq!(git(lease.path(), &ground.at("home"), &["status", "--porcelain"]), "");
        write(lease.path(), "vendor/lib/l", "spoilt");
        write(lease.path(), "vendor/lib/left", "behind");
    }
    for lease in [pool.agent("t", base).await.unwrap(), pool.gate(base).await.unwrap()] {
        assert_eq!((read(&lease, "vendor/lib/l").as_deref(), read(&lease, "vendor/lib/left")), (Some("1"), None));
    }
    assert_eq!(ground.belongings(), before);
}

#[tokio::test]
async fn what_is_done_in_a_submodule_is_no_work_and_its_entry_is_only_a_tasks_that_names_it() {
    let ground = with_submodule();
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    let taken = async |lease: &Lease, declared: &[&str]| {
        let declared: Vec<String> = declared.iter().map(|path| (*path).to_owned()).collect();
        let taken = repository.snapshot(lease, base, &declared, "m", "refs/tidegate/r/t/1").await.unwrap();
        let changes = repository.changes(base, taken.commit).await.unwrap();
        let changes: Vec<_> = changes.iter().map(|change| change.path.to_string()).collect();
        (changes, taken.left.iter().map(|left| (left.path.clone(), left.why)).collect::<Vec<_>>())
    };
    let told = |why| vec![("vendor/lib".to_owned(), why)];
    let lease = pool.agent("t", base).await.unwrap();
    assert_eq!(taken(&lease, &["vendor/lib"]).await, (vec![], vec![]), "nothing was done");
    write(lease.path(), "vendor/lib/built.o", "built");
    write(lease.path(), "new", "work");
    assert_eq!(taken(&lease, &[]).await, (vec!["new".to_owned()], vec![]), "what is built there is no harm");
    write(lease.path(), "vendor/lib/l", "changed");
    assert_eq!(taken(&lease, &[]).await, (vec!["new".to_owned()], told(Why::InSubmodule)));
    fs::remove_dir_all(lease.path().join("vendor/lib")).unwrap();
    let (changes, left) = taken(&lease, &[]).await;
    assert_eq!((changes, &left[0]), (vec!["new".to_owned()], &told(Why::Submodule)[0]));
    symlink("/etc", lease.path().join("vendor/lib")).unwrap();
    assert_eq!(taken(&lease, &[]).await.0, ["new"]);
    fs::remove_file(lease.path().join("vendor/lib")).unwrap();
    assert_eq!(taken(&lease, &["vendor/lib"]).await.0, ["new", "vendor/lib"], "a task may name it");
    symlink(ground.at("home"), lease.path().join("vendor/lib")).unwrap();
    drop(lease);
    let again = pool.agent("t", base).await.unwrap();
    assert_eq!(read(&again, "vendor/lib/l").as_deref(), Some("1"));
    assert!(!ground.at("home/l").exists(), "a link in its place is not gone through");
}

#[tokio::test]
async fn a_submodule_that_is_not_initialised_is_empty_and_one_that_lacks_its_commit_is_refused() {
    let ground = with_submodule();
    ground.git(&["submodule", "--quiet", "deinit", "--all", "--force"]);
    let (repository, pool) = ground.pool().await;
    assert_eq!(repository.uninitialised(repository.head()).await.unwrap(), ["vendor/lib"]);
    let lease = pool.gate(repository.head()).await.unwrap();
    assert_eq!(fs::read_dir(lease.path().join("vendor/lib")).unwrap().count(), 0);
    let ground = with_submodule();
    ground.git(&["update-index", "--cacheinfo", "160000,1234567890123456789012345678901234567890,vendor/lib"]);
    ground.git(&["commit", "--quiet", "--message", "ahead"]);
    let fault = ground.try_open().await.unwrap_err();
    assert!(fault.fix().contains("git submodule update --init --recursive -- vendor/lib"), "{}", fault.fix());
}

#[tokio::test]
async fn a_workspace_moves_between_commits_of_a_submodule() {
    let ground = with_submodule();
    let one = ground.git(&["rev-parse", "HEAD"]).parse().unwrap();
    let (module, home) = (ground.top().join("vendor/lib"), ground.at("home"));
    write(&module, "l", "2");
    git(&module, &home, &["commit", "--quiet", "--all", "--message", "two"]);
    let two = ground.commit("follow");
    ground.git(&["rm", "--quiet", "--force", "vendor/lib"]);
    let none = ground.commit("without");
    ground.git(&["checkout", "--quiet", &two.to_string()]);
    ground.git(&["submodule", "--quiet", "update", "--init"]);
    let (_repository, pool) = ground.pool().await;
    for (commit, content) in [(one, Some("1")), (two, Some("2")), (none, None), (one, Some("1"))] {
        for lease in [pool.agent("t", commit).await.unwrap(), pool.gate(commit).await.unwrap()] {
            assert_eq!(read(&lease, "vendor/lib/l").as_deref(), content);
        }
    }
}

/// The pointer to some content, whose object is in the store of a repository.
fn keep(ground: &Ground, content: &str) -> String {
    let file = ground.at("content");
    fs::write(&file, content).unwrap();
    let output = Command::new("sha256sum").arg(&file).output().unwrap();
    let oid = String::from_utf8(output.stdout).unwrap()[..64].to_owned();
    write(&ground.top().join(".git/lfs/objects"), &format!("{}/{}/{oid}", &oid[..2], &oid[2..4]), content);
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n", content.len())
}

fn with_large() -> Ground {
    let ground = ground(&[(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n"), ("a", "1")]);
    let pointer = keep(&ground, "large");
    ground.write("dir/large.bin", &pointer);
    ground.commit("have it");
    ground
}

#[tokio::test]
async fn pointers_are_content_where_that_is_asked_for_and_stay_pointers_in_commits() {
    let ground = with_large();
    let (repository, pool) = ground.pool().await;
    let base = repository.head();
    assert!(repository.uses_lfs(base).await.unwrap());
    assert!(read(&pool.gate(base).await.unwrap(), "dir/large.bin").unwrap().starts_with("version "), "nobody asked");
    repository.put_large();
    assert_eq!(repository.without_content(base).await.unwrap(), Vec::<String>::new());
    for _ in 0..2 {
        let (agent, gate) = (pool.agent("t", base).await.unwrap(), pool.gate(base).await.unwrap());
        for lease in [&agent, &gate] {
            assert_eq!(read(lease, "dir/large.bin").as_deref(), Some("large"));
            assert_eq!(git(lease.path(), &ground.at("home"), &["status", "--porcelain"]), "");
        }
        write(agent.path(), "new", "work");
        let taken = repository.snapshot(&agent, base, &[], "m", "refs/tidegate/r/t/1").await.unwrap();
        let changes = repository.changes(base, taken.commit).await.unwrap();
        assert_eq!(changes.iter().map(|change| &*change.path).collect::<Vec<_>>(), ["new"]);
        write(gate.path(), "dir/large.bin", "spoilt");
        write(agent.path(), "dir/large.bin", "spoilt");
    }
    fs::remove_dir_all(ground.top().join(".git/lfs")).unwrap();
    assert_eq!(repository.without_content(base).await.unwrap(), ["dir/large.bin"]);
}

#[tokio::test]
async fn changed_content_becomes_a_pointer_whose_object_is_kept_or_is_told() {
    let ground = with_large();
    let (repository, pool) = ground.pool().await;
    repository.put_large();
    let base = repository.head();
    let lease = pool.agent("t", base).await.unwrap();
    write(lease.path(), "dir/large.bin", "changed");
    write(lease.path(), "new.bin", "new");
    let has_lfs = Command::new("git")
        .args(["lfs", "version"])
        .env("PATH", super::ground::PATH)
        .output()
        .unwrap()
        .status
        .success();
    let taken = repository.snapshot(&lease, base, &[], "m", "refs/tidegate/r/t/1").await.unwrap();
    let files = ground.files(taken.commit);
    if has_lfs {
        assert_eq!(taken.left, []);
        for (path, content) in [("dir/large.bin", "changed"), ("new.bin", "new")] {
            assert_eq!(files[path].trim_end(), keep(&ground, content).trim_end());
        }
        drop(lease);
        let next = pool.gate(taken.commit).await.unwrap();
        assert_eq!(read(&next, "new.bin").as_deref(), Some("new"));
    } else {
        let left: Vec<_> = taken.left.iter().map(|left| (&*left.path, left.why)).collect();
        assert_eq!(left, [("dir/large.bin", Why::Large), ("new.bin", Why::Large)]);
        assert!(files["dir/large.bin"].starts_with("version ") && !files.contains_key("new.bin"));
    }
}
