//! Who may ask AWS when: in front of every call to EKS.
//!
//! AWS counts requests by account and region. Were each object to back off for itself, a fleet that is throttled would ask
//! more often than one that is not. So there is one rate for each account and region, configured or learned, and a line of
//! those who wait: sends first, then what was begun, then looks at running updates, at objects with something to do, and at
//! idle ones. Each eighth look to begin is the one that has waited longest, whichever it is, so that nobody is starved. A
//! line is served in the order of arrival and an object stands in it once, so that no cluster takes another's turn.
//!
//! A look waits before it begins, where it costs nothing: it has to end within the ten seconds in which it may send.
//!
//! The well-kept rate limiters know neither lines nor rates that change, so this is our own.

mod bucket;
mod learned;
mod place;
#[cfg(test)]
mod tests;
mod urgency;

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::eks::{EksError, ErrorKind, Target};
use crate::store::Key;

use self::place::{Place, Rank, Turn, Waiting};
pub use self::urgency::Urgency;

/// How often a read that AWS throttled is made again within a look, so that what the look has asked already is not lost.
const TRIES: u32 = 4;

/// Each so manieth look to begin is the one that has waited longest.
const BY_AGE: u64 = 8;

/// An account and region that nobody has asked about for so long are forgotten once there are new ones.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// Of how many places all are kept.
const FEW_PLACES: usize = 64;

/// Account and region.
type Name = (String, String);

/// The places where AWS is asked, and how many objects are looked at at a time. A copy shares them.
#[derive(Clone, Debug)]
pub struct Pace(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    /// How many objects are looked at at a time.
    most: usize,
    quota: Option<f64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    looks: usize,
    numbers: u64,
    begun: u64,
    is_ending: bool,
    places: HashMap<Name, Place>,
    /// In which line an object waits.
    waiting: HashMap<Key, (Name, Urgency, u64)>,
    /// How many wait in each place where somebody does.
    crowded: HashMap<Name, usize>,
}

impl Pace {
    /// Looks at `most` objects at a time, and asks AWS `quota` times a second in each account and region; as often as AWS turns
    /// out to take where there is none.
    pub fn new(most: NonZeroU16, quota: Option<NonZeroU32>) -> Self {
        Self(Some(Arc::new(Shared {
            most: most.get().into(),
            quota: quota.map(|quota| f64::from(quota.get())),
            state: Mutex::default(),
        })))
    }

    /// Never waits: for those whose time is not the machine's.
    pub fn unbounded() -> Self {
        Self(None)
    }

    /// Waits until an object may be looked at. `target` is what is to be asked about, where anything is.
    pub async fn begin(&self, key: &Key, target: Option<&Target>, urgency: Urgency) -> Look {
        let Some(shared) = &self.0 else {
            return Look::free();
        };
        // Those that ask nothing only need one of the looks.
        let name = target.map(name_of).unwrap_or_default();
        let (begins, begun) = oneshot::channel();
        let number = shared.line_up(&name, key, urgency, begins);
        let mut place_in_line = PlaceInLine {
            shared,
            name: &name,
            key,
            number,
        };
        let has_turn = begun.await.unwrap_or(false);
        place_in_line.number = 0;
        drop(place_in_line);
        Look(Some(Begun {
            shared: Arc::clone(shared),
            place: name,
            number,
            has_turn: AtomicBool::new(has_turn),
        }))
    }

    /// Has an object that waits wait with those that are this urgent: something has changed.
    pub fn hurry(&self, key: &Key, urgency: Urgency) {
        if let Some(shared) = &self.0 {
            shared.state().hurry(key, urgency);
        }
    }

    /// Has nothing asked any more: the process ends, and what is under way is to come to its end.
    pub fn end(&self) {
        if let Some(shared) = &self.0 {
            let mut state = shared.state();
            state.is_ending = true;
            for place in state.places.values_mut() {
                place.refuse_calls(&ending());
            }
        }
    }

    /// Waits for the turn of one more page of a listing.
    pub async fn another_page(&self, target: &Target) {
        if let Some(shared) = &self.0 {
            // Where AWS is not to be asked for long, it says so itself: half a listing is of no use.
            shared.turn(name_of(target), 0, true).await.ok();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line_up(
        self: &Arc<Self>,
        name: &Name,
        key: &Key,
        urgency: Urgency,
        begins: oneshot::Sender<bool>,
    ) -> u64 {
        let now = Instant::now();
        let mut state = self.state();
        let number = state.number();
        let waiting = Waiting {
            key: key.clone(),
            begins,
        };
        state
            .place(name, self.quota, now)
            .line_up(urgency, number, waiting);
        let count = state.crowded.entry(name.clone()).or_default();
        *count = count.saturating_add(1);
        let known = state
            .waiting
            .insert(key.clone(), (name.clone(), urgency, number));
        debug_assert!(known.is_none(), "an object is looked at once at a time");
        self.begin_looks(&mut state, now);
        self.arm(&mut state, name, now);
        number
    }

    /// Waits for the turn of a call. An error is what AWS answered before, where it is not to be asked for long.
    async fn turn(self: &Arc<Self>, name: Name, look: u64, is_other: bool) -> Turn {
        let waits = {
            let now = Instant::now();
            let mut state = self.state();
            if state.is_ending {
                return Err(ending());
            }
            let nth = state.number();
            let place = state.place(&name, self.quota, now);
            if let Some(answer) = place.refusal(now) {
                return Err(answer);
            }
            if place.take(now) {
                return Ok(());
            }
            let (turn, waits) = oneshot::channel();
            let rank = Rank {
                is_other,
                look,
                nth,
            };
            place.enqueue(rank, turn);
            place.serve_calls(now);
            self.arm(&mut state, &name, now);
            waits
        };
        waits.await.unwrap_or_else(|_| Err(ending()))
    }

    fn answered(self: &Arc<Self>, name: &Name, answer: Result<(), &EksError>, sent_at: Instant) {
        let now = Instant::now();
        let mut state = self.state();
        let place = state.place(name, self.quota, now);
        let is_slower = place.answered(answer, sent_at, now);
        let per_second = place.per_second();
        self.serve(&mut state, name, now);
        drop(state);
        if is_slower {
            let (_, region) = name;
            tracing::debug!(region, per_second, "AWS throttles; it is asked more slowly");
        }
    }

    /// Hands out what there is, and sees to it that somebody comes back when there is more.
    fn serve(self: &Arc<Self>, state: &mut State, name: &Name, now: Instant) {
        if let Some(place) = state.places.get_mut(name) {
            place.serve_calls(now);
        }
        self.begin_looks(state, now);
        self.arm(state, name, now);
    }

    fn begin_looks(self: &Arc<Self>, state: &mut State, now: Instant) {
        for name in state.begin_looks(self.most, now) {
            self.arm(state, &name, now);
        }
    }

    /// One timer for each place where somebody waits.
    fn arm(self: &Arc<Self>, state: &mut State, name: &Name, now: Instant) {
        let Some(place) = state.places.get_mut(name) else {
            return;
        };
        let Some(at) = place.next_turn(now) else {
            return;
        };
        if place.timer.is_some_and(|timer| timer <= at) {
            return;
        }
        place.timer = Some(at);
        let (shared, name) = (Arc::clone(self), name.clone());
        tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            let now = Instant::now();
            let mut state = shared.state();
            if let Some(place) = state.places.get_mut(&name) {
                if place.timer != Some(at) {
                    // An earlier one was set meanwhile, and has set another since.
                    return;
                }
                place.timer = None;
            }
            shared.serve(&mut state, &name, now);
        });
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        self.numbers
    }

    fn place(&mut self, name: &Name, quota: Option<f64>, now: Instant) -> &mut Place {
        if !self.places.contains_key(name) && self.places.len() >= FEW_PLACES {
            // Objects name them, so that there could be any number.
            self.places.retain(|_, place| {
                let unused = now.saturating_duration_since(place.used_at);
                place.is_in_use() || unused < FORGOTTEN_AFTER
            });
        }
        self.places
            .entry(name.clone())
            // Those who ask nothing are in a place without a name.
            .or_insert_with(|| Place::new(quota.filter(|_| *name != Name::default()), now))
    }

    /// Begins looks while there may be more. Returns the places where somebody waits for the rate.
    fn begin_looks(&mut self, most: usize, now: Instant) -> Vec<Name> {
        let mut short = Vec::new();
        if self.looks >= most {
            return short;
        }
        // Where AWS does not answer in one place, those looks take long: the others keep some.
        let named = self.places.keys().filter(|name| **name != Name::default());
        let most_of_one = if named.take(2).count() > 1 {
            (most - most / 4).max(1)
        } else {
            most
        };
        let mut heads: BTreeSet<(Urgency, u64, Name)> = BTreeSet::new();
        for name in self.crowded.keys() {
            heads.extend(self.head(name));
        }
        while self.looks < most {
            let by_age = self.begun % BY_AGE == BY_AGE - 1;
            let next = if by_age {
                heads.iter().min_by_key(|(_, number, _)| *number).cloned()
            } else {
                heads.first().cloned()
            };
            let Some(head) = next else { break };
            heads.remove(&head);
            let (_, _, name) = head;
            let Some(place) = self.places.get_mut(&name) else {
                continue;
            };
            if place.looks() >= most_of_one {
                continue;
            }
            // To be told that AWS is not to be asked for long needs no turn.
            let is_refused = place.refusal(now).is_some();
            if !(is_refused || place.take(now)) {
                short.push(name);
                continue;
            }
            // The one that has waited longest there, or the most urgent.
            if let Some((urgency, number)) = place.next_look(by_age)
                && let Some(waiting) = self.step_out(&name, urgency, number)
            {
                self.begun = self.begun.wrapping_add(1);
                self.looks = self.looks.saturating_add(1);
                if let Some(place) = self.places.get_mut(&name) {
                    place.began();
                }
                // One that was given up meanwhile is taken back by whoever gave it up.
                waiting.begins.send(!is_refused).ok();
            }
            heads.extend(self.head(&name));
        }
        short
    }

    fn head(&self, name: &Name) -> Option<(Urgency, u64, Name)> {
        let (urgency, number) = self.places.get(name)?.next_look(false)?;
        Some((urgency, number, name.clone()))
    }

    fn step_out(&mut self, name: &Name, urgency: Urgency, number: u64) -> Option<Waiting> {
        let waiting = self.places.get_mut(name)?.step_out(urgency, number)?;
        self.waiting.remove(&waiting.key);
        if let Some(count) = self.crowded.get_mut(name) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.crowded.remove(name);
            }
        }
        Some(waiting)
    }

    fn hurry(&mut self, key: &Key, urgency: Urgency) {
        let Some((name, known, number)) = self.waiting.get_mut(key) else {
            return;
        };
        if *known <= urgency {
            return;
        }
        let former = std::mem::replace(known, urgency);
        let number = *number;
        if let Some(place) = self.places.get_mut(name)
            && let Some(waiting) = place.step_out(former, number)
        {
            place.line_up(urgency, number, waiting);
        }
    }
}

/// Leaves the line if the look is given up before it begins, or when it has just begun.
struct PlaceInLine<'a> {
    shared: &'a Arc<Shared>,
    name: &'a Name,
    key: &'a Key,
    /// 0 once it has begun.
    number: u64,
}

impl Drop for PlaceInLine<'_> {
    fn drop(&mut self) {
        if self.number == 0 {
            return;
        }
        let mut state = self.shared.state();
        let waiting = state.waiting.get(self.key).cloned();
        if let Some((name, urgency, number)) = waiting
            && number == self.number
        {
            state.step_out(&name, urgency, number);
            return;
        }
        let now = Instant::now();
        state.looks = state.looks.saturating_sub(1);
        if let Some(place) = state.places.get_mut(self.name) {
            place.ended(now);
        }
        self.shared.serve(&mut state, self.name, now);
    }
}

/// A look at an object, from when it may begin until this is dropped.
#[derive(Debug)]
pub struct Look(Option<Begun>);

#[derive(Debug)]
struct Begun {
    shared: Arc<Shared>,
    place: Name,
    number: u64,
    /// Whether the turn of the first call has come already.
    has_turn: AtomicBool,
}

impl Look {
    /// One that waits for nobody.
    pub fn free() -> Self {
        Self(None)
    }

    /// Asks once it is this look's turn, and again where AWS throttles a few times.
    ///
    /// # Errors
    /// AWS's, to the last call; or to an earlier one, where AWS is not to be asked for long.
    pub async fn ask<T, F>(
        &self,
        target: &Target,
        question: impl Fn() -> F + Send,
    ) -> Result<T, EksError>
    where
        F: Future<Output = Result<T, EksError>> + Send,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            self.turn(target, true).await?;
            let sent_at = Instant::now();
            let answer = question().await;
            self.answered(target, &answer, sent_at);
            let is_throttled = matches!(&answer, Err(error) if error.kind == ErrorKind::Throttled);
            if !is_throttled || tries >= TRIES || self.0.is_none() {
                return answer;
            }
        }
    }

    /// Waits for the turn of a send, before it is announced: what is announced is to be sent at once.
    ///
    /// # Errors
    /// AWS's to an earlier call, where it is not to be asked for long.
    pub async fn before_sending(&self, target: &Target) -> Result<(), EksError> {
        self.turn(target, false).await
    }

    /// Takes note of the answer to a call that was sent then.
    pub fn answered<T>(&self, target: &Target, answer: &Result<T, EksError>, sent_at: Instant) {
        if let Some(begun) = &self.0 {
            let answer = answer.as_ref().map(|_| ());
            begun.shared.answered(&name_of(target), answer, sent_at);
        }
    }

    async fn turn(&self, target: &Target, is_other: bool) -> Turn {
        let Some(begun) = &self.0 else {
            return Ok(());
        };
        let name = name_of(target);
        if name == begun.place && begun.has_turn.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        begun.shared.turn(name, begun.number, is_other).await
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.shared.state();
        state.looks = state.looks.saturating_sub(1);
        if let Some(place) = state.places.get_mut(&self.place) {
            place.ended(now);
            if *self.has_turn.get_mut() {
                place.give_back();
            }
        }
        self.shared.serve(&mut state, &self.place, now);
    }
}

/// What a call is told that is not made because the process ends.
fn ending() -> EksError {
    EksError {
        kind: ErrorKind::Unavailable,
        operation: "eks",
        code: "Ending".to_owned(),
        message: "not asked: the operator ends".to_owned(),
        request_id: None,
        clock_behind: None,
    }
}

fn name_of(target: &Target) -> Name {
    (target.account_id.clone(), target.region.clone())
}
