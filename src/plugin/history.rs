//! `history`: the past updates that an object knows.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::api::{ClusterUpgrade, ErrorDetail, Update};

use super::args::{ClusterArgs, HistoryArgs};
use super::connect::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::format::{Format, json, yaml};
use super::table::Table;
use super::{objects, print, shown};

pub async fn run(cluster: &ClusterArgs, args: HistoryArgs) -> Result<Exit, Failure> {
    let HistoryArgs { name, output } = args;
    let connection = Connection::open(cluster).await?;
    let object = objects::upgrade(&connection, &name).await?;
    let past = past(&object);
    print(&match output.format {
        Format::Json => json(&past)?,
        Format::Yaml => yaml(&past)?,
        Format::Table => text(&object, &past, false),
        Format::Wide => text(&object, &past, true),
        Format::Markdown => format!("{}\n{}", table(&past, true).markdown(), footnote(&object)),
    })?;
    Ok(Exit::Fine)
}

/// An update that was asked for, runs or has ended. The fields are for programs: they stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    /// EKS's id, where EKS took it.
    pub id: Option<String>,
    /// `VersionUpdate` or `VersionRollback`.
    pub r#type: String,
    /// The version before.
    pub from: String,
    /// The version after.
    pub to: String,
    /// EKS's status, or `Refused`, `NotSent`, `Lost`, or `Asked` while it is not known whether EKS took it.
    pub status: String,
    /// Whether this object asked for it.
    pub ours: bool,
    /// When EKS took it, or it was asked for.
    pub began_at: Option<Timestamp>,
    /// When it was first seen ended. EKS does not say when that was.
    pub seen_ended_at: Option<Timestamp>,
    /// At most so many seconds.
    pub took_at_most_seconds: Option<i64>,
    /// What EKS said went wrong.
    pub errors: Vec<ErrorDetail>,
}

/// Newest first: the last one, and those before it.
pub fn past(object: &ClusterUpgrade) -> Vec<Past> {
    let Some(status) = &object.status else {
        return Vec::new();
    };
    let is_kept = |update: &Update| {
        status
            .history
            .iter()
            .any(|kept| kept.id.is_some() && kept.id == update.id)
    };
    let last = status.update.iter().filter(|update| !is_kept(update));
    last.chain(&status.history).map(Past::of).collect()
}

impl Past {
    fn of(update: &Update) -> Self {
        let began_at = shown::began(update);
        let took = began_at
            .zip(update.finished_at)
            .map(|(began, ended)| ended.duration_since(began));
        Self {
            id: update.id.clone(),
            r#type: update.kind.clone(),
            from: update.from_version.to_string(),
            to: update.to_version.to_string(),
            status: update
                .status
                .as_ref()
                .map_or("Asked", |status| status.as_str())
                .to_owned(),
            ours: update.is_ours(),
            began_at,
            seen_ended_at: update.finished_at,
            took_at_most_seconds: took.map(|took| took.as_secs()),
            errors: update.errors.clone(),
        }
    }

    fn took(&self) -> String {
        self.took_at_most_seconds
            .map_or_else(String::new, |seconds| {
                shown::length(SignedDuration::from_secs(seconds))
            })
    }
}

/// As a table.
pub fn table(past: &[Past], wide: bool) -> Table {
    let mut head = vec!["Update", "Status", "Began", "Took at most", "By", "Errors"];
    if wide {
        head.push("Id");
    }
    let mut table = Table::new(head);
    for one in past {
        let kind = if one.r#type == crate::plan::VERSION_ROLLBACK {
            " (rollback)"
        } else {
            ""
        };
        let errors: Vec<String> = one
            .errors
            .iter()
            .map(|error| format!("{}: {}", error.error_code, error.error_message))
            .collect();
        let mut row = vec![
            format!("{}→{}{kind}", one.from, one.to),
            one.status.clone(),
            one.began_at.map_or_else(String::new, |at| at.to_string()),
            one.took(),
            if one.ours {
                "this object"
            } else {
                "somebody else"
            }
            .to_owned(),
            errors.join("; "),
        ];
        if wide {
            row.push(one.id.clone().unwrap_or_default());
        }
        table.row(row);
    }
    table
}

fn text(object: &ClusterUpgrade, past: &[Past], wide: bool) -> String {
    if past.is_empty() {
        return format!("No update is known yet.\n{}", footnote(object));
    }
    format!("{}\n{}", table(past, wide).text(), footnote(object))
}

fn footnote(object: &ClusterUpgrade) -> String {
    let cluster = &object.spec.cluster;
    format!(
        "EKS does not say when an update ended: what counts is when that was first seen. Of older ones EKS knows more:\n  aws eks list-updates --name {} --region {}\n",
        cluster.name, cluster.region
    )
}
