//! Writes what was decided, under guard: only if the object is still the one it was decided on.

use std::sync::Arc;

use jiff::Timestamp;

use crate::api::{Cancel, CancelStatus, ClusterUpgradeStatus, Update};
use crate::eks::Eks;
use crate::plan::{Decision, Outcome};
use crate::store::{Body, Store, StoreError, Stored};

use super::conditions;
use super::context::{Clock, Context};
use super::freezes::FreezeSet;

/// How often a write is tried over other writers' changes, before it is left to the next pass.
const TRIES: u32 = 4;

/// The status that a decision asks for.
pub fn status_of(decision: &Decision, generation: i64, now: Timestamp) -> ClusterUpgradeStatus {
    let mut status = decision.memory.clone();
    let (old, preflight) = (&status.conditions, status.preflight.as_ref());
    match &decision.outcome {
        Outcome::Say(reason, message) => {
            status.conditions = conditions::of(old, *reason, message, preflight, generation, now);
            status.observed_generation = Some(generation);
        }
        Outcome::Keep => status.conditions = conditions::kept(old, preflight, generation, now),
        Outcome::Silent => {}
    }
    status
}

/// Writes a decision. Without an action, a status that would not change is not written: idle costs nothing.
///
/// Where somebody else wrote meanwhile, but nothing that was decided on (a label by which no freeze selects, say), the decision is as good for the
/// object as it is now. Asking EKS anew takes longer than it takes others to write again, so an object that is edited
/// all the time would never come to anything.
///
/// # Errors
/// [`StoreError::Conflict`] where what was decided on changed meanwhile, [`StoreError::Gone`] where another object bears
/// its name by now: then nothing of the decision counts.
pub async fn persist<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    object: &Arc<Stored>,
    decision: &Decision,
    freezes: &FreezeSet,
) -> Result<Arc<Stored>, StoreError> {
    let mut at = Arc::clone(object);
    for _ in 1..TRIES {
        match persist_once(ctx, &at, decision).await {
            Err(StoreError::Conflict) => {
                let live = ctx.store.live(&object.key).await?;
                if live.uid != object.uid {
                    return Err(StoreError::Gone);
                }
                if !is_as_decided_on(&at, &live, freezes) {
                    return Err(StoreError::Conflict);
                }
                at = live;
            }
            other => return other,
        }
    }
    persist_once(ctx, &at, decision).await
}

/// Whether two states of an object differ in nothing that is decided on. Of the labels that is which freezes they select.
fn is_as_decided_on(one: &Stored, other: &Stored, freezes: &FreezeSet) -> bool {
    let is_same = *other
        == Stored {
            resource_version: other.resource_version.clone(),
            labels: other.labels.clone(),
            ..one.clone()
        };
    is_same && freezes.selecting(&one.labels) == freezes.selecting(&other.labels)
}

async fn persist_once<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    object: &Arc<Stored>,
    decision: &Decision,
) -> Result<Arc<Stored>, StoreError> {
    let Ok(Body { spec: _, status }) = &object.body else {
        return Ok(Arc::clone(object));
    };
    if decision.outcome == Outcome::Silent {
        return Ok(Arc::clone(object));
    }
    let next = status_of(decision, object.generation, ctx.clock.now());
    if next == *status && decision.action.is_none() {
        return Ok(Arc::clone(object));
    }
    let written = ctx.store.write_status(object, &next).await?;
    ctx.waker
        .wake(ctx.fleet.note_written(&written, ctx.clock.monotonic()));
    Ok(written)
}

/// Writes what an answer to a send means. The answer must not be lost to somebody else's write, so a conflict is
/// answered by reading the object live and adding the answer to what it is now, if it still is the same intent.
///
/// # Errors
/// Where that does not succeed either; the next pass finds the update by looking.
pub async fn persist_answer<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    announced: &Arc<Stored>,
    answer: &Decision,
) -> Result<Arc<Stored>, StoreError> {
    let mut at = Arc::clone(announced);
    let mut answer = answer.clone();
    for _ in 1..TRIES {
        match persist_once(ctx, &at, &answer).await {
            Err(StoreError::Conflict) => {
                let live = ctx.store.live(&announced.key).await?;
                let Some(merged) = onto(announced, &live, &answer) else {
                    return Err(StoreError::Conflict);
                };
                at = live;
                answer.memory = merged;
            }
            other => return other,
        }
    }
    persist_once(ctx, &at, &answer).await
}

/// The live memory with the answer in it, if the live object still has the open intent that was answered.
///
/// An acceptance is worth keeping whatever was announced since. Any other answer only speaks of the send that it answers:
/// where another replica has announced one more, what became of that is not known.
fn onto(announced: &Stored, live: &Stored, answer: &Decision) -> Option<ClusterUpgradeStatus> {
    let (Ok(announced_body), Ok(live_body)) = (&announced.body, &live.body) else {
        return None;
    };
    let ours = answer.memory.update.as_ref()?;
    let theirs = live_body.status.update.as_ref()?;
    let is_same = live.uid == announced.uid && !live.deleting;
    if let Some(cancel) = &ours.cancel
        && ours.id.is_some()
    {
        let merged = cancelled(announced_body.status.update.as_ref(), theirs, ours, cancel)?;
        return is_same.then(|| ClusterUpgradeStatus {
            update: Some(merged),
            ..live_body.status.clone()
        });
    }
    let is_answered = theirs.is_open_intent()
        && theirs.client_request_token == ours.client_request_token
        && (ours.id.is_some() || Some(theirs) == announced_body.status.update.as_ref());
    (is_same && is_answered).then(|| ClusterUpgradeStatus {
        update: Some(Update {
            sends: theirs.sends.max(ours.sends),
            last_send_at: theirs.last_send_at.max(ours.last_send_at),
            ..ours.clone()
        }),
        ..live_body.status.clone()
    })
}

/// The live update with the answer to its cancellation, by the same rule: EKS's consent is worth keeping whatever was announced
/// since.
fn cancelled(
    announced: Option<&Update>,
    theirs: &Update,
    ours: &Update,
    cancel: &Cancel,
) -> Option<Update> {
    let open = theirs.cancel.as_ref()?;
    let is_open = theirs.id == ours.id
        && open.status.is_none()
        && open.client_request_token == cancel.client_request_token;
    let is_accepted = cancel.status == Some(CancelStatus::Accepted);
    let is_unchanged = announced.and_then(|update| update.cancel.as_ref()) == Some(open);
    (is_open && (is_accepted || is_unchanged)).then(|| Update {
        cancel: Some(Cancel {
            sends: open.sends.max(cancel.sends),
            last_send_at: open.last_send_at.max(cancel.last_send_at),
            ..cancel.clone()
        }),
        ..theirs.clone()
    })
}
