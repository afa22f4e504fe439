//! The hash chain over a journal's rows. Finds what was torn or edited; it is no seal against somebody who means harm.

use super::row::Row;

/// FNV-1a over everything from the run's name to the row that carries it. Stable over releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain(u64);

impl Chain {
    /// Before the first row: says which run it is, so that rows of another run do not fit.
    pub(super) fn anchor(run: &str) -> Chain {
        Chain(0xcbf2_9ce4_8422_2325).feed(run.as_bytes())
    }

    /// As it is stored. SQLite's integers are signed.
    pub(super) fn stored(self) -> i64 {
        self.0.cast_signed()
    }

    /// As it was stored.
    pub(super) fn of_stored(stored: i64) -> Chain {
        Chain(stored.cast_unsigned())
    }

    /// After one more row. Lengths are fed before texts, so that no two rows read the same.
    pub(super) fn with(self, row: &Row) -> Chain {
        let job = row.job.map_or([0; 9], |job| {
            let mut bytes = [1; 9];
            bytes[1..].copy_from_slice(&job.to_be_bytes());
            bytes
        });
        self.feed(&row.seq.to_be_bytes())
            .feed(&row.epoch.to_be_bytes())
            .feed(&row.at_ms.to_be_bytes())
            .feed(&job)
            .feed(&(row.kind.len() as u64).to_be_bytes())
            .feed(row.kind.as_bytes())
            .feed(&(row.body.len() as u64).to_be_bytes())
            .feed(row.body.as_bytes())
    }

    fn feed(self, bytes: &[u8]) -> Chain {
        Chain(bytes.iter().fold(self.0, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }
}
