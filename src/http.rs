//! `/metrics`, `/healthz` and `/readyz`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::controller::{Clock, Context};
use crate::eks::Eks;
use crate::store::Store;

/// Opens the port, so that an address that is taken is known before anything starts.
///
/// # Errors
/// Where the address cannot be bound.
pub async fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(addr).await?;
    tracing::info!(addr = %listener.local_addr()?, "serving /metrics, /healthz and /readyz");
    Ok(listener)
}

/// Serves until dropped. Ready once every watched namespace has been listed.
pub async fn serve<E: Eks, S: Store, C: Clock>(
    listener: TcpListener,
    ctx: Arc<Context<E, S, C>>,
    synced: Vec<watch::Receiver<bool>>,
) {
    let ready = move || async move {
        if synced.iter().all(|synced| *synced.borrow()) {
            (StatusCode::OK, "ok\n")
        } else {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the watch has not listed all objects yet\n",
            )
        }
    };
    let metrics = move || async move {
        // All objects are copied for it, so that it is made only where it is shown.
        let glance = || ctx.fleet.glance(&ctx.settings, &ctx.clock);
        match ctx.metrics.scrape(glance, ctx.clock.now()) {
            Ok(text) => (
                [(
                    header::CONTENT_TYPE,
                    "application/openmetrics-text; version=1.0.0; charset=utf-8",
                )],
                text,
            )
                .into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    };
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "metrics are no longer served");
    }
}
