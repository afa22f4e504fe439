//! Toolchains and caches of a user: what of a home, and of folders on `PATH`, programs need to build and test.

use super::caches::go_modules;
use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Toolchains and their managers, in a home. Where a folder on `PATH` is in one of them, all of it is shown.
const TOOLCHAINS: [&str; 30] = [
    ".rustup",
    ".nvm",
    ".volta",
    ".fnm",
    ".local/share/fnm",
    ".pyenv",
    ".rbenv",
    ".rvm",
    ".nodenv",
    ".goenv",
    ".jenv",
    ".asdf",
    ".sdkman",
    ".local/share/mise",
    ".local/share/uv",
    ".local/share/pnpm",
    ".local/share/pipx",
    ".local/pipx",
    ".local/share/rtx",
    ".bun/bin",
    ".deno/bin",
    ".ghcup",
    ".opam",
    ".dotnet",
    ".juliaup",
    ".elan",
    ".mix",
    ".elixir",
    ".linuxbrew",
    "go",
];

/// What of Cargo's home is no credential.
const CARGO: [&str; 6] = ["bin", "env", "config", "config.toml", "registry", "git"];

/// What of Cargo's home set-up may write.
const CARGO_CACHES: [&str; 2] = ["registry", "git"];

/// Caches of packages and builds, in a home. Set-up may write them.
const CACHES: [&str; 17] = [
    ".npm/_cacache",
    ".npm/_npx",
    ".yarn/berry/cache",
    ".cache/yarn",
    ".cache/pnpm",
    ".local/share/pnpm/store",
    ".bun/install/cache",
    ".cache/deno",
    ".cache/pip",
    ".cache/uv",
    ".cache/pypoetry",
    ".cache/go-build",
    "go/pkg/mod",
    ".m2/repository",
    ".gradle/caches",
    ".gradle/wrapper",
    ".cache/rebar3",
];

/// Variables that name such a cache where it is not at its usual place, and what of it is the cache.
const CACHE_ROOTS: [(&str, &str); 12] = [
    ("npm_config_cache", "_cacache"),
    ("npm_config_cache", "_npx"),
    ("npm_config_store_dir", ""),
    ("YARN_CACHE_FOLDER", ""),
    ("BUN_INSTALL_CACHE_DIR", ""),
    ("DENO_DIR", ""),
    ("PIP_CACHE_DIR", ""),
    ("UV_CACHE_DIR", ""),
    ("POETRY_CACHE_DIR", ""),
    ("REBAR_CACHE_DIR", ""),
    ("GRADLE_USER_HOME", "caches"),
    ("GRADLE_USER_HOME", "wrapper"),
];

/// Variables that name a manager's folder where it is not at its usual place.
const ROOTS: [&str; 18] = [
    "RUSTUP_HOME",
    "NVM_DIR",
    "VOLTA_HOME",
    "FNM_DIR",
    "PYENV_ROOT",
    "RBENV_ROOT",
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "SDKMAN_DIR",
    "MISE_DATA_DIR",
    "JAVA_HOME",
    "GOROOT",
    "DOTNET_ROOT",
    "GOPATH",
    "OPAMROOT",
    "UV_PYTHON_INSTALL_DIR",
    "PNPM_HOME",
    "MIX_HOME",
];

/// Managers outside of any home.
const SHARED: [&str; 1] = ["/home/linuxbrew/.linuxbrew"];

/// What every sandbox shows anyway.
const SYSTEM: [&str; 8] = ["/usr", "/bin", "/sbin", "/opt", "/nix", "/snap", "/lib", "/lib64"];

/// What has to be seen so that a user's compilers, interpreters and package managers work as they do outside, without the network:
/// folders on `PATH`, toolchains, and caches, as far as they are there. Never the home itself or what it is in, and no credentials.
pub fn toolchains(home: &Path, env: &[(OsString, OsString)]) -> Vec<PathBuf> {
    let kept = Kept { home };
    let known: Vec<PathBuf> = TOOLCHAINS.iter().map(|name| home.join(name)).chain(SHARED.map(PathBuf::from)).collect();
    let rooted = ROOTS.iter().filter_map(|name| named(env, name));
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str()).unwrap_or_default();
    let on_path = path.as_bytes().split(|byte| *byte == b':').map(|entry| PathBuf::from(OsStr::from_bytes(entry)));
    let all = known.iter().cloned().chain(rooted).chain(on_path).chain(of_cargo(home, env, &CARGO));
    kept.of(all.chain(packages(home, env)))
}

/// The caches of packages that set-up commands may write, as far as they are there.
pub fn caches(home: &Path, env: &[(OsString, OsString)]) -> Vec<PathBuf> {
    Kept { home }.of(of_cargo(home, env, &CARGO_CACHES).chain(packages(home, env)))
}

fn packages<'e>(home: &'e Path, env: &'e [(OsString, OsString)]) -> impl Iterator<Item = PathBuf> + 'e {
    let usual = CACHES.iter().map(|name| home.join(name));
    let placed = CACHE_ROOTS.iter().filter_map(|(name, below)| Some(named(env, name)?.join(below)));
    usual.chain(placed).chain([go_modules(home, env)])
}

/// What has to be seen so that a program runs which was installed somewhere of its own: the links to it, the folder it is in, and of a
/// package of node's the outermost `node_modules` that it is in, where what it needs is beside it.
pub fn package_of(program: &Path) -> Vec<PathBuf> {
    let Ok(real) = program.canonicalize() else { return vec![program.to_owned()] };
    let modules = real.ancestors().filter(|folder| folder.file_name() == Some(OsStr::new("node_modules"))).last();
    let folder = modules.or_else(|| real.parent()).filter(|folder| folder.parent().is_some());
    // A folder in which many keep their programs may be a home: of such a one, the program alone.
    let is_shared =
        |folder: &Path| folder.parent().is_none_or(|above| above == Path::new("/home") || above == Path::new("/"));
    let shown = folder.filter(|folder| !is_shared(folder)).unwrap_or(&real).to_owned();
    if program == real { vec![shown] } else { vec![program.to_owned(), shown] }
}

pub(super) fn named(env: &[(OsString, OsString)], name: &str) -> Option<PathBuf> {
    let value = env.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value)?;
    Some(value.into())
}

fn of_cargo<'a>(
    home: &Path,
    env: &[(OsString, OsString)],
    names: &'a [&str],
) -> impl Iterator<Item = PathBuf> + use<'a> {
    let cargo = named(env, "CARGO_HOME").unwrap_or_else(|| home.join(".cargo"));
    names.iter().map(move |name| cargo.join(name))
}

/// What may be shown of some paths.
struct Kept<'a> {
    home: &'a Path,
}

impl Kept<'_> {
    /// Those that are there and hold no more than they should; none within another.
    fn of(&self, paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
        let home = self.home.canonicalize().unwrap_or_else(|_| self.home.to_owned());
        let is_harmless = |path: &PathBuf| {
            let is_home = |real: PathBuf| home.starts_with(&real) || real.parent().is_none();
            path.is_absolute() && path.canonicalize().is_ok_and(|real| !is_home(real)) && !self.is_shown_anyway(path)
        };
        let found: BTreeSet<PathBuf> = paths.filter(is_harmless).collect();
        let is_within = |path: &&PathBuf| !path.ancestors().skip(1).any(|above| found.contains(above));
        found.iter().filter(is_within).cloned().collect()
    }

    fn is_shown_anyway(&self, path: &Path) -> bool {
        SYSTEM.iter().any(|root| path.starts_with(root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    struct Home(tempfile::TempDir);

    impl Home {
        fn with(paths: &[&str]) -> Home {
            let home = Home(tempfile::tempdir().unwrap());
            paths.iter().for_each(|path| fs::create_dir_all(home.at(path)).unwrap());
            home
        }

        fn at(&self, path: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(path)
        }

        fn names(&self, found: Vec<PathBuf>) -> Vec<String> {
            found.iter().map(|path| path.strip_prefix(self.at("")).unwrap_or(path).display().to_string()).collect()
        }
    }

    #[test]
    fn toolchains_of_a_home_are_shown_and_neither_the_home_nor_its_credentials() {
        let home = Home::with(&[
            ".cargo/bin",
            ".cargo/registry",
            ".nvm/versions/node/v22/bin",
            ".npm/_cacache",
            ".npm/_logs",
            ".ssh",
            ".local/bin",
            "bin",
            "project/tools",
        ]);
        fs::write(home.at(".cargo/credentials.toml"), "").unwrap();
        symlink(home.at(""), home.at("bin/home")).unwrap();
        let path = [
            home.at(".nvm/versions/node/v22/bin"),
            home.at(".local/bin"),
            home.at(""),
            home.at("bin/home"),
            home.at("gone"),
            home.at("bin"),
            "/".into(),
            "/usr/bin".into(),
            "tools".into(),
        ];
        let env = [("PATH".into(), path.map(PathBuf::into_os_string).join(OsStr::new(":")))];
        let shown = home.names(toolchains(&home.at(""), &env));
        assert_eq!(shown, [".cargo/bin", ".cargo/registry", ".local/bin", ".npm/_cacache", ".nvm", "bin"]);
        assert_eq!(home.names(caches(&home.at(""), &env)), [".cargo/registry", ".npm/_cacache"]);
    }

    #[test]
    fn what_is_not_at_its_usual_place_is_found_by_its_variable() {
        let home = Home::with(&["cargo/bin", "cargo/git", "rust/toolchains", "me"]);
        let env = [("CARGO_HOME".into(), home.at("cargo").into()), ("RUSTUP_HOME".into(), home.at("rust").into())];
        assert_eq!(home.names(toolchains(&home.at("me"), &env)), ["cargo/bin", "cargo/git", "rust"]);
        assert_eq!(home.names(caches(&home.at("me"), &env)), ["cargo/git"]);
    }

    #[test]
    fn a_program_is_shown_with_what_was_installed_with_it() {
        let home = Home::with(&["lib/node_modules/cli/node_modules/dep/bin", "share/cli/1.0", "bin"]);
        let deep = home.at("lib/node_modules/cli/node_modules/dep/bin/cli.js");
        fs::write(&deep, "").unwrap();
        symlink(&deep, home.at("bin/cli")).unwrap();
        assert_eq!(home.names(package_of(&home.at("bin/cli"))), ["bin/cli", "lib/node_modules"]);
        fs::write(home.at("share/cli/1.0/own"), "").unwrap();
        assert_eq!(home.names(package_of(&home.at("share/cli/1.0/own"))), ["share/cli/1.0"]);
        assert_eq!(package_of(Path::new("/no/such/program")), [PathBuf::from("/no/such/program")]);
    }
}
