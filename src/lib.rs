//! Upgrades Amazon EKS control planes declaratively.
//!
//! The life of one reconcile:
//!
//! 1. **observe** ([`controller`]): asks EKS through the port [`eks::Eks`] what [`plan::next_read`] needs to know;
//! 2. **decide** ([`plan::decide`]): pure; at most one action comes out of it;
//! 3. **persist**: writes what is remembered and said, through the port [`store::Store`], only if the object is still the
//!    one that was decided on;
//! 4. **execute**: makes the one call that changes something, and writes down what EKS answered;
//! 5. **report**: Events, metrics and a log line, from the same decision.
//!
//! [`plugin`] is kubectl's: it observes and decides by the same code, and leaves what changes EKS to the operator.
//!
//! A crash between any two of them is safe: an intent is written before it is sent, and looked for before it is repeated.

pub mod api;
pub mod cli;
pub mod controller;
pub mod eks;
pub mod http;
pub mod leader;
pub mod metrics;
pub mod plan;
#[cfg(feature = "plugin")]
pub mod plugin;
pub mod simulator;
pub mod store;
pub mod telemetry;
pub mod text;
