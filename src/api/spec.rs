//! What a user asks for.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::preflight::Preflight;
use super::schedule::Schedule;
use super::status::ClusterUpgradeStatus;

/// Asks for an Amazon EKS control plane to be upgraded to a Kubernetes version, one minor at a time.
///
/// Deleting the object touches nothing in EKS. Lowering `version` starts nothing either, unless `rollback` names the very
/// update to undo.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "eksupgrade.dev",
    version = "v1alpha1",
    kind = "ClusterUpgrade",
    plural = "clusterupgrades",
    shortname = "cu",
    category = "eks",
    namespaced,
    status = "ClusterUpgradeStatus",
    derive = "PartialEq",
    doc = "Upgrades an Amazon EKS control plane to a Kubernetes version, one minor at a time.",
    validation = kube::core::Rule::new("size(self.metadata.name) <= 200")
        .message("metadata.name may have at most 200 characters, since the names of its Events are made from it"),
    printcolumn(name = "Cluster", type_ = "string", json_path = ".spec.cluster.name"),
    printcolumn(name = "Desired", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Current", type_ = "string", json_path = ".status.cluster.version"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Next start", type_ = "string", json_path = ".status.schedule.nextStart"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Account", type_ = "string", json_path = ".spec.cluster.accountId", priority = 1),
    printcolumn(name = "Region", type_ = "string", json_path = ".spec.cluster.region", priority = 1),
    printcolumn(name = "Update id", type_ = "string", json_path = ".status.update.id", priority = 1),
    printcolumn(name = "Path", type_ = "string", json_path = ".status.path", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1)
)]
#[schemars(extend("x-kubernetes-validations" = rules::spec()))]
pub struct ClusterUpgradeSpec {
    /// The EKS cluster. Cannot be changed: another cluster is another object.
    #[schemars(extend("x-kubernetes-validations" = rules::cluster()))]
    pub cluster: ClusterRef,

    /// The Kubernetes version to reach, a minor such as "1.34". Write it in quotes, or YAML reads a number.
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = rules::version()))]
    pub version: String,

    /// The IAM role to assume for this cluster. It must be in the cluster's account, and the operator's allow-list must
    /// let this namespace use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 2048), extend("x-kubernetes-validations" = rules::role_arn()))]
    pub role_arn: Option<String>,

    /// The external id that the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 1224), extend("x-kubernetes-validations" = rules::external_id()))]
    pub external_id: Option<String>,

    /// Overrides EKS's upgrade-readiness insights for one hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Force")]
    pub force: Option<Force>,

    /// Permits exactly one rollback: undoing the update it names. Once that is undone it permits nothing, and may stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Rollback")]
    pub rollback: Option<Rollback>,

    /// What is checked before each upgrade by one minor, and what of it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Preflight")]
    pub preflight: Option<Preflight>,

    /// When a hop may start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Schedule")]
    pub schedule: Option<Schedule>,

    /// Starts nothing new while true. A running update cannot be paused and is still followed.
    #[serde(default)]
    pub suspend: bool,
}

/// Names an EKS cluster so that no default can ever point a manifest at another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterRef {
    /// The AWS account id, twelve digits, in quotes.
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = rules::account_id()))]
    pub account_id: String,

    /// The AWS region, such as "eu-central-1".
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = rules::region()))]
    pub region: String,

    /// The cluster's name in EKS.
    #[schemars(length(max = 253), extend("x-kubernetes-validations" = rules::cluster_name()))]
    pub name: String,
}

/// EKS's force flag, for one hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Force {
    /// The version whose hop is forced; every other hop goes without force.
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = rules::version()))]
    pub version: String,

    /// Why, for whoever reviews the change.
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = rules::force_reason()))]
    pub reason: String,
}

/// Which rollback is permitted: from one version to the one below, by undoing one update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// The version to roll back from, which the cluster has now; `spec.version` is the minor below.
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = rules::version()))]
    pub from_version: String,

    /// EKS's id of the update to undo: the one that brought the cluster to `fromVersion`. See `status.rollback.updateId`.
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = rules::update_id()))]
    pub update_id: String,

    /// How long the nodes of an Auto Mode cluster may take to go back before EKS gives up, "2h" to "168h". By default "12h".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 32), extend("x-kubernetes-validations" = rules::rollback_timeout()))]
    pub timeout: Option<String>,
}

/// The CEL rules, each with a sentence a person can act on. The API server checks them at apply.
mod rules {
    use serde_json::{Value, json};

    pub(super) use super::super::rules::version;
    use super::super::rules::{not_blank, rule};

    pub fn spec() -> Value {
        json!([
            {
                "rule": "!has(self.externalId) || has(self.roleArn)",
                "message": "externalId is only used when a role is assumed: set roleArn too, or remove externalId",
            },
            {
                "rule": "!has(self.roleArn) || !self.roleArn.matches('^arn:[a-z-]+:iam::[0-9]{12}:') || \
                         self.roleArn.split(':')[4] == self.cluster.accountId",
                "message": "roleArn must be a role in the account of cluster.accountId: a role only reaches clusters of its own account",
                "fieldPath": ".roleArn",
            },
            {
                "rule": "!has(self.roleArn) || !self.roleArn.matches('^arn:[a-z-]+:iam::[0-9]{12}:') || \
                         (self.roleArn.startsWith('arn:aws-cn:') == self.cluster.region.startsWith('cn-') && \
                         self.roleArn.startsWith('arn:aws-us-gov:') == self.cluster.region.startsWith('us-gov-') && \
                         self.roleArn.startsWith('arn:aws-eusc:') == self.cluster.region.startsWith('eusc-'))",
                "message": "roleArn must be a role in the AWS partition of cluster.region: arn:aws-cn for cn-..., arn:aws-us-gov for us-gov-..., arn:aws-eusc for eusc-..., else arn:aws",
                "fieldPath": ".roleArn",
            },
            {
                "rule": "!has(self.force) || !self.version.matches('^1\\\\.[1-9][0-9]{0,2}$') || \
                         !self.force.version.matches('^1\\\\.[1-9][0-9]{0,2}$') || \
                         int(self.force.version.substring(2)) <= int(self.version.substring(2))",
                "message": "force.version lies above version, so no hop would ever use it: name a version on the way to version, or remove force",
                "fieldPath": ".force.version",
            },
        ])
    }

    pub fn cluster() -> Value {
        rule(
            "self == oldSelf",
            "spec.cluster cannot be changed, so that no edit can point an object at another cluster: delete this object (EKS is not touched) and create another",
        )
    }

    pub fn account_id() -> Value {
        rule(
            "self.matches('^[0-9]{12}$')",
            "must be the twelve digits of an AWS account id, in quotes and with leading zeros, such as \"111122223333\"",
        )
    }

    pub fn region() -> Value {
        rule(
            "self.matches('^[a-z]{2,8}(-[a-z]+)+-[0-9]{1,2}$')",
            "must be an AWS region code such as \"eu-central-1\" (a region, not an availability zone)",
        )
    }

    pub fn cluster_name() -> Value {
        rule(
            "self.matches('^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$')",
            "must be an EKS cluster name: 1 to 100 letters, digits, hyphens or underscores, the first a letter or digit (the name, not the ARN)",
        )
    }

    pub fn role_arn() -> Value {
        rule(
            "self.matches('^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([!-~]{1,510}/)?[0-9A-Za-z_+=,.@-]{1,64}$')",
            "must be the ARN of an IAM role, such as \"arn:aws:iam::111122223333:role/eks-upgrades\"",
        )
    }

    pub fn external_id() -> Value {
        // The most is set by maxLength: the regular expressions of CEL repeat at most 1000 times.
        rule(
            "self.matches('^[0-9A-Za-z_+=,.@:/-]{2,}$')",
            "must be an STS external id: 2 to 1224 letters, digits or the characters _+=,.@:/-",
        )
    }

    pub fn update_id() -> Value {
        rule(
            "self.matches('^[0-9A-Za-z][0-9A-Za-z_.:-]{0,127}$')",
            "must be the id of the update to undo, as status.rollback.updateId or aws eks list-updates shows it, such as \"0b6c1d3e-6f0a-4a55-9b3f-2f0c5a1d7e42\"",
        )
    }

    pub fn rollback_timeout() -> Value {
        rule(
            "self.matches('^([0-9]{1,6}[hm])+(0s)?$') && duration(self) >= duration('2h') && duration(self) <= duration('168h')",
            "must be hours and minutes such as \"12h\" or \"2h30m\", at least 2h and at most 168h",
        )
    }

    pub fn force_reason() -> Value {
        not_blank("must say why EKS's readiness insights may be overridden for this hop")
    }
}
