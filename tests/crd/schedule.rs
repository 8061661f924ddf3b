use serde_json::{Value, json};

use super::fixture::{Fixture, with};

const DAYS: &str = "must be one or more of Mon, Tue, Wed, Thu, Fri, Sat and Sun, each at most once";
const START: &str = "must be a time of day from \"00:00\" to \"23:59\", in quotes";
const DURATION: &str = "must be hours and minutes such as \"4h\", \"90m\" or \"1h30m\", more than nothing and at most 168h";
const BAKE: &str = "must be hours and minutes such as \"4h\", \"90m\" or \"1h30m\", more than nothing and at most 720h";
const ZONE: &str = "must be the name of an IANA time zone, such as \"Europe/Berlin\" or \"UTC\"";

fn window() -> Value {
    json!({"days": ["Sat", "Sun"], "start": "02:00", "duration": "4h", "timeZone": "Europe/Berlin"})
}

fn windowed(field: &str, value: Value) -> Value {
    let mut window = window();
    window[field] = value;
    with(&[("/schedule", json!({"windows": [window]}))])
}

#[tokio::test]
async fn takes_windows_and_a_bake_time() {
    let fixture = Fixture::new().await;
    for schedule in [
        json!({}),
        json!({"windows": []}),
        json!({"windows": [window()], "bake": "24h"}),
        json!({"windows": vec![window(); 16]}),
        json!({"windows": [{"days": ["Mon"], "start": "00:00", "duration": "1m"}]}),
    ] {
        let manifest = with(&[("/schedule", schedule.clone())]);
        let object = fixture.accepts(&manifest).await;
        assert_eq!(
            object.data["spec"]["schedule"], schedule,
            "nothing is added"
        );
    }
    for (field, value) in [
        (
            "days",
            json!(["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]),
        ),
        ("start", json!("23:59")),
        ("duration", json!("90m")),
        ("duration", json!("1h30m")),
        ("duration", json!("12h0m0s")),
        ("duration", json!("168h")),
        ("timeZone", json!("UTC")),
        ("timeZone", json!("Etc/GMT+12")),
        ("timeZone", json!("America/Argentina/ComodRivadavia")),
        ("timeZone", json!("America/Port-au-Prince")),
    ] {
        fixture.accepts(&windowed(field, value)).await;
    }
    for bake in ["1m", "720h", "43200m"] {
        fixture
            .accepts(&with(&[("/schedule", json!({"bake": bake}))]))
            .await;
    }
}

#[tokio::test]
async fn a_window_that_cannot_be_meant_is_refused_with_a_sentence() {
    let fixture = Fixture::new().await;
    for (field, values, sentence) in [
        (
            "days",
            vec![
                json!([]),
                json!(["Monday"]),
                json!(["mon"]),
                json!(["Mon", "Tue", "Mon"]),
                json!([""]),
            ],
            DAYS,
        ),
        (
            "start",
            ["", "2:00", "24:00", "02:60", "02:00:00", "2am", " 02:00"]
                .map(|start| json!(start))
                .to_vec(),
            START,
        ),
        (
            "duration",
            [
                "",
                "0h",
                "0m",
                "168h1m",
                "4",
                "4 h",
                "-4h",
                "1.5h",
                "2d",
                "4h30s",
                "99999h99999h",
            ]
            .map(|duration| json!(duration))
            .to_vec(),
            DURATION,
        ),
        (
            "timeZone",
            ["", " ", "Europe Berlin", "+02:00", "Europe/Berlin\n"]
                .map(|zone| json!(zone))
                .to_vec(),
            ZONE,
        ),
    ] {
        for value in values {
            fixture
                .refuses(
                    &windowed(field, value),
                    &format!("spec.schedule.windows[0].{field}"),
                    sentence,
                )
                .await;
        }
    }
    for field in ["days", "start", "duration"] {
        let path = format!("spec.schedule.windows[0].{field}");
        fixture
            .refuses(&windowed(field, Value::Null), &path, "Required value")
            .await;
    }
}

#[tokio::test]
async fn sizes_have_an_end() {
    let fixture = Fixture::new().await;
    for (manifest, field, words) in [
        (
            with(&[("/schedule", json!({"windows": vec![window(); 17]}))]),
            "spec.schedule.windows",
            "must have at most 16 items",
        ),
        (
            windowed("days", json!(vec!["Mon"; 8])),
            "spec.schedule.windows[0].days",
            "must have at most 7 items",
        ),
        (
            windowed("timeZone", json!("Z".repeat(65))),
            "spec.schedule.windows[0].timeZone",
            "may not be more than 64 bytes",
        ),
    ] {
        fixture.refuses(&manifest, field, words).await;
    }
}

#[tokio::test]
async fn a_bake_time_that_cannot_be_meant_is_refused_with_a_sentence() {
    let fixture = Fixture::new().await;
    for bake in ["", "0h", "0h0m", "720h1m", "30d", "24", "-1h", "24h1s"] {
        let manifest = with(&[("/schedule", json!({"bake": bake}))]);
        fixture.refuses(&manifest, "spec.schedule.bake", BAKE).await;
    }
}
