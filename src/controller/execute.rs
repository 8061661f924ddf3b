//! Carries out the one effect of a decision, after its guarded write.

use std::sync::Arc;

use tokio::time::Instant;

use crate::eks::{Eks, Fence, Target};
use crate::leader::Leadership;
use crate::plan::{Action, SEND_WITHIN, Sent, may_begin};
use crate::store::{Store, Stored};

use super::context::{Clock, Context, Moment};
use super::pace::Look;

/// Sends, unless too much time has passed since EKS was looked at: a process that was frozen in between no longer knows
/// what the object says, nor whether EKS still honours the token. Nor where another replica may lead by now.
pub async fn execute<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    look: &Look,
    target: &Target,
    action: &Action,
    announced: &Stored,
    looked_at: Moment,
) -> Sent {
    let is_announced = announced
        .body
        .as_ref()
        .is_ok_and(|body| may_begin(&body.status, action, ctx.clock.now()));
    let fence = fence(looked_at, ctx.clock.clone(), Arc::clone(&ctx.leadership));
    if ctx.is_stopping() || !is_announced || !fence.is_open() {
        return Sent::Dropped;
    }
    let (eks, sent_at) = (&ctx.eks, Instant::now());
    let answer = match action {
        Action::Send(request) => eks.update_cluster_version(target, request, &fence).await,
        Action::Cancel(request) => eks.cancel_update(target, request, &fence).await,
    };
    look.answered(target, &answer, sent_at);
    match answer {
        Ok(update) => Sent::Accepted(update),
        Err(error) => Sent::NotAccepted(error),
    }
}

/// Open for ten seconds after the look, and as long as this replica leads.
fn fence(looked_at: Moment, clock: impl Clock, leadership: Arc<Leadership>) -> Fence {
    Fence::new(move || looked_at.elapsed(&clock) < SEND_WITHIN && leadership.is_held(&clock))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::*;

    #[derive(Clone, Default)]
    struct Second(Arc<AtomicU64>);

    impl Clock for Second {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn it_closes_ten_seconds_after_the_look_and_when_the_term_ends() {
        let clock = Second::default();
        let start = Moment::now(&clock);
        let open_for = |leadership: Leadership| {
            let fence = fence(start, clock.clone(), Arc::new(leadership));
            let is_open = |second| {
                clock.0.store(second, Ordering::Relaxed);
                fence.is_open()
            };
            (0..60).take_while(|second| is_open(*second)).count()
        };
        assert_eq!(open_for(Leadership::always()), 10);
        assert_eq!(open_for(Leadership::not_yet()), 0);
        for (term, expected) in [(4, 4), (30, 10)] {
            let leadership = Leadership::not_yet();
            leadership.prolong(start, SignedDuration::from_secs(term));
            assert_eq!(open_for(leadership), expected);
        }
    }
}
