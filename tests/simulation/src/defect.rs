//! Planted defects: the operator as it must not be. Each is a small switch where the pipeline meets its ports, and shows
//! that the checks can fail.

use std::sync::Arc;

use eks_upgrade_operator::api::{
    ClusterUpgradeSpec, ClusterUpgradeStatus, Minor, OnUnknown, Update, Waiver,
};
use eks_upgrade_operator::eks::{
    CancelRequest, ClusterView, EksError, ErrorKind, InsightView, Progress, RefreshStatus,
    RefreshView, Target, UpdateView, VersionRequest,
};
use eks_upgrade_operator::plan::VERSION_ROLLBACK;
use eks_upgrade_operator::simulator::api::UpdateStatus as TrueStatus;
use eks_upgrade_operator::simulator::model::UpdateTruth;
use eks_upgrade_operator::store::{StoreError, Stored, StoredFreeze};

use crate::carry_out::updates;
use crate::course::rollbacks::Permit;
use crate::ports::{SimEks, SimStore, body};
use crate::time::at;

/// What is wrong with the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Each send has a token of its own.
    RandomToken,
    /// The intent is written after the send that it announces.
    CallBeforeIntent,
    /// Status is written whatever the object's resource version is.
    NoGuard,
    /// A send that is not answered is repeated at once, without a write.
    UnguardedRepetition,
    /// What EKS accepted is not written down.
    ForgetId,
    /// Any update to the version is taken for the answer to an intent, however old.
    AdoptByVersion,
    /// 409 is taken for a refusal.
    BusyIsRefusal,
    /// An update is called successful once its cluster is ACTIVE.
    ActiveIsDone,
    /// What failed is tried again, as if somebody had asked for it.
    RetryFailed,
    /// An answer that was lost is taken for a request that was.
    LostIsNotSent,
    /// Suspended objects are upgraded too.
    IgnoreSuspend,
    /// After a conflict, what was decided on the old copy is written over the new one.
    BelieveStaleCache,
    /// Two minors at a time.
    SkipMinor,
    /// A cluster that is newer than the manifest is "upgraded" to the manifest's version.
    SendForClusterAhead,
    /// What was rolled back in the console is upgraded again.
    UndoRollback,
    /// A repetition is sent without looking for what an earlier send started.
    RepeatWithoutLooking,
    /// Whatever takes longer than ten minutes has failed.
    TimerDecides,
    /// What was decided before the process froze is sent when it thaws.
    SendAfterFreeze,
    /// Objects that are being deleted are upgraded too.
    IgnoreDeletion,
    /// Status is written at every look.
    Restless,
    /// What EKS is too busy for is given up.
    GivesUp,
    /// A manifest that asks for the version below is taken for one that permits the rollback.
    RollbackUnpermitted,
    /// A permission is good for whatever update brought the cluster to the version that it names.
    PermissionUsedAgain,
    /// Each cancellation has a token of its own.
    RandomCancelToken,
    /// A cancellation is repeated at once, without a write.
    UnguardedCancel,
    /// Rollbacks that somebody else started are cancelled too.
    CancelOfOthers,
    /// Suspended objects cancel too.
    CancelWhileSuspended,
    /// A rollback whose cluster is ACTIVE, as in Auto Mode while the nodes go back, is taken for done.
    NodePhaseIsDone,
    /// Freezes are none of its business.
    IgnoreFreezes,
    /// Freezes are those that the watch has shown.
    IgnoreLiveFreezes,
    /// A window that has opened stays open.
    IgnoreWindowEnd,
    /// The cluster's own veto is none.
    IgnoreHold,
    /// Nothing bakes.
    ForgetBaking,
    /// What speaks against an upgrade is only worth knowing.
    FailedIsWarning,
    /// A waiver is good for every version.
    WaiverOfAnotherVersion,
    /// Insights from before the last hop are as good as new.
    InsightsFromBefore,
    /// What could not be looked at is well.
    StartOnUnknown,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 37] = [
        Self::RandomToken,
        Self::CallBeforeIntent,
        Self::NoGuard,
        Self::UnguardedRepetition,
        Self::ForgetId,
        Self::AdoptByVersion,
        Self::BusyIsRefusal,
        Self::ActiveIsDone,
        Self::RetryFailed,
        Self::LostIsNotSent,
        Self::IgnoreSuspend,
        Self::BelieveStaleCache,
        Self::SkipMinor,
        Self::SendForClusterAhead,
        Self::UndoRollback,
        Self::RepeatWithoutLooking,
        Self::TimerDecides,
        Self::SendAfterFreeze,
        Self::IgnoreDeletion,
        Self::Restless,
        Self::GivesUp,
        Self::RollbackUnpermitted,
        Self::PermissionUsedAgain,
        Self::RandomCancelToken,
        Self::UnguardedCancel,
        Self::CancelOfOthers,
        Self::CancelWhileSuspended,
        Self::NodePhaseIsDone,
        Self::IgnoreFreezes,
        Self::IgnoreLiveFreezes,
        Self::IgnoreWindowEnd,
        Self::IgnoreHold,
        Self::ForgetBaking,
        Self::FailedIsWarning,
        Self::WaiverOfAnotherVersion,
        Self::InsightsFromBefore,
        Self::StartOnUnknown,
    ];
}

/// How DescribeCluster is understood.
pub fn cluster(eks: &SimEks, target: &Target, mut cluster: ClusterView) -> ClusterView {
    if eks.defect == Some(Defect::SendForClusterAhead) {
        let world = eks.world.lock().expect("one thread");
        let wanted = world
            .api
            .objects()
            .map(|object| &body(object).spec)
            .find(|spec| spec.cluster.name == target.name)
            .and_then(|spec| spec.version.parse::<Minor>().ok());
        if let (Some(wanted), Ok(runs)) = (wanted, cluster.version.parse::<Minor>())
            && runs > wanted
            && let Some(below) = wanted.previous()
        {
            cluster.version = below.to_string();
        }
    }
    if eks.defect == Some(Defect::IgnoreHold) {
        cluster.hold = None;
    }
    if eks.defect == Some(Defect::CancelOfOthers) {
        let mut world = eks.world.lock().expect("one thread");
        let now = world.now;
        let mut updates = updates(&mut world.model, &target.name, now).into_iter();
        // Nobody knows any more how far it is.
        if updates.any(|update| is_foreign(&update) && update.status == TrueStatus::InProgress) {
            "ACTIVE".clone_into(&mut cluster.status);
            cluster.is_auto_mode = true;
        }
    }
    cluster
}

fn is_foreign(update: &UpdateTruth) -> bool {
    update.kind == VERSION_ROLLBACK && update.client_request_token.is_none()
}

/// Which of the listed updates are looked at.
pub fn listed(eks: &SimEks, ids: Vec<String>) -> Vec<String> {
    let is_overlooked: fn(&str) -> bool = match eks.defect {
        Some(Defect::UndoRollback) => |kind| kind == VERSION_ROLLBACK,
        Some(Defect::RepeatWithoutLooking) => |_| true,
        _ => return ids,
    };
    let mut world = eks.world.lock().expect("one thread");
    let now = at(world.now);
    let overlooked: Vec<String> = world
        .model
        .truth(now)
        .into_iter()
        .flat_map(|cluster| cluster.updates)
        .filter(|update| is_overlooked(&update.kind))
        .map(|update| update.id)
        .collect();
    ids.into_iter()
        .filter(|id| !overlooked.contains(id))
        .collect()
}

/// How DescribeUpdate is understood.
pub fn update(eks: &SimEks, mut update: UpdateView, cluster: Option<&ClusterView>) -> UpdateView {
    let (now, looks_for_answer) = {
        let world = eks.world.lock().expect("one thread");
        let is_open = |stored: &Arc<Stored>| {
            let update = body(stored).status.update.as_ref();
            update.is_some_and(Update::is_open_intent)
        };
        (at(world.now), world.api.objects().any(is_open))
    };
    match eks.defect {
        Some(Defect::ActiveIsDone)
            if update.status == Progress::InProgress
                && cluster.is_some_and(|cluster| cluster.status == "ACTIVE") =>
        {
            update.status = Progress::Successful;
        }
        Some(Defect::NodePhaseIsDone)
            if update.status == Progress::InProgress
                && update.kind == VERSION_ROLLBACK
                && cluster
                    .is_some_and(|cluster| cluster.status == "ACTIVE" && cluster.is_auto_mode) =>
        {
            update.status = Progress::Successful;
        }
        Some(Defect::AdoptByVersion) if looks_for_answer => {
            update.created_at = Some(now);
        }
        Some(Defect::TimerDecides)
            if update.status == Progress::InProgress
                && update
                    .created_at
                    .is_some_and(|begun| now.duration_since(begun).as_mins() >= 10) =>
        {
            update.status = Progress::Failed;
        }
        _ => {}
    }
    update
}

/// What is sent.
pub fn request(eks: &SimEks, request: &VersionRequest) -> VersionRequest {
    let mut request = request.clone();
    match eks.defect {
        Some(Defect::RandomToken) => {
            request.client_request_token = random_token();
        }
        Some(Defect::SkipMinor) => request.version = request.version.next(),
        _ => {}
    }
    request
}

fn random_token() -> String {
    let bytes = std::array::from_fn(|_| fastrand::u8(..));
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// What is sent to cancel.
pub fn cancel_request(eks: &SimEks, request: &CancelRequest) -> CancelRequest {
    let mut request = request.clone();
    if eks.defect == Some(Defect::RandomCancelToken) {
        request.client_request_token = random_token();
    }
    request
}

/// How the answer to a send is understood.
pub fn answer(eks: &SimEks, answer: Result<UpdateView, EksError>) -> Result<UpdateView, EksError> {
    answer.map_err(|error| {
        let is_misread = match eks.defect {
            Some(Defect::BusyIsRefusal) => error.kind == ErrorKind::InUse,
            Some(Defect::LostIsNotSent) => error.kind == ErrorKind::Unavailable,
            _ => false,
        };
        if is_misread {
            EksError {
                kind: ErrorKind::Rejected,
                code: "InvalidRequestException".to_owned(),
                ..error
            }
        } else {
            error
        }
    })
}

/// The object that is decided on.
pub fn cached(store: &SimStore, stored: Arc<Stored>) -> Arc<Stored> {
    let mut changed = Stored::clone(&stored);
    match (store.defect, &mut changed.body) {
        (Some(Defect::IgnoreDeletion), _) => changed.deleting = false,
        (Some(Defect::Restless), Ok(body)) => body.status.conditions.clear(),
        (Some(Defect::IgnoreSuspend), Ok(body)) => body.spec.suspend = false,
        // The history says which updates are not the answer.
        (Some(Defect::AdoptByVersion), Ok(body)) if is_intent(&body.status) => {
            body.status.history.clear();
        }
        (Some(Defect::RollbackUnpermitted | Defect::PermissionUsedAgain), Ok(body)) => {
            let is_permitted = body.spec.rollback.is_some();
            if is_permitted == (store.defect == Some(Defect::PermissionUsedAgain)) {
                permit(store, &mut body.spec);
            }
        }
        (Some(Defect::CancelOfOthers), Ok(body)) => {
            if let Some(update) = &mut body.status.update
                && update.kind == VERSION_ROLLBACK
                && update.is_running()
                && !update.is_ours()
            {
                update.attempt = Some(1);
                update.client_request_token = Some("somebody-else".to_owned());
            }
        }
        (Some(Defect::CancelWhileSuspended), Ok(body)) => {
            let mut update = body.status.update.iter();
            if update.any(|update| update.kind == VERSION_ROLLBACK && update.is_running()) {
                body.spec.suspend = false;
            }
        }
        (Some(Defect::IgnoreWindowEnd), Ok(body)) => {
            let schedule = body.spec.schedule.iter_mut();
            for window in schedule.flat_map(|schedule| &mut schedule.windows) {
                // Until it opens again.
                "168h".clone_into(&mut window.duration);
            }
        }
        (Some(Defect::ForgetBaking), Ok(body)) => {
            if let Some(schedule) = &mut body.spec.schedule {
                schedule.bake = None;
            }
        }
        (Some(Defect::WaiverOfAnotherVersion), Ok(body)) => {
            if let Some(preflight) = &mut body.spec.preflight {
                let given = preflight.waivers.clone();
                let all = given.iter().flat_map(|waiver| {
                    (33..=37).map(|minor| Waiver {
                        version: Minor::new(minor).to_string(),
                        ..waiver.clone()
                    })
                });
                preflight.waivers = all.collect();
            }
        }
        (Some(Defect::StartOnUnknown), Ok(body)) => {
            let preflight = body.spec.preflight.get_or_insert_default();
            preflight.on_unknown = Some(OnUnknown::Proceed);
        }
        (Some(Defect::RetryFailed), _) => {
            let now = at(store.world.lock().expect("one thread").now);
            changed.retry_requested_at = Some(now.to_string());
        }
        _ => return stored,
    }
    Arc::new(changed)
}

/// Which freezes there are, beside those that the watch has shown.
pub fn freezes(store: &SimStore, freezes: Vec<StoredFreeze>) -> Vec<StoredFreeze> {
    match store.defect {
        Some(Defect::IgnoreFreezes | Defect::IgnoreLiveFreezes) => Vec::new(),
        _ => freezes,
    }
}

/// How insights are understood.
pub fn insights(eks: &SimEks, mut insights: Vec<InsightView>) -> Vec<InsightView> {
    if eks.defect == Some(Defect::FailedIsWarning) {
        for insight in &mut insights {
            if insight.status == "ERROR" {
                "WARNING".clone_into(&mut insight.status);
            }
        }
    }
    insights
}

/// How the last refresh of the insights is understood.
pub fn refresh(eks: &SimEks, mut refresh: RefreshView) -> RefreshView {
    if eks.defect == Some(Defect::InsightsFromBefore) && refresh.status == RefreshStatus::Completed
    {
        refresh.ended_at = Some(at(eks.world.lock().expect("one thread").now));
    }
    refresh
}

/// Permits to undo whatever update was the last.
fn permit(store: &SimStore, spec: &mut ClusterUpgradeSpec) {
    let mut world = store.world.lock().expect("one thread");
    let now = world.now;
    let clusters = world.model.truth(at(now));
    let mut clusters = clusters.iter();
    let cluster = clusters.find(|cluster| cluster.name == spec.cluster.name);
    let Some((_, Some(exact))) = cluster.and_then(|cluster| Permit::Exact.of(cluster, None)) else {
        return;
    };
    match &mut spec.rollback {
        Some(rollback) => rollback.update_id = exact.update_id,
        None => spec.rollback = Some(exact),
    }
}

/// How status is written.
pub async fn write(
    store: &SimStore,
    at: &Stored,
    status: &ClusterUpgradeStatus,
) -> Result<Arc<Stored>, StoreError> {
    match store.defect {
        Some(Defect::CallBeforeIntent) if is_intent(status) && !is_intent(&body(at).status) => {
            *store.held.lock().expect("one thread") = Some((Arc::new(at.clone()), status.clone()));
            Ok(Arc::new(at.clone()))
        }
        Some(Defect::CallBeforeIntent) => {
            let held = store.held.lock().expect("one thread").take();
            match held {
                Some((before, intent)) if before.key == at.key => {
                    let written = store.write_under_guard(&before, &intent).await?;
                    store.write_under_guard(&written, status).await
                }
                _ => store.write_under_guard(at, status).await,
            }
        }
        Some(Defect::AdoptByVersion) => {
            let mut whole = status.clone();
            let kept = store
                .world
                .lock()
                .expect("one thread")
                .api
                .get(&at.key)
                .cloned();
            let kept = kept.map(|kept| body(&kept).status.history.clone());
            for past in kept.into_iter().flatten() {
                if !whole.history.iter().any(|known| known.id == past.id) {
                    whole.history.push(past);
                }
            }
            store.write_under_guard(at, &whole).await
        }
        Some(Defect::NoGuard | Defect::BelieveStaleCache) => {
            let mut at = at.clone();
            if store.defect == Some(Defect::BelieveStaleCache) {
                match store.write_under_guard(&at, status).await {
                    Err(StoreError::Conflict) => {}
                    other => return other,
                }
            }
            loop {
                let live = store.read_live(&at.key).await?;
                at.resource_version.clone_from(&live.resource_version);
                match store.write_under_guard(&at, status).await {
                    Err(StoreError::Conflict) => {}
                    other => return other,
                }
            }
        }
        Some(Defect::ForgetId) => {
            let mut forgetful = status.clone();
            let is_new = |update: &Update| {
                let before = body(at).status.update.as_ref();
                update.id.is_some() && before.is_some_and(Update::is_open_intent)
            };
            forgetful.update = forgetful.update.take().filter(|update| !is_new(update));
            store.write_under_guard(at, &forgetful).await
        }
        _ => store.write_under_guard(at, status).await,
    }
}

fn is_intent(status: &ClusterUpgradeStatus) -> bool {
    status.update.as_ref().is_some_and(Update::is_open_intent)
}

/// Whether an object is looked at at all.
pub fn is_looked_at(store: &SimStore, stored: &Stored) -> bool {
    let update = body(stored).status.update.as_ref();
    let is_busy = update.is_some_and(|update| update.is_open_intent() && !update.errors.is_empty());
    store.defect != Some(Defect::GivesUp) || !is_busy
}
