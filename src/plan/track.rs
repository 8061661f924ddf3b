//! An accepted update, followed by its id until the hop is done.

use jiff::{SignedDuration, Timestamp};

use crate::api::{ClusterUpgradeStatus, Minor, Reason, RollbackTimeout, Update, UpdateStatus};
use crate::eks::{EksError, Progress, UpdateView};

use super::cluster::Seen;
use super::decision::{Decision, Outcome, Wake};
use super::elsewhere;
use super::facts::{Facts, Settings};
use super::poll::next_look;
use super::remember::{self, refreshed};
use super::retry::RetryRequest;
use super::time::after;
use super::{LOOK_AFTER_SEND, VERSION_ROLLBACK, cancel, cluster, consider, say, trouble};

/// Whether an update in status is followed: it runs, or it succeeded and the hop is not known to be done.
pub fn is_followed(memory: &ClusterUpgradeStatus, update: &Update) -> bool {
    let is_closed = || memory.history.iter().any(|past| past.id == update.id);
    update.is_running()
        || (update.id.is_some() && update.status == Some(UpdateStatus::Successful) && !is_closed())
}

/// Follows an update.
pub fn follow(facts: &Facts<'_>, update: &Update) -> Decision {
    if let Some(error) = facts.observed.failure() {
        return unseen(facts, update, error);
    }
    match &facts.observed.tracked {
        None => unreachable(facts, update),
        Some(Err(_)) => vanished(facts, update),
        Some(Ok(view)) => match view.status {
            Progress::InProgress | Progress::Other(_) => running(facts, update, view),
            Progress::Successful => successful(facts, update, view),
            Progress::Failed | Progress::Cancelled => ended(facts, update, view),
        },
    }
}

/// When the update began, by EKS's clock, else by ours.
pub fn began(update: &Update) -> Option<Timestamp> {
    update.created_at.or(update.requested_at)
}

/// After how long an update is called overdue: a rollback once EKS should have given up on it.
pub fn overdue_after(update: &Update, settings: &Settings) -> SignedDuration {
    if update.kind == VERSION_ROLLBACK {
        update
            .timeout
            .unwrap_or(RollbackTimeout::DEFAULT)
            .duration()
    } else {
        settings.overdue_after
    }
}

/// Whether a running update has taken longer than updates usually do. Nothing follows from it but that it is said.
pub fn is_overdue(update: &Update, settings: &Settings, now: Timestamp) -> bool {
    let limit = overdue_after(update, settings);
    update.is_running() && began(update).is_some_and(|at| now >= after(at, limit))
}

/// Whether the cluster shows what `update` leads to, or what comes after it.
pub fn is_reached(update: &Update, seen: Seen) -> bool {
    let is_there = if update.kind == VERSION_ROLLBACK {
        seen.version <= update.to_version
    } else {
        seen.version >= update.to_version
    };
    seen.is_active && is_there
}

/// What is said about a running update.
fn sentence(facts: &Facts<'_>, memory: &ClusterUpgradeStatus, update: &Update) -> String {
    let is_suspended = facts.object.wish.as_ref().is_ok_and(|wish| wish.suspend);
    let overdue = is_overdue(update, facts.settings, facts.now)
        .then(|| overdue_after(update, facts.settings).as_mins());
    say::running(&say::cluster(facts), memory, update, is_suspended, overdue)
}

fn poll(facts: &Facts<'_>) -> Wake {
    Wake::After(facts.settings.poll_interval)
}

/// When to look at a running update again. Where EKS does not say when it began, its age by our own clock will do.
fn next(facts: &Facts<'_>, update: &Update) -> Wake {
    let poll = facts.settings.poll_interval;
    let age = began(update).map(|at| facts.now.duration_since(at));
    Wake::After(age.map_or(poll, |age| {
        next_look(facts.durations.of(&update.kind), age, poll)
    }))
}

fn running(facts: &Facts<'_>, update: &Update, view: &UpdateView) -> Decision {
    let mut memory = refreshed(facts);
    let update = Update {
        status: Some(remember::status_of(&view.status)),
        created_at: view.created_at.or(update.created_at),
        ..update.clone()
    };
    let message = sentence(facts, &memory, &update);
    let course = cancel::course(facts, &update, view);
    if let Some(decision) = cancel::decide(facts, &memory, &update, &message, course) {
        return decision;
    }
    let wake = next(facts, &update);
    memory.update = Some(update);
    Decision::say(memory, Reason::Updating, message, wake)
}

/// EKS is done with it; the hop is done when DescribeCluster agrees.
fn successful(facts: &Facts<'_>, update: &Update, view: &UpdateView) -> Decision {
    let mut memory = refreshed(facts);
    let update = Update {
        status: Some(UpdateStatus::Successful),
        created_at: view.created_at.or(update.created_at),
        finished_at: update.finished_at.or_else(|| Some(facts.answered_at())),
        ..update.clone()
    };
    let seen = cluster::healthy(facts);
    let is_settled = match seen {
        Some(seen) if is_reached(&update, seen) => true,
        // Something newer happens or happened to the cluster: waiting for this one would wait for ever.
        Some(_) => superseded(facts, &update),
        // Replaced, failed, or of another kind: the hop is over, and what is wrong is said next.
        None => facts.observed.cluster.is_some(),
    };
    if !is_settled {
        let message = format!(
            "EKS reports the {} from {} to {} as successful ({}); it is waited for the cluster to show {} and be ACTIVE.",
            say::noun(&update.kind),
            update.from_version,
            update.to_version,
            say::named(&update),
            update.to_version
        );
        memory.update = Some(update);
        return Decision::say(
            memory,
            Reason::Updating,
            message,
            Wake::After(facts.settings.poll_interval),
        );
    }
    remember::into_history(&mut memory, update.clone());
    let to = update.to_version;
    let message = done(&memory, &update);
    memory.update = Some(update);
    if seen.is_some_and(|seen| {
        facts
            .object
            .wish
            .as_ref()
            .is_ok_and(|wish| wish.version == to && seen.version == to)
    }) {
        // Nothing follows: what is said about an idle object is said at once.
        return consider::decide(&Facts {
            memory: &memory,
            ..facts.clone()
        });
    }
    Decision::say(memory, Reason::Updating, message, Wake::Now)
}

fn done(memory: &ClusterUpgradeStatus, update: &Update) -> String {
    let rest: Vec<Minor> = memory
        .path
        .iter()
        .copied()
        .filter(|version| *version > update.to_version)
        .collect();
    let next = rest
        .first()
        .map_or_else(String::new, |version| format!("; {version} is next"));
    let did = if update.kind == VERSION_ROLLBACK {
        "Rolled back"
    } else {
        "Upgraded"
    };
    format!(
        "{did} from {} to {} ({}){next}.",
        update.from_version,
        update.to_version,
        say::named(update)
    )
}

/// Whether EKS lists a version update that is newer than `update`, or anything else that runs.
fn superseded(facts: &Facts<'_>, update: &Update) -> bool {
    let Some(Ok(updates)) = &facts.observed.updates else {
        return false;
    };
    let is_other = |view: &&UpdateView| Some(&view.id) != update.id.as_ref();
    let newer = elsewhere::newest_version_update(updates)
        .filter(is_other)
        .is_some_and(|view| view.created_at > update.created_at);
    newer || updates.iter().filter(is_other).any(elsewhere::is_running)
}

/// Failed or cancelled: written down; what it means for the next hop is decided next, with the cluster in view.
fn ended(facts: &Facts<'_>, update: &Update, view: &UpdateView) -> Decision {
    let mut memory = refreshed(facts);
    let update = Update {
        status: Some(remember::status_of(&view.status)),
        created_at: view.created_at.or(update.created_at),
        finished_at: update.finished_at.or_else(|| Some(facts.answered_at())),
        errors: remember::details(&view.errors),
        ..update.clone()
    };
    let (reason, message) =
        elsewhere::told(facts, &update, &RetryRequest::of(facts.object, facts.now));
    remember::into_history(&mut memory, update.clone());
    memory.update = Some(update);
    Decision::say(memory, reason, message, Wake::Now)
}

/// EKS could not be asked. A running update stays `Updating`, unless its cluster is gone.
fn unseen(facts: &Facts<'_>, update: &Update, error: &EksError) -> Decision {
    let wake = trouble::wake(facts, error);
    match trouble::outcome(facts, error) {
        Outcome::Say(Reason::ClusterNotFound, message) => {
            Decision::say(refreshed(facts), Reason::ClusterNotFound, message, wake)
        }
        Outcome::Say(_, why) => out_of_sight(facts, update, &why, wake),
        Outcome::Keep | Outcome::Silent => Decision::keep(facts.memory, wake),
    }
}

/// Nothing may be asked on this object's behalf, so the update runs on unseen.
fn unreachable(facts: &Facts<'_>, update: &Update) -> Decision {
    let wake = Wake::After(facts.settings.resync_interval);
    match trouble::unreachable(facts) {
        Some(why) => out_of_sight(facts, update, &why, wake),
        None => Decision::keep(facts.memory, Wake::Now),
    }
}

fn out_of_sight(facts: &Facts<'_>, update: &Update, why: &str, wake: Wake) -> Decision {
    let memory = refreshed(facts);
    let message = format!(
        "{} How far it is cannot be seen. {}",
        sentence(facts, &memory, update),
        say::sentence(why)
    );
    Decision::say(memory, Reason::Updating, message, wake)
}

/// EKS does not know the id. It may only lag; once it cannot, the update is lost.
fn vanished(facts: &Facts<'_>, update: &Update) -> Decision {
    let listed = match &facts.observed.updates {
        Some(Ok(updates)) => updates
            .iter()
            .any(|view| Some(&view.id) == update.id.as_ref()),
        _ => false,
    };
    let may_lag = began(update).is_none_or(|at| facts.now < after(at, LOOK_AFTER_SEND));
    let is_gone = facts.observed.cluster.is_some() && !cluster::is_meant(facts);
    let mut memory = refreshed(facts);
    if !is_gone && (listed || may_lag) {
        let message = format!(
            "{} EKS does not show this update at the moment; it is looked for.",
            sentence(facts, &memory, update)
        );
        return Decision::say(memory, Reason::Updating, message, poll(facts));
    }
    memory.update = Some(Update {
        status: Some(UpdateStatus::Lost),
        finished_at: Some(facts.now),
        ..update.clone()
    });
    // What it means for the next hop is decided with the cluster in view.
    consider::decide(&Facts {
        memory: &memory,
        ..facts.clone()
    })
}
