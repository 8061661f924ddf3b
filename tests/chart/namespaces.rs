//! `watchNamespaces`: rights in these alone, two replicas there, and nothing seen elsewhere.

use harness::ControlPlane;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::audit::requests;
use crate::grants::granted;
use crate::pods::Release;
use crate::rights::{refused, until_leading, until_ready};
use crate::world::{CRDS, World, install_crds, message, reason};

const ONE: &str = "{durations: {update: 2s}, clusters: [{name: prod, version: '1.33'}]}";

/// The control plane that all tests share, with CRDs that no release brings.
async fn plane() -> &'static ControlPlane {
    static HAS_CRDS: OnceCell<()> = OnceCell::const_new();
    let plane = ControlPlane::shared().await.unwrap();
    HAS_CRDS.get_or_init(|| install_crds(plane, CRDS)).await;
    plane
}

/// A release for the namespace of a world.
async fn release_for(world: &World, more: &[&str]) -> Release<'static> {
    let name = format!("for-{}", world.namespace);
    let watched = format!("--set=watchNamespaces[0]={}", world.namespace);
    let fullname = format!("--set=fullnameOverride={name}");
    let base = [&*watched, &fullname, "--set=crds.install=false"];
    Release::install(plane().await, &name, &name, &[&base, more].concat()).await
}

#[tokio::test]
async fn an_upgrade_is_done_there_and_another_namespace_is_neither_seen_nor_allowed() {
    let world = World::on(plane().await, ONE).await;
    let elsewhere = World::on(plane().await, ONE).await;
    elsewhere.create(World::manifest("prod", "1.34")).await;
    let release = release_for(&world, &[]).await;
    let mut pod = release.pod("pod-0", &world).await;
    until_leading(&mut pod).await;
    world.create(World::manifest("prod", "1.35")).await;
    world
        .until_reason_or("prod", "UpToDate", || pod.tail())
        .await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    // It had all this time for the other one, which is older and asks for a cluster of the same name.
    assert_eq!(reason(&elsewhere.get("prod").await), "");

    let asked = requests(plane().await, &release.user()).await;
    let refused = refused(&asked);
    assert!(refused.is_empty(), "{refused:#?}");
    let places = [&*world.namespace, &release.namespace, ""];
    for request in &asked {
        assert!(places.contains(&&*request.namespace), "{request:?}");
        assert!(
            !request.namespace.is_empty() || request.resource == "upgradefreezes",
            "{request:?}"
        );
    }
    let grants = granted(
        plane().await.kubectl(),
        &release.namespace,
        release.account(),
    );
    for grant in grants.await {
        assert!(
            grant.namespace.is_some() || grant.resource == "upgradefreezes",
            "{grant:?}"
        );
    }
}

#[tokio::test]
async fn a_leader_killed_in_mid_hop_is_followed_without_a_second_call() {
    let world = World::on(plane().await, ONE).await;
    let release = release_for(&world, &["--set=leaderElection.leaseDuration=3s"]).await;
    let mut leader = release.pod("pod-0", &world).await;
    until_leading(&mut leader).await;
    let mut standby = release.pod("pod-1", &world).await;
    until_ready(&mut standby).await;
    world.create(World::manifest("prod", "1.35")).await;
    world.until_running("prod").await;
    leader.kill9().unwrap();
    until_leading(&mut standby).await;
    world
        .until_reason_or("prod", "UpToDate", || standby.tail())
        .await;
    let sends = world.sends("prod");
    let versions: Vec<_> = sends.iter().map(|send| &*send.version).collect();
    assert_eq!(versions, ["1.34", "1.35"], "{sends:?}");
    assert!(sends.iter().all(|send| send.accepted), "{sends:?}");
}

#[tokio::test]
async fn the_access_of_the_values_counts_in_the_pod() {
    let world = World::on(plane().await, ONE).await;
    let access = json!([{
        "namespaces": [world.namespace],
        "clusters": ["arn:aws:eks:us-west-2:111122223333:cluster/other-*"],
        "ownIdentity": true,
    }]);
    let args = [format!("--set-json=access={access}")];
    let release = release_for(&world, &args.each_ref().map(String::as_str)).await;
    let mut pod = release.pod("pod-0", &world).await;
    until_leading(&mut pod).await;
    world.create(World::manifest("prod", "1.34")).await;
    let refused = world
        .until_reason_or("prod", "NotAllowed", || pod.tail())
        .await;
    let message = message(&refused);
    assert!(message.contains("cluster/prod"), "{message}");
    assert_eq!(world.about("prod").len(), 0);
}
