//! The plan: what will be called, and when, to be read before anything happens.

use eks_upgrade_operator::api::{CheckResult, ClusterUpgrade, GateState, Step};
use harness::eventually;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::preflight;
use crate::world::{DEADLINE, World, address, condition, message, metric};

fn steps(object: &ClusterUpgrade) -> &[Step] {
    let plan = object
        .status
        .as_ref()
        .and_then(|status| status.plan.as_ref());
    plan.map_or(&[], |plan| &plan.steps)
}

fn calls(object: &ClusterUpgrade) -> Vec<&str> {
    steps(object)
        .iter()
        .map(|step| step.call.as_str())
        .collect()
}

fn gates(step: &Step) -> Vec<(&str, GateState)> {
    let gates = step.gates.iter();
    gates.map(|gate| (gate.gate.as_str(), gate.state)).collect()
}

/// An add-on that does not fit the next version, and insights that are too old to count.
const SCENARIO: &str = "{durations: {update: 300ms, insightsRefresh: 300ms},
    addonVersions: [{addon: coredns, version: v2, kubernetes: ['1.33', '1.34', '1.35'], default: ['1.34']}],
    clusters: [{name: prod, version: '1.33', insightsRefreshed: 13h,
                nodegroups: [{name: workers, version: '1.33'}], addons: [{name: coredns, version: v1}]}]}";

/// Everything that is not only read.
const MUTATING: [&str; 2] = ["UpdateClusterVersion", "CancelUpdate"];

#[tokio::test]
async fn a_suspended_object_shows_its_plan_and_its_checks_and_nothing_is_changed() {
    let world = World::new(SCENARIO).await;
    let _operator = world.operator();
    let mut manifest = World::manifest("prod", "1.35");
    manifest["spec"]["suspend"] = true.into();
    world.create(manifest).await;
    let planned = world
        .until("all is shown", "prod", |object| {
            let insights = preflight::check(object, "UpgradeInsights");
            insights.is_some_and(|insights| insights.result == CheckResult::Passed)
        })
        .await;
    assert_eq!(
        calls(&planned),
        ["UpdateClusterVersion 1.34", "UpdateClusterVersion 1.35"]
    );
    assert_eq!(
        gates(&steps(&planned)[0]),
        [
            ("Suspend", GateState::Closed),
            ("Hold", GateState::Open),
            ("Freeze", GateState::Open),
            ("Preflight", GateState::Closed)
        ]
    );
    assert_eq!(
        gates(&steps(&planned)[1]),
        [("Preflight", GateState::Pending)]
    );
    let addons = preflight::check(&planned, "AddonCompatibility").unwrap();
    assert_eq!(addons.result, CheckResult::Failed);
    assert!(
        addons.message.contains("v2 (default)"),
        "{}",
        addons.message
    );
    assert!(
        message(&planned).contains("1.34, 1.35"),
        "{}",
        message(&planned)
    );

    // While nothing changes, little is asked and nothing is written.
    let before = world.about("prod").len();
    let listed = world.asked("ListAddons").len();
    let looked = world.asked("DescribeCluster").len();
    world.looks("prod", 12).await;
    let looked = world.asked("DescribeCluster").len() - looked;
    let listed = world.asked("ListAddons").len() - listed;
    assert!(listed <= looked / 2, "{listed} lists in {looked} looks");
    let asked = world.about("prod").len() - before;
    assert!(asked <= 7 * looked, "{asked} calls in {looked} looks");
    let later = world.get("prod").await;
    assert_eq!(
        later.metadata.resource_version,
        planned.metadata.resource_version
    );
    assert_eq!(world.asked("StartInsightsRefresh").len(), 1);
    for operation in MUTATING {
        assert!(world.asked(operation).is_empty(), "{operation}");
    }

    // What was planned is what comes.
    world.happens("prod", "{addon: {name: coredns, version: v2}}");
    world
        .patch("prod", json!({"spec": {"suspend": false}}))
        .await;
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    assert!(steps(&done).is_empty());
}

#[tokio::test]
async fn a_plan_counts_the_steps_from_gate_to_gate() {
    let world = World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', tags: {eksupgrade.dev/hold: audit}}]}").await;
    let _operator = world.operator();
    let mut manifest = World::manifest("prod", "1.36");
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let in_three_days = (Timestamp::now() + 72.hours()).to_zoned(berlin);
    manifest["spec"]["schedule"] = json!({
        "windows": [{"days": [in_three_days.strftime("%a").to_string()], "start": "02:00", "duration": "1m", "timeZone": "Europe/Berlin"}],
        "bake": "48h",
    });
    manifest["spec"]["force"] = json!({"version": "1.35", "reason": "looked at"});
    world.create(manifest).await;
    let held = world.until_reason("prod", "Held").await;
    assert_eq!(
        steps(&held)[0].earliest_start,
        None,
        "who holds it knows until when"
    );
    assert_eq!(
        gates(&steps(&held)[0])[1..4],
        [
            ("Hold", GateState::Closed),
            ("Freeze", GateState::Open),
            ("Window", GateState::Closed)
        ]
    );
    world.happens("prod", "{tags: {eksupgrade.dev/hold: null}}");
    let planned = world.until_reason("prod", "OutsideWindow").await;
    assert_eq!(
        calls(&planned),
        [
            "UpdateClusterVersion 1.34",
            "UpdateClusterVersion 1.35, force",
            "UpdateClusterVersion 1.36"
        ]
    );
    let starts: Vec<_> = steps(&planned)
        .iter()
        .map(|step| step.earliest_start.unwrap())
        .collect();
    let first = planned.status.as_ref().unwrap().schedule.as_ref().unwrap();
    assert_eq!(first.next_start, Some(starts[0].to_string()));
    // Each in a window of its own.
    for pair in starts.windows(2) {
        let days = pair[1].duration_since(pair[0]).as_hours();
        assert!((6 * 24..8 * 24).contains(&days), "{starts:?}");
    }
}

#[tokio::test]
async fn checks_and_ends_of_support_are_metrics_and_a_condition() {
    let world = World::new(SCENARIO).await;
    let mut operator = world.operator();
    let address = address(&mut operator).await;
    world.create(World::manifest("prod", "1.34")).await;
    let held = world.until_reason("prod", "PreflightFailed").await;
    let (passed, why, which) = condition(&held, "PreflightPassed").unwrap();
    assert_eq!((passed, why), ("False", "Failed"));
    assert!(which.contains("AddonCompatibility Failed"), "{which}");

    let until_it_is = async |name: &str, wanted: Option<f64>| {
        // The API server shows a write before the operator has taken note of it.
        eventually(&format!("{name} is {wanted:?}"), DEADLINE, async || {
            let value = metric(&address, name).await;
            if value == wanted {
                Ok(())
            } else {
                Err(format!("{value:?}"))
            }
        })
        .await
        .unwrap();
    };
    let failed = r#"eks_upgrade_preflight_checks{check="AddonCompatibility",result="Failed"}"#;
    until_it_is(failed, Some(1.0)).await;
    let support = held.status.as_ref().unwrap().support.clone().unwrap();
    let end = |of: &str| {
        format!(
            "eks_upgrade_support_end_timestamp_seconds{{namespace=\"{}\",name=\"prod\",of=\"{of}\",support=\"standard\"}}",
            world.namespace
        )
    };
    let target = support.target.unwrap();
    for (of, support) in [("current", support.current), ("target", target)] {
        let ends = support.end_of_standard_support.unwrap();
        until_it_is(&end(of), Some(ends.as_duration().as_secs_f64())).await;
    }
    world.happens("prod", "{addon: {name: coredns, version: v2}}");
    world.until_reason("prod", "UpToDate").await;
    until_it_is(failed, Some(0.0)).await;
    until_it_is(&end("target"), None).await;
}
