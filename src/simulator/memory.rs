//! The face of the model for the `Eks` port in the same process: no bytes, no sockets, time as an argument.
//!
//! The simulation tests answer the port's calls with it. How an answer gets lost is the model's business, as it is
//! behind the HTTP face.

#[cfg(test)]
mod tests;
mod views;

use jiff::Timestamp;

use super::Model;
use super::api::{
    Caller, Category, DescribeAddonVersions, DescribeClusterVersions, InsightsFilter, ListInsights,
    Page, Reply, Request, Response, RollbackConfig, Scope, UpdateClusterVersion,
};
use super::error::ApiError;
use super::period::Period;
use crate::api::Minor;
use crate::eks::{
    AddonVersion, AddonView, CancelRequest, ClusterView, EksError, ErrorKind, InsightCategory,
    InsightDetail, InsightView, NodegroupView, OfferedVersion, RefreshView, Target, UpdateView,
    VersionRequest,
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
    /// DescribeInsight.
    Insight(String),
    /// ListAddons.
    Addons,
    /// DescribeAddon.
    Addon(String),
    /// DescribeAddonVersions of this add-on, for this Kubernetes version.
    AddonVersions(String, Minor),
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
    /// More about an insight.
    Insight(InsightDetail),
    /// The names of add-ons.
    Addons(Vec<String>),
    /// An add-on.
    Addon(AddonView),
    /// The versions of an add-on that fit.
    AddonVersions(Vec<AddonVersion>),
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
            Self::Insight(_) => "eks:DescribeInsight",
            Self::Addons => "eks:ListAddons",
            Self::Addon(_) => "eks:DescribeAddon",
            Self::AddonVersions(..) => "eks:DescribeAddonVersions",
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
            Self::Insight(id) => Request::DescribeInsight {
                name,
                id: id.clone(),
            },
            Self::Addons => Request::ListAddons { name, page },
            Self::Addon(addon) => Request::DescribeAddon {
                name,
                addon_name: addon.clone(),
            },
            Self::AddonVersions(addon, version) => {
                Request::DescribeAddonVersions(DescribeAddonVersions {
                    addon_name: Some(addon.clone()),
                    kubernetes_version: Some(version.to_string()),
                    page,
                    ..DescribeAddonVersions::default()
                })
            }
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
    let mut fitting = Vec::new();
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
            Response::Cluster(cluster) => return Ok(Answer::Cluster(views::cluster(*cluster))),
            Response::Update(view) => return Ok(Answer::Update(views::update(view))),
            Response::RefreshStarted(view) | Response::Refresh(view) => {
                return Ok(Answer::Refresh(views::refresh(&view)));
            }
            Response::Nodegroup(view) => return Ok(Answer::Nodegroup(views::nodegroup(*view))),
            Response::Insight(view) => return Ok(Answer::Insight(views::detail(*view))),
            Response::Addon(view) => return Ok(Answer::Addon(views::addon(*view))),
            Response::AddonVersions { addons, next_token } => {
                fitting.extend(addons.into_iter().flat_map(views::addon_versions));
                next_token
            }
            Response::Insights {
                insights: some,
                next_token,
            } => {
                insights.extend(some.into_iter().map(views::insight));
                next_token
            }
            Response::Updates {
                ids: some,
                next_token,
            }
            | Response::Nodegroups {
                names: some,
                next_token,
            }
            | Response::Addons {
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
                versions.extend(some.iter().map(views::offered));
                next_token
            }
            Response::Clusters { .. }
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
                Question::Addons => Answer::Addons(ids),
                Question::AddonVersions(..) => Answer::AddonVersions(fitting),
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
