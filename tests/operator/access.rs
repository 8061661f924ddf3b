//! Who may upgrade what, as whom: the access file.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::world::{ACCOUNT, DEADLINE, World, message, operator_program};

const OTHER: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::444455556666:role/eks-upgrades";

/// The file with these rules, beside the kubeconfig.
async fn file(world: &World, rules: Value) -> PathBuf {
    written(world, &json!({"access": rules}).to_string()).await
}

async fn written(world: &World, text: &str) -> PathBuf {
    let path = world
        .kubeconfig()
        .with_file_name(format!("{}.access.yaml", world.namespace));
    tokio::fs::write(&path, text).await.unwrap();
    path
}

fn clusters(name: &str) -> Value {
    json!([format!("arn:aws:eks:*:*:cluster/{name}")])
}

#[tokio::test]
async fn the_operator_s_own_identity_cannot_be_borrowed() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}, {name: own, version: '1.33'}]}",
    )
    .await;
    let rules = json!([{"namespaces": [world.namespace], "clusters": clusters("own*"), "ownIdentity": true}]);
    let path = file(&world, rules).await;
    let _operator = world.program().arg("--config").arg(&path).start().unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    let refused = world.until_reason("prod", "NotAllowed").await;
    for part in [
        "own identity",
        &format!("arn:aws:eks:us-west-2:{ACCOUNT}:cluster/prod"),
        "--config",
    ] {
        assert!(message(&refused).contains(part), "{}", message(&refused));
    }
    world.create(World::manifest("own", "1.34")).await;
    world.until_reason("own", "UpToDate").await;
    assert_eq!(world.about("prod").len(), 0);
}

#[tokio::test]
async fn a_role_is_used_for_its_clusters_alone_and_with_the_external_id_of_the_rule() {
    let world = World::new(&format!(
        "{{durations: {{update: 300ms}}, clusters: [
            {{name: prod, version: '1.33', accountId: '{OTHER}'}},
            {{name: other, version: '1.33', accountId: '{OTHER}'}}],
          sts: {{roles: [{{arn: '{ROLE}', externalId: hub-7}}]}}}}"
    ))
    .await;
    let rules = json!([{
        "namespaces": [world.namespace], "clusters": clusters("prod"), "roles": [ROLE], "externalId": "hub-7",
    }]);
    let path = file(&world, rules).await;
    let operator = world.program().arg("--config").arg(&path).start().unwrap();
    let manifest = |name: &str| {
        let mut manifest = World::manifest(name, "1.34");
        manifest["spec"]["cluster"]["accountId"] = json!(OTHER);
        manifest["spec"]["roleArn"] = json!(ROLE);
        manifest
    };
    world.create(manifest("prod")).await;
    world
        .until_reason_or("prod", "UpToDate", || operator.tail())
        .await;
    world.create(manifest("other")).await;
    world.until_reason("other", "NotAllowed").await;
    assert_eq!(world.about("other").len(), 0);
    let shown = world.kubectl(&["get", "cu", "prod", "-o", "yaml"]).await;
    assert!(!shown.contains("hub-7"), "{shown}");
}

#[tokio::test]
async fn who_may_not_upgrade_a_cluster_does_not_keep_others_from_it() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let squatter = World::new("{}").await;
    let rules =
        json!([{"namespaces": [world.namespace], "clusters": clusters("*"), "ownIdentity": true}]);
    let path = file(&world, rules).await;
    squatter.create(World::manifest("prod", "1.35")).await;
    let _operator = world
        .program()
        .args(["--namespace", &squatter.namespace])
        .arg("--config")
        .arg(&path)
        .start()
        .unwrap();
    squatter.until_reason("prod", "NotAllowed").await;
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_meant_is_said_at_the_start() {
    let world = World::new("{}").await;
    for (text, said) in [
        ("", "is empty"),
        ("acces: []", "unknown field"),
        (
            "access: [{namespaces: [a], clusters: [prod], ownIdentity: true}]",
            "access[0]: clusters: prod is no pattern",
        ),
    ] {
        let path = written(&world, text).await;
        let mut operator = world.program().arg("--config").arg(&path).start().unwrap();
        let status = operator.wait(DEADLINE).await.unwrap();
        assert_eq!(status.code(), Some(1), "{text}");
        assert!(operator.tail().contains(said), "{}", operator.tail());
    }
    let mut operator = operator_program()
        .args(["run", "--config", "/nowhere/access.yaml"])
        .start()
        .unwrap();
    assert_eq!(operator.wait(DEADLINE).await.unwrap().code(), Some(1));
    assert!(
        operator.tail().contains("cannot read /nowhere/access.yaml"),
        "{}",
        operator.tail()
    );
}
