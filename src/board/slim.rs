//! What a board keeps of a plan.

use crate::{
    plan::{Blueprint, Brief, Node, Task, TestWish},
    text::line,
};

/// The plan without the texts that only agents read: a board may live beside the run for days.
pub(super) fn blueprint(blueprint: &Blueprint) -> Blueprint {
    Blueprint {
        topic: blueprint.topic.clone(),
        title: blueprint.title.clone(),
        origins: blueprint.origins.clone(),
        streams: blueprint.streams.clone(),
        backends: blueprint.backends.clone(),
        fallbacks: blueprint.fallbacks.clone(),
        reviewers: blueprint.reviewers.clone(),
        resources: blueprint.resources.clone(),
        nodes: blueprint.nodes.iter().map(node).collect(),
        edges: blueprint.edges.clone(),
        context: "".into(),
    }
}

/// One node without them.
pub(super) fn node(node: &Node) -> Node {
    let Node::Task(task) = node else {
        return node.clone();
    };
    let brief = Brief {
        tests: match &task.brief.tests {
            TestWish::Stated(_) => TestWish::Stated("".into()),
            other => other.clone(),
        },
        line: task.brief.line,
        ..Brief::default()
    };
    Node::Task(Box::new(Task {
        label: line(&task.label, 60).into(),
        title: line(&task.title, 160).into(),
        stream: task.stream,
        minutes: task.minutes,
        phases: task.phases,
        done: task.done,
        backend: task.backend,
        others: task.others.clone(),
        reviewers: task.reviewers.clone(),
        needs: task.needs.clone(),
        brief,
    }))
}
