//! Which Events a change of status is worth: one for each transition, none for anything that lasts.

use crate::api::condition::READY;
use crate::api::{CancelStatus, ClusterUpgradeStatus, Reason, Update, UpdateStatus};
use crate::plan;
use crate::store::Note;
use crate::text::plain;

/// The longest note that the API takes.
const NOTE_LIMIT: usize = 1024;
/// The longest action that the API takes.
const ACTION_LIMIT: usize = 128;

/// The Events between two states of one object.
pub fn between(old: &ClusterUpgradeStatus, new: &ClusterUpgradeStatus) -> Vec<Note> {
    let update = new
        .update
        .as_ref()
        .and_then(|update| of_update(old, update, new));
    let is_told = update.is_some();
    update
        .into_iter()
        .chain(of_cancel(old, new))
        .chain(of_reason(old, new, is_told))
        .collect()
}

/// What EKS answered to a cancellation.
fn of_cancel(old: &ClusterUpgradeStatus, new: &ClusterUpgradeStatus) -> Option<Note> {
    let update = new.update.as_ref()?;
    let status = update.cancel.as_ref()?.status?;
    let before = old.update.as_ref().filter(|before| before.id == update.id);
    let before = before.and_then(|before| before.cancel.as_ref()?.status);
    if before == Some(status) {
        return None;
    }
    let (from, to) = (update.from_version, update.to_version);
    Some(match status {
        CancelStatus::Accepted => note(
            false,
            "CancelAccepted",
            update,
            &format!(
                "EKS cancels the rollback from {from} to {to} (update {}), which is no longer asked for.",
                id(update)
            ),
        ),
        CancelStatus::Refused => note(
            true,
            "CancelRefused",
            update,
            &format!(
                "The rollback from {from} to {to} (update {}) is no longer asked for, but cannot be cancelled any more; it is followed to its end.",
                id(update)
            ),
        ),
    })
}

/// That an update takes longer than updates usually do.
pub fn overdue(update: &Update, minutes: i128) -> Note {
    note(
        true,
        "UpdateOverdue",
        update,
        &format!(
            "The {} from {} to {} (update {}) takes longer than {minutes} minutes. It is still followed; see the cluster's health and AWS support.",
            plan::noun(&update.kind),
            update.from_version,
            update.to_version,
            id(update)
        ),
    )
}

fn note(warning: bool, reason: &str, update: &Update, text: &str) -> Note {
    let attempt = update
        .attempt
        .map_or_else(String::new, |attempt| format!("Attempt{attempt}"));
    Note {
        warning,
        reason: reason.to_owned(),
        action: plain(
            &format!(
                "{}From{}To{}{attempt}",
                update.kind, update.from_version, update.to_version
            ),
            ACTION_LIMIT,
        ),
        text: plain(text, NOTE_LIMIT),
    }
}

fn id(update: &Update) -> &str {
    update.id.as_deref().unwrap_or("without id")
}

/// What happened to the update.
fn of_update(
    old: &ClusterUpgradeStatus,
    new: &Update,
    status: &ClusterUpgradeStatus,
) -> Option<Note> {
    let (from, to) = (new.from_version, new.to_version);
    let noun = plan::noun(&new.kind);
    let does = plan::does(&new.kind, "the cluster");
    let before = old.update.as_ref().filter(|old| {
        (old.id.is_some() && old.id == new.id)
            || (old.client_request_token.is_some()
                && old.client_request_token == new.client_request_token)
    });
    let was_running = before.is_some_and(|before| before.id.is_some());
    let is_new =
        |status: &UpdateStatus| before.and_then(|before| before.status.as_ref()) != Some(status);
    match &new.status {
        Some(UpdateStatus::InProgress | UpdateStatus::Other(_)) if !was_running => {
            Some(if new.attempt.is_some() {
                note(
                    false,
                    "UpdateStarted",
                    new,
                    &format!("EKS {does} from {from} to {to} (update {}).", id(new)),
                )
            } else {
                note(
                    false,
                    "UpdateAdopted",
                    new,
                    &format!(
                        "EKS already {does} from {from} to {to} (update {}, started outside this object); it is followed.",
                        id(new)
                    ),
                )
            })
        }
        Some(ended @ UpdateStatus::Failed) if is_new(ended) => Some(note(
            true,
            Reason::UpdateFailed.as_str(),
            new,
            &format!(
                "The {noun} from {from} to {to} failed (update {}): {}",
                id(new),
                plan::errors(&new.errors)
            ),
        )),
        Some(ended @ UpdateStatus::Cancelled) if is_new(ended) => Some(note(
            true,
            Reason::UpdateCancelled.as_str(),
            new,
            &format!(
                "The {noun} from {from} to {to} was cancelled (update {}).",
                id(new)
            ),
        )),
        Some(ended @ UpdateStatus::Refused) if is_new(ended) => Some(note(
            true,
            "UpdateRefused",
            new,
            &format!(
                "EKS refused the {noun} from {from} to {to}: {}",
                plan::errors(&new.errors)
            ),
        )),
        Some(ended @ UpdateStatus::NotSent) if is_new(ended) => Some(note(
            false,
            "UpdateNotSent",
            new,
            &format!(
                "The {noun} from {from} to {to} is no longer asked for; EKS never accepted it."
            ),
        )),
        Some(ended @ UpdateStatus::Lost) if is_new(ended) => Some(note(
            true,
            Reason::UpdateLost.as_str(),
            new,
            &format!(
                "EKS no longer knows update {} from {from} to {to}.",
                id(new)
            ),
        )),
        // The hop is done when it enters the history, which may be after EKS called it successful.
        Some(UpdateStatus::Successful) if before.is_some() => {
            let is_done =
                |status: &ClusterUpgradeStatus| status.history.iter().any(|past| past.id == new.id);
            (is_done(status) && !is_done(old)).then(|| {
                note(
                    false,
                    "UpdateSucceeded",
                    new,
                    &format!(
                        "The {noun} from {from} to {to} is done (update {}).",
                        id(new)
                    ),
                )
            })
        }
        _ => None,
    }
}

/// A change of the reason itself.
fn of_reason(
    old: &ClusterUpgradeStatus,
    new: &ClusterUpgradeStatus,
    is_told: bool,
) -> Option<Note> {
    let ready = |status: &ClusterUpgradeStatus| {
        status.conditions.iter().find(|c| c.type_ == READY).cloned()
    };
    let now = ready(new)?;
    if ready(old).is_some_and(|before| before.reason == now.reason) {
        return None;
    }
    let reason = Reason::ALL
        .into_iter()
        .find(|reason| reason.as_str() == now.reason)?;
    match reason {
        // The first is told by the update itself. Where AWS or the credentials are lost for the whole hub, a metric says it
        // once instead of an Event per object.
        Reason::Updating | Reason::EksUnavailable | Reason::CredentialsUnavailable => None,
        Reason::UpdateFailed | Reason::UpdateCancelled | Reason::UpdateLost if is_told => None,
        _ => Some(Note {
            warning: reason.is_stalled()
                || matches!(reason, Reason::PreflightFailed | Reason::PreflightUnknown),
            reason: now.reason.clone(),
            action: format!(
                "ObserveGeneration{}",
                now.observed_generation.unwrap_or_default()
            ),
            text: plain(&now.message, NOTE_LIMIT),
        }),
    }
}
