//! What of EKS's answers stays true: updates that have finished, and for an hour the versions on offer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::eks::{OfferedVersion, Target, UpdateView};

/// For how long an answer of DescribeClusterVersions will do.
const VERSIONS_LAST: SignedDuration = SignedDuration::from_hours(1);

/// Shared by all objects.
#[derive(Debug, Default)]
pub struct Cache(Mutex<State>);

/// Account and region.
type Place = (String, String);

/// What was on offer, and when.
type Offer = (Timestamp, Arc<[OfferedVersion]>);

#[derive(Debug, Default)]
struct State {
    finished: HashMap<Target, HashMap<String, Finished>>,
    versions: HashMap<Place, Offer>,
}

/// An update that has ended: EKS does not change it any more.
#[derive(Clone, Debug)]
pub enum Finished {
    /// A version update, which matters for the next start.
    Version(Arc<UpdateView>),
    /// Another one, which does not.
    Other,
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The finished updates of a cluster among `listed`; what is no longer listed is dropped.
    pub fn finished(&self, target: &Target, listed: &[String]) -> HashMap<String, Finished> {
        let mut state = self.state();
        let Some(known) = state.finished.get_mut(target) else {
            return HashMap::new();
        };
        known.retain(|id, _| listed.contains(id));
        known.clone()
    }

    /// Remembers an update that has ended.
    pub fn remember(&self, target: &Target, id: String, update: Finished) {
        self.state()
            .finished
            .entry(target.clone())
            .or_default()
            .insert(id, update);
    }

    /// Forgets a cluster whose object is gone. Another object of the same cluster asks EKS anew.
    pub fn forget(&self, target: &Target) {
        self.state().finished.remove(target);
    }

    /// The versions on offer, if asked for within the last hour.
    pub fn versions(&self, target: &Target, now: Timestamp) -> Option<Arc<[OfferedVersion]>> {
        let state = self.state();
        let (at, versions) = state.versions.get(&place(target))?;
        // Also not one of a time to come, by a clock that was set back since.
        let age = now.duration_since(*at);
        (!age.is_negative() && age < VERSIONS_LAST).then(|| Arc::clone(versions))
    }

    /// Remembers the versions on offer.
    pub fn remember_versions(
        &self,
        target: &Target,
        versions: Arc<[OfferedVersion]>,
        now: Timestamp,
    ) {
        self.state().versions.insert(place(target), (now, versions));
    }

    /// Forgets the versions on offer: EKS refused one of them.
    pub fn forget_versions(&self, target: &Target) {
        self.state().versions.remove(&place(target));
    }
}

fn place(target: &Target) -> Place {
    (target.account_id.clone(), target.region.clone())
}
