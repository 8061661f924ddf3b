//! Carries out the one effect of a decision, after its guarded write.

use crate::eks::{Eks, Target};
use crate::plan::{Action, SEND_WITHIN, Sent};
use crate::store::Store;

use super::context::{Clock, Context, Moment};

/// Sends, unless too much time has passed since the decision: a process that was frozen in between no longer knows what
/// the object says.
pub async fn execute<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
    action: &Action,
    decided: Moment,
) -> Sent {
    if ctx.is_stopping() || decided.elapsed(&ctx.clock) >= SEND_WITHIN {
        return Sent::Dropped;
    }
    match action {
        Action::Send(request) => match ctx.eks.update_cluster_version(target, request).await {
            Ok(update) => Sent::Accepted(update),
            Err(error) => Sent::NotAccepted(error),
        },
    }
}
