//! Several replicas, of which the one that holds the Lease acts.

use harness::{ControlPlane, Process, Program, eventually};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use serde_json::json;

use crate::rights::{acting_as, grant, grant_freezes, grant_rules};
use crate::world::{DEADLINE, World, address, fetch};

/// The default name of the lease.
const LEASE: &str = "eks-upgrade-operator";

fn replica(world: &World, duration: &str) -> Program {
    with_election(world, world.program(), duration)
}

fn with_election(world: &World, program: Program, duration: &str) -> Program {
    program.args([
        "--leader-elect",
        "--leader-elect-namespace",
        &world.namespace,
        "--leader-elect-duration",
        duration,
    ])
}

/// Starts one that leads, and then one that stands by and is ready.
async fn leader_and_standby(world: &World, duration: &str) -> (Process, Process) {
    let mut leader = replica(world, duration).start().unwrap();
    until_leading(&mut leader).await;
    let mut standby = replica(world, duration).start().unwrap();
    says(&mut standby, "standing by").await;
    until_ready(&mut standby).await;
    (leader, standby)
}

/// Waits until it has listed all objects.
async fn until_ready(replica: &mut Process) {
    let served = address(replica).await;
    eventually("it is ready", DEADLINE, async || {
        let (head, body) = fetch(&served, "/readyz").await;
        head.starts_with("http/1.1 200").then_some(()).ok_or(body)
    })
    .await
    .unwrap();
}

async fn until_leading(replica: &mut Process) {
    says(replica, " leading ").await;
}

async fn says(replica: &mut Process, words: &str) {
    let what = format!("it says {words:?}");
    replica
        .wait_for_line(&what, DEADLINE, |line| line.contains(words).then_some(()))
        .await
        .unwrap();
}

async fn lease(world: &World) -> Lease {
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), &world.namespace);
    leases.get(LEASE).await.unwrap()
}

async fn holder(world: &World) -> String {
    let lease = lease(world).await;
    lease.spec.unwrap().holder_identity.unwrap()
}

async fn until_ended(replica: &mut Process) -> Option<i32> {
    replica.wait(DEADLINE).await.unwrap().code()
}

#[tokio::test]
async fn a_standby_asks_eks_nothing() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let (mut leader, mut standby) = leader_and_standby(&world, "10m").await;
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    for (replica, has_asked) in [(&mut leader, true), (&mut standby, false)] {
        let served = address(replica).await;
        let (_, counted) = fetch(&served, "/metrics").await;
        assert_eq!(
            counted.contains("eks_upgrade_eks_calls_total{"),
            has_asked,
            "{counted}"
        );
        let leads = format!("eks_upgrade_leader {}\n", i32::from(has_asked));
        assert!(counted.contains(&leads), "{counted}");
        // To one that looks at nothing, nothing is due.
        let is_idle = counted.contains("eks_upgrade_pending_objects 0\n");
        assert!(has_asked || is_idle, "{counted}");
    }
}

#[tokio::test]
async fn a_leader_killed_in_mid_hop_is_followed_without_a_second_call() {
    let world =
        World::new("{durations: {update: 2s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let (mut leader, mut standby) = leader_and_standby(&world, "3s").await;
    world.create(World::manifest("prod", "1.35")).await;
    world.until_running("prod").await;
    leader.kill9().unwrap();
    until_leading(&mut standby).await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    assert_eq!(world.sends("prod").len(), 2, "{:?}", world.sends("prod"));
    let spec = lease(&world).await.spec.unwrap();
    assert_eq!(spec.lease_transitions, Some(2));
}

#[tokio::test]
async fn at_sigterm_the_next_one_leads_without_waiting_for_the_lease_to_end() {
    let world =
        World::new("{durations: {update: 2s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let (mut leader, mut standby) = leader_and_standby(&world, "10m").await;
    world.create(World::manifest("prod", "1.35")).await;
    world.until_running("prod").await;
    leader.sigterm().unwrap();
    assert_eq!(until_ended(&mut leader).await, Some(0));
    until_leading(&mut standby).await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.sends("prod").len(), 2, "{:?}", world.sends("prod"));
}

#[tokio::test]
async fn a_standby_at_sigterm_leaves_the_lease_alone() {
    let world = World::new("{}").await;
    let (_leader, mut standby) = leader_and_standby(&world, "10m").await;
    let before = holder(&world).await;
    standby.sigterm().unwrap();
    assert_eq!(until_ended(&mut standby).await, Some(0));
    assert_eq!(holder(&world).await, before);
}

#[tokio::test]
async fn a_leader_that_stood_still_sends_nothing_any_more_and_ends() {
    let world = World::new(
        "{durations: {update: 2s}, clusters: [{name: prod, version: '1.33', faults: [
            {kind: hang, work: atEnd, lasts: 500ms, times: 1, operations: [ListUpdates]}]}]}",
    )
    .await;
    let (mut leader, mut standby) = leader_and_standby(&world, "3s").await;
    world.create(World::manifest("prod", "1.34")).await;
    // In the middle of its look, with the send still to come.
    world
        .until_asked("the leader looks at prod", |call| {
            format!("{:?}", call.operation) == "ListUpdates"
        })
        .await;
    leader.freeze().unwrap();
    until_leading(&mut standby).await;
    world.until_running("prod").await;
    leader.thaw().unwrap();
    assert_eq!(until_ended(&mut leader).await, Some(1));
    assert!(
        leader.tail().contains("holds the lease now"),
        "{}",
        leader.tail()
    );
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.sends("prod").len(), 1, "{:?}", world.sends("prod"));
}

#[tokio::test]
async fn a_leader_whose_lease_is_taken_away_ends_and_starts_nothing() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let mut leader = replica(&world, "3s").start().unwrap();
    until_leading(&mut leader).await;
    world
        .kubectl(&[
            "patch",
            "lease",
            LEASE,
            "--type=merge",
            r#"--patch={"spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 600}}"#,
        ])
        .await;
    assert_eq!(until_ended(&mut leader).await, Some(1));
    assert!(
        leader.tail().contains("somebody holds the lease now"),
        "{}",
        leader.tail()
    );
    assert_eq!(holder(&world).await, "somebody");
    // Started again, as Kubernetes does, it stands by, with an object before it that asks for an upgrade.
    world.create(World::manifest("prod", "1.34")).await;
    let mut again = replica(&world, "3s").start().unwrap();
    says(&mut again, "standing by").await;
    until_ready(&mut again).await;
    assert_eq!(world.calls(|_| true).len(), 0);
}

#[tokio::test]
async fn others_labels_on_the_lease_do_no_harm() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let mut leader = replica(&world, "3s").start().unwrap();
    until_leading(&mut leader).await;
    world
        .kubectl(&["label", "lease", LEASE, "team=platform"])
        .await;
    let labelled = lease(&world).await;
    eventually("it was renewed since", DEADLINE, async || {
        let now = lease(&world).await;
        let is_renewed = now.metadata.resource_version != labelled.metadata.resource_version;
        is_renewed.then_some(())
    })
    .await
    .unwrap();
    assert_eq!(
        lease(&world).await.metadata.labels.unwrap()["team"],
        "platform"
    );
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
}

/// A replica that acts as a user with just the rights the operator needs, those to the lease among them.
async fn with_rights(world: &World, plane: &ControlPlane) -> Process {
    let user = format!("user-of-{}", world.namespace);
    grant(plane, &user, &world.namespace).await;
    grant_freezes(plane, &user).await;
    let kubeconfig = acting_as(plane, &user).await;
    let program = replica(world, "3s").env("KUBECONFIG", &kubeconfig);
    program.start().unwrap()
}

async fn grant_leases(world: &World, plane: &ControlPlane) {
    let (namespace, user) = (&world.namespace, format!("user-of-{}", world.namespace));
    let rules = json!([
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [LEASE], "verbs": ["get", "update"]},
    ]);
    grant_rules(plane, &user, namespace, "leases", rules).await;
}

#[tokio::test]
async fn without_the_right_to_the_lease_it_says_so_and_looks_at_nothing_until_it_has_it() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let plane = ControlPlane::shared().await.unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    let mut operator = with_rights(&world, plane).await;
    says(&mut operator, "the operator's rights to leases").await;
    until_ready(&mut operator).await;
    assert_eq!(world.calls(|_| true).len(), 0);
    grant_leases(&world, plane).await;
    world.until_running("prod").await;
}

#[tokio::test]
async fn a_leader_that_cannot_renew_ends() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let plane = ControlPlane::shared().await.unwrap();
    let mut leader = with_rights(&world, plane).await;
    grant_leases(&world, plane).await;
    until_leading(&mut leader).await;
    // In the middle of a look when its term ends, with the send still to come.
    world.fault("{kind: hang, work: atEnd, lasts: 5s, times: 1, operations: [ListUpdates]}");
    world.create(World::manifest("prod", "1.34")).await;
    world
        .until_asked("the leader looks at prod", |call| {
            format!("{:?}", call.operation) == "ListUpdates"
        })
        .await;
    world.kubectl(&["delete", "rolebinding", "leases"]).await;
    assert_eq!(until_ended(&mut leader).await, Some(1));
    assert!(
        leader.tail().contains("could not be renewed in time"),
        "{}",
        leader.tail()
    );
    assert_eq!(world.sends("prod").len(), 0);
}

#[tokio::test]
async fn the_lease_is_in_the_namespace_of_the_kubeconfig_by_default() {
    let world = World::new("{}").await;
    let text = std::fs::read_to_string(world.kubeconfig()).unwrap();
    let mut config: serde_json::Value = serde_norway::from_str(&text).unwrap();
    config["contexts"][0]["context"]["namespace"] = json!(world.namespace);
    let path = world
        .kubeconfig()
        .with_file_name(format!("{}.kubeconfig", world.namespace));
    tokio::fs::write(&path, config.to_string()).await.unwrap();
    let program = world.program().arg("--leader-elect");
    let mut leader = program.env("KUBECONFIG", &path).start().unwrap();
    until_leading(&mut leader).await;
    assert!(!holder(&world).await.is_empty());
}
