//! A decision that was carried out is not asked for again.

use std::collections::BTreeSet;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, UpdateStatus};
use eks_upgrade_operator::eks::{ErrorKind, Progress, UpdateError, UpdateView, VersionRequest};
use eks_upgrade_operator::plan::{
    Decision, Evidence, Outcome, Reading, Sent, Wake, answered, cancel_answered,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::crowded::calm;
use super::super::descending;
use super::super::eks::error;
use super::super::owned::{Owned, cancels, sent};
use super::{cases, facts};

/// Facts by which something is sent, and what is sent.
pub fn sending() -> impl Strategy<Value = (Owned, Decision, VersionRequest)> {
    prop_oneof![2 => sends(calm()), 1 => rolling_back()]
}

/// Facts by which a rollback is sent.
pub fn rolling_back() -> impl Strategy<Value = (Owned, Decision, VersionRequest)> {
    sends(descending::calm()).prop_filter("leads up", |(_, _, request)| {
        request.rollback_timeout.is_some()
    })
}

fn sends(
    facts: impl Strategy<Value = Owned> + 'static,
) -> impl Strategy<Value = (Owned, Decision, VersionRequest)> {
    facts
        .prop_filter_map("nothing is sent", |owned| {
            let decision = owned.decide();
            let request = sent(&decision)?.clone();
            // Clocks differ by five minutes at most.
            let requested = decision.memory.update.as_ref()?.requested_at?;
            let is_sane = requested <= owned.now + SignedDuration::from_mins(5);
            is_sane.then_some((owned, decision, request))
        })
        .boxed()
}

fn progress() -> impl Strategy<Value = Progress> {
    select(vec![
        Progress::InProgress,
        Progress::Other("Cancelling".to_owned()),
        Progress::Successful,
        Progress::Failed,
        Progress::Cancelled,
    ])
}

/// The update that EKS made of a request.
fn made(owned: &Owned, request: &VersionRequest, status: Progress) -> UpdateView {
    let errors = if status == Progress::Failed {
        vec![UpdateError {
            code: "IpNotAvailable".to_owned(),
            message: "Too few free addresses.".to_owned(),
            resource_ids: vec!["subnet-1".to_owned()],
        }]
    } else {
        Vec::new()
    };
    // It is the newest by EKS's clock, whatever ours says.
    let listed = owned.listed().into_iter().flatten();
    let listed = listed.map(|view| view.created_at);
    let known = owned.remembered().map(|update| update.created_at);
    let newest = listed.chain(known).flatten().max();
    let after_newest = newest.map(|at| at + SignedDuration::from_secs(1));
    UpdateView {
        id: "made".to_owned(),
        kind: if request.rollback_timeout.is_some() {
            "VersionRollback".to_owned()
        } else {
            "VersionUpdate".to_owned()
        },
        status,
        to_version: Some(request.version.to_string()),
        created_at: after_newest.max(Some(owned.now)),
        errors,
        cancellation: None,
    }
}

/// EKS shows `view`: to who asks for it, and in its list where that does not lag.
fn show(owned: &mut Owned, view: &UpdateView, is_listed: bool) {
    owned.observed.tracked = Some(Ok(view.clone()));
    if let Some(Ok(updates)) = &mut owned.observed.updates {
        let before = updates.len();
        updates.retain(|other| other.id != view.id);
        // What is listed once stays listed, and is described as it is.
        if is_listed || updates.len() < before {
            updates.push(view.clone());
        }
    }
    if view.status == Progress::Successful
        && let Some(Ok(cluster)) = &mut owned.observed.cluster
    {
        cluster.version = view.to_version.clone().unwrap_or_default();
    }
}

/// The same answer, given at `now`.
fn later_by<T>(reading: Option<&mut Reading<T>>, now: Timestamp) {
    if let Some(reading) = reading {
        reading.at = now;
    }
}

/// No annotation permits a try of what happens from now on, and the spec is what it was when the request was made.
fn without_permission(mut owned: Owned) -> Owned {
    owned.object.retry_requested_at = None;
    if let (Some(update), Ok(wish)) = (&mut owned.memory.update, &owned.object.wish) {
        update.for_version = Some(wish.version);
    }
    owned
}

proptest! {
    #![proptest_config(cases(1000))]

    /// Killed after the write: at no time is anything sent but the same request again, spaced out, and counted each time.
    #[test]
    fn an_announced_send_is_only_repeated((owned, decision, request) in sending(), waits in proptest::collection::vec(0_i64..1500, 1..12)) {
        let mut later = Owned { memory: decision.memory.clone(), ..owned };
        prop_assert_eq!(later.decide().action, None, "at once");
        let mut sends = decision.memory.update.as_ref().and_then(|update| update.sends).unwrap_or(0);
        for wait in waits {
            later.now += SignedDuration::from_secs(wait);
            let before = later.open_intent().cloned();
            let next = later.decide();
            if let Some(again) = sent(&next) {
                prop_assert_eq!(again, &request);
                let intent = next.memory.update.as_ref().unwrap();
                prop_assert_eq!(intent.sends, Some(sends + 1));
                let pause = later.now.duration_since(before.and_then(|intent| intent.last_send_at).unwrap());
                prop_assert!(pause >= SignedDuration::from_secs(1), "{pause} after the last send");
                prop_assert_eq!(next.memory.attempts, decision.memory.attempts);
                sends += 1;
            }
            later.memory = next.memory;
        }
    }

    /// A request that EKS does not answer is made again, until it is answered or not wanted any more.
    #[test]
    fn an_unanswered_send_is_repeated((owned, decision, request) in sending()) {
        let mut later = Owned { memory: decision.memory, ..owned.clone() };
        later.now += SignedDuration::from_mins(10);
        // What the checks look at is read anew, and is as it was.
        let Evidence { nodegroups, addons, refresh, insights } = &mut later.observed.evidence;
        later_by(nodegroups.as_mut(), later.now);
        later_by(addons.as_mut(), later.now);
        later_by(insights.as_mut(), later.now);
        later_by(refresh.as_mut(), later.now);
        if let Some(Reading { answer: Ok(view), .. }) = refresh {
            view.ended_at = Some(later.now);
        }
        // The insights are as fresh as they were, and EKS would take the upgrade back still.
        if let Some(Ok(refresh)) = &mut later.observed.refresh {
            refresh.ended_at = Some(later.now);
        }
        let begun = later.listed().into_iter().flatten().map(|view| view.created_at);
        let begun = begun.chain(later.remembered().map(|update| update.created_at)).flatten();
        let window = SignedDuration::from_hours(7 * 24 + 2);
        let expires = begun.map(|at| at + window).find(|end| (owned.now..=later.now).contains(end));
        prop_assume!(request.rollback_timeout.is_none() || expires.is_none());
        let next = later.decide();
        prop_assert_eq!(sent(&next), Some(&request), "{:?}", next.outcome);
    }

    /// Once EKS has accepted: whether the answer arrives or is lost, and whether the list shows it or lags, the update is
    /// followed to its end, and that is that.
    #[test]
    fn an_accepted_update_is_followed_and_not_asked_for_again(
        (owned, decision, request) in sending(),
        courses in proptest::collection::vec((progress(), any::<bool>(), 1_i64..600), 1..5),
        is_answered in any::<bool>(),
        is_killed in any::<bool>(),
    ) {
        let mut later = without_permission(Owned { memory: decision.memory, ..owned });
        let view = made(&later, &request, Progress::InProgress);
        if is_answered {
            let answer = answered(&later.memory, &Sent::Accepted(view.clone()), &later.settings, later.now);
            later.memory = answer.memory;
        } else if !is_killed {
            let lost = Sent::NotAccepted(error(ErrorKind::Unavailable));
            later.memory = answered(&later.memory, &lost, &later.settings, later.now).memory;
        }
        let mut view = view;
        for (progress, is_listed, wait) in courses {
            let has_ended = !matches!(view.status, Progress::InProgress | Progress::Other(_));
            if !has_ended {
                view.status = progress;
                view.errors = made(&later, &request, view.status.clone()).errors;
            }
            // EKS forgets no token before the list shows the update: without an answer it has to be listed by now.
            show(&mut later, &view, is_listed || !is_answered);
            later.now += SignedDuration::from_secs(wait);
            for _ in 0..4 {
                let next = later.decide();
                if let Some(other) = sent(&next) {
                    prop_assert!(other.version > request.version, "sent again: {other:?}");
                    prop_assert_eq!(request.rollback_timeout, None, "a rollback was asked for, and {:?} is sent", other);
                    prop_assert_eq!(&view.status, &Progress::Successful);
                    return Ok(());
                }
                later.memory = next.memory;
                prop_assert!(later.remembered().any(|update| update.id.as_deref() == Some("made")));
            }
        }
        // What status says of it at the end is what EKS says.
        let known = later.remembered().find(|update| update.id.as_deref() == Some("made")).unwrap();
        let expected = match &view.status {
            Progress::InProgress => UpdateStatus::InProgress,
            Progress::Other(word) => UpdateStatus::from(word.clone()),
            Progress::Successful => UpdateStatus::Successful,
            Progress::Failed => UpdateStatus::Failed,
            Progress::Cancelled => UpdateStatus::Cancelled,
        };
        prop_assert_eq!(known.status.as_ref(), Some(&expected));
        prop_assert_eq!(&known.client_request_token, &Some(request.client_request_token));
    }
}

/// An EKS that does what it is sent, in one way, and nothing more.
struct Still {
    fate: Progress,
    accepted: Vec<UpdateView>,
}

impl Still {
    fn send(&mut self, owned: &mut Owned, request: &VersionRequest) -> Sent {
        let view = UpdateView {
            id: format!("made-{}", self.accepted.len()),
            ..made(owned, request, self.fate.clone())
        };
        show(owned, &view, true);
        self.accepted.push(view.clone());
        Sent::Accepted(view)
    }

    /// Cancels, where that is its way; else it is too late.
    fn cancel(&mut self, owned: &mut Owned, id: &str) -> Sent {
        if self.fate != Progress::Cancelled {
            return Sent::NotAccepted(error(ErrorKind::Rejected));
        }
        let Some(Ok(view)) = &owned.observed.tracked else {
            return Sent::NotAccepted(error(ErrorKind::NotFound));
        };
        assert_eq!(view.id, id);
        let view = UpdateView {
            status: Progress::Cancelled,
            ..view.clone()
        };
        show(owned, &view, true);
        self.accepted.retain(|other| other.id != view.id);
        Sent::Accepted(view)
    }

    /// Answers for the update that is followed.
    fn track(&self, owned: &mut Owned) {
        let id = owned
            .memory
            .update
            .as_ref()
            .and_then(|update| update.id.as_ref());
        let of_ours = self.accepted.iter().find(|view| Some(&view.id) == id);
        let listed = owned.listed().into_iter().flatten();
        let view = of_ours.or_else(|| listed.clone().find(|view| Some(&view.id) == id));
        owned.observed.tracked = Some(view.cloned().ok_or_else(|| error(ErrorKind::NotFound)));
    }
}

/// What is written, and what is said.
type Written = (ClusterUpgradeStatus, Outcome);

proptest! {
    #![proptest_config(cases(700))]

    /// Decided again and again against an EKS that does nothing more, every object comes to rest: nothing is sent, the
    /// status stays as it is, and each hop was accepted once, or once more where a person permits it.
    #[test]
    fn everything_comes_to_rest(owned in facts(), fate in progress()) {
        let mut owned = owned.complete();
        // A trouble that lasts is not counted here, so patience would last as well; a queue may last for ever.
        prop_assume!(owned.observed.failure().is_none_or(|error| error.kind == ErrorKind::NotFound));
        if let Some(Err(_)) = &owned.observed.cluster {
            owned.observed.cluster = None;
            owned = owned.complete();
        }
        // No id means two things.
        if let Some(Ok(updates)) = &mut owned.observed.updates {
            updates.sort_by(|one, other| one.id.cmp(&other.id));
            updates.dedup_by(|one, other| one.id == other.id);
        }
        // A person permits another try with an annotation, or has changed the spec since an update was asked for.
        let is_annotated = owned.object.retry_requested_at.is_some();
        let is_for_another = owned.object.wish.as_ref().is_ok_and(|wish| {
            let mut known = owned.remembered();
            known.any(|update| {
                let forced = wish.forced == Some(update.to_version);
                let timeout = wish.rollback.as_ref().map(|permit| permit.timeout);
                let has_other_timeout = update.timeout.is_some() && update.timeout != timeout;
                update.for_version != Some(wish.version) || update.force != forced || has_other_timeout
            })
        });
        let mut eks = Still { fate, accepted: Vec::new() };
        let mut cancelled = BTreeSet::new();
        let end = owned.now + SignedDuration::from_hours(5);
        let (mut at_once, mut rest) = (0, None::<Written>);
        while owned.now < end {
            eks.track(&mut owned);
            let decision = owned.asked().decide();
            owned.memory = decision.memory.clone();
            if let Some(request) = sent(&decision) {
                prop_assert!(eks.accepted.len() < 16, "sends on and on");
                let answer = eks.send(&mut owned, request);
                owned.memory = answered(&owned.memory, &answer, &owned.settings, owned.now).memory;
                rest = None;
                continue;
            }
            if let Some(request) = cancels(&decision) {
                let answer = eks.cancel(&mut owned, &request.update_id);
                owned.memory = cancel_answered(&owned.memory, &answer).memory;
                prop_assert!(cancelled.insert(request.update_id.clone()), "cancels on and on");
                rest = None;
                continue;
            }
            // Whether a rollback is possible is read anew every few hours.
            let now: Written = (
                ClusterUpgradeStatus { rollback: None, ..decision.memory.clone() },
                decision.outcome.clone(),
            );
            at_once = if decision.wake == Wake::Now { at_once + 1 } else { 0 };
            prop_assert!(at_once < 8, "never waits: {now:?}");
            let is_late = owned.now + SignedDuration::from_hours(1) > end;
            if let Some(before) = rest.filter(|_| is_late && decision.outcome != Outcome::Keep) {
                prop_assert_eq!(&now, &before, "still changes");
            }
            rest = Some(now);
            owned.now += match decision.wake {
                Wake::Now => SignedDuration::ZERO,
                Wake::After(wait) | Wake::Exactly(wait) => wait.max(SignedDuration::from_millis(1)),
                Wake::OnChange => break,
            };
        }
        let permitted = usize::from(is_annotated) + usize::from(is_for_another);
        for view in &eks.accepted {
            let same = eks.accepted.iter().filter(|other| other.to_version == view.to_version);
            prop_assert!(same.count() <= 1 + permitted, "{:?}", eks.accepted);
        }
    }
}
