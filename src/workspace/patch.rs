//! A patch: before and after of every changed path, and the digest that verdicts belong to.

use super::{GitError, Repository, git::strange};
use crate::run::Oid;
use std::sync::Arc;

/// A file as a tree has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Git's mode, as a number (`0o100644`).
    pub mode: u32,
    /// Its content; of a submodule, its commit.
    pub oid: Oid,
}

/// One changed path. A rename is a path that went and a path that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Relative to the repository.
    pub path: Box<str>,
    /// What was there.
    pub before: Option<Entry>,
    /// What is there now.
    pub after: Option<Entry>,
}

/// A longer diff of wiring lines is compared by blobs.
const LINES_BYTES: usize = 4 << 20;

impl Repository {
    /// What changed from one commit or tree to another, in the order of paths.
    ///
    /// # Errors
    /// When it cannot be read, or a changed path is not UTF-8.
    pub async fn changes(&self, before: Oid, after: Oid) -> Result<Vec<Change>, GitError> {
        let (before, after) = (before.to_string(), after.to_string());
        let args = [
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=none",
            "--end-of-options",
            &before,
            &after,
        ];
        let said = self.recall(&args).await?;
        let mut fields = said.split(|byte| *byte == 0);
        let mut changes = Vec::new();
        while let Some(head) = fields.next().filter(|head| !head.is_empty()) {
            let path = fields.next().ok_or_else(|| strange(&args, head))?;
            let path =
                std::str::from_utf8(path).map_err(|_| GitError::Path(String::from_utf8_lossy(path).into_owned()))?;
            let (before, after) = sides(head).ok_or_else(|| strange(&args, head))?;
            changes.push(Change { path: path.into(), before, after });
        }
        Ok(changes)
    }

    /// The digest of a patch: the name, as a blob, of the list of its changes. A path for which `by_lines` holds counts with the lines
    /// that were taken out and put in, in their order, wherever they stand; any other with the blobs before and after.
    ///
    /// # Errors
    /// When a blob cannot be read.
    pub async fn patch_id(&self, changes: &[Change], by_lines: impl Fn(&str) -> bool) -> Result<Oid, GitError> {
        let mut sorted: Vec<&Change> = changes.iter().collect();
        sorted.sort_by(|one, other| one.path.cmp(&other.path));
        let mut list = Vec::new();
        for change in sorted {
            list.extend_from_slice(change.path.as_bytes());
            list.push(0);
            let lines = if by_lines(&change.path) { self.lines(change).await? } else { None };
            for side in [change.before, change.after] {
                match (side, &lines) {
                    (None, _) => list.extend_from_slice(b"none"),
                    (Some(entry), Some(_)) => list.extend_from_slice(format!("{:06o} lines", entry.mode).as_bytes()),
                    (Some(entry), None) => {
                        list.extend_from_slice(format!("{:06o} {}", entry.mode, entry.oid).as_bytes());
                    }
                }
                list.push(0);
            }
            let lines = lines.unwrap_or_default();
            // Its length comes first, so that no line can pass for the next path.
            list.extend_from_slice(format!("{}\0", lines.len()).as_bytes());
            list.extend_from_slice(&lines);
            list.push(b'\n');
        }
        self.hash(&list).await
    }

    /// The lines that a change puts into a file, as it is behind it: first and last of each stretch. None of a file that is binary, or whose
    /// change is too long to be told.
    ///
    /// # Errors
    /// When a blob cannot be read.
    pub async fn lines_put(&self, change: &Change) -> Result<Vec<(u32, u32)>, GitError> {
        let mut put = Vec::new();
        for line in self.diff(change).await?.unwrap_or_default().split(|byte| *byte == b'\n') {
            let Some(head) = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("@@ ")) else { continue };
            // `@@ -3,0 +4,2 @@`
            let Some(side) = head.split(' ').find_map(|side| side.strip_prefix('+')) else { continue };
            let (first, count) = side.split_once(',').unwrap_or((side, "1"));
            if let (Ok(first), Ok(count)) = (first.parse::<u32>(), count.parse::<u32>())
                && count > 0
            {
                put.push((first, first.saturating_add(count - 1)));
            }
        }
        Ok(put)
    }

    /// What git says of a change of a file, without lines around it; none when lines say nothing about it.
    async fn diff(&self, change: &Change) -> Result<Option<Arc<[u8]>>, GitError> {
        let is_file = |entry: Option<Entry>| entry.is_none_or(|entry| matches!(entry.mode, 0o100_644 | 0o100_755));
        if !is_file(change.before) || !is_file(change.after) {
            return Ok(None);
        }
        let empty = self.write(b"").await?;
        let oid = |entry: Option<Entry>| entry.map_or(empty, |entry| entry.oid).to_string();
        let (before, after) = (oid(change.before), oid(change.after));
        let args = [
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--diff-algorithm=myers",
            "-U0",
            "--no-indent-heuristic",
            "--end-of-options",
            &before,
            &after,
        ];
        let said = self.recall(&args).await?;
        Ok((said.len() <= LINES_BYTES).then_some(said))
    }

    /// The lines that a change takes out (`-`) and puts in (`+`); none when lines say nothing about it.
    async fn lines(&self, change: &Change) -> Result<Option<Vec<u8>>, GitError> {
        let Some(said) = self.diff(change).await? else { return Ok(None) };
        let mut lines = Vec::new();
        let mut is_body = false;
        for line in said.split_inclusive(|byte| *byte == b'\n') {
            match line.first() {
                Some(b'@') => is_body = true,
                Some(b'+' | b'-') if is_body => lines.extend_from_slice(line),
                Some(b'\\') | None => {}
                Some(b'B') if !is_body && line.starts_with(b"Binary files") => return Ok(None),
                Some(_) => {}
            }
        }
        Ok(Some(lines))
    }
}

fn sides(head: &[u8]) -> Option<(Option<Entry>, Option<Entry>)> {
    let text = std::str::from_utf8(head).ok()?.strip_prefix(':')?;
    let mut fields = text.split(' ');
    let mut mode = || u32::from_str_radix(fields.next()?, 8).ok();
    let (before, after) = (mode()?, mode()?);
    let mut side = |mode: u32| {
        let oid = fields.next()?.parse().ok()?;
        Some((mode != 0).then_some(Entry { mode, oid }))
    };
    Some((side(before)?, side(after)?))
}
