//! The sandbox of a run: what its checks and set-up see, who says which tier it is, and what is said where there is none.

use crate::{
    execute::{task, two_streams},
    space::{Space, tier},
};
use std::{os::unix::fs::symlink, path::Path};

fn one(script: &str) -> String {
    format!("# One\n\n### Stream A: Only\n\n{}", task(1, "First", "None", script))
}

/// A repository whose task check is a script of its own.
fn checked_by(script: &str, setup: &str) -> Space {
    let space = Space::plain();
    space.write("check.sh", script);
    let setup = if setup.is_empty() { String::new() } else { format!("[workspace]\nsetup = [\"{setup}\"]\n") };
    space.write(
        "tidegate.toml",
        &format!("{setup}[checks]\ntask = [\"sh -eu check.sh\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n[attempts]\ntries = 1\nlives = 1\n"),
    );
    space.commit("Check");
    space
}

/// What a check says when it sees what it should not.
fn watchful(space: &Space) -> String {
    let (repo, home, secret) = (space.repo(), space.beside("home"), space.beside("secret"));
    std::fs::write(&secret, "secret").expect("a file is written");
    std::fs::write(home.join("key"), "secret").expect("a file is written");
    format!(
        "seen() {{ echo \"$1 is seen\"; exit 1; }}
         test ! -e {}/.git/config || seen the repository
         test ! -e {}/README.md || seen the working tree
         test ! -e {}/key || seen the home
         test ! -e {} || seen a stranger
         test \"$(id -u)\" != 0 || seen root
         test \"$(wc -l < /proc/net/route)\" -le 1 || seen the network
         git log -1 --format=%s > /dev/null || seen no history
         echo all is well\n",
        repo.display(),
        repo.display(),
        home.display(),
        secret.display()
    )
}

#[test]
fn a_check_sees_its_workspace_and_neither_the_repository_nor_the_home_nor_the_network() {
    if tier() == "none" {
        return;
    }
    let space = checked_by("true", "");
    space.write("check.sh", &watchful(&space));
    space.commit("Watch");
    space.topic("one", &one("echo 1 > one"));
    space.execute("one").exits(0).says(&["sandbox: bubblewrap", "not your home", "checks have no network"]);
    assert!(!space.report("one").contains("without a sandbox"));
    space.run(&["logs", "one", "1"]).exits(0).says(&["all is well"]);
}

#[test]
fn a_check_that_cannot_fetch_something_is_told_with_what_to_do() {
    if tier() == "none" {
        return;
    }
    let space = checked_by("test ! -e one || git ls-remote https://somewhere.invalid/x", "");
    space.topic("one", &one("echo 1 > one"));
    space.execute("one").exits(1).says(&["checks have no network: have `[workspace] setup` fetch what they need"]);
}

#[test]
fn without_a_sandbox_it_is_said_before_and_after_and_the_run_keeps_to_it() {
    let space = checked_by("true", "").open();
    space.topic("one", &one("echo it is broken; exit 1"));
    space.execute("one").exits(1).says(&["sandbox: none. Agents and checks run without a sandbox"]);
    assert!(space.report("one").contains("without a sandbox (tier none)"));
    let other = space.run(&["execute", "one", "--plain", "--sandbox", "bubblewrap"]);
    other.exits(3).says(&["began in the sandbox tier none", "leave --sandbox out"]);
    space.run(&["execute", "one", "--plain", "--sandbox", "auto"]).exits(1).says(&["sandbox: none"]);
    // The check that sees nothing in a sandbox sees everything without.
    space.write("check.sh", &watchful(&space));
    space.commit("Watch");
    space.topic("two", &one("echo 1 > one"));
    space.execute("two").exits(3).says(&["is seen"]);
}

#[test]
fn set_up_is_in_the_sandbox_too_and_what_it_makes_is_there_for_checks() {
    if tier() == "none" {
        return;
    }
    let space = checked_by("cat made/by", "mkdir made && id -u > made/by && test ! -e $HOME/key");
    std::fs::write(space.beside("home/key"), "secret").unwrap();
    space.write(".gitignore", "/made\n");
    space.commit("Ignore");
    space.topic("one", &one("echo 1 > one"));
    space.execute("one").exits(0);
}

#[test]
fn where_bubblewrap_is_missing_nothing_begins_and_it_is_said_what_to_do() {
    if tier() == "none" {
        return;
    }
    let space = Space::plain();
    space.topic("two", &two_streams(["exit 1", "echo 2 > two", "cat one > three"]));
    let bin = space.beside("bin");
    std::fs::create_dir(&bin).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let found = |name: &str| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.exists()).unwrap();
    for name in ["git", "sh"] {
        symlink(found(name), bin.join(name)).unwrap();
    }
    let without = |args: &[&str], bin: &Path| {
        let output = space.tidegate(args).env("PATH", bin).output().expect("the binary runs");
        crate::space::said(&output)
    };
    let execute = ["execute", "two", "--plain"];
    let refusal = without(&execute, &bin).exits(3);
    refusal.says(&["bubblewrap is not installed", "apt-get install bubblewrap", "--sandbox none", "tier = \"none\""]);
    assert_eq!(space.git(&["for-each-ref", "refs/tidegate", "refs/heads/tidegate"]), "");
    assert!(!space.repo().join(".git/tidegate/runs").exists(), "a refusal left a run behind");
    // One that began in a sandbox goes on in none but that.
    space.execute("two").exits(1);
    without(&execute, &bin)
        .exits(3)
        .says(&["bubblewrap is not installed", "began in a sandbox"])
        .lacks(&["--sandbox none"]);
    without(&["execute", "two", "--plain", "--sandbox", "none"], &bin).exits(3).says(&["keeps it to its end"]);
}

#[test]
fn the_configuration_may_go_without_and_the_command_line_has_the_last_word() {
    if tier() == "none" {
        return;
    }
    let space = Space::plain();
    space.write("tidegate.toml", &format!("{}[sandbox]\ntier = \"none\"\n", space.read("tidegate.toml")));
    space.commit("Go without");
    space.topic("one", &one("echo 1 > one"));
    let dry = |args: &[&str]| space.run(&[&["execute", "one", "--plain", "--dry-run"], args].concat()).exits(0);
    dry(&[]).says(&["sandbox: none"]);
    dry(&["--sandbox", "auto"]).says(&["sandbox: bubblewrap"]);
    dry(&["--sandbox", "none"]).says(&["sandbox: none"]);
}

#[test]
fn checks_have_the_network_where_the_configuration_says_so() {
    let network = std::fs::read_link("/proc/self/ns/net").unwrap();
    let space = checked_by(&format!("test \"$(readlink /proc/self/ns/net)\" = '{}'\n", network.display()), "");
    space.topic("one", &one("echo 1 > one"));
    if tier() == "bubblewrap" {
        space.execute("one").exits(3).says(&["exited with 1"]);
    }
    space.write("tidegate.toml", &format!("{}[sandbox]\ngate_network = true\n", space.read("tidegate.toml")));
    space.commit("Let checks out");
    space.execute("one").exits(0);
}
