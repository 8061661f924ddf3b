//! `get`: a line for each ClusterUpgrade.

use jiff::Timestamp;

use crate::api::ClusterUpgrade;

use super::args::{ClusterArgs, GetArgs};
use super::connect::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::format::{Format, json, yaml};
use super::objects::{self, Listed};
use super::table::Table;
use super::{note, print, shown};

pub async fn run(cluster: &ClusterArgs, args: GetArgs) -> Result<Exit, Failure> {
    let GetArgs {
        names,
        all_namespaces,
        selector,
        output,
    } = args;
    let connection = Connection::open(cluster).await?;
    let mut missing = None;
    let objects = if names.is_empty() {
        objects::list(&connection, all_namespaces, selector.as_deref()).await?
    } else {
        let mut named = Vec::new();
        for name in &names {
            match objects::get(&connection, name).await {
                Ok(object) => named.push(object),
                // One that is missing hides none of the others.
                Err(failure) => missing = Some(failure),
            }
        }
        named
    };
    let structured = match (output.format, objects.as_slice()) {
        (Format::Json, [one]) if names.len() == 1 => Some(json(&one.raw)?),
        (Format::Yaml, [one]) if names.len() == 1 => Some(yaml(&one.raw)?),
        (Format::Json, all) => Some(json(&objects::as_list(all))?),
        (Format::Yaml, all) => Some(yaml(&objects::as_list(all))?),
        (Format::Table | Format::Wide | Format::Markdown, _) => None,
    };
    if let Some(failure) = missing {
        if !objects.is_empty() {
            print(&match structured {
                Some(text) => text,
                None => shown_as(output.format, &objects, all_namespaces),
            })?;
        }
        return Err(failure);
    }
    if let Some(text) = structured {
        print(&text)?;
        return Ok(Exit::Fine);
    }
    if objects.is_empty() {
        let scope = objects::scope(&connection, all_namespaces);
        note(format_args!("There are no ClusterUpgrades {scope}."));
        if all_namespaces {
            note(format_args!(
                "docs/first-upgrade.md begins with `kubectl eks-upgrade plan`."
            ));
        } else {
            note(format_args!(
                "`kubectl eks-upgrade get -A` looks in all namespaces."
            ));
        }
        return Ok(Exit::Fine);
    }
    print(&shown_as(output.format, &objects, all_namespaces))?;
    Ok(Exit::Fine)
}

fn shown_as(format: Format, objects: &[Listed], namespaces: bool) -> String {
    let table = table(
        objects,
        namespaces,
        format == Format::Wide,
        Timestamp::now(),
    );
    if format == Format::Markdown {
        table.markdown()
    } else {
        table.text()
    }
}

/// A line for each, also for one that is not understood.
pub fn table(objects: &[Listed], namespaces: bool, wide: bool, now: Timestamp) -> Table {
    let mut head = vec![
        "Name", "Cluster", "Version", "Wanted", "Reason", "Update", "Age",
    ];
    if namespaces {
        head.insert(0, "Namespace");
    }
    if wide {
        head.extend(["Region", "Account", "Next start", "Message"]);
    }
    let mut table = Table::new(head);
    for listed in objects {
        let mut row = vec![listed.name().to_owned()];
        if namespaces {
            row.insert(0, listed.namespace().to_owned());
        }
        row.extend(match &listed.read {
            Ok(object) => cells(object, wide, now),
            Err(why) => {
                let field = |path: &str| {
                    let found = listed.raw.data.pointer(path);
                    found
                        .and_then(|value| value.as_str())
                        .unwrap_or_default()
                        .to_owned()
                };
                let age = listed.raw.metadata.creation_timestamp.as_ref();
                let mut cells = vec![
                    field("/spec/cluster/name"),
                    field("/status/cluster/version"),
                    field("/spec/version"),
                    "(cannot be read)".to_owned(),
                    String::new(),
                    age.map_or_else(String::new, |at| shown::age(at.0, now)),
                ];
                if wide {
                    cells.extend([String::new(), String::new(), String::new(), why.clone()]);
                }
                cells
            }
        });
        table.row(row);
    }
    table
}

fn cells(object: &ClusterUpgrade, wide: bool, now: Timestamp) -> Vec<String> {
    let status = object.status.as_ref();
    let cluster = &object.spec.cluster;
    let version = status.and_then(|status| Some(status.cluster.as_ref()?.version.clone()));
    let age = object.metadata.creation_timestamp.as_ref();
    let mut cells = vec![
        cluster.name.clone(),
        version.unwrap_or_default(),
        object.spec.version.clone(),
        shown::state(object),
        shown::running(object, now).unwrap_or_default(),
        age.map_or_else(String::new, |at| shown::age(at.0, now)),
    ];
    if wide {
        let next = status.and_then(|status| status.schedule.as_ref()?.next_start.clone());
        cells.extend([
            cluster.region.clone(),
            cluster.account_id.clone(),
            next.unwrap_or_default(),
            shown::message(object).to_owned(),
        ]);
    }
    cells
}
