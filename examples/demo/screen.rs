//! Where things are shown: lines that stay, and on a terminal below them lines that move.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use console::{Term, measure_text_width, style, truncate_str};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Failure;

/// Longer lines are hard to read.
const WIDEST: usize = 110;
/// Of a paragraph: the margin, and the mark with a space.
const INDENT: usize = 4;
/// How often what moves is drawn.
pub const FRAME: Duration = Duration::from_millis(80);

/// Standard output: a terminal, or a pipe or file that gets plain lines.
pub struct Screen {
    term: Term,
    moving: Option<MultiProgress>,
}

impl Screen {
    pub fn new() -> Self {
        let term = Term::stdout();
        let is_plain = !term.features().is_attended()
            || std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let moving =
            (!is_plain).then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stdout()));
        Self { term, moving }
    }

    /// Whether lines can move.
    pub fn is_live(&self) -> bool {
        self.moving.is_some()
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        usize::from(self.term.size().1).clamp(40, WIDEST)
    }

    /// A line that stays, above what moves.
    pub fn say(&self, line: &str) -> io::Result<()> {
        match &self.moving {
            // Drawn as part of what moves, and then left alone.
            Some(moving) => moving.suspend(|| writeln!(io::stdout(), "{line}")),
            None => writeln!(io::stdout(), "{line}"),
        }
    }

    /// The same, cut to the terminal's width; whole where there is none.
    pub fn news(&self, line: &str) -> io::Result<()> {
        if self.is_live() {
            self.say(&truncate_str(line, self.width(), "…"))
        } else {
            self.say(line)
        }
    }

    /// A paragraph behind a mark, broken at the terminal's width.
    pub fn tell(&self, mark: &str, text: &str) -> io::Result<()> {
        let room = if self.is_live() {
            self.width().saturating_sub(INDENT)
        } else {
            usize::MAX
        };
        for (index, line) in wrapped(text, room).iter().enumerate() {
            let mark = if index == 0 { mark } else { " " };
            self.say(&format!("  {mark} {line}"))?;
        }
        Ok(())
    }

    /// Does something that takes a moment, and says that it is done and how long it took.
    pub async fn step<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let began = Instant::now();
        let spinner = self.moving.as_ref().map(|moving| {
            let spinner = moving.add(ProgressBar::new_spinner());
            if let Ok(look) = ProgressStyle::with_template("  {spinner:.cyan} {msg}  {elapsed}") {
                spinner.set_style(look);
            }
            spinner.set_message(what.to_owned());
            spinner.enable_steady_tick(FRAME);
            spinner
        });
        let done = work.await;
        if let Some(spinner) = spinner {
            spinner.finish_and_clear();
        }
        let done = done?;
        let took = format!("{:>5.1} s", began.elapsed().as_secs_f64());
        let gap = 66_usize.saturating_sub(measure_text_width(what));
        self.say(&format!(
            "  {} {what}{:gap$}{}",
            style("✔").green(),
            "",
            style(took).dim()
        ))?;
        Ok(done)
    }

    /// Removes what moves.
    pub fn clear(&self) {
        if let Some(moving) = &self.moving
            && let Err(error) = moving.clear()
        {
            eprintln!("the terminal cannot be cleared: {error}");
        }
    }
}

/// The words of a text in lines of at most `room` columns, where no word is longer.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + 1 + measure_text_width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
