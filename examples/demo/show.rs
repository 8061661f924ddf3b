//! What a person sees, from the first object to the last sentence.

use std::time::{Duration, Instant};

use console::style;
use eks_upgrade_operator::api::Reason;
use harness::{Process, Program};
use tokio::time::interval;

use crate::Failure;
use crate::cluster::Cluster;
use crate::expected::EXPECTED;
use crate::screen::{FRAME, Screen};
use crate::stage::{Stage, program};

/// The scenario takes a tenth of it.
const DEADLINE: &str = "3m";
/// How long a display that was told to end may take to give the terminal back.
const LEAVES_WITHIN: Duration = Duration::from_secs(2);
/// What `watch` says where all have ended and one is stalled, as one has to.
const ONE_IS_STALLED: i32 = 1;

/// `kubectl eks-upgrade watch`. However the demo ends, the terminal is given back.
struct Watch(Process);

impl Drop for Watch {
    fn drop(&mut self) {
        let began = Instant::now();
        let mut told = self.0.sigterm().is_ok();
        while told && began.elapsed() < LEAVES_WITHIN {
            told = matches!(self.0.ended(), Ok(None));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Follows all objects with the plugin until nothing more happens to any of them by itself. Returns what has become of them.
pub async fn watch(screen: &Screen, stage: &mut Stage) -> Result<Vec<Cluster>, Failure> {
    let names = EXPECTED.map(|expected| expected.name);
    screen.say("")?;
    screen.say(&format!(
        "  {}",
        style(format!("$ kubectl eks-upgrade watch {}", names.join(" "))).dim()
    ))?;
    let watching = Program::new(program("kubectl-eks_upgrade")?)
        .arg("--kubeconfig")
        .arg(stage.kubeconfig())
        .args(["--namespace", "default", "watch", "--timeout", DEADLINE])
        .args(names)
        .shown()
        .start()?;
    let mut watching = Watch(watching);
    let mut frames = interval(FRAME);
    let status = loop {
        frames.tick().await;
        stage.check()?;
        if let Some(status) = watching.0.ended()? {
            break status;
        }
    };
    let objects = stage.objects().await?;
    let mut clusters = Vec::new();
    for expected in EXPECTED {
        clusters.push(Cluster::new(expected, objects.get(expected.name).await?));
    }
    if status.code() == Some(ONE_IS_STALLED) {
        return Ok(clusters);
    }
    Err(wrong(&clusters, status))
}

fn wrong(clusters: &[Cluster], status: std::process::ExitStatus) -> Failure {
    let said: Vec<_> = clusters
        .iter()
        .filter(|cluster| cluster.reason() != Some(cluster.expected.end))
        .map(|cluster| {
            format!(
                "  {} has to become {}, but says: {}",
                cluster.expected.name,
                cluster.expected.end,
                cluster.message()
            )
        })
        .collect();
    format!(
        "kubectl eks-upgrade watch ended with {status}, and has to end with {ONE_IS_STALLED}:\n{}",
        said.join("\n")
    )
    .into()
}

/// The table that users look at.
pub async fn table(screen: &Screen, stage: &Stage) -> Result<(), Failure> {
    let table = stage
        .kubectl()
        .run(["get", "clusterupgrades"])
        .await?
        .ok()?;
    screen.say("")?;
    screen.say(&format!(
        "  {}",
        style("$ kubectl get clusterupgrades").dim()
    ))?;
    for line in table.lines() {
        screen.news(&format!("  {line}"))?;
    }
    Ok(())
}

/// What happened to each, and for one that a person must act on what to do, in the operator's words.
pub fn sentences(screen: &Screen, clusters: &[Cluster]) -> Result<(), Failure> {
    for cluster in clusters {
        let name = style(cluster.expected.name).bold();
        let done = cluster
            .done()
            .map_or_else(String::new, |done| format!(" {done}"));
        let mark = match cluster.reason() {
            Some(Reason::UpToDate) => style("✔").green(),
            _ => style("✘").red(),
        };
        screen.say("")?;
        screen.tell(
            &mark.to_string(),
            &format!("{name}: {}{done}", cluster.message()),
        )?;
    }
    Ok(())
}
