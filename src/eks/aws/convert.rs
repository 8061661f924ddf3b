//! From the SDK's types to the port's views. The SDK leaves every member optional and of any length; what deciding cannot do
//! without is demanded here, and what is kept or quoted is bounded.

mod addons;
mod insight_detail;

use aws_sdk_eks::primitives::DateTime;
use aws_sdk_eks::types::{
    Cluster, ClusterIssue, ClusterVersionInformation, ErrorDetail, InsightSummary,
    InsightsRefreshStatus, Nodegroup, Update, UpdateParamType, UpdateStatus,
};
use jiff::Timestamp;

use crate::api::HOLD_TAG;
use crate::eks::{
    Cancellation, ClusterView, EksError, ErrorKind, HealthIssue, Hosting, InsightView,
    NodegroupView, OfferedVersion, Progress, RefreshStatus, RefreshView, UpdateError, UpdateView,
    is_update_id,
};
use crate::text::{is_plain_word, plain};

pub(super) use addons::{addon, addon_names, addon_versions};
pub(super) use insight_detail::insight_detail;

/// The most bytes of a status, a type, a version or a code, all of which EKS spells in a few letters.
const WORD: usize = 128;
/// The most bytes of what EKS says about a failed update.
const SENTENCE: usize = 1024;
/// The most bytes of an ARN, of a cluster as of any other resource.
const ARN: usize = 2048;
/// As many errors of one update, and resources of one error, as are of any use.
const ERRORS: usize = 16;
const RESOURCES: usize = 64;

/// A word of EKS's own.
fn word(text: &str) -> String {
    plain(text, WORD)
}

/// An answer that came whole and makes no sense. A mutation may have happened.
pub(super) fn broken(operation: &'static str, what: &str) -> EksError {
    EksError {
        kind: ErrorKind::Unavailable,
        operation,
        code: "BrokenAnswer".to_owned(),
        message: format!("AWS's answer cannot be used: {what}"),
        request_id: None,
        clock_behind: None,
    }
}

/// DescribeCluster's answer.
pub(super) fn cluster(
    operation: &'static str,
    cluster: Option<Cluster>,
) -> Result<ClusterView, EksError> {
    let Some(cluster) = cluster else {
        return Err(broken(operation, "it holds no cluster"));
    };
    let hosting = if cluster.connector_config.is_some() {
        Hosting::Connected
    } else if cluster.outpost_config.is_some() {
        Hosting::Outpost
    } else {
        Hosting::Cloud
    };
    let version = match (cluster.version, hosting) {
        (Some(version), _) => word(&version),
        // EKS does not run a connected cluster's control plane and may not know its version.
        (None, Hosting::Connected) => String::new(),
        (None, Hosting::Cloud | Hosting::Outpost) => {
            return Err(broken(operation, "the cluster has no version"));
        }
    };
    Ok(ClusterView {
        arn: cluster
            .arn
            .filter(|arn| is_plain_word(arn, ARN))
            .ok_or_else(|| broken(operation, "the cluster has no ARN, or none that can be one"))?,
        created_at: cluster.created_at.and_then(timestamp),
        version,
        platform_version: cluster.platform_version.as_deref().map(word),
        status: word(
            cluster
                .status
                .ok_or_else(|| broken(operation, "the cluster has no status"))?
                .as_str(),
        ),
        hosting,
        is_auto_mode: cluster
            .compute_config
            .is_some_and(|compute| compute.enabled == Some(true)),
        support_type: cluster
            .upgrade_policy
            .and_then(|policy| policy.support_type)
            .map(|support| word(support.as_str())),
        health: cluster
            .health
            .and_then(|health| health.issues)
            .unwrap_or_default()
            .into_iter()
            .take(ERRORS)
            .map(cluster_issue)
            .collect(),
        hold: cluster
            .tags
            .and_then(|tags| tags.get(HOLD_TAG).map(|value| plain(value, SENTENCE))),
    })
}

/// An entry of `health.issues` of a cluster.
fn cluster_issue(issue: ClusterIssue) -> HealthIssue {
    HealthIssue {
        code: issue
            .code
            .map_or_else(|| "Unknown".to_owned(), |code| word(code.as_str())),
        message: plain(&issue.message.unwrap_or_default(), SENTENCE),
        resource_ids: resources(issue.resource_ids),
    }
}

/// The ids of the resources that something is about.
fn resources(ids: Option<Vec<String>>) -> Vec<String> {
    let ids = ids.unwrap_or_default();
    ids.iter().take(RESOURCES).map(|id| word(id)).collect()
}

/// The update that DescribeUpdate and UpdateClusterVersion answer with.
pub(super) fn update(
    operation: &'static str,
    update: Option<Update>,
) -> Result<UpdateView, EksError> {
    let Some(update) = update else {
        return Err(broken(operation, "it holds no update"));
    };
    Ok(UpdateView {
        id: update
            .id
            .filter(|id| is_update_id(id))
            .ok_or_else(|| broken(operation, "the update has no id, or none that can be one"))?,
        kind: word(
            update
                .r#type
                .ok_or_else(|| broken(operation, "the update has no type"))?
                .as_str(),
        ),
        status: update
            .status
            .map(progress)
            .ok_or_else(|| broken(operation, "the update has no status"))?,
        to_version: update
            .params
            .unwrap_or_default()
            .into_iter()
            .find(|param| param.r#type == Some(UpdateParamType::Version))
            .and_then(|param| param.value)
            .as_deref()
            .map(word),
        created_at: update.created_at.and_then(timestamp),
        errors: update
            .errors
            .unwrap_or_default()
            .into_iter()
            .take(ERRORS)
            .map(error_detail)
            .collect(),
        cancellation: update.cancellation.map(|cancellation| Cancellation {
            status: cancellation
                .status
                .map_or_else(String::new, |status| word(status.as_str())),
            reason: plain(&cancellation.reason.unwrap_or_default(), SENTENCE),
        }),
    })
}

/// The update that was asked about, and no other.
pub(super) fn the_update(
    operation: &'static str,
    answer: Option<Update>,
    id: &str,
) -> Result<UpdateView, EksError> {
    let update = update(operation, answer)?;
    if update.id == id {
        Ok(update)
    } else {
        Err(broken(operation, "it is about another update"))
    }
}

/// An entry of ListInsights. What it lacks counts as not known.
pub(super) fn insight(insight: InsightSummary) -> InsightView {
    let status = insight.insight_status;
    let (status, reason) = status.map_or((None, None), |status| (status.status, status.reason));
    InsightView {
        id: word(&insight.id.unwrap_or_default()),
        name: plain(&insight.name.unwrap_or_default(), SENTENCE),
        status: status.map_or_else(|| "UNKNOWN".to_owned(), |status| word(status.as_str())),
        reason: plain(&reason.unwrap_or_default(), SENTENCE),
    }
}

/// How far a refresh of insights is. Where there was none EKS has nothing to tell.
pub(super) fn refresh(
    status: Option<InsightsRefreshStatus>,
    started_at: Option<DateTime>,
    ended_at: Option<DateTime>,
) -> RefreshView {
    RefreshView {
        status: match status {
            None => RefreshStatus::None,
            Some(InsightsRefreshStatus::InProgress) => RefreshStatus::InProgress,
            Some(InsightsRefreshStatus::Completed) => RefreshStatus::Completed,
            Some(other) => RefreshStatus::Failed(word(other.as_str())),
        },
        started_at: started_at.and_then(timestamp),
        ended_at: ended_at.and_then(timestamp),
    }
}

/// The names of a page of ListNodegroups.
pub(super) fn nodegroup_names(
    operation: &'static str,
    names: Option<Vec<String>>,
) -> Result<Vec<String>, EksError> {
    let names = names.unwrap_or_default();
    if names.iter().all(|name| is_update_id(name)) {
        Ok(names)
    } else {
        Err(broken(
            operation,
            "it lists what cannot be a node group's name",
        ))
    }
}

/// DescribeNodegroup's answer.
pub(super) fn nodegroup(
    operation: &'static str,
    nodegroup: Option<Nodegroup>,
    name: &str,
) -> Result<NodegroupView, EksError> {
    let version = nodegroup
        .ok_or_else(|| broken(operation, "it holds no node group"))?
        .version
        .ok_or_else(|| broken(operation, "the node group has no version"))?;
    Ok(NodegroupView {
        name: name.to_owned(),
        version: word(&version),
    })
}

/// The ids of a page of ListUpdates. One that cannot be an id is no reason to leave it out: half a list would pass for all
/// of it.
pub(super) fn update_ids(
    operation: &'static str,
    ids: Option<Vec<String>>,
) -> Result<Vec<String>, EksError> {
    let ids = ids.unwrap_or_default();
    if ids.iter().all(|id| is_update_id(id)) {
        Ok(ids)
    } else {
        Err(broken(operation, "it lists what cannot be an update's id"))
    }
}

fn progress(status: UpdateStatus) -> Progress {
    match status {
        UpdateStatus::InProgress => Progress::InProgress,
        UpdateStatus::Successful => Progress::Successful,
        UpdateStatus::Failed => Progress::Failed,
        UpdateStatus::Cancelled => Progress::Cancelled,
        other => Progress::Other(word(other.as_str())),
    }
}

fn error_detail(detail: ErrorDetail) -> UpdateError {
    UpdateError {
        code: detail
            .error_code
            .map_or_else(|| "Unknown".to_owned(), |code| word(code.as_str())),
        message: plain(&detail.error_message.unwrap_or_default(), SENTENCE),
        resource_ids: resources(detail.resource_ids),
    }
}

/// A version on offer; `None` where this build cannot read the version.
pub(super) fn offered_version(version: ClusterVersionInformation) -> Option<OfferedVersion> {
    // `status` is the older member: `standard-support` where `versionStatus` says `STANDARD_SUPPORT`.
    let status = match (version.version_status, version.status) {
        (Some(status), _) => word(status.as_str()),
        (None, Some(status)) => word(&status.as_str().to_ascii_uppercase().replace('-', "_")),
        (None, None) => String::new(),
    };
    Some(OfferedVersion {
        version: version.cluster_version?.parse().ok()?,
        status,
        end_of_standard_support: version.end_of_standard_support_date.and_then(timestamp),
        end_of_extended_support: version.end_of_extended_support_date.and_then(timestamp),
    })
}

/// EKS writes seconds with three decimals; the SDK reads them as a float, whose noise is rounded away here. `None` for a
/// time before 1970 or after 9999, which the API server would not take.
fn timestamp(time: DateTime) -> Option<Timestamp> {
    let thousandths = i64::from((time.subsec_nanos() + 500_000) / 1_000_000);
    let milliseconds = time.secs().checked_mul(1000)?.checked_add(thousandths)?;
    Timestamp::from_millisecond(milliseconds)
        .ok()
        .filter(|at| *at >= Timestamp::UNIX_EPOCH)
}
