//! The user's repository, and the desk beside it: a git directory of ours through which everything is written.
//!
//! The desk has no hooks, no attributes, no filters and no configuration but what is written here, and writes into the repository's
//! object store. So what a tree or a configuration says can neither run anything nor change what is read and written. Only refs
//! are written through the repository's own git directory.

use super::{
    GitError, Identity, OpenFault,
    git::{Git, failed, one_name},
    lfs,
    memory::Memory,
    name::{digest, slug},
    snapshot::Rules,
};
use crate::{
    process::{OutputError, with_causes},
    run::Oid,
};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// Where a repository is, and where what belongs to it is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Any folder in the working tree.
    pub dir: PathBuf,
    /// `$XDG_STATE_HOME/tidegate`: the repository's own folder is made below it when it is first needed.
    pub state: PathBuf,
    /// The user's environment, for `PATH` and their git configuration.
    pub environment: Vec<(OsString, OsString)>,
    /// Whether a folder of this path, relative to the repository, is what tools leave behind.
    pub is_leftover: fn(&str) -> bool,
}

/// The user's repository.
#[derive(Debug)]
pub struct Repository {
    /// Git in no repository.
    pub(super) git: Git,
    /// Reads, and writes refs: the repository's own git directory, without a working tree.
    pub(super) refs: Git,
    pub(super) top: PathBuf,
    pub(super) git_dir: PathBuf,
    pub(super) common: PathBuf,
    pub(super) state: PathBuf,
    memory: Memory,
    pub(super) is_leftover: fn(&str) -> bool,
    pub(super) rules: Mutex<Vec<(Oid, Arc<Rules>)>>,
    /// Whether files of git LFS have their content in workspaces.
    pub(super) has_lfs: AtomicBool,
    /// The branch that followed last, and where it was left.
    pub(super) followed: Mutex<Option<(String, Oid)>>,
    /// Trees are made one at a time.
    pub(super) making: tokio::sync::Mutex<()>,
    user: Git,
    environment: Vec<(OsString, OsString)>,
    format: String,
    head: Oid,
    branch: Option<String>,
}

/// The oldest git without known ways for a repository to run programs on its reader.
const OLDEST: (u32, u32) = (2, 45);

impl Repository {
    /// Finds it, and everything that is wrong with it. Writes nothing.
    ///
    /// # Errors
    /// Whatever keeps a run from beginning.
    pub async fn open(options: Options) -> Result<Repository, OpenFault> {
        if !cfg!(target_os = "linux") {
            return Err(OpenFault::Platform);
        }
        let Options { dir, state, environment, is_leftover } = options;
        let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        let git = Git::new(&path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()));
        let user = Git::of_user(&environment).within(&dir);
        // What does not hang on each other is asked at the same time: a person waits for it.
        let (version, found) = tokio::join!(check_version(&git), find(&user, &dir));
        version?;
        let (git_dir, common, top, format) = found?;
        let refs = git.with("GIT_DIR", &common).within(&common);
        let own = refs.with("GIT_DIR", &git_dir);
        let (head, branch) = tokio::join!(head(&own), own.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"], b""));
        let head = head?;
        let branch = String::from_utf8_lossy(&branch.map_err(broken)?.stdout).trim().to_owned();
        let id = id_of(&common);
        let repository = Repository {
            git,
            refs,
            top,
            git_dir,
            common,
            state: state.join(id),
            memory: Memory::default(),
            is_leftover,
            rules: Mutex::default(),
            has_lfs: AtomicBool::default(),
            followed: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            user,
            environment,
            format,
            head,
            branch: (!branch.is_empty()).then_some(branch),
        };
        repository.check_base(head).await?;
        Ok(repository)
    }

    /// The working tree's root.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The directory that all working trees of the repository share: journals are below it.
    pub fn common_dir(&self) -> &Path {
        &self.common
    }

    /// Where its objects are: its own, and those of other repositories that it borrows, as far as they are there.
    pub fn object_dirs(&self) -> Vec<PathBuf> {
        /// As far as git follows them.
        const DEPTH: usize = 5;
        let mut dirs = vec![self.common.join("objects")];
        let mut last = 0..1;
        for _ in 0..DEPTH {
            for at in last.clone() {
                let text = fs::read_to_string(dirs[at].join("info/alternates")).unwrap_or_default();
                let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
                let named: Vec<PathBuf> = lines.map(|line| dirs[at].join(line)).collect();
                let new: Vec<PathBuf> = named.into_iter().filter(|dir| dir.is_dir() && !dirs.contains(dir)).collect();
                dirs.extend(new);
            }
            last = last.end..dirs.len();
        }
        dirs
    }

    /// The repository's own folder of state.
    pub fn state_dir(&self) -> &Path {
        &self.state
    }

    /// The commit that was checked out when it was opened.
    pub fn head(&self) -> Oid {
        self.head
    }

    /// The branch that was checked out, if one was.
    pub fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    /// Who the user is, by their environment and their git configuration; none when git would ask who they are.
    ///
    /// # Errors
    /// When git cannot be run.
    pub async fn identity(&self) -> Result<Option<Identity>, GitError> {
        let args = ["config", "--null", "--get-regexp", r"^user\.(name|email)$"];
        let output = self.user.within(&self.top).ask(&args, b"").await?;
        let configured = String::from_utf8_lossy(&output.stdout);
        let said = |variable: &str, key: &str| {
            let given = self.environment.iter().find(|(name, value)| name == variable && !value.is_empty());
            let given = given.map(|(_, value)| value.to_string_lossy());
            // Of several values the last one holds; one without a value has no line of its own.
            let mut values = configured.split('\0').filter_map(|entry| entry.split_once('\n'));
            let last = values.rfind(|(name, _)| *name == key);
            given.or_else(|| Some(last?.1.trim().into())).unwrap_or_default().into_owned()
        };
        let (name, email) = (said("GIT_AUTHOR_NAME", "user.name"), said("GIT_AUTHOR_EMAIL", "user.email"));
        Ok((!name.is_empty() && !email.is_empty()).then(|| Identity::new(&name, &email)))
    }

    /// What a base may not have, as far as it is known how to work with.
    async fn check_base(&self, commit: Oid) -> Result<(), OpenFault> {
        let tree = self.tree(commit).await.map_err(|error| match error {
            GitError::Path(path) => OpenFault::Path(path),
            other => broken(other),
        })?;
        for entry in &tree {
            if entry.path.rsplit('/').next() == Some(".gitattributes") {
                let text = self.blob(entry.oid).await.map_err(broken)?;
                if lfs::filters(&text).iter().any(|filter| filter != lfs::FILTER) {
                    return Err(OpenFault::Filters { path: entry.path.to_string() });
                }
            }
        }
        match self.incomplete(commit).await.map_err(broken)? {
            Some(path) => Err(OpenFault::Submodule { path }),
            None => Ok(()),
        }
    }

    /// Takes away locks on refs of ours that a killed run left behind. The caller holds the run's own lock.
    ///
    /// # Errors
    /// A lock that is young, or held open by a living process.
    pub async fn clear_stale_locks(&self) -> Result<(), OpenFault> {
        let mut open = vec![self.common.join("refs/tidegate"), self.common.join("refs/heads/tidegate")];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.push(path);
                } else if path.extension().is_some_and(|extension| extension == "lock") {
                    clear_lock(&path).await?;
                }
            }
        }
        Ok(())
    }

    /// A git directory of ours that writes into the repository's objects. The index is the caller's.
    pub(super) fn desk(&self, index: &Path) -> Result<Git, GitError> {
        let desk = self.state.join("desk");
        let fault = |source| GitError::File { path: desk.clone(), source };
        if !desk.exists() {
            make_desk(&self.state, &desk, &self.format).map_err(fault)?;
        }
        let git = self.git.with("GIT_DIR", &desk).with("GIT_OBJECT_DIRECTORY", self.common.join("objects"));
        Ok(git.with("GIT_INDEX_FILE", index).within(&desk))
    }

    /// Git on the repository's objects that signs as the user does.
    pub(super) fn signer(&self) -> Git {
        Git::signer(&self.environment).with("GIT_DIR", &self.common).within(&self.common)
    }

    /// Whether commits by this person can be signed as the user has it configured. What is signed for that is thrown away.
    ///
    /// # Errors
    /// When they cannot.
    pub async fn prove_signing(&self, by: &Identity) -> Result<(), GitError> {
        let (_desk, scratch) = self.scratch()?;
        let objects = scratch.path().join("objects");
        fs::create_dir(&objects).map_err(|source| GitError::File { path: objects.clone(), source })?;
        let git = self.signer().with("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.common.join("objects"));
        let git = by.committing(&git.with("GIT_OBJECT_DIRECTORY", objects), 0);
        let tree = format!("{}^{{tree}}", self.head());
        git.name(&["commit-tree", "-S", &tree, "-F", "-"], b"Whether it can be signed\n").await.map(drop)
    }

    /// A desk with an index that is thrown away.
    pub(super) fn scratch(&self) -> Result<(Git, TempDir), GitError> {
        let dir = self.state.join("scratch");
        let made = fs::create_dir_all(&dir).and_then(|()| tempfile::tempdir_in(&dir));
        let made = made.map_err(|source| GitError::File { path: dir, source })?;
        Ok((self.desk(&made.path().join("index"))?, made))
    }

    /// Git as the user has it.
    pub(super) fn user(&self) -> &Git {
        &self.user
    }

    /// What git says of objects that are called by their names, and of nothing else.
    pub(super) async fn recall(&self, args: &[&str]) -> Result<Arc<[u8]>, GitError> {
        self.memory.ask(&self.refs, args).await
    }

    /// The same, as far as it was said before.
    pub(super) fn known(&self, args: &[&str]) -> Option<Arc<[u8]>> {
        self.memory.known(args)
    }

    /// What git would say of objects that we made ourselves: asked for later, it need not be asked.
    pub(super) fn learn(&self, args: &[&str], answer: String) {
        self.memory.tell(args, answer);
    }

    /// How the repository names objects.
    pub(super) fn format(&self) -> &str {
        &self.format
    }
}

/// Whole or not at all, whoever else makes it at the same time.
fn make_desk(state: &Path, desk: &Path, format: &str) -> io::Result<()> {
    fs::create_dir_all(state)?;
    let made = tempfile::Builder::new().prefix("desk-").tempdir_in(state)?;
    make_git_dir(made.path(), format, "")?;
    fs::write(made.path().join("HEAD"), "ref: refs/heads/none\n")?;
    match fs::rename(made.path(), desk) {
        Err(error) if !desk.join("HEAD").exists() => Err(error),
        _ => Ok(()),
    }
}

/// The bones of a git directory, without its `HEAD`: a folder is one only once that is written.
pub(super) fn make_git_dir(dir: &Path, format: &str, more: &str) -> io::Result<()> {
    fs::create_dir_all(dir.join("objects/info"))?;
    fs::create_dir_all(dir.join("refs/heads"))?;
    let extension = if format == "sha1" { String::new() } else { format!("[extensions]\n\tobjectFormat = {format}\n") };
    let version = u8::from(format != "sha1");
    let config = format!(
        "[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = false\n\tlogAllRefUpdates = true\n\
         [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n{extension}{more}"
    );
    fs::write(dir.join("config"), config)
}

/// All working trees of a repository share its folder of state; its name says which repository it is.
fn id_of(common: &Path) -> String {
    let named = if common.ends_with(".git") { common.parent().unwrap_or(common) } else { common };
    let name = named.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    slug(&format!("{name} {:016x}", digest(common.as_os_str().as_encoded_bytes())))
}

async fn check_version(git: &Git) -> Result<(), OpenFault> {
    let said = git.run(&["version"]).await.map_err(no_git)?;
    let text = String::from_utf8_lossy(&said);
    let version = text.split_ascii_whitespace().nth(2).unwrap_or("of an unknown version").to_owned();
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < OLDEST { Err(OpenFault::OldGit(version)) } else { Ok(()) }
}

/// The git directory, the one all working trees share, the working tree's root, and how objects are named.
async fn find(user: &Git, dir: &Path) -> Result<(PathBuf, PathBuf, PathBuf, String), OpenFault> {
    if !dir.is_dir() {
        return Err(OpenFault::NoFolder(dir.into()));
    }
    let [bare, inside, format] = ["--is-bare-repository", "--is-inside-work-tree", "--path-format=absolute"];
    let what = ["--absolute-git-dir", "--git-common-dir", "--show-toplevel", "--show-object-format"];
    let args = ["rev-parse", bare, inside, format, what[0], what[1], what[2], what[3]];
    // Without a working tree it fails, after it has said that there is none.
    let place = user.ask(&args, b"").await.map_err(no_git)?;
    let rest = match &*place.stdout {
        [b't', ..] => return Err(OpenFault::Bare(dir.into())),
        said if said.starts_with(b"false\nfalse\n") => return Err(OpenFault::Outside(dir.into())),
        said if place.code == 0 => said.strip_prefix(b"false\ntrue\n").ok_or_else(|| OpenFault::Place(dir.into()))?,
        _ => {
            let said = String::from_utf8_lossy(&place.stderr);
            return Err(match &*said {
                said if said.contains("not a git repository") => OpenFault::NoRepository(dir.into()),
                said if said.contains("dubious ownership") => {
                    OpenFault::Ownership(said.split('\'').nth(1).map_or_else(|| dir.into(), PathBuf::from))
                }
                _ => broken(failed(&args, &place)),
            });
        }
    };
    let said = str::from_utf8(rest).map_err(|_| OpenFault::Place(dir.into()))?;
    match said.lines().collect::<Vec<_>>()[..] {
        [git_dir, common, top, format] => Ok((git_dir.into(), common.into(), top.into(), format.to_owned())),
        _ => Err(OpenFault::Place(dir.into())),
    }
}

/// A git that is not there, or one that does not do what every git does.
fn no_git(error: GitError) -> OpenFault {
    match error {
        GitError::Output(OutputError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            OpenFault::NoGit
        }
        error => OpenFault::BadGit(with_causes(&error)),
    }
}

async fn head(own: &Git) -> Result<Oid, OpenFault> {
    let args = ["rev-parse", "--verify", "--end-of-options", "HEAD^{commit}"];
    let commit = own.ask(&args, b"").await.map_err(broken)?;
    if commit.code == 0 {
        return one_name(&args, &commit.stdout).map_err(broken);
    }
    let known = own.ask(&["rev-parse", "--verify", "--quiet", "HEAD"], b"").await.map_err(broken)?;
    Err(if known.code == 0 { broken(failed(&args, &commit)) } else { OpenFault::Unborn })
}

fn broken(error: GitError) -> OpenFault {
    OpenFault::Broken(with_causes(&error))
}

/// Git holds such a lock for milliseconds. One that nobody has open and that is older than that is a dead process's.
async fn clear_lock(path: &Path) -> Result<(), OpenFault> {
    const OLD: Duration = Duration::from_secs(2);
    let age = || {
        let made = path.symlink_metadata().and_then(|data| data.modified()).ok();
        made.map(|made| SystemTime::now().duration_since(made).unwrap_or(Duration::ZERO))
    };
    match age() {
        None => return Ok(()),
        Some(young) if young < OLD => tokio::time::sleep(OLD - young).await,
        Some(_) => {}
    }
    match age() {
        None => Ok(()),
        Some(old) if old >= OLD && !is_open(path) => {
            fs::remove_file(path).map_err(|error| OpenFault::Broken(format!("{}: {error}", path.display())))
        }
        Some(_) => Err(OpenFault::Locked(path.into())),
    }
}

fn is_open(path: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let files = processes.flat_map(|process| fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten());
    files.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|open| open == path))
}
