//! Two hundred jobs at work on a terminal of twenty-four lines: what is drawn is calm, fits, and leaves nothing behind.

use crate::space::Space;
use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::{Read, Write as _},
    path::Path,
    process::Stdio,
    time::Instant,
};

const JOBS: usize = 200;
const ROWS: usize = 24;
/// Frames a second, at most; and those that are drawn, but not shown one by one, at the start and the end.
const FRAMES: f64 = 10.0;
const EXTRA: f64 = 25.0;

/// A terminal, as far as what is drawn goes: its lines, and what has left it at the top.
struct Terminal {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    gone: Vec<String>,
}

impl Terminal {
    /// One that has seen all of this.
    fn after(text: &str) -> Terminal {
        let mut terminal = Terminal { rows: vec![Vec::new(); ROWS], row: 0, column: 0, gone: Vec::new() };
        let mut rest = text;
        while let Some(sign) = rest.chars().next() {
            let mut long = sign.len_utf8();
            match sign {
                '\n' => terminal.end_line(),
                '\r' => terminal.column = 0,
                '\x1b' => {
                    // What comes behind the last whole sequence is of no account.
                    let Some(end) = rest.find(|c: char| c.is_ascii_alphabetic()) else { break };
                    terminal.obey(&rest[1..=end]);
                    long = end + 1;
                }
                sign => terminal.put(sign),
            }
            rest = &rest[long..];
        }
        terminal
    }

    fn put(&mut self, sign: char) {
        let row = &mut self.rows[self.row];
        row.resize(row.len().max(self.column + 1), ' ');
        row[self.column] = sign;
        self.column += 1;
    }

    fn end_line(&mut self) {
        if self.row + 1 < ROWS {
            self.row += 1;
        } else {
            self.gone.push(self.rows.remove(0).into_iter().collect());
            self.rows.push(Vec::new());
        }
    }

    fn obey(&mut self, order: &str) {
        let end = order.chars().last().expect("an order has an end");
        let number = order.trim_matches(|c: char| !c.is_ascii_digit());
        let count = number.parse::<usize>().unwrap_or(1);
        match (end, number) {
            ('A', _) => self.row = self.row.saturating_sub(count),
            ('B', _) => self.row = (self.row + count).min(ROWS - 1),
            ('K', "2") => self.rows[self.row].clear(),
            ('K', "") => self.rows[self.row].truncate(self.column),
            ('J', "") => self.rows[self.row..].iter_mut().for_each(Vec::clear),
            ('m' | 'h' | 'l', _) => {}
            _ => panic!("this terminal does not know {order:?}"),
        }
    }

    fn lines(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect()
    }
}

/// Tasks that say a lot, ring, and wait for a byte.
fn breakdown(bell: &Path, gate: &Path) -> String {
    let mut text = "# Crowd\n\n".to_owned();
    for (at, stream) in ["A", "B", "C", "D"].into_iter().enumerate() {
        write!(text, "### Stream {stream}: Part {stream} (Parallel)\n\n").expect("text");
        for number in 1 + at * JOBS / 4..=(at + 1) * JOBS / 4 {
            write!(
                text,
                "{number}. **Job {number}**\n\n   - Test Requirements: None\n   - Dependencies: None\n\n   ```sh role=implementation\n   \
                 i=0; while [ $i -lt 50 ]; do i=$((i + 1)); echo \"step $i\"; done\n   echo >> {}\n   read -r go < {}\n   ```\n\n",
                bell.display(),
                gate.display(),
            )
            .expect("text");
        }
    }
    text + "## Quality Gates\n\n- **Gate 1**: All tests pass (after Stream A)\n"
}

/// A pipe that stays open, whoever else opens and closes it.
fn pipe(space: &Space, path: &Path) -> File {
    assert!(space.command("mkfifo").arg(path).status().expect("mkfifo is installed").success());
    OpenOptions::new().read(true).write(true).open(path).expect("it opens")
}

/// What a run says on a terminal, up to these words, and as far as these others behind the last of them.
fn until((words, end): (&str, &str), out: &mut impl Read, said: &mut Vec<u8>) -> String {
    let mut bytes = [0; 1 << 16];
    loop {
        let text = String::from_utf8_lossy(said).into_owned();
        if text.rfind(words).is_some_and(|at| text[at..].contains(end)) {
            return text;
        }
        let read = out.read(&mut bytes).expect("it says something");
        assert!(read > 0, "it never said {words:?}: {text}");
        said.extend_from_slice(&bytes[..read]);
    }
}

#[test]
fn two_hundred_jobs_are_drawn_on_a_terminal_of_twenty_four_lines_calmly_and_leave_nothing_behind() {
    let space = Space::empty().open();
    let (bell_path, gate_path) = (space.beside("bell"), space.beside("gate"));
    let (mut bell, mut gate) = (pipe(&space, &bell_path), pipe(&space, &gate_path));
    space.write(
        "tidegate.toml",
        "[workspace]\nmode = \"in-place\"\n[slots]\nagents = 200\n[checks]\nstream = [\"true\"]\nsystem = [\"true\"]\n",
    );
    space.commit("Begin");
    space.topic("crowd", &breakdown(&bell_path, &gate_path));
    let run = format!(
        "stty rows {ROWS} cols 100; exec timeout --foreground 240 {} execute crowd --sandbox none",
        env!("CARGO_BIN_EXE_tidegate")
    );
    let mut script = space.command("script");
    script.args(["--quiet", "--return", "--flush", "--command", &run, "/dev/null"]).env("TERM", "xterm-256color");
    let began = Instant::now();
    let mut child = script.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("script is installed");
    let (mut out, mut said) = (child.stdout.take().expect("a pipe"), Vec::new());
    bell.read_exact(&mut [0; JOBS]).expect("all have rung");
    // Two hundred at work, for long enough to be drawn several times.
    let first = until(("200 running · ", "s"), &mut out, &mut said);
    let second = first.rsplit("200 running · ").next().and_then(|rest| rest.split('s').next()).expect("a time");
    let later = format!("200 running · {}s", second.parse::<u64>().expect("seconds") + 2);
    let at_work = Terminal::after(&until((&later, "+183 more"), &mut out, &mut said));
    gate.write_all(&[b'\n'; JOBS]).expect("all are let go");
    let all = until(("done in place", ""), &mut out, &mut said);
    let took = began.elapsed().as_secs_f64();
    out.read_to_end(&mut said).expect("it says the rest");
    assert!(child.wait().expect("it is our child").success(), "{all}");

    let lines = at_work.lines();
    let bars = lines.iter().position(|line| line.starts_with("crowd ")).expect("the bars are on the screen");
    assert_eq!(lines.iter().filter(|line| line.contains("] 0/")).count(), 5, "one bar of each kind: {lines:#?}");
    assert_eq!(lines[bars + 22], "  +183 more", "the last line is left for what scrolls by: {lines:#?}");
    assert!(lines.iter().all(|line| line.chars().count() <= 100), "{lines:#?}");
    let is_bar =
        |line: &&String| line.contains("running ·") || line.contains("gate waits") || line.contains("implements");
    let at_end = Terminal::after(&all);
    assert_eq!(at_end.lines().iter().find(is_bar), None, "bars are left at the end");
    for terminal in [&at_work, &at_end] {
        let left: Vec<_> = terminal.gone.iter().filter(is_bar).collect();
        assert!(left.is_empty(), "bars were scrolled away: {left:#?}");
    }
    let drawn = all.matches("crowd  ").count() as f64;
    assert!(drawn <= FRAMES * took + EXTRA, "{drawn} frames in {took} s");
    println!("{drawn} frames in {took:.1} s");
}
