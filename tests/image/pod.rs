//! The image run as Kubernetes runs a restricted pod: as its own user, with a read-only root, without capabilities, with a
//! service account's files and cluster DNS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use harness::{ControlPlane, Process};
use kube::config::Kubeconfig;

use crate::dns::Dns;
use crate::engine::Engine;
use crate::tls::Https;
use crate::world::{ACCESS_KEY, DEADLINE, World};

/// Where Kubernetes puts a service account's files.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The file that the image has its certificates in.
pub const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// A name of EKS that only DNS knows.
pub const EKS: &str = "eks.us-west-2.example.test";
/// A name of STS that only /etc/hosts knows.
const STS: &str = "sts.us-west-2.example.test";
/// What the API server is called in a cluster, and its certificate is for.
pub const API_SERVER: &str = "kubernetes.default.svc";
const NAME: &str = "operator";

/// What surrounds the container. The order is that of dropping.
pub struct Pod {
    engine: Engine,
    pub dns: Dns,
    https: Https,
    sts_port: u16,
    api_server_port: u16,
}

/// A running container. Whoever drops it stops nothing: the engine does.
pub struct Container {
    process: Process,
    /// The process's id on this machine.
    pub pid: u32,
}

impl Pod {
    /// A pod in this world.
    pub async fn new(world: &World) -> Self {
        let engine = Engine::new().await;
        let files = engine.directory();
        let fully_qualified = format!("{API_SERVER}.cluster.local");
        let dns = Dns::serve(&[EKS, &fully_qualified]).await;
        dns.write_resolv_conf(&files.join("resolv.conf"));
        let api_server_port = write_service_account(world, &files.join("serviceaccount")).await;
        Self {
            https: Https::before(&world.eks.url(), EKS, files).await,
            sts_port: world.eks.url().rsplit_once(':').unwrap().1.parse().unwrap(),
            dns,
            engine,
            api_server_port,
        }
    }

    /// The authority that has signed EKS's certificate, as a bundle to be mounted in place of the image's.
    pub fn bundle(&self) -> Mount {
        Mount(self.https.authority.clone(), BUNDLE)
    }

    /// Starts the operator's container with more arguments of `run`, and mounts.
    pub async fn start(&self, world: &World, args: &[&str], mounts: &[Mount]) -> Container {
        let files = self.engine.directory();
        let mut program = self.engine.program();
        // Debian's podman takes crun where it is there too.
        if on_path("runc") {
            program = program.args(["--runtime", "runc"]);
        }
        program = program
            .args(["run", "--name", NAME, "--http-proxy=false", "--pull=never"])
            .args(["--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL"])
            .args(["--security-opt=no-new-privileges", "--network=host"])
            .args(["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"])
            .args(["--add-host", &format!("{STS}:127.0.0.1")]);
        let given = [
            Mount(files.join("resolv.conf"), "/etc/resolv.conf"),
            Mount(files.join("serviceaccount"), SERVICE_ACCOUNT),
        ];
        for Mount(source, target) in given.iter().chain(mounts) {
            program = program.args(["--volume", &format!("{}:{target}:ro", source.display())]);
        }
        for (name, value) in [
            ("KUBERNETES_SERVICE_HOST", API_SERVER.to_owned()),
            ("KUBERNETES_SERVICE_PORT", self.api_server_port.to_string()),
            (
                "AWS_ENDPOINT_URL_EKS",
                format!("https://{EKS}:{}", self.https.port),
            ),
            (
                "AWS_ENDPOINT_URL_STS",
                format!("http://{STS}:{}", self.sts_port),
            ),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_REGION", "us-west-2".to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "not-a-secret".to_owned()),
        ] {
            program = program.args(["--env", &format!("{name}={value}")]);
        }
        let mut process = program
            .arg(self.engine.image())
            .args([
                "run",
                "--metrics-addr",
                "127.0.0.1:0",
                "--poll-interval",
                "100ms",
            ])
            .args([
                "--resync-interval",
                "500ms",
                "--namespace",
                &world.namespace,
            ])
            .args(args)
            .start()
            .unwrap();
        process
            .wait_for_line("it serves metrics", DEADLINE, |line| {
                line.contains("addr=").then_some(())
            })
            .await
            .unwrap();
        let pid = self
            .engine
            .podman(&["inspect", "--format", "{{.State.Pid}}", NAME]);
        Container {
            process,
            pid: pid.trim().parse().unwrap(),
        }
    }

    /// Ends the container as Kubernetes does, with SIGTERM and after `grace` with SIGKILL, and says how the operator ended.
    pub async fn stop(&self, mut container: Container, grace: Duration) -> ExitStatus {
        let grace = grace.as_secs().to_string();
        self.engine.podman(&["stop", "--time", &grace, NAME]);
        container.process.wait(DEADLINE).await.unwrap()
    }
}

impl Container {
    /// The last lines that the operator has printed.
    pub fn tail(&self) -> String {
        self.process.tail()
    }

    /// What the kernel says of the operator's process, by the name of the line in /proc/PID/status.
    pub fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let found = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let words: Vec<_> = found.unwrap().split_whitespace().collect();
        words.join(" ")
    }

    /// The mount options of what is at a path of the container.
    pub fn mount_options(&self, path: &str) -> Vec<String> {
        let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", self.pid)).unwrap();
        let found = mounts.lines().find_map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            (words[4] == path).then(|| words[5].split(',').map(str::to_owned).collect())
        });
        found.unwrap_or_else(|| panic!("no {path} in\n{mounts}"))
    }
}

/// A file or directory of this machine, and where the container has it.
pub struct Mount(PathBuf, &'static str);

/// Writes what Kubernetes gives to a pod of a service account, and returns the API server's port.
async fn write_service_account(world: &World, directory: &Path) -> u16 {
    let plane = ControlPlane::shared().await.unwrap();
    let kubeconfig = Kubeconfig::read_from(plane.kubeconfig_path()).unwrap();
    let cluster = kubeconfig.clusters[0].cluster.as_ref().unwrap();
    fs::create_dir(directory).unwrap();
    let authority = fs::read(cluster.certificate_authority.as_ref().unwrap()).unwrap();
    fs::write(directory.join("ca.crt"), authority).unwrap();
    fs::write(directory.join("namespace"), &world.namespace).unwrap();
    let user = serde_json::to_value(&kubeconfig.auth_infos[0]).unwrap();
    let token = user["user"]["token"].as_str().unwrap().to_owned();
    fs::write(directory.join("token"), token).unwrap();
    let server = cluster.server.as_ref().unwrap();
    server.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).exists())
}
