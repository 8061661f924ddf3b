//! The operations on add-ons, from REST-JSON to the model and back.

use axum::extract::{Path, Query, State};
use axum::response::Response as HttpResponse;
use http::HeaderMap;
use serde_json::{Value, json};

use super::eks::{Pairs, call, page, value, values};
use super::{Shared, wire};
use crate::simulator::api::{
    AddonInfo, AddonVersionInfo, AddonView, Compatibility, DescribeAddonVersions, Request,
};

pub(super) async fn list(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(query): Pairs,
) -> HttpResponse {
    let request = page(&query).map(|page| Request::ListAddons { name, page });
    call(&shared, &headers, request).await
}

pub(super) async fn describe(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path((name, addon_name)): Path<(String, String)>,
) -> HttpResponse {
    let request = Request::DescribeAddon { name, addon_name };
    call(&shared, &headers, Ok(request)).await
}

pub(super) async fn versions(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(query): Pairs,
) -> HttpResponse {
    let request = page(&query).map(|page| {
        Request::DescribeAddonVersions(DescribeAddonVersions {
            addon_name: value(&query, "addonName").map(str::to_owned),
            kubernetes_version: value(&query, "kubernetesVersion").map(str::to_owned),
            types: values(&query, "types"),
            publishers: values(&query, "publishers"),
            owners: values(&query, "owners"),
            page,
        })
    });
    call(&shared, &headers, request).await
}

/// An add-on of a cluster, with what every add-on has.
pub(super) fn addon(view: &AddonView) -> Value {
    wire::with(json!(view), json!({ "tags": {} }))
}

/// An add-on with its versions. What the model does not hold is made up.
pub(super) fn info(view: &AddonInfo) -> Value {
    let versions: Vec<Value> = view.addon_versions.iter().map(version).collect();
    let more = json!({ "addonVersions": versions, "defaultNamespace": "kube-system" });
    wire::with(json!(view), more)
}

fn version(view: &AddonVersionInfo) -> Value {
    let made_up = json!({
        "architecture": ["amd64", "arm64"],
        "computeTypes": ["ec2"],
        "compatibilities": view.compatibilities.iter().map(compatibility).collect::<Vec<_>>(),
        "requiresConfiguration": false,
        "requiresIamPermissions": false,
    });
    wire::with(json!(view), made_up)
}

fn compatibility(view: &Compatibility) -> Value {
    wire::with(json!(view), json!({ "platformVersions": ["*"] }))
}
