//! A namespace of its own for each test, in an API server that has the CRD.

use std::time::Duration;

use eks_upgrade_operator::api::{ClusterUpgrade, UpgradeFreeze, crds};
use harness::{ControlPlane, eventually};
use kube::api::{Api, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

const UNCHECKED: &str = ", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]";

/// A test's own namespace.
pub struct Fixture {
    pub plane: &'static ControlPlane,
    pub namespace: String,
    pub api: Api<DynamicObject>,
}

/// A manifest that is accepted; tests change one thing in it.
pub fn manifest() -> Value {
    json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "ClusterUpgrade",
        "metadata": {"generateName": "cu-"},
        "spec": {
            "cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": "devel"},
            "version": "1.34",
        },
    })
}

/// [`manifest`] with one field of the spec set, by JSON pointer below `/spec`.
pub fn with(changes: &[(&str, Value)]) -> Value {
    let mut manifest = manifest();
    for (pointer, value) in changes {
        set(&mut manifest, pointer, value.clone());
    }
    manifest
}

/// Sets one field of the spec, by JSON pointer below `/spec`.
pub fn set(manifest: &mut Value, pointer: &str, value: Value) {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = manifest.pointer_mut(&format!("/spec{parent}")).unwrap();
    parent[field] = value;
}

/// [`manifest`] without one field of the spec, by JSON pointer below `/spec`.
pub fn without(pointer: &str) -> Value {
    let mut manifest = manifest();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = manifest.pointer_mut(&format!("/spec{parent}")).unwrap();
    assert!(parent.as_object_mut().unwrap().remove(field).is_some());
    manifest
}

impl Fixture {
    pub async fn new() -> Self {
        static APPLIED: OnceCell<()> = OnceCell::const_new();
        let plane = ControlPlane::shared().await.unwrap();
        APPLIED
            .get_or_init(async || {
                let crds = crds().map(|crd| serde_norway::to_string(&crd).unwrap());
                let said = plane
                    .kubectl()
                    .run_with(["apply", "--filename=-"], &crds.join("---\n"))
                    .await
                    .unwrap();
                // A warning of the API server would greet everybody who installs it.
                assert_eq!(said.stderr, "");
                let client = plane.client().await.unwrap();
                let upgrades: Api<ClusterUpgrade> = Api::all(client.clone());
                let freezes: Api<UpgradeFreeze> = Api::all(client);
                let all = kube::api::ListParams::default();
                eventually("the CRDs are served", Duration::from_mins(1), async || {
                    upgrades.list(&all).await?;
                    freezes.list(&all).await.map(drop)
                })
                .await
                .unwrap();
            })
            .await;
        let namespace = plane.namespace("crd").await.unwrap();
        let kind = GroupVersionKind::gvk("eksupgrade.dev", "v1alpha1", "ClusterUpgrade");
        let resource = ApiResource::from_gvk(&kind);
        let client = plane.client().await.unwrap();
        let api = Api::namespaced_with(client, &namespace, &resource);
        Self {
            plane,
            namespace,
            api,
        }
    }

    /// Creates it, as any client that sends plain JSON would.
    pub async fn create(&self, manifest: &Value) -> Result<DynamicObject, String> {
        let object = serde_json::from_value(manifest.clone()).unwrap();
        let created = self.api.create(&PostParams::default(), &object).await;
        created.map_err(|error| sentence(&error))
    }

    pub async fn accepts(&self, manifest: &Value) -> DynamicObject {
        match self.create(manifest).await {
            Ok(object) => object,
            Err(error) => panic!("refused: {error}\n{manifest}"),
        }
    }

    /// Asserts that it is refused with this about this field, and with nothing else.
    pub async fn refuses(&self, manifest: &Value, field: &str, sentence: &str) {
        let answer = self.create(manifest).await;
        assert_refused(manifest, answer, field, sentence);
    }

    /// Merges a change into an object that is there.
    pub async fn patch(&self, name: &str, change: &Value) -> Result<DynamicObject, String> {
        let patched = self
            .api
            .patch(name, &PatchParams::default(), &Patch::Merge(change))
            .await;
        patched.map_err(|error| sentence(&error))
    }
}

/// Asserts that it was refused with this about this field, and with nothing else.
pub fn assert_refused(
    manifest: &Value,
    answer: Result<DynamicObject, String>,
    field: &str,
    sentence: &str,
) {
    match answer {
        Ok(_) => panic!("accepted: {manifest}"),
        Err(said) => {
            let (_, said) = said.split_once("is invalid: ").unwrap();
            // Its own words where a type is wrong or a field is missing, since it looks at no rule then.
            let said = said
                .strip_suffix(UNCHECKED)
                .map_or(said, |said| said.trim_start_matches('['));
            assert!(
                said.starts_with(&format!("{field}: ")) && said.ends_with(sentence),
                "{manifest}\nis refused with: {said}"
            );
        }
    }
}

/// The words that kubectl would print.
pub fn sentence(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => panic!("the API server did not answer: {other}"),
    }
}

/// The name the API server made.
pub fn name(object: &DynamicObject) -> &str {
    let ObjectMeta { name, .. } = &object.metadata;
    name.as_deref().unwrap()
}
