//! `retry`, `suspend`, `resume`, `freeze` and `thaw`: what they change, under which name, and what Git will undo.

use serde_json::json;

use crate::world::World;

const FAILS_ONCE: &str = "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', outcomes: [
    {version: '1.34', times: 1, duration: 300ms, fail: {errorCode: IpNotAvailable, errorMessage: No addresses.}}]}]}";

#[tokio::test]
async fn a_retry_is_one_more_try_and_none_where_there_is_nothing_to_try() {
    let world = World::new(FAILS_ONCE).await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpdateFailed").await;
    let labels = json!({"app.kubernetes.io/instance": "payments"});
    let manager = ["--field-manager", "argocd-controller"];
    let labels = json!({"metadata": {"labels": labels}}).to_string();
    let patch = [
        "patch",
        "clusterupgrade",
        "prod",
        "--type",
        "merge",
        "-p",
        &labels,
    ];
    world.kubectl(&[&patch[..], &manager].concat()).await;
    let said = world.plugin(&["retry", "prod"]).await;
    // Who writes to an object is not in what is read of it otherwise.
    assert!(
        said.err
            .contains("Argo CD's Application payments leaves the annotation alone"),
        "{said:?}"
    );
    assert!(said.out.contains("another try is permitted"), "{said:?}");
    said.ended(0);
    world.until_reason("prod", "UpToDate").await;
    let managers = world
        .kubectl(&[
            "get",
            "clusterupgrade",
            "prod",
            "--show-managed-fields",
            "-o",
            "jsonpath={.metadata.managedFields[*].manager}",
        ])
        .await;
    assert!(managers.contains("kubectl-eks_upgrade"), "{managers}");
    let before = world.get("prod").await.metadata.resource_version;
    let said = world.plugin(&["retry", "prod"]).await.ended(0);
    assert!(said.contains("nothing to try again"), "{said}");
    assert_eq!(world.get("prod").await.metadata.resource_version, before);
}

#[tokio::test]
async fn a_suspension_by_hand_says_who_will_undo_it() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let mut manifest = World::manifest("prod", "1.34");
    manifest["metadata"]["labels"] = json!({
        "kustomize.toolkit.fluxcd.io/name": "clusters",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    });
    world.create(manifest).await;
    let said = world.plugin(&["suspend", "prod"]).await;
    assert!(
        said.err
            .contains("Flux's Kustomization flux-system/clusters undoes spec.suspend"),
        "{said:?}"
    );
    assert!(said.ended(0).contains("nothing new is started"));
    assert!(world.get("prod").await.spec.suspend);
    assert!(
        world
            .plugin(&["suspend", "prod"])
            .await
            .ended(0)
            .contains("already")
    );
    let _operator = world.operator();
    world.until_reason("prod", "Suspended").await;
    world.plugin(&["resume", "prod"]).await.ended(0);
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn a_freeze_stops_what_it_selects_until_it_is_thawed() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let name = format!("f-{}", world.namespace);
    // Freezes are of no namespace, and those of other tests are here too.
    let selector = format!("test in (none, {})", world.namespace);
    let freeze = [
        "freeze",
        &name,
        "--reason",
        "Incident 4711",
        "--selector",
        &selector,
    ];
    let said = world.plugin(&freeze).await.ended(0);
    assert!(
        said.contains("no upgrade starts") && said.contains("It selects 0 of"),
        "{said}"
    );
    let said = world.plugin(&freeze).await.failed();
    assert!(
        said.contains("Incident 4711") && said.contains("thaw"),
        "{said}"
    );

    let mut manifest = World::manifest("prod", "1.34");
    manifest["metadata"]["labels"] = json!({"test": world.namespace});
    world.create(manifest).await;
    let _operator = world.operator();
    world.until_reason("prod", "Frozen").await;
    let status = world.plugin(&["status", "prod"]).await.ended(0);
    assert!(status.contains("Incident 4711"), "{status}");
    world.plugin(&["thaw", &name]).await.ended(0);
    world.until_reason("prod", "UpToDate").await;
    let said = world.plugin(&["thaw", &name]).await.failed();
    assert!(said.contains("there is no UpgradeFreeze"), "{said}");
}

#[tokio::test]
async fn a_freeze_that_would_stop_nothing_is_refused() {
    let world = World::new("{}").await;
    let past = [
        "freeze",
        "x",
        "--reason",
        "r",
        "--until",
        "2020-01-01T00:00:00Z",
    ];
    assert!(world.plugin(&past).await.failed().contains("stop nothing"));
    for selector in ["a in b", "a=b,a=c"] {
        let wrong = ["freeze", "x", "--reason", "r", "--selector", selector];
        let said = world.plugin(&wrong).await.failed();
        assert!(said.contains("no selector"), "{said}");
    }
}
