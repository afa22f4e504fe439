//! Rust: functions, methods, and closures of constants. What is for tests is left alone.

use super::{
    filling::WORDS,
    function::{Edit, Edits, Site, Step, inside},
    rust_zero::{Return, zero},
    syntax::{field, parts, pieces, words},
};
use std::collections::BTreeMap;
use tree_sitter::Node;

/// What the types of a file are, by name; `None` where two have the same.
#[derive(Default)]
pub(super) struct File<'t> {
    pub(super) types: BTreeMap<String, Option<Type<'t>>>,
    /// Whether the attributes before the next item derive `Default`.
    derives: bool,
}

/// A type that a file defines.
#[derive(Clone, Copy)]
pub(super) struct Type<'t> {
    pub(super) node: Node<'t>,
    pub(super) has_default: bool,
}

/// Attributes that make a function a test, by the last part of their path.
const TESTS: [&str; 8] =
    ["test", "rstest", "test_case", "quickcheck", "gtest", "wasm_bindgen_test", "parameterized", "test_matrix"];

pub(super) fn is_attribute(node: Node<'_>) -> bool {
    node.kind() == "attribute_item"
}

pub(super) fn step<'t>(node: Node<'t>, text: &str, file: &mut File<'t>) -> Step<'t> {
    let derives = std::mem::take(&mut file.derives);
    match node.kind() {
        "attribute_item" => {
            let words: String = words(node, text).chars().filter(|c| !c.is_whitespace()).collect();
            file.derives = derives || (words.starts_with("#[derive(") && words.contains("Default"));
            if is_for_tests(&words) { Step::Test } else { Step::Past }
        }
        "struct_item" | "enum_item" | "type_item" => {
            let known = Type { node, has_default: derives };
            let name = field(node, "name", text).to_owned();
            file.types.entry(name).and_modify(|known| *known = None).or_insert(Some(known));
            Step::Past
        }
        "mod_item" | "trait_item" => Step::Within(field(node, "name", text).to_owned()),
        "impl_item" => {
            let (of, what) = (field(node, "type", text), field(node, "trait", text));
            let of: String = of.split_whitespace().collect();
            Step::Within(if what.is_empty() { of } else { format!("<{of} as {what}>") })
        }
        "function_item" | "closure_expression" => match node.child_by_field_name("body") {
            Some(body) => Step::Function(Site::new(field(node, "name", text), node, body)),
            None => Step::Past,
        },
        "const_item" | "static_item" => Step::Within(field(node, "name", text).to_owned()),
        "macro_definition" if has_functions(node, text) => {
            Step::Hidden(format!("macro_rules! {}", field(node, "name", text)))
        }
        "macro_invocation" if has_functions(node, text) => Step::Hidden(format!("{}!", field(node, "macro", text))),
        "macro_definition" | "token_tree" | "use_declaration" => Step::Past,
        _ => Step::Into,
    }
}

/// Whether a macro, or what it is given, has functions in it: to the grammar these are words.
fn has_functions(node: Node<'_>, text: &str) -> bool {
    words(node, text).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "fn")
}

/// `#[test]`, `#[tokio::test(...)]`, `#[cfg(test)]`.
fn is_for_tests(attribute: &str) -> bool {
    let inner = attribute.trim_start_matches("#[");
    let path = inner.split(['(', '=', ']']).next().unwrap_or_default();
    path.rsplit("::").next().is_some_and(|last| TESTS.contains(&last))
        || inner.starts_with("cfg(test)")
        || inner.starts_with("cfg(all(test,")
        || inner.starts_with("cfg(all(test)")
}

pub(super) fn edits(site: &Site<'_>, text: &str, file: &File<'_>) -> Option<Edits> {
    let panic = format!("if true {{ panic!(\"{WORDS}\"); }}");
    if site.body.kind() != "block" {
        return Some(Edits { zero: None, panic: wrapped(site.body, &panic) });
    }
    if parts(site.body).is_empty() {
        return None;
    }
    let is_function = site.node.kind() == "function_item";
    let returns = of(site, text);
    let value = is_function.then(|| zero(&returns, text, file)).flatten();
    let zero = value.map(|value| match &*value {
        "" => "if true { return; }".to_owned(),
        value => format!("if true {{ return {value}; }}"),
    });
    let at = start(site.body, text);
    let guard = |guard: String| vec![Edit::before(at, format!(" {guard}"))];
    // What is asked while it is built must not panic: it would not be built.
    let panic = zero.clone().filter(|_| returns.is_const).unwrap_or(panic);
    Some(Edits { zero: zero.map(guard), panic: guard(panic) })
}

/// A closure's expression, behind a guard.
fn wrapped(body: Node<'_>, guard: &str) -> Vec<Edit> {
    vec![Edit::before(body.start_byte(), format!("{{ {guard} ")), Edit::before(body.end_byte(), " }")]
}

/// Behind the attributes and the documentation of the function itself, which come first in its body.
fn start(block: Node<'_>, text: &str) -> usize {
    let mut at = inside(block);
    for piece in pieces(block).into_iter().skip(1) {
        let own = words(piece, text);
        let is_own = piece.kind() == "inner_attribute_item" || own.starts_with("//!") || own.starts_with("/*!");
        if is_own {
            // The end of a line comment of documentation is behind its line.
            at = piece.end_byte();
        } else if !piece.is_extra() {
            break;
        }
    }
    at
}

/// What a function returns, and where.
fn of<'t>(site: &Site<'t>, text: &str) -> Return<'t> {
    let function = site.node;
    let mut cursor = function.walk();
    let modifiers = function.children(&mut cursor).find(|child| child.kind() == "function_modifiers");
    let is_const = modifiers.is_some_and(|node| words(node, text).split_whitespace().any(|word| word == "const"));
    let generics = function.child_by_field_name("type_parameters");
    let around = site.within.grandparent.filter(|node| node.kind() == "impl_item");
    Return { what: function.child_by_field_name("return_type"), is_const, generics, around }
}
