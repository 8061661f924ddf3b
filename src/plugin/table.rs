//! Rows and columns, in a terminal and in Markdown.

use console::{Alignment, measure_text_width, pad_str};

use crate::text::plain;

/// As many bytes of a cell are shown.
const CELL: usize = 1024;

/// A table with a heading for each column.
#[derive(Clone, Debug)]
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one.
    #[must_use]
    pub fn new(head: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            head: head.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, of as many cells as there are columns. What others wrote is made harmless for a terminal.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        let cells = cells.into_iter().map(|cell| plain(cell.as_ref(), CELL));
        self.rows.push(cells.collect());
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// In columns, as kubectl prints them.
    #[must_use]
    pub fn text(&self) -> String {
        let head: Vec<String> = self.head.iter().map(|name| name.to_uppercase()).collect();
        let widths: Vec<usize> = (0..head.len())
            .map(|column| {
                let lines = std::iter::once(&head).chain(&self.rows);
                let cells = lines.filter_map(|row| row.get(column));
                cells
                    .map(|cell| measure_text_width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            let cells = row.iter().zip(&widths);
            let cells = cells.map(|(cell, width)| pad_str(cell, *width, Alignment::Left, None));
            let line = cells.collect::<Vec<_>>().join("   ");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// In Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.head.iter().map(|name| (*name).to_owned()).collect());
        text.push_str(&line(self.head.iter().map(|_| "---".to_owned()).collect()));
        for row in &self.rows {
            text.push_str(&line(row.iter().map(|cell| markdown(cell)).collect()));
        }
        text
    }
}

/// Other people's words in Markdown, where they must not become a table's end, a link, a picture, HTML or a mention.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in plain(text, CELL).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // A mention tells somebody, wherever the text ends up.
            '@' => safe.push_str("&#64;"),
            '\\' | '|' | '[' | ']' | '`' | '*' | '_' | '#' | '!' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["Name", "Message"]);
        table.row(["prod", "all|well <b>@team</b>"]);
        table.row(["a-long-name", "\u{1b}[31m"]);
        table
    }

    #[test]
    fn columns_are_aligned_and_nothing_in_them_moves_a_terminal() {
        assert_eq!(
            table().text(),
            "NAME          MESSAGE\nprod          all|well <b>@team</b>\na-long-name   \u{fffd}[31m\n"
        );
    }

    #[test]
    fn markdown_stays_a_table_whatever_is_in_it() {
        assert_eq!(
            table().markdown(),
            "| Name | Message |\n| --- | --- |\n| prod | all\\|well &lt;b&gt;&#64;team&lt;/b&gt; |\n| a-long-name | \u{fffd}\\[31m |\n"
        );
    }
}
