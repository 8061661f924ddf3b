//! The model of EKS: plain state and plain functions. It knows no clock, no network and no thread;
//! time comes in with every call and must not go backwards.

mod addons;
mod call;
mod calls;
mod cluster;
mod faults;
mod insights;
mod nodegroups;
mod rollback;
mod start;
mod tally;
mod timeline;
mod update;
mod work;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::Timestamp;

pub use calls::{CallRecord, Delivery};
pub use cluster::{ClusterKey, ClusterTruth};
pub use tally::{ClusterTally, OperationTally, Tally};
pub use update::{Origin, UpdateTruth};

use super::api::{Caller, Request, UpdateView};
use super::calendar::Calendar;
use super::error::ApiError;
use super::identity::Identities;
use super::period::Period;
use super::scenario::{
    AddonVersionSpec, ClusterSpec, Durations, FaultSpec, ForeignUpdate, Happening, Lags, Scenario,
    ScenarioError,
};
use calls::CallLog;
use cluster::Cluster;
use faults::{Fault, RateLimit};

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
    addon_versions: Vec<AddonVersionSpec>,
    identities: Identities,
    clusters: BTreeMap<ClusterKey, Cluster>,
    faults: Vec<Fault>,
    rate: Option<RateLimit>,
    calls: CallLog,
    /// Requests that were held up on their way, and when they arrive.
    late: Vec<(Timestamp, u64, Caller, Request)>,
    rng: Rng,
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
            addon_versions: scenario.addon_versions.clone(),
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
        let cluster = Cluster::new(key.clone(), spec, &self.defaults, &self.calendar, now, rng)
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

    /// Those of them with a higher `seq` than this.
    pub fn calls_after(&self, seq: u64) -> impl Iterator<Item = &CallRecord> {
        self.calls.after(seq)
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
