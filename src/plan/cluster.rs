//! Which cluster EKS described: the one meant, and one that EKS upgrades?

use crate::api::{Minor, Reason};
use crate::eks::{ClusterView, Hosting};

use super::facts::Facts;
use super::time::shown;
use super::wish::Wish;

/// What a healthy cluster's description says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its version.
    pub version: Minor,
    /// Whether nothing goes on, as far as DescribeCluster shows.
    pub is_active: bool,
}

/// The version of a cluster that EKS upgrades.
fn upgradable(hosting: Hosting, version: &str) -> Result<Minor, String> {
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

/// Checks that the cluster is the one meant, and one that EKS upgrades.
pub fn judge(facts: &Facts<'_>, wish: &Wish, view: &ClusterView) -> Result<Seen, (Reason, String)> {
    let target = &wish.target;
    let found = arn_place(&view.arn);
    if found
        != Some((
            target.region.as_str(),
            target.account_id.as_str(),
            target.name.as_str(),
        ))
    {
        return Err((
            Reason::ClusterReplaced,
            format!(
                "EKS answered for {:?}, but the manifest names cluster {} in {} of account {}. The credentials reach another account: set spec.roleArn to a role of account {}, or correct spec.cluster in a new object.",
                view.arn, target.name, target.region, target.account_id, target.account_id
            ),
        ));
    }
    if let Some(pinned) = &facts.memory.cluster {
        let recreated =
            matches!((pinned.created_at, view.created_at), (Some(then), Some(now)) if then != now);
        if pinned.arn != view.arn || recreated {
            return Err((
                Reason::ClusterReplaced,
                format!(
                    "This object was made for the cluster {} created at {}; the one that answers now is {}, created at {}. Nothing is done to it. If it is meant, delete this object and create it again.",
                    pinned.arn,
                    pinned
                        .created_at
                        .map_or_else(|| "an unknown time".to_owned(), shown),
                    view.arn,
                    view.created_at
                        .map_or_else(|| "an unknown time".to_owned(), shown)
                ),
            ));
        }
    }
    if view.status == "FAILED" {
        return Err((
            Reason::ClusterFailed,
            format!(
                "EKS reports cluster {} as FAILED and takes no update. See its health issues (aws eks describe-cluster) and AWS support; it is looked at again by itself.",
                target.name
            ),
        ));
    }
    let version = upgradable(view.hosting, &view.version).map_err(|why| {
        (
            Reason::UnsupportedCluster,
            format!(
                "EKS does not upgrade cluster {}: {why}. Delete this object; EKS is not touched.",
                target.name
            ),
        )
    })?;
    Ok(Seen {
        version,
        is_active: view.status == "ACTIVE",
    })
}

/// The cluster as described just now, if it is the one meant and nothing is wrong with it.
pub fn healthy(facts: &Facts<'_>) -> Option<Seen> {
    let wish = facts.object.wish.as_ref().ok()?;
    let view = facts.observed.cluster.as_ref()?.as_ref().ok()?;
    judge(facts, wish, view).ok()
}

/// Whether the cluster described just now is the one meant, whatever state it is in.
pub fn is_meant(facts: &Facts<'_>) -> bool {
    let (Ok(wish), Some(Ok(view))) = (&facts.object.wish, &facts.observed.cluster) else {
        return false;
    };
    judge(facts, wish, view).map_or_else(|(reason, _)| reason != Reason::ClusterReplaced, |_| true)
}

/// Region, account and name of a cluster's ARN, in any partition.
pub fn arn_place(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let ("arn", _partition, "eks") = (parts.next()?, parts.next()?, parts.next()?) else {
        return None;
    };
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    Some((region, account, resource.strip_prefix("cluster/")?))
}
