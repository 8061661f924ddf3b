//! Who owns a cluster, and whose turn it is.

use super::*;
use crate::api::{Check, ClusterUpgradeSpec, Minor, PreflightStatus, Support, Update};
use crate::metrics::Metrics;

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
    assert_eq!(fleet.note(&young), []);
    assert_eq!(fleet.note(&other), []);
    assert_eq!(
        fleet.note(&old),
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
    assert_eq!(fleet.note(&deleting), keys(&[&young]));
    assert_eq!(fleet.owner_other_than(&cluster(&young), &young.uid), None);
    assert_eq!(fleet.forget(&old.key, &old.uid), [] as [Key; 0]);
}

#[test]
fn an_object_that_a_relist_does_not_show_owns_nothing() {
    let fleet = Fleet::default();
    let (young, old) = (object("young", 2, "c"), object("old", 1, "c"));
    fleet.note(&old);
    fleet.note(&young);
    let (gone, woken) = fleet.retain(Some("ns"), &HashSet::from([young.key.clone()]));
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
        fleet.note(object);
    }
    assert_eq!(fleet.claim(&first, 1), Turn::Yours);
    assert_eq!(fleet.claim(&third, 1), Turn::Wait);
    assert_eq!(fleet.claim(&second, 1), Turn::Wait);
    assert_eq!(fleet.note(&running(first.clone(), 5)), []);
    assert_eq!(fleet.release(&first), keys(&[&second]));
    assert_eq!(
        fleet.claim(&second, 1),
        Turn::Wait,
        "the update of the first runs by now"
    );
    assert_eq!(
        fleet.note(&first),
        [],
        "an event from before the update started"
    );
    assert_eq!(fleet.running(), 1);

    let done = Stored {
        resource_version: "6".to_owned(),
        ..first.clone()
    };
    assert_eq!(fleet.note(&done), keys(&[&second]), "the oldest that waits");
    assert_eq!(fleet.claim(&third, 1), Turn::Wait, "the second is older");
    assert_eq!(fleet.claim(&second, 1), Turn::Yours);
    assert_eq!(fleet.release(&second), keys(&[&third]));
}

#[test]
fn a_turn_that_was_never_given_back_is_taken_again() {
    let fleet = Fleet::default();
    let first = object("first", 1, "a");
    fleet.note(&first);
    assert_eq!(fleet.claim(&first, 1), Turn::Yours);
    assert_eq!(fleet.claim(&first, 1), Turn::Yours);
    fleet.release(&first);
    let second = object("second", 2, "b");
    fleet.note(&second);
    assert_eq!(fleet.claim(&second, 1), Turn::Yours);
}

#[test]
fn one_that_waits_and_is_deleted_passes_its_turn_on() {
    let fleet = Fleet::default();
    let (first, second) = (object("first", 1, "a"), object("second", 2, "b"));
    for object in [&first, &second] {
        fleet.note(object);
        assert_eq!(fleet.claim(object, 0), Turn::Wait);
    }
    assert_eq!(
        fleet.forget(&first.key, &first.uid),
        keys(&[&second]),
        "it may have been woken for a place that came free"
    );
}

#[test]
fn one_deleted_while_it_is_looked_at_neither_waits_nor_owns_nor_runs() {
    let fleet = Fleet::default();
    let (first, second) = (object("first", 1, "a"), object("second", 2, "a"));
    fleet.note(&first);
    fleet.forget(&first.key, &first.uid);
    fleet.note(&second);
    assert_eq!(fleet.claim(&first, 0), Turn::Wait);
    assert_eq!(fleet.note_written(&running(first.clone(), 5)), []);
    assert_eq!(fleet.running(), 0);
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
    fleet.note(&running(first.clone(), 5));
    fleet.note(&second);
    assert_eq!(fleet.claim(&second, 1), Turn::Wait);
    let deleting = Stored {
        deleting: true,
        ..running(first, 6)
    };
    assert_eq!(fleet.note(&deleting), keys(&[&second]));
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
        let text = metrics.scrape(fleet.glance(), Timestamp::UNIX_EPOCH);
        let text = text.unwrap();
        let mut lines = text.lines();
        lines.find_map(|it| it.strip_prefix(line)?.trim().parse::<f64>().ok())
    };
    let failed = "eks_upgrade_preflight_checks{check=\"NodeSkew\",result=\"Failed\"}";
    let passed = "eks_upgrade_preflight_checks{check=\"NodeSkew\",result=\"Passed\"}";
    assert_eq!(count(&fleet, failed), Some(0.0));
    let bad = [(CheckCode::NodeSkew, CheckResult::Failed)];
    fleet.note(&checked(first.clone(), 2, &bad));
    fleet.note(&checked(second.clone(), 2, &bad));
    assert_eq!(count(&fleet, failed), Some(2.0));
    let good = [(CheckCode::NodeSkew, CheckResult::Passed)];
    fleet.note(&checked(second.clone(), 3, &good));
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
    fleet.forget(&first.key, &first.uid);
    assert_eq!(count(&fleet, failed), Some(0.0));
    assert_eq!(count(&fleet, &end("current", "standard")), None);
    // No hop is to come any more.
    let done = Stored {
        resource_version: "4".to_owned(),
        ..second
    };
    fleet.note(&done);
    assert_eq!(count(&fleet, passed), Some(0.0));
}
