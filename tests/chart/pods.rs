//! The pods of a Deployment as processes: its own arguments and environment, and its ServiceAccount's own token.

use std::path::PathBuf;

use harness::{ControlPlane, Process, Program};
use serde_json::{Value, json};

use crate::helm::Helm;
use crate::world::{ACCESS_KEY, DEADLINE, World, operator_program};

/// An installed release.
pub struct Release<'a> {
    plane: &'a ControlPlane,
    pub namespace: String,
    deployment: Value,
}

impl<'a> Release<'a> {
    /// Installs the chart, with further arguments of helm's, in a namespace that is made for it where there is none.
    pub async fn install(
        plane: &'a ControlPlane,
        namespace: &str,
        name: &str,
        args: &[&str],
    ) -> Self {
        let helm = Helm::of(plane).await;
        let base = ["install", name, crate::helm::CHART, "--create-namespace"];
        let said = helm
            .run(&[&base[..], &["--namespace", namespace], args].concat())
            .await;
        said.ok();
        Self::installed(plane, namespace, name).await
    }

    /// One that was installed already.
    pub async fn installed(plane: &'a ControlPlane, namespace: &str, name: &str) -> Self {
        let object = ["get", "deployment", name, "--output=json"];
        let said = plane
            .kubectl()
            .run(object.into_iter().chain(["-n", namespace]));
        let said = said.await.unwrap().ok().unwrap();
        Self {
            plane,
            namespace: namespace.to_owned(),
            deployment: serde_json::from_str(&said).unwrap(),
        }
    }

    /// The pod's template.
    pub fn template(&self) -> &Value {
        &self.deployment["spec"]["template"]
    }

    /// The name of the pod's ServiceAccount.
    pub fn account(&self) -> &str {
        self.template()["spec"]["serviceAccountName"]
            .as_str()
            .unwrap()
    }

    /// As whom the API server knows the pods.
    pub fn user(&self) -> String {
        format!(
            "system:serviceaccount:{}:{}",
            self.namespace,
            self.account()
        )
    }

    /// A pod of this name as a process, for the EKS of a world.
    ///
    /// Arguments and environment are the Deployment's. Other than in a pod are: the port, which is any; how often a running
    /// update is looked at, for the simulator's take no minutes; where the API server, its token and mounted files are; and
    /// the identity in AWS with the endpoints, which elsewhere IRSA brings.
    pub async fn pod(&self, name: &str, world: &World) -> Process {
        let spec = &self.template()["spec"];
        let container = &spec["containers"][0];
        let mut program = operator_program()
            .env("KUBECONFIG", self.kubeconfig(name).await)
            .env("AWS_REGION", "us-west-2")
            .env("AWS_ENDPOINT_URL_EKS", world.eks.url())
            .env("AWS_ENDPOINT_URL_STS", world.eks.url())
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret");
        for argument in container["args"].as_array().unwrap() {
            let argument = argument.as_str().unwrap();
            program = match argument.split_once('=') {
                Some(("--metrics-addr", _)) => program.arg("--metrics-addr=127.0.0.1:0"),
                Some(("--poll-interval", _)) => program.arg("--poll-interval=100ms"),
                Some(("--config", path)) => {
                    program.arg(format!("--config={}", self.mounted(path).await.display()))
                }
                _ => program.arg(argument),
            };
        }
        for variable in container["env"].as_array().unwrap() {
            let key = variable["name"].as_str().unwrap();
            let from = variable.pointer("/valueFrom/fieldRef/fieldPath");
            program = match from.and_then(Value::as_str) {
                Some("metadata.name") => program.env(key, name),
                None => program.env(key, variable["value"].as_str().unwrap()),
                Some(field) => panic!("{field} is not known here"),
            };
        }
        self.start(program)
    }

    fn start(&self, program: Program) -> Process {
        assert_eq!(
            self.template()["spec"]["automountServiceAccountToken"],
            true,
            "without it a pod has no token"
        );
        program.start().unwrap()
    }

    /// A kubeconfig with nothing but a token of the ServiceAccount's, as every pod gets one.
    async fn kubeconfig(&self, pod: &str) -> PathBuf {
        let token = ["create", "token", self.account(), "-n", &self.namespace];
        let token = self.plane.kubectl().run(token).await.unwrap().ok().unwrap();
        let path = self.plane.kubeconfig_path();
        let text = tokio::fs::read_to_string(path).await.unwrap();
        let admin: Value = serde_norway::from_str(&text).unwrap();
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": admin["clusters"],
            "users": [{"name": "pod", "user": {"token": token.trim()}}],
            "contexts": [{
                "name": "pod",
                "context": {"cluster": "local", "user": "pod", "namespace": self.namespace},
            }],
            "current-context": "pod",
        });
        let path = path.with_file_name(format!("{}-{pod}.kubeconfig", self.namespace));
        tokio::fs::write(&path, config.to_string()).await.unwrap();
        path
    }

    /// A copy of a file that is mounted from a ConfigMap.
    async fn mounted(&self, path: &str) -> PathBuf {
        let spec = &self.template()["spec"];
        let (directory, file) = path.rsplit_once('/').unwrap();
        let named = |list: &Value, key: &str, wanted: &str| -> Value {
            let list = list.as_array().unwrap();
            list.iter()
                .find(|item| item[key] == wanted)
                .unwrap()
                .clone()
        };
        let mount = named(
            &spec["containers"][0]["volumeMounts"],
            "mountPath",
            directory,
        );
        assert_eq!(mount["readOnly"], true);
        let volume = named(&spec["volumes"], "name", mount["name"].as_str().unwrap());
        let map = volume["configMap"]["name"].as_str().unwrap();
        let get = [
            "get",
            "configmap",
            map,
            "--output=json",
            "-n",
            &self.namespace,
        ];
        let map = self.plane.kubectl().run(get).await.unwrap().ok().unwrap();
        let map: Value = serde_json::from_str(&map).unwrap();
        let copy = self
            .plane
            .kubeconfig_path()
            .with_file_name(format!("{}-{file}", self.namespace));
        let content = map["data"][file].as_str().unwrap();
        tokio::fs::write(&copy, content).await.unwrap();
        copy
    }
}

/// Where a pod serves its metrics, which it says as JSON.
pub async fn address(pod: &mut Process) -> String {
    pod.wait_for_line("it serves metrics", DEADLINE, |line| {
        let line: Value = serde_json::from_str(line).ok()?;
        Some(line["addr"].as_str()?.to_owned())
    })
    .await
    .unwrap()
}
