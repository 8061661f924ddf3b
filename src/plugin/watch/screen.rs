//! Where `watch` shows itself: a terminal's other screen, drawn anew for each picture, or plain lines where there is no terminal.

use std::collections::VecDeque;
use std::io::{self, Write as _};

use console::{Term, truncate_str};
use jiff::Timestamp;

use super::super::failure::Failure;
use crate::text::plain;

/// How many pieces of news are kept for the rest of the screen.
const NEWS: usize = 100;
/// As many bytes of one are shown.
const LINE: usize = 2048;

/// The other screen, without a cursor; and back.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// To the top; the rest of a line; the rest of the screen.
const HOME: &str = "\u{1b}[H";
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_REST: &str = "\u{1b}[J";

pub struct Screen {
    term: Option<Term>,
    is_entered: bool,
    frame: usize,
    news: VecDeque<String>,
}

impl Screen {
    /// Standard output, as a terminal if it is one that can be drawn on.
    pub fn of_stdout() -> Self {
        let term = Term::stdout();
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            term: (term.is_term() && !is_dumb).then_some(term),
            is_entered: false,
            frame: 0,
            news: VecDeque::new(),
        }
    }

    /// Tells what happened: a line of its own, or one of those below the picture.
    pub fn tell(&mut self, line: &str) -> Result<(), Failure> {
        let now = Timestamp::now();
        let line = plain(&format!("{now:.0} {line}"), LINE);
        if self.term.is_some() {
            self.news.push_back(line);
            if self.news.len() > NEWS {
                self.news.pop_front();
            }
            return Ok(());
        }
        write(&format!("{line}\n"))
    }

    /// Draws the picture for a terminal of so many rows and columns, at this frame, with the latest news below.
    pub fn draw(
        &mut self,
        picture: impl FnOnce((usize, usize), usize) -> Vec<String>,
    ) -> Result<(), Failure> {
        let Some(term) = &self.term else {
            return Ok(());
        };
        let (rows, columns) = term.size();
        let (rows, columns) = (usize::from(rows), usize::from(columns));
        self.frame = self.frame.wrapping_add(1);
        let mut lines = picture((rows, columns), self.frame);
        lines.truncate(rows);
        let room = rows.saturating_sub(lines.len() + 1);
        if room > 1 && !self.news.is_empty() {
            lines.push(String::new());
            let skipped = self.news.len().saturating_sub(room - 1);
            for line in self.news.iter().skip(skipped) {
                lines.push(truncate_str(&format!("  {line}"), columns, "…").into_owned());
            }
        }
        let mut text = String::new();
        if !std::mem::replace(&mut self.is_entered, true) {
            text.push_str(ENTER);
        }
        text.push_str(HOME);
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                text.push_str("\r\n");
            }
            text.push_str(line);
            text.push_str(CLEAR_LINE);
        }
        text.push_str(CLEAR_REST);
        write(&text)
    }

    /// Gives the terminal back as it was.
    pub fn leave(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.is_entered) {
            write(LEAVE)?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Where it ends otherwise than by `leave`, who reads the terminal still wants it back.
        if self.leave().is_err() {
            self.term = None;
        }
    }
}

/// Unlike the result of other commands, pictures that nobody reads any more end the watch.
fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::of_io("write to the terminal", &error))
}
