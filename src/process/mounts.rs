//! Mounts: what of the machine is there for whatever runs in a sandbox, and the order in which it is put there.

use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

/// What is put at a path inside a sandbox. Later ones cover earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mount {
    /// A file or folder of the machine's, to be read.
    Read {
        /// Where it is on the machine.
        from: PathBuf,
        /// Where it is inside.
        at: PathBuf,
    },
    /// A folder or file of the machine's, to be written, at the same path.
    Write(PathBuf),
    /// An empty folder in memory, gone with the sandbox.
    Own(PathBuf),
    /// A link.
    Link {
        /// Where it is.
        at: PathBuf,
        /// What it says.
        to: PathBuf,
    },
}

/// Folders of programs and their libraries. `/usr/local` is in the first.
const ROOTS: [&str; 4] = ["/usr", "/opt", "/nix", "/snap"];

/// On most systems links into `/usr` by now.
const MERGED: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// What of `/etc` programs need: names, addresses, certificates, time, and where their parts are. No password, no key, no host's
/// identity, no configuration that may hold a token.
const ETC: [&str; 39] = [
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "gai.conf",
    "group",
    "host.conf",
    "hosts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "lsb-release",
    "magic",
    "maven",
    "mime.types",
    "networks",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "perl",
    "pki/ca-trust",
    "pki/java",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "pki/tls/openssl.cnf",
    "profile",
    "protocols",
    "resolv.conf",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];

/// The same for names that begin so: a toolchain's version is part of its folder's name.
const ETC_PREFIXES: [&str; 3] = ["java", "python", "redhat-release"];

/// What of `/sys` tells how many cores there are. Nothing else of it is there.
const SYS: [&str; 2] = ["/sys/devices/system/cpu", "/sys/devices/system/node"];

/// Empty folders of the sandbox's own.
const OWN: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/dev/shm"];

/// What every sandbox on this machine has, beside `/dev` and `/proc`.
pub(super) fn system(is_root: bool) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = ROOTS.iter().chain(&MERGED).filter_map(|root| as_it_is(Path::new(root))).collect();
    let named = ETC.iter().map(|name| Path::new("/etc").join(name));
    let listed = fs::read_dir("/etc").into_iter().flatten().flatten().map(|entry| entry.path());
    let begins = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        ETC_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    let mut etc: Vec<PathBuf> = named.chain(listed.filter(begins)).collect();
    etc.sort_unstable();
    let there = etc.into_iter().chain(SYS.map(PathBuf::from)).filter(|path| path.exists());
    // A link in /etc may lead anywhere (resolv.conf into /run): what it leads to stands in its place.
    mounts.extend(there.map(|at| Mount::Read { from: at.clone(), at }));
    if is_root {
        // Its files are the superuser's, who may write them without any capability: one of them names a program that the kernel runs.
        mounts.push(read("/proc/sys"));
    }
    mounts.extend(OWN.map(|path| Mount::Own(path.into())));
    mounts
}

fn read(path: impl Into<PathBuf>) -> Mount {
    let at = path.into();
    Mount::Read { from: at.clone(), at }
}

fn as_it_is(root: &Path) -> Option<Mount> {
    let data = root.symlink_metadata().ok()?;
    if data.is_symlink() {
        return Some(Mount::Link { at: root.into(), to: fs::read_link(root).ok()? });
    }
    data.is_dir().then(|| read(root))
}

/// Where a path leads: the real path, and every link on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) real: PathBuf,
    /// Where each is, and what it says.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
}

impl Place {
    /// As the kernel follows it. None where nothing is.
    pub(super) fn of(path: &Path) -> Option<Place> {
        const LINKS_MAX: usize = 40;
        let mut place = Place { real: PathBuf::from("/"), links: Vec::new() };
        let mut left = parts(path).filter(|_| path.is_absolute())?;
        while let Some(part) = left.pop_front() {
            if part == ".." {
                place.real.pop();
                continue;
            }
            let at = place.real.join(part);
            if !at.symlink_metadata().ok()?.is_symlink() {
                place.real = at;
                continue;
            }
            let to = fs::read_link(&at).ok().filter(|_| place.links.len() < LINKS_MAX)?;
            if to.is_absolute() {
                place.real = PathBuf::from("/");
            }
            for part in parts(&to)?.into_iter().rev() {
                left.push_front(part);
            }
            place.links.push((at, to));
        }
        Some(place)
    }
}

/// The names on a path; `..` is one.
fn parts(path: &Path) -> Option<VecDeque<OsString>> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    Some(path.components().filter_map(name).collect())
}

/// Everything that is put into a sandbox, in order: what is deeper covers what it is in.
#[derive(Debug)]
pub(super) struct Layout {
    system: Vec<Mount>,
    /// By real path: whether it may be written.
    views: BTreeMap<PathBuf, bool>,
    own: Vec<PathBuf>,
    links: BTreeMap<PathBuf, PathBuf>,
}

impl Layout {
    pub(super) fn new(system: Vec<Mount>) -> Layout {
        Layout { system, views: BTreeMap::new(), own: Vec::new(), links: BTreeMap::new() }
    }

    /// Shows a path of the machine. Of one that is shown twice, the right to write counts.
    pub(super) fn show(&mut self, place: Place, is_writable: bool) {
        *self.views.entry(place.real).or_default() |= is_writable;
        self.links.extend(place.links);
    }

    /// Puts an empty folder over one that is shown.
    pub(super) fn hide(&mut self, place: Place) {
        if place.real.is_dir() {
            self.own.push(place.real);
        }
    }

    /// Makes the links on the way to a place, for one who goes there by them.
    pub(super) fn link(&mut self, place: &Place) {
        self.links.extend(place.links.iter().cloned());
    }

    /// An empty folder at a path, unless something of the machine's is there to be seen. To be said when all is shown.
    pub(super) fn own(&mut self, path: PathBuf) {
        if path.parent().is_some() && !self.is_shown(&path) && !self.own.contains(&path) {
            self.own.push(path);
        }
    }

    /// Whether something of the machine's is to be seen at a real path.
    pub(super) fn is_shown(&self, real: &Path) -> bool {
        let is_in_system =
            |mount: &Mount| matches!(mount, Mount::Read { at, .. } | Mount::Write(at) if real.starts_with(at));
        self.views.keys().any(|view| real.starts_with(view)) || self.system.iter().any(is_in_system)
    }

    pub(super) fn mounts(self) -> Vec<Mount> {
        let is_link =
            |at: &Path| self.system.iter().any(|mount| matches!(mount, Mount::Link { at: known, .. } if known == at));
        let links = self.links.iter().filter(|(at, _)| !self.is_shown(at) && !is_link(at));
        let links: Vec<Mount> = links.map(|(at, to)| Mount::Link { at: at.clone(), to: to.clone() }).collect();
        let mut below: Vec<(usize, Mount)> = self.own.into_iter().map(|at| (depth(&at), Mount::Own(at))).collect();
        below.extend(
            self.views
                .into_iter()
                .map(|(at, is_writable)| (depth(&at), if is_writable { Mount::Write(at) } else { read(at) })),
        );
        below.sort_by_key(|(depth, _)| *depth);
        self.system.into_iter().chain(below.into_iter().map(|(_, mount)| mount)).chain(links).collect()
    }
}

fn depth(path: &Path) -> usize {
    path.components().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn real(path: &str) -> Place {
        Place { real: path.into(), links: Vec::new() }
    }

    #[test]
    fn deeper_paths_cover_those_they_are_in_and_links_come_last() {
        let mut layout = Layout::new(vec![read("/usr"), Mount::Own("/tmp".into())]);
        layout.show(real("/tmp/a/b/c"), true);
        layout.show(real("/tmp/a/b"), false);
        layout.show(
            Place {
                real: "/tmp/a".into(),
                links: vec![("/home".into(), "/tmp".into()), ("/usr/x".into(), "y".into())],
            },
            false,
        );
        layout.show(real("/tmp/a"), true);
        for own in ["/tmp/a/home", "/usr/me", "/", "/me", "/me"] {
            layout.own(own.into());
        }
        assert!(layout.is_shown(Path::new("/usr/bin")) && layout.is_shown(Path::new("/tmp/a/x")));
        assert!(!layout.is_shown(Path::new("/tmp/b")) && !layout.is_shown(Path::new("/me")));
        let expected = [
            read("/usr"),
            Mount::Own("/tmp".into()),
            Mount::Own("/me".into()),
            Mount::Write("/tmp/a".into()),
            read("/tmp/a/b"),
            Mount::Write("/tmp/a/b/c".into()),
            Mount::Link { at: "/home".into(), to: "/tmp".into() },
        ];
        assert_eq!(layout.mounts(), expected);
    }

    #[test]
    fn a_place_is_found_as_the_kernel_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("real/sub")).unwrap();
        fs::write(root.join("real/file"), "").unwrap();
        symlink("real/sub", root.join("link")).unwrap();
        symlink(root.join("link"), root.join("far")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let place = Place::of(&root.join("far/../file")).unwrap();
        assert_eq!(place.real, root.join("real/file"));
        let links = [(root.join("far"), root.join("link")), (root.join("link"), "real/sub".into())];
        assert_eq!(place.links, links);
        for nowhere in [root.join("loop"), root.join("none"), "real".into()] {
            assert_eq!(Place::of(&nowhere), None);
        }
    }

    #[test]
    fn the_system_shows_programs_and_no_secrets() {
        let layout = Layout::new(system(true));
        let is_shown = |path: &str| layout.is_shown(Path::new(path));
        assert!(is_shown("/usr/bin/env") && is_shown("/etc/passwd") && is_shown("/proc/sys/kernel"));
        for hidden in
            ["/etc/shadow", "/etc/ssh", "/etc/ssl/private", "/root", "/home", "/var/lib", "/sys/fs", "/run/docker.sock"]
        {
            assert!(!is_shown(hidden), "{hidden}");
        }
    }
}
