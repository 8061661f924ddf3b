//! Stopping a rollback that the manifest no longer asks for.
//!
//! EKS takes a cancellation only while the nodes of an Auto Mode cluster go back. Once the control plane is under way, the
//! rollback is followed to its end.

use jiff::{SignedDuration, Timestamp};

use crate::api::{Cancel, CancelStatus, ClusterUpgradeStatus, ErrorDetail, Reason, Update};
use crate::eks::{CancelRequest, EksError, ErrorKind, UpdateView};

use super::answer::Sent;
use super::decision::{Action, Decision, Outcome, Wake};
use super::facts::Facts;
use super::rollback;
use super::time::{after, backoff, until};
use super::token;
use super::{VERSION_ROLLBACK, cluster, say};

/// What is to be done about a running rollback, and what is said of it.
#[derive(Clone, Debug)]
pub enum Course {
    /// Nothing: it is asked for, or not ours to stop.
    GoesOn,
    /// This is said, and it is followed.
    Said(Cancel, String),
    /// This is said, without anything that was asked of EKS.
    NotAsked(String),
    /// EKS is asked to cancel; the cancellation as it is written before.
    Send(Cancel, CancelRequest),
}

/// Whether this object started `update`, a rollback, and no longer asks for it.
pub fn is_wanted(facts: &Facts<'_>, update: &Update) -> bool {
    let wish = facts.object.wish.as_ref().ok();
    update.kind == VERSION_ROLLBACK
        && update.is_ours()
        && wish.is_some_and(|wish| !rollback::is_asked_for(wish, update))
}

/// Whether the cluster has to be looked at to know whether EKS would still cancel.
pub fn needs_cluster(facts: &Facts<'_>, update: &Update) -> bool {
    is_wanted(facts, update)
        && hindrance(facts).is_none()
        && update
            .cancel
            .as_ref()
            .is_none_or(|cancel| cancel.status.is_none())
}

/// Why nothing may be asked of EKS on this object's behalf, though the rollback is not wanted.
fn hindrance(facts: &Facts<'_>) -> Option<String> {
    let is_suspended = facts.object.wish.as_ref().is_ok_and(|wish| wish.suspend);
    if is_suspended {
        return Some("the object is suspended".to_owned());
    }
    if let Some(owner) = &facts.standing.owner {
        return Some(format!("ClusterUpgrade {owner} owns the cluster"));
    }
    facts.standing.not_allowed.clone()
}

/// Decides about `update`, which runs as `view` says.
pub fn course(facts: &Facts<'_>, update: &Update, view: &UpdateView) -> Course {
    // EKS is right about its own update where status says otherwise.
    if !is_wanted(facts, update) || view.kind != VERSION_ROLLBACK {
        return Course::GoesOn;
    }
    let known = update.cancel.clone().map(|cancel| as_shown(cancel, view));
    if let Some(Cancel {
        status: Some(status),
        ..
    }) = &known
    {
        let message = match status {
            CancelStatus::Accepted => "It is no longer asked for, and EKS cancels it.".to_owned(),
            CancelStatus::Refused => {
                let errors = known
                    .as_ref()
                    .map_or_else(String::new, |cancel| say::errors(&cancel.errors));
                format!(
                    "It is no longer asked for, but EKS cannot cancel it any more ({errors}): it is followed to its end."
                )
            }
        };
        return known.map_or(Course::GoesOn, |cancel| Course::Said(cancel, message));
    }
    if let Some(why) = hindrance(facts) {
        return said(
            known,
            format!(
                "It is no longer asked for, but not cancelled: {}.",
                why.trim_end_matches('.')
            ),
        );
    }
    let Some((arn, is_in_node_phase)) = described(facts) else {
        return said(
            known,
            "It is no longer asked for; whether EKS can still cancel it is not known yet."
                .to_owned(),
        );
    };
    let is_cancelling = view
        .cancellation
        .as_ref()
        .is_some_and(|cancellation| cancellation.status != "Failed");
    if is_cancelling {
        let cancel = known.unwrap_or_else(|| intent(facts, &arn, &view.id));
        return Course::Said(
            Cancel {
                status: Some(CancelStatus::Accepted),
                errors: Vec::new(),
                ..cancel
            },
            "It is no longer asked for, and EKS cancels it.".to_owned(),
        );
    }
    if !is_in_node_phase {
        return said(known, "It is no longer asked for, but EKS cancels a rollback only while the nodes of an Auto Mode cluster go back: it is followed to its end.".to_owned());
    }
    match known {
        None => send(intent(facts, &arn, &view.id), view),
        Some(cancel) => {
            let next = next_send(facts, &cancel);
            if next > facts.now {
                let message = "It is no longer asked for; EKS was asked to cancel it, and whether it does is not known yet.";
                let message = if cancel.errors.is_empty() {
                    message.to_owned()
                } else {
                    format!("{message} It said: {}.", say::errors(&cancel.errors))
                };
                return Course::Said(cancel, message);
            }
            let again = Cancel {
                sends: cancel.sends.saturating_add(1),
                last_send_at: facts.now,
                ..cancel
            };
            send(again, view)
        }
    }
}

/// What EKS shows of a cancellation, where it could not carry it out: it had taken it before.
fn as_shown(cancel: Cancel, view: &UpdateView) -> Cancel {
    let failed = view.cancellation.as_ref();
    match failed.filter(|cancellation| cancellation.status == "Failed") {
        Some(failed) => Cancel {
            status: Some(CancelStatus::Refused),
            errors: vec![ErrorDetail::new("CancellationFailed", &failed.reason, &[])],
            ..cancel
        },
        None => cancel,
    }
}

fn said(known: Option<Cancel>, message: String) -> Course {
    match known {
        Some(cancel) => Course::Said(cancel, message),
        None => Course::NotAsked(message),
    }
}

fn send(cancel: Cancel, view: &UpdateView) -> Course {
    let request = CancelRequest {
        update_id: view.id.clone(),
        client_request_token: cancel.client_request_token.clone(),
    };
    Course::Send(cancel, request)
}

fn intent(facts: &Facts<'_>, arn: &str, update_id: &str) -> Cancel {
    Cancel {
        client_request_token: token::of_cancel(&facts.object.uid, arn, update_id),
        status: None,
        sends: 1,
        requested_at: facts.now,
        last_send_at: facts.now,
        errors: Vec::new(),
    }
}

/// The cluster's ARN, and whether its nodes may still be going back: EKS says ACTIVE until the control plane is touched.
fn described(facts: &Facts<'_>) -> Option<(String, bool)> {
    let Some(Ok(view)) = &facts.observed.cluster else {
        return None;
    };
    cluster::is_meant(facts).then(|| {
        (
            view.arn.clone(),
            view.is_auto_mode && view.status == "ACTIVE",
        )
    })
}

/// When an unanswered cancellation is sent again.
fn next_send(facts: &Facts<'_>, cancel: &Cancel) -> Timestamp {
    let pause = if cancel.errors.is_empty() {
        backoff(
            SignedDuration::from_secs(1),
            SignedDuration::from_mins(1),
            cancel.sends,
        )
    } else {
        facts.settings.resync_interval
    };
    // A time to come was written by a clock that was wrong.
    if cancel.last_send_at > facts.now {
        return facts.now;
    }
    after(cancel.last_send_at, pause)
}

/// When to look again at a rollback whose cancellation is open.
pub fn wake(facts: &Facts<'_>, cancel: &Cancel) -> Wake {
    let poll = facts.settings.poll_interval;
    if cancel.status.is_some() {
        return Wake::After(poll);
    }
    Wake::After(
        until(facts.now, next_send(facts, cancel))
            .min(poll)
            .max(SignedDuration::from_secs(1)),
    )
}

/// Takes the answer to a cancellation into the memory. What it means is said with the next look.
pub fn cancel_answered(memory: &ClusterUpgradeStatus, sent: &Sent) -> Decision {
    let keep = |memory: &ClusterUpgradeStatus| Decision {
        action: None,
        memory: memory.clone(),
        outcome: Outcome::Keep,
        wake: Wake::Now,
    };
    let open = memory
        .update
        .as_ref()
        .and_then(|update| Some((update, update.cancel.as_ref()?)));
    let Some((update, cancel)) = open.filter(|(_, cancel)| cancel.status.is_none()) else {
        return keep(memory);
    };
    let (status, errors) = match sent {
        Sent::Accepted(_) => (Some(CancelStatus::Accepted), Vec::new()),
        Sent::Dropped => return keep(memory),
        Sent::NotAccepted(error) => refused(error),
    };
    let mut next = memory.clone();
    next.update = Some(Update {
        cancel: Some(Cancel {
            status,
            errors,
            ..cancel.clone()
        }),
        ..update.clone()
    });
    keep(&next)
}

/// What EKS's answer says of a cancellation.
fn refused(error: &EksError) -> (Option<CancelStatus>, Vec<ErrorDetail>) {
    let said = vec![ErrorDetail::new(&error.code, &error.message, &[])];
    match error.kind {
        // Too late: the control plane is under way, or the update is over.
        ErrorKind::InvalidState | ErrorKind::Rejected | ErrorKind::InvalidParameter => {
            (Some(CancelStatus::Refused), said)
        }
        // A person has to let it through; meanwhile it is asked again at each resync.
        ErrorKind::AccessDenied
        | ErrorKind::CredentialsRefused
        | ErrorKind::CredentialsMissing
        | ErrorKind::ClockSkew => (None, said),
        // It may have been done, or somebody else does it: the next look shows.
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::InUse | ErrorKind::NotFound => {
            (None, Vec::new())
        }
    }
}

/// The decision for a course that is more than going on.
pub fn decide(
    facts: &Facts<'_>,
    memory: &ClusterUpgradeStatus,
    update: &Update,
    sentence: &str,
    course: Course,
) -> Option<Decision> {
    let poll = Wake::After(facts.settings.poll_interval);
    let (cancel, message, action, wake) = match course {
        Course::GoesOn => return None,
        Course::NotAsked(message) => (update.cancel.clone(), message, None, poll),
        Course::Said(cancel, message) => {
            let wake = wake(facts, &cancel);
            (Some(cancel), message, None, wake)
        }
        Course::Send(cancel, request) => (
            Some(cancel),
            "It is no longer asked for; EKS is asked to cancel it.".to_owned(),
            Some(Action::Cancel(request)),
            Wake::Now,
        ),
    };
    let mut memory = memory.clone();
    memory.update = Some(Update {
        cancel,
        ..update.clone()
    });
    let said = Decision::say(
        memory,
        Reason::Updating,
        format!("{sentence} {message}"),
        wake,
    );
    Some(Decision { action, ..said })
}
