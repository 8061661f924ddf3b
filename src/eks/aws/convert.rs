//! From the SDK's types to the port's views. The SDK leaves every member optional; what deciding cannot do without is
//! demanded here.

use aws_sdk_eks::primitives::DateTime;
use aws_sdk_eks::types::{
    Cluster, ClusterVersionInformation, ErrorDetail, Update, UpdateParamType, UpdateStatus,
};
use jiff::Timestamp;

use crate::eks::{
    ClusterView, EksError, ErrorKind, Hosting, OfferedVersion, Progress, UpdateError, UpdateView,
};

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
        (Some(version), _) => version,
        // EKS does not run a connected cluster's control plane and may not know its version.
        (None, Hosting::Connected) => String::new(),
        (None, Hosting::Cloud | Hosting::Outpost) => {
            return Err(broken(operation, "the cluster has no version"));
        }
    };
    Ok(ClusterView {
        arn: cluster
            .arn
            .ok_or_else(|| broken(operation, "the cluster has no ARN"))?,
        created_at: cluster.created_at.and_then(timestamp),
        version,
        platform_version: cluster.platform_version,
        status: cluster
            .status
            .ok_or_else(|| broken(operation, "the cluster has no status"))?
            .as_str()
            .to_owned(),
        hosting,
    })
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
            .filter(|id| !id.is_empty())
            .ok_or_else(|| broken(operation, "the update has no id"))?,
        kind: update
            .r#type
            .ok_or_else(|| broken(operation, "the update has no type"))?
            .as_str()
            .to_owned(),
        status: update
            .status
            .map(progress)
            .ok_or_else(|| broken(operation, "the update has no status"))?,
        to_version: update
            .params
            .unwrap_or_default()
            .into_iter()
            .find(|param| param.r#type == Some(UpdateParamType::Version))
            .and_then(|param| param.value),
        created_at: update.created_at.and_then(timestamp),
        errors: update
            .errors
            .unwrap_or_default()
            .into_iter()
            .map(error_detail)
            .collect(),
    })
}

fn progress(status: UpdateStatus) -> Progress {
    match status {
        UpdateStatus::InProgress => Progress::InProgress,
        UpdateStatus::Successful => Progress::Successful,
        UpdateStatus::Failed => Progress::Failed,
        UpdateStatus::Cancelled => Progress::Cancelled,
        other => Progress::Other(other.as_str().to_owned()),
    }
}

fn error_detail(detail: ErrorDetail) -> UpdateError {
    UpdateError {
        code: detail
            .error_code
            .map_or_else(|| "Unknown".to_owned(), |code| code.as_str().to_owned()),
        message: detail.error_message.unwrap_or_default(),
        resource_ids: detail.resource_ids.unwrap_or_default(),
    }
}

/// A version on offer; `None` where this build cannot read the version.
pub(super) fn offered_version(version: ClusterVersionInformation) -> Option<OfferedVersion> {
    // `status` is the older member: `standard-support` where `versionStatus` says `STANDARD_SUPPORT`.
    let status = match (version.version_status, version.status) {
        (Some(status), _) => status.as_str().to_owned(),
        (None, Some(status)) => status.as_str().to_ascii_uppercase().replace('-', "_"),
        (None, None) => String::new(),
    };
    Some(OfferedVersion {
        version: version.cluster_version?.parse().ok()?,
        status,
        end_of_standard_support: version.end_of_standard_support_date.and_then(timestamp),
        end_of_extended_support: version.end_of_extended_support_date.and_then(timestamp),
    })
}

/// EKS writes seconds with three decimals; the SDK reads them as a float, whose noise is rounded away here. `None` outside
/// the years that can be written.
fn timestamp(time: DateTime) -> Option<Timestamp> {
    let thousandths = i64::from((time.subsec_nanos() + 500_000) / 1_000_000);
    let milliseconds = time.secs().checked_mul(1000)?.checked_add(thousandths)?;
    Timestamp::from_millisecond(milliseconds).ok()
}
