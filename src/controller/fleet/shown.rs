//! What is kept of each object only to be shown.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::api::{
    CheckCode, CheckResult, ClusterUpgradeSpec, ClusterUpgradeStatus, SupportStatus, Update,
};
use crate::metrics::{ClusterInfo, RunningUpdate, SupportEnd};
use crate::plan::{self, Settings};
use crate::store::{Body, Key};
use crate::text::plain;

/// The longest word of EKS's that becomes a label.
const LABEL_LIMIT: usize = 64;

/// By object; each only where there is something to show.
#[derive(Debug, Default)]
pub struct Shown {
    /// Until when the last upgrade of an object can be rolled back.
    windows: HashMap<Key, Timestamp>,
    /// What the checks before an object's next hop came to.
    checks: HashMap<Key, Vec<(CheckCode, CheckResult)>>,
    /// Until when the versions of an object are supported.
    supports: HashMap<Key, SupportStatus>,
    /// The update that EKS works on.
    updates: HashMap<Key, Update>,
    /// What the cluster runs.
    clusters: HashMap<Key, ClusterInfo>,
}

impl Shown {
    /// Takes note of an object. What cannot be read stays as it was.
    pub fn note(&mut self, key: &Key, body: Option<&Body>, deleting: bool) {
        if deleting {
            // It is no longer followed.
            self.updates.remove(key);
            return;
        }
        let Some(Body { spec, status }) = body else {
            return;
        };
        let end = status.rollback.as_ref().map(|it| it.expires_at);
        keep(&mut self.windows, key, end);
        keep(&mut self.checks, key, results(status));
        keep(&mut self.supports, key, status.support.clone());
        keep(&mut self.updates, key, running(status));
        keep(&mut self.clusters, key, cluster(spec, status));
    }

    /// The object is gone.
    pub fn forget(&mut self, key: &Key) {
        let Self {
            windows,
            checks,
            supports,
            updates,
            clusters,
        } = self;
        windows.remove(key);
        checks.remove(key);
        supports.remove(key);
        updates.remove(key);
        clusters.remove(key);
    }

    /// Whose last upgrade can still be rolled back, and until when.
    pub fn rollback_windows(&self) -> Vec<(Key, Timestamp)> {
        let windows = self.windows.iter();
        windows.map(|(key, end)| (key.clone(), *end)).collect()
    }

    /// How many objects have each result of each check; results that none has any more are zero.
    pub fn checks(&self) -> Vec<(CheckCode, CheckResult, i64)> {
        let mut counts = BTreeMap::<_, i64>::new();
        for found in self.checks.values().flatten() {
            *counts.entry(*found).or_default() += 1;
        }
        let all = CheckCode::ALL.into_iter().flat_map(|code| {
            let results = CheckResult::ALL.into_iter();
            results.map(move |result| (code, result))
        });
        all.map(|(code, result)| {
            let count = counts.get(&(code, result)).copied().unwrap_or(0);
            (code, result, count)
        })
        .collect()
    }

    /// When the support of the versions of each object ends, as far as it is known.
    pub fn support_ends(&self) -> Vec<SupportEnd> {
        let mut ends = Vec::new();
        for (key, SupportStatus { current, target }) in &self.supports {
            let versions = [("current", Some(current)), ("target", target.as_ref())];
            for (of, support) in versions {
                let Some(support) = support else { continue };
                let known = [
                    ("standard", support.end_of_standard_support),
                    ("extended", support.end_of_extended_support),
                ];
                ends.extend(known.into_iter().filter_map(|(support, at)| {
                    let key = key.clone();
                    at.map(|at| SupportEnd {
                        key,
                        of,
                        support,
                        at,
                    })
                }));
            }
        }
        ends
    }

    /// The updates that EKS works on.
    pub fn running_updates(&self, settings: &Settings, now: Timestamp) -> Vec<RunningUpdate> {
        let updates = self.updates.iter();
        updates
            .map(|(key, update)| RunningUpdate {
                key: key.clone(),
                began: plan::began(update),
                is_overdue: plan::is_overdue(update, settings, now),
            })
            .collect()
    }

    /// The clusters as EKS described them last.
    pub fn clusters(&self) -> Vec<(Key, ClusterInfo)> {
        let clusters = self.clusters.iter();
        clusters
            .map(|(key, info)| (key.clone(), info.clone()))
            .collect()
    }
}

/// Keeps what there is of an object, or nothing.
fn keep<T>(of: &mut HashMap<Key, T>, key: &Key, value: Option<T>) {
    match value {
        Some(value) => {
            of.insert(key.clone(), value);
        }
        None => {
            of.remove(key);
        }
    }
}

/// What the checks came to, each once.
fn results(status: &ClusterUpgradeStatus) -> Option<Vec<(CheckCode, CheckResult)>> {
    let checks = status.preflight.as_ref()?.checks.iter();
    let known = checks.filter_map(|check| Some((check.code.parse().ok()?, check.result)));
    let each: BTreeMap<CheckCode, CheckResult> = known.collect();
    Some(each.into_iter().collect())
}

/// The update that EKS works on, as far as is known.
fn running(status: &ClusterUpgradeStatus) -> Option<Update> {
    let update = status.update.as_ref().filter(|update| update.is_running());
    update.filter(|_| super::is_in_flight(status)).cloned()
}

/// What the cluster runs, once EKS has described it.
fn cluster(spec: &ClusterUpgradeSpec, status: &ClusterUpgradeStatus) -> Option<ClusterInfo> {
    let observed = status.cluster.as_ref()?;
    let label = |text: &str| plain(text, LABEL_LIMIT);
    let platform_version = observed.platform_version.as_deref().unwrap_or_default();
    Some(ClusterInfo {
        // As long as a name of EKS's may be.
        cluster: plain(&spec.cluster.name, 100),
        region: label(&spec.cluster.region),
        version: label(&observed.version),
        platform_version: label(platform_version),
        target: label(&spec.version),
    })
}
