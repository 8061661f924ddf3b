//! Conditions by the conventions of kstatus: Ready always, Reconciling and Stalled only while true and never both. Beside them
//! `PreflightPassed`, while a hop is to come.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::condition::{Abnormal, PREFLIGHT_PASSED, READY, RECONCILING, STALLED};
use crate::api::{CheckResult, PreflightStatus, Reason};
use crate::text::plain;

/// The longest message that the API takes.
const MESSAGE_LIMIT: usize = 32 * 1024;

/// The conditions that a reason and the checks make. A transition time moves only with the condition's status.
pub fn of(
    old: &[Condition],
    reason: Reason,
    message: &str,
    preflight: Option<&PreflightStatus>,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let (ready, abnormal) = reason.conditions();
    let abnormal = match abnormal {
        Abnormal::None => None,
        Abnormal::Reconciling => Some(RECONCILING),
        Abnormal::Stalled => Some(STALLED),
    };
    let condition = |kind: &str, status: &str| Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.as_str().to_owned(),
        message: plain(message, MESSAGE_LIMIT),
        last_transition_time: since(old, kind, status, now),
        observed_generation: Some(generation),
    };
    std::iter::once(condition(READY, ready.as_str()))
        .chain(abnormal.map(|kind| condition(kind, "True")))
        .chain(preflight.map(|preflight| passed(old, preflight, generation, now)))
        .collect()
}

/// The conditions as they were, but for the one that the checks make: that one is true to them also where nothing else is said
/// anew.
pub fn kept(
    old: &[Condition],
    preflight: Option<&PreflightStatus>,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let before = old.iter().find(|known| known.type_ == PREFLIGHT_PASSED);
    let passed = preflight.map(|preflight| {
        let new = passed(old, preflight, generation, now);
        // A new generation alone is no reason to write.
        before
            .filter(|before| before.reason == new.reason && before.message == new.message)
            .cloned()
            .unwrap_or(new)
    });
    let others = old.iter().filter(|known| known.type_ != PREFLIGHT_PASSED);
    others.cloned().chain(passed).collect()
}

/// Whether the checks before the next hop let it start.
fn passed(
    old: &[Condition],
    preflight: &PreflightStatus,
    generation: i64,
    now: Timestamp,
) -> Condition {
    let PreflightStatus {
        version,
        result,
        checks,
    } = preflight;
    let status = match result {
        CheckResult::Passed | CheckResult::Warning | CheckResult::Waived => "True",
        CheckResult::Unknown => "Unknown",
        CheckResult::Failed => "False",
    };
    let named: Vec<_> = checks
        .iter()
        .filter(|check| check.result != CheckResult::Passed)
        .map(|check| format!("{} {}", check.code, check.result))
        .collect();
    let message = if named.is_empty() {
        format!("{version}: every check {result}")
    } else {
        format!("{version}: {}", named.join(", "))
    };
    Condition {
        type_: PREFLIGHT_PASSED.to_owned(),
        status: status.to_owned(),
        reason: result.as_str().to_owned(),
        message: plain(&message, MESSAGE_LIMIT),
        last_transition_time: since(old, PREFLIGHT_PASSED, status, now),
        observed_generation: Some(generation),
    }
}

/// Since when a condition has this status.
fn since(old: &[Condition], kind: &str, status: &str, now: Timestamp) -> Time {
    old.iter()
        .find(|condition| condition.type_ == kind && condition.status == status)
        .map_or_else(
            || Time(seconds(now)),
            |condition| condition.last_transition_time.clone(),
        )
}

/// As the API keeps it: whole seconds.
fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Check, CheckCode, Minor};

    fn at(second: i64) -> Timestamp {
        Timestamp::new(second, 500_000_000).unwrap()
    }

    fn told(conditions: &[Condition]) -> Vec<(&str, &str, &str, i64)> {
        conditions
            .iter()
            .map(|c| {
                (
                    c.type_.as_str(),
                    c.status.as_str(),
                    c.reason.as_str(),
                    c.last_transition_time.0.as_second(),
                )
            })
            .collect()
    }

    #[test]
    fn a_transition_time_moves_only_with_the_status() {
        let first = of(&[], Reason::WaitingForCluster, "a", None, 1, at(1));
        assert_eq!(
            told(&first),
            [
                ("Ready", "Unknown", "WaitingForCluster", 1),
                ("Reconciling", "True", "WaitingForCluster", 1)
            ]
        );
        let second = of(&first, Reason::Updating, "b", None, 2, at(2));
        assert_eq!(
            told(&second),
            [
                ("Ready", "Unknown", "Updating", 1),
                ("Reconciling", "True", "Updating", 1)
            ]
        );
        assert_eq!(second[0].observed_generation, Some(2));
        let third = of(&second, Reason::UpdateFailed, "c", None, 2, at(3));
        assert_eq!(
            told(&third),
            [
                ("Ready", "False", "UpdateFailed", 3),
                ("Stalled", "True", "UpdateFailed", 3)
            ]
        );
        let fourth = of(&third, Reason::UpToDate, "d", None, 2, at(4));
        assert_eq!(told(&fourth), [("Ready", "True", "UpToDate", 4)]);
    }

    #[test]
    fn every_reason_has_at_most_one_of_reconciling_and_stalled() {
        for reason in Reason::ALL {
            let types: Vec<_> = of(&[], reason, "", None, 1, at(1))
                .into_iter()
                .map(|c| c.type_)
                .collect();
            let expected: &[&str] = match (reason, reason.is_stalled()) {
                (Reason::UpToDate, _) => &[READY],
                (_, true) => &[READY, STALLED],
                (_, false) => &[READY, RECONCILING],
            };
            assert_eq!(types, expected, "{reason}");
        }
    }

    fn preflight(results: [CheckResult; 2]) -> PreflightStatus {
        let codes = [CheckCode::UpgradeInsights, CheckCode::NodeSkew];
        PreflightStatus {
            version: Minor::new(33),
            result: results.into_iter().max().unwrap(),
            checks: std::iter::zip(codes, results)
                .map(|(code, result)| Check {
                    code: code.to_string(),
                    result,
                    message: "m".to_owned(),
                    findings: Vec::new(),
                    since: at(1),
                })
                .collect(),
        }
    }

    #[test]
    fn the_checks_make_a_condition_of_their_own() {
        use CheckResult::{Failed, Passed, Unknown, Waived, Warning};
        for (results, status, reason, message) in [
            (
                [Passed, Passed],
                "True",
                "Passed",
                "1.33: every check Passed",
            ),
            (
                [Passed, Warning],
                "True",
                "Warning",
                "1.33: NodeSkew Warning",
            ),
            (
                [Waived, Passed],
                "True",
                "Waived",
                "1.33: UpgradeInsights Waived",
            ),
            (
                [Unknown, Passed],
                "Unknown",
                "Unknown",
                "1.33: UpgradeInsights Unknown",
            ),
            (
                [Failed, Warning],
                "False",
                "Failed",
                "1.33: UpgradeInsights Failed, NodeSkew Warning",
            ),
        ] {
            let preflight = preflight(results);
            let all = of(&[], Reason::Suspended, "m", Some(&preflight), 1, at(1));
            let last = all.last().unwrap();
            assert_eq!(all.len(), 3);
            assert_eq!(
                (
                    last.type_.as_str(),
                    last.status.as_str(),
                    last.reason.as_str()
                ),
                ("PreflightPassed", status, reason)
            );
            assert_eq!(last.message, message);
            assert_eq!(of(&all, Reason::Suspended, "m", None, 1, at(1)).len(), 2);
        }
    }

    #[test]
    fn where_the_rest_is_kept_it_is_true_to_the_checks_all_the_same() {
        use CheckResult::{Failed, Passed, Warning};
        let first = preflight([Passed, Passed]);
        let old = of(&[], Reason::Suspended, "m", Some(&first), 1, at(1));
        assert_eq!(kept(&old, Some(&first), 2, at(2)), old, "nothing to write");
        let warned = kept(&old, Some(&preflight([Passed, Warning])), 2, at(2));
        assert_eq!(warned[..2], old[..2]);
        assert_eq!(
            told(&warned).last(),
            Some(&("PreflightPassed", "True", "Warning", 1))
        );
        let failed = kept(&warned, Some(&preflight([Failed, Passed])), 2, at(3));
        assert_eq!(
            told(&failed).last(),
            Some(&("PreflightPassed", "False", "Failed", 3))
        );
        assert_eq!(kept(&failed, None, 2, at(4)), old[..2]);
    }
}
