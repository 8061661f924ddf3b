//! The second kind: a time in which nothing starts.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Stops every start of the objects that it selects, in all namespaces: an organisation-wide blackout, or the emergency stop.
///
/// Without dates it counts as long as it exists. A running update is never touched.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "eksupgrade.dev",
    version = "v1alpha1",
    kind = "UpgradeFreeze",
    plural = "upgradefreezes",
    shortname = "uf",
    category = "eks",
    derive = "PartialEq",
    doc = "Stops every start of the ClusterUpgrades that it selects. Running updates go on."
)]
pub struct UpgradeFreezeSpec {
    /// From when; from its creation on where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>")]
    pub from: Option<Timestamp>,

    /// Until when; until it is deleted where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>")]
    pub until: Option<Timestamp>,

    /// Why, for whoever finds an upgrade frozen.
    pub reason: String,

    /// Which objects, by the labels of the ClusterUpgrades; all where absent or empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}
