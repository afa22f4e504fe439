//! Alone: code must not need its tests. Without the sealed ones it still has to build (CONTRACTS.md, What a task may touch).

use super::{Bench, Desk, bench::git, bodies::lacking, trim::Edit, verify::Proof};
use crate::{
    rules::{Build, is_test_path, test_part},
    run::{Breakage, Code, Finding, Job, Oid, Seal},
    workspace::Entry,
};
use std::collections::BTreeMap;

impl Bench {
    /// Why a candidate does not build without its sealed tests. It is built for that only where its code names a file of theirs: code
    /// that names none cannot need them to build.
    pub(super) async fn alone(
        &self,
        (job, desk): (&Job, &Desk),
        commit: Oid,
        seal: &Seal,
        proof: &Proof,
    ) -> Result<Option<Finding>, Breakage> {
        let tests = || seal.files.iter().filter(|file| file.mode != 0 && is_test_path(&file.path));
        let names: Vec<&str> = tests().filter_map(|file| file.path.rsplit('/').next()).collect();
        if names.is_empty() || seal.commit.is_none() {
            return Ok(None);
        }
        let changed = self.repo.changes(seal.commit, commit).await.map_err(|fault| git(&fault))?;
        let changed: Vec<_> = changed.into_iter().filter(|change| !is_test_path(&change.path)).collect();
        let contents = self.contents(&changed).await?;
        let speaks =
            |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|text| names.iter().any(|name| text.contains(name)));
        let after = changed.iter().filter_map(|change| contents.bytes(change.after?.oid));
        if !after.into_iter().any(|bytes| speaks(&bytes)) {
            return Ok(None);
        }
        let base: BTreeMap<Box<str>, Entry> = {
            let tree = self.repo.tree(job.sheet.base).await.map_err(|fault| git(&fault))?;
            tree.into_iter().map(|entry| (entry.path, Entry { mode: entry.mode, oid: entry.oid })).collect()
        };
        let mut edits: Vec<Edit> = tests().map(|file| (file.path.clone(), base.get(&file.path).copied())).collect();
        edits.extend(self.without_test_parts(commit, seal).await?);
        let message = "What the gate judges: without the sealed tests";
        let tree = self.repo.compose(job.sheet.base, commit, &edits, message).await.map_err(|fault| git(&fault))?;
        let measured =
            self.measured(tree, &self.checks.naming(&proof.said.commands), lacking(proof), job, desk).await?;
        let Build::Failed(errors) = &measured.report.build else { return Ok(None) };
        // Older tests may not fit what the sealed ones brought up to date.
        let own = errors.iter().find(|error| error.file.as_ref().is_some_and(|file| !is_test_path(file)));
        Ok(own.map(|error| {
            let text =
                format!("without the sealed tests it does not build, and code must not need them: {}", error.message);
            Finding::blocker(Code::BuildFails, text).at(error.file.clone().unwrap_or_default(), error.line)
        }))
    }

    /// Product files that hold sealed tests, without them.
    async fn without_test_parts(&self, commit: Oid, seal: &Seal) -> Result<Vec<Edit>, Breakage> {
        let mut edits = Vec::new();
        for file in seal.files.iter().filter(|file| file.path.ends_with(".rs") && !is_test_path(&file.path)) {
            let Some(bytes) = self.repo.read(commit, &file.path).await.map_err(|fault| git(&fault))? else { continue };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let rest = test_part(&text).into_iter().fold(text.clone(), |rest, part| rest.replacen(part, "", 1));
            if rest != text {
                let oid = self.repo.write(rest.as_bytes()).await.map_err(|fault| git(&fault))?;
                edits.push((file.path.clone(), Some(Entry { mode: file.mode, oid })));
            }
        }
        Ok(edits)
    }
}
