//! Updates that EKS gave up on: told in full, and tried again only when a person says so.

use serde_json::json;

use crate::world::{World, condition, message, update};

const FAILS_ONCE: &str = "{durations: {update: 500ms}, clusters: [{name: prod, version: '1.33',
    outcomes: [{version: '1.34', times: 1, fail: {errorCode: EniLimitReached, errorMessage: too many interfaces, resourceIds: [subnet-0abc, subnet-0def]}}]}]}";

async fn failed() -> (World, harness::Process) {
    let world = World::new(FAILS_ONCE).await;
    let operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpdateFailed").await;
    world.until_told("prod", "UpdateFailed").await;
    (world, operator)
}

#[tokio::test]
async fn a_failure_is_told_with_code_message_and_resources() {
    let (world, _operator) = failed().await;
    let object = world.get("prod").await;
    let (ready, _, message) = condition(&object, "Ready").unwrap();
    assert_eq!(ready, "False");
    assert_eq!(condition(&object, "Stalled").unwrap().0, "True");
    let note = world.until_told("prod", "UpdateFailed").await;
    for part in [
        "EniLimitReached",
        "too many interfaces",
        "subnet-0abc",
        "subnet-0def",
    ] {
        assert!(message.contains(part), "{message}");
        assert!(note.contains(part), "{note}");
    }
    let update = update(&object).unwrap();
    let error = &update.errors[0];
    assert_eq!(error.error_code, "EniLimitReached");
    assert_eq!(error.error_message, "too many interfaces");
    assert_eq!(error.resource_ids, ["subnet-0abc", "subnet-0def"]);
    assert!(update.finished_at.is_some());
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.history[0].id, update.id);
    assert_eq!(status.cluster.as_ref().unwrap().version, "1.33");
}

#[tokio::test]
async fn a_failure_is_not_repeated_by_itself_nor_by_suspending_or_labels() {
    let (world, _operator) = failed().await;
    world.looks("prod", 3).await;
    for suspend in [true, false, true, false] {
        world
            .patch("prod", json!({"spec": {"suspend": suspend}}))
            .await;
        world.until_reason("prod", "UpdateFailed").await;
    }
    world
        .patch("prod", json!({"metadata": {"labels": {"a": "b"}, "annotations": {"eksupgrade.dev/retry-requested-at": "yes please"}}}))
        .await;
    world
        .until("the annotation is said to be wrong", "prod", |object| {
            message(object).contains("yes please")
        })
        .await;
    world
        .patch("prod", json!({"metadata": {"annotations": {"eksupgrade.dev/retry-requested-at": "2020-01-01T00:00:00Z"}}}))
        .await;
    world.looks("prod", 2).await;
    assert_eq!(world.sends("prod").len(), 1);
    world
        .until_all_told("prod", &["UpdateStarted", "UpdateFailed"])
        .await;
}

#[tokio::test]
async fn a_failure_is_not_repeated_by_a_restart() {
    let (world, mut operator) = failed().await;
    operator.kill9().unwrap();
    let _restarted = world.operator();
    world.looks("prod", 3).await;
    assert_eq!(world.sends("prod").len(), 1);
    world
        .until_all_told("prod", &["UpdateStarted", "UpdateFailed"])
        .await;
}

#[tokio::test]
async fn the_annotation_permits_one_more_try() {
    let (world, _operator) = failed().await;
    world.retry("prod").await;
    let done = world.until_reason("prod", "UpToDate").await;
    let sends = world.sends("prod");
    assert_eq!(sends.len(), 2, "{sends:?}");
    assert_ne!(sends[0].token, sends[1].token, "another attempt");
    let status = done.status.unwrap();
    assert_eq!(status.attempts, Some(2));
    let ends: Vec<_> = status
        .history
        .iter()
        .map(|past| past.status.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(ends, ["Successful", "Failed"]);
}

#[tokio::test]
async fn one_annotation_is_one_try() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33',
          outcomes: [{version: '1.34', times: 5, fail: {errorCode: Unknown, errorMessage: no, resourceIds: []}}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpdateFailed").await;
    world.retry("prod").await;
    world
        .until("the second try failed", "prod", |object| {
            object.status.as_ref().is_some_and(|s| s.history.len() == 2)
        })
        .await;
    world.looks("prod", 3).await;
    assert_eq!(world.sends("prod").len(), 2);
    world
        .until_all_told(
            "prod",
            &[
                "UpdateStarted",
                "UpdateFailed",
                // EKS is to look again as well.
                "WaitingForCluster",
                "UpdateStarted",
                "UpdateFailed",
            ],
        )
        .await;
}

#[tokio::test]
async fn another_version_permits_another_try() {
    let (world, _operator) = failed().await;
    world.ask_for("prod", "1.35").await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.34", "1.35"]);
}

#[tokio::test]
async fn a_version_asked_for_and_taken_back_permits_nothing() {
    let (world, _operator) = failed().await;
    world
        .patch(
            "prod",
            json!({"spec": {"version": "1.35", "suspend": true}}),
        )
        .await;
    world.looks("prod", 2).await;
    world
        .patch(
            "prod",
            json!({"spec": {"version": "1.34", "suspend": false}}),
        )
        .await;
    world.until_reason("prod", "UpdateFailed").await;
    world.looks("prod", 2).await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn an_update_that_is_cancelled_is_told_and_not_repeated() {
    let world = World::new(
        "{durations: {update: 500ms}, clusters: [{name: prod, version: '1.33', outcomes: [{version: '1.34', times: 1, cancelled: true}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let cancelled = world.until_reason("prod", "UpdateCancelled").await;
    assert_eq!(condition(&cancelled, "Stalled").unwrap().0, "True");
    world.looks("prod", 3).await;
    assert_eq!(world.sends("prod").len(), 1);
    world
        .until_all_told("prod", &["UpdateStarted", "UpdateCancelled"])
        .await;
    world.retry("prod").await;
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn a_failure_in_the_second_hop_leaves_the_first_done() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33',
          outcomes: [{version: '1.35', times: 1, fail: {errorCode: Unknown, errorMessage: no, resourceIds: []}}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.36")).await;
    let failed = world.until_reason("prod", "UpdateFailed").await;
    let status = failed.status.unwrap();
    assert_eq!(status.cluster.unwrap().version, "1.34");
    let path: Vec<_> = status.path.iter().map(ToString::to_string).collect();
    assert_eq!(path, ["1.35", "1.36"]);
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
}

#[tokio::test]
async fn an_old_failure_is_forgotten_once_the_cluster_is_where_it_should_be() {
    let (world, _operator) = failed().await;
    world.happens("prod", "{update: {version: '1.34', duration: 300ms}}");
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.sends("prod").len(), 1);
}
