//! What was asked, in part and in numbers.

use super::*;
use crate::simulator::api::Operation;
use crate::simulator::model::{ClusterTally, OperationTally, Tally};

/// How many calls are remembered.
const KEPT: u64 = 100_000;

fn seqs(eks: &Eks, after: u64) -> Vec<u64> {
    eks.model.calls_after(after).map(|call| call.seq).collect()
}

#[test]
fn calls_after_one_are_those_that_came_later_also_when_older_ones_are_forgotten() {
    let mut eks = Eks::prod("");
    assert_eq!(seqs(&eks, 0), [0; 0]);
    for _ in 0..3 {
        eks.cluster().unwrap();
    }
    assert_eq!(seqs(&eks, 0), [1, 2, 3]);
    assert_eq!(seqs(&eks, 2), [3]);
    assert_eq!(seqs(&eks, 3), [0; 0]);
    assert_eq!(seqs(&eks, u64::MAX), [0; 0]);
    for _ in 0..KEPT {
        eks.cluster().unwrap();
    }
    assert_eq!(seqs(&eks, KEPT), [KEPT + 1, KEPT + 2, KEPT + 3]);
    let tally = Tally::of(eks.model.calls_after(1), false);
    assert_eq!(
        (tally.first_seq, tally.last_seq),
        (4, KEPT + 3),
        "2 and 3 are forgotten"
    );
}

#[test]
fn work_that_is_done_late_is_noted_at_its_own_call() {
    let mut eks = Eks::prod("faults: [{kind: hang, lasts: 30s, work: atEnd, times: 1}]");
    let held_up = Request::UpdateClusterVersion(to("1.34"));
    assert!(matches!(eks.reply(&held_up), Reply::Nothing { .. }));
    for _ in 0..5 {
        eks.cluster().unwrap();
    }
    eks.pass("1m");
    eks.cluster().unwrap();
    let accepted: Vec<u64> = eks
        .model
        .calls()
        .filter(|call| call.accepted)
        .map(|call| call.seq)
        .collect();
    assert_eq!(accepted, [1]);
}

#[test]
fn a_tally_counts_by_operation_and_by_cluster() {
    let mut eks = Eks::with(
        "{clusters: [{name: prod, version: '1.33'}, {name: b, version: '1.33'}],
          faults: [{kind: throttling, operations: [UpdateClusterVersion], times: 1}]}",
    );
    let start = eks.now;
    eks.cluster().unwrap();
    eks.cluster().unwrap();
    eks.pass("1m");
    assert_eq!(code(eks.start("1.34")), "ThrottlingException");
    eks.start("1.34").unwrap();
    let b = Request::DescribeCluster { name: "b".into() };
    eks.call(&b).unwrap();
    let tally = Tally::of(eks.model.calls(), true);
    assert_eq!((tally.calls, tally.first_seq, tally.last_seq), (5, 1, 5));
    assert_eq!(
        (tally.first_at, tally.last_at),
        (Some(start), Some(eks.now))
    );
    let accounts = |calls| [("111122223333".to_owned(), calls)].into();
    let updates = OperationTally {
        calls: 2,
        accepted: 1,
        clusters: 1,
        errors: [("ThrottlingException".to_owned(), 1)].into(),
        accounts: accounts(2),
    };
    let looks = OperationTally {
        calls: 3,
        clusters: 2,
        accounts: accounts(3),
        ..OperationTally::default()
    };
    assert_eq!(
        tally.operations,
        [
            (Operation::DescribeCluster, looks),
            (Operation::UpdateClusterVersion, updates)
        ]
        .into()
    );
    let prod = ClusterTally {
        calls: 4,
        errors: 1,
        first_at: Some(start),
        last_at: Some(eks.now),
    };
    assert_eq!(tally.clusters["111122223333/prod"], prod);
    assert_eq!(tally.clusters["111122223333/b"].calls, 1);
    assert!(Tally::of(eks.model.calls(), false).clusters.is_empty());
}
