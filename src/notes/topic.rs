//! The topic's folder: which one is meant by what was typed. Never leaves the notes folder.

use super::inline::tidy;
use crate::plan::{Fault, Severity, slug};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// A topic's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The folder's name.
    pub slug: String,
    /// Where it is.
    pub folder: PathBuf,
    /// The same, relative to the repository, for people.
    pub shown: String,
}

/// The folder that a name or a phrase means: the name itself, its slug, the only one that begins so, the only one that
/// shares most words with it.
///
/// # Errors
/// `unsafe-topic`, `ambiguous-topic` (exit code 2), `unknown-topic` (3), each with the candidates.
pub fn find(notes: &Path, typed: &str) -> Result<Topic, Fault> {
    let is_outside = Path::new(typed).is_absolute() || typed.split(['/', '\\']).any(|part| part == "..");
    if is_outside || typed.chars().any(|c| c == '\0') {
        let text = format!("`{}` leads out of the notes folder", tidy(typed));
        return Err(fault("unsafe-topic", text, "name a folder under notes/".to_owned()));
    }
    // What a shell completes to: `notes/chat-system/`.
    let below = typed.trim_start_matches("./").strip_prefix(&*base(notes)).and_then(|rest| rest.strip_prefix('/'));
    let typed = below.filter(|rest| !rest.is_empty()).unwrap_or(typed);
    let folders = folders(notes);
    let wanted = slug(typed);
    let shown = tidy(typed.trim_end_matches('/'));
    let hits = match folders.iter().find(|f| **f == typed || **f == shown) {
        Some(exact) => vec![exact.clone()],
        None => best(&folders, &wanted),
    };
    match hits.as_slice() {
        [one] => inside(notes, one),
        [] => {
            let text = match shown.trim() {
                "" => "no topic is named".to_owned(),
                _ => format!("no topic under notes/ is called `{shown}`"),
            };
            let help = match folders.is_empty() {
                true => "a topic is a folder under notes/ with research.md, plan.md and breakdown.md".to_owned(),
                false => list(&folders),
            };
            Err(fault("unknown-topic", text, help))
        }
        several => {
            let text = format!("`{shown}` may mean {} topics", several.len());
            Err(fault("ambiguous-topic", text, list(several)))
        }
    }
}

/// What the notes folder is called.
fn base(notes: &Path) -> std::borrow::Cow<'_, str> {
    notes.file_name().map_or_else(|| "notes".into(), |name| name.to_string_lossy())
}

fn best(folders: &[String], wanted: &str) -> Vec<String> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let slugged = |f: &&String| slug(f) == wanted;
    let exact: Vec<String> = folders.iter().filter(slugged).cloned().collect();
    if !exact.is_empty() {
        return exact;
    }
    let prefix: Vec<String> = folders.iter().filter(|f| slug(f).starts_with(wanted)).cloned().collect();
    if !prefix.is_empty() {
        return prefix;
    }
    let words: BTreeSet<&str> = wanted.split('-').collect();
    let shared = |f: &String| slug(f).split('-').filter(|w| words.contains(w)).collect::<BTreeSet<_>>().len();
    let most = folders.iter().map(shared).max().unwrap_or(0);
    folders.iter().filter(|f| most > 0 && shared(f) == most).cloned().collect()
}

/// Refuses a link that leads out: what is read there would be somebody else's.
fn inside(notes: &Path, name: &str) -> Result<Topic, Fault> {
    let folder = notes.join(name);
    let root = notes.canonicalize();
    let real = folder.canonicalize();
    match (root, real) {
        (Ok(root), Ok(real)) if real.starts_with(&root) => {
            Ok(Topic { slug: name.to_owned(), shown: format!("{}/{name}", base(notes)), folder })
        }
        _ => {
            let text = format!("`{}` is a link that leads out of the notes folder", tidy(name));
            Err(fault("unsafe-topic", text, "put the documents themselves under notes/".to_owned()))
        }
    }
}

fn folders(notes: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(notes).into_iter().flatten().flatten();
    let dirs = entries.filter(|e| e.path().is_dir());
    let mut names: Vec<String> = dirs.filter_map(|e| e.file_name().into_string().ok()).collect();
    names.retain(|n| !n.starts_with('.') && !n.chars().any(char::is_control));
    names.sort();
    names
}

fn list(names: &[String]) -> String {
    const MOST: usize = 12;
    let shown = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(MOST);
    if more > 0 { format!("topics: {shown} and {more} more") } else { format!("topics: {shown}") }
}

fn fault(code: &'static str, text: String, help: String) -> Fault {
    Fault { severity: Severity::Error, code, text, labels: Vec::new(), help: Some(help) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::create_dir_all(dir.path().join("notes").join(name)).unwrap();
        }
        dir
    }

    fn found(dir: &tempfile::TempDir, typed: &str) -> Result<String, &'static str> {
        find(&dir.path().join("notes"), typed).map(|t| t.slug).map_err(|f| f.code)
    }

    #[test]
    fn a_topic_is_meant_by_name_phrase_prefix_or_words() {
        let dir = notes(&["chat-system", "chat-history", "invoice-export"]);
        assert_eq!(found(&dir, "chat-system").unwrap(), "chat-system");
        assert_eq!(found(&dir, "Chat System").unwrap(), "chat-system");
        assert_eq!(found(&dir, "invoice").unwrap(), "invoice-export");
        assert_eq!(found(&dir, "real-time chat system with presence").unwrap(), "chat-system");
        assert_eq!(found(&dir, "notes/chat-system/").unwrap(), "chat-system");
        assert_eq!(found(&dir, "./notes/chat-system").unwrap(), "chat-system");
        assert_eq!(found(&dir, "chat"), Err("ambiguous-topic"));
        assert_eq!(found(&dir, "billing"), Err("unknown-topic"));
    }

    #[test]
    fn a_topic_never_leaves_the_notes_folder() {
        let dir = notes(&["a"]);
        std::fs::create_dir(dir.path().join("secret")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), dir.path().join("notes/out")).unwrap();
        for typed in ["../secret", "/etc", "a/../../secret", "out"] {
            assert_eq!(found(&dir, typed), Err("unsafe-topic"), "{typed}");
        }
    }
}
