//! What is written in a lease.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

/// Who holds it; a lease that was given up has an empty name in it.
pub fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    Some(holder).filter(|holder| !holder.is_empty())
}

/// For how long a renewal counts.
pub fn lasts(lease: &Lease) -> Option<SignedDuration> {
    let seconds = lease.spec.as_ref()?.lease_duration_seconds?;
    (seconds > 0).then(|| SignedDuration::from_secs(seconds.into()))
}

/// The lease with `identity` as its holder, from `now` on. What else is in it stays.
pub fn held(mut lease: Lease, identity: &str, duration: SignedDuration, now: Timestamp) -> Lease {
    let is_same = holder(&lease) == Some(identity);
    let before = lease.spec.take().unwrap_or_default();
    let changes = before.lease_transitions.unwrap_or_default();
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(duration.as_secs()).ok(),
        acquire_time: before
            .acquire_time
            .filter(|_| is_same)
            .or(Some(MicroTime(now))),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if is_same {
            changes
        } else {
            changes.saturating_add(1)
        }),
        ..before
    });
    lease
}

/// The lease given up.
pub fn given_up(mut lease: Lease, now: Timestamp) -> Lease {
    let before = lease.spec.take().unwrap_or_default();
    lease.spec = Some(LeaseSpec {
        // As client-go leaves it; its field is not left out, so that the change is plain to see.
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(1),
        renew_time: Some(MicroTime(now)),
        ..before
    });
    lease
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_holders_counts_hand_overs_and_not_renewals() {
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(9).unwrap());
        let lasts_for = SignedDuration::from_secs(15);
        let first = held(Lease::default(), "a", lasts_for, now);
        let renewed = held(first.clone(), "a", lasts_for, later);
        let other = held(given_up(renewed.clone(), later), "b", lasts_for, later);
        let facts = |lease: &Lease| {
            let spec = lease.spec.clone().unwrap();
            (spec.lease_transitions, spec.acquire_time, spec.renew_time)
        };
        let at = |time| Some(MicroTime(time));
        assert_eq!(facts(&first), (Some(1), at(now), at(now)));
        assert_eq!(facts(&renewed), (Some(1), at(now), at(later)));
        assert_eq!(facts(&other), (Some(2), at(later), at(later)));
        assert_eq!(holder(&given_up(renewed, later)), None);
        assert_eq!(lasts(&other), Some(lasts_for));
    }
}
