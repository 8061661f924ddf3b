//! `get`, `status`, `history` and `rollback`: what objects say.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::ran::command;
use crate::world::World;

const CLUSTERS: &str = "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}, {name: test, version: '1.33'}]}";

#[tokio::test]
async fn each_object_has_a_line_also_one_that_nobody_understands() {
    let world = World::new(CLUSTERS).await;
    let said = world.plugin(&["get"]).await;
    assert!(
        said.err.contains("There are no ClusterUpgrades"),
        "{said:?}"
    );
    assert_eq!(said.ended(0), "");

    let _operator = world.operator();
    world.create(World::manifest("prod", "1.33")).await;
    world.create(World::manifest("test", "1.32")).await;
    world.until_reason("prod", "UpToDate").await;
    world.until_reason("test", "ClusterAheadOfSpec").await;
    let text = world.plugin(&["get"]).await.ended(0);
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        [
            "NAME", "CLUSTER", "VERSION", "WANTED", "REASON", "UPDATE", "AGE"
        ]
    );
    assert_eq!(lines[1][..5], ["prod", "prod", "1.33", "1.33", "UpToDate"]);
    assert_eq!(
        lines[2][..5],
        ["test", "test", "1.33", "1.32", "ClusterAheadOfSpec"]
    );

    let list: Value =
        serde_json::from_str(&world.plugin(&["get", "-o", "json"]).await.ended(0)).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"][0]["metadata"]["managedFields"], Value::Null);
    let one = world.plugin(&["get", "prod", "-o", "yaml"]).await.ended(0);
    let one: Value = serde_norway::from_str(&one).unwrap();
    assert_eq!(one["kind"], "ClusterUpgrade");

    let both = world.plugin(&["get", "prod", "nobody"]).await;
    assert!(both.out.contains("UpToDate"), "{both:?}");
    assert!(both.failed().contains("nobody"));
    let wide = world.plugin(&["get", "-A", "-o", "wide"]).await.ended(0);
    assert!(
        wide.contains(&world.namespace) && wide.contains("MESSAGE"),
        "{wide}"
    );
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let world = World::new(CLUSTERS).await;
    for number in 0..40 {
        world
            .create(World::manifest(&format!("c{number}"), "1.33"))
            .await;
    }
    let mut command = command(&world, &["get", "-o", "yaml"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let status = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (child.wait().unwrap(), said)
    });
    let (status, said) = status.await.unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn status_says_all_of_one_and_what_a_person_does() {
    let world = World::new(CLUSTERS).await;
    world.create(World::manifest("prod", "1.35")).await;
    let text = world.plugin(&["status", "prod"]).await.ended(0);
    assert!(
        text.contains("has not looked at the object") && text.contains("doctor"),
        "{text}"
    );

    let mut operator = world.operator();
    world.until_reason("prod", "UpToDate").await;
    operator.sigterm().unwrap();
    let text = world.plugin(&["status", "prod"]).await.ended(0);
    for words in [
        "prod: UpToDate, cluster prod in us-west-2",
        "Nothing: the cluster runs what is asked for.",
        "can go back to 1.34 until",
        "kubectl eks-upgrade rollback prod",
        "1.35: standard support until",
        "1.34 → 1.35: Successful",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let markdown = world
        .plugin(&["status", "prod", "-o", "markdown"])
        .await
        .ended(0);
    assert!(markdown.starts_with("### prod: UpToDate"), "{markdown}");
    assert!(markdown.contains("**What to do**"), "{markdown}");
    let json = world
        .plugin(&["status", "prod", "-o", "json"])
        .await
        .ended(0);
    let object: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(object["status"]["history"][0]["toVersion"], "1.35");
}

#[tokio::test]
async fn history_tells_ours_from_others_with_their_errors() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', outcomes: [
            {version: '1.35', times: 1, duration: 300ms, fail: {errorCode: IpNotAvailable, errorMessage: No addresses.}}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    world.until_reason("prod", "UpdateFailed").await;
    let text = world.plugin(&["history", "prod"]).await.ended(0);
    let rows: Vec<&str> = text.lines().collect();
    assert!(
        rows[1].starts_with("1.34→1.35   Failed") && rows[1].contains("IpNotAvailable"),
        "{text}"
    );
    assert!(
        rows[2].starts_with("1.33→1.34   Successful") && rows[2].contains("this object"),
        "{text}"
    );
    assert!(
        text.contains("aws eks list-updates --name prod --region us-west-2"),
        "{text}"
    );
    let json = world
        .plugin(&["history", "prod", "-o", "json"])
        .await
        .ended(0);
    let past: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(past.as_array().unwrap().len(), 2, "{past}");
    assert_eq!(past[0]["errors"][0]["errorCode"], "IpNotAvailable");
    assert_eq!(past[1]["ours"], true);
    assert!(past[1]["tookAtMostSeconds"].is_i64(), "{past}");

    let text = world.plugin(&["status", "prod"]).await.ended(0);
    assert!(text.contains("kubectl eks-upgrade retry"), "{text}");
    assert!(
        text.contains("✔ 1.33 → 1.34") || text.contains("not before a person has acted"),
        "{text}"
    );
}

#[tokio::test]
async fn the_lines_of_a_rollback_are_those_that_the_api_server_and_the_operator_take() {
    let world = World::new(CLUSTERS).await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.33")).await;
    world.until_reason("prod", "UpToDate").await;
    let said = world.plugin(&["rollback", "prod"]).await.failed();
    assert!(said.contains("seven days"), "{said}");

    let mut manifest = json!({"spec": {"version": "1.34"}});
    manifest["spec"]["force"] = json!({"version": "1.34", "reason": "A test."});
    world.patch("prod", manifest).await;
    world
        .until("it can go back", "prod", |object| {
            let status = object.status.as_ref();
            status.is_some_and(|status| status.rollback.as_ref().is_some_and(|back| back.eligible))
        })
        .await;
    let lines = world.plugin(&["rollback", "prod"]).await.ended(0);
    assert!(
        lines.starts_with("# Takes cluster prod back from 1.34 to 1.33."),
        "{lines}"
    );
    let patch: Value = serde_norway::from_str(&lines).unwrap();
    let before = world.accepted_versions("prod");
    world.patch("prod", patch).await;
    world
        .until("it is back", "prod", |object| {
            let status = object.status.as_ref();
            let version = status.and_then(|status| Some(status.cluster.as_ref()?.version.as_str()));
            version == Some("1.33")
        })
        .await;
    assert_eq!(before, ["1.34"]);
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.33"]);
}
