//! The terminal that bars are drawn on. Each row ends where its text ends, so that a resize finds rows and no endless line.

use indicatif::TermLike;
use std::{
    fmt::{self, Write as _},
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Rows and columns of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) height: u16,
    pub(super) width: u16,
}

/// Stands before a line that is logged above the drawing: it stays when that is drawn again. No terminal shows it.
pub(super) const LOGGED: &str = "\x1b[m";

/// A terminal for indicatif, which fills each row up to the edge and lets the next one begin by itself: what is filled
/// is cleared here instead, and rows are parted by line ends. Cheap to clone; clones share.
#[derive(Clone)]
pub(super) struct Terminal(Arc<Mutex<Desk>>);

struct Desk {
    out: Box<dyn Write + Send>,
    size: Box<dyn Fn() -> Size + Send>,
    /// What is written when it is shown, all at once.
    draft: String,
    /// How far each row of the drawing reaches, without what was logged above it; and the width it was drawn for.
    rows: Vec<usize>,
    drawn_for: usize,
    /// A row has its text, and its filling is next.
    is_open: bool,
    /// A row is complete, and the cursor still on it.
    is_ended: bool,
}

impl Terminal {
    pub(super) fn new(out: Box<dyn Write + Send>, size: Box<dyn Fn() -> Size + Send>) -> Terminal {
        let (draft, rows) = (String::new(), Vec::new());
        Terminal(Arc::new(Mutex::new(Desk { out, size, draft, rows, drawn_for: 0, is_open: false, is_ended: false })))
    }

    pub(super) fn size(&self) -> Size {
        (self.desk().size)()
    }

    /// A terminal that became narrower has broken the rows of the last drawing into more than were drawn: clears them all,
    /// and leaves the cursor on the last of as many as were drawn.
    pub(super) fn mend(&self) {
        let mut desk = self.desk();
        let width = usize::from((desk.size)().width).max(1);
        let was = std::mem::replace(&mut desk.drawn_for, width);
        if width >= was || desk.rows.is_empty() {
            return;
        }
        let broken: usize = desk.rows.iter().map(|columns| (*columns).max(1).div_ceil(width)).sum();
        if broken > 1 {
            let _ = write!(desk.draft, "\x1b[{}A", broken - 1);
        }
        desk.draft.push_str("\r\x1b[J");
        let drawn = desk.rows.len();
        desk.draft.push_str(&"\r\n".repeat(drawn - 1));
        desk.rows = vec![0; drawn];
        desk.is_ended = false;
        // A terminal that is gone has nobody before it.
        let _ = desk.flush();
    }

    /// Shows what was drawn since it was last shown: one frame is one write.
    pub(super) fn show(&self) {
        // A terminal that is gone has nobody before it.
        let _ = self.desk().flush();
    }

    /// Puts the cursor at the start of a free row.
    pub(super) fn leave(&self) {
        let mut desk = self.desk();
        if std::mem::take(&mut desk.is_ended) {
            desk.draft.push_str("\r\n");
        }
        let _ = desk.flush();
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn move_by(&self, count: usize, direction: char) {
        if count > 0 {
            let mut desk = self.desk();
            desk.is_ended = false;
            let _ = write!(desk.draft, "\x1b[{count}{direction}");
        }
    }
}

impl Desk {
    fn flush(&mut self) -> io::Result<()> {
        let draft = std::mem::take(&mut self.draft);
        if draft.is_empty() {
            return Ok(());
        }
        self.out.write_all(draft.as_bytes()).and_then(|()| self.out.flush())
    }
}

/// Characters that are seen: colours are not.
fn columns(text: &str) -> usize {
    let (mut count, mut in_sequence) = (0, false);
    for c in text.chars() {
        match (in_sequence, c) {
            (true, 'm') => in_sequence = false,
            (true, _) => {}
            (false, '\x1b') => in_sequence = true,
            (false, _) => count += 1,
        }
    }
    count
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Terminal")
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.size().width
    }

    fn height(&self) -> u16 {
        self.size().height
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_by(n, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_by(n, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_by(n, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_by(n, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        let mut desk = self.desk();
        (desk.is_open, desk.is_ended) = (false, false);
        desk.draft.push_str(text);
        desk.draft.push_str("\r\n");
        Ok(())
    }

    /// A row's text, then its filling, in turns.
    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut desk = self.desk();
        if text == "\r" {
            desk.is_ended = false;
            desk.draft.push('\r');
        } else if std::mem::take(&mut desk.is_open) {
            // On a row that is full the cursor stands on the last character: clearing would take it away.
            desk.draft.push_str(if text.is_empty() { "" } else { "\x1b[K" });
            desk.is_ended = true;
        } else {
            if std::mem::take(&mut desk.is_ended) {
                desk.draft.push_str("\r\n");
            }
            match text.strip_prefix(LOGGED) {
                Some(logged) => desk.draft.push_str(logged),
                None => {
                    desk.draft.push_str(text);
                    desk.rows.push(columns(text));
                    desk.drawn_for = (desk.size)().width.into();
                }
            }
            desk.is_open = true;
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        let mut desk = self.desk();
        desk.is_ended = false;
        desk.rows.clear();
        desk.draft.push_str("\r\x1b[2K");
        Ok(())
    }

    /// Nothing: [`Terminal::show`] does it, when the frame is whole.
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What was written, kept.
    #[derive(Clone, Default)]
    pub(crate) struct Wire(Arc<Mutex<Vec<u8>>>);

    impl Wire {
        pub(crate) fn taken(&self) -> String {
            String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn terminal(wire: &Wire) -> Terminal {
        Terminal::new(Box::new(wire.clone()), Box::new(|| Size { height: 10, width: 8 }))
    }

    #[test]
    fn rows_are_parted_by_line_ends_and_end_with_their_text() {
        let wire = Wire::default();
        let terminal = terminal(&wire);
        for text in ["one", "     ", "fullfull", "", "", "        "] {
            terminal.write_str(text).unwrap();
        }
        terminal.show();
        assert_eq!(wire.taken(), "one\x1b[K\r\nfullfull\r\n\x1b[K");
        terminal.leave();
        terminal.leave();
        assert_eq!(wire.taken(), "\r\n", "only where a row is ended");
    }

    #[test]
    fn a_row_that_is_drawn_again_is_drawn_in_its_place() {
        let wire = Wire::default();
        let terminal = terminal(&wire);
        terminal.write_str("one").unwrap();
        terminal.write_str("     ").unwrap();
        terminal.move_cursor_up(0).unwrap();
        terminal.clear_line().unwrap();
        terminal.write_str("two").unwrap();
        terminal.show();
        assert_eq!(wire.taken(), "one\x1b[K\r\x1b[2Ktwo");
    }

    #[test]
    fn rows_that_a_resize_broke_are_cleared_whole_and_what_was_logged_is_not() {
        let (wire, width) = (Wire::default(), Arc::new(Mutex::new(20)));
        let asked = Arc::clone(&width);
        let size = move || Size { height: 10, width: *asked.lock().unwrap() };
        let terminal = Terminal::new(Box::new(wire.clone()), Box::new(size));
        let logged = format!("{LOGGED}logged");
        for text in [logged.as_str(), " ", "\x1b[1mtwelve\x1b[0m wide", " ", "short", " "] {
            terminal.write_str(text).unwrap();
        }
        terminal.mend();
        terminal.show();
        assert_eq!(wire.taken(), "logged\x1b[K\r\n\x1b[1mtwelve\x1b[0m wide\x1b[K\r\nshort\x1b[K");
        *width.lock().unwrap() = 5;
        terminal.mend();
        terminal.mend();
        assert_eq!(wire.taken(), "\x1b[3A\r\x1b[J\r\n", "eleven columns became three rows, and five stayed one");
    }
}
