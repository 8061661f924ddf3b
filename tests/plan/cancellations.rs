//! Rollbacks that are no longer asked for.

use eks_upgrade_operator::api::{CancelStatus, Reason, UpdateStatus};
use eks_upgrade_operator::eks::{Cancellation, ErrorKind, Progress};

use super::eks::{Fate, error};
use super::rollbacks::{ask, asked, assert_says, auto_mode, upgraded};
use super::world::{World, minutes};

/// An Auto Mode cluster whose nodes go back.
pub fn going_back() -> World {
    let mut world = asked();
    auto_mode(&mut world);
    world.run(minutes(10));
    assert_eq!(world.reason(), "Updating");
    world
}

pub fn withdraw(world: &mut World) {
    world.edit(|wish| wish.version = "1.34".parse().unwrap());
}

#[test]
fn a_rollback_that_is_no_longer_asked_for_is_cancelled_once() {
    for fate in [
        None,
        Some(Fate::AnswerLost),
        Some(Fate::RequestLost),
        Some(Fate::CrashBefore),
        Some(Fate::CrashAfter),
        Some(Fate::Dropped),
        Some(Fate::Error(error(ErrorKind::Throttled))),
    ] {
        let mut world = going_back();
        withdraw(&mut world);
        world.fates.extend(fate.clone());
        world.run(minutes(30));
        assert_eq!(world.reason(), "UpToDate", "{fate:?}: {}", world.message());
        let update = world.update();
        assert_eq!(update.status, Some(UpdateStatus::Cancelled));
        assert_eq!(
            update.cancel.as_ref().unwrap().status,
            Some(CancelStatus::Accepted)
        );
        let tokens: Vec<_> = world
            .cancels
            .iter()
            .map(|cancel| &cancel.client_request_token)
            .collect();
        assert!((1..=2).contains(&tokens.len()), "{fate:?}");
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert_eq!(world.sent.len(), 2);
        // And nothing is tried again without a person.
        world.edit(|wish| wish.version = "1.33".parse().unwrap());
        world.stays(Reason::UpdateCancelled, minutes(600));
        assert_eq!(world.sent.len(), 2);
    }
}

#[test]
fn a_rollback_whose_permission_is_taken_away_is_cancelled() {
    let mut world = going_back();
    world.edit(|wish| wish.rollback = None);
    world.run(minutes(30));
    assert_eq!(world.cancels.len(), 1);
    assert_eq!(world.reason(), "ClusterAheadOfSpec");
}

#[test]
fn what_cannot_be_cancelled_is_followed_to_its_end() {
    // The control plane is under way: EKS shows that.
    let mut world = going_back();
    world.eks.takes = minutes(60);
    world.run(minutes(60 * 5));
    assert_eq!(world.eks.cluster.status, "UPDATING");
    withdraw(&mut world);
    world.settle();
    assert_eq!(world.reason(), "Updating");
    assert_says(&world, &["followed to its end"]);
    assert_eq!(world.cancels.len(), 0);
    world.run(minutes(5));
    assert_eq!(world.cancels.len(), 0);
}

#[test]
fn a_cancellation_that_comes_too_late_is_said() {
    let mut world = going_back();
    withdraw(&mut world);
    world
        .fates
        .push_back(Fate::Error(error(ErrorKind::InvalidState)));
    world.run(minutes(10));
    assert_eq!(world.cancels.len(), 1);
    assert_eq!(world.reason(), "Updating");
    assert_says(
        &world,
        &[
            "cannot cancel it any more",
            "InvalidStateException",
            "followed to its end",
        ],
    );
    world.stays(Reason::Updating, minutes(60));
    assert_eq!(world.cancels.len(), 1);
}

#[test]
fn a_cancellation_that_eks_cannot_carry_out_is_said() {
    let mut world = going_back();
    withdraw(&mut world);
    world.step();
    let stored = &mut world.eks.updates[1];
    stored.view.cancellation = Some(Cancellation {
        status: "Failed".to_owned(),
        reason: "The nodes are back.".to_owned(),
    });
    stored.postpone(minutes(60));
    world.stays(Reason::Updating, minutes(30));
    assert_says(&world, &["cannot cancel it any more", "The nodes are back"]);
    assert_eq!(world.cancels.len(), 1);
}

#[test]
fn a_cancellation_that_is_denied_is_asked_for_again_at_each_resync() {
    let mut world = going_back();
    withdraw(&mut world);
    world
        .fates
        .push_back(Fate::Error(error(ErrorKind::AccessDenied)));
    world.run(minutes(8));
    assert_eq!(world.cancels.len(), 1);
    assert_says(&world, &["AccessDenied"]);
    world.run(minutes(10));
    assert_eq!(world.cancels.len(), 2);
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn nothing_is_cancelled_while_suspended_or_deleted_or_without_ownership() {
    for case in 0..3 {
        let mut world = going_back();
        withdraw(&mut world);
        match case {
            0 => world.edit(|wish| wish.suspend = true),
            1 => world.object.deleting = true,
            _ => world.standing.owner = Some("team/older".to_owned()),
        }
        world.run(minutes(30));
        assert_eq!(world.cancels.len(), 0, "{case}");
        assert_eq!(world.eks.updates[1].view.status, Progress::InProgress);
    }
}

#[test]
fn somebody_elses_rollback_is_never_cancelled() {
    let mut world = upgraded();
    auto_mode(&mut world);
    world.foreign("VersionRollback", Some("1.33"));
    ask(&mut world);
    world.run(minutes(10));
    assert_eq!(world.reason(), "Updating");
    withdraw(&mut world);
    world.run(minutes(30));
    assert_eq!(world.cancels.len(), 0);
}

#[test]
fn a_rollback_asked_for_again_is_not_cancelled() {
    let mut world = going_back();
    withdraw(&mut world);
    world.fates.push_back(Fate::RequestLost);
    world.step();
    ask(&mut world);
    world.run(minutes(60));
    assert_eq!(world.cancels.len(), 1);
    assert_eq!(world.eks.updates[1].view.status, Progress::InProgress);
}
