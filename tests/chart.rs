//! The Helm chart and the kustomize base: rendered, refused, installed on a real API server, upgraded and removed; and the
//! operator as the chart would run it, with the rights that the chart grants and no other.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test"
)]

#[path = "chart/audit.rs"]
mod audit;
#[path = "chart/documents.rs"]
mod documents;
#[path = "chart/grants.rs"]
mod grants;
#[path = "chart/helm.rs"]
mod helm;
#[path = "chart/kustomize.rs"]
mod kustomize;
#[path = "chart/namespaces.rs"]
mod namespaces;
#[path = "chart/pods.rs"]
mod pods;
#[path = "chart/previous.rs"]
mod previous;
#[path = "chart/refused.rs"]
mod refused;
#[path = "chart/rendered.rs"]
mod rendered;
#[path = "chart/restricted.rs"]
mod restricted;
#[path = "chart/rights.rs"]
mod rights;
#[allow(
    dead_code,
    reason = "shared with the operator's other tests, which use more of it"
)]
#[path = "operator/world.rs"]
mod world;
