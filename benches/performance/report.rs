//! Where the figures go: standard output, docs/performance.json, and what is made from that.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::figure::{Figure, Measured, Series, number};
use crate::machine::Machine;
use crate::{PARTS, plot};

/// docs/performance.json.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    pub parts: BTreeMap<String, Part>,
}

impl Figures {
    /// A figure, where it was measured.
    pub fn find(&self, part: &str, id: &str) -> Option<&Figure> {
        let part = self.parts.get(part)?;
        part.figures.iter().find(|figure| figure.id == id)
    }
}

/// A part as it was last measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part {
    pub machine: Machine,
    pub runs: usize,
    /// How long it took to measure.
    pub seconds: u64,
    pub figures: Vec<Figure>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Series>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

pub struct Report {
    pub machine: Machine,
    figures: Figures,
    docs: PathBuf,
}

impl Report {
    /// With what was measured before.
    pub fn load() -> Self {
        let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs");
        let machine = Machine::here();
        let figures = match std::fs::read_to_string(docs.join("performance.json")) {
            Ok(text) => serde_json::from_str(&text).unwrap(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Figures::default(),
            Err(error) => panic!("docs/performance.json cannot be read: {error}"),
        };
        Self {
            machine,
            figures,
            docs,
        }
    }

    /// Takes a part down, prints it, and writes everything that is made from the figures.
    pub fn add(&mut self, name: &str, runs: usize, lasted: Duration, measured: Measured) {
        let Measured {
            figures,
            series,
            notes,
        } = measured;
        let part = Part {
            machine: self.machine.clone(),
            runs,
            seconds: lasted.as_secs(),
            figures,
            series,
            notes,
        };
        println!("{name}, measured in {} s\n{}", part.seconds, table(&part));
        self.figures.parts.insert(name.to_owned(), part);
        let text = serde_json::to_string_pretty(&self.figures).unwrap();
        std::fs::write(self.docs.join("performance.json"), text + "\n").unwrap();
        let page = self.docs.join("performance.md");
        let text = std::fs::read_to_string(&page).unwrap();
        std::fs::write(&page, with_tables(&text, &self.figures)).unwrap();
        for (name, picture) in plot::all(&self.figures) {
            let file = format!("pictures/performance-{name}.svg");
            std::fs::write(self.docs.join(file), picture).unwrap();
        }
    }
}

/// A part as a table of Markdown, which people can read on a terminal too.
fn table(part: &Part) -> String {
    let mut rows = vec![["", "median", "spread", "n", "target", ""].map(str::to_owned)];
    for figure in &part.figures {
        let Figure {
            what,
            unit,
            median,
            n,
            target,
            ..
        } = figure;
        let (low, high) = figure.spread();
        rows.push([
            what.clone(),
            format!("{} {unit}", number(*median)),
            format!("{} to {}", number(low), number(high)),
            n.to_string(),
            target.map_or_else(String::new, |target| {
                format!("at most {} {unit}", number(target))
            }),
            match figure.reached() {
                None => String::new(),
                Some(true) => "reached".to_owned(),
                Some(false) => "**not reached**".to_owned(),
            },
        ]);
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            write!(text, "| {cell:width$} ").unwrap();
        }
        text.push_str("|\n");
        if index == 0 {
            for width in &widths {
                write!(text, "|{}", "-".repeat(width + 2)).unwrap();
            }
            text.push_str("|\n");
        }
    }
    for note in &part.notes {
        write!(text, "\n{note}\n").unwrap();
    }
    text
}

/// The page with the tables of all parts that were measured.
fn with_tables(page: &str, figures: &Figures) -> String {
    let mut page = page.to_owned();
    for name in PARTS {
        let Some(part) = figures.parts.get(name) else {
            continue;
        };
        let begin = format!("<!-- The figures of {name} begin: `make bench` writes them. -->\n");
        let end = format!("<!-- The figures of {name} end. -->");
        let (before, rest) = page.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        let runs = part.runs;
        let on = format!("\n{runs} runs on {}.\n", part.machine.line());
        page = format!("{before}{begin}{}{on}{end}{after}", table(part));
    }
    page
}
