//! The runbook has an entry for each reason and each alert, and for nothing else.

use std::fs;

use eks_upgrade_operator::api::Reason;
use serde_json::Value;

use super::file;
use super::markdown::{anchors, headings};

/// The entries below a chapter, in their order.
fn entries<'a>(page: &'a str, chapter: &str) -> Vec<&'a str> {
    headings(page)
        .into_iter()
        .skip_while(|heading| *heading != (2, chapter))
        .skip(1)
        .take_while(|(level, _)| *level > 2)
        .map(|(_, title)| title)
        .collect()
}

/// The names of all alerts.
fn alerts() -> Vec<String> {
    let text = fs::read_to_string(file("deploy/monitoring/alerts.yaml")).unwrap();
    let rules: Value = serde_norway::from_str(&text).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
        .filter_map(|rule| rule["alert"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn every_reason_has_an_entry_and_every_entry_is_of_a_reason() {
    let page = fs::read_to_string(file("docs/runbook.md")).unwrap();
    let wanted = Reason::ALL.map(Reason::as_str);
    assert_eq!(entries(&page, "Reasons"), wanted);
    let anchors = anchors(&page);
    for reason in wanted {
        assert!(anchors.contains(&reason.to_lowercase()), "{reason}");
    }
}

#[test]
fn every_alert_has_an_entry_and_every_entry_is_of_an_alert() {
    let page = fs::read_to_string(file("docs/runbook.md")).unwrap();
    let mut entries = entries(&page, "Alerts");
    let mut alerts = alerts();
    entries.sort_unstable();
    alerts.sort_unstable();
    alerts.dedup();
    assert_eq!(entries, alerts);
    let anchors = anchors(&page);
    for alert in alerts {
        assert!(anchors.contains(&alert.to_lowercase()), "{alert}");
    }
}

/// Each entry says what to look at or what to do: one that only has a name helps nobody.
#[test]
fn every_entry_says_what_to_do() {
    let page = fs::read_to_string(file("docs/runbook.md")).unwrap();
    let entries: Vec<_> = page.split("\n### ").skip(1).collect();
    assert!(entries.len() > Reason::ALL.len());
    for entry in entries {
        assert!(
            entry.contains("\n- Do: ") || entry.contains("\n- Look at: "),
            "{entry}"
        );
    }
}
