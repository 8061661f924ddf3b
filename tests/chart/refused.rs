//! Values that cannot be meant: `helm install` says what is wrong with them, and nothing is installed.

use futures::{StreamExt as _, stream};
use harness::ControlPlane;

use crate::helm::{CHART, Helm};

/// Arguments, and words that helm's refusal has.
const CASES: [(&str, &[&str]); 36] = [
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
        &["/operator/pollInterval", "'soon'", "h|m|s"],
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
