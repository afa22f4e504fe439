//! JavaScript and TypeScript: functions, methods, accessors, arrows. `super(...)` and directives stay where they are.

use super::{
    filling::WORDS,
    function::{Edit, Edits, Site, Step, inside},
    syntax::{field, parts, words},
};
use tree_sitter::Node;

pub(super) fn step<'t>(node: Node<'t>, text: &str) -> Step<'t> {
    match node.kind() {
        "function_declaration"
        | "generator_function_declaration"
        | "function_expression"
        | "generator_function"
        | "arrow_function"
        | "method_definition" => match node.child_by_field_name("body") {
            Some(body) => Step::Function(Site::new(own(node, text), node, body)),
            None => Step::Past,
        },
        "class_declaration"
        | "class"
        | "abstract_class_declaration"
        | "internal_module"
        | "module"
        | "variable_declarator" => Step::Within(field(node, "name", text).chars().take(60).collect()),
        "pair" => Step::Within(field(node, "key", text).chars().take(60).collect()),
        "field_definition" | "public_field_definition" => {
            let name = node.child_by_field_name("name").or_else(|| node.child_by_field_name("property"));
            Step::Within(name.map(|name| words(name, text).chars().take(60).collect()).unwrap_or_default())
        }
        "assignment_expression" => Step::Within(field(node, "left", text).chars().take(60).collect()),
        "import_statement" | "interface_declaration" | "type_alias_declaration" | "ambient_declaration" => Step::Past,
        _ => Step::Into,
    }
}

/// A getter is not the setter of the same name.
fn own(node: Node<'_>, text: &str) -> String {
    let name = field(node, "name", text);
    let mut cursor = node.walk();
    let kind = node.children(&mut cursor).find(|child| matches!(child.kind(), "get" | "set"));
    match kind.filter(|_| node.kind() == "method_definition") {
        Some(kind) => format!("{} {name}", kind.kind()),
        None => name.to_owned(),
    }
}

pub(super) fn edits(site: &Site<'_>, text: &str) -> Option<Edits> {
    let value = returned(site.node, text).and_then(|said| zero(&said));
    let zero = value.map(|zero| if zero.is_empty() { "return;".to_owned() } else { format!("return {zero};") });
    let panic = format!("throw new Error(\"{WORDS}\");");
    // Not `true`: what is behind that is known to be out of reach, and may not be there.
    let guard = |what: &str| format!(" if (1) {what}");
    if site.body.kind() != "statement_block" {
        let wrapped = |what: String| {
            let open = format!("{{{} return (", guard(&what));
            vec![Edit::before(site.body.start_byte(), open), Edit::before(site.body.end_byte(), "); }")]
        };
        return Some(Edits { zero: zero.map(wrapped), panic: wrapped(panic) });
    }
    let statements = parts(site.body);
    if statements.is_empty() {
        return None;
    }
    let is_constructor = site.node.kind() == "method_definition" && site.name == "constructor";
    let calls_parent = |statement: &&Node<'_>| {
        let call = parts(**statement).first().copied().filter(|call| call.kind() == "call_expression");
        let function = call.and_then(|call| call.child_by_field_name("function"));
        statement.kind() == "expression_statement" && function.is_some_and(|function| function.kind() == "super")
    };
    let parent = statements.iter().filter(|_| is_constructor).find(calls_parent);
    if statements.len() == 1 && parent.is_some() {
        return None;
    }
    let is_directive = |statement: &&Node<'_>| {
        statement.kind() == "expression_statement"
            && parts(**statement).first().is_some_and(|part| part.kind() == "string")
    };
    let directive = statements.iter().take_while(is_directive).last();
    let at = parent.or(directive).map_or_else(|| inside(site.body), Node::end_byte);
    let put = |what: String| vec![Edit::before(at, guard(&what))];
    let zero = if is_constructor {
        // An heir that has not called its parent's has nothing to return.
        let is_heir = site
            .within
            .grandparent
            .is_some_and(|class| parts(class).iter().any(|part| part.kind() == "class_heritage"));
        (!is_heir || parent.is_some()).then(|| "return;".to_owned())
    } else {
        zero
    };
    Some(Edits { zero: zero.map(put), panic: put(panic) })
}

/// What a function is said to return; of a promise, what it brings.
fn returned(node: Node<'_>, text: &str) -> Option<String> {
    let mut cursor = node.walk();
    let keywords: Vec<&str> = node.children(&mut cursor).map(|child| child.kind()).collect();
    if keywords.contains(&"*") {
        return Some("void".to_owned());
    }
    if keywords.contains(&"set") && node.kind() == "method_definition" {
        return Some("void".to_owned());
    }
    let said = field(node, "return_type", text).trim_start_matches(':').trim();
    if said.is_empty() {
        return None;
    }
    let promised = said.strip_prefix("Promise<").and_then(|rest| rest.strip_suffix('>'));
    match (keywords.contains(&"async"), promised) {
        (true, Some(promised)) => Some(promised.trim().to_owned()),
        (false, None) => Some(said.to_owned()),
        _ => None,
    }
}

/// The zero value of a type, as an expression; empty where nothing is returned.
fn zero(said: &str) -> Option<&'static str> {
    let is_list = said.ends_with("[]") || said.starts_with("Array<") || said.starts_with("ReadonlyArray<");
    let parts: Vec<&str> = said.split('|').map(str::trim).collect();
    Some(match said {
        "void" | "undefined" => "",
        "number" => "0",
        "bigint" => "BigInt(0)",
        "string" => "\"\"",
        "boolean" => "false",
        "null" => "null",
        _ if said.contains(" is ") && !said.starts_with("asserts ") => "false",
        _ if parts.len() > 1 && parts.contains(&"undefined") => "undefined",
        _ if parts.len() > 1 && parts.contains(&"null") => "null",
        _ if is_list && parts.len() == 1 && !said.contains("=>") => "[]",
        _ if said.starts_with("Map<") && said.ends_with('>') => "new Map()",
        _ if said.starts_with("Set<") && said.ends_with('>') => "new Set()",
        _ => return None,
    })
}
