//! What holds for any facts whatsoever, sensible or not. `PROPTEST_CASES` raises the number of cases of each, and
//! `PROPTEST_RNG_SEED` has other ones made.

mod ahead;
mod answers;
mod cancellations;
mod carried_out;
mod census;
mod extremes;
mod forecast;
mod memory;
mod order;
mod precedence;
mod safety;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::arbitrary::owned;
use super::crowded::{calm, crowded, gated};
use super::descending::{self, descending, withdrawn};
use super::owned::Owned;

/// So many cases, or as many as `PROPTEST_CASES` asks for where that is more. They are the same in each run, so that what
/// fails has to do with what was changed; `PROPTEST_RNG_SEED` asks for others.
fn cases(least: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: asked.cases.max(least),
        failure_persistence: None,
        max_global_rejects: u32::MAX,
        max_local_rejects: u32::MAX,
        rng_seed: match asked.rng_seed {
            RngSeed::Random => RngSeed::Fixed(0),
            fixed @ RngSeed::Fixed(_) => fixed,
        },
        ..asked
    }
}

/// Facts of any kind, and such in which causes meet: on the way up, down, and while a way down is stopped.
fn facts() -> impl Strategy<Value = Owned> {
    prop_oneof![
        2 => owned(),
        4 => crowded(),
        4 => descending(),
        3 => descending::calm(),
        1 => gated(calm()),
        1 => gated(descending::calm()),
        1 => withdrawn(),
    ]
    .boxed()
}
