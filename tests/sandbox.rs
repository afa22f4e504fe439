//! Programs in a real sandbox, under real wardens: what they cannot see, write or leave behind, and what still works.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    ffi::OsString,
    fs,
    io::Read,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use tidegate::process::{
    Ask, Confines, Exit, How, Launch, Limits, Line, NoSandbox, Program, Sandbox, Tier, Wardens, caches, toolchains,
};
use tokio::sync::watch;

const WARDEN: &str = env!("CARGO_BIN_EXE_tidegate");

/// The variables that a program of the user's gets here.
fn environment() -> Vec<(OsString, OsString)> {
    let kept = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
    kept.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?))).collect()
}

fn home() -> PathBuf {
    std::env::var_os("HOME").unwrap().into()
}

/// The sandbox, where this machine has one. Where tests must not be skipped, it has one.
async fn sandbox() -> Option<Sandbox> {
    match Sandbox::probe(Tier::Bubblewrap, &environment()).await {
        Ok(sandbox) => Some(sandbox),
        Err(missing) => {
            assert!(std::env::var_os("CI").is_none(), "{missing}: {}", missing.fix());
            eprintln!("skipped: {missing}");
            None
        }
    }
}

/// A pool of wardens, a folder to work in and one beside it, and a number of seconds that no other test sleeps for.
struct Place {
    wardens: Wardens,
    dir: tempfile::TempDir,
    mark: String,
}

async fn place() -> Option<Place> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let sandbox = sandbox().await?;
    let mark = format!("5{}.{}5", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let dir = tempfile::tempdir().unwrap();
    for name in ["work", "beside"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    Some(Place { wardens: Wardens::new(WARDEN.into(), 2).unwrap().confined_by(sandbox), dir, mark })
}

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn sh(&self, script: &str) -> Program {
        Program {
            argv: vec!["sh".into(), "-c".into(), script.into()],
            cwd: self.at("work"),
            env: environment(),
            stdin: None,
            stdout: self.at("out"),
            stderr: None,
            limits: Limits {
                total: Duration::from_secs(120),
                idle: None,
                grace: Duration::from_secs(60),
                output_bytes: 1 << 20,
            },
            confines: Some(Confines { writable: vec![self.at("work")], ..Confines::default() }),
            ask: Ask::Term,
            secrets: Vec::new(),
        }
    }

    async fn launch(&self, program: Program) -> (Exit, String) {
        let _ = fs::remove_file(self.at("out"));
        let exit = self.wardens.launch(program, Line::default()).await;
        (exit, fs::read_to_string(self.at("out")).unwrap_or_default())
    }

    async fn says(&self, script: &str) -> String {
        let (exit, out) = self.launch(self.sh(script)).await;
        assert!(exit.is_success(), "{exit:?}: {out}");
        out
    }
}

fn marked(mark: &str) -> Vec<String> {
    let line = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let is_it = line.split(|byte| *byte == 0).any(|arg| arg == mark.as_bytes());
        is_it.then(|| String::from_utf8_lossy(&line).replace('\0', " "))
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(line).collect()
}

/// Panics when one still lives after ten seconds.
fn all_end(mark: &str) {
    let began = Instant::now();
    while !marked(mark).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", marked(mark));
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn only_what_is_named_can_be_seen_and_only_what_is_writable_be_written() {
    let Some(place) = place().await else { return };
    for folder in ["work/kept", "work/kept/open", "beside/.git", "other"] {
        fs::create_dir_all(place.at(folder)).unwrap();
    }
    fs::write(place.at("beside/.git/config"), "secret").unwrap();
    fs::write(place.at("other/file"), "readable").unwrap();
    let mut program = place.sh("for path in beside other kept kept/open .; do
             case $path in beside|other) at=../$path;; *) at=$path;; esac
             test -r $at && echo $path is seen
             true 2> /dev/null > $at/new && echo $path is written
         done
         cat ../other/file");
    program.confines = Some(Confines {
        writable: vec![place.at("work"), place.at("work/kept/open"), place.at("not/there")],
        readable: vec![place.at("work/kept"), place.at("other")],
        has_network: false,
        hidden: vec![],
    });
    let (_, out) = place.launch(program).await;
    let expected = "other is seen\nkept is seen\nkept/open is seen\nkept/open is written\n. is seen\n. is written\n";
    let seen: Vec<&str> = out.lines().filter(|line| line.contains(" is ")).collect();
    assert_eq!(seen.join("\n") + "\n", expected, "{out}");
    assert!(out.ends_with("readable") && place.at("work/new").exists() && !place.at("other/new").exists());
}

#[tokio::test]
async fn the_home_the_system_s_secrets_and_other_processes_are_not_there() {
    let Some(place) = place().await else { return };
    assert_eq!(place.says("ls -A \"$HOME\" | grep -v .cargo; true").await.trim(), "");
    assert_eq!(
        place.says("test -e /etc/shadow || test -e /etc/ssh || test -e /run/docker.sock || echo none").await,
        "none\n"
    );
    assert_eq!(
        place
            .says(
                "cat /proc/[0-9]*/comm | sort | uniq -c | grep -vc -e bwrap -e sh -e cat -e sort -e uniq -e grep; true"
            )
            .await,
        "0\n"
    );
    // What is written there is gone with the program.
    assert_eq!(place.says("echo x > \"$HOME/x\" && echo y > /tmp/y && cat \"$HOME/x\" /tmp/y").await, "x\ny\n");
    assert_eq!(place.says("cat \"$HOME/x\" /tmp/y 2> /dev/null || echo gone").await, "gone\n");
    assert_eq!(
        place
            .says("true 2> /dev/null > /x || true 2> /dev/null > /usr/x || true 2> /dev/null > /etc/x || echo shut")
            .await,
        "shut\n"
    );
    let kernel = "for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe; do { true >> $file; } 2> /dev/null && echo open; done; true";
    assert_eq!(place.says(kernel).await, "");
}

#[tokio::test]
async fn nobody_inside_is_root_or_has_a_capability_and_everybody_has_a_name() {
    let Some(place) = place().await else { return };
    let out = place.says("id -u; id -un; grep CapEff /proc/self/status; touch mine; stat -c %u mine").await;
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0] != "0" && lines[3] == lines[0], "{out}");
    assert_eq!(lines[2], "CapEff:\t0000000000000000");
    fs::write(place.at("work/mine"), "still ours").unwrap();
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_stands_on_no_command_line() {
    let Some(place) = place().await else { return };
    let mut program = place.sh("env | sort; tr '\\0' ' ' < /proc/1/cmdline");
    program.env = vec![
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("KEY".into(), "sk-12345678".into()),
        ("LD_LIBRARY_PATH".into(), "/x".into()),
    ];
    let (_, out) = place.launch(program).await;
    let names: Vec<&str> = out.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(names, ["KEY", "LD_LIBRARY_PATH", "PATH", "PWD"], "{out}");
    assert_eq!(out.matches("sk-12345678").count(), 1, "{out}");
}

#[tokio::test]
async fn what_a_linker_s_variable_names_is_loaded_inside_alone() {
    let Some(place) = place().await else { return };
    let mut program = place.sh("true");
    program.env.push(("LD_PRELOAD".into(), place.at("work/agents.so").into()));
    let (_, out) = place.launch(program).await;
    // The loader complains once a program: not in the name of bubblewrap.
    assert!(out.contains("agents.so") && !out.contains("bwrap"), "{out}");
}

#[tokio::test]
async fn the_network_is_a_loopback_of_its_own_unless_it_is_said_otherwise() {
    let Some(place) = place().await else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "exec bash -c '(exec 3<> /dev/tcp/127.0.0.1/{port}) 2> /dev/null && echo outside || echo alone; cat /proc/net/dev | grep -c :'"
    );
    let out = place.says(&script).await;
    assert!(out.starts_with("alone\n"), "{out}");
    let mut program = place.sh(&script);
    program.confines.as_mut().unwrap().has_network = true;
    let (_, out) = place.launch(program).await;
    assert!(out.starts_with("outside\n"), "{out}");
}

#[tokio::test]
async fn a_sandbox_can_be_made_in_the_sandbox() {
    let Some(place) = place().await else { return };
    // Where we are root, bubblewrap covers parts of the outer /proc, and then the kernel gives no other one.
    let proc = if rustix::process::geteuid().is_root() { "" } else { "--proc /proc" };
    let script = format!("bwrap --unshare-all --ro-bind / / --dev /dev {proc} --tmpfs /tmp sh -c 'echo within'");
    let out = place.says(&script).await;
    assert_eq!(out, "within\n");
}

#[tokio::test]
async fn links_lead_where_they_lead_outside() {
    let Some(place) = place().await else { return };
    std::os::unix::fs::symlink(place.at("work"), place.at("beside/link")).unwrap();
    fs::write(place.at("work/tool"), "#!/bin/sh\necho \"$0 in $(pwd -P)\"\n").unwrap();
    assert!(Command::new("chmod").arg("+x").arg(place.at("work/tool")).status().unwrap().success());
    let linked = place.at("beside/link");
    let mut program = place.sh("");
    program.argv = vec!["./tool".into()];
    program.cwd = linked.clone();
    program.confines = Some(Confines { writable: vec![linked.clone()], ..Confines::default() });
    let (exit, out) = place.launch(program).await;
    assert!(exit.is_success(), "{exit:?} {out}");
    assert_eq!(out, format!("{} in {}\n", linked.join("./tool").display(), place.at("work").display()));
}

#[tokio::test]
async fn a_link_that_an_agent_made_shows_nothing() {
    let Some(place) = place().await else { return };
    std::os::unix::fs::symlink(place.at("beside"), place.at("work/target")).unwrap();
    let mut program = place.sh("true");
    program.confines.as_mut().unwrap().writable.push(place.at("work/target"));
    let (exit, _) = place.launch(program).await;
    assert!(matches!(&exit.how, How::NotStarted(why) if why.contains("cannot show")), "{exit:?}");
    let mut program = place.sh("true");
    program.confines.as_mut().unwrap().readable.push("/".into());
    assert!(matches!(place.launch(program).await.0.how, How::NotStarted(_)));
}

#[tokio::test]
async fn what_cannot_be_started_says_why_and_exit_codes_come_through() {
    let Some(place) = place().await else { return };
    fs::write(place.at("beside/tool"), "#!/bin/sh\n").unwrap();
    fs::write(place.at("work/text"), "").unwrap();
    let hidden = place.at("beside/tool").into_os_string();
    for name in ["no-such-program".into(), "./none".into(), "./text".into(), hidden] {
        let mut program = place.sh("");
        program.argv = vec![name];
        let (exit, out) = place.launch(program).await;
        assert!(matches!(&exit.how, How::NotStarted(why) if !why.is_empty()) && out.is_empty(), "{exit:?} {out}");
    }
    let mut program = place.sh("true");
    program.cwd = place.at("beside");
    assert!(matches!(place.launch(program).await.0.how, How::NotStarted(_)));
    assert_eq!(place.launch(place.sh("exit 7")).await.0.how, How::Code(7));
    assert_eq!(place.launch(place.sh("kill -KILL $$")).await.0.how, How::Signal(9));
}

#[tokio::test]
async fn what_is_not_confined_runs_as_it_is() {
    let Some(place) = place().await else { return };
    let mut program = place.sh("ls -d ../beside");
    program.confines = None;
    assert_eq!(place.launch(program).await.1, "../beside\n");
}

/// Stops a program once it has said a line.
async fn stopped(place: &Place, program: Program) -> (Exit, String) {
    let (grew, mut growth) = watch::channel(0);
    let line = Line { grew: Some(grew), ..Line::default() };
    let stop = line.stop.clone();
    let (exit, ()) = tokio::join!(place.wardens.launch(program, line), async {
        growth.wait_for(|length| *length > 0).await.unwrap();
        stop.cancel();
    });
    (exit, fs::read_to_string(place.at("out")).unwrap())
}

#[tokio::test]
async fn the_polite_stop_is_heard_inside_by_the_signal_that_was_said() {
    let Some(place) = place().await else { return };
    let script = format!(
        "trap 'echo heard TERM; exit 3' TERM; trap 'echo heard INT; exit 3' INT; echo ready; sleep {} & while :; do wait; done",
        place.mark
    );
    let (exit, out) = stopped(&place, place.sh(&script)).await;
    assert_eq!((exit.how, out.as_str()), (How::Stopped, "ready\nheard TERM\n"));
    fs::remove_file(place.at("out")).unwrap();
    let (exit, out) = stopped(&place, Program { ask: Ask::Int, ..place.sh(&script) }).await;
    assert_eq!((exit.how, out.as_str()), (How::Stopped, "ready\nheard INT\n"));
    assert!(exit.ms < 30_000);
    assert_eq!(marked(&place.mark), Vec::<String>::new());
}

#[tokio::test]
async fn a_stop_while_the_sandbox_is_being_built_is_heard_too() {
    let Some(place) = place().await else { return };
    let line = Line::default();
    line.stop.cancel();
    let began = Instant::now();
    for micros in [0, 500, 2_000, 5_000, 10_000, 20_000] {
        let line = Line::default();
        let stop = line.stop.clone();
        let (exit, ()) =
            tokio::join!(place.wardens.launch(place.sh(&format!("exec sleep {}", place.mark)), line), async {
                tokio::time::timeout(Duration::from_micros(micros), std::future::pending::<()>()).await.unwrap_err();
                stop.cancel();
            });
        assert_eq!(exit.how, How::Stopped);
    }
    assert!(began.elapsed() < Duration::from_secs(30), "one was ended only after its grace");
    assert_eq!(marked(&place.mark), Vec::<String>::new());
}

/// In the background, in a session of its own, forked twice with nothing of its parent's, deaf.
fn escape(mark: &str) -> String {
    format!(
        "trap '' TERM INT HUP
         sh -c 'echo >> here; exec sleep {mark}' &
         setsid sh -c 'echo >> here; exec sleep {mark}' &
         (env -i /usr/bin/setsid /bin/sh -c 'exec <&- >&- 2>&-; echo >> here; exec sleep {mark}' &)
         until [ $(wc -l < here) -ge 3 ]; do :; done 2> /dev/null
         echo ready
         "
    )
}

#[tokio::test]
async fn nothing_survives_a_program_that_ends_is_stopped_or_is_out_of_time() {
    let Some(place) = place().await else { return };
    let (exit, out) = place.launch(place.sh(&escape(&place.mark))).await;
    assert_eq!((exit.how, out.as_str()), (How::Code(0), "ready\n"));
    assert_eq!(marked(&place.mark), Vec::<String>::new());
    for is_stopped in [true, false] {
        let _ = fs::remove_file(place.at("work/here"));
        let _ = fs::remove_file(place.at("out"));
        let mut program = place.sh(&format!("{} while :; do :; done", escape(&place.mark)));
        program.limits.grace = Duration::from_millis(100);
        let how = if is_stopped {
            stopped(&place, program).await.0.how
        } else {
            program.limits.total = Duration::from_millis(500);
            place.launch(program).await.0.how
        };
        assert_eq!(how, if is_stopped { How::Stopped } else { How::TimedOut });
        assert_eq!(marked(&place.mark), Vec::<String>::new());
    }
}

/// Kills this process's own wardens, or this process, while a program runs: started by the test after it as a process of its own.
#[test]
fn nothing_survives_whoever_is_killed() {
    let Ok(sandbox) = tokio::runtime::Runtime::new().map(|runtime| runtime.block_on(sandbox())) else { return };
    if sandbox.is_none() {
        return;
    }
    for victim in ["warden", "coordinator"] {
        let mark = format!("6{}.{}", std::process::id(), victim.len());
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "a_coordinator_to_be_killed", "--nocapture"])
            .env("SANDBOX_TEST_PLACE", dir.path())
            .env("SANDBOX_TEST_MARK", &mark)
            .env("TMPDIR", dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let began = Instant::now();
        while marked(&mark).len() < 4 {
            assert!(began.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none(), "it never ran");
            std::thread::yield_now();
        }
        let pid = if victim == "warden" { warden_of(child.id()) } else { child.id() };
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        all_end(&mark);
        child.wait().unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said.contains("WardenLost"), victim == "warden", "{said}");
    }
}

fn warden_of(parent: u32) -> u32 {
    let children = fs::read_dir(format!("/proc/{parent}/task")).unwrap().flatten();
    let lists = children.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let all: Vec<u32> =
        lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()).collect();
    all[0]
}

#[tokio::test]
#[ignore = "it is started by the test that kills it"]
async fn a_coordinator_to_be_killed() {
    let (Some(dir), Ok(mark)) = (std::env::var_os("SANDBOX_TEST_PLACE"), std::env::var("SANDBOX_TEST_MARK")) else {
        return;
    };
    let sandbox = sandbox().await.unwrap();
    let place = Place {
        wardens: Wardens::new(WARDEN.into(), 1).unwrap().confined_by(sandbox),
        dir: tempfile::tempdir_in(Path::new(&dir)).unwrap(),
        mark,
    };
    fs::create_dir(place.at("work")).unwrap();
    let script = format!("{} sleep {}", escape(&place.mark), place.mark);
    println!("{:?}", place.wardens.launch(place.sh(&script), Line::default()).await.how);
}

#[tokio::test]
async fn cargo_builds_and_tests_without_network_and_with_a_registry_that_cannot_be_written() {
    let Some(place) = place().await else { return };
    fs::create_dir_all(place.at("work/src")).unwrap();
    fs::create_dir_all(place.at("cache")).unwrap();
    fs::write(place.at("work/Cargo.toml"), "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
        .unwrap();
    fs::write(place.at("work/src/lib.rs"), "#[test]\nfn it_runs() { assert_eq!(1 + 1, 2) }\n").unwrap();
    let mut program = place
        .sh("cargo test --lib 2>&1 && { true 2> /dev/null > \"${CARGO_HOME:-$HOME/.cargo}/bin/new\" || echo shut; }");
    program.env.push(("CARGO_TARGET_DIR".into(), place.at("cache").into()));
    let readable = toolchains(&home(), &program.env);
    program.confines = Some(Confines {
        writable: vec![place.at("work"), place.at("cache")],
        readable,
        has_network: false,
        hidden: vec![],
    });
    let (exit, out) = place.launch(program).await;
    assert!(exit.is_success() && out.contains("test it_runs ... ok") && out.ends_with("shut\n"), "{exit:?} {out}");
}

#[tokio::test]
async fn set_up_may_write_the_caches_and_reads_the_rest() {
    let Some(place) = place().await else { return };
    let home = place.at("home");
    for folder in [".cargo/registry", ".cargo/bin"] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    fs::write(home.join(".cargo/credentials.toml"), "token").unwrap();
    let mut program = place.sh(
        "cd ~/.cargo; : > registry/new && echo cached; true 2> /dev/null > bin/new || echo shut; cat credentials.toml 2> /dev/null; ls",
    );
    program.env = vec![("PATH".into(), "/usr/bin:/bin".into()), ("HOME".into(), home.clone().into())];
    let mut writable = caches(&home, &program.env);
    writable.push(place.at("work"));
    program.confines =
        Some(Confines { writable, readable: toolchains(&home, &program.env), has_network: true, hidden: vec![] });
    assert_eq!(place.launch(program).await.1, "cached\nshut\nbin\nregistry\n");
    assert!(home.join(".cargo/registry/new").exists());
}

#[tokio::test]
async fn secrets_do_not_reach_the_files() {
    let Some(place) = place().await else { return };
    let mut program = place.sh("printf 'key sk-1234'; printf '5678 and '; echo \"$KEY\" | tee err >&2");
    program.env.push(("KEY".into(), "sk-12345678".into()));
    program.secrets = vec!["sk-12345678".into()];
    program.stderr = Some(place.at("err"));
    assert_eq!(place.launch(program).await.1, "key [redacted] and ");
    assert_eq!(fs::read_to_string(place.at("err")).unwrap(), "[redacted]\n");
}

#[tokio::test]
async fn a_probe_says_what_is_wrong_with_a_bubblewrap_that_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let fake = |script: &str| {
        let text = dir.path().join("text");
        fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        assert!(Command::new("install").args([&text, &dir.path().join("bwrap")]).status().unwrap().success());
        [(OsString::from("PATH"), dir.path().as_os_str().to_owned()), ("HOME".into(), "/root".into())]
    };
    let told =
        Sandbox::probe(Tier::Bubblewrap, &fake("echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1"))
            .await;
    assert!(matches!(&told, Err(NoSandbox::Forbidden { said }) if said.contains("uid map")), "{told:?}");
    assert!(told.unwrap_err().fix().contains("AppArmor"));
    // One that confines nothing.
    let through = "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"";
    let told = Sandbox::probe(Tier::Bubblewrap, &fake(&through.replace("exec", "timeout 2"))).await;
    assert!(matches!(&told, Err(NoSandbox::Leaky { what }) if what.contains("can be read")), "{told:?}");
}

#[tokio::test]
async fn output_goes_through_no_link_that_a_program_made() {
    let Some(place) = place().await else { return };
    let theirs = place.at("theirs");
    fs::write(&theirs, "mine\n").unwrap();
    std::os::unix::fs::symlink(&theirs, place.at("work/out")).unwrap();
    assert!(Command::new("mkfifo").arg(place.at("work/pipe")).status().unwrap().success());
    for name in ["work/out", "work/pipe"] {
        let program = Program { stdout: place.at(name), ..place.sh("echo theirs") };
        let exit = place.wardens.launch(program, Line::default()).await;
        assert!(matches!(&exit.how, How::NotStarted(why) if why.contains("output")), "{exit:?}");
    }
    assert_eq!(fs::read_to_string(theirs).unwrap(), "mine\n");
}
