//! Objects that are to be looked at and are not yet: how deep the queue is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::Key;

/// When each object is due for its next look, as far as that is known.
#[derive(Debug, Default)]
pub struct Pending(Mutex<HashMap<Key, Instant>>);

impl Pending {
    fn due(&self) -> MutexGuard<'_, HashMap<Key, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object is to be looked at after `wait`, if not before: of several times the earliest counts.
    pub fn due_in(&self, key: Key, wait: Duration) {
        let Some(at) = Instant::now().checked_add(wait) else {
            return;
        };
        let mut due = self.due();
        let known = due.entry(key).or_insert(at);
        *known = at.min(*known);
    }

    /// A look at an object begins, or it is gone.
    pub fn begun(&self, key: &Key) {
        self.due().remove(key);
    }

    /// How many wait although their time has come.
    pub fn count(&self) -> usize {
        let now = Instant::now();
        self.due().values().filter(|at| **at <= now).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key {
            namespace: "ns".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn who_is_due_waits_until_its_look_begins() {
        let (pending, hour) = (Pending::default(), Duration::from_hours(1));
        pending.due_in(key("a"), Duration::ZERO);
        pending.due_in(key("a"), Duration::ZERO);
        pending.due_in(key("b"), hour);
        assert_eq!(pending.count(), 1);
        // It was to be looked at later, and something wakes it.
        pending.due_in(key("b"), Duration::ZERO);
        assert_eq!(pending.count(), 2);
        pending.begun(&key("a"));
        pending.begun(&key("b"));
        assert_eq!(pending.count(), 0);
        // A change during its look counts, whenever else it is due.
        pending.due_in(key("a"), Duration::ZERO);
        pending.due_in(key("a"), hour);
        assert_eq!(pending.count(), 1);
        pending.due_in(key("c"), Duration::MAX);
        assert_eq!(pending.count(), 1);
    }
}
