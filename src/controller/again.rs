//! When to look again after a reconcile that the API server let down.

use std::time::Duration;

use jiff::SignedDuration;

use crate::store::StoreError;

/// After what wait; `None` means when the object changes.
pub fn again(error: &StoreError, resync: SignedDuration) -> Option<Duration> {
    match error {
        // Somebody else wrote: what they wrote is on its way through the watch.
        StoreError::Conflict => Some(Duration::from_millis(50)),
        StoreError::Gone => None,
        StoreError::Unavailable(_) => {
            Some(Duration::from_secs(5).mul_f64(0.8 + fastrand::f64() * 0.4))
        }
        StoreError::Refused(_) => Some(resync_of(resync)),
    }
}

/// The resync interval as a wait, and not so short that it would spin.
pub fn resync_of(resync: SignedDuration) -> Duration {
    Duration::try_from(resync.max(SignedDuration::from_secs(1))).unwrap_or(Duration::from_mins(10))
}
