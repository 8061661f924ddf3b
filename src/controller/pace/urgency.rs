//! Who goes first where not everybody can be looked at at once.

use crate::api::{ClusterUpgradeStatus, Reason, Update};
use crate::plan::is_followed;
use crate::store::Stored;

use super::super::fleet::ready_reason;

/// How urgent a look at an object is. The first goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// It has an open intent or a running update.
    Running,
    /// It has something to do, or nobody has decided on it as it is asked for now.
    Waiting,
    /// It is at rest: looked at only to see that nothing has changed.
    Idle,
}

impl Urgency {
    /// All, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Running, Self::Waiting, Self::Idle];

    /// By what an object's status says.
    pub fn of(object: &Stored) -> Self {
        let Ok(body) = &object.body else {
            return Self::Waiting;
        };
        let status = &body.status;
        if status
            .update
            .as_ref()
            .is_some_and(|update| is_running(status, update))
        {
            return Self::Running;
        }
        let is_at_rest = ready_reason(status).is_some_and(|reason| {
            reason == Reason::UpToDate || reason == Reason::Suspended || reason.is_stalled()
        });
        if is_at_rest && status.observed_generation == Some(object.generation) {
            Self::Idle
        } else {
            Self::Waiting
        }
    }
}

fn is_running(status: &ClusterUpgradeStatus, update: &Update) -> bool {
    update.is_open_intent() || is_followed(status, update)
}
