//! What `status.rollback` shows.

use eks_upgrade_operator::api::{Reason, UpdateStatus};
use eks_upgrade_operator::eks::ErrorKind;
use eks_upgrade_operator::plan::Read;

use super::cancellations::{going_back, withdraw};
use super::eks::{End, error};
use super::rollbacks::{insight, upgraded};
use super::world::{World, minutes};

#[test]
fn readiness_is_shown_while_the_window_is_open_and_costs_one_listing_in_six_hours() {
    let mut world = upgraded();
    let readiness = world.memory.rollback.clone().unwrap();
    assert!(readiness.eligible);
    assert_eq!(
        (
            readiness.to_version.to_string().as_str(),
            readiness.update_id.as_str()
        ),
        ("1.33", "u1")
    );
    let accepted = world.eks.updates[0].view.created_at.unwrap();
    assert_eq!(readiness.expires_at, accepted + minutes(60 * 24 * 7));
    world.eks.reads.clear();
    world.eks.found = vec![insight("ERROR")];
    world.run(minutes(60 * 24));
    let of =
        |world: &World, which: &Read| world.eks.reads.iter().filter(|read| *read == which).count();
    assert!(
        (3..=5).contains(&of(&world, &Read::Readiness)),
        "{}",
        of(&world, &Read::Readiness)
    );
    assert_eq!(of(&world, &Read::Updates), 0);
    let blocked = world.memory.rollback.clone().unwrap();
    assert!(!blocked.eligible);
    assert_eq!(blocked.blockers[0].code, "ReadinessInsight");
    assert!(blocked.blockers[0].message.contains("Nodes are newer"));
    world.run(minutes(60 * 24 * 7));
    assert_eq!(world.memory.rollback, None);
    world.eks.reads.clear();
    world.run(minutes(600));
    assert_eq!(of(&world, &Read::Readiness) + of(&world, &Read::Updates), 0);
}

#[test]
fn readiness_that_cannot_be_read_stands_in_nobodys_way() {
    let mut world = World::new("1.33", "1.34");
    world
        .eks
        .broken
        .insert("insights", error(ErrorKind::AccessDenied));
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    let readiness = world.memory.rollback.clone().unwrap();
    assert!(!readiness.eligible);
    assert_eq!(readiness.blockers[0].code, "ReadinessUnknown");
    world.stays(Reason::UpToDate, minutes(60));
    assert_eq!(world.memory.rollback, Some(readiness));
    world.eks.broken.clear();
    world.run(minutes(10));
    assert!(world.memory.rollback.clone().unwrap().eligible);
    // What was read before is kept while it cannot be read again.
    world
        .eks
        .broken
        .insert("insights", error(ErrorKind::Throttled));
    world.run(minutes(60 * 7));
    assert!(world.memory.rollback.clone().unwrap().eligible);
}

#[test]
fn readiness_is_found_for_upgrades_of_others_and_after_a_lost_status() {
    let mut world = World::new("1.33", "1.34");
    world.edit(|wish| wish.suspend = true);
    world.settle();
    world.foreign("VersionUpdate", Some("1.34"));
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.memory.rollback.as_ref().unwrap().update_id, "u1");
    world.lose_status();
    world.run(minutes(10));
    assert_eq!(world.memory.rollback.as_ref().unwrap().update_id, "u1");
}

#[test]
fn readiness_ends_with_the_window_also_where_something_else_is_said() {
    let mut world = upgraded();
    world.edit(|wish| {
        wish.version = "1.35".parse().unwrap();
        wish.suspend = true;
    });
    world.run(minutes(60));
    assert_eq!(world.reason(), "Suspended");
    assert!(world.memory.rollback.is_some());
    world.run(minutes(60 * 24 * 7));
    assert_eq!(world.memory.rollback, None);
}

#[test]
fn readiness_is_gone_once_something_else_begins() {
    let mut world = upgraded();
    assert!(world.memory.rollback.is_some());
    world.edit(|wish| wish.version = "1.35".parse().unwrap());
    world.settle();
    assert_eq!(world.memory.rollback, None);
    world.run(minutes(20));
    assert_eq!(world.memory.rollback.as_ref().unwrap().update_id, "u2");
}

#[test]
fn readiness_comes_back_once_something_else_has_come_to_nothing() {
    // An upgrade that failed and was given up.
    let mut world = upgraded();
    world.eks.end = End::Failed;
    world.edit(|wish| wish.version = "1.35".parse().unwrap());
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpdateFailed");
    assert_eq!(world.memory.rollback, None);
    world.edit(|wish| wish.version = "1.34".parse().unwrap());
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.memory.rollback.as_ref().unwrap().update_id, "u1");

    // A rollback that was cancelled.
    let mut world = going_back();
    withdraw(&mut world);
    world.run(minutes(30));
    assert_eq!(world.update().status, Some(UpdateStatus::Cancelled));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.memory.rollback.as_ref().unwrap().update_id, "u1");
}
