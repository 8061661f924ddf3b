//! The operations of EKS and STS as typed requests and answers, free of any wire format.

mod addons;
mod answers;
mod insights;
mod nodegroups;

use serde::{Deserialize, Serialize};

pub use addons::{
    AddonInfo, AddonStatus, AddonVersionInfo, AddonView, Compatibility, DescribeAddonVersions,
    Health,
};
pub(super) use answers::epoch;
pub use answers::{
    AssumedRole, Cancellation, CancellationStatus, ClusterStatus, ClusterVersionView, ClusterView,
    ErrorDetail, HealthIssue, Reply, Response, SupportStatus, SupportType, UpdateParam,
    UpdateStatus, UpdateView,
};
pub use insights::{
    Category, ClientStat, Deprecation, InsightStatus, InsightView, InsightsFilter, ListInsights,
    Readiness, RefreshStatus, RefreshView,
};
pub use nodegroups::{NodegroupStatus, NodegroupView};

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
    ListInsights,
    DescribeInsight,
    StartInsightsRefresh,
    DescribeInsightsRefresh,
    ListNodegroups,
    DescribeNodegroup,
    ListAddons,
    DescribeAddon,
    DescribeAddonVersions,
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
    ListInsights(ListInsights),
    DescribeInsight {
        #[serde(rename = "clusterName")]
        name: String,
        id: String,
    },
    StartInsightsRefresh {
        #[serde(rename = "clusterName")]
        name: String,
    },
    DescribeInsightsRefresh {
        #[serde(rename = "clusterName")]
        name: String,
    },
    ListNodegroups {
        #[serde(rename = "clusterName")]
        name: String,
        #[serde(flatten)]
        page: Page,
    },
    DescribeNodegroup {
        #[serde(rename = "clusterName")]
        name: String,
        #[serde(rename = "nodegroupName")]
        nodegroup_name: String,
    },
    ListAddons {
        #[serde(rename = "clusterName")]
        name: String,
        #[serde(flatten)]
        page: Page,
    },
    DescribeAddon {
        #[serde(rename = "clusterName")]
        name: String,
        #[serde(rename = "addonName")]
        addon_name: String,
    },
    DescribeAddonVersions(DescribeAddonVersions),
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
            Self::ListInsights(_) => Operation::ListInsights,
            Self::DescribeInsight { .. } => Operation::DescribeInsight,
            Self::StartInsightsRefresh { .. } => Operation::StartInsightsRefresh,
            Self::DescribeInsightsRefresh { .. } => Operation::DescribeInsightsRefresh,
            Self::ListNodegroups { .. } => Operation::ListNodegroups,
            Self::DescribeNodegroup { .. } => Operation::DescribeNodegroup,
            Self::ListAddons { .. } => Operation::ListAddons,
            Self::DescribeAddon { .. } => Operation::DescribeAddon,
            Self::DescribeAddonVersions(_) => Operation::DescribeAddonVersions,
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
            | Self::CancelUpdate { name, .. }
            | Self::DescribeInsight { name, .. }
            | Self::StartInsightsRefresh { name }
            | Self::DescribeInsightsRefresh { name }
            | Self::ListNodegroups { name, .. }
            | Self::DescribeNodegroup { name, .. }
            | Self::ListAddons { name, .. }
            | Self::DescribeAddon { name, .. } => Some(name),
            Self::ListInsights(list) => Some(&list.cluster_name),
            Self::UpdateClusterVersion(update) => Some(&update.name),
            Self::ListClusters { .. }
            | Self::DescribeClusterVersions(_)
            | Self::DescribeAddonVersions(_)
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
