//! Which rights it needs in Kubernetes, and what it says without them.

use harness::{ControlPlane, Program};
use serde_json::{Value, json};

use crate::world::{DEADLINE, World, address, fetch};

/// A kubeconfig that acts as somebody else.
pub async fn acting_as(plane: &ControlPlane, user: &str) -> std::path::PathBuf {
    let text = std::fs::read_to_string(plane.kubeconfig_path()).unwrap();
    let mut config: serde_json::Value = serde_norway::from_str(&text).unwrap();
    config["users"][0]["user"]["as"] = user.into();
    let path = plane
        .kubeconfig_path()
        .with_file_name(format!("{user}.kubeconfig"));
    tokio::fs::write(&path, config.to_string()).await.unwrap();
    path
}

/// Gives a user in a namespace just what the operator needs there.
pub async fn grant(plane: &ControlPlane, user: &str, namespace: &str) {
    let rules = json!([
        {"apiGroups": ["eksupgrade.dev"], "resources": ["clusterupgrades"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["eksupgrade.dev"], "resources": ["clusterupgrades/status"], "verbs": ["patch"]},
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    ]);
    grant_rules(plane, user, namespace, "operator", rules).await;
}

/// Gives a user in a namespace these rights, by a role of that name.
pub async fn grant_rules(
    plane: &ControlPlane,
    user: &str,
    namespace: &str,
    name: &str,
    rules: Value,
) {
    plane
        .kubectl()
        .apply(&format!(
            "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {name}, namespace: {namespace}}}
rules: {rules}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {name}, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}]
"
        ))
        .await
        .unwrap();
}

/// Lets a user know the freezes, which are of no namespace.
pub async fn grant_freezes(plane: &ControlPlane, user: &str) {
    plane
        .kubectl()
        .apply(&format!(
            "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {user}}}
rules:
- {{apiGroups: [eksupgrade.dev], resources: [upgradefreezes], verbs: [list, watch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {user}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {user}}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}]
"
        ))
        .await
        .unwrap();
}

pub fn acting(world: &World, kubeconfig: &std::path::Path) -> Program {
    world.program().env("KUBECONFIG", kubeconfig)
}

#[tokio::test]
async fn few_rights_are_enough() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let plane = ControlPlane::shared().await.unwrap();
    let user = format!("user-of-{}", world.namespace);
    grant(plane, &user, &world.namespace).await;
    grant_freezes(plane, &user).await;
    let kubeconfig = acting_as(plane, &user).await;
    let operator = acting(&world, &kubeconfig).start().unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    world
        .until_reason_or("prod", "UpToDate", || operator.tail())
        .await;
    world
        .until_all_told("prod", &["UpdateStarted", "UpdateSucceeded", "UpToDate"])
        .await;
}

#[tokio::test]
async fn a_namespace_that_may_not_be_watched_is_said_and_works_once_it_may() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let second = World::new("{}").await;
    let plane = ControlPlane::shared().await.unwrap();
    let user = format!("user-of-{}", world.namespace);
    grant(plane, &user, &world.namespace).await;
    grant_freezes(plane, &user).await;
    let kubeconfig = acting_as(plane, &user).await;
    let two = || acting(&world, &kubeconfig).args(["--namespace", &second.namespace]);
    let mut operator = two().start().unwrap();
    let served = address(&mut operator).await;
    world.create(World::manifest("prod", "1.33")).await;
    operator
        .wait_for_line("it says what it may not", DEADLINE, |line| {
            (line.contains("ERROR") && line.contains("RBAC")).then_some(())
        })
        .await
        .unwrap();
    let (head, _) = fetch(&served, "/readyz").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert_eq!(
        world.about("prod").len(),
        0,
        "who owns the cluster is not known before both are listed"
    );
    // Also while it waits like this it ends cleanly.
    operator.sigterm().unwrap();
    let status = operator.wait(std::time::Duration::from_secs(10)).await;
    assert!(status.unwrap().success());
    assert!(
        !operator.tail().contains("before everything was finished"),
        "there was nothing to finish:\n{}",
        operator.tail()
    );

    let _operator = two().start().unwrap();
    grant(plane, &user, &second.namespace).await;
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn a_status_that_may_not_be_written_stops_every_send() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let plane = ControlPlane::shared().await.unwrap();
    let user = format!("user-of-{}", world.namespace);
    grant(plane, &user, &world.namespace).await;
    grant_freezes(plane, &user).await;
    world
        .kubectl(&[
            "patch",
            "role",
            "operator",
            "--type=json",
            r#"--patch=[{"op": "remove", "path": "/rules/1"}]"#,
        ])
        .await;
    let kubeconfig = acting_as(plane, &user).await;
    let mut operator = acting(&world, &kubeconfig).start().unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    operator
        .wait_for_line("it says what it may not", DEADLINE, |line| {
            (line.contains("ERROR") && line.contains("refuses a status write")).then_some(())
        })
        .await
        .unwrap();
    world.looks("prod", 2).await;
    assert_eq!(world.sends("prod").len(), 0);
    grant(plane, &user, &world.namespace).await;
    world.until_running("prod").await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn without_the_right_to_know_the_freezes_nothing_is_looked_at() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let plane = ControlPlane::shared().await.unwrap();
    let user = format!("user-of-{}", world.namespace);
    grant(plane, &user, &world.namespace).await;
    let kubeconfig = acting_as(plane, &user).await;
    let mut operator = acting(&world, &kubeconfig).start().unwrap();
    let served = address(&mut operator).await;
    world.create(World::manifest("prod", "1.34")).await;
    operator
        .wait_for_line("it says what it may not", DEADLINE, |line| {
            let is_said = line.contains("ERROR") && line.contains("UpgradeFreezes");
            (is_said && line.contains("RBAC")).then_some(())
        })
        .await
        .unwrap();
    let (head, _) = fetch(&served, "/readyz").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert_eq!(world.about("prod").len(), 0, "what is frozen is not known");
    grant_freezes(plane, &user).await;
    world.until_running("prod").await;
}
