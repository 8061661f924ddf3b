//! What a scenario says about one cluster.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::{AddonSpec, Durations, FaultSpec, Insights, InsightsChange, Lags, NodegroupSpec};
use crate::api::Minor;
use crate::simulator::api::{ClusterStatus, ErrorDetail, HealthIssue, SupportType, UpdateStatus};
use crate::simulator::period::Period;

/// A cluster. Only `name` and `version` are required.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClusterSpec {
    /// Its name in EKS.
    pub name: String,
    /// Its account; the scenario's when absent.
    #[serde(default)]
    pub account_id: Option<String>,
    /// Its region; the scenario's when absent.
    #[serde(default)]
    pub region: Option<String>,
    /// The Kubernetes version it runs.
    pub version: Minor,
    /// Its platform version; the calendar's for its version when absent.
    #[serde(default)]
    pub platform_version: Option<String>,
    /// When it was created; 90 days before the start when absent.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// The version it was created at, which it cannot be rolled back from. When absent, the version
    /// before the first successful upgrade in `history`, or else its present one.
    #[serde(default)]
    pub created_version: Option<Minor>,
    /// Its status while nothing is going on.
    #[serde(default)]
    pub status: ClusterStatus,
    /// What happens at the end of standard support.
    #[serde(default)]
    pub upgrade_policy: SupportType,
    /// Whether EKS manages its nodes, so that a rollback starts with a node phase.
    #[serde(default)]
    pub auto_mode: bool,
    /// Whether an update that is being cancelled has the status `Cancelling`, which the user guide
    /// names and the API's model does not have.
    #[serde(default)]
    pub cancelling_status: bool,
    /// What is found in it when its insights are refreshed.
    #[serde(default)]
    pub insights: Insights,
    /// How long before the start a refresh of its insights ended that somebody had started; absent: there was none.
    #[serde(default)]
    pub insights_refreshed: Option<Period>,
    /// How many refreshes of its insights that somebody starts are going to fail.
    #[serde(default)]
    pub failing_refreshes: u32,
    /// Its managed node groups.
    #[serde(default)]
    pub nodegroups: Vec<NodegroupSpec>,
    /// Its add-ons.
    #[serde(default)]
    pub addons: Vec<AddonSpec>,
    /// What EKS finds wrong with it.
    #[serde(default)]
    pub health: Vec<HealthIssue>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// How long things take.
    #[serde(default)]
    pub durations: Durations,
    /// How far reads are behind.
    #[serde(default)]
    pub lags: Lags,
    /// How its version updates end; the first that fits is taken. Without one they succeed.
    #[serde(default)]
    pub outcomes: Vec<Outcome>,
    /// Updates of the past, oldest first.
    #[serde(default)]
    pub history: Vec<PastUpdate>,
    /// What happens to it by itself.
    #[serde(default)]
    pub events: Vec<EventSpec>,
    /// Faults of calls about it.
    #[serde(default)]
    pub faults: Vec<FaultSpec>,
}

/// How a version update ends, other than successful after the usual time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Outcome {
    /// Only for updates to this version.
    pub version: Option<Minor>,
    /// For how many updates; for all when absent.
    pub times: Option<u32>,
    /// How long the control plane takes.
    pub duration: Option<Period>,
    /// How long the node phase takes (rollbacks of Auto Mode clusters).
    pub node_phase: Option<Period>,
    /// It fails, with this error.
    pub fail: Option<ErrorDetail>,
    /// It ends cancelled.
    pub cancelled: bool,
}

/// An update of the past.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PastUpdate {
    /// Its id; a UUID out of the seed when absent.
    #[serde(default)]
    pub id: Option<String>,
    /// Its type; VersionUpdate when absent.
    #[serde(default = "version_update", rename = "type")]
    pub kind: String,
    /// The version it led to, for version updates and rollbacks.
    #[serde(default)]
    pub version: Option<Minor>,
    /// How it ended.
    #[serde(default)]
    pub status: UpdateStatus,
    /// How long before the start it was started.
    pub age: Period,
    /// How long it took; 10m when absent.
    #[serde(default)]
    pub took: Option<Period>,
    /// Why it failed.
    #[serde(default)]
    pub errors: Vec<ErrorDetail>,
}

fn version_update() -> String {
    "VersionUpdate".to_owned()
}

/// An update that somebody else starts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ForeignUpdate {
    /// Its type; VersionUpdate when absent.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// For version updates; the next minor (or the one before, for VersionRollback) when absent.
    pub version: Option<Minor>,
    /// How long it takes; as long as an update of this cluster when absent.
    pub duration: Option<Period>,
    /// It fails, with this error.
    pub fail: Option<ErrorDetail>,
    /// It ends cancelled.
    pub cancelled: bool,
    /// It is one of this add-on: only lists of that add-on show it, and the cluster stays ACTIVE.
    pub addon_name: Option<String>,
    /// It is one of this node group: only its lists show it, and the cluster stays ACTIVE.
    pub nodegroup_name: Option<String>,
    /// Whether a version update has to wait for it; true when absent.
    pub blocking: Option<bool>,
    /// More `params` of the update.
    pub params: BTreeMap<String, String>,
}

/// Something that happens to a cluster by itself. Exactly one of the fields beside `at` is given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct EventSpec {
    /// How long after the start (or after the cluster was added); at once when absent.
    pub at: Period,
    /// Somebody else starts an update, as soon as the cluster is free.
    pub update: Option<ForeignUpdate>,
    /// EKS upgrades the cluster by one minor, as soon as it is free.
    pub auto_upgrade: Option<bool>,
    /// EKS works for so long; calls are refused meanwhile, and no list shows why.
    pub internal_work: Option<Period>,
    /// The cluster is deleted.
    pub delete: Option<bool>,
    /// The cluster is deleted and created anew at this version.
    pub recreate: Option<Minor>,
    /// Somebody cancels the running version update, whatever its type.
    pub cancel_update: Option<bool>,
    /// The status while nothing is going on changes.
    pub status: Option<ClusterStatus>,
    /// The upgrade policy changes.
    pub upgrade_policy: Option<SupportType>,
    /// What is found changes; the next refresh of the insights shows it.
    pub insights: Option<InsightsChange>,
    /// A managed node group changes, or comes to be.
    pub nodegroup: Option<NodegroupSpec>,
    /// An add-on changes, or comes to be.
    pub addon: Option<AddonSpec>,
    /// What EKS finds wrong with the cluster from now on.
    pub health: Option<Vec<HealthIssue>>,
    /// Somebody sets these tags, and removes those without a value.
    pub tags: Option<BTreeMap<String, Option<String>>>,
}

/// What an event does.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "said at the fields of EventSpec")]
pub enum Happening {
    Update(ForeignUpdate),
    AutoUpgrade,
    InternalWork(Period),
    Delete,
    Recreate(Minor),
    CancelUpdate,
    Status(ClusterStatus),
    UpgradePolicy(SupportType),
    Insights(InsightsChange),
    Nodegroup(NodegroupSpec),
    Addon(AddonSpec),
    Health(Vec<HealthIssue>),
    Tags(BTreeMap<String, Option<String>>),
}

impl EventSpec {
    /// What it does.
    ///
    /// # Errors
    /// A sentence, unless exactly one thing is said.
    pub fn happening(&self) -> Result<Happening, String> {
        let Self {
            at: _,
            update,
            auto_upgrade,
            internal_work,
            delete,
            recreate,
            cancel_update,
            status,
            upgrade_policy,
            insights,
            nodegroup,
            addon,
            health,
            tags,
        } = self.clone();
        let flag = |given: Option<bool>, what: Happening| (given == Some(true)).then_some(what);
        let mut said = [
            update.map(Happening::Update),
            flag(auto_upgrade, Happening::AutoUpgrade),
            internal_work.map(Happening::InternalWork),
            flag(delete, Happening::Delete),
            recreate.map(Happening::Recreate),
            flag(cancel_update, Happening::CancelUpdate),
            status.map(Happening::Status),
            upgrade_policy.map(Happening::UpgradePolicy),
            insights.map(Happening::Insights),
            nodegroup.map(Happening::Nodegroup),
            addon.map(Happening::Addon),
            health.map(Happening::Health),
            tags.map(Happening::Tags),
        ]
        .into_iter()
        .flatten();
        match (said.next(), said.next()) {
            (Some(happening), None) => Ok(happening),
            _ => Err(
                "say exactly one of update, autoUpgrade, internalWork, delete, recreate, \
                 cancelUpdate, status, upgradePolicy, insights, nodegroup, addon, health and tags"
                    .to_owned(),
            ),
        }
    }
}
