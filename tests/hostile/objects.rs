//! Objects: arbitrary JSON, and real ones with something in them replaced, as far as a status and its Events.

use eks_upgrade_operator::store::{Body, Stored};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::bounds::{assert_conditions, assert_published, assert_status, can_be};
use crate::json::{arbitrary, changed, changes, odd_string};
use crate::ports::Quiet;
use crate::world::{World, for_all, object};

const ANNOTATION: &str = "eksupgrade.dev/retry-requested-at";

pub fn spec() -> Value {
    json!({
        "cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": "devel"},
        "version": "1.35",
        "roleArn": "arn:aws:iam::111122223333:role/eks-upgrades",
        "externalId": "a-b-c",
        "force": {"version": "1.34", "reason": "read and accepted"},
        "suspend": false,
    })
}

fn update(n: u8, status: &str) -> Value {
    json!({
        "id": format!("00000000-0000-4000-8000-0000000001{n:02}"),
        "type": "VersionUpdate",
        "status": status,
        "fromVersion": "1.32",
        "toVersion": "1.33",
        "forVersion": "1.33",
        "clientRequestToken": "b24fbbdf-3737-5900-85e4-3b1084362457",
        "attempt": n,
        "sends": 1,
        "requestedAt": "2026-11-20T00:00:00Z",
        "lastSendAt": "2026-11-20T00:00:00Z",
        "createdAt": "2026-11-20T00:00:01Z",
        "finishedAt": "2026-11-20T00:10:00Z",
        "errors": [{"errorCode": "Unknown", "errorMessage": "no", "resourceIds": ["subnet-1", "subnet-2"]}],
    })
}

/// Statuses that the operator writes in the course of an upgrade.
pub fn statuses() -> Vec<Value> {
    let history: Vec<_> = (1..=10).map(|n| update(n, "Successful")).collect();
    let conditions = json!([
        {"type": "Ready", "status": "Unknown", "reason": "Updating", "message": "EKS upgrades it.", "observedGeneration": 3,
         "lastTransitionTime": "2026-11-20T00:00:00Z"},
        {"type": "Reconciling", "status": "True", "reason": "Updating", "message": "EKS upgrades it.", "observedGeneration": 3,
         "lastTransitionTime": "2026-11-20T00:00:00Z"},
        {"type": "Reviewed", "status": "True", "reason": "ByHand", "message": "", "lastTransitionTime": "2026-11-20T00:00:00Z"},
    ]);
    let cluster = json!({
        "arn": "arn:aws:eks:eu-central-1:111122223333:cluster/devel",
        "version": "1.33",
        "platformVersion": "eks.12",
        "status": "ACTIVE",
    });
    let with = |update: Value| {
        json!({
            "observedGeneration": 3, "cluster": cluster, "path": ["1.34", "1.35"], "update": update, "attempts": 10,
            "history": history, "conditions": conditions,
        })
    };
    let mut intent = update(10, "");
    for answered in ["id", "status", "createdAt", "finishedAt", "errors"] {
        intent.as_object_mut().unwrap().remove(answered);
    }
    let mut refused = update(10, "Refused");
    refused.as_object_mut().unwrap().remove("id");
    vec![
        json!({}),
        with(intent),
        with(refused),
        with(update(11, "InProgress")),
        with(update(11, "Successful")),
        with(update(10, "Failed")),
        with(update(10, "Lost")),
    ]
}

/// Objects of which anything may be changed that is not the API server's own.
fn real() -> impl Strategy<Value = Value> {
    let parts = select(statuses()).prop_map(|status| json!({"spec": spec(), "status": status}));
    (parts, changes(4)).prop_map(|(parts, changes)| changed(parts, &changes))
}

fn anything() -> impl Strategy<Value = Value> {
    (arbitrary(), arbitrary()).prop_map(|(spec, status)| json!({"spec": spec, "status": status}))
}

fn ids(stored: &Stored) -> Vec<String> {
    let Ok(Body { spec: _, status }) = &stored.body else {
        return Vec::new();
    };
    status
        .history
        .iter()
        .chain(&status.update)
        .filter_map(|update| update.id.clone())
        .collect()
}

/// Looks at an object until there is nothing left to do, and holds what came of it against everything that is promised.
async fn hold(parts: &Value, annotation: &str, deleting: bool) {
    let mut raw = object(&parts["spec"], &parts["status"]);
    raw["metadata"]["annotations"][ANNOTATION] = json!(annotation);
    if deleting {
        raw["metadata"]["deletionTimestamp"] = json!("2026-11-23T11:00:00Z");
    }
    if !can_be(&raw) {
        return;
    }
    let world = World::new(raw.clone(), Quiet::default());
    let store = &world.ctx.store;
    let before = store.read();
    world.looks(6).await;
    let after = store.read();
    let written = store.written();

    if deleting {
        assert_eq!(
            written.len() + store.published().len() + world.ctx.eks.sends(),
            0
        );
        return;
    }
    for note in &store.published() {
        assert_published(note);
    }
    match &before.body {
        Ok(before_body) => {
            for status in &written {
                assert_status(status, &store.object());
            }
            let known = ids(&after);
            let is_full = |stored: &Stored| {
                stored
                    .body
                    .as_ref()
                    .is_ok_and(|body| body.status.history.len() >= 10)
            };
            for id in ids(&before) {
                assert!(known.contains(&id) || is_full(&after), "{id} is forgotten");
            }
            let attempts = after.body.as_ref().unwrap().status.attempts;
            assert!(attempts >= before_body.status.attempts, "{attempts:?}");
            let reason = world.reason();
            assert!(reason.is_some(), "nothing is said: {before:?}");
        }
        // Conditions that cannot be read are the one thing that is mended: then it goes on as any other.
        Err(_) if after.body.is_ok() => assert_ne!(world.reason(), None),
        Err(why) => {
            assert!(why.0.len() <= 1024);
            assert_eq!(world.reason().as_deref(), Some("InvalidSpec"));
            assert!(written.len() <= 2, "{}", written.len());
            assert_eq!(world.ctx.eks.sends(), 0);
            let now = store.object()["status"].clone();
            assert_conditions(&now);
            for (field, value) in raw["status"].as_object().into_iter().flatten() {
                if field != "conditions" && field != "observedGeneration" {
                    assert_eq!(now[field], *value, "{field} was touched");
                }
            }
        }
    }
    assert!(world.ctx.eks.sends() <= 1);
    // Said and done: looking again changes nothing.
    world.looks(2).await;
    let later = store.written().len();
    assert_eq!(
        later,
        written.len(),
        "{:?} and then {:?}",
        world.reason(),
        after
    );
}

fn hold_for_all<S: Strategy<Value = Value> + 'static>(cases: u32, parts: fn() -> S) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let objects = move || (parts(), odd_string(), prop::bool::weighted(0.05));
    for_all(cases, 300, objects, move |(parts, annotation, deleting)| {
        runtime.block_on(hold(&parts, &annotation, deleting));
    });
}

#[test]
fn a_real_object_with_anything_replaced_is_answered_within_bounds() {
    hold_for_all(1_000, real);
}

#[test]
fn an_object_of_anything_at_all_is_answered_within_bounds() {
    hold_for_all(400, anything);
}
