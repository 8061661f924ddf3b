//! Winning the lease, keeping it, and giving it up.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::controller::{Clock, Moment};
use crate::metrics::Metrics;
use crate::text::plain;

use super::leadership::Leadership;
use super::record::{given_up, held, holder};
use super::rival::Rival;

/// How often a standby looks at the lease, at most: so long a hand-over takes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long one call may take, at most.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// How often giving the lease up is tried over a write of our own that was still under way.
const TRIES: u32 = 3;

/// The most bytes of the API server's words in a log line.
const WORDS_LIMIT: usize = 512;

/// Why this process no longer leads. It ends then: what it remembers is older than what the next leader does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseLost {
    /// Somebody else holds it.
    #[error("{0} holds the lease now, so that this process ends; started again, it stands by")]
    Taken(String),
    /// It could not be renewed in time.
    #[error(
        "the lease could not be renewed in time, so that this process ends; started again, it stands by. Look whether the API server answers"
    )]
    Unrenewed,
}

/// How one call ended.
enum Answer<T> {
    Is(T),
    /// Somebody else wrote it first.
    Conflict,
    /// It was said in the log.
    Failed,
}

/// Who holds a lease, in words for a log: anybody may have written them.
fn named(lease: &Lease) -> Option<String> {
    holder(lease).map(|holder| plain(holder, WORDS_LIMIT))
}

/// One that wants to lead.
pub struct Candidate<C> {
    /// The leases of the namespace.
    pub api: Api<Lease>,
    /// The lease's name.
    pub name: String,
    /// Who this is; no other process ever has the same.
    pub identity: String,
    /// For how long a renewal counts.
    pub duration: SignedDuration,
    /// The clocks.
    pub clock: C,
    /// Called when the lease is won, before anything is looked at.
    pub begin: Box<dyn Fn() + Send + Sync>,
    /// Told of every renewal.
    pub leadership: Arc<Leadership>,
    /// Counts the calls.
    pub metrics: Arc<Metrics>,
    /// Whether the last call failed: what goes on failing is said once.
    pub is_in_trouble: AtomicBool,
}

impl<C: Clock> Candidate<C> {
    /// Waits for the lease, tells `leads` once it is won, and keeps it until `retire`, when it is given up.
    ///
    /// # Errors
    /// Where it was lost: nothing may be begun any more.
    pub async fn run(
        &self,
        leads: watch::Sender<bool>,
        mut retire: watch::Receiver<bool>,
    ) -> Result<(), LeaseLost> {
        let Some(lease) = self.win(&mut retire).await else {
            return Ok(());
        };
        tracing::info!(lease = self.name, identity = self.identity, "leading");
        (self.begin)();
        self.metrics.leading(true);
        leads.send_replace(true);
        let lost = tokio::select! {
            lost = self.keep(lease) => Some(lost),
            _ = retire.wait_for(|retire| *retire) => None,
        };
        self.leadership.end();
        self.metrics.leading(false);
        leads.send_replace(false);
        if let Some(lost) = lost {
            return Err(lost);
        }
        self.give_up().await;
        Ok(())
    }

    /// Waits for the lease; nothing where it is to retire before.
    async fn win(&self, retire: &mut watch::Receiver<bool>) -> Option<Lease> {
        let mut rival = None;
        let mut told = None;
        loop {
            match self.seize(&mut rival).await {
                Ok(lease) => return Some(lease),
                Err(other) => {
                    if other.is_some() && told != other {
                        tracing::info!(lease = self.name, holder = other, "standing by");
                        told = other;
                    }
                }
            }
            let pause = LOOK_EVERY.min(self.part(15));
            // Spread, so that several standbys do not march in step.
            let pause = pause.mul_f64(0.75 + fastrand::f64() / 4.0);
            // Never in the middle of a try, whose write could arrive all the same.
            if timeout(pause, retire.wait_for(|retire| *retire))
                .await
                .is_ok()
            {
                return None;
            }
        }
    }

    /// One try. Without success, who holds it.
    async fn seize(&self, rival: &mut Option<Rival>) -> Result<Lease, Option<String>> {
        let before = Moment::now(&self.clock);
        let answer = match self.look().await {
            Answer::Is(None) => {
                let mut lease = Lease::default();
                lease.metadata.name = Some(self.name.clone());
                let lease = self.as_held(lease);
                self.call(
                    "create_lease",
                    self.api.create(&PostParams::default(), &lease),
                )
                .await
            }
            Answer::Is(Some(lease)) => {
                let is_ours = holder(&lease) == Some(&self.identity);
                if !is_ours && !Rival::is_gone(rival, &lease, self.duration, &self.clock) {
                    return Err(named(&lease));
                }
                self.write(&self.as_held(lease)).await
            }
            Answer::Conflict | Answer::Failed => return Err(None),
        };
        match answer {
            Answer::Is(lease) => {
                self.leadership.prolong(before, self.term());
                Ok(lease)
            }
            Answer::Conflict | Answer::Failed => Err(None),
        }
    }

    /// Renews until that is no longer possible.
    async fn keep(&self, mut lease: Lease) -> LeaseLost {
        let mut pause = self.part(6);
        loop {
            sleep(pause).await;
            let before = Moment::now(&self.clock);
            match self.write(&self.as_held(lease.clone())).await {
                Answer::Is(renewed) => {
                    lease = renewed;
                    self.leadership.prolong(before, self.term());
                    pause = self.part(6);
                    continue;
                }
                Answer::Conflict => match self.look().await {
                    Answer::Is(Some(now)) if holder(&now) == Some(&self.identity) => {
                        // Somebody wrote a label, or a renewal arrived whose answer did not.
                        lease = now;
                        pause = Duration::ZERO;
                    }
                    Answer::Is(now) => {
                        let other = now.as_ref().and_then(named);
                        return LeaseLost::Taken(other.unwrap_or_else(|| "nobody".to_owned()));
                    }
                    Answer::Conflict | Answer::Failed => pause = self.part(12),
                },
                Answer::Failed => pause = self.part(12),
            }
            if !self.leadership.is_held(&self.clock) {
                return LeaseLost::Unrenewed;
            }
        }
    }

    /// Lets the next one lead at once. Where it fails, the next one waits for the lease's duration.
    async fn give_up(&self) {
        for _ in 0..TRIES {
            let Answer::Is(Some(lease)) = self.look().await else {
                return;
            };
            if holder(&lease) != Some(&self.identity) {
                return;
            }
            match self.write(&given_up(lease, self.clock.now())).await {
                Answer::Is(_) => {
                    tracing::info!(lease = self.name, "given up for the next leader");
                    return;
                }
                Answer::Conflict => {}
                Answer::Failed => return,
            }
        }
    }

    async fn look(&self) -> Answer<Option<Lease>> {
        self.call("get_lease", self.api.get_opt(&self.name)).await
    }

    /// Writes the lease, only if nobody else has written it since it was read.
    async fn write(&self, lease: &Lease) -> Answer<Lease> {
        let params = PostParams::default();
        let write = self.api.replace(&self.name, &params, lease);
        self.call("update_lease", write).await
    }

    fn as_held(&self, lease: Lease) -> Lease {
        held(lease, &self.identity, self.duration, self.clock.now())
    }

    /// For how long a renewal lets this process act.
    fn term(&self) -> SignedDuration {
        self.duration * 2 / 3
    }

    /// One of so many parts of the lease's duration.
    fn part(&self, parts: u32) -> Duration {
        self.duration.unsigned_abs() / parts
    }

    async fn call<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Answer<T> {
        let within = CALL_TIMEOUT.min(self.part(6));
        let failure = match timeout(within, call).await {
            Ok(Ok(answer)) => {
                self.metrics.kube_call(what, "ok");
                self.is_in_trouble.store(false, Ordering::Relaxed);
                return Answer::Is(answer);
            }
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => {
                self.metrics.kube_call(what, "conflict");
                return Answer::Conflict;
            }
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 403 | 404) => {
                self.metrics.kube_call(what, "refused");
                format!(
                    "{}: see the operator's rights to leases, and whether the namespace is there",
                    status.message
                )
            }
            Ok(Err(error)) => {
                self.metrics.kube_call(what, "unavailable");
                error.to_string()
            }
            Err(_elapsed) => {
                self.metrics.kube_call(what, "unavailable");
                "no answer in time".to_owned()
            }
        };
        let why = plain(&failure, WORDS_LIMIT);
        if self.is_in_trouble.swap(true, Ordering::Relaxed) {
            tracing::debug!(lease = self.name, what, why, "the lease cannot be used");
        } else {
            tracing::error!(
                lease = self.name,
                what,
                why,
                "the lease cannot be used; trying on"
            );
        }
        Answer::Failed
    }
}
