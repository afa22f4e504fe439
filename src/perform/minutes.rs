//! The minutes of a call: what its agent did, line by line as it happens, for whoever looks on or looks back.

use crate::{
    agent::{AgentError, AgentEvent, AgentReport},
    text::{block, line},
};
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// The name of the file, in the folder of the call.
const NAME: &str = "minutes.log";
/// Bytes of it, at most.
const MOST: usize = 16 << 20;
/// Columns of what a tool is given, or was not allowed.
const COLUMNS: usize = 300;
/// Lines of one thing said.
const LINES: usize = 200;

/// The minutes of one call.
pub(super) struct Minutes {
    page: Mutex<Page>,
}

struct Page {
    file: File,
    room: usize,
    /// Why nothing more is written.
    fault: Option<io::Error>,
}

impl Minutes {
    /// Minutes in this folder.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(super) fn begin(folder: &Path) -> io::Result<Minutes> {
        let file = File::options().create(true).append(true).open(folder.join(NAME))?;
        Ok(Minutes { page: Mutex::new(Page { file, room: MOST, fault: None }) })
    }

    /// Notes what happened, where a person has anything to read of it.
    pub(super) fn note(&self, event: &AgentEvent) {
        let text = match event {
            AgentEvent::Text(words) => block(words, LINES, usize::MAX),
            AgentEvent::ToolCall { name, input, .. } => format!("> {}", line(&format!("{name} {input}"), COLUMNS)),
            AgentEvent::ToolResult { is_success: false, .. } => "  failed".to_owned(),
            AgentEvent::Denied(what) => format!("! was not allowed: {}", line(what, COLUMNS)),
            AgentEvent::ToolResult { .. } | AgentEvent::Started | AgentEvent::Usage { .. } | AgentEvent::Finished => {
                return;
            }
        };
        self.write(&text);
    }

    /// Notes how it ended, and says whether all of it could be kept.
    ///
    /// # Errors
    /// Why something is missing.
    pub(super) fn end(&self, answer: &Result<AgentReport, AgentError>) -> io::Result<()> {
        if let Err(error) = answer {
            self.write(&format!("! ended: {}", block(&error.to_string(), LINES, COLUMNS)));
        }
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        page.fault.take().map_or(Ok(()), Err)
    }

    fn write(&self, text: &str) {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        if page.fault.is_some() || page.room < text.len() + 1 {
            return;
        }
        page.room -= text.len() + 1;
        page.fault = page.file.write_all(format!("{text}\n").as_bytes()).err();
    }
}
