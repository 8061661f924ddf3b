//! How long an update took that has just been seen to end.

use std::time::Duration;

use crate::api::{ClusterUpgradeStatus, Update, UpdateStatus};
use crate::metrics::FinishedUpdate;
use crate::plan::{VERSION_ROLLBACK, VERSION_UPDATE};

/// The update that ran in the one status and has finished in the other. One that was first seen when it was over is none:
/// when it ended is not known.
pub fn between(old: &ClusterUpgradeStatus, new: &ClusterUpgradeStatus) -> Option<FinishedUpdate> {
    let ran = old.update.as_ref().filter(|update| update.is_running())?;
    let mut known = new.update.iter().chain(&new.history);
    let update = known.find(|update| update.id == ran.id)?;
    let result = match update.status.as_ref()? {
        UpdateStatus::Successful => "Successful",
        UpdateStatus::Failed => "Failed",
        UpdateStatus::Cancelled => "Cancelled",
        UpdateStatus::InProgress
        | UpdateStatus::Refused
        | UpdateStatus::NotSent
        | UpdateStatus::Lost
        | UpdateStatus::Other(_) => return None,
    };
    Some(FinishedUpdate {
        // Anybody may write a status, and nobody's words become a label.
        kind: if update.kind == VERSION_ROLLBACK {
            VERSION_ROLLBACK
        } else {
            VERSION_UPDATE
        },
        result,
        took: took(update)?,
    })
}

fn took(update: &Update) -> Option<Duration> {
    let took = update.finished_at?.duration_since(update.created_at?);
    // Two clocks: EKS's and ours.
    Some(Duration::try_from(took).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::api::Minor;

    fn update(id: &str, status: UpdateStatus, finished: Option<i64>) -> Update {
        let at = |second| Timestamp::from_second(second).unwrap();
        Update {
            id: Some(id.to_owned()),
            kind: VERSION_UPDATE.to_owned(),
            status: Some(status),
            from_version: Minor::new(33),
            to_version: Minor::new(34),
            for_version: None,
            client_request_token: None,
            attempt: None,
            sends: None,
            force: false,
            timeout: None,
            requested_at: None,
            last_send_at: None,
            created_at: Some(at(1_000)),
            finished_at: finished.map(at),
            errors: Vec::new(),
            cancel: None,
        }
    }

    fn status(update: Update) -> ClusterUpgradeStatus {
        ClusterUpgradeStatus {
            update: Some(update),
            ..ClusterUpgradeStatus::default()
        }
    }

    #[test]
    fn each_end_is_seen_once() {
        let running = status(update("a", UpdateStatus::InProgress, None));
        for (ended, result) in [
            (UpdateStatus::Successful, "Successful"),
            (UpdateStatus::Failed, "Failed"),
            (UpdateStatus::Cancelled, "Cancelled"),
        ] {
            let done = status(update("a", ended, Some(1_600)));
            let seen = FinishedUpdate {
                kind: "VersionUpdate",
                result,
                took: Duration::from_mins(10),
            };
            assert_eq!(between(&running, &done), Some(seen));
            assert_eq!(between(&done, &done), None);
            assert_eq!(between(&running, &running), None);
            // The next hop may be asked for in the same pass.
            let next = ClusterUpgradeStatus {
                history: vec![done.update.clone().unwrap()],
                ..status(update("b", UpdateStatus::InProgress, None))
            };
            assert_eq!(between(&running, &next), Some(seen));
        }
    }

    #[test]
    fn what_has_no_known_length_is_not_counted() {
        let running = status(update("a", UpdateStatus::InProgress, None));
        let done = status(update("a", UpdateStatus::Successful, Some(1_600)));
        assert_eq!(between(&ClusterUpgradeStatus::default(), &done), None);
        for ended in [UpdateStatus::Lost, UpdateStatus::Other("new".to_owned())] {
            let ended = status(update("a", ended, Some(1_600)));
            assert_eq!(between(&running, &ended), None);
        }
        let mut rollback = update("a", UpdateStatus::Failed, Some(900));
        rollback.kind = "VersionRollback".to_owned();
        let seen = between(&running, &status(rollback)).unwrap();
        assert_eq!(seen.kind, "VersionRollback");
        assert_eq!(seen.took, Duration::ZERO, "the clocks differ");
    }
}
