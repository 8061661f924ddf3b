//! What is sent may be sent, and nothing else is. Written anew from the protocol, not from the code under test.

use eks_upgrade_operator::api::Minor;
use eks_upgrade_operator::eks::{Progress, UpdateView, VersionRequest};
use eks_upgrade_operator::plan::{Decision, Outcome, Wake};
use jiff::Timestamp;
use proptest::prelude::*;

use super::super::eks::ARN;
use super::super::owned::{Owned, sent};
use super::carried_out::sending;
use super::{cases, facts};

/// The object, its place and the cluster permit this request.
fn assert_is_asked_for(owned: &Owned, request: &VersionRequest) {
    let wish = owned.object.wish.as_ref().unwrap();
    assert!(!owned.object.deleting && !wish.suspend);
    assert_eq!(owned.standing.owner, None);
    assert_eq!(owned.standing.not_allowed, None);
    let Some(Ok(cluster)) = &owned.observed.cluster else {
        panic!("sent without having seen the cluster")
    };
    assert_eq!(
        (cluster.arn.as_str(), cluster.status.as_str()),
        (ARN, "ACTIVE")
    );
    if let Some(pinned) = &owned.memory.cluster {
        let is_recreated = pinned.created_at.is_some()
            && cluster.created_at.is_some()
            && pinned.created_at != cluster.created_at;
        assert!(pinned.arn == cluster.arn && !is_recreated);
    }
    let from: Minor = cluster.version.parse().unwrap();
    assert_eq!(
        request.version.number(),
        from.number() + 1,
        "a minor is skipped or taken back"
    );
    assert!(request.version <= wish.version, "more than was asked for");
    assert_eq!(request.force, wish.forced == Some(request.version));
    let Some(Ok(offered)) = &owned.observed.versions else {
        panic!("sent without having seen what is on offer")
    };
    let mut offered = offered.iter();
    assert!(offered.any(|offer| offer.version == request.version && offer.status != "UNSUPPORTED"));
}

fn minor_after(version: &str) -> Option<Minor> {
    version.parse::<Minor>().ok().map(Minor::next)
}

/// What EKS lists permits it: nothing runs, and nothing that ended stands against it.
fn assert_is_free(owned: &Owned, request: &VersionRequest) {
    let Some(updates) = owned.listed() else {
        panic!("sent without having seen the list")
    };
    let runs = |view: &UpdateView| matches!(view.status, Progress::InProgress | Progress::Other(_));
    assert!(!updates.iter().any(runs), "sent while something runs");
    let version_updates = updates
        .iter()
        .filter(|view| view.kind.starts_with("Version"));
    let newest = version_updates.max_by_key(|view| (view.created_at, &view.id));
    let Some(newest) = newest else {
        return;
    };
    let to = request.version.to_string();
    let is_of_the_hop = newest.to_version.as_ref() == Some(&to);
    let ended_badly = matches!(newest.status, Progress::Failed | Progress::Cancelled);
    if newest.kind == "VersionRollback" || (ended_badly && is_of_the_hop) {
        let annotation = owned.object.retry_requested_at.as_deref();
        let annotation = annotation.and_then(|text| text.parse::<Timestamp>().ok());
        let known = owned.remembered();
        let known = known.filter(|known| known.id.as_ref() == Some(&newest.id));
        let mut begun = match newest.created_at {
            Some(at) => vec![at],
            None => known
                .filter_map(|known| known.created_at.max(known.requested_at))
                .collect(),
        }
        .into_iter();
        let annotated = annotation
            .filter(|at| *at <= owned.now)
            .is_some_and(|at| begun.any(|begun| at > begun));
        let wish = owned.object.wish.as_ref().unwrap();
        // Another try of the same: the hop, or the one that takes the rollback back.
        let next_try = match newest.kind.as_str() {
            "VersionRollback" => newest.to_version.as_deref().and_then(minor_after),
            _ => Some(request.version),
        };
        let forced = next_try.is_some() && wish.forced == next_try;
        let edited = owned.remembered().any(|known| {
            let told = newest.to_version.as_ref();
            known.id.as_ref() == Some(&newest.id)
                && known.kind == newest.kind
                && told.is_none_or(|told| *told == known.to_version.to_string())
                && known
                    .for_version
                    .is_some_and(|tried| tried != wish.version || known.force != forced)
        });
        assert!(annotated || edited, "sent against {newest:?}");
    }
}

/// The intent that is written before says what is sent, and when.
fn assert_is_announced(owned: &Owned, decision: &Decision, request: &VersionRequest) {
    let intent = decision.memory.update.as_ref().unwrap();
    assert!(intent.is_open_intent());
    assert_eq!(
        intent.client_request_token.as_ref(),
        Some(&request.client_request_token)
    );
    assert_eq!(intent.kind, "VersionUpdate");
    assert_eq!(intent.last_send_at, Some(owned.now));
    assert_eq!(
        (intent.from_version.next(), intent.to_version, intent.force),
        (request.version, request.version, request.force)
    );
    assert_eq!(decision.wake, Wake::Now);
}

/// A repetition is word for word what was sent before; any other send is an attempt of its own.
fn assert_is_counted(owned: &Owned, decision: &Decision) {
    let intent = decision.memory.update.as_ref().unwrap();
    let before = owned
        .open_intent()
        .filter(|before| before.client_request_token == intent.client_request_token);
    if let Some(before) = before {
        assert_eq!(decision.memory.attempts, owned.memory.attempts);
        let repeated = eks_upgrade_operator::api::Update {
            // It is a try of what is asked for by now.
            for_version: owned.object.wish.as_ref().ok().map(|wish| wish.version),
            sends: Some(before.sends.unwrap_or(1) + 1),
            last_send_at: Some(owned.now),
            ..before.clone()
        };
        assert_eq!(intent, &repeated);
    } else {
        let used = owned.remembered().filter_map(|update| update.attempt);
        let most = used.chain(owned.memory.attempts).max().unwrap_or(0);
        assert_eq!(
            intent.attempt,
            most.checked_add(1),
            "an attempt is used twice"
        );
        assert_eq!(decision.memory.attempts, intent.attempt);
        assert_eq!(intent.sends, Some(1));
        assert_ne!(intent.attempt, None);
        let token = &intent.client_request_token;
        assert!(
            owned
                .remembered()
                .all(|update| update.client_request_token != *token),
            "a token is used twice"
        );
    }
}

proptest! {
    #![proptest_config(cases(6000))]

    #[test]
    fn what_is_sent_may_be_sent(owned in facts()) {
        let decision = owned.decide();
        prop_assert_eq!(&decision, &owned.decide());
        if let Some(request) = sent(&decision) {
            assert_is_asked_for(&owned, request);
            assert_is_free(&owned, request);
            assert_is_announced(&owned, &decision, request);
            assert_is_counted(&owned, &decision);
        }
        if owned.object.deleting {
            prop_assert_eq!(&decision.outcome, &Outcome::Silent);
            prop_assert_eq!(&decision.memory, &owned.memory);
        }
    }

    #[test]
    fn asking_comes_to_an_end(owned in facts()) {
        // Then enough is known: no decision asks to be made again at once without having changed anything.
        let known = owned.asked();
        let decision = known.decide();
        if decision.wake == Wake::Now && decision.action.is_none() {
            prop_assert_ne!(&decision.memory, &known.memory, "{:?}", decision.outcome);
        }
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    /// What has anything sent has nothing sent once one thing is different.
    #[test]
    fn one_objection_is_enough((owned, _, _) in sending(), objection in 0..8) {
        let mut other = owned;
        let wish = other.object.wish.as_mut().unwrap();
        match objection {
            0 => wish.suspend = true,
            1 => wish.version = Minor::new(30),
            2 => other.object.deleting = true,
            3 => other.standing.owner = Some("team/older".to_owned()),
            4 => other.standing.not_allowed = Some("Not allowed.".to_owned()),
            5 => other.observed.updates = None,
            6 => other.observed.cluster = None,
            _ => if let Some(Ok(cluster)) = &mut other.observed.cluster {
                "UPDATING".clone_into(&mut cluster.status);
            },
        }
        prop_assert_eq!(other.decide().action, None);
    }
}
