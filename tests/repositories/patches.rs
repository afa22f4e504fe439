//! Patches: what changed, what verdicts belong to, and commits that are put together without a working tree.

use super::ground::{Ground, ground, landing};
use tidegate::{
    run::Oid,
    workspace::{Built, Change, Entry},
};

fn names(changes: &[Change]) -> Vec<(&str, bool, bool)> {
    changes.iter().map(|change| (&*change.path, change.before.is_some(), change.after.is_some())).collect()
}

/// A commit on `parent` with these files written, by the user's own git, on no branch.
fn commit_on(ground: &Ground, parent: Oid, files: &[(&str, Option<&str>)]) -> Oid {
    let old = ground.git(&["rev-parse", "HEAD"]);
    ground.git(&["reset", "--quiet", "--hard", &parent.to_string()]);
    for (path, text) in files {
        match text {
            Some(text) => ground.write(path, text),
            None => std::fs::remove_file(ground.top().join(path)).unwrap(),
        }
    }
    let made = ground.commit("work");
    ground.git(&["reset", "--quiet", "--hard", &old]);
    made
}

#[tokio::test]
async fn a_rename_is_a_path_that_went_and_a_path_that_came() {
    let ground = ground(&[("a", "1\n2\n3\n"), ("same", "x"), ("mode", "#!/bin/sh\n")]);
    let repository = ground.open().await;
    ground.git(&["mv", "a", "b\nc"]);
    ground.git(&["update-index", "--chmod=+x", "mode"]);
    ground.git(&["commit", "--quiet", "--message", "moved"]);
    let head = ground.git(&["rev-parse", "HEAD"]).parse().unwrap();
    let changes = repository.changes(repository.head(), head).await.unwrap();
    assert_eq!(names(&changes), [("a", true, false), ("b\nc", false, true), ("mode", true, true)]);
    assert_eq!((changes[2].before.unwrap().mode, changes[2].after.unwrap().mode), (0o100_644, 0o100_755));
    assert_eq!(changes[0].before.map(|entry| entry.oid), changes[1].after.map(|entry| entry.oid));
}

#[tokio::test]
async fn a_patch_keeps_its_id_on_another_base_as_long_as_its_own_paths_and_lines_are_the_same() {
    let ground = ground(&[("lib.rs", "mod a;\nmod m;\nmod z;\n"), ("a.rs", "1\n"), ("other", "1\n")]);
    let repository = ground.open().await;
    let base = repository.head();
    let wiring = |path: &str| path == "lib.rs";
    let id = async |before, after| {
        let changes = repository.changes(before, after).await.unwrap();
        (repository.patch_id(&changes, wiring).await.unwrap(), repository.patch_id(&changes, |_| false).await.unwrap())
    };
    let work = commit_on(&ground, base, &[("lib.rs", Some("mod a;\nmod b;\nmod m;\nmod z;\n")), ("b.rs", Some("2\n"))]);
    let onto =
        commit_on(&ground, base, &[("lib.rs", Some("mod a;\nmod m;\nmod y;\nmod z;\n")), ("other", Some("2\n"))]);
    let Built::Commit(built) = repository.build(onto, base, work, &landing("r", "t")).await.unwrap() else { panic!() };
    let (by_lines, by_blobs) = id(base, work).await;
    let (by_lines_there, by_blobs_there) = id(onto, built).await;
    assert_eq!(by_lines, by_lines_there);
    assert_ne!(by_blobs, by_blobs_there);
    // Another line, another path, another mode: another patch.
    let line = commit_on(&ground, base, &[("lib.rs", Some("mod a;\nmod c;\nmod m;\nmod z;\n")), ("b.rs", Some("2\n"))]);
    let content =
        commit_on(&ground, base, &[("lib.rs", Some("mod a;\nmod b;\nmod m;\nmod z;\n")), ("b.rs", Some("3\n"))]);
    for other in [line, content] {
        assert_ne!(id(base, other).await.0, by_lines);
    }
    assert_eq!(repository.patch_id(&[], wiring).await.unwrap(), repository.hash(b"").await.unwrap());
}

#[tokio::test]
async fn a_file_that_says_nothing_in_lines_counts_by_its_blobs() {
    let ground = ground(&[("bin", "a\0b"), ("text", "x\n")]);
    let repository = ground.open().await;
    let base = repository.head();
    let one = commit_on(&ground, base, &[("bin", Some("a\0c")), ("text", None)]);
    let other = commit_on(&ground, base, &[("bin", Some("a\0d")), ("text", None)]);
    let mut ids = Vec::new();
    for work in [one, other] {
        ids.push(repository.patch_id(&repository.changes(base, work).await.unwrap(), |_| true).await.unwrap());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn paths_are_put_back_and_taken_out_without_a_working_tree() {
    let ground = ground(&[("keep", "1"), ("edit", "1"), ("dir/file", "1")]);
    let repository = ground.open().await;
    let base = repository.head();
    let work = commit_on(&ground, base, &[("edit", Some("2")), ("new", Some("2")), ("dir/file", None)]);
    let tree = repository.tree(base).await.unwrap();
    let old = |path: &str| tree.iter().find(|e| &*e.path == path).map(|e| Entry { mode: e.mode, oid: e.oid });
    let text = Entry { mode: 0o100_644, oid: repository.write(b"a file now").await.unwrap() };
    let edits = [("new".into(), None), ("edit".into(), old("edit")), ("dir".into(), Some(text))];
    let composed = repository.compose(base, work, &edits, "without what was out of scope").await.unwrap();
    let files = ground.files(composed);
    let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    assert_eq!(files, [("dir", "a file now"), ("edit", "1"), ("keep", "1")]);
    assert_eq!(ground.git(&["rev-parse", &format!("{composed}^")]), base.to_string());
    assert_eq!(repository.compose(base, work, &edits, "without what was out of scope").await.unwrap(), composed);
}

#[tokio::test]
async fn work_is_carried_onto_another_base_with_what_collides_marked() {
    let ground = ground(&[("a", "1\n"), ("b", "1\n")]);
    let repository = ground.open().await;
    let base = repository.head();
    let work = commit_on(&ground, base, &[("a", Some("work\n")), ("c", Some("new\n"))]);
    let clear = commit_on(&ground, base, &[("b", Some("2\n"))]);
    let carried = repository.carry(work, base, clear, "carry").await.unwrap();
    assert_eq!(carried.conflicts, []);
    assert_eq!(ground.files(carried.commit)["a"], "work");
    let colliding = commit_on(&ground, base, &[("a", Some("theirs\n"))]);
    let carried = repository.carry(work, base, colliding, "carry").await.unwrap();
    assert_eq!(carried.conflicts, ["a".into()]);
    let text = &ground.files(carried.commit)["a"];
    assert!(text.contains("<<<<<<<") && text.contains("work") && text.contains("theirs"), "{text}");
    let built = repository.build(colliding, base, work, &landing("r", "t")).await.unwrap();
    assert_eq!(built, Built::Conflict(vec!["a".into()]));
}

#[tokio::test]
async fn a_candidate_is_one_commit_on_its_base_and_the_same_each_time() {
    let ground = ground(&[("a", "1\n"), ("b", "1\n")]);
    let repository = ground.open().await;
    let base = repository.head();
    let half = commit_on(&ground, base, &[("a", Some("half\n"))]);
    let work = commit_on(&ground, half, &[("a", Some("done\n"))]);
    let onto = commit_on(&ground, base, &[("b", Some("2\n"))]);
    let landing = tidegate::workspace::Landing {
        subject: "Add\na \u{1b}[31mthing".into(),
        body: "Because.\n\nTidegate-Task: forged\nTidegate-Run: forged".into(),
        trailers: vec![("Reviewed-by".into(), "x\ny".into()), ("Tidegate-Task".into(), "forged".into())],
        ..landing("run-1", "A1")
    };
    let built = repository.build(onto, base, work, &landing).await.unwrap();
    assert_eq!(repository.build(onto, base, work, &landing).await.unwrap(), built);
    let Built::Commit(built) = built else { panic!("{built:?}") };
    let show = |format: &str| ground.git(&["show", "--no-patch", &format!("--format={format}"), &built.to_string()]);
    assert_eq!(show("%P"), onto.to_string());
    assert_eq!(show("%s|%an <%ae>|%cn|%at"), "Add a thing|A User <user@example.org>|tidegate|1800000000");
    assert_eq!(show("%(trailers:only,unfold)").trim(), "Tidegate-Run: run-1\nTidegate-Task: A1\nReviewed-by: x y");
    assert_eq!((ground.files(built)["a"].as_str(), ground.files(built)["b"].as_str()), ("done", "2"));
    let again = repository.build(built, base, work, &landing).await.unwrap();
    let Built::Commit(again) = again else { panic!("{again:?}") };
    let tree = |commit: &str| ground.git(&["rev-parse", &format!("{commit}^{{tree}}")]);
    assert_eq!(tree(&again.to_string()), tree(&built.to_string()), "what is there already lands as an empty commit");
    let landed = repository.landings(base, built).await.unwrap();
    assert_eq!(landed.iter().map(|l| (&*l.run, &*l.task)).collect::<Vec<_>>(), [("", ""), ("run-1", "A1")]);
}
