//! The context package: everything one agent needs for one try of one phase, and nothing else.
//!
//! A package is written in the order in which it is needed: what is asked, what the task says, what is already there,
//! what was wrong the last time.

use crate::{
    plan::{Blueprint, Role, Task, TestWish},
    run::{Finding, Oid, Seal, TakenOut, Weight, WithoutCode},
};
use std::{fmt::Write, path::Path};

/// What goes into one package.
pub struct Package<'a> {
    /// The whole plan, for its topic and its common text.
    pub plan: &'a Blueprint,
    /// The task.
    pub task: &'a Task,
    /// What the agent is asked to be.
    pub role: Role,
    /// Its definition's prompt, where it has one.
    pub prompt: Option<&'a str>,
    /// What the tasks this one hangs on have handed over, each a Markdown text.
    pub handoffs: &'a [String],
    /// The sealed tests, once there are some.
    pub seal: &'a Seal,
    /// Why it was sent back, the last time.
    pub findings: &'a [Finding],
    /// Changed lines that no test runs: of use to who looks at the patch.
    pub uncovered: &'a [Finding],
    /// The patch that is looked at: the commit it was made on, and the one that holds it.
    pub patch: Option<(Oid, Oid)>,
    /// What the sealed tests said of it without its code: for reviewers, who judge whether they prove anything.
    pub without_code: Option<&'a WithoutCode>,
    /// Bytes of common text at most: the breakdown's own prose can be long.
    pub common_max: usize,
}

impl Package<'_> {
    /// The package as one Markdown text.
    pub fn render(&self) -> String {
        let mut out = String::new();
        if let Some(prompt) = self.prompt {
            let _ = writeln!(out, "{prompt}\n");
        }
        let _ = writeln!(out, "# Task {}: {}\n", self.task.label, self.task.title);
        let _ = writeln!(out, "Topic: {}. Your role: {}.\n", self.plan.topic, self.role.name());
        let _ = writeln!(out, "{}\n", self.task.brief.text.trim());
        self.patched(&mut out);
        self.measured(&mut out);
        self.requirements(&mut out);
        self.scope(&mut out);
        self.sealed(&mut out);
        self.without_code(&mut out);
        if !self.handoffs.is_empty() {
            out.push_str("## What the tasks before this one handed over\n\n");
            self.handoffs.iter().for_each(|text| out.push_str(&format!("{}\n\n", text.trim())));
        }
        if !self.findings.is_empty() {
            out.push_str("## Why it came back to you\n\n");
            out.push_str(&feedback(self.findings));
        }
        let common = shortened(self.plan.context.trim(), self.common_max);
        if !common.is_empty() {
            let _ = writeln!(out, "## What the breakdown says for all tasks\n\n{common}");
        }
        out
    }

    /// What is told to somebody who has the package already: what has become of it since.
    pub fn reminder(&self, workspace: &Path) -> String {
        let mut out = format!("# Task {} again\n\nYou work in `{}`.\n\n", self.task.label, workspace.display());
        self.patched(&mut out);
        if self.findings.is_empty() {
            out.push_str(
                "You were interrupted before you were done. Look at what is there, and go on with your task.\n",
            );
        } else {
            self.sealed(&mut out);
            out.push_str("## Why it came back to you\n\n");
            out.push_str(&feedback(self.findings));
            out.push_str(
                "Your files are as you left them, but for what was taken out or restored. Go on from there.\n",
            );
        }
        out
    }

    fn patched(&self, out: &mut String) {
        if let Some((base, head)) = self.patch {
            let _ = writeln!(out, "## The patch\n\nMade on `{base}`, held by `{head}`: `git diff {base} {head}`.\n");
        }
    }

    fn measured(&self, out: &mut String) {
        if self.patch.is_some() && !self.uncovered.is_empty() {
            out.push_str("## Changed lines that no test runs\n\n");
            out.push_str(&feedback(self.uncovered));
        }
    }

    fn requirements(&self, out: &mut String) {
        match &self.task.brief.tests {
            TestWish::Stated(text) => {
                let _ = writeln!(out, "## Tests it needs\n\n{}\n", text.trim());
            }
            TestWish::Declined(reason) => {
                let _ = writeln!(out, "## Tests it needs\n\nNone of its own: {}\n", reason.trim());
            }
            TestWish::Unstated => {}
        }
        if !self.task.brief.acceptance.is_empty() {
            out.push_str("## What it is judged by\n\n");
            self.task.brief.acceptance.iter().for_each(|line| out.push_str(&format!("- {line}\n")));
            out.push('\n');
        }
    }

    fn scope(&self, out: &mut String) {
        if !self.task.brief.files.is_empty() {
            out.push_str("## What it may touch\n\n");
            self.task.brief.files.iter().for_each(|file| out.push_str(&format!("- `{file}`\n")));
            out.push('\n');
        }
    }

    fn without_code(&self, out: &mut String) {
        let Some(proof) = self.without_code.filter(|_| self.role == Role::Reviewer) else { return };
        let what = match &proof.out {
            TakenOut::Bodies(functions) => format!("the bodies of {} taken out", listed(functions)),
            TakenOut::Patch => "the whole patch taken out".to_owned(),
        };
        let _ = writeln!(out, "## The sealed tests without the code\n\nThey were run with {what}.\n");
        if !proof.failing.is_empty() {
            let _ = writeln!(out, "- Fail, as they should: {}", listed(&proof.failing));
        }
        if !proof.passing.is_empty() {
            let _ = writeln!(
                out,
                "- Pass all the same, so look at whether they prove anything: {}",
                listed(&proof.passing)
            );
        }
        proof.doubts.iter().for_each(|doubt| out.push_str(&format!("- Not shown: {doubt}\n")));
        out.push('\n');
    }

    fn sealed(&self, out: &mut String) {
        if self.seal.files.is_empty() {
            return;
        }
        out.push_str("## Sealed tests: they must pass, and stay as they are\n\n");
        self.seal.files.iter().for_each(|file| out.push_str(&format!("- `{}`\n", file.path)));
        self.seal.tests.iter().for_each(|test| out.push_str(&format!("  - {test}\n")));
        out.push('\n');
    }
}

/// Names as they are listed in a text.
fn listed(names: &[Box<str>]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Findings as an agent reads them: the blockers first.
pub fn feedback(findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.weight);
    let mut out = String::new();
    for finding in sorted {
        let weight = match finding.weight {
            Weight::Blocker => "blocker",
            Weight::Concern => "concern",
            Weight::Suggestion => "suggestion",
            Weight::Praise => "praise",
        };
        let by = finding.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        let place = match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!(" `{file}:{line}`"),
            (Some(file), None) => format!(" `{file}`"),
            (None, _) => String::new(),
        };
        let _ = writeln!(out, "- **{weight}**{by}{place}: {}", indented(finding.text.trim()));
    }
    out.push('\n');
    out
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}

/// The first `max` bytes, to the end of a line, and a word that there is more.
fn shortened(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let cut = text.floor_char_boundary(max);
    let end = text[..cut].rfind('\n').unwrap_or(cut);
    format!("{}\n\n(shortened: {} bytes more in the breakdown)", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Code;

    #[test]
    fn feedback_puts_blockers_first_and_keeps_long_output_in_its_item() {
        let praise = Finding { weight: Weight::Praise, ..Finding::blocker(Code::Review, "well named") };
        let blocker = Finding::blocker(Code::CheckFails, "cargo test failed\nleft: 1").at("src/a.rs", Some(3));
        assert_eq!(
            feedback(&[praise, blocker]),
            "- **blocker** `src/a.rs:3`: cargo test failed\n  left: 1\n- **praise**: well named\n\n"
        );
    }

    #[test]
    fn common_text_is_cut_at_a_line_and_says_so() {
        assert_eq!(shortened("one\ntwo\nthree", 8), "one\ntwo\n\n(shortened: 6 bytes more in the breakdown)");
        assert_eq!(shortened("one", 8), "one");
    }
}
