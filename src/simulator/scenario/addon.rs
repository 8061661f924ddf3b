//! What a scenario says about EKS add-ons: those of a cluster, and which versions of them fit which Kubernetes versions.

use serde::Deserialize;

use crate::api::Minor;
use crate::simulator::api::{AddonStatus, HealthIssue};

/// An add-on that is installed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AddonSpec {
    /// Its name, such as `coredns`.
    pub name: String,
    /// Its version, such as `v1.11.4-eksbuild.2`.
    pub version: String,
    /// Its status.
    #[serde(default)]
    pub status: AddonStatus,
    /// What is wrong with it.
    #[serde(default)]
    pub issues: Vec<HealthIssue>,
}

/// A version of an add-on, and what it fits. An add-on that no entry names fits, in each version that is installed somewhere,
/// every Kubernetes version.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AddonVersionSpec {
    /// The add-on's name.
    pub addon: String,
    /// The add-on's version.
    pub version: String,
    /// The Kubernetes versions it fits.
    pub kubernetes: Vec<Minor>,
    /// Those of them with which EKS installs it unless told otherwise.
    #[serde(default)]
    pub default: Vec<Minor>,
}
