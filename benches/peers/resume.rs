//! P5: the command of a finished run given again, and `ninja` with nothing to do.

use crate::{
    Trouble,
    dag::Deed,
    flags::Flags,
    noop::Place,
    process,
    rivals::Rival,
    rounds::{Contestant, interleave},
    scratch::tidegate_name,
    table::{Subject, Table, Target},
};

/// For the runs that come first and are not measured.
const JOBS: u32 = 16;

pub(crate) fn measure(flags: &Flags, table: &mut Table) -> Result<(), Trouble> {
    let place = Place::new(flags.size(300, 10_000), Deed::Stamp)?;
    let ninja = Rival::Ninja.find()?;
    let finished = place.fresh()?;
    process::run(&mut finished.execute(JOBS))?;
    ninja.run(place.dir.path(), JOBS)?;
    let all = interleave(
        flags.rounds(),
        vec![
            Contestant::new(tidegate_name(), |_| process::run(&mut finished.execute(JOBS))),
            Contestant::new(ninja.name.clone(), |_| ninja.again(place.dir.path(), JOBS)),
        ],
    );
    let subject = Subject { number: "P5", what: format!("a finished run of {} tasks again", place.size), jobs: None };
    table.contest(&subject, &all, |_| Some(Target::ratio(1.0)));
    Ok(())
}
