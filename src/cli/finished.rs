//! `tidegate execute` of a run that is done: it is told again as it was. Where nothing is other than when that was done last, byte for
//! byte, neither the documents nor the journal are gone through for it.

use super::{
    Stop,
    args::{Arguments, Execute},
    closing::{Again, Report, Told},
    execute::{Grounds, open_screen},
    exit::Exit,
    record, say,
    scene::{Scene, settings},
};
use crate::{
    board::{Board, rfc3339},
    handoff,
    journal::Folder,
    notes::{self, Topic},
    run::{Charter, Entry, Oid, Outcome, Run, Timestamp},
    views::{Folded, Live},
};
use serde::{Deserialize, Serialize};
use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

/// The file in a run's folder that has the last telling: what was said as one line of JSON, and below it what it came of.
const FILE: &str = "told";

/// A run that is done, as it was told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Telling {
    charter: Charter,
    tip: Oid,
    /// Time of the last entry.
    at: Timestamp,
    /// All tasks, and how many are behind it.
    tasks: (u32, u32),
    /// What was said of the documents before it.
    pub(super) warnings: String,
    /// What was found of the branch, and how it was asked: of another closing it is told anew.
    closing: String,
    told: Told,
}

impl Telling {
    /// What was told last, if it was under the same circumstances. Everything that could make it another telling is looked at, and
    /// not what became of it: with one byte changed the run is looked through as ever.
    pub(super) async fn last(
        (scene, wish): (&Scene, &Execute),
        topic: &Topic,
        folder: &Folder,
        journal: Option<Written>,
    ) -> Result<Option<Telling>, Stop> {
        let Ok(bytes) = std::fs::read(folder.path().join(FILE)) else { return Ok(None) };
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
        let Ok(telling) = serde_json::from_slice::<Telling>(&bytes[..end]) else { return Ok(None) };
        let charter = &telling.charter;
        let grounds = Grounds::of(scene, wish, charter.base, &charter.backend).await?;
        let now = circumstances((scene, wish), topic, (&grounds, charter, telling.at), journal);
        Ok((now.as_deref() == Some(&bytes[end + 1..])).then_some(telling))
    }

    /// Keeps it for the next time. It is no part of the run: without it the next telling takes longer, and no more.
    fn keep(&self, folder: &Folder, circumstances: &[u8]) {
        let kept = || {
            let mut bytes = serde_json::to_vec(self)?;
            bytes.push(b'\n');
            bytes.extend_from_slice(circumstances);
            let file = tempfile::Builder::new()
                .permissions(std::fs::Permissions::from_mode(0o600))
                .tempfile_in(folder.path())?;
            std::fs::write(file.path(), bytes)?;
            file.persist(folder.path().join(FILE)).map_err(|error| error.error)
        };
        if let Err(error) = kept() {
            tracing::debug!(%error, "what was told is not kept");
        }
    }
}

/// A run that is done, as its journal has it.
pub(super) struct Finished<'a> {
    pub(super) entries: &'a [Entry],
    pub(super) run: &'a Run,
    /// Of before its documents were read.
    pub(super) circumstances: Option<Vec<u8>>,
    /// What was said of its documents.
    pub(super) warnings: String,
}

/// Tells a run that is done as it was: nothing is recorded, and its time does not go on.
pub(super) async fn again(
    arguments: &Arguments,
    (scene, wish): (&Scene, &Execute),
    topic: &Topic,
    folder: &Folder,
    finished: Finished<'_>,
) -> Result<Exit, Stop> {
    let Finished { entries, run, circumstances, warnings } = finished;
    let (charter, at) = (run.charter().clone(), run.now());
    let board = Folded::default();
    board.replay(entries, &record::standings(run));
    let (tip, count) = board.with(|board| (board.tip(), board.tasks()));
    let told = Told { terminal: String::new(), markdown: String::new() };
    let tasks = (count.total, count.met());
    let telling = Telling { charter, tip, at, tasks, warnings, closing: String::new(), told };
    let telling = tell(arguments, (scene, wish), topic, folder, telling, || Ok(board)).await?;
    if let (Some(telling), Some(circumstances)) = (telling, circumstances) {
        telling.keep(folder, &circumstances);
    }
    Ok(Exit::Good)
}

/// The same of one that was told before: its journal is gone through only where its branch is found otherwise than then.
pub(super) async fn once_more(
    arguments: &Arguments,
    (scene, wish): (&Scene, &Execute),
    topic: &Topic,
    folder: &Folder,
    telling: Telling,
) -> Result<Exit, Stop> {
    let board = || {
        let entries = record::read(folder)?;
        let (board, run) = (Folded::default(), record::replay(&entries)?);
        board.replay(&entries, &record::standings(&run));
        Ok(board)
    };
    tell(arguments, (scene, wish), topic, folder, telling, board).await?;
    Ok(Exit::Good)
}

/// Tells it, and how it was told; nothing where nothing is begun. The board is asked for where it was not told like this before.
async fn tell(
    arguments: &Arguments,
    (scene, wish): (&Scene, &Execute),
    topic: &Topic,
    folder: &Folder,
    mut telling: Telling,
    board: impl FnOnce() -> Result<Folded, Stop>,
) -> Result<Option<Telling>, Stop> {
    let run = &telling.charter.run;
    if wish.dry_run {
        say(&format!("{}: done already, in run {run}; nothing is left to do\n", topic.slug))?;
        return Ok(None);
    }
    let again = Again::after(Some(Outcome::Done), &[], arguments, wish, scene, topic);
    let (end, at) = (handoff::End::Done, telling.at);
    let report = Report { scene, folder, topic, end, exit: Exit::Good, at, again };
    let result = report.result(&telling.charter, telling.tip).await;
    let closing = format!("{:?}", report.closing(&result));
    if closing != telling.closing {
        telling.told = board()?.with(|board: &Board| report.told(board, &result));
        telling.closing = closing;
    }
    let screen = open_screen(arguments, wish, scene, &Folded::default(), &Live::default());
    screen.finish(report.write(&telling.told, &result, (telling.tip, telling.tasks)));
    Ok(Some(telling))
}

/// All that a telling comes of beside what [`Report::result`] finds: the program, how it is asked, what the run goes by, its journal,
/// and its documents. None where one of these is not plain. To be asked before the documents are read: what is written meanwhile is
/// looked at next time.
pub(super) fn circumstances(
    (scene, wish): (&Scene, &Execute),
    topic: &Topic,
    (grounds, charter, at): (&Grounds, &Charter, Timestamp),
    journal: Option<Written>,
) -> Option<Vec<u8>> {
    let settings = settings(&grounds.config, &grounds.checks, charter.without_checks, &grounds.backend);
    let (zone, environment) = (&scene.environment.time_zone, &scene.environment);
    let program = (env!("CARGO_PKG_VERSION"), stamp(&environment.program)?);
    let asked = (wish.strict, scene.is_coloured, zone, rfc3339(at, zone));
    let mut all = format!("{program:?}\n{asked:?}\n{settings:?}\n{:?}\n", journal?).into_bytes();
    for (name, text) in notes::documents(topic)? {
        all.extend_from_slice(format!("{name} {:?}\n", text.as_ref().map(Vec::len)).as_bytes());
        all.extend(text.unwrap_or_default());
    }
    Some(all)
}

/// How a journal was written last: whoever writes to one leaves its log there, or has it taken into the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written(Stamp, Option<Stamp>);

impl Written {
    /// Of a run's journal; to be asked before it is read.
    pub(super) fn of(folder: &Folder) -> Option<Written> {
        let journal = folder.journal();
        let log = stamp(&journal.with_extension("db-wal")).filter(|&(_, size, ..)| size > 0);
        Some(Written(stamp(&journal)?, log))
    }
}

/// Number, size and last change of a file: another as soon as it is another file, or is written to.
type Stamp = (u64, u64, i64, i64);

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
}
