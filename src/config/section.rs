//! A table of a TOML file while it is read: asks for keys by name and kind, and knows afterwards which nobody asked for.

use super::file::SOURCE;
use crate::{
    plan::{Bound, Fault, Label, Severity, Span, Unit},
    text::nearest,
};
use jiff::fmt::friendly::SpanParser;
use std::{cell::RefCell, collections::BTreeMap, fmt::Display, ops::RangeInclusive, time::Duration};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Members of one list, at most.
const LIST_MAX: usize = 1000;

/// Characters of the file that are said again in a fault.
const SHOWN_MAX: usize = 60;

type Value<'a> = &'a Spanned<DeValue<'a>>;

/// One table. A key that is absent, or wrong (then it is a fault), reads as `None`.
pub(super) struct Section<'a> {
    /// From the root, with dots; empty for the root.
    path: String,
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
    faults: &'a RefCell<Vec<Fault>>,
}

impl<'a> Section<'a> {
    pub(super) fn root(table: &'a DeTable<'a>, faults: &'a RefCell<Vec<Fault>>) -> Section<'a> {
        Section { path: String::new(), table: Some(table), known: Vec::new(), faults }
    }

    /// A table below this one. One that is not there reads as empty.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'a> {
        let table = self.value(key).and_then(|value| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                self.wrong(key, value, "a table", &format!("begin it with `[{}]`", self.name(key)));
            }
            table
        });
        Section { path: self.name(key), table, known: Vec::new(), faults: self.faults }
    }

    /// Reads a table below this one to its end.
    pub(super) fn within<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'a>) -> T) -> T {
        let mut section = self.section(key);
        let read = read(&mut section);
        section.finish();
        read
    }

    /// Reads each of some tables of the same name below this one, in their order.
    pub(super) fn each<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Section<'a>) -> T) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let how = format!("begin each with `[[{}]]`", self.name(key));
        let tables = value.get_ref().as_array().map(|list| list.iter().collect::<Vec<_>>()).unwrap_or_default();
        if value.get_ref().as_array().is_none() || tables.len() > LIST_MAX {
            self.wrong(key, value, "a list of tables", &how);
            return Vec::new();
        }
        let mut all = Vec::new();
        for member in tables {
            let Some(table) = member.get_ref().as_table() else {
                self.wrong(key, member, "a list of tables", &how);
                continue;
            };
            let mut section =
                Section { path: self.name(key), table: Some(table), known: Vec::new(), faults: self.faults };
            all.push(read(&mut section));
            section.finish();
            if table.is_empty() {
                self.bad(member, format!("one of `{}` is empty", self.name(key)), how.clone());
            }
        }
        all
    }

    /// A fault of a table in which a key is missing that it cannot do without.
    pub(super) fn needs(&mut self, key: &'static str, at: &'static str, how: String) {
        if self.value(key).is_none() {
            let text = format!("`{}` is missing", self.name(key));
            self.bad_at(at, text, how);
        }
    }

    /// Whether the table was written at all.
    pub(super) fn is_written(&self) -> bool {
        self.table.is_some()
    }

    pub(super) fn number(&mut self, key: &'static str, bounds: RangeInclusive<u32>) -> Option<u32> {
        let value = self.value(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong(key, value, "a number", &format!("write `{key} = {}`", bounds.start()));
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.and_then(|number| u32::try_from(number).ok()).filter(|number| bounds.contains(number));
        if number.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            self.bad(value, format!("`{}` is out of its bounds", self.name(key)), format!("from {least} to {most}"));
        }
        number
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(key, value, "true or false", &format!("write `{key} = true`"));
        }
        flag
    }

    /// A flag that can only be what it is without being written, until what it stands for is there.
    pub(super) fn fixed_flag(&mut self, key: &'static str, only: bool) {
        if self.flag(key) == Some(!only)
            && let Some(value) = self.value(key)
        {
            self.not_yet(value, &format!("{key} = {}", !only), &format!("{key} = {only}"));
        }
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        self.text_of(key, value, &format!("write `{key} = \"...\"`"))
    }

    /// A text that there has to be.
    pub(super) fn wanted_text(&mut self, key: &'static str) -> String {
        if self.value(key).is_none() {
            self.bad_whole(format!("`{}` is not there", self.name(key)), format!("write `{key} = \"...\"`"));
        }
        self.text(key).unwrap_or_default()
    }

    /// A share in percent, in thousandths of one.
    pub(super) fn share(&mut self, key: &'static str) -> Option<i64> {
        let value = self.value(key)?;
        let written = value.get_ref();
        let number = written
            .as_integer()
            .map(|number| number.as_str())
            .or_else(|| written.as_float().map(|number| number.as_str()));
        let Some(number) = number else {
            self.wrong(key, value, "a number of percent", &format!("write `{key} = 80`"));
            return None;
        };
        let read = |bound| Unit::percent().read(number, bound).ok();
        let share = read(Bound::AtLeast(0)).filter(|share| read(Bound::AtMost(0)) == Some(*share));
        let share = share.filter(|share| (0..=100_000).contains(share));
        if share.is_none() {
            let help = "from 0 to 100, with three digits behind the point at most".to_owned();
            self.bad(value, format!("`{}` is no share", self.name(key)), help);
        }
        share
    }

    /// Paths of files in the repository.
    pub(super) fn paths(&mut self, key: &'static str) -> Option<Vec<String>> {
        let paths = self.texts(key)?;
        let is_path = |path: &String| path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if let (Some(path), Some(value)) = (paths.iter().find(|path| !is_path(path)), self.value(key)) {
            let text = format!("`{}` is no path of a file in the repository", shown(path));
            self.bad(value, text, "such as `target/coverage.xml`".to_owned());
            return None;
        }
        Some(paths)
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let how = format!("write `{key} = [\"...\"]`");
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list of strings", &how);
            return None;
        };
        if list.len() > LIST_MAX {
            self.bad(value, format!("`{}` is too long", self.name(key)), format!("at most {LIST_MAX}"));
            return None;
        }
        list.iter().map(|member| self.member(key, member, "a list of strings", &how)).collect()
    }

    /// Globs over paths in the repository.
    pub(super) fn globs(&mut self, key: &'static str) -> Option<Vec<String>> {
        let globs = self.texts(key)?;
        for glob in &globs {
            let fault = if glob.starts_with('/') || glob.split('/').any(|part| part == "..") {
                Some("it leaves the repository".to_owned())
            } else {
                globset::Glob::new(glob).err().map(|error| error.kind().to_string())
            };
            if let (Some(why), Some(value)) = (fault, self.value(key)) {
                let text = format!("`{}` is no pattern of paths: {}", shown(glob), shown(&why));
                self.bad(value, text, "paths relative to the repository, such as `tests/**`".to_owned());
                return None;
            }
        }
        Some(globs)
    }

    /// One of some words; `later` are words that will be understood.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)], later: &[&str]) -> Option<T> {
        let value = self.value(key)?;
        let written = self.text_of(key, value, &format!("write `{key} = \"{}\"`", words[0].0))?;
        if let Some((_, choice)) = words.iter().find(|(word, _)| *word == written) {
            return Some(*choice);
        }
        if later.contains(&&*written) {
            self.not_yet(value, &format!("{key} = \"{written}\""), &format!("{key} = \"{}\"", words[0].0));
            return None;
        }
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let help = match nearest(&written, all.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("one of `{}`", all.join("`, `")),
        };
        self.bad(value, format!("`{}` cannot be `{}`", self.name(key), shown(&written)), help);
        None
    }

    /// A length of time such as `"20m"`.
    pub(super) fn duration(&mut self, key: &'static str, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        static PARSER: SpanParser = SpanParser::new();
        let value = self.value(key)?;
        let how = "a number and a unit, such as `\"20m\"` or `\"1h 30m\"`";
        let written = self.text_of(key, value, how)?;
        let Ok(duration) = PARSER.parse_unsigned_duration(written.trim()) else {
            self.bad(
                value,
                format!("`{}` is no length of time: `{}`", self.name(key), shown(&written)),
                how.to_owned(),
            );
            return None;
        };
        if !bounds.contains(&duration) {
            let (least, most) = (bounds.start().as_secs(), bounds.end().as_secs() / 3600);
            let text = format!("`{}` is out of its bounds", self.name(key));
            self.bad(value, text, format!("from {least} s to {most} h"));
            return None;
        }
        Some(duration)
    }

    /// A table of variables for programs.
    pub(super) fn variables(&mut self, key: &'static str) -> Option<BTreeMap<String, String>> {
        let value = self.value(key)?;
        let how = format!("write `{key} = {{ NAME = \"value\" }}`");
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, "a table of strings", &how);
            return None;
        };
        let mut variables = BTreeMap::new();
        for (name, member) in table {
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            let name: &str = name.get_ref();
            if name.is_empty() || !name.bytes().all(is_name) || name.starts_with("TIDEGATE_") {
                let text = format!("`{}` cannot be set here", shown(name));
                self.bad(
                    member,
                    text,
                    "a name of letters, digits and `_` that does not begin with `TIDEGATE_`".to_owned(),
                );
            } else if let Some(text) = self.member(key, member, "a table of strings", &how) {
                variables.insert(name.to_owned(), text);
            }
        }
        Some(variables)
    }

    /// A table of command lines, by path in the repository or by file name.
    pub(super) fn commands(&mut self, key: &'static str) -> Option<BTreeMap<String, String>> {
        let value = self.value(key)?;
        let how = format!("write `{key} = {{ \"file\" = \"command\" }}`");
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, "a table of strings", &how);
            return None;
        };
        let mut commands = BTreeMap::new();
        for (name, member) in table {
            let name: &str = name.get_ref();
            if name.starts_with('/') || name.split('/').any(|part| matches!(part, "" | "." | "..")) {
                let text = format!("`{}` is no file of the repository", shown(name));
                self.bad(member, text, "the name of a file, or its path relative to the repository".to_owned());
            } else if let Some(text) = self.member(key, member, "a table of strings", &how) {
                commands.insert(name.to_owned(), text);
            }
        }
        Some(commands)
    }

    /// A fault of what was written at a key, where only the reader of the whole section can see it.
    pub(super) fn bad_at(&mut self, key: &'static str, text: String, help: String) {
        if let Some(value) = self.value(key) {
            self.bad(value, text, help);
        }
    }

    /// A fault of the section as a whole, where it has a key at all.
    pub(super) fn bad_whole(&mut self, text: String, help: String) {
        let first = self.table.and_then(|table| table.iter().next());
        let at = first.map_or(0..0, |(key, _)| key.span());
        self.faults.borrow_mut().push(fault("config-bad-value", text, at, help));
    }

    /// Tells what nobody asked for.
    pub(super) fn finish(&self) {
        for (key, _) in self.table.into_iter().flatten().filter(|(key, _)| !self.known.contains(&&**key.get_ref())) {
            let place = if self.path.is_empty() { String::new() } else { format!(" in `[{}]`", self.path) };
            let help = match nearest(key.get_ref(), self.known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known here: `{}`", self.known.join("`, `")),
            };
            let text = format!("unknown key `{}`{place}", shown(key.get_ref()));
            self.faults.borrow_mut().push(fault("config-unknown-key", text, key.span(), help));
        }
    }

    fn value(&mut self, key: &'static str) -> Option<Value<'a>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table?.get(key)
    }

    fn text_of(&self, key: &str, value: Value<'_>, how: &str) -> Option<String> {
        self.member(key, value, "a string", how)
    }

    /// A string in what is `whole`.
    fn member(&self, key: &str, value: Value<'_>, whole: &str, how: &str) -> Option<String> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong(key, value, whole, how);
            return None;
        };
        // No program, path or name can have these: they would end an argument, or forge a line.
        if text.trim().is_empty() || text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.bad(value, format!("`{}` is empty, or has control characters", self.name(key)), how.to_owned());
            return None;
        }
        Some(text.to_owned())
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn wrong(&self, key: &str, value: Value<'_>, right: &str, how: &str) {
        let text = format!("`{}` is {right}, not {}", self.name(key), kind(value.get_ref()));
        self.fault("config-wrong-kind", text, value, how.to_owned());
    }

    fn bad(&self, value: Value<'_>, text: String, help: String) {
        self.fault("config-bad-value", text, value, help);
    }

    fn not_yet(&self, value: Value<'_>, written: &str, instead: &str) {
        let text = format!("`{written}` is not available yet");
        self.fault("config-not-available", text, value, format!("write `{instead}`, or leave it out"));
    }

    fn fault(&self, code: &'static str, text: String, value: Value<'_>, help: String) {
        self.faults.borrow_mut().push(fault(code, text, value.span(), help));
    }
}

/// An error at a range of bytes of the file.
pub(super) fn fault(code: &'static str, text: String, at: std::ops::Range<usize>, help: String) -> Fault {
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let at = Span { source: SOURCE, start: byte(at.start), end: byte(at.end) };
    let labels = vec![Label { at, text: String::new() }];
    Fault { severity: Severity::Error, code, text, labels, help: Some(help) }
}

/// A piece of the file in a sentence: short, on one line, without what moves a cursor.
pub(super) fn shown(text: impl Display) -> String {
    text.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_MAX).collect()
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
