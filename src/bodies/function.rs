//! A function as a text has it: its name, its body, and what empties it.

use super::syntax::{each, words};
use std::ops::Range;
use tree_sitter::Node;

/// A function with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name with what it stands in before it (`Store::push`, `Cart.total`).
    pub name: String,
    /// Line of the function, from 1.
    pub line: u32,
    /// The name alone.
    pub(super) own: String,
    /// All of it, in bytes.
    pub(super) span: Range<usize>,
    pub(super) body: Body,
    pub(super) edits: Edits,
}

/// What empties a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edits {
    /// By the zero value of its type; `None` where its type has none that is known.
    pub(super) zero: Option<Vec<Edit>>,
    /// By a panic.
    pub(super) panic: Vec<Edit>,
}

/// A range of bytes, and what stands there instead. Of the edits of one body, the first tells whether they were made already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

impl Edit {
    /// Puts something before this byte.
    pub(super) fn before(at: usize, text: impl Into<String>) -> Edit {
        Edit { range: at..at, text: text.into() }
    }
}

/// A function while the tree is there.
#[derive(Clone, Debug)]
pub(super) struct Site<'t> {
    pub(super) name: String,
    pub(super) node: Node<'t>,
    pub(super) body: Node<'t>,
    /// What it stands in, and what that stands in: the walk knows, and a node would have to look for it from the root.
    pub(super) within: Within<'t>,
}

/// A node's parent and the parent of that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Within<'t> {
    pub(super) parent: Option<Node<'t>>,
    pub(super) grandparent: Option<Node<'t>>,
}

impl<'t> Site<'t> {
    pub(super) fn new(name: impl Into<String>, node: Node<'t>, body: Node<'t>) -> Site<'t> {
        Site { name: name.into(), node, body, within: Within::default() }
    }
}

/// How a walk goes on at a node.
pub(super) enum Step<'t> {
    /// Into it.
    Into,
    /// Into it; what stands in it has this before its name.
    Within(String),
    /// Past it.
    Past,
    /// Past it: it is for tests, or says that what follows is.
    Test,
    /// It is a function; what is in it belongs to it.
    Function(Site<'t>),
    /// Past it: there are functions in it that the grammar takes for mere words, under this name.
    Hidden(String),
}

/// A body as it counts when it is compared: without blanks and comments, and with its names apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    /// Everything but the names, with where what ends.
    pub(super) shape: String,
    /// The names, in order.
    pub(super) names: Vec<String>,
}

impl Body {
    pub(super) fn of(node: Node<'_>, text: &str) -> Body {
        let mut body = Body::default();
        let shape = std::cell::RefCell::new(String::new());
        each(
            node,
            |cursor| {
                let node = cursor.node();
                if node.is_extra() {
                    return false;
                }
                let mut shape = shape.borrow_mut();
                if node.child_count() > 0 {
                    shape.push('\u{1}');
                    return true;
                }
                if is_name(node) {
                    shape.push('\u{2}');
                    body.names.push(words(node, text).to_owned());
                } else {
                    shape.push_str(words(node, text));
                    shape.push('\u{3}');
                }
                false
            },
            |cursor| {
                if !cursor.node().is_extra() && cursor.node().child_count() > 0 {
                    shape.borrow_mut().push('\u{4}');
                }
            },
        );
        Body { shape: shape.into_inner(), ..body }
    }
}

/// Whether a node is a name that somebody gave.
pub(super) fn is_name(node: Node<'_>) -> bool {
    node.child_count() == 0 && node.kind().ends_with("identifier")
}

/// Where a body's braces open.
pub(super) fn inside(block: Node<'_>) -> usize {
    block.start_byte() + 1
}

/// A function's line.
pub(super) fn line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
}
