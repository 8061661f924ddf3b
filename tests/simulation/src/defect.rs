//! Planted defects: the operator as it must not be. Each is a small switch where the pipeline meets its ports, and shows
//! that the checks can fail.

use std::sync::Arc;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, Minor, Update};
use eks_upgrade_operator::eks::{
    ClusterView, EksError, ErrorKind, Progress, Target, UpdateView, VersionRequest,
};
use eks_upgrade_operator::plan::VERSION_ROLLBACK;
use eks_upgrade_operator::store::{StoreError, Stored};

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
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 21] = [
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
    cluster
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
            let bytes = std::array::from_fn(|_| fastrand::u8(..));
            request.client_request_token = uuid::Builder::from_random_bytes(bytes)
                .into_uuid()
                .to_string();
        }
        Some(Defect::SkipMinor) => request.version = request.version.next(),
        _ => {}
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
        (Some(Defect::RetryFailed), _) => {
            let now = at(store.world.lock().expect("one thread").now);
            changed.retry_requested_at = Some(now.to_string());
        }
        _ => return stored,
    }
    Arc::new(changed)
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
