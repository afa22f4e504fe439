//! An outline: the functions of a text, outermost ones only, and the names that it has and declares.

use super::{
    Function, Language, ecmascript, elixir,
    function::{Body, Edits, Site, Step, Within, is_name, line},
    go, java, python, rust,
    syntax::{Unread, each, tree, words},
};
use std::collections::BTreeSet;
use tree_sitter::{Node, TreeCursor};

/// What was read of a text.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// In the order written; none stands in another.
    pub(super) functions: Vec<Function>,
    /// Functions with what is no syntax of the language in them: their names and lines.
    pub(super) broken: Vec<(String, u32)>,
    /// What has functions in it that the grammar takes for mere words: its name, its line, and all of it.
    pub(super) hidden: Vec<(String, u32, String)>,
    /// Whether there is such a thing anywhere.
    pub(super) has_error: bool,
    /// Every name in it.
    pub(super) names: BTreeSet<String>,
    /// The names that it declares.
    pub(super) declared: BTreeSet<String>,
}

/// Levels of names that are told.
const DEEPEST: usize = 32;

/// Reads a text.
pub(super) fn outline(language: Language, text: &str) -> Result<Outline, Unread> {
    let tree = tree(language, text)?;
    let root = tree.root_node();
    let mut outline = Outline { has_error: root.has_error(), ..Outline::default() };
    let mut file = rust::File::default();
    let sites = sites(language, root, text, &mut file, &mut outline.hidden);
    let mut fields = java::Fields::default();
    for (path, site) in sites {
        let name = named(language, &path, &site.name);
        let at = line(site.node);
        if site.node.has_error() {
            outline.broken.push((name, at));
            continue;
        }
        let edits = match language {
            Language::Rust => rust::edits(&site, text, &file),
            Language::Python => python::edits(&site, text),
            Language::JavaScript | Language::TypeScript | Language::Tsx => ecmascript::edits(&site, text),
            Language::Go => go::edits(&site, text),
            Language::Java => java::edits(&site, text, &mut fields),
            Language::Elixir => elixir::edits(&site),
        };
        let Some(edits) = edits.filter(|edits| is_in(edits, &site)) else { continue };
        let body = Body::of(site.body, text);
        outline.functions.push(Function { name, line: at, own: site.name, span: site.node.byte_range(), body, edits });
    }
    names(language, root, text, &mut outline);
    Ok(outline)
}

/// Whether all edits are in the function, one behind the other: what is elsewhere is never touched.
fn is_in(edits: &Edits, site: &Site<'_>) -> bool {
    let all_in = |edits: &[super::function::Edit]| {
        let mut at = site.node.start_byte();
        edits.iter().all(|edit| {
            let is_in = edit.range.start >= at && edit.range.end >= edit.range.start;
            at = edit.range.end;
            is_in && at <= site.node.end_byte()
        })
    };
    !edits.panic.is_empty() && all_in(&edits.panic) && edits.zero.as_deref().is_none_or(all_in)
}

fn named(language: Language, path: &[String], own: &str) -> String {
    let joint = if language == Language::Rust { "::" } else { "." };
    let mut parts: Vec<&str> = path.iter().map(String::as_str).collect();
    parts.push(own);
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() { "(a function without a name)".to_owned() } else { parts.join(joint) }
}

fn step<'t>(language: Language, node: Node<'t>, text: &str, file: &mut rust::File<'t>) -> Step<'t> {
    match language {
        Language::Rust => rust::step(node, text, file),
        Language::Python => python::step(node, text),
        Language::JavaScript | Language::TypeScript | Language::Tsx => ecmascript::step(node, text),
        Language::Go => go::step(node, text),
        Language::Java => java::step(node, text),
        Language::Elixir => elixir::step(node, text),
    }
}

/// What a walk is in.
struct Level<'t> {
    node: Option<Node<'t>>,
    /// It has put a name on the path.
    is_named: bool,
    /// What comes next in it is for tests.
    is_test: bool,
}

/// Where the functions stand, each with the names around it.
fn sites<'t>(
    language: Language,
    root: Node<'t>,
    text: &str,
    file: &mut rust::File<'t>,
    hidden: &mut Vec<(String, u32, String)>,
) -> Vec<(Vec<String>, Site<'t>)> {
    let mut found = Vec::new();
    let mut cursor: TreeCursor<'t> = root.walk();
    let mut levels = vec![Level { node: None, is_named: false, is_test: false }];
    let mut path: Vec<String> = Vec::new();
    loop {
        let node = cursor.node();
        let is_test = levels.last().is_some_and(|level| level.is_test);
        let mut next = if node.is_extra() { Step::Past } else { step(language, node, text, file) };
        let is_mark = matches!(next, Step::Test);
        if let Some(level) = levels.last_mut()
            && !node.is_extra()
            && !(is_test && rust::is_attribute(node))
        {
            level.is_test = is_mark;
        }
        if is_test {
            next = Step::Past;
        }
        let within = match next {
            Step::Into => Some(None),
            Step::Within(name) => Some(Some(name)),
            Step::Past | Step::Test => None,
            Step::Hidden(name) => {
                hidden.push((name, line(node), words(node, text).to_owned()));
                None
            }
            Step::Function(site) => {
                let up = |levels_up: usize| levels.len().checked_sub(levels_up).and_then(|at| levels[at].node);
                let within = Within { parent: up(1), grandparent: up(2) };
                found.push((path.iter().take(DEEPEST).cloned().collect(), Site { within, ..site }));
                None
            }
        };
        if let Some(name) = within
            && cursor.goto_first_child()
        {
            levels.push(Level { node: Some(node), is_named: name.is_some(), is_test: false });
            path.extend(name);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
            if levels.pop().is_some_and(|level| level.is_named) {
                path.pop();
            }
        }
    }
}

/// Fields of nodes under which a name is declared.
const DECLARING: [&str; 6] = ["name", "pattern", "left", "parameter", "alias", "parameters"];

/// Nodes whose names are used, whatever the field is called.
const USING: [&str; 10] = [
    "scoped_identifier",
    "scoped_type_identifier",
    "keyword_argument",
    "method_invocation",
    "qualified_type",
    "jsx_opening_element",
    "jsx_closing_element",
    "jsx_self_closing_element",
    "named_type",
    "nested_type_identifier",
];

/// Nodes in which every name is declared.
const LISTS: [&str; 8] = [
    "parameters",
    "closure_parameters",
    "formal_parameters",
    "lambda_parameters",
    "tuple_pattern",
    "pattern_list",
    "array_pattern",
    "inferred_parameters",
];

fn names(language: Language, root: Node<'_>, text: &str, outline: &mut Outline) {
    let (names, declared) = (&mut outline.names, &mut outline.declared);
    let kinds = std::cell::RefCell::new(Vec::<&str>::new());
    each(
        root,
        |cursor| {
            let node = cursor.node();
            if is_name(node) {
                let name = words(node, text);
                let around = kinds.borrow().last().copied().unwrap_or_default();
                let is_declared = LISTS.contains(&around)
                    || (cursor.field_name().is_some_and(|field| DECLARING.contains(&field)) && !USING.contains(&around))
                    // What an Elixir file defines is the target of a call in `def`'s arguments.
                    || (language == Language::Elixir && around == "call");
                if is_declared && !declared.contains(name) {
                    declared.insert(name.to_owned());
                }
                if !names.contains(name) {
                    names.insert(name.to_owned());
                }
            }
            kinds.borrow_mut().push(node.kind());
            true
        },
        |_| {
            kinds.borrow_mut().pop();
        },
    );
}
