//! Everything a decision is made from. Nothing here is read by `decide` itself: it all comes in.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::api::ClusterUpgradeStatus;
use crate::eks::{
    ClusterView, EksError, ErrorKind, InsightView, NodegroupView, OfferedVersion, RefreshView,
    UpdateView,
};

use super::evidence::Evidence;
use super::freeze::Freeze;
use super::poll::Durations;
use super::readiness::Readiness;
use super::wish::{InvalidSpec, Wish};

/// The input of [`super::decide`] and [`super::next_read`].
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The object as it is in the API server.
    pub object: &'a Object,
    /// What the object's status remembers.
    pub memory: &'a ClusterUpgradeStatus,
    /// Who may do what, judged by the other objects and the operator's configuration.
    pub standing: &'a Standing,
    /// What EKS said just now.
    pub observed: &'a Observed,
    /// How often looking has failed lately.
    pub trouble: Option<Trouble>,
    /// How often sends have been refused lately.
    pub refusals: Option<Trouble>,
    /// How long updates take, as far as has been seen.
    pub durations: Durations,
    /// The operator's settings.
    pub settings: &'a Settings,
    /// The time when the look began.
    pub now: Timestamp,
}

impl Facts<'_> {
    /// When what was observed had been answered: what is seen to have ended has ended by then, and maybe not before, since a
    /// process may stand still while it waits for an answer.
    pub fn answered_at(&self) -> Timestamp {
        self.observed
            .answered_at
            .map_or(self.now, |at| at.max(self.now))
    }
}

/// What the object itself says.
#[derive(Clone, Debug)]
pub struct Object {
    /// `namespace/name`, for messages.
    pub name: String,
    /// The object's uid: a recreated object is another one.
    pub uid: String,
    /// The generation that is decided on.
    pub generation: i64,
    /// Whether a deletion timestamp is set.
    pub deleting: bool,
    /// The retry annotation, raw.
    pub retry_requested_at: Option<String>,
    /// What the spec asks for.
    pub wish: Result<Wish, InvalidSpec>,
    /// No first send before this time (the settle time after a change of the spec).
    pub settled_at: Option<Timestamp>,
}

/// The object's place among others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// `namespace/name` of the object that owns the same cluster, if it is not this one.
    pub owner: Option<String>,
    /// Why this namespace may not upgrade this cluster as whom it asks to.
    pub not_allowed: Option<String>,
    /// How many updates may run at a time, where that many run and it is not this object's turn.
    pub queued_behind: Option<u32>,
    /// The freezes that select this object, whether or not their time has come.
    pub freezes: Vec<Freeze>,
}

/// What EKS was asked in this pass, and what it said. What was not asked is `None`.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// DescribeUpdate of the update in status.
    pub tracked: Option<Result<UpdateView, EksError>>,
    /// DescribeCluster.
    pub cluster: Option<Result<ClusterView, EksError>>,
    /// Every version update of the cluster, and every other update that is not finished, in any order.
    pub updates: Option<Result<Vec<UpdateView>, EksError>>,
    /// DescribeClusterVersions.
    pub versions: Option<Result<Arc<[OfferedVersion]>, EksError>>,
    /// ListNodegroups and DescribeNodegroup of each.
    pub nodegroups: Option<Result<Vec<NodegroupView>, EksError>>,
    /// DescribeInsightsRefresh, or StartInsightsRefresh where that was asked for.
    pub refresh: Option<Result<RefreshView, EksError>>,
    /// ListInsights of the category `ROLLBACK_READINESS`, before a rollback.
    pub insights: Option<Result<Vec<InsightView>, EksError>>,
    /// What `status.rollback` is made from. Nothing else depends on it.
    pub readiness: Option<Result<Readiness, EksError>>,
    /// DescribeClusterVersions, only to show how long versions are supported.
    pub support: Option<Result<Arc<[OfferedVersion]>, EksError>>,
    /// What the checks before an upgrade look at. What could not be read is a finding.
    pub evidence: Evidence,
    /// When the last of the answers came; `None` where nothing was asked.
    pub answered_at: Option<Timestamp>,
}

impl Observed {
    /// What went wrong while looking, except that the update in status was not found: that is an answer.
    pub fn failure(&self) -> Option<&EksError> {
        let Self {
            tracked,
            cluster,
            updates,
            versions,
            nodegroups,
            refresh,
            insights,
            readiness: _,
            support: _,
            evidence: _,
            answered_at: _,
        } = self;
        let tracked = tracked
            .as_ref()
            .and_then(|read| read.as_ref().err())
            .filter(|error| error.kind != ErrorKind::NotFound);
        tracked
            .or_else(|| cluster.as_ref().and_then(|read| read.as_ref().err()))
            .or_else(|| updates.as_ref().and_then(|read| read.as_ref().err()))
            .or_else(|| versions.as_ref().and_then(|read| read.as_ref().err()))
            .or_else(|| nodegroups.as_ref().and_then(|read| read.as_ref().err()))
            .or_else(|| refresh.as_ref().and_then(|read| read.as_ref().err()))
            .or_else(|| insights.as_ref().and_then(|read| read.as_ref().err()))
    }
}

impl Observed {
    /// Adds what another question brought.
    pub fn add(&mut self, other: Self) {
        fn newer<T>(known: &mut Option<T>, new: Option<T>) {
            if new.is_some() {
                *known = new;
            }
        }
        let Self {
            tracked,
            cluster,
            updates,
            versions,
            nodegroups,
            refresh,
            insights,
            readiness,
            support,
            evidence,
            answered_at,
        } = other;
        newer(&mut self.tracked, tracked);
        newer(&mut self.cluster, cluster);
        newer(&mut self.updates, updates);
        newer(&mut self.versions, versions);
        newer(&mut self.nodegroups, nodegroups);
        newer(&mut self.refresh, refresh);
        newer(&mut self.insights, insights);
        newer(&mut self.readiness, readiness);
        newer(&mut self.support, support);
        newer(&mut self.answered_at, answered_at);
        let Evidence {
            nodegroups,
            addons,
            refresh,
            insights,
        } = evidence;
        newer(&mut self.evidence.nodegroups, nodegroups);
        newer(&mut self.evidence.addons, addons);
        newer(&mut self.evidence.refresh, refresh);
        newer(&mut self.evidence.insights, insights);
    }

    /// What went wrong while looking, whether or not it stands in the way of deciding.
    pub fn trouble(&self) -> Option<&EksError> {
        self.failure().or_else(|| self.evidence.errors().next())
    }
}

/// A run of failures on this object, the present one included. Kept in the process; a restart forgets it and starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What went wrong last.
    pub kind: ErrorKind,
    /// Failures in a row, of any kind.
    pub in_a_row: u32,
    /// Failures of this kind in a row.
    pub of_kind: u32,
    /// When the run of this kind began.
    pub since: Timestamp,
}

/// The settings that decisions depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How often a running update is looked at about its usual end; see [`super::next_look`].
    pub poll_interval: SignedDuration,
    /// How often an idle or stalled object is looked at.
    pub resync_interval: SignedDuration,
    /// After this long a running update is called overdue.
    pub overdue_after: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll_interval: SignedDuration::from_secs(15),
            resync_interval: SignedDuration::from_mins(10),
            overdue_after: SignedDuration::from_mins(90),
        }
    }
}
