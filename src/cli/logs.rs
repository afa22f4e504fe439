//! `tidegate logs`: what a task's agents and checks did and printed, in the order in which they ran.
//!
//! Everything is kept in the run's folder, a folder a job: of a call of an agent its prompt, its raw stream, its errors, its last message
//! and the minutes that were made of the stream.

use super::{
    Stop,
    args::{Arguments, Logs},
    exit::Exit,
    record::{Record, named_after},
    say,
    scene::Scene,
};
use crate::{journal::Runs, plan::Role, process::Tail, run::What, workspace::slug};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// Bytes shown of one file: what is more is in the file.
const SHOWN: u64 = 64 << 10;
/// Files that are kept for us, or are told by others: shown byte by byte, or not at all.
const RAW: [&str; 5] = ["script.sh", "feedback.md", "context.md", "prompt.md", "stream.jsonl"];
/// How often it is looked for what has come.
const LOOK: Duration = Duration::from_millis(300);
/// Bytes that are passed on at a time.
const PIECE: usize = 64 << 10;

pub(crate) async fn logs(arguments: &Arguments, wish: &Logs) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let record = Record::newest(&scene, &wish.topic)?;
    let node = record.node(&wish.task)?;
    let label = record.run.plan().node(node).label().to_owned();
    let folder = record.folder.logs().join(slug(&label));
    if wish.list {
        files(&folder, wish).iter().try_for_each(|file| say(&format!("{}\n", file.display())))?;
        return Ok(Exit::Good);
    }
    if wish.follow {
        return follow(&scene, &record, &folder, wish).await;
    }
    let shown: Vec<PathBuf> = files(&folder, wish).into_iter().filter(|file| is_shown(file, wish)).collect();
    let mut has_printed = false;
    for file in &shown {
        if wish.raw {
            has_printed = true;
            Follower::default().pass_on(file)?;
        } else if let Some((heading, tail)) = page(file) {
            if !std::mem::replace(&mut has_printed, true) {
                say(&format!("{label}, below {}\n\n", folder.display()))?;
            }
            say(&format!("==> {heading}\n{tail}\n\n"))?;
        }
    }
    if !has_printed {
        let what = if shown.is_empty() { "nothing ran yet" } else { "what ran printed nothing" };
        say(&format!("{label}: {what} ({})\n", folder.display()))?;
    }
    Ok(Exit::Good)
}

/// The files of the jobs that are asked for.
fn files(folder: &Path, wish: &Logs) -> Vec<PathBuf> {
    let mut calls: BTreeMap<String, u32> = BTreeMap::new();
    let mut files = Vec::new();
    for job in sorted(folder) {
        let name = job.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((_, kind)) = name.split_once('-') else { continue };
        let number = calls.entry(kind.to_owned()).or_default();
        *number += 1;
        if is_asked(kind, wish) && wish.attempt.is_none_or(|attempt| attempt == *number) {
            collect(&job, &mut files);
        }
    }
    files
}

/// Whether a kind of job (`implement`, `review-qa-reviewer`) is asked for.
fn is_asked(kind: &str, wish: &Logs) -> bool {
    let (what, name) = kind.split_once('-').unwrap_or((kind, ""));
    let roles = [What::Tests, What::Implement, What::Consult, What::Advise].map(|what| (what.name(), what.role()));
    let role = roles.iter().find(|(of, _)| *of == what).and_then(|(_, role)| *role);
    let role = role.or((what == "review").then_some(Role::Reviewer));
    let is_of = |asked: &String| role.is_some_and(|role| role.name() == asked) || name == slug(asked) || name == asked;
    wish.only.as_ref().is_none_or(|only| only == what) && wish.role.as_ref().is_none_or(is_of)
}

fn is_shown(file: &Path, wish: &Logs) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // A call that was repeated within its job numbers its files: `stream-2.jsonl`.
    let plain = name.replace("-2.", ".");
    if wish.raw { plain != "minutes.log" } else { !RAW.contains(&&*plain) && !name.ends_with(".json") }
}

/// A file's heading and its end; `None` where nobody printed anything.
fn page(file: &Path) -> Option<(String, String)> {
    let heading = heading(file);
    match Tail::of(file, usize::MAX, SHOWN) {
        Ok(tail) if tail.text.trim().is_empty() => None,
        Ok(tail) => {
            let cut = if tail.is_cut { " (its end; the whole is in the file)" } else { "" };
            Some((format!("{heading}{cut}"), tail.text.trim_end().to_owned()))
        }
        Err(error) => Some((heading, error.to_string())),
    }
}

/// The job and the file's name.
fn heading(file: &Path) -> String {
    let parts: Vec<_> = file.iter().rev().take_while(|part| *part != "logs").collect();
    let names = parts.iter().rev().skip(1).map(|part| part.to_string_lossy());
    names.collect::<Vec<_>>().join("/")
}

/// Shows what comes, until nobody executes the run any more.
async fn follow(scene: &Scene, record: &Record, folder: &Path, wish: &Logs) -> Result<Exit, Stop> {
    let runs = Runs::of(scene.repo.common_dir());
    let topic = named_after(&record.run.plan().blueprint().topic);
    let mut follower = Follower { is_clean: !wish.raw, ..Follower::default() };
    loop {
        // Looked at first: what is written until the run ends is shown.
        let is_over = !matches!(runs.holder(&topic), Ok(Some(_)));
        for file in files(folder, wish).into_iter().filter(|file| is_shown(file, wish)) {
            follower.pass_on(&file)?;
        }
        if is_over {
            return Ok(Exit::Good);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Passes on what is new in files.
#[derive(Default)]
struct Follower {
    seen: BTreeMap<PathBuf, u64>,
    last: Option<PathBuf>,
    /// With headings, and without what a terminal would obey.
    is_clean: bool,
}

impl Follower {
    fn pass_on(&mut self, file: &Path) -> Result<(), Stop> {
        let from = self.seen.get(file).copied().unwrap_or(0);
        let unread = |error: io::Error| Stop::because(&file.display().to_string(), &error);
        let mut source = File::open(file).map_err(unread)?;
        source.seek(SeekFrom::Start(from)).map_err(unread)?;
        let mut piece = vec![0; PIECE];
        loop {
            let mut count = source.read(&mut piece).map_err(unread)?;
            if self.is_clean && count == PIECE {
                // A piece ends with a line, as long as lines are no longer than it.
                count = piece.iter().rposition(|byte| *byte == b'\n').map_or(count, |end| end + 1);
                source
                    .seek(SeekFrom::Start(self.seen.get(file).copied().unwrap_or(from) + count as u64))
                    .map_err(unread)?;
            }
            if count == 0 {
                return Ok(());
            }
            *self.seen.entry(file.to_owned()).or_default() += count as u64;
            self.show(file, &piece[..count])?;
        }
    }

    fn show(&mut self, file: &Path, bytes: &[u8]) -> Result<(), Stop> {
        if self.is_clean {
            let head =
                if self.last.as_deref() == Some(file) { String::new() } else { format!("==> {}\n", heading(file)) };
            self.last = Some(file.to_owned());
            return say(&format!("{head}{}", crate::text::clean(&String::from_utf8_lossy(bytes))));
        }
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Stop::because("stdout cannot be written", &error))
            }
            _ => Ok(()),
        }
    }
}

/// The files of a folder and of those in it.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in sorted(folder) {
        // Whatever else an agent may have left there is nothing to be read.
        match path.symlink_metadata() {
            Ok(data) if data.is_dir() => collect(&path, files),
            Ok(data) if data.is_file() => files.push(path),
            Ok(_) | Err(_) => {}
        }
    }
}

/// What is in a folder, by name. A folder that is not there is empty.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
