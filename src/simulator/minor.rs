//! A Kubernetes minor version, the only unit in which EKS upgrades.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A Kubernetes minor version such as `1.34`. The major version is always 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(u32);

impl Minor {
    /// The version `1.{minor}`.
    pub const fn new(minor: u32) -> Self {
        Self(minor)
    }

    /// Reads `1.NN`; nothing else is a minor version to EKS, neither a patch nor a leading zero.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("1.")?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        plain.then(|| digits.parse().ok().map(Self)).flatten()
    }

    /// The version an in-place upgrade leads to.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The version a rollback leads to.
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(minor) => Some(Self(minor)),
            None => None,
        }
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl Serialize for Minor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Minor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MinorVisitor;
        impl Visitor<'_> for MinorVisitor {
            type Value = Minor;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a Kubernetes minor version in quotes, such as \"1.34\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Minor, E> {
                Minor::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        // An unquoted 1.30 is the number 1.3 to YAML, so numbers are refused, not guessed at.
        deserializer.deserialize_any(MinorVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_minor_versions_and_nothing_else() {
        assert_eq!(Minor::parse("1.34"), Some(Minor::new(34)));
        assert_eq!(Minor::parse("1.9"), Some(Minor::new(9)));
        for wrong in [
            "", "1", "1.", "2.1", "v1.32", "1.32.1", "1.032", " 1.32", "latest", "1.+3",
        ] {
            assert_eq!(Minor::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn orders_by_number_not_by_text() {
        assert!(Minor::new(9) < Minor::new(10));
        assert_eq!(Minor::new(9).next(), Minor::new(10));
        assert_eq!(Minor::new(0).previous(), None);
    }
}
