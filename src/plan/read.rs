//! What still has to be asked of EKS before a decision can be made.

use crate::eks::{ErrorKind, Progress};

use super::cluster;
use super::facts::Facts;
use super::track;

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
}

/// The next question, or `None` when enough is known to decide. Asked again after each answer.
///
/// Asks as little as possible: an idle object costs one DescribeCluster, a running update one DescribeUpdate.
pub fn next_read(facts: &Facts<'_>) -> Option<Read> {
    let observed = facts.observed;
    if facts.object.deleting || observed.failure().is_some() {
        return None;
    }
    let wish = facts.object.wish.as_ref().ok()?;
    if facts.standing.not_allowed.is_some() {
        return None;
    }
    let described = || observed.cluster.is_none().then_some(Read::Cluster);
    let updates = || observed.updates.is_none().then_some(Read::Updates);
    let versions = || observed.versions.is_none().then_some(Read::Versions);

    match &facts.memory.update {
        Some(intent) if intent.is_open_intent() => described().or_else(|| {
            // On another cluster there is nothing to find; on this one also where it has failed.
            if !cluster::is_meant(facts) {
                return None;
            }
            updates().or_else(|| if wish.suspend { None } else { versions() })
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
                let settled = cluster::healthy(facts)
                    .is_none_or(|seen| seen.is_active && seen.version >= update.to_version);
                if settled { None } else { updates() }
            }),
            Some(_) => None,
        },
        _ => {
            if facts.standing.owner.is_some() {
                return None;
            }
            described().or_else(|| {
                let seen = cluster::healthy(facts)?;
                if seen.version >= wish.version {
                    return None;
                }
                updates().or_else(|| if wish.suspend { None } else { versions() })
            })
        }
    }
}
