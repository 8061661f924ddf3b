//! What is assumed of EKS: that it honours a token until it lists what it accepted with it. Beyond that, nothing is promised,
//! and it is shown why.

use simulation::oracle::Invariant;
use simulation::run::{Options, run};

/// A course in which the assumption matters is a rare one.
const WITHIN: u64 = 5_000;

#[test]
fn where_eks_forgets_a_token_before_it_lists_the_update_a_second_one_can_start() {
    let options = Options {
        beyond_assumption: true,
        ..Options::default()
    };
    let second = (0..WITHIN).find_map(|seed| {
        let violation = run(seed, options, None).violation?;
        (violation.invariant == Invariant::OneUpdate).then_some((seed, violation.what))
    });
    let (seed, what) = second.expect("the assumption is needed");
    println!("beyond the assumption, after {} seeds: {what}", seed + 1);
}
