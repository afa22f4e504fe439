//! What tools leave behind: never part of a patch, and no finding.

/// Folders that tools make, wherever they stand.
const ANYWHERE: [&str; 17] = [
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    "node_modules",
    ".nyc_output",
    ".venv",
    ".tox",
    ".nox",
    ".eggs",
    "htmlcov",
    ".turbo",
    ".parcel-cache",
    ".gradle",
    ".elixir_ls",
    "CMakeFiles",
];

/// The same, but also names that people give to folders of source: not under a `src`.
const NOT_IN_SOURCE: [&str; 2] = ["target", "_build"];

/// What Gradle makes in a `build`, which may well be a folder of source.
const IN_BUILD: [&str; 7] = ["classes", "test-results", "reports", "tmp", "libs", "kotlin", "generated"];

/// Whether a path is what a tool left behind. A path that the base has is not: somebody committed it.
pub fn is_leftover(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folder, file)| is_leftover_folder(folder) || file.ends_with(".pyc"))
        || path.ends_with("erl_crash.dump")
        || path.ends_with("CMakeCache.txt")
}

/// Whether a folder, or one that it is in, is one that tools make.
pub fn is_leftover_folder(folder: &str) -> bool {
    let (mut in_source, mut before) = (false, "");
    for folder in folder.split('/') {
        if ANYWHERE.contains(&folder)
            || folder.ends_with(".egg-info")
            || folder.starts_with("cmake-build-")
            || (before == "build" && IN_BUILD.contains(&folder))
            || (NOT_IN_SOURCE.contains(&folder) && !in_source)
        {
            return true;
        }
        in_source |= matches!(folder, "src" | "lib" | "tests");
        before = folder;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_folders_are_leftovers_and_modules_of_that_name_are_not() {
        for path in [
            "target/debug/x",
            "crates/a/target/x",
            "a/__pycache__/b.pyc",
            "node_modules/a/b",
            "_build/dev/x",
            "x.egg-info/PKG-INFO",
            "app/build/classes/java/main/A.class",
            "build/CMakeFiles/x",
            "erl_crash.dump",
        ] {
            assert!(is_leftover(path), "{path}");
        }
        for path in ["src/target/mod.rs", "target.rs", "src/main.rs", "docs/targets/x", "build/main.go"] {
            assert!(!is_leftover(path), "{path}");
        }
    }
}
