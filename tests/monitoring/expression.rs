//! What a PromQL expression names, held against what is exported.

use std::collections::BTreeSet;

use eks_upgrade_operator::api::Reason;
use eks_upgrade_operator::eks::ErrorKind;

use crate::metrics::exported;

/// Labels that Prometheus adds: to what it scrapes, and `cluster` where one has several clusters.
const OF_PROMETHEUS: [&str; 5] = ["job", "instance", "le", "namespace", "cluster"];

/// The names of our metrics in a text, with what follows each.
pub fn names(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("eks_upgrade_") {
        let here = &rest[at..];
        let end = here.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
        let (name, after) = here.split_at(end.unwrap_or(here.len()));
        found.push((name, after));
        rest = after;
    }
    found
}

/// Label and value of each matcher in what follows a metric's name.
fn matchers(after: &str) -> Vec<(&str, &str)> {
    let Some(inside) = after.strip_prefix('{') else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut rest = inside;
    // Values are in double quotes, and ours have none inside.
    while let Some((label, after)) = rest.split_once('=') {
        if label.contains('}') {
            break;
        }
        let (_, value) = after.split_once('"').unwrap();
        let (value, after) = value.split_once('"').unwrap();
        found.push((label.trim_matches(['!', ',', ' ']), value));
        rest = after;
        if rest.trim_start().starts_with('}') {
            break;
        }
    }
    found
}

/// The labels that an expression groups by or joins on.
fn grouped(expr: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for word in ["by (", "on (", "without (", "group_left ("] {
        for (at, _) in expr.match_indices(word) {
            let inside = &expr[at + word.len()..];
            let (labels, _) = inside.split_once(')').unwrap();
            found.extend(labels.split(',').map(str::trim));
        }
    }
    found
}

/// The values that a label can have, where they are few and known here.
fn values(label: &str) -> Option<Vec<&'static str>> {
    Some(match label {
        "reason" => Reason::ALL.map(Reason::as_str).to_vec(),
        "outcome" => vec![
            "ok",
            ErrorKind::Throttled.label(),
            ErrorKind::NotFound.label(),
        ],
        "kind" => vec![
            "bug",
            "conflict",
            "gone",
            "refused",
            "unavailable",
            ErrorKind::NotFound.label(),
        ],
        "of" => vec!["current", "target"],
        "support" => vec!["standard", "extended"],
        "result" => vec!["Passed"],
        _ => return None,
    })
}

/// Fails where an expression names a metric, a label or a value that the operator does not export.
pub fn check(expr: &str, place: &str) {
    let all = exported();
    let mut labels: BTreeSet<&str> = OF_PROMETHEUS.into();
    let names = names(expr);
    assert!(!names.is_empty(), "{place} names no metric: {expr}");
    for (name, after) in names {
        let found = all.values().find(|metric| metric.samples.contains(name));
        let metric = found.unwrap_or_else(|| unknown(name, place));
        labels.extend(metric.labels.iter().map(String::as_str));
        for (label, value) in matchers(after) {
            let is_known = metric.labels.contains(label) || OF_PROMETHEUS.contains(&label);
            assert!(is_known, "{place}: {name} has no label {label}");
            if let Some(known) = values(label) {
                for one in value.split('|') {
                    assert!(known.contains(&one), "{place}: no {label} is {one}");
                }
            }
        }
    }
    for label in grouped(expr) {
        assert!(labels.contains(label), "{place}: no metric has {label}");
    }
}

fn unknown(name: &str, place: &str) -> ! {
    let all: Vec<_> = exported().into_keys().collect();
    panic!("{place} names {name}, which is none of {all:#?}")
}

#[test]
fn what_is_not_exported_is_found() {
    check(
        "sum by (reason) (rate(eks_upgrade_objects{job=~\"$job\", reason!=\"Queued\"}[5m]))",
        "right",
    );
    for wrong in [
        "eks_upgrade_object",
        "eks_upgrade_update_duration_seconds",
        "eks_upgrade_objects{kind=\"a\"}",
        "eks_upgrade_objects{reason=~\"Queued|Waiting\"}",
        "eks_upgrade_eks_calls_total{operation=\"a\",outcome=\"Throttled\"}",
        "sum by (name) (eks_upgrade_objects)",
        "up",
    ] {
        let found = std::panic::catch_unwind(|| check(wrong, "wrong"));
        assert!(found.is_err(), "{wrong}");
    }
}
