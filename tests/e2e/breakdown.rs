//! A breakdown of one stream, made of tasks that carry their scripts.

use std::fmt::Write;

/// A task with its fields and its fenced blocks.
#[derive(Clone)]
pub struct Task {
    title: String,
    fields: Vec<String>,
    blocks: Vec<(String, String)>,
}

impl Task {
    /// A task without anything.
    pub fn new(title: &str) -> Task {
        Task { title: title.to_owned(), fields: Vec::new(), blocks: Vec::new() }
    }

    /// With a field, such as `Files: src/lib.rs`.
    pub fn field(mut self, field: &str) -> Task {
        self.fields.push(field.to_owned());
        self
    }

    /// With a try of the test-developer.
    pub fn tests(self, script: &str) -> Task {
        self.block("role=test-developer", script)
    }

    /// With a try of the implementation.
    pub fn code(self, script: &str) -> Task {
        self.block("role=implementation", script)
    }

    /// With a reviewer called `qa`.
    pub fn review(self, script: &str) -> Task {
        self.block("role=reviewer name=qa", script)
    }

    /// With a script of any role.
    pub fn block(mut self, role: &str, script: &str) -> Task {
        self.blocks.push((role.to_owned(), script.to_owned()));
        self
    }
}

/// Stream A with these tasks, numbered from 1, and one gate line.
pub fn stream(tasks: &[Task], gate: &str) -> String {
    let mut text = "# Work\n\n### Stream A: Work (Parallel)\n\n".to_owned();
    for (number, task) in (1..).zip(tasks) {
        let _ = writeln!(text, "{number}. **{}**\n", task.title);
        for field in &task.fields {
            let _ = writeln!(text, "   - {field}");
        }
        for (role, script) in &task.blocks {
            let _ = writeln!(text, "\n   ```sh {role}");
            for line in script.lines() {
                let _ = writeln!(text, "   {line}");
            }
            text.push_str("   ```\n");
        }
        text.push('\n');
    }
    let _ = write!(text, "## Quality Gates\n\n- **Gate 1**: {gate} (after Stream A)\n");
    text
}

/// A script that writes a file.
pub fn put(path: &str, text: &str) -> String {
    let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
    format!("mkdir -p {folder}\ncat > {path} <<'END'\n{}\nEND\n", text.trim_end())
}

/// A script that adds lines to a file.
pub fn add(path: &str, text: &str) -> String {
    format!("cat >> {path} <<'END'\n{}\nEND\n", text.trim_end())
}
