//! A scratch repository with its own home and state, and the binary run in it.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tidegate::{
    journal::{Reader, Runs},
    run::Entry,
};

/// A scratch repository. Gone with its value, unless `KEEP` is set.
pub struct Space {
    root: tempfile::TempDir,
    /// Runs begin with `--sandbox none`.
    is_open: bool,
}

/// What a run of the binary said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Both streams, for messages.
    pub fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.out, self.err)
    }

    /// Demands an exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }

    /// Demands that each of these stands in what was said.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Said {
        let all = flat(&self.all());
        for word in words {
            assert!(all.contains(&flat(word)), "{word:?} was not said:\n{}", self.all());
        }
        self
    }
}

impl Said {
    /// Demands that none of these stands in what was said.
    #[track_caller]
    pub fn lacks(self, words: &[&str]) -> Said {
        let all = flat(&self.all());
        for word in words {
            assert!(!all.contains(&flat(word)), "{word:?} was said:\n{}", self.all());
        }
        self
    }
}

/// Text without its line breaks and runs of blanks: a message may be wrapped anywhere.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Space {
    /// A repository with one commit, whose checks are `true`.
    pub fn plain() -> Space {
        let space = Space::empty();
        space.write("README.md", "a scratch repository\n");
        space.write("tidegate.toml", "[checks]\ntask = [\"true\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n");
        space.commit("Begin");
        space
    }

    /// A repository with a small crate in one commit; its checks are found.
    pub fn crate_named(name: &str) -> Space {
        let space = Space::empty();
        space.write("Cargo.toml", &format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"));
        space.write("Cargo.lock", &format!("version = 3\n\n[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\n"));
        space.write(
            "src/lib.rs",
            "//! A toy.\n\n/// What the toy can do from the start.\npub fn old() -> u32 {\n    1\n}\n",
        );
        space.write(
            "tests/old.rs",
            &format!("#[test]\nfn the_old_still_works() {{\n    assert_eq!({name}::old(), 1);\n}}\n"),
        );
        space.write(".gitignore", "/target\n");
        space.commit("Begin");
        space
    }

    /// The same crate, with these files in its first commit, in which a task has one try, and a job one life. Its stream and system
    /// gates ask for nothing, nor is there set-up, so that a test waits for no more runs of cargo than it is about.
    pub fn strict_crate(files: &[(&str, &str)]) -> Space {
        let space = Space::crate_named("toy");
        space.write(
            "tidegate.toml",
            "[checks]\nstream = [\"true\"]\nsystem = [\"true\"]\n[workspace]\nsetup = []\n[attempts]\ntries = 1\nlives = 1\n",
        );
        let manifest = format!("{}\n[lib]\ndoctest = false\n", space.read("Cargo.toml"));
        space.write("Cargo.toml", &manifest);
        files.iter().for_each(|(path, text)| space.write(path, text));
        space.commit("Be strict");
        space
    }

    /// A repository whose checks are `true`, in which a task has one try, and a job one life.
    pub fn strict() -> Space {
        let space = Space::plain();
        let config = format!("{}[attempts]\ntries = 1\nlives = 1\n", space.read("tidegate.toml"));
        space.write("tidegate.toml", &config);
        space.commit("Be strict");
        space
    }

    /// A repository without a commit.
    pub fn empty() -> Space {
        let root = tempfile::Builder::new().prefix("tidegate-e2e-").tempdir().expect("a scratch folder is made");
        let space = Space { root, is_open: false };
        for dir in ["repo", "home", "state"] {
            fs::create_dir(space.root.path().join(dir)).expect("a folder is made");
        }
        space.git(&["init", "-q", "-b", "main"]);
        space.git(&["config", "user.name", "Ada"]);
        space.git(&["config", "user.email", "ada@example.org"]);
        space
    }

    /// The same, with runs that are in no sandbox: what they run leaves traces beside the repository.
    pub fn open(mut self) -> Space {
        self.is_open = true;
        self
    }

    /// The repository's folder.
    pub fn repo(&self) -> PathBuf {
        self.root.path().join("repo")
    }

    /// A path beside the repository, where scripts may leave traces.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file of the working tree.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder is made");
        fs::write(path, text).expect("a file is written");
    }

    /// Reads a file of the working tree.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repo().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Commits everything but `notes/`.
    pub fn commit(&self, subject: &str) {
        self.git(&["add", "-A", "--", ".", ":!notes"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
    }

    /// Puts a topic into `notes/`, untracked.
    pub fn topic(&self, topic: &str, breakdown: &str) {
        self.write(&format!("notes/{topic}/research.md"), "# Research\n\nDone.\n");
        self.write(&format!("notes/{topic}/plan.md"), "# Plan\n\nDone.\n");
        self.write(&format!("notes/{topic}/breakdown.md"), breakdown);
    }

    /// Runs git in the repository, as its user would.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let output = self.command("git").args(args).output().expect("git is installed");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// A file's content on a branch.
    #[track_caller]
    pub fn on(&self, branch: &str, path: &str) -> String {
        self.git(&["show", &format!("{branch}:{path}")])
    }

    /// The subjects on a branch since the start, oldest first.
    pub fn subjects(&self, branch: &str) -> Vec<String> {
        let log = self.git(&["log", "--reverse", "--format=%s", &format!("main..{branch}")]);
        log.lines().map(str::to_owned).collect()
    }

    /// The subjects that landed for a topic, oldest first; none where nothing did.
    pub fn landed(&self, topic: &str) -> Vec<String> {
        let branch = format!("tidegate/{topic}/integration");
        if self.git(&["for-each-ref", &format!("refs/heads/{branch}")]).is_empty() {
            return Vec::new();
        }
        self.subjects(&branch)
    }

    /// The paths on a topic's branch.
    pub fn tree(&self, topic: &str) -> Vec<String> {
        let paths = self.git(&["ls-tree", "-r", "--name-only", &format!("tidegate/{topic}/integration")]);
        paths.lines().map(str::to_owned).collect()
    }

    /// What the journal of the newest run of a topic holds; nothing when none has begun.
    pub fn entries(&self, topic: &str) -> Vec<Entry> {
        entries(&self.repo(), topic)
    }

    /// The report of a topic, on one line.
    pub fn report(&self, topic: &str) -> String {
        flat(&self.read(&format!("notes/{topic}/report.md")))
    }

    /// A command with the scratch home and nothing of ours but the toolchain.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let home = std::env::var_os("HOME").unwrap_or_default();
        let or = |name: &str, sub: &str| std::env::var_os(name).unwrap_or_else(|| Path::new(&home).join(sub).into());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CARGO_HOME", or("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", or("RUSTUP_HOME", ".rustup"))
            .env("CARGO_NET_OFFLINE", "true")
            .env("HOME", self.root.path().join("home"))
            .env("XDG_STATE_HOME", self.root.path().join("state"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.repo())
            .stdin(Stdio::null());
        command
    }

    /// The binary with these arguments, not yet started. Runs are in the sandbox, as they are in life, wherever this machine has one.
    pub fn tidegate(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_tidegate"));
        command.args(args);
        let is_run = args.iter().any(|arg| ["execute", "demo"].contains(arg));
        if is_run && !args.contains(&"--sandbox") && (self.is_open || tier() == "none") {
            command.args(["--sandbox", "none"]);
        }
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, args: &[&str]) -> Said {
        said(&self.tidegate(args).output().expect("the binary runs"))
    }

    /// `execute --plain`.
    pub fn execute(&self, topic: &str) -> Said {
        self.run(&["execute", topic, "--plain"])
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        if std::env::var_os("KEEP").is_some() {
            self.root.disable_cleanup(true);
            eprintln!("kept: {}", self.root.path().display());
        }
    }
}

/// The sandbox tier of the runs that tests begin: `none` only on a machine without bubblewrap, where tests may be fewer.
pub fn tier() -> &'static str {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|dir| dir.join("bwrap").exists()) {
        return "bubblewrap";
    }
    assert!(std::env::var_os("CI").is_none(), "bubblewrap is not installed: apt-get install bubblewrap");
    "none"
}

/// What the journal of the newest run of a topic holds, in the repository of a folder; nothing when none has begun.
pub fn entries(folder: &Path, topic: &str) -> Vec<Entry> {
    let runs = Runs::of(&folder.join(".git"));
    let Some(run) = runs.newest(topic).expect("the runs are listed") else { return Vec::new() };
    let reader = Reader::open(&runs.folder(&run)).expect("the journal opens");
    reader.replay().expect("the journal is read").collect::<Result<_, _>>().expect("the journal is whole")
}

/// What a process said.
pub fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
