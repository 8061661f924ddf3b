//! Watching a lease that somebody else holds.

use jiff::SignedDuration;
use k8s_openapi::api::coordination::v1::Lease;

use crate::controller::{Clock, Moment};

use super::record::{holder, lasts};

/// A lease as somebody else left it, and since when it has not changed, by our own clocks: the times in it are the other's.
#[derive(Debug)]
pub struct Rival {
    version: Option<String>,
    since: Moment,
}

impl Rival {
    /// Takes a look at the lease. Whether it is free: nobody holds it, or its holder has let its whole duration pass since
    /// we saw it change.
    pub fn is_gone(
        seen: &mut Option<Self>,
        lease: &Lease,
        otherwise: SignedDuration,
        clock: &impl Clock,
    ) -> bool {
        if holder(lease).is_none() {
            return true;
        }
        let version = lease.metadata.resource_version.clone();
        match seen {
            Some(rival) if rival.version == version => {
                rival.since.elapsed(clock) >= lasts(lease).unwrap_or(otherwise)
            }
            _ => {
                *seen = Some(Self {
                    version,
                    since: Moment::now(clock),
                });
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use k8s_openapi::api::coordination::v1::LeaseSpec;

    use super::*;

    #[derive(Clone, Copy)]
    struct At(u64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0)
        }
    }

    fn lease(version: &str, holder: &str, seconds: Option<i32>) -> Lease {
        let mut lease = Lease::default();
        lease.metadata.resource_version = Some(version.to_owned());
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: seconds,
            ..LeaseSpec::default()
        });
        lease
    }

    #[test]
    fn a_lease_is_free_once_its_own_duration_has_passed_without_a_change() {
        let own = SignedDuration::from_secs(15);
        let mut seen = None;
        let mut is_gone = |lease: &Lease, at: u64| Rival::is_gone(&mut seen, lease, own, &At(at));
        let first = lease("1", "other", Some(30));
        assert!(!is_gone(&first, 100), "however old it says it is");
        assert!(!is_gone(&first, 129));
        let renewed = lease("2", "other", Some(30));
        assert!(
            !is_gone(&renewed, 130),
            "a renewal counts from when it is seen"
        );
        assert!(!is_gone(&renewed, 159));
        assert!(is_gone(&renewed, 160));
        let without = lease("3", "other", None);
        assert!(!is_gone(&without, 200));
        assert!(
            is_gone(&without, 215),
            "our own duration where it says none"
        );
        assert!(is_gone(&lease("4", "", Some(30)), 216), "given up");
    }
}
