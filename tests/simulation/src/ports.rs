//! The two ports, the clock, and nothing else that is replaced.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, Minor};
use eks_upgrade_operator::controller::Clock;
use eks_upgrade_operator::eks::{
    AddonVersion, AddonView, CancelRequest, ClusterView, Eks, EksError, ErrorKind, Fence,
    InsightCategory, InsightDetail, InsightView, NodegroupView, OfferedVersion, RefreshView,
    Target, UpdateView, VersionRequest,
};
use eks_upgrade_operator::simulator::memory::{self, Question};
use eks_upgrade_operator::store::{Body, Key, Note, Seen, Store, StoreError, Stored, StoredFreeze};
use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Answer, Call, Life};
use crate::defect::{self, Defect};
use crate::time::{Millis, at};
use crate::wire::Made;
use crate::world::World;

/// EKS, as one process reaches it.
pub struct SimEks {
    pub world: Arc<Mutex<World>>,
    pub life: Life,
    pub defect: Option<Defect>,
}

impl SimEks {
    async fn ask(&self, target: &Target, question: Question) -> Result<memory::Answer, EksError> {
        self.call(Call::Eks(target.clone(), question)).await
    }

    async fn call(&self, call: Call) -> Result<memory::Answer, EksError> {
        match Made::call(&self.world, self.life, call).await {
            Answer::Eks(answer) => answer,
            Answer::Stored(_) | Answer::Freezes(_) | Answer::Nothing => Err(mismatch()),
        }
    }

    async fn describe(&self, target: &Target) -> Result<ClusterView, EksError> {
        match self.ask(target, Question::Cluster).await? {
            memory::Answer::Cluster(cluster) => Ok(cluster),
            _ => Err(mismatch()),
        }
    }

    async fn send(
        &self,
        target: &Target,
        request: &VersionRequest,
        fence: &Fence,
    ) -> Result<UpdateView, EksError> {
        let call = Call::Send(target.clone(), request.clone(), fence.clone());
        match self.call(call).await? {
            memory::Answer::Update(update) => Ok(update),
            _ => Err(mismatch()),
        }
    }
}

fn mismatch() -> EksError {
    EksError {
        kind: ErrorKind::Unavailable,
        operation: "eks",
        code: "BrokenAnswer".to_owned(),
        message: "an answer to something else".to_owned(),
        request_id: None,
        clock_behind: None,
    }
}

impl Eks for SimEks {
    async fn describe_cluster(&self, target: &Target) -> Result<ClusterView, EksError> {
        let cluster = self.describe(target).await?;
        Ok(defect::cluster(self, target, cluster))
    }

    async fn list_updates(&self, target: &Target) -> Result<Vec<String>, EksError> {
        match self.ask(target, Question::Updates).await? {
            memory::Answer::Updates(ids) => Ok(defect::listed(self, ids)),
            _ => Err(mismatch()),
        }
    }

    async fn describe_update(&self, target: &Target, id: &str) -> Result<UpdateView, EksError> {
        match self.ask(target, Question::Update(id.to_owned())).await? {
            memory::Answer::Update(update) => {
                let looks = matches!(
                    self.defect,
                    Some(Defect::ActiveIsDone | Defect::NodePhaseIsDone)
                );
                let cluster = if looks {
                    Some(self.describe(target).await?)
                } else {
                    None
                };
                Ok(defect::update(self, update, cluster.as_ref()))
            }
            _ => Err(mismatch()),
        }
    }

    async fn describe_cluster_versions(
        &self,
        target: &Target,
    ) -> Result<Vec<OfferedVersion>, EksError> {
        match self.ask(target, Question::Versions).await? {
            memory::Answer::Versions(versions) => Ok(versions),
            _ => Err(mismatch()),
        }
    }

    async fn update_cluster_version(
        &self,
        target: &Target,
        request: &VersionRequest,
        fence: &Fence,
    ) -> Result<UpdateView, EksError> {
        let request = defect::request(self, request);
        let none = Fence::none();
        let fence = if self.defect == Some(Defect::SendAfterFreeze) {
            &none
        } else {
            fence
        };
        let mut answer = self.send(target, &request, fence).await;
        if self.defect == Some(Defect::UnguardedRepetition) {
            for _ in 0..2 {
                if answer
                    .as_ref()
                    .is_err_and(|error| error.kind == ErrorKind::Unavailable)
                {
                    answer = self.send(target, &request, fence).await;
                }
            }
        }
        defect::answer(self, answer)
    }

    async fn cancel_update(
        &self,
        target: &Target,
        request: &CancelRequest,
        fence: &Fence,
    ) -> Result<UpdateView, EksError> {
        let request = defect::cancel_request(self, request);
        let call = Call::Cancel(target.clone(), request, fence.clone());
        let mut answer = self.call(call.clone()).await;
        if self.defect == Some(Defect::UnguardedCancel)
            && answer
                .as_ref()
                .is_err_and(|error| error.kind == ErrorKind::Unavailable)
        {
            answer = self.call(call).await;
        }
        match answer? {
            memory::Answer::Update(update) => Ok(update),
            _ => Err(mismatch()),
        }
    }

    async fn list_insights(
        &self,
        target: &Target,
        category: InsightCategory,
    ) -> Result<Vec<InsightView>, EksError> {
        match self.ask(target, Question::Insights(category)).await? {
            memory::Answer::Insights(insights) => Ok(defect::insights(self, insights)),
            _ => Err(mismatch()),
        }
    }

    async fn describe_insights_refresh(&self, target: &Target) -> Result<RefreshView, EksError> {
        match self.ask(target, Question::Refresh).await? {
            memory::Answer::Refresh(refresh) => Ok(defect::refresh(self, refresh)),
            _ => Err(mismatch()),
        }
    }

    async fn start_insights_refresh(&self, target: &Target) -> Result<RefreshView, EksError> {
        match self.ask(target, Question::StartRefresh).await? {
            memory::Answer::Refresh(refresh) => Ok(refresh),
            _ => Err(mismatch()),
        }
    }

    async fn list_nodegroups(&self, target: &Target) -> Result<Vec<String>, EksError> {
        match self.ask(target, Question::Nodegroups).await? {
            memory::Answer::Nodegroups(names) => Ok(names),
            _ => Err(mismatch()),
        }
    }

    async fn describe_nodegroup(
        &self,
        target: &Target,
        name: &str,
    ) -> Result<NodegroupView, EksError> {
        match self
            .ask(target, Question::Nodegroup(name.to_owned()))
            .await?
        {
            memory::Answer::Nodegroup(nodegroup) => Ok(nodegroup),
            _ => Err(mismatch()),
        }
    }

    async fn describe_insight(&self, target: &Target, id: &str) -> Result<InsightDetail, EksError> {
        match self.ask(target, Question::Insight(id.to_owned())).await? {
            memory::Answer::Insight(detail) => Ok(detail),
            _ => Err(mismatch()),
        }
    }

    async fn list_addons(&self, target: &Target) -> Result<Vec<String>, EksError> {
        match self.ask(target, Question::Addons).await? {
            memory::Answer::Addons(names) => Ok(names),
            _ => Err(mismatch()),
        }
    }

    async fn describe_addon(&self, target: &Target, name: &str) -> Result<AddonView, EksError> {
        match self.ask(target, Question::Addon(name.to_owned())).await? {
            memory::Answer::Addon(addon) => Ok(addon),
            _ => Err(mismatch()),
        }
    }

    async fn describe_addon_versions(
        &self,
        target: &Target,
        addon: &str,
        version: Minor,
    ) -> Result<Vec<AddonVersion>, EksError> {
        let question = Question::AddonVersions(addon.to_owned(), version);
        match self.ask(target, question).await? {
            memory::Answer::AddonVersions(versions) => Ok(versions),
            _ => Err(mismatch()),
        }
    }
}

/// The API server, as one process reaches it.
pub struct SimStore {
    pub world: Arc<Mutex<World>>,
    pub life: Life,
    pub defect: Option<Defect>,
    pub seen: Seen,
    /// What its watch has shown it.
    pub watched: Mutex<BTreeMap<Key, Arc<Stored>>>,
    /// A write that a defect holds back.
    pub held: Mutex<Option<(Arc<Stored>, ClusterUpgradeStatus)>>,
}

impl SimStore {
    async fn stored(&self, call: Call) -> Result<Arc<Stored>, StoreError> {
        match Made::call(&self.world, self.life, call).await {
            Answer::Stored(answer) => answer,
            Answer::Eks(_) | Answer::Freezes(_) | Answer::Nothing => Err(StoreError::Unavailable(
                "an answer to something else".to_owned(),
            )),
        }
    }

    async fn write(
        &self,
        at: &Stored,
        status: &ClusterUpgradeStatus,
    ) -> Result<Arc<Stored>, StoreError> {
        let call = Call::Write(Arc::new(at.clone()), Box::new(status.clone()));
        self.stored(call).await
    }
}

impl Store for SimStore {
    fn cached(&self, key: &Key) -> Option<Arc<Stored>> {
        let watched = self.watched.lock().expect("one thread").get(key).cloned();
        let latest = self
            .seen
            .latest(key, watched)
            .filter(|latest| defect::is_looked_at(self, latest))?;
        Some(defect::cached(self, latest))
    }

    fn seen(&self) -> &Seen {
        &self.seen
    }

    async fn live(&self, key: &Key) -> Result<Arc<Stored>, StoreError> {
        let object = self.stored(Call::Live(key.clone())).await?;
        self.seen.keep(&object);
        Ok(defect::cached(self, object))
    }

    async fn live_freezes(&self) -> Result<Vec<StoredFreeze>, StoreError> {
        let answer = Made::call(&self.world, self.life, Call::Freezes).await;
        let Answer::Freezes(freezes) = answer else {
            return Err(StoreError::Unavailable(
                "an answer to something else".to_owned(),
            ));
        };
        Ok(defect::freezes(self, freezes?))
    }

    async fn write_status(
        &self,
        at: &Stored,
        status: &ClusterUpgradeStatus,
    ) -> Result<Arc<Stored>, StoreError> {
        let mut next = at.clone();
        if let Ok(body) = &mut next.body {
            body.status = status.clone();
        }
        self.seen.writes(&next);
        let written = defect::write(self, at, status).await?;
        next.resource_version.clone_from(&written.resource_version);
        let next = Arc::new(next);
        self.seen.keep(&next);
        Ok(next)
    }

    async fn raw_status(&self, at: &Stored) -> Result<Value, StoreError> {
        Err(unreadable(at))
    }

    async fn write_raw_status(&self, at: &Stored, _: &Value) -> Result<(), StoreError> {
        Err(unreadable(at))
    }

    async fn publish(&self, about: &Stored, note: &Note) {
        let call = Call::Event(Arc::new(about.clone()), note.clone());
        Made::call(&self.world, self.life, call).await;
    }
}

impl SimStore {
    /// One status write, as the port has it.
    pub async fn write_under_guard(
        &self,
        at: &Stored,
        status: &ClusterUpgradeStatus,
    ) -> Result<Arc<Stored>, StoreError> {
        self.write(at, status).await
    }

    /// The object as it is.
    pub async fn read_live(&self, key: &Key) -> Result<Arc<Stored>, StoreError> {
        self.stored(Call::Live(key.clone())).await
    }
}

/// Every object of the simulation can be read; those that cannot are tested elsewhere.
fn unreadable(at: &Stored) -> StoreError {
    StoreError::Refused(format!("{} can be read", at.key))
}

/// One process's clocks: both go as the world's does, and the wall clock may be off.
#[derive(Clone)]
pub struct SimClock {
    pub world: Arc<Mutex<World>>,
    pub replica: usize,
    pub started: Millis,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let world = self.world.lock().expect("one thread");
        at(world.now + world.clock_ahead[self.replica])
    }

    fn monotonic(&self) -> Duration {
        let now = self.world.lock().expect("one thread").now;
        Duration::from_millis(u64::try_from(now - self.started).unwrap_or_default())
    }
}

/// The spec of an object that can be read.
pub fn body(stored: &Stored) -> &Body {
    stored.body.as_ref().expect("every object can be read")
}
