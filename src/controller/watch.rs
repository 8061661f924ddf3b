//! Watches the objects of one namespace, or of all, and says which have to be looked at.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, store::Writer};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, ResourceExt};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch::Sender;

use crate::api::ClusterUpgrade;
use crate::eks::Eks;
use crate::plan::Wish;
use crate::store::Key;
use crate::store::kube::{KubeStore, News, Watched, stored};

use super::context::{Clock, Context};
use super::later::Later;

/// The last-applied configuration of kubectl: as large as the object, and of no use here.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

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
) -> impl Stream<Item = Result<ObjectRef<Watched>, watcher::Error>> {
    let Scope {
        namespace,
        writer,
        mut woken,
        synced,
    } = scope;
    let mut listing = Listing::default();
    let later = Later::default();
    let watched = watch(api, watcher::Config::default())
        .default_backoff()
        .modify(|object| {
            object.managed_fields_mut().clear();
            object.annotations_mut().remove(LAST_APPLIED);
        })
        .reflect(writer)
        .flat_map(move |event| {
            let changed = match event {
                Ok(event) => took(
                    &ctx,
                    namespace.as_deref(),
                    &mut listing,
                    &later,
                    &synced,
                    event,
                )
                .into_iter()
                .map(Ok)
                .collect(),
                Err(error) => {
                    failed(&error);
                    vec![Err(error)]
                }
            };
            stream::iter(changed)
        });
    let woken = stream::poll_fn(move |cx| woken.poll_recv(cx));
    stream::select(watched, woken.map(Ok)).map(|key| {
        key.map(|Key { namespace, name }| {
            ObjectRef::<DeserializeGuard<ClusterUpgrade>>::new(&name).within(&namespace)
        })
    })
}

fn failed(error: &watcher::Error) {
    let status = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status.code),
        _ => None,
    };
    match status {
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

/// A list under way. It comes in pages, and the cache shows none of it before the last: an object that is looked at
/// before that is seen as it was, or not at all.
#[derive(Default)]
struct Listing {
    /// Every object so far.
    listed: HashSet<Key>,
    /// Those to look at once the list is complete. A list that breaks off leaves them for the next.
    changed: HashSet<Key>,
}

/// Takes an event into everything that is kept of objects. Returns the objects that have to be looked at.
fn took<E: Eks, C: Clock>(
    ctx: &Arc<Context<E, KubeStore, C>>,
    namespace: Option<&str>,
    listing: &mut Listing,
    later: &Later,
    synced: &Sender<bool>,
    event: Event<Watched>,
) -> Vec<Key> {
    match event {
        Event::Init => {
            listing.listed.clear();
            Vec::new()
        }
        Event::InitApply(object) => {
            let object = stored(&object);
            listing.listed.insert(object.key.clone());
            ctx.waker.wake(ctx.fleet.note(&object));
            match ctx.store.saw(&object) {
                News::None => {}
                News::Status => later.wake(ctx, object.key),
                News::Asked => {
                    listing.changed.insert(object.key);
                }
            }
            Vec::new()
        }
        Event::Apply(object) => {
            let object = stored(&object);
            ctx.waker.wake(ctx.fleet.note(&object));
            match ctx.store.saw(&object) {
                News::None => Vec::new(),
                News::Status => {
                    later.wake(ctx, object.key);
                    Vec::new()
                }
                News::Asked => vec![object.key],
            }
        }
        Event::Delete(object) => {
            let object = stored(&object);
            if let Ok(body) = &object.body
                && let Ok(wish) = Wish::try_from(&body.spec)
            {
                ctx.cache.forget(&wish.target);
            }
            ctx.store.forget(&object.key);
            ctx.recall.forget(&object.uid);
            ctx.waker.wake(ctx.fleet.forget(&object.key, &object.uid));
            tracing::info!(object = %object.key, "deleted; EKS is not touched");
            Vec::new()
        }
        Event::InitDone => {
            let Listing { listed, changed } = std::mem::take(listing);
            let (gone, woken) = ctx.fleet.retain(namespace, &listed);
            for (key, uid) in gone {
                ctx.store.forget(&key);
                ctx.recall.forget(&uid);
            }
            ctx.waker.wake(woken);
            synced.send_replace(true);
            changed.into_iter().collect()
        }
    }
}
