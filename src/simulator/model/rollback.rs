//! Rollbacks: when EKS starts one, and when one can be cancelled.

use jiff::Timestamp;

use super::cluster::Cluster;
use super::update::{Update, VERSION_ROLLBACK, VERSION_UPDATE};
use crate::api::Minor;
use crate::simulator::api::{
    Category, Readiness, SupportStatus, SupportType, UpdateStatus, UpdateView,
};
use crate::simulator::calendar::Calendar;
use crate::simulator::error::ApiError;
use crate::simulator::period::Period;

/// How long after an upgrade it can be rolled back (user guide, rollback-cluster).
const WINDOW: Period = Period::days(7);

impl Cluster {
    /// The conditions of the user guide. `force` overrides insights, and nothing else. That there is
    /// no way back from an upgrade at the end of extended support needs no rule: by then the version
    /// before is not on offer.
    pub(super) fn may_roll_back(
        &self,
        to: Minor,
        force: bool,
        calendar: &Calendar,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let name = &self.key.name;
        let refuse = |why: String| {
            Err(ApiError::invalid_request(format!(
                "Cluster {name} cannot be rolled back to {to}: {why}"
            )))
        };
        if let Err(why) = self.upgrade_to_undo(now) {
            return refuse(why);
        }
        let extended = calendar.status(to, now) == Some(SupportStatus::ExtendedSupport);
        if extended && self.upgrade_policy == SupportType::Standard {
            return refuse(format!(
                "{to} is in extended support, and the upgrade policy is STANDARD"
            ));
        }
        if let Some(nodegroup) = self.nodegroup_newer_than(to) {
            return refuse(format!(
                "its node group {} is at version {}",
                nodegroup.name, nodegroup.version
            ));
        }
        let blocked = self.has_found(
            Category::RollbackReadiness,
            to,
            &[Readiness::Error, Readiness::Unknown],
        );
        if blocked && !force {
            return Err(ApiError::invalid_state(format!(
                "Cluster {name} has rollback readiness insights that are not passing: resolve \
                 them, or set force to override them"
            )));
        }
        Ok(())
    }

    /// The version that the cluster could be rolled back to at `now`, as far as its past goes.
    pub(super) fn version_before(&self, now: Timestamp) -> Option<Minor> {
        match self.upgrade_to_undo(now) {
            Ok(()) => self.version.previous(),
            Err(_) => None,
        }
    }

    /// Whether there is an upgrade that is not too old to be undone, or else why there is none.
    fn upgrade_to_undo(&self, now: Timestamp) -> Result<(), String> {
        let newest = self
            .updates
            .iter()
            .filter(|update| {
                update.succeeded_in(VERSION_UPDATE) || update.succeeded_in(VERSION_ROLLBACK)
            })
            .max_by_key(|update| update.created_at);
        let created_here = || Err(format!("it was created at version {}", self.version));
        let upgrade = match newest {
            Some(update) if update.kind == VERSION_UPDATE && update.to == Some(self.version) => {
                update
            }
            Some(_) => return Err("its newest version update was not an upgrade".to_owned()),
            None => return created_here(),
        };
        if self.created_version == self.version {
            return created_here();
        }
        if upgrade
            .finished_at
            .is_none_or(|end| WINDOW.after(end) < now)
        {
            return Err("more than 7 days have passed since its upgrade".to_owned());
        }
        Ok(())
    }

    /// CancelUpdate at `now`: possible while the nodes of an Auto Mode cluster roll back.
    pub(super) fn cancel_update(
        &mut self,
        id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<UpdateView, ApiError> {
        let ends_at = self.durations.cancellation().after(now);
        let (auto_mode, shown) = (self.auto_mode, self.cancelling_status);
        let update = self
            .updates
            .iter_mut()
            .find(|update| update.id == id && update.scope.is_cluster())
            .ok_or_else(|| no_update(id))?;
        let repeated = token.is_some() && update.cancel_token.as_deref() == token;
        if repeated {
            return Ok(update.view());
        }
        if update.kind != VERSION_ROLLBACK || !auto_mode {
            return Err(ApiError::invalid_request(format!(
                "Update {id} is a {} and cannot be cancelled: only the rollback of an Auto Mode \
                 cluster can",
                update.kind
            )));
        }
        if update.status != UpdateStatus::InProgress {
            return Err(ApiError::invalid_request(format!(
                "Update {id} is {:?} and cannot be cancelled any more",
                update.status
            )));
        }
        if update.cancellation.is_some() {
            return Err(ApiError::in_use(format!(
                "Update {id} is being cancelled already"
            )));
        }
        if !in_node_phase(update, now) {
            return Err(ApiError::invalid_state(format!(
                "Update {id} cannot be cancelled: the control plane is being rolled back"
            )));
        }
        update.cancel_token = token.map(str::to_owned);
        update.cancel(ends_at, shown);
        Ok(update.view())
    }
}

/// Whether the control plane is still untouched. A rollback that its timeout will end never
/// reaches the control plane.
fn in_node_phase(update: &Update, now: Timestamp) -> bool {
    update.control_plane_from.is_none_or(|from| now < from)
}

/// What EKS says of an update it does not know.
pub(super) fn no_update(id: &str) -> ApiError {
    ApiError::not_found(format!("No update found for ID: {id}"))
}
