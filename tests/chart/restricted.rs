//! Pods that Pod Security lets in at its strictest level, judged by the API server itself.

use harness::ControlPlane;
use serde_json::{Value, json};

use crate::documents::{of_kind, parse};
use crate::helm::Helm;
use crate::rendered::{EVERY_VALUE, pod};

/// A pod of a template's kind.
fn manifest(template: &Value, name: &str) -> Value {
    let mut pod = template.clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = name.into();
    // Nothing here knows classes of priority.
    pod["spec"]["priorityClassName"] = Value::Null;
    pod
}

#[tokio::test]
async fn pods_pass_the_restricted_level_and_every_object_is_understood() {
    let plane = ControlPlane::shared().await.unwrap();
    let helm = Helm::of(plane).await;
    let namespace = plane.namespace("restricted").await.unwrap();
    let label = "pod-security.kubernetes.io/enforce=restricted";
    let labelled = ["label", "namespace", &namespace, label];
    plane.kubectl().run(labelled).await.unwrap().ok().unwrap();

    for (name, args) in [
        ("defaults", &[][..]),
        (
            "every-value",
            &["--values", EVERY_VALUE, "--set-json=watchNamespaces=[]"],
        ),
    ] {
        let within = ["--namespace", &namespace];
        let documents = parse(&helm.template(&[args, &within].concat()).await.ok());
        let strict = ["apply", "--validate=strict", "--dry-run=server", "-f", "-"];
        let in_place = || strict.into_iter().chain(["-n", &namespace]);
        let wanted = manifest(pod(&documents), name);
        let said = plane
            .kubectl()
            .run_with(in_place(), &wanted.to_string())
            .await;
        said.unwrap().ok().unwrap();
        // The level is really enforced.
        let mut open = wanted;
        open["spec"]["containers"][0]["securityContext"]["capabilities"] = json!({});
        let said = plane
            .kubectl()
            .run_with(in_place(), &open.to_string())
            .await;
        let refusal = said.unwrap().ok().unwrap_err().to_string();
        assert!(refusal.contains("violates PodSecurity"), "{refusal}");

        // What the API server does not know, it says under this validation. These two kinds are the Prometheus operator's.
        let of_others = ["ServiceMonitor", "PrometheusRule"];
        let known = documents
            .iter()
            .filter(|document| !of_others.contains(&document["kind"].as_str().unwrap()));
        let known = json!({"apiVersion": "v1", "kind": "List", "items": known.collect::<Vec<_>>()});
        let said = plane
            .kubectl()
            .run_with(in_place(), &known.to_string())
            .await;
        let said = said.unwrap().ok().unwrap();
        assert!(said.contains("deployment.apps/"), "{said}");
        assert_eq!(of_kind(&documents, "Deployment").len(), 1);
    }
}
