//! The API server goes away, comes back, and says what it must not.

use std::process::Command;

use futures::{StreamExt as _, stream};
use harness::{ControlPlane, Process, eventually};
use kube::api::PostParams;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::world::{
    CRDS, DEADLINE, World, address, condition, fetch, install_crd, install_crds, operator_program,
};

/// A directory of its own that is removed at the end.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("operator-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// Stops a process where it stands, or lets it go on.
fn signal(process: &Process, signal: &str) {
    let id = process.id().to_string();
    let status = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn the_api_server_restarts_in_mid_update_and_it_goes_on() {
    let directory = Directory::new();
    let plane = ControlPlane::start_in(&directory.0).await.unwrap();
    install_crds(&plane, CRDS).await;
    let world = World::on(
        &plane,
        "{durations: {update: 6s}, clusters: [{name: prod, version: '1.33'}, {name: new, version: '1.33'}]}",
    )
    .await;
    let mut operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let running = world.until_running("prod").await;
    plane.stop().await.unwrap();
    let plane = ControlPlane::start_in(&directory.0).await.unwrap();
    // The same objects, on a port that may be another: then it is another operator that goes on.
    let mut restarted = None;
    if !world.is_at(&plane).await {
        operator.kill9().unwrap();
        let program = world.program().env("KUBECONFIG", plane.kubeconfig_path());
        restarted = Some(program.start().unwrap());
    }
    let client = plane.client().await.unwrap();
    let objects: kube::Api<eks_upgrade_operator::api::ClusterUpgrade> =
        kube::Api::namespaced(client, &world.namespace);
    let done = eventually("prod is up to date", DEADLINE, async || {
        let object = objects
            .get("prod")
            .await
            .map_err(|error| error.to_string())?;
        match condition(&object, "Ready") {
            Some(("True", "UpToDate", _)) => Ok(object),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    let history = done.status.unwrap().history;
    assert_eq!(history[1].id, running.id);
    drop(restarted);
}

/// Makes so many objects that a list of all comes in two pages. They are being deleted, so nothing is done about them, and
/// their names put them behind the others.
async fn fill(world: &World, count: usize) {
    stream::iter(0..count)
        .for_each_concurrent(16, async |number| {
            let name = format!("zz-{number}");
            let mut manifest = World::manifest(&name, "1.33");
            manifest["metadata"]["finalizers"] = json!(["example.com/hold"]);
            world.create(manifest).await;
            world.delete(&name).await;
        })
        .await;
}

#[tokio::test]
async fn objects_made_and_changed_while_it_does_not_look_are_seen_after_a_new_list() {
    let directory = Directory::new();
    let plane = ControlPlane::start_in(&directory.0).await.unwrap();
    install_crds(&plane, CRDS).await;
    let world = World::on(
        &plane,
        "{durations: {update: 300ms}, clusters: [{name: old, version: '1.33'}, {name: new, version: '1.33'}, {name: gone, version: '1.33'}]}",
    )
    .await;
    fill(&world, 510).await;
    // Nothing but the watch brings it to look again.
    let mut operator = world
        .program_with("100ms", "10m")
        .env("RUST_LOG", "eks_upgrade_operator=debug")
        .start()
        .unwrap();
    world.create(World::manifest("old", "1.33")).await;
    world.create(World::manifest("gone", "1.33")).await;
    world.until_reason("old", "UpToDate").await;
    world.until_reason("gone", "UpToDate").await;

    signal(&operator, "-STOP");
    plane.stop().await.unwrap();
    let plane = ControlPlane::start_in(&directory.0).await.unwrap();
    if !world.is_at(&plane).await {
        // Its port was taken meanwhile, so this operator cannot find it again. Seldom, and told.
        eprintln!("the API server got another port: nothing to be seen here");
        signal(&operator, "-CONT");
        return;
    }
    let world = world.again(&plane).await;
    world.ask_for("old", "1.34").await;
    world.create(World::manifest("new", "1.34")).await;
    world.delete("gone").await;
    signal(&operator, "-CONT");
    operator
        .wait_for_line("it lists anew", DEADLINE, |line| {
            line.contains("the watch starts anew").then_some(())
        })
        .await
        .unwrap();
    for name in ["new", "old"] {
        world
            .until_reason_or(name, "UpToDate", || operator.tail())
            .await;
        assert_eq!(world.accepted_versions(name), ["1.34"]);
    }
}

#[tokio::test]
async fn without_the_crd_it_says_so_is_not_ready_and_works_once_it_is_there() {
    let plane = ControlPlane::start().await.unwrap();
    let world = World::on(&plane, "{clusters: [{name: prod, version: '1.33'}]}").await;
    // Empty, as a chart leaves it: all namespaces.
    let mut operator = world
        .bare_program()
        .env("EKS_UPGRADE_NAMESPACE", "")
        .start()
        .unwrap();
    let address = address(&mut operator).await;
    operator
        .wait_for_line("it says what is missing", DEADLINE, |line| {
            (line.contains("ERROR") && line.contains("install the CRD")).then_some(())
        })
        .await
        .unwrap();
    let (head, _) = fetch(&address, "/readyz").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    let (head, _) = fetch(&address, "/healthz").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");

    let crd = Command::new(env!("CARGO_BIN_EXE_eks-upgrade-operator"))
        .arg("crd")
        .output()
        .unwrap();
    install_crds(&plane, &String::from_utf8(crd.stdout).unwrap()).await;
    world.create(World::manifest("prod", "1.33")).await;
    world.until_reason("prod", "UpToDate").await;
    let (head, _) = fetch(&address, "/readyz").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
}

#[tokio::test]
async fn without_the_crd_of_the_freezes_nothing_is_looked_at_and_it_goes_on_once_it_is_there() {
    let plane = ControlPlane::start().await.unwrap();
    let world = World::on(
        &plane,
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}, {name: next, version: '1.33'}]}",
    )
    .await;
    let (upgrades, freezes) = CRDS.split_once("\n---\n").unwrap();
    install_crd(&plane, upgrades).await;
    let mut operator = world.operator();
    let address = address(&mut operator).await;
    world.create(World::manifest("prod", "1.34")).await;
    operator
        .wait_for_line("it says what is missing", DEADLINE, |line| {
            let is_said = line.contains("ERROR") && line.contains("UpgradeFreeze");
            (is_said && line.contains("install the CRD")).then_some(())
        })
        .await
        .unwrap();
    let (head, _) = fetch(&address, "/readyz").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert_eq!(world.calls(|_| true).len(), 0, "EKS is not even looked at");
    assert_eq!(
        world.get("prod").await.status.unwrap().observed_generation,
        Some(-1)
    );

    plane.kubectl().apply(freezes).await.unwrap();
    world
        .until_reason_or("prod", "UpToDate", || operator.tail())
        .await;
    let (head, _) = fetch(&address, "/readyz").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");

    // It is taken away while the operator runs: no start is decided on what can no longer be known.
    let gone = ["delete", "crd", "upgradefreezes.eksupgrade.dev"];
    plane.kubectl().run(gone).await.unwrap().ok().unwrap();
    world.create(World::manifest("next", "1.34")).await;
    operator
        .wait_for_line("it says so again", DEADLINE, |line| {
            (line.contains("object=") && line.contains("install the CRD")).then_some(())
        })
        .await
        .unwrap();
    assert_eq!(world.sends("next").len(), 0);
    plane.kubectl().apply(freezes).await.unwrap();
    world
        .until_reason_or("next", "UpToDate", || operator.tail())
        .await;
}

/// A control plane that takes every object, shared by the tests that need one.
pub async fn loose_plane() -> &'static ControlPlane {
    static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
    SHARED
        .get_or_init(async || {
            let plane = ControlPlane::start().await.unwrap();
            install_crds(&plane, &loosened()).await;
            plane
        })
        .await
}

/// The CRDs with everything that could refuse an object taken out.
pub fn loosened() -> String {
    let crds = CRDS.split("\n---\n").map(|crd| {
        let mut crd: serde_json::Value = serde_norway::from_str(crd).unwrap();
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = json!({
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": true,
        });
        serde_norway::to_string(&crd).unwrap()
    });
    crds.collect::<Vec<_>>().join("---\n")
}

#[tokio::test]
async fn an_object_that_cannot_be_read_stops_no_other_and_keeps_its_memory() {
    let world = World::on(
        loose_plane().await,
        "{durations: {update: 300ms}, clusters: [{name: bad, version: '1.33'}, {name: good, version: '1.33'}]}",
    )
    .await;
    let mut operator = world.operator();
    world.create(World::manifest("bad", "1.34")).await;
    let before = world.until_reason("bad", "UpToDate").await;
    let dynamic = world.dynamic();
    let patch = |value: serde_json::Value| {
        let dynamic = dynamic.clone();
        async move {
            let params = kube::api::PatchParams::default();
            dynamic
                .patch("bad", &params, &kube::api::Patch::Merge(value))
                .await
                .unwrap()
        }
    };
    patch(json!({"spec": {"cluster": "prod"}})).await;
    let mut never: kube::api::DynamicObject =
        serde_json::from_value(World::manifest("never", "1.34")).unwrap();
    never.data["spec"] = json!({"version": 134});
    dynamic
        .create(&PostParams::default(), &never)
        .await
        .unwrap();

    for name in ["bad", "never"] {
        let said = eventually("it is InvalidSpec", DEADLINE, async || {
            let object = dynamic.get(name).await.unwrap();
            let ready = object.data["status"]["conditions"][0].clone();
            if ready["reason"] == "InvalidSpec" {
                Ok(object)
            } else {
                Err(ready.to_string())
            }
        })
        .await
        .unwrap();
        let ready = &said.data["status"]["conditions"][0];
        assert_eq!(ready["status"], "False");
        assert!(
            ready["message"]
                .as_str()
                .unwrap()
                .contains("cannot be read"),
            "{ready}"
        );
    }
    let memory = dynamic.get("bad").await.unwrap().data["status"]["history"].clone();
    let history = serde_json::to_value(before.status.unwrap().history).unwrap();
    assert_eq!(memory, history);
    let unreadable = dynamic.get("bad").await.unwrap();

    // The others go on, also after the operator starts anew with the unreadable ones in its first list.
    operator.kill9().unwrap();
    let _restarted = world.operator();
    let good = serde_json::from_value(World::manifest("good", "1.35")).unwrap();
    dynamic.create(&PostParams::default(), &good).await.unwrap();
    eventually("the good one is done", DEADLINE, async || {
        let object = dynamic.get("good").await.unwrap();
        let ready = object.data["status"]["conditions"][0].clone();
        if ready["reason"] == "UpToDate" {
            Ok(())
        } else {
            Err(ready.to_string())
        }
    })
    .await
    .unwrap();
    let later = dynamic.get("bad").await.unwrap();
    assert_eq!(
        later.metadata.resource_version, unreadable.metadata.resource_version,
        "said once, whoever says it"
    );

    // Corrected, it goes on from what it remembers.
    let cluster = json!({"accountId": "111122223333", "region": "us-west-2", "name": "bad"});
    patch(json!({"spec": {"cluster": cluster, "version": "1.35"}})).await;
    world.until_reason("bad", "UpToDate").await;
    assert_eq!(world.accepted_versions("bad"), ["1.34", "1.35"]);
    assert_eq!(world.get("bad").await.status.unwrap().attempts, Some(2));
}

#[tokio::test]
async fn one_that_waits_and_becomes_unreadable_lets_the_next_go() {
    let world = World::on(
        loose_plane().await,
        "{durations: {update: 3s}, clusters: [{name: a, version: '1.33'}, {name: b, version: '1.33'}, {name: c, version: '1.33'}]}",
    )
    .await;
    let _operator = world
        .program_with("100ms", "10m")
        .args(["--max-running-updates", "1"])
        .start()
        .unwrap();
    world.create(World::manifest("a", "1.34")).await;
    world.until_running("a").await;
    let mut seniority = Vec::new();
    for name in ["b", "c"] {
        let object = world.create(World::manifest(name, "1.34")).await;
        let metadata = object.metadata;
        seniority.push((
            metadata.creation_timestamp.map(|time| time.0),
            metadata.uid,
            name,
        ));
        world.until_reason(name, "Queued").await;
    }
    seniority.sort();
    let (first, second) = (seniority[0].2, seniority[1].2);
    world
        .dynamic()
        .patch(
            first,
            &kube::api::PatchParams::default(),
            &kube::api::Patch::Merge(json!({"spec": {"cluster": "nonsense"}})),
        )
        .await
        .unwrap();
    world.until_reason(second, "UpToDate").await;
}

#[tokio::test]
async fn without_an_api_server_it_is_not_ready_and_says_why() {
    let world = World::new("{}").await;
    let kubeconfig = std::env::temp_dir().join(format!("kubeconfig-{}", uuid::Uuid::new_v4()));
    std::fs::write(
        &kubeconfig,
        "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: c}}],
          clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: c, user: {}}]}",
    )
    .unwrap();
    let mut operator = world
        .program()
        .env("KUBECONFIG", &kubeconfig)
        .start()
        .unwrap();
    let address = address(&mut operator).await;
    operator
        .wait_for_line("it says so", DEADLINE, |line| {
            line.contains("the watch was interrupted").then_some(())
        })
        .await
        .unwrap();
    let (head, body) = fetch(&address, "/readyz").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(body.contains("listed"), "{body}");
    operator.sigterm().unwrap();
    assert!(operator.wait(DEADLINE).await.unwrap().success());
    assert!(
        !operator.tail().contains("before everything was finished"),
        "there was nothing to finish:\n{}",
        operator.tail()
    );
    std::fs::remove_file(kubeconfig).unwrap();

    let mut without = operator_program()
        .args(["run", "--metrics-addr", "127.0.0.1:0"])
        .env("KUBECONFIG", "/nonexistent/kubeconfig")
        .start()
        .unwrap();
    assert!(!without.wait(DEADLINE).await.unwrap().success());
    assert!(
        without.tail().contains("Set KUBECONFIG"),
        "{}",
        without.tail()
    );
}
