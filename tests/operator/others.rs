//! What others do to the cluster is seen and respected.

use serde_json::json;

use crate::world::{World, message, reason, update};

#[tokio::test]
async fn a_running_update_of_the_very_hop_is_adopted_without_a_call() {
    let world = World::new(
        "{clusters: [{name: prod, version: '1.33', events: [{update: {version: '1.34', duration: 3s}}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let adopted = world.until_running("prod").await;
    assert_eq!(
        adopted.id.as_ref(),
        world.truth("prod").updates.first().map(|u| &u.id)
    );
    assert_eq!(
        (adopted.attempt, adopted.client_request_token),
        (None, None)
    );
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(done.status.unwrap().history.len(), 1);
    assert_eq!(world.sends("prod").len(), 0);
    world
        .until_all_told("prod", &["UpdateAdopted", "UpdateSucceeded", "UpToDate"])
        .await;
}

#[tokio::test]
async fn an_update_of_another_kind_is_waited_for() {
    let world = World::new(
        "{durations: {update: 500ms}, clusters: [{name: prod, version: '1.33',
          events: [{update: {type: VpcConfigUpdate, duration: 3s}}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let waiting = world.until_reason("prod", "WaitingForCluster").await;
    assert!(
        message(&waiting).contains("VpcConfigUpdate"),
        "{}",
        message(&waiting)
    );
    assert_eq!(world.sends("prod").len(), 0);
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.sends("prod").len(), 1);
    world
        .until_all_told(
            "prod",
            &[
                "WaitingForCluster",
                "UpdateStarted",
                "UpdateSucceeded",
                "UpToDate",
            ],
        )
        .await;
}

#[tokio::test]
async fn an_update_of_another_kind_does_not_disturb_a_cluster_that_is_up_to_date() {
    let world = World::new(
        "{clusters: [{name: prod, version: '1.33', events: [{update: {type: VpcConfigUpdate, duration: 10m}}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.33")).await;
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn work_that_no_list_shows_is_waited_for_with_the_same_token() {
    let world = World::new(
        "{durations: {update: 500ms}, clusters: [{name: prod, version: '1.33', events: [{internalWork: 5s}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let waiting = world.until_reason("prod", "WaitingForCluster").await;
    assert_eq!(
        format!("{:?}", world.truth("prod").shown_status).to_uppercase(),
        "ACTIVE"
    );
    let token = update(&waiting).unwrap().client_request_token.clone();
    let done = world.until_reason("prod", "UpToDate").await;
    let sends = world.sends("prod");
    assert_eq!(sends[0].error.as_deref(), Some("ResourceInUseException"));
    assert!(
        sends.iter().all(|send| Some(&send.token) == token.as_ref()),
        "{sends:?}"
    );
    assert_eq!(world.accepted("prod").len(), 1);
    assert_eq!(done.status.unwrap().attempts, Some(1));
}

#[tokio::test]
async fn a_rollback_by_somebody_else_stands_even_when_the_status_is_lost() {
    let world = World::new(
        "{durations: {update: 500ms, rollback: 500ms}, clusters: [{name: prod, version: '1.33'}]}",
    )
    .await;
    let mut operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    world.happens("prod", "{update: {type: VersionRollback}}");
    let rolled_back = world.until_reason("prod", "RolledBackElsewhere").await;
    assert!(
        message(&rolled_back).contains("retry-requested-at"),
        "{}",
        message(&rolled_back)
    );
    world.looks("prod", 3).await;
    assert_eq!(world.sends("prod").len(), 1, "the upgrade at the beginning");

    operator.kill9().unwrap();
    world
        .kubectl(&[
            "patch",
            "cu",
            "prod",
            "--subresource=status",
            "--type=json",
            r#"--patch=[{"op": "replace", "path": "/status", "value": {"observedGeneration": -1}}]"#,
        ])
        .await;
    let wiped = world.get("prod").await;
    assert_eq!(reason(&wiped), "");
    let _restarted = world.operator();
    world.until_reason("prod", "RolledBackElsewhere").await;
    world.looks("prod", 3).await;
    assert_eq!(world.sends("prod").len(), 1);

    world.retry("prod").await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.34"]);
}

#[tokio::test]
async fn a_rollback_that_runs_is_waited_for_and_then_respected() {
    let world = World::new(
        "{durations: {update: 500ms, rollback: 3s}, clusters: [{name: prod, version: '1.34', createdVersion: '1.33',
           history: [{type: VersionUpdate, version: '1.34', status: Successful, age: 1h}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    world.happens("prod", "{update: {type: VersionRollback}}");
    world
        .patch("prod", json!({"spec": {"version": "1.35"}}))
        .await;
    world.until_reason("prod", "WaitingForCluster").await;
    world.until_reason("prod", "RolledBackElsewhere").await;
    assert_eq!(world.sends("prod").len(), 0);
}

#[tokio::test]
async fn a_failure_of_this_hop_that_others_started_is_not_repeated() {
    let world = World::new(
        "{clusters: [{name: prod, version: '1.33', history: [{type: VersionUpdate, version: '1.34', status: Failed, age: 2h,
           errors: [{errorCode: IpNotAvailable, errorMessage: no free addresses, resourceIds: [subnet-1]}]}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let failed = world.until_reason("prod", "UpdateFailed").await;
    for part in ["IpNotAvailable", "no free addresses", "subnet-1"] {
        assert!(message(&failed).contains(part), "{}", message(&failed));
    }
    world.looks("prod", 3).await;
    assert_eq!(world.sends("prod").len(), 0);
    world.until_all_told("prod", &["UpdateFailed"]).await;
}

#[tokio::test]
async fn a_failure_of_another_hop_long_ago_is_no_obstacle() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', createdVersion: '1.32', history: [
           {type: VersionUpdate, version: '1.33', status: Failed, age: 3h},
           {type: VersionUpdate, version: '1.33', status: Successful, age: 2h}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
}

#[tokio::test]
async fn a_cluster_newer_than_the_manifest_is_left_alone() {
    let world = World::new("{clusters: [{name: prod, version: '1.35'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let ahead = world.until_reason("prod", "ClusterAheadOfSpec").await;
    assert!(message(&ahead).contains("1.35"), "{}", message(&ahead));
    world.looks("prod", 3).await;
    assert_eq!(world.sends("prod").len(), 0);
    world.until_all_told("prod", &["ClusterAheadOfSpec"]).await;
    world
        .patch("prod", json!({"spec": {"version": "1.35"}}))
        .await;
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn an_upgrade_by_aws_between_two_hops_is_taken_as_it_is() {
    let world = World::new(
        "{durations: {update: 1s}, clusters: [{name: prod, version: '1.33', events: [{at: 1s, autoUpgrade: true}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(done.status.unwrap().cluster.unwrap().version, "1.35");
    let truth = world.truth("prod");
    assert_eq!(truth.updates.len(), 2, "{:?}", truth.updates);
}
