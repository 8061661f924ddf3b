//! From one version of the chart to the next, away, and back: every object stays.
//!
//! 0.1.0 is the first cut of the chart, made while it was written and kept as it was then; there is no older release.

use std::path::{Path, PathBuf};
use std::process::Command;

use eks_upgrade_operator::api::ClusterUpgrade;
use harness::{ControlPlane, eventually};
use serde_json::{Value, json};

use crate::helm::{CHART, Helm, NAMESPACE, RELEASE};
use crate::pods::Release;
use crate::rights::until_leading;
use crate::world::{DEADLINE, World};

const PREVIOUS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/chart/previous/eks-upgrade-operator-0.1.0.tgz"
);
const CRD: &str = "clusterupgrades.eksupgrade.dev";

/// The previous chart with a CRD that lacks a field of today's, so that the next one has something to change in it.
fn previous() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("previous-chart");
    std::fs::create_dir_all(&directory).unwrap();
    let unpacked = Command::new("tar")
        .args(["-xzf", PREVIOUS, "-C"])
        .arg(&directory)
        .status();
    assert!(unpacked.unwrap().success());
    let chart = directory.join("eks-upgrade-operator");
    let path = chart.join(format!("files/crds/{CRD}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut crd: Value = serde_norway::from_str(&text).unwrap();
    let removed = schema(&mut crd).remove("bake");
    assert!(removed.is_some());
    std::fs::write(&path, serde_norway::to_string(&crd).unwrap()).unwrap();
    chart
}

/// The fields of `spec.schedule`.
fn schema(crd: &mut Value) -> &mut serde_json::Map<String, Value> {
    let schema = "/spec/versions/0/schema/openAPIV3Schema";
    let schedule = "/properties/spec/properties/schedule/properties";
    let found = crd.pointer_mut(&format!("{schema}{schedule}"));
    found.and_then(Value::as_object_mut).unwrap()
}

async fn get(plane: &ControlPlane, args: &[&str]) -> Value {
    let base = ["get", "--output=json"];
    let args = base.iter().chain(args);
    let said = plane.kubectl().run(args).await.unwrap().ok().unwrap();
    serde_json::from_str(&said).unwrap()
}

async fn has_bake(plane: &ControlPlane) -> bool {
    let mut crd = get(plane, &["crd", CRD]).await;
    schema(&mut crd).contains_key("bake")
}

#[tokio::test]
async fn an_upgrade_of_the_chart_loses_nothing_and_neither_does_its_removal() {
    let plane = ControlPlane::start().await.unwrap();
    let helm = Helm::of(&plane).await;
    let chart = previous();
    let within = ["--namespace", NAMESPACE, "--create-namespace"];
    let install = ["install", RELEASE, chart.to_str().unwrap()];
    helm.run(&[&install[..], &within].concat()).await.ok();
    eventually("its kinds are served", DEADLINE, async || {
        let get = ["get", "clusterupgrades,upgradefreezes", "--all-namespaces"];
        plane.kubectl().run(get).await.unwrap().ok().map(|_| ())
    })
    .await
    .unwrap();
    assert!(!has_bake(&plane).await);

    let world = World::on(
        &plane,
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}",
    )
    .await;
    let release = Release::installed(&plane, NAMESPACE, RELEASE).await;
    let mut pod = release.pod("pod-0", &world).await;
    until_leading(&mut pod).await;
    world.create(World::manifest("prod", "1.34")).await;
    world
        .until_reason_or("prod", "UpToDate", || pod.tail())
        .await;
    let freeze = json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "UpgradeFreeze",
        "metadata": {"name": "closing"},
        "spec": {"reason": "Year-end closing"},
    });
    plane.kubectl().apply(&freeze.to_string()).await.unwrap();
    pod.sigterm().unwrap();
    pod.wait(DEADLINE).await.unwrap();
    let objects = async || {
        let all = ["clusterupgrades,upgradefreezes", "--all-namespaces"];
        let list = get(&plane, &all).await;
        list["items"].as_array().cloned().unwrap()
    };
    let before = objects().await;
    assert_eq!(before.len(), 2);

    // With uid, status and resourceVersion: nobody has touched them.
    let upgrade = ["upgrade", RELEASE, CHART, "--namespace", NAMESPACE];
    helm.run(&upgrade).await.ok();
    assert!(has_bake(&plane).await, "the CRD is today's");
    let labels = get(&plane, &["crd", CRD]).await["metadata"]["labels"].clone();
    let text = std::fs::read_to_string(format!("{CHART}/Chart.yaml")).unwrap();
    let present: Value = serde_norway::from_str(&text).unwrap();
    let present = present["version"].as_str().unwrap();
    assert!(
        !PREVIOUS.contains(present),
        "{present} is not a new version"
    );
    assert_eq!(
        labels["helm.sh/chart"],
        format!("eks-upgrade-operator-{present}")
    );
    assert_eq!(objects().await, before);

    // Back to the older operator, without its CRDs: today's and the objects stay.
    let chart = chart.to_str().unwrap();
    let back = ["upgrade", RELEASE, chart, "--set=crds.install=false"];
    helm.run(&[&back[..], &["--namespace", NAMESPACE]].concat())
        .await
        .ok();
    let deployment = ["deployment", RELEASE, "-n", NAMESPACE];
    let labels = get(&plane, &deployment).await["metadata"]["labels"].clone();
    assert_eq!(labels["helm.sh/chart"], "eks-upgrade-operator-0.1.0");
    assert!(has_bake(&plane).await, "the CRD is still today's");
    assert_eq!(objects().await, before);
    // And on again, with them.
    helm.run(&[&upgrade[..], &["--set=crds.install=true"]].concat())
        .await
        .ok();
    assert!(has_bake(&plane).await);
    assert_eq!(objects().await, before);
    // What docs/install.md warns of: a rollback puts the old CRD back.
    let rollback = ["rollback", RELEASE, "1", "--namespace", NAMESPACE];
    helm.run(&rollback).await.ok();
    assert!(!has_bake(&plane).await);
    helm.run(&upgrade).await.ok();
    assert!(has_bake(&plane).await);
    assert_eq!(objects().await, before);

    let uninstall = ["uninstall", RELEASE, "--namespace", NAMESPACE];
    let said = helm.run(&uninstall).await.ok();
    assert!(said.contains("kept"), "{said}");
    let deployments = get(&plane, &["deployments", "-n", NAMESPACE]).await;
    assert_eq!(deployments["items"], json!([]));
    assert_eq!(objects().await, before);

    // Installed again it finds them, and goes on with them.
    let release = Release::install(&plane, NAMESPACE, RELEASE, &[]).await;
    assert_eq!(objects().await, before);
    let mut pod = release.pod("pod-0", &world).await;
    until_leading(&mut pod).await;
    let freeze = ["delete", "upgradefreeze", "closing"];
    plane.kubectl().run(freeze).await.unwrap().ok().unwrap();
    world
        .patch(
            "prod",
            json!({"spec": {"version": "1.35", "schedule": {"bake": "1h"}}}),
        )
        .await;
    let baking: ClusterUpgrade = world.until_reason_or("prod", "Baking", || pod.tail()).await;
    assert_eq!(baking.metadata.uid, {
        let uid = before
            .iter()
            .find(|object| object["kind"] == "ClusterUpgrade");
        uid.unwrap()["metadata"]["uid"].as_str().map(str::to_owned)
    });
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
}
