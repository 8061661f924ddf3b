//! What a hop and an idle hour cost: calls to EKS and requests to the API server.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::figure::{Figure, Measured};
use crate::fleet;
use crate::operator::Operator;
use crate::stage::{DEADLINE, Stage, cluster, manifest};

const OBJECTS: usize = 40;
/// So many intervals are watched at rest.
const INTERVALS: u64 = 6;
const INTERVAL: Duration = Duration::from_secs(5);
const KUBE_CALLS: [&str; 5] = [
    "apply status",
    "overwrite status",
    "get",
    "list freezes",
    "publish event",
];

pub async fn measure(stage: &Stage, runs: usize) -> Measured {
    let mut of_hop: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut at_rest: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..runs {
        hop(stage, &mut of_hop).await;
        rest(stage, &mut at_rest).await;
    }
    let mut measured = Measured::default();
    for (what, values) in of_hop {
        measured
            .figures
            .push(Figure::of(format!("hop-{what}"), what, "per hop", &values));
    }
    for (what, values) in at_rest {
        let figure = Figure::of(
            format!("idle-{}", what.split(' ').next().unwrap_or(what)),
            format!("{what}, idle"),
            "per object and resync interval",
            &values,
        );
        measured.figures.push(if what.starts_with("EKS") {
            figure.at_most(1.0)
        } else {
            figure
        });
    }
    measured.notes.push(format!(
        "{OBJECTS} objects. A hop lasts 3 s and is looked at every second; at rest, {INTERVALS} intervals of {} s.",
        INTERVAL.as_secs()
    ));
    measured
}

fn names() -> Vec<String> {
    (0..OBJECTS).map(|n| format!("c-{n}")).collect()
}

/// What the operator asked of the API server, by operation, in all.
async fn kube_calls(operator: &mut Operator) -> BTreeMap<&'static str, f64> {
    let mut counts = BTreeMap::new();
    for operation in KUBE_CALLS {
        let label = format!("operation=\"{operation}\"");
        let count = operator
            .metric("eks_upgrade_kube_calls_total", &label)
            .await;
        counts.insert(operation, count);
    }
    counts
}

async fn hop(stage: &Stage, counts: &mut BTreeMap<String, Vec<f64>>) {
    let names = names();
    let clusters: Vec<_> = names.iter().map(|name| cluster(name)).collect();
    let eks = stage
        .simulator(&json!({"durations": {"update": "3s"}, "clusters": clusters}))
        .await;
    let namespace = stage.namespace("hop").await;
    let api = stage.objects(&namespace);
    let args = ["--poll-interval", "1s", "--resync-interval", "1h"];
    let many = ["--max-running-updates", "1000"];
    let mut operator = stage.operator(&namespace, &eks, &[args.as_slice(), &many].concat());
    operator.ready().await;
    let manifests = names.iter().map(|name| manifest(name, "1.33")).collect();
    tokio::join!(
        fleet::create(&api, manifests),
        fleet::until_ready(&api, "1.33", OBJECTS, DEADLINE)
    );
    let before = kube_calls(&mut operator).await;
    let after = eks.last_seq().await;
    tokio::join!(
        fleet::ask_for(&api, &names, "1.34"),
        fleet::until_ready(&api, "1.34", OBJECTS, DEADLINE)
    );
    let tally = eks.tally(after, "").await;
    let mut count = |what: String, number: f64| {
        counts
            .entry(what)
            .or_default()
            .push(number / OBJECTS as f64);
    };
    count("EKS: all".to_owned(), tally.calls as f64);
    for (operation, of) in tally.operations {
        count(format!("EKS: {operation:?}"), of.calls as f64);
    }
    for (operation, number) in kube_calls(&mut operator).await {
        let number = number - before[operation];
        if number > 0.0 {
            count(format!("API server: {operation}"), number);
        }
    }
    operator.end().await;
    eks.end().await;
    fleet::delete(&api).await;
}

async fn rest(stage: &Stage, counts: &mut BTreeMap<&'static str, Vec<f64>>) {
    let names = names();
    let clusters: Vec<_> = names.iter().map(|name| cluster(name)).collect();
    let eks = stage.simulator(&json!({"clusters": clusters})).await;
    let namespace = stage.namespace("idle").await;
    let api = stage.objects(&namespace);
    let interval = format!("{}s", INTERVAL.as_secs());
    let mut operator = stage.operator(&namespace, &eks, &["--resync-interval", &interval]);
    operator.ready().await;
    let manifests = names.iter().map(|name| manifest(name, "1.33")).collect();
    tokio::join!(
        fleet::create(&api, manifests),
        fleet::until_ready(&api, "1.33", OBJECTS, DEADLINE)
    );
    // What the first looks have begun is over after an interval.
    tokio::time::sleep(INTERVAL).await;
    let before = kube_calls(&mut operator).await;
    let after = eks.last_seq().await;
    let began = tokio::time::Instant::now();
    tokio::time::sleep(INTERVAL * u32::try_from(INTERVALS).unwrap()).await;
    let calls = eks.tally(after, "").await.calls as f64;
    let passed = began.elapsed().as_secs_f64() / INTERVAL.as_secs_f64() * OBJECTS as f64;
    let writes: f64 = kube_calls(&mut operator)
        .await
        .iter()
        .map(|(operation, number)| number - before[operation])
        .sum();
    counts.entry("EKS calls").or_default().push(calls / passed);
    counts
        .entry("API server requests")
        .or_default()
        .push(writes / passed);
    operator.end().await;
    eks.end().await;
    fleet::delete(&api).await;
}
