//! Drives one object as the controller does: read, decide, write, send, take the answer in.

use std::collections::VecDeque;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, Minor, Reason};
use eks_upgrade_operator::controller::status_of;
use eks_upgrade_operator::eks::{CancelRequest, EksError, ErrorKind, Target, VersionRequest};
use eks_upgrade_operator::plan::{
    Action, Decision, Durations, Facts, Gates, Object, Observed, Outcome, Sent, Settings, Standing,
    Trouble, Wake, Wish, answered, cancel_answered, decide, next_reads,
};
use jiff::{SignedDuration, Timestamp};

use super::eks::{FakeEks, Fate, error};

#[derive(Clone, Debug)]
pub struct World {
    pub object: Object,
    pub memory: ClusterUpgradeStatus,
    pub standing: Standing,
    pub settings: Settings,
    pub eks: FakeEks,
    pub now: Timestamp,
    pub trouble: Option<Trouble>,
    pub refusals: Option<Trouble>,
    pub durations: Durations,
    /// What becomes of the next sends.
    pub fates: VecDeque<Fate>,
    /// Every request that left.
    pub sent: Vec<VersionRequest>,
    /// Every cancellation that left.
    pub cancels: Vec<CancelRequest>,
    /// The reasons said and the versions sent, each change once.
    pub told: Vec<String>,
    pub last_wake: Wake,
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

pub fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

pub fn wish(version: &str) -> Wish {
    Wish {
        target: Target {
            account_id: "111122223333".to_owned(),
            region: "eu-central-1".to_owned(),
            name: "devel".to_owned(),
            role_arn: None,
            external_id: None,
        },
        version: version.parse().unwrap(),
        forced: None,
        rollback: None,
        gates: Ok(Gates::default()),
        suspend: false,
    }
}

impl World {
    /// An object that asks for `to`, for a cluster at `from`.
    pub fn new(from: &str, to: &str) -> Self {
        Self {
            object: Object {
                name: "team/devel".to_owned(),
                uid: "uid-1".to_owned(),
                generation: 1,
                deleting: false,
                retry_requested_at: None,
                wish: Ok(wish(to)),
                settled_at: None,
            },
            memory: ClusterUpgradeStatus::default(),
            standing: Standing::default(),
            settings: Settings::default(),
            eks: FakeEks::at(from),
            now: "2026-11-23T12:00:00Z".parse().unwrap(),
            trouble: None,
            refusals: None,
            durations: Durations::default(),
            fates: VecDeque::new(),
            sent: Vec::new(),
            cancels: Vec::new(),
            told: Vec::new(),
            last_wake: Wake::Now,
        }
    }

    /// Changes the spec.
    pub fn edit(&mut self, change: impl FnOnce(&mut Wish)) {
        change(self.object.wish.as_mut().unwrap());
        self.object.generation += 1;
    }

    /// Changes what the spec says of checks and times.
    pub fn gate(&mut self, change: impl FnOnce(&mut Gates)) {
        self.edit(|wish| change(wish.gates.as_mut().unwrap()));
    }

    /// Sets the retry annotation to a time relative to now.
    pub fn annotate(&mut self, from_now: SignedDuration) {
        self.object.retry_requested_at = Some((self.now + from_now).to_string());
    }

    pub fn facts<'a>(&'a self, observed: &'a Observed) -> Facts<'a> {
        Facts {
            object: &self.object,
            memory: &self.memory,
            standing: &self.standing,
            observed,
            trouble: self.trouble,
            refusals: self.refusals,
            durations: self.durations,
            settings: &self.settings,
            now: self.now,
        }
    }

    /// Asks EKS all that has to be known.
    pub fn observe(&mut self) -> Observed {
        self.eks.pass(self.now);
        let mut observed = Observed::default();
        let mut reads = 0;
        loop {
            let together = next_reads(&self.facts(&observed));
            if together.is_empty() {
                break;
            }
            for read in together {
                reads += 1;
                assert!(reads <= 20, "asks again and again: {read:?}");
                self.eks.answer(&read, &mut observed, self.now);
            }
        }
        self.trouble = observed
            .trouble()
            .map(|error| counted(self.trouble, error, self.now));
        observed
    }

    /// One pass.
    pub fn step(&mut self) -> Decision {
        let observed = self.observe();
        let decision = decide(&self.facts(&observed));
        self.take(&decision);
        if let Some(Action::Send(request)) = &decision.action {
            self.told.push(format!("send {}", request.version));
            self.send(request);
        } else if let Some(Action::Cancel(request)) = &decision.action {
            self.told.push(format!("cancel {}", request.update_id));
            self.cancel(request);
        } else if decision.wake != Wake::Now && decision.outcome != Outcome::Keep {
            let again = decide(&self.facts(&observed));
            assert_eq!(
                again.memory, self.memory,
                "status changes though nothing did"
            );
            // It may leave what was said as it is.
            assert!(
                again.outcome == decision.outcome || again.outcome == Outcome::Keep,
                "says something else each time: {:?} after {:?}",
                again.outcome,
                decision.outcome
            );
        }
        decision
    }

    fn send(&mut self, request: &VersionRequest) {
        if self.leaves() {
            self.sent.push(request.clone());
        }
        let Some(sent) = self.deliver(|eks, now| eks.send(request, now)) else {
            return;
        };
        if let Sent::NotAccepted(error) = &sent {
            self.refusals = Some(counted(self.refusals, error, self.now));
        }
        let answer = answered(&self.memory, &sent, &self.settings, self.now);
        assert_eq!(answer.action, None);
        self.take(&answer);
    }

    fn cancel(&mut self, request: &CancelRequest) {
        if self.leaves() {
            self.cancels.push(request.clone());
        }
        let Some(sent) = self.deliver(|eks, now| eks.cancel(request, now)) else {
            return;
        };
        let answer = cancel_answered(&self.memory, &sent);
        assert_eq!(answer.action, None);
        self.take(&answer);
    }

    /// Whether the next request leaves the process.
    fn leaves(&self) -> bool {
        !matches!(self.fates.front(), Some(Fate::CrashBefore | Fate::Dropped))
    }

    /// What comes back of a request, by its fate; nothing to a process that has died.
    fn deliver(&mut self, request: impl Fn(&mut FakeEks, Timestamp) -> Sent) -> Option<Sent> {
        let lost = Sent::NotAccepted(error(ErrorKind::Unavailable));
        Some(match self.fates.pop_front() {
            None => request(&mut self.eks, self.now),
            Some(Fate::AnswerLost) => {
                request(&mut self.eks, self.now);
                lost
            }
            Some(Fate::RequestLost) => lost,
            Some(Fate::Error(error)) => Sent::NotAccepted(error),
            Some(Fate::Dropped) => Sent::Dropped,
            Some(Fate::CrashBefore) => {
                self.crash();
                return None;
            }
            Some(Fate::CrashAfter) => {
                request(&mut self.eks, self.now);
                self.crash();
                return None;
            }
        })
    }

    /// The process is gone, and what it knew.
    fn crash(&mut self) {
        self.trouble = None;
        self.refusals = None;
        self.last_wake = Wake::Now;
    }

    /// Writes status and says what is to be said.
    fn take(&mut self, decision: &Decision) {
        self.memory = status_of(decision, self.object.generation, self.now);
        self.last_wake = decision.wake;
        if let Outcome::Say(reason, message) = &decision.outcome {
            assert_readable(*reason, message);
            let said = self
                .told
                .iter()
                .rev()
                .find(|line| !line.starts_with("send"));
            if said.map(String::as_str) != Some(reason.as_str()) {
                self.told.push(reason.as_str().to_owned());
            }
        }
    }

    /// Sleeps until the next look.
    pub fn sleep(&mut self) {
        match self.last_wake {
            Wake::Now => {}
            Wake::After(wait) => {
                assert!(wait.is_positive(), "looks again without a pause");
                self.now = self.now.checked_add(wait).unwrap();
            }
            Wake::Exactly(wait) => self.now = self.now.checked_add(wait.max(seconds(1))).unwrap(),
            Wake::OnChange => self.now = self.now.checked_add(minutes(10)).unwrap(),
        }
    }

    /// Passes until nothing is left to do at this time; at most a handful follow from each other.
    pub fn settle(&mut self) -> Decision {
        for _ in 0..8 {
            let decision = self.step();
            if self.last_wake != Wake::Now {
                return decision;
            }
        }
        panic!("never comes to rest: {:?}", self.told);
    }

    /// Runs for a while.
    pub fn run(&mut self, duration: SignedDuration) {
        let end = self.now + duration;
        loop {
            self.settle();
            let before = self.now;
            self.sleep();
            if self.now >= end {
                self.now = end.max(before);
                self.settle();
                return;
            }
        }
    }

    /// Runs for a while in which neither status nor what is said may change, and nothing is sent.
    pub fn stays(&mut self, reason: Reason, duration: SignedDuration) {
        self.settle();
        assert_eq!(self.reason(), reason.as_str(), "{}", self.message());
        let (memory, sent) = (self.memory.clone(), self.sent.len());
        self.run(duration);
        // Whether the last upgrade can be undone is read again now and then, and for seven days.
        let rollback = self.memory.rollback.clone();
        assert_eq!(self.memory, ClusterUpgradeStatus { rollback, ..memory });
        assert_eq!(self.sent.len(), sent, "something was sent");
    }

    pub fn reason(&self) -> &str {
        &self.memory.conditions[0].reason
    }

    pub fn message(&self) -> &str {
        &self.memory.conditions[0].message
    }

    /// The last update in status.
    pub fn update(&self) -> &eks_upgrade_operator::api::Update {
        self.memory.update.as_ref().unwrap()
    }

    /// What EKS accepted, as `version@attempt's token`, has no two of one token.
    pub fn accepted(&self) -> Vec<String> {
        self.eks
            .updates
            .iter()
            .map(|update| {
                format!(
                    "{} {}",
                    update.view.kind,
                    update.view.to_version.clone().unwrap_or_default()
                )
            })
            .collect()
    }

    /// Somebody else starts an update.
    pub fn foreign(&mut self, kind: &str, to: Option<&str>) -> String {
        let to = to.map(|to| to.parse::<Minor>().unwrap());
        self.eks.pass(self.now);
        let view = self.eks.accept(kind, to, None, self.now);
        self.eks.pass(self.now);
        view.id
    }

    /// The status is gone, as after a restore of the object without it.
    pub fn lose_status(&mut self) {
        self.memory = ClusterUpgradeStatus::default();
        self.crash();
    }
}

/// Counts a failure as the controller does.
fn counted(before: Option<Trouble>, error: &EksError, now: Timestamp) -> Trouble {
    let same = before.filter(|run| run.kind == error.kind);
    Trouble {
        kind: error.kind,
        in_a_row: before.map_or(0, |run| run.in_a_row) + 1,
        of_kind: same.map_or(0, |run| run.of_kind) + 1,
        since: same.map_or(now, |run| run.since),
    }
}

/// What every message must be.
pub fn assert_readable(reason: Reason, message: &str) {
    assert!(!message.is_empty(), "{reason} says nothing");
    assert!(message.len() < 32_768, "{reason}: {} bytes", message.len());
    assert!(
        message.ends_with(['.', ')']),
        "{reason} ends oddly: {message}"
    );
    for slip in ["..", ". .", "  ", "{", " ,", ".;", ": :"] {
        assert!(!message.contains(slip), "{reason} has {slip:?}: {message}");
    }
}
