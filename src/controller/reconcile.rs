//! The life of one reconcile: observe, decide, persist, execute, report.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::api::{ClusterUpgradeStatus, Reason};
use crate::eks::{Eks, EksError, ErrorKind, Target};
use crate::plan::{
    Action, Decision, Facts, Object, Observed, Outcome, Sent, Standing, Trouble, Wake, Wish,
    answered, cancel_answered, decide,
};
use crate::store::{Body, Key, Store, StoreError, Stored};

use super::context::{Clock, Context, Moment};
use super::execute::execute;
use super::fleet::Turn;
use super::freezes::FreezeSet;
use super::observe::{Inquiry, observe};
use super::pace::Look;
use super::persist::{persist, persist_answer};
use super::wait::wait;
use super::{report, unreadable};

/// How long after the beginning of a look an effect is still announced: the write has to leave time for the send.
const WRITES_BEFORE: SignedDuration = SignedDuration::from_secs(7);

/// Looks at one object and takes at most one step. Returns when to look again; `None` means when it changes.
///
/// # Errors
/// Where the API server did not take a write, or did not list the freezes; nothing was sent then.
pub async fn reconcile<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    key: &Key,
    look: &Look,
) -> Result<Option<Duration>, StoreError> {
    let Some(stored) = ctx.store.cached(key) else {
        return Ok(None);
    };
    let body = match &stored.body {
        Ok(body) => body,
        Err(why) => {
            // It starts nothing, so it must not stand before those that would.
            ctx.waker.wake(ctx.fleet.step_aside(&stored));
            return unreadable::report(ctx, &stored, why).await;
        }
    };
    if !ctx.may_begin() {
        return Ok(later(ctx));
    }
    let moment = Moment::now(&ctx.clock);
    let (object, not_allowed) = object(ctx, &stored, body, moment);
    let standing = standing(ctx, &stored, body, not_allowed, &ctx.freezes.now());
    let nothing_yet = Observed::default();
    let facts = Facts {
        object: &object,
        memory: &body.status,
        standing: &standing,
        observed: &nothing_yet,
        trouble: None,
        refusals: ctx.recall.refusals(&stored.uid),
        durations: ctx.lengths.now(),
        settings: &ctx.settings,
        now: moment.wall(),
    };

    let inquiry = Inquiry {
        eks: &ctx.eks,
        cache: &ctx.cache,
        clock: &ctx.clock,
        look,
        may_refresh: true,
        may_go_on: &|| ctx.may_begin(),
    };
    let observed = observe(&inquiry, &facts).await;
    if !ctx.may_begin() {
        return Ok(later(ctx));
    }
    let trouble = looked(ctx, &stored, &observed);
    // The time stays that of the first look, so that a process that stood still since then shows; who owns the cluster and
    // what is frozen is asked again.
    let freezes = ctx.freezes.now();
    let standing = self::standing(ctx, &stored, body, standing.not_allowed.clone(), &freezes);
    let facts = Facts {
        observed: &observed,
        standing: &standing,
        trouble,
        ..facts
    };
    let decided = decide_under_freezes(ctx, look, &stored, &facts, freezes).await;
    if !ctx.may_begin() {
        // An intent that is written and not sent would be looked for by the next leader, for twenty minutes.
        ctx.waker.wake(ctx.fleet.release(&stored));
        return Ok(later(ctx));
    }

    let is_late = moment.elapsed(&ctx.clock) >= WRITES_BEFORE;
    if let Ok((
        Decision {
            action: Some(_), ..
        },
        _,
    )) = &decided
        && is_late
    {
        // What is written now could not be sent any more. What took so long is known next time, or waits at its beginning.
        tracing::info!(object = %key, "looking took too long to send anything on it; looking again");
        ctx.waker.wake(ctx.fleet.release(&stored));
        return Ok(Some(Duration::ZERO));
    }

    let written = match decided {
        Ok((decision, freezes)) => persist(ctx, &stored, &decision, &freezes)
            .await
            .map(|written| (decision, written)),
        Err(error) => Err(error),
    };
    ctx.waker.wake(ctx.fleet.release(&stored));
    let (decision, written) = written?;
    // Nothing is to come; or what was read along may be of another cluster.
    if let (Outcome::Say(Reason::UpToDate | Reason::ClusterReplaced, _), Ok(wish)) =
        (&decision.outcome, &object.wish)
    {
        ctx.cache.forget_evidence(&wish.target);
    }
    let (Some(action), Ok(wish)) = (&decision.action, &object.wish) else {
        report::report(ctx, &body.status, &written, &decision).await;
        return Ok(next(ctx, &stored, decision.wake));
    };
    let sent = execute(ctx, look, &wish.target, action, &written, moment).await;
    report::sent(ctx, &written, action, &sent);
    let answer = take(ctx, &stored, &written, &wish.target, action, &sent);
    let after = persist_answer(ctx, &written, &answer).await?;
    report::report(ctx, &body.status, &after, &answer).await;
    Ok(next(ctx, &stored, answer.wake))
}

fn next<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    stored: &Stored,
    wake: Wake,
) -> Option<Duration> {
    let resync = ctx.settings.resync_interval;
    let object = (ctx.salt, &stored.uid);
    wait(wake, &object, resync, ctx.clock.monotonic())
}

/// When to look again where nothing may be begun: the process ends, or is about to find out that it no longer leads.
fn later<E: Eks, S: Store, C: Clock>(ctx: &Context<E, S, C>) -> Option<Duration> {
    let poll = ctx.settings.poll_interval;
    (!ctx.is_stopping()).then(|| poll.unsigned_abs())
}

/// Decides. What would be sent is decided once more on the freezes as they are at this moment: a watch may lag, and once
/// somebody's apply of a freeze has returned, nothing that it concerns begins. Before that its turn at AWS is waited for. Returns the freezes that were decided on.
async fn decide_under_freezes<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    look: &Look,
    stored: &Stored,
    facts: &Facts<'_>,
    freezes: Arc<FreezeSet>,
) -> Result<(Decision, Arc<FreezeSet>), StoreError> {
    let decision = decide_in_turn(ctx, stored, facts);
    let (Some(action), Ok(wish)) = (&decision.action, &facts.object.wish) else {
        return Ok((decision, freezes));
    };
    if let Err(error) = look.before_sending(&wish.target).await {
        return Ok((not_asked(ctx, stored, facts, error), freezes));
    }
    match action {
        Action::Send(_) => {}
        Action::Cancel(_) => return Ok((decision, freezes)),
    }
    let live = FreezeSet::of(ctx.store.live_freezes().await?);
    let decision = decide(&Facts {
        standing: &Standing {
            freezes: live.selecting(&stored.labels),
            ..facts.standing.clone()
        },
        ..facts.clone()
    });
    Ok((decision, Arc::new(live)))
}

/// What is decided where AWS may not be asked, nor sent anything, for a while.
fn not_asked<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    stored: &Stored,
    facts: &Facts<'_>,
    error: EksError,
) -> Decision {
    let observed = Observed {
        cluster: Some(Err(error)),
        ..Observed::default()
    };
    decide(&Facts {
        trouble: looked(ctx, stored, &observed),
        observed: &observed,
        ..facts.clone()
    })
}

/// Decides; where an update would start, only if it is this object's turn.
fn decide_in_turn<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    stored: &Stored,
    facts: &Facts<'_>,
) -> Decision {
    let decision = decide(facts);
    let starts = |decision: &Decision| match &decision.action {
        Some(Action::Send(_)) => facts
            .memory
            .update
            .as_ref()
            .is_none_or(|update| !update.is_open_intent()),
        Some(Action::Cancel(_)) | None => false,
    };
    if !starts(&decision) {
        ctx.waker.wake(ctx.fleet.step_aside(stored));
        return decision;
    }
    let most = ctx.limits.max_running_updates;
    match ctx.fleet.claim(stored, most) {
        Turn::Yours => decision,
        Turn::Wait => decide(&Facts {
            standing: &Standing {
                queued_behind: Some(most),
                ..facts.standing.clone()
            },
            ..facts.clone()
        }),
    }
}

/// The object, and why it may not do what it asks for, if it may not.
fn object<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    stored: &Stored,
    body: &Body,
    moment: Moment,
) -> (Object, Option<String>) {
    let Stored {
        key,
        uid,
        resource_version: _,
        generation,
        created_at: _,
        deleting,
        retry_requested_at,
        labels: _,
        body: _,
    } = stored;
    let seen = ctx.recall.first_seen(uid, *generation, moment.wall());
    let mut wish = Wish::try_from(&body.spec);
    let mut not_allowed = None;
    if let Ok(wish) = &mut wish {
        match ctx.access.admit(&key.namespace, &wish.target) {
            Ok(target) => wish.target = target,
            Err(why) => not_allowed = Some(why),
        }
    }
    let object = Object {
        name: key.to_string(),
        uid: uid.clone(),
        generation: *generation,
        deleting: *deleting,
        retry_requested_at: retry_requested_at.clone(),
        wish,
        settled_at: seen.checked_add(ctx.limits.settle).ok(),
    };
    (object, not_allowed)
}

fn standing<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    stored: &Stored,
    body: &Body,
    not_allowed: Option<String>,
    freezes: &FreezeSet,
) -> Standing {
    Standing {
        owner: ctx
            .fleet
            .owner_other_than(&body.spec.cluster, &stored.uid)
            .map(|owner| owner.to_string()),
        not_allowed,
        queued_behind: None,
        freezes: freezes.selecting(&stored.labels),
    }
}

/// Takes note of how looking went.
fn looked<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    stored: &Stored,
    observed: &Observed,
) -> Option<Trouble> {
    let failure = observed.trouble();
    report::looked(ctx, stored, failure);
    ctx.recall.looked(&stored.uid, failure, ctx.clock.now())
}

/// Takes note of how sending went, and says what it means.
fn take<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    stored: &Stored,
    written: &Stored,
    target: &Target,
    action: &Action,
    sent: &Sent,
) -> Decision {
    let now = ctx.clock.now();
    let unwritten = ClusterUpgradeStatus::default();
    let memory = written
        .body
        .as_ref()
        .map_or(&unwritten, |body| &body.status);
    match action {
        Action::Send(_) => {}
        Action::Cancel(_) => return cancel_answered(memory, sent),
    }
    match sent {
        Sent::Accepted(_) => ctx.recall.sent(&stored.uid, None, now),
        Sent::NotAccepted(error) => {
            ctx.recall.sent(&stored.uid, Some(error), now);
            if error.kind == ErrorKind::InvalidParameter {
                ctx.cache.forget_versions(target);
            }
        }
        Sent::Dropped => {}
    }
    answered(memory, sent, &ctx.settings, now)
}
