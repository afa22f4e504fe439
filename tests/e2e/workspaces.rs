//! What workspaces have beside their commit: copies of the user's own files, caches, submodules, large files.

use crate::{
    breakdown::{Task, stream},
    space::{Space, tier},
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

#[test]
fn set_up_fills_the_users_caches_that_others_read_and_nobody_shares_a_cache_of_its_own() {
    let read_only = "grep -q fetched ~/.npm/_cacache/package && ! { echo no > ~/.npm/_cacache/mine; } 2> /dev/null";
    let own = "mkdir -p $UV_CACHE_DIR $GOCACHE && test ! -e $UV_CACHE_DIR/of-agent && echo 1 > $GOCACHE/of-gate";
    let check = if tier() == "none" { own.to_owned() } else { format!("{read_only} && {own}") };
    let setup = "mkdir -p $GRADLE_USER_HOME && echo fetched > ~/.npm/_cacache/package && test $UV_LINK_MODE = copy";
    let space = space(&check, &format!("[workspace]\nsetup = [{setup:?}]\n"));
    std::fs::create_dir_all(space.beside("home/.npm/_cacache")).unwrap();
    std::fs::create_dir_all(space.beside("home/.rustup")).unwrap();
    let seen = if tier() == "none" { "true" } else { "grep -q fetched ~/.npm/_cacache/package" };
    let script = format!(
        "{seen}\nmkdir -p $UV_CACHE_DIR $CARGO_HOME $GOMODCACHE $npm_config_cache\necho 1 > $UV_CACHE_DIR/of-agent\n\
         test ! -e $GOCACHE/of-gate\ntest -d $GRADLE_USER_HOME\necho 1 > new"
    );
    space.topic("toy", &stream(&[Task::new("New").code(&script)], GATE));
    space.execute("toy").exits(0);
    assert_eq!(std::fs::read_to_string(space.beside("home/.npm/_cacache/package")).unwrap(), "fetched\n");
    assert_eq!(space.tree("toy").iter().filter(|path| path.contains("of-")).count(), 0);
}
