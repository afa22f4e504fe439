//! Samples of every language with all bodies out: they build as before where their compiler is at hand, and parse everywhere.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};
use tidegate::bodies::{Filling, Patch};

const SAMPLES: [&str; 8] = ["shop.rs", "shop.py", "shop.js", "shop.ts", "shop.tsx", "shop.go", "Shop.java", "shop.ex"];

/// The sample of this name.
pub fn sample(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bodies/samples").join(name)).unwrap()
}

/// A text with every body out.
#[track_caller]
pub fn emptied(name: &str, text: &str, filling: Filling) -> String {
    let patch = Patch::of([(name, None, Some(text.as_bytes()))]);
    assert_eq!((patch.files.len(), &patch.left[..], &patch.uncovered[..]), (1, &[][..], &[][..]), "{name}");
    patch.files[0].emptied(|_| filling).text
}

/// Runs a compiler on the sample as it is, and with its bodies out in both ways. Skipped where there is none.
fn still_builds(name: &str, program: &str, args: &[&str]) {
    if Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true" || program != "rustc"), "{program} is missing");
        println!("skipped: {program} is missing");
        return;
    }
    let text = sample(name);
    let zero = emptied(name, &text, Filling::Zero);
    let panic = emptied(name, &text, Filling::Panic);
    assert_ne!(zero, text);
    for text in [text, zero, panic] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), &text).unwrap();
        let output = Command::new(program).args(args).arg(name).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{name}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn rust_with_its_bodies_out_builds_with_every_warning_denied() {
    still_builds("shop.rs", "rustc", &["--edition=2024", "--crate-type=lib", "--test", "-o", "out"]);
    still_builds("shop.rs", "rustc", &["--edition=2024", "--crate-type=lib", "-o", "out"]);
}

#[test]
fn python_with_its_bodies_out_compiles() {
    still_builds("shop.py", "python3", &["-m", "py_compile"]);
}

#[test]
fn javascript_with_its_bodies_out_passes_the_check_of_node() {
    still_builds("shop.js", "node", &["--check"]);
}

#[test]
fn java_with_its_bodies_out_compiles() {
    still_builds("Shop.java", "javac", &["-d", "out"]);
}

#[test]
fn go_with_its_bodies_out_passes_its_own_parser() {
    still_builds("shop.go", "gofmt", &["-e", "-l"]);
}

#[test]
fn every_language_with_its_bodies_out_parses_and_is_emptied_only_once() {
    for name in SAMPLES {
        let text = sample(name);
        for filling in [Filling::Zero, Filling::Panic] {
            let once = emptied(name, &text, filling);
            assert_eq!(emptied(name, &once, filling), once, "{name}");
        }
    }
}

/// What stands in the emptied sample; each line of `expected` is one of its lines.
#[track_caller]
fn reads(name: &str, expected: &[&str]) {
    let zero = emptied(name, &sample(name), Filling::Zero);
    for line in expected {
        assert!(zero.lines().any(|own| own.trim() == *line), "{line}\n\n{zero}");
    }
}

#[test]
fn a_rust_body_is_the_zero_of_its_type_where_that_surely_builds_and_a_panic_elsewhere() {
    reads(
        "shop.rs",
        &[
            "const fn limit(n: usize) -> usize { if true { return 0; }",
            "pub fn new(cents: i64) -> Self { if true { return Self(0, <Unit>::default()); }",
            "pub const fn fixed() -> Money { if true { panic!(\"tidegate: the body is out\"); }",
            "pub fn add(&mut self, more: i64) { if true { return; }",
            "pub fn same(&self) -> Self { if true { return Self { name: \"\", price: Money(0, <Unit>::default()), tags: <Vec<String>>::new(), seen: None, pairs: (0, [0; 4], '\\0') }; }",
            "pub fn first(&self) -> &str { if true { return \"\"; }",
            "pub fn tags(&self) -> impl Iterator<Item = &str> + '_ { if true { panic!(\"tidegate: the body is out\"); }",
            "pub fn find(&self, at: usize) -> Result<T, String> { if true { panic!(\"tidegate: the body is out\"); }",
            "fn out(&self) -> Option<Self::Out> { if true { return None; }",
            "pub async fn wait(n: u64) -> u64 { if true { return 0; }",
            "pub fn counted(text: &str) -> HashMap<char, usize> { if true { return <HashMap<char, usize>>::default(); }",
            "pub fn cow(text: &str) -> Cow<'_, str> { if true { return <Cow<'_, str>>::default(); }",
            "pub fn nothing() {}",
            "money.add(2);",
        ],
    );
}

#[test]
fn a_python_body_keeps_its_docstring_its_decorators_and_that_it_is_a_generator() {
    let zero = emptied("shop.py", &sample("shop.py"), Filling::Zero);
    for part in [
        "    \"\"\"Sums.\"\"\"\n    return 0\n    return sum(items)\n",
        "def one_line(n): raise NotImplementedError(\"tidegate: the body is out\"); return n + 1\n",
        "def count(n: int) -> Iterator[int]:\n    return\n    for i in range(n):\n        yield i\n",
        "        super().__init__()\n        return\n        self.name = name\n",
        "    @property\n    def title(self) -> str:\n        return \"\"\n",
        "    def left(self):\n        ...\n",
    ] {
        assert!(zero.contains(part), "{part}\n\n{zero}");
    }
}

#[test]
fn a_constructor_that_calls_its_parents_still_does() {
    reads(
        "shop.js",
        &["super(name); if (1) return;", "constructor(name) { if (1) throw new Error(\"tidegate: the body is out\");"],
    );
    reads("shop.ts", &["super([]); if (1) return;"]);
    reads(
        "Shop.java",
        &[
            "super(); if (true) { this.items = null; this.limit = 0; this.least = 0; return; }",
            "this(3); if (true) { return; }",
        ],
    );
}

#[test]
fn go_and_java_have_a_zero_for_every_type() {
    reads(
        "shop.go",
        &[
            "func Plain(name string) Item { if true { return *new(Item) };",
            "func (c Cart[T]) First() (T, error) { if true { return *new(T), nil };",
            "func Named(n int) (sum int, err error) { if true { return };",
        ],
    );
    reads("Shop.java", &["public final boolean isFull() throws IllegalStateException { if (true) { return false; }"]);
}

#[test]
fn an_elixir_clause_raises_where_nothing_rescues_it_and_keeps_its_guards() {
    reads(
        "shop.ex",
        &[
            "def total([], tax) when tax > 0, do: (raise(\"tidegate: the body is out\"); tax)",
            "def careful(n) do raise(\"tidegate: the body is out\"); end",
            "def new(name) when is_binary(name) do raise(\"tidegate: the body is out\");",
            "quote do: unquote(x) * 2",
        ],
    );
}
