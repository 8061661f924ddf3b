//! What the checks before an upgrade read, as the AWS CLI reads it.

use serde_json::{Value, json};

use crate::harness::Cli;

#[test]
fn add_ons_health_and_findings_reach_the_cli() {
    let cli = Cli::new(
        "gates",
        "{addonVersions: [\
         {addon: coredns, version: v1.12.1-eksbuild.2, kubernetes: [\"1.33\", \"1.34\"], default: [\"1.34\"]}, \
         {addon: coredns, version: v1.11.4-eksbuild.2, kubernetes: [\"1.33\"], default: [\"1.33\"]}, \
         {addon: adot, version: v1, kubernetes: [\"1.33\"]}], \
         clusters: [{name: prod, version: \"1.33\", tags: {eksupgrade.dev/hold: audit}, \
         health: [{code: IamRoleNotFound, message: gone, resourceIds: [role-1]}], \
         addons: [{name: coredns, version: v1.11.4-eksbuild.2}, {name: adot, version: v1, \
         status: DEGRADED, issues: [{code: InsufficientNumberOfReplicas, message: none runs, resourceIds: [adot]}]}], \
         insights: {upgrade: [{name: Deprecated APIs, status: ERROR, recommendation: move, \
         resources: [/apis/policy/v1beta1], deprecations: [{usage: /apis/policy/v1beta1, \
         replacedWith: /apis/policy/v1, stopServingVersion: \"1.34\", \
         startServingReplacementVersion: \"1.30\", clients: [{userAgent: helm, requests: 3}]}]}]}}]}",
    );
    let cluster = cli.ok("eks describe-cluster --name prod")["cluster"].take();
    assert_eq!(
        cluster["health"]["issues"],
        json!([{"code": "IamRoleNotFound", "message": "gone", "resourceIds": ["role-1"]}])
    );
    assert_eq!(cluster["tags"], json!({"eksupgrade.dev/hold": "audit"}));

    let mut names = cli.ok("eks list-addons --cluster-name prod --page-size 1")["addons"].take();
    names.as_array_mut().unwrap().sort_by_key(Value::to_string);
    assert_eq!(names, json!(["adot", "coredns"]));
    let describe = "eks describe-addon --cluster-name prod --addon-name";
    let addon = cli.ok(&format!("{describe} adot"))["addon"].take();
    assert_eq!(addon["addonVersion"], "v1");
    assert_eq!(addon["status"], "DEGRADED");
    assert_eq!(addon["health"]["issues"][0]["message"], "none runs");
    cli.refused(
        &format!("{describe} vpc-cni"),
        "ResourceNotFoundException",
        "DescribeAddon",
    );

    let fitting = |addon: &str, kubernetes: &str| {
        let versions = format!(
            "eks describe-addon-versions --addon-name {addon} --kubernetes-version {kubernetes}"
        );
        cli.ok(&versions)["addons"].take()
    };
    let both = fitting("coredns", "1.33");
    let versions = both[0]["addonVersions"].as_array().unwrap();
    let versions: Vec<_> = versions
        .iter()
        .map(|one| {
            (
                &one["addonVersion"],
                &one["compatibilities"][0]["defaultVersion"],
            )
        })
        .collect();
    assert_eq!(
        versions,
        [
            (&json!("v1.12.1-eksbuild.2"), &json!(false)),
            (&json!("v1.11.4-eksbuild.2"), &json!(true)),
        ]
    );
    assert_eq!(fitting("adot", "1.34"), json!([]));
    let all = cli.ok("eks describe-addon-versions --page-size 1");
    assert_eq!(all["addons"].as_array().unwrap().len(), 2);
    cli.refused(
        "eks describe-addon-versions --kubernetes-version newest",
        "InvalidParameterException",
        "DescribeAddonVersions",
    );

    let list = "eks list-insights --cluster-name prod --filter \
                categories=UPGRADE_READINESS,kubernetesVersions=1.34";
    let id = cli.ok(list)["insights"][0]["id"].take();
    let describe = "eks describe-insight --cluster-name prod --id";
    let described = cli.ok(&format!("{describe} {}", id.as_str().unwrap()));
    let insight = &described["insight"];
    assert_eq!(insight["recommendation"], "move");
    let resource = &insight["resources"][0]["kubernetesResourceUri"];
    assert_eq!(resource, "/apis/policy/v1beta1");
    let detail = &insight["categorySpecificSummary"]["deprecationDetails"][0];
    assert_eq!(detail["stopServingVersion"], "1.34");
    assert_eq!(detail["clientStats"][0]["userAgent"], "helm");
    assert_eq!(detail["clientStats"][0]["numberOfRequestsLast30Days"], 3);

    let summary = cli.conforms();
    for operation in [
        "DescribeAddon",
        "DescribeAddonVersions",
        "DescribeCluster",
        "DescribeInsight",
        "ListAddons",
    ] {
        let count = summary["operations"][operation].as_u64();
        assert!(count > Some(0), "{operation} was not checked: {summary}");
    }
}
