//! What others did to the cluster, and what failed: the newest version update is known before every start.

use jiff::Timestamp;

use crate::api::{Reason, Update, UpdateStatus};
use crate::eks::{Progress, UpdateView};

use super::facts::Facts;
use super::hop::Hop;
use super::remember;
use super::retry::{self, RetryRequest};
use super::time::shown;
use super::wish::Wish;
use super::{VERSION_ROLLBACK, VERSION_UPDATE, rollback, say};

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

/// Reads the list, and what status remembers beyond it.
pub fn look(
    facts: &Facts<'_>,
    wish: &Wish,
    hop: Hop,
    updates: &[UpdateView],
    request: &RetryRequest,
) -> Elsewhere {
    if let Some(ours) = running_hop(updates, hop) {
        return Elsewhere::OurHop(ours.clone());
    }
    let running = updates.iter().filter(|update| is_running(update));
    let newest = newest_version_update(updates);
    // A person's decision outweighs what merely runs at the moment.
    let ended = if hop.is_rollback() {
        last_try(updates, hop)
    } else {
        newest.filter(|view| !is_running(view))
    };
    let ended = ended.map(|view| remember::recorded(facts, hop, view));
    for update in unlisted(facts, updates).into_iter().chain(ended) {
        if stands_against(wish, hop, &update, request) {
            let (reason, message) = told(facts, &update, request);
            return Elsewhere::Ended(Box::new(update), reason, message);
        }
    }
    if let Some(other) = running.max_by_key(|update| age(update)) {
        return Elsewhere::Busy(format!(
            "EKS works on cluster {}: {} {} since {}. The {} from {} to {} starts after it.",
            wish.target.name,
            other.kind,
            other.id,
            other
                .created_at
                .map_or_else(|| "an unknown time".to_owned(), shown),
            say::noun(hop.kind()),
            hop.from,
            hop.to
        ));
    }
    match newest {
        Some(update)
            if !hop.is_rollback()
                && update.status == Progress::Successful
                && update.kind == VERSION_UPDATE
                && say::version_of(update) > Some(hop.from) =>
        {
            Elsewhere::Busy(format!(
                "EKS reports update {} to {} as successful, but still describes cluster {} at {}. The next hop starts once the two agree.",
                update.id,
                update.to_version.as_deref().unwrap_or("an unknown version"),
                wish.target.name,
                hop.from
            ))
        }
        _ => Elsewhere::Free,
    }
}

/// The last time somebody tried to undo the update that brought the cluster here, if that is over. Not simply the newest update:
/// an upgrade that failed since then leaves the cluster where it is, and is no permission to go back.
fn last_try(updates: &[UpdateView], hop: Hop) -> Option<&UpdateView> {
    let successful = updates.iter().filter(|view| {
        [VERSION_UPDATE, VERSION_ROLLBACK].contains(&view.kind.as_str())
            && view.status == Progress::Successful
    });
    let undone = successful.map(age).max();
    let tries = updates.iter().filter(|view| {
        view.kind == hop.kind() && say::version_of(view) == Some(hop.to) && !is_running(view)
    });
    tries
        .filter(|view| undone.is_none_or(|undone| age(view) > undone))
        .max_by_key(|view| age(view))
}

/// The newest update that status knows, where EKS lists neither it nor anything newer: its list lags minutes behind
/// DescribeUpdate, and nobody promises that it goes back for ever.
fn unlisted(facts: &Facts<'_>, updates: &[UpdateView]) -> Option<Update> {
    let update = remember::newest(facts.memory)?;
    let listed = updates
        .iter()
        .any(|view| Some(&view.id) == update.id.as_ref());
    let newer =
        newest_version_update(updates).is_some_and(|newest| newest.created_at > update.created_at);
    (!listed && !newer).then(|| update.clone())
}

/// The version update that EKS accepted last.
pub fn newest_version_update(updates: &[UpdateView]) -> Option<&UpdateView> {
    updates
        .iter()
        .filter(|update| update.kind == VERSION_UPDATE || update.kind == VERSION_ROLLBACK)
        .max_by_key(|update| age(update))
}

/// What sorts updates by when EKS accepted them, oldest first. EKS promises no order of its list, so that of two that have
/// one time, or none, the ids decide.
pub fn age(update: &UpdateView) -> (Option<Timestamp>, &str) {
    (update.created_at, &update.id)
}

/// Whether EKS may still work on it. A status this build does not know counts as running.
pub fn is_running(update: &UpdateView) -> bool {
    matches!(update.status, Progress::InProgress | Progress::Other(_))
}

/// An update that runs and is this very hop, whoever began it.
pub fn running_hop(updates: &[UpdateView], hop: Hop) -> Option<&UpdateView> {
    let running = updates.iter().filter(|update| is_running(update));
    let same = running
        .filter(|update| update.kind == hop.kind() && say::version_of(update) == Some(hop.to));
    same.max_by_key(|update| age(update))
}

/// Whether an update has ended without having done what it was to do.
fn ended_badly(update: &Update) -> bool {
    matches!(
        update.status,
        Some(UpdateStatus::Failed | UpdateStatus::Cancelled | UpdateStatus::Lost)
    )
}

/// Whether an ended update stands against the next hop, unless a person permitted another try.
fn stands_against(wish: &Wish, hop: Hop, update: &Update, request: &RetryRequest) -> bool {
    let is_rollback = update.kind == VERSION_ROLLBACK;
    let is_same = ended_badly(update) && update.kind == hop.kind() && update.to_version == hop.to;
    // Which successful update a rollback undoes is looked at elsewhere.
    let concerns_us = is_same || (is_rollback && !hop.is_rollback());
    concerns_us && !retry::permitted(update, wish, hop, request)
}

/// What is said about an update that ended badly.
pub fn told(facts: &Facts<'_>, update: &Update, request: &RetryRequest) -> (Reason, String) {
    let how = format!(
        "{}{}",
        say::how_to_retry(&facts.object.name, update),
        request.remark(update)
    );
    let Update {
        from_version: from,
        to_version: to,
        ..
    } = update;
    let begun = update
        .created_at
        .map_or_else(String::new, |at| format!(", begun {}", shown(at)));
    let which = format!("{}{begun}", say::named(update));
    let cluster = say::cluster(facts);
    let is_asked_for =
        (facts.object.wish.as_ref()).is_ok_and(|wish| rollback::is_asked_for(wish, update));
    let noun = say::noun(&update.kind);
    // One that has not failed is not called so, whoever asked for it.
    let stands_for_itself = !ended_badly(update) || (!update.is_ours() && !is_asked_for);
    if update.kind == VERSION_ROLLBACK && stands_for_itself {
        let (ended, runs) = match &update.status {
            Some(UpdateStatus::Successful) => (String::new(), to),
            Some(status) => (format!(", which ended as {status}"), from),
            None => (String::new(), from),
        };
        return (
            Reason::RolledBackElsewhere,
            format!(
                "Somebody had {cluster} rolled back from {from} to {to}{ended} ({which}). Nothing is started against that. To accept it, set spec.version to \"{runs}\". {how}"
            ),
        );
    }
    match update.status {
        Some(UpdateStatus::Cancelled) => (
            Reason::UpdateCancelled,
            format!(
                "The {noun} of {cluster} from {from} to {to} was cancelled ({which}). It still runs {from}. {how}"
            ),
        ),
        Some(UpdateStatus::Lost) => (
            Reason::UpdateLost,
            format!(
                "EKS accepted the {noun} of {cluster} from {from} to {to} ({which}) and no longer knows it. Look at the cluster's updates in EKS. {how}"
            ),
        ),
        _ => (
            Reason::UpdateFailed,
            format!(
                "The {noun} of {cluster} from {from} to {to} failed: {}. It still runs {from} ({which}). {how}",
                say::errors(&update.errors)
            ),
        ),
    }
}
