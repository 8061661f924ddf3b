//! Who owns a cluster, and whose turn it is.

use super::*;
use crate::api::{
    Check, CheckCode, CheckResult, ClusterUpgradeSpec, Minor, ObservedCluster, PreflightStatus,
    Support, SupportStatus, Update,
};
use crate::metrics::Metrics;

/// A clock that stands still.
#[derive(Clone)]
struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.unsigned_abs())
    }
}

fn glance(fleet: &Fleet) -> Glance {
    fleet.glance(&Settings::default(), &At(0))
}

/// Most of what is tested here does not depend on when it happens.
const AT: Duration = Duration::ZERO;

fn object(name: &str, created: i64, cluster: &str) -> Stored {
    Stored {
        key: Key {
            namespace: "ns".to_owned(),
            name: name.to_owned(),
        },
        uid: format!("uid-{name}"),
        resource_version: "1".to_owned(),
        generation: 1,
        created_at: Timestamp::from_second(created).unwrap(),
        deleting: false,
        retry_requested_at: None,
        labels: BTreeMap::new(),
        body: Ok(Body {
            spec: ClusterUpgradeSpec {
                cluster: ClusterRef {
                    account_id: "111122223333".to_owned(),
                    region: "eu-central-1".to_owned(),
                    name: cluster.to_owned(),
                },
                version: "1.34".to_owned(),
                role_arn: None,
                external_id: None,
                force: None,
                rollback: None,
                preflight: None,
                schedule: None,
                suspend: false,
            },
            status: ClusterUpgradeStatus::default(),
        }),
    }
}

fn running(mut object: Stored, revision: u64) -> Stored {
    object.resource_version = revision.to_string();
    if let Ok(body) = &mut object.body {
        body.status.update = Some(Update {
            id: Some("id".to_owned()),
            kind: "VersionUpdate".to_owned(),
            status: None,
            from_version: Minor::new(33),
            to_version: Minor::new(34),
            for_version: None,
            client_request_token: None,
            attempt: None,
            sends: None,
            force: false,
            timeout: None,
            requested_at: None,
            last_send_at: None,
            created_at: None,
            finished_at: None,
            errors: Vec::new(),
            cancel: None,
        });
    }
    object
}

fn keys(objects: &[&Stored]) -> Vec<Key> {
    objects.iter().map(|object| object.key.clone()).collect()
}

fn cluster(object: &Stored) -> ClusterRef {
    object.body.as_ref().unwrap().spec.cluster.clone()
}

#[test]
fn the_oldest_object_owns_a_cluster_until_it_is_being_deleted() {
    let fleet = Fleet::default();
    let (young, old, other) = (
        object("young", 2, "c"),
        object("old", 1, "c"),
        object("other", 0, "d"),
    );
    assert_eq!(fleet.note(&young, AT), []);
    assert_eq!(fleet.note(&other, AT), []);
    assert_eq!(
        fleet.note(&old, AT),
        keys(&[&young]),
        "the one that lost the cluster is looked at again"
    );
    assert_eq!(
        fleet.owner_other_than(&cluster(&young), &young.uid),
        Some(old.key.clone())
    );
    assert_eq!(fleet.owner_other_than(&cluster(&old), &old.uid), None);

    let deleting = Stored {
        deleting: true,
        resource_version: "2".to_owned(),
        ..old.clone()
    };
    assert_eq!(fleet.note(&deleting, AT), keys(&[&young]));
    assert_eq!(fleet.owner_other_than(&cluster(&young), &young.uid), None);
    assert_eq!(fleet.forget(&old.key, &old.uid, AT), [] as [Key; 0]);
}

#[test]
fn an_object_that_a_relist_does_not_show_owns_nothing() {
    let fleet = Fleet::default();
    let (young, old) = (object("young", 2, "c"), object("old", 1, "c"));
    fleet.note(&old, AT);
    fleet.note(&young, AT);
    let (gone, woken) = fleet.retain(Some("ns"), &HashSet::from([young.key.clone()]), AT);
    assert_eq!((gone, woken), (vec![(old.key, old.uid)], keys(&[&young])));
    assert_eq!(fleet.owner_other_than(&cluster(&young), &young.uid), None);
}

#[test]
fn turns_go_by_age_and_an_old_watch_event_frees_none() {
    let fleet = Fleet::default();
    let (first, second, third) = (
        object("first", 1, "a"),
        object("second", 2, "b"),
        object("third", 3, "c"),
    );
    for object in [&first, &second, &third] {
        fleet.note(object, AT);
    }
    assert_eq!(fleet.claim(&first, 1), Turn::Yours);
    assert_eq!(fleet.claim(&third, 1), Turn::Wait);
    assert_eq!(fleet.claim(&second, 1), Turn::Wait);
    assert_eq!(fleet.note(&running(first.clone(), 5), AT), []);
    assert_eq!(fleet.release(&first), keys(&[&second]));
    assert_eq!(
        fleet.claim(&second, 1),
        Turn::Wait,
        "the update of the first runs by now"
    );
    assert_eq!(
        fleet.note(&first, AT),
        [],
        "an event from before the update started"
    );
    assert_eq!(glance(&fleet).running, 1);

    let done = Stored {
        resource_version: "6".to_owned(),
        ..first.clone()
    };
    assert_eq!(
        fleet.note(&done, AT),
        keys(&[&second]),
        "the oldest that waits"
    );
    assert_eq!(fleet.claim(&third, 1), Turn::Wait, "the second is older");
    assert_eq!(fleet.claim(&second, 1), Turn::Yours);
    assert_eq!(fleet.release(&second), keys(&[&third]));
}

#[test]
fn a_turn_that_was_never_given_back_is_taken_again() {
    let fleet = Fleet::default();
    let first = object("first", 1, "a");
    fleet.note(&first, AT);
    assert_eq!(fleet.claim(&first, 1), Turn::Yours);
    assert_eq!(fleet.claim(&first, 1), Turn::Yours);
    fleet.release(&first);
    let second = object("second", 2, "b");
    fleet.note(&second, AT);
    assert_eq!(fleet.claim(&second, 1), Turn::Yours);
}

#[test]
fn one_that_waits_and_is_deleted_passes_its_turn_on() {
    let fleet = Fleet::default();
    let (first, second) = (object("first", 1, "a"), object("second", 2, "b"));
    for object in [&first, &second] {
        fleet.note(object, AT);
        assert_eq!(fleet.claim(object, 0), Turn::Wait);
    }
    assert_eq!(
        fleet.forget(&first.key, &first.uid, AT),
        keys(&[&second]),
        "it may have been woken for a place that came free"
    );
}

#[test]
fn one_deleted_while_it_is_looked_at_neither_waits_nor_owns_nor_runs() {
    let fleet = Fleet::default();
    let (first, second) = (object("first", 1, "a"), object("second", 2, "a"));
    fleet.note(&first, AT);
    fleet.forget(&first.key, &first.uid, AT);
    fleet.note(&second, AT);
    assert_eq!(fleet.claim(&first, 0), Turn::Wait);
    assert_eq!(fleet.note_written(&running(first.clone(), 5), AT), []);
    assert_eq!(glance(&fleet).running, 0);
    assert_eq!(fleet.owner_other_than(&cluster(&second), &second.uid), None);
    assert_eq!(
        fleet.claim(&second, 1),
        Turn::Yours,
        "nobody stands before it"
    );
}

#[test]
fn what_nobody_follows_any_more_takes_no_place() {
    let fleet = Fleet::default();
    let (first, second) = (object("first", 1, "a"), object("second", 2, "b"));
    fleet.note(&running(first.clone(), 5), AT);
    fleet.note(&second, AT);
    assert_eq!(fleet.claim(&second, 1), Turn::Wait);
    let deleting = Stored {
        deleting: true,
        ..running(first, 6)
    };
    assert_eq!(fleet.note(&deleting, AT), keys(&[&second]));
    assert_eq!(fleet.claim(&second, 1), Turn::Yours);
}

/// An object with these results of the checks, whose version's standard support ends then.
fn checked(mut object: Stored, revision: u64, results: &[(CheckCode, CheckResult)]) -> Stored {
    object.resource_version = revision.to_string();
    if let Ok(body) = &mut object.body {
        body.status.preflight = Some(PreflightStatus {
            version: Minor::new(34),
            result: CheckResult::Failed,
            checks: results
                .iter()
                .map(|(code, result)| Check {
                    code: code.to_string(),
                    result: *result,
                    message: String::new(),
                    findings: Vec::new(),
                    since: Timestamp::UNIX_EPOCH,
                })
                .collect(),
        });
        body.status.support = Some(SupportStatus {
            current: Support {
                version: Minor::new(33),
                end_of_standard_support: Timestamp::from_second(1_000).ok(),
                end_of_extended_support: Timestamp::from_second(2_000).ok(),
            },
            target: Some(Support {
                version: Minor::new(34),
                end_of_standard_support: Timestamp::from_second(3_000).ok(),
                end_of_extended_support: None,
            }),
        });
    }
    object
}

#[test]
fn checks_are_counted_and_ends_of_support_named_while_they_are_known() {
    let fleet = Fleet::default();
    let metrics = Metrics::default();
    let (first, second) = (object("first", 1, "a"), object("second", 2, "b"));
    let count = |fleet: &Fleet, line: &str| {
        let text = metrics.scrape(|| glance(fleet), Timestamp::UNIX_EPOCH);
        let text = text.unwrap();
        let mut lines = text.lines();
        lines.find_map(|it| it.strip_prefix(line)?.trim().parse::<f64>().ok())
    };
    let failed = "eks_upgrade_preflight_checks{check=\"NodeSkew\",result=\"Failed\"}";
    let passed = "eks_upgrade_preflight_checks{check=\"NodeSkew\",result=\"Passed\"}";
    assert_eq!(count(&fleet, failed), Some(0.0));
    let bad = [(CheckCode::NodeSkew, CheckResult::Failed)];
    fleet.note(&checked(first.clone(), 2, &bad), AT);
    fleet.note(&checked(second.clone(), 2, &bad), AT);
    assert_eq!(count(&fleet, failed), Some(2.0));
    let good = [(CheckCode::NodeSkew, CheckResult::Passed)];
    fleet.note(&checked(second.clone(), 3, &good), AT);
    assert_eq!(count(&fleet, failed), Some(1.0));
    assert_eq!(count(&fleet, passed), Some(1.0));
    let end = |of: &str, support: &str| {
        format!(
            "eks_upgrade_support_end_timestamp_seconds{{namespace=\"ns\",name=\"first\",of=\"{of}\",support=\"{support}\"}}"
        )
    };
    assert_eq!(count(&fleet, &end("current", "standard")), Some(1_000.0));
    assert_eq!(count(&fleet, &end("current", "extended")), Some(2_000.0));
    assert_eq!(count(&fleet, &end("target", "standard")), Some(3_000.0));
    assert_eq!(count(&fleet, &end("target", "extended")), None);
    fleet.forget(&first.key, &first.uid, AT);
    assert_eq!(count(&fleet, failed), Some(0.0));
    assert_eq!(count(&fleet, &end("current", "standard")), None);
    // No hop is to come any more.
    let done = Stored {
        resource_version: "4".to_owned(),
        ..second
    };
    fleet.note(&done, AT);
    assert_eq!(count(&fleet, passed), Some(0.0));
}

/// An object with a condition of this reason.
fn with_reason(mut object: Stored, revision: u64, reason: Reason) -> Stored {
    object.resource_version = revision.to_string();
    if let Ok(body) = &mut object.body {
        let now = Timestamp::UNIX_EPOCH;
        body.status.conditions = crate::controller::conditions::of(&[], reason, "m", None, 1, now);
    }
    object
}

#[test]
fn who_is_stalled_is_named_only_while_that_is_so() {
    let fleet = Fleet::default();
    let (one, other) = (object("one", 1, "a"), object("other", 2, "b"));
    fleet.note(&with_reason(one.clone(), 2, Reason::UpdateFailed), AT);
    fleet.note(&with_reason(other.clone(), 2, Reason::Frozen), AT);
    let stalled = |fleet: &Fleet| glance(fleet).stalled;
    assert_eq!(stalled(&fleet), [(one.key.clone(), "UpdateFailed")]);
    fleet.note(&with_reason(one.clone(), 3, Reason::AccessDenied), AT);
    assert_eq!(stalled(&fleet), [(one.key.clone(), "AccessDenied")]);
    // A watch that lags brings back nothing.
    fleet.note(&with_reason(one.clone(), 2, Reason::UpdateFailed), AT);
    assert_eq!(stalled(&fleet), [(one.key.clone(), "AccessDenied")]);
    fleet.note(&with_reason(one.clone(), 4, Reason::UpToDate), AT);
    assert_eq!(stalled(&fleet), []);

    let deleting = Stored {
        deleting: true,
        ..with_reason(other.clone(), 3, Reason::NotAllowed)
    };
    fleet.note(&deleting, AT);
    assert_eq!(stalled(&fleet), []);
    fleet.note(&with_reason(one.clone(), 5, Reason::NotAllowed), AT);
    fleet.forget(&one.key, &one.uid, AT);
    assert_eq!(stalled(&fleet), []);
}

#[test]
fn running_updates_have_an_age_and_are_overdue_after_a_while() {
    let fleet = Fleet::default();
    let first = object("first", 1, "a");
    let mut at_work = running(first.clone(), 2);
    let update = at_work.body.as_mut().unwrap().status.update.as_mut();
    update.unwrap().created_at = Timestamp::from_second(1_000).ok();
    fleet.note(&at_work, AT);
    let overdue_after = Settings::default().overdue_after.as_secs();
    let seen = |second| {
        let glance = fleet.glance(&Settings::default(), &At(second));
        glance.running_updates
    };
    let expected = |is_overdue| crate::metrics::RunningUpdate {
        key: first.key.clone(),
        began: Timestamp::from_second(1_000).ok(),
        is_overdue,
    };
    assert_eq!(seen(999 + overdue_after), [expected(false)]);
    assert_eq!(seen(1_000 + overdue_after), [expected(true)]);
    let deleting = Stored {
        deleting: true,
        resource_version: "3".to_owned(),
        ..at_work.clone()
    };
    fleet.note(&deleting, AT);
    assert_eq!(seen(1_001), []);
    fleet.note(
        &Stored {
            resource_version: "4".to_owned(),
            ..at_work
        },
        AT,
    );
    assert_eq!(seen(1_001).len(), 1);
    fleet.note(
        &Stored {
            resource_version: "5".to_owned(),
            ..first
        },
        AT,
    );
    assert_eq!(seen(1_001), []);
}

#[test]
fn times_in_states_are_counted_from_first_sight_to_deletion() {
    let fleet = Fleet::default();
    let one = object("one", 1, "a");
    let at = Duration::from_secs;
    let time = |second, reason: Reason| {
        let times = fleet.glance(&Settings::default(), &At(second)).state_times;
        let found = times.iter().find(|(name, _)| *name == reason.as_str());
        found.unwrap().1
    };
    fleet.note(&with_reason(one.clone(), 2, Reason::Queued), at(10));
    fleet.note(&with_reason(one.clone(), 3, Reason::Queued), at(15));
    assert_eq!(time(20, Reason::Queued), at(10));
    fleet.note(&with_reason(one.clone(), 4, Reason::Updating), at(30));
    assert_eq!(time(40, Reason::Queued), at(20));
    assert_eq!(time(40, Reason::Updating), at(10));
    fleet.forget(&one.key, &one.uid, at(50));
    assert_eq!(time(99, Reason::Updating), at(20));
}

#[test]
fn a_cluster_is_described_in_labels_of_a_bounded_length() {
    let fleet = Fleet::default();
    let mut one = object("one", 1, "a");
    fleet.note(&one, AT);
    assert_eq!(glance(&fleet).clusters, [], "EKS has not described it yet");
    one.resource_version = "2".to_owned();
    one.body.as_mut().unwrap().status.cluster = Some(ObservedCluster {
        arn: "arn".to_owned(),
        created_at: None,
        version: "1.33".to_owned(),
        platform_version: Some("eks.\n".repeat(99)),
        status: "ACTIVE".to_owned(),
    });
    fleet.note(&one, AT);
    let seen = glance(&fleet).clusters;
    let (key, info) = seen.first().unwrap();
    assert_eq!(*key, one.key);
    assert!(info.platform_version.len() <= 64 && !info.platform_version.contains('\n'));
    let shown = [&info.cluster, &info.region, &info.version, &info.target];
    assert_eq!(shown, ["a", "eu-central-1", "1.33", "1.34"]);
    fleet.forget(&one.key, &one.uid, AT);
    assert_eq!(glance(&fleet).clusters, []);
}

#[test]
fn only_the_replica_that_leads_tells_of_the_objects() {
    let fleet = Fleet::default();
    fleet.note(
        &with_reason(object("one", 1, "a"), 2, Reason::AccessDenied),
        AT,
    );
    let metrics = Metrics::default();
    let names = || {
        let text = metrics
            .scrape(|| glance(&fleet), Timestamp::UNIX_EPOCH)
            .unwrap();
        assert!(text.ends_with("# EOF\n"));
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let stalled =
        "eks_upgrade_stalled{namespace=\"ns\",name=\"one\",reason=\"AccessDenied\"} 1".to_owned();
    let leading = names();
    assert!(leading.contains(&"eks_upgrade_leader 1".to_owned()));
    assert!(leading.contains(&stalled), "{leading:#?}");
    metrics.leading(false);
    let standby = names();
    assert!(standby.contains(&"eks_upgrade_leader 0".to_owned()));
    for word in [
        "name=",
        "eks_upgrade_objects",
        "eks_upgrade_state_",
        "eks_upgrade_updates_running",
        "eks_upgrade_preflight",
    ] {
        assert!(
            !standby.iter().any(|line| line.contains(word)),
            "{word} in {standby:#?}"
        );
        assert!(word == "name=" || leading.iter().any(|line| line.starts_with(word)));
    }
    metrics.leading(true);
    assert!(names().contains(&stalled));
}

/// Lets namespaces that are named, and no other, upgrade everything.
fn only(namespaces: &str) -> Fleet {
    let rules = format!(
        "access: [{{namespaces: {namespaces}, clusters: ['arn:aws:eks:*:*:cluster/*'], ownIdentity: true}}]"
    );
    Fleet::new(Access {
        rules: super::super::AccessFile::parse(&rules).unwrap().access,
        roles: Vec::new(),
    })
}

#[test]
fn who_is_not_let_owns_no_cluster() {
    let fleet = only("[ns]");
    let mut squatter = object("old", 1, "c");
    squatter.key.namespace = "elsewhere".to_owned();
    let rightful = object("young", 2, "c");
    assert_eq!(fleet.note(&squatter, AT), []);
    assert_eq!(fleet.note(&rightful, AT), []);
    assert_eq!(
        fleet.owner_other_than(&cluster(&rightful), &rightful.uid),
        None
    );
    // With a role that it may not use it is not let any more, and the next one is looked at again.
    let younger = object("younger", 3, "c");
    assert_eq!(fleet.note(&younger, AT), []);
    let mut edited = rightful.clone();
    edited.resource_version = "2".to_owned();
    let role = "arn:aws:iam::111122223333:role/x".to_owned();
    edited.body.as_mut().unwrap().spec.role_arn = Some(role);
    assert_eq!(fleet.note(&edited, AT), keys(&[&younger]));
    assert_eq!(
        fleet.owner_other_than(&cluster(&younger), &younger.uid),
        None
    );
}

#[test]
fn who_is_not_let_holds_no_place_among_the_running() {
    let fleet = only("[ns]");
    let mut stranger = object("stranger", 1, "c");
    stranger.key.namespace = "elsewhere".to_owned();
    fleet.note(&running(stranger, 2), AT);
    let own = object("own", 2, "d");
    fleet.note(&own, AT);
    assert_eq!(fleet.claim(&own, 1), Turn::Yours);
    assert_eq!(glance(&fleet).running, 0);
}

/// What may not grow with the number of objects: each look is a call to EKS.
#[test]
fn a_crowd_at_one_cluster_is_not_woken_by_each_of_its_changes() {
    const CROWD: i64 = 1_000;
    let crowd: Vec<Stored> = (0..CROWD)
        .map(|n| object(&format!("o-{n}"), n, "c"))
        .collect();
    let mut mixed: Vec<usize> = (0..crowd.len()).collect();
    fastrand::Rng::with_seed(8).shuffle(&mut mixed);
    let up: Vec<usize> = (0..crowd.len()).collect();
    let down: Vec<usize> = up.iter().rev().copied().collect();
    let most = crowd.len() * (1 + TOLD_OF_A_NEW_OWNER);
    for (come, go) in [
        (&up, &up),
        (&up, &down),
        (&down, &up),
        (&down, &mixed),
        (&mixed, &mixed),
    ] {
        let fleet = Fleet::default();
        let mut woken = 0;
        for at in come {
            woken += fleet.note(&crowd[*at], AT).len();
        }
        assert!(woken <= most, "{woken} as they come");
        let mut woken = 0;
        let mut left: BTreeSet<usize> = up.iter().copied().collect();
        for at in go {
            let gone = &crowd[*at];
            let was_first = left.first() == Some(at);
            left.remove(at);
            let told = fleet.forget(&gone.key, &gone.uid, AT);
            if let Some(first) = left.first().filter(|_| was_first) {
                assert!(told.contains(&crowd[*first].key), "the new owner is told");
            } else {
                assert_eq!(told, []);
            }
            woken += told.len();
        }
        assert!(woken <= most, "{woken} as they go");
    }
}

#[test]
fn both_the_new_owner_and_the_former_one_are_looked_at_however_many_want_a_cluster() {
    let fleet = Fleet::default();
    for n in 10..100 {
        fleet.note(&object(&format!("o-{n}"), n, "c"), AT);
    }
    let (former, new) = (object("o-10", 10, "c"), object("new", 1, "c"));
    assert!(fleet.note(&new, AT).contains(&former.key));
    let moved = Stored {
        resource_version: "2".to_owned(),
        ..object("new", 1, "other")
    };
    assert!(fleet.note(&moved, AT).contains(&former.key));
    // One that comes late changes nothing for the others.
    assert_eq!(fleet.note(&object("late", 1_000, "c"), AT), []);
}

#[test]
fn a_list_of_one_namespace_says_nothing_of_others() {
    let fleet = Fleet::default();
    let of = |namespace: &str, name: &str| {
        let mut object = object(name, 1, name);
        object.key.namespace = namespace.to_owned();
        object
    };
    let objects = [of("a", "z"), of("b", "a"), of("b", "b"), of("b-c", "a")];
    for object in &objects {
        fleet.note(object, AT);
    }
    let (gone, _) = fleet.retain(Some("b"), &HashSet::from([objects[2].key.clone()]), AT);
    assert_eq!(gone, [(objects[1].key.clone(), objects[1].uid.clone())]);
    let (gone, _) = fleet.retain(None, &HashSet::new(), AT);
    assert_eq!(gone.len(), 3);
}
