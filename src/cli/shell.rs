//! `tidegate completions` and `tidegate man`: what shells and manuals know of the command line, made out of the command line itself.

use super::{
    Stop,
    args::{Arguments, Completions, Man},
    exit::Exit,
    say,
};
use clap::CommandFactory;
use std::{fs, path::Path};

pub(crate) fn completions(wish: &Completions) -> Result<Exit, Stop> {
    let mut out = Vec::new();
    clap_complete::generate(wish.shell, &mut Arguments::command(), "tidegate", &mut out);
    say(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Good)
}

/// One page on stdout, or all of them in a folder.
pub(crate) fn man(arguments: &Arguments, wish: &Man) -> Result<Exit, Stop> {
    let command = Arguments::command();
    let Some(folder) = &wish.folder else {
        let mut out = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut out);
        rendered.map_err(|error| Stop::because("the manual cannot be made", &error))?;
        say(&String::from_utf8_lossy(&out))?;
        return Ok(Exit::Good);
    };
    let folder = arguments.folder(Path::new(".")).join(folder);
    let unwritable = |error| Stop::because(&format!("{} cannot be written", folder.display()), &error);
    fs::create_dir_all(&folder).map_err(unwritable)?;
    clap_mangen::generate_to(command, &folder).map_err(unwritable)?;
    Ok(Exit::Good)
}
