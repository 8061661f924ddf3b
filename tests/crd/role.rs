use serde_json::{Value, json};

use super::fixture::{Fixture, with};

const ROLE: &str = "arn:aws:iam::111122223333:role/eks-upgrades";
const MALFORMED: &str =
    "must be the ARN of an IAM role, such as \"arn:aws:iam::111122223333:role/eks-upgrades\"";

#[tokio::test]
async fn takes_roles_of_the_clusters_account() {
    let fixture = Fixture::new().await;
    let longest_path = format!("/{}/", "p".repeat(510));
    for role in [
        ROLE.to_owned(),
        "arn:aws:iam::111122223333:role/team/platform/eks-upgrades".to_owned(),
        "arn:aws:iam::111122223333:role/a+b=c,d.e@f_g-h".to_owned(),
        format!(
            "arn:aws:iam::111122223333:role{longest_path}{}",
            "r".repeat(64)
        ),
    ] {
        fixture.accepts(&with(&[("/roleArn", json!(role))])).await;
    }
    for (region, partition) in [
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-north-1", "aws-cn"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        let role = format!("arn:{partition}:iam::111122223333:role/eks-upgrades");
        fixture
            .accepts(&with(&[
                ("/cluster/region", json!(region)),
                ("/roleArn", json!(role)),
            ]))
            .await;
    }
}

#[tokio::test]
async fn refuses_what_is_no_role() {
    let fixture = Fixture::new().await;
    for role in [
        "",
        "eks-upgrades",
        "arn:aws:iam::111122223333:user/eks-upgrades",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam::111122223333:role/team/",
        "arn:aws-:iam::111122223333:role/eks-upgrades",
        "arn:aws:iam::11112222333:role/eks-upgrades",
        "arn:aws:iam:eu-central-1:111122223333:role/eks-upgrades",
        "arn:aws:sts::111122223333:assumed-role/eks-upgrades/session",
        "arn:gcp:iam::111122223333:role/eks-upgrades",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::111122223333:role/eks upgrades",
        " arn:aws:iam::111122223333:role/eks-upgrades",
        "arn:aws:iam::111122223333:role/eks-upgrades\n",
        &format!("arn:aws:iam::111122223333:role/{}", "r".repeat(65)),
    ] {
        let manifest = with(&[("/roleArn", json!(role))]);
        fixture.refuses(&manifest, "spec.roleArn", MALFORMED).await;
    }
}

#[tokio::test]
async fn refuses_a_role_that_cannot_reach_the_cluster() {
    let fixture = Fixture::new().await;
    fixture
        .refuses(
            &with(&[(
                "/roleArn",
                json!("arn:aws:iam::444455556666:role/eks-upgrades"),
            )]),
            "spec.roleArn",
            "roleArn must be a role in the account of cluster.accountId: a role only reaches clusters of its own account",
        )
        .await;
    // Twelve digits elsewhere in the ARN do not make it one of the account.
    fixture
        .refuses(
            &with(&[(
                "/roleArn",
                json!("arn:aws:iam::444455556666:role/111122223333/eks-upgrades"),
            )]),
            "spec.roleArn",
            "a role only reaches clusters of its own account",
        )
        .await;
    fixture
        .refuses(
            &with(&[(
                "/roleArn",
                json!("arn:aws:iam::444455556666:role/x::111122223333:/eks-upgrades"),
            )]),
            "spec.roleArn",
            "a role only reaches clusters of its own account",
        )
        .await;
    for (region, role) in [
        ("cn-north-1", ROLE),
        ("us-gov-west-1", ROLE),
        ("eusc-de-east-1", ROLE),
        (
            "eu-central-1",
            "arn:aws-cn:iam::111122223333:role/eks-upgrades",
        ),
    ] {
        fixture
            .refuses(
                &with(&[("/cluster/region", json!(region)), ("/roleArn", json!(role))]),
                "spec.roleArn",
                "roleArn must be a role in the AWS partition of cluster.region: arn:aws-cn for cn-..., arn:aws-us-gov for us-gov-..., arn:aws-eusc for eusc-..., else arn:aws",
            )
            .await;
    }
}

#[tokio::test]
async fn an_external_id_goes_with_a_role() {
    let fixture = Fixture::new().await;
    for id in ["ab", "tenant/7:blue", &"x".repeat(1224)] {
        fixture
            .accepts(&with(&[
                ("/roleArn", json!(ROLE)),
                ("/externalId", json!(id)),
            ]))
            .await;
    }
    fixture
        .refuses(
            &with(&[("/externalId", json!("tenant-7"))]),
            "spec",
            "externalId is only used when a role is assumed: set roleArn too, or remove externalId",
        )
        .await;
    for id in ["", "a", "two words", "a\nb"] {
        fixture
            .refuses(
                &with(&[("/roleArn", json!(ROLE)), ("/externalId", json!(id))]),
                "spec.externalId",
                "must be an STS external id: 2 to 1224 letters, digits or the characters _+=,.@:/-",
            )
            .await;
    }
}

#[tokio::test]
async fn null_leaves_a_field_out() {
    let fixture = Fixture::new().await;
    let object = fixture
        .accepts(&with(&[
            ("/roleArn", Value::Null),
            ("/externalId", Value::Null),
            ("/force", Value::Null),
            ("/suspend", Value::Null),
        ]))
        .await;
    let spec = object.data["spec"].as_object().unwrap();
    let fields: Vec<_> = spec.keys().map(String::as_str).collect();
    assert_eq!(fields, ["cluster", "suspend", "version"]);
    assert_eq!(spec["suspend"], false);
}

#[tokio::test]
async fn suspend_is_true_or_false() {
    let fixture = Fixture::new().await;
    for wrong in [json!("yes"), json!("true"), json!(1)] {
        let error = fixture
            .create(&with(&[("/suspend", wrong)]))
            .await
            .unwrap_err();
        assert!(
            error.contains("spec.suspend in body must be of type boolean"),
            "{error}"
        );
    }
}
