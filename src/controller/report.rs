//! Says what was decided and done: Events, one log line, metrics. All of it from the same decision.

use crate::api::{ClusterUpgradeStatus, Reason};
use crate::eks::{Eks, EksError, ErrorKind};
use crate::plan::{self, Action, Decision, Outcome, Sent};
use crate::store::{Body, Store, Stored};

use super::context::{Clock, Context};
use super::{events, finished};

/// Reports a written decision. Only transitions are worth an Event or a line at info level.
pub async fn report<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    before: &ClusterUpgradeStatus,
    after: &Stored,
    decision: &Decision,
) {
    let Ok(Body { spec: _, status }) = &after.body else {
        return;
    };
    // Nothing is said about an object that is being deleted, for nothing is followed any more.
    if decision.outcome == Outcome::Silent {
        return;
    }
    if let Some(update) = finished::between(before, status) {
        ctx.metrics.update_finished(update);
    }
    let mut notes = events::between(before, status);
    // Where its cluster is gone it does not take long: it is over.
    let is_followed =
        !matches!(&decision.outcome, Outcome::Say(reason, _) if *reason != Reason::Updating);
    if is_followed
        && let Some(update) = &status.update
        && let Some(id) = &update.id
        && plan::is_overdue(update, &ctx.settings, ctx.clock.now())
        && ctx.recall.overdue_first_time(&after.uid, id)
    {
        ctx.metrics.overdue();
        notes.push(events::overdue(
            update,
            plan::overdue_after(update, &ctx.settings).as_mins().into(),
        ));
    }
    if let Outcome::Say(reason, message) = &decision.outcome {
        let had = before
            .conditions
            .iter()
            .any(|condition| condition.reason == reason.as_str());
        // Messages quote AWS, and so may name accounts: they stay out of the log at info level.
        if !had {
            let is_of_update = matches!(
                reason,
                Reason::UpdateFailed | Reason::PreflightFailed | Reason::RequestRejected
            );
            let update = status.update.as_ref().filter(|_| is_of_update);
            let error = update.and_then(|update| update.errors.first());
            let code = error.map(|error| error.error_code.as_str());
            tracing::info!(object = %after.key, %reason, code, "state changed");
        }
        tracing::debug!(object = %after.key, %reason, message, "decided");
    }
    for note in notes {
        if !ctx.recall.is_news(&after.uid, after.generation, &note) {
            continue;
        }
        tracing::info!(object = %after.key, event = note.reason, action = note.action, "event");
        ctx.metrics.event(&note.reason);
        ctx.store.publish(after, &note).await;
    }
}

/// Logs what became of a send.
pub fn sent<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    object: &Stored,
    action: &Action,
    sent: &Sent,
) {
    if let Action::Cancel(request) = action {
        cancel_sent(ctx, object, &request.update_id, sent);
        return;
    }
    let update = object
        .body
        .as_ref()
        .ok()
        .and_then(|body| body.status.update.as_ref());
    let Some(update) = update else { return };
    let (from, to) = (update.from_version, update.to_version);
    let (attempt, sends) = (
        update.attempt.unwrap_or_default(),
        update.sends.unwrap_or_default(),
    );
    let object = &object.key;
    match sent {
        Sent::Accepted(view) => {
            ctx.metrics.sent("accepted");
            tracing::info!(%object, %from, %to, attempt, sends, update = view.id, "EKS accepted the update");
        }
        Sent::NotAccepted(error) => {
            ctx.metrics.sent(error.kind.label());
            let EksError {
                kind,
                operation: _,
                code,
                message,
                request_id,
                clock_behind: _,
            } = error;
            let (kind, request) = (kind.label(), request_id.as_deref());
            if error.kind == ErrorKind::InUse {
                tracing::info!(%object, %from, %to, attempt, sends, code, request, "EKS is busy with the cluster; asked again");
            } else {
                tracing::warn!(%object, %from, %to, attempt, sends, kind, code, request, "EKS did not accept the update");
            }
            tracing::debug!(%object, message, "EKS's words");
        }
        Sent::Dropped => {
            ctx.metrics.sent("dropped");
            tracing::warn!(%object, %from, %to, attempt, sends, "not sent: too late after its guarded write, or ending");
        }
    }
}

fn cancel_sent<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    object: &Stored,
    update: &str,
    sent: &Sent,
) {
    let object = &object.key;
    match sent {
        Sent::Accepted(_) => {
            ctx.metrics.cancel_sent("accepted");
            tracing::info!(%object, update, "EKS cancels the rollback");
        }
        Sent::NotAccepted(error) => {
            let (kind, request) = (error.kind.label(), error.request_id.as_deref());
            ctx.metrics.cancel_sent(kind);
            tracing::warn!(%object, update, kind, code = error.code, request, "EKS did not take the cancellation");
            tracing::debug!(%object, message = error.message, "EKS's words");
        }
        Sent::Dropped => {
            ctx.metrics.cancel_sent("dropped");
            tracing::warn!(%object, update, "cancellation not sent: too late after its guarded write, or ending");
        }
    }
}

/// Counts and logs what went wrong while looking.
pub fn looked<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    object: &Stored,
    failure: Option<&EksError>,
) {
    let Some(error) = failure else { return };
    let EksError {
        kind,
        operation,
        code,
        message,
        request_id,
        clock_behind,
    } = error;
    ctx.metrics.observation_failed(kind.label());
    // An absent cluster is the object's own trouble and said there; the rest may be the operator's.
    if *kind == ErrorKind::NotFound {
        tracing::debug!(object = %object.key, operation, code, "not found");
    } else {
        tracing::warn!(
            object = %object.key, operation, kind = kind.label(), code, request = request_id.as_deref(),
            clock_behind, "EKS could not be asked"
        );
    }
    tracing::debug!(object = %object.key, message, "AWS's words");
}
