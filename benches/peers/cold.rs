//! P12: commands that people wait for, each in a new process.

use crate::{
    Trouble,
    dag::{Chance, Dag, Deed, Shape},
    flags::Flags,
    process,
    rounds::{Contestant, Sample, Series, interleave, median},
    scratch::{self, TIDEGATE, folder, tidegate},
    table::{Subject, Table, Target},
};
use rustix::fs::{Advice, fadvise};
use std::{fs::File, process::Command};

/// A command this short is started often.
const STARTS: u32 = 10;

pub(crate) fn measure(flags: &Flags, table: &mut Table) -> Result<(), Trouble> {
    let (place, state) = (folder()?, folder()?);
    Dag::new(Shape::Streams, 100, &mut Chance::new(1)).write(place.path(), Deed::Nothing)?;
    scratch::commit_all(place.path(), "Begin")?;
    let ours = |args: &'static [&'static str]| {
        let (dir, state) = (place.path(), state.path());
        move |_| process::run(&mut tidegate(dir, state, args))
    };
    let forgotten = |_| -> Result<Sample, Trouble> {
        // The kernel forgets what it knows of the program, and reads it from the disk.
        fadvise(File::open(TIDEGATE)?, 0, None, Advice::DontNeed)?;
        process::run(&mut tidegate(place.path(), state.path(), &["check", "bench"]))
    };
    let all = interleave(
        flags.rounds() * STARTS,
        vec![
            Contestant::new("`tidegate check`", ours(&["check", "bench"])),
            Contestant::new("`tidegate check`, the program read from the disk", forgotten),
            Contestant::new("`tidegate --help`", ours(&["--help"])),
            Contestant::new("`/bin/true`", |_| process::run(&mut Command::new("/bin/true"))),
        ],
    );
    let targets = [Some(30.0), None, Some(10.0), None];
    let subject = Subject { number: "P12", what: "100 tasks, each start a new process".into(), jobs: None };
    for (series, most) in all.iter().zip(targets) {
        let target = most.map(|most| Target { most, unit: "ms" });
        table.bounded(&subject, series, milliseconds(series), target);
    }
    Ok(())
}

fn milliseconds(series: &Series) -> Option<f64> {
    median(series.walls()).map(|wall| wall * 1e3)
}
