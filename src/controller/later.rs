//! Looks that have time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

use crate::eks::Eks;
use crate::store::{Key, Store};

use super::context::{Clock, Context};

/// Objects that are looked at after a poll interval; see [`super::When::Later`].
#[derive(Clone, Default)]
pub struct Later(Arc<Mutex<HashSet<Key>>>);

impl Later {
    fn waiting(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has an object looked at after a poll interval, once however often it is asked for meanwhile.
    pub fn wake<E: Eks, S: Store, C: Clock>(&self, ctx: &Arc<Context<E, S, C>>, key: Key) {
        if !self.waiting().insert(key.clone()) {
            return;
        }
        let wait = ctx.settings.poll_interval.max(SignedDuration::ZERO);
        let wait = Duration::try_from(wait).unwrap_or_default();
        let (later, ctx) = (self.clone(), Arc::clone(ctx));
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            later.waiting().remove(&key);
            ctx.waker.wake([key]);
        });
    }
}
