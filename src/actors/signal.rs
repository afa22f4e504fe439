//! Signals: the first ^C drains, the second stops; SIGTERM stops at once. A closed terminal stops nothing.

use super::supervisor::Message;
use ractor::ActorRef;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Passes signals on to the supervisor for as long as it is there.
pub(super) async fn listen(supervisor: ActorRef<Message>) -> std::io::Result<()> {
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let mut hangups = signal(SignalKind::hangup())?;
    let mut is_draining = false;
    loop {
        let message = tokio::select! {
            () = next(&mut interrupts) => {
                let second = std::mem::replace(&mut is_draining, true);
                if second { Message::Halt } else { Message::Drain }
            }
            () = next(&mut terminations) => Message::Halt,
            () = next(&mut hangups) => continue,
        };
        if supervisor.cast(message).is_err() {
            return Ok(());
        }
    }
}

/// A signal stream never ends while its runtime lives.
async fn next(signals: &mut Signal) {
    if signals.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
