//! Facts of any kind, sensible or not. The values are few, so that they meet: ids, versions and times that are equal or
//! nearly so.

use std::sync::Arc;

use eks_upgrade_operator::api::{
    ClusterUpgradeStatus, ErrorDetail, Minor, ObservedCluster, RollbackTimeout, Update,
    UpdateStatus,
};
use eks_upgrade_operator::eks::{
    ClusterView, EksError, ErrorKind, Hosting, OfferedVersion, Progress, UpdateError, UpdateView,
};
use eks_upgrade_operator::plan::{InvalidSpec, Object, Observed, Settings, Standing, Trouble};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::eks::{ARN, error};
use super::evidence::evidence;
use super::gates::{gates, readiness};
use super::owned::Owned;
use super::timing::{freezes, health, hold, policies};
use super::world::wish;

pub fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-40_i64..40).prop_map(|minutes| noon() + SignedDuration::from_mins(minutes))
}

fn minor() -> impl Strategy<Value = Minor> {
    (32_u16..37).prop_map(Minor::new)
}

fn id() -> impl Strategy<Value = String> {
    (1..5).prop_map(|n| format!("u{n}"))
}

fn kind() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("VersionUpdate"),
        2 => Just("VersionRollback"),
        1 => Just("VpcConfigUpdate"),
    ]
    .prop_map(ToOwned::to_owned)
}

pub fn error_kind() -> impl Strategy<Value = ErrorKind> {
    prop::sample::select(vec![
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::InUse,
        ErrorKind::InvalidState,
        ErrorKind::InvalidParameter,
        ErrorKind::Rejected,
        ErrorKind::NotFound,
        ErrorKind::AccessDenied,
        ErrorKind::CredentialsRefused,
        ErrorKind::CredentialsMissing,
        ErrorKind::ClockSkew,
    ])
}

pub fn failure() -> impl Strategy<Value = EksError> {
    error_kind().prop_map(error)
}

fn progress() -> impl Strategy<Value = Progress> {
    prop::sample::select(vec![
        Progress::InProgress,
        Progress::Successful,
        Progress::Failed,
        Progress::Cancelled,
        Progress::Other("Cancelling".to_owned()),
    ])
}

pub fn view() -> impl Strategy<Value = UpdateView> {
    (
        id(),
        kind(),
        progress(),
        option::of(minor()),
        option::weighted(0.9, time()),
    )
        .prop_map(|(id, kind, status, to, created_at)| UpdateView {
            id,
            kind,
            errors: if status == Progress::Failed {
                vec![UpdateError {
                    code: "Unknown".to_owned(),
                    message: String::new(),
                    resource_ids: Vec::new(),
                }]
            } else {
                Vec::new()
            },
            status,
            to_version: to.map(|to| to.to_string()),
            created_at,
            cancellation: None,
        })
}

pub fn remembered() -> impl Strategy<Value = Update> {
    let words = [
        "InProgress",
        "Successful",
        "Failed",
        "Cancelled",
        "Refused",
        "NotSent",
        "Lost",
        "Cancelling",
    ];
    let status = prop::sample::select(words.to_vec());
    (
        (
            option::of(id()),
            kind(),
            option::of(status),
            minor(),
            minor(),
            option::of(minor()),
        ),
        (
            option::of(0_u32..9),
            option::of(0_u32..4),
            any::<bool>(),
            any::<bool>(),
        ),
        (
            option::of(time()),
            option::of(time()),
            option::of(time()),
            option::of(time()),
        ),
    )
        .prop_map(
            |(
                (id, kind, status, from_version, to_version, for_version),
                (attempt, sends, force, erred),
                times,
            )| {
                let (requested_at, last_send_at, created_at, finished_at) = times;
                let is_rollback = kind == "VersionRollback";
                Update {
                    id,
                    kind,
                    status: status.map(|word| UpdateStatus::from(word.to_owned())),
                    from_version,
                    to_version,
                    for_version,
                    client_request_token: attempt.map(|attempt| format!("token-{attempt}")),
                    attempt,
                    sends,
                    force,
                    timeout: is_rollback.then_some(RollbackTimeout::DEFAULT),
                    requested_at,
                    last_send_at,
                    created_at,
                    finished_at,
                    cancel: None,
                    errors: erred
                        .then(|| ErrorDetail {
                            error_code: "ResourceInUseException".to_owned(),
                            error_message: "busy".to_owned(),
                            resource_ids: Vec::new(),
                        })
                        .into_iter()
                        .collect(),
                }
            },
        )
}

fn described() -> impl Strategy<Value = ClusterView> {
    (
        prop_oneof![9 => Just(ARN), 1 => Just("arn:aws:eks:eu-central-1:444455556666:cluster/devel")],
        option::weighted(0.9, Just(noon())),
        prop_oneof![9 => minor().prop_map(|minor| minor.to_string()), 1 => Just("2.0".to_owned())],
        prop_oneof![6 => Just("ACTIVE"), 2 => Just("UPDATING"), 1 => Just("FAILED")],
        prop_oneof![9 => Just(Hosting::Cloud), 1 => Just(Hosting::Outpost)],
        (hold(), health()),
    )
        .prop_map(|(arn, created_at, version, status, hosting, (hold, health))| ClusterView {
            arn: arn.to_owned(),
            created_at,
            version,
            platform_version: None,
            status: status.to_owned(),
            hosting,
            is_auto_mode: status == "ACTIVE",
            support_type: None,
            health,
            hold,
        })
}

fn offered() -> impl Strategy<Value = Arc<[OfferedVersion]>> {
    let offer = |version| OfferedVersion {
        version,
        status: "STANDARD_SUPPORT".to_owned(),
        end_of_standard_support: None,
        end_of_extended_support: None,
    };
    prop_oneof![
        4 => Just((30..40).map(Minor::new).collect::<Vec<_>>()),
        1 => vec(minor(), 0..4),
    ]
    .prop_map(move |versions| versions.into_iter().map(offer).collect())
}

fn read<T: Clone + std::fmt::Debug>(
    answer: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Result<T, EksError>>> {
    prop_oneof![
        8 => answer.prop_map(|answer| Some(Ok(answer))),
        1 => failure().prop_map(|error| Some(Err(error))),
        1 => Just(None),
    ]
}

pub fn observed() -> impl Strategy<Value = Observed> {
    let views = vec(view(), 0..4);
    (
        read(view()),
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

fn memory() -> impl Strategy<Value = ClusterUpgradeStatus> {
    let pinned = described().prop_map(|view| ObservedCluster {
        arn: view.arn,
        created_at: view.created_at,
        version: view.version,
        platform_version: None,
        status: view.status,
    });
    (
        option::weighted(0.8, remembered()),
        vec(remembered(), 0..3),
        option::of(pinned),
        0_u32..20,
        readiness(),
    )
        .prop_map(
            |(update, history, cluster, attempts, rollback)| ClusterUpgradeStatus {
                rollback,
                preflight: None,
                schedule: None,
                plan: None,
                support: None,
                observed_generation: Some(1),
                cluster,
                path: Vec::new(),
                // As the operator leaves it: no attempt above the high-water mark.
                attempts: update
                    .iter()
                    .chain(&history)
                    .filter_map(|update| update.attempt)
                    .chain([attempts])
                    .max(),
                update,
                history,
                conditions: Vec::new(),
            },
        )
}

fn object() -> impl Strategy<Value = Object> {
    (
        prop::bool::weighted(0.1),
        option::of(prop_oneof![3 => time().prop_map(|at| at.to_string()), 1 => ".*"]),
        prop_oneof![9 => (minor(), option::of(minor()), prop::bool::weighted(0.2)).prop_map(Some), 1 => Just(None)],
        option::weighted(0.2, time()),
        policies(),
    )
        .prop_map(|(deleting, retry_requested_at, asked, settled_at, gates)| Object {
            name: "team/devel".to_owned(),
            uid: "uid-1".to_owned(),
            generation: 2,
            deleting,
            retry_requested_at,
            wish: asked.map_or_else(
                || Err(InvalidSpec("spec.version: \"x\" is no version".to_owned())),
                |(version, forced, suspend)| {
                    let mut wish = wish(&version.to_string());
                    wish.forced = forced;
                    wish.suspend = suspend;
                    wish.gates = gates;
                    Ok(wish)
                },
            ),
            settled_at,
        })
}

fn standing() -> impl Strategy<Value = Standing> {
    let rarely = |text: &'static str| option::weighted(0.1, Just(text.to_owned()));
    (
        rarely("team/older"),
        rarely("Not allowed."),
        option::weighted(0.2, Just(10)),
        freezes(),
    )
        .prop_map(|(owner, not_allowed, queued_behind, freezes)| Standing {
            owner,
            not_allowed,
            queued_behind,
            freezes,
        })
}

pub fn trouble() -> impl Strategy<Value = Option<Trouble>> {
    option::of((error_kind(), 1_u32..5, 1_u32..5, time()).prop_map(
        |(kind, in_a_row, of_kind, since)| Trouble {
            kind,
            in_a_row,
            of_kind,
            since,
        },
    ))
}

pub fn owned() -> impl Strategy<Value = Owned> {
    (
        object().boxed(),
        memory().boxed(),
        standing().boxed(),
        observed().boxed(),
        trouble().boxed(),
        trouble().boxed(),
        time(),
    )
        .prop_map(
            |(object, memory, standing, observed, trouble, refusals, now)| Owned {
                object,
                memory,
                standing,
                observed,
                trouble,
                refusals,
                settings: Settings::default(),
                now,
            },
        )
}
