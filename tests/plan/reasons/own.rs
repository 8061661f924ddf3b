//! Our own open intent or running update.

use eks_upgrade_operator::api::{Reason, Update, UpdateStatus};
use eks_upgrade_operator::eks::{Progress, UpdateView};
use jiff::{SignedDuration, Timestamp};

use super::hop::{self, Step};
use super::{Case, Rule, Said, is_running, leads_to, newest, trouble};

const LOOKED_FOR: SignedDuration = SignedDuration::from_mins(20);

const UPDATING: Option<Said> = Some(Said::Reason(Reason::Updating));

/// What is said of it, and the case by which the other rules are judged. Nothing where nothing is open or runs any more.
pub fn own<'a>(case: &Case<'a>) -> (Option<Said>, Case<'a>) {
    let unchanged = case.clone();
    let Some(update) = case.memory.update.clone() else {
        return (None, unchanged);
    };
    if case.has_open_intent() {
        return intent(case, update);
    }
    if is_followed(case, &update) {
        return followed(case, update);
    }
    // A refusal after a lost answer: what that one had started is ours.
    let was_sent_before = update.sends.is_some_and(|sends| sends > 1);
    let is_refused = update.id.is_none() && update.status == Some(UpdateStatus::Refused);
    if is_refused && was_sent_before && is_answered(case, &update) {
        return (UPDATING, unchanged);
    }
    (None, unchanged)
}

/// A cluster that is gone is said even while something runs; where patience is due, what was said stays.
fn unseen(case: &Case<'_>) -> Option<Said> {
    trouble::said(case.seen).map(|said| match said {
        Said::Keep | Said::Reason(Reason::ClusterNotFound) => said,
        Said::Silent | Said::Reason(_) => Said::Reason(Reason::Updating),
    })
}

fn intent<'a>(case: &Case<'a>, update: Update) -> (Option<Said>, Case<'a>) {
    let unchanged = case.clone();
    if case.is_unreachable() {
        return (UPDATING, unchanged);
    }
    if let Some(said) = unseen(case) {
        return (Some(said), unchanged);
    }
    if is_answered(case, &update) {
        return (UPDATING, unchanged);
    }
    let waits = Said::Reason(Reason::WaitingForCluster);
    let is_busy = !update.errors.is_empty();
    let otherwise = case.others();
    let first = otherwise.first_key_value();
    let is_free = first.is_some_and(|(rule, _)| *rule == Rule::Free);
    if is_free && is_wanted(case, &update) {
        return (if is_busy { Some(waits) } else { UPDATING }, unchanged);
    }
    // Not known for a moment: what was said stays, and nothing is given up.
    if first == Some((&Rule::PreflightUnknown, &Said::Keep)) {
        return (Some(Said::Keep), unchanged);
    }
    if case.now < looked_for_until(case, &update) {
        let waits_anyway = is_busy && first.is_some_and(|(_, said)| *said == waits);
        return (if waits_anyway { Some(waits) } else { UPDATING }, unchanged);
    }
    let mut closed = unchanged;
    closed.memory.update = Some(Update {
        status: Some(UpdateStatus::NotSent),
        ..update
    });
    (None, closed)
}

/// Whether the next hop is the very one that the intent asks for.
fn is_wanted(case: &Case<'_>, update: &Update) -> bool {
    let (Some(wish), Some(version)) = (case.wish(), case.version()) else {
        return false;
    };
    let asked = (update.from_version, update.to_version, update.force);
    let is_of = |step: Step| {
        // An upgrade has none.
        let timeout = update.timeout.filter(|_| step.is_down());
        update.kind == step.kind
            && asked == (step.from, step.to, step.force)
            && timeout == step.timeout
    };
    update.client_request_token.is_some() && Step::of(wish, version).is_some_and(is_of)
}

/// A send that is said to lie in the future has been written by a wrong clock, and counts as of now.
pub fn looked_for_until(case: &Case<'_>, update: &Update) -> Timestamp {
    let last = update.last_send_at.or(update.requested_at);
    let last = last.or(update.finished_at);
    last.map_or(case.now, |last| last.min(case.now)) + LOOKED_FOR
}

/// Whether EKS lists what can be the answer to a request.
fn is_answered(case: &Case<'_>, update: &Update) -> bool {
    let is_asked = case.seen.listed().is_some();
    let mut listed = case.listed().iter();
    is_asked && case.is_meant() && listed.any(|view| answers(case, update, view))
}

fn answers(case: &Case<'_>, update: &Update, view: &UpdateView) -> bool {
    let is_past = |past: &Update| past.id.as_ref() == Some(&view.id);
    let is_new = match (view.created_at, update.requested_at) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(created), Some(requested)) => created >= requested - SignedDuration::from_mins(5),
    };
    view.kind == update.kind
        && leads_to(view, update.to_version)
        && !case.memory.history.iter().any(is_past)
        && (is_new || is_running(view))
}

fn is_followed(case: &Case<'_>, update: &Update) -> bool {
    let is_done = case.memory.history.iter().any(|past| past.id == update.id);
    update.id.is_some()
        && match &update.status {
            None | Some(UpdateStatus::InProgress | UpdateStatus::Other(_)) => true,
            Some(UpdateStatus::Successful) => !is_done,
            Some(
                UpdateStatus::Failed
                | UpdateStatus::Cancelled
                | UpdateStatus::Lost
                | UpdateStatus::Refused
                | UpdateStatus::NotSent,
            ) => false,
        }
}

fn followed<'a>(case: &Case<'a>, update: Update) -> (Option<Said>, Case<'a>) {
    let mut after = case.clone();
    if let Some(said) = unseen(case) {
        return (Some(said), after);
    }
    match &case.seen.observed.tracked {
        None => (UPDATING, after),
        Some(Err(_)) => {
            let mut listed = case.listed().iter();
            let is_listed = listed.any(|view| Some(&view.id) == update.id.as_ref());
            let began = update.created_at.or(update.requested_at);
            let may_lag = began.is_none_or(|began| case.now < began + LOOKED_FOR);
            if case.is_meant() && (is_listed || may_lag) {
                return (UPDATING, after);
            }
            after.memory.update = Some(Update {
                status: Some(UpdateStatus::Lost),
                ..update
            });
            // Whether the version is on offer is asked by the next look, where it matters.
            let is_undecided = after
                .others()
                .first_key_value()
                .is_some_and(|(rule, _)| *rule > Rule::Suspended);
            (is_undecided.then_some(Said::Keep), after)
        }
        Some(Ok(view)) => match view.status {
            Progress::InProgress | Progress::Other(_) => (UPDATING, after),
            Progress::Successful => {
                let update = Update {
                    created_at: view.created_at.or(update.created_at),
                    ..update
                };
                let version = case.healthy_version();
                let is_last = version == Some(update.to_version)
                    && case.wish().map(|wish| wish.version) == version;
                // Otherwise that the hop is done is said once, and the rest by the next look.
                let said = if is_last && is_settled(case, &update) {
                    None
                } else {
                    UPDATING
                };
                (said, after)
            }
            // How it ended is said once, and the rest by the next look.
            Progress::Failed | Progress::Cancelled => {
                let how = if view.status == Progress::Cancelled {
                    Reason::UpdateCancelled
                } else {
                    Reason::UpdateFailed
                };
                let reason = hop::told(case.wish(), &update, Some(how));
                (Some(Said::Reason(reason)), after)
            }
        },
    }
}

/// Whether a hop that EKS calls successful is over: the cluster agrees, or something newer happens to it.
fn is_settled(case: &Case<'_>, update: &Update) -> bool {
    let is_active = case.cluster().is_some_and(|view| view.status == "ACTIVE");
    let agrees = case.healthy_version().is_some_and(|version| {
        let is_there = if update.kind == "VersionRollback" {
            version <= update.to_version
        } else {
            version >= update.to_version
        };
        is_active && is_there
    });
    let listed = case.listed();
    let is_other = |view: &UpdateView| Some(&view.id) != update.id.as_ref();
    let something_runs = listed.iter().any(|view| is_other(view) && is_running(view));
    let is_older = newest(listed)
        .is_some_and(|newest| is_other(newest) && newest.created_at > update.created_at);
    agrees || something_runs || is_older
}
