//! What others do to the cluster.

use eks_upgrade_operator::api::{Reason, UpdateStatus};

use super::eks::{End, Fate};
use super::world::{World, minutes, seconds};

#[test]
fn somebody_elses_update_of_our_hop_is_adopted() {
    let mut world = World::new("1.33", "1.35");
    let id = world.foreign("VersionUpdate", Some("1.34"));
    world.settle();
    assert_eq!(world.reason(), "Updating");
    assert_eq!(world.update().id, Some(id));
    assert_eq!(world.update().attempt, None);
    assert!(world.sent.is_empty());
    world.run(minutes(30));
    assert_eq!(world.told, ["Updating", "send 1.35", "UpToDate"]);
}

#[test]
fn an_adopted_update_is_followed_to_its_end_whatever_the_spec_says_then() {
    let mut world = World::new("1.33", "1.35");
    world.foreign("VersionUpdate", Some("1.34"));
    world.settle();
    world.edit(|wish| wish.version = "1.33".parse().unwrap());
    world.run(minutes(5));
    assert_eq!(world.reason(), "Updating");
    world.run(minutes(15));
    world.stays(Reason::ClusterAheadOfSpec, minutes(60));
    assert!(world.sent.is_empty());
}

#[test]
fn an_adopted_update_that_fails_needs_a_person() {
    let mut world = World::new("1.33", "1.35");
    world.eks.end = End::Failed;
    world.foreign("VersionUpdate", Some("1.34"));
    world.run(minutes(15));
    world.stays(Reason::UpdateFailed, minutes(60));
    assert!(world.sent.is_empty());
    world.annotate(seconds(0));
    world.settle();
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn anything_else_that_runs_is_waited_for() {
    for kind in ["VpcConfigUpdate", "AddonUpdate", "SomethingNew"] {
        let mut world = World::new("1.33", "1.34");
        world.foreign(kind, None);
        world.stays(Reason::WaitingForCluster, minutes(5));
        assert!(world.message().contains(kind), "{}", world.message());
        world.run(minutes(30));
        assert_eq!(
            world.told,
            ["WaitingForCluster", "Updating", "send 1.34", "UpToDate"]
        );
    }
}

#[test]
fn up_to_date_is_said_while_something_else_runs() {
    let mut world = World::new("1.34", "1.34");
    world.foreign("VpcConfigUpdate", None);
    world.stays(Reason::UpToDate, minutes(5));
}

#[test]
fn a_failure_of_somebody_else_is_respected_with_and_without_status() {
    let mut world = World::new("1.33", "1.34");
    world.eks.end = End::Failed;
    world.foreign("VersionUpdate", Some("1.34"));
    world.now += minutes(20);
    world.stays(Reason::UpdateFailed, minutes(60));
    world.lose_status();
    world.stays(Reason::UpdateFailed, minutes(60));
    assert!(world.sent.is_empty());
    assert!(
        world.message().contains("started outside this object"),
        "{}",
        world.message()
    );
}

#[test]
fn our_own_failure_is_respected_after_status_is_lost() {
    let mut world = World::new("1.33", "1.34");
    world.eks.end = End::Failed;
    world.run(minutes(15));
    world.lose_status();
    world.stays(Reason::UpdateFailed, minutes(60));
    assert_eq!(world.sent.len(), 1);
    // A person's permission still works, and the attempt's old token brings back no old update as if it were new.
    world.eks.end = End::Successful;
    world.annotate(seconds(0));
    world.run(minutes(60));
    world.annotate(seconds(0));
    world.run(minutes(60));
    assert_eq!(world.reason(), "UpToDate", "{:?}", world.told);
}

fn rolled_back(from_status: bool) -> World {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(15));
    assert_eq!(world.reason(), "UpToDate");
    world.foreign("VersionRollback", Some("1.33"));
    world.run(minutes(20));
    if !from_status {
        world.lose_status();
        world.settle();
    }
    world
}

#[test]
fn a_rollback_by_somebody_else_stands() {
    for from_status in [true, false] {
        let mut world = rolled_back(from_status);
        world.stays(Reason::RolledBackElsewhere, minutes(600));
        assert_eq!(world.sent.len(), 1);
        for word in ["from 1.34 to 1.33", "u2", "set spec.version to \"1.33\""] {
            assert!(
                world.message().contains(word),
                "{word}: {}",
                world.message()
            );
        }
        world.annotate(seconds(0));
        world.run(minutes(30));
        assert_eq!(world.reason(), "UpToDate");
    }
}

#[test]
fn a_rollback_is_waited_for_while_it_runs() {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(15));
    world.eks.takes = minutes(60 * 24);
    world.foreign("VersionRollback", Some("1.33"));
    world.edit(|wish| wish.version = "1.35".parse().unwrap());
    // Auto Mode: the nodes go first, and the cluster stays ACTIVE.
    world.eks.cluster.status = "ACTIVE".to_owned();
    world.stays(Reason::WaitingForCluster, minutes(600));
}

#[test]
fn a_rollback_that_failed_is_told_as_one_that_failed() {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(15));
    world.eks.end = End::Failed;
    world.foreign("VersionRollback", Some("1.33"));
    world.now += minutes(20);
    world.edit(|wish| wish.version = "1.35".parse().unwrap());
    world.stays(Reason::RolledBackElsewhere, minutes(60));
    assert!(
        world.message().contains("from 1.34 to 1.33"),
        "{}",
        world.message()
    );
    assert!(world.message().contains("Failed"), "{}", world.message());
    assert_eq!(world.update().from_version.to_string(), "1.34");
}

#[test]
fn our_success_that_somebody_rolled_back_at_once_is_not_waited_for() {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(8));
    world.now += minutes(4);
    world.foreign("VersionRollback", Some("1.33"));
    world.now += minutes(15);
    world.stays(Reason::RolledBackElsewhere, minutes(60));
    assert_eq!(
        world.memory.history[1].status,
        Some(UpdateStatus::Successful)
    );
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a_rollback_stands_where_eks_no_longer_lists_it() {
    let mut world = rolled_back(true);
    world.eks.updates.clear();
    world.stays(Reason::RolledBackElsewhere, minutes(60));
}

/// A failure that a person has passed over must not be taken for the answer to the send that follows it.
#[test]
fn a_failure_that_was_passed_over_is_not_adopted() {
    let mut world = World::new("1.33", "1.34");
    world.eks.end = End::Failed;
    world.eks.takes = minutes(1);
    world.foreign("VersionUpdate", Some("1.34"));
    world.now += minutes(2);
    world.annotate(seconds(0));
    world.fates.push_back(Fate::CrashBefore);
    world.eks.end = End::Successful;
    world.eks.takes = minutes(10);
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.memory.attempts, Some(1));
    assert_eq!(world.accepted().len(), 2);
}

#[test]
fn an_update_that_eks_forgets_is_lost_only_after_its_list_was_searched() {
    let mut world = World::new("1.33", "1.34");
    world.eks.end = End::Never;
    world.run(minutes(5));
    let forgotten = world.eks.updates.pop().unwrap();
    world.eks.cluster.status = "ACTIVE".to_owned();
    world.run(minutes(5));
    assert_eq!(world.reason(), "Updating");
    world.run(minutes(20));
    world.stays(Reason::UpdateLost, minutes(60));
    assert_eq!(world.sent.len(), 1);
    assert!(world.message().contains("u1"), "{}", world.message());
    // It comes back.
    world.eks.updates.push(forgotten);
    world.settle();
    assert_eq!(world.reason(), "Updating");
    assert_eq!(world.update().attempt, Some(1));
    assert_eq!(world.update().finished_at, None);
}

#[test]
fn a_recreated_object_adopts_what_its_predecessor_started() {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(3));
    world.lose_status();
    world.object.uid = "uid-2".to_owned();
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.accepted().len(), 1);
}

#[test]
fn a_rollback_seen_before_the_version_is_stands_also_where_the_next_hop_was_to_be_forced() {
    let mut world = World::new("1.34", "1.35");
    world.edit(|wish| wish.forced = Some("1.35".parse().unwrap()));
    // EKS lists the rollback, and for minutes still describes the version before it.
    world.eks.describe_lag = minutes(4);
    world.eks.takes = minutes(1);
    world.foreign("VersionRollback", Some("1.33"));
    world.now += minutes(2);
    world.stays(Reason::RolledBackElsewhere, seconds(30));
    world.run(minutes(30));
    assert_eq!(world.reason(), "RolledBackElsewhere");
    assert_eq!(world.eks.cluster.version, "1.33");
    assert!(world.sent.is_empty());
    // Something else than what was there when it was rolled back.
    world.edit(|wish| wish.forced = Some("1.34".parse().unwrap()));
    world.settle();
    assert_eq!(world.sent.len(), 1);
}

/// Such a status was edited by hand, and then it does not tell what was tried.
#[test]
fn a_status_that_takes_a_rollback_for_an_upgrade_is_no_permission_to_undo_it() {
    let mut world = rolled_back(true);
    let update = world.memory.update.as_mut().unwrap();
    assert_eq!(update.kind, "VersionRollback");
    "VersionUpdate".clone_into(&mut update.kind);
    update.for_version = Some("1.35".parse().unwrap());
    world.memory.history.clear();
    world.stays(Reason::RolledBackElsewhere, minutes(60));
    assert_eq!(world.sent.len(), 1);
}
