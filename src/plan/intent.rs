//! Open intents: asked for, and whether EKS accepted is not known. It is looked before anything is sent again.

use jiff::{SignedDuration, Timestamp};

use crate::api::{ClusterUpgradeStatus, Minor, Reason, Update, UpdateStatus};
use crate::eks::{UpdateView, VersionRequest};

use super::consider::{self, Verdict};
use super::decision::{Action, Decision, Outcome, Wake};
use super::facts::Facts;
use super::hop::Hop;
use super::remember::{self, refreshed};
use super::time::{after, backoff, shown, until};
use super::token::TokenParts;
use super::{
    CLOCK_TOLERANCE, LOOK_AFTER_SEND, SEND_WITHIN, cluster, elsewhere, refusal, say, trouble,
};

/// Writes the intent for a hop, whose first send follows the write.
pub fn start(facts: &Facts<'_>, mut memory: ClusterUpgradeStatus, hop: Hop) -> Decision {
    let attempt = remember::next_attempt(&memory);
    let (Ok(wish), Some(cluster), Some(attempt)) = (&facts.object.wish, &memory.cluster, attempt)
    else {
        return Decision::keep(facts.memory, Wake::Now);
    };
    let kind = hop.kind();
    let Hop {
        from,
        to,
        force,
        timeout,
    } = hop;
    let after = last_known(facts);
    let client_request_token = TokenParts {
        uid: &facts.object.uid,
        cluster_arn: &cluster.arn,
        kind,
        from,
        to,
        nth: attempt.saturating_sub(remember::last_accepted_attempt(&memory)),
        after: after.as_deref(),
        force,
        timeout,
    }
    .token();
    let intent = Update {
        id: None,
        kind: kind.to_owned(),
        status: None,
        from_version: from,
        to_version: to,
        for_version: Some(wish.version),
        client_request_token: Some(client_request_token.clone()),
        attempt: Some(attempt),
        sends: Some(1),
        force,
        timeout,
        requested_at: Some(facts.now),
        last_send_at: Some(facts.now),
        created_at: None,
        finished_at: None,
        errors: Vec::new(),
        cancel: None,
    };
    let forced = if force {
        ", overriding its readiness insights"
    } else {
        ""
    };
    let message = format!(
        "Asking EKS to {} from {from} to {to}{forced} (attempt {attempt}){}.",
        say::to_do(kind, &format!("cluster {}", wish.target.name)),
        say::then(&memory.path, to)
    );
    memory.attempts = Some(attempt);
    // What it said is over once this begins.
    memory.rollback = None;
    pass_over(facts, &mut memory, &intent, hop);
    remember::remember_update(&mut memory, intent);
    let said = if refusal::is_repeated(facts, hop) {
        // Made again after a refusal: what is said stays until EKS answers otherwise.
        Decision::keep(&memory, Wake::Now)
    } else {
        Decision::say(memory, Reason::Updating, message, Wake::Now)
    };
    Decision {
        action: Some(Action::Send(VersionRequest {
            version: to,
            client_request_token,
            force,
            rollback_timeout: timeout,
        })),
        ..said
    }
}

/// The id of the last version update of the cluster, by EKS's list and by what status knows beyond it.
fn last_known(facts: &Facts<'_>) -> Option<String> {
    let listed = match &facts.observed.updates {
        Some(Ok(updates)) => elsewhere::newest_version_update(updates),
        _ => None,
    };
    let listed = listed.map(|view| (view.created_at, view.id.clone()));
    let known = remember::newest(facts.memory)
        .and_then(|update| Some((update.created_at, update.id.clone()?)));
    listed.max(known).map(|(_, id)| id)
}

/// Writes down what EKS lists already and could be taken for the answer to `intent`, so that it is not: a person has
/// permitted to pass over it.
fn pass_over(facts: &Facts<'_>, memory: &mut ClusterUpgradeStatus, intent: &Update, hop: Hop) {
    let Some(Ok(updates)) = &facts.observed.updates else {
        return;
    };
    let mut listed: Vec<_> = updates
        .iter()
        .filter(|view| remember::known(memory, &view.id).is_none() && answers(intent, view))
        .collect();
    listed.sort_by_key(|view| elsewhere::age(view));
    for view in listed {
        remember::into_history(memory, remember::recorded(facts, hop, view));
    }
}

/// Whether the send that `memory` announces may still begin at `now`.
///
/// Counted from the decision, not from the write: a process that freezes between the two writes under guard what it
/// decided on a list that is long out of date, and EKS may have forgotten the token by then.
pub fn may_begin(memory: &ClusterUpgradeStatus, action: &Action, now: Timestamp) -> bool {
    let update = memory.update.as_ref();
    let announced = match action {
        Action::Send(_) => update.and_then(|update| update.last_send_at),
        Action::Cancel(_) => update
            .and_then(|update| update.cancel.as_ref())
            .map(|cancel| cancel.last_send_at),
    };
    announced.is_some_and(|at| now.duration_since(at).abs() <= SEND_WITHIN)
}

/// Looks for what became of an open intent; sends it again only where it would still be started now.
pub fn resolve(facts: &Facts<'_>, intent: &Update) -> Decision {
    let resync = Wake::After(facts.settings.resync_interval);
    if let Some(why) = trouble::unreachable(facts) {
        return unresolved(facts, intent, &why, resync);
    }
    if let Some(error) = facts.observed.failure() {
        let wake = trouble::wake(facts, error);
        return match trouble::outcome(facts, error) {
            Outcome::Say(Reason::ClusterNotFound, message) => {
                Decision::say(refreshed(facts), Reason::ClusterNotFound, message, wake)
            }
            Outcome::Say(_, why) => unresolved(facts, intent, &why, wake),
            Outcome::Keep | Outcome::Silent => Decision::keep(facts.memory, wake),
        };
    }
    if let Some(view) = found(facts, intent) {
        return adopt(facts, intent, view);
    }
    match consider::consider(facts) {
        Verdict::Start(wanted) if Some(wanted) == Hop::of(intent) => {
            match &intent.client_request_token {
                Some(token) => repeat(facts, intent, token),
                None => give_up_later(
                    facts,
                    intent,
                    Reason::Updating,
                    "Status has lost its token, so that it cannot be asked again.",
                ),
            }
        }
        Verdict::Ask(_) => Decision::keep(facts.memory, Wake::Now),
        Verdict::Keep(wake) => Decision::keep(facts.memory, wake),
        Verdict::Hold(reason, why, _) | Verdict::Record(_, reason, why, _) => {
            give_up_later(facts, intent, reason, &why)
        }
        Verdict::Start(_) | Verdict::Adopt(..) => give_up_later(
            facts,
            intent,
            Reason::Updating,
            "Something else is asked for by now.",
        ),
    }
}

/// The update by which EKS answered an earlier send of an intent whose last repetition it refused.
pub fn accepted_before_refusal<'a>(
    facts: &'a Facts<'_>,
    update: &Update,
) -> Option<&'a UpdateView> {
    let is_refused = update.status == Some(UpdateStatus::Refused) && update.id.is_none();
    if !is_refused || update.sends.unwrap_or(1) < 2 {
        return None;
    }
    found(facts, update)
}

/// The newest update, running or finished, that can be what the intent asked for. On another cluster there is none.
fn found<'a>(facts: &'a Facts<'_>, intent: &Update) -> Option<&'a UpdateView> {
    let Some(Ok(updates)) = &facts.observed.updates else {
        return None;
    };
    if !cluster::is_meant(facts) {
        return None;
    }
    updates
        .iter()
        .filter(|view| {
            let mut history = facts.memory.history.iter();
            history.all(|past| past.id.as_ref() != Some(&view.id)) && answers(intent, view)
        })
        .max_by_key(|view| elsewhere::age(view))
}

/// Whether an update can be what the intent asked for, as far as one tells from it alone. One that runs can whatever the
/// clocks say: had it run before, it would have been adopted and not asked for.
fn answers(intent: &Update, view: &UpdateView) -> bool {
    let not_before = intent.requested_at.map(|at| after(at, -CLOCK_TOLERANCE));
    let is_late_enough = view.created_at.is_some() && view.created_at >= not_before;
    view.kind == intent.kind
        && say::version_of(view) == Some(intent.to_version)
        && (is_late_enough || elsewhere::is_running(view))
}

/// Follows the update that answers an intent.
pub fn adopt(facts: &Facts<'_>, intent: &Update, view: &UpdateView) -> Decision {
    let mut memory = refreshed(facts);
    let message = format!(
        "EKS accepted the {} from {} to {} (update {}); it is followed{}.",
        say::noun(&intent.kind),
        intent.from_version,
        intent.to_version,
        view.id,
        say::then(&memory.path, intent.to_version)
    );
    // Followed as running even where it has finished: what follows an update also writes down how it ended.
    memory.update = Some(Update {
        for_version: tried_for(facts, intent),
        id: Some(view.id.clone()),
        status: Some(UpdateStatus::InProgress),
        created_at: view.created_at,
        finished_at: None,
        errors: Vec::new(),
        ..intent.clone()
    });
    Decision::say(memory, Reason::Updating, message, Wake::Now)
}

/// What an intent counts as a try of, when it is repeated or its update found: what the spec says by now, so that an edit
/// made before is no permission to try once more. Where the force flag differs by now, no edit tells what was tried: only
/// the annotation permits another try then.
fn tried_for(facts: &Facts<'_>, intent: &Update) -> Option<Minor> {
    match &facts.object.wish {
        Ok(wish) => {
            let permit = wish.rollback.as_ref();
            let is_same_rollback = intent
                .timeout
                .is_none_or(|timeout| permit.is_none_or(|permit| permit.timeout == timeout));
            let is_same = is_same_rollback && wish.force_for(intent.to_version) == intent.force;
            is_same.then_some(wish.version)
        }
        Err(_) => intent.for_version,
    }
}

/// Sends again, word for word, when it is time to.
fn repeat(facts: &Facts<'_>, intent: &Update, token: &str) -> Decision {
    let sends = intent.sends.unwrap_or(1);
    let is_busy = is_busy(intent);
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
    let next = last_send_at(intent)
        // A time to come was written by a clock that was wrong: waiting for it could take hours.
        .filter(|last| *last <= facts.now)
        .map_or(facts.now, |last| after(last, pause));
    let mut memory = refreshed(facts);
    let (reason, message) = if is_busy {
        busy(intent)
    } else {
        (
            Reason::Updating,
            format!(
                "{} and shows no such update yet; it is asked again with the same token.",
                asked(intent)
            ),
        )
    };
    if next > facts.now {
        return Decision::say(memory, reason, message, Wake::After(until(facts.now, next)));
    }
    memory.update = Some(Update {
        for_version: tried_for(facts, intent),
        sends: Some(sends.saturating_add(1)),
        last_send_at: Some(facts.now),
        ..intent.clone()
    });
    Decision {
        action: Some(Action::Send(VersionRequest {
            version: intent.to_version,
            client_request_token: token.to_owned(),
            force: intent.force,
            rollback_timeout: intent.timeout,
        })),
        ..Decision::say(memory, reason, message, Wake::Now)
    }
}

/// What is said while EKS answers that something else works on the cluster.
pub fn busy(intent: &Update) -> (Reason, String) {
    (
        Reason::WaitingForCluster,
        format!(
            "EKS is busy with the cluster and does not take the {} from {} to {} yet: {}. This may be work of its own that no list shows. It is asked again by itself; nothing needs to be done.",
            say::noun(&intent.kind),
            intent.from_version,
            intent.to_version,
            say::errors(&intent.errors)
        ),
    )
}

/// Whether EKS's last answer was that something else works on the cluster: the only error that an open intent keeps.
fn is_busy(intent: &Update) -> bool {
    !intent.errors.is_empty()
}

/// When it was sent last, or after that where only its end is known.
pub fn last_send_at(intent: &Update) -> Option<Timestamp> {
    intent
        .last_send_at
        .or(intent.requested_at)
        .or(intent.finished_at)
}

/// Until when an update that answers a send of `intent` may still turn up in EKS's list.
pub fn may_turn_up_until(facts: &Facts<'_>, intent: &Update) -> Timestamp {
    let last = last_send_at(intent).map_or(facts.now, |last| last.min(facts.now));
    after(last, LOOK_AFTER_SEND)
}

/// Not sent again. Closed once the last send can no longer have been accepted unseen.
fn give_up_later(facts: &Facts<'_>, intent: &Update, reason: Reason, why: &str) -> Decision {
    let end = may_turn_up_until(facts, intent);
    let poll = Wake::After(facts.settings.poll_interval);
    if facts.now >= end {
        let mut closed = facts.memory.clone();
        closed.update = Some(Update {
            status: Some(UpdateStatus::NotSent),
            finished_at: Some(facts.now),
            ..intent.clone()
        });
        return consider::decide(&Facts {
            memory: &closed,
            ..facts.clone()
        });
    }
    let mut memory = refreshed(facts);
    // Where no time was written, or one to come, the wait begins now.
    memory.update = Some(Update {
        last_send_at: Some(last_send_at(intent).map_or(facts.now, |last| last.min(facts.now))),
        ..intent.clone()
    });
    if is_busy(intent) && reason == Reason::WaitingForCluster {
        return Decision::say(memory, reason, why, poll);
    }
    let message = format!(
        "{} and shows no such update. It is not asked again, but looked for until {}. {why}",
        asked(intent),
        shown(end)
    );
    Decision::say(memory, Reason::Updating, message, poll)
}

/// Whether EKS accepted cannot be looked up.
fn unresolved(facts: &Facts<'_>, intent: &Update, why: &str, wake: Wake) -> Decision {
    let message = format!(
        "{}; whether it accepted cannot be looked up. {}",
        asked(intent),
        say::sentence(why)
    );
    Decision::say(refreshed(facts), Reason::Updating, message, wake)
}

fn asked(intent: &Update) -> String {
    format!(
        "EKS was asked to {} from {} to {} (attempt {})",
        say::to_do(&intent.kind, "the cluster"),
        intent.from_version,
        intent.to_version,
        intent.attempt.unwrap_or(1)
    )
}
