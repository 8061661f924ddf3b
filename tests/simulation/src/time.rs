//! Virtual time: milliseconds since the simulation's start.

use jiff::{SignedDuration, Timestamp};

/// Milliseconds since the simulation's start, or between two moments.
pub type Millis = i64;

pub const SECOND: Millis = 1_000;
pub const MINUTE: Millis = 60 * SECOND;
pub const HOUR: Millis = 60 * MINUTE;

/// 2026-11-23T00:00:00Z, as seconds of the epoch.
const START: i64 = 1_795_392_000;

/// The moment on the true clock.
pub fn at(now: Millis) -> Timestamp {
    Timestamp::from_millisecond(START * SECOND + now).expect("virtual time lies within the years")
}

/// The virtual time of a moment on the true clock.
pub fn since_start(moment: Timestamp) -> Millis {
    moment.as_millisecond() - START * SECOND
}

/// A length of time.
pub fn lasting(millis: Millis) -> SignedDuration {
    SignedDuration::from_millis(millis)
}

/// As a timeline shows it: `1:02:03.456`.
pub fn shown(now: Millis) -> String {
    let (sign, now) = if now < 0 { ("-", -now) } else { ("", now) };
    format!(
        "{sign}{}:{:02}:{:02}.{:03}",
        now / HOUR,
        now / MINUTE % 60,
        now / SECOND % 60,
        now % SECOND
    )
}
