//! What the chart renders, without an API server.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use serde_json::Value;

use crate::documents::{by_key, of_kind, parse, the};
use crate::helm::{CHART, Helm};

/// Values of every kind that there is.
pub const EVERY_VALUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chart/every-value.yaml");
/// Those that stay at their default there, since another one would take away what further values speak of.
const AS_BY_DEFAULT: [&str; 5] = [
    "/leaderElection/enabled",
    "/metrics/service/enabled",
    "/podDisruptionBudget/enabled",
    "/rbac/create",
    "/serviceAccount/create",
];

async fn render(args: &[&str]) -> Vec<Value> {
    parse(&Helm::alone().await.template(args).await.ok())
}

fn file(path: &str) -> Value {
    serde_norway::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The pod's template.
pub fn pod(documents: &[Value]) -> &Value {
    &the(documents, "Deployment")["spec"]["template"]
}

fn args(documents: &[Value]) -> BTreeSet<&str> {
    let args = &pod(documents)["spec"]["containers"][0]["args"];
    let args = args.as_array().unwrap().iter();
    args.map(|arg| arg.as_str().unwrap()).collect()
}

/// The values that are not objects, by their JSON pointers. An object without anything in it is a value.
fn leaves(value: &Value, at: &str, found: &mut BTreeMap<String, Value>) {
    match value.as_object() {
        Some(object) if !object.is_empty() => {
            for (key, value) in object {
                leaves(value, &format!("{at}/{key}"), found);
            }
        }
        _ => {
            let before = found.insert(at.to_owned(), value.clone());
            assert!(before.is_none());
        }
    }
}

/// The same, with 1.0 as 1: helm writes what it has read as a number in the shortest way.
fn with_plain_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.iter().map(with_plain_numbers).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), with_plain_numbers(value)))
            .collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn helm_finds_nothing_to_say_against_it() {
    let helm = Helm::alone().await;
    for more in [&[][..], &["--values", EVERY_VALUE]] {
        helm.run(&[&["lint", "--strict", CHART], more].concat())
            .await
            .ok();
    }
}

#[test]
fn the_version_of_the_operator_is_that_of_the_program() {
    let chart = file(&format!("{CHART}/Chart.yaml"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_value_is_described_above_it_and_known_to_the_schema() {
    let text = std::fs::read_to_string(format!("{CHART}/values.yaml")).unwrap();
    // These have their comment a few lines above, with others of their kind.
    let together = "podLabels tolerations affinity extraVolumes extraVolumeMounts cpu memory grafana_dashboard";
    let together: BTreeSet<_> = together.split(' ').collect();
    let mut above = "";
    for line in text.lines() {
        if let Some((key, value)) = line.trim().split_once(':')
            && !line.trim().starts_with('#')
            && !value.is_empty()
        {
            let is_described = above.trim().starts_with('#') || together.contains(key);
            assert!(is_described, "{line:?} after {above:?} is not described");
        }
        above = line;
    }
    // The other way round the schema itself sees to it: it lets nothing that it does not know.
    let values = file(&format!("{CHART}/values.yaml"));
    let schema = file(&format!("{CHART}/values.schema.json"));
    let mut open = vec![(&schema, &values, String::new())];
    while let Some((schema, values, at)) = open.pop() {
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        for (key, schema) in properties {
            // A map of anything may have rules for some of its keys.
            if schema["additionalProperties"].is_object() {
                continue;
            }
            let at = format!("{at}/{key}");
            let is_of_helm = at == "/global";
            let is_of_kubernetes = at.starts_with("/resources/");
            let value = values.get(key);
            assert!(
                value.is_some() || is_of_helm || is_of_kubernetes,
                "{at} is in the schema and not in values.yaml"
            );
            if let Some(value) = value {
                open.push((schema, value, at));
            }
        }
    }
}

#[tokio::test]
async fn by_default_it_is_two_restricted_pods_with_leader_election_and_least_rights() {
    let documents = render(&[]).await;
    let kinds: Vec<_> = documents
        .iter()
        .map(|document| document["kind"].as_str().unwrap())
        .collect();
    for kind in [
        "ServiceMonitor",
        "PrometheusRule",
        "NetworkPolicy",
        "ConfigMap",
        "Secret",
    ] {
        assert!(!kinds.contains(&kind), "{kind}");
    }
    assert_eq!(of_kind(&documents, "CustomResourceDefinition").len(), 2);
    for crd in of_kind(&documents, "CustomResourceDefinition") {
        let annotations = &crd["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/resource-policy"], "keep");
        let name = crd["metadata"]["name"].as_str().unwrap();
        let shipped = file(&format!("{}/crds/{name}.yaml", env!("CARGO_MANIFEST_DIR")));
        assert_eq!(
            with_plain_numbers(&crd["spec"]),
            with_plain_numbers(&shipped["spec"])
        );
    }
    assert_eq!(the(&documents, "Deployment")["spec"]["replicas"], 2);
    assert_eq!(
        the(&documents, "PodDisruptionBudget")["spec"]["maxUnavailable"],
        1
    );
    let args = args(&documents);
    assert!(args.contains("--leader-elect"), "{args:?}");
    assert!(!args.iter().any(|arg| arg.starts_with("--namespace")));
    assert!(!args.iter().any(|arg| arg.starts_with("--config")));
    let spec = &pod(&documents)["spec"];
    let security = &spec["containers"][0]["securityContext"];
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(spec["securityContext"]["runAsUser"], 65532);
    assert!(spec["terminationGracePeriodSeconds"].as_i64().unwrap() > 9);
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        let get = &spec["containers"][0][probe]["httpGet"];
        assert_eq!(
            (&get["path"], &get["port"]),
            (&path.into(), &"metrics".into())
        );
    }
    let limits = &spec["containers"][0]["resources"]["limits"];
    assert_eq!(limits["memory"], "256Mi");
    assert!(limits["cpu"].is_null(), "a limit would only slow it down");
    assert_eq!(
        spec["topologySpreadConstraints"].as_array().unwrap().len(),
        2
    );

    for kind in ["ClusterRole", "Role"] {
        for role in of_kind(&documents, kind) {
            let rules = role["rules"].to_string();
            assert!(!rules.contains('*'), "{rules}");
            assert!(!rules.contains("secrets"), "{rules}");
            assert!(!rules.contains("pods"), "{rules}");
        }
    }
    // Nobody but the operator gets anything by the installation.
    for kind in ["ClusterRoleBinding", "RoleBinding"] {
        for binding in of_kind(&documents, kind) {
            let subjects = binding["subjects"].as_array().unwrap();
            assert_eq!(subjects.len(), 1);
            assert_eq!(subjects[0]["name"], "eks-upgrade-operator");
        }
    }
    assert!(
        !serde_json::to_string(&documents)
            .unwrap()
            .contains("aggregate-to")
    );
}

/// Renders every value with and without this one.
async fn back_at_its_default_it_changes_something(pointer: &str, default: &Value) {
    // These matter only in the absence of others, or are not let without them.
    let needs: &[&str] = match pointer {
        "/image/tag" => &["--set=image.digest="],
        "/access" => &["--set=rbac.aggregateToDefaultRoles=false"],
        "/nameOverride" => &["--set=fullnameOverride="],
        "/crds/keep" => &["--set=crds.install=true"],
        "/networkPolicy/enabled" => {
            &["--set-json=networkPolicy.metricsFrom=[],networkPolicy.extraEgress=[]"]
        }
        "/leaderElection/enabled" => &["--set=replicaCount=1"],
        "/metrics/service/enabled" => &["--set=metrics.serviceMonitor.enabled=false"],
        "/serviceAccount/create" => &["--set-json=serviceAccount.annotations=null"],
        _ => &[],
    };
    let value = if AS_BY_DEFAULT.contains(&pointer) {
        Value::Bool(!default.as_bool().unwrap())
    } else if default.is_object() {
        // A map is merged into the one that is there, so that it has to go.
        Value::Null
    } else {
        default.clone()
    };
    let key = pointer.trim_start_matches('/').replace('/', ".");
    let back = format!("--set-json={key}={value}");
    let with = [&["--values", EVERY_VALUE], needs].concat();
    let without = [&with[..], &[&back]].concat();
    let (with, without) = (render(&with).await, render(&without).await);
    assert!(by_key(with) != by_key(without), "{pointer} has no effect");
}

#[tokio::test]
async fn every_value_has_its_effect() {
    let (mut defaults, mut others) = (BTreeMap::new(), BTreeMap::new());
    leaves(&file(&format!("{CHART}/values.yaml")), "", &mut defaults);
    leaves(&file(EVERY_VALUE), "", &mut others);
    let other = |pointer: &str| {
        let whole = others.get(pointer).cloned();
        let below = || {
            let below = format!("{pointer}/");
            let found: Vec<_> = others
                .iter()
                .filter(|(other, _)| other.starts_with(&below))
                .collect();
            (!found.is_empty()).then(|| format!("{found:?}").into())
        };
        whole.or_else(below)
    };
    for (pointer, default) in &defaults {
        let other = other(pointer).unwrap_or_else(|| panic!("every-value.yaml lacks {pointer}"));
        if !AS_BY_DEFAULT.contains(&pointer.as_str()) {
            assert_ne!(*default, other, "{pointer} is at its default");
        }
    }

    let documents = render(&["--values", EVERY_VALUE]).await;
    stream::iter(&defaults)
        .for_each_concurrent(4, async |(pointer, default)| {
            back_at_its_default_it_changes_something(pointer, default).await;
        })
        .await;

    let args = args(&documents);
    for wanted in [
        "--metrics-addr=[::]:9090",
        "--poll-interval=20s",
        "--resync-interval=1h30m",
        "--overdue-after=2h",
        "--concurrency=4",
        "--eks-requests-per-second=12",
        "--max-running-updates=3000000",
        "--settle=30s",
        "--log-format=text",
        "--namespace=team-a",
        "--namespace=team-b",
        "--leader-elect-lease=another",
        "--leader-elect-duration=30s",
        "--config=/etc/eks-upgrade-operator/config.yaml",
    ] {
        assert!(args.contains(wanted), "{wanted} is not in {args:?}");
    }
    let spec = &pod(&documents)["spec"];
    let image = spec["containers"][0]["image"].as_str().unwrap();
    assert!(
        image.starts_with("registry.example.com/eks-upgrade-operator@sha256:0123"),
        "{image}"
    );
    let environment = spec["containers"][0]["env"].as_array().unwrap();
    for (name, value) in [
        ("AWS_REGION", "eu-central-1"),
        (
            "AWS_ENDPOINT_URL_EKS",
            "https://vpce-1.eks.eu-central-1.vpce.amazonaws.com",
        ),
        (
            "AWS_ENDPOINT_URL_STS",
            "https://vpce-2.sts.eu-central-1.vpce.amazonaws.com",
        ),
        ("HTTPS_PROXY", "http://proxy.example.com:3128"),
    ] {
        let found = environment.iter().find(|variable| variable["name"] == name);
        assert_eq!(found.unwrap()["value"], value);
    }
    let policy = the(&documents, "NetworkPolicy");
    assert_eq!(policy["spec"]["policyTypes"].as_array().unwrap().len(), 2);
    let monitor = the(&documents, "ServiceMonitor");
    assert_eq!(
        monitor["spec"]["endpoints"][0]["honorLabels"], true,
        "or the namespace of an object would be taken for the operator's"
    );
    assert_eq!(
        the(&documents, "PrometheusRule")["spec"],
        file(&format!("{CHART}/files/alerts/alerts.yaml"))
    );
}

#[tokio::test]
async fn of_the_access_the_file_has_all_and_a_change_brings_new_pods() {
    let checksum = |documents: &[Value]| {
        let annotations = &pod(documents)["metadata"]["annotations"];
        annotations["checksum/config"].as_str().map(str::to_owned)
    };
    let with = render(&[
        "--values",
        EVERY_VALUE,
        "--set=metrics.dashboard.enabled=false",
    ])
    .await;
    let content = the(&with, "ConfigMap")["data"]["config.yaml"]
        .as_str()
        .unwrap();
    let content: Value = serde_norway::from_str(content).unwrap();
    assert_eq!(content["access"], file(EVERY_VALUE)["access"]);
    assert_eq!(content.as_object().unwrap().len(), 1);
    let other = render(&[
        "--values",
        EVERY_VALUE,
        "--set=access[0].externalId=other-id",
    ])
    .await;
    assert!(checksum(&with).is_some());
    assert_ne!(checksum(&with), checksum(&other));
    // No rule is a rule too: nothing is let.
    let none = render(&["--set-json=access=[]"]).await;
    let content = the(&none, "ConfigMap")["data"]["config.yaml"]
        .as_str()
        .unwrap();
    assert_eq!(content.trim(), "access: []");
    assert!(checksum(&none).is_some());
    assert_eq!(checksum(&render(&[]).await), None);
    assert_eq!(checksum(&render(&["--set=access=everyone"]).await), None);
}

#[tokio::test]
async fn with_namespaces_only_the_freezes_are_for_the_whole_cluster() {
    let documents = render(&["--set-json=watchNamespaces=[\"team-a\",\"team-b\"]"]).await;
    let bound = of_kind(&documents, "ClusterRoleBinding");
    assert_eq!(bound.len(), 1);
    let all = of_kind(&documents, "ClusterRole");
    let role = all
        .iter()
        .find(|role| role["metadata"]["name"] == bound[0]["roleRef"]["name"]);
    let rules = role.unwrap()["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["resources"], serde_json::json!(["upgradefreezes"]));
    let places: BTreeSet<_> = of_kind(&documents, "Role")
        .iter()
        .map(|role| role["metadata"]["namespace"].as_str().unwrap())
        .collect();
    assert_eq!(
        places,
        BTreeSet::from(["eks-upgrade-system", "team-a", "team-b"])
    );
}

#[tokio::test]
async fn one_replica_without_leader_election_is_never_two() {
    let documents = render(&["--set=replicaCount=1,leaderElection.enabled=false"]).await;
    let strategy = &the(&documents, "Deployment")["spec"]["strategy"];
    assert_eq!(strategy["type"], "Recreate");
    assert!(
        of_kind(&documents, "PodDisruptionBudget").is_empty(),
        "it would only stop drains"
    );
    assert!(
        !serde_json::to_string(&documents)
            .unwrap()
            .contains("leases")
    );
}

#[tokio::test]
async fn names_that_look_like_numbers_stay_names() {
    let (release, account) = ("1e3", "111122223333");
    let base = ["template", release, CHART, "--namespace", "444455556666"];
    let more = [
        "--set=fullnameOverride=upgrades,rbac.aggregateToDefaultRoles=false",
        "--set-json=watchNamespaces=[\"111122223333\"]",
        "--set-string=nameOverride=777788889999,priorityClassName=123,serviceAccount.name=456",
    ];
    let all = [&base[..], &["--values", EVERY_VALUE], &more].concat();
    let documents = parse(&Helm::alone().await.run(&all).await.ok());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut places = BTreeSet::new();
    for document in &documents {
        let metadata = &document["metadata"];
        assert!(metadata["name"].is_string(), "{document}");
        assert!(
            metadata["namespace"].is_null() || metadata["namespace"].is_string(),
            "{document}"
        );
        places.extend(text(&metadata["namespace"]));
        let labels = metadata["labels"].as_object().unwrap();
        assert!(labels.values().all(Value::is_string), "{document}");
        assert_eq!(labels["app.kubernetes.io/instance"], release);
        for subject in document["subjects"].as_array().into_iter().flatten() {
            assert_eq!(subject["name"], "456");
            assert_eq!(subject["namespace"], "444455556666");
        }
    }
    assert_eq!(places, [account, "444455556666"].map(str::to_owned).into());
    let spec = &the(&documents, "Deployment")["spec"];
    assert_eq!(
        spec["selector"]["matchLabels"]["app.kubernetes.io/instance"],
        release
    );
    let spec = &spec["template"]["spec"];
    assert_eq!(spec["serviceAccountName"], "456");
    assert_eq!(spec["priorityClassName"], "123");
    assert!(args(&documents).contains("--namespace=111122223333"));

    // A word that YAML takes for something else is a name too.
    let documents = render(&["--set-string=fullnameOverride=true"]).await;
    for document in &documents {
        assert!(document["metadata"]["name"].is_string(), "{document}");
    }
    let names = of_kind(&documents, "Role");
    let names = names
        .iter()
        .filter_map(|role| role["rules"][1]["resourceNames"][0].as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["true"]);
}

#[tokio::test]
async fn names_of_the_longest_release_are_names_in_kubernetes() {
    let release = "r".repeat(53);
    let args = ["template", &release, CHART, "--values", EVERY_VALUE];
    let as_by_default = ["--set=nameOverride=,fullnameOverride="];
    let args = [&args[..], &as_by_default].concat();
    let documents = parse(&Helm::alone().await.run(&args).await.ok());
    let service = the(&documents, "Service");
    let name = service["metadata"]["name"].as_str().unwrap();
    assert!(name.ends_with("-metrics"), "{name}");
    assert!(name.starts_with(&release), "{name}");
    assert!(name.len() <= 63, "{name} has {}", name.len());
    assert!(!name.contains("--"), "{name}");
    for document in &documents {
        let labels = document["metadata"]["labels"].as_object().unwrap();
        for value in labels.values() {
            assert!(value.as_str().unwrap().len() <= 63, "{document}");
        }
    }
}
