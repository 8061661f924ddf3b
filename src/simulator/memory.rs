//! The face of the model for the `Eks` port in the same process: no bytes, no sockets, time as an argument.
//!
//! The simulation tests answer the port's calls with it. How an answer gets lost is the model's business, as it is
//! behind the HTTP face.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::Model;
use super::api::{
    Caller, CancellationStatus, Category, ClusterStatus, ClusterVersionView,
    DescribeClusterVersions, InsightsFilter, ListInsights, Page, Readiness,
    RefreshStatus as Refreshing, Reply, Request, Response, RollbackConfig, Scope, SupportStatus,
    SupportType, UpdateClusterVersion, UpdateStatus, UpdateView as Update,
};
use super::error::ApiError;
use super::period::Period;
use crate::api::HOLD_TAG;
use crate::eks::{
    CancelRequest, Cancellation, ClusterView, EksError, ErrorKind, Hosting, InsightCategory,
    InsightView, NodegroupView, OfferedVersion, Progress, RefreshStatus, RefreshView, Target,
    UpdateError, UpdateView, VersionRequest,
};

/// A call of the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// DescribeCluster.
    Cluster,
    /// ListUpdates.
    Updates,
    /// DescribeUpdate.
    Update(String),
    /// DescribeClusterVersions.
    Versions,
    /// UpdateClusterVersion.
    Start(VersionRequest),
    /// CancelUpdate.
    Cancel(CancelRequest),
    /// ListInsights of this category.
    Insights(InsightCategory),
    /// StartInsightsRefresh.
    StartRefresh,
    /// DescribeInsightsRefresh.
    Refresh,
    /// ListNodegroups.
    Nodegroups,
    /// DescribeNodegroup.
    Nodegroup(String),
}

/// What it is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A cluster.
    Cluster(ClusterView),
    /// The ids of updates.
    Updates(Vec<String>),
    /// An update.
    Update(UpdateView),
    /// The versions on offer.
    Versions(Vec<OfferedVersion>),
    /// Insights.
    Insights(Vec<InsightView>),
    /// A refresh of the insights.
    Refresh(RefreshView),
    /// The names of managed node groups.
    Nodegroups(Vec<String>),
    /// A managed node group.
    Nodegroup(NodegroupView),
}

impl Question {
    /// The IAM action.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Cluster => "eks:DescribeCluster",
            Self::Updates => "eks:ListUpdates",
            Self::Update(_) => "eks:DescribeUpdate",
            Self::Versions => "eks:DescribeClusterVersions",
            Self::Start(_) => "eks:UpdateClusterVersion",
            Self::Cancel(_) => "eks:CancelUpdate",
            Self::Insights(_) => "eks:ListInsights",
            Self::StartRefresh => "eks:StartInsightsRefresh",
            Self::Refresh => "eks:DescribeInsightsRefresh",
            Self::Nodegroups => "eks:ListNodegroups",
            Self::Nodegroup(_) => "eks:DescribeNodegroup",
        }
    }

    fn request(&self, target: &Target, page: Page) -> Request {
        let name = target.name.clone();
        match self {
            Self::Cluster => Request::DescribeCluster { name },
            Self::Updates => Request::ListUpdates {
                name,
                scope: Scope::default(),
                page,
            },
            Self::Update(id) => Request::DescribeUpdate {
                name,
                update_id: id.clone(),
                scope: Scope::default(),
            },
            Self::Versions => Request::DescribeClusterVersions(DescribeClusterVersions {
                page,
                ..DescribeClusterVersions::default()
            }),
            Self::Start(request) => start(name, request),
            Self::Cancel(CancelRequest {
                update_id,
                client_request_token,
            }) => Request::CancelUpdate {
                name,
                update_id: update_id.clone(),
                client_request_token: Some(client_request_token.clone()),
            },
            Self::Insights(category) => Request::ListInsights(ListInsights {
                cluster_name: name,
                filter: InsightsFilter {
                    categories: vec![match category {
                        InsightCategory::UpgradeReadiness(_) => Category::UpgradeReadiness,
                        InsightCategory::RollbackReadiness => Category::RollbackReadiness,
                    }],
                    kubernetes_versions: match category {
                        InsightCategory::UpgradeReadiness(version) => vec![version.to_string()],
                        InsightCategory::RollbackReadiness => Vec::new(),
                    },
                    ..InsightsFilter::default()
                },
                page,
            }),
            Self::StartRefresh => Request::StartInsightsRefresh { name },
            Self::Refresh => Request::DescribeInsightsRefresh { name },
            Self::Nodegroups => Request::ListNodegroups { name, page },
            Self::Nodegroup(nodegroup) => Request::DescribeNodegroup {
                name,
                nodegroup_name: nodegroup.clone(),
            },
        }
    }
}

fn start(name: String, request: &VersionRequest) -> Request {
    let VersionRequest {
        version,
        client_request_token,
        force,
        rollback_timeout,
    } = request;
    Request::UpdateClusterVersion(UpdateClusterVersion {
        name,
        version: version.to_string(),
        client_request_token: Some(client_request_token.clone()),
        force: *force,
        rollback_config: rollback_timeout.map(|timeout| RollbackConfig {
            timeout_minutes: Some(timeout.minutes().into()),
        }),
    })
}

/// Asks, as somebody who may ask about the target's account. All pages of a list are read.
///
/// # Errors
/// As the port has them.
pub fn ask(
    model: &mut Model,
    target: &Target,
    question: &Question,
    now: Timestamp,
) -> Result<Answer, EksError> {
    let operation = question.operation();
    let caller = Caller {
        account: target.account_id.clone(),
        region: target.region.clone(),
        arn: format!("arn:aws:iam::{}:role/operator", target.account_id),
    };
    let mut page = Page::default();
    let (mut ids, mut versions, mut insights) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let reply = model.call(&caller, &question.request(target, page), now);
        let response = match reply {
            Reply::Answer {
                after: Period::ZERO,
                result,
            } => result.map_err(|error| refused(operation, error))?,
            // The port's timeout is shorter than any delay that a scenario is told for.
            Reply::Answer { .. } | Reply::Nothing { .. } => {
                return Err(nothing(operation, "Timeout", "AWS did not answer"));
            }
            Reply::Garbled => {
                return Err(nothing(
                    operation,
                    "BrokenAnswer",
                    "AWS's answer cannot be used",
                ));
            }
        };
        let next_token = match response {
            Response::Cluster(cluster) => return Ok(Answer::Cluster(view(*cluster))),
            Response::Update(view) => return Ok(Answer::Update(update(view))),
            Response::RefreshStarted(view) | Response::Refresh(view) => {
                return Ok(Answer::Refresh(refresh(&view)));
            }
            Response::Nodegroup(view) => return Ok(Answer::Nodegroup(nodegroup(*view))),
            Response::Insights {
                insights: some,
                next_token,
            } => {
                insights.extend(some.into_iter().map(insight));
                next_token
            }
            Response::Updates {
                ids: some,
                next_token,
            }
            | Response::Nodegroups {
                names: some,
                next_token,
            } => {
                ids.extend(some);
                next_token
            }
            Response::ClusterVersions {
                versions: some,
                next_token,
            } => {
                versions.extend(some.iter().map(offered));
                next_token
            }
            Response::Clusters { .. }
            | Response::Insight(_)
            | Response::AssumedRole(_)
            | Response::CallerIdentity { .. } => {
                return Err(nothing(
                    operation,
                    "BrokenAnswer",
                    "this answers something else",
                ));
            }
        };
        if next_token.is_none() {
            return Ok(match question {
                Question::Updates => Answer::Updates(ids),
                Question::Nodegroups => Answer::Nodegroups(ids),
                Question::Insights(_) => Answer::Insights(insights),
                _ => Answer::Versions(versions),
            });
        }
        page = Page {
            next_token,
            ..Page::default()
        };
    }
}

/// An error of the model in the port's words. By the code alone: the model knows no code that its status has to explain.
fn refused(operation: &'static str, error: ApiError) -> EksError {
    let ApiError {
        status: _,
        code,
        message,
        cluster_name: _,
    } = error;
    EksError {
        kind: ErrorKind::of_code(&code).unwrap_or(ErrorKind::Rejected),
        operation,
        code,
        message,
        request_id: None,
        clock_behind: None,
    }
}

fn nothing(operation: &'static str, code: &str, message: &str) -> EksError {
    EksError {
        kind: ErrorKind::Unavailable,
        operation,
        code: code.to_owned(),
        message: message.to_owned(),
        request_id: None,
        clock_behind: None,
    }
}

fn view(cluster: super::api::ClusterView) -> ClusterView {
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
        health: Vec::new(),
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

fn update(update: Update) -> UpdateView {
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

fn offered(version: &ClusterVersionView) -> OfferedVersion {
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

fn insight(view: super::api::InsightView) -> InsightView {
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

fn refresh(view: &super::api::RefreshView) -> RefreshView {
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

fn nodegroup(view: super::api::NodegroupView) -> NodegroupView {
    NodegroupView {
        name: view.nodegroup_name,
        version: view.version.to_string(),
    }
}
