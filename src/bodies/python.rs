//! Python: functions, methods, and the lambdas of modules and classes. Docstrings stay, and a generator stays one.

use super::{
    filling::WORDS,
    function::{Edit, Edits, Site, Step},
    syntax::{each, field, parts, words},
};
use tree_sitter::Node;

pub(super) fn step<'t>(node: Node<'t>, text: &str) -> Step<'t> {
    match node.kind() {
        "function_definition" | "lambda" => match node.child_by_field_name("body") {
            Some(body) => Step::Function(Site::new(field(node, "name", text), node, body)),
            None => Step::Past,
        },
        "class_definition" => Step::Within(field(node, "name", text).to_owned()),
        "assignment" => Step::Within(field(node, "left", text).chars().take(60).collect()),
        _ => Step::Into,
    }
}

pub(super) fn edits(site: &Site<'_>, text: &str) -> Option<Edits> {
    if site.node.kind() == "lambda" {
        let raise = format!("(_ for _ in ()).throw(NotImplementedError(\"{WORDS}\")) if True else (");
        let panic = vec![Edit::before(site.body.start_byte(), raise), Edit::before(site.body.end_byte(), ")")];
        return Some(Edits { zero: None, panic });
    }
    let mut statements = parts(site.body).into_iter().peekable();
    statements.next_if(|first| is_text(*first));
    let mut rest = statements.collect::<Vec<_>>().into_iter().peekable();
    // What a class has set up by its parents stays set up.
    if site.name == "__init__" {
        while rest.next_if(|next| words(*next, text).starts_with("super().__init__(")).is_some() {}
    }
    let first = *rest.peek()?;
    if rest.all(|statement| is_nothing(statement, text)) {
        return None;
    }
    let guard = |statement: String| {
        let at = first.start_byte();
        let line = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        let blanks = text.get(line..at).unwrap_or_default();
        let is_own_line = blanks.chars().all(|c| matches!(c, ' ' | '\t' | '\u{c}'));
        let end = if is_own_line { format!("\n{blanks}") } else { "; ".to_owned() };
        vec![Edit::before(at, format!("{statement}{end}"))]
    };
    let zero = if is_generator(site.body) || site.name == "__init__" {
        Some("return".to_owned())
    } else {
        zero(field(site.node, "return_type", text)).map(|zero| format!("return {zero}"))
    };
    Some(Edits { zero: zero.map(guard), panic: guard(format!("raise NotImplementedError(\"{WORDS}\")")) })
}

fn is_text(statement: Node<'_>) -> bool {
    let only = parts(statement);
    statement.kind() == "expression_statement"
        && only.len() == 1
        && matches!(only[0].kind(), "string" | "concatenated_string")
}

/// `pass`, `...`: nobody has written anything yet, or a class leaves it to its heirs.
fn is_nothing(statement: Node<'_>, text: &str) -> bool {
    statement.kind() == "pass_statement" || words(statement, text) == "..." || is_text(statement)
}

/// Whether it yields itself, and not what stands in it.
fn is_generator(body: Node<'_>) -> bool {
    let mut yields = false;
    each(
        body,
        |cursor| {
            yields |= cursor.node().kind() == "yield";
            !matches!(cursor.node().kind(), "function_definition" | "lambda" | "class_definition")
        },
        |_| {},
    );
    yields
}

/// The zero value of an annotation.
fn zero(annotation: &str) -> Option<&'static str> {
    let said = annotation.trim().trim_matches(['"', '\'']).trim();
    if said.split('|').any(|part| part.trim() == "None") {
        return Some("None");
    }
    let (of, _) = said.split_once('[').unwrap_or((said, ""));
    if said.contains('|') {
        return None;
    }
    Some(match of.rsplit('.').next()?.trim() {
        "None" | "Optional" => "None",
        "int" => "0",
        "float" => "0.0",
        "complex" => "0j",
        "bool" => "False",
        "str" | "LiteralString" => "\"\"",
        "bytes" => "b\"\"",
        "bytearray" => "bytearray()",
        "list" | "List" | "Sequence" | "MutableSequence" | "Iterable" | "Collection" => "[]",
        "dict" | "Dict" | "Mapping" | "MutableMapping" => "{}",
        "set" | "Set" | "AbstractSet" | "MutableSet" => "set()",
        "frozenset" | "FrozenSet" => "frozenset()",
        "tuple" if said == "tuple" => "()",
        "Iterator" => "iter(())",
        _ => return None,
    })
}
