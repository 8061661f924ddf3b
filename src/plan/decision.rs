//! What comes out of deciding.

use jiff::SignedDuration;

use crate::api::{ClusterUpgradeStatus, Reason};
use crate::eks::{CancelRequest, VersionRequest};
use crate::text::plain;

use super::say;

/// What to do, what to remember, what to say, and when to look again.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The one call to EKS that changes something. It is made only after `memory` was written under guard.
    pub action: Option<Action>,
    /// What status must remember; its conditions are still the old ones.
    pub memory: ClusterUpgradeStatus,
    /// What is said.
    pub outcome: Outcome,
    /// When to look again.
    pub wake: Wake,
}

/// A call to EKS that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// UpdateClusterVersion, as the open intent in `memory` has it.
    Send(VersionRequest),
    /// CancelUpdate of the running rollback, as its open cancellation in `memory` has it.
    Cancel(CancelRequest),
}

/// What is said about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This reason, with what is, why, and what to do next.
    Say(Reason, String),
    /// The conditions stay as they are: what went wrong may be gone in a moment.
    Keep,
    /// Nothing at all is written: the object is being deleted.
    Silent,
}

/// When to look again, unless the object changes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// At once: the next step follows from this one.
    Now,
    /// After a while; the caller may jitter it.
    After(SignedDuration),
    /// After exactly this: something begins then.
    Exactly(SignedDuration),
    /// Only when the object changes.
    OnChange,
}

impl Decision {
    pub(super) fn silent(memory: &ClusterUpgradeStatus) -> Self {
        Self {
            action: None,
            memory: memory.clone(),
            outcome: Outcome::Silent,
            wake: Wake::OnChange,
        }
    }

    /// Changes nothing and looks again.
    pub(super) fn keep(memory: &ClusterUpgradeStatus, wake: Wake) -> Self {
        Self {
            action: None,
            memory: memory.clone(),
            outcome: Outcome::Keep,
            wake,
        }
    }

    pub(super) fn say(
        memory: ClusterUpgradeStatus,
        reason: Reason,
        message: impl AsRef<str>,
        wake: Wake,
    ) -> Self {
        // Whatever is quoted in it: what EKS said, what the object holds.
        let message = plain(message.as_ref(), say::MESSAGE_LIMIT);
        Self {
            action: None,
            memory,
            outcome: Outcome::Say(reason, message),
            wake,
        }
    }
}
