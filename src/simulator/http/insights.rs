//! The operations on insights, from REST-JSON to the model and back.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response as HttpResponse;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::StringDeserializer;

use super::Shared;
use super::eks::{call, read};
use crate::simulator::api::{InsightsFilter, ListInsights, Page, Request};
use crate::simulator::error::ApiError;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListBody {
    filter: Option<FilterBody>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FilterBody {
    categories: Vec<String>,
    kubernetes_versions: Vec<String>,
    statuses: Vec<String>,
}

pub(super) async fn list(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(name): Path<String>,
    body: Bytes,
) -> HttpResponse {
    let body = if body.is_empty() {
        Ok(ListBody::default())
    } else {
        read(&body)
    };
    let request = body.and_then(|body: ListBody| {
        let ListBody {
            filter,
            max_results,
            next_token,
        } = body;
        let FilterBody {
            categories,
            kubernetes_versions,
            statuses,
        } = filter.unwrap_or_default();
        Ok(Request::ListInsights(ListInsights {
            cluster_name: name,
            filter: InsightsFilter {
                categories: known("category", categories)?,
                kubernetes_versions,
                statuses: known("status", statuses)?,
            },
            page: Page {
                max_results,
                next_token,
            },
        }))
    });
    call(&shared, &headers, request).await
}

/// The values of an enum that the API's model has.
fn known<T: DeserializeOwned>(what: &str, words: Vec<String>) -> Result<Vec<T>, ApiError> {
    words
        .into_iter()
        .map(|word| {
            let reader: StringDeserializer<serde::de::value::Error> =
                StringDeserializer::new(word.clone());
            T::deserialize(reader).map_err(|_| {
                ApiError::invalid_parameter(format!("{word} is not a {what} of insights"))
            })
        })
        .collect()
}

pub(super) async fn describe(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path((name, id)): Path<(String, String)>,
) -> HttpResponse {
    call(&shared, &headers, Ok(Request::DescribeInsight { name, id })).await
}

pub(super) async fn start_refresh(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> HttpResponse {
    call(
        &shared,
        &headers,
        Ok(Request::StartInsightsRefresh { name }),
    )
    .await
}

pub(super) async fn describe_refresh(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> HttpResponse {
    let request = Request::DescribeInsightsRefresh { name };
    call(&shared, &headers, Ok(request)).await
}
