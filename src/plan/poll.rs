//! How often a running update is looked at: seldom while it cannot be done, often about when it usually is.
//!
//! Each look is a call to EKS out of a quota that others share, and the only one that brings anything is the last.

use jiff::SignedDuration;

use super::VERSION_ROLLBACK;

/// So many poll intervals lie between two looks at most. It bounds how late an unusual end is seen.
const SPARSE: i32 = 4;

/// From so many on, finished updates say more about the next one than what is known of EKS in general.
const ENOUGH: usize = 3;

/// What took so many times as long as half of the others do was not seen to end: no operator ran, say.
const NOT_SEEN: i32 = 3;

/// From when until when updates usually end, since they began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// Few are done before.
    pub early: SignedDuration,
    /// Few take longer.
    pub late: SignedDuration,
}

impl Usual {
    /// Of an upgrade, as long as none has been seen: EKS takes 8 to 15 minutes, and over an hour at times.
    pub const OF_AN_UPGRADE: Self = Self {
        early: SignedDuration::from_mins(8),
        late: SignedDuration::from_mins(15),
    };

    /// By how long updates took, in any order: between the fastest and the slowest tenth of them, and a tenth more on both
    /// sides. `None` where they are too few to tell.
    pub fn learned(took: impl IntoIterator<Item = SignedDuration>) -> Option<Self> {
        let mut took: Vec<_> = took.into_iter().collect();
        took.sort_unstable();
        let most = took.get(took.len() / 2)?.saturating_mul(NOT_SEEN);
        took.retain(|took| *took <= most);
        if took.len() < ENOUGH {
            return None;
        }
        let outer = took.len() / 10;
        let (fast, slow) = (*took.get(outer)?, *took.iter().rev().nth(outer)?);
        Some(Self {
            early: fast.saturating_sub(fast / 10),
            late: slow.saturating_add(slow / 10),
        })
    }
}

/// What is known of how long updates take, by their type. `None` where too few have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// Of upgrades.
    pub upgrade: Option<Usual>,
    /// Of rollbacks, which take minutes, or days where the nodes of Auto Mode go back first.
    pub rollback: Option<Usual>,
}

impl Durations {
    /// When an update of this type usually ends, as far as anything is known of it.
    pub fn of(&self, kind: &str) -> Option<Usual> {
        let Self { upgrade, rollback } = *self;
        if kind == VERSION_ROLLBACK {
            rollback
        } else {
            Some(upgrade.unwrap_or(Usual::OF_AN_UPGRADE))
        }
    }
}

/// After how long an update of this age is looked at again: `poll`, the interval about its usual end, up to four times that
/// before and after, and where nothing is known.
///
/// Before the usual end no wait is longer than half of what remains until then, as long as that is more than `poll`; long
/// after it they grow with the time that has passed since.
pub fn next_look(
    usual: Option<Usual>,
    age: SignedDuration,
    poll: SignedDuration,
) -> SignedDuration {
    let sparse = poll.saturating_mul(SPARSE);
    let Some(Usual { early, late }) = usual else {
        return sparse;
    };
    // Two clocks: EKS's and ours.
    let age = age.max(SignedDuration::ZERO);
    let away = if age < early {
        early.saturating_sub(age)
    } else {
        age.saturating_sub(late)
    };
    (away / 2).min(sparse).max(poll)
}
