//! Asks EKS what a decision needs to know, and no more.

use std::future::Future;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

use crate::eks::{Eks, EksError, ErrorKind, Progress, Target, UpdateView};
use crate::plan::{Facts, Observed, Read, VERSION_ROLLBACK, VERSION_UPDATE, next_read};
use crate::store::Store;

use super::cache::Finished;
use super::context::{Clock, Context};

/// How many updates of one cluster are described at a time, where its list is seen for the first time.
const DESCRIBED_AT_A_TIME: usize = 4;

/// Asks until nothing more is needed, or something went wrong.
pub async fn observe<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    facts: &Facts<'_>,
) -> Observed {
    let mut observed = Observed::default();
    let Ok(wish) = &facts.object.wish else {
        return observed;
    };
    let target = &wish.target;
    while let Some(read) = next_read(&Facts {
        observed: &observed,
        ..facts.clone()
    }) {
        match read {
            Read::Tracked(id) => {
                let update = paced(ctx, target, ctx.eks.describe_update(target, &id)).await;
                if let Ok(update) = &update {
                    remember(ctx, target, update);
                }
                observed.tracked = Some(update);
            }
            Read::Cluster => {
                observed.cluster = Some(paced(ctx, target, ctx.eks.describe_cluster(target)).await);
            }
            Read::Updates => observed.updates = Some(updates(ctx, target).await),
            Read::Versions => observed.versions = Some(versions(ctx, target).await),
        }
    }
    observed
}

/// Asks, unless AWS throttles in this account and region: then its last answer stands.
async fn paced<E: Eks, S: Store, C: Clock, T>(
    ctx: &Context<E, S, C>,
    target: &Target,
    question: impl Future<Output = Result<T, EksError>> + Send,
) -> Result<T, EksError> {
    if let Some(error) = ctx.pace.refusal(target, ctx.clock.monotonic()) {
        return Err(error);
    }
    let answer = question.await;
    ctx.pace.answered(target, &answer, ctx.clock.monotonic());
    answer
}

/// Every version update, and every other update that is not finished. A list that could not be read whole is an error:
/// half of it would pass for the truth.
async fn updates<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
) -> Result<Vec<UpdateView>, EksError> {
    let listed = paced(ctx, target, ctx.eks.list_updates(target)).await?;
    let known = ctx.cache.finished(target, &listed);
    let unknown: Vec<String> = listed
        .into_iter()
        .filter(|id| !known.contains_key(id))
        .collect();
    let described: Vec<UpdateView> = stream::iter(unknown)
        .map(|id| describe(ctx, target, id))
        .buffer_unordered(DESCRIBED_AT_A_TIME)
        .inspect_ok(|update| remember(ctx, target, update))
        .try_collect()
        .await?;
    let described = described
        .into_iter()
        .filter(|update| is_version(update) || !is_finished(update));
    let known = known.into_values().filter_map(|finished| match finished {
        Finished::Version(update) => Some(Arc::unwrap_or_clone(update)),
        Finished::Other => None,
    });
    Ok(described.chain(known).collect())
}

async fn describe<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
    id: String,
) -> Result<UpdateView, EksError> {
    paced(ctx, target, ctx.eks.describe_update(target, &id))
        .await
        .map_err(listed_but_unknown)
}

/// An id that was listed a moment ago and is not known now: EKS disagrees with itself, and the cluster is there.
fn listed_but_unknown(error: EksError) -> EksError {
    match error.kind {
        ErrorKind::NotFound => EksError {
            kind: ErrorKind::Unavailable,
            ..error
        },
        _ => error,
    }
}

fn remember<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
    update: &UpdateView,
) {
    if is_finished(update) {
        let finished = if is_version(update) {
            Finished::Version(Arc::new(update.clone()))
        } else {
            Finished::Other
        };
        ctx.cache.remember(target, update.id.clone(), finished);
    }
}

fn is_version(update: &UpdateView) -> bool {
    update.kind == VERSION_UPDATE || update.kind == VERSION_ROLLBACK
}

fn is_finished(update: &UpdateView) -> bool {
    matches!(
        update.status,
        Progress::Successful | Progress::Failed | Progress::Cancelled
    )
}

async fn versions<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
) -> Result<Arc<[crate::eks::OfferedVersion]>, EksError> {
    let now = ctx.clock.now();
    if let Some(versions) = ctx.cache.versions(target, now) {
        return Ok(versions);
    }
    let asked = paced(ctx, target, ctx.eks.describe_cluster_versions(target));
    let versions: Arc<[_]> = asked.await?.into();
    ctx.cache
        .remember_versions(target, Arc::clone(&versions), now);
    Ok(versions)
}
