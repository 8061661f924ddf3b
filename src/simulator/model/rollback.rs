//! Rollbacks: when EKS starts one, and when one can be cancelled.

use jiff::Timestamp;

use super::cluster::Cluster;
use super::update::{Update, VERSION_ROLLBACK, VERSION_UPDATE};
use crate::api::Minor;
use crate::simulator::api::{SupportStatus, SupportType, UpdateStatus, UpdateView};
use crate::simulator::calendar::Calendar;
use crate::simulator::error::ApiError;
use crate::simulator::period::Period;
use crate::simulator::scenario::Readiness;

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
        let newest = self
            .updates
            .iter()
            .filter(|update| {
                update.succeeded_in(VERSION_UPDATE) || update.succeeded_in(VERSION_ROLLBACK)
            })
            .max_by_key(|update| update.created_at);
        let upgrade = match newest {
            Some(update) if update.kind == VERSION_UPDATE && update.to == Some(self.version) => {
                update
            }
            Some(_) => return refuse("its newest version update was not an upgrade".to_owned()),
            None => return refuse(format!("it was created at version {}", self.version)),
        };
        if self.created_version == self.version {
            return refuse(format!("it was created at version {}", self.version));
        }
        if upgrade
            .finished_at
            .is_none_or(|end| WINDOW.after(end) < now)
        {
            return refuse("more than 7 days have passed since its upgrade".to_owned());
        }
        let extended = calendar.status(to, now) == Some(SupportStatus::ExtendedSupport);
        if extended && self.upgrade_policy == SupportType::Standard {
            return refuse(format!(
                "{to} is in extended support, and the upgrade policy is STANDARD"
            ));
        }
        let blocked = matches!(
            self.insights.rollback,
            Readiness::Error | Readiness::Unknown
        );
        if blocked && !force {
            return Err(ApiError::invalid_state(format!(
                "Cluster {name} has rollback readiness insights that are not passing: resolve \
                 them, or set force to override them"
            )));
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
        let auto_mode = self.auto_mode;
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
        update.cancel(ends_at, "Cancelled by the user");
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
