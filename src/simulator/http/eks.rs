//! The operations of EKS, from REST-JSON to the model and back.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response as HttpResponse;
use http::{HeaderMap, Method, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Shared, auth, wire};
use crate::simulator::api::{
    DescribeClusterVersions, Page, Request, RollbackConfig, Scope, SupportStatus,
    UpdateClusterVersion,
};
use crate::simulator::error::ApiError;

pub(super) type Pairs = Query<Vec<(String, String)>>;

pub(super) async fn list_clusters(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(query): Pairs,
) -> HttpResponse {
    let request = page(&query).map(|page| Request::ListClusters { page });
    call(&shared, &headers, request).await
}

pub(super) async fn describe_cluster(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> HttpResponse {
    call(&shared, &headers, Ok(Request::DescribeCluster { name })).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateBody {
    version: Option<String>,
    client_request_token: Option<String>,
    force: Option<bool>,
    rollback_config: Option<RollbackConfig>,
}

pub(super) async fn update_cluster_version(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(name): Path<String>,
    body: Bytes,
) -> HttpResponse {
    let request = read(&body).and_then(|body: UpdateBody| {
        let UpdateBody {
            version,
            client_request_token,
            force,
            rollback_config,
        } = body;
        let version = version.ok_or_else(|| ApiError::invalid_parameter("version is required"))?;
        Ok(Request::UpdateClusterVersion(UpdateClusterVersion {
            name,
            version,
            client_request_token,
            force: force.unwrap_or(false),
            rollback_config,
        }))
    });
    call(&shared, &headers, request).await
}

pub(super) async fn list_updates(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(query): Pairs,
) -> HttpResponse {
    let request = page(&query).map(|page| Request::ListUpdates {
        name,
        scope: scope(&query),
        page,
    });
    call(&shared, &headers, request).await
}

pub(super) async fn describe_update(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path((name, update_id)): Path<(String, String)>,
    Query(query): Pairs,
) -> HttpResponse {
    let request = Request::DescribeUpdate {
        name,
        update_id,
        scope: scope(&query),
    };
    call(&shared, &headers, Ok(request)).await
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelBody {
    client_request_token: Option<String>,
}

pub(super) async fn cancel_update(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path((name, update_id)): Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let body = if body.is_empty() {
        Ok(CancelBody::default())
    } else {
        read(&body)
    };
    let request = body.map(|body| Request::CancelUpdate {
        name,
        update_id,
        client_request_token: body.client_request_token,
    });
    call(&shared, &headers, request).await
}

pub(super) async fn list_nodegroups(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(query): Pairs,
) -> HttpResponse {
    let request = page(&query).map(|page| Request::ListNodegroups { name, page });
    call(&shared, &headers, request).await
}

pub(super) async fn describe_nodegroup(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path((name, nodegroup_name)): Path<(String, String)>,
) -> HttpResponse {
    let request = Request::DescribeNodegroup {
        name,
        nodegroup_name,
    };
    call(&shared, &headers, Ok(request)).await
}

pub(super) async fn describe_cluster_versions(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(query): Pairs,
) -> HttpResponse {
    let request = versions_filter(&query).map(Request::DescribeClusterVersions);
    call(&shared, &headers, request).await
}

/// Anything else: EKS has many more operations than the simulator.
pub(super) async fn unknown(method: Method, uri: Uri) -> HttpResponse {
    let path = uri.path();
    tracing::warn!(%method, path, "an operation that the simulator does not have");
    wire::eks(Err(ApiError::new(
        "UnknownOperationException",
        format!("the simulator does not know {method} {path}"),
    )))
}

pub(super) async fn call(
    shared: &Shared,
    headers: &HeaderMap,
    request: Result<Request, ApiError>,
) -> HttpResponse {
    let reply = request.map(|request| {
        shared.with(
            |model, now| match auth::signed(headers, "eks", shared.clock_skew, now) {
                Ok(signed) => {
                    model.signed_call(&signed.access_key_id, &signed.region, &request, now)
                }
                Err(error) => model.refuse("", &request, error, now),
            },
        )
    });
    match reply {
        Ok(reply) => wire::send(reply, wire::eks).await,
        Err(error) => wire::eks(Err(error)),
    }
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|why| {
        ApiError::new(
            "SerializationException",
            format!("the body cannot be read: {why}"),
        )
    })
}

pub(super) fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query
        .iter()
        .find_map(|(key, value)| (key == name).then_some(value.as_str()))
}

/// All values of a parameter that may come more than once.
pub(super) fn values(query: &[(String, String)], name: &str) -> Vec<String> {
    query
        .iter()
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.clone())
        .collect()
}

pub(super) fn page(query: &[(String, String)]) -> Result<Page, ApiError> {
    let max_results = value(query, "maxResults")
        .map(|text| {
            text.parse().map_err(|_| {
                ApiError::invalid_parameter(format!("maxResults must be a number, not {text}"))
            })
        })
        .transpose()?;
    Ok(Page {
        max_results,
        next_token: value(query, "nextToken").map(str::to_owned),
    })
}

fn scope(query: &[(String, String)]) -> Scope {
    Scope {
        addon_name: value(query, "addonName").map(str::to_owned),
        nodegroup_name: value(query, "nodegroupName").map(str::to_owned),
    }
}

fn versions_filter(query: &[(String, String)]) -> Result<DescribeClusterVersions, ApiError> {
    let flag = |name: &str| match value(query, name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(text) => Err(ApiError::invalid_parameter(format!(
            "{name} must be true or false, not {text}"
        ))),
    };
    let statuses = [
        (SupportStatus::StandardSupport, "STANDARD_SUPPORT"),
        (SupportStatus::ExtendedSupport, "EXTENDED_SUPPORT"),
        (SupportStatus::Unsupported, "UNSUPPORTED"),
    ];
    let status = |name: &str| {
        let wanted = value(query, name);
        wanted
            .map(|text| {
                statuses
                    .into_iter()
                    .find(|(status, modern)| {
                        text == *modern || text == wire::deprecated_status(*status)
                    })
                    .map(|(status, _)| status)
                    .ok_or_else(|| ApiError::invalid_parameter(format!("{text} is not a {name}")))
            })
            .transpose()
    };
    Ok(DescribeClusterVersions {
        cluster_type: value(query, "clusterType").map(str::to_owned),
        default_only: flag("defaultOnly")?,
        include_all: flag("includeAll")?,
        cluster_versions: values(query, "clusterVersions"),
        version_status: match status("versionStatus")? {
            Some(status) => Some(status),
            None => status("status")?,
        },
        page: page(query)?,
    })
}
