//! Requests that EKS refuses: nothing was started, and what is said leads to what helps.

use serde_json::json;

use crate::world::{World, condition, message};

#[tokio::test]
async fn a_refused_request_is_a_new_attempt_at_each_resync() {
    let world = World::new(
        "{durations: {update: 500ms}, clusters: [{name: prod, version: '1.33', faults: [
           {kind: error, code: InvalidRequestException, message: too few free addresses, times: 2, operations: [UpdateClusterVersion]}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let refused = world.until_reason("prod", "RequestRejected").await;
    assert!(
        message(&refused).contains("too few free addresses"),
        "{}",
        message(&refused)
    );
    assert_eq!(condition(&refused, "Stalled").unwrap().0, "True");
    let done = world.until_reason("prod", "UpToDate").await;
    let sends = world.sends("prod");
    assert_eq!(sends.len(), 3, "{sends:?}");
    assert!(
        sends[0].token != sends[1].token
            && sends[1].token != sends[2].token
            && sends[0].token != sends[2].token
    );
    assert_eq!(done.status.unwrap().attempts, Some(3));
    assert_eq!(world.accepted("prod").len(), 1);
}

#[tokio::test]
async fn attempts_of_a_refused_request_are_a_resync_apart_and_told_once() {
    let world = World::new(
        "{clusters: [{name: prod, version: '1.33', faults: [
           {kind: error, code: InvalidRequestException, operations: [UpdateClusterVersion]}]}]}",
    )
    .await;
    let _operator = world.program_with("100ms", "1500ms").start().unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    world
        .until("three attempts were made", "prod", |object| {
            object.status.as_ref().and_then(|s| s.attempts) >= Some(3)
        })
        .await;
    let times: Vec<_> = world
        .asked("UpdateClusterVersion")
        .iter()
        .map(|call| call.at)
        .collect();
    for pair in times.windows(2) {
        let apart = pair[1].duration_since(pair[0]);
        assert!(apart >= jiff::SignedDuration::from_millis(1400), "{apart}");
    }
    world.until_reason("prod", "RequestRejected").await;
    world
        .until_all_told("prod", &["UpdateRefused", "RequestRejected"])
        .await;
    // Something new is told again.
    world
        .eks
        .with_model(eks_upgrade_operator::simulator::Model::clear_faults);
    world.fault(
        "{kind: error, code: InvalidRequestException, message: another reason, operations: [UpdateClusterVersion]}",
    );
    world
        .until("the other reason is told", "prod", |object| {
            message(object).contains("another reason")
                && condition(object, "Ready")
                    .is_some_and(|(_, reason, _)| reason == "RequestRejected")
        })
        .await;
    world
        .until_all_told(
            "prod",
            &["UpdateRefused", "RequestRejected", "UpdateRefused"],
        )
        .await;
}

/// Insights that speak against every upgrade, which EKS minds as the operator does.
const AGAINST_IT: &str = "{durations: {update: 300ms}, insightsEnforced: true,
    clusters: [{name: prod, version: '1.33', insights: {upgrade: [
      {name: Unfit, status: ERROR, version: '1.34'}, {name: Unfit, status: ERROR, version: '1.35'}]}}]}";

#[tokio::test]
async fn readiness_insights_block_until_the_hop_is_forced_and_only_that_hop() {
    let world = World::new(AGAINST_IT).await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let blocked = world.until_reason("prod", "PreflightFailed").await;
    assert_eq!(condition(&blocked, "Ready").unwrap().0, "False");
    assert_eq!(condition(&blocked, "Reconciling").unwrap().0, "True");
    assert_eq!(
        world.sends("prod").len(),
        0,
        "it is found before EKS is asked"
    );

    world.patch("prod", force("1.34")).await;
    world
        .until("the first hop is done", "prod", |object| {
            object.status.as_ref().is_some_and(|s| s.history.len() == 1)
        })
        .await;
    let again = world.until_reason("prod", "PreflightFailed").await;
    assert!(message(&again).contains("1.35"), "{}", message(&again));
    let sends = world.sends("prod");
    assert_eq!(sends.len(), 1, "{sends:?}");
    assert!(sends[0].force && sends[0].accepted, "{sends:?}");
}

#[tokio::test]
async fn what_eks_itself_minds_is_held_up_in_the_same_way() {
    let world = World::new(AGAINST_IT).await;
    // The operator cannot see what EKS sees.
    world.fault("{kind: accessDenied, operations: [ListInsights]}");
    let _operator = world.operator();
    let mut manifest = World::manifest("prod", "1.34");
    manifest["spec"]["preflight"] = json!({"onUnknown": "Proceed"});
    world.create(manifest).await;
    let blocked = world.until_reason("prod", "PreflightFailed").await;
    assert!(
        message(&blocked).contains("spec.force"),
        "{}",
        message(&blocked)
    );
    assert_eq!(condition(&blocked, "Ready").unwrap().0, "False");
    assert_eq!(condition(&blocked, "Reconciling").unwrap().0, "True");
    world.patch("prod", force("1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    let sends = world.sends("prod");
    assert!(sends.len() > 1, "{sends:?}");
    for send in sends {
        assert_eq!(send.force, send.accepted, "{send:?}");
        let refused = Some("InvalidStateException".to_owned());
        assert_eq!(send.error, refused.filter(|_| !send.accepted));
    }
}

fn force(version: &str) -> serde_json::Value {
    json!({"spec": {"force": {"version": version, "reason": "looked at each finding"}}})
}

#[tokio::test]
async fn a_permission_that_is_missing_for_the_send_is_not_final_at_once() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', faults: [
           {kind: accessDenied, times: 2, operations: [UpdateClusterVersion]}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    let sends = world.sends("prod");
    assert_eq!(sends.len(), 3, "{sends:?}");
    assert_eq!(world.accepted("prod").len(), 1);
    let told = world.told("prod").await;
    assert!(!told.contains(&"AccessDenied".to_owned()), "{told:?}");
}

#[tokio::test]
async fn throttling_and_server_errors_on_the_send_are_waited_out_with_the_same_token() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', faults: [
           {kind: throttling, times: 1, operations: [UpdateClusterVersion]},
           {kind: serverError, times: 1, operations: [UpdateClusterVersion]},
           {kind: serviceUnavailable, times: 1, operations: [UpdateClusterVersion]}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let done = world.until_reason("prod", "UpToDate").await;
    let sends = world.sends("prod");
    let errors: Vec<_> = sends.iter().filter_map(|send| send.error.clone()).collect();
    assert_eq!(errors.len(), 3, "{sends:?}");
    assert!(sends.iter().all(|send| send.token == sends[0].token));
    assert_eq!(done.status.unwrap().attempts, Some(1));
    world
        .until_all_told("prod", &["UpdateStarted", "UpdateSucceeded", "UpToDate"])
        .await;
}

#[tokio::test]
async fn a_version_that_eks_refuses_as_unsupported_is_looked_at_anew() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', faults: [
           {kind: error, code: InvalidParameterException, message: unsupported Kubernetes version, times: 1, operations: [UpdateClusterVersion]}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let refused = world.until_reason("prod", "RequestRejected").await;
    assert!(
        message(&refused).contains("unsupported Kubernetes version"),
        "{}",
        message(&refused)
    );
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(
        world.asked("DescribeClusterVersions").len(),
        2,
        "what is on offer is asked for anew"
    );
}
