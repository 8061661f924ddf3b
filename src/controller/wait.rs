//! How long to wait until the next look, so that objects do not march in step.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::SignedDuration;

use crate::plan::Wake;

/// The time from `now`, of the monotonic clock, until the next look at an object; `None` means when it changes.
///
/// All objects are looked at at once after a restart. So each has a phase within the `resync` interval: a wait of that length
/// ends there, between half and one and a half intervals from now, and those that follow are one interval each. Any other
/// wait is spread by a tenth.
pub fn wait(
    wake: Wake,
    object: &(impl Hash + ?Sized),
    resync: SignedDuration,
    now: Duration,
) -> Option<Duration> {
    match wake {
        Wake::Now => Some(Duration::ZERO),
        Wake::OnChange => None,
        Wake::Exactly(wait) => Some(unsigned(wait)),
        Wake::After(wait) if wait == resync => Some(until_phase(object, unsigned(resync), now)),
        Wake::After(wait) => Some(spread(unsigned(wait))),
    }
}

fn unsigned(wait: SignedDuration) -> Duration {
    Duration::try_from(wait.max(SignedDuration::ZERO)).unwrap_or_default()
}

fn spread(wait: Duration) -> Duration {
    if wait > Duration::from_secs(1) {
        wait.mul_f64(1.0 + (fastrand::f64() - 0.5) / 5.0)
    } else {
        wait
    }
}

/// From `now` until the phase of the object, as the first of its times that is at least half an interval away.
fn until_phase(object: &(impl Hash + ?Sized), interval: Duration, now: Duration) -> Duration {
    let Some(length) = u64::try_from(interval.as_nanos()).ok().filter(|it| *it > 0) else {
        return interval;
    };
    let earliest = now.saturating_add(interval / 2).as_nanos();
    let passed = u64::try_from(earliest % u128::from(length)).unwrap_or_default();
    // Below `length`, as is the phase.
    let ahead = match phase(object, length).checked_sub(passed) {
        Some(ahead) => ahead,
        None => length - passed + phase(object, length),
    };
    (interval / 2).saturating_add(Duration::from_nanos(ahead))
}

fn phase(object: &(impl Hash + ?Sized), length: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    object.hash(&mut hasher);
    hasher.finish() % length
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESYNC: SignedDuration = SignedDuration::from_mins(10);
    const INTERVAL: Duration = Duration::from_mins(10);

    fn resync(uid: &str, now: Duration) -> Duration {
        wait(Wake::After(RESYNC), uid, RESYNC, now).unwrap()
    }

    fn uids() -> impl Iterator<Item = String> {
        (0..10_000).map(|n| format!("0b9ac4f6-{n:04x}-4c4e-9e3c-2a6f0e1d7c5b"))
    }

    #[test]
    fn ten_thousand_objects_that_are_looked_at_at_once_are_spread_evenly_over_an_interval() {
        let started = Duration::from_secs(7);
        let waits: Vec<Duration> = uids().map(|uid| resync(&uid, started)).collect();
        let (least, most) = (waits.iter().min(), waits.iter().max());
        assert!(least >= Some(&(INTERVAL / 2)), "{least:?}");
        assert!(most < Some(&(INTERVAL * 3 / 2)), "{most:?}");
        let mut by_minute = [0_u32; 10];
        for wait in &waits {
            let minute = wait.saturating_sub(INTERVAL / 2).as_secs() / 60;
            by_minute[usize::try_from(minute).unwrap()] += 1;
        }
        // A thousand each, give or take four times what chance alone makes of them.
        let is_even = by_minute.iter().all(|count| count.abs_diff(1_000) < 120);
        assert!(is_even, "{by_minute:?}");
        let mean = waits.iter().sum::<Duration>() / 10_000;
        assert!(mean.abs_diff(INTERVAL) < INTERVAL / 50, "{mean:?}");
    }

    #[test]
    fn from_the_second_on_looks_are_one_interval_apart() {
        for uid in uids().take(100) {
            let mut now = Duration::from_millis(12_345);
            now += resync(&uid, now);
            for _ in 0..5 {
                // A look takes a while; the next ones do not move because of it.
                let began = now;
                now += Duration::from_secs(20);
                now += resync(&uid, now);
                assert_eq!(now.saturating_sub(began), INTERVAL);
            }
        }
    }

    #[test]
    fn the_same_object_waits_the_same_and_another_does_not() {
        let now = Duration::from_secs(99);
        assert_eq!(resync("a", now), resync("a", now));
        assert_ne!(resync("a", now), resync("b", now));
    }

    #[test]
    fn any_other_wait_is_spread_by_a_tenth_and_an_exact_one_is_not() {
        let of = |wake| wait(wake, "uid", RESYNC, Duration::from_secs(5));
        for _ in 0..100 {
            let spread = of(Wake::After(SignedDuration::from_secs(100))).unwrap();
            assert!(spread >= Duration::from_secs(90) && spread <= Duration::from_secs(110));
        }
        let short = SignedDuration::from_millis(100);
        assert_eq!(of(Wake::After(short)), Some(Duration::from_millis(100)));
        assert_eq!(of(Wake::Exactly(RESYNC)), Some(INTERVAL));
        assert_eq!(of(Wake::Exactly(-RESYNC)), Some(Duration::ZERO));
        assert_eq!(of(Wake::Now), Some(Duration::ZERO));
        assert_eq!(of(Wake::OnChange), None);
    }

    #[test]
    fn no_interval_is_too_short_or_too_long() {
        for secs in [0, 1, 31_536_000, i64::MAX] {
            let resync = SignedDuration::from_secs(secs);
            for now in [Duration::ZERO, Duration::from_hours(24), Duration::MAX] {
                let wait = wait(Wake::After(resync), "uid", resync, now).unwrap();
                assert!(wait >= resync.unsigned_abs() / 2, "{secs}");
            }
        }
    }
}
