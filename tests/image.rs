//! The container image as it is released: what is in it, what its SBOM says, and that it upgrades a cluster as nobody, with
//! nothing it may write to. It is built here, and run by podman.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test"
)]

#[path = "image/built.rs"]
mod built;
#[path = "image/certificates.rs"]
mod certificates;
#[path = "image/contents.rs"]
mod contents;
#[path = "image/dns.rs"]
mod dns;
#[path = "image/engine.rs"]
mod engine;
#[path = "image/pod.rs"]
mod pod;
#[path = "image/sbom.rs"]
mod sbom;
#[path = "image/tls.rs"]
mod tls;
#[path = "image/upgrade.rs"]
mod upgrade;
#[allow(
    dead_code,
    reason = "shared with the operator's other tests, which use more of it"
)]
#[path = "operator/world.rs"]
mod world;
