//! The model of EKS: plain state and plain functions. It knows no clock, no network and no thread;
//! time comes in with every call and must not go backwards.

mod calls;
mod cluster;
mod faults;
mod rollback;
mod start;
mod timeline;
mod update;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::Timestamp;

pub use calls::{CallRecord, Delivery};
pub use cluster::{ClusterKey, ClusterTruth};
pub use update::{Origin, UpdateTruth};

use super::api::{Caller, Reply, Request, Response, Scope, UpdateView};
use super::calendar::Calendar;
use super::error::ApiError;
use super::identity::Identities;
use super::paging;
use super::period::Period;
use super::scenario::{
    ClusterSpec, Durations, FaultKind, FaultSpec, ForeignUpdate, Happening, Lags, Scenario,
    ScenarioError, Work,
};
use calls::CallLog;
use cluster::Cluster;
use faults::{Fault, RateLimit};
use start::{Rules, Started};

/// EKS and STS of all accounts and regions.
#[derive(Clone, Debug)]
pub struct Model {
    account: String,
    region: String,
    seed: u64,
    token_lifetime: Period,
    insights_enforced: bool,
    defaults: (Durations, Lags),
    calendar: Calendar,
    identities: Identities,
    clusters: BTreeMap<ClusterKey, Cluster>,
    faults: Vec<Fault>,
    rate: Option<RateLimit>,
    calls: CallLog,
    /// Requests that were held up on their way, and when they arrive.
    late: Vec<(Timestamp, u64, Caller, Request)>,
    rng: Rng,
}

/// What the work of a call came to.
struct Worked {
    result: Result<Response, ApiError>,
    accepted: bool,
}

impl From<Result<Response, ApiError>> for Worked {
    fn from(result: Result<Response, ApiError>) -> Self {
        Self {
            result,
            accepted: false,
        }
    }
}

impl Model {
    /// A model in the scenario's first state, which it has at `start`.
    ///
    /// # Errors
    /// When the scenario contradicts itself.
    pub fn new(scenario: &Scenario, start: Timestamp) -> Result<Self, ScenarioError> {
        let mut model = Self {
            account: scenario.account_id.clone(),
            region: scenario.region.clone(),
            seed: scenario.seed,
            token_lifetime: scenario.token_lifetime,
            insights_enforced: scenario.insights_enforced,
            defaults: (scenario.durations, scenario.lags),
            calendar: Calendar::with(&scenario.versions).map_err(ScenarioError::Invalid)?,
            identities: Identities::new(scenario),
            clusters: BTreeMap::new(),
            faults: Vec::new(),
            rate: scenario
                .requests_per_second
                .map(|rate| RateLimit::new(rate, scenario.burst)),
            calls: CallLog::default(),
            late: Vec::new(),
            rng: Rng::with_seed(scenario.seed),
        };
        for spec in &scenario.clusters {
            model.add_cluster(spec.clone(), start)?;
        }
        for spec in &scenario.faults {
            model.add_fault(spec.clone(), start);
        }
        Ok(model)
    }

    /// Adds a cluster; its events and faults count from `now`.
    ///
    /// # Errors
    /// When there is one of that name in the account and region already.
    pub fn add_cluster(&mut self, spec: ClusterSpec, now: Timestamp) -> Result<(), ScenarioError> {
        let key = self.key(
            &spec.name,
            spec.account_id.as_deref(),
            spec.region.as_deref(),
        );
        if self
            .clusters
            .get(&key)
            .is_some_and(|cluster| cluster.exists)
        {
            let ClusterKey {
                account,
                region,
                name,
            } = key;
            return Err(ScenarioError::Invalid(format!(
                "there is a cluster {name} in {account} {region} already"
            )));
        }
        let faults = spec.faults.clone();
        // Each cluster has its own source of randomness, so that what happens to one does not
        // depend on how often the others are asked.
        let place = format!("{}/{}/{}/{}", self.seed, key.account, key.region, key.name);
        let (high, low) =
            uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, place.as_bytes()).as_u64_pair();
        let rng = Rng::with_seed(high ^ low);
        let cluster = Cluster::new(key.clone(), spec, self.defaults, &self.calendar, now, rng)
            .map_err(ScenarioError::Invalid)?;
        self.faults.extend(
            faults
                .into_iter()
                .map(|fault| Fault::new(fault, Some(key.clone()), now)),
        );
        self.clusters.insert(key, cluster);
        Ok(())
    }

    /// Adds a fault; its `from` and `until` count from `now`.
    pub fn add_fault(&mut self, spec: FaultSpec, now: Timestamp) {
        self.faults.push(Fault::new(spec, None, now));
    }

    /// Takes all faults away, those of clusters too. The rate limit stays.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// The place of a cluster, with the scenario's account and region where none is said.
    pub fn key(&self, name: &str, account: Option<&str>, region: Option<&str>) -> ClusterKey {
        ClusterKey {
            account: account.unwrap_or(&self.account).to_owned(),
            region: region.unwrap_or(&self.region).to_owned(),
            name: name.to_owned(),
        }
    }

    /// Starts an update that nobody calls for here. Unlike in an event, it starts at once.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such cluster, `ResourceInUseException` when it
    /// is busy and the update would have to wait.
    pub fn start_update(
        &mut self,
        key: &ClusterKey,
        spec: ForeignUpdate,
        now: Timestamp,
    ) -> Result<UpdateView, ApiError> {
        self.settle(now);
        let calendar = &self.calendar;
        let cluster = existing(&mut self.clusters, calendar, key, now)?;
        if let Some(id) = cluster.busy(now)
            && spec.blocking != Some(false)
        {
            return Err(ApiError::in_use(format!(
                "Cluster {} currently has update {id} in progress",
                key.name
            ))
            .about(&key.name));
        }
        Ok(cluster.start_foreign(now, spec, Origin::Foreign, calendar))
    }

    /// Lets something happen to a cluster at `at`.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there never was such a cluster.
    pub fn schedule(
        &mut self,
        key: &ClusterKey,
        happening: Happening,
        at: Timestamp,
    ) -> Result<(), ApiError> {
        let cluster = self
            .clusters
            .get_mut(key)
            .ok_or_else(|| no_cluster(&key.name))?;
        cluster.schedule(at, happening);
        Ok(())
    }

    /// Everything about all clusters that exist at `now`.
    pub fn truth(&mut self, now: Timestamp) -> Vec<ClusterTruth> {
        self.settle(now);
        let calendar = &self.calendar;
        self.clusters
            .values_mut()
            .filter_map(|cluster| {
                cluster.advance(now, calendar);
                cluster.exists.then(|| cluster.truth(now))
            })
            .collect()
    }

    /// The calls so far, oldest first; the last 100,000 of them.
    pub fn calls(&self) -> impl Iterator<Item = &CallRecord> {
        self.calls.iter()
    }

    /// A call by somebody whose account is known.
    pub fn call(&mut self, caller: &Caller, request: &Request, now: Timestamp) -> Reply {
        self.settle(now);
        let seq = self.record(Some(caller), &caller.region, request, now);
        let limited = !request.operation().is_sts()
            && self
                .rate
                .as_mut()
                .is_some_and(|rate| !rate.admits(&caller.account, now));
        if limited {
            let mut error = ApiError::new("ThrottlingException", "Rate exceeded");
            if let Some(cluster) = request.cluster() {
                error = error.about(cluster);
            }
            return self.refusal(seq, request, error);
        }
        let fault = faults::strike(&mut self.faults, caller, request, now, &mut self.rng);
        let Some(fault) = fault else {
            let worked = self.work(caller, request, now);
            return self.answer(seq, worked, Period::ZERO);
        };
        if let Some(error) = faults::error_of(&fault, caller, request) {
            return self.refusal(seq, request, error);
        }
        let after = fault.lasts.unwrap_or_default();
        match (fault.kind, fault.work.unwrap_or_default()) {
            (FaultKind::Delay, _) => {
                let worked = self.work(caller, request, now);
                self.answer(seq, worked, after)
            }
            (FaultKind::Malformed, _) => {
                let worked = self.work(caller, request, now);
                // There is nothing to garble in an error: clients go by its status and header.
                let garbled = worked.result.is_ok();
                let reply = self.answer(seq, worked, Period::ZERO);
                if garbled {
                    self.deliver(seq, Delivery::Malformed, Some(200));
                    Reply::Garbled
                } else {
                    reply
                }
            }
            (FaultKind::LostAfter, _) | (FaultKind::Hang, Work::AtOnce) => {
                let worked = self.work(caller, request, now);
                let _unseen = self.answer(seq, worked, Period::ZERO);
                self.lose(seq, fault.kind, Delivery::LostAfter, after)
            }
            (kind, work) => {
                if work == Work::AtEnd {
                    let due = after.after(now);
                    self.late.push((due, seq, caller.clone(), request.clone()));
                }
                self.lose(seq, kind, Delivery::LostBefore, after)
            }
        }
    }

    /// A call signed with an access key.
    pub fn signed_call(
        &mut self,
        access_key_id: &str,
        region: &str,
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        match self.identities.caller(access_key_id, region, now) {
            Ok(caller) => self.call(&caller, request, now),
            Err(error) => self.refuse(region, request, error, now),
        }
    }

    /// A call whose signature or credentials are no good: it is noted, and nothing is done.
    pub fn refuse(
        &mut self,
        region: &str,
        request: &Request,
        error: ApiError,
        now: Timestamp,
    ) -> Reply {
        let seq = self.record(None, region, request, now);
        self.refusal(seq, request, error)
    }

    fn refusal(&mut self, seq: u64, request: &Request, error: ApiError) -> Reply {
        let error = if request.operation().is_sts() {
            error.for_sts()
        } else {
            error
        };
        self.answer(seq, Err(error).into(), Period::ZERO)
    }

    /// Does the work of requests that were held up until now.
    fn settle(&mut self, now: Timestamp) {
        loop {
            let due = self
                .late
                .iter()
                .enumerate()
                .filter(|(_, (due, ..))| *due <= now)
                .min_by_key(|(_, (due, seq, ..))| (*due, *seq))
                .map(|(index, _)| index);
            let Some(index) = due else {
                return;
            };
            let (due, seq, caller, request) = self.late.remove(index);
            let worked = self.work(&caller, &request, due);
            let outcome = self.calls.find(seq).map(|record| record.outcome);
            let _unseen = self.answer(seq, worked, Period::ZERO);
            if let Some(outcome) = outcome {
                self.deliver(seq, outcome, None);
            }
        }
    }

    fn work(&mut self, caller: &Caller, request: &Request, now: Timestamp) -> Worked {
        let worked = match request {
            Request::UpdateClusterVersion(update) => {
                let rules = Rules {
                    calendar: &self.calendar,
                    token_lifetime: self.token_lifetime,
                    insights_enforced: self.insights_enforced,
                };
                let key = key_of(caller, &update.name);
                let started = existing(&mut self.clusters, &self.calendar, &key, now)
                    .and_then(|cluster| cluster.update_version(update, &rules, now));
                match started {
                    Ok(Started { update, new }) => Worked {
                        result: Ok(Response::Update(update)),
                        accepted: new,
                    },
                    Err(error) => Err(error).into(),
                }
            }
            Request::ListClusters { page } => self.list_clusters(caller, page, now).into(),
            Request::DescribeCluster { name } => self
                .cluster(caller, name, now)
                .map(|cluster| Response::Cluster(Box::new(cluster.view(now))))
                .into(),
            Request::DescribeUpdate {
                name,
                update_id,
                scope,
            } => self
                .cluster(caller, name, now)
                .and_then(|cluster| {
                    let cluster = &*cluster;
                    cluster
                        .updates
                        .iter()
                        .find(|update| update.id() == update_id && update.scope == *scope)
                        .filter(|update| cluster.finds(update, now))
                        .map(|update| Response::Update(update.view()))
                        .ok_or_else(|| rollback::no_update(update_id))
                })
                .into(),
            Request::ListUpdates { name, scope, page } => self
                .cluster(caller, name, now)
                .and_then(|cluster| list_updates(cluster, scope, page, now))
                .into(),
            Request::CancelUpdate {
                name,
                update_id,
                client_request_token,
            } => self
                .cluster(caller, name, now)
                .and_then(|cluster| {
                    cluster.cancel_update(update_id, client_request_token.as_deref(), now)
                })
                .map(Response::Update)
                .into(),
            Request::DescribeClusterVersions(filter) => {
                paging::ordered(self.calendar.describe(filter, now), &filter.page)
                    .map(|(versions, next_token)| Response::ClusterVersions {
                        versions,
                        next_token,
                    })
                    .into()
            }
            Request::AssumeRole(role) => self
                .identities
                .assume_role(caller, role, now, &mut self.rng)
                .map(Response::AssumedRole)
                .into(),
            Request::GetCallerIdentity {} => Ok(Response::CallerIdentity {
                account: caller.account.clone(),
                arn: caller.arn.clone(),
                user_id: "AIDASIMULATOR".to_owned(),
            })
            .into(),
        };
        let Worked { result, accepted } = worked;
        let result = result.map_err(|error| match request.cluster() {
            Some(name) => error.about(name),
            None => error,
        });
        Worked { result, accepted }
    }

    fn cluster(
        &mut self,
        caller: &Caller,
        name: &str,
        now: Timestamp,
    ) -> Result<&mut Cluster, ApiError> {
        let key = key_of(caller, name);
        existing(&mut self.clusters, &self.calendar, &key, now)
    }

    fn list_clusters(
        &mut self,
        caller: &Caller,
        page: &super::api::Page,
        now: Timestamp,
    ) -> Result<Response, ApiError> {
        let calendar = &self.calendar;
        let names: Vec<String> = self
            .clusters
            .values_mut()
            .filter(|cluster| {
                cluster.key.account == caller.account && cluster.key.region == caller.region
            })
            .filter_map(|cluster| {
                cluster.advance(now, calendar);
                cluster.exists.then(|| cluster.key.name.clone())
            })
            .collect();
        let rng = &mut self.rng;
        let (names, next_token) = paging::shuffled(names.into_iter(), page, || rng.u64(..))?;
        Ok(Response::Clusters { names, next_token })
    }

    fn record(
        &mut self,
        caller: Option<&Caller>,
        region: &str,
        request: &Request,
        now: Timestamp,
    ) -> u64 {
        let seq = self.calls.next_seq();
        self.calls.push(CallRecord {
            seq,
            at: now,
            account: caller.map(|caller| caller.account.clone()),
            region: region.to_owned(),
            operation: request.operation(),
            cluster: request.cluster().map(str::to_owned),
            update_id: request.update_id().map(str::to_owned),
            request: request.clone(),
            http_status: None,
            error_code: None,
            outcome: Delivery::Answered,
            accepted: false,
        });
        seq
    }

    /// Notes what the work came to, and answers with it.
    fn answer(&mut self, seq: u64, worked: Worked, after: Period) -> Reply {
        let Worked { result, accepted } = worked;
        if let Some(record) = self.calls.find(seq) {
            record.accepted = accepted;
            match &result {
                Ok(response) => {
                    record.http_status = Some(200);
                    if let Response::Update(update) = response {
                        record.update_id = Some(update.id.clone());
                    }
                }
                Err(error) => {
                    record.http_status = Some(error.status);
                    record.error_code = Some(error.code.clone());
                }
            }
        }
        Reply::Answer { after, result }
    }

    fn deliver(&mut self, seq: u64, outcome: Delivery, http_status: Option<u16>) {
        if let Some(record) = self.calls.find(seq) {
            record.outcome = outcome;
            record.http_status = http_status;
        }
    }

    fn lose(&mut self, seq: u64, kind: FaultKind, lost: Delivery, after: Period) -> Reply {
        let outcome = if kind == FaultKind::Hang {
            Delivery::Hung
        } else {
            lost
        };
        self.deliver(seq, outcome, None);
        Reply::Nothing { after }
    }
}

fn key_of(caller: &Caller, name: &str) -> ClusterKey {
    ClusterKey {
        account: caller.account.clone(),
        region: caller.region.clone(),
        name: name.to_owned(),
    }
}

/// The cluster at `key`, as it is at `now`.
fn existing<'a>(
    clusters: &'a mut BTreeMap<ClusterKey, Cluster>,
    calendar: &Calendar,
    key: &ClusterKey,
    now: Timestamp,
) -> Result<&'a mut Cluster, ApiError> {
    let cluster = clusters.get_mut(key).ok_or_else(|| no_cluster(&key.name))?;
    cluster.advance(now, calendar);
    if cluster.exists {
        Ok(cluster)
    } else {
        Err(no_cluster(&key.name))
    }
}

fn no_cluster(name: &str) -> ApiError {
    ApiError::not_found(format!("No cluster found for name: {name}.")).about(name)
}

fn list_updates(
    cluster: &mut Cluster,
    scope: &Scope,
    page: &super::api::Page,
    now: Timestamp,
) -> Result<Response, ApiError> {
    let salt = cluster.salt();
    let cluster = &*cluster;
    let ids = cluster
        .updates
        .iter()
        .filter(|update| update.scope == *scope && cluster.lists(update, now))
        .map(|update| update.id().to_owned());
    let (ids, next_token) = paging::shuffled(ids, page, || salt)?;
    Ok(Response::Updates { ids, next_token })
}
