//! Rollbacks: permitted by the manifest for one update and no other, followed like any hop, and cancelled where they are no
//! longer asked for.

use eks_upgrade_operator::api::{Reason, UpdateStatus};
use eks_upgrade_operator::eks::{ErrorKind, InsightView, NodegroupView, Progress};
use eks_upgrade_operator::plan::{Read, RollbackPermit};

use super::eks::{End, Fate, error};
use super::world::{World, minutes, seconds};

pub fn permit(from: &str, update_id: &str) -> RollbackPermit {
    RollbackPermit {
        from: from.parse().unwrap(),
        update_id: update_id.to_owned(),
        timeout: "12h".parse().unwrap(),
    }
}

/// A cluster that this object has upgraded from 1.33 to 1.34 by update u1.
pub fn upgraded() -> World {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(15));
    assert_eq!(world.reason(), "UpToDate");
    world
}

/// And now the manifest asks for it to be undone.
pub fn asked() -> World {
    let mut world = upgraded();
    ask(&mut world);
    world
}

pub fn ask(world: &mut World) {
    world.edit(|wish| {
        wish.version = "1.33".parse().unwrap();
        wish.rollback = Some(permit("1.34", "u1"));
    });
}

pub fn auto_mode(world: &mut World) {
    world.eks.cluster.is_auto_mode = true;
}

pub fn insight(status: &str) -> InsightView {
    InsightView {
        id: "i1".to_owned(),
        name: "Kubelet version skew".to_owned(),
        status: status.to_owned(),
        reason: "Nodes are newer.".to_owned(),
    }
}

#[track_caller]
pub fn assert_says(world: &World, words: &[&str]) {
    for word in words {
        assert!(
            world.message().contains(word),
            "{word}: {}",
            world.message()
        );
    }
}

#[test]
fn the_exact_permission_makes_one_rollback() {
    let mut world = asked();
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(
        world.accepted(),
        ["VersionUpdate 1.34", "VersionRollback 1.33"]
    );
    let request = &world.sent[1];
    assert_eq!(request.rollback_timeout.unwrap().to_string(), "12h");
    assert!(!request.force);
    let update = world.update();
    assert_eq!(
        (update.kind.as_str(), update.status.as_ref(), update.timeout),
        (
            "VersionRollback",
            Some(&UpdateStatus::Successful),
            request.rollback_timeout
        )
    );
    assert_eq!(world.memory.history.len(), 2);
    world.stays(Reason::UpToDate, minutes(60 * 24 * 10));
}

#[test]
fn nothing_less_than_the_exact_permission_makes_one() {
    for (rollback, missing) in [
        (None, "spec.rollback is missing"),
        (
            Some(permit("1.33", "u1")),
            "spec.rollback.fromVersion is 1.33",
        ),
        (
            Some(permit("1.35", "u1")),
            "spec.rollback.fromVersion is 1.35",
        ),
        (
            Some(permit("1.34", "u2")),
            "spec.rollback.updateId names u2",
        ),
    ] {
        let mut world = upgraded();
        world.edit(|wish| {
            wish.version = "1.33".parse().unwrap();
            wish.rollback = rollback;
        });
        world.stays(Reason::ClusterAheadOfSpec, minutes(600));
        assert_says(
            &world,
            &[
                missing,
                "spec.version: \"1.33\", spec.rollback.fromVersion: \"1.34\", spec.rollback.updateId: \"u1\"",
                "set spec.version to \"1.34\"",
            ],
        );
        assert_eq!(world.sent.len(), 1);
        // What the message says is what it takes.
        ask(&mut world);
        world.run(minutes(30));
        assert_eq!(world.reason(), "UpToDate");
        assert_eq!(world.sent.len(), 2);
    }
}

#[test]
fn two_minors_back_are_never_asked_for() {
    let mut world = World::new("1.33", "1.35");
    world.run(minutes(30));
    world.edit(|wish| {
        wish.version = "1.33".parse().unwrap();
        wish.rollback = Some(permit("1.35", "u2"));
    });
    world.stays(Reason::ClusterAheadOfSpec, minutes(60));
    assert_says(&world, &["one minor at a time"]);
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn an_upgrade_by_somebody_else_can_be_undone() {
    let mut world = World::new("1.33", "1.33");
    world.settle();
    world.foreign("VersionUpdate", Some("1.34"));
    world.run(minutes(20));
    assert_eq!(world.reason(), "ClusterAheadOfSpec");
    ask(&mut world);
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(
        world.accepted(),
        ["VersionUpdate 1.34", "VersionRollback 1.33"]
    );
}

#[test]
fn a_permission_undoes_one_update_and_no_other_with_and_without_status() {
    for is_lost in [false, true] {
        let mut world = asked();
        world.run(minutes(30));
        // Somebody upgrades again, and the manifest stays as it is.
        world.foreign("VersionUpdate", Some("1.34"));
        world.now += minutes(20);
        if is_lost {
            world.lose_status();
        }
        world.stays(Reason::ClusterAheadOfSpec, minutes(60 * 24));
        assert_says(&world, &["names u1", "is u3"]);
        assert_eq!(world.sent.len(), 2);
    }
}

#[test]
fn a_permission_that_stays_in_git_is_in_nobodys_way() {
    for is_lost in [false, true] {
        let mut world = asked();
        world.run(minutes(30));
        if is_lost {
            world.lose_status();
            world.run(minutes(20));
            assert_eq!(world.reason(), "UpToDate");
        }
        world.edit(|wish| wish.version = "1.35".parse().unwrap());
        world.run(minutes(60));
        assert_eq!(world.reason(), "UpToDate", "{}", world.message());
        assert_eq!(
            world.accepted(),
            [
                "VersionUpdate 1.34",
                "VersionRollback 1.33",
                "VersionUpdate 1.34",
                "VersionUpdate 1.35"
            ]
        );
    }
}

#[test]
fn a_console_rollback_stays_also_where_the_manifest_could_permit_one() {
    let mut world = upgraded();
    // The permission lies ready, but the version was never lowered.
    world.edit(|wish| wish.rollback = Some(permit("1.34", "u1")));
    world.settle();
    world.foreign("VersionRollback", Some("1.33"));
    world.now += minutes(20);
    world.stays(Reason::RolledBackElsewhere, minutes(600));
    world.lose_status();
    world.stays(Reason::RolledBackElsewhere, minutes(600));
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a_rollback_that_somebody_began_is_adopted_where_it_is_asked_for() {
    let mut world = upgraded();
    world.foreign("VersionRollback", Some("1.33"));
    ask(&mut world);
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.sent.len(), 1);
    assert!(world.told.contains(&"Updating".to_owned()));
}

#[test]
fn a_cluster_that_was_created_so_is_not_rolled_back() {
    let mut world = World::new("1.34", "1.33");
    world.edit(|wish| wish.rollback = Some(permit("1.34", "u1")));
    world.stays(Reason::ClusterAheadOfSpec, minutes(60));
    assert_says(&world, &["created with it"]);
}

/// EKS shows the lower version before it lists the rollback that somebody else made.
#[test]
fn a_forced_rollback_is_no_permission_to_undo_the_next_one() {
    let mut world = asked();
    world.edit(|wish| wish.forced = Some("1.33".parse().unwrap()));
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    world.eks.list_lag = minutes(60);
    world.foreign("VersionRollback", Some("1.32"));
    world.now += minutes(20);
    world.stays(Reason::RolledBackElsewhere, minutes(20));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn after_a_rollback_there_is_no_way_further_down() {
    let mut world = asked();
    world.run(minutes(30));
    world.edit(|wish| {
        wish.version = "1.32".parse().unwrap();
        wish.rollback = Some(permit("1.33", "u2"));
    });
    world.stays(Reason::ClusterAheadOfSpec, minutes(60));
    assert_says(&world, &["was a rollback"]);
}

#[test]
fn the_window_is_seven_days_from_the_update_whoever_made_it() {
    for is_lost in [false, true] {
        let mut world = upgraded();
        world.now += minutes(60 * 24 * 7);
        world.now -= minutes(30);
        if is_lost {
            world.lose_status();
        }
        let mut late = world.clone();
        ask(&mut world);
        world.run(minutes(30));
        assert_eq!(world.reason(), "UpToDate");
        late.now += minutes(60 * 3);
        ask(&mut late);
        late.stays(Reason::ClusterAheadOfSpec, minutes(60));
        assert_says(&late, &["seven days", "u1"]);
        assert_eq!(late.sent.len(), 1);
    }
}

#[test]
fn the_upgrade_policy_is_looked_at_before() {
    let mut world = asked();
    world.eks.extended = vec!["1.33".parse().unwrap()];
    world.eks.cluster.support_type = Some("STANDARD".to_owned());
    world.stays(Reason::PreflightFailed, minutes(60));
    assert_says(&world, &["extended support", "supportType=EXTENDED"]);
    world.eks.cluster.support_type = Some("EXTENDED".to_owned());
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn node_groups_go_back_first() {
    let mut world = asked();
    for (name, version) in [("old", "1.32"), ("new", "1.34")] {
        world.eks.nodegroups.push(NodegroupView {
            name: name.to_owned(),
            version: version.to_owned(),
        });
    }
    // Force does not change that.
    world.edit(|wish| wish.forced = Some("1.33".parse().unwrap()));
    world.stays(Reason::PreflightFailed, minutes(60));
    assert_says(&world, &["new (1.34)"]);
    assert!(!world.message().contains("old"), "{}", world.message());
    world.eks.nodegroups[1].version = "1.33".to_owned();
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert!(world.sent[1].force);
}

#[test]
fn insights_are_refreshed_and_looked_at_before() {
    for status in ["ERROR", "UNKNOWN", "SOMETHING_NEW"] {
        let mut world = asked();
        // What a refresh long ago found no longer counts.
        world.eks.refresh_started = Some(world.now - minutes(300));
        world.eks.insights = vec![
            insight(status),
            InsightView {
                name: "Add-ons".to_owned(),
                ..insight("PASSING")
            },
        ];
        world.settle();
        assert_eq!(world.reason(), "PreflightUnknown");
        world.run(minutes(5));
        world.stays(Reason::PreflightFailed, minutes(30));
        assert_says(
            &world,
            &[
                "Kubelet version skew",
                status,
                "Nodes are newer",
                "spec.force (version \"1.33\"",
            ],
        );
        assert!(!world.message().contains("Add-ons"), "{}", world.message());
        assert_eq!(world.sent.len(), 1);
        let starts = world
            .eks
            .reads
            .iter()
            .filter(|read| **read == Read::StartRefresh);
        assert_eq!(starts.count(), 1, "one an hour is enough");
        world.edit(|wish| wish.forced = Some("1.33".parse().unwrap()));
        world.run(minutes(30));
        assert_eq!(world.reason(), "UpToDate");
        assert!(world.sent[1].force);
    }
}

#[test]
fn insights_that_block_are_refreshed_each_hour_without_a_word() {
    let mut world = asked();
    world.eks.insights = vec![insight("ERROR")];
    world.run(minutes(5));
    for _ in 0..3 * 60 * 4 {
        world.run(seconds(15));
        assert_eq!(world.reason(), "PreflightFailed", "{}", world.message());
    }
    let starts = world
        .eks
        .reads
        .iter()
        .filter(|read| **read == Read::StartRefresh);
    assert!((3..=4).contains(&starts.count()));
    world.eks.insights = vec![insight("PASSING")];
    world.run(minutes(100));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn a_refresh_from_before_the_upgrade_does_not_count() {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(7));
    // Somebody has the insights refreshed while the upgrade runs.
    world.eks.refresh_started = Some(world.now);
    world.run(minutes(8));
    assert_eq!(world.reason(), "UpToDate");
    world.eks.insights = vec![insight("ERROR")];
    ask(&mut world);
    world.settle();
    assert_eq!(world.reason(), "PreflightUnknown");
    world.run(minutes(5));
    assert_eq!(world.reason(), "PreflightFailed");
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn insights_that_warn_do_not_block() {
    let mut world = asked();
    world.eks.insights = vec![insight("WARNING"), insight("PASSING")];
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn what_cannot_be_looked_at_holds_the_rollback() {
    for what in ["nodegroups", "refresh", "start refresh", "insights"] {
        let mut world = asked();
        world
            .eks
            .broken
            .insert(what, error(ErrorKind::AccessDenied));
        world.run(minutes(20));
        assert_eq!(world.reason(), "AccessDenied", "{what}");
        assert_eq!(world.sent.len(), 1);
        world.eks.broken.clear();
        world.run(minutes(40));
        assert_eq!(world.reason(), "UpToDate");
    }
}

#[test]
fn a_suspended_object_rolls_nothing_back() {
    let mut world = asked();
    world.edit(|wish| wish.suspend = true);
    world.stays(Reason::Suspended, minutes(60));
    assert_says(&world, &["go back to 1.33"]);
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn another_update_is_waited_for() {
    let mut world = asked();
    world.foreign("VpcConfigUpdate", None);
    world.settle();
    assert_eq!(world.reason(), "WaitingForCluster");
    world.run(minutes(40));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn every_loss_ends_in_one_accepted_rollback() {
    for fate in [
        Fate::AnswerLost,
        Fate::RequestLost,
        Fate::CrashBefore,
        Fate::CrashAfter,
        Fate::Dropped,
        Fate::Error(error(ErrorKind::InUse)),
        Fate::Error(error(ErrorKind::Throttled)),
    ] {
        let mut world = asked();
        world.eks.list_lag = minutes(12);
        world.fates.push_back(fate.clone());
        world.run(minutes(90));
        assert_eq!(world.reason(), "UpToDate", "{fate:?}");
        assert_eq!(
            world.accepted(),
            ["VersionUpdate 1.34", "VersionRollback 1.33"],
            "{fate:?}"
        );
        let tokens: Vec<_> = world
            .sent
            .iter()
            .skip(1)
            .map(|sent| &sent.client_request_token)
            .collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]), "{fate:?}");
    }
}

#[test]
fn a_failed_or_cancelled_rollback_needs_a_person() {
    for (end, reason) in [
        (End::Failed, Reason::UpdateFailed),
        (End::Cancelled, Reason::UpdateCancelled),
    ] {
        for is_lost in [false, true] {
            let mut world = asked();
            world.eks.end = end.clone();
            world.run(minutes(30));
            if is_lost {
                world.lose_status();
            }
            world.stays(reason, minutes(600));
            assert_says(&world, &["rollback", "from 1.34 to 1.33", "u2"]);
            assert_eq!(world.sent.len(), 2);
            world.eks.end = End::Successful;
            let mut edited = world.clone();
            world.annotate(seconds(0));
            world.run(minutes(30));
            assert_eq!(world.reason(), "UpToDate");
            edited.edit(|wish| wish.rollback.as_mut().unwrap().timeout = "24h".parse().unwrap());
            edited.run(minutes(30));
            assert_eq!(edited.reason(), "UpToDate");
            assert_eq!(edited.sent[2].rollback_timeout.unwrap().to_string(), "24h");
        }
    }
}

#[test]
fn a_failed_rollback_needs_a_person_whatever_others_try_meanwhile() {
    for is_lost in [false, true] {
        let mut world = asked();
        world.eks.end = End::Failed;
        world.run(minutes(30));
        world.foreign("VersionUpdate", Some("1.35"));
        world.run(minutes(30));
        if is_lost {
            world.lose_status();
        }
        world.stays(Reason::UpdateFailed, minutes(600));
        assert_says(&world, &["rollback", "u2"]);
        assert_eq!(world.sent.len(), 2);
        world.eks.end = End::Successful;
        world.annotate(seconds(0));
        world.run(minutes(30));
        assert_eq!(world.reason(), "UpToDate");
    }
}

#[test]
fn auto_mode_nodes_may_take_days() {
    let mut world = asked();
    auto_mode(&mut world);
    world.eks.node_phase = minutes(60 * 50);
    world.edit(|wish| wish.rollback.as_mut().unwrap().timeout = "48h".parse().unwrap());
    world.run(minutes(60 * 47));
    assert_eq!(world.eks.cluster.status, "ACTIVE");
    world.stays(Reason::Updating, minutes(50));
    world.run(minutes(60));
    assert_eq!(world.reason(), "Updating");
    assert_says(&world, &["overdue", "2880 minutes"]);
    world.run(minutes(60 * 4));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn an_unknown_status_counts_as_running() {
    let mut world = asked();
    world.run(minutes(3));
    world.eks.updates[1].view.status = Progress::Other("Cancelling".to_owned());
    world.stays(Reason::Updating, minutes(5));
}
