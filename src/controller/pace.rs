//! Slows everything that asks AWS about one account and region while AWS throttles there.
//!
//! AWS counts requests by account and region. Were each object to back off for itself, a fleet that is throttled would ask
//! more often than one that is not.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::eks::{EksError, ErrorKind, Target};

/// The first pause; each further throttling doubles it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_mins(1);

/// Account and region.
type Place = (String, String);

/// The places where AWS throttles. Times are of the monotonic clock.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<Place, Slow>>);

#[derive(Debug)]
struct Slow {
    until: Duration,
    pause: Duration,
    answer: EksError,
}

impl Pace {
    fn slow(&self) -> MutexGuard<'_, HashMap<Place, Slow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What AWS answered when it throttled, where nothing is to be asked yet.
    pub fn refusal(&self, target: &Target, now: Duration) -> Option<EksError> {
        let slow = self.slow();
        let slow = slow.get(&place(target))?;
        (now < slow.until).then(|| slow.answer.clone())
    }

    /// Takes note of an answer. Those to calls that were under way when a pause began neither lengthen nor end it.
    pub fn answered<T>(&self, target: &Target, answer: &Result<T, EksError>, now: Duration) {
        let mut slow = self.slow();
        let place = place(target);
        let known = slow.get(&place);
        if known.is_some_and(|slow| now < slow.until) {
            return;
        }
        match answer {
            Err(error) if error.kind == ErrorKind::Throttled => {
                let pause = known.map_or(FIRST, |slow| (slow.pause * 2).min(LONGEST));
                let until = now.saturating_add(pause);
                let answer = error.clone();
                let throttled = Slow {
                    until,
                    pause,
                    answer,
                };
                slow.insert(place, throttled);
            }
            Ok(_) => {
                slow.remove(&place);
            }
            Err(_) => {}
        }
    }
}

fn place(target: &Target) -> Place {
    (target.account_id.clone(), target.region.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(region: &str, name: &str) -> Target {
        Target {
            account_id: "111122223333".to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            role_arn: None,
            external_id: None,
        }
    }

    fn throttled() -> Result<(), EksError> {
        Err(EksError {
            kind: ErrorKind::Throttled,
            operation: "eks:DescribeCluster",
            code: "ThrottlingException".to_owned(),
            message: "Rate exceeded".to_owned(),
            request_id: None,
            clock_behind: None,
        })
    }

    #[test]
    fn a_throttled_region_is_left_alone_for_longer_and_longer_until_it_answers() {
        let pace = Pace::default();
        let (a, b, elsewhere) = (
            target("eu-central-1", "a"),
            target("eu-central-1", "b"),
            target("us-west-2", "a"),
        );
        let at = Duration::from_secs;
        let is_open = |target, now| pace.refusal(target, at(now)).is_none();
        assert!(is_open(&a, 0));
        pace.answered(&a, &throttled(), at(0));
        assert!(!is_open(&b, 0), "another cluster of the region");
        assert!(is_open(&elsewhere, 0));
        // Those that were under way.
        pace.answered(&b, &throttled(), at(0));
        pace.answered(&b, &Ok(()), at(0));
        assert!(!is_open(&b, 0));
        assert!(is_open(&b, 1));
        pace.answered(&b, &throttled(), at(1));
        assert!(!is_open(&a, 2), "twice as long");
        assert!(is_open(&a, 3));
        pace.answered(&a, &Ok(()), at(3));
        pace.answered(&a, &throttled(), at(4));
        assert!(is_open(&a, 5), "from the beginning after an answer");
    }

    #[test]
    fn a_pause_has_an_end() {
        let pace = Pace::default();
        let a = target("eu-central-1", "a");
        let mut now = Duration::ZERO;
        for _ in 0..20 {
            pace.answered(&a, &throttled(), now);
            now += LONGEST;
            assert_eq!(pace.refusal(&a, now), None);
        }
    }
}
