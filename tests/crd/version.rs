use serde_json::{Value, json};

use super::fixture::{Fixture, name, with, without};

const SENTENCE: &str = "must be a Kubernetes minor version as EKS names it, such as \"1.34\": no patch, no prefix v, no spaces, no leading zero, no words like latest";

#[tokio::test]
async fn takes_minors() {
    let fixture = Fixture::new().await;
    for version in ["1.9", "1.34", "1.100"] {
        let object = fixture
            .accepts(&with(&[("/version", json!(version))]))
            .await;
        assert_eq!(object.data["spec"]["version"], version);
    }
}

#[tokio::test]
async fn refuses_everything_else_with_one_sentence() {
    let fixture = Fixture::new().await;
    for version in [
        "",
        "v1.32",
        "1.32.1",
        "latest",
        "1.032",
        " 1.32",
        "1.32 ",
        "1.32\n",
        "1.0",
        "1.",
        "1",
        "2.1",
        "01.32",
        "1.1000",
        "1.32-eks-1",
        "1,32",
        "1.３２",
    ] {
        let manifest = with(&[("/version", json!(version))]);
        fixture.refuses(&manifest, "spec.version", SENTENCE).await;
    }
}

#[tokio::test]
async fn says_that_an_unquoted_version_is_a_number() {
    let fixture = Fixture::new().await;
    fixture
        .refuses(
            &with(&[("/version", json!(1.34))]),
            "spec.version",
            "must be of type string: \"number\"",
        )
        .await;
}

#[tokio::test]
async fn wants_a_version() {
    let fixture = Fixture::new().await;
    fixture
        .refuses(&without("/version"), "spec.version", "Required value")
        .await;
    fixture
        .refuses(
            &with(&[("/version", Value::Null)]),
            "spec.version",
            "Required value",
        )
        .await;
    fixture
        .refuses(
            &with(&[("/version", json!("1".repeat(65)))]),
            "spec.version",
            "may not be more than 64 bytes",
        )
        .await;
}

#[tokio::test]
async fn may_be_changed_up_and_down() {
    let fixture = Fixture::new().await;
    let object = fixture.accepts(&with(&[])).await;
    for version in ["1.35", "1.33"] {
        let change = json!({"spec": {"version": version}});
        let changed = fixture.patch(name(&object), &change).await.unwrap();
        assert_eq!(changed.data["spec"]["version"], version);
    }
    let error = fixture
        .patch(name(&object), &json!({"spec": {"version": "v1.36"}}))
        .await
        .unwrap_err();
    assert!(error.ends_with(SENTENCE), "{error}");
}
