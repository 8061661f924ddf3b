//! People and programs that change an object all the time.

use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::world::{World, update};

/// Merges one patch after the other into an object until it is stopped, with pauses up to so long.
fn keep_patching(
    world: &World,
    name: &'static str,
    pause: u64,
    patch: impl Fn(u64) -> Value + std::marker::Send + 'static,
) -> JoinHandle<()> {
    let objects = world.objects.clone();
    tokio::spawn(async move {
        for number in 0.. {
            objects
                .patch(name, &PatchParams::default(), &Patch::Merge(patch(number)))
                .await
                .unwrap();
            // Not a wait for anything: as fast as a program in a fight with another, or as several people.
            let pause = Duration::from_millis(fastrand::u64(..=pause));
            tokio::time::sleep(pause).await;
        }
    })
}

#[tokio::test]
async fn edits_of_annotations_without_end_do_not_keep_it_from_its_work() {
    // Reads as slow as EKS's: there is always an edit between reading the object and writing its status.
    let world = World::new(
        "{durations: {update: 500ms}, clusters: [{name: prod, version: '1.33'}],
          faults: [{kind: delay, lasts: 100ms, operations: [DescribeCluster, ListUpdates]}]}",
    )
    .await;
    let operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let editing = keep_patching(
        &world,
        "prod",
        3,
        |number| json!({"metadata": {"annotations": {"example.com/edit": number.to_string()}}}),
    );
    let done = world
        .until_reason_or("prod", "UpToDate", || operator.tail())
        .await;
    editing.abort();
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    assert_eq!(world.sends("prod").len(), 2, "{:?}", world.sends("prod"));
    assert_eq!(done.status.unwrap().attempts, Some(2));
}

#[tokio::test]
async fn suspended_and_resumed_without_end_each_hop_is_one_accepted_call() {
    let world =
        World::new("{durations: {update: 700ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let toggling = keep_patching(
        &world,
        "prod",
        100,
        |number| json!({"spec": {"suspend": number % 2 == 0}}),
    );
    world.until_running("prod").await;
    world.looks("prod", 3).await;
    toggling.abort();
    assert!(toggling.await.unwrap_err().is_cancelled());
    world
        .patch("prod", json!({"spec": {"suspend": false}}))
        .await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
}

#[tokio::test]
async fn a_version_changed_without_end_never_leads_above_what_was_asked_for() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let versions = ["1.33", "1.34", "1.35"];
    let changing = keep_patching(&world, "prod", 100, move |number| {
        let version = versions[usize::try_from(number % 3).unwrap()];
        json!({"spec": {"version": version}})
    });
    world
        .until("a hop is done", "prod", |object| {
            object
                .status
                .as_ref()
                .is_some_and(|s| !s.history.is_empty())
        })
        .await;
    changing.abort();
    assert!(changing.await.unwrap_err().is_cancelled());
    world.ask_for("prod", "1.35").await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    assert_eq!(world.truth("prod").updates.len(), 2);
}

#[tokio::test]
async fn an_object_deleted_and_made_again_and_again_is_looked_at_in_the_end() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}, {name: other, version: '1.33'}]}",
    )
    .await;
    // Nothing but the watch brings it to look again, and a place that is not given back blocks the other.
    let _operator = world
        .program_with("100ms", "10m")
        .args(["--max-running-updates", "1"])
        .start()
        .unwrap();
    for round in 0..25_u64 {
        let mut manifest = World::manifest("prod", "1.34");
        if round % 2 == 0 {
            manifest["spec"]["suspend"] = json!(true);
        }
        world.create(manifest).await;
        // Each time a little later in the object's life.
        tokio::time::sleep(Duration::from_millis(round * 3)).await;
        world.delete("prod").await;
    }
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    world.create(World::manifest("other", "1.35")).await;
    world.until_reason("other", "UpToDate").await;
    assert_eq!(world.truth("prod").updates.len(), 1);
}

#[tokio::test]
async fn a_status_wiped_in_mid_update_is_made_good_by_looking() {
    let world =
        World::new("{durations: {update: 10m}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.program_with("1s", "10m").start().unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    let running = world.until_running("prod").await;
    world.wipe_status("prod").await;
    let object = world
        .until("the update is known again", "prod", |object| {
            update(object).is_some_and(|update| update.id == running.id)
        })
        .await;
    assert_eq!(update(&object).unwrap().attempt, None);
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn a_status_wiped_while_an_answer_is_lost_brings_no_second_update() {
    let world = World::new(
        "{durations: {update: 2s}, lags: {list: 1500ms, status: 1500ms}, clusters: [{name: prod, version: '1.33',
           faults: [{kind: lostAfter, times: 1, operations: [UpdateClusterVersion]}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world
        .until_asked("the send is lost", |call| call.accepted)
        .await;
    world.wipe_status("prod").await;
    world.until_reason("prod", "UpToDate").await;
    let sends = world.sends("prod");
    assert_eq!(world.accepted("prod").len(), 1, "{sends:?}");
    assert!(sends.iter().all(|send| send.token == sends[0].token));
}

#[tokio::test]
async fn an_object_replaced_by_another_of_its_name_is_another_request() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: a, version: '1.33'}, {name: b, version: '1.33'}]}",
    )
    .await;
    let _operator = world.program_with("100ms", "10m").start().unwrap();
    let named = |cluster: &str| {
        let mut manifest = World::manifest("same", "1.34");
        manifest["spec"]["cluster"]["name"] = json!(cluster);
        serde_json::from_value(manifest).unwrap()
    };
    for cluster in ["a", "b"] {
        world
            .objects
            .create(&PostParams::default(), &named(cluster))
            .await
            .unwrap();
        let done = world.until_reason("same", "UpToDate").await;
        assert_eq!(done.status.unwrap().attempts, Some(1));
        world
            .objects
            .delete("same", &DeleteParams::default())
            .await
            .unwrap();
    }
    assert_eq!(world.accepted_versions("a"), ["1.34"]);
    assert_eq!(world.accepted_versions("b"), ["1.34"]);
}
