//! A status as the operator could have written it.
//!
//! Somebody else may have: by an edit, a restore, or where the CRD refuses nothing. What is only said is cut to size, since it
//! is written again with every status. What decides, such as an update's id, is not guessed at: the object counts as unreadable.

use std::collections::HashSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::condition::PREFLIGHT_PASSED;
use crate::api::{
    Blocker, Cancel, Check, CheckCode, CheckResult, ClusterUpgradeStatus, ErrorDetail, Finding,
    HISTORY_LIMIT, ObservedCluster, PATH_LIMIT, PlanStatus, PreflightStatus, Reason,
    RollbackReadiness, ScheduleStatus, Step, StepGate, Update, UpdateStatus,
};
use crate::eks::is_update_id;
use crate::store::Unreadable;
use crate::text::{is_plain_word, plain};

/// The most bytes of a word, such as a status, and of an idempotency token.
const WORD: usize = 128;
/// The most bytes of a cluster's ARN.
const ARN: usize = 2048;
/// The most bytes of a condition's message.
const MESSAGE: usize = 32 * 1024;

/// The status within bounds, or what in it cannot be ours.
pub(super) fn sound(status: ClusterUpgradeStatus) -> Result<ClusterUpgradeStatus, Unreadable> {
    let ClusterUpgradeStatus {
        observed_generation,
        cluster,
        mut path,
        update,
        attempts,
        history,
        rollback,
        preflight,
        schedule,
        plan,
        support,
        conditions,
    } = status;
    path.truncate(PATH_LIMIT);
    let mut seen = HashSet::new();
    Ok(ClusterUpgradeStatus {
        observed_generation,
        cluster: cluster.map(sound_cluster).transpose()?,
        path,
        update: update
            .map(|update| sound_update("status.update", update))
            .transpose()?,
        attempts,
        history: history
            .into_iter()
            .take(HISTORY_LIMIT)
            .map(|update| sound_update("status.history", update))
            .collect::<Result<_, _>>()?,
        rollback: rollback.and_then(sound_readiness),
        preflight: preflight.map(sound_preflight),
        schedule: schedule.map(sound_schedule),
        plan: plan.map(sound_plan),
        support,
        conditions: conditions
            .into_iter()
            .filter(|condition| is_ours(condition) && seen.insert(condition.type_.clone()))
            .map(sound_condition)
            .collect(),
    })
}

fn sound_cluster(cluster: ObservedCluster) -> Result<ObservedCluster, Unreadable> {
    let ObservedCluster {
        arn,
        created_at,
        version,
        platform_version,
        status,
    } = cluster;
    if !is_plain_word(&arn, ARN) {
        return Err(impossible("status.cluster.arn", &arn));
    }
    Ok(ObservedCluster {
        arn,
        created_at,
        version: plain(&version, WORD),
        platform_version: platform_version.as_deref().map(|text| plain(text, WORD)),
        status: plain(&status, WORD),
    })
}

fn sound_update(place: &str, update: Update) -> Result<Update, Unreadable> {
    let token = &update.client_request_token;
    if let Some(id) = update.id.as_ref().filter(|id| !is_update_id(id)) {
        return Err(impossible(&format!("{place}.id"), id));
    }
    if let Some(token) = token.as_ref().filter(|token| !is_plain_word(token, WORD)) {
        return Err(impossible(&format!("{place}.clientRequestToken"), token));
    }
    Ok(Update {
        kind: plain(&update.kind, WORD),
        status: update
            .status
            .map(|status| UpdateStatus::from(plain(status.as_str(), WORD))),
        errors: ErrorDetail::kept(&update.errors),
        cancel: update
            .cancel
            .map(|cancel| sound_cancel(place, cancel))
            .transpose()?,
        ..update
    })
}

fn sound_cancel(place: &str, cancel: Cancel) -> Result<Cancel, Unreadable> {
    let token = &cancel.client_request_token;
    if !is_plain_word(token, WORD) {
        let place = format!("{place}.cancel.clientRequestToken");
        return Err(impossible(&place, token));
    }
    Ok(Cancel {
        errors: ErrorDetail::kept(&cancel.errors),
        ..cancel
    })
}

/// It is only said, so that one that makes no sense is made anew.
fn sound_readiness(readiness: RollbackReadiness) -> Option<RollbackReadiness> {
    is_update_id(&readiness.update_id).then(|| RollbackReadiness {
        blockers: readiness
            .blockers
            .iter()
            .take(Blocker::KEPT)
            .map(|blocker| Blocker::new(&blocker.code, &blocker.message))
            .collect(),
        ..readiness
    })
}

/// Checks that are none of ours are not kept, and none is kept twice: they are counted by their codes.
fn sound_preflight(preflight: PreflightStatus) -> PreflightStatus {
    let PreflightStatus {
        version,
        result,
        checks,
    } = preflight;
    let mut seen = HashSet::new();
    PreflightStatus {
        version,
        result,
        checks: checks
            .into_iter()
            .filter(|check| {
                let code = check.code.parse::<CheckCode>();
                code.is_ok_and(|code| seen.insert(code))
            })
            .map(sound_check)
            .collect(),
    }
}

fn sound_check(check: Check) -> Check {
    let Check {
        code,
        result,
        message,
        findings,
        since,
    } = check;
    let findings = findings.iter().take(Check::FINDINGS_KEPT);
    Check {
        code,
        result,
        message: plain(&message, Check::MESSAGE_KEPT),
        findings: findings
            .map(|finding| {
                let Finding {
                    id,
                    name,
                    result,
                    message,
                } = finding;
                Finding::new(id, name.as_deref(), *result, message)
            })
            .collect(),
        since,
    }
}

fn sound_schedule(schedule: ScheduleStatus) -> ScheduleStatus {
    let ScheduleStatus { next_start } = schedule;
    let is_time = |text: &String| text.len() <= WORD && text.parse::<Timestamp>().is_ok();
    ScheduleStatus {
        next_start: next_start.filter(is_time),
    }
}

fn sound_plan(plan: PlanStatus) -> PlanStatus {
    let PlanStatus { steps } = plan;
    PlanStatus {
        steps: steps.into_iter().take(PATH_LIMIT).map(sound_step).collect(),
    }
}

fn sound_step(step: Step) -> Step {
    let Step {
        from,
        to,
        call,
        gates,
        earliest_start,
    } = step;
    Step {
        from,
        to,
        call: plain(&call, WORD),
        gates: gates
            .into_iter()
            .take(StepGate::KEPT)
            .map(|gate| StepGate::new(&gate.gate, gate.state, &gate.message))
            .collect(),
        earliest_start,
    }
}

/// Whether a condition is in the operator's words. Another is said anew.
fn is_ours(condition: &Condition) -> bool {
    let reason = condition.reason.as_str();
    let is_reason = if condition.type_ == PREFLIGHT_PASSED {
        CheckResult::ALL.iter().any(|word| word.as_str() == reason)
    } else {
        Reason::ALL.iter().any(|word| word.as_str() == reason)
    };
    is_reason && ["True", "False", "Unknown"].contains(&condition.status.as_str())
}

fn sound_condition(condition: Condition) -> Condition {
    Condition {
        message: plain(&condition.message, MESSAGE),
        last_transition_time: Time(whole_seconds(condition.last_transition_time.0)),
        ..condition
    }
}

/// As a condition's time is written. With a fraction that is left out there, what is kept would never be what was meant.
fn whole_seconds(at: Timestamp) -> Timestamp {
    let at = at.max(Timestamp::UNIX_EPOCH);
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn impossible(place: &str, text: &str) -> Unreadable {
    Unreadable(format!(
        "{place}: {:?} cannot be one. Restore it, or remove it if nothing is known to run",
        plain(text, 64)
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(status: Value) -> ClusterUpgradeStatus {
        serde_json::from_value(status)
            .map(sound)
            .unwrap_or_else(|error| panic!("{error}"))
            .unwrap()
    }

    fn long() -> String {
        "w\u{1b}".repeat(1_000)
    }

    #[test]
    fn of_the_checks_as_much_is_kept_as_could_be_ours() {
        let finding = json!({"id": long(), "name": format!("n{}", long()), "result": "Failed", "message": long()});
        let check = |code: &str| {
            json!({
                "code": code, "result": "Failed", "message": long(), "since": "2026-11-20T00:00:00Z",
                "findings": vec![finding.clone(); 100],
            })
        };
        let checks = ["NodeSkew", "Surprise", "NodeSkew", "ClusterHealth"].map(check);
        let status =
            read(json!({"preflight": {"version": "1.34", "result": "Failed", "checks": checks}}));
        let checks = status.preflight.unwrap().checks;
        let codes: Vec<_> = checks.iter().map(|check| check.code.as_str()).collect();
        assert_eq!(codes, ["NodeSkew", "ClusterHealth"]);
        for check in &checks {
            assert!(check.message.len() <= Check::MESSAGE_KEPT);
            assert_eq!(check.findings.len(), Check::FINDINGS_KEPT);
            for finding in &check.findings {
                assert!(finding.id.len() <= Finding::WORD_KEPT);
                assert!(finding.name.as_ref().unwrap().len() <= Finding::WORD_KEPT);
                assert!(finding.message.len() <= Finding::MESSAGE_KEPT);
                assert!(!finding.message.contains('\u{1b}'));
            }
        }
    }

    #[test]
    fn what_is_planned_has_an_end() {
        let gate = json!({"gate": long(), "state": "Open", "message": long()});
        let step = json!({
            "from": "1.33", "to": "1.34", "call": long(), "gates": vec![gate; 10],
            "earliestStart": "2026-11-20T00:00:00Z",
        });
        let status = read(json!({
            "plan": {"steps": vec![step; 100]},
        }));
        let steps = status.plan.unwrap().steps;
        assert_eq!(steps.len(), PATH_LIMIT);
        for step in &steps {
            assert!(step.call.len() <= WORD);
            assert_eq!(step.gates.len(), StepGate::KEPT);
            let gate = &step.gates[0];
            assert!(gate.gate.len() <= WORD && gate.message.len() <= 1024);
        }
    }

    #[test]
    fn what_makes_no_sense_and_is_only_said_is_left_out() {
        for (start, kept) in [
            ("2026-11-20T00:00:00Z", true),
            ("tomorrow", false),
            ("", false),
        ] {
            let status = read(json!({"schedule": {"nextStart": start}}));
            assert_eq!(
                status.schedule.unwrap().next_start.is_some(),
                kept,
                "{start}"
            );
        }
        let status = read(json!({
            "preflight": {"version": "latest"}, "schedule": 7, "plan": {"steps": "none"}, "support": {},
        }));
        assert_eq!(status, ClusterUpgradeStatus::default());
    }

    #[test]
    fn each_condition_has_words_of_its_own() {
        let condition = |kind: &str, reason: &str| {
            json!({
                "type": kind, "status": "True", "reason": reason, "message": "",
                "lastTransitionTime": "2026-11-20T00:00:00Z",
            })
        };
        let status = read(json!({"conditions": [
            condition("Ready", "Passed"),
            condition("Stalled", "UpdateFailed"),
            condition("PreflightPassed", "UpdateFailed"),
            condition("PreflightPassed", "Waived"),
            condition("PreflightPassed", "Passed"),
        ]}));
        let kept: Vec<_> = status
            .conditions
            .iter()
            .map(|kept| (kept.type_.as_str(), kept.reason.as_str()))
            .collect();
        assert_eq!(
            kept,
            [("Stalled", "UpdateFailed"), ("PreflightPassed", "Waived")]
        );
    }
}
