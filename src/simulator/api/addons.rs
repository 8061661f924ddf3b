//! Add-ons as requests and answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{HealthIssue, epoch};
use crate::api::Minor;

/// `status` of an add-on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum AddonStatus {
    Creating,
    #[default]
    Active,
    CreateFailed,
    Updating,
    Deleting,
    DeleteFailed,
    Degraded,
    UpdateFailed,
}

/// `health` of an add-on or a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct Health {
    pub issues: Vec<HealthIssue>,
}

/// An add-on as DescribeAddon shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct AddonView {
    pub addon_name: String,
    pub cluster_name: String,
    pub status: AddonStatus,
    pub addon_version: String,
    pub health: Health,
    pub addon_arn: String,
    #[serde(serialize_with = "epoch")]
    pub created_at: Timestamp,
    #[serde(serialize_with = "epoch")]
    pub modified_at: Timestamp,
}

/// DescribeAddonVersions, with all its filters. What is empty lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct DescribeAddonVersions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addon_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<String>,
    pub types: Vec<String>,
    pub publishers: Vec<String>,
    pub owners: Vec<String>,
    #[serde(flatten)]
    pub page: super::Page,
}

/// An add-on that DescribeAddonVersions tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct AddonInfo {
    pub addon_name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub publisher: String,
    pub owner: String,
    pub addon_versions: Vec<AddonVersionInfo>,
}

/// A version of an add-on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct AddonVersionInfo {
    pub addon_version: String,
    pub compatibilities: Vec<Compatibility>,
}

/// A Kubernetes version that a version of an add-on fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct Compatibility {
    pub cluster_version: Minor,
    pub default_version: bool,
}
