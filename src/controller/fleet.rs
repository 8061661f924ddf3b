//! All objects at a glance: who owns which cluster, how many updates run, and who waits for a turn.
//!
//! Everything is kept by index, so that what one object costs does not depend on how many there are.
//! Times are of the monotonic clock: `at` is the moment of a call.

mod shown;
mod states;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::api::{ClusterRef, ClusterUpgradeStatus, Reason, condition};
use crate::metrics::Glance;
use crate::plan::Settings;
use crate::store::{Body, Key, Stored};

use super::access::Access;
use super::context::Clock;
use shown::Shown;
use states::States;

/// So many of those who do not own a cluster are looked at when another object comes to own it, so that they say whose it is.
/// The others of a crowd say it with their next resync: each is one look, and a change of each one must not wake each other.
const TOLD_OF_A_NEW_OWNER: usize = 8;

/// Age, then uid: who is first among several.
type Seniority = (Timestamp, String);

/// All who want the same cluster; the first owns it.
type Owners = BTreeSet<(Seniority, Key)>;

/// The objects this process watches, in all its namespaces.
#[derive(Debug, Default)]
pub struct Fleet(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Who may not upgrade a cluster does not own it either: a namespace could keep others from theirs.
    access: Access,
    /// In order, so that those of a namespace are found without looking at the others.
    objects: BTreeMap<Key, Entry>,
    owners: HashMap<ClusterRef, Owners>,
    /// Uids of objects with an open intent or a running update.
    in_flight: HashSet<String>,
    /// Uids whose intent is being written.
    claims: HashSet<String>,
    waiting: BTreeMap<Seniority, Key>,
    states: States,
    shown: Shown,
}

#[derive(Clone, Debug)]
struct Entry {
    uid: String,
    seniority: Seniority,
    revision: Option<u64>,
    cluster: Option<ClusterRef>,
    deleting: bool,
    reason: Option<Reason>,
}

/// Whether an object may start an update now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may, and its place is held until its intent is written or given up.
    Yours,
    /// As many run as may.
    Wait,
}

impl Fleet {
    /// No objects yet; what they may do is told by `access`.
    pub fn new(access: Access) -> Self {
        Self(Mutex::new(State {
            access,
            ..State::default()
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an object's state, from the watch or from an own write. Returns who should be looked at again:
    /// whom its cluster belongs to when it began or ceased to own it, with some of the others, and who waits for a turn when
    /// one came free.
    pub fn note(&self, object: &Stored, at: Duration) -> Vec<Key> {
        self.state().note(object, at)
    }

    /// Takes note of an own write. One to an object that was deleted in the meantime does not bring it back.
    pub fn note_written(&self, object: &Stored, at: Duration) -> Vec<Key> {
        let mut state = self.state();
        if state.knows(object) {
            state.note(object, at)
        } else {
            Vec::new()
        }
    }

    /// Forgets a deleted object, unless another of the same name is known already.
    pub fn forget(&self, key: &Key, uid: &str, at: Duration) -> Vec<Key> {
        let mut state = self.state();
        if state.objects.get(key).is_none_or(|entry| entry.uid != uid) {
            return Vec::new();
        }
        state.remove(key, at)
    }

    /// Forgets the objects of a scope (a namespace, or all) that a relist did not show. Returns them, and whom to wake.
    pub fn retain(
        &self,
        namespace: Option<&str>,
        listed: &HashSet<Key>,
        at: Duration,
    ) -> (Vec<(Key, String)>, Vec<Key>) {
        let mut state = self.state();
        let from = namespace.map(|namespace| Key {
            namespace: namespace.to_owned(),
            name: String::new(),
        });
        let scope = state.objects.range((
            from.map_or(Bound::Unbounded, Bound::Included),
            Bound::Unbounded,
        ));
        let gone: Vec<(Key, String)> = scope
            .take_while(|(key, _)| namespace.is_none_or(|namespace| key.namespace == namespace))
            .filter(|(key, _)| !listed.contains(*key))
            .map(|(key, entry)| (key.clone(), entry.uid.clone()))
            .collect();
        let removed = gone.iter().flat_map(|(key, _)| state.remove(key, at));
        let woken = removed.collect();
        (gone, woken)
    }

    /// The object that owns the cluster, if it is not the one of this uid: the oldest that is not being deleted.
    pub fn owner_other_than(&self, cluster: &ClusterRef, uid: &str) -> Option<Key> {
        let state = self.state();
        let ((_, owner), key) = state.owners.get(cluster)?.first()?;
        (owner != uid).then(|| key.clone())
    }

    /// Asks for a turn among at most `most` running updates. Those who wait go first by age.
    pub fn claim(&self, object: &Stored, most: u32) -> Turn {
        let mut state = self.state();
        let seniority = (object.created_at, object.uid.clone());
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        // There are no more claims than looks at a time.
        let claims = state.claims.difference(&state.in_flight).count();
        let running = state.in_flight.len().saturating_add(claims);
        // A claim of its own that a bug left behind must not stand in its way.
        let is_own = state.in_flight.contains(&object.uid) || state.claims.contains(&object.uid);
        let free = most.saturating_sub(running.saturating_sub(usize::from(is_own)));
        // Counting stops at what is free: what a turn costs does not grow with the queue.
        let ahead = state.waiting.range(..&seniority).take(free).count();
        if ahead < free {
            state.waiting.remove(&seniority);
            state.claims.insert(object.uid.clone());
            Turn::Yours
        } else {
            // One that was deleted while it was looked at would stand at the head of the line for ever.
            if state.knows(object) {
                state.waiting.insert(seniority, object.key.clone());
            }
            Turn::Wait
        }
    }

    /// Gives a turn back, whether or not it was used: a written intent counts by itself.
    pub fn release(&self, object: &Stored) -> Vec<Key> {
        let mut state = self.state();
        if state.claims.remove(&object.uid) {
            state.next_in_line()
        } else {
            Vec::new()
        }
    }

    /// No longer waits for a turn: there is nothing to start at the moment.
    pub fn step_aside(&self, object: &Stored) -> Vec<Key> {
        let mut state = self.state();
        let seniority = (object.created_at, object.uid.clone());
        if state.waiting.remove(&seniority).is_some() {
            state.next_in_line()
        } else {
            Vec::new()
        }
    }

    /// This replica leads from now on: what objects wait for is its to count.
    pub fn lead_begins(&self, at: Duration) {
        self.state().states.begin(at);
    }

    /// All of it in numbers.
    pub fn glance(&self, settings: &Settings, clock: &impl Clock) -> Glance {
        let state = self.state();
        let State {
            access: _,
            objects,
            owners: _,
            in_flight,
            claims: _,
            waiting: _,
            states,
            shown,
        } = &*state;
        let stalled = objects.iter().filter_map(|(key, entry)| {
            // Nobody has to see to one that is on its way out.
            let reason = entry
                .reason
                .filter(|it| it.is_stalled() && !entry.deleting)?;
            Some((key.clone(), reason.as_str()))
        });
        Glance {
            reasons: states.counts(),
            state_times: states.times(clock.monotonic()),
            stalled: stalled.collect(),
            running: in_flight.len(),
            running_updates: shown.running_updates(settings, clock.now()),
            clusters: shown.clusters(),
            rollback_windows: shown.rollback_windows(),
            checks: shown.checks(),
            support_ends: shown.support_ends(),
        }
    }

    /// Those that have something to do and go on by themselves, whom a freeze may concern. Looks at all of them, and so is for
    /// what happens seldom.
    pub fn with_something_to_do(&self) -> Vec<Key> {
        let state = self.state();
        let objects = state.objects.iter().filter(|(_, entry)| {
            let is_done = entry
                .reason
                .is_some_and(|reason| reason == Reason::UpToDate || reason.is_stalled());
            !is_done && !entry.deleting
        });
        objects.map(|(key, _)| key.clone()).collect()
    }
}

impl State {
    fn note(&mut self, object: &Stored, at: Duration) -> Vec<Key> {
        let Stored {
            key,
            uid,
            resource_version: _,
            generation: _,
            created_at,
            deleting,
            retry_requested_at: _,
            labels: _,
            body,
        } = object;
        let old = self.objects.get(key);
        let is_stale = old.is_some_and(|old| {
            old.uid == *uid && matches!((old.revision, object.revision()), (Some(known), Some(new)) if new < known)
        });
        if is_stale {
            return Vec::new();
        }
        let (cluster, in_flight, reason) = match body {
            Ok(Body { spec, status }) => {
                // Nothing may be asked for one that is not let, so that its place would never come free.
                let is_let = self.access.lets(&key.namespace, spec);
                (
                    Some(spec.cluster.clone()).filter(|_| is_let),
                    is_let && is_in_flight(status),
                    ready_reason(status),
                )
            }
            // What it owns and runs is as it was when it could still be read.
            Err(_) => (
                old.and_then(|old| old.cluster.clone()),
                self.in_flight.contains(uid),
                Some(Reason::InvalidSpec),
            ),
        };
        let new = Entry {
            uid: uid.clone(),
            seniority: (*created_at, uid.clone()),
            revision: object.revision(),
            cluster,
            deleting: *deleting,
            reason,
        };
        let mut woken = Vec::new();
        let old = old.cloned();
        let is_same = old.as_ref().is_some_and(|old| {
            old.uid == new.uid && old.cluster == new.cluster && old.deleting == new.deleting
        });
        if !is_same {
            match &old {
                Some(old) if old.uid == new.uid => woken.extend(self.leave_cluster(key, old)),
                // Another object of this name: the one before is gone.
                Some(_) => woken.extend(self.remove(key, at)),
                None => {}
            }
            if let Some(cluster) = new.cluster.clone().filter(|_| !new.deleting) {
                let owners = self.owners.entry(cluster).or_default();
                let is_first = owners
                    .first()
                    .is_none_or(|(first, _)| new.seniority < *first);
                owners.insert((new.seniority.clone(), key.clone()));
                if is_first {
                    woken.extend(told(owners));
                }
            }
        }
        let had = self.objects.get(key).and_then(|old| old.reason);
        self.states.change(had, new.reason, at);
        // An object that is being deleted is no longer followed, so its place would never come free.
        if in_flight && !deleting {
            self.in_flight.insert(uid.clone());
        } else if self.in_flight.remove(uid) {
            woken.extend(self.next_in_line());
        }
        self.shown.note(key, body.as_ref().ok(), *deleting);
        self.objects.insert(key.clone(), new);
        woken.retain(|other| other != key);
        woken
    }

    fn remove(&mut self, key: &Key, at: Duration) -> Vec<Key> {
        let Some(entry) = self.objects.remove(key) else {
            return Vec::new();
        };
        self.shown.forget(key);
        let mut woken = self.leave_cluster(key, &entry);
        let Entry {
            uid,
            seniority,
            revision: _,
            cluster: _,
            deleting: _,
            reason,
        } = entry;
        self.states.change(reason, None, at);
        let waited = self.waiting.remove(&seniority).is_some();
        let claimed = self.claims.remove(&uid);
        let ran = self.in_flight.remove(&uid);
        // It may have been woken for a turn that it can no longer take.
        if waited || claimed || ran {
            woken.extend(self.next_in_line());
        }
        woken
    }

    /// Whether the watch has this very object.
    fn knows(&self, object: &Stored) -> bool {
        self.objects
            .get(&object.key)
            .is_some_and(|entry| entry.uid == object.uid)
    }

    /// No longer counts among those who want the cluster. Returns who is to be looked at, if it owned the cluster.
    fn leave_cluster(&mut self, key: &Key, entry: &Entry) -> Vec<Key> {
        let Some(cluster) = &entry.cluster else {
            return Vec::new();
        };
        let Some(owners) = self.owners.get_mut(cluster) else {
            return Vec::new();
        };
        let own = (entry.seniority.clone(), key.clone());
        let was_first = owners.first() == Some(&own);
        if !owners.remove(&own) {
            return Vec::new();
        }
        let woken = if was_first { told(owners) } else { Vec::new() };
        if owners.is_empty() {
            self.owners.remove(cluster);
        }
        woken
    }

    /// Whoever waits longest. One at a time is woken; it wakes the next if it does not need its turn.
    fn next_in_line(&self) -> Vec<Key> {
        self.waiting.values().next().cloned().into_iter().collect()
    }
}

/// Who is looked at when a cluster has another owner: that one, and some of the others. The former one, where it is still
/// there, is the oldest of these.
fn told(owners: &Owners) -> Vec<Key> {
    let first = owners.iter().take(1 + TOLD_OF_A_NEW_OWNER);
    first.map(|(_, key)| key.clone()).collect()
}

/// Whether an update is open or running, as far as is known. In a cluster that is gone none runs.
fn is_in_flight(status: &ClusterUpgradeStatus) -> bool {
    let is_open = status
        .update
        .as_ref()
        .is_some_and(|update| update.is_open_intent() || update.is_running());
    is_open && ready_reason(status) != Some(Reason::ClusterNotFound)
}

/// The reason of the Ready condition, as one of ours.
pub(super) fn ready_reason(status: &ClusterUpgradeStatus) -> Option<Reason> {
    let ready = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == condition::READY)?;
    Reason::ALL
        .into_iter()
        .find(|reason| reason.as_str() == ready.reason)
}

#[cfg(test)]
mod tests;
