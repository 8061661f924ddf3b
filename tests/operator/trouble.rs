//! EKS cannot be asked.

use eks_upgrade_operator::simulator::{self, Scenario};
use tokio::net::TcpListener;

use crate::world::{World, address, condition, message, metric};

#[tokio::test]
async fn throttled_reads_are_waited_out_in_silence() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}],
          faults: [{kind: throttling, times: 1, operations: [DescribeCluster]},
                   {kind: throttling, times: 1, operations: [ListUpdates]},
                   {kind: throttling, times: 1, operations: [DescribeClusterVersions]},
                   {kind: serverError, times: 2, operations: [DescribeUpdate]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    world
        .until_all_told("prod", &["UpdateStarted", "UpdateSucceeded", "UpToDate"])
        .await;
    assert_eq!(world.accepted("prod").len(), 1);
}

#[tokio::test]
async fn eks_that_cannot_be_reached_is_said_after_a_few_failures_and_recovers() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    drop(listener);
    let mut operator = world
        .program()
        .env("AWS_ENDPOINT_URL_EKS", format!("http://{at}"))
        .start()
        .unwrap();
    let metrics = address(&mut operator).await;
    world.create(World::manifest("prod", "1.34")).await;
    let unavailable = world.until_reason("prod", "EksUnavailable").await;
    assert_eq!(condition(&unavailable, "Ready").unwrap().0, "Unknown");
    assert!(
        message(&unavailable).contains("eks:DescribeCluster"),
        "{}",
        message(&unavailable)
    );
    let failures = metric(
        &metrics,
        r#"eks_upgrade_observation_failures_total{kind="unavailable"}"#,
    )
    .await;
    assert!(failures >= Some(3.0), "{failures:?}");

    let scenario =
        Scenario::parse("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', insightsRefreshed: 1m}]}")
            .unwrap();
    let listener = TcpListener::bind(at).await.unwrap();
    let _eks = simulator::serve(&scenario, listener).unwrap();
    world.until_reason("prod", "UpToDate").await;
    world
        .until_all_told("prod", &["UpdateStarted", "UpdateSucceeded", "UpToDate"])
        .await;
}

#[tokio::test]
async fn a_running_update_stays_updating_while_eks_cannot_be_asked() {
    let world =
        World::new("{durations: {update: 1s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_running("prod").await;
    world.fault("{kind: serviceUnavailable}");
    let unseen = world
        .until("it is said that nothing can be seen", "prod", |object| {
            message(object).contains("cannot be seen")
        })
        .await;
    assert_eq!(condition(&unseen, "Ready").unwrap().1, "Updating");
    world.eks.with_model(simulator::Model::clear_faults);
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn a_denied_read_is_said_at_once_and_is_not_final_yet() {
    let world = World::new(
        "{clusters: [{name: prod, version: '1.33'}],
          faults: [{kind: accessDenied, times: 3, operations: [DescribeCluster]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.33")).await;
    let denied = world.until_reason("prod", "EksUnavailable").await;
    assert!(
        message(&denied).contains("eks:DescribeCluster is denied"),
        "{}",
        message(&denied)
    );
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn expired_credentials_are_said_without_a_call_that_changes_anything() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world
        .program()
        .env("AWS_ACCESS_KEY_ID", "EXPIREDKEYEXAMPLE000")
        .start()
        .unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    let expired = world.until_reason("prod", "EksUnavailable").await;
    assert!(
        message(&expired).contains("ExpiredToken"),
        "{}",
        message(&expired)
    );
    assert_eq!(world.sends("prod").len(), 0);
}

#[tokio::test]
async fn no_credentials_at_all_are_said_with_what_to_set() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world
        .program()
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "")
        .start()
        .unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    let without = world.until_reason("prod", "CredentialsUnavailable").await;
    assert_eq!(condition(&without, "Stalled").unwrap().0, "True");
    assert!(
        message(&without).contains("identity"),
        "{}",
        message(&without)
    );
    assert_eq!(world.calls(|_| true).len(), 0);
}

#[tokio::test]
async fn a_cluster_that_does_not_exist_is_said_and_found_when_it_does() {
    let world = World::new("{}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.33")).await;
    let absent = world.until_reason("prod", "ClusterNotFound").await;
    assert_eq!(condition(&absent, "Stalled").unwrap().0, "True");
    assert!(message(&absent).contains("prod"), "{}", message(&absent));
    world.add_cluster("{name: prod, version: '1.33'}");
    world.until_reason("prod", "UpToDate").await;
    world
        .until_all_told("prod", &["ClusterNotFound", "UpToDate"])
        .await;
}

#[tokio::test]
async fn a_cluster_that_failed_is_said() {
    let world = World::new("{clusters: [{name: prod, version: '1.33', status: FAILED}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "ClusterFailed").await;
    world.happens("prod", "{status: ACTIVE}");
    world.until_running("prod").await;
}
