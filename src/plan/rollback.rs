//! Whether the manifest permits a rollback.
//!
//! The permission names the update to undo, so that it undoes that one and no other, however long it stays in Git.

use jiff::{SignedDuration, Timestamp};

use crate::api::{Minor, Update, UpdateStatus};
use crate::eks::{Progress, UpdateView};

use super::cluster::Seen;
use super::elsewhere;
use super::facts::Facts;
use super::hop::Hop;
use super::time::{after, shown};
use super::wish::Wish;
use super::{CLOCK_TOLERANCE, VERSION_ROLLBACK, VERSION_UPDATE, remember, say};

/// For how long after the end of an upgrade EKS takes it back (user guide, rollback-cluster).
pub const WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

/// EKS does not tell when an update ended. What is asked for a little after the window, counted from its start, is left to EKS.
const UPDATES_TAKE: SignedDuration = SignedDuration::from_hours(2);

/// The update that brought the cluster to its present version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastSuccess {
    /// EKS's id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// The version it led to, where that is known.
    pub to: Option<Minor>,
    /// When EKS accepted it.
    pub created_at: Option<Timestamp>,
}

impl LastSuccess {
    /// The newest successful version update that EKS lists or status knows. Status may be ahead of the list.
    pub fn of(facts: &Facts<'_>, updates: &[UpdateView]) -> Option<Self> {
        let listed = updates.iter().filter(|view| {
            [VERSION_UPDATE, VERSION_ROLLBACK].contains(&view.kind.as_str())
                && view.status == Progress::Successful
        });
        let listed = listed
            .max_by_key(|view| elsewhere::age(view))
            .map(|view| Self {
                id: view.id.clone(),
                kind: view.kind.clone(),
                to: say::version_of(view),
                created_at: view.created_at,
            });
        // What EKS lists is told by EKS.
        let known = Self::newest_known(facts, |id| updates.iter().all(|view| view.id != id));
        // Of two with one time the listed one counts: EKS may have forgotten the other.
        match (listed, known) {
            (Some(listed), Some(known)) if known.created_at > listed.created_at => Some(known),
            (listed, known) => listed.or(known),
        }
    }

    /// The newest successful version update that status knows. What failed or was cancelled since has changed no version.
    pub fn known(facts: &Facts<'_>) -> Option<Self> {
        Self::newest_known(facts, |_| true)
    }

    fn newest_known(facts: &Facts<'_>, counts: impl Fn(&str) -> bool) -> Option<Self> {
        remember::updates(facts.memory)
            .filter(|update| {
                [VERSION_UPDATE, VERSION_ROLLBACK].contains(&update.kind.as_str())
                    && update.status == Some(UpdateStatus::Successful)
            })
            .filter_map(|update| {
                let id = update.id.clone().filter(|id| counts(id))?;
                Some(Self {
                    id,
                    kind: update.kind.clone(),
                    to: Some(update.to_version),
                    created_at: update.created_at,
                })
            })
            .max_by_key(|known| known.created_at)
    }

    /// Since when EKS can have found out anything about undoing it: its end, where this object saw it, else its start.
    pub fn over_since(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        let known = remember::known(facts.memory, &self.id);
        known
            .and_then(|update| update.finished_at)
            // A time to come was written by a clock that was wrong; by a little, it is another replica's.
            .filter(|at| *at <= after(facts.now, CLOCK_TOLERANCE))
            .max(self.created_at)
    }

    /// Until when EKS surely takes it back.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.created_at.map(|at| after(at, WINDOW))
    }
}

/// Whether the manifest asks for the rollback that `update` is. Not whether it names the right update to undo: that was looked
/// at before the rollback began, and a slip in the id is no wish to stop it.
pub fn is_asked_for(wish: &Wish, update: &Update) -> bool {
    let permit = wish.rollback.as_ref();
    update.kind == VERSION_ROLLBACK
        && wish.version == update.to_version
        && permit.is_some_and(|permit| permit.from == update.from_version)
}

/// The rollback that the manifest may ask for by its versions: one minor down, and permitted from the present version.
pub fn by_manifest(wish: &Wish, seen: Seen) -> Option<Hop> {
    let permit = wish.rollback.as_ref()?;
    let to = seen.version.previous()?;
    let is_asked_for = to == wish.version && permit.from == seen.version;
    is_asked_for.then(|| Hop::down(wish, seen.version, to, permit.timeout))
}

/// Why nothing is rolled back, and what the manifest would have to say; nothing where it says it.
pub fn objection(
    facts: &Facts<'_>,
    wish: &Wish,
    seen: Seen,
    updates: &[UpdateView],
) -> Option<String> {
    let Wish {
        target,
        version: wanted,
        rollback,
        ..
    } = wish;
    let (name, runs) = (&target.name, seen.version);
    let is = format!(
        "Cluster {name} runs {runs}, newer than spec.version {wanted}; nothing is rolled back."
    );
    let accept = format!("If {runs} is right, set spec.version to \"{runs}\".");
    let never = |why: &str| Some(format!("{is} {accept} {why}"));
    if seen.version.previous() != Some(*wanted) {
        return never(&format!(
            "EKS rolls back one minor at a time, so that {wanted} cannot be reached from {runs}."
        ));
    }
    let Some(last) = LastSuccess::of(facts, updates) else {
        return never(&format!(
            "EKS lists no upgrade to {runs}: the cluster was created with it, or its upgrade is too long ago. EKS takes back upgrades only."
        ));
    };
    if last.kind == VERSION_ROLLBACK {
        return never(&format!(
            "Its last version update ({}) was a rollback, and EKS takes back upgrades only.",
            last.id
        ));
    }
    if last.to.is_some_and(|to| to != runs) {
        return never(&format!(
            "EKS's last successful version update ({}) led to {}, so that EKS lags behind itself; it is looked at again.",
            last.id,
            last.to.unwrap_or(runs)
        ));
    }
    if let Some(end) = last.expires_at()
        && facts.now >= after(end, UPDATES_TAKE)
    {
        return never(&format!(
            "EKS takes an upgrade back for seven days; update {} began at {}.",
            last.id,
            shown(after(end, -WINDOW))
        ));
    }
    let lines = format!(
        "To roll back to {wanted}, put into the manifest: spec.version: \"{wanted}\", spec.rollback.fromVersion: \"{runs}\", spec.rollback.updateId: \"{}\".",
        last.id
    );
    let missing = match rollback {
        None => "spec.rollback is missing.".to_owned(),
        Some(permit) if permit.from != runs => format!(
            "spec.rollback.fromVersion is {}, but the cluster runs {runs}.",
            permit.from
        ),
        Some(permit) if permit.update_id != last.id => format!(
            "spec.rollback.updateId names {}, but the update that brought the cluster to {runs} is {}.",
            permit.update_id, last.id
        ),
        Some(_) => return None,
    };
    Some(format!("{is} {missing} {accept} {lines}"))
}
