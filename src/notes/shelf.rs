//! The documents of a topic's folder: which of them is the plan, which stand beside it, and what is missing.

use super::{join::join, read_at, topic::Topic};
use crate::plan::{Draft, Fault, Label, Severity, Source, SourceId, Span};
use std::{io::ErrorKind, path::Path};

/// A document that is longer than this was not written by a person or a planning agent.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// What stands beside the plan and must be there before a run begins.
const BESIDE: [&str; 2] = ["research.md", "plan.md"];
/// Where the plan is looked for: the first of these that is there, whatever its form.
const PLANS: [&str; 4] = ["breakdown.md", COORDINATION, "tasks.md", "tasks.json"];
/// Stands in for a breakdown, or beside one.
const COORDINATION: &str = "COORDINATION-PLAN.md";

/// Everything a topic's documents say, and what is missing (`missing-document`: exit code 3).
pub fn read(topic: &Topic) -> (Draft, Vec<Fault>) {
    let mut faults = Vec::new();
    let (mut texts, mut absent) = (Vec::new(), Vec::new());
    let mut take = |name: &str, is_plan| {
        let shown = format!("{}/{name}", topic.shown);
        let text = text(&topic.folder.join(name), &shown, is_plan);
        let text = text.map_err(|fault| {
            faults.push(fault);
            absent.push(Source::new(shown.clone(), String::new()));
        });
        text.ok().map(|text| (shown, text))
    };
    for name in BESIDE {
        texts.extend(take(name, false));
    }
    let is_there = |name: &&str| topic.folder.join(name).symlink_metadata().is_ok();
    let name = PLANS.into_iter().find(is_there).unwrap_or(PLANS[0]);
    let plan = take(name, true);
    let is_beside = name != COORDINATION && is_there(&COORDINATION);
    let second = if is_beside { take(COORDINATION, true) } else { None };
    let Some((path, text)) = plan else {
        let mut draft = Draft { topic: topic.slug.clone(), ..Draft::default() };
        point_at(&mut faults, absent, &mut draft);
        return (draft, faults);
    };
    let (mut draft, mut more) = read_at(SourceId(0), &text);
    draft.topic.clone_from(&topic.slug);
    texts.sort_by(|a, b| b.0.cmp(&a.0));
    draft.sources = vec![Source::new(path, text)];
    draft.sources.extend(texts.into_iter().map(|(path, text)| Source::new(path, text)));
    if let Some((path, text)) = second {
        let (other, told) = read_at(SourceId(draft.sources.len() as u16), &text);
        // It is not what runs: what is wrong with it refuses nothing.
        more.extend(told.into_iter().map(|fault| Fault { severity: Severity::Warning, ..fault }));
        more.extend(join(&mut draft, other));
        draft.sources.push(Source::new(path, text));
    }
    point_at(&mut faults, absent, &mut draft);
    faults.extend(more);
    (draft, faults)
}

/// A name that [`read`] looks for, and what lies there, where anything does.
pub type Document = (&'static str, Option<Vec<u8>>);

/// Every document that [`read`] may look at, as it lies there; none where one is no plain file, or too long.
pub fn documents(topic: &Topic) -> Option<Vec<Document>> {
    let bytes = |name| {
        let path = topic.folder.join(name);
        match path.symlink_metadata() {
            Ok(meta) if meta.is_file() && meta.len() <= MOST_BYTES => Some((name, Some(std::fs::read(path).ok()?))),
            Ok(_) => None,
            Err(error) => (error.kind() == ErrorKind::NotFound).then_some((name, None)),
        }
    };
    BESIDE.into_iter().chain(PLANS).map(bytes).collect()
}

/// Gives each document that was not read a place, so that its fault can name it.
fn point_at(faults: &mut [Fault], absent: Vec<Source>, draft: &mut Draft) {
    for (fault, source) in faults.iter_mut().zip(absent) {
        let at = Span { source: SourceId(draft.sources.len() as u16), ..Span::default() };
        fault.labels.push(Label { at, text: String::new() });
        draft.sources.push(source);
    }
}

/// A document's text. Bytes that are no UTF-8 are replaced where people read them; a plan has scripts, which would
/// then do something else than what was written.
fn text(path: &Path, shown: &str, is_plan: bool) -> Result<String, Fault> {
    let fault = |code, text: String, help: &str| Fault {
        severity: Severity::Error,
        code,
        text,
        labels: Vec::new(),
        help: Some(help.to_owned()),
    };
    let missing = |why: &str| {
        let help = "a run needs research.md, plan.md and breakdown.md in the topic's folder; COORDINATION-PLAN.md, tasks.md or \
                    tasks.json stand in for breakdown.md";
        fault("missing-document", format!("{shown} {why}"), help)
    };
    let meta = std::fs::metadata(path).map_err(|_| missing("is missing"))?;
    let parent = path.parent().and_then(|p| p.canonicalize().ok());
    let is_inside = path.canonicalize().is_ok_and(|real| parent.is_some_and(|p| real.starts_with(p)));
    if !meta.is_file() || !is_inside {
        return Err(fault(
            "unsafe-topic",
            format!("{shown} is not a file of the topic's folder"),
            "put the document itself there",
        ));
    }
    if meta.len() > MOST_BYTES {
        return Err(fault("too-long", format!("{shown} is longer than 32 MiB"), "split the topic"));
    }
    let bytes = std::fs::read(path).map_err(|e| missing(&format!("cannot be read: {}", e.kind())))?;
    let text = match String::from_utf8(bytes) {
        Err(error) if is_plan => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            let text = format!("{shown} is not UTF-8, from line {line} on");
            return Err(fault("not-utf8", text, "save it as UTF-8, e.g. with `iconv -f latin1 -t utf-8`"));
        }
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Ok(text) => text,
    };
    // The others only have to be there: what they say is for people and models.
    let is_empty = is_plan && text.trim().is_empty();
    if is_empty { Err(missing("is empty")) } else { Ok(text) }
}
