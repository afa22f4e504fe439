//! `tidegate demo`: makes a small repository with a built-in sample topic, and executes it for real.

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

/// A sample that is built in.
struct Sample {
    /// Its topic.
    topic: &'static str,
    /// The subject of its first commit.
    begin: &'static str,
    /// What the repository holds at its first commit: paths and texts.
    seed: &'static [(&'static str, &'static str)],
    /// What the topic's folder holds; it stays untracked.
    notes: &'static [(&'static str, &'static str)],
}

macro_rules! files {
    ($topic:literal, $folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../breakdowns/", $topic, $folder, $path)))),*]
    };
}

const SAMPLES: [Sample; 3] = [
    Sample {
        topic: "chat-system",
        begin: "Begin the chat crate",
        seed: files!("chat-system", "/seed/": ".gitignore", "Cargo.toml", "Cargo.lock", "README.md", "src/lib.rs"),
        notes: files!("chat-system", "/": "research.md", "plan.md", "breakdown.md"),
    },
    Sample {
        topic: "api-integration",
        begin: "Begin the client",
        seed: files!(
            "api-integration", "/seed/": ".gitignore", "README.md", "pyproject.toml", "shop/__init__.py",
            "shop/transport.py", "tests/test_transport.py",
        ),
        notes: files!("api-integration", "/": "research.md", "plan.md", "breakdown.md"),
    },
    Sample {
        topic: "platform",
        begin: "Begin the depot",
        seed: files!(
            "platform", "/seed/": ".gitignore", "README.md", "check.py", "depot/__init__.py", "release.sh",
            "tests/__init__.py", "tests/test_package.py", "tidegate.toml",
        ),
        notes: files!("platform", "/": "research.md", "plan.md", "breakdown.md"),
    },
];

/// The topics that there are samples of. The first is the one where none is named.
pub(super) const TOPICS: [&str; 3] = [SAMPLES[0].topic, SAMPLES[1].topic, SAMPLES[2].topic];

/// In the folder while the sample is being made: without it, what stands there is whole or somebody else's.
const MAKING: &str = ".tidegate-demo";

pub(crate) async fn demo(arguments: &Arguments, wish: &Demo) -> Result<Exit, Stop> {
    let environment = Environment::capture().map_err(|error| Stop::because("cannot begin", &error))?;
    let dir = arguments.folder(&environment.folder).join(&wish.place);
    let sample = SAMPLES.iter().find(|sample| sample.topic == wish.topic).unwrap_or(&SAMPLES[0]);
    let topic = sample.topic;
    if is_made(&dir, topic) {
        complain(&format!("going on with the sample in {}\n", dir.display()));
    } else {
        make(sample, &dir, &environment).await?;
        complain(&format!("made a repository with the sample topic {topic} in {}\n", dir.display()));
    }
    let mut line = vec!["tidegate", "execute", topic];
    line.extend(wish.plain.then_some("--plain"));
    line.extend(wish.sandbox.iter().flat_map(|tier| ["--sandbox", tier]));
    let scene = Scene::at(environment, dir, arguments).await?;
    match Arguments::try_parse_from(line) {
        Ok(Arguments { command: Command::Execute(execute), .. }) => run_topic(arguments, &execute, &scene).await,
        _ => Err(Stop::new(Exit::Faulty, "error: the sample's command line is not one; this is a bug\n")),
    }
}

/// Whether the sample is there already, all of it.
fn is_made(dir: &Path, topic: &str) -> bool {
    !dir.join(MAKING).exists()
        && dir.join(".git").exists()
        && dir.join("notes").join(topic).join("breakdown.md").exists()
}

async fn make(sample: &Sample, dir: &Path, environment: &Environment) -> Result<(), Stop> {
    let is_cut_off = dir.join(MAKING).exists();
    let is_free =
        is_cut_off || fs::read_dir(dir).map_or_else(|_| !dir.exists(), |mut entries| entries.next().is_none());
    if !is_free {
        let text = format!(
            "error: {} is there already, and is not the sample {}\n  = help: name another folder: tidegate demo DIR\n",
            dir.display(),
            sample.topic
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
    write(dir, sample.seed.iter().map(|(path, text)| ((*path).to_owned(), *text)))?;
    create(dir, environment.all(), sample.begin)
        .await
        .map_err(|error| Stop::because("the sample's repository cannot be made", &error))?;
    write(dir, sample.notes.iter().map(|(path, text)| (format!("notes/{}/{path}", sample.topic), *text)))?;
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
