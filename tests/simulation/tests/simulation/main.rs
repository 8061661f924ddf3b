//! Seeds, planted defects, golden courses.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod assumption;
mod defects;
mod exhaustive;
mod explore;
mod golden;
