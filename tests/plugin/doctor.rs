//! `doctor`: what is there, and what is not.

use harness::ControlPlane;
use serde_json::{Value, json};

use crate::world::{CRDS, World, install_crds};

/// The results of a check.
fn results<'a>(findings: &'a Value, check: &str) -> Vec<&'a str> {
    let all = findings.as_array().unwrap().iter();
    all.filter(|finding| finding["check"] == check)
        .map(|finding| finding["result"].as_str().unwrap())
        .collect()
}

async fn findings(world: &World, status: i32) -> Value {
    let json = world.plugin(&["doctor", "-o", "json"]).await.ended(status);
    serde_json::from_str(&json).unwrap()
}

/// Deployment and Lease as the chart makes them; nobody runs what is in them here.
fn deployment(ready: i32) -> String {
    let labels = json!({"app.kubernetes.io/name": "eks-upgrade-operator"});
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "eks-upgrade-operator", "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": "default", "containers": [
                    {"name": "operator", "image": "operator", "args": ["run", "--leader-elect", "--leader-elect-lease=upgrades"]},
                ]},
            },
        },
        "status": {"replicas": 2, "readyReplicas": ready},
    })
    .to_string()
}

fn lease(name: &str, renewed: &str) -> String {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name},
        "spec": {"holderIdentity": "pod-1", "leaseDurationSeconds": 600, "renewTime": renewed},
    })
    .to_string()
}

#[tokio::test]
async fn it_tells_a_fleet_that_is_looked_after_from_one_that_is_not() {
    // Of its own: it looks at all namespaces.
    let plane = ControlPlane::start().await.unwrap();
    install_crds(&plane, CRDS).await;
    let world = World::on(
        &plane,
        "{clusters: [{name: prod, version: '1.33'},
        {name: secret, version: '1.33', faults: [{kind: accessDenied, operations: [DescribeCluster]}]}]}",
    )
    .await;
    let nothing = findings(&world, 0).await;
    assert_eq!(results(&nothing, "CRD"), ["Ok", "Ok"]);
    assert_eq!(results(&nothing, "Operator"), ["Warning"]);
    assert_eq!(results(&nothing, "Objects"), ["Warning"]);

    let operator = world.operator();
    world.create(World::manifest("prod", "1.33")).await;
    world.until_reason("prod", "UpToDate").await;
    let well = findings(&world, 0).await;
    assert_eq!(results(&well, "Objects"), ["Ok"]);
    assert!(
        well.to_string()
            .contains("UpdateClusterVersion cannot be tried"),
        "{well}"
    );

    world.create(World::manifest("secret", "1.33")).await;
    // For some minutes, until what was allowed a moment ago has spread in IAM.
    world.until_reason("secret", "EksUnavailable").await;
    let denied = findings(&world, 0).await;
    assert_eq!(results(&denied, "Rights in AWS"), ["Warning", "Warning"]);
    assert!(
        denied.to_string().contains("eks:DescribeCluster"),
        "{denied}"
    );
    drop(operator);
    plane.stop().await.unwrap();
}

#[tokio::test]
async fn it_looks_at_the_deployment_its_lease_and_its_rights() {
    let plane = ControlPlane::start().await.unwrap();
    install_crds(&plane, CRDS).await;
    let world = World::on(&plane, "{}").await;
    let now = jiff::Timestamp::now();
    let long_ago = now - jiff::SignedDuration::from_hours(1);
    world
        .kubectl
        .run([
            "create",
            "serviceaccount",
            "default",
            "-n",
            &world.namespace,
        ])
        .await
        .unwrap();
    world.apply(&deployment(0)).await;
    world
        .apply(&lease("upgrades", &format!("{long_ago:.6}")))
        .await;
    let wrong = findings(&world, 1).await;
    assert_eq!(results(&wrong, "Operator"), ["Failed"]);
    assert_eq!(results(&wrong, "Leader"), ["Failed"]);
    // The account has no role at all, neither for objects nor for its Lease.
    assert_eq!(
        results(&wrong, "Rights in Kubernetes"),
        ["Failed", "Failed"]
    );
    assert!(wrong.to_string().contains("it cannot lead"), "{wrong}");

    world.apply(&lease("upgrades", &format!("{now:.6}"))).await;
    let better = findings(&world, 1).await;
    assert_eq!(results(&better, "Leader"), ["Ok"]);
    assert!(better.to_string().contains("pod-1 leads"), "{better}");

    // A CRD that somebody has changed.
    let patch = r#"[{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema/description", "value": "Another."}]"#;
    world
        .kubectl
        .run([
            "patch",
            "crd",
            "upgradefreezes.eksupgrade.dev",
            "--type=json",
            "--patch",
            patch,
        ])
        .await
        .unwrap()
        .ok()
        .unwrap();
    // And one with a field that this version does not know, as a newer one would be.
    let patch = r#"[{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/pause", "value": {"type": "boolean"}}]"#;
    world
        .kubectl
        .run([
            "patch",
            "crd",
            "clusterupgrades.eksupgrade.dev",
            "--type=json",
            "--patch",
            patch,
        ])
        .await
        .unwrap()
        .ok()
        .unwrap();
    let other = findings(&world, 1).await;
    assert_eq!(results(&other, "CRD"), ["Warning", "Warning"]);
    plane.stop().await.unwrap();
}

#[tokio::test]
async fn an_operator_outside_of_the_cluster_is_known_by_its_lease() {
    let plane = ControlPlane::start().await.unwrap();
    install_crds(&plane, CRDS).await;
    let world = World::on(&plane, "{}").await;
    let now = jiff::Timestamp::now();
    let renewed = format!("{now:.6}");
    world.apply(&lease("another", &renewed)).await;
    let nobody = findings(&world, 0).await;
    assert!(results(&nobody, "Leader").is_empty(), "{nobody}");
    world.apply(&lease("eks-upgrade-operator", &renewed)).await;
    let leads = findings(&world, 0).await;
    assert_eq!(results(&leads, "Operator"), ["Warning"]);
    assert_eq!(results(&leads, "Leader"), ["Ok"]);
    let long_ago = now - jiff::SignedDuration::from_hours(1);
    let stale = lease("eks-upgrade-operator", &format!("{long_ago:.6}"));
    world.apply(&stale).await;
    let left = findings(&world, 0).await;
    assert_eq!(results(&left, "Leader"), ["Warning"]);
    plane.stop().await.unwrap();
}

impl World {
    /// Applies an object to the world's namespace.
    async fn apply(&self, object: &str) {
        let object: Value = serde_json::from_str(object).unwrap();
        let mut object = object;
        object["metadata"]["namespace"] = json!(self.namespace);
        self.kubectl.apply(&object.to_string()).await.unwrap();
    }
}
