//! Managed node groups as answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::epoch;
use crate::api::Minor;

/// `status` of a managed node group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum NodegroupStatus {
    Creating,
    #[default]
    Active,
    Updating,
    Deleting,
    CreateFailed,
    DeleteFailed,
    Degraded,
}

/// A managed node group as DescribeNodegroup shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct NodegroupView {
    pub nodegroup_name: String,
    pub nodegroup_arn: String,
    pub cluster_name: String,
    pub version: Minor,
    pub release_version: String,
    #[serde(serialize_with = "epoch")]
    pub created_at: Timestamp,
    pub status: NodegroupStatus,
}
