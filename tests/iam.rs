//! The IAM policies in deploy/iam, held against what the code calls and against what EKS's authorization can tell apart.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use eks_upgrade_operator::api::{CheckCode, HOLD_TAG};
use serde_json::Value;

/// Those that an identity has, by what they are for.
const PERMISSIONS: [&str; 4] = [
    "preview.json",
    "upgrades.json",
    "upgrades-with-checks.json",
    "upgrades-with-rollbacks.json",
];

/// The kinds of resource that EKS can tell apart, as an ARN of each is written in a policy. Of the service authorization
/// reference of Amazon EKS, as every action below.
const CLUSTER: &str = "arn:aws:eks:*:111122223333:cluster/*";
const NODEGROUP: &str = "arn:aws:eks:*:111122223333:nodegroup/*/*/*";
const ADDON: &str = "arn:aws:eks:*:111122223333:addon/*/*/*";
/// Of actions that EKS knows no resource for.
const ANY: &str = "*";

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every file in deploy/iam, by name.
fn policies() -> BTreeMap<String, Value> {
    let files = fs::read_dir(root("deploy/iam")).unwrap();
    files
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let policy = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                policy,
            )
        })
        .collect()
}

fn statements(policy: &Value) -> &[Value] {
    policy["Statement"].as_array().unwrap()
}

/// A string, or each of a list.
fn words(value: &Value) -> Vec<&str> {
    match value {
        Value::String(word) => vec![word],
        Value::Array(words) => words.iter().map(|word| word.as_str().unwrap()).collect(),
        other => panic!("neither a string nor a list: {other}"),
    }
}

/// What the policy allows.
fn allowed(policy: &Value) -> BTreeSet<&str> {
    statements(policy)
        .iter()
        .filter(|statement| statement["Effect"] == "Allow")
        .flat_map(|statement| words(&statement["Action"]))
        .collect()
}

/// What these checks ask for.
fn permissions(checks: &[CheckCode]) -> BTreeSet<&'static str> {
    let each = checks.iter().flat_map(|check| check.permissions());
    each.copied().collect()
}

/// Which resource an action is about.
fn resource(action: &str) -> &'static str {
    match action {
        "eks:DescribeClusterVersions" | "eks:DescribeAddonVersions" => ANY,
        "eks:DescribeNodegroup" => NODEGROUP,
        "eks:DescribeAddon" => ADDON,
        _ => CLUSTER,
    }
}

#[test]
fn each_set_of_features_is_allowed_what_it_calls_and_no_more() {
    let policies = policies();
    let always = permissions(&[CheckCode::VersionOffered, CheckCode::ClusterHealth]);
    let checks = permissions(&CheckCode::ALL);
    let with = |set: &BTreeSet<&'static str>, more: &[&'static str]| -> BTreeSet<&'static str> {
        set.iter().chain(more).copied().collect()
    };
    let start = "eks:UpdateClusterVersion";
    let wanted = [
        checks.clone(),
        with(&always, &[start]),
        with(&checks, &[start]),
        with(&checks, &[start, "eks:CancelUpdate"]),
    ];
    for (name, wanted) in PERMISSIONS.iter().zip(wanted) {
        assert_eq!(allowed(&policies[*name]), wanted, "{name}");
    }
}

/// The adapter names the IAM action of each call that it makes.
#[test]
fn all_of_them_together_are_what_the_adapter_calls() {
    let mut called = BTreeSet::new();
    let mut files = vec![root("src/eks/aws.rs")];
    files.extend(
        fs::read_dir(root("src/eks/aws"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file()),
    );
    for path in files {
        let text = fs::read_to_string(path).unwrap();
        let words = text.split('"').filter(|word| {
            word.strip_prefix("eks:")
                .is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphabetic()))
        });
        called.extend(words.map(str::to_owned));
    }
    let policies = policies();
    let all: BTreeSet<String> = PERMISSIONS
        .iter()
        .flat_map(|name| allowed(&policies[*name]))
        .map(str::to_owned)
        .collect();
    assert_eq!(all, called);
}

#[test]
fn each_action_is_allowed_on_the_kind_of_resource_that_eks_knows_for_it() {
    let policies = policies();
    for name in PERMISSIONS {
        for statement in statements(&policies[name]) {
            if statement["Effect"] != "Allow" {
                continue;
            }
            for action in words(&statement["Action"]) {
                assert_eq!(
                    words(&statement["Resource"]),
                    [resource(action)],
                    "{name}: {action}"
                );
            }
        }
    }
}

#[test]
fn whatever_can_start_an_update_cannot_on_a_cluster_on_hold() {
    let policies = policies();
    let held = format!("aws:ResourceTag/{HOLD_TAG}");
    for name in PERMISSIONS {
        let policy = &policies[name];
        let is_held = statements(policy).iter().any(|statement| {
            statement["Effect"] == "Deny"
                && words(&statement["Action"]) == ["eks:UpdateClusterVersion"]
                && statement["Resource"] == ANY
                && statement["Condition"]["Null"][&held] == "false"
        });
        assert_eq!(
            is_held,
            allowed(policy).contains("eks:UpdateClusterVersion"),
            "{name}"
        );
    }
}

/// EKS tells `eks:kubernetesVersion` with this action alone of those called here, and tags of the cluster with it.
#[test]
fn conditions_are_of_keys_that_are_there() {
    let known = [
        "aws:PrincipalArn",
        "aws:RequestTag/eks-cluster-arn",
        "aws:RequestTag/kubernetes-namespace",
        "aws:RequestTag/kubernetes-service-account",
        "aws:ResourceTag/eks-upgrades",
        "eks:kubernetesVersion",
        "sts:ExternalId",
    ];
    let held = format!("aws:ResourceTag/{HOLD_TAG}");
    for (name, policy) in policies() {
        for statement in statements(&policy) {
            let Some(condition) = statement["Condition"].as_object() else {
                continue;
            };
            for key in condition
                .values()
                .flat_map(|keys| keys.as_object().unwrap().keys())
            {
                let is_of_the_issuer = key.starts_with("oidc.") && name == "trust-irsa.json";
                assert!(
                    known.contains(&key.as_str()) || *key == held || is_of_the_issuer,
                    "{name}: {key}"
                );
                if key.starts_with("eks:") || key.starts_with("aws:ResourceTag/") {
                    assert_eq!(
                        words(&statement["Action"]),
                        ["eks:UpdateClusterVersion"],
                        "{name}: {key}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_policy_is_well_formed_and_has_no_wildcard_for_an_action_or_for_who() {
    for (name, policy) in policies() {
        assert_eq!(policy["Version"], "2012-10-17", "{name}");
        for statement in statements(&policy) {
            for word in words(&statement["Action"]) {
                assert!(!word.contains('*'), "{name}: {word}");
            }
            let is_trust = name.starts_with("trust-");
            assert_eq!(statement.get("Principal").is_some(), is_trust, "{name}");
            assert_eq!(statement.get("Resource").is_none(), is_trust, "{name}");
            for field in statement.as_object().unwrap().keys() {
                let fields = [
                    "Sid",
                    "Effect",
                    "Principal",
                    "Action",
                    "Resource",
                    "Condition",
                ];
                assert!(fields.contains(&field.as_str()), "{name}: {field}");
            }
            if is_trust {
                assert!(!statement["Principal"].to_string().contains('*'), "{name}");
                assert!(
                    statement["Condition"].is_object(),
                    "{name} trusts without a condition"
                );
            } else if statement["Effect"] == "Allow" {
                let is_catalogue = words(&statement["Action"])
                    .iter()
                    .all(|action| resource(action) == ANY);
                assert_eq!(statement["Resource"] == ANY, is_catalogue, "{name}");
            }
        }
    }
}

/// Whoever may assume a role of another account has to come from the hub's own role, with the external id.
#[test]
fn the_role_of_another_account_trusts_one_role_with_an_external_id() {
    let trust = &policies()["trust-spoke.json"];
    for statement in statements(trust) {
        let by = statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
            .as_str()
            .unwrap();
        assert!(by.ends_with(":role/eks-upgrade-operator"), "{by}");
        let with = statement["Condition"]["StringEquals"]["sts:ExternalId"].as_str();
        assert_eq!(
            with.is_some(),
            words(&statement["Action"]) == ["sts:AssumeRole"]
        );
    }
}

#[test]
fn the_readme_names_every_action() {
    let readme = fs::read_to_string(root("README.md")).unwrap();
    let policies = policies();
    for action in PERMISSIONS
        .iter()
        .flat_map(|name| allowed(&policies[*name]))
        .chain(["sts:AssumeRole"])
    {
        assert!(readme.contains(&format!("`{action}`")), "{action}");
    }
}

#[test]
fn every_policy_is_explained() {
    let page = fs::read_to_string(root("docs/security.md")).unwrap();
    for name in policies().keys() {
        assert!(page.contains(&format!("(../deploy/iam/{name})")), "{name}");
    }
}
