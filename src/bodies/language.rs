//! Languages: which one a file is in, and whether there is a grammar for it.

/// A language with a grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JavaScript, with JSX.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Go.
    Go,
    /// Java.
    Java,
    /// Elixir.
    Elixir,
}

/// What kind of text a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Code that can be read.
    Covered(Language),
    /// Code, or what may be code, that no grammar here reads: its language, else its extension.
    Uncovered(String),
    /// Configuration, documents, data, pictures: there is no body in it that tests could miss.
    NoCode,
}

/// Languages without a grammar, by extension.
const UNCOVERED: &[(&str, &[&str])] = &[
    ("C", &["c", "h"]),
    ("C++", &["cc", "cpp", "cxx", "hh", "hpp", "hxx", "ipp"]),
    ("C#", &["cs"]),
    ("Clojure", &["clj", "cljc", "cljs"]),
    ("Dart", &["dart"]),
    ("Erlang", &["erl", "hrl"]),
    ("F#", &["fs", "fsx"]),
    ("Fortran", &["f", "f90", "f95"]),
    ("Groovy", &["groovy", "gradle"]),
    ("Haskell", &["hs", "lhs"]),
    ("Julia", &["jl"]),
    ("Kotlin", &["kt", "kts"]),
    ("Lua", &["lua"]),
    ("Objective-C", &["m", "mm"]),
    ("OCaml", &["ml", "mli"]),
    ("Perl", &["pl", "pm"]),
    ("PHP", &["php"]),
    ("R", &["r"]),
    ("Ruby", &["rb", "rake"]),
    ("Scala", &["scala", "sc"]),
    ("shell", &["sh", "bash", "zsh", "fish", "ps1"]),
    ("SQL", &["sql"]),
    ("Svelte", &["svelte"]),
    ("Swift", &["swift"]),
    ("Vue", &["vue"]),
    ("Zig", &["zig"]),
];

/// Extensions of what holds no body.
const NO_CODE: &[&str] = &[
    "adoc",
    "bin",
    "bmp",
    "cfg",
    "conf",
    "config",
    "crt",
    "css",
    "csv",
    "dat",
    "diff",
    "editorconfig",
    "env",
    "eot",
    "example",
    "gif",
    "gitattributes",
    "gitignore",
    "gitkeep",
    "gitmodules",
    "golden",
    "gz",
    "html",
    "htm",
    "ico",
    "in",
    "ini",
    "ipynb",
    "jpeg",
    "jpg",
    "json",
    "json5",
    "jsonc",
    "jsonl",
    "less",
    "lock",
    "log",
    "map",
    "markdown",
    "md",
    "mdx",
    "mod",
    "npmrc",
    "out",
    "patch",
    "pdf",
    "pem",
    "plist",
    "png",
    "po",
    "properties",
    "proto",
    "rst",
    "sass",
    "scss",
    "snap",
    "sum",
    "svg",
    "tar",
    "tex",
    "toml",
    "tsv",
    "ttf",
    "txt",
    "wasm",
    "webp",
    "woff",
    "woff2",
    "xml",
    "yaml",
    "yml",
    "zip",
];

impl Language {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::Python => "Python",
            Language::JavaScript => "JavaScript",
            Language::TypeScript | Language::Tsx => "TypeScript",
            Language::Go => "Go",
            Language::Java => "Java",
            Language::Elixir => "Elixir",
        }
    }

    pub(super) fn grammar(self) -> tree_sitter::Language {
        match self {
            Language::Rust => tree_sitter_rust::LANGUAGE,
            Language::Python => tree_sitter_python::LANGUAGE,
            Language::JavaScript => tree_sitter_javascript::LANGUAGE,
            Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
            Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
            Language::Go => tree_sitter_go::LANGUAGE,
            Language::Java => tree_sitter_java::LANGUAGE,
            Language::Elixir => tree_sitter_elixir::LANGUAGE,
        }
        .into()
    }
}

impl Source {
    /// What a file is, by its name, else by its first line.
    pub fn of(path: &str, bytes: &[u8]) -> Source {
        let file = path.rsplit('/').next().unwrap_or(path);
        let Some((_, extension)) = file.rsplit_once('.') else {
            let is_script = bytes.starts_with(b"#!");
            return if is_script { Source::Uncovered("a script without an extension".into()) } else { Source::NoCode };
        };
        let extension = extension.to_ascii_lowercase();
        if is_configuration(path, file) {
            return Source::NoCode;
        }
        // `a.d.ts` declares, and does nothing.
        if [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| file.ends_with(end)) {
            return Source::NoCode;
        }
        let covered = match &*extension {
            "rs" => Some(Language::Rust),
            "py" | "pyi" => Some(Language::Python),
            "js" | "jsx" | "mjs" | "cjs" => Some(Language::JavaScript),
            "ts" | "mts" | "cts" => Some(Language::TypeScript),
            "tsx" => Some(Language::Tsx),
            "go" => Some(Language::Go),
            "java" => Some(Language::Java),
            "ex" | "exs" => Some(Language::Elixir),
            _ => None,
        };
        if let Some(language) = covered {
            return Source::Covered(language);
        }
        if NO_CODE.contains(&&*extension) {
            return Source::NoCode;
        }
        let known = UNCOVERED.iter().find(|(_, extensions)| extensions.contains(&&*extension));
        Source::Uncovered(known.map_or_else(|| format!(".{extension}"), |(name, _)| (*name).to_owned()))
    }
}

/// Programs that only say how something is built or run: with these emptied nothing runs, and that shows nothing.
fn is_configuration(path: &str, file: &str) -> bool {
    const FILES: [&str; 11] = [
        "build.rs",
        "mix.exs",
        ".formatter.exs",
        "setup.py",
        "noxfile.py",
        "conf.py",
        "gulpfile.js",
        "Gruntfile.js",
        ".eslintrc.js",
        ".eslintrc.cjs",
        "karma.conf.js",
    ];
    let is_elixirs = path.ends_with(".exs") && path.split('/').any(|part| part == "config");
    FILES.contains(&file) || file.contains(".config.") || is_elixirs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_covered_or_uncovered_or_no_code_and_what_is_unknown_is_uncovered() {
        let of = |path: &str| Source::of(path, b"x");
        assert_eq!(of("src/a.rs"), Source::Covered(Language::Rust));
        assert_eq!(of("a/b.test.tsx"), Source::Covered(Language::Tsx));
        assert_eq!(of("lib/x.rb"), Source::Uncovered("Ruby".into()));
        assert_eq!(of("x.nim"), Source::Uncovered(".nim".into()));
        for path in [
            "Cargo.toml",
            "README.md",
            "LICENSE",
            ".gitignore",
            "index.d.ts",
            "a/b.PNG",
            "build.rs",
            "vite.config.ts",
            "mix.exs",
        ] {
            assert_eq!(of(path), Source::NoCode, "{path}");
        }
        assert!(matches!(Source::of("bin/run", b"#!/bin/sh\n"), Source::Uncovered(_)));
    }
}
