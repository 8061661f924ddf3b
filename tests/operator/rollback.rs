//! Rollbacks on the real API server: permitted for one update, followed, counted down, cancelled.

use harness::eventually;
use serde_json::json;

use crate::world::{DEADLINE, World, address, message, metric, reason, update};

/// A cluster at 1.34, upgraded an hour ago by update `up`, whose window is open, and whose insights are from before that.
const UPGRADED: &str = "{durations: {update: 500ms, rollback: 500ms, insightsRefresh: 300ms},
    clusters: [{name: prod, version: '1.34', insightsRefreshed: 2h, history: [{version: '1.34', age: 1h, id: up-1}]}]}";

/// An Auto Mode cluster whose nodes take their time.
const AUTO_MODE: &str = "{durations: {update: 500ms, rollback: 500ms, nodePhase: 1h, cancellation: 500ms, insightsRefresh: 300ms},
    clusters: [{name: prod, version: '1.34', autoMode: true, history: [{version: '1.34', age: 1h, id: up-1}]}]}";

fn permit(id: &str) -> serde_json::Value {
    json!({"spec": {"version": "1.33", "rollback": {"fromVersion": "1.34", "updateId": id, "timeout": "3h"}}})
}

#[tokio::test]
async fn the_exact_permission_makes_one_rollback_and_no_other() {
    let world = World::new(UPGRADED).await;
    let mut operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let ready = world.until_reason("prod", "UpToDate").await;
    let readiness = ready.status.unwrap().rollback.expect("the window is open");
    assert!(readiness.eligible);
    assert_eq!(readiness.update_id, "up-1");
    assert_eq!(readiness.to_version.to_string(), "1.33");
    let address = address(&mut operator).await;
    let gauge = format!(
        "eks_upgrade_rollback_window_seconds{{namespace=\"{}\",name=\"prod\"}}",
        world.namespace
    );
    // The API server shows a write before the operator has taken note of it.
    let left = eventually("there is a countdown", DEADLINE, async || {
        metric(&address, &gauge).await
    });
    let left = left.await.unwrap();
    assert!((6.9 * 86_400.0..7.0 * 86_400.0).contains(&left), "{left}");

    // A reverted commit alone is no permission.
    world.ask_for("prod", "1.33").await;
    let ahead = world.until_reason("prod", "ClusterAheadOfSpec").await;
    assert!(
        message(&ahead).contains("spec.rollback.updateId: \"up-1\""),
        "{}",
        message(&ahead)
    );
    assert_eq!(world.sends("prod").len(), 0);

    world.patch("prod", permit("up-1")).await;
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.33"]);
    let rolled = update(&done).unwrap();
    assert_eq!(rolled.kind, "VersionRollback");
    assert_eq!(rolled.timeout.unwrap().to_string(), "3h");
    assert_eq!(done.status.as_ref().unwrap().rollback, None);
    eventually("the countdown is over", DEADLINE, async || {
        metric(&address, &gauge).await.is_none().then_some(())
    })
    .await
    .unwrap();
    world
        .until_all_told(
            "prod",
            &[
                "UpToDate",
                "ClusterAheadOfSpec",
                "PreflightUnknown",
                "UpdateStarted",
                "UpdateSucceeded",
                "UpToDate",
            ],
        )
        .await;

    // Somebody upgrades again; the manifest stays, and the status is wiped.
    world.happens("prod", "{update: {version: '1.34', duration: 300ms}}");
    let refused = world.until_reason("prod", "ClusterAheadOfSpec").await;
    assert!(
        message(&refused).contains("names up-1"),
        "{}",
        message(&refused)
    );
    world.wipe_status("prod").await;
    let refused = world.until_reason("prod", "ClusterAheadOfSpec").await;
    assert!(
        message(&refused).contains("names up-1"),
        "{}",
        message(&refused)
    );
    assert_eq!(world.accepted_versions("prod"), ["1.33"]);

    // And the permission, which is still there, is in nobody's way.
    world.ask_for("prod", "1.35").await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.33", "1.35"]);
}

#[tokio::test]
async fn a_rollback_whose_answer_is_lost_is_adopted() {
    let world = World::new(UPGRADED).await;
    world.fault("{kind: lostAfter, operations: [UpdateClusterVersion], times: 1}");
    let mut manifest = World::manifest("prod", "1.33");
    manifest["spec"]["rollback"] = permit("up-1")["spec"]["rollback"].clone();
    let _operator = world.operator();
    world.create(manifest).await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.sends("prod").len(), 1);
    assert_eq!(world.truth("prod").updates.len(), 2);
}

#[tokio::test]
async fn what_eks_would_refuse_is_said_before() {
    let world = World::new(
        "{durations: {rollback: 300ms, insightsRefresh: 300ms}, clusters: [
          {name: created, version: '1.34'},
          {name: late, version: '1.34', history: [{version: '1.34', age: 200h, id: up-1}]},
          {name: nodes, version: '1.34', history: [{version: '1.34', age: 1h, id: up-1}], nodegroups: [{name: workers, version: '1.34'}]},
          {name: insights, version: '1.34', history: [{version: '1.34', age: 1h, id: up-1}],
           insights: {rollback: [{name: Kubelet version skew, status: UNKNOWN}]}},
        ]}",
    )
    .await;
    let _operator = world.operator();
    for (name, wanted, word) in [
        ("created", "ClusterAheadOfSpec", "created with it"),
        ("late", "ClusterAheadOfSpec", "seven days"),
        ("nodes", "PreflightFailed", "workers (1.34)"),
        (
            "insights",
            "PreflightFailed",
            "Kubelet version skew (UNKNOWN",
        ),
    ] {
        let mut manifest = World::manifest(name, "1.33");
        manifest["spec"]["rollback"] = permit("up-1")["spec"]["rollback"].clone();
        world.create(manifest).await;
        let held = world.until_reason(name, wanted).await;
        assert!(message(&held).contains(word), "{}", message(&held));
        assert_eq!(world.sends(name).len(), 0);
    }
    // What is mended is seen by itself.
    world.happens("nodes", "{nodegroup: {name: workers, version: '1.33'}}");
    world.until_reason("nodes", "UpToDate").await;
    // And force is for insights.
    world
        .patch(
            "insights",
            json!({"spec": {"force": {"version": "1.33", "reason": "CHG-1"}}}),
        )
        .await;
    world.until_reason("insights", "UpToDate").await;
    assert!(world.accepted("insights")[0].force);
}

#[tokio::test]
async fn a_rollback_that_is_no_longer_asked_for_is_cancelled_once() {
    let world = World::new(AUTO_MODE).await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    world.patch("prod", permit("up-1")).await;
    let running = world.until_running("prod").await;
    assert_eq!(running.kind, "VersionRollback");
    let object = world.get("prod").await;
    assert_eq!(reason(&object), "Updating");
    // The answer is lost, so that it has to be found out.
    world.fault("{kind: lostAfter, operations: [CancelUpdate], times: 1}");
    world.ask_for("prod", "1.34").await;
    let done = world.until_reason("prod", "UpToDate").await;
    let cancelled = update(&done).unwrap();
    assert_eq!(cancelled.status.as_ref().unwrap().as_str(), "Cancelled");
    assert_eq!(world.asked("CancelUpdate").len(), 1);
    world.until_told("prod", "CancelAccepted").await;
    world.until_told("prod", "UpdateCancelled").await;
    // Without a person nothing is tried again.
    world.ask_for("prod", "1.33").await;
    world.until_reason("prod", "UpdateCancelled").await;
    world.looks("prod", 3).await;
    assert_eq!(world.accepted_versions("prod"), ["1.33"]);
    world.retry("prod").await;
    eventually("it is rolled back again", DEADLINE, async || {
        (world.accepted_versions("prod").len() == 2).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn nothing_is_cancelled_while_suspended() {
    let world = World::new(AUTO_MODE).await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    world.patch("prod", permit("up-1")).await;
    world.until_running("prod").await;
    world
        .patch(
            "prod",
            json!({"spec": {"version": "1.34", "suspend": true}}),
        )
        .await;
    world
        .until("it says so", "prod", |object| {
            message(object).contains("not cancelled: the object is suspended")
        })
        .await;
    assert_eq!(world.asked("CancelUpdate").len(), 0);
    world
        .patch("prod", json!({"spec": {"suspend": false}}))
        .await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.asked("CancelUpdate").len(), 1);
}
