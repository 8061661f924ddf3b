//! What EKS and STS answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::{AddonInfo, AddonView, Health, InsightView, NodegroupView, RefreshView};
use crate::api::Minor;
use crate::simulator::error::ApiError;
use crate::simulator::period::Period;

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
    /// Not in the API's model, but in the user guide; only where the scenario says so.
    #[serde(skip_deserializing)]
    Cancelling,
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

/// What is wrong with a cluster or an add-on. The codes are an open set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct HealthIssue {
    pub code: String,
    #[serde(default)]
    pub message: String,
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
    pub health: Health,
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
    Insights {
        insights: Vec<InsightView>,
        next_token: Option<String>,
    },
    Insight(Box<InsightView>),
    RefreshStarted(RefreshView),
    Refresh(RefreshView),
    Nodegroups {
        names: Vec<String>,
        next_token: Option<String>,
    },
    Nodegroup(Box<NodegroupView>),
    Addons {
        names: Vec<String>,
        next_token: Option<String>,
    },
    Addon(Box<AddonView>),
    AddonVersions {
        addons: Vec<AddonInfo>,
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
        after: Period,
        /// The answer.
        result: Result<Response, ApiError>,
    },
    /// A success whose body cannot be read.
    Garbled,
    /// The connection ends without an answer.
    Nothing {
        /// How long it stays open.
        after: Period,
    },
}

/// EKS writes timestamps as seconds since the epoch with a fraction of milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds fit for 285,000 years"
)]
pub(in crate::simulator) fn epoch<S: Serializer>(
    time: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_millisecond() as f64 / 1000.0)
}
