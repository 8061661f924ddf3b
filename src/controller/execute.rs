//! Carries out the one effect of a decision, after its guarded write.

use std::sync::Arc;

use crate::eks::{Eks, Fence, Target};
use crate::plan::{Action, SEND_WITHIN, Sent, may_begin};
use crate::store::{Store, Stored};

use super::context::{Clock, Context, Moment};

/// Sends, unless too much time has passed since EKS was looked at: a process that was frozen in between no longer knows
/// what the object says, nor whether EKS still honours the token. Nor where another replica may lead by now.
pub async fn execute<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
    action: &Action,
    announced: &Stored,
    looked_at: Moment,
) -> Sent {
    let is_announced = announced
        .body
        .as_ref()
        .is_ok_and(|body| may_begin(&body.status, action, ctx.clock.now()));
    let clock = ctx.clock.clone();
    let leadership = Arc::clone(&ctx.leadership);
    let fence =
        Fence::new(move || looked_at.elapsed(&clock) < SEND_WITHIN && leadership.is_held(&clock));
    if ctx.is_stopping() || !is_announced || !fence.is_open() {
        return Sent::Dropped;
    }
    let eks = &ctx.eks;
    let answer = match action {
        Action::Send(request) => eks.update_cluster_version(target, request, &fence).await,
        Action::Cancel(request) => eks.cancel_update(target, request, &fence).await,
    };
    ctx.pace.answered(target, &answer, ctx.clock.monotonic());
    match answer {
        Ok(update) => Sent::Accepted(update),
        Err(error) => Sent::NotAccepted(error),
    }
}
