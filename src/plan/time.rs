//! Arithmetic on times that cannot overflow.

use jiff::{SignedDuration, Timestamp};

/// `at` plus `duration`, or the end of time; where `duration` is negative, its beginning.
pub fn after(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.checked_add(duration)
        .unwrap_or(if duration.is_negative() {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
}

/// `at` less `duration`, or the beginning of time.
pub fn before(at: Timestamp, duration: SignedDuration) -> Timestamp {
    after(at, duration.checked_neg().unwrap_or(SignedDuration::MAX))
}

/// From `now` until `at`; zero when that has passed.
pub fn until(now: Timestamp, at: Timestamp) -> SignedDuration {
    at.duration_since(now).max(SignedDuration::ZERO)
}

/// A wait that doubles with each repetition, from `first` up to `most`. The first repetition has `nth` 1.
pub fn backoff(first: SignedDuration, most: SignedDuration, nth: u32) -> SignedDuration {
    let doublings = nth.saturating_sub(1).min(16);
    first
        .checked_mul(1 << doublings)
        .map_or(most, |wait| wait.min(most))
}

/// For a person: seconds are enough.
pub fn shown(at: Timestamp) -> String {
    format!("{at:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backs_off_up_to_the_limit() {
        let first = SignedDuration::from_secs(10);
        let most = SignedDuration::from_mins(10);
        let waits: Vec<_> = [1, 2, 3, 7, u32::MAX]
            .map(|nth| backoff(first, most, nth).as_secs())
            .into();
        assert_eq!(waits, [10, 20, 40, 600, 600]);
    }

    #[test]
    fn never_overflows() {
        assert_eq!(after(Timestamp::MAX, SignedDuration::MAX), Timestamp::MAX);
        assert_eq!(after(Timestamp::MIN, SignedDuration::MIN), Timestamp::MIN);
        assert_eq!(until(Timestamp::MAX, Timestamp::MIN), SignedDuration::ZERO);
    }
}
