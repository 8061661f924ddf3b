//! A send that AWS does not let happen, found out before it is announced.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eks_upgrade_operator::controller::{Pace, Urgency, reconcile};
use eks_upgrade_operator::eks::{EksError, ErrorKind, Target};
use eks_upgrade_operator::store::Key;
use serde_json::json;
use tokio::time::Instant;

use crate::ports::Quiet;
use crate::world::{World, object};

fn target(name: &str) -> Target {
    Target {
        account_id: "111122223333".to_owned(),
        region: "eu-central-1".to_owned(),
        name: name.to_owned(),
        role_arn: None,
        external_id: None,
    }
}

fn throttled() -> Result<(), EksError> {
    Err(EksError {
        kind: ErrorKind::Throttled,
        operation: "eks:DescribeCluster",
        code: "ThrottlingException".to_owned(),
        message: "Rate exceeded".to_owned(),
        request_id: None,
        clock_behind: None,
    })
}

/// What is written first and not sent would be looked for, for twenty minutes.
#[tokio::test(start_paused = true)]
async fn where_aws_takes_nothing_for_a_while_no_intent_is_written() {
    let spec = json!({
        "cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": "devel"},
        "version": "1.34",
    });
    let mut world = World::new(object(&spec, &json!({})), Quiet::default());
    let pace = Arc::new(Pace::new(NonZeroU16::MIN.saturating_add(7), None));
    let other = Key {
        namespace: "team".to_owned(),
        name: "other".to_owned(),
    };
    let elsewhere = pace
        .begin(&other, Some(&target("other")), Urgency::Running)
        .await;
    let is_throttled = Arc::new(AtomicBool::new(true));
    let still = Arc::clone(&is_throttled);
    let meanwhile = move || {
        // As often as makes a pause longer than a call waits for.
        for nth in 1..=8 {
            if still.load(Ordering::Relaxed) {
                // Each was sent after the answer before it.
                let sent_at = Instant::now() + Duration::from_millis(nth);
                elsewhere.answered(&target("other"), &throttled(), sent_at);
            }
        }
    };
    let meanwhile: Box<dyn Fn() + Send + Sync> = Box::new(meanwhile);
    world.ctx.eks.meanwhile = meanwhile.into();

    let look = pace
        .begin(&world.key, Some(&target("devel")), Urgency::Waiting)
        .await;
    let mut next = reconcile(&world.ctx, &world.key, &look).await.unwrap();
    drop(look);
    assert_eq!(world.ctx.eks.sends(), 0);
    let store = &world.ctx.store;
    assert_eq!(
        store.lists.load(Ordering::Relaxed),
        0,
        "nobody asks whether it is frozen"
    );
    for status in store.written() {
        assert_eq!(status.get("update"), None, "{status}");
    }

    is_throttled.store(false, Ordering::Relaxed);
    for _ in 0..100 {
        tokio::time::sleep(next.unwrap()).await;
        let look = pace
            .begin(&world.key, Some(&target("devel")), Urgency::Waiting)
            .await;
        next = reconcile(&world.ctx, &world.key, &look).await.unwrap();
        if world.ctx.eks.sends() > 0 {
            return;
        }
    }
    panic!("it is not sent once AWS takes calls again");
}
