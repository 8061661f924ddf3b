//! What every reconcile works with.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::UnboundedSender;

use crate::eks::Eks;
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::plan::Settings;
use crate::store::{Key, Store};

use super::access::Access;
use super::cache::Cache;
use super::fleet::Fleet;
use super::freezes::Freezes;
use super::lengths::Lengths;
use super::pace::Pace;
use super::recall::Recall;

/// The time, as an argument for everything that needs it.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;
    /// Time that only goes forward, from an arbitrary start.
    fn monotonic(&self) -> Duration;
}

/// A moment on both clocks: the wall clock can be set back, and the other can stand still while a machine is suspended.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    wall: Timestamp,
    monotonic: Duration,
}

impl Moment {
    /// Now.
    pub fn now(clock: &impl Clock) -> Self {
        Self {
            wall: clock.now(),
            monotonic: clock.monotonic(),
        }
    }

    /// The wall clock's time.
    pub fn wall(self) -> Timestamp {
        self.wall
    }

    /// How long ago it was: the longer of what the two clocks say.
    pub fn elapsed(self, clock: &impl Clock) -> SignedDuration {
        let monotonic = clock.monotonic().saturating_sub(self.monotonic);
        let monotonic = SignedDuration::try_from(monotonic).unwrap_or(SignedDuration::MAX);
        clock.now().duration_since(self.wall).max(monotonic)
    }
}

/// The settings of the controller itself.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many updates may run at a time.
    pub max_running_updates: u32,
    /// Quiet time after a change of the spec before its first send.
    pub settle: SignedDuration,
}

/// Wakes objects by their namespace's queue.
#[derive(Clone, Default)]
pub struct Waker {
    queues: HashMap<Option<String>, UnboundedSender<Key>>,
}

impl Waker {
    /// Adds the queue of a namespace, or of all.
    pub fn add(&mut self, namespace: Option<String>, queue: UnboundedSender<Key>) {
        self.queues.insert(namespace, queue);
    }

    /// Has these objects looked at again.
    pub fn wake(&self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            let queue = self
                .queues
                .get(&Some(key.namespace.clone()))
                .or_else(|| self.queues.get(&None));
            if let Some(queue) = queue
                && let Err(closed) = queue.send(key)
            {
                tracing::debug!(object = %closed.0, "not woken: its queue has ended");
            }
        }
    }
}

/// Everything a reconcile works with, shared by all.
pub struct Context<E: Eks, S: Store, C: Clock> {
    /// EKS.
    pub eks: E,
    /// The Kubernetes API.
    pub store: S,
    /// The time.
    pub clock: C,
    /// The settings that decisions depend on.
    pub settings: Settings,
    /// The controller's own limits.
    pub limits: Limits,
    /// Who may upgrade what, as whom.
    pub access: Access,
    /// All objects at a glance.
    pub fleet: Fleet,
    /// What stops all starts.
    pub freezes: Freezes,
    /// What this process remembers beyond status.
    pub recall: Recall,
    /// How long updates took.
    pub lengths: Lengths,
    /// What of EKS's answers stays true for a while.
    pub cache: Cache,
    /// Who may ask AWS when.
    pub pace: Pace,
    /// Differs between processes, so that two that are both alive do not look at everything at the same time.
    pub salt: u64,
    /// Wakes other objects.
    pub waker: Waker,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether the process is ending: nothing new is sent.
    pub stopping: Arc<AtomicBool>,
    /// Whether this replica leads: nothing is sent otherwise.
    pub leadership: Arc<Leadership>,
}

impl<E: Eks, S: Store, C: Clock> Context<E, S, C> {
    /// Whether anything may be begun: this replica leads, and is not ending.
    pub fn may_begin(&self) -> bool {
        !self.is_stopping() && self.leadership.is_held(&self.clock)
    }

    /// Whether the process is ending.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
