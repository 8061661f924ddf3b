//! UpdateClusterVersion: what EKS checks, in which order, and what it starts.

use jiff::Timestamp;

use super::cluster::{Cluster, version_params};
use super::update::{Ending, Update, VERSION_ROLLBACK, VERSION_UPDATE};
use crate::api::Minor;
use crate::simulator::api::{
    Category, ClusterStatus, ErrorDetail, Readiness, RollbackConfig, UpdateClusterVersion,
    UpdateView,
};
use crate::simulator::calendar::Calendar;
use crate::simulator::error::ApiError;
use crate::simulator::period::Period;
use crate::simulator::scenario::Outcome;

/// What a client request token was used for.
#[derive(Clone, Debug)]
pub(super) struct TokenUse {
    request: UpdateClusterVersion,
    update_id: String,
    at: Timestamp,
}

/// The rules that are the same for all clusters.
pub(super) struct Rules<'a> {
    pub(super) calendar: &'a Calendar,
    pub(super) token_lifetime: Period,
    pub(super) insights_enforced: bool,
}

/// The update that answers a call.
pub(super) struct Started {
    pub(super) update: UpdateView,
    /// Whether the call started it; a repeated token does not.
    pub(super) new: bool,
}

impl Cluster {
    /// UpdateClusterVersion at `now`.
    pub(super) fn update_version(
        &mut self,
        request: &UpdateClusterVersion,
        rules: &Rules<'_>,
        now: Timestamp,
    ) -> Result<Started, ApiError> {
        let to = request.version.parse().map_err(|_| unsupported())?;
        let timeout = rollback_timeout(request.rollback_config)?;
        if let Some(update) = self.repeated(request, rules.token_lifetime, now)? {
            return Ok(Started { update, new: false });
        }
        let kind = self.may_start(to, request, rules, now)?;
        let update = self.new_update(kind, to, timeout, request, rules.calendar, now);
        let view = update.view();
        if request.client_request_token.is_some() {
            self.tokens.push(TokenUse {
                request: request.clone(),
                update_id: view.id.clone(),
                at: now,
            });
        }
        self.updates.push(update);
        Ok(Started {
            update: view,
            new: true,
        })
    }

    /// The update that a token stands for, also when it has failed meanwhile.
    fn repeated(
        &mut self,
        request: &UpdateClusterVersion,
        lifetime: Period,
        now: Timestamp,
    ) -> Result<Option<UpdateView>, ApiError> {
        self.tokens.retain(|used| now < lifetime.after(used.at));
        let Some(token) = &request.client_request_token else {
            return Ok(None);
        };
        let used = self
            .tokens
            .iter()
            .find(|used| used.request.client_request_token.as_ref() == Some(token));
        let Some(TokenUse {
            request: earlier,
            update_id,
            at: _,
        }) = used
        else {
            return Ok(None);
        };
        if earlier != request {
            return Err(ApiError::invalid_parameter(format!(
                "The client request token {token} was used with other parameters"
            )));
        }
        let update = self.updates.iter().find(|update| update.id == *update_id);
        Ok(update.map(Update::view))
    }

    /// Whether EKS would start this now, and as which type of update.
    fn may_start(
        &self,
        to: Minor,
        request: &UpdateClusterVersion,
        rules: &Rules<'_>,
        now: Timestamp,
    ) -> Result<&'static str, ApiError> {
        let name = &self.key.name;
        if !rules.calendar.offers(to, now) {
            return Err(unsupported());
        }
        let kind = if Some(to) == self.version.previous() {
            VERSION_ROLLBACK
        } else {
            VERSION_UPDATE
        };
        // The truth counts here, not what DescribeCluster shows.
        if let Some(id) = self.busy(now) {
            return Err(ApiError::in_use(format!(
                "Cannot {kind} because cluster {name} currently has update {id} in progress"
            )));
        }
        if self.status != ClusterStatus::Active {
            return Err(ApiError::invalid_request(format!(
                "Cluster {name} is not in ACTIVE status"
            )));
        }
        if kind == VERSION_ROLLBACK {
            self.may_roll_back(to, request.force, rules.calendar, now)?;
            return Ok(kind);
        }
        if to != self.version.next() {
            let from = self.version;
            return Err(ApiError::invalid_parameter(format!(
                "Unsupported Kubernetes minor version update from {from} to {to}"
            )));
        }
        if request.rollback_config.is_some() {
            return Err(ApiError::invalid_parameter(format!(
                "rollbackConfig is only for a rollback, and {to} is an upgrade"
            )));
        }
        let blocked = rules.insights_enforced
            && self.has_found(Category::UpgradeReadiness, to, &[Readiness::Error]);
        if blocked && !request.force {
            return Err(ApiError::invalid_state(format!(
                "Cluster {name} has upgrade readiness insights in ERROR status: resolve them, or \
                 set force to override them"
            )));
        }
        Ok(kind)
    }

    fn new_update(
        &mut self,
        kind: &str,
        to: Minor,
        timeout: Period,
        request: &UpdateClusterVersion,
        calendar: &Calendar,
        now: Timestamp,
    ) -> Update {
        let Outcome {
            version: _,
            times: _,
            duration,
            node_phase,
            fail,
            cancelled,
        } = self.take_outcome(to);
        let rollback = kind == VERSION_ROLLBACK;
        let usual = if rollback {
            self.durations.rollback()
        } else {
            self.durations.update()
        };
        let nodes = if rollback && self.auto_mode {
            node_phase.unwrap_or_else(|| self.durations.node_phase())
        } else {
            Period::ZERO
        };
        let ending = match (fail, cancelled) {
            (Some(why), _) => Ending::Failure(why),
            (None, true) => Ending::Cancelled,
            (None, false) => Ending::Success,
        };
        let (control_plane_from, ends_at, ending) = if nodes > timeout {
            let why = ErrorDetail {
                error_code: "PodEvictionFailure".to_owned(),
                error_message: format!("Nodes were not rolled back to {to} within the timeout"),
                resource_ids: Vec::new(),
            };
            (None, timeout.after(now), Ending::Failure(why))
        } else {
            let from = nodes.after(now);
            let ends_at = duration.unwrap_or(usual).after(from);
            (Some(from), ends_at, ending)
        };
        Update {
            from: Some(self.version),
            to: Some(to),
            params: version_params(Some(to), calendar),
            control_plane_from,
            ends_at,
            ending,
            client_request_token: request.client_request_token.clone(),
            force: request.force,
            ..Update::begun(self.new_id(), kind, now)
        }
    }
}

fn unsupported() -> ApiError {
    ApiError::invalid_parameter("unsupported Kubernetes version")
}

fn rollback_timeout(config: Option<RollbackConfig>) -> Result<Period, ApiError> {
    let minutes = config
        .and_then(|config| config.timeout_minutes)
        .unwrap_or(720);
    match u32::try_from(minutes) {
        Ok(minutes @ 120..=10_080) => Ok(Period::minutes(minutes)),
        _ => Err(ApiError::invalid_parameter(format!(
            "rollbackConfig.timeoutMinutes must be between 120 and 10080, not {minutes}"
        ))),
    }
}
