//! What tests and people ask the simulator itself, under `/_simulator`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response as HttpResponse};
use http::StatusCode;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;
use serde_json::json;

use super::Shared;
use crate::simulator::api::Operation;
use crate::simulator::error::ApiError;
use crate::simulator::model::{CallRecord, Model, Tally};
use crate::simulator::scenario::{self, ScenarioError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallFilter {
    operation: Option<String>,
    cluster: Option<String>,
    /// Only calls with a higher `seq`.
    #[serde(default)]
    after: u64,
}

impl CallFilter {
    fn fits(self) -> (u64, impl Fn(&&CallRecord) -> bool) {
        let Self {
            operation,
            cluster,
            after,
        } = self;
        // Read once: there can be a hundred thousand calls. A name that no operation has fits none.
        let operation = operation.map(|name| {
            Operation::deserialize(IntoDeserializer::<ValueError>::into_deserializer(name)).ok()
        });
        let fits = move |call: &&CallRecord| {
            operation.is_none_or(|operation| operation == Some(call.operation))
                && (cluster.is_none() || call.cluster == cluster)
        };
        (after, fits)
    }
}

pub(super) async fn calls(
    State(shared): State<Shared>,
    Query(filter): Query<CallFilter>,
) -> HttpResponse {
    let (after, fits) = filter.fits();
    let calls: Vec<CallRecord> =
        shared.with(|model, _| model.calls_after(after).filter(fits).cloned().collect());
    Json(calls).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TallyFilter {
    operation: Option<String>,
    cluster: Option<String>,
    #[serde(default)]
    after: u64,
    /// `cluster`: also the numbers of each.
    by: Option<By>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Cluster,
}

pub(super) async fn tally(
    State(shared): State<Shared>,
    Query(filter): Query<TallyFilter>,
) -> HttpResponse {
    let TallyFilter {
        operation,
        cluster,
        after,
        by,
    } = filter;
    let (after, fits) = CallFilter {
        operation,
        cluster,
        after,
    }
    .fits();
    let by_cluster = matches!(by, Some(By::Cluster));
    let tally =
        shared.with(|model, _| Tally::of(model.calls_after(after).filter(fits), by_cluster));
    Json(tally).into_response()
}

pub(super) async fn clusters(State(shared): State<Shared>) -> HttpResponse {
    Json(shared.with(Model::truth)).into_response()
}

pub(super) async fn add_clusters(State(shared): State<Shared>, body: String) -> HttpResponse {
    let clusters = match scenario::parse_clusters(&body) {
        Ok(clusters) => clusters,
        Err(error) => return refused(&error),
    };
    let added = clusters.len();
    let result = shared.with(|model, now| {
        clusters
            .into_iter()
            .try_for_each(|spec| model.add_cluster(spec, now))
    });
    match result {
        Ok(()) => (StatusCode::CREATED, Json(json!({ "added": added }))).into_response(),
        Err(error) => refused(&error),
    }
}

/// Where a cluster is, when the scenario's account and region are not meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Place {
    account_id: Option<String>,
    region: Option<String>,
}

pub(super) async fn start_update(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(place): Query<Place>,
    body: String,
) -> HttpResponse {
    let update = match scenario::parse_update(&body) {
        Ok(update) => update,
        Err(error) => return refused(&error),
    };
    let started = shared.with(|model, now| {
        let key = model.key(&name, place.account_id.as_deref(), place.region.as_deref());
        model.start_update(&key, update, now)
    });
    match started {
        Ok(update) => (StatusCode::CREATED, Json(json!({ "update": update }))).into_response(),
        Err(error) => api_refused(&error),
    }
}

pub(super) async fn schedule_event(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(place): Query<Place>,
    body: String,
) -> HttpResponse {
    let parsed = scenario::parse_event(&body).and_then(|event| {
        let happening = event.happening().map_err(ScenarioError::Invalid)?;
        Ok((event.at, happening))
    });
    let (at, happening) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error),
    };
    let scheduled = shared.with(|model, now| {
        let key = model.key(&name, place.account_id.as_deref(), place.region.as_deref());
        model.schedule(&key, happening, at.after(now))
    });
    match scheduled {
        Ok(()) => (StatusCode::CREATED, Json(json!({ "scheduled": 1 }))).into_response(),
        Err(error) => api_refused(&error),
    }
}

pub(super) async fn add_faults(State(shared): State<Shared>, body: String) -> HttpResponse {
    let faults = match scenario::parse_faults(&body) {
        Ok(faults) => faults,
        Err(error) => return refused(&error),
    };
    let added = faults.len();
    shared.with(|model, now| {
        for fault in faults {
            model.add_fault(fault, now);
        }
    });
    (StatusCode::CREATED, Json(json!({ "added": added }))).into_response()
}

pub(super) async fn clear_faults(State(shared): State<Shared>) -> HttpResponse {
    shared.with(|model, _| model.clear_faults());
    StatusCode::NO_CONTENT.into_response()
}

fn refused(error: &ScenarioError) -> HttpResponse {
    let message = error.to_string();
    (StatusCode::BAD_REQUEST, Json(json!({ "message": message }))).into_response()
}

fn api_refused(error: &ApiError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Json(json!({ "message": error.message }))).into_response()
}
