//! A project in a scratch folder, and what its tools say when they are asked by us.

use std::{
    ffi::OsString,
    fs,
    future::Future,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    pin::Pin,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tidegate::{
    check::{self, Check, Checked, Ecosystem},
    process::{Exit, How, Launch, Limits, Line, Program},
    rules::{GreenCase, RedCase, RedProof, Report, green, red, tests_in},
    run::{Code, Oid, Seal},
};

/// Starts programs plainly: no warden, no limits.
struct Plainly;

impl Launch for Plainly {
    fn launch(&self, program: Program, _: Line) -> Pin<Box<dyn Future<Output = Exit> + Send + '_>> {
        Box::pin(async move {
            let open = |path: &Path| fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
            let stdout = open(&program.stdout);
            let stderr = program.stderr.as_deref().map_or_else(|| stdout.try_clone().unwrap(), open);
            let mut command = tokio::process::Command::new(&program.argv[0]);
            command.args(&program.argv[1..]).current_dir(&program.cwd).env_clear().envs(program.env);
            command.stdin(std::process::Stdio::null()).stdout(stdout).stderr(stderr);
            let began = Instant::now();
            let how = match command.status().await {
                Ok(status) => status.code().map_or_else(|| How::Signal(status.signal().unwrap_or(0)), How::Code),
                Err(error) => How::NotStarted(error.to_string()),
            };
            Exit { how, ms: began.elapsed().as_millis() as u64, leaked: 0 }
        })
    }
}

/// A project and what has been asked about it.
pub struct Project {
    folder: TempDir,
    checks: u64,
    /// Who reads what its checks say.
    ecosystems: Vec<&'static dyn Ecosystem>,
    /// Folders that come first on `PATH`.
    path: Vec<PathBuf>,
    /// `[checks] reports`
    pub reports: Vec<Box<str>>,
}

impl Project {
    /// An empty one, whose checks these ecosystems read.
    pub fn new(ecosystems: &[&'static dyn Ecosystem]) -> Project {
        let folder = tempfile::tempdir().unwrap();
        Project { folder, checks: 0, ecosystems: ecosystems.to_vec(), path: Vec::new(), reports: Vec::new() }
    }

    /// The same with programs that are found first in this folder.
    pub fn with_tools(mut self, folder: &Path) -> Project {
        self.path.insert(0, folder.to_owned());
        self
    }

    /// A path in its tree.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("tree").join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What a check says to these ecosystems.
    pub async fn checked(&mut self, ecosystems: &[&dyn Ecosystem], command: &str) -> Checked {
        self.checks += 1;
        let at = |name: &str| self.folder.path().join(name);
        let scratch = at(&format!("scratch {}", self.checks));
        let log = at(&format!("log-{}", self.checks));
        let kept = ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
        let mut env: Vec<(OsString, OsString)> =
            kept.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?))).collect();
        env.extend(
            [("CARGO_NET_OFFLINE", "true"), ("TIDEGATE_TASK", "1"), ("CI", "1")].map(|(n, v)| (n.into(), v.into())),
        );
        let found = std::env::var_os("PATH").unwrap_or_default();
        let path = self.path.iter().cloned().chain(std::env::split_paths(&found));
        env.push(("PATH".into(), std::env::join_paths(path).unwrap()));
        let limits = Limits {
            total: Duration::from_secs(300),
            idle: None,
            grace: Duration::from_secs(1),
            output_bytes: 1 << 24,
        };
        fs::create_dir_all(&scratch).unwrap();
        let check = Check {
            launch: &Plainly,
            command,
            on: Oid::of_number(self.checks),
            cwd: &at("tree"),
            env: &env,
            configured: &[],
            reports: &self.reports,
            limits,
            log: &log,
            log_name: "log",
            scratch: &scratch,
            cache: &at("cache"),
            confines: None,
            tidegate: &PathBuf::from(env!("CARGO_BIN_EXE_tidegate")),
            line: Line::default(),
        };
        check::run(&check, ecosystems).await
    }

    /// What a check says to the ecosystems of the project.
    pub async fn run(&mut self, command: &str) -> Checked {
        let ecosystems = self.ecosystems.clone();
        self.checked(&ecosystems, command).await
    }

    /// Red of `text` as a file of tests, by this command.
    pub async fn red(
        &mut self,
        command: &str,
        base: &Report,
        (path, text): (&str, &str),
    ) -> Result<RedProof, Vec<Code>> {
        self.write(path, text);
        let with_tests = self.run(command).await.report;
        let (changed, found) = ([path.into()], tests_in(path, text));
        let case =
            RedCase { base, with_tests: &with_tests, changed: &changed, stood: &[], found: &found, gives_names: true };
        red(&case).map_err(|findings| findings.into_iter().map(|finding| finding.code).collect())
    }
}

/// What is not green about a candidate with these sealed tests.
pub fn codes(base: &Report, candidate: &Report, tests: &[&str]) -> Vec<Code> {
    let seal = Seal { tests: tests.iter().map(|name| (*name).into()).collect(), ..Seal::default() };
    let judged = green(&GreenCase { base, candidate, seal: &seal, requires_names: false });
    judged.findings.into_iter().map(|finding| finding.code).collect()
}

/// The names of the tests that were reported.
pub fn names(report: &Report) -> Vec<&str> {
    report.tests.keys().map(|name| &**name).collect()
}
