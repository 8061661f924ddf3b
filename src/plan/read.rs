//! What still has to be asked of EKS before a decision can be made.

use crate::api::Minor;
use crate::eks::{ErrorKind, Hosting, Progress};

use super::consider;
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
    let cluster = || observed.cluster.is_none().then_some(Read::Cluster);
    let updates = || observed.updates.is_none().then_some(Read::Updates);
    let versions = || observed.versions.is_none().then_some(Read::Versions);

    match &facts.memory.update {
        Some(intent) if intent.is_open_intent() => cluster().or_else(|| {
            consider::healthy(facts)?;
            updates().or_else(versions)
        }),
        Some(update) if track::is_followed(facts.memory, update) => match &observed.tracked {
            None => update.id.clone().map(Read::Tracked),
            Some(Err(error)) if error.kind == ErrorKind::NotFound => cluster().or_else(|| {
                consider::healthy(facts)?;
                updates()
            }),
            Some(Ok(view)) if view.status == Progress::Successful => cluster().or_else(|| {
                let settled = consider::healthy(facts)
                    .is_none_or(|seen| seen.is_active && seen.version >= update.to_version);
                if settled { None } else { updates() }
            }),
            Some(_) => None,
        },
        _ => {
            if facts.standing.owner.is_some() {
                return None;
            }
            cluster().or_else(|| {
                let seen = consider::healthy(facts)?;
                if seen.version >= wish.version {
                    return None;
                }
                updates().or_else(|| if wish.suspend { None } else { versions() })
            })
        }
    }
}

/// What a healthy cluster's description says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its version.
    pub version: Minor,
    /// Whether nothing goes on, as far as DescribeCluster shows.
    pub is_active: bool,
}

/// The version of a cluster that EKS upgrades.
pub fn upgradable(hosting: Hosting, version: &str) -> Result<Minor, String> {
    match hosting {
        Hosting::Connected => {
            return Err(
                "it is a cluster connected through the EKS connector, whose control plane EKS does not run".to_owned(),
            );
        }
        Hosting::Outpost => {
            return Err(
                "it is a local cluster on AWS Outposts, whose version EKS does not update in place"
                    .to_owned(),
            );
        }
        Hosting::Cloud => {}
    }
    version.parse().map_err(|_| {
        format!("EKS reports its version as {version:?}, which is no Kubernetes minor")
    })
}
