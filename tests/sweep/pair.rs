//! Two operators without leader election, one blind and one late, and either of them killed at every call.

use std::time::Duration;

use super::every_call::{Shown, Sweep};
use super::harm::{Calls, Harm};

const PAIR: Sweep = Sweep {
    title: "two operators",
    scenario: "{durations: {update: 200ms}, lags: {list: 800ms}, clusters: [{name: prod, version: '1.33'}]}",
    spec: "{}",
    lists_at_once: false,
    operators: &[Shown::TheBeginning, Shown::Late(Duration::from_millis(400))],
    harms: Harm::KILLS,
    ends: "UpToDate",
    accepted: &["1.34", "1.35"],
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_with_old_views_either_is_killed_at_every_call_of_eks() {
    let sure = &[
        "0: DescribeCluster #1",
        "0: UpdateClusterVersion to 1.34 #1",
        "1: UpdateClusterVersion to 1.35 #1",
    ];
    PAIR.over(Calls::Eks, sure).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_with_old_views_either_is_killed_at_every_status_write() {
    let sure = &[
        "0: Updating, 1.34 intent #1",
        "0: Updating, 1.34 InProgress #1",
        "0: Updating, 1.35 intent #1",
        "0: Updating, 1.35 InProgress #1",
        "0: UpToDate, 1.35 Successful #1",
    ];
    PAIR.over(Calls::StatusWrites, sure).await;
}
