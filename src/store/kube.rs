//! The real face of the port: kube's client, and a cache per watched namespace.

mod freezes;
mod shallow;
mod sound;
mod whole;
mod yaml;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::reflector::{self, ObjectRef};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};

pub use self::freezes::{WatchedFreeze, stored_freeze};
pub use self::shallow::client;
use self::sound::sound;
use self::whole::{is_written, own, replacing, retain_others_conditions};
use super::{Body, Key, Note, Seen, Store, StoreError, Stored, StoredFreeze, Unreadable};
use crate::api::{ClusterUpgrade, ClusterUpgradeStatus, MANAGER, RETRY_ANNOTATION};
use crate::metrics::Metrics;
use crate::text::plain;

/// An object in the watch: one that cannot be read does not stop the others.
pub type Watched = DeserializeGuard<ClusterUpgrade>;

/// How long one call to the API server may take, all pages of a list together. Two of them and a send fit into a shutdown;
/// where one of three was a list of freezes, nothing is sent any more.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// The most bytes of what the API server or a parser says. They quote what they do not like, all of it.
const WORDS_LIMIT: usize = 1024;

/// A cache per watched namespace, or one for all (`None`).
pub type Caches = HashMap<Option<String>, reflector::Store<Watched>>;

/// kube's client and what this process knows of the objects.
pub struct KubeStore {
    client: Client,
    recorder: Recorder,
    metrics: Arc<Metrics>,
    caches: Caches,
    seen: Seen,
}

impl KubeStore {
    /// A store over the caches of all watched namespaces.
    pub fn new(client: Client, caches: Caches, metrics: Arc<Metrics>) -> Self {
        let reporter = Reporter {
            controller: MANAGER.to_owned(),
            instance: std::env::var("POD_NAME")
                .ok()
                .or_else(|| std::env::var("HOSTNAME").ok()),
        };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            metrics,
            caches,
            seen: Seen::default(),
        }
    }

    async fn call<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = kube::Result<T>> + Send,
    ) -> Result<T, StoreError> {
        let result = match tokio::time::timeout(CALL_TIMEOUT, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(classify(&error)),
            Err(_) => Err(StoreError::Unavailable(format!(
                "no answer to {what} within {} s",
                CALL_TIMEOUT.as_secs()
            ))),
        };
        self.metrics.kube_call(
            what,
            result.as_ref().map_or_else(StoreError::label, |_| "ok"),
        );
        result
    }

    fn dynamic(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.client.clone(),
            namespace,
            &ApiResource::erase::<ClusterUpgrade>(&()),
        )
    }

    async fn apply(&self, at: &Stored, status: &Value) -> Result<DynamicObject, StoreError> {
        let patch = json!({
            "apiVersion": ClusterUpgrade::api_version(&()),
            "kind": ClusterUpgrade::kind(&()),
            "metadata": {
                "name": at.key.name,
                "namespace": at.key.namespace,
                "uid": at.uid,
                "resourceVersion": at.resource_version,
            },
            "status": status,
        });
        let patch =
            yaml::readable(&patch).map_err(|error| StoreError::Refused(error.to_string()))?;
        let api = self.dynamic(&at.key.namespace);
        let params = PatchParams::apply(MANAGER).force();
        let written = self
            .call(
                "apply status",
                api.patch_status(&at.key.name, &params, &Patch::Apply(&patch)),
            )
            .await?;
        // The API server does not compare the uid of a status apply; the resource version has, and this is the proof.
        if written.metadata.uid.as_deref() == Some(at.uid.as_str()) {
            Ok(written)
        } else {
            Err(StoreError::Gone)
        }
    }

    /// Takes away what an apply left of other managers' fields, such as a restore's: an apply takes away only what nobody
    /// else owns, and an intent with somebody's old id in it would be no intent. Guarded by the apply's resource version.
    async fn overwrite(
        &self,
        at: &Stored,
        applied: &DynamicObject,
        status: &Value,
    ) -> Result<DynamicObject, StoreError> {
        let nothing = Value::Null;
        let kept = applied.data.get("status").unwrap_or(&nothing);
        let mut wanted = status.clone();
        retain_others_conditions(kept, &mut wanted);
        let patch = json!({
            "metadata": {"uid": at.uid, "resourceVersion": applied.metadata.resource_version},
            "status": replacing(kept, &wanted),
        });
        let api = self.dynamic(&at.key.namespace);
        let params = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PatchParams::default()
        };
        self.call(
            "overwrite status",
            api.patch_status(&at.key.name, &params, &Patch::Merge(&patch)),
        )
        .await
    }
}

impl Store for KubeStore {
    fn cached(&self, key: &Key) -> Option<Arc<Stored>> {
        let reference = ObjectRef::new(&key.name).within(&key.namespace);
        let watched = self
            .caches
            .get(&Some(key.namespace.clone()))
            .or_else(|| self.caches.get(&None))
            .and_then(|cache| cache.get(&reference))
            .map(|watched| Arc::new(stored(&watched)));
        self.seen.latest(key, watched)
    }

    fn seen(&self) -> &Seen {
        &self.seen
    }

    async fn live(&self, key: &Key) -> Result<Arc<Stored>, StoreError> {
        let api: Api<Watched> = Api::namespaced(self.client.clone(), &key.namespace);
        let object = self.call("get", api.get(&key.name)).await?;
        let object = Arc::new(stored(&object));
        self.seen.keep(&object);
        Ok(object)
    }

    async fn live_freezes(&self) -> Result<Vec<StoredFreeze>, StoreError> {
        let api: Api<WatchedFreeze> = Api::all(self.client.clone());
        let listed = self.call("list freezes", freezes::list(&api)).await;
        listed.map_err(freezes::unlisted)
    }

    async fn write_status(
        &self,
        at: &Stored,
        status: &ClusterUpgradeStatus,
    ) -> Result<Arc<Stored>, StoreError> {
        let value =
            serde_json::to_value(status).map_err(|error| StoreError::Refused(error.to_string()))?;
        let mut next = at.clone();
        if let Ok(body) = &mut next.body {
            body.status = status.clone();
        }
        self.seen.writes(&next);
        let mut written = self.apply(at, &value).await?;
        if !is_written(&written, status) {
            written = self.overwrite(at, &written, &value).await?;
            if !is_written(&written, status) {
                return Err(StoreError::Refused(
                    "the status that was written is not the one that the API server keeps; is the CRD an older one?"
                        .to_owned(),
                ));
            }
        }
        next.resource_version = written.metadata.resource_version.unwrap_or_default();
        let next = Arc::new(next);
        self.seen.keep(&next);
        Ok(next)
    }

    async fn raw_status(&self, at: &Stored) -> Result<Value, StoreError> {
        let api = self.dynamic(&at.key.namespace);
        let live = self.call("get", api.get(&at.key.name)).await?;
        if live.metadata.uid.as_deref() != Some(at.uid.as_str()) {
            return Err(StoreError::Gone);
        }
        if live.metadata.resource_version.as_deref() != Some(at.resource_version.as_str()) {
            return Err(StoreError::Conflict);
        }
        Ok(live
            .data
            .get("status")
            .cloned()
            .unwrap_or_else(|| json!({})))
    }

    async fn write_raw_status(&self, at: &Stored, status: &Value) -> Result<(), StoreError> {
        self.apply(at, status).await.map(|_| ())
    }

    async fn publish(&self, about: &Stored, note: &Note) {
        let Note {
            warning,
            reason,
            action,
            text,
        } = note;
        let event = Event {
            type_: if *warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: reason.clone(),
            note: Some(text.clone()),
            action: action.clone(),
            secondary: None,
        };
        let reference = ObjectReference {
            api_version: Some(ClusterUpgrade::api_version(&()).into_owned()),
            kind: Some(ClusterUpgrade::kind(&()).into_owned()),
            name: Some(about.key.name.clone()),
            namespace: Some(about.key.namespace.clone()),
            uid: Some(about.uid.clone()),
            ..ObjectReference::default()
        };
        if let Err(error) = self
            .call("publish event", self.recorder.publish(&event, &reference))
            .await
        {
            tracing::warn!(object = %about.key, reason, %error, "an Event could not be written");
        }
    }
}

/// kube's object in the port's words.
pub fn stored(object: &Watched) -> Stored {
    let ObjectMeta {
        annotations,
        creation_timestamp,
        deletion_timestamp,
        generation,
        labels,
        resource_version,
        uid,
        ..
    } = object.meta();
    Stored {
        key: Key {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        },
        uid: uid.clone().unwrap_or_default(),
        resource_version: resource_version.clone().unwrap_or_default(),
        generation: generation.unwrap_or_default(),
        created_at: creation_timestamp
            .as_ref()
            .map_or(Timestamp::UNIX_EPOCH, |time| time.0),
        deleting: deletion_timestamp.is_some(),
        retry_requested_at: annotations
            .as_ref()
            .and_then(|all| all.get(RETRY_ANNOTATION))
            .cloned(),
        labels: labels.clone().unwrap_or_default(),
        body: match &object.0 {
            Ok(object) => {
                sound(own(object.status.clone().unwrap_or_default())).map(|status| Body {
                    spec: object.spec.clone(),
                    status,
                })
            }
            Err(error) => Err(Unreadable(plain(&error.error, WORDS_LIMIT))),
        },
    }
}

/// What an answer of the API server means, by its status code and reason.
fn classify(error: &kube::Error) -> StoreError {
    let words = |message: &str| plain(message, WORDS_LIMIT);
    match error {
        kube::Error::Api(status) => match status.code {
            404 | 410 => StoreError::Gone,
            409 => StoreError::Conflict,
            // 401: a token that has just expired, or an API server that is still starting. The next call has a new one.
            401 | 408 | 429 | 500..=599 => StoreError::Unavailable(words(&status.message)),
            _ => StoreError::Refused(words(&status.message)),
        },
        other => StoreError::Unavailable(words(&other.to_string())),
    }
}
