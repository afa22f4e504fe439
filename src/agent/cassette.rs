//! A cassette: one call of an agent as it was, kept so that it can be played again without a model.

use super::{AgentError, AgentEvent, AgentReport, Backend, Invocation, Sink};
use crate::{plan::Role, process::Line};
use serde::{Deserialize, Serialize};
use std::{
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

    /// Makes the file in a workspace what it was.
    fn put(&self, workspace: &Path) -> io::Result<()> {
        let relative = Path::new(&*self.path);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(io::Error::other(format!("{} is no path within a workspace", self.path)));
        }
        let path = workspace.join(relative);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if self.mode == 0 {
            return Ok(());
        }
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let content = self.text.as_deref().map(str::as_bytes).or(self.bytes.as_deref()).unwrap_or_default();
        if self.mode == 0o120_000 {
            return symlink(String::from_utf8_lossy(content).as_ref(), &path);
        }
        fs::write(&path, content)?;
        fs::set_permissions(&path, Permissions::from_mode(self.mode & 0o777))
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
        let cassette = Cassette::read(&path);
        let cassette =
            cassette.map_err(|error| AgentError::NoCassette { what: format!("{}: {error}", path.display()) })?;
        cassette.events.into_iter().for_each(|event| events(event));
        for file in &cassette.files {
            let put = file.put(&invocation.workspace);
            put.map_err(|error| AgentError::NoCassette {
                what: format!("{}: {}: {error}", path.display(), file.path),
            })?;
        }
        cassette.answer
    }
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
