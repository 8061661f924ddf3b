//! `--max-running-updates`: the rest wait, oldest first, and nobody is forgotten.

use eks_upgrade_operator::api::ClusterUpgrade;
use harness::{Process, eventually};
use serde_json::json;

use crate::world::{DEADLINE, World, address, message, metric, reason};

/// Clusters `c0`, `c1`... at 1.33.
async fn clusters(count: usize, update: &str) -> World {
    let clusters: Vec<String> = (0..count)
        .map(|i| format!("{{name: c{i}, version: '1.33'}}"))
        .collect();
    World::new(&format!(
        "{{durations: {{update: {update}}}, clusters: [{}]}}",
        clusters.join(", ")
    ))
    .await
}

/// An operator that lets one update run at a time, and looks at an idle object after so long that only being woken counts.
fn one_at_a_time(world: &World) -> Process {
    world
        .program_with("100ms", "10m")
        .args(["--max-running-updates", "1"])
        .start()
        .unwrap()
}

/// The names of objects by age, as the operator counts it.
async fn by_age(world: &World) -> Vec<String> {
    let mut objects: Vec<ClusterUpgrade> = world
        .objects
        .list(&kube::api::ListParams::default())
        .await
        .unwrap()
        .items;
    objects.sort_by_key(|object| {
        let metadata = object.metadata.clone();
        (
            metadata.creation_timestamp.map(|time| time.0),
            metadata.uid.unwrap(),
        )
    });
    objects
        .into_iter()
        .map(|object| object.metadata.name.unwrap())
        .collect()
}

/// The clusters in the order in which their updates were accepted.
fn order(world: &World) -> Vec<String> {
    world
        .asked("UpdateClusterVersion")
        .into_iter()
        .filter(|call| call.accepted)
        .filter_map(|call| call.cluster)
        .collect()
}

/// The most updates that ever ran at a time, by EKS's own account.
fn most_at_a_time(world: &World) -> usize {
    let truths = world
        .eks
        .with_model(|model| model.truth(jiff::Timestamp::now()));
    let spans: Vec<_> = truths
        .iter()
        .flat_map(|truth| &truth.updates)
        .map(|update| {
            (
                update.created_at,
                update.finished_at.unwrap_or(jiff::Timestamp::MAX),
            )
        })
        .collect();
    spans
        .iter()
        .map(|(start, _)| {
            spans
                .iter()
                .filter(|(from, to)| from <= start && start < to)
                .count()
        })
        .max()
        .unwrap_or(0)
}

#[tokio::test]
async fn one_runs_and_the_rest_wait_oldest_first() {
    let world = clusters(4, "2s").await;
    for i in 0..4 {
        world
            .create(World::manifest(&format!("c{i}"), "1.34"))
            .await;
    }
    let mut operator = one_at_a_time(&world);
    let metrics = address(&mut operator).await;
    let by_age = by_age(&world).await;
    // The youngest may have been the first to ask, so it is any of them that waits.
    let queued = eventually("one is Queued", DEADLINE, async || {
        let objects = world
            .objects
            .list(&kube::api::ListParams::default())
            .await
            .unwrap();
        objects
            .into_iter()
            .find(|object| reason(object) == "Queued")
    })
    .await
    .unwrap();
    assert!(
        message(&queued).contains("--max-running-updates"),
        "{}",
        message(&queued)
    );
    let running = metric(&metrics, "eks_upgrade_updates_running").await;
    assert!(running <= Some(1.0), "{running:?}");
    for name in &by_age {
        world.until_reason(name, "UpToDate").await;
    }
    // Whoever asks first at the start goes first; those that have to wait go by age.
    let order = order(&world);
    let waited: Vec<_> = by_age.iter().filter(|name| **name != order[0]).collect();
    assert_eq!(order[1..].iter().collect::<Vec<_>>(), waited);
    assert_eq!(most_at_a_time(&world), 1);
    let queued = metric(&metrics, r#"eks_upgrade_objects{reason="Queued"}"#).await;
    assert_eq!(queued, Some(0.0));
    let ready = metric(&metrics, r#"eks_upgrade_objects{reason="UpToDate"}"#).await;
    assert_eq!(ready, Some(4.0));
}

#[tokio::test]
async fn a_failed_update_gives_its_turn_on() {
    let world = World::new(
        "{durations: {update: 500ms}, clusters: [
           {name: c0, version: '1.33', outcomes: [{version: '1.34', times: 1, fail: {errorCode: Unknown, errorMessage: no, resourceIds: []}}]},
           {name: c1, version: '1.33'}]}",
    )
    .await;
    let _operator = one_at_a_time(&world);
    world.create(World::manifest("c0", "1.34")).await;
    world.until_running("c0").await;
    world.create(World::manifest("c1", "1.34")).await;
    world.until_reason("c1", "UpToDate").await;
    world.until_reason("c0", "UpdateFailed").await;
}

#[tokio::test]
async fn who_waits_and_is_suspended_or_deleted_lets_the_next_go() {
    let world = clusters(4, "1500ms").await;
    let _operator = one_at_a_time(&world);
    world.create(World::manifest("c0", "1.34")).await;
    world.until_running("c0").await;
    for name in ["c1", "c2", "c3"] {
        world.create(World::manifest(name, "1.34")).await;
        world.until_reason(name, "Queued").await;
    }
    let ages = by_age(&world).await;
    let waiting: Vec<_> = ages.iter().filter(|name| *name != "c0").collect();
    world
        .patch(waiting[0], json!({"spec": {"suspend": true}}))
        .await;
    world.delete(waiting[1]).await;
    world.until_reason(waiting[2], "UpToDate").await;
    world.until_reason(waiting[0], "Suspended").await;
    assert_eq!(order(&world), ["c0".to_owned(), waiting[2].clone()]);
}

#[tokio::test]
async fn an_object_deleted_in_mid_update_frees_its_place() {
    let world = clusters(2, "10m").await;
    let _operator = one_at_a_time(&world);
    let mut manifest = World::manifest("c0", "1.34");
    manifest["metadata"]["finalizers"] = json!(["example.com/hold"]);
    world.create(manifest).await;
    world.until_running("c0").await;
    world.create(World::manifest("c1", "1.34")).await;
    world.until_reason("c1", "Queued").await;
    // It is no longer followed from here on, so nothing would ever free the place.
    world.delete("c0").await;
    world.until_running("c1").await;
    world
        .patch("c0", json!({"metadata": {"finalizers": null}}))
        .await;
}

#[tokio::test]
async fn a_cluster_deleted_in_mid_update_frees_its_place() {
    let world = clusters(2, "10m").await;
    let _operator = one_at_a_time(&world);
    world.create(World::manifest("c0", "1.34")).await;
    world.until_running("c0").await;
    world.create(World::manifest("c1", "1.34")).await;
    world.until_reason("c1", "Queued").await;
    world.happens("c0", "{delete: true}");
    world.until_reason("c0", "ClusterNotFound").await;
    world.until_running("c1").await;
}

#[tokio::test]
async fn many_objects_with_few_places_all_come_to_their_end() {
    let world = clusters(12, "400ms").await;
    let _operator = world
        .program_with("50ms", "10m")
        .args(["--max-running-updates", "3", "--concurrency", "4"])
        .start()
        .unwrap();
    for i in 0..12 {
        world
            .create(World::manifest(&format!("c{i}"), "1.35"))
            .await;
    }
    eventually("all are up to date", DEADLINE, async || {
        let objects = world
            .objects
            .list(&kube::api::ListParams::default())
            .await
            .unwrap();
        let states: Vec<_> = objects.iter().map(reason).collect();
        if states.iter().all(|state| *state == "UpToDate") {
            Ok(())
        } else {
            Err(format!("{states:?}"))
        }
    })
    .await
    .unwrap();
    assert_eq!(order(&world).len(), 24);
    assert!(most_at_a_time(&world) <= 3, "{}", most_at_a_time(&world));
}

#[tokio::test]
async fn a_restart_does_not_start_more_than_may_run() {
    let world = clusters(3, "1500ms").await;
    let mut operator = one_at_a_time(&world);
    for i in 0..3 {
        world
            .create(World::manifest(&format!("c{i}"), "1.34"))
            .await;
    }
    eventually("one runs", DEADLINE, async || order(&world).pop())
        .await
        .unwrap();
    operator.kill9().unwrap();
    let _restarted = one_at_a_time(&world);
    for i in 0..3 {
        world.until_reason(&format!("c{i}"), "UpToDate").await;
    }
    assert_eq!(most_at_a_time(&world), 1);
}
