//! Asks EKS what a decision needs to know, and no more.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, future, stream};

use crate::eks::{
    Eks, EksError, ErrorKind, InsightCategory, InsightView, NodegroupView, Progress, RefreshStatus,
    RefreshView, Target, UpdateView,
};
use crate::plan::{
    Facts, Observed, Read, Readiness, VERSION_ROLLBACK, VERSION_UPDATE, likely_parts, next_reads,
};

use super::cache::{Cache, Finished};
use super::context::Clock;
use super::evidence;
use super::pace::Look;

/// How many updates or node groups of one cluster are described at a time.
pub(super) const DESCRIBED_AT_A_TIME: usize = 4;

/// Whom to ask, and in whose turn. The operator asks for an object, the plugin for a person.
pub struct Inquiry<'a, E, C> {
    /// EKS.
    pub eks: &'a E,
    /// What of its answers stays true for a while.
    pub cache: &'a Cache,
    /// The time.
    pub clock: &'a C,
    /// Whose turn it is.
    pub look: &'a Look,
    /// Whether EKS may be asked to refresh its insights, which changes nothing else and takes minutes.
    pub may_refresh: bool,
    /// Whether anything may be asked still.
    pub may_go_on: &'a (dyn Fn() -> bool + Sync),
}

/// Asks until nothing more is needed, something went wrong, or nothing may be begun any more.
pub async fn observe<E: Eks, C: Clock>(inquiry: &Inquiry<'_, E, C>, facts: &Facts<'_>) -> Observed {
    let mut observed = Observed::default();
    let Ok(wish) = &facts.object.wish else {
        return observed;
    };
    while (inquiry.may_go_on)() {
        let facts = Facts {
            observed: &observed,
            ..facts.clone()
        };
        let reads = next_reads(&facts);
        if reads.is_empty() {
            break;
        }
        let is_first = observed.evidence.refresh.is_none();
        let asked = reads
            .into_iter()
            .map(|read| ask(inquiry, &wish.target, read, is_first));
        let foreseen = likely_parts(&facts)
            .into_iter()
            .map(|(part, since)| evidence::foresee(inquiry, &wish.target, part, since));
        let (answers, foreseen) =
            future::join(future::join_all(asked), future::join_all(foreseen)).await;
        let mut answers = answers.into_iter();
        if let Some(needed) = answers.next() {
            observed.add(needed);
        }
        // What went wrong with a question that may not have been needed is no failure yet.
        for answer in answers.filter(|answer| answer.trouble().is_none()) {
            observed.add(answer);
        }
        observed.answered_at = Some(inquiry.clock.now());
        for foreseen in foreseen.into_iter().flatten() {
            foreseen.keep_if_current(inquiry, &wish.target, observed.evidence.refresh.as_ref());
        }
    }
    observed
}

/// One answer. `is_first`: no refresh has been asked about in this look.
async fn ask<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
    read: Read,
    is_first: bool,
) -> Observed {
    let mut answer = Observed::default();
    match read {
        Read::Tracked(id) => {
            let update = inquiry
                .look
                .ask(target, || inquiry.eks.describe_update(target, &id))
                .await;
            if let Ok(update) = &update {
                remember(inquiry, target, update);
            }
            answer.tracked = Some(update);
        }
        Read::Cluster => {
            let described = inquiry
                .look
                .ask(target, || inquiry.eks.describe_cluster(target));
            answer.cluster = Some(described.await);
        }
        Read::Updates => answer.updates = Some(updates(inquiry, target).await),
        Read::Versions => answer.versions = Some(versions(inquiry, target).await),
        Read::Nodegroups => answer.nodegroups = Some(nodegroups(inquiry, target).await),
        Read::Refresh => {
            let refresh = inquiry
                .look
                .ask(target, || inquiry.eks.describe_insights_refresh(target));
            answer.refresh = Some(refresh.await);
        }
        Read::StartRefresh => answer.refresh = Some(start_refresh(inquiry, target).await),
        Read::Insights => answer.insights = Some(insights(inquiry, target).await),
        Read::Support => answer.support = Some(support(inquiry, target).await),
        Read::Evidence(part, since) => {
            let found = &mut answer.evidence;
            evidence::read(inquiry, target, found, part, since, is_first).await;
        }
        Read::Readiness => answer.readiness = Some(readiness(inquiry, target).await),
    }
    answer
}

/// Every version update, and every other update that is not finished. A list that could not be read whole is an error:
/// half of it would pass for the truth.
async fn updates<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
) -> Result<Vec<UpdateView>, EksError> {
    let listed = inquiry
        .look
        .ask(target, || inquiry.eks.list_updates(target))
        .await?;
    let known = inquiry.cache.finished(target, &listed);
    let unknown: Vec<String> = listed
        .into_iter()
        .filter(|id| !known.contains_key(id))
        .collect();
    let described: Vec<UpdateView> = stream::iter(unknown)
        .map(|id| describe(inquiry, target, id))
        .buffer_unordered(DESCRIBED_AT_A_TIME)
        .inspect_ok(|update| remember(inquiry, target, update))
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

async fn describe<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
    id: String,
) -> Result<UpdateView, EksError> {
    inquiry
        .look
        .ask(target, || inquiry.eks.describe_update(target, &id))
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

fn remember<E: Eks, C: Clock>(inquiry: &Inquiry<'_, E, C>, target: &Target, update: &UpdateView) {
    if is_finished(update) {
        let finished = if is_version(update) {
            Finished::Version(Arc::new(update.clone()))
        } else {
            Finished::Other
        };
        inquiry.cache.remember(target, update.id.clone(), finished);
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
pub(super) async fn nodegroups<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
) -> Result<Vec<NodegroupView>, EksError> {
    let names = inquiry
        .look
        .ask(target, || inquiry.eks.list_nodegroups(target))
        .await?;
    let described: Vec<Option<NodegroupView>> = stream::iter(names)
        .map(|name| async move {
            match inquiry
                .look
                .ask(target, || inquiry.eks.describe_nodegroup(target, &name))
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
pub(super) async fn start_refresh<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
) -> Result<RefreshView, EksError> {
    if !inquiry.may_refresh {
        return Err(not_asked());
    }
    let started = inquiry
        .look
        .ask(target, || inquiry.eks.start_insights_refresh(target))
        .await?;
    Ok(match started.status {
        RefreshStatus::Failed(_) => RefreshView {
            ended_at: started.ended_at.or_else(|| Some(inquiry.clock.now())),
            ..started
        },
        RefreshStatus::None | RefreshStatus::InProgress | RefreshStatus::Completed => RefreshView {
            status: RefreshStatus::InProgress,
            started_at: started.started_at.or_else(|| Some(inquiry.clock.now())),
            ended_at: None,
        },
    })
}

fn not_asked() -> EksError {
    EksError {
        kind: ErrorKind::Rejected,
        operation: "eks:StartInsightsRefresh",
        code: "NotAsked".to_owned(),
        message: "the insights are too old to count, and EKS was not to be asked to refresh them"
            .to_owned(),
        request_id: None,
        clock_behind: None,
    }
}

async fn insights<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
) -> Result<Vec<InsightView>, EksError> {
    let category = InsightCategory::RollbackReadiness;
    inquiry
        .look
        .ask(target, || inquiry.eks.list_insights(target, category))
        .await
}

async fn readiness<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
) -> Result<Readiness, EksError> {
    Ok(Readiness {
        insights: insights(inquiry, target).await?,
        offered: versions(inquiry, target).await?,
    })
}

/// What is on offer, only to show how long it is supported: that changes with the year.
async fn support<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
) -> Result<Arc<[crate::eks::OfferedVersion]>, EksError> {
    match inquiry.cache.versions_of_today(target, inquiry.clock.now()) {
        Some(versions) => Ok(versions),
        None => versions(inquiry, target).await,
    }
}

async fn versions<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
) -> Result<Arc<[crate::eks::OfferedVersion]>, EksError> {
    let now = inquiry.clock.now();
    if let Some(versions) = inquiry.cache.versions(target, now) {
        return Ok(versions);
    }
    let asked = inquiry
        .look
        .ask(target, || inquiry.eks.describe_cluster_versions(target));
    let versions: Arc<[_]> = asked.await?.into();
    inquiry
        .cache
        .remember_versions(target, Arc::clone(&versions), now);
    Ok(versions)
}
