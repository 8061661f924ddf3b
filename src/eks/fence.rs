//! The last look at the clock before a mutation leaves.

use std::fmt;
use std::sync::Arc;

/// Whether a mutation may still leave. Asked after it was signed, so that what leaves later carries an old signature, which
/// AWS refuses after five minutes: a process can freeze between any two of its instructions, for as long as it likes.
#[derive(Clone)]
pub struct Fence(Arc<dyn Fn() -> bool + Send + Sync>);

impl Fence {
    /// Open for as long as `is_open` says so.
    pub fn new(is_open: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_open))
    }

    /// Always open: for tools that send once and by hand.
    pub fn none() -> Self {
        Self::new(|| true)
    }

    /// Whether a mutation may leave now.
    pub fn is_open(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fence").finish()
    }
}

/// A mutation did not leave: too much time had passed since it was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the process stood still for too long before it could send; nothing was sent")]
pub struct TooLate;
