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
use crate::{journal::Runs, plan::Role, process::Tail, run::What, text::line, workspace::slug};
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
/// What is made of a stream.
const MADE: [&str; 2] = ["minutes.log", "answer.md"];
/// How the folders of questions begin that an agent asked at its work.
const ASIDE: &str = "consult-";
/// Kinds of jobs that are listed.
const KINDS: usize = 40;
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
    if wish.follow {
        follow(&scene, &record, &folder, wish).await?;
    }
    prove_asked(&label, &jobs(&folder), wish)?;
    if wish.follow {
        return Ok(Exit::Good);
    }
    if wish.list {
        files(&folder, wish).iter().try_for_each(|file| say(&format!("{}\n", file.display())))?;
        return Ok(Exit::Good);
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

/// What is kept of one call.
struct Job {
    folder: PathBuf,
    /// What it did, and by whom where there are several: `implement`, `review-qa-reviewer`.
    kind: String,
    /// Which call of its kind.
    number: u32,
    role: Option<Role>,
}

impl Job {
    fn is_asked(&self, wish: &Logs) -> bool {
        let (what, name) = self.kind.split_once('-').unwrap_or((&self.kind, ""));
        let is_of =
            |asked: &String| self.role.is_some_and(|role| role.name() == asked) || name == slug(asked) || name == asked;
        wish.only.as_ref().is_none_or(|only| only == what)
            && wish.role.as_ref().is_none_or(is_of)
            && wish.attempt.is_none_or(|attempt| attempt == self.number)
    }
}

/// A kind of job without the digits that tell names of one slug apart.
fn named(kind: &str) -> &str {
    let is_hash = |end: &str| end.len() == 16 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    kind.rsplit_once('-').filter(|(_, end)| is_hash(end)).map_or(kind, |(name, _)| name)
}

/// What is kept of a task or gate, in the order in which it ran.
fn jobs(folder: &Path) -> Vec<Job> {
    let mut calls: BTreeMap<String, u32> = BTreeMap::new();
    let mut jobs = Vec::new();
    for folder in sorted(folder) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((_, kind)) = name.split_once('-') else { continue };
        let number = calls.entry(kind.to_owned()).or_default();
        *number += 1;
        let role = role(kind, &folder);
        jobs.push(Job { kind: kind.to_owned(), number: *number, role, folder });
    }
    jobs
}

/// Whose work a kind of job is; a check is nobody's.
fn role(kind: &str, folder: &Path) -> Option<Role> {
    let (what, name) = kind.split_once('-').unwrap_or((kind, ""));
    let is_question = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(ASIDE));
    // Whom an agent asked at its work is kept beside it, by name.
    if !name.is_empty() && sorted(folder).iter().any(is_question) {
        return Some(Role::Expert);
    }
    let roles = [What::Tests, What::Implement, What::Consult, What::Advise].map(|what| (what.name(), what.role()));
    let role = roles.iter().find(|(of, _)| *of == what).and_then(|(_, role)| *role);
    role.or_else(|| (what == "review").then_some(Role::Reviewer))
}

/// The files of the jobs that are asked for.
fn files(folder: &Path, wish: &Logs) -> Vec<PathBuf> {
    let mut files = Vec::new();
    jobs(folder).iter().filter(|job| job.is_asked(wish)).for_each(|job| collect(&job.folder, &mut files));
    files
}

/// Refuses a wish for what is not among all that ran: it says what is.
fn prove_asked(label: &str, jobs: &[Job], wish: &Logs) -> Result<(), Stop> {
    if jobs.is_empty() || jobs.iter().any(|job| job.is_asked(wish)) {
        return Ok(());
    }
    let only = wish.only.as_ref().map(|only| format!(" --only {only}"));
    let role = wish.role.as_ref().map(|role| format!(" --role {}", line(role, 60)));
    let attempt = wish.attempt.map(|attempt| format!(" --attempt {attempt}"));
    let asked: String = [only, role, attempt].into_iter().flatten().collect();
    let newest: BTreeMap<&str, &Job> = jobs.iter().map(|job| (&*job.kind, job)).collect();
    let known = newest.values().map(|Job { kind, number, role, .. }| {
        let role = role.map(|role| format!(" of role {}", role.name())).unwrap_or_default();
        let numbers = if *number == 1 { "1".to_owned() } else { format!("1 to {number}") };
        format!("{}{role} (attempt {numbers})", named(kind))
    });
    let known: Vec<String> = known.take(KINDS).collect();
    let text = format!("error: nothing ran for {label} that is{asked}\n  = help: there is {}\n", known.join(", "));
    Err(Stop::new(Exit::Faulty, text))
}

fn is_shown(file: &Path, wish: &Logs) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // A call that was repeated within its job numbers its files: `stream-2.jsonl`.
    let plain = name.replace("-2.", ".");
    if wish.raw {
        !MADE.contains(&&*plain) && !is_told_otherwise(file)
    } else {
        let is_said_elsewhere = MADE.contains(&&*plain) && is_of_output(file);
        !RAW.contains(&&*plain) && !name.ends_with(".json") && !is_said_elsewhere
    }
}

/// Whether a file lies beside all that a program printed, which is shown: it says the same.
fn is_of_output(file: &Path) -> bool {
    file.with_file_name("stdout").exists()
}

/// Whether a file lies beside what a model was told, for programs to look up: the model has it in its prompt, or by its tools.
fn is_told_otherwise(file: &Path) -> bool {
    let tray = file.parent().filter(|folder| folder.ends_with("tray"));
    tray.and_then(Path::parent).is_some_and(|call| call.join("prompt.md").exists())
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
async fn follow(scene: &Scene, record: &Record, folder: &Path, wish: &Logs) -> Result<(), Stop> {
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
            return Ok(());
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
