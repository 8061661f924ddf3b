//! Whether every object has come to rest, and rightly so.

use eks_upgrade_operator::api::condition::READY;
use eks_upgrade_operator::api::{ClusterRef, ClusterUpgradeSpec, Minor, Reason};
use eks_upgrade_operator::eks::{InsightCategory, Target};
use eks_upgrade_operator::plan::{VERSION_ROLLBACK, VERSION_UPDATE};
use eks_upgrade_operator::simulator::Model;
use eks_upgrade_operator::simulator::api::{SupportType, UpdateStatus as TrueStatus};
use eks_upgrade_operator::simulator::memory::{self, Answer, Question};
use eks_upgrade_operator::simulator::model::{ClusterTruth, UpdateTruth};
use eks_upgrade_operator::store::Stored;

use crate::api_server::ApiServer;
use crate::oracle::{Oracle, asks_for, gates, owner_before};
use crate::ports::body;
use crate::time::{HOUR, Millis, at, since_start};

/// The oldest and the newest version that the built-in calendar offers by then.
const OLDEST_OFFERED: Minor = Minor::new(31);
const NEWEST_OFFERED: Minor = Minor::new(36);
/// The newest one that is in extended support by then.
const NEWEST_EXTENDED: Minor = Minor::new(33);

/// For how long after its end an upgrade can be taken back.
const WINDOW: Millis = 7 * 24 * HOUR;
/// For how long after that, counted from its beginning, EKS is asked nevertheless: it does not tell when it ended.
const LEFT_TO_EKS: Millis = 2 * HOUR;

/// What is not at rest, in a sentence; `None` where everything is.
pub fn restless(
    api: &ApiServer,
    model: &mut Model,
    oracle: &Oracle,
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
            let mut right = rightly(stored, cluster, api, model, oracle, insights_block, now);
            // It is asked again only while a window is open.
            let is_asked_again = [Reason::PreflightFailed, Reason::RequestRejected]
                .iter()
                .any(|reason| right.contains(reason));
            if is_asked_again && has_windows(spec) {
                right.push(Reason::OutsideWindow);
            }
            unsettled(stored, cluster, &right)
        })
}

fn unsettled(stored: &Stored, cluster: Option<&ClusterTruth>, right: &[Reason]) -> Option<String> {
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

/// Whether a manifest has windows.
pub fn has_windows(spec: &ClusterUpgradeSpec) -> bool {
    let schedule = spec.schedule.as_ref();
    schedule.is_some_and(|schedule| !schedule.windows.is_empty())
}

/// What an object may say once everything has come to rest.
fn rightly(
    stored: &Stored,
    cluster: Option<&ClusterTruth>,
    api: &ApiServer,
    model: &mut Model,
    oracle: &Oracle,
    insights_block: bool,
    now: Millis,
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
        return going_back(spec, cluster, wanted, model, now);
    }
    let mut right = Vec::new();
    if spec.suspend {
        right.push(Reason::Suspended);
    } else if wanted > NEWEST_OFFERED || cluster.version.next() < OLDEST_OFFERED {
        right.push(Reason::UnsupportedVersion);
    } else if insights_block
        || gates::are_against(spec, &target(spec), cluster.version.next(), model, now)
    {
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
            // What it had taken back itself is no hindrance where it asks for another version now.
            TrueStatus::Successful
                if last.kind == VERSION_ROLLBACK && oracle.is_remembered(last, &stored.uid) => {}
            TrueStatus::Failed if last.kind == VERSION_ROLLBACK => {
                right.extend([Reason::RolledBackElsewhere, Reason::UpdateFailed]);
            }
            TrueStatus::Cancelled if last.kind == VERSION_ROLLBACK => {
                right.extend([Reason::RolledBackElsewhere, Reason::UpdateCancelled]);
            }
            _ if last.kind == VERSION_ROLLBACK => right.push(Reason::RolledBackElsewhere),
            TrueStatus::Failed if of_this_hop => right.push(Reason::UpdateFailed),
            TrueStatus::Cancelled if of_this_hop => right.push(Reason::UpdateCancelled),
            _ => {}
        }
    }
    right
}

/// How many of the moments have passed from which on an update cannot be taken back any more, by EKS or as far as one can tell.
pub fn windows_over(update: &UpdateTruth, now: Millis) -> usize {
    let begun = since_start(update.created_at) + WINDOW;
    let ended = update.finished_at.map(|ended| since_start(ended) + WINDOW);
    [Some(begun), ended, Some(begun + LEFT_TO_EKS)]
        .into_iter()
        .flatten()
        .filter(|end| *end <= now)
        .count()
}

/// What an object may say that asks for less than its cluster has.
fn going_back(
    spec: &ClusterUpgradeSpec,
    cluster: &ClusterTruth,
    wanted: Minor,
    model: &mut Model,
    now: Millis,
) -> Vec<Reason> {
    let versions = cluster
        .updates
        .iter()
        .filter(|update| is_of_version(update));
    let successful = versions
        .clone()
        .filter(|update| update.status == TrueStatus::Successful);
    let undone = successful
        .max_by_key(|update| update.created_at)
        .filter(|last| {
            let permit = spec.rollback.as_ref();
            last.kind == VERSION_UPDATE
                && last.to_version == Some(cluster.version)
                && permit.is_some_and(|permit| permit.update_id == last.id)
                && asks_for(spec, cluster.version, wanted)
                && cluster.version.previous() == Some(wanted)
        });
    let Some(undone) = undone else {
        return vec![Reason::ClusterAheadOfSpec];
    };
    let (begun, ended) = (since_start(undone.created_at), undone.finished_at);
    let is_over = ended.is_none_or(|ended| since_start(ended) + WINDOW < now);
    if is_over && begun + WINDOW + LEFT_TO_EKS <= now {
        return vec![Reason::ClusterAheadOfSpec];
    }
    let mut right = Vec::new();
    if spec.suspend {
        right.push(Reason::Suspended);
    }
    if !(OLDEST_OFFERED..=NEWEST_OFFERED).contains(&wanted) {
        right.push(Reason::UnsupportedVersion);
    }
    let last_back = versions
        .filter(|update| update.kind == VERSION_ROLLBACK && update.to_version == Some(wanted))
        .max_by_key(|update| update.created_at);
    match last_back.map(|update| update.status) {
        Some(TrueStatus::Failed) => right.push(Reason::UpdateFailed),
        Some(TrueStatus::Cancelled) => right.push(Reason::UpdateCancelled),
        _ => {}
    }
    let is_standard = cluster.upgrade_policy == SupportType::Standard;
    if is_standard && wanted <= NEWEST_EXTENDED || has_newer_nodes(spec, wanted, model, now) {
        right.push(Reason::PreflightFailed);
    }
    let is_forced = spec
        .force
        .as_ref()
        .is_some_and(|force| force.version == spec.version);
    if !is_forced && is_not_ready(spec, model, now) {
        right.push(Reason::PreflightFailed);
    }
    if is_over {
        // Between the two ends of the window EKS is asked.
        right.extend([Reason::RequestRejected, Reason::ClusterAheadOfSpec]);
    }
    right
}

fn target(spec: &ClusterUpgradeSpec) -> Target {
    let ClusterRef {
        account_id,
        region,
        name,
    } = spec.cluster.clone();
    Target {
        account_id,
        region,
        name,
        role_arn: None,
        external_id: None,
    }
}

fn has_newer_nodes(spec: &ClusterUpgradeSpec, than: Minor, model: &mut Model, now: Millis) -> bool {
    let target = target(spec);
    let mut ask = |question| memory::ask(model, &target, &question, at(now));
    let Ok(Answer::Nodegroups(names)) = ask(Question::Nodegroups) else {
        return false;
    };
    names
        .into_iter()
        .any(|name| match ask(Question::Nodegroup(name)) {
            Ok(Answer::Nodegroup(group)) => group.version.parse().is_ok_and(|is: Minor| is > than),
            _ => false,
        })
}

/// Whether EKS's insights, as it shows them, are against a rollback.
fn is_not_ready(spec: &ClusterUpgradeSpec, model: &mut Model, now: Millis) -> bool {
    let question = Question::Insights(InsightCategory::RollbackReadiness);
    match memory::ask(model, &target(spec), &question, at(now)) {
        Ok(Answer::Insights(insights)) => insights
            .iter()
            .any(|insight| ["ERROR", "UNKNOWN"].contains(&insight.status.as_str())),
        _ => false,
    }
}

fn is_of_version(update: &UpdateTruth) -> bool {
    update.kind == VERSION_UPDATE || update.kind == VERSION_ROLLBACK
}
