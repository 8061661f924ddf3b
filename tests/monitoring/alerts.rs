//! `deploy/monitoring/alerts.yaml` and its tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::Deserialize;

use crate::{expression, file, promtool};

const ALERTS: &str = "deploy/monitoring/alerts.yaml";
const TESTS: &str = "deploy/monitoring/alerts_test.yaml";
const RUNBOOK: &str =
    "https://github.com/eks-upgrade-operator/eks-upgrade-operator/blob/main/docs/runbook.md#";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(rename = "name")]
    _name: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub alert: String,
    pub expr: String,
    pub r#for: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Tests {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    alert_rule_test: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    /// Absent where another expectation is repeated for another time.
    alertname: Option<String>,
    #[serde(default)]
    exp_alerts: Vec<serde_norway::Value>,
}

pub fn rules() -> Vec<Rule> {
    let text = fs::read_to_string(file(ALERTS)).unwrap();
    let file: File = serde_norway::from_str(&text).unwrap();
    file.groups
        .into_iter()
        .flat_map(|group| group.rules)
        .collect()
}

#[test]
fn prometheus_takes_them_and_they_fire_when_they_should() {
    promtool(&["check", "rules", ALERTS]);
    promtool(&["test", "rules", TESTS]);
}

#[test]
fn each_is_tested_to_fire_and_not_to_fire() {
    let text = fs::read_to_string(file(TESTS)).unwrap();
    let tests: Tests = serde_norway::from_str(&text).unwrap();
    let mut fires = BTreeSet::new();
    let mut is_silent = BTreeSet::new();
    for expected in tests.tests.into_iter().flat_map(|it| it.alert_rule_test) {
        let Expected {
            alertname: Some(name),
            exp_alerts,
        } = expected
        else {
            continue;
        };
        if exp_alerts.is_empty() {
            is_silent.insert(name);
        } else {
            fires.insert(name);
        }
    }
    let all: BTreeSet<String> = rules().into_iter().map(|rule| rule.alert).collect();
    assert!(!all.is_empty());
    assert_eq!(fires, all);
    assert_eq!(is_silent, all);
}

#[test]
fn each_says_how_bad_it_is_and_what_to_do_and_asks_for_what_is_exported() {
    for rule in rules() {
        let Rule {
            alert,
            expr,
            r#for: _,
            labels,
            annotations,
        } = rule;
        expression::check(&expr, &alert);
        let severity = labels.get("severity").map(String::as_str);
        assert!(matches!(severity, Some("warning" | "critical")), "{alert}");
        assert!(annotations["summary"].len() > 20, "{alert}");
        assert!(annotations["description"].len() > 100, "{alert}");
        assert_eq!(
            annotations["runbook_url"],
            format!("{RUNBOOK}{}", alert.to_lowercase())
        );
        for (name, _) in expression::names(&annotations["description"]) {
            let all = crate::metrics::exported();
            assert!(all.contains_key(name), "{alert} speaks of {name}");
        }
    }
}
