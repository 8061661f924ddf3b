//! Whether a hop may start now, and if not, why not: everything that is looked at while nothing of ours is open or runs.
//!
//! The order of the checks is the precedence of the reasons.

use jiff::SignedDuration;

use crate::api::{ClusterUpgradeStatus, Minor, ObservedCluster, Reason, Update, UpdateStatus};
use crate::eks::{ClusterView, ErrorKind, UpdateView};

use super::decision::{Decision, Outcome, Wake};
use super::elsewhere::{self, Elsewhere};
use super::facts::Facts;
use super::intent;
use super::read::{Seen, upgradable};
use super::retry::{self, RetryRequest};
use super::say;
use super::time::{after, shown, until};
use super::trouble;
use super::wish::Wish;

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
    /// An update that was taken for lost is listed after all.
    Found(Box<Update>),
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
            let message = format!(
                "EKS already upgrades the cluster from {} to {} (update {}, started outside this object); it is followed{}.",
                hop.from,
                hop.to,
                view.id,
                say::then(&memory.path, hop.to)
            );
            remember_update(&mut memory, adopted(facts, &view, hop));
            Decision::say(memory, Reason::Updating, message, Wake::Now)
        }
        Verdict::Record(update, reason, message, wake) => {
            remember_update(&mut memory, *update);
            Decision::say(memory, reason, message, wake)
        }
        Verdict::Found(update) => {
            let message = format!(
                "EKS lists {} after all; it is followed.",
                say::named(&update)
            );
            memory.update = Some(*update);
            Decision::say(memory, Reason::Updating, message, Wake::Now)
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
    let seen = match standing_of(facts, wish, view) {
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
    if let Some(verdict) = lost(facts, wish, hop, updates, &request) {
        return verdict;
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
    if let Some(message) = unsupported(facts, wish, hop) {
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
    if let Some(at) = facts.object.settled_at.filter(|at| *at > facts.now) {
        let message = format!(
            "The spec changed lately; the upgrade from {} to {} starts at {} unless it changes again (--settle).",
            hop.from,
            hop.to,
            shown(at)
        );
        return Verdict::Hold(Reason::Queued, message, Wake::After(until(facts.now, at)));
    }
    if let Some(most) = facts.standing.queued_behind {
        let message = format!(
            "As many updates run as may run at a time ({most}, --max-running-updates); the upgrade from {} to {} starts when one ends, oldest object first.",
            hop.from, hop.to
        );
        return Verdict::Hold(Reason::Queued, message, resync);
    }
    refused(facts, wish, hop, &request).unwrap_or(Verdict::Start(hop))
}

/// The resync interval, or less where a retry annotation becomes valid before.
fn sooner(facts: &Facts<'_>, request: &RetryRequest) -> Wake {
    let resync = facts.settings.resync_interval;
    Wake::After(match request {
        RetryRequest::From(at) => resync.min(until(facts.now, *at)),
        RetryRequest::None | RetryRequest::Since(_) | RetryRequest::Malformed(_) => resync,
    })
}

/// Checks that the cluster is the one meant, and one that EKS upgrades.
fn standing_of(
    facts: &Facts<'_>,
    wish: &Wish,
    view: &ClusterView,
) -> Result<Seen, (Reason, String)> {
    let target = &wish.target;
    let found = elsewhere::arn_place(&view.arn);
    if found
        != Some((
            target.region.as_str(),
            target.account_id.as_str(),
            target.name.as_str(),
        ))
    {
        return Err((
            Reason::ClusterReplaced,
            format!(
                "EKS answered for {}, but the manifest names cluster {} in {} of account {}. The credentials reach another account: set spec.roleArn to a role of account {}, or correct spec.cluster in a new object.",
                view.arn, target.name, target.region, target.account_id, target.account_id
            ),
        ));
    }
    if let Some(pinned) = &facts.memory.cluster {
        let recreated =
            matches!((pinned.created_at, view.created_at), (Some(then), Some(now)) if then != now);
        if pinned.arn != view.arn || recreated {
            return Err((
                Reason::ClusterReplaced,
                format!(
                    "This object was made for the cluster {} created at {}; the one that answers now is {}, created at {}. Nothing is done to it. If it is meant, delete this object and create it again.",
                    pinned.arn,
                    pinned
                        .created_at
                        .map_or_else(|| "an unknown time".to_owned(), shown),
                    view.arn,
                    view.created_at
                        .map_or_else(|| "an unknown time".to_owned(), shown)
                ),
            ));
        }
    }
    if view.status == "FAILED" {
        return Err((
            Reason::ClusterFailed,
            format!(
                "EKS reports cluster {} as FAILED and takes no update. See its health issues (aws eks describe-cluster) and AWS support; it is looked at again by itself.",
                target.name
            ),
        ));
    }
    let version = upgradable(view.hosting, &view.version).map_err(|why| {
        (
            Reason::UnsupportedCluster,
            format!(
                "EKS does not upgrade cluster {}: {why}. Delete this object; EKS is not touched.",
                target.name
            ),
        )
    })?;
    Ok(Seen {
        version,
        is_active: view.status == "ACTIVE",
    })
}

/// The cluster as described just now, if it is the one meant and nothing is wrong with it.
pub fn healthy(facts: &Facts<'_>) -> Option<Seen> {
    let wish = facts.object.wish.as_ref().ok()?;
    let view = facts.observed.cluster.as_ref()?.as_ref().ok()?;
    standing_of(facts, wish, view).ok()
}

/// Why EKS would refuse a version on the path, by what it offers.
fn unsupported(facts: &Facts<'_>, wish: &Wish, hop: Hop) -> Option<String> {
    let Some(Ok(offered)) = &facts.observed.versions else {
        return None;
    };
    let mut known: Vec<Minor> = offered
        .iter()
        .filter(|offer| offer.status != "UNSUPPORTED")
        .map(|offer| offer.version)
        .collect();
    known.sort_unstable();
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
    Some(format!(
        "{what}; it offers {}. Set spec.version to one of these, or wait: it is looked at again by itself.",
        if listed.is_empty() {
            "nothing".to_owned()
        } else {
            listed.join(", ")
        }
    ))
}

/// An update that EKS had accepted and then no longer knew.
fn lost(
    facts: &Facts<'_>,
    wish: &Wish,
    hop: Hop,
    updates: &[UpdateView],
    request: &RetryRequest,
) -> Option<Verdict> {
    let update = facts.memory.update.as_ref()?;
    if update.status != Some(UpdateStatus::Lost) || update.to_version != hop.to {
        return None;
    }
    if updates
        .iter()
        .any(|view| Some(&view.id) == update.id.as_ref())
    {
        let found = Update {
            status: Some(UpdateStatus::InProgress),
            finished_at: None,
            ..update.clone()
        };
        return Some(Verdict::Found(Box::new(found)));
    }
    if retry::permitted(update, wish, hop.to, request) {
        return None;
    }
    Some(Verdict::Hold(
        Reason::UpdateLost,
        format!(
            "EKS accepted {} of cluster {} from {} to {} and no longer knows it; the cluster is at {}. Look at the cluster's updates in EKS. {}{}",
            say::named(update),
            wish.target.name,
            update.from_version,
            update.to_version,
            hop.from,
            say::how_to_retry(),
            request.remark()
        ),
        sooner(facts, request),
    ))
}

/// A request for this hop that EKS refused. Nothing was started, so it is tried again by itself, spaced out.
fn refused(facts: &Facts<'_>, wish: &Wish, hop: Hop, request: &RetryRequest) -> Option<Verdict> {
    let update = facts.memory.update.as_ref()?;
    let same = (update.from_version, update.to_version) == (hop.from, hop.to);
    if update.status != Some(UpdateStatus::Refused)
        || !same
        || retry::permitted(update, wish, hop.to, request)
    {
        return None;
    }
    let kind = update
        .errors
        .first()
        .and_then(|error| ErrorKind::of_code(&error.error_code))
        .unwrap_or(ErrorKind::Rejected);
    let resync = facts.settings.resync_interval;
    let closed = update.finished_at.unwrap_or(facts.now);
    let next = |wait: SignedDuration| until(facts.now, after(closed, wait));
    let said = say::errors(&update.errors);
    let what = format!(
        "EKS refused to upgrade cluster {} from {} to {}: {said}.",
        wish.target.name, hop.from, hop.to
    );

    let (outcome, wait) = match kind {
        ErrorKind::InvalidState => (
            Outcome::Say(
                Reason::PreflightFailed,
                format!(
                    "{what} Upgrade-readiness insights block it: see aws eks list-insights --cluster-name {}. Mend what they name, or accept it for this hop with spec.force (version \"{}\" and a reason).{}",
                    wish.target.name,
                    hop.to,
                    request.remark()
                ),
            ),
            next(resync),
        ),
        ErrorKind::AccessDenied | ErrorKind::CredentialsRefused | ErrorKind::ClockSkew => {
            let run = trouble::refusals(facts, kind, closed);
            let (reason, remedy) = if kind == ErrorKind::AccessDenied {
                (
                    Reason::AccessDenied,
                    "Allow eks:UpdateClusterVersion on the cluster (a condition on eks:kubernetesVersion may deny one version only); it is tried again by itself.",
                )
            } else {
                (
                    Reason::CredentialsUnavailable,
                    "Check the identity's source and the operator's clock; it is tried again by itself.",
                )
            };
            let wait = if trouble::iam_may_still_spread(facts, run) {
                trouble::IAM_RETRY.min(resync)
            } else {
                resync
            };
            (trouble::iam(facts, run, reason, &what, remedy), next(wait))
        }
        ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::InUse
        | ErrorKind::InvalidParameter
        | ErrorKind::Rejected
        | ErrorKind::NotFound
        | ErrorKind::CredentialsMissing => (
            Outcome::Say(
                Reason::RequestRejected,
                format!(
                    "{what} Nothing was started. Remove the cause; it is tried again every {} minutes by itself.{}",
                    (resync.as_secs() / 60).max(1),
                    request.remark()
                ),
            ),
            next(resync),
        ),
    };
    if wait.is_zero() {
        return None;
    }
    Some(match outcome {
        Outcome::Say(reason, message) => Verdict::Hold(reason, message, Wake::After(wait)),
        Outcome::Keep | Outcome::Silent => Verdict::Keep(Wake::After(wait)),
    })
}

/// The memory with what EKS said about the cluster, and the path from there.
pub fn refreshed(facts: &Facts<'_>) -> ClusterUpgradeStatus {
    let mut memory = facts.memory.clone();
    memory.observed_generation = Some(facts.object.generation);
    let Ok(wish) = &facts.object.wish else {
        return memory;
    };
    if let Some(Ok(view)) = &facts.observed.cluster
        && standing_of(facts, wish, view)
            .map_or_else(|(reason, _)| reason != Reason::ClusterReplaced, |_| true)
    {
        let ClusterView {
            arn,
            created_at,
            version,
            platform_version,
            status,
            hosting: _,
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
        .map(|version| say::path(version, wish.version))
        .unwrap_or_default();
    memory
}

/// Puts `update` in the place of the last one. An update that has an id is not dropped: it goes into the history.
pub fn remember_update(memory: &mut ClusterUpgradeStatus, update: Update) {
    if let Some(last) = memory.update.take()
        && last.id.is_some()
        && last.id != update.id
    {
        elsewhere::into_history(memory, last);
    }
    if update.id.is_some()
        && update
            .status
            .as_ref()
            .is_some_and(|status| !status.is_running())
    {
        elsewhere::into_history(memory, update.clone());
    }
    memory.update = Some(update);
}

/// What status remembers of an update that this object did not ask for.
fn adopted(facts: &Facts<'_>, view: &UpdateView, hop: Hop) -> Update {
    Update {
        id: Some(view.id.clone()),
        kind: view.kind.clone(),
        status: Some(elsewhere::status_of(&view.status)),
        from_version: hop.from,
        to_version: hop.to,
        for_version: facts.object.wish.as_ref().ok().map(|wish| wish.version),
        client_request_token: None,
        attempt: None,
        sends: None,
        force: hop.force,
        requested_at: None,
        last_send_at: None,
        created_at: view.created_at,
        finished_at: None,
        errors: Vec::new(),
    }
}
