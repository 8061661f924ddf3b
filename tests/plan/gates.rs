//! What matters for rollbacks alone: permissions, and what EKS says about readiness.

use eks_upgrade_operator::api::RollbackReadiness;
use eks_upgrade_operator::eks::{InsightView, NodegroupView, RefreshStatus, RefreshView};
use eks_upgrade_operator::plan::{Observed, Readiness, RollbackPermit};
use jiff::SignedDuration;
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::crowded::{offered, read};
use super::past::{lately, minor};

/// What is asked before a rollback, and for its readiness.
pub fn gates() -> impl Strategy<Value = Observed> {
    let group =
        select(vec!["1.32", "1.33", "1.34", "1.35", "?"]).prop_map(|version| NodegroupView {
            name: "workers".to_owned(),
            version: version.to_owned(),
        });
    let status = select(vec![
        RefreshStatus::None,
        RefreshStatus::InProgress,
        RefreshStatus::Completed,
        RefreshStatus::Completed,
        RefreshStatus::Completed,
        RefreshStatus::Failed("FAILED".to_owned()),
    ]);
    let refresh =
        (status, option::weighted(0.9, lately())).prop_map(|(status, ended_at)| RefreshView {
            status,
            started_at: None,
            ended_at,
        });
    let insight =
        select(vec!["PASSING", "PASSING", "WARNING", "ERROR", "UNKNOWN"]).prop_map(|status| {
            InsightView {
                id: "i1".to_owned(),
                name: "Kubelet version skew".to_owned(),
                status: status.to_owned(),
                reason: "As EKS says.".to_owned(),
            }
        });
    let readiness = (vec(insight.clone(), 0..3), offered())
        .prop_map(|(insights, offered)| Readiness { insights, offered });
    (
        read(vec(group, 0..2)),
        read(refresh),
        read(vec(insight, 0..2)),
        read(readiness),
    )
        .prop_map(|(nodegroups, refresh, insights, readiness)| Observed {
            nodegroups,
            refresh,
            insights,
            readiness,
            ..Observed::default()
        })
}

/// What status says of readiness.
pub fn readiness() -> impl Strategy<Value = Option<RollbackReadiness>> {
    let known = (
        select(vec!["u1", "u2"]),
        minor([1, 2, 1, 0]),
        lately(),
        lately(),
        weighted(0.5),
    )
        .prop_map(
            |(id, to_version, expires_at, checked_at, eligible)| RollbackReadiness {
                eligible,
                to_version,
                update_id: id.to_owned(),
                expires_at: expires_at + SignedDuration::from_hours(100),
                blockers: Vec::new(),
                checked_at,
            },
        );
    option::weighted(0.3, known)
}

/// What the manifest permits.
pub fn permit() -> impl Strategy<Value = Option<RollbackPermit>> {
    let permit = (
        minor([0, 6, 2, 0]),
        select(vec!["u1", "u1", "u2", "u3"]),
        select(vec!["2h", "12h", "12h"]),
    )
        .prop_map(|(from, update_id, timeout)| RollbackPermit {
            from,
            update_id: update_id.to_owned(),
            timeout: timeout.parse().unwrap(),
        });
    option::weighted(0.5, permit)
}
