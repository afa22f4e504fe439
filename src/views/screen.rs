//! The door to whatever is shown: entries go in at once, printing is done by a thread that may be slow.

use super::{Fresh, Last, Render, Told, View};
use crate::{
    board::{Board, Standing},
    plan::NodeId,
    run::{Entry, Event, Timestamp},
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    thread::{self, Thread},
    time::Duration,
};

/// How many entries may wait to be printed.
const QUEUE: usize = 16_384;

/// How often time goes on for a view.
const TICK: Duration = Duration::from_millis(100);

/// How long the end waits for a reader that has stopped to read.
const PATIENCE: Duration = Duration::from_secs(2);

/// The board, folded and shared. Cheap to clone; clones share.
#[derive(Clone, Debug, Default)]
pub struct Folded(Arc<Mutex<Board>>);

impl Folded {
    /// Looks at the board. Whoever looks holds the run up: take what is needed, print it afterwards.
    pub fn with<R>(&self, look: impl FnOnce(&Board) -> R) -> R {
        look(&self.lock())
    }

    /// Takes in what happened before, silently: a replay. Where nodes stand after it is told once, at its end.
    pub fn replay<'a>(&self, entries: impl IntoIterator<Item = &'a Entry>, after: &[(NodeId, Standing)]) {
        let mut board = self.lock();
        for entry in entries {
            board.apply(entry, &[]);
        }
        board.stand(after);
    }

    /// Nobody executes the run any more, or yet (see [`Board::leave`]).
    pub fn leave(&self) {
        self.lock().leave();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Board> {
        // A panic in a reader leaves the board as it was: readers do not write.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Message {
    Told(Told),
    Note(String),
    Finish(Last),
}

/// What the supervisor tells, and what people see of it. Cheap to clone; clones share.
#[derive(Clone)]
pub struct Screen {
    board: Folded,
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
    render: Option<Render>,
    ended: Arc<Mutex<Receiver<()>>>,
    /// None where it could not be started.
    printer: Option<Thread>,
}

impl Screen {
    /// Shows a run in this way. `now` is asked for the time by the printing thread.
    pub fn open(
        board: Folded,
        view: Box<dyn View>,
        render: Option<Render>,
        now: impl Fn() -> Timestamp + Send + 'static,
    ) -> Screen {
        let (queue, messages) = sync_channel(QUEUE);
        let (end, ended) = sync_channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let losses = Arc::clone(&lost);
        let printing = move || {
            print(view, &messages, &losses, now);
            let _ = end.send(());
        };
        // Without a thread nothing is shown; the run goes on, and its documents are written.
        let printer = thread::Builder::new().name("views".into()).spawn(printing).ok();
        let printer = printer.map(|printer| printer.thread().clone());
        Screen { board, queue, lost, render, ended: Arc::new(Mutex::new(ended)), printer }
    }

    /// The board.
    pub fn board(&self) -> &Folded {
        &self.board
    }

    /// An entry is durable, and this is where nodes stand after it (see [`Board::apply`]). Never waits for a reader.
    pub fn tell(&self, entry: &Entry, after: &[(NodeId, Standing)]) {
        let told = {
            let mut board = self.board.lock();
            match self.render {
                None => Told { news: board.apply(entry, after), objects: Vec::new() },
                Some(render) => rendered(&mut board, entry, after, render),
            }
        };
        if !told.news.is_empty() || !told.objects.is_empty() {
            self.send(Message::Told(told));
        }
    }

    /// Something to say that no entry tells. Never waits for a reader.
    pub fn note(&self, text: impl Into<String>) {
        self.send(Message::Note(text.into()));
    }

    /// Ends the showing with the last word, and waits until it is printed, for a moment at most.
    pub fn finish(&self, last: Last) {
        let mut message = Message::Finish(last);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..20 {
            match self.queue.try_send(message) {
                Ok(()) => {
                    self.printer.iter().for_each(Thread::unpark);
                    let _ = ended.recv_timeout(PATIENCE);
                    return;
                }
                // Full: gives the printer a moment, by waiting for what comes only when it has ended.
                Err(TrySendError::Full(back)) => message = back,
                Err(TrySendError::Disconnected(_)) => return,
            }
            let _ = ended.recv_timeout(PATIENCE / 20);
        }
    }

    fn send(&self, message: Message) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(message) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn rendered(board: &mut Board, entry: &Entry, after: &[(NodeId, Standing)], render: Render) -> Told {
    let is_new = |(node, standing): &&(NodeId, Standing)| match board.plan().get(*node) {
        Some(_) => board.standing(*node) != standing,
        None => true,
    };
    let moved = after.iter().filter(is_new).cloned().collect();
    let ended = match &entry.event {
        Event::Ended { job, .. } => board.job(*job).cloned(),
        _ => None,
    };
    let news = board.apply(entry, after);
    Told { news, objects: render(&Fresh { board, entry, ended, moved }) }
}

/// Looks for what has come ten times a second, and is woken by the end alone: a wake for each entry would cost as much as the entry.
fn print(mut view: Box<dyn View>, messages: &Receiver<Message>, lost: &AtomicU64, now: impl Fn() -> Timestamp) {
    loop {
        let mut told = Told::default();
        loop {
            match messages.try_recv() {
                Ok(Message::Told(more)) => {
                    told.news.extend(more.news);
                    told.objects.extend(more.objects);
                }
                Ok(Message::Note(text)) => {
                    show(&mut *view, &mut told);
                    view.note(&text);
                }
                Ok(Message::Finish(last)) => {
                    show(&mut *view, &mut told);
                    tell_losses(&mut *view, lost);
                    return view.finish(&last);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    show(&mut *view, &mut told);
                    return view.finish(&Last::default());
                }
            }
        }
        show(&mut *view, &mut told);
        tell_losses(&mut *view, lost);
        view.tick(now());
        thread::park_timeout(TICK);
    }
}

/// What has come together goes out in one piece.
fn show(view: &mut dyn View, told: &mut Told) {
    let told = std::mem::take(told);
    if !told.news.is_empty() || !told.objects.is_empty() {
        view.entry(&told);
    }
}

fn tell_losses(view: &mut dyn View, lost: &AtomicU64) {
    match lost.swap(0, Ordering::Relaxed) {
        0 => {}
        lines => view.lost(lines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::sample;
    use std::sync::mpsc::{Sender, channel};

    /// Prints only when it is let.
    struct Slow {
        gate: Receiver<()>,
        seen: Sender<String>,
    }

    impl View for Slow {
        fn entry(&mut self, told: &Told) {
            let _ = self.gate.recv();
            let _ = self.seen.send(format!("{} news", told.news.len()));
        }
        fn tick(&mut self, _: Timestamp) {}
        fn note(&mut self, text: &str) {
            let _ = self.seen.send(text.to_owned());
        }
        fn finish(&mut self, last: &Last) {
            let _ = self.seen.send(format!("end: {}", last.text));
        }
    }

    fn slow() -> (Screen, Sender<()>, Receiver<String>) {
        let (open, gate) = channel();
        let (seen, shown) = channel();
        let screen = Screen::open(Folded::default(), Box::new(Slow { gate, seen }), None, || Timestamp(0));
        (screen, open, shown)
    }

    #[test]
    fn a_terminal_that_stands_still_loses_lines_and_never_the_board() {
        let (screen, open, shown) = slow();
        let t = sample::evening();
        for (entry, after) in &t.told {
            screen.tell(entry, after);
        }
        for _ in 0..QUEUE + 10 {
            screen.note("more");
        }
        assert_eq!(screen.board().with(|board| board.tasks().met()), 1, "the fold does not wait");
        drop(open);
        screen.finish(Last { text: "over".into(), ..Last::default() });
        let shown: Vec<String> = shown.into_iter().collect();
        assert!(shown.iter().any(|line| line.contains("were left out")));
        assert_eq!(shown.last().map(String::as_str), Some("end: over"));
    }

    #[test]
    fn an_end_without_a_word_still_clears_the_screen() {
        let (screen, open, shown) = slow();
        drop((screen, open));
        assert_eq!(shown.recv().as_deref(), Ok("end: "));
    }
}
