//! A cluster's line that moves: its versions with a bar between each two, the reason, the time.

use console::{StyledObject, pad_str, style};
use eks_upgrade_operator::api::Reason;

use crate::cluster::{Cluster, Hop, seconds};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// Wide enough for the longest reason that the demo comes by.
const REASON: usize = 17;
const TIME: usize = 5;
/// Two columns at the margin, two for the mark, and one or two between the columns.
const GAPS: usize = 9;
/// Longer bars say no more.
const LONGEST: usize = 52;

/// The line in a terminal of `width` columns, with names of `name` columns.
pub fn line(cluster: &Cluster, name: usize, width: usize, frame: usize) -> String {
    let room = width
        .saturating_sub(GAPS + name + REASON + TIME)
        .min(LONGEST);
    let reason = cluster.reason();
    let is_over = cluster.is_over();
    let mark = match (is_over, reason) {
        (true, Some(Reason::UpToDate)) => style("✔").green(),
        (true, _) => style("✘").red(),
        (false, _) => {
            let sprite = SPINNER.get(frame % SPINNER.len());
            style(*sprite.unwrap_or(&"·")).cyan()
        }
    };
    let said = pad_str(
        reason.map_or("", Reason::as_str),
        REASON,
        console::Alignment::Left,
        Some("…"),
    )
    .into_owned();
    let said = match reason {
        Some(Reason::UpToDate) => style(said).green(),
        Some(Reason::Updating) => style(said).cyan(),
        Some(reason) if reason.is_stalled() => style(said).red(),
        _ => style(said).yellow(),
    };
    // Of the hop; of all of it once it is over.
    let time = cluster
        .took
        .or_else(|| Some(cluster.hop_since?.elapsed()))
        .map_or_else(String::new, seconds);
    let shown = pad_str(cluster.expected.name, name, console::Alignment::Left, None);
    format!(
        "  {mark} {}  {}  {said} {time:>TIME$}",
        style(shown).bold(),
        hops(cluster, room, frame)
    )
}

/// `1.33 ━━━━━━ 1.34 ────── 1.35`, exactly `room` columns wide.
fn hops(cluster: &Cluster, room: usize, frame: usize) -> String {
    let (Some(start), path) = (cluster.start, cluster.path()) else {
        return " ".repeat(room);
    };
    let label = |version: &dyn std::fmt::Display| version.to_string();
    let labels = label(&start).len() + path.iter().map(|(to, _)| label(to).len()).sum::<usize>();
    let cells = room.saturating_sub(labels + 2 * path.len());
    let each = cells / path.len().max(1);
    let spare = cells.saturating_sub(each * path.len());
    let mut line = style(label(&start)).green().to_string();
    for (index, (to, hop)) in path.iter().enumerate() {
        let length = if index == 0 { each + spare } else { each };
        let name = style(label(to));
        let name = match hop {
            Hop::Done => name.green(),
            Hop::Running => name.cyan(),
            Hop::Waiting => name.yellow(),
            Hop::Failed => name.red(),
            Hop::ToCome => name.dim(),
        };
        line = format!("{line} {} {name}", stretch(*hop, length, frame));
    }
    line
}

/// EKS does not say how far an update is, so a running hop only shows that it runs.
fn stretch(hop: Hop, length: usize, frame: usize) -> String {
    match hop {
        Hop::Done => style("━".repeat(length)).green().to_string(),
        Hop::ToCome => style("─".repeat(length)).dim().to_string(),
        Hop::Waiting => style("┄".repeat(length)).yellow().to_string(),
        Hop::Failed => style(format!("{}✘", "─".repeat(length.saturating_sub(1))))
            .red()
            .to_string(),
        Hop::Running => {
            // A comet that runs through, and out at the end before it comes again.
            const TAIL: usize = 6;
            let head = frame % (length + TAIL);
            (0..length)
                .map(|cell| {
                    let glows = cell <= head && head < cell + TAIL;
                    let drawn: StyledObject<&str> = style(if glows { "━" } else { "─" }).cyan();
                    (if glows { drawn.bold() } else { drawn.dim() }).to_string()
                })
                .collect()
        }
    }
}
