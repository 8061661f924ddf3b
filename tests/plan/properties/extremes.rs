//! Facts at the ends of what can be written down: the first and the last times and numbers, nothing, and far too much.

use eks_upgrade_operator::api::{Cancel, ErrorDetail, Minor, Update};
use eks_upgrade_operator::eks::{Deprecation, EksError, RefreshView, UpdateError, UpdateView};
use eks_upgrade_operator::plan::{
    Evidence, Outcome, Reading, Sent, answered, cancel_answered, is_overdue, may_begin,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::owned::Owned;
use super::{cases, facts};

/// What takes the place of a time, a number or a text where its turn comes.
#[derive(Clone, Debug)]
struct Extremes {
    times: Vec<Timestamp>,
    texts: Vec<String>,
    numbers: Vec<u32>,
    minors: Vec<u16>,
    durations: Vec<SignedDuration>,
    /// Which are taken, one after the other; beyond the end of a list, what was there stays.
    turns: Vec<Index>,
    next: usize,
}

fn extremes() -> impl Strategy<Value = Extremes> {
    proptest::collection::vec(any::<Index>(), 97).prop_map(|turns| Extremes {
        times: vec![Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH],
        texts: vec![
            String::new(),
            "x".repeat(9_000),
            "\u{1f4a5}\u{0}\n".repeat(4_000),
            "arn:aws:eks:::cluster/".to_owned(),
            "1.999".to_owned(),
            "1.0".to_owned(),
        ],
        numbers: vec![0, 1, u32::MAX],
        minors: vec![0, 1, 998, 999],
        durations: vec![
            SignedDuration::MIN,
            SignedDuration::ZERO,
            SignedDuration::MAX,
        ],
        turns,
        next: 0,
    })
}

impl Extremes {
    fn pick<T: Clone>(&mut self, from: impl Fn(&Self) -> &Vec<T>, slot: &mut T) {
        let turn = self.turns[self.next % self.turns.len()];
        self.next += 1;
        let from = from(self);
        if let Some(extreme) = from.get(turn.index(from.len() * 3)) {
            *slot = extreme.clone();
        }
    }

    fn time(&mut self, slot: &mut Timestamp) {
        self.pick(|all| &all.times, slot);
    }

    fn text(&mut self, slot: &mut String) {
        self.pick(|all| &all.texts, slot);
    }

    fn number(&mut self, slot: &mut u32) {
        self.pick(|all| &all.numbers, slot);
    }

    fn minor(&mut self, slot: &mut Minor) {
        let mut number = slot.number();
        self.pick(|all| &all.minors, &mut number);
        *slot = Minor::new(number);
    }

    fn update(&mut self, update: &mut Update) {
        let Update {
            id,
            kind,
            status: _,
            from_version,
            to_version,
            for_version,
            client_request_token,
            attempt,
            sends,
            force: _,
            requested_at,
            last_send_at,
            created_at,
            finished_at,
            errors,
            timeout: _,
            cancel,
        } = update;
        if let Some(Cancel {
            client_request_token,
            status: _,
            sends,
            requested_at,
            last_send_at,
            errors: _,
        }) = cancel
        {
            self.text(client_request_token);
            self.number(sends);
            self.time(requested_at);
            self.time(last_send_at);
        }
        for text in [id, client_request_token].into_iter().flatten() {
            self.text(text);
        }
        self.text(kind);
        self.minor(from_version);
        self.minor(to_version);
        if let Some(minor) = for_version {
            self.minor(minor);
        }
        for number in [attempt, sends].into_iter().flatten() {
            self.number(number);
        }
        for time in [requested_at, last_send_at, created_at, finished_at]
            .into_iter()
            .flatten()
        {
            self.time(time);
        }
        for ErrorDetail {
            error_code,
            error_message,
            resource_ids: _,
        } in errors
        {
            self.text(error_code);
            self.text(error_message);
        }
    }

    fn view(&mut self, view: &mut UpdateView) {
        let UpdateView {
            id,
            kind: _,
            status: _,
            to_version,
            created_at,
            errors,
            cancellation: _,
        } = view;
        self.text(id);
        if let Some(text) = to_version {
            self.text(text);
        }
        if let Some(time) = created_at {
            self.time(time);
        }
        for UpdateError {
            code,
            message,
            resource_ids,
        } in errors
        {
            self.text(code);
            self.text(message);
            resource_ids.resize(100, "subnet-1".to_owned());
        }
    }

    fn error(&mut self, error: &mut EksError) {
        self.text(&mut error.code);
        self.text(&mut error.message);
        if let Some(seconds) = &mut error.clock_behind {
            *seconds = i64::MIN;
        }
    }

    fn evidence(&mut self, evidence: &mut Evidence) {
        let Evidence {
            nodegroups,
            addons,
            refresh,
            insights,
        } = evidence;
        if let Some(Reading { at, answer, .. }) = nodegroups {
            self.time(at);
            match answer {
                Ok(groups) => {
                    let last = groups.last().cloned();
                    groups.extend(last.into_iter().flat_map(|last| vec![last; 100]));
                    for group in groups {
                        self.text(&mut group.name);
                        self.text(&mut group.version);
                    }
                }
                Err(error) => self.error(error),
            }
        }
        if let Some(Reading { at, answer, .. }) = addons {
            self.time(at);
            for addon in answer.iter_mut().flatten() {
                self.text(&mut addon.view.name);
                self.text(&mut addon.view.version);
                self.text(&mut addon.view.status);
                for fit in &mut addon.fits {
                    self.text(&mut fit.version);
                }
                for issue in &mut addon.view.issues {
                    self.text(&mut issue.code);
                    self.text(&mut issue.message);
                }
            }
        }
        if let Some(Reading { at, answer, .. }) = refresh {
            self.time(at);
            if let Ok(view) = answer {
                for time in [&mut view.started_at, &mut view.ended_at]
                    .into_iter()
                    .flatten()
                {
                    self.time(time);
                }
            }
        }
        if let Some(Reading { at, answer, .. }) = insights {
            self.time(at);
            for insight in answer.iter_mut().flatten() {
                self.text(&mut insight.view.id);
                self.text(&mut insight.view.name);
                self.text(&mut insight.view.status);
                self.text(&mut insight.view.reason);
                if let Some(detail) = &mut insight.detail {
                    self.text(&mut detail.recommendation);
                    detail.resources.resize(1_000, "pods/a".to_owned());
                    detail.deprecations = vec![
                        Deprecation {
                            usage: "u".repeat(9_000),
                            replaced_with: Some("\u{1b}".repeat(9_000)),
                            stop_serving_version: Some(String::new()),
                            clients: vec!["c".repeat(9_000); 100],
                        };
                        100
                    ];
                }
            }
        }
    }

    fn facts(&mut self, owned: &mut Owned) {
        let Owned {
            object,
            memory,
            standing,
            observed,
            trouble,
            refusals,
            settings,
            now,
        } = owned;
        self.time(now);
        self.text(&mut object.name);
        self.text(&mut object.uid);
        if let Some(text) = &mut object.retry_requested_at {
            self.text(text);
        }
        if let Some(time) = &mut object.settled_at {
            self.time(time);
        }
        if let Ok(wish) = &mut object.wish {
            self.minor(&mut wish.version);
            if let Some(permit) = &mut wish.rollback {
                self.minor(&mut permit.from);
                self.text(&mut permit.update_id);
            }
        }
        for text in [&mut standing.owner, &mut standing.not_allowed]
            .into_iter()
            .flatten()
        {
            self.text(text);
        }
        for number in [&mut memory.attempts, &mut standing.queued_behind]
            .into_iter()
            .flatten()
        {
            self.number(number);
        }
        for update in memory.update.iter_mut().chain(&mut memory.history) {
            self.update(update);
        }
        for run in [trouble, refusals].into_iter().flatten() {
            self.number(&mut run.in_a_row);
            self.number(&mut run.of_kind);
            self.time(&mut run.since);
        }
        for duration in [
            &mut settings.poll_interval,
            &mut settings.resync_interval,
            &mut settings.overdue_after,
        ] {
            self.pick(|all| &all.durations, duration);
        }
        match &mut observed.tracked {
            Some(Ok(view)) => self.view(view),
            Some(Err(error)) => self.error(error),
            None => {}
        }
        match &mut observed.cluster {
            Some(Ok(view)) => {
                self.text(&mut view.version);
                self.text(&mut view.status);
                if let Some(time) = &mut view.created_at {
                    self.time(time);
                }
            }
            Some(Err(error)) => self.error(error),
            None => {}
        }
        for group in observed.nodegroups.iter_mut().flatten().flatten() {
            self.text(&mut group.name);
            self.text(&mut group.version);
        }
        if let Some(Ok(RefreshView {
            status: _,
            started_at: _,
            ended_at: Some(time),
        })) = &mut observed.refresh
        {
            self.time(time);
        }
        for insight in observed.insights.iter_mut().flatten().flatten() {
            self.text(&mut insight.id);
            self.text(&mut insight.name);
            self.text(&mut insight.status);
            self.text(&mut insight.reason);
        }
        if let Some(known) = &mut memory.rollback {
            self.text(&mut known.update_id);
            self.minor(&mut known.to_version);
            self.time(&mut known.expires_at);
            self.time(&mut known.checked_at);
        }
        if let Some(Ok(view)) = &mut observed.cluster {
            for text in view.hold.iter_mut() {
                self.text(text);
            }
            for issue in &mut view.health {
                self.text(&mut issue.code);
                self.text(&mut issue.message);
                issue.resource_ids.resize(1_000, "sg-1".to_owned());
            }
        }
        for freeze in &mut standing.freezes {
            self.text(&mut freeze.name);
            self.text(&mut freeze.reason);
            for time in [&mut freeze.from, &mut freeze.until].into_iter().flatten() {
                self.time(time);
            }
        }
        if let Ok(Ok(gates)) = object.wish.as_mut().map(|wish| wish.gates.as_mut()) {
            self.pick(|all| &all.durations, &mut gates.bake);
            for waiver in &mut gates.preflight.accepted {
                self.text(&mut waiver.finding);
                self.text(&mut waiver.reason);
                self.minor(&mut waiver.version);
                self.time(&mut waiver.expires);
            }
        }
        self.evidence(&mut observed.evidence);
        match &mut observed.updates {
            Some(Ok(views)) => views.iter_mut().for_each(|view| self.view(view)),
            Some(Err(error)) => self.error(error),
            None => {}
        }
    }
}

proptest! {
    #![proptest_config(cases(800))]

    /// Nothing panics, whatever is said fits into a condition, and what is written can be read again.
    #[test]
    fn everything_is_decided(owned in facts(), extremes in extremes(), fate in select(vec![0, 1, 2])) {
        let (mut owned, mut extremes) = (owned, extremes);
        extremes.facts(&mut owned);
        for facts in [owned.asked(), owned.clone()] {
            let decision = facts.decide();
            prop_assert_eq!(&decision, &facts.decide());
            if let Outcome::Say(reason, message) = &decision.outcome {
                prop_assert!(!message.is_empty() || reason.as_str() == "NotAllowed", "{reason} says nothing");
                prop_assert!(message.len() < 32_768, "{reason} says {} bytes", message.len());
            }
            let shown = decision.memory.preflight.iter().flat_map(|shown| &shown.checks);
            for check in shown {
                prop_assert!(check.message.len() <= 1024 && check.findings.len() <= 16, "{}", check.code);
                for finding in &check.findings {
                    prop_assert!(finding.message.len() <= 1024 && finding.id.len() <= 256);
                    prop_assert!(finding.name.as_ref().is_none_or(|name| name.len() <= 256));
                    let is_plain = |text: &str| !text.contains(char::is_control);
                    prop_assert!(is_plain(&finding.message) && is_plain(&finding.id), "{finding:?}");
                }
            }
            let steps = decision.memory.plan.iter().flat_map(|plan| &plan.steps);
            for gate in steps.flat_map(|step| &step.gates) {
                prop_assert!(gate.message.len() <= 1024, "{} says {} bytes", gate.gate, gate.message.len());
            }
            let text = serde_json::to_string(&decision.memory).unwrap();
            let again = serde_json::from_str(&text).ok();
            prop_assert!(again.as_ref() == Some(&decision.memory), "unreadable: {text:.2000}");
            if let Some(action) = &decision.action {
                may_begin(&decision.memory, action, facts.now);
            }
            if let Some(update) = &decision.memory.update {
                is_overdue(update, &facts.settings, facts.now);
            }
            let sent = match (fate, facts.observed.tracked.clone(), facts.observed.failure()) {
                (0, Some(Ok(view)), _) => Sent::Accepted(view),
                (1, _, Some(error)) => Sent::NotAccepted(error.clone()),
                _ => Sent::Dropped,
            };
            let answer = answered(&decision.memory, &sent, &facts.settings, facts.now);
            prop_assert!(answer.memory.attempts >= owned.memory.attempts);
            cancel_answered(&decision.memory, &sent);
        }
    }
}
