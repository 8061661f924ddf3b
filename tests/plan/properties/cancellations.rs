//! A cancellation is asked for where a rollback of this object is not wanted any more, once, and nowhere else. Written from
//! the protocol, not from the code under test.

use std::collections::BTreeSet;

use eks_upgrade_operator::api::{Cancel, CancelStatus, Update, UpdateStatus};
use eks_upgrade_operator::eks::{CancelRequest, ErrorKind, Progress};
use eks_upgrade_operator::plan::{
    Action, Decision, SEND_WITHIN, Sent, Wake, cancel_answered, may_begin,
};
use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::arbitrary::{failure, view};
use super::super::descending::withdrawn;
use super::super::eks::{ARN, error};
use super::super::owned::{Owned, cancels, sent};
use super::{cases, facts};

/// Facts by which a cancellation is sent, with what is sent.
fn cancelling() -> impl Strategy<Value = (Owned, Decision, CancelRequest)> {
    withdrawn()
        .prop_filter_map("nothing is cancelled", |owned| {
            let decision = owned.decide();
            let request = cancels(&decision)?.clone();
            Some((owned, decision, request))
        })
        .boxed()
}

fn cancellation(update: Option<&Update>) -> Option<&Cancel> {
    update?.cancel.as_ref()
}

/// A rollback of this object runs that the manifest no longer asks for.
fn assert_is_not_wanted(owned: &Owned, request: &CancelRequest) {
    let update = owned.memory.update.as_ref().unwrap();
    assert_eq!(update.kind, "VersionRollback");
    assert!(update.attempt.is_some() && update.client_request_token.is_some());
    let Some(Ok(view)) = &owned.observed.tracked else {
        panic!("cancelled without having seen the update")
    };
    // EKS tells of what it is asked about.
    assert_eq!(view.id, request.update_id);
    assert_eq!(view.kind, "VersionRollback", "by EKS's word");
    assert!(matches!(
        view.status,
        Progress::InProgress | Progress::Other(_)
    ));
    let is_cancelling = view.cancellation.as_ref();
    assert!(is_cancelling.is_none_or(|cancellation| cancellation.status == "Failed"));
    let wish = owned.object.wish.as_ref().unwrap();
    let permit = wish.rollback.as_ref();
    let is_asked_for = wish.version == update.to_version
        && permit.is_some_and(|permit| permit.from == update.from_version);
    assert!(!is_asked_for, "it is asked for");
}

/// And EKS can cancel it, and nobody forbids to.
fn assert_may_be_cancelled(owned: &Owned) {
    assert!(!owned.object.deleting && !owned.object.wish.as_ref().unwrap().suspend);
    assert_eq!(owned.standing.owner, None);
    assert_eq!(owned.standing.not_allowed, None);
    let Some(Ok(cluster)) = &owned.observed.cluster else {
        panic!("cancelled without having seen the cluster")
    };
    assert!(cluster.is_auto_mode);
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
}

/// It is written before, and a repetition is word for word what was sent before.
fn assert_is_announced(owned: &Owned, decision: &Decision, request: &CancelRequest) {
    let open = cancellation(decision.memory.update.as_ref()).unwrap();
    let expected = match cancellation(owned.memory.update.as_ref()) {
        Some(before) => {
            assert_eq!(before.status, None, "it was answered");
            Cancel {
                sends: before.sends + 1,
                last_send_at: owned.now,
                ..before.clone()
            }
        }
        None => Cancel {
            client_request_token: open.client_request_token.clone(),
            status: None,
            sends: 1,
            requested_at: owned.now,
            last_send_at: owned.now,
            errors: Vec::new(),
        },
    };
    assert_eq!(open, &expected);
    assert_eq!(open.client_request_token, request.client_request_token);
    assert_eq!(decision.wake, Wake::Now);
    let action = Action::Cancel(request.clone());
    assert!(may_begin(&decision.memory, &action, owned.now));
    let late = owned.now + SEND_WITHIN + SignedDuration::from_millis(1);
    assert!(!may_begin(&decision.memory, &action, late));
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn what_is_cancelled_may_be_cancelled(owned in prop_oneof![facts(), withdrawn().boxed()]) {
        let decision = owned.decide();
        if let Some(request) = cancels(&decision) {
            assert_is_not_wanted(&owned, request);
            assert_may_be_cancelled(&owned);
            assert_is_announced(&owned, &decision, request);
        }
        // What is known of a cancellation stays with its update.
        let (before, after) = (&owned.memory.update, &decision.memory.update);
        if let Some(known) = cancellation(before.as_ref())
            && before.as_ref().map(|update| &update.id) == after.as_ref().map(|update| &update.id)
        {
            let now = cancellation(after.as_ref());
            // EKS may say later that it could not carry out what it had taken.
            let has_failed = matches!(&owned.observed.tracked, Some(Ok(view))
                if view.cancellation.as_ref().is_some_and(|shown| shown.status == "Failed"));
            prop_assert!(now.is_some_and(|now| {
                let is_refused_now = has_failed && now.status == Some(CancelStatus::Refused);
                now.client_request_token == known.client_request_token
                    && now.sends >= known.sends
                    && (known.status.is_none() || now == known || is_refused_now)
            }), "{known:?} became {now:?}");
        }
    }

    #[test]
    fn an_answer_closes_nothing_but_an_open_cancellation(owned in facts(), view in view(), failure in failure()) {
        for sent in [Sent::Accepted(view), Sent::NotAccepted(failure), Sent::Dropped] {
            let decision = cancel_answered(&owned.memory, &sent);
            prop_assert_eq!(&decision.action, &None);
            let known = cancellation(owned.memory.update.as_ref());
            if known.is_none_or(|known| known.status.is_some()) || sent == Sent::Dropped {
                prop_assert_eq!(&decision.memory, &owned.memory);
                continue;
            }
            // Nothing else changes.
            let mut other = decision.memory.clone();
            let update = other.update.as_mut().unwrap();
            let now = update.cancel.take().unwrap();
            update.cancel = known.cloned();
            prop_assert_eq!(&other, &owned.memory);
            let known = known.unwrap();
            prop_assert_eq!(now.client_request_token, known.client_request_token.clone());
            prop_assert_eq!((now.sends, now.last_send_at), (known.sends, known.last_send_at));
            let expected = match &sent {
                Sent::Accepted(_) => Some(CancelStatus::Accepted),
                Sent::NotAccepted(error) => matches!(
                    error.kind,
                    ErrorKind::InvalidState | ErrorKind::InvalidParameter | ErrorKind::Rejected
                ).then_some(CancelStatus::Refused),
                Sent::Dropped => None,
            };
            prop_assert_eq!(now.status, expected);
        }
    }
}

/// What becomes of one cancellation.
#[derive(Clone, Debug)]
enum Answer {
    /// Killed, or the answer is lost.
    None,
    Accepted,
    Error(ErrorKind),
}

fn answer() -> impl Strategy<Value = Answer> {
    let kinds = vec![
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::InUse,
        ErrorKind::NotFound,
        ErrorKind::AccessDenied,
        ErrorKind::InvalidState,
        ErrorKind::Rejected,
        ErrorKind::InvalidParameter,
    ];
    prop_oneof![
        3 => Just(Answer::None),
        1 => Just(Answer::Accepted),
        3 => proptest::sample::select(kinds).prop_map(Answer::Error),
    ]
}

proptest! {
    #![proptest_config(cases(1000))]

    /// One cancellation, word for word, spaced out, until EKS has answered it; and none after that.
    #[test]
    fn a_cancellation_is_asked_for_once(
        (owned, first, request) in cancelling(),
        courses in vec((answer(), 0_i64..1500), 1..12),
    ) {
        let mut later = Owned { memory: first.memory.clone(), ..owned };
        // Of what was decided on, as well as of what follows.
        let (mut last, mut is_open, mut tokens) = (later.now, true, BTreeSet::new());
        tokens.insert(request.client_request_token.clone());
        prop_assert_eq!(later.decide().action, None, "at once");
        for (answer, wait) in courses {
            match answer {
                Answer::None => {}
                Answer::Accepted => {
                    let Some(Ok(view)) = &later.observed.tracked else { panic!("nothing is followed") };
                    later.memory = cancel_answered(&later.memory, &Sent::Accepted(view.clone())).memory;
                    is_open = false;
                }
                Answer::Error(kind) => {
                    let refused = Sent::NotAccepted(error(kind));
                    later.memory = cancel_answered(&later.memory, &refused).memory;
                    is_open &= !matches!(kind, ErrorKind::InvalidState | ErrorKind::Rejected | ErrorKind::InvalidParameter);
                }
            }
            later.now += SignedDuration::from_secs(wait);
            let next = later.decide();
            if let Some(again) = cancels(&next) {
                prop_assert!(is_open, "asked for again after {:?}", later.memory.update);
                prop_assert_eq!(&again.update_id, &request.update_id);
                tokens.insert(again.client_request_token.clone());
                prop_assert!(later.now.duration_since(last) >= SignedDuration::from_secs(1));
                last = later.now;
            }
            later.memory = next.memory;
        }
        prop_assert_eq!(tokens.len(), 1);
    }

    /// Nothing but the uid, the cluster and the update goes into the token: a lost status makes the same again.
    #[test]
    fn the_same_cancellation_has_the_same_token((mut owned, _, _) in cancelling(), later in 0_i64..900_000) {
        let token = |owned: &Owned| Some(cancels(&owned.decide())?.client_request_token.clone());
        let update = owned.memory.update.as_mut().unwrap();
        update.cancel = None;
        let first = token(&owned).unwrap();
        let mut other = owned.clone();
        other.now += SignedDuration::from_secs(later);
        let update = other.memory.update.as_mut().unwrap();
        update.attempt = Some(77);
        update.force = !update.force;
        prop_assert_eq!(token(&other), Some(first.clone()));
        let mut replaced = owned.clone();
        replaced.object.uid = "uid-2".to_owned();
        prop_assert_ne!(token(&replaced), Some(first.clone()));
        let id = "r9";
        owned.memory.update.as_mut().unwrap().id = Some(id.to_owned());
        if let Some(Ok(view)) = &mut owned.observed.tracked {
            id.clone_into(&mut view.id);
        }
        prop_assert_ne!(token(&owned), Some(first));
    }

    /// What is cancelled is not cancelled once one thing is different.
    #[test]
    fn one_objection_is_enough((owned, _, _) in cancelling(), objection in 0..14) {
        let mut other = owned;
        let wish = other.object.wish.as_mut().unwrap();
        let update = other.memory.update.as_mut().unwrap();
        let Some(Ok(view)) = &mut other.observed.tracked else { panic!("nothing is followed") };
        match objection {
            0 => wish.suspend = true,
            1 => other.object.deleting = true,
            2 => other.standing.owner = Some("team/older".to_owned()),
            3 => other.standing.not_allowed = Some("Not allowed.".to_owned()),
            4 => other.observed.cluster = None,
            5 => update.attempt = None,
            6 => update.client_request_token = None,
            7 => view.status = Progress::Successful,
            8 => view.status = Progress::Failed,
            9 => {
                let permit = eks_upgrade_operator::plan::RollbackPermit {
                    from: update.from_version,
                    update_id: "any".to_owned(),
                    timeout: eks_upgrade_operator::api::RollbackTimeout::DEFAULT,
                };
                wish.version = update.to_version;
                wish.rollback = Some(permit);
            }
            10 => "VersionUpdate".clone_into(&mut update.kind),
            11 => {
                let cancel = update.cancel.get_or_insert_with(|| Cancel {
                    client_request_token: "cancel-1".to_owned(),
                    status: None,
                    sends: 1,
                    requested_at: other.now,
                    last_send_at: other.now,
                    errors: Vec::new(),
                });
                cancel.status = Some(CancelStatus::Refused);
            }
            12 | 13 => if let Some(Ok(cluster)) = &mut other.observed.cluster {
                if objection == 12 {
                    cluster.is_auto_mode = false;
                } else {
                    "UPDATING".clone_into(&mut cluster.status);
                }
            },
            _ => unreachable!(),
        }
        let decision = other.decide();
        prop_assert_eq!(cancels(&decision), None, "{}", objection);
    }

    /// A rollback that was stopped is not begun again by itself, nor where the manifest asks for the same once more.
    #[test]
    fn what_was_cancelled_stays_so((owned, decision, _) in cancelling()) {
        let mut later = Owned { memory: decision.memory, ..owned };
        later.object.retry_requested_at = None;
        let Some(Ok(view)) = &mut later.observed.tracked else { panic!("nothing is followed") };
        view.status = Progress::Cancelled;
        let view = view.clone();
        later.memory = cancel_answered(&later.memory, &Sent::Accepted(view.clone())).memory;
        // It is the last that EKS did.
        if let Some(Ok(updates)) = &mut later.observed.updates {
            updates.retain(|other| other.id != view.id && other.created_at < view.created_at);
            updates.push(view);
        }
        later.memory = later.decide().memory;
        let stopped = later.memory.update.clone().unwrap();
        prop_assert_eq!(stopped.status.as_ref(), Some(&UpdateStatus::Cancelled));
        let wish = later.object.wish.as_mut().unwrap();
        wish.version = stopped.to_version;
        wish.forced = stopped.force.then_some(stopped.to_version);
        if let Some(permit) = &mut wish.rollback {
            permit.timeout = stopped.timeout.unwrap_or(permit.timeout);
        }
        prop_assume!(stopped.for_version.is_none_or(|tried| tried == wish.version));
        let next = later.asked().decide();
        let rollback = sent(&next).filter(|request| request.rollback_timeout.is_some());
        prop_assert_eq!(rollback, None, "after {:?}", stopped);
    }
}
