//! A call from the process to the world and back, and what can become of it on the way.

use eks_upgrade_operator::eks::{EksError, ErrorKind};
use eks_upgrade_operator::simulator::scenario::{FaultKind, FaultSpec};
use eks_upgrade_operator::store::StoreError;

use super::{Fate, Fault, Simulation, Step};
use crate::call::{Answer, Call, Life};
use crate::course::some_time;
use crate::time::{MINUTE, Millis, SECOND, at};
use crate::wire::CallId;
use crate::world::World;

/// How long a process waits for EKS and for the API server.
const EKS_TIMEOUT: Millis = 6 * SECOND;
const API_TIMEOUT: Millis = 4 * SECOND;
/// For how long AWS takes a signature.
const SIGNATURE_LASTS: Millis = 5 * MINUTE;

impl Simulation<'_> {
    /// A process has made a call. It has not left the process yet.
    pub(super) fn called(&mut self, id: CallId, life: Life, call: &Call) {
        if call.is_deed() {
            self.note(|| format!("{life} #{id} {call}"));
        }
        if let Call::Send(_, request, _) = call {
            let now = self.now;
            self.world().oracle.calls(life, request, now);
        }
        if let Call::Cancel(_, request, _) = call {
            let now = self.now;
            let mut world = self.world();
            let World { oracle, model, .. } = &mut *world;
            oracle.cancels(life, request, model, now);
        }
        if self.happens(self.odds.crash) {
            // Whether what was on its way to the socket gets there is open.
            let lasts = some_time(&mut self.rng, 20 * MINUTE);
            let leaves_first = self.rng.bool();
            if leaves_first {
                self.leave(id, life, call.clone());
            }
            self.crash(life.replica, lasts);
            return;
        }
        // Between the last look at the clock and a send is the one moment that matters most.
        let often = if matches!(call, Call::Send(..) | Call::Cancel(..)) {
            5
        } else {
            1
        };
        if self.happens(self.odds.freeze * often) {
            let lasts = some_time(&mut self.rng, 60 * MINUTE);
            self.freeze(life.replica, lasts);
            if self.rng.bool() {
                // Frozen before it left.
                let thaws = self.replicas[life.replica].frozen_until;
                self.then(thaws, Step::Leaves(id, life, Box::new(call.clone())));
                return;
            }
        }
        self.leave(id, life, call.clone());
    }

    /// The call leaves its process.
    pub(super) fn leave(&mut self, id: CallId, life: Life, call: Call) {
        let now = self.now;
        if let Call::Send(target, request, fence) = &call {
            // Signed; then looked at the clock once more, which needs the world.
            if !fence.is_open() {
                self.note(|| format!("#{id} is too late"));
                self.then(now, Step::Answered(id, life, call.unanswered()));
                return;
            }
            let mut world = self.world();
            let World {
                oracle, model, api, ..
            } = &mut *world;
            oracle.leaves(life, target, request, api, model, now);
        }
        if let Call::Cancel(_, request, fence) = &call {
            if !fence.is_open() {
                self.note(|| format!("#{id} is too late"));
                self.then(now, Step::Answered(id, life, call.unanswered()));
                return;
            }
            self.world().oracle.cancel_leaves(life, request, now);
        }
        let (fate, timeout) = match &call {
            Call::Eks(_, question) if self.is_denied(question.operation()) => {
                (Fate::Fault(Fault::Denied), EKS_TIMEOUT)
            }
            Call::Eks(..) => (self.fate_at_eks(false), EKS_TIMEOUT),
            Call::Send(..) | Call::Cancel(..) => (self.fate_at_eks(true), EKS_TIMEOUT),
            Call::Event(..) | Call::Live(_) | Call::Freezes | Call::Write(..) => {
                (self.fate_at_api(), API_TIMEOUT)
            }
        };
        let usual = self.rng.i64(1..150);
        let arrives = match fate {
            Fate::HeldUp => {
                let most = self.held_up(&call);
                now + timeout + some_time(&mut self.rng, most)
            }
            _ => now + usual,
        };
        if fate == Fate::HeldUp {
            self.then(now + timeout, Step::Answered(id, life, call.unanswered()));
        }
        self.then(arrives, Step::Arrives(id, life, Box::new(call), fate, now));
    }

    /// For how long a call may still be on its way after its process has stopped waiting for it.
    fn held_up(&self, call: &Call) -> Millis {
        match call {
            Call::Eks(..) | Call::Send(..) | Call::Cancel(..) => {
                (self.course.held_up - EKS_TIMEOUT).max(0)
            }
            Call::Event(..) | Call::Live(_) | Call::Freezes | Call::Write(..) => MINUTE,
        }
    }

    fn is_denied(&self, operation: &str) -> bool {
        let until = self.denied_until.get(operation);
        until.is_some_and(|until| *until > self.now)
    }

    fn fate_at_eks(&mut self, of_sends: bool) -> Fate {
        if self.eks_down_until > self.now {
            return Fate::LostBefore;
        }
        let odds = self.odds.clone();
        let often = |odds: u32| if of_sends { odds } else { odds / 3 };
        let fates = [
            (often(odds.throttled), Fate::Fault(Fault::Throttled)),
            (often(odds.server_error), Fate::Fault(Fault::ServerError)),
            (often(odds.lost_before), Fate::LostBefore),
            (often(odds.lost_after), Fate::LostAfter),
            (often(odds.malformed), Fate::Fault(Fault::Malformed)),
            (often(odds.denied), Fate::Fault(Fault::Denied)),
            (often(odds.held_up), Fate::HeldUp),
            (
                if of_sends { odds.busy } else { 0 },
                Fate::Fault(Fault::Busy),
            ),
            (
                if of_sends { odds.refused } else { 0 },
                Fate::Fault(Fault::Refused),
            ),
        ];
        self.drawn(&fates)
    }

    fn fate_at_api(&mut self) -> Fate {
        if self.api_down_until > self.now {
            return Fate::LostBefore;
        }
        let odds = self.odds.clone();
        let fates = [
            (odds.api_lost_before, Fate::LostBefore),
            (odds.api_lost_after, Fate::LostAfter),
            (odds.api_held_up, Fate::HeldUp),
            (odds.api_refused, Fate::Fault(Fault::Refused)),
        ];
        self.drawn(&fates)
    }

    fn drawn(&mut self, fates: &[(u32, Fate)]) -> Fate {
        for (odds, fate) in fates {
            if self.happens(*odds) {
                return *fate;
            }
        }
        Fate::Done
    }

    /// The call arrives, whether or not its process still lives.
    pub(super) fn arrives(
        &mut self,
        id: CallId,
        life: Life,
        call: &Call,
        fate: Fate,
        left: Millis,
    ) {
        let is_of_eks = matches!(call, Call::Eks(..) | Call::Send(..) | Call::Cancel(..));
        if fate != Fate::Done {
            self.note(|| format!("#{id} {call} {fate:?}"));
        }
        let answer = match fate {
            Fate::LostBefore => call.unanswered(),
            Fate::LostAfter => {
                self.carried_out(life, call, None);
                call.unanswered()
            }
            Fate::Fault(_) if matches!(call, Call::Freezes) => {
                Answer::Freezes(Err(StoreError::Refused("drawn".to_owned())))
            }
            Fate::Fault(_) if !is_of_eks => {
                Answer::Stored(Err(StoreError::Refused("drawn".to_owned())))
            }
            _ if is_of_eks && self.now - left > SIGNATURE_LASTS => Answer::Eks(Err(expired())),
            Fate::Fault(fault) => self.carried_out(life, call, Some(fault)),
            Fate::Done | Fate::HeldUp => self.carried_out(life, call, None),
        };
        if self.happens(self.odds.crash / 2) {
            let lasts = some_time(&mut self.rng, 20 * MINUTE);
            self.crash(life.replica, lasts);
        }
        let waits = match (&answer, call) {
            (Answer::Eks(Err(error)), _) if error.code == "Timeout" => EKS_TIMEOUT,
            (
                Answer::Stored(Err(StoreError::Unavailable(_)))
                | Answer::Freezes(Err(StoreError::Unavailable(_))),
                _,
            ) => API_TIMEOUT,
            _ => self.rng.i64(0..150),
        };
        self.then(self.now + waits, Step::Answered(id, life, answer));
        self.show_later();
    }

    fn carried_out(&mut self, life: Life, call: &Call, fault: Option<Fault>) -> Answer {
        let now = self.now;
        let mut world = self.world();
        if let Some(fault) = fault {
            world.model.add_fault(spec(fault), at(now));
        }
        let answer = world.carry_out(life, call);
        world.model.clear_faults();
        answer
    }

    /// An answer arrives at its process.
    pub(super) fn answered(&mut self, id: CallId, life: Life, answer: Answer) {
        if !self.world().wire.is_waited_for(id) {
            return;
        }
        if self.happens(self.odds.freeze / 2) {
            let lasts = some_time(&mut self.rng, 60 * MINUTE);
            self.freeze(life.replica, lasts);
        }
        let shared = std::sync::Arc::clone(&self.shared);
        let step = Step::Answered(id, life, answer.clone());
        self.with_process(life, step, |_, _| {
            shared.lock().expect("one thread").answer(id, answer);
        });
    }
}

fn expired() -> EksError {
    EksError {
        kind: ErrorKind::ClockSkew,
        operation: "eks",
        code: "RequestExpired".to_owned(),
        message: "The signature has expired".to_owned(),
        request_id: None,
        clock_behind: None,
    }
}

fn spec(fault: Fault) -> FaultSpec {
    let (kind, code) = match fault {
        Fault::Throttled => (FaultKind::Throttling, None),
        Fault::ServerError => (FaultKind::ServerError, None),
        Fault::Malformed => (FaultKind::Malformed, None),
        Fault::Denied => (FaultKind::AccessDenied, None),
        Fault::Busy => (FaultKind::Error, Some("ResourceInUseException")),
        Fault::Refused => (FaultKind::Error, Some("InvalidRequestException")),
    };
    FaultSpec {
        kind,
        operations: Vec::new(),
        clusters: Vec::new(),
        account_id: None,
        region: None,
        version: None,
        times: None,
        skip: 0,
        from: None,
        until: None,
        probability: None,
        code: code.map(ToOwned::to_owned),
        status: None,
        message: None,
        lasts: None,
        work: None,
    }
}
