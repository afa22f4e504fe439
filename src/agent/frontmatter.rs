//! Frontmatter: what stands between two lines of `---` at the head of a Markdown file, each field with its place.
//!
//! It is YAML. Much of what is written for Claude Code is not quite: a description with `: ` in it and no quotes, `tools: *`.
//! Claude Code reads such lines as they stand, and so does this; the fault is told.

use serde::{
    Deserialize,
    de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};
use std::{fmt, ops::Range};

/// Bytes of a frontmatter, at most.
const FRONT_MAX: usize = 64 << 10;

/// A Markdown file in its two parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Split<'a> {
    /// It has no frontmatter.
    Plain,
    /// It has one that does not end: the place of the line that begins it.
    Open(Range<usize>),
    /// It has one.
    Front {
        /// Between the lines.
        yaml: &'a str,
        /// Where that begins.
        at: usize,
        /// What comes behind.
        body: &'a str,
    },
}

/// One field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) key_at: Range<usize>,
    pub(super) value: Value,
    pub(super) at: Range<usize>,
}

impl Field {
    /// The same, with its places so many bytes further on: those of the file that its frontmatter stands in.
    pub(super) fn moved(mut self, by: usize) -> Field {
        let further = |range: &mut Range<usize>| *range = range.start + by..range.end + by;
        further(&mut self.key_at);
        further(&mut self.at);
        if let Value::List(members) = &mut self.value {
            members.iter_mut().for_each(|(_, at)| further(at));
        }
        self
    }
}

/// What a field says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing behind the colon.
    Nothing,
    /// A text; numbers and truth values too, as they are written.
    Text(String),
    /// A list, each member with its place. `None`: a member that is no text.
    List(Vec<(Option<String>, Range<usize>)>),
    /// Something with fields of its own.
    Table,
}

/// Why a frontmatter is no YAML. Places are within it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

/// What was understood of a frontmatter. Places are within it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Front {
    pub(super) fields: Vec<Field>,
    /// What is wrong with it, where it was read all the same.
    pub(super) flaw: Option<Broken>,
}

/// Finds the frontmatter. What merely looks like the rule above a text is none.
pub(super) fn split(text: &str) -> Split<'_> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lines = text[start..].split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| is_fence(line)) else { return Split::Plain };
    let at = start + first.len();
    let (mut end, mut has_field) = (at, false);
    for line in lines {
        if is_fence(line) {
            let front = Split::Front { yaml: &text[at..end], at, body: &text[end + line.len()..] };
            return if has_field || text[at..end].trim().is_empty() { front } else { Split::Plain };
        }
        has_field |= field_of(line).is_some();
        end += line.len();
    }
    let follows = text[at..].lines().find(|line| !line.trim().is_empty());
    if follows.and_then(field_of).is_some() { Split::Open(start..start + 3) } else { Split::Plain }
}

fn is_fence(line: &str) -> bool {
    line.trim_end() == "---"
}

/// The key of a line `key: value` that is not indented, and where the value begins.
fn field_of(line: &str) -> Option<(&str, usize)> {
    let (key, rest) = line.split_once(':')?;
    let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let is_field = is_key && (rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
    is_field.then_some((key, key.len() + 1))
}

/// Whether one of these keys begins a line: all that can be said of what cannot be read.
pub(super) fn names_any(text: &str, keys: &[&str]) -> bool {
    text.lines().filter_map(field_of).any(|(key, _)| keys.contains(&key))
}

/// Reads a frontmatter.
pub(super) fn read(yaml: &str) -> Result<Front, Broken> {
    if yaml.len() > FRONT_MAX {
        let text = format!("it has more than {} KiB", FRONT_MAX >> 10);
        return Err(Broken { text, at: 0..0 });
    }
    let broken = match parse(yaml, &within(yaml), &within(yaml)) {
        Ok(fields) => return Ok(Front { fields, flaw: None }),
        Err(broken) => broken,
    };
    let Some(quoted) = quoted(yaml) else { return Err(broken) };
    match parse(&quoted, &|place| line(yaml, place).0, &|place| line(yaml, place).1) {
        Ok(fields) => Ok(Front { fields, flaw: Some(broken) }),
        Err(_) => Err(broken),
    }
}

/// The parser says where in what it was given. That is not where it is in the file.
fn placeless(text: &str) -> &str {
    text.split(" at line ").next().unwrap_or(text)
}

type Place<'a> = dyn Fn(Location) -> Range<usize> + 'a;

/// Reads YAML whose keys and values have these places.
fn parse(yaml: &str, key_place: &Place<'_>, place: &Place<'_>) -> Result<Vec<Field>, Broken> {
    // Aliases and merges have no use here but to make much of little.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 10_000, max_nodes: 5_000, max_depth: 24, max_aliases: 20, max_anchors: 20, max_documents: 2,
            max_merge_keys: 0, max_total_scalar_bytes: FRONT_MAX, max_recorded_anchor_bytes: FRONT_MAX
        },
        with_snippet: false,
    };
    let table: Table = serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
        let text = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
        let text = crate::text::line(placeless(&text), 200);
        let at = error.location().map_or(0..0, place);
        Broken { text, at }
    })?;
    let own = within(yaml);
    let raw = |at: Location| yaml.get(own(at)).unwrap_or_default().to_owned();
    let field = |(key, node): (Spanned<String>, Spanned<Node>)| {
        let key_at = key_place(key.referenced);
        let at = Some(place(node.referenced)).filter(|at| !at.is_empty()).unwrap_or_else(|| key_at.clone());
        let defined = node.defined;
        let value = match node.value {
            Node::Nothing => Value::Nothing,
            Node::Text(text) => Value::Text(text),
            Node::Bare => Value::Text(raw(defined)),
            Node::List(members) => {
                Value::List(members.into_iter().map(|member| of_list(member, &raw, place)).collect())
            }
            Node::Table => Value::Table,
        };
        Field { key: key.value, key_at, value, at }
    };
    Ok(table.0.into_iter().map(field).collect())
}

fn of_list(
    member: Spanned<Node>,
    raw: &dyn Fn(Location) -> String,
    place: &Place<'_>,
) -> (Option<String>, Range<usize>) {
    let text = match member.value {
        Node::Text(text) => Some(text),
        Node::Bare => Some(raw(member.defined)),
        Node::Nothing | Node::List(_) | Node::Table => None,
    };
    (text, place(member.referenced))
}

/// The bytes that a location of this text names; where it names none of them, its line.
fn within(yaml: &str) -> impl Fn(Location) -> Range<usize> + '_ {
    |place| {
        let number = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok());
        let start = number(place.span().byte_offset());
        let range = start.map(|start| {
            let end = start.saturating_add(number(place.span().byte_len()).unwrap_or_default());
            start..end.min(yaml.len())
        });
        let range = range.filter(|range| yaml.get(range.clone()).is_some());
        let Some(range) = range else { return line(yaml, place).1 };
        // A value over several lines is underlined in its first one.
        let first = yaml[range.clone()].lines().next().unwrap_or_default().trim_end().len();
        if range.is_empty() { range } else { range.start..range.start + first.max(1).min(range.len()) }
    }
}

/// The key and the value on the line of a location; the whole of it where there is no key.
fn line(yaml: &str, place: Location) -> (Range<usize>, Range<usize>) {
    let number = usize::try_from(place.line()).unwrap_or_default();
    let mut start = 0;
    for (at, line) in yaml.split_inclusive('\n').enumerate() {
        if at + 1 == number {
            let (key, value) = field_of(line).map_or((0, 0), |(key, value)| (key.len(), value));
            let lead = line[value..].len() - line[value..].trim_start().len();
            let end = line.trim_end().len();
            return (start..start + key, start + (value + lead).min(end)..start + end);
        }
        start += line.len();
    }
    (yaml.len()..yaml.len(), yaml.len()..yaml.len())
}

/// The same lines, with each value in quotes that YAML would take for something else than the text it is. None where there is none.
fn quoted(yaml: &str) -> Option<String> {
    let mut quoted = String::with_capacity(yaml.len() + 64);
    let mut is_other = false;
    for line in yaml.split_inclusive('\n') {
        let value = field_of(line).map(|(_, at)| line.split_at(at)).filter(|(_, value)| is_bare(value.trim()));
        let Some((key, value)) = value else {
            quoted.push_str(line);
            continue;
        };
        is_other = true;
        quoted.push_str(&format!("{key} '{}'\n", value.trim().replace('\'', "''")));
    }
    is_other.then_some(quoted)
}

/// Whether a value is text that nobody has put into quotes.
fn is_bare(value: &str) -> bool {
    !value.is_empty() && !value.starts_with(['"', '\'', '|', '>', '[', '{', '#'])
}

/// A table, as it is written: its keys in their order.
struct Table(Vec<(Spanned<String>, Spanned<Node>)>);

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Table, D::Error> {
        struct Rows;
        impl<'de> Visitor<'de> for Rows {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("lines of `key: value`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = map.next_entry()? {
                    rows.push(row);
                }
                Ok(Table(rows))
            }

            fn visit_unit<E>(self) -> Result<Table, E> {
                Ok(Table(Vec::new()))
            }
        }
        from.deserialize_any(Rows)
    }
}

/// A value.
enum Node {
    Nothing,
    Text(String),
    /// A number or a truth value: its text is where it stands.
    Bare,
    List(Vec<Spanned<Node>>),
    Table,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Node, D::Error> {
        from.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Node::Table)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = list.next_element()? {
            members.push(member);
        }
        Ok(Node::List(members))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Bare)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Bare)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Bare)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Bare)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Bare)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Bare)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Key, value and underlined text of each field; what is wrong in front.
    fn told(yaml: &str) -> String {
        match read(yaml) {
            Err(broken) => format!("broken: {} at {:?}", broken.text, &yaml[broken.at]),
            Ok(front) => {
                let flaw = front.flaw.map(|flaw| format!("flaw: {} at {:?}\n", flaw.text, &yaml[flaw.at]));
                let fields = front.fields.iter().map(|field| {
                    format!("{}: {:?} at {:?}\n", &yaml[field.key_at.clone()], field.value, &yaml[field.at.clone()])
                });
                flaw.into_iter().chain(fields).collect()
            }
        }
    }

    #[test]
    fn only_fields_between_two_rules_are_frontmatter() {
        let front = |text| match split(text) {
            Split::Front { yaml, at, body } => Some((yaml.to_owned(), at, body.to_owned())),
            Split::Plain | Split::Open(_) => None,
        };
        let some = |yaml: &str, at, body: &str| Some((yaml.to_owned(), at, body.to_owned()));
        assert_eq!(front("---\nname: a\n---\nB\n---\nC"), some("name: a\n", 4, "B\n---\nC"));
        assert_eq!(front("\u{feff}---\r\nname: a\r\n---\r\nB"), some("name: a\r\n", 8, "B"));
        assert_eq!(front("---\nname: a\n---"), some("name: a\n", 4, ""));
        assert_eq!(front("---\n---\n"), some("", 4, ""));
        for plain in
            ["", "# A\n", "---\n\nA text: of lines\n\n---\nmore", "--- \n", " ---\nname: a\n---\n", "---\n\ntext"]
        {
            assert_eq!(split(plain), Split::Plain, "{plain:?}");
        }
        assert_eq!(split("---\nname: a\n"), Split::Open(0..3));
        assert_eq!(split("\u{feff}---\r\nname: a\r\n"), Split::Open(3..6));
    }

    #[test]
    fn fields_are_read_as_yaml_has_them_with_their_places() {
        let yaml = "name: \"yes: é\"\ndescription: >\n  Two\n  lines.\ntools: [Read, 'Bash(git *)', 3]\nlist:\n- a\n-  yes\nmaxTurns: 07\n\
            model: no\nhooks:\n  Stop: [{a: b}]\nempty:\nanchor: &x Read\nalias: *x\n";
        insta::assert_snapshot!(told(yaml), @r#"
        name: Text("yes: é") at "\"yes: é\""
        description: Text("Two lines.\n") at "Two"
        tools: List([(Some("Read"), 54..58), (Some("Bash(git *)"), 60..73), (Some("3"), 75..76)]) at "["
        list: List([(Some("a"), 86..87), (Some("yes"), 91..94)]) at "list"
        maxTurns: Text("07") at "07"
        model: Text("no") at "no"
        hooks: Table at "hooks"
        empty: Nothing at "empty"
        anchor: Text("Read") at "Read"
        alias: Text("Read") at "*x"
        "#);
    }

    #[test]
    fn what_is_no_yaml_is_read_as_it_stands_and_told() {
        insta::assert_snapshot!(told("name: a\r\ndescription: Use it so: \"now\". it's * fine\r\ntools: *\r\n"), @r#"
        flaw: mapping values are not allowed in this context at "Use it so: \"now\". it's * fine"
        name: Text("a") at "a"
        description: Text("Use it so: \"now\". it's * fine") at "Use it so: \"now\". it's * fine"
        tools: Text("*") at "*"
        "#);
        insta::assert_snapshot!(told("name: a\ntools:\n\t- Read\n"), @r#"broken: tabs disallowed within this context (block indentation) at "- Read""#);
        insta::assert_snapshot!(told("name: [a\n"), @r#"broken: unclosed bracket '[' at "[a""#);
        insta::assert_snapshot!(told("name: a\nname: b\n"), @r#"broken: duplicate mapping key `name` is not allowed here at "name""#);
        insta::assert_snapshot!(told("- a\n- b\n"), @r#"broken: invalid type: sequence, expected lines of `key: value` at """#);
        insta::assert_snapshot!(told("a: b\n...\nc: d\n"), @r#"broken: only single YAML document expected but multiple found at """#);
    }

    #[test]
    fn deep_wide_and_self_repeating_yaml_ends_soon() {
        let bomb = (0..20).fold("a0: &a0 [x, x]\n".to_owned(), |bomb, n| {
            let last = format!("*a{n}, ").repeat(9);
            bomb + &format!("a{m}: &a{m} [{last}]\n", m = n + 1)
        });
        assert!(matches!(&read(&bomb), Ok(Front { flaw: Some(_), .. })), "its lines are texts");
        for yaml in ["a: [".repeat(9_000), "- ".repeat(30_000), "a: {".repeat(9_000), "? ".repeat(30_000)] {
            assert!(read(&yaml).is_err(), "{}", &yaml[..40]);
        }
        for yaml in ["a: b\n".repeat(12_000), "\"".repeat(60_000), "a: |\n".repeat(10_000), "#".repeat(60_000)] {
            let _ = read(&yaml);
        }
        assert!(read(&"#".repeat(1 << 20)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_places_lie_in_it(
            text in "(---\r?\n)?([a-z]{1,4}: ?[\\[\\]{}\"'*&!|>#%@`,é: \\-a-z0-9\t]{0,12}\r?\n|[- ?:\t]{0,4}\\PC{0,9}\n|\\PC{0,9}){0,9}(---\n)?"
        ) {
            if let Split::Front { yaml, at, .. } = split(&text) {
                prop_assert_eq!(&text[at..at + yaml.len()], yaml);
            }
            match read(&text) {
                Ok(front) => for field in front.fields {
                    prop_assert!(text.get(field.key_at.clone()).is_some() && text.get(field.at.clone()).is_some(), "{:?}", field);
                    if let Value::List(members) = field.value {
                        for (_, at) in members {
                            prop_assert!(text.get(at.clone()).is_some(), "{:?}", at);
                        }
                    }
                },
                Err(broken) => prop_assert!(text.get(broken.at.clone()).is_some(), "{:?}", broken),
            }
        }
    }
}
