//! Which functions count as changed.

use tidegate::bodies::{Patch, Why};

/// The names of the functions that a patch of these files changes.
#[track_caller]
fn changed(files: &[(&str, &str, &str)]) -> Vec<String> {
    let version = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
    let sides: Vec<_> = files.iter().map(|(path, before, after)| (*path, version(before), version(after))).collect();
    let patch = Patch::of(sides.iter().map(|(path, before, after)| (*path, before.as_deref(), after.as_deref())));
    assert_eq!(patch.left, []);
    patch.files.iter().flat_map(|file| file.functions.iter().map(|function| function.name.clone())).collect()
}

fn in_rust(before: &str, after: &str) -> Vec<String> {
    changed(&[("src/lib.rs", before, after)])
}

#[test]
fn a_function_is_changed_where_its_body_is_another_or_new_and_not_where_it_was_only_laid_out_anew() {
    let before = "pub fn a(n: u32) -> u32 { n + 1 }\npub fn b() -> u32 { 1 }\n";
    let after = "/// Says.\npub fn b() -> u32 {\n    // One.\n    1\n}\npub fn a(n: u64) -> u32 { n + 2 }\npub fn c() -> u32 { b() }\n";
    assert_eq!(in_rust(before, after), ["a", "c"]);
    assert_eq!(in_rust(before, before), [""; 0]);
    assert_eq!(
        changed(&[("a.py", "def f(x):\n  if x:\n    a()\n    b()\n", "def f(x):\n  if x:\n    a()\n  b()\n")]),
        ["f"]
    );
    assert_eq!(changed(&[("a.py", "def f(x):\n  return 'a'\n", "def f(x):\n    return 'b'\n")]), ["f"]);
}

#[test]
fn functions_are_known_by_the_names_around_them_and_those_without_a_name_by_what_they_are() {
    let before = "struct A; struct B; impl A { fn f(&self) -> u8 { 1 } } impl B { fn f(&self) -> u8 { 2 } }";
    let after = "struct A; struct B; impl A { fn f(&self) -> u8 { 2 } } impl B { fn f(&self) -> u8 { 2 } }";
    assert_eq!(in_rust(before, after), ["A::f"]);
    let before = "app.get((q) => q.a);\napp.get((q) => q.b);\n";
    let after = "app.get((q) => q.new);\napp.get((q) => q.a);\napp.get((q) => q.b);\n";
    assert_eq!(changed(&[("a.js", before, after)]).len(), 1);
    assert_eq!(
        changed(&[(
            "a.ex",
            "defmodule M do\n def f(1), do: 1\n def f(n), do: n\nend",
            "defmodule M do\n def f(1), do: 1\n def f(n), do: n + 1\nend"
        )]),
        ["M.f/1"]
    );
}

#[test]
fn what_stands_in_a_function_belongs_to_it() {
    let before = "def f():\n    def g():\n        return 1\n    return g\n";
    assert_eq!(changed(&[("a.py", before, &before.replace('1', "2"))]), ["f"]);
    let before = "fn f() -> u8 { struct S; impl S { fn g(&self) -> u8 { 1 } } S.g() }";
    assert_eq!(in_rust(before, &before.replace('1', "2")), ["f"]);
}

#[test]
fn a_body_that_differs_only_by_names_that_the_patch_renames_is_not_changed() {
    let before = "pub struct Shop { items: u32 }\nimpl Shop { pub fn size(&self) -> u32 { self.items } }\npub fn twice(s: &Shop) -> u32 { s.size() + s.size() }\n";
    let after = before.replace("size", "len").replace("items", "stock").replace("Shop", "Store");
    assert_eq!(in_rust(before, &after), [""; 0]);
    // Over files, too: the caller is in another one.
    let caller = "use crate::size_of_all;\npub fn f() -> u32 { size_of_all() }\n";
    let files = [
        ("src/a.rs", "pub fn size_of_all() -> u32 { 3 }", "pub fn total() -> u32 { 3 }"),
        ("src/b.rs", caller, &caller.replace("size_of_all", "total")),
    ];
    assert_eq!(changed(&files), [""; 0]);
}

#[test]
fn another_name_that_was_there_before_is_a_change() {
    let before = "pub fn f(a: u32, b: u32) -> u32 { a - b }";
    assert_eq!(in_rust(before, "pub fn f(a: u32, b: u32) -> u32 { b - a }"), ["f"]);
    // What is called was not renamed by the patch: both are somebody else's.
    assert_eq!(in_rust("pub fn f(a: &str) -> usize { a.len() }", "pub fn f(a: &str) -> usize { a.count() }"), ["f"]);
    // One name became two.
    assert_eq!(in_rust("fn f(a: u8) -> u8 { a + a }", "fn f(x: u8, y: u8) -> u8 { x + y }"), ["f"]);
}

#[test]
fn a_function_that_moved_is_not_changed_and_one_that_was_copied_is() {
    let body = "pub fn f(n: u32) -> u32 { n * 3 }\n";
    assert_eq!(changed(&[("src/a.rs", body, "pub mod x;\n"), ("src/b.rs", "", body)]), [""; 0]);
    assert_eq!(changed(&[("src/a.rs", body, body), ("src/b.rs", "", body)]), ["f"]);
    assert_eq!(changed(&[("src/a.rs", body, ""), ("src/b.rs", "", &body.replace('3', "4"))]), ["f"]);
}

#[test]
fn what_is_for_tests_is_never_emptied() {
    let after = "pub fn f() -> u8 { 1 }\n#[test]\nfn a() { f(); }\n#[tokio::test]\n#[ignore]\nasync fn b() { f(); }\n#[cfg(test)]\nmod tests { fn helper() -> u8 { 2 } }\n#[cfg(test)]\n/// Helps.\nimpl X { fn help(&self) -> u8 { 3 } }\n#[cfg(feature = \"x\")]\nfn g() -> u8 { 4 }\n";
    assert_eq!(in_rust("", after), ["f", "g"]);
}

#[test]
fn broken_syntax_and_what_cannot_be_read_is_left_alone_and_told() {
    let text = "pub fn good() -> u8 { 1 }\npub fn bad() -> u8 { let = ; 2 }\npub fn fine() -> u8 { 3 }\n";
    let long = format!("pub fn a() {{ {} }}", "b();".repeat(300_000));
    let files: [(&str, &[u8]); 4] = [
        ("a.rs", text.as_bytes()),
        ("b.py", b"def f():\n  return '\xff'\n"),
        ("c.rs", long.as_bytes()),
        ("d.rb", b"x"),
    ];
    let patch = Patch::of(files.map(|(path, text)| (path, None, Some(text))));
    let names: Vec<&str> = patch.files[0].functions.iter().map(|function| &*function.name).collect();
    assert_eq!((names, patch.files.len()), (vec!["good", "fine"], 1));
    let left: Vec<_> = patch.left.iter().map(|left| (&*left.path, left.function.clone(), left.why)).collect();
    let bad = ("a.rs", Some(("bad".to_owned(), 2)), Why::Broken);
    assert_eq!(left, [bad, ("b.py", None, Why::NotUtf8), ("c.rs", None, Why::TooLong)]);
    assert_eq!(patch.uncovered, [("d.rb".into(), "Ruby".to_owned())]);
    assert_eq!(patch.unread().collect::<Vec<_>>(), ["d.rb", "a.rs", "b.py", "c.rs"]);
}

#[test]
fn functions_in_a_macro_are_left_alone_and_told_where_they_changed() {
    let before = "thread_local! { static N: u8 = 1; }\ncfg_if! { if #[cfg(unix)] { fn a() -> u8 { 1 } } }\nmacro_rules! make { ($n:ident) => { fn $n() {} } }\nfn f() { log!(fn_name); }\n";
    let after = before.replace("{ 1 }", "{ 2 }").replace("static N: u8 = 1", "static N: u8 = 3");
    let tests = "#[cfg(test)]\nproptest! { #[test] fn holds(n in 0..9) { f(); } }\n";
    let left = |before: Option<&str>, after: &str| {
        let patch = Patch::of([("a.rs", before.map(str::as_bytes), Some(after.as_bytes()))]);
        patch.left.into_iter().map(|left| (left.function, left.why)).collect::<Vec<_>>()
    };
    let hidden = |name: &str, line| (Some((name.to_owned(), line)), Why::Macro);
    assert_eq!(left(Some(before), &(after.clone() + tests)), [hidden("cfg_if!", 2)]);
    assert_eq!(left(None, &after), [hidden("cfg_if!", 2), hidden("macro_rules! make", 3)]);
    assert_eq!(left(Some(before), &format!("// moved\n{before}")), []);
}

#[test]
fn nothing_is_changed_where_there_is_no_body() {
    let files = [
        ("Cargo.toml", "[a]", "[b]"),
        ("src/lib.rs", "pub const A: u8 = 1;", "pub const A: u8 = 2;\npub trait T { fn f(&self); }\npub fn g() {}"),
        ("a.py", "X = 1\n", "X = 2\nclass A:\n    def f(self): ...\n"),
        ("A.java", "interface A { }", "interface A { int f(); }"),
    ];
    assert_eq!(changed(&files), [""; 0]);
}
