//! What the operator holds and uses with 1 to 10,000 objects: at rest, with a tenth of them upgrading, at its start, and for
//! each further look at an object.

use std::collections::BTreeMap;
use std::time::Duration;

use eks_upgrade_operator::api::ClusterUpgrade;
use kube::api::Api;
use serde_json::json;

use crate::figure::{Figure, Measured};
use crate::fleet;
use crate::operator::{Operator, seconds};
use crate::restart;
use crate::simulator::Simulator;
use crate::stage::{LONG, Stage, cluster, manifest};

pub const SIZES: [usize; 4] = [1, 100, 1_000, restart::OBJECTS];
/// What follows the last decision (Events, late writes) is over by then.
const SETTLE: Duration = Duration::from_secs(3);
/// How often every object is looked at again, in turn.
const ROUNDS: usize = 3;

/// What is to be measured of a fleet.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub memory: bool,
    pub restart: bool,
    pub cost: bool,
}

/// What was measured, by part.
#[derive(Default)]
pub struct Parts {
    pub memory: Measured,
    pub restart: Measured,
    pub cost: Measured,
}

struct Fleet<'a> {
    stage: &'a Stage,
    eks: Simulator,
    namespace: String,
    api: Api<ClusterUpgrade>,
    names: Vec<String>,
}

pub async fn measure(stage: &Stage, runs: usize, wanted: Wanted, sizes: &[usize]) -> Parts {
    let mut parts = Parts::default();
    let largest = sizes.iter().copied().max();
    for &size in sizes {
        let Wanted {
            memory,
            restart,
            cost,
        } = wanted;
        let restart = restart && Some(size) == largest;
        let cost = cost && size > 1;
        if !(memory || restart || cost) {
            continue;
        }
        println!("  a fleet of {size}");
        let fleet = Fleet::new(stage, size).await;
        if memory || restart {
            fleet.at_rest(runs, memory, restart, &mut parts).await;
        }
        if cost {
            fleet.rounds(&mut parts.cost).await;
        }
        if memory {
            fleet.upgrading(runs, &mut parts.memory).await;
        }
        fleet.end().await;
    }
    parts
}

impl<'a> Fleet<'a> {
    /// So many objects that an operator has looked at and left.
    async fn new(stage: &'a Stage, size: usize) -> Self {
        let names: Vec<String> = (0..size).map(|n| format!("c-{n:05}")).collect();
        let clusters: Vec<_> = names.iter().map(|name| cluster(name)).collect();
        let eks = stage
            .simulator(&json!({"durations": {"update": "3h"}, "clusters": clusters}))
            .await;
        let namespace = stage.namespace("fleet").await;
        let api = stage.objects(&namespace);
        let manifests = names.iter().map(|name| manifest(name, "1.33")).collect();
        fleet::create(&api, manifests).await;
        let operator = stage.operator(&namespace, &eks, &["--resync-interval", "1h"]);
        fleet::until_ready(&api, "1.33", size, LONG).await;
        operator.end().await;
        Self {
            stage,
            eks,
            namespace,
            api,
            names,
        }
    }

    fn operator(&self, args: &[&str]) -> Operator {
        self.stage.operator(&self.namespace, &self.eks, args)
    }

    /// How long CPU time is counted: longer where more is at stake.
    fn window(&self) -> Duration {
        Duration::from_secs(if self.names.len() >= 10_000 { 30 } else { 10 })
    }

    async fn at_rest(&self, runs: usize, memory: bool, restart: bool, parts: &mut Parts) {
        let size = self.names.len();
        self.eks.delay("5ms").await;
        let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let mut starts = Vec::new();
        for _ in 0..runs {
            let after = self.eks.last_seq().await;
            let mut operator = self.operator(&["--resync-interval", "1h"]);
            starts.push(restart::watch(&mut operator, &self.eks, after, size).await);
            if memory {
                tokio::time::sleep(SETTLE).await;
                self.watch(&operator, &mut values).await;
            }
            operator.end().await;
        }
        self.eks.answer_at_once().await;
        if memory {
            figures("idle", "idle", size, &values, &mut parts.memory);
        }
        if restart {
            restart::figures(&starts, size, &mut parts.restart);
        }
    }

    async fn watch(&self, operator: &Operator, values: &mut BTreeMap<&str, Vec<f64>>) {
        let window = self.window();
        let used = operator.cpu();
        tokio::time::sleep(window).await;
        let used = (operator.cpu() - used) / window.as_secs_f64() * 100.0;
        values.entry("cpu").or_default().push(used);
        values.entry("rss").or_default().push(operator.resident());
        values.entry("peak").or_default().push(operator.peak());
    }

    async fn upgrading(&self, runs: usize, measured: &mut Measured) {
        let size = self.names.len();
        let count = size.div_ceil(10);
        let some: Vec<String> = self.names.iter().take(count).cloned().collect();
        fleet::ask_for(&self.api, &some, "1.34").await;
        let mut values = BTreeMap::new();
        let many = self.names.len().to_string();
        for run in 0..runs {
            let after = self.eks.last_seq().await;
            let args = ["--resync-interval", "1h", "--max-running-updates", &many];
            let mut operator = self.operator(&args);
            operator.ready().await;
            let pause = Duration::from_secs(1);
            operator
                .until_metric(restart::LOOKS, size as f64, pause)
                .await;
            // The first has them started, and those after it find them running.
            harness::eventually("a tenth of the clusters upgrade", LONG, async || {
                let query = "operation=UpdateClusterVersion";
                let sent = self.eks.tally(after, query).await;
                let accepted: usize = sent.operations.values().map(|of| of.accepted).sum();
                let wanted = if run == 0 { count } else { 0 };
                (accepted == wanted)
                    .then_some(())
                    .ok_or(accepted.to_string())
            })
            .await
            .unwrap();
            tokio::time::sleep(SETTLE).await;
            self.watch(&operator, &mut values).await;
            operator.end().await;
        }
        figures("upgrading", "a tenth upgrading", size, &values, measured);
    }

    /// CPU time for each further look, while all are looked at every so often.
    async fn rounds(&self, measured: &mut Measured) {
        let size = self.names.len();
        let interval = match size {
            0..=100 => 2,
            101..=1_000 => 8,
            _ => 40,
        };
        let resync = format!("{interval}s");
        let after = self.eks.last_seq().await;
        let mut operator = self.operator(&["--resync-interval", &resync]);
        restart::watch(&mut operator, &self.eks, after, size).await;
        let mut costs = Vec::new();
        for _ in 0..ROUNDS {
            let (used, after) = (operator.cpu(), self.eks.last_seq().await);
            tokio::time::sleep(Duration::from_secs(interval)).await;
            let used = operator.cpu() - used;
            let looks = self.eks.tally(after, "operation=DescribeCluster").await;
            assert!(looks.calls > 0, "no object was looked at in an interval");
            costs.push(used / looks.calls as f64 * 1e3);
        }
        operator.end().await;
        measured.figures.push(
            Figure::of(
                format!("look-{size}"),
                format!("CPU time per further look at an object, {size} objects"),
                "ms",
                &costs,
            )
            .with_objects(size),
        );
    }

    async fn end(self) {
        self.eks.end().await;
        fleet::delete(&self.api).await;
    }
}

fn figures(
    id: &str,
    words: &str,
    size: usize,
    values: &BTreeMap<&str, Vec<f64>>,
    measured: &mut Measured,
) {
    for (what, title, unit, target) in [
        ("rss", "resident memory", "MiB", 120.0),
        (
            "peak",
            "the most resident memory since the start",
            "MiB",
            0.0,
        ),
        ("cpu", "CPU, of one core", "%", 2.0),
    ] {
        let figure = Figure::of(
            format!("{id}-{what}-{size}"),
            format!("{title}, {size} objects, {words}"),
            unit,
            &values[what],
        )
        .with_objects(size);
        let aimed = id == "idle" && size == restart::OBJECTS && target > 0.0;
        measured.figures.push(if aimed {
            figure.at_most(target)
        } else {
            figure
        });
    }
}

/// Seconds since the operator's start.
pub fn since_start(operator: &Operator, at: jiff::Timestamp) -> f64 {
    seconds(operator.started, at)
}
