//! What an answer to a send means.

use jiff::{SignedDuration, Timestamp};

use crate::api::{ClusterUpgradeStatus, ErrorDetail, Reason, Update, UpdateStatus};
use crate::eks::{EksError, ErrorKind, UpdateView};

use super::cluster;
use super::decision::{Decision, Outcome, Wake};
use super::elsewhere;
use super::facts::Settings;
use super::intent;
use super::refusal;
use super::say;
use super::time::backoff;

/// What became of a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// EKS answered with an update.
    Accepted(UpdateView),
    /// EKS refused, or what it did is not known.
    NotAccepted(EksError),
    /// The send did not start in time after its guarded write and was dropped.
    Dropped,
}

/// Takes the answer into the memory. The intent closes only on acceptance or on a definite refusal.
///
/// A late answer meets a memory that another replica may have carried on: only an acceptance changes one without an open
/// intent, and only where no id is known. The caller sees to it that uid and token are those of the send.
pub fn answered(
    memory: &ClusterUpgradeStatus,
    sent: &Sent,
    settings: &Settings,
    now: Timestamp,
) -> Decision {
    let Some(update) = &memory.update else {
        return Decision::keep(memory, Wake::Now);
    };
    match sent {
        Sent::Accepted(view) if update.id.is_none() => accepted(memory, update, view, settings),
        Sent::NotAccepted(error) if update.is_open_intent() => {
            not_accepted(memory, update, error, now)
        }
        Sent::Dropped | Sent::Accepted(_) | Sent::NotAccepted(_) => {
            Decision::keep(memory, Wake::Now)
        }
    }
}

fn accepted(
    memory: &ClusterUpgradeStatus,
    update: &Update,
    view: &UpdateView,
    settings: &Settings,
) -> Decision {
    let mut next = memory.clone();
    let followed = Update {
        id: Some(view.id.clone()),
        // A repeated token may bring back an update that has ended meanwhile: following it writes that down.
        status: Some(UpdateStatus::InProgress),
        created_at: view.created_at,
        finished_at: None,
        errors: Vec::new(),
        ..update.clone()
    };
    let place = memory
        .cluster
        .as_ref()
        .and_then(|cluster| cluster::arn_place(&cluster.arn));
    let cluster = place.map_or_else(
        || "the cluster".to_owned(),
        |(_, _, name)| format!("cluster {name}"),
    );
    // It was started just now, so it is neither suspended nor overdue.
    let message = say::running(&cluster, memory, &followed, false, None);
    next.update = Some(followed);
    let wake = if elsewhere::is_running(view) {
        Wake::After(settings.poll_interval)
    } else {
        Wake::Now
    };
    Decision::say(next, Reason::Updating, message, wake)
}

fn not_accepted(
    memory: &ClusterUpgradeStatus,
    update: &Update,
    error: &EksError,
    now: Timestamp,
) -> Decision {
    let sends = update.sends.unwrap_or(1);
    let said = vec![ErrorDetail::new(&error.code, &error.message, &[])];
    if error.kind == ErrorKind::InUse {
        let waiting = Update {
            errors: said,
            ..update.clone()
        };
        let (reason, message) = intent::busy(&waiting);
        let mut next = memory.clone();
        next.update = Some(waiting);
        let wake = backoff(
            SignedDuration::from_secs(10),
            SignedDuration::from_mins(10),
            sends,
        );
        return Decision::say(next, reason, message, Wake::After(wake));
    }
    if !error.kind.is_definite_refusal() {
        // EKS may have accepted it all the same: the next pass looks before it sends again.
        let mut next = memory.clone();
        next.update = Some(Update {
            errors: Vec::new(),
            ..update.clone()
        });
        let wake = backoff(
            SignedDuration::from_secs(1),
            SignedDuration::from_mins(1),
            sends,
        );
        return Decision {
            action: None,
            memory: next,
            outcome: Outcome::Keep,
            wake: Wake::After(wake),
        };
    }
    let mut next = memory.clone();
    next.update = Some(Update {
        status: Some(UpdateStatus::Refused),
        finished_at: Some(now),
        errors: said,
        ..update.clone()
    });
    if refusal::is_said(memory) {
        // The same request as before, refused again: what is said stays, or it would flap at each resync.
        return Decision::keep(&next, Wake::Now);
    }
    let message = format!(
        "EKS refused to {} from {} to {}: {}. The cluster is looked at next.",
        say::to_do(&update.kind, "the cluster"),
        update.from_version,
        update.to_version,
        say::answer(error)
    );
    Decision::say(next, Reason::Updating, message, Wake::Now)
}
