//! The checks before a hop: what fails holds it up in the words of who found it, and what could not run does so too.

use eks_upgrade_operator::api::{CheckResult, OnUnknown, PreflightMode, Reason};
use eks_upgrade_operator::eks::{Deprecation, EksError, ErrorKind, InsightDetail};
use eks_upgrade_operator::plan::Insight;

use super::checks::{check, fails};
use super::eks::error;
use super::evidence::{addon, group, insight};
use super::rollbacks::assert_says;
use super::timing::{at, window};
use super::world::{World, minutes, seconds};

/// EKS's finding about the upgrade to 1.33.
pub fn deprecated() -> Insight {
    let mut found = insight(
        "i-7",
        "Deprecated APIs removed in Kubernetes v1.33",
        "ERROR",
        "Deprecated API usage detected within the last 30 days.",
    );
    found.detail = Some(InsightDetail {
        recommendation: "Update manifests and clients.".to_owned(),
        resources: Vec::new(),
        deprecations: vec![Deprecation {
            usage: "/apis/flowcontrol.apiserver.k8s.io/v1beta3/flowschemas".to_owned(),
            replaced_with: Some("v1".to_owned()),
            stop_serving_version: Some("1.33".to_owned()),
            clients: vec!["argo-cd".to_owned()],
        }],
    });
    found
}

pub fn blocked() -> World {
    let mut world = World::new("1.31", "1.33");
    let to = "1.33".parse().unwrap();
    world.eks.insights_of.insert(to, vec![deprecated()]);
    world
}

/// A read that is denied.
pub fn denied(operation: &'static str) -> EksError {
    EksError {
        operation,
        ..error(ErrorKind::AccessDenied)
    }
}

#[test]
fn an_insight_holds_up_the_hop_that_it_is_about_in_its_own_words() {
    let mut world = blocked();
    world.run(minutes(20));
    assert_eq!(world.told, ["Updating", "send 1.32", "PreflightFailed"]);
    assert_says(
        &world,
        &[
            "from 1.32 to 1.33 failed: UpgradeInsights",
            "Deprecated APIs removed in Kubernetes v1.33",
            "ERROR: Deprecated API usage detected",
            "flowschemas",
            "not served from 1.33 on",
            "replaced by v1",
            "argo-cd",
            "EKS recommends: Update manifests and clients",
            "spec.preflight.waivers",
        ],
    );
    let found = check(&world, "UpgradeInsights");
    assert_eq!(found.result, CheckResult::Failed);
    assert_eq!(found.findings[0].id, "i-7");
    world.stays(Reason::PreflightFailed, minutes(5 * 24 * 60));
    // Mended, it goes on by itself.
    world.eks.insights_of.clear();
    world.run(minutes(40));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn what_fails_is_shown_while_the_window_is_days_away() {
    let mut world = blocked();
    world.run(minutes(20));
    world.edit(|_| {});
    world.gate(|gates| gates.windows.push(window(&["Sat"], "02:00", "4h")));
    world.stays(Reason::OutsideWindow, minutes(3 * 24 * 60));
    let shown = world.memory.preflight.clone().unwrap();
    assert_eq!(shown.result, CheckResult::Failed);
    assert_eq!(shown.version, "1.33".parse().unwrap());
    world.now = at("2026-11-28T02:00:00Z");
    world.settle();
    assert_eq!(world.reason(), "PreflightFailed");
}

#[test]
fn a_running_update_is_untouched_by_what_is_found_meanwhile() {
    let mut world = World::new("1.33", "1.35");
    world.run(minutes(3));
    world.eks.addons = vec![addon("coredns", "v1", &["v3", "v2"])];
    world.run(minutes(20));
    assert_eq!(world.told, ["Updating", "send 1.34", "PreflightFailed"]);
    assert_eq!(world.memory.history.len(), 1);
}

#[test]
fn what_is_denied_is_unknown_at_once_and_named_by_its_permission() {
    for (read, operation, code) in [
        ("check nodegroups", "eks:ListNodegroups", "NodeSkew"),
        (
            "check addons",
            "eks:DescribeAddonVersions",
            "AddonCompatibility",
        ),
        (
            "check refresh",
            "eks:DescribeInsightsRefresh",
            "UpgradeInsights",
        ),
        ("check insights", "eks:ListInsights", "UpgradeInsights"),
    ] {
        let mut world = World::new("1.33", "1.34");
        world.eks.broken.insert(read, denied(operation));
        world.settle();
        assert_eq!(world.reason(), "PreflightUnknown", "{read}");
        assert_says(
            &world,
            &[operation, code, "spec.preflight.onUnknown", "IAM policy"],
        );
        let found = check(&world, code);
        assert_eq!(found.result, CheckResult::Unknown);
        assert_eq!(found.findings[0].id, operation);
        world.stays(Reason::PreflightUnknown, minutes(600));
        world.eks.broken.clear();
        world.run(minutes(30));
        assert_eq!(
            world.told,
            ["PreflightUnknown", "Updating", "send 1.34", "UpToDate"]
        );
    }
}

#[test]
fn a_refresh_that_may_not_be_started_is_unknown() {
    let mut world = World::new("1.33", "1.34");
    world.eks.upgrade_refresh_takes = Some(seconds(40));
    let denied = denied("eks:StartInsightsRefresh");
    world.eks.broken.insert("check start refresh", denied);
    world.stays(Reason::PreflightUnknown, minutes(120));
    assert_says(&world, &["eks:StartInsightsRefresh"]);
}

#[test]
fn what_passes_in_a_moment_changes_nothing_and_what_lasts_is_unknown() {
    for kind in [ErrorKind::Throttled, ErrorKind::Unavailable] {
        let mut world = blocked();
        world.run(minutes(20));
        let (message, checks) = (world.message().to_owned(), world.memory.preflight.clone());
        world.eks.broken.insert("check addons", error(kind));
        for _ in 0..2 {
            world.settle();
            assert_eq!(world.message(), message);
            assert_eq!(world.memory.preflight, checks);
            world.sleep();
        }
        world.settle();
        assert_eq!(world.reason(), "PreflightUnknown");
        assert_says(&world, &["AddonCompatibility", "argo-cd"]);
        world.stays(Reason::PreflightUnknown, minutes(60));
        world.eks.broken.clear();
        world.run(minutes(20));
        assert_eq!(world.message(), message);
    }
}

#[test]
fn on_unknown_proceed_lets_what_could_not_run_pass_and_nothing_that_failed() {
    let mut world = World::new("1.33", "1.34");
    world.gate(|gates| gates.preflight.on_unknown = OnUnknown::Proceed);
    let denied = denied("eks:ListInsights");
    world.eks.broken.insert("check insights", denied.clone());
    world.settle();
    assert_eq!(world.sent.len(), 1, "{}", world.message());

    let mut world = World::new("1.33", "1.34");
    world.gate(|gates| gates.preflight.on_unknown = OnUnknown::Proceed);
    world.eks.broken.insert("check insights", denied);
    world.eks.nodegroups = vec![group("old", "1.30")];
    world.stays(Reason::PreflightFailed, minutes(60));
}

#[test]
fn warn_shows_and_holds_nothing_up() {
    let mut world = blocked();
    world.gate(|gates| gates.preflight.mode = PreflightMode::Warn);
    world
        .eks
        .broken
        .insert("check addons", denied("eks:ListAddons"));
    world.run(minutes(12));
    assert_eq!(world.sent.len(), 2, "{}", world.message());
    assert_eq!(check(&world, "UpgradeInsights").result, CheckResult::Failed);
    assert_eq!(
        check(&world, "AddonCompatibility").result,
        CheckResult::Unknown
    );
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.memory.preflight, None);
}

#[test]
fn unknown_weighs_more_than_failed_and_both_are_said() {
    let mut world = World::new("1.33", "1.34");
    world.eks.nodegroups = vec![group("old", "1.30")];
    world
        .eks
        .broken
        .insert("check addons", denied("eks:ListAddons"));
    world.stays(Reason::PreflightUnknown, minutes(60));
    assert_says(&world, &["eks:ListAddons", "NodeSkew: old"]);
}

#[test]
fn an_open_intent_is_not_sent_again_once_a_check_fails() {
    let mut world = World::new("1.33", "1.34");
    world.fates.push_back(super::eks::Fate::RequestLost);
    world.step();
    world.eks.addons = vec![addon("coredns", "v1", &["v2"])];
    world.run(minutes(25));
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.told, ["Updating", "send 1.34", "PreflightFailed"]);
}

#[test]
fn findings_without_end_are_told_in_part() {
    let mut world = World::new("1.33", "1.34");
    world.eks.nodegroups = (0..400)
        .map(|n| group(&format!("group-{n}-{}", "x".repeat(300)), "1.20"))
        .collect();
    world.eks.upgrade_insights = (0..400)
        .map(|n| {
            insight(
                &format!("i{n}"),
                &"n".repeat(900),
                "ERROR",
                &"why ".repeat(4_000),
            )
        })
        .collect();
    world.stays(Reason::PreflightFailed, minutes(60));
    assert!(world.message().len() <= 8_000);
    assert_says(&world, &["more in status"]);
    let text = serde_json::to_string(&world.memory.preflight).unwrap();
    assert!(text.len() < 64_000, "{} bytes", text.len());
    for code in ["NodeSkew", "UpgradeInsights"] {
        let found = check(&world, code);
        assert_eq!(found.findings.len(), 16);
        assert!(
            found.message.len() <= 1024 && found.message.contains("400")
                || found.message.ends_with('…')
        );
    }
}

#[test]
fn several_checks_that_fail_are_all_said() {
    let mut world = fails(|world| {
        world.eks.nodegroups = vec![group("old", "1.30")];
        world.eks.addons = vec![addon("coredns", "v1", &["v2"])];
    });
    assert_says(&world, &["NodeSkew: old", "AddonCompatibility: coredns"]);
    world.stays(Reason::PreflightFailed, minutes(60));
}
