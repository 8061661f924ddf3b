//! Whether a hop may start at this time: holds, freezes, windows and baking. Nothing here touches an update that runs.

use jiff::{SignedDuration, Timestamp};

use crate::api::{HOLD_TAG, Reason};
use crate::eks::{ClusterView, UpdateView};
use crate::text::plain;

use super::decision::Wake;
use super::facts::Facts;
use super::freeze::Freeze;
use super::gates::Gates;
use super::hop::Hop;
use super::preflight::REFRESH_BEFORE;
use super::rollback::LastSuccess;
use super::time::{after, before, shown, until};
use super::window::{self, Opening};
use super::{CLOCK_TOLERANCE, VERSION_UPDATE, remember, say};

/// EKS does not tell when an update ended. Where this object has not seen it either, the update is taken to have lasted for so
/// long: over 60 minutes have been seen.
const UPDATES_LAST: SignedDuration = SignedDuration::from_mins(90);

/// As many bytes of a hold's value are said: AWS takes no tag that is longer in characters.
const HOLD_SAID: usize = 256;

/// How often freezes and windows are weighed against each other before it counts as unknown when both let a hop start.
const ROUNDS: usize = 64;

/// What governs the time of a hop.
#[derive(Clone, Debug)]
pub struct Timing<'a> {
    facts: &'a Facts<'a>,
    gates: &'a Gates,
    view: &'a ClusterView,
    bake: Option<Bake>,
}

/// The time for which the cluster stays at its version.
#[derive(Clone, Debug)]
struct Bake {
    update: String,
    ends_at: Timestamp,
}

impl<'a> Timing<'a> {
    /// For a hop from the present version; `updates` are those of the cluster.
    pub fn of(
        facts: &'a Facts<'a>,
        gates: &'a Gates,
        view: &'a ClusterView,
        updates: &[UpdateView],
        hop: Hop,
    ) -> Self {
        Self {
            facts,
            gates,
            view,
            bake: bake(facts, gates, updates, hop),
        }
    }

    /// The cluster's own veto: the value of its tag, as much of it as is said.
    pub fn hold(&self) -> Option<String> {
        let value = self.view.hold.as_deref()?;
        Some(plain(value, HOLD_SAID))
    }

    /// The freeze that counts now; of several the one that lasts longest.
    pub fn freeze(&self) -> Option<&Freeze> {
        freeze_at(self.facts, self.facts.now)
    }

    /// What the windows say now.
    pub fn opening(&self) -> Opening {
        window::opening(&self.gates.windows, self.facts.now)
    }

    /// Until when the present version is kept, and since which update, while it is.
    pub fn baking(&self) -> Option<(&str, Timestamp)> {
        let bake = self.bake.as_ref()?;
        (self.facts.now < bake.ends_at).then_some((bake.update.as_str(), bake.ends_at))
    }

    /// The earliest time at or after now at which freezes, windows and baking let the hop start. `None` where that is not known.
    pub fn earliest(&self) -> Option<Timestamp> {
        let baked = self.baking().map(|(_, end)| end);
        self.earliest_from(baked.unwrap_or(self.facts.now))
    }

    /// Whether a time is not now and not past.
    pub fn is_to_come(&self, at: Timestamp) -> bool {
        at > self.facts.now
    }

    /// The same for a hop after this one, which ends at `end` at the earliest.
    pub fn earliest_after(&self, end: Timestamp) -> Option<Timestamp> {
        self.earliest_from(after(end, self.gates.bake))
    }

    fn earliest_from(&self, from: Timestamp) -> Option<Timestamp> {
        let mut at = from;
        for _ in 0..ROUNDS {
            if let Some(freeze) = freeze_at(self.facts, at) {
                at = freeze.until?;
                continue;
            }
            match window::opening(&self.gates.windows, at) {
                Opening::Open => return Some(at),
                Opening::At(start) => at = start,
                Opening::Never => return None,
            }
        }
        None
    }

    /// Why the hop does not start now: the first of them by precedence.
    pub fn closed(&self, cluster: &str, hop: Hop) -> Option<(Reason, String, Wake)> {
        let noun = say::noun(hop.kind());
        let Hop { from, to, .. } = hop;
        let resync = Wake::After(self.facts.settings.resync_interval);
        let earliest = self.earliest();
        let starts = earliest.map_or_else(String::new, |at| {
            format!(" The {noun} from {from} to {to} starts at {}.", shown(at))
        });
        if let Some(value) = self.hold() {
            return Some((
                Reason::Held,
                format!(
                    "The tag {HOLD_TAG} of EKS cluster {cluster} holds the {noun} from {from} to {to}: {value:?}. Its team lifts the hold by removing the tag; it is looked at again by itself."
                ),
                resync,
            ));
        }
        if let Some(Freeze { name, reason, .. }) = self.freeze() {
            let starts = if starts.is_empty() {
                format!(" The {noun} from {from} to {to} starts once it is gone.")
            } else {
                starts
            };
            return Some((
                Reason::Frozen,
                format!(
                    "UpgradeFreeze {name} stops all starts: {}{starts}",
                    say::sentence(reason)
                ),
                self.wake(earliest),
            ));
        }
        if self.opening() != Opening::Open {
            let remedy = if hop.is_rollback() {
                " A rollback waits for a window too: add one to spec.schedule.windows if it cannot wait."
            } else {
                ""
            };
            return Some((
                Reason::OutsideWindow,
                format!("No window of spec.schedule is open.{starts}{remedy}"),
                self.wake(earliest),
            ));
        }
        let (update, end) = self.baking()?;
        Some((
            Reason::Baking,
            format!(
                "spec.schedule.bake keeps cluster {cluster} at {from} until {} (after update {update}), so that it can still be rolled back.{starts}",
                shown(end)
            ),
            self.wake(earliest),
        ))
    }

    /// When to look again: at the opening, and meanwhile as any other object that waits.
    fn wake(&self, opening: Option<Timestamp>) -> Wake {
        let resync = self.facts.settings.resync_interval;
        let ahead = |wait: SignedDuration| {
            if wait > REFRESH_BEFORE {
                wait - REFRESH_BEFORE
            } else {
                wait
            }
        };
        let is_near = |wait: SignedDuration| {
            let rest = wait.checked_sub(resync);
            rest.is_some_and(|rest| rest <= resync / 2)
        };
        match opening.map(|at| ahead(until(self.facts.now, at))) {
            Some(wait) if wait <= resync => Wake::Exactly(wait),
            // Other looks are spread over the interval, up to half of it later, and would be past it.
            Some(wait) if is_near(wait) => Wake::Exactly(resync),
            _ => Wake::After(resync),
        }
    }
}

fn freeze_at<'a>(facts: &'a Facts<'_>, at: Timestamp) -> Option<&'a Freeze> {
    facts
        .standing
        .freezes
        .iter()
        .filter(|freeze| freeze.is_on(at))
        .max_by_key(|freeze| (freeze.until.is_none(), freeze.until, &freeze.name))
}

/// A rollback is what the baking is for, so that it waits for none; and after one there is nothing to go back to.
fn bake(facts: &Facts<'_>, gates: &Gates, updates: &[UpdateView], hop: Hop) -> Option<Bake> {
    if gates.bake.is_zero() || hop.is_rollback() {
        return None;
    }
    let last = LastSuccess::of(facts, updates)
        .filter(|last| last.kind == VERSION_UPDATE && last.to == Some(hop.from))?;
    let seen = remember::known(facts.memory, &last.id).and_then(|update| update.finished_at);
    let ended = seen
        // A time to come was written by a clock that was wrong; by a little, it is another replica's.
        .filter(|at| *at <= after(facts.now, CLOCK_TOLERANCE))
        // So was one before EKS itself had begun.
        .filter(|at| {
            let began = last.created_at;
            began.is_none_or(|began| *at >= before(began, CLOCK_TOLERANCE))
        })
        .or_else(|| last.created_at.map(|at| after(at, UPDATES_LAST)))?;
    Some(Bake {
        ends_at: after(ended, gates.bake),
        update: last.id,
    })
}
