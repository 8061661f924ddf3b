//! One of several replicas acts: the one that holds a Lease.
//!
//! It saves calls to EKS and double counting, not safety: a lease cannot fence EKS, so that two active replicas have to be
//! harmless by the protocol itself, and are.
//!
//! A holder stops acting after two thirds of the lease's duration without a renewal, counted from before that renewal was
//! sent; others wait for the whole of it, counted from when they saw the renewal. Neither reads the other's clock.

mod campaign;
mod leadership;
pub mod record;
mod rival;

use jiff::SignedDuration;

pub use campaign::{Candidate, LeaseLost};
pub use leadership::Leadership;

/// How a leader is elected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// The Lease's name.
    pub lease: String,
    /// The Lease's namespace; the client's own where none is given.
    pub namespace: Option<String>,
    /// For how long a renewal counts, in whole seconds.
    pub duration: SignedDuration,
}
