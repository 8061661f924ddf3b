//! What was found.

use console::{StyledObject, style};
use serde::Serialize;

use crate::text::plain;

use super::super::table::Table;

/// As many bytes of one sentence are kept.
const SAID: usize = 2048;

/// One thing that was looked at. The fields are for programs: they stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How it is.
    pub result: Found,
    /// What was found.
    pub message: String,
    /// What a person does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Found {
    /// Well.
    Ok,
    /// Worth knowing, or not to be found out as who asks.
    Warning,
    /// Upgrades do not work like that.
    Failed,
}

impl Found {
    /// A mark for a terminal.
    pub fn mark(self) -> StyledObject<&'static str> {
        match self {
            Self::Ok => style("✔").green(),
            Self::Warning => style("!").yellow(),
            Self::Failed => style("✘").red(),
        }
    }
}

impl Finding {
    fn new(check: &str, result: Found, message: &str, next: Option<String>) -> Self {
        Self {
            check: check.to_owned(),
            result,
            message: plain(message, SAID),
            next,
        }
    }

    pub fn ok(check: &str, message: impl AsRef<str>) -> Self {
        Self::new(check, Found::Ok, message.as_ref(), None)
    }

    pub fn warning(check: &str, message: impl AsRef<str>, next: impl Into<String>) -> Self {
        Self::new(check, Found::Warning, message.as_ref(), Some(next.into()))
    }

    pub fn failed(check: &str, message: impl AsRef<str>, next: impl Into<String>) -> Self {
        Self::new(check, Found::Failed, message.as_ref(), Some(next.into()))
    }

    /// Something that could not be looked at. That is no fault of what was to be looked at.
    pub fn unseen(check: &str, what: &str, error: &kube::Error) -> Self {
        let why = match error {
            kube::Error::Api(status) => status.message.clone(),
            other => other.to_string(),
        };
        Self::warning(
            check,
            format!("{what} could not be looked at: {why}"),
            "Ask somebody who may look at it.",
        )
    }
}

/// As a table.
pub fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new(["Check", "Result", "Found", "Next"]);
    for finding in findings {
        let Finding {
            check,
            result,
            message,
            next,
        } = finding;
        table.row([
            check.as_str(),
            &format!("{result:?}"),
            message,
            next.as_deref().unwrap_or_default(),
        ]);
    }
    table
}
