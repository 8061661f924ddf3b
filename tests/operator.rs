//! The operator as a process, against a real API server and the simulator over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test"
)]

#[path = "operator/main_job.rs"]
mod main_job;
#[path = "operator/world.rs"]
mod world;
