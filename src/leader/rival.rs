//! Watching a lease that somebody else holds.

use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::coordination::v1::Lease;

use crate::controller::Clock;

use super::record::{holder, lasts};

/// A lease as somebody else left it, and since when it has not changed, by our own monotonic clock: the times in it are the
/// other's, and a wall clock that is set forward must not end somebody's term.
#[derive(Debug)]
pub struct Rival {
    version: Option<String>,
    since: Duration,
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
                let unchanged = clock.monotonic().saturating_sub(rival.since);
                unchanged >= lasts(lease).unwrap_or(otherwise).unsigned_abs()
            }
            _ => {
                *seen = Some(Self {
                    version,
                    since: clock.monotonic(),
                });
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::api::coordination::v1::LeaseSpec;

    use super::*;

    #[derive(Clone, Copy)]
    struct At {
        monotonic: u64,
        wall: i64,
    }

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.wall).unwrap()
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.monotonic)
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
        let mut is_gone = |lease: &Lease, monotonic: u64| {
            let at = At { monotonic, wall: 0 };
            Rival::is_gone(&mut seen, lease, own, &at)
        };
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
    #[test]
    fn a_wall_clock_that_is_set_forward_ends_nobodys_term() {
        let own = SignedDuration::from_secs(15);
        let mut seen = None;
        let lease = lease("1", "other", Some(15));
        for (monotonic, wall, is_gone) in [(100, 0, false), (101, 3_600, false), (115, -5, true)] {
            let at = At { monotonic, wall };
            assert_eq!(Rival::is_gone(&mut seen, &lease, own, &at), is_gone);
        }
    }
}
