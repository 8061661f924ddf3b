//! The API `eksupgrade.dev/v1alpha1`: what users write and what the operator says.

pub mod condition;
mod crd;
mod freeze;
mod preflight;
mod rules;
mod schedule;
mod spec;
mod status;
mod timeout;
mod version;

pub use condition::Reason;
pub use crd::{cluster_upgrade_crd, crds, upgrade_freeze_crd};
pub use freeze::{UpgradeFreeze, UpgradeFreezeSpec};
pub use preflight::{
    Check, CheckCode, CheckResult, Finding, NotACheck, OnUnknown, Preflight, PreflightMode,
    PreflightStatus, WAIVERS_LIMIT, Waiver,
};
pub use schedule::{
    GateState, PlanStatus, Schedule, ScheduleStatus, Step, StepGate, Support, SupportStatus,
    WINDOWS_LIMIT, Window,
};
pub use spec::{ClusterRef, ClusterUpgrade, ClusterUpgradeSpec, Force, Rollback};
pub use status::{
    Blocker, Cancel, CancelStatus, ClusterUpgradeStatus, ErrorDetail, HISTORY_LIMIT,
    ObservedCluster, PATH_LIMIT, RollbackReadiness, Update, UpdateStatus,
};
pub use timeout::{NotATimeout, RollbackTimeout, whole_minutes};
pub use version::{Minor, NotAMinor};

/// An RFC 3339 time in this annotation permits another try of an update that is older than it.
pub const RETRY_ANNOTATION: &str = "eksupgrade.dev/retry-requested-at";

/// The field manager of every status write, and the reporting controller of every Event.
pub const MANAGER: &str = "eks-upgrade-operator";

/// A tag of this name on an EKS cluster is a veto of the cluster's own team: nothing starts while it is there.
pub const HOLD_TAG: &str = "eksupgrade.dev/hold";
