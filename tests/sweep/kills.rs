//! Killed at every call of an upgrade, and started again: it ends as if nothing had happened.

use super::every_call::{Shown, Sweep};
use super::harm::{Calls, Harm};

/// The calls of EKS that every upgrade by two minors makes.
pub const EKS_CALLS: &[&str] = &[
    "0: DescribeCluster #1",
    "0: ListUpdates #1",
    "0: DescribeClusterVersions #1",
    "0: GET /clusters/prod/node-groups #1",
    "0: GET /clusters/prod/addons #1",
    "0: GET /clusters/prod/insights-refresh #1",
    "0: ListInsights of UPGRADE_READINESS #1",
    "0: UpdateClusterVersion to 1.34 #1",
    "1: DescribeUpdate #1",
    "1: DescribeCluster #1",
    "1: ListUpdates #1",
    "1: GET /clusters/prod/addons #1",
    "1: GET /clusters/prod/insights-refresh #1",
    "1: POST /clusters/prod/insights-refresh #1",
    "1: ListInsights of UPGRADE_READINESS #1",
    "1: UpdateClusterVersion to 1.35 #1",
    "2: DescribeUpdate #1",
    "2: DescribeCluster #1",
];

/// Its status writes.
pub const STATUS_WRITES: &[&str] = &[
    "0: Updating, 1.34 intent #1",
    "0: Updating, 1.34 InProgress #1",
    "0: WaitingForCluster, 1.34 Successful #1",
    "0: Updating, 1.35 intent #1",
    "0: Updating, 1.35 InProgress #1",
    "0: UpToDate, 1.35 Successful #1",
];

const TWO_HOPS: Sweep = Sweep {
    title: "two hops",
    scenario: "{durations: {update: 200ms}, clusters: [{name: prod, version: '1.33'}]}",
    spec: "{}",
    lists_at_once: true,
    operators: &[Shown::Everything],
    harms: Harm::KILLS,
    ends: "UpToDate",
    accepted: &["1.34", "1.35"],
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_call_of_eks_two_hops_end_like_the_undisturbed_run() {
    TWO_HOPS.over(Calls::Eks, EKS_CALLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_status_write_two_hops_end_like_the_undisturbed_run() {
    TWO_HOPS.over(Calls::StatusWrites, STATUS_WRITES).await;
}

/// What EKS accepted is not listed for so long that a request is repeated.
const UNLISTED: Sweep = Sweep {
    title: "two hops, EKS lists late",
    scenario: "{durations: {update: 200ms}, lags: {list: 1500ms, status: 150ms, version: 150ms},
                clusters: [{name: prod, version: '1.33'}]}",
    lists_at_once: false,
    ..TWO_HOPS
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_call_of_eks_that_lists_late_two_hops_end_like_the_undisturbed_run() {
    UNLISTED.over(Calls::Eks, EKS_CALLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_status_write_while_eks_lists_late_two_hops_end_like_the_undisturbed_run() {
    UNLISTED.over(Calls::StatusWrites, STATUS_WRITES).await;
}

/// Both operators see the object as it was before the first began.
const BLIND: Sweep = Sweep {
    title: "two hops, blind",
    scenario: "{durations: {update: 200ms}, lags: {list: 800ms}, clusters: [{name: prod, version: '1.33'}]}",
    operators: &[Shown::TheBeginning],
    lists_at_once: false,
    ..TWO_HOPS
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_call_of_eks_with_a_frozen_watch_two_hops_end_like_the_undisturbed_run() {
    BLIND.over(Calls::Eks, EKS_CALLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_status_write_with_a_frozen_watch_two_hops_end_like_the_undisturbed_run() {
    BLIND.over(Calls::StatusWrites, STATUS_WRITES).await;
}

/// A second update of the hop would be accepted by EKS, and seen.
const FAILS: Sweep = Sweep {
    title: "a hop that fails, EKS lists late",
    scenario: "{durations: {update: 200ms}, lags: {list: 1500ms},
                clusters: [{name: prod, version: '1.33',
                            outcomes: [{fail: {errorCode: PodEvictionFailure, errorMessage: no}}]}]}",
    ends: "UpdateFailed",
    accepted: &["1.34"],
    lists_at_once: false,
    ..TWO_HOPS
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_call_a_hop_that_fails_is_not_tried_again() {
    let until_it_runs = &EKS_CALLS[..9];
    FAILS.over(Calls::Eks, until_it_runs).await;
    let writes = &[
        "0: Updating, 1.34 intent #1",
        "0: Updating, 1.34 InProgress #1",
        "0: UpdateFailed, 1.34 Failed #1",
    ];
    FAILS.over(Calls::StatusWrites, writes).await;
}

/// An Auto Mode cluster that was upgraded by hand, and is to go back.
const ROLLBACK: Sweep = Sweep {
    title: "a rollback",
    scenario: "{durations: {rollback: 200ms, nodePhase: 200ms, insightsRefresh: 100ms},
                clusters: [{name: prod, version: '1.34', autoMode: true, insightsRefreshed: 2h, nodegroups: [{name: old, version: '1.33'}],
                            history: [{version: '1.34', age: 1h, id: up-1}]}]}",
    spec: "{version: '1.33', rollback: {fromVersion: '1.34', updateId: up-1}}",
    accepted: &["1.33"],
    ..TWO_HOPS
};

const ROLLBACK_CALLS: &[&str] = &[
    "0: DescribeCluster #1",
    "0: ListUpdates #1",
    "0: DescribeClusterVersions #1",
    "0: GET /clusters/prod/node-groups #1",
    "0: GET /clusters/prod/insights-refresh #1",
    "0: POST /clusters/prod/insights-refresh #1",
    "0: ListInsights of ROLLBACK_READINESS #1",
    "0: UpdateClusterVersion to 1.33 #1",
    "1: DescribeUpdate #1",
    "1: DescribeCluster #1",
];

const ROLLBACK_WRITES: &[&str] = &[
    "0: PreflightUnknown, no update #1",
    "0: Updating, 1.33 intent #1",
    "0: Updating, 1.33 InProgress #1",
    "0: UpToDate, 1.33 Successful #1",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_call_of_eks_a_rollback_ends_like_the_undisturbed_run() {
    ROLLBACK.over(Calls::Eks, ROLLBACK_CALLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_status_write_a_rollback_ends_like_the_undisturbed_run() {
    ROLLBACK.over(Calls::StatusWrites, ROLLBACK_WRITES).await;
}

/// What EKS accepted is not listed for so long that a request is repeated.
const UNLISTED_ROLLBACK: Sweep = Sweep {
    title: "a rollback, EKS lists late",
    scenario: "{durations: {rollback: 200ms, nodePhase: 200ms, insightsRefresh: 100ms}, lags: {list: 1500ms},
                clusters: [{name: prod, version: '1.34', autoMode: true, insightsRefreshed: 2h, history: [{version: '1.34', age: 1h, id: up-1}]}]}",
    lists_at_once: false,
    ..ROLLBACK
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_call_of_eks_that_lists_late_a_rollback_ends_like_the_undisturbed_run() {
    UNLISTED_ROLLBACK.over(Calls::Eks, ROLLBACK_CALLS).await;
    UNLISTED_ROLLBACK
        .over(Calls::StatusWrites, ROLLBACK_WRITES)
        .await;
}
