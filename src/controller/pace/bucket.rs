//! How many calls there is room for by now.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket. It holds what half a second brings, so that a look that needs several calls is not drawn out.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            tokens: f64::MAX,
            filled_at: now,
        }
    }

    /// Adds what has come in since it was last filled.
    pub(super) fn fill(&mut self, per_second: f64, now: Instant) {
        let since = now.saturating_duration_since(self.filled_at);
        let most = (per_second / 2.0).max(1.0);
        self.tokens = since
            .as_secs_f64()
            .mul_add(per_second, self.tokens)
            .min(most);
        self.filled_at = now;
    }

    /// Takes room for one call, if there is.
    pub(super) fn take(&mut self) -> bool {
        let is_there = self.tokens >= 1.0;
        if is_there {
            self.tokens -= 1.0;
        }
        is_there
    }

    /// Whether there is no room for another call.
    pub(super) fn is_empty(&self) -> bool {
        self.tokens < 1.0
    }

    /// Gives back what was taken and not used.
    pub(super) fn give_back(&mut self) {
        self.tokens += 1.0;
    }

    /// Keeps at most that much.
    pub(super) fn spill(&mut self, most: f64) {
        self.tokens = self.tokens.min(most);
    }

    /// How long until there is room for one call.
    pub(super) fn wait(&self, per_second: f64) -> Duration {
        let missing = (1.0 - self.tokens).max(0.0);
        Duration::try_from_secs_f64(missing / per_second).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_as_much_as_comes_in_and_saves_half_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        bucket.fill(10.0, start);
        let taken = |bucket: &mut Bucket| (0..100).take_while(|_| bucket.take()).count();
        assert_eq!(taken(&mut bucket), 5);
        assert_eq!(bucket.wait(10.0), Duration::from_millis(100));
        bucket.fill(10.0, start + Duration::from_millis(200));
        assert_eq!(taken(&mut bucket), 2);
        bucket.fill(10.0, start + Duration::from_hours(1));
        assert_eq!(taken(&mut bucket), 5);
        bucket.give_back();
        assert_eq!(taken(&mut bucket), 1);
    }

    #[test]
    fn a_slow_one_holds_one_call() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        bucket.fill(0.5, start);
        assert!(bucket.take());
        assert!(!bucket.take());
        assert_eq!(bucket.wait(0.5), Duration::from_secs(2));
    }
}
