//! Idle costs nothing, and what is written at work is counted.

use std::sync::{Arc, Mutex};

use eks_upgrade_operator::api::ClusterUpgrade;
use futures::StreamExt as _;
use harness::eventually;
use kube::api::{WatchEvent, WatchParams};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::world::{DEADLINE, World, in_any_order, reason};

/// Every state of one object that the API server shows.
struct States {
    seen: Arc<Mutex<Vec<ClusterUpgrade>>>,
    task: JoinHandle<()>,
}

impl States {
    /// From `object` on.
    async fn since(world: &World, object: &ClusterUpgrade) -> Self {
        let name = object.metadata.name.clone().unwrap();
        let from = object.metadata.resource_version.clone().unwrap();
        let params = WatchParams::default().fields(&format!("metadata.name={name}"));
        let mut events = Box::pin(world.objects.watch(&params, &from).await.unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                if let WatchEvent::Modified(object) = event {
                    into.lock().unwrap().push(object);
                }
            }
        });
        Self { seen, task }
    }

    /// Those up to the present one.
    async fn until(self, last: &ClusterUpgrade) -> Vec<ClusterUpgrade> {
        eventually("the watch shows the last write", DEADLINE, async || {
            let seen = self.seen.lock().unwrap();
            let version = |object: &ClusterUpgrade| object.metadata.resource_version.clone();
            seen.iter()
                .position(|object| version(object) == version(last))
                .map(|at| seen[..=at].to_vec())
        })
        .await
        .inspect(|_| self.task.abort())
        .unwrap()
    }
}

#[tokio::test]
async fn an_idle_object_causes_no_write_no_event_and_no_call() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: idle, version: '1.33'}, {name: other, version: '1.33'}]}",
    )
    .await;
    let _operator = world.program_with("100ms", "10m").start().unwrap();
    world.create(World::manifest("idle", "1.34")).await;
    let idle = world.until_reason("idle", "UpToDate").await;
    world.until_told("idle", "UpToDate").await;
    let (calls, events) = (world.about("idle").len(), world.events("idle").await);

    // A whole upgrade of another object is time enough for whatever would follow by itself.
    world.create(World::manifest("other", "1.35")).await;
    world.until_reason("other", "UpToDate").await;
    let later = world.get("idle").await;
    assert_eq!(
        later.metadata.resource_version,
        idle.metadata.resource_version
    );
    assert_eq!(world.about("idle").len(), calls);
    assert_eq!(world.events("idle").await, events);

    // Nor does a label, which says nothing to the operator.
    world
        .patch("idle", json!({"metadata": {"labels": {"team": "a"}}}))
        .await;
    world.ask_for("other", "1.36").await;
    world.until_reason("other", "UpToDate").await;
    assert_eq!(world.about("idle").len(), calls);
}

#[tokio::test]
async fn own_writes_do_not_wake_it() {
    let world = World::new(
        "{durations: {update: 10m}, clusters: [{name: prod, version: '1.33'}, {name: other, version: '1.33', durations: {update: 300ms}}]}",
    )
    .await;
    let _operator = world.program_with("10m", "10m").start().unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_running("prod").await;
    world.create(World::manifest("other", "1.33")).await;
    world.until_reason("other", "UpToDate").await;
    let mut asked: Vec<_> = world
        .about("prod")
        .iter()
        .map(|call| format!("{:?}", call.operation))
        .collect();
    in_any_order(&mut asked, "ListInsights");
    assert_eq!(
        asked,
        [
            "DescribeCluster",
            "DescribeInsightsRefresh",
            "ListAddons",
            "ListNodegroups",
            "ListUpdates",
            "ListInsights",
            "UpdateClusterVersion"
        ],
        "the next look is a poll interval away"
    );
}

#[tokio::test]
async fn resyncs_of_an_idle_object_write_and_tell_nothing() {
    let world = World::new("{clusters: [{name: idle, version: '1.33'}]}").await;
    let _operator = world.program_with("100ms", "200ms").start().unwrap();
    world.create(World::manifest("idle", "1.33")).await;
    let idle = world.until_reason("idle", "UpToDate").await;
    world.looks("idle", 5).await;
    let later = world.get("idle").await;
    assert_eq!(
        later.metadata.resource_version,
        idle.metadata.resource_version
    );
    world.until_all_told("idle", &["UpToDate"]).await;
    let calls = world.about("idle");
    let mut asked: Vec<_> = calls
        .iter()
        .map(|call| format!("{:?}", call.operation))
        .collect();
    // At first sight only: whether somebody's upgrade could be taken back.
    let listed = asked.iter().filter(|name| *name == "ListUpdates").count();
    assert_eq!((listed, asked[1].as_str()), (1, "ListUpdates"));
    asked.dedup();
    assert_eq!(
        asked,
        ["DescribeCluster", "ListUpdates", "DescribeCluster"],
        "one DescribeCluster a resync, and nothing else"
    );
}

#[tokio::test]
async fn a_hop_is_written_in_a_few_states_that_never_go_back() {
    let world =
        World::new("{durations: {update: 2s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let created = world.create(World::manifest("prod", "1.35")).await;
    let written = States::since(&world, &created).await;
    let _operator = world.operator();
    let done = world.until_reason("prod", "UpToDate").await;
    let states = written.until(&done).await;
    let story: Vec<_> = states
        .iter()
        .map(|object| {
            let seen = object.status.as_ref().unwrap();
            let update = seen.update.as_ref().unwrap();
            let progress = update.status.as_ref().map(ToString::to_string);
            let id = update.id.is_some();
            format!(
                "{} to {} {} {}, {}",
                reason(object),
                update.to_version,
                if id { "accepted" } else { "asked for" },
                progress.unwrap_or_default(),
                seen.cluster.as_ref().unwrap().status,
            )
        })
        .collect();
    // Per hop: the intent, the id, that it runs, its end.
    assert!(story.len() <= 8, "{story:#?}");
    // What was said of a condition changes only with its status.
    let since = |object: &ClusterUpgrade| {
        let conditions = &object.status.as_ref().unwrap().conditions;
        let found = conditions.iter().find(|c| c.type_ == "Reconciling");
        found.map(|condition| condition.last_transition_time.clone())
    };
    let first = since(&states[0]);
    assert!(first.is_some());
    for state in &states[..states.len() - 1] {
        assert_eq!(
            since(state),
            first,
            "one wait from the first hop to the last"
        );
    }
}
