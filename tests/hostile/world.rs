//! One object, its EKS, and a clock that stands still.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use eks_upgrade_operator::controller::{
    Access, Cache, Clock, Context, Fleet, Freezes, Lengths, Limits, Look, Pace, Recall, Waker,
    reconcile,
};
use eks_upgrade_operator::eks::Eks;
use eks_upgrade_operator::leader::Leadership;
use eks_upgrade_operator::metrics::Metrics;
use eks_upgrade_operator::plan::Settings;
use eks_upgrade_operator::store::Key;
use jiff::{SignedDuration, Timestamp};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::ports::Memory;

pub fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Stands still, so that what is written twice is written for no reason.
#[derive(Clone, Copy)]
pub struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        noon()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

pub struct World<E: Eks> {
    pub ctx: Context<E, Memory, Still>,
    pub key: Key,
}

impl<E: Eks> World<E> {
    pub fn new(object: Value, eks: E) -> Self {
        let store = Memory::of(object);
        let key = store.read().key.clone();
        let access = Access {
            rules: None,
            roles: vec!["*=arn:*".parse().unwrap()],
        };
        let ctx = Context {
            eks,
            store,
            clock: Still,
            settings: Settings::default(),
            limits: Limits {
                max_running_updates: 10,
                settle: SignedDuration::ZERO,
            },
            fleet: Fleet::new(access.clone()),
            access,
            freezes: Freezes::default(),
            recall: Recall::default(),
            lengths: Lengths::default(),
            cache: Cache::default(),
            pace: Pace::unbounded(),
            salt: 0,
            waker: Waker::default(),
            metrics: Arc::new(Metrics::default()),
            stopping: Arc::new(AtomicBool::new(false)),
            leadership: Arc::new(Leadership::always()),
        };
        Self { ctx, key }
    }

    /// Looks at the object this often, whether or not it asks for it.
    pub async fn looks(&self, times: usize) {
        for _ in 0..times {
            reconcile(&self.ctx, &self.key, &Look::free())
                .await
                .unwrap();
        }
    }

    /// The reason of the condition Ready, as it is in the API.
    pub fn reason(&self) -> Option<String> {
        let object = self.ctx.store.object();
        let conditions = object.pointer("/status/conditions")?.as_array()?;
        let ready = conditions
            .iter()
            .find(|condition| condition["type"] == "Ready")?;
        Some(ready["reason"].as_str()?.to_owned())
    }
}

/// An object as the API server keeps it.
pub fn object(spec: &Value, status: &Value) -> Value {
    json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "ClusterUpgrade",
        "metadata": {
            "name": "devel",
            "namespace": "team",
            "uid": "8c6b3f5e-0000-4000-8000-000000000001",
            "resourceVersion": "7",
            "generation": 3,
            "creationTimestamp": "2026-11-01T00:00:00Z",
            "annotations": {"eksupgrade.dev/retry-requested-at": "2026-11-22T00:00:00Z"},
        },
        "spec": spec,
        "status": status,
    })
}

/// Holds a promise for so many cases. On a stack of its own: the generators of nested values need more than a test has.
pub fn for_all<S: Strategy>(
    cases: u32,
    shrinks: u32,
    values: impl FnOnce() -> S + Send + 'static,
    hold: impl Fn(S::Value) + Send + 'static,
) {
    let all = move || {
        let mut runner = TestRunner::new(Config {
            cases,
            failure_persistence: None,
            max_shrink_iters: shrinks,
            ..Config::default()
        });
        let outcome = runner.run(&values(), |value| {
            hold(value);
            Ok(())
        });
        outcome.map_err(|error| error.to_string().chars().take(6_000).collect::<String>())
    };
    let run = std::thread::Builder::new()
        .stack_size(32 << 20)
        .spawn(all)
        .unwrap();
    if let Err(said) = run.join().unwrap() {
        panic!("{said}");
    }
}
