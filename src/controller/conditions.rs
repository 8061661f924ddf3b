//! Conditions by the conventions of kstatus: Ready always, Reconciling and Stalled only while true and never both.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::Reason;
use crate::api::condition::{Abnormal, READY, RECONCILING, STALLED};
use crate::text::plain;

/// The longest message that the API takes.
const MESSAGE_LIMIT: usize = 32 * 1024;

/// The conditions that a reason makes. A transition time moves only with the condition's status.
pub fn of(
    old: &[Condition],
    reason: Reason,
    message: &str,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let (ready, abnormal) = reason.conditions();
    let abnormal = match abnormal {
        Abnormal::None => None,
        Abnormal::Reconciling => Some(RECONCILING),
        Abnormal::Stalled => Some(STALLED),
    };
    let condition = |kind: &str, status: &str| {
        let since = old
            .iter()
            .find(|condition| condition.type_ == kind && condition.status == status)
            .map_or_else(
                || Time(seconds(now)),
                |condition| condition.last_transition_time.clone(),
            );
        Condition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message: plain(message, MESSAGE_LIMIT),
            last_transition_time: since,
            observed_generation: Some(generation),
        }
    };
    std::iter::once(condition(READY, ready.as_str()))
        .chain(abnormal.map(|kind| condition(kind, "True")))
        .collect()
}

/// As the API keeps it: whole seconds.
fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let first = of(&[], Reason::WaitingForCluster, "a", 1, at(1));
        assert_eq!(
            told(&first),
            [
                ("Ready", "Unknown", "WaitingForCluster", 1),
                ("Reconciling", "True", "WaitingForCluster", 1)
            ]
        );
        let second = of(&first, Reason::Updating, "b", 2, at(2));
        assert_eq!(
            told(&second),
            [
                ("Ready", "Unknown", "Updating", 1),
                ("Reconciling", "True", "Updating", 1)
            ]
        );
        assert_eq!(second[0].observed_generation, Some(2));
        let third = of(&second, Reason::UpdateFailed, "c", 2, at(3));
        assert_eq!(
            told(&third),
            [
                ("Ready", "False", "UpdateFailed", 3),
                ("Stalled", "True", "UpdateFailed", 3)
            ]
        );
        let fourth = of(&third, Reason::UpToDate, "d", 2, at(4));
        assert_eq!(told(&fourth), [("Ready", "True", "UpToDate", 4)]);
    }

    #[test]
    fn every_reason_has_at_most_one_of_reconciling_and_stalled() {
        for reason in Reason::ALL {
            let types: Vec<_> = of(&[], reason, "", 1, at(1))
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
}
