//! What workspaces have beside their commit: copies of the user's own files, caches, submodules, large files.

use crate::{
    breakdown::{Task, stream},
    space::Space,
};

const GATE: &str = "All tests pass";

/// A repository with this configuration after that of [`Space::strict`], whose gate runs `check`.
fn space(check: &str, config: &str) -> Space {
    let space = Space::strict();
    let strict = space.read("tidegate.toml").replacen("task = [\"true\"]", &format!("task = [{check:?}]"), 1);
    space.write("tidegate.toml", &format!("{strict}{config}"));
    space.commit("Configure");
    space
}

#[test]
fn files_of_the_users_reach_agents_and_gates_and_are_told_and_land_nowhere() {
    let space = space("test -f .env && test ! -f other", "");
    space.write(".gitignore", ".env\nother\n");
    space.write(".worktreeinclude", ".env\nopen\n");
    space.commit("Name it");
    space.write(".env", "TOKEN=1\n");
    space.write("other", "not named\n");
    space.write("open", "not ignored\n");
    let script = "grep -q TOKEN=1 .env\necho TOKEN=2 > .env\ntest ! -f other\necho 1 > new";
    space.topic("toy", &stream(&[Task::new("New").code(script)], GATE));
    let dry = space.run(&["execute", "toy", "--dry-run"]).exits(0);
    dry.says(&["copied into workspaces, where agents and checks can read them: .env"]);
    let said = space.execute("toy").exits(0);
    said.says(&[
        "copied into workspaces, where agents and checks can read them: .env",
        "warning: .worktreeinclude names open, which is not copied: it is not ignored",
    ]);
    let tree = space.tree("toy");
    assert!(tree.contains(&"new".to_owned()) && !tree.contains(&".env".to_owned()), "{tree:?}");
    assert_eq!(space.read(".env"), "TOKEN=1\n");
    let report = space.report("toy");
    assert!(report.contains("Agents and checks could read copies of 1 file of yours: .env"), "{report}");
    assert!(report.contains("no change of it is part of a patch"), "{report}");
}
