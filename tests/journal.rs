//! The journal under `kill -9`: a child process appends and says what was acknowledged, and is killed at seeded instants.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tidegate::{
    journal::{Answer, Folder, Inbox, Journal, LockError, Reader, Reply, RunId, StartError},
    run::{Entry, Event, JobId, Order, Timestamp},
};

const AT: Timestamp = Timestamp(1_795_264_496_000);
const FOLDER: &str = "TIDEGATE_TEST_JOURNAL";

/// Entries of one batch: big enough that a transaction has several pages.
const BATCH: u64 = 20;

fn entries(from: u64, count: u64) -> Vec<Entry> {
    (from..from + count).map(|seq| Entry { seq, at: AT, event: Event::Answered { job: JobId(seq * 3) } }).collect()
}

/// SplitMix64: a seed is a number that can be told.
fn chance(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The child: goes on with the journal for ever, and prints the next free place after each acknowledgement. It also
/// takes what is in the inbox, as a coordinator does.
#[test]
#[ignore = "the child of a_kill_at_any_instant_loses_nothing_that_was_acknowledged, and no test"]
fn child() {
    let folder = Folder::at(std::env::var_os(FOLDER).expect("started by its parent"));
    let (mut journal, before) = Journal::resume(&folder, AT).expect("the journal is whole");
    let inbox = Inbox::open(&folder).expect("the inbox opens");
    let mut next = before.len() as u64;
    loop {
        let mut batch = entries(next, BATCH);
        let mut answers = Vec::new();
        for sent in inbox.pending().expect("the inbox reads") {
            let (seq, order) = (next + batch.len() as u64, sent.order.expect("an order of this version"));
            batch.push(Entry { seq, at: AT, event: Event::Ordered(order) });
            answers.push(Answer { id: sent.id, reply: Reply::Taken, text: String::new() });
        }
        journal.append_answering(&batch, &answers).expect("the batch is appended");
        next += batch.len() as u64;
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {next}").and_then(|()| out.flush()).expect("the parent listens");
    }
}

/// Lets a child append until it has told of `acks` batches and then a little longer, kills it, and returns what it told last.
fn killed_child(folder: &Path, acks: u64, longer: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().expect("a test has a program"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let mut told = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut ack =
        || told.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned));
    let mut last = None;
    for _ in 0..acks {
        last = Some(ack().expect("the child goes on until it is killed"));
    }
    let begin = Instant::now();
    while begin.elapsed() < longer {
        std::hint::spin_loop();
    }
    child.kill().expect("it lives");
    while let Some(later) = ack() {
        last = Some(later);
    }
    child.wait().expect("it is gone");
    last.expect("at least one batch").parse().expect("a number")
}

#[test]
fn a_kill_at_any_instant_loses_nothing_that_was_acknowledged() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::at(root.path());
    drop(Journal::create(&folder, &RunId::new("crash", AT, 1).unwrap(), AT).unwrap());
    let inbox = Inbox::open(&folder).unwrap();
    let (mut before, mut beyond) = (0, 0);
    for round in 0..16 {
        let mut seed = round;
        inbox.send(AT, &Order::Go).unwrap();
        let (acks, longer) = (1 + chance(&mut seed) % 12, Duration::from_micros(chance(&mut seed) % 2_000));
        let acknowledged = killed_child(root.path(), acks, longer);
        let reader = Reader::open(&folder).unwrap();
        let all: Vec<Entry> = reader.replay().unwrap().collect::<Result<_, _>>().unwrap();
        let count = all.len() as u64;
        assert!(acknowledged > before, "seed {round}: the child did nothing");
        assert!(count >= acknowledged, "seed {round}: {acknowledged} were acknowledged and {count} are there");
        assert!(count <= acknowledged + BATCH + 1, "seed {round}: one batch at most was on its way");
        let ordered = all.iter().filter(|entry| matches!(entry.event, Event::Ordered(_))).count() as u64;
        assert_eq!(ordered, round + 1, "seed {round}: each order is taken once");
        assert_eq!((count - ordered) % BATCH, 0, "seed {round}: a batch is there as a whole or not at all");
        beyond += u64::from(count > acknowledged);
        before = count;
    }
    println!("{before} entries; in {beyond} of 16 rounds a batch was written and not yet acknowledged");
    let (journal, all) = Journal::resume(&folder, AT).unwrap();
    assert_eq!((all.len() as u64, journal.epoch()), (before, 18));
}

#[test]
fn a_live_run_is_read_by_others_and_held_against_them() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::at(root.path());
    drop(Journal::create(&folder, &RunId::new("live", AT, 1).unwrap(), AT).unwrap());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(FOLDER, root.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let drain = |out: &mut std::process::ChildStdout| {
        let mut some = [0; 4096];
        out.read(&mut some).unwrap()
    };
    let reader = Reader::open(&folder).unwrap();
    let mut seen = 0;
    while seen < 40 * BATCH {
        // The child waits when nobody reads what it prints.
        assert!(drain(&mut out) > 0, "the child goes on");
        for entry in reader.since(seen).unwrap() {
            assert_eq!(entry.unwrap().seq, seen);
            seen += 1;
        }
    }
    match Journal::resume(&folder, AT) {
        Err(StartError::Held(LockError::Held(holder))) => assert_eq!(holder.pid, child.id()),
        other => panic!("two coordinators: {other:?}"),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    Journal::resume(&folder, AT).expect("the kernel gives a dead process's lock back");
}
