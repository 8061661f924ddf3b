//! The simulator as the AWS SDK for Rust sees it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_sdk_eks::config::timeout::TimeoutConfig;
use aws_sdk_eks::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eks::types::{
    AddonStatus, CancellationStatus, Category, ClusterIssueCode, ClusterStatus, ErrorCode,
    InsightStatusValue, InsightsFilter, InsightsRefreshStatus, NodegroupStatus, UpdateParamType,
    UpdateStatus, UpdateType, VersionStatus,
};
use eks_upgrade_operator::simulator::model::Delivery;
use eks_upgrade_operator::simulator::{Handle, Scenario, serve_on_free_port};

async fn start(scenario: &str) -> Handle {
    serve_on_free_port(&Scenario::parse(scenario).unwrap())
        .await
        .unwrap()
}

fn client_of(simulator: &Handle, key: &str, region: &str) -> aws_sdk_eks::Client {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(Duration::from_secs(10))
        .build();
    aws_sdk_eks::Client::from_conf(
        aws_sdk_eks::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(simulator.url())
            .region(Region::new(region.to_owned()))
            .credentials_provider(Credentials::new(key, "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build(),
    )
}

fn client(simulator: &Handle) -> aws_sdk_eks::Client {
    client_of(simulator, "AKIATEST", "us-west-2")
}

/// Code and HTTP status of a service error.
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> (String, u16) {
    let error = result.unwrap_err();
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    let code = error.as_service_error().and_then(|error| error.code());
    (code.unwrap().to_owned(), status.unwrap())
}

/// Waits until the update has ended.
async fn ended(eks: &aws_sdk_eks::Client, cluster: &str, id: &str) -> aws_sdk_eks::types::Update {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = eks
            .describe_update()
            .name(cluster)
            .update_id(id)
            .send()
            .await;
        let update = answer.unwrap().update.unwrap();
        if update.status != Some(UpdateStatus::InProgress) {
            return update;
        }
        assert!(Instant::now() < deadline, "still running: {update:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_upgrade_from_call_to_end() {
    let simulator = start(
        "{durations: {update: 200ms}, clusters: [{name: prod, version: \"1.33\", \
         createdAt: 2026-03-04T05:06:07.891Z, upgradePolicy: STANDARD, autoMode: true}]}",
    )
    .await;
    let eks = client(&simulator);

    let cluster = eks.describe_cluster().name("prod").send().await.unwrap();
    let cluster = cluster.cluster.unwrap();
    assert_eq!(
        cluster.arn(),
        Some("arn:aws:eks:us-west-2:111122223333:cluster/prod")
    );
    let created_at = cluster.created_at.unwrap();
    assert_eq!(created_at.to_millis().unwrap(), 1_772_600_767_891);
    assert_eq!(cluster.version.as_deref(), Some("1.33"));
    assert_eq!(cluster.platform_version.as_deref(), Some("eks.27"));
    assert_eq!(cluster.status, Some(ClusterStatus::Active));
    let policy = cluster.upgrade_policy.unwrap().support_type.unwrap();
    assert_eq!(policy.as_str(), "STANDARD");
    assert_eq!(cluster.compute_config.unwrap().enabled, Some(true));

    let started = eks
        .update_cluster_version()
        .name("prod")
        .version("1.34")
        .client_request_token("token")
        .send()
        .await
        .unwrap()
        .update
        .unwrap();
    assert_eq!(started.status, Some(UpdateStatus::InProgress));
    assert_eq!(started.r#type, Some(UpdateType::VersionUpdate));
    let params = started.params.unwrap();
    assert_eq!(params[0].r#type, Some(UpdateParamType::Version));
    assert_eq!(params[0].value.as_deref(), Some("1.34"));
    let id = started.id.unwrap();

    let done = ended(&eks, "prod", &id).await;
    assert_eq!(done.status, Some(UpdateStatus::Successful));
    let listed = eks.list_updates().name("prod").send().await.unwrap();
    assert_eq!(listed.update_ids(), std::slice::from_ref(&id));
    let after = eks.describe_cluster().name("prod").send().await.unwrap();
    assert_eq!(after.cluster.unwrap().version.as_deref(), Some("1.34"));

    let accepted = simulator.with_model(|model| {
        let calls = model.calls().filter(|call| call.accepted);
        calls.map(|call| call.update_id.clone()).collect::<Vec<_>>()
    });
    assert_eq!(accepted, [Some(id)]);
}

#[tokio::test]
async fn a_failure_arrives_with_code_message_and_resources() {
    let simulator = start(
        "clusters: [{name: prod, version: \"1.33\", outcomes: [{duration: 0s, fail: \
         {errorCode: IpNotAvailable, errorMessage: none left, resourceIds: [subnet-1, subnet-2]}}]}]",
    )
    .await;
    let eks = client(&simulator);
    let call = eks.update_cluster_version().name("prod").version("1.34");
    let id = call.send().await.unwrap().update.unwrap().id.unwrap();
    let failed = ended(&eks, "prod", &id).await;
    assert_eq!(failed.status, Some(UpdateStatus::Failed));
    let error = &failed.errors()[0];
    assert_eq!(error.error_code, Some(ErrorCode::IpNotAvailable));
    assert_eq!(error.error_message.as_deref(), Some("none left"));
    assert_eq!(error.resource_ids(), ["subnet-1", "subnet-2"]);
}

#[tokio::test]
async fn refusals_are_the_sdks_own_variants() {
    let simulator = start(
        "{insightsEnforced: true, clusters: [\
         {name: prod, version: \"1.33\"}, \
         {name: blocked, version: \"1.33\", insights: {upgrade: ERROR}}, \
         {name: full, version: \"1.33\", faults: [{kind: error, code: InvalidRequestException, \
          operations: [UpdateClusterVersion]}]}, \
         {name: slow, version: \"1.33\", faults: [{kind: throttling}]}, \
         {name: broken, version: \"1.33\", faults: [{kind: serverError}]}]}",
    )
    .await;
    let eks = client(&simulator);
    let update = async |name: &str, version: &str| {
        let call = eks.update_cluster_version().name(name).version(version);
        call.send().await.map_err(SdkError::into_service_error)
    };

    let error = update("nope", "1.34").await.unwrap_err();
    assert!(error.is_resource_not_found_exception());
    assert_eq!(error.message(), Some("No cluster found for name: nope."));
    let error = update("prod", "1.35").await.unwrap_err();
    assert!(error.is_invalid_parameter_exception());
    let error = update("blocked", "1.34").await.unwrap_err();
    assert!(error.is_invalid_state_exception());
    let error = update("full", "1.34").await.unwrap_err();
    assert!(error.is_invalid_request_exception());
    let error = update("slow", "1.34").await.unwrap_err();
    assert!(error.is_throttling_exception());
    let error = update("broken", "1.34").await.unwrap_err();
    assert!(error.is_server_exception());

    update("prod", "1.34").await.unwrap();
    let error = update("prod", "1.34").await.unwrap_err();
    let aws_sdk_eks::operation::update_cluster_version::UpdateClusterVersionError::ResourceInUseException(
        in_use,
    ) = error
    else {
        panic!("not a conflict: {error:?}");
    };
    assert_eq!(in_use.cluster_name(), Some("prod"));
}

#[tokio::test]
async fn codes_outside_the_operations_model_arrive_with_their_status() {
    let simulator = start(
        "{faults: [{kind: serviceUnavailable, times: 1}, {kind: accessDenied, times: 1}, \
          {kind: throttling, code: TooManyRequestsException, times: 1}], \
          clusters: [{name: prod, version: \"1.33\"}]}",
    )
    .await;
    let eks = client(&simulator);
    let update = async || {
        let call = eks.update_cluster_version().name("prod").version("1.34");
        refusal(call.send().await)
    };
    assert_eq!(update().await, ("ServiceUnavailableException".into(), 503));
    assert_eq!(update().await, ("AccessDeniedException".into(), 403));
    assert_eq!(update().await, ("TooManyRequestsException".into(), 429));

    let expired = client_of(&simulator, "EXPIREDKEY", "us-west-2");
    let refused = refusal(expired.describe_cluster().name("prod").send().await);
    assert_eq!(refused, ("ExpiredTokenException".into(), 403));
}

#[tokio::test]
async fn lost_answers_are_dispatch_failures_and_garbled_ones_are_successes_without_sense() {
    let simulator = start(
        "{faults: [{kind: lostBefore, times: 1}, {kind: lostAfter, times: 1}, \
          {kind: malformed, operations: [UpdateClusterVersion], times: 1}], \
          clusters: [{name: prod, version: \"1.33\"}]}",
    )
    .await;
    let eks = client(&simulator);
    let update = async || {
        let call = eks.update_cluster_version().name("prod").version("1.34");
        call.client_request_token("token").send().await
    };
    for _ in 0..2 {
        let error = update().await.unwrap_err();
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    }
    let error = update().await.unwrap_err();
    // The SDK calls this a service error, though the service said 200 and no code.
    let raw = error.raw_response().unwrap();
    assert_eq!(raw.status().as_u16(), 200);
    assert_eq!(error.as_service_error().unwrap().code(), None);
    let id = update().await.unwrap().update.unwrap().id;

    let seen: Vec<_> = simulator.with_model(|model| {
        let calls = model.calls();
        calls.map(|call| (call.outcome, call.accepted)).collect()
    });
    assert_eq!(
        seen,
        [
            (Delivery::LostBefore, false),
            (Delivery::LostAfter, true),
            (Delivery::Malformed, false),
            (Delivery::Answered, false),
        ]
    );
    let listed = eks.list_updates().name("prod").send().await.unwrap();
    assert_eq!(listed.update_ids.unwrap(), [id.unwrap()]);
}

#[tokio::test]
async fn a_hanging_call_runs_into_the_clients_timeout() {
    let simulator = start(
        "{faults: [{kind: hang, lasts: 1h, times: 1}], clusters: [{name: prod, version: \"1.33\"}]}",
    )
    .await;
    let eks = client(&simulator);
    let impatient = aws_sdk_eks::config::Builder::default().timeout_config(
        TimeoutConfig::builder()
            .operation_timeout(Duration::from_millis(200))
            .build(),
    );
    let call = eks.describe_cluster().name("prod").customize();
    let error = call.config_override(impatient).send().await.unwrap_err();
    assert!(matches!(error, SdkError::TimeoutError(_)), "{error:?}");
    assert!(eks.describe_cluster().name("prod").send().await.is_ok());
}

#[tokio::test]
async fn lists_page_through_the_sdks_paginators() {
    let clusters: Vec<String> = (0..7)
        .map(|n| format!("{{name: c{n}, version: \"1.33\"}}"))
        .collect();
    let past: Vec<String> = (1..=9)
        .map(|age| format!("{{type: ConfigUpdate, age: {age}h}}"))
        .collect();
    let simulator = start(&format!(
        "clusters: [{}, {{name: old, version: \"1.33\", history: [{}]}}, \
         {{name: far, version: \"1.33\", region: eu-west-1}}]",
        clusters.join(", "),
        past.join(", ")
    ))
    .await;
    let eks = client(&simulator);

    let pages = eks.list_clusters().into_paginator().page_size(3);
    let names = pages.items().send().collect::<Result<Vec<_>, _>>().await;
    let mut names = names.unwrap();
    names.sort();
    assert_eq!(names, ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "old"]);

    let pages = eks.list_updates().name("old").into_paginator().page_size(4);
    let ids = pages.items().send().collect::<Result<Vec<_>, _>>().await;
    let mut ids = ids.unwrap();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 9);

    let far = client_of(&simulator, "AKIATEST", "eu-west-1");
    let names = far.list_clusters().send().await.unwrap().clusters.unwrap();
    assert_eq!(names, ["far"]);
}

#[tokio::test]
async fn cluster_versions_come_with_their_dates() {
    let simulator = start(
        "versions: [{version: \"1.40\", releaseDate: 2026-01-02, default: true, patchVersion: 1.40.3}]",
    )
    .await;
    let eks = client(&simulator);
    let call = eks.describe_cluster_versions().default_only(true);
    let versions = call.send().await.unwrap().cluster_versions.unwrap();
    let [version] = &versions[..] else {
        panic!("one default version: {versions:?}");
    };
    assert_eq!(version.cluster_version.as_deref(), Some("1.40"));
    assert_eq!(version.kubernetes_patch_version.as_deref(), Some("1.40.3"));
    assert_eq!(version.version_status, Some(VersionStatus::StandardSupport));
    assert_eq!(version.release_date.unwrap().secs(), 1_767_312_000);
    assert!(version.end_of_extended_support_date.is_some());

    let call = eks.describe_cluster_versions().cluster_versions("1.33");
    let named = call.cluster_versions("1.34").send().await.unwrap();
    assert_eq!(named.cluster_versions().len(), 2);
}

#[tokio::test]
async fn a_rollback_is_cancelled_in_its_node_phase() {
    let simulator = start(
        "clusters: [{name: auto, version: \"1.34\", autoMode: true, \
         durations: {nodePhase: 1h, cancellation: 0s}, \
         history: [{version: \"1.34\", age: 24h}]}]",
    )
    .await;
    let eks = client(&simulator);
    let config = aws_sdk_eks::types::RollbackConfig::builder()
        .timeout_minutes(120)
        .build();
    let call = eks.update_cluster_version().name("auto").version("1.33");
    let started = call.rollback_config(config).send().await.unwrap();
    let started = started.update.unwrap();
    assert_eq!(started.r#type, Some(UpdateType::VersionRollback));
    let id = started.id.unwrap();
    let call = eks.cancel_update().name("auto").update_id(&id);
    let cancelling = call.send().await.unwrap().update.unwrap();
    let cancellation = cancelling.cancellation.unwrap();
    assert_eq!(cancellation.status, Some(CancellationStatus::InProgress));
    let done = ended(&eks, "auto", &id).await;
    assert_eq!(done.status, Some(UpdateStatus::Cancelled));
    let cancellation = done.cancellation.unwrap();
    assert_eq!(cancellation.status, Some(CancellationStatus::Successful));
    assert!(cancellation.reason.is_some());
}

#[tokio::test]
async fn insights_are_listed_described_and_refreshed() {
    let simulator = start(
        "clusters: [{name: prod, version: \"1.34\", history: [{version: \"1.34\", age: 24h}], \
         insights: {rollback: [{name: one, status: ERROR, recommendation: go}, \
         {name: two, status: PASSING}, {name: three, status: UNKNOWN}]}, \
         events: [{insights: {rollback: PASSING}}], durations: {insightsRefresh: 100ms}}]",
    )
    .await;
    let eks = client(&simulator);
    let of = |category| InsightsFilter::builder().categories(category).build();
    let rollback = async || {
        let call = eks.list_insights().cluster_name("prod");
        let pages = call
            .filter(of(Category::RollbackReadiness))
            .into_paginator();
        let listed = pages
            .page_size(2)
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>();
        listed.await.unwrap()
    };
    let listed = rollback().await;
    assert_eq!(listed.len(), 3);
    let one = listed.iter().find(|one| one.name() == Some("one")).unwrap();
    assert_eq!(one.category, Some(Category::RollbackReadiness));
    assert_eq!(one.kubernetes_version(), Some("1.33"));
    assert!(one.last_refresh_time.is_some() && one.last_transition_time.is_some());
    let status = one.insight_status().unwrap().status.clone();
    assert_eq!(status, Some(InsightStatusValue::Error));
    let call = eks.describe_insight().cluster_name("prod");
    let described = call.id(one.id().unwrap()).send().await.unwrap();
    let described = described.insight.unwrap();
    assert_eq!(described.recommendation(), Some("go"));
    assert_eq!(described.resources(), []);
    assert!(described.category_specific_summary().is_some());
    let refused = eks.update_cluster_version().name("prod").version("1.33");
    let refused = refused.send().await.unwrap_err().into_service_error();
    assert!(refused.is_invalid_state_exception());

    let describe = async || {
        let call = eks.describe_insights_refresh().cluster_name("prod");
        call.send().await.unwrap()
    };
    assert_eq!(describe().await.status, None);
    let call = eks.start_insights_refresh().cluster_name("prod");
    let started = call.send().await.unwrap();
    assert_eq!(started.status, Some(InsightsRefreshStatus::InProgress));
    assert!(started.message.is_some());
    let deadline = Instant::now() + Duration::from_secs(30);
    let done = loop {
        let refresh = describe().await;
        if refresh.status != Some(InsightsRefreshStatus::InProgress) {
            break refresh;
        }
        assert_eq!(refresh.ended_at, None);
        assert!(Instant::now() < deadline, "still going on: {refresh:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(done.status, Some(InsightsRefreshStatus::Completed));
    assert!(done.started_at < done.ended_at, "{done:?}");
    let [passing] = &rollback().await[..] else {
        panic!("one insight");
    };
    let status = passing.insight_status().unwrap().status.clone();
    assert_eq!(status, Some(InsightStatusValue::Passing));
    let call = eks.update_cluster_version().name("prod").version("1.33");
    let started = call.send().await.unwrap().update.unwrap();
    assert_eq!(started.r#type, Some(UpdateType::VersionRollback));
}

#[tokio::test]
async fn node_groups_are_listed_and_described_and_newer_ones_are_in_the_way() {
    let simulator = start(
        "clusters: [{name: prod, version: \"1.34\", history: [{version: \"1.34\", age: 24h}], \
         nodegroups: [{name: a, version: \"1.33\"}, {name: b}, {name: c, version: \"1.32\", \
         status: UPDATING}]}]",
    )
    .await;
    let eks = client(&simulator);
    let pages = eks.list_nodegroups().cluster_name("prod").into_paginator();
    let names = pages.page_size(2).items().send();
    let mut names = names.collect::<Result<Vec<_>, _>>().await.unwrap();
    names.sort();
    assert_eq!(names, ["a", "b", "c"]);
    let describe = async |name: &str| {
        let call = eks.describe_nodegroup().cluster_name("prod");
        call.nodegroup_name(name).send().await
    };
    let c = describe("c").await.unwrap().nodegroup.unwrap();
    assert_eq!(c.version(), Some("1.32"));
    assert_eq!(c.status, Some(NodegroupStatus::Updating));
    assert!(c.created_at.is_some() && c.release_version.is_some());
    assert!(c.health.unwrap().issues().is_empty());
    let refused = refusal(describe("d").await);
    assert_eq!(refused, ("ResourceNotFoundException".into(), 404));

    let call = eks.update_cluster_version().name("prod").version("1.33");
    let refused = refusal(call.force(true).send().await);
    assert_eq!(refused, ("InvalidRequestException".into(), 400));
}

#[tokio::test]
async fn add_ons_their_versions_and_health_are_read() {
    let simulator = start(
        "{addonVersions: [{addon: coredns, version: v2, kubernetes: [\"1.34\"], default: [\"1.34\"]}, \
         {addon: vpc-cni, version: v9, kubernetes: [\"1.33\", \"1.34\"]}], \
         clusters: [{name: prod, version: \"1.33\", \
         health: [{code: Ec2SubnetNotFound, message: gone, resourceIds: [subnet-1]}], \
         addons: [{name: a, version: v1}, {name: b, version: v1}, {name: c, version: v1, \
         status: CREATE_FAILED, issues: [{code: AccessDenied, message: no}]}]}]}",
    )
    .await;
    let eks = client(&simulator);
    let cluster = eks.describe_cluster().name("prod").send().await.unwrap();
    let health = cluster.cluster.unwrap().health.unwrap();
    let [issue] = health.issues() else {
        panic!("one issue: {health:?}");
    };
    assert_eq!(issue.code, Some(ClusterIssueCode::Ec2SubnetNotFound));
    assert_eq!(issue.resource_ids(), ["subnet-1"]);

    let pages = eks.list_addons().cluster_name("prod").into_paginator();
    let names = pages.page_size(2).items().send();
    let mut names = names.collect::<Result<Vec<_>, _>>().await.unwrap();
    names.sort();
    assert_eq!(names, ["a", "b", "c"]);
    let describe = async |name: &str| {
        let call = eks.describe_addon().cluster_name("prod");
        call.addon_name(name).send().await
    };
    let c = describe("c").await.unwrap().addon.unwrap();
    assert_eq!(c.addon_version(), Some("v1"));
    assert_eq!(c.status, Some(AddonStatus::CreateFailed));
    assert!(c.created_at.is_some() && c.addon_arn.is_some());
    assert_eq!(c.health.unwrap().issues()[0].message(), Some("no"));
    let refused = refusal(describe("d").await);
    assert_eq!(refused, ("ResourceNotFoundException".into(), 404));

    let pages = eks.describe_addon_versions().kubernetes_version("1.34");
    let infos = pages.into_paginator().page_size(1).items().send();
    let infos = infos.collect::<Result<Vec<_>, _>>().await.unwrap();
    let names: Vec<_> = infos.iter().filter_map(|info| info.addon_name()).collect();
    assert_eq!(names, ["coredns", "vpc-cni", "a", "b", "c"]);
    let fit = &infos[0].addon_versions()[0].compatibilities()[0];
    assert_eq!(fit.cluster_version(), Some("1.34"));
    assert!(fit.default_version);
    let call = eks.describe_addon_versions().addon_name("coredns");
    let none = call.kubernetes_version("1.33").send().await.unwrap();
    assert_eq!(none.addons(), []);
}

#[tokio::test]
async fn assumed_roles_open_their_account() {
    let simulator = start(
        "{sts: {deniedRoles: ['arn:aws:iam::444455556666:role/no']}, \
         clusters: [{name: prod, version: \"1.33\", accountId: \"444455556666\"}]}",
    )
    .await;
    let sts = aws_sdk_sts::Client::from_conf(
        aws_sdk_sts::Config::builder()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .endpoint_url(simulator.url())
            .region(aws_sdk_sts::config::Region::new("us-west-2"))
            .credentials_provider(Credentials::new("AKIATEST", "secret", None, None, "test"))
            .build(),
    );
    let identity = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("111122223333"));

    let assume = async |role: &str| {
        let call = sts.assume_role().role_session_name("operator");
        call.role_arn(format!("arn:aws:iam::444455556666:role/{role}"))
            .send()
            .await
    };
    assert_eq!(refusal(assume("no").await), ("AccessDenied".into(), 403));
    let assumed = assume("yes").await.unwrap();
    let credentials = assumed.credentials.unwrap();
    let eks = client_of(&simulator, credentials.access_key_id(), "us-west-2");
    assert!(eks.describe_cluster().name("prod").send().await.is_ok());
}

#[tokio::test]
async fn after_shutdown_nobody_answers() {
    let simulator = start("clusters: [{name: prod, version: \"1.33\"}]").await;
    let eks = client(&simulator);
    assert!(eks.describe_cluster().name("prod").send().await.is_ok());
    simulator.shutdown().await;
    let error = eks
        .describe_cluster()
        .name("prod")
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
}
