//! Errors as people read them: with what caused them.

use std::error::Error;

/// What an error says, and all its causes behind it: an error by itself may say what went wrong and leave out why.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let why = cause.to_string();
        // Some say their cause themselves.
        if !text.ends_with(&why) {
            text = format!("{text}: {why}");
        }
        source = cause.source();
    }
    text
}
