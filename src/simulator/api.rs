//! The operations of EKS and STS as typed requests and answers, free of any wire format.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::minor::Minor;

/// The operations the simulator knows, under their API names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum Operation {
    ListClusters,
    DescribeCluster,
    UpdateClusterVersion,
    DescribeUpdate,
    ListUpdates,
    CancelUpdate,
    DescribeClusterVersions,
    AssumeRole,
    GetCallerIdentity,
}

impl Operation {
    /// Whether the operation belongs to STS, whose errors have names of their own.
    pub const fn is_sts(self) -> bool {
        matches!(self, Self::AssumeRole | Self::GetCallerIdentity)
    }

    /// The IAM action that permits it.
    pub fn iam_action(self) -> String {
        let service = if self.is_sts() { "sts" } else { "eks" };
        format!("{service}:{self:?}")
    }
}

/// Who calls, and which region is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account whose clusters are seen.
    pub account: String,
    /// The region the request is signed for.
    pub region: String,
    /// The principal, for messages and GetCallerIdentity.
    pub arn: String,
}

/// Which page of a list is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// 1 to 100; 100 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<i64>,
    /// From the answer before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// What an update belongs to: the cluster itself, or a part of it that keeps updates of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// The add-on, where the update is one of an add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addon_name: Option<String>,
    /// The managed node group, where the update is one of a node group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodegroup_name: Option<String>,
}

impl Scope {
    /// Whether the update is one of the cluster itself.
    pub fn is_cluster(&self) -> bool {
        self.addon_name.is_none() && self.nodegroup_name.is_none()
    }
}

/// `rollbackConfig` of UpdateClusterVersion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackConfig {
    /// How long the nodes of an Auto Mode cluster may take, in minutes: 120 to 10080, 720 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_minutes: Option<i64>,
}

/// UpdateClusterVersion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct UpdateClusterVersion {
    pub name: String,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_token: Option<String>,
    pub force: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_config: Option<RollbackConfig>,
}

/// DescribeClusterVersions, with all its filters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct DescribeClusterVersions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_type: Option<String>,
    pub default_only: bool,
    pub include_all: bool,
    pub cluster_versions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_status: Option<SupportStatus>,
    #[serde(flatten)]
    pub page: Page,
}

/// AssumeRole of STS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct AssumeRole {
    pub role_arn: String,
    pub role_session_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i64>,
}

/// One request, whichever face it came in by. Serializes to its members alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum Request {
    ListClusters {
        #[serde(flatten)]
        page: Page,
    },
    DescribeCluster {
        name: String,
    },
    UpdateClusterVersion(UpdateClusterVersion),
    DescribeUpdate {
        name: String,
        #[serde(rename = "updateId")]
        update_id: String,
        #[serde(flatten)]
        scope: Scope,
    },
    ListUpdates {
        name: String,
        #[serde(flatten)]
        scope: Scope,
        #[serde(flatten)]
        page: Page,
    },
    CancelUpdate {
        name: String,
        #[serde(rename = "updateId")]
        update_id: String,
        #[serde(rename = "clientRequestToken", skip_serializing_if = "Option::is_none")]
        client_request_token: Option<String>,
    },
    DescribeClusterVersions(DescribeClusterVersions),
    AssumeRole(AssumeRole),
    GetCallerIdentity {},
}

impl Request {
    /// The operation asked for.
    pub const fn operation(&self) -> Operation {
        match self {
            Self::ListClusters { .. } => Operation::ListClusters,
            Self::DescribeCluster { .. } => Operation::DescribeCluster,
            Self::UpdateClusterVersion(_) => Operation::UpdateClusterVersion,
            Self::DescribeUpdate { .. } => Operation::DescribeUpdate,
            Self::ListUpdates { .. } => Operation::ListUpdates,
            Self::CancelUpdate { .. } => Operation::CancelUpdate,
            Self::DescribeClusterVersions(_) => Operation::DescribeClusterVersions,
            Self::AssumeRole(_) => Operation::AssumeRole,
            Self::GetCallerIdentity {} => Operation::GetCallerIdentity,
        }
    }

    /// The cluster it is about, if it is about one.
    pub fn cluster(&self) -> Option<&str> {
        match self {
            Self::DescribeCluster { name }
            | Self::DescribeUpdate { name, .. }
            | Self::ListUpdates { name, .. }
            | Self::CancelUpdate { name, .. } => Some(name),
            Self::UpdateClusterVersion(update) => Some(&update.name),
            Self::ListClusters { .. }
            | Self::DescribeClusterVersions(_)
            | Self::AssumeRole(_)
            | Self::GetCallerIdentity {} => None,
        }
    }

    /// The update it names, if it names one.
    pub fn update_id(&self) -> Option<&str> {
        match self {
            Self::DescribeUpdate { update_id, .. } | Self::CancelUpdate { update_id, .. } => {
                Some(update_id)
            }
            _ => None,
        }
    }
}

/// `status` of a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum ClusterStatus {
    Creating,
    #[default]
    Active,
    Deleting,
    Failed,
    Updating,
    Pending,
}

/// `upgradePolicy.supportType`: what happens at the end of standard support.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SupportType {
    /// EKS upgrades the cluster by itself at the end of standard support.
    Standard,
    /// The cluster enters extended support; EKS's default.
    #[default]
    Extended,
}

/// Where a Kubernetes version is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum SupportStatus {
    StandardSupport,
    ExtendedSupport,
    Unsupported,
}

/// `status` of an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum UpdateStatus {
    InProgress,
    #[default]
    Successful,
    Failed,
    Cancelled,
}

/// Why an update failed. The codes are an open set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct ErrorDetail {
    pub error_code: String,
    #[serde(default)]
    pub error_message: String,
    #[serde(default)]
    pub resource_ids: Vec<String>,
}

/// How far the cancelling of an update is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cancellation {
    /// `InProgress`, `Successful` or `Failed`.
    pub status: CancellationStatus,
    /// More about it.
    pub reason: String,
}

/// `status` of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum CancellationStatus {
    InProgress,
    Successful,
    Failed,
}

/// One `{type, value}` of an update's `params`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct UpdateParam {
    #[serde(rename = "type")]
    pub kind: String,
    pub value: String,
}

/// An update as EKS shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct UpdateView {
    pub id: String,
    pub status: UpdateStatus,
    #[serde(rename = "type")]
    pub kind: String,
    pub params: Vec<UpdateParam>,
    #[serde(serialize_with = "epoch")]
    pub created_at: Timestamp,
    pub errors: Vec<ErrorDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<Cancellation>,
}

/// A cluster as DescribeCluster shows it, lags included.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct ClusterView {
    pub name: String,
    pub arn: String,
    pub account: String,
    pub region: String,
    pub created_at: Timestamp,
    pub version: Minor,
    pub platform_version: String,
    pub status: ClusterStatus,
    pub upgrade_policy: SupportType,
    pub auto_mode: bool,
    pub tags: BTreeMap<String, String>,
}

/// An entry of DescribeClusterVersions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct ClusterVersionView {
    pub version: Minor,
    pub platform_version: String,
    pub patch_version: String,
    pub default_version: bool,
    pub release_date: Timestamp,
    pub end_of_standard_support: Timestamp,
    pub end_of_extended_support: Timestamp,
    pub status: SupportStatus,
}

/// Credentials that AssumeRole hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct AssumedRole {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    pub expiration: Timestamp,
    pub arn: String,
    pub assumed_role_id: String,
}

/// A successful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum Response {
    Clusters {
        names: Vec<String>,
        next_token: Option<String>,
    },
    Cluster(Box<ClusterView>),
    Update(UpdateView),
    Updates {
        ids: Vec<String>,
        next_token: Option<String>,
    },
    ClusterVersions {
        versions: Vec<ClusterVersionView>,
        next_token: Option<String>,
    },
    AssumedRole(AssumedRole),
    CallerIdentity {
        account: String,
        arn: String,
        user_id: String,
    },
}

/// What comes back of a call, network included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An answer.
    Answer {
        /// How long it takes to arrive.
        after: super::period::Period,
        /// The answer.
        result: Result<Response, super::error::ApiError>,
    },
    /// A success whose body cannot be read.
    Garbled,
    /// The connection ends without an answer.
    Nothing {
        /// How long it stays open.
        after: super::period::Period,
    },
}

/// EKS writes timestamps as seconds since the epoch with a fraction of milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds fit for 285,000 years"
)]
pub(super) fn epoch<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_millisecond() as f64 / 1000.0)
}
