//! One test's world: a namespace of the real API server, an EKS of its own, and the real operator as a process.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use eks_upgrade_operator::api::{ClusterUpgrade, Update, UpgradeFreeze};
use eks_upgrade_operator::simulator::model::{CallRecord, ClusterTruth};
use eks_upgrade_operator::simulator::period::Period;
use eks_upgrade_operator::simulator::{self, Handle, Scenario};
use harness::{ControlPlane, Kubectl, Process, Program, eventually};
use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

/// Nothing in a test takes this long unless something hangs.
pub const DEADLINE: Duration = Duration::from_mins(1);
/// The account of the simulator's clusters, and the one that manifests name.
pub const ACCOUNT: &str = "111122223333";
/// The operator's access key.
pub const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// The CRDs as they are shipped.
pub const CRDS: &str = concat!(
    include_str!("../../crds/clusterupgrades.eksupgrade.dev.yaml"),
    "---\n",
    include_str!("../../crds/upgradefreezes.eksupgrade.dev.yaml"),
);

pub struct World {
    pub namespace: String,
    pub eks: Handle,
    pub objects: Api<ClusterUpgrade>,
    pub client: kube::Client,
    pub kubectl: Kubectl,
    kubeconfig: PathBuf,
    api_server: http::Uri,
}

impl World {
    /// A world whose EKS is as the scenario says, without an operator, on the control plane that all tests share.
    pub async fn new(scenario: &str) -> Self {
        static HAS_CRDS: OnceCell<()> = OnceCell::const_new();
        let plane = ControlPlane::shared().await.unwrap();
        HAS_CRDS.get_or_init(|| install_crds(plane, CRDS)).await;
        Self::on(plane, scenario).await
    }

    /// A world on a control plane of its own.
    pub async fn on(plane: &ControlPlane, scenario: &str) -> Self {
        let client = plane.client().await.unwrap();
        let namespace = plane.namespace("operator").await.unwrap();
        let mut scenario = Scenario::parse(scenario).unwrap();
        // What a test does not speak of takes no time, and what it finds at the start is fresh.
        let refresh = &mut scenario.durations.insights_refresh;
        refresh.get_or_insert(Period::ZERO);
        for cluster in &mut scenario.clusters {
            cluster.insights_refreshed.get_or_insert(Period::ZERO);
        }
        let eks = simulator::serve_on_free_port(&scenario).await.unwrap();
        Self {
            objects: Api::namespaced(client.clone(), &namespace),
            kubectl: plane.kubectl().clone(),
            kubeconfig: plane.kubeconfig_path().to_owned(),
            api_server: plane.config().await.unwrap().cluster_url,
            namespace,
            eks,
            client,
        }
    }

    /// The same world after its control plane was started again.
    pub async fn again(self, plane: &ControlPlane) -> Self {
        let client = plane.client().await.unwrap();
        Self {
            objects: Api::namespaced(client.clone(), &self.namespace),
            client,
            ..self
        }
    }

    /// The path of the kubeconfig.
    pub fn kubeconfig(&self) -> &std::path::Path {
        &self.kubeconfig
    }

    /// Whether a control plane is at the address of this world's.
    pub async fn is_at(&self, plane: &ControlPlane) -> bool {
        plane.config().await.unwrap().cluster_url == self.api_server
    }

    /// The objects in a form in which everything can be read.
    pub fn dynamic(&self) -> Api<DynamicObject> {
        let resource = ApiResource::erase::<ClusterUpgrade>(&());
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    /// The operator's program, for this namespace and this EKS, with short intervals.
    pub fn program(&self) -> Program {
        self.program_with("100ms", "500ms")
    }

    /// The operator's program with these intervals between looks at a running and at an idle object.
    pub fn program_with(&self, poll: &str, resync: &str) -> Program {
        self.bare_program()
            .args(["--namespace", &self.namespace, "--poll-interval", poll])
            .args(["--resync-interval", resync])
    }

    /// The operator's program for this EKS, watching what its further arguments say.
    pub fn bare_program(&self) -> Program {
        operator_program()
            .args(["run", "--metrics-addr", "127.0.0.1:0"])
            .env("KUBECONFIG", &self.kubeconfig)
            .env("AWS_ENDPOINT_URL_EKS", self.eks.url())
            .env("AWS_ENDPOINT_URL_STS", self.eks.url())
            .env("AWS_REGION", "us-west-2")
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    }

    /// The operator, running.
    pub fn operator(&self) -> Process {
        self.program().start().unwrap()
    }

    /// A `ClusterUpgrade` of the same name as the cluster, in the scenario's default account and region.
    pub fn manifest(name: &str, version: &str) -> Value {
        json!({
            "apiVersion": "eksupgrade.dev/v1alpha1",
            "kind": "ClusterUpgrade",
            "metadata": {"name": name},
            "spec": {
                "cluster": {"accountId": ACCOUNT, "region": "us-west-2", "name": name},
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

    /// Asks for another version.
    pub async fn ask_for(&self, name: &str, version: &str) {
        self.patch(name, json!({"spec": {"version": version}}))
            .await;
    }

    /// Permits another try of what failed before now.
    pub async fn retry(&self, name: &str) {
        let now = Timestamp::now().to_string();
        let annotations = json!({"eksupgrade.dev/retry-requested-at": now});
        self.patch(name, json!({"metadata": {"annotations": annotations}}))
            .await;
    }

    /// Deletes an object.
    pub async fn delete(&self, name: &str) {
        self.objects
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
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
            is_now(object, wanted)
        })
        .await
    }

    /// The same, with more to say where it does not come to that.
    pub async fn until_reason_or(
        &self,
        name: &str,
        wanted: &str,
        more: impl Fn() -> String,
    ) -> ClusterUpgrade {
        eventually(&format!("{name} is {wanted}"), DEADLINE, async || {
            let object = self.get(name).await;
            if is_now(&object, wanted) {
                Ok(object)
            } else {
                Err(format!(
                    "{}: {}\n{}",
                    reason(&object),
                    message(&object),
                    more()
                ))
            }
        })
        .await
        .unwrap()
    }

    /// Waits until EKS has given the object's update an id that it did not have before, and returns the update.
    pub async fn until_running(&self, name: &str) -> Update {
        let object = self
            .until(format!("{name} has a running update"), name, |object| {
                update(object).is_some_and(Update::is_running)
            })
            .await;
        update(&object).unwrap().clone()
    }

    /// What was asked of EKS so far, by operation.
    pub fn asked(&self, operation: &str) -> Vec<CallRecord> {
        self.calls(|call| format!("{:?}", call.operation) == operation)
    }

    /// What was asked of EKS so far.
    pub fn calls(&self, which: impl Fn(&CallRecord) -> bool) -> Vec<CallRecord> {
        self.eks
            .with_model(|model| model.calls().filter(|call| which(call)).cloned().collect())
    }

    /// What was asked about one cluster so far.
    pub fn about(&self, cluster: &str) -> Vec<CallRecord> {
        self.calls(|call| call.cluster.as_deref() == Some(cluster))
    }

    /// The UpdateClusterVersion calls about a cluster, accepted or not.
    pub fn sends(&self, cluster: &str) -> Vec<Send> {
        self.about(cluster)
            .into_iter()
            .filter(|call| format!("{:?}", call.operation) == "UpdateClusterVersion")
            .map(|call| Send::from(&call))
            .collect()
    }

    /// Those of which a new update came.
    pub fn accepted(&self, cluster: &str) -> Vec<Send> {
        let mut sends = self.sends(cluster);
        sends.retain(|send| send.accepted);
        sends
    }

    /// The versions of the accepted calls about a cluster.
    pub fn accepted_versions(&self, cluster: &str) -> Vec<String> {
        let accepted = self.accepted(cluster);
        accepted.into_iter().map(|send| send.version).collect()
    }

    /// Waits until EKS was asked so.
    pub async fn until_asked(&self, what: &str, is: impl Fn(&CallRecord) -> bool) -> CallRecord {
        eventually(what, DEADLINE, async || {
            self.calls(&is)
                .into_iter()
                .next()
                .ok_or_else(|| format!("{:?}", self.asked_in_short()))
        })
        .await
        .unwrap()
    }

    /// Waits until the operator has looked at the cluster this often from now on, and has decided each time.
    pub async fn looks(&self, cluster: &str, times: usize) {
        let looked = || {
            let calls = self.about(cluster);
            calls
                .iter()
                .filter(|call| format!("{:?}", call.operation) == "DescribeCluster")
                .count()
        };
        // The one under way counts for nothing, and the last is over once the next begins.
        let enough = looked() + times + 1;
        eventually(
            &format!("{times} looks at {cluster}"),
            DEADLINE,
            async || {
                let seen = looked();
                if seen >= enough {
                    Ok(())
                } else {
                    Err(format!("{seen} of {enough}"))
                }
            },
        )
        .await
        .unwrap();
    }

    fn asked_in_short(&self) -> Vec<String> {
        let calls = self.calls(|_| true);
        calls
            .iter()
            .map(|call| {
                format!(
                    "{:?} {:?} {:?}",
                    call.operation, call.outcome, call.error_code
                )
            })
            .collect()
    }

    /// The whole truth about a cluster.
    pub fn truth(&self, cluster: &str) -> ClusterTruth {
        self.eks
            .with_model(|model| model.truth(Timestamp::now()))
            .into_iter()
            .find(|truth| truth.name == cluster)
            .unwrap()
    }

    /// Takes the status away, as a restore of the object without it does.
    pub async fn wipe_status(&self, name: &str) {
        let wiped =
            json!([{"op": "replace", "path": "/status", "value": {"observedGeneration": -1}}]);
        let patch: Patch<Value> = Patch::Json(serde_json::from_value(wiped).unwrap());
        self.objects
            .patch_status(name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    }

    /// Adds a fault, in the words of a scenario.
    pub fn fault(&self, yaml: &str) {
        let spec = serde_norway::from_str(yaml).unwrap();
        self.eks
            .with_model(|model| model.add_fault(spec, Timestamp::now()));
    }

    /// Has something happen to a cluster at once, in the words of a scenario.
    pub fn happens(&self, cluster: &str, yaml: &str) {
        let event: simulator::scenario::EventSpec = serde_norway::from_str(yaml).unwrap();
        let happening = event.happening().unwrap();
        self.eks.with_model(|model| {
            let key = model.key(cluster, None, None);
            model.schedule(&key, happening, Timestamp::now()).unwrap();
        });
    }

    /// Adds a cluster, in the words of a scenario.
    pub fn add_cluster(&self, yaml: &str) {
        let spec = serde_norway::from_str(yaml).unwrap();
        self.eks
            .with_model(|model| model.add_cluster(spec, Timestamp::now()))
            .unwrap();
    }

    /// The Events on an object as (reason, how often, note), oldest first.
    pub async fn events(&self, name: &str) -> Vec<(String, i32, String)> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = api.list(&ListParams::default()).await.unwrap().items;
        events.retain(|event| {
            event.regarding.as_ref().and_then(|it| it.name.as_deref()) == Some(name)
        });
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        events
            .into_iter()
            .map(|event| {
                let times = event.series.map_or(1, |series| series.count);
                let (reason, note) = (event.reason, event.note);
                (reason.unwrap_or_default(), times, note.unwrap_or_default())
            })
            .collect()
    }

    /// The reasons of the Events on an object, oldest first, each as often as it was told. Without the warning before each
    /// hop that nodes were not looked at: this EKS has no insight about kubelets.
    pub async fn told(&self, name: &str) -> Vec<String> {
        let events = self.events(name).await;
        events
            .into_iter()
            .filter(|(reason, _, _)| reason != "PreflightWarning")
            .flat_map(|(reason, times, _)| {
                std::iter::repeat_n(reason, usize::try_from(times).unwrap())
            })
            .collect()
    }

    /// Waits until just these Events were told of an object, in this order. Events follow the write that they tell of.
    pub async fn until_all_told(&self, name: &str, wanted: &[&str]) {
        eventually(&format!("{name} has {wanted:?}"), DEADLINE, async || {
            let told = self.told(name).await;
            if told == wanted {
                Ok(())
            } else {
                Err(format!("{told:?}"))
            }
        })
        .await
        .unwrap();
    }

    /// Waits for an Event of this reason, and returns its note.
    pub async fn until_told(&self, name: &str, wanted: &str) -> String {
        eventually(
            &format!("{name} has an Event {wanted}"),
            DEADLINE,
            async || {
                let events = self.events(name).await;
                let found = events.iter().find(|(reason, _, _)| reason == wanted);
                found
                    .map(|(_, _, note)| note.clone())
                    .ok_or_else(|| format!("{events:?}"))
            },
        )
        .await
        .unwrap()
    }

    /// What kubectl prints, with this test's namespace.
    pub async fn kubectl(&self, args: &[&str]) -> String {
        let args = args.iter().copied().chain(["-n", &self.namespace]);
        self.kubectl.run(args).await.unwrap().ok().unwrap()
    }
}

/// The operator's program, without arguments or configuration.
pub fn operator_program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_eks-upgrade-operator"))
}

/// Installs the CRD of the objects alone, and returns once the API server serves it.
pub async fn install_crd(plane: &ControlPlane, crd: &str) {
    plane.kubectl().apply(crd).await.unwrap();
    let objects: Api<ClusterUpgrade> = Api::all(plane.client().await.unwrap());
    eventually(
        "the API server serves ClusterUpgrades",
        DEADLINE,
        async || objects.list(&ListParams::default()).await.map(|_| ()),
    )
    .await
    .unwrap();
}

/// Installs the CRDs, and returns once the API server serves them.
pub async fn install_crds(plane: &ControlPlane, crds: &str) {
    install_crd(plane, crds).await;
    let freezes: Api<UpgradeFreeze> = Api::all(plane.client().await.unwrap());
    eventually(
        "the API server serves UpgradeFreezes",
        DEADLINE,
        async || freezes.list(&ListParams::default()).await.map(|_| ()),
    )
    .await
    .unwrap();
}

/// One UpdateClusterVersion call.
#[derive(Clone, Debug)]
pub struct Send {
    pub version: String,
    pub token: String,
    pub force: bool,
    pub accepted: bool,
    pub error: Option<String>,
    pub account: Option<String>,
}

impl From<&CallRecord> for Send {
    fn from(call: &CallRecord) -> Self {
        let request = serde_json::to_value(&call.request).unwrap();
        let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
        Self {
            version: text("version"),
            token: text("clientRequestToken"),
            force: request["force"].as_bool().unwrap_or_default(),
            accepted: call.accepted,
            error: call.error_code.clone(),
            account: call.account.clone(),
        }
    }
}

/// Where an operator serves its metrics.
pub async fn address(operator: &mut Process) -> String {
    operator
        .wait_for_line("it serves metrics", DEADLINE, |line| {
            let (_, addr) = line.split_once("addr=")?;
            Some(addr.trim().to_owned())
        })
        .await
        .unwrap()
}

/// GETs a path: the status line and headers, and the body.
pub async fn fetch(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// The present value of a metric, by its name with labels as it is written in the text.
pub async fn metric(address: &str, name: &str) -> Option<f64> {
    let (_, body) = fetch(address, "/metrics").await;
    let line = body
        .lines()
        .find(|line| line.rsplit_once(' ').is_some_and(|(key, _)| key == name))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

/// The running or last update of an object.
pub fn update(object: &ClusterUpgrade) -> Option<&Update> {
    object.status.as_ref()?.update.as_ref()
}

/// Whether the Ready condition has this reason for the present generation.
fn is_now(object: &ClusterUpgrade, wanted: &str) -> bool {
    reason(object) == wanted
        && object.status.as_ref().and_then(|s| s.observed_generation) == object.metadata.generation
}

/// The reason of the Ready condition.
pub fn reason(object: &ClusterUpgrade) -> &str {
    condition(object, "Ready").map_or("", |(_, reason, _)| reason)
}

/// The message of the Ready condition.
pub fn message(object: &ClusterUpgrade) -> &str {
    condition(object, "Ready").map_or("", |(_, _, message)| message)
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

/// Sorts what was asked at the same time: all between the first question and this one.
pub fn in_any_order(asked: &mut [String], until: &str) {
    let end = asked.iter().position(|question| question == until);
    if let Some(together) = asked.get_mut(1..end.unwrap_or(1)) {
        together.sort();
    }
}
