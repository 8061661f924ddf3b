//! Whether a hop may start now, and if not, why not: everything that is looked at while nothing of ours is open or runs.
//!
//! The order of the checks is the precedence of the reasons.

use crate::api::{Minor, Reason, Update};
use crate::eks::{ClusterView, OfferedVersion, UpdateView};

use super::cluster::{self, Seen};
use super::decision::{Decision, Outcome, Wake};
use super::elsewhere::{self, Elsewhere};
use super::facts::Facts;
use super::remember::{self, refreshed};
use super::retry::RetryRequest;
use super::time::{shown, until};
use super::wish::Wish;
use super::{intent, refusal, say, trouble};

/// One minor up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The version before.
    pub from: Minor,
    /// The version after.
    pub to: Minor,
    /// Whether EKS's readiness insights are overridden.
    pub force: bool,
}

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
                "EKS already upgrades the cluster from {} to {} ({}); it is followed{}.",
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
        Verdict::Hold(reason, message, wake) => Decision::say(memory, reason, message, wake),
        Verdict::Keep(wake) => Decision::keep(facts.memory, wake),
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
        return Verdict::Keep(Wake::Now);
    };
    let seen = match cluster::judge(facts, wish, view) {
        Ok(seen) => seen,
        Err((reason, message)) => return hold(reason, message),
    };
    above_or_at(facts, wish, seen).unwrap_or_else(|| below(facts, wish, view, seen))
}

/// What is said when there is no hop to make.
fn above_or_at(facts: &Facts<'_>, wish: &Wish, seen: Seen) -> Option<Verdict> {
    let resync = Wake::After(facts.settings.resync_interval);
    if seen.version == wish.version {
        let message = format!(
            "Cluster {} runs Kubernetes {}, as asked for.",
            wish.target.name, seen.version
        );
        return Some(Verdict::Hold(Reason::UpToDate, message, resync));
    }
    if seen.version > wish.version {
        let message = format!(
            "Cluster {} runs {}, newer than spec.version {}; nothing is rolled back. If {} is right, set spec.version to \"{}\".",
            wish.target.name, seen.version, wish.version, seen.version, seen.version
        );
        return Some(Verdict::Hold(Reason::ClusterAheadOfSpec, message, resync));
    }
    None
}

/// The cluster is older than asked for.
fn below(facts: &Facts<'_>, wish: &Wish, view: &ClusterView, seen: Seen) -> Verdict {
    let resync = Wake::After(facts.settings.resync_interval);
    let request = RetryRequest::of(facts.object, facts.now);
    let hop = Hop {
        from: seen.version,
        to: seen.version.next(),
        force: wish.force_for(seen.version.next()),
    };
    let Some(Ok(updates)) = &facts.observed.updates else {
        return Verdict::Keep(Wake::Now);
    };
    let elsewhere = elsewhere::look(facts, wish, hop, updates, &request);
    match elsewhere {
        Elsewhere::OurHop(update) => return Verdict::Adopt(update, hop),
        Elsewhere::Ended(update, reason, message) => {
            return Verdict::Record(update, reason, message, sooner(facts, &request));
        }
        Elsewhere::Busy(_) | Elsewhere::Free => {}
    }
    if wish.suspend {
        let path = say::path(hop.from, wish.version);
        let planned: Vec<_> = path.iter().map(ToString::to_string).collect();
        return Verdict::Hold(
            Reason::Suspended,
            format!(
                "Suspended at {}: nothing is started. Set spec.suspend to false to go on to {}.",
                hop.from,
                planned.join(", ")
            ),
            resync,
        );
    }
    let Some(Ok(offered)) = &facts.observed.versions else {
        return Verdict::Keep(Wake::Now);
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
            "EKS reports cluster {} as {}; the upgrade from {} to {} starts when it is ACTIVE.",
            wish.target.name, view.status, hop.from, hop.to
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
            "The spec changed lately; the upgrade from {} to {} starts at {} unless it changes again (--settle).",
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
            "As many updates run as may run at a time ({most}, --max-running-updates); the upgrade from {} to {} starts when one ends, oldest object first.",
            hop.from, hop.to
        );
        return Verdict::Hold(Reason::Queued, message, resync);
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
    let missing = say::path(hop.from, wish.version)
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
