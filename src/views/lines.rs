//! Off a terminal, or with `--plain`: one stable line a change. Time, stream, task or gate, and what happened.

use super::{Last, Told, View};
use crate::{
    board::{News, Tone, clock},
    run::Timestamp,
    text::block,
};
use jiff::tz::TimeZone;
use std::io::Write;

/// Lines for a file, a pipe or a plain terminal.
pub struct Lines {
    out: Box<dyn Write + Send>,
    zone: TimeZone,
    is_quiet: bool,
    /// Whoever read has gone; nothing more is written.
    is_closed: bool,
}

impl Lines {
    /// Writes to `out`, with times of this zone.
    pub fn new(out: Box<dyn Write + Send>, zone: TimeZone) -> Lines {
        Lines { out, zone, is_quiet: false, is_closed: false }
    }

    /// Leaves out the running account (`-q`): notes and the end stay.
    #[must_use]
    pub fn quiet(self, is_quiet: bool) -> Lines {
        Lines { is_quiet, ..self }
    }

    fn write(&mut self, text: &str) {
        if !self.is_closed {
            self.is_closed = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).is_err();
        }
    }
}

/// `20:03:11 C    5      sent back by verify: ...`: the columns stay where they are.
pub(super) fn line_of(news: &News, zone: &TimeZone) -> String {
    let mark = match news.tone {
        Tone::Quiet | Tone::Plain => ' ',
        Tone::Good => '+',
        Tone::Bad => '!',
        Tone::Yours => '?',
    };
    let (at, stream, label) = (clock(news.at, zone), &news.stream, &news.label);
    format!("{at} {mark} {stream:<2} {label:<6} {}", news.text)
}

impl View for Lines {
    fn entry(&mut self, told: &Told) {
        let mut text = String::new();
        for news in told.news.iter().filter(|_| !self.is_quiet) {
            text.push_str(&line_of(news, &self.zone));
            text.push('\n');
        }
        self.write(&text);
    }

    fn tick(&mut self, _: Timestamp) {}

    fn note(&mut self, text: &str) {
        self.write(&format!("{}\n", block(text, 200, 2_000)));
    }

    fn finish(&mut self, last: &Last) {
        self.write(&last.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        board::{Board, sample},
        views::terminal::tests::Wire,
    };
    use std::io;

    struct ClosedPipe;

    impl Write for ClosedPipe {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn show(lines: &mut Lines) {
        let mut board = Board::default();
        for (entry, after) in &sample::evening().told {
            lines.entry(&Told { news: board.apply(entry, after), objects: vec![] });
        }
        lines.note("a log line\x1b[2J with a bell\x07");
        lines.finish(&Last { text: "the end\n".into(), ..Last::default() });
    }

    #[test]
    fn an_evening_in_lines() {
        let wire = Wire::default();
        show(&mut Lines::new(Box::new(wire.clone()), TimeZone::UTC));
        let text = wire.taken();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn who_asks_for_quiet_hears_notes_and_the_end_alone() {
        let wire = Wire::default();
        show(&mut Lines::new(Box::new(wire.clone()), TimeZone::UTC).quiet(true));
        let text = wire.taken();
        assert_eq!(text, "a log line with a bell\nthe end\n");
    }

    #[test]
    fn a_closed_pipe_is_no_panic() {
        let mut lines = Lines::new(Box::new(ClosedPipe), TimeZone::UTC);
        show(&mut lines);
        assert!(lines.is_closed);
    }
}
