//! Who an agent is: a definition in the format of Claude Code's sub-agents, frontmatter and prompt.

use super::{
    frontmatter::{self, Field, Front, Split, Value},
    tool,
};
use crate::{
    plan::{Fault, Label, Severity, Source, SourceId, Span},
    text::{nearest, shortened},
};
use std::{
    ops::Range,
    sync::{Arc, LazyLock},
};

/// An agent's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name, by which the configuration and the breakdown ask for it.
    pub name: Box<str>,
    /// What it is for; may be long, or empty.
    pub description: Box<str>,
    /// The prompt it is given as its own.
    pub prompt: Box<str>,
    /// The tools it may use, by Claude Code's names, with patterns as written (`Bash(git *)`). `None`: all that its role lets it have.
    pub tools: Option<Vec<Box<str>>>,
    /// Tools that it may not use, whatever else is said.
    pub denied: Vec<Box<str>>,
    /// The model that it asks for, in Claude Code's words. `None`: whatever the backend or the configuration has.
    pub model: Option<Box<str>>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a definition comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is embedded in the binary.
    BuiltIn,
    /// This file of the repository.
    File(Box<str>),
}

impl Origin {
    /// In words: the path, or `built-in`.
    pub fn name(&self) -> &str {
        match self {
            Origin::BuiltIn => "built-in",
            Origin::File(path) => path,
        }
    }
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each built-in definition.
        const BUILT_IN: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../agents/", $name, ".md")))),*];
    };
}

built_in![
    "architecture-agent",
    "consistency-reviewer",
    "documentation-expert",
    "documentation-reviewer",
    "execution-coordinator",
    "factual-reviewer",
    "implementation-agent",
    "language-expert",
    "language-reviewer",
    "qa-reviewer",
    "redundancy-reviewer",
    "security-reviewer",
    "senior-engineer-reviewer",
    "test-developer",
    "test-expert",
];

/// Fields that are read.
const READ: [&str; 5] = ["name", "description", "tools", "disallowedTools", "model"];

/// Fields that are known, in Claude Code or its like, and that nobody misses where they are not heeded.
const IGNORED: [&str; 16] = [
    "background",
    "color",
    "effort",
    "initialPrompt",
    "isolation",
    "license",
    "maxTurns",
    "memory",
    "metadata",
    "mode",
    "skills",
    "tags",
    "temperature",
    "title",
    "version",
    "whenToUse",
];

/// Fields that do something in Claude Code which nothing does here, with what there is instead.
const UNHEEDED: [(&str, &str); 3] = [
    ("hooks", "nothing is run for a hook; what has to hold belongs into `[checks]` of tidegate.toml"),
    ("permissionMode", "what an agent may do follows from its role and the sandbox; narrow it with `tools`"),
    ("mcpServers", "a definition starts no servers"),
];

/// Faults told of one file, at most.
const FAULTS_MAX: usize = 50;

/// Tools of one definition, at most.
const TOOLS_MAX: usize = 200;

/// Characters of a name, at most.
const NAME_MAX: usize = 64;

impl Definition {
    /// The built-in definition of this name.
    pub fn built_in(name: &str) -> Option<Arc<Definition>> {
        Definition::all_built_in().iter().find(|definition| &*definition.name == name).cloned()
    }

    /// All built-in definitions, by name.
    pub fn all_built_in() -> &'static [Arc<Definition>] {
        static ALL: LazyLock<Vec<Arc<Definition>>> = LazyLock::new(|| {
            let read = |(name, text): &(&str, &str)| {
                let source = Source::new(format!("{name}.md"), (*text).to_owned());
                let definition = read(&source, SourceId(0), false)?.definition?;
                Some(Arc::new(Definition { origin: Origin::BuiltIn, ..definition }))
            };
            BUILT_IN.iter().filter_map(read).collect()
        });
        &ALL
    }

    /// What it is used as, in the words of `[agents]` in tidegate.toml. `reviewers` are the names that review whatever they are called.
    pub fn role(&self, reviewers: &[String]) -> &'static str {
        match &*self.name {
            "execution-coordinator" => "coordinator",
            "implementation-agent" => "implementation",
            "test-developer" => "test-developer",
            name if name.ends_with("-reviewer") || reviewers.iter().any(|own| own == name) => "reviewer",
            _ => "expert",
        }
    }
}

/// What was understood of a file that has frontmatter.
pub(super) struct Reading {
    /// The name by which it would be asked for: its own, or its file's.
    pub(super) name: Box<str>,
    /// Where the name stands.
    pub(super) at: Span,
    /// None where an error is among the faults.
    pub(super) definition: Option<Definition>,
    /// What is wrong with it.
    pub(super) faults: Vec<Fault>,
}

/// Reads a file; `None` where it is no definition: it has no frontmatter or, if `is_shy`, one in which nothing is a definition's.
pub(super) fn read(source: &Source, id: SourceId, is_shy: bool) -> Option<Reading> {
    let mut reader = Reader { source, id, faults: Vec::new(), is_broken: false };
    let stem = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".md");
    let failed = |mut reader: Reader<'_>, text: String, at: Range<usize>, help: &str| {
        reader.error("definition-syntax", text, at.clone(), help.to_owned());
        let at = reader.span(at);
        Some(Reading { name: stem.into(), at, definition: None, faults: reader.faults })
    };
    let (yaml, at, body) = match frontmatter::split(&source.text) {
        Split::Plain => return None,
        Split::Open(_) if is_shy && !frontmatter::names_any(&source.text, &READ) => return None,
        Split::Front { yaml, .. } if is_shy && !frontmatter::names_any(yaml, &READ) => return None,
        Split::Open(at) => {
            return failed(reader, "the frontmatter does not end".to_owned(), at, "write a line `---` behind it");
        }
        Split::Front { yaml, at, body } => (yaml, at, body),
    };
    let behind = |range: Range<usize>| at + range.start..at + range.end;
    let quote = "write lines of `name: value`, and put a value with `: `, `#` or `*` in it into quotes";
    let Front { fields, flaw } = match frontmatter::read(yaml) {
        Ok(front) => front,
        Err(broken) => {
            return failed(reader, format!("the frontmatter is no YAML: {}", broken.text), behind(broken.at), quote);
        }
    };
    if let Some(flaw) = flaw {
        let text = format!("the frontmatter is no YAML, and is read line by line: {}", flaw.text);
        reader.warning("definition-syntax", text, behind(flaw.at), quote.to_owned());
    }
    let fields = fields.into_iter().map(|field| field.moved(at));
    let head = source.text.find("---").unwrap_or_default();
    Some(reader.definition(&fields.collect::<Vec<_>>(), head..head + 3, stem, body))
}

struct Reader<'a> {
    source: &'a Source,
    id: SourceId,
    faults: Vec<Fault>,
    /// Whether there was an error.
    is_broken: bool,
}

impl Reader<'_> {
    /// Reads the fields of a definition. `head` is the line above its frontmatter.
    fn definition(mut self, fields: &[Field], head: Range<usize>, stem: &str, body: &str) -> Reading {
        let (mut name, mut description, mut tools, mut denied, mut model) = (None, None, None, None, None);
        let mut name_at = head.clone();
        for field in fields {
            match &*field.key {
                "name" => (name, name_at) = (self.name(field), field.at.clone()),
                "description" => description = self.text(field),
                "tools" => tools = self.tools(field),
                "disallowedTools" => denied = self.tools(field),
                "model" => model = self.model(field),
                key => self.other(key, field),
            }
        }
        if !fields.iter().any(|field| field.key == "name") {
            let help = format!("write `name: {}`", shortened(stem, NAME_MAX));
            self.error("definition-name", "the definition has no name".to_owned(), head, help);
        }
        if body.trim().is_empty() {
            let text = "the definition has no prompt".to_owned();
            let help = "what the agent is told stands behind the frontmatter".to_owned();
            self.warning("definition-prompt", text, name_at.clone(), help);
        }
        let at = self.span(name_at);
        let definition = name.clone().filter(|_| !self.is_broken).map(|name| Definition {
            name,
            // Claude Code writes descriptions on one line, and their line ends as it would in a program.
            description: description.unwrap_or_default().replace("\\n", "\n").trim().into(),
            prompt: body.replace("\r\n", "\n").trim().into(),
            tools,
            denied: denied.unwrap_or_default(),
            model,
            origin: Origin::File(self.source.path.as_str().into()),
        });
        Reading { name: name.unwrap_or_else(|| stem.into()), at, definition, faults: self.faults }
    }

    fn name(&mut self, field: &Field) -> Option<Box<str>> {
        let text = self.text(field)?;
        let name = text.trim();
        let is_name = !name.is_empty()
            && name.chars().count() <= NAME_MAX
            && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '`'));
        if !is_name {
            let text = format!("`{}` is no name of a definition", shortened(name, NAME_MAX));
            let help = format!("letters, digits and hyphens, at most {NAME_MAX} of them");
            self.error("definition-name", text, field.at.clone(), help);
        }
        is_name.then(|| name.into())
    }

    /// A text; where the field says nothing, an empty one.
    fn text(&mut self, field: &Field) -> Option<String> {
        match &field.value {
            Value::Text(text) => Some(text.clone()),
            Value::Nothing => Some(String::new()),
            Value::List(_) | Value::Table => {
                let text = format!("`{}` is a text", field.key);
                self.error("definition-wrong-kind", text, field.at.clone(), format!("write `{}: ...`", field.key));
                None
            }
        }
    }

    fn model(&mut self, field: &Field) -> Option<Box<str>> {
        let text = self.text(field)?;
        let model = text.trim();
        if model.is_empty() || model == "inherit" {
            return None;
        }
        // It becomes an argument of a program.
        let is_model =
            model.len() <= 200 && !model.starts_with('-') && !model.contains(|c: char| c.is_control() || c == ' ');
        if !is_model {
            let text = format!("`{}` is no model's name", shortened(model, 60));
            self.error("definition-model", text, field.at.clone(), "a name such as `sonnet`, or `inherit`".to_owned());
        }
        is_model.then(|| model.into())
    }

    /// `None`: all of them.
    fn tools(&mut self, field: &Field) -> Option<Vec<Box<str>>> {
        let members: Vec<(&str, Range<usize>)> = match &field.value {
            Value::Nothing => return None,
            Value::Text(text) => vec![(text, field.at.clone())],
            Value::List(members) if members.iter().all(|(text, _)| text.is_some()) => {
                members.iter().map(|(text, at)| (text.as_deref().unwrap_or_default(), at.clone())).collect()
            }
            Value::List(_) | Value::Table => {
                let text = format!("`{}` is a list of tools", field.key);
                let help = format!("write `{}: Read, Grep, Bash(git *)`, or a list of them", field.key);
                self.error("definition-wrong-kind", text, field.at.clone(), help);
                return Some(Vec::new());
            }
        };
        if field.key == "tools" && members.iter().any(|(text, _)| tool::is_all(text)) {
            return None;
        }
        let mut tools: Vec<Box<str>> = Vec::new();
        for (text, at) in members {
            let mut behind = at.start;
            for tool in tool::split(text).into_iter().map(|range| &text[range]) {
                if tools.len() >= TOOLS_MAX || self.faults.len() >= FAULTS_MAX {
                    let text = format!("`{}` names more than {TOOLS_MAX} tools", field.key);
                    self.error("definition-tool", text, at, "leave the field out: then all are allowed".to_owned());
                    return Some(tools);
                }
                // A value over several lines has its first one underlined: what is in none of them is told by that.
                let found = self.source.text.get(behind..at.end).and_then(|rest| rest.find(tool)).map(|n| behind + n);
                let place = found.map_or_else(|| at.clone(), |start| start..start + tool.len());
                behind = found.map_or(behind, |start| start + tool.len());
                if let Err(no_tool) = tool::check(tool) {
                    self.error("definition-tool", no_tool.text, place, no_tool.help);
                } else if !tools.iter().any(|known| **known == *tool) {
                    tools.push(tool.into());
                }
            }
        }
        Some(tools)
    }

    /// A field that is not read.
    fn other(&mut self, key: &str, field: &Field) {
        if let Some((_, help)) = UNHEEDED.iter().find(|(unheeded, _)| *unheeded == key) {
            let text = format!("`{key}` of a definition is not heeded");
            self.warning("definition-unheeded", text, field.key_at.clone(), (*help).to_owned());
        } else if !IGNORED.contains(&key)
            && let Some(meant) = nearest(key, READ)
        {
            let text = format!("unknown field `{}`", shortened(key, 60));
            self.warning("definition-field", text, field.key_at.clone(), format!("did you mean `{meant}`?"));
        }
    }

    fn error(&mut self, code: &'static str, text: String, at: Range<usize>, help: String) {
        self.fault(Severity::Error, code, text, at, help);
    }

    fn warning(&mut self, code: &'static str, text: String, at: Range<usize>, help: String) {
        self.fault(Severity::Warning, code, text, at, help);
    }

    fn fault(&mut self, severity: Severity, code: &'static str, text: String, at: Range<usize>, help: String) {
        self.is_broken |= severity == Severity::Error;
        if self.faults.len() < FAULTS_MAX {
            let labels = vec![Label { at: self.span(at), text: String::new() }];
            self.faults.push(Fault { severity, code, text, labels, help: Some(help) });
        }
    }

    fn span(&self, at: Range<usize>) -> Span {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span { source: self.id, start: number(at.start), end: number(at.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(text: &str) -> Source {
        Source::new("agents/some-agent.md".to_owned(), text.to_owned())
    }

    /// What is told of a file: severity, line, underlined text, words.
    fn told(text: &str) -> String {
        let source = source(text);
        let reading = read(&source, SourceId(3), false).expect("it is a definition");
        let one = |fault: &Fault| {
            let at = fault.labels[0].at;
            let (line, under) = (source.line_of(at.start).0 + 1, &text[at.start as usize..at.end as usize]);
            assert_eq!(at.source, SourceId(3));
            let help = fault.help.as_deref().unwrap_or_default();
            format!("{line}: {under} | {:?} {}: {} | {help}\n", fault.severity, fault.code, fault.text)
        };
        assert_eq!(reading.definition.is_none(), reading.faults.iter().any(|fault| fault.severity == Severity::Error));
        reading.faults.iter().map(one).collect()
    }

    fn definition(text: &str) -> Definition {
        let reading = read(&source(text), SourceId(0), false).expect("it has frontmatter");
        reading.definition.unwrap_or_else(|| panic!("{:?}", reading.faults))
    }

    #[test]
    fn every_built_in_definition_is_read_without_a_fault_and_carries_its_files_name() {
        assert_eq!(Definition::all_built_in().len(), BUILT_IN.len());
        for (name, text) in BUILT_IN {
            assert_eq!(told(text), "", "{name}");
            let definition = Definition::built_in(name).unwrap_or_else(|| panic!("{name} has no frontmatter"));
            assert_eq!((&*definition.name, &definition.origin), (*name, &Origin::BuiltIn));
            assert!(!definition.description.is_empty() && definition.prompt.len() > 200, "{name} says too little");
            assert!(definition.tools.as_ref().is_some_and(|tools| !tools.is_empty()), "{name} has no tools");
        }
    }

    #[test]
    fn each_built_in_definition_is_used_as_something() {
        let roles = |role: &str| {
            let all = Definition::all_built_in().iter().filter(|definition| definition.role(&[]) == role);
            all.map(|definition| &*definition.name).collect::<Vec<_>>()
        };
        assert_eq!(roles("coordinator"), ["execution-coordinator"]);
        assert_eq!(roles("implementation"), ["implementation-agent"]);
        assert_eq!(roles("test-developer"), ["test-developer"]);
        assert_eq!(roles("expert"), ["architecture-agent", "documentation-expert", "language-expert", "test-expert"]);
        assert_eq!(roles("reviewer").len(), 8);
        assert_eq!(Definition::built_in("test-expert").unwrap().role(&["test-expert".to_owned()]), "reviewer");
    }

    #[test]
    fn a_definition_is_what_claude_code_takes_it_for() {
        let text = "\u{feff}---\r\nname: some-agent\r\ndescription: Reviews: all\\nof it\r\ntools: Read, Bash(git log, *),Read\r\n\
                    disallowedTools: [Write]\r\nmodel: opus\r\ncolor: red\r\n---\r\n\r\nYou review.\r\n\r\n---\r\nname: no\r\n---\r\n";
        let definition = definition(text);
        assert_eq!((&*definition.name, &*definition.description), ("some-agent", "Reviews: all\nof it"));
        assert_eq!(definition.tools, Some(vec!["Read".into(), "Bash(git log, *)".into()]));
        assert_eq!((definition.denied, definition.model.as_deref()), (vec!["Write".into()], Some("opus")));
        assert_eq!(&*definition.prompt, "You review.\n\n---\nname: no\n---");
        assert_eq!(definition.origin.name(), "agents/some-agent.md");
    }

    #[test]
    fn tools_are_a_line_or_a_list_and_all_of_them_where_nothing_is_said() {
        let tools = |field: &str| {
            let tools = definition(&format!("---\nname: a\n{field}\n---\nB\n")).tools;
            tools.map(|tools| tools.join(" "))
        };
        assert_eq!(tools("model: inherit"), None);
        for all in ["tools:", "tools: '*'", "tools: *", "tools: All tools", "tools: [\"*\"]"] {
            assert_eq!(tools(all), None, "{all}");
        }
        assert_eq!(tools("tools: []").as_deref(), Some(""));
        for some in [
            "tools: Read Bash(git *)",
            "tools: [Read, 'Bash(git *)']",
            "tools:\n- Read\n- Bash(git *)",
            "tools: >\n  Read,\n  Bash(git *)",
        ] {
            assert_eq!(tools(some).as_deref(), Some("Read Bash(git *)"), "{some}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_what_to_write() {
        insta::assert_snapshot!(told("---\ndescription: A\n---\nB\n"), @"1: --- | Error definition-name: the definition has no name | write `name: some-agent`");
        insta::assert_snapshot!(told("---\nname: a/b\ntools: Read, Raed, 'x'\nmodel: --x\n---\nB\n"), @r#"
        2: a/b | Error definition-name: `a/b` is no name of a definition | letters, digits and hyphens, at most 64 of them
        3: Raed | Error definition-tool: unknown tool `Raed` | did you mean `Read`?
        3: 'x' | Error definition-tool: unknown tool `'x'` | tools are named as Claude Code names them: `Read`, `Grep`, `Edit`, `Bash(git *)`, `mcp__server__tool`
        4: --x | Error definition-model: `--x` is no model's name | a name such as `sonnet`, or `inherit`
        "#);
        insta::assert_snapshot!(told("---\nname:\ntools:\n- Read\n- Grop\n- {a: b}\n---\nB\n"), @r#"
        2: name | Error definition-name: `` is no name of a definition | letters, digits and hyphens, at most 64 of them
        3: tools | Error definition-wrong-kind: `tools` is a list of tools | write `tools: Read, Grep, Bash(git *)`, or a list of them
        "#);
        insta::assert_snapshot!(told("---\nname: a\ntools:\n  Read: true\ndescription: [x]\ndisallowedTools: '*'\n---\n"), @r#"
        3: tools | Error definition-wrong-kind: `tools` is a list of tools | write `tools: Read, Grep, Bash(git *)`, or a list of them
        5: [ | Error definition-wrong-kind: `description` is a text | write `description: ...`
        6: * | Error definition-tool: unknown tool `*` | tools are named as Claude Code names them: `Read`, `Grep`, `Edit`, `Bash(git *)`, `mcp__server__tool`
        2: a | Warning definition-prompt: the definition has no prompt | what the agent is told stands behind the frontmatter
        "#);
        insta::assert_snapshot!(told("---\nname: a\ntool: Read\nhooks:\n  Stop: []\npermissionMode: plan\nmcpServers: [x]\nmode: x\nother: y\n---\nB"), @r#"
        3: tool | Warning definition-field: unknown field `tool` | did you mean `tools`?
        4: hooks | Warning definition-unheeded: `hooks` of a definition is not heeded | nothing is run for a hook; what has to hold belongs into `[checks]` of tidegate.toml
        6: permissionMode | Warning definition-unheeded: `permissionMode` of a definition is not heeded | what an agent may do follows from its role and the sandbox; narrow it with `tools`
        7: mcpServers | Warning definition-unheeded: `mcpServers` of a definition is not heeded | a definition starts no servers
        "#);
        insta::assert_snapshot!(told("---\nname: a\ndescription: so: it is\n---\nB"), @"3: so: it is | Warning definition-syntax: the frontmatter is no YAML, and is read line by line: mapping values are not allowed in this context | write lines of `name: value`, and put a value with `: `, `#` or `*` in it into quotes");
        insta::assert_snapshot!(told("---\nname: [a\n---\nB"), @"2: [a | Error definition-syntax: the frontmatter is no YAML: unclosed bracket '[' | write lines of `name: value`, and put a value with `: `, `#` or `*` in it into quotes");
        insta::assert_snapshot!(told("---\nname: a\n"), @"1: --- | Error definition-syntax: the frontmatter does not end | write a line `---` behind it");
    }

    #[test]
    fn what_has_no_frontmatter_or_somebody_elses_is_no_definition() {
        assert!(read(&source("# Agents\n\nWe have some.\n"), SourceId(0), false).is_none());
        let page = "---\nlayout: page\npermalink: /agents\n---\nText\n";
        for page in [page, "---\ntitle: [\n---\n", "---\ntitle: x\n", "---\n\n---\n"] {
            assert!(read(&source(page), SourceId(0), true).is_none(), "{page}");
        }
        assert!(read(&source("---\nname: [\n---\n"), SourceId(0), true).is_some());
        assert!(read(&source(page), SourceId(0), false).is_some_and(|reading| reading.definition.is_none()));
    }

    #[test]
    fn a_member_of_a_list_is_told_with_its_own_line() {
        insta::assert_snapshot!(told("---\nname: a\ntools:\n  - Read\n  - Grop\n---\nB\n"), @"5: Grop | Error definition-tool: unknown tool `Grop` | did you mean `Grep`?");
    }

    #[test]
    fn a_thousand_faults_are_told_as_a_few() {
        let tools = (0..3_000).map(|n| format!("X{n}")).collect::<Vec<_>>().join(", ");
        let told = told(&format!("---\nname: a\ntools: {tools}\n---\nB\n"));
        assert_eq!(told.lines().count(), FAULTS_MAX);
        let tools = (0..3_000).map(|n| format!("Bash({n})")).collect::<Vec<_>>().join(", ");
        assert!(
            read(&source(&format!("---\nname: a\ntools: {tools}\n---\nB\n")), SourceId(0), false)
                .unwrap()
                .definition
                .is_none()
        );
    }

    proptest! {
        #[test]
        fn no_frontmatter_panics_and_every_fault_lies_in_its_file(
            front in "(((name|description|tools|disallowedTools|model|hooks|tool): ?|- )(Read|[Bb]ash\\([a-z *,]{0,4}\\)?|'|[\\[\\]{}\"*&!|>#é:, ]|[a-z]{1,3}|\\PC){0,6}\r?\n|\\PC{0,9}\n){0,7}",
            mark in "\u{feff}?",
        ) {
            let text = format!("{mark}---\n{front}---\nB\n");
            if let Some(reading) = read(&source(&text), SourceId(0), false) {
                let labels = reading.faults.iter().flat_map(|fault| &fault.labels).map(|label| label.at);
                for at in labels.chain([reading.at]) {
                    prop_assert!(text.get(at.start as usize..at.end as usize).is_some(), "{:?} in {:?}", at, text);
                }
            }
        }
    }
}
