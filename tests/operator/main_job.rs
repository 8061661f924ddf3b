//! The main job, from `kubectl apply` to the end.

use crate::world::{World, condition};

#[tokio::test]
async fn two_hops_are_two_accepted_calls_and_nothing_happens_afterwards() {
    let world =
        World::new("{durations: {update: 1s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;

    let running = world
        .until("the first update runs", "prod", |object| {
            object
                .status
                .as_ref()
                .and_then(|s| s.update.as_ref())
                .is_some_and(|u| u.id.is_some())
        })
        .await;
    let status = running.status.unwrap();
    let ids: Vec<String> = world.eks.with_model(|model| {
        model
            .truth(jiff::Timestamp::now())
            .iter()
            .flat_map(|c| c.updates.iter().map(|u| u.id.clone()))
            .collect()
    });
    let update = status.update.unwrap();
    assert_eq!(
        Some(&update.id.unwrap()),
        ids.first(),
        "status has EKS's id while it runs"
    );
    assert_eq!(
        status
            .path
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["1.34", "1.35"]
    );

    let waited = world
        .plane
        .kubectl()
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

    let accepted = world.accepted();
    let versions: Vec<_> = accepted
        .iter()
        .map(|(version, _)| version.as_str())
        .collect();
    assert_eq!(versions, ["1.34", "1.35"]);
    assert_ne!(
        accepted[0].1, accepted[1].1,
        "each hop has a token of its own"
    );
    assert_eq!(world.asked("UpdateClusterVersion").len(), 2);
}
