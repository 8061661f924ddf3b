//! Many objects at once: made, changed, waited for and taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use eks_upgrade_operator::api::ClusterUpgrade;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};

/// How many requests to the API server are under way at a time.
const AT_A_TIME: usize = 16;

/// Creates all of these.
pub async fn create(api: &Api<ClusterUpgrade>, manifests: Vec<Value>) {
    stream::iter(manifests)
        .map(|manifest| async move {
            let object: ClusterUpgrade = serde_json::from_value(manifest).unwrap();
            api.create(&PostParams::default(), &object).await
        })
        .buffer_unordered(AT_A_TIME)
        .try_for_each(|_| async { Ok(()) })
        .await
        .unwrap();
}

/// Asks for a version of all of these.
pub async fn ask_for(api: &Api<ClusterUpgrade>, names: &[String], version: &str) {
    let patch = json!({"spec": {"version": version}});
    stream::iter(names)
        .map(|name| {
            let patch = Patch::Merge(patch.clone());
            async move { api.patch(name, &PatchParams::default(), &patch).await }
        })
        .buffer_unordered(AT_A_TIME)
        .try_for_each(|_| async { Ok(()) })
        .await
        .unwrap();
}

/// Takes all objects away, and waits until they are gone.
pub async fn delete(api: &Api<ClusterUpgrade>) {
    api.delete_collection(&DeleteParams::default(), &ListParams::default())
        .await
        .unwrap();
    harness::eventually("the objects are gone", crate::stage::DEADLINE, async || {
        let left = api.list(&ListParams::default().limit(1)).await.unwrap();
        left.items.is_empty().then_some(())
    })
    .await
    .unwrap();
}

/// Whether an object says that it is Ready, of what is asked of it now.
pub fn is_ready(object: &ClusterUpgrade) -> bool {
    object.status.as_ref().is_some_and(|status| {
        status.conditions.iter().any(|condition| {
            condition.type_ == "Ready"
                && condition.status == "True"
                && condition.observed_generation == object.metadata.generation
        })
    })
}

/// Waits until so many objects are Ready at this version, and says when each was first seen so.
pub async fn until_ready(
    api: &Api<ClusterUpgrade>,
    version: &str,
    count: usize,
    deadline: Duration,
) -> BTreeMap<String, Timestamp> {
    let mut seen = BTreeMap::new();
    let mut events = watcher(api.clone(), watcher::Config::default())
        .applied_objects()
        .boxed();
    let end = tokio::time::Instant::now() + deadline;
    while seen.len() < count {
        let Ok(next) = tokio::time::timeout_at(end, events.try_next()).await else {
            panic!(
                "violated invariant: after {} s only {} of {count} objects are Ready at {version}",
                deadline.as_secs(),
                seen.len()
            );
        };
        let object = next.unwrap().unwrap();
        if object.spec.version == version && is_ready(&object) {
            seen.entry(object.name_any()).or_insert_with(Timestamp::now);
        }
    }
    seen
}
