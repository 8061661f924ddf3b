//! Watches all freezes, and has those objects looked at again that a change may concern.

use std::sync::Arc;

use futures::StreamExt as _;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, ResourceExt as _};
use tokio::sync::watch::Sender;

use crate::eks::Eks;
use crate::store::kube::{WatchedFreeze, stored_freeze};
use crate::store::{Store, StoredFreeze};

use super::context::{Clock, Context};
use super::watch::code;

/// Watches until dropped. `synced` is set once the first list is complete.
pub async fn watch_freezes<E: Eks, S: Store, C: Clock>(
    ctx: Arc<Context<E, S, C>>,
    api: Api<WatchedFreeze>,
    synced: Sender<bool>,
) {
    let events = watch(api, watcher::Config::default())
        .default_backoff()
        .modify(|freeze| {
            freeze.managed_fields_mut().clear();
            freeze.annotations_mut().clear();
        });
    let mut events = std::pin::pin!(events);
    let mut intake = FreezeIntake::default();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                let is_listed = matches!(event, Event::InitDone);
                intake.take(&ctx, change(event));
                if is_listed {
                    synced.send_replace(true);
                }
            }
            Err(error) => failed(&error),
        }
    }
}

/// What the watch of the freezes shows.
#[derive(Clone, Debug)]
pub enum FreezeChange {
    /// A list begins.
    ListBegins,
    /// A freeze in the list.
    Listed(StoredFreeze),
    /// The list is complete.
    ListEnds,
    /// A freeze was made or changed.
    Applied(StoredFreeze),
    /// The freeze of this name is gone.
    Deleted(String),
}

/// Takes what the watch shows into [`super::Freezes`]. Until a list is complete, the freezes of the last one count.
#[derive(Default)]
pub struct FreezeIntake {
    listed: Vec<StoredFreeze>,
}

impl FreezeIntake {
    /// Takes a change in, and wakes whom it may concern.
    pub fn take<E: Eks, S: Store, C: Clock>(
        &mut self,
        ctx: &Context<E, S, C>,
        change: FreezeChange,
    ) {
        let is_news = match change {
            FreezeChange::ListBegins => {
                self.listed.clear();
                false
            }
            FreezeChange::Listed(freeze) => {
                warn(&freeze);
                self.listed.push(freeze);
                false
            }
            FreezeChange::ListEnds => ctx.freezes.replace(std::mem::take(&mut self.listed)),
            FreezeChange::Applied(freeze) => {
                warn(&freeze);
                let name = freeze.name.clone();
                let is_news = ctx.freezes.apply(freeze);
                if is_news {
                    tracing::info!(freeze = name, "an UpgradeFreeze was made or changed");
                }
                is_news
            }
            FreezeChange::Deleted(name) => {
                let is_news = ctx.freezes.remove(&name);
                tracing::info!(freeze = name, "an UpgradeFreeze was deleted");
                is_news
            }
        };
        if is_news {
            ctx.waker.wake(ctx.fleet.with_something_to_do());
        }
    }
}

fn warn(freeze: &StoredFreeze) {
    if let Err(why) = &freeze.freeze {
        tracing::error!(freeze = freeze.name, %why, "an UpgradeFreeze cannot be read: nothing is started in any namespace until it is corrected or deleted");
    }
}

fn change(event: Event<WatchedFreeze>) -> FreezeChange {
    match event {
        Event::Init => FreezeChange::ListBegins,
        Event::InitApply(freeze) => FreezeChange::Listed(stored_freeze(&freeze)),
        Event::InitDone => FreezeChange::ListEnds,
        Event::Apply(freeze) => FreezeChange::Applied(stored_freeze(&freeze)),
        Event::Delete(freeze) => FreezeChange::Deleted(freeze.name_any()),
    }
}

fn failed(error: &watcher::Error) {
    match code(error) {
        Some(404) => tracing::error!(
            "the API server knows no UpgradeFreeze: install the CRD (eks-upgrade-operator crd | kubectl apply -f -); nothing is started in any namespace until it is there, tried again by itself"
        ),
        Some(403) => {
            tracing::error!(%error, "the operator may not list and watch UpgradeFreezes: see its RBAC; nothing is started in any namespace until it may, tried again by itself");
        }
        Some(410) => tracing::debug!(%error, "the watch of the freezes starts anew"),
        _ => {
            tracing::warn!(%error, "the watch of the freezes was interrupted; tried again by itself");
        }
    }
}
