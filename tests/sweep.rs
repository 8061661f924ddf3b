//! The operator as a process against a real API server and the simulator over HTTP, with a proxy in each of its two lines:
//! killed at every call, blind, cut off, and twice at once. In each: the right accepted calls, the right final status.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test"
)]

#[path = "sweep/api_server.rs"]
mod api_server;
#[path = "sweep/call.rs"]
mod call;
#[path = "sweep/course.rs"]
mod course;
#[path = "sweep/every_call.rs"]
mod every_call;
#[path = "sweep/harm.rs"]
mod harm;
#[path = "sweep/kills.rs"]
mod kills;
#[path = "sweep/lag.rs"]
mod lag;
#[path = "sweep/line.rs"]
mod line;
#[path = "sweep/outage.rs"]
mod outage;
#[path = "sweep/pair.rs"]
mod pair;
#[path = "sweep/seat.rs"]
mod seat;
#[path = "sweep/stops.rs"]
mod stops;
#[path = "sweep/view.rs"]
mod view;
#[allow(
    dead_code,
    reason = "shared with the operator's other tests, which use more of it"
)]
#[path = "operator/world.rs"]
mod world;
