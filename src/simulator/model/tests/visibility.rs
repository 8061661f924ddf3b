//! What reads show, and when: lags, lists, and work that no list shows.

use std::collections::BTreeSet;

use super::*;

#[test]
fn describe_cluster_is_behind_at_both_ends_of_an_update() {
    let mut eks = Eks::prod("lags: {status: 40s, version: 1m}");
    let id = eks.start("1.34").unwrap().id;
    eks.pass("39s");
    assert_eq!(eks.shown(), ("1.33".into(), "ACTIVE".into()));
    eks.pass("1s");
    assert_eq!(eks.shown(), ("1.33".into(), "UPDATING".into()));
    eks.pass("9m 20s");
    assert_eq!(eks.status(&id), UpdateStatus::Successful);
    assert_eq!(eks.shown(), ("1.33".into(), "ACTIVE".into()));
    assert_eq!(eks.cluster().unwrap().platform_version, "eks.27");
    eks.pass("1m");
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
}

#[test]
fn what_is_shown_late_counts_at_once() {
    let mut eks = Eks::prod("lags: {status: 1m, version: 1h}");
    eks.start("1.34").unwrap();
    assert_eq!(eks.shown().1, "ACTIVE");
    assert_eq!(code(eks.start("1.34")), "ResourceInUseException");
    eks.pass("10m");
    assert_eq!(eks.shown().0, "1.33");
    let (_, _, message) = refusal(eks.start("1.34"));
    assert!(message.ends_with("from 1.34 to 1.34"), "{message}");
    assert!(eks.start("1.35").is_ok());
}

#[test]
fn lists_and_descriptions_may_miss_an_update_at_first() {
    let mut eks = Eks::prod("lags: {list: 30s, describe: 10s}");
    let id = eks.start("1.34").unwrap().id;
    assert_eq!(code(eks.update(&id)), "ResourceNotFoundException");
    assert!(eks.listed().is_empty());
    eks.pass("10s");
    assert!(eks.update(&id).is_ok());
    assert!(eks.listed().is_empty());
    eks.pass("20s");
    assert_eq!(eks.listed(), [id]);
}

#[test]
fn lists_promise_no_order_but_page_through_everything() {
    let past: Vec<String> = (1..=30)
        .map(|age| format!("{{type: ConfigUpdate, age: {age}h, took: 1m}}"))
        .collect();
    let mut eks = Eks::prod(&format!("history: [{}]", past.join(", ")));
    let first = eks.listed();
    let second = eks.listed();
    assert_ne!(first, second);
    let all: BTreeSet<String> = first.into_iter().collect();
    assert_eq!(all.len(), 30);

    let mut paged = Vec::new();
    let mut page = Page {
        max_results: Some(7),
        next_token: None,
    };
    loop {
        let request = Request::ListUpdates {
            name: "prod".into(),
            scope: Scope::default(),
            page: page.clone(),
        };
        let Response::Updates { ids, next_token } = eks.call(&request).unwrap() else {
            panic!("not a list of updates");
        };
        paged.extend(ids);
        page.next_token = next_token;
        if page.next_token.is_none() {
            break;
        }
    }
    assert_eq!(paged.len(), 30);
    assert_eq!(paged.into_iter().collect::<BTreeSet<_>>(), all);
}

#[test]
fn internal_work_refuses_calls_and_shows_nowhere() {
    let mut eks = Eks::prod("events: [{at: 1m, internalWork: 2m}]");
    eks.pass("1m");
    assert_eq!(eks.shown(), ("1.33".into(), "ACTIVE".into()));
    let (code, status, message) = refusal(eks.start("1.34"));
    assert_eq!((code.as_str(), status), ("ResourceInUseException", 409));
    assert!(eks.listed().is_empty());
    let hidden = message
        .split_whitespace()
        .find(|word| uuid::Uuid::parse_str(word).is_ok());
    let error = eks.update(hidden.unwrap()).unwrap_err();
    assert_eq!(error.code, "ResourceNotFoundException");
    eks.pass("2m");
    assert!(eks.start("1.34").is_ok());
}

#[test]
fn eks_may_be_busy_with_itself_between_two_hops() {
    let mut eks = Eks::prod("durations: {update: 5m, busyAfterUpdate: 3m}");
    eks.start("1.34").unwrap();
    eks.pass("5m");
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
    assert_eq!(code(eks.start("1.35")), "ResourceInUseException");
    eks.pass("3m");
    assert!(eks.start("1.35").is_ok());
}

#[test]
fn somebody_elses_update_is_listed_blocks_and_ends() {
    let mut eks = Eks::prod("events: [{at: 30s, update: {type: VpcConfigUpdate, duration: 1m}}]");
    eks.pass("30s");
    assert_eq!(eks.shown(), ("1.33".into(), "UPDATING".into()));
    let [id] = &eks.listed()[..] else {
        panic!("one update");
    };
    let foreign = eks.update(id).unwrap();
    assert_eq!(foreign.kind, "VpcConfigUpdate");
    assert_eq!(foreign.status, UpdateStatus::InProgress);
    assert_eq!(code(eks.start("1.34")), "ResourceInUseException");
    eks.pass("1m");
    assert_eq!(eks.status(id), UpdateStatus::Successful);
    assert_eq!(eks.shown(), ("1.33".into(), "ACTIVE".into()));
}

#[test]
fn an_add_ons_update_shows_only_under_the_add_on() {
    let mut eks = Eks::prod(
        "events: [{update: {type: AddonUpdate, addonName: coredns, duration: 1m, \
         params: {AddonVersion: v1.11.4-eksbuild.2}}}]",
    );
    assert_eq!(eks.shown().1, "ACTIVE");
    assert!(eks.listed().is_empty());
    let scope = Scope {
        addon_name: Some("coredns".into()),
        nodegroup_name: None,
    };
    let [id] = &eks.listed_in(scope)[..] else {
        panic!("one update");
    };
    assert_eq!(code(eks.update(id)), "ResourceNotFoundException");
    assert_eq!(code(eks.start("1.34")), "ResourceInUseException");
}

#[test]
fn an_update_of_the_future_waits_until_the_cluster_is_free() {
    let mut eks = Eks::prod("events: [{at: 1m, autoUpgrade: true}]");
    let ours = eks.start("1.34").unwrap().id;
    eks.pass("9m");
    assert_eq!(eks.listed(), std::slice::from_ref(&ours));
    eks.pass("1m");
    assert_eq!(eks.status(&ours), UpdateStatus::Successful);
    assert_eq!(eks.listed().len(), 2);
    eks.pass("10m");
    assert_eq!(eks.shown(), ("1.35".into(), "ACTIVE".into()));
}

#[test]
fn a_cluster_created_anew_remembers_nothing() {
    let mut eks = Eks::prod(
        "createdAt: 2026-01-01T00:00:00Z, events: [{at: 20m, delete: true}, \
         {at: 30m, recreate: \"1.32\"}]",
    );
    let before = eks.cluster().unwrap();
    assert_eq!(before.created_at, "2026-01-01T00:00:00Z".parse().unwrap());
    let id = eks.start("1.34").unwrap().id;
    eks.pass("20m");
    assert_eq!(code(eks.cluster()), "ResourceNotFoundException");
    assert_eq!(code(eks.update(&id)), "ResourceNotFoundException");
    eks.pass("10m");
    let after = eks.cluster().unwrap();
    assert_eq!(after.arn, before.arn);
    assert_eq!(after.created_at, eks.now);
    assert_eq!(eks.shown(), ("1.32".into(), "ACTIVE".into()));
    assert!(eks.listed().is_empty());
}

#[test]
fn somebody_can_cancel_a_running_update() {
    let mut eks =
        Eks::prod("durations: {cancellation: 1m}, events: [{at: 2m, cancelUpdate: true}]");
    let id = eks.start("1.34").unwrap().id;
    eks.pass("2m");
    let cancelling = eks.update(&id).unwrap();
    assert_eq!(cancelling.status, UpdateStatus::InProgress);
    assert!(cancelling.cancellation.is_some());
    eks.pass("1m");
    assert_eq!(eks.status(&id), UpdateStatus::Cancelled);
    assert_eq!(eks.shown(), ("1.33".into(), "ACTIVE".into()));
}

#[test]
fn a_foreign_update_started_by_hand_is_refused_while_the_cluster_is_busy() {
    let mut eks = Eks::prod("");
    let key = eks.model.key("prod", None, None);
    let spec = crate::simulator::scenario::ForeignUpdate::default();
    let started = eks.model.start_update(&key, spec.clone(), eks.now).unwrap();
    assert_eq!(eks.listed(), [started.id]);
    let error = eks.model.start_update(&key, spec, eks.now).unwrap_err();
    assert_eq!(error.code, "ResourceInUseException");
    let [truth] = &eks.model.truth(eks.now)[..] else {
        panic!("one cluster");
    };
    assert!(truth.busy);
    assert_eq!(
        truth.updates[0].origin,
        crate::simulator::model::Origin::Foreign
    );
}
