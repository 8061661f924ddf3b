//! What is told of the objects. It is made anew for each scrape: what ceased to be vanishes by itself, and two scrapes at a time
//! do not see each other's halves.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::store::Key;

use super::PREFIX;
use super::glance::{ClusterInfo, Glance, RunningUpdate, SupportEnd};
use super::labels::{ByReason, CheckOf, ClusterOf, Object, ReasonOf, SupportOf};

type Seconds = Gauge<f64, AtomicU64>;

/// Everything about the objects at the moment `now`.
pub fn registry(glance: Glance, now: Timestamp) -> Registry {
    let Glance {
        reasons,
        state_times,
        stalled,
        running,
        running_updates,
        clusters,
        rollback_windows,
        checks,
        support_ends,
    } = glance;
    let mut r = Registry::with_prefix(PREFIX);

    let objects = Family::<ByReason, Gauge>::default();
    for (reason, count) in reasons {
        let reason = reason.to_owned();
        objects.get_or_create(&ByReason { reason }).set(count);
    }
    r.register(
        "objects",
        "Objects, by the reason of their Ready condition",
        objects,
    );

    let seconds = Family::<ByReason, Counter<f64, AtomicU64>>::default();
    for (reason, time) in state_times {
        let reason = reason.to_owned();
        let of = seconds.get_or_create(&ByReason { reason });
        of.inc_by(time.as_secs_f64());
    }
    r.register_with_unit(
        "state",
        "For how long objects were in each state, by the reason of their Ready condition, summed over all objects since this process saw them first: the time spent waiting at each gate",
        Unit::Seconds,
        seconds,
    );

    let family = Family::<ReasonOf, Gauge>::default();
    for (Key { namespace, name }, reason) in stalled {
        let of = ReasonOf {
            namespace,
            name,
            reason,
        };
        family.get_or_create(&of).set(1);
    }
    r.register(
        "stalled",
        "1 for an object that a person must see to, only as long as that is so",
        family,
    );

    updates(&mut r, running, running_updates, now);
    versions(&mut r, clusters, support_ends);

    let windows = Family::<Object, Seconds>::default();
    for (Key { namespace, name }, end) in rollback_windows {
        let of = windows.get_or_create(&Object { namespace, name });
        of.set(end.duration_since(now).as_secs_f64().max(0.0));
    }
    r.register_with_unit(
        "rollback_window",
        "For how long the last upgrade of an object can surely still be rolled back, while it can be",
        Unit::Seconds,
        windows,
    );

    let family = Family::<CheckOf, Gauge>::default();
    for (check, result, count) in checks {
        let of = CheckOf {
            check: check.as_str(),
            result: result.as_str(),
        };
        family.get_or_create(&of).set(count);
    }
    r.register(
        "preflight_checks",
        "Objects with a hop to come, by the results of the checks before it",
        family,
    );
    r
}

fn updates(r: &mut Registry, running: usize, updates: Vec<RunningUpdate>, now: Timestamp) {
    let count = Gauge::<i64>::default();
    count.set(i64::try_from(running).unwrap_or(i64::MAX));
    r.register(
        "updates_running",
        "Objects with an update asked for or running",
        count,
    );
    let (ages, overdue) = (
        Family::<Object, Seconds>::default(),
        Family::<Object, Gauge>::default(),
    );
    for update in updates {
        let RunningUpdate {
            key: Key { namespace, name },
            began,
            is_overdue,
        } = update;
        let object = Object { namespace, name };
        overdue.get_or_create(&object).set(i64::from(is_overdue));
        if let Some(began) = began {
            let age = now.duration_since(began).as_secs_f64();
            ages.get_or_create(&object).set(age.max(0.0));
        }
    }
    r.register_with_unit(
        "running_update",
        "For how long the running update of an object has run",
        Unit::Seconds,
        ages,
    );
    r.register(
        "running_update_overdue",
        "Whether the running update of an object takes longer than --overdue-after, or a rollback longer than its timeout",
        overdue,
    );
}

fn versions(r: &mut Registry, clusters: Vec<(Key, ClusterInfo)>, support_ends: Vec<SupportEnd>) {
    let infos = Family::<ClusterOf, Gauge>::default();
    for (Key { namespace, name }, info) in clusters {
        let ClusterInfo {
            cluster,
            region,
            version,
            platform_version,
            target,
        } = info;
        let of = ClusterOf {
            namespace,
            name,
            cluster,
            region,
            version,
            platform_version,
            target,
        };
        infos.get_or_create(&of).set(1);
    }
    r.register(
        "cluster_info",
        "1 for each object's cluster as EKS described it last, with the version that it has and the one asked for",
        infos,
    );

    let ends = Family::<SupportOf, Seconds>::default();
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
        ends.get_or_create(&of).set(at.as_duration().as_secs_f64());
    }
    r.register(
        "support_end_timestamp_seconds",
        "When standard and extended support end of the version that a cluster has and of the one it is to have, as Unix time",
        ends,
    );
}
