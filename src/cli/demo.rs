//! `tidegate demo`: makes a small repository with the built-in sample topic, and executes it for real.

use super::{
    Stop,
    args::{Arguments, Command, Demo},
    complain,
    execute::run_topic,
    exit::Exit,
    scene::Scene,
};
use crate::{config::Environment, workspace::create};
use clap::Parser;
use std::{fs, path::Path};

/// The sample's topic.
const TOPIC: &str = "chat-system";

macro_rules! sample {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../breakdowns/chat-system/", $path)))),*]
    };
}

/// In the folder while the sample is being made: without it, what stands there is whole or somebody else's.
const MAKING: &str = ".tidegate-demo";

/// What the repository holds at its first commit.
const SEED: &[(&str, &str)] =
    sample!["seed/.gitignore", "seed/Cargo.toml", "seed/Cargo.lock", "seed/README.md", "seed/src/lib.rs"];

/// What the topic's folder holds; it stays untracked.
const NOTES: &[(&str, &str)] = sample!["research.md", "plan.md", "breakdown.md"];

pub(crate) async fn demo(arguments: &Arguments, wish: &Demo) -> Result<Exit, Stop> {
    let environment = Environment::capture().map_err(|error| Stop::because("cannot begin", &error))?;
    let dir = arguments.folder(&environment.folder).join(&wish.place);
    if is_made(&dir) {
        complain(&format!("going on with the sample in {}\n", dir.display()));
    } else {
        make(&dir, &environment).await?;
        complain(&format!("made a repository with the sample topic {TOPIC} in {}\n", dir.display()));
    }
    let mut line = vec!["tidegate", "execute", TOPIC];
    line.extend(wish.plain.then_some("--plain"));
    line.extend(wish.sandbox.iter().flat_map(|tier| ["--sandbox", tier]));
    let scene = Scene::at(environment, dir, arguments).await?;
    match Arguments::try_parse_from(line) {
        Ok(Arguments { command: Command::Execute(execute), .. }) => run_topic(arguments, &execute, &scene).await,
        _ => Err(Stop::new(Exit::Faulty, "error: the sample's command line is not one; this is a bug\n")),
    }
}

/// Whether the sample is there already, all of it.
fn is_made(dir: &Path) -> bool {
    !dir.join(MAKING).exists()
        && dir.join(".git").exists()
        && dir.join("notes").join(TOPIC).join("breakdown.md").exists()
}

async fn make(dir: &Path, environment: &Environment) -> Result<(), Stop> {
    let is_cut_off = dir.join(MAKING).exists();
    let is_free =
        is_cut_off || fs::read_dir(dir).map_or_else(|_| !dir.exists(), |mut entries| entries.next().is_none());
    if !is_free {
        let text = format!(
            "error: {} is there already, and is not the sample\n  = help: name another folder: tidegate demo DIR\n",
            dir.display()
        );
        return Err(Stop::new(Exit::Faulty, text));
    }
    let unwritable = |error| Stop::because(&format!("{} cannot be written", dir.display()), &error);
    fs::create_dir_all(dir.join(MAKING)).map_err(unwritable)?;
    if is_cut_off {
        // What was cut off is made anew, so that the first commit holds what it should: nobody but us has written here.
        for part in [".git", "notes"] {
            match fs::remove_dir_all(dir.join(part)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unwritable(error)),
                _ => {}
            }
        }
    }
    let written = SEED.iter().map(|(path, text)| (path.trim_start_matches("seed/").to_owned(), *text));
    write(dir, written)?;
    create(dir, environment.all(), "Begin the chat crate")
        .await
        .map_err(|error| Stop::because("the sample's repository cannot be made", &error))?;
    write(dir, NOTES.iter().map(|(path, text)| (format!("notes/{TOPIC}/{path}"), *text)))?;
    fs::remove_dir(dir.join(MAKING)).map_err(unwritable)
}

fn write(dir: &Path, files: impl Iterator<Item = (String, &'static str)>) -> Result<(), Stop> {
    for (path, text) in files {
        let path = dir.join(path);
        let parent = path.parent().unwrap_or(dir);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
        written.map_err(|error| Stop::because(&format!("{} cannot be written", path.display()), &error))?;
    }
    Ok(())
}
