//! Upgrades Amazon EKS control planes declaratively.

pub mod simulator;
