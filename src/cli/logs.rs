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
    if wish.list {
        files.iter().try_for_each(|file| say(&format!("{}\n", file.display())))?;
        return Ok(Exit::Good);
    }
    let mut has_printed = false;
    for (heading, tail) in files.iter().filter_map(|file| shown(file)) {
        if !std::mem::replace(&mut has_printed, true) {
            say(&format!("{label}, below {}\n\n", folder.display()))?;
        }
        say(&format!("==> {heading}\n{tail}\n\n"))?;
    }
    if !has_printed {
        let what = if files.is_empty() { "nothing ran yet" } else { "what ran printed nothing" };
        say(&format!("{label}: {what} ({})\n", folder.display()))?;
    }
    Ok(Exit::Good)
}

/// A file's heading and its end; `None` where nobody printed anything.
fn shown(file: &Path) -> Option<(String, String)> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if OURS.contains(&&*name) || name.ends_with(".json") {
        return None;
    }
    let job = file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    match Tail::of(file, usize::MAX, SHOWN) {
        Ok(tail) if tail.text.trim().is_empty() => None,
        Ok(tail) => {
            let cut = if tail.is_cut { " (its end; the whole is in the file)" } else { "" };
            Some((format!("{job}/{name}{cut}"), tail.text.trim_end().to_owned()))
        }
        Err(error) => Some((format!("{job}/{name}"), error.to_string())),
    }
}

/// What is in a folder, by name. A folder that is not there is empty.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
