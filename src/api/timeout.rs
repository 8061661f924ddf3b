//! How long a rollback may take.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The minutes of a duration such as `12h`, `90m` or `2h30m`: the subset of Go's durations that the CRD lets in, numbers with
/// `h`, `m` or `s`, in whole minutes together. `None` for anything else.
pub fn whole_minutes(text: &str) -> Option<u32> {
    let mut seconds: u32 = 0;
    let mut digits = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let unit = match letter {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let number: u32 = digits.parse().ok()?;
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        digits.clear();
    }
    let is_whole = !text.is_empty() && digits.is_empty() && seconds.is_multiple_of(60);
    is_whole.then_some(seconds / 60)
}

/// How long EKS lets the nodes of an Auto Mode cluster go back before it gives up on a rollback: 2 h to 168 h, in whole minutes.
///
/// Source: `rollbackConfig.timeoutMinutes` in the EKS API reference, 120 to 10080.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RollbackTimeout(u16);

impl RollbackTimeout {
    /// EKS's own default.
    pub const DEFAULT: Self = Self(12 * 60);

    const LEAST: u16 = 2 * 60;
    const MOST: u16 = 168 * 60;

    /// In minutes, as EKS takes it.
    pub const fn minutes(self) -> u16 {
        self.0
    }

    /// As a duration.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_mins(self.0.into())
    }
}

/// Why a string is no [`RollbackTimeout`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a rollback timeout: write hours and minutes such as 12h or 2h30m, at least 2h and at most 168h"
)]
pub struct NotATimeout(pub String);

impl FromStr for RollbackTimeout {
    type Err = NotATimeout;

    fn from_str(text: &str) -> Result<Self, NotATimeout> {
        let wrong = || NotATimeout(text.to_owned());
        let minutes = whole_minutes(text).ok_or_else(wrong)?;
        let minutes = u16::try_from(minutes).map_err(|_| wrong())?;
        if (Self::LEAST..=Self::MOST).contains(&minutes) {
            Ok(Self(minutes))
        } else {
            Err(wrong())
        }
    }
}

impl TryFrom<String> for RollbackTimeout {
    type Error = NotATimeout;

    fn try_from(text: String) -> Result<Self, NotATimeout> {
        text.parse()
    }
}

impl From<RollbackTimeout> for String {
    fn from(timeout: RollbackTimeout) -> Self {
        timeout.to_string()
    }
}

impl fmt::Display for RollbackTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 60, self.0 % 60) {
            (hours, 0) => write!(f, "{hours}h"),
            (hours, minutes) => write!(f, "{hours}h{minutes}m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_eks_takes_and_writes_it_in_one_way() {
        for (text, minutes, shown) in [
            ("2h", 120, "2h"),
            ("120m", 120, "2h"),
            ("12h0m0s", 720, "12h"),
            ("2h30m", 150, "2h30m"),
            ("168h", 10_080, "168h"),
        ] {
            let timeout: RollbackTimeout = text.parse().unwrap();
            assert_eq!(timeout.minutes(), minutes);
            assert_eq!(timeout.to_string(), shown);
            assert_eq!(shown.parse(), Ok(timeout));
        }
        for wrong in [
            "",
            "2",
            "1h59m",
            "168h1m",
            "2h1s",
            "h",
            "2h30",
            "-3h",
            "2.5h",
            "2d",
            "99999999999h",
        ] {
            assert!(wrong.parse::<RollbackTimeout>().is_err(), "{wrong:?}");
        }
    }
}
