//! What others did to the cluster: the newest version update in EKS's list is known before every start.

use crate::api::{
    ClusterUpgradeStatus, ErrorDetail, HISTORY_LIMIT, Minor, Reason, Update, UpdateStatus,
};
use crate::eks::{Progress, UpdateError, UpdateView};

use super::consider::Hop;
use super::facts::Facts;
use super::retry::{self, RetryRequest};
use super::say;
use super::time::shown;
use super::wish::Wish;
use super::{VERSION_ROLLBACK, VERSION_UPDATE};

/// What EKS's list of updates means for the next hop.
#[derive(Clone, Debug)]
pub enum Elsewhere {
    /// Nothing is in the way.
    Free,
    /// This very hop runs already.
    OurHop(UpdateView),
    /// An update ended in a way that a person has to look at.
    Ended(Box<Update>, Reason, String),
    /// Something else runs, or EKS lags behind itself.
    Busy(String),
}

/// Reads the list.
pub fn look(
    facts: &Facts<'_>,
    wish: &Wish,
    hop: Hop,
    updates: &[UpdateView],
    request: &RetryRequest,
) -> Elsewhere {
    let newest = newest_version_update(updates);
    let running = updates.iter().filter(|update| is_running(update));
    if let Some(ours) = running.clone().find(|update| is_hop(update, hop.to)) {
        return Elsewhere::OurHop(ours.clone());
    }
    // A person's decision outweighs what merely runs at the moment.
    if let Some(update) = newest.filter(|update| !is_running(update))
        && stands_against(facts, wish, hop, update, request)
    {
        let update = recorded(facts, wish, hop, update);
        let (reason, message) = ended(&update, request);
        return Elsewhere::Ended(Box::new(update), reason, message);
    }
    if let Some(other) = running.max_by_key(|update| update.created_at) {
        return Elsewhere::Busy(format!(
            "EKS works on cluster {}: {} {} since {}. The upgrade from {} to {} starts after it.",
            wish.target.name,
            other.kind,
            other.id,
            other
                .created_at
                .map_or_else(|| "an unknown time".to_owned(), shown),
            hop.from,
            hop.to
        ));
    }
    match newest {
        Some(update)
            if leads_above(update, hop.from)
                && update.status == Progress::Successful
                && update.kind == VERSION_UPDATE =>
        {
            Elsewhere::Busy(format!(
                "EKS reports update {} to {} as successful, but still describes cluster {} at {}; it is waited for EKS to agree with itself.",
                update.id,
                update.to_version.as_deref().unwrap_or("an unknown version"),
                wish.target.name,
                hop.from
            ))
        }
        _ => Elsewhere::Free,
    }
}

/// The version update that EKS accepted last.
pub fn newest_version_update(updates: &[UpdateView]) -> Option<&UpdateView> {
    updates
        .iter()
        .filter(|update| update.kind == VERSION_UPDATE || update.kind == VERSION_ROLLBACK)
        .max_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)))
}

/// Whether EKS may still work on it. A status this build does not know counts as running.
pub fn is_running(update: &UpdateView) -> bool {
    matches!(update.status, Progress::InProgress | Progress::Other(_))
}

fn is_hop(update: &UpdateView, to: Minor) -> bool {
    update.kind == VERSION_UPDATE && version_of(update) == Some(to)
}

fn leads_above(update: &UpdateView, from: Minor) -> bool {
    version_of(update).is_some_and(|version| version > from)
}

fn version_of(update: &UpdateView) -> Option<Minor> {
    update.to_version.as_deref()?.parse().ok()
}

/// Whether an ended update stands against the next hop, unless a person permitted another try.
fn stands_against(
    facts: &Facts<'_>,
    wish: &Wish,
    hop: Hop,
    update: &UpdateView,
    request: &RetryRequest,
) -> bool {
    let ended_badly = matches!(update.status, Progress::Failed | Progress::Cancelled);
    let concerns_us = update.kind == VERSION_ROLLBACK || (ended_badly && is_hop(update, hop.to));
    let permitted = || {
        known(facts, &update.id).map_or_else(
            || request.permits(update.created_at),
            |tried| retry::permitted(tried, wish, hop.to, request),
        )
    };
    concerns_us && !permitted()
}

/// What is said about an update that ended badly. `update` is as status keeps it.
pub fn ended(update: &Update, request: &RetryRequest) -> (Reason, String) {
    let how = say::how_to_retry();
    let remark = request.remark();
    let Update {
        from_version: from,
        to_version: to,
        ..
    } = update;
    let begun = update
        .created_at
        .map_or_else(String::new, |at| format!(", begun {}", shown(at)));
    let which = format!("{}{begun}", say::named(update));
    if update.kind == VERSION_ROLLBACK {
        let how_far = match &update.status {
            Some(UpdateStatus::Successful) => "and it succeeded".to_owned(),
            Some(status) => format!("and it ended as {status}"),
            None => "and how it ended is not known".to_owned(),
        };
        return (
            Reason::RolledBackElsewhere,
            format!(
                "Somebody had the cluster rolled back from {from} to {to} ({which}), {how_far}. Nothing is done until a person decides: to accept it, set spec.version to what the cluster runs. {how}{remark}"
            ),
        );
    }
    if update.status == Some(UpdateStatus::Cancelled) {
        return (
            Reason::UpdateCancelled,
            format!("The upgrade from {from} to {to} was cancelled ({which}). {how}{remark}"),
        );
    }
    (
        Reason::UpdateFailed,
        format!(
            "EKS gave up upgrading from {from} to {to} and stays at {from} ({which}): {}. {how}{remark}",
            say::errors(&update.errors)
        ),
    )
}

/// What status remembers of an update, by its id.
fn known<'a>(facts: &'a Facts<'_>, id: &str) -> Option<&'a Update> {
    let last = facts.memory.update.iter();
    last.chain(&facts.memory.history)
        .find(|update| update.id.as_deref() == Some(id))
}

/// An ended update as status keeps it: what was known, or what EKS says.
fn recorded(facts: &Facts<'_>, wish: &Wish, hop: Hop, view: &UpdateView) -> Update {
    if let Some(update) = known(facts, &view.id) {
        return Update {
            status: Some(status_of(&view.status)),
            finished_at: update.finished_at.or(Some(facts.now)),
            errors: details(&view.errors),
            ..update.clone()
        };
    }
    let (from_version, to_version) = if view.kind == VERSION_ROLLBACK {
        (hop.to, version_of(view).unwrap_or(hop.from))
    } else {
        (hop.from, hop.to)
    };
    Update {
        id: Some(view.id.clone()),
        kind: view.kind.clone(),
        status: Some(status_of(&view.status)),
        from_version,
        to_version,
        for_version: Some(wish.version),
        client_request_token: None,
        attempt: None,
        sends: None,
        force: hop.force,
        requested_at: None,
        last_send_at: None,
        created_at: view.created_at,
        finished_at: Some(facts.now),
        errors: details(&view.errors),
    }
}

/// EKS's status in the words of ours.
pub fn status_of(progress: &Progress) -> UpdateStatus {
    match progress {
        Progress::InProgress => UpdateStatus::InProgress,
        Progress::Successful => UpdateStatus::Successful,
        Progress::Failed => UpdateStatus::Failed,
        Progress::Cancelled => UpdateStatus::Cancelled,
        Progress::Other(word) => UpdateStatus::from(word.clone()),
    }
}

/// EKS's errors as status keeps them.
pub fn details(errors: &[UpdateError]) -> Vec<ErrorDetail> {
    errors
        .iter()
        .map(|error| {
            let UpdateError {
                code,
                message,
                resource_ids,
            } = error;
            ErrorDetail {
                error_code: code.clone(),
                error_message: message.clone(),
                resource_ids: resource_ids.clone(),
            }
        })
        .collect()
}

/// Puts a finished update at the head of the history, once.
pub fn into_history(memory: &mut ClusterUpgradeStatus, update: Update) {
    memory.history.retain(|past| past.id != update.id);
    memory.history.insert(0, update);
    memory.history.truncate(HISTORY_LIMIT);
}

/// Region, account and name of a cluster's ARN, in any partition.
pub fn arn_place(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let ("arn", _partition, "eks") = (parts.next()?, parts.next()?, parts.next()?) else {
        return None;
    };
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    Some((region, account, resource.strip_prefix("cluster/")?))
}
