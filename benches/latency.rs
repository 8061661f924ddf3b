//! How long it takes from a change of an object to UpdateClusterVersion arriving at EKS, what a hop and an idle object
//! cost, and how much memory the operator holds; on the local control plane and the simulator. Prints medians.
//!
//! The floor is measured in the same run: a bare loop of watch, one describe, one guarded status write and the call.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark ends where something is wrong"
)]

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_eks::config::Credentials;
use eks_upgrade_operator::api::ClusterUpgrade;
use eks_upgrade_operator::eks::aws::AwsEks;
use eks_upgrade_operator::eks::{Eks, Fence, Target, VersionRequest};
use futures::{StreamExt, TryStreamExt};
use harness::{ControlPlane, Process, Program, eventually};
use jiff::Timestamp;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use std::sync::Arc;

/// How many objects are measured, after some that warm up.
const MEASURED: usize = 40;
const WARM_UP: usize = 5;
const DEADLINE: Duration = Duration::from_mins(1);
const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-west-2";

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(measure());
}

struct Bench {
    plane: ControlPlane,
    client: Client,
    simulator: Process,
    endpoint: String,
    directory: std::path::PathBuf,
}

async fn measure() {
    let bench = Bench::start().await;
    println!("machine: {}", machine());

    let floor = bench.floor().await;
    println!("{}", row("floor: watch event to call", "ms", &floor));

    let namespace = bench.plane.namespace("operator").await.unwrap();
    let mut operator = bench.operator(&namespace);
    let metrics = metrics_address(&mut operator).await;
    ready(&metrics).await;
    let (latency, writes) = bench.latency(&namespace).await;
    println!("{}", row("operator: watch event to call", "ms", &latency));
    println!("{}", row("status writes per hop", "", &writes));
    bench.calls_per_hop().await;
    bench.end(operator).await;

    let namespace = bench.plane.namespace("idle").await.unwrap();
    bench.idle(&namespace).await;

    let Bench {
        plane,
        simulator,
        directory,
        ..
    } = bench;
    bench_end(simulator).await;
    plane.stop().await.unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}

async fn bench_end(mut process: Process) {
    process.sigterm().unwrap();
    let status = process.wait(DEADLINE).await.unwrap();
    assert!(status.success(), "{status}: {}", process.tail());
}

impl Bench {
    async fn start() -> Self {
        let plane = ControlPlane::start().await.unwrap();
        let client = plane.client().await.unwrap();
        plane
            .kubectl()
            .apply(concat!(
                include_str!("../crds/clusterupgrades.eksupgrade.dev.yaml"),
                "---\n",
                include_str!("../crds/upgradefreezes.eksupgrade.dev.yaml"),
            ))
            .await
            .unwrap();
        let objects: Api<ClusterUpgrade> = Api::all(client.clone());
        eventually(
            "the API server serves ClusterUpgrades",
            DEADLINE,
            async || objects.list(&ListParams::default()).await.map(|_| ()),
        )
        .await
        .unwrap();
        let directory =
            std::env::temp_dir().join(format!("eks-upgrade-bench-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let scenario = directory.join("scenario.yaml");
        let clusters: Vec<Value> = ["floor", "operator", "idle"]
            .iter()
            .flat_map(|kind| {
                (0..MEASURED + WARM_UP)
                    .map(move |n| json!({"name": format!("{kind}-{n}"), "version": "1.33", "insightsRefreshed": "1m"}))
            })
            .collect();
        let text = json!({"durations": {"update": "100ms"}, "clusters": clusters}).to_string();
        std::fs::write(&scenario, text).unwrap();
        let simulator = Program::new(env!("CARGO_BIN_EXE_eks-simulator"))
            .args(["--listen", "127.0.0.1:0", "--scenario"])
            .arg(&scenario)
            .start()
            .unwrap();
        let mut simulator = simulator;
        let endpoint = simulator
            .wait_for_line("it listens", DEADLINE, |line| {
                line.strip_prefix("eks-simulator listening on ")
                    .map(str::to_owned)
            })
            .await
            .unwrap();
        Self {
            plane,
            client,
            simulator,
            endpoint,
            directory,
        }
    }

    fn operator(&self, namespace: &str) -> Process {
        Program::new(env!("CARGO_BIN_EXE_eks-upgrade-operator"))
            .args([
                "run",
                "--namespace",
                namespace,
                "--metrics-addr",
                "127.0.0.1:0",
            ])
            .args(["--poll-interval", "100ms", "--resync-interval", "1h"])
            .env("KUBECONFIG", self.plane.kubeconfig_path())
            .env("AWS_ENDPOINT_URL_EKS", &self.endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
            .start()
            .unwrap()
    }

    async fn end(&self, mut operator: Process) {
        operator.sigterm().unwrap();
        let status = operator.wait(DEADLINE).await.unwrap();
        assert!(status.success(), "{status}: {}", operator.tail());
    }

    /// What was asked of EKS about a cluster, as the simulator noted it.
    async fn calls(&self, query: &str) -> Vec<Value> {
        let text = get(&format!("{}/_simulator/calls?{query}", self.endpoint)).await;
        serde_json::from_str(&text).unwrap()
    }

    /// When UpdateClusterVersion arrived for a cluster.
    async fn arrived(&self, cluster: &str) -> Timestamp {
        let query = format!("operation=UpdateClusterVersion&cluster={cluster}");
        eventually("the call arrives", DEADLINE, async || {
            let calls = self.calls(&query).await;
            calls
                .first()
                .map(|call| call["at"].as_str().unwrap().parse::<Timestamp>().unwrap())
        })
        .await
        .unwrap()
    }

    /// Milliseconds from the watch event of each new object to its call, for objects that `namespace`'s watcher acts on.
    async fn latency(&self, namespace: &str) -> (Vec<f64>, Vec<f64>) {
        let api: Api<ClusterUpgrade> = Api::namespaced(self.client.clone(), namespace);
        let mut events = watcher(api.clone(), watcher::Config::default())
            .applied_objects()
            .boxed();
        let mut latencies = Vec::new();
        let mut writes = Vec::new();
        for n in 0..MEASURED + WARM_UP {
            let name = format!("operator-{n}");
            api.create(&PostParams::default(), &manifest(&name, "1.34"))
                .await
                .unwrap();
            let mut seen = None;
            let mut versions = 0;
            // Until the hop is done: later objects are not measured against earlier ones' polling.
            while let Some(object) = events.try_next().await.unwrap() {
                if object.name_any() != name {
                    continue;
                }
                seen.get_or_insert_with(Timestamp::now);
                versions += 1;
                let ready = object
                    .status
                    .iter()
                    .flat_map(|s| &s.conditions)
                    .any(|c| c.type_ == "Ready" && c.status == "True");
                if ready {
                    break;
                }
            }
            let arrived = self.arrived(&name).await;
            if n >= WARM_UP {
                latencies.push(milliseconds(seen.unwrap(), arrived));
                writes.push(f64::from(versions - 1));
            }
        }
        (latencies, writes)
    }

    /// The same for a bare loop that does the least that is safe.
    async fn floor(&self) -> Vec<f64> {
        let namespace = self.plane.namespace("floor").await.unwrap();
        let api: Api<ClusterUpgrade> = Api::namespaced(self.client.clone(), &namespace);
        let credentials =
            Credentials::new("AKIAIOSFODNN7EXAMPLE", "not-a-secret", None, None, "bench");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(&self.endpoint)
            .credentials_provider(credentials)
            .load()
            .await;
        let eks = AwsEks::new(config, Arc::new(())).await;
        let mut events = watcher(api.clone(), watcher::Config::default())
            .applied_objects()
            .boxed();
        let mut latencies = Vec::new();
        for n in 0..MEASURED + WARM_UP {
            let name = format!("floor-{n}");
            api.create(&PostParams::default(), &manifest(&name, "1.34"))
                .await
                .unwrap();
            let object = loop {
                let object = events.try_next().await.unwrap().unwrap();
                if object.name_any() == name {
                    break object;
                }
            };
            let seen = Timestamp::now();
            let target = Target {
                account_id: ACCOUNT.to_owned(),
                region: REGION.to_owned(),
                name: name.clone(),
                role_arn: None,
                external_id: None,
            };
            let cluster = eks.describe_cluster(&target).await.unwrap();
            let patch = json!({
                "apiVersion": "eksupgrade.dev/v1alpha1",
                "kind": "ClusterUpgrade",
                "metadata": {"name": name, "resourceVersion": object.resource_version(), "uid": object.uid()},
                "status": {"observedGeneration": 1, "cluster": {"arn": cluster.arn}},
            });
            let params = PatchParams::apply("bench").force();
            api.patch_status(&name, &params, &Patch::Apply(&patch))
                .await
                .unwrap();
            let request = VersionRequest {
                version: "1.34".parse().unwrap(),
                client_request_token: name.clone(),
                force: false,
                rollback_timeout: None,
            };
            eks.update_cluster_version(&target, &request, &Fence::none())
                .await
                .unwrap();
            if n >= WARM_UP {
                latencies.push(milliseconds(seen, self.arrived(&name).await));
            }
        }
        latencies
    }

    /// Calls to EKS from the first look to UpToDate, and those before the send.
    async fn calls_per_hop(&self) {
        let mut before = std::collections::BTreeMap::<String, Vec<f64>>::new();
        let mut all = Vec::new();
        for n in WARM_UP..MEASURED + WARM_UP {
            let calls = self.calls(&format!("cluster=operator-{n}")).await;
            all.push(f64::from(u32::try_from(calls.len()).unwrap()));
            let operations: Vec<&str> = calls
                .iter()
                .map(|call| call["operation"].as_str().unwrap())
                .collect();
            let sent = operations
                .iter()
                .position(|o| *o == "UpdateClusterVersion")
                .unwrap();
            for operation in ["DescribeCluster", "ListUpdates", "DescribeUpdate"] {
                let count = operations
                    .iter()
                    .take(sent)
                    .filter(|o| **o == operation)
                    .count();
                before
                    .entry(operation.to_owned())
                    .or_default()
                    .push(f64::from(u32::try_from(count).unwrap()));
            }
        }
        for (operation, counts) in before {
            println!(
                "{}",
                row(&format!("{operation} before a start"), "", &counts)
            );
        }
        println!(
            "{}",
            row("EKS calls per hop (polled each 100 ms)", "", &all)
        );
        let versions = self.calls("operation=DescribeClusterVersions").await.len();
        println!(
            "DescribeClusterVersions for all {} objects: {versions}",
            MEASURED + WARM_UP
        );
    }

    /// What an operator holds and does with one object at rest.
    async fn idle(&self, namespace: &str) {
        let api: Api<ClusterUpgrade> = Api::namespaced(self.client.clone(), namespace);
        let mut operator = self.operator(namespace);
        let metrics = metrics_address(&mut operator).await;
        ready(&metrics).await;
        let object = manifest("idle-0", "1.33");
        api.create(&PostParams::default(), &object).await.unwrap();
        let settled = eventually("the object is up to date", DEADLINE, async || {
            let object = api.get("idle-0").await.unwrap();
            let ready = object
                .status
                .iter()
                .flat_map(|s| &s.conditions)
                .any(|c| c.type_ == "Ready" && c.status == "True");
            ready.then_some(object)
        })
        .await
        .unwrap();
        let calls = self.calls("cluster=idle-0").await.len();
        let mut resident = Vec::new();
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            resident.push(resident_mib(operator.id()));
        }
        println!(
            "{}",
            row("resident memory, one idle object", "MiB", &resident)
        );
        let later = api.get("idle-0").await.unwrap();
        println!(
            "idle for {} s: {} writes, {} EKS calls",
            resident.len(),
            u8::from(later.resource_version() != settled.resource_version()),
            self.calls("cluster=idle-0").await.len() - calls
        );
        self.end(operator).await;
    }
}

async fn metrics_address(operator: &mut Process) -> String {
    operator
        .wait_for_line("it serves metrics", DEADLINE, |line| {
            line.split_once("addr=")
                .map(|(_, addr)| addr.trim().to_owned())
        })
        .await
        .unwrap()
}

async fn ready(address: &str) {
    eventually("the operator is ready", DEADLINE, async || {
        let answer = get(&format!("http://{address}/readyz")).await;
        (answer == "ok\n").then_some(())
    })
    .await
    .unwrap();
}

/// The body of a plain HTTP answer.
async fn get(url: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn manifest(name: &str, version: &str) -> ClusterUpgrade {
    serde_json::from_value(json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "ClusterUpgrade",
        "metadata": {"name": name},
        "spec": {"cluster": {"accountId": ACCOUNT, "region": REGION, "name": name}, "version": version},
    }))
    .unwrap()
}

fn milliseconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() * 1e3
}

fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().unwrap();
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or_default();
    format!(
        "{cores} cores, {}",
        model.trim_start_matches([' ', '\t', ':'])
    )
}

/// One line: median, then the tenth and ninetieth percentile.
fn row(what: &str, unit: &str, values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        sorted
            .get((sorted.len() - 1) * percent / 100)
            .copied()
            .unwrap()
    };
    format!(
        "{what:<42} median {:>7.2} {unit} (p10 {:.2}, p90 {:.2}, n {})",
        at(50),
        at(10),
        at(90),
        sorted.len()
    )
}
