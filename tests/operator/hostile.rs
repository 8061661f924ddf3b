//! Objects and answers that nobody should ever send: dozens of hostile objects on a CRD that takes everything, half of them
//! with an EKS that answers nonsense, and one good object among them.

use std::fmt::Write as _;

use harness::{Process, eventually};
use kube::api::{DynamicObject, ListParams};
use serde_json::{Value, json};

use crate::api_server::loose_plane;
use crate::hostile_eks::{self, ESCAPE, ODD};
use crate::world::{ACCOUNT, DEADLINE, World, address, metric};

/// The longest line of the log, with what is around its fields.
const LONGEST_LINE: usize = 17 * 1024;

/// A value in so many others that a careless reader runs out of stack or patience.
fn deep(levels: usize) -> Value {
    (0..levels).fold(json!("bottom"), |inner, level| {
        if level % 2 == 0 {
            json!({ "a": inner })
        } else {
            json!([inner])
        }
    })
}

fn spec(name: &str) -> Value {
    World::manifest(name, "1.34")["spec"].clone()
}

/// A spec with one field replaced, by its JSON pointer.
fn with(pointer: &str, value: Value) -> Value {
    let mut spec = spec("nowhere");
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    spec.pointer_mut(parent).unwrap()[field] = value;
    spec
}

/// Specs that cannot be meant.
fn specs() -> Vec<(&'static str, Value)> {
    let huge = || json!("x".repeat(400_000));
    vec![
        ("text", json!("upgrade everything")),
        ("nothing", Value::Null),
        ("list", json!([1, 2, {"cluster": []}])),
        ("number", json!(1.0e300)),
        ("empty", json!({})),
        ("deep-cluster", with("/cluster", deep(300))),
        ("cluster-list", with("/cluster", json!(vec![0; 50_000]))),
        (
            "account-number",
            with("/cluster/accountId", json!(111_122_223_333_u64)),
        ),
        ("account-huge", with("/cluster/accountId", huge())),
        ("account-escape", with("/cluster/accountId", json!(ESCAPE))),
        ("region-huge", with("/cluster/region", huge())),
        ("region-path", with("/cluster/region", json!("../../x"))),
        ("name-huge", with("/cluster/name", huge())),
        ("name-lines", with("/cluster/name", json!("a\r\nx-evil: 1"))),
        ("name-empty", with("/cluster/name", json!(""))),
        ("version-huge", with("/version", huge())),
        (
            "version-escape",
            with("/version", json!(format!("1.34{ESCAPE}"))),
        ),
        ("version-number", with("/version", json!(1.34))),
        (
            "role-escape",
            with(
                "/roleArn",
                json!(format!("arn:aws:iam::{ACCOUNT}:role/{ESCAPE}")),
            ),
        ),
        ("role-huge", with("/roleArn", huge())),
        ("external-escape", {
            let mut spec = with("/externalId", json!(ESCAPE));
            spec["roleArn"] = json!(format!("arn:aws:iam::{ACCOUNT}:role/eks-a"));
            spec
        }),
        (
            "force-huge",
            with(
                "/force",
                json!({"version": "9".repeat(100_000), "reason": ""}),
            ),
        ),
        ("force-text", with("/force", json!(ESCAPE))),
        ("suspend-text", with("/suspend", json!("yes"))),
    ]
}

/// An update as status remembers it, with one field replaced.
fn update(field: &str, value: Value) -> Value {
    let mut update = json!({
        "id": "00000000-0000-4000-8000-000000000000",
        "type": "VersionUpdate",
        "status": "InProgress",
        "fromVersion": "1.33",
        "toVersion": "1.34",
        "createdAt": "2026-01-01T00:00:00Z",
    });
    update[field] = value;
    update
}

/// Statuses that the operator never wrote.
fn statuses() -> Vec<(&'static str, Value)> {
    let huge = || json!(ESCAPE.repeat(3_000));
    let condition = |field: &str, value: Value| {
        let mut condition = json!({
            "type": "Ready", "status": "True", "reason": "UpToDate", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        condition[field] = value;
        json!({"conditions": [condition]})
    };
    let history: Vec<_> = (0..600)
        .map(|n| update("id", json!(format!("id-{n}"))))
        .collect();
    let error = json!({"errorCode": huge(), "errorMessage": huge(), "resourceIds": [huge()]});
    vec![
        ("id-escape", json!({"update": update("id", json!(ESCAPE))})),
        ("id-empty", json!({"update": update("id", json!(""))})),
        ("id-huge", json!({"update": update("id", huge())})),
        ("id-path", json!({"update": update("id", json!("../../x"))})),
        ("kind-huge", json!({"update": update("type", huge())})),
        ("word-huge", json!({"update": update("status", huge())})),
        (
            "token-huge",
            json!({"update": {
                "type": "VersionUpdate", "fromVersion": "1.33", "toVersion": "1.34", "clientRequestToken": huge(),
            }}),
        ),
        ("attempts", json!({"attempts": u32::MAX})),
        ("attempts-negative", json!({"attempts": -1})),
        (
            "times",
            json!({"update": update("createdAt", json!("9999-12-30T00:00:00Z"))}),
        ),
        (
            "times-text",
            json!({"update": update("createdAt", json!(ESCAPE))}),
        ),
        (
            "errors",
            json!({"update": update("errors", json!([error]))}),
        ),
        ("history", json!({"history": history})),
        ("history-deep", json!({"history": deep(200)})),
        ("path", json!({"path": vec!["1.34"; 20_000]})),
        (
            "cluster-huge",
            json!({"cluster": {"arn": huge(), "version": huge(), "status": huge()}}),
        ),
        ("condition-huge", condition("message", huge())),
        ("condition-reason", condition("reason", json!(ESCAPE))),
        (
            "condition-fraction",
            condition("lastTransitionTime", json!("2026-01-01T00:00:00.123456Z")),
        ),
        (
            "condition-ancient",
            condition("lastTransitionTime", json!("-009000-01-01T00:00:00Z")),
        ),
        ("condition-text", json!({"conditions": "Ready"})),
        (
            "conditions-many",
            json!({"conditions": vec![condition("type", json!("Ready"))["conditions"][0].clone(); 2_000]}),
        ),
        ("text", json!("done")),
        ("list", json!([1, 2])),
    ]
}

fn named(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "ClusterUpgrade",
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// Sends an object, or a part of one, as it is. The answer is not read: some objects are too deep for this client.
async fn send(world: &World, method: &str, below: &str, kind: &str, body: &Value) {
    let namespace = &world.namespace;
    let uri =
        format!("/apis/eksupgrade.dev/v1alpha1/namespaces/{namespace}/clusterupgrades{below}");
    let request = http::Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", kind)
        .body(body.to_string().into_bytes())
        .unwrap();
    world.client.request_text(request).await.unwrap();
}

async fn create(world: &World, manifest: Value) {
    send(world, "POST", "", "application/json", &manifest).await;
}

async fn patch_status(world: &World, name: &str, status: &Value) {
    let below = format!("/{name}/status");
    let patch = json!({ "status": status });
    send(
        world,
        "PATCH",
        &below,
        "application/merge-patch+json",
        &patch,
    )
    .await;
}

/// Everything the operator says and keeps, within what Kubernetes takes and a terminal bears.
fn assert_fits(object: &DynamicObject) {
    let name = object.metadata.name.as_deref().unwrap();
    let size = serde_json::to_string(object).unwrap().len();
    assert!(size < 3 << 19, "{name} is {size} bytes");
    for condition in object.data["status"]["conditions"].as_array().unwrap() {
        let message = condition["message"].as_str().unwrap();
        assert!(message.chars().count() <= 32_768, "{name}");
        assert!(
            !message.chars().any(char::is_control),
            "{name}: {message:?}"
        );
        let reason = condition["reason"].as_str().unwrap();
        assert!(
            reason.len() <= 1024 && reason.chars().all(char::is_alphanumeric),
            "{name}: {reason:?}"
        );
    }
}

/// All objects but the deep ones, which this client cannot read.
async fn all(world: &World) -> Vec<DynamicObject> {
    let mut objects = Vec::new();
    for (name, _) in said(world).await {
        if !name.contains("deep") {
            objects.push(world.dynamic().get(&name).await.unwrap());
        }
    }
    objects
}

/// Every object's name and the reason of its first condition, which is Ready where the operator wrote it.
async fn said(world: &World) -> Vec<(String, String)> {
    let path =
        "jsonpath={range .items[*]}{.metadata.name} {.status.conditions[0].reason}{\"\\n\"}{end}";
    let text = world.kubectl(&["get", "clusterupgrades", "-o", path]).await;
    text.lines()
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .collect()
}

async fn writes(address: &str) -> f64 {
    let mut sum = 0.0;
    for operation in ["apply status", "overwrite status"] {
        for outcome in ["ok", "conflict", "refused", "unavailable"] {
            let name = format!(
                "eks_upgrade_kube_calls_total{{operation=\"{operation}\",outcome=\"{outcome}\"}}"
            );
            sum += metric(address, &name).await.unwrap_or(0.0);
        }
    }
    sum
}

fn assert_log_is_sound(operator: &Process) {
    for line in operator.lines() {
        assert!(
            line.len() <= LONGEST_LINE,
            "{} bytes: {}",
            line.len(),
            &line[..200]
        );
        assert!(
            !line.chars().any(|c| c.is_control() && c != '\t'),
            "{line:?}"
        );
        assert!(
            !line.contains("a bug:") && !line.contains("panicked"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn hostile_objects_and_answers_harm_nobody_else() {
    let world = World::on(
        loose_plane().await,
        "{durations: {update: 300ms}, clusters: [{name: good, version: '1.33'}]}",
    )
    .await;
    let eks = hostile_eks::serve(&world.eks.url()).await;
    let mut wanted: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, spec) in specs() {
        let name = format!("spec-{name}");
        create(&world, named(&name, &spec)).await;
        wanted.push((name, vec!["InvalidSpec", "NotAllowed"]));
    }
    create(
        &world,
        named("spec-deep-beside", &{
            let mut spec = spec("nowhere");
            spec["more"] = deep(400);
            spec
        }),
    )
    .await;
    let long = format!("long-{}", "x".repeat(200));
    create(&world, named(&long, &spec("nowhere"))).await;
    for (name, status) in statuses() {
        let name = format!("status-{name}");
        create(&world, named(&name, &spec(&name))).await;
        patch_status(&world, &name, &status).await;
        // What decides is not guessed at; the rest is put right.
        let decides = ["id-", "token-", "cluster-"];
        let is_unreadable = decides.iter().any(|part| name.contains(part));
        wanted.push((
            name,
            if is_unreadable {
                vec!["InvalidSpec"]
            } else {
                vec!["ClusterNotFound", "InvalidSpec"]
            },
        ));
    }
    for (name, reasons) in ODD {
        let mut manifest = World::manifest(name, "1.35");
        manifest["metadata"]["annotations"] =
            json!({"eksupgrade.dev/retry-requested-at": ESCAPE, "x": "y".repeat(200_000)});
        create(&world, manifest).await;
        wanted.push((name.to_owned(), reasons.to_vec()));
    }
    let mut operator = world
        .program()
        .env("AWS_ENDPOINT_URL_EKS", &eks)
        .env("RUST_LOG", "warn,eks_upgrade_operator=debug")
        .start()
        .unwrap();
    let address = address(&mut operator).await;
    create(&world, World::manifest("good", "1.35")).await;
    world
        .until_reason_or("good", "UpToDate", || operator.tail())
        .await;
    assert_eq!(world.accepted_versions("good"), ["1.34", "1.35"]);

    eventually("all hostile objects are answered", DEADLINE, async || {
        let mut open = String::new();
        for (name, reason) in said(&world).await {
            let reasons = wanted.iter().find(|(wanted, _)| *wanted == name);
            let Some((_, reasons)) = reasons else {
                continue;
            };
            if !reasons.contains(&reason.as_str()) {
                writeln!(open, "{name}: {reason:?} instead of {reasons:?}").unwrap();
            }
        }
        if open.is_empty() { Ok(()) } else { Err(open) }
    })
    .await
    .unwrap();

    // Nothing is written again and again.
    let before = writes(&address).await;
    world.looks("good", 6).await;
    let during = writes(&address).await - before;
    assert!(during <= 3.0, "{during} writes while nothing changed");
    let objects = wanted.len();
    assert!(
        before <= 4.0 * f64::from(u32::try_from(objects).unwrap()),
        "{before} writes for {objects} objects"
    );

    for object in all(&world).await {
        if object.metadata.name.as_ref() != Some(&long) {
            assert_fits(&object);
        }
    }
    assert_log_is_sound(&operator);
    assert_eq!(operator.ended().unwrap(), None);
    let list = world.dynamic().list(&ListParams::default()).await;
    assert!(
        list.is_err(),
        "the deep objects are as deep as they should be"
    );
}
