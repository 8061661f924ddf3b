//! The checks before a hop: what they find holds it up, in words that lead on, and nothing else does.

use eks_upgrade_operator::api::{Check, CheckResult, ClusterUpgrade, PreflightStatus};
use serde_json::{Value, json};

use crate::world::{World, message, update};

/// The checks that the object shows.
pub fn preflight(object: &ClusterUpgrade) -> Option<&PreflightStatus> {
    object.status.as_ref()?.preflight.as_ref()
}

/// One of them.
pub fn check<'a>(object: &'a ClusterUpgrade, code: &str) -> Option<&'a Check> {
    let mut checks = preflight(object)?.checks.iter();
    checks.find(|check| check.code == code)
}

fn result(object: &ClusterUpgrade, code: &str) -> Option<CheckResult> {
    check(object, code).map(|check| check.result)
}

fn waiver(check: &str, finding: &str, version: &str) -> Value {
    json!({"spec": {"preflight": {"waivers": [{
        "check": check, "finding": finding, "version": version,
        "reason": "CHG-7: moved last week", "expires": "2999-01-01T00:00:00Z",
    }]}}})
}

/// Kubernetes 1.33 no longer serves what somebody still uses, and EKS knows.
const DEPRECATED: &str = "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.31',
    outcomes: [{version: '1.33', duration: 4s}],
    insights: {upgrade: [{name: Deprecated APIs removed in 1.33, status: ERROR, version: '1.33',
      reason: Deprecated API usage detected within the last 30 days, recommendation: Move to the new API,
      deprecations: [{usage: /apis/old/v1beta1, replacedWith: /apis/old/v1, stopServingVersion: '1.33',
                      clients: [{userAgent: night-job/v1}]}]}]}}]}";

#[tokio::test]
async fn an_error_of_eks_holds_the_second_hop_until_it_is_waived_for_that_version() {
    let world = World::new(DEPRECATED).await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.33")).await;
    let held = world.until_reason("prod", "PreflightFailed").await;
    assert_eq!(world.accepted_versions("prod"), ["1.32"], "one hop is done");
    assert_eq!(held.status.as_ref().unwrap().history.len(), 1);

    let shown = preflight(&held).unwrap();
    assert_eq!(
        (shown.version.to_string().as_str(), shown.result),
        ("1.33", CheckResult::Failed)
    );
    for check in &shown.checks {
        let is_it = check.code == "UpgradeInsights";
        assert_eq!(check.result == CheckResult::Failed, is_it, "{check:?}");
    }
    let finding = &check(&held, "UpgradeInsights").unwrap().findings[0];
    assert_eq!(
        finding.name.as_deref(),
        Some("Deprecated APIs removed in 1.33")
    );
    for words in [
        "Deprecated API usage detected",
        "/apis/old/v1beta1",
        "replaced by /apis/old/v1",
        "night-job/v1",
        "Move to the new API",
    ] {
        assert!(finding.message.contains(words), "{words} in {finding:?}");
    }
    for words in ["Deprecated API usage detected", "spec.preflight.waivers"] {
        assert!(message(&held).contains(words), "{}", message(&held));
    }
    let told = world.until_told("prod", "PreflightFailed").await;
    assert!(told.contains("Deprecated API usage detected"), "{told}");

    for (finding, version) in [
        ("Deprecated APIs removed in 1.33", "1.32"),
        ("Some other insight", "1.33"),
    ] {
        let waiver = waiver("UpgradeInsights", finding, version);
        world.patch("prod", waiver).await;
        world.until_reason("prod", "PreflightFailed").await;
        assert_eq!(world.sends("prod").len(), 1, "{finding} for {version}");
    }

    let waiver = waiver("UpgradeInsights", "Deprecated APIs removed in 1.33", "1.33");
    world.patch("prod", waiver).await;
    world
        .until("it goes on", "prod", |object| {
            update(object).is_some_and(|update| update.is_running() && update.attempt == Some(2))
        })
        .await;
    let shown = world
        .until("it is shown as waived", "prod", |object| {
            result(object, "UpgradeInsights") == Some(CheckResult::Waived)
        })
        .await;
    let finding = &check(&shown, "UpgradeInsights").unwrap().findings[0];
    assert!(finding.message.contains("CHG-7"), "{finding:?}");
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(preflight(&done), None, "no hop is to come");
    assert!(world.accepted("prod").iter().all(|send| !send.force));
}

/// Each of these operations is denied for the cluster of its name.
const DENIED: [(&str, &str); 8] = [
    ("nodegroups", "ListNodegroups"),
    ("nodegroup", "DescribeNodegroup"),
    ("addons", "ListAddons"),
    ("addon", "DescribeAddon"),
    ("fits", "DescribeAddonVersions"),
    ("refresh", "DescribeInsightsRefresh"),
    ("start", "StartInsightsRefresh"),
    ("insights", "ListInsights"),
];

fn denied() -> String {
    let clusters = DENIED.map(|(name, operation)| {
        json!({
            "name": name, "version": "1.33", "insightsRefreshed": "2h",
            "nodegroups": [{"name": "workers", "version": "1.33"}],
            "addons": if name == "fits" { json!([{"name": "coredns", "version": "v1"}]) }
                else if name == "addon" { json!([{"name": "vpc-cni", "version": "v1"}]) } else { json!([]) },
            "faults": if name == "fits" { json!([]) }
                else { json!([{"kind": "accessDenied", "operations": [operation]}]) },
        })
    });
    json!({
        "durations": {"update": "10m"}, "clusters": clusters,
        "faults": [{"kind": "accessDenied", "operations": ["DescribeAddonVersions"]}],
    })
    .to_string()
}

#[tokio::test]
async fn what_may_not_be_asked_holds_it_and_names_the_permission_unless_told_to_proceed() {
    let world = World::new(&denied()).await;
    let _operator = world.operator();
    for (name, _) in DENIED {
        world.create(World::manifest(name, "1.34")).await;
    }
    for (name, operation) in DENIED {
        let held = world.until_reason(name, "PreflightUnknown").await;
        let permission = format!("eks:{operation}");
        assert!(
            message(&held).contains(&permission),
            "{permission} in {}",
            message(&held)
        );
        assert_eq!(preflight(&held).unwrap().result, CheckResult::Unknown);
        assert_eq!(world.sends(name).len(), 0);
    }
    let proceed = json!({"spec": {"preflight": {"onUnknown": "Proceed"}}});
    for (name, _) in DENIED {
        world.patch(name, proceed.clone()).await;
    }
    for (name, _) in DENIED {
        world.until_running(name).await;
        let running = world.get(name).await;
        assert_eq!(
            preflight(&running).map(|it| it.result),
            Some(CheckResult::Unknown)
        );
    }
}

/// An add-on that does not fit 1.34, and everything else that a check can find.
const TROUBLED: &str = "{durations: {update: 2s},
    addonVersions: [{addon: coredns, version: v1.12.1-eksbuild.2, kubernetes: ['1.33', '1.34'], default: ['1.34']},
                    {addon: coredns, version: v1.12.0-eksbuild.1, kubernetes: ['1.33', '1.34']},
                    {addon: coredns, version: v1.11.4-eksbuild.2, kubernetes: ['1.32', '1.33'], default: ['1.33']}],
    clusters: [
      {name: addon, version: '1.33', addons: [{name: coredns, version: v1.11.4-eksbuild.2}]},
      {name: nodes, version: '1.33', nodegroups: [{name: workers, version: '1.30'}]},
      {name: health, version: '1.33', health: [{code: Ec2SubnetNotFound, message: A subnet is gone., resourceIds: [subnet-1]}]},
      {name: insight, version: '1.33', insights: {upgrade: ERROR}},
    ]}";

/// Each trouble's cluster, the check that finds it, words for it, and how it is mended.
const TROUBLES: [(&str, &str, &[&str], &str); 4] = [
    (
        "addon",
        "AddonCompatibility",
        &[
            "coredns",
            "v1.12.1-eksbuild.2 (default)",
            "v1.12.0-eksbuild.1",
        ],
        "{addon: {name: coredns, version: v1.12.1-eksbuild.2}}",
    ),
    (
        "nodes",
        "NodeSkew",
        &["workers", "1.30"],
        "{nodegroup: {name: workers, version: '1.33'}}",
    ),
    (
        "health",
        "ClusterHealth",
        &["Ec2SubnetNotFound", "A subnet is gone", "subnet-1"],
        "{health: []}",
    ),
    (
        "insight",
        "UpgradeInsights",
        &["ERROR"],
        "{insights: {upgrade: PASSING}}",
    ),
];

#[tokio::test]
async fn what_is_mended_is_seen_at_once_by_whoever_asks_for_another_try() {
    let world = World::new(TROUBLED).await;
    // Nothing else brings it to look again.
    let _operator = world.program_with("100ms", "10m").start().unwrap();
    for (name, code, words, mend) in TROUBLES {
        world.create(World::manifest(name, "1.34")).await;
        let held = world.until_reason(name, "PreflightFailed").await;
        assert_eq!(result(&held, code), Some(CheckResult::Failed));
        for word in words {
            assert!(message(&held).contains(word), "{word}: {}", message(&held));
        }
        world.happens(name, mend);
        world.retry(name).await;
        world.until_running(name).await;
    }
}

#[tokio::test]
async fn what_is_mended_is_seen_by_itself_and_with_mode_warn_it_holds_nothing_up() {
    let world = World::new(TROUBLED).await;
    let _operator = world.operator();
    for (name, _, _, mend) in &TROUBLES[..3] {
        world.create(World::manifest(name, "1.34")).await;
        world.until_reason(name, "PreflightFailed").await;
        world.happens(name, mend);
        world.until_running(name).await;
    }
    let mut manifest = World::manifest("insight", "1.34");
    manifest["spec"]["preflight"] = json!({"mode": "Warn"});
    world.create(manifest).await;
    world.until_running("insight").await;
    let running = world.get("insight").await;
    assert_eq!(
        result(&running, "UpgradeInsights"),
        Some(CheckResult::Failed)
    );
    assert!(!world.accepted("insight")[0].force);
}
