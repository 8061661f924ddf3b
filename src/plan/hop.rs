//! One step between two versions.

use crate::api::{Minor, RollbackTimeout, Update};

use super::wish::Wish;
use super::{VERSION_ROLLBACK, VERSION_UPDATE};

/// One minor, up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The version before.
    pub from: Minor,
    /// The version after.
    pub to: Minor,
    /// Whether EKS's readiness insights are overridden.
    pub force: bool,
    /// With a rollback: how long EKS may take over it. `None` with an upgrade.
    pub timeout: Option<RollbackTimeout>,
}

impl Hop {
    /// The upgrade that comes next.
    pub fn up(wish: &Wish, from: Minor) -> Self {
        let to = from.next();
        Self {
            from,
            to,
            force: wish.force_for(to),
            timeout: None,
        }
    }

    /// The rollback by one minor.
    pub fn down(wish: &Wish, from: Minor, to: Minor, timeout: RollbackTimeout) -> Self {
        Self {
            from,
            to,
            force: wish.force_for(to),
            timeout: Some(timeout),
        }
    }

    /// What an update in status asks for. `None` where status cannot say it whole.
    pub fn of(update: &Update) -> Option<Self> {
        let timeout = match update.kind.as_str() {
            VERSION_UPDATE => None,
            VERSION_ROLLBACK => Some(update.timeout?),
            _ => return None,
        };
        Some(Self {
            from: update.from_version,
            to: update.to_version,
            force: update.force,
            timeout,
        })
    }

    /// Whether it leads down.
    pub const fn is_rollback(self) -> bool {
        self.timeout.is_some()
    }

    /// EKS's type of the update that it is.
    pub const fn kind(self) -> &'static str {
        if self.is_rollback() {
            VERSION_ROLLBACK
        } else {
            VERSION_UPDATE
        }
    }
}
