//! What a line shows of the objects: lists and watches can be behind, reads of one object and writes cannot.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How far a watch is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Behind {
    #[default]
    Not,
    By(Duration),
    Frozen,
}

/// How many pieces of a watch can be under way.
const UNDER_WAY: usize = 1024;

#[derive(Default)]
pub struct View {
    behind: watch::Sender<Behind>,
    list: Mutex<Option<Bytes>>,
}

impl View {
    /// Shows everything at once.
    pub fn thaw(&self) {
        *self.list() = None;
        self.behind.send_replace(Behind::Not);
    }

    /// Has watches be behind by this much.
    pub fn delay(&self, by: Duration) {
        self.behind.send_replace(Behind::By(by));
    }

    /// Has watches show nothing more, and every new list be this one.
    pub fn freeze(&self, list: Bytes) {
        self.behind.send_replace(Behind::Frozen);
        *self.list() = Some(list);
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Option<Bytes>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The list that is shown instead of the present one.
    pub fn stale_list(&self) -> Option<Bytes> {
        self.list().clone()
    }

    /// A watch as it is shown.
    pub fn of_watch(&self, watch: Body) -> Body {
        let behind = self.behind.subscribe();
        let shown = watch
            .into_data_stream()
            .map(move |piece| {
                let (came, mut behind) = (Instant::now(), behind.clone());
                async move {
                    // The view is gone at the end of the test only.
                    let shown = behind.wait_for(|behind| *behind != Behind::Frozen).await;
                    let behind = shown.map_or(Behind::Not, |behind| *behind);
                    if let Behind::By(by) = behind {
                        sleep_until(came + by).await;
                    }
                    piece
                }
            })
            .buffered(UNDER_WAY);
        Body::from_stream(shown)
    }
}
