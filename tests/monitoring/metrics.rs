//! What the operator exports, from a scrape in which every metric has a sample.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use eks_upgrade_operator::api::{CheckCode, CheckResult};
use eks_upgrade_operator::metrics::{
    ClusterInfo, FinishedUpdate, Glance, Metrics, RunningUpdate, SupportEnd,
};
use eks_upgrade_operator::store::Key;
use jiff::Timestamp;

/// One metric.
#[derive(Debug, Default)]
pub struct Metric {
    pub kind: String,
    pub help: String,
    pub labels: BTreeSet<String>,
    /// The names of its samples, as a query has them.
    pub samples: BTreeSet<String>,
}

/// All metrics, by the name that people call them by: with `_total` and `_info`, without `_bucket`.
pub fn exported() -> BTreeMap<String, Metric> {
    let text = scrape();
    let mut families: BTreeMap<String, Metric> = BTreeMap::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name) = (words.next().unwrap(), words.next().unwrap_or_default());
            let rest = words.next().unwrap_or_default().to_owned();
            match what {
                "HELP" => families.entry(name.to_owned()).or_default().help = rest,
                "TYPE" => families.entry(name.to_owned()).or_default().kind = rest,
                _ => {}
            }
            continue;
        }
        let (key, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
        let of = |family: &&String| {
            name.strip_prefix(family.as_str()).is_some_and(|rest| {
                ["", "_total", "_info", "_bucket", "_sum", "_count"].contains(&rest)
            })
        };
        let family = families.keys().find(of).unwrap().clone();
        let metric = families.get_mut(&family).unwrap();
        metric.samples.insert(name.to_owned());
        for label in labels.trim_end_matches('}').split("\",") {
            if let Some((label, _)) = label.split_once('=')
                && label != "le"
            {
                metric.labels.insert(label.to_owned());
            }
        }
    }
    let called = |name: String, kind: &str| match kind {
        "counter" => format!("{name}_total"),
        "info" => format!("{name}_info"),
        _ => name,
    };
    let families = families.into_iter();
    families
        .map(|(name, metric)| (called(name, &metric.kind), metric))
        .collect()
}

/// A scrape in which every metric has a sample: whoever adds one and does not touch it here is told so.
fn scrape() -> String {
    let metrics = Arc::new(Metrics::default());
    let (key, second) = (
        Key {
            namespace: "namespace".to_owned(),
            name: "name".to_owned(),
        },
        Duration::from_secs(1),
    );
    metrics.reconciled(second);
    metrics.reconcile_failed("bug");
    metrics.eks_call("eks:DescribeCluster", "ok", second);
    metrics.kube_call("apply", "ok");
    metrics.observation_failed("throttled");
    metrics.sent("accepted");
    metrics.cancel_sent("accepted");
    metrics.event("UpToDate");
    metrics.overdue();
    metrics.update_finished(FinishedUpdate {
        kind: "VersionUpdate",
        result: "Successful",
        took: second,
    });
    metrics.due_in(key.clone(), Duration::ZERO);
    let _looking = metrics.looks_at(&key);
    let glance = Glance {
        reasons: vec![("UpToDate", 1)],
        state_times: vec![("UpToDate", second)],
        stalled: vec![(key.clone(), "NotAllowed")],
        running: 1,
        running_updates: vec![RunningUpdate {
            key: key.clone(),
            began: Some(Timestamp::UNIX_EPOCH),
            is_overdue: false,
        }],
        clusters: vec![(
            key.clone(),
            ClusterInfo {
                cluster: "cluster".to_owned(),
                region: "region".to_owned(),
                version: "1.33".to_owned(),
                platform_version: "eks.1".to_owned(),
                target: "1.34".to_owned(),
            },
        )],
        rollback_windows: vec![(key.clone(), Timestamp::UNIX_EPOCH)],
        checks: vec![(CheckCode::NodeSkew, CheckResult::Passed, 1)],
        support_ends: vec![SupportEnd {
            key,
            of: "current",
            support: "standard",
            at: Timestamp::UNIX_EPOCH,
        }],
    };
    metrics.scrape(|| glance, Timestamp::UNIX_EPOCH).unwrap()
}

#[test]
fn every_metric_has_a_sample_a_meaning_and_our_prefix() {
    let all = exported();
    assert!(all.len() > 20, "{all:#?}");
    for (name, metric) in all {
        assert!(
            !metric.samples.is_empty(),
            "{name} has no sample: touch it in scrape()"
        );
        assert!(metric.help.len() > 10, "{name}");
        assert!(name.starts_with("eks_upgrade_"), "{name}");
        let words = name.split('_').all(|word| !word.is_empty());
        assert!(words && name == name.to_lowercase(), "{name}");
    }
}

#[test]
fn labels_are_written_as_prometheus_reads_them() {
    let all = exported();
    let labels = |name: &str| all[name].labels.iter().cloned().collect::<Vec<_>>();
    assert_eq!(
        labels("eks_upgrade_update_duration_seconds"),
        ["result", "type"]
    );
    assert_eq!(labels("eks_upgrade_build_info"), ["version"]);
    assert_eq!(
        labels("eks_upgrade_stalled"),
        ["name", "namespace", "reason"]
    );
}
