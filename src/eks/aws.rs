//! The real face of the port: the AWS SDK.
//!
//! [`AwsEks`] only sends and reads: who signs is `clients`, what an error means is `classify`, how an answer reads is `convert`.

mod addons;
mod assumed_role;
mod base;
mod body;
mod classify;
mod clients;
mod convert;
mod fenced;
mod pages;
mod words;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_eks::Client;
use aws_sdk_eks::config::http::HttpResponse;
use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eks::operation::RequestId;
use aws_sdk_eks::types::{Category, InsightsFilter, RollbackConfig};
use futures::future::{self, BoxFuture, FutureExt};

use self::base::Origin;
use self::clients::Clients;
use self::fenced::Fenced;
use self::pages::{PAGE_SIZE, all_pages};
use super::{
    AddonVersion, AddonView, CancelRequest, ClusterView, Eks, EksError, ErrorKind, Fence,
    InsightCategory, InsightDetail, InsightView, NodegroupView, OfferedVersion, RefreshStatus,
    RefreshView, Target, UpdateView, VersionRequest, is_update_id,
};
use crate::api::Minor;

/// Is told of every call to AWS, once it has ended. Metrics implement it.
pub trait CallObserver: Send + Sync + 'static {
    /// `operation` is the IAM action, such as `eks:DescribeCluster`; `outcome` is `ok` or [`ErrorKind::label`]; `took` includes
    /// the loading of credentials where that was needed. Every page of a listing is a call of its own.
    fn called(&self, operation: &'static str, outcome: &'static str, took: Duration);

    /// Is waited for before each page of a listing but the first, which whoever asks for the listing has waited for.
    fn another_page<'a>(&'a self, _target: &'a Target) -> BoxFuture<'a, ()> {
        future::ready(()).boxed()
    }
}

/// Nobody listens.
impl CallObserver for () {
    fn called(&self, _operation: &'static str, _outcome: &'static str, _took: Duration) {}
}

/// EKS through the AWS SDK: one attempt per call, all calls bounded in time, clients and credentials shared.
pub struct AwsEks {
    clients: Clients,
    observer: Arc<dyn CallObserver>,
}

impl AwsEks {
    /// Reads the SDK's own settings (environment, profile files, web identity, container and instance credentials).
    ///
    /// Touches no network: credentials are asked for at the first call. Never fails; what is wrong with the settings shows in
    /// the first call's error.
    pub async fn load(observer: Arc<dyn CallObserver>) -> Self {
        Self::with_origin(Origin::Chain, observer).await
    }

    /// The same with this profile alone, where one is named; and the region that the environment or the profile has.
    pub async fn load_profile(
        profile: Option<String>,
        observer: Arc<dyn CallObserver>,
    ) -> (Self, Option<String>) {
        let region = base::own_region(profile.as_deref()).await;
        let origin = profile.map_or(Origin::Chain, Origin::Profile);
        let region = region.map(|region| region.as_ref().to_owned());
        (Self::with_origin(origin, observer).await, region)
    }

    /// Uses settings that were loaded elsewhere, such as an endpoint of a test.
    ///
    /// Retries, timeouts (but for that of an attempt), the HTTP client and the identity cache of `config` are replaced by the
    /// operator's own; everything else is kept.
    /// `config` must come from `aws_config`, which sets the behaviour version, clock and sleep that clients need.
    pub async fn new(config: SdkConfig, observer: Arc<dyn CallObserver>) -> Self {
        Self::with_origin(Origin::Given(Box::new(config)), observer).await
    }

    async fn with_origin(origin: Origin, observer: Arc<dyn CallObserver>) -> Self {
        Self {
            clients: Clients::new(origin).await,
            observer,
        }
    }

    /// One call: the client of the target's region and role, one attempt, the error told apart, counted and logged.
    async fn call<T, E, F>(
        &self,
        operation: &'static str,
        target: &Target,
        send: impl FnOnce(Client) -> F + Send,
    ) -> Result<T, EksError>
    where
        T: RequestId,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    {
        let started = Instant::now();
        let signed = self.clients.signed(target).await;
        // Boxed, since the SDK's future is some ten kilobytes that every caller's future would carry.
        let answer = match Box::pin(send(signed.client())).await {
            Ok(output) => Ok(output),
            Err(error) => {
                let failure = classify::failure(operation, &error);
                self.clients.forget(&signed, failure.suspect).await;
                Err(failure.error)
            }
        };
        let took = started.elapsed();
        let (outcome, code, request_id) = match &answer {
            Ok(output) => ("ok", "", output.request_id()),
            Err(error) => (
                error.kind.label(),
                error.code.as_str(),
                error.request_id.as_deref(),
            ),
        };
        self.observer.called(operation, outcome, took);
        tracing::debug!(
            operation,
            cluster = target.name,
            region = target.region,
            outcome,
            code,
            request_id,
            ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "called AWS"
        );
        answer
    }
}

impl Eks for AwsEks {
    async fn describe_cluster(&self, target: &Target) -> Result<ClusterView, EksError> {
        const OPERATION: &str = "eks:DescribeCluster";
        let output = self
            .call(OPERATION, target, |client| {
                client.describe_cluster().name(&target.name).send()
            })
            .await?;
        convert::cluster(OPERATION, output.cluster)
    }

    async fn list_updates(&self, target: &Target) -> Result<Vec<String>, EksError> {
        const OPERATION: &str = "eks:ListUpdates";
        all_pages(
            OPERATION,
            || self.observer.another_page(target),
            |token| async move {
                let output = self
                    .call(OPERATION, target, |client| {
                        client
                            .list_updates()
                            .name(&target.name)
                            .max_results(PAGE_SIZE)
                            .set_next_token(token)
                            .send()
                    })
                    .await?;
                let ids = convert::update_ids(OPERATION, output.update_ids)?;
                Ok((ids, output.next_token))
            },
        )
        .await
    }

    async fn describe_update(&self, target: &Target, id: &str) -> Result<UpdateView, EksError> {
        const OPERATION: &str = "eks:DescribeUpdate";
        let output = self
            .call(OPERATION, target, |client| {
                client
                    .describe_update()
                    .name(&target.name)
                    .update_id(id)
                    .send()
            })
            .await?;
        convert::the_update(OPERATION, output.update, id)
    }

    async fn describe_cluster_versions(
        &self,
        target: &Target,
    ) -> Result<Vec<OfferedVersion>, EksError> {
        const OPERATION: &str = "eks:DescribeClusterVersions";
        // No filter: without `includeAll` EKS answers what it offers, and its status filter takes one status only.
        all_pages(
            OPERATION,
            || self.observer.another_page(target),
            |token| async move {
                let output = self
                    .call(OPERATION, target, |client| {
                        client
                            .describe_cluster_versions()
                            .max_results(PAGE_SIZE)
                            .set_next_token(token)
                            .send()
                    })
                    .await?;
                let versions = output.cluster_versions.unwrap_or_default();
                let offered = versions.into_iter().filter_map(convert::offered_version);
                Ok((offered.collect(), output.next_token))
            },
        )
        .await
    }

    async fn update_cluster_version(
        &self,
        target: &Target,
        request: &VersionRequest,
        fence: &Fence,
    ) -> Result<UpdateView, EksError> {
        const OPERATION: &str = "eks:UpdateClusterVersion";
        let VersionRequest {
            version,
            client_request_token,
            force,
            rollback_timeout,
        } = request;
        let rollback = rollback_timeout.map(|timeout| {
            RollbackConfig::builder()
                .timeout_minutes(timeout.minutes().into())
                .build()
        });
        let output = self
            .call(OPERATION, target, |client| {
                client
                    .update_cluster_version()
                    .name(&target.name)
                    .version(version.to_string())
                    .client_request_token(client_request_token)
                    .set_force(force.then_some(true))
                    .set_rollback_config(rollback)
                    .customize()
                    .interceptor(Fenced(fence.clone()))
                    .send()
            })
            .await?;
        convert::update(OPERATION, output.update)
    }

    async fn cancel_update(
        &self,
        target: &Target,
        request: &CancelRequest,
        fence: &Fence,
    ) -> Result<UpdateView, EksError> {
        const OPERATION: &str = "eks:CancelUpdate";
        let CancelRequest {
            update_id,
            client_request_token,
        } = request;
        let output = self
            .call(OPERATION, target, |client| {
                client
                    .cancel_update()
                    .name(&target.name)
                    .update_id(update_id)
                    .client_request_token(client_request_token)
                    .customize()
                    .interceptor(Fenced(fence.clone()))
                    .send()
            })
            .await?;
        convert::the_update(OPERATION, output.update, update_id)
    }

    async fn list_insights(
        &self,
        target: &Target,
        category: InsightCategory,
    ) -> Result<Vec<InsightView>, EksError> {
        const OPERATION: &str = "eks:ListInsights";
        let filter = InsightsFilter::builder();
        let filter = match category {
            InsightCategory::UpgradeReadiness(version) => filter
                .categories(Category::UpgradeReadiness)
                .kubernetes_versions(version.to_string()),
            InsightCategory::RollbackReadiness => filter.categories(Category::RollbackReadiness),
        };
        let filter = filter.build();
        let filter = &filter;
        all_pages(
            OPERATION,
            || self.observer.another_page(target),
            |token| async move {
                let output = self
                    .call(OPERATION, target, |client| {
                        client
                            .list_insights()
                            .cluster_name(&target.name)
                            .filter(filter.clone())
                            .max_results(PAGE_SIZE)
                            .set_next_token(token)
                            .send()
                    })
                    .await?;
                let insights = output.insights.unwrap_or_default().into_iter();
                Ok((insights.map(convert::insight).collect(), output.next_token))
            },
        )
        .await
    }

    async fn describe_insights_refresh(&self, target: &Target) -> Result<RefreshView, EksError> {
        const OPERATION: &str = "eks:DescribeInsightsRefresh";
        let answer = self
            .call(OPERATION, target, |client| {
                client
                    .describe_insights_refresh()
                    .cluster_name(&target.name)
                    .send()
            })
            .await;
        match answer {
            Ok(output) => Ok(convert::refresh(
                output.status,
                output.started_at,
                output.ended_at,
            )),
            // The cluster was described a moment ago: what EKS does not find is a refresh.
            Err(error) if error.kind == ErrorKind::NotFound => Ok(RefreshView {
                status: RefreshStatus::None,
                started_at: None,
                ended_at: None,
            }),
            Err(error) => Err(error),
        }
    }

    async fn start_insights_refresh(&self, target: &Target) -> Result<RefreshView, EksError> {
        const OPERATION: &str = "eks:StartInsightsRefresh";
        let output = self
            .call(OPERATION, target, |client| {
                client
                    .start_insights_refresh()
                    .cluster_name(&target.name)
                    .send()
            })
            .await?;
        Ok(convert::refresh(output.status, None, None))
    }

    async fn list_nodegroups(&self, target: &Target) -> Result<Vec<String>, EksError> {
        const OPERATION: &str = "eks:ListNodegroups";
        all_pages(
            OPERATION,
            || self.observer.another_page(target),
            |token| async move {
                let output = self
                    .call(OPERATION, target, |client| {
                        client
                            .list_nodegroups()
                            .cluster_name(&target.name)
                            .max_results(PAGE_SIZE)
                            .set_next_token(token)
                            .send()
                    })
                    .await?;
                let names = convert::nodegroup_names(OPERATION, output.nodegroups)?;
                Ok((names, output.next_token))
            },
        )
        .await
    }

    async fn describe_nodegroup(
        &self,
        target: &Target,
        name: &str,
    ) -> Result<NodegroupView, EksError> {
        const OPERATION: &str = "eks:DescribeNodegroup";
        let output = self
            .call(OPERATION, target, |client| {
                client
                    .describe_nodegroup()
                    .cluster_name(&target.name)
                    .nodegroup_name(name)
                    .send()
            })
            .await?;
        convert::nodegroup(OPERATION, output.nodegroup, name)
    }

    async fn describe_insight(&self, target: &Target, id: &str) -> Result<InsightDetail, EksError> {
        const OPERATION: &str = "eks:DescribeInsight";
        // ListInsights keeps an id that can be none, since what the insight says counts nevertheless.
        if !is_update_id(id) {
            return Err(convert::broken(
                OPERATION,
                "the insight has no id, or none that can be one",
            ));
        }
        let output = self
            .call(OPERATION, target, |client| {
                client
                    .describe_insight()
                    .cluster_name(&target.name)
                    .id(id)
                    .send()
            })
            .await?;
        convert::insight_detail(OPERATION, output.insight, id)
    }

    async fn list_addons(&self, target: &Target) -> Result<Vec<String>, EksError> {
        addons::list(self, target).await
    }

    async fn describe_addon(&self, target: &Target, name: &str) -> Result<AddonView, EksError> {
        addons::describe(self, target, name).await
    }

    async fn describe_addon_versions(
        &self,
        target: &Target,
        addon: &str,
        version: Minor,
    ) -> Result<Vec<AddonVersion>, EksError> {
        addons::versions(self, target, addon, version).await
    }
}
