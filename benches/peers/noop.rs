//! P1 to P3: tasks that do nothing, in place, with everything that tidegate does around them; the floor, and everybody else.

use crate::{
    Trouble,
    dag::{Chance, Dag, Deed, Shape},
    flags::Flags,
    process,
    rivals::{Found, Rival},
    rounds::{Contestant, Sample, Series, interleave, median},
    scratch::{self, folder, tidegate, tidegate_name},
    table::{Subject, Table, Target},
};
use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

/// Above this many tasks only those take part that have a target there: the others would take the rest of the day.
const FEW: u32 = 2_000;
/// Microseconds of the coordinator's own CPU time that a task may take.
const CPU_MOST: f64 = 100.0;

/// What makes a repository one that is worked in in place.
const CONFIG: &str = "[workspace]\nmode = \"in-place\"\n";

pub(crate) fn measure(flags: &Flags, table: &mut Table) -> Result<(), Trouble> {
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for rival in Rival::all(&flags.with) {
        match rival.find() {
            Ok(one) => found.push(one),
            Err(trouble) => absent.push((rival, trouble.to_string())),
        }
    }
    for size in flags.sizes() {
        let place = Place::new(size, Deed::Nothing)?;
        for jobs in flags.widths() {
            let all = contest(flags, &place, jobs, &found, size);
            tell(table, &all, jobs, size);
        }
    }
    for (rival, why) in absent {
        table.missing("P3", &format!("tasks that do nothing: {}", rival.name()), &why);
    }
    Ok(())
}

/// A DAG that nobody has run: for each run of tidegate it is copied, since a repository remembers.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) size: u32,
}

/// A repository of one run, and where tidegate keeps what it knows of it.
pub(crate) struct Fresh {
    pub(crate) dir: TempDir,
    pub(crate) state: TempDir,
}

impl Place {
    pub(crate) fn new(size: u32, deed: Deed) -> Result<Place, Trouble> {
        let dir = folder()?;
        Dag::new(Shape::Layered, size as usize, &mut Chance::new(1)).write(dir.path(), deed)?;
        Ok(Place { dir, size })
    }

    pub(crate) fn fresh(&self) -> Result<Fresh, Trouble> {
        let (dir, state) = (folder()?, folder()?);
        let notes = dir.path().join("notes/bench");
        fs::create_dir_all(&notes)?;
        fs::create_dir(dir.path().join("o"))?;
        for name in ["research.md", "plan.md", "breakdown.md"] {
            fs::copy(self.dir.path().join("notes/bench").join(name), notes.join(name))?;
        }
        fs::write(dir.path().join(".gitignore"), "/o/\n")?;
        fs::write(dir.path().join("tidegate.toml"), CONFIG)?;
        scratch::commit_all(dir.path(), "Begin")?;
        Ok(Fresh { dir, state })
    }
}

impl Fresh {
    /// `tidegate execute`, as somebody without a terminal runs it.
    pub(crate) fn execute(&self, jobs: u32) -> Command {
        let jobs = format!("-j{jobs}");
        tidegate(
            self.dir.path(),
            self.state.path(),
            &["execute", "bench", &jobs, "--sandbox", "none", "--allow-no-checks"],
        )
    }
}

/// The floor, in a process of its own.
fn floor(dir: &Path, jobs: u32) -> Result<Sample, Trouble> {
    for name in ["floor.sqlite", "floor.sqlite-wal", "floor.sqlite-shm"] {
        match fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    process::run(Command::new(std::env::current_exe()?).arg("--floor").arg(dir).args(["--jobs", &jobs.to_string()]))
}

fn contest(flags: &Flags, place: &Place, jobs: u32, found: &[Found], size: u32) -> Vec<Series> {
    let ours = |_| process::run(&mut place.fresh()?.execute(jobs));
    let mut all =
        vec![Contestant::new(tidegate_name(), ours), Contestant::new("floor", move |_| floor(place.dir.path(), jobs))];
    let takes_part = |rival: Rival| size <= FEW || rival == Rival::Ninja;
    for one in found.iter().filter(|one| takes_part(one.rival)) {
        all.push(Contestant::new(one.name.clone(), move |_| one.run(place.dir.path(), jobs)));
    }
    interleave(flags.rounds(), all)
}

fn tell(table: &mut Table, all: &[Series], jobs: u32, size: u32) {
    let subject = |number| Subject { number, what: format!("{size} tasks that do nothing"), jobs: Some(jobs) };
    let Some((ours, others)) = all.split_first() else { return };
    let own = median(ours.samples.iter().filter_map(|sample| Some(sample.own?.as_secs_f64())).collect());
    let each = own.map(|own| own * 1e6 / f64::from(size));
    table.bounded(&subject("P2"), ours, each, Some(Target { most: CPU_MOST, unit: "µs of CPU a task" }));
    for other in others {
        let begins = |name: &str| other.name.starts_with(name);
        let (number, target) = match () {
            () if begins("floor") => ("P2", Some(1.15)),
            () if begins("ninja") => ("P1", Some(0.8)),
            () if begins("make") => ("P3", None),
            () if begins("LangGraph") => ("P3", Some(1.0 / 3.0)),
            () if begins("Snakemake") => ("P3", Some(0.1)),
            () => ("P3", Some(1.0)),
        };
        table.series(&subject(number), other, ours.ratio(other), target.map(Target::ratio));
    }
}
