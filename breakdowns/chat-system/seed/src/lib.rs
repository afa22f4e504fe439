//! The heart of a small chat server: no network, no dependencies, and no clock of its own.

// Each module is declared under the line that says what it is for.

// store: what was said, in which room, by whom, in which order.

// people: who there is, and whose words a message is.

// view: what one session sees of one room.

// auth: who may open a session, and for how long.

// pubsub: how a message reaches everybody in its room.

// live: all of the above as one chat, saved first and then told.

// presence: who is in a room, and who has only left a window open.

// history: what was said before one came, a page at a time.

// What the modules share.

/// Somebody who can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u32);

/// A place to speak in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u32);

/// A point in time: seconds from a start that the caller chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// Seconds that have gone by since `earlier`; none, if that is yet to come.
    #[must_use]
    pub fn since(self, earlier: Moment) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn time_that_has_not_come_is_no_time_ago() {
        assert_eq!(Moment(90).since(Moment(60)), 30);
        assert_eq!(Moment(60).since(Moment(90)), 0);
    }
}
