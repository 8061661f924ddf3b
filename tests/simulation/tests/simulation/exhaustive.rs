//! One hop, two replicas, one fault: every interleaving.

use std::time::Instant;

use simulation::defect::Defect;
use simulation::exhaustive::{Variant, enumerate};
use simulation::time::MINUTE;

/// Enumerates a variant, and says how much that was.
fn enumerated(fails: bool, list_lag: i64) {
    let variant = Variant { fails, list_lag };
    let began = Instant::now();
    match enumerate(variant, None) {
        Ok(counted) => {
            println!(
                "{variant:?}: {counted:?} in {} s",
                began.elapsed().as_secs()
            );
            assert!(counted.ends > 100, "next to nothing was enumerated");
        }
        Err((violation, story)) => panic!("{story}\n{variant:?}: {violation:?}"),
    }
}

#[test]
fn the_update_succeeds_and_is_listed_at_once() {
    enumerated(false, 0);
}

#[test]
fn the_update_fails_and_is_listed_at_once() {
    enumerated(true, 0);
}

#[test]
fn the_update_succeeds_and_is_listed_late() {
    enumerated(false, 14 * MINUTE);
}

#[test]
fn the_update_fails_and_is_listed_late() {
    enumerated(true, 14 * MINUTE);
}

/// Those that show early; the seeds find all.
#[test]
fn defects_are_found() {
    let variant = Variant {
        fails: true,
        list_lag: 14 * MINUTE,
    };
    for defect in [
        Defect::RandomToken,
        Defect::CallBeforeIntent,
        Defect::NoGuard,
        Defect::ForgetId,
        Defect::SkipMinor,
    ] {
        let (violation, _) = enumerate(variant, Some(defect)).expect_err("it is wrong");
        println!("{defect:?}: {:?}: {}", violation.invariant, violation.what);
    }
}
