//! What the operator remembers and says of a [`super::ClusterUpgrade`].
//!
//! This is memory of what was asked of EKS, never the truth about the cluster: EKS is read before anything is decided.

use std::convert::Infallible;
use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::preflight::PreflightStatus;
use super::schedule::{PlanStatus, ScheduleStatus, SupportStatus};
use super::timeout::RollbackTimeout;
use super::version::Minor;
use crate::text::plain;

/// How many finished updates [`ClusterUpgradeStatus::history`] keeps.
pub const HISTORY_LIMIT: usize = 10;

/// How many versions [`ClusterUpgradeStatus::path`] names. EKS offers about a dozen at a time.
pub const PATH_LIMIT: usize = 32;

/// As much of EKS's words about one update as is kept: an object has to fit into etcd, with a history of ten.
const ERRORS_KEPT: usize = 8;
const RESOURCES_KEPT: usize = 16;
/// In bytes: of a code or a resource's id, and of a message.
const WORD_KEPT: usize = 128;
const MESSAGE_KEPT: usize = 1024;

/// The observed state of a `ClusterUpgrade`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterUpgradeStatus {
    /// The generation of the spec this status was decided on; -1 on an object nobody has looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The cluster as EKS described it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ObservedCluster>,

    /// The versions still to come, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub path: Vec<Minor>,

    /// The running or the last update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Update>,

    /// The highest attempt number ever used by this object. It only rises, and no attempt is used twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0, max = 4_294_967_295_i64))]
    pub attempts: Option<u32>,

    /// The last ten finished updates, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Update>,

    /// Whether the last upgrade can be rolled back, while it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackReadiness>,

    /// The checks before the next hop, while one is to come.
    #[serde(
        default,
        deserialize_with = "or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub preflight: Option<PreflightStatus>,

    /// When the next hop starts, while it waits for a time.
    #[serde(
        default,
        deserialize_with = "or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub schedule: Option<ScheduleStatus>,

    /// What will be done, while a hop is to come.
    #[serde(
        default,
        deserialize_with = "or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub plan: Option<PlanStatus>,

    /// Until when the present and the wanted version are supported.
    #[serde(
        default,
        deserialize_with = "or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub support: Option<SupportStatus>,

    /// Ready always; Reconciling and Stalled only while true, and never both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// What is only said, and made anew with each look: one that cannot be read, as of another build, is none.
fn or_none<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: serde::de::DeserializeOwned,
    D: Deserializer<'de>,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// The cluster as DescribeCluster showed it last. `arn` and `createdAt` are pinned at first sight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedCluster {
    /// The cluster's ARN.
    pub arn: String,
    /// When the cluster was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub created_at: Option<Timestamp>,
    /// The control plane's Kubernetes version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// EKS's platform version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// `ACTIVE`, `UPDATING`, ...
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
}

/// An update of the control plane's version, from intent to end.
///
/// Without `id` and `status` it is an open intent: it may or may not have reached EKS, and is looked for before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Update {
    /// EKS's id, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `VersionUpdate` or `VersionRollback`.
    #[serde(rename = "type")]
    #[schemars(rename = "type")]
    pub kind: String,
    /// EKS's status, or `Refused`, `NotSent` or `Lost` where EKS runs no such update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub status: Option<UpdateStatus>,
    /// The version it starts from.
    #[schemars(with = "String")]
    pub from_version: Minor,
    /// The version it leads to.
    #[schemars(with = "String")]
    pub to_version: Minor,
    /// `spec.version` when it was asked for or first seen; a later `spec.version` that differs permits another try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub for_version: Option<Minor>,
    /// The idempotency token; absent on updates this object did not ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_token: Option<String>,
    /// Which attempt of this object it is; absent on updates this object did not ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0, max = 4_294_967_295_i64))]
    pub attempt: Option<u32>,
    /// How often it may have been sent: counted before each send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0, max = 4_294_967_295_i64))]
    pub sends: Option<u32>,
    /// Whether EKS's readiness insights are overridden.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// How long EKS may take over a rollback; absent on upgrades and on updates this object did not ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<RollbackTimeout>,
    /// When the intent was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub requested_at: Option<Timestamp>,
    /// When the last send was announced; a send starts within ten seconds of it or is dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub last_send_at: Option<Timestamp>,
    /// When EKS accepted it, by EKS's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub created_at: Option<Timestamp>,
    /// When the operator first saw it finished; EKS does not say when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub finished_at: Option<Timestamp>,
    /// What EKS said went wrong, or its last answer to a send that it did not accept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorDetail>,
    /// That this rollback is to be cancelled, since the manifest no longer asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancel>,
}

/// A cancellation of a rollback, from intent to EKS's answer. There is one for a rollback at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cancel {
    /// The idempotency token; the same for every send.
    pub client_request_token: String,
    /// What EKS answered; absent while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<CancelStatus>,
    /// How often it may have been sent: counted before each send.
    #[schemars(with = "i64", range(min = 0, max = 4_294_967_295_i64))]
    pub sends: u32,
    /// When the intent was written.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime")]
    pub requested_at: Timestamp,
    /// When the last send was announced; a send starts within ten seconds of it or is dropped.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime")]
    pub last_send_at: Timestamp,
    /// What EKS said against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorDetail>,
}

/// What EKS made of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CancelStatus {
    /// EKS cancels, or has cancelled.
    Accepted,
    /// It was too late: the update goes on.
    Refused,
}

/// Whether the update that brought the cluster to its version can be undone. EKS decides when it is asked; this is what is known
/// before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackReadiness {
    /// Whether nothing is known that EKS would refuse it for.
    pub eligible: bool,
    /// The version it leads back to.
    #[schemars(with = "String")]
    pub to_version: Minor,
    /// The update that it would undo: what `spec.rollback.updateId` has to name.
    pub update_id: String,
    /// Until when it is surely possible: seven days after EKS accepted the update. EKS counts from its end, minutes later.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime")]
    pub expires_at: Timestamp,
    /// What stands in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<Blocker>,
    /// When EKS's readiness insights were read.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime")]
    pub checked_at: Timestamp,
}

/// One thing that stands in the way of a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// `ReadinessInsight`, `ReadinessUnknown` or `UpgradePolicy`.
    pub code: String,
    /// What it is, and what to do.
    pub message: String,
}

impl Blocker {
    /// How many are kept.
    pub const KEPT: usize = 8;

    /// A blocker, as much of its words as is kept.
    pub fn new(code: &str, message: &str) -> Self {
        Self {
            code: plain(code, WORD_KEPT),
            message: plain(message, MESSAGE_KEPT),
        }
    }
}

impl Update {
    /// Asked for, but whether EKS accepted it is not known.
    pub fn is_open_intent(&self) -> bool {
        self.id.is_none() && self.status.is_none()
    }

    /// Asked for by this object.
    pub fn is_ours(&self) -> bool {
        self.attempt.is_some() && self.client_request_token.is_some()
    }

    /// Accepted by EKS and not seen finished.
    pub fn is_running(&self) -> bool {
        self.id.is_some() && self.status.as_ref().is_none_or(UpdateStatus::is_running)
    }
}

/// Why an update failed, in EKS's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// EKS's error code.
    pub error_code: String,
    /// EKS's message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error_message: String,
    /// The AWS resources it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_ids: Vec<String>,
}

impl ErrorDetail {
    /// An error in EKS's words, as much of them as is kept.
    pub fn new(code: &str, message: &str, resource_ids: &[String]) -> Self {
        Self {
            error_code: plain(code, WORD_KEPT),
            error_message: plain(message, MESSAGE_KEPT),
            resource_ids: resource_ids
                .iter()
                .take(RESOURCES_KEPT)
                .map(|id| plain(id, WORD_KEPT))
                .collect(),
        }
    }

    /// Of several errors, as many as are kept, each as [`Self::new`] makes it.
    pub fn kept(errors: &[Self]) -> Vec<Self> {
        errors
            .iter()
            .take(ERRORS_KEPT)
            .map(|error| {
                let Self {
                    error_code,
                    error_message,
                    resource_ids,
                } = error;
                Self::new(error_code, error_message, resource_ids)
            })
            .collect()
    }
}

/// The status of an [`Update`]: EKS's, or ours where EKS runs none. A status this build does not know counts as running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum UpdateStatus {
    /// EKS works on it.
    InProgress,
    /// EKS finished it.
    Successful,
    /// EKS gave up and put the old version back.
    Failed,
    /// Cancelled.
    Cancelled,
    /// EKS refused the request: nothing was started.
    Refused,
    /// It never reached EKS, and is no longer wanted.
    NotSent,
    /// EKS no longer knows an update that it had accepted.
    Lost,
    /// A status this build does not know, such as `Cancelling`.
    Other(String),
}

impl UpdateStatus {
    /// Whether EKS may still work on it.
    pub const fn is_running(&self) -> bool {
        matches!(self, Self::InProgress | Self::Other(_))
    }

    /// EKS's or our word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Refused => "Refused",
            Self::NotSent => "NotSent",
            Self::Lost => "Lost",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for UpdateStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<String> for UpdateStatus {
    fn from(word: String) -> Self {
        match word.as_str() {
            "InProgress" => Self::InProgress,
            "Successful" => Self::Successful,
            "Failed" => Self::Failed,
            "Cancelled" => Self::Cancelled,
            "Refused" => Self::Refused,
            "NotSent" => Self::NotSent,
            "Lost" => Self::Lost,
            _ => Self::Other(word),
        }
    }
}

impl std::str::FromStr for UpdateStatus {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(word.to_owned().into())
    }
}

impl From<UpdateStatus> for String {
    fn from(status: UpdateStatus) -> Self {
        match status {
            UpdateStatus::Other(word) => word,
            known => known.as_str().to_owned(),
        }
    }
}
