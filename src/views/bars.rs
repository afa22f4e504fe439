//! On a terminal: an overall bar, a bar a stream and a line a running job, with log lines above them. The home of indicatif.

use super::{
    Folded, Last, Live, Told, View,
    lines::line_of,
    rows::{Kind, Row, rows},
    terminal::{LOGGED, Size, Terminal},
};
use crate::{board::Tone, run::Timestamp, text::block};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use std::io::{self, Write};

/// What indicatif may draw by itself in a second, when a bar is touched: as little as there is. A frame is drawn once a tick, when all
/// bars say what they have to.
const HERTZ: u8 = 1;

/// Bars at the foot of a terminal, on stderr: stdout stays free for results.
pub struct Bars {
    board: Folded,
    live: Live,
    zone: TimeZone,
    is_coloured: bool,
    /// Where the last word goes.
    out: Box<dyn Write + Send>,
    size: Box<dyn Fn() -> Size + Send>,
    multi: MultiProgress,
    slots: Vec<Slot>,
    /// Lines that go above the bars with the next frame.
    lines: Vec<String>,
    /// The terminal itself, where a resize is mended.
    terminal: Option<Terminal>,
}

/// One line of the drawing, and what is on it now.
struct Slot {
    bar: ProgressBar,
    row: Option<Row>,
    width: u16,
}

impl Bars {
    /// Bars on stderr; `None` where that is no terminal, or one that cannot move its cursor: then lines are the view.
    /// `out` takes the last word.
    pub fn on_stderr(board: Folded, live: Live, zone: TimeZone, out: Box<dyn Write + Send>) -> Option<Bars> {
        if ProgressDrawTarget::stderr().is_hidden() {
            return None;
        }
        let terminal = Terminal::new(Box::new(io::stderr()), Box::new(size_of_stderr));
        Some(Bars::on_terminal(terminal, board, live, zone, out))
    }

    fn on_terminal(terminal: Terminal, board: Folded, live: Live, zone: TimeZone, out: Box<dyn Write + Send>) -> Bars {
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), HERTZ);
        let asked = terminal.clone();
        let bars = Bars::on(target, Box::new(move || asked.size()), board, live, zone, out);
        Bars { terminal: Some(terminal), ..bars }
    }

    fn on(
        target: ProgressDrawTarget,
        size: Box<dyn Fn() -> Size + Send>,
        board: Folded,
        live: Live,
        zone: TimeZone,
        out: Box<dyn Write + Send>,
    ) -> Bars {
        let multi = MultiProgress::with_draw_target(target);
        let (slots, lines, terminal) = (Vec::new(), Vec::new(), None);
        Bars { board, live, zone, is_coloured: false, out, size, multi, slots, lines, terminal }
    }

    /// With colours.
    #[must_use]
    pub fn coloured(self, is_coloured: bool) -> Bars {
        Bars { is_coloured, ..self }
    }

    /// One frame: the lines that wait, and the bars below them.
    fn draw(&mut self, rows: Vec<Row>, width: u16) {
        let mut is_new = self.slots.len() > rows.len();
        for slot in self.slots.drain(rows.len().min(self.slots.len())..) {
            self.multi.remove(&slot.bar);
        }
        for (at, row) in rows.into_iter().enumerate() {
            if self.slots.len() == at {
                let bar = self.multi.add(ProgressBar::new(0));
                self.slots.push(Slot { bar, row: None, width });
            }
            is_new |= self.slots[at].show(row, width, self.is_coloured);
        }
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            let rows = lines.iter().flat_map(|text| text.lines()).map(|line| wrapped(line, width.into()));
            let rows: Vec<String> = rows.flat_map(|rows| rows.lines().map(logged).collect::<Vec<_>>()).collect();
            // An error is a terminal that is gone: nobody is left to tell.
            let _ = self.multi.println(rows.join("\n"));
        } else if is_new {
            self.multi.suspend(|| ());
        }
        if let Some(terminal) = &self.terminal {
            terminal.show();
        }
    }
}

/// A line that stays above the bars.
fn logged(row: &str) -> String {
    format!("{LOGGED}{row}")
}

impl Slot {
    /// Touches the bar only where something differs. Whether it does.
    fn show(&mut self, row: Row, width: u16, is_coloured: bool) -> bool {
        if self.row.as_ref() == Some(&row) && self.width == width {
            return false;
        }
        let shape = |row: &Row| (row.kind, row.tone);
        if self.row.as_ref().map(shape) != Some(shape(&row)) || self.width != width {
            self.bar.set_style(style(row.kind, row.tone, width, is_coloured));
        }
        self.bar.set_length(row.total);
        self.bar.set_position(row.done);
        self.bar.set_prefix(row.prefix.clone());
        self.bar.set_message(row.text.clone());
        (self.row, self.width) = (Some(row), width);
        true
    }
}

/// How a row is laid out at this width. On 40 columns everything is still there, on less the bar itself goes.
fn style(kind: Kind, tone: Tone, width: u16, is_coloured: bool) -> ProgressStyle {
    let label = (width / 4).clamp(5, 28);
    let bar = (width / 8).clamp(4, 24);
    let colour = match tone {
        Tone::Quiet => "dim",
        Tone::Plain => "cyan",
        Tone::Good => "green",
        Tone::Bad => "red",
        Tone::Yours => "yellow",
    };
    let (bold, bright, dim) = match is_coloured {
        true => (".bold", format!(".{colour}"), ".dim"),
        false => ("", String::new(), ""),
    };
    let template = match kind {
        Kind::Overall if width >= 36 => {
            format!("{{prefix:{label}!{bold}}} [{{bar:{bar}{bright}}}] {{pos}}/{{len}} {{wide_msg}}")
        }
        Kind::Stream if width >= 36 => {
            format!("{{prefix:{label}!}} [{{bar:{bar}{bright}}}] {{pos}}/{{len}} {{wide_msg}}")
        }
        Kind::Overall | Kind::Stream => "{prefix:5!} {pos}/{len} {wide_msg}".to_owned(),
        Kind::Job => format!("  {{prefix:{}!{bold}}} {{wide_msg{}}}", if width < 60 { 4 } else { 8 }, colon(dim)),
        Kind::More => format!("  {{wide_msg{}}}", colon(dim)),
    };
    // A template is ours alone; were it wrong, a plain bar would be drawn.
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

/// A line broken between words where the terminal ends, its rest below what it says, not below its time.
fn wrapped(line: &str, width: usize) -> String {
    const LEAD: usize = 21;
    let margin = if width >= 2 * LEAD { LEAD } else { 2 };
    let (mut out, mut column) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let long = word.trim_end().chars().count();
        if column > margin && column + long > width && long + margin <= width {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(&" ".repeat(margin));
            column = margin;
        }
        out.push_str(word);
        column += word.chars().count();
    }
    out
}

fn colon(style: &str) -> String {
    if style.is_empty() { String::new() } else { format!(":{style}") }
}

fn size_of_stderr() -> Size {
    match rustix::termios::tcgetwinsize(rustix::stdio::stderr()) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => Size { height: size.ws_row, width: size.ws_col },
        _ => Size { height: 24, width: 80 },
    }
}

impl View for Bars {
    fn entry(&mut self, told: &Told) {
        let loud = told.news.iter().filter(|news| news.tone != Tone::Quiet);
        self.lines.extend(loud.map(|news| line_of(news, &self.zone)));
    }

    fn tick(&mut self, now: Timestamp) {
        let Size { height, width } = (self.size)();
        if let Some(terminal) = &self.terminal {
            terminal.mend();
        }
        let rows = self.board.with(|board| rows(board, &self.live, now, height));
        self.draw(rows, width);
    }

    fn note(&mut self, text: &str) {
        self.lines.push(block(text, 200, 2_000));
    }

    fn finish(&mut self, last: &Last) {
        let width = (self.size)().width;
        self.draw(Vec::new(), width);
        let _ = self.multi.clear();
        if let Some(terminal) = &self.terminal {
            terminal.leave();
        }
        let _: io::Result<()> = self.out.write_all(last.text.as_bytes()).and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        board::sample,
        run::{JobId, What},
    };
    use indicatif::InMemoryTerm;

    fn bars(term: &InMemoryTerm, size: Size) -> Bars {
        let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
        Bars::on(
            target,
            Box::new(move || size),
            Folded::default(),
            Live::default(),
            TimeZone::UTC,
            Box::new(io::sink()),
        )
    }

    fn play(bars: &mut Bars, teller: &sample::Teller) {
        for (entry, after) in &teller.told {
            let news = bars.board.lock().apply(entry, after);
            bars.entry(&Told { news, objects: vec![] });
            bars.tick(entry.at);
        }
    }

    fn screen(height: u16, width: u16) -> String {
        let term = InMemoryTerm::new(height, width);
        let mut bars = bars(&term, Size { height, width });
        let mut t = sample::evening();
        t.start(2, What::Tests);
        bars.live
            .said(JobId(12), "reading src/room.rs, 漢字 and a rather long line that has to be cut at the edge\x1b[2J");
        bars.live.grew(JobId(14), 70_000);
        play(&mut bars, &t);
        bars.tick(Timestamp(t.now));
        term.contents()
    }

    #[test]
    fn a_terminal_of_100_columns() {
        insta::assert_snapshot!(screen(14, 100));
    }

    #[test]
    fn a_terminal_of_40_columns() {
        insta::assert_snapshot!(screen(14, 40));
    }

    #[test]
    fn a_terminal_of_20_columns_and_5_rows_keeps_what_matters() {
        insta::assert_snapshot!(screen(5, 20));
    }

    #[test]
    fn a_log_line_stands_above_the_bars_and_a_resize_is_taken_in() {
        let term = InMemoryTerm::new(12, 90);
        let mut bars = bars(&term, Size { height: 12, width: 90 });
        play(&mut bars, &sample::held());
        bars.note("a warning\x1b[5A\nof two lines");
        bars.size = Box::new(|| Size { height: 12, width: 50 });
        bars.tick(Timestamp(sample::held().now + 61_000));
        insta::assert_snapshot!(term.contents());
        bars.finish(&Last::default());
        let left = term.contents();
        assert!(left.contains("of two lines") && !left.contains('['), "only lines stay: {left}");
    }

    #[test]
    fn a_long_line_is_broken_between_words_below_what_it_says() {
        let line = "20:03:11   C  5      red: tests/a.rs:4 needs what is not there yet; 4 sealed";
        assert_eq!(
            wrapped(line, 60),
            "20:03:11   C  5      red: tests/a.rs:4 needs what is not\n                     there yet; 4 sealed"
        );
        assert_eq!(wrapped(line, 80), line);
        assert_eq!(wrapped(line, 24).lines().nth(1), Some("  red: tests/a.rs:4"));
        assert_eq!(wrapped("averylongwordwithoutanyblank", 9), "averylongwordwithoutanyblank");
    }

    #[test]
    fn colours_are_a_choice() {
        let plain = |is_coloured| {
            let term = InMemoryTerm::new(9, 90);
            let mut bars = bars(&term, Size { height: 9, width: 90 }).coloured(is_coloured);
            play(&mut bars, &sample::evening());
            let text = term.contents();
            (text, String::from_utf8(term.contents_formatted()).unwrap().replace("\x1b[m", "").contains("\x1b[3"))
        };
        assert!(!plain(false).1);
        assert_eq!(plain(true).0, plain(false).0, "colours move nothing");
    }
}
