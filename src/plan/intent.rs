//! Open intents: asked for, and whether EKS accepted is not known. It is looked before anything is sent again.

use jiff::SignedDuration;

use crate::api::{ClusterUpgradeStatus, Reason, Update, UpdateStatus};
use crate::eks::{UpdateView, VersionRequest};

use super::consider::{self, Hop, Verdict, refreshed};
use super::decision::{Action, Decision, Outcome, Wake};
use super::facts::Facts;
use super::time::{after, backoff, shown, until};
use super::token::TokenParts;
use super::{CLOCK_TOLERANCE, LOOK_AFTER_SEND, VERSION_UPDATE, say, trouble};

/// Writes the intent for a hop, whose first send follows the write.
pub fn start(facts: &Facts<'_>, mut memory: ClusterUpgradeStatus, hop: Hop) -> Decision {
    let (Ok(wish), Some(cluster)) = (&facts.object.wish, &memory.cluster) else {
        return Decision::keep(facts.memory, Wake::Now);
    };
    let attempt = memory.attempts.unwrap_or(0).saturating_add(1);
    let Hop { from, to, force } = hop;
    let client_request_token = TokenParts {
        uid: &facts.object.uid,
        cluster_arn: &cluster.arn,
        kind: VERSION_UPDATE,
        from,
        to,
        attempt,
        force,
    }
    .token();
    let intent = Update {
        id: None,
        kind: VERSION_UPDATE.to_owned(),
        status: None,
        from_version: from,
        to_version: to,
        for_version: Some(wish.version),
        client_request_token: Some(client_request_token.clone()),
        attempt: Some(attempt),
        sends: Some(1),
        force,
        requested_at: Some(facts.now),
        last_send_at: Some(facts.now),
        created_at: None,
        finished_at: None,
        errors: Vec::new(),
    };
    let forced = if force {
        ", overriding its readiness insights"
    } else {
        ""
    };
    let message = format!(
        "Asking EKS to upgrade cluster {} from {from} to {to}{forced} (attempt {attempt}){}.",
        wish.target.name,
        say::then(&memory.path, to)
    );
    memory.attempts = Some(attempt);
    consider::remember_update(&mut memory, intent);
    Decision {
        action: Some(Action::Send(VersionRequest {
            version: to,
            client_request_token,
            force,
        })),
        memory,
        outcome: Outcome::Say(Reason::Updating, message),
        wake: Wake::Now,
    }
}

/// Looks for what became of an open intent; sends it again only where it would still be started now.
pub fn resolve(facts: &Facts<'_>, intent: &Update) -> Decision {
    let asked = format!(
        "EKS was asked to upgrade from {} to {} (attempt {})",
        intent.from_version,
        intent.to_version,
        intent.attempt.unwrap_or(1)
    );
    if let Some(why) = &facts.standing.not_allowed {
        return unresolved(
            facts,
            &format!("{asked}, but whether it accepted cannot be looked up: {why}"),
            None,
        );
    }
    if let Err(error) = &facts.object.wish {
        return unresolved(
            facts,
            &format!("{asked}, but whether it accepted cannot be looked up: {error}"),
            None,
        );
    }
    if let Some(error) = facts.observed.failure() {
        let wake = trouble::wake(facts, error);
        if trouble::run(facts, error).in_a_row < 3 {
            return Decision::keep(facts.memory, wake);
        }
        let message = format!(
            "{asked}; whether it accepted cannot be looked up: {}. It is tried again by itself",
            say::trouble(error)
        );
        return unresolved(facts, &message, Some(wake));
    }
    // On a cluster that is not the one asked about there is nothing to find.
    let is_same_cluster = consider::healthy(facts).is_some();
    if is_same_cluster
        && let Some(Ok(updates)) = &facts.observed.updates
        && let Some(view) = found(facts.memory, intent, updates)
    {
        return adopt(facts, intent, view);
    }

    let verdict = consider::consider(facts);
    let hop = Hop {
        from: intent.from_version,
        to: intent.to_version,
        force: intent.force,
    };
    match verdict {
        Verdict::Start(wanted) if wanted == hop => repeat(facts, intent),
        Verdict::Keep(wake) => Decision::keep(facts.memory, wake),
        Verdict::Hold(_, why, _) | Verdict::Record(_, _, why, _) => {
            give_up_later(facts, intent, &asked, &why)
        }
        Verdict::Start(_) | Verdict::Adopt(..) | Verdict::Found(_) => {
            give_up_later(facts, intent, &asked, "Something else is asked for by now.")
        }
    }
}

/// The newest update, running or finished, that can be what the intent asked for.
fn found<'a>(
    memory: &ClusterUpgradeStatus,
    intent: &Update,
    updates: &'a [UpdateView],
) -> Option<&'a UpdateView> {
    let not_before = intent.requested_at.map(|at| after(at, -CLOCK_TOLERANCE));
    updates
        .iter()
        .filter(|view| view.kind == intent.kind)
        .filter(|view| view.to_version.as_deref() == Some(intent.to_version.to_string().as_str()))
        .filter(|view| view.created_at.is_some() && view.created_at >= not_before)
        .filter(|view| {
            memory
                .history
                .iter()
                .all(|past| past.id.as_deref() != Some(view.id.as_str()))
        })
        .max_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)))
}

fn adopt(facts: &Facts<'_>, intent: &Update, view: &UpdateView) -> Decision {
    let mut memory = refreshed(facts);
    let message = format!(
        "EKS accepted the upgrade from {} to {} (update {}); it is followed{}.",
        intent.from_version,
        intent.to_version,
        view.id,
        say::then(&memory.path, intent.to_version)
    );
    // Followed as running even where it has finished: what follows an update also writes down how it ended.
    memory.update = Some(Update {
        id: Some(view.id.clone()),
        status: Some(UpdateStatus::InProgress),
        created_at: view.created_at,
        errors: Vec::new(),
        ..intent.clone()
    });
    Decision::say(memory, Reason::Updating, message, Wake::Now)
}

/// Sends again, word for word, when it is time to.
fn repeat(facts: &Facts<'_>, intent: &Update) -> Decision {
    let sends = intent.sends.unwrap_or(1);
    let Some(last_send_at) = intent.last_send_at.or(intent.requested_at) else {
        return Decision::keep(facts.memory, Wake::Now);
    };
    let is_busy = !intent.errors.is_empty();
    let pause = if is_busy {
        backoff(
            SignedDuration::from_secs(10),
            SignedDuration::from_mins(10),
            sends,
        )
    } else {
        backoff(
            SignedDuration::from_secs(1),
            SignedDuration::from_mins(1),
            sends,
        )
    };
    let next = after(last_send_at, pause);
    let mut memory = refreshed(facts);
    let (reason, message) = if is_busy {
        busy(intent)
    } else {
        (
            Reason::Updating,
            format!(
                "EKS was asked to upgrade from {} to {} (attempt {}) and has no such update yet; it is asked again with the same token.",
                intent.from_version,
                intent.to_version,
                intent.attempt.unwrap_or(1)
            ),
        )
    };
    if next > facts.now {
        return Decision::say(memory, reason, message, Wake::After(until(facts.now, next)));
    }
    let Some(client_request_token) = intent.client_request_token.clone() else {
        return Decision::keep(facts.memory, Wake::After(facts.settings.resync_interval));
    };
    memory.update = Some(Update {
        sends: Some(sends.saturating_add(1)),
        last_send_at: Some(facts.now),
        ..intent.clone()
    });
    Decision {
        action: Some(Action::Send(VersionRequest {
            version: intent.to_version,
            client_request_token,
            force: intent.force,
        })),
        memory,
        outcome: Outcome::Say(reason, message),
        wake: Wake::Now,
    }
}

/// What is said while EKS answers that something else works on the cluster.
pub fn busy(intent: &Update) -> (Reason, String) {
    (
        Reason::WaitingForCluster,
        format!(
            "EKS does not take the upgrade from {} to {} yet: {}. It is asked again by itself; nothing needs to be done.",
            intent.from_version,
            intent.to_version,
            say::errors(&intent.errors)
        ),
    )
}

/// Not sent again. Closed once the last send can no longer have been accepted unseen.
fn give_up_later(facts: &Facts<'_>, intent: &Update, asked: &str, why: &str) -> Decision {
    let last_send_at = intent
        .last_send_at
        .or(intent.requested_at)
        .unwrap_or(facts.now);
    let until_then = after(last_send_at, LOOK_AFTER_SEND);
    if facts.now < until_then {
        let message = format!(
            "{asked} and has no such update so far. It is not asked again, since: {why} It is looked for until {}",
            shown(until_then)
        );
        return unresolved(facts, &message, None);
    }
    let mut memory = refreshed(facts);
    memory.update = Some(Update {
        status: Some(UpdateStatus::NotSent),
        finished_at: Some(facts.now),
        ..intent.clone()
    });
    Decision::say(
        memory,
        Reason::Updating,
        format!("{asked}, never accepted it, and is not asked again. {why}"),
        Wake::Now,
    )
}

fn unresolved(facts: &Facts<'_>, message: &str, wake: Option<Wake>) -> Decision {
    Decision::say(
        refreshed(facts),
        Reason::Updating,
        format!("{message}."),
        wake.unwrap_or(Wake::After(facts.settings.poll_interval)),
    )
}
