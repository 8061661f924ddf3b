//! What a scenario says about a managed node group.

use serde::Deserialize;

use crate::api::Minor;
use crate::simulator::api::NodegroupStatus;

/// A managed node group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NodegroupSpec {
    /// Its name.
    pub name: String,
    /// Its Kubernetes version. When absent, the cluster's; in an event, the one it has.
    #[serde(default)]
    pub version: Option<Minor>,
    /// Its status.
    #[serde(default)]
    pub status: NodegroupStatus,
}
