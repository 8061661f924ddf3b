//! Freezes on the way to a send, and whom a change of them wakes.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use eks_upgrade_operator::controller::{FreezeChange, FreezeIntake, Look, Waker, reconcile};
use eks_upgrade_operator::store::{StoreError, Stored, StoredFreeze, Unreadable};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::ports::Quiet;
use crate::world::{World, object};

fn freeze(name: &str, spec: Value) -> StoredFreeze {
    StoredFreeze {
        name: name.to_owned(),
        freeze: serde_json::from_value(spec).map_err(|error| Unreadable(error.to_string())),
    }
}

fn selecting(team: &str) -> StoredFreeze {
    let selector = json!({"matchLabels": {"team": team}});
    freeze(team, json!({"reason": "r", "selector": selector}))
}

fn world() -> World<Quiet> {
    let spec = json!({
        "cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": "devel"},
        "version": "1.34",
    });
    World::new(object(&spec, &json!({})), Quiet::default())
}

#[tokio::test]
async fn the_freezes_are_listed_once_for_a_send_and_for_nothing_else() {
    let world = world();
    let store = &world.ctx.store;
    world.looks(1).await;
    assert_eq!(world.ctx.eks.sends(), 1);
    assert_eq!(store.lists.load(Ordering::Relaxed), 1);
    world.looks(3).await;
    assert_eq!(store.lists.load(Ordering::Relaxed), 1, "it is followed");
}

#[tokio::test]
async fn where_they_cannot_be_listed_nothing_is_written_or_sent() {
    let world = world();
    let store = &world.ctx.store;
    for error in [
        StoreError::Unavailable("away".to_owned()),
        StoreError::Refused("may not".to_owned()),
    ] {
        *store.freezes.lock().unwrap() = Err(error.clone());
        assert_eq!(
            reconcile(&world.ctx, &world.key, &Look::free()).await,
            Err(error)
        );
        assert_eq!((store.written().len(), world.ctx.eks.sends()), (0, 0));
    }
    *store.freezes.lock().unwrap() = Ok(Vec::new());
    world.looks(1).await;
    assert_eq!(world.ctx.eks.sends(), 1, "and its turn was given back");
}

#[tokio::test]
async fn a_label_by_which_no_freeze_selects_is_in_nobodys_way() {
    for (freezes, sent) in [
        (vec![], true),
        (vec![selecting("b")], true),
        (vec![selecting("a")], false),
    ] {
        let world = world();
        let store = &world.ctx.store;
        *store.freezes.lock().unwrap() = Ok(freezes.clone());
        *store.relabelled.lock().unwrap() = Some(json!({"team": "a"}));
        let looked = reconcile(&world.ctx, &world.key, &Look::free()).await;
        assert_eq!(looked.is_ok(), sent, "{looked:?} under {freezes:?}");
        assert_eq!(world.ctx.eks.sends(), usize::from(sent), "{freezes:?}");
        if !sent {
            assert_eq!(looked, Err(StoreError::Conflict), "it is decided on anew");
        }
    }
}

/// An object of this name whose Ready condition has this reason.
fn said(world: &World<Quiet>, name: &str, reason: &str) -> Stored {
    let condition = json!({
        "type": "Ready", "status": "Unknown", "reason": reason, "message": "",
        "lastTransitionTime": "2026-11-20T00:00:00Z",
    });
    let mut raw = world.ctx.store.object();
    raw["metadata"]["name"] = json!(name);
    raw["metadata"]["uid"] = json!(format!("uid-{name}"));
    raw["status"] = json!({"conditions": [condition]});
    raw["spec"]["cluster"]["name"] = json!(name);
    Stored::clone(&crate::ports::read(&raw))
}

#[tokio::test]
async fn a_change_that_counts_wakes_those_with_something_to_do_at_once() {
    let mut world = world();
    let (queue, mut woken) = mpsc::unbounded_channel();
    world.ctx.waker = Waker::default();
    world.ctx.waker.add(None, queue);
    for (name, reason) in [
        ("held", "Frozen"),
        ("queued", "Queued"),
        ("running", "Updating"),
        ("failed", "PreflightFailed"),
        ("done", "UpToDate"),
        ("stuck", "UpdateFailed"),
    ] {
        world
            .ctx
            .fleet
            .note(&said(&world, name, reason), Duration::ZERO);
    }
    let mut new = said(&world, "new", "");
    if let Ok(body) = &mut new.body {
        body.status.conditions.clear();
    }
    world.ctx.fleet.note(&new, Duration::ZERO);
    let mut names = move || {
        let mut names = BTreeSet::new();
        while let Ok(key) = woken.try_recv() {
            names.insert(key.name);
        }
        names
    };
    let all = BTreeSet::from(["failed", "held", "new", "queued", "running"].map(str::to_owned));
    let none = BTreeSet::new();
    names();

    let unreadable = || freeze("odd", json!({"reason": 7}));
    let mut intake = FreezeIntake::default();
    for (change, expected) in [
        (FreezeChange::ListBegins, &none),
        (FreezeChange::Listed(selecting("a")), &none),
        (FreezeChange::ListEnds, &all),
        (FreezeChange::Applied(selecting("a")), &none),
        (FreezeChange::Applied(selecting("b")), &all),
        (FreezeChange::Applied(unreadable()), &all),
        (FreezeChange::Deleted("b".to_owned()), &all),
        (FreezeChange::Deleted("b".to_owned()), &none),
        // A list that breaks off counts for nothing.
        (FreezeChange::ListBegins, &none),
        (FreezeChange::Listed(selecting("c")), &none),
        (FreezeChange::ListBegins, &none),
        (FreezeChange::Listed(selecting("a")), &none),
        (FreezeChange::Listed(unreadable()), &none),
        (FreezeChange::ListEnds, &none),
        // One was deleted while nobody looked.
        (FreezeChange::ListBegins, &none),
        (FreezeChange::Listed(selecting("a")), &none),
        (FreezeChange::ListEnds, &all),
    ] {
        let what = format!("{change:?}");
        intake.take(&world.ctx, change);
        assert_eq!(names(), *expected, "{what}");
    }
}
