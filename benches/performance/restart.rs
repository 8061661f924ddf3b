//! How long an operator that starts takes until it has looked at every object once and decided.

use std::time::Duration;

use jiff::Timestamp;

use crate::figure::{Figure, Measured};
use crate::memory::since_start;
use crate::operator::Operator;
use crate::simulator::Simulator;
use crate::stage::LONG;

/// With so many objects the targets are for.
pub const OBJECTS: usize = 10_000;
/// Counts the decisions.
pub const LOOKS: &str = "eks_upgrade_reconcile_seconds_count";
/// Seldom enough that the question itself costs nothing.
const PAUSE: Duration = Duration::from_millis(200);

/// Seconds from the start of the process.
pub struct Start {
    ready: f64,
    first_call: f64,
    last_cluster: f64,
    decided: f64,
}

/// Waits until each of so many clusters has been described, and the object decided upon.
pub async fn watch(operator: &mut Operator, eks: &Simulator, after: u64, size: usize) -> Start {
    let ready = operator.ready().await;
    let end = tokio::time::Instant::now() + LONG;
    loop {
        let tally = eks.tally(after, "operation=DescribeCluster").await;
        let clusters = tally.operations.values().map(|of| of.clusters).sum();
        if size <= clusters {
            break;
        }
        assert!(
            tokio::time::Instant::now() < end,
            "only {clusters} of {size} objects were looked at: {}",
            operator.tail()
        );
        tokio::time::sleep(PAUSE).await;
    }
    operator.until_metric(LOOKS, size as f64, PAUSE / 2).await;
    let decided = since_start(operator, Timestamp::now());
    let tally = eks
        .tally(after, "operation=DescribeCluster&by=cluster")
        .await;
    let last = tally.clusters.values().filter_map(|of| of.first_at).max();
    Start {
        ready,
        first_call: since_start(operator, tally.first_at.unwrap()),
        last_cluster: since_start(operator, last.unwrap()),
        decided,
    }
}

pub fn figures(starts: &[Start], size: usize, measured: &mut Measured) {
    let add = |id: &str, what: &str, of: fn(&Start) -> f64| {
        let values: Vec<f64> = starts.iter().map(of).collect();
        let what = format!("start of the process {what}");
        Figure::of(id, what, "s", &values)
    };
    let figures = [
        add("ready", "to /readyz", |start| start.ready),
        add("first-call", "to the first question to EKS", |start| {
            start.first_call
        }),
        add(
            "last-cluster",
            "to the question about the last cluster",
            |start| start.last_cluster,
        ),
        add("decided", "until all are decided", |start| start.decided).at_most(30.0),
    ];
    measured.figures.extend(figures);
    measured.notes.push(format!(
        "{size} objects whose status is written, EKS answers in 5 ms and limits nothing."
    ));
}
