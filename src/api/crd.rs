//! The CustomResourceDefinitions, as `eks-upgrade-operator crd` prints them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON,
};
use kube::CustomResourceExt;
use serde_json::json;

use super::freeze::UpgradeFreeze;
use super::spec::ClusterUpgrade;

/// Every CRD that the operator needs.
pub fn crds() -> [CustomResourceDefinition; 2] {
    [cluster_upgrade_crd(), upgrade_freeze_crd()]
}

/// The CRD of [`UpgradeFreeze`].
pub fn upgrade_freeze_crd() -> CustomResourceDefinition {
    UpgradeFreeze::crd()
}

/// The CRD of [`ClusterUpgrade`].
///
/// An absent status defaults to `{observedGeneration: -1}`, so that tools which compare it with the generation do not
/// take an object that nobody has looked at for healthy.
pub fn cluster_upgrade_crd() -> CustomResourceDefinition {
    let mut crd = ClusterUpgrade::crd();
    for version in &mut crd.spec.versions {
        let status = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
            .and_then(|schema| schema.properties.as_mut())
            .and_then(|properties| properties.get_mut("status"));
        if let Some(status) = status {
            status.default = Some(JSON(json!({"observedGeneration": -1})));
        }
    }
    crd
}
