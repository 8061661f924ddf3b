//! One account and region: how fast AWS may be asked there, and who waits for it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::eks::{EksError, ErrorKind};
use crate::store::Key;

use super::bucket::Bucket;
use super::learned::Learned;
use super::urgency::Urgency;

/// The pause after AWS has throttled twice without taking a call in between; each further time doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Calls wait for the end of a pause up to this long. Where it takes longer, what AWS said is the answer: it is for people to
/// see.
const PATIENCE: Duration = Duration::from_secs(2);
/// Whoever waits for the rate has it looked after at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How many calls a second are tried after a pause.
const AFTER_PAUSE: f64 = 2.0;

/// Whose call goes first: a send before all others, then the oldest look's, so that what was begun comes to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) is_other: bool,
    pub(super) look: u64,
    pub(super) nth: u64,
}

/// What a call that waited is told.
pub(super) type Turn = Result<(), EksError>;

/// Looks that wait to begin, the oldest first.
pub(super) type Line = BTreeMap<u64, Waiting>;

/// A look that waits to begin.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) key: Key,
    /// Told whether the turn of the first call comes with it.
    pub(super) begins: oneshot::Sender<bool>,
}

/// What is known of an account and region, and who waits.
#[derive(Debug)]
pub(super) struct Place {
    /// The quota as far as somebody configured it.
    quota: Option<f64>,
    learned: Learned,
    bucket: Bucket,
    /// How often in a row AWS has throttled.
    in_a_row: u32,
    pause: Option<Pause>,
    /// Calls of looks that have begun.
    calls: BTreeMap<Rank, oneshot::Sender<Turn>>,
    lines: HashMap<Urgency, Line>,
    /// How many looks have begun.
    looks: usize,
    /// Until when the rate has grown, while somebody waits because of it.
    short_at: Option<Instant>,
    pub(super) used_at: Instant,
    /// When somebody looks after those who wait.
    pub(super) timer: Option<Instant>,
}

#[derive(Debug)]
struct Pause {
    until: Instant,
    answer: EksError,
}

impl Place {
    pub(super) fn new(quota: Option<f64>, now: Instant) -> Self {
        Self {
            quota,
            learned: Learned::default(),
            bucket: Bucket::new(now),
            in_a_row: 0,
            pause: None,
            calls: BTreeMap::new(),
            lines: HashMap::new(),
            looks: 0,
            short_at: None,
            used_at: now,
            timer: None,
        }
    }

    /// Whether anything of it is needed: looks under way, or waiting.
    pub(super) fn is_in_use(&self) -> bool {
        self.looks > 0 || self.waits()
    }

    fn waits(&self) -> bool {
        !self.calls.is_empty() || self.lines.values().any(|line| !line.is_empty())
    }

    pub(super) fn looks(&self) -> usize {
        self.looks
    }

    /// Calls a second; `None` for any number.
    pub(super) fn per_second(&self) -> Option<f64> {
        match (self.quota, self.learned.per_second()) {
            (Some(quota), Some(learned)) => Some(quota.min(learned)),
            (quota, learned) => quota.or(learned),
        }
    }

    /// What AWS said when it throttled, while nothing is asked for long enough that waiting for it is of no use.
    pub(super) fn refusal(&self, now: Instant) -> Option<EksError> {
        let pause = self.pause.as_ref()?;
        let rest = pause.until.saturating_duration_since(now);
        (rest > PATIENCE).then(|| pause.answer.clone())
    }

    /// Takes a turn, where there is one and nobody is before.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.calls.is_empty() && self.take_next(now)
    }

    fn take_next(&mut self, now: Instant) -> bool {
        self.used_at = now;
        if self.pause.as_ref().is_some_and(|pause| now < pause.until) {
            self.short_at = None;
            return false;
        }
        if let Some(short_at) = self.short_at.take() {
            let waited = now.saturating_duration_since(short_at);
            // Where it was longer, nobody waited any more.
            self.learned.grow(waited.min(LONGEST_WAIT));
        }
        let Some(rate) = self.per_second() else {
            return true;
        };
        self.bucket.fill(rate, now);
        let is_there = self.bucket.take();
        if !is_there || self.calls.len() > 1 || self.lines.values().any(|line| line.len() > 1) {
            self.short_at = Some(now).filter(|_| !is_there || self.bucket.is_empty());
        }
        is_there
    }

    /// Gives a turn back that was not used.
    pub(super) fn give_back(&mut self) {
        if self.per_second().is_some() {
            self.bucket.give_back();
        }
    }

    /// Has a call of a look that has begun wait for its turn.
    pub(super) fn enqueue(&mut self, rank: Rank, turn: oneshot::Sender<Turn>) {
        self.calls.insert(rank, turn);
    }

    /// Has a look wait to begin.
    pub(super) fn line_up(&mut self, urgency: Urgency, number: u64, waiting: Waiting) {
        let line = self.lines.entry(urgency).or_default();
        line.insert(number, waiting);
    }

    /// Takes a look out of its line.
    pub(super) fn step_out(&mut self, urgency: Urgency, number: u64) -> Option<Waiting> {
        self.lines.get_mut(&urgency)?.remove(&number)
    }

    /// The look that is to begin next: of the most urgent line, or whichever waits longest.
    pub(super) fn next_look(&self, by_age: bool) -> Option<(Urgency, u64)> {
        let heads = Urgency::ALL.into_iter().filter_map(|urgency| {
            let (number, _) = self.lines.get(&urgency)?.first_key_value()?;
            Some((urgency, *number))
        });
        if by_age {
            heads.min_by_key(|(_, number)| *number)
        } else {
            heads.min()
        }
    }

    /// A look begins.
    pub(super) fn began(&mut self) {
        self.looks = self.looks.saturating_add(1);
    }

    /// A look has ended.
    pub(super) fn ended(&mut self, now: Instant) {
        self.looks = self.looks.saturating_sub(1);
        self.used_at = now;
    }

    /// Has the calls that wait not made.
    pub(super) fn refuse_calls(&mut self, answer: &EksError) {
        for (_, turn) in std::mem::take(&mut self.calls) {
            // One that no longer waits needs no answer.
            turn.send(Err(answer.clone())).ok();
        }
    }

    /// Hands turns to the calls that wait.
    pub(super) fn serve_calls(&mut self, now: Instant) {
        if let Some(answer) = self.refusal(now) {
            self.refuse_calls(&answer);
            return;
        }
        while !self.calls.is_empty() && self.take_next(now) {
            let Some((_, turn)) = self.calls.pop_first() else {
                return;
            };
            if turn.send(Ok(())).is_err() {
                self.give_back();
            }
        }
    }

    /// When there may be a turn for whoever waits; `None` where nobody does.
    pub(super) fn next_turn(&mut self, now: Instant) -> Option<Instant> {
        if !self.waits() {
            return None;
        }
        if let Some(pause) = self.pause.as_ref().filter(|pause| now < pause.until) {
            return Some(pause.until);
        }
        let rate = self.per_second()?;
        self.bucket.fill(rate, now);
        let wait = self.bucket.wait(rate);
        // Where there is room already, it is something else that they wait for.
        (!wait.is_zero()).then(|| now.checked_add(wait))?
    }

    /// Takes note of an answer to a call that was sent then. Says whether AWS is asked more slowly from now on.
    pub(super) fn answered(
        &mut self,
        answer: Result<(), &EksError>,
        sent_at: Instant,
        now: Instant,
    ) -> bool {
        match answer {
            Err(error) if error.kind == ErrorKind::Throttled => {
                if !self.learned.throttled(sent_at, now) {
                    return false;
                }
                self.bucket
                    .fill(self.per_second().unwrap_or(AFTER_PAUSE), now);
                self.bucket.spill(0.0);
                self.in_a_row = self.in_a_row.saturating_add(1);
                if let Some(doublings) = self.in_a_row.checked_sub(2) {
                    let length = FIRST_PAUSE
                        .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
                    self.learned.slow_down(AFTER_PAUSE);
                    self.pause = now
                        .checked_add(length.min(LONGEST_PAUSE))
                        .map(|until| Pause {
                            until,
                            answer: error.clone(),
                        });
                }
                true
            }
            // Whether AWS would have taken it is not known.
            Err(error) if error.kind == ErrorKind::Unavailable => false,
            Ok(()) | Err(_) => {
                self.learned.took(now);
                // One that was under way when the pause began does not end it.
                let is_of_now = self.pause.as_ref().is_none_or(|pause| now >= pause.until);
                if is_of_now {
                    self.in_a_row = 0;
                    self.pause = None;
                }
                false
            }
        }
    }
}
