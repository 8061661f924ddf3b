//! One hop, two replicas, one fault: every interleaving.

use simulation::exhaustive::{VARIANTS, enumerate};

#[test]
fn every_interleaving_of_one_hop_with_one_fault_starts_one_update() {
    for variant in VARIANTS {
        let began = std::time::Instant::now();
        match enumerate(variant) {
            Ok(counted) => println!("{variant:?}: {counted:?} in {:?}", began.elapsed()),
            Err((violation, story)) => panic!("{story}\n{variant:?}: {violation:?}"),
        }
    }
}
