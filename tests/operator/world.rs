//! One test's world: a namespace of the real API server, an EKS of its own, and the real operator as a process.

use std::fmt::Display;
use std::time::Duration;

use eks_upgrade_operator::api::ClusterUpgrade;
use eks_upgrade_operator::simulator::{self, Handle, Scenario};
use harness::{ControlPlane, Process, Program, eventually};
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

/// Nothing in a test takes this long unless something hangs.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct World {
    pub plane: &'static ControlPlane,
    pub namespace: String,
    pub eks: Handle,
    pub objects: Api<ClusterUpgrade>,
    pub client: kube::Client,
}

impl World {
    /// A world whose EKS is as the scenario says, without an operator.
    pub async fn new(scenario: &str) -> Self {
        let plane = ControlPlane::shared().await.unwrap();
        let client = plane.client().await.unwrap();
        plane
            .kubectl()
            .apply(include_str!(
                "../../crds/clusterupgrades.eksupgrade.dev.yaml"
            ))
            .await
            .unwrap();
        let namespace = plane.namespace("operator").await.unwrap();
        let eks = simulator::serve_on_free_port(&Scenario::parse(scenario).unwrap())
            .await
            .unwrap();
        let objects = Api::namespaced(client.clone(), &namespace);
        eventually(
            "the API server serves ClusterUpgrades",
            DEADLINE,
            async || {
                objects
                    .list(&kube::api::ListParams::default())
                    .await
                    .map(|_| ())
            },
        )
        .await
        .unwrap();
        Self {
            plane,
            namespace,
            eks,
            objects,
            client,
        }
    }

    /// The operator's program, for this namespace and this EKS, with short intervals.
    pub fn program(&self) -> Program {
        Program::new(env!("CARGO_BIN_EXE_eks-upgrade-operator"))
            .args([
                "run",
                "--namespace",
                &self.namespace,
                "--metrics-addr",
                "127.0.0.1:0",
            ])
            .args(["--poll-interval", "100ms", "--resync-interval", "2s"])
            .env("KUBECONFIG", self.plane.kubeconfig_path())
            .env("AWS_ENDPOINT_URL_EKS", self.eks.url())
            .env("AWS_ENDPOINT_URL_STS", self.eks.url())
            .env("AWS_REGION", "us-west-2")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    }

    /// The operator, running.
    pub fn operator(&self) -> Process {
        self.program().start().unwrap()
    }

    /// Where the operator serves its metrics.
    pub async fn address(&self, operator: &mut Process) -> String {
        operator
            .wait_for_line("it serves metrics", DEADLINE, |line| {
                let (_, addr) = line.split_once("addr=")?;
                Some(addr.trim().to_owned())
            })
            .await
            .unwrap()
    }

    /// A `ClusterUpgrade` of the same name as the cluster, in the scenario's default account and region.
    pub fn manifest(name: &str, version: &str) -> Value {
        json!({
            "apiVersion": "eksupgrade.dev/v1alpha1",
            "kind": "ClusterUpgrade",
            "metadata": {"name": name},
            "spec": {
                "cluster": {"accountId": "111122223333", "region": "us-west-2", "name": name},
                "version": version,
            },
        })
    }

    /// Creates an object.
    pub async fn create(&self, manifest: Value) -> ClusterUpgrade {
        let object = serde_json::from_value(manifest).unwrap();
        self.objects
            .create(&PostParams::default(), &object)
            .await
            .unwrap()
    }

    /// Merges something into an object.
    pub async fn patch(&self, name: &str, patch: Value) -> ClusterUpgrade {
        self.objects
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .unwrap()
    }

    pub async fn get(&self, name: &str) -> ClusterUpgrade {
        self.objects.get(name).await.unwrap()
    }

    /// Waits until the object is as `is` wants it.
    pub async fn until(
        &self,
        what: impl Display,
        name: &str,
        is: impl Fn(&ClusterUpgrade) -> bool,
    ) -> ClusterUpgrade {
        eventually(what.to_string().as_str(), DEADLINE, async || {
            let object = self
                .objects
                .get(name)
                .await
                .map_err(|error| error.to_string())?;
            if is(&object) {
                Ok(object)
            } else {
                Err(format!("{:#?}", object.status))
            }
        })
        .await
        .unwrap()
    }

    /// Waits for the Ready condition to have this reason, for the present generation.
    pub async fn until_reason(&self, name: &str, wanted: &str) -> ClusterUpgrade {
        self.until(format!("{name} is {wanted}"), name, |object| {
            reason(object) == wanted
                && object.status.as_ref().and_then(|s| s.observed_generation)
                    == object.metadata.generation
        })
        .await
    }

    /// What was asked of EKS so far, by operation.
    pub fn asked(&self, operation: &str) -> Vec<simulator::model::CallRecord> {
        self.eks.with_model(|model| {
            model
                .calls()
                .filter(|call| format!("{:?}", call.operation) == operation)
                .cloned()
                .collect()
        })
    }

    /// The UpdateClusterVersion calls of which a new update came, as (version, token).
    pub fn accepted(&self) -> Vec<(String, String)> {
        self.asked("UpdateClusterVersion")
            .into_iter()
            .filter(|call| call.accepted)
            .map(|call| {
                let request = serde_json::to_value(&call.request).unwrap();
                let text = |name: &str| {
                    find(&request, name)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned()
                };
                (text("version"), text("clientRequestToken"))
            })
            .collect()
    }
}

/// A member of a JSON value, however deep.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members
            .get(name)
            .or_else(|| members.values().find_map(|value| find(value, name))),
        _ => None,
    }
}

/// The reason of the Ready condition.
pub fn reason(object: &ClusterUpgrade) -> &str {
    condition(object, "Ready").map_or("", |(_, reason, _)| reason)
}

/// A condition as (status, reason, message).
pub fn condition<'a>(
    object: &'a ClusterUpgrade,
    kind: &str,
) -> Option<(&'a str, &'a str, &'a str)> {
    let conditions = &object.status.as_ref()?.conditions;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == kind)?;
    Some((&found.status, &found.reason, &found.message))
}
