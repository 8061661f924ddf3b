//! A request that EKS refused is not made again at once.

use eks_upgrade_operator::api::{Reason, Update, UpdateStatus};
use eks_upgrade_operator::eks::ErrorKind;
use eks_upgrade_operator::plan::{Trouble, Wish};
use jiff::{SignedDuration, Timestamp};

use super::hop::Step;
use super::own::looked_for_until;
use super::{Case, Said, hop, trouble};

/// The refusal of `step`, if that was the last that became of it.
fn refusal<'a>(case: &'a Case<'_>, step: Step) -> Option<&'a Update> {
    let update = case.memory.update.as_ref();
    update.filter(|update| {
        update.status == Some(UpdateStatus::Refused)
            && update.from_version == step.from
            && update.to_version == step.to
    })
}

/// What is said until the next attempt; nothing where that is due.
pub fn said(case: &Case<'_>, wish: &Wish, step: Step) -> Option<Said> {
    let update = refusal(case, step)?;
    // An earlier send of the same request may turn up yet: nothing and nobody shortens that.
    let is_timed = [update.last_send_at, update.requested_at, update.finished_at] != [None; 3];
    let turns_up_within = if is_timed && update.sends.is_some_and(|sends| sends > 1) {
        looked_for_until(case, update).duration_since(case.now)
    } else {
        SignedDuration::ZERO
    };
    let is_unproven = turns_up_within.is_positive();
    if !is_unproven && hop::is_permitted(case, wish, step, update) {
        return None;
    }
    let code = update.errors.first().map(|error| error.error_code.as_str());
    let kind = code
        .and_then(ErrorKind::of_code)
        .or(case.all.refusals.map(|run| run.kind))
        .filter(|kind| kind.is_definite_refusal())
        .unwrap_or(ErrorKind::Rejected);
    // Beyond what clocks differ by, a time to come is wrong, and nothing is waited for. Nor is where there is none.
    let latest = case.now + SignedDuration::from_mins(5);
    let closed = update.finished_at.filter(|at| *at <= latest);
    let closed = closed.unwrap_or(Timestamp::UNIX_EPOCH);
    let counted = case.all.refusals.filter(|run| run.kind == kind);
    let run = counted.unwrap_or(Trouble {
        kind,
        in_a_row: 1,
        of_kind: 1,
        since: closed,
    });
    let resync = case.all.settings.resync_interval;
    let is_patient = case.now.duration_since(run.since) < SignedDuration::from_mins(5);
    let patience = if is_patient {
        SignedDuration::from_secs(30)
    } else {
        resync
    };
    let (said, pause) = match kind {
        ErrorKind::AccessDenied => (trouble::iam(case.seen, run, Reason::AccessDenied), patience),
        ErrorKind::CredentialsRefused | ErrorKind::ClockSkew => (
            trouble::iam(case.seen, run, Reason::CredentialsUnavailable),
            patience,
        ),
        ErrorKind::InvalidState => (Said::Reason(Reason::PreflightFailed), resync),
        _ => (Said::Reason(Reason::RequestRejected), resync),
    };
    let is_due = case.now >= closed + pause;
    (is_unproven || !is_due).then_some(said)
}

/// Whether the object says already, of its present spec, that EKS refuses this hop: then the next attempt changes nothing.
pub fn is_said(case: &Case<'_>, step: Step) -> bool {
    let memory = &case.all.memory;
    let is_of_now = |generation| generation == Some(case.all.object.generation);
    let said = memory.conditions.iter().any(|condition| {
        is_of_now(condition.observed_generation)
            && [
                "RequestRejected",
                "PreflightFailed",
                "AccessDenied",
                "CredentialsUnavailable",
            ]
            .contains(&condition.reason.as_str())
    });
    refusal(case, step).is_some() && is_of_now(memory.observed_generation) && said
}
