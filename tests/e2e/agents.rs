//! Definitions of agents through the binary: which count, where they come from, and what is told of faulty ones.

use crate::space::{Said, Space};
use serde_json::Value;

fn named(name: &str, words: &str) -> String {
    format!("---\nname: {name}\ndescription: {words}.\nmodel: inherit\n---\n\n{words}, as a prompt.\n")
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}:\n{}", said.all()))
}

/// One agent of a list.
#[track_caller]
fn agent<'v>(list: &'v Value, name: &str) -> &'v Value {
    let all = list["agents"].as_array().expect("a list");
    all.iter().find(|agent| agent["name"] == name).unwrap_or_else(|| panic!("no {name} in {list:#}"))
}

#[test]
fn the_built_in_agents_are_listed_where_there_is_no_repository() {
    let space = Space::plain();
    std::fs::create_dir(space.beside("nowhere")).expect("a folder is made");
    let nowhere = space.beside("nowhere").display().to_string();
    let said = space.run(&["-C", &nowhere, "agents"]).exits(0);
    let said = said.says(&["is in no git repository: these are the built-in agents alone"]);
    let said =
        said.says(&["qa-reviewer reviewer auto inherit built-in Judges whether the tests of a task would notice"]);
    said.says(&["`auto`: none of claude, codex, gemini, opencode is on PATH"]);
    let said = space.run(&["-C", &nowhere, "agents", "--json"]).exits(0);
    let list = json(&said);
    for (name, role) in [
        ("execution-coordinator", "coordinator"),
        ("implementation-agent", "implementation"),
        ("test-developer", "test-developer"),
        ("language-reviewer", "reviewer"),
        ("architecture-agent", "expert"),
    ] {
        let agent = agent(&list, name);
        assert_eq!(
            (&agent["role"], &agent["origin"], &agent["backend"]),
            (&role.into(), &"built-in".into(), &"auto".into())
        );
    }
    space
        .run(&["-C", &nowhere, "agents", "show", "test-expert"])
        .exits(0)
        .says(&["tools: Read, Grep, Glob, Bash", "## What you get"]);
}

#[test]
fn a_commits_definitions_take_the_place_of_the_built_in_ones() {
    let space = Space::plain();
    space.write("agents/tests.md", &named("qa-reviewer", "Ours"));
    space.write(".claude/agents/any/qa.md", &named("qa-reviewer", "Claude's"));
    space.write(".claude/agents/security.md", &named("security-reviewer", "Safe"));
    space.write("agents/README.md", "# What is here\n\n---\n\nAgents.\n");
    space.write("agents/deep/no.md", &named("security-reviewer", "Too deep"));
    space.write("agents/run.py", "print()\n");
    space.commit("Have agents");
    let list = json(&space.run(&["agents", "--json"]).exits(0));
    assert_eq!(agent(&list, "qa-reviewer")["origin"], "agents/tests.md");
    assert_eq!(agent(&list, "qa-reviewer")["overrides"], serde_json::json!([".claude/agents/any/qa.md", "built-in"]));
    assert_eq!(agent(&list, "security-reviewer")["origin"], ".claude/agents/security.md");
    assert_eq!((&list["errors"], &list["missing"]), (&serde_json::json!([]), &serde_json::json!([])));
    space.run(&["agents"]).exits(0).says(&["agents/tests.md (in place of .claude/agents/any/qa.md, built-in) Ours."]);
    space.run(&["agents", "show", "qa-reviewer"]).exits(0).says(&["origin: agents/tests.md", "Ours, as a prompt."]);
    let shown = json(&space.run(&["agents", "show", "security-reviewer", "--json"]).exits(0));
    assert_eq!((&shown["prompt"], &shown["tools"]), (&"Safe, as a prompt.".into(), &Value::Null));
}

#[test]
fn what_is_not_committed_does_not_count() {
    let space = Space::plain();
    space.write("agents/qa.md", &named("qa-reviewer", "Old"));
    space.commit("Have an agent");
    space.write("agents/qa.md", &named("qa-reviewer", "New"));
    space.write(".claude/agents/new.md", &named("newcomer", "New"));
    space.run(&["agents", "show", "qa-reviewer"]).exits(0).says(&["Old, as a prompt."]);
    space.run(&["agents"]).exits(0).lacks(&["newcomer"]);
    space.run(&["agents", "show", "newcomer"]).exits(2).says(&["there is no agent `newcomer`"]);
}

#[test]
fn a_faulty_definition_is_told_with_its_line_and_takes_nothings_place() {
    let space = Space::plain();
    space.write("agents/qa.md", "---\nname: qa-reviewer\ndescription: Ours\ntools: Read, Raed\n---\nB\n");
    space.write(".claude/agents/nobody.md", "---\ndescription: Mine\nhooks: {}\n---\nB\n");
    space.write(".claude/agents/broken.md", "---\nname: [\n---\nB\n");
    space.write(".claude/agents/one.md", &named("twin", "One"));
    space.write(".claude/agents/two.md", &named("twin", "Two"));
    space.commit("Have agents");
    let said = space.run(&["agents"]).exits(2).says(&[
        "error[definition-tool]: unknown tool `Raed`",
        "agents/qa.md:4:14",
        "help: did you mean `Read`?",
        "error[definition-name]: the definition has no name",
        "help: write `name: nobody`",
        "warning[definition-unheeded]: `hooks` of a definition is not heeded",
        "error[definition-syntax]: the frontmatter is no YAML",
        ".claude/agents/broken.md:2",
        "error[definition-twice]: two definitions have the name `twin`",
    ]);
    assert!(!said.out.contains("qa-reviewer") && said.out.contains("security-reviewer"), "{}", said.all());
    space.run(&["agents", "show", "qa-reviewer"]).exits(2).says(&["unknown tool `Raed`"]).lacks(&["broken.md"]);
    space.run(&["agents", "show", "security-reviewer"]).exits(0).lacks(&["error["]);
    let said = space.run(&["agents", "--json"]).exits(2);
    let list = json(&said);
    let error = |code: &str| list["errors"].as_array().and_then(|all| all.iter().find(|error| error["code"] == code));
    let tool = error("definition-tool").expect("it is told");
    assert_eq!((&tool["path"], &tool["line"], &tool["column"]), (&"agents/qa.md".into(), &4.into(), &14.into()));
    assert_eq!(list["warnings"][0]["code"], "definition-unheeded");
    let shown = json(&space.run(&["agents", "show", "qa-reviewer", "--json"]).exits(2));
    assert_eq!(shown["errors"][0]["line"], 4);
}

#[test]
fn a_run_is_not_kept_from_beginning_by_a_folder_that_is_something_else() {
    let space = Space::plain();
    space.write("agents/page.md", "---\ntitle: [\n---\n");
    space.write("agents/huge.md", &"x".repeat(1 << 20));
    space.commit("Have agents of another kind");
    let said = space.run(&["agents"]).exits(0);
    said.says(&["agents/huge.md has more than 256 KiB, and is read as no definition"]).lacks(&["page.md"]);
    space.topic(
        "one",
        &crate::breakdown::stream(
            &[crate::breakdown::Task::new("One").field("Test Requirements: None").code("echo 1 > one")],
            "All tests pass",
        ),
    );
    space.execute("one").exits(0);
}

#[test]
fn who_runs_a_role_and_who_reviews_is_as_the_configuration_says() {
    let space = Space::plain();
    let config = "[review]\nreviewers = [\"qa-reviwer\", \"night-watch\"]\n[agents]\nbackend = \"codex\"\n[agents.reviewer]\nbackend = \"claude\"\nmodel = \"opus\"\n";
    space.write("tidegate.toml", config);
    space.write("agents/watch.md", &named("night-watch", "Watch"));
    space.commit("Choose");
    let said = space.run(&["agents"]).exits(2);
    let said =
        said.says(&["`[review] reviewers` names `qa-reviwer`, which has no definition", "did you mean `qa-reviewer`?"]);
    said.says(&["night-watch reviewer claude opus agents/watch.md", "test-expert expert codex inherit built-in"]);
    let list = json(&space.run(&["agents", "--json"]).exits(2));
    assert_eq!(list["missing"], serde_json::json!(["qa-reviwer"]));
    assert_eq!(
        (&agent(&list, "night-watch")["model"], &agent(&list, "test-expert")["model"]),
        (&"opus".into(), &Value::Null)
    );
}

#[test]
fn nothing_in_a_definition_acts_on_a_terminal() {
    let space = Space::plain();
    space.write("agents/a.md", "---\nname: a\ndescription: \"\\e[2Jred\"\n---\n\u{1b}]0;title\u{7}Prompt\n");
    space.commit("Have an agent");
    for args in [&["agents"][..], &["agents", "show", "a"]] {
        let said = space.run(args).exits(0);
        assert!(!said.out.contains('\u{1b}') && said.out.contains("red"), "{:?}", said.out);
    }
}

#[test]
fn the_example_that_each_reviewer_is_shown_is_a_verdict() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("agents");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("there are definitions").flatten() {
        if !entry.file_name().to_string_lossy().ends_with("-reviewer.md") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).expect("it is read");
        let (_, example) = text.split_once("```json\n").expect("it has an example");
        let (object, _) = example.split_once("\n```").expect("the example ends");
        let said = format!("I looked.\n\n```json\n{object}\n```");
        let verdict = tidegate::rules::verdict(&said, Ok(()), tidegate::run::Oid::NONE, "it");
        let tidegate::rules::Verdict::Rejected { findings, .. } = verdict else { panic!("{object} approves") };
        assert_eq!((findings.len(), findings[0].line), (1, Some(12)), "{object}");
        seen += 1;
    }
    assert_eq!(seen, 8);
}
