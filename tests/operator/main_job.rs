//! The main job, from `kubectl apply` to the end.

use eks_upgrade_operator::simulator::api::Operation;
use eks_upgrade_operator::simulator::model::CallRecord;
use jiff::SignedDuration;
use serde_json::json;

use crate::world::{World, condition, in_any_order, update};

#[tokio::test]
async fn two_hops_are_two_accepted_calls_with_tokens_of_their_own() {
    let world =
        World::new("{durations: {update: 1s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;

    let running = world.until_running("prod").await;
    let truth = world.truth("prod");
    assert_eq!(
        running.id.as_ref(),
        truth.updates.first().map(|update| &update.id),
        "status has EKS's id while it runs"
    );
    let status = world.get("prod").await.status.unwrap();
    let path: Vec<_> = status.path.iter().map(ToString::to_string).collect();
    assert_eq!(path, ["1.34", "1.35"]);

    let waited = world
        .kubectl
        .run([
            "wait",
            "-n",
            &world.namespace,
            "--for=condition=Ready",
            "clusterupgrade/prod",
            "--timeout=60s",
        ])
        .await
        .unwrap();
    waited
        .ok()
        .unwrap_or_else(|error| panic!("{error:?}\n{}", operator.tail()));
    let done = world.get("prod").await;
    let (ready, reason, message) = condition(&done, "Ready").unwrap();
    assert_eq!((ready, reason), ("True", "UpToDate"), "{message}");
    assert_eq!(condition(&done, "Reconciling"), None);
    assert_eq!(condition(&done, "Stalled"), None);
    let status = done.status.unwrap();
    assert_eq!(status.observed_generation, done.metadata.generation);
    assert!(status.path.is_empty());
    assert_eq!(status.cluster.unwrap().version, "1.35");
    let hops: Vec<_> = status
        .history
        .iter()
        .map(|u| (u.from_version.number(), u.to_version.number()))
        .collect();
    assert_eq!(hops, [(34, 35), (33, 34)], "newest first");

    let sends = world.sends("prod");
    let versions: Vec<_> = sends.iter().map(|send| send.version.as_str()).collect();
    assert_eq!(versions, ["1.34", "1.35"], "{sends:?}");
    assert_eq!(world.accepted("prod").len(), 2);
    assert_ne!(sends[0].token, sends[1].token);
    world
        .until_all_told(
            "prod",
            &[
                "UpdateStarted",
                "UpdateSucceeded",
                // What EKS found before the first hop says nothing of the second.
                "WaitingForCluster",
                "UpdateStarted",
                "UpdateSucceeded",
                "UpToDate",
            ],
        )
        .await;
}

#[tokio::test]
async fn a_start_asks_eks_for_what_it_needs_to_know_once() {
    let world =
        World::new("{durations: {update: 1s}, clusters: [{name: prod, version: '1.33'}]}").await;
    // Long intervals, so that every look is one that the start needs.
    let _operator = world.program_with("10m", "10m").start().unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_running("prod").await;
    let mut before: Vec<String> = world
        .calls(|_| true)
        .into_iter()
        .map(|call| format!("{:?}", call.operation))
        .collect();
    in_any_order(&mut before, "ListInsights");
    assert_eq!(
        before,
        [
            "DescribeCluster",
            "DescribeClusterVersions",
            "DescribeInsightsRefresh",
            "ListAddons",
            "ListNodegroups",
            "ListUpdates",
            "ListInsights",
            "UpdateClusterVersion"
        ]
    );
}

#[tokio::test]
async fn the_next_hop_asks_for_nothing_that_is_known() {
    let world =
        World::new("{durations: {update: 500ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.program_with("100ms", "10m").start().unwrap();
    world.create(World::manifest("prod", "1.35")).await;
    world.until_reason("prod", "UpToDate").await;
    let asked: Vec<String> = world
        .about("prod")
        .into_iter()
        .map(|call| format!("{:?}", call.operation))
        .collect();
    let start = |from: usize| {
        let starts = asked[from..]
            .iter()
            .position(|call| call == "UpdateClusterVersion");
        from + starts.unwrap()
    };
    let second = start(start(0) + 1);
    let ended = asked[..second]
        .iter()
        .rposition(|call| call == "DescribeUpdate");
    // The first DescribeCluster ends the hop before. Node groups were looked at a moment ago; which add-ons fit the next
    // version is another question, and EKS has to look at the cluster anew.
    assert_eq!(
        asked[ended.unwrap() + 1..second],
        [
            "DescribeCluster",
            "DescribeCluster",
            "ListUpdates",
            "ListAddons",
            "DescribeInsightsRefresh",
            "StartInsightsRefresh",
            "DescribeCluster",
            "ListUpdates",
            "DescribeInsightsRefresh",
            "ListInsights"
        ]
    );
}

#[tokio::test]
async fn the_versions_on_offer_are_asked_for_once_for_many_hops_and_objects() {
    let world = World::new(
        "{durations: {update: 200ms}, clusters: [{name: a, version: '1.33'}, {name: b, version: '1.34'}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("a", "1.36")).await;
    world.until_reason("a", "UpToDate").await;
    world.create(World::manifest("b", "1.35")).await;
    world.until_reason("b", "UpToDate").await;
    assert_eq!(world.asked("DescribeClusterVersions").len(), 1);
    assert_eq!(world.accepted_versions("a"), ["1.34", "1.35", "1.36"]);
}

#[tokio::test]
async fn kubectl_shows_what_a_person_needs() {
    let world =
        World::new("{durations: {update: 10m}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let running = world.until_running("prod").await;

    let narrow = world.kubectl(&["get", "cu"]).await;
    let rows: Vec<Vec<&str>> = narrow
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "NAME", "CLUSTER", "DESIRED", "CURRENT", "READY", "REASON", "NEXT", "START", "AGE"
        ]
    );
    assert_eq!(
        rows[1][..6],
        ["prod", "prod", "1.35", "1.33", "Unknown", "Updating"]
    );
    let wide = world
        .kubectl(&["get", "clusterupgrades", "-o", "wide"])
        .await;
    for shown in ["111122223333", "us-west-2", running.id.as_deref().unwrap()] {
        assert!(wide.contains(shown), "{shown} in\n{wide}");
    }
    let described = world.kubectl(&["describe", "cu", "prod"]).await;
    assert!(described.contains("UpdateStarted"), "{described}");
}

#[tokio::test]
async fn lags_between_eks_answers_are_waited_out() {
    let world = World::new(
        "{durations: {update: 300ms}, lags: {status: 1s, version: 800ms, list: 1s},
          clusters: [{name: prod, version: '1.33'}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let done = world.until_reason("prod", "UpToDate").await;
    assert_eq!(done.status.unwrap().history.len(), 2);
    assert_eq!(world.sends("prod").len(), 2, "{:?}", world.sends("prod"));
}

#[tokio::test]
async fn an_update_that_takes_long_is_called_overdue_once_and_followed_to_its_end() {
    let world =
        World::new("{durations: {update: 3s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world
        .program()
        .args(["--overdue-after", "1s"])
        .start()
        .unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    let overdue = world
        .until("the message says overdue", "prod", |object| {
            condition(object, "Ready").is_some_and(|(_, _, message)| message.contains("overdue"))
        })
        .await;
    assert_eq!(condition(&overdue, "Ready").unwrap().1, "Updating");
    assert_eq!(update(&overdue).unwrap().attempt, Some(1));
    world.until_reason("prod", "UpToDate").await;
    world
        .until_all_told(
            "prod",
            &[
                "UpdateStarted",
                "UpdateOverdue",
                "UpdateSucceeded",
                "UpToDate",
            ],
        )
        .await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn a_version_that_eks_does_not_offer_is_said_with_those_it_offers() {
    let world = World::new(
        "{clusters: [{name: prod, version: '1.33'}], versions: [{version: '1.36', releaseDate: 2026-01-01, offered: false}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.36")).await;
    let object = world.until_reason("prod", "UnsupportedVersion").await;
    let (ready, _, message) = condition(&object, "Ready").unwrap();
    assert_eq!(ready, "False");
    assert!(
        message.contains("1.36") && message.contains("1.35"),
        "{message}"
    );
    assert_eq!(world.sends("prod").len(), 0);
    world
        .patch("prod", json!({"spec": {"version": "1.33"}}))
        .await;
    world.until_reason("prod", "UpToDate").await;
}

/// A call to EKS takes long against everything else, and its answers follow from each other.
#[tokio::test]
async fn what_a_newer_version_makes_necessary_is_asked_at_once_and_only_once() {
    let reads = [
        Operation::DescribeCluster,
        Operation::ListUpdates,
        Operation::ListNodegroups,
        Operation::ListAddons,
        Operation::DescribeInsightsRefresh,
        Operation::ListInsights,
    ];
    let scenario = format!(
        "{{durations: {{update: 300ms}}, clusters: [{{name: prod, version: '1.33', insightsRefreshed: 5m}}],
           faults: [{{kind: delay, lasts: 2s, operations: [{}]}}]}}",
        reads.map(|read| format!("{read:?}")).join(", ")
    );
    let world = World::new(&scenario).await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.33")).await;
    world.until_reason("prod", "UpToDate").await;
    let before = world.about("prod").len();
    world.ask_for("prod", "1.34").await;
    let is_sent = |call: &CallRecord| call.operation == Operation::UpdateClusterVersion;
    world.until_asked("the update", is_sent).await;
    let calls = world.about("prod").split_off(before);
    let sent = calls.iter().position(is_sent).unwrap();
    let asked = |operation| {
        let of_it = calls[..sent].iter();
        let mut of_it = of_it.filter(|call| call.operation == operation);
        let first = of_it.next().map(|call| call.at);
        assert_eq!(of_it.count(), 0, "{operation:?} is asked again");
        first.unwrap_or_else(|| panic!("{operation:?} is not asked"))
    };
    let times = reads.map(asked);
    let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    // Before any of them was answered.
    assert!(
        last.duration_since(*first) < SignedDuration::from_secs(2),
        "{times:?}"
    );
}
