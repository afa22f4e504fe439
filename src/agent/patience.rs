//! Patience: how long an agent may get nowhere.

use std::{future::pending, pin::Pin, time::Duration};
use tokio::time::{Sleep, sleep};

/// A clock that begins anew with each progress.
pub(super) struct Patience {
    idle: Option<Duration>,
    end: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// `None`: endless.
    pub(super) fn new(idle: Option<Duration>) -> Patience {
        let mut patience = Patience { idle, end: None };
        patience.renew();
        patience
    }

    /// There was progress.
    pub(super) fn renew(&mut self) {
        self.end = self.idle.map(|idle| Box::pin(sleep(idle)));
    }

    /// Ends when there was no progress for too long.
    pub(super) async fn over(&mut self) {
        match &mut self.end {
            Some(end) => end.await,
            None => pending().await,
        }
    }
}
