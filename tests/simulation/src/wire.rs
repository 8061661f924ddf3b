//! Calls between a process and the world: made at one moment, arriving at another, answered at a third or never.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::call::{Answer, Call, Life};
use crate::world::World;

/// A call's number, in the order in which calls are made.
pub type CallId = u64;

struct Slot {
    life: Life,
    call: Call,
    answer: Option<Answer>,
    waker: Option<Waker>,
}

/// All calls that some process waits for.
#[derive(Default)]
pub struct Wire {
    next: CallId,
    slots: BTreeMap<CallId, Slot>,
    /// Those that the world has not heard of yet.
    made: Vec<CallId>,
}

impl Wire {
    /// The calls made since this was asked last.
    pub fn made(&mut self) -> Vec<(CallId, Life, Call)> {
        let made = std::mem::take(&mut self.made);
        made.into_iter()
            .filter_map(|id| {
                let slot = self.slots.get(&id)?;
                Some((id, slot.life, slot.call.clone()))
            })
            .collect()
    }

    /// Whether somebody waits for the answer.
    pub fn is_waited_for(&self, id: CallId) -> bool {
        self.slots
            .get(&id)
            .is_some_and(|slot| slot.answer.is_none())
    }

    /// A call that somebody waits for, and who.
    pub fn waiting(&self, id: CallId) -> Option<(Life, &Call)> {
        let slot = self.slots.get(&id)?;
        slot.answer.is_none().then_some((slot.life, &slot.call))
    }

    /// Hands an answer over, the first time; later ones come too late.
    pub fn answer(&mut self, id: CallId, answer: Answer) {
        if let Some(slot) = self.slots.get_mut(&id)
            && slot.answer.is_none()
        {
            slot.answer = Some(answer);
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }
}

/// The future of a call's answer. Dropping it, as a process that dies does, forgets the call but not what it did.
pub struct Made {
    world: Arc<Mutex<World>>,
    id: CallId,
}

impl Made {
    /// Makes a call.
    pub fn call(world: &Arc<Mutex<World>>, life: Life, call: Call) -> Self {
        let mut locked = world.lock().expect("one thread");
        let wire = &mut locked.wire;
        let id = wire.next;
        wire.next += 1;
        wire.made.push(id);
        let slot = Slot {
            life,
            call,
            answer: None,
            waker: None,
        };
        wire.slots.insert(id, slot);
        Self {
            world: Arc::clone(world),
            id,
        }
    }
}

impl Future for Made {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let mut world = self.world.lock().expect("one thread");
        let slot = world.wire.slots.get_mut(&self.id).expect("it was made");
        if let Some(answer) = slot.answer.take() {
            return Poll::Ready(answer);
        }
        slot.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Ok(mut world) = self.world.lock() {
            world.wire.slots.remove(&self.id);
        }
    }
}
