//! A line between an operator and one of its two servers: a proxy that holds up calls, loses them, lags, and can be cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::{Client, Config};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::call::Call;
use super::stops::{Moment, Stop, Stops};
use super::view::View;
use super::world::DEADLINE;

/// No body of a test is larger.
const LARGEST: usize = 16 << 20;

/// Whether the server can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reach {
    #[default]
    Open,
    /// Connections are closed.
    Cut,
    /// Connections are taken, and nothing is ever heard.
    Silent,
}

/// The line to one server. It ends when this is dropped.
pub struct Line {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    far: Mutex<Client>,
    reach: watch::Sender<Reach>,
    view: View,
    stops: Stops,
    calls: watch::Sender<Vec<Call>>,
    /// How many connections were closed at once since it was cut.
    refused: watch::Sender<usize>,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the call was lost on the line: {0}")]
struct Lost(String);

fn lost(why: impl Into<BoxError>) -> Lost {
    Lost(why.into().to_string())
}

impl Line {
    /// A line to the server that a configuration leads to.
    pub async fn to(far: Config) -> Self {
        let shared = Arc::new(Shared {
            far: Mutex::new(client(far)),
            reach: watch::Sender::default(),
            view: View::default(),
            stops: Stops::default(),
            calls: watch::Sender::default(),
            refused: watch::Sender::default(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            task: tokio::spawn(accept(listener, Arc::clone(&shared))),
            shared,
        }
    }

    /// Its near end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has its far end be elsewhere: the server has moved.
    pub fn leads_to(&self, far: Config) {
        *lock(&self.shared.far) = client(far);
    }

    /// Holds up the first call from now on that is `wanted`.
    pub fn stop(&self, moment: Moment, wanted: impl FnMut(&Call) -> bool + Send + 'static) -> Stop {
        self.shared.stops.arm(moment, wanted)
    }

    /// The calls that came in so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    /// Waits until `count` more calls have come in than `before`.
    pub async fn until_more_calls(&self, before: usize, count: usize) {
        let mut calls = self.shared.calls.subscribe();
        let enough = calls.wait_for(|calls| calls.len() >= before + count);
        drop(timeout(DEADLINE, enough).await.unwrap().unwrap());
    }

    /// Waits for the next call.
    pub async fn next_call(&self) {
        let mut calls = self.shared.calls.subscribe();
        calls.changed().await.unwrap();
    }

    /// Closes every connection, and every new one.
    pub fn cut(&self) {
        self.shared.refused.send_replace(0);
        self.shared.reach.send_replace(Reach::Cut);
    }

    /// Waits until this many connections were refused since it was cut.
    pub async fn until_refused(&self, count: usize) {
        let mut refused = self.shared.refused.subscribe();
        let enough = refused.wait_for(|refused| *refused >= count);
        drop(timeout(DEADLINE, enough).await.unwrap().unwrap());
    }

    /// Answers nothing more.
    pub fn fall_silent(&self) {
        self.shared.reach.send_replace(Reach::Silent);
    }

    /// Works again.
    pub fn mend(&self) {
        self.shared.reach.send_replace(Reach::Open);
    }

    /// Has its watches be behind.
    pub fn delay(&self, by: Duration) {
        self.shared.view.delay(by);
    }

    /// Freezes what it shows of a namespace's objects, also to an operator that starts later.
    pub async fn freeze(&self, namespace: &str) {
        let list = Call {
            method: Method::GET,
            uri: format!("/apis/eksupgrade.dev/v1alpha1/namespaces/{namespace}/clusterupgrades")
                .parse()
                .unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let answer = self.shared.forward(&list).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let list = to_bytes(answer.into_body(), LARGEST).await.unwrap();
        self.shared.view.freeze(list);
    }

    /// Shows everything again.
    pub fn thaw(&self) {
        self.shared.view.thaw();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client that forwards: each call once.
fn client(mut config: Config) -> Client {
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (near, _) = accepted.unwrap();
                if *shared.reach.borrow() == Reach::Cut {
                    shared.refused.send_modify(|refused| *refused += 1);
                    continue;
                }
                connections.spawn(converse(near, Arc::clone(&shared)));
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn converse(near: TcpStream, shared: Arc<Shared>) {
    near.set_nodelay(true).unwrap();
    let mut reach = shared.reach.subscribe();
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move {
            let call = read(request).await?;
            // In a task of its own: what was let go on does so also when the caller has died.
            tokio::spawn(async move { shared.carry(call).await })
                .await
                .map_err(lost)?
        }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(near), service);
    tokio::select! {
        // Ends with an error where a call was lost or the operator was killed: both are meant.
        ended = connection => drop(ended),
        cut = reach.wait_for(|reach| *reach == Reach::Cut) => drop(cut),
    }
}

async fn read(request: Request<Incoming>) -> Result<Call, Lost> {
    let (parts, body) = request.into_parts();
    Ok(Call {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body: to_bytes(Body::new(body), LARGEST).await.map_err(lost)?,
    })
}

impl Shared {
    async fn carry(&self, call: Call) -> Result<Response<Body>, Lost> {
        if *self.reach.borrow() == Reach::Silent {
            self.reach
                .subscribe()
                .wait_for(|reach| *reach != Reach::Silent)
                .await
                .map_err(lost)?;
            return Err(lost("it fell silent"));
        }
        self.calls.send_modify(|calls| calls.push(call.clone()));
        let mut pending = self.stops.take(&call);
        if let Some(pending) = pending.take_if(|pending| pending.moment == Moment::Before)
            && !pending.hold().await
        {
            return Err(lost("before it was forwarded"));
        }
        if call.is_list()
            && let Some(stale) = self.view.stale_list()
        {
            let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
            return response.body(Body::from(stale)).map_err(lost);
        }
        let answer = self.forward(&call).await?;
        let (mut parts, body) = answer.into_parts();
        // The next connection is framed anew.
        parts.headers.remove(header::TRANSFER_ENCODING);
        parts.headers.remove(header::CONNECTION);
        let body = if call.is_watch() {
            self.view.of_watch(body)
        } else {
            // Read to the end, so that the server has done it.
            Body::from(to_bytes(body, LARGEST).await.map_err(lost)?)
        };
        if let Some(pending) = pending
            && !pending.hold().await
        {
            return Err(lost("before its answer was given"));
        }
        Ok(Response::from_parts(parts, body))
    }

    async fn forward(&self, call: &Call) -> Result<Response<Body>, Lost> {
        let Call {
            method,
            uri,
            headers,
            body,
        } = call;
        let mut request = Request::new(kube::client::Body::from(body.clone()));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        request.headers_mut().remove(header::TRANSFER_ENCODING);
        request.headers_mut().remove(header::CONNECTION);
        let far = lock(&self.far).clone();
        let mut answer = far.send(request).await.map_err(lost)?.map(Body::new);
        *answer.version_mut() = http::Version::HTTP_11;
        Ok(answer)
    }
}
