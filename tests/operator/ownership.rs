//! Several objects for one cluster, in one namespace and in several.

use kube::api::{Api, PostParams};
use serde_json::json;

use crate::world::{World, condition, message};

/// An object of another name for a cluster. Seniority has the resolution of creation timestamps: where two are of one
/// second, the uid decides, so whoever is told to be younger is the one that matters.
fn also(name: &str, cluster: &str, version: &str) -> serde_json::Value {
    let mut manifest = World::manifest(name, version);
    manifest["spec"]["cluster"]["name"] = json!(cluster);
    manifest
}

#[tokio::test]
async fn of_two_objects_one_owns_and_the_other_takes_over_when_it_is_deleted() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    world.create(also("a", "prod", "1.34")).await;
    world.create(also("b", "prod", "1.35")).await;
    let _operator = world.program_with("100ms", "10m").start().unwrap();
    let young = world
        .until("one of them is in conflict", "a", |object| {
            condition(object, "Ready").is_some()
        })
        .await;
    let (old, young) = if condition(&young, "Ready").unwrap().1 == "ClusterConflict" {
        ("b", "a")
    } else {
        ("a", "b")
    };
    let conflicting = world.until_reason(young, "ClusterConflict").await;
    assert!(
        message(&conflicting).contains(&format!("{}/{old}", world.namespace)),
        "{}",
        message(&conflicting)
    );
    assert_eq!(condition(&conflicting, "Stalled").unwrap().0, "True");
    world.until_reason(old, "UpToDate").await;
    world.delete(old).await;
    world
        .until("the other takes over", young, |object| {
            condition(object, "Ready").is_some_and(|(_, reason, _)| reason != "ClusterConflict")
        })
        .await;
}

#[tokio::test]
async fn a_running_update_of_an_object_in_conflict_is_followed() {
    let world =
        World::new("{durations: {update: 3s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let mut operator = world.operator();
    world.create(also("first", "prod", "1.34")).await;
    world.until_running("first").await;
    operator.kill9().unwrap();
    world.create(also("second", "prod", "1.36")).await;
    let _operator = world.operator();
    let first = world
        .until("the update of the first is done", "first", |object| {
            object.status.as_ref().is_some_and(|s| s.history.len() == 1)
        })
        .await;
    assert_eq!(first.status.unwrap().attempts, Some(1));
    let hops = world.accepted_versions("prod");
    assert_eq!(hops.iter().filter(|hop| *hop == "1.34").count(), 1);
}

#[tokio::test]
async fn objects_of_two_watched_namespaces_share_one_view_of_who_owns_what() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}, {name: other, version: '1.33'}]}",
    )
    .await;
    let second = World::new("{}").await;
    let _operator = world
        .program_with("100ms", "10m")
        .args(["--namespace", &second.namespace])
        .start()
        .unwrap();
    let third = World::new("{}").await;
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    second.create(World::manifest("other", "1.34")).await;
    second.until_reason("other", "UpToDate").await;

    let young = second.create(World::manifest("prod", "1.36")).await;
    let old = world.get("prod").await;
    let age = |object: &eks_upgrade_operator::api::ClusterUpgrade| {
        let metadata = object.metadata.clone();
        (metadata.creation_timestamp.map(|time| time.0), metadata.uid)
    };
    let (loser, winner) = if age(&young) > age(&old) {
        (&second, &world)
    } else {
        (&world, &second)
    };
    let conflicting = loser.until_reason("prod", "ClusterConflict").await;
    assert!(
        message(&conflicting).contains(&winner.namespace),
        "{}",
        message(&conflicting)
    );
    // Woken across namespaces, long before the next resync.
    winner.delete("prod").await;
    loser
        .until("the other takes over", "prod", |object| {
            condition(object, "Ready").is_some_and(|(_, reason, _)| reason != "ClusterConflict")
        })
        .await;

    // A namespace that is not watched is not looked at.
    let objects: Api<eks_upgrade_operator::api::ClusterUpgrade> =
        Api::namespaced(world.client.clone(), &third.namespace);
    let unseen = serde_json::from_value(World::manifest("other", "1.36")).unwrap();
    objects
        .create(&PostParams::default(), &unseen)
        .await
        .unwrap();
    second.ask_for("other", "1.35").await;
    second.until_reason("other", "UpToDate").await;
    let unseen = objects.get("other").await.unwrap();
    assert_eq!(unseen.status.unwrap().observed_generation, Some(-1));
}
