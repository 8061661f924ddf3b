//! An object's line that moves: its versions with a bar between each two, the reason, the time.

use console::{Alignment, measure_text_width, pad_str, style, truncate_str};
use jiff::{SignedDuration, Timestamp};

use crate::plan::{Durations, Usual};

use super::super::shown;
use super::followed::{Followed, Hop, Standing};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// Longer bars say no more, and shorter ones nothing.
const LONGEST: usize = 44;
const SHORTEST: usize = 12;
/// EKS does not say how far an update is: by its age alone it is never done.
const MOST_BY_AGE: usize = 95;

/// The line in a terminal of `width` columns, with names of `name` columns.
pub fn line(
    one: &Followed,
    called: &str,
    name: usize,
    width: usize,
    frame: usize,
    usual: Durations,
    now: Timestamp,
) -> String {
    let standing = one.standing();
    let mark = match standing {
        Standing::Done => style("✔").green(),
        Standing::Stalled => style("✘").red(),
        Standing::Gone => style("-").dim(),
        Standing::Active | Standing::Waiting => {
            let sprite = SPINNER.get(frame % SPINNER.len());
            style(*sprite.unwrap_or(&"·")).cyan()
        }
    };
    let running = one.running(usual, now);
    let words = words(one, running);
    let words = match standing {
        Standing::Done => style(words).green(),
        Standing::Active => style(words).cyan(),
        Standing::Stalled => style(words).red(),
        Standing::Waiting => style(words).yellow(),
        Standing::Gone => style(words).dim(),
    }
    .to_string();
    let called = pad_str(called, name, Alignment::Left, Some("…"));
    let head = format!("  {mark} {}  ", style(called).bold());
    let room = width
        .saturating_sub(measure_text_width(&head) + measure_text_width(&words) + 2)
        .min(LONGEST);
    let bars = if room < SHORTEST {
        String::new()
    } else {
        format!("{}  ", hops(one, room, running))
    };
    truncate_str(&format!("{head}{bars}{words}"), width, "…").into_owned()
}

/// `Updating 7m12s of usually 8m to 15m`.
fn words(one: &Followed, running: Option<(i64, Option<Usual>)>) -> String {
    let state = one.state();
    let Some((age, usual)) = running.filter(|_| one.standing() == Standing::Active) else {
        return match (one.standing(), one.next_start()) {
            (Standing::Waiting, Some(at)) => format!("{state} until {at}"),
            _ => state,
        };
    };
    let shown_age = shown::length(SignedDuration::from_secs(age));
    match usual {
        Some(Usual { late, .. }) if age > late.as_secs() => {
            format!("{state} {shown_age}, longer than usual")
        }
        Some(Usual { early, late }) => format!(
            "{state} {shown_age} of usually {} to {}",
            shown::length(early),
            shown::length(late)
        ),
        None => format!("{state} {shown_age}"),
    }
}

/// `1.33 ━━━━━━ 1.34 ────── 1.35`, exactly `room` columns wide.
fn hops(one: &Followed, room: usize, running: Option<(i64, Option<Usual>)>) -> String {
    let Some(start) = one.start() else {
        return " ".repeat(room);
    };
    let path = one.path();
    let first = start.to_string();
    let labels: usize = path.iter().map(|(to, _)| to.to_string().len()).sum();
    let cells = room.saturating_sub(first.len() + labels + 2 * path.len());
    if cells < path.len() || path.is_empty() {
        let text = match path.last() {
            Some((to, _)) => format!("{first} → {to}"),
            None => first,
        };
        return pad_str(&text, room, Alignment::Left, Some("…")).into_owned();
    }
    let each = cells / path.len();
    let spare = cells - each * path.len();
    let mut line = style(first).green().to_string();
    for (index, (to, hop)) in path.iter().enumerate() {
        let length = if index == 0 { each + spare } else { each };
        let name = style(to.to_string());
        let name = match hop {
            Hop::Done => name.green(),
            Hop::Running => name.cyan(),
            Hop::Asked => name.yellow(),
            Hop::Failed => name.red(),
            Hop::ToCome => name.dim(),
        };
        line = format!("{line} {} {name}", stretch(*hop, length, running));
    }
    line
}

fn stretch(hop: Hop, length: usize, running: Option<(i64, Option<Usual>)>) -> String {
    match hop {
        Hop::Done => style("━".repeat(length)).green().to_string(),
        Hop::ToCome => style("─".repeat(length)).dim().to_string(),
        Hop::Asked => style("┄".repeat(length)).yellow().to_string(),
        Hop::Failed => style(format!("{}✘", "─".repeat(length.saturating_sub(1))))
            .red()
            .to_string(),
        Hop::Running => {
            let filled = filled(length, running);
            format!(
                "{}{}",
                style("━".repeat(filled)).cyan().bold(),
                style("─".repeat(length - filled)).cyan().dim()
            )
        }
    }
}

/// How many cells of a running hop are filled: by its age, against when few take longer.
fn filled(length: usize, running: Option<(i64, Option<Usual>)>) -> usize {
    let Some((age, Some(Usual { late, .. }))) = running else {
        return 0;
    };
    let late = late.as_secs().max(1);
    let percent = age.saturating_mul(100) / late;
    let percent = usize::try_from(percent).unwrap_or(0).min(MOST_BY_AGE);
    length.saturating_mul(percent) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_hop_fills_by_its_age_and_is_never_full() {
        let usual = Some(Usual::OF_AN_UPGRADE);
        let of = |minutes: i64| filled(20, Some((minutes * 60, usual)));
        assert_eq!((of(0), of(3), of(9)), (0, 4, 12));
        assert_eq!((of(15), of(600)), (19, 19));
        assert_eq!(filled(20, Some((600, None))), 0, "nobody knows how long");
    }
}
