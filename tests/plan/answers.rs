//! Answers that prove less than they seem to, or come late.

use eks_upgrade_operator::api::{ClusterUpgradeStatus, UpdateStatus};
use eks_upgrade_operator::eks::ErrorKind;
use eks_upgrade_operator::plan::{Sent, answered};

use super::eks::{End, Fate, error};
use super::intents::after;
use super::world::{minutes, seconds};

/// The first send is accepted and its answer lost; the list lags; the second is refused. Nothing more may be started
/// until the list can no longer hide the first.
#[test]
fn a_refused_repetition_does_not_prove_that_nothing_was_started() {
    for kind in [
        ErrorKind::AccessDenied,
        ErrorKind::Rejected,
        ErrorKind::InvalidState,
    ] {
        let mut world = after([Fate::AnswerLost, Fate::Error(error(kind))]);
        world.eks.end = End::Failed;
        world.eks.takes = minutes(1);
        world.eks.list_lag = minutes(14);
        world.run(minutes(10));
        // Not even where a person asks for it, who cannot see the first send either.
        world.annotate(seconds(0));
        world.run(minutes(3));
        assert_eq!(world.sent.len(), 2, "{kind:?} {:?}", world.told);
        world.object.retry_requested_at = None;
        world.run(minutes(60));
        assert_eq!(world.accepted().len(), 1, "{kind:?} {:?}", world.told);
        assert_eq!(
            world.reason(),
            "UpdateFailed",
            "{kind:?} {}",
            world.message()
        );
        assert_eq!(world.update().attempt, Some(1));
    }
}

#[test]
fn a_refused_first_send_proves_that_nothing_was_started() {
    let mut world = after([Fate::Error(error(ErrorKind::Rejected))]);
    world.run(minutes(9));
    assert_eq!(world.reason(), "RequestRejected");
    assert_eq!(world.update().status, Some(UpdateStatus::Refused));
    assert_eq!(world.sent.len(), 1);
    world.run(minutes(2));
    assert_eq!(world.sent.len(), 2);
    assert_ne!(
        world.sent[0].client_request_token,
        world.sent[1].client_request_token
    );
}

/// The clock was hours ahead when the refusal was written down, and was set right since.
#[test]
fn a_refusal_of_a_time_to_come_is_not_waited_for() {
    let mut world = after([Fate::Error(error(ErrorKind::Rejected))]);
    world.settle();
    world.now -= minutes(180);
    world.run(minutes(5));
    assert_eq!(world.sent.len(), 2, "{:?}", world.told);
    assert_eq!(world.accepted().len(), 1);
}

/// A slow answer meets a status that another replica has carried on meanwhile.
#[test]
fn a_late_answer_undoes_nothing() {
    let mut world = after([]);
    world.settle();
    let running = world.memory.clone();
    let refused = Sent::NotAccepted(error(ErrorKind::AccessDenied));
    for late in [
        refused,
        Sent::NotAccepted(error(ErrorKind::InUse)),
        Sent::NotAccepted(error(ErrorKind::Unavailable)),
    ] {
        let decision = answered(&running, &late, &world.settings, world.now);
        assert_eq!(decision.memory, running, "{late:?}");
    }
    world.run(minutes(30));
    let finished = world.memory.clone();
    let late = Sent::Accepted(world.eks.updates[0].view.clone());
    assert_eq!(
        answered(&finished, &late, &world.settings, world.now).memory,
        finished
    );
    let empty = ClusterUpgradeStatus::default();
    assert_eq!(
        answered(&empty, &late, &world.settings, world.now).memory,
        empty
    );
}

#[test]
fn a_late_acceptance_reopens_an_intent_that_was_closed() {
    let mut world = after([Fate::RequestLost]);
    world.step();
    world.edit(|wish| wish.suspend = true);
    world.run(minutes(30));
    assert_eq!(world.update().status, Some(UpdateStatus::NotSent));
    let view = world.eks.accept(
        "VersionUpdate",
        Some("1.34".parse().unwrap()),
        None,
        world.now,
    );
    let decision = answered(
        &world.memory,
        &Sent::Accepted(view),
        &world.settings,
        world.now,
    );
    let update = decision.memory.update.unwrap();
    assert!(update.is_running());
    assert_eq!(update.finished_at, None);
}
