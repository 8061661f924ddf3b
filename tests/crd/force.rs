use serde_json::json;

use super::fixture::{Fixture, name, with};

const ABOVE: &str = "force.version lies above version, so no hop would ever use it: name a version on the way to version, or remove force";

#[tokio::test]
async fn names_a_version_on_the_way_and_why() {
    let fixture = Fixture::new().await;
    for version in ["1.9", "1.33", "1.34"] {
        let force = json!({"version": version, "reason": "CHG-1: the client is gone"});
        fixture.accepts(&with(&[("/force", force)])).await;
    }
}

#[tokio::test]
async fn lies_not_above_the_version() {
    let fixture = Fixture::new().await;
    for version in ["1.35", "1.100"] {
        let force = json!({"version": version, "reason": "CHG-1"});
        fixture
            .refuses(&with(&[("/force", force)]), "spec.force.version", ABOVE)
            .await;
    }
    // Also where it is the version that moves.
    let force = json!({"version": "1.34", "reason": "CHG-1"});
    let object = fixture.accepts(&with(&[("/force", force)])).await;
    let lower = json!({"spec": {"version": "1.33"}});
    let error = fixture.patch(name(&object), &lower).await.unwrap_err();
    assert!(error.ends_with(ABOVE), "{error}");
}

#[tokio::test]
async fn is_refused_where_it_is_incomplete() {
    let fixture = Fixture::new().await;
    fixture
        .refuses(
            &with(&[("/force", json!({"version": "1.34"}))]),
            "spec.force.reason",
            "Required value",
        )
        .await;
    fixture
        .refuses(
            &with(&[("/force", json!({"reason": "CHG-1"}))]),
            "spec.force.version",
            "Required value",
        )
        .await;
    for reason in ["", " ", "\t\n"] {
        let force = json!({"version": "1.34", "reason": reason});
        fixture
            .refuses(
                &with(&[("/force", force)]),
                "spec.force.reason",
                "must say why EKS's readiness insights may be overridden for this hop",
            )
            .await;
    }
    for version in ["v1.34", "1.034", "1.34.1", ""] {
        let force = json!({"version": version, "reason": "CHG-1"});
        fixture
            .refuses(
                &with(&[("/force", force)]),
                "spec.force.version",
                "no patch, no prefix v, no spaces, no leading zero, no words like latest",
            )
            .await;
    }
    fixture
        .refuses(
            &with(&[("/force", json!(true))]),
            "spec.force",
            "must be of type object: \"boolean\"",
        )
        .await;
}
