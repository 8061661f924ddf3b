//! Waivers: one finding, accepted for one version and for a time.

use eks_upgrade_operator::api::{CheckResult, Reason};

use super::checks::check;
use super::evidence::{addon, group};
use super::preflight::{blocked, denied};
use super::rollbacks::assert_says;
use super::timing::waiver;
use super::world::{World, minutes, seconds};

const NAME: &str = "Deprecated APIs removed in Kubernetes v1.33";

/// Held up before 1.33 by an insight, and the manifest has this waiver.
fn waived(check: &str, finding: &str, version: &str, for_minutes: i64) -> World {
    let mut world = blocked();
    world.run(minutes(20));
    assert_eq!(world.reason(), "PreflightFailed");
    let expires = world.now + minutes(for_minutes);
    world.gate(|gates| {
        gates
            .preflight
            .accepted
            .push(waiver(check, finding, version, expires))
    });
    world.settle();
    world
}

#[test]
fn one_for_the_version_lets_it_go_on_by_id_or_name() {
    for finding in ["i-7", NAME] {
        let mut world = waived("UpgradeInsights", finding, "1.33", 60);
        assert_eq!(world.sent.len(), 2, "{}", world.message());
        // EKS is not asked to override its own insights: it may refuse still, and that is its decision.
        assert!(!world.sent[1].force);
        let found = check(&world, "UpgradeInsights");
        assert_eq!(found.result, CheckResult::Waived);
        assert!(
            found.message.contains("The batch job is gone by then"),
            "{}",
            found.message
        );
        assert!(found.findings[0].message.contains("Waived until"));
        world.run(minutes(30));
        assert_eq!(world.reason(), "UpToDate");
    }
}

#[test]
fn one_for_another_version_check_or_finding_does_not() {
    for (check, finding, version) in [
        ("UpgradeInsights", NAME, "1.32"),
        ("UpgradeInsights", NAME, "1.34"),
        ("NodeSkew", NAME, "1.33"),
        ("UpgradeInsights", "i-8", "1.33"),
        ("UpgradeInsights", "", "1.33"),
    ] {
        let mut world = waived(check, finding, version, 60);
        assert_eq!(world.reason(), "PreflightFailed");
        world.stays(Reason::PreflightFailed, minutes(30));
        assert_eq!(world.sent.len(), 1);
    }
}

#[test]
fn one_that_has_expired_does_not_and_says_so() {
    let mut world = waived("UpgradeInsights", "i-7", "1.33", 0);
    assert_eq!(world.sent.len(), 1);
    world.stays(Reason::PreflightFailed, minutes(60));
    assert_says(&world, &["The waiver for it expired at"]);
    // The last of several counts.
    let expires = world.now + minutes(1);
    world.gate(|gates| {
        gates
            .preflight
            .accepted
            .insert(0, waiver("UpgradeInsights", "i-7", "1.33", expires))
    });
    world.settle();
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn force_for_the_hop_counts_beside_a_waiver_that_has_expired() {
    let mut world = waived("UpgradeInsights", "i-7", "1.33", 0);
    world.edit(|wish| wish.forced = Some("1.33".parse().unwrap()));
    world.settle();
    assert_eq!(world.sent.len(), 2, "{}", world.message());
}

#[test]
fn what_could_not_run_can_be_accepted_by_the_permission_it_lacks() {
    let mut world = World::new("1.33", "1.34");
    world
        .eks
        .broken
        .insert("check addons", denied("eks:ListAddons"));
    world.settle();
    assert_eq!(world.reason(), "PreflightUnknown");
    let expires = world.now + minutes(60);
    world.gate(|gates| {
        let waiver = waiver("AddonCompatibility", "eks:ListAddons", "1.34", expires);
        gates.preflight.accepted.push(waiver);
    });
    world.settle();
    assert_eq!(world.sent.len(), 1, "{}", world.message());
}

#[test]
fn each_finding_needs_its_own() {
    let mut world = World::new("1.33", "1.34");
    world.eks.nodegroups = vec![group("one", "1.30"), group("two", "1.30")];
    world.eks.addons = vec![addon("coredns", "v1", &["v2"])];
    let expires = world.now + minutes(60);
    for (check, finding) in [
        ("NodeSkew", "one"),
        ("AddonCompatibility", "coredns"),
        ("NodeSkew", "two"),
    ] {
        world.settle();
        assert_eq!(world.reason(), "PreflightFailed");
        world.gate(|gates| {
            gates
                .preflight
                .accepted
                .push(waiver(check, finding, "1.34", expires))
        });
    }
    world.settle();
    assert_eq!(world.sent.len(), 1, "{}", world.message());
}

#[test]
fn a_waiver_that_expires_meanwhile_holds_the_hop_up_again() {
    let mut world = blocked();
    world.run(minutes(20));
    world.edit(|wish| wish.suspend = true);
    let expires = world.now + minutes(30);
    world.gate(|gates| {
        gates
            .preflight
            .accepted
            .push(waiver("UpgradeInsights", "i-7", "1.33", expires))
    });
    world.stays(Reason::Suspended, minutes(20));
    assert_eq!(check(&world, "UpgradeInsights").result, CheckResult::Waived);
    world.now = expires - seconds(1);
    world.settle();
    assert_eq!(check(&world, "UpgradeInsights").result, CheckResult::Waived);
    world.now = expires;
    world.edit(|wish| wish.suspend = false);
    world.settle();
    assert_eq!(world.reason(), "PreflightFailed");
}

#[test]
fn a_waiver_in_words_without_end_stays_within_what_status_takes() {
    let mut world = blocked();
    world.run(minutes(20));
    let mut long = waiver("UpgradeInsights", "i-7", "1.33", world.now + minutes(60));
    long.reason = "so ".repeat(9_000);
    world.gate(|gates| gates.preflight.accepted.push(long));
    world.edit(|wish| wish.suspend = true);
    world.stays(Reason::Suspended, minutes(20));
    let found = check(&world, "UpgradeInsights");
    assert!(found.message.len() <= 1024 && found.findings[0].message.len() <= 1024);
    assert!(found.findings[0].message.contains("Waived until"));
}
