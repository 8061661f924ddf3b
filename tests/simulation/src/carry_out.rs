//! What EKS and the API server do when a call arrives, and the oracle's judgement of it.

use std::sync::Arc;

use eks_upgrade_operator::api::ClusterUpgradeStatus;
use eks_upgrade_operator::api::condition::READY;
use eks_upgrade_operator::eks::{CancelRequest, Target, VersionRequest};
use eks_upgrade_operator::simulator::Model;
use eks_upgrade_operator::simulator::memory::{self, Question};
use eks_upgrade_operator::simulator::model::UpdateTruth;
use eks_upgrade_operator::store::{StoreError, Stored};

use crate::call::{Answer, Call, Life};
use crate::ports::body;
use crate::time::{Millis, at};
use crate::wire::CallId;
use crate::world::World;

impl World {
    /// Carries a call out.
    pub fn carry_out(&mut self, life: Life, call: &Call) -> Answer {
        match call {
            Call::Eks(target, question) => {
                if *question == Question::Updates {
                    self.oracle.lists(life, &target.name, self.now);
                }
                Answer::Eks(memory::ask(&mut self.model, target, question, at(self.now)))
            }
            Call::Send(target, request, _) => self.start(target, request),
            Call::Cancel(target, request, _) => self.cancel(target, request),
            Call::Live(key) => Answer::Stored(self.api.get(key).cloned().ok_or(StoreError::Gone)),
            Call::Freezes => {
                let freezes = self.api.freezes().map(|(_, freeze)| freeze.clone());
                Answer::Freezes(Ok(freezes.collect()))
            }
            Call::Write(expected, status) => Answer::Stored(self.write(life, expected, status)),
            Call::Event(..) => {
                self.oracle.deeds += 1;
                Answer::Nothing
            }
        }
    }

    /// Hands an answer over to the process that waits for it.
    pub fn answer(&mut self, id: CallId, answer: Answer) {
        if let (Some((life, Call::Eks(target, question))), Answer::Eks(answer)) =
            (self.wire.waiting(id), &answer)
        {
            self.oracle
                .told(life, &target.name, question, answer, self.now);
        }
        self.wire.answer(id, answer);
    }

    fn start(&mut self, target: &Target, request: &VersionRequest) -> Answer {
        let now = self.now;
        let before = updates(&mut self.model, &target.name, now);
        let question = Question::Start(request.clone());
        let answer = memory::ask(&mut self.model, target, &question, at(now));
        let after = updates(&mut self.model, &target.name, now);
        let new = after
            .iter()
            .find(|update| !before.iter().any(|old| old.id == update.id));
        if let Some(new) = new {
            let (kind, to, id) = (&new.kind, &new.to_version, &new.id);
            self.timeline
                .note(now, || format!("EKS accepts {kind} to {to:?}: {id}"));
            self.oracle.accepted(&before, new, now);
        }
        let (name, to) = (&target.name, request.version);
        match &answer {
            Ok(_) => self
                .timeline
                .outline(|| format!("EKS starts {name} to {to}")),
            Err(error) => {
                self.timeline
                    .note(now, || format!("EKS answers {}", error.code));
                self.timeline
                    .outline(|| format!("EKS answers {name} to {to} with {}", error.code));
                if error.kind.is_definite_refusal() {
                    self.oracle.was_refused(&request.client_request_token);
                }
            }
        }
        Answer::Eks(answer)
    }

    fn cancel(&mut self, target: &Target, request: &CancelRequest) -> Answer {
        let now = self.now;
        let question = Question::Cancel(request.clone());
        let answer = memory::ask(&mut self.model, target, &question, at(now));
        let name = &target.name;
        match &answer {
            Ok(_) => self.timeline.outline(|| format!("EKS cancels in {name}")),
            Err(error) => {
                self.timeline
                    .note(now, || format!("EKS answers {}", error.code));
                self.timeline
                    .outline(|| format!("EKS answers to cancelling in {name} with {}", error.code));
                if error.kind.is_definite_refusal() {
                    self.oracle.refused_to_cancel(&request.update_id);
                }
            }
        }
        Answer::Eks(answer)
    }

    fn write(
        &mut self,
        life: Life,
        expected: &Stored,
        status: &ClusterUpgradeStatus,
    ) -> Result<Arc<Stored>, StoreError> {
        let Self {
            now,
            model,
            api,
            oracle,
            timeline,
            ..
        } = self;
        let before = api.get(&expected.key).cloned();
        let written = api.write_status(expected, status);
        timeline.note(*now, || match &written {
            Ok(written) => {
                let (key, version) = (&written.key, &written.resource_version);
                format!("written: {key} is at {version}")
            }
            Err(error) => format!("not written: {error}"),
        });
        let Some((before, after)) = before.as_ref().zip(written.as_ref().ok()) else {
            oracle.deeds += 1;
            return written;
        };
        if !oracle.is_reading(before, after, *now) {
            oracle.deeds += 1;
        }
        if before.resource_version != after.resource_version {
            timeline.outline(|| outlined(after));
            oracle.wrote(life, before, after, model, api, *now);
        }
        written
    }
}

/// All updates of a cluster, whatever EKS shows.
pub fn updates(model: &mut Model, cluster: &str, now: Millis) -> Vec<UpdateTruth> {
    let mut clusters = model.truth(at(now)).into_iter();
    clusters
        .find(|truth| truth.name == cluster)
        .map(|truth| truth.updates)
        .unwrap_or_default()
}

/// What a written status says, in short.
fn outlined(stored: &Stored) -> String {
    let status = &body(stored).status;
    let mut conditions = status.conditions.iter();
    let ready = conditions.find(|condition| condition.type_ == READY);
    let said = ready.map_or("nothing", |ready| ready.reason.as_str());
    let update = status.update.as_ref().map_or_else(String::new, |update| {
        let state = match (&update.status, update.is_open_intent()) {
            (Some(status), _) => status.to_string(),
            (None, true) => "asked for".to_owned(),
            (None, false) => "accepted".to_owned(),
        };
        format!(", {} to {} {state}", update.kind, update.to_version)
    });
    format!("{} says {said}{update}", stored.key.name)
}
