//! What is counted, for Prometheus.

mod glance;
mod labels;
mod objects;
mod pending;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::plan::{VERSION_ROLLBACK, VERSION_UPDATE};
use crate::store::Key;

pub use glance::{ClusterInfo, Glance, RunningUpdate, SupportEnd};
use labels::{Build, ByReason, Call, Finished, Kind, Operation, Outcome};
use pending::Pending;

/// What the names of all metrics begin with.
const PREFIX: &str = "eks_upgrade";

/// Upgrades take 8 to 15 minutes, rollbacks of Auto Mode clusters longer than the last.
const UPDATE_MINUTES: [u32; 13] = [1, 2, 5, 8, 10, 15, 20, 30, 45, 60, 90, 120, 180];

/// How EKS says that an update ended. These and the kinds of errors are counted from zero, so that the first is an increase too.
const UPDATE_RESULTS: [&str; 3] = ["Successful", "Failed", "Cancelled"];

/// Every kind of error that a reconcile ends in.
const RECONCILE_ERRORS: [&str; 5] = ["bug", "conflict", "gone", "refused", "unavailable"];

/// All metrics of the process. Their labels have few values, but for those that name an object.
///
/// Of two replicas one leads. Both tell of themselves, and only the one that leads tells of the objects: a sum over replicas
/// counts nothing twice.
pub struct Metrics {
    registry: Registry,
    reconciles: Histogram,
    reconcile_errors: Family<Kind, Counter>,
    eks_calls: Family<Call, Counter>,
    eks_seconds: Family<Operation, Histogram>,
    eks_last_success: Gauge<f64, AtomicU64>,
    kube_calls: Family<Call, Counter>,
    observation_failures: Family<Kind, Counter>,
    sends: Family<Outcome, Counter>,
    cancels: Family<Outcome, Counter>,
    events: Family<ByReason, Counter>,
    overdue: Counter,
    update_seconds: Family<Finished, Histogram>,
    reconciles_running: Gauge,
    pending: Pending,
    pending_objects: Gauge,
    leads: AtomicBool,
    leader: Gauge,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.002, 2.5, 10))
}

fn minutes() -> Histogram {
    Histogram::new(UPDATE_MINUTES.map(|minutes| f64::from(minutes) * 60.0))
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            reconciles: seconds(),
            reconcile_errors: Family::default(),
            eks_calls: Family::default(),
            eks_seconds: Family::new_with_constructor(seconds),
            eks_last_success: Gauge::default(),
            kube_calls: Family::default(),
            observation_failures: Family::default(),
            sends: Family::default(),
            cancels: Family::default(),
            events: Family::default(),
            overdue: Counter::default(),
            update_seconds: Family::new_with_constructor(minutes),
            reconciles_running: Gauge::default(),
            pending: Pending::default(),
            pending_objects: Gauge::default(),
            leads: AtomicBool::new(true),
            leader: Gauge::default(),
        };
        for kind in [VERSION_UPDATE, VERSION_ROLLBACK] {
            for result in UPDATE_RESULTS {
                let of = Finished {
                    r#type: kind,
                    result,
                };
                drop(metrics.update_seconds.get_or_create(&of));
            }
        }
        for kind in RECONCILE_ERRORS {
            let kind = kind.to_owned();
            drop(metrics.reconcile_errors.get_or_create(&Kind { kind }));
        }
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let r = &mut self.registry;
        r.register_with_unit(
            "reconcile",
            "How long reconciles took",
            Unit::Seconds,
            self.reconciles.clone(),
        );
        r.register(
            "reconcile_errors",
            "Reconciles that ended in an error, by kind (conflict is harmless)",
            self.reconcile_errors.clone(),
        );
        r.register(
            "eks_calls",
            "Calls to EKS, by operation and outcome",
            self.eks_calls.clone(),
        );
        r.register_with_unit(
            "eks_call",
            "How long calls to EKS took, by operation",
            Unit::Seconds,
            self.eks_seconds.clone(),
        );
        r.register(
            "eks_last_success_timestamp_seconds",
            "When EKS last answered a call with a result, as Unix time; an old one means EKS or the credentials are lost for the whole hub",
            self.eks_last_success.clone(),
        );
        r.register(
            "kube_calls",
            "Calls to the Kubernetes API beside the watch, by operation and outcome",
            self.kube_calls.clone(),
        );
        r.register(
            "observation_failures",
            "Times that EKS could not be asked about an object, by kind",
            self.observation_failures.clone(),
        );
        r.register(
            "update_requests",
            "UpdateClusterVersion requests, by what became of them",
            self.sends.clone(),
        );
        r.register(
            "cancel_requests",
            "CancelUpdate requests, by what became of them",
            self.cancels.clone(),
        );
        r.register(
            "events",
            "Events published on objects, by reason",
            self.events.clone(),
        );
        r.register(
            "updates_overdue",
            "Updates found to take longer than --overdue-after",
            self.overdue.clone(),
        );
        r.register_with_unit(
            "update_duration",
            "How long updates took that this process saw end, from EKS's acceptance until they were seen finished, by type and result",
            Unit::Seconds,
            self.update_seconds.clone(),
        );
        r.register(
            "reconciles_running",
            "Objects that are being looked at",
            self.reconciles_running.clone(),
        );
        r.register(
            "pending_objects",
            "Objects that are to be looked at by now and are not yet: how deep the queue is",
            self.pending_objects.clone(),
        );
        r.register(
            "leader",
            "1 where this replica leads or is the only one, else 0; only the one that leads tells of the objects",
            self.leader.clone(),
        );
        let version = env!("CARGO_PKG_VERSION");
        r.register(
            "build",
            "The version of the operator",
            Info::new(Build { version }),
        );
        self
    }

    /// A reconcile ended.
    pub fn reconciled(&self, took: Duration) {
        self.reconciles.observe(took.as_secs_f64());
    }

    /// A reconcile ended in an error.
    pub fn reconcile_failed(&self, kind: &'static str) {
        self.reconcile_errors
            .get_or_create(&Kind {
                kind: kind.to_owned(),
            })
            .inc();
    }

    /// A call to EKS ended; `outcome` is `ok` or an error kind.
    pub fn eks_call(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        self.eks_calls
            .get_or_create(&Call {
                operation: operation.to_owned(),
                outcome: outcome.to_owned(),
            })
            .inc();
        self.eks_seconds
            .get_or_create(&Operation {
                operation: operation.to_owned(),
            })
            .observe(took.as_secs_f64());
        if outcome == "ok" {
            self.eks_last_success
                .set(jiff::Timestamp::now().as_duration().as_secs_f64());
        }
    }

    /// A call to the Kubernetes API ended; `outcome` is `ok` or an error's name.
    pub fn kube_call(&self, operation: &'static str, outcome: &'static str) {
        self.kube_calls
            .get_or_create(&Call {
                operation: operation.to_owned(),
                outcome: outcome.to_owned(),
            })
            .inc();
    }

    /// EKS could not be asked.
    pub fn observation_failed(&self, kind: &'static str) {
        self.observation_failures
            .get_or_create(&Kind {
                kind: kind.to_owned(),
            })
            .inc();
    }

    /// A request for an update had this outcome.
    pub fn sent(&self, outcome: &'static str) {
        self.sends
            .get_or_create(&Outcome {
                outcome: outcome.to_owned(),
            })
            .inc();
    }

    /// A cancellation had this outcome.
    pub fn cancel_sent(&self, outcome: &'static str) {
        self.cancels
            .get_or_create(&Outcome {
                outcome: outcome.to_owned(),
            })
            .inc();
    }

    /// An Event was published.
    pub fn event(&self, reason: &str) {
        self.events
            .get_or_create(&ByReason {
                reason: reason.to_owned(),
            })
            .inc();
    }

    /// An update was found overdue.
    pub fn overdue(&self) {
        self.overdue.inc();
    }

    /// An update was seen to have finished.
    pub fn update_finished(&self, update: FinishedUpdate) {
        let FinishedUpdate { kind, result, took } = update;
        self.update_seconds
            .get_or_create(&Finished {
                r#type: kind,
                result,
            })
            .observe(took.as_secs_f64());
    }

    /// Whether this replica leads from now on. One that is not told so leads from its start.
    pub fn leading(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
    }

    /// An object is to be looked at after `wait`, or before where that was said.
    pub fn due_in(&self, key: Key, wait: Duration) {
        self.pending.due_in(key, wait);
    }

    /// An object that was to be looked at is gone.
    pub fn not_due(&self, key: &Key) {
        self.pending.begun(key);
    }

    /// A look at an object begins. It lasts until what is returned is dropped.
    pub fn looks_at(self: &Arc<Self>, key: &Key) -> Looking {
        self.pending.begun(key);
        self.reconciles_running.inc();
        Looking(Arc::clone(self))
    }

    /// The text that Prometheus scrapes, with the present state of the objects where this replica leads.
    ///
    /// # Errors
    /// Where a metric cannot be written; there is none of that kind.
    pub fn scrape(
        &self,
        glance: impl FnOnce() -> Glance,
        now: Timestamp,
    ) -> Result<String, std::fmt::Error> {
        let leads = self.leads.load(Ordering::Relaxed);
        self.leader.set(i64::from(leads));
        // A standby looks at nothing, so that to it everything would be due.
        let pending = if leads { self.pending.count() } else { 0 };
        self.pending_objects
            .set(i64::try_from(pending).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        if leads {
            encode_registry(&mut text, &objects::registry(glance(), now))?;
        }
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// An update that ran and was seen to have finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinishedUpdate {
    /// `VersionUpdate` or `VersionRollback`.
    pub kind: &'static str,
    /// EKS's status: `Successful`, `Failed` or `Cancelled`.
    pub result: &'static str,
    /// From EKS's acceptance until it was seen finished.
    pub took: Duration,
}

/// A look at an object, counted while it lasts.
pub struct Looking(Arc<Metrics>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.reconciles_running.dec();
    }
}
