//! `tidegate logs`: what a task's agents and checks printed, in the order in which they ran.

use super::{
    Stop,
    args::{Arguments, Logs},
    exit::Exit,
    record::Record,
    say,
    scene::Scene,
};
use crate::{process::Tail, workspace::slug};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Bytes shown of one file: what is more is in the file.
const SHOWN: u64 = 64 << 10;
/// Files that are kept for us and are nobody's output.
const OURS: [&str; 3] = ["script.sh", "feedback.md", "context.md"];

pub(crate) async fn logs(arguments: &Arguments, wish: &Logs) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let record = Record::newest(&scene, &wish.topic)?;
    let node = record.node(&wish.task)?;
    let label = record.run.plan().node(node).label();
    let folder = record.folder.logs().join(slug(label));
    let mut files = Vec::new();
    for job in sorted(&folder) {
        let name = job.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_asked = wish.only.as_ref().is_none_or(|only| name.split('-').nth(1) == Some(only.as_str()));
        if is_asked {
            files.extend(sorted(&job));
        }
    }
    if files.is_empty() {
        say(&format!("nothing was printed for {label} yet ({})\n", folder.display()));
        return Ok(Exit::Good);
    }
    for file in files {
        if wish.list {
            say(&format!("{}\n", file.display()));
        } else {
            show(&file);
        }
    }
    Ok(Exit::Good)
}

fn show(file: &Path) {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if OURS.contains(&&*name) || name.ends_with(".json") {
        return;
    }
    match Tail::of(file, usize::MAX, SHOWN) {
        Ok(tail) if tail.text.trim().is_empty() => {}
        Ok(tail) => {
            let cut = if tail.is_cut { " (its end; the whole is in the file)" } else { "" };
            say(&format!("==> {}{cut}\n{}\n\n", file.display(), tail.text.trim_end()));
        }
        Err(error) => say(&format!("==> {}: {error}\n", file.display())),
    }
}

/// What is in a folder, by name. A folder that is not there is empty.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
