//! Where the test runners are that `.ci/runners` installs. A machine without them skips what needs them, and fails in CI.

use std::path::{Path, PathBuf};

/// Where they are.
pub struct Runners {
    folder: PathBuf,
}

impl Runners {
    /// The runners, if they are here.
    pub fn found() -> Option<Runners> {
        let folder = std::env::var_os("TIDEGATE_RUNNERS").map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/runners"));
        if folder.join("versions").exists() {
            return Some(Runners { folder });
        }
        assert!(std::env::var_os("CI").is_none(), "no test runners in {}: run .ci/runners", folder.display());
        println!("skipped: no test runners in {}; .ci/runners installs them", folder.display());
        None
    }

    /// Whether Elixir is here, which the distribution has.
    pub fn elixir() -> Option<()> {
        installed("mix")
    }

    /// Whether make is here, which the distribution has.
    pub fn make() -> Option<()> {
        installed("make")
    }

    /// The version of JUnit that the distribution has in its repository for Maven, if both are here.
    pub fn maven() -> Option<String> {
        installed("mvn")?;
        let folder = Path::new("/usr/share/maven-repo/org/junit/jupiter/junit-jupiter");
        let surefire = Path::new("/usr/share/maven-repo/org/apache/maven/plugins/maven-surefire-plugin");
        let versions = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = versions.filter_map(|entry| entry.file_name().into_string().ok());
        let found = names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).max();
        if found.is_some() && surefire.exists() {
            return found;
        }
        assert!(std::env::var_os("CI").is_none(), "no JUnit for Maven in /usr/share/maven-repo: run .ci/runners");
        println!("skipped: no JUnit for Maven in /usr/share/maven-repo; .ci/runners installs it");
        None
    }

    /// The folder of pytest, uv, go and cmake.
    pub fn python(&self) -> PathBuf {
        self.folder.join("venv/bin")
    }

    /// The packages with vitest and jest in them.
    pub fn node_modules(&self) -> PathBuf {
        self.folder.join("node_modules")
    }
}

/// Whether a program is on the search path.
fn installed(program: &str) -> Option<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).exists()) {
        return Some(());
    }
    assert!(std::env::var_os("CI").is_none(), "no {program} on the search path: run .ci/runners");
    println!("skipped: no {program} on the search path; .ci/runners installs it");
    None
}
