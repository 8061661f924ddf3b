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
#[path = "crd/freeze.rs"]
mod freeze;
#[path = "crd/gitops.rs"]
mod gitops;
#[path = "crd/preflight.rs"]
mod preflight;
#[path = "crd/role.rs"]
mod role;
#[path = "crd/rollback.rs"]
mod rollback;
#[path = "crd/samples.rs"]
mod samples;
#[path = "crd/schedule.rs"]
mod schedule;
#[path = "crd/shown.rs"]
mod shown;
#[path = "crd/status.rs"]
mod status;
#[path = "crd/version.rs"]
mod version;

use std::path::Path;

use eks_upgrade_operator::api::crds;

#[test]
fn the_files_in_crds_are_what_the_types_say() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let mut generated = Vec::new();
    for crd in crds() {
        let name = format!("{}.yaml", crd.metadata.name.as_deref().unwrap());
        let file = std::fs::read_to_string(directory.join(&name)).unwrap();
        assert!(
            file == serde_norway::to_string(&crd).unwrap(),
            "crds/{name} has drifted: run make crds"
        );
        generated.push(name);
    }
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, generated);
}

#[test]
fn the_program_prints_all_of_them_or_one() {
    let printed = |args: &[&str]| {
        let said = std::process::Command::new(env!("CARGO_BIN_EXE_eks-upgrade-operator"))
            .arg("crd")
            .args(args)
            .output()
            .unwrap();
        assert!(said.status.success());
        String::from_utf8(said.stdout).unwrap()
    };
    let each = crds().map(|crd| printed(&[crd.metadata.name.as_deref().unwrap()]));
    for (yaml, crd) in each.iter().zip(crds()) {
        assert_eq!(*yaml, serde_norway::to_string(&crd).unwrap());
    }
    assert_eq!(printed(&[]), each.join("---\n"));
}
