//! The present state of all objects, as the fleet hands it over for a scrape.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::{CheckCode, CheckResult};
use crate::store::Key;

/// The present state of all objects, for a scrape.
#[derive(Clone, Debug, Default)]
pub struct Glance {
    /// How many objects have each reason.
    pub reasons: Vec<(&'static str, i64)>,
    /// For how long objects have had each reason, summed over all objects that this process has seen.
    pub state_times: Vec<(&'static str, Duration)>,
    /// Which objects a person must see to, and why.
    pub stalled: Vec<(Key, &'static str)>,
    /// How many updates are asked for or run.
    pub running: usize,
    /// The updates that run.
    pub running_updates: Vec<RunningUpdate>,
    /// The clusters as EKS described them last.
    pub clusters: Vec<(Key, ClusterInfo)>,
    /// Whose last upgrade can still be rolled back, and until when.
    pub rollback_windows: Vec<(Key, Timestamp)>,
    /// How many objects have each result of each check.
    pub checks: Vec<(CheckCode, CheckResult, i64)>,
    /// When the support of versions ends.
    pub support_ends: Vec<SupportEnd>,
}

/// An update that EKS works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningUpdate {
    /// Of which object.
    pub key: Key,
    /// When it began; `None` where nobody said.
    pub began: Option<Timestamp>,
    /// Whether it takes longer than updates usually do.
    pub is_overdue: bool,
}

/// What a cluster runs, and what it is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterInfo {
    /// The cluster's name.
    pub cluster: String,
    /// Its region.
    pub region: String,
    /// The control plane's Kubernetes version.
    pub version: String,
    /// EKS's platform version; empty where it is not known.
    pub platform_version: String,
    /// `spec.version`.
    pub target: String,
}

/// When the support of a version ends that an object has or asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportEnd {
    /// Of which object.
    pub key: Key,
    /// `current` or `target`.
    pub of: &'static str,
    /// `standard` or `extended`.
    pub support: &'static str,
    /// When.
    pub at: Timestamp,
}
