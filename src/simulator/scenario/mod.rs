//! The scenario file: which clusters exist, how EKS behaves, and what goes wrong.
//!
//! The field reference is `docs/simulator.md`. Unknown fields are refused, so that a typing error
//! cannot silently turn a fault off.

mod addon;
mod check;
mod cluster;
mod fault;
mod insights;
mod nodegroup;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use addon::{AddonSpec, AddonVersionSpec};
pub use cluster::{ClusterSpec, EventSpec, ForeignUpdate, Happening, Outcome, PastUpdate};
pub use fault::{FaultKind, FaultSpec, Work};
pub use insights::{ClientSpec, DeprecationSpec, Finding, Findings, Insights, InsightsChange};
pub use nodegroup::NodegroupSpec;

pub use super::api::Readiness;

use super::calendar::VersionSpec;
use super::period::Period;

/// A whole scenario. `Scenario::default()` has the built-in calendar and no clusters.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Scenario {
    /// All randomness (update ids, list order, probabilities) comes from it.
    pub seed: u64,
    /// The account of the base credentials and of clusters that name none.
    pub account_id: String,
    /// The region of clusters that name none.
    pub region: String,
    /// How long a client request token is honoured after its update was accepted.
    pub token_lifetime: Period,
    /// How long things take, for clusters that do not say it themselves.
    pub durations: Durations,
    /// How far reads are behind, for clusters that do not say it themselves.
    pub lags: Lags,
    /// Requests per second that each account may make; unlimited when absent.
    pub requests_per_second: Option<f64>,
    /// How many requests an account may make at once; as many as per second when absent.
    pub burst: Option<f64>,
    /// Whether upgrade-readiness insights in ERROR refuse an upgrade. AWS has it off since 2025.
    pub insights_enforced: bool,
    /// How far a request's signing time may be off.
    pub clock_skew: Period,
    /// Credentials and roles.
    pub sts: Sts,
    /// Kubernetes versions on top of the built-in calendar; one of the same version replaces it.
    pub versions: Vec<VersionSpec>,
    /// Which versions of add-ons fit which Kubernetes versions.
    pub addon_versions: Vec<AddonVersionSpec>,
    /// The clusters that exist at the start.
    pub clusters: Vec<ClusterSpec>,
    /// Faults that are not tied to one cluster.
    pub faults: Vec<FaultSpec>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 1,
            account_id: "111122223333".to_owned(),
            region: "us-west-2".to_owned(),
            token_lifetime: Period::minutes(15),
            durations: Durations::default(),
            lags: Lags::default(),
            requests_per_second: None,
            burst: None,
            insights_enforced: false,
            clock_skew: Period::minutes(5),
            sts: Sts::default(),
            versions: Vec::new(),
            addon_versions: Vec::new(),
            clusters: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// How long things take. What is absent comes from the scenario, then from EKS's usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Durations {
    /// A control-plane update; 10m.
    pub update: Option<Period>,
    /// The control-plane part of a rollback; as long as an update.
    pub rollback: Option<Period>,
    /// The node phase of a rollback on an Auto Mode cluster; 15m.
    pub node_phase: Option<Period>,
    /// From a cancellation until the update is cancelled; 30s.
    pub cancellation: Option<Period>,
    /// EKS's own work after each update, which no list shows; none.
    pub busy_after_update: Option<Period>,
    /// A refresh of the insights; 10s.
    pub insights_refresh: Option<Period>,
    /// From the end of a version update until EKS has refreshed the insights by itself; none.
    pub insights_after_update: Option<Period>,
}

impl Durations {
    /// These, and `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            update: self.update.or(other.update),
            rollback: self.rollback.or(other.rollback),
            node_phase: self.node_phase.or(other.node_phase),
            cancellation: self.cancellation.or(other.cancellation),
            busy_after_update: self.busy_after_update.or(other.busy_after_update),
            insights_refresh: self.insights_refresh.or(other.insights_refresh),
            insights_after_update: self.insights_after_update.or(other.insights_after_update),
        }
    }

    /// How long a control-plane update takes.
    pub fn update(&self) -> Period {
        self.update.unwrap_or(Period::minutes(10))
    }

    /// How long the control-plane part of a rollback takes.
    pub fn rollback(&self) -> Period {
        self.rollback.unwrap_or_else(|| self.update())
    }

    /// How long Auto Mode nodes take to roll back.
    pub fn node_phase(&self) -> Period {
        self.node_phase.unwrap_or(Period::minutes(15))
    }

    /// How long a cancellation takes.
    pub fn cancellation(&self) -> Period {
        self.cancellation.unwrap_or(Period::seconds(30))
    }

    /// How long EKS is busy with itself after an update.
    pub fn busy_after_update(&self) -> Period {
        self.busy_after_update.unwrap_or(Period::ZERO)
    }

    /// How long a refresh of the insights takes.
    pub fn insights_refresh(&self) -> Period {
        self.insights_refresh.unwrap_or(Period::seconds(10))
    }

    /// How long after a version update EKS has refreshed the insights by itself.
    pub fn insights_after_update(&self) -> Period {
        self.insights_after_update.unwrap_or(Period::ZERO)
    }
}

/// How far reads are behind the truth. What is absent comes from the scenario, then is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Lags {
    /// DescribeCluster says ACTIVE for so long after an update was accepted.
    pub status: Option<Period>,
    /// DescribeCluster shows the old version for so long after an update succeeded.
    pub version: Option<Period>,
    /// ListUpdates misses an update for so long after it was accepted.
    pub list: Option<Period>,
    /// DescribeUpdate does not find an update for so long after it was accepted.
    pub describe: Option<Period>,
}

impl Lags {
    /// These, and `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            status: self.status.or(other.status),
            version: self.version.or(other.version),
            list: self.list.or(other.list),
            describe: self.describe.or(other.describe),
        }
    }
}

/// Credentials and roles.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Sts {
    /// Access key ids that belong to an account other than the scenario's.
    pub access_keys: Vec<AccessKey>,
    /// What an access key id that nobody knows gets.
    pub unknown_keys: UnknownKeys,
    /// Roles that nobody may assume.
    pub denied_roles: Vec<String>,
    /// Roles that ask for an external id. Every role that is not named here may be assumed.
    pub roles: Vec<RoleSpec>,
    /// How long assumed credentials last at most; as long as asked for when absent.
    pub session_duration: Option<Period>,
}

impl Default for Sts {
    fn default() -> Self {
        Self {
            access_keys: Vec::new(),
            unknown_keys: UnknownKeys::Accept,
            denied_roles: Vec::new(),
            roles: Vec::new(),
            session_duration: None,
        }
    }
}

/// Long-lived credentials.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AccessKey {
    /// The access key id; the secret does not matter.
    pub id: String,
    /// The account it belongs to.
    pub account_id: String,
}

/// What an access key id that nobody knows gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnknownKeys {
    /// It belongs to the scenario's account.
    Accept,
    /// `UnrecognizedClientException`.
    Refuse,
}

/// A role with a condition in its trust policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RoleSpec {
    /// The role's ARN.
    pub arn: String,
    /// The external id that AssumeRole must bring.
    pub external_id: String,
}

/// Why a scenario cannot be used; the text says where and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read the scenario {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a scenario.
    #[error("the scenario {} is wrong: {message}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where in it, and what.
        message: String,
    },
    /// What was given is not a scenario, or not a part of one.
    #[error("{0}")]
    Invalid(String),
}

impl Scenario {
    /// Reads a scenario from YAML (or JSON, which is YAML too).
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        // A file with nothing but comments is the empty scenario.
        let scenario: Option<Self> = from_yaml(text)?;
        let scenario = scenario.unwrap_or_default();
        check::scenario(&scenario).map_err(ScenarioError::Invalid)?;
        Ok(scenario)
    }

    /// Reads a scenario file.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|error| ScenarioError::Wrong {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }
}

/// Reads clusters: one, or a list of them.
pub fn parse_clusters(text: &str) -> Result<Vec<ClusterSpec>, ScenarioError> {
    let clusters: Vec<ClusterSpec> = one_or_many(text)?;
    check::clusters("clusters", &clusters).map_err(ScenarioError::Invalid)?;
    Ok(clusters)
}

/// Reads faults: one, or a list of them.
pub fn parse_faults(text: &str) -> Result<Vec<FaultSpec>, ScenarioError> {
    let faults: Vec<FaultSpec> = one_or_many(text)?;
    check::faults("faults", &faults).map_err(ScenarioError::Invalid)?;
    Ok(faults)
}

/// Reads one update that somebody else starts.
pub fn parse_update(text: &str) -> Result<ForeignUpdate, ScenarioError> {
    let update: Option<ForeignUpdate> = from_yaml(text)?;
    Ok(update.unwrap_or_default())
}

/// Reads one event.
pub fn parse_event(text: &str) -> Result<EventSpec, ScenarioError> {
    let event: EventSpec = from_yaml(text)?;
    check::event("event", &event).map_err(ScenarioError::Invalid)?;
    Ok(event)
}

fn from_yaml<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, ScenarioError> {
    serde_norway::from_str(text).map_err(|error| ScenarioError::Invalid(error.to_string()))
}

fn one_or_many<'de, T: Deserialize<'de>>(text: &'de str) -> Result<Vec<T>, ScenarioError> {
    let first = text.trim_start();
    if first.starts_with('[') || first.starts_with("- ") {
        from_yaml(text)
    } else {
        Ok(vec![from_yaml(text)?])
    }
}
