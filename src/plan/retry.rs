//! When a person has permitted another try.
//!
//! What failed, was cancelled or was rolled back is never tried again by itself. A person permits another try by asking
//! for something else than what was tried, or with the retry annotation.

use jiff::Timestamp;

use crate::api::{Minor, RETRY_ANNOTATION, Update};

use super::facts::Object;
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

    /// Whether something that began at `began` may be tried again.
    pub fn permits(&self, began: Option<Timestamp>) -> bool {
        match (self, began) {
            (Self::Since(at), Some(began)) => *at > began,
            _ => false,
        }
    }

    /// What a person who set it should know, for the end of a message.
    pub fn remark(&self) -> String {
        match self {
            Self::None | Self::Since(_) => String::new(),
            Self::From(at) => format!(
                " The annotation {RETRY_ANNOTATION} lies in the future and counts from {}.",
                shown(*at)
            ),
            Self::Malformed(text) => {
                format!(
                    " The annotation {RETRY_ANNOTATION} is {text:?}, which is no RFC 3339 time such as 2026-01-31T12:00:00Z."
                )
            }
        }
    }
}

/// Whether `tried` may be tried again for the hop to `to`: the spec asks for something else than it did, or a person said so.
pub fn permitted(tried: &Update, wish: &Wish, to: Minor, request: &RetryRequest) -> bool {
    let asks_for_something_else = tried.for_version.is_some_and(|for_version| {
        for_version != wish.version || tried.force != wish.force_for(to)
    });
    asks_for_something_else || request.permits(tried.created_at.or(tried.requested_at))
}
