//! What nobody should ever send: arbitrary JSON in objects, arbitrary answers of EKS. Nothing panics, nothing that is written
//! or published goes beyond what Kubernetes takes and a terminal bears, and no memory is lost.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test"
)]

mod answers;
mod bounds;
mod freezes;
mod json;
mod objects;
mod ports;
#[path = "../adapter/server.rs"]
#[allow(
    dead_code,
    clippy::expect_used,
    reason = "shared with the tests of the adapter, which use more of it"
)]
mod server;
mod turns;
mod world;
