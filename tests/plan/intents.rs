//! Open intents: whatever fails around a send, EKS accepts one update per hop.

use eks_upgrade_operator::api::{Reason, UpdateStatus};
use eks_upgrade_operator::eks::ErrorKind;
use eks_upgrade_operator::plan::{Standing, Wake};

use super::eks::{End, Fate, error};
use super::world::{World, minutes, seconds};

pub fn after(fates: impl IntoIterator<Item = Fate>) -> World {
    let mut world = World::new("1.33", "1.34");
    world.fates.extend(fates);
    world
}

#[test]
fn every_loss_ends_in_one_accepted_update() {
    for fates in [
        vec![Fate::CrashBefore],
        vec![Fate::CrashAfter],
        vec![Fate::AnswerLost],
        vec![Fate::RequestLost],
        vec![Fate::Dropped],
        vec![
            Fate::Dropped,
            Fate::RequestLost,
            Fate::CrashBefore,
            Fate::AnswerLost,
        ],
        vec![Fate::Error(error(ErrorKind::Throttled)), Fate::CrashAfter],
    ] {
        for list_lag in [0, 14] {
            let mut world = after(fates.clone());
            world.eks.list_lag = minutes(list_lag);
            world.run(minutes(60));
            assert_eq!(world.accepted(), ["VersionUpdate 1.34"], "{fates:?}");
            assert_eq!(world.reason(), "UpToDate");
            assert_eq!(world.memory.history[0].attempt, Some(1));
            let mut tokens: Vec<_> = world
                .sent
                .iter()
                .map(|sent| &sent.client_request_token)
                .collect();
            tokens.dedup();
            assert_eq!(tokens.len(), 1, "another token: {fates:?}");
        }
    }
}

#[test]
fn what_was_accepted_unseen_is_adopted_without_a_second_send() {
    for end in [End::Successful, End::Failed, End::Cancelled] {
        for seen_after in [minutes(1), minutes(30)] {
            let mut world = after([Fate::CrashAfter]);
            world.eks.end = end.clone();
            world.step();
            assert!(world.update().is_open_intent());
            world.now += seen_after;
            world.settle();
            assert_eq!(world.update().id.as_deref(), Some("u1"));
            world.run(minutes(60));
            assert_eq!(world.sent.len(), 1);
            assert_eq!(world.update().attempt, Some(1));
            let expected = match end {
                End::Successful | End::Never => "UpToDate",
                End::Failed => "UpdateFailed",
                End::Cancelled => "UpdateCancelled",
            };
            assert_eq!(world.reason(), expected);
        }
    }
}

#[test]
fn what_was_accepted_unseen_is_adopted_whatever_the_clocks_say() {
    for ahead in [-60, -6, 6, 60] {
        let mut world = after([Fate::CrashAfter]);
        world.eks.clock_ahead = minutes(ahead);
        world.step();
        world.now += minutes(1);
        world.settle();
        assert_eq!(
            world.update().id.as_deref(),
            Some("u1"),
            "{ahead}: {}",
            world.message()
        );
        assert_eq!(world.update().attempt, Some(1));
        world.run(minutes(60));
        assert_eq!(world.sent.len(), 1);
        assert_eq!(world.reason(), "UpToDate");
    }
}

#[test]
fn asks_again_ever_more_slowly_while_eks_is_busy_with_what_no_list_shows() {
    let busy = || Fate::Error(error(ErrorKind::InUse));
    let mut world = after(std::iter::repeat_with(busy).take(9));
    let mut waits = Vec::new();
    for _ in 0..9 {
        world.settle();
        assert_eq!(world.reason(), "WaitingForCluster");
        let Wake::After(wait) = world.last_wake else {
            panic!("{:?}", world.last_wake)
        };
        waits.push(wait.as_secs());
        world.sleep();
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600, 600]);
    world.run(minutes(30));
    assert_eq!(
        world.told,
        [
            "Updating",
            "send 1.34",
            "WaitingForCluster",
            "send 1.34",
            "send 1.34",
            "send 1.34",
            "send 1.34",
            "send 1.34",
            "send 1.34",
            "send 1.34",
            "send 1.34",
            "send 1.34",
            "Updating",
            "UpToDate",
        ]
    );
    assert_eq!(world.memory.attempts, Some(1));
}

#[test]
fn a_guarded_write_counts_each_send() {
    let mut world = after([Fate::RequestLost, Fate::RequestLost]);
    world.run(seconds(20));
    assert_eq!(world.update().sends, Some(3));
    assert_eq!(world.sent.len(), 3);
}

/// Whatever withdraws the wish while an intent is open: not one more send, and no early end of looking.
#[test]
fn an_intent_that_is_no_longer_wanted_is_not_sent_again() {
    type Change = fn(&mut World);
    let changes: [(&str, Change, &str); 6] = [
        (
            "suspended",
            |world| world.edit(|wish| wish.suspend = true),
            "Suspended",
        ),
        (
            "lowered",
            |world| world.edit(|wish| wish.version = "1.32".parse().unwrap()),
            "ClusterAheadOfSpec",
        ),
        (
            "satisfied",
            |world| world.edit(|wish| wish.version = "1.33".parse().unwrap()),
            "UpToDate",
        ),
        (
            "in conflict",
            |world| world.standing.owner = Some("team/older".to_owned()),
            "ClusterConflict",
        ),
        (
            "not offered",
            |world| world.eks.offered.clear(),
            "UnsupportedVersion",
        ),
        (
            "replaced",
            |world| world.eks.cluster.created_at = Some("2026-06-01T00:00:00Z".parse().unwrap()),
            "ClusterReplaced",
        ),
    ];
    for (what, change, reason) in changes {
        let mut world = after([Fate::RequestLost]);
        world.step();
        change(&mut world);
        world.run(minutes(14));
        assert_eq!(world.reason(), "Updating", "{what}");
        assert!(world.update().is_open_intent(), "{what}");
        world.run(minutes(10));
        assert_eq!(world.reason(), reason, "{what}: {}", world.message());
        assert_eq!(world.update().status, Some(UpdateStatus::NotSent), "{what}");
        assert_eq!(world.sent.len(), 1, "{what}");
    }
}

#[test]
fn an_intent_not_wanted_any_more_is_adopted_where_eks_had_accepted_it() {
    let mut world = after([Fate::AnswerLost]);
    world.eks.list_lag = minutes(14);
    world.step();
    world.edit(|wish| wish.suspend = true);
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.memory.history[0].id.as_deref(), Some("u1"));
}

#[test]
fn a_deleted_object_with_an_open_intent_sends_nothing() {
    let mut world = after([Fate::RequestLost]);
    world.step();
    world.object.deleting = true;
    let before = world.memory.clone();
    world.run(minutes(60));
    assert_eq!(world.memory, before);
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a_wish_withdrawn_and_renewed_goes_on_with_the_same_token() {
    let mut world = after([Fate::RequestLost]);
    world.step();
    world.edit(|wish| wish.suspend = true);
    world.run(minutes(5));
    world.edit(|wish| wish.suspend = false);
    world.run(minutes(30));
    assert_eq!(world.sent.len(), 2);
    assert_eq!(world.sent[0], world.sent[1]);
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn force_changed_with_an_open_intent_is_another_request_with_another_token() {
    let mut world = after([Fate::RequestLost]);
    world.step();
    world.edit(|wish| wish.forced = Some("1.34".parse().unwrap()));
    world.run(minutes(14));
    assert_eq!(world.sent.len(), 1);
    world.run(minutes(30));
    assert_eq!(world.sent.len(), 2);
    assert!(world.sent[1].force);
    assert_ne!(
        world.sent[0].client_request_token,
        world.sent[1].client_request_token
    );
    assert_eq!(world.memory.attempts, Some(2));
}

/// The queue and the settle time hold first sends; this object has its place already.
#[test]
fn a_repetition_does_not_queue_again() {
    let mut world = after([Fate::RequestLost]);
    world.step();
    world.standing = Standing {
        queued_behind: Some(10),
        ..Standing::default()
    };
    world.object.settled_at = Some(world.now + minutes(60));
    world.run(minutes(2));
    assert_eq!(world.sent.len(), 2);
}

/// The clock of the replica that wrote the intent ran an hour ahead.
#[test]
fn an_intent_from_the_future_does_not_wait_for_it() {
    let mut world = after([Fate::CrashBefore]);
    world.now += minutes(60);
    world.step();
    world.now -= minutes(60);
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.accepted().len(), 1);
}

#[test]
fn an_intent_without_times_comes_to_an_end() {
    for suspend in [false, true] {
        let mut world = after([Fate::CrashBefore]);
        world.step();
        let update = world.memory.update.as_mut().unwrap();
        update.requested_at = None;
        update.last_send_at = None;
        world.edit(|wish| wish.suspend = suspend);
        world.run(minutes(60));
        assert_eq!(
            world.reason(),
            if suspend { "Suspended" } else { "UpToDate" }
        );
    }
}

#[test]
fn an_intent_is_looked_for_also_on_a_failed_cluster() {
    let mut world = after([Fate::CrashAfter]);
    world.step();
    world.eks.end = End::Never;
    world.eks.pass(world.now);
    world.eks.cluster.status = "FAILED".to_owned();
    world.now += minutes(1);
    world.settle();
    assert_eq!(world.update().id.as_deref(), Some("u1"));
    assert_eq!(world.reason(), "Updating");
}

#[test]
fn an_intent_for_a_cluster_that_is_gone_says_so() {
    let mut world = after([Fate::RequestLost]);
    world.step();
    world.eks.broken.insert("all", error(ErrorKind::NotFound));
    world.run(minutes(1));
    world.stays(Reason::ClusterNotFound, minutes(60));
    assert!(world.update().is_open_intent());
    world.eks.broken.clear();
    world.run(minutes(60));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn an_intent_without_a_token_is_looked_for_and_closed() {
    let mut world = World::new("1.33", "1.34");
    world.fates.push_back(Fate::RequestLost);
    world.step();
    world.memory.update.as_mut().unwrap().client_request_token = None;
    world.run(minutes(15));
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.reason(), "Updating");
    world.run(minutes(60));
    assert_eq!(world.sent.len(), 2, "{}", world.message());
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn an_intent_of_another_kind_is_not_repeated_as_an_upgrade() {
    let mut world = World::new("1.33", "1.34");
    world.fates.push_back(Fate::RequestLost);
    world.step();
    "VersionRollback".clone_into(&mut world.memory.update.as_mut().unwrap().kind);
    world.run(minutes(15));
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.reason(), "Updating");
}
