//! The operator's whole pipeline in virtual time.
//!
//! The real controller runs over the real ports' simulated faces: EKS is the simulator's model, the API server is one in
//! memory. A seed draws everything else: how EKS lags, which calls get lost, when processes die or freeze, what people do.
//! After each step the invariants of `docs/protocol.md` are checked, and once faults stop, that everything comes to rest.
//! The same seed gives the same course, step by step.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test"
)]

pub mod api_server;
pub mod call;
pub mod carry_out;
pub mod course;
pub mod defect;
pub mod exhaustive;
pub mod oracle;
pub mod ports;
pub mod process;
pub mod progress;
pub mod run;
pub mod soak;
pub mod states;
pub mod time;
pub mod wire;
pub mod world;
