//! Whether the last upgrade can be rolled back, known before anybody needs it.

use jiff::SignedDuration;

use crate::api::{Blocker, ClusterUpgradeStatus, Minor, RollbackReadiness, Update};
use crate::eks::{ClusterView, InsightView, OfferedVersion};

use super::cluster::Seen;
use super::facts::Facts;
use super::read::Read;
use super::rollback::{self, LastSuccess};
use super::time::after;
use super::wish::Wish;
use super::{CLOCK_TOLERANCE, VERSION_UPDATE, rollback_gate, say};

/// How often EKS's insights are read while the window is open.
const READ_EVERY: SignedDuration = SignedDuration::from_hours(6);

/// The code of a blocker that says that nothing is known.
const UNKNOWN: &str = "ReadinessUnknown";

/// What EKS said about readiness, and what it offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Its insights of the category `ROLLBACK_READINESS`.
    pub insights: Vec<InsightView>,
    /// DescribeClusterVersions.
    pub offered: std::sync::Arc<[OfferedVersion]>,
}

/// What is to be read for it, beyond what deciding needs.
pub fn next_read(facts: &Facts<'_>, seen: Seen) -> Option<Read> {
    if facts.observed.updates.is_none() && needs_list(facts, seen) {
        return Some(Read::Updates);
    }
    let last = undone(facts, seen)?;
    (facts.observed.readiness.is_none() && is_due(facts, &last)).then_some(Read::Readiness)
}

/// The same once `update` is known to be done.
pub fn next_read_after(facts: &Facts<'_>, update: &Update) -> Option<Read> {
    let is_open = update
        .created_at
        .is_some_and(|at| facts.now < after(at, rollback::WINDOW));
    (update.kind == VERSION_UPDATE && is_open && facts.observed.readiness.is_none())
        .then_some(Read::Readiness)
}

/// Whether only EKS's list tells what brought the cluster here: it changed behind our back, or was not looked at before.
fn needs_list(facts: &Facts<'_>, seen: Seen) -> bool {
    let is_known = facts
        .memory
        .cluster
        .as_ref()
        .is_some_and(|cluster| cluster.version == seen.version.to_string());
    !is_known && LastSuccess::known(facts).is_none_or(|last| last.to != Some(seen.version))
}

/// The update that could be undone now.
fn undone(facts: &Facts<'_>, seen: Seen) -> Option<LastSuccess> {
    let last = match &facts.observed.updates {
        Some(Ok(updates)) => LastSuccess::of(facts, updates),
        // Not asked for: what status says of it still holds.
        _ => current(facts, seen).map(|readiness| LastSuccess {
            id: readiness.update_id.clone(),
            kind: VERSION_UPDATE.to_owned(),
            to: Some(seen.version),
            created_at: Some(after(readiness.expires_at, -rollback::WINDOW)),
        }),
    };
    last.or_else(|| LastSuccess::known(facts)).filter(|last| {
        let is_open = last.expires_at().is_some_and(|end| facts.now < end);
        is_open && last.kind == VERSION_UPDATE && last.to == Some(seen.version)
    })
}

/// What status says, if it is about the present version.
fn current<'a>(facts: &Facts<'a>, seen: Seen) -> Option<&'a RollbackReadiness> {
    let readiness = facts.memory.rollback.as_ref()?;
    let is_newer = LastSuccess::known(facts)
        .is_some_and(|last| last.to == Some(seen.version) && last.id != readiness.update_id);
    (Some(readiness.to_version) == seen.version.previous() && !is_newer).then_some(readiness)
}

fn is_due(facts: &Facts<'_>, last: &LastSuccess) -> bool {
    let Some(known) = facts
        .memory
        .rollback
        .as_ref()
        .filter(|known| known.update_id == last.id)
    else {
        return true;
    };
    // Where they could not be read it is tried with each look.
    let is_unknown = known.blockers.iter().any(|blocker| blocker.code == UNKNOWN);
    let age = facts.now.duration_since(known.checked_at);
    // Also where a wrong clock wrote a time to come.
    is_unknown || age >= READ_EVERY || age < -CLOCK_TOLERANCE
}

/// `status.rollback` as it is now.
pub fn refreshed(
    facts: &Facts<'_>,
    memory: &ClusterUpgradeStatus,
    wish: &Wish,
    seen: Seen,
) -> Option<RollbackReadiness> {
    let facts = &Facts {
        memory,
        ..facts.clone()
    };
    let last = undone(facts, seen)?;
    let to_version = seen.version.previous()?;
    let expires_at = last.expires_at()?;
    let known = memory
        .rollback
        .as_ref()
        .filter(|known| known.update_id == last.id);
    let Some(read) = &facts.observed.readiness else {
        return known.cloned();
    };
    let blockers = match (read, &facts.observed.cluster) {
        (Ok(read), Some(Ok(view))) => blockers(wish, view, read, to_version),
        // What was read before is better than nothing, and not being able to read is said once.
        (Err(_), _) if known.is_some() => return known.cloned(),
        (Err(error), _) => vec![Blocker::new(
            UNKNOWN,
            &format!(
                "Whether EKS would take it is not known: {}.",
                say::trouble(error)
            ),
        )],
        (Ok(_), _) => return known.cloned(),
    };
    Some(RollbackReadiness {
        eligible: blockers.is_empty(),
        to_version,
        update_id: last.id,
        expires_at,
        blockers,
        checked_at: facts.now,
    })
}

fn blockers(wish: &Wish, view: &ClusterView, read: &Readiness, to: Minor) -> Vec<Blocker> {
    let Readiness { insights, offered } = read;
    let policy = rollback_gate::policy(wish, view, offered, to);
    let policy = policy.map(|message| Blocker::new("UpgradePolicy", &message));
    let insights = rollback_gate::blocking(insights)
        .map(|insight| Blocker::new("ReadinessInsight", &rollback_gate::named(insight)));
    policy
        .into_iter()
        .chain(insights)
        .take(Blocker::KEPT)
        .collect()
}
