//! Asks EKS what a decision needs to know, and no more.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, future, stream};

use crate::eks::{
    Eks, EksError, ErrorKind, InsightCategory, InsightView, NodegroupView, Progress, RefreshStatus,
    RefreshView, Target, UpdateView,
};
use crate::plan::{Facts, Observed, Read, Readiness, VERSION_ROLLBACK, VERSION_UPDATE, next_reads};
use crate::store::Store;

use super::cache::Finished;
use super::context::{Clock, Context};
use super::evidence;
use super::pace::Look;

/// How many updates or node groups of one cluster are described at a time.
pub(super) const DESCRIBED_AT_A_TIME: usize = 4;

/// Asks until nothing more is needed, something went wrong, or nothing may be begun any more.
pub async fn observe<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    look: &Look,
    facts: &Facts<'_>,
) -> Observed {
    let mut observed = Observed::default();
    let Ok(wish) = &facts.object.wish else {
        return observed;
    };
    while ctx.may_begin() {
        let reads = next_reads(&Facts {
            observed: &observed,
            ..facts.clone()
        });
        if reads.is_empty() {
            break;
        }
        let is_first = observed.evidence.refresh.is_none();
        let asked = reads
            .into_iter()
            .map(|read| ask(ctx, look, &wish.target, read, is_first));
        let mut answers = future::join_all(asked).await.into_iter();
        if let Some(needed) = answers.next() {
            observed.add(needed);
        }
        // What went wrong with a question that may not have been needed is no failure yet.
        for answer in answers.filter(|answer| answer.trouble().is_none()) {
            observed.add(answer);
        }
    }
    observed
}

/// One answer. `is_first`: no refresh has been asked about in this look.
async fn ask<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    look: &Look,
    target: &Target,
    read: Read,
    is_first: bool,
) -> Observed {
    let mut answer = Observed::default();
    match read {
        Read::Tracked(id) => {
            let update = look
                .ask(target, || ctx.eks.describe_update(target, &id))
                .await;
            if let Ok(update) = &update {
                remember(ctx, target, update);
            }
            answer.tracked = Some(update);
        }
        Read::Cluster => {
            let described = look.ask(target, || ctx.eks.describe_cluster(target));
            answer.cluster = Some(described.await);
        }
        Read::Updates => answer.updates = Some(updates(ctx, look, target).await),
        Read::Versions => answer.versions = Some(versions(ctx, look, target).await),
        Read::Nodegroups => answer.nodegroups = Some(nodegroups(ctx, look, target).await),
        Read::Refresh => {
            let refresh = look.ask(target, || ctx.eks.describe_insights_refresh(target));
            answer.refresh = Some(refresh.await);
        }
        Read::StartRefresh => answer.refresh = Some(start_refresh(ctx, look, target).await),
        Read::Insights => answer.insights = Some(insights(ctx, look, target).await),
        Read::Support => answer.support = Some(support(ctx, look, target).await),
        Read::Evidence(part, since) => {
            let found = &mut answer.evidence;
            evidence::read(ctx, look, target, found, part, since, is_first).await;
        }
        Read::Readiness => answer.readiness = Some(readiness(ctx, look, target).await),
    }
    answer
}

/// Every version update, and every other update that is not finished. A list that could not be read whole is an error:
/// half of it would pass for the truth.
async fn updates<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    look: &Look,
    target: &Target,
) -> Result<Vec<UpdateView>, EksError> {
    let listed = look.ask(target, || ctx.eks.list_updates(target)).await?;
    let known = ctx.cache.finished(target, &listed);
    let unknown: Vec<String> = listed
        .into_iter()
        .filter(|id| !known.contains_key(id))
        .collect();
    let described: Vec<UpdateView> = stream::iter(unknown)
        .map(|id| describe(ctx, look, target, id))
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
    look: &Look,
    target: &Target,
    id: String,
) -> Result<UpdateView, EksError> {
    look.ask(target, || ctx.eks.describe_update(target, &id))
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
    look: &Look,
    target: &Target,
) -> Result<Vec<NodegroupView>, EksError> {
    let names = look.ask(target, || ctx.eks.list_nodegroups(target)).await?;
    let described: Vec<Option<NodegroupView>> = stream::iter(names)
        .map(|name| async move {
            match look
                .ask(target, || ctx.eks.describe_nodegroup(target, &name))
                .await
            {
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
    look: &Look,
    target: &Target,
) -> Result<RefreshView, EksError> {
    let started = look
        .ask(target, || ctx.eks.start_insights_refresh(target))
        .await?;
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
    look: &Look,
    target: &Target,
) -> Result<Vec<InsightView>, EksError> {
    let category = InsightCategory::RollbackReadiness;
    look.ask(target, || ctx.eks.list_insights(target, category))
        .await
}

async fn readiness<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    look: &Look,
    target: &Target,
) -> Result<Readiness, EksError> {
    Ok(Readiness {
        insights: insights(ctx, look, target).await?,
        offered: versions(ctx, look, target).await?,
    })
}

/// What is on offer, only to show how long it is supported: that changes with the year.
async fn support<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    look: &Look,
    target: &Target,
) -> Result<Arc<[crate::eks::OfferedVersion]>, EksError> {
    match ctx.cache.versions_of_today(target, ctx.clock.now()) {
        Some(versions) => Ok(versions),
        None => versions(ctx, look, target).await,
    }
}

async fn versions<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    look: &Look,
    target: &Target,
) -> Result<Arc<[crate::eks::OfferedVersion]>, EksError> {
    let now = ctx.clock.now();
    if let Some(versions) = ctx.cache.versions(target, now) {
        return Ok(versions);
    }
    let asked = look.ask(target, || ctx.eks.describe_cluster_versions(target));
    let versions: Arc<[_]> = asked.await?.into();
    ctx.cache
        .remember_versions(target, Arc::clone(&versions), now);
    Ok(versions)
}
