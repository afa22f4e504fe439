//! Java: methods and constructors with a body. What calls another constructor goes on doing so.

use super::{
    filling::WORDS,
    function::{Edit, Edits, Site, Step, inside},
    syntax::{field, parts, pieces, words},
};
use std::collections::BTreeMap;
use tree_sitter::Node;

/// What sets the fields of each class that have to be set, by the class's body.
pub(super) type Fields = BTreeMap<usize, Option<String>>;

/// Bytes of what sets fields.
const LONGEST: usize = 2_000;

pub(super) fn step<'t>(node: Node<'t>, text: &str) -> Step<'t> {
    match node.kind() {
        "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
            match node.child_by_field_name("body") {
                Some(body) => Step::Function(Site::new(field(node, "name", text), node, body)),
                None => Step::Past,
            }
        }
        "class_declaration"
        | "interface_declaration"
        | "enum_declaration"
        | "record_declaration"
        | "annotation_type_declaration" => Step::Within(field(node, "name", text).to_owned()),
        "import_declaration" | "package_declaration" => Step::Past,
        _ => Step::Into,
    }
}

pub(super) fn edits(site: &Site<'_>, text: &str, known: &mut Fields) -> Option<Edits> {
    let statements = parts(site.body);
    let call = statements.first().filter(|first| first.kind() == "explicit_constructor_invocation");
    if statements.len() == usize::from(call.is_some()) {
        return None;
    }
    let at = call.map_or_else(|| inside(site.body), Node::end_byte);
    let guard = |guard: String| vec![Edit::before(at, format!(" if (true) {{ {guard} }}"))];
    let zero = match site.node.kind() {
        "method_declaration" => Some(match zero(field(site.node, "type", text)) {
            "" => "return;".to_owned(),
            zero => format!("return {zero};"),
        }),
        // What calls another one of its class has had its fields set by that.
        "constructor_declaration" => match call {
            Some(call) if words(*call, text).trim_start().starts_with("this") => Some("return;".to_owned()),
            _ => {
                let body = site.within.parent?;
                let set = known.entry(body.id()).or_insert_with(|| fields(site, body, text));
                set.as_ref().map(|set| format!("{set}return;"))
            }
        },
        // A compact constructor has no way out but its end.
        _ => None,
    };
    let panic = format!("throw new java.lang.UnsupportedOperationException(\"{WORDS}\");");
    Some(Edits { zero: zero.map(guard), panic: guard(panic) })
}

/// What sets the fields that have to be set. `None` where that is not known.
fn fields(constructor: &Site<'_>, body: Node<'_>, text: &str) -> Option<String> {
    if constructor.within.grandparent.is_some_and(|class| class.kind() == "record_declaration") {
        return None;
    }
    let mut set = String::new();
    for member in parts(body) {
        match member.kind() {
            // It may set any of them, or ask for what was set.
            "block" => return None,
            "field_declaration" => {}
            _ => continue,
        }
        let modifiers = pieces(member).into_iter().find(|piece| piece.kind() == "modifiers");
        let modifiers: Vec<&str> = modifiers.map(|m| words(m, text).split_whitespace().collect()).unwrap_or_default();
        if !modifiers.contains(&"final") || modifiers.contains(&"static") {
            continue;
        }
        for name in parts(member).into_iter().filter(|part| part.kind() == "variable_declarator") {
            if name.child_by_field_name("value").is_none() {
                let zero = match name.child_by_field_name("dimensions") {
                    Some(_) => "null",
                    None => zero(field(member, "type", text)),
                };
                set.push_str(&format!("this.{} = {zero}; ", field(name, "name", text)));
            }
        }
    }
    (set.len() <= LONGEST).then_some(set)
}

fn zero(said: &str) -> &'static str {
    match said {
        "void" => "",
        "boolean" => "false",
        "byte" | "short" | "int" | "long" | "char" | "float" | "double" => "0",
        _ => "null",
    }
}
