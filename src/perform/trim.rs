//! Trimming: sealed files are put back, and edits beyond the scope taken out first (CONTRACTS.md, What a task may touch).

use super::{
    Bench, Desk,
    bench::{git, task},
    evidence::listing,
    fell,
};
use crate::{
    rules::{self, Change, Inspected, Judgement, Listing, Restore, Role, Scope, ScopeTerms, Side},
    run::{Breakage, Code, Finding, Job, Oid, Seal, Weight},
    workspace::{Change as Changed, Entry},
};
use std::{collections::BTreeMap, sync::Arc};

/// What to put at a path, or that it goes.
pub(super) type Edit = (Box<str>, Option<Entry>);

/// Bytes of a file beyond which its content is not looked at.
const CONTENT_MAX: u64 = 5 << 20;

/// A tree with what does not belong to it taken out.
pub(super) struct Trimmed {
    /// What is left, as a commit on the task's base.
    pub(super) commit: Oid,
    /// The same with the edits beyond the scope still in it, where there were some: sealed files are put back in it too.
    pub(super) whole: Option<Oid>,
    /// What was taken out or put back: told, and no blocker unless the gate needs it.
    pub(super) told: Vec<Finding>,
    /// What was taken out, edit by edit, for a gate that needs some of it.
    pub(super) needed: Vec<Taken>,
}

/// An edit beyond the scope.
pub(super) struct Taken {
    /// What takes it out.
    edit: Edit,
    /// What is found where the gate needs it: of a path that only a person opens, its code is not [`Code::Scope`].
    pub(super) finding: Finding,
}

impl Taken {
    pub(super) fn path(&self) -> &str {
        &self.edit.0
    }
}

impl Trimmed {
    /// What is told of a tree that keeps the edits which the gate needs: they were not taken out after all.
    pub(super) fn told_beside_needed(&self) -> Vec<Finding> {
        let is_needed = |path: &str| self.needed.iter().any(|taken| taken.path() == path);
        let stayed = |told: &Finding| told.code == Code::TakenOut && told.file.as_deref().is_some_and(is_needed);
        self.told.iter().filter(|told| !stayed(told)).cloned().collect()
    }
}

impl Bench {
    /// Takes out of `commit` what this role may not change on `base`.
    pub(super) async fn trim(
        &self,
        job: &Job,
        desk: &Desk,
        role: Role,
        commit: Oid,
        seal: &Seal,
    ) -> Result<Trimmed, Breakage> {
        let base = job.sheet.base;
        let (put_back, mut told) = self.unbroken(seal, commit).await?;
        let whole = if put_back.is_empty() { commit } else { self.compose(base, commit, &put_back).await? };
        // What the test-developer made is judged in its own phase: an implementation is compared with what was sealed.
        let from = if seal.commit.is_none() { base } else { seal.commit };
        let changed = self.repo.changes(from, whole).await.map_err(|fault| git(&fault))?;
        let contents = self.contents(&changed).await?;
        let changes: Vec<Change<'_>> = changed.iter().map(|change| contents.change(change)).collect();
        let task = task(job, desk)?;
        let commands = self.checks.all_commands();
        let text = format!("{}\n{}", task.title, task.brief.text);
        let scope = Scope::new(ScopeTerms {
            files: &task.brief.files,
            text: &text,
            tests: &self.setting.test_paths,
            protect: &self.setting.protected,
            generated: &self.setting.generated,
            grants: &job.sheet.grants,
            permits: &job.sheet.permits,
            commands: &commands,
            seal: (!seal.files.is_empty()).then_some(seal),
        });
        let scope = scope.map_err(|fault| fell(fault.to_string()))?;
        let (mut edits, mut needed) = (Vec::new(), Vec::new());
        for (change, judgement) in changed.iter().zip(scope.judge(role, &changes)) {
            match &judgement {
                Judgement::Within => {}
                Judgement::Wired(words) => told.push(remark(&change.path, words)),
                Judgement::Leftover => edits.push((change.path.clone(), change.before)),
                Judgement::TakeOut { instead, .. } => {
                    let put = match (instead, change.before.or(change.after)) {
                        (Some(text), Some(entry)) => {
                            let oid = self.repo.write(text.as_bytes()).await.map_err(|fault| git(&fault))?;
                            Some(Entry { oid, ..entry })
                        }
                        _ => change.before,
                    };
                    let edit = (change.path.clone(), put);
                    edits.push(edit.clone());
                    told.extend(judgement.finding(&change.path, false));
                    needed.extend(judgement.finding(&change.path, true).map(|finding| Taken { edit, finding }));
                }
            }
        }
        if edits.is_empty() {
            return Ok(Trimmed { commit: whole, whole: None, told, needed });
        }
        let commit = self.compose(base, whole, &edits).await?;
        let whole = (!needed.is_empty()).then_some(whole);
        Ok(Trimmed { commit, whole, told, needed })
    }

    /// `start` without this edit.
    pub(super) async fn without(&self, base: Oid, start: Oid, taken: &Taken) -> Result<Oid, Breakage> {
        self.compose(base, start, std::slice::from_ref(&taken.edit)).await
    }

    /// A tree with the sealed files as they were sealed: where an implementation begins.
    pub(super) async fn resealed(&self, start: Oid, seal: &Seal, base: Oid) -> Result<Oid, Breakage> {
        let (put_back, _) = self.unbroken(seal, start).await?;
        if put_back.is_empty() { Ok(start) } else { self.compose(base, start, &put_back).await }
    }

    /// What puts sealed files back, and what is told of it.
    async fn unbroken(&self, seal: &Seal, commit: Oid) -> Result<(Vec<Edit>, Vec<Finding>), Breakage> {
        if seal.files.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let at_red = self.listing(seal.commit).await?;
        let tree = self.listing(commit).await?;
        let mut texts: BTreeMap<Oid, String> = BTreeMap::new();
        for file in seal.files.iter().filter(|file| file.mode != 0 && file.path.ends_with(".rs")) {
            let now = tree.get(&file.path).map(|(_, blob)| *blob);
            for blob in [Some(file.blob), now].into_iter().flatten() {
                let bytes = self.repo.blob(blob).await.map_err(|fault| git(&fault))?;
                texts.insert(blob, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let content = |blob: Oid| texts.get(&blob).map(String::as_str);
        let (mut edits, mut told) = (Vec::new(), Vec::new());
        for breach in rules::breaches(seal, &at_red, &tree, content) {
            told.push(Finding { weight: Weight::Concern, ..breach.finding });
            for restore in breach.restores {
                edits.push(match restore {
                    Restore::Put(file) => (file.path, Some(Entry { mode: file.mode, oid: file.blob })),
                    Restore::Remove(path) => (path, None),
                    Restore::Write { path, text } => {
                        let oid = self.repo.write(text.as_bytes()).await.map_err(|fault| git(&fault))?;
                        let mode = seal.files.iter().find(|file| file.path == path).map_or(0o100_644, |file| file.mode);
                        (path, Some(Entry { mode, oid }))
                    }
                });
            }
        }
        Ok((edits, told))
    }

    /// The seal as it stands on another base: files that others changed too are what the merge made of them.
    pub(super) async fn seal_on(&self, seal: &Seal, base: Oid) -> Result<Seal, Breakage> {
        if seal.commit.is_none() {
            return Ok(seal.clone());
        }
        let carried = self.carried(seal.commit, base).await?;
        if carried.commit == seal.commit {
            return Ok(seal.clone());
        }
        let tree = self.listing(carried.commit).await?;
        let mut here = Seal { commit: carried.commit, ..seal.clone() };
        for file in &mut here.files {
            if let Some((mode, blob)) = tree.get(&file.path) {
                (file.mode, file.blob) = (*mode, *blob);
            }
        }
        Ok(here)
    }

    /// The patch's id: what a verdict belongs to. Of wiring and of lock files only the lines count that it adds and takes out, so
    /// that a verdict outlives a base on which others have added theirs (DESIGN.md section 5.5).
    pub(super) async fn patch(&self, base: Oid, commit: Oid) -> Result<Oid, Breakage> {
        let changed = self.repo.changes(base, commit).await.map_err(|fault| git(&fault))?;
        let contents = self.contents(&changed).await?;
        let by_lines: Vec<&str> = changed
            .iter()
            .filter(|change| rules::is_wiring_alone(&contents.change(change)))
            .map(|change| &*change.path)
            .collect();
        let id = self.repo.patch_id(&changed, |path| by_lines.contains(&path)).await;
        id.map_err(|fault| git(&fault))
    }

    /// What the built-in reviewers find in a patch.
    pub(super) async fn inspected(
        &self,
        (job, desk): (&Job, &Desk),
        (base, commit): (Oid, Oid),
        exits_prove: bool,
    ) -> Result<Vec<Finding>, Breakage> {
        let changed = self.repo.changes(base, commit).await.map_err(|fault| git(&fault))?;
        let contents = self.contents(&changed).await?;
        let changes: Vec<Change<'_>> = changed.iter().map(|change| contents.change(change)).collect();
        let listing = self.listing(commit).await?;
        let paths: Vec<&str> = listing.keys().map(|path| &**path).collect();
        let task = task(job, desk)?;
        let files = [&task.brief.files[..], &job.sheet.permits[..]].concat();
        let opened = [&job.sheet.grants[..], &job.sheet.permits[..]].concat();
        let text = &task.brief.text;
        let (changes, paths, files, opened) = (&changes[..], &paths[..], &files[..], &opened[..]);
        Ok(rules::inspect(&Inspected { changes, paths, files, opened, text, exits_prove }))
    }

    /// What looks like a secret in the lines that a tree adds to the task's base.
    pub(super) async fn leaks(&self, base: Oid, commit: Oid) -> Result<Vec<Finding>, Breakage> {
        let changed = self.repo.changes(base, commit).await.map_err(|fault| git(&fault))?;
        let contents = self.contents(&changed).await?;
        let changes: Vec<Change<'_>> = changed.iter().map(|change| contents.change(change)).collect();
        Ok(rules::leaks(&changes))
    }

    async fn compose(&self, base: Oid, start: Oid, edits: &[Edit]) -> Result<Oid, Breakage> {
        let message = "What the gate judges: edits beyond the scope taken out, sealed files put back";
        self.repo.compose(base, start, edits, message).await.map_err(|fault| git(&fault))
    }

    async fn listing(&self, commit: Oid) -> Result<Listing, Breakage> {
        self.repo.tree(commit).await.map(listing).map_err(|fault| git(&fault))
    }

    pub(super) async fn contents(&self, changed: &[Changed]) -> Result<Contents, Breakage> {
        let mut contents = Contents::default();
        let oids: Vec<Oid> =
            changed.iter().flat_map(|c| [c.before, c.after]).flatten().map(|entry| entry.oid).collect();
        let sizes = self.repo.sizes(&oids).await.map_err(|fault| git(&fault))?;
        for (oid, size) in oids.into_iter().zip(sizes) {
            // A submodule's commit has no size here: it is judged by its mode.
            let size = size.unwrap_or(u64::MAX);
            let bytes = if size > CONTENT_MAX { None } else { Some(self.repo.blob(oid).await.map_err(|f| git(&f))?) };
            contents.0.insert(oid, (size, bytes));
        }
        Ok(contents)
    }
}

/// The contents of changed files.
#[derive(Default)]
pub(super) struct Contents(BTreeMap<Oid, Content>);

/// Size, and bytes where there are not too many.
type Content = (u64, Option<Arc<[u8]>>);

impl Contents {
    /// The bytes of a blob; none where there are too many of them.
    pub(super) fn bytes(&self, oid: Oid) -> Option<Arc<[u8]>> {
        self.0.get(&oid).and_then(|(_, bytes)| bytes.clone())
    }

    fn change<'a>(&'a self, change: &'a Changed) -> Change<'a> {
        let side = |side: Option<Entry>| {
            let Entry { mode, oid } = side?;
            let (size, bytes) = self.0.get(&oid)?;
            Some(Side { mode, blob: oid, size: *size, bytes: bytes.as_deref() })
        };
        Change { path: &change.path, before: side(change.before), after: side(change.after) }
    }
}

fn remark(path: &str, words: &str) -> Finding {
    let finding = Finding::blocker(Code::Allowed, words);
    Finding { weight: Weight::Praise, ..finding }.at(path, None)
}
