//! Whether every object has come to rest, and rightly so.

use eks_upgrade_operator::api::condition::READY;
use eks_upgrade_operator::api::{Minor, Reason};
use eks_upgrade_operator::plan::{VERSION_ROLLBACK, VERSION_UPDATE};
use eks_upgrade_operator::simulator::Model;
use eks_upgrade_operator::simulator::api::UpdateStatus as TrueStatus;
use eks_upgrade_operator::simulator::model::{ClusterTruth, UpdateTruth};
use eks_upgrade_operator::store::Stored;

use crate::api_server::ApiServer;
use crate::oracle::owner_before;
use crate::ports::body;
use crate::time::{Millis, at};

/// The newest version that the built-in calendar offers.
const NEWEST_OFFERED: Minor = Minor::new(36);

/// What is not at rest, in a sentence; `None` where everything is.
pub fn restless(
    api: &ApiServer,
    model: &mut Model,
    insights_block: bool,
    now: Millis,
) -> Option<String> {
    let clusters = model.truth(at(now));
    let runs = clusters
        .iter()
        .flat_map(|cluster| &cluster.updates)
        .find(|update| update.status == TrueStatus::InProgress);
    if let Some(update) = runs {
        return Some(format!("{} {} still runs", update.kind, update.id));
    }
    api.objects()
        .filter(|stored| !stored.deleting)
        .find_map(|stored| {
            let spec = &body(stored).spec;
            let cluster = clusters
                .iter()
                .find(|cluster| cluster.name == spec.cluster.name);
            unsettled(stored, cluster, api, insights_block)
        })
}

fn unsettled(
    stored: &Stored,
    cluster: Option<&ClusterTruth>,
    api: &ApiServer,
    insights_block: bool,
) -> Option<String> {
    let status = &body(stored).status;
    let said = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == READY)
        .and_then(|ready| {
            Reason::ALL
                .into_iter()
                .find(|reason| reason.as_str() == ready.reason)
        });
    let right = rightly(stored, cluster, api, insights_block);
    // Who may not look, or finds nothing, keeps what it saw last.
    let looks = said.is_some_and(|said| {
        ![
            Reason::ClusterConflict,
            Reason::ClusterNotFound,
            Reason::ClusterReplaced,
        ]
        .contains(&said)
    });
    let shown = status
        .cluster
        .as_ref()
        .map(|shown| (shown.version.clone(), shown.status.as_str()));
    let is = cluster.map(|cluster| (cluster.version.to_string(), "ACTIVE"));
    let is_observed =
        status.observed_generation == Some(stored.generation) && (!looks || shown == is);
    let is_right = said.is_some_and(|said| right.contains(&said));
    (!is_right || !is_observed).then(|| {
        format!(
            "{} says {said:?} of {shown:?} for generation {:?} of {}, and it should be one of {right:?}; the cluster is {cluster:#?}",
            stored.key, status.observed_generation, stored.generation
        )
    })
}

/// What an object may say once everything has come to rest.
fn rightly(
    stored: &Stored,
    cluster: Option<&ClusterTruth>,
    api: &ApiServer,
    insights_block: bool,
) -> Vec<Reason> {
    let spec = &body(stored).spec;
    if owner_before(stored, api).is_some() {
        return vec![Reason::ClusterConflict];
    }
    let Some(cluster) = cluster else {
        return vec![Reason::ClusterNotFound];
    };
    let pinned = body(stored).status.cluster.as_ref();
    if pinned.is_some_and(|pinned| {
        pinned
            .created_at
            .is_some_and(|then| then != cluster.created_at)
    }) {
        return vec![Reason::ClusterReplaced];
    }
    let wanted: Minor = spec.version.parse().expect("a version");
    if cluster.version == wanted {
        return vec![Reason::UpToDate];
    }
    if cluster.version > wanted {
        return vec![Reason::ClusterAheadOfSpec];
    }
    let mut right = Vec::new();
    if spec.suspend {
        right.push(Reason::Suspended);
    } else if wanted > NEWEST_OFFERED {
        right.push(Reason::UnsupportedVersion);
    } else if insights_block {
        right.push(Reason::PreflightFailed);
    }
    let last = cluster
        .updates
        .iter()
        .filter(|update| is_of_version(update))
        .max_by_key(|update| update.created_at);
    if let Some(last) = last {
        let of_this_hop = last.to_version == Some(cluster.version.next());
        match last.status {
            _ if last.kind == VERSION_ROLLBACK => right.push(Reason::RolledBackElsewhere),
            TrueStatus::Failed if of_this_hop => right.push(Reason::UpdateFailed),
            TrueStatus::Cancelled if of_this_hop => right.push(Reason::UpdateCancelled),
            _ => {}
        }
    }
    right
}

fn is_of_version(update: &UpdateTruth) -> bool {
    update.kind == VERSION_UPDATE || update.kind == VERSION_ROLLBACK
}
