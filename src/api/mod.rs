//! The API `eksupgrade.dev/v1alpha1`: what users write and what the operator says.

pub mod condition;
mod crd;
mod spec;
mod status;
mod timeout;
mod version;

pub use condition::Reason;
pub use crd::cluster_upgrade_crd;
pub use spec::{ClusterRef, ClusterUpgrade, ClusterUpgradeSpec, Force, Rollback};
pub use status::{
    Blocker, Cancel, CancelStatus, ClusterUpgradeStatus, ErrorDetail, HISTORY_LIMIT,
    ObservedCluster, PATH_LIMIT, RollbackReadiness, Update, UpdateStatus,
};
pub use timeout::{NotATimeout, RollbackTimeout};
pub use version::{Minor, NotAMinor};

/// An RFC 3339 time in this annotation permits another try of an update that is older than it.
pub const RETRY_ANNOTATION: &str = "eksupgrade.dev/retry-requested-at";

/// The field manager of every status write, and the reporting controller of every Event.
pub const MANAGER: &str = "eks-upgrade-operator";
