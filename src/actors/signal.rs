//! Signals: the first ^C drains, the second stops; SIGTERM stops at once. A closed terminal stops nothing.

use super::supervisor::Message;
use ractor::ActorRef;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a run heeds. From the moment this is made none of them ends the process.
pub(super) struct Signals {
    interrupts: Signal,
    terminations: Signal,
    hangups: Signal,
}

impl Signals {
    /// Hears them.
    pub(super) fn hear() -> io::Result<Signals> {
        Ok(Signals {
            interrupts: signal(SignalKind::interrupt())?,
            terminations: signal(SignalKind::terminate())?,
            hangups: signal(SignalKind::hangup())?,
        })
    }

    /// Passes them on to the supervisor for as long as it is there.
    pub(super) async fn pass_on(mut self, supervisor: ActorRef<Message>) {
        let mut is_draining = false;
        loop {
            let message = tokio::select! {
                () = next(&mut self.interrupts) => {
                    let second = std::mem::replace(&mut is_draining, true);
                    if second { Message::Halt } else { Message::Drain }
                }
                () = next(&mut self.terminations) => Message::Halt,
                () = next(&mut self.hangups) => continue,
            };
            if supervisor.cast(message).is_err() {
                return;
            }
        }
    }
}

/// A signal stream never ends while its runtime lives.
async fn next(signals: &mut Signal) {
    if signals.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
