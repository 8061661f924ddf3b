//! Whether a hop may start now, and if not, why not: everything that is looked at while nothing of ours is open or runs.
//!
//! The order of the checks is the precedence of the reasons.

use crate::api::{ClusterUpgradeStatus, Minor, Reason, Update};
use crate::eks::{ClusterView, OfferedVersion, Progress, UpdateView};

use super::cluster::{self, Seen};
use super::decision::{Decision, Outcome, Wake};
use super::elsewhere::{self, Elsewhere};
use super::facts::Facts;
use super::gates::Gates;
use super::hop::Hop;
use super::preflight::{self, Preflight, Question};
use super::read::Read;
use super::remember::{self, refreshed};
use super::retry::RetryRequest;
use super::rollback_gate::{self, Gate};
use super::time::{shown, until};
use super::timing::Timing;
use super::wish::Wish;
use super::{VERSION_ROLLBACK, intent, outlook, readiness, refusal, rollback, say, trouble};

/// What came of considering.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The hop may start now.
    Start(Hop),
    /// Somebody else's running update does this very hop.
    Adopt(UpdateView, Hop),
    /// An update that ended elsewhere stands in the way and is written down.
    Record(Box<Update>, Reason, String, Wake),
    /// Not now.
    Hold(Reason, String, Wake),
    /// This has to be asked of EKS first.
    Ask(Read),
    /// Not known yet; the conditions stay.
    Keep(Wake),
}

/// Decides for an object that has no update open or running.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let verdict = consider(facts);
    let mut memory = refreshed(facts);
    match verdict {
        Verdict::Start(hop) => intent::start(facts, memory, hop),
        Verdict::Adopt(view, hop) => {
            let update = remember::recorded(facts, hop, &view);
            let message = format!(
                "EKS already {} from {} to {} ({}); it is followed{}.",
                say::does(hop.kind(), "the cluster"),
                hop.from,
                hop.to,
                say::named(&update),
                say::then(&memory.path, hop.to)
            );
            remember::remember_update(&mut memory, update);
            Decision::say(memory, Reason::Updating, message, Wake::Now)
        }
        Verdict::Record(update, reason, message, wake) => {
            remember::remember_update(&mut memory, *update);
            Decision::say(memory, reason, message, wake)
        }
        Verdict::Hold(reason, message, wake) => {
            if let Some(seen) = shows_readiness(facts, reason) {
                memory.rollback = facts
                    .object
                    .wish
                    .as_ref()
                    .ok()
                    .and_then(|wish| readiness::refreshed(facts, facts.memory, wish, seen));
                acknowledge(facts, &mut memory, seen);
            }
            Decision::say(memory, reason, message, wake)
        }
        Verdict::Ask(_) => Decision::keep(facts.memory, Wake::Now),
        Verdict::Keep(wake) => Decision::keep(facts.memory, wake),
    }
}

/// What has to be asked next, where no update is open or running.
pub fn next_read(facts: &Facts<'_>) -> Option<Read> {
    match consider(facts) {
        Verdict::Ask(read) => Some(read),
        Verdict::Hold(reason, ..) => {
            next_of_readiness(facts, reason).or_else(|| outlook::next_read(facts, reason))
        }
        Verdict::Start(_) | Verdict::Adopt(..) | Verdict::Record(..) | Verdict::Keep(_) => None,
    }
}

fn next_of_readiness(facts: &Facts<'_>, reason: Reason) -> Option<Read> {
    let seen = shows_readiness(facts, reason)?;
    if facts.observed.updates.is_none() && has_unknown_rollback(facts, seen) {
        return Some(Read::Updates);
    }
    readiness::next_read(facts, seen)
}

/// What is said of a cluster that is where it should be.
fn up_to_date(facts: &Facts<'_>, wish: &Wish, seen: Seen) -> String {
    let runs = format!(
        "Cluster {} runs Kubernetes {}, as asked for.",
        wish.target.name, seen.version
    );
    let known = preflight::supported_until(facts, seen.version);
    match known.and_then(|ends| preflight::near_end(ends, facts.now)) {
        Some((support, end)) => format!(
            "{runs} Its {support} support ends at {}: set spec.version to a newer one.",
            shown(end)
        ),
        None => runs,
    }
}

/// Whether an object with this reason shows if its cluster can be rolled back.
fn shows_readiness(facts: &Facts<'_>, reason: Reason) -> Option<Seen> {
    match reason {
        Reason::UpToDate | Reason::ClusterAheadOfSpec => cluster::healthy(facts),
        _ => None,
    }
}

/// Whether the cluster is where the manifest permits a rollback to, and status does not know of one: it was lost.
fn has_unknown_rollback(facts: &Facts<'_>, seen: Seen) -> bool {
    let Ok(wish) = &facts.object.wish else {
        return false;
    };
    let permit = wish.rollback.as_ref();
    let is_there = permit.is_some_and(|permit| permit.from.previous() == Some(seen.version))
        && seen.version == wish.version;
    let newest = remember::newest(facts.memory);
    is_there && newest.is_none_or(|newest| newest.kind != VERSION_ROLLBACK)
}

/// Writes down the rollback that the manifest permitted, where status has lost it: an edit that asks for another version is told
/// from it.
fn acknowledge(facts: &Facts<'_>, memory: &mut ClusterUpgradeStatus, seen: Seen) {
    let (Ok(wish), Some(Ok(updates))) = (&facts.object.wish, &facts.observed.updates) else {
        return;
    };
    if !has_unknown_rollback(facts, seen) {
        return;
    }
    let newest = elsewhere::newest_version_update(updates).filter(|view| {
        view.kind == VERSION_ROLLBACK
            && view.status == Progress::Successful
            && say::version_of(view) == Some(seen.version)
    });
    if let (Some(view), Some(permit)) = (newest, &wish.rollback) {
        let hop = Hop::down(wish, permit.from, seen.version, permit.timeout);
        remember::remember_update(memory, remember::recorded(facts, hop, view));
    }
}

/// Looks at everything that can stand in the way of the next hop, in the order of the reasons' precedence.
pub fn consider(facts: &Facts<'_>) -> Verdict {
    let resync = Wake::After(facts.settings.resync_interval);
    let hold = |reason, message| Verdict::Hold(reason, message, resync);

    let wish = match &facts.object.wish {
        Ok(wish) => wish,
        Err(error) => {
            return hold(
                Reason::InvalidSpec,
                format!("{error}. Correct the manifest; nothing is done until then."),
            );
        }
    };
    let gates = match &wish.gates {
        Ok(gates) => gates,
        Err(error) => {
            return hold(
                Reason::InvalidSpec,
                format!("{error}. Correct the manifest; nothing is started until then."),
            );
        }
    };
    if let Some(why) = &facts.standing.not_allowed {
        return hold(Reason::NotAllowed, why.clone());
    }
    if let Some(owner) = &facts.standing.owner {
        return hold(
            Reason::ClusterConflict,
            format!(
                "The older ClusterUpgrade {owner} owns cluster {} in {} of account {}. Delete one of the two; deleting touches nothing in EKS.",
                wish.target.name, wish.target.region, wish.target.account_id
            ),
        );
    }
    if let Some(error) = facts.observed.failure() {
        let wake = trouble::wake(facts, error);
        return match trouble::outcome(facts, error) {
            Outcome::Say(reason, message) => Verdict::Hold(reason, message, wake),
            Outcome::Keep | Outcome::Silent => Verdict::Keep(wake),
        };
    }
    let Some(Ok(view)) = &facts.observed.cluster else {
        return Verdict::Ask(Read::Cluster);
    };
    let seen = match cluster::judge(facts, wish, view) {
        Ok(seen) => seen,
        Err((reason, message)) => return hold(reason, message),
    };
    if seen.version == wish.version {
        return hold(Reason::UpToDate, up_to_date(facts, wish, seen));
    }
    let Some(Ok(updates)) = &facts.observed.updates else {
        return Verdict::Ask(Read::Updates);
    };
    if seen.version < wish.version {
        let hop = Hop::up(wish, seen.version);
        return one_hop(facts, wish, gates, view, updates, seen, hop);
    }
    above(facts, wish, gates, view, updates, seen)
}

/// The cluster is newer than asked for: it stays so, unless the manifest permits this very rollback.
fn above(
    facts: &Facts<'_>,
    wish: &Wish,
    gates: &Gates,
    view: &ClusterView,
    updates: &[UpdateView],
    seen: Seen,
) -> Verdict {
    let asked = rollback::by_manifest(wish, seen);
    // Somebody began it already: which update it undoes is no longer the question.
    if let Some(hop) = asked
        && let Some(ours) = elsewhere::running_hop(updates, hop)
    {
        return Verdict::Adopt(ours.clone(), hop);
    }
    match (asked, rollback::objection(facts, wish, seen, updates)) {
        (Some(hop), None) => one_hop(facts, wish, gates, view, updates, seen, hop),
        (_, Some(message)) => Verdict::Hold(
            Reason::ClusterAheadOfSpec,
            message,
            Wake::After(facts.settings.resync_interval),
        ),
        // An objection there is wherever the manifest does not ask.
        (None, None) => Verdict::Keep(Wake::After(facts.settings.resync_interval)),
    }
}

/// Whether this hop may start, by everything that can stand in its way.
fn one_hop(
    facts: &Facts<'_>,
    wish: &Wish,
    gates: &Gates,
    view: &ClusterView,
    updates: &[UpdateView],
    seen: Seen,
    hop: Hop,
) -> Verdict {
    let resync = Wake::After(facts.settings.resync_interval);
    let request = RetryRequest::of(facts.object, facts.now);
    let elsewhere = elsewhere::look(facts, wish, hop, updates, &request);
    match elsewhere {
        Elsewhere::OurHop(update) => return Verdict::Adopt(update, hop),
        Elsewhere::Ended(update, reason, message) => {
            return Verdict::Record(update, reason, message, sooner(facts, &request));
        }
        Elsewhere::Busy(_) | Elsewhere::Free => {}
    }
    if wish.suspend {
        let path = if hop.is_rollback() {
            vec![hop.to]
        } else {
            say::path(hop.from, wish.version)
        };
        let planned: Vec<_> = path.iter().map(ToString::to_string).collect();
        let way = if hop.is_rollback() { "back" } else { "on" };
        return Verdict::Hold(
            Reason::Suspended,
            format!(
                "Suspended at {}: nothing is started. Set spec.suspend to false to go {way} to {}.",
                hop.from,
                planned.join(", ")
            ),
            resync,
        );
    }
    let Some(Ok(offered)) = &facts.observed.versions else {
        return Verdict::Ask(Read::Versions);
    };
    if let Some(message) = unsupported(offered, wish, hop) {
        return Verdict::Hold(Reason::UnsupportedVersion, message, resync);
    }
    if let Elsewhere::Busy(message) = elsewhere {
        return Verdict::Hold(
            Reason::WaitingForCluster,
            message,
            Wake::After(facts.settings.poll_interval),
        );
    }
    if !seen.is_active {
        let message = format!(
            "EKS reports cluster {} as {}; the {} from {} to {} starts when it is ACTIVE.",
            wish.target.name,
            view.status,
            say::noun(hop.kind()),
            hop.from,
            hop.to
        );
        return Verdict::Hold(
            Reason::WaitingForCluster,
            message,
            Wake::After(facts.settings.poll_interval),
        );
    }
    // An open intent has its place already.
    let is_first_send = !facts
        .memory
        .update
        .as_ref()
        .is_some_and(Update::is_open_intent);
    if let Some(at) = facts.object.settled_at
        && is_first_send
        && at > facts.now
    {
        let message = format!(
            "The spec changed lately; the {} from {} to {} starts at {} unless it changes again (--settle).",
            say::noun(hop.kind()),
            hop.from,
            hop.to,
            shown(at)
        );
        return Verdict::Hold(Reason::Queued, message, Wake::After(until(facts.now, at)));
    }
    if let Some(most) = facts.standing.queued_behind
        && is_first_send
    {
        let message = format!(
            "As many updates run as may run at a time ({most}, --max-running-updates); the {} from {} to {} starts when one ends, oldest object first.",
            say::noun(hop.kind()),
            hop.from,
            hop.to
        );
        return Verdict::Hold(Reason::Queued, message, resync);
    }
    let timing = Timing::of(facts, gates, view, updates, hop);
    if let Some((reason, message, wake)) = timing.closed(&wish.target.name, hop) {
        return Verdict::Hold(reason, message, wake);
    }
    if hop.is_rollback() {
        match rollback_gate::look(facts, wish, view, offered, hop) {
            Gate::Open => {}
            Gate::Ask(read) => return Verdict::Ask(read),
            Gate::Closed(reason, message, wake) => return Verdict::Hold(reason, message, wake),
            Gate::Wait(wake) => return Verdict::Keep(wake),
        }
    } else {
        let question = Question {
            facts,
            wish,
            gates,
            view,
            hop,
            earliest: Some(facts.now),
        };
        match preflight::look(&question, is_first_send) {
            Preflight::Open => {}
            Preflight::Ask(part, since) => return Verdict::Ask(Read::Evidence(part, since)),
            Preflight::Closed(reason, message, wake) => {
                return Verdict::Hold(reason, message, wake);
            }
            Preflight::Wait(wake) => return Verdict::Keep(wake),
        }
    }
    if let Some(refused) = refusal::refused(facts, wish, hop, &request) {
        return refused;
    }
    if is_first_send && remember::next_attempt(facts.memory).is_none() {
        let message = format!(
            "status.attempts has reached {}, so no attempt is left for cluster {}: with a used number EKS would answer for an old request. Nothing is started. Delete this object and create it again; deleting touches nothing in EKS.",
            u32::MAX,
            wish.target.name
        );
        return Verdict::Hold(Reason::RequestRejected, message, resync);
    }
    Verdict::Start(hop)
}

/// The resync interval, or less where a retry annotation becomes valid before.
fn sooner(facts: &Facts<'_>, request: &RetryRequest) -> Wake {
    let resync = facts.settings.resync_interval;
    Wake::After(match request {
        RetryRequest::From(at) => resync.min(until(facts.now, *at)),
        RetryRequest::None | RetryRequest::Since(_) | RetryRequest::Malformed(_) => resync,
    })
}

/// Why EKS would refuse a version on the path, by what it offers.
fn unsupported(offered: &[OfferedVersion], wish: &Wish, hop: Hop) -> Option<String> {
    let mut known: Vec<Minor> = offered
        .iter()
        .filter(|offer| offer.status != "UNSUPPORTED")
        .map(|offer| offer.version)
        .collect();
    known.sort_unstable();
    known.dedup();
    let path = if hop.is_rollback() {
        vec![hop.to]
    } else {
        say::path(hop.from, wish.version)
    };
    let missing = path
        .into_iter()
        .find(|version| known.binary_search(version).is_err())?;
    let listed: Vec<_> = known.iter().map(ToString::to_string).collect();
    let what = if missing == wish.version {
        format!(
            "EKS does not offer Kubernetes {missing} in {}",
            wish.target.region
        )
    } else {
        format!(
            "The way from {} to {} leads over {missing}, which EKS does not offer in {}",
            hop.from, wish.version, wish.target.region
        )
    };
    let offers = if listed.is_empty() {
        "no version at all".to_owned()
    } else {
        listed.join(", ")
    };
    Some(format!(
        "{what}; it offers {offers}. Set spec.version to one that can be reached, or wait: it is looked at again by itself."
    ))
}
