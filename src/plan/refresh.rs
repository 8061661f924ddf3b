//! Whether what EKS's insights say is fresh enough to count.

use jiff::{SignedDuration, Timestamp};

use crate::eks::{RefreshStatus, RefreshView};

use super::CLOCK_TOLERANCE;
use super::facts::Facts;
use super::retry::RetryRequest;

/// After this long a refresh that EKS still calls running counts as failed.
const ENDS_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// How old a refresh may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For how long it counts.
    pub age: SignedDuration,
    /// Not before this: then EKS had nothing to look at.
    pub since: Option<Timestamp>,
}

/// What a refresh is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// It ended then, and counts.
    At(Timestamp),
    /// It goes on.
    Running,
    /// It failed lately, with this word.
    Failed(String),
    /// There is none that counts: another has to be started.
    Due,
}

/// What a refresh is worth.
pub fn judge(facts: &Facts<'_>, view: &RefreshView, limits: Limits) -> Refreshed {
    let RefreshView {
        status,
        started_at,
        ended_at,
    } = view;
    let age = |at: Timestamp| facts.now.duration_since(at);
    match status {
        RefreshStatus::InProgress => match started_at {
            Some(at) if age(*at) > ENDS_WITHIN => Refreshed::Failed("it does not end".to_owned()),
            _ => Refreshed::Running,
        },
        RefreshStatus::Failed(word)
            if ended_at
                .or(*started_at)
                .is_some_and(|at| age(at) <= facts.settings.resync_interval) =>
        {
            Refreshed::Failed(word.clone())
        }
        RefreshStatus::Completed => match ended_at {
            // By a clock that is wrong, so that what it found may be of any age. Another one would not be told from it.
            Some(at) if age(*at) < -CLOCK_TOLERANCE => {
                Refreshed::Failed("by our clock it ended in a time to come".to_owned())
            }
            Some(at)
                if age(*at) <= limits.age
                    && limits.since.is_none_or(|since| *at >= since)
                    // While EKS's clock is behind it is refreshed once more than needed; a tolerance would make a person's
                    // wish to have it looked at again count for nothing.
                    && asked_at(facts).is_none_or(|asked| *at >= asked) =>
            {
                Refreshed::At(*at)
            }
            _ => Refreshed::Due,
        },
        RefreshStatus::None | RefreshStatus::Failed(_) => Refreshed::Due,
    }
}

/// When a person asked for another try, which is also to ask for another look.
pub fn asked_at(facts: &Facts<'_>) -> Option<Timestamp> {
    match RetryRequest::of(facts.object, facts.now) {
        RetryRequest::Since(at) => Some(at),
        RetryRequest::None | RetryRequest::From(_) | RetryRequest::Malformed(_) => None,
    }
}
