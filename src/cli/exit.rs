//! How the program ends: exit codes as in CONTRACTS.md, "Command line".

use std::process::ExitCode;

/// Why the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All gates passed; or what was asked for was done.
    Good,
    /// Ended, with control returned to the user: failed, blocked or held.
    Returned,
    /// Wrong usage, or documents whose content is faulty.
    Faulty,
    /// Prerequisites are missing.
    Missing,
    /// Stopped by a budget or a pause; can be resumed.
    Paused,
    /// Interrupted; can be resumed.
    Interrupted,
}

impl Exit {
    /// The number that the program ends with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Good => 0,
            Exit::Returned => 1,
            Exit::Faulty => 2,
            Exit::Missing => 3,
            Exit::Paused => 4,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
