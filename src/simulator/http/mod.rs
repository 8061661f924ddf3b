//! The HTTP face: the model behind a listener, on real time.

mod addons;
mod admin;
mod auth;
mod eks;
mod insights;
mod sts;
mod wire;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::model::Model;
use super::period::Period;
use super::scenario::{Scenario, ScenarioError};

/// Why the simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// There is no listener.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// What all requests share.
#[derive(Clone)]
struct Shared {
    model: Arc<Mutex<Model>>,
    clock_skew: Period,
}

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut Model, Timestamp) -> T) -> T {
        // A panic in an assertion of a test leaves the model usable.
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now();
        model.settle(now);
        work(&mut model, now)
    }
}

/// A running simulator. It stops when this is dropped.
pub struct Handle {
    address: SocketAddr,
    shared: Shared,
    task: JoinHandle<()>,
}

impl Handle {
    /// Where it listens, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The model, for assertions and for changing it while it runs. Calls wait meanwhile.
    pub fn with_model<T>(&self, work: impl FnOnce(&mut Model) -> T) -> T {
        self.shared.with(|model, _| work(model))
    }

    /// Stops it: no new connections, and the open ones are closed.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // The only error is that it was aborted, which is what was wanted.
        drop((&mut self.task).await);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a scenario on a listener. To be called within a tokio runtime.
///
/// # Errors
/// When the scenario contradicts itself or the listener has no address.
pub fn serve(scenario: &Scenario, listener: TcpListener) -> Result<Handle, ServeError> {
    let address = listener.local_addr()?;
    let shared = Shared {
        model: Arc::new(Mutex::new(Model::new(scenario, Timestamp::now())?)),
        clock_skew: scenario.clock_skew,
    };
    let task = tokio::spawn(accept(listener, router(shared.clone())));
    Ok(Handle {
        address,
        shared,
        task,
    })
}

/// Serves a scenario on a free port of the loopback interface.
///
/// # Errors
/// When the scenario contradicts itself or there is no free port.
pub async fn serve_on_free_port(scenario: &Scenario) -> Result<Handle, ServeError> {
    serve(scenario, TcpListener::bind(("127.0.0.1", 0)).await?)
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", post(sts::call))
        .route("/clusters", get(eks::list_clusters))
        .route("/clusters/{name}", get(eks::describe_cluster))
        .route(
            "/clusters/{name}/updates",
            get(eks::list_updates).post(eks::update_cluster_version),
        )
        .route("/clusters/{name}/updates/{id}", get(eks::describe_update))
        .route(
            "/clusters/{name}/updates/{id}/cancel-update",
            post(eks::cancel_update),
        )
        .route("/clusters/{name}/insights", post(insights::list))
        .route("/clusters/{name}/insights/{id}", get(insights::describe))
        .route(
            "/clusters/{name}/insights-refresh",
            get(insights::describe_refresh).post(insights::start_refresh),
        )
        .route("/clusters/{name}/node-groups", get(eks::list_nodegroups))
        .route(
            "/clusters/{name}/node-groups/{nodegroup}",
            get(eks::describe_nodegroup),
        )
        .route("/clusters/{name}/addons", get(addons::list))
        .route("/clusters/{name}/addons/{addon}", get(addons::describe))
        .route("/addons/supported-versions", get(addons::versions))
        .route("/cluster-versions", get(eks::describe_cluster_versions))
        .route("/healthz", get(async || "ok\n"))
        .route("/_simulator/calls", get(admin::calls))
        .route("/_simulator/calls/tally", get(admin::tally))
        .route(
            "/_simulator/clusters",
            get(admin::clusters).post(admin::add_clusters),
        )
        .route(
            "/_simulator/clusters/{name}/updates",
            post(admin::start_update),
        )
        .route(
            "/_simulator/clusters/{name}/events",
            post(admin::schedule_event),
        )
        .route(
            "/_simulator/faults",
            post(admin::add_faults).delete(admin::clear_faults),
        )
        .fallback(eks::unknown)
        .method_not_allowed_fallback(eks::unknown)
        .with_state(shared)
}

async fn accept(listener: TcpListener, router: Router) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, router.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    // Without file descriptors the next try fails at once, too.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// In the extensions of a response: close the connection instead of answering.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the scenario loses this answer")]
struct NoAnswer;

async fn converse(stream: TcpStream, router: Router) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot switch off Nagle's algorithm");
    }
    let service = service_fn(move |request| {
        let router = TowerToHyperService::new(router.clone());
        async move {
            let response: Result<Response, Infallible> = router.call(request).await;
            let Ok(response) = response;
            if response.extensions().get::<NoAnswer>().is_some() {
                Err(NoAnswer)
            } else {
                Ok(response)
            }
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = connection {
        tracing::debug!(%error, "a connection ended");
    }
}
