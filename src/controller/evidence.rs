//! Reads what the checks before a hop look at, and keeps it for the looks to come: a hop may wait for days.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::api::Minor;
use crate::eks::{
    AddonVersion, Eks, EksError, ErrorKind, InsightCategory, InsightView, NodegroupView,
    RefreshStatus, RefreshView, Target,
};
use crate::plan::{Addon, Evidence, Insight, Part, Reading};
use crate::store::Store;

use super::context::{Clock, Context};
use super::observe::{DESCRIBED_AT_A_TIME, nodegroups, paced, start_refresh};

/// Of how many insights that do not pass the rest is asked.
const INSIGHTS_DESCRIBED: usize = 16;

/// What was read last. An answer that did not come is asked for again.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    nodegroups: Option<(Timestamp, Vec<NodegroupView>)>,
    addons: Option<(Timestamp, Minor, Vec<Addon>)>,
    refresh: Option<(Timestamp, RefreshView)>,
    insights: Option<(Timestamp, (Minor, Option<Timestamp>), Vec<Insight>)>,
}

/// Reads one part, unless an answer of `since` or later is kept.
pub async fn read<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
    evidence: &mut Evidence,
    part: Part,
    since: Timestamp,
) {
    let Kept {
        nodegroups: kept_nodegroups,
        addons: kept_addons,
        refresh: kept_refresh,
        insights: kept_insights,
    } = ctx.cache.evidence(target);
    let now = ctx.clock.now();
    // One of a time to come was kept before the clock was set back.
    let counts = |at: Timestamp| (since..=now).contains(&at);
    match part {
        Part::Nodegroups => {
            let kept = kept_nodegroups.filter(|(at, _)| counts(*at));
            evidence.nodegroups = Some(match kept {
                Some((at, groups)) => old(at, groups),
                None => {
                    let read = new(now, nodegroups(ctx, target).await);
                    keep(ctx, target, &read, |kept, groups| {
                        kept.nodegroups = Some((now, groups));
                    });
                    read
                }
            });
        }
        Part::Addons(version) => {
            let kept = kept_addons.filter(|(at, of, _)| counts(*at) && *of == version);
            evidence.addons = Some(match kept {
                Some((at, _, addons)) => old(at, addons),
                None => {
                    let read = new(now, addons(ctx, target, version).await);
                    keep(ctx, target, &read, |kept, addons| {
                        kept.addons = Some((now, version, addons));
                    });
                    read
                }
            });
        }
        Part::Refresh => {
            // Only of one that is complete it stays true.
            let is_complete = |view: &RefreshView| view.status == RefreshStatus::Completed;
            let is_first = evidence.refresh.is_none();
            let kept =
                kept_refresh.filter(|(at, view)| counts(*at) && is_complete(view) && is_first);
            evidence.refresh = Some(match kept {
                Some((at, view)) => old(at, view),
                None => {
                    let answer =
                        paced(ctx, target, ctx.eks.describe_insights_refresh(target)).await;
                    let read = new(now, answer);
                    keep(ctx, target, &read, |kept, view| {
                        kept.refresh = Some((now, view))
                    });
                    read
                }
            });
        }
        Part::StartRefresh => {
            let read = new(now, start_refresh(ctx, target).await);
            keep(ctx, target, &read, |kept, view| {
                kept.refresh = Some((now, view))
            });
            evidence.refresh = Some(read);
        }
        Part::Insights {
            version,
            refreshed_at,
        } => {
            let about = (version, refreshed_at);
            let kept = kept_insights.filter(|(at, of, _)| counts(*at) && *of == about);
            evidence.insights = Some(match kept {
                Some((at, _, insights)) => old(at, insights),
                None => {
                    let read = new(now, insights(ctx, target, version).await);
                    keep(ctx, target, &read, |kept, insights| {
                        kept.insights = Some((now, about, insights));
                    });
                    read
                }
            });
        }
    }
}

fn old<T>(at: Timestamp, answer: T) -> Reading<T> {
    Reading {
        at,
        is_new: false,
        answer: Ok(answer),
    }
}

fn new<T>(at: Timestamp, answer: Result<T, EksError>) -> Reading<T> {
    Reading {
        at,
        is_new: true,
        answer,
    }
}

fn keep<E: Eks, S: Store, C: Clock, T: Clone>(
    ctx: &Context<E, S, C>,
    target: &Target,
    reading: &Reading<T>,
    put: impl FnOnce(&mut Kept, T),
) {
    if let Ok(answer) = &reading.answer {
        let answer = answer.clone();
        ctx.cache
            .remember_evidence(target, |kept| put(kept, answer));
    }
}

/// The insights about the upgrade to a version, with the rest of those that do not pass.
async fn insights<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
    version: Minor,
) -> Result<Vec<Insight>, EksError> {
    let category = InsightCategory::UpgradeReadiness(version);
    let listed = paced(ctx, target, ctx.eks.list_insights(target, category)).await?;
    let is_well = |view: &InsightView| view.status == "PASSING";
    let (passing, mut others): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_well);
    // So that it is the same ones each time: EKS promises no order.
    others.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    let described: Vec<_> = stream::iter(others.into_iter().enumerate())
        .map(|(index, view)| async move {
            let detail = if index < INSIGHTS_DESCRIBED {
                // What it says beyond its status is for people: without it the check is as good.
                paced(ctx, target, ctx.eks.describe_insight(target, &view.id))
                    .await
                    .ok()
            } else {
                None
            };
            Insight { view, detail }
        })
        .buffered(DESCRIBED_AT_A_TIME)
        .collect()
        .await;
    let passing = passing
        .into_iter()
        .map(|view| Insight { view, detail: None });
    Ok(described.into_iter().chain(passing).collect())
}

/// Every installed add-on, with the versions of it that fit. One that is removed while they are described is none.
async fn addons<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
    version: Minor,
) -> Result<Vec<Addon>, EksError> {
    let names = paced(ctx, target, ctx.eks.list_addons(target)).await?;
    let described: Vec<Option<Addon>> = stream::iter(names)
        .map(|name| async move {
            let view = match paced(ctx, target, ctx.eks.describe_addon(target, &name)).await {
                Ok(view) => view,
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let fits = fitting(ctx, target, &name, version).await?.to_vec();
            Ok(Some(Addon { view, fits }))
        })
        .buffered(DESCRIBED_AT_A_TIME)
        .try_collect()
        .await?;
    Ok(described.into_iter().flatten().collect())
}

/// The versions of an add-on that fit, which are the same for every cluster of a region.
async fn fitting<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    target: &Target,
    addon: &str,
    version: Minor,
) -> Result<Arc<[AddonVersion]>, EksError> {
    let now = ctx.clock.now();
    if let Some(versions) = ctx.cache.addon_versions(target, addon, version, now) {
        return Ok(versions);
    }
    let asked = ctx.eks.describe_addon_versions(target, addon, version);
    let versions: Arc<[_]> = paced(ctx, target, asked).await?.into();
    ctx.cache
        .remember_addon_versions(target, addon, version, Arc::clone(&versions), now);
    Ok(versions)
}
