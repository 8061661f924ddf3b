//! `plan`: EKS is asked, and nothing else.

use std::collections::BTreeSet;

use eks_upgrade_operator::api::ClusterUpgrade;
use eks_upgrade_operator::plan::Wish;
use serde_json::Value;

use crate::ran::{bare, environment, ran};
use crate::world::World;

const CLUSTERS: &str = "{clusters: [
    {name: prod, version: '1.33'},
    {name: stale, version: '1.33', insightsRefreshed: 3d},
    {name: blocked, version: '1.33', insights: {upgrade: [
        {name: Deprecated APIs, status: ERROR, version: '1.34', reason: Still in use., recommendation: Use the new one.}]}},
]}";

fn operations(world: &World) -> BTreeSet<String> {
    let calls = world.calls(|_| true);
    calls
        .iter()
        .map(|call| format!("{:?}", call.operation))
        .collect()
}

#[tokio::test]
async fn a_cluster_that_can_be_upgraded_is_ready_and_only_read() {
    let world = World::new(CLUSTERS).await;
    let text = world
        .plugin(&["plan", "prod", "--to", "1.35"])
        .await
        .ended(0);
    for words in [
        "prod in us-west-2, 1.33 to 1.35: ready",
        "1. 1.33 → 1.34",
        "2. 1.34 → 1.35",
        "16 to 30 in all",
        "✔ UpgradeInsights Passed",
        "1.35: standard support until",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
    let wrote =
        |operation: &String| !operation.starts_with("Describe") && !operation.starts_with("List");
    let asked = operations(&world);
    assert!(!asked.is_empty() && !asked.iter().any(wrote), "{asked:?}");
    let objects = world
        .kubectl(&["get", "clusterupgrades", "-o", "name"])
        .await;
    assert_eq!(objects, "", "it made an object");
}

#[tokio::test]
async fn what_holds_the_operator_up_is_named_with_its_remedy() {
    let world = World::new(CLUSTERS).await;
    let plan = ["plan", "blocked", "--to", "1.34"];
    let text = world.plugin(&plan).await.ended(2);
    for words in [
        "PreflightFailed",
        "✘ UpgradeInsights Failed",
        "Deprecated APIs",
        "Use the new one.",
        "spec.preflight.waivers",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let json = [&plan[..], &["-o", "json"]].concat();
    let report: Value = serde_json::from_str(&world.plugin(&json).await.ended(2)).unwrap();
    assert_eq!(report["ready"], false);
    assert_eq!(report["reason"], "PreflightFailed");
    assert_eq!(report["cluster"]["version"], "1.33");
    assert_eq!(report["steps"][0]["to"], "1.34");
    assert_eq!(report["usually"]["lateMinutes"], 15);
    let failed = report["checks"].as_array().unwrap().iter();
    let failed: Vec<&Value> = failed.filter(|check| check["result"] == "Failed").collect();
    assert_eq!(failed.len(), 1, "{report}");
    assert_eq!(failed[0]["code"], "UpgradeInsights");

    let markdown = [&plan[..], &["-o", "markdown"]].concat();
    let text = world.plugin(&markdown).await.ended(2);
    assert!(text.starts_with("### ⛔ blocked in us-west-2"), "{text}");
    assert!(
        text.contains("| UpgradeInsights | Failed | see below |"),
        "{text}"
    );
}

#[tokio::test]
async fn the_very_object_that_it_prints_gets_the_same_answer_from_the_operator() {
    let world = World::new(CLUSTERS).await;
    let yaml = world
        .plugin(&["plan", "blocked", "--to", "1.34", "--manifest"])
        .await
        .ended(2);
    let object: ClusterUpgrade = serde_norway::from_str(&yaml).unwrap();
    Wish::try_from(&object.spec).unwrap();
    assert!(yaml.contains("version: '1.34'"), "{yaml}");
    let json = world
        .plugin(&[
            "plan",
            "blocked",
            "--to",
            "1.34",
            "--manifest",
            "-o",
            "json",
        ])
        .await
        .ended(2);
    let same: ClusterUpgrade = serde_json::from_str(&json).unwrap();
    assert_eq!(same.spec, object.spec);
    world.kubectl.apply(&yaml).await.unwrap();
    let _operator = world.operator();
    world.until_reason("blocked", "PreflightFailed").await;
}

#[tokio::test]
async fn old_insights_are_refreshed_and_waited_for_unless_that_is_not_wanted() {
    let world = World::new(CLUSTERS).await;
    let plan = ["plan", "stale", "--to", "1.34"];
    let text = world
        .plugin(&[&plan[..], &["--no-refresh"]].concat())
        .await
        .ended(2);
    assert!(text.contains("PreflightUnknown"), "{text}");
    assert!(!operations(&world).contains("StartInsightsRefresh"));
    world.plugin(&plan).await.ended(0);
    assert!(operations(&world).contains("StartInsightsRefresh"));
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named() {
    let world = World::new(CLUSTERS).await;
    world.fault("{kind: accessDenied, operations: [ListAddons]}");
    let text = world
        .plugin(&["plan", "prod", "--to", "1.34"])
        .await
        .ended(2);
    assert!(
        text.contains("PreflightUnknown") && text.contains("eks:ListAddons"),
        "{text}"
    );
    world.fault("{kind: accessDenied, operations: [DescribeCluster]}");
    let said = world
        .plugin(&["plan", "prod", "--to", "1.34"])
        .await
        .failed();
    assert!(
        said.contains("eks:DescribeCluster") && said.contains("docs/security.md"),
        "{said}"
    );
}

#[tokio::test]
async fn what_cannot_be_found_out_ends_with_a_sentence_and_the_next_step() {
    let world = World::new(CLUSTERS).await;
    let said = world
        .plugin(&["plan", "nobody", "--to", "1.34"])
        .await
        .failed();
    assert!(
        said.contains("nobody") && said.contains("aws eks list-clusters"),
        "{said}"
    );

    let mut no_region = bare(&["plan", "prod", "--to", "1.34"]);
    let of_region = |(name, _): &(&str, String)| *name != "AWS_REGION";
    no_region.envs(environment(&world).into_iter().filter(of_region));
    let said = ran(no_region).await.failed();
    assert!(
        said.contains("region") && said.contains("--region"),
        "{said}"
    );

    let mut nobody = bare(&["plan", "prod", "--to", "1.34"]);
    let of_nobody = |(name, _): &(&str, String)| !name.contains("KEY");
    nobody.envs(environment(&world).into_iter().filter(of_nobody));
    let said = ran(nobody).await.failed();
    assert!(
        said.contains("credentials") && said.contains("aws sso login"),
        "{said}"
    );

    world.fault("{kind: error, code: ExpiredTokenException, status: 403, message: The security token included in the request is expired}");
    let said = world
        .plugin(&["plan", "prod", "--to", "1.34"])
        .await
        .failed();
    assert!(said.contains("log in again"), "{said}");
}

#[tokio::test]
async fn an_arn_of_another_account_or_region_is_no_plan_for_this_one() {
    let world = World::new(CLUSTERS).await;
    let arn = "arn:aws:eks:us-west-2:999988887777:cluster/prod";
    let plan = ["plan", arn, "--to", "1.34", "--manifest"];
    let ran = world.plugin(&plan).await;
    assert_eq!(ran.out, "");
    let said = ran.failed();
    assert!(
        said.contains("999988887777") && said.contains("111122223333"),
        "{said}"
    );
    let said = world
        .plugin(&[&plan[..], &["--region", "eu-central-1"]].concat())
        .await
        .failed();
    assert!(said.contains("not the region of the ARN"), "{said}");
}

#[tokio::test]
async fn credentials_that_run_out_meanwhile_are_no_finding_about_the_cluster() {
    let world = World::new(CLUSTERS).await;
    world.fault("{kind: error, code: ExpiredTokenException, status: 403, message: The security token included in the request is expired, operations: [ListAddons]}");
    let said = world
        .plugin(&["plan", "prod", "--to", "1.34"])
        .await
        .failed();
    assert!(said.contains("log in again"), "{said}");
    // The first of these questions says which account it is.
    world.fault("{kind: error, code: ExpiredTokenException, status: 403, message: The security token included in the request is expired, operations: [DescribeCluster], skip: 1}");
    let said = world
        .plugin(&["plan", "prod", "--to", "1.34"])
        .await
        .failed();
    assert!(said.contains("log in again"), "{said}");
    let other = World::new(CLUSTERS).await;
    other.fault("{kind: accessDenied, operations: [ListUpdates]}");
    let said = other
        .plugin(&["plan", "prod", "--to", "1.34"])
        .await
        .failed();
    assert!(said.contains("eks:ListUpdates"), "{said}");
}

#[tokio::test]
async fn a_cluster_that_is_there_already_needs_nothing_and_one_that_is_newer_a_person() {
    let world = World::new(CLUSTERS).await;
    let arn = "arn:aws:eks:us-west-2:111122223333:cluster/prod";
    let text = world.plugin(&["plan", arn, "--to", "1.33"]).await.ended(0);
    assert!(text.contains("nothing to do"), "{text}");
    let text = world.plugin(&["plan", arn, "--to", "1.32"]).await.ended(2);
    assert!(text.contains("ClusterAheadOfSpec"), "{text}");
}
