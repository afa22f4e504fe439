//! Bodies out: the sealed tests run on the candidate without its code, and have to fail (DESIGN.md section 5.4).

use super::{
    Bench, Desk,
    bench::git,
    evidence::{Measured, Purpose, Said},
    fell,
    trim::Edit,
    verify::Proof,
};
use crate::{
    bodies::{Edited, Filling, Left, Patch, Source, Why},
    plan::Means,
    rules::{self, BuildError, Without, WithoutCase, is_test_path},
    run::{Breakage, Finding, Job, Oid, Ran, Seal, TakenOut, WithoutCode},
    workspace::Entry,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Functions that are named.
const MOST_NAMED: usize = 20;

/// A tree without its code may take this much longer than with it: a loop that waits for what a zero value never says has no end.
const TIMES: u64 = 10;

/// The least that it may take.
const LEAST: Duration = Duration::from_mins(2);

/// Which bodies are filled with what.
type Fillings = Vec<Vec<Filling>>;

/// That tests prove nothing, and what was run to find that.
type Lacks = (Finding, Vec<Ran>);

/// What came of a candidate without its bodies.
enum Shown {
    Fails { failing: Vec<Box<str>>, passing: Vec<Box<str>> },
    Passes(Vec<Box<str>>),
    Unclear(String),
}

impl Bench {
    /// What the sealed tests say without the code, or the finding that they pass all the same. `None` where the gate does not ask.
    ///
    /// Where no body was changed, or emptied bodies say nothing, the whole patch is taken out instead; what that leaves open is
    /// told: that a machine cannot show it is no reason to hold work back that nobody could mend.
    pub(super) async fn without_code(
        &self,
        (job, desk): (&Job, &Desk),
        commit: Oid,
        seal: &Seal,
        proof: &Proof,
    ) -> Result<Result<Option<WithoutCode>, Lacks>, Breakage> {
        let gate = desk.plan.gate_of(job.node).and_then(|gate| desk.plan.node(gate).gate());
        let is_asked =
            gate.is_some_and(|gate| gate.criteria.iter().any(|criterion| criterion.means == Means::BodiesOut));
        if !is_asked || seal.commit.is_none() {
            return Ok(Ok(None));
        }
        let patch = self.changed_bodies(seal.commit, commit).await?;
        let (mut doubts, mut ran) = (doubts(&patch), Vec::new());
        if patch.functions() > 0 {
            let out = TakenOut::Bodies(named(&patch));
            match self.emptied((job, desk), (commit, seal, &patch), proof, &mut ran).await? {
                Shown::Fails { failing, passing } => {
                    return Ok(Ok(Some(WithoutCode { out, failing, passing, doubts, ran })));
                }
                Shown::Passes(passing) => return Ok(Err((rules::proves_nothing(&out, &passing), ran))),
                Shown::Unclear(why) => doubts.push(format!("with the bodies out nothing was shown: {why}").into()),
            }
        }
        // Red was shown on this very tree, unless others have landed since.
        let reverted = self.measured(seal.commit, &proof.said.commands, lacking(proof), job, desk).await?;
        ran.extend(reverted.ran.clone());
        let case = case(seal, proof, &reverted);
        if rules::passes_reverted(&case) {
            return Ok(Err((rules::proves_nothing(&TakenOut::Patch, &[]), ran)));
        }
        let failing = match rules::without(&case) {
            Without::Fails { failing, .. } => failing,
            Without::Passes { .. } | Without::NotBuilt(_) | Without::Unclear(_) => Vec::new(),
        };
        Ok(Ok(Some(WithoutCode { out: TakenOut::Patch, failing, passing: Vec::new(), doubts, ran })))
    }

    /// Runs the tests on the candidate with its changed bodies emptied: by zero values, and by panics where it does not build so or
    /// does not come to an end.
    async fn emptied(
        &self,
        (job, desk): (&Job, &Desk),
        (commit, seal, patch): (Oid, &Seal, &Patch),
        proof: &Proof,
        ran: &mut Vec<Ran>,
    ) -> Result<Shown, Breakage> {
        let mut fillings: Fillings = patch.files.iter().map(|file| vec![Filling::Zero; file.functions.len()]).collect();
        let (mut is_refilled, mut is_put_back) = (false, false);
        loop {
            let mut edits = self.edits(commit, patch, &fillings).await?;
            if is_put_back {
                edits.extend(self.put_back(seal.commit, patch).await?);
            }
            let message = "What the gate judges: the bodies of changed functions emptied";
            let tree = self.repo.compose(job.sheet.base, commit, &edits, message).await.map_err(|fault| git(&fault))?;
            let measured =
                self.measured(tree, &self.checks.naming(&proof.said.commands), lacking(proof), job, desk).await?;
            ran.extend(measured.ran.clone());
            let why = match rules::without(&case(seal, proof, &measured)) {
                Without::Fails { failing, passing } => return Ok(Shown::Fails { failing, passing }),
                // What no grammar reads is still there, and may be what they are for.
                Without::Passes { .. } if !is_put_back && patch.unread().next().is_some() => {
                    is_put_back = true;
                    continue;
                }
                Without::Passes { passing } => return Ok(Shown::Passes(passing)),
                Without::NotBuilt(errors) => {
                    blame(patch, errors, &mut fillings);
                    let first = errors.first().map(|error| error.message.to_string()).unwrap_or_default();
                    format!("the rest does not build ({first})")
                }
                Without::Unclear(why) => {
                    fillings.iter_mut().flatten().for_each(|filling| *filling = Filling::Panic);
                    why
                }
            };
            if is_refilled || is_put_back {
                return Ok(Shown::Unclear(why));
            }
            is_refilled = true;
        }
    }

    /// What puts those files back as they were before the implementation that were not read.
    async fn put_back(&self, before: Oid, patch: &Patch) -> Result<Vec<Edit>, Breakage> {
        let tree = self.repo.tree(before).await.map_err(|fault| git(&fault))?;
        let entry = |path: &str| tree.iter().find(|entry| &*entry.path == path);
        let was = |path: &str| entry(path).map(|entry| Entry { mode: entry.mode, oid: entry.oid });
        Ok(patch.unread().map(|path| (path.into(), was(path))).collect())
    }

    /// The functions whose bodies differ between two commits, tests left out.
    async fn changed_bodies(&self, before: Oid, after: Oid) -> Result<Patch, Breakage> {
        let changed = self.repo.changes(before, after).await.map_err(|fault| git(&fault))?;
        let contents = self.contents(&changed).await?;
        let is_file = |entry: &Entry| matches!(entry.mode, 0o100_644 | 0o100_755);
        let (mut files, mut left) = (Vec::new(), Vec::new());
        for change in changed.into_iter().filter(|change| !is_test_path(&change.path)) {
            let side = |side: Option<Entry>| side.filter(is_file).map(|entry| contents.bytes(entry.oid));
            let (before, after) = (side(change.before), side(change.after));
            match after {
                Some(None) if Source::of(&change.path, b"") != Source::NoCode => {
                    left.push(Left { path: change.path, function: None, why: Why::TooLong });
                }
                Some(None) => {}
                after => files.push((change.path, before.flatten(), after.flatten())),
            }
        }
        // Long texts take their time: nobody else waits for it.
        let compared = tokio::task::spawn_blocking(move || {
            Patch::of(files.iter().map(|(path, before, after)| (&**path, before.as_deref(), after.as_deref())))
        });
        let mut patch =
            compared.await.map_err(|error| fell(format!("the changed functions were not found: {error}")))?;
        patch.left.extend(left);
        Ok(patch)
    }

    async fn edits(&self, commit: Oid, patch: &Patch, fillings: &Fillings) -> Result<Vec<Edit>, Breakage> {
        let tree = self.repo.tree(commit).await.map_err(|fault| git(&fault))?;
        let mut edits = Vec::new();
        for (file, fillings) in patch.files.iter().zip(fillings) {
            let Some(entry) = tree.iter().find(|entry| entry.path == file.path) else { continue };
            let text = emptied(file, fillings).text;
            let oid = self.repo.write(text.as_bytes()).await.map_err(|fault| git(&fault))?;
            edits.push((file.path.clone(), Some(Entry { mode: entry.mode, oid })));
        }
        Ok(edits)
    }
}

fn emptied(file: &Edited, fillings: &[Filling]) -> crate::bodies::Emptied {
    file.emptied(|at| fillings.get(at).copied().unwrap_or(Filling::Panic))
}

/// Functions that an error of the build is in panic instead; all of them where an error is somewhere else.
fn blame(patch: &Patch, errors: &[BuildError], fillings: &mut Fillings) {
    let mut blamed = Vec::new();
    let found = errors.iter().all(|error| {
        let place = || {
            let (path, line) = (error.file.as_ref()?, error.line?);
            let at = patch.files.iter().position(|file| file.path == *path)?;
            let lines = emptied(&patch.files[at], &fillings[at]).lines;
            Some((at, lines.iter().position(|lines| lines.contains(&line))?))
        };
        let place = place();
        blamed.extend(place);
        place.is_some()
    });
    if found {
        blamed.into_iter().for_each(|(file, function)| fillings[file][function] = Filling::Panic);
    } else {
        fillings.iter_mut().flatten().for_each(|filling| *filling = Filling::Panic);
    }
}

fn case<'a>(seal: &'a Seal, proof: &'a Proof, without: &'a Arc<Measured>) -> WithoutCase<'a> {
    let Said { before: base, after: candidate, .. } = &proof.said;
    WithoutCase { base: &base.report, candidate: &candidate.report, without: &without.report, seal }
}

pub(super) fn lacking(proof: &Proof) -> Purpose {
    let took: u64 = proof.said.after.ran.iter().map(|ran| ran.ms).sum();
    Purpose::Lacking(LEAST.max(Duration::from_millis(took.saturating_mul(TIMES))))
}

fn named(patch: &Patch) -> Vec<Box<str>> {
    let functions = patch.files.iter().flat_map(|file| &file.functions);
    let mut named: Vec<Box<str>> = functions.map(|function| function.name.as_str().into()).take(MOST_NAMED).collect();
    if patch.functions() > MOST_NAMED {
        named.push(format!("{} more", patch.functions() - MOST_NAMED).into());
    }
    named
}

/// What emptied bodies cannot show of this patch.
fn doubts(patch: &Patch) -> Vec<Box<str>> {
    let languages: BTreeSet<&str> = patch.uncovered.iter().map(|(_, language)| &**language).collect();
    let uncovered = languages.into_iter().map(|language| {
        format!("bodies-out does not cover {language}: whether its tests need what was changed in it was not shown")
            .into()
    });
    let left = patch.left.iter().take(MOST_NAMED).map(|left| {
        let what = match &left.function {
            Some((name, line)) => format!("{name} ({}:{line})", left.path),
            None => left.path.to_string(),
        };
        format!("{what} was left as it is: it {}", left.why.words()).into()
    });
    uncovered.chain(left).collect()
}
