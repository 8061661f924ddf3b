//! Lengths of time as a scenario writes them.

use std::fmt;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A length of time that is not negative, written `2s`, `10m`, `1h 30m` or `7d` (a day is 24 hours).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(SignedDuration);

impl Period {
    /// No time at all.
    pub const ZERO: Self = Self(SignedDuration::ZERO);

    /// So many seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(SignedDuration::new(seconds as i64, 0))
    }

    /// So many minutes.
    pub const fn minutes(minutes: u32) -> Self {
        Self(SignedDuration::new(minutes as i64 * 60, 0))
    }

    /// So many days of 24 hours.
    pub const fn days(days: u32) -> Self {
        Self(SignedDuration::new(days as i64 * 86_400, 0))
    }

    /// Reads the written form.
    ///
    /// # Errors
    /// A sentence with the form that is wanted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted =
            || format!("{text:?} is not a length of time: write it like 2s, 10m, 1h 30m or 7d");
        let span: Span = text.parse().map_err(|_| wanted())?;
        let length = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| wanted())?;
        if length.is_negative() {
            return Err(format!("{text:?} is negative"));
        }
        Ok(Self(length))
    }

    /// The moment this long after `start`; the end of time where there is none.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.saturating_add(self.0).unwrap_or(Timestamp::MAX)
    }

    /// The moment this long before `end`; the beginning of time where there is none.
    pub fn before(self, end: Timestamp) -> Timestamp {
        end.saturating_sub(self.0).unwrap_or(Timestamp::MIN)
    }

    /// The length for a timer.
    pub fn to_std(self) -> std::time::Duration {
        self.0.unsigned_abs()
    }

    /// Whether it is no time at all.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PeriodVisitor;
        impl Visitor<'_> for PeriodVisitor {
            type Value = Period;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as 2s, 10m, 1h 30m or 7d")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Period, E> {
                Period::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(PeriodVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(Period::parse("2s"), Ok(Period::seconds(2)));
        assert_eq!(Period::parse("10m"), Ok(Period::minutes(10)));
        assert_eq!(Period::parse("1h 30m"), Ok(Period::minutes(90)));
        assert_eq!(Period::parse("7d"), Ok(Period::days(7)));
        assert_eq!(Period::parse("0s"), Ok(Period::ZERO));
    }

    #[test]
    fn refuses_the_rest_with_a_sentence() {
        for wrong in ["", "5", "soon", "-2s", "1 month"] {
            assert!(Period::parse(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(
            Period::parse("soon").unwrap_err(),
            "\"soon\" is not a length of time: write it like 2s, 10m, 1h 30m or 7d"
        );
    }
}
