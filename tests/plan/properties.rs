//! What holds for any facts whatsoever, sensible or not.

use std::sync::Arc;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, HISTORY_LIMIT, Minor, Update};
use eks_upgrade_operator::eks::{ErrorKind, Progress, UpdateView};
use eks_upgrade_operator::plan::{
    Action, Decision, Facts, Observed, Outcome, Read, Sent, Settings, Wake, answered, decide,
    next_read,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::arbitrary::{Owned, failure, observed, owned, view};
use super::eks::{ARN, error};

fn facts<'a>(
    owned: &'a Owned,
    memory: &'a ClusterUpgradeStatus,
    settings: &'a Settings,
) -> Facts<'a> {
    let Owned {
        object,
        memory: _,
        standing,
        observed,
        trouble,
        refusals,
        now,
    } = owned;
    Facts {
        object,
        memory,
        standing,
        observed,
        trouble: *trouble,
        refusals: *refusals,
        settings,
        now: *now,
    }
}

/// Written anew from the protocol, not from the code under test.
fn assert_may_be_sent(owned: &Owned, decision: &Decision) {
    let Some(Action::Send(request)) = &decision.action else {
        return;
    };
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
    let from: Minor = cluster.version.parse().unwrap();
    assert_eq!(
        request.version.number(),
        from.number() + 1,
        "a minor is skipped or taken back"
    );
    assert!(request.version <= wish.version, "more than was asked for");
    assert_eq!(request.force, wish.forced == Some(request.version));
    let Some(Ok(updates)) = &owned.observed.updates else {
        panic!("sent without having seen the list")
    };
    let runs = |view: &UpdateView| matches!(view.status, Progress::InProgress | Progress::Other(_));
    assert!(!updates.iter().any(runs), "sent while something runs");
    assert!(
        matches!(&owned.observed.versions, Some(Ok(offered)) if offered.iter().any(|offer| offer.version == request.version))
    );

    let intent = decision.memory.update.as_ref().unwrap();
    assert!(intent.is_open_intent());
    assert_eq!(
        intent.client_request_token.as_ref(),
        Some(&request.client_request_token)
    );
    assert_eq!(intent.last_send_at, Some(owned.now));
    assert_eq!(
        (intent.to_version, intent.force),
        (request.version, request.force)
    );

    let version_updates = updates
        .iter()
        .filter(|view| view.kind.starts_with("Version"));
    let Some(newest) =
        version_updates.max_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)))
    else {
        return;
    };
    let against = newest.kind == "VersionRollback"
        || (matches!(newest.status, Progress::Failed | Progress::Cancelled)
            && newest.to_version.as_deref() == Some(request.version.to_string().as_str()));
    if against {
        let annotation = owned.object.retry_requested_at.as_deref();
        let annotated = annotation
            .and_then(|text| text.parse::<Timestamp>().ok())
            .is_some_and(|at| {
                at <= owned.now && newest.created_at.is_some_and(|created| at > created)
            });
        let edited = owned
            .memory
            .update
            .iter()
            .chain(&owned.memory.history)
            .any(|known| {
                known.id.as_ref() == Some(&newest.id)
                    && known
                        .for_version
                        .is_some_and(|tried| tried != wish.version || known.force != request.force)
            });
        assert!(annotated || edited, "sent against {newest:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deciding_is_total_deterministic_and_safe(owned in owned()) {
        let settings = Settings::default();
        let decision = decide(&facts(&owned, &owned.memory, &settings));
        prop_assert_eq!(&decision, &decide(&facts(&owned, &owned.memory, &settings)));
        assert_may_be_sent(&owned, &decision);

        prop_assert!(decision.memory.attempts >= owned.memory.attempts);
        prop_assert!(decision.memory.history.len() <= HISTORY_LIMIT);
        if let Some(Action::Send(_)) = &decision.action {
            let intent = decision.memory.update.as_ref().unwrap();
            let is_repetition = owned.memory.update.as_ref().is_some_and(|before| {
                before.is_open_intent() && before.client_request_token == intent.client_request_token
            });
            if is_repetition {
                prop_assert_eq!(decision.memory.attempts, owned.memory.attempts);
            } else {
                prop_assert_eq!(intent.attempt, owned.memory.attempts.map(|attempts| attempts + 1));
                prop_assert_eq!(decision.memory.attempts, intent.attempt);
            }
            // Once written it is not asked for again at once.
            let again = decide(&facts(&owned, &decision.memory, &settings));
            prop_assert_eq!(again.action, None);
        }
        if let Outcome::Say(reason, message) = &decision.outcome {
            prop_assert!(!message.is_empty() && message.len() < 32_768, "{reason}: {message}");
        }
        if owned.object.deleting {
            prop_assert_eq!(&decision.outcome, &Outcome::Silent);
            prop_assert_eq!(&decision.memory, &owned.memory);
        }
        // What EKS accepted is not forgotten.
        if let Some(id) = owned.memory.update.as_ref().and_then(|update| update.id.as_ref()) {
            let mut kept = decision.memory.update.iter().chain(&decision.memory.history);
            prop_assert!(kept.any(|update| update.id.as_ref() == Some(id)));
        }
        // Nor is an intent dropped while EKS may have accepted it.
        if let Some(intent) = owned.memory.update.as_ref().filter(|update| update.is_open_intent())
            && let Some(now) = &decision.memory.update
            && now.client_request_token != intent.client_request_token
        {
            let last = intent.last_send_at.or(intent.requested_at);
            prop_assert!(last.is_some_and(|last| owned.now >= last + SignedDuration::from_mins(15)));
        }
    }

    #[test]
    fn asking_comes_to_an_end(owned in owned(), answers in observed()) {
        let settings = Settings::default();
        let mut known = Owned { observed: Observed::default(), ..owned };
        let mut reads = 0;
        while let Some(read) = next_read(&facts(&known, &known.memory, &settings)) {
            reads += 1;
            prop_assert!(reads <= 5);
            let slot = &mut known.observed;
            match read {
                Read::Tracked(_) => slot.tracked = answers.tracked.clone().or(Some(Err(error(ErrorKind::NotFound)))),
                Read::Cluster => slot.cluster = answers.cluster.clone().or(Some(Err(error(ErrorKind::Unavailable)))),
                Read::Updates => slot.updates = answers.updates.clone().or(Some(Ok(Vec::new()))),
                Read::Versions => slot.versions = answers.versions.clone().or(Some(Ok(Arc::from([])))),
            }
        }
        // Then enough is known: no decision asks to be made again at once without having changed anything.
        let decision = decide(&facts(&known, &known.memory, &settings));
        if decision.wake == Wake::Now && decision.action.is_none() {
            prop_assert_ne!(&decision.memory, &known.memory, "{:?}", decision.outcome);
        }
    }

    #[test]
    fn an_answer_closes_nothing_but_an_open_intent(owned in owned(), view in view(), failure in failure()) {
        let settings = Settings::default();
        for sent in [Sent::Accepted(view), Sent::NotAccepted(failure), Sent::Dropped] {
            let decision = answered(&owned.memory, &sent, &settings, owned.now);
            prop_assert_eq!(&decision.action, &None);
            prop_assert_eq!(decision.memory.attempts, owned.memory.attempts);
            prop_assert_eq!(&decision.memory.history, &owned.memory.history);
            let is_open = owned.memory.update.as_ref().is_some_and(Update::is_open_intent);
            if !is_open && !matches!(sent, Sent::Accepted(_)) {
                prop_assert_eq!(&decision.memory, &owned.memory);
            }
            if let Some(before) = &owned.memory.update {
                let after = decision.memory.update.as_ref().unwrap();
                prop_assert_eq!(&after.client_request_token, &before.client_request_token);
                prop_assert!(before.id.is_none() || after.id == before.id);
            }
        }
    }
}
