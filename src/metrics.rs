//! What is counted, for Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::api::{CheckCode, CheckResult};
use crate::store::Key;

/// The present state of all objects, for a scrape.
#[derive(Clone, Debug, Default)]
pub struct Glance {
    /// How many objects have each reason.
    pub reasons: Vec<(&'static str, i64)>,
    /// How many updates are asked for or run.
    pub running: usize,
    /// Whose last upgrade can still be rolled back, and until when.
    pub rollback_windows: Vec<(Key, Timestamp)>,
    /// How many objects have each result of each check.
    pub checks: Vec<(CheckCode, CheckResult, i64)>,
    /// When the support of versions ends.
    pub support_ends: Vec<SupportEnd>,
}

/// When the support of a version ends that an object has or asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportEnd {
    /// Of which object.
    pub key: Key,
    /// `current` or `target`.
    pub of: &'static str,
    /// `standard` or `extended`.
    pub support: &'static str,
    /// When.
    pub at: Timestamp,
}

/// All metrics of the process. Labels have few values; only open rollback windows and ends of support name their object.
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
    events: Family<Reason, Counter>,
    overdue: Counter,
    objects: Family<Reason, Gauge>,
    running: Gauge,
    rollback_windows: Family<Object, Gauge<f64, AtomicU64>>,
    checks: Family<CheckOf, Gauge>,
    support_ends: Family<SupportOf, Gauge<f64, AtomicU64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Object {
    namespace: String,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckOf {
    check: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SupportOf {
    namespace: String,
    name: String,
    of: &'static str,
    support: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    operation: String,
    outcome: String,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.002, 2.5, 10))
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("eks_upgrade"),
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
            objects: Family::default(),
            running: Gauge::default(),
            rollback_windows: Family::default(),
            checks: Family::default(),
            support_ends: Family::default(),
        };
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
        r.register(
            "objects",
            "Objects, by the reason of their Ready condition",
            self.objects.clone(),
        );
        r.register(
            "updates_running",
            "Objects with an update asked for or running",
            self.running.clone(),
        );
        r.register_with_unit(
            "rollback_window",
            "For how long the last upgrade of an object can surely still be rolled back, while it can be",
            Unit::Seconds,
            self.rollback_windows.clone(),
        );
        r.register(
            "preflight_checks",
            "Objects with a hop to come, by the results of the checks before it",
            self.checks.clone(),
        );
        r.register(
            "support_end_timestamp_seconds",
            "When standard and extended support end of the version that a cluster has and of the one it is to have, as Unix time",
            self.support_ends.clone(),
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
            .get_or_create(&Reason {
                reason: reason.to_owned(),
            })
            .inc();
    }

    /// An update was found overdue.
    pub fn overdue(&self) {
        self.overdue.inc();
    }

    /// The text that Prometheus scrapes, with the present state of the objects.
    ///
    /// # Errors
    /// Where a metric cannot be written; there is none of that kind.
    pub fn scrape(&self, glance: Glance, now: Timestamp) -> Result<String, std::fmt::Error> {
        let Glance {
            reasons,
            running,
            rollback_windows,
            checks,
            support_ends,
        } = glance;
        for (reason, count) in reasons {
            self.objects
                .get_or_create(&Reason {
                    reason: reason.to_owned(),
                })
                .set(count);
        }
        self.running.set(i64::try_from(running).unwrap_or(i64::MAX));
        self.rollback_windows.clear();
        for (Key { namespace, name }, end) in rollback_windows {
            let left = end.duration_since(now).as_secs_f64();
            self.rollback_windows
                .get_or_create(&Object { namespace, name })
                .set(left.max(0.0));
        }
        for (check, result, count) in checks {
            let of = CheckOf {
                check: check.as_str(),
                result: result.as_str(),
            };
            self.checks.get_or_create(&of).set(count);
        }
        self.support_ends.clear();
        for end in support_ends {
            let SupportEnd {
                key: Key { namespace, name },
                of,
                support,
                at,
            } = end;
            let of = SupportOf {
                namespace,
                name,
                of,
                support,
            };
            self.support_ends
                .get_or_create(&of)
                .set(at.as_duration().as_secs_f64());
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl crate::eks::aws::CallObserver for Metrics {
    fn called(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        self.eks_call(operation, outcome, took);
    }
}
