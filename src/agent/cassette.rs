//! A cassette: one call of an agent as it was, kept so that it can be played again without a model.

use super::{AgentError, AgentEvent, AgentReport, Backend, Invocation, Sink};
use crate::{plan::Role, process::Line};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    fs::{self, Permissions},
    future::Future,
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path, PathBuf},
    pin::Pin,
};

/// Bytes of a cassette, at most.
const CASSETTE_MAX: u64 = 256 << 20;

/// One call of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cassette {
    /// What it told on the way.
    pub events: Vec<AgentEvent>,
    /// How it ended.
    pub answer: Result<AgentReport, AgentError>,
    /// What it made of the tree it was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Taped>,
    /// With what it contested a sealed test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contest: Option<String>,
}

/// A file as an agent left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taped {
    /// Path relative to the workspace.
    pub path: Box<str>,
    /// Git's mode; 0 where it was deleted.
    pub mode: u32,
    /// What is in it, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What is in it, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Vec<u8>>,
}

impl Taped {
    /// A file with its mode and content; without them it was deleted.
    pub fn of(path: &str, content: Option<(u32, &[u8])>) -> Taped {
        let (mode, text, bytes) = match content.map(|(mode, bytes)| (mode, bytes, std::str::from_utf8(bytes))) {
            Some((mode, _, Ok(text))) => (mode, Some(text.to_owned()), None),
            Some((mode, bytes, Err(_))) => (mode, None, Some(bytes.to_owned())),
            None => (0, None, None),
        };
        Taped { path: path.into(), mode, text, bytes }
    }

    /// What is in it; none where it was deleted.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.text.as_deref().map(str::as_bytes).or(self.bytes.as_deref())
    }

    fn is_gone(&self) -> bool {
        self.mode == 0
    }

    /// Makes the file in a workspace what it was. A cassette can come from anywhere: it writes nowhere else, and follows no link.
    fn put(&self, workspace: &Path) -> io::Result<()> {
        let relative = Path::new(&*self.path);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(io::Error::other("it is no path within a workspace"));
        }
        let path = workspace.join(relative);
        let mut folders: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| *folder != workspace).collect();
        while let Some(folder) = folders.pop() {
            if is_folder(folder) {
                continue;
            }
            if self.is_gone() {
                return Ok(());
            }
            clear(folder)?;
            fs::create_dir(folder)?;
        }
        if self.is_gone() && is_folder(&path) {
            return Ok(());
        }
        clear(&path)?;
        if self.is_gone() {
            return Ok(());
        }
        let content = self.bytes().unwrap_or_default();
        if self.mode == 0o120_000 {
            return symlink(String::from_utf8_lossy(content).as_ref(), &path);
        }
        fs::write(&path, content)?;
        fs::set_permissions(&path, Permissions::from_mode(self.mode & 0o777))
    }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|held| held.is_dir())
}

/// Takes away what is there; of a link, the link.
fn clear(path: &Path) -> io::Result<()> {
    let cleared = if is_folder(path) { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match cleared {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        cleared => cleared,
    }
}

impl Cassette {
    /// The name of its file: of the try `turn` of what this role (or this reviewer) does for a task.
    pub fn name(task: &str, role: Role, name: Option<&str>, turn: u16) -> String {
        let plain = |text: &str| {
            let is_plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
            text.chars().map(is_plain).take(60).collect::<String>()
        };
        let name = name.map(|name| format!("-{}", plain(name))).unwrap_or_default();
        format!("{}.{}{name}.{turn}.json", plain(task), role.name())
    }

    /// Keeps it in a file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let text = serde_json::to_vec_pretty(self)?;
        let new = path.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(new, path)
    }

    /// Reads one.
    ///
    /// # Errors
    /// When there is none, or it is not one.
    pub fn read(path: &Path) -> io::Result<Cassette> {
        if fs::metadata(path)?.len() > CASSETTE_MAX {
            return Err(io::Error::other(format!("it has more than {} MiB", CASSETTE_MAX >> 20)));
        }
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }
}

/// The backend that plays cassettes: what happened, and what became of the tree, without a model.
pub struct Replay {
    folder: PathBuf,
}

impl Replay {
    /// Plays the cassettes of this folder.
    pub fn new(folder: PathBuf) -> Replay {
        Replay { folder }
    }

    fn play(&self, invocation: &Invocation, events: &Sink) -> Result<AgentReport, AgentError> {
        let path = self.folder.join(&invocation.cassette);
        let at = path.display();
        let lack = |what: String| AgentError::NoCassette { what };
        let cassette = Cassette::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => lack(format!("{at} is not there")),
            _ => lack(format!("{at} is damaged: {error}")),
        })?;
        cassette.events.into_iter().for_each(|event| events(event));
        // What is gone first: a file may have taken the place of a folder.
        let (gone, left): (Vec<&Taped>, Vec<&Taped>) = cassette.files.iter().partition(|file| file.is_gone());
        for file in gone.into_iter().chain(left) {
            let put = file.put(&invocation.workspace);
            put.map_err(|error| lack(format!("{at} has {}, which cannot be made: {error}", file.path)))?;
        }
        if let (Some(contest), Some(file)) = (&cassette.contest, contest_of(invocation)) {
            fs::write(file, contest)
                .map_err(|error| lack(format!("{at} has a contest that cannot be made: {error}")))?;
        }
        cassette.answer
    }
}

/// Where an agent contests a sealed test.
fn contest_of(invocation: &Invocation) -> Option<&OsString> {
    invocation.env.iter().find(|(name, _)| name == "TIDEGATE_CONTEST").map(|(_, file)| file)
}

impl Backend for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn run(
        &self,
        invocation: Invocation,
        events: Sink,
        _: Line,
    ) -> Pin<Box<dyn Future<Output = Result<AgentReport, AgentError>> + Send + '_>> {
        Box::pin(async move { self.play(&invocation, &events) })
    }
}
