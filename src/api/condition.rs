//! Conditions and their reasons, by the conventions of kstatus and Flux.

/// The condition every object has.
pub const READY: &str = "Ready";
/// True while the operator works or waits and will go on by itself.
pub const RECONCILING: &str = "Reconciling";
/// True while a person must act.
pub const STALLED: &str = "Stalled";

/// Whether the checks before the next hop let it start; there while a hop is to come.
pub const PREFLIGHT_PASSED: &str = "PreflightPassed";

/// Why an object is in the state it is in: the `reason` of its conditions. Exactly one applies at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The cluster is at `spec.version`.
    UpToDate,
    /// An update was asked for or runs.
    Updating,
    /// The cluster is busy with something else, or EKS lags behind itself.
    WaitingForCluster,
    /// EKS or the API could not be asked.
    EksUnavailable,
    /// As many updates run as may run at a time.
    Queued,
    /// `spec.suspend` is set.
    Suspended,
    /// The cluster's own team has put a hold on it, by a tag.
    Held,
    /// An `UpgradeFreeze` stops all starts.
    Frozen,
    /// No window of `spec.schedule` is open.
    OutsideWindow,
    /// The last hop has not been over for as long as `spec.schedule.bake` asks for.
    Baking,
    /// A check before the hop failed, or EKS's readiness insights block the update.
    PreflightFailed,
    /// A check before the hop could not run, or has not yet.
    PreflightUnknown,
    /// EKS gave up on the update.
    UpdateFailed,
    /// The update was cancelled.
    UpdateCancelled,
    /// EKS no longer knows the update.
    UpdateLost,
    /// The cluster is newer than the manifest.
    ClusterAheadOfSpec,
    /// Somebody else rolled the cluster back.
    RolledBackElsewhere,
    /// EKS does not offer a version on the path.
    UnsupportedVersion,
    /// EKS refused the request, or no attempt number is left to make it with.
    RequestRejected,
    /// There is no such cluster.
    ClusterNotFound,
    /// The cluster is not the one first seen, or not the one the manifest names.
    ClusterReplaced,
    /// EKS reports the cluster as failed.
    ClusterFailed,
    /// EKS does not upgrade this kind of cluster.
    UnsupportedCluster,
    /// Another object owns the cluster.
    ClusterConflict,
    /// The role lacks a permission.
    AccessDenied,
    /// There are no usable credentials.
    CredentialsUnavailable,
    /// The operator does not let this namespace upgrade this cluster as whom it asks to.
    NotAllowed,
    /// The object cannot be understood.
    InvalidSpec,
}

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// There is nothing to do.
    True,
    /// Something is in the way.
    False,
    /// Work or waiting goes on.
    Unknown,
}

impl Ready {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// Which of the abnormal-true conditions goes with a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abnormal {
    /// None: the object is as asked for.
    None,
    /// `Reconciling`: it goes on by itself.
    Reconciling,
    /// `Stalled`: a person must act.
    Stalled,
}

impl Reason {
    /// Every reason, for metrics and documentation.
    pub const ALL: [Self; 28] = [
        Self::UpToDate,
        Self::Updating,
        Self::WaitingForCluster,
        Self::EksUnavailable,
        Self::Queued,
        Self::Suspended,
        Self::Held,
        Self::Frozen,
        Self::OutsideWindow,
        Self::Baking,
        Self::PreflightFailed,
        Self::PreflightUnknown,
        Self::UpdateFailed,
        Self::UpdateCancelled,
        Self::UpdateLost,
        Self::ClusterAheadOfSpec,
        Self::RolledBackElsewhere,
        Self::UnsupportedVersion,
        Self::RequestRejected,
        Self::ClusterNotFound,
        Self::ClusterReplaced,
        Self::ClusterFailed,
        Self::UnsupportedCluster,
        Self::ClusterConflict,
        Self::AccessDenied,
        Self::CredentialsUnavailable,
        Self::NotAllowed,
        Self::InvalidSpec,
    ];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::Updating => "Updating",
            Self::WaitingForCluster => "WaitingForCluster",
            Self::EksUnavailable => "EksUnavailable",
            Self::Queued => "Queued",
            Self::Suspended => "Suspended",
            Self::Held => "Held",
            Self::Frozen => "Frozen",
            Self::OutsideWindow => "OutsideWindow",
            Self::Baking => "Baking",
            Self::PreflightFailed => "PreflightFailed",
            Self::PreflightUnknown => "PreflightUnknown",
            Self::UpdateFailed => "UpdateFailed",
            Self::UpdateCancelled => "UpdateCancelled",
            Self::UpdateLost => "UpdateLost",
            Self::ClusterAheadOfSpec => "ClusterAheadOfSpec",
            Self::RolledBackElsewhere => "RolledBackElsewhere",
            Self::UnsupportedVersion => "UnsupportedVersion",
            Self::RequestRejected => "RequestRejected",
            Self::ClusterNotFound => "ClusterNotFound",
            Self::ClusterReplaced => "ClusterReplaced",
            Self::ClusterFailed => "ClusterFailed",
            Self::UnsupportedCluster => "UnsupportedCluster",
            Self::ClusterConflict => "ClusterConflict",
            Self::AccessDenied => "AccessDenied",
            Self::CredentialsUnavailable => "CredentialsUnavailable",
            Self::NotAllowed => "NotAllowed",
            Self::InvalidSpec => "InvalidSpec",
        }
    }

    /// What this reason says about the Ready condition and which other condition goes with it.
    pub const fn conditions(self) -> (Ready, Abnormal) {
        match self {
            Self::UpToDate => (Ready::True, Abnormal::None),
            Self::Updating
            | Self::WaitingForCluster
            | Self::EksUnavailable
            | Self::Queued
            | Self::Suspended
            | Self::Held
            | Self::Frozen
            | Self::OutsideWindow
            | Self::Baking => (Ready::Unknown, Abnormal::Reconciling),
            Self::PreflightFailed | Self::PreflightUnknown => (Ready::False, Abnormal::Reconciling),
            Self::UpdateFailed
            | Self::UpdateCancelled
            | Self::UpdateLost
            | Self::ClusterAheadOfSpec
            | Self::RolledBackElsewhere
            | Self::UnsupportedVersion
            | Self::RequestRejected
            | Self::ClusterNotFound
            | Self::ClusterReplaced
            | Self::ClusterFailed
            | Self::UnsupportedCluster
            | Self::ClusterConflict
            | Self::AccessDenied
            | Self::CredentialsUnavailable
            | Self::NotAllowed
            | Self::InvalidSpec => (Ready::False, Abnormal::Stalled),
        }
    }

    /// Whether a person must act.
    pub const fn is_stalled(self) -> bool {
        matches!(self.conditions().1, Abnormal::Stalled)
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
