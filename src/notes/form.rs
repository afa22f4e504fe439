//! The form of a document: decided in this one place, by its shape and never by its name.

use super::{
    field,
    inline::plain,
    label,
    lines::{Kind, Lines},
    outline::{self, Outline, Shape, TaskLines},
    rows,
};
use crate::plan::FormName;
use std::collections::BTreeMap;

/// What kind of plan a Markdown document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Streams with numbered tasks, task blocks, numbered checklists, and what is near them.
    Breakdown,
    /// `### Chunk 2: Name`
    Chunks,
    /// `### Session 2: Name`, each with what the one before handed over.
    Sessions,
    /// `### [Name]` with **Implementation Focus**.
    Units,
    /// `### Step 3: Name`
    Steps,
    /// `- [ ] T012 [P] [US1] Title`
    SpecKit,
    /// `- [ ] 1. Title`, `- [ ] 1.1 Title`
    Checklist,
    /// Rows with an id, a title and what each depends on.
    Table,
    /// `**id-4kh** - Title` with fields below.
    Tickets,
    /// `### Story 2: Name` with what it waits for, by whatever word the document has for its tasks.
    Named(&'static str),
}

/// Words for tasks, beside those that have a form of their own.
const NOUNS: [&str; 6] = ["story", "issue", "ticket", "feature", MILESTONE, "item"];
const MILESTONE: &str = "milestone";

impl Form {
    /// What people call it, and its tasks.
    pub(super) fn name(self) -> FormName {
        let form = |name, noun, has_gates| FormName { name, noun, has_gates };
        match self {
            Form::Breakdown => FormName::default(),
            Form::Chunks => form("chunk plan", "chunk", true),
            Form::Sessions => form("plan of sessions", "session", true),
            Form::Units => form("plan of units", "unit", true),
            Form::Steps => form("step plan", "step", false),
            Form::SpecKit => form("spec-kit task list", "task", false),
            Form::Checklist => form("checklist", "task", false),
            Form::Table => form("table of tasks", "task", true),
            Form::Tickets => form("list of tickets", "task", false),
            Form::Named(noun) => form("plan", noun, true),
        }
    }
}

/// What a document repeats.
#[derive(Debug, Default)]
struct Counts {
    tasks: usize,
    chunks: usize,
    steps: usize,
    sessions: usize,
    units: usize,
    /// Chunks and steps that have fields.
    filled: usize,
    speckit: usize,
    items: usize,
    numbered_boxes: usize,
    rows: usize,
    tickets: usize,
    /// What headings call their tasks, how many there are, and whether one says what it waits for.
    named: BTreeMap<&'static str, (usize, bool)>,
    /// Boxes without a label, outside of chunks, steps and criteria.
    loose: usize,
}

/// The form of a document. What is plain in its headings and boxes comes first; then whatever reads as a breakdown is one;
/// then what nothing else would read. With the outline of a breakdown, where one was needed to tell.
pub(super) fn decide(lines: &Lines<'_>) -> (Form, Option<Outline>) {
    let found = count(lines);
    if found.tasks > 0 {
        return (Form::Breakdown, None);
    }
    if found.chunks > 0 && found.filled > 0 {
        return (Form::Chunks, None);
    }
    if found.units > 0 {
        return (Form::Units, None);
    }
    let outline = outline::read(lines, Form::Breakdown);
    let is_streamed = outline.tasks.iter().any(|task| task.stream.is_some());
    let has_lists = is_streamed || found.numbered_boxes > 0;
    let named = found.named.iter().filter(|(_, (count, has_order))| *count > 1 && *has_order);
    let named = named.max_by_key(|(_, (count, _))| *count).map(|(noun, _)| *noun);
    // The boxes of a story are what it asks for, unless they are called tasks; those of a milestone are its tasks.
    let is_asked = |task: &TaskLines| {
        let head = lines.source[task.content..].trim_start_matches('*');
        task.shape == Shape::Box
            && task.stream.is_none()
            && !head.get(..4).is_some_and(|w| w.eq_ignore_ascii_case("task"))
    };
    let told = named.filter(|noun| *noun != MILESTONE && outline.tasks.iter().all(is_asked)).map(Form::Named);
    let named = named.map(Form::Named);
    let form = match found {
        Counts { chunks: 1.., .. } if !has_lists => Form::Chunks,
        Counts { speckit: 1.., .. } if !is_streamed => Form::SpecKit,
        // Steps among lists of boxes are a part of something else.
        Counts { steps: 1.., .. } if !has_lists && (found.filled > 0 || found.loose == 0) => Form::Steps,
        Counts { sessions: 2.., .. } if !has_lists => Form::Sessions,
        _ if told.is_some() || !outline.tasks.is_empty() => told.unwrap_or(Form::Breakdown),
        Counts { items: 1.., .. } => Form::Checklist,
        Counts { rows: 1.., .. } => named.unwrap_or(Form::Table),
        Counts { tickets: 2.., .. } => named.unwrap_or(Form::Tickets),
        _ => named.unwrap_or(Form::Breakdown),
    };
    (form, Some(outline))
}

fn count(lines: &Lines<'_>) -> Counts {
    let mut found = Counts::default();
    // Level of the heading of a chunk or a step, or of a list of criteria.
    let mut inside: Option<u8> = None;
    for (number, line) in lines.iter().enumerate() {
        let text = lines.text(number);
        match line.kind {
            Kind::Heading(level) => {
                inside = inside.filter(|&above| above < level);
                let label = label::task(text);
                let id = label.as_ref().and_then(|l| l.id.clone()).map_or("", |id| &text[id]);
                let is_task = label.is_some_and(|l| l.is_certain) || id.starts_with(['T', 't']);
                found.tasks += usize::from(is_task);
                let has = |noun| label::named(text, noun).is_some_and(|l| l.is_signed(text));
                let (is_chunk, is_step) = (has("chunk"), has("step"));
                found.chunks += usize::from(is_chunk);
                found.steps += usize::from(is_step);
                found.sessions += usize::from(has("session"));
                found.filled += usize::from((is_chunk || is_step) && is_filled(lines, number));
                found.units += usize::from(is_unit(lines, number));
                if let Some(noun) = NOUNS.into_iter().find(|noun| has(noun)) {
                    let (count, has_order) = found.named.entry(noun).or_default();
                    *count += 1;
                    *has_order |= is_ordered(lines, number);
                }
                let is_closed = is_chunk || is_step || outline::is_excluded(&plain(text).to_lowercase());
                inside = inside.or_else(|| is_closed.then_some(level));
            }
            Kind::Text => {
                found.numbered_boxes += usize::from(
                    label::number(text).is_some_and(|(_, start)| label::checkbox(&text[start..]).is_some()),
                );
                match boxed(text) {
                    Some(Some((item, is_speckit))) => {
                        found.items += usize::from(item.is_plain);
                        found.speckit += usize::from(is_speckit);
                    }
                    Some(None) => found.loose += usize::from(inside.is_none() && line.indent == 0),
                    None => {}
                }
                found.tickets += usize::from(ticket(lines, number).is_some());
            }
            Kind::Row => {
                let is_header = number == 0 || lines.line(number - 1).kind != Kind::Row;
                found.rows += usize::from(is_header && rows::Columns::of(lines, number).is_some());
            }
            _ => {}
        }
    }
    found
}

/// A bullet's box, and its label where it has one.
fn boxed(text: &str) -> Option<Option<(label::Item, bool)>> {
    let start = label::bullet(text)?;
    let (_, length) = label::checkbox(&text[start..])?;
    let text = &text[start + length..];
    Some(label::item(text).map(|item| {
        let is_speckit = is_speckit(text, &item);
        (item, is_speckit)
    }))
}

/// How many boxes a document has that are nothing for want of a label.
pub(super) fn loose_boxes(lines: &Lines<'_>) -> usize {
    count(lines).loose
}

/// Whether an item has spec-kit's label: `T012 Create`, `[T1.1] Create`, `**T012** [P] Create`.
pub(super) fn is_speckit(text: &str, item: &label::Item) -> bool {
    let (id, id_end) = (&text[item.id.clone()], item.id.end);
    // `T1: Title` may be of any list, `T001: Title` and `T1: [P] Title` are spec-kit's.
    let digits = id.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    id.starts_with('T') && digits > 0 && (!item.is_signed || digits > 2 || text[id_end..item.title].contains('['))
}

/// Whether the lines right below a heading say what only a chunk or a step says.
fn is_filled(lines: &Lines<'_>, heading: usize) -> bool {
    below(lines, heading).any(field::is_evidence)
}

/// Whether they say what it waits for.
fn is_ordered(lines: &Lines<'_>, heading: usize) -> bool {
    below(lines, heading).any(|text| field::orders(text).next().is_some())
}

/// The lines of text right below a heading.
fn below<'l>(lines: &'l Lines<'_>, heading: usize) -> impl Iterator<Item = &'l str> {
    const FEW: usize = 60;
    let below = heading + 1..lines.len().min(heading + FEW);
    let is_open = |n: &usize| !matches!(lines.line(*n).kind, Kind::Heading(_));
    below.take_while(is_open).filter(|&n| lines.line(n).kind == Kind::Text).map(|n| lines.text(n))
}

/// Whether a heading is a unit's: right below it stands what its implementation is about.
pub(super) fn is_unit(lines: &Lines<'_>, heading: usize) -> bool {
    const FOCUS: &str = "implementation focus";
    let next = (heading + 1..lines.len()).find(|&n| lines.line(n).kind != Kind::Blank);
    let text = next.filter(|&n| lines.line(n).kind == Kind::Text).map_or("", |n| lines.text(n));
    let text = text.trim_start_matches(['-', '*', ' ', '_']);
    text.get(..FOCUS.len()).is_some_and(|t| t.eq_ignore_ascii_case(FOCUS))
}

/// `**riff-4kh** - Title` on a line of its own with a bullet below: where the id is, and where the title begins.
pub(super) fn ticket(lines: &Lines<'_>, number: usize) -> Option<(std::ops::Range<usize>, usize)> {
    let text = lines.text(number);
    let (inner, behind) = label::bold(text).filter(|_| lines.line(number).indent == 0)?;
    let id = &text[inner.clone()];
    let is_id = !id.contains(char::is_whitespace)
        && id.contains(|c: char| c.is_ascii_digit() || c == '-')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let rest = text[behind..].trim_start();
    let sign = rest.chars().next().filter(|c| matches!(c, '-' | '–' | '—' | ':'))?;
    let title = rest[sign.len_utf8()..].trim_start();
    let has_fields =
        lines.get(number + 1).is_some_and(|l| l.kind == Kind::Text) && label::bullet(lines.text(number + 1)).is_some();
    (is_id && has_fields && !title.is_empty()).then(|| (inner, text.len() - title.len()))
}
