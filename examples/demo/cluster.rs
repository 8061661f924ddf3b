//! What has become of one cluster, as its object says.

use eks_upgrade_operator::api::condition::READY;
use eks_upgrade_operator::api::{ClusterUpgrade, ClusterUpgradeStatus, Reason, UpdateStatus};

use crate::expected::Expected;

/// One object.
pub struct Cluster {
    pub expected: Expected,
    status: ClusterUpgradeStatus,
}

impl Cluster {
    pub fn new(expected: Expected, object: ClusterUpgrade) -> Self {
        Self {
            expected,
            status: object.status.unwrap_or_default(),
        }
    }

    /// The reason of the Ready condition.
    pub fn reason(&self) -> Option<Reason> {
        let ready = self.status.conditions.iter().find(|c| c.type_ == READY)?;
        Reason::ALL
            .into_iter()
            .find(|reason| reason.as_str() == ready.reason)
    }

    /// The message of the Ready condition.
    pub fn message(&self) -> &str {
        let mut conditions = self.status.conditions.iter();
        conditions
            .find(|condition| condition.type_ == READY)
            .map_or("nothing yet", |ready| ready.message.as_str())
    }

    /// What was done, as `Upgraded to 1.34 in 5 s, then to 1.35 in 6 s.`; nothing where nothing was.
    pub fn done(&self) -> Option<String> {
        let done: Vec<_> = self
            .status
            .history
            .iter()
            .rev()
            .filter(|update| update.is_ours() && update.status == Some(UpdateStatus::Successful))
            .collect();
        let is_down = done.first()?.to_version < done.first()?.from_version;
        let hops: Vec<String> = done
            .iter()
            .map(|update| {
                let took = update.created_at.zip(update.finished_at);
                let took = took.map_or(0.0, |(from, to)| to.duration_since(from).as_secs_f64());
                format!("{} in {took:.0} s", update.to_version)
            })
            .collect();
        let did = if is_down { "Rolled back" } else { "Upgraded" };
        Some(format!("{did} to {}.", hops.join(", then to ")))
    }
}
