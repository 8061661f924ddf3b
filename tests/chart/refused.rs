//! Values that cannot be meant: `helm install` says what is wrong with them, and nothing is installed.

use std::path::Path;

use futures::{StreamExt as _, stream};
use harness::ControlPlane;
use serde_json::{Value, json};

use crate::helm::{CHART, Helm};

/// Arguments, and words that helm's refusal has.
const CASES: [(&str, &[&str]); 54] = [
    ("--set=replicas=2", &["'replicas' not allowed"]),
    (
        "--set=operator.pollIntervall=1s",
        &["/operator", "'pollIntervall' not allowed"],
    ),
    ("--set=replicaCount=-1", &["/replicaCount", "minimum"]),
    (
        "--set-string=replicaCount=two",
        &["/replicaCount", "want integer"],
    ),
    (
        "--set=operator.pollInterval=15",
        &["/operator/pollInterval", "want string"],
    ),
    (
        "--set=operator.pollInterval=soon",
        &["/operator/pollInterval", "'soon'", "{1,6}s"],
    ),
    (
        "--set=operator.pollInterval=0s",
        &["/operator/pollInterval"],
    ),
    (
        "--set=operator.resyncInterval=-1m",
        &["/operator/resyncInterval", "'-1m'"],
    ),
    (
        "--set=operator.settle=none",
        &["/operator/settle", "'none'"],
    ),
    (
        "--set=operator.concurrency=0",
        &["/operator/concurrency", "minimum"],
    ),
    (
        "--set=operator.maxRunningUpdates=0",
        &["/operator/maxRunningUpdates", "minimum"],
    ),
    (
        "--set=operator.logFormat=xml",
        &["/operator/logFormat", "'json', 'text'"],
    ),
    (
        "--set=operator.logLevel=verbose",
        &["/operator/logLevel", "'debug'"],
    ),
    (
        "--set=leaderElection.leaseDuration=1",
        &["/leaderElection/leaseDuration", "want string"],
    ),
    ("--set=metrics.port=80", &["/metrics/port", "minimum"]),
    ("--set=metrics.port=70000", &["/metrics/port", "maximum"]),
    (
        "--set=metrics.address=localhost",
        &["/metrics/address", "'0.0.0.0'"],
    ),
    (
        "--set=watchNamespaces[0]=Team_A",
        &["/watchNamespaces/0", "'Team_A'"],
    ),
    (
        "--set=watchNamespaces=team-a",
        &["/watchNamespaces", "want array"],
    ),
    ("--set=image.digest=latest", &["/image/digest", "sha256:"]),
    (
        "--set=image.pullPolicy=Sometimes",
        &["/image/pullPolicy", "'IfNotPresent'"],
    ),
    (
        "--set=aws.region=Frankfurt",
        &["/aws/region", "'Frankfurt'"],
    ),
    (
        "--set=aws.eksEndpoint=eks.local",
        &["/aws/eksEndpoint", "https?://"],
    ),
    (
        "--set-json=serviceAccount.annotations={\"eks.amazonaws.com/role-arn\": \"upgrader\"}",
        &["role-arn", "'upgrader'", ":role/"],
    ),
    (
        "--set-json=access=[{\"namespaces\": [\"a\"], \"roles\": []}]",
        &["/access/0", "'clusters'"],
    ),
    (
        "--set=leaderElection.leaseDuration=2s",
        &["/leaderElection/leaseDuration", "'2s'"],
    ),
    (
        "--set-json=access=[{\"namespaces\": [\"a\"], \"clusters\": [\"arn:aws:eks:*:*:cluster/*\"], \"roles\": [\"upgrader\"]}]",
        &["/access/0/roles/0", "'upgrader'", ":role/"],
    ),
    (
        "--set-json=access=[{\"namespaces\": [\"a\"], \"clusters\": [\"payments\"], \"ownIdentity\": true}]",
        &["/access/0/clusters/0", "'payments'", "arn:"],
    ),
    (
        "--set-json=access=[{\"namespaces\": [\"a\"], \"clusters\": [\"arn:aws:eks:*:*:cluster/*\"], \"role\": \"arn:x\"}]",
        &["/access/0", "'role' not allowed"],
    ),
    (
        "--set-json=access=[{\"namespaces\": [\"a\"], \"clusters\": [\"arn:aws:eks:*:*:cluster/*\"]}]",
        &["access[0] lets nothing", "ownIdentity"],
    ),
    (
        "--set-json=access=[{\"namespaces\": [\"a\"], \"clusters\": [\"arn:aws:eks:*:*:cluster/*\"], \"ownIdentity\": true, \"externalId\": \"x1\"}]",
        &["access[0]", "externalId", "no roles"],
    ),
    (
        "--set=leaderElection.enabled=false",
        &["replicaCount is 2", "Set replicaCount to 1"],
    ),
    (
        "--set=metrics.serviceMonitor.enabled=true,metrics.service.enabled=false",
        &["Set metrics.service.enabled to true"],
    ),
    (
        "--set=serviceAccount.create=false",
        &["serviceAccount.name is empty", "rbac.create"],
    ),
    (
        "--set=serviceAccount.create=false,serviceAccount.name=mine,serviceAccount.annotations.a=b",
        &["annotate the existing ServiceAccount yourself"],
    ),
    (
        "--set-json=networkPolicy.metricsFrom=[{\"podSelector\": {}}]",
        &["Set networkPolicy.enabled to true"],
    ),
    (
        "--set=operator.pollInterval=1s1h",
        &["/operator/pollInterval", "'1s1h'"],
    ),
    (
        "--set=operator.pollInterval=15s15s",
        &["/operator/pollInterval", "'15s15s'"],
    ),
    (
        "--set=operator.resyncInterval=99999999999999999999h",
        &["/operator/resyncInterval"],
    ),
    ("--set=operator.overdueAfter=", &["/operator/overdueAfter"]),
    ("--set=operator.settle=", &["/operator/settle", "minLength"]),
    (
        "--set=image.repository=registry.example.com/operator:v1",
        &["/image/repository", "operator:v1"],
    ),
    (
        "--set=image.repository=operator:v1",
        &["/image/repository", "operator:v1"],
    ),
    (
        "--set-json=podLabels={\"app.kubernetes.io/name\": \"mine\"}",
        &["propertyName 'app.kubernetes.io/name'"],
    ),
    (
        "--set=metrics.serviceMonitor.interval=2m",
        &["/metrics/serviceMonitor/interval", "'2m'"],
    ),
    (
        "--set=metrics.serviceMonitor.interval=61s",
        &["/metrics/serviceMonitor/interval", "'61s'"],
    ),
    (
        "--set=metrics.serviceMonitor.interval=0s",
        &["/metrics/serviceMonitor/interval", "'0s'"],
    ),
    (
        "--set=fullnameOverride=1st",
        &["/fullnameOverride", "'1st'"],
    ),
    (
        "--set=fullnameOverride=a123456789b123456789c123456789d123456789e123456789f12345",
        &["/fullnameOverride", "maxLength"],
    ),
    ("--set=access=all", &["/access", "'all'", "everyone"]),
    ("--set=access=", &["/access", "everyone"]),
    ("--set=access=everyone2", &["/access", "'everyone2'"]),
    (
        "--set-json=access=true",
        &["/access", "want string or array"],
    ),
    (
        "--set=rbac.aggregateToDefaultRoles=true",
        &[
            "access is everyone",
            "leave rbac.aggregateToDefaultRoles false",
        ],
    ),
];

#[tokio::test]
async fn at_the_installation_with_a_sentence_and_nothing_is_installed() {
    let plane = ControlPlane::shared().await.unwrap();
    let helm = Helm::of(plane).await;
    let helm = &helm;
    stream::iter(CASES.iter().enumerate())
        .for_each_concurrent(4, async |(number, (argument, words))| {
            let namespace = format!("refused-{number}");
            let install = ["install", "refused", CHART, argument];
            let within = ["--create-namespace", "--namespace", &namespace];
            let refusal = helm.run(&[&install[..], &within].concat()).await.refusal();
            for word in *words {
                assert!(
                    refusal.contains(word),
                    "{argument}: {word:?} is not in {refusal}"
                );
            }
            let made = plane.kubectl().run(["get", "namespace", &namespace]).await;
            let made = made.unwrap();
            assert!(
                made.stderr.contains("NotFound"),
                "{argument}: {}",
                made.stdout
            );
        })
        .await;
    // Nor is anything there that is of no namespace.
    let everywhere = ["get", "clusterroles,clusterrolebindings,crds", "-l"];
    let label = ["app.kubernetes.io/instance=refused", "--output=name"];
    let made = plane
        .kubectl()
        .run(everywhere.into_iter().chain(label))
        .await;
    assert_eq!(made.unwrap().ok().unwrap(), "");
}

#[tokio::test]
async fn a_key_with_nothing_behind_it() {
    let helm = &Helm::alone().await;
    let refuses = async |values: &str, section: &str, key: &str| {
        let name = format!("nothing-{}-{key}.yaml", section.replace('/', "-"));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, values).unwrap();
        let args = ["--values", path.to_str().unwrap()];
        let refusal = helm.template(&args).await.refusal();
        let sentence = format!("at '{section}': missing property '{key}'");
        assert!(refusal.contains(&sentence), "{values}: {refusal}");
    };
    refuses("access:", "", "access").await;
    // Whatever it means, it is not the default; and a template must not meet it.
    let text = std::fs::read_to_string(format!("{CHART}/values.yaml")).unwrap();
    let values: Value = serde_norway::from_str(&text).unwrap();
    let mut open = vec![(String::new(), &values)];
    let mut cases = Vec::new();
    while let Some((section, values)) = open.pop() {
        for (key, value) in values.as_object().unwrap() {
            let is_of_kubernetes = key == "resources";
            // Nothing, as these are by default, and a list or a map of it is the same to the templates.
            let is_nothing = match value {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty() && key != "watchNamespaces",
                Value::Object(fields) => fields.is_empty() || key == "labels",
                _ => false,
            };
            if is_of_kubernetes || is_nothing {
                continue;
            }
            cases.push((section.clone(), key.clone()));
            if value.is_object() {
                open.push((format!("{section}/{key}"), value));
            }
        }
    }
    assert!(cases.len() > 40, "{cases:?}");
    stream::iter(&cases)
        .for_each_concurrent(4, async |(section, key)| {
            let nothing = section
                .split('/')
                .rev()
                .filter(|part| !part.is_empty())
                .fold(json!({key: null}), |inner, part| json!({part: inner}));
            refuses(&nothing.to_string(), section, key).await;
        })
        .await;
}

#[tokio::test]
async fn a_release_whose_service_would_begin_with_a_digit() {
    let helm = Helm::alone().await;
    let base = ["template", "1st", CHART];
    let refusal = helm.run(&base).await.refusal();
    assert!(
        refusal.contains("1st-eks-upgrade-operator-metrics")
            && refusal.contains("fullnameOverride"),
        "{refusal}"
    );
    for way_out in [
        "--set=fullnameOverride=first",
        "--set=metrics.service.enabled=false",
    ] {
        helm.run(&[&base[..], &[way_out]].concat()).await.ok();
    }
}
