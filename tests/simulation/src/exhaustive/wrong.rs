//! The one thing that goes wrong.

use eks_upgrade_operator::eks::{EksError, ErrorKind};

use crate::api_server::wiped;
use crate::call::{Answer, Call};
use crate::course::key;
use crate::wire::CallId;

use super::{Board, CLUSTER, FREEZES, Wrong};

impl Board {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        if !(0..2).any(|replica| self.is_looking_on(replica)) {
            wrongs.extend([Wrong::Suspended, Wrong::Labelled, Wrong::Wiped]);
        }
        for (id, (life, call)) in &self.pending {
            if self.is_frozen(life.replica) {
                continue;
            }
            wrongs.push(Wrong::RequestLost(*id));
            if !self.looking_on.contains(id) {
                wrongs.push(Wrong::DiesBefore(*id));
                wrongs.extend(FREEZES.map(|lasts| Wrong::Freezes(*id, lasts)));
            }
            if matches!(call, Call::Send(..) | Call::Write(..)) {
                wrongs.extend([
                    Wrong::DiesAfter(*id),
                    Wrong::AnswerLost(*id),
                    Wrong::HeldUp(*id),
                ]);
            }
            if matches!(call, Call::Send(..)) {
                wrongs.extend([Wrong::Busy(*id), Wrong::Refused(*id)]);
            }
        }
        wrongs
    }

    pub(super) fn go_wrong(&mut self, wrong: Wrong) {
        let key = key(CLUSTER);
        match wrong {
            Wrong::DiesBefore(id) => self.die(id),
            Wrong::DiesAfter(id) => {
                if let Some((life, call)) = self.pending.get(&id).cloned() {
                    self.arrives(life, &call);
                }
                self.die(id);
            }
            Wrong::RequestLost(id) => {
                if let Some((life, call)) = self.pending.remove(&id) {
                    self.answer(id, life, call.unanswered());
                }
            }
            Wrong::AnswerLost(id) => {
                if let Some((life, call)) = self.pending.remove(&id) {
                    self.arrives(life, &call);
                    self.answer(id, life, call.unanswered());
                }
            }
            Wrong::HeldUp(id) => {
                if let Some((life, call)) = self.pending.remove(&id) {
                    let now = self.now;
                    if let Call::Send(target, request, _) = &call {
                        self.leaves(life, target, request);
                    }
                    self.late.insert(id, (life, call.clone(), now));
                    self.answer(id, life, call.unanswered());
                }
            }
            Wrong::Busy(id) => self.answered_with(id, ErrorKind::InUse, "ResourceInUseException"),
            Wrong::Refused(id) => {
                if let Some((_, Call::Send(_, request, _))) = self.pending.get(&id) {
                    let token = request.client_request_token.clone();
                    self.world().oracle.was_refused(&token);
                }
                self.answered_with(id, ErrorKind::Rejected, "InvalidRequestException");
            }
            Wrong::Freezes(id, lasts) => {
                if let Some((life, _)) = self.pending.get(&id) {
                    self.frozen_until[life.replica] = self.now + lasts;
                }
            }
            Wrong::Suspended => {
                self.world().api.edit(&key, |spec| spec.suspend = true);
            }
            Wrong::Labelled => self.world().api.label(&key),
            Wrong::Wiped => {
                let now = self.now;
                let mut world = self.world();
                let uid = world.api.get(&key).map(|stored| stored.uid.clone());
                world.oracle.lost_status(&uid.unwrap_or_default(), now);
                world.api.replace_status(&key, wiped());
            }
        }
    }

    pub(super) fn answered_with(&mut self, id: CallId, kind: ErrorKind, code: &str) {
        if let Some((life, _)) = self.pending.remove(&id) {
            let error = EksError {
                kind,
                operation: "eks:UpdateClusterVersion",
                code: code.to_owned(),
                message: String::new(),
                request_id: None,
                clock_behind: None,
            };
            self.answer(id, life, Answer::Eks(Err(error)));
        }
    }

    /// The process that waits for this call dies, and starts again.
    pub(super) fn die(&mut self, id: CallId) {
        let Some((life, _)) = self.pending.get(&id) else {
            return;
        };
        let replica = life.replica;
        self.pending.retain(|_, (life, _)| life.replica != replica);
        self.processes[replica] = None;
        self.start(replica);
    }
}
