//! How many calls a second AWS takes in an account and region, learned from when it throttles.
//!
//! Nobody says how large that quota is, and others use it too. As in TCP's congestion control the rate is cut where AWS
//! throttles and grows slowly while it does not: soon to where it was cut, gently beyond.

use std::time::Duration;

use tokio::time::Instant;

/// What is left of a rate after a cut.
const CUT: f64 = 0.8;
/// Below this many calls a second the rate is not cut; a pause does what is left to do.
const LEAST: f64 = 1.0;
/// The share of the last ceiling by which the rate grows in a second, up to there.
const REGAIN: f64 = 0.03;
/// The share by which it grows in its first second beyond the ceiling; more with each further second.
const PROBE: f64 = 0.01;
/// A rate far beyond what AWS ever takes is none.
const NO_LIMIT: f64 = 1000.0;

/// The rate at which AWS is asked, as far as it had to be learned.
#[derive(Debug, Default)]
pub(super) struct Learned {
    per_second: Option<f64>,
    /// The rate at which AWS throttled last.
    ceiling: f64,
    /// For how long it has grown beyond.
    beyond: Duration,
    cut_at: Option<Instant>,
    taken: LastSecond,
}

impl Learned {
    /// Calls a second; `None` where AWS has not throttled yet.
    pub(super) fn per_second(&self) -> Option<f64> {
        self.per_second
    }

    /// AWS took a call.
    pub(super) fn took(&mut self, now: Instant) {
        self.taken.count(now);
    }

    /// AWS throttled a call that was sent then. Says whether that is news: calls that were under way at a cut tell nothing
    /// about the rate since.
    pub(super) fn throttled(&mut self, sent_at: Instant, now: Instant) -> bool {
        if self.cut_at.is_some_and(|cut_at| sent_at <= cut_at) {
            return false;
        }
        let taken = f64::from(self.taken.sum(now)).max(LEAST);
        self.ceiling = self.per_second.map_or(taken, |known| known.min(taken));
        self.per_second = Some((self.ceiling * CUT).max(LEAST));
        self.beyond = Duration::ZERO;
        self.cut_at = Some(now);
        true
    }

    /// From now on slowly: AWS throttles whatever the rate.
    pub(super) fn slow_down(&mut self, per_second: f64) {
        self.per_second = Some(self.per_second.map_or(per_second, |it| it.min(per_second)));
        self.ceiling = self.ceiling.min(per_second);
    }

    /// That much time has passed in which the rate was what calls waited for. Without that it tells nothing.
    pub(super) fn grow(&mut self, time: Duration) {
        let Some(known) = self.per_second else {
            return;
        };
        let seconds = time.as_secs_f64();
        let grown = if known < self.ceiling {
            (self.ceiling * REGAIN).mul_add(seconds, known)
        } else {
            self.beyond = self.beyond.saturating_add(time);
            let share = PROBE * (1.0 + self.beyond.as_secs_f64());
            (known * share).mul_add(seconds, known)
        };
        self.per_second = (grown < NO_LIMIT).then_some(grown);
    }
}

/// How many calls AWS took in the last second.
#[derive(Debug, Default)]
struct LastSecond {
    tenths: [u32; 10],
    at: Option<Instant>,
}

impl LastSecond {
    fn count(&mut self, now: Instant) {
        self.turn(now);
        if let Some(tenth) = self.tenths.first_mut() {
            *tenth = tenth.saturating_add(1);
        }
    }

    fn sum(&mut self, now: Instant) -> u32 {
        self.turn(now);
        self.tenths.iter().copied().fold(0, u32::saturating_add)
    }

    /// The newest first.
    fn turn(&mut self, now: Instant) {
        let at = *self.at.get_or_insert(now);
        let passed = now.saturating_duration_since(at).as_millis() / 100;
        let steps = usize::try_from(passed).unwrap_or(usize::MAX);
        if steps == 0 {
            return;
        }
        let steps = steps.min(self.tenths.len());
        self.tenths.rotate_right(steps);
        for tenth in self.tenths.iter_mut().take(steps) {
            *tenth = 0;
        }
        let whole = u64::try_from(passed)
            .unwrap_or(u64::MAX)
            .saturating_mul(100);
        self.at = Some(at.checked_add(Duration::from_millis(whole)).unwrap_or(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: Duration = Duration::from_millis(100);

    #[test]
    fn it_is_cut_to_less_than_what_aws_took_and_grows_back_only_while_it_is_waited_for() {
        let mut now = Instant::now();
        let mut learned = Learned::default();
        for _ in 0..20 {
            learned.took(now);
        }
        assert_eq!(learned.per_second(), None);
        assert!(learned.throttled(now, now + TENTH));
        assert_eq!(learned.per_second(), Some(16.0));
        assert!(!learned.throttled(now, now + TENTH), "it was under way");
        now += TENTH * 2;
        let mut last = 16.0;
        for _ in 0..400 {
            learned.grow(TENTH);
            let Some(next) = learned.per_second() else {
                return;
            };
            assert!(next > last);
            last = next;
        }
        panic!("it never ends: {last} a second");
    }

    #[test]
    fn a_cut_has_an_end() {
        let start = Instant::now();
        let mut learned = Learned::default();
        for n in 1..100 {
            let sent = start + TENTH * n;
            assert!(learned.throttled(sent, sent + TENTH / 2));
        }
        assert_eq!(learned.per_second(), Some(LEAST));
    }

    #[test]
    fn a_second_is_forgotten_after_a_second() {
        let start = Instant::now();
        let mut taken = LastSecond::default();
        for n in 0..20 {
            taken.count(start + TENTH * n);
        }
        assert_eq!(taken.sum(start + TENTH * 19), 10);
        assert_eq!(taken.sum(start + TENTH * 24), 5);
        assert_eq!(taken.sum(start + TENTH * 300), 0);
    }
}
