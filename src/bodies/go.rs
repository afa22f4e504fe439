//! Go: functions, methods, and functions of variables. Every type has a zero value.

use super::{
    filling::WORDS,
    function::{Edit, Edits, Site, Step, inside},
    syntax::{field, parts, words},
};
use tree_sitter::Node;

pub(super) fn step<'t>(node: Node<'t>, text: &str) -> Step<'t> {
    match node.kind() {
        "function_declaration" | "method_declaration" | "func_literal" => match node.child_by_field_name("body") {
            Some(body) => {
                let own = field(node, "name", text);
                let receiver = node.child_by_field_name("receiver").map(|list| base(list, text)).unwrap_or_default();
                let name = if receiver.is_empty() { own.to_owned() } else { format!("{receiver}.{own}") };
                Step::Function(Site::new(name, node, body))
            }
            None => Step::Past,
        },
        "import_declaration" | "type_declaration" => Step::Past,
        "var_spec" | "const_spec" => Step::Within(field(node, "name", text).to_owned()),
        _ => Step::Into,
    }
}

/// The receiver's type: `Cart` of `(c *Cart[T])`.
fn base(list: Node<'_>, text: &str) -> String {
    let said = parts(list).first().map(|one| field(*one, "type", text)).unwrap_or_default();
    said.trim_start_matches('*').split('[').next().unwrap_or_default().trim().to_owned()
}

pub(super) fn edits(site: &Site<'_>, text: &str) -> Option<Edits> {
    if parts(site.body).is_empty() {
        return None;
    }
    let at = inside(site.body);
    let guard = |guard: String| vec![Edit::before(at, format!(" if true {{ {guard} }};"))];
    let zero = match site.node.child_by_field_name("result") {
        None => "return".to_owned(),
        Some(result) => zeros(result, text),
    };
    Some(Edits { zero: Some(guard(zero)), panic: guard(format!("panic(\"{WORDS}\")")) })
}

fn zeros(result: Node<'_>, text: &str) -> String {
    if result.kind() != "parameter_list" {
        return format!("return {}", zero(words(result, text)));
    }
    let results = parts(result);
    // Results that have names are zero until they are set.
    if results.iter().any(|one| one.child_by_field_name("name").is_some()) {
        return "return".to_owned();
    }
    let zeros: Vec<String> = results.iter().map(|one| zero(field(*one, "type", text))).collect();
    format!("return {}", zeros.join(", "))
}

fn zero(said: &str) -> String {
    match said {
        "bool" => "false".to_owned(),
        "string" => "\"\"".to_owned(),
        "error" | "any" => "nil".to_owned(),
        "int" | "int8" | "int16" | "int32" | "int64" | "uint" | "uint8" | "uint16" | "uint32" | "uint64"
        | "uintptr" | "byte" | "rune" | "float32" | "float64" => "0".to_owned(),
        _ if said.starts_with(['*', '[']) && !said.starts_with("[")
            || said.starts_with("[]")
            || said.starts_with("map[") =>
        {
            "nil".to_owned()
        }
        // Whatever the type is.
        _ => format!("*new({})", said.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}
