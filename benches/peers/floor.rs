//! The floor of P2: a bare loop over the DAG, programs under our wardens, one synced transaction for all that arrived together. Nothing
//! else: no plan, no gates, no views, no documents.

use crate::{Trouble, scratch::TIDEGATE};
use rusqlite::Connection;
use std::{collections::VecDeque, fs, path::Path, sync::Arc, time::Duration};
use tidegate::process::{Ask, Exit, Launch, Limits, Line, Program, Wardens};
use tokio::{runtime::Builder, sync::mpsc};

/// Runs the DAG of `dag.tsv` in a folder, `jobs` at a time.
pub(crate) fn run(dir: &Path, jobs: u32) -> Result<(), Trouble> {
    let dir = dir.canonicalize()?;
    let before = read(&fs::read_to_string(dir.join("dag.tsv"))?)?;
    let journal = Connection::open(dir.join("floor.sqlite"))?;
    journal.pragma_update(None, "journal_mode", "WAL")?;
    journal.pragma_update(None, "synchronous", "FULL")?;
    // As ours: a floor that syncs a growing file would flatter us.
    journal.pragma_update(None, "wal_autocheckpoint", 128)?;
    journal.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, task INTEGER, event TEXT)", [])?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(follow(&dir, jobs as usize, &before, &journal))
}

/// Those before each task, in the order of the file.
fn read(text: &str) -> Result<Vec<Vec<usize>>, Trouble> {
    let line = |line: &str| -> Result<Vec<usize>, Trouble> {
        let (_, before) = line.split_once('\t').ok_or("a line without a tab")?;
        Ok(before.split(',').filter(|number| !number.is_empty()).map(str::parse).collect::<Result<_, _>>()?)
    };
    text.lines().map(line).collect()
}

async fn follow(dir: &Path, jobs: usize, before: &[Vec<usize>], journal: &Connection) -> Result<(), Trouble> {
    let mut after = vec![Vec::new(); before.len()];
    for (task, needs) in before.iter().enumerate() {
        needs.iter().for_each(|&need| after[need].push(task));
    }
    let mut missing: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut ready: VecDeque<usize> = (0..before.len()).filter(|&task| missing[task] == 0).collect();
    let wardens = Arc::new(Wardens::new(TIDEGATE.into(), jobs)?);
    let (told, mut ends) = mpsc::unbounded_channel::<(usize, Exit)>();
    let (mut running, mut done) = (0, 0);
    let mut arrived = Vec::new();
    while done < before.len() {
        let began: Vec<usize> = ready.drain(..ready.len().min(jobs - running)).collect();
        write(journal, &arrived, &began)?;
        running += began.len();
        for task in began {
            let (wardens, told, program) = (Arc::clone(&wardens), told.clone(), program(dir));
            tokio::spawn(async move {
                let exit = wardens.launch(program, Line::default()).await;
                // The other end is there until all have ended.
                let _ = told.send((task, exit));
            });
        }
        arrived.clear();
        ends.recv_many(&mut arrived, jobs).await;
        for (task, exit) in &arrived {
            if !exit.is_success() {
                return Err(format!("task {task} ended {:?}", exit.how).into());
            }
            for &next in &after[*task] {
                missing[next] -= 1;
                if missing[next] == 0 {
                    ready.push_back(next);
                }
            }
        }
        running -= arrived.len();
        done += arrived.len();
    }
    write(journal, &arrived, &[])?;
    wardens.shutdown().await;
    Ok(())
}

/// One transaction, and so one sync.
fn write(journal: &Connection, ended: &[(usize, Exit)], began: &[usize]) -> Result<(), Trouble> {
    let entries = journal.unchecked_transaction()?;
    {
        let mut insert = entries.prepare_cached("INSERT INTO entry (task, event) VALUES (?1, ?2)")?;
        for (task, exit) in ended {
            insert.execute((*task as i64, serde_json::to_string(exit)?))?;
        }
        for task in began {
            insert.execute((*task as i64, "started"))?;
        }
    }
    Ok(entries.commit()?)
}

fn program(dir: &Path) -> Program {
    Program {
        argv: ["sh", "-c", "/bin/true"].map(Into::into).to_vec(),
        cwd: dir.into(),
        env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
        stdin: None,
        stdout: "/dev/null".into(),
        stderr: None,
        limits: Limits {
            total: Duration::from_secs(600),
            idle: None,
            grace: Duration::from_secs(1),
            output_bytes: 1 << 20,
        },
        confines: None,
        ask: Ask::Term,
        secrets: Vec::new(),
    }
}
