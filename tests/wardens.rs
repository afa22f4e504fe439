//! Wardens with real processes: nothing that a program starts outlives it, whatever it does.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tidegate::process::{Ask, Exit, How, Launch, Limits, Line, Program, Wardens};
use tokio::sync::{oneshot, watch};

const WARDEN: &str = env!("CARGO_BIN_EXE_tidegate");

/// A pool, a folder for output, and a number of seconds that no other test sleeps for.
struct Place {
    wardens: Wardens,
    dir: tempfile::TempDir,
    mark: String,
}

fn place(count: usize) -> Place {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mark = format!("4{}.{}5", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    Place { wardens: Wardens::new(WARDEN.into(), count).unwrap(), dir: tempfile::tempdir().unwrap(), mark }
}

fn sh(dir: &Path, script: &str) -> Program {
    Program {
        argv: vec!["sh".into(), "-c".into(), script.into()],
        cwd: dir.into(),
        env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
        stdin: None,
        stdout: dir.join("out"),
        stderr: None,
        limits: Limits {
            total: Duration::from_secs(120),
            idle: None,
            grace: Duration::from_millis(100),
            output_bytes: 1 << 20,
        },
        confines: None,
        ask: Ask::Term,
        secrets: Vec::new(),
    }
}

impl Place {
    fn sh(&self, script: &str) -> Program {
        sh(self.dir.path(), script)
    }

    async fn run(&self, script: &str) -> Exit {
        self.wardens.launch(self.sh(script), Line::default()).await
    }

    fn out(&self) -> String {
        fs::read_to_string(self.dir.path().join("out")).unwrap()
    }
}

/// Every way out of a tree that is known: in the background, in a session of its own, forked twice, without a name in the environment
/// or an open file, deaf to TERM, stopped.
fn escape(mark: &str) -> String {
    let here = "echo >> here";
    format!(
        "trap '' TERM
         sh -c '{here}; exec sleep {mark}' &
         setsid sh -c '{here}; exec sleep {mark}' &
         (setsid sh -c 'trap \"\" TERM; {here}; sleep {mark} & exec sleep {mark}' &)
         (env -i /usr/bin/setsid /bin/sh -c 'exec <&- >&- 2>&-; trap \"\" TERM HUP; {here}; exec sleep {mark}' &)
         sh -c '{here}; kill -STOP $$; sleep {mark}' {mark} &
         until [ $(wc -l < here) -ge 5 ]; do sleep 0.01; done 2> /dev/null
         echo ready
         "
    )
}

fn marked(mark: &str) -> Vec<Pid> {
    let pid = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let is_it = line.split(|byte| *byte == 0).any(|arg| arg == mark.as_bytes());
        Pid::from_raw(entry.file_name().to_str()?.parse().ok().filter(|_| is_it)?)
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(pid).collect()
}

/// Waits until none of them lives. Panics when one still does after ten seconds.
fn all_end(pids: &[Pid]) {
    for pid in pids {
        let Ok(fd) = pidfd_open(*pid, PidfdFlags::empty()) else { continue };
        let limit = Timespec { tv_sec: 10, tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ended, 1, "{pid:?} lives: {:?}", fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())));
    }
}

#[tokio::test]
async fn a_program_runs_where_and_with_what_it_was_told_and_nothing_else() {
    let place = place(1);
    let mut program = place.sh("pwd; echo \"$A-$HOME-$1\"; cat; echo bad >&2; exit 7");
    program.argv.extend(["name".into(), "x y".into()]);
    program.env.push(("A".into(), "ü".into()));
    fs::write(place.dir.path().join("in"), "input\n").unwrap();
    program.stdin = Some(place.dir.path().join("in"));
    fs::write(place.dir.path().join("out"), "before\n").unwrap();
    let exit = place.wardens.launch(program, Line::default()).await;
    assert_eq!((exit.how, exit.leaked), (How::Code(7), 0));
    let cwd = fs::canonicalize(place.dir.path()).unwrap();
    assert_eq!(place.out(), format!("before\n{}\nü--x y\ninput\nbad\n", cwd.display()));
}

#[tokio::test]
async fn errors_go_to_their_own_file_when_there_is_one() {
    let place = place(1);
    let mut program = place.sh("echo out; echo err >&2; kill -USR1 $$");
    program.stderr = Some(place.dir.path().join("err"));
    assert_eq!(place.wardens.launch(program, Line::default()).await.how, How::Signal(10));
    assert_eq!(
        (place.out().as_str(), fs::read_to_string(place.dir.path().join("err")).unwrap().as_str()),
        ("out\n", "err\n")
    );
}

#[tokio::test]
async fn a_file_whose_folder_is_not_there_comes_with_the_first_output_and_through_no_link() {
    let place = place(1);
    let logs = place.dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let below = |folder: &str, script: &str| Program {
        stdout: logs.join(folder).join("job/out"),
        stderr: Some(logs.join(folder).join("job/err")),
        ..place.sh(script)
    };
    assert!(place.wardens.launch(below("silent", "true"), Line::default()).await.is_success());
    assert!(!logs.join("silent").exists());
    assert!(place.wardens.launch(below("loud", "echo one; sleep 0; echo two"), Line::default()).await.is_success());
    assert_eq!(fs::read_to_string(logs.join("loud/job/out")).unwrap(), "one\ntwo\n");
    assert!(!logs.join("loud/job/err").exists(), "it had no errors");
    fs::create_dir(place.dir.path().join("theirs")).unwrap();
    let led_away = place.wardens.launch(below("link", "ln -s ../theirs logs/link; echo out"), Line::default()).await;
    assert!(matches!(&led_away.how, How::NotStarted(why) if why.contains("output")), "{led_away:?}");
    assert_eq!(fs::read_dir(place.dir.path().join("theirs")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let place = place(1);
    let mut missing = place.sh("");
    missing.argv = vec!["no-such-program".into()];
    let mut nowhere = place.sh("");
    nowhere.cwd = "/no/such/folder".into();
    let mut deaf = place.sh("");
    deaf.stdin = Some("/no/such/input".into());
    let mut mute = place.sh("");
    mute.stdout = "/no/such/output".into();
    let mut empty = place.sh("");
    empty.argv.clear();
    for program in [missing, nowhere, deaf, mute, empty] {
        let exit = place.wardens.launch(program, Line::default()).await;
        assert!(matches!(&exit.how, How::NotStarted(why) if !why.is_empty()), "{exit:?}");
    }
    assert!(place.run("true").await.is_success());
    let none = Wardens::new("/no/such/binary".into(), 1).unwrap();
    assert!(matches!(none.launch(place.sh("true"), Line::default()).await.how, How::NotStarted(_)));
    let wrong = Wardens::new("/bin/true".into(), 1).unwrap();
    assert_eq!(wrong.launch(place.sh("true"), Line::default()).await.how, How::WardenLost);
}

#[tokio::test]
async fn a_warden_that_an_interrupt_ends_before_it_is_ready_is_started_again_and_not_for_ever() {
    let place = place(1);
    let (seen, exe) = (place.dir.path().join("seen"), place.dir.path().join("warden"));
    let starts = |script: &str| {
        // Installed by another process: a child of another test that still had our descriptor would keep it from being run.
        let text = place.dir.path().join("text");
        fs::write(&text, format!("#!/bin/sh\necho >> {}\n{script}\nexec {WARDEN} \"$@\"\n", seen.display())).unwrap();
        assert!(Command::new("install").args([&text, &exe]).status().unwrap().success());
        Wardens::new(exe.clone(), 1).unwrap()
    };
    let count = || fs::read(&seen).unwrap().len();
    let once = starts(&format!("test $(wc -l < {}) -gt 1 || kill -INT $$", seen.display()));
    assert!(once.launch(place.sh("true"), Line::default()).await.is_success());
    assert_eq!(count(), 2);
    once.shutdown().await;
    fs::remove_file(&seen).unwrap();
    let always = starts("kill -INT $$");
    assert_eq!(always.launch(place.sh("true"), Line::default()).await.how, How::WardenLost);
    assert_eq!(count(), 3);
}

#[tokio::test]
async fn time_silence_and_too_much_output_end_a_program() {
    let place = place(1);
    let mut late = place.sh("while :; do echo x; sleep 0.01; done");
    late.limits.total = Duration::from_millis(200);
    let exit = place.wardens.launch(late, Line::default()).await;
    assert_eq!(exit.how, How::TimedOut);
    assert!(exit.ms >= 200, "{exit:?}");
    let mut silent = place.sh("trap '' TERM; echo once; sleep 1000");
    silent.limits.idle = Some(Duration::from_millis(100));
    assert_eq!(place.wardens.launch(silent, Line::default()).await.how, How::Idle);
    let mut loud = place.sh("yes");
    loud.stdout = place.dir.path().join("loud");
    loud.limits.output_bytes = 100_001;
    assert_eq!(place.wardens.launch(loud, Line::default()).await.how, How::TooMuchOutput);
    assert_eq!(fs::metadata(place.dir.path().join("loud")).unwrap().len(), 100_001);
    let mut quick = place.sh("echo more than that");
    quick.limits.output_bytes = 4;
    assert_eq!(place.wardens.launch(quick, Line::default()).await.how, How::TooMuchOutput);
}

#[tokio::test]
async fn nothing_survives_a_program_that_ends_by_itself() {
    let place = place(1);
    let exit = place.run(&escape(&place.mark)).await;
    assert_eq!(exit.how, How::Code(0));
    assert!(exit.leaked >= 5, "{exit:?}");
    assert_eq!(marked(&place.mark), []);
    assert_eq!(place.out(), "ready\n");
    // The same warden takes the next.
    assert_eq!(place.run("echo $PPID > first").await.leaked, 0);
    assert_eq!(place.run("echo $PPID > second").await.leaked, 0);
    let told = |name| fs::read_to_string(place.dir.path().join(name)).unwrap();
    assert_eq!(told("first"), told("second"));
}

#[tokio::test]
async fn a_child_that_keeps_the_pipe_open_does_not_hold_up_the_end_but_what_it_says_in_time_is_kept() {
    let place = place(1);
    let exit = place.run(&format!("(sleep 0.2; echo late; exec sleep {}) & echo early", place.mark)).await;
    assert_eq!((exit.how.clone(), exit.leaked), (How::Code(0), 1), "{exit:?}");
    assert_eq!(place.out(), "early\nlate\n");
    assert_eq!(marked(&place.mark), []);
}

#[tokio::test]
async fn nothing_survives_a_program_that_is_stopped_and_growth_is_told_meanwhile() {
    let place = place(1);
    let (grew, mut growth) = watch::channel(0);
    let line = Line { grew: Some(grew), ..Line::default() };
    let stop = line.stop.clone();
    let program = place.sh(&format!("{} wait; sleep {}", escape(&place.mark), place.mark));
    let (exit, ()) = tokio::join!(place.wardens.launch(program, line), async {
        growth.wait_for(|length| *length == 6).await.unwrap();
        assert!(marked(&place.mark).len() >= 5);
        stop.cancel();
    });
    assert_eq!(exit.how, How::Stopped);
    assert!(exit.leaked > 0);
    assert_eq!(marked(&place.mark), []);
}

#[tokio::test]
async fn one_that_ends_when_it_is_asked_to_has_time_to_do_so() {
    let place = place(1);
    let (grew, mut growth) = watch::channel(0);
    let line = Line { grew: Some(grew), ..Line::default() };
    let stop = line.stop.clone();
    let mut program = place.sh("trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
    program.limits.grace = Duration::from_secs(60);
    let (exit, ()) = tokio::join!(place.wardens.launch(program, line), async {
        growth.wait_for(|length| *length > 0).await.unwrap();
        stop.cancel();
    });
    assert_eq!(exit.how, How::Stopped);
    let out = place.out();
    assert!(out.starts_with("ready\n") && out.ends_with("tidied\n"), "{out}");
}

#[tokio::test]
async fn nothing_survives_a_warden_that_its_program_kills_and_the_next_program_runs() {
    let place = place(1);
    let exit = place.run(&format!("{} kill -KILL $PPID; sleep {}", escape(&place.mark), place.mark)).await;
    assert_eq!(exit.how, How::WardenLost);
    // The kernel itself hangs up on an orphaned group that has a stopped member; the other sessions are left to us.
    assert!(exit.leaked >= 3, "{exit:?}");
    assert_eq!(marked(&place.mark), []);
    assert!(place.run("true").await.is_success());
}

#[tokio::test]
async fn a_launch_that_is_dropped_ends_what_it_ran_and_its_place_is_free_only_then() {
    let place = place(1);
    let (grew, mut growth) = watch::channel(0);
    let line = Line { grew: Some(grew), ..Line::default() };
    let program = place.sh(&format!("{} wait", escape(&place.mark)));
    tokio::select! {
        exit = place.wardens.launch(program, line) => panic!("{exit:?}"),
        _ = growth.wait_for(|length| *length > 0) => {}
    }
    assert!(place.run("true").await.is_success());
    assert_eq!(marked(&place.mark), []);
}

/// Says, when it is let go of, how many processes of its mark there still are.
struct Hold(String, Option<oneshot::Sender<usize>>);

impl Drop for Hold {
    fn drop(&mut self) {
        let _ = self.1.take().unwrap().send(marked(&self.0).len());
    }
}

#[tokio::test]
async fn what_a_line_holds_is_let_go_of_when_all_that_ran_is_gone_though_nobody_waits_for_it() {
    let place = place(1);
    let (grew, mut growth) = watch::channel(0);
    let (told, left) = oneshot::channel();
    let hold = Arc::new(Hold(place.mark.clone(), Some(told)));
    let line = Line { grew: Some(grew), hold: Some(hold), ..Line::default() };
    let program = place.sh(&format!("{} wait", escape(&place.mark)));
    tokio::select! {
        exit = place.wardens.launch(program, line) => panic!("{exit:?}"),
        _ = growth.wait_for(|length| *length > 0) => {}
    }
    assert_eq!(left.await, Ok(0));
}

#[tokio::test]
async fn shutdown_ends_all_and_nothing_starts_after_it() {
    let place = place(3);
    let (grew, mut growth) = watch::channel(0);
    let line = Line { grew: Some(grew), ..Line::default() };
    assert!(place.run("true").await.is_success());
    let program = place.sh(&format!("{} wait", escape(&place.mark)));
    let (exit, ()) = tokio::join!(place.wardens.launch(program, line), async {
        growth.wait_for(|length| *length > 0).await.unwrap();
        place.wardens.shutdown().await;
        assert_eq!(marked(&place.mark), []);
    });
    assert_eq!(exit.how, How::Stopped);
    assert_eq!(place.run("true").await.how, How::Stopped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_run_at_a_time_as_there_are_wardens() {
    let place = place(2);
    // Each says that it is there, and ends only when another is there too: with one warden this would never end.
    let meet = |own: &str, other: &str| place.sh(&format!("echo > {own}; while ! [ -e {other} ]; do :; done"));
    let (one, two) = (meet("one", "two"), meet("two", "one"));
    let (one, two) =
        tokio::join!(place.wardens.launch(one, Line::default()), place.wardens.launch(two, Line::default()));
    assert!(one.is_success() && two.is_success());
}

#[tokio::test]
async fn what_wardens_hold_is_free_only_when_the_last_of_them_has_gone_and_their_programs_have_it_not() {
    let Place { wardens, dir, mark } = place(1);
    let path = dir.path().join("held");
    let open = || fs::File::options().create(true).append(true).open(&path).unwrap();
    let held = open();
    held.try_lock().unwrap();
    let place = Place { wardens: wardens.holding(held), dir, mark };
    assert!(place.run("ls -l /proc/self/fd").await.is_success());
    assert!(!place.out().contains("held"), "{}", place.out());
    // The warden is idle, and has it.
    assert!(open().try_lock().is_err());
    place.wardens.shutdown().await;
    let Place { wardens, .. } = place;
    drop(wardens);
    open().try_lock().unwrap();
}

/// Not a test: the coordinator that [`nothing_survives_a_coordinator_that_is_killed`] kills.
#[tokio::test]
#[ignore = "run by another test, as a process of its own"]
async fn a_coordinator() {
    let dir = PathBuf::from(std::env::var_os("COORDINATOR_DIR").unwrap());
    let wardens = Wardens::new(WARDEN.into(), 1).unwrap();
    let script = fs::read_to_string(dir.join("script")).unwrap();
    let (grew, mut growth) = watch::channel(0);
    let line = Line { grew: Some(grew), ..Line::default() };
    tokio::join!(wardens.launch(sh(&dir, &script), line), async {
        growth.wait_for(|length| *length > 0).await.unwrap();
        println!("\nis running");
    });
}

fn kill_a_coordinator(as_user: Option<u32>) {
    let place = place(1);
    let dir = place.dir.path();
    fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(dir.join("script"), format!("{} wait", escape(&place.mark))).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "a_coordinator", "--nocapture"]).env("COORDINATOR_DIR", dir);
    if let Some(user) = as_user {
        command.uid(user).gid(user);
    }
    let mut coordinator = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(coordinator.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "is running"));
    let running = marked(&place.mark);
    assert!(running.len() >= 5);
    kill_process(Pid::from_raw(coordinator.id() as i32).unwrap(), Signal::KILL).unwrap();
    coordinator.wait().unwrap();
    all_end(&running);
    assert_eq!(marked(&place.mark), []);
}

#[test]
fn nothing_survives_a_coordinator_that_is_killed() {
    kill_a_coordinator(None);
}

#[test]
fn nor_does_it_for_an_ordinary_user() {
    if rustix::process::getuid().is_root() {
        kill_a_coordinator(Some(65534));
    }
}
