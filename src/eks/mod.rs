//! The port to EKS: the few reads and the two mutations the operator needs, in its own words.
//!
//! [`aws`] is the real face; it alone imports the SDK.

pub mod aws;
mod error;
mod fence;
mod partition;

use std::future::Future;

use jiff::Timestamp;

pub use error::{EksError, ErrorKind};
pub use fence::{Fence, TooLate};
pub use partition::partition;

use crate::api::{Minor, RollbackTimeout};
use crate::text::is_plain_word;

/// Which cluster a call is about and as whom it is made.
///
/// Every call is made with the operator's own identity, or with the role assumed from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The AWS account the cluster is expected in, twelve digits.
    pub account_id: String,
    /// The AWS region, such as `eu-central-1`.
    pub region: String,
    /// The cluster's name in EKS.
    pub name: String,
    /// The role to assume, by ARN.
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy may ask for.
    pub external_id: Option<String>,
}

/// What DescribeCluster says of a cluster, as far as deciding needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// The ARN, which names partition, region and account.
    pub arn: String,
    /// When this very cluster was created; a cluster recreated under the same name has another.
    pub created_at: Option<Timestamp>,
    /// The control plane's version in EKS's own words.
    pub version: String,
    /// EKS's platform version, such as `eks.12`.
    pub platform_version: Option<String>,
    /// `ACTIVE`, `UPDATING`, ... as EKS wrote it; the enum is open.
    pub status: String,
    /// Where the control plane runs.
    pub hosting: Hosting,
    /// Whether EKS manages the nodes (Auto Mode): then a rollback takes them back first, while the cluster stays ACTIVE.
    pub is_auto_mode: bool,
    /// The upgrade policy's support type, `STANDARD` or `EXTENDED`, as EKS wrote it.
    pub support_type: Option<String>,
    /// What EKS finds wrong with it: `health.issues`.
    pub health: Vec<HealthIssue>,
    /// The value of the tag [`crate::api::HOLD_TAG`], where the cluster has one.
    pub hold: Option<String>,
}

/// What EKS finds wrong with a cluster or an add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthIssue {
    /// EKS's code, such as `IamRoleNotFound`; the enum is open.
    pub code: String,
    /// EKS's words.
    pub message: String,
    /// The AWS resources it is about.
    pub resource_ids: Vec<String>,
}

/// Where a cluster's control plane runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosting {
    /// In AWS, upgraded with UpdateClusterVersion.
    Cloud,
    /// A cluster registered through the EKS connector: somebody else runs its control plane.
    Connected,
    /// A local cluster on AWS Outposts, whose version EKS does not update in place.
    Outpost,
}

/// What DescribeUpdate says of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateView {
    /// EKS's id, a UUID; [`is_update_id`] holds.
    pub id: String,
    /// `VersionUpdate`, `VersionRollback`, `VpcConfigUpdate`, ... as EKS wrote it; the enum is open.
    pub kind: String,
    /// How far it is.
    pub status: Progress,
    /// The version it leads to: the param `Version`; only on version updates.
    pub to_version: Option<String>,
    /// When EKS accepted it.
    pub created_at: Option<Timestamp>,
    /// Why it failed.
    pub errors: Vec<UpdateError>,
    /// How its cancellation goes, where there is one.
    pub cancellation: Option<Cancellation>,
}

/// How a cancellation goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// `InProgress`, `Failed` or `Successful`, as EKS wrote it; the enum is open.
    pub status: String,
    /// EKS's words.
    pub reason: String,
}

/// An update's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// `InProgress`.
    InProgress,
    /// `Successful`.
    Successful,
    /// `Failed`.
    Failed,
    /// `Cancelled`.
    Cancelled,
    /// A status this build does not know (the guide mentions `Cancelling`, the enum does not). Counts as running.
    Other(String),
}

/// Whether EKS can have given an update this id, which is put into paths, messages and status. EKS gives UUIDs; anything
/// that is as harmless will do.
#[must_use]
pub fn is_update_id(id: &str) -> bool {
    is_plain_word(id, 128)
        && id.bytes().any(|b| b.is_ascii_alphanumeric())
        && !id.contains(['/', '\\', '?', '#', '%'])
}

/// One entry of an update's `errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateError {
    /// EKS's error code, such as `IpNotAvailable`; the enum is open.
    pub code: String,
    /// EKS's words.
    pub message: String,
    /// The AWS resources it is about, such as subnet ids.
    pub resource_ids: Vec<String>,
}

/// A version on offer, from DescribeClusterVersions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedVersion {
    /// The minor.
    pub version: Minor,
    /// `STANDARD_SUPPORT`, `EXTENDED_SUPPORT` or `UNSUPPORTED`, as EKS wrote it.
    pub status: String,
    /// When standard support ends.
    pub end_of_standard_support: Option<Timestamp>,
    /// When extended support ends.
    pub end_of_extended_support: Option<Timestamp>,
}

/// One UpdateClusterVersion call, word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRequest {
    /// The version asked for.
    pub version: Minor,
    /// The idempotency token; the same for every repetition of one intent.
    pub client_request_token: String,
    /// Whether to override readiness insights.
    pub force: bool,
    /// With a rollback: how long EKS lets nodes go back.
    pub rollback_timeout: Option<RollbackTimeout>,
}

/// One CancelUpdate call, word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelRequest {
    /// The update to cancel; [`is_update_id`] holds.
    pub update_id: String,
    /// The idempotency token; the same for every repetition.
    pub client_request_token: String,
}

/// What an insight is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InsightCategory {
    /// `UPGRADE_READINESS`, of the insights about the upgrade to this version: whether it can be done.
    UpgradeReadiness(Minor),
    /// `ROLLBACK_READINESS`: whether the last upgrade can be undone. EKS has them for seven days after it.
    RollbackReadiness,
}

/// One of EKS's insights, from ListInsights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsightView {
    /// EKS's id.
    pub id: String,
    /// What was looked at, in EKS's words.
    pub name: String,
    /// `PASSING`, `WARNING`, `ERROR` or `UNKNOWN`, as EKS wrote it.
    pub status: String,
    /// Why, in EKS's words.
    pub reason: String,
}

/// What DescribeInsight says beyond [`InsightView`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InsightDetail {
    /// What to do, in EKS's words.
    pub recommendation: String,
    /// The Kubernetes or AWS resources it is about.
    pub resources: Vec<String>,
    /// The APIs in use that a version no longer serves.
    pub deprecations: Vec<Deprecation>,
}

/// An API in use that a version no longer serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deprecation {
    /// The API, such as `/apis/policy/v1beta1/podsecuritypolicies`.
    pub usage: String,
    /// What replaces it.
    pub replaced_with: Option<String>,
    /// The version that no longer serves it.
    pub stop_serving_version: Option<String>,
    /// The user agents of the clients that used it within the last 30 days.
    pub clients: Vec<String>,
}

/// A refresh of a cluster's insights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshView {
    /// How far it is.
    pub status: RefreshStatus,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// How far a refresh of insights is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshStatus {
    /// There was none yet, as far as EKS tells.
    None,
    /// `IN_PROGRESS`.
    InProgress,
    /// `COMPLETED`.
    Completed,
    /// `FAILED`, or a status this build does not know.
    Failed(String),
}

/// A managed node group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodegroupView {
    /// Its name.
    pub name: String,
    /// The Kubernetes version of its nodes, in EKS's words.
    pub version: String,
}

/// An installed EKS add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddonView {
    /// Its name, such as `coredns`.
    pub name: String,
    /// The version that is installed, such as `v1.11.4-eksbuild.2`.
    pub version: String,
    /// `ACTIVE`, `DEGRADED`, ... as EKS wrote it; the enum is open.
    pub status: String,
    /// What EKS finds wrong with it.
    pub issues: Vec<HealthIssue>,
}

/// A version of an add-on that fits a Kubernetes version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddonVersion {
    /// The add-on's version.
    pub version: String,
    /// Whether EKS installs it by default with that Kubernetes version.
    pub is_default: bool,
}

/// The port to EKS. Every call has a timeout of its own and is sent at most once: repeating is the caller's business,
/// since a repeated mutation needs a guarded write of its own.
pub trait Eks: Send + Sync + 'static {
    /// DescribeCluster.
    fn describe_cluster(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<ClusterView, EksError>> + Send;

    /// ListUpdates of the cluster itself (not of its node groups or add-ons), all pages; in no promised order. Of each,
    /// [`is_update_id`] holds.
    fn list_updates(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Vec<String>, EksError>> + Send;

    /// DescribeUpdate.
    fn describe_update(
        &self,
        target: &Target,
        id: &str,
    ) -> impl Future<Output = Result<UpdateView, EksError>> + Send;

    /// DescribeClusterVersions, all pages: what is on offer in the target's region. A version this build cannot read is left out.
    fn describe_cluster_versions(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Vec<OfferedVersion>, EksError>> + Send;

    /// UpdateClusterVersion. Nothing is sent where `fence` is closed once the request is signed: the answer is an error of
    /// the kind [`ErrorKind::Unavailable`] then, as to any other send of which nothing is known.
    fn update_cluster_version(
        &self,
        target: &Target,
        request: &VersionRequest,
        fence: &Fence,
    ) -> impl Future<Output = Result<UpdateView, EksError>> + Send;

    /// CancelUpdate, under a fence as above. EKS takes it while the nodes of an Auto Mode cluster go back, and then only.
    fn cancel_update(
        &self,
        target: &Target,
        request: &CancelRequest,
        fence: &Fence,
    ) -> impl Future<Output = Result<UpdateView, EksError>> + Send;

    /// ListInsights of a category, all pages.
    fn list_insights(
        &self,
        target: &Target,
        category: InsightCategory,
    ) -> impl Future<Output = Result<Vec<InsightView>, EksError>> + Send;

    /// DescribeInsightsRefresh. Where EKS knows of no refresh, its status is [`RefreshStatus::None`].
    fn describe_insights_refresh(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<RefreshView, EksError>> + Send;

    /// StartInsightsRefresh. It changes nothing but how fresh EKS's findings are.
    fn start_insights_refresh(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<RefreshView, EksError>> + Send;

    /// ListNodegroups, all pages: the names of the managed node groups.
    fn list_nodegroups(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Vec<String>, EksError>> + Send;

    /// DescribeNodegroup.
    fn describe_nodegroup(
        &self,
        target: &Target,
        name: &str,
    ) -> impl Future<Output = Result<NodegroupView, EksError>> + Send;

    /// DescribeInsight, of an insight that [`Eks::list_insights`] has named.
    fn describe_insight(
        &self,
        target: &Target,
        id: &str,
    ) -> impl Future<Output = Result<InsightDetail, EksError>> + Send;

    /// ListAddons, all pages: the names of the EKS add-ons that are installed. Of each, [`is_update_id`] holds.
    fn list_addons(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Vec<String>, EksError>> + Send;

    /// DescribeAddon.
    fn describe_addon(
        &self,
        target: &Target,
        name: &str,
    ) -> impl Future<Output = Result<AddonView, EksError>> + Send;

    /// DescribeAddonVersions, all pages: the versions of an add-on that fit a Kubernetes version, in EKS's order. None where EKS
    /// knows no such add-on for that version, of whatever name.
    fn describe_addon_versions(
        &self,
        target: &Target,
        addon: &str,
        version: Minor,
    ) -> impl Future<Output = Result<Vec<AddonVersion>, EksError>> + Send;
}
