//! Which Events a change of status is worth: one for each transition, none for anything that lasts.

use crate::api::condition::READY;
use crate::api::{
    CancelStatus, Check, CheckResult, ClusterUpgradeStatus, PreflightStatus, Reason, Update,
    UpdateStatus,
};
use crate::plan;
use crate::store::Note;
use crate::text::plain;

/// The longest note that the API takes.
const NOTE_LIMIT: usize = 1024;
/// The longest action that the API takes.
const ACTION_LIMIT: usize = 128;

/// The Events between two states of one object.
pub fn between(old: &ClusterUpgradeStatus, new: &ClusterUpgradeStatus) -> Vec<Note> {
    let update = new
        .update
        .as_ref()
        .and_then(|update| of_update(old, update, new));
    let reason = of_reason(old, new, update.is_some());
    let is_held_up = reason.as_ref().is_some_and(|note| {
        [Reason::PreflightFailed, Reason::PreflightUnknown]
            .iter()
            .any(|reason| reason.as_str() == note.reason)
    });
    update
        .into_iter()
        .chain(of_cancel(old, new))
        .chain(of_preflight(old, new, is_held_up))
        .chain(reason)
        .collect()
}

/// That the checks before a hop came to other results. The first time they are made it is nothing that all passed.
/// Where they hold the hop up, and that is news, the reason says it.
fn of_preflight(
    old: &ClusterUpgradeStatus,
    new: &ClusterUpgradeStatus,
    is_held_up: bool,
) -> Option<Note> {
    let now = new.preflight.as_ref()?;
    let before = old.preflight.as_ref();
    let before = before.filter(|before| before.version == now.version);
    let is_same = before.map_or(now.result == CheckResult::Passed, |before| {
        before.result == now.result && results(before).eq(results(now))
    });
    let warning = matches!(now.result, CheckResult::Failed | CheckResult::Unknown);
    if is_same || (warning && is_held_up) || is_of_the_moment(now) {
        return None;
    }
    let PreflightStatus {
        version,
        result,
        checks,
    } = now;
    let odd = || {
        checks
            .iter()
            .filter(|check| check.result != CheckResult::Passed)
    };
    let named: Vec<_> = odd()
        .map(|check| format!("{} {}", check.code, check.result))
        .collect();
    // The worst has the word.
    let words = odd()
        .max_by_key(|check| (check.result, std::cmp::Reverse(check.code.as_str())))
        .and_then(|check| check.findings.first())
        .map_or_else(String::new, |finding| format!(" {}", finding.message));
    let text = if named.is_empty() {
        format!("Checks before {version}: every check {result}.")
    } else {
        format!("Checks before {version}: {}.{words}", named.join(", "))
    };
    let action: String = odd()
        .flat_map(|check| [check.code.as_str(), check.result.as_str()])
        .collect();
    Some(Note {
        warning,
        reason: format!("Preflight{result}"),
        action: plain(&format!("Preflight{version}{action}"), ACTION_LIMIT),
        text: plain(&text, NOTE_LIMIT),
    })
}

/// Whether nothing stands in the way but what EKS ends by itself in a while, as before most second hops: the reason says that it
/// is waited for, and what comes of the checks is told then.
fn is_of_the_moment(preflight: &PreflightStatus) -> bool {
    let findings = preflight.checks.iter().flat_map(|check| &check.findings);
    let mut closed = findings.filter(|finding| finding.result >= CheckResult::Unknown);
    preflight.result >= CheckResult::Unknown
        && closed.all(|finding| plan::ENDS_BY_ITSELF.contains(&finding.id.as_str()))
}

fn results(preflight: &PreflightStatus) -> impl Iterator<Item = (&str, CheckResult)> {
    let checks = preflight.checks.iter();
    checks.map(|Check { code, result, .. }| (code.as_str(), *result))
}

/// What EKS answered to a cancellation.
fn of_cancel(old: &ClusterUpgradeStatus, new: &ClusterUpgradeStatus) -> Option<Note> {
    let update = new.update.as_ref()?;
    let status = update.cancel.as_ref()?.status?;
    let before = old.update.as_ref().filter(|before| before.id == update.id);
    let before = before.and_then(|before| before.cancel.as_ref()?.status);
    if before == Some(status) {
        return None;
    }
    let (from, to) = (update.from_version, update.to_version);
    Some(match status {
        CancelStatus::Accepted => note(
            false,
            "CancelAccepted",
            update,
            &format!(
                "EKS cancels the rollback from {from} to {to} (update {}), which is no longer asked for.",
                id(update)
            ),
        ),
        CancelStatus::Refused => note(
            true,
            "CancelRefused",
            update,
            &format!(
                "The rollback from {from} to {to} (update {}) is no longer asked for, but cannot be cancelled any more; it is followed to its end.",
                id(update)
            ),
        ),
    })
}

/// That an update takes longer than updates usually do.
pub fn overdue(update: &Update, minutes: i128) -> Note {
    note(
        true,
        "UpdateOverdue",
        update,
        &format!(
            "The {} from {} to {} (update {}) takes longer than {minutes} minutes. It is still followed; see the cluster's health and AWS support.",
            plan::noun(&update.kind),
            update.from_version,
            update.to_version,
            id(update)
        ),
    )
}

fn note(warning: bool, reason: &str, update: &Update, text: &str) -> Note {
    let attempt = update
        .attempt
        .map_or_else(String::new, |attempt| format!("Attempt{attempt}"));
    Note {
        warning,
        reason: reason.to_owned(),
        action: plain(
            &format!(
                "{}From{}To{}{attempt}",
                update.kind, update.from_version, update.to_version
            ),
            ACTION_LIMIT,
        ),
        text: plain(text, NOTE_LIMIT),
    }
}

fn id(update: &Update) -> &str {
    update.id.as_deref().unwrap_or("without id")
}

/// What happened to the update.
fn of_update(
    old: &ClusterUpgradeStatus,
    new: &Update,
    status: &ClusterUpgradeStatus,
) -> Option<Note> {
    let (from, to) = (new.from_version, new.to_version);
    let noun = plan::noun(&new.kind);
    let does = plan::does(&new.kind, "the cluster");
    let before = old.update.as_ref().filter(|old| {
        (old.id.is_some() && old.id == new.id)
            || (old.client_request_token.is_some()
                && old.client_request_token == new.client_request_token)
    });
    let was_running = before.is_some_and(|before| before.id.is_some());
    let is_new =
        |status: &UpdateStatus| before.and_then(|before| before.status.as_ref()) != Some(status);
    match &new.status {
        Some(UpdateStatus::InProgress | UpdateStatus::Other(_)) if !was_running => {
            Some(if new.attempt.is_some() {
                note(
                    false,
                    "UpdateStarted",
                    new,
                    &format!("EKS {does} from {from} to {to} (update {}).", id(new)),
                )
            } else {
                note(
                    false,
                    "UpdateAdopted",
                    new,
                    &format!(
                        "EKS already {does} from {from} to {to} (update {}, started outside this object); it is followed.",
                        id(new)
                    ),
                )
            })
        }
        Some(ended @ UpdateStatus::Failed) if is_new(ended) => Some(note(
            true,
            Reason::UpdateFailed.as_str(),
            new,
            &format!(
                "The {noun} from {from} to {to} failed (update {}): {}",
                id(new),
                plan::errors(&new.errors)
            ),
        )),
        Some(ended @ UpdateStatus::Cancelled) if is_new(ended) => Some(note(
            true,
            Reason::UpdateCancelled.as_str(),
            new,
            &format!(
                "The {noun} from {from} to {to} was cancelled (update {}).",
                id(new)
            ),
        )),
        Some(ended @ UpdateStatus::Refused) if is_new(ended) => Some(note(
            true,
            "UpdateRefused",
            new,
            &format!(
                "EKS refused the {noun} from {from} to {to}: {}",
                plan::errors(&new.errors)
            ),
        )),
        Some(ended @ UpdateStatus::NotSent) if is_new(ended) => Some(note(
            false,
            "UpdateNotSent",
            new,
            &format!(
                "The {noun} from {from} to {to} is no longer asked for; EKS never accepted it."
            ),
        )),
        Some(ended @ UpdateStatus::Lost) if is_new(ended) => Some(note(
            true,
            Reason::UpdateLost.as_str(),
            new,
            &format!(
                "EKS no longer knows update {} from {from} to {to}.",
                id(new)
            ),
        )),
        // The hop is done when it enters the history, which may be after EKS called it successful.
        Some(UpdateStatus::Successful) if before.is_some() => {
            let is_done =
                |status: &ClusterUpgradeStatus| status.history.iter().any(|past| past.id == new.id);
            (is_done(status) && !is_done(old)).then(|| {
                note(
                    false,
                    "UpdateSucceeded",
                    new,
                    &format!(
                        "The {noun} from {from} to {to} is done (update {}).",
                        id(new)
                    ),
                )
            })
        }
        _ => None,
    }
}

/// A change of the reason itself.
fn of_reason(
    old: &ClusterUpgradeStatus,
    new: &ClusterUpgradeStatus,
    is_told: bool,
) -> Option<Note> {
    let ready = |status: &ClusterUpgradeStatus| {
        status.conditions.iter().find(|c| c.type_ == READY).cloned()
    };
    let now = ready(new)?;
    if ready(old).is_some_and(|before| before.reason == now.reason) {
        return None;
    }
    let reason = Reason::ALL
        .into_iter()
        .find(|reason| reason.as_str() == now.reason)?;
    match reason {
        // The first is told by the update itself. Where AWS or the credentials are lost for the whole hub, a metric says it
        // once instead of an Event per object.
        Reason::Updating | Reason::EksUnavailable | Reason::CredentialsUnavailable => None,
        Reason::UpdateFailed | Reason::UpdateCancelled | Reason::UpdateLost if is_told => None,
        _ => Some(Note {
            warning: reason.is_stalled()
                || matches!(reason, Reason::PreflightFailed | Reason::PreflightUnknown),
            reason: now.reason.clone(),
            action: format!(
                "ObserveGeneration{}",
                now.observed_generation.unwrap_or_default()
            ),
            text: plain(&now.message, NOTE_LIMIT),
        }),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::CheckResult::{Failed, Passed, Unknown, Waived, Warning};
    use super::*;
    use crate::api::{CheckCode, Finding, Minor};
    use crate::controller::conditions;

    /// A status whose checks before a version came to these results.
    fn checked(minor: u16, results: [CheckResult; 2], reason: Reason) -> ClusterUpgradeStatus {
        let codes = [CheckCode::UpgradeInsights, CheckCode::NodeSkew];
        let preflight = PreflightStatus {
            version: Minor::new(minor),
            result: results.into_iter().max().unwrap(),
            checks: std::iter::zip(codes, results)
                .map(|(code, result)| Check {
                    code: code.to_string(),
                    result,
                    message: "m".to_owned(),
                    findings: vec![Finding::new(
                        "id",
                        None,
                        result,
                        &format!("words of {code}"),
                    )],
                    since: Timestamp::UNIX_EPOCH,
                })
                .collect(),
        };
        let now = Timestamp::UNIX_EPOCH;
        ClusterUpgradeStatus {
            conditions: conditions::of(&[], reason, "m", Some(&preflight), 1, now),
            preflight: Some(preflight),
            ..ClusterUpgradeStatus::default()
        }
    }

    fn told(old: &ClusterUpgradeStatus, new: &ClusterUpgradeStatus) -> Vec<(String, bool, String)> {
        between(old, new)
            .into_iter()
            .map(|note| (note.reason, note.warning, note.text))
            .collect()
    }

    fn quiet(results: [CheckResult; 2]) -> ClusterUpgradeStatus {
        checked(34, results, Reason::Suspended)
    }

    #[test]
    fn each_change_of_the_results_is_told_once() {
        let passed = quiet([Passed, Passed]);
        for (results, reason, warning, text) in [
            (
                [Passed, Warning],
                "PreflightWarning",
                false,
                "Checks before 1.34: NodeSkew Warning. words of NodeSkew",
            ),
            (
                [Waived, Warning],
                "PreflightWaived",
                false,
                "Checks before 1.34: UpgradeInsights Waived, NodeSkew Warning. words of UpgradeInsights",
            ),
            (
                [Warning, Failed],
                "PreflightFailed",
                true,
                "Checks before 1.34: UpgradeInsights Warning, NodeSkew Failed. words of NodeSkew",
            ),
            (
                [Unknown, Passed],
                "PreflightUnknown",
                true,
                "Checks before 1.34: UpgradeInsights Unknown. words of UpgradeInsights",
            ),
        ] {
            let new = quiet(results);
            let expected = [(reason.to_owned(), warning, text.to_owned())];
            assert_eq!(told(&passed, &new), expected);
            assert_eq!(told(&new, &new), []);
            assert_eq!(
                told(&new, &passed),
                [(
                    "PreflightPassed".to_owned(),
                    false,
                    "Checks before 1.34: every check Passed.".to_owned()
                )]
            );
        }
        // Another check fails, and another Event says so: it would be merged with the first under one action.
        let (one, both) = (quiet([Failed, Passed]), quiet([Failed, Failed]));
        let (first, second) = (between(&passed, &one), between(&one, &both));
        assert_eq!(first[0].reason, second[0].reason);
        assert_ne!(first[0].action, second[0].action);
    }

    #[test]
    fn the_first_time_only_what_did_not_pass_is_told() {
        let nothing = ClusterUpgradeStatus {
            preflight: None,
            ..quiet([Passed, Passed])
        };
        assert_eq!(told(&nothing, &quiet([Passed, Passed])), []);
        assert_eq!(told(&nothing, &quiet([Passed, Warning])).len(), 1);
        // Nor is it news that the next hop is checked.
        let next = checked(35, [Passed, Passed], Reason::Suspended);
        assert_eq!(told(&quiet([Failed, Passed]), &next), []);
        assert_eq!(told(&quiet([Failed, Passed]), &nothing), []);
    }

    #[test]
    fn other_words_are_no_news() {
        let before = quiet([Failed, Passed]);
        let mut after = before.clone();
        for check in &mut after.preflight.as_mut().unwrap().checks {
            check.message = "other words".to_owned();
            check.findings.clear();
        }
        assert_eq!(told(&before, &after), []);
    }

    #[test]
    fn what_the_reason_says_is_not_said_twice() {
        let before = quiet([Passed, Passed]);
        for (result, reason) in [
            (Failed, Reason::PreflightFailed),
            (Unknown, Reason::PreflightUnknown),
        ] {
            let held_up = checked(34, [result, Passed], reason);
            assert_eq!(
                told(&before, &held_up),
                [(reason.to_string(), true, "m".to_owned())]
            );
            // It was held up before, and now something else is in the way too.
            let more = checked(34, [result, Failed], reason);
            let told = told(&held_up, &more);
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].0, "PreflightFailed");
        }
    }

    #[test]
    fn it_is_as_long_as_an_event_may_be() {
        let mut new = quiet([Failed, Failed]);
        for check in &mut new.preflight.as_mut().unwrap().checks {
            check.findings = vec![Finding::new("id", None, Failed, &"w".repeat(9_000))];
        }
        let notes = between(&quiet([Passed, Passed]), &new);
        assert_eq!(notes[0].text.len(), NOTE_LIMIT);
        assert!(notes[0].action.len() <= ACTION_LIMIT);
    }
}
