use serde_json::{Value, json};

use super::fixture::{Fixture, with};

const MINOR: &str = "must be a Kubernetes minor version as EKS names it, such as \"1.34\": no patch, no prefix v, no spaces, no leading zero, no words like latest";
const CHECK: &str = "must be one of the checks VersionOffered, ClusterHealth, UpgradeInsights, NodeSkew, AddonCompatibility";
const FINDING: &str = "must be the id or the name of a finding, as status.preflight shows it";
const REASON: &str = "must say why the finding is accepted for this hop";
const EXPIRES: &str =
    "must be a time by RFC 3339 before the year 3000, such as \"2026-01-31T12:00:00Z\"";

fn waiver() -> Value {
    json!({
        "check": "UpgradeInsights",
        "finding": "Deprecated APIs removed in Kubernetes v1.34",
        "version": "1.34",
        "reason": "CHG-1: the client is gone",
        "expires": "2027-01-31T12:00:00Z",
    })
}

fn waived(field: &str, value: Value) -> Value {
    let mut waiver = waiver();
    waiver[field] = value;
    with(&[("/preflight", json!({"waivers": [waiver]}))])
}

#[tokio::test]
async fn says_what_holds_an_upgrade_up_and_what_is_accepted() {
    let fixture = Fixture::new().await;
    for preflight in [
        json!({}),
        json!({"mode": "Enforce", "onUnknown": "Hold", "waivers": []}),
        json!({"mode": "Warn", "onUnknown": "Proceed", "waivers": [waiver()]}),
        json!({"waivers": vec![waiver(); 32]}),
    ] {
        let object = fixture
            .accepts(&with(&[("/preflight", preflight.clone())]))
            .await;
        assert_eq!(
            object.data["spec"]["preflight"], preflight,
            "nothing is added"
        );
    }
    for check in [
        "VersionOffered",
        "ClusterHealth",
        "UpgradeInsights",
        "NodeSkew",
        "AddonCompatibility",
    ] {
        fixture.accepts(&waived("check", json!(check))).await;
    }
    // One in the past does not count, and is in nobody's way.
    for expires in [
        "2020-02-29T00:00:00Z",
        "2027-01-31T12:00:00.123456789+05:30",
        "2999-12-31T23:59:59-23:59",
    ] {
        fixture.accepts(&waived("expires", json!(expires))).await;
    }
}

#[tokio::test]
async fn knows_its_own_words_alone() {
    let fixture = Fixture::new().await;
    for (field, value, words) in [
        (
            "mode",
            "Off",
            "Unsupported value: \"Off\": supported values: \"Enforce\", \"Warn\"",
        ),
        (
            "mode",
            "enforce",
            "Unsupported value: \"enforce\": supported values: \"Enforce\", \"Warn\"",
        ),
        (
            "onUnknown",
            "",
            "Unsupported value: \"\": supported values: \"Hold\", \"Proceed\"",
        ),
    ] {
        let manifest = with(&[("/preflight", json!({field: value}))]);
        let path = format!("spec.preflight.{field}");
        fixture.refuses(&manifest, &path, words).await;
    }
}

#[tokio::test]
async fn a_waiver_that_accepts_nothing_is_refused_with_a_sentence() {
    let fixture = Fixture::new().await;
    for (field, values, sentence) in [
        (
            "check",
            &["", "Insights", "nodeSkew", "NodeSkew "][..],
            CHECK,
        ),
        ("finding", &["", " ", "\t\n"], FINDING),
        ("reason", &["", " ", "\r\n"], REASON),
        (
            "version",
            &["", "v1.34", "1.34.1", "1.034", "latest"],
            MINOR,
        ),
        (
            "expires",
            &[
                "",
                "tomorrow",
                "2027-01-31",
                "2027-01-31T12:00:00",
                "2027-01-31 12:00:00Z",
                "2027-01-31t12:00:00z",
                "2027-02-29T00:00:00Z",
                "2027-13-01T00:00:00Z",
                "2027-01-31T24:00:00Z",
                "2027-01-31T12:00:00+99:00",
                "3000-01-01T00:00:00Z",
                "9999-12-31T23:59:59Z",
            ],
            EXPIRES,
        ),
    ] {
        let path = format!("spec.preflight.waivers[0].{field}");
        for value in values {
            fixture
                .refuses(&waived(field, json!(value)), &path, sentence)
                .await;
        }
        fixture
            .refuses(&waived(field, Value::Null), &path, "Required value")
            .await;
    }
    let many = with(&[("/preflight", json!({"waivers": vec![waiver(); 33]}))]);
    fixture
        .refuses(
            &many,
            "spec.preflight.waivers",
            "must have at most 32 items",
        )
        .await;
    let long = waived("finding", json!("f".repeat(257)));
    let path = "spec.preflight.waivers[0].finding";
    fixture
        .refuses(&long, path, "may not be more than 256 bytes")
        .await;
}
