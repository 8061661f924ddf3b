//! The parts that the demo runs: a control plane, a simulated EKS, the operator.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use console::style;
use eks_upgrade_operator::api::ClusterUpgrade;
use harness::{Assets, ControlPlane, Kubectl, Process, Program, eventually};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams};
use tokio::time::{interval, timeout};

use crate::Failure;
use crate::expected::EXPECTED;
use crate::screen::Screen;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SCENARIO: &str = "deploy/samples/simulator/demo-scenario.yaml";
/// None of the parts takes this long to start unless something hangs.
const START: Duration = Duration::from_mins(1);
/// The operator promises to end within 10 s.
const END: Duration = Duration::from_secs(10);

/// All that runs. Dropped, it ends in the order of the fields.
pub struct Stage {
    operator: Process,
    simulator: Process,
    plane: ControlPlane,
    simulator_url: String,
    metrics_addr: String,
    restarts: u32,
    cast: Cast,
}

/// What the operator is started with.
struct Cast {
    program: PathBuf,
    kubeconfig: PathBuf,
    simulator_url: String,
    directory: PathBuf,
}

impl Cast {
    /// Starts it; returns where it serves its metrics.
    async fn start(&self, metrics_addr: &str, log: &str) -> Result<(Process, String), Failure> {
        let mut process = Program::new(&self.program)
            .args(["run", "--metrics-addr", metrics_addr])
            // Seconds here are minutes in a real EKS.
            .args(["--poll-interval=500ms", "--resync-interval=3s"])
            .env("KUBECONFIG", &self.kubeconfig)
            .env("AWS_ENDPOINT_URL_EKS", &self.simulator_url)
            .env("AWS_ENDPOINT_URL_STS", &self.simulator_url)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "demo")
            .env("AWS_SECRET_ACCESS_KEY", "demo")
            .log_to(self.directory.join(log))
            .start()?;
        let address = process
            .wait_for_line("it served metrics", START, |line| {
                let (_, address) = line.split_once("addr=")?;
                Some(address.trim().to_owned())
            })
            .await?;
        Ok((process, address))
    }
}

impl Stage {
    /// Starts everything; the objects are not applied yet.
    pub async fn set(screen: &Screen) -> Result<Self, Failure> {
        let operator = program("eks-upgrade-operator")?;
        let simulator = program("eks-simulator")?;
        screen.say(&format!(
            "\n  {}\n  {}\n",
            style("EKS upgrade operator").bold(),
            style("real Kubernetes objects, real AWS API calls, a simulated EKS").dim()
        ))?;
        locate(screen).await?;

        let plane = screen
            .step("Kubernetes API server and etcd", async {
                Ok(ControlPlane::start().await?)
            })
            .await?;
        // What the control plane removes at its end has the logs too.
        let directory = plane
            .kubeconfig_path()
            .parent()
            .ok_or("the kubeconfig is in no directory")?
            .to_owned();
        screen
            .step(
                "kubectl apply -f crds",
                define(plane.kubectl(), plane.client().await?),
            )
            .await?;

        let (simulator, simulator_url) = screen
            .step("eks-simulator, an EKS with seven clusters", async {
                let mut process = Program::new(simulator)
                    .arg("--listen=127.0.0.1:0")
                    .arg("--scenario")
                    .arg(Path::new(ROOT).join(SCENARIO))
                    .log_to(directory.join("simulator.log"))
                    .start()?;
                let url = process
                    .wait_for_line("it listened", START, |line| {
                        line.strip_prefix("eks-simulator listening on ")
                            .map(str::to_owned)
                    })
                    .await?;
                Ok((process, url))
            })
            .await?;

        let cast = Cast {
            program: operator,
            kubeconfig: plane.kubeconfig_path().to_owned(),
            simulator_url: simulator_url.clone(),
            directory: directory.clone(),
        };
        let (operator, metrics_addr) = screen
            .step("eks-upgrade-operator", async {
                cast.start("127.0.0.1:0", "operator.log").await
            })
            .await?;

        Ok(Self {
            operator,
            simulator,
            plane,
            simulator_url,
            metrics_addr,
            restarts: 0,
            cast,
        })
    }

    /// Applies the samples, as a user would.
    pub async fn apply_samples(&self, screen: &Screen) -> Result<(), Failure> {
        let samples = Path::new(ROOT).join("deploy/samples");
        let mut args = vec!["apply".into()];
        let mut shown = "kubectl apply".to_owned();
        for expected in EXPECTED {
            args.push("--filename".into());
            args.push(samples.join(expected.sample));
            shown = format!("{shown} -f {}", expected.sample);
        }
        screen
            .step(&shown, async {
                Ok(self.plane.kubectl().run(args).await?.ok()?)
            })
            .await?;
        Ok(())
    }

    pub fn kubectl(&self) -> &Kubectl {
        self.plane.kubectl()
    }

    /// The objects in the namespace that the samples go to.
    pub async fn objects(&self) -> Result<Api<ClusterUpgrade>, Failure> {
        Ok(Api::namespaced(self.plane.client().await?, "default"))
    }

    pub fn kubeconfig(&self) -> &Path {
        self.plane.kubeconfig_path()
    }

    pub fn simulator_url(&self) -> &str {
        &self.simulator_url
    }

    pub fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.metrics_addr)
    }

    /// The log of the operator that runs.
    pub fn operator_log(&self) -> PathBuf {
        self.cast.directory.join(operator_log(self.restarts))
    }

    /// Which process the operator is.
    pub fn operator_id(&self) -> u32 {
        self.operator.id()
    }

    /// Starts the operator again where it has ended, as Kubernetes would. Returns how it ended.
    pub async fn restart_operator(&mut self) -> Result<Option<ExitStatus>, Failure> {
        let Some(status) = self.operator.ended()? else {
            return Ok(None);
        };
        let log = operator_log(self.restarts + 1);
        let (operator, _) = self.cast.start(&self.metrics_addr, &log).await?;
        self.operator = operator;
        self.restarts += 1;
        Ok(Some(status))
    }

    /// An error once a part has ended by itself.
    pub fn check(&mut self) -> Result<(), Failure> {
        for (name, process) in [
            ("eks-upgrade-operator", &mut self.operator),
            ("eks-simulator", &mut self.simulator),
        ] {
            if let Some(status) = process.ended()? {
                return Err(format!("{name} ended by itself ({status})").into());
            }
        }
        Ok(())
    }

    /// Returns with an error once a part has ended by itself.
    pub async fn watch_over(&mut self) -> Failure {
        let mut again = interval(Duration::from_secs(1));
        loop {
            again.tick().await;
            if let Err(failure) = self.check() {
                return failure;
            }
        }
    }

    /// The ends of the logs.
    pub fn tails(&self) -> String {
        format!(
            "The last lines of eks-upgrade-operator:\n{}\n\nThe last lines of eks-simulator:\n{}",
            self.operator.tail(),
            self.simulator.tail()
        )
    }

    /// Ends the operator as Kubernetes would; an error where it does not end well. Done once, however often it is asked for.
    pub async fn end_operator(&mut self) -> Result<(), Failure> {
        if self.operator.ended()?.is_none() {
            self.operator.sigterm()?;
        }
        let status = self.operator.wait(END).await?;
        if status.success() {
            return Ok(());
        }
        Err(format!("eks-upgrade-operator ended with {status} when it was told to end").into())
    }

    /// Ends everything, and returns once it is gone.
    pub async fn end(mut self) -> Result<(), Failure> {
        self.end_operator().await?;
        let Self {
            operator,
            simulator,
            plane,
            simulator_url: _,
            metrics_addr: _,
            restarts: _,
            cast: _,
        } = self;
        drop((operator, simulator));
        Ok(plane.stop().await?)
    }
}

/// Each process has a log of its own.
fn operator_log(restarts: u32) -> String {
    match restarts {
        0 => "operator.log".to_owned(),
        more => format!("operator-{}.log", more + 1),
    }
}

/// A program of ours: cargo puts examples in a directory below that of the programs.
pub fn program(name: &str) -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let path = own
        .ancestors()
        .nth(2)
        .map(|directory| directory.join(name))
        .ok_or("this program is in no directory")?;
    if path.is_file() {
        return Ok(path);
    }
    Err(format!(
        "there is no {}. Build it first, with `cargo build --bins`, or let `make demo` do it.",
        path.display()
    )
    .into())
}

/// Finds the control plane's programs. Where they have to be built, what builds them says so on standard error.
async fn locate(screen: &Screen) -> Result<(), Failure> {
    let mut minutes = 0;
    let mut found = Box::pin(Assets::locate());
    loop {
        match timeout(Duration::from_mins(1), &mut found).await {
            Ok(found) => {
                found?;
                return Ok(());
            }
            Err(_elapsed) => {
                minutes += 1;
                screen.say(&format!("  still building, for {minutes} min"))?;
            }
        }
    }
}

/// Defines the API, and waits until it is served.
async fn define(kubectl: &Kubectl, client: kube::Client) -> Result<(), Failure> {
    let crds = Path::new(ROOT).join("crds");
    kubectl
        .run(["apply".as_ref(), "--filename".as_ref(), crds.as_os_str()])
        .await?
        .ok()?;
    let namespaces = Api::<Namespace>::all(client.clone());
    eventually(
        "the API server has the namespace default",
        START,
        async || namespaces.get("default").await.map(drop),
    )
    .await?;
    let objects = Api::<ClusterUpgrade>::all(client);
    let all = ListParams::default();
    eventually("the API server serves ClusterUpgrades", START, async || {
        objects.list(&all).await.map(drop)
    })
    .await?;
    Ok(())
}
