//! The zero values of Rust's types, as far as they surely build.

use super::{
    rust::{File, Type},
    syntax::{field, parts, words},
};
use std::cell::Cell;
use tree_sitter::Node;

/// Types in types that are followed.
const DEEPEST: usize = 6;

/// Bytes of a zero value.
const LONGEST: usize = 2_000;

/// Types that are looked at for one value, and parts of one type.
const MOST: u32 = 200;

/// What a function returns, and where it stands.
pub(super) struct Return<'t> {
    /// Its type; `None`: nothing.
    pub(super) what: Option<Node<'t>>,
    /// It is `const`: its zero has to be, too.
    pub(super) is_const: bool,
    /// Its own type parameters.
    pub(super) generics: Option<Node<'t>>,
    /// The `impl` that it is in.
    pub(super) around: Option<Node<'t>>,
}

/// The zero value, as an expression; empty for a function that returns nothing; `None` where there is none that is known.
pub(super) fn zero(of: &Return<'_>, text: &str, file: &File<'_>) -> Option<String> {
    let Some(what) = of.what else { return Some(String::new()) };
    let mut generics: Vec<&str> = Vec::new();
    let lists = [of.generics, of.around.and_then(|around| around.child_by_field_name("type_parameters"))];
    for list in lists.into_iter().flatten() {
        if list.named_child_count() > MOST as usize {
            return None;
        }
        generics.extend(parts(list).into_iter().map(|parameter| match parameter.child_by_field_name("name") {
            Some(name) => words(name, text),
            None => words(parameter, text),
        }));
    }
    let own = of.around.and_then(|around| around.child_by_field_name("type"));
    let looked = Cell::new(0);
    let zeros = Zeros { text, file, is_const: of.is_const, generics, own, looked: &looked };
    let zero = zeros.of(what, DEEPEST)?;
    (zero.len() <= LONGEST).then_some(zero)
}

struct Zeros<'a, 't> {
    text: &'a str,
    file: &'a File<'t>,
    is_const: bool,
    generics: Vec<&'a str>,
    own: Option<Node<'a>>,
    looked: &'a Cell<u32>,
}

impl Zeros<'_, '_> {
    fn of(&self, what: Node<'_>, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        self.looked.set(self.looked.get() + 1);
        if self.looked.get() > MOST || what.named_child_count() > MOST as usize {
            return None;
        }
        let said = words(what, self.text);
        match what.kind() {
            "unit_type" => Some("()".to_owned()),
            "primitive_type" => literal(said).map(str::to_owned),
            "type_identifier" if said == "Self" => {
                let own = self.own?;
                match own.kind() {
                    "type_identifier" | "generic_type" => self.defined(own, depth, true),
                    _ => None,
                }
            }
            "type_identifier" => self.named(what, said, depth),
            "scoped_type_identifier" => self.standard(said, field(what, "name", self.text)),
            "generic_type" => self.generic(what, depth),
            "tuple_type" => {
                let each: Option<Vec<String>> = parts(what).into_iter().map(|part| self.of(part, depth)).collect();
                let each = each?;
                Some(if each.len() == 1 { format!("({},)", each[0]) } else { format!("({})", each.join(", ")) })
            }
            "array_type" => {
                let element = what.child_by_field_name("element")?;
                let each = literal(words(element, self.text))?;
                Some(match what.child_by_field_name("length") {
                    Some(length) => format!("[{each}; {}]", words(length, self.text)),
                    None => format!("[{each}]"),
                })
            }
            "reference_type" => self.borrowed(what),
            _ => None,
        }
    }

    /// `&str`, `&[T]`, `&mut [T]`, `&u32`: what is the same for as long as one likes.
    fn borrowed(&self, what: Node<'_>) -> Option<String> {
        let target = what.child_by_field_name("type")?;
        let said = words(target, self.text);
        let is_mutable = parts(what).iter().any(|part| part.kind() == "mutable_specifier");
        let is_slice = target.kind() == "array_type" && target.child_by_field_name("length").is_none();
        match (is_slice, is_mutable) {
            (true, true) => Some("&mut []".to_owned()),
            (true, false) => Some("&[]".to_owned()),
            (false, true) => None,
            (false, false) if said == "str" => Some("\"\"".to_owned()),
            (false, false) => literal(said).map(|literal| format!("&{literal}")),
        }
    }

    fn named(&self, what: Node<'_>, said: &str, depth: usize) -> Option<String> {
        if self.generics.contains(&said) {
            return None;
        }
        if self.file.types.contains_key(said) { self.defined(what, depth, false) } else { self.standard(said, said) }
    }

    /// Types of the standard library that have a zero value. `said` names the type as it is written.
    fn standard(&self, said: &str, last: &str) -> Option<String> {
        match last {
            "String" => Some(format!("<{said}>::new()")),
            "Duration" | "PathBuf" | "OsString" if !self.is_const => Some(format!("<{said}>::default()")),
            _ => None,
        }
    }

    fn generic(&self, what: Node<'_>, depth: usize) -> Option<String> {
        let of = what.child_by_field_name("type")?;
        let said = words(what, self.text);
        let last = words(of, self.text).rsplit("::").next().unwrap_or_default().trim();
        let arguments: Vec<Node<'_>> = what.child_by_field_name("type_arguments").map(parts).unwrap_or_default();
        if has_unnamed(what, self.text) && last != "Option" {
            return None;
        }
        if self.file.types.contains_key(last) {
            return self.defined(what, depth, false);
        }
        match last {
            "Option" => Some("None".to_owned()),
            "Vec" => Some(format!("<{said}>::new()")),
            "HashMap" | "HashSet" | "BTreeMap" | "BTreeSet" | "VecDeque" | "BinaryHeap" | "LinkedList"
            | "PhantomData" | "Cow"
                if !self.is_const =>
            {
                // A slice's or a string's owner has one, and what else may be borrowed may not.
                let is_text = arguments.last().is_some_and(|last| words(*last, self.text) == "str");
                (last != "Cow" || is_text).then(|| format!("<{said}>::default()"))
            }
            "Box" | "Rc" | "Arc" | "RefCell" | "Cell" | "Mutex" | "RwLock" | "Wrapping" if arguments.len() == 1 => {
                let can_be_const = matches!(last, "RefCell" | "Cell" | "Mutex" | "RwLock");
                let of = words(of, self.text);
                let inner = self.of(arguments[0], depth).filter(|_| !self.is_const || can_be_const)?;
                Some(if last == "Wrapping" { format!("{of}({inner})") } else { format!("{of}::new({inner})") })
            }
            _ => None,
        }
    }

    /// A type of this file: by what it derives, else field by field.
    fn defined(&self, what: Node<'_>, depth: usize, is_self: bool) -> Option<String> {
        let written =
            if what.kind() == "generic_type" { field(what, "type", self.text) } else { words(what, self.text) };
        let &Type { node, has_default } = self.file.types.get(written)?.as_ref()?;
        let is_generic = node.child_by_field_name("type_parameters").is_some();
        let said = if is_self { "Self" } else { words(what, self.text) };
        match node.kind() {
            "type_item" if !is_generic => self.of(node.child_by_field_name("type")?, depth),
            // With parameters a derived default asks them for theirs.
            _ if has_default && !is_generic && !self.is_const => Some(format!("<{said}>::default()")),
            "struct_item" => {
                // What a parameter of the type is named may be something else here.
                let inner = Zeros { own: None, generics: parameters(node, self.text), ..*self };
                inner.fields(node, if is_self { "Self" } else { written }, depth)
            }
            _ => None,
        }
    }

    fn fields(&self, node: Node<'_>, name: &str, depth: usize) -> Option<String> {
        let Some(body) = node.child_by_field_name("body") else { return Some(name.to_owned()) };
        if body.named_child_count() > MOST as usize {
            return None;
        }
        let all = parts(body);
        if all.iter().any(|part| part.kind() == "attribute_item" && words(*part, self.text).contains("cfg")) {
            return None;
        }
        if body.kind() == "field_declaration_list" {
            let fields = all.into_iter().filter(|part| part.kind() == "field_declaration").map(|part| {
                let zero = self.of(part.child_by_field_name("type")?, depth)?;
                Some(format!("{}: {zero}", field(part, "name", self.text)))
            });
            let fields: Option<Vec<String>> = fields.collect();
            return Some(format!("{name} {{ {} }}", fields?.join(", ")));
        }
        let is_type = |part: &Node<'_>| !matches!(part.kind(), "attribute_item" | "visibility_modifier");
        let fields: Option<Vec<String>> = all.into_iter().filter(is_type).map(|part| self.of(part, depth)).collect();
        Some(format!("{name}({})", fields?.join(", ")))
    }
}

fn parameters<'a>(node: Node<'_>, text: &'a str) -> Vec<&'a str> {
    let Some(list) = node.child_by_field_name("type_parameters") else { return Vec::new() };
    let name =
        |part: Node<'_>| part.child_by_field_name("name").map_or_else(|| words(part, text), |name| words(name, text));
    parts(list).into_iter().map(name).collect()
}

/// `impl Trait` stands in it, or what is to be found out: it cannot be written in an expression.
fn has_unnamed(what: Node<'_>, text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'');
    words(what, text).split(|c: char| !is_part(c)).any(|word| matches!(word, "impl" | "dyn" | "_"))
}

/// Types whose zero is a literal, which may be copied and borrowed for ever.
fn literal(said: &str) -> Option<&'static str> {
    match said {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => Some("0"),
        "f32" | "f64" => Some("0.0"),
        "bool" => Some("false"),
        "char" => Some("'\\0'"),
        _ => None,
    }
}
