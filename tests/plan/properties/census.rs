//! What the generated facts come to: a property over cases that never occur says nothing.

use std::collections::BTreeMap;

use eks_upgrade_operator::api::{CheckCode, CheckResult, Reason, Update, UpdateStatus};
use eks_upgrade_operator::plan::{Decision, Outcome};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::super::owned::{Owned, cancels, sent};
use super::super::reasons::{Rule, applying};
use super::facts;
use super::precedence::asked;

const CASES: usize = 24_000;

/// The same facts each time, so that the figures are too.
fn each(mut look: impl FnMut(Owned, usize)) {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let facts = facts();
    for case in 0..CASES {
        let owned = facts.new_tree(&mut runner).unwrap().current();
        look(owned.complete(), case);
    }
}

/// What happens in one decision.
fn events(seen: &Owned, decision: &Decision) -> Vec<&'static str> {
    let before = seen.memory.update.as_ref();
    let after = decision.memory.update.as_ref();
    let status = after.and_then(|update| update.status.as_ref());
    let was = before.and_then(|update| update.status.as_ref());
    let intent = seen.open_intent();
    let is_busy = intent.is_some_and(|intent| !intent.errors.is_empty());
    let starts = sent(decision).is_some();
    let repeats = starts && after.is_some_and(|update| update.sends != Some(1));
    let cluster = seen.observed.cluster.as_ref();
    let cluster = cluster.and_then(|read| read.as_ref().ok());
    let is_active = cluster.is_some_and(|view| view.status == "ACTIVE");
    let asked_for = seen
        .object
        .wish
        .as_ref()
        .map(|wish| wish.version.to_string());
    let shows_version = cluster.is_some_and(|view| asked_for.as_ref() == Ok(&view.version));
    let is_ours = after.is_some_and(|update| update.client_request_token.is_some());
    let is_new_id = after.is_some_and(|update| {
        update.id.is_some() && before.is_none_or(|before| before.id != update.id)
    });
    let is_running = after.is_some_and(Update::is_running);
    let was_refused = was == Some(&UpdateStatus::Refused);
    let becomes = |word: UpdateStatus| status == Some(&word) && was != Some(&word);
    let is_rollback = after.is_some_and(|update| update.kind == "VersionRollback");
    let cancels = cancels(decision).is_some();
    let cancel = after.and_then(|update| update.cancel.as_ref());
    let cancel_before = before.and_then(|update| update.cancel.as_ref());
    let is_told = |word: &str| matches!(&decision.outcome, Outcome::Say(_, message) if message.contains(word));
    [
        (is_rollback && starts && !repeats, "rollback"),
        (
            is_rollback && starts && after.is_some_and(|update| update.force),
            "forced rollback",
        ),
        (is_rollback && repeats && !is_busy, "repeated rollback"),
        (
            is_rollback && repeats && is_busy,
            "repeated rollback after 409",
        ),
        (
            is_rollback && starts && !repeats && decision.outcome == Outcome::Keep,
            "rollback after a refusal, not told",
        ),
        (
            is_rollback
                && starts
                && !repeats
                && seen.remembered().any(|past| {
                    past.kind == "VersionRollback"
                        && matches!(
                            past.status,
                            Some(UpdateStatus::Failed | UpdateStatus::Cancelled)
                        )
                }),
            "rollback after one that ended badly",
        ),
        (
            is_rollback && is_new_id && is_running && intent.is_some(),
            "rollback answered",
        ),
        (
            is_rollback && is_new_id && is_running && !is_ours,
            "somebody else's rollback adopted",
        ),
        (
            is_rollback && becomes(UpdateStatus::Successful),
            "rollback seen successful",
        ),
        (
            is_rollback && becomes(UpdateStatus::Failed),
            "rollback seen failed",
        ),
        (
            is_rollback && becomes(UpdateStatus::Cancelled),
            "rollback seen cancelled",
        ),
        (is_rollback && becomes(UpdateStatus::Lost), "rollback lost"),
        (
            is_rollback && becomes(UpdateStatus::NotSent),
            "rollback given up",
        ),
        (cancels && cancel_before.is_none(), "cancellation"),
        (cancels && cancel_before.is_some(), "repeated cancellation"),
        (
            cancel.is_some_and(|now| now.status.is_some()) && cancel_before.is_none(),
            "somebody else's cancellation seen",
        ),
        (
            is_told("It is no longer asked for, but not cancelled"),
            "cancellation forbidden",
        ),
        (
            is_told("cancels a rollback only while"),
            "too late to cancel",
        ),
        (is_told("cannot cancel it any more"), "cancellation refused"),
        (is_told("was asked to cancel it"), "cancellation waited for"),
        (
            after.is_some()
                && decision
                    .memory
                    .rollback
                    .as_ref()
                    .is_some_and(|known| known.eligible),
            "shown as possible",
        ),
        (
            decision
                .memory
                .rollback
                .as_ref()
                .is_some_and(|known| !known.blockers.is_empty()),
            "shown as blocked",
        ),
        (starts && !repeats, "start"),
        (
            starts && !repeats && intent.is_some(),
            "start after an intent was given up",
        ),
        (
            starts && !repeats && decision.outcome == Outcome::Keep,
            "start after a refusal, not told",
        ),
        (
            starts && !repeats && decision.memory.history.len() > seen.memory.history.len(),
            "start that passes over what is listed",
        ),
        (
            starts && !repeats && seen.object.retry_requested_at.is_some(),
            "start with an annotation",
        ),
        (repeats && !is_busy, "repetition"),
        (repeats && is_busy, "repetition after 409"),
        (
            is_new_id && is_running && intent.is_some(),
            "intent answered",
        ),
        (
            is_new_id && is_running && was_refused && is_ours,
            "answered before it was refused",
        ),
        (
            is_new_id && is_running && !is_ours,
            "somebody else's adopted",
        ),
        (is_new_id && !is_running, "somebody else's written down"),
        (becomes(UpdateStatus::NotSent), "given up"),
        (becomes(UpdateStatus::Lost), "lost"),
        (becomes(UpdateStatus::Successful), "seen successful"),
        (
            becomes(UpdateStatus::Successful) && shows_version && !is_active,
            "successful, and the cluster not active yet",
        ),
        (becomes(UpdateStatus::Failed), "seen failed"),
        (becomes(UpdateStatus::Cancelled), "seen cancelled"),
        (decision.outcome == Outcome::Keep, "kept"),
        (decision.outcome == Outcome::Silent, "silent"),
    ]
    .into_iter()
    .filter_map(|(happens, name)| happens.then_some(name))
    .collect()
}

fn assert_all_occur<K: Ord + std::fmt::Debug>(
    counts: &BTreeMap<K, usize>,
    expected: impl IntoIterator<Item = K>,
) {
    println!("of {CASES}: {counts:?}");
    let rare: Vec<_> = expected
        .into_iter()
        .filter(|key| counts.get(key).is_none_or(|count| *count < 5))
        .collect();
    assert!(rare.is_empty(), "fewer than 5 in {CASES} cases: {rare:?}");
}

#[test]
fn every_event_and_every_reason_occurs() {
    let (mut happened, mut said) = (BTreeMap::new(), BTreeMap::new());
    let mut checked = BTreeMap::new();
    each(|owned, case| {
        let seen = asked(&owned, case % 2 == 0);
        let decision = seen.decide();
        for event in events(&seen, &decision) {
            *happened.entry(event).or_default() += 1;
        }
        let shown = decision.memory.preflight.iter();
        for check in shown.flat_map(|shown| &shown.checks) {
            *checked
                .entry((check.code.clone(), check.result))
                .or_default() += 1;
        }
        if let Outcome::Say(reason, _) = decision.outcome {
            *said.entry(reason).or_default() += 1;
        }
    });
    assert_all_occur(
        &happened,
        [
            "rollback",
            "forced rollback",
            "repeated rollback",
            "repeated rollback after 409",
            "rollback after a refusal, not told",
            "rollback after one that ended badly",
            "rollback answered",
            "somebody else's rollback adopted",
            "rollback seen successful",
            "rollback seen failed",
            "rollback seen cancelled",
            "rollback lost",
            "rollback given up",
            "cancellation",
            "repeated cancellation",
            "somebody else's cancellation seen",
            "cancellation forbidden",
            "too late to cancel",
            "cancellation refused",
            "cancellation waited for",
            "shown as possible",
            "shown as blocked",
            "start",
            "start after an intent was given up",
            "start after a refusal, not told",
            "start that passes over what is listed",
            "start with an annotation",
            "repetition",
            "repetition after 409",
            "intent answered",
            "answered before it was refused",
            "somebody else's adopted",
            "somebody else's written down",
            "given up",
            "lost",
            "seen successful",
            "successful, and the cluster not active yet",
            "seen failed",
            "seen cancelled",
            "kept",
            "silent",
        ],
    );
    assert_all_occur(&said, Reason::ALL);
    // A check that looks at what is known anyway is never without an answer.
    let never = [
        (CheckCode::VersionOffered, CheckResult::Waived),
        (CheckCode::VersionOffered, CheckResult::Unknown),
        (CheckCode::ClusterHealth, CheckResult::Warning),
        (CheckCode::ClusterHealth, CheckResult::Unknown),
    ];
    let results = CheckCode::ALL
        .into_iter()
        .flat_map(|code| CheckResult::ALL.map(|result| (code, result)))
        .filter(|result| !never.contains(result));
    let results = results.map(|(code, result)| (code.to_string(), result));
    assert_all_occur(&checked, results);
}

/// Rules that cannot apply to the same facts.
fn exclude_each_other(one: Rule, other: Rule) -> bool {
    match one {
        // Nothing is asked on behalf of an object that goes, may not, or cannot be understood.
        Rule::Deleted | Rule::NotAllowed => other == Rule::Trouble,
        // A spec that is not understood names no cluster and no version.
        Rule::InvalidGates => {
            matches!(other, Rule::Trouble | Rule::OutsideWindow | Rule::Baking)
        }
        // An upgrade leads up.
        Rule::ClusterAheadOfSpec => other == Rule::Baking,
        Rule::InvalidSpec => !matches!(
            other,
            Rule::NotAllowed
                | Rule::ClusterConflict
                | Rule::ClusterFailed
                | Rule::UnsupportedCluster
                | Rule::WaitingForCluster
                | Rule::Queued
        ),
        // What follows from the description of a cluster, or from its list, is said without asking further.
        Rule::Trouble => matches!(
            other,
            Rule::ClusterReplaced | Rule::ClusterFailed | Rule::UnsupportedCluster | Rule::Adopted
        ),
        // The cluster is older than asked for, or it is not.
        Rule::Adopted => other == Rule::UpToDate,
        Rule::UpToDate => matches!(
            other,
            Rule::ClusterAheadOfSpec
                | Rule::UnsupportedVersion
                | Rule::Held
                | Rule::Frozen
                | Rule::OutsideWindow
                | Rule::Baking
                | Rule::Blocked
                | Rule::PreflightUnknown
                | Rule::Insights
                | Rule::Refused
        ),
        // A rollback is what the baking is for.
        Rule::Baking => other == Rule::Blocked,
        _ => false,
    }
}

/// Of each two reasons that can apply at once there are facts by which the weightier is said.
#[test]
fn every_pair_of_rules_meets() {
    let mut met = BTreeMap::new();
    each(|owned, case| {
        let seen = asked(&owned, case % 2 == 0);
        let rules = applying(&owned, &seen);
        let mut rules = rules.keys();
        if let Some(first) = rules.next() {
            for other in rules {
                *met.entry((*first, *other)).or_default() += 1;
            }
        }
    });
    let pairs = Rule::ALL.iter().flat_map(|one| {
        let others = Rule::ALL.iter().filter(move |other| *other > one);
        others.map(move |other| (*one, *other))
    });
    let (excluded, expected): (Vec<_>, Vec<_>) =
        pairs.partition(|(one, other)| exclude_each_other(*one, *other));
    assert_all_occur(&met, expected);
    let met: Vec<_> = excluded
        .iter()
        .filter(|pair| met.contains_key(pair))
        .collect();
    assert!(met.is_empty(), "excluded, but met: {met:?}");
}
