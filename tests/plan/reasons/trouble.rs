//! What is said where EKS could not be asked: patience first.

use eks_upgrade_operator::api::Reason;
use eks_upgrade_operator::eks::ErrorKind;
use eks_upgrade_operator::plan::{Observed, Trouble};
use jiff::SignedDuration;

use super::super::owned::Owned;
use super::Said;

/// What went wrong, by the order in which it is asked. An update that is not found is an answer.
pub fn kind(observed: &Observed) -> Option<ErrorKind> {
    let tracked = observed
        .tracked
        .iter()
        .filter_map(|read| read.as_ref().err());
    let tracked = tracked
        .map(|error| error.kind)
        .find(|kind| *kind != ErrorKind::NotFound);
    let cluster = observed
        .cluster
        .iter()
        .filter_map(|read| read.as_ref().err());
    let updates = observed
        .updates
        .iter()
        .filter_map(|read| read.as_ref().err());
    let versions = observed
        .versions
        .iter()
        .filter_map(|read| read.as_ref().err());
    let nodegroups = observed
        .nodegroups
        .iter()
        .filter_map(|read| read.as_ref().err());
    let refresh = observed
        .refresh
        .iter()
        .filter_map(|read| read.as_ref().err());
    let insights = observed
        .insights
        .iter()
        .filter_map(|read| read.as_ref().err());
    let gates = nodegroups.chain(refresh).chain(insights);
    let others = cluster.chain(updates).chain(versions).chain(gates);
    tracked.or_else(|| others.map(|error| error.kind).next())
}

pub fn said(seen: &Owned) -> Option<Said> {
    let kind = kind(&seen.observed)?;
    let run = seen.trouble.unwrap_or(Trouble {
        kind,
        in_a_row: 1,
        of_kind: 1,
        since: seen.now,
    });
    Some(match kind {
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::InUse | ErrorKind::ClockSkew => {
            if run.in_a_row < 3 {
                Said::Keep
            } else {
                Said::Reason(Reason::EksUnavailable)
            }
        }
        ErrorKind::NotFound if run.of_kind < 2 => Said::Keep,
        ErrorKind::NotFound => Said::Reason(Reason::ClusterNotFound),
        ErrorKind::AccessDenied => iam(seen, run, Reason::AccessDenied),
        ErrorKind::CredentialsRefused => iam(seen, run, Reason::CredentialsUnavailable),
        ErrorKind::CredentialsMissing => Said::Reason(Reason::CredentialsUnavailable),
        ErrorKind::InvalidState | ErrorKind::InvalidParameter | ErrorKind::Rejected => {
            Said::Reason(Reason::RequestRejected)
        }
    })
}

/// Five minutes' patience; an object that has said nothing yet about this generation says that it is patient.
pub fn iam(seen: &Owned, run: Trouble, reason: Reason) -> Said {
    if seen.now.duration_since(run.since) >= SignedDuration::from_mins(5) {
        return Said::Reason(reason);
    }
    let is_of_now = seen.memory.observed_generation == Some(seen.object.generation);
    let mut conditions = seen.memory.conditions.iter();
    let has_spoken = is_of_now && conditions.any(|condition| condition.reason != "EksUnavailable");
    if has_spoken {
        Said::Keep
    } else {
        Said::Reason(Reason::EksUnavailable)
    }
}
