//! Exactly one reason, by the precedence; and whatever is said can be acted upon.

use eks_upgrade_operator::api::{Reason, UpdateStatus};
use eks_upgrade_operator::plan::{Observed, Outcome, Wake};
use proptest::prelude::*;

use super::super::owned::Owned;
use super::super::reasons::{Rule, Said, applying};
use super::super::world::assert_readable;
use super::{cases, facts};

/// Asked as the controller asks; an owner that turns up meanwhile is known by the time it is decided.
pub fn asked(all: &Owned, owner_is_late: bool) -> Owned {
    let mut before = all.clone();
    if owner_is_late {
        before.standing.owner = None;
    }
    let mut seen = before.asked();
    seen.standing.clone_from(&all.standing);
    seen
}

pub fn said(outcome: &Outcome) -> Said {
    match outcome {
        Outcome::Say(reason, _) => Said::Reason(*reason),
        Outcome::Keep => Said::Keep,
        Outcome::Silent => Said::Silent,
    }
}

/// What a person can do, or that nothing needs to be done; or at least which cluster it is about.
fn assert_leads_somewhere(reason: Reason, message: &str) {
    let ways = [
        "luster devel",
        "by itself",
        "spec.",
        "Correct the manifest",
        "it is followed",
        "it is waited for",
        "with the same token",
        "Upgraded from",
        "looked for",
        "it is tried until",
        "elete this object",
        "starts when",
        "starts at",
        "cannot be looked up",
    ];
    assert!(
        reason == Reason::NotAllowed || ways.iter().any(|way| message.contains(way)),
        "{reason} leads nowhere: {message}"
    );
}

proptest! {
    #![proptest_config(cases(6000))]

    #[test]
    fn the_first_reason_that_applies_is_said(all in facts(), owner_is_late in any::<bool>()) {
        let all = all.complete();
        let seen = asked(&all, owner_is_late);
        let decision = seen.decide();
        let rules = applying(&all, &seen);
        let (rule, expected) = rules.first_key_value().unwrap();
        prop_assert_eq!(said(&decision.outcome), *expected, "of {:?}: {:?}", rules, decision.outcome);
        // An update starts where nothing is in the way, and only there.
        let starts = decision.action.is_some() && seen.open_intent().is_none();
        let is_free = *rule == Rule::Free && *expected != Said::Reason(Reason::RequestRejected);
        let was_given_up = seen.open_intent().is_some() && is_free;
        prop_assert_eq!(starts || was_given_up, is_free);
        prop_assert!(decision.action.is_none() || is_free || *rule == Rule::Own);
        if let Outcome::Say(reason, message) = &decision.outcome {
            let annotation = all.object.retry_requested_at.as_deref();
            if annotation.is_none_or(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-:.".contains(&byte))) {
                assert_readable(*reason, message);
            }
            assert_leads_somewhere(*reason, message);
        }
    }

}

proptest! {
    #![proptest_config(cases(3000))]

    /// Nothing is asked but what the reason that is said follows from.
    #[test]
    fn no_more_is_read_than_is_needed(all in facts()) {
        let all = all.complete();
        let seen = all.asked();
        let rules = applying(&all, &seen);
        let Observed { tracked, cluster, updates, versions, nodegroups: _, refresh: _, insights: _, readiness: _ } = &seen.observed;
        let read = [tracked.is_some(), cluster.is_some(), updates.is_some(), versions.is_some()];
        let needed = match rules.first_key_value().unwrap().0 {
            Rule::Deleted | Rule::InvalidSpec | Rule::NotAllowed | Rule::ClusterConflict => [false; 4],
            Rule::ClusterReplaced | Rule::ClusterFailed | Rule::UnsupportedCluster | Rule::UpToDate | Rule::ClusterAheadOfSpec => [false, true, false, false],
            Rule::Suspended => [false, true, true, false],
            _ => [true; 4],
        };
        // What was open or ran was looked for before.
        let update = seen.memory.update.as_ref();
        let is_over = seen.open_intent().is_none() && tracked.is_none();
        for (read, needed) in read.into_iter().zip(needed) {
            prop_assert!(!read || needed || !is_over, "{:?} after {:?}", rules, update);
        }
    }

    /// The controller reads as little as possible. Had it read everything, it would say the same.
    #[test]
    fn reading_less_says_the_same(all in facts()) {
        let all = all.complete();
        let observed = &all.observed;
        prop_assume!(observed.failure().is_none() && all.standing.not_allowed.is_none());
        prop_assume!(all.object.wish.is_ok());
        // What answers a request that EKS refuses by now is found where the list is read, and needless elsewhere.
        let update = all.memory.update.as_ref();
        prop_assume!(update.is_none_or(|update| update.status != Some(UpdateStatus::Refused)));
        let (full, lazy) = (all.decide(), all.asked().decide());
        // An update is lost: what else has to be known is asked by the next look.
        prop_assume!((&lazy.outcome, lazy.wake) != (&Outcome::Keep, Wake::Now));
        prop_assert_eq!(said(&full.outcome), said(&lazy.outcome));
        prop_assert_eq!(full.action, lazy.action);
    }
}
