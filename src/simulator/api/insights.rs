//! Insights as requests and answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::epoch;
use crate::api::Minor;

/// `category` of an insight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum Category {
    UpgradeReadiness,
    Misconfiguration,
    RollbackReadiness,
}

/// `status` of an insight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum Readiness {
    #[default]
    Passing,
    Warning,
    Error,
    Unknown,
}

/// `filter` of ListInsights. A list that is empty lets all insights through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct InsightsFilter {
    pub categories: Vec<Category>,
    pub kubernetes_versions: Vec<String>,
    pub statuses: Vec<Readiness>,
}

impl InsightsFilter {
    /// Whether it lets an insight through.
    pub fn admits(&self, insight: &InsightView) -> bool {
        let Self {
            categories,
            kubernetes_versions,
            statuses,
        } = self;
        let version = insight.kubernetes_version.to_string();
        (categories.is_empty() || categories.contains(&insight.category))
            && (kubernetes_versions.is_empty() || kubernetes_versions.contains(&version))
            && (statuses.is_empty() || statuses.contains(&insight.insight_status.status))
    }
}

/// ListInsights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct ListInsights {
    pub cluster_name: String,
    pub filter: InsightsFilter,
    #[serde(flatten)]
    pub page: super::Page,
}

/// `insightStatus` of an insight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct InsightStatus {
    pub status: Readiness,
    pub reason: String,
}

/// An insight. Serializes as the summary that ListInsights shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct InsightView {
    pub id: String,
    pub name: String,
    pub category: Category,
    pub kubernetes_version: Minor,
    #[serde(serialize_with = "epoch")]
    pub last_refresh_time: Timestamp,
    #[serde(serialize_with = "epoch")]
    pub last_transition_time: Timestamp,
    pub description: String,
    pub insight_status: InsightStatus,
    /// Only DescribeInsight shows this and what follows.
    #[serde(skip)]
    pub recommendation: String,
    /// By ARN, or by URI where they are of Kubernetes.
    #[serde(skip)]
    pub resources: Vec<String>,
    #[serde(skip)]
    pub deprecations: Vec<Deprecation>,
}

/// An entry of `deprecationDetails`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct Deprecation {
    pub usage: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_with: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_serving_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_serving_replacement_version: Option<String>,
    pub client_stats: Vec<ClientStat>,
}

/// A client that used what is deprecated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct ClientStat {
    pub user_agent: String,
    pub number_of_requests_last30_days: u32,
    #[serde(serialize_with = "epoch")]
    pub last_request_time: Timestamp,
}

/// How far a refresh of the insights is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are those of the API reference")]
pub enum RefreshStatus {
    InProgress,
    Failed,
    Completed,
}

/// The newest refresh that somebody asked for. Without one there is only the message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the members are those of the API reference")]
pub struct RefreshView {
    pub message: String,
    pub status: Option<RefreshStatus>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}
