//! Who an agent is: the definitions in `agents/`, embedded in the binary, in the format of Claude Code's sub-agents.

use std::sync::Arc;

/// An agent's definition: frontmatter and prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name, by which the configuration and the breakdown ask for it.
    pub name: Box<str>,
    /// What it is for, in a sentence.
    pub description: Box<str>,
    /// The prompt it is given as its own.
    pub prompt: Box<str>,
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each built-in definition.
        const BUILT_IN: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../agents/", $name, ".md")))),*];
    };
}

built_in![
    "consistency-reviewer",
    "documentation-reviewer",
    "factual-reviewer",
    "implementation-agent",
    "qa-reviewer",
    "redundancy-reviewer",
    "security-reviewer",
    "senior-engineer-reviewer",
    "test-developer",
];

impl Definition {
    /// The built-in definition of this name.
    pub fn built_in(name: &str) -> Option<Arc<Definition>> {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Definition::read(text).map(Arc::new)
    }

    /// Reads a definition; `None` for a file without frontmatter, which is no definition.
    pub fn read(text: &str) -> Option<Definition> {
        let (front, prompt) = text.strip_prefix("---\n")?.split_once("\n---\n")?;
        let field = |name: &str| {
            let line = front.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.trim().trim_matches('"').into())
        };
        Some(Definition {
            name: field("name")?,
            description: field("description").unwrap_or_default(),
            prompt: prompt.trim().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_definition_is_read_and_carries_its_files_name() {
        for (name, _) in BUILT_IN {
            let definition = Definition::built_in(name).unwrap_or_else(|| panic!("{name} has no frontmatter"));
            assert_eq!(&*definition.name, *name);
            assert!(!definition.description.is_empty() && definition.prompt.len() > 200, "{name} says too little");
        }
        assert_eq!(Definition::read("no frontmatter"), None);
    }
}
