//! How often a running update is looked at, and how late its end is seen. Updates of minutes are shrunk to 20 s, with the
//! poll interval shrunk as much.

use std::time::Duration;

use serde_json::json;

use crate::figure::{Figure, Measured};
use crate::fleet;
use crate::operator::seconds;
use crate::stage::{DEADLINE, Stage, cluster, manifest};

const OBJECTS: usize = 50;
/// Milliseconds that an update lasts, and how far that varies in each direction.
const LASTS: usize = 20_000;
const SPREAD: usize = 4_000;
const POLL: Duration = Duration::from_millis(500);
const HOPS: [&str; 3] = ["1.34", "1.35", "1.36"];

pub async fn measure(stage: &Stage) -> Measured {
    let names: Vec<String> = (0..OBJECTS).map(|n| format!("c-{n}")).collect();
    let clusters: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            let lasts = LASTS - SPREAD + n * 2 * SPREAD / OBJECTS + n * 137 % 160;
            let mut cluster = cluster(name);
            cluster["durations"] = json!({"update": format!("{lasts}ms")});
            cluster
        })
        .collect();
    let eks = stage.simulator(&json!({"clusters": clusters})).await;
    let namespace = stage.namespace("polling").await;
    let api = stage.objects(&namespace);
    let poll = format!("{}ms", POLL.as_millis());
    let args = ["--poll-interval", &poll, "--resync-interval", "1h"];
    let many = ["--max-running-updates", "1000"];
    let mut operator = stage.operator(&namespace, &eks, &[args.as_slice(), &many].concat());
    operator.ready().await;
    let manifests = names.iter().map(|name| manifest(name, "1.33")).collect();
    tokio::join!(
        fleet::create(&api, manifests),
        fleet::until_ready(&api, "1.33", OBJECTS, DEADLINE)
    );
    let mut measured = Measured::default();
    for (index, version) in HOPS.iter().enumerate() {
        let after = eks.last_seq().await;
        let ((), ready) = tokio::join!(
            fleet::ask_for(&api, &names, version),
            fleet::until_ready(&api, version, OBJECTS, DEADLINE)
        );
        let truth = eks.truth().await;
        let mut late = Vec::new();
        let mut polls = Vec::new();
        for cluster in &truth {
            let update = cluster.updates.iter().find(|update| update.to == *version);
            let ended = update.unwrap().finished_at.unwrap();
            late.push(seconds(ended, ready[&cluster.cluster]));
            let query = format!(
                "operation=DescribeUpdate&cluster={}&after={after}",
                cluster.cluster
            );
            polls.push(eks.calls(&query).await.len() as f64);
        }
        let hop = index + 1;
        measured.figures.push(Figure::of(
            format!("polls-{hop}"),
            format!("DescribeUpdate per update of 20 s, hop {hop}"),
            "calls",
            &polls,
        ));
        measured.figures.push(Figure::of(
            format!("late-{hop}"),
            format!("EKS's end of an update of 20 s to Ready, hop {hop}"),
            "s",
            &late,
        ));
    }
    measured.notes.push(format!(
        "{OBJECTS} clusters whose updates last {} to {} s, --poll-interval {poll}: what 8 to 12 minutes and 15 s are, \
         30 times as fast. At the fixed interval an update of 20 s would take 40 calls and be seen 0.25 s late.",
        (LASTS - SPREAD) / 1000,
        (LASTS + SPREAD) / 1000
    ));
    operator.end().await;
    eks.end().await;
    fleet::delete(&api).await;
    measured
}
