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

/// A crate with two others in its repository, and tasks that each make it depend on one of them.
fn two_dependencies(config: &str) -> Space {
    let package = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    let space = space("cargo metadata --locked --offline --format-version 1 > metadata.json", config);
    for name in ["helper", "other"] {
        space.write(&format!("{name}/Cargo.toml"), &package(name));
        space.write(&format!("{name}/src/lib.rs"), "");
    }
    let features = "[features]\na = []\nb = []\nc = []\nd = []\n";
    let manifest = format!("{}\n[dependencies]\n\n{features}\n[dev-dependencies]\n\n[workspace]\n", package("toy"));
    space.write("Cargo.toml", &manifest);
    space.write("Cargo.lock", "version = 3\n\n[[package]]\nname = \"toy\"\nversion = \"0.1.0\"\n");
    space.write("src/lib.rs", "");
    space.commit("Be a crate");
    let depend = |section: &str, name: &str| {
        let line = format!("{name} = {{ path = \"{name}\" }}");
        let script = format!("sed -i '/^\\[{section}\\]/a {line}' Cargo.toml\ncargo update --workspace --offline -q");
        Task::new(&format!("Use {name}")).code(&script)
    };
    space.topic("toy", &stream(&[depend("dependencies", "helper"), depend("dev-dependencies", "other")], GATE));
    space
}

#[test]
fn a_lock_file_in_which_two_tasks_collide_is_generated_anew_and_proven() {
    let space = two_dependencies("");
    space.execute("toy").exits(0).lacks(&["collides"]);
    let lock = space.on("tidegate/toy/integration", "Cargo.lock");
    assert!(lock.contains("\"helper\",\n \"other\",") && !lock.contains("<<<<"), "{lock}");
    let bodies = space.git(&["log", "--format=%b", "main..tidegate/toy/integration"]);
    assert!(bodies.contains("Generated anew, since what had landed collides with it: Cargo.lock"), "{bodies}");
    assert_eq!(space.landed("toy").len(), 2);
    let changed = space.git(&["diff", "--name-only", "main", "tidegate/toy/integration"]);
    assert_eq!(changed, "Cargo.lock\nCargo.toml", "nothing else of what the command left is part of it");
}

#[test]
fn a_lock_file_that_cannot_be_generated_anew_goes_back_to_its_task() {
    let space = two_dependencies("[workspace]\nlock = { \"Cargo.lock\" = \"echo no luck; exit 3\" }\n");
    space.execute("toy").exits(1).says(&["Cargo.lock could not be generated anew", "no luck"]);
    assert_eq!(space.landed("toy").len(), 1);
}

#[test]
fn any_file_can_have_a_command_that_generates_it_anew() {
    let config = "[workspace]\nlock = { \"list/all.txt\" = \"sort *.part > all.txt\" }\n[attempts]\n";
    let space = space("true", &config.replace("[attempts]\n", ""));
    space.write("list/all.txt", "0\n");
    space.write("list/0.part", "0\n");
    space.write("other/all.txt", "0\n");
    space.commit("Have a list");
    let add = |n: u32| {
        let script = format!("echo {n} > list/{n}.part\ncat list/*.part > list/all.txt\ncp /etc/passwd list/made-{n}");
        Task::new(&format!("Add {n}")).code(&script.replace("cp /etc/passwd", "echo >"))
    };
    space.topic("toy", &stream(&[add(1), add(2), add(3)], GATE));
    space.execute("toy").exits(0);
    assert_eq!(space.on("tidegate/toy/integration", "list/all.txt"), "0\n1\n2\n3");
}

#[test]
fn a_submodule_is_there_for_agents_and_gates_and_its_files_are_no_part_of_a_patch() {
    let space = space("grep -q 1 vendor/lib/l", "");
    let lib = space.beside("lib");
    std::fs::create_dir(&lib).unwrap();
    std::fs::write(lib.join("l"), "1\n").unwrap();
    let place = lib.display().to_string();
    let made: [&[&str]; 3] = [&["init", "-q"], &["add", "l"], &["commit", "-q", "-m", "one"]];
    for args in made {
        let who = ["-C", &place, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
        space.git(&[&who, args].concat());
    }
    space.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &place, "vendor/lib"]);
    space.commit("Have a library");
    let script = "grep -q 1 vendor/lib/l\necho 2 > vendor/lib/l\ncp vendor/lib/l new";
    space.topic("toy", &stream(&[Task::new("New").code(script)], GATE));
    space.execute("toy").exits(0);
    assert_eq!(space.git(&["diff", "--name-only", "main", "tidegate/toy/integration"]), "new");
    assert!(
        space.report("toy").contains("its files were changed: they are another repository's"),
        "{}",
        space.report("toy")
    );
    let gone = Task::new("Gone").code("rm -r vendor/lib\necho 1 > other");
    space.topic("gone", &stream(&[gone], GATE));
    space.execute("gone").exits(1).says(&["it is a submodule that was taken away or replaced"]);
    space.git(&["submodule", "--quiet", "deinit", "--all", "--force"]);
    space.topic("empty", &stream(&[Task::new("Empty").code("test ! -e vendor/lib/l")], GATE));
    space
        .execute("empty")
        .says(&["the submodule vendor/lib is not initialised", "git submodule update --init vendor/lib"]);
}

#[test]
fn files_of_git_lfs_are_what_the_configuration_says_and_it_has_to_say_something() {
    let space = space("true", "");
    space.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    let oid = "da30b661c9ffc7a5e55c8cdba6b8e6f1f2b3f8b1b8f2dafd1cf6d0c8e2b7d1a5";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 6\n");
    space.write("a.bin", &pointer);
    space.commit("Be large");
    let configured = |lfs: &str, check: &str| {
        let config = format!(
            "[checks]\ntask = [{check:?}]\nstream = []\nsystem = [\"true\"]\ndeployment = [\"true\"]\n[attempts]\ntries = 1\n{lfs}"
        );
        space.write("tidegate.toml", &config);
        space.git(&["add", "tidegate.toml"]);
        space.git(&["commit", "-q", "-m", "Configure"]);
    };
    let topic = |name: &str| space.topic(name, &stream(&[Task::new("New").code("cp a.bin seen")], GATE));
    topic("unsaid");
    space.execute("unsaid").exits(3).says(&["files here go through git LFS", "`[workspace] lfs = true`"]);
    configured("[workspace]\nlfs = true\n", "grep -q large a.bin");
    space
        .execute("unsaid")
        .exits(3)
        .says(&["the content of a.bin is not in the repository's LFS store", "git lfs pull"]);
    space.write(&format!(".git/lfs/objects/{}/{}/{oid}", &oid[..2], &oid[2..4]), "large\n");
    space.run(&["execute", "unsaid", "--plain", "--allow-no-checks"]).exits(0);
    assert_eq!(space.on("tidegate/unsaid/integration", "seen"), "large");
    assert_eq!(space.on("tidegate/unsaid/integration", "a.bin"), pointer.trim_end());
    configured("[workspace]\nlfs = false\n", "grep -q sha256 a.bin");
    topic("pointers");
    space.run(&["execute", "pointers", "--plain", "--allow-no-checks"]).exits(0);
    assert_eq!(space.on("tidegate/pointers/integration", "seen"), pointer.trim_end());
}
