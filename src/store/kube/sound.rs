//! A status as the operator could have written it.
//!
//! Somebody else may have: by an edit, a restore, or where the CRD refuses nothing. What is only said is cut to size, since it
//! is written again with every status. What decides, such as an update's id, is not guessed at: the object counts as unreadable.

use std::collections::HashSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::{
    Blocker, Cancel, ClusterUpgradeStatus, ErrorDetail, HISTORY_LIMIT, ObservedCluster, PATH_LIMIT,
    Reason, RollbackReadiness, Update, UpdateStatus,
};
use crate::eks::is_update_id;
use crate::store::Unreadable;
use crate::text::{is_plain_word, plain};

/// The most bytes of a word, such as a status, and of an idempotency token.
const WORD: usize = 128;
/// The most bytes of a cluster's ARN.
const ARN: usize = 2048;
/// The most bytes of a condition's message.
const MESSAGE: usize = 32 * 1024;

/// The status within bounds, or what in it cannot be ours.
pub(super) fn sound(status: ClusterUpgradeStatus) -> Result<ClusterUpgradeStatus, Unreadable> {
    let ClusterUpgradeStatus {
        observed_generation,
        cluster,
        mut path,
        update,
        attempts,
        history,
        rollback,
        preflight,
        schedule,
        plan,
        support,
        conditions,
    } = status;
    path.truncate(PATH_LIMIT);
    let mut seen = HashSet::new();
    Ok(ClusterUpgradeStatus {
        observed_generation,
        cluster: cluster.map(sound_cluster).transpose()?,
        path,
        update: update
            .map(|update| sound_update("status.update", update))
            .transpose()?,
        attempts,
        history: history
            .into_iter()
            .take(HISTORY_LIMIT)
            .map(|update| sound_update("status.history", update))
            .collect::<Result<_, _>>()?,
        rollback: rollback.and_then(sound_readiness),
        preflight,
        schedule,
        plan,
        support,
        conditions: conditions
            .into_iter()
            .filter(|condition| is_ours(condition) && seen.insert(condition.type_.clone()))
            .map(sound_condition)
            .collect(),
    })
}

fn sound_cluster(cluster: ObservedCluster) -> Result<ObservedCluster, Unreadable> {
    let ObservedCluster {
        arn,
        created_at,
        version,
        platform_version,
        status,
    } = cluster;
    if !is_plain_word(&arn, ARN) {
        return Err(impossible("status.cluster.arn", &arn));
    }
    Ok(ObservedCluster {
        arn,
        created_at,
        version: plain(&version, WORD),
        platform_version: platform_version.as_deref().map(|text| plain(text, WORD)),
        status: plain(&status, WORD),
    })
}

fn sound_update(place: &str, update: Update) -> Result<Update, Unreadable> {
    let token = &update.client_request_token;
    if let Some(id) = update.id.as_ref().filter(|id| !is_update_id(id)) {
        return Err(impossible(&format!("{place}.id"), id));
    }
    if let Some(token) = token.as_ref().filter(|token| !is_plain_word(token, WORD)) {
        return Err(impossible(&format!("{place}.clientRequestToken"), token));
    }
    Ok(Update {
        kind: plain(&update.kind, WORD),
        status: update
            .status
            .map(|status| UpdateStatus::from(plain(status.as_str(), WORD))),
        errors: ErrorDetail::kept(&update.errors),
        cancel: update
            .cancel
            .map(|cancel| sound_cancel(place, cancel))
            .transpose()?,
        ..update
    })
}

fn sound_cancel(place: &str, cancel: Cancel) -> Result<Cancel, Unreadable> {
    let token = &cancel.client_request_token;
    if !is_plain_word(token, WORD) {
        let place = format!("{place}.cancel.clientRequestToken");
        return Err(impossible(&place, token));
    }
    Ok(Cancel {
        errors: ErrorDetail::kept(&cancel.errors),
        ..cancel
    })
}

/// It is only said, so that one that makes no sense is made anew.
fn sound_readiness(readiness: RollbackReadiness) -> Option<RollbackReadiness> {
    is_update_id(&readiness.update_id).then(|| RollbackReadiness {
        blockers: readiness
            .blockers
            .iter()
            .take(Blocker::KEPT)
            .map(|blocker| Blocker::new(&blocker.code, &blocker.message))
            .collect(),
        ..readiness
    })
}

/// Whether a condition is in the operator's words. Another is said anew.
fn is_ours(condition: &Condition) -> bool {
    ["True", "False", "Unknown"].contains(&condition.status.as_str())
        && Reason::ALL
            .iter()
            .any(|reason| reason.as_str() == condition.reason)
}

fn sound_condition(condition: Condition) -> Condition {
    Condition {
        message: plain(&condition.message, MESSAGE),
        last_transition_time: Time(whole_seconds(condition.last_transition_time.0)),
        ..condition
    }
}

/// As a condition's time is written. With a fraction that is left out there, what is kept would never be what was meant.
fn whole_seconds(at: Timestamp) -> Timestamp {
    let at = at.max(Timestamp::UNIX_EPOCH);
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn impossible(place: &str, text: &str) -> Unreadable {
    Unreadable(format!(
        "{place}: {:?} cannot be one. Restore it, or remove it if nothing is known to run",
        plain(text, 64)
    ))
}
