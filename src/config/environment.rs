//! The environment, read once at the start: what tidegate itself needs, and what it passes on by an allow-list.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io,
    path::PathBuf,
};

/// Variables that agents and checks get: what finds programs, toolchains, certificates, proxies and the user's language.
/// No token is among them, and none is by accident: what is not here is not passed.
const PASSED: [&str; 65] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TZ",
    "TMPDIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOROOT",
    "GOMODCACHE",
    "GOCACHE",
    "GOFLAGS",
    "GOTOOLCHAIN",
    "GOPRIVATE",
    "GONOPROXY",
    "GONOSUMDB",
    "JAVA_HOME",
    "MAVEN_HOME",
    "M2_HOME",
    "GRADLE_HOME",
    "GRADLE_USER_HOME",
    "MIX_HOME",
    "HEX_HOME",
    "REBAR_CACHE_DIR",
    "NVM_DIR",
    "VOLTA_HOME",
    "FNM_DIR",
    "PNPM_HOME",
    "npm_config_cache",
    "npm_config_store_dir",
    "YARN_CACHE_FOLDER",
    "BUN_INSTALL_CACHE_DIR",
    "DENO_DIR",
    "PYENV_ROOT",
    "PIP_CACHE_DIR",
    "UV_CACHE_DIR",
    "UV_PYTHON_INSTALL_DIR",
    "POETRY_CACHE_DIR",
    "RBENV_ROOT",
    "ASDF_DIR",
    "ASDF_DATA_DIR",
    "SDKMAN_DIR",
    "MISE_DATA_DIR",
    "DOTNET_ROOT",
    "OPAMROOT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// The same for whole families.
const PASSED_PREFIXES: [&str; 1] = ["LC_"];

/// A process whose surroundings cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// Where our own program is.
    #[error("cannot find the program of this process")]
    Program(#[source] io::Error),
    /// Where we are.
    #[error("the current folder cannot be read; it may have been removed")]
    Folder(#[source] io::Error),
    /// Neither of the two.
    #[error("neither HOME nor XDG_STATE_HOME is set to an absolute path, so there is no place for workspaces; set one")]
    NoHome,
}

/// What surrounds the process.
#[derive(Clone, Debug)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// Our own program: wardens are started from it.
    pub program: PathBuf,
    /// Where the command was given.
    pub folder: PathBuf,
    /// Cores we may use.
    pub cores: u32,
    /// In which people read times.
    pub time_zone: jiff::tz::TimeZone,
}

impl Environment {
    /// Reads it. Once, in `main`.
    ///
    /// # Errors
    /// The process does not know its own program or folder.
    pub fn capture() -> Result<Environment, EnvironmentError> {
        Ok(Environment {
            variables: std::env::vars_os().collect(),
            program: std::env::current_exe().map_err(EnvironmentError::Program)?,
            folder: std::env::current_dir().map_err(EnvironmentError::Folder)?,
            cores: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1)),
            time_zone: jiff::tz::TimeZone::system(),
        })
    }

    /// The folder for what is kept of all repositories: `$XDG_STATE_HOME/tidegate`, else `~/.local/state/tidegate`.
    ///
    /// # Errors
    /// Neither is known. Relative paths count as unset, as the XDG specification says.
    pub fn state_home(&self) -> Result<PathBuf, EnvironmentError> {
        let state = self.path("XDG_STATE_HOME").or_else(|| Some(self.path("HOME")?.join(".local/state")));
        state.map(|state| state.join("tidegate")).ok_or(EnvironmentError::NoHome)
    }

    /// All of it: for the user's own git configuration, and for nothing else.
    pub fn all(&self) -> Vec<(OsString, OsString)> {
        self.variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What agents and checks get.
    pub fn passed(&self) -> Vec<(OsString, OsString)> {
        let is_passed = |name: &OsStr| {
            let name = name.to_str().unwrap_or_default();
            PASSED.contains(&name) || PASSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        };
        self.variables.iter().filter(|(name, _)| is_passed(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    /// What set-up commands get: the same and `[sandbox] setup_env`, as far as these are set.
    pub fn passed_to_setup(&self, names: &[String]) -> Vec<(OsString, OsString)> {
        let mut passed = self.passed();
        for name in names.iter().map(OsString::from) {
            if let Some(value) = self.variables.get(&name)
                && !passed.iter().any(|(known, _)| *known == name)
            {
                passed.push((name, value.clone()));
            }
        }
        passed
    }

    /// Variables of these names, as far as they are set to something.
    pub fn named(&self, names: &[impl AsRef<str>]) -> Vec<(OsString, OsString)> {
        let given = |name: &str| Some((OsString::from(name), self.given(name)?.to_owned()));
        names.iter().filter_map(|name| given(name.as_ref())).collect()
    }

    /// The user's home; a folder that is not there, where there is none.
    pub fn home(&self) -> PathBuf {
        self.path("HOME").unwrap_or_else(|| PathBuf::from("/nonexistent"))
    }

    /// Where programs are found.
    pub fn search_path(&self) -> Option<&OsStr> {
        self.given("PATH")
    }

    /// `TIDEGATE_LOG`: which log lines are wanted, as a filter of tracing-subscriber.
    pub fn log(&self) -> Option<&str> {
        self.text("TIDEGATE_LOG")
    }

    /// `TIDEGATE_FAILPOINT`: where to die, for the tests that kill.
    pub fn failpoint(&self) -> Option<&str> {
        self.text("TIDEGATE_FAILPOINT")
    }

    /// Whether colours are unwanted whatever we print to (no-color.org), or the terminal has none.
    pub fn is_colourless(&self) -> bool {
        self.given("NO_COLOR").is_some() || self.given("TERM").is_some_and(|term| term == "dumb")
    }

    /// A variable that is set to some text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given(name)?.to_str()
    }

    /// A variable that is set to something.
    fn given(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.given(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::config) fn of(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let folder = PathBuf::from("/");
        Environment { variables, program: folder.clone(), folder, cores: 2, time_zone: jiff::tz::TimeZone::UTC }
    }

    #[test]
    fn agents_get_what_is_allowed_and_no_token() {
        let here = of(&[
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("https_proxy", "http://p"),
            ("CARGO_HOME", "/c"),
            ("ANTHROPIC_API_KEY", "secret"),
            ("GITHUB_TOKEN", "secret"),
            ("CARGO_REGISTRY_TOKEN", "secret"),
            ("TIDEGATE_LOG", "debug"),
            ("NPM_TOKEN", "secret"),
            ("GIT_DIR", "/g"),
            ("LD_PRELOAD", "/l"),
            ("CI", "1"),
        ]);
        let names = |passed: Vec<(OsString, OsString)>| {
            passed.into_iter().map(|(name, _)| name.into_string().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(here.passed()), ["CARGO_HOME", "LC_ALL", "PATH", "https_proxy"]);
        let setup = here.passed_to_setup(&["NPM_TOKEN".to_owned(), "PATH".to_owned(), "UNSET".to_owned()]);
        assert_eq!(names(setup), ["CARGO_HOME", "LC_ALL", "PATH", "https_proxy", "NPM_TOKEN"]);
    }

    #[test]
    fn state_is_kept_where_the_user_says() {
        let at = |variables: &[(&str, &str)]| of(variables).state_home().ok();
        assert_eq!(at(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]), Some("/s/tidegate".into()));
        assert_eq!(at(&[("XDG_STATE_HOME", "s"), ("HOME", "/h")]), Some("/h/.local/state/tidegate".into()));
        assert_eq!(at(&[("XDG_STATE_HOME", "")]), None);
        assert_eq!(at(&[("HOME", "home")]), None);
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        assert!(!of(&[("NO_COLOR", "")]).is_colourless());
        assert!(of(&[("NO_COLOR", "1")]).is_colourless());
        assert!(of(&[("TERM", "dumb")]).is_colourless());
        assert_eq!(of(&[("TIDEGATE_LOG", "")]).log(), None);
        assert_eq!(of(&[("TIDEGATE_FAILPOINT", "append:3")]).failpoint(), Some("append:3"));
    }

    #[test]
    fn a_process_knows_where_it_is() {
        let here = Environment::capture().unwrap();
        assert!(here.program.is_absolute() && here.folder.is_absolute() && here.cores >= 1);
    }
}
