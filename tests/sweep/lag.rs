//! A watch that lags behind or shows nothing any more: what counts is the object at the guarded write.

use std::time::Duration;

use harness::{Process, eventually};
use serde_json::{Value, json};

use super::call::Call;
use super::seat::Seat;
use super::stops::{Held, Moment};
use super::world::{DEADLINE, World, message, reason, update};

const SCENARIO: &str = "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}, {name: other, version: '1.33'}]}";

#[tokio::test]
async fn a_watch_that_is_later_than_a_hop_is_long_changes_no_call_and_no_attempt() {
    let world = World::new(SCENARIO).await;
    let seat = Seat::at(&world).await;
    seat.api.delay(Duration::from_secs(1));
    let _operator = seat.operator(&world);
    for name in ["prod", "other"] {
        world.create(World::manifest(name, "1.35")).await;
    }
    for name in ["prod", "other"] {
        let done = world.until_reason(name, "UpToDate").await.status.unwrap();
        assert_eq!(world.accepted_versions(name), ["1.34", "1.35"]);
        assert_eq!(world.sends(name).len(), 2);
        assert_eq!((done.attempts, done.history.len()), (Some(2), 2));
        world.until_all_told(name, &TWO_HOPS_TOLD).await;
    }
}

const TWO_HOPS_TOLD: [&str; 6] = [
    "UpdateStarted",
    "UpdateSucceeded",
    "WaitingForCluster",
    "UpdateStarted",
    "UpdateSucceeded",
    "UpToDate",
];

/// An upgrade to 1.35 whose operator is held up at a guarded write and shown nothing from then on.
struct Blinded {
    world: World,
    seat: Seat,
    operator: Process,
    write: Held,
}

impl Blinded {
    /// At the first guarded write from the start on that is `wanted`.
    async fn at(scenario: &str, wanted: impl FnMut(&Call) -> bool + Send + 'static) -> Self {
        let world = World::new(scenario).await;
        let seat = Seat::at(&world).await;
        let mut stop = seat.api.stop(Moment::Before, wanted);
        world.create(World::manifest("prod", "1.35")).await;
        let operator = seat.operator(&world);
        let write = stop.reached().await;
        seat.api.freeze(&world.namespace).await;
        Self {
            world,
            seat,
            operator,
            write,
        }
    }

    /// Where the intent of a hop to this version is written.
    async fn at_intent(version: &'static str) -> Self {
        Self::at(SCENARIO, move |call| call.announces(version)).await
    }

    /// Lets the write go on. It must not be what is sent after.
    fn go_on(self) -> (World, Seat, Process) {
        let Self {
            world,
            seat,
            operator,
            write,
        } = self;
        write.go_on();
        (world, seat, operator)
    }
}

/// Waits for an answer to what the spec says now, and checks what EKS accepted up to then.
async fn until_said(world: &World, operator: &Process, wanted: &str, accepted: &[&str]) {
    world
        .until_reason_or("prod", wanted, || operator.tail())
        .await;
    assert_eq!(world.accepted_versions("prod"), accepted);
    assert_eq!(
        world.sends("prod").len(),
        accepted.len(),
        "none was sent in vain"
    );
}

fn suspended(suspend: bool) -> Value {
    json!({"spec": {"suspend": suspend}})
}

#[tokio::test]
async fn a_suspension_that_a_frozen_watch_hides_holds_at_the_first_intent() {
    let blinded = Blinded::at_intent("1.34").await;
    blinded.world.patch("prod", suspended(true)).await;
    let (world, seat, operator) = blinded.go_on();
    until_said(&world, &operator, "Suspended", &[]).await;
    seat.api.thaw();
    world.patch("prod", suspended(false)).await;
    until_said(&world, &operator, "UpToDate", &["1.34", "1.35"]).await;
    assert_eq!(
        world.get("prod").await.status.unwrap().attempts,
        Some(2),
        "none in vain"
    );
}

#[tokio::test]
async fn a_suspension_that_a_frozen_watch_hides_holds_between_two_hops() {
    let blinded = Blinded::at_intent("1.35").await;
    blinded.world.patch("prod", suspended(true)).await;
    let (world, seat, operator) = blinded.go_on();
    until_said(&world, &operator, "Suspended", &["1.34"]).await;
    seat.api.thaw();
    world.patch("prod", suspended(false)).await;
    until_said(&world, &operator, "UpToDate", &["1.34", "1.35"]).await;
    assert_eq!(
        world.get("prod").await.status.unwrap().attempts,
        Some(2),
        "none in vain"
    );
}

#[tokio::test]
async fn a_suspension_that_a_frozen_watch_hides_holds_at_a_repetition() {
    let blinded = Blinded::at(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33',
           faults: [{kind: lostBefore, times: 1, operations: [UpdateClusterVersion]}]}]}",
        |call| call.announces("1.34") && call.status()["update"]["sends"] == 2,
    )
    .await;
    blinded.world.patch("prod", suspended(true)).await;
    let (world, _seat, operator) = blinded.go_on();
    eventually("it is no longer asked for", DEADLINE, async || {
        let object = world.get("prod").await;
        if message(&object).contains("not asked again") {
            Ok(())
        } else {
            Err(format!("{}\n{}", message(&object), operator.tail()))
        }
    })
    .await
    .unwrap();
    assert_eq!(world.sends("prod").len(), 1, "the one that was lost");
    assert_eq!(update(&world.get("prod").await).unwrap().sends, Some(1));
}

#[tokio::test]
async fn a_version_taken_back_behind_a_frozen_watch_is_not_upgraded_to() {
    let blinded = Blinded::at_intent("1.34").await;
    blinded.world.ask_for("prod", "1.33").await;
    let (world, _seat, operator) = blinded.go_on();
    until_said(&world, &operator, "UpToDate", &[]).await;

    let blinded = Blinded::at_intent("1.35").await;
    blinded.world.ask_for("prod", "1.34").await;
    let (world, _seat, operator) = blinded.go_on();
    until_said(&world, &operator, "UpToDate", &["1.34"]).await;
}

#[tokio::test]
async fn a_further_version_behind_a_frozen_watch_is_upgraded_to_hop_by_hop() {
    let blinded = Blinded::at_intent("1.35").await;
    blinded.world.ask_for("prod", "1.36").await;
    let (world, _seat, operator) = blinded.go_on();
    until_said(&world, &operator, "UpToDate", &["1.34", "1.35", "1.36"]).await;
    let history = world.get("prod").await.status.unwrap().history;
    let wanted: Vec<_> = history
        .iter()
        .rev()
        .map(|past| past.for_version.unwrap().to_string())
        .collect();
    assert_eq!(
        wanted,
        ["1.35", "1.36", "1.36"],
        "by what was asked for at each guarded write"
    );
}

#[tokio::test]
async fn a_label_behind_a_frozen_watch_costs_neither_an_attempt_nor_a_call() {
    let blinded = Blinded::at_intent("1.34").await;
    let label = json!({"metadata": {"labels": {"team": "platform"}}});
    blinded.world.patch("prod", label).await;
    let (world, _seat, operator) = blinded.go_on();
    until_said(&world, &operator, "UpToDate", &["1.34", "1.35"]).await;
    assert_eq!(world.get("prod").await.status.unwrap().attempts, Some(2));
}

#[tokio::test]
async fn an_object_deleted_behind_a_frozen_watch_starts_nothing() {
    let blinded = Blinded::at_intent("1.34").await;
    blinded.world.delete("prod").await;
    let (world, seat, _operator) = blinded.go_on();
    seat.api.thaw();
    // Another one's two hops are time enough for whatever would follow the write.
    world.create(World::manifest("other", "1.35")).await;
    world.until_reason("other", "UpToDate").await;
    assert!(world.sends("prod").is_empty(), "{:?}", world.sends("prod"));
}

#[tokio::test]
async fn another_object_of_its_name_behind_a_frozen_watch_is_not_taken_for_it() {
    let blinded = Blinded::at_intent("1.34").await;
    blinded.world.delete("prod").await;
    blinded.world.create(World::manifest("prod", "1.33")).await;
    let asked = blinded.seat.api.calls().len();
    let (world, seat, operator) = blinded.go_on();
    // It reads what its write was refused for.
    seat.api.until_more_calls(asked, 1).await;
    seat.api.thaw();
    until_said(&world, &operator, "UpToDate", &[]).await;
    assert_eq!(world.get("prod").await.status.unwrap().attempts, None);
}

#[tokio::test]
async fn a_suspension_hidden_across_a_restart_holds() {
    let Blinded {
        world,
        seat,
        mut operator,
        write,
    } = Blinded::at_intent("1.34").await;
    operator.kill9().unwrap();
    drop(write);
    world.patch("prod", suspended(true)).await;
    let operator = seat.operator(&world);
    until_said(&world, &operator, "Suspended", &[]).await;
}

#[tokio::test]
async fn an_update_and_a_suspension_hidden_across_a_restart_are_found_and_no_hop_follows() {
    let world = World::new(
        "{durations: {update: 2s}, lags: {list: 1s}, clusters: [{name: prod, version: '1.33'}]}",
    )
    .await;
    let seat = Seat::at(&world).await;
    world.create(World::manifest("prod", "1.35")).await;
    seat.api.freeze(&world.namespace).await;
    let mut operator = seat.operator(&world);
    world.until_running("prod").await;
    world.patch("prod", suspended(true)).await;
    operator.kill9().unwrap();
    // Its list shows an object without a status, and EKS lists no update yet.
    let operator = seat.operator(&world);
    until_said(&world, &operator, "Suspended", &["1.34"]).await;
    let object = world.get("prod").await;
    let status = object.status.as_ref().unwrap();
    assert_eq!((reason(&object), status.attempts), ("Suspended", Some(1)));
    assert_eq!(status.history.len(), 1);
}
