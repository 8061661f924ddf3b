//! What the tests and the demo rely on.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test's helpers fail the test"
)]

mod common;
mod control_plane;
mod killed_parent;
mod process;
