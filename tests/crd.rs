//! The CRD against a real API server: what is refused at apply and with which words, what is shown, and that a status
//! comes back as it was written.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

#[path = "crd/cluster.rs"]
mod cluster;
#[path = "crd/fixture.rs"]
mod fixture;
#[path = "crd/force.rs"]
mod force;
#[path = "crd/role.rs"]
mod role;
#[path = "crd/rollback.rs"]
mod rollback;
#[path = "crd/shown.rs"]
mod shown;
#[path = "crd/status.rs"]
mod status;
#[path = "crd/version.rs"]
mod version;

use eks_upgrade_operator::api::cluster_upgrade_crd;

#[test]
fn the_file_in_crds_is_what_the_types_say() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/crds/clusterupgrades.eksupgrade.dev.yaml"
    );
    let file = std::fs::read_to_string(path).unwrap();
    let generated = serde_norway::to_string(&cluster_upgrade_crd()).unwrap();
    assert!(
        file == generated,
        "crds/ has drifted: write the output of `eks-upgrade-operator crd` there"
    );
}
