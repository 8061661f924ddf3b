//! Freezes are only tried (dry runs), for one that stays would concern every object of the API server.

use eks_upgrade_operator::api::UpgradeFreeze;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, PostParams};
use serde_json::{Value, json};

use super::fixture::{Fixture, assert_refused, sentence};

const REASON: &str = "must say why nothing may start, for whoever finds an upgrade frozen";
const ORDER: &str = "until must lie after from: as it is, it never freezes anything";
const YEAR: &str = "must lie before the year 3000: leave until out for a freeze without an end";
const EMPTY_KEY: &str = "must not have an empty key: no label is called so";
const KEY: &str = "must be the key of a label, such as \"environment\" or \"example.com/team\"";
const VALUE: &str = "must be the value of a label: letters, digits, '-', '_' and '.', the first and the last a letter or digit, or nothing";
const OPERATOR: &str = "must be In, NotIn, Exists or DoesNotExist";
const NEEDED: &str = "In and NotIn need at least one value";
const UNNEEDED: &str = "Exists and DoesNotExist take no values";

fn manifest(spec: &Value) -> Value {
    json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "UpgradeFreeze",
        "metadata": {"generateName": "uf-"},
        "spec": spec,
    })
}

async fn freezes(fixture: &Fixture) -> Api<DynamicObject> {
    let client = fixture.plane.client().await.unwrap();
    Api::all_with(client, &ApiResource::erase::<UpgradeFreeze>(&()))
}

async fn tried(api: &Api<DynamicObject>, spec: &Value) -> Result<DynamicObject, String> {
    let object = serde_json::from_value(manifest(spec)).unwrap();
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let created = api.create(&params, &object).await;
    created.map_err(|error| sentence(&error))
}

async fn accepts(api: &Api<DynamicObject>, spec: &Value) {
    let object = tried(api, spec).await.unwrap();
    assert_eq!(object.data["spec"], *spec, "nothing is added");
    serde_json::from_value::<UpgradeFreeze>(serde_json::to_value(object).unwrap()).unwrap();
}

async fn refuses(api: &Api<DynamicObject>, spec: &Value, field: &str, sentence: &str) {
    assert_refused(spec, tried(api, spec).await, field, sentence);
}

fn expression(operator: &str, values: &Value) -> Value {
    json!({"reason": "r", "selector": {"matchExpressions": [
        {"key": "example.com/team", "operator": operator, "values": values}
    ]}})
}

#[tokio::test]
async fn takes_dates_and_selectors_and_needs_neither() {
    let fixture = Fixture::new().await;
    let api = freezes(&fixture).await;
    for spec in [
        json!({"reason": "incident 4711"}),
        json!({"reason": "r", "from": "2026-12-20T00:00:00Z"}),
        json!({"reason": "r", "until": "2027-01-07T00:00:00.5+01:00"}),
        json!({"reason": "r", "from": "2026-12-20T00:00:00Z", "until": "2027-01-07T00:00:00Z"}),
        json!({"reason": "r", "selector": {}}),
        json!({"reason": "r", "selector": {"matchLabels": {"tier": "prod", "example.com/empty": ""}}}),
        expression("In", &json!(["a", "B_c.d-e"])),
        expression("NotIn", &json!([""])),
        expression("Exists", &json!([])),
        json!({"reason": "r", "selector": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}}),
    ] {
        accepts(&api, &spec).await;
    }
}

#[tokio::test]
async fn says_why_or_is_refused() {
    let fixture = Fixture::new().await;
    let api = freezes(&fixture).await;
    for reason in ["", " ", "\t\n"] {
        refuses(&api, &json!({"reason": reason}), "spec.reason", REASON).await;
    }
    refuses(&api, &json!({}), "spec.reason", "Required value").await;
    refuses(&api, &Value::Null, "spec", "Required value").await;
    refuses(
        &api,
        &json!({"reason": "r".repeat(1025)}),
        "spec.reason",
        "may not be more than 1024 bytes",
    )
    .await;
}

#[tokio::test]
async fn dates_that_cannot_be_meant_are_refused() {
    let fixture = Fixture::new().await;
    let api = freezes(&fixture).await;
    for (from, until) in [
        ("2027-01-07T00:00:00Z", "2026-12-20T00:00:00Z"),
        ("2027-01-07T00:00:00Z", "2027-01-07T00:00:00Z"),
        ("2027-01-07T00:00:00Z", "2027-01-07T01:00:00+02:00"),
    ] {
        let spec = json!({"reason": "r", "from": from, "until": until});
        refuses(&api, &spec, "spec.until", ORDER).await;
    }
    for field in ["from", "until"] {
        let path = format!("spec.{field}");
        for date in [
            "",
            "tomorrow",
            "2027-01-07",
            "2027-02-29T00:00:00Z",
            "2027-01-07 00:00:00",
        ] {
            let spec = json!({"reason": "r", field: date});
            let words = format!("must be of type date-time: {date:?}");
            refuses(&api, &spec, &path, &words).await;
        }
        for date in ["3000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            let spec = json!({"reason": "r", field: date});
            refuses(&api, &spec, &path, YEAR).await;
        }
        // Whatever the API server takes for a time, we can read.
        for odd in [
            "2027-01-07t00:00:00z",
            "2027-01-07T00:00:00+99:00",
            "2027-01-07T00:00:00,5Z",
            "2027-01-07T23:59:60Z",
        ] {
            if let Ok(object) = tried(&api, &json!({"reason": "r", field: odd})).await {
                let object = serde_json::to_value(object).unwrap();
                serde_json::from_value::<UpgradeFreeze>(object).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn selectors_that_would_select_nothing_by_mistake_are_refused() {
    let fixture = Fixture::new().await;
    let api = freezes(&fixture).await;
    let item = "spec.selector.matchExpressions[0]";
    let values = format!("{item}.values");
    for operator in ["In", "NotIn"] {
        refuses(&api, &expression(operator, &json!([])), &values, NEEDED).await;
        refuses(&api, &expression(operator, &Value::Null), &values, NEEDED).await;
    }
    for operator in ["Exists", "DoesNotExist"] {
        refuses(
            &api,
            &expression(operator, &json!(["a"])),
            &values,
            UNNEEDED,
        )
        .await;
    }
    for operator in ["", "in", "Equals", "Gt"] {
        let field = format!("{item}.operator");
        refuses(&api, &expression(operator, &json!(["a"])), &field, OPERATOR).await;
    }
    for value in ["-a", "a b", "a/b", "."] {
        let field = format!("{values}[0]");
        refuses(&api, &expression("In", &json!([value])), &field, VALUE).await;
    }
    for key in ["", "a b", "/a", "a/", "a/b/c", "-a"] {
        let spec = json!({"reason": "r", "selector": {"matchExpressions": [
            {"key": key, "operator": "Exists"}
        ]}});
        refuses(&api, &spec, &format!("{item}.key"), KEY).await;
    }
    let spec = json!({"reason": "r", "selector": {"matchLabels": {"": "a"}}});
    refuses(&api, &spec, "spec.selector.matchLabels", EMPTY_KEY).await;
    let spec = json!({"reason": "r", "selector": {"matchLabels": {"team": "a b"}}});
    refuses(&api, &spec, "spec.selector.matchLabels[team]", VALUE).await;
}

#[tokio::test]
async fn sizes_have_an_end() {
    let fixture = Fixture::new().await;
    let api = freezes(&fixture).await;
    let labels: Value = (0..33).map(|n| (format!("l{n}"), json!("v"))).collect();
    let item = json!({"key": "a", "operator": "Exists"});
    for (selector, field, words) in [
        (
            json!({"matchLabels": labels}),
            "spec.selector.matchLabels",
            "must have at most 32 items",
        ),
        (
            json!({"matchExpressions": vec![item; 33]}),
            "spec.selector.matchExpressions",
            "must have at most 32 items",
        ),
        (
            json!({"matchExpressions": [{"key": "a", "operator": "In", "values": vec!["v"; 65]}]}),
            "spec.selector.matchExpressions[0].values",
            "must have at most 64 items",
        ),
        (
            json!({"matchLabels": {"a": "v".repeat(64)}}),
            "spec.selector.matchLabels.a",
            "may not be more than 63 bytes",
        ),
    ] {
        let spec = json!({"reason": "r", "selector": selector});
        refuses(&api, &spec, field, words).await;
    }
}

#[tokio::test]
async fn kubectl_shows_when_and_why() {
    let fixture = Fixture::new().await;
    let api = freezes(&fixture).await;
    let name = fixture.namespace.as_str();
    let mut object = manifest(&json!({
        "reason": "end of the year",
        "from": "2026-12-20T00:00:00Z",
        "until": "2027-01-07T00:00:00+01:00",
        "selector": {"matchLabels": {"nobody": "has-this"}},
    }));
    object["metadata"] = json!({"name": name});
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
    let said = fixture.plane.kubectl().run(["get", "uf", name]).await;
    let table = said.unwrap().ok().unwrap();
    api.delete(name, &DeleteParams::default()).await.unwrap();
    let lines: Vec<Vec<_>> = table
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(lines[0], ["NAME", "FROM", "UNTIL", "REASON", "AGE"]);
    assert_eq!(
        lines[1][..4],
        [
            name,
            "2026-12-20T00:00:00Z",
            "2027-01-07T00:00:00+01:00",
            "end of the year"
        ]
    );
}
