//! What still has to be asked of EKS before a decision can be made.

use jiff::Timestamp;

use crate::eks::{ErrorKind, Progress};

use super::consider::{self, Verdict};
use super::evidence::Part;
use super::facts::Facts;
use super::{cancel, cluster, readiness, track};

/// One question to EKS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// DescribeUpdate of the update in status.
    Tracked(String),
    /// DescribeCluster.
    Cluster,
    /// ListUpdates, and DescribeUpdate of each that is not known as finished.
    Updates,
    /// DescribeClusterVersions; an answer of the last hour will do.
    Versions,
    /// ListNodegroups, and DescribeNodegroup of each.
    Nodegroups,
    /// DescribeInsightsRefresh.
    Refresh,
    /// StartInsightsRefresh: EKS's findings are too old to count. Changes nothing else.
    StartRefresh,
    /// ListInsights of the category `ROLLBACK_READINESS`.
    Insights,
    /// The same and [`Self::Versions`], for `status.rollback`. Nothing else waits for it.
    Readiness,
    /// [`Self::Versions`], where an older answer will do as well. Nothing else waits for it.
    Support,
    /// What a check looks at. An answer given at that time or later will do.
    Evidence(Part, Timestamp),
}

/// The next question, or `None` when enough is known to decide. Asked again after each answer.
///
/// Asks as little as possible: an idle object costs one DescribeCluster, a running update one DescribeUpdate.
pub fn next_read(facts: &Facts<'_>) -> Option<Read> {
    let observed = facts.observed;
    if facts.object.deleting || observed.failure().is_some() {
        return None;
    }
    if facts.object.wish.is_err() {
        return None;
    }
    if facts.standing.not_allowed.is_some() {
        return None;
    }
    let described = || observed.cluster.is_none().then_some(Read::Cluster);
    let updates = || observed.updates.is_none().then_some(Read::Updates);

    match &facts.memory.update {
        Some(intent) if intent.is_open_intent() => described().or_else(|| {
            // On another cluster there is nothing to find; on this one also where it has failed.
            if !cluster::is_meant(facts) {
                return None;
            }
            updates().or_else(|| match consider::consider(facts) {
                Verdict::Ask(read) => Some(read),
                _ => None,
            })
        }),
        Some(update) if track::is_followed(facts.memory, update) => match &observed.tracked {
            None => update.id.clone().map(Read::Tracked),
            Some(Err(error)) if error.kind == ErrorKind::NotFound => described().or_else(|| {
                if cluster::is_meant(facts) {
                    updates()
                } else {
                    None
                }
            }),
            Some(Ok(view)) if view.status == Progress::Successful => described().or_else(|| {
                let seen = cluster::healthy(facts)?;
                if !track::is_reached(update, seen) {
                    return updates();
                }
                let is_last =
                    (facts.object.wish.as_ref()).is_ok_and(|wish| wish.version == seen.version);
                if is_last {
                    readiness::next_read_after(facts, update)
                } else {
                    None
                }
            }),
            Some(Ok(_)) if cancel::needs_cluster(facts, update) => described(),
            Some(_) => None,
        },
        _ => consider::next_read(facts),
    }
}
