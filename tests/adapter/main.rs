//! The real face of the port to EKS, against a scripted server: what every answer means, what goes over the wire, and whose
//! credentials sign it.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod addons;
mod answers;
mod credentials;
mod hostile;
mod identity;
mod rollback;
mod server;
mod sts;
mod trouble;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use eks_upgrade_operator::api::Minor;
use eks_upgrade_operator::eks::aws::AwsEks;
use eks_upgrade_operator::eks::{
    CancelRequest, Eks, EksError, Fence, InsightCategory, Target, VersionRequest,
};

use server::{Answer, Server, answer};

/// The operator's own access key in these tests.
const OWN_KEY: &str = "AKIDOPERATOR";

/// Settings as the SDK loads them, but for an endpoint and credentials of the test.
fn settings(url: &str) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new(OWN_KEY, "secret", None, None, "test"))
}

/// Short enough that waiting for them is no burden.
fn soon() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(1))
        .build()
}

async fn eks(server: &Server) -> AwsEks {
    AwsEks::new(settings(&server.url).load().await, Arc::new(())).await
}

async fn with_provider(server: &Server, provider: impl ProvideCredentials + 'static) -> AwsEks {
    let config = settings(&server.url).credentials_provider(provider);
    AwsEks::new(config.load().await, Arc::new(())).await
}

/// DescribeCluster's answer.
fn cluster() -> Answer {
    answer(
        200,
        r#"{"cluster":{"arn":"arn:aws:eks:us-west-2:111122223333:cluster/devel","version":"1.33","status":"ACTIVE"}}"#,
    )
}

fn target() -> Target {
    Target {
        account_id: "111122223333".to_owned(),
        region: "us-west-2".to_owned(),
        name: "devel".to_owned(),
        role_arn: None,
        external_id: None,
    }
}

fn as_role(name: &str) -> Target {
    Target {
        role_arn: Some(format!("arn:aws:iam::111122223333:role/{name}")),
        ..target()
    }
}

fn request() -> VersionRequest {
    VersionRequest {
        version: Minor::new(11),
        client_request_token: "b07dab93-51bc-4094-8372-96f3ccf888ff".to_owned(),
        force: false,
        rollback_timeout: None,
    }
}

fn cancel() -> CancelRequest {
    CancelRequest {
        update_id: "9f771284-9e30-4886-b5b1-3789b6bea4dc".to_owned(),
        client_request_token: "0d0c8b19-95a3-5b6e-8a25-7d1f6c0c7d11".to_owned(),
    }
}

/// Every operation's error, each by one call and all at once; in the order of the port. Without those to which what is not
/// found is an answer: DescribeInsightsRefresh and DescribeAddonVersions.
async fn errors_of_all(eks: &AwsEks) -> [EksError; 13] {
    let (target, request, fence) = (target(), request(), Fence::none());
    let cancel = cancel();
    let category = InsightCategory::RollbackReadiness;
    let (cluster, updates, update, versions, started) = futures::join!(
        eks.describe_cluster(&target),
        eks.list_updates(&target),
        eks.describe_update(&target, "u-1"),
        eks.describe_cluster_versions(&target),
        eks.update_cluster_version(&target, &request, &fence),
    );
    let (cancelled, insights, refresh, nodegroups, nodegroup) = futures::join!(
        eks.cancel_update(&target, &cancel, &fence),
        eks.list_insights(&target, category),
        eks.start_insights_refresh(&target),
        eks.list_nodegroups(&target),
        eks.describe_nodegroup(&target, "workers"),
    );
    let (detail, addons, addon) = futures::join!(
        eks.describe_insight(&target, "i-1"),
        eks.list_addons(&target),
        eks.describe_addon(&target, "coredns"),
    );
    [
        cluster.expect_err("an error"),
        updates.expect_err("an error"),
        update.expect_err("an error"),
        versions.expect_err("an error"),
        started.expect_err("an error"),
        cancelled.expect_err("an error"),
        insights.expect_err("an error"),
        refresh.expect_err("an error"),
        nodegroups.expect_err("an error"),
        nodegroup.expect_err("an error"),
        detail.expect_err("an error"),
        addons.expect_err("an error"),
        addon.expect_err("an error"),
    ]
}

/// The operations in the order of [`errors_of_all`].
const OPERATIONS: [&str; 13] = [
    "eks:DescribeCluster",
    "eks:ListUpdates",
    "eks:DescribeUpdate",
    "eks:DescribeClusterVersions",
    "eks:UpdateClusterVersion",
    "eks:CancelUpdate",
    "eks:ListInsights",
    "eks:StartInsightsRefresh",
    "eks:ListNodegroups",
    "eks:DescribeNodegroup",
    "eks:DescribeInsight",
    "eks:ListAddons",
    "eks:DescribeAddon",
];
