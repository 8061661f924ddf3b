//! A status that somebody else wrote into, such as a restore or an edit: server-side apply takes away no field that another
//! manager owns too.

use harness::eventually;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::world::{DEADLINE, World, address, metric, update};

/// Writes into an object's status as a restore would, with a field manager of its own.
async fn restore(world: &World, name: &str, status: Value) {
    let params = PatchParams {
        field_manager: Some("restore".to_owned()),
        ..PatchParams::default()
    };
    world
        .objects
        .patch_status(name, &params, &Patch::Merge(json!({"status": status})))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_intent_over_a_restored_update_is_an_open_intent_in_the_api_server_too() {
    let world = World::new(
        "{durations: {update: 600ms}, clusters: [{name: prod, version: '1.33', faults: [
           {kind: hang, work: atOnce, lasts: 30s, times: 1, operations: [UpdateClusterVersion]}]}]}",
    )
    .await;
    world.create(World::manifest("prod", "1.34")).await;
    let old = json!({
        "id": "00000000-0000-4000-8000-000000000000", "type": "VersionUpdate", "status": "Successful",
        "fromVersion": "1.32", "toVersion": "1.33", "createdAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:10:00Z",
    });
    restore(&world, "prod", json!({"update": old, "history": [old]})).await;

    let mut operator = world.operator();
    world
        .until_asked("the send is under way", |call| call.accepted)
        .await;
    let object = world.get("prod").await;
    let intent = update(&object).unwrap();
    assert!(intent.is_open_intent(), "{intent:?}");
    assert_eq!(intent.finished_at, None);
    operator.kill9().unwrap();

    let _restarted = world.operator();
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted("prod").len(), 1);
    assert_eq!(update(&done).unwrap().attempt, Some(1), "known as its own");
}

#[tokio::test]
async fn a_condition_of_somebody_else_stays_and_costs_no_writes() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    world.create(World::manifest("prod", "1.33")).await;
    let theirs = json!([{
        "type": "Reviewed", "status": "True", "reason": "ByHand", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]);
    restore(&world, "prod", json!({"conditions": theirs})).await;
    let mut operator = world.program_with("100ms", "200ms").start().unwrap();
    let metrics = address(&mut operator).await;
    let settled = world.until_reason("prod", "UpToDate").await;
    let applies = r#"eks_upgrade_kube_calls_total{operation="apply status",outcome="ok"}"#;
    // The API server shows a write before the operator has counted its answer.
    let writes = eventually("its write is counted", DEADLINE, async || {
        metric(&metrics, applies).await
    });
    let writes = writes.await.unwrap();
    let looks = world.asked("DescribeCluster").len();
    world
        .until("it was looked at three more times", "prod", |_| {
            world.asked("DescribeCluster").len() >= looks + 3
        })
        .await;
    let later = world.get("prod").await;
    assert_eq!(
        later.metadata.resource_version,
        settled.metadata.resource_version
    );
    assert_eq!(metric(&metrics, applies).await, Some(writes));
    let types: Vec<_> = later
        .status
        .iter()
        .flat_map(|status| &status.conditions)
        .map(|condition| condition.type_.as_str())
        .collect();
    assert!(
        types.contains(&"Reviewed") && types.contains(&"Ready"),
        "{types:?}"
    );
}

#[tokio::test]
async fn a_condition_whose_time_has_a_fraction_is_carried_on_like_any_other() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    world.create(World::manifest("prod", "1.33")).await;
    let ready = json!([{
        "type": "Ready", "status": "True", "reason": "UpToDate", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00.123456Z",
    }]);
    restore(&world, "prod", json!({"conditions": ready})).await;
    let operator = world.operator();
    let done = world.until_reason("prod", "UpToDate").await;
    world.looks("prod", 1).await;
    let log = operator.lines().join("\n");
    assert!(!log.contains("refuses a status write"), "{log}");
    let since = &done.status.unwrap().conditions[0].last_transition_time.0;
    assert_eq!(since.to_string(), "2026-01-01T00:00:00Z");
}
