//! Lock files that collide in the train: generated anew from what both sides want, as part of the candidate.

use super::{
    Bench, Breakage, Desk,
    bench::{git, line_to},
    fell,
};
use crate::{
    process::with_causes,
    run::{Job, Oid},
    workspace::{Commands, Landing, Lease, Setup},
};
use std::{
    fs::{self, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

/// What generates each lock file anew, in its folder, changing as little of it as it can. Its own scripts of packages do not run.
const COMMANDS: [(&str, &str); 15] = [
    ("Cargo.lock", "cargo update --workspace"),
    ("package-lock.json", NPM),
    ("npm-shrinkwrap.json", NPM),
    ("pnpm-lock.yaml", "pnpm install --lockfile-only --ignore-scripts"),
    // The first word is of Yarn 2 and newer.
    ("yarn.lock", "yarn install --mode=update-lockfile || yarn install --ignore-scripts --non-interactive"),
    ("bun.lock", "bun install --lockfile-only --ignore-scripts"),
    ("uv.lock", "uv lock"),
    // Poetry 2 locks without updates by itself.
    ("poetry.lock", "poetry lock --no-update || poetry lock"),
    ("Pipfile.lock", "pipenv lock"),
    ("go.sum", "go mod tidy"),
    ("mix.lock", "mix deps.get"),
    ("Gemfile.lock", "bundle lock"),
    ("composer.lock", "composer update --lock --no-install --no-scripts"),
    ("flake.lock", "nix flake lock"),
    ("pubspec.lock", "dart pub get"),
];
const NPM: &str = "npm install --package-lock-only --ignore-scripts --no-audit --no-fund";

/// How a landing says it, before the names of the files.
const ANEW: &str = "Generated anew, since what had landed collides with it: ";

/// The slot in which candidates are built is one: no longer than this is anybody to wait for it.
const LONGEST: Duration = Duration::from_mins(10);

/// Bytes of a lock file.
const LARGEST: u64 = 32 << 20;

impl Bench {
    /// A candidate whose only collisions are in lock files, with these generated anew. `Err` says why it was not; none of them is
    /// said to be a lock file where one is not.
    pub(super) async fn locked(
        &self,
        (base, from, work): (Oid, Oid, Oid),
        paths: &[Box<str>],
        mut landing: Landing,
        (job, desk): (&Job, &Desk),
    ) -> Result<Result<Oid, Option<String>>, Breakage> {
        let commands: Option<Vec<&str>> = paths.iter().map(|path| self.lock_command(path)).collect();
        let Some(commands) = commands else { return Ok(Err(None)) };
        let beside = self.repo.build_beside(base, from, work, paths).await.map_err(|fault| git(&fault))?;
        let Some(beside) = beside else { return Ok(Err(None)) };
        let log = self.place(job, desk)?.join("lock.log");
        let mut setup = Setup { commands: Commands::Said(Vec::new()), log, ..self.setting.setup.clone() };
        setup.limits.total = setup.limits.total.min(LONGEST);
        let lease = match self.gate_with(beside, desk, &setup).await? {
            Ok(lease) => lease,
            Err(why) => return Ok(Err(Some(why))),
        };
        let mut files = Vec::new();
        for (path, command) in paths.iter().zip(commands) {
            (desk.tell)(super::Note::Said(format!("{path} is generated anew: {command}")));
            match self.generate(&lease, &setup, (path, command), desk).await {
                Ok(bytes) => files.push((path.clone(), bytes)),
                Err(_) if desk.stop.is_cancelled() => return Err(fell("stopped")),
                Err(why) => return Ok(Err(Some(format!("{path} could not be generated anew: {why}")))),
            }
        }
        landing.body = format!("{ANEW}{}", paths.join(", "));
        self.repo.build_with(base, beside, &files, &landing).await.map(Ok).map_err(|fault| git(&fault))
    }

    /// What a candidate said of lock files, for the one that is built of it: it may have had to be looked at as what it became.
    pub(super) async fn said_of_locks(&self, commit: Oid) -> Result<String, Breakage> {
        let message = self.repo.message(commit).await.map_err(|fault| git(&fault))?;
        Ok(message.lines().find(|line| line.starts_with(ANEW)).unwrap_or_default().to_owned())
    }

    /// As `[workspace] lock` says of this path or of files of this name, else as is usual.
    fn lock_command(&self, path: &str) -> Option<&str> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let own = &self.setting.locks;
        let configured = own.get(path).or_else(|| own.get(name)).map(|command| &**command);
        configured.or_else(|| COMMANDS.iter().find(|(file, _)| *file == name).map(|(_, command)| *command))
    }

    async fn generate(
        &self,
        lease: &Arc<Lease>,
        setup: &Setup,
        (path, command): (&str, &str),
        desk: &Desk,
    ) -> Result<Arc<[u8]>, String> {
        let file = lease.path().join(path);
        let folder = file.parent().unwrap_or_else(|| lease.path());
        let line = line_to(desk, lease);
        lease.run(&*self.wardens, setup, (command, folder), &line).await.map_err(|error| with_causes(&error))?;
        read(lease.path(), &file).map_err(|error| format!("{}: {error}", file.display()))
    }
}

/// A plain file that is not too large: what runs there may have put anything in its place.
fn read(tree: &Path, file: &Path) -> io::Result<Arc<[u8]>> {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32;
    let within = file.strip_prefix(tree).unwrap_or(file);
    if fs::canonicalize(file)? != fs::canonicalize(tree)?.join(within) {
        return Err(io::Error::other("it leads elsewhere"));
    }
    let open = OpenOptions::new().read(true).custom_flags(flags).open(file)?;
    if !open.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    if open.take(LARGEST + 1).read_to_end(&mut bytes)? as u64 > LARGEST {
        return Err(io::Error::other("it has more than 32 MiB"));
    }
    Ok(bytes.into())
}
