//! Where everything takes place: one control plane for the whole benchmark, and a simulator for each part of it.

use std::path::PathBuf;
use std::time::Duration;

use eks_upgrade_operator::api::ClusterUpgrade;
use harness::{ControlPlane, Program, eventually};
use kube::Client;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use crate::operator::Operator;
use crate::simulator::Simulator;

/// For what takes seconds.
pub const DEADLINE: Duration = Duration::from_mins(2);
/// For ten thousand objects on a slow machine.
pub const LONG: Duration = Duration::from_mins(10);
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-west-2";
pub const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";

pub struct Stage {
    plane: ControlPlane,
    pub client: Client,
    directory: PathBuf,
}

impl Stage {
    pub async fn start() -> Self {
        let plane = ControlPlane::start().await.unwrap();
        let client = plane.client().await.unwrap();
        let crds = concat!(
            include_str!("../../crds/clusterupgrades.eksupgrade.dev.yaml"),
            "---\n",
            include_str!("../../crds/upgradefreezes.eksupgrade.dev.yaml"),
        );
        plane.kubectl().apply(crds).await.unwrap();
        let objects: Api<ClusterUpgrade> = Api::all(client.clone());
        eventually("ClusterUpgrades are served", DEADLINE, async || {
            objects.list(&ListParams::default()).await.map(|_| ())
        })
        .await
        .unwrap();
        let name = format!("eks-upgrade-performance-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        Self {
            plane,
            client,
            directory,
        }
    }

    /// A namespace of its own.
    pub async fn namespace(&self, prefix: &str) -> String {
        self.plane.namespace(prefix).await.unwrap()
    }

    /// The objects of a namespace.
    pub fn objects(&self, namespace: &str) -> Api<ClusterUpgrade> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// An EKS as the scenario says.
    pub async fn simulator(&self, scenario: &Value) -> Simulator {
        let path = self.directory.join("scenario.yaml");
        std::fs::write(&path, scenario.to_string()).unwrap();
        Simulator::start(&path).await
    }

    /// The operator, started for a namespace and an EKS, with further arguments.
    pub fn operator(&self, namespace: &str, eks: &Simulator, args: &[&str]) -> Operator {
        let program = Program::new(env!("CARGO_BIN_EXE_eks-upgrade-operator"))
            .args(["run", "--metrics-addr", "127.0.0.1:0"])
            .args(["--namespace", namespace])
            .args(args)
            .env("KUBECONFIG", self.plane.kubeconfig_path())
            .env("AWS_ENDPOINT_URL_EKS", &eks.endpoint)
            .env("AWS_ENDPOINT_URL_STS", &eks.endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret");
        Operator::start(program)
    }

    pub async fn end(self) {
        let Self {
            plane,
            client: _,
            directory,
        } = self;
        plane.stop().await.unwrap();
        std::fs::remove_dir_all(directory).unwrap();
    }
}

/// A cluster of a scenario, whose insights need no refresh before the first hop.
pub fn cluster(name: &str) -> Value {
    json!({"name": name, "version": "1.33", "insightsRefreshed": "10m"})
}

/// The object for a cluster of the scenario's account.
pub fn manifest(name: &str, version: &str) -> Value {
    json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "ClusterUpgrade",
        "metadata": {"name": name},
        "spec": {"cluster": {"accountId": ACCOUNT, "region": REGION, "name": name}, "version": version},
    })
}
