//! `deploy/monitoring/dashboard.json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{expression, file, promtool};

fn panels() -> Vec<Value> {
    let text = fs::read_to_string(file("deploy/monitoring/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    // Grafana takes the id for that of one of its own.
    assert_eq!(dashboard["id"], Value::Null);
    assert!(
        dashboard["schemaVersion"].as_u64() >= Some(39),
        "Grafana 11"
    );
    dashboard["panels"].as_array().unwrap().clone()
}

/// Title and expression of every query.
fn queries() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in panels() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap();
            found.push((title.to_owned(), expr.to_owned()));
        }
    }
    assert!(found.len() > 20);
    found
}

#[test]
fn every_panel_asks_for_what_is_exported() {
    for (title, expr) in queries() {
        expression::check(&expr, &title);
        let selectors = expr.matches("eks_upgrade_").count();
        let of_job = expr.matches("{job=~\"$job\"").count();
        assert_eq!(selectors, of_job, "{title} mixes installations: {expr}");
    }
}

#[test]
fn prometheus_understands_every_query() {
    let rules: Vec<Value> = queries()
        .into_iter()
        .enumerate()
        .map(|(index, (_, expr))| {
            let expr = expr
                .replace("$__rate_interval", "1m")
                .replace("$__range", "1h");
            json!({"record": format!("panel:query{index}"), "expr": expr})
        })
        .collect();
    let text = json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard-rules.yaml");
    fs::write(&path, text).unwrap();
    promtool(&["check", "rules", path.to_str().unwrap()]);
}

#[test]
fn every_panel_has_a_place_a_source_and_words() {
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels() {
        let title = panel["title"].as_str().unwrap();
        assert!(!title.is_empty());
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        let at = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{title}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{title} lies on another");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(panel["description"].as_str().unwrap().len() > 5, "{title}");
        let source = json!({"type": "prometheus", "uid": "${datasource}"});
        assert_eq!(panel["datasource"], source, "{title}");
        let mut refs = BTreeSet::new();
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"], source, "{title}");
            assert!(refs.insert(target["refId"].as_str().unwrap()), "{title}");
        }
    }
}
