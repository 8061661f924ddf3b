//! When a person has permitted another try.
//!
//! What failed, was cancelled or was rolled back is never tried again by itself. A person permits another try by asking
//! for something else than what was tried, or with the retry annotation.

use jiff::Timestamp;

use crate::api::{Minor, Update};

use super::VERSION_ROLLBACK;
use super::facts::Object;
use super::hop::Hop;
use super::time::shown;
use super::wish::Wish;

/// The retry annotation, read at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryRequest {
    /// Not there.
    None,
    /// It permits another try of what is older than this.
    Since(Timestamp),
    /// It lies in the future. Until then it permits nothing: a date far ahead would permit tries without end.
    From(Timestamp),
    /// No RFC 3339 time.
    Malformed(String),
}

impl RetryRequest {
    /// Reads the annotation of `object`.
    pub fn of(object: &Object, now: Timestamp) -> Self {
        match &object.retry_requested_at {
            None => Self::None,
            Some(text) => match text.parse::<Timestamp>() {
                Ok(at) if at <= now => Self::Since(at),
                Ok(at) => Self::From(at),
                Err(_) => Self::Malformed(text.chars().take(64).collect()),
            },
        }
    }

    /// Whether `tried` may be tried again.
    ///
    /// The annotation has to be later by both clocks, EKS's and ours: it never counts before its time comes, so that no
    /// attempt it permitted was asked for before it, however far the two are apart.
    fn permits(&self, tried: &Update) -> bool {
        let begun = tried.created_at.max(tried.requested_at);
        match self {
            Self::Since(at) => begun.is_some_and(|begun| *at > begun),
            Self::None | Self::From(_) | Self::Malformed(_) => false,
        }
    }

    /// What a person who set it should know about its effect on `tried`, for the end of a message.
    pub fn remark(&self, tried: &Update) -> String {
        match self {
            Self::None => String::new(),
            Self::Since(_) if self.permits(tried) => String::new(),
            Self::Since(at) => {
                format!(
                    " Its present value {} is older than this update.",
                    shown(*at)
                )
            }
            Self::From(at) => format!(
                " Its present value lies in the future and counts from {}.",
                shown(*at)
            ),
            Self::Malformed(text) => format!(
                " Its present value {text:?} is no RFC 3339 time such as 2026-01-31T12:00:00Z."
            ),
        }
    }
}

/// Whether another try is permitted after `tried`: the spec asks for something else than it did, or a person said so.
pub fn permitted(tried: &Update, wish: &Wish, hop: Hop, request: &RetryRequest) -> bool {
    let is_rollback = tried.kind == VERSION_ROLLBACK;
    let asks_for_something_else = tried.for_version.is_some_and(|for_version| {
        let force = wish.force_for(next_try(&tried.kind, tried.to_version, hop));
        // A rollback that was asked for was forced, or not, as one; any other as the hop that would take it back.
        let is_comparable = !is_rollback || tried.timeout.is_some() == hop.is_rollback();
        // One that status has lost tells nothing.
        let is_other_rollback = is_rollback
            && hop.is_rollback()
            && tried.timeout.is_some()
            && tried.timeout != hop.timeout;
        for_version != wish.version || (is_comparable && tried.force != force) || is_other_rollback
    });
    // While this object asked for the rollback, it asked for the version below.
    let is_undone_by_edit = is_rollback && tried.is_ours() && wish.version != tried.to_version;
    asks_for_something_else || is_undone_by_edit || request.permits(tried)
}

/// To which version the hop leads that another try would be, after an update of this type to this version: the same again, or
/// where an upgrade is looked at, the one that takes a rollback back. Not the hop itself: EKS shows the version minutes late, and
/// then it is another one.
pub fn next_try(kind: &str, to: Minor, hop: Hop) -> Minor {
    if kind == VERSION_ROLLBACK && !hop.is_rollback() {
        to.next()
    } else {
        to
    }
}
