//! Rollbacks: conditions, the node phase of Auto Mode, cancelling.

use super::*;
use crate::simulator::api::CancellationStatus;

/// On 1.34 since a moment ago, from 1.33.
fn upgraded(lines: &str) -> Eks {
    let mut eks = Eks::prod(lines);
    eks.start("1.34").unwrap();
    eks.pass("10m");
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
    eks
}

#[test]
fn the_same_call_with_the_version_before_is_a_rollback() {
    let mut eks = upgraded("");
    let started = eks.start("1.33").unwrap();
    assert_eq!(started.kind, "VersionRollback");
    assert_eq!(eks.shown(), ("1.34".into(), "UPDATING".into()));
    eks.pass("10m");
    assert_eq!(eks.status(&started.id), UpdateStatus::Successful);
    assert_eq!(eks.shown(), ("1.33".into(), "ACTIVE".into()));
    assert_eq!(eks.cluster().unwrap().platform_version, "eks.27");
}

#[test]
fn somebody_elses_rollback_takes_as_long_as_one() {
    let mut eks = Eks::prod(
        "createdVersion: \"1.32\", durations: {update: 1m, rollback: 5m}, \
         events: [{at: 1s, update: {type: VersionRollback}}]",
    );
    eks.pass("4m");
    assert_eq!(eks.shown(), ("1.33".into(), "UPDATING".into()));
    eks.pass("2m");
    assert_eq!(eks.shown(), ("1.32".into(), "ACTIVE".into()));
}

#[test]
fn the_window_closes_seven_days_after_the_upgrade() {
    let mut eks = upgraded("");
    eks.pass("7d");
    assert!(eks.clone().start("1.33").is_ok());
    eks.pass("1s");
    assert_eq!(code(eks.start("1.33")), "InvalidRequestException");
    assert_eq!(code(eks.send(&forced("1.33"))), "InvalidRequestException");
}

#[test]
fn a_cluster_cannot_go_below_the_version_it_was_created_at() {
    let mut eks = Eks::prod("");
    let (code, _, message) = refusal(eks.start("1.32"));
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("created at version 1.33"), "{message}");
}

#[test]
fn only_one_minor_back_and_only_once() {
    let mut eks = upgraded("");
    eks.start("1.35").unwrap();
    eks.pass("10m");
    assert_eq!(code(eks.start("1.33")), "InvalidParameterException");
    eks.start("1.34").unwrap();
    eks.pass("10m");
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
    assert_eq!(code(eks.start("1.33")), "InvalidRequestException");
}

#[test]
fn the_past_of_a_scenario_counts() {
    let on_1_33 = |history: &str| Eks::prod(&format!("history: [{history}]"));
    let mut fresh = on_1_33("{version: \"1.33\", age: 48h}");
    assert!(fresh.start("1.32").is_ok());
    let mut old = on_1_33("{version: \"1.33\", age: 9d}");
    assert_eq!(code(old.start("1.32")), "InvalidRequestException");
    let mut failed = on_1_33("{version: \"1.33\", age: 48h, status: Failed}");
    assert_eq!(code(failed.start("1.32")), "InvalidRequestException");
}

#[test]
fn a_version_in_extended_support_needs_the_extended_policy() {
    // 1.33 is in extended support from 2026-07-29, and the tests start on 2026-10-01.
    let mut eks = upgraded("upgradePolicy: STANDARD");
    assert_eq!(code(eks.start("1.33")), "InvalidRequestException");
    let mut eks = upgraded("upgradePolicy: EXTENDED");
    assert!(eks.start("1.33").is_ok());
}

#[test]
fn an_automatic_upgrade_at_the_end_of_extended_support_stays() {
    let mut eks = Eks::with(
        "{versions: [{version: \"1.32\", releaseDate: 2024-01-01, endOfExtendedSupport: 2026-09-30, \
         endOfStandardSupport: 2026-09-01}], \
         clusters: [{name: prod, version: \"1.32\", events: [{autoUpgrade: true}]}]}",
    );
    eks.pass("10m");
    assert_eq!(eks.shown(), ("1.33".into(), "ACTIVE".into()));
    let (code, _, message) = refusal(eks.start("1.32"));
    assert_eq!(code, "InvalidParameterException");
    assert_eq!(message, "unsupported Kubernetes version");
}

#[test]
fn insights_block_a_rollback_unless_forced() {
    for status in ["ERROR", "UNKNOWN"] {
        let insights = format!("insights: {{rollback: {status}}}");
        let mut eks = upgraded(&insights);
        let (code, status, _) = refusal(eks.start("1.33"));
        assert_eq!((code.as_str(), status), ("InvalidStateException", 400));
        assert!(eks.send(&forced("1.33")).is_ok());
    }
    assert!(
        upgraded("insights: {rollback: WARNING}")
            .start("1.33")
            .is_ok()
    );
}

#[test]
fn the_timeout_has_bounds_and_belongs_to_rollbacks() {
    for minutes in [119, 10_081, -1] {
        let mut eks = upgraded("");
        let refused = eks.send(&within("1.33", minutes));
        assert_eq!(code(refused), "InvalidParameterException");
    }
    assert!(upgraded("").send(&within("1.33", 120)).is_ok());
    assert_eq!(
        code(Eks::prod("").send(&within("1.34", 120))),
        "InvalidParameterException"
    );
}

const AUTO_MODE: &str = "autoMode: true, durations: {nodePhase: 3h, cancellation: 1m}";

#[test]
fn auto_mode_rolls_nodes_back_first_while_the_cluster_stays_active() {
    let mut eks = upgraded(AUTO_MODE);
    let id = eks.start("1.33").unwrap().id;
    eks.pass("2h 59m");
    assert_eq!(eks.status(&id), UpdateStatus::InProgress);
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
    assert_eq!(code(eks.start("1.35")), "ResourceInUseException");
    eks.pass("1m");
    assert_eq!(eks.shown(), ("1.34".into(), "UPDATING".into()));
    eks.pass("10m");
    assert_eq!(eks.status(&id), UpdateStatus::Successful);
    assert_eq!(eks.shown(), ("1.33".into(), "ACTIVE".into()));
}

#[test]
fn auto_mode_upgrades_have_no_node_phase() {
    let mut eks = Eks::prod(AUTO_MODE);
    eks.start("1.34").unwrap();
    assert_eq!(eks.shown().1, "UPDATING");
}

#[test]
fn nodes_that_take_longer_than_the_timeout_fail_the_rollback() {
    let mut eks = upgraded(AUTO_MODE);
    let id = eks.send(&within("1.33", 120)).unwrap().id;
    eks.pass("2h");
    let failed = eks.update(&id).unwrap();
    assert_eq!(failed.status, UpdateStatus::Failed);
    assert_eq!(failed.errors.len(), 1);
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
}

#[test]
fn a_rollback_can_be_cancelled_in_its_node_phase() {
    let mut eks = upgraded(AUTO_MODE);
    let id = eks.start("1.33").unwrap().id;
    eks.pass("1h");
    let cancelling = eks.cancel(&id, Some("c1")).unwrap();
    assert_eq!(cancelling.status, UpdateStatus::InProgress);
    let cancellation = cancelling.cancellation.unwrap();
    assert_eq!(cancellation.status, CancellationStatus::InProgress);
    assert!(eks.cancel(&id, Some("c1")).is_ok());
    assert_eq!(code(eks.cancel(&id, Some("c2"))), "ResourceInUseException");
    eks.pass("1m");
    let cancelled = eks.update(&id).unwrap();
    assert_eq!(cancelled.status, UpdateStatus::Cancelled);
    let cancellation = cancelled.cancellation.unwrap();
    assert_eq!(cancellation.status, CancellationStatus::Successful);
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
}

#[test]
fn a_status_that_the_api_does_not_name_is_shown_only_where_the_scenario_says_so() {
    let mut eks = upgraded(&format!("cancellingStatus: true, {AUTO_MODE}"));
    let id = eks.start("1.33").unwrap().id;
    assert_eq!(eks.status(&id), UpdateStatus::InProgress);
    let cancelling = eks.cancel(&id, Some("c1")).unwrap();
    assert_eq!(cancelling.status, UpdateStatus::Cancelling);
    assert_eq!(code(eks.cancel(&id, Some("c2"))), "ResourceInUseException");
    assert_eq!(code(eks.start("1.35")), "ResourceInUseException");
    eks.pass("1m");
    assert_eq!(eks.status(&id), UpdateStatus::Cancelled);
}

#[test]
fn it_is_too_late_to_cancel_once_the_control_plane_is_under_way() {
    let mut eks = upgraded(AUTO_MODE);
    let id = eks.start("1.33").unwrap().id;
    eks.pass("3h");
    assert_eq!(code(eks.cancel(&id, None)), "InvalidStateException");
    eks.pass("10m");
    assert_eq!(code(eks.cancel(&id, None)), "InvalidRequestException");
    assert_eq!(eks.status(&id), UpdateStatus::Successful);
}

#[test]
fn upgrades_and_unknown_updates_cannot_be_cancelled() {
    let mut eks = Eks::prod(AUTO_MODE);
    let id = eks.start("1.34").unwrap().id;
    assert_eq!(code(eks.cancel(&id, None)), "InvalidRequestException");
    assert_eq!(code(eks.cancel("x", None)), "ResourceNotFoundException");
}
