//! Takes what a watch shows into everything that is kept of objects, and says which of them have to be looked at.

use std::collections::HashSet;

use crate::eks::Eks;
use crate::plan::Wish;
use crate::store::{Body, Key, News, Store, Stored};

use super::context::{Clock, Context};
use super::pace::Urgency;

/// What a watch shows.
#[derive(Clone, Debug)]
pub enum Change {
    /// A list begins.
    ListBegins,
    /// An object in the list.
    Listed(Stored),
    /// The list is complete.
    ListEnds,
    /// An object was made or changed.
    Applied(Stored),
    /// An object is gone.
    Deleted(Stored),
}

/// When an object is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// After a poll interval: only its status was written, by somebody else. Two replicas that see different things (one
    /// without credentials, one with an older allow-list) would answer each other's writes as fast as they can, with a look
    /// at EKS each time.
    Later,
}

/// The intake of one watch: all objects of a namespace, or of all namespaces.
pub struct Intake {
    namespace: Option<String>,
    /// Every object of the list under way. It comes in pages, and the cache shows none of it before the last: an object that
    /// is looked at before that is seen as it was, or not at all.
    listed: HashSet<Key>,
    /// Those to look at once the list is complete. A list that breaks off leaves them for the next.
    changed: HashSet<Key>,
}

impl Intake {
    /// The intake of a namespace; of all where `None`.
    pub fn new(namespace: Option<String>) -> Self {
        Self {
            namespace,
            listed: HashSet::new(),
            changed: HashSet::new(),
        }
    }

    /// Takes a change in. Own status writes, relists and changes that do not matter wake nobody.
    pub fn take<E: Eks, S: Store, C: Clock>(
        &mut self,
        ctx: &Context<E, S, C>,
        change: Change,
    ) -> Vec<(Key, When)> {
        match change {
            Change::ListBegins => {
                self.listed.clear();
                Vec::new()
            }
            Change::Listed(object) => {
                self.listed.insert(object.key.clone());
                note(ctx, &object);
                match ctx.store.seen().saw(&object) {
                    News::None => Vec::new(),
                    News::Status => vec![(object.key, When::Later)],
                    News::Asked => {
                        ctx.pace.hurry(&object.key, Urgency::of(&object));
                        self.changed.insert(object.key);
                        Vec::new()
                    }
                }
            }
            Change::Applied(object) => {
                note(ctx, &object);
                match ctx.store.seen().saw(&object) {
                    News::None => Vec::new(),
                    News::Status => vec![(object.key, When::Later)],
                    News::Asked => {
                        ctx.pace.hurry(&object.key, Urgency::of(&object));
                        vec![(object.key, When::Now)]
                    }
                }
            }
            Change::Deleted(object) => {
                if let Ok(body) = &object.body
                    && let Ok(wish) = Wish::try_from(&body.spec)
                    && let Ok(target) = ctx.access.admit(&object.key.namespace, &wish.target)
                {
                    ctx.cache.forget(&target);
                }
                ctx.store.seen().forget(&object.key);
                ctx.recall.forget(&object.uid);
                let at = ctx.clock.monotonic();
                ctx.waker
                    .wake(ctx.fleet.forget(&object.key, &object.uid, at));
                tracing::info!(object = %object.key, "deleted; EKS is not touched");
                Vec::new()
            }
            Change::ListEnds => {
                let listed = std::mem::take(&mut self.listed);
                let (namespace, at) = (self.namespace.as_deref(), ctx.clock.monotonic());
                let (gone, woken) = ctx.fleet.retain(namespace, &listed, at);
                for (key, uid) in gone {
                    ctx.store.seen().forget(&key);
                    ctx.recall.forget(&uid);
                }
                ctx.waker.wake(woken);
                let changed = std::mem::take(&mut self.changed);
                changed.into_iter().map(|key| (key, When::Now)).collect()
            }
        }
    }
}

/// Takes note of an object in the list or the watch.
fn note<E: Eks, S: Store, C: Clock>(ctx: &Context<E, S, C>, object: &Stored) {
    ctx.waker
        .wake(ctx.fleet.note(object, ctx.clock.monotonic()));
    if let Ok(Body { spec: _, status }) = &object.body {
        ctx.lengths.learn(status, ctx.clock.now());
    }
}
