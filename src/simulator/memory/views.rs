//! The model's answers as the port has them.

use crate::api::HOLD_TAG;
use crate::eks::{
    AddonVersion, AddonView, Cancellation, ClusterView, Deprecation, HealthIssue, Hosting,
    InsightDetail, InsightView, NodegroupView, OfferedVersion, Progress, RefreshStatus,
    RefreshView, UpdateError, UpdateView,
};
use crate::simulator::api::{
    self, AddonInfo, AddonStatus, CancellationStatus, ClusterStatus, ClusterVersionView, Health,
    Readiness, RefreshStatus as Refreshing, SupportStatus, SupportType, UpdateStatus,
    UpdateView as Update,
};

pub(super) fn cluster(cluster: api::ClusterView) -> ClusterView {
    ClusterView {
        arn: cluster.arn,
        created_at: Some(cluster.created_at),
        version: cluster.version.to_string(),
        platform_version: Some(cluster.platform_version),
        status: match cluster.status {
            ClusterStatus::Creating => "CREATING",
            ClusterStatus::Active => "ACTIVE",
            ClusterStatus::Deleting => "DELETING",
            ClusterStatus::Failed => "FAILED",
            ClusterStatus::Updating => "UPDATING",
            ClusterStatus::Pending => "PENDING",
        }
        .to_owned(),
        hosting: Hosting::Cloud,
        is_auto_mode: cluster.auto_mode,
        health: health(cluster.health),
        hold: cluster.tags.get(HOLD_TAG).cloned(),
        support_type: Some(
            match cluster.upgrade_policy {
                SupportType::Standard => "STANDARD",
                SupportType::Extended => "EXTENDED",
            }
            .to_owned(),
        ),
    }
}

pub(super) fn update(update: Update) -> UpdateView {
    let to_version = update
        .params
        .into_iter()
        .find(|param| param.kind == "Version")
        .map(|param| param.value);
    UpdateView {
        id: update.id,
        kind: update.kind,
        status: match update.status {
            UpdateStatus::InProgress => Progress::InProgress,
            UpdateStatus::Successful => Progress::Successful,
            UpdateStatus::Failed => Progress::Failed,
            UpdateStatus::Cancelled => Progress::Cancelled,
            UpdateStatus::Cancelling => Progress::Other("Cancelling".to_owned()),
        },
        to_version,
        created_at: Some(update.created_at),
        errors: update
            .errors
            .into_iter()
            .map(|error| UpdateError {
                code: error.error_code,
                message: error.error_message,
                resource_ids: error.resource_ids,
            })
            .collect(),
        cancellation: update.cancellation.map(|cancellation| Cancellation {
            status: match cancellation.status {
                CancellationStatus::InProgress => "InProgress",
                CancellationStatus::Failed => "Failed",
                CancellationStatus::Successful => "Successful",
            }
            .to_owned(),
            reason: cancellation.reason,
        }),
    }
}

pub(super) fn offered(version: &ClusterVersionView) -> OfferedVersion {
    OfferedVersion {
        version: version.version,
        status: match version.status {
            SupportStatus::StandardSupport => "STANDARD_SUPPORT",
            SupportStatus::ExtendedSupport => "EXTENDED_SUPPORT",
            SupportStatus::Unsupported => "UNSUPPORTED",
        }
        .to_owned(),
        end_of_standard_support: Some(version.end_of_standard_support),
        end_of_extended_support: Some(version.end_of_extended_support),
    }
}

pub(super) fn insight(view: api::InsightView) -> InsightView {
    InsightView {
        id: view.id,
        name: view.name,
        status: match view.insight_status.status {
            Readiness::Passing => "PASSING",
            Readiness::Warning => "WARNING",
            Readiness::Error => "ERROR",
            Readiness::Unknown => "UNKNOWN",
        }
        .to_owned(),
        reason: view.insight_status.reason,
    }
}

pub(super) fn refresh(view: &api::RefreshView) -> RefreshView {
    RefreshView {
        status: match view.status {
            None => RefreshStatus::None,
            Some(Refreshing::InProgress) => RefreshStatus::InProgress,
            Some(Refreshing::Completed) => RefreshStatus::Completed,
            Some(Refreshing::Failed) => RefreshStatus::Failed("FAILED".to_owned()),
        },
        started_at: view.started_at,
        ended_at: view.ended_at,
    }
}

pub(super) fn nodegroup(view: api::NodegroupView) -> NodegroupView {
    NodegroupView {
        name: view.nodegroup_name,
        version: view.version.to_string(),
    }
}

fn health(health: Health) -> Vec<HealthIssue> {
    let issues = health.issues.into_iter();
    issues
        .map(|issue| HealthIssue {
            code: issue.code,
            message: issue.message,
            resource_ids: issue.resource_ids,
        })
        .collect()
}

pub(super) fn detail(view: api::InsightView) -> InsightDetail {
    InsightDetail {
        recommendation: view.recommendation,
        resources: view.resources,
        deprecations: view
            .deprecations
            .into_iter()
            .map(|one| Deprecation {
                usage: one.usage,
                replaced_with: one.replaced_with,
                stop_serving_version: one.stop_serving_version,
                clients: one
                    .client_stats
                    .into_iter()
                    .map(|client| client.user_agent)
                    .collect(),
            })
            .collect(),
    }
}

pub(super) fn addon(view: api::AddonView) -> AddonView {
    AddonView {
        name: view.addon_name,
        version: view.addon_version,
        status: match view.status {
            AddonStatus::Creating => "CREATING",
            AddonStatus::Active => "ACTIVE",
            AddonStatus::CreateFailed => "CREATE_FAILED",
            AddonStatus::Updating => "UPDATING",
            AddonStatus::Deleting => "DELETING",
            AddonStatus::DeleteFailed => "DELETE_FAILED",
            AddonStatus::Degraded => "DEGRADED",
            AddonStatus::UpdateFailed => "UPDATE_FAILED",
        }
        .to_owned(),
        issues: health(view.health),
    }
}

/// Those of an add-on that was asked for by one Kubernetes version, which is all that its compatibilities are about.
pub(super) fn addon_versions(info: AddonInfo) -> impl Iterator<Item = AddonVersion> {
    info.addon_versions.into_iter().map(|one| AddonVersion {
        version: one.addon_version,
        is_default: one.compatibilities.iter().any(|fit| fit.default_version),
    })
}
