//! Asks EKS what a decision needs to know, and no more.

use std::future::Future;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

use crate::eks::{
    Eks, EksError, ErrorKind, InsightCategory, InsightView, NodegroupView, Progress, RefreshStatus,
    RefreshView, Target, UpdateView,
};
use crate::plan::{Facts, Observed, Read, Readiness, VERSION_ROLLBACK, VERSION_UPDATE, next_read};
use crate::store::Store;

use super::cache::Finished;
use super::context::{Clock, Context};
use super::evidence;

/// How many updates or node groups of one cluster are described at a time.
pub(super) const DESCRIBED_AT_A_TIME: usize = 4;

/// Asks until nothing more is needed, something went wrong, or nothing may be begun any more.
pub async fn observe<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    facts: &Facts<'_>,
) -> Observed {
    let mut observed = Observed::default();
    let Ok(wish) = &facts.object.wish else {
        return observed;
    };
    let target = &wish.target;
    while ctx.may_begin()
        && let Some(read) = next_read(&Facts {
            observed: &observed,
            ..facts.clone()
        })
    {
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
            Read::Nodegroups => observed.nodegroups = Some(nodegroups(ctx, target).await),
            Read::Refresh => {
                let refresh = ctx.eks.describe_insights_refresh(target);
                observed.refresh = Some(paced(ctx, target, refresh).await);
            }
            Read::StartRefresh => observed.refresh = Some(start_refresh(ctx, target).await),
            Read::Insights => observed.insights = Some(insights(ctx, target).await),
            Read::Support => observed.support = Some(support(ctx, target).await),
            Read::Evidence(part, since) => {
                evidence::read(ctx, target, &mut observed.evidence, part, since).await;
            }
            Read::Readiness => observed.readiness = Some(readiness(ctx, target).await),
        }
    }
    observed
}

/// Asks, unless AWS throttles in this account and region: then its last answer stands.
pub(super) async fn paced<E: Eks, S: Store, C: Clock, T>(
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

/// Every managed node group. One that is deleted while they are described is none.
pub(super) async fn nodegroups<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
) -> Result<Vec<NodegroupView>, EksError> {
    let names = paced(ctx, target, ctx.eks.list_nodegroups(target)).await?;
    let described: Vec<Option<NodegroupView>> = stream::iter(names)
        .map(|name| async move {
            match paced(ctx, target, ctx.eks.describe_nodegroup(target, &name)).await {
                Ok(group) => Ok(Some(group)),
                Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        })
        .buffered(DESCRIBED_AT_A_TIME)
        .try_collect()
        .await?;
    Ok(described.into_iter().flatten().collect())
}

/// Has EKS refresh its findings. They count once a later look sees the refresh ended.
pub(super) async fn start_refresh<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
) -> Result<RefreshView, EksError> {
    let started = paced(ctx, target, ctx.eks.start_insights_refresh(target)).await?;
    Ok(match started.status {
        RefreshStatus::Failed(_) => RefreshView {
            ended_at: started.ended_at.or_else(|| Some(ctx.clock.now())),
            ..started
        },
        RefreshStatus::None | RefreshStatus::InProgress | RefreshStatus::Completed => RefreshView {
            status: RefreshStatus::InProgress,
            started_at: started.started_at.or_else(|| Some(ctx.clock.now())),
            ended_at: None,
        },
    })
}

async fn insights<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
) -> Result<Vec<InsightView>, EksError> {
    let listed = ctx
        .eks
        .list_insights(target, InsightCategory::RollbackReadiness);
    paced(ctx, target, listed).await
}

async fn readiness<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
) -> Result<Readiness, EksError> {
    Ok(Readiness {
        insights: insights(ctx, target).await?,
        offered: versions(ctx, target).await?,
    })
}

/// What is on offer, only to show how long it is supported: that changes with the year.
async fn support<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
) -> Result<Arc<[crate::eks::OfferedVersion]>, EksError> {
    match ctx.cache.versions_of_today(target, ctx.clock.now()) {
        Some(versions) => Ok(versions),
        None => versions(ctx, target).await,
    }
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
