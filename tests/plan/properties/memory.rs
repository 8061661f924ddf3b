//! What status remembers, from one decision to the next.

use std::collections::BTreeSet;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, HISTORY_LIMIT, UpdateStatus};
use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::arbitrary;
use super::super::owned::{Owned, remembered};
use super::{cases, facts};

fn ids(memory: &ClusterUpgradeStatus) -> BTreeSet<String> {
    remembered(memory)
        .filter_map(|update| update.id.clone())
        .collect()
}

/// With a history that is full, or nearly.
fn full() -> impl Strategy<Value = Owned> {
    (facts(), vec(arbitrary::remembered(), 8..12)).prop_map(|(mut owned, mut history)| {
        for (index, update) in history.iter_mut().enumerate() {
            update.id = Some(format!("past-{index}"));
        }
        history.truncate(HISTORY_LIMIT);
        owned.memory.history = history;
        owned
    })
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn attempts_rise_and_ids_stay(owned in facts()) {
        let after = owned.decide().memory;
        prop_assert!(after.attempts >= owned.memory.attempts);
        prop_assert!(after.history.len() <= HISTORY_LIMIT);
        prop_assert!(ids(&after).is_superset(&ids(&owned.memory)));
        // Nor is an intent dropped while EKS may have accepted it.
        if let Some(intent) = owned.open_intent()
            && after.update.as_ref().is_none_or(|now| {
                now.client_request_token != intent.client_request_token
                    || now.status == Some(UpdateStatus::NotSent)
            })
        {
            let last = intent.last_send_at.or(intent.requested_at).or(intent.finished_at);
            prop_assert!(last.is_some_and(|last| owned.now >= last + SignedDuration::from_mins(15)));
        }
        // The cluster stays the one first seen.
        if let (Some(before), Some(now)) = (&owned.memory.cluster, &after.cluster) {
            prop_assert_eq!(&before.arn, &now.arn);
            prop_assert!(before.created_at.is_none() || before.created_at == now.created_at);
        }
    }

    /// Of several updates that can be the answer to a request, the one that EKS accepted last is followed.
    #[test]
    fn the_newest_answer_is_adopted(owned in facts()) {
        let after = owned.decide().memory.update;
        let intent = owned.open_intent();
        let adopted = after.as_ref().and_then(|update| update.id.as_ref());
        if let (Some(intent), Some(id)) = (intent, adopted)
            && let Some(requested) = intent.requested_at
        {
            let listed = owned.listed().unwrap();
            let latest = listed.iter().filter(|view| view.id == *id).map(|view| view.created_at).max();
            let is_past = |id: &str| owned.memory.history.iter().any(|past| past.id.as_deref() == Some(id));
            let newer = listed.iter().find(|view| {
                view.kind == intent.kind
                    && view.to_version.as_ref() == Some(&intent.to_version.to_string())
                    && view.created_at >= Some(requested)
                    && Some(view.created_at) > latest
                    && !is_past(&view.id)
            });
            prop_assert_eq!(newer, None, "{} is adopted", id);
        }
    }

    /// A history that is full loses its oldest, and no more than it must: one that stands in the way is not among them.
    #[test]
    fn a_full_history_loses_its_oldest(owned in full()) {
        let decision = owned.decide();
        let (before, after) = (ids(&owned.memory), ids(&decision.memory));
        prop_assert!(decision.memory.history.len() <= HISTORY_LIMIT);
        let all = before.union(&after).count();
        prop_assert!(after.len() >= all.min(HISTORY_LIMIT), "{before:?} became {after:?}");
        let past = &owned.memory.history;
        let lost = past.iter().filter(|update| !update.id.as_ref().is_some_and(|id| after.contains(id)));
        let oldest = lost.clone().count() + 1;
        for update in lost {
            let mut last = past.iter().rev().take(oldest);
            prop_assert!(last.any(|other| other.id == update.id), "{:?} is lost", update.id);
        }
    }

    /// What is written can be read again: else the object would be unreadable from then on.
    #[test]
    fn what_is_remembered_can_be_read_again(owned in facts()) {
        let after = owned.decide().memory;
        let text = serde_json::to_string(&after).unwrap();
        prop_assert_eq!(serde_json::from_str::<ClusterUpgradeStatus>(&text).unwrap(), after);
    }
}
