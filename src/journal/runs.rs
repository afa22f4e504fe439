//! The runs of a repository: their ids, their folders, and which is the newest of a topic.

use super::{Lock, LockError, Reader};
use crate::run::Timestamp;
use std::{
    fmt, fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Characters of a topic's slug in a run's id. A file name has 255 bytes, and refs are made of it too.
const TOPIC_MAX: usize = 80;

/// Names a run: `<topic>-<yyyymmdd-hhmmss>-<4 hex digits>`, in UTC. Ids of one topic sort by time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId {
    text: String,
    /// Bytes of `text` that are the topic.
    topic: usize,
}

/// Not a run's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a run's id: {0:?}")]
pub struct NotARun(pub String);

impl RunId {
    /// A new id. The topic is a slug: lowercase letters, digits and dashes.
    ///
    /// # Errors
    /// The topic is no slug or too long, or the time is out of this calendar.
    pub fn new(topic: &str, at: Timestamp, random: u16) -> Result<RunId, NotARun> {
        let time = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let time = time.ok_or_else(|| NotARun(format!("{topic} at {}", at.0)))?;
        format!("{topic}-{}-{random:04x}", time.strftime("%Y%m%d-%H%M%S")).parse()
    }

    /// Whether runs can be named after a topic of this name as it is.
    pub fn names(topic: &str) -> bool {
        let is_slug = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase() || b == b'-';
        (1..=TOPIC_MAX).contains(&topic.len()) && topic.bytes().all(is_slug) && !topic.starts_with('-')
    }

    /// The topic's slug.
    pub fn topic(&self) -> &str {
        &self.text[..self.topic]
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// When it began and what tells it apart: sorts by time.
    fn time(&self) -> &str {
        &self.text[self.topic..]
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RunId {
    type Err = NotARun;

    fn from_str(text: &str) -> Result<RunId, NotARun> {
        let fault = || NotARun(text.chars().take(120).collect());
        let mut parts = text.rsplitn(4, '-');
        let (Some(random), Some(time), Some(day), Some(topic)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(fault());
        };
        let are = |part: &str, len, kind: fn(u8) -> bool| part.len() == len && part.bytes().all(kind);
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let fits = are(random, 4, is_hex)
            && are(time, 6, |b| b.is_ascii_digit())
            && are(day, 8, |b| b.is_ascii_digit())
            && RunId::names(topic);
        if fits { Ok(RunId { text: text.to_owned(), topic: topic.len() }) } else { Err(fault()) }
    }
}

/// A run's folder and what lies where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at this path, whether it is there or not.
    pub fn at(path: impl Into<PathBuf>) -> Folder {
        Folder { path: path.into() }
    }

    /// Itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.db")
    }

    /// What [`Lock`] locks.
    pub fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Where output goes. Evidence names its logs relative to the run's folder: `logs/...`.
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Whether anything was done in it, whatever has become of its journal: jobs leave their logs, and an end its report.
    pub fn has_traces(&self) -> bool {
        let is_logged = fs::read_dir(self.logs()).is_ok_and(|mut logs| logs.next().is_some());
        is_logged || self.report().exists()
    }

    /// The report as it was at the end of this run.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.md")
    }
}

/// A runs folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// The file system says no.
    #[error("cannot use {}", .path.display())]
    Io {
        /// Which path.
        path: PathBuf,
        /// What it says.
        #[source]
        source: io::Error,
    },
    /// Somebody else goes on with the topic.
    #[error(transparent)]
    Locked(#[from] LockError),
}

/// All runs of a repository.
#[derive(Clone, Debug)]
pub struct Runs {
    root: PathBuf,
}

impl Runs {
    /// The runs of the repository with this git common dir, where `git clean` does not look.
    pub fn of(common_dir: &Path) -> Runs {
        Runs { root: common_dir.join("tidegate").join("runs") }
    }

    /// The folder of a run, whether it is there or not.
    pub fn folder(&self, run: &RunId) -> Folder {
        Folder::at(self.root.join(run.as_str()))
    }

    /// Makes the folder of a new run.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub fn begin(&self, run: &RunId) -> Result<Folder, RunsError> {
        let folder = self.folder(run);
        make(&self.root, true)?;
        make(folder.path(), false)?;
        make(&folder.logs(), false)?;
        Ok(folder)
    }

    /// Takes the one place for a coordinator of this topic. Held from before the newest run is looked for until the end,
    /// it keeps two terminals from beginning two runs of a topic at once.
    ///
    /// # Errors
    /// Somebody has it, or the file system says no.
    pub fn lock(&self, topic: &str) -> Result<Lock, RunsError> {
        make(&self.root, true)?;
        Ok(Lock::take(&self.lock_path(topic))?)
    }

    /// Who is the coordinator of this topic now; `None` is nobody.
    ///
    /// # Errors
    /// The lock cannot be asked.
    pub fn holder(&self, topic: &str) -> Result<Option<super::Holder>, LockError> {
        Lock::holder_of(&self.lock_path(topic))
    }

    /// Who is a coordinator now, of which topic.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn holders(&self) -> Result<Vec<(String, super::Holder)>, RunsError> {
        let mut holders = Vec::new();
        for name in self.names()? {
            if let Some(topic) = name.strip_suffix(".lock")
                && let Ok(Some(holder)) = self.holder(topic)
            {
                holders.push((topic.to_owned(), holder));
            }
        }
        Ok(holders)
    }

    /// What is in the folder of runs.
    fn names(&self) -> Result<Vec<String>, RunsError> {
        let io = |source| RunsError::Io { path: self.root.clone(), source };
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io)?,
        };
        entries.map(|entry| Ok(entry.map_err(io)?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn lock_path(&self, topic: &str) -> PathBuf {
        // A slug has no dot, so this is no run's folder.
        self.root.join(format!("{topic}.lock"))
    }

    /// All runs, the newest first. What is not named like a run is not ours, and not looked at.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn list(&self) -> Result<Vec<RunId>, RunsError> {
        let names = self.names()?;
        let ids = names.iter().filter_map(|name| name.parse::<RunId>().ok());
        let mut runs: Vec<RunId> = ids.filter(|run| self.root.join(run.as_str()).is_dir()).collect();
        runs.sort_by(|a, b| b.time().cmp(a.time()).then_with(|| a.cmp(b)));
        Ok(runs)
    }

    /// The newest run of a topic in which anything happened: one that was killed before its first entry is none. One
    /// whose journal is lost or cannot be read is one, so that nothing is begun beside it in silence.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn newest(&self, topic: &str) -> Result<Option<RunId>, RunsError> {
        let runs = self.list()?;
        Ok(runs.into_iter().filter(|run| run.topic() == topic).find(|run| self.has_begun(run)))
    }

    fn has_begun(&self, run: &RunId) -> bool {
        use super::OpenError::{Missing, Unborn};
        match Reader::open(&self.folder(run)) {
            Ok(reader) => reader.count().map_or(true, |count| count > 0),
            Err(Missing(_) | Unborn(_)) => self.folder(run).has_traces(),
            Err(_) => true,
        }
    }
}

/// For its owner alone: journals and logs hold what agents saw.
fn make(path: &Path, with_parents: bool) -> Result<(), RunsError> {
    let made = fs::DirBuilder::new().recursive(with_parents).mode(0o700).create(path);
    made.map_err(|source| RunsError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::Journal,
        run::{Entry, Event},
    };

    /// 2026-11-21 12:34:56 UTC.
    const AT: Timestamp = Timestamp(1_795_264_496_000);

    #[test]
    fn an_id_says_topic_and_time_and_reads_back() {
        let run = RunId::new("chat-system-2", AT, 0x0af3).unwrap();
        assert_eq!(run.as_str(), "chat-system-2-20261121-123456-0af3");
        assert_eq!(run.topic(), "chat-system-2");
        assert_eq!(run.as_str().parse::<RunId>().unwrap(), run);
    }

    #[test]
    fn what_is_no_slug_names_no_run() {
        for topic in ["", "..", "a/b", "Chat", "-x", "é", "a b", "a\n", &"x".repeat(81)] {
            assert!(RunId::new(topic, AT, 1).is_err(), "{topic:?}");
        }
        for text in ["", "a", "a-20261121-123456", "a-20261121-123456-0AF3", "a-2026-112-0af3", "a-20261121-1234é-0af3"]
        {
            assert!(text.parse::<RunId>().is_err(), "{text:?}");
        }
        assert!(RunId::new("a", Timestamp(u64::MAX), 1).is_err());
    }

    #[test]
    fn the_newest_run_is_the_last_in_which_anything_happened() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::of(folder.path());
        assert_eq!(runs.list().unwrap(), []);
        assert_eq!(runs.newest("a").unwrap(), None);
        let id = |topic, second: u64, random| RunId::new(topic, Timestamp(AT.0 + second * 1000), random).unwrap();
        let (old, new, other) = (id("a", 0, 9), id("a", 1, 1), id("a-b", 2, 1));
        for run in [&old, &new, &other] {
            let begun = runs.begin(run).unwrap();
            let mut journal = Journal::create(&begun, run, AT).unwrap();
            journal.append(&[Entry { seq: 0, at: AT, event: Event::TimeUp }]).unwrap();
            drop(journal);
        }
        fs::write(folder.path().join("tidegate/runs/notes.txt"), "").unwrap();
        fs::create_dir(folder.path().join("tidegate/runs/stray")).unwrap();
        // Killed before its journal had tables, and before it had an entry.
        runs.begin(&id("a", 3, 1)).unwrap();
        let empty = id("a", 4, 1);
        drop(Journal::create(&runs.begin(&empty).unwrap(), &empty, AT).unwrap());
        assert_eq!(runs.list().unwrap(), [empty, id("a", 3, 1), other.clone(), new.clone(), old]);
        assert_eq!(runs.newest("a").unwrap(), Some(new.clone()));
        assert_eq!(runs.newest("a-b").unwrap(), Some(other));
        assert!(matches!(runs.begin(&new), Err(RunsError::Io { .. })), "a run is begun once");
        // One that has done something is a run, though its journal is lost.
        let journal = runs.folder(&new).journal();
        fs::write(runs.folder(&new).logs().join("1-implement"), "").unwrap();
        for lost in [fs::write(&journal, ""), fs::remove_file(&journal)] {
            lost.unwrap();
            assert_eq!(runs.newest("a").unwrap(), Some(new.clone()));
        }
        fs::write(runs.folder(&new).journal(), "rubbish, and not a database").unwrap();
        assert_eq!(runs.newest("a").unwrap(), Some(new), "a broken run is not passed over in silence");
    }

    #[test]
    fn a_topic_has_one_coordinator() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::of(folder.path());
        assert_eq!(runs.holder("a").unwrap(), None);
        let first = runs.lock("a").unwrap();
        assert!(matches!(runs.lock("a"), Err(RunsError::Locked(LockError::Held(_)))));
        assert_eq!(runs.holder("a").unwrap().as_ref(), Some(first.holder()));
        runs.lock("b").unwrap();
    }
}
