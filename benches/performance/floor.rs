//! The least that is safe, done by hand: watch, one describe, one guarded status write, the call; then a look at the update
//! every so often, and one guarded write at its end. What the operator takes is measured against this.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_eks::config::Credentials;
use eks_upgrade_operator::api::ClusterUpgrade;
use eks_upgrade_operator::eks::aws::AwsEks;
use eks_upgrade_operator::eks::{Eks, Fence, Progress, Target, UpdateView, VersionRequest};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::json;

use crate::fleet::{self, is_ready};
use crate::simulator::Simulator;
use crate::stage::{ACCESS_KEY, ACCOUNT, REGION, manifest};

/// The events of a watch.
pub type Events = BoxStream<'static, Result<ClusterUpgrade, watcher::Error>>;

/// A watch of all objects of a namespace.
pub fn watch(api: &Api<ClusterUpgrade>) -> Events {
    watcher(api.clone(), watcher::Config::default())
        .applied_objects()
        .boxed()
}

/// When things were seen, by this process's clock.
pub struct Seen {
    /// The watch event of the object that asks for a newer version.
    pub asked: Timestamp,
    /// That of the object being Ready.
    pub ready: Timestamp,
}

/// Somebody who does the least.
pub struct Floor {
    api: Api<ClusterUpgrade>,
    events: Events,
    eks: AwsEks,
}

impl Floor {
    pub async fn new(api: Api<ClusterUpgrade>, eks: &Simulator) -> Self {
        let credentials = Credentials::new(ACCESS_KEY, "not-a-secret", None, None, "floor");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(&eks.endpoint)
            .credentials_provider(credentials)
            .load()
            .await;
        Self {
            events: watch(&api),
            eks: AwsEks::new(config, Arc::new(())).await,
            api,
        }
    }

    /// Has an object ask for 1.34 and brings its cluster there, with a look at the update every `poll`.
    pub async fn upgrade(&mut self, name: &str, poll: Duration) -> Seen {
        create(&self.api, name).await;
        next(&mut self.events, name, |_| true).await;
        ask(&self.api, name).await;
        let object = next(&mut self.events, name, asks).await;
        let asked = Timestamp::now();
        let target = Target {
            account_id: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            name: name.to_owned(),
            role_arn: None,
            external_id: None,
        };
        let cluster = self.eks.describe_cluster(&target).await.unwrap();
        let version = object.resource_version().unwrap();
        let written = self.write(&object, &version, &cluster.arn, "False").await;
        let request = VersionRequest {
            version: "1.34".parse().unwrap(),
            client_request_token: name.to_owned(),
            force: false,
            rollback_timeout: None,
        };
        let UpdateView { id, .. } = self
            .eks
            .update_cluster_version(&target, &request, &Fence::none())
            .await
            .unwrap();
        loop {
            tokio::time::sleep(poll).await;
            let update = self.eks.describe_update(&target, &id).await.unwrap();
            if update.status != Progress::InProgress {
                break;
            }
        }
        let version = written.resource_version().unwrap();
        self.write(&object, &version, &cluster.arn, "True").await;
        next(&mut self.events, name, is_ready).await;
        let ready = Timestamp::now();
        Seen { asked, ready }
    }

    async fn write(
        &self,
        object: &ClusterUpgrade,
        version: &str,
        arn: &str,
        ready: &str,
    ) -> ClusterUpgrade {
        let (name, generation) = (object.name_any(), object.metadata.generation);
        let patch = json!({
            "apiVersion": "eksupgrade.dev/v1alpha1",
            "kind": "ClusterUpgrade",
            "metadata": {"name": name, "resourceVersion": version, "uid": object.uid()},
            "status": {
                "observedGeneration": generation,
                "cluster": {"arn": arn, "version": "1.34", "status": "ACTIVE"},
                "conditions": [{
                    "type": "Ready", "status": ready, "reason": "Floor", "message": "",
                    "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z",
                }],
            },
        });
        let params = PatchParams::apply("floor").force();
        self.api
            .patch_status(&name, &params, &Patch::Apply(&patch))
            .await
            .unwrap()
    }
}

/// Creates an object that asks for the version that its cluster has.
pub async fn create(api: &Api<ClusterUpgrade>, name: &str) {
    let object = serde_json::from_value(manifest(name, "1.33")).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

/// Has it ask for the next one.
pub async fn ask(api: &Api<ClusterUpgrade>, name: &str) {
    fleet::ask_for(api, &[name.to_owned()], "1.34").await;
}

/// Whether it asks for the next one.
pub fn asks(object: &ClusterUpgrade) -> bool {
    object.spec.version == "1.34"
}

/// The next event of an object that is as wanted.
pub async fn next(
    events: &mut Events,
    name: &str,
    wanted: impl Fn(&ClusterUpgrade) -> bool,
) -> ClusterUpgrade {
    loop {
        let object = events.try_next().await.unwrap().unwrap();
        if object.name_any() == name && wanted(&object) {
            return object;
        }
    }
}
