//! Upgrades Amazon EKS control planes declaratively.

pub mod api;
pub mod eks;
pub mod simulator;
