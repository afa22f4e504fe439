//! `cargo bench --bench peers`: tidegate beside its rivals on the same work, in turns. Prints the table of the README.
//!
//! Ratios of rounds that took turns in one session are what counts; wall times of one machine mean nothing on another.

mod cold;
mod dag;
mod flags;
mod floor;
mod landing;
mod lanes;
mod load;
mod makespan;
mod noop;
mod passing;
mod process;
mod python;
mod resume;
mod rivals;
mod rounds;
mod scale;
mod scratch;
mod sketches;
mod table;
mod train;
mod workspaces;

use clap::Parser;
use flags::{Flags, Part};
use std::{process::ExitCode, time::Instant};
use table::Table;

/// Why a part could not be measured: told in the table, in its place.
type Trouble = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Some(dir) = &flags.floor {
        return match floor::run(dir, flags.widths()[0]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("the floor fell: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let started = Instant::now();
    let mut table = Table::default();
    let machine = load::machine();
    for part in Part::ALL.into_iter().filter(|part| flags.wants(*part)) {
        eprintln!("{}: {} ...", part.name(), part.about());
        let measured = match part {
            Part::Noop => noop::measure(&flags, &mut table),
            Part::Scale => scale::measure(&flags, &mut table),
            Part::Resume => resume::measure(&flags, &mut table),
            Part::Makespan => makespan::measure(&flags, &mut table),
            Part::Workspace => workspaces::measure(&flags, &mut table),
            Part::Landing => landing::measure(&flags, &mut table),
            Part::Train => train::measure(&flags, &mut table),
            Part::Cold => cold::measure(&flags, &mut table),
        };
        if let Err(trouble) = measured {
            table.missing(part.name(), part.about(), &trouble.to_string());
        }
    }
    println!("Measured by `{}` in {:.0} s.", flags.command(), started.elapsed().as_secs_f64());
    println!("{machine}; load at the end {}.\n", load::now());
    print!("{table}");
    ExitCode::SUCCESS
}
