//! Whether this process may act, as of now.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

use crate::controller::{Clock, Moment};

/// Whether this process may act. Asked once more right before a mutation leaves.
#[derive(Debug)]
pub struct Leadership(Mutex<Term>);

#[derive(Clone, Copy, Debug)]
enum Term {
    /// There is nobody else.
    Always,
    Not,
    /// For so long since a moment.
    Since(Moment, SignedDuration),
}

impl Leadership {
    /// Of the only replica.
    pub fn always() -> Self {
        Self(Mutex::new(Term::Always))
    }

    /// Of one that does not lead yet.
    pub fn not_yet() -> Self {
        Self(Mutex::new(Term::Not))
    }

    /// Whether this process may act now. It ends by itself when nothing prolongs it, also where the process stood still.
    pub fn is_held(&self, clock: &impl Clock) -> bool {
        let term = *self.term();
        match term {
            Term::Always => true,
            Term::Not => false,
            Term::Since(moment, within) => moment.elapsed(clock) < within,
        }
    }

    /// Lets this process act for so long since a moment.
    pub fn prolong(&self, since: Moment, within: SignedDuration) {
        *self.term() = Term::Since(since, within);
    }

    /// It may not any more.
    pub fn end(&self) {
        *self.term() = Term::Not;
    }

    fn term(&self) -> MutexGuard<'_, Term> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;

    #[derive(Clone, Copy)]
    struct At {
        wall: i64,
        monotonic: u64,
    }

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.wall).unwrap()
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.monotonic)
        }
    }

    #[test]
    fn it_ends_by_itself_by_either_clock() {
        let leadership = Leadership::not_yet();
        let start = At {
            wall: 1_000,
            monotonic: 50,
        };
        assert!(!leadership.is_held(&start));
        leadership.prolong(Moment::now(&start), SignedDuration::from_secs(10));
        let later = |wall, monotonic| At {
            wall: start.wall + wall,
            monotonic: start.monotonic + monotonic,
        };
        assert!(leadership.is_held(&later(9, 9)));
        assert!(!leadership.is_held(&later(9, 10)));
        assert!(!leadership.is_held(&later(10, 0)), "the machine slept");
        assert!(
            leadership.is_held(&later(-500, 9)),
            "the clock was set back"
        );
        leadership.end();
        assert!(!leadership.is_held(&start));
        assert!(Leadership::always().is_held(&later(9_999, 9_999)));
    }
}
