//! The two ports in memory: an API server that keeps raw JSON, and an EKS in which one cluster waits for an upgrade.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use eks_upgrade_operator::api::{ClusterUpgradeStatus, Minor};
use eks_upgrade_operator::eks::{
    AddonVersion, AddonView, CancelRequest, ClusterView, Eks, EksError, ErrorKind, Fence, Hosting,
    InsightCategory, InsightDetail, InsightView, NodegroupView, OfferedVersion, Progress,
    RefreshStatus, RefreshView, Target, UpdateView, VersionRequest, is_update_id,
};
use eks_upgrade_operator::store::kube::{Watched, stored};
use eks_upgrade_operator::store::{Key, Note, Seen, Store, StoreError, Stored, StoredFreeze};
use serde::Deserialize as _;
use serde_json::{Value, json};

/// One object, as raw as the API server keeps it. Writes have the API server's guard, and replace the whole status.
pub struct Memory {
    object: Mutex<Value>,
    read: Mutex<Arc<Stored>>,
    written: Mutex<Vec<Value>>,
    published: Mutex<Vec<Note>>,
    /// What a list of the freezes brings.
    pub freezes: Mutex<Result<Vec<StoredFreeze>, StoreError>>,
    /// How often they were listed.
    pub lists: AtomicUsize,
    /// Labels that somebody gives to the object right before the next write.
    pub relabelled: Mutex<Option<Value>>,
    seen: Seen,
}

impl Memory {
    pub fn of(object: Value) -> Self {
        Self {
            read: Mutex::new(read(&object)),
            object: Mutex::new(object),
            written: Mutex::default(),
            published: Mutex::default(),
            freezes: Mutex::new(Ok(Vec::new())),
            lists: AtomicUsize::new(0),
            relabelled: Mutex::default(),
            seen: Seen::default(),
        }
    }

    pub fn object(&self) -> Value {
        self.object.lock().unwrap().clone()
    }

    /// Every status that was written so far.
    pub fn written(&self) -> Vec<Value> {
        self.written.lock().unwrap().clone()
    }

    pub fn published(&self) -> Vec<Note> {
        self.published.lock().unwrap().clone()
    }

    /// The object through the same reading as the watch's.
    pub fn read(&self) -> Arc<Stored> {
        self.read.lock().unwrap().clone()
    }

    fn write(&self, at: &Stored, status: &Value) -> Result<(), StoreError> {
        let mut object = self.object.lock().unwrap();
        if let Some(labels) = self.relabelled.lock().unwrap().take() {
            let next = at.revision().unwrap() + 1;
            object["metadata"]["resourceVersion"] = json!(next.to_string());
            object["metadata"]["labels"] = labels;
            *self.read.lock().unwrap() = read(&object);
        }
        if object["metadata"]["resourceVersion"] != at.resource_version {
            return Err(StoreError::Conflict);
        }
        let next = at.revision().unwrap() + 1;
        object["metadata"]["resourceVersion"] = json!(next.to_string());
        object["status"] = status.clone();
        *self.read.lock().unwrap() = read(&object);
        self.written.lock().unwrap().push(status.clone());
        Ok(())
    }
}

/// The object as the watch would read it.
pub fn read(object: &Value) -> Arc<Stored> {
    Arc::new(stored(&Watched::deserialize(object).unwrap()))
}

impl Store for Memory {
    fn cached(&self, key: &Key) -> Option<Arc<Stored>> {
        let object = self.read();
        assert_eq!(object.key, *key);
        Some(object)
    }

    fn seen(&self) -> &Seen {
        &self.seen
    }

    async fn live(&self, _key: &Key) -> Result<Arc<Stored>, StoreError> {
        Ok(self.read())
    }

    async fn live_freezes(&self) -> Result<Vec<StoredFreeze>, StoreError> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.freezes.lock().unwrap().clone()
    }

    async fn write_status(
        &self,
        at: &Stored,
        status: &ClusterUpgradeStatus,
    ) -> Result<Arc<Stored>, StoreError> {
        self.write(at, &serde_json::to_value(status).unwrap())?;
        let written = self.read();
        let kept = written.body.as_ref().map(|body| &body.status);
        assert_eq!(kept, Ok(status), "what was written is not what is read");
        Ok(written)
    }

    async fn raw_status(&self, at: &Stored) -> Result<Value, StoreError> {
        assert_eq!(self.read().resource_version, at.resource_version);
        Ok(self
            .object()
            .get("status")
            .cloned()
            .unwrap_or_else(|| json!({})))
    }

    async fn write_raw_status(&self, at: &Stored, status: &Value) -> Result<(), StoreError> {
        self.write(at, status)
    }

    async fn publish(&self, _about: &Stored, note: &Note) {
        self.published.lock().unwrap().push(note.clone());
    }
}

/// An EKS that knows one version, answers at once, and minds what it is asked.
#[derive(Default)]
pub struct Quiet {
    started: Mutex<Vec<UpdateView>>,
    /// What happens elsewhere while the insights are listed, the last question before a start.
    pub meanwhile: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Quiet {
    pub fn sends(&self) -> usize {
        self.started.lock().unwrap().len()
    }
}

fn mind(target: &Target) {
    let Target {
        account_id,
        region,
        name,
        role_arn,
        external_id,
    } = target;
    assert!(account_id.len() == 12 && account_id.bytes().all(|b| b.is_ascii_digit()));
    for (part, most) in [(region, 64), (name, 100)] {
        let is_plain = part
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        assert!(is_plain && (1..=most).contains(&part.len()), "{part:?}");
    }
    for text in role_arn.iter().chain(external_id) {
        assert!(
            text.len() <= 2048 && text.bytes().all(|b| b.is_ascii_graphic()),
            "{text:?}"
        );
    }
}

impl Eks for Quiet {
    async fn describe_cluster(&self, target: &Target) -> Result<ClusterView, EksError> {
        mind(target);
        let Target {
            account_id,
            region,
            name,
            ..
        } = target;
        Ok(ClusterView {
            arn: format!("arn:aws:eks:{region}:{account_id}:cluster/{name}"),
            created_at: None,
            version: "1.33".to_owned(),
            platform_version: None,
            status: "ACTIVE".to_owned(),
            hosting: Hosting::Cloud,
            is_auto_mode: true,
            support_type: None,
            health: Vec::new(),
            hold: None,
        })
    }

    async fn list_updates(&self, target: &Target) -> Result<Vec<String>, EksError> {
        mind(target);
        Ok(self
            .started
            .lock()
            .unwrap()
            .iter()
            .map(|update| update.id.clone())
            .collect())
    }

    async fn describe_update(&self, target: &Target, id: &str) -> Result<UpdateView, EksError> {
        mind(target);
        assert!(is_update_id(id), "{id:?}");
        let started = self.started.lock().unwrap();
        started
            .iter()
            .find(|update| update.id == id)
            .cloned()
            .ok_or_else(|| unknown("eks:DescribeUpdate"))
    }

    async fn describe_cluster_versions(
        &self,
        target: &Target,
    ) -> Result<Vec<OfferedVersion>, EksError> {
        mind(target);
        Ok((31..36)
            .map(|minor| OfferedVersion {
                version: Minor::new(minor),
                status: "STANDARD_SUPPORT".to_owned(),
                end_of_standard_support: None,
                end_of_extended_support: None,
            })
            .collect())
    }

    async fn update_cluster_version(
        &self,
        target: &Target,
        request: &VersionRequest,
        _: &Fence,
    ) -> Result<UpdateView, EksError> {
        mind(target);
        let VersionRequest {
            version,
            client_request_token,
            force: _,
            rollback_timeout,
        } = request;
        assert!(
            client_request_token.len() <= 128,
            "{client_request_token:?}"
        );
        let mut started = self.started.lock().unwrap();
        let update = UpdateView {
            id: format!("00000000-0000-4000-8000-{:012}", started.len()),
            kind: if rollback_timeout.is_some() {
                "VersionRollback".to_owned()
            } else {
                "VersionUpdate".to_owned()
            },
            status: Progress::InProgress,
            to_version: Some(version.to_string()),
            created_at: Some(super::world::noon()),
            errors: Vec::new(),
            cancellation: None,
        };
        started.push(update.clone());
        Ok(update)
    }

    async fn cancel_update(
        &self,
        target: &Target,
        _: &CancelRequest,
        _: &Fence,
    ) -> Result<UpdateView, EksError> {
        mind(target);
        Err(unknown("eks:CancelUpdate"))
    }

    async fn list_insights(
        &self,
        target: &Target,
        _: InsightCategory,
    ) -> Result<Vec<InsightView>, EksError> {
        mind(target);
        if let Some(meanwhile) = self.meanwhile.get() {
            meanwhile();
        }
        Ok(Vec::new())
    }

    async fn describe_insights_refresh(&self, target: &Target) -> Result<RefreshView, EksError> {
        mind(target);
        Ok(RefreshView {
            status: RefreshStatus::Completed,
            started_at: Some(super::world::noon()),
            ended_at: Some(super::world::noon()),
        })
    }

    async fn start_insights_refresh(&self, target: &Target) -> Result<RefreshView, EksError> {
        self.describe_insights_refresh(target).await
    }

    async fn list_nodegroups(&self, target: &Target) -> Result<Vec<String>, EksError> {
        mind(target);
        Ok(Vec::new())
    }

    async fn describe_nodegroup(
        &self,
        target: &Target,
        _: &str,
    ) -> Result<NodegroupView, EksError> {
        mind(target);
        Err(unknown("eks:DescribeNodegroup"))
    }

    async fn describe_insight(&self, target: &Target, _: &str) -> Result<InsightDetail, EksError> {
        mind(target);
        Err(unknown("eks:DescribeInsight"))
    }

    async fn list_addons(&self, target: &Target) -> Result<Vec<String>, EksError> {
        mind(target);
        Ok(Vec::new())
    }

    async fn describe_addon(&self, target: &Target, _: &str) -> Result<AddonView, EksError> {
        mind(target);
        Err(unknown("eks:DescribeAddon"))
    }

    async fn describe_addon_versions(
        &self,
        target: &Target,
        _: &str,
        _: Minor,
    ) -> Result<Vec<AddonVersion>, EksError> {
        mind(target);
        Ok(Vec::new())
    }
}

fn unknown(operation: &'static str) -> EksError {
    EksError {
        kind: ErrorKind::NotFound,
        operation,
        code: "ResourceNotFoundException".to_owned(),
        message: "There is none of that name.".to_owned(),
        request_id: None,
        clock_behind: None,
    }
}
