//! The work of each operation, once a call has come through.

use jiff::Timestamp;

use super::cluster::{Cluster, ClusterKey};
use super::start::{Rules, Started};
use super::{Model, addons, existing, rollback};
use crate::simulator::api::{Caller, ListInsights, Page, Request, Response, Scope};
use crate::simulator::error::ApiError;
use crate::simulator::paging;

/// What the work of a call came to.
pub(super) struct Worked {
    pub(super) result: Result<Response, ApiError>,
    pub(super) accepted: bool,
}

impl From<Result<Response, ApiError>> for Worked {
    fn from(result: Result<Response, ApiError>) -> Self {
        Self {
            result,
            accepted: false,
        }
    }
}

impl Model {
    pub(super) fn work(&mut self, caller: &Caller, request: &Request, now: Timestamp) -> Worked {
        let worked = match request {
            Request::UpdateClusterVersion(update) => {
                let rules = Rules {
                    calendar: &self.calendar,
                    token_lifetime: self.token_lifetime,
                    insights_enforced: self.insights_enforced,
                };
                let key = key_of(caller, &update.name);
                let started = existing(&mut self.clusters, &self.calendar, &key, now)
                    .and_then(|cluster| cluster.update_version(update, &rules, now));
                match started {
                    Ok(Started { update, new }) => Worked {
                        result: Ok(Response::Update(update)),
                        accepted: new,
                    },
                    Err(error) => Err(error).into(),
                }
            }
            Request::ListClusters { page } => self.list_clusters(caller, page, now).into(),
            Request::DescribeCluster { name } => self
                .cluster(caller, name, now)
                .map(|cluster| Response::Cluster(Box::new(cluster.view(now))))
                .into(),
            Request::DescribeUpdate {
                name,
                update_id,
                scope,
            } => self
                .cluster(caller, name, now)
                .and_then(|cluster| {
                    let cluster = &*cluster;
                    cluster
                        .updates
                        .iter()
                        .find(|update| update.id() == update_id && update.scope == *scope)
                        .filter(|update| cluster.finds(update, now))
                        .map(|update| Response::Update(update.view()))
                        .ok_or_else(|| rollback::no_update(update_id))
                })
                .into(),
            Request::ListUpdates { name, scope, page } => self
                .cluster(caller, name, now)
                .and_then(|cluster| list_updates(cluster, scope, page, now))
                .into(),
            Request::CancelUpdate {
                name,
                update_id,
                client_request_token,
            } => self
                .cluster(caller, name, now)
                .and_then(|cluster| {
                    cluster.cancel_update(update_id, client_request_token.as_deref(), now)
                })
                .map(Response::Update)
                .into(),
            Request::DescribeClusterVersions(filter) => {
                paging::ordered(self.calendar.describe(filter, now), &filter.page)
                    .map(|(versions, next_token)| Response::ClusterVersions {
                        versions,
                        next_token,
                    })
                    .into()
            }
            Request::ListInsights(list) => self
                .cluster(caller, &list.cluster_name, now)
                .and_then(|cluster| list_insights(cluster, list, now))
                .into(),
            Request::DescribeInsight { name, id } => self
                .cluster(caller, name, now)
                .and_then(|cluster| cluster.insight_of(id, now))
                .map(|insight| Response::Insight(Box::new(insight)))
                .into(),
            Request::StartInsightsRefresh { name } => self
                .cluster(caller, name, now)
                .map(|cluster| Response::RefreshStarted(cluster.start_refresh(now)))
                .into(),
            Request::DescribeInsightsRefresh { name } => self
                .cluster(caller, name, now)
                .map(|cluster| Response::Refresh(cluster.newest_refresh()))
                .into(),
            Request::ListNodegroups { name, page } => self
                .cluster(caller, name, now)
                .and_then(|cluster| list_nodegroups(cluster, page))
                .into(),
            Request::DescribeNodegroup {
                name,
                nodegroup_name,
            } => self
                .cluster(caller, name, now)
                .and_then(|cluster| cluster.nodegroup_of(nodegroup_name))
                .map(|nodegroup| Response::Nodegroup(Box::new(nodegroup)))
                .into(),
            Request::ListAddons { name, page } => self
                .cluster(caller, name, now)
                .and_then(|cluster| addons::list(cluster, page))
                .into(),
            Request::DescribeAddon { name, addon_name } => self
                .cluster(caller, name, now)
                .and_then(|cluster| cluster.addon_of(addon_name))
                .map(|addon| Response::Addon(Box::new(addon)))
                .into(),
            Request::DescribeAddonVersions(filter) => {
                self.addon_versions(caller, filter, now).into()
            }
            Request::AssumeRole(role) => self
                .identities
                .assume_role(caller, role, now, &mut self.rng)
                .map(Response::AssumedRole)
                .into(),
            Request::GetCallerIdentity {} => Ok(Response::CallerIdentity {
                account: caller.account.clone(),
                arn: caller.arn.clone(),
                user_id: "AIDASIMULATOR".to_owned(),
            })
            .into(),
        };
        let Worked { result, accepted } = worked;
        let result = result.map_err(|error| match request.cluster() {
            Some(name) => error.about(name),
            None => error,
        });
        Worked { result, accepted }
    }

    fn cluster(
        &mut self,
        caller: &Caller,
        name: &str,
        now: Timestamp,
    ) -> Result<&mut Cluster, ApiError> {
        let key = key_of(caller, name);
        existing(&mut self.clusters, &self.calendar, &key, now)
    }

    fn list_clusters(
        &mut self,
        caller: &Caller,
        page: &Page,
        now: Timestamp,
    ) -> Result<Response, ApiError> {
        let calendar = &self.calendar;
        let names: Vec<String> = self
            .clusters
            .values_mut()
            .filter(|cluster| is_seen_by(cluster, caller))
            .filter_map(|cluster| {
                cluster.advance(now, calendar);
                cluster.exists.then(|| cluster.key.name.clone())
            })
            .collect();
        let rng = &mut self.rng;
        let (names, next_token) = paging::shuffled(names.into_iter(), page, || rng.u64(..))?;
        Ok(Response::Clusters { names, next_token })
    }
}

/// Whether a cluster is in the caller's account and region.
pub(super) fn is_seen_by(cluster: &Cluster, caller: &Caller) -> bool {
    cluster.key.account == caller.account && cluster.key.region == caller.region
}

fn key_of(caller: &Caller, name: &str) -> ClusterKey {
    ClusterKey {
        account: caller.account.clone(),
        region: caller.region.clone(),
        name: name.to_owned(),
    }
}

fn list_updates(
    cluster: &mut Cluster,
    scope: &Scope,
    page: &Page,
    now: Timestamp,
) -> Result<Response, ApiError> {
    let salt = cluster.salt();
    let cluster = &*cluster;
    let ids = cluster
        .updates
        .iter()
        .filter(|update| update.scope == *scope && cluster.lists(update, now))
        .map(|update| update.id().to_owned());
    let (ids, next_token) = paging::shuffled(ids, page, || salt)?;
    Ok(Response::Updates { ids, next_token })
}

fn list_insights(
    cluster: &mut Cluster,
    list: &ListInsights,
    now: Timestamp,
) -> Result<Response, ApiError> {
    let ListInsights {
        cluster_name: _,
        filter,
        page,
    } = list;
    let salt = cluster.salt();
    let shown: Vec<_> = cluster
        .shown_insights(now)
        .filter(|insight| filter.admits(insight))
        .collect();
    let ids = shown.iter().map(|insight| insight.id.clone());
    let (ids, next_token) = paging::shuffled(ids, page, || salt)?;
    let insights = ids
        .iter()
        .filter_map(|id| shown.iter().find(|insight| insight.id == *id))
        .map(|insight| (*insight).clone())
        .collect();
    Ok(Response::Insights {
        insights,
        next_token,
    })
}

fn list_nodegroups(cluster: &mut Cluster, page: &Page) -> Result<Response, ApiError> {
    let salt = cluster.salt();
    let names = cluster.nodegroups.iter().map(|one| one.name.clone());
    let (names, next_token) = paging::shuffled(names, page, || salt)?;
    Ok(Response::Nodegroups { names, next_token })
}
