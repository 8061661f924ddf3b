//! The log: text or JSON, to standard error, filtered by `RUST_LOG`.

use std::io::{self, IsTerminal as _, Write};

use serde_json::json;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::text::plain;

/// The most bytes of a line of text. Libraries log whole answers where they cannot read them: megabytes, account data and all.
const LINE_LIMIT: usize = 16 * 1024;
/// How much of a line of JSON is kept where all of it is too long: in another string, it may become twice as long.
const CUT_LINE: usize = 4 * 1024;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: an object per line.
    Json,
}

/// Starts logging. By default at info, where neither credentials nor account data appear.
pub fn start(format: LogFormat) {
    // kube and the SDK describe requests, addresses and accounts; what matters of them is said by ourselves.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(
            "warn,aws=error,kube_client::client=error,eks_upgrade_operator=info,eks_simulator=info",
        )
    });
    let is_terminal = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Lines {
            format,
            is_terminal,
        })
        .with_span_events(FmtSpan::NONE);
    match format {
        LogFormat::Text => builder.with_ansi(is_terminal).init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .init(),
    }
}

/// Standard error, a line at a time, none of them without end.
#[derive(Clone, Copy)]
struct Lines {
    format: LogFormat,
    is_terminal: bool,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for Lines {
    /// Is given a whole line each time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut stderr = io::stderr().lock();
        match bounded(
            &String::from_utf8_lossy(line),
            self.format,
            self.is_terminal,
        ) {
            Some(other) => stderr.write_all(other.as_bytes())?,
            None => stderr.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// What is written instead of a line, unless it is good as it is.
fn bounded(line: &str, format: LogFormat, is_terminal: bool) -> Option<String> {
    let text = line.trim_end_matches('\n');
    match format {
        // The colours for a terminal are control characters too; in what they stand around, the subscriber escapes them.
        LogFormat::Text if is_terminal && text.len() <= LINE_LIMIT => None,
        LogFormat::Text => Some(format!("{}\n", plain(text, LINE_LIMIT))),
        LogFormat::Json if text.len() <= LINE_LIMIT => None,
        LogFormat::Json => {
            let cut = json!({
                "level": "WARN",
                "message": "a line of the log was too long and is cut",
                "bytes": text.len(),
                "cut": plain(text, CUT_LINE),
            });
            Some(format!("{cut}\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_line_stays_as_it_is() {
        for format in [LogFormat::Text, LogFormat::Json] {
            assert_eq!(bounded("{\"a\": 1}\n", LogFormat::Json, false), None);
            let text = bounded("\u{1b}[32mINFO\u{1b}[0m ready\n", format, true);
            assert_eq!(text, None, "in colours");
        }
        let text = bounded("INFO ready\n", LogFormat::Text, false);
        assert_eq!(text.as_deref(), Some("INFO ready\n"));
    }

    #[test]
    fn a_long_line_is_cut_and_stays_one_line_of_its_format() {
        let long = format!("{{\"a\": \"{}\n\u{1b}[2J\"}}\n", "\\\"".repeat(1 << 20));
        for is_terminal in [false, true] {
            let text = bounded(&long, LogFormat::Text, is_terminal).unwrap_or_default();
            assert!(text.len() <= LINE_LIMIT + 1, "{}", text.len());
            assert_eq!(text.lines().count(), 1);
        }
        let json = bounded(&long, LogFormat::Json, false).unwrap_or_default();
        assert!(json.len() <= LINE_LIMIT, "{}", json.len());
        let json: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
        assert_eq!(json["bytes"], long.len() - 1);
    }

    #[test]
    fn text_for_a_file_has_no_control_characters() {
        let line = bounded(
            "WARN \u{1b}]0;x\u{7}\r\nINFO forged\n",
            LogFormat::Text,
            false,
        );
        let line = line.unwrap_or_default();
        assert_eq!(line, "WARN \u{fffd}]0;x\u{fffd}  INFO forged\n");
    }
}
