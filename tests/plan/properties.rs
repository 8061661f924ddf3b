//! What holds for any facts whatsoever, sensible or not.

use std::sync::Arc;

use eks_upgrade_operator::api::{
    ClusterUpgradeStatus, ErrorDetail, HISTORY_LIMIT, Minor, ObservedCluster, Update, UpdateStatus,
};
use eks_upgrade_operator::eks::{
    ClusterView, EksError, ErrorKind, Hosting, OfferedVersion, Progress, UpdateError, UpdateView,
};
use eks_upgrade_operator::plan::{
    Action, Decision, Facts, InvalidSpec, Object, Observed, Outcome, Read, Sent, Settings,
    Standing, Trouble, answered, decide, next_read,
};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::eks::{ARN, error};
use super::world::wish;

/// Facts that own their parts. The values are few, so that they meet: ids, versions and times that are equal or nearly so.
#[derive(Clone, Debug)]
struct Owned {
    object: Object,
    memory: ClusterUpgradeStatus,
    standing: Standing,
    observed: Observed,
    trouble: Option<Trouble>,
    refusals: Option<Trouble>,
    now: Timestamp,
}

fn noon() -> Timestamp {
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

fn error_kind() -> impl Strategy<Value = ErrorKind> {
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

fn failure() -> impl Strategy<Value = EksError> {
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

fn view() -> impl Strategy<Value = UpdateView> {
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
        })
}

fn remembered() -> impl Strategy<Value = Update> {
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
                    requested_at,
                    last_send_at,
                    created_at,
                    finished_at,
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
    )
        .prop_map(|(arn, created_at, version, status, hosting)| ClusterView {
            arn: arn.to_owned(),
            created_at,
            version,
            platform_version: None,
            status: status.to_owned(),
            hosting,
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

fn observed() -> impl Strategy<Value = Observed> {
    let views = vec(view(), 0..4);
    (
        read(view()),
        read(described()),
        read(views),
        read(offered()),
    )
        .prop_map(|(tracked, cluster, updates, versions)| Observed {
            tracked,
            cluster,
            updates,
            versions,
        })
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
    )
        .prop_map(
            |(update, history, cluster, attempts)| ClusterUpgradeStatus {
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
    )
        .prop_map(|(deleting, retry_requested_at, asked, settled_at)| Object {
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
    )
        .prop_map(|(owner, not_allowed, queued_behind)| Standing {
            owner,
            not_allowed,
            queued_behind,
        })
}

fn trouble() -> impl Strategy<Value = Option<Trouble>> {
    option::of((error_kind(), 1_u32..5, 1_u32..5, time()).prop_map(
        |(kind, in_a_row, of_kind, since)| Trouble {
            kind,
            in_a_row,
            of_kind,
            since,
        },
    ))
}

fn owned() -> impl Strategy<Value = Owned> {
    (
        object(),
        memory(),
        standing(),
        observed(),
        trouble(),
        trouble(),
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
                now,
            },
        )
}

fn facts<'a>(
    owned: &'a Owned,
    memory: &'a ClusterUpgradeStatus,
    settings: &'a Settings,
) -> Facts<'a> {
    let Owned {
        object,
        memory: _,
        standing,
        observed,
        trouble,
        refusals,
        now,
    } = owned;
    Facts {
        object,
        memory,
        standing,
        observed,
        trouble: *trouble,
        refusals: *refusals,
        settings,
        now: *now,
    }
}

/// Written anew from the protocol, not from the code under test.
fn assert_may_be_sent(owned: &Owned, decision: &Decision) {
    let Some(Action::Send(request)) = &decision.action else {
        return;
    };
    let wish = owned.object.wish.as_ref().unwrap();
    assert!(!owned.object.deleting && !wish.suspend);
    assert_eq!(owned.standing.owner, None);
    assert_eq!(owned.standing.not_allowed, None);
    let Some(Ok(cluster)) = &owned.observed.cluster else {
        panic!("sent without having seen the cluster")
    };
    assert_eq!(
        (cluster.arn.as_str(), cluster.status.as_str()),
        (ARN, "ACTIVE")
    );
    let from: Minor = cluster.version.parse().unwrap();
    assert_eq!(
        request.version.number(),
        from.number() + 1,
        "a minor is skipped or taken back"
    );
    assert!(request.version <= wish.version, "more than was asked for");
    assert_eq!(request.force, wish.forced == Some(request.version));
    let Some(Ok(updates)) = &owned.observed.updates else {
        panic!("sent without having seen the list")
    };
    let runs = |view: &UpdateView| matches!(view.status, Progress::InProgress | Progress::Other(_));
    assert!(!updates.iter().any(runs), "sent while something runs");
    assert!(
        matches!(&owned.observed.versions, Some(Ok(offered)) if offered.iter().any(|offer| offer.version == request.version))
    );

    let intent = decision.memory.update.as_ref().unwrap();
    assert!(intent.is_open_intent());
    assert_eq!(
        intent.client_request_token.as_ref(),
        Some(&request.client_request_token)
    );
    assert_eq!(intent.last_send_at, Some(owned.now));
    assert_eq!(
        (intent.to_version, intent.force),
        (request.version, request.force)
    );

    let version_updates = updates
        .iter()
        .filter(|view| view.kind.starts_with("Version"));
    let Some(newest) =
        version_updates.max_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)))
    else {
        return;
    };
    let against = newest.kind == "VersionRollback"
        || (matches!(newest.status, Progress::Failed | Progress::Cancelled)
            && newest.to_version.as_deref() == Some(request.version.to_string().as_str()));
    if against {
        let annotation = owned.object.retry_requested_at.as_deref();
        let annotated = annotation
            .and_then(|text| text.parse::<Timestamp>().ok())
            .is_some_and(|at| {
                at <= owned.now && newest.created_at.is_some_and(|created| at > created)
            });
        let edited = owned
            .memory
            .update
            .iter()
            .chain(&owned.memory.history)
            .any(|known| {
                known.id.as_ref() == Some(&newest.id)
                    && known
                        .for_version
                        .is_some_and(|tried| tried != wish.version || known.force != request.force)
            });
        assert!(annotated || edited, "sent against {newest:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deciding_is_total_deterministic_and_safe(owned in owned()) {
        let settings = Settings::default();
        let decision = decide(&facts(&owned, &owned.memory, &settings));
        prop_assert_eq!(&decision, &decide(&facts(&owned, &owned.memory, &settings)));
        assert_may_be_sent(&owned, &decision);

        prop_assert!(decision.memory.attempts >= owned.memory.attempts);
        prop_assert!(decision.memory.history.len() <= HISTORY_LIMIT);
        if let Some(Action::Send(_)) = &decision.action {
            let intent = decision.memory.update.as_ref().unwrap();
            let is_repetition = owned.memory.update.as_ref().is_some_and(|before| {
                before.is_open_intent() && before.client_request_token == intent.client_request_token
            });
            if is_repetition {
                prop_assert_eq!(decision.memory.attempts, owned.memory.attempts);
            } else {
                prop_assert_eq!(intent.attempt, owned.memory.attempts.map(|attempts| attempts + 1));
                prop_assert_eq!(decision.memory.attempts, intent.attempt);
            }
            // Once written it is not asked for again at once.
            let again = decide(&facts(&owned, &decision.memory, &settings));
            prop_assert_eq!(again.action, None);
        }
        if let Outcome::Say(reason, message) = &decision.outcome {
            prop_assert!(!message.is_empty() && message.len() < 32_768, "{reason}: {message}");
        }
        if owned.object.deleting {
            prop_assert_eq!(&decision.outcome, &Outcome::Silent);
            prop_assert_eq!(&decision.memory, &owned.memory);
        }
        // What EKS accepted is not forgotten.
        if let Some(id) = owned.memory.update.as_ref().and_then(|update| update.id.as_ref()) {
            let mut kept = decision.memory.update.iter().chain(&decision.memory.history);
            prop_assert!(kept.any(|update| update.id.as_ref() == Some(id)));
        }
        // Nor is an intent dropped while EKS may have accepted it.
        if let Some(intent) = owned.memory.update.as_ref().filter(|update| update.is_open_intent())
            && let Some(now) = &decision.memory.update
            && now.client_request_token != intent.client_request_token
        {
            let last = intent.last_send_at.or(intent.requested_at);
            prop_assert!(last.is_some_and(|last| owned.now >= last + SignedDuration::from_mins(15)));
        }
    }

    #[test]
    fn asking_comes_to_an_end(owned in owned(), answers in observed()) {
        let settings = Settings::default();
        let mut known = Owned { observed: Observed::default(), ..owned };
        let mut reads = 0;
        while let Some(read) = next_read(&facts(&known, &known.memory, &settings)) {
            reads += 1;
            prop_assert!(reads <= 5);
            let slot = &mut known.observed;
            match read {
                Read::Tracked(_) => slot.tracked = answers.tracked.clone().or(Some(Err(error(ErrorKind::NotFound)))),
                Read::Cluster => slot.cluster = answers.cluster.clone().or(Some(Err(error(ErrorKind::Unavailable)))),
                Read::Updates => slot.updates = answers.updates.clone().or(Some(Ok(Vec::new()))),
                Read::Versions => slot.versions = answers.versions.clone().or(Some(Ok(Arc::from([])))),
            }
        }
        // Then enough is known: no decision asks to be made again at once without having changed anything.
        let decision = decide(&facts(&known, &known.memory, &settings));
        if decision.wake == eks_upgrade_operator::plan::Wake::Now && decision.action.is_none() {
            prop_assert_ne!(&decision.memory, &known.memory, "{:?}", decision.outcome);
        }
    }

    #[test]
    fn an_answer_closes_nothing_but_an_open_intent(owned in owned(), view in view(), failure in failure()) {
        let settings = Settings::default();
        for sent in [Sent::Accepted(view), Sent::NotAccepted(failure), Sent::Dropped] {
            let decision = answered(&owned.memory, &sent, &settings, owned.now);
            prop_assert_eq!(&decision.action, &None);
            prop_assert_eq!(decision.memory.attempts, owned.memory.attempts);
            prop_assert_eq!(&decision.memory.history, &owned.memory.history);
            let is_open = owned.memory.update.as_ref().is_some_and(Update::is_open_intent);
            if !is_open && !matches!(sent, Sent::Accepted(_)) {
                prop_assert_eq!(&decision.memory, &owned.memory);
            }
            if let Some(before) = &owned.memory.update {
                let after = decision.memory.update.as_ref().unwrap();
                prop_assert_eq!(&after.client_request_token, &before.client_request_token);
                prop_assert!(before.id.is_none() || after.id == before.id);
            }
        }
    }
}
