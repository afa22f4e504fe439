//! Tools as definitions name them: Claude Code's names, with a pattern in parentheses or without, and those of MCP servers.

use crate::text::{nearest, shortened};
use std::ops::Range;

/// The tools that Claude Code has had by name. Other backends map them to their own.
const KNOWN: &[&str] = &[
    "Agent",
    "AskUserQuestion",
    "Bash",
    "BashOutput",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitPlanMode",
    "ExitWorktree",
    "Glob",
    "Grep",
    "KillBash",
    "KillShell",
    "LS",
    "LSP",
    "ListAgents",
    "ListMcpResourcesTool",
    "Monitor",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "PowerShell",
    "Read",
    "ReadMcpResourceTool",
    "RemoteTrigger",
    "ReportFindings",
    "ScheduleWakeup",
    "SendMessage",
    "Skill",
    "SlashCommand",
    "StructuredOutput",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskStop",
    "TaskUpdate",
    "TodoRead",
    "TodoWrite",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
];

/// Bytes of one tool with its pattern, at most.
const TOOL_MAX: usize = 1_000;

/// Why something names no tool, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoTool {
    pub(super) text: String,
    pub(super) help: String,
}

/// The tools of a line, each by its place: at commas and blanks, but for those in parentheses.
pub(super) fn split(text: &str) -> Vec<Range<usize>> {
    let (mut tools, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 && (c == ',' || c.is_whitespace()) => {
                tools.push(start..at);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    tools.push(start..text.len());
    tools.retain(|tool| !tool.is_empty());
    tools
}

/// Whether a line means every tool there is.
pub(super) fn is_all(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "*" | "all" | "all tools")
}

/// Whether it is a tool.
pub(super) fn check(tool: &str) -> Result<(), NoTool> {
    let (name, pattern) = tool.split_once('(').map_or((tool, None), |(name, pattern)| (name, Some(pattern)));
    let told = || shortened(tool, 60);
    if tool.len() > TOOL_MAX || tool.chars().any(char::is_control) {
        let help = format!("a tool's name, and a pattern of at most {TOOL_MAX} bytes on one line");
        return Err(NoTool { text: format!("`{}` is no tool", told()), help });
    }
    if pattern.is_some_and(|pattern| !pattern.ends_with(')')) {
        let help = format!("write `{}(...)`, or `{0}` alone", shortened(name, 60));
        return Err(NoTool { text: format!("the pattern of `{}` does not end", told()), help });
    }
    if let Some(of_server) = name.strip_prefix("mcp__") {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'*');
        if !of_server.is_empty() && of_server.bytes().all(is_name) {
            return Ok(());
        }
        let help = "write `mcp__server__tool`, or `mcp__server` for all that it has".to_owned();
        return Err(NoTool { text: format!("`{}` is no tool of an MCP server", told()), help });
    }
    if KNOWN.contains(&name) {
        return Ok(());
    }
    let help = match nearest(name, KNOWN.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "tools are named as Claude Code names them: `Read`, `Grep`, `Edit`, `Bash(git *)`, `mcp__server__tool`"
            .to_owned(),
    };
    Err(NoTool { text: format!("unknown tool `{}`", told()), help })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_keeps_its_commas_and_blanks() {
        let tools = |text: &str| split(text).into_iter().map(|at| text[at].to_owned()).collect::<Vec<_>>();
        assert_eq!(
            tools(" Read,Grep , Bash(git log, *) Edit(/**),,"),
            ["Read", "Grep", "Bash(git log, *)", "Edit(/**)"]
        );
        assert_eq!(tools("Bash(a(b, c) d, Read"), ["Bash(a(b, c) d, Read"]);
        assert_eq!(tools("))Read é"), ["))Read", "é"]);
        assert_eq!(tools(" , "), Vec::<String>::new());
        assert_eq!(split(&"(,".repeat(100_000)).len(), 1);
    }

    #[test]
    fn what_is_no_tool_says_what_is() {
        for tool in ["Read", "Bash(git *)", "Bash()", "mcp__docs__search", "mcp__docs", "mcp__docs__*", "Edit(/src/**)"]
        {
            assert_eq!(check(tool), Ok(()), "{tool}");
        }
        for (tool, text, help) in [
            ("bash", "unknown tool `bash`", "did you mean `Bash`?"),
            ("Raed", "unknown tool `Raed`", "did you mean `Read`?"),
            ("Browser", "unknown tool `Browser`", "tools are named as Claude Code names them"),
            ("Bash(git *", "the pattern of `Bash(git *` does not end", "write `Bash(...)`, or `Bash` alone"),
            ("mcp__", "`mcp__` is no tool of an MCP server", "write `mcp__server__tool`"),
            ("mcp__a/b", "`mcp__a/b` is no tool of an MCP server", "write `mcp__server__tool`"),
            ("Bash(a\nb)", "is no tool", "on one line"),
        ] {
            let told = check(tool).expect_err(tool);
            assert!(
                told.text.contains(text) && told.help.starts_with(help) || told.help.contains(help),
                "{tool}: {told:?}"
            );
        }
        assert!(check(&"(".repeat(100_000)).is_err());
    }
}
