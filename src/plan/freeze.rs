//! Freezes, as far as one object is concerned.

use jiff::Timestamp;

/// An `UpgradeFreeze` that selects the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Its name.
    pub name: String,
    /// Why, in the words of whoever made it.
    pub reason: String,
    /// From when; always where absent.
    pub from: Option<Timestamp>,
    /// Until when; for ever where absent.
    pub until: Option<Timestamp>,
}

impl Freeze {
    /// Whether it counts at `now`.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}
