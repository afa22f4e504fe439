//! Calls that end the process: where a runner gives no names, they end the test as well, with whatever code they choose.

use super::shape::regex;
use regex::Regex;
use std::sync::LazyLock;

/// Names of files, and of folders, in which programs begin: they may end there.
const ENTRIES: [&str; 3] = ["main", "__main__", "cli"];
const FOLDERS: [&str; 3] = ["bin", "cmd", "scripts"];

/// Where a line makes such a call with what may be success, outside of where a program begins. `before` is the text above it.
pub(super) fn found(shape: &Regex, path: &str, before: &str, line: &str) -> Option<usize> {
    let at = shape.find_iter(line).find(|found| !fails(&line[found.end()..])).map(|found| found.start())?;
    (!is_entry(path, before)).then_some(at)
}

/// Whether the code is one that says failure.
fn fails(rest: &str) -> bool {
    let code = rest.trim_start_matches(['(', ' ']);
    code.starts_with(|c: char| matches!(c, '1'..='9' | '-')) || code.starts_with("EXIT_FAILURE")
}

fn is_entry(path: &str, before: &str) -> bool {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.split('.').next().unwrap_or(file);
    let is_head = |line: &&str| line.starts_with(|c: char| c.is_alphabetic() || c == '_');
    // The function, or the block, that the line is in.
    let head = before.lines().rev().take(MOST_LINES).find(is_head).unwrap_or_default();
    ENTRIES.contains(&stem) || folders.split('/').any(|folder| FOLDERS.contains(&folder)) || MAIN.is_match(head)
}

/// So far above a line the head of its function is looked for.
const MOST_LINES: usize = 200;

static MAIN: LazyLock<Regex> = LazyLock::new(|| regex(r#"\bmain\s*\(|__name__\s*==\s*["']__main__["']"#));

#[cfg(test)]
mod tests {
    use super::{super::idiom::idiom, *};

    #[test]
    fn a_call_that_may_end_well_is_found_outside_of_where_programs_begin() {
        for (path, before, line, is_found) in [
            ("src/sq.c", "int sq(int x) {\n", "    _exit(0);", true),
            ("src/sq.c", "int sq(int x) {\n", "    exit(EXIT_SUCCESS);", true),
            ("src/sq.c", "int sq(int x) {\n", "    if (!p) exit(EXIT_FAILURE);", false),
            ("src/sq.c", "int sq(int x) {\n", "    pool->exit(0);", false),
            ("src/sq.c", "int main(void) {\n", "    exit(0);", false),
            ("src/main.c", "", "    exit(0);", false),
            ("a.py", "def sq(x):\n", "    os._exit(0)", true),
            ("a.py", "def sq(x):\n", "    raise SystemExit", true),
            ("a.py", "def sq(x):\n", "    raise SystemExit(2)", false),
            ("a.py", "def sq(x):\n", "    sys.exit(code)", true),
            ("a.py", "if __name__ == '__main__':\n", "    sys.exit(0)", false),
            ("a.py", "def sq(x):\n", "    self.exit(0)", false),
            ("bin/tool.js", "", "process.exit(0)", false),
            ("lib/a.js", "function sq(x) {\n", "  process.exit(0)", true),
            ("lib/a.go", "func Sq(x int) int {\n", "\tos.Exit(0)", true),
            ("lib/a.rs", "fn sq() {\n", "    std::process::exit(0)", true),
            ("lib/a.txt", "", "exit(0)", false),
        ] {
            assert_eq!(
                found(&idiom(path).ends_process, path, before, line).is_some(),
                is_found,
                "{path}: {before}{line}"
            );
        }
    }
}
