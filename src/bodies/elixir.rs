//! Elixir: the clauses of `def` and `defp`, with `do` and `do:`. Guards stay; macros run while it is built, and are left alone.

use super::{
    filling::WORDS,
    function::{Edit, Edits, Site, Step},
    syntax::{field, parts, words},
};
use tree_sitter::Node;

pub(super) fn step<'t>(node: Node<'t>, text: &str) -> Step<'t> {
    if node.kind() != "call" {
        return Step::Into;
    }
    let arguments = parts(node).into_iter().find(|part| part.kind() == "arguments");
    let head = arguments.and_then(|arguments| parts(arguments).into_iter().next());
    match field(node, "target", text) {
        "def" | "defp" => {
            let body = arguments.and_then(|arguments| inline(arguments, text));
            match body.or_else(|| parts(node).into_iter().find(|part| part.kind() == "do_block")) {
                Some(body) => {
                    Step::Function(Site::new(head.map(|head| name(head, text)).unwrap_or_default(), node, body))
                }
                None => Step::Past,
            }
        }
        "defmodule" | "defimpl" | "defprotocol" => {
            Step::Within(head.map(|head| words(head, text).to_owned()).unwrap_or_default())
        }
        "defmacro" | "defmacrop" | "test" | "describe" => Step::Past,
        _ => Step::Into,
    }
}

/// The expression of `do: expression`.
fn inline<'t>(arguments: Node<'t>, text: &str) -> Option<Node<'t>> {
    let keywords = parts(arguments).into_iter().find(|part| part.kind() == "keywords")?;
    let pair = parts(keywords).into_iter().find(|pair| field(*pair, "key", text).trim() == "do:")?;
    pair.child_by_field_name("value")
}

/// `total/2` of `total(items, tax) when tax > 0`.
fn name(head: Node<'_>, text: &str) -> String {
    let mut head = head;
    while head.kind() == "binary_operator" {
        let Some(left) = head.child_by_field_name("left") else { break };
        head = left;
    }
    if head.kind() != "call" {
        return format!("{}/0", words(head, text));
    }
    let arguments = parts(head).into_iter().find(|part| part.kind() == "arguments");
    format!("{}/{}", field(head, "target", text), arguments.map_or(0, |arguments| parts(arguments).len()))
}

pub(super) fn edits(site: &Site<'_>) -> Option<Edits> {
    let raise = format!("raise(\"{WORDS}\")");
    if site.body.kind() != "do_block" {
        let open = Edit::before(site.body.start_byte(), format!("({raise}; "));
        return Some(Edits { zero: None, panic: vec![open, Edit::before(site.body.end_byte(), ")")] });
    }
    let at = site.body.start_byte() + "do".len();
    let end = site.body.end_byte().checked_sub("end".len()).filter(|end| *end >= at)?;
    let inner = parts(site.body);
    inner.first()?;
    // What rescues would rescue this, too.
    let rescues = inner.iter().any(|part| part.kind().ends_with("_block"));
    let panic = Edit {
        range: at..if rescues { end } else { at },
        text: format!(" {raise};{}", if rescues { " " } else { "" }),
    };
    Some(Edits { zero: None, panic: vec![panic] })
}
