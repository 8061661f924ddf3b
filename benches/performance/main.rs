//! What the operator costs and how fast it is, on a real API server and a simulated EKS: `make bench`.
//!
//! `ONLY=storm,memory` measures these parts alone, `RUNS=5` takes more runs of each. The figures go to standard output and
//! docs/performance.json, from which the tables of docs/performance.md and its pictures are made; what is not measured stays
//! as it was. No time is asserted, but what must hold for every fleet is: one that was upgraded wrongly ends the benchmark.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark ends where something is wrong"
)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and times are small here"
)]

mod calls;
mod figure;
mod fleet;
mod floor;
mod hops;
mod http;
mod latency;
mod machine;
mod memory;
mod operator;
mod plot;
mod polling;
mod report;
mod restart;
mod simulator;
mod stage;
mod storm;

use std::time::Instant;

use report::Report;
use stage::Stage;

/// All parts, as they are measured.
pub const PARTS: [&str; 8] = [
    "latency", "calls", "polling", "memory", "restart", "cost", "hops", "storm",
];

/// Parts that are measured on the same fleets.
const OF_FLEETS: [&str; 3] = ["memory", "restart", "cost"];

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let only = std::env::var("ONLY").unwrap_or_default();
    let only: Vec<&str> = only.split([',', ' ']).filter(|s| !s.is_empty()).collect();
    if let Some(unknown) = only.iter().find(|part| !PARTS.contains(part)) {
        panic!("ONLY={unknown}: there are {}", PARTS.join(", "));
    }
    let runs = match std::env::var("RUNS") {
        Ok(text) if !text.is_empty() => text.parse().unwrap(),
        _ => 3,
    };
    assert!(runs > 0, "RUNS=0 measures nothing");
    let wanted = |part: &str| only.is_empty() || only.contains(&part);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure(runs, wanted));
}

async fn measure(runs: usize, wanted: impl Fn(&str) -> bool) {
    let stage = Stage::start().await;
    let mut report = Report::load();
    println!("on {}, {runs} runs", report.machine.line());
    for part in PARTS {
        // The fleets are measured once, for all of these.
        if !wanted(part) || OF_FLEETS.contains(&part) {
            continue;
        }
        let began = begin(part);
        let measured = match part {
            "latency" => latency::measure(&stage, runs).await,
            "calls" => calls::measure(&stage, runs).await,
            "polling" => polling::measure(&stage).await,
            "hops" => hops::measure(&stage, runs).await,
            _ => storm::measure(&stage, runs).await,
        };
        report.add(part, runs, began.elapsed(), measured);
    }
    if OF_FLEETS.iter().any(|part| wanted(part)) {
        let began = begin("memory, restart, cost");
        let of = memory::Wanted {
            memory: wanted("memory"),
            restart: wanted("restart"),
            cost: wanted("cost"),
        };
        let memory::Parts {
            memory,
            restart,
            cost,
        } = memory::measure(&stage, runs, of, &sizes()).await;
        let lasted = began.elapsed();
        for (part, measured) in [("memory", memory), ("restart", restart), ("cost", cost)] {
            if wanted(part) {
                report.add(part, runs, lasted, measured);
            }
        }
    }
    stage.end().await;
}

/// How many objects there are in the fleets; `SIZES=1,100` is for trying the program.
fn sizes() -> Vec<usize> {
    match std::env::var("SIZES") {
        Ok(text) if !text.is_empty() => text.split(',').map(|size| size.parse().unwrap()).collect(),
        _ => memory::SIZES.to_vec(),
    }
}

fn begin(part: &str) -> Instant {
    println!("\n{part} ...");
    Instant::now()
}
