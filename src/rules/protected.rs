//! Protected paths (CONTRACTS.md, What a task may touch): the list, as data, and what opens one of them.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::sync::LazyLock;

/// How much of a file is protected, and for whom it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shut {
    /// The whole file.
    Whole,
    /// The whole file, but the test-developer may add it: test set-up, which is sealed.
    Setup,
    /// Parts of it, which the rules of its format tell from entries of dependencies.
    Parts,
}

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protected {
    /// A file name (at any depth), or a glob of a whole path where it has a slash.
    pub pattern: &'static str,
    /// How much of it.
    pub shut: Shut,
    /// Why, in a few words.
    pub why: &'static str,
}

const fn line(pattern: &'static str, shut: Shut, why: &'static str) -> Protected {
    Protected { pattern, shut, why }
}

const GATE: &str = "configures the gate";
const RUNNER: &str = "configures the test runner";
const SETUP: &str = "sets tests up";
const BUILD: &str = "runs in every build";
const MAKE: &str = "decides what a check runs";
const SHADOW: &str = "takes the place of the test runner";
const CI: &str = "is a CI workflow";
const AGENT: &str = "configures agents";
const SHARED: &str = "says which of your files agents get";
const GIT: &str = "changes how git reads the tree";

/// The list. `build.rs` below a `src` folder is a module like any other and no build script.
pub(super) const LIST: &[Protected] = &[
    line("tidegate.toml", Shut::Whole, GATE),
    line("**/.config/nextest.toml", Shut::Whole, RUNNER),
    line("**/.cargo/config.toml", Shut::Whole, RUNNER),
    line("**/.cargo/config", Shut::Whole, RUNNER),
    line("build.rs", Shut::Whole, BUILD),
    line("Cargo.toml", Shut::Parts, RUNNER),
    line("rust-toolchain.toml", Shut::Whole, RUNNER),
    line("rust-toolchain", Shut::Whole, RUNNER),
    line("conftest.py", Shut::Setup, SETUP),
    line("pytest.ini", Shut::Whole, RUNNER),
    line(".pytest.ini", Shut::Whole, RUNNER),
    line("sitecustomize.py", Shut::Whole, RUNNER),
    line("usercustomize.py", Shut::Whole, RUNNER),
    line("tox.ini", Shut::Whole, RUNNER),
    line("noxfile.py", Shut::Whole, RUNNER),
    line("setup.cfg", Shut::Whole, RUNNER),
    line("pyproject.toml", Shut::Parts, RUNNER),
    line("uv.toml", Shut::Whole, RUNNER),
    line(".coveragerc", Shut::Whole, RUNNER),
    // Python runs these before anything else.
    line("*.pth", Shut::Whole, RUNNER),
    line("pytest.py", Shut::Whole, SHADOW),
    line("_pytest.py", Shut::Whole, SHADOW),
    line("**/_pytest/**", Shut::Whole, SHADOW),
    line("pytest/__init__.py", Shut::Whole, SHADOW),
    line("pluggy.py", Shut::Whole, SHADOW),
    line("unittest.py", Shut::Whole, SHADOW),
    line("unittest/__init__.py", Shut::Whole, SHADOW),
    line("package.json", Shut::Parts, RUNNER),
    line(".npmrc", Shut::Whole, RUNNER),
    line(".yarnrc", Shut::Whole, RUNNER),
    line(".yarnrc.yml", Shut::Whole, RUNNER),
    line("**/.yarn/releases/**", Shut::Whole, RUNNER),
    line("**/.yarn/plugins/**", Shut::Whole, RUNNER),
    line(".pnpmfile.cjs", Shut::Whole, RUNNER),
    line("pnpm-workspace.yaml", Shut::Whole, RUNNER),
    line("vite.config.*", Shut::Whole, RUNNER),
    line("setupTests.*", Shut::Setup, SETUP),
    line("babel.config.*", Shut::Whole, RUNNER),
    line(".babelrc*", Shut::Whole, RUNNER),
    line("ava.config.*", Shut::Whole, RUNNER),
    line(".taprc", Shut::Whole, RUNNER),
    line(".nycrc*", Shut::Whole, RUNNER),
    line(".c8rc*", Shut::Whole, RUNNER),
    line("jest.config.*", Shut::Whole, RUNNER),
    line("jest.setup.*", Shut::Setup, SETUP),
    line("vitest.config.*", Shut::Whole, RUNNER),
    line("vitest.workspace.*", Shut::Whole, RUNNER),
    line("vitest.setup.*", Shut::Setup, SETUP),
    line(".mocharc.*", Shut::Whole, RUNNER),
    line("karma.conf.*", Shut::Whole, RUNNER),
    line("playwright.config.*", Shut::Whole, RUNNER),
    line("cypress.config.*", Shut::Whole, RUNNER),
    line("mix.exs", Shut::Parts, RUNNER),
    line("go.mod", Shut::Parts, RUNNER),
    line("go.work", Shut::Whole, RUNNER),
    line("pom.xml", Shut::Parts, RUNNER),
    line("**/.mvn/**", Shut::Whole, RUNNER),
    line("mvnw", Shut::Whole, RUNNER),
    line("build.gradle", Shut::Parts, RUNNER),
    line("build.gradle.kts", Shut::Parts, RUNNER),
    line("settings.gradle", Shut::Whole, RUNNER),
    line("settings.gradle.kts", Shut::Whole, RUNNER),
    line("gradle.properties", Shut::Whole, RUNNER),
    line("gradlew", Shut::Whole, RUNNER),
    line("**/gradle/wrapper/**", Shut::Whole, RUNNER),
    line("**/buildSrc/**", Shut::Whole, RUNNER),
    line("junit-platform.properties", Shut::Whole, RUNNER),
    line("CMakePresets.json", Shut::Whole, RUNNER),
    line("CTestConfig.cmake", Shut::Whole, RUNNER),
    line("CTestCustom.cmake", Shut::Whole, RUNNER),
    line("test_helper.exs", Shut::Setup, SETUP),
    line("spec_helper.rb", Shut::Setup, SETUP),
    line(".rspec", Shut::Whole, RUNNER),
    line("Makefile", Shut::Whole, MAKE),
    line("makefile", Shut::Whole, MAKE),
    line("GNUmakefile", Shut::Whole, MAKE),
    line("BSDmakefile", Shut::Whole, MAKE),
    line("justfile", Shut::Whole, MAKE),
    line(".justfile", Shut::Whole, MAKE),
    line("Justfile", Shut::Whole, MAKE),
    line(".github/workflows/**", Shut::Whole, CI),
    line(".github/actions/**", Shut::Whole, CI),
    line(".circleci/**", Shut::Whole, CI),
    line(".buildkite/**", Shut::Whole, CI),
    line(".ci/**", Shut::Whole, CI),
    line(".gitlab-ci.yml", Shut::Whole, CI),
    line(".travis.yml", Shut::Whole, CI),
    line("azure-pipelines.yml", Shut::Whole, CI),
    line("bitbucket-pipelines.yml", Shut::Whole, CI),
    line("Jenkinsfile", Shut::Whole, CI),
    line("**/.claude/**", Shut::Whole, AGENT),
    line("**/.codex/**", Shut::Whole, AGENT),
    line("**/.gemini/**", Shut::Whole, AGENT),
    line("**/.opencode/**", Shut::Whole, AGENT),
    line("**/.cursor/**", Shut::Whole, AGENT),
    line("CLAUDE.md", Shut::Whole, AGENT),
    line("CLAUDE.local.md", Shut::Whole, AGENT),
    line("AGENTS.md", Shut::Whole, AGENT),
    line("GEMINI.md", Shut::Whole, AGENT),
    line(".mcp.json", Shut::Whole, AGENT),
    line("opencode.json", Shut::Whole, AGENT),
    line(".cursorrules", Shut::Whole, AGENT),
    line(".gitattributes", Shut::Whole, GIT),
    line(".gitmodules", Shut::Whole, GIT),
    line(".worktreeinclude", Shut::Whole, SHARED),
];

static SET: LazyLock<GlobSet> = LazyLock::new(|| {
    let mut set = GlobSetBuilder::new();
    for line in LIST {
        let glob = if line.pattern.contains('/') { line.pattern.to_owned() } else { format!("**/{}", line.pattern) };
        let glob = GlobBuilder::new(&glob).literal_separator(true).build();
        set.add(glob.expect("the list holds well-formed globs: a test builds it"));
    }
    set.build().expect("the list is small enough to build: a test builds it")
});

/// The line of the list that protects this path, if one does: the strictest.
pub fn protects(path: &str) -> Option<&'static Protected> {
    if path.ends_with("build.rs") && path.split('/').any(|folder| folder == "src") {
        return None;
    }
    SET.matches(path).into_iter().map(|i| &LIST[i]).min_by_key(|line| line.shut)
}

/// Whether a task's own text names the exact path or file name: as a word of its own, never by a folder or a glob.
pub(super) fn is_named(text: &str, path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let is_part =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '*' | '?' | '[' | ']' | '{' | '}');
    let sentences = text.split_inclusive(['\n', ';', '!']).flat_map(|line| line.split_inclusive(". "));
    sentences.filter(|sentence| !forbids(sentence)).flat_map(|s| s.split(|c: char| !is_part(c))).any(|word| {
        // Brackets around a word and a full stop behind it are prose; a star is a glob.
        let word = word.trim_matches(['[', ']', '{', '}']).trim_end_matches(['.', '?']);
        let word = word.strip_prefix("./").unwrap_or(word);
        !word.is_empty() && (word == path || word == file)
    })
}

/// Whether a sentence says what is not to be done. Who asks for something beside it says so in a sentence of its own.
fn forbids(sentence: &str) -> bool {
    let words =
        sentence.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '\u{2019}')).map(str::to_lowercase);
    words.into_iter().any(|word| {
        matches!(&*word, "not" | "no" | "never" | "without" | "neither" | "nor" | "avoid" | "cannot")
            || word.ends_with("n't")
            || word.ends_with("n\u{2019}t")
    })
}

/// Whether a check's command line runs this file: then a task's word does not open it.
pub(super) fn is_run_by(commands: &[Box<str>], path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let is_make = matches!(file, "Makefile" | "makefile" | "GNUmakefile" | "BSDmakefile");
    let is_just = file.eq_ignore_ascii_case("justfile") || file == ".justfile";
    commands.iter().any(|command| {
        let mut words =
            command.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '"' | '\''));
        words.any(|word| {
            let word = word.strip_prefix("./").unwrap_or(word);
            word == path || (is_make && matches!(word, "make" | "gmake")) || (is_just && word == "just")
        })
    })
}

/// Programs that run the script they are given.
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "source", "."];

/// Programs that run the file they are given, which may be one of tests.
const INTERPRETERS: [&str; 7] = ["python", "python3", "node", "deno", "bun", "ruby", "perl"];

/// How a check's command line runs a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunBy {
    /// By itself, or as a script of a shell: it says what is run.
    Shell,
    /// As the program of an interpreter.
    Interpreter,
}

/// How a check's command line runs this very file, where it does, and does not only look at it.
pub(super) fn runs_script(commands: &[Box<str>], path: &str) -> Option<RunBy> {
    let is_file = |word: &str| word.trim_matches(['"', '\'']).trim_start_matches("./") == path;
    let is_prefix = |word: &&str| {
        let is_variable = word.split_once('=').is_some_and(|(name, _)| !name.contains(['/', '-', '.']));
        is_variable || matches!(*word, "exec" | "time" | "env" | "nice" | "!" | "if" | "then" | "while" | "do" | "else")
    };
    commands.iter().flat_map(|command| command.split(['\n', ';', '&', '|', '(', ')', '`'])).find_map(|simple| {
        let mut words = simple.split_whitespace().skip_while(is_prefix);
        let program = words.next().unwrap_or_default();
        let name = program.rsplit('/').next().unwrap_or(program);
        let mut runs_it = |by| words.find(|word| !word.starts_with('-')).is_some_and(is_file).then_some(by);
        match name {
            _ if is_file(program) => Some(RunBy::Shell),
            _ if SHELLS.contains(&name) => runs_it(RunBy::Shell),
            _ if INTERPRETERS.contains(&name) => runs_it(RunBy::Interpreter),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runner_gate_ci_agent_and_git_configuration_is_protected() {
        for path in [
            "tidegate.toml",
            ".config/nextest.toml",
            "a/.config/nextest.toml",
            ".cargo/config.toml",
            "a/.cargo/config",
            "build.rs",
            "crates/a/build.rs",
            "Cargo.toml",
            "crates/a/Cargo.toml",
            "py/conftest.py",
            "jest.config.ts",
            "GNUmakefile",
            ".github/workflows/a.yml",
            ".claude/settings.json",
            "x/.claude/agents/a.md",
            "CLAUDE.md",
            "AGENTS.md",
            ".mcp.json",
            ".gitattributes",
            "a/.gitattributes",
            ".gitmodules",
            "src/pytest.py",
            "_pytest/main.py",
            "web/vite.config.ts",
            "src/setupTests.ts",
            "app/evil.pth",
        ] {
            assert!(protects(path).is_some(), "{path}");
        }
        for path in [
            "src/lib.rs",
            "src/build.rs",
            "src/plan/build.rs",
            "config.toml",
            "nextest.toml",
            "docs/CLAUDE.md.txt",
            "Cargo.lock",
        ] {
            assert_eq!(protects(path), None, "{path}");
        }
    }

    #[test]
    fn only_the_exact_path_or_file_name_opens_a_protected_path() {
        for (text, path, opens) in [
            ("Change `.cargo/config.toml`.", ".cargo/config.toml", true),
            ("Change config.toml.", ".cargo/config.toml", true),
            ("Files: ./build.rs, src", "build.rs", true),
            ("(see build.rs)", "build.rs", true),
            ("[build.rs]", "build.rs", true),
            ("Files: .github/", ".github/workflows/a.yml", false),
            ("Files: .github/workflows/*.yml", ".github/workflows/a.yml", false),
            ("Files: **/build.rs", "build.rs", false),
            ("the src/build.rs module", "build.rs", false),
            ("rebuild.rs", "build.rs", false),
            ("Makefile", "makefile", false),
            ("Never touch build.rs.", "build.rs", false),
            ("Don\u{2019}t edit `build.rs`", "build.rs", false),
            ("Add it without Cargo.toml. Change build.rs", "build.rs", true),
        ] {
            assert_eq!(is_named(text, path), opens, "{text} | {path}");
        }
    }

    #[test]
    fn what_a_check_runs_is_known() {
        let commands: [Box<str>; 2] = ["cd x && ./ci/test.sh".into(), "make test".into()];
        for (path, runs) in
            [("ci/test.sh", true), ("Makefile", true), ("GNUmakefile", true), ("justfile", false), ("test.sh", false)]
        {
            assert_eq!(is_run_by(&commands, path), runs, "{path}");
        }
    }

    #[test]
    fn a_script_is_run_and_a_file_that_is_looked_at_is_not() {
        for (command, path, runs) in [
            ("sh ./ci/lint.sh", "ci/lint.sh", Some(RunBy::Shell)),
            ("set -e; X=1 bash -eu 'ci/lint.sh' --all", "ci/lint.sh", Some(RunBy::Shell)),
            ("make && ci/lint.sh", "ci/lint.sh", Some(RunBy::Shell)),
            ("if /usr/bin/python3 tools/check.py; then true; fi", "tools/check.py", Some(RunBy::Interpreter)),
            ("node --test tests/a.test.js", "tests/a.test.js", Some(RunBy::Interpreter)),
            ("test -f out.txt && grep -q x README.md", "out.txt", None),
            ("test -f out.txt && grep -q x README.md", "README.md", None),
            ("sh -c 'cat one'", "one", None),
            ("sh lint.sh", "ci/lint.sh", None),
        ] {
            assert_eq!(runs_script(&[command.into()], path), runs, "{command}");
        }
    }
}
