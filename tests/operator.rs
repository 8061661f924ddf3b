//! The operator as a process, against a real API server and the simulator over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test"
)]

#[path = "operator/access.rs"]
mod access;
#[path = "operator/api_server.rs"]
mod api_server;
#[path = "operator/blind.rs"]
mod blind;
#[path = "operator/churn.rs"]
mod churn;
#[path = "operator/crashes.rs"]
mod crashes;
#[path = "operator/failures.rs"]
mod failures;
#[path = "operator/foreign_fields.rs"]
mod foreign_fields;
#[path = "operator/freezes.rs"]
mod freezes;
#[path = "operator/hostile.rs"]
mod hostile;
#[path = "operator/hostile_eks.rs"]
mod hostile_eks;
#[path = "operator/identity.rs"]
mod identity;
#[path = "operator/idle.rs"]
mod idle;
#[path = "operator/leader.rs"]
mod leader;
#[path = "operator/main_job.rs"]
mod main_job;
#[path = "operator/manners.rs"]
mod manners;
#[path = "operator/metrics.rs"]
mod metrics;
#[path = "operator/others.rs"]
mod others;
#[path = "operator/ownership.rs"]
mod ownership;
#[path = "operator/plan.rs"]
mod plan;
#[path = "operator/preflight.rs"]
mod preflight;
#[path = "operator/queue.rs"]
mod queue;
#[path = "operator/refusals.rs"]
mod refusals;
#[path = "operator/rights.rs"]
mod rights;
#[path = "operator/rollback.rs"]
mod rollback;
#[path = "operator/spec_edits.rs"]
mod spec_edits;
#[path = "operator/trouble.rs"]
mod trouble;
#[path = "operator/windows.rs"]
mod windows;
#[path = "operator/world.rs"]
mod world;
