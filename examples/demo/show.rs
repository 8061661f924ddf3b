//! What a person sees, from the first object to the last sentence.

use std::time::{Duration, Instant};

use console::{pad_str, style};
use eks_upgrade_operator::api::{ClusterUpgrade, Reason};
use futures::StreamExt as _;
use indicatif::ProgressBar;
use kube::ResourceExt as _;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};
use tokio::time::interval;

use crate::Failure;
use crate::bar;
use crate::cluster::{Cluster, seconds};
use crate::expected::EXPECTED;
use crate::screen::{FRAME, Screen};
use crate::stage::Stage;

/// The scenario takes a tenth of it.
const DEADLINE: Duration = Duration::from_mins(3);

/// Follows all objects by watching the API server until nothing more happens to any of them by itself.
pub async fn watch(screen: &Screen, stage: &mut Stage) -> Result<Vec<Cluster>, Failure> {
    let mut clusters: Vec<_> = EXPECTED.into_iter().map(Cluster::new).collect();
    let name = name_width();
    let began = Instant::now();
    let mut trouble = None;
    let mut events = watcher::watcher(stage.objects().await?, watcher::Config::default())
        .default_backoff()
        .boxed();
    let mut frames = interval(FRAME);
    let mut frame = 0;

    screen.say("")?;
    // The first one is empty, for the eye.
    let lines = screen.moving_lines(clusters.len() + 1);
    if let Some(empty) = lines.first() {
        empty.set_message(" ");
    }
    while !clusters.iter().all(Cluster::is_over) {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(Event::Apply(object) | Event::InitApply(object))) => {
                    take(screen, &mut clusters, object, began)?;
                }
                Some(Ok(Event::Delete(_) | Event::Init | Event::InitDone)) => {}
                Some(Err(error)) => trouble = Some(error.to_string()),
                None => return Err("the watch ended".into()),
            },
            _ = frames.tick() => {
                frame += 1;
                draw(screen, &lines, &clusters, name, frame);
                stage.check()?;
                if began.elapsed() > DEADLINE {
                    return Err(missing(&clusters, trouble.as_deref()));
                }
            }
        }
    }
    draw(screen, &lines, &clusters, name, frame);
    // What moved stays as it was last.
    screen.clear();
    if screen.is_live() {
        screen.say("")?;
    }
    for cluster in clusters.iter().filter(|_| screen.is_live()) {
        screen.say(&bar::line(cluster, name, screen.width(), frame))?;
    }
    Ok(clusters)
}

fn name_width() -> usize {
    EXPECTED.iter().map(|e| e.name.len()).max().unwrap_or(0)
}

fn take(
    screen: &Screen,
    clusters: &mut [Cluster],
    object: ClusterUpgrade,
    began: Instant,
) -> Result<(), Failure> {
    let name = object.name_any();
    let Some(cluster) = clusters.iter_mut().find(|c| c.expected.name == name) else {
        return Ok(());
    };
    let shown = pad_str(
        cluster.expected.name,
        name_width(),
        console::Alignment::Left,
        None,
    );
    for news in cluster.see(object) {
        let at = style(format!("{:>5.1} s", began.elapsed().as_secs_f64())).dim();
        screen.news(&format!("  {at}  {shown}  {news}"))?;
    }
    Ok(())
}

fn draw(screen: &Screen, lines: &[ProgressBar], clusters: &[Cluster], name: usize, frame: usize) {
    for (line, cluster) in lines.iter().skip(1).zip(clusters) {
        line.set_message(bar::line(cluster, name, screen.width(), frame));
    }
}

fn missing(clusters: &[Cluster], trouble: Option<&str>) -> Failure {
    let said: Vec<_> = clusters
        .iter()
        .filter(|cluster| !cluster.is_over())
        .map(|cluster| {
            format!(
                "  {} has to become {}, but says: {}",
                cluster.expected.name,
                cluster.expected.end,
                cluster.message()
            )
        })
        .collect();
    let trouble = trouble.map_or_else(String::new, |trouble| {
        format!("\n  The watch had trouble: {trouble}")
    });
    format!(
        "not everything has ended within {} s:\n{}{trouble}",
        DEADLINE.as_secs(),
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
        let hops: Vec<_> = cluster
            .hops
            .iter()
            .map(|(to, took)| format!("{to} in {}", seconds(*took)))
            .collect();
        let done = if hops.is_empty() {
            String::new()
        } else {
            let is_down = cluster.start > cluster.target;
            let did = if is_down { "Rolled back" } else { "Upgraded" };
            format!(" {did} to {}.", hops.join(", then to "))
        };
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
