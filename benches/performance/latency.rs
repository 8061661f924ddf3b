//! How long from a watch event to UpdateClusterVersion arriving at EKS, and from EKS's end of an update to Ready being seen;
//! the operator and the floor in turn, so that both see the same machine.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::figure::{Figure, Measured, median};
use crate::fleet;
use crate::floor::{Floor, Seen, ask, asks, create, next, watch};
use crate::operator::seconds;
use crate::simulator::Simulator;
use crate::stage::{Stage, cluster};

/// How many objects of each are measured in a run, and how many warm up before the first.
const MEASURED: usize = 15;
const WARM_UP: usize = 3;
const POLL: Duration = Duration::from_millis(100);

/// Milliseconds, of one upgrade.
struct Latency {
    /// From the watch event to the call.
    call: f64,
    /// From the end of the update to Ready.
    end: f64,
    /// From the first question after the end to Ready: without what is waited between two looks.
    look: f64,
}

pub async fn measure(stage: &Stage, runs: usize) -> Measured {
    let mut measured = Measured::default();
    for (id, words, delay) in [
        ("at-once", "EKS answers at once", None),
        ("20ms", "EKS answers in 20 ms", Some("20ms")),
    ] {
        compare(stage, runs, id, words, delay, &mut measured).await;
    }
    measured
}

async fn compare(
    stage: &Stage,
    runs: usize,
    id: &str,
    words: &str,
    delay: Option<&str>,
    measured: &mut Measured,
) {
    let each = WARM_UP + MEASURED * runs;
    let clusters: Vec<_> = ["floor", "operator"]
        .iter()
        .flat_map(|who| (0..each).map(move |n| (format!("{who}-{n}"), n)))
        .map(|(name, n)| {
            let mut cluster = cluster(&name);
            // Not always the same, or the end would always be as far from the next look.
            let lasts = format!("{}ms", 300 + n * 37 % 100);
            cluster["durations"] = json!({"update": lasts});
            cluster
        })
        .collect();
    let eks = stage.simulator(&json!({"clusters": clusters})).await;
    if let Some(lasts) = delay {
        eks.delay(lasts).await;
    }
    let floor_api = stage.objects(&stage.namespace("floor").await);
    let namespace = stage.namespace("operator").await;
    let api = stage.objects(&namespace);
    let mut floor = Floor::new(floor_api.clone(), &eks).await;
    let args = ["--poll-interval", "100ms", "--resync-interval", "1h"];
    let mut operator = stage.operator(&namespace, &eks, &args);
    operator.ready().await;
    let mut events = watch(&api);
    let (mut of_floor, mut of_operator) = (Vec::new(), Vec::new());
    for n in 0..each {
        let name = format!("floor-{n}");
        of_floor.push((floor.upgrade(&name, POLL).await, name));
        let name = format!("operator-{n}");
        create(&api, &name).await;
        next(&mut events, &name, fleet::is_ready).await;
        ask(&api, &name).await;
        next(&mut events, &name, asks).await;
        let asked = Timestamp::now();
        next(&mut events, &name, fleet::is_ready).await;
        let ready = Timestamp::now();
        of_operator.push((Seen { asked, ready }, name));
    }
    operator.end().await;
    let floor = latencies(&eks, of_floor).await;
    let operator = latencies(&eks, of_operator).await;
    for (what, title, of) in [
        (
            "call",
            "watch event to UpdateClusterVersion",
            (|one| one.call) as fn(&Latency) -> f64,
        ),
        ("end", "EKS's end of an update to Ready", |one| one.end),
        ("look", "first question after the end to Ready", |one| {
            one.look
        }),
    ] {
        let floor: Vec<f64> = floor.iter().map(of).collect();
        let operator: Vec<f64> = operator.iter().map(of).collect();
        let ratios: Vec<f64> = floor
            .chunks(MEASURED)
            .zip(operator.chunks(MEASURED))
            .map(|(floor, operator)| median(operator) / median(floor))
            .collect();
        for (who, values) in [("floor", &floor), ("operator", &operator)] {
            measured.figures.push(Figure::of(
                format!("{what}-{id}-{who}"),
                format!("{title}, {words}: {who}"),
                "ms",
                values,
            ));
        }
        let ratio = Figure::of(
            format!("{what}-{id}-ratio"),
            format!("{title}, {words}: operator to floor"),
            "x",
            &ratios,
        );
        measured.figures.push(if what == "call" {
            ratio.at_most(1.5)
        } else {
            ratio
        });
    }
    eks.end().await;
    fleet::delete(&api).await;
    fleet::delete(&floor_api).await;
}

/// What was seen, beside what the simulator noted; without those that warm up.
async fn latencies(eks: &Simulator, seen: Vec<(Seen, String)>) -> Vec<Latency> {
    let truth = eks.truth().await;
    let mut latencies = Vec::new();
    for (Seen { asked, ready }, name) in seen.into_iter().skip(WARM_UP) {
        let calls = eks.calls(&format!("cluster={name}")).await;
        let cluster = truth.iter().find(|one| one.cluster == name).unwrap();
        let ended = cluster.updates[0].finished_at.unwrap();
        let sent = calls
            .iter()
            .find(|call| call.operation == "UpdateClusterVersion")
            .unwrap();
        let looked = calls.iter().find(|call| call.at >= ended).unwrap();
        latencies.push(Latency {
            call: seconds(asked, sent.at) * 1e3,
            end: seconds(ended, ready) * 1e3,
            look: seconds(looked.at, ready) * 1e3,
        });
    }
    latencies
}
