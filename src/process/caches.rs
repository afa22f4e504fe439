//! Variables by which programs find a user's toolchains though their home is another, and caches that they may write though the
//! user's are not theirs.
//!
//! The user's caches of packages are there to be read; set-up alone writes them. What cannot do with that has a cache of the
//! workspace's own: no agent writes what a gate or another run reads.

use super::toolchains::named;
use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

/// Variables of an environment.
type Variables = Vec<(OsString, OsString)>;

/// Who uses a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheUser {
    /// Set-up: it fetches into the user's caches what others find there.
    Setup,
    /// An agent: it has the network, and may need a package that nobody has fetched yet.
    Agent,
    /// A check: it may have no network, and finds what set-up fetched.
    Check,
}

/// Where managers of toolchains are in a home, and what names them where they are not.
const ROOTS: [(&str, &str); 13] = [
    ("RUSTUP_HOME", ".rustup"),
    ("NVM_DIR", ".nvm"),
    ("VOLTA_HOME", ".volta"),
    ("FNM_DIR", ".local/share/fnm"),
    ("PYENV_ROOT", ".pyenv"),
    ("RBENV_ROOT", ".rbenv"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("SDKMAN_DIR", ".sdkman"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("DOTNET_ROOT", ".dotnet"),
    ("OPAMROOT", ".opam"),
    ("MIX_HOME", ".mix"),
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"),
];

/// Caches of the workspace's own for checks: these programs fail, or build all anew, where they cannot write.
const OF_CHECKS: [(&str, &str); 6] = [
    ("npm_config_cache", "npm"),
    ("UV_CACHE_DIR", "uv"),
    ("PIP_CACHE_DIR", "pip"),
    ("GOCACHE", "go-build"),
    ("GRADLE_USER_HOME", "gradle"),
    ("HEX_HOME", "hex"),
];

/// The same for agents, beside these: what they fetch is nobody else's.
const OF_AGENTS: [(&str, &str); 7] = [
    ("CARGO_HOME", "cargo"),
    ("YARN_CACHE_FOLDER", "yarn"),
    ("npm_config_store_dir", "pnpm"),
    ("POETRY_CACHE_DIR", "poetry"),
    ("GOMODCACHE", "go-mod"),
    ("BUN_INSTALL_CACHE_DIR", "bun"),
    ("DENO_DIR", "deno"),
];

/// For set-up: what is built is the workspace's, and what is installed is a copy. By a hard link into the user's cache an agent could
/// write there, and what gates and other runs install from it.
const OF_SETUP: [(&str, &str); 4] = [
    ("GOCACHE", "go-build"),
    ("GRADLE_USER_HOME", "gradle"),
    // There are keys in the user's.
    ("HEX_HOME", "hex"),
    ("BUN_INSTALL_CACHE_DIR", "bun"),
];
const COPIED: [(&str, &str); 2] = [("UV_LINK_MODE", "copy"), ("npm_config_package_import_method", "copy")];

/// The caches of a person, by their home and their environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caches {
    /// The person's home.
    pub home: PathBuf,
    /// Their environment.
    pub env: Variables,
}

impl Caches {
    /// The variables of a user of caches in a workspace whose own caches are below `own`: later ones win over what they say.
    pub fn variables(&self, user: CacheUser, own: &Path) -> Vec<(OsString, OsString)> {
        variables(user, &self.home, &self.env, own)
    }

    /// Makes the own caches of an agent's workspace: Cargo's has a link to each package that the person has.
    ///
    /// # Errors
    /// When a folder or a link cannot be made.
    pub fn lay_out(&self, own: &Path) -> io::Result<()> {
        lay_out(&self.home, &self.env, own)
    }
}

fn variables(user: CacheUser, home: &Path, env: &[(OsString, OsString)], own: &Path) -> Variables {
    let mut all: Variables = Vec::new();
    let mut set = |name: &str, value: OsString| all.push((name.into(), value));
    for (name, below) in ROOTS {
        let usual = home.join(below);
        if named(env, name).is_none() && usual.is_dir() {
            set(name, usual.into());
        }
    }
    let kinds: &[&[(&str, &str)]] = match user {
        CacheUser::Setup => &[&OF_SETUP],
        CacheUser::Check => &[&OF_CHECKS],
        CacheUser::Agent => &[&OF_CHECKS, &OF_AGENTS],
    };
    for (name, below) in kinds.iter().copied().flatten() {
        set(name, own.join(below).into());
    }
    COPIED.iter().for_each(|(name, value)| set(name, value.into()));
    let gradle = named(env, "GRADLE_USER_HOME").unwrap_or_else(|| home.join(".gradle")).join("caches");
    if gradle.join("modules-2").is_dir() {
        set("GRADLE_RO_DEP_CACHE", gradle.into());
    }
    let fetched = go_modules(home, env).join("cache/download");
    let proxy = value(env, "GOPROXY").unwrap_or_else(|| OsStr::new("https://proxy.golang.org,direct"));
    // An address with a password in it is not an agent's to know.
    let is_plain = !proxy.as_bytes().contains(&b'@');
    if user == CacheUser::Agent && fetched.is_dir() && is_plain {
        let mut proxies = OsString::from("file://");
        proxies.push(&fetched);
        proxies.push(",");
        proxies.push(proxy);
        set("GOPROXY", proxies);
    }
    all
}

fn lay_out(home: &Path, env: &[(OsString, OsString)], own: &Path) -> io::Result<()> {
    let theirs = named(env, "CARGO_HOME").unwrap_or_else(|| home.join(".cargo"));
    let cargo = Path::new("cargo");
    let folders =
        [("registry/cache", 1), ("registry/src", 1), ("registry/index", 0), ("git/db", 0), ("git/checkouts", 0)];
    for (folder, depth) in folders {
        link_all(&theirs.join(folder), own, &cargo.join(folder), depth)?;
    }
    for file in ["config.toml", "config"] {
        link(&theirs.join(file), own, &cargo.join(file))?;
    }
    Ok(())
}

/// Links to all that is in a folder, so many folders further down.
fn link_all(from: &Path, own: &Path, to: &Path, depth: u32) -> io::Result<()> {
    let entries = fs::read_dir(from).into_iter().flatten().flatten();
    for entry in entries {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if depth > 0 && from.is_dir() { link_all(&from, own, &to, depth - 1)? } else { link(&from, own, &to)? }
    }
    Ok(())
}

/// A link, where something is to be linked to and nothing is yet. What an agent has put in the place of a folder may lead anywhere:
/// it stays as it is, and nothing is put behind it.
fn link(from: &Path, own: &Path, to: &Path) -> io::Result<()> {
    let mut dir = own.to_path_buf();
    for part in to.parent().into_iter().flat_map(Path::components) {
        dir.push(part);
        match dir.symlink_metadata() {
            Ok(data) if data.is_dir() => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && from.exists() => fs::create_dir(&dir)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    let to = own.join(to);
    if to.symlink_metadata().is_err() && from.exists() { symlink(from, to) } else { Ok(()) }
}

/// Where Go keeps modules.
pub(super) fn go_modules(home: &Path, env: &[(OsString, OsString)]) -> PathBuf {
    let first = |path: &OsStr| {
        path.as_bytes().split(|byte| *byte == b':').next().map(|path| PathBuf::from(OsStr::from_bytes(path)))
    };
    let path =
        value(env, "GOPATH").and_then(first).filter(|path| path.is_absolute()).unwrap_or_else(|| home.join("go"));
    named(env, "GOMODCACHE").unwrap_or_else(|| path.join("pkg/mod"))
}

fn value<'e>(env: &'e [(OsString, OsString)], name: &str) -> Option<&'e OsStr> {
    env.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| &**value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(folders: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        folders.iter().for_each(|folder| fs::create_dir_all(home.path().join(folder)).unwrap());
        home
    }

    fn of(all: &[(OsString, OsString)], name: &str) -> Option<String> {
        let found: Vec<_> = all.iter().filter(|(known, _)| known == name).collect();
        assert!(found.len() < 2, "{name} is said twice");
        found.first().map(|(_, value)| value.to_string_lossy().into_owned())
    }

    #[test]
    fn toolchains_are_named_where_a_home_is_another_and_nobody_has_named_them() {
        let home = home(&[".rustup", ".pyenv"]);
        let env = [("PYENV_ROOT".into(), "/elsewhere".into())];
        for user in [CacheUser::Setup, CacheUser::Agent, CacheUser::Check] {
            let all = variables(user, home.path(), &env, Path::new("/own"));
            assert_eq!(of(&all, "RUSTUP_HOME"), Some(home.path().join(".rustup").display().to_string()));
            assert_eq!((of(&all, "PYENV_ROOT"), of(&all, "NVM_DIR")), (None, None));
            assert_eq!(of(&all, "UV_LINK_MODE").as_deref(), Some("copy"), "no link leads into the user's cache");
        }
    }

    #[test]
    fn set_up_fetches_into_the_users_caches_and_nobody_else_writes_there() {
        let home = home(&["go/pkg/mod/cache/download", ".gradle/caches/modules-2"]);
        let of_user = |user| variables(user, home.path(), &[], Path::new("/own"));
        let (setup, check, agent) = (of_user(CacheUser::Setup), of_user(CacheUser::Check), of_user(CacheUser::Agent));
        for name in ["CARGO_HOME", "GOMODCACHE"] {
            assert_eq!((of(&setup, name), of(&check, name)), (None, None), "what set-up fetched is read where it is");
            assert!(of(&agent, name).unwrap().starts_with("/own/"));
        }
        for name in ["npm_config_cache", "UV_CACHE_DIR", "PIP_CACHE_DIR"] {
            assert_eq!(of(&setup, name), None);
            assert_eq!(of(&check, name), of(&agent, name));
        }
        for all in [&setup, &check, &agent] {
            assert_eq!(of(all, "GOCACHE").as_deref(), Some("/own/go-build"));
            assert!(of(all, "GRADLE_RO_DEP_CACHE").unwrap().ends_with(".gradle/caches"));
        }
        let proxy = of(&agent, "GOPROXY").unwrap();
        assert!(
            proxy.starts_with("file:///")
                && proxy.ends_with("/go/pkg/mod/cache/download,https://proxy.golang.org,direct")
        );
        let env = [("GOPROXY".into(), "https://me:secret@proxy".into())];
        assert_eq!(of(&variables(CacheUser::Agent, home.path(), &env, Path::new("/own")), "GOPROXY"), None);
    }

    #[test]
    fn modules_of_go_are_where_it_looks_for_them() {
        let at = |env: &[(&str, &str)]| {
            let env: Vec<_> = env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
            go_modules(Path::new("/h"), &env).display().to_string()
        };
        assert_eq!(at(&[]), "/h/go/pkg/mod");
        assert_eq!(at(&[("GOPATH", "/a:/b")]), "/a/pkg/mod");
        assert_eq!(at(&[("GOPATH", "a"), ("GOMODCACHE", "/m")]), "/m");
    }

    #[test]
    fn an_agent_has_a_cargo_home_of_its_own_with_a_link_to_each_package() {
        let home =
            home(&[".cargo/registry/cache/r", ".cargo/registry/src/r/a-1", ".cargo/registry/index/r", ".cargo/bin"]);
        fs::write(home.path().join(".cargo/registry/cache/r/a-1.crate"), "a").unwrap();
        fs::write(home.path().join(".cargo/credentials.toml"), "secret").unwrap();
        let own = tempfile::tempdir().unwrap();
        let cargo = own.path().join("cargo");
        for _ in 0..2 {
            lay_out(home.path(), &[], own.path()).unwrap();
            let place = cargo.join("registry/cache/r");
            assert!(!place.is_symlink() && place.join("a-1.crate").is_symlink(), "beside it the agent's own have room");
            assert!(cargo.join("registry/src/r/a-1").is_symlink() && cargo.join("registry/index/r").is_symlink());
            assert!(!cargo.join("credentials.toml").exists() && !cargo.join("bin").exists());
            fs::write(place.join("b-1.crate"), "b").unwrap();
        }
        // A folder that has become a link is not written through.
        let elsewhere = tempfile::tempdir().unwrap();
        fs::remove_dir_all(cargo.join("registry")).unwrap();
        symlink(elsewhere.path(), cargo.join("registry")).unwrap();
        lay_out(home.path(), &[], own.path()).unwrap();
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
