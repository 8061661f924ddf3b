//! Which cluster it is, and whether this object may touch it.

use eks_upgrade_operator::api::Reason;
use eks_upgrade_operator::eks::{ErrorKind, Hosting};
use eks_upgrade_operator::plan::InvalidSpec;

use super::eks::error;
use super::world::{World, minutes, seconds};

#[test]
fn another_account_region_or_name_is_not_followed() {
    for arn in [
        "arn:aws:eks:eu-central-1:444455556666:cluster/devel",
        "arn:aws:eks:us-east-1:111122223333:cluster/devel",
        "arn:aws:eks:eu-central-1:111122223333:cluster/other",
        "arn:aws:eks:eu-central-1:111122223333:nodegroup/devel",
        "",
    ] {
        let mut world = World::new("1.33", "1.34");
        arn.clone_into(&mut world.eks.cluster.arn);
        world.stays(Reason::ClusterReplaced, minutes(60));
        assert!(world.sent.is_empty());
        assert_eq!(world.memory.cluster, None, "pinned the wrong cluster");
    }
}

#[test]
fn a_cluster_of_another_partition_is_the_one_meant() {
    let mut world = World::new("1.33", "1.34");
    world.eks.cluster.arn = "arn:aws-cn:eks:eu-central-1:111122223333:cluster/devel".to_owned();
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn a_recreated_cluster_is_not_followed() {
    let mut world = World::new("1.33", "1.35");
    world.run(minutes(3));
    world.eks.updates.clear();
    world.eks.cluster.created_at = Some("2026-11-23T12:04:00Z".parse().unwrap());
    world.eks.cluster.status = "ACTIVE".to_owned();
    world.run(minutes(60));
    world.stays(Reason::ClusterReplaced, minutes(60));
    assert_eq!(world.sent.len(), 1);
    let pinned = world.memory.cluster.as_ref().unwrap().created_at.unwrap();
    assert_eq!(pinned.to_string(), "2025-01-01T00:00:00.25Z");
}

#[test]
fn a_cluster_is_missing_after_two_looks() {
    let mut world = World::new("1.33", "1.34");
    world
        .eks
        .broken
        .insert("cluster", error(ErrorKind::NotFound));
    world.settle();
    assert!(world.memory.conditions.is_empty());
    world.sleep();
    world.stays(Reason::ClusterNotFound, minutes(60));
    world.eks.broken.clear();
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn a_running_update_of_a_cluster_that_is_gone_is_told_as_such() {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(3));
    world.eks.broken.insert("all", error(ErrorKind::NotFound));
    world.run(minutes(1));
    world.stays(Reason::ClusterNotFound, minutes(60));
}

#[test]
fn clusters_that_eks_does_not_upgrade() {
    for hosting in [Hosting::Connected, Hosting::Outpost] {
        let mut world = World::new("1.33", "1.34");
        world.eks.cluster.hosting = hosting;
        world.stays(Reason::UnsupportedCluster, minutes(60));
    }
    let mut world = World::new("1.33", "1.34");
    world.eks.cluster.version = "2.0".to_owned();
    world.stays(Reason::UnsupportedCluster, minutes(60));
    let mut world = World::new("1.33", "1.34");
    world.eks.cluster.status = "FAILED".to_owned();
    world.stays(Reason::ClusterFailed, minutes(60));
}

#[test]
fn a_cluster_that_is_not_active_is_waited_for() {
    for status in [
        "CREATING",
        "UPDATING",
        "PENDING",
        "DELETING",
        "SOMETHING_NEW",
    ] {
        let mut world = World::new("1.33", "1.34");
        status.clone_into(&mut world.eks.cluster.status);
        world.stays(Reason::WaitingForCluster, minutes(5));
        assert!(world.message().contains(status), "{}", world.message());
    }
}

#[test]
fn nothing_is_asked_or_sent_on_behalf_of_an_object_that_may_not() {
    let mut world = World::new("1.33", "1.34");
    world.standing.not_allowed =
        Some("Namespace team may not use role R. Ask for --allow-role.".to_owned());
    world
        .eks
        .broken
        .insert("all", error(ErrorKind::Unavailable));
    world.stays(Reason::NotAllowed, minutes(60));

    let mut world = World::new("1.33", "1.34");
    world.object.wish = Err(InvalidSpec("spec.version: \"x\" is no version".to_owned()));
    world.stays(Reason::InvalidSpec, minutes(60));

    let mut world = World::new("1.33", "1.34");
    world.standing.owner = Some("team/older".to_owned());
    world.stays(Reason::ClusterConflict, minutes(60));
    assert!(
        world.message().contains("team/older"),
        "{}",
        world.message()
    );
}

#[test]
fn a_running_update_is_told_as_running_by_an_object_that_may_not_any_more() {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(3));
    world.standing.owner = Some("team/older".to_owned());
    world.stays(Reason::Updating, minutes(2));
    world.standing.not_allowed = Some("Namespace team may not use role R.".to_owned());
    world.stays(Reason::Updating, minutes(60));
    assert!(
        world.message().contains("may not use role R."),
        "{}",
        world.message()
    );
    world.object.wish = Err(InvalidSpec("spec.version: \"x\" is no version".to_owned()));
    world.object.generation += 1;
    world.stays(Reason::Updating, seconds(30));
}
