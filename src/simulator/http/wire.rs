//! Answers of EKS as JSON, with its headers.

use axum::body::Body;
use axum::response::{IntoResponse, Response as HttpResponse};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use super::{NoAnswer, addons};
use crate::eks::partition;
use crate::simulator::api::{
    ClusterVersionView, ClusterView, InsightView, NodegroupView, RefreshView, Reply, Response,
    SupportStatus, epoch,
};
use crate::simulator::error::ApiError;

/// Sends a reply when its time has come, or loses it.
pub(super) async fn send(
    reply: Reply,
    render: impl FnOnce(Result<Response, ApiError>) -> HttpResponse,
) -> HttpResponse {
    match reply {
        Reply::Answer { after, result } => {
            wait(after).await;
            render(result)
        }
        Reply::Garbled => typed(
            StatusCode::OK,
            "application/json",
            "{\"update\": {\"id\": \"".to_owned(),
        ),
        Reply::Nothing { after } => {
            wait(after).await;
            let mut response = StatusCode::IM_A_TEAPOT.into_response();
            response.extensions_mut().insert(NoAnswer);
            response
        }
    }
}

async fn wait(after: crate::simulator::period::Period) {
    if !after.is_zero() {
        tokio::time::sleep(after.to_std()).await;
    }
}

/// An answer of EKS.
pub(super) fn eks(result: Result<Response, ApiError>) -> HttpResponse {
    match result {
        Ok(response) => typed(
            StatusCode::OK,
            "application/json",
            body(&response).to_string(),
        ),
        Err(error) => eks_error(&error),
    }
}

fn eks_error(error: &ApiError) -> HttpResponse {
    let ApiError {
        status,
        code,
        message,
        cluster_name,
    } = error;
    let mut members = json!({ "message": message });
    if let (Some(name), Value::Object(members)) = (cluster_name, &mut members) {
        members.insert("clusterName".to_owned(), json!(name));
    }
    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = typed(status, "application/json", members.to_string());
    // A scenario may make up a code that no header can carry; the client then sees none.
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

/// A response with a body and a request id.
pub(super) fn typed(status: StatusCode, content_type: &'static str, body: String) -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn body(response: &Response) -> Value {
    match response {
        Response::Clusters { names, next_token } => {
            paged(json!({ "clusters": names }), next_token.as_deref())
        }
        Response::Cluster(cluster) => json!({ "cluster": describe(cluster) }),
        Response::Update(update) => json!({ "update": update }),
        Response::Updates { ids, next_token } => {
            paged(json!({ "updateIds": ids }), next_token.as_deref())
        }
        Response::ClusterVersions {
            versions,
            next_token,
        } => {
            let versions: Vec<Value> = versions.iter().map(version).collect();
            paged(
                json!({ "clusterVersions": versions }),
                next_token.as_deref(),
            )
        }
        Response::Insights {
            insights,
            next_token,
        } => paged(json!({ "insights": insights }), next_token.as_deref()),
        Response::Insight(one) => json!({ "insight": insight(one) }),
        Response::RefreshStarted(refresh) => {
            json!({ "message": refresh.message, "status": refresh.status })
        }
        Response::Refresh(one) => refresh(one),
        Response::Nodegroups { names, next_token } => {
            paged(json!({ "nodegroups": names }), next_token.as_deref())
        }
        Response::Nodegroup(one) => json!({ "nodegroup": nodegroup(one) }),
        Response::Addons { names, next_token } => {
            paged(json!({ "addons": names }), next_token.as_deref())
        }
        Response::Addon(one) => json!({ "addon": addons::addon(one) }),
        Response::AddonVersions {
            addons: some,
            next_token,
        } => {
            let infos: Vec<Value> = some.iter().map(addons::info).collect();
            paged(json!({ "addons": infos }), next_token.as_deref())
        }
        // STS has a wire format of its own.
        Response::AssumedRole(_) | Response::CallerIdentity { .. } => Value::Null,
    }
}

fn paged(mut list: Value, next_token: Option<&str>) -> Value {
    if let (Some(token), Value::Object(members)) = (next_token, &mut list) {
        members.insert("nextToken".to_owned(), json!(token));
    }
    list
}

#[derive(Serialize)]
struct Epoch(#[serde(serialize_with = "epoch")] jiff::Timestamp);

/// A cluster with all members that EKS gives to each cluster; what the model does not hold is made
/// up, the same each time.
fn describe(cluster: &ClusterView) -> Value {
    let ClusterView {
        name,
        arn,
        account,
        region,
        created_at,
        version,
        platform_version,
        status,
        upgrade_policy,
        auto_mode,
        tags,
        health,
    } = cluster;
    let partition = partition(region);
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, arn.as_bytes())
        .simple()
        .to_string()
        .to_uppercase();
    let short = id.get(..17).unwrap_or(&id).to_lowercase();
    let endpoint = format!("https://{id}.gr7.{region}.eks.amazonaws.com");
    let mut members = json!({
        "name": name,
        "arn": arn,
        "createdAt": Epoch(*created_at),
        "version": version,
        "endpoint": endpoint,
        "roleArn": format!("arn:{partition}:iam::{account}:role/eks-cluster"),
        "resourcesVpcConfig": {
            "subnetIds": [format!("subnet-0{short}"), format!("subnet-1{short}")],
            "securityGroupIds": [],
            "clusterSecurityGroupId": format!("sg-{short}"),
            "vpcId": format!("vpc-{short}"),
            "endpointPublicAccess": true,
            "endpointPrivateAccess": true,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "kubernetesNetworkConfig": {
            "serviceIpv4Cidr": "10.100.0.0/16",
            "ipFamily": "ipv4",
            "elasticLoadBalancing": { "enabled": auto_mode },
        },
        "logging": { "clusterLogging": [{
            "types": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
            "enabled": false,
        }] },
        "identity": { "oidc": {
            "issuer": format!("https://oidc.eks.{region}.amazonaws.com/id/{id}"),
        } },
        "status": status,
        "certificateAuthority": { "data": "U0lNVUxBVE9S" },
        "platformVersion": platform_version,
        "tags": tags,
        "health": health,
        "accessConfig": { "authenticationMode": "API" },
        "upgradePolicy": { "supportType": upgrade_policy },
        "deletionProtection": false,
    });
    if let (true, Value::Object(members)) = (*auto_mode, &mut members) {
        let node_role = format!("arn:{partition}:iam::{account}:role/eks-auto-node");
        members.insert(
            "computeConfig".to_owned(),
            json!({
                "enabled": true,
                "nodePools": ["general-purpose", "system"],
                "nodeRoleArn": node_role,
            }),
        );
        members.insert(
            "storageConfig".to_owned(),
            json!({ "blockStorage": { "enabled": true } }),
        );
    }
    members
}

/// An insight in full. The simulator finds no add-ons.
fn insight(view: &InsightView) -> Value {
    let resource = |name: &String| {
        let member = if name.starts_with("arn:") {
            "arn"
        } else {
            "kubernetesResourceUri"
        };
        json!({ "insightStatus": view.insight_status, member: name })
    };
    let details = json!({
        "recommendation": view.recommendation,
        "additionalInfo": {},
        "resources": view.resources.iter().map(resource).collect::<Vec<_>>(),
        "categorySpecificSummary": {
            "deprecationDetails": view.deprecations,
            "addonCompatibilityDetails": [],
        },
    });
    with(json!(view), details)
}

fn refresh(view: &RefreshView) -> Value {
    let RefreshView {
        message,
        status,
        started_at,
        ended_at,
    } = view;
    let mut members = json!({ "message": message });
    if let Some(status) = status {
        members = with(members, json!({ "status": status }));
    }
    if let Some(at) = started_at {
        members = with(members, json!({ "startedAt": Epoch(*at) }));
    }
    if let Some(at) = ended_at {
        members = with(members, json!({ "endedAt": Epoch(*at) }));
    }
    members
}

fn nodegroup(view: &NodegroupView) -> Value {
    let made_up = json!({ "capacityType": "ON_DEMAND", "health": { "issues": [] } });
    with(json!(view), made_up)
}

/// The members of both.
pub(super) fn with(mut members: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut members, more) {
        members.extend(more);
    }
    members
}

fn version(view: &ClusterVersionView) -> Value {
    let ClusterVersionView {
        version,
        platform_version,
        patch_version,
        default_version,
        release_date,
        end_of_standard_support,
        end_of_extended_support,
        status,
    } = view;
    json!({
        "clusterVersion": version,
        "clusterType": "eks",
        "defaultPlatformVersion": platform_version,
        "defaultVersion": default_version,
        "releaseDate": Epoch(*release_date),
        "endOfStandardSupportDate": Epoch(*end_of_standard_support),
        "endOfExtendedSupportDate": Epoch(*end_of_extended_support),
        "status": deprecated_status(*status),
        "versionStatus": status,
        "kubernetesPatchVersion": patch_version,
    })
}

/// The form of the deprecated `status` member.
pub(super) const fn deprecated_status(status: SupportStatus) -> &'static str {
    match status {
        SupportStatus::StandardSupport => "standard-support",
        SupportStatus::ExtendedSupport => "extended-support",
        SupportStatus::Unsupported => "unsupported",
    }
}
