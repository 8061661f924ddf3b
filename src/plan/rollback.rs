//! Whether the manifest permits a rollback, and whether EKS would take it.
//!
//! The permission names the update to undo, so that it undoes that one and no other, however long it stays in Git.

use jiff::{SignedDuration, Timestamp};

use crate::api::{Minor, Reason, Update, UpdateStatus};
use crate::eks::{
    ClusterView, InsightView, NodegroupView, OfferedVersion, Progress, RefreshStatus, RefreshView,
    UpdateView,
};

use super::cluster::Seen;
use super::decision::Wake;
use super::elsewhere;
use super::facts::Facts;
use super::hop::Hop;
use super::read::Read;
use super::time::{after, shown};
use super::wish::Wish;
use super::{VERSION_ROLLBACK, VERSION_UPDATE, remember, say};

/// For how long after the end of an upgrade EKS takes it back (user guide, rollback-cluster).
pub const WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

/// EKS does not tell when an update ended. What is asked for a little after the window, counted from its start, is left to EKS.
const UPDATES_TAKE: SignedDuration = SignedDuration::from_hours(2);

/// How old a refresh of the insights may be.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(1);

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
    fn over_since(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        let known = remember::known(facts.memory, &self.id);
        known
            .and_then(|update| update.finished_at)
            .filter(|at| *at <= facts.now)
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

/// What the last gates say.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Nothing is in the way.
    Open,
    /// This has to be known.
    Ask(Read),
    /// Not now.
    Closed(Reason, String, Wake),
    /// Not known for a moment. What is said stays.
    Wait(Wake),
}

/// What EKS would refuse a permitted rollback for.
pub fn gate(
    facts: &Facts<'_>,
    wish: &Wish,
    view: &ClusterView,
    offered: &[OfferedVersion],
    hop: Hop,
) -> Gate {
    let resync = Wake::After(facts.settings.resync_interval);
    let closed = |message| Gate::Closed(Reason::PreflightFailed, message, resync);
    if let Some(message) = policy(wish, view, offered, hop.to) {
        return closed(message);
    }
    let Some(Ok(nodegroups)) = &facts.observed.nodegroups else {
        return Gate::Ask(Read::Nodegroups);
    };
    if let Some(message) = newer_nodes(wish, nodegroups, hop) {
        return closed(message);
    }
    if hop.force {
        return Gate::Open;
    }
    insights(facts, wish, hop)
}

/// EKS's readiness insights, from a refresh that is fresh.
fn insights(facts: &Facts<'_>, wish: &Wish, hop: Hop) -> Gate {
    let resync = Wake::After(facts.settings.resync_interval);
    let unknown = |message, wake| Gate::Closed(Reason::PreflightUnknown, message, wake);
    let Some(Ok(refresh)) = &facts.observed.refresh else {
        return Gate::Ask(Read::Refresh);
    };
    let RefreshView { status, ended_at } = refresh;
    let is_recent =
        |within: SignedDuration| ended_at.is_some_and(|at| facts.now.duration_since(at) <= within);
    let last = match &facts.observed.updates {
        Some(Ok(updates)) => LastSuccess::of(facts, updates),
        _ => None,
    };
    // Before, EKS had nothing to look at.
    let is_since = *ended_at >= last.and_then(|last| last.over_since(facts));
    match status {
        // They are refreshed each hour: what blocked a moment ago is no news, and saying so would be.
        RefreshStatus::InProgress if is_blocked(facts) => {
            return Gate::Wait(Wake::After(facts.settings.poll_interval));
        }
        RefreshStatus::InProgress => {
            return unknown(
                format!(
                    "EKS refreshes its rollback-readiness insights of cluster {}; whether it can go back from {} to {} is known after that.",
                    wish.target.name, hop.from, hop.to
                ),
                Wake::After(facts.settings.poll_interval),
            );
        }
        RefreshStatus::Failed(word) if is_recent(facts.settings.resync_interval) => {
            return unknown(
                format!(
                    "EKS could not refresh its rollback-readiness insights of cluster {} ({word}), so that nothing is started. It is tried again by itself.",
                    wish.target.name
                ),
                resync,
            );
        }
        RefreshStatus::Completed if is_recent(FRESH_FOR) && is_since => {}
        RefreshStatus::None | RefreshStatus::Completed | RefreshStatus::Failed(_) => {
            return Gate::Ask(Read::StartRefresh);
        }
    }
    let Some(Ok(insights)) = &facts.observed.insights else {
        return Gate::Ask(Read::Insights);
    };
    let blocking: Vec<_> = blocking(insights).map(named).collect();
    if blocking.is_empty() {
        return Gate::Open;
    }
    Gate::Closed(
        Reason::PreflightFailed,
        format!(
            "EKS's rollback-readiness insights block the way of cluster {} from {} to {}: {}. Mend what they name; it is looked at again by itself. Or accept it with spec.force (version \"{}\" and a reason).",
            wish.target.name,
            hop.from,
            hop.to,
            some(&blocking),
            hop.to
        ),
        resync,
    )
}

/// Whether status says of this very spec that EKS would refuse it, or did. Of an open intent other things are said.
fn is_blocked(facts: &Facts<'_>) -> bool {
    if (facts.memory.update.as_ref()).is_some_and(Update::is_open_intent) {
        return false;
    }
    let is_same_spec = facts.memory.observed_generation == Some(facts.object.generation);
    let blocks = [Reason::PreflightFailed, Reason::RequestRejected].map(Reason::as_str);
    let mut conditions = facts.memory.conditions.iter();
    is_same_spec && conditions.any(|condition| blocks.contains(&condition.reason.as_str()))
}

/// The insights for which EKS refuses a rollback. Editions of its guide differ about UNKNOWN, so that it blocks, as any word
/// that this build does not know.
pub fn blocking(insights: &[InsightView]) -> impl Iterator<Item = &InsightView> {
    insights
        .iter()
        .filter(|insight| !["PASSING", "WARNING"].contains(&insight.status.as_str()))
}

/// "NAME (STATUS: REASON)".
pub fn named(insight: &InsightView) -> String {
    let InsightView {
        id,
        name,
        status,
        reason,
    } = insight;
    let name = if name.is_empty() { id } else { name };
    match reason.trim().trim_end_matches('.') {
        "" => format!("{name} ({status})"),
        reason => format!("{name} ({status}: {reason})"),
    }
}

/// Why the upgrade policy stands in the way, where it does.
pub fn policy(
    wish: &Wish,
    view: &ClusterView,
    offered: &[OfferedVersion],
    to: Minor,
) -> Option<String> {
    let is_extended = offered
        .iter()
        .any(|offer| offer.version == to && offer.status == "EXTENDED_SUPPORT");
    let is_standard = view.support_type.as_deref() == Some("STANDARD");
    (is_extended && is_standard).then(|| {
        format!(
            "Kubernetes {to} is in extended support, and the upgrade policy of cluster {} is STANDARD. Set it to EXTENDED first: aws eks update-cluster-config --name {} --upgrade-policy supportType=EXTENDED.",
            wish.target.name, wish.target.name
        )
    })
}

fn newer_nodes(wish: &Wish, nodegroups: &[NodegroupView], hop: Hop) -> Option<String> {
    let newer: Vec<_> = nodegroups
        .iter()
        // One whose version cannot be read may be newer as well.
        .filter(|group| {
            group
                .version
                .parse::<Minor>()
                .map_or(true, |version| version > hop.to)
        })
        .map(|group| format!("{} ({})", group.name, group.version))
        .collect();
    (!newer.is_empty()).then(|| {
        format!(
            "A kubelet may not be newer than the control plane. These managed node groups of cluster {} are newer than {}: {}. Take them back first; it is looked at again by itself.",
            wish.target.name,
            hop.to,
            some(&newer)
        )
    })
}

/// The first few of a list.
fn some(items: &[String]) -> String {
    const SAID: usize = 8;
    let mut said: Vec<_> = items.iter().take(SAID).cloned().collect();
    if items.len() > said.len() {
        said.push(format!("and {} more", items.len() - said.len()));
    }
    said.join(", ")
}
