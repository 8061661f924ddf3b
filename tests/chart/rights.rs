//! The rights that the chart grants: with them alone the operator does its work, and it uses each of them.

use harness::{ControlPlane, Process, eventually};
use serde_json::json;

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

#[tokio::test]
async fn installed_by_default_it_upgrades_with_the_charts_rights_and_needs_each_of_them() {
    let plane = ControlPlane::start().await.unwrap();
    let release = Release::install(&plane, NAMESPACE, RELEASE, &[]).await;
    let world = World::on(
        &plane,
        "{durations: {update: 1s}, clusters: [{name: prod, version: '1.33'}, {name: idle, version: '1.34'}]}",
    )
    .await;
    let mut leader = release.pod("pod-0", &world).await;
    until_leading(&mut leader).await;
    let mut standby = release.pod("pod-1", &world).await;
    until_ready(&mut standby).await;

    // The first hop, then a freeze before the second.
    world.create(World::manifest("prod", "1.35")).await;
    world.until_running("prod").await;
    let freeze = json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "UpgradeFreeze",
        "metadata": {"name": "closing"},
        "spec": {"reason": "Year-end closing"},
    });
    plane.kubectl().apply(&freeze.to_string()).await.unwrap();
    world
        .until_reason_or("prod", "Frozen", || leader.tail())
        .await;

    // The same twice is one Event that counts. A spec that is not what it was is looked at at once.
    world.create(World::manifest("idle", "1.34")).await;
    world.until_reason("idle", "UpToDate").await;
    for suspend in [true, false, true] {
        world
            .patch(
                "idle",
                json!({"spec": {"suspend": suspend, "version": "1.35"}}),
            )
            .await;
        let wanted = if suspend { "Suspended" } else { "Frozen" };
        world.until_reason("idle", wanted).await;
    }
    eventually("the same was told twice", DEADLINE, async || {
        let told = world.told("idle").await;
        let times = told.iter().filter(|reason| *reason == "Suspended").count();
        if times == 2 {
            Ok(())
        } else {
            Err(format!("{told:?}"))
        }
    })
    .await
    .unwrap();

    // The hand-over; the second hop is the other one's.
    leader.sigterm().unwrap();
    let ended = leader.wait(DEADLINE).await.unwrap();
    assert!(ended.success(), "{}", leader.tail());
    until_leading(&mut standby).await;
    let freeze = ["delete", "upgradefreeze", "closing"];
    plane.kubectl().run(freeze).await.unwrap().ok().unwrap();
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
