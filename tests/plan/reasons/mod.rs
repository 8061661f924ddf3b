//! What there is to say about an object, written a second time: from `docs/protocol.md`, "Which reason wins", and not from
//! the code. Each rule is judged by itself; their order is the precedence.

mod gates;
mod hop;
mod own;
mod refused;
mod rollback;
mod trouble;

use std::collections::BTreeMap;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, Minor, Reason};
use eks_upgrade_operator::eks::{ClusterView, Hosting, Progress, UpdateView};
use eks_upgrade_operator::plan::Wish;
use jiff::Timestamp;

use super::eks::ARN;
use super::owned::Owned;

/// The rules, weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    Deleted,
    Own,
    InvalidSpec,
    /// What it says of checks and times cannot be understood.
    InvalidGates,
    NotAllowed,
    ClusterConflict,
    /// EKS could not be asked.
    Trouble,
    ClusterReplaced,
    ClusterFailed,
    UnsupportedCluster,
    /// Somebody else's running update of our very hop.
    Adopted,
    UpToDate,
    ClusterAheadOfSpec,
    /// The newest update ended in a way that a person has to look at.
    Ended,
    Suspended,
    UnsupportedVersion,
    WaitingForCluster,
    Queued,
    /// By a tag of the cluster.
    Held,
    Frozen,
    OutsideWindow,
    Baking,
    /// The upgrade policy or the node groups stand against a rollback.
    Blocked,
    /// EKS's insights are not known, or too old; or another check before an upgrade could not run.
    PreflightUnknown,
    /// EKS's insights stand against a rollback, or a check before an upgrade failed.
    Insights,
    /// EKS refused the request that would be made.
    Refused,
    /// Nothing is in the way.
    Free,
}

impl Rule {
    pub const ALL: [Self; 27] = [
        Self::Deleted,
        Self::Own,
        Self::InvalidSpec,
        Self::InvalidGates,
        Self::NotAllowed,
        Self::ClusterConflict,
        Self::Trouble,
        Self::ClusterReplaced,
        Self::ClusterFailed,
        Self::UnsupportedCluster,
        Self::Adopted,
        Self::UpToDate,
        Self::ClusterAheadOfSpec,
        Self::Ended,
        Self::Suspended,
        Self::UnsupportedVersion,
        Self::WaitingForCluster,
        Self::Queued,
        Self::Held,
        Self::Frozen,
        Self::OutsideWindow,
        Self::Baking,
        Self::Blocked,
        Self::PreflightUnknown,
        Self::Insights,
        Self::Refused,
        Self::Free,
    ];
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing is written.
    Silent,
    /// What was said before stays.
    Keep,
    Reason(Reason),
}

pub type Rules = BTreeMap<Rule, Said>;

/// Every rule that applies, by all that there is to know (`all.observed`) and by what was asked (`seen`).
///
/// An answer that nobody asked for cannot be in trouble, but it is as true as the others.
pub fn applying(all: &Owned, seen: &Owned) -> Rules {
    let mut rules = Rules::new();
    if all.object.deleting {
        rules.insert(Rule::Deleted, Said::Silent);
    }
    let case = Case {
        all,
        seen,
        memory: all.memory.clone(),
        now: all.now,
    };
    let (own, rest) = own::own(&case);
    if let Some(said) = own {
        rules.insert(Rule::Own, said);
    }
    rules.extend(rest.others());
    rules
}

/// What closes the way of the next step: by its time, and of an upgrade by its checks.
pub fn closed(owned: &Owned) -> Vec<Rule> {
    let case = Case {
        all: owned,
        seen: owned,
        memory: owned.memory.clone(),
        now: owned.now,
    };
    let mut rules = Rules::new();
    if let (Some(wish), Some(version)) = (case.wish(), case.version())
        && let Some(step) = hop::Step::of(wish, version)
    {
        gates::rules(&case, step, &mut rules);
    }
    rules.into_keys().collect()
}

/// One case, with what is remembered by the time the rest is judged.
#[derive(Clone)]
struct Case<'a> {
    all: &'a Owned,
    seen: &'a Owned,
    memory: ClusterUpgradeStatus,
    now: Timestamp,
}

impl<'a> Case<'a> {
    fn wish(&self) -> Option<&'a Wish> {
        self.all.object.wish.as_ref().ok()
    }

    fn cluster(&self) -> Option<&'a ClusterView> {
        self.all.observed.cluster.as_ref()?.as_ref().ok()
    }

    fn listed(&self) -> &'a [UpdateView] {
        self.all.listed().map_or(&[], Vec::as_slice)
    }

    fn is_unreachable(&self) -> bool {
        self.wish().is_none() || self.all.standing.not_allowed.is_some()
    }

    fn has_open_intent(&self) -> bool {
        let update = self.memory.update.as_ref();
        update.is_some_and(|update| update.id.is_none() && update.status.is_none())
    }

    /// Whether the cluster described is the one that the manifest names and that was pinned.
    fn is_meant(&self) -> bool {
        let Some(view) = self.cluster() else {
            return false;
        };
        let is_pinned = self.memory.cluster.as_ref().is_none_or(|pinned| {
            let is_of_one_time = match (pinned.created_at, view.created_at) {
                (Some(one), Some(other)) => one == other,
                (None, _) | (_, None) => true,
            };
            pinned.arn == view.arn && is_of_one_time
        });
        view.arn == ARN && is_pinned
    }

    fn version(&self) -> Option<Minor> {
        self.cluster()?.version.parse().ok()
    }

    /// Whether EKS upgrades such a cluster.
    fn is_upgradable(&self) -> bool {
        let is_in_cloud = |view: &ClusterView| view.hosting == Hosting::Cloud;
        self.cluster().is_some_and(is_in_cloud) && self.version().is_some()
    }

    /// Where nothing is wrong with the cluster.
    fn healthy_version(&self) -> Option<Minor> {
        let view = self.cluster()?;
        let is_healthy = self.is_meant() && view.status != "FAILED" && self.is_upgradable();
        is_healthy.then(|| self.version())?
    }

    /// All rules but the first two.
    fn others(&self) -> Rules {
        let mut rules = Rules::new();
        let mut say = |rule, reason| {
            rules.insert(rule, Said::Reason(reason));
        };
        let standing = &self.all.standing;
        if standing.not_allowed.is_some() {
            say(Rule::NotAllowed, Reason::NotAllowed);
        }
        if standing.owner.is_some() {
            say(Rule::ClusterConflict, Reason::ClusterConflict);
        }
        if let Some(view) = self.cluster() {
            if self.wish().is_some() && !self.is_meant() {
                say(Rule::ClusterReplaced, Reason::ClusterReplaced);
            }
            if view.status == "FAILED" {
                say(Rule::ClusterFailed, Reason::ClusterFailed);
            }
            if !self.is_upgradable() {
                say(Rule::UnsupportedCluster, Reason::UnsupportedCluster);
            }
            if view.status != "ACTIVE" {
                say(Rule::WaitingForCluster, Reason::WaitingForCluster);
            }
        }
        let is_first_send = !self.has_open_intent();
        let settles = self.all.object.settled_at.is_some_and(|at| at > self.now);
        if is_first_send && (settles || standing.queued_behind.is_some()) {
            say(Rule::Queued, Reason::Queued);
        }
        match self.wish() {
            None => say(Rule::InvalidSpec, Reason::InvalidSpec),
            Some(wish) => {
                if wish.gates.is_err() {
                    say(Rule::InvalidGates, Reason::InvalidSpec);
                }
                if wish.suspend {
                    say(Rule::Suspended, Reason::Suspended);
                }
            }
        }
        if let Some(said) = trouble::said(self.seen) {
            rules.insert(Rule::Trouble, said);
        }
        if let (Some(wish), Some(version)) = (self.wish(), self.version()) {
            hop::rules(self, wish, version, &mut rules);
        }
        rules
    }
}

fn is_running(view: &UpdateView) -> bool {
    match view.status {
        Progress::InProgress | Progress::Other(_) => true,
        Progress::Successful | Progress::Failed | Progress::Cancelled => false,
    }
}

fn leads_to(view: &UpdateView, version: Minor) -> bool {
    view.to_version.as_deref() == Some(version.to_string().as_str())
}

/// The version update that EKS accepted last.
fn newest(views: &[UpdateView]) -> Option<&UpdateView> {
    views
        .iter()
        .filter(|view| ["VersionUpdate", "VersionRollback"].contains(&view.kind.as_str()))
        .max_by_key(|view| (view.created_at, view.id.clone()))
}
