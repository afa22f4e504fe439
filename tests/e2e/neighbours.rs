//! Two at once in one repository: the second is told who is there, and how to get on.

use crate::{
    execute::two_streams,
    space::{Space, said},
};
use std::process::Stdio;

#[test]
fn the_second_is_told_who_executes_what_and_how_to_end_that() {
    let space = Space::strict().open();
    let (begun, gate) = (space.beside("begun"), space.beside("gate"));
    for fifo in [&begun, &gate] {
        assert!(space.command("mkfifo").arg(fifo).status().unwrap().success());
    }
    let first = format!("echo > {}\nread -r word < {}\necho 1 > one", begun.display(), gate.display());
    space.topic("slow", &two_streams([&first, "echo 2 > two", "cat one > three"]));
    space.topic("other", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    let mut execute = space.tidegate(&["execute", "slow", "--plain"]);
    let child = execute.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::fs::read(&begun).unwrap();
    let end = format!("kill -INT {}", child.id());
    let same = space.execute("slow").exits(3);
    same.says(&[
        &format!("slow is being executed by process {}", child.id()),
        "tidegate status slow",
        "^C there",
        &end,
    ]);
    let other = space.execute("other").exits(3);
    other.says(&[&format!("process {} executes slow in this repository", child.id()), "wait until it has ended", &end]);
    std::fs::write(&gate, "\n").unwrap();
    said(&child.wait_with_output().unwrap()).exits(0);
    space.execute("other").exits(0);
}
