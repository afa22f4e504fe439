//! The graph of a chunk plan: arrows between nodes that name chunks, by `Chunk 2` in their labels or by title.

use super::{
    document::Page,
    inline::plain,
    label,
    lines::{Kind, Lines},
    outline::Owner,
};
use crate::plan::{Arrow, Fault, Label, Name, Needs, Severity, Shown, Written};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

/// Lines that draw no arrow.
const OTHERS: [&str; 11] = [
    "graph",
    "flowchart",
    "subgraph",
    "end",
    "classDef",
    "class",
    "style",
    "linkStyle",
    "click",
    "direction",
    "accTitle",
];
/// More arrows are not looked at.
pub(super) const MOST_ARROWS: usize = 100_000;

/// A node where it is written.
#[derive(Clone, Debug)]
struct Node {
    id: Range<usize>,
    label: Option<Range<usize>>,
}

/// Where the label of each node stands that has one.
type Labels = HashMap<String, Range<usize>>;

/// What a node stands for.
enum Meant {
    /// A task, and where its name stands.
    Task(usize, Range<usize>, bool),
    /// A chunk that is not there, and where it is named.
    Missing(Range<usize>),
}

/// Takes the arrows of all graphs that name tasks. A task that states no dependencies itself has those that are drawn.
pub(super) fn arrows(lines: &Lines<'_>, page: &mut Page, faults: &mut Vec<Fault>) {
    let (edges, labels) = drawn(lines, page);
    let meant = meant(lines, page, &edges, &labels);
    let is_known = |node: &Node| matches!(meant.get(&lines.source[node.id.clone()]), Some(Meant::Task(..)));
    if !edges.iter().any(|(a, b)| is_known(a) && is_known(b)) {
        // A graph of something else is context.
        return;
    }
    let mut told = BTreeSet::new();
    let mut drawn: BTreeMap<usize, Vec<(usize, Range<usize>, bool)>> = BTreeMap::new();
    for (from, to) in &edges {
        for node in [from, to] {
            if let Some(Meant::Missing(at)) = meant.get(&lines.source[node.id.clone()])
                && told.insert(at.start)
            {
                faults.push(missing(lines, at));
            }
        }
        let (Some(Meant::Task(before, at, is_id)), Some(Meant::Task(after, ..))) =
            (meant.get(&lines.source[from.id.clone()]), meant.get(&lines.source[to.id.clone()]))
        else {
            continue;
        };
        let end = to.label.as_ref().map_or(to.id.end, |l| l.end);
        let span = lines.span(from.id.start, end);
        page.draft.arrows.push(Arrow { before: *before, after: *after, at: span, by: Shown::Graph });
        drawn.entry(*after).or_default().push((*before, at.clone(), *is_id));
    }
    for (after, before) in drawn {
        let own = &mut page.draft.tasks[after].needs;
        if own.is_empty() {
            own.extend(before.into_iter().map(|(_, at, is_id)| needs(lines, &at, is_id)));
        }
    }
}

fn needs(lines: &Lines<'_>, at: &Range<usize>, is_id: bool) -> Needs {
    let text = Written { value: plain(&lines.source[at.clone()]), at: lines.span(at.start, at.end) };
    let name = match is_id {
        true => Name::Task { id: lines.source[at.clone()].to_owned(), plain: true },
        false => Name::Words(text.value.clone()),
    };
    Needs { names: vec![Written { value: name, at: text.at }], text }
}

fn missing(lines: &Lines<'_>, at: &Range<usize>) -> Fault {
    let name = plain(&lines.source[at.clone()]);
    let text = format!("there is no {} {name}, which this graph draws", lines.noun);
    let labels = vec![Label { at: lines.span(at.start, at.end), text: String::new() }];
    let help = Some("take it out of the graph, or write its section".to_owned());
    Fault { severity: Severity::Error, code: "unknown-dependency", text, labels, help }
}

/// All arrows, and the label of each node that has one.
fn drawn(lines: &Lines<'_>, page: &Page) -> (Vec<(Node, Node)>, Labels) {
    let (mut edges, mut labels) = (Vec::new(), HashMap::new());
    for (number, line) in lines.iter().enumerate() {
        let Kind::Fence(place) = line.kind else { continue };
        let fence = &lines.fences[place as usize];
        let is_graph = fence.info.split(|c: char| !c.is_alphanumeric()).any(|w| w.eq_ignore_ascii_case("mermaid"));
        if !is_graph || matches!(page.outline.owners[number], Owner::Task(_)) {
            continue;
        }
        for row in number + 1..fence.close {
            let line = lines.line(row);
            let text = &lines.source[line.text..line.end.max(line.text)];
            let word = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            if text.starts_with("%%") || OTHERS.contains(&word) {
                continue;
            }
            statement(lines.source, line.text..line.end, &mut edges, &mut labels);
            if edges.len() > MOST_ARROWS {
                return (Vec::new(), Labels::new());
            }
        }
    }
    (edges, labels)
}

/// `A[Chunk 1: [Name]] --> B & C -->|x| D`
fn statement(source: &str, range: Range<usize>, edges: &mut Vec<(Node, Node)>, labels: &mut Labels) {
    let mut at = range.start;
    let (mut left, mut is_arrow): (Vec<Node>, bool) = (Vec::new(), false);
    while at < range.end {
        let mut group = Vec::new();
        while let Some((node, end)) = node(source, at..range.end) {
            if let Some(label) = &node.label {
                labels.entry(source[node.id.clone()].to_owned()).or_insert_with(|| label.clone());
            }
            group.push(node);
            let rest = source[end..range.end].trim_start();
            at = range.end - rest.len();
            let Some(more) = rest.strip_prefix('&') else { break };
            at = range.end - more.trim_start().len();
        }
        if is_arrow && left.len() * group.len() <= MOST_ARROWS {
            edges.extend(left.iter().flat_map(|a| group.iter().map(move |b| (a.clone(), b.clone()))));
        }
        let Some((is_directed, end)) = link(&source[at..range.end]).filter(|_| !group.is_empty()) else {
            // Another statement of the same line.
            match source[at..range.end].find(';') {
                Some(next) => (at, left, is_arrow) = (at + next + 1, Vec::new(), false),
                None => return,
            }
            continue;
        };
        (left, is_arrow) = (group, is_directed);
        at += end;
    }
}

/// A node at this place, and where it ends.
fn node(source: &str, range: Range<usize>) -> Option<(Node, usize)> {
    let text = &source[range.clone()];
    let start = text.len() - text.trim_start().len();
    let mut length = 0;
    for (at, c) in text[start..].char_indices() {
        // A dash goes on with a name where a letter follows; two begin an arrow.
        let is_dash = c == '-' && at > 0 && text[start + at + 1..].starts_with(char::is_alphanumeric);
        if !(c.is_alphanumeric() || c == '_' || c == '.' || is_dash) {
            break;
        }
        length = at + c.len_utf8();
    }
    if length == 0 {
        return None;
    }
    let id = range.start + start..range.start + start + length;
    let mut end = id.end;
    let mut label = None;
    if source[end..range.end].starts_with(['[', '(', '{', '>']) {
        let inner = shape(&source[end..range.end])?;
        label = Some(unquoted(source, end + inner.start..end + inner.end));
        end += inner.end + 1;
    }
    if let Some(class) = source[end..range.end].strip_prefix(":::") {
        end = range.end - class.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').len();
    }
    Some((Node { id, label }, end))
}

/// What stands between the outermost brackets.
fn shape(text: &str) -> Option<Range<usize>> {
    let (mut depth, mut is_quoted) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '[' | '(' | '{' if !is_quoted => depth += 1,
            '>' if at == 0 => depth += 1,
            ']' | ')' | '}' if !is_quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(1..at);
                }
            }
            _ => {}
        }
    }
    None
}

fn unquoted(source: &str, range: Range<usize>) -> Range<usize> {
    let text = &source[range.clone()];
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '"' | '`' | '(' | '{' | '}' | ')');
    let start = range.start + text.len() - text.trim_start_matches(is_edge).len();
    start..(start + text.trim_matches(is_edge).len())
}

/// An arrow or a line at the start: whether it has a direction, and where the text goes on.
fn link(text: &str) -> Option<(bool, usize)> {
    let is_sign = |c: char| matches!(c, '-' | '=' | '.' | '~' | '<' | '>');
    let length = text.len() - text.trim_start_matches(is_sign).len();
    if length < 2 {
        return None;
    }
    let mut is_directed = text[..length].ends_with('>');
    let mut end = length;
    if !is_directed && length <= 3 && !text.starts_with('~') {
        // `-- text -->`
        let close =
            ["-->", "==>", ".->"].iter().filter_map(|s| text[length..].find(s).map(|n| length + n + s.len())).min();
        if let Some(close) = close.filter(|_| !text.starts_with("---")) {
            (is_directed, end) = (true, close);
        }
    }
    // `--x` and `--o` end in a cross and in a circle.
    let is_ended = ["x ", "o "].iter().any(|e| text[end..].starts_with(e));
    let rest = text[end + usize::from(is_ended)..].trim_start();
    end = text.len() - rest.len();
    if let Some(remark) = rest.strip_prefix('|') {
        end += 1 + remark.find('|')? + 1;
    }
    Some((is_directed, end))
}

/// What each node stands for, by its id in the graph.
fn meant(lines: &Lines<'_>, page: &Page, edges: &[(Node, Node)], labels: &Labels) -> HashMap<String, Meant> {
    let names = page.index();
    let mut meant = HashMap::new();
    for node in edges.iter().flat_map(|(a, b)| [a, b]) {
        let name = &lines.source[node.id.clone()];
        if meant.contains_key(name) {
            continue;
        }
        let label = labels.get(name);
        let at = label.cloned().unwrap_or_else(|| node.id.clone());
        let text = &lines.source[at.clone()];
        let found = match numbered(text, lines.noun, label.is_none()) {
            Some(id) => {
                let task = names.id(&text[id.clone()]);
                let at = at.start + id.start..at.start + id.end;
                Some(task.map_or_else(|| Meant::Missing(at.clone()), |task| Meant::Task(task, at.clone(), true)))
            }
            None => names.title(text).map(|task| Meant::Task(task, at, false)),
        };
        // A node of which only the letters look like a chunk's may be anything.
        if let Some(found) = found.filter(|f| label.is_some() || matches!(f, Meant::Task(..))) {
            meant.insert(name.to_owned(), found);
        }
    }
    meant
}

/// Where the id stands in `Chunk 2: Name`; in a bare node also in `Chunk2`, `C2` and `2`.
fn numbered(text: &str, noun: &str, is_bare: bool) -> Option<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let id_at = |at: usize| {
        let length = label::id_length(&text[at..]);
        (length > 0).then_some(at..at + length)
    };
    let behind = |word: &str| {
        let at = lower.find(word)? + word.len();
        let gap = text[at..].trim_start_matches([' ', '-', '_', '#', '[']);
        id_at(text.len() - gap.len())
    };
    let bare = || {
        let digits = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '-');
        let is_short = text.len() - digits.len() <= 1;
        id_at(text.len() - digits.len()).filter(|_| is_bare && is_short)
    };
    behind(noun).or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let (mut edges, mut labels) = (Vec::new(), HashMap::new());
        statement(text, 0..text.len(), &mut edges, &mut labels);
        let name = |n: &Node| {
            labels.get(&text[n.id.clone()]).map_or_else(|| &text[n.id.clone()], |l| &text[l.clone()]).to_owned()
        };
        edges.iter().map(|(a, b)| format!("{}>{}", name(a), name(b))).collect()
    }

    #[test]
    fn arrows_are_read_in_all_their_forms() {
        assert_eq!(read("A[Chunk 1: [Name]] --> B(\"Chunk 2\")"), ["Chunk 1: [Name]>Chunk 2"]);
        assert_eq!(read("A --> B & C -->|then| D;E==>F"), ["A>B", "A>C", "B>D", "C>D", "E>F"]);
        assert_eq!(read("A -- needs --> B -.-> C --x D"), ["A>B", "B>C"]);
        assert_eq!(read("A --- B ~~~ C"), Vec::<String>::new());
        assert_eq!(read("chunk-1 --> chunk_2:::done --> C3{{x}}"), ["chunk-1>chunk_2", "chunk_2>x"]);
        assert_eq!(read("A[never closed --> B"), Vec::<String>::new());
    }

    #[test]
    fn a_node_names_a_chunk_by_its_number() {
        let id = |text: &'static str, is_bare| numbered(text, "chunk", is_bare).map(|r| &text[r]);
        assert_eq!((id("Chunk 2: Two", false), id("Setup (chunk 3)", false)), (Some("2"), Some("3")));
        assert_eq!((id("Chunk2", true), id("C4", true), id("5", true)), (Some("2"), Some("4"), Some("5")));
        assert_eq!((id("C4", false), id("Database", true)), (None, None));
    }
}
