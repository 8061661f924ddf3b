//! Upgrades Amazon EKS control planes declaratively.

pub mod api;
pub mod eks;
pub mod plan;
pub mod simulator;
