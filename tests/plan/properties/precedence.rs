//! Exactly one reason, by the precedence; and whatever is said can be acted upon.

use eks_upgrade_operator::api::{Reason, UpdateStatus};
use eks_upgrade_operator::plan::{Observed, Outcome, Wake};
use proptest::prelude::*;

use super::super::owned::{Owned, sent};
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

/// Whether status knows how the cluster came to its version, so that the list tells nothing new.
fn is_at_home(all: &Owned) -> bool {
    let Some(Ok(view)) = &all.observed.cluster else {
        return false;
    };
    let pinned = all.memory.cluster.as_ref();
    let is_known = pinned.is_some_and(|pinned| pinned.version == view.version);
    let permit = all.object.wish.as_ref().ok();
    let permit = permit.and_then(|wish| wish.rollback.as_ref());
    let may_be_rolled_back =
        permit.is_some_and(|permit| view.version.parse().ok() == permit.from.previous());
    is_known && !may_be_rolled_back
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
        "Rolled back from",
        "looked for",
        "it is tried until",
        "elete this object",
        "starts when",
        "starts at",
        "starts once",
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
        let starts = sent(&decision).is_some() && seen.open_intent().is_none();
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
        let Observed { tracked, cluster, updates, versions, nodegroups, refresh, insights, readiness, support, evidence, answered_at: _ } = &seen.observed;
        let read = [
            cluster.is_some(),
            updates.is_some(),
            versions.is_some(),
            nodegroups.is_some(),
            refresh.is_some(),
            insights.is_some(),
        ];
        let rule = *rules.first_key_value().unwrap().0;
        // So many of them, one after the other.
        let needed = match rule {
            Rule::Deleted | Rule::InvalidSpec | Rule::InvalidGates | Rule::NotAllowed | Rule::ClusterConflict => 0,
            Rule::ClusterReplaced | Rule::ClusterFailed | Rule::UnsupportedCluster => 1,
            Rule::UpToDate if is_at_home(&all) => 1,
            Rule::UpToDate | Rule::ClusterAheadOfSpec | Rule::Adopted | Rule::Ended | Rule::Suspended => 2,
            Rule::UnsupportedVersion | Rule::WaitingForCluster | Rule::Queued | Rule::Held | Rule::Frozen | Rule::OutsideWindow | Rule::Baking => 3,
            Rule::Blocked => 4,
            Rule::PreflightUnknown => 5,
            Rule::Own | Rule::Trouble | Rule::Insights | Rule::Refused | Rule::Free => 6,
        };
        let needed = (0..6).map(|nth| nth < needed);
        // Whether it could be rolled back is shown of a cluster that rests.
        let rests = matches!(rule, Rule::UpToDate | Rule::ClusterAheadOfSpec);
        // What was open or ran was looked for before.
        let update = seen.memory.update.as_ref();
        let is_over = seen.open_intent().is_none() && tracked.is_none();
        prop_assert!(readiness.is_none() || rests || !is_over || rule == Rule::Own, "{:?}", rules);
        // The checks are made before an upgrade, and shown while one waits; how long versions are supported is shown besides.
        let is_looked_at = [
            evidence.nodegroups.is_some(),
            evidence.addons.is_some(),
            evidence.refresh.is_some(),
            evidence.insights.is_some(),
        ];
        let may_wait = matches!(
            rule,
            Rule::Suspended | Rule::WaitingForCluster | Rule::Queued | Rule::Held | Rule::Frozen
                | Rule::OutsideWindow | Rule::Baking | Rule::PreflightUnknown | Rule::Insights | Rule::Refused | Rule::Free
        );
        prop_assert!(may_wait || !is_over || rule == Rule::Own || !is_looked_at.contains(&true), "{:?}", rules);
        prop_assert!(may_wait || rests || !is_over || rule == Rule::Own || support.is_none(), "{:?}", rules);
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
        let seen = all.asked();
        let mut full = all.clone();
        // What the controller had begun is told by EKS.
        if seen.observed.refresh.is_some() {
            full.observed.refresh.clone_from(&seen.observed.refresh);
        }
        // Nor are insights read while they are refreshed, or a refresh that is not waited for.
        if seen.observed.evidence.nodegroups.is_some() {
            full.observed.evidence.clone_from(&seen.observed.evidence);
        }
        let (full, lazy) = (full.decide(), seen.decide());
        // An update is lost: what else has to be known is asked by the next look.
        prop_assume!((&lazy.outcome, lazy.wake) != (&Outcome::Keep, Wake::Now));
        prop_assert_eq!(said(&full.outcome), said(&lazy.outcome));
        prop_assert_eq!(full.action, lazy.action);
    }
}
