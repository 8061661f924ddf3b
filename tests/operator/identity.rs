//! Whose cluster it is, and as whom it is reached.

use serde_json::{Value, json};

use crate::world::{World, condition, message};

const OTHER: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::444455556666:role/eks-upgrades";

fn in_other_account(name: &str, version: &str) -> Value {
    let mut manifest = World::manifest(name, version);
    manifest["spec"]["cluster"]["accountId"] = json!(OTHER);
    manifest["spec"]["roleArn"] = json!(ROLE);
    manifest
}

async fn with_other_account() -> World {
    World::new(&format!(
        "{{durations: {{update: 300ms}}, clusters: [{{name: prod, version: '1.33', accountId: '{OTHER}'}}]}}"
    ))
    .await
}

#[tokio::test]
async fn a_role_that_is_not_allowed_is_never_used() {
    let world = with_other_account().await;
    let _operator = world
        .program()
        .args(["--allow-role", &format!("elsewhere={ROLE}")])
        .start()
        .unwrap();
    world.create(in_other_account("prod", "1.34")).await;
    let refused = world.until_reason("prod", "NotAllowed").await;
    assert!(
        message(&refused).contains("--allow-role"),
        "{}",
        message(&refused)
    );
    world.create(World::manifest("other", "1.34")).await;
    world.until_reason("other", "ClusterNotFound").await;
    assert_eq!(world.about("prod").len(), 0);
    assert_eq!(world.asked("AssumeRole").len(), 0);
}

#[tokio::test]
async fn an_allowed_role_leads_to_its_account() {
    let world = with_other_account().await;
    let allowed = format!("{}=arn:aws:iam::{OTHER}:role/*", world.namespace);
    let _operator = world
        .program()
        .args(["--allow-role", &allowed])
        .start()
        .unwrap();
    world.create(in_other_account("prod", "1.35")).await;
    world.until_reason("prod", "UpToDate").await;
    let accepted = world.accepted("prod");
    assert_eq!(accepted.len(), 2);
    for send in &accepted {
        assert_eq!(send.account.as_deref(), Some(OTHER));
    }
    assert_eq!(
        world.asked("AssumeRole").len(),
        1,
        "one session for all calls"
    );
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_said_with_its_trust_policy() {
    let world = World::new(&format!(
        "{{clusters: [{{name: prod, version: '1.33', accountId: '{OTHER}'}}], sts: {{deniedRoles: ['{ROLE}']}}}}"
    ))
    .await;
    let allowed = format!("{}={ROLE}", world.namespace);
    let _operator = world
        .program()
        .args(["--allow-role", &allowed])
        .start()
        .unwrap();
    world.create(in_other_account("prod", "1.34")).await;
    let without = world.until_reason("prod", "CredentialsUnavailable").await;
    assert!(
        message(&without).contains("trust policy"),
        "{}",
        message(&without)
    );
    assert_eq!(world.about("prod").len(), 0);
}

#[tokio::test]
async fn credentials_of_another_account_are_not_taken_for_the_right_ones() {
    // The same name in the account that the credentials reach.
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    let mut manifest = World::manifest("prod", "1.34");
    manifest["spec"]["cluster"]["accountId"] = json!(OTHER);
    world.create(manifest).await;
    let replaced = world.until_reason("prod", "ClusterReplaced").await;
    assert!(message(&replaced).contains(OTHER), "{}", message(&replaced));
    assert_eq!(condition(&replaced, "Stalled").unwrap().0, "True");
    world.looks("prod", 2).await;
    assert_eq!(world.sends("prod").len(), 0);
}

#[tokio::test]
async fn a_cluster_made_anew_under_the_same_name_is_not_followed() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let before = world.until_reason("prod", "UpToDate").await;
    world.happens("prod", "{recreate: '1.32'}");
    let replaced = world.until_reason("prod", "ClusterReplaced").await;
    world.looks("prod", 2).await;
    assert_eq!(world.sends("prod").len(), 1);
    let pinned = |object: eks_upgrade_operator::api::ClusterUpgrade| {
        object.status.unwrap().cluster.unwrap().created_at
    };
    assert_eq!(pinned(replaced), pinned(before));

    // A new object is a new request.
    world.delete("prod").await;
    world.create(World::manifest("prod", "1.33")).await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.33"]);
}

#[tokio::test]
async fn a_cluster_made_anew_in_mid_update_ends_the_wait() {
    let world =
        World::new("{durations: {update: 10m}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_running("prod").await;
    world.happens("prod", "{recreate: '1.33'}");
    world.until_reason("prod", "ClusterReplaced").await;
    world.looks("prod", 2).await;
    assert_eq!(world.sends("prod").len(), 1);
}
