use serde_json::{Value, json};

use super::fixture::{Fixture, manifest, name, with, without};

const ACCOUNT: &str = "must be the twelve digits of an AWS account id, in quotes and with leading zeros, such as \"111122223333\"";
const REGION: &str =
    "must be an AWS region code such as \"eu-central-1\" (a region, not an availability zone)";
const NAME: &str = "must be an EKS cluster name: 1 to 100 letters, digits, hyphens or underscores, the first a letter or digit (the name, not the ARN)";
const IMMUTABLE: &str = "spec.cluster cannot be changed, so that no edit can point an object at another cluster: delete this object (EKS is not touched) and create another";

#[tokio::test]
async fn account_ids_have_twelve_digits() {
    let fixture = Fixture::new().await;
    fixture
        .accepts(&with(&[("/cluster/accountId", json!("000000000001"))]))
        .await;
    for account in [
        "",
        "11112222333",
        "1111222233334",
        "11112222333a",
        "1111-2222-3333",
        " 111122223333",
        "111122223333\n",
        "devel",
    ] {
        let manifest = with(&[("/cluster/accountId", json!(account))]);
        fixture
            .refuses(&manifest, "spec.cluster.accountId", ACCOUNT)
            .await;
    }
    fixture
        .refuses(
            &with(&[("/cluster/accountId", json!(111_122_223_333_u64))]),
            "spec.cluster.accountId",
            "must be of type string: \"integer\"",
        )
        .await;
}

#[tokio::test]
async fn regions_of_every_partition_are_taken() {
    let fixture = Fixture::new().await;
    for region in [
        "us-east-1",
        "us-gov-west-1",
        "cn-north-1",
        "cn-northwest-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "eu-isoe-west-1",
        "us-isof-south-1",
        "eusc-de-east-1",
        "mx-central-1",
        "ap-southeast-7",
        "il-central-1",
    ] {
        fixture
            .accepts(&with(&[("/cluster/region", json!(region))]))
            .await;
    }
}

#[tokio::test]
async fn malformed_regions_are_refused() {
    let fixture = Fixture::new().await;
    for region in [
        "",
        "eu-central-1a",
        "EU-CENTRAL-1",
        "europe",
        "eu-central",
        "eu-central-",
        "eu_central_1",
        "central-1",
        "eu-central-1 ",
        "euc1",
        "eu--1",
        "aws-global",
        "*",
    ] {
        let manifest = with(&[("/cluster/region", json!(region))]);
        fixture
            .refuses(&manifest, "spec.cluster.region", REGION)
            .await;
    }
}

#[tokio::test]
async fn cluster_names_are_those_eks_takes() {
    let fixture = Fixture::new().await;
    for cluster in ["a", "0", "Prod_EU-1", "under_score_", &"n".repeat(100)] {
        fixture
            .accepts(&with(&[("/cluster/name", json!(cluster))]))
            .await;
    }
    for cluster in [
        "",
        "-devel",
        "_devel",
        "de vel",
        "devel.eu",
        "devel/eu",
        "dével",
        "devel\n",
        "arn:aws:eks:eu-central-1:111122223333:cluster/devel",
        &"n".repeat(101),
    ] {
        let manifest = with(&[("/cluster/name", json!(cluster))]);
        fixture.refuses(&manifest, "spec.cluster.name", NAME).await;
    }
}

#[tokio::test]
async fn nothing_about_the_cluster_has_a_default() {
    let fixture = Fixture::new().await;
    for field in ["accountId", "region", "name"] {
        let path = format!("spec.cluster.{field}");
        let pointer = format!("/cluster/{field}");
        fixture
            .refuses(&without(&pointer), &path, "Required value")
            .await;
        fixture
            .refuses(&with(&[(&pointer, Value::Null)]), &path, "Required value")
            .await;
    }
    fixture
        .refuses(&without("/cluster"), "spec.cluster", "Required value")
        .await;
    let mut bare = manifest();
    bare.as_object_mut().unwrap().remove("spec");
    fixture.refuses(&bare, "spec", "Required value").await;
}

#[tokio::test]
async fn the_cluster_cannot_be_changed() {
    let fixture = Fixture::new().await;
    let object = fixture.accepts(&manifest()).await;
    for (field, value) in [
        ("accountId", "444455556666"),
        ("region", "us-east-1"),
        ("name", "production"),
    ] {
        let change = json!({"spec": {"cluster": {field: value}}});
        let error = fixture.patch(name(&object), &change).await.unwrap_err();
        assert!(
            error.contains(&format!("spec.cluster: Invalid value: {IMMUTABLE}")),
            "{error}"
        );
    }
    let error = fixture
        .patch(name(&object), &json!({"spec": {"cluster": null}}))
        .await
        .unwrap_err();
    assert!(error.contains("spec.cluster: Required value"), "{error}");
    let error = fixture
        .patch(name(&object), &json!({"spec": null}))
        .await
        .unwrap_err();
    assert!(error.contains("spec: Required value"), "{error}");
}

#[tokio::test]
async fn names_leave_room_for_those_of_events() {
    let fixture = Fixture::new().await;
    let mut long = manifest();
    long["metadata"] = json!({"name": "n".repeat(200)});
    fixture.accepts(&long).await;
    long["metadata"] = json!({"name": "n".repeat(201)});
    let error = fixture.create(&long).await.unwrap_err();
    assert!(
        error.ends_with("metadata.name may have at most 200 characters, since the names of its Events are made from it"),
        "{error}"
    );
}
