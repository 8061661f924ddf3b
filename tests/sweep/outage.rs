//! A server cannot be reached for a while, from every call on.

use super::every_call::{Shown, Sweep};
use super::harm::{Calls, Harm};
use super::kills::{EKS_CALLS, STATUS_WRITES};
use super::seat::Seat;
use super::world::{World, condition, message};

const OUTAGE: Sweep = Sweep {
    title: "two hops, cut off",
    scenario: "{durations: {update: 200ms}, clusters: [{name: prod, version: '1.33'}]}",
    spec: "{}",
    lists_at_once: true,
    operators: &[Shown::Everything],
    harms: Harm::CUTS,
    ends: "UpToDate",
    accepted: &["1.34", "1.35"],
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_from_eks_at_every_call_two_hops_end_like_the_undisturbed_run() {
    OUTAGE.over(Calls::Eks, EKS_CALLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_from_the_api_server_at_every_status_write_two_hops_end_like_the_undisturbed_run() {
    OUTAGE.over(Calls::StatusWrites, STATUS_WRITES).await;
}

#[tokio::test]
async fn eks_out_of_reach_from_the_start_on_is_said_and_both_hops_follow() {
    let world = World::new(OUTAGE.scenario).await;
    let seat = Seat::at(&world).await;
    seat.eks.cut();
    let _operator = seat.operator(&world);
    world.create(World::manifest("prod", "1.35")).await;
    world.until_reason("prod", "EksUnavailable").await;
    assert_eq!(world.calls(|_| true).len(), 0);
    seat.eks.mend();
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    assert_eq!(done.status.unwrap().attempts, Some(2));
}

#[tokio::test]
async fn eks_that_falls_silent_in_mid_update_is_said_and_the_update_is_followed_further() {
    let world =
        World::new("{durations: {update: 3s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let seat = Seat::at(&world).await;
    let _operator = seat.operator(&world);
    world.create(World::manifest("prod", "1.35")).await;
    world.until_running("prod").await;
    seat.eks.fall_silent();
    let unseen = world
        .until("it is said that nothing can be seen", "prod", |object| {
            message(object).contains("cannot be seen")
        })
        .await;
    assert_eq!(condition(&unseen, "Ready").unwrap().1, "Updating");
    seat.eks.mend();
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    assert_eq!(done.status.unwrap().attempts, Some(2));
}
