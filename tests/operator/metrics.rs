//! What Prometheus scrapes of a real operator while it works.

use eks_upgrade_operator::simulator::Model;
use harness::eventually;
use jiff::Timestamp;

use crate::world::{ACCOUNT, DEADLINE, World, address, fetch, metric, update};

/// All samples: the name with its labels as they are written, and the value.
async fn samples(address: &str) -> Vec<(String, f64)> {
    let (_, text) = fetch(address, "/metrics").await;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (key, value) = line.rsplit_once(' ').unwrap();
        (key.to_owned(), value.parse().unwrap())
    });
    samples.collect()
}

/// The samples of one name that have all these words in their labels.
async fn like(address: &str, name: &str, words: &[&str]) -> Vec<(String, f64)> {
    let mut all = samples(address).await;
    all.retain(|(key, _)| {
        let of = key.split('{').next();
        of == Some(name) && words.iter().all(|word| key.contains(word))
    });
    all
}

/// Waits until there is just one sample of this name and these labels, with a value as `wanted`. What is told follows
/// the status write that it tells of.
async fn until(address: &str, name: &str, words: &[&str], wanted: impl Fn(f64) -> bool) -> f64 {
    let what = format!("{name} {words:?}");
    eventually(&what, DEADLINE, async || {
        match &*like(address, name, words).await {
            [(_, value)] if wanted(*value) => Ok(*value),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap()
}

/// Just this value: all that is counted here is whole.
fn is(wanted: f64) -> impl Fn(f64) -> bool {
    move |value| (value - wanted).abs() < f64::EPSILON
}

/// Waits until there is no such sample.
async fn until_none(address: &str, name: &str, words: &[&str]) {
    let what = format!("no {name} {words:?}");
    eventually(&what, DEADLINE, async || {
        let found = like(address, name, words).await;
        if found.is_empty() {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_hop_is_told_from_its_start_to_its_end() {
    let world = World::new(
        "{durations: {update: 2s}, clusters: [{name: prod, version: '1.33'}],
          faults: [{kind: throttling, times: 1, operations: [DescribeCluster]}]}",
    )
    .await;
    let mut operator = world.operator();
    let at = address(&mut operator).await;
    assert_eq!(metric(&at, "eks_upgrade_leader").await, Some(1.0));
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    until(&at, "eks_upgrade_build_info", &[&version], is(1.0)).await;
    let ended = |result: &str| format!("type=\"VersionUpdate\",result=\"{result}\"");
    let count = "eks_upgrade_update_duration_seconds_count";
    until(&at, count, &[&ended("Successful")], is(0.0)).await;

    world.create(World::manifest("prod", "1.34")).await;
    let running = world.until_running("prod").await;
    let object = format!("namespace=\"{}\",name=\"prod\"", world.namespace);
    let age = until(
        &at,
        "eks_upgrade_running_update_seconds",
        &[&object],
        |_| true,
    )
    .await;
    let oldest = Timestamp::now().duration_since(running.created_at.unwrap());
    assert!(
        (0.0..=oldest.as_secs_f64()).contains(&age),
        "{age} of {oldest}"
    );
    until(
        &at,
        "eks_upgrade_running_update_overdue",
        &[&object],
        is(0.0),
    )
    .await;
    let info = "eks_upgrade_cluster_info";
    let before = [
        &*object,
        "cluster=\"prod\",region=\"us-west-2\",version=\"1.33\",platform_version=\"eks.",
        "target=\"1.34\"",
    ];
    until(&at, info, &before, is(1.0)).await;

    world.until_reason("prod", "UpToDate").await;
    until(&at, count, &[&ended("Successful")], is(1.0)).await;
    until(&at, count, &[&ended("Failed")], is(0.0)).await;
    let sum = "eks_upgrade_update_duration_seconds_sum";
    let took = until(&at, sum, &[&ended("Successful")], |_| true).await;
    let done = update(&world.get("prod").await).unwrap().clone();
    let told = done
        .finished_at
        .unwrap()
        .duration_since(done.created_at.unwrap());
    assert!((took - told.as_secs_f64()).abs() < 0.001, "{took}, {told}");
    assert!(took >= 2.0, "{took}");
    until_none(&at, "eks_upgrade_running_update_seconds", &[]).await;
    until_none(&at, "eks_upgrade_running_update_overdue", &[]).await;
    until(&at, info, &[&object, ",version=\"1.34\""], is(1.0)).await;

    let time = "eks_upgrade_state_seconds_total";
    let updating = until(&at, time, &["\"Updating\""], |_| true).await;
    assert!(updating >= 1.5, "{updating}");
    let idle = until(&at, time, &["\"UpToDate\""], |_| true).await;
    until(&at, time, &["\"UpToDate\""], |it| it > idle).await;
    let after = until(&at, time, &["\"Updating\""], |_| true).await;
    assert!((after - updating).abs() < f64::EPSILON, "it is over");
    let throttled = "eks_upgrade_eks_calls_total";
    let words = ["\"eks:DescribeCluster\"", "outcome=\"throttled\""];
    until(&at, throttled, &words, is(1.0)).await;
}

#[tokio::test]
async fn who_is_stalled_is_told_until_it_is_not() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', outcomes: [
           {version: '1.34', times: 1, fail: {errorCode: Unknown, errorMessage: no, resourceIds: []}}]}]}",
    )
    .await;
    let mut operator = world.operator();
    let at = address(&mut operator).await;
    let stalled = "eks_upgrade_stalled";
    world.create(World::manifest("ghost", "1.34")).await;
    let ghost = "name=\"ghost\",reason=\"ClusterNotFound\"";
    until(&at, stalled, &[ghost], is(1.0)).await;
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpdateFailed").await;
    let failed = "name=\"prod\",reason=\"UpdateFailed\"";
    until(&at, stalled, &[failed], is(1.0)).await;
    assert_eq!(like(&at, stalled, &[]).await.len(), 2);
    let count = "eks_upgrade_update_duration_seconds_count";
    until(&at, count, &["result=\"Failed\"", "VersionUpdate"], is(1.0)).await;

    world.retry("prod").await;
    world.until_reason("prod", "UpToDate").await;
    until_none(&at, stalled, &["name=\"prod\""]).await;
    until(&at, stalled, &[ghost], is(1.0)).await;
    world.delete("ghost").await;
    until_none(&at, stalled, &[]).await;
    until_none(&at, "eks_upgrade_cluster_info", &["name=\"ghost\""]).await;
}

#[tokio::test]
async fn an_overdue_update_is_told_while_it_runs() {
    let world =
        World::new("{durations: {update: 3s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let mut operator = world
        .program()
        .args(["--overdue-after", "1s"])
        .start()
        .unwrap();
    let at = address(&mut operator).await;
    world.create(World::manifest("prod", "1.34")).await;
    let overdue = "eks_upgrade_running_update_overdue";
    until(&at, overdue, &["name=\"prod\""], is(1.0)).await;
    world.until_reason("prod", "UpToDate").await;
    until_none(&at, overdue, &[]).await;
}

#[tokio::test]
async fn what_waits_for_its_look_is_the_depth_of_the_queue() {
    let world = World::new(
        "{clusters: [{name: a, version: '1.33'}, {name: b, version: '1.33'}, {name: c, version: '1.33'}],
          faults: [{kind: hang, lasts: 5s, operations: [DescribeCluster]}]}",
    )
    .await;
    let mut operator = world
        .program_with("100ms", "10m")
        .args(["--concurrency", "1"])
        .start()
        .unwrap();
    let at = address(&mut operator).await;
    for name in ["a", "b", "c"] {
        world.create(World::manifest(name, "1.33")).await;
    }
    let (pending, looked_at) = (
        "eks_upgrade_pending_objects",
        "eks_upgrade_reconciles_running",
    );
    until(&at, pending, &[], is(2.0)).await;
    until(&at, looked_at, &[], is(1.0)).await;
    world.eks.with_model(Model::clear_faults);
    for name in ["a", "b", "c"] {
        world.until_reason(name, "UpToDate").await;
    }
    until(&at, pending, &[], is(0.0)).await;
    until(&at, looked_at, &[], is(0.0)).await;
}

/// Labels that hold what differs from object to object, or from call to call, would grow without bound.
#[tokio::test]
async fn only_what_is_said_of_an_object_names_it() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: zebra, version: '1.33'}],
          faults: [{kind: serverError, times: 2, operations: [DescribeUpdate], message: words-of-aws}]}",
    )
    .await;
    let mut operator = world.operator();
    let at = address(&mut operator).await;
    let created = world.create(World::manifest("zebra", "1.34")).await;
    world.create(World::manifest("okapi", "1.34")).await;
    let done = world.until_reason("zebra", "UpToDate").await;
    until(&at, "eks_upgrade_stalled", &["okapi"], is(1.0)).await;

    let update = update(&done).unwrap();
    let told_of_one = [
        world.namespace.as_str(),
        "zebra",
        "okapi",
        ACCOUNT,
        "words-of-aws",
        created.metadata.uid.as_deref().unwrap(),
        update.id.as_deref().unwrap(),
        update.client_request_token.as_deref().unwrap(),
    ];
    let all = samples(&at).await;
    let (of_objects, others): (Vec<_>, Vec<_>) = all
        .iter()
        .map(|(key, _)| key.as_str())
        .partition(|key| key.contains("name=\""));
    for key in others {
        let named = told_of_one.iter().find(|one| key.contains(**one));
        assert_eq!(named, None, "{key}");
    }
    for key in of_objects {
        let (name, _) = key.split_once('{').unwrap();
        assert!(
            [
                "eks_upgrade_stalled",
                "eks_upgrade_cluster_info",
                "eks_upgrade_rollback_window_seconds",
                "eks_upgrade_support_end_timestamp_seconds",
            ]
            .contains(&name),
            "{key}"
        );
    }
}
