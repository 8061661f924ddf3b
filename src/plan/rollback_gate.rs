//! What EKS would refuse a permitted rollback for: found before it is asked.

use jiff::SignedDuration;

use crate::api::{Minor, Reason, Update};
use crate::eks::{ClusterView, InsightView, NodegroupView, OfferedVersion};

use super::decision::Wake;
use super::facts::Facts;
use super::hop::Hop;
use super::read::Read;
use super::refresh::{self, Limits, Refreshed};
use super::rollback::LastSuccess;
use super::wish::Wish;

/// How old a refresh of the insights may be.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(1);

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
pub fn look(
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
    let Some(Ok(view)) = &facts.observed.refresh else {
        return Gate::Ask(Read::Refresh);
    };
    let last = match &facts.observed.updates {
        Some(Ok(updates)) => LastSuccess::of(facts, updates),
        _ => None,
    };
    let limits = Limits {
        age: FRESH_FOR,
        since: last.and_then(|last| last.over_since(facts)),
    };
    match refresh::judge(facts, view, limits) {
        // They are refreshed each hour: what blocked a moment ago is no news, and saying so would be.
        Refreshed::Running if is_blocked(facts) => {
            return Gate::Wait(Wake::After(facts.settings.poll_interval));
        }
        Refreshed::Running => {
            return unknown(
                format!(
                    "EKS refreshes its rollback-readiness insights of cluster {}; whether it can go back from {} to {} is known after that.",
                    wish.target.name, hop.from, hop.to
                ),
                Wake::After(facts.settings.poll_interval),
            );
        }
        Refreshed::Failed(word) => {
            return unknown(
                format!(
                    "EKS could not refresh its rollback-readiness insights of cluster {} ({word}), so that nothing is started. It is tried again by itself.",
                    wish.target.name
                ),
                resync,
            );
        }
        Refreshed::At(_) => {}
        Refreshed::Due => return Gate::Ask(Read::StartRefresh),
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

/// Whether status says of this very spec that EKS would refuse it, or did.
fn is_blocked(facts: &Facts<'_>) -> bool {
    is_said(facts, &[Reason::PreflightFailed, Reason::RequestRejected])
}

/// Whether status says one of these of this very spec. Of an open intent other things are said.
pub fn is_said(facts: &Facts<'_>, reasons: &[Reason]) -> bool {
    if (facts.memory.update.as_ref()).is_some_and(Update::is_open_intent) {
        return false;
    }
    let is_same_spec = facts.memory.observed_generation == Some(facts.object.generation);
    let mut conditions = facts.memory.conditions.iter();
    is_same_spec
        && conditions.any(|condition| {
            reasons
                .iter()
                .any(|reason| reason.as_str() == condition.reason)
        })
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
