//! Drawings of the plan: the graph as mermaid and as dot, tasks by stream, gates in another shape.

use super::{Node, NodeId, Plan, StreamId};
use std::fmt::Write;

/// The graph in mermaid's words.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart LR\n");
    draw(plan, &mut out, &MERMAID);
    out
}

/// The graph in Graphviz' words.
pub fn dot(plan: &Plan) -> String {
    let mut out = String::from("digraph plan {\n  rankdir=LR;\n");
    draw(plan, &mut out, &DOT);
    out.push_str("}\n");
    out
}

/// What differs between the two: how a group opens and closes, a task, a gate, an arrow.
struct Words {
    group: fn(usize, &str) -> String,
    end: &'static str,
    task: fn(NodeId, &str) -> String,
    gate: fn(NodeId, &str) -> String,
    arrow: &'static str,
}

const MERMAID: Words = Words {
    group: |number, title| format!("  subgraph s{number}[\"{title}\"]\n"),
    end: "  end\n",
    task: |id, text| format!("    n{}[\"{text}\"]\n", id.0),
    gate: |id, text| format!("  n{}{{{{\"{text}\"}}}}\n", id.0),
    arrow: "-->",
};

const DOT: Words = Words {
    group: |number, title| format!("  subgraph cluster_s{number} {{\n    label=\"{title}\";\n"),
    end: "  }\n",
    task: |id, text| format!("    n{} [shape=box, label=\"{text}\"];\n", id.0),
    gate: |id, text| format!("  n{} [shape=hexagon, label=\"{text}\"];\n", id.0),
    arrow: "->",
};

fn draw(plan: &Plan, out: &mut String, words: &Words) {
    let mut by_stream = vec![Vec::new(); plan.blueprint().streams.len()];
    for id in plan.ids() {
        if let Some(StreamId(stream)) = plan.node(id).stream() {
            by_stream[usize::from(stream)].push(id);
        }
    }
    for (number, ((label, title), tasks)) in plan.blueprint().streams.iter().zip(&by_stream).enumerate() {
        out.push_str(&(words.group)(number, &quoted(&format!("{label} {title}"))));
        for &id in tasks {
            let title = plan.node(id).task().map_or("", |t| &t.title);
            out.push_str(&(words.task)(id, &quoted(&format!("{} {title}", plan.node(id).label()))));
        }
        out.push_str(words.end);
    }
    for id in plan.ids() {
        if let Node::Gate(gate) = plan.node(id) {
            out.push_str(&(words.gate)(id, &quoted(&gate.label)));
        }
    }
    for id in plan.ids() {
        let mut after: Vec<NodeId> = plan.dependents(id).collect();
        after.sort_unstable();
        for next in after {
            let _ = writeln!(out, "  n{} {} n{}", id.0, words.arrow, next.0);
        }
    }
}

/// Nothing that ends a label, or that a page would take for markup.
fn quoted(text: &str) -> String {
    let safe = |c: char| match c {
        '"' | '\\' | '`' => '\'',
        '<' => '‹',
        '>' => '›',
        '#' | ';' => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    text.trim().chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{
        Level, StreamId, Task,
        sample::{self, gate},
    };

    fn plan() -> Plan {
        let task = |label, title: &str, stream| {
            Node::Task(Box::new(Task { title: title.into(), stream: StreamId(stream), ..sample::task(label) }))
        };
        let nodes = [
            task("1", "Say \"hi\\there`\"\nin <b>;#", 1),
            task("2", " Go ", 0),
            gate(Level::Task(NodeId(0)), "task:1"),
            gate(Level::System, "system"),
        ];
        Plan::build(sample::blueprint(nodes, &[(0, 3), (0, 2), (2, 1)])).unwrap()
    }

    #[test]
    fn mermaid_draws_tasks_by_stream_then_gates_then_arrows() {
        let drawn = r#"flowchart LR
  subgraph s0["A One"]
    n1["2  Go"]
  end
  subgraph s1["B Two"]
    n0["1 Say 'hi'there'' in ‹b›  "]
  end
  n2{{"task:1"}}
  n3{{"system"}}
  n0 --> n2
  n0 --> n3
  n2 --> n1
"#;
        assert_eq!(mermaid(&plan()), drawn);
    }

    #[test]
    fn dot_draws_the_same() {
        let drawn = r#"digraph plan {
  rankdir=LR;
  subgraph cluster_s0 {
    label="A One";
    n1 [shape=box, label="2  Go"];
  }
  subgraph cluster_s1 {
    label="B Two";
    n0 [shape=box, label="1 Say 'hi'there'' in ‹b›  "];
  }
  n2 [shape=hexagon, label="task:1"];
  n3 [shape=hexagon, label="system"];
  n0 -> n2
  n0 -> n3
  n2 -> n1
}
"#;
        assert_eq!(dot(&plan()), drawn);
    }
}
