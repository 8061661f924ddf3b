//! What failed is never tried again by itself, and what counts as a person's permission.

use std::collections::HashSet;

use eks_upgrade_operator::api::{Reason, UpdateStatus};
use eks_upgrade_operator::eks::ErrorKind;

use super::eks::{End, Fate, error};
use super::world::{World, minutes, seconds};

fn failed() -> World {
    let mut world = World::new("1.33", "1.35");
    world.eks.end = End::Failed;
    world.run(minutes(15));
    assert_eq!(world.reason(), "UpdateFailed");
    world
}

#[test]
fn a_failed_update_is_told_by_id_with_ekss_words_and_left_alone() {
    let mut world = failed();
    world.stays(Reason::UpdateFailed, minutes(600));
    assert_eq!(world.told, ["Updating", "send 1.34", "UpdateFailed"]);
    for word in [
        "u1",
        "1.33",
        "1.34",
        "IpNotAvailable",
        "Too few free addresses",
        "subnet-1",
        "kubectl annotate --overwrite --namespace team clusterupgrade devel eksupgrade.dev/retry-requested-at=",
    ] {
        assert!(
            world.message().contains(word),
            "{word}: {}",
            world.message()
        );
    }
    let update = world.update();
    assert_eq!(update.status, Some(UpdateStatus::Failed));
    assert_eq!(update.errors[0].resource_ids, ["subnet-1"]);
    assert!(update.finished_at.is_some());
}

#[test]
fn a_cancelled_update_is_left_alone() {
    let mut world = World::new("1.33", "1.35");
    world.eks.end = End::Cancelled;
    world.run(minutes(15));
    world.stays(Reason::UpdateCancelled, minutes(600));
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn the_annotation_permits_one_more_try() {
    let mut world = failed();
    world.annotate(seconds(0));
    world.run(minutes(15));
    assert_eq!(world.sent.len(), 2);
    assert_ne!(
        world.sent[0].client_request_token,
        world.sent[1].client_request_token
    );
    world.stays(Reason::UpdateFailed, minutes(600));
    assert_eq!(world.update().attempt, Some(2));
    assert!(world.message().contains("u2"), "{}", world.message());
    world.eks.end = End::Successful;
    world.annotate(seconds(0));
    world.run(minutes(60));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn the_annotation_permits_nothing_before_its_time_comes() {
    let mut world = failed();
    world.annotate(minutes(3));
    world.settle();
    assert_eq!(world.reason(), "UpdateFailed");
    assert!(
        world.message().contains("lies in the future"),
        "{}",
        world.message()
    );
    world.sleep();
    world.settle();
    // It does not wait for the resync.
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn an_annotation_older_than_the_update_permits_nothing_and_is_told() {
    let mut world = World::new("1.33", "1.34");
    world.annotate(minutes(-60));
    world.eks.end = End::Failed;
    world.run(minutes(15));
    world.stays(Reason::UpdateFailed, minutes(60));
    assert!(
        world.message().contains("2026-11-23T11:00:00Z is older"),
        "{}",
        world.message()
    );
}

#[test]
fn a_malformed_annotation_permits_nothing_and_is_told() {
    for text in [
        "now",
        "",
        "2026-11-23",
        "12:00",
        "true",
        &"x".repeat(100_000),
    ] {
        let mut world = failed();
        world.object.retry_requested_at = Some(text.to_owned());
        world.stays(Reason::UpdateFailed, minutes(60));
        assert!(
            world.message().contains("no RFC 3339 time"),
            "{}",
            world.message()
        );
    }
}

#[test]
fn another_version_or_force_permits_one_more_try() {
    let mut world = failed();
    world.edit(|wish| wish.version = "1.34".parse().unwrap());
    world.run(minutes(15));
    assert_eq!(world.sent.len(), 2);
    world.stays(Reason::UpdateFailed, minutes(60));

    let mut world = failed();
    world.edit(|wish| wish.forced = Some("1.34".parse().unwrap()));
    world.run(minutes(15));
    assert!(world.sent[1].force);
    world.stays(Reason::UpdateFailed, minutes(60));
    world.edit(|wish| wish.forced = None);
    world.run(minutes(15));
    assert_eq!(world.sent.len(), 3);
}

#[test]
fn force_for_another_hop_or_suspend_permits_nothing() {
    let mut world = failed();
    world.edit(|wish| wish.forced = Some("1.35".parse().unwrap()));
    world.edit(|wish| wish.suspend = true);
    world.settle();
    world.edit(|wish| wish.suspend = false);
    world.stays(Reason::UpdateFailed, minutes(60));
}

#[test]
fn a_failure_stands_where_eks_no_longer_lists_it() {
    let mut world = failed();
    world.eks.updates.clear();
    world.stays(Reason::UpdateFailed, minutes(600));
    world.annotate(seconds(0));
    world.settle();
    assert_eq!(world.sent.len(), 2);
}

/// EKS tells DescribeUpdate of a quick failure minutes before ListUpdates shows the update at all.
#[test]
fn a_failure_stands_where_eks_does_not_list_it_yet() {
    for end in [End::Failed, End::Cancelled] {
        let mut world = World::new("1.33", "1.34");
        world.eks.end = end;
        world.eks.takes = seconds(20);
        world.eks.list_lag = minutes(14);
        world.run(minutes(60));
        assert_eq!(world.sent.len(), 1);
    }
}

/// The person's clock, ours or both are ahead of EKS's: the new try is "older" than what permitted it.
#[test]
fn one_annotation_permits_one_try_also_where_clocks_differ() {
    let mut world = World::new("1.33", "1.34");
    world.eks.end = End::Failed;
    world.eks.takes = minutes(1);
    world.eks.clock_ahead = minutes(-10);
    world.run(minutes(15));
    world.annotate(seconds(0));
    world.run(minutes(120));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn a_permission_that_is_taken_back_before_the_send_counts_no_more() {
    let mut world = failed();
    world.fates.push_back(super::eks::Fate::CrashBefore);
    world.annotate(seconds(0));
    world.step();
    assert_eq!(world.update().attempt, Some(2));
    world.object.retry_requested_at = None;
    world.run(minutes(60));
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.reason(), "UpdateFailed");
    assert!(world.message().contains("u1"), "{}", world.message());
}

#[test]
fn attempts_rise_over_the_whole_life() {
    let mut world = failed();
    for attempt in 2..15 {
        world.annotate(seconds(0));
        world.run(minutes(15));
        assert_eq!(world.memory.attempts, Some(attempt));
        assert_eq!(world.reason(), "UpdateFailed");
    }
    let mut tokens: Vec<_> = world
        .sent
        .iter()
        .map(|sent| &sent.client_request_token)
        .collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 14);
    assert_eq!(world.memory.history.len(), 10);
}

#[test]
fn a_try_after_a_lost_status_has_another_token_whatever_was_refused_before() {
    let mut world = World::new("1.33", "1.35");
    world.eks.end = End::Failed;
    world
        .fates
        .push_back(Fate::Error(error(ErrorKind::Rejected)));
    world.run(minutes(40));
    assert_eq!(world.reason(), "UpdateFailed");
    world.lose_status();
    world.stays(Reason::UpdateFailed, minutes(30));
    world.annotate(seconds(0));
    world.settle();
    let tokens: HashSet<_> = world
        .sent
        .iter()
        .map(|request| &request.client_request_token)
        .collect();
    assert_eq!((world.sent.len(), tokens.len()), (3, 3));
    assert_eq!(world.accepted().len(), 2);
}

#[test]
fn an_edit_before_the_repetition_that_fails_is_no_permission_to_try_again() {
    let mut world = World::new("1.33", "1.36");
    world.fates.push_back(Fate::Error(error(ErrorKind::InUse)));
    world.eks.end = End::Failed;
    world.settle();
    world.edit(|wish| wish.version = "1.34".parse().unwrap());
    world.run(minutes(30));
    assert_eq!(world.sent.len(), 2, "one of them accepted");
    world.stays(Reason::UpdateFailed, minutes(60));
}

#[test]
fn an_edit_before_an_update_is_adopted_is_no_permission_to_try_it_again() {
    for forced in [None, Some("1.34")] {
        let mut world = World::new("1.33", "1.36");
        world.fates.push_back(Fate::AnswerLost);
        world.eks.end = End::Failed;
        world.eks.list_lag = minutes(1);
        world.settle();
        world.edit(|wish| {
            wish.version = "1.34".parse().unwrap();
            wish.forced = forced.map(|forced| forced.parse().unwrap());
        });
        world.run(minutes(30));
        assert_eq!(world.accepted().len(), 1, "forced: {forced:?}");
        let is_named = world.message().contains("or change spec.version");
        assert_eq!(is_named, forced.is_none(), "{}", world.message());
        world.stays(Reason::UpdateFailed, minutes(60));
        // A person still can.
        world.annotate(seconds(0));
        world.settle();
        assert_eq!(world.accepted().len(), 2);
    }
}

#[test]
fn an_attempt_that_status_remembers_is_not_used_again_where_the_count_is_lost() {
    let mut world = failed();
    let first = world.sent[0].clone();
    world.memory.attempts = None;
    world.annotate(seconds(0));
    world.run(minutes(1));
    assert_eq!(world.memory.attempts, Some(2));
    assert_ne!(
        world.sent[1].client_request_token,
        first.client_request_token
    );
}

#[test]
fn after_the_last_attempt_nothing_is_sent_and_a_person_is_asked() {
    let mut world = World::new("1.33", "1.34");
    world.memory.attempts = Some(u32::MAX - 1);
    world
        .fates
        .push_back(Fate::Error(error(ErrorKind::Rejected)));
    world.run(minutes(5));
    assert_eq!(world.sent.len(), 1, "the last number counts too");
    world.run(minutes(20));
    world.stays(Reason::RequestRejected, minutes(60));
    assert_eq!(world.sent.len(), 1);
    assert!(
        world.message().contains("status.attempts"),
        "{}",
        world.message()
    );
    // What has no attempt left is still followed and still says the rest.
    world.edit(|wish| wish.suspend = true);
    world.stays(Reason::Suspended, minutes(20));
}

#[test]
fn a_status_that_is_lost_before_eks_lists_a_failure_is_no_permission_at_any_hop() {
    let mut world = World::new("1.33", "1.35");
    world.eks.list_lag = minutes(8);
    world.run(minutes(11));
    assert_eq!(world.accepted().len(), 2, "the second hop has begun");
    // What fails is not listed when the status goes.
    let began = world.now;
    world.eks.fail_running(began + minutes(1));
    world.run(minutes(2));
    assert_eq!(world.reason(), "UpdateFailed");
    world.lose_status();
    world.run(minutes(60));
    assert_eq!(world.reason(), "UpdateFailed");
    assert_eq!(world.accepted().len(), 2);
    // Nor at another try that a person permitted.
    world.eks.end = End::Failed;
    world.eks.takes = minutes(1);
    world.annotate(seconds(0));
    world.run(minutes(3));
    assert_eq!(world.accepted().len(), 3);
    world.lose_status();
    world.run(minutes(60));
    assert_eq!(world.accepted().len(), 3);
}
