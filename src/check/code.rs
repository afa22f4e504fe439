//! Code: what of a file may run, for files that no report of coverage has. A light scan, which errs to the side of code.

/// Languages by the ends of their files: files of one kind are in one report. With each, how the lines begin that hold a body; where there
/// are none, any statement runs.
const KINDS: &[(&str, &[&str], &[&str])] = &[
    ("rust", &["rs"], &["fn "]),
    ("python", &["py"], &[]),
    ("script", &["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"], &[]),
    ("go", &["go"], &["func "]),
    ("jvm", &["java", "kt", "kts", "scala", "groovy"], &[]),
    ("c", &["c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "m", "mm"], &["{"]),
    ("elixir", &["ex", "exs"], &["def", "fn "]),
    ("ruby", &["rb"], &[]),
    ("php", &["php"], &[]),
    ("sharp", &["cs", "fs"], &[]),
    ("swift", &["swift"], &["func ", "init", "var "]),
    ("dart", &["dart"], &[]),
    ("perl", &["pl", "pm"], &[]),
    ("haskell", &["hs"], &[]),
];

/// How lines begin that only say what other files have, or what a thing is called.
const WIRING: &[&str] = &[
    "use ",
    "pub use ",
    "mod ",
    "pub mod ",
    "pub(crate) mod ",
    "pub(crate) use ",
    "extern crate ",
    "import ",
    "import(",
    "from ",
    "package ",
    "export * from",
    "export {",
    "export type ",
    "export interface ",
    "#include",
    "#pragma",
    "#[",
    "#![",
    "require ",
    "using ",
    "namespace ",
];

/// The kind of a file's code. `None`: no code that we know.
pub(super) fn kind(path: &str) -> Option<&'static str> {
    row(path).map(|(kind, ..)| *kind)
}

fn row(path: &str) -> Option<&'static (&'static str, &'static [&'static str], &'static [&'static str])> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (_, end) = name.rsplit_once('.')?;
    // `index.d.ts` only declares.
    KINDS.iter().find(|(_, ends, _)| ends.contains(&end) && !name.ends_with(".d.ts"))
}

/// Whether a file has anything that a report could know.
pub(super) fn holds_code(path: &str, text: &str) -> bool {
    let Some((_, _, bodies)) = row(path) else { return false };
    let mut code = text.lines().filter(|line| is_code(line));
    if bodies.is_empty() {
        code.next().is_some()
    } else {
        code.any(|line| bodies.iter().any(|body| line.contains(body)))
    }
}

/// Which lines of some stretches hold code.
pub(super) fn lines(path: &str, text: &str, stretches: &[(u32, u32)]) -> Vec<u32> {
    if row(path).is_none() {
        return Vec::new();
    }
    let (mut found, mut stretch) = (Vec::new(), 0);
    for (at, line) in (1..).zip(text.lines()) {
        while stretches.get(stretch).is_some_and(|&(_, last)| last < at) {
            stretch += 1;
        }
        let is_in = stretches.get(stretch).is_some_and(|&(first, _)| first <= at);
        if is_in && is_code(line) {
            found.push(at);
        }
    }
    found
}

/// Whether a line is more than blanks, a remark, a bracket, or wiring.
fn is_code(line: &str) -> bool {
    let line = line.trim();
    let is_remark = ["//", "/*", "*", "--", "\"\"\"", "'''"].iter().any(|sign| line.starts_with(sign))
        || (line.starts_with('#') && !line.starts_with("#{"));
    let has_words = line.chars().any(char::is_alphanumeric);
    has_words && !is_remark && !WIRING.iter().any(|lead| line.starts_with(lead)) && line != "end" && line != "else"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiring_remarks_and_brackets_are_no_code() {
        assert!(!holds_code(
            "src/lib.rs",
            "//! A house.\n\npub mod a;\npub use a::B;\n#[derive(Debug)]\npub struct C {\n    d: u8,\n}\n"
        ));
        assert!(holds_code("src/a.rs", "pub fn a() -> u8 {\n    1\n}\n"));
        assert!(!holds_code("p/__init__.py", "# Wiring.\nfrom .a import b\nimport c\n"));
        assert!(holds_code("p/a.py", "X = compute()\n"));
        assert!(!holds_code("web/types.d.ts", "declare function f(): void;\n"));
        assert!(!holds_code("README.md", "words\n"));
        let text = "pub fn a() -> u8 {\n    // why\n    1\n}\n\npub fn b() {}\n";
        assert_eq!(lines("a.rs", text, &[(1, 4), (6, 9)]), [1, 3, 6]);
    }
}
