use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::Error;

/// Short enough not to be noticed in a test's time, long enough to leave the machine to what is being waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// What a probe can find: the awaited value, or what is there instead.
pub trait Outcome {
    /// The awaited value.
    type Value;

    /// The value, or in words what was seen instead of it.
    fn settle(self) -> Result<Self::Value, String>;
}

impl<T> Outcome for Option<T> {
    type Value = T;

    fn settle(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T, E: Display> Outcome for Result<T, E> {
    type Value = T;

    fn settle(self) -> Result<T, String> {
        self.map_err(|seen| seen.to_string())
    }
}

/// Looks again and again until `probe` finds the awaited value, which is returned, and gives up at the `deadline`.
///
/// `what` is a condition in words, such as "the object is Ready". A probe says what it saw instead by an `Err`, which may be a
/// plain `String`; the error names the last such sight. A probe that hangs counts as time passed too.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut seen = 0;
/// let value = harness::eventually("three looks", std::time::Duration::from_secs(5), async || {
///     seen += 1;
///     if seen >= 3 { Ok(seen) } else { Err(format!("{seen} looks")) }
/// });
/// assert_eq!(value.await.unwrap(), 3);
/// # });
/// ```
pub async fn eventually<O: Outcome>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> O,
) -> Result<O::Value, Error> {
    let end = Instant::now() + deadline;
    let mut last = "nothing yet, the first look did not return".to_owned();
    loop {
        match timeout_at(end, probe()).await {
            Ok(outcome) => match outcome.settle() {
                Ok(value) => return Ok(value),
                Err(seen) => last = seen,
            },
            Err(_elapsed) => break,
        }
        if Instant::now() + PAUSE >= end {
            break;
        }
        sleep(PAUSE).await;
    }
    Err(Error::TimedOut {
        what: what.to_owned(),
        deadline,
        last,
    })
}
