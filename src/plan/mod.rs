//! What to do next, decided from facts alone: no client, no clock, no log.
//!
//! [`next_read`] says what still has to be asked of EKS, [`decide`] makes the decision, and [`answered`] says what an
//! answer to a send means. Which reason wins is settled by the order in which [`decide`] and `consider` look at things;
//! `docs/protocol.md` has the list.

mod ahead;
mod answer;
mod cancel;
mod cluster;
mod consider;
mod decision;
mod elsewhere;
mod evidence;
mod facts;
mod forecast;
mod freeze;
mod gates;
mod hop;
mod intent;
mod outlook;
mod poll;
mod preflight;
mod read;
mod readiness;
mod refresh;
mod refusal;
mod remember;
mod retry;
mod rollback;
mod rollback_gate;
mod say;
mod time;
mod timing;
mod token;
mod track;
mod trouble;
mod window;
mod wish;

pub use ahead::{likely_parts, next_reads};
pub use answer::{Sent, answered};
pub use cancel::cancel_answered;
pub use decision::{Action, Decision, Outcome, Wake};
pub use evidence::{Addon, Evidence, Insight, Part, Reading};
pub use facts::{Facts, Object, Observed, Settings, Standing, Trouble};
pub use forecast::{Forecast, forecast};
pub use freeze::Freeze;
pub use gates::{AcceptedFinding, Gates, PreflightPolicy};
pub use intent::may_begin;
pub use poll::{Durations, Usual, next_look};
pub use preflight::ENDS_BY_ITSELF;
pub use read::{Read, next_read};
pub use readiness::Readiness;
pub use say::{does, errors, noun};
pub use track::{began, is_followed, is_overdue, overdue_after};
pub use window::Window;
pub use wish::{InvalidSpec, RollbackPermit, Wish};

/// A start or a repetition begins within this time of the decision that its guarded write announces, or is dropped; see
/// [`may_begin`].
pub const SEND_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// For how long after the last send an intent that is no longer wanted is looked for before it is closed: the 15 minutes
/// within which EKS lists what it accepted, and 5 for a send that began late or waits for its answer, and for a replica
/// whose clock differs from that of the one that sent.
pub const LOOK_AFTER_SEND: jiff::SignedDuration = jiff::SignedDuration::from_mins(20);

/// By how much EKS's clock and ours may differ when an update is matched with an intent.
pub(crate) const CLOCK_TOLERANCE: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// The update type of an upgrade.
pub const VERSION_UPDATE: &str = "VersionUpdate";
/// The update type of a rollback.
pub const VERSION_ROLLBACK: &str = "VersionRollback";

/// Decides what to do with one object.
///
/// Total and deterministic: the same facts give the same decision. At most one call to EKS comes out of it.
pub fn decide(facts: &Facts<'_>) -> Decision {
    if facts.object.deleting {
        return Decision::silent(facts.memory);
    }
    let decision = match &facts.memory.update {
        Some(update) if update.is_open_intent() => intent::resolve(facts, update),
        Some(update) if track::is_followed(facts.memory, update) => track::follow(facts, update),
        Some(update) => intent::accepted_before_refusal(facts, update).map_or_else(
            || consider::decide(facts),
            |view| intent::adopt(facts, update, view),
        ),
        None => consider::decide(facts),
    };
    outlook::added(facts, decision)
}
