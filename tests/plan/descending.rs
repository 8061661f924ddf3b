//! Facts in which a rollback from 1.34 to 1.33 is mostly permitted, and every cause that can stand in its way meets it now and
//! then. Facts of any kind seldom permit one exactly.

use eks_upgrade_operator::api::{
    Cancel, CancelStatus, ClusterUpgradeStatus, ObservedCluster, RollbackTimeout, Update,
    UpdateStatus,
};
use eks_upgrade_operator::eks::{
    Cancellation, ClusterView, ErrorKind, Hosting, InsightView, NodegroupView, OfferedVersion,
    Progress, RefreshStatus, RefreshView, UpdateView,
};
use eks_upgrade_operator::plan::{
    InvalidSpec, Object, Observed, Readiness, RollbackPermit, Settings, Standing,
};
use jiff::Timestamp;
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::arbitrary::{error_kind, noon, trouble};
use super::crowded::{condition, generation, progress, read, standing};
use super::eks::{ARN, error};
use super::gates::readiness;
use super::owned::Owned;
use super::past::{ago, closed_as, lately, minor, said};
use super::timing::{hold, policies};
use super::world::wish;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// When the upgrade began that is to be undone: around each limit of the window.
fn upgraded() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => select(vec![2 * HOUR, DAY, 6 * DAY]),
        2 => select(vec![7 * DAY - 1, 7 * DAY, 7 * DAY + 2 * HOUR - 1]),
        1 => select(vec![7 * DAY + 2 * HOUR, 7 * DAY + 2 * HOUR + 1, 40 * DAY]),
    ]
    .prop_map(ago)
}

fn timeout() -> impl Strategy<Value = RollbackTimeout> {
    prop_oneof![9 => Just("12h"), 1 => Just("2h")].prop_map(|text| text.parse().unwrap())
}

fn permit() -> impl Strategy<Value = Option<RollbackPermit>> {
    let permit = (
        minor([0, 1, 24, 1]),
        prop_oneof![24 => Just("u1"), 1 => Just("u2"), 1 => Just("r1")],
        timeout(),
    )
        .prop_map(|(from, update_id, timeout)| RollbackPermit {
            from,
            update_id: update_id.to_owned(),
            timeout,
        });
    option::weighted(0.95, permit)
}

fn object() -> impl Strategy<Value = Object> {
    let annotation = prop_oneof![
        9 => Just(None),
        3 => lately().prop_map(|at| Some(at.to_string())),
        1 => Just(Some("soon".to_owned())),
    ];
    (
        weighted(0.02),
        weighted(0.04),
        annotation,
        (
            minor([1, 30, 1, 2]),
            option::weighted(0.2, minor([0, 5, 1, 1])),
            weighted(0.1),
            permit(),
            policies(),
        ),
        option::weighted(0.1, lately()),
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

/// The update that is to be undone, as EKS lists it.
fn undone() -> impl Strategy<Value = UpdateView> {
    (
        prop_oneof![24 => Just(Progress::Successful), 1 => Just(Progress::Failed)],
        prop_oneof![24 => Just(Some("1.34")), 1 => Just(Some("1.33")), 1 => Just(None)],
        option::weighted(0.97, upgraded()),
    )
        .prop_map(|(status, to, created_at)| UpdateView {
            id: "u1".to_owned(),
            kind: "VersionUpdate".to_owned(),
            status,
            to_version: to.map(ToOwned::to_owned),
            created_at,
            errors: Vec::new(),
            cancellation: None,
        })
}

fn rolls_back(status: Progress, created_at: Option<Timestamp>) -> UpdateView {
    UpdateView {
        id: "r1".to_owned(),
        kind: "VersionRollback".to_owned(),
        status,
        to_version: Some("1.33".to_owned()),
        created_at,
        errors: Vec::new(),
        cancellation: None,
    }
}

/// Another update, mostly newer.
fn other() -> impl Strategy<Value = UpdateView> {
    (
        prop_oneof![4 => Just("VersionUpdate"), 1 => Just("VersionRollback"), 2 => Just("VpcConfigUpdate")],
        progress(),
        minor([1, 1, 3, 3]),
        prop_oneof![4 => lately(), 1 => upgraded()],
    )
        .prop_map(|(kind, status, to, created_at)| UpdateView {
            id: "u2".to_owned(),
            kind: kind.to_owned(),
            status,
            to_version: Some(to.to_string()),
            created_at: Some(created_at),
            errors: Vec::new(),
            cancellation: None,
        })
}

fn listed() -> impl Strategy<Value = Vec<UpdateView>> {
    let rollback = (progress(), lately())
        .prop_map(|(status, created_at)| rolls_back(status, Some(created_at)));
    (
        option::weighted(0.93, undone()),
        option::weighted(0.3, rollback),
        option::weighted(0.15, other()),
    )
        .prop_map(|(undone, rollback, other)| {
            undone.into_iter().chain(rollback).chain(other).collect()
        })
}

/// A rollback as status keeps it, but for what became of it.
fn back() -> impl Strategy<Value = Update> {
    (
        minor([0, 1, 30, 1]),
        minor([1, 30, 1, 0]),
        option::weighted(0.9, minor([0, 9, 1, 1])),
        (
            weighted(0.15),
            weighted(0.95),
            option::weighted(0.95, timeout()),
        ),
        (1_u32..4, option::weighted(0.95, lately()), lately()),
    )
        .prop_map(
            |(
                from_version,
                to_version,
                for_version,
                (force, has_token, timeout),
                (sends, last_send_at, requested_at),
            )| Update {
                id: None,
                kind: "VersionRollback".to_owned(),
                status: None,
                from_version,
                to_version,
                for_version,
                client_request_token: has_token.then(|| "token-1".to_owned()),
                attempt: Some(1),
                sends: Some(sends),
                force,
                timeout,
                requested_at: Some(requested_at),
                last_send_at,
                created_at: None,
                finished_at: None,
                errors: Vec::new(),
                cancel: None,
            },
        )
}

fn intent() -> impl Strategy<Value = Update> {
    (back(), weighted(0.35)).prop_map(|(back, is_busy)| Update {
        errors: if is_busy {
            said("ResourceInUseException")
        } else {
            Vec::new()
        },
        ..back
    })
}

fn cancel() -> impl Strategy<Value = Cancel> {
    (
        select(vec![
            None,
            None,
            Some(CancelStatus::Accepted),
            Some(CancelStatus::Refused),
        ]),
        1_u32..4,
        lately(),
        weighted(0.3),
    )
        .prop_map(|(status, sends, at, is_denied)| Cancel {
            client_request_token: "cancel-1".to_owned(),
            status,
            sends,
            requested_at: at,
            last_send_at: at,
            errors: if is_denied {
                said("AccessDeniedException")
            } else {
                Vec::new()
            },
        })
}

/// A rollback that EKS accepted: running, or ended in any way; by this object or by somebody else.
fn accepted() -> impl Strategy<Value = Update> {
    let words = select(vec![
        "InProgress",
        "InProgress",
        "Cancelling",
        "Successful",
        "Failed",
        "Failed",
        "Cancelled",
        "Cancelled",
        "Lost",
    ]);
    (
        back(),
        words,
        weighted(0.8),
        option::weighted(0.95, lately()),
        option::weighted(0.4, cancel()),
    )
        .prop_map(|(back, word, is_ours, created_at, cancel)| Update {
            id: Some("r1".to_owned()),
            status: Some(UpdateStatus::from(word.to_owned())),
            attempt: back.attempt.filter(|_| is_ours),
            client_request_token: back.client_request_token.filter(|_| is_ours),
            sends: back.sends.filter(|_| is_ours),
            requested_at: back.requested_at.filter(|_| is_ours),
            last_send_at: back.last_send_at.filter(|_| is_ours),
            created_at,
            cancel: cancel.filter(|_| is_ours),
            ..back
        })
}

/// The upgrade that is to be undone, as the object remembers it.
fn own_upgrade() -> impl Strategy<Value = Update> {
    (back(), option::weighted(0.97, upgraded()), weighted(0.9)).prop_map(
        |(back, created_at, is_successful)| Update {
            id: Some("u1".to_owned()),
            kind: "VersionUpdate".to_owned(),
            status: Some(if is_successful {
                UpdateStatus::Successful
            } else {
                UpdateStatus::Failed
            }),
            from_version: back.to_version,
            to_version: back.from_version,
            for_version: Some(back.from_version),
            client_request_token: Some("token-0".to_owned()),
            timeout: None,
            created_at,
            requested_at: created_at,
            last_send_at: created_at,
            finished_at: created_at,
            ..back
        },
    )
}

fn memory() -> impl Strategy<Value = ClusterUpgradeStatus> {
    let update = prop_oneof![
        6 => Just(None),
        8 => own_upgrade().prop_map(Some).boxed(),
        4 => intent().prop_map(Some).boxed(),
        6 => accepted().prop_map(Some).boxed(),
        10 => closed_as(back()).prop_map(Some).boxed(),
    ];
    let pinned = (weighted(0.03), weighted(0.03), weighted(0.9)).prop_map(
        |(is_elsewhere, is_older, is_known)| ObservedCluster {
            arn: if is_elsewhere {
                "arn:aws:eks:eu-central-1:444455556666:cluster/devel".to_owned()
            } else {
                ARN.to_owned()
            },
            created_at: Some(ago(if is_older { 9_500_000 } else { 9_000_000 })),
            version: if is_known { "1.34" } else { "1.33" }.to_owned(),
            platform_version: None,
            status: "ACTIVE".to_owned(),
        },
    );
    (
        update,
        option::weighted(0.5, own_upgrade()),
        option::weighted(0.15, accepted()),
        option::weighted(0.7, pinned),
        prop_oneof![20 => (1_u32..5).prop_map(Some), 1 => Just(None), 1 => Just(Some(u32::MAX))],
        (
            generation(),
            option::weighted(0.8, condition()),
            readiness(),
        ),
    )
        .prop_map(
            |(update, upgrade, before, cluster, attempts, (generation, condition, rollback))| {
                let before = before.map(|before| Update {
                    id: Some("r0".to_owned()),
                    status: before
                        .status
                        .filter(|status| !status.is_running())
                        .or(Some(UpdateStatus::Cancelled)),
                    ..before
                });
                let mut history: Vec<_> = before.into_iter().chain(upgrade).collect();
                history.retain(|past| update.as_ref().is_none_or(|update| update.id != past.id));
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

fn described() -> impl Strategy<Value = ClusterView> {
    (
        prop_oneof![29 => Just(ARN), 1 => Just("arn:aws:eks:eu-central-1:444455556666:cluster/devel")],
        prop_oneof![28 => minor([1, 2, 28, 1]).prop_map(|minor| minor.to_string()), 1 => Just("2.0".to_owned())],
        prop_oneof![16 => Just("ACTIVE"), 2 => Just("UPDATING"), 1 => Just("FAILED")],
        prop_oneof![28 => Just(Hosting::Cloud), 1 => Just(Hosting::Outpost), 1 => Just(Hosting::Connected)],
        (weighted(0.6), weighted(0.5)),
        hold(),
    )
        .prop_map(|(arn, version, status, hosting, (is_auto_mode, is_standard), hold)| ClusterView {
            arn: arn.to_owned(),
            created_at: Some(ago(9_000_000)),
            version,
            platform_version: Some("eks.1".to_owned()),
            status: status.to_owned(),
            hosting,
            is_auto_mode,
            support_type: Some(if is_standard { "STANDARD" } else { "EXTENDED" }.to_owned()),
            health: Vec::new(),
            hold,
        })
}

fn offered() -> impl Strategy<Value = Vec<OfferedVersion>> {
    let of_target = prop_oneof![
        12 => Just(Some("STANDARD_SUPPORT")),
        4 => Just(Some("EXTENDED_SUPPORT")),
        2 => Just(Some("UNSUPPORTED")),
        1 => Just(None),
    ];
    of_target.prop_map(|of_target| {
        let offer = |minor: u16, status: &str| OfferedVersion {
            version: format!("1.{minor}").parse().unwrap(),
            status: status.to_owned(),
            end_of_standard_support: None,
            end_of_extended_support: None,
        };
        let others = (34..37).map(|minor| offer(minor, "STANDARD_SUPPORT"));
        of_target
            .into_iter()
            .map(|status| offer(33, status))
            .chain(others)
            .collect()
    })
}

/// What is asked before a rollback: mostly nothing against it.
fn gates() -> impl Strategy<Value = Observed> {
    let group =
        prop_oneof![8 => Just("1.33"), 2 => Just("1.32"), 4 => Just("1.34"), 1 => Just("?")]
            .prop_map(|version| NodegroupView {
                name: "workers".to_owned(),
                version: version.to_owned(),
            });
    let failed = RefreshStatus::Failed("FAILED".to_owned());
    let status = prop_oneof![
        14 => Just(RefreshStatus::Completed),
        1 => Just(RefreshStatus::None),
        2 => Just(RefreshStatus::InProgress),
        2 => Just(failed),
    ];
    let ended_at = prop_oneof![
        12 => lately(),
        1 => select(vec![HOUR - 1, HOUR, HOUR + 1, DAY]).prop_map(ago),
    ];
    let refresh =
        (status, option::weighted(0.97, ended_at)).prop_map(|(status, ended_at)| RefreshView {
            status,
            started_at: None,
            ended_at,
        });
    let word = prop_oneof![
        3 => Just("PASSING"),
        3 => Just("WARNING"),
        2 => Just("ERROR"),
        2 => Just("UNKNOWN"),
        1 => Just("SOMETHING_NEW"),
    ];
    let insight = word.prop_map(|status| InsightView {
        id: "i1".to_owned(),
        name: "Kubelet version skew".to_owned(),
        status: status.to_owned(),
        reason: "As EKS says.".to_owned(),
    });
    let shown = (vec(insight.clone(), 0..3), offered()).prop_map(|(insights, offered)| Readiness {
        insights,
        offered: offered.into(),
    });
    (
        read(vec(group, 0..2)),
        read(refresh),
        read(vec(insight, 0..3)),
        read(shown),
    )
        .prop_map(|(nodegroups, refresh, insights, readiness)| Observed {
            nodegroups,
            refresh,
            insights,
            readiness,
            ..Observed::default()
        })
}

fn tracked()
-> impl Strategy<Value = Option<Result<UpdateView, eks_upgrade_operator::eks::EksError>>> {
    let word = select(vec!["InProgress", "Successful", "Failed"]);
    let cancellation = option::weighted(
        0.15,
        word.prop_map(|word| Cancellation {
            status: word.to_owned(),
            reason: String::new(),
        }),
    );
    let status = prop_oneof![4 => Just(Progress::InProgress), 5 => progress()];
    let own = (status, option::weighted(0.9, lately()), cancellation).prop_map(
        |(status, created_at, cancellation)| {
            Ok(UpdateView {
                cancellation,
                ..rolls_back(status, created_at)
            })
        },
    );
    prop_oneof![
        16 => own,
        2 => Just(Err(error(ErrorKind::NotFound))),
        1 => error_kind().prop_map(|kind| Err(error(kind))),
    ]
    .prop_map(Some)
}

fn observed() -> impl Strategy<Value = Observed> {
    (
        tracked(),
        read(described()),
        read(listed()),
        read(offered()),
        gates(),
    )
        .prop_map(|(tracked, cluster, updates, versions, gates)| Observed {
            tracked,
            cluster,
            updates,
            versions: versions.map(|read| read.map(Into::into)),
            ..gates
        })
}

pub fn descending() -> impl Strategy<Value = Owned> {
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

/// Facts in which nothing but the object's own history stands in the way of the rollback, for what follows a send.
pub fn calm() -> impl Strategy<Value = Owned> {
    descending().prop_map(|mut owned| {
        let permit = owned.object.wish.ok().and_then(|wish| wish.rollback);
        let timeout = permit.map_or(RollbackTimeout::DEFAULT, |permit| permit.timeout);
        let mut asked = wish("1.33");
        asked.rollback = Some(RollbackPermit {
            from: "1.34".parse().unwrap(),
            update_id: "u1".to_owned(),
            timeout,
        });
        owned.object.wish = Ok(asked);
        owned.object.deleting = false;
        owned.object.settled_at = None;
        owned.standing = Standing::default();
        owned.memory.cluster = None;
        if let Some(Ok(view)) = &mut owned.observed.cluster {
            "ACTIVE".clone_into(&mut view.status);
            ARN.clone_into(&mut view.arn);
            view.hosting = Hosting::Cloud;
            "1.34".clone_into(&mut view.version);
            view.hold = None;
        }
        owned.observed.nodegroups = Some(Ok(Vec::new()));
        if let Some(Ok(refresh)) = &mut owned.observed.refresh {
            refresh.status = RefreshStatus::Completed;
        }
        if let Some(Ok(views)) = &mut owned.observed.updates {
            views.retain(|view| !matches!(view.status, Progress::InProgress | Progress::Other(_)));
        }
        owned
    })
}

/// Facts in which a rollback of this object runs that the manifest no longer asks for, and mostly nothing forbids to stop it.
pub fn withdrawn() -> impl Strategy<Value = Owned> {
    let running = (back(), option::weighted(0.3, cancel()), lately()).prop_map(
        |(back, cancel, created_at)| Update {
            id: Some("r1".to_owned()),
            status: Some(UpdateStatus::InProgress),
            client_request_token: Some("token-1".to_owned()),
            created_at: Some(created_at),
            cancel,
            ..back
        },
    );
    let version = minor([1, 2, 9, 3]);
    let status = prop_oneof![9 => Just("ACTIVE"), 1 => Just("UPDATING")];
    let view = (
        prop_oneof![9 => Just(Progress::InProgress), 1 => Just(Progress::Other("Cancelling".to_owned()))],
        lately(),
        option::weighted(
            0.15,
            select(vec!["InProgress", "Successful", "Failed"]).prop_map(|word| Cancellation {
                status: word.to_owned(),
                reason: String::new(),
            }),
        ),
        prop_oneof![19 => Just("VersionRollback"), 1 => Just("VersionUpdate")],
    )
        .prop_map(|(status, created_at, cancellation, kind)| UpdateView {
            kind: kind.to_owned(),
            cancellation,
            ..rolls_back(status, Some(created_at))
        });
    (descending(), running, version, status, weighted(0.9), view).prop_map(
        |(mut owned, running, version, status, is_auto_mode, view)| {
            if let Ok(wish) = &mut owned.object.wish {
                wish.version = version;
            }
            owned.memory.update = Some(running);
            owned.observed.tracked = Some(Ok(view));
            if let Some(Ok(view)) = &mut owned.observed.cluster {
                status.clone_into(&mut view.status);
                view.is_auto_mode = is_auto_mode;
            }
            owned
        },
    )
}
