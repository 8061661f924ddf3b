//! The deciding of upgrades, told as stories: an object, an EKS of a few structs and a clock of our own, driven as the
//! controller drives them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

#[path = "plan/answers.rs"]
mod answers;
#[path = "plan/arbitrary.rs"]
mod arbitrary;
#[path = "plan/baking.rs"]
mod baking;
#[path = "plan/cancellations.rs"]
mod cancellations;
#[path = "plan/checks.rs"]
mod checks;
#[path = "plan/courses.rs"]
mod courses;
#[path = "plan/crowded.rs"]
mod crowded;
#[path = "plan/descending.rs"]
mod descending;
#[path = "plan/eks.rs"]
mod eks;
#[path = "plan/elsewhere.rs"]
mod elsewhere;
#[path = "plan/errors.rs"]
mod errors;
#[path = "plan/evidence.rs"]
mod evidence;
#[path = "plan/freezes.rs"]
mod freezes;
#[path = "plan/gates.rs"]
mod gates;
#[path = "plan/holds.rs"]
mod holds;
#[path = "plan/hops.rs"]
mod hops;
#[path = "plan/identity.rs"]
mod identity;
#[path = "plan/intents.rs"]
mod intents;
#[path = "plan/outlook.rs"]
mod outlook;
#[path = "plan/owned.rs"]
mod owned;
#[path = "plan/past.rs"]
mod past;
#[path = "plan/polling.rs"]
mod polling;
#[path = "plan/precedence.rs"]
mod precedence;
#[path = "plan/preflight.rs"]
mod preflight;
#[path = "plan/properties/mod.rs"]
mod properties;
#[path = "plan/readiness.rs"]
mod readiness;
#[path = "plan/reasons/mod.rs"]
mod reasons;
#[path = "plan/recorded.rs"]
mod recorded;
#[path = "plan/refreshes.rs"]
mod refreshes;
#[path = "plan/replicas.rs"]
mod replicas;
#[path = "plan/retries.rs"]
mod retries;
#[path = "plan/rollbacks.rs"]
mod rollbacks;
#[path = "plan/timing.rs"]
mod timing;
#[path = "plan/waivers.rs"]
mod waivers;
#[path = "plan/windows.rs"]
mod windows;
#[path = "plan/world.rs"]
mod world;
