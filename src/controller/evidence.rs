//! Reads what the checks before a hop look at, and keeps it for the looks to come: a hop may wait for days.

use std::ops::RangeInclusive;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::api::Minor;
use crate::eks::{
    AddonVersion, Eks, EksError, ErrorKind, InsightCategory, InsightView, NodegroupView,
    RefreshStatus, RefreshView, Target,
};
use crate::plan::{Addon, CLOCK_TOLERANCE, Evidence, Insight, Part, Reading};

use super::context::Clock;
use super::observe::{DESCRIBED_AT_A_TIME, Inquiry, nodegroups, start_refresh};

/// Of how many insights that do not pass the rest is asked.
const INSIGHTS_DESCRIBED: usize = 16;

/// What was read last. An answer that did not come is asked for again.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    nodegroups: Option<Answer<(), Vec<NodegroupView>>>,
    addons: Option<Answer<Minor, Vec<Addon>>>,
    refresh: Option<Answer<(), RefreshView>>,
    insights: Option<Answer<OfInsights, Vec<Insight>>>,
}

/// About which version, and found by the refresh that ended when.
type OfInsights = (Minor, Option<Timestamp>);

/// An answer, what it is about, and when it was given.
#[derive(Clone, Debug)]
struct Answer<A, T> {
    at: Timestamp,
    about: A,
    said: T,
}

impl<A: PartialEq, T> Answer<A, T> {
    /// As a reading, if it is about this and was given in this time.
    fn reading(self, about: &A, given: &RangeInclusive<Timestamp>) -> Option<Reading<T>> {
        let Self {
            at,
            about: of,
            said,
        } = self;
        (of == *about && given.contains(&at)).then_some(Reading {
            at,
            is_new: false,
            answer: Ok(said),
        })
    }
}

/// Reads one part, unless an answer of `since` or later is kept. `is_first`: no refresh has been asked about in this look.
pub async fn read<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
    evidence: &mut Evidence,
    part: Part,
    since: Timestamp,
    is_first: bool,
) {
    let kept = inquiry.cache.evidence(target);
    let now = inquiry.clock.now();
    // One of a time to come was kept before the clock was set back.
    let given = since..=now;
    match part {
        Part::Nodegroups => {
            let known = kept.nodegroups.and_then(|kept| kept.reading(&(), &given));
            evidence.nodegroups = Some(if let Some(known) = known {
                known
            } else {
                let read = new(now, nodegroups(inquiry, target).await);
                keep(inquiry, target, &read, (), |kept| &mut kept.nodegroups);
                read
            });
        }
        Part::Addons(version) => {
            let known = kept.addons.and_then(|kept| kept.reading(&version, &given));
            evidence.addons = Some(if let Some(known) = known {
                known
            } else {
                let read = new(now, addons(inquiry, target, version).await);
                keep(inquiry, target, &read, version, |kept| &mut kept.addons);
                read
            });
        }
        Part::Refresh => {
            let known = kept.refresh.and_then(|kept| kept.reading(&(), &given));
            // Only of one that is complete it stays true; asked again in one pass, it is asked of EKS.
            let known = known.filter(|known| is_first && is_complete(known));
            evidence.refresh = Some(if let Some(known) = known {
                known
            } else {
                let asked = inquiry
                    .look
                    .ask(target, || inquiry.eks.describe_insights_refresh(target));
                let read = new(now, asked.await);
                keep(inquiry, target, &read, (), |kept| &mut kept.refresh);
                read
            });
        }
        Part::StartRefresh => {
            let read = new(now, start_refresh(inquiry, target).await);
            keep(inquiry, target, &read, (), |kept| &mut kept.refresh);
            evidence.refresh = Some(read);
        }
        Part::Insights {
            version,
            refreshed_at,
        } => {
            let about = (version, refreshed_at);
            let known = kept.insights.and_then(|kept| kept.reading(&about, &given));
            evidence.insights = Some(if let Some(known) = known {
                known
            } else {
                let read = new(now, insights(inquiry, target, version).await);
                keep(inquiry, target, &read, about, |kept| &mut kept.insights);
                read
            });
        }
    }
}

/// Insights that were read before it was known which refresh found them.
#[derive(Debug)]
pub struct Foreseen {
    version: Minor,
    at: Timestamp,
    said: Vec<Insight>,
}

/// Reads a part that is likely to be asked for next, and keeps the answer for that. What goes wrong goes wrong again when it is
/// really asked for, or does not matter.
pub async fn foresee<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
    part: Part,
    since: Timestamp,
) -> Option<Foreseen> {
    match part {
        Part::Addons(_) => {
            let mut kept_is_enough = Evidence::default();
            read(inquiry, target, &mut kept_is_enough, part, since, true).await;
            None
        }
        Part::Insights { version, .. } => {
            let at = inquiry.clock.now();
            // Asked for with each look they would use up what an account under pressure has left for the send.
            let is_kept = inquiry
                .cache
                .evidence(target)
                .insights
                .is_some_and(|kept| kept.about.0 == version && (since..=at).contains(&kept.at));
            if is_kept {
                return None;
            }
            let said = insights(inquiry, target, version).await.ok()?;
            Some(Foreseen { version, at, said })
        }
        // These are never a guess.
        Part::Nodegroups | Part::Refresh | Part::StartRefresh => None,
    }
}

impl Foreseen {
    /// Keeps them, if the refresh had ended well before they were read. One that ended meanwhile may not be in them yet, and
    /// its time is by AWS's clock.
    pub fn keep_if_current<E: Eks, C: Clock>(
        self,
        inquiry: &Inquiry<'_, E, C>,
        target: &Target,
        refresh: Option<&Reading<RefreshView>>,
    ) {
        let Self { version, at, said } = self;
        let ended = refresh
            .filter(|refresh| is_complete(refresh))
            .and_then(|refresh| refresh.answer.as_ref().ok()?.ended_at);
        let Some(ended) = ended else { return };
        if at.duration_since(ended) < CLOCK_TOLERANCE {
            return;
        }
        let answer = Answer {
            at,
            about: (version, Some(ended)),
            said,
        };
        inquiry
            .cache
            .remember_evidence(target, |kept| kept.insights = Some(answer));
    }
}

fn is_complete(refresh: &Reading<RefreshView>) -> bool {
    let view = refresh.answer.as_ref();
    view.is_ok_and(|view| view.status == RefreshStatus::Completed)
}

fn new<T>(at: Timestamp, answer: Result<T, EksError>) -> Reading<T> {
    Reading {
        at,
        is_new: true,
        answer,
    }
}

fn keep<E: Eks, C: Clock, A, T: Clone>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
    reading: &Reading<T>,
    about: A,
    place: impl FnOnce(&mut Kept) -> &mut Option<Answer<A, T>>,
) {
    if let Ok(answer) = &reading.answer {
        let answer = Answer {
            at: reading.at,
            about,
            said: answer.clone(),
        };
        inquiry
            .cache
            .remember_evidence(target, |kept| *place(kept) = Some(answer));
    }
}

/// The insights about the upgrade to a version, with the rest of those that do not pass.
async fn insights<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
    version: Minor,
) -> Result<Vec<Insight>, EksError> {
    let category = InsightCategory::UpgradeReadiness(version);
    let listed = inquiry
        .look
        .ask(target, || inquiry.eks.list_insights(target, category))
        .await?;
    let is_well = |view: &InsightView| view.status == "PASSING";
    let (passing, mut others): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_well);
    // So that it is the same ones each time: EKS promises no order.
    others.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    let described: Vec<_> = stream::iter(others.into_iter().enumerate())
        .map(|(index, view)| async move {
            let detail = if index < INSIGHTS_DESCRIBED {
                // What it says beyond its status is for people: without it the check is as good.
                inquiry
                    .look
                    .ask(target, || inquiry.eks.describe_insight(target, &view.id))
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
async fn addons<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
    version: Minor,
) -> Result<Vec<Addon>, EksError> {
    let names = inquiry
        .look
        .ask(target, || inquiry.eks.list_addons(target))
        .await?;
    let described: Vec<Option<Addon>> = stream::iter(names)
        .map(|name| async move {
            let view = match inquiry
                .look
                .ask(target, || inquiry.eks.describe_addon(target, &name))
                .await
            {
                Ok(view) => view,
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let fits = fitting(inquiry, target, &name, version).await?.to_vec();
            Ok(Some(Addon { view, fits }))
        })
        .buffered(DESCRIBED_AT_A_TIME)
        .try_collect()
        .await?;
    Ok(described.into_iter().flatten().collect())
}

/// The versions of an add-on that fit, which are the same for every cluster of a region.
async fn fitting<E: Eks, C: Clock>(
    inquiry: &Inquiry<'_, E, C>,
    target: &Target,
    addon: &str,
    version: Minor,
) -> Result<Arc<[AddonVersion]>, EksError> {
    let now = inquiry.clock.now();
    if let Some(versions) = inquiry.cache.addon_versions(target, addon, version, now) {
        return Ok(versions);
    }
    let asked = inquiry.look.ask(target, || {
        inquiry.eks.describe_addon_versions(target, addon, version)
    });
    let versions: Arc<[_]> = asked.await?.into();
    inquiry
        .cache
        .remember_addon_versions(target, addon, version, Arc::clone(&versions), now);
    Ok(versions)
}
