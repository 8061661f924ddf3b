//! What of EKS's answers stays true: updates that have finished, and for an hour the versions on offer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::api::Minor;
use crate::eks::{AddonVersion, OfferedVersion, Target, UpdateView};

use super::evidence::Kept;

/// For how long an answer of DescribeClusterVersions will do.
const VERSIONS_LAST: SignedDuration = SignedDuration::from_hours(1);

/// For how long it will do where nothing is started on it.
const VERSIONS_ARE_SHOWN_FOR: SignedDuration = SignedDuration::from_hours(24);

/// For how long an answer of DescribeAddonVersions will do.
const ADDON_VERSIONS_LAST: SignedDuration = SignedDuration::from_hours(1);

/// Shared by all objects.
#[derive(Debug, Default)]
pub struct Cache(Mutex<State>);

/// Account and region.
type Place = (String, String);

/// What was on offer, and when.
type Offer = (Timestamp, Arc<[OfferedVersion]>);

/// An add-on and the Kubernetes version that it is to fit.
type AddonOf = (Place, String, Minor);

/// The versions of it that do, and when that was asked.
type Fitting = (Timestamp, Arc<[AddonVersion]>);

#[derive(Debug, Default)]
struct State {
    finished: HashMap<Target, HashMap<String, Finished>>,
    versions: HashMap<Place, Offer>,
    addon_versions: HashMap<AddonOf, Fitting>,
    /// What the checks before a hop looked at last.
    evidence: HashMap<Target, Kept>,
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
        let mut state = self.state();
        state.finished.remove(target);
        state.evidence.remove(target);
    }

    /// The versions on offer, if asked for within the last hour.
    pub fn versions(&self, target: &Target, now: Timestamp) -> Option<Arc<[OfferedVersion]>> {
        self.versions_within(target, now, VERSIONS_LAST)
    }

    /// The same, asked for within the last day.
    pub fn versions_of_today(
        &self,
        target: &Target,
        now: Timestamp,
    ) -> Option<Arc<[OfferedVersion]>> {
        self.versions_within(target, now, VERSIONS_ARE_SHOWN_FOR)
    }

    fn versions_within(
        &self,
        target: &Target,
        now: Timestamp,
        within: SignedDuration,
    ) -> Option<Arc<[OfferedVersion]>> {
        let state = self.state();
        let (at, versions) = state.versions.get(&place(target))?;
        is_within(*at, now, within).then(|| Arc::clone(versions))
    }

    /// Which versions of an add-on fit a Kubernetes version, if asked for within the last hour.
    pub fn addon_versions(
        &self,
        target: &Target,
        addon: &str,
        version: Minor,
        now: Timestamp,
    ) -> Option<Arc<[AddonVersion]>> {
        let state = self.state();
        let key = (place(target), addon.to_owned(), version);
        let (at, versions) = state.addon_versions.get(&key)?;
        is_within(*at, now, ADDON_VERSIONS_LAST).then(|| Arc::clone(versions))
    }

    /// Remembers which versions of an add-on fit a Kubernetes version.
    pub fn remember_addon_versions(
        &self,
        target: &Target,
        addon: &str,
        version: Minor,
        versions: Arc<[AddonVersion]>,
        now: Timestamp,
    ) {
        let key = (place(target), addon.to_owned(), version);
        self.state().addon_versions.insert(key, (now, versions));
    }

    /// What the checks before a hop of this cluster looked at last.
    pub fn evidence(&self, target: &Target) -> Kept {
        self.state()
            .evidence
            .get(target)
            .cloned()
            .unwrap_or_default()
    }

    /// Remembers what they looked at.
    pub fn remember_evidence(&self, target: &Target, change: impl FnOnce(&mut Kept)) {
        let mut state = self.state();
        change(state.evidence.entry(target.clone()).or_default());
    }

    /// Forgets it: no hop is to come.
    pub fn forget_evidence(&self, target: &Target) {
        self.state().evidence.remove(target);
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

/// Not one of a time to come, by a clock that was set back since.
fn is_within(at: Timestamp, now: Timestamp, within: SignedDuration) -> bool {
    let age = now.duration_since(at);
    !age.is_negative() && age < within
}

fn place(target: &Target) -> Place {
    (target.account_id.clone(), target.region.clone())
}
