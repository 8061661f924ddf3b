//! How long the updates of all objects took, so that the next ones are looked at when they usually end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::api::{ClusterUpgradeStatus, Update, UpdateStatus};
use crate::plan::{Durations, Usual, VERSION_ROLLBACK};

/// So many of each type are kept: the last ones, whichever objects they were of.
const KEPT: usize = 32;

/// What has been learned of all objects. Statuses remember it over a restart.
#[derive(Debug, Default)]
pub struct Lengths(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    upgrades: Last,
    rollbacks: Last,
    learned: Durations,
}

/// The updates of one type that ended last: by when that was and their id, so that one that is shown again counts once.
#[derive(Debug, Default)]
struct Last(BTreeMap<(Timestamp, String), SignedDuration>);

impl Last {
    /// Takes an update in. Says whether it is another one.
    fn take(&mut self, ended: Timestamp, id: &str, took: SignedDuration) -> bool {
        let is_old = self.0.len() >= KEPT
            && self
                .0
                .first_key_value()
                .is_some_and(|((oldest, _), _)| ended < *oldest);
        if is_old || self.0.insert((ended, id.to_owned()), took) == Some(took) {
            return false;
        }
        if self.0.len() > KEPT {
            self.0.pop_first();
        }
        true
    }

    fn usual(&self) -> Option<Usual> {
        Usual::learned(self.0.values().copied())
    }
}

impl Lengths {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a status tells of updates that were successful. One that failed or was cancelled says nothing of how long
    /// others take.
    pub fn learn(&self, status: &ClusterUpgradeStatus, now: Timestamp) {
        let known = status.update.iter().chain(&status.history);
        let mut state = self.state();
        let mut is_news = false;
        for (update, (id, began, ended)) in known.filter_map(|it| Some((it, length(it)?))) {
            // A time to come, or an end before the beginning, was written by a clock that was wrong, or by anybody.
            if ended > now || ended < began {
                continue;
            }
            let last = if update.kind == VERSION_ROLLBACK {
                &mut state.rollbacks
            } else {
                &mut state.upgrades
            };
            is_news |= last.take(ended, id, ended.duration_since(began));
        }
        if is_news {
            state.learned = Durations {
                upgrade: state.upgrades.usual(),
                rollback: state.rollbacks.usual(),
            };
        }
    }

    /// How long updates take, as far as is known now.
    pub fn now(&self) -> Durations {
        self.state().learned
    }
}

/// Which update it was, when it began and when it was seen to have ended.
fn length(update: &Update) -> Option<(&str, Timestamp, Timestamp)> {
    if update.status != Some(UpdateStatus::Successful) {
        return None;
    }
    Some((
        update.id.as_deref()?,
        update.created_at?,
        update.finished_at?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Minor;
    use crate::plan::VERSION_UPDATE;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn update(id: &str, kind: &str, ended: i64, took: i64) -> Update {
        Update {
            id: Some(id.to_owned()),
            kind: kind.to_owned(),
            status: Some(UpdateStatus::Successful),
            from_version: Minor::new(33),
            to_version: Minor::new(34),
            for_version: None,
            client_request_token: None,
            attempt: None,
            sends: None,
            force: false,
            timeout: None,
            requested_at: None,
            last_send_at: None,
            created_at: Some(at(ended - took)),
            finished_at: Some(at(ended)),
            errors: Vec::new(),
            cancel: None,
        }
    }

    fn status(history: impl IntoIterator<Item = Update>) -> ClusterUpgradeStatus {
        ClusterUpgradeStatus {
            history: history.into_iter().collect(),
            ..ClusterUpgradeStatus::default()
        }
    }

    const NOW: i64 = 1_000_000;

    #[test]
    fn three_updates_of_a_type_tell_when_the_next_usually_ends() {
        let lengths = Lengths::default();
        let learn = |update: Update| lengths.learn(&status([update]), at(NOW));
        learn(update("a", VERSION_UPDATE, 1_000, 500));
        learn(update("b", VERSION_UPDATE, 2_000, 600));
        learn(update("b", VERSION_UPDATE, 2_000, 600));
        learn(update("r", VERSION_ROLLBACK, 2_000, 900));
        assert_eq!(lengths.now(), Durations::default(), "one is shown twice");
        learn(update("c", VERSION_UPDATE, 3_000, 550));
        let Durations { upgrade, rollback } = lengths.now();
        let usual = upgrade.unwrap();
        assert_eq!((usual.early.as_secs(), usual.late.as_secs()), (450, 660));
        assert_eq!(rollback, None);
    }

    #[test]
    fn the_update_in_status_counts_as_those_before_it() {
        let lengths = Lengths::default();
        let ended = |id: &str, ended| update(id, VERSION_ROLLBACK, ended, 100);
        let shown = ClusterUpgradeStatus {
            update: Some(ended("c", 3_000)),
            ..status([ended("b", 2_000), ended("a", 1_000)])
        };
        lengths.learn(&shown, at(NOW));
        assert!(lengths.now().rollback.is_some());
        assert_eq!(lengths.now().upgrade, None);
    }

    #[test]
    fn what_tells_nothing_of_the_next_is_not_counted() {
        let lengths = Lengths::default();
        for (n, change) in [
            (|it: &mut Update| it.status = Some(UpdateStatus::Failed)) as fn(&mut Update),
            |it| it.status = None,
            |it| it.created_at = None,
            |it| it.finished_at = None,
            |it| it.id = None,
            |it| it.finished_at = Some(at(NOW + 1)),
            |it| it.finished_at = Some(at(1)),
        ]
        .into_iter()
        .enumerate()
        {
            let like = ["a", "b", "c"].map(|id| {
                let mut it = update(&format!("{id}{n}"), VERSION_UPDATE, 5_000, 500);
                change(&mut it);
                it
            });
            lengths.learn(&status(like), at(NOW));
            assert_eq!(lengths.now(), Durations::default(), "case {n}");
        }
    }

    /// Whichever order objects are listed in after a restart, and however often they are shown.
    #[test]
    fn the_last_ones_count_in_any_order() {
        let all: Vec<Update> = (0..500)
            .map(|n| update(&format!("id-{n}"), VERSION_UPDATE, 10_000 + n, 600 + n % 50))
            .collect();
        let learned = |updates: Vec<Update>| {
            let lengths = Lengths::default();
            for update in updates {
                lengths.learn(&status([update]), at(NOW));
            }
            let kept = lengths.state().upgrades.0.len();
            assert_eq!(kept, KEPT);
            lengths.now()
        };
        let forward = learned(all.clone());
        assert_eq!(forward, learned(all.iter().rev().cloned().collect()));
        assert_eq!(forward, learned([all.clone(), all].concat()));
    }
}
