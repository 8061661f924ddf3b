//! Kubernetes minors, the only versions that EKS upgrades between.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::{Serialize, Serializer};

/// A Kubernetes minor version `1.NN`, as EKS names it.
///
/// Ordered by age: `1.9 < 1.10`. EKS has only ever offered major version 1, so the major is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(u16);

impl Minor {
    /// The minor `1.{minor}`.
    pub const fn new(minor: u16) -> Self {
        Self(minor)
    }

    /// The number behind the dot.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The only version EKS would upgrade this one to. After 1.999 there is none that could be read again.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 < 999 { Self(self.0 + 1) } else { self }
    }

    /// The version a rollback leads to.
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(minor) => Some(Self(minor)),
            None => None,
        }
    }
}

/// Why a string is no [`Minor`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a Kubernetes minor version such as 1.34: write 1, a dot and one to three digits, with no patch, prefix or space"
)]
pub struct NotAMinor(pub String);

impl FromStr for Minor {
    type Err = NotAMinor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAMinor(text.to_owned());
        let digits = text.strip_prefix("1.").ok_or_else(wrong)?;
        let canonical = !digits.is_empty()
            && digits.len() <= 3
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        if !canonical {
            return Err(wrong());
        }
        digits.parse().map(Self).map_err(|_| wrong())
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

            fn visit_str<E: Error>(self, text: &str) -> Result<Minor, E> {
                text.parse()
                    .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        // An unquoted 1.30 is the number 1.3 to YAML, so numbers are refused, not guessed at.
        deserializer.deserialize_any(MinorVisitor)
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_only_what_eks_writes() {
        assert_eq!("1.34".parse(), Ok(Minor::new(34)));
        assert_eq!(Minor::new(34).to_string(), "1.34");
        for wrong in [
            "v1.32", "1.32.1", "latest", "1.032", " 1.32", "1.32 ", "1.", "2.1", "1.+3", "1.1234",
            "",
        ] {
            assert_eq!(
                wrong.parse::<Minor>(),
                Err(NotAMinor(wrong.to_owned())),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn orders_by_number_not_by_text() {
        assert!(Minor::new(9) < Minor::new(10));
        assert_eq!(Minor::new(9).next(), Minor::new(10));
        assert_eq!(Minor::new(10).previous(), Some(Minor::new(9)));
        assert_eq!(Minor::new(0).previous(), None);
        let last = Minor::new(999);
        assert_eq!(last.next().to_string().parse(), Ok(last));
    }
}
