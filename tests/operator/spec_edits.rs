//! The spec changes while things happen.

use serde_json::json;

use crate::world::{World, condition, message, update};

#[tokio::test]
async fn a_suspended_object_shows_its_plan_and_sends_nothing() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    let mut manifest = World::manifest("prod", "1.35");
    manifest["spec"]["suspend"] = json!(true);
    world.create(manifest).await;
    let suspended = world.until_reason("prod", "Suspended").await;
    let path: Vec<_> = suspended
        .status
        .as_ref()
        .unwrap()
        .path
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(path, ["1.34", "1.35"]);
    world.looks("prod", 3).await;
    assert_eq!(world.sends("prod").len(), 0);
    world
        .patch("prod", json!({"spec": {"suspend": false}}))
        .await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
}

#[tokio::test]
async fn suspended_in_mid_update_the_update_is_followed_and_nothing_new_is_sent() {
    let world =
        World::new("{durations: {update: 2s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    world.until_running("prod").await;
    world
        .patch("prod", json!({"spec": {"suspend": true}}))
        .await;
    let running = world
        .until("suspension is said", "prod", |object| {
            message(object).contains("suspended")
        })
        .await;
    assert_eq!(condition(&running, "Ready").unwrap().1, "Updating");
    let suspended = world.until_reason("prod", "Suspended").await;
    let status = suspended.status.unwrap();
    assert_eq!(status.cluster.unwrap().version, "1.34");
    assert_eq!(status.history.len(), 1);
    world.looks("prod", 2).await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn raised_in_mid_update_the_hop_ends_and_the_way_goes_on() {
    let world =
        World::new("{durations: {update: 1s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let running = world.until_running("prod").await;
    world.ask_for("prod", "1.36").await;
    world
        .until("the plan is new", "prod", |object| {
            object.status.as_ref().is_some_and(|s| s.path.len() == 3)
        })
        .await;
    let still = world.get("prod").await;
    assert_eq!(update(&still).unwrap().id, running.id);
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35", "1.36"]);
}

#[tokio::test]
async fn lowered_in_mid_update_the_hop_ends_and_nothing_goes_back() {
    let world =
        World::new("{durations: {update: 1s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    world.until_running("prod").await;
    world.ask_for("prod", "1.33").await;
    let ahead = world.until_reason("prod", "ClusterAheadOfSpec").await;
    assert_eq!(ahead.status.unwrap().history.len(), 1);
    world.looks("prod", 3).await;
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
}

#[tokio::test]
async fn deleted_in_mid_update_nothing_more_is_sent_and_a_recreated_object_adopts() {
    let world = World::new(
        "{durations: {update: 4s}, clusters: [{name: prod, version: '1.33'}, {name: other, version: '1.33'}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let first = world.until_running("prod").await;
    world.delete("prod").await;
    world.create(World::manifest("other", "1.33")).await;
    world.until_reason("other", "UpToDate").await;
    assert_eq!(world.sends("prod").len(), 1);

    world.create(World::manifest("prod", "1.34")).await;
    let adopted = world.until_running("prod").await;
    assert_eq!(adopted.id, first.id);
    assert_eq!(adopted.attempt, None);
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn an_object_that_is_being_deleted_is_left_alone() {
    let world = World::new(
        "{durations: {update: 1s}, clusters: [{name: prod, version: '1.33'}, {name: other, version: '1.33'}]}",
    )
    .await;
    let _operator = world.operator();
    let mut manifest = World::manifest("prod", "1.35");
    manifest["metadata"]["finalizers"] = json!(["example.com/hold"]);
    world.create(manifest).await;
    world.until_running("prod").await;
    world.delete("prod").await;
    let deleting = world.get("prod").await;
    assert!(deleting.metadata.deletion_timestamp.is_some());
    // Longer than the update of the first takes.
    world.create(World::manifest("other", "1.35")).await;
    world.until_reason("other", "UpToDate").await;
    let still = world.get("prod").await;
    assert_eq!(
        still.metadata.resource_version,
        deleting.metadata.resource_version
    );
    assert_eq!(world.sends("prod").len(), 1);
    world
        .patch("prod", json!({"metadata": {"finalizers": null}}))
        .await;
}

#[tokio::test]
async fn a_spec_settles_before_its_first_send() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.program().args(["--settle", "2s"]).start().unwrap();
    world.create(World::manifest("prod", "1.36")).await;
    world.until_reason("prod", "Queued").await;
    // A correction within the quiet time: what was asked for first is never sent.
    world.ask_for("prod", "1.34").await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
}
