//! Pictures of a terminal for the README, from real runs: `make pictures`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use vt100::{Cell, Color, Screen};

use crate::terminal::Terminal;
use crate::world::World;

/// One cell, in pixels.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
/// Around the text, and of the bar with the title.
const MARGIN: f64 = 14.0;
const BAR: f64 = 30.0;

/// The colours of a dark terminal, as far as the plugin uses them.
fn colour(of: Color, bold: bool) -> &'static str {
    match of {
        Color::Idx(1 | 9) => "#ff7b72",
        Color::Idx(2 | 10) => "#56d364",
        Color::Idx(3 | 11) => "#e3b341",
        Color::Idx(6 | 14) => "#56d4dd",
        _ if bold => "#ffffff",
        _ => "#c9d1d9",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// What is on a screen as SVG, with the command above.
fn svg(screen: &Screen, command: &str) -> String {
    let (rows, cols) = screen.size();
    let (rows, cols) = (rows.get(), cols.get());
    let is_used =
        |row: &u16| (0..cols).any(|col| screen.cell(*row, col).is_some_and(Cell::has_contents));
    let used = (0..rows).rev().find(is_used).map_or(0, |row| row + 1);
    let width = f64::from(cols) * WIDTH + 2.0 * MARGIN;
    let height = BAR + f64::from(used + 1) * HEIGHT + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{command}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g fill=\"#30363d\"><circle cx=\"18\" cy=\"16\" r=\"5\"/><circle cx=\"34\" cy=\"16\" r=\"5\"/><circle cx=\"50\" cy=\"16\" r=\"5\"/></g>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace\" font-size=\"14\" xml:space=\"preserve\">\n"
    );
    let mut line = |row: f64, col: u16, text: &str, style: &str| {
        let x = MARGIN + f64::from(col) * WIDTH;
        let y = BAR + MARGIN + row * HEIGHT;
        let length = text.chars().map(|_| WIDTH).sum::<f64>();
        writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" {style}>{}</text>",
            escaped(text)
        )
        .unwrap();
    };
    line(0.0, 0, &format!("$ {command}"), "fill=\"#8b949e\"");
    for row in 0..used {
        let mut col = 0;
        while col < cols {
            let look = |cell: &Cell| (cell.fgcolor(), cell.bold(), cell.dim());
            let first = screen.cell(row, col).unwrap();
            let mut text = String::new();
            let begin = col;
            while let Some(cell) = screen
                .cell(row, col)
                .filter(|cell| look(cell) == look(first))
            {
                text.push_str(if cell.has_contents() {
                    cell.contents()
                } else {
                    " "
                });
                col += 1;
            }
            if text.trim().is_empty() {
                continue;
            }
            let text = text.trim_end();
            let mut style = format!("fill=\"{}\"", colour(first.fgcolor(), first.bold()));
            if first.bold() {
                style.push_str(" font-weight=\"bold\"");
            }
            if first.dim() {
                style.push_str(" opacity=\"0.6\"");
            }
            line(f64::from(row + 1), begin, text, &style);
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn draw(name: &str, screen: &Screen, command: &str) {
    if std::env::var_os("UPDATE_PICTURES").is_none() {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pictures/{name}.svg"));
    fs::write(path, svg(screen, command)).unwrap();
}

/// Also without `UPDATE_PICTURES`: what the README shows is still what is seen.
#[tokio::test]
async fn the_pictures_of_the_readme_can_be_taken() {
    let world = World::new(
        "{durations: {update: 4s}, clusters: [{name: payments, version: '1.33'}, {name: search, version: '1.33'},
          {name: edge, version: '1.33', outcomes: [{version: '1.34', times: 1, duration: 2s, fail: {
            errorCode: IpNotAvailable, errorMessage: There are not enough free IP addresses in the cluster's subnets}}]},
          {name: ledger, version: '1.33', insights: {upgrade: [{name: Deprecated APIs removed in Kubernetes v1.34,
            status: ERROR, version: '1.34', reason: An API that 1.34 no longer serves is still asked for.,
            recommendation: Use the API that replaces it.}]}}]}",
    )
    .await;
    let mut plan = Terminal::start(&world, &["plan", "ledger", "--to", "1.35"], (40, 118));
    assert_eq!(plan.ended().await, 2);
    plan.until("the plan", |lines| {
        lines.iter().any(|line| line.starts_with("Next"))
    })
    .await;
    draw(
        "plan",
        &plan.screen(),
        "kubectl eks-upgrade plan ledger --to 1.35",
    );

    let _operator = world.operator();
    for (name, version) in [
        ("payments", "1.34"),
        ("search", "1.35"),
        ("edge", "1.34"),
        ("ledger", "1.34"),
    ] {
        world.create(World::manifest(name, version)).await;
    }
    let watch = Terminal::start(&world, &["watch"], (14, 118));
    watch
        .until("each in another state", |lines| {
            let text = lines.join("\n");
            let says = |name: &str, word: &str| {
                lines
                    .iter()
                    .take(6)
                    .any(|line| line.contains(name) && line.contains(word))
            };
            says("edge", "UpdateFailed")
                && says("search", "Updating")
                && text.contains("1.34 ─")
                && says("ledger", "PreflightFailed")
                && says("payments", "Up")
        })
        .await;
    draw("watch", &watch.screen(), "kubectl eks-upgrade watch");
}
