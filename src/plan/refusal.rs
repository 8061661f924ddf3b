//! A request that EKS refused.

use jiff::{SignedDuration, Timestamp};

use crate::api::{ClusterUpgradeStatus, Reason, UpdateStatus};
use crate::eks::ErrorKind;

use super::consider::Verdict;
use super::decision::{Outcome, Wake};
use super::facts::Facts;
use super::hop::Hop;
use super::retry::{self, RetryRequest};
use super::time::{after, shown, until};
use super::wish::Wish;
use super::{CLOCK_TOLERANCE, intent, say, trouble};

/// A request for this hop that EKS refused. Nothing was started by that send, so it is tried again by itself, spaced out.
///
/// A refused repetition says nothing of the sends before it: until what they may have started would be listed, no other
/// attempt begins, not even where a person asks for it.
pub fn refused(
    facts: &Facts<'_>,
    wish: &Wish,
    hop: Hop,
    request: &RetryRequest,
) -> Option<Verdict> {
    let update = facts.memory.update.as_ref()?;
    let same = (update.from_version, update.to_version) == (hop.from, hop.to);
    if update.status != Some(UpdateStatus::Refused) || !same {
        return None;
    }
    let is_repetition = update.sends.unwrap_or(1) > 1;
    // Without any time it is not ours: it would be waited for without end.
    let unproven = if is_repetition && intent::last_send_at(update).is_some() {
        until(facts.now, intent::may_turn_up_until(facts, update))
    } else {
        SignedDuration::ZERO
    };
    if unproven.is_zero() && retry::permitted(update, wish, hop, request) {
        return None;
    }
    let kind = update
        .errors
        .first()
        .and_then(|error| ErrorKind::of_code(&error.error_code))
        // A code that says nothing by itself was told apart by its HTTP status or by the clock. A restart forgets as what.
        .or_else(|| facts.refusals.map(|run| run.kind))
        .filter(|kind| kind.is_definite_refusal())
        .unwrap_or(ErrorKind::Rejected);
    let resync = facts.settings.resync_interval;
    // A time to come was written by a clock that was wrong: waiting for it could take hours; without one, for ever.
    let latest = after(facts.now, CLOCK_TOLERANCE);
    let closed = update.finished_at.filter(|at| *at <= latest);
    let closed = closed.unwrap_or(Timestamp::MIN);
    let next = |wait: SignedDuration| until(facts.now, after(closed, wait));
    let said = say::errors(&update.errors);
    let what = format!(
        "EKS refused to {} from {} to {}: {said}.",
        say::to_do(hop.kind(), &format!("cluster {}", wish.target.name)),
        hop.from,
        hop.to
    );
    let started = if unproven.is_zero() {
        "Nothing was started.".to_owned()
    } else {
        format!(
            "An earlier send may have been accepted; it is looked for until {}.",
            shown(after(facts.now, unproven))
        )
    };
    let (outcome, wait) = match kind {
        ErrorKind::InvalidState => (
            Outcome::Say(
                Reason::PreflightFailed,
                format!(
                    "{what} EKS's {} block it: see aws eks list-insights --cluster-name {}. Mend what they name, or accept it for this hop with spec.force (version \"{}\" and a reason).",
                    say::insights(hop.kind()),
                    wish.target.name,
                    hop.to
                ),
            ),
            next(resync),
        ),
        ErrorKind::AccessDenied | ErrorKind::CredentialsRefused | ErrorKind::ClockSkew => {
            let run = trouble::refusals(facts, kind, closed);
            let what = format!(
                "EKS refused to let {} {} from {} to {}: {said}.",
                trouble::identity(facts),
                say::to_do(hop.kind(), &format!("cluster {}", wish.target.name)),
                hop.from,
                hop.to
            );
            let (reason, remedy) = if kind == ErrorKind::AccessDenied {
                (
                    Reason::AccessDenied,
                    "Allow eks:UpdateClusterVersion on the cluster (a condition on eks:kubernetesVersion may deny one version only); it is tried again by itself.",
                )
            } else {
                (
                    Reason::CredentialsUnavailable,
                    "Check the identity's source and the operator's clock; it is tried again by itself.",
                )
            };
            let wait = if trouble::iam_may_still_spread(facts, run) {
                trouble::IAM_RETRY.min(resync)
            } else {
                resync
            };
            (trouble::iam(facts, run, reason, &what, remedy), next(wait))
        }
        ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::InUse
        | ErrorKind::InvalidParameter
        | ErrorKind::Rejected
        | ErrorKind::NotFound
        | ErrorKind::CredentialsMissing => (
            Outcome::Say(
                Reason::RequestRejected,
                format!(
                    "{what} {started} Remove the cause; it is tried again every {} minutes by itself.",
                    (resync.as_secs() / 60).max(1)
                ),
            ),
            next(resync),
        ),
    };
    let wait = wait.max(unproven).min(resync);
    if wait.is_zero() {
        return None;
    }
    Some(match outcome {
        Outcome::Say(reason, message) => Verdict::Hold(reason, message, Wake::After(wait)),
        Outcome::Keep | Outcome::Silent => Verdict::Keep(Wake::After(wait)),
    })
}

/// Whether the object says already, of its present spec, that EKS refuses its request.
pub fn is_said(memory: &ClusterUpgradeStatus) -> bool {
    memory.conditions.iter().any(|condition| {
        let is_of_refusal = [
            Reason::RequestRejected,
            Reason::PreflightFailed,
            Reason::AccessDenied,
            Reason::CredentialsUnavailable,
        ]
        .iter()
        .any(|reason| reason.as_str() == condition.reason);
        is_of_refusal && condition.observed_generation == memory.observed_generation
    })
}

/// Whether `hop` was refused before, and nothing else was asked for since.
pub fn is_repeated(facts: &Facts<'_>, hop: Hop) -> bool {
    let was_refused = facts.memory.update.as_ref().is_some_and(|update| {
        update.status == Some(UpdateStatus::Refused)
            && (update.from_version, update.to_version) == (hop.from, hop.to)
    });
    let is_same_spec = facts.memory.observed_generation == Some(facts.object.generation);
    was_refused && is_same_spec && is_said(facts.memory)
}
