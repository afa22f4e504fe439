//! The wardens of this coordinator: a pool that gives each program a warden of its own until it has ended.

use super::{
    Exit, How, Launch, Line, Program, Sandbox, Tier, WARDEN, tree,
    wire::{Order, Report, Sheet},
};
use std::{
    any::Any,
    collections::BTreeSet,
    fs::File,
    future::Future,
    io,
    path::PathBuf,
    pin::Pin,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// A warden that is this much later than its program's limits allow is lost.
const SLACK: Duration = Duration::from_secs(15);
/// A warden that ended before it was ready is started again, this often in all: a ^C at the terminal may have reached it.
const STARTS: u32 = 3;

/// The wardens that live in this process, of all pools. Held while one is started, so that none is taken for an orphan meanwhile.
static LIVING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Wardens: each is started when it is first needed, kept, and replaced when it died.
///
/// Making one makes this process a child subreaper: what a lost warden leaves comes to us, and is ended. Dropping it ends
/// everything too, but nobody waits for that; [`Wardens::shutdown`] does.
#[derive(Debug)]
pub struct Wardens {
    exe: PathBuf,
    count: u32,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Warden>>,
    closing: CancellationToken,
    held: Option<File>,
    sandbox: Sandbox,
}

impl Wardens {
    /// `count` programs at a time, under wardens that are `exe` with the hidden argument [`WARDEN`]. In life `exe` is
    /// `/proc/self/exe`, which stays ours even when the file was replaced since.
    ///
    /// # Errors
    /// When this process cannot become a child subreaper.
    pub fn new(exe: PathBuf, count: usize) -> io::Result<Wardens> {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX).min(4096);
        let (idle, closing) = (Mutex::default(), CancellationToken::new());
        Ok(Wardens {
            exe,
            count,
            places: Arc::new(Semaphore::new(count as usize)),
            idle,
            closing,
            held: None,
            sandbox: Sandbox::none(),
        })
    }

    /// The same, with a file that every warden holds open, and nothing that it starts: a lock on it is free only when the last of them
    /// has ended what it ran, however this process came to its end.
    #[must_use]
    pub fn holding(self, file: File) -> Wardens {
        Wardens { held: Some(file), ..self }
    }

    /// The same, with programs that are confined put into this sandbox. Without one, or in tier none, they run as they are.
    #[must_use]
    pub fn confined_by(self, sandbox: Sandbox) -> Wardens {
        Wardens { sandbox, ..self }
    }

    /// Ends whatever runs, and every warden; the answer comes when all are gone. What is launched after it is `Stopped` at once.
    pub async fn shutdown(&self) {
        self.closing.cancel();
        // Every place is free when no program runs any more.
        let _all = self.places.acquire_many(self.count).await;
        let idle = std::mem::take(&mut *lock(&self.idle));
        // All of them let go before one is waited for, and one look at what they left is enough.
        let ending: Vec<Ending> = idle.into_iter().map(Warden::let_go).collect();
        for warden in ending {
            warden.end().await;
        }
        end_orphans().await;
    }

    async fn run(&self, program: Program, line: Line) -> Exit {
        let stopped = Exit { how: How::Stopped, ms: 0, leaked: 0 };
        let place = tokio::select! {
            biased;
            () = line.stop.cancelled() => return stopped,
            () = self.closing.cancelled() => return stopped,
            place = Arc::clone(&self.places).acquire_owned() => place,
        };
        let Ok(place) = place else { return stopped };
        let limits = program.limits;
        let is_walled = program.confines.is_some() && self.sandbox.tier() != Tier::None;
        let program = match self.sandbox.around(program) {
            Ok(program) => program,
            Err(why) => return Exit { how: How::NotStarted(why), ms: 0, leaked: 0 },
        };
        let order = Order::Run(Box::new(Sheet::from(program)));
        let mut busy = Busy { warden: None, kept: Some((place, line.hold.clone())) };
        let (mut starts, mut leaked) = (0, 0);
        loop {
            let kept = lock(&self.idle).pop();
            let is_new = kept.is_none();
            let warden = match kept.map_or_else(|| Warden::start(&self.exe, self.held.as_ref()), Ok) {
                Ok(warden) => busy.warden.insert(warden),
                Err(error) => return Exit { how: How::NotStarted(format!("no warden: {error}")), ms: 0, leaked },
            };
            if (!is_new || warden.is_ready().await) && warden.tell(&order).await.is_ok() {
                break;
            }
            // It died while it had nothing to do. An order that was not heard to its end was not begun.
            leaked += busy.lose().await;
            starts += u32::from(is_new);
            if starts == STARTS {
                return Exit { how: How::WardenLost, ms: 0, leaked };
            }
        }
        let started = Instant::now();
        let end = match &mut busy.warden {
            Some(warden) => warden.follow(&line, &self.closing, limits.total, limits.grace).await,
            None => None,
        };
        let Some(exit) = end else {
            let leaked = busy.lose().await;
            let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            return Exit { how: How::WardenLost, ms, leaked };
        };
        if let Some(warden) = busy.warden.take() {
            lock(&self.idle).push(warden);
        }
        if is_walled { unwalled(exit) } else { exit }
    }
}

impl Launch for Wardens {
    fn launch(&self, program: Program, line: Line) -> Pin<Box<dyn Future<Output = Exit> + Send + '_>> {
        Box::pin(self.run(program, line))
    }
}

/// How a program in a sandbox ended, which tells a signal as shells do. One that exits with such a code itself is taken for a shell that
/// tells of a signal, too; so only those count that end programs in practice: others are codes that programs choose (Gemini CLI's are
/// statuses of HTTP, modulo 256).
fn unwalled(exit: Exit) -> Exit {
    const SIGNALS: std::ops::RangeInclusive<i32> = 1..=15;
    match exit.how {
        How::Code(code) if SIGNALS.contains(&(code - 128)) => Exit { how: How::Signal(code - 128), ..exit },
        _ => exit,
    }
}

/// A warden with a program, its place in the pool, and what its line holds. Dropped, it ends the program and gives these back when
/// all is gone.
struct Busy {
    warden: Option<Warden>,
    kept: Option<(OwnedSemaphorePermit, Option<Arc<dyn Any + Send + Sync>>)>,
}

impl Busy {
    /// Ends a warden that no longer answers, and what it left behind.
    async fn lose(&mut self) -> u32 {
        let Some(warden) = self.warden.take() else { return 0 };
        warden.kill().await
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let (Some(warden), kept) = (self.warden.take(), self.kept.take()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                warden.retire().await;
                drop(kept);
            });
        }
    }
}

/// One warden.
#[derive(Debug)]
struct Warden {
    pid: i32,
    child: Child,
    orders: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
}

impl Warden {
    fn start(exe: &PathBuf, held: Option<&File>) -> io::Result<Warden> {
        let mut living = lock(&LIVING);
        let mut command = Command::new(exe);
        command.arg(WARDEN).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // In place of its errors, of which it has none: a program that it runs gets streams of its own.
        command.stderr(match held {
            Some(file) => Stdio::from(file.try_clone()?),
            None => Stdio::null(),
        });
        let mut child = command.spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let (Some(pid), Some(orders), Some(out)) = (pid, child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("it has no pipes"));
        };
        living.insert(pid);
        Ok(Warden { pid, child, orders, reports: BufReader::new(out).lines() })
    }

    /// Whether it came so far that it can be told something.
    async fn is_ready(&mut self) -> bool {
        let first = timeout(SLACK, self.reports.next_line()).await;
        matches!(first, Ok(Ok(Some(line))) if matches!(serde_json::from_str(&line), Ok(Report::Ready)))
    }

    async fn tell(&mut self, order: &Order) -> io::Result<()> {
        let mut text = serde_json::to_vec(order)?;
        text.push(b'\n');
        self.orders.write_all(&text).await
    }

    /// Listens until the program has ended. None: the warden is lost.
    async fn follow(
        &mut self,
        line: &Line,
        closing: &CancellationToken,
        total: Duration,
        grace: Duration,
    ) -> Option<Exit> {
        let far = Duration::from_secs(10 * 366 * 24 * 3600);
        let now = tokio::time::Instant::now();
        let mut lost = now + total.min(far).saturating_add(grace.min(far)) + SLACK;
        let mut is_told = false;
        loop {
            tokio::select! {
                report = self.reports.next_line() => match serde_json::from_str(&report.ok()??).ok()? {
                    Report::Grew(length) => {
                        if let Some(grew) = &line.grew {
                            grew.send_replace(length);
                        }
                    }
                    Report::Ended(exit) => return Some(exit),
                    Report::Ready => return None,
                },
                () = stop(line, closing), if !is_told => {
                    is_told = true;
                    lost = lost.min(tokio::time::Instant::now() + grace.min(far) + SLACK);
                    self.tell(&Order::Stop).await.ok()?;
                }
                () = tokio::time::sleep_until(lost) => return None,
            }
        }
    }

    /// Lets go of its lifeline, and waits until it has ended everything and itself.
    async fn retire(self) {
        self.let_go().end().await;
        end_orphans().await;
    }

    /// Lets go of its lifeline.
    fn let_go(self) -> Ending {
        Ending { pid: self.pid, child: self.child }
    }

    /// Ends it at once, then what it left. How many that were.
    async fn kill(mut self) -> u32 {
        let _ = self.child.kill().await;
        lock(&LIVING).remove(&self.pid);
        end_orphans().await
    }
}

/// A warden without its lifeline.
struct Ending {
    pid: i32,
    child: Child,
}

impl Ending {
    /// Waits until it has ended everything and itself.
    async fn end(mut self) {
        if timeout(SLACK, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
        lock(&LIVING).remove(&self.pid);
    }
}

async fn stop(line: &Line, closing: &CancellationToken) {
    tokio::select! {
        () = line.stop.cancelled() => {}
        () = closing.cancelled() => {}
    }
}

/// Ends what came to us when wardens died.
async fn end_orphans() -> u32 {
    let sweep = || tree::end_orphans(&lock(&LIVING));
    match tokio::task::spawn_blocking(sweep).await {
        Ok(ended) => ended,
        Err(error) => error.try_into_panic().map_or(0, |panic| std::panic::resume_unwind(panic)),
    }
}

/// What a panic left behind is whole: every change under these locks is one call.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
