//! What this process knows of the objects beyond what the watch shows: its own writes, its live reads, and what it has
//! looked at already.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Body, Key, Stored};

/// Kept by every face of the port, so that all of them answer a lagging watch in the same way.
#[derive(Debug, Default)]
pub struct Seen(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Own writes and live reads that the watch has not shown yet.
    ahead: HashMap<Key, Arc<Stored>>,
    /// What of each object the last trigger or own write had.
    marks: HashMap<Key, Mark>,
}

/// What of an object differs from what this process saw or wrote last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing that matters.
    None,
    /// Only its status, which speaks of the present generation: another replica wrote it, or somebody edited it.
    Status,
    /// What is asked for, which object it is, or that its status was wiped.
    Asked,
}

impl Seen {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an object in the watch. Says in what that matters it differs from what this process saw or wrote
    /// last: own status writes and relists are no reason to look at EKS again.
    pub fn saw(&self, object: &Stored) -> News {
        let mark = mark(object);
        let mut state = self.state();
        if state
            .ahead
            .get(&object.key)
            .is_some_and(|ahead| !ahead.is_newer_than(object))
        {
            state.ahead.remove(&object.key);
        }
        match state.marks.insert(object.key.clone(), mark) {
            Some(known) if known == mark => News::None,
            Some(known) if known.asked == mark.asked && is_decided_on(object) => News::Status,
            _ => News::Asked,
        }
    }

    /// Forgets a deleted object.
    pub fn forget(&self, key: &Key) {
        let mut state = self.state();
        state.ahead.remove(key);
        state.marks.remove(key);
    }

    /// Takes note of what is about to be written: the watch may show it before the answer arrives. Of an object that the
    /// watch does not show at the moment no note is taken: when it comes back, that is news.
    pub fn writes(&self, next: &Stored) {
        let mark = mark(next);
        if let Some(known) = self.state().marks.get_mut(&next.key) {
            *known = mark;
        }
    }

    /// Keeps what was read live or written before the watch shows it, so that a watch that lags, or has died unnoticed,
    /// does not have the same old state decided on again and again. Nothing is kept of an object that is gone from it.
    pub fn keep(&self, object: &Arc<Stored>) {
        let mut state = self.state();
        if !state.marks.contains_key(&object.key) {
            return;
        }
        let known = state.ahead.get(&object.key);
        if known.is_none_or(|known| !known.is_newer_than(object)) {
            state.ahead.insert(object.key.clone(), Arc::clone(object));
        }
    }

    /// The later of what the watch shows of an object and what is known beyond it.
    pub fn latest(&self, key: &Key, watched: Option<Arc<Stored>>) -> Option<Arc<Stored>> {
        let ahead = self.state().ahead.get(key).cloned();
        match (watched, ahead) {
            (Some(watched), Some(ahead)) if ahead.is_newer_than(&watched) => Some(ahead),
            (watched, _) => watched,
        }
    }
}

/// What of an object matters for whether it is looked at again, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    asked: u64,
    status: u64,
}

fn mark(object: &Stored) -> Mark {
    let Stored {
        key: _,
        uid,
        resource_version: _,
        generation,
        created_at: _,
        deleting,
        retry_requested_at,
        // They are edited for many reasons, and few freezes select by them: the next look will do.
        labels: _,
        body,
    } = object;
    let (status, unreadable) = match body {
        // The text form: a status has no cheaper identity, and one is made per event only.
        Ok(Body { spec: _, status }) => (serde_json::to_string(status).unwrap_or_default(), None),
        Err(error) => (String::new(), Some(&error.0)),
    };
    Mark {
        asked: hashed((uid, generation, deleting, retry_requested_at, unreadable)),
        status: hashed(status),
    }
}

/// Whether somebody has decided on the object as it is asked for now.
fn is_decided_on(object: &Stored) -> bool {
    object
        .body
        .as_ref()
        .is_ok_and(|body| body.status.observed_generation == Some(object.generation))
}

fn hashed(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use crate::store::Unreadable;

    fn object(version: &str) -> Arc<Stored> {
        Arc::new(Stored {
            key: Key {
                namespace: "team".to_owned(),
                name: "prod".to_owned(),
            },
            uid: "uid-1".to_owned(),
            resource_version: version.to_owned(),
            generation: 1,
            created_at: Timestamp::UNIX_EPOCH,
            deleting: false,
            retry_requested_at: None,
            labels: BTreeMap::new(),
            body: Err(Unreadable("as it is in this test".to_owned())),
        })
    }

    #[test]
    fn what_was_seen_or_written_is_no_news_and_what_a_lagging_watch_hides_is_kept() {
        let seen = Seen::default();
        let (before, after) = (object("1"), object("2"));
        assert_eq!(seen.saw(&before), News::Asked);
        assert_eq!(seen.saw(&before), News::None);
        seen.writes(&after);
        seen.keep(&after);
        let latest = seen.latest(&before.key, Some(Arc::clone(&before)));
        assert_eq!(latest.as_deref(), Some(&*after));
        assert_eq!(seen.saw(&after), News::None);
    }

    /// Somebody may edit them many times a second.
    #[test]
    fn labels_are_no_news() {
        let seen = Seen::default();
        let before = object("1");
        seen.saw(&before);
        let labelled = Stored {
            labels: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
            ..Stored::clone(&object("2"))
        };
        assert_eq!(seen.saw(&labelled), News::None);
    }

    /// A list that was too old did not show the object, while its status was being written.
    #[test]
    fn an_object_that_comes_back_is_news_whatever_was_written_meanwhile() {
        let seen = Seen::default();
        let (before, after) = (object("1"), object("2"));
        seen.saw(&before);
        seen.forget(&before.key);
        seen.writes(&after);
        seen.keep(&after);
        assert_eq!(seen.saw(&after), News::Asked);
    }

    #[test]
    fn of_an_object_that_is_gone_nothing_is_kept() {
        let seen = Seen::default();
        let (before, after) = (object("1"), object("2"));
        seen.saw(&before);
        seen.forget(&before.key);
        seen.writes(&after);
        seen.keep(&after);
        assert_eq!(seen.latest(&before.key, Some(before.clone())), Some(before));
        assert!(seen.state().marks.is_empty());
    }
}
