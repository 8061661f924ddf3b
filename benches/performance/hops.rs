//! A thousand clusters over two hops: how long, how many calls, and whether each took just these two hops in their order.

use std::time::Duration;

use serde_json::json;

use crate::figure::{Figure, Measured};
use crate::fleet;
use crate::operator::seconds;
use crate::simulator::Simulator;
use crate::stage::{Stage, cluster, manifest};

const CLUSTERS: usize = 1_000;
const HOPS: [&str; 2] = ["1.34", "1.35"];
const DEADLINE: Duration = Duration::from_mins(15);

pub async fn measure(stage: &Stage, runs: usize) -> Measured {
    let (mut times, mut calls) = (Vec::new(), Vec::new());
    let mut measured = Measured::default();
    for _ in 0..runs {
        let names: Vec<String> = (0..CLUSTERS).map(|n| format!("c-{n:04}")).collect();
        let clusters: Vec<_> = names.iter().map(|name| cluster(name)).collect();
        let eks = stage
            .simulator(&json!({"durations": {"update": "2s"}, "clusters": clusters}))
            .await;
        let namespace = stage.namespace("hops").await;
        let api = stage.objects(&namespace);
        let last = HOPS[HOPS.len() - 1];
        let manifests = names.iter().map(|name| manifest(name, last)).collect();
        fleet::create(&api, manifests).await;
        let args = ["--poll-interval", "1s", "--resync-interval", "1h"];
        let many = ["--max-running-updates", "1000"];
        let operator = stage.operator(&namespace, &eks, &[args.as_slice(), &many].concat());
        let ready = fleet::until_ready(&api, last, CLUSTERS, DEADLINE).await;
        let mut ends: Vec<f64> = ready
            .values()
            .map(|at| seconds(operator.started, *at))
            .collect();
        ends.sort_by(f64::total_cmp);
        times.push(ends[CLUSTERS - 1]);
        calls.push(eks.tally(0, "").await.calls as f64 / CLUSTERS as f64);
        check(&eks, &names).await;
        operator.end().await;
        eks.end().await;
        fleet::delete(&api).await;
    }
    measured.figures.push(Figure::of(
        "time",
        format!("{CLUSTERS} clusters over two hops of 2 s"),
        "s",
        &times,
    ));
    measured.figures.push(Figure::of(
        "calls",
        "EKS calls per cluster, for two hops",
        "calls",
        &calls,
    ));
    measured.notes.push(format!(
        "In each run every one of the {CLUSTERS} clusters had exactly two accepted UpdateClusterVersion, to {} and then to {}, \
         the second after the end of the first, and nothing else was accepted.",
        HOPS[0], HOPS[1]
    ));
    measured
}

/// Ends the benchmark where a cluster was not brought up by exactly these hops.
async fn check(eks: &Simulator, names: &[String]) {
    let accepted: Vec<_> = eks.calls("").await;
    let accepted: Vec<_> = accepted.iter().filter(|call| call.accepted).collect();
    let expected = names.len() * HOPS.len();
    assert!(
        accepted.len() == expected
            && accepted
                .iter()
                .all(|call| call.operation == "UpdateClusterVersion"),
        "violated invariant: {} updates were accepted, not {expected}",
        accepted.len()
    );
    let mut sent = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    for call in accepted {
        let version = call.version.as_deref().unwrap_or("none");
        sent.entry(&call.cluster).or_default().push(version);
    }
    for name in names {
        let sent = sent.get(name.as_str());
        assert!(
            sent.is_some_and(|sent| sent[..] == HOPS),
            "violated invariant: {name} was sent {sent:?}, not {HOPS:?}"
        );
    }
    for cluster in eks.truth().await {
        let [first, second] = &cluster.updates[..] else {
            panic!(
                "violated invariant: {} has {} updates",
                cluster.cluster,
                cluster.updates.len()
            );
        };
        let in_order = first
            .finished_at
            .is_some_and(|end| end <= second.created_at);
        let succeeded = first.status == "Successful" && second.status == "Successful";
        assert!(
            in_order && succeeded && cluster.version == HOPS[1],
            "violated invariant: {} is on {} after {} and {}",
            cluster.cluster,
            cluster.version,
            first.status,
            second.status
        );
    }
}
