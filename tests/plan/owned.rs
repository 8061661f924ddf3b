//! Facts that own their parts, so that they can be generated, changed and decided on.

use std::sync::Arc;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, Update};
use eks_upgrade_operator::eks::{
    CancelRequest, ErrorKind, RefreshStatus, RefreshView, UpdateView, VersionRequest,
};
use eks_upgrade_operator::plan::{
    Action, Decision, Facts, Object, Observed, Read, Settings, Standing, Trouble, decide, next_read,
};
use jiff::Timestamp;

use super::eks::error;

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
        } = &mut self.observed;
        tracked.get_or_insert_with(|| Err(error(ErrorKind::NotFound)));
        cluster.get_or_insert_with(|| Err(error(ErrorKind::Unavailable)));
        updates.get_or_insert_with(|| Ok(Vec::new()));
        versions.get_or_insert_with(|| Ok(Arc::from([])));
        nodegroups.get_or_insert_with(|| Ok(Vec::new()));
        refresh.get_or_insert_with(|| {
            Ok(RefreshView {
                status: RefreshStatus::None,
                ended_at: None,
            })
        });
        insights.get_or_insert_with(|| Ok(Vec::new()));
        readiness.get_or_insert_with(|| Err(error(ErrorKind::Unavailable)));
        self
    }

    /// The same with as much of what is observed as the controller asks for.
    pub fn asked(&self) -> Self {
        let answers = self.clone().complete().observed;
        let mut known = Self {
            observed: Observed::default(),
            ..self.clone()
        };
        let mut reads = 0;
        while let Some(read) = next_read(&known.facts()) {
            reads += 1;
            assert!(reads <= 9, "asks again and again: {read:?}");
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
                        ended_at: None,
                    }));
                }
                Read::Insights => slot.insights.clone_from(&answers.insights),
                Read::Readiness => slot.readiness.clone_from(&answers.readiness),
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
