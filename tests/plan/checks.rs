//! What each check finds, and what it means for the start.

use eks_upgrade_operator::api::{Check, CheckResult, Reason};
use eks_upgrade_operator::eks::HealthIssue;

use super::evidence::{addon, group, insight};
use super::rollbacks::assert_says;
use super::timing::at;
use super::world::{World, minutes};

/// The check as status shows it.
pub fn check(world: &World, code: &str) -> Check {
    let shown = world.memory.preflight.as_ref().unwrap();
    let mut checks = shown.checks.iter();
    checks.find(|check| check.code == code).unwrap().clone()
}

/// An upgrade from 1.33 to 1.34 in which a check fails.
pub fn fails(change: impl FnOnce(&mut World)) -> World {
    let mut world = World::new("1.33", "1.34");
    change(&mut world);
    world.settle();
    assert_eq!(world.reason(), "PreflightFailed", "{}", world.message());
    assert!(world.sent.is_empty());
    world
}

/// The same, suspended, so that what is found shows and nothing starts.
fn shows(change: impl FnOnce(&mut World)) -> World {
    let mut world = World::new("1.33", "1.34");
    world.edit(|wish| wish.suspend = true);
    change(&mut world);
    world.stays(Reason::Suspended, minutes(60));
    world
}

#[test]
fn all_is_well() {
    let world = shows(|_| {});
    let shown = world.memory.preflight.as_ref().unwrap();
    assert_eq!(shown.result, CheckResult::Passed);
    let codes: Vec<_> = shown
        .checks
        .iter()
        .map(|check| check.code.as_str())
        .collect();
    assert_eq!(
        codes,
        [
            "VersionOffered",
            "ClusterHealth",
            "UpgradeInsights",
            "NodeSkew",
            "AddonCompatibility"
        ]
    );
    for check in &shown.checks {
        assert_eq!(check.result, CheckResult::Passed, "{check:?}");
        assert!(check.findings.is_empty());
        assert!(check.message.ends_with('.'), "{}", check.message);
    }
}

#[test]
fn nodes_may_be_three_minors_behind_and_never_newer() {
    for (version, expected) in [
        ("1.34", CheckResult::Passed),
        ("1.33", CheckResult::Warning),
        ("1.31", CheckResult::Warning),
        ("1.30", CheckResult::Failed),
        ("1.9", CheckResult::Failed),
        ("1.35", CheckResult::Failed),
        ("", CheckResult::Unknown),
        ("1.34.1", CheckResult::Unknown),
    ] {
        let world = shows(|world| world.eks.nodegroups = vec![group("workers", version)]);
        let found = check(&world, "NodeSkew");
        assert_eq!(found.result, expected, "{version}: {}", found.message);
        if expected != CheckResult::Passed {
            assert_eq!(found.findings[0].id, "workers");
        }
    }
}

#[test]
fn nodes_that_are_too_old_are_updated_first() {
    let mut world = fails(|world| {
        world.eks.nodegroups = vec![group("good", "1.33"), group("old", "1.30")];
    });
    assert_says(&world, &["NodeSkew: old", "4 minors behind 1.34"]);
    assert!(!world.message().contains("good"));
    world.eks.nodegroups = vec![group("old", "1.31")];
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn other_nodes_are_covered_by_ekss_insight_or_named_as_not_checked() {
    let other = |world: &World| check(world, "NodeSkew");
    let without = shows(|world| world.eks.upgrade_insights.clear());
    assert_eq!(other(&without).result, CheckResult::Warning);
    assert!(other(&without).message.contains("Not checked: Fargate"));
    // It says nothing good of them unless it passes.
    for status in ["UNKNOWN", "WARNING", "ERROR", "NEW_WORD"] {
        let world = shows(|world| {
            world.eks.upgrade_insights = vec![insight("k1", "Kubelet version skew", status, "So.")];
        });
        assert_eq!(other(&world).result, CheckResult::Warning, "{status}");
    }
    let world = shows(|_| {});
    assert_eq!(other(&world).result, CheckResult::Passed);
}

#[test]
fn an_add_on_that_does_not_fit_names_those_that_do() {
    let mut world = fails(|world| {
        world.eks.addons = vec![
            addon("vpc-cni", "v5", &["v5"]),
            addon("coredns", "v1.9.3", &["v1.11.4", "v1.11.1", "v1.10"]),
        ];
    });
    assert_says(
        &world,
        &[
            "coredns",
            "Version v1.9.3 does not fit Kubernetes 1.34",
            "v1.11.1 (default), v1.11.4, v1.10",
        ],
    );
    assert!(!world.message().contains("vpc-cni"));
    world.eks.addons[1].fits.clear();
    world.settle();
    assert_says(&world, &["EKS offers no version of it for 1.34"]);
}

#[test]
fn a_degraded_add_on_warns() {
    let world = shows(|world| {
        let mut coredns = addon("coredns", "v1", &["v1"]);
        "DEGRADED".clone_into(&mut coredns.view.status);
        coredns.view.issues = vec![HealthIssue {
            code: "InsufficientNumberOfReplicas".to_owned(),
            message: "The add-on is unhealthy.".to_owned(),
            resource_ids: Vec::new(),
        }];
        world.eks.addons = vec![coredns];
    });
    let found = check(&world, "AddonCompatibility");
    assert_eq!(found.result, CheckResult::Warning);
    for word in ["DEGRADED", "InsufficientNumberOfReplicas", "unhealthy"] {
        assert!(found.message.contains(word), "{}", found.message);
    }
}

#[test]
fn an_add_on_that_is_being_updated_is_well() {
    let world = shows(|world| {
        let mut coredns = addon("coredns", "v1", &["v1"]);
        "UPDATING".clone_into(&mut coredns.view.status);
        world.eks.addons = vec![coredns];
    });
    assert_eq!(
        check(&world, "AddonCompatibility").result,
        CheckResult::Passed
    );
}

#[test]
fn a_cluster_that_is_not_well_is_not_upgraded() {
    let mut world = fails(|world| {
        world.eks.cluster.health = vec![HealthIssue {
            code: "Ec2SecurityGroupNotFound".to_owned(),
            message: "The security group is gone.".to_owned(),
            resource_ids: vec!["sg-1".to_owned()],
        }];
    });
    assert_says(
        &world,
        &["ClusterHealth: Ec2SecurityGroupNotFound", "is gone", "sg-1"],
    );
    world.stays(Reason::PreflightFailed, minutes(60));
    world.eks.cluster.health.clear();
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn what_else_runs_is_a_finding_while_it_runs() {
    let mut world = World::new("1.33", "1.34");
    world.edit(|wish| wish.suspend = true);
    world.foreign("AddonUpdate", None);
    world.settle();
    let found = check(&world, "ClusterHealth");
    assert_eq!(found.result, CheckResult::Failed);
    assert!(
        found.message.contains("AddonUpdate u1 runs"),
        "{}",
        found.message
    );
    world.run(minutes(20));
    assert_eq!(check(&world, "ClusterHealth").result, CheckResult::Passed);
}

#[test]
fn the_end_of_support_is_warned_of_and_shown() {
    let end = at("2026-12-24T00:00:00Z");
    let mut world = World::new("1.33", "1.34");
    world.edit(|wish| wish.suspend = true);
    world.eks.support_ends.insert("1.33".parse().unwrap(), end);
    world.stays(Reason::Suspended, minutes(60));
    let found = check(&world, "VersionOffered");
    assert_eq!(found.result, CheckResult::Warning);
    assert!(
        found
            .message
            .contains("standard support of Kubernetes 1.33 ends at 2026-12-24")
    );
    let support = world.memory.support.clone().unwrap();
    assert_eq!(support.current.end_of_standard_support, Some(end));
    assert_eq!(support.target.unwrap().version, "1.34".parse().unwrap());
    // It holds nothing up.
    world.edit(|wish| wish.suspend = false);
    world.settle();
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a_cluster_at_its_version_says_when_support_ends_soon() {
    let end = at("2027-01-25T00:00:00Z");
    let mut world = World::new("1.33", "1.33");
    world.eks.support_ends.insert("1.33".parse().unwrap(), end);
    world.stays(Reason::UpToDate, minutes(60));
    assert!(!world.message().contains("support"));
    world.now = at("2026-11-26T00:00:00Z");
    world.stays(Reason::UpToDate, minutes(60));
    assert_says(
        &world,
        &["standard support ends at 2027-01-25", "spec.version"],
    );
}

#[test]
fn insights_by_their_status() {
    for (status, expected) in [
        ("PASSING", CheckResult::Passed),
        ("WARNING", CheckResult::Warning),
        ("UNKNOWN", CheckResult::Warning),
        ("ERROR", CheckResult::Failed),
        ("SOMETHING_NEW", CheckResult::Unknown),
        ("", CheckResult::Unknown),
    ] {
        let world = shows(|world| {
            world
                .eks
                .upgrade_insights
                .push(insight("i1", "A name", status, ""));
        });
        assert_eq!(
            check(&world, "UpgradeInsights").result,
            expected,
            "{status}"
        );
    }
}
