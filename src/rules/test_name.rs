//! Names of tests: how a test found in a file's text and one reported by a runner are known to be the same.
//!
//! A runner's name is `binary test` (`demo::it adds`, `demo parser::tests::adds`); where tests are run from their files it is `path test`
//! (`tests/test_it.py TestIt::test_adds`, `it.test.ts group > adds`), and where a folder or a class holds them, that
//! (`./api TestAdds`, `com.acme.ShopTest adds`). A name found in text is `path test`, too (`tests/it.rs adds`): all
//! there is where the tests do not build yet.

use super::{javascript, outline, python, rust::sketch};

/// A test found in a file's text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScannedTest {
    /// Path relative to the repository.
    pub file: Box<str>,
    /// Its name with the modules of the file before it.
    pub name: Box<str>,
    /// Line from 1.
    pub line: u32,
    /// Its own text, with its attributes: what it expects.
    pub text: Box<str>,
    /// Whether it may be left out of a build: then it is not sealed by name before a runner named it.
    pub is_conditional: bool,
}

impl ScannedTest {
    /// Its name where no runner gave one.
    pub fn title(&self) -> Box<str> {
        format!("{} {}", self.file, self.name).into()
    }
}

/// The tests in a file's text, in the languages whose tests can be found by a light scan.
pub fn tests_in(path: &str, text: &str) -> Vec<ScannedTest> {
    if path.ends_with(".py") {
        return python::tests_in(path, text);
    }
    if javascript::is_one(path) {
        return javascript::tests_in(path, text);
    }
    if !path.ends_with(".rs") {
        return outline::tests_in(path, text).unwrap_or_default();
    }
    let tests = sketch(text).tests.into_iter();
    let scanned = tests.map(|test| ScannedTest {
        file: path.into(),
        name: test.name.into(),
        line: test.line,
        text: text[test.span].into(),
        is_conditional: test.is_conditional,
    });
    scanned.collect()
}

/// Whether a file is a test, a fixture or a helper by where it stands. Configured globs (`[tests] paths`) come on top.
pub fn is_test_path(path: &str) -> bool {
    const ANYWHERE: [&str; 6] = ["tests", "__tests__", "__mocks__", "__fixtures__", "testdata", "snapshots"];
    const NOT_IN_SOURCE: [&str; 4] = ["test", "test_data", "fixtures", "spec"];
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let mut in_source = false;
    let mut all = folders.split('/').peekable();
    while let Some(folder) = all.next() {
        if ANYWHERE.contains(&folder) || (NOT_IN_SOURCE.contains(&folder) && !in_source) {
            return true;
        }
        // `src/test/java`, as Maven and Gradle have it.
        let is_set_of_tests = folder == "test" || folder.ends_with("Test") || folder == "testFixtures";
        let is_of_jvm = |next: &&str| matches!(*next, "java" | "kotlin" | "scala" | "groovy" | "resources");
        if in_source && is_set_of_tests && all.peek().is_some_and(is_of_jvm) {
            return true;
        }
        in_source |= matches!(folder, "src" | "lib");
    }
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    matches!(file, "tests.rs" | "test.rs" | "conftest.py")
        || (file.ends_with(".go") && stem.ends_with("_test"))
        || (file.ends_with(".py") && (stem.starts_with("test_") || stem.ends_with("_test")))
        || (file.ends_with(".exs") && stem.ends_with("_test"))
        || (is_c(file) && (stem.ends_with("_test") || stem.ends_with("_unittest") || stem.starts_with("test_")))
        || file.contains(".test.")
        || file.contains(".spec.")
        || file.ends_with(".snap")
}

fn is_c(file: &str) -> bool {
    [".c", ".cc", ".cpp", ".cxx"].iter().any(|end| file.ends_with(end))
}

/// Whether a sealed name (a runner's, or `path test`) means this name of a runner.
pub fn names(sealed: &str, reported: &str) -> bool {
    if sealed == reported {
        return true;
    }
    let (Some((file, wanted)), Some((binary, test))) = (sealed.split_once(' '), reported.split_once(' ')) else {
        return false;
    };
    if file.ends_with(".py") {
        file == binary && python::means(wanted, test)
    } else if javascript::is_one(file) {
        file == binary && javascript::means(wanted, test)
    } else if let Some(same) = outline::means(file, wanted, (binary, test)) {
        same
    } else {
        file.ends_with(".rs") && binary_may_hold(file, binary) && modules_agree(file, wanted, test)
    }
}

/// `tests/it.rs` and `tests/it/main.rs` are a binary `...::it`; what stands elsewhere may be in any.
fn binary_may_hold(file: &str, binary: &str) -> bool {
    match test_target(file) {
        Some(target) => binary.rsplit("::").next() == Some(target) && binary.contains("::"),
        None => true,
    }
}

fn test_target(file: &str) -> Option<&str> {
    let below = file.strip_prefix("tests/").or_else(|| file.rsplit_once("/tests/").map(|(_, below)| below))?;
    if file.contains("src/") {
        return None;
    }
    match below.split_once('/') {
        None => below.strip_suffix(".rs"),
        Some((folder, "main.rs")) => Some(folder),
        Some(_) => None,
    }
}

/// Whether `test` is `wanted`, in the module that `file` is, or one of its cases (`wanted::case_1`).
fn modules_agree(file: &str, wanted: &str, test: &str) -> bool {
    let after = |rest: &str| rest.is_empty() || rest.starts_with("::");
    if test_target(file).is_some() {
        return test.strip_prefix(wanted).is_some_and(after);
    }
    let module = module_of(file);
    let full = if module.is_empty() { wanted.to_owned() } else { format!("{module}::{wanted}") };
    if test.strip_prefix(full.as_str()).is_some_and(after) {
        return true;
    }
    // A helper below tests/, included by whichever test names it: its module is `common` of `tests/common/mod.rs`.
    let last = module.rsplit("::").next().unwrap_or_default();
    !file.contains("src/") && test.ends_with(&format!("{last}::{wanted}"))
}

/// The module that a file is by its path: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
fn module_of(file: &str) -> String {
    let below = file.strip_prefix("src/").or_else(|| file.rsplit_once("/src/").map(|(_, below)| below));
    let path = below.unwrap_or(file);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let path = path.strip_prefix("bin/").map_or(path, |bin| bin.split_once('/').map_or("", |(_, module)| module));
    if matches!(path, "lib" | "main" | "mod") { String::new() } else { path.replace('/', "::") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_text_means_the_runners_name_of_the_same_test_and_no_other() {
        for (sealed, reported, same) in [
            ("demo::it adds", "demo::it adds", true),
            ("tests/it.rs adds", "demo::it adds", true),
            ("tests/it.rs m::adds", "demo::it m::adds", true),
            ("tests/it.rs adds", "demo::it adds::case_1", true),
            ("tests/it.rs adds", "demo::it adds_more", false),
            ("tests/it.rs adds", "demo::other adds", false),
            ("tests/it/main.rs adds", "demo::it adds", true),
            ("crates/a/tests/it.rs adds", "a::it adds", true),
            ("tests/it.rs adds", "it adds", false),
            ("src/lib.rs tests::adds", "demo tests::adds", true),
            ("src/a/b.rs tests::adds", "demo a::b::tests::adds", true),
            ("src/a/b.rs tests::adds", "demo a::c::tests::adds", false),
            ("src/a/mod.rs tests::adds", "demo a::tests::adds", true),
            ("src/bin/x.rs tests::adds", "demo::bin/x tests::adds", true),
            ("src/a/tests.rs adds", "demo a::tests::adds", true),
            ("tests/common/mod.rs adds", "demo::it common::adds", true),
            ("demo::it adds", "demo::it add", false),
            ("t/test_a.py TestA::test_b", "t/test_a.py TestA::test_b[1-x y]", true),
            ("t/test_a.py test_b", "t/test_a.py test_bc", false),
            ("t/test_a.py test_b", "u/test_a.py test_b", false),
            ("api/a_test.go TestAdds", "./api TestAdds", true),
            ("a_test.go TestAdds", ". TestAdds/with_two", true),
            ("api/a_test.go TestAdds", "./api/v2 TestAdds", false),
            ("api/a_test.go TestAdd", "./api TestAdds", false),
            ("src/test/java/a/BTest.java adds", "a.BTest adds(int)[1]", true),
            ("core/src/test/java/a/BTest.java adds", "a.BTest$Inner adds", true),
            ("src/test/java/a/BTest.java adds", "b.BTest adds", false),
            ("src/test/java/a/BTest.java add", "a.BTest adds", false),
            ("test/a_test.exs g adds *", "test/a_test.exs g adds 1", true),
            ("tests/CMakeLists.txt new", "ctest new", true),
            ("tests/a.cc Suite.Case", "ctest Inst/Suite.Case/0", true),
            ("tests/test_new.c test_new", "ctest test_newer", false),
            ("a.test.ts g > adds *", "a.test.ts g > adds 1", true),
            ("a.test.ts g > adds", "a.test.ts g > adds 1", false),
        ] {
            assert_eq!(names(sealed, reported), same, "{sealed} | {reported}");
        }
    }

    #[test]
    fn test_files_are_known_by_where_they_stand() {
        for path in [
            "tests/a.rs",
            "crates/x/tests/data/b.json",
            "src/a/tests.rs",
            "a_test.go",
            "x/test_a.py",
            "a.spec.ts",
            "core/src/test/java/a/B.java",
            "app/src/androidTest/kotlin/a/B.kt",
            "apps/web/test/a_test.exs",
            "src/a_test.cc",
        ] {
            assert!(is_test_path(path), "{path}");
        }
        for path in [
            "src/lib.rs",
            "benches/a.rs",
            "src/testing.rs",
            "src/load_test.rs",
            "src/spec/mod.rs",
            "latest/a.rs",
            "src/test/mod.rs",
            "src/main/java/a/Test.java",
            "contest.py",
        ] {
            assert!(!is_test_path(path), "{path}");
        }
    }
}
