//! One cluster: its state, and what is shown of it.

use fastrand::Rng;
use jiff::Timestamp;
use serde::Serialize;

use super::addons::Addon;
use super::insights::InsightState;
use super::nodegroups::Nodegroup;
use super::update::{Origin, Update, UpdateTruth, VERSION_ROLLBACK, VERSION_UPDATE};
use crate::api::Minor;
use crate::simulator::api::{
    ClusterStatus, ClusterView, Health, HealthIssue, SupportType, UpdateParam, UpdateStatus,
};
use crate::simulator::calendar::Calendar;
use crate::simulator::period::Period;
use crate::simulator::scenario::{ClusterSpec, Durations, Happening, Lags, Outcome, PastUpdate};

/// Where a cluster is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterKey {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The name.
    pub name: String,
}

/// A cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(super) key: ClusterKey,
    pub(super) exists: bool,
    pub(super) created_at: Timestamp,
    pub(super) created_version: Minor,
    pub(super) version: Minor,
    pub(super) platform_version: String,
    /// What DescribeCluster still shows, and until when.
    pub(super) stale: Option<(Minor, String, Timestamp)>,
    pub(super) status: ClusterStatus,
    pub(super) upgrade_policy: SupportType,
    pub(super) auto_mode: bool,
    pub(super) cancelling_status: bool,
    pub(super) insights: InsightState,
    pub(super) nodegroups: Vec<Nodegroup>,
    pub(super) addons: Vec<Addon>,
    pub(super) health: Vec<HealthIssue>,
    pub(super) tags: std::collections::BTreeMap<String, String>,
    pub(super) durations: Durations,
    pub(super) lags: Lags,
    outcomes: Vec<Outcome>,
    pub(super) updates: Vec<Update>,
    /// EKS's own work: until when, and the id that nobody can look up.
    pub(super) internal_work: Option<(Timestamp, String)>,
    pub(super) tokens: Vec<super::start::TokenUse>,
    pub(super) events: Vec<(Timestamp, Happening)>,
    rng: Rng,
}

impl Cluster {
    /// A cluster as the scenario says, at the moment it comes into the simulation.
    pub(super) fn new(
        key: ClusterKey,
        spec: ClusterSpec,
        defaults: &(Durations, Lags),
        calendar: &Calendar,
        start: Timestamp,
        rng: Rng,
    ) -> Result<Self, String> {
        let ClusterSpec {
            name: _,
            account_id: _,
            region: _,
            version,
            platform_version,
            created_at,
            created_version,
            status,
            upgrade_policy,
            auto_mode,
            cancelling_status,
            insights,
            insights_refreshed,
            failing_refreshes,
            nodegroups,
            addons,
            health,
            tags,
            durations,
            lags,
            outcomes,
            history,
            events,
            // Faults belong to calls, the model keeps them all in one place.
            faults: _,
        } = spec;
        let events = events
            .iter()
            .map(|event| Ok((event.at.after(start), event.happening()?)))
            .collect::<Result<_, String>>()?;
        let mut cluster = Self {
            key,
            exists: true,
            created_at: created_at.unwrap_or_else(|| Period::days(90).before(start)),
            created_version: created_version.unwrap_or(version),
            version,
            platform_version: platform_version
                .unwrap_or_else(|| calendar.platform_version(version)),
            stale: None,
            status,
            upgrade_policy,
            auto_mode,
            cancelling_status,
            insights: InsightState::new(insights, failing_refreshes),
            nodegroups: Vec::new(),
            addons: Vec::new(),
            health,
            tags,
            durations: durations.or(defaults.0),
            lags: lags.or(defaults.1),
            outcomes,
            updates: Vec::new(),
            internal_work: None,
            tokens: Vec::new(),
            events,
            rng,
        };
        for past in history {
            let update = cluster.past_update(past, calendar, start);
            cluster.updates.push(update);
        }
        if created_version.is_none() {
            let first = cluster
                .updates
                .iter()
                .find(|update| update.succeeded_in(VERSION_UPDATE));
            cluster.created_version = first.and_then(|update| update.from).unwrap_or(version);
        }
        let created_at = cluster.created_at;
        for nodegroup in nodegroups {
            cluster.put_nodegroup(nodegroup, created_at);
        }
        for addon in addons {
            cluster.put_addon(addon, created_at);
        }
        cluster.refresh_insights(start);
        if let Some(age) = insights_refreshed {
            cluster.insights.was_refreshed(age.before(start));
        }
        Ok(cluster)
    }

    fn past_update(&mut self, past: PastUpdate, calendar: &Calendar, start: Timestamp) -> Update {
        let PastUpdate {
            id,
            kind,
            version,
            status,
            age,
            took,
            errors,
        } = past;
        let created_at = age.before(start);
        let ends_at = took
            .unwrap_or(Period::minutes(10))
            .after(created_at)
            .min(start);
        let from = match kind.as_str() {
            VERSION_UPDATE => version.and_then(Minor::previous),
            VERSION_ROLLBACK => version.map(Minor::next),
            _ => None,
        };
        Update {
            params: version_params(version, calendar),
            from,
            to: version,
            ends_at,
            status,
            errors,
            finished_at: Some(ends_at),
            origin: Origin::History,
            ..Update::begun(id.unwrap_or_else(|| self.new_id()), &kind, created_at)
        }
    }

    /// A new UUID.
    pub(super) fn new_id(&mut self) -> String {
        let mut bytes = [0; 16];
        self.rng.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string()
    }

    /// A salt for the order of a list.
    pub(super) fn salt(&mut self) -> u64 {
        self.rng.u64(..)
    }

    /// Takes the outcome that the scenario has for the next update to this version.
    pub(super) fn take_outcome(&mut self, to: Minor) -> Outcome {
        let found = self.outcomes.iter_mut().find(|outcome| {
            outcome.version.is_none_or(|version| version == to) && outcome.times != Some(0)
        });
        match found {
            Some(outcome) => {
                outcome.times = outcome.times.map(|times| times.saturating_sub(1));
                outcome.clone()
            }
            None => Outcome::default(),
        }
    }

    /// As DescribeCluster shows it now.
    pub(super) fn view(&self, now: Timestamp) -> ClusterView {
        let (version, platform_version) = match &self.stale {
            Some((version, platform, until)) if now < *until => (*version, platform),
            _ => (self.version, &self.platform_version),
        };
        let lag = self.lags.status.unwrap_or_default();
        let updating = self.updates.iter().any(|update| {
            update.is_running()
                && update.scope.is_cluster()
                && update
                    .control_plane_from
                    .is_some_and(|from| lag.after(from) <= now)
        });
        let status = match self.status {
            ClusterStatus::Active if updating => ClusterStatus::Updating,
            status => status,
        };
        ClusterView {
            name: self.key.name.clone(),
            arn: self.arn(),
            account: self.key.account.clone(),
            region: self.key.region.clone(),
            created_at: self.created_at,
            version,
            platform_version: platform_version.clone(),
            status,
            upgrade_policy: self.upgrade_policy,
            auto_mode: self.auto_mode,
            tags: self.tags.clone(),
            health: Health {
                issues: self.health.clone(),
            },
        }
    }

    pub(super) fn arn(&self) -> String {
        let ClusterKey {
            account,
            region,
            name,
        } = &self.key;
        let partition = crate::eks::partition(region);
        format!("arn:{partition}:eks:{region}:{account}:cluster/{name}")
    }

    /// Whether ListUpdates shows an update yet.
    pub(super) fn lists(&self, update: &Update, now: Timestamp) -> bool {
        self.lags.list.unwrap_or_default().after(update.created_at) <= now
    }

    /// Whether DescribeUpdate finds an update yet.
    pub(super) fn finds(&self, update: &Update, now: Timestamp) -> bool {
        self.lags
            .describe
            .unwrap_or_default()
            .after(update.created_at)
            <= now
    }

    /// Everything about it, for assertions.
    pub(super) fn truth(&self, now: Timestamp) -> ClusterTruth {
        let shown = self.view(now);
        ClusterTruth {
            account_id: self.key.account.clone(),
            region: self.key.region.clone(),
            name: self.key.name.clone(),
            arn: self.arn(),
            created_at: self.created_at,
            version: self.version,
            platform_version: self.platform_version.clone(),
            shown_version: shown.version,
            shown_status: shown.status,
            upgrade_policy: self.upgrade_policy,
            auto_mode: self.auto_mode,
            busy: self.busy(now).is_some(),
            updates: self.updates.iter().map(Update::truth).collect(),
        }
    }
}

impl Update {
    /// Whether it is a successful one of this type, of the cluster itself.
    pub(super) fn succeeded_in(&self, kind: &str) -> bool {
        self.scope.is_cluster() && self.kind == kind && self.status == UpdateStatus::Successful
    }

    pub(super) fn platform_version(&self) -> Option<String> {
        self.params
            .iter()
            .find(|param| param.kind == "PlatformVersion")
            .map(|param| param.value.clone())
    }
}

/// `params` of an update to a version.
pub(super) fn version_params(to: Option<Minor>, calendar: &Calendar) -> Vec<UpdateParam> {
    let Some(version) = to else {
        return Vec::new();
    };
    let param = |kind: &str, value: String| UpdateParam {
        kind: kind.to_owned(),
        value,
    };
    vec![
        param("Version", version.to_string()),
        param("PlatformVersion", calendar.platform_version(version)),
    ]
}

/// Everything about a cluster, hidden things included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of the API, and speaking")]
pub struct ClusterTruth {
    pub account_id: String,
    pub region: String,
    pub name: String,
    pub arn: String,
    pub created_at: Timestamp,
    pub version: Minor,
    pub platform_version: String,
    pub shown_version: Minor,
    pub shown_status: ClusterStatus,
    pub upgrade_policy: SupportType,
    pub auto_mode: bool,
    /// Whether a version update would be refused because something is in progress.
    pub busy: bool,
    pub updates: Vec<UpdateTruth>,
}
