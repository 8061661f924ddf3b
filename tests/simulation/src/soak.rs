//! Many seeds, on all cores.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::oracle::Violation;
use crate::run::{Options, run};
use crate::states::States;

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Came {
    /// The seeds that were run: all from the first on, without a gap.
    pub seeds: u64,
    pub steps: u64,
    pub states: States,
    /// By seed, lowest first; none is looked for once one is found.
    pub violations: Vec<(u64, Violation)>,
}

impl Came {
    /// In a line.
    pub fn told(&self) -> String {
        format!(
            "{} schedules, {} steps, {} distinct states, {} violations",
            self.seeds,
            self.steps,
            self.states.seen().len(),
            self.violations.len()
        )
    }
}

/// Runs seeds until all are run, one shows a violation, or `go_on` says no.
pub fn explore(seeds: Range<u64>, options: Options, go_on: impl Fn() -> bool + Sync) -> Came {
    let next = AtomicU64::new(seeds.start);
    let is_over = AtomicBool::new(false);
    let came = Mutex::new(Came::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Came::default();
                while !is_over.load(Ordering::Relaxed) && go_on() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let report = run(seed, options, Some(&mut mine.states));
                    mine.seeds += 1;
                    mine.steps += report.steps;
                    if let Some(violation) = report.violation {
                        mine.violations.push((seed, violation));
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
                let mut came = came.lock().expect("no thread fails");
                came.seeds += mine.seeds;
                came.steps += mine.steps;
                came.states.merge(mine.states);
                came.violations.extend(mine.violations);
            });
        }
    });
    let mut came = came.into_inner().expect("no thread fails");
    came.violations.sort_by_key(|(seed, _)| *seed);
    came
}

/// A seed's story, with everything that happens in it.
pub fn replay(seed: u64, options: Options) -> String {
    let options = Options {
        timeline: true,
        ..options
    };
    run(seed, options, None).story()
}
