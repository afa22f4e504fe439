//! HANDOFF of one task for the tasks behind it: short enough to fit their context beside everything else.

use super::page::{Page, Part};
use crate::{
    run::Oid,
    text::{block, line},
};

/// What a HANDOFF may cost those who read it.
const BUDGET: usize = 1_000;

/// A file that a landing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// `added`, `changed`, `deleted`.
    pub how: &'static str,
    /// Path relative to the repository.
    pub path: Box<str>,
    /// Why, as its agent says; may be empty.
    pub why: Box<str>,
}

/// What there is to hand over.
#[derive(Clone, Debug, Default)]
pub struct Summary<'a> {
    /// The task's label.
    pub label: &'a str,
    /// The task's title.
    pub title: &'a str,
    /// The commit that landed.
    pub commit: Oid,
    /// What it changed.
    pub files: &'a [Changed],
    /// What its agent said about it: interfaces, contracts, errors. May be empty.
    pub said: &'a str,
    /// The tests that hold it, by name; where the runner gave none, their files.
    pub tests: &'a [Box<str>],
    /// The commands that run them.
    pub commands: &'a [Box<str>],
    /// What was measured of it, each in a sentence.
    pub measured: &'a [String],
    /// Label and title of each task that hangs on it.
    pub dependents: &'a [(Box<str>, Box<str>)],
}

impl Summary<'_> {
    /// The document, in under 1,000 tokens: what does not fit is counted, the commit has it all.
    pub fn markdown(&self) -> String {
        // Lists are halved until it fits; the last is a page without lists.
        for most in [40, 20, 10, 5, 2, 1, 0] {
            let text = self.page(most).markdown();
            if tokens(&text) < BUDGET {
                return text;
            }
        }
        Page::new(format!("HANDOFF: {}", line(self.label, 60))).markdown()
    }

    fn page(&self, most: usize) -> Page {
        let mut page = Page::new(format!("HANDOFF: {} {}", line(self.label, 60), line(self.title, 120)));
        page.push(Part::Fact("Landed as", self.commit.to_string()));
        if !self.said.trim().is_empty() && most > 0 {
            page.push(Part::Section("What was built".into()));
            page.push(Part::Output(block(self.said, most, 120)));
        }
        if !self.files.is_empty() {
            page.push(Part::Section("Where".into()));
            let why = |file: &Changed| {
                if file.why.is_empty() { String::new() } else { format!(": {}", line(&file.why, 200)) }
            };
            let files = self.files.iter().map(|file| format!("{}: {}{}", file.how, line(&file.path, 120), why(file)));
            page.items(files, most);
        }
        page.push(Part::Section("Tests that hold it".into()));
        if self.tests.is_empty() {
            page.push(Part::Text("None of its own.".into()));
        }
        page.items(self.tests.iter().map(|name| line(name, 120)), most);
        if !self.commands.is_empty() {
            let commands = self.commands.iter().take(most.max(1));
            page.push(Part::Commands(commands.map(|command| line(command, 160)).collect()));
        }
        if !self.measured.is_empty() && most > 0 {
            page.push(Part::Section("What was measured".into()));
            page.items(self.measured.iter().map(|told| line(told, 160)), most);
        }
        if !self.dependents.is_empty() {
            page.push(Part::Section("Who builds on it".into()));
            page.items(self.dependents.iter().map(|(label, title)| line(&format!("{label} {title}"), 120)), most);
        }
        page
    }
}

/// HANDOFF.md of the whole run: each landed task with its commit, and where its own document is.
pub fn index(topic: &str, landed: impl ExactSizeIterator<Item = (String, String, Oid)>) -> String {
    let mut page = Page::new(format!("HANDOFF: {}", line(topic, 60)));
    page.push(Part::Text("What landed, in order. Each task has a document of its own under handoffs/.".into()));
    let item = |(label, title, commit): (String, String, Oid)| {
        let commit = if commit.is_none() { String::new() } else { format!(", landed as {}", commit.short()) };
        format!("{} {}{commit}: handoffs/{}", line(&label, 60), line(&title, 120), file_name(&label))
    };
    page.items(landed.map(item), 1_000);
    page.markdown()
}

/// The file name of a task's HANDOFF. Labels that would share a name get the digest of the label behind it.
pub fn file_name(label: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !label.is_empty() && label.len() <= 60 && label.chars().all(is_plain) {
        return format!("HANDOFF-{label}.md");
    }
    let plain: String = label.chars().map(|c| if is_plain(c) { c } else { '-' }).take(40).collect();
    let digest =
        label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |d, b| (d ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("HANDOFF-{plain}-{:08x}.md", digest >> 32)
}

/// How many tokens a text costs at most, by a rule of thumb that errs upwards: three ASCII characters, or one other, a token.
pub fn tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let other = text.chars().filter(|c| !c.is_ascii()).count();
    ascii.div_ceil(3) + other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handoff_says_what_dependents_need() {
        let files = [
            Changed { how: "added", path: "src/room.rs".into(), why: "".into() },
            Changed {
                how: "changed",
                path: "src/lib.rs".into(),
                why: "The room is public: the next task makes one.".into(),
            },
        ];
        let summary = Summary {
            label: "2",
            title: "Room Schema",
            commit: Oid::of_number(7),
            files: &files,
            said: "`Room::new(name)` makes a room.\nErrors: `EmptyName`.",
            tests: &["room::is_made".into()],
            commands: &["cargo test room".into()],
            measured: &[],
            dependents: &[("3".into(), "PubSub Integration Setup".into())],
        };
        insta::assert_snapshot!(summary.markdown());
    }

    #[test]
    fn it_never_costs_more_than_a_thousand_tokens() {
        let long: Box<str> = "漢x".repeat(300).into();
        let files = vec![Changed { how: "changed", path: long.clone(), why: long.clone() }; 900];
        let many = vec![long.clone(); 900];
        let dependents = vec![(long.clone(), long.clone()); 900];
        let summary = Summary {
            label: &long,
            title: &long,
            said: &long,
            files: &files,
            tests: &many,
            commands: &many,
            dependents: &dependents,
            ..Summary::default()
        };
        let text = summary.markdown();
        assert!(tokens(&text) < BUDGET, "{}", tokens(&text));
        assert!(text.contains("and 8"), "what is left out is counted: {text}");
    }

    #[test]
    fn a_label_is_never_a_path() {
        assert_eq!(file_name("2.1"), "HANDOFF-2.1.md");
        let names = ["../../etc", "a/b", "a b", ""].map(file_name);
        assert!(names.iter().all(|name| !name.contains(['/', ' '])), "{names:?}");
        assert_ne!(names[1], names[2]);
    }
}
