//! An EKS that speaks the real wire protocol: one pure [`model`] of EKS and STS, an
//! [HTTP face](http) in front of it that the AWS CLI and every SDK work against unchanged, and a
//! [face in memory](memory) for simulation tests.
//!
//! What it departs from EKS in, and the fields of a scenario, are in `docs/simulator.md`.

pub mod api;
pub mod calendar;
pub mod error;
pub mod http;
pub mod identity;
pub mod memory;
pub mod model;
mod paging;
pub mod period;
pub mod scenario;

pub use http::{Handle, ServeError, serve, serve_on_free_port};
pub use model::Model;
pub use scenario::{Scenario, ScenarioError};
