//! Runs seeds.
#![allow(clippy::expect_used, reason = "a tool")]

use simulation::run::{Options, run};
use std::collections::BTreeMap;

fn main() {
    let mut args = std::env::args().skip(1);
    let from: u64 = args.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let count: u64 = args.next().and_then(|n| n.parse().ok()).unwrap_or(100);
    let began = std::time::Instant::now();
    let mut steps = 0;
    let mut found: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
    for seed in from..from + count {
        let report = run(seed, Options::default(), None);
        steps += report.steps;
        if let Some(v) = report.violation {
            if count == 1 {
                let report = run(
                    seed,
                    Options {
                        timeline: true,
                        ..Options::default()
                    },
                    None,
                );
                println!("{}", report.story());
            }
            found
                .entry(format!("{:?}", v.invariant))
                .or_default()
                .push((seed, v.what));
        }
    }
    for (invariant, all) in found {
        println!("{invariant}: {}", all.len());
        for (seed, what) in all.iter().take(6) {
            println!(
                "   {seed}: {}",
                what.chars()
                    .take(300)
                    .collect::<String>()
                    .replace('\n', " ")
            );
        }
    }
    println!("{count} seeds, {steps} steps, {:?}", began.elapsed());
}
