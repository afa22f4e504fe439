//! P4: from a thousand tasks to a hundred thousand, killed half way and gone on with. All of it should grow as the tasks do.

use crate::{
    Trouble,
    dag::Deed,
    flags::Flags,
    noop::{Fresh, Place},
    process,
    rounds::Contestant,
    rounds::{Sample, Series, interleave},
    scratch::{tidegate, tidegate_name},
    table::{Subject, Table, Target},
};
use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

const JOBS: u32 = 16;
/// How often it is looked how far a run is. A look at a large folder is not free.
const LOOK: Duration = Duration::from_millis(500);
const MEMORY_MOST: f64 = 100.0;

/// What a size came to.
#[derive(Clone, Copy, Debug)]
struct Measured {
    size: u32,
    wall: Duration,
    peak: u64,
}

pub(crate) fn measure(flags: &Flags, table: &mut Table) -> Result<(), Trouble> {
    let mut all: Vec<Measured> = Vec::new();
    for &size in flags.size(&[200, 1_000][..], &[1_000, 10_000, 100_000]) {
        let place = Place::new(size, Deed::Stamp)?;
        let fresh = place.fresh()?;
        let read = reading(flags, &fresh);
        let subject = Subject { number: "P4", what: format!("{size} tasks"), jobs: Some(JOBS) };
        let wall = crate::rounds::median(read.walls());
        table.bounded(&subject, &read, wall, Some(Target { most: 1.0, unit: "s" }));
        let (first, second, done) = halves(&fresh, size)?;
        let peak = first.peak.max(second.peak).unwrap_or(0);
        let memory = Some(Target { most: MEMORY_MOST, unit: "MiB" });
        let mebibytes = Some(peak as f64 / f64::from(1 << 20));
        table.bounded(&subject, &one(format!("run, killed after {done} tasks"), first), mebibytes, memory);
        table.bounded(&subject, &one("gone on with, to the end".into(), second), mebibytes, memory);
        all.push(Measured { size, wall: first.wall + second.wall, peak });
    }
    let each = |m: &Measured| m.wall.as_secs_f64() / f64::from(m.size);
    let [Some(first), Some(last)] = [all.first(), all.last()] else { return Ok(()) };
    let subject = Subject { number: "P4", what: "growth".into(), jobs: Some(JOBS) };
    let names = format!("time a task, of {} over that of {}", last.size, first.size);
    table.computed(&subject, &names, each(last) / each(first), Some(Target::ratio(1.2)));
    let by = |m: &Measured| m.peak as f64 / f64::from(m.size);
    table.computed(
        &subject,
        &format!("memory a task, of {} over that of {}", last.size, first.size),
        by(last) / by(first),
        None,
    );
    Ok(())
}

fn one(what: String, sample: Sample) -> Series {
    let name = format!("{}: {what}", tidegate_name());
    Series { name, samples: vec![sample], trouble: None, loads: vec![crate::load::now()] }
}

fn reading(flags: &Flags, fresh: &Fresh) -> Series {
    let read = |_| {
        process::run(&mut tidegate(
            fresh.dir.path(),
            fresh.state.path(),
            &["execute", "bench", "--dry-run", "-q", "--allow-no-checks", "--sandbox", "none"],
        ))
    };
    let name = format!("{}: read and planned (`--dry-run`)", tidegate_name());
    interleave(flags.rounds(), vec![Contestant::new(name, read)]).remove(0)
}

/// A run that is killed when half of its tasks are done, and the same command again.
fn halves(fresh: &Fresh, size: u32) -> Result<(Sample, Sample, usize), Trouble> {
    let stamps = fresh.dir.path().join("o");
    let (started, mut looked) = (Instant::now(), Instant::now());
    let child = fresh.execute(JOBS).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let (first, _) = process::follow(child, started, || {
        let is_time = looked.elapsed() >= LOOK.min(Duration::from_millis(u64::from(size / 20)));
        if is_time {
            looked = Instant::now();
        }
        is_time && count(&stamps) >= size as usize / 2
    })?;
    let done = count(&stamps);
    let second = process::run(&mut fresh.execute(JOBS))?;
    match count(&stamps) {
        all if all == size as usize => Ok((first, second, done)),
        some => Err(format!("{some} of {size} tasks were done").into()),
    }
}

fn count(stamps: &Path) -> usize {
    fs::read_dir(stamps).map_or(0, Iterator::count)
}
