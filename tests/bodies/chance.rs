//! Whatever a text is: emptying it never panics, changes nothing outside of bodies, ends, and is done only once.

use super::builds::sample;
use proptest::prelude::*;
use tidegate::bodies::{Filling, Patch};

const SAMPLES: [&str; 8] = ["shop.rs", "shop.py", "shop.js", "shop.ts", "shop.tsx", "shop.go", "Shop.java", "shop.ex"];

/// Pieces that people and their enemies put into texts.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "(",
    ")",
    "\"",
    "'",
    "`",
    "\n",
    "/*",
    "//",
    "#",
    "fn f() {",
    "def f(",
    "do ",
    " end",
    "=> ",
    "async ",
    "#[cfg(test)]",
    "é",
    "\u{0}",
    ";",
    "return",
    "\t",
    "@",
];

/// A cut or a piece at some place of a text.
fn edited(text: &str, edits: &[(usize, usize, usize)]) -> String {
    let mut text = text.to_owned();
    for (at, length, piece) in edits {
        let from = text.floor_char_boundary(at % (text.len() + 1));
        let to = text.floor_char_boundary((from + length).min(text.len()));
        text.replace_range(from..to.max(from), PIECES[piece % PIECES.len()]);
    }
    text
}

/// What is the same in both, from the front and from the back, is all but bodies: put together it is what was there.
fn check(name: &str, before: &str, text: &str) {
    let patch = Patch::of([(name, Some(before.as_bytes()), Some(text.as_bytes()))]);
    for file in &patch.files {
        for filling in [Filling::Zero, Filling::Panic] {
            let out = file.emptied(|_| filling);
            assert_eq!(out.lines.len(), file.functions.len());
            // Guards are put in, and nothing is taken out but an Elixir body that would rescue them.
            let is_kept = is_within(text, &out.text) || name.ends_with(".ex");
            assert!(is_kept, "{name}: something is gone\n{text}\n---\n{}", out.text);
            // None of it all, and it is what it was.
            let nothing = Patch::of([(name, Some(text.as_bytes()), Some(text.as_bytes()))]);
            assert_eq!(nothing.functions(), 0, "{name}");
        }
    }
}

/// Whether one text is the other with something put in between.
fn is_within(inner: &str, outer: &str) -> bool {
    let mut outer = outer.bytes();
    inner.bytes().all(|byte| outer.any(|other| other == byte))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_edit_of_a_sample_can_be_emptied(
        which in 0..SAMPLES.len(),
        edits in prop::collection::vec((any::<usize>(), 0usize..40, any::<usize>()), 1..8),
    ) {
        let name = SAMPLES[which];
        let before = sample(name);
        check(name, &before, &edited(&before, &edits));
        check(name, "", &edited(&before, &edits));
    }

    #[test]
    fn any_text_can_be_emptied(which in 0..SAMPLES.len(), text in "\\PC{0,200}") {
        check(SAMPLES[which], "", &text);
    }
}

#[test]
fn deep_and_long_texts_come_to_an_end() {
    let deep = 20_000;
    for (name, text) in [
        ("a.rs", format!("fn f() {{ {} }}", "(".repeat(deep))),
        ("a.rs", format!("fn f() -> u8 {{ {}1{} }}", "(".repeat(deep), ")".repeat(deep))),
        ("a.rs", format!("fn f() -> {}u8{} {{ g() }}", "Box<".repeat(deep), ">".repeat(deep))),
        ("a.rs", "mod a {".repeat(deep)),
        ("a.rs", format!("{}fn f() {{ g() }}{}", "mod a {".repeat(2_000), "}".repeat(2_000))),
        ("a.rs", "fn f() { g() }\n".repeat(10_000)),
        ("a.rs", format!("{}{}", "mod a { fn f() { g() } ".repeat(10_000), "}".repeat(10_000))),
        ("a.rs", format!("impl A {{ {} }}", "fn new() -> Self { g() }".repeat(10_000))),
        ("a.js", format!("class A extends B {{ {} }}", "constructor() { g() }".repeat(10_000))),
        ("A.java", format!("class A extends B {{ {} }}", "A() { g(); }".repeat(10_000))),
        (
            "a.rs",
            format!(
                "struct A {{ {} }}\nimpl A {{ {} }}",
                "a: A,".repeat(10_000),
                "fn new() -> Self { g() }".repeat(10_000)
            ),
        ),
        ("a.rs", "#[test]".repeat(deep)),
        ("a.py", "if x:\n ".repeat(10_000)),
        ("a.py", "[".repeat(deep)),
        ("a.py", "def f(): return 1\n".repeat(10_000)),
        ("a.js", "`${".repeat(deep)),
        ("a.js", "(a=>".repeat(deep)),
        ("a.ts", "a<".repeat(deep)),
        ("a.tsx", "<a>".repeat(deep)),
        ("a.go", format!("package a\nfunc f() {{ {} }}", "func() {".repeat(deep))),
        ("A.java", "class A {".repeat(deep)),
        ("a.ex", "def f do ".repeat(deep)),
        ("a.ex", "fn -> ".repeat(deep)),
    ] {
        let bytes = &text.as_bytes()[..text.len().min(1 << 20)];
        let patch = Patch::of([(name, Some(b"".as_slice()), Some(bytes))]);
        patch.files.iter().for_each(|file| drop(file.emptied(|_| Filling::Zero)));
    }
}
