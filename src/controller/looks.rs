//! Which objects are looked at, or wait for it.
//!
//! kube's runner polls everything that it has begun whenever any of it can go on (`FutureHashMap`), so that ten thousand looks
//! that wait for their turn would slow each other down. So it is only given what takes no time: to put an object in line, and
//! to keep the time of its next look.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::store::Key;

/// The looks of one watch. A copy shares them.
#[derive(Clone, Debug, Default)]
pub struct Looks(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Whether anything may be looked at.
    is_open: bool,
    /// What was due before that.
    early: HashSet<Key>,
    stages: HashMap<Key, Stage>,
    /// After how long an object is due again, until the runner has been told.
    next: HashMap<Key, Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It waits, and will be looked at as it is then.
    InLine,
    /// It is looked at.
    Begun,
    /// It is looked at as it was before something changed.
    Outdated,
}

/// What is to be done about an object that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put it in line.
    LineUp,
    /// Come back after this time.
    After(Duration),
    /// Nothing: somebody sees to it already.
    Nothing,
}

impl Looks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on objects are looked at. Returns those that are due.
    pub fn open(&self) -> HashSet<Key> {
        let mut state = self.state();
        state.is_open = true;
        std::mem::take(&mut state.early)
    }

    /// Something about an object has changed: it is due, whatever its last look says. The runner is told after this.
    pub fn changed(&self, key: &Key) {
        let mut state = self.state();
        state.next.remove(key);
        // The look may end before the runner comes to it.
        if let Some(stage @ Stage::Begun) = state.stages.get_mut(key) {
            *stage = Stage::Outdated;
        }
    }

    /// An object is due, or has been looked at.
    pub fn step(&self, key: &Key) -> Step {
        let mut state = self.state();
        if !state.is_open {
            state.early.insert(key.clone());
            return Step::Nothing;
        }
        if let Some(wait) = state.next.remove(key) {
            return Step::After(wait);
        }
        if state.stages.contains_key(key) {
            return Step::Nothing;
        }
        state.stages.insert(key.clone(), Stage::InLine);
        Step::LineUp
    }

    /// Its turn has come.
    pub fn begun(&self, key: &Key) {
        self.state().stages.insert(key.clone(), Stage::Begun);
    }

    /// A look has ended; the object is due after `wait`, or when it changes. Says whether the runner has something to do.
    pub fn ended(&self, key: &Key, wait: Option<Duration>) -> bool {
        let mut state = self.state();
        if state.stages.remove(key) == Some(Stage::Outdated) {
            return true;
        }
        if let Some(wait) = wait {
            state.next.insert(key.clone(), wait);
        }
        wait.is_some()
    }

    /// An object is gone.
    pub fn forget(&self, key: &Key) {
        self.state().next.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_mins(10);

    fn key() -> Key {
        Key {
            namespace: "team".to_owned(),
            name: "prod".to_owned(),
        }
    }

    fn open() -> Looks {
        let looks = Looks::default();
        assert!(looks.open().is_empty());
        looks
    }

    #[test]
    fn before_it_is_open_each_object_is_remembered_once() {
        let looks = Looks::default();
        for _ in 0..3 {
            assert_eq!(looks.step(&key()), Step::Nothing);
        }
        assert_eq!(looks.open(), HashSet::from([key()]));
        assert_eq!(looks.step(&key()), Step::LineUp);
    }

    #[test]
    fn an_object_is_looked_at_once_and_again_after_its_wait() {
        let looks = open();
        assert_eq!(looks.step(&key()), Step::LineUp);
        assert_eq!(looks.step(&key()), Step::Nothing, "it is in line");
        looks.begun(&key());
        assert!(looks.ended(&key(), Some(WAIT)));
        assert_eq!(looks.step(&key()), Step::After(WAIT));
        assert_eq!(looks.step(&key()), Step::LineUp, "its time has come");
        looks.begun(&key());
        assert!(!looks.ended(&key(), None));
    }

    #[test]
    fn what_changes_during_a_look_has_it_looked_at_again_at_once() {
        let looks = open();
        looks.step(&key());
        looks.begun(&key());
        looks.changed(&key());
        assert_eq!(looks.step(&key()), Step::Nothing);
        assert!(looks.ended(&key(), Some(WAIT)));
        assert_eq!(looks.step(&key()), Step::LineUp);
    }

    /// A new version was put off for a resync interval.
    #[test]
    fn what_changes_just_before_a_look_ends_is_not_put_off() {
        let looks = open();
        looks.step(&key());
        looks.begun(&key());
        looks.changed(&key());
        assert!(looks.ended(&key(), Some(WAIT)));
        // The runner is told once of both.
        assert_eq!(looks.step(&key()), Step::LineUp);
    }

    /// The runner is told of a change and of the end of a look, and may come to the second when the next look has begun.
    #[test]
    fn one_change_brings_one_look() {
        let looks = open();
        looks.step(&key());
        looks.begun(&key());
        looks.changed(&key());
        assert!(looks.ended(&key(), Some(WAIT)));
        assert_eq!(looks.step(&key()), Step::LineUp);
        looks.begun(&key());
        assert_eq!(looks.step(&key()), Step::Nothing);
        assert!(looks.ended(&key(), Some(WAIT)));
        assert_eq!(looks.step(&key()), Step::After(WAIT));
    }

    #[test]
    fn what_changes_right_after_a_look_is_not_put_off() {
        let looks = open();
        looks.step(&key());
        looks.begun(&key());
        assert!(looks.ended(&key(), Some(WAIT)));
        // The runner is told once of both.
        looks.changed(&key());
        assert_eq!(looks.step(&key()), Step::LineUp);
    }
}
