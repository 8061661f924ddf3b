//! Crashes, lost answers and a second operator: one accepted call per hop.

use std::time::Duration;

use harness::{Process, eventually};

use crate::world::{DEADLINE, World, reason, update};

/// Waits until EKS has got a send about `cluster`.
async fn until_sent(world: &World, cluster: &str) {
    eventually("EKS gets the send", DEADLINE, async || {
        world.sends(cluster).into_iter().next()
    })
    .await
    .unwrap();
}

/// Kills the operator as soon as its send has reached EKS, starts another, and lets it finish.
async fn killed_while_sending(fault: &str) -> (World, Process) {
    let world = World::new(&format!(
        "{{durations: {{update: 1s}}, clusters: [{{name: prod, version: '1.33', faults: [{fault}]}}]}}"
    ))
    .await;
    let mut operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    until_sent(&world, "prod").await;
    operator.kill9().unwrap();
    let object = world.get("prod").await;
    let intent = update(&object).unwrap();
    assert!(intent.is_open_intent(), "{intent:?}");
    let restarted = world.operator();
    let done = world.until_reason("prod", "UpToDate").await;
    let status = done.status.unwrap();
    assert_eq!(status.attempts, Some(1));
    assert_eq!(status.history.len(), 1);
    (world, restarted)
}

#[tokio::test]
async fn killed_after_eks_accepted_it_adopts_by_looking() {
    let (world, _restarted) = killed_while_sending(
        "{kind: hang, work: atOnce, lasts: 30s, times: 1, operations: [UpdateClusterVersion]}",
    )
    .await;
    assert_eq!(world.sends("prod").len(), 1, "{:?}", world.sends("prod"));
    assert_eq!(world.accepted("prod").len(), 1);
    world
        .until_all_told("prod", &["UpdateStarted", "UpdateSucceeded", "UpToDate"])
        .await;
}

#[tokio::test]
async fn killed_before_eks_got_it_it_sends_again_with_the_same_token() {
    let (world, _restarted) = killed_while_sending(
        "{kind: hang, work: never, lasts: 30s, times: 1, operations: [UpdateClusterVersion]}",
    )
    .await;
    let sends = world.sends("prod");
    assert_eq!(sends.len(), 2, "{sends:?}");
    assert_eq!(sends[0].token, sends[1].token);
    assert_eq!(world.accepted("prod").len(), 1);
}

#[tokio::test]
async fn killed_with_a_send_that_arrives_late_one_is_accepted() {
    // The first request is held up on its way and arrives when the second operator has sent its own.
    let (world, _restarted) = killed_while_sending(
        "{kind: hang, work: atEnd, lasts: 3s, times: 1, operations: [UpdateClusterVersion]}",
    )
    .await;
    let sends = world.sends("prod");
    assert_eq!(sends[0].token, sends[1].token);
    eventually("the late one has arrived", DEADLINE, async || {
        world.truth("prod"); // what is due arrives when EKS is looked at
        let late = &world.asked("UpdateClusterVersion")[0];
        late.update_id.clone().or(late.error_code.clone())
    })
    .await
    .unwrap();
    assert_eq!(world.accepted("prod").len(), 1);
    assert_eq!(world.truth("prod").updates.len(), 1);
}

/// Runs one hop with this fault on its send.
async fn answered_badly(fault: &str) -> World {
    let world = World::new(&format!(
        "{{durations: {{update: 1s}}, clusters: [{{name: prod, version: '1.33', faults: [{fault}]}}]}}"
    ))
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(done.status.unwrap().attempts, Some(1));
    assert_eq!(world.accepted("prod").len(), 1);
    let sends = world.sends("prod");
    assert!(
        sends.iter().all(|send| send.token == sends[0].token),
        "{sends:?}"
    );
    world
}

#[tokio::test]
async fn an_answer_lost_after_the_work_is_found_by_looking() {
    let world =
        answered_badly("{kind: lostAfter, times: 1, operations: [UpdateClusterVersion]}").await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_found_by_looking() {
    let world =
        answered_badly("{kind: malformed, times: 1, operations: [UpdateClusterVersion]}").await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn a_request_lost_before_the_work_is_sent_again() {
    let world =
        answered_badly("{kind: lostBefore, times: 2, operations: [UpdateClusterVersion]}").await;
    assert_eq!(world.sends("prod").len(), 3);
}

#[tokio::test]
async fn an_answer_that_comes_after_the_timeout_is_found_by_looking() {
    let world =
        answered_badly("{kind: delay, lasts: 8s, times: 1, operations: [UpdateClusterVersion]}")
            .await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn a_lost_answer_and_a_list_that_lags_are_still_one_update() {
    let world = World::new(
        "{durations: {update: 5s}, lags: {list: 3s},
          clusters: [{name: prod, version: '1.33',
                      faults: [{kind: lostAfter, times: 1, operations: [UpdateClusterVersion]}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted("prod").len(), 1);
}

#[tokio::test]
async fn two_operators_at_once_start_each_hop_once() {
    let clusters: Vec<String> = (0..5)
        .map(|i| format!("{{name: c{i}, version: '1.33'}}"))
        .collect();
    let world = World::new(&format!(
        "{{durations: {{update: 1s}}, clusters: [{}]}}",
        clusters.join(", ")
    ))
    .await;
    let _operators = [world.operator(), world.operator()];
    for i in 0..5 {
        world
            .create(World::manifest(&format!("c{i}"), "1.35"))
            .await;
    }
    for i in 0..5 {
        let name = format!("c{i}");
        let done = world.until_reason(&name, "UpToDate").await;
        let status = done.status.unwrap();
        assert_eq!(world.accepted_versions(&name), ["1.34", "1.35"]);
        assert_eq!(
            status.attempts,
            Some(2),
            "no attempt was used twice or in vain"
        );
        assert_eq!(status.history.len(), 2);
    }
}

#[tokio::test]
async fn killed_again_and_again_two_hops_are_two_accepted_calls() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let world = World::new(
        "{durations: {update: 1500ms}, lags: {status: 300ms, version: 300ms, list: 300ms},
          clusters: [{name: prod, version: '1.33'}]}",
    )
    .await;
    world.create(World::manifest("prod", "1.35")).await;
    for _ in 0..12 {
        let mut operator = ready(&world).await;
        // How far it comes is left to chance: this is the point, and no condition is waited for.
        let life = Duration::from_millis(random.u64(0..500));
        tokio::time::sleep(life).await;
        operator.kill9().unwrap();
    }
    let _operator = world.operator();
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(
        world.accepted_versions("prod"),
        ["1.34", "1.35"],
        "seed {seed}"
    );
    assert_eq!(world.truth("prod").updates.len(), 2, "seed {seed}");
    let done = world.get("prod").await;
    assert_eq!(reason(&done), "UpToDate");
    assert_eq!(done.status.unwrap().attempts, Some(2), "seed {seed}");
}

/// An operator that has come as far as serving metrics: just before it looks at anything.
async fn ready(world: &World) -> Process {
    let mut operator = world.operator();
    crate::world::address(&mut operator).await;
    operator
}
