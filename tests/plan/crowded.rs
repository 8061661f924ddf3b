//! Facts in which several causes meet: an operator's own history of one hop from 1.33 to 1.34, and every cause that can
//! stand in its way, each now and then. Facts of any kind seldom come so far as to have anything sent.

use std::sync::Arc;

use eks_upgrade_operator::api::{ClusterUpgradeStatus, Minor, ObservedCluster, Update};
use eks_upgrade_operator::eks::{
    ClusterView, EksError, ErrorKind, Hosting, OfferedVersion, Progress, UpdateView,
};
use eks_upgrade_operator::plan::{InvalidSpec, Object, Observed, Settings, Standing};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::arbitrary::{error_kind, noon, trouble};
use super::eks::{ARN, error};
use super::evidence::evidence;
use super::gates::{gates, permit, readiness};
use super::owned::Owned;
use super::past::{accepted, ago, closed, intent, lately, minor};
use super::timing::{freeze, freezes, health, hold, policies, window};
use super::world::wish;

fn view() -> impl Strategy<Value = UpdateView> {
    (
        select(vec!["u1", "u2", "u3"]),
        prop_oneof![6 => Just("VersionUpdate"), 2 => Just("VersionRollback"), 1 => Just("VpcConfigUpdate")],
        progress(),
        option::weighted(0.95, minor([1, 2, 8, 1])),
        option::weighted(0.95, lately()),
    )
        .prop_map(|(id, kind, status, to, created_at)| UpdateView {
            id: id.to_owned(),
            kind: kind.to_owned(),
            status,
            to_version: to.map(|to| to.to_string()),
            created_at,
            errors: Vec::new(),
            cancellation: None,
        })
}

pub fn progress() -> impl Strategy<Value = Progress> {
    select(vec![
        Progress::InProgress,
        Progress::Other("Cancelling".to_owned()),
        Progress::Successful,
        Progress::Successful,
        Progress::Failed,
        Progress::Failed,
        Progress::Cancelled,
    ])
}

fn described() -> impl Strategy<Value = ClusterView> {
    (
        prop_oneof![19 => Just(ARN), 1 => Just("arn:aws:eks:eu-central-1:444455556666:cluster/devel")],
        prop_oneof![18 => minor([0, 6, 2, 0]).prop_map(|minor| minor.to_string()), 1 => Just("2.0".to_owned())],
        prop_oneof![8 => Just("ACTIVE"), 2 => Just("UPDATING"), 1 => Just("FAILED")],
        prop_oneof![18 => Just(Hosting::Cloud), 1 => Just(Hosting::Outpost), 1 => Just(Hosting::Connected)],
        (weighted(0.3), weighted(0.3)),
        (hold(), health()),
    )
        .prop_map(|(arn, version, status, hosting, (is_auto_mode, is_standard), (hold, health))| ClusterView {
            arn: arn.to_owned(),
            created_at: Some(ago(900_000)),
            version,
            platform_version: Some("eks.1".to_owned()),
            status: status.to_owned(),
            hosting,
            is_auto_mode,
            support_type: Some(if is_standard { "STANDARD" } else { "EXTENDED" }.to_owned()),
            health,
            hold,
        })
}

pub fn offered() -> impl Strategy<Value = Arc<[OfferedVersion]>> {
    (option::weighted(0.1, 33_u16..36), weighted(0.1)).prop_map(|(without, is_old)| {
        let versions = (33..37).filter(|minor| Some(*minor) != without);
        versions
            .map(|minor| OfferedVersion {
                version: Minor::new(minor),
                status: if is_old && minor < 35 {
                    "UNSUPPORTED".to_owned()
                } else {
                    "STANDARD_SUPPORT".to_owned()
                },
                end_of_standard_support: (minor < 34).then(|| ago(-3_000_000)),
                end_of_extended_support: None,
            })
            .collect()
    })
}

/// An answer to a question, or seldom none.
pub fn read<T: Clone + std::fmt::Debug>(
    answer: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Result<T, EksError>>> {
    prop_oneof![
        19 => answer.prop_map(Ok),
        1 => error_kind().prop_map(|kind| Err(error(kind))),
    ]
    .prop_map(Some)
}

fn tracked() -> impl Strategy<Value = Option<Result<UpdateView, EksError>>> {
    let own = (progress(), option::weighted(0.9, lately())).prop_map(|(status, created_at)| {
        Ok(UpdateView {
            id: "u1".to_owned(),
            kind: "VersionUpdate".to_owned(),
            status,
            to_version: Some("1.34".to_owned()),
            created_at,
            errors: Vec::new(),
            cancellation: None,
        })
    });
    prop_oneof![
        8 => own,
        2 => Just(Err(error(ErrorKind::NotFound))),
        1 => error_kind().prop_map(|kind| Err(error(kind))),
    ]
    .prop_map(Some)
}

/// The upgrade that brought the cluster here, a day ago.
fn brought() -> UpdateView {
    UpdateView {
        id: "u0".to_owned(),
        kind: "VersionUpdate".to_owned(),
        status: Progress::Successful,
        to_version: Some("1.33".to_owned()),
        created_at: Some(ago(100_000)),
        errors: Vec::new(),
        cancellation: None,
    }
}

fn observed() -> impl Strategy<Value = Observed> {
    let views = prop_oneof![2 => Just(Vec::new()), 3 => vec(view(), 1..4)];
    let views = (views, weighted(0.35)).prop_map(|(mut views, is_listed)| {
        views.extend(is_listed.then(brought));
        views
    });
    (
        tracked(),
        read(described()),
        read(views),
        read(offered()),
        gates(),
        evidence(noon()),
    )
        .prop_map(
            |(tracked, cluster, updates, versions, gates, evidence)| Observed {
                evidence,
                tracked,
                cluster,
                updates,
                versions,
                ..gates
            },
        )
}

/// Of what was said: the present one, or the one before.
pub fn generation() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(1), 3 => Just(2)]
}

pub fn condition() -> impl Strategy<Value = Condition> {
    let reasons = select(vec![
        "Updating",
        "EksUnavailable",
        "RequestRejected",
        "PreflightFailed",
        "AccessDenied",
    ]);
    (reasons, generation()).prop_map(|(reason, generation)| Condition {
        type_: "Ready".to_owned(),
        status: "False".to_owned(),
        reason: reason.to_owned(),
        message: "As it was.".to_owned(),
        observed_generation: Some(generation),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
    })
}

fn memory() -> impl Strategy<Value = ClusterUpgradeStatus> {
    let update = prop_oneof![
        3 => Just(None),
        4 => intent().prop_map(Some).boxed(),
        5 => accepted().prop_map(Some).boxed(),
        4 => closed().prop_map(Some).boxed(),
    ];
    let pinned = (weighted(0.05), weighted(0.05)).prop_map(|(is_elsewhere, is_older)| {
        let arn = if is_elsewhere {
            "arn:aws:eks:eu-central-1:444455556666:cluster/devel"
        } else {
            ARN
        };
        ObservedCluster {
            arn: arn.to_owned(),
            created_at: Some(ago(if is_older { 950_000 } else { 900_000 })),
            version: "1.33".to_owned(),
            platform_version: None,
            status: "ACTIVE".to_owned(),
        }
    });
    let past = accepted().prop_map(|update| Update {
        id: Some("u2".to_owned()),
        ..update
    });
    (
        update,
        vec(past, 0..2),
        option::of(pinned),
        prop_oneof![20 => (1_u32..5).prop_map(Some), 1 => Just(None), 1 => Just(Some(u32::MAX))],
        (
            generation(),
            option::weighted(0.7, condition()),
            readiness(),
        ),
    )
        .prop_map(
            |(update, history, cluster, attempts, (generation, condition, rollback))| {
                ClusterUpgradeStatus {
                    observed_generation: Some(generation),
                    cluster,
                    path: Vec::new(),
                    update,
                    attempts,
                    history,
                    rollback,
                    preflight: None,
                    schedule: None,
                    plan: None,
                    support: None,
                    conditions: condition.into_iter().collect(),
                }
            },
        )
}

fn object() -> impl Strategy<Value = Object> {
    let annotation = prop_oneof![
        6 => Just(None),
        3 => lately().prop_map(|at| Some(at.to_string())),
        1 => Just(Some("soon".to_owned())),
    ];
    let version = minor([1, 1, 9, 3]);
    let forced = option::weighted(0.15, minor([0, 0, 3, 1]));
    (
        weighted(0.03),
        weighted(0.06),
        annotation,
        (version, forced, weighted(0.15), permit(), policies()),
        option::weighted(0.2, lately()),
    )
        .prop_map(
            |(
                deleting,
                is_invalid,
                retry_requested_at,
                (version, forced, suspend, rollback, gates),
                settled_at,
            )| {
                let mut asked = wish(&version.to_string());
                asked.forced = forced;
                asked.suspend = suspend;
                asked.rollback = rollback;
                asked.gates = gates;
                Object {
                    name: "team/devel".to_owned(),
                    uid: "uid-1".to_owned(),
                    generation: 2,
                    deleting,
                    retry_requested_at,
                    wish: if is_invalid {
                        Err(InvalidSpec("spec.version: \"x\" is no version".to_owned()))
                    } else {
                        Ok(asked)
                    },
                    settled_at,
                }
            },
        )
}

pub fn standing() -> impl Strategy<Value = Standing> {
    (
        option::weighted(0.08, Just("team/older".to_owned())),
        option::weighted(0.06, Just("Namespace team may not use role R.".to_owned())),
        option::weighted(0.15, Just(10)),
        freezes(),
    )
        .prop_map(|(owner, not_allowed, queued_behind, freezes)| Standing {
            owner,
            not_allowed,
            queued_behind,
            freezes,
        })
}

pub fn crowded() -> impl Strategy<Value = Owned> {
    (
        object().boxed(),
        memory().boxed(),
        standing().boxed(),
        observed().boxed(),
        trouble().boxed(),
        trouble().boxed(),
    )
        .prop_map(
            |(object, memory, standing, observed, trouble, refusals)| Owned {
                object,
                memory,
                standing,
                observed,
                trouble,
                refusals,
                settings: Settings::default(),
                now: noon(),
            },
        )
}

/// Facts in which nothing but the object's own history stands in the way, for what follows a send.
pub fn calm() -> impl Strategy<Value = Owned> {
    crowded().prop_map(|mut owned| {
        let mut asked = wish("1.35");
        if let Ok(gates) = owned.object.wish.and_then(|before| before.gates) {
            let policy = &mut asked.gates.as_mut().unwrap().preflight;
            policy.mode = gates.preflight.mode;
            policy.on_unknown = gates.preflight.on_unknown;
        }
        owned.object.wish = Ok(asked);
        owned.object.deleting = false;
        owned.object.settled_at = None;
        owned.standing = Standing::default();
        owned.memory.cluster = None;
        if let Some(Ok(view)) = &mut owned.observed.cluster {
            "ACTIVE".clone_into(&mut view.status);
            ARN.clone_into(&mut view.arn);
            view.hosting = Hosting::Cloud;
            view.hold = None;
        }
        if let Some(Ok(views)) = &mut owned.observed.updates {
            views.retain(|view| !matches!(view.status, Progress::InProgress | Progress::Other(_)));
        }
        owned
    })
}

/// The same, and some of the gates of time are closed.
pub fn gated() -> impl Strategy<Value = Owned> {
    (calm(), any::<[bool; 4]>()).prop_map(|(mut owned, [held, frozen, closed, bakes])| {
        if let Some(Ok(view)) = &mut owned.observed.cluster {
            view.hold = held.then(|| "ask team-db".to_owned());
        }
        if let Some(Ok(views)) = &mut owned.observed.updates {
            *views = vec![brought()];
        }
        owned
            .standing
            .freezes
            .extend(frozen.then(|| freeze("stop", None, None)));
        if let Ok(Ok(gates)) = owned.object.wish.as_mut().map(|wish| wish.gates.as_mut()) {
            gates
                .windows
                .extend(closed.then(|| window(&["Sat"], "02:00", "4h")));
            gates.bake = SignedDuration::from_hours(if bakes { 24 * 7 } else { 0 });
        }
        owned
    })
}
