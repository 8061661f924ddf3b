//! Which calls go wrong: faults of the scenario, and the rate limit of each account.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::Timestamp;

use super::cluster::ClusterKey;
use crate::simulator::api::{Caller, Request};
use crate::simulator::error::ApiError;
use crate::simulator::scenario::{FaultKind, FaultSpec};

/// A fault that is in force.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    spec: FaultSpec,
    since: Timestamp,
    /// Set for the faults a cluster brings along.
    cluster: Option<ClusterKey>,
    fitted: u32,
    struck: u32,
}

impl Fault {
    pub(super) fn new(spec: FaultSpec, cluster: Option<ClusterKey>, since: Timestamp) -> Self {
        Self {
            spec,
            since,
            cluster,
            fitted: 0,
            struck: 0,
        }
    }

    fn fits(&self, caller: &Caller, request: &Request, now: Timestamp) -> bool {
        let FaultSpec {
            kind: _,
            operations,
            clusters,
            account_id,
            region,
            version,
            times,
            skip: _,
            from,
            until,
            probability: _,
            code: _,
            status: _,
            message: _,
            lasts: _,
            work: _,
        } = &self.spec;
        let cluster = request.cluster();
        let of_cluster = self.cluster.as_ref().is_none_or(|key| {
            cluster == Some(&key.name)
                && caller.account == key.account
                && caller.region == key.region
        });
        let to_version = match request {
            Request::UpdateClusterVersion(update) => update.version.parse().ok(),
            _ => None,
        };
        of_cluster
            && (operations.is_empty() || operations.contains(&request.operation()))
            && (clusters.is_empty()
                || cluster.is_some_and(|name| clusters.iter().any(|one| one == name)))
            && account_id.as_ref().is_none_or(|id| *id == caller.account)
            && region.as_ref().is_none_or(|one| *one == caller.region)
            && version.is_none_or(|one| to_version == Some(one))
            && times.is_none_or(|times| self.struck < times)
            && from.is_none_or(|from| from.after(self.since) <= now)
            && until.is_none_or(|until| now < until.after(self.since))
    }
}

/// The first fault that strikes this call.
pub(super) fn strike(
    faults: &mut [Fault],
    caller: &Caller,
    request: &Request,
    now: Timestamp,
    rng: &mut Rng,
) -> Option<FaultSpec> {
    faults.iter_mut().find_map(|fault| {
        if !fault.fits(caller, request, now) {
            return None;
        }
        fault.fitted = fault.fitted.saturating_add(1);
        if fault.fitted <= fault.spec.skip {
            return None;
        }
        if fault
            .spec
            .probability
            .is_some_and(|share| rng.f64() >= share)
        {
            return None;
        }
        fault.struck = fault.struck.saturating_add(1);
        Some(fault.spec.clone())
    })
}

/// The error a fault answers with; `None` for the kinds that do not answer with an error.
pub(super) fn error_of(spec: &FaultSpec, caller: &Caller, request: &Request) -> Option<ApiError> {
    let (code, message) = match spec.kind {
        FaultKind::Throttling => ("ThrottlingException", "Rate exceeded".to_owned()),
        FaultKind::ServerError => ("ServerException", "Internal server error".to_owned()),
        FaultKind::ServiceUnavailable => (
            "ServiceUnavailableException",
            "Updates in the cell are disabled".to_owned(),
        ),
        FaultKind::AccessDenied => ("AccessDeniedException", denied(caller, request)),
        FaultKind::Error => ("ClientException", "The request was refused".to_owned()),
        FaultKind::LostBefore
        | FaultKind::LostAfter
        | FaultKind::Hang
        | FaultKind::Delay
        | FaultKind::Malformed => return None,
    };
    let code = spec.code.as_deref().unwrap_or(code);
    let mut error = ApiError::new(code, spec.message.clone().unwrap_or(message));
    if let Some(cluster) = request.cluster() {
        error = error.about(cluster);
    }
    error.status = spec.status.unwrap_or(error.status);
    Some(error)
}

fn denied(caller: &Caller, request: &Request) -> String {
    let action = request.operation().iam_action();
    let resource = match request.cluster() {
        Some(name) => format!(
            "arn:{}:eks:{}:{}:cluster/{name}",
            crate::eks::partition(&caller.region),
            caller.region,
            caller.account
        ),
        None => "*".to_owned(),
    };
    format!(
        "User: {} is not authorized to perform: {action} on resource: {resource}",
        caller.arn
    )
}

/// A token bucket for each account.
#[derive(Clone, Debug)]
pub(super) struct RateLimit {
    per_second: f64,
    burst: f64,
    accounts: BTreeMap<String, (f64, Timestamp)>,
}

impl RateLimit {
    pub(super) fn new(per_second: f64, burst: Option<f64>) -> Self {
        Self {
            per_second,
            burst: burst.unwrap_or(per_second).max(1.0),
            accounts: BTreeMap::new(),
        }
    }

    /// Whether the account may make a call now; counts the call.
    pub(super) fn admits(&mut self, account: &str, now: Timestamp) -> bool {
        let (left, at) = self
            .accounts
            .entry(account.to_owned())
            .or_insert((self.burst, now));
        let passed = now.duration_since(*at).as_secs_f64().max(0.0);
        *left = (*left + passed * self.per_second).min(self.burst);
        *at = now;
        let admitted = *left >= 1.0;
        if admitted {
            *left -= 1.0;
        }
        admitted
    }
}
