//! Facts that own their parts, so that they can be generated, changed and decided on.

use std::sync::Arc;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, Update};
use eks_upgrade_operator::eks::{
    CancelRequest, ErrorKind, RefreshStatus, RefreshView, UpdateView, VersionRequest,
};
use eks_upgrade_operator::plan::{
    Action, Decision, Durations, Evidence, Facts, Object, Observed, Part, Read, Reading, Settings,
    Standing, Trouble, decide, next_read, next_reads,
};
use jiff::Timestamp;

use super::eks::error;
use super::evidence::well;

#[derive(Clone, Debug)]
pub struct Owned {
    pub object: Object,
    pub memory: ClusterUpgradeStatus,
    pub standing: Standing,
    pub observed: Observed,
    pub trouble: Option<Trouble>,
    pub refusals: Option<Trouble>,
    pub settings: Settings,
    pub now: Timestamp,
}

impl Owned {
    pub fn facts(&self) -> Facts<'_> {
        let Self {
            object,
            memory,
            standing,
            observed,
            trouble,
            refusals,
            settings,
            now,
        } = self;
        Facts {
            object,
            memory,
            standing,
            observed,
            trouble: *trouble,
            refusals: *refusals,
            durations: Durations::default(),
            settings,
            now: *now,
        }
    }

    pub fn decide(&self) -> Decision {
        decide(&self.facts())
    }

    /// The same with every question answered. What is not there to be read is nothing, or gone.
    pub fn complete(mut self) -> Self {
        let Observed {
            tracked,
            cluster,
            updates,
            versions,
            nodegroups,
            refresh,
            insights,
            readiness,
            support,
            evidence,
            answered_at: _,
        } = &mut self.observed;
        tracked.get_or_insert_with(|| Err(error(ErrorKind::NotFound)));
        cluster.get_or_insert_with(|| Err(error(ErrorKind::Unavailable)));
        updates.get_or_insert_with(|| Ok(Vec::new()));
        versions.get_or_insert_with(|| Ok(Arc::from([])));
        nodegroups.get_or_insert_with(|| Ok(Vec::new()));
        refresh.get_or_insert_with(|| {
            Ok(RefreshView {
                status: RefreshStatus::None,
                started_at: None,
                ended_at: None,
            })
        });
        insights.get_or_insert_with(|| Ok(Vec::new()));
        support.get_or_insert_with(|| Ok(Arc::from([])));
        let good = well(self.now);
        evidence.nodegroups = evidence.nodegroups.take().or(good.nodegroups);
        evidence.addons = evidence.addons.take().or(good.addons);
        evidence.refresh = evidence.refresh.take().or(good.refresh);
        evidence.insights = evidence.insights.take().or(good.insights);
        readiness.get_or_insert_with(|| Err(error(ErrorKind::Unavailable)));
        self
    }

    /// The same with as much of what is observed as has to be asked for.
    pub fn asked(&self) -> Self {
        self.asked_by(|facts| next_read(facts).into_iter().collect())
    }

    /// The same with as much of what is observed as the controller asks for, which is likely to be needed.
    pub fn asked_together(&self) -> Self {
        self.asked_by(next_reads)
    }

    fn asked_by(&self, next: impl Fn(&Facts<'_>) -> Vec<Read>) -> Self {
        let answers = self.clone().complete().observed;
        let mut known = Self {
            observed: Observed::default(),
            ..self.clone()
        };
        let mut reads = 0;
        let mut waiting = Vec::new();
        loop {
            if waiting.is_empty() {
                waiting = next(&known.facts());
                waiting.reverse();
            }
            let Some(read) = waiting.pop() else { break };
            reads += 1;
            assert!(reads <= 20, "asks again and again: {read:?}");
            let is_needed = next_read(&known.facts()).as_ref() == Some(&read);
            let before = known.observed.clone();
            let slot = &mut known.observed;
            match read {
                Read::Tracked(_) => slot.tracked.clone_from(&answers.tracked),
                Read::Cluster => slot.cluster.clone_from(&answers.cluster),
                Read::Updates => slot.updates.clone_from(&answers.updates),
                Read::Versions => slot.versions.clone_from(&answers.versions),
                Read::Nodegroups => slot.nodegroups.clone_from(&answers.nodegroups),
                Read::Refresh => slot.refresh.clone_from(&answers.refresh),
                Read::StartRefresh => {
                    slot.refresh = Some(Ok(RefreshView {
                        status: RefreshStatus::InProgress,
                        started_at: None,
                        ended_at: None,
                    }));
                }
                Read::Insights => slot.insights.clone_from(&answers.insights),
                Read::Support => slot.support.clone_from(&answers.support),
                Read::Evidence(part, since) => {
                    show(part, since, &answers.evidence, &mut slot.evidence, self.now);
                }
                Read::Readiness => slot.readiness.clone_from(&answers.readiness),
            }
            if !is_needed && known.observed.trouble().is_some() {
                known.observed = before;
            }
        }
        known
    }

    /// What EKS lists, where it was asked and answered.
    pub fn listed(&self) -> Option<&Vec<UpdateView>> {
        self.observed.updates.as_ref()?.as_ref().ok()
    }

    /// Every update that status remembers, the present one first.
    pub fn remembered(&self) -> impl Iterator<Item = &Update> {
        remembered(&self.memory)
    }

    /// The intent that is open before the decision.
    pub fn open_intent(&self) -> Option<&Update> {
        let update = self.memory.update.as_ref();
        update.filter(|update| update.id.is_none() && update.status.is_none())
    }
}

/// What the controller has of a part of the evidence: an answer that is too old is asked for again.
fn show(part: Part, since: Timestamp, answers: &Evidence, slot: &mut Evidence, now: Timestamp) {
    fn since_or_new<T: Clone>(
        known: Option<&Reading<T>>,
        since: Timestamp,
        now: Timestamp,
    ) -> Option<Reading<T>> {
        known.map(|known| {
            let counts = known.is_since(since);
            Reading {
                at: if counts { known.at } else { now },
                is_new: known.is_new || !counts,
                answer: known.answer.clone(),
            }
        })
    }
    match part {
        Part::Nodegroups => slot.nodegroups = since_or_new(answers.nodegroups.as_ref(), since, now),
        Part::Addons(_) => slot.addons = since_or_new(answers.addons.as_ref(), since, now),
        Part::Refresh => {
            // Asked once more, it is asked of EKS.
            let again = if slot.refresh.is_some() {
                Timestamp::MAX
            } else {
                since
            };
            slot.refresh = since_or_new(answers.refresh.as_ref(), again, now);
        }
        Part::StartRefresh => {
            slot.refresh = Some(Reading {
                at: now,
                is_new: true,
                answer: Ok(RefreshView {
                    status: RefreshStatus::InProgress,
                    started_at: Some(now),
                    ended_at: None,
                }),
            });
        }
        Part::Insights { .. } => {
            slot.insights = since_or_new(answers.insights.as_ref(), since, now);
        }
    }
}

pub fn remembered(memory: &ClusterUpgradeStatus) -> impl Iterator<Item = &Update> {
    memory.update.iter().chain(&memory.history)
}

pub fn sent(decision: &Decision) -> Option<&VersionRequest> {
    match &decision.action {
        Some(Action::Send(request)) => Some(request),
        Some(Action::Cancel(_)) | None => None,
    }
}

pub fn cancels(decision: &Decision) -> Option<&CancelRequest> {
    match &decision.action {
        Some(Action::Cancel(request)) => Some(request),
        Some(Action::Send(_)) | None => None,
    }
}
