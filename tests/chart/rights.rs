//! The rights that the chart grants: with them alone the operator does its work, and it uses each of them.

use harness::{ControlPlane, Process, eventually};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::audit::{Request, requests};
use crate::grants::granted;
use crate::helm::{NAMESPACE, RELEASE};
use crate::pods::{Release, address};
use crate::world::{DEADLINE, World, fetch, reason};

/// Waits until a pod says that it leads.
pub async fn until_leading(pod: &mut Process) {
    pod.wait_for_line("it leads", DEADLINE, |line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        (line["message"] == "leading").then_some(())
    })
    .await
    .unwrap();
}

/// Waits until a pod is ready, as the kubelet would find out.
pub async fn until_ready(pod: &mut Process) {
    let served = address(pod).await;
    eventually("the pod is ready", DEADLINE, async || {
        let (head, body) = fetch(&served, "/readyz").await;
        head.starts_with("http/1.1 200").then_some(()).ok_or(body)
    })
    .await
    .unwrap();
}

/// What was refused, but for what the API server always refuses who asks without a token.
pub fn refused(requests: &[Request]) -> Vec<&Request> {
    let refused = requests.iter();
    refused
        .filter(|request| matches!(request.code, 401 | 403))
        .collect()
}

/// A window that opens in some hours.
fn closed() -> Value {
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let start = Timestamp::now() + SignedDuration::from_hours(6);
    let start = start.strftime("%H:%M").to_string();
    json!({"days": days, "start": start, "duration": "1h", "timeZone": "UTC"})
}

fn freeze(name: &str, cluster: &str) -> String {
    json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "UpgradeFreeze",
        "metadata": {"name": name},
        "spec": {"reason": "Year-end closing", "selector": {"matchLabels": {"app": cluster}}},
    })
    .to_string()
}

fn labelled(name: &str, version: &str) -> Value {
    let mut manifest = World::manifest(name, version);
    manifest["metadata"]["labels"] = json!({"app": name});
    manifest
}

/// Waits until an Event of this reason has been told twice of an object.
async fn until_told_twice(world: &World, name: &str, wanted: &str) {
    eventually("the same was told twice", DEADLINE, async || {
        let told = world.told(name).await;
        let times = told.iter().filter(|reason| *reason == wanted).count();
        if times == 2 {
            Ok(())
        } else {
            Err(format!("{told:?}"))
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn installed_by_default_it_upgrades_with_the_charts_rights_and_needs_each_of_them() {
    let plane = ControlPlane::start().await.unwrap();
    let release = Release::install(&plane, NAMESPACE, RELEASE, &[]).await;
    let world = World::on(
        &plane,
        "{durations: {update: 1s}, clusters: [{name: prod, version: '1.33'}, {name: idle, version: '1.34',
            faults: [{kind: delay, lasts: 4s, times: 1, operations: [DescribeCluster]}]}]}",
    )
    .await;
    let mut leader = release.pod("pod-0", &world).await;
    until_leading(&mut leader).await;
    let mut standby = release.pod("pod-1", &world).await;
    until_ready(&mut standby).await;
    let delete = async |name: &str| {
        let delete = ["delete", "upgradefreeze", name];
        plane.kubectl().run(delete).await.unwrap().ok().unwrap();
    };

    // The first hop, then a freeze before the second.
    world.create(labelled("prod", "1.35")).await;
    world.until_running("prod").await;
    plane
        .kubectl()
        .apply(&freeze("closing", "prod"))
        .await
        .unwrap();
    world
        .until_reason_or("prod", "Frozen", || leader.tail())
        .await;

    // What somebody writes while it looks at the cluster has it read the object anew before it writes.
    let mut idle = labelled("idle", "1.35");
    idle["spec"]["schedule"] = json!({"windows": [closed()]});
    world.create(idle).await;
    world
        .until_asked("it looks at idle", |call| {
            call.cluster.as_deref() == Some("idle")
        })
        .await;
    let annotations = json!({"example.com/note": "ours"});
    world
        .patch("idle", json!({"metadata": {"annotations": annotations}}))
        .await;
    world.until_reason("idle", "OutsideWindow").await;

    // The same twice is one Event that counts.
    for _ in 0..2 {
        plane
            .kubectl()
            .apply(&freeze("again", "idle"))
            .await
            .unwrap();
        world.until_reason("idle", "Frozen").await;
        delete("again").await;
        world.until_reason("idle", "OutsideWindow").await;
    }
    until_told_twice(&world, "idle", "Frozen").await;

    // The hand-over; the second hop is the other one's.
    leader.sigterm().unwrap();
    let ended = leader.wait(DEADLINE).await.unwrap();
    assert!(ended.success(), "{}", leader.tail());
    until_leading(&mut standby).await;
    delete("closing").await;
    let done = world
        .until_reason_or("prod", "UpToDate", || standby.tail())
        .await;
    assert_eq!(reason(&done), "UpToDate");
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    world.until_told("prod", "UpToDate").await;
    standby.sigterm().unwrap();
    standby.wait(DEADLINE).await.unwrap();

    let asked = requests(&plane, &release.user()).await;
    let refused = refused(&asked);
    assert!(refused.is_empty(), "{refused:#?}");
    let grants = granted(plane.kubectl(), NAMESPACE, release.account()).await;
    assert!(!grants.is_empty());
    let idle: Vec<_> = grants
        .iter()
        .filter(|grant| !asked.iter().any(|request| grant.covers(request)))
        .collect();
    assert!(idle.is_empty(), "granted and never used: {idle:#?}");
    // And by no other right, such as those of every authenticated user.
    let beyond: Vec<_> = asked
        .iter()
        .filter(|request| !grants.iter().any(|grant| grant.covers(request)))
        .collect();
    assert!(beyond.is_empty(), "used and not granted: {beyond:#?}");
}
