//! One update, with what EKS knows of it and never shows.

use jiff::Timestamp;
use serde::Serialize;

use crate::api::Minor;
use crate::simulator::api::{
    Cancellation, CancellationStatus, ErrorDetail, Scope, UpdateParam, UpdateStatus, UpdateView,
};

/// `type` of a control-plane upgrade.
pub const VERSION_UPDATE: &str = "VersionUpdate";
/// `type` of a rollback.
pub const VERSION_ROLLBACK: &str = "VersionRollback";

/// Who started an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// A call of UpdateClusterVersion.
    Call,
    /// The scenario, in the name of somebody else.
    Foreign,
    /// EKS, because support for the version ended.
    Eks,
    /// The scenario's history.
    History,
}

/// How an update ends when its time is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Success,
    Failure(ErrorDetail),
    Cancelled,
}

/// An update.
#[derive(Clone, Debug)]
pub struct Update {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) scope: Scope,
    pub(super) from: Option<Minor>,
    pub(super) to: Option<Minor>,
    pub(super) params: Vec<UpdateParam>,
    pub(super) created_at: Timestamp,
    /// When the control plane starts to change; `None` while it is not going to.
    pub(super) control_plane_from: Option<Timestamp>,
    pub(super) ends_at: Timestamp,
    pub(super) ending: Ending,
    pub(super) status: UpdateStatus,
    pub(super) errors: Vec<ErrorDetail>,
    pub(super) cancellation: Option<Cancellation>,
    pub(super) cancel_token: Option<String>,
    /// Whether it is shown as `Cancelling` until it has ended.
    pub(super) cancelling_shown: bool,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) client_request_token: Option<String>,
    pub(super) force: bool,
    pub(super) origin: Origin,
    pub(super) blocking: bool,
}

impl Update {
    /// An update of the cluster itself that has just begun. What else is to be said of it, and when
    /// it ends, is the caller's.
    pub(super) fn begun(id: String, kind: &str, now: Timestamp) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            scope: Scope::default(),
            from: None,
            to: None,
            params: Vec::new(),
            created_at: now,
            control_plane_from: Some(now),
            ends_at: now,
            ending: Ending::Success,
            status: UpdateStatus::InProgress,
            errors: Vec::new(),
            cancellation: None,
            cancel_token: None,
            cancelling_shown: false,
            finished_at: None,
            client_request_token: None,
            force: false,
            origin: Origin::Call,
            blocking: true,
        }
    }

    /// Whether it is running.
    pub fn is_running(&self) -> bool {
        self.status == UpdateStatus::InProgress
    }

    /// Whether it changes the control plane's version.
    pub fn changes_version(&self) -> bool {
        self.scope.is_cluster() && matches!(self.kind.as_str(), VERSION_UPDATE | VERSION_ROLLBACK)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// As DescribeUpdate shows it.
    pub fn view(&self) -> UpdateView {
        UpdateView {
            id: self.id.clone(),
            status: match self.status {
                UpdateStatus::InProgress if self.cancelling_shown => UpdateStatus::Cancelling,
                status => status,
            },
            kind: self.kind.clone(),
            params: self.params.clone(),
            created_at: self.created_at,
            errors: self.errors.clone(),
            cancellation: self.cancellation.clone(),
        }
    }

    /// Everything, for assertions.
    pub fn truth(&self) -> UpdateTruth {
        UpdateTruth {
            id: self.id.clone(),
            kind: self.kind.clone(),
            status: self.status,
            scope: self.scope.clone(),
            from_version: self.from,
            to_version: self.to,
            params: self.params.clone(),
            created_at: self.created_at,
            finished_at: self.finished_at,
            errors: self.errors.clone(),
            cancellation: self.cancellation.clone(),
            client_request_token: self.client_request_token.clone(),
            force: self.force,
            origin: self.origin,
            blocking: self.blocking,
        }
    }

    /// Starts to cancel it; it ends cancelled at `ends_at`, and the control plane stays untouched.
    pub(super) fn cancel(&mut self, ends_at: Timestamp, shown: bool) {
        self.cancelling_shown = shown;
        self.ends_at = self.ends_at.min(ends_at);
        self.ending = Ending::Cancelled;
        self.control_plane_from = None;
        self.cancellation = Some(Cancellation {
            status: CancellationStatus::InProgress,
            reason: "Cancelled by the user".to_owned(),
        });
    }

    /// Ends it. What that means for the cluster is the cluster's business.
    pub(super) fn finish(&mut self) {
        self.finished_at = Some(self.ends_at);
        match &self.ending {
            Ending::Success => self.status = UpdateStatus::Successful,
            Ending::Failure(why) => {
                self.status = UpdateStatus::Failed;
                self.errors.push(why.clone());
            }
            Ending::Cancelled => {
                self.status = UpdateStatus::Cancelled;
                let reason = match self.cancellation.take() {
                    Some(Cancellation { status: _, reason }) => reason,
                    None => "Cancelled by the user".to_owned(),
                };
                self.cancellation = Some(Cancellation {
                    status: CancellationStatus::Successful,
                    reason,
                });
            }
        }
    }
}

/// Everything about an update, hidden things included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of the API, and speaking")]
pub struct UpdateTruth {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub status: UpdateStatus,
    #[serde(flatten)]
    pub scope: Scope,
    pub from_version: Option<Minor>,
    pub to_version: Option<Minor>,
    pub params: Vec<UpdateParam>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub errors: Vec<ErrorDetail>,
    pub cancellation: Option<Cancellation>,
    pub client_request_token: Option<String>,
    pub force: bool,
    pub origin: Origin,
    pub blocking: bool,
}
