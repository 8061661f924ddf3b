//! Pictures of the figures, as SVG: bars with their spread, and lines.

use std::fmt::Write as _;

use crate::figure::number;
use crate::report::Figures;

const WIDTH: f64 = 760.0;
const COLOURS: [&str; 3] = ["#3b6ea5", "#c8792b", "#5b9a5b"];

/// A bar, from zero.
struct Bar {
    label: String,
    value: f64,
    spread: (f64, f64),
    colour: usize,
}

/// A line through points.
struct Line {
    label: String,
    points: Vec<(f64, f64)>,
}

/// All that there are figures for, by name.
pub fn all(figures: &Figures) -> Vec<(&'static str, String)> {
    [
        ("latency", latency(figures)),
        (
            "memory",
            by_size(
                figures,
                "memory",
                &[("idle-rss", "idle"), ("upgrading-rss", "a tenth upgrading")],
                "Resident memory by the number of objects",
                "MiB",
            ),
        ),
        (
            "cost",
            by_size(
                figures,
                "cost",
                &[("look", "a further look at an object")],
                "CPU time for one object by the number of objects",
                "ms",
            ),
        ),
        ("storm", storm(figures)),
    ]
    .into_iter()
    .filter_map(|(name, picture)| Some((name, picture?)))
    .collect()
}

fn latency(figures: &Figures) -> Option<String> {
    let mut all = Vec::new();
    for (kind, title) in [("call", "event to call"), ("look", "end seen to Ready")] {
        for (delay, words) in [("at-once", "at once"), ("20ms", "in 20 ms")] {
            for (colour, who) in ["floor", "operator"].into_iter().enumerate() {
                let figure = figures.find("latency", &format!("{kind}-{delay}-{who}"))?;
                all.push(Bar {
                    label: format!("{title}, EKS {words}: {who}"),
                    value: figure.median,
                    spread: figure.spread(),
                    colour,
                });
            }
        }
    }
    Some(bars("Latency beside the floor", "ms", &all))
}

fn by_size(
    figures: &Figures,
    part: &str,
    of: &[(&str, &str)],
    title: &str,
    unit: &str,
) -> Option<String> {
    let part = figures.parts.get(part)?;
    let mut all = Vec::new();
    for (prefix, label) in of {
        let points: Vec<(f64, f64)> = part
            .figures
            .iter()
            .filter_map(|figure| {
                let objects = figure.objects?;
                let fits = figure.id == format!("{prefix}-{objects}");
                fits.then_some((objects as f64, figure.median))
            })
            .collect();
        if !points.is_empty() {
            let label = (*label).to_owned();
            all.push(Line { label, points });
        }
    }
    (!all.is_empty()).then(|| lines(title, "objects", unit, true, &all))
}

fn storm(figures: &Figures) -> Option<String> {
    let part = figures.parts.get("storm")?;
    let minimum = figures.find("storm", "minimum")?.median;
    let mut all: Vec<Line> = part
        .series
        .iter()
        .map(|series| Line {
            label: series.what.clone(),
            points: series.points.clone(),
        })
        .collect();
    let most = all.iter().map(|line| line.points.len()).max()? as f64;
    all.push(Line {
        label: "the quota's minimum".to_owned(),
        points: vec![(minimum, 0.0), (minimum, most)],
    });
    Some(lines(
        "Clusters that are done, in a storm",
        "seconds",
        "clusters",
        false,
        &all,
    ))
}

fn begin(title: &str, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>{title}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"15\" font-weight=\"bold\" fill=\"#222222\">{title}</text>\n"
    )
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#222222\">{words}</text>"
    )
    .unwrap();
}

fn stroke(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str) {
    writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>"
    )
    .unwrap();
}

fn bars(title: &str, unit: &str, bars: &[Bar]) -> String {
    const LEFT: f64 = 290.0;
    const ROW: f64 = 24.0;
    let height = 60.0 + ROW * bars.len() as f64;
    let most = bars
        .iter()
        .map(|bar| bar.spread.1.max(bar.value))
        .fold(0.0, f64::max);
    let room = WIDTH - LEFT - 90.0;
    let wide = |value: f64| if most > 0.0 { value / most * room } else { 0.0 };
    let mut svg = begin(title, height);
    for (index, bar) in bars.iter().enumerate() {
        let y = 44.0 + ROW * index as f64;
        let colour = COLOURS[bar.colour % COLOURS.len()];
        text(&mut svg, LEFT - 8.0, y + 13.0, "end", &bar.label);
        writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"17\" fill=\"{colour}\"/>",
            wide(bar.value)
        )
        .unwrap();
        let (low, high) = bar.spread;
        let middle = y + 8.5;
        let ends = ((LEFT + wide(low), middle), (LEFT + wide(high), middle));
        stroke(&mut svg, ends.0, ends.1, "#222222");
        let after = LEFT + wide(high.max(bar.value)) + 6.0;
        text(
            &mut svg,
            after,
            y + 13.0,
            "start",
            &format!("{} {unit}", number(bar.value)),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn lines(title: &str, x_unit: &str, y_unit: &str, logarithmic: bool, lines: &[Line]) -> String {
    const HEIGHT: f64 = 380.0;
    const LEFT: f64 = 70.0;
    const RIGHT: f64 = WIDTH - 30.0;
    const TOP: f64 = 80.0;
    const BOTTOM: f64 = HEIGHT - 50.0;
    let all = || lines.iter().flat_map(|line| &line.points);
    let most_x = all().map(|point| point.0).fold(1.0, f64::max);
    let least_x = if logarithmic {
        all().map(|point| point.0).fold(most_x, f64::min)
    } else {
        0.0
    };
    let most_y = nice(all().map(|point| point.1).fold(0.0, f64::max));
    let scale = |value: f64| {
        if logarithmic {
            value.max(1.0).log10()
        } else {
            value
        }
    };
    let across = (scale(most_x) - scale(least_x)).max(f64::EPSILON);
    let place = |(x, y): (f64, f64)| {
        let x = LEFT + (scale(x) - scale(least_x)) / across * (RIGHT - LEFT);
        (x, BOTTOM - y / most_y * (BOTTOM - TOP))
    };
    let mut svg = begin(title, HEIGHT);
    for step in 0..=4 {
        let value = most_y * f64::from(step) / 4.0;
        let (_, y) = place((most_x, value));
        stroke(&mut svg, (LEFT, y), (RIGHT, y), "#dddddd");
        text(&mut svg, LEFT - 8.0, y + 4.0, "end", &number(value));
    }
    let mut ticks: Vec<f64> = if logarithmic {
        all().map(|point| point.0).collect()
    } else {
        (0..=4).map(|step| most_x * f64::from(step) / 4.0).collect()
    };
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    for tick in ticks {
        let (x, _) = place((tick, 0.0));
        text(&mut svg, x, BOTTOM + 18.0, "middle", &number(tick));
    }
    text(
        &mut svg,
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 12.0,
        "middle",
        x_unit,
    );
    text(&mut svg, 16.0, TOP - 12.0, "start", y_unit);
    let mut legend = LEFT + 40.0;
    for (index, line) in lines.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let mut points = String::new();
        for point in &line.points {
            let (x, y) = place(*point);
            write!(points, "{x:.1},{y:.1} ").unwrap();
        }
        let points = points.trim_end();
        writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        )
        .unwrap();
        if logarithmic {
            for point in &line.points {
                let (x, y) = place(*point);
                writeln!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>"
                )
                .unwrap();
                text(&mut svg, x, y - 8.0, "middle", &number(point.1));
            }
        }
        writeln!(
            svg,
            "<rect x=\"{legend:.1}\" y=\"42\" width=\"12\" height=\"12\" fill=\"{colour}\"/>"
        )
        .unwrap();
        text(&mut svg, legend + 18.0, 52.0, "start", &line.label);
        legend += 40.0 + 7.0 * line.label.chars().count() as f64;
    }
    svg.push_str("</svg>\n");
    svg
}

/// The next round number, for the end of an axis.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}
