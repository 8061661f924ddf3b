use serde_json::json;

use super::fixture::{Fixture, name, with};

const MINOR: &str = "must be a Kubernetes minor version as EKS names it, such as \"1.34\": no patch, no prefix v, no spaces, no leading zero, no words like latest";
const UPDATE_ID: &str = "must be the id of the update to undo, as status.rollback.updateId or aws eks list-updates shows it, such as \"0b6c1d3e-6f0a-4a55-9b3f-2f0c5a1d7e42\"";
const ID: &str = "0b6c1d3e-6f0a-4a55-9b3f-2f0c5a1d7e42";

#[tokio::test]
async fn names_the_version_before_and_the_update_to_undo() {
    let fixture = Fixture::new().await;
    for rollback in [
        json!({"fromVersion": "1.35", "updateId": ID}),
        json!({"fromVersion": "1.35", "updateId": ID, "timeout": "2h"}),
        json!({"fromVersion": "1.35", "updateId": ID, "timeout": "150m"}),
        json!({"fromVersion": "1.35", "updateId": ID, "timeout": "12h0m0s"}),
        json!({"fromVersion": "1.35", "updateId": ID, "timeout": "168h"}),
    ] {
        fixture.accepts(&with(&[("/rollback", rollback)])).await;
    }
}

/// It may stay in Git for ever, whatever the version becomes.
#[tokio::test]
async fn is_in_the_way_of_no_other_version() {
    let fixture = Fixture::new().await;
    let rollback = json!({"fromVersion": "1.35", "updateId": ID});
    let object = fixture.accepts(&with(&[("/rollback", rollback)])).await;
    for version in ["1.33", "1.36", "1.40"] {
        let change = json!({"spec": {"version": version}});
        fixture.patch(name(&object), &change).await.unwrap();
    }
    let gone = json!({"spec": {"rollback": null}});
    fixture.patch(name(&object), &gone).await.unwrap();
}

#[tokio::test]
async fn is_refused_with_a_sentence_where_it_cannot_be_meant() {
    let fixture = Fixture::new().await;
    for (rollback, field, sentence) in [
        (
            json!({"updateId": ID}),
            "spec.rollback.fromVersion",
            "Required value",
        ),
        (
            json!({"fromVersion": "1.35"}),
            "spec.rollback.updateId",
            "Required value",
        ),
        (
            json!({"fromVersion": "v1.35", "updateId": ID}),
            "spec.rollback.fromVersion",
            MINOR,
        ),
        (
            json!({"fromVersion": "1.35", "updateId": "the last one"}),
            "spec.rollback.updateId",
            UPDATE_ID,
        ),
        (
            json!({"fromVersion": "1.35", "updateId": ""}),
            "spec.rollback.updateId",
            UPDATE_ID,
        ),
    ] {
        fixture
            .refuses(&with(&[("/rollback", rollback)]), field, sentence)
            .await;
    }
    for timeout in ["1h59m", "168h1m", "2", "2d", "-3h", "2.5h", "2h30s", ""] {
        let rollback = json!({"fromVersion": "1.35", "updateId": ID, "timeout": timeout});
        fixture
            .refuses(
                &with(&[("/rollback", rollback)]),
                "spec.rollback.timeout",
                "must be hours and minutes such as \"12h\" or \"2h30m\", at least 2h and at most 168h",
            )
            .await;
    }
}
