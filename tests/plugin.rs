//! `kubectl eks-upgrade` as a program, against a real API server, the simulator over HTTP and the real operator.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test"
)]

#[path = "plugin/completion.rs"]
mod completion;
#[path = "plugin/doctor.rs"]
mod doctor;
#[path = "plugin/errors.rs"]
mod errors;
#[path = "plugin/krew.rs"]
mod krew;
#[path = "plugin/objects.rs"]
mod objects;
#[path = "plugin/picture.rs"]
mod picture;
#[path = "plugin/plan.rs"]
mod plan;
#[path = "plugin/ran.rs"]
mod ran;
#[path = "plugin/steer.rs"]
mod steer;
#[path = "plugin/terminal.rs"]
mod terminal;
#[path = "plugin/watch.rs"]
mod watch;
#[path = "operator/world.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the operator, which use more of it"
)]
mod world;
