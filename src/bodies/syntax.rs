//! Syntax: a text as a tree, within bounds, and walks over it that go as deep as the text does without going deep themselves.

use super::Language;
use std::ops::ControlFlow;
use tree_sitter::{Node, ParseOptions, Parser, Tree, TreeCursor};

/// Bytes of a text that are read.
pub(super) const TEXT_MAX: usize = 1 << 20;

/// The parser asks this often, and once more for each so many bytes, whether it may go on: hostile text has it try for ever.
const ASKED_MAX: usize = 2_000;

/// Why a text has no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    TooLong,
    TooHard,
}

/// The tree of a text, with what does not belong to the language marked in it.
pub(super) fn tree(language: Language, text: &str) -> Result<Tree, Unread> {
    if text.len() > TEXT_MAX {
        return Err(Unread::TooLong);
    }
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).map_err(|_| Unread::TooHard)?;
    let bytes = text.as_bytes();
    let (mut asked, most) = (0usize, ASKED_MAX + bytes.len());
    let mut may_go_on = |_: &tree_sitter::ParseState| {
        asked += 1;
        if asked > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut may_go_on);
    let mut read = |at: usize, _| bytes.get(at..).unwrap_or_default();
    parser.parse_with_options(&mut read, None, Some(options)).ok_or(Unread::TooHard)
}

/// The text of a node.
pub(super) fn words<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// The text of a node's field; empty where it has none.
pub(super) fn field<'t>(node: Node<'_>, name: &str, text: &'t str) -> &'t str {
    node.child_by_field_name(name).map(|child| words(child, text)).unwrap_or_default()
}

/// A node's children of the grammar's own names, comments left out.
pub(super) fn parts<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra()).collect()
}

/// All children, marks and keywords too.
pub(super) fn pieces<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).collect()
}

/// Steps over everything below a node, itself first. What `enter` refuses is not gone into; whatever was entered or refused is left.
pub(super) fn each<'t>(
    node: Node<'t>,
    mut enter: impl FnMut(&TreeCursor<'t>) -> bool,
    mut leave: impl FnMut(&TreeCursor<'t>),
) {
    let mut cursor = node.walk();
    loop {
        if enter(&cursor) && cursor.goto_first_child() {
            continue;
        }
        loop {
            leave(&cursor);
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}
