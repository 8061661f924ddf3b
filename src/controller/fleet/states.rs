//! How many objects are in each state, and for how long objects have been.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::Reason;

/// Counts and times, by reason.
#[derive(Debug, Default)]
pub struct States(BTreeMap<Reason, Tally>);

/// The objects in one state. Their times are not kept one by one: the sum of them grows by one second a second for each.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    count: u32,
    /// The sum of all objects' times, up to `until`.
    time: Duration,
    until: Duration,
}

impl Tally {
    fn time_at(self, at: Duration) -> Duration {
        let since = at.saturating_sub(self.until).saturating_mul(self.count);
        self.time.saturating_add(since)
    }

    fn counts(&mut self, count: u32, at: Duration) {
        *self = Self {
            count,
            time: self.time_at(at),
            until: self.until.max(at),
        };
    }
}

impl States {
    /// An object was in one state, or not there, and is in another, or gone.
    pub fn change(&mut self, from: Option<Reason>, to: Option<Reason>, at: Duration) {
        if from == to {
            return;
        }
        if let Some(tally) = from.and_then(|reason| self.0.get_mut(&reason)) {
            tally.counts(tally.count.saturating_sub(1), at);
        }
        if let Some(reason) = to {
            let tally = self.0.entry(reason).or_default();
            tally.counts(tally.count.saturating_add(1), at);
        }
    }

    /// Times count from now on.
    pub fn begin(&mut self, at: Duration) {
        for tally in self.0.values_mut() {
            tally.time = Duration::ZERO;
            tally.until = at;
        }
    }

    /// How many objects have each reason; reasons that none has any more are zero.
    pub fn counts(&self) -> Vec<(&'static str, i64)> {
        let all = self.all();
        all.map(|(reason, tally)| (reason, i64::from(tally.count)))
            .collect()
    }

    /// For how long objects have had each reason, in sum.
    pub fn times(&self, at: Duration) -> Vec<(&'static str, Duration)> {
        let all = self.all();
        all.map(|(reason, tally)| (reason, tally.time_at(at)))
            .collect()
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, Tally)> {
        Reason::ALL.into_iter().map(|reason| {
            let tally = self.0.get(&reason).copied().unwrap_or_default();
            (reason.as_str(), tally)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_summed_over_objects_and_never_go_back() {
        let mut states = States::default();
        let at = Duration::from_secs;
        let (queued, frozen) = (Some(Reason::Queued), Some(Reason::Frozen));
        let of = |states: &States, reason: Reason, second| {
            let times = states.times(at(second));
            let found = times.iter().find(|(name, _)| *name == reason.as_str());
            found.unwrap().1
        };
        states.change(None, queued, at(10));
        states.change(None, queued, at(20));
        assert_eq!(of(&states, Reason::Queued, 30), at(30));
        // Noted again as it is.
        states.change(queued, queued, at(30));
        states.change(queued, frozen, at(40));
        assert_eq!(of(&states, Reason::Queued, 40), at(50));
        states.change(queued, None, at(50));
        assert_eq!(of(&states, Reason::Queued, 99), at(60));
        assert_eq!(of(&states, Reason::Frozen, 99), at(59));
        // Two that take turns at the lock may come in the other order.
        states.change(None, frozen, at(39));
        assert_eq!(of(&states, Reason::Frozen, 39), at(0));
        states.change(frozen, None, at(60));
        assert_eq!(of(&states, Reason::Frozen, 60), at(40));
        assert!(states.counts().contains(&(Reason::Frozen.as_str(), 1)));
        // What another replica has counted meanwhile is not counted again.
        states.begin(at(100));
        assert_eq!(of(&states, Reason::Frozen, 103), at(3));
        assert_eq!(of(&states, Reason::Queued, 103), at(0));
    }
}
