//! What the checks before an upgrade look at: mostly nothing against it.

use eks_upgrade_operator::eks::{
    AddonVersion, AddonView, EksError, HealthIssue, InsightDetail, InsightView, NodegroupView,
    RefreshStatus, RefreshView,
};
use eks_upgrade_operator::plan::{Addon, Evidence, Insight, Reading};
use jiff::{SignedDuration, Timestamp};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::arbitrary::failure;

/// An answer of now.
pub fn new<T>(at: Timestamp, answer: Result<T, EksError>) -> Reading<T> {
    Reading {
        at,
        is_new: true,
        answer,
    }
}

/// An insight of EKS.
pub fn insight(id: &str, name: &str, status: &str, reason: &str) -> Insight {
    Insight {
        view: InsightView {
            id: id.to_owned(),
            name: name.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
        },
        detail: None,
    }
}

/// The insight by which EKS covers nodes of every kind.
pub fn kubelets() -> Insight {
    insight("k1", "Kubelet version skew", "PASSING", "None is too old.")
}

/// An installed add-on, and the versions of it that fit.
pub fn addon(name: &str, version: &str, fits: &[&str]) -> Addon {
    Addon {
        view: AddonView {
            name: name.to_owned(),
            version: version.to_owned(),
            status: "ACTIVE".to_owned(),
            issues: Vec::new(),
        },
        fits: fits
            .iter()
            .enumerate()
            .map(|(index, version)| AddonVersion {
                version: (*version).to_owned(),
                is_default: index == 1,
            })
            .collect(),
    }
}

pub fn group(name: &str, version: &str) -> NodegroupView {
    NodegroupView {
        name: name.to_owned(),
        version: version.to_owned(),
    }
}

pub fn refreshed(at: Timestamp) -> RefreshView {
    RefreshView {
        status: RefreshStatus::Completed,
        started_at: Some(at),
        ended_at: Some(at),
    }
}

/// Nothing speaks against the upgrade, and it was looked at just now.
pub fn well(now: Timestamp) -> Evidence {
    Evidence {
        nodegroups: Some(new(now, Ok(Vec::new()))),
        addons: Some(new(now, Ok(Vec::new()))),
        refresh: Some(new(now, Ok(refreshed(now)))),
        insights: Some(new(now, Ok(vec![kubelets()]))),
    }
}

/// What is wrong with an answer, if anything.
fn reading<T: Clone + std::fmt::Debug + 'static>(
    now: Timestamp,
    answer: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Option<Reading<T>>> {
    let answer = prop_oneof![
        12 => answer.prop_map(Ok),
        1 => failure().prop_map(Err),
    ];
    let age = select(vec![0, 0, 0, 30, 61, 1700, 1900, 90_000]);
    (answer, age, weighted(0.7)).prop_map(move |(answer, age, is_new)| {
        Some(Reading {
            at: now - SignedDuration::from_secs(age),
            // An answer that did not come is not kept.
            is_new: is_new || answer.is_err(),
            answer,
        })
    })
}

/// Anything that EKS may answer; half of the time all is well.
pub fn evidence(now: Timestamp) -> impl Strategy<Value = Evidence> {
    let groups = vec(
        select(vec!["1.29", "1.30", "1.31", "1.33", "1.34", "1.36", "?"])
            .prop_map(|version| group("workers", version)),
        0..3,
    );
    let addons = vec(
        (
            weighted(0.7),
            select(vec!["ACTIVE", "ACTIVE", "DEGRADED", "NEW_WORD"]),
        )
            .prop_map(|(does_fit, status)| {
                let mut addon = addon("coredns", if does_fit { "v2" } else { "v1" }, &["v3", "v2"]);
                status.clone_into(&mut addon.view.status);
                if status == "DEGRADED" {
                    addon.view.issues.push(HealthIssue {
                        code: "InsufficientNumberOfReplicas".to_owned(),
                        message: "It is unhealthy.".to_owned(),
                        resource_ids: Vec::new(),
                    });
                }
                addon
            }),
        0..2,
    );
    let insights = vec(
        (
            select(vec![
                "PASSING", "PASSING", "WARNING", "UNKNOWN", "ERROR", "NEW_WORD",
            ]),
            select(vec!["Deprecated APIs", "Kubelet version skew"]),
            weighted(0.5),
        )
            .prop_map(|(status, name, is_described)| {
                let mut insight = insight("i1", name, status, "As EKS says.");
                insight.detail = is_described.then(|| InsightDetail {
                    recommendation: "Do as it says.".to_owned(),
                    resources: vec!["pods/a".to_owned()],
                    deprecations: Vec::new(),
                });
                insight
            }),
        0..3,
    );
    let status = prop_oneof![
        6 => Just(RefreshStatus::Completed),
        1 => Just(RefreshStatus::InProgress),
        1 => Just(RefreshStatus::None),
        1 => Just(RefreshStatus::Failed("FAILED".to_owned())),
    ];
    let age = select(vec![0, 60, 1500, 3500, 3700, 50_000]);
    let refresh = (status, age).prop_map(move |(status, age)| {
        let at = now - SignedDuration::from_secs(age);
        RefreshView {
            started_at: Some(at),
            ended_at: (status != RefreshStatus::InProgress).then_some(at),
            status,
        }
    });
    let any = (
        reading(now, groups),
        reading(now, addons),
        reading(now, refresh),
        reading(now, insights),
    )
        .prop_map(|(nodegroups, addons, refresh, insights)| Evidence {
            nodegroups,
            addons,
            refresh,
            insights,
        });
    prop_oneof![1 => Just(well(now)), 1 => any]
}
