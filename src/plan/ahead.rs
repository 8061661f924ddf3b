//! Which questions can be asked at the same time.
//!
//! What is asked after what follows from the answers, and a call takes EKS a tenth of a second. Where somebody has just asked
//! for a newer version, the answers that let the hop start are the likely ones: what they lead to is asked along with
//! them. Any other object is asked about step by step, so that nothing is asked in vain.

use jiff::Timestamp;

use crate::api::Minor;
use crate::eks::{ClusterView, Hosting, OfferedVersion, RefreshStatus, RefreshView};

use super::evidence::{Part, Reading};
use super::facts::{Facts, Observed};
use super::read::{Read, next_read};

/// The next questions; none when enough is known to decide. They are asked at the same time, and then this is asked again.
pub fn next_reads(facts: &Facts<'_>) -> Vec<Read> {
    let Some(first) = next_read(facts) else {
        return Vec::new();
    };
    let sure = to_come(facts, &first)
        .into_iter()
        .filter(|read| is_sure(facts, read));
    let sure: Vec<Read> = sure.collect();
    [first].into_iter().chain(sure).collect()
}

/// Parts of the evidence that will be asked for if the cluster is as it was last, and answers of when will do. They may be read
/// along with [`next_reads`]; an answer counts only where the same question is then asked.
pub fn likely_parts(facts: &Facts<'_>) -> Vec<(Part, Timestamp)> {
    if facts.observed.cluster.is_some() {
        return Vec::new();
    }
    let Some(first) = next_read(facts) else {
        return Vec::new();
    };
    let unsure = to_come(facts, &first)
        .into_iter()
        .filter(|read| !is_sure(facts, read));
    unsure
        .filter_map(|read| match read {
            Read::Evidence(part @ (Part::Addons(_) | Part::Insights { .. }), since) => {
                Some((part, since))
            }
            _ => None,
        })
        .collect()
}

/// The questions after this one, if the answers are those with which a hop starts.
fn to_come(facts: &Facts<'_>, first: &Read) -> Vec<Read> {
    let mut reads = Vec::new();
    let Some(hop) = Likely::of(facts) else {
        return reads;
    };
    let mut imagined = facts.observed.clone();
    let mut last = Some(first.clone());
    while let Some(read) = last.take()
        && hop.imagine(facts, &read, &mut imagined)
    {
        let next = next_read(&Facts {
            observed: &imagined,
            ..facts.clone()
        });
        last = next.filter(|next| *next != read);
        reads.extend(last.clone());
    }
    reads
}

/// Whether the question does not depend on what is only imagined.
fn is_sure(facts: &Facts<'_>, read: &Read) -> bool {
    let observed = facts.observed;
    match read {
        // About the next version: somebody else may have upgraded the cluster meanwhile.
        Read::Evidence(Part::Addons(_), _) => observed.cluster.is_some(),
        // Which of them count is known once EKS has said when it refreshed them: not by a refresh that is only imagined, or
        // is read again at the same time and may end after them.
        Read::Evidence(Part::Insights { refreshed_at, .. }, _) => {
            let refresh = observed.evidence.refresh.as_ref();
            let known = refresh.and_then(|reading| reading.answer.as_ref().ok()?.ended_at);
            observed.cluster.is_some() && (refreshed_at.is_none() || *refreshed_at == known)
        }
        Read::Cluster
        | Read::Updates
        | Read::Versions
        | Read::Evidence(Part::Nodegroups | Part::Refresh, _) => true,
        // A refresh is not started in vain, and the others are about what is done already.
        Read::Evidence(Part::StartRefresh, _)
        | Read::StartRefresh
        | Read::Tracked(_)
        | Read::Nodegroups
        | Read::Refresh
        | Read::Insights
        | Read::Readiness
        | Read::Support => false,
    }
}

/// A cluster that is likely to be upgraded now.
struct Likely {
    view: ClusterView,
    from: Minor,
    to: Minor,
}

impl Likely {
    /// Of an object whose spec is new, and asks for more than its cluster has.
    fn of(facts: &Facts<'_>) -> Option<Self> {
        let wish = facts.object.wish.as_ref().ok()?;
        let is_new = facts.memory.observed_generation != Some(facts.object.generation);
        if !is_new || wish.suspend {
            return None;
        }
        let view = match &facts.observed.cluster {
            Some(described) => described.as_ref().ok()?.clone(),
            None => remembered(facts)?,
        };
        let from = view.version.parse().ok()?;
        (from < wish.version).then_some(Self {
            view,
            from,
            to: wish.version,
        })
    }

    /// Adds the answer with which the hop starts. Says whether there is one that can be imagined.
    fn imagine(&self, facts: &Facts<'_>, read: &Read, observed: &mut Observed) -> bool {
        let evidence = &mut observed.evidence;
        match read {
            Read::Cluster => observed.cluster = Some(Ok(self.view.clone())),
            Read::Updates => observed.updates = Some(Ok(Vec::new())),
            Read::Versions => observed.versions = Some(Ok(self.offered().into())),
            Read::Evidence(Part::Nodegroups, _) => {
                evidence.nodegroups = Some(said(facts.now, Vec::new()));
            }
            Read::Evidence(Part::Addons(_), _) => {
                evidence.addons = Some(said(facts.now, Vec::new()));
            }
            Read::Evidence(Part::Refresh, _) => {
                let view = RefreshView {
                    status: RefreshStatus::Completed,
                    started_at: Some(facts.now),
                    ended_at: Some(facts.now),
                };
                evidence.refresh = Some(said(facts.now, view));
            }
            Read::Tracked(_)
            | Read::Nodegroups
            | Read::Refresh
            | Read::StartRefresh
            | Read::Insights
            | Read::Readiness
            | Read::Support
            | Read::Evidence(Part::StartRefresh | Part::Insights { .. }, _) => return false,
        }
        true
    }

    fn offered(&self) -> Vec<OfferedVersion> {
        let mut versions = vec![self.from];
        while let Some(last) = versions.last()
            && *last < self.to
        {
            versions.push(last.next());
        }
        let offered = versions.into_iter().map(|version| OfferedVersion {
            version,
            status: "STANDARD_SUPPORT".to_owned(),
            end_of_standard_support: None,
            end_of_extended_support: None,
        });
        offered.collect()
    }
}

fn said<T>(at: Timestamp, answer: T) -> Reading<T> {
    Reading {
        at,
        is_new: true,
        answer: Ok(answer),
    }
}

/// The cluster as EKS described it last, and ready for a hop.
fn remembered(facts: &Facts<'_>) -> Option<ClusterView> {
    let known = facts.memory.cluster.as_ref()?;
    Some(ClusterView {
        arn: known.arn.clone(),
        created_at: known.created_at,
        version: known.version.clone(),
        platform_version: known.platform_version.clone(),
        status: "ACTIVE".to_owned(),
        hosting: Hosting::Cloud,
        is_auto_mode: false,
        support_type: None,
        health: Vec::new(),
        hold: None,
    })
}
