//! Watches the objects of one namespace, or of all, and says which have to be looked at.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Resource};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch::Sender;

use crate::api::RETRY_ANNOTATION;
use crate::eks::Eks;
use crate::store::Key;
use crate::store::kube::{KubeStore, Watched, stored};

use super::context::{Clock, Context};
use super::intake::{Change, Intake, When};
use super::later::Later;

/// One watch: all objects of a namespace, or of all namespaces.
pub struct Scope {
    /// The namespace; all where `None`.
    pub namespace: Option<String>,
    /// Fills the cache.
    pub writer: Writer<Watched>,
    /// Objects that something else wants looked at.
    pub woken: UnboundedReceiver<Key>,
    /// Set once the first list is complete.
    pub synced: Sender<bool>,
}

/// The objects to look at, as they change or are woken. Own status writes, relists and changes that do not matter
/// wake nobody.
pub fn changes<E: Eks, C: Clock>(
    ctx: Arc<Context<E, KubeStore, C>>,
    api: Api<Watched>,
    scope: Scope,
) -> impl Stream<Item = Key> {
    let Scope {
        namespace,
        writer,
        mut woken,
        synced,
    } = scope;
    let mut intake = Intake::new(namespace);
    let metrics = Arc::clone(&ctx.metrics);
    let later = Later::default();
    let watched = watch(api, watcher::Config::default())
        .default_backoff()
        .modify(slim)
        .reflect(writer)
        .flat_map(move |event| {
            let changed: Vec<_> = match event {
                Ok(event) => {
                    let is_listed = matches!(event, Event::InitDone);
                    let mut now = Vec::new();
                    for (key, when) in intake.take(&ctx, change(event)) {
                        match when {
                            When::Now => now.push(key),
                            When::Later => later.wake(&ctx, key),
                        }
                    }
                    if is_listed {
                        synced.send_replace(true);
                    }
                    now
                }
                Err(error) => {
                    failed(&error);
                    Vec::new()
                }
            };
            stream::iter(changed)
        });
    let woken = stream::poll_fn(move |cx| woken.poll_recv(cx));
    stream::select(watched, woken).map(move |key| {
        metrics.due_in(key.clone(), Duration::ZERO);
        key
    })
}

/// Takes away what nobody here reads: kubectl's last-applied configuration alone is as large as the object.
fn slim(object: &mut Watched) {
    let meta = object.meta_mut();
    meta.managed_fields = None;
    meta.owner_references = None;
    meta.finalizers = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.retain(|name, _| name == RETRY_ANNOTATION);
    }
    meta.annotations.take_if(|kept| kept.is_empty());
}

/// What the API server answered, by its status code.
pub(super) fn code(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status.code),
        _ => None,
    }
}

fn failed(error: &watcher::Error) {
    match code(error) {
        Some(404) => tracing::error!(
            "the API server knows no ClusterUpgrade: install the CRD (eks-upgrade-operator crd | kubectl apply -f -); tried again by itself"
        ),
        Some(403) => {
            tracing::error!(%error, "the operator may not list and watch ClusterUpgrades: see its RBAC; nothing is started in any namespace until it may, tried again by itself");
        }
        // The watch was interrupted; it is resumed or listed anew.
        Some(410) => tracing::debug!(%error, "the watch starts anew"),
        _ => tracing::warn!(%error, "the watch was interrupted; tried again by itself"),
    }
}

/// An event of kube's in our words.
fn change(event: Event<Watched>) -> Change {
    match event {
        Event::Init => Change::ListBegins,
        Event::InitApply(object) => Change::Listed(stored(&object)),
        Event::InitDone => Change::ListEnds,
        Event::Apply(object) => Change::Applied(stored(&object)),
        Event::Delete(object) => Change::Deleted(stored(&object)),
    }
}
