//! Hostile workspaces: what an agent may have done to its clone, each with a canary that must not sing.

use super::ground::{Ground, ground, landing, write};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};
use tidegate::workspace::{Built, Landed, Lease, attempt_ref};

/// What is done to a workspace; the canary is a script that leaves a trace when anything runs it.
type Trick = fn(&Path, &str, &Ground);

fn config(work: &Path, key: &str, value: &str) {
    assert!(
        Command::new("git")
            .args(["config", "--file", ".git/config", key, value])
            .current_dir(work)
            .status()
            .unwrap()
            .success()
    );
}

fn attributes(work: &Path, line: &str) {
    write(work, ".gitattributes", line);
    write(work, "sub/.gitattributes", line);
    write(work, ".git/info/attributes", line);
}

fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

const HOOKS: [&str; 12] = [
    "post-checkout",
    "pre-commit",
    "post-commit",
    "reference-transaction",
    "post-index-change",
    "pre-merge-commit",
    "post-merge",
    "post-rewrite",
    "prepare-commit-msg",
    "commit-msg",
    "pre-push",
    "pre-auto-gc",
];

const TRICKS: &[(&str, Trick)] = &[
    ("hooks", |work, canary, _| {
        HOOKS
            .iter()
            .for_each(|hook| executable(&work.join(".git/hooks").join(hook), &format!("#!/bin/sh\n{canary}\n")));
    }),
    ("hooks path", |work, canary, ground| {
        HOOKS.iter().for_each(|hook| executable(&ground.at("evil").join(hook), &format!("#!/bin/sh\n{canary}\n")));
        config(work, "core.hooksPath", ground.at("evil").to_str().unwrap());
    }),
    ("fsmonitor", |work, canary, _| config(work, "core.fsmonitor", canary)),
    ("clean filter", |work, canary, _| {
        attributes(work, "* filter=evil\n");
        config(work, "filter.evil.clean", canary);
        config(work, "filter.evil.smudge", canary);
        config(work, "filter.evil.required", "true");
    }),
    ("process filter", |work, canary, _| {
        attributes(work, "* filter=evil\n");
        config(work, "filter.evil.process", canary);
    }),
    ("diff driver", |work, canary, _| {
        attributes(work, "* diff=evil\n");
        config(work, "diff.evil.command", canary);
        config(work, "diff.evil.textconv", canary);
        config(work, "diff.external", canary);
    }),
    ("merge driver", |work, canary, _| {
        attributes(work, "* merge=evil\n");
        config(work, "merge.evil.driver", canary);
        config(work, "merge.default", "evil");
    }),
    ("trailer command", |work, canary, _| {
        config(work, "trailer.task.key", "Tidegate-Task");
        config(work, "trailer.task.command", canary);
    }),
    ("included configuration", |work, canary, ground| {
        fs::write(ground.at("more"), format!("[core]\n\tfsmonitor = {canary:?}\n")).unwrap();
        config(work, "include.path", ground.at("more").to_str().unwrap());
    }),
    ("configuration of a working tree", |work, canary, _| {
        config(work, "extensions.worktreeConfig", "true");
        write(work, ".git/config.worktree", &format!("[core]\n\tfsmonitor = {canary:?}\n"));
    }),
    ("pager, editor, ssh and askpass", |work, canary, _| {
        for key in [
            "core.pager",
            "core.editor",
            "core.sshCommand",
            "core.askPass",
            "credential.helper",
            "gpg.program",
            "sequence.editor",
        ] {
            config(work, key, canary);
        }
        config(work, "commit.gpgSign", "true");
    }),
    ("alias of a command", |work, canary, _| {
        for verb in ["read-tree", "update-index", "status"] {
            config(work, &format!("alias.{verb}"), &format!("!{canary}"));
        }
    }),
    ("another working tree", |work, _, ground| config(work, "core.worktree", ground.at("victim").to_str().unwrap())),
    ("a file for .git", |work, canary, ground| {
        let _ = fs::remove_dir_all(ground.at("evil.git"));
        fs::rename(work.join(".git"), ground.at("evil.git")).unwrap();
        fs::write(work.join(".git"), format!("gitdir: {}\n", ground.at("evil.git").display())).unwrap();
        fs::write(ground.at("evil.git/config"), format!("[core]\n\tbare = false\n\tfsmonitor = {canary:?}\n")).unwrap();
    }),
    ("a link for .git", |work, _, ground| {
        fs::remove_dir_all(work.join(".git")).unwrap();
        symlink(ground.top().join(".git"), work.join(".git")).unwrap();
    }),
    ("no .git", |work, _, _| fs::remove_dir_all(work.join(".git")).unwrap()),
    ("an index of nonsense, locks and hidden changes", |work, _, _| {
        let git = |args: &[&str]| Command::new("git").args(args).current_dir(work).status().unwrap();
        git(&["update-index", "--assume-unchanged", "a"]);
        git(&["update-index", "--skip-worktree", "sub/b"]);
        write(work, ".git/index.lock", "");
        write(work, ".git/HEAD.lock", "");
    }),
    ("a broken index and broken refs", |work, _, _| {
        write(work, ".git/index", "nonsense");
        write(work, ".git/HEAD", "ref: refs/heads/../../x\n");
        write(work, ".git/packed-refs", "nonsense");
    }),
    ("alternates and replaced objects", |work, _, ground| {
        write(work, ".git/objects/info/alternates", "/nowhere\n");
        let head = ground.git(&["rev-parse", "HEAD"]);
        write(work, &format!(".git/refs/replace/{head}"), &format!("{}\n", "1".repeat(40)));
        write(work, ".git/shallow", &format!("{head}\n"));
    }),
    ("a nested repository with a monitor", |work, canary, _| {
        assert!(Command::new("git").args(["init", "--quiet", "nested"]).current_dir(work).status().unwrap().success());
        write(work, "nested/file", "x");
        config(&work.join("nested"), "core.fsmonitor", canary);
        write(work, ".gitmodules", "[submodule \"nested\"]\n\tpath = nested\n\turl = ext::sh -c x\n\tupdate = !x\n");
    }),
    ("links out of the tree in place of folders", |work, _, ground| {
        fs::remove_dir_all(work.join("sub")).unwrap();
        symlink(ground.at("victim"), work.join("sub")).unwrap();
        symlink("/", work.join("root")).unwrap();
        symlink("loop", work.join("loop")).unwrap();
    }),
    ("folders that cannot be read or written", |work, _, _| {
        write(work, "locked/deep/file", "x");
        fs::set_permissions(work.join("locked/deep"), fs::Permissions::from_mode(0o0)).unwrap();
        fs::set_permissions(work.join("locked"), fs::Permissions::from_mode(0o0)).unwrap();
        fs::set_permissions(work.join("sub"), fs::Permissions::from_mode(0o500)).unwrap();
        fs::set_permissions(work.join(".git/refs"), fs::Permissions::from_mode(0o0)).unwrap();
    }),
    ("names that look like options", |work, _, _| {
        for name in ["--force", "-rf", "--git-dir=x", ":(exclude)a", "!a", "*", "a\\b"] {
            write(work, name, "x");
        }
    }),
];

async fn clean_after(ground: &Ground, lease: &Lease, name: &str) {
    let status = super::ground::git(lease.path(), &ground.at("home"), &["status", "--porcelain", "--ignored"]);
    assert_eq!(status, "", "{name}");
}

#[tokio::test]
async fn no_trick_runs_anything_leads_anywhere_or_lasts() {
    println!("{} tricks", TRICKS.len());
    assert!(TRICKS.len() >= 20);
    for (name, trick) in TRICKS {
        let ground = ground(&[("a", "1\n"), ("sub/b", "1\n"), ("c", "1\n2\n3\n4\n5\n6\n7\n")]);
        let canary = format!("echo sang >> {}; cat", ground.at("canary").display());
        write(&ground.at("victim"), "precious", "1");
        write(&ground.at("victim"), "b", "theirs");
        let (repository, pool) = ground.pool().await;
        let base = repository.begin("r", repository.head()).await.unwrap();
        let before = ground.belongings();
        for kind in ["agent", "gate"] {
            let lease = if kind == "agent" { pool.agent("t", base).await } else { pool.gate(base).await }.unwrap();
            write(lease.path(), "a", "work\n");
            write(lease.path(), "c", "1\n2\n3\n4\n5\n6\nwork\n");
            trick(lease.path(), &canary, &ground);
            let pin = attempt_ref("r", "t", kind);
            let snapshot = repository.snapshot(&lease, base, &[], "work", &pin).await.unwrap();
            let taken = repository.read(snapshot.commit, "a").await.unwrap();
            assert_eq!(taken.as_deref(), Some(&b"work\n"[..]), "{name}: the work is taken in");
            let changes = repository.changes(base, snapshot.commit).await.unwrap();
            repository.patch_id(&changes, |_| true).await.unwrap();
            let oid = repository.write(b"onto\n2\n3\n4\n5\n6\n7\n").await.unwrap();
            let edit = [("c".into(), Some(tidegate::workspace::Entry { mode: 0o100_644, oid }))];
            let onto = repository.compose(base, base, &edit, "onto").await.unwrap();
            repository.carry(snapshot.commit, base, onto, "carried").await.unwrap();
            let built = repository.build(onto, base, snapshot.commit, &landing("r", kind)).await.unwrap();
            let Built::Commit(built) = built else { panic!("{name}: {built:?}") };
            repository.pin(&format!("refs/tidegate/r-{kind}/integration"), onto).await.unwrap();
            assert_eq!(repository.land(onto, built, &format!("r-{kind}"), kind).await.unwrap(), Landed::Done, "{name}");
            repository.follow(&format!("topic-{kind}"), "r", built).await.unwrap();
            drop(lease);
            // What lands is checked out in turn: what it says of itself does not count there either.
            drop(pool.gate(built).await.unwrap());
            let again = if kind == "agent" { pool.agent("t", base).await } else { pool.gate(base).await }.unwrap();
            clean_after(&ground, &again, name).await;
            assert_eq!(fs::read_to_string(again.path().join("a")).unwrap(), "1\n", "{name}");
            assert_eq!(fs::read_to_string(again.path().join("sub/b")).unwrap(), "1\n", "{name}");
        }
        assert!(!ground.at("canary").exists(), "{name}: the canary sang");
        assert_eq!(fs::read_to_string(ground.at("victim/precious")).unwrap(), "1", "{name}");
        assert_eq!(fs::read_to_string(ground.at("victim/b")).unwrap(), "theirs", "{name}");
        assert_eq!(ground.belongings(), before, "{name}");
        ground.git(&["fsck", "--connectivity-only"]);
    }
}

#[test]
fn the_canary_sings_for_git_as_it_is() {
    let ground = ground(&[("a", "1\n"), ("sub/b", "1\n"), ("c", "1\n")]);
    let canary = format!("echo sang >> {}; cat", ground.at("canary").display());
    let (_, trick) = TRICKS.iter().find(|(name, _)| *name == "clean filter").unwrap();
    trick(&ground.top(), &canary, &ground);
    ground.write("a", "2\n");
    ground.git(&["add", "a"]);
    assert!(ground.at("canary").exists());
}
