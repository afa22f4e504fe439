//! What a task may touch, as a specification.

use super::*;
use crate::run::Sealed;

fn boxed(list: &[&str]) -> Vec<Box<str>> {
    list.iter().map(|one| (*one).into()).collect()
}

fn side(text: &str) -> Side<'_> {
    Side { mode: 0o100_644, blob: Oid::of_number(1), size: text.len() as u64, bytes: Some(text.as_bytes()) }
}

fn change<'a>(path: &'a str, before: Option<&'a str>, after: Option<&'a str>) -> Change<'a> {
    Change { path, before: before.map(side), after: after.map(side) }
}

fn seal(path: &str) -> Seal {
    Seal { files: vec![Sealed { path: path.into(), mode: 0o100_644, blob: Oid::of_number(1) }], ..Seal::default() }
}

/// `+` within, `w` wired, `l` leftover, else why it is taken out.
fn sign(judgement: &Judgement) -> &'static str {
    match judgement {
        Judgement::Within => "+",
        Judgement::Wired(_) => "w",
        Judgement::Leftover => "l",
        Judgement::TakeOut { why: Why::Scope, .. } => "scope",
        Judgement::TakeOut { why: Why::Protected, .. } => "protected",
        Judgement::TakeOut { why: Why::Sealed, .. } => "sealed",
        Judgement::TakeOut { why: Why::Notes, .. } => "notes",
        Judgement::TakeOut { why: Why::TestInImplementation, .. } => "test",
        Judgement::TakeOut { why: Why::ExistingTest, .. } => "existing",
    }
}

fn judged(terms: ScopeTerms<'_>, role: Role, change: Change<'_>) -> Judgement {
    Scope::new(terms).unwrap().judge(role, &[change]).remove(0)
}

#[test]
fn an_implementation_stays_in_what_its_task_declares() {
    let files = boxed(&["src/chat.rs", "src/web/", "docs/*.md", "crates/a[", "`lib/x`"]);
    let generated = boxed(&["src/gen/**"]);
    let grants = boxed(&["src/granted.rs"]);
    let permits = boxed(&["src/permitted.rs", "tests/permitted.rs", "build.rs"]);
    let seal = seal("tests/it.rs");
    let terms = ScopeTerms {
        files: &files,
        text: "Files: src/chat.rs, CLAUDE.md",
        generated: &generated,
        grants: &grants,
        permits: &permits,
        seal: Some(&seal),
        ..ScopeTerms::default()
    };
    for (path, expected) in [
        ("src/chat.rs", "+"),
        ("src/web/a/b.rs", "+"),
        ("docs/a.md", "+"),
        ("docs/a/b.md", "scope"),
        ("lib/x/y", "+"),
        ("crates/a[", "+"),
        ("src/other.rs", "scope"),
        ("src/granted.rs", "+"),
        ("src/permitted.rs", "+"),
        ("src/gen/a/b.rs", "w"),
        ("Cargo.lock", "w"),
        ("notes/chat/plan.md", "notes"),
        ("target/debug/x", "l"),
        ("tests/it.rs", "sealed"),
        ("tests/new.rs", "test"),
        ("tests/permitted.rs", "+"),
        ("tests/snapshots/a.snap", "w"),
        ("CLAUDE.md", "w"),
        ("AGENTS.md", "protected"),
        ("build.rs", "+"),
        ("crates/x/build.rs", "protected"),
    ] {
        assert_eq!(sign(&judged(terms, Role::Implementation, change(path, None, Some("x")))), expected, "{path}");
    }
}

#[test]
fn a_task_that_declares_nothing_has_no_limit_but_what_is_protected() {
    let protect = boxed(&["legal/"]);
    let commands = boxed(&["make check"]);
    let terms = ScopeTerms {
        protect: &protect,
        commands: &commands,
        text: "Edit the Makefile and LICENSE",
        ..ScopeTerms::default()
    };
    for (path, expected) in
        [("src/any.rs", "+"), ("legal/LICENSE", "w"), ("legal/x", "protected"), ("Makefile", "protected")]
    {
        assert_eq!(sign(&judged(terms, Role::Implementation, change(path, Some("a"), Some("b")))), expected, "{path}");
    }
    let bad = boxed(&["a["]);
    assert!(Scope::new(ScopeTerms { protect: &bad, ..ScopeTerms::default() }).is_err());
}

#[test]
fn wiring_is_told_and_what_is_wiring_in_part_is_taken_out_and_says_so() {
    let files = boxed(&["src/foo.rs"]);
    let terms = ScopeTerms { files: &files, ..ScopeTerms::default() };
    let lib = |after| judged(terms, Role::Implementation, change("src/lib.rs", Some("mod a;\n"), Some(after)));
    assert_eq!(sign(&lib("mod a;\npub mod foo;\n")), "w");
    assert!(matches!(
        lib("mod a;\nmod foo;\nfn x() {}\n"),
        Judgement::TakeOut { why: Why::Scope, instead: Some(instead), .. } if &*instead == "mod a;\nmod foo;\n"
    ));
    let manifest = "[package]\nname = \"d\"\n";
    let cargo = |more: &str| {
        let after = format!("{manifest}{more}");
        sign(&judged(terms, Role::Implementation, change("Cargo.toml", Some(manifest), Some(&after))))
    };
    assert_eq!(cargo("[dependencies]\na = \"1\"\n"), "w");
    assert_eq!(cargo("[features]\na = []\n"), "scope");
    assert_eq!(cargo("[[test]]\nname = \"it\"\nharness = false\n"), "protected");
}

#[test]
fn tests_inside_a_product_file_are_put_back_and_the_product_stays() {
    let before = "fn a() {}\n#[cfg(test)]\nmod tests { #[test] fn t() { assert!(true) } }\n";
    let after = "fn a() { 1 }\n#[cfg(test)]\nmod tests { }\n";
    let files = boxed(&["src/"]);
    let seal = seal("src/a.rs");
    for (seal, expected) in [(None, "test"), (Some(&seal), "sealed")] {
        let terms = ScopeTerms { files: &files, seal, ..ScopeTerms::default() };
        let judgement = judged(terms, Role::Implementation, change("src/a.rs", Some(before), Some(after)));
        assert_eq!(sign(&judgement), expected);
        let Judgement::TakeOut { instead: Some(instead), .. } = judgement else { panic!() };
        assert_eq!(&*instead, before.replace("fn a() {}", "fn a() { 1 }"));
        let product = change("src/a.rs", Some(before), Some(&instead));
        assert_eq!(sign(&judged(terms, Role::Implementation, product)), "+");
    }
}

#[test]
fn a_changed_test_in_a_product_file_opens_nothing_else_of_it() {
    let before = "fn a() {}\n#[cfg(test)]\nmod tests { #[test] fn t() { assert!(true) } }\n";
    let after = "fn a() { 1 }\n#[cfg(test)]\nmod tests { }\n";
    let files = boxed(&["src/a.rs"]);
    let terms = ScopeTerms { files: &files, ..ScopeTerms::default() };
    for (path, expected) in [("src/b.rs", "scope"), ("build.rs", "protected")] {
        let judgement = judged(terms, Role::Implementation, change(path, Some(before), Some(after)));
        assert_eq!(sign(&judgement), expected, "{path}");
        assert!(matches!(judgement, Judgement::TakeOut { instead: None, .. }), "{path}: {judgement:?}");
    }
    let tests_alone = before.replace("assert!(true)", "");
    let judgement = judged(terms, Role::Implementation, change("src/b.rs", Some(before), Some(&tests_alone)));
    assert_eq!(sign(&judgement), "test");
}

#[test]
fn the_tests_phase_adds_tests_and_changes_nothing_else() {
    let tests = boxed(&["qa/**"]);
    let terms = ScopeTerms { tests: &tests, text: "Change tests/named.rs", ..ScopeTerms::default() };
    let old = "#[test]\nfn a() {\n    assert!(x());\n}\n";
    let grown = format!("{old}#[test]\nfn b() {{}}\n");
    let skipped = format!("#[ignore]\n{old}");
    let hollow = old.replace("    assert", "    return;\n    assert");
    for (path, before, after, expected) in [
        ("tests/new.rs", None, Some("x"), "+"),
        ("tests/fixtures/a.json", None, Some("x"), "+"),
        ("qa/a.sh", None, Some("x"), "+"),
        ("tests/a.rs", Some(old), Some(&*grown), "+"),
        ("tests/a.rs", Some(old), Some(&*skipped), "+"),
        ("tests/a.rs", Some(old), Some(&*hollow), "existing"),
        ("tests/a.rs", Some(old), Some("#[test]\nfn b() {}\n"), "existing"),
        ("tests/a.rs", Some(old), None, "existing"),
        ("tests/named.rs", Some(old), None, "+"),
        ("tests/a.snap", Some("x"), None, "+"),
        ("src/lib.rs", Some("fn a() {}\n"), Some("fn a() {}\n#[cfg(test)]\nmod tests { #[test] fn t() {} }\n"), "+"),
        ("src/lib.rs", Some("fn a() {}\n"), Some("fn a() { 1 }\n"), "scope"),
        ("src/new.rs", None, Some("fn a() {}"), "scope"),
        ("conftest.py", None, Some("x"), "+"),
        ("conftest.py", Some("y"), Some("x"), "protected"),
        (".config/nextest.toml", None, Some("x"), "protected"),
        ("Cargo.toml", Some(""), Some("[dev-dependencies]\na = \"1\"\n"), "w"),
        ("Cargo.toml", Some(""), Some("[[test]]\nname = \"a\"\n"), "w"),
        ("Cargo.toml", Some(""), Some("[dependencies]\na = \"1\"\n"), "scope"),
        ("Cargo.toml", Some(""), Some("[profile.test]\npanic = \"abort\"\n"), "protected"),
    ] {
        // `#[ignore]` above a test makes it another one.
        let expected = if after == Some(&*skipped) { "existing" } else { expected };
        assert_eq!(sign(&judged(terms, Role::Tests, change(path, before, after))), expected, "{path} {after:?}");
    }
}

#[test]
fn a_module_declared_for_tests_alone_is_a_test() {
    let lib = change("src/lib.rs", Some("fn a() {}\n"), Some("fn a() {}\n#[cfg(test)]\nmod more;\n"));
    let more = change("src/more.rs", None, Some("#[test] fn t() {}"));
    let judgements = Scope::new(ScopeTerms::default()).unwrap().judge(Role::Tests, &[lib, more]);
    assert_eq!(judgements, [Judgement::Within, Judgement::Within]);
}

#[test]
fn the_tests_phase_keeps_the_tests_it_wrote_into_a_product_file_that_it_also_changed() {
    let (before, after) = ("fn a() {}\n", "fn a() { 1 }\n#[cfg(test)]\nmod tests {}\n");
    let judgement = judged(ScopeTerms::default(), Role::Tests, change("src/lib.rs", Some(before), Some(after)));
    let Judgement::TakeOut { instead: Some(instead), .. } = &judgement else { panic!("{judgement:?}") };
    assert_eq!(product_part(instead), product_part(before));
    assert_eq!(test_part(instead), test_part(after));
}

#[test]
fn what_is_taken_out_is_a_blocker_only_where_the_gate_needs_it() {
    let finding = |why, needed| out(why, "x").finding("p", needed).map(|f| (f.code, f.weight)).unwrap();
    assert_eq!(finding(Why::Scope, false), (Code::TakenOut, Weight::Concern));
    assert_eq!(finding(Why::Scope, true), (Code::Scope, Weight::Blocker));
    assert_eq!(finding(Why::Protected, true), (Code::Protected, Weight::Blocker));
    assert_eq!(Judgement::Within.finding("p", true), None);
}

#[test]
fn what_a_check_runs_is_shut_and_a_file_of_tests_that_it_runs_may_grow() {
    let commands = boxed(&["sh tests/all.sh", "node --test tests/a.test.js"]);
    let terms = ScopeTerms { commands: &commands, text: "Files: tests/all.sh", ..ScopeTerms::default() };
    let (old, grown) = (Some("a\n"), Some("a\nb\n"));
    for (role, path, before, expected) in [
        (Role::Implementation, "tests/all.sh", old, "protected"),
        (Role::Implementation, "tests/a.test.js", old, "protected"),
        (Role::Tests, "tests/all.sh", old, "protected"),
        (Role::Tests, "tests/a.test.js", old, "+"),
        (Role::Tests, "tests/a.test.js", None, "+"),
    ] {
        assert_eq!(sign(&judged(terms, role, change(path, before, grown))), expected, "{role:?} {path}");
    }
}
