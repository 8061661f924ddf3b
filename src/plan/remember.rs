//! What status keeps of clusters and updates.

use crate::api::{
    ClusterUpgradeStatus, ErrorDetail, HISTORY_LIMIT, Minor, ObservedCluster, Update, UpdateStatus,
};
use crate::eks::{ClusterView, Progress, UpdateError, UpdateView};

use super::facts::Facts;
use super::hop::Hop;
use super::retry::next_try;
use super::wish::Wish;
use super::{VERSION_ROLLBACK, cluster, say};

/// The memory with what EKS said about the cluster, and the path from there.
pub fn refreshed(facts: &Facts<'_>) -> ClusterUpgradeStatus {
    let mut memory = facts.memory.clone();
    memory.observed_generation = Some(facts.object.generation);
    let Ok(wish) = &facts.object.wish else {
        return memory;
    };
    if let Some(Ok(view)) = &facts.observed.cluster
        && cluster::is_meant(facts)
    {
        let ClusterView {
            arn,
            created_at,
            version,
            platform_version,
            status,
            hosting: _,
            is_auto_mode: _,
            support_type: _,
            health: _,
            hold: _,
        } = view;
        let pinned = memory.cluster.as_ref();
        memory.cluster = Some(ObservedCluster {
            arn: arn.clone(),
            created_at: pinned
                .and_then(|cluster| cluster.created_at)
                .or(*created_at),
            version: version.clone(),
            platform_version: platform_version.clone(),
            status: status.clone(),
        });
    }
    let version = memory
        .cluster
        .as_ref()
        .and_then(|cluster| cluster.version.parse::<Minor>().ok());
    memory.path = version
        .map(|version| path(version, wish))
        .unwrap_or_default();
    // Whatever else goes on, it is not shown for longer than it is true.
    memory.rollback = memory.rollback.filter(|readiness| {
        let is_of_version =
            version.is_none_or(|version| version.previous() == Some(readiness.to_version));
        is_of_version && facts.now < readiness.expires_at
    });
    memory
}

/// The versions still to come: up, or down where the manifest permits it.
fn path(version: Minor, wish: &Wish) -> Vec<Minor> {
    let permit = wish.rollback.as_ref();
    let is_permitted = permit.is_some_and(|permit| permit.from == version);
    if is_permitted && version.previous() == Some(wish.version) {
        return vec![wish.version];
    }
    say::path(version, wish.version)
}

/// Puts `update` in the place of the last one. An update that has an id is not dropped: it goes into the history.
pub fn remember_update(memory: &mut ClusterUpgradeStatus, update: Update) {
    if let Some(last) = memory.update.take()
        && last.id.is_some()
        && last.id != update.id
    {
        into_history(memory, last);
    }
    if update.id.is_some()
        && update
            .status
            .as_ref()
            .is_some_and(|status| !status.is_running())
    {
        into_history(memory, update.clone());
    }
    memory.update = Some(update);
}

/// Puts a finished update at the head of the history, once.
pub fn into_history(memory: &mut ClusterUpgradeStatus, update: Update) {
    memory.history.retain(|past| past.id != update.id);
    memory.history.insert(0, update);
    memory.history.truncate(HISTORY_LIMIT);
}

/// What `memory` knows of an update, by its id.
pub fn known<'a>(memory: &'a ClusterUpgradeStatus, id: &str) -> Option<&'a Update> {
    updates(memory).find(|update| update.id.as_deref() == Some(id))
}

/// The attempt after every one that `memory` knows of; `None` after the last number. A status that was restored or edited by
/// hand may have lost the count and kept the updates.
pub fn next_attempt(memory: &ClusterUpgradeStatus) -> Option<u32> {
    updates(memory)
        .filter_map(|update| update.attempt)
        .chain(memory.attempts)
        .max()
        .unwrap_or(0)
        .checked_add(1)
}

/// The highest attempt that EKS accepted, as far as `memory` knows; 0 where there is none.
pub fn last_accepted_attempt(memory: &ClusterUpgradeStatus) -> u32 {
    updates(memory)
        .filter(|update| update.id.is_some())
        .filter_map(|update| update.attempt)
        .max()
        .unwrap_or(0)
}

/// The update that EKS accepted last, as far as `memory` knows.
pub fn newest(memory: &ClusterUpgradeStatus) -> Option<&Update> {
    updates(memory)
        .filter(|update| update.id.is_some())
        .max_by_key(|update| update.created_at)
}

/// Every update that `memory` knows, oldest first.
pub fn updates(memory: &ClusterUpgradeStatus) -> impl Iterator<Item = &Update> {
    // The last of equals is the newest: history is newest first.
    memory.history.iter().rev().chain(&memory.update)
}

/// An update as EKS has it: with what is known of it, or as one that this object did not ask for.
pub fn recorded(facts: &Facts<'_>, hop: Hop, view: &UpdateView) -> Update {
    let status = status_of(&view.status);
    let base = known(facts.memory, &view.id)
        .cloned()
        .unwrap_or_else(|| foreign(facts, hop, view));
    let to_version = say::version_of(view).unwrap_or(base.to_version);
    let is_as_known = base.kind == view.kind && base.to_version == to_version;
    Update {
        finished_at: if status.is_running() {
            None
        } else {
            base.finished_at.or_else(|| Some(facts.answered_at()))
        },
        status: Some(status),
        // EKS is right about its own update where status says otherwise.
        kind: view.kind.clone(),
        to_version,
        // Then status does not tell what was tried, so that no edit is taken for permission to try again.
        for_version: base.for_version.filter(|_| is_as_known),
        created_at: view.created_at.or(base.created_at),
        errors: details(&view.errors),
        ..base
    }
}

fn foreign(facts: &Facts<'_>, hop: Hop, view: &UpdateView) -> Update {
    let to_version = say::version_of(view).unwrap_or(hop.to);
    let from_version = if view.kind == VERSION_ROLLBACK {
        to_version.next()
    } else {
        hop.from
    };
    let wish = facts.object.wish.as_ref().ok();
    Update {
        id: Some(view.id.clone()),
        kind: view.kind.clone(),
        status: None,
        from_version,
        to_version,
        for_version: wish.map(|wish| wish.version),
        client_request_token: None,
        attempt: None,
        sends: None,
        force: wish.is_some_and(|wish| wish.force_for(next_try(&view.kind, to_version, hop))),
        timeout: hop.timeout.filter(|_| view.kind == VERSION_ROLLBACK),
        requested_at: None,
        last_send_at: None,
        created_at: view.created_at,
        finished_at: None,
        errors: Vec::new(),
        cancel: None,
    }
}

/// EKS's status in the words of ours.
pub fn status_of(progress: &Progress) -> UpdateStatus {
    match progress {
        Progress::InProgress => UpdateStatus::InProgress,
        Progress::Successful => UpdateStatus::Successful,
        Progress::Failed => UpdateStatus::Failed,
        Progress::Cancelled => UpdateStatus::Cancelled,
        // Our own words for what EKS does not run would say that it does not.
        Progress::Other(word) => match UpdateStatus::from(word.clone()) {
            unknown @ UpdateStatus::Other(_) => unknown,
            _ => UpdateStatus::InProgress,
        },
    }
}

/// EKS's errors as status keeps them.
pub fn details(errors: &[UpdateError]) -> Vec<ErrorDetail> {
    let told: Vec<_> = errors
        .iter()
        .map(|error| {
            let UpdateError {
                code,
                message,
                resource_ids,
            } = error;
            ErrorDetail::new(code, message, resource_ids)
        })
        .collect();
    ErrorDetail::kept(&told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_eks_calls_by_a_word_of_ours_runs_also_when_it_is_read_back() {
        for word in ["Lost", "Refused", "NotSent", "Cancelling", "", "failed"] {
            let status = status_of(&Progress::Other(word.to_owned()));
            let read_back = UpdateStatus::from(String::from(status.clone()));
            assert_eq!(read_back, status, "{word:?}");
            assert!(read_back.is_running(), "{word:?}");
        }
    }
}
