//! Calls that a line holds up until the test says what becomes of them.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::call::Call;
use super::world::DEADLINE;

/// When a call is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before it is forwarded.
    Before,
    /// When the server has done it, before the operator has the answer.
    After,
}

/// A call that is held up. Dropped, the call is lost: not forwarded if it was not, and its connection is closed.
pub struct Held {
    go: oneshot::Sender<()>,
}

impl Held {
    /// Lets the call go on. It does so also when nobody is left to hear the answer.
    pub fn go_on(self) {
        // Where the connection was cut meanwhile nobody waits.
        let _unheard = self.go.send(()).is_err();
    }
}

/// A call to be held up.
pub struct Stop(oneshot::Receiver<Held>);

impl Stop {
    /// Waits for the call.
    pub async fn reached(&mut self) -> Held {
        let reached = timeout(DEADLINE, &mut self.0).await;
        reached
            .unwrap_or_else(|_| {
                panic!("the call that was to be held up did not come within {DEADLINE:?}")
            })
            .unwrap()
    }
}

type Wanted = Box<dyn FnMut(&Call) -> bool + Send>;

struct Armed {
    moment: Moment,
    wanted: Wanted,
    tell: oneshot::Sender<Held>,
}

/// What is to be held up, once each.
#[derive(Default)]
pub struct Stops(Mutex<Vec<Armed>>);

impl Stops {
    /// Holds up the first call that is `wanted`, which sees every call from now on in the order in which they come.
    pub fn arm(&self, moment: Moment, wanted: impl FnMut(&Call) -> bool + Send + 'static) -> Stop {
        let (tell, held) = oneshot::channel();
        let wanted = Box::new(wanted);
        let armed = Armed {
            moment,
            wanted,
            tell,
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(armed);
        Stop(held)
    }

    /// What is to become of a call that has come in.
    pub fn take(&self, call: &Call) -> Option<Pending> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Every one sees every call.
        let fits: Vec<bool> = all.iter_mut().map(|armed| (armed.wanted)(call)).collect();
        let index = fits.into_iter().position(|fits| fits)?;
        let Armed {
            moment,
            wanted: _,
            tell,
        } = all.remove(index);
        Some(Pending { moment, tell })
    }
}

/// A call that will be held up at its moment.
pub struct Pending {
    pub moment: Moment,
    tell: oneshot::Sender<Held>,
}

impl Pending {
    /// Tells the test, and waits for its word. Whether the call goes on.
    pub async fn hold(self) -> bool {
        let (go, word) = oneshot::channel();
        // A test that no longer waits for the call has nothing against it.
        self.tell.send(Held { go }).is_err() || word.await.is_ok()
    }
}
