//! The useful part of a check's output: the sections of failing tests and compile errors first, then its last lines.

use crate::text::shortened;

/// Characters kept of a line.
const LONGEST_LINE: usize = 400;

/// At most `most` lines of what helps, without control sequences.
pub fn tail(output: &str, most: usize) -> String {
    let lines: Vec<&str> = output.lines().filter(|line| !is_noise(line)).collect();
    let mut kept = sections(&lines, most.saturating_sub(most / 4));
    let from = lines.len().saturating_sub(most - kept.len());
    kept.extend((from..lines.len()).filter(|at| !kept.contains(at)).collect::<Vec<_>>());
    kept.sort_unstable();
    let mut text = String::new();
    let mut next = None;
    for at in kept {
        if next.is_some_and(|next| next != at) {
            text.push_str("[...]\n");
        }
        text.push_str(&shortened(lines[at], LONGEST_LINE));
        text.push('\n');
        next = Some(at + 1);
    }
    text
}

fn is_noise(line: &str) -> bool {
    let line = line.trim_start();
    ["Compiling ", "Finished ", "Fresh ", "Checking ", "Blocking ", "warning: `--logfile` is deprecated"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Places of lines that stand in a failing test's section or a compile error.
fn sections(lines: &[&str], most: usize) -> Vec<usize> {
    let mut kept = Vec::new();
    let mut is_inside = false;
    for (at, line) in lines.iter().enumerate() {
        let starts = (line.starts_with("---- ") && line.ends_with(" ----")) || line.starts_with("error");
        let ends = *line == "failures:" || line.starts_with("test result:") || line.starts_with("stack backtrace:");
        is_inside = (is_inside || starts) && !ends;
        if is_inside && kept.len() < most && !line.trim().is_empty() {
            kept.push(at);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_sections_come_before_what_merely_came_last() {
        let noise = "test x ... ok\n".repeat(100);
        let output = format!(
            "   Compiling a\n---- it stdout ----\n\u{1b}[31massertion failed\u{1b}[0m\nstack backtrace:\n  0: x\n\nfailures:\n    it\n{noise}test result: FAILED\n"
        );
        let text = tail(&output, 8);
        assert!(text.starts_with("---- it stdout ----\nassertion failed\n[...]\n"), "{text}");
        assert!(text.ends_with("test result: FAILED\n") && text.lines().count() <= 9, "{text}");
        assert_eq!(tail("", 8), "");
    }
}
