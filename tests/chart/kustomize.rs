//! The kustomize base: what the chart installs with its default values, and nothing else.

use harness::{ControlPlane, Kubectl};
use serde_json::Value;

use crate::documents::{by_key, parse, the};
use crate::helm::{CHART, Helm, NAMESPACE};
use crate::world::DEADLINE;

const BASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kustomize/base");
const OVERLAY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/deploy/kustomize/overlays/irsa"
);
/// The labels and the annotation that say that helm manages it.
const OF_HELM: [(&str, &str); 3] = [
    ("labels", "helm.sh/chart"),
    ("labels", "app.kubernetes.io/managed-by"),
    ("annotations", "helm.sh/resource-policy"),
];

async fn built(directory: &str) -> String {
    // Building asks no API server.
    let nowhere = concat!(env!("CARGO_TARGET_TMPDIR"), "/no-kubeconfig");
    let kubectl = Kubectl::new(nowhere).await.unwrap();
    kubectl
        .run(["kustomize", directory])
        .await
        .unwrap()
        .ok()
        .unwrap()
}

fn without_helms_own(mut document: Value) -> Value {
    let metadata = document["metadata"].as_object_mut().unwrap();
    for (map, key) in OF_HELM {
        let is_empty = metadata.get_mut(map).is_some_and(|map| {
            let map = map.as_object_mut().unwrap();
            map.remove(key);
            map.is_empty()
        });
        if is_empty {
            metadata.remove(map);
        }
    }
    document
}

#[tokio::test]
async fn the_base_has_what_the_chart_has_by_default_and_a_namespace() {
    let mut base = by_key(parse(&built(BASE).await));
    let namespace = base.remove(&("Namespace".into(), String::new(), NAMESPACE.into()));
    let labels = &namespace.unwrap()["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    let chart = parse(&Helm::alone().await.template(&[]).await.ok());
    let chart = chart.into_iter().map(without_helms_own).collect();
    let chart = by_key(chart);
    assert_eq!(
        base.keys().collect::<Vec<_>>(),
        chart.keys().collect::<Vec<_>>()
    );
    for (key, document) in &chart {
        assert_eq!(base[key], *document, "{key:?}");
    }
    for document in base.values() {
        assert!(!document.to_string().contains("helm"), "{document}");
    }
}

#[tokio::test]
async fn the_overlay_changes_what_it_says() {
    let documents = parse(&built(OVERLAY).await);
    let map = the(&documents, "ConfigMap");
    let pod = &the(&documents, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(
        pod["volumes"][0]["configMap"]["name"],
        map["metadata"]["name"]
    );
    let name = map["metadata"]["name"].as_str().unwrap();
    assert!(
        name.len() > "eks-upgrade-operator-".len(),
        "{name} has no checksum"
    );
    let image = pod["containers"][0]["image"].as_str().unwrap();
    assert!(image.starts_with("registry.example.com/"), "{image}");
    let account = the(&documents, "ServiceAccount");
    let annotations = account["metadata"]["annotations"].as_object().unwrap();
    assert!(annotations.contains_key("eks.amazonaws.com/role-arn"));
}

#[tokio::test]
async fn it_is_applied_as_it_is() {
    let plane = ControlPlane::start().await.unwrap();
    let apply = ["apply", "--server-side", "--validate=strict", "-k", BASE];
    let said = plane.kubectl().run(apply).await.unwrap().ok().unwrap();
    assert!(
        said.contains("deployment.apps/eks-upgrade-operator"),
        "{said}"
    );
    // All of it, in one go: what comes later in it needs nothing that is not served yet.
    let served = harness::eventually("its kinds are served", DEADLINE, async || {
        let get = ["get", "clusterupgrades,upgradefreezes", "--all-namespaces"];
        plane.kubectl().run(get).await.unwrap().ok().map(|_| ())
    });
    served.await.unwrap();
    let again = plane.kubectl().run(apply).await.unwrap().ok();
    again.unwrap();

    // A release takes over CRDs that are not its own only where it is told to.
    let helm = Helm::of(&plane).await;
    let install = async |name: &str, more: &[&str]| {
        let base = ["install", name, CHART, "--create-namespace"];
        let args = [&base[..], &["--namespace", name], more].concat();
        helm.run(&args).await
    };
    let refusal = install("second", &[]).await.refusal();
    assert!(refusal.contains("invalid ownership metadata"), "{refusal}");
    install("second", &["--set=crds.install=false"]).await.ok();
    install("third", &["--take-ownership"]).await.ok();
}
