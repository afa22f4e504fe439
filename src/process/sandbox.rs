//! The sandbox: puts programs that are confined into bubblewrap, with what they may see and nothing else.

use super::{
    Program, lookup,
    mounts::{Layout, Mount, Place, system},
    names::Names,
};
use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How much a sandbox holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Namespaces of its own for files, processes, users and, where it is said, the network.
    Bubblewrap,
    /// Nothing: programs run with our rights.
    None,
}

impl Tier {
    /// As people, configuration and journal say it.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Bubblewrap => "bubblewrap",
            Tier::None => "none",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Tier> {
        [Tier::Bubblewrap, Tier::None].into_iter().find(|tier| tier.name() == name)
    }
}

/// The sandbox of a run: which tier, and what there is to know of this machine for it.
///
/// Inside of tier bubblewrap there are programs, libraries, certificates and names of the system, to be read; `/tmp`, the home and
/// `TMPDIR`, empty and gone afterwards; and what the program's [`super::Confines`] name, at the same paths as outside. A program
/// has the environment that it was given, and `PWD`; no capability; its own processes alone; and a loopback of its own unless it
/// has the machine's network. Sandboxes within the sandbox stay possible. Where we are root, the user inside is another.
#[derive(Clone, Debug, Default)]
pub struct Sandbox(Option<Bubblewrap>);

#[derive(Clone, Debug)]
struct Bubblewrap {
    program: PathBuf,
    system: Vec<Mount>,
    /// Where we are root: names for the user inside, since some programs do not run as a user without one.
    names: Option<Arc<Names>>,
}

/// Whom root is inside. Programs that refuse to be root are content with any other.
const INSIDE: u32 = 1000;

/// What the dynamic linker and the C library take from the environment: it could name a file that an agent wrote, and would reach
/// bubblewrap itself before anything is confined. None of it is a secret.
const LINKER: [&str; 5] = ["GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH", "MALLOC_TRACE"];

/// Variables that name folders which programs write, though what is there on the machine is not theirs.
const FOLDERS: [&str; 3] = ["HOME", "TMPDIR", "CARGO_HOME"];

/// Whether we are the superuser, from whom nothing is safe that no sandbox keeps.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Sandbox {
    /// Tier none: every program runs as it is.
    pub fn none() -> Sandbox {
        Sandbox(None)
    }

    /// Which tier it is.
    pub fn tier(&self) -> Tier {
        if self.0.is_some() { Tier::Bubblewrap } else { Tier::None }
    }

    /// Bubblewrap at `program`; whether it works is another question. `home` is the user's.
    pub(super) fn bubblewrap(program: PathBuf, home: &Path) -> io::Result<Sandbox> {
        let is_root = is_root();
        let mut system = system(is_root);
        let mut names = None;
        if is_root {
            let own = Names::new(INSIDE, home)?;
            for (from, name) in own.files() {
                let at = Path::new("/etc").join(name);
                system.retain(|mount| !matches!(mount, Mount::Read { at: known, .. } if *known == at));
                system.push(Mount::Read { from, at });
            }
            names = Some(Arc::new(own));
        }
        Ok(Sandbox(Some(Bubblewrap { program, system, names })))
    }

    /// The program as it is to be started: as it is where nothing confines it.
    ///
    /// # Errors
    /// When it could not be started inside: in words, as the rest of a sentence.
    pub(super) fn around(&self, mut program: Program) -> Result<Program, String> {
        let (Some(bubblewrap), Some(confines)) = (&self.0, program.confines.take()) else { return Ok(program) };
        let mut layout = Layout::new(bubblewrap.system.clone());
        let writable = confines.writable.iter().map(|path| (path, true));
        for (path, is_writable) in writable.chain(confines.readable.iter().map(|path| (path, false))) {
            let Some(place) = Place::of(path) else { continue };
            // What is in a folder that programs write may be a link by now, to anywhere.
            let outer =
                confines.writable.iter().filter(|outer| path.starts_with(outer)).filter_map(|path| Place::of(path));
            let is_led_away = { outer }.any(|outer| !place.real.starts_with(&outer.real));
            if place.real.parent().is_none() || is_led_away {
                return Err(format!(
                    "{} leads to {}, which a sandbox cannot show",
                    path.display(),
                    place.real.display()
                ));
            }
            layout.show(place, is_writable);
        }
        confines.hidden.iter().filter_map(|path| Place::of(path)).for_each(|place| layout.hide(place));
        let hidden = |path: &Path| format!("{} is not there inside the sandbox", path.display());
        let cwd = Place::of(&program.cwd).ok_or_else(|| format!("{}: no such folder", program.cwd.display()))?;
        let name = program.argv.first().ok_or("no program was named")?;
        let file = lookup::find(name, &program.cwd, &program.env).map_err(|error| error.to_string())?;
        let place = Place::of(&file).ok_or_else(|| format!("{}: no such file", file.display()))?;
        let is_program =
            place.real.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
        if !is_program {
            return Err(format!("{} is no program", file.display()));
        }
        for (place, path) in [(&cwd, &program.cwd), (&place, &file)] {
            if !layout.is_shown(&place.real) {
                return Err(hidden(path));
            }
            layout.link(place);
        }
        for folder in FOLDERS.iter().filter_map(|name| variable(&program.env, name)).filter(|path| path.is_absolute()) {
            let place = Place::of(folder).unwrap_or_else(|| Place { real: folder.to_owned(), links: Vec::new() });
            layout.link(&place);
            layout.own(place.real);
        }
        let mut argv = bubblewrap.namespaces(confines.has_network);
        argv.extend(layout.mounts().into_iter().flat_map(words));
        argv.extend(["--remount-ro", "/", "--chdir"].map(OsString::from));
        argv.push(cwd.real.into());
        let (loaded, kept): (Vec<_>, Vec<_>) = program.env.into_iter().partition(|(name, _)| is_linkers(name));
        program.env = kept;
        for (name, value) in loaded {
            argv.extend(["--setenv".into(), name, value]);
        }
        argv.extend(["--".into(), file.into_os_string()]);
        argv.extend(program.argv.into_iter().skip(1));
        program.argv = argv;
        Ok(program)
    }
}

impl Bubblewrap {
    /// Everything but what is to be seen.
    fn namespaces(&self, has_network: bool) -> Vec<OsString> {
        let mut argv = vec![self.program.clone().into_os_string()];
        let all = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"];
        argv.extend(all.map(OsString::from));
        argv.extend((!has_network).then(|| "--unshare-net".into()));
        // The first fires when the thread that started it ends: a warden has but one.
        argv.extend(["--die-with-parent", "--new-session", "--cap-drop", "ALL"].map(OsString::from));
        if self.names.is_some() {
            argv.extend(["--uid".into(), INSIDE.to_string().into(), "--gid".into(), INSIDE.to_string().into()]);
        }
        argv.extend(["--dev", "/dev", "--proc", "/proc"].map(OsString::from));
        argv
    }
}

/// A mount in bubblewrap's words. What has gone since it was looked for is passed over.
fn words(mount: Mount) -> Vec<OsString> {
    match mount {
        Mount::Read { from, at } => vec!["--ro-bind-try".into(), from.into(), at.into()],
        Mount::Write(at) => vec!["--bind-try".into(), at.clone().into(), at.into()],
        // Nobody else is in there. Some programs trust nothing that lies below a folder that others may write.
        Mount::Own(at) => vec!["--perms".into(), "0755".into(), "--tmpfs".into(), at.into()],
        Mount::Link { at, to } => vec!["--symlink".into(), to.into(), at.into()],
    }
}

fn variable<'a>(env: &'a [(OsString, OsString)], name: &str) -> Option<&'a Path> {
    env.iter().find(|(known, _)| known == name).map(|(_, value)| Path::new(value))
}

fn is_linkers(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("LD_") || LINKER.contains(&&*name)
}
